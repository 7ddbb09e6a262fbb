// The cliff: the digits' network at a constant rate, trained here in the page. Too high a rate kills its hidden units.
"use strict";

(() => {
  const { mean, meanCurve, number } = demonstration;
  const [HIDDEN, SEEDS, EVERY] = [32, 10, 9]; // units, runs, updates between two looks

  // How many of the seeds guess.
  function guessing(lost) {
    if (lost === 0) return "every seed does better than guessing";
    if (lost === SEEDS) return "no seed does better than guessing";
    return `${lost} of ${SEEDS} seeds ${lost === 1 ? "does" : "do"} no better than guessing`;
  }

  demonstration("cliff", (panel, { updates }) => {
    const marks = updates / EVERY;
    panel.open(
      "Set the rate, and train ten seeds of the network here in the page, for nine epochs. A hidden unit is alive if any of " +
        "300 held-out images switches it on.",
    );
    const rate = panel.slider({ label: "Rate", values: [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.4, 1.6, 1.8, 2, 3], start: 1 });
    const key = { "thin series-1": "ten seeds", "series-1": "their mean", "series-2": "the mean before" };
    const accuracy = panel.chart(key);
    const alive = panel.chart(key);
    panel.showCharts(false);
    let before; // the last whole run: { rate, accuracies, alive }

    const points = (values) => values.map((value, i) => [(i + 1) * EVERY, value]);
    function draw(chart, runs, old, y, span, label) {
      const series = [
        ...runs.map((run) => ({ points: points(run), style: "thin series-1" })),
        ...(old ? [{ points: points(meanCurve(old)), style: "series-2" }] : []),
        { points: points(meanCurve(runs)), style: "series-1" },
      ];
      chart.draw({ series, x: "update", y, span: { x: [0, updates], y: span }, label });
    }

    function show(at, { accuracies, alive: units }, words) {
      if (!accuracies[0].length) return;
      panel.showCharts(true);
      draw(accuracy, accuracies, before?.accuracies, "held-out accuracy, %", [0, 100], `Held-out accuracy against the update, at rate ${at}. ${words}`);
      draw(alive, units, before?.alive, "hidden units alive", [0, HIDDEN], `Hidden units alive against the update, at rate ${at}. ${words}`);
    }

    function summary(at, runs) {
      const lost = runs.filter((run) => run.lost).length;
      const units = number(mean(runs.map((run) => run.alive.at(-1))), 2);
      const end = number(mean(runs.map((run) => run.validation)), 2);
      return `At rate ${at} the mean held-out accuracy ends at ${end} %, and ${units} of ${HIDDEN} hidden units are alive; ${guessing(lost)}.`;
    }

    panel.trainButton("Train ten seeds", async (train) => {
      const at = rate.value;
      panel.say(`Training at rate ${at}.`);
      const options = { rates: Array(updates).fill(at), momentum: 0, marks, seeds: [...Array(SEEDS).keys()] };
      const runs = await train(options, (progress) => show(at, progress, `${progress.updates} of ${updates} updates are made.`));
      const whole = { accuracies: runs.map((run) => run.accuracies), alive: runs.map((run) => run.alive) };
      const words = summary(at, runs);
      show(at, whole, words);
      panel.say(before ? `${words} Dashed: rate ${before.rate}, before.` : words);
      before = { rate: at, ...whole };
    });
    panel.say("Nothing is trained yet. On press ten networks are trained on this machine, in seconds.");
    return () => {};
  });
})();
