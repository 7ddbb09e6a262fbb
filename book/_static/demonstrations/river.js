// The valley with a river, of two weights: a constant rate, and where its fall to zero begins.
"use strict";

(() => {
  const { number } = demonstration;
  const UPDATES = 1000;
  const RATE = 0.08;
  const DIRECTIONS = [{ start: -10, curvature: 0.02, noise: 0.3 }, { start: 1, curvature: 20, noise: 3 }]; // along, across
  const BEGINS = Array.from({ length: 101 }, (_, i) => 10 * i);

  // A shape, given at evenly spaced places, over n updates: between two places it is straight.
  function stretched(shape, n) {
    const last = shape.length - 1;
    return Array.from({ length: n }, (_, k) => {
      const at = (k / n) * last;
      const i = Math.floor(at);
      return shape[i] + (at - i) * (shape[Math.min(i + 1, last)] - shape[i]);
    });
  }

  // The mean over all runs of the loss, and of how far along the river they are, after each update: a mean and a
  // variance in each direction, and no random number.
  function travel(rates) {
    const state = DIRECTIONS.map(({ start }) => ({ mean: start, variance: 0 }));
    const told = () => ({
      loss: DIRECTIONS.reduce((sum, { curvature }, i) => sum + 0.5 * curvature * (state[i].mean ** 2 + state[i].variance), 0),
      come: state[0].mean - DIRECTIONS[0].start,
    });
    const way = [told()];
    for (const rate of rates) {
      DIRECTIONS.forEach(({ curvature, noise }, i) => {
        const kept = 1 - rate * curvature;
        state[i].mean *= kept;
        state[i].variance = kept ** 2 * state[i].variance + (rate * noise) ** 2;
      });
      way.push(told());
    }
    return way;
  }

  // `fall`: a fall to zero as multiples of the rate it falls from.
  demonstration("river", (panel, { fall }) => {
    panel.open("Set where the fall to zero begins, and see the loss and how far down the river the runs come.");
    const begin = panel.slider({
      label: "The fall begins at update",
      values: BEGINS,
      start: 800,
      text: (update) => (update === UPDATES ? "1,000 (never)" : String(update)),
    });
    const key = { "series-1": "with the fall", "series-2": `${RATE} to the end` };
    const losses = panel.chart(key);
    const along = panel.chart(key);
    const rates = (update) => [...Array(update).fill(RATE), ...stretched(fall, UPDATES - update).map((one) => one * RATE)];
    const ways = new Map(BEGINS.map((update) => [update, travel(rates(update))]));
    const end = (update) => ways.get(update)[UPDATES];
    const best = BEGINS.reduce((one, other) => (end(other).loss < end(one).loss ? other : one));
    const constant = ways.get(UPDATES);
    return () => {
      const way = ways.get(begin.value);
      const { loss, come } = end(begin.value);
      const lines = (value) => [constant, way].map((one, i) => ({ points: one.map((at, t) => [t, value(at)]), style: `series-${2 - i}` }));
      const words = `At the end the mean loss is ${number(loss, 2)}, and the runs have come ${come.toFixed(1)} of 10 along the river.`;
      losses.draw({ series: lines((at) => at.loss), x: "update", y: "mean loss", log: true, span: { y: [0.05, 20] }, label: `Mean loss against the update. ${words}` });
      along.draw({ series: lines((at) => at.come), x: "update", y: "way along the river, of 10", span: { y: [0, 10] }, label: `The way along the river against the update. ${words}` });
      const kept = `Without a fall it is ${number(end(UPDATES).loss, 2)}, and they come ${end(UPDATES).come.toFixed(1)}.`;
      panel.say(`${words} ${kept} The loss ends lowest, at ${number(end(best).loss, 2)}, when the fall begins at update ${best}.`);
    };
  });
})();
