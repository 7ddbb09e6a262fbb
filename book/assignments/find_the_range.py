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
# # Find the range
#
# **Goal.** Write the learning-rate range test and a rule that reads it. Run it on two networks, choose bounds for each,
# and tell a curve that supports a choice from one that does not.
#
# **Time:** 75 minutes. **You need** the chapter *Finding the range*, NumPy, and a framework. The networks are small:
# nothing here trains for longer than some seconds. The data are scikit-learn's digits.
#
# **What is graded** (20 points): the sweep (6), the rule (6), your bounds, by how the networks train with them (4), and
# your verdicts on six curves (4). Tests that you see here are examples. Others are run when the work is graded. A mistake
# in the sweep or in the rule costs no points for bounds that you compute: they are then computed from the right ones.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions, and do not call `lrlib`'s own
# range test: the point is to write it.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
FRAMEWORK = "pytorch"  # or "keras"
SEED = 0
WIDTH = 32  # units in a hidden layer
START, END, STEPS = 1e-4, 10.0, 80  # the sweep
SWEEPS = 4  # sweeps to average, each with a seed of its own
UPDATES = 60  # how long bounds are tried

# %%
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## 1. The sweep
#
# `train_step` is a function. `train_step(rate)` makes one update of a network at that rate and returns the loss after
# it, a number above 0. Each call goes on from the last.
#
# `sweep(train_step, start, end, steps)` calls it once for each of `steps` rates, from low to high. It returns two
# sequences of the same length (lists or arrays): the rates and the losses.
#
# - The first rate is `start`, the last is `end`. They are **exponentially spaced**: each is the same multiple of the
#   one before. `steps` is at least 2.
# - Each rate is paired with the loss that `train_step` returned **for it**, as it is, without smoothing.
# - The sweep **stops early** when a loss is not finite, or is above four times the best, that is the lowest loss so
#   far. The loss that stops it is the last one returned, with its rate. After it `train_step` is not called again.


# %% nbgrader={"grade": false, "grade_id": "sweep", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sweep(train_step, start, end, steps):
    """The rates that were tried, and the loss at each."""
    ### BEGIN SOLUTION
    rates, losses = [], []
    for rate in np.geomspace(start, end, steps):
        rates.append(float(rate))
        losses.append(train_step(float(rate)))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sweep_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def _replay(losses):
    """A train_step that returns these losses and then 1, and a list of the rates that it is called with."""
    left, called = iter(losses), []

    def train_step(rate):
        called.append(float(rate))
        return next(left, 1.0)

    return train_step, called


_rates, _losses = sweep(_replay([])[0], 0.001, 10.0, 5)
assert len(_rates) == 5, "the number of rates is not `steps`"
assert np.allclose(_rates, [0.001, 0.01, 0.1, 1.0, 10.0]), "five rates over four decades are not a decade apart"
### BEGIN HIDDEN TESTS
for _start, _end, _steps in ((START, END, STEPS), (0.2, 0.9, 7), (1e-7, 10.0, 100), (0.5, 2.0, 2)):
    _step, _called = _replay([])
    _rates, _losses = sweep(_step, _start, _end, _steps)
    assert len(_rates) == len(_losses) == _steps, "the number of rates is not `steps`"
    assert np.isclose(_rates[0], _start, rtol=1e-6, atol=0), "the first rate is not `start`"
    assert np.isclose(_rates[-1], _end, rtol=1e-6, atol=0), "the last rate is not `end`"
    assert np.allclose(np.diff(np.log(_rates)), np.log(_end / _start) / (_steps - 1)), "the spacing is not exponential"
    assert len(_called) == _steps, "train_step is not called once for each rate"
    assert np.allclose(_called, _rates, rtol=1e-6, atol=0), "train_step trains at other rates than those returned"
_rates_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sweep_pairs", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rates, _losses = sweep(lambda rate: 2.0 + rate, 0.1, 1.0, 4)
assert len(_rates) == len(_losses), "rates and losses differ in length"
assert np.allclose(_losses, 2.0 + np.asarray(_rates)), "a loss does not stand beside its own rate"
### BEGIN HIDDEN TESTS
_random = np.random.default_rng(SEED)
for _count in (2, 9, STEPS):
    _given = _random.uniform(1.0, 3.9, _count).tolist()
    _step, _called = _replay(_given)
    _rates, _losses = sweep(_step, START, END, _count)
    assert len(_rates) == len(_losses) == _count, "there is not one pair for each step"
    assert np.allclose(_losses, _given, rtol=1e-5, atol=0), "the losses are not those of train_step, in their order"
    assert np.allclose(_called[:_count], _rates, rtol=1e-6, atol=0), (
        "a rate does not stand beside the loss that was returned for it"
    )
