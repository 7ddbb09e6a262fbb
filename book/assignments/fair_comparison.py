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
# # A fair comparison
#
# **Goal.** Judge a claim that one schedule beats another. You design the control that is missing, pair the runs by
# seed, and reach a verdict by a rule that you wrote down before you saw the numbers.
#
# **Time:** 75 minutes. **You need** the chapters *Cycling* and *Claims and verdicts*, NumPy and a little SciPy. A tiny
# network trains for a few seconds in all, in PyTorch or in Keras.
#
# **What is graded** (20 points): two controls (5), the interval (3), the pairing (3), the verdict (5), and your runs
# with what you conclude from them (4). Tests that you see here are examples. Others are run when the work is graded.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions. Write the interval and the
# verdict yourself: do not call `lrlib.course`, which has both.
#
# ## The claim
#
# It is made up, and shaped like many that you can read:
#
# > We trained a small network on handwritten digits, once with the constant rate `PUBLISHED` and once with a
# > triangular cycle from `LOW` to `HIGH`. With the cycle the test accuracy was higher. Cycling works.
#
# Both runs had the same number of updates. Nothing is said of their mean rates, and there was one run of each.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
FRAMEWORK = "pytorch"  # or "keras"
LOW, HIGH = 0.05, 0.5
STEP_SIZE = 24  # updates in half a cycle
PUBLISHED = 0.05  # the constant rate of the claim
UPDATES = 200  # of every run
SEEDS = 6  # at least so many
LEVEL = 0.95  # of the intervals

# %%
import math

import numpy as np

import lrlib

# %% [markdown]
# ## 1. A constant with the same budget
#
# A *schedule* is anything that gives the rate when it is called with the number of updates made so far: 0, 1, 2 and so
# on, one whole number at a time. `lrlib.Triangular(LOW, HIGH, STEP_SIZE)` is one. So is a Python function, or
# `rates.__getitem__` of a list. A schedule need not be defined beyond its budget, so do not ask it there.
#
# The cycle's mean rate may be another than the published constant. If the cycle does better, is it for the cycling,
# or for the mean? A constant at the cycle's own mean rate tells.
#
# - `mean_rate(schedule, updates)` returns the mean of the rates in force during the first `updates` updates, as a
#   number. Take care with the first and with the last of them. A budget need not hold a whole number of cycles.
# - `equal_budget_constant(schedule, updates)` returns a schedule: the constant with that mean rate.


# %% nbgrader={"grade": false, "grade_id": "equal_budget", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_rate(schedule, updates):
    """The mean of the rates in force during the first updates."""
    ### BEGIN SOLUTION
    return sum(float(schedule(update)) for update in range(updates)) / updates
    ### END SOLUTION


def equal_budget_constant(schedule, updates):
    """A constant schedule with the same mean rate."""
    ### BEGIN SOLUTION
    return lrlib.Constant(mean_rate(schedule, updates))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mean", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(mean_rate(lrlib.Constant(0.3), 7), 0.3), "a constant rate is not its own mean"
assert np.isclose(mean_rate([0.1, 0.2, 0.6].__getitem__, 3), 0.3), "the mean of three listed rates is wrong"
### BEGIN HIDDEN TESTS
assert np.isclose(mean_rate(lrlib.Linear(1.0, 0.0, steps=4), 4), 0.625), (
    "the first or the last rate is not the right one"
)
assert np.isclose(mean_rate([0.7].__getitem__, 1), 0.7), "one update does not work"
for _low, _high, _step, _updates in ((0.05, 0.5, 24, 200), (0.1, 0.9, 10, 25), (0.01, 0.4, 30, 17), (0.2, 0.6, 5, 40)):
    _cycle = lrlib.Triangular(_low, _high, _step)
    _rates = [_cycle(_t) for _t in range(_updates)]
    assert np.isclose(mean_rate(_cycle, _updates), np.mean(_rates), rtol=1e-9), (
        "the mean over a cycle's budget is wrong"
    )
    assert np.isclose(mean_rate(_rates.__getitem__, _updates), np.mean(_rates), rtol=1e-9), (
        "a schedule that is no cycle of lrlib does not work"
    )
