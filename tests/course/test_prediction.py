"""Predictions against slow direct computations: every path of SGD, double sums, brute force, simulations."""

import dataclasses
import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrlib
from lrlib.course.prediction import (
    Law,
    Run,
    best_peak,
    best_rates,
    convex_bound,
    convex_bounds,
    expected_loss,
)

# ---- Least squares ---------------------------------------------------------------------------------------------------


def data(rows, columns, outputs, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, columns)), random.normal(size=(rows, outputs))


def sgd(x, y, rates, draws):
    """Losses of the runs whose update t takes the rows ``draws[run, t]``: runs × (updates + 1)."""
    weights = np.zeros((len(draws), x.shape[1], y.shape[1]))

    def loss():
        return 0.5 * ((x @ weights - y) ** 2).sum(2).mean(1)

    losses = [loss()]
    for rate, rows in zip(rates, draws.swapaxes(0, 1), strict=True):
        gradient = np.swapaxes(x[rows], 1, 2) @ (x[rows] @ weights - y[rows]) / rows.shape[1]
        weights = weights - rate * gradient
        losses.append(loss())
    return np.array(losses).T


def every_path(rows, batch, updates):
    batches = list(itertools.product(range(rows), repeat=batch))
    return np.array(list(itertools.product(batches, repeat=updates)))


DEGENERATE = {
    "tall": data(3, 2, 2),
    "wide": data(2, 4, 1),
    "a column of zeros": (data(3, 2, 1)[0] * [1, 0], data(3, 2, 1)[1]),
    "columns alike": (data(3, 1, 1)[0] @ [[1.0, 2.0]], data(3, 1, 1)[1]),
    "no inputs at all": (np.zeros((3, 2)), data(3, 2, 2)[1]),
    "no noise": (data(3, 2, 2)[0], data(3, 2, 2)[0]),
}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("case", DEGENERATE)
def test_the_expected_loss_is_the_mean_over_every_path(case, batch):
    x, y = DEGENERATE[case]
    rates = [0.7, 0.0, 0.3] if batch == 1 else [0.7, 0.3]
    losses = sgd(x, y, rates, every_path(len(x), batch, len(rates))).mean(0)
    np.testing.assert_allclose(expected_loss(x, y, rates, batch), losses, rtol=1e-12)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 99), st.floats(0, 3), st.floats(0, 3))
def test_the_expected_loss_is_the_mean_over_every_path_of_any_data(rows, columns, batch, seed, first, second):
    x, y = data(rows, columns, 2, seed)
    losses = sgd(x, y, [first, second], every_path(rows, batch, 2)).mean(0)
    np.testing.assert_allclose(expected_loss(x, y, [first, second], batch), losses, rtol=1e-9, atol=1e-12)


def test_the_expected_loss_is_that_of_many_runs():
    x, y = data(40, 5, 2)
    schedule, updates, runs = lrlib.WarmupStableDecay(0.15, 5, 20, 10), 35, 4000
    draws = np.random.default_rng(1).integers(40, size=(runs, updates, 3))
    losses = sgd(x, y, schedule(np.arange(updates)), draws)
    predicted = expected_loss(x, y, schedule, 3, updates=updates)
    moved = slice(2, None)  # the warm-up's first update is at rate 0
    beyond = (losses.mean(0) - predicted)[moved] / (losses.std(0, ddof=1)[moved] / runs**0.5)
    assert np.abs(beyond).max() < 3.5 and predicted[1] == pytest.approx(losses[0, 0])
    np.testing.assert_array_equal(predicted, expected_loss(x, y, schedule(np.arange(updates)), 3))


def test_one_output_may_be_a_column_or_not():
    x, y = data(5, 2, 1)
    np.testing.assert_array_equal(expected_loss(x, y[:, 0], [0.1], 2), expected_loss(x, y, [0.1], 2))
    assert expected_loss(x, y, [], 1) == pytest.approx([0.5 * (y**2).mean()])


