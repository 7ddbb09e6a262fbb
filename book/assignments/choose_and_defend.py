# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Choose and defend
#
# **Goal.** Choose a schedule for a budget that you know, and one for a run that may be stopped at any time. Foretell what
# schedules will give, and claim no more than your runs show.
#
# **Time:** 90 minutes. **You need** the chapters *Predicting the loss* and *After the budget is known*, and a little NumPy.
# A tiny network trains in PyTorch or in Keras, many seeds at once, in seconds.
#
# **What is graded** (20 points): a rule for your words (2), your predictions (4), the schedule for a known budget (5), the
# one for an unknown budget (5), your runs (2), and what you claim of them (2). Tests that you see here are examples.
# Others are run when the work is graded: your schedules are trained again, on seeds that you have not seen. A mistake in one
# part costs no points in the parts that build on it.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions. You may use `lrlib`, and
# `lrlib.course.prediction` with its law; how you choose is up to you.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
FRAMEWORK = "pytorch"  # or "keras"
PEAK = 0.2  # the best constant rate, of those that were tried, on average over the two budgets
BUDGETS = (120, 300)  # updates; the last is the longest
STOPS = (50, 100, 200, 400, 800)  # updates after which a run may be stopped
SEEDS = 8  # at least so many, in part 5
LEVEL = 0.95  # of the intervals

# %%
import math

import numpy as np

import lrlib

# %% [markdown]
# ## The task: digits in fog
#
# Each of scikit-learn's digits was photographed eight times, each time in another fog: random numbers were added to its
# pixels. Every third digit is held out, with one photograph. A small network, 64 → 24 → 10, trains by plain SGD in
# batches of eight. Its gradients are noisy, so the schedule matters.
#
# **`curve(schedule, marks, seeds)`** trains a network for each seed and returns the held-out losses, an array seeds ×
# marks: the mean cross-entropy after so many updates. Lower is better. The seed decides the initial weights and the
# batches. All seeds train side by side: sixteen take hardly longer than one.
#
# A *schedule* is anything that gives the rate when it is called with the number of updates made so far, as `lrlib`'s
# schedules and plain functions do.
#
# Your own seeds are whole numbers **below 1000**. Choose by those from 100 on: the seeds 0, 1, 2 and so on are for part 5,
# where your schedules are judged, and on the seeds that it was chosen by a choice looks better than it is. The tests train
# on seeds from 1000 on.
# %% nbgrader={"grade": false, "grade_id": "fog", "locked": true, "schema_version": 3, "solution": false, "task": false}
from lrlib.course.data import digits
from lrlib.course.networks import dense_weights

SIZES, BATCH, FOG = (64, 24, 10), 8, 0.5
images, labels = digits()
images, labels = (images / 16).astype("float32"), labels.astype("int64")
held_out = np.arange(len(images)) % 3 == 0
fog = np.random.default_rng(0)


def photographed(rows):
    """The images in a fog of their own."""
    return (rows + fog.normal(0, FOG, rows.shape)).astype("float32")


x, y = np.concatenate([photographed(images[~held_out]) for _ in range(8)]), np.tile(labels[~held_out], 8)
x_held, y_held = photographed(images[held_out]), labels[held_out]


def prepared(schedule, marks, seeds):
    """The rates, the row numbers of the batches (updates × seeds × batch), and the initial weights of the seeds."""
    count = max(marks)
    rates = [float(schedule(update)) for update in range(count)]
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates):
        raise ValueError(f"rates must be finite numbers, 0 or more, got {rates}")
    rows = [np.random.default_rng([seed, 1]).integers(len(x), size=(count, BATCH)) for seed in seeds]
    return rates, np.stack(rows, axis=1), [dense_weights(SIZES, seed) for seed in seeds]


