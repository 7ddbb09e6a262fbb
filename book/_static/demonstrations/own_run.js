// A prediction's question, answered by the reader's own run: settings of the digits' network, trained here in the page.
"use strict";

(() => {
  const { mean, number } = demonstration;
  const SEEDS = [0, 1, 2];
  const MOST = 5; // loss that is drawn; what is above leaves at the top

  // The mean training loss of each epoch, over the seeds.
  function byEpoch(runs, epochs) {
    const count = runs[0].losses.length / epochs; // updates
    const losses = runs.map((run) => Array.from(run.losses));
    return Array.from({ length: epochs }, (_, i) => mean(losses.map((all) => mean(all.slice(i * count, (i + 1) * count)))));
  }

  // `settings`: [{ label, rate, momentum, batch }, …]; `images` and `theirs`: how many are trained on here, and by the chapter.
  demonstration("own_run", (panel, { settings, epochs, images, theirs }) => {
    const labels = settings.map(({ label }) => label);
    panel.open(`Train the network here, ${epochs} epochs ${labels.length === 2 ? "with either setting" : `with each of ${labels.length} settings`}, and then choose.`);
    const chart = panel.chart(Object.fromEntries(labels.map((label, i) => [`series-${i + 1}`, label])));
    panel.showCharts(false);
    let done; // of each setting that was trained: { curve, lost, finite }

    function draw(words) {
      const points = (curve) => curve.map((loss, i) => [i + 1, loss]);
      chart.draw({
        series: done.map(({ curve }, i) => ({ points: points(curve), style: `series-${i + 1}` })),
        x: "epoch",
        y: "training loss",
        log: true,
        span: { x: [1, epochs], y: [0.8 * Math.min(1, ...done.flatMap(({ curve }) => curve)), MOST] },
        label: `Mean training loss by epoch. ${words}`,
      });
      panel.showCharts(true);
    }

    function summary() {
      const [first] = done.map(({ curve }) => curve.at(-1));
      const parts = done.map(({ curve, lost, finite }, i) => {
        const end = curve.at(-1);
        const times = i && !lost ? `, ${number(end / first, 2)} times the first` : "";
        const guess = `, and ${lost} of ${SEEDS.length} seeds end guessing; ${finite ? "no loss" : "a loss"} became infinite`;
        return `${labels[i]}: ${number(end, 2)}${times}${lost ? guess : ""}.`;
      });
      return `Mean training loss in epoch ${epochs}, over three seeds. ${parts.join(" ")}`;
    }

    // Train with each setting in turn; what is done is drawn.
    panel.trainButton("Train it here", async (train) => {
      done = [];
      for (const { label, rate, momentum, batch } of settings) {
        panel.say(`Training: ${label}.`);
        const rates = Array(epochs * Math.ceil(images / batch)).fill(rate);
        const runs = await train({ rates, momentum, batch, seeds: SEEDS });
        const finite = runs.every((run) => run.losses.every(Number.isFinite));
        done.push({ curve: byEpoch(runs, epochs), lost: runs.filter((run) => run.lost).length, finite });
        draw(summary());
      }
      const count = (n) => n.toLocaleString("en");
      panel.say(`${summary()} (The chapter’s own runs train on ${count(theirs)} images, these on ${count(images)}.)`);
    });
    return () => {};
  });
})();
