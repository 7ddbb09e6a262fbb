// One noisy weight on a parabola of curvature 1, from 10, in 200 runs: a constant rate, or one that falls to zero.
"use strict";

(() => {
  const { normals } = demonstration;
  const number = (x) => x.toPrecision(2).replace("-", "−");
  const [START, NOISE, RUNS, DRAWN] = [10, 4, 200, 6];
  const NAMES = { constant: "constant", line: "line to zero" };
  const spaced = (n) => Array.from({ length: n }, (_, i) => 0.01 * 150 ** (i / (n - 1))); // from 0.01 to 1.5
  const RATES = [...new Set(spaced(60).map((rate) => Number(rate.toPrecision(2))))];
  const FINE = spaced(400); // where the best is looked for, as the figure does

  // The mean squared distance over all runs after the last update, without a random number.
  const expected = (rates) => rates.reduce((square, rate) => (1 - rate) ** 2 * square + (rate * NOISE) ** 2, START ** 2);

  // `shapes`: the rate of each update as a multiple of the first, by name.
  demonstration("one_weight", (panel, { shapes }) => {
    panel.open("Set the first rate and how it goes on, and see where 200 runs of the noisy weight end.");
    const rate = panel.slider({ label: "First rate", values: RATES, start: RATES.find((one) => one >= 0.3) });
    const kind = panel.choice({ label: "Schedule", choices: NAMES, start: "constant" });
    const updates = shapes.constant.length;
    let noise;
    let seed = 0;
    const draw = () => {
      seed += 1;
      noise = Float64Array.from({ length: updates * RUNS }, normals(seed));
    };
    draw();
    panel.button("Other noise", () => {
      draw();
      panel.changed();
    });
    const chart = panel.chart({ "band series-1": "nine tenths of 200 runs", "thin series-1": "six runs", reference: "lowest point" });

    const ratesOf = (name, first) => shapes[name].map((multiple) => multiple * first);
    const left = (name, first) => expected(ratesOf(name, first));
    const best = Object.fromEntries(
      Object.keys(NAMES).map((name) => [name, FINE.reduce((one, other) => (left(name, other) < left(name, one) ? other : one))]),
    );
    const bests = `The best constant rate, ${best.constant.toFixed(3)}, leaves ${number(left("constant", best.constant))}; the best line, from ${best.line.toFixed(3)}, leaves ${number(left("line", best.line))}.`;

    // After each update the weights of all runs.
    function walk(rates) {
      const rows = [new Float64Array(RUNS).fill(START)];
      rates.forEach((one, t) => rows.push(rows[t].map((w, run) => w - one * (w + NOISE * noise[t * RUNS + run]))));
      return rows;
    }

    return () => {
      const rows = walk(ratesOf(kind.value, rate.value));
      const sorted = rows.map((row) => Float64Array.from(row).sort());
      const low = sorted.map((row) => row[RUNS / 20]);
      const high = sorted.map((row) => row[RUNS - 1 - RUNS / 20]);
      const square = rows[updates].reduce((sum, w) => sum + w ** 2, 0) / RUNS;
      const runs = Array.from({ length: DRAWN }, (_, run) => ({ points: rows.map((row, t) => [t, row[run]]), style: "thin series-1" }));
      const words = `After ${updates} updates the mean squared distance of these runs is ${number(square)}; the formula says ${number(left(kind.value, rate.value))}.`;
      chart.draw({
        series: [
          { points: [[0, 0], [updates, 0]], style: "reference" },
          { points: low.map((w, t) => [t, w]), upper: high, style: "band series-1" },
          ...runs,
        ],
        x: "update",
        y: "weight",
        span: { y: [-8, 12] },
        label: `A band that holds nine tenths of ${RUNS} runs of a noisy weight, from ${START}; at the end it goes from ${number(low[updates])} to ${number(high[updates])}. ${words}`,
      });
      panel.say(`${words} ${bests}`);
    };
  });
})();