_rates = np.random.default_rng(3).uniform(0.1, 1, 50).tolist()
assert np.isclose(mean_rate(_rates.__getitem__, 50), np.mean(_rates), rtol=1e-9), (
    "an uneven schedule gives a wrong mean"
)
_mean_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "constant", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if that part's tests failed, the right function goes on from here.
### REFERENCE mean_rate UNLESS mean PASSED
### END HIDDEN TESTS
_control = equal_budget_constant([0.1, 0.2, 0.6].__getitem__, 3)
assert np.allclose([_control(_t) for _t in range(3)], 0.3), "the control does not have the mean rate at every update"
### BEGIN HIDDEN TESTS
for _low, _high, _step, _updates in ((0.05, 0.5, 24, 200), (0.1, 0.9, 10, 25), (0.01, 0.4, 30, 17)):
    _cycle = lrlib.Triangular(_low, _high, _step)
    _mean = np.mean([_cycle(_t) for _t in range(_updates)])
    _control = equal_budget_constant(_cycle, _updates)
    _rates = [float(_control(_t)) for _t in range(_updates)]
    assert np.ptp(_rates) == 0, "the control is not constant"
    assert np.isclose(_rates[0], _mean, rtol=1e-9), "the control does not have the cycle's mean rate"
_constant_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 2. A line that only comes down
#
# A cycle also brings the rate down, again and again. A control that comes down once, and never goes up, tells
# whether the cycling adds anything to that.
#
# `falling_line(schedule, updates)`, for 2 updates or more, returns a schedule. Over the budget its rates lie on one
# straight line. During the *last* update of the budget its rate is the lowest that `schedule` has within the budget.
# Its mean rate over the budget is that of `schedule`. That settles where the line starts.
#
# For whole cycles the line starts at the upper bound, or very near it. For other budgets it starts where it must.


