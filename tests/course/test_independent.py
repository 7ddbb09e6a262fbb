"""One comparison of the course by other code: NumPy alone, its own weights, splits, loop, Adam and schedule."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lrlib.course import experiments, store

SEEDS, BATCH, UPDATES = 24, 32, 1600
LOW, HIGH, HALF = 0.003, 0.03, 200  # the cycle's bounds, and updates from one to the other


def triangle(update):
    place = update % (2 * HALF)
    return LOW + (HIGH - LOW) * (place / HALF if place <= HALF else 2 - place / HALF)


def split(random):
    """Row numbers for a test of 360 images and 1,278 to train on; the other 159 are the course's held-out images."""
    rows = random.permutation(1797)
    return rows[:360], rows[519:]


def accuracies(rate_at):
    """Test accuracy of each seed, in percent: 64–100 ReLU–10, cross-entropy, Adam with ε 1e-8."""
    x, y = load_digits(return_X_y=True)
    x = x / 16
    random = [np.random.default_rng(7_000 + seed) for seed in range(SEEDS)]
    parts = [split(one) for one in random]
    layers = ((64, 100), (100, 10))
    weights = []
    for inputs, outputs in layers:
        bound = inputs**-0.5
        weights.append(np.array([one.uniform(-bound, bound, (inputs, outputs)) for one in random]))
        weights.append(np.array([one.uniform(-bound, bound, (1, outputs)) for one in random]))
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for update in range(UPDATES):
        if update % 40 == 0:
            orders = [one.permutation(train) for one, (_, train) in zip(random, parts, strict=True)]
        start = update % 40 * BATCH
        rows = np.array([order[start : start + BATCH] for order in orders])
        inputs, count = x[rows], rows.shape[1]
        hidden = np.maximum(inputs @ weights[0] + weights[1], 0)
        outputs = hidden @ weights[2] + weights[3]
        shares = np.exp(outputs - outputs.max(2, keepdims=True))
        shares /= shares.sum(2, keepdims=True)
        error = (shares - np.eye(10)[y[rows]]) / count
        back = (error @ weights[2].swapaxes(1, 2)) * (hidden > 0)
        gradients = (
            inputs.swapaxes(1, 2) @ back,
            back.sum(1, keepdims=True),
            hidden.swapaxes(1, 2) @ error,
            error.sum(1, keepdims=True),
        )
        for w, m, v, g in zip(weights, first, second, gradients, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            m_hat, v_hat = m / (1 - 0.9 ** (update + 1)), v / (1 - 0.999 ** (update + 1))
            w -= rate_at(update) * m_hat / (np.sqrt(v_hat) + 1e-8)
    right = []
    for seed, (test, _) in enumerate(parts):
        hidden = np.maximum(x[test] @ weights[0][seed] + weights[1][seed], 0)
        right.append(np.mean((hidden @ weights[2][seed] + weights[3][seed]).argmax(1) == y[test]))
    return 100 * np.array(right)


def near(ours, theirs):
    """Whether two means differ by less than 3.5 standard errors: one true pair in 2,000 would fail."""
    error = (ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs)) ** 0.5
    return abs(ours.mean() - theirs.mean()) < 3.5 * error


@pytest.mark.slow
def test_the_cycle_and_its_mean_rate_end_where_other_code_says():
    results = store.load_new(experiments.get("cycling"))
    stored = {
        name: np.array([one["test_accuracy"] for one in results[name]["pytorch"]])
        for name in ("triangular", "constant-mean", "constant-0.003")
    }
    ours = {"triangular": accuracies(triangle), "constant-mean": accuracies(lambda update: (LOW + HIGH) / 2)}
    for name, found in ours.items():
        assert near(found, stored[name]), (name, found.mean(), stored[name].mean())
    difference, theirs = (a["triangular"] - a["constant-mean"][: len(a["triangular"])] for a in (ours, stored))
    assert near(difference, theirs)
    assert not near(ours["triangular"] - 1, stored["triangular"])  # a point would be seen