def test_a_run_that_diverges_goes_to_infinity_in_silence():
    x, y = data(5, 3, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = expected_loss(x, y, [*[50.0] * 300, 0.0], 2)
    assert np.all(np.diff(losses[:50]) > 0) and losses[50] > 1e100
    assert not np.isnan(losses).any() and losses[-1] == np.inf


X, Y = data(4, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], Y, [0.1], 1), r"x must have 2 axes, got an array of shape \(2,\)"),
        ((X, Y[:3], [0.1], 1), r"as many rows; got shapes \(4, 2\) and \(3, 1\)"),
        ((X, Y[..., None], [0.1], 1), r"y must have 1 or 2 axes, got an array of shape \(4, 1, 1\)"),
        ((np.where(X[0, 0] == X, np.nan, X), Y, [0.1], 1), "x must hold finite numbers, got nan"),
        ((X, np.full((4, 1), np.inf), [0.1], 1), "y must hold finite numbers, got inf"),
        ((X[:0], Y[:0], [0.1], 1), r"x must not be empty, got an array of shape \(0, 2\)"),
        (([[1.0], [1.0, 2.0]], Y[:2], [0.1], 1), "x must be an array of numbers"),
        (([["a"]], Y[:1], [0.1], 1), "x must be an array of numbers, got one of <U1"),
        ((X, Y, [0.1, -0.2], 1), "rates must be finite numbers, 0 or more, got -0.2"),
        ((X, Y, [np.nan], 1), "rates must hold finite numbers, got nan"),
        ((X, Y, [[0.1]], 1), r"rates must have 1 axes, got an array of shape \(1, 1\)"),
        ((X, Y, [0.1], 0), "batch must be a whole number, 1 or more, got 0"),
        ((X, Y, [0.1], 2.5), "batch must be a whole number, 1 or more, got 2.5"),
        ((X, Y, lrlib.Constant(0.1), 1), r"updates= must say how many updates; got Constant\(lr=0.1\) alone"),
    ],
)
def test_what_cannot_be_predicted_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=f"expected_loss: .*{message}"):
        expected_loss(*arguments)


def test_a_number_of_updates_takes_the_first_of_the_rates():
    rates = [0.1, 0.2, 0.3]
    np.testing.assert_array_equal(expected_loss(X, Y, rates, 1, updates=2), expected_loss(X, Y, rates[:2], 1))
    assert len(expected_loss(X, Y, lrlib.Constant(0.1), 1, updates=0)) == 1
    with pytest.raises(ValueError, match="updates must be at most the number of rates, 3, got 4"):
        expected_loss(X, Y, rates, 1, updates=4)
    with pytest.raises(ValueError, match="updates must be a whole number, 0 or more, got -1"):
        expected_loss(X, Y, rates, 1, updates=-1)
    with pytest.raises(ValueError, match=r"rates must be finite numbers, 0 or more, got -0.1"):
        expected_loss(X, Y, lrlib.Constant(0.1) - 0.2, 1, updates=2)
    with pytest.raises(ValueError, match=r"rates must be finite numbers, 0 or more, got inf"):
        expected_loss(X, Y, lrlib.Exponential(1.0, 1e200), 1, updates=3)


# ---- The best rates --------------------------------------------------------------------------------------------------


def end(x, y, rates, batch):
    return expected_loss(x, y, rates, batch)[-1]


def slopes(x, y, rates, batch, step=1e-5):
    """Of the end's loss in each rate, by central differences."""
    moves = step * np.eye(len(rates))
    return np.array([end(x, y, rates + move, batch) - end(x, y, rates - move, batch) for move in moves]) / (2 * step)


@pytest.mark.parametrize("batch", [1, 3])
def test_two_best_rates_are_those_of_brute_force(batch):
    x, y = data(6, 1, 1, seed=3)
    grid = np.linspace(0, 1.5, 51)
    losses = np.array([[end(x, y, [first, second], batch) for second in grid] for first in grid])
    first, second = np.unravel_index(losses.argmin(), losses.shape)
    found = best_rates(x, y, 2, batch, tolerance=1e-9, sweeps=200)
    assert found.rates == pytest.approx([grid[first], grid[second]], abs=0.031)
    assert losses.min() - 1e-3 < found.losses[-1] < losses.min()
    one = best_rates(x, y, 1, batch)
    assert one.rates[0] == pytest.approx(grid[np.argmin([end(x, y, [rate], batch) for rate in grid])], abs=0.016)