# %% nbgrader={"grade": false, "grade_id": "line", "locked": false, "schema_version": 3, "solution": true, "task": false}
def falling_line(schedule, updates):
    """A straight line down to the schedule's lowest rate, with the same mean rate."""
    ### BEGIN SOLUTION
    lowest = min(float(schedule(update)) for update in range(updates))
    first = 2 * mean_rate(schedule, updates) - lowest  # the mean of a line is that of its two ends
    return lrlib.Linear(first, lowest, steps=updates - 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "falling", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_line = falling_line([0.1, 0.2, 0.6].__getitem__, 3)
assert np.isclose(np.mean([_line(_t) for _t in range(3)]), 0.3), "the line does not have the schedule's mean rate"
### BEGIN HIDDEN TESTS
for _low, _high, _step, _updates in ((0.05, 0.5, 24, 200), (0.1, 0.9, 10, 25), (0.01, 0.4, 30, 17), (0.2, 0.6, 5, 2)):
    _cycle = lrlib.Triangular(_low, _high, _step)
    _rates = [_cycle(_t) for _t in range(_updates)]
    for _schedule in (_cycle, _rates[::-1].__getitem__):
        _line = falling_line(_schedule, _updates)
        _drawn = np.array([float(_line(_t)) for _t in range(_updates)])
        assert np.isclose(_drawn.mean(), np.mean(_rates), rtol=1e-9), "the line does not have the schedule's mean rate"
        assert np.isclose(_drawn[-1], min(_rates), rtol=1e-9), "the line does not end at the lowest rate of the budget"
        assert (np.diff(_drawn) < 0).all(), "the line does not fall from each update to the next"
        assert np.allclose(np.diff(_drawn), np.diff(_drawn)[0]), "the line is not straight"
_falling_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The interval
#
# `interval(differences, level)` returns two numbers, the lower and the upper end of Student's t interval for the
# mean of the differences, at a level such as 0.95. There are at least two differences, in a list or in an array.
#
# With $n$ differences, their mean $m$ and their standard deviation $s$, the ends are $m \pm q\,s/\sqrt{n}$. The
# standard deviation is the sample's: it divides by $n - 1$. Student's t distribution has $n - 1$ degrees of freedom,
# and $q$ is its quantile that leaves $(1 - \text{level})/2$ above it. You may use `scipy.stats`.
#
# If all differences are equal, both ends are that number. A test set is finite, so this does happen.


# %% nbgrader={"grade": false, "grade_id": "student", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interval(differences, level):
    """Student's t interval for the mean: its lower and its upper end."""
    ### BEGIN SOLUTION
    from scipy import stats

    n = len(differences)
    half = stats.t.ppf((1 + level) / 2, n - 1) * np.std(differences, ddof=1) / math.sqrt(n)
    return np.mean(differences) - half, np.mean(differences) + half
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "t_interval", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
_low, _high = interval([1.0, 2.0, 3.0], 0.95)
assert round(_low, 2) == -0.48 and round(_high, 2) == 4.48, "the interval of 1, 2 and 3 at level 0.95 is wrong"
### BEGIN HIDDEN TESTS
from scipy import stats as _stats

for _n in (2, 3, 5, 12, 40):
    _given = np.random.default_rng(_n).normal(0.4, 1.3, _n)
    for _level in (0.5, 0.9, 0.95, 0.99):
        _ends = _stats.t.interval(_level, _n - 1, loc=_given.mean(), scale=_stats.sem(_given))
        assert np.allclose(interval(_given, _level), _ends), "the ends are wrong at another number or another level"
        assert np.allclose(interval(_given.tolist(), _level), _ends), "a list does not give what an array gives"
assert np.allclose(interval([0.25] * 4, 0.95), 0.25), "equal differences do not give their own value at both ends"
_t_interval_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Pairs
#
# Two runs with the same seed start from the same weights and see the same batches, so their difference is often
# less noisy than either. Runs come as a dict, seed → test accuracy in percent.
#
# `paired_differences(ours, theirs)` returns two things:
#
# - the differences, *ours minus theirs*, one for each seed that both have, in any order;
# - how many seeds were left out because only one side has them, so that the reader can be told.
#
# The two dicts may list their seeds in different orders, and are not changed. Fewer than three shared seeds raise a
# `ValueError`.
#
# A run that diverged has the accuracy NaN (`math.nan`). Its pair stays: the difference is NaN.


# %% nbgrader={"grade": false, "grade_id": "pair", "locked": false, "schema_version": 3, "solution": true, "task": false}
def paired_differences(ours, theirs):
    """The differences at shared seeds, and how many seeds were left out."""
    ### BEGIN SOLUTION
    shared = sorted(set(ours) & set(theirs))
    if len(shared) < 3:
        raise ValueError(f"three shared seeds are needed, got {len(shared)}")
    return [ours[seed] - theirs[seed] for seed in shared], len(set(ours) ^ set(theirs))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "pairs", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
_differences, _left_out = paired_differences({0: 95.0, 1: 96.0, 2: 97.0}, {0: 94.0, 1: 96.5, 2: 95.0})
assert np.allclose(sorted(_differences), [-0.5, 1.0, 2.0]) and _left_out == 0, "three plain pairs are wrong"
### BEGIN HIDDEN TESTS
_ours = {4: 91.0, 0: 95.0, 7: 80.5, 2: 97.0, 9: 10.0}
_theirs = {2: 90.0, 7: 80.0, 1: 55.0, 0: 94.0, 4: 93.0, 12: 60.0}
_copies = dict(_ours), dict(_theirs)
_differences, _left_out = paired_differences(_ours, _theirs)
assert np.size(_differences) == 4, "the differences are not those of the shared seeds, one each"
assert np.allclose(sorted(_differences), [-2.0, 0.5, 1.0, 7.0]), "the pairs are not by seed, ours minus theirs"
assert _left_out == 3, "the number of seeds left out does not count those of both sides"
assert (_ours, _theirs) == _copies, "a dict that was given has been changed"
_differences, _ = paired_differences({**_ours, 7: math.nan}, _theirs)
assert np.isnan(_differences).sum() == 1 and np.size(_differences) == 4, "a diverged run's pair does not stay as NaN"
_differences, _left_out = paired_differences(_ours, {0: 94.0, 2: 90.0, 7: 80.0})
assert np.size(_differences) == 3 and _left_out == 2, "three shared seeds are not enough"
for _few in ({}, {0: 94.0, 2: 90.0}, {0: 94.0, 2: 90.0, 1: 90.0, 3: 90.0}):
    for _one, _other in ((_ours, _few), (_few, _ours)):
        try:
            paired_differences(_one, _other)
        except ValueError:
            continue
        raise AssertionError("fewer than three shared seeds do not raise a ValueError")
_pairs_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The verdict
#
# `verdict(ours, control, as_published, level)` returns one word. All three runs are dicts as above: `ours` of the
# schedule that is claimed to be better, `control` of the fair control, `as_published` of the published one. The
# claim is that ours is *higher*.
#
# A comparison *holds* if the interval of the paired differences lies wholly above zero. An interval that touches zero
# does not.
#
# - `"reproduced"`: the comparison with the fair control holds.
# - `"confounded"`: it does not, and the one with the published control does.
# - `"not reproduced"`: neither holds.
#
# *Not reproduced* is coarse: the chapter splits it into undecided, no gain, negligible and reversed, by what the interval
# excludes.
#
# (The chapter's *confounded* asks more: there the fair control must also be shown to be the better one of the two. Here
# the word says only that the gain is shown against the published control, and not against the fair one.)
#
# Each of the two comparisons has its own pairs, as in part 4: all seeds that *these two* share. Fewer than three shared
# ones in a comparison that you make are a `ValueError`.
#
# What of a run that diverged? To drop it would flatter its schedule. So two rules come before the others, in this
# order. They count every run given, whether the other sides have its seed or not.
#
# 1. If a run of either control is NaN, raise a `ValueError`. To beat a control that fails shows nothing; another
#    control is needed.
# 2. If a run of ours is NaN, the verdict is `"not reproduced"`. A schedule that fails where its controls do not has
#    lost that pair, and there is no number by which the other pairs could make up for it.


# %% nbgrader={"grade": false, "grade_id": "judge", "locked": false, "schema_version": 3, "solution": true, "task": false}
def verdict(ours, control, as_published, level):
    """What is left of the claim that ours is higher, in a word."""
    ### BEGIN SOLUTION
    if any(math.isnan(accuracy) for runs in (control, as_published) for accuracy in runs.values()):
        raise ValueError("a control diverged: compare with another one")
    if any(math.isnan(accuracy) for accuracy in ours.values()):
        return "not reproduced"

    def holds(theirs):
        differences, _ = paired_differences(ours, theirs)
        return interval(differences, level)[0] > 0

    if holds(control):
        return "reproduced"
    return "confounded" if holds(as_published) else "not reproduced"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rule", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if that part's tests failed, the right function goes on from here.
### REFERENCE interval UNLESS t_interval PASSED
### REFERENCE paired_differences UNLESS pairs PASSED
### END HIDDEN TESTS
_ours = {0: 95.0, 1: 96.0, 2: 97.0, 3: 95.5}
_near = {0: 95.5, 1: 95.5, 2: 97.0, 3: 95.0}
_worse = {0: 90.0, 1: 91.5, 2: 91.0, 3: 90.5}
assert verdict(_ours, _worse, _worse, LEVEL) == "reproduced", "a clear gain over both controls gets a wrong word"
assert verdict(_ours, _near, _near, LEVEL) == "not reproduced", "no clear gain over either control gets a wrong word"
### BEGIN HIDDEN TESTS
import itertools

from scipy import stats as _stats

_random = np.random.default_rng(8)
_ours = {_seed: 90 + 4 * _random.standard_normal() for _seed in range(12)}


def _against(low, level):
    """A control for which the interval's lower end is as given, with its seeds in another order and one of its own."""
    noise = _random.standard_normal(11)
    half = _stats.t.ppf((1 + level) / 2, 10) * noise.std(ddof=1) / 11**0.5
    differences = noise - noise.mean() + half + low
    seeds = _random.permutation(12)[:11]
    return {99: 5.0, **{int(_seed): _ours[_seed] - d for _seed, d in zip(seeds, differences, strict=True)}}


# Over the seeds 5 to 7, which all three share, both comparisons would hold.
_fair = {_seed: _ours[_seed] + (1.0 if _seed < 5 else -1.0) for _seed in range(8)}
_published = {_seed: _ours[_seed] - 1.0 for _seed in range(5, 12)}
assert verdict(_ours, _fair, _published, 0.95) == "confounded", (
    "a comparison does not have its own pairs: all seeds that these two runs share"
)
_equal = {_seed: _ours[_seed] for _seed in reversed(range(12))}
_words = {(True, True): "reproduced", (True, False): "reproduced", (False, True): "confounded"}
for _level in (0.8, 0.95, 0.99):
    _end = {True: (0.001, 3.0), False: (-0.001, -50.0)}  # just and far on either side of zero
    for _fair, _published, _i, _j in itertools.product((True, False), (True, False), (0, 1), (0, 1)):
        _controls = _against(_end[_fair][_i], _level), _against(_end[_published][_j], _level)
        assert verdict(_ours, *_controls, _level) == _words.get((_fair, _published), "not reproduced"), (
            f"a wrong word where the comparison with the fair control {'holds' if _fair else 'does not hold'} "
            f"and the one with the published control {'holds' if _published else 'does not hold'}"
        )
    assert verdict(_ours, _equal, _against(1.0, _level), _level) == "confounded", (
        "an interval to the fair control that touches zero is taken for clear"
    )
    assert verdict(_ours, _against(-1.0, _level), _equal, _level) == "not reproduced", (
        "an interval to the published control that touches zero is taken for clear"
    )
_lower = {_seed: _accuracy - 1.0 for _seed, _accuracy in _ours.items()}
assert verdict(_ours, _lower, _lower, 0.95) == "reproduced", "the same clear gain at every seed gets a wrong word"
try:
    verdict(_ours, {0: 80.0, 1: 81.0, 50: 82.0}, {0: 80.0, 1: 81.0, 51: 82.0}, 0.95)
except ValueError:
    pass
else:
    raise AssertionError("fewer than three shared seeds do not raise a ValueError")
_rule_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "diverged", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if that part's tests failed, the right function goes on from here.
### REFERENCE equal_budget_constant UNLESS constant PASSED
### REFERENCE falling_line UNLESS falling PASSED
### END HIDDEN TESTS
_ours = {_seed: 95.0 + _seed % 3 for _seed in range(8)}
_worse = {_seed: 80.0 + _seed % 2 for _seed in range(8)}
assert verdict({**_ours, 5: math.nan}, _worse, _worse, LEVEL) == "not reproduced", "a diverged run of ours is ignored"
### BEGIN HIDDEN TESTS
assert verdict(_ours, _worse, _worse, LEVEL) == "reproduced", "runs without a diverged one get a wrong word"
_alone = {**_ours, 30: float("nan")}
assert verdict(_alone, _worse, _worse, LEVEL) == "not reproduced", "a diverged run of ours is dropped with its seed"
assert verdict(_alone, {**_worse, 30: 80.0}, _worse, LEVEL) == "not reproduced", (
    "a diverged run of ours whose seed only the fair control has is passed over"
)
assert verdict({**_ours, 3: np.float64("nan")}, _ours, {0: 80.0, 1: 80.5, 2: 80.0}, LEVEL) == "not reproduced", (
    "a diverged run of ours whose seed the published control lacks is passed over"
)
for _seed in (2, 30):
    for _runs in (
        (_ours, {**_worse, _seed: math.nan}, _worse),
        (_ours, _worse, {**_worse, _seed: np.float64("nan")}),
        (_ours, _ours, {**_worse, _seed: math.nan}),
        ({**_ours, 1: math.nan}, {**_worse, _seed: math.nan}, _worse),
        ({**_ours, _seed: math.nan}, _worse, {**_worse, 4: math.nan}),
    ):
        try:
            verdict(*_runs, LEVEL)
        except ValueError:
            continue
        raise AssertionError("a control that diverged does not raise a ValueError")
_diverged_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 6. The runs
#
# `train(schedule, seed)`, below, trains a tiny network on the digits for `UPDATES` updates of plain SGD and returns
# its test accuracy in percent, or NaN if a loss was not finite. The seed decides the initial weights and the
# batches.

# %% nbgrader={"grade": false, "grade_id": "images", "locked": true, "schema_version": 3, "solution": false, "task": false}
from lrlib.course.data import digits
from lrlib.course.networks import dense_weights

SIZES, BATCH = (64, 32, 10), 32
images, labels = digits()
images, labels = (images / 16).astype("float32"), labels.astype("int64")
tested = np.arange(len(images)) % 5 == 0  # every fifth image is for testing
train_images, train_labels = images[~tested], labels[~tested]
test_images, test_labels = images[tested], labels[tested]


def draw_batches(seed):
    """Row numbers of each update's batch: UPDATES × BATCH."""
    return np.random.default_rng([seed, 1]).integers(len(train_images), size=(UPDATES, BATCH))


# %% nbgrader={"grade": false, "grade_id": "train_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":
    import torch

    from lrlib.course import pytorch as in_torch

    in_torch.one_thread()

    def train(schedule, seed):
        """Test accuracy in percent, or NaN if a loss was not finite."""
        model = in_torch.perceptron(SIZES, dense_weights(SIZES, seed))
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        for update, rows in enumerate(draw_batches(seed)):
            optimizer.param_groups[0]["lr"] = float(schedule(update))
            optimizer.zero_grad()
            outputs = model(torch.from_numpy(train_images[rows]))
            loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(train_labels[rows]))
            if not torch.isfinite(loss):
                return math.nan
            loss.backward()
            optimizer.step()
        return in_torch.evaluate(model, test_images, test_labels)[1]

    _train = train  # the tests train with this one


