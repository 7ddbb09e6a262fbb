"""What is taken from stored runs, seed by seed."""

import numpy as np
import pytest

from lrlib.course import experiments, samples, store
from lrlib.course.experiment import NEW
from lrlib.course.samples import TEST_ACCURACY, Gain, Mean, Measure, Runs, Sample, Spread, mean_of
from lrlib.course.stats import interval
from lrlib.course.training import packed

CYCLING = experiments.get("cycling")
IMAGES = np.array([[0.0, 100.0, 100.0, 100.0], [0.0, 0.0, 100.0, 100.0]])  # two seeds, four images


def sample(values, lost=(), right=None):
    return Sample(np.array(values, float), np.isin(np.arange(len(values)), lost), right)


class Made:
    """Numbers that stand for those of a setting."""

    def __init__(self, name, *values, lost=()):
        self.name, self.all = name, sample(values, lost)

    def settings(self):
        return {(CYCLING, self.name)}

    def sample(self, framework, new, count=None):
        return self.all.first(count)


def test_the_variance_of_images_is_that_of_their_means_over_the_seeds():
    means = np.array([0.0, 50.0, 100.0, 100.0])
    assert sample([75, 50], right=IMAGES).variance_of_images() == pytest.approx(means.var() * 4 / 3 / 4)
    assert sample([75, 50]).variance_of_images() == 0


def test_a_difference_is_of_the_seeds_that_both_have():
    ours, theirs = sample([75, 50, 60], lost=[2], right=None), sample([70, 40], lost=[1])
    difference = ours.minus(theirs)
    assert difference.values.tolist() == [5, 10] and difference.lost.tolist() == [False, True]
    assert theirs.minus(ours).values.tolist() == [-5, -10] and difference.right is None
    both = sample([75, 50], right=IMAGES).minus(sample([50, 75], right=IMAGES[::-1]))
    assert both.right.tolist() == [[0, 100, 0, 0], [0, -100, 0, 0]]
    for one, other in ((IMAGES, None), (None, IMAGES)):
        assert sample([75, 50], right=one).minus(sample([75, 50], right=other)).right is None
    gain = Gain(Made("a", 5, 7), Made("b", 1, 2, 3))
    assert gain.sample("pytorch", True).values.tolist() == [4, 5]
    assert gain.settings() == {(CYCLING, "a"), (CYCLING, "b")}


def test_a_mean_is_taken_seed_by_seed_with_its_images():
    one, other = sample([10, 20, 30], lost=[0]), sample([30, 20], lost=[1])
    mean = mean_of([one, other])
    assert mean.values.tolist() == [20, 20] and mean.lost.tolist() == [True, True] and mean.right is None
    whole = mean_of([sample([75, 50], right=IMAGES), sample([0, 100], right=np.array([[0.0] * 4, [100.0] * 4]))])
    assert whole.right.tolist() == [[0, 50, 50, 50], [50, 50, 100, 100]]
    assert mean_of([sample([75, 50], right=IMAGES), sample([75, 50])]).right is None
    mean = Mean([Made("a", 10, 20, 30), Made("b", 30, 20)])
    assert mean.sample("pytorch", True, 1).values.tolist() == [20]
    assert mean.settings() == {(CYCLING, "a"), (CYCLING, "b")}


def test_a_spread_has_the_jackknifes_pseudo_values():
    values = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 3.0], [9.0, 4.0, 6.0]])  # settings × seeds
    spread = Spread([Made(name, *row) for name, row in zip("abc", values, strict=True)])
    whole = values.mean(1).std(ddof=1)
    without = [np.delete(values, seed, axis=1).mean(1).std(ddof=1) for seed in range(3)]
    assert spread.sample("pytorch", True).values == pytest.approx([3 * whole - 2 * one for one in without])
    assert len(spread.settings()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 20])