_pairs_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sweep_stop", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rates, _losses = sweep(_replay([2.0, 1.0, 4.5])[0], 0.01, 1.0, 5)
assert list(_losses) == [2.0, 1.0, 4.5], "a loss above four times the best is not the last of the sweep"
### BEGIN HIDDEN TESTS
_cases = {
    "a loss that is not a number does not end it at once": [2.0, 1.5, np.nan],
    "an infinite loss does not end it at once": [2.0, 1.5, np.inf],
    "a first loss that is not finite does not end it": [np.nan],
    "an infinite first loss does not end it": [np.inf],
    "the limit is not four times the best: it is taken from another loss": [3.0, 0.5, 1.0, 1.9, 2.1],
    "a slow rise past the limit does not end it": [1.0, 1.7, 2.5, 3.3, 4.1],
    "it ends at or below the limit, or goes on above it": [2.0, 1.0, 4.0, 3.9, 4.01],
    "one single loss above the limit does not end it": [1.0] * 20 + [4.2],
}
for _message, _given in _cases.items():
    _step, _called = _replay(_given)
    _rates, _losses = sweep(_step, 0.001, 1.0, 30)
    assert len(_losses) == len(_given), _message
    assert len(_rates) == len(_losses), "rates and losses differ in length after an early end"
    assert np.allclose(_losses, _given, equal_nan=True), "the last loss returned is not the one that ended the sweep"
    assert len(_called) == len(_given), "training goes on after the loss that should end it"
_stop_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The rule
#
# `steepest(rates, losses)` returns the rate at which the **smoothed** curve falls fastest **against log10(rate)**, or
# `None` where it never falls.
#
# - Smooth with something **centred**: a mean over as many points before as after, or a straight line fitted to the
#   points near each rate. It must not shift the curve. Where the loss falls in a symmetric S over one to three decades,
#   your answer lies within 0.1 decades of the middle.
# - It must be enough for noise. With 16 points to a decade, an S about two decades wide, and a scatter (standard
#   deviation) of 9 % of its height, over 60 draws the median distance of your answer from the middle is at most 0.26
#   decades, and its median error, with its sign, lies within 0.2 decades of zero. Mind the ends: where a window shrinks,
#   less noise is averaged out. You may leave a few points there.
# - The rates rise. They need not be evenly spaced, not even on a logarithmic axis.
# - The last loss of a sweep may be huge or not finite. Neither moves the answer.
# - A sweep has some 30 to 100 points, or fewer where it has stopped early: your function does not fail on those either.
#   With fewer than three finite losses the answer is `None`.
# - Rounding is no fall: a slope that is not below −1e-6 per decade counts as level.
#
# The rate returned lies within the sweep. It need not be one of those tried.


# %% nbgrader={"grade": false, "grade_id": "steepest", "locked": false, "schema_version": 3, "solution": true, "task": false}
def steepest(rates, losses):
    """The rate of the steepest fall of the smoothed curve, or None."""
    ### BEGIN SOLUTION
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates, float)[finite]), np.asarray(losses, float)[finite]
    if len(y) < 3:
        return None
    y = np.minimum(y, y[: y.argmin() + 1].max())  # what blows up at the end must not reach back into the fall
    reach = max(0.25, 1.5 * np.diff(u).max())
    slopes = []
    for centre in u:
        near = np.exp(-(((u - centre) / reach) ** 2) / 2)
        slopes.append(np.polyfit(u - centre, y, 1, w=np.sqrt(near))[0])
    return float(10 ** u[np.argmin(slopes)]) if min(slopes) < -1e-6 else None
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "steepest_place", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def _fall(u, middle, width):
    """A symmetric S from 2.3 to 0.5, most of it over `width` decades."""
    return 2.3 - 1.8 / (1 + np.exp(-8 * (u - middle) / width))


