// The training panel: choose up to four schedules, see what the law foretells of them, and train with them here.
"use strict";

(() => {
  const { Chart, Trainer, comparison, trainerTask: task, trainingView: view } = globalThis;
  const { element } = globalThis.elements;
  const { count, short } = Chart;
  const { labelOf, ratesOf } = comparison;
  const REST = 400; // milliseconds that a slider rests before the address and the status follow
  const SLIDER = { least: 0.001, most: 3, positions: 100 }; // of the highest rate, logarithmic

  const part = (name) => document.getElementById(`training-${name}`);
  const say = (text) => { part("state").textContent = text; };
  const refuse = (error) => { part("error").textContent = error.message; };

  let settings = {
    rows: [{ name: "constant", factor: 0.1 }, { name: "linear", factor: 0.1 }],
    momentum: 0.9,
    rule: "pytorch",
    model: "perceptron",
  };
  let training; // the AbortController of the run that is going on
  let curves = []; // of each row: the measured losses, one array a seed
  let results = []; // of each row: what the trainer gave
  let debounce;

  const trainer = new Trainer();
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
    const set = element("fieldset", { className: view.style(i) });
    const legend = element("legend", {}, view.chip(i), ` Schedule ${i + 1}`);
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
    const label = element("label", { htmlFor: id, className: "training-hidden" }, `Schedule ${i + 1}`);
    return element("span", {}, label, select);
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
    const got = field.value.slice(0, 60);
    return refuse(new Error(`A rate is a number from ${comparison.LEAST} to ${comparison.MOST}, got “${got}”.`));
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

  const isLinear = () => settings.model === "linear";
  const isPredicting = () => part("predict").getAttribute("aria-pressed") === "true";
  const drawable = () => view.drawable(settings.rows);

  function drawLosses() {
    part("law").hidden = !isPredicting();
    part("law").textContent = view.lawInWords(settings);
    view.drawLosses(settings, curves, isPredicting());
  }

  // --- Changes ------------------------------------------------------------------------------------------------------

  function show() {
    settings.rows.forEach(showRow);
    for (const name of ["momentum", "rule", "model"]) part(name).value = settings[name];
    for (const name of ["momentum", "rule"]) part(name).disabled = isLinear(); // which has plain SGD
    part("add").disabled = settings.rows.length === comparison.MOST_ROWS;
    part("level").disabled = drawable().length < 2;
    view.drawRates(settings.rows);
    drawLosses();
    view.showResults(settings.rows, results);
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

  // Ten seeds of the linear regression for each row, at once: they take milliseconds.
  async function trainLinear(rows, signal) {
    await trainer.load(); // its random numbers
    signal.throwIfAborted(); // the rows may have changed while it loaded
    const { Random } = trainerCore();
    const seeds = Array.from({ length: task.seeds }, (_, seed) => seed);
    for (const { i, rates } of rows) {
      curves[i] = seeds.map((seed) => linearModel.train(rates, comparison.marks, new Random([seed, 0])));
    }
  }

  async function trainNetworks(rows, signal) {
    for (const row of rows) await trainRow(row, signal);
  }

  async function train() {
    training?.abort();
    clearTimeout(debounce); // it would say the rates over the result of a run that takes less than its rest
    history.replaceState(null, "", part("link").value);
    const controller = new AbortController();
    training = controller;
    [curves, results] = [[], []];
    part("error").textContent = "";
    part("stop").hidden = false;
    say("Loading …");
    const began = performance.now();
    const rows = drawable();
    try {
      await (isLinear() ? trainLinear : trainNetworks)(rows, controller.signal);
      const seconds = (performance.now() - began) / 1000;
      const what = `${rows.length * task.seeds} ${isLinear() ? "linear regressions" : "networks"}`;
      const found = isLinear() ? view.linearInWords(settings.rows, curves) : view.resultInWords(settings.rows, results);
      say(`Trained ${what} in ${seconds.toFixed(1)} seconds. ${found}`);
    } catch (error) {
      if (!controller.signal.aborted) refuse(error);
      else if (training === controller) say("Stopped.");
    }
    if (training !== controller) return; // a later press has taken over
    part("stop").hidden = true;
    drawLosses();
    view.showResults(settings.rows, results);
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
      const name = Object.keys(task.schedules).find((one) => !used.includes(one));
      add({ name, factor: settings.rows[0].factor });
    });
    part("level").addEventListener("click", level);
    for (const name of ["momentum", "rule", "model"]) {
      part(name).addEventListener("change", ({ target }) => {
        settings[name] = name === "momentum" ? Number(target.value) : target.value;
        changed();
      });
    }
    part("predict").addEventListener("click", ({ target }) => {
      target.setAttribute("aria-pressed", String(!isPredicting()));
      drawLosses();
    });
    part("train").addEventListener("click", train);
    const load = () => trainer.load().catch(() => {}); // where it fails, a press will say why
    for (const type of ["pointerenter", "focus"]) part("train").addEventListener(type, load, { once: true });
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
  };

  part("why").remove();
  part("panel").hidden = false;
  for (const [name, chart] of Object.entries(view.charts)) part(name).append(chart.svg);
  rebuild();
  listen();
  show();
  open(location.hash);
})();