@pytest.mark.parametrize("start", [None, lrlib.Linear(0.3, 0.0, 12)])
def test_no_single_rate_is_better_than_the_best(start):
    """The end's loss is a parabola in each rate, so the test is its slope; where a rate meets a limit it points out."""
    x, y = data(30, 4, 2)
    free = best_rates(x, y, 12, 4, start=start, tolerance=1e-12, sweeps=1000)
    np.testing.assert_array_equal(free.losses, expected_loss(x, y, free.rates, 4))
    size = np.abs(slopes(x, y, free.rates / 2, 4)).max()
    assert np.abs(slopes(x, y, free.rates, 4)).max() < 1e-4 * size
    highest = np.median(free.rates)
    bound = best_rates(x, y, 12, 4, highest=highest, tolerance=1e-12, sweeps=1000)
    at_limit = bound.rates == highest
    assert 0 < at_limit.sum() < 12 and bound.rates.max() == highest
    slope = slopes(x, y, bound.rates, 4)
    assert (slope[at_limit] < 0).all() and np.abs(slope[~at_limit]).max() < 1e-4 * size


def test_every_sweep_lowers_the_loss():
    x, y = data(30, 4, 2)
    losses = [best_rates(x, y, 12, 4, sweeps=sweeps, tolerance=0.0).losses[-1] for sweeps in (1, 2, 3, 10)]
    assert np.all(np.diff(losses) < 0)
    stopped = best_rates(x, y, 12, 4, tolerance=0.5).losses[-1]  # the first sweep leaves far less than half
    assert stopped == pytest.approx(losses[1], rel=1e-12)


def test_the_best_rates_beat_every_family_at_its_best_peak():
    x, y = data(50, 6, 2)
    x, y, updates, batch = x * np.geomspace(1, 0.1, 6), y + 3 * x[:, :2], 60, 4
    best = best_rates(x, y, updates, batch).losses[-1]
    families = {
        "constant": lrlib.Constant(1.0),
        "line": lrlib.Linear(1.0, 0.0, updates),
        "cosine": lrlib.Cosine(1.0, 0.0, updates),
        "wsd": lrlib.WarmupStableDecay(1.0, 0, 48, 12),
        "late wsd": lrlib.WarmupStableDecay(1.0, 0, 30, 30),
        "rex": lrlib.Rex(1.0, 0.0, updates),
        "one-cycle": lrlib.OneCycle(1.0, updates),
        "inverse square root": lrlib.InverseSqrt(1.0, 3),
        "step": lrlib.StepDecay(1.0, 0.1, 20),
        "restarts": lrlib.CosineRestarts(1.0, 0.0, 20),
    }
    peaks = np.geomspace(0.02, 2, 25)
    ends = {
        name: min(end(x, y, peak * family(np.arange(updates)), batch) for peak in peaks)
        for name, family in families.items()
    }
    floor = 0.5 * ((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2).sum(1).mean()
    assert best - floor < 0.99 * (min(ends.values()) - floor)


def test_what_has_no_effect_is_left_as_it_is():
    assert best_rates(np.zeros((3, 2)), np.ones(3), 2, 1, start=[0.1, 0.2]).rates.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"updates": 0}, "updates must be a whole number, 1 or more, got 0"),
        ({"sweeps": 0}, "sweeps must be a whole number, 1 or more, got 0"),
        ({"highest": -1.0}, "highest must be a number, 0 or more, got -1.0"),
        ({"tolerance": np.nan}, "tolerance must be a number, 0 or more, got nan"),
        ({"start": [0.1]}, "updates must be at most the number of rates, 1, got 2"),
        ({"start": [0.1, 0.3], "highest": 0.2}, "start must hold rates up to highest=0.2, got 0.3"),
        ({"updates": 400, "start": lrlib.Constant(50.0)}, "start must not diverge"),
        ({"batch": 0}, "batch must be a whole number, 1 or more, got 0"),
    ],
)
def test_a_search_that_cannot_be_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=f"best_rates: {message}"):
        best_rates(**{"x": X, "y": Y, "updates": 2, "batch": 1} | arguments)