_u = np.linspace(-5, 0, 81)
_found = steepest(10**_u, _fall(_u, -2.5, 2.0))
assert _found is not None and abs(np.log10(_found) + 2.5) <= 0.1, "the middle of a clean fall is missed"
### BEGIN HIDDEN TESTS
for _middle, _width in ((-3.4, 2.0), (-1.6, 2.0), (-2.5, 3.0), (-2.0, 1.0), (-3.7, 1.5)):
    _found = steepest(list(10**_u), list(_fall(_u, _middle, _width)))
    assert _found is not None, "a clear fall gives None"
    assert 10 ** _u[0] <= _found <= 10 ** _u[-1], "what is returned is not a rate of the sweep"
    assert abs(np.log10(_found) - _middle) <= 0.1, "the curve is shifted, or the slope is not against log10(rate)"
# A gentle fall where points are far apart, then a steep one where they are close.
_uneven = np.concatenate([np.arange(-6, -3, 0.2), np.arange(-3, 0.01, 0.04)])
_losses = _fall(_uneven, -4.5, 4.0) + _fall(_uneven, -1.5, 2.0)
_found = steepest(10**_uneven, _losses)
assert _found is not None and abs(np.log10(_found) + 1.5) <= 0.2, "the slope is wrong where rates are unevenly spaced"
_u = np.linspace(-4, 0, 33)
_found = steepest(10**_u, _fall(_u, -2.0, 2.5))
assert _found is not None and abs(np.log10(_found) + 2.0) <= 0.3, "a sweep with fewer points is misread"
_place_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "steepest_noise", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_u = np.linspace(-5, 0, 81)
_losses = _fall(_u, -2.5, 2.0)
_usual = steepest(10**_u, _losses)
_found = steepest([*10**_u, 1.1], [*_losses, np.nan])
assert _usual and _found and abs(np.log10(_found / _usual)) <= 0.1, "a last loss that is not finite moves the answer"
### BEGIN HIDDEN TESTS
for _last in (np.nan, np.inf, 1e9, 2.4):
    _given = np.array([*_losses, _last])
    _found = steepest(np.array([*10**_u, 1.1]), _given)
    assert _found and abs(np.log10(_found / _usual)) <= 0.1, "a last loss that blows up moves the answer"
    assert np.array_equal(_given, [*_losses, _last], equal_nan=True), "the losses that were given have been changed"
_random = np.random.default_rng([SEED, 7])
_errors = []
for _middle in np.tile([-3.0, -2.5, -2.0], 20):
    _found = steepest(10**_u, _fall(_u, _middle, 2.0) + 0.09 * 1.8 * _random.standard_normal(81))
    assert _found is not None, "a clear fall with noise gives None"
    _errors.append(np.log10(_found) - _middle)
assert np.median(np.abs(_errors)) <= 0.26, (
    "noise moves the answer too far: too little smoothing, or a window that shrinks at the ends"
)
assert abs(np.median(_errors)) <= 0.2, "with noise the answers lie to one side: the smoothing is not centred"
_noise_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "steepest_none", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rates = np.geomspace(1e-4, 1.0, 40)
assert steepest(_rates, 2.0 + _rates) is None, "a curve that only rises gives a rate"
### BEGIN HIDDEN TESTS
for _level in (2.3, 0.1, 1 / 3, 7.7):
    assert steepest(_rates, [_level] * 40) is None, "a level curve gives a rate"
assert steepest(_rates, 2.3 + np.linspace(0, 1, 40) ** 3) is None, "a curve that only rises gives a rate"
assert steepest(_rates[:3], [2.3, 2.4, 1e9]) is None, "a short curve that only rises gives a rate"
for _losses in ([np.nan], [2.3, np.nan], [2.3, 1.9, np.inf], [np.inf]):
    assert steepest(_rates[: len(_losses)], _losses) is None, "fewer than three finite losses give a rate"
_small = _fall(np.log10(_rates), -2.0, 2.0) / 1000
assert steepest(_rates, _small) is not None, "a small fall without noise counts as none"
_none_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Two networks
#
# Both are perceptrons with ReLU, trained by plain SGD on batches of 64 digits.
#
# - `"first"` has one hidden layer. Its pixels are divided by 16, so they lie between 0 and 1.
# - `"second"` has two hidden layers. It takes the pixels as they come, from 0 to 16.
#
# You need not read the next cells. They give you two functions:
#
# - `begin(name, seed)` makes a fresh network and returns its `train_step`. The loss is measured on 297 digits that the
#   network does not train on.
# - `train(name, rate, seed)` trains a fresh network for `UPDATES` updates at one rate and returns the losses: the first
#   is that before any update.

