"""Verdicts follow from numbers: the rules on made results, and the book's table on the stored ones."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from lrlib.course import claims, experiments, rules, samples
from lrlib.course.experiment import Claim, Outcome, Verdict
from lrlib.course.rules import Fact, Higher, Most, PublishedValue, Share, Untestable, most
from lrlib.course.samples import TEST_ACCURACY, Gain, Mean, Runs, Spread, final
from lrlib.course.stats import interval, mean_interval
from lrlib.course.training import packed
from lrlib.course.words import HOLDS, LOOKS, NEGLIGIBLE, NO_GAIN, REVERSED, UNDECIDED

BOTH = dataclasses.replace(experiments.get("cycling"), name="made", tested=100, seeds=lambda setting, framework: (0, 1))
MADE = dataclasses.replace(BOTH, new_seeds={"pytorch": 160})  # Keras runs no new seed, so that no look waits for it
FIVE = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])


@pytest.fixture
def stored(monkeypatch):
    """Made results of new seeds: ``stored(setting=numbers)`` in PyTorch, ``(pytorch, keras)`` in both; ``first_…``."""
    results = {True: {}, False: {}}
    monkeypatch.setattr(samples, "stored", lambda experiment, new: results[new])

    def add(**settings):
        for name, numbers in settings.items():
            pair = numbers if isinstance(numbers, tuple) else (numbers, [])
            new = not name.startswith("first_")
            results[new][name.removeprefix("first_").replace("_", "-")] = {
                framework: [one if isinstance(one, dict) else {"test_accuracy": one} for one in numbers]
                for framework, numbers in zip(rules.FRAMEWORKS, pair, strict=True)
            }

    return add


def runs(setting, measure=TEST_ACCURACY):
    return Runs(MADE, setting, measure)


def compared(ours, theirs, **options):
    return Higher(runs(ours), runs(theirs), 0.5, **options)


def in_both(ours, theirs, **options):
    """A comparison of which both frameworks run five new seeds."""
    return Higher(Runs(BOTH, ours), Runs(BOTH, theirs), 0.5, **options)


class TestComparisons:
    def test_each_word_can_be_had(self, stored):
        stored(
            control=list(90 + FIVE),
            better=list(93 - FIVE),
            worse=list(87 - FIVE),
            same=list(90 + FIVE + 0.01 * FIVE[::-1]),
            below=list(89.6 + 2.14 * FIVE),
            noisy=[80.0, 95.0, 99.0, 85.0, 92.0],
        )
        found = {name: compared(name, "control").judge().word for name in ("better", "worse", "same", "below", "noisy")}
        assert found == {"better": HOLDS, "worse": REVERSED, "same": NEGLIGIBLE, "below": NO_GAIN, "noisy": UNDECIDED}
        assert compared("worse", "control", lower=True).judge().word == HOLDS

    def test_new_seeds_decide_and_the_first_ones_plan(self, stored):
        stored(first_control=list(90 + FIVE), first_better=list(93 - FIVE))
        verdict = compared("better", "control").judge()
        assert verdict.word == UNDECIDED and verdict.outcome is None and verdict.first.word == HOLDS
        assert verdict.first.level == 0.95
        assert verdict.note == "PyTorch only; about 5 seeds would decide it"
        stored(control=list(90 + FIVE), better=list(87 - FIVE))
        assert compared("better", "control").judge().word == REVERSED

    def test_a_look_is_taken_at_its_own_number_of_seeds_and_the_first_that_decides_is_the_last(self, stored):
        late = [93.0] * 5 + [80.0] * 5
        stored(control=[90.0, 90.1, 89.9, 90.0, 90.0] * 2, better=late)
        outcome = compared("better", "control").decide()
        assert (outcome.word, outcome.seeds) == (HOLDS, 5)  # what came later is not looked at
        assert outcome.level == 1 - LOOKS[5]
        stored(control=[90.0] * 9, better=[90.0, 93.0, 87.0, 95.0, 85.0, 90.0, 90.0, 90.0, 90.0])
        outcome = compared("better", "control").decide()
        assert (outcome.word, outcome.seeds) == (UNDECIDED, 5)  # nine seeds: the look at ten is still to come

    def test_the_level_of_a_look_is_its_own(self, stored):
        values = np.random.default_rng(0).normal(0, 1, 10)
        stored(control=[90.0] * 10, ours=list(90 + values))
        for count, t in ((5, 5.5976), (10, 3.2498)):  # from a table of Student's t, 0.25 % and 0.5 % above
            found = compared("ours", "control").look(["pytorch"], count, 1 - LOOKS[count])
            half = t * values[:count].std(ddof=1) / count**0.5
            assert (found.low, found.high) == pytest.approx(
                (values[:count].mean() - half, values[:count].mean() + half), rel=1e-4
            )

    def test_where_both_frameworks_have_the_seeds_their_mean_is_judged(self, stored):
        stored(control=(list(90 + FIVE), list(90 + FIVE)), better=(list(93 - FIVE), list(95 - FIVE)))
        verdict = in_both("better", "control").judge()
        assert verdict.outcome.mean == pytest.approx(4.0) and verdict.outcome.frameworks == ("pytorch", "keras")
        assert verdict.seeds == {"pytorch": 5, "keras": 5}

    @pytest.mark.parametrize("counts", [(5, 3), (2, 5), (0, 5)])
    def test_a_look_waits_for_both_frameworks(self, stored, counts):
        """Else the process that was stopped first would decide who gives the word, and the other would never run."""
        ours, theirs = ([list(mean + FIVE)[:count] for count in counts] for mean in (93, 90))
        stored(better=tuple(ours), control=tuple(theirs))
        rule = in_both("better", "control")
        assert rule.judge().word == UNDECIDED and rule.judge().outcome is None
        assert {(one.framework, one.seed) for one in rule.wanted()} == {
            (framework, 100 + seed) for framework in ("pytorch", "keras") for seed in range(5)
        }

    def test_the_second_look_is_pytorchs(self, stored):
        ten = list(90 + np.tile([3.0, -3.0], 5)), [90.0] * 5
        stored(control=([90.0] * 10, [90.0] * 5), better=ten)
        outcome = in_both("better", "control").judge().outcome
        assert (outcome.seeds, outcome.frameworks) == (10, ("pytorch",))

    def test_where_keras_may_run_fewer_the_word_is_pytorchs_and_says_so(self, stored):
        three = [90.0, 90.1, 89.9]
        stored(control=(list(90 + FIVE), three), better=(list(93 - FIVE), three))
        verdict = compared("better", "control").judge()
        assert verdict.word == HOLDS and verdict.outcome.frameworks == ("pytorch",)
        assert verdict.note.startswith("Keras differs: PyTorch less Keras +3.")
        stored(control=list(90 + FIVE), better=list(93 - FIVE))
        assert compared("better", "control").judge().note == "PyTorch only"

    @pytest.mark.parametrize(
        ("count", "shown", "note"),
        [
            (2, "+3.00 +2.00", "too few Keras runs to compare;"),
            (3, "+3.00 (+0.52 to +5.48)", "Keras agrees: PyTorch less Keras +0.00 (+0.00 to +0.00) over 3 seeds;"),
        ],
    )
    def test_an_interval_is_drawn_from_three_seeds_on(self, stored, count, shown, note):
        ours = [93.0, 92.0, 94.0][:count]
        stored(first_control=([90.0] * count,) * 2, first_better=(ours, ours))
        verdict = compared("better", "control").judge()
        assert verdict.shown["pytorch"] == shown and verdict.note.startswith(note)

    @pytest.mark.parametrize(("shift", "needed"), [(12.0, 5), (6.0, 10), (4.0, 20), (2.0, 40), (1.0, None), (-4.0, 10)])
    @pytest.mark.parametrize("side", [1, -1])
    def test_how_many_seeds_would_decide_follows_from_the_spread(self, stored, shift, needed, side):
        stored(first_control=[50.0] * 5, first_ours=[50 + side * (shift + x) for x in (-5.0, -2.5, 0.0, 2.5, 5.0)])
        said = f"about {needed} seeds would decide it" if needed else "more than 40 seeds would be needed"
        rule = compared("ours", "control", lower=side < 0)
        assert rule.needs() == said
        assert {trial.setting for trial in rule.until_decided()} == ({"ours", "control"} if needed else set())
        assert {trial.seed for trial in rule.until_decided() if trial.framework == "pytorch"} == {
            100 + seed for seed in range(needed or 0)
        }

    def test_until_it_is_decided_is_the_next_look_where_nothing_is_foreseen_and_nothing_once_it_is(self, stored):
        stored()
        rule = compared("ours", "control")
        assert rule.foreseen() is None and rule.until_decided() == rule.wanted() != []
        stored(control=list(90 + FIVE), ours=list(93 - FIVE))
        assert rule.judge().word == HOLDS and rule.until_decided() == []

    def test_the_sources_own_comparison_waits_for_the_word(self, stored):
        def wanted(rule):
            return {trial.setting for trial in rule.wanted()}

        stored(control=list(90 + FIVE))
        fair = compared("ours", "control", as_written=compared("ours", "written"))
        several = Most({"a": fair, "b": compared("other", "control")}, as_written=Most({"a": fair.as_written}))
        assert wanted(fair) == {"ours", "control"} and wanted(several) == {"ours", "other", "control"}
        assert {trial.setting for trial in several.until_decided()} == {"ours", "other", "control"}
        stored(ours=list(93 - FIVE), other=list(93 - FIVE))
        assert several.until_decided() == []
        assert wanted(fair) == wanted(several) == {"ours", "written"}
        stored(written=list(90 + FIVE))
        assert wanted(fair) == wanted(several) == set()

    def test_not_to_be_told_apart_is_not_to_agree(self, stored):
        wide = [90.0, 97.0, 83.0, 92.0, 88.0]
        stored(
            control=([90.0] * 5, [90.0] * 5), close=(list(91 + FIVE), list(91 + FIVE / 2)), wide=(list(91 + FIVE), wide)
        )
        assert compared("close", "control").agreement().startswith("Keras agrees: PyTorch less Keras ")
        assert compared("wide", "control").agreement().startswith("open whether Keras agrees: PyTorch less Keras ")

    def test_p_makes_up_for_stopping(self, stored):
        from scipy.stats import ttest_1samp

        values = np.array([0.9, 1.1, 1.0, 1.3, 0.8])
        stored(control=[90.0] * 5, ours=list(90 + values))
        once = ttest_1samp(values, 0).pvalue
        for pair in (("ours", "control"), ("control", "ours")):
            assert compared(*pair).p_value() == pytest.approx(10 * once, rel=1e-3)  # 0.5 of 5 %
        assert compared("nothing", "control").p_value() is None

    def test_only_a_comparison_that_is_decided_both_ways_is_confounded(self, stored):
        stored(
            bad=list(80 + FIVE), control=list(90 + FIVE), ours=list(90 + FIVE[::-1] / 9), noisy=[70.0, 99, 80, 95, 90]
        )
        written = compared("ours", "bad")
        verdict = dataclasses.replace(compared("ours", "control"), as_written=written).judge()
        assert (verdict.word, verdict.written, verdict.confounded) == (NEGLIGIBLE, HOLDS, True)
        undecided = dataclasses.replace(compared("noisy", "control"), as_written=written).judge()
        assert (undecided.word, undecided.written, undecided.confounded) == (UNDECIDED, HOLDS, False)
        holds = dataclasses.replace(compared("control", "bad"), as_written=written).judge()
        assert (holds.word, holds.confounded) == (HOLDS, False)

    def test_confounded_is_a_test_of_control_against_control(self, stored):
        """Ours is significant beside one control and not beside the other; the controls cannot be told apart."""
        stored(
            ours=[90.0, 90.5, 89.5, 90.2, 89.8],
            written=[88.6, 89.9, 87.9, 89.2, 88.8],
            fair=[80.0, 98.0, 95.0, 84.0, 88.0],
        )
        fair = Higher(runs("ours"), runs("fair"), 5.0, as_written=Higher(runs("ours"), runs("written"), 0.1))
        assert fair.as_written.decide().word == HOLDS and not fair.judge().confounded

    def test_gains_are_compared_seed_by_seed(self, stored):
        stored(low=list(90 + FIVE), high=list(92 + FIVE), higher=list(96 + FIVE + 0.01 * FIVE[::-1]))
        more, less = Gain(runs("higher"), runs("low")), Gain(runs("high"), runs("low"))
        assert Higher(more, less, 0.5).judge().word == HOLDS and Higher(less, more, 0.5).judge().word == REVERSED

    def test_several_settings_give_one_number_a_seed(self, stored):
        stored(one=[90.0, 92.0, 97.0], other=[94.0, 98.0])
        assert Mean([runs("one"), runs("other")]).sample("pytorch", True).values.tolist() == [92.0, 95.0]
        assert Mean([runs("one"), runs("other")]).sample("keras", True).seeds == 0

    def test_an_undecided_claim_wants_the_next_look_and_a_decided_one_nothing(self, stored):
        rule = in_both("better", "control")
        assert {(trial.framework, trial.seed) for trial in rule.wanted()} == {
            (framework, 100 + seed) for framework in rules.FRAMEWORKS for seed in range(5)
        }
        stored(control=([90.0, 92.0, 88.0, 91.0, 89.0],) * 2, better=([91.0, 89.0, 92.0, 88.0, 90.0],) * 2)
        assert max(trial.seed for trial in rule.wanted() if trial.framework == "pytorch") == 109
        assert max(trial.seed for trial in rule.wanted() if trial.framework == "keras") == 104  # agreement only
        stored(control=(list(90 + FIVE),) * 2, better=(list(93 - FIVE),) * 2)
        assert rule.wanted() == []

    def test_after_the_last_look_nothing_is_wanted(self, stored):
        random = np.random.default_rng(0)
        stored(control=list(random.normal(90, 9, 40)), ours=list(random.normal(90, 9, 40)))
        assert compared("ours", "control").judge().word == UNDECIDED and compared("ours", "control").wanted() == []
        assert "more than 40 seeds would be needed" in compared("ours", "control").judge().note


class TestTestImages:
    def result(self, right):
        return {"test_accuracy": 100 * float(np.mean(right)), "right": {"10": packed(right)}}

    def test_their_variance_widens_the_interval(self, stored):
        random = np.random.default_rng(0)
        base = random.random((5, 96)) < 0.9
        better = base | (random.random((5, 96)) < 0.3)
        stored(ours=[self.result(one) for one in better], control=[self.result(one) for one in base])
        found = compared("ours", "control").decide()
        stored(
            ours=[{"test_accuracy": 100 * one.mean()} for one in better],
            control=[{"test_accuracy": 100 * one.mean()} for one in base],
        )
        narrow = compared("ours", "control").decide()
        difference = (better.astype(float) - base).mean(0)  # image by image, over the seeds
        extra = 100**2 * difference.var(ddof=1) / 96
        assert found.mean == pytest.approx(narrow.mean)
        assert (found.high - found.mean) ** 2 == pytest.approx(
            (narrow.high - narrow.mean) ** 2 + 5.5976**2 * extra, rel=1e-3
        )

    def test_without_them_a_fixed_test_set_gives_no_word(self, stored):
        fixed = dataclasses.replace(MADE, fixed_test=True)
        stored(ours=list(93 - FIVE), control=list(90 + FIVE))
        verdict = Higher(Runs(fixed, "ours"), Runs(fixed, "control"), 0.5).judge()
        assert verdict.word == UNDECIDED and "which test images were right is not stored" in verdict.note
        of_loss = Higher(Runs(fixed, "ours"), Runs(fixed, "control"), 0.5, unit=rules.LOSS)
        assert of_loss.judge().word == HOLDS  # of a training loss no test image has a part

    def test_the_mean_of_two_moments_has_the_mean_of_their_images(self, stored):
        first, second = np.arange(96) < 48, np.arange(96) < 72
        result = {
            "curve": {"update": [10, 20], "accuracy": [50.0, 75.0]},
            "watched_right": {"10": packed(first), "20": packed(second)},
        }
        stored(ours=[result])
        both = samples.mean_of_measures([samples.at_update(update, right="watched_right") for update in (10, 20)])
        sample = runs("ours", both).sample("pytorch", True)
        assert sample.values.tolist() == [62.5] and sample.right.mean() == 62.5
        assert set(sample.right[0]) == {0.0, 50.0, 100.0}
        stored(ours=[result | {"watched_right": {"10": packed(first)}}])
        assert runs("ours", both).sample("pytorch", True).right is None

    def test_images_of_another_moment_are_not_taken(self, stored):
        right = np.ones(96, bool)
        result = {"curve": {"update": [10, 20], "accuracy": [90.0, 95.0]}, "right": {"20": packed(right)}}
        stored(ours=[result])
        assert runs("ours", samples.at_update(20)).sample("pytorch", True).right.shape == (1, 96)
        assert runs("ours", samples.at_update(10)).sample("pytorch", True).right is None


class TestLostRuns:
    def test_what_is_lost(self):
        def lost(**result):
            return samples.lost(result, MADE).tolist()

        assert lost(test_accuracy=90.0, train_loss=0.1, diverged=False) == [False]
        assert lost(test_accuracy=90.0, train_loss=0.1, diverged=True) == [True]
        assert lost(test_accuracy=90.0, train_loss=None) == [True]
        assert lost(test_accuracy=90.0, epoch_loss=[2.3, 2.29]) == [True]  # ln 10 is 2.303
        assert lost(test_accuracy=90.0, epoch_loss=[2.3, 2.2]) == [False]
        assert lost(test_accuracy=18.9, train_loss=1.0) == [True]  # 10 % and three standard errors of 3 %: 19 %
        assert lost(test_accuracy=19.1, train_loss=1.0) == [False]
        assert lost(accuracy_each=[90.0, 10.0], diverged_each=[False, False]) == [False, True]

    def results(self, accuracies):
        return [{"test_accuracy": accuracy, "diverged": accuracy < 20} for accuracy in accuracies]

    def test_they_are_counted_first_and_no_mean_is_taken_over_both_populations(self, stored):
        stored(ours=self.results([90.0, 91.0, 92.0, 10.0, 93.0]), control=self.results([89.0] * 5))
        verdict = compared("ours", "control").judge()
        assert verdict.outcome.lost and verdict.outcome.smallest == rules.IMPROVEMENT
        assert verdict.outcome.mean == pytest.approx(4 / 5 - 0.5)  # four pairs won, one lost
        assert verdict.shown["pytorch"] == "runs lost: 1 of 5 against 0 of 5; of the others +2.50"

    def test_a_lost_run_is_the_worst_and_two_are_a_tie(self, stored):
        stored(ours=self.results([10.0] * 10), control=self.results([30.0] * 5 + [10.0] * 5))
        outcome = compared("ours", "control").decide()
        assert outcome.mean == -0.5 and outcome.word == UNDECIDED  # five pairs that count
        stored(ours=self.results([10.0] * 10), control=self.results([30.0] * 10))
        assert compared("ours", "control").decide().word == REVERSED

    def test_of_a_gap_or_a_gain_a_lost_run_says_nothing(self, stored):
        stored(ours=self.results([90.0] * 10), gone=self.results([10.0] * 10), same=self.results([90.0] * 10))
        assert compared("gone", "ours", lower=True).decide().word == UNDECIDED
        more, less = Gain(runs("ours"), runs("gone")), Gain(runs("ours"), runs("same"))
        assert Higher(more, less, 0.5).decide().word == UNDECIDED

    def test_of_losses_a_lost_run_has_the_highest(self, stored):
        def results(losses):
            return [{"train_loss": loss, "test_accuracy": 90.0} for loss in losses]

        stored(large=results([None] * 10), small=results([0.1] * 10))
        pair = runs("large", final("train_loss")), runs("small", final("train_loss"))
        assert Higher(*pair, 0.01, unit=rules.LOSS).decide().word == HOLDS
        assert Higher(*pair, 0.01, lower=True, unit=rules.LOSS).decide().word == REVERSED

    def test_where_a_lost_run_has_no_place_it_gives_no_word(self, stored):
        """A run that learned nothing has memorised no wrong label either: that bears nothing out."""
        stored(ours=self.results([10.0] * 10), control=self.results([90.0] * 10))
        for lower in (True, False):
            rule = compared("ours", "control", lower=lower, unit=rules.Unit("points of wrong labels", lost=0))
            assert rule.decide().word == UNDECIDED and rule.wanted() == []


class TestSpread:
    def test_it_is_that_of_the_settings_and_not_of_the_seeds(self, stored):
        random = np.random.default_rng(0)
        stored(
            **{name: list(90 + random.normal(0, 3, 40)) for name in ("a", "b", "c", "d")}
        )  # settings that do not differ
        values = Spread([runs(name) for name in "abcd"]).sample("pytorch", True).values
        of_one_seed = np.mean([samples.stored(MADE, True)[name]["pytorch"][0]["test_accuracy"] for name in "abcd"])
        assert len(values) == 40 and abs(values.mean()) < 0.6 < 3 < of_one_seed

    def test_settings_that_differ_by_a_known_amount(self, stored):
        stored(**{name: list(90 + shift + FIVE) for name, shift in zip("abc", (-2, 0, 2), strict=True)})
        assert Spread([runs(name) for name in "abc"]).sample("pytorch", True).values == pytest.approx([2.0] * 5)

    def test_one_seed_has_none(self, stored):
        stored(a=[90.0], b=[91.0], c=[92.0])
        assert Spread([runs(name) for name in "abc"]).sample("pytorch", True).seeds == 0

    def test_two_settings_have_a_difference_and_no_spread(self):
        with pytest.raises(ValueError, match="three settings or more; got 2"):
            Spread([runs("a"), runs("b")])


class TestMost:
    def test_from_the_words_of_the_cases(self):
        assert most([HOLDS, HOLDS, REVERSED]) == HOLDS
        assert most([HOLDS, REVERSED]) == NO_GAIN  # exactly half is not most, and half are decided otherwise
        assert most([REVERSED, REVERSED, HOLDS]) == REVERSED
        assert most([NEGLIGIBLE, REVERSED, UNDECIDED]) == NO_GAIN
        assert most([NEGLIGIBLE, NEGLIGIBLE, NO_GAIN]) == NEGLIGIBLE
        assert most([NEGLIGIBLE, NO_GAIN]) == NO_GAIN
        assert most([HOLDS, UNDECIDED, UNDECIDED]) == UNDECIDED

    def test_its_parts_are_named(self, stored):
        stored(low=list(90 + FIVE), high=list(93 - FIVE))
        yes, no = compared("high", "low"), compared("low", "high")
        verdict = Most({"a": yes, "b": yes, "c": no}, as_written=Most({"c": no})).judge()
        assert (verdict.word, verdict.written) == (HOLDS, REVERSED)
        assert verdict.note == "a: holds, 5 seeds; b: holds, 5 seeds; c: reversed, 5 seeds"
        assert verdict.seeds == {"pytorch": 5} and verdict.shown["pytorch"].startswith("a +3.00; b +3.00; c -3.00")

    def test_each_case_is_decided_twice_at_most(self, stored, monkeypatch):
        stored(low=list(90 + FIVE), high=list(93 - FIVE))
        decided = []
        decide = Higher.decide
        monkeypatch.setattr(Higher, "decide", lambda rule: decided.append(rule) or decide(rule))
        compared("high", "low").judge()
        alone = len(decided)
        decided.clear()
        Most({case: compared("high", "low") for case in "abc"}).judge()
        assert len(decided) == 3 * (alone + 1)

    def test_a_case_without_a_run_says_so_and_is_wanted(self, stored):
        stored(low=list(90 + FIVE), high=list(93 - FIVE))
        rule = Most({"a": compared("high", "low"), "b": compared("other", "low")})
        verdict = rule.judge()
        assert (verdict.word, verdict.note) == (UNDECIDED, "a: holds, 5 seeds; b: no new seed yet")
        assert verdict.seeds == {"pytorch": 5} and rule.wanted()

    def test_a_change_is_one_to_whichever_side(self, stored):
        stored(low=list(90 + FIVE), high=list(93 - FIVE))
        assert Most({"a": compared("low", "high")}).judge().word == REVERSED
        changed = Most({"a": compared("low", "high", changes=True)}).judge()
        assert (changed.word, changed.note) == (HOLDS, "a: holds, 5 seeds")

    def test_a_change_is_looked_for_until_both_sides_are_decided(self, stored):
        """No gain leaves a loss open, which would be a change: it must not end the looking."""
        stored(control=[90.0] * 10, below=list(89.8 + np.tile(2.94 * FIVE, 2)))
        one_sided, changes = (compared("below", "control", changes=changes) for changes in (False, True))
        assert one_sided.decide().word == NO_GAIN and one_sided.wanted() == []
        assert (changes.decide().word, changes.decide().seeds) == (UNDECIDED, 10)
        assert {one.seed for one in changes.wanted()} == set(range(100, 120))
        assert changes.foreseen() == 20 and changes.needs() == "about 20 seeds would decide it"


class TestFigures:
    def figure(self, published, rivals=(), **options):
        return PublishedValue([runs("runs")], [published], rivals, **options).judge()

    def test_had_again_needs_enough_runs_and_no_rival_that_would_pass(self, stored):
        twenty = list(np.random.default_rng(0).normal(90, 1, 20))
        stored(first_runs=twenty)
        assert self.figure(90.5).word == rules.HAD
        assert self.figure(90.5, [[95.0]]).word == rules.HAD
        told = self.figure(90.5, [[91.0], [95.0]])
        assert told.word == rules.CANNOT_TELL and "1 of the source's 2 other figures would" in told.note
        assert self.figure(90.5, [[91.0]]).note == "PyTorch only; the source's other figure would pass too"
        assert self.figure(95.0).word == rules.NOT_HAD
        stored(first_runs=twenty[:5])
        few = self.figure(90.5)
        assert few.word == rules.CANNOT_TELL and "fewer than 20 runs" in few.note
        assert self.figure(99.0).word == rules.NOT_HAD

    def test_a_wide_interval_gives_no_figure_back(self, stored):
        stored(first_runs=([97.2, 97.4, 86.5], [97.0, 97.1, 97.2]))
        assert self.figure(97.05).word == rules.CANNOT_TELL

    def test_lost_runs_cannot_tell(self, stored):
        stored(
            first_runs=[{"test_accuracy": 10.0, "diverged": True}] + [{"test_accuracy": 90.0 + i} for i in range(20)]
        )
        verdict = self.figure(95.0)
        assert verdict.word == rules.CANNOT_TELL and "runs are lost" in verdict.note
        assert verdict.shown["pytorch"].startswith("1 of 21 lost; of the others 99.50")
        stored(first_runs=[{"test_accuracy": 10.0, "diverged": True}] * 3)
        assert self.figure(95.0).shown["pytorch"] == "3 of 3 lost"
        stored(first_runs=[90.0 + i for i in range(20)], first_lost=[{"test_accuracy": 10.0, "diverged": True}] * 20)
        both = PublishedValue([runs("runs"), runs("lost")], [99.0, 10.0]).judge()
        assert both.word == rules.CANNOT_TELL and "runs are lost" in both.note

    def test_figures_of_two_settings_wait_for_the_one_with_fewer_runs(self, stored):
        twenty = list(np.random.default_rng(0).normal(90, 1, 20))
        rule = PublishedValue([Runs(BOTH, "ours"), Runs(BOTH, "control")], [90.5, 90.5], new=True)
        stored(first_ours=twenty, first_control=twenty[:3])
        few = rule.judge()
        assert few.word == rules.CANNOT_TELL and few.seeds == {"pytorch": 3}
        assert {trial.setting for trial in rule.wanted()} == {"ours", "control"}
        stored(first_control=twenty)
        assert rule.judge().word == rules.HAD and rule.wanted() == []

    def test_a_published_mean_is_compared_as_a_mean(self, stored):
        stored(first_runs=[99.0, 99.1, 99.2, 99.05, 99.05])  # its single runs reach 99.25
        assert self.figure(99.25, mean_of=2, sd=0.03).word == rules.NOT_HAD
        assert self.figure(99.25).word == rules.CANNOT_TELL
        stored(first_runs=list(np.random.default_rng(0).normal(90, 1, 20)))
        assert self.figure(91.5).word == rules.HAD and self.figure(91.5, mean_of=10).word == rules.NOT_HAD

    def test_cut_figures_of_one_run_must_be_had_by_one_of_ours(self, stored):
        def results(pairs):
            return [{"curve": {"update": [1, 2], "accuracy": pair}, "test_accuracy": 97.0} for pair in pairs]

        rule = PublishedValue([runs("runs", samples.at_update(i)) for i in (1, 2)], [96, 97], width=1.0)
        stored(first_runs=results([(96.5, 97.2)] + [(97.5, 97.5)] * 19))
        assert rule.judge().word == rules.HAD
        stored(first_runs=results([(96.5, 96.9), (97.0, 97.5)] * 40))  # each figure is had, and never both
        assert rule.judge().word == rules.NOT_HAD
        stored(first_runs=results([(96.5, 96.9), (97.0, 97.5)] * 10))  # of twenty, one in six may still give both
        assert rule.judge().word == rules.CANNOT_TELL
        stored(first_runs=results([(96.5, 96.9), (97.0, 97.5)]))
        assert rule.judge().word == rules.CANNOT_TELL

    def test_new_seeds_count_where_their_test_set_is_the_sources(self, stored):
        values = list(np.random.default_rng(0).normal(90, 1, 20))
        stored(first_runs=values[:5], runs=values[5:])
        assert self.figure(90.5).word == rules.CANNOT_TELL and self.figure(90.5, new=True).word == rules.HAD

    def test_where_one_framework_has_enough_runs_it_decides(self, stored):
        values = list(np.random.default_rng(0).normal(90, 1, 25))
        stored(first_runs=(values, values[:10]))
        verdict = self.figure(90.5)
        assert (verdict.word, verdict.note) == (rules.HAD, "judged by PyTorch's runs: Keras has too few")

    def test_frameworks_that_say_different_things_cannot_tell(self, stored):
        values = np.random.default_rng(0).normal(90, 1, 20)
        stored(first_runs=(list(values), list(values - 20)))
        assert self.figure(90.5).word == rules.CANNOT_TELL


def test_a_share_of_runs_is_a_statistic(stored):
    def results(answers):
        return [{"peak": float(answer), "test_accuracy": 90.0} for answer in answers]

    so = final("peak")
    lost = {"peak": 1.0, "test_accuracy": 1.0}
    stored(runs=results([1] * 10), half=results([0, 1] * 20), bad=[lost] * 10, one_bad=[lost, *results([1] * 9)])
    assert Share(Runs(MADE, "runs", so)).judge().word == HOLDS
    assert Share(Runs(MADE, "half", so)).judge().word == UNDECIDED
    for name in ("bad", "one_bad"):  # lost runs have no answer
        assert Share(Runs(MADE, name, so)).judge().word == UNDECIDED
    nothing = Share(Runs(MADE, "none", so)).judge()
    assert nothing.word == UNDECIDED and nothing.note == "no new seed yet"


def test_facts_and_what_cannot_be_tested():
    assert Fact(lambda framework: (True, "1.0")).judge().word == rules.TRUE
    assert Fact(lambda framework: (framework == "keras", "1.0")).judge().word == rules.FALSE
    verdict = Untestable("no run is that long").judge()
    assert verdict.word == rules.CANNOT and verdict.note == "no run is that long"


KINDS = [Outcome, Verdict, Runs, Gain, Mean, Spread, PublishedValue, Higher, Most, Share, Fact, Untestable]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_is_not_changed_once_it_is_made(kind):
    made = object.__new__(kind)
    with pytest.raises(AttributeError):
        made.word = "holds"


# ---- The claims of the course ----------------------------------------------------------------------------------------


def all_comparisons():
    for claim in claims.all_claims():
        rule = claim.rule
        parts = rule.comparisons.values() if isinstance(rule, Most) else [rule] if isinstance(rule, Higher) else []
        yield from ((claim, part) for part in parts)


OPPOSITE = {HOLDS: REVERSED, REVERSED: HOLDS}
# With less noise these may only sharpen; what is decided stays, or is shown to be too small to matter.
SHARPER = {
    HOLDS: {HOLDS, NEGLIGIBLE},
    REVERSED: {REVERSED, NEGLIGIBLE},
    NEGLIGIBLE: {NEGLIGIBLE},
    NO_GAIN: {NO_GAIN, NEGLIGIBLE, REVERSED},
    UNDECIDED: {UNDECIDED, HOLDS, NEGLIGIBLE, NO_GAIN, REVERSED},
}


@dataclasses.dataclass(frozen=True)
class Scaled:
    """An arm whose numbers lie ``scale`` times as far from their mean over the first ``of`` seeds, or over all."""

    arm: Runs | Gain | Mean | Spread
    scale: float
    of: int | None = None

    def settings(self):
        return self.arm.settings()

    def sample(self, framework, new, count=None):
        every, found = self.arm.sample(framework, new, self.of), self.arm.sample(framework, new, count)
        mean = every.values.mean() if every.seeds else 0.0
        return found._replace(values=mean + self.scale * (found.values - mean))


def scaled(rule, *how):
    return dataclasses.replace(rule, runs=Scaled(rule.runs, *how), control=Scaled(rule.control, *how), as_written=None)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.25, 0.5, 2.0])
def test_with_other_noise_no_word_turns_into_its_opposite(scale):
    """The spread of all stored runs of new seeds, scaled: through the whole rule, and at the look that gave the word.

    With less noise the rule may stop at an earlier look with a word that is less sharp, such as no gain for reversed.
    """
    seen = 0
    for claim, rule in all_comparisons():
        now = rule.decide()
        if now is None or now.lost:
            continue
        seen += 1
        assert OPPOSITE.get(now.word) != scaled(rule, scale).decide().word, claim.text
        then = scaled(rule, scale, now.seeds).look(now.frameworks, now.seeds, 1 - rule.looks[now.seeds])
        assert OPPOSITE.get(now.word) != then.word, claim.text
        if scale < 1:
            assert then.word in SHARPER[now.word], claim.text
            if now.word in (HOLDS, REVERSED) and then.word == NEGLIGIBLE:
                assert abs(then.mean) < rule.smallest, claim.text
    assert seen > 20


@pytest.mark.slow
def test_the_books_table_follows_from_the_stored_results():
    notebook = json.loads((Path(claims.__file__).parents[2] / "book/chapters/verdicts.ipynb").read_text())
    pages = [
        "".join(output["data"].get("text/markdown", ""))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    lines = "\n".join(pages).splitlines()
    for claim, verdict in claims.judged():
        row = "| " + " | ".join([claim.source, *claims.row(claim, verdict)])
        assert any(line.startswith(row) for line in lines), f"the page does not say: {row}"


def test_every_claim_is_shown_in_a_chapter_that_exists_and_told_apart_from_the_others():
    chapters = Path(claims.__file__).parents[2] / "book" / "chapters"
    every = claims.all_claims()
    assert len({(claim.source, claim.text, claim.setting) for claim in every}) == len(every)
    for claim in every:
        assert (chapters / f"{claim.chapter}.py").exists(), claim
        assert not claim.text.startswith("(ours)"), "what no source says is no claim"
    with pytest.raises(ValueError, match="no claim is shown in chapter '99'"):
        claims.judged("99")


class TestRow:
    """The words and numbers of a line of the table."""

    @pytest.fixture(autouse=True)
    def nothing_to_run(self, monkeypatch):
        monkeypatch.setattr(claims.plan, "missing_for", lambda claim: [])

    def row(self, rule):
        claim = Claim("papers", "a claim", "a setting", rule, "cycling")
        return dict(zip(claims.HEAD, claims.row(claim, rule.judge()), strict=True))

    def test_a_mean_has_one_interval_that_of_its_look(self, stored):
        better = list(93 - FIVE)
        stored(control=(list(90 + FIVE), [90.0, 90.1, 89.9]), better=(better, better[:3]))
        row = self.row(compared("better", "control"))
        low, high = interval(np.array(better) - 90 - FIVE, 1 - LOOKS[5])
        assert row["effect"] == f"+3.00 ({low:+.2f} to {high:+.2f})" and row["PyTorch"] == "+3.00"
        assert row["seeds"] == "5 in PyTorch, 3 in Keras"

    def test_before_the_first_look_it_is_that_of_the_first_seeds(self, stored):
        stored(first_control=(list(90 + FIVE),) * 2, first_better=(list(93 - FIVE),) * 2)
        row = self.row(compared("better", "control"))
        assert row["effect"] == "–" and row["PyTorch"] == mean_interval(3 - 2 * FIVE)
        assert row["seeds"] == "5 in each; none is new"

    def test_new_seeds_without_their_images_are_not_called_old(self, stored):
        fixed = dataclasses.replace(MADE, fixed_test=True)
        stored(control=[90.0] * 5, ours=[91.0] * 5)
        row = self.row(Higher(Runs(fixed, "ours", TEST_ACCURACY), Runs(fixed, "control", TEST_ACCURACY), 0.5))
        assert row["verdict"] == "**undecided**" and row["seeds"] == "5 in PyTorch"

    def test_where_runs_are_lost_the_effect_is_how_often_the_claimed_side_wins(self, stored):
        stored(ours=[10.0] * 10, control=[90.0] * 10)
        row = self.row(compared("ours", "control"))
        assert row["effect"] == "wins 0 % of pairs (0 to 41 %)"
        assert row["PyTorch"] == "runs lost: 10 of 10 against 0 of 10"

    def test_each_part_has_its_effect(self, stored):
        stored(low=list(90 + FIVE), high=list(93 - FIVE), first_other=list(90 + FIVE))
        parts = {"a": compared("high", "low"), "b": compared("low", "high")}
        effects = [f"{case} {self.row(part)['effect']}" for case, part in parts.items()]
        assert self.row(Most(parts))["effect"] == "; ".join(effects) and effects[0].startswith("a +3.00 (")
        assert self.row(Most({"a": compared("other", "other")}))["effect"] == "–"

    def test_a_case_without_runs_is_named_beside_the_number_of_seeds(self, stored):
        stored(low=list(90 + FIVE), high=list(93 - FIVE))
        parts = {"a": compared("high", "low"), "b": compared("other", "low")}
        assert self.row(Most(parts))["seeds"] == "5 in PyTorch; none of b"
        assert self.row(Most({"a": parts["a"]}))["seeds"] == "5 in PyTorch"


def test_the_smallest_effect_stands_beside_each_comparison():
    for claim in claims.all_claims():
        shown = claims.row(claim, Verdict("", dict.fromkeys(rules.FRAMEWORKS, "")))[
            claims.HEAD.index("smallest effect")
        ]
        assert (shown == "–") == isinstance(claim.rule, PublishedValue | Fact | Untestable), claim.text
    by_text = {claim.text: claims.smallest_effect(claim) for claim in claims.all_claims()}
    assert by_text["a small rate is slow"] == "0.01 loss"
    assert by_text["REX: it is better than a line to zero (AdamW)"] == "5 % of the error"
    assert by_text["in most cases a schedule improves on a constant rate"] == "1 point"


def test_every_comparison_has_the_smallest_effect_of_its_task():
    """The table of the audit, which was written before any new seed."""
    audit = {
        "constant_rates": {0.01},
        "label_noise": {0.5, 2.0, 0.05},
        "q_agrel": {1.0, 0.002},
        "cycling": {0.3, 0.1},
        "cycling_on_mnist": {0.2, 0.1},
        "four_decays": {1.0},
        "step_and_plateau": {0.1, 0.005},
        "one_cycle": {0.1},
        "early_sharpness": {1.0},
        "clr_table1": {0.5},
        "batch_and_momentum": {0.1, 0.5},  # in the logarithm of the loss, in points
        "budgets-digits": {math.log(1.05)},
        "budgets-mnist": {math.log(1.05)},
        "budgets-cifar10": {math.log(1.05)},
        "one_trunk-digits": {math.log(1.05)},
        "one_trunk-mnist": {math.log(1.05)},
        "foretold-digits": {0.01},  # in the median error, a share of the loss
        "foretold-mnist": {0.01},
        "foretold-cifar10": {0.01},
    }
    for _, rule in all_comparisons():
        for experiment, _ in rule.settings():
            assert rule.smallest in audit[experiment.name]
