"""The equal-budget study: what a cell is, and that its schedules differ in nothing but their shape."""

import itertools

import numpy as np
import pytest

from lrlib.course import budgets

CELLS = list(itertools.product(budgets.TASKS, budgets.BUDGETS))


@pytest.mark.parametrize(("task", "epochs"), CELLS)
def test_every_schedule_fills_its_budget_and_has_the_peak_as_its_highest_rate(task, epochs):
    updates = budgets.updates(task, epochs)
    for name, schedule in budgets.schedules(0.3, updates).items():
        rates = schedule(np.arange(updates))
        assert rates.max() == pytest.approx(0.3, rel=0.02), name  # a peak may fall between two updates
        assert (rates >= 0).all() and (rates[:-1] > 0).sum() >= updates - 2, name
        if schedule.length is not None:
            assert schedule.length <= updates, name


@pytest.mark.parametrize("updates", [7, 38, 114, 342, 550, 1650, 4950, 450, 1350, 4050])
def test_warm_restarts_end_with_the_budget(updates):
    """Cycles of one, two and four sevenths: at most six updates are left of a fourth."""
    schedule = budgets.schedules(1.0, updates)["sgdr"]
    starts = [t for t in range(updates) if schedule(t) == 1.0]
    assert starts[:3] == [0, updates // 7, 3 * (updates // 7)]
    assert updates - 7 * (updates // 7) <= 6


@pytest.mark.parametrize("task", ["digits", "mnist", "cifar10"])
def test_a_budget_counts_the_images_to_train_on(task):
    x, y, x_test, y_test = budgets.TASKS[task].images()
    assert len(x) == len(y) and len(x_test) == len(y_test) and x.dtype == np.float32 and 0 <= x.min() < x.max() == 1
    left = len(x) - budgets.TASKS[task].held_out
    assert budgets.updates(task, 1) == -(-left // budgets.TASKS[task].batch)


def test_a_cell_chooses_its_peak_by_validation_and_reads_the_test_images_once_a_seed(monkeypatch):
    calls = []

    def fake_run(setting, framework, peak, seed, parts=budgets.MARKS, test=False):
        calls.append((peak, seed, test))
        return {"seed": seed, "validation_accuracy": [10 * peak, 50 - abs(peak - 0.1)], "diverged": False}

    monkeypatch.setattr(budgets, "run", fake_run)
    result = budgets.trial(budgets.SETTINGS["digits-1-cosine"], "pytorch", 0)
    assert result["peak"] == 0.1  # by the last accuracy, not the first
    assert calls[:5] == [(peak, budgets.TUNING_SEED, False) for peak in budgets.PEAKS]
    assert calls[5:] == [(0.1, seed, True) for seed in budgets.TRIAL_SEEDS]
    assert budgets.TUNING_SEED not in budgets.TRIAL_SEEDS


@pytest.mark.slow
@pytest.mark.parametrize("name", budgets.NAMES)
def test_a_cell_learns_and_its_first_part_is_the_beginning_of_the_whole(name):
    setting = budgets.SETTINGS[f"digits-3-{name}"]
    peak = budgets.peaks(name)[3]
    whole = budgets.run(setting, "pytorch", peak, 0, test=True)
    part = budgets.run(setting, "pytorch", peak, 0, parts=2)
    assert len(whole["validation_accuracy"]) == budgets.MARKS and whole["test_accuracy"] > 60 and not whole["diverged"]
    assert part["validation_accuracy"] == whole["validation_accuracy"][:2] and "test_accuracy" not in part


@pytest.mark.slow
def test_both_frameworks_run_the_same_cell():
    setting = budgets.SETTINGS["digits-3-linear"]
    runs = [budgets.run(setting, framework, 0.1, 0) for framework in budgets.FRAMEWORKS]
    accuracies = np.array([run["validation_accuracy"] for run in runs])
    assert np.abs(accuracies[0] - accuracies[1]).max() < 1  # of 300 images two may fall on the other side