# %% nbgrader={"grade": false, "grade_id": "networks", "locked": true, "schema_version": 3, "solution": false, "task": false}
import functools

from lrlib.course.data import digits
from lrlib.course.networks import dense_weights

_pixels, _labels = digits()
_rows = np.random.default_rng(0).permutation(len(_labels))
NETWORKS = {"first": ((64, WIDTH, 10), 16.0), "second": ((64, WIDTH, WIDTH, 10), 1.0)}


def images(name):
    """Images to train on with their labels, and images to measure the loss on with theirs."""
    x, y = (_pixels[_rows] / NETWORKS[name][1]).astype("float32"), _labels[_rows].astype("int64")
    return x[:1500], y[:1500], x[1500:], y[1500:]


@functools.cache
def train(name, rate, seed):
    """The loss before any update, and after each of UPDATES updates at one rate, in a fresh network."""
    train_step = begin(name, seed)
    return tuple(train_step(0.0 if update == 0 else rate) for update in range(UPDATES + 1))


# %% tags=["pytorch"] nbgrader={"grade": false, "grade_id": "networks_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false}
if FRAMEWORK == "pytorch":
    import torch

    from lrlib.course.pytorch import perceptron

    torch.set_num_threads(1)

    def begin(name, seed):
        """The train_step of a fresh network."""
        sizes = NETWORKS[name][0]
        model = perceptron(sizes, dense_weights(sizes, seed))
        optimizer = torch.optim.SGD(model.parameters())
        x, y, x_measured, y_measured = map(torch.from_numpy, images(name))
        random = np.random.default_rng([seed, 2])
        cross_entropy = torch.nn.functional.cross_entropy

        def train_step(rate):
            rows = torch.from_numpy(random.integers(0, len(x), 64))
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            with torch.no_grad():
                return float(cross_entropy(model(x_measured), y_measured))

        return train_step


# %% tags=["keras"] nbgrader={"grade": false, "grade_id": "networks_keras", "locked": true, "schema_version": 3, "solution": false, "task": false}
if FRAMEWORK == "keras":
    from lrlib.course import fast_convolutions

    with fast_convolutions():
        import tensorflow as tf

        from lrlib.course.keras import cross_entropy, perceptron

    @functools.cache
    def compiled(name):
        """One update of SGD as a graph: compiled once, and given the weights, so that networks stay apart."""
        sizes = NETWORKS[name][0]
        model = perceptron(sizes, dense_weights(sizes, 0))
        x_measured, y_measured = map(tf.constant, images(name)[2:])

        def loss(weights, x, y):
            return cross_entropy(y, model.stateless_call(weights, [], x)[0])

        @tf.function(autograph=False)
        def update(weights, x, y, rate):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                before = loss(weights, x, y)
            gradients = tape.gradient(before, weights)
            weights = [weight - rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]
            return weights, loss(weights, x_measured, y_measured)

        return update

    def begin(name, seed):
        """The train_step of a fresh network."""
        weights = [tf.constant(array) for array in dense_weights(NETWORKS[name][0], seed)]
        x, y, *_ = images(name)
        random = np.random.default_rng([seed, 2])

        def train_step(rate):
            nonlocal weights
            rows = random.integers(0, len(x), 64)
            weights, loss = compiled(name)(weights, x[rows], y[rows], np.float32(rate))
            return float(loss)

        return train_step


# %% [markdown]
# One sweep is one draw of weights and batches. So the next cell runs `SWEEPS` of them with your `sweep`, and averages
# them as far as the shortest goes. It draws the averages, and your `steepest` as a dotted line.

# %%
curves = {}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharex=True)
for name, ax in zip(NETWORKS, axes, strict=True):
    runs = [sweep(begin(name, SEED + i), START, END, STEPS) for i in range(SWEEPS)]
    shared = min(len(losses) for _, losses in runs)
    mean = np.mean([losses[:shared] for _, losses in runs], axis=0)
    curves[name] = np.array(runs[0][0][:shared]), mean
    ax.plot(*curves[name])
    found = steepest(*curves[name])
    if found is not None:
        ax.axvline(found, linestyle=":", color="black")
    ax.set(xscale="log", ylim=(0.9 * mean.min(), 1.3 * mean[0]), xlabel="learning rate", ylabel="loss", title=name)
