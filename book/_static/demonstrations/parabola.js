// Gradient descent on a parabola of curvature 4, from 1: the rate decides what becomes of it.
"use strict";

(() => {
  const { away, dotted, number } = demonstration;
  const [CURVATURE, UPDATES] = [4, 20];
  const CLOSE = 0.01; // what is not this close after 20 updates creeps
  const loss = (w) => (CURVATURE / 2) * w ** 2;
  const range = (n, of) => Array.from({ length: n }, (_, i) => of(i));

  // The weight before the first update and after each.
  function path(rate) {
    const weights = [1];
    for (let t = 0; t < UPDATES; t += 1) weights.push(weights[t] - rate * CURVATURE * weights[t]);
    return weights;
  }

  function fate(factor, distance) {
    const size = Math.abs(factor);
    if (size > 1) return `It diverges: each jump lands farther out, and after ${UPDATES} updates it is ${away(distance)}.`;
    if (size === 1) return "It jumps from side to side for ever, and comes no closer.";
    if (size === 0) return "It arrives at the first update.";
    const how = factor < 0 ? "jumps from side to side and" : "slides down one side and";
    const pace = distance > CLOSE ? (factor < 0 ? "closes in slowly" : "creeps") : "settles";
    return `It ${how} ${pace}: after ${UPDATES} updates it is ${away(distance)}.`;
  }

  demonstration("parabola", (panel) => {
    panel.open("Set the rate, and see where gradient descent goes from a weight of 1 and how far from the lowest point it is.");
    const rate = panel.slider({ label: "Rate", values: range(60, (i) => (i + 1) / 100), start: 0.45 });
    rate.mark(1 / CURVATURE, { key: "one", text: "1/λ" });
    rate.mark(2 / CURVATURE, { key: "two", text: "limit 2/λ" });
    const above = panel.chart({ level: "loss", "series-1": "each update" });
    const distance = panel.chart({ "series-1": "distance", reference: "at the start" });
    const bowl = range(81, (i) => (i - 40) / 20).map((w) => [w, loss(w)]);
    return () => {
      const weights = path(rate.value);
      const factor = 1 - rate.value * CURVATURE;
      const words = `Each update multiplies the weight by ${number(factor)}. ${fate(factor, Math.abs(weights[UPDATES]))}`;
      above.draw({
        series: [{ points: bowl, style: "level" }, ...dotted(weights.map((w) => [w, loss(w)]), "series-1")],
        x: "weight",
        y: "loss",
        span: { x: [-2, 2], y: [0, 8] },
        label: `The parabola, and on it the weight after each of ${UPDATES} updates at rate ${rate.value}. ${words}`,
      });
      distance.draw({
        series: [
          { points: [[0, 1], [UPDATES, 1]], style: "reference" },
          ...dotted(weights.map((w, t) => [t, Math.abs(w)]), "series-1"),
        ],
        x: "update",
        y: "distance",
        log: true,
        span: { y: [1e-5, 100, true] },
        label: `Distance from the lowest point against the update. ${words}`,
      });
      panel.say(`${words} The limit for curvature ${CURVATURE} is 2/${CURVATURE} = 0.5.`);
    };
  });
})();
