// What the training panel shows of a comparison: the rates, the losses foretold and measured, and the results.
"use strict";

globalThis.trainingView = (() => {
  const { Chart, comparison, linearModel, trainerTask: task } = globalThis;
  const { element } = globalThis.elements;
  const { short } = Chart;
  const { labelOf, marks, ratesOf, signed } = comparison;
  const DIGITS = 2; // decimals of an accuracy in percent
  const FAR = 1e6; // a loss that is only said to be larger, as is one that is no number any more
  const HIGHEST = 5; // loss that is drawn: the line of a run that is lost leaves at the top

  const part = (name) => document.getElementById(`training-${name}`);
  const style = (i) => `series-${i + 1}`;
  const percent = (accuracy) => `${accuracy.toFixed(DIGITS)} %`;
  const chip = (i) => element("span", { className: `chip ${style(i)}`, ariaHidden: "true" });
  const toUpdate = (t) => Math.max(0, Math.min(task.updates - 1, Math.round(t)));

  const charts = {
    rates: new Chart({ onPoint: (t) => charts.rates.point(toUpdate(t)) }),
    losses: new Chart(),
    dots: new Chart(),
  };

  // Rows whose rates are known, with their number.
  const drawable = (rows) => rows.map((row, i) => ({ row, i, rates: ratesOf(row) })).filter(({ rates }) => rates);

  // --- Rates --------------------------------------------------------------------------------------------------------

  function drawRates(rows) {
    const shown = drawable(rows);
    const series = shown.map(({ rates, i }) => ({ points: rates.map((rate, t) => [t, rate]), style: style(i) }));
    const words = shown.map(({ row, rates }) => `${labelOf(row)}: from ${short(rates[0])} to ${short(rates.at(-1))}`);
    const label = words.length ? `Learning rates. ${words.join("; ")}.` : "No learning rates are known yet.";
    charts.rates.draw({ series, x: "updates", y: "learning rate", span: { x: [0, task.updates] }, label });
    part("legend").replaceChildren(
      ...rows.map((row, i) => {
        const times = row.own === undefined ? "" : "× ";
        return element("li", {}, chip(i), ` ${labelOf(row)}, ${times}${row.factor}`);
      }),
    );
  }

  // --- Losses -------------------------------------------------------------------------------------------------------

  const isLinear = ({ model }) => model === "linear";

  // The law knows the momentum and the rule that its runs were made with, and no schedule of the momentum.
  const isForetold = ({ momentum, rule }) => momentum === 0.9 && rule === "pytorch";

  function foretold(settings) {
    if (isLinear(settings)) return exactly(settings.rows);
    if (!isForetold(settings)) return [];
    const rows = drawable(settings.rows).filter(({ row }) => !comparison.known.get(row.own)?.momentum);
    return rows.map(({ row, i, rates }) => ({ row, i, ...comparison.foretell(rates) }));
  }

  // The linear regression's expected losses: no band, for nothing is fitted.
  function exactly(rows) {
    return drawable(rows).map(({ row, i, rates }) => {
      const losses = linearModel.expected(rates);
      return { row, i, losses: marks.map((t) => losses[t - 1]) };
    });
  }

  const points = (losses) => losses.map((loss, k) => [marks[k], loss]);

  function foretoldSeries(rows) {
    return rows.flatMap(({ i, losses, low, high }) => [
      ...(low ? [{ points: points(low), upper: high, style: style(i), marked: false }] : []),
      { points: points(losses), style: `predicted ${style(i)}`, marked: false },
    ]);
  }

  // The middle of a row's seeds: their median or, of the linear regression, their mean with its interval as a band.
  function middle(settings, seeds, i) {
    if (!isLinear(settings)) return [{ points: points(comparison.medianCurve(seeds)), style: style(i), marked: false }];
    const curve = comparison.meanCurve(seeds);
    const [mean, low, high] = ["mean", "low", "high"].map((name) => curve.map((one) => one[name]));
    return [
      { points: points(low), upper: high, style: style(i), marked: false },
      { points: points(mean), style: style(i), marked: false },
    ];
  }

  // A thin line a seed, and their middle; `curves` has an array of losses a seed for each row.
  function measuredSeries(settings, curves) {
    return curves.flatMap((seeds, i) => {
      if (!seeds?.[0]?.length) return [];
      const thin = seeds.map((losses) => ({ points: points(losses), style: `thin ${style(i)}`, marked: false }));
      return [...thin, ...middle(settings, seeds, i)];
    });
  }

  // `predicting`: whether the law's losses are drawn too.
  function drawLosses(settings, curves, predicting) {
    const said = predicting ? foretold(settings) : [];
    const series = [...foretoldSeries(said), ...measuredSeries(settings, curves)];
    part("losses").toggleAttribute("data-empty", !series.length);
    if (!series.length) return;
    const finite = series.flatMap(({ points }) => points.map(([, loss]) => loss)).filter(Number.isFinite);
    const [low, high] = [0.9 * Math.min(0.1, ...finite), Math.min(HIGHEST, Math.max(2.5, ...finite))];
    const span = { x: [0, task.updates], y: [low, high] };
    const ends = [
      ...said.map(({ row, losses }) => `${labelOf(row)} is foretold to end at ${short(losses.at(-1))}`),
      ...curves.flatMap((seeds, i) => {
        const curve = seeds ? middle(settings, seeds, i).at(-1).points : [];
        return curve.length === marks.length ? [`${labelOf(settings.rows[i])} ended at ${short(curve.at(-1)[1])}`] : [];
      }),
    ];
    const y = isLinear(settings) ? "loss" : "held-out loss";
    charts.losses.draw({ series, x: "updates", y, log: true, span, label: `${y}: ${ends.join("; ")}.` });
  }

  // What the law is, and where it says nothing.
  function lawInWords(settings) {
    if (isLinear(settings)) {
      return (
        `Dotted: the expected loss of a linear regression with ${task.linear.x[0].length} weights, under plain SGD on ` +
        `batches of ${task.linear.batch} random rows. It is exact at any rate: computed from the data, with nothing fitted. ` +
        "Train, and the mean of ten seeds is drawn with its 95 % interval as a band."
      );
    }
    if (!isForetold(settings)) {
      return "The law was fitted on runs with momentum 0.9 by PyTorch’s rule. Choose these to see what it foretells.";
    }
    return (
      "Dotted: the loss that a law with five numbers foretells, with a band for the choice of its seeds. The law was " +
      `fitted on two stored runs of this network. On ${task.law.unseen} others its last loss was ` +
      `${Math.round(100 * task.law.error)} % off in the median. It knows no stability limit.`
    );
  }

  // --- Results ------------------------------------------------------------------------------------------------------

  // Rows that were trained; `results` has their runs.
  const trained = (rows, results) =>
    rows.map((row, i) => ({ row, i, runs: results[i] })).filter(({ runs }) => runs);

  // The difference to the first schedule, seed by seed, with its interval.
  function against(runs, first) {
    const { mean, low, high } = comparison.difference(runs, first);
    const open = low <= 0 && high >= 0 ? ": these seeds leave it open" : "";
    return `${signed(mean)} points (${signed(low)} to ${signed(high)})${open}`;
  }

  // The result in a sentence a schedule.
  function resultInWords(rows, results) {
    const sentences = trained(rows, results).map(({ row, i, runs }) => {
      const { mean, lost } = comparison.summary(runs);
      const difference = i > 0 && results[0] ? `, ${against(runs, results[0])}` : "";
      return `${i + 1}: ${labelOf(row)} ${percent(mean)}${difference}${lost ? `; ${lost} runs lost` : ""}.`;
    });
    return sentences.join(" ");
  }

  // How each row's ten linear regressions ended, beside what was expected.
  function linearInWords(rows, curves) {
    return exactly(rows).map(({ row, i, losses }) => {
      const { mean, low, high } = comparison.meanCurve(curves[i]).at(-1);
      const found = mean < FAR ? `${short(mean)} (${short(low)} to ${short(high)})` : "more than a million";
      const expected = losses.at(-1) < FAR ? short(losses.at(-1)) : "more than a million";
      return `${i + 1}: ${labelOf(row)} ends at ${found}, expected ${expected}.`;
    }).join(" ");
  }

  function resultRow({ row, i, runs }, first) {
    const { mean, low, high, lost, loss } = comparison.summary(runs);
    const cells = [
      `${percent(mean)} (${low.toFixed(DIGITS)} to ${high.toFixed(DIGITS)})`,
      first && i > 0 ? against(runs, first) : "–",
      `${lost} of ${runs.length}`,
      short(loss),
    ];
    const head = element("th", { scope: "row" }, chip(i), ` ${labelOf(row)}`);
    return element("tr", {}, head, ...cells.map((text) => element("td", {}, text)));
  }

  function showResults(rows, results) {
    const shown = trained(rows, results);
    part("results").hidden = !shown.length;
    if (!shown.length) return;
    part("table").replaceChildren(...shown.map((one) => resultRow(one, results[0])));
    drawDots(shown);
  }

  // A row of dots a schedule, the first at the top, and below it the mean with its interval.
  function drawDots(shown) {
    const series = shown.flatMap(({ i, runs }, place) => {
      const { accuracies, low, high, mean } = comparison.summary(runs);
      const at = shown.length - 1 - place;
      return [
        { points: accuracies.map((one) => [one, at + 0.15]), style: `dots ${style(i)}`, marked: false },
        { points: [[low, at - 0.15], [high, at - 0.15]], style: `interval ${style(i)}`, marked: false },
        { points: [[mean, at - 0.15]], style: `dots middle ${style(i)}`, marked: false },
      ];
    });
    const all = series.flatMap(({ points }) => points.map(([accuracy]) => accuracy));
    const [low, high] = [Math.floor(Math.min(...all) - 0.5), Math.ceil(Math.max(...all) + 0.5)];
    const words = shown.map(({ row, runs }) => `${labelOf(row)} ${percent(comparison.summary(runs).mean)}`);
    charts.dots.svg.style.height = `${4.5 + 2.5 * shown.length}rem`;
    charts.dots.draw({
      series,
      x: "test accuracy, %",
      y: "a dot a seed; below, the mean and its 95 % interval",
      span: { x: [Math.max(0, low), Math.min(100, high)], y: [-0.5, shown.length - 0.5] },
      labels: shown.map(({ i }, place) => [shown.length - 1 - place, String(i + 1)]),
      label: `Test accuracies. ${words.join("; ")}.`,
    });
  }

  return { charts, chip, drawable, drawLosses, drawRates, lawInWords, linearInWords, resultInWords, showResults, style };
})();