# ---- The law ---------------------------------------------------------------------------------------------------------

TRUE = Law(floor=0.08, scale=0.3, power=0.6, offset=2.0, noise=0.12)
UPDATES = 1000
AT = np.arange(25, UPDATES + 1, 25)
CONSTANT, WSD, LINE = lrlib.Constant(0.5), lrlib.WarmupStableDecay(0.5, 0, 800, 200), lrlib.Linear(0.5, 0.0, UPDATES)


def numbers(law):
    return [law.floor, law.scale, law.power, law.offset, law.noise]


def measured(schedule, seeds=1, spread=0.02, shared=0.01, seed=0, law=TRUE):
    """Losses of the law with the noise of each mark and that of each seed."""
    random = np.random.default_rng(seed)
    noise = spread * random.normal(size=(seeds, len(AT))) + shared * random.normal(size=(seeds, 1))
    return Run(schedule, AT, law.predict(schedule, AT) * np.exp(noise))


def test_the_law_says_what_its_formula_says():
    rates = LINE(np.arange(UPDATES))
    slowly = [0.08 + 0.3 * (sum(rates[:t]) + 2.0) ** -0.6 + 0.12 * rates[t - 1] for t in (1, 700, 20)]
    for schedule in (LINE, rates):
        assert TRUE.predict(schedule, [1, 700, 20]) == pytest.approx(slowly, rel=1e-12)
        np.testing.assert_array_equal(TRUE.predict(schedule, 30), TRUE.predict(schedule, np.arange(1, 31)))


@pytest.mark.parametrize(
    "law",
    [TRUE, Law(0.5, 2.0, 0.3, 0.5, 0.4), Law(0.01, 0.2, 1.7, 30.0, 0.02), Law(80.0, 300.0, 0.6, 2.0, 120.0)],
    ids=["as MNIST", "slow", "fast", "in other units"],
)
def test_a_fit_finds_the_law_that_made_the_runs(law):
    runs = [measured(schedule, spread=0, shared=0, law=law) for schedule in (CONSTANT, WSD)]
    assert numbers(Law.fit(runs)) == pytest.approx(numbers(law), rel=1e-6)


def test_a_fit_finds_what_the_law_lacks():
    """Each of floor and noise may be 0: then a fit comes near, and a fit without noise is the same as one with it."""
    bare = Law(0.0, 0.3, 0.6, 2.0, 0.0)
    runs = [measured(schedule, spread=0, shared=0, law=bare) for schedule in (CONSTANT, WSD)]
    assert Law.fit(runs, noise=False) == Law(*numbers(Law.fit(runs, noise=False)))
    assert numbers(Law.fit(runs, noise=False)) == pytest.approx(numbers(bare), rel=1e-3, abs=1e-4)
    assert numbers(Law.fit(runs)) == pytest.approx(numbers(bare), rel=1e-3, abs=1e-4)
    assert Law.fit(runs, noise=False).noise == 0


@pytest.mark.parametrize("speed", [0.01, 0.1, 1.0])
def test_a_fit_comes_near_to_what_is_no_power(speed):
    def losses(schedule):
        rates = schedule(np.arange(UPDATES))
        return 0.05 + 2 * np.exp(-speed * np.cumsum(rates)[AT - 1]) + 0.1 * rates[AT - 1]

    law = Law.fit([Run(schedule, AT, losses(schedule)) for schedule in (CONSTANT, WSD)])
    assert law.predict(LINE, AT) == pytest.approx(losses(LINE), rel=0.05)