# %% nbgrader={"grade": false, "grade_id": "curve_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":
    import torch

    from lrlib.course import pytorch as in_torch

    in_torch.one_thread()
    x_torch, y_torch = torch.from_numpy(x), torch.from_numpy(y)

    def curve(schedule, marks, seeds):
        """Held-out losses, seeds × marks."""
        rates, rows, weights = prepared(schedule, marks, seeds)
        model = in_torch.stacked_perceptron(weights)
        parameters, losses = list(model.parameters()), {}
        for update, (rate, batch) in enumerate(zip(rates, torch.from_numpy(rows), strict=True), start=1):
            outputs, targets = model(x_torch[batch]), y_torch[batch]
            loss = torch.nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="sum") / BATCH
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= rate * gradient
            if update in marks:
                losses[update] = in_torch.evaluate(model, x_held, y_held)[0]
        return np.array([losses[mark] for mark in marks]).T

    _curve = curve  # the tests train with this one


# %% nbgrader={"grade": false, "grade_id": "curve_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":
    from lrlib.course import fast_convolutions

    with fast_convolutions():
        import keras
        import tensorflow as tf

    def losses_of(weights, inputs, targets):
        """The mean cross-entropy of each seed's network; all have inputs of their own, or the same."""
        kernel, bias, kernel_2, bias_2 = weights
        hidden = keras.ops.relu(keras.ops.matmul(inputs, kernel) + bias[:, None])
        outputs = keras.ops.matmul(hidden, kernel_2) + bias_2[:, None]
        targets = keras.ops.broadcast_to(targets, keras.ops.shape(outputs)[:2])
        each = keras.ops.sparse_categorical_crossentropy(targets, outputs, from_logits=True)
        return keras.ops.mean(each, axis=-1)

    @tf.function(autograph=False, reduce_retracing=True)
    def trained(weights, rates, rows):
        """The weights after these updates, which run one after another in one compiled graph."""

        def one(weights, given):
            rate, batch = given
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = keras.ops.sum(losses_of(weights, tf.gather(x, batch), tf.gather(y, batch)))
            return [w - rate * g for w, g in zip(weights, tape.gradient(loss, weights), strict=True)]

        return tf.foldl(one, (rates, rows), weights, parallel_iterations=1)

    def curve(schedule, marks, seeds):
        """Held-out losses, seeds × marks."""
        rates, rows, weights = prepared(schedule, marks, seeds)
        weights = [tf.constant(np.stack(arrays)) for arrays in zip(*weights, strict=True)]
        losses, made = {}, 0
        for mark in sorted(set(marks)):
            part = tf.constant(rates[made:mark], tf.float32), tf.constant(rows[made:mark])
            weights, made = trained(weights, *part), mark
            losses[mark] = losses_of(weights, x_held[None], y_held[None]).numpy()
        return np.array([losses[mark] for mark in marks]).T

    _curve = curve  # the tests train with this one


# %%
losses = curve(lrlib.Constant(PEAK), BUDGETS, range(4))
for mark, column in zip(BUDGETS, losses.T, strict=True):
    print(
        f"the constant rate {PEAK:g} after {mark} updates: {column.mean():.3f}, four seeds from {column.min():.3f} to {column.max():.3f}"
    )

# %% [markdown]
# ## 1. A rule for your words
#
# Write `compare(first, second, level)`. Both are dicts, seed → loss. It returns three things: the lower and the upper end
# of Student's t interval for the mean of the paired differences, *first minus second*, over the seeds that both have, and a
# word for the first:
#
# - `"better"` if the interval shows that its losses are lower: it lies wholly below zero;
# - `"worse"` if it lies wholly above zero;
# - `"indistinguishable"` otherwise, also where it touches zero.
#
# Fewer than three shared seeds raise a `ValueError`. If all differences are equal, both ends are that number. You may use
# `scipy.stats`.


