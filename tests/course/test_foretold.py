"""The runs that a law is fitted on and held to: what is trained, and what follows from the stored losses."""

import numpy as np
import pytest

from lrlib.course.experiment import NEW
from lrlib.course.experiments import foretold
from lrlib.course.experiments.foretold import BEYOND, FITTED, MARKS, OPTIMIZERS, THRESHOLDS, UNSEEN, Setting, Shape
from lrlib.course.prediction import best_peak, convex_bound
from lrlib.course.tasks import TASKS


def test_two_runs_are_fitted_and_at_least_twelve_are_unseen():
    assert len(FITTED) == 2 and len(UNSEEN) >= 12
    assert not {shape.name for shape in FITTED} & {shape.name for shape in (*UNSEEN, *BEYOND)}
    assert len({shape.name for shape in (*FITTED, *UNSEEN, *BEYOND)}) == len(FITTED) + len(UNSEEN) + len(BEYOND)
    assert any(shape.part < 1 for shape in UNSEEN) and any(shape.peak < 1 for shape in UNSEEN)
    assert all(shape.peak > 1 for shape in BEYOND)
    assert set(THRESHOLDS) == set(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_every_schedule_is_planned_for_its_own_budget(task):
    for optimizer in OPTIMIZERS:
        third, whole = (Setting(task, optimizer, Shape("linear", part=part)) for part in (foretold.THIRD, 1.0))
        assert third.updates * 3 == whole.updates and third.schedule.length == third.updates
        assert third.marks[-1] == third.updates and len(set(third.marks)) == MARKS
        half = Setting(task, optimizer, Shape("linear", 0.5))
        assert half.schedule(0) == whole.schedule(0) / 2


def test_a_run_is_measured_at_its_marks_and_a_part_is_its_beginning():
    setting = Setting("digits", "plain", Shape("linear", part=foretold.THIRD))
    whole, part = (foretold.run(setting, "pytorch", [0, 1], share) for share in (1.0, 4 / MARKS))
    assert [result["curve"]["update"] for result in whole] == [setting.marks] * 2
    numbers = foretold.EXPERIMENTS["digits"].rerun.numbers
    assert [*map(numbers, whole)] == [*map(numbers, part)]
    assert whole[0]["curve"]["loss"] != whole[1]["curve"]["loss"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_both_frameworks_train_alike(optimizer):
    setting = Setting("digits", optimizer, Shape("linear", part=foretold.THIRD))
    (ours,), (theirs,) = (foretold.run(setting, framework, [0]) for framework in ("pytorch", "keras"))
    np.testing.assert_allclose(ours["curve"]["loss"], theirs["curve"]["loss"], rtol=0.01)


class TestForetelling:
    """On losses that follow a law to the letter."""

    @staticmethod
    def exact(task, optimizer, shapes):
        found = {}
        for shape in shapes:
            setting = Setting(task, optimizer, shape)
            rates = setting.schedule(np.arange(setting.updates))
            at = np.array(setting.marks)
            found[shape.name] = (0.1 + 0.9 * (np.cumsum(rates)[at - 1] + 1.0) ** -0.7 + 0.4 * rates[at - 1])[None]
        return found

    def test_a_law_that_holds_foretells_every_unseen_run(self):
        fitted = self.exact("digits", "plain", FITTED)
        ends = [losses[0, -1] for losses in self.exact("digits", "plain", UNSEEN).values()]
        law, area, fall = (
            foretold.foretold("digits", "plain", fitted, UNSEEN, model) for model in ("law", "area", "late fall")
        )
        np.testing.assert_allclose(law, ends, rtol=1e-3)
        assert np.median(np.abs(np.log(area / ends))) > 0.02
        assert set(fall) == {fitted["wsd"][0, -1]}

    def test_a_bound_that_holds_foretells_every_unseen_run(self):
        unit = 0.8 * best_peak(np.linspace(1, 0, 342, endpoint=False))  # the peak is 1; not quite one of the grid's

        def exact(shape):
            setting = Setting("digits", "plain", shape)
            rates = setting.schedule(np.arange(setting.updates))
            return np.array([[0.1 + 0.5 * convex_bound(unit * rates[:mark]) for mark in setting.marks]])

        said = foretold.foretold("digits", "plain", {s.name: exact(s) for s in FITTED}, UNSEEN, "bound")
        np.testing.assert_allclose(said, [exact(shape)[0, -1] for shape in UNSEEN], rtol=0.01)

    def test_the_nearest_end_is_the_constants_where_a_schedule_ends_high(self):
        fitted = self.exact("digits", "plain", FITTED)
        said = foretold.foretold("digits", "plain", fitted, UNSEEN, "nearest")
        constant, fall = (fitted[shape.name][0, -1] for shape in FITTED)
        assert [shape.name for shape, end in zip(UNSEEN, said, strict=True) if end == constant] == ["constant-peak0.25"]
        assert set(said) == {constant, fall}

    def test_the_median_is_taken_over_the_unseen_runs_of_each_seed(self, monkeypatch):
        every = self.exact("digits", "plain", (*FITTED, *UNSEEN))
        stored = {name: np.concatenate([losses, losses]) for name, losses in every.items()}
        for name in list(stored)[2:]:
            stored[name] = stored[name] * np.array([[1.0], [1.1]])  # the second seed's unseen runs end a tenth higher
        monkeypatch.setattr(foretold, "losses", lambda *arguments: stored)
        foretold._median_errors.cache_clear()
        values = foretold.MedianError("digits", "plain", "law").sample("pytorch", new=True).values
        foretold._median_errors.cache_clear()
        np.testing.assert_allclose(values, [0.0, np.log(1.1)], atol=1e-3)

    def test_seeds_that_had_been_looked_at_decide_nothing(self):
        assert not foretold.MedianError("digits", "plain", "law").sample("pytorch", new=False).seeds
        assert all(trial.seed >= NEW for trial in foretold.EXPERIMENTS["mnist"].trials())


def test_accuracies_are_those_of_each_seed():
    shapes = (*FITTED, Shape("rex"))
    found = foretold.accuracies("digits", "adam", shapes, "pytorch")
    assert found.shape == (3, foretold.SEEDS["digits"]["pytorch"])
    assert 90 < found.min() < found.max() <= 100
