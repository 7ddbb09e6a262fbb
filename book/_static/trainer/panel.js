// The training panel: choose up to four schedules, see what the law foretells of them, and train with them here.
"use strict";

(() => {
  const { Chart, Trainer, comparison, trainerTask: task } = globalThis;
  const { element } = globalThis.elements;
  const { count, short } = Chart;
  const { labelOf, ratesOf, marks } = comparison;
  const REST = 400; // milliseconds that a slider rests before the address and the status follow
  const SLIDER = { least: 0.001, most: 3, positions: 100 }; // of the highest rate, logarithmic
  const CLEAR = 2; // decimals of an accuracy in percent

  const part = (name) => document.getElementById(`training-${name}`);
  const say = (text) => { part("state").textContent = text; };
  const refuse = (error) => { part("error").textContent = error.message; };

  let settings = {
    rows: [{ name: "constant", factor: 0.1 }, { name: "linear", factor: 0.1 }],
    momentum: 0.9,
    rule: "pytorch",
  };
  let training; // the AbortController of the run that is going on
  let curves = []; // of each row: the measured losses, one array a seed
  let results = []; // of each row: what the trainer gave
  let debounce;

  const trainer = new Trainer();
  const charts = {
    rates: new Chart({ onPoint: (t) => charts.rates.point(Math.max(0, Math.min(task.updates - 1, Math.round(t)))) }),
    losses: new Chart(),
    dots: new Chart(),
  };

  const style = (i) => `series-${i + 1}`;

  // --- The rows -----------------------------------------------------------------------------------------------------

  function toPosition(rate) {
    const share = Math.log(Math.max(rate, SLIDER.least) / SLIDER.least) / Math.log(SLIDER.most / SLIDER.least);
    return Math.round(Math.min(1, share) * SLIDER.positions);
  }

  function toRate(position) {
    return Number((SLIDER.least * (SLIDER.most / SLIDER.least) ** (position / SLIDER.positions)).toPrecision(2));
  }

  function options(chosen) {
    return Object.entries(task.schedules).map(([value, { label }]) =>
      element("option", { value, selected: value === chosen }, label),
    );
  }

  // Labelled controls of a row: which schedule, its highest rate, and a button that takes it away.
  function buildRow(row, i) {
    const id = (name) => `training-${name}-${i}`;
    const set = element("fieldset", { className: style(i) });
    const legend = element("legend", {}, element("span", { className: "chip", ariaHidden: "true" }), ` Schedule ${i + 1}`);
    const number = element("input", { id: id("factor"), type: "text", inputMode: "decimal", autocomplete: "off" });
    const slider = element("input", { type: "range", min: 0, max: SLIDER.positions });
    const factor = row.own === undefined ? "Highest rate" : "Times";
    slider.setAttribute("aria-label", `${factor}, slider (schedule ${i + 1})`);
    number.addEventListener("change", () => enterFactor(i, number));
    slider.addEventListener("input", () => change(i, { factor: toRate(Number(slider.value)) }));
    set.append(
      legend,
      which(row, i, id("name")),
      element("label", { htmlFor: number.id }, factor),
      number,
      slider,
      element("output", { id: id("mean"), htmlFor: number.id }),
      remove(i),
    );
    if (row.own === undefined) set.append(element("a", { id: id("open") }, "Open it in the explorer"));
    return set;
  }

  function which(row, i, id) {
    if (row.own !== undefined) return element("span", { id, className: "training-own" });
    const select = element("select", { id }, ...options(row.name));
    select.addEventListener("change", () => change(i, { name: select.value }));
    return element("span", {}, element("label", { htmlFor: id, className: "training-hidden" }, `Schedule ${i + 1}`), select);
  }

  function remove(i) {
    const button = element("button", { type: "button", hidden: settings.rows.length === 1 }, "Remove");
    button.setAttribute("aria-label", `Remove schedule ${i + 1}`);
    button.addEventListener("click", () => {
      settings.rows.splice(i, 1);
      rebuild();
      changed();
      part("add").focus();
    });
    return button;
  }

  function enterFactor(i, field) {
    const factor = Number(field.value.trim() || NaN);
    if (factor >= comparison.LEAST && factor <= comparison.MOST) return change(i, { factor });
    field.setAttribute("aria-invalid", "true");
    return refuse(
      new Error(`A rate is a number from ${comparison.LEAST} to ${comparison.MOST}, got “${field.value.slice(0, 60)}”.`),
    );
  }

  function change(i, edit) {
    Object.assign(settings.rows[i], edit);
    changed();
  }

  function rebuild() {
    part("rows").replaceChildren(...settings.rows.map(buildRow));
  }

  function showRow(row, i) {
    const at = (name) => part(`${name}-${i}`);
    const slider = part("rows").children[i].querySelector("input[type=range]");
    at("factor").value = row.factor;
    at("factor").removeAttribute("aria-invalid");
    if (document.activeElement !== slider) slider.value = toPosition(row.factor);
    slider.setAttribute("aria-valuetext", String(row.factor));
    const rates = ratesOf(row);
    at("mean").textContent = rates ? `mean rate ${short(comparison.mean(rates))}` : "its rates are not known yet";
    if (row.own === undefined) at("open").href = `#s=${encodeURIComponent(comparison.stateOf(row))}`;
    else at("name").textContent = rates ? labelOf(row) : "Your own: press Start below, and lrlib computes its rates.";
  }

  // --- What is shown ------------------------------------------------------------------------------------------------

  // Rows whose rates are known, with their number.
  const drawable = () => settings.rows.map((row, i) => ({ row, i, rates: ratesOf(row) })).filter(({ rates }) => rates);

  function drawRates() {
    const rows = drawable();
    const series = rows.map(({ rates, i }) => ({ points: rates.map((rate, t) => [t, rate]), style: style(i) }));
    const words = rows.map(({ row, rates }) => `${labelOf(row)}: from ${short(rates[0])} to ${short(rates.at(-1))}`);
    const span = { x: [0, task.updates] };
    charts.rates.draw({ series, x: "updates", y: "learning rate", span, label: `Learning rates. ${words.join("; ")}.` });
    part("legend").replaceChildren(
      ...settings.rows.map((row, i) => {
        const chip = element("span", { className: `chip ${style(i)}`, ariaHidden: "true" });
        return element("li", {}, chip, ` ${labelOf(row)}, ${row.own === undefined ? "" : "× "}${row.factor}`);
      }),
    );
  }

  const isPredicting = () => part("predict").getAttribute("aria-pressed") === "true";
  // The law knows the momentum and the rule that its runs were made with, and no schedule of the momentum.
  const holdsHere = () => settings.momentum === 0.9 && settings.rule === "pytorch";

  function predictedSeries() {
    if (!isPredicting() || !holdsHere()) return [];
    return drawable().filter(({ row }) => !comparison.known.get(row.own)?.momentum).flatMap(({ rates, i }) => {
      const { losses, low, high } = comparison.foretell(rates);
      const points = (values) => marks.map((t, k) => [t, values[k]]);
      return [
        { points: points(low), upper: high, style: style(i), marked: false },
        { points: points(losses), style: `predicted ${style(i)}`, marked: false },
      ];
    });
  }

  function trainedSeries() {
    return curves.flatMap((seeds, i) => {
      if (!seeds?.[0]?.length) return [];
      const points = (losses) => losses.map((loss, k) => [marks[k], loss]);
      const thin = seeds.map((losses) => ({ points: points(losses), style: `thin ${style(i)}`, marked: false }));
      return [...thin, { points: points(comparison.medianCurve(seeds)), style: style(i), marked: false }];
    });
  }

  function drawLosses() {
    const series = [...predictedSeries(), ...trainedSeries()];
    part("losses").toggleAttribute("data-empty", !series.length);
    if (!series.length) return;
    const finite = series.flatMap(({ points }) => points.map(([, loss]) => loss)).filter(Number.isFinite);
    const most = Math.min(Math.max(2.5, ...finite), 5); // a run that is lost leaves at the top
    charts.losses.draw({
      series,
      x: "updates",
      y: "held-out loss",
      log: true,
      span: { x: [0, task.updates], y: [0.9 * Math.min(0.1, ...finite), most] },
      label: lossWords(),
    });
  }

  function lossWords() {
    const trained = results.map((runs, i) => runs && `${labelOf(settings.rows[i])} ended at ${short(comparison.summary(runs).loss)}`);
    const foretold = predictedSeries().length ? drawable().map(({ row, rates }) =>
      `${labelOf(row)} is foretold to end at ${short(comparison.foretell(rates).losses.at(-1))}`) : [];
    return `Held-out loss. ${[...foretold, ...trained.filter(Boolean)].join("; ")}.`;
  }

  function showLaw() {
    part("law").hidden = !isPredicting();
    part("law").textContent = holdsHere()
      ? `Dotted: the loss that a law with five numbers foretells, with a band for the choice of its seeds. The law was ` +
        `fitted on two stored runs of this network. On sixteen others its last loss was ` +
        `${Math.round(100 * task.law.error)} % off in the median. It knows no stability limit.`
      : "The law was fitted on runs with momentum 0.9 by PyTorch’s rule. Choose these to see what it foretells.";
  }

  const percent = (accuracy) => `${accuracy.toFixed(CLEAR)} %`;

  const signed = (points) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(CLEAR)}`;

  // The difference to the first schedule, seed by seed, with its interval.
  function against(runs) {
    const { mean, low, high } = comparison.difference(runs, results[0]);
    const open = low <= 0 && high >= 0 ? ": these seeds leave it open" : "";
    return `${signed(mean)} points (${signed(low)} to ${signed(high)})${open}`;
  }

  // The result in a sentence.
  function finding() {
    const trained = settings.rows.map((row, i) => ({ row, i, runs: results[i] })).filter(({ runs }) => runs);
    const said = trained.map(({ row, i, runs }) => {
      const { mean, lost } = comparison.summary(runs);
      const difference = i > 0 && results[0] ? `, ${against(runs)}` : "";
      return `${i + 1}: ${labelOf(row)} ${percent(mean)}${difference}${lost ? `; ${lost} runs lost` : ""}.`;
    });
    return said.join(" ");
  }

  function showResults() {
    const rows = settings.rows.map((row, i) => ({ row, i, runs: results[i] })).filter(({ runs }) => runs);
    part("results").hidden = !rows.length;
    if (!rows.length) return;
    part("table").replaceChildren(
      ...rows.map(({ row, i, runs }) => {
        const { mean, low, high, lost, loss } = comparison.summary(runs);
        const first = results[0] && i > 0 ? against(runs) : "–";
        const cells = [`${percent(mean)} (${low.toFixed(CLEAR)} to ${high.toFixed(CLEAR)})`, first, `${lost} of ${runs.length}`, short(loss)];
        const head = element("th", { scope: "row" }, element("span", { className: `chip ${style(i)}`, ariaHidden: "true" }), ` ${labelOf(row)}`);
        return element("tr", {}, head, ...cells.map((text) => element("td", {}, text)));
      }),
    );
    drawDots(rows);
  }

  function drawDots(rows) {
    const series = rows.flatMap(({ i, runs }, place) => {
      const { accuracies, low, high, mean } = comparison.summary(runs);
      const at = rows.length - 1 - place;
      return [
        { points: accuracies.map((one) => [one, at + 0.15]), style: `dots ${style(i)}`, marked: false },
        { points: [[low, at - 0.15], [high, at - 0.15]], style: `interval ${style(i)}`, marked: false },
        { points: [[mean, at - 0.15]], style: `dots middle ${style(i)}`, marked: false },
      ];
    });
    const all = series.flatMap(({ points }) => points.map(([accuracy]) => accuracy)).filter(Number.isFinite);
    const span = { x: [Math.max(0, Math.floor(Math.min(...all) - 0.5)), Math.min(100, Math.ceil(Math.max(...all) + 0.5))], y: [-0.5, rows.length - 0.5] };
    const labels = rows.map(({ i }, place) => [rows.length - 1 - place, String(i + 1)]);
    const words = rows.map(({ row, runs }) => `${labelOf(row)} ${percent(comparison.summary(runs).mean)}`);
    charts.dots.svg.style.height = `${4.5 + 2.5 * rows.length}rem`;
    charts.dots.draw({ series, x: "test accuracy, %", y: "a dot a seed; below, the mean and its 95 % interval", span, labels, label: `Test accuracies. ${words.join("; ")}.` });
  }

  // --- Changes ------------------------------------------------------------------------------------------------------

  function show() {
    settings.rows.forEach(showRow);
    part("momentum").value = settings.momentum;
    part("rule").value = settings.rule;
    part("add").disabled = settings.rows.length === comparison.MOST_ROWS;
    part("level").disabled = drawable().length < 2;
    drawRates();
    showLaw();
    drawLosses();
    showResults();
    const link = new URL(location.href);
    link.hash = `t=${encodeURIComponent(comparison.write(settings))}`;
    part("link").value = link.href;
  }

  // After an edit: what was trained belongs to other settings.
  function changed() {
    training?.abort();
    [curves, results] = [[], []];
    part("error").textContent = "";
    show();
    clearTimeout(debounce);
    debounce = setTimeout(() => {
      history.replaceState(null, "", part("link").value);
      say(drawable().map(({ row, rates }) => `${labelOf(row)}: mean rate ${short(comparison.mean(rates))}.`).join(" "));
    }, REST);
  }

  function open(hash) {
    if (!hash.startsWith("#t=")) return;
    try {
      let text;
      try {
        text = decodeURIComponent(hash.slice(3));
      } catch {
        throw new Error("The link is damaged: its text cannot be decoded.");
      }
      settings = comparison.read(text);
      training?.abort();
      [curves, results] = [[], []];
      part("error").textContent = "";
      rebuild();
      show();
    } catch (error) {
      refuse(error);
    }
  }

  // --- Training -----------------------------------------------------------------------------------------------------

  // Once a frame: what came in between is drawn together.
  let frame;
  function drawSoon() {
    frame ??= requestAnimationFrame(() => {
      frame = undefined;
      drawLosses();
    });
  }

  async function trainRow({ row, i, rates }, signal) {
    const wanted = { rates, momentum: comparison.momentumOf(row, settings), rule: settings.rule, marks: task.marks };
    const onProgress = ({ updates, watched }) => {
      curves[i] = watched;
      say(`${labelOf(row)}: ${count(updates)} of ${count(task.updates)} updates.`);
      drawSoon();
    };
    try {
      results[i] = await trainer.train(wanted, { signal, onProgress });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Error(`Schedule ${i + 1} was not trained: ${error.message}.`);
    }
    curves[i] = results[i].map(({ watched }) => watched);
  }

  async function train() {
    training?.abort();
    const controller = new AbortController();
    training = controller;
    [curves, results] = [[], []];
    part("error").textContent = "";
    part("stop").hidden = false;
    say("Loading the digits …");
    const began = performance.now();
    const rows = drawable();
    try {
      for (const row of rows) await trainRow(row, controller.signal);
      const seconds = (performance.now() - began) / 1000;
      const runs = rows.length * task.seeds;
      say(`Trained ${runs} networks in ${seconds.toFixed(1)} seconds. ${finding()}`);
    } catch (error) {
      if (!controller.signal.aborted) refuse(error);
      else if (training === controller) say("Stopped.");
    }
    if (training !== controller) return; // a later press has taken over
    part("stop").hidden = true;
    drawLosses();
    showResults();
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(part("link").value);
      say("Copied.");
    } catch { // no permission, or no secure address
      part("link").select();
      say("Selected: press Ctrl+C to copy.");
    }
  }

  function add(row) {
    if (settings.rows.length === comparison.MOST_ROWS) settings.rows.pop();
    settings.rows.push(row);
    rebuild();
    changed();
  }

  function level() {
    const [first, ...others] = drawable();
    const rate = comparison.mean(first.rates);
    for (const { row } of others) row.factor = comparison.factorFor(row, rate);
    changed();
  }

  function listen() {
    part("add").addEventListener("click", () => {
      const used = settings.rows.map(({ name }) => name);
      add({ name: Object.keys(task.schedules).find((name) => !used.includes(name)), factor: settings.rows[0].factor });
    });
    part("level").addEventListener("click", level);
    for (const name of ["momentum", "rule"]) {
      part(name).addEventListener("change", ({ target }) => {
        settings[name] = name === "rule" ? target.value : Number(target.value);
        changed();
      });
    }
    part("predict").addEventListener("click", ({ target }) => {
      target.setAttribute("aria-pressed", String(!isPredicting()));
      showLaw();
      drawLosses();
    });
    part("train").addEventListener("click", train);
    for (const type of ["pointerenter", "focus"]) {
      part("train").addEventListener(type, () => trainer.load().catch(() => {}), { once: true }); // a press will say why
    }
    part("stop").addEventListener("click", () => {
      training.abort();
      part("train").focus();
    });
    part("copy").addEventListener("click", copy);
    addEventListener("hashchange", ({ newURL }) => open(new URL(newURL).hash));
  }

  // For the explorer: schedules of the reader's own, whose rates it asks lrlib for.
  globalThis.trainingPanel = {
    // States, as text, whose rates are wanted.
    wanted: () => settings.rows.map(({ own }) => own).filter((own) => own !== undefined && !comparison.known.has(own)),
    // A wanted state's { label, rates, momentum }.
    tell(own, computed) {
      comparison.known.set(own, computed);
      show();
    },
    add(own, computed) {
      comparison.known.set(own, computed);
      add({ own, factor: 1 });
      part("panel").scrollIntoView();
      part("train").focus({ preventScroll: true });
    },
    refuse,
  };

  part("why").remove();
  part("panel").hidden = false;
  part("rates").append(charts.rates.svg);
  part("losses").append(charts.losses.svg);
  part("dots").append(charts.dots.svg);
  rebuild();
  listen();
  show();
  open(location.hash);
})();
