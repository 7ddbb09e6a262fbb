// What the training panel compares: up to four schedules with a factor each, and how they are trained. No page here.
"use strict";

globalThis.comparison = (() => {
  const task = globalThis.trainerTask;
  const MOST_ROWS = 4;
  const LONGEST_TEXT = 40_000; // characters of a link
  const LONGEST_STATE = 10_000; // and of a schedule of the reader's own in it
  const [LEAST, MOST] = [1e-6, 1e3]; // of a factor
  const MOMENTA = [0, 0.5, 0.9, 0.95];
  const RULES = ["pytorch", "keras"];
  const MODELS = ["perceptron", "linear"];

  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const mean = (numbers) => sum(numbers) / numbers.length;
  const deviation = (numbers) => Math.sqrt(sum(numbers.map((x) => (x - mean(numbers)) ** 2)) / (numbers.length - 1));

  // Percentage points, with their sign.
  const signed = (points) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(2)}`;

  // --- Rows: { name, factor } of a named schedule, or { own, factor } of a state of the explorer's, as its text -----

  // What the explorer said of a state: { label, rates, momentum }; the rates are lrlib's.
  const known = new Map();

  const shapeOf = ({ name, own }) => (own === undefined ? task.schedules[name] : known.get(own));
  const labelOf = (row) => shapeOf(row)?.label ?? "Your own";

  // The rate of each update; undefined while the explorer has not computed them.
  const ratesOf = (row) => shapeOf(row)?.rates.map((rate) => rate * row.factor);
  const momentumOf = (row, settings) => shapeOf(row)?.momentum ?? settings.momentum;

  // The row's factor that gives it this mean rate, rounded as a slider rounds.
  function factorFor(row, rate) {
    const own = mean(shapeOf(row).rates);
    return own > 0 ? Number(Math.min(MOST, Math.max(LEAST, rate / own)).toPrecision(4)) : row.factor;
  }

  // The row as a state of the explorer's, for a link to it: lrlib's factor times schedule, over the panel's updates. Some
  // schedules never end, and others end before the last update.
  function stateOf({ name, factor }) {
    const schedule = { kind: "Affine", inner: task.schedules[name].state, scale: factor, shift: 0 };
    return JSON.stringify({ schedule, horizon: task.updates });
  }

  // --- Links --------------------------------------------------------------------------------------------------------

  // The panel's settings as text, which `read` reads back.
  const write = ({ rows, momentum, rule, model }) => JSON.stringify({ rows, momentum, rule, model });

  function demand(condition, reason) {
    if (!condition) throw new Error(reason);
  }

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const shown = (value) => String(JSON.stringify(value)).slice(0, 60);

  function onlyKeys(value, keys, what) {
    const other = Object.keys(value).find((key) => !keys.includes(key));
    demand(other === undefined, `${what} has ${keys.join(", ")}; ${shown(other)} is unknown.`);
  }

  function readRow(row) {
    demand(isObject(row), `A schedule in the link must be an object, got ${shown(row)}.`);
    onlyKeys(row, ["name", "own", "factor"], "A schedule in the link");
    const { name, own, factor } = row;
    if (own === undefined) {
      const names = Object.keys(task.schedules);
      demand(names.includes(name), `The schedule ${shown(name)} is not known; there are ${names.join(", ")}.`);
    } else {
      demand(name === undefined && typeof own === "string", "A schedule of one’s own is a text, and has no name.");
      demand(own.length <= LONGEST_STATE, `A schedule’s text has at most ${LONGEST_STATE} characters.`);
    }
    const fits = typeof factor === "number" && factor >= LEAST && factor <= MOST;
    demand(fits, `A schedule’s factor is a number from ${LEAST} to ${MOST}, got ${shown(factor)}.`);
    return own === undefined ? { name, factor } : { own, factor };
  }

  // The settings in a text that anybody may have written. Throws an Error that says what is allowed.
  function read(text) {
    demand(text.length <= LONGEST_TEXT, `The link is too long: at most ${LONGEST_TEXT} characters are read.`);
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      throw new Error("The link is damaged: it holds no JSON.");
    }
    demand(isObject(data), `The link must hold an object, got ${shown(data)}.`);
    onlyKeys(data, ["rows", "momentum", "rule", "model"], "The link");
    const { rows, momentum = 0.9, rule = "pytorch", model = "perceptron" } = data;
    const fits = Array.isArray(rows) && rows.length >= 1 && rows.length <= MOST_ROWS;
    demand(fits, `The link must hold 1 to ${MOST_ROWS} schedules, got ${shown(rows)}.`);
    demand(MOMENTA.includes(momentum), `The momentum is one of ${MOMENTA.join(", ")}, got ${shown(momentum)}.`);
    demand(RULES.includes(rule), `The rule is one of ${RULES.join(", ")}, got ${shown(rule)}.`);
    demand(MODELS.includes(model), `The model is one of ${MODELS.join(", ")}, got ${shown(model)}.`);
    return { rows: rows.map(readRow), momentum, rule, model };
  }

  // --- The law ------------------------------------------------------------------------------------------------------

  // After how many updates the held-out loss is measured, and foretold.
  const marks = Array.from({ length: task.marks }, (_, i) => Math.floor((task.updates * (i + 1)) / task.marks));

  function lossesBy([floor, scale, power, offset, noise], rates) {
    let area = 0;
    const losses = rates.map((rate) => {
      area += rate;
      return floor + scale * (area + offset) ** -power + noise * rate;
    });
    return marks.map((t) => losses[t - 1]);
  }

  // lrlib.course.prediction's Law: predict, and interval's jackknife. { losses, low, high }, one each at the marks.
  function foretell(rates) {
    const { fit, without } = task.law;
    const losses = lossesBy(fit, rates);
    const others = without.map((numbers) => lossesBy(numbers, rates).map(Math.log));
    const spread = (i) => (others.length - 1) * deviation(others.map((one) => one[i])); // of the pseudo-values
    const half = losses.map((_, i) => spread(i) * task.halfWidth);
    return {
      losses,
      low: losses.map((loss, i) => loss * Math.exp(-half[i])),
      high: losses.map((loss, i) => loss * Math.exp(half[i])),
    };
  }

  // --- Results ------------------------------------------------------------------------------------------------------

  function median(numbers) {
    const sorted = [...numbers].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  // The mean over the runs at each mark that all have reached, with the ends of its 95 % interval.
  function meanCurve(curves) {
    const length = Math.min(...curves.map((curve) => curve.length));
    return Array.from({ length }, (_, i) => interval(curves.map((curve) => curve[i])));
  }

  // The median over the runs at each mark that all have reached; a loss that is not finite counts as the highest.
  function medianCurve(curves) {
    const length = Math.min(...curves.map((curve) => curve.length));
    const finite = (loss) => (Number.isFinite(loss) ? loss : Infinity);
    return Array.from({ length }, (_, i) => median(curves.map((curve) => finite(curve[i]))));
  }

  // The mean and its 95 % interval, by Student's t.
  function interval(numbers) {
    const half = deviation(numbers) * task.halfWidth;
    return { mean: mean(numbers), low: mean(numbers) - half, high: mean(numbers) + half };
  }

  // How much better in test accuracy these runs are than others, seed by seed.
  const difference = (runs, others) => interval(runs.map(({ test }, i) => test - others[i].test));

  // The runs of one schedule in numbers: mean accuracy with its interval, lost runs, and the median of the last loss.
  function summary(runs) {
    const accuracies = runs.map(({ test }) => test);
    return {
      accuracies,
      ...interval(accuracies),
      lost: runs.filter(({ lost }) => lost).length,
      loss: medianCurve(runs.map(({ watched }) => watched)).at(-1),
    };
  }

  return {
    LEAST, MOST, MOST_ROWS, difference, factorFor, foretell, known, labelOf, marks, mean, meanCurve, medianCurve, momentumOf,
    ratesOf, read, signed, stateOf, summary, write,
  };
})();