figure.tight_layout()

# %% [markdown]
# ## 4. Your bounds
#
# Choose the bounds between which you would cycle the rate of each network: a dictionary
#
#     bounds = {"first": (low, high), "second": (low, high)}
#
# of rates above 0. Type in numbers that you read from the curves, or compute them from `curves`. Your bounds are then
# tried with `train`, on seeds that you do not know, and judged by the mean over them:
#
# - **At the upper bound** the network learns well: `UPDATES` updates at least halve the loss. For no seed does it
#   diverge: the loss stays finite and never rises above 1.5 times its first value. A rate too low to halve the loss in
#   this time is no upper bound either.
# - **At the lower bound** it has begun to learn, but slowly. The loss falls by a twentieth of its first value or more.
#   At the end it is still higher than at the upper bound, by a twentieth of its first value or more.
# - **The range** is not too narrow: the upper bound is at least 3 times the lower.
#
# Try your choice with `train` before you hand it in, on a few seeds.

# %% nbgrader={"grade": false, "grade_id": "bounds", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
# The steepest point is well before the edge. A fifth of it is on the slope, where training has only begun.
bounds = {name: (steepest(*curve) / 5, steepest(*curve)) for name, curve in curves.items()}
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "bounds_upper", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if that part's tests failed, the right function goes on from here.
### REFERENCE sweep UNLESS rates, pairs, stop PASSED
### REFERENCE steepest UNLESS place, noise, none PASSED
_tests = "rates", "pairs", "stop", "place", "noise", "none"
if not all(globals().get(f"_{_test}_passed") for _test in _tests):
    # The curves are made again, and so is what was computed from them since: `In` has the cells that ran.
    _ran = globals().get("In", [])
    for _cell in _ran[next((_i for _i, _cell in enumerate(_ran) if "curves[name] = " in _cell), -1) : -1]:
        try:
            exec(_cell)
        except Exception:
            continue
    plt.close("all")
### END HIDDEN TESTS
assert set(bounds) == {"first", "second"}, "bounds are not given for the two networks"
for _low, _high in bounds.values():
    assert 0 < _low < _high < np.inf, "a pair is not a lower and an upper bound, rates above 0"
### BEGIN HIDDEN TESTS
for _name in ("first", "second"):
    _runs = [train(_name, float(bounds[_name][1]), SEED + _seed) for _seed in (501, 502, 503, 504)]
    assert np.isfinite(_runs).all(), f"{_name}: training at the upper bound diverges"
    assert all(max(_run) <= 1.5 * _run[0] for _run in _runs), f"{_name}: the loss leaps up at the upper bound"
    assert np.mean([_run[-1] / _run[0] for _run in _runs]) <= 0.5, f"{_name}: at the upper bound it does not learn well"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "bounds_lower", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert all(_high >= 3 * _low * (1 - 1e-9) > 0 for _low, _high in bounds.values()), "a range is too narrow"
### BEGIN HIDDEN TESTS
for _name in ("first", "second"):
    _left = []
    for _rate in bounds[_name]:
        _runs = [train(_name, float(_rate), SEED + _seed) for _seed in (501, 502, 503, 504)]
        _left.append(np.mean([_run[-1] / _run[0] for _run in _runs]))
    assert _left[0] <= 0.95, f"{_name}: at the lower bound it hardly learns, or not at all"
    assert _left[0] >= _left[1] + 0.05, f"{_name}: at the lower bound it does not learn more slowly than at the upper"
### END HIDDEN TESTS

# %% [markdown]
# **Defend your choice**, here, in two or three sentences: what in each curve made you choose these bounds, and why do
# those of one network not suit the other? The words are for your teacher or for a discussion. They are not graded.
#
# …

# %% [markdown]
# ## 5. Six curves
#
# The next cell makes six recorded sweeps, by formula, and draws them. Each is one sweep, with the seed's own noise.