# %% nbgrader={"grade": false, "grade_id": "train_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":
    from lrlib.course import fast_convolutions

    with fast_convolutions():
        import keras
        import tensorflow as tf

    from lrlib.course import keras as in_keras

    network = in_keras.perceptron(SIZES, dense_weights(SIZES, 0))
    sgd = keras.optimizers.SGD(1.0)
    sgd.build(network.trainable_variables)

    @tf.function(autograph=False)
    def all_updates(rates, rows):
        """The losses of all updates, which run one after another in one compiled graph."""

        def one(given):
            rate, batch = given
            with tf.GradientTape() as tape:
                outputs = network(tf.gather(train_images, batch), training=True)
                loss = in_keras.cross_entropy(tf.gather(train_labels, batch), outputs)
            gradients = tape.gradient(loss, network.trainable_variables)
            sgd.learning_rate.assign(rate)
            sgd.apply(gradients, network.trainable_variables)
            return loss

        return tf.map_fn(one, (rates, rows), parallel_iterations=1, fn_output_signature=tf.float32)

    def train(schedule, seed):
        """Test accuracy in percent, or NaN if a loss was not finite."""
        network.set_weights(dense_weights(SIZES, seed))
        rates = [float(schedule(update)) for update in range(UPDATES)]
        losses = all_updates(tf.constant(rates, tf.float32), tf.constant(draw_batches(seed)))
        if not np.isfinite(losses).all():
            return math.nan
        return in_keras.evaluate(network, test_images, test_labels)[1]

    _train = train  # the tests train with this one