# %% nbgrader={"grade": false, "grade_id": "rule", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compare(first, second, level):
    """The two ends of the interval of first minus second, and a word for the first."""
    ### BEGIN SOLUTION
    from scipy import stats

    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError(f"three shared seeds are needed, got {len(shared)}")
    differences = np.array([first[seed] - second[seed] for seed in shared])
    half = stats.t.ppf((1 + level) / 2, len(shared) - 1) * differences.std(ddof=1) / len(shared) ** 0.5
    low, high = differences.mean() - half, differences.mean() + half
    return low, high, "better" if high < 0 else "worse" if low > 0 else "indistinguishable"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "words", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# The names that the tests of several parts use stand first: whatever fails below, they are there.
import functools

from scipy import stats as _stats

_HELD = range(2000, 2016)  # seeds that nobody has seen


def _above(differences, level=0.95):
    """The lower end of Student's t interval for the mean."""
    n = len(differences)
    return np.mean(differences) - _stats.t.ppf((1 + level) / 2, n - 1) * np.std(differences, ddof=1) / n**0.5


@functools.cache
def _held_out(schedule, *marks):
    """The log losses of the held-out seeds, on average over the marks."""
    return np.log(_curve(schedule, marks, _HELD)).mean(1)


def _gain(schedule, *marks):
    """How far each held-out seed's log loss lies below that of the constant."""
    return _held_out(lrlib.Constant(PEAK), *marks) - _held_out(schedule, *marks)


def _spare(schedule, tuned, share, *marks):
    """What is left of a share of the tuned schedule's mean gain, after what each seed loses to that schedule."""
    return share * _gain(tuned, *marks).mean() - (_held_out(schedule, *marks) - _held_out(tuned, *marks))


def _as_function(schedule):
    """A schedule that can stand in a cache, whatever it is."""
    return lambda update: schedule(update)


def _usable(name, updates, *arguments):
    """Whether there is a function of this name, and it returns a schedule that can be trained for so many updates."""
    try:
        schedule = globals()[name](*arguments)
        return all(np.isfinite(float(schedule(update))) for update in range(updates))
    except Exception:
        return False


