// Linear regression, trained here by plain SGD on batches drawn with replacement, and its exact expected loss.
//
// The recursion is lrlib.course.prediction.expected_loss's, which needs NumPy. A page has none, and the curve must follow
// the reader's sliders. So it stands here a second time, and tests/book/test_training_panel.py holds it to lrlib's.
"use strict";

globalThis.linearModel = (() => {
  const { x, y, batch } = globalThis.trainerTask.linear; // rows of features that are orthogonal over the rows; targets
  const axes = [...x[0].keys()];
  const { mean } = globalThis.comparison;
  const dot = (row, weights) => row.reduce((sum, value, j) => sum + value * weights[j], 0);
  const curvatures = axes.map((j) => mean(x.map((row) => row[j] ** 2)));
  const best = axes.map((j) => mean(x.map((row, i) => row[j] * y[i])) / curvatures[j]);
  const residuals = x.map((row, i) => y[i] - dot(row, best));
  const floor = mean(residuals.map((residual) => residual ** 2)) / 2;

  // The expected loss after each update. `second` is E[EEᵀ] and `first` E[E], where E is the weights' error.
  function expected(rates) {
    let first = best.map((weight) => -weight);
    let second = axes.map((j) => axes.map((k) => best[j] * best[k]));
    return rates.map((rate) => {
      const steps = curvatures.map((curvature) => rate * curvature);
      const errors = x.map((row, i) => { // each row's expected squared error
        const form = dot(row, second.map((line) => dot(line, row)));
        return form - 2 * residuals[i] * dot(row, first) + residuals[i] ** 2;
      });
      const share = rate ** 2 / (x.length * batch);
      second = second.map((line, j) => line.map((old, k) => {
        const kept = (1 - steps[j]) * (1 - steps[k]) - (steps[j] * steps[k]) / batch;
        return kept * old + share * x.reduce((sum, row, i) => sum + errors[i] * row[j] * row[k], 0);
      }));
      first = first.map((error, j) => (1 - steps[j]) * error);
      return floor + axes.reduce((sum, j) => sum + curvatures[j] * second[j][j], 0) / 2;
    });
  }

  const lossOf = (weights) => mean(x.map((row, i) => (dot(row, weights) - y[i]) ** 2)) / 2;

  // One seed's loss after each of the updates that are marked. `random.double()` gives numbers in [0, 1).
  function train(rates, marks, random) {
    const weights = axes.map(() => 0);
    const losses = [];
    rates.forEach((rate, t) => {
      const rows = Array.from({ length: batch }, () => Math.floor(random.double() * x.length));
      const errors = rows.map((i) => dot(x[i], weights) - y[i]);
      for (const j of axes) weights[j] -= rate * mean(rows.map((i, place) => errors[place] * x[i][j]));
      if (marks.includes(t + 1)) losses.push(lossOf(weights));
    });
    return losses;
  }

  return { expected, train };
})();
