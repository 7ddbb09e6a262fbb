"""One constant trunk: cooldowns, planned lines and averages of the last weights."""

import numpy as np
import pytest

from lrlib.course import samples, tasks
from lrlib.course.experiment import NEW
from lrlib.course.experiments import one_trunk
from lrlib.course.experiments.one_trunk import COOLDOWN, EVERY, FACTORS, PARTS, UPDATES, Setting
from lrlib.course.training import MeanWeights


@pytest.mark.parametrize("task", UPDATES)
def test_cooldowns_of_all_budgets_share_their_beginnings(task):
    longest = Setting(task, "trunk", 1.0).schedule
    for part in PARTS:
        setting = Setting(task, "trunk", part)
        begins = np.arange(setting.begins)
        assert (setting.schedule(begins) == longest(begins)).all()
        assert setting.schedule(setting.updates) == 0.0
        assert (setting.updates - setting.begins) / setting.updates == pytest.approx(COOLDOWN, abs=0.01)


def test_an_average_and_a_fall_have_the_same_part():
    for last in one_trunk.LAST:
        average, fall = (Setting("digits", kind, 1.0, last=last) for kind in ("average", "fall"))
        assert average.begins == fall.begins
        assert fall.schedule(fall.begins - 1) == average.schedule(0) > fall.schedule(fall.begins + 1)


def test_an_average_is_that_of_the_weights_on_the_way(monkeypatch):
    """Beside a direct computation: the same updates made with a pause after each, and every fifth kept."""
    monkeypatch.setitem(UPDATES, "digits", 40)
    setting = Setting("digits", "average", 1.0, last=0.5)
    (result,) = one_trunk.run(setting, "pytorch", [0])
    data = tasks.images("digits", [0])
    bench = tasks.bench("digits", one_trunk.OPTIMIZER, setting.schedule, "pytorch", [0])
    kept = []
    order = tasks.orders("digits", data.rows, 2, [0])[:40]
    bench.train(data.x, data.y, order, range(1, 41), lambda update: kept.append(bench.weights()))
    numbers = [20 + EVERY, 20 + 2 * EVERY, 20 + 3 * EVERY, 20 + 4 * EVERY]
    shown = [kept[number - 1] for number in numbers]
    bench.set_weights([np.mean(each, 0, "float64").astype("float32") for each in zip(*shown, strict=True)])
    assert result["test_loss"] == pytest.approx(bench.evaluate(*data.tested)[0][0], rel=1e-6)


def test_both_frameworks_average_alike(monkeypatch):
    monkeypatch.setitem(UPDATES, "digits", 40)
    (ours,), (theirs,) = (
        one_trunk.run(Setting("digits", "average", 1.0, last=0.5), framework, [0]) for framework in ("pytorch", "keras")
    )
    assert ours["test_loss"] == pytest.approx(theirs["test_loss"], rel=1e-3)


def test_a_share_is_the_beginning_and_reads_no_test_image(monkeypatch):
    monkeypatch.setitem(UPDATES, "digits", 80)
    numbers = one_trunk.EXPERIMENTS["digits"].rerun.numbers
    for kind in ("average", "line"):
        (whole,), (part,) = (
            one_trunk.run(Setting("digits", kind, 1.0), "pytorch", [0], share) for share in (1.0, 0.125)
        )
        assert numbers(whole) == numbers(part) and "test_loss" not in part


def test_a_mean_of_no_weights_is_refused():
    mean = MeanWeights()
    with pytest.raises(ValueError, match="of no weights"):
        mean.result()
    for value in (1.0, 2.0, 6.0):
        mean.add([np.full(2, value, "float32")])
    np.testing.assert_array_equal(mean.result()[0], np.full(2, 3.0, "float32"))


class TestChoice:
    @pytest.fixture
    def stored(self, monkeypatch):
        """At the tuning seeds the best peak is the second of the grid; at the new ones it would be another."""

        def result(factor, seed):
            accuracy = 90.0 - abs(FACTORS.index(factor) - 1) if seed < NEW else 10.0 * factor
            return {"seed": seed, "test_accuracy": 50.0 + factor, "curve": {"accuracy": [0.0, accuracy]}}

        seeds = (*one_trunk.TUNING_SEEDS, NEW, NEW + 1)
        every = {
            setting.name: {"pytorch": [result(setting.factor, seed) for seed in seeds], "keras": []}
            for setting in one_trunk.settings("digits").values()
        }
        new = {name: {"pytorch": [r for r in by["pytorch"] if r["seed"] >= NEW]} for name, by in every.items()}
        monkeypatch.setattr(samples.store, "load", lambda experiment: every)
        monkeypatch.setattr(samples.store, "load_new", lambda experiment: new)
        samples.forget()
        yield
        samples.forget()

    def test_only_the_tuning_seeds_choose_a_peak(self, stored):
        assert one_trunk.best_factor("digits", "line", 0.5) == FACTORS[1]

    def test_what_is_compared_are_the_new_seeds_at_that_peak(self, stored):
        planned = one_trunk.planned("digits", "line", 0.5).sample("pytorch", new=True)
        twice = one_trunk.planned("digits", "line", 0.5, above=2.0).sample("pytorch", new=True)
        assert planned.seeds == twice.seeds == 2
        expected = [one_trunk.log_error("digits")({"test_accuracy": 50.0 + f}) for f in (FACTORS[1], 2 * FACTORS[1])]
        assert [planned.values[0], twice.values[0]] == pytest.approx(expected)

    def test_beyond_the_grid_there_is_nothing_to_compare(self, stored):
        assert not one_trunk.planned("digits", "line", 0.5, above=16.0).sample("pytorch", new=True).seeds


def test_shares_of_error_sum_to_five_percent():
    for task in UPDATES:
        assert sum(one_trunk._looks(task).values()) == pytest.approx(0.05)


def test_seeds_are_called_new_and_the_smallest_effect_is_in_percent():
    from lrlib.course import claims

    for claim, verdict in claims.judged(one_trunk.CHAPTER):
        row = dict(zip(claims.HEAD, claims.row(claim, verdict), strict=True))
        assert "none is new" not in row["seeds"] and row["smallest effect"] == "5 % of the error"