def _schedules():
    """The four schedules of part 5, made anew."""
    updates = max(BUDGETS)
    line = lrlib.Linear(PEAK, 0.0, steps=updates)
    return {"known": for_budget(updates), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": line}


### END HIDDEN TESTS
_three = {0: 0.9, 1: 0.8, 2: 0.85}
_low, _high, _word = compare(_three, {0: 1.9, 1: 1.81, 2: 1.84}, LEVEL)
assert _word == "better" and _high < 0, "losses that are lower by one at each seed are not better"
### BEGIN HIDDEN TESTS
_random = np.random.default_rng(4)
for _level in (0.8, 0.95, 0.99):
    for _count in (3, 6, 20):
        _half = _stats.t.ppf((1 + _level) / 2, _count - 1) / _count**0.5
        for _low, _word in (
            (0.01, "worse"),
            (-0.01, "indistinguishable"),
            (-2 * _half - 0.01, "better"),
            (-1.9 * _half, "indistinguishable"),
        ):
            _noise = _random.standard_normal(_count)
            _differences = (_noise - _noise.mean()) / _noise.std(ddof=1) + _half + _low
            _second = {int(_seed): 3 + _random.random() for _seed in _random.permutation(_count)}
            _first = {_seed: _second[_seed] + _differences[_seed] for _seed in range(_count)} | {99: 50.0}
            _found = compare(_first, _second | {77: 0.001}, _level)
            assert np.allclose(_found[:2], (_low, _low + 2 * _half)), (
                "the interval is not that of the paired differences"
            )
            assert _found[2] == _word, "the word does not follow from the interval"
_equal = compare({0: 1.5, 1: 2.5, 2: 3.5}, {0: 1.0, 1: 2.0, 2: 3.0}, 0.95)
assert np.allclose(_equal[:2], 0.5) and _equal[2] == "worse", "equal differences do not give their own value"
_equal = compare({0: 1.5, 1: 2.5, 2: 3.5}, {2: 3.5, 1: 2.5, 0: 1.5}, 0.95)
assert _equal[2] == "indistinguishable", "an interval that touches zero is taken for clear"
for _few in ({}, {0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0, 9: 1.0}):
    try:
        compare(_three, _few, 0.95)
    except ValueError:
        continue
    raise AssertionError("fewer than three shared seeds do not raise a ValueError")
_words_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Foretell
#
# Write `foretell(schedule, updates)`: the held-out loss that a run ends with, foretold without training it. The mean over
# many seeds is meant.
#
# Train in the cell, outside of `foretell`, which itself must not call `curve`. The two runs of the chapter will do: a
# constant rate `PEAK` and one with a late fall from the same rate, over the longest budget, with ten seeds each. So will its
# law, from `lrlib.course.prediction`: `law = Law.fit([Run(schedule, marks, losses), …])`, and then
# `law.predict(rates, [updates])`, an array of one loss. Give `predict` a list of rates, for a plain function will not do.
#
# `foretell` is asked for runs of at most the longest budget, whose rates are not above twice `PEAK`: lines (a rising one
# too), cosines, steps, inverse roots, 1/(1 + 0.01 t), constants. Each may be a plain function, and is asked for whole
# numbers.
#
# The tests train those runs. The size of log(foretold/measured), on average over them, must be below 0.055 (3 points), and
# Spearman's rank correlation of what was foretold and what was measured above 0.9 (1 point).


# %% nbgrader={"grade": false, "grade_id": "law", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
from lrlib.course.prediction import Law, Run

longest = max(BUDGETS)
warmup, fall = longest // 60, longest // 4
late_fall = lrlib.WarmupStableDecay(PEAK, warmup=warmup, stable=longest - warmup - fall, decay=fall)
marks = np.linspace(longest / 20, longest, 20).astype(int)
law = Law.fit(
    [Run(schedule, marks, curve(schedule, marks, range(100, 110))) for schedule in (lrlib.Constant(PEAK), late_fall)]
)


def foretell(schedule, updates):
    """The held-out loss after so many updates, foretold."""
    rates = [float(schedule(update)) for update in range(updates)]
    return float(law.predict(rates, [updates])[0])


### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "foretold", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
_low, _high = (
    foretell(lrlib.Linear(2 * PEAK, 0.0, steps=max(BUDGETS)), max(BUDGETS)),
    foretell(lrlib.Constant(PEAK), 60),
)
assert 0 < _low < _high, "a long run that falls to zero is not foretold to end below a short one that does not"
### BEGIN HIDDEN TESTS
_long, _part = max(BUDGETS), max(BUDGETS) // 3
_runs = [
    (lrlib.Linear(2 * PEAK, 0.0, steps=_long), _long),
    (lrlib.Linear(1.5 * PEAK, PEAK / 2, steps=_long), _long),
    (lrlib.Linear(PEAK / 4, 1.5 * PEAK, steps=_long), _long),
    (lrlib.Cosine(1.5 * PEAK, 0.0, steps=_long), _long),
    (lrlib.InverseSqrt(1.5 * PEAK, warmup=10, timescale=30), _long),
    (lambda update: 2 * PEAK / (1 + 0.01 * update), _long),
    (lrlib.StepDecay(1.5 * PEAK, gamma=0.3, every=2 * _long // 5), _long),
    (lrlib.Constant(1.5 * PEAK), _long),
    (lrlib.Constant(PEAK / 2), _long),
    (lrlib.Linear(1.5 * PEAK, 0.0, steps=_long // 2), _long // 2),
    (lrlib.Constant(PEAK), _part),
    (lrlib.Linear(1.5 * PEAK, 0.0, steps=_part), _part),
    (lrlib.Constant(0.75 * PEAK), _part),
    (lrlib.Cosine(2 * PEAK, 0.0, steps=2 * _long // 5), 2 * _long // 5),
]
_measured = [_curve(_schedule, [_updates], _HELD).mean() for _schedule, _updates in _runs]


def curve(schedule, marks, seeds):
    raise AssertionError("foretell trains the run that it should foretell")


try:
    _foretold = [float(foretell(_schedule, _updates)) for _schedule, _updates in _runs]
finally:
    curve = _curve
_errors = np.abs(np.log(np.array(_foretold) / _measured))
assert _errors.mean() < 0.055, f"the predictions are {100 * _errors.mean():.1f} % off on average"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "foretold_order", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_rates = [PEAK] * max(BUDGETS)
_falls = [PEAK] * (max(BUDGETS) - 60) + list(np.linspace(PEAK, 0, 60))
assert foretell(_falls.__getitem__, max(BUDGETS)) < foretell(_rates.__getitem__, max(BUDGETS)), (
    "a late fall gains nothing"
)
### BEGIN HIDDEN TESTS
assert "_foretold" in globals(), "the runs could not be foretold"
_order = _stats.spearmanr(_foretold, _measured).statistic
assert _order > 0.9, f"the order of the runs is not the foretold one: rank correlation {_order:.2f}"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. A known budget
#
# Write `for_budget(updates)`: the schedule that you would use for a run of so many updates. It is not asked beyond its
# budget. Choose by what you like: predictions, runs of your own, the book.
#
# It is trained on sixteen new seeds for each of `BUDGETS`, beside the constant rate `PEAK` and beside a schedule that we
# tuned over a few peaks. The *gain* of a schedule is how far its log loss lies below the constant's at the same seed.
# *Clearly* means that Student's interval at 95 % over the seeds lies wholly on that side.
#
# - 2 points if the gain is clearly above zero at each budget;
# - 2 points if at each budget your schedule clearly loses less than **half** of our schedule's mean gain;
# - 1 point more if, on average over the budgets, it also clearly loses less than a **quarter** of it.


# %% nbgrader={"grade": false, "grade_id": "known", "locked": false, "schema_version": 3, "solution": true, "task": false}
def for_budget(updates):
    """The schedule for a run of so many updates."""
    ### BEGIN SOLUTION
    # Of lines, cosines and late falls at 1 to 4 times PEAK this one did best over the two budgets, on seeds from 100 on.
    return lrlib.Linear(2.5 * PEAK, 0.0, steps=updates)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "known_gains", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
for _budget in BUDGETS:
    _ours, _theirs = (curve(_one, [_budget], range(100, 108)) for _one in (for_budget(_budget), lrlib.Constant(PEAK)))
    assert _ours.mean() < _theirs.mean(), f"over {_budget} updates the constant rate does better"
### BEGIN HIDDEN TESTS
_known = {_budget: _as_function(for_budget(_budget)) for _budget in BUDGETS}
_tuned = {_budget: lrlib.Linear(2.5 * PEAK, 0.0, steps=_budget) for _budget in BUDGETS}
for _budget in BUDGETS:
    assert _above(_gain(_known[_budget], _budget)) > 0, (
        f"over {_budget} updates the gain on new seeds is not clearly above zero"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "known_half", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: what cannot be trained is replaced by our schedule from here on.
_known_passed = all(_usable("for_budget", _budget, _budget) for _budget in BUDGETS)
### REFERENCE for_budget UNLESS known PASSED
### END HIDDEN TESTS
assert all(np.isfinite(for_budget(_budget)(_budget - 1)) for _budget in BUDGETS), "the last rate is no finite number"
### BEGIN HIDDEN TESTS
assert "_known" in globals(), "the schedule cannot be trained, or does worse than the constant"
for _budget in BUDGETS:
    assert _above(_spare(_known[_budget], _tuned[_budget], 1 / 2, _budget)) > 0, (
        f"over {_budget} updates half of a tuned schedule's gain is lost, or nearly so"
    )
_half_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "known_most", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert all(np.isfinite(for_budget(_budget)(0)) for _budget in BUDGETS), "the first rate is no finite number"
### BEGIN HIDDEN TESTS
assert globals().get("_half_passed"), "at one of the budgets half of a tuned schedule's gain is lost, or nearly so"
_left = np.mean([_spare(_known[_budget], _tuned[_budget], 1 / 4, _budget) for _budget in BUDGETS], axis=0)
assert _above(_left) > 0, "a quarter of a tuned schedule's gain is lost, or nearly so"
### END HIDDEN TESTS

# %% [markdown]
# ## 4. An unknown budget
#
# Write `anytime()`: one schedule for a run that may be stopped after any of `STOPS`, and is used as it is then, without a
# last fall. It is marked as in part 3, with log losses that are averaged over the stops:
#
# - 2 points if the gain is clearly above zero;
# - 2 points if it clearly loses less than half of the mean gain of a schedule that we tuned;
# - 1 point if it clearly loses less than a quarter of it.


# %% nbgrader={"grade": false, "grade_id": "unknown", "locked": false, "schema_version": 3, "solution": true, "task": false}
def anytime():
    """The schedule for a run that may be stopped at any time."""
    ### BEGIN SOLUTION
    return lrlib.InverseTime(3 * PEAK, rate=0.02)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "anytime_gains", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_ours, _theirs = (curve(_one, STOPS, range(100, 108)) for _one in (anytime(), lrlib.Constant(PEAK)))
assert np.log(_ours).mean() < np.log(_theirs).mean(), "on average over the stops the constant rate does better"
### BEGIN HIDDEN TESTS
_any = _as_function(anytime())
assert _above(_gain(_any, *STOPS)) > 0, "the gain on new seeds is not clearly above zero"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "anytime_half", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: what cannot be trained is replaced by our schedule from here on.
_any_passed = _usable("anytime", max(BUDGETS))
### REFERENCE anytime UNLESS any PASSED
### END HIDDEN TESTS
assert all(np.isfinite(anytime()(_stop - 1)) for _stop in STOPS), "the rate before a stop is no finite number"
### BEGIN HIDDEN TESTS
assert "_any" in globals(), "the schedule cannot be trained, or does worse than the constant"
_tuned_any = lrlib.InverseTime(3 * PEAK, rate=0.02)
assert _above(_spare(_any, _tuned_any, 1 / 2, *STOPS)) > 0, "half of a tuned schedule's gain is lost, or nearly so"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "anytime_most", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert np.isfinite(anytime()(0)), "the first rate is no finite number"
### BEGIN HIDDEN TESTS
assert "_tuned_any" in globals(), "the schedule cannot be trained, or does worse than the constant"
assert _above(_spare(_any, _tuned_any, 1 / 4, *STOPS)) > 0, "a quarter of a tuned schedule's gain is lost, or nearly so"
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Your runs
#
# Fill `my_runs`: a dict with four keys, each of them with a dict seed → held-out loss after `max(BUDGETS)` updates.
#
# - `"known"`: your `for_budget(max(BUDGETS))`;
# - `"unknown"`: your `anytime()`;
# - `"constant"`: the constant rate `PEAK`;
# - `"line"`: `lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))`, the first thing that anyone would try.
#
# Take the seeds 0, 1, 2 and so on for all four, at least `SEEDS` of them. Call `curve` here rather than paste numbers: when
# the work is graded, some of the runs are done again.

# %% nbgrader={"grade": false, "grade_id": "runs", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
updates, own_seeds = max(BUDGETS), range(2 * SEEDS)
schedules = {
    "known": for_budget(updates),
    "unknown": anytime(),
    "constant": lrlib.Constant(PEAK),
    "line": lrlib.Linear(PEAK, 0.0, steps=updates),
}
my_runs = {}
for name, schedule in schedules.items():
    ends = curve(schedule, [updates], own_seeds)[:, 0]
    my_runs[name] = dict(zip(own_seeds, ends.tolist(), strict=True))
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "own_runs", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if that part's tests failed, the right function goes on from here.
### REFERENCE compare UNLESS words PASSED
### END HIDDEN TESTS
_names = ("known", "unknown", "constant", "line")
assert set(_names) <= set(my_runs), "a key is missing from my_runs"
assert all(len(my_runs[_name]) >= SEEDS for _name in _names), "there are too few seeds"
### BEGIN HIDDEN TESTS
for _name in _names:
    assert set(my_runs[_name]) == set(range(len(my_runs["known"]))), f"the seeds of {_name} are not the first ones"
_chosen = [int(_seed) for _seed in np.random.default_rng(7).permutation(sorted(my_runs["known"]))[:3]]
for _name, _schedule in _schedules().items():
    _again = _curve(_schedule, [max(BUDGETS)], _chosen)[:, 0]
    _own = [my_runs[_name][_seed] for _seed in _chosen]
    assert np.allclose(_own, _again, rtol=1e-3), f"runs of {_name}, done again with the same seeds, give other losses"
### END HIDDEN TESTS

# %% [markdown]
# ## 6. What you claim
#
# Make three comparisons of your runs, at `LEVEL`, under these names:
#
# - `"known, constant"`: your schedule for a known budget against the constant;
# - `"known, line"`: the same against the line from `PEAK`;
# - `"unknown, known"`: your schedule for an unknown budget against the one for a known: what does it cost not to know?
#
# `my_intervals` has for each name the two ends of the interval, first minus second, and `my_claims` the word for the first.
# The words must follow from your own runs; and on the new seeds none of your clear words may be clearly contradicted.

# %% nbgrader={"grade": false, "grade_id": "claim", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
my_intervals, my_claims = {}, {}
for name in ("known, constant", "known, line", "unknown, known"):
    first, second = name.split(", ")
    low, high, word = compare(my_runs[first], my_runs[second], LEVEL)
    my_intervals[name], my_claims[name] = (low, high), word
### END SOLUTION

# %%
for name, word in my_claims.items():
    low, high = my_intervals[name]
    print(f"{name}: {word}, {low:+.3f} to {high:+.3f}")

# %% nbgrader={"grade": true, "grade_id": "claims", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_pairs = [_name.split(", ") for _name in ("known, constant", "known, line", "unknown, known")]
for _pair in _pairs:
    assert len(my_intervals[", ".join(_pair)]) == 2, "an interval does not have two ends"
    assert my_claims[", ".join(_pair)] in ("better", "worse", "indistinguishable"), "a claim is not one of the words"
### BEGIN HIDDEN TESTS
for _first, _second in _pairs:
    _differences = np.array([my_runs[_first][_seed] - my_runs[_second][_seed] for _seed in my_runs[_first]])
    _low, _high = _above(_differences, LEVEL), -_above(-_differences, LEVEL)
    assert np.allclose(my_intervals[f"{_first}, {_second}"], (_low, _high), atol=1e-6), (
        f"the interval of {_first} minus {_second} does not follow from your runs"
    )
    _word = "better" if _high < 0 else "worse" if _low > 0 else "indistinguishable"
    assert my_claims[f"{_first}, {_second}"] == _word, (
        f"the word for {_first} against {_second} does not follow from them"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "claims_hold", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert len(my_claims) >= 3, "there are not three claims"
### BEGIN HIDDEN TESTS
_ends = {_name: _curve(_schedule, [max(BUDGETS)], _HELD)[:, 0] for _name, _schedule in _schedules().items()}
for _first, _second in _pairs:
    _differences, _word = _ends[_first] - _ends[_second], my_claims[f"{_first}, {_second}"]
    _against = {"better": _above(_differences) > 0, "worse": _above(-_differences) > 0}.get(_word, False)
    assert not _against, f"on new seeds {_first} is clearly not {_word} than {_second}"
### END HIDDEN TESTS

# %% [markdown]
# ## In your words
#
# You plan a run of `max(BUDGETS)` updates, and it is as likely as not that it is stopped after a third of them. Which of your
# two schedules do you take? Train both with `curve(schedule, [max(BUDGETS) // 3, max(BUDGETS)], seeds)`. Say in these numbers
# what the other choice would cost in either case, and where your predictions of part 2 were worth least. Three or four
# sentences. No test reads them: they are for your teacher, or for a discussion.

# %% [markdown]
# *(Write here.)*
