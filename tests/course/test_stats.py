"""Intervals, directions and shares over seeds: each is what its name says."""

import numpy as np
import pytest
from scipy.stats import binom

from lrlib.course import stats
from lrlib.course.stats import direction, shares_of_best


def test_intervals_cover_as_often_as_they_say():
    random = np.random.default_rng(0)
    samples = random.normal(10, 2, (4000, 5))
    mean_in = [low <= 10 <= high for low, high in map(stats.interval, samples)]
    next_in = [
        low <= new <= high
        for (low, high), new in zip(map(stats.prediction_interval, samples), random.normal(10, 2, 4000), strict=True)
    ]
    assert np.mean(mean_in) == pytest.approx(0.95, abs=0.015)
    assert np.mean(next_in) == pytest.approx(0.95, abs=0.015)


def test_what_touches_zero_has_no_direction():
    assert direction([0.0, 0.0, 0.0]) == "not clearly different"
    assert direction([1.0, 1.1, 0.9], [0.0, 0.0, 0.0]) == "not clearly different"
    assert direction([-1.0, -1.1, -0.9]) == "lower"
    assert direction([-1.0, -1.1, -0.9], [0.0, 0.0, 0.0]) == "not clearly different"


def test_a_share_of_settings_has_the_interval_of_its_level():
    """With one seed a setting, the bootstrap's share of wins is a binomial variable's."""
    wins = np.arange(40) < 30
    values = np.stack([wins, ~wins], axis=1)[..., None].astype(float)
    for level in (0.5, 0.95):
        (share, low, high), (other, *_) = shares_of_best(values, level=level)
        assert (share, other) == (0.75, 0.25)
        ends = binom.ppf([(1 - level) / 2, (1 + level) / 2], 40, 0.75) / 40
        assert [low, high] == pytest.approx(ends, abs=0.026)  # one setting of forty
    assert shares_of_best(values, best=2)[:, 0].tolist() == [1.0, 1.0]


def test_shares_of_the_best():
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (9, 4, 3))
    values[:, 2] += 100  # always the best
    values[:, 3] = values[:, 2]  # level with it
    shares = shares_of_best(values, 1, draws=500)
    np.testing.assert_array_equal(shares, [[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]])
    shares = shares_of_best(values[:, :2], 1, draws=500)
    assert shares[:, 0].sum() == pytest.approx(1) and (shares[:, 1] < shares[:, 0]).all()
    assert (shares[:, 0] < shares[:, 2]).all()
    np.testing.assert_array_equal(shares_of_best(values, 4, draws=10), np.ones((4, 3)))


def test_seeds_are_drawn_for_all_rivals_alike():
    """What a seed does to all rivals alike decides nothing: one that is ahead with every seed wins in every draw."""
    values = np.array([[[0.0, 50.0, 90.0], [1.0, 51.0, 91.0]]])
    np.testing.assert_array_equal(shares_of_best(values), [[0, 0, 0], [1, 1, 1]])


def test_another_source_of_variance_widens_an_interval():
    quantile = 3.182446  # of Student's t with three degrees of freedom at 97.5 %
    assert stats.half_width(2.0, 4) == pytest.approx(quantile)
    assert stats.half_width(2.0, 4, variance=3.0) == pytest.approx(2 * quantile)
    assert stats.half_width(2.0, 4, level=0.9) == pytest.approx(2.353363)
    values = [1.0, 3.0, 5.0, 7.0]
    assert stats.interval(values, variance=7.0) == pytest.approx(
        (4 - quantile * (26 / 3) ** 0.5, 4 + quantile * (26 / 3) ** 0.5)
    )


def test_the_mean_of_several_more_runs_is_nearer_than_that_of_one():
    values = [1.0, 3.0, 5.0, 7.0]
    half = stats.interval(values)[1] - 4
    assert stats.prediction_interval(values, mean_of=4) == pytest.approx((4 - 2**0.5 * half, 4 + 2**0.5 * half))
    assert stats.prediction_interval(values) == pytest.approx((4 - 5**0.5 * half, 4 + 5**0.5 * half))


@pytest.mark.parametrize(
    ("apart", "mean", "error"),
    [(4.0, 1.75, 63**0.5 / 4), (1.0, 0.25, 3**0.5 / 4)],  # the variance between them is (16 - 4) / 2, and none
    ids=["they differ", "they agree"],
)
def test_two_effects_that_differ_are_nearly_equal_in_weight(apart, mean, error):
    """Of two effects, 0 and d with variances a and b, DerSimonian and Laird's variance between is (d² - a - b) / 2."""
    quantile = 12.706205  # of Student's t with one degree of freedom at 97.5 %
    found = stats.random_effects([0.0, apart], [1.0, 3.0])
    assert found == pytest.approx((mean, mean - quantile * error, mean + quantile * error))
    assert stats.random_effects([0.0, apart], [1.0, 3.0], level=0.5)[2] == pytest.approx(mean + error)


def test_a_share_of_nothing_may_be_any():
    assert stats.share_interval(0, 0) == (0.0, 1.0)
    assert stats.share_interval(1, 1, level=0.9) == pytest.approx((0.05, 1.0))