# %% [markdown]
# Try it before you go on. Is it the same when you run it twice with one seed? How much does it change with the seed?

# %%
for seed in (0, 0, 1):
    print(f"the published constant, seed {seed}: {train(lrlib.Constant(PUBLISHED), seed):.2f} %")

# %% [markdown]
# Now train, and fill `runs`: a dict with four keys, each of them with a dict seed → test accuracy.
#
# - `"cycle"`: the triangular cycle of the claim;
# - `"published"`: the claim's constant rate `PUBLISHED`;
# - `"constant"`: your `equal_budget_constant` of the cycle, for `UPDATES` updates;
# - `"line"`: your `falling_line` of the cycle, for `UPDATES` updates.
#
# Use the same seeds for all four, at least `SEEDS` of them, any whole numbers from 0 up. Leave the accuracies as they
# come, and call `train` here rather than paste numbers: when the work is graded, some of the runs are done again.

# %% nbgrader={"grade": false, "grade_id": "train_all", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = {
    "cycle": cycle,
    "published": lrlib.Constant(PUBLISHED),
    "constant": equal_budget_constant(cycle, UPDATES),
    "line": falling_line(cycle, UPDATES),
}
runs = {name: {seed: train(schedule, seed) for seed in range(SEEDS)} for name, schedule in schedules.items()}
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "real_runs", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if that part's tests failed, the right function goes on from here.
### REFERENCE verdict UNLESS rule, diverged PASSED
### END HIDDEN TESTS
_names = ("cycle", "published", "constant", "line")
assert set(_names) <= set(runs), "a key is missing from runs"
assert all(len(runs[_name]) >= SEEDS for _name in _names), "there are too few seeds"
### BEGIN HIDDEN TESTS
assert all(set(runs[_name]) == set(runs["cycle"]) for _name in _names), "the four do not have the same seeds"
_cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
_rates = [_cycle(_t) for _t in range(UPDATES)]
_mean, _lowest = sum(_rates) / UPDATES, min(_rates)
_schedules = {
    "cycle": _cycle,
    "published": lrlib.Constant(PUBLISHED),
    "constant": lrlib.Constant(_mean),
    "line": lrlib.Linear(2 * _mean - _lowest, _lowest, steps=UPDATES - 1),
}
_chosen = np.random.default_rng(1993).permutation(sorted(runs["cycle"]))[:2]
for _name, _schedule in _schedules.items():
    for _seed in map(int, _chosen):
        # Within half a test image: graded where it was run, a run gives the same number again.
        _same = np.isclose(runs[_name][_seed], _train(_schedule, _seed), rtol=0, atol=0.1, equal_nan=True)
        assert _same, f"a run of {_name}, done again with its schedule and its seed, does not give your accuracy"
