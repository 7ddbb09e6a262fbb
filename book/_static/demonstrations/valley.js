// Gradient descent with momentum in a ravine: curvature 1 along it, 20 across.
"use strict";

(() => {
  const { away, dotted, number } = demonstration;
  const [CURVATURES, START, UPDATES] = [[1, 20], [10, 1], 40];
  const STEEP = Math.max(...CURVATURES);
  const [NEAR, LONG] = [0.1, 10_000]; // a distance, and updates within which it is reached
  const WALL = 3.5; // how far up the walls the view from above goes
  const range = (n, of) => Array.from({ length: n }, (_, i) => of(i));
  const distance = ([along, across]) => Math.hypot(along, across);

  // The weights before the first update and after each.
  function descend(rate, momentum, updates) {
    let [weights, velocity] = [START, [0, 0]];
    const path = [weights];
    for (let t = 0; t < updates; t += 1) {
      velocity = velocity.map((v, i) => momentum * v + CURVATURES[i] * weights[i]);
      weights = weights.map((w, i) => w - rate * velocity[i]);
      path.push(weights);
    }
    return path;
  }

  // The line on which the loss is as given.
  const contour = (loss) =>
    range(73, (i) => [Math.cos, Math.sin].map((wave, j) => Math.sqrt((2 * loss) / CURVATURES[j]) * wave((i * Math.PI) / 36)));

  function fate(rate, momentum, limit) {
    if (Math.abs(rate - limit) < 1e-9) return "The rate is at the limit: the path jumps across the valley for ever.";
    const end = away(distance(descend(rate, momentum, UPDATES)[UPDATES]));
    if (rate > limit) return `The rate is above it: the path diverges, and after ${UPDATES} updates it is ${end}.`;
    const near = descend(rate, momentum, LONG).findLastIndex((weights) => distance(weights) > NEAR) + 1;
    return `The rate is below it: after ${UPDATES} updates the path is ${end}, and from update ${near} on it stays within ${NEAR}.`;
  }

  demonstration("valley", (panel) => {
    panel.open("Set rate and momentum, and see where gradient descent goes in a valley that bends twenty times as much across as along.");
    const rate = panel.slider({ label: "Rate", values: range(40, (i) => (i + 1) / 200), start: 0.12 });
    const momentum = panel.slider({ label: "Momentum", values: range(20, (i) => i / 20), start: 0.5 });
    const view = panel.chart({ level: "equal loss", "series-1": "each update" });
    const far = panel.chart({ "series-1": "distance" });
    const levels = [0.5, 4, 15, 35, 60].map((loss) => ({ points: contour(loss), style: "level" }));
    return () => {
      const path = descend(rate.value, momentum.value, UPDATES);
      const limit = (2 * (1 + momentum.value)) / STEEP;
      rate.mark(limit, { key: "limit", text: `limit ${number(limit)}` });
      const words = `The limit across is 2(1 + ${momentum.value})/${STEEP} = ${number(limit)}. ${fate(rate.value, momentum.value, limit)}`;
      const left = path.findIndex(([, across]) => Math.abs(across) > 2 * WALL); // from there on it is not drawn
      view.draw({
        series: [...levels, ...dotted(left < 0 ? path : path.slice(0, left + 1), "series-1")],
        x: "weight along",
        y: "weight across",
        span: { x: [-8, 11], y: [-WALL, WALL] },
        label: `The valley from above, with ${UPDATES} updates at rate ${rate.value} and momentum ${momentum.value}. ${words}`,
      });
      far.draw({
        series: dotted(path.map((weights, t) => [t, distance(weights)]), "series-1"),
        x: "update",
        y: "distance from the lowest point",
        log: true,
        span: { y: [0.001, 100, true] },
        label: `Distance from the lowest point against the update. ${words}`,
      });
      panel.say(words);
    };
  });
})();