# %% nbgrader={"grade": false, "grade_id": "recorded", "locked": true, "schema_version": 3, "solution": false, "task": false}
def record(seed):
    """Six sweeps by name: rates and losses."""
    u = np.linspace(-5, 1, 73)
    noise = np.random.default_rng([seed, 9]).standard_normal((6, len(u)))
    fall = 1 / (1 + np.exp(-4 * (u + 2)))
    rise = 10 ** (2 * np.clip(u + 0.5, 0, None)) - 1
    late = 0.7 * 10 ** (u - 1)
    losses = {
        "A": 2.3 + 0.15 * noise[0],
        "B": 2.3 - 1.3 * fall + 0.2 * rise + 0.15 * noise[1],
        "C": 2.4 * 1.3 ** np.arange(len(u)) + 0.02 * noise[2],
        "D": 2.3 - 1.8 * late + 0.01 * noise[3],
        "E": 2.3 - 1.8 * fall + 0.2 * rise + 0.01 * noise[4],
        "F": np.where(u == u[0], 3.4, 2.3) + 0.03 * noise[5],
    }
    stops = {name: np.flatnonzero(y > 4 * np.minimum.accumulate(y)) for name, y in losses.items()}
    return {
        name: (10 ** u[: stop[0] + 1], losses[name][: stop[0] + 1]) if len(stop) else (10**u, losses[name])
        for name, stop in stops.items()
    }


recorded = record(SEED)
figure, axes = plt.subplots(2, 3, figsize=(9, 5), sharex=True)
for ax, (name, (rates, losses)) in zip(axes.flat, recorded.items(), strict=True):
    ax.plot(rates, losses, ".-", linewidth=0.5)
    ax.set(xscale="log", xlim=(5e-6, 20), ylim=(0, 1.1 * max(losses)), title=name)
figure.supxlabel("learning rate")
figure.supylabel("loss")
figure.tight_layout()

# %% [markdown]
# Does the curve support a suggestion for the rate of this network, or none? And which of these is **the one reason**
# that decides it? A reason may hold for several curves, or for none. Some statements are true and still no reason.
#
# 1. Neighbouring losses differ visibly, so no reading of it can be trusted.
# 2. Its lowest loss lies below its first.
# 3. It falls over many rates in a row, by far more than neighbouring losses differ, and the end of its fall is seen.
# 4. It is level from end to end, its first loss included: it neither rises nor falls by more than its noise.
# 5. It rises from the first rate on. The sweep begins too high.
# 6. All of its fall lies between the first rate and the second. That is one loss, not a trend.
# 7. It falls, and fastest at its last rate. The sweep ends too early.
# 8. `steepest` returns a rate for it.
#
# Write `verdicts`: a dictionary from each curve's letter to a pair. The pair is `"supports"` or `"supports none"`, and
# the number of the reason. For example, `"A": ("supports", 2)`.

# %% nbgrader={"grade": false, "grade_id": "verdicts", "locked": false, "schema_version": 3, "solution": true, "task": false}
### BEGIN SOLUTION
verdicts = {
    "A": ("supports none", 4),
    "B": ("supports", 3),
    "C": ("supports none", 5),
    "D": ("supports none", 7),
    "E": ("supports", 3),
    "F": ("supports none", 6),
}
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "curves_supported", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert set(verdicts) == set("ABCDEF"), "a curve has no verdict"
assert {_said for _said, _ in verdicts.values()} <= {"supports", "supports none"}, "a verdict is not one of the two"
### BEGIN HIDDEN TESTS
assert {_name for _name, (_said, _) in verdicts.items() if _said == "supports"} == set("BE"), (
    "the verdict on at least one curve is wrong"
)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "curves_reasons", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert set(verdicts) == set("ABCDEF"), "a curve has no verdict"
assert all(int(_reason) in range(1, 9) for _, _reason in verdicts.values()), "a reason is not one of the eight numbers"
### BEGIN HIDDEN TESTS
assert [int(verdicts[_name][1]) for _name in "ABCDEF"] == [4, 3, 5, 7, 3, 6], (
    "the reason for at least one curve is wrong, or does not decide it"
)
### END HIDDEN TESTS

# %% [markdown]
# ## For yourself
#
# What does your `steepest` return for each of the six curves? A rule that returns a number has not yet said that the
# curve supports one. What would you have to measure to let the rule itself say so?
