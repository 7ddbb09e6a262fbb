"""The study of equal budgets: what is trained, how peaks are chosen, and what its comparisons rest on."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from lrlib.course import experiments, samples, store
from lrlib.course.experiment import NEW
from lrlib.course.experiments.budgets import claims, peaks, results, trials
from lrlib.course.experiments.budgets.cells import (
    FOUND,
    NAMES,
    OPTIMIZERS,
    TUNING_SEEDS,
    Cell,
    cells,
    train_seeds,
)
from lrlib.course.experiments.equal_budget import BUDGETS, MARKS, SCHEDULE_FREE
from lrlib.course.samples import Sample
from lrlib.course.tasks import TASKS, images, updates
from lrlib.course.training import packed
from lrlib.course.words import HOLDS, LOOKS, NEGLIGIBLE, NO_GAIN, REVERSED, UNDECIDED, either_side

DIGITS = Cell("digits", "sgd", 1, "linear")


class TestChoice:
    """Halving, with training replaced by a table."""

    GRID = (0.01, 0.1, 1.0)

    def halve(self, accuracy, chance=15.0):
        asked = []

        def train(peak, seeds):
            asked.extend((peak, seed) for seed in seeds)
            return [[0.0, accuracy(peak, seed)] for seed in seeds]

        peak, runs = peaks.halve(self.GRID, train, chance)
        assert list(runs) == asked and len(set(asked)) == len(asked)  # none is made twice
        return peak, asked

    def test_one_seed_on_the_grid_then_three_for_the_best_and_its_neighbours(self):
        peak, asked = self.halve(lambda peak, seed: {0.01: 40.0, 0.1: 90.0, 0.2: 91.0}.get(peak, 30.0))
        assert peak == 0.2
        assert asked[:3] == [(0.01, 0), (0.1, 0), (1.0, 0)]
        assert sorted(asked[3:]) == [(0.05, 0), (0.05, 1), (0.05, 2), (0.1, 1), (0.1, 2), (0.2, 0), (0.2, 1), (0.2, 2)]

    def test_the_mean_of_three_seeds_decides_and_not_the_best_run(self):
        table = {(0.1, 0): 99.0, (0.1, 1): 50.0, (0.1, 2): 50.0, (0.05, 0): 80.0, (0.05, 1): 80.0, (0.05, 2): 80.0}
        assert self.halve(lambda peak, seed: table.get((peak, seed), 20.0))[0] == 0.05

    def test_a_lost_run_disqualifies_its_peak(self):
        table = {(0.1, 0): 99.0, (0.1, 1): 99.0, (0.1, 2): 14.9, (0.05, 0): 60.0, (0.05, 1): 60.0, (0.05, 2): 60.0}
        assert self.halve(lambda peak, seed: table.get((peak, seed), 20.0))[0] == 0.05

    def test_where_all_three_are_out_the_next_best_of_the_grid_is_asked(self):
        peak, asked = self.halve(
            lambda peak, seed: 14.0 if seed and peak > 0.02 else 99.0 - peak if peak != 0.1 else 99.5
        )
        assert peak in (0.005, 0.01, 0.02) and (0.1, 1) in asked

    def test_where_every_peak_loses_a_run_the_error_says_so(self):
        with pytest.raises(ValueError, match=r"at every peak of \(0.01, 0.1, 1.0\)"):
            self.halve(lambda peak, seed: 10.0)

    @pytest.mark.slow
    def test_a_choice_on_digits_is_that_of_its_stored_runs(self):
        result = peaks.trial(peaks.Choice(dataclasses.replace(DIGITS, schedule="constant")), "pytorch", 0)
        finals = {}
        for peak, run in zip(result["peaks"], result["tuning"], strict=True):
            finals.setdefault(peak, []).append(run[-1])
        of_three = {peak: np.mean(found) for peak, found in finals.items() if len(found) == len(TUNING_SEEDS)}
        assert len(result["tuning"]) == 13 and len(of_three) == 3
        assert result["peak"] == max(of_three, key=of_three.get)
        again = peaks.trial(peaks.Choice(dataclasses.replace(DIGITS, schedule="constant")), "pytorch", 0, 1 / MARKS)
        assert again == {"tuning": [result["tuning"][0][:1]]}

    def test_the_range_test_suggests_the_other_peak(self):
        result = peaks.trial(peaks.Choice(dataclasses.replace(DIGITS, schedule=FOUND)), "pytorch", 0)
        assert result["peak"] == np.median(result["peaks"])
        start, end = OPTIMIZERS["sgd"].sweep
        assert start < result["peak"] < end

    def test_every_budget_reads_the_one_range_test(self, monkeypatch):
        epochs = {"sgd-1epochs-linear-found": 1.0, "sgd-3epochs-linear": 3.0}
        monkeypatch.setattr(peaks.store, "find", lambda experiment, trial, folder: {"peak": epochs[trial.setting]})
        assert {peaks.chosen(Cell("digits", "sgd", budget, FOUND)) for budget in BUDGETS} == {1.0}
        assert peaks.chosen(dataclasses.replace(DIGITS, epochs=3)) == 3.0


class TestTrials:
    def test_no_seed_that_chose_is_tried(self):
        for experiment in trials.EXPERIMENTS.values():
            assert not {trial.seed for trial in experiment.trials()} & set(TUNING_SEEDS)

    @pytest.mark.parametrize("task", TASKS)
    def test_ten_seeds_in_both_frameworks_of_what_both_can_run(self, task):
        by_cell = {}
        for trial in trials.EXPERIMENTS[task].trials():
            by_cell.setdefault((trial.setting, trial.framework), []).append(trial.seed)
        count = 5 if task == "cifar10" else 10
        assert all(seeds == list(range(NEW, NEW + count)) for seeds in by_cell.values())
        in_keras = {setting for setting, framework in by_cell if framework == "keras"}
        in_torch = {setting for setting, framework in by_cell if framework == "pytorch"}
        only_torch = {cell.name for cell in cells(task) if cell.schedule == SCHEDULE_FREE or cell.optimizer == "adam"}
        assert in_torch - in_keras == only_torch and not in_keras - in_torch

    def test_without_a_chosen_peak_the_error_says_what_chooses_it(self, monkeypatch):
        monkeypatch.setattr(peaks, "chosen", lambda cell: None)
        setting = trials.Setting(DIGITS)
        assert setting.to_dict()["peak"] is None
        with pytest.raises(LookupError, match="make experiments ONLY=budgets-digits-peaks"):
            trials.run(setting, "pytorch", [NEW])

    def test_another_peak_makes_a_result_stale_and_a_later_choice_is_seen(self, monkeypatch):
        monkeypatch.setattr(peaks, "chosen", lambda cell: None)
        setting = trials.Setting(DIGITS)
        before = setting.to_dict()
        monkeypatch.setattr(peaks, "chosen", lambda cell: 0.3)
        assert setting.to_dict() == {**before, "peak": 0.3}

    def test_a_share_of_a_trial_is_its_beginning_and_reads_no_test_image(self, monkeypatch):
        monkeypatch.setattr(peaks, "chosen", lambda cell: 0.3)
        setting = trials.Setting(DIGITS)
        (whole,), (part,) = (trials.run(setting, "pytorch", [NEW], share) for share in (1.0, 1 / MARKS))
        numbers = trials.EXPERIMENTS["digits"].rerun.numbers
        assert numbers(whole) == numbers(part) and "test_accuracy" not in part and "test_accuracy" in whole

    def test_seeds_that_train_at_once_give_what_each_gives_alone(self):
        for name in ("linear", SCHEDULE_FREE):
            for optimizer in ("sgd", "adamw"):
                cell = dataclasses.replace(DIGITS, optimizer=optimizer, schedule=name)
                together = train_seeds(cell, "pytorch", 0.01, [NEW, NEW + 1])
                assert together == [
                    run for seed in (NEW, NEW + 1) for run in train_seeds(cell, "pytorch", 0.01, [seed])
                ]

    @pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
    def test_both_frameworks_train_alike(self, optimizer):
        cell = dataclasses.replace(DIGITS, optimizer=optimizer)
        (torch_run,), (keras_run,) = (train_seeds(cell, name, 0.01, [NEW]) for name in ("pytorch", "keras"))
        np.testing.assert_allclose(torch_run["curve"]["loss"], keras_run["curve"]["loss"], rtol=2e-3)
        np.testing.assert_allclose(torch_run["rates"], keras_run["rates"], rtol=1e-6)

    def test_weight_decay_acts(self):
        ends = [
            train_seeds(Cell("digits", name, 9, "constant"), "pytorch", 0.03, [NEW])[0]["curve"]["loss"][-1]
            for name in ("adamw", "adam")
        ]
        assert abs(ends[0] - ends[1]) > 1e-4

    @pytest.mark.slow
    def test_where_test_images_are_shared_those_that_were_right_are_stored(self, monkeypatch):
        monkeypatch.setitem(TASKS, "mnist", TASKS["mnist"]._replace(sizes=(2000, 5000, 10_000)))
        real = images("mnist", [NEW])
        assert real.rows.shape == (1, 2000) and len(real.tested[1]) == 10_000
        (run,) = train_seeds(Cell("mnist", "sgd", 1, "linear"), "pytorch", 0.1, [NEW])
        assert list(run["right"]) == ["20"] and list(run["watched_right"]) == ["7"]
        assert samples.TEST_ACCURACY.right(run).mean() == pytest.approx(run["test_accuracy"])


class TestData:
    def test_digits_are_split_anew_for_each_seed_into_disjoint_parts(self):
        data = images("digits", [0, NEW])
        assert data.rows.shape == (2, 1197) and data.watched[1].shape == data.tested[1].shape == (2, 300)
        assert (data.rows[0] != data.rows[1]).any()

    def test_an_epoch_is_the_images_to_train_on(self):
        assert [updates(task, 1) for task in TASKS] == [38, 550, 450]

    def test_every_schedule_is_run_with_both_optimizers(self):
        assert OPTIMIZERS["sgd"].names == OPTIMIZERS["adamw"].names == NAMES
        assert len(NAMES) == 12
        for task, epochs in itertools.product(TASKS, BUDGETS):
            assert sum(cell.epochs == epochs for cell in cells(task)) == 27

    def test_the_names_are_those_of_the_list(self):
        assert [experiments.get(name).name for name in experiments.BEGUN] == list(experiments.BEGUN)


class TestClaims:
    def test_log_error_knows_an_error_of_none(self):
        measure = claims.log_error("digits")
        assert measure({"test_accuracy": 100.0}) == pytest.approx(math.log(100 * 0.5 / 301))
        assert measure({"test_accuracy": 99.0}) == pytest.approx(math.log(100 * 3.5 / 301))

    def test_images_add_up_to_the_change_of_the_log_error(self):
        """To first order: one image more that is right lowers the log error by its part of the error."""
        measure, right = claims.log_error("mnist"), np.arange(10_000) < 9800

        def result(correct):
            return {"test_accuracy": 100 * float(correct.mean()), "right": {"550": packed(correct)}}

        better = right.copy()
        better[9801] = True
        change = measure(result(better)) - measure(result(right))
        assert (measure.right(result(better)) - measure.right(result(right)))[9801] / 10_000 == pytest.approx(
            change, rel=0.02
        )

    def test_early_reads_validation_after_three_eighths(self):
        result = {"curve": {"accuracy": [10.0, 20.0, 90.0, 95.0]}, "test_accuracy": 97.0}
        assert claims.log_error("digits", mark=claims.EARLY)(result) == pytest.approx(math.log(100 * 30.5 / 301))

    def test_shares_of_error_sum_to_five_percent(self):
        for looks in (*claims.LOOKS.values(), LOOKS):
            assert sum(looks.values()) == pytest.approx(0.05)

    def test_a_change_to_either_side_holds(self):
        words = {HOLDS: HOLDS, REVERSED: HOLDS, NEGLIGIBLE: NEGLIGIBLE, NO_GAIN: UNDECIDED, UNDECIDED: UNDECIDED}
        assert {word: either_side(word) for word in words} == words

    def test_every_comparison_can_be_asked(self):
        """Its settings are those of the trials, with the seeds of its first look."""
        for task, plan, optimizer in itertools.product(TASKS, claims.SHAPES, ("sgd", "adamw")):
            asked = claims.comparison(task, optimizer, plan.schedule, plan.control, plan.early)
            assert len(asked.settings()) == 6
            assert min(asked.looks) == trials.SEEDS[task]
        for task, pair in itertools.product(TASKS, claims.DECAY):
            assert len(claims.decay_changes(task, *pair).settings()) == 12


class TestResults:
    @pytest.mark.slow
    def test_a_cell_is_one_task_optimizer_and_budget(self):
        """Recomputed from the files, without the samples that the claims are drawn from."""
        cells = list(itertools.product(results.COMPLETE, results.OPTIMIZERS, BUDGETS))
        for (task, optimizer, epochs), found in zip(cells, results.differences("wsd", "linear"), strict=True):
            logs = []
            for name in ("wsd", "linear"):
                stored = store.load_new(trials.EXPERIMENTS[task])[f"{optimizer}-{epochs}epochs-{name}"]["pytorch"]
                images = TASKS[task].sizes[2]
                wrong = images * (1 - np.array([run["test_accuracy"] for run in stored]) / 100)
                logs.append(np.log(100 * (wrong + 0.5) / (images + 1)))
            assert min(map(len, logs)) >= 10  # a later look has more, and which cell was looked at later is no chance
            assert found.values == pytest.approx(logs[0][:10] - logs[1][:10])
            assert (found.variance_of_images() > 0) is (task == "mnist")

    def test_the_test_images_widen_what_is_pooled(self, monkeypatch):
        random = np.random.default_rng(0)
        values, right = random.normal(size=(3, 10)), random.normal(size=(3, 10, 40))
        widths = []
        for stored in (None, right):
            made = [
                Sample(one, np.zeros(10, bool), None if stored is None else stored[cell])
                for cell, one in enumerate(values)
            ]
            monkeypatch.setattr(results, "differences", lambda *args, made=made: made)
            _, low, high = results.pooled("wsd", "linear")
            widths.append(high - low)
        assert widths[0] < widths[1]

    def test_pooling_weighs_cells_and_not_seeds(self, monkeypatch):
        arrays = [np.array([0.1, 0.1 + 1e-9] * 5), np.array([-0.1, -0.1 + 1e-9] * 50)]
        made = [Sample(one, np.zeros(len(one), bool)) for one in arrays]
        monkeypatch.setattr(results, "differences", lambda *args: made)
        mean, low, high = results.pooled("wsd", "linear")
        assert mean == pytest.approx(0, abs=1e-6) and low < -0.5 and high > 0.5

    @pytest.mark.slow
    def test_what_is_best_on_validation_has_no_regret_and_a_range_test_is_no_candidate(self):
        for task, optimizer in itertools.product(results.COMPLETE, results.OPTIMIZERS):
            best = [results.best_on_validation(task, optimizer, epochs) for epochs in BUDGETS]
            assert FOUND not in best
            for row, name in enumerate(best):
                assert not results.regret(task, optimizer, name)[row].any()
        assert results.regret("mnist", "sgd", "constant").mean() > 0.5

    def test_stopped_after_some_eighths_it_is_the_validation_error(self):
        result = {"test_accuracy": 0.0, "curve": {"accuracy": [90.0] * 4 + [50.0] * 4}}
        assert claims.log_error("digits", mark=4)(result) == pytest.approx(math.log(100 * 30.5 / 301))