### END HIDDEN TESTS

# %% [markdown]
# ## 7. Your conclusion
#
# Report what your runs show of the claim, once with each fair control. Both are dicts with the keys `"constant"` and
# `"line"`:
#
# - `my_intervals`: the two ends of the interval of the paired differences, cycle minus that control, at `LEVEL`;
# - `my_verdicts`: the word, with that control as the fair one, at `LEVEL`.

# %% nbgrader={"grade": false, "grade_id": "conclude", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
my_intervals, my_verdicts = {}, {}
for control in ("constant", "line"):
    differences, _ = paired_differences(runs["cycle"], runs[control])
    my_intervals[control] = interval(differences, LEVEL)
    my_verdicts[control] = verdict(runs["cycle"], runs[control], runs["published"], LEVEL)
### END SOLUTION

# %%
for name in my_verdicts:
    low, high = my_intervals[name]
    print(f"cycle minus {name}: {low:+.2f} to {high:+.2f} points, {my_verdicts[name]}")

# %% nbgrader={"grade": true, "grade_id": "conclusion", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
for _control in ("constant", "line"):
    assert len(my_intervals[_control]) == 2, "an interval does not have two ends"
    assert my_verdicts[_control] in ("reproduced", "confounded", "not reproduced"), "a verdict is not one of the words"