@pytest.mark.parametrize("name", ["floor", "scale", "power", "offset", "noise"])
def test_a_law_has_no_negative_numbers(name):
    with pytest.raises(ValueError, match=f"Law: {name} must be a finite number, 0 or more, got -1.0"):
        dataclasses.replace(TRUE, **{name: -1.0})


def test_without_an_offset_the_first_loss_is_infinite():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dataclasses.replace(TRUE, offset=0.0).predict([0.0, 1.0], 2).tolist() == [np.inf, 0.5]


def test_the_noise_foretells_the_fall_that_the_area_cannot():
    runs = [measured(schedule) for schedule in (CONSTANT, WSD)]
    true = TRUE.predict(LINE, AT)
    misses = [np.abs(Law.fit(runs, noise=noise).predict(LINE, AT) / true - 1).max() for noise in (True, False)]
    assert misses[0] < 0.03 < 0.1 < misses[1]


def test_units_and_order_do_not_matter():
    runs = [measured(schedule, seeds=2, seed=i) for i, schedule in enumerate((CONSTANT, WSD, LINE))]
    law = Law.fit(runs)
    again = Law.fit(runs[::-1])
    shuffled = np.random.default_rng(0).permutation(len(AT))
    mixed = Law.fit([Run(run.rates, AT[shuffled], run.losses[::-1, shuffled]) for run in runs])
    scaled = Law.fit([Run(8 * run.rates, AT, 1000 * run.losses) for run in runs])
    for other in (again, mixed):
        np.testing.assert_allclose(other.predict(LINE, AT), law.predict(LINE, AT), rtol=1e-6)
        np.testing.assert_allclose(other.interval(LINE, AT), law.interval(LINE, AT), rtol=1e-5)
    np.testing.assert_allclose(scaled.predict(8 * LINE, AT), 1000 * law.predict(LINE, AT), rtol=1e-6)
    factors = [1000, 1000 * 8**law.power, 1, 8, 1000 / 8]
    assert numbers(scaled) == pytest.approx(np.multiply(numbers(law), factors), rel=1e-4)


def test_a_fit_is_of_relative_errors_and_each_mark_counts_alike():
    """No law nearby is better by the sum that is to be least, over the means of the seeds."""
    runs = [measured(CONSTANT, seeds=3), measured(WSD, seeds=1, seed=1)]
    law = Law.fit(runs)

    def misfit(law):
        return sum((np.log(law.predict(run.rates, run.at) / run.losses.mean(0)) ** 2).sum() for run in runs)

    for i, factor in itertools.product(range(5), (0.98, 1.02)):
        changed = numbers(law)
        changed[i] *= factor
        assert misfit(Law(*changed)) > misfit(law)
    assert misfit(law) < misfit(TRUE)


def test_an_interval_is_the_jackknifes_of_the_logarithm():
    runs = [measured(schedule, seeds=4, seed=i) for i, schedule in enumerate((CONSTANT, WSD))]
    law = Law.fit(runs)
    whole = np.log(law.predict(LINE, [10, 1000]))
    without = [
        np.log(Law.fit([Run(r.rates, r.at, np.delete(r.losses, s, 0)) for r in runs]).predict(LINE, [10, 1000]))
        for s in range(4)
    ]
    pseudo = np.array([4 * whole - 3 * one for one in without])
    quantile = 3.182446  # of Student's t with three degrees of freedom at 97.5 %
    half = quantile * pseudo.std(0, ddof=1) / 2
    np.testing.assert_allclose(law.interval(LINE, [10, 1000]), np.exp([whole - half, whole + half]), rtol=1e-4)
    narrow = law.interval(LINE, [10, 1000], level=0.5)
    np.testing.assert_allclose(np.log(narrow[1]) - whole, half * 0.764892 / quantile, rtol=1e-3)


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    at, hits = [100, 500, 1000], []
    true = TRUE.predict(LINE, at)
    for seed in range(60):
        runs = [measured(schedule, seeds=5, seed=[seed, i]) for i, schedule in enumerate((CONSTANT, WSD))]
        low, high = Law.fit(runs).interval(LINE, at, level=0.8)
        hits.append((low <= true) & (true <= high))
    # Binomial: of 60 intervals at 80 %, 38 to 57 cover with probability 99.8 %; the three marks are not independent.
    assert np.all((np.sum(hits, 0) >= 38) & (np.sum(hits, 0) <= 57))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((WSD, AT, np.ones(3)), r"losses must have one number for each of at, 40, got shape \(1, 3\)"),
        ((WSD, [1, 2], [1.0, 0.0]), "losses must be above 0, got 0.0"),
        ((WSD, [1, 2], [1.0, np.inf]), "losses must hold finite numbers, got inf"),
        ((WSD, [0, 2], [1.0, 1.0]), "at must be whole numbers, 1 or more, got 0.0"),
        ((WSD, [1.5, 2], [1.0, 1.0]), "at must be whole numbers, 1 or more, got 1.5"),
        ((WSD, [], []), "at must not be empty"),
        (([0.1, 0.1], [3], [1.0]), "updates must be at most the number of rates, 2, got 3"),
        (([0.1, -0.1], [2], [1.0]), "rates must be finite numbers, 0 or more, got -0.1"),
    ],
)
def test_a_run_that_cannot_be_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=f"Run: {message}"):
        Run(*arguments)


