// The challenge: a schedule and a peak of the reader's, trained here, against the best that the course knows.
"use strict";

(() => {
  const { Trainer, comparison, trainerTask: task, tries } = globalThis;
  const { element } = globalThis.elements;
  const { signed } = comparison;
  const part = (name) => document.getElementById(`challenge-${name}`);
  const say = (text) => { part("state").textContent = text; };
  const best = JSON.parse(part("best").textContent);
  const trainer = new Trainer();
  const LEAD = 0.005; // points, the least that the page shows
  let list = tries.read();
  let looks = 0; // at the fresh seeds

  const label = (name) => task.schedules[name].label;

  function show() {
    part("tries").hidden = !list.length;
    part("table").replaceChildren(
      ...list.map(({ name, factor, accuracy }) => element(
        "tr", {},
        element("th", { scope: "row" }, label(name)),
        element("td", {}, String(factor)),
        element("td", {}, `${accuracy.toFixed(2)} %`),
      )),
    );
  }

  // Train on seeds that the best known was trained on: the mean accuracy, and the difference from the best, seed by seed.
  async function compare({ name, factor }, { seeds, accuracies }) {
    const onProgress = ({ updates }) => say(`${updates} of ${task.updates} updates.`);
    const runs = await trainer.train({ rates: comparison.ratesOf({ name, factor }), seeds }, { onProgress });
    const difference = comparison.difference(runs, accuracies.map((test) => ({ test })));
    const { mean, low, high } = difference;
    const against = `Against the best known, seed by seed: ${signed(mean)} points (${signed(low)} to ${signed(high)}).`;
    return { accuracy: comparison.mean(runs.map(({ test }) => test)), difference, against };
  }

  // Run an action with the buttons held; a failure is told.
  async function exclusively(action) {
    const buttons = part("panel").querySelectorAll("button");
    const hold = (held) => buttons.forEach((button) => { button.disabled = held; });
    const { activeElement: pressed } = document;
    hold(true);
    part("error").textContent = "";
    try {
      say("Loading the digits …");
      await action();
    } catch (error) {
      say("");
      part("error").textContent = error.message;
    }
    hold(false);
    if (document.activeElement === document.body) pressed.focus(); // a button that is held loses the focus
  }

  function typed() {
    const field = part("factor");
    const factor = Number(field.value.trim() || NaN);
    const fits = factor >= comparison.LEAST && factor <= comparison.MOST;
    if (fits) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
    if (fits) return { name: part("name").value, factor };
    const got = field.value.slice(0, 60);
    throw new Error(`A rate is a number from ${comparison.LEAST} to ${comparison.MOST}, got “${got}”.`);
  }

  async function attempt() {
    const one = typed();
    const { accuracy, difference, against } = await compare(one, best.tried);
    list = tries.add({ ...one, accuracy });
    show();
    const word = difference.mean >= LEAD
      ? "That is above what is to beat, but on seeds that you may try as often as you like. Luck? Take fresh ones."
      : "Not there yet.";
    say(`${label(one.name)} from ${one.factor}: ${accuracy.toFixed(2)} %. ${against} ${word}`);
  }

  async function fresh() {
    const [one] = list;
    const [first, last] = [best.tried.seeds[0], best.tried.seeds.at(-1)];
    const { accuracy, difference: { low, high }, against } = await compare(one, best.fresh);
    looks += 1;
    const open = high < 0 ? "The best known is better." : "These seeds leave it open.";
    const again = looks > 1 ? ` You have looked at these seeds ${looks} times; each look makes them less fresh.` : "";
    say(
      `${label(one.name)} from ${one.factor}, on fresh seeds: ${accuracy.toFixed(2)} %, where seeds ` +
      `${first} to ${last} gave ${one.accuracy.toFixed(2)} %. ${against} ${low > 0 ? "It beats the best known." : open}${again}`,
    );
  }

  part("why").remove();
  part("panel").hidden = false;
  part("name").append(...Object.entries(task.schedules).map(([value, one]) => element("option", { value }, one.label)));
  part("train").addEventListener("click", () => exclusively(attempt));
  part("fresh").addEventListener("click", () => exclusively(fresh));
  part("clear").addEventListener("click", () => {
    list = tries.clear();
    show();
    say("Forgotten.");
    part("train").focus();
  });
  tries.onChange(() => {
    list = tries.read();
    show();
  });
  show();
})();
