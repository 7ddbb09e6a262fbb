// Batch size against rate: the digits' network, trained here in the page. Runs on the linear rule's line end alike.
"use strict";

(() => {
  const { mean, meanCurve, number } = demonstration;
  const SEEDS = 10;
  const BATCHES = [8, 16, 32, 64, 128, 256];
  const RATES = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56];
  const [LEAST, MOST] = [0.1, 5]; // loss that is drawn
  const named = ({ batch, rate }) => `Batch ${batch} at rate ${rate}`;
  const points = (curve) => curve.map((value, epoch) => [epoch + 1, value]);

  // On a chart: each seed's losses by epoch, their mean, and that of an older run.
  function drawLosses(chart, epochs, curves, old, words) {
    if (!curves[0].length) return;
    chart.draw({
      series: [
        ...curves.map((curve) => ({ points: points(curve), style: "thin series-1" })),
        ...(old ? [{ points: points(meanCurve(old.curves)), style: "series-2" }] : []),
        { points: points(meanCurve(curves)), style: "series-1" },
      ],
      x: "epoch",
      y: "held-out loss",
      log: true,
      span: { x: [1, epochs], y: [LEAST, MOST] },
      label: `Held-out loss after each of ${epochs} epochs. ${words}`,
    });
  }

  // The pairs, and a line of equal rate / batch through the one that the next run is compared with.
  function drawMap(chart, now, old) {
    const through = old ?? now;
    const ends = [BATCHES[0] / 2, BATCHES.at(-1) * 2];
    const share = through.rate / through.batch;
    chart.draw({
      series: [
        { points: ends.map((size) => [size, size * share]), style: "reference" },
        ...(old ? [{ points: [[old.batch, old.rate]], style: "dots series-2" }] : []),
        { points: [[now.batch, now.rate]], style: "dots series-1" },
      ],
      x: "batch",
      y: "rate",
      log: true,
      logX: true,
      labelsX: BATCHES.map((size) => [size, String(size)]),
      span: { x: ends, y: [0.005, 5, true] },
      label: `Rate against batch: ${named(now)}. The line has rate / batch = ${number(share)}.`,
    });
  }

  function summary({ curves, lost, ...pair }) {
    const end = number(mean(curves.map((curve) => curve.at(-1))), 2);
    const guess = lost ? ` ${lost} of ${SEEDS} seeds ended no better than guessing.` : "";
    return `${named(pair)}: the mean held-out loss ends at ${end}; rate / batch is ${number(pair.rate / pair.batch)}.${guess}`;
  }

  demonstration("batch_size", (panel, { images, epochs }) => {
    panel.open(
      "Set the batch and the rate, and train ten seeds of the digits’ network for nine epochs; then find another pair that " +
        "ends alike.",
    );
    const batch = panel.slider({ label: "Batch", values: BATCHES, start: 32, text: String });
    const rate = panel.slider({ label: "Rate", values: RATES, start: 0.08, text: String });
    const key = { "thin series-1": "ten seeds", "series-1": "their mean", "series-2": "the mean before" };
    const loss = panel.chart(key);
    const map = panel.chart({ "dots series-1": "this pair", "dots series-2": "the pair before", reference: "the linear rule" });
    panel.showCharts(false);
    let last; // the last whole run: { batch, rate, curves }
    let before; // and the one before it

    const chosen = () => ({ batch: batch.value, rate: rate.value });

    panel.trainButton("Train ten seeds", async (train) => {
      const pair = chosen();
      panel.say(`${named(pair)} is trained.`);
      const rates = Array(epochs * Math.ceil(images / pair.batch)).fill(pair.rate);
      const options = { rates, momentum: 0, batch: pair.batch, marks: epochs, seeds: [...Array(SEEDS).keys()] };
      const runs = await train(options, ({ watched }) => {
        panel.showCharts(true);
        drawLosses(loss, epochs, watched, last, "");
      });
      const whole = { ...pair, curves: runs.map((run) => run.watched), lost: runs.filter((run) => run.lost).length };
      [before, last] = [last, whole];
      const words = summary(whole);
      drawLosses(loss, epochs, whole.curves, before, words);
      panel.say(before ? `${words} Before: ${summary(before)}` : `${words} Now take another batch, and a rate on the dotted line.`);
    });
    panel.say("Nothing is trained yet. On press ten networks are trained on this machine, in seconds.");
    return () => drawMap(map, chosen(), last);
  });
})();