@pytest.mark.parametrize(
    ("runs", "noise", "message"),
    [
        ([], True, r"runs must be one Run or several, got \[\]"),
        ([WSD], True, "runs must be one Run or several, got"),
        (Run(WSD, [1, 2, 900, 950], np.ones(4)), True, "5 numbers need 5 measured losses or more, got 4"),
        (Run(WSD, [1, 2, 900], np.ones(3)), False, "4 numbers need 4 measured losses or more, got 3"),
        (Run(lrlib.Constant(0.0), AT, np.ones(40)), False, "runs must have rates above 0, got none"),
        (Run(CONSTANT, AT, np.ones(40)), True, "every loss was measured at the rate 0.5, so floor and noise"),
    ],
)
def test_a_fit_that_cannot_be_is_refused_by_name(runs, noise, message):
    with pytest.raises(ValueError, match=f"Law.fit: {message}"):
        Law.fit(runs, noise=noise)


def test_a_prediction_that_cannot_be_is_refused_by_name():
    one = Law.fit(measured(WSD))
    uneven = Law.fit([measured(CONSTANT, seeds=2), measured(WSD, seeds=3)])
    for law in (TRUE, one, uneven):
        with pytest.raises(ValueError, match=r"Law.interval: it needs a law fitted on 2 seeds or more"):
            law.interval(LINE, 10)
    with pytest.raises(ValueError, match=r"Law.interval: level must be between 0 and 1, got 95"):
        Law.fit(measured(WSD, seeds=2)).interval(LINE, 10, level=95)
    for updates in (0, [0, 1]):
        with pytest.raises(ValueError, match="updates must"):
            TRUE.predict(LINE, updates)
    with pytest.raises(ValueError, match="updates must be at most the number of rates, 2, got 3"):
        TRUE.predict([0.1, 0.1], 3)


# ---- The bound -------------------------------------------------------------------------------------------------------


def slow_bound(rates, distance, norm, following):
    """The theorem with its sums written out; its last rate is that of the weights that are bounded."""
    eta = [*rates, following]
    every = range(len(eta))
    first = distance**2 / (2 * sum(eta)) + norm**2 * sum(e**2 for e in eta) / (2 * sum(eta))
    return first + sum(
        norm**2 / 2 * eta[k] / sum(eta[t] for t in every if t > k)
        * sum(eta[t] ** 2 for t in every if t >= k) / sum(eta[t] for t in every if t >= k)
        for k in every[:-1]
    )  # fmt: skip


