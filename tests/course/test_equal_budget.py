"""The equal-budget study: what a cell is, and that its schedules differ in nothing but their shape."""

import itertools

import numpy as np
import pytest

from lrlib.course import budget_results, budgets, stats

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
    """Cycles of about one, two and four sevenths; the last one's end is the budget's, not one update of a fourth."""
    schedule = budgets.schedules(1.0, updates)["sgdr"]
    starts = [t for t in range(updates) if schedule(t) == 1.0]
    assert starts == [0, pytest.approx(updates / 7, abs=1), pytest.approx(3 * updates / 7, abs=1)]
    assert schedule(updates) == 0 and schedule(updates - 1) < schedule(updates - 2)


@pytest.mark.parametrize("task", ["digits", "mnist", "cifar10"])
@pytest.mark.slow
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


# --- What the stored cells say --------------------------------------------------------------------


@pytest.fixture
def stored(monkeypatch):
    """Cells whose every number is known: accuracies grow with the schedule's place, the setting's and the seed's."""
    results = {}
    for s, (task, epochs) in enumerate(budget_results.SETTINGS):
        for n, name in enumerate(budgets.NAMES):
            runs = [
                {
                    "test_accuracy": 50 + n + 0.1 * s + 0.01 * k,
                    "validation_accuracy": [10 * n + k + m for m in range(8)],
                }
                for k in range(3)
            ]
            tuning = [[0.0, accuracy - 10 * n] for accuracy in (70, 90, 80, 60, 10)]
            results[f"{task}-{epochs}-{name}"] = {"pytorch": [{"runs": runs, "tuning": tuning}], "keras": []}
    monkeypatch.setattr(budget_results.study, "load", lambda experiment: results)
    monkeypatch.setattr(budget_results, "WINNERS", ())
    budget_results.by_framework.cache_clear()
    yield budget_results.load()
    budget_results.by_framework.cache_clear()


def test_stored_cells_as_arrays(stored):
    assert stored.test.shape == (9, 11, 3) and stored.validation.shape == (9, 11, 3, 8)
    assert stored.tuning.shape == (9, 11, 5)
    np.testing.assert_allclose(stored.means[:, 4], 54 + 0.1 * np.arange(9) + 0.01)
    errors = 50 - 0.1 * np.arange(9) - 0.01
    np.testing.assert_allclose(stored.error_ratio("sgdr", "linear"), np.log((errors - 6) / (errors - 3)))
    assert budget_results.load(["rex"]).test.shape == (9, 1, 3)


def test_error_ratios_are_given_where_both_schedules_ran(stored):
    found = budget_results.error_ratios("sgdr", "linear")
    assert list(found) == ["pytorch"]
    np.testing.assert_array_equal(found["pytorch"], stored.error_ratio("sgdr", "linear"))
    found = budget_results.error_ratios("sgdr", "linear", stopped=0.5)
    np.testing.assert_array_equal(found["pytorch"], stored.stopped("sgdr", "linear", 0.5))


@pytest.mark.parametrize(("share", "mark"), [(0.125, 0), (0.5, 3), (1.0, 7)])
def test_a_stopped_run_is_read_at_its_mark(stored, share, mark):
    stored.validation[:, 0, :, mark] = [94, 95, 96]  # the constant rate's, at that moment only
    stored.validation[:, 3, :, mark] = 90
    np.testing.assert_allclose(stored.stopped("constant", "linear", share), np.log(0.5))


def test_how_far_behind_the_best_of_some(stored):
    np.testing.assert_allclose(stored.behind(["rex", "linear", "wsd"]), [[0, 5, 1]] * 9)


def test_keras_ran_the_front_runners_of_pytorch():
    """Those most often among the best three, of what both frameworks have."""
    ran = budget_results.load()
    shares = stats.shares_of_best(ran.test, 3, draws=10)[:, 0]
    ranked = [ran.names[n] for n in shares.argsort()[::-1] if ran.names[n] != budgets.SCHEDULE_FREE]
    assert set(ranked[:2]) == set(budgets.WINNERS)


def test_a_missed_peak_costs_what_the_neighbour_on_the_grid_lacks(stored):
    np.testing.assert_allclose(stored.missed_peak(["linear", "rex"], -1), [20] * 18)
    np.testing.assert_allclose(stored.missed_peak(["linear"], 3), [80] * 9)
    stored.tuning[0, 3] = [0, 0, 0, 0, 50]  # the best at the edge: nothing lies beyond
    np.testing.assert_allclose(stored.missed_peak(["linear"], 1), [10] * 8)


def test_shares_of_the_best():
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (9, 4, 3))
    values[:, 2] += 100  # always the best
    values[:, 3] = values[:, 2]  # level with it
    shares = stats.shares_of_best(values, 1, draws=500)
    np.testing.assert_array_equal(shares, [[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]])
    shares = stats.shares_of_best(values[:, :2], 1, draws=500)
    assert shares[:, 0].sum() == pytest.approx(1) and (shares[:, 1] < shares[:, 0]).all()
    assert (shares[:, 0] < shares[:, 2]).all()
    np.testing.assert_array_equal(stats.shares_of_best(values, 4, draws=10), np.ones((4, 3)))


def test_seeds_are_drawn_for_all_rivals_alike():
    """What a seed does to all rivals alike decides nothing: one that is ahead with every seed wins in every draw."""
    values = np.array([[[0.0, 50.0, 90.0], [1.0, 51.0, 91.0]]])
    np.testing.assert_array_equal(stats.shares_of_best(values), [[0, 0, 0], [1, 1, 1]])