def test_the_interval_of_a_spread_misses_little_more_often_than_it_says(count):
    """At the means and deviations of the claim about spreads, and the levels of its looks."""
    (rule,) = (claim.rule for claim in CYCLING.claims() if isinstance(getattr(claim.rule, "runs", None), Spread))
    arms = [[one.sample("pytorch", True).values for one in arm.runs] for arm in (rule.runs, rule.control)]
    truth = np.subtract(*(np.std([values.mean() for values in arm], ddof=1) for arm in arms))
    random, studies, missed = np.random.default_rng(0), 2000, 0

    def drawn(values):
        return random.normal(values.mean(), values.std(ddof=1), count)

    for _ in range(studies):
        spreads = [
            Spread([Made(str(k), *drawn(values)) for k, values in enumerate(arm)]).sample("pytorch", True).values
            for arm in arms
        ]
        low, high = interval(np.subtract(*spreads), 1 - rule.looks[count])
        missed += not low < truth < high
    assert rule.looks[count] < missed / studies < 2 * rule.looks[count]


def test_a_spread_has_lost_what_one_setting_has_lost():
    spread = Spread([Made("a", 1, 2, 3, lost=[1]), Made("b", 2, 2), Made("c", 4, 9, 5)])
    assert spread.sample("pytorch", True).lost.tolist() == [False, True]  # of the seeds that all have


def test_the_images_of_the_end_are_those_of_the_last_moment():
    first, last = np.arange(8) < 2, np.arange(8) < 6
    result = {"test_accuracy": 75.0, "right": {"10": packed(first), "20": packed(last)}}
    assert TEST_ACCURACY(result) == 75 and TEST_ACCURACY.right(result).tolist() == [100.0] * 6 + [0.0] * 2
    assert TEST_ACCURACY.right({"test_accuracy": 75.0}) is None


def test_images_of_some_seeds_only_are_none(monkeypatch):
    results = [{"test_accuracy": 25.0, "right": {"10": packed(np.arange(8) < 2)}}, {"test_accuracy": 75.0}]
    for count, right in ((1, [[100.0] * 2 + [0.0] * 6]), (2, None)):
        kept = {"triangular": {"pytorch": results[:count]}}
        monkeypatch.setattr(samples, "stored", lambda experiment, new, kept=kept: kept)
        found = Runs(CYCLING, "triangular").sample("pytorch", True).right
        assert (found if found is None else found.tolist()) == right


def test_results_that_are_read_again_are_measured_again(monkeypatch):
    """And one list is measured once, for all who ask; none of them can change it for the others."""
    asked = []
    measure = Measure(lambda result: asked.append(result) or result["test_accuracy"])
    for accuracy in (50.0, 75.0):
        kept = {"triangular": {"pytorch": [{"test_accuracy": accuracy}]}}
        monkeypatch.setattr(samples, "stored", lambda experiment, new, kept=kept: kept)
        for _ in range(2):
            found = Runs(CYCLING, "triangular", measure).sample("pytorch", True)
            assert found.values.tolist() == [accuracy]
            for part in (found.values, found.lost):
                with pytest.raises(ValueError, match="read-only"):
                    part[0] = 0
    assert len(asked) == 2


def test_a_setting_without_results_has_an_empty_sample(monkeypatch):
    monkeypatch.setattr(samples, "stored", lambda experiment, new: {})
    empty = Runs(CYCLING, "triangular").sample("keras", True)
    assert empty.seeds == 0 and empty.lost.dtype == bool and empty.right is None
    assert Runs(CYCLING, "triangular").settings() == {(CYCLING, "triangular")}


def test_results_are_read_once_until_they_are_forgotten(monkeypatch):
    """And an experiment's first results are without the new seeds that it always runs."""
    read, results = [], {"constant": {"pytorch": [{"seed": 0}, {"seed": NEW}], "keras": [{"seed": NEW}]}}
    for name in ("load", "load_new"):
        monkeypatch.setattr(store, name, lambda experiment, name=name: read.append(name) or results)
    samples.forget()
    try:
        for new in (True, False, True, False):
            expected = results if new else {"constant": {"pytorch": [{"seed": 0}], "keras": []}}
            assert samples.stored(CYCLING, new) == expected
        assert read == ["load_new", "load"]
        samples.forget()
        samples.stored(CYCLING, True)
        assert read == ["load_new", "load", "load_new"]
    finally:
        samples.forget()