@given(st.lists(st.sampled_from([0.0, 1e-5, 0.1, 0.4, 70.0]), max_size=6))
@settings(max_examples=25)
def test_the_bound_is_the_least_that_the_theorem_gives(rates):
    bounds = convex_bounds(rates, 3.0, 0.5)
    assert len(bounds) == len(rates) + 1
    for t, bound in enumerate(bounds):
        theorems = [slow_bound(rates[:t], 3.0, 0.5, following) for following in np.geomspace(1e-7, 1e3, 400)]
        assert min(theorems) * 0.998 < bound <= min(theorems) * (1 + 1e-9)
        assert bound == convex_bound(rates[:t], 3.0, 0.5)


def test_the_bound_of_a_line_has_a_closed_form():
    """For rates n, n − 1, …, 2 and 1 after them, the sums are those of whole numbers and of their squares."""
    n = 500
    line = np.arange(n, 1, -1.0)
    with_one_after = ((4 * n - 2 + 4 * (1 / np.arange(1, n)).sum()) / (n * (n + 1))) ** 0.5
    assert slow_bound(line[-30:] / 900, 1.0, 1.0, 1 / 900) > convex_bound(line[-30:] / 900)
    bound = convex_bound(best_peak(line) / n * line)
    assert 0.99 * with_one_after < bound < with_one_after
    assert bound == pytest.approx(2 / n**0.5, rel=0.02)


def test_a_last_rate_near_0_changes_the_bound_but_little():
    rates = [0.1] * 50
    for last in (0.0, 1e-300, 1e-6):
        assert convex_bound([*rates, last]) == pytest.approx(convex_bound(rates), rel=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(any), st.floats(0.1, 9), st.floats(0.1, 9))
def test_no_other_peak_has_a_lower_bound(shape, distance, norm):
    peak, shape = best_peak(shape, distance, norm), np.array(shape)
    best = convex_bound(peak / shape.max() * shape, distance, norm)
    for factor in (0.5, 0.95, 1.05, 2.0):
        assert convex_bound(factor * peak / shape.max() * shape, distance, norm) > best
    assert best_peak(3 * shape, distance, norm) == pytest.approx(peak)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize(
    "shape", [CONSTANT, LINE.stretch(0.2), WSD.stretch(0.2), lrlib.CosineRestarts(1.0, 0.0, 50)], ids=repr
)
def test_no_subgradient_descent_is_above_its_bound(shape, deterministic):
    """On the largest of some |aᵢ·w| and, stochastic, on their mean; from a random start at distance 1."""
    random = np.random.default_rng(0)
    updates, dimensions = 200, 6
    a = random.normal(size=(8, dimensions))
    a /= np.linalg.norm(a, axis=1, keepdims=True)  # so that every subgradient has length 1 at most
    rates = shape(np.arange(updates))
    rates = best_peak(rates) / rates.max() * rates
    for factor in (0.3, 1.0, 3.0):
        weights = random.normal(size=(200, dimensions))
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
        losses = []
        for rate in [*(factor * rates), 0.0]:
            values = weights @ a.T
            losses.append(np.abs(values).max(1).max() if deterministic else np.abs(values).mean())
            one = np.abs(values).argmax(1) if deterministic else random.integers(8, size=200)
            weights = weights - rate * np.sign(values[np.arange(200), one])[:, None] * a[one]
        assert (np.array(losses) <= convex_bounds(factor * rates) * (1 + 1e-12)).all()


@pytest.mark.parametrize("function", [convex_bound, convex_bounds, best_peak])
def test_a_bound_that_cannot_be_is_refused_by_name(function):
    name = function.__name__
    for arguments, message in (
        (([-1.0],), "rates must be finite numbers, 0 or more, got -1.0"),
        (([1.0], 0.0), "distance must be a finite number above 0, got 0.0"),
        (([1.0], 1.0, np.inf), "norm must be a finite number above 0, got inf"),
        ((CONSTANT,), "updates= must say how many updates"),
    ):
        with pytest.raises(ValueError, match=f"{name}: .*{message}"):
            function(*arguments)


def test_a_shape_without_rates_has_no_best_peak():
    for shape in ([0.0, 0.0], []):
        with pytest.raises(ValueError, match=f"best_peak: shape must have a rate above 0, got {len(shape)} without"):
            best_peak(shape)