### BEGIN HIDDEN TESTS
from scipy import stats as _stats


def _ends(theirs):
    """The interval of the student's own cycle runs minus others of theirs."""
    shared = set(runs["cycle"]) & set(runs[theirs])
    differences = np.array([runs["cycle"][seed] - runs[theirs][seed] for seed in shared])
    n = len(differences)
    half = _stats.t.ppf((1 + LEVEL) / 2, n - 1) * differences.std(ddof=1) / n**0.5
    return differences.mean() - half, differences.mean() + half


for _control in ("constant", "line"):
    assert np.allclose(my_intervals[_control], _ends(_control), atol=1e-6, equal_nan=True), (
        f"the interval for {_control} does not follow from your runs"
    )
    _otherwise = "confounded" if _ends("published")[0] > 0 else "not reproduced"
    _diverged = np.isnan(list(runs["cycle"].values())).any()
    _word = "not reproduced" if _diverged else "reproduced" if _ends(_control)[0] > 0 else _otherwise
    assert my_verdicts[_control] == _word, f"the verdict with {_control} does not follow from your runs"
### END HIDDEN TESTS

# %% [markdown]
# ## For discussion
#
# Write one sentence that a reader of the claim should know. This is not graded by a test; bring it to class.
#
# A verdict of "not reproduced" does not mean that the schedules are equal. Which gains do your runs not exclude? The upper
# end of your interval says so.
