"""The equal-budget study: what a cell is, and that its schedules differ in nothing but their shape."""

import itertools

import numpy as np
import pytest

from lrlib.course import stats
from lrlib.course.experiments import equal_budget
from lrlib.course.experiments.equal_budget import cells, results

CELLS = list(itertools.product(equal_budget.TASKS, equal_budget.BUDGETS))


@pytest.mark.parametrize(("task", "epochs"), CELLS)
def test_every_schedule_fills_its_budget_and_has_the_peak_as_its_highest_rate(task, epochs):
    updates = equal_budget.updates(task, epochs)
    for name, schedule in equal_budget.schedules(0.3, updates).items():
        rates = schedule(np.arange(updates))
        assert rates.max() == pytest.approx(0.3, rel=0.02), name  # a peak may fall between two updates
        assert (rates >= 0).all() and (rates[:-1] > 0).sum() >= updates - 2, name
        if schedule.length is not None:
            assert schedule.length <= updates, name


@pytest.mark.parametrize("updates", [7, 38, 114, 342, 550, 1650, 4950, 450, 1350, 4050])
def test_warm_restarts_end_with_the_budget(updates):
    """Cycles of about one, two and four sevenths; the last one's end is the budget's, not one update of a fourth."""
    schedule = equal_budget.schedules(1.0, updates)["sgdr"]
    starts = [t for t in range(updates) if schedule(t) == 1.0]
    assert starts == [0, pytest.approx(updates / 7, abs=1), pytest.approx(3 * updates / 7, abs=1)]
    assert schedule(updates) == 0 and schedule(updates - 1) < schedule(updates - 2)


@pytest.mark.parametrize("task", ["digits", "mnist", "cifar10"])
@pytest.mark.slow
def test_a_budget_counts_the_images_to_train_on(task):
    x, y, x_test, y_test = equal_budget.TASKS[task].images()
    assert len(x) == len(y) and x.dtype == np.float32 and 0 <= x.min() < x.max() == 1
    assert len(x_test) == len(y_test) == equal_budget.TASKS[task].tested
    left = len(x) - equal_budget.TASKS[task].held_out
    assert equal_budget.updates(task, 1) == -(-left // equal_budget.TASKS[task].batch)


def test_a_cell_chooses_its_peak_by_validation_and_reads_the_test_images_once_a_seed(monkeypatch):
    calls = []

    def train_seeds(setting, framework, peak, seeds, parts=equal_budget.MARKS, test=True):
        calls.append((peak, *seeds, test))
        curve = {"update": [1, 2], "accuracy": [10 * peak, 50 - abs(peak - 0.1)]}
        return [{"seed": seed, "curve": curve, "diverged": False} for seed in seeds]

    monkeypatch.setattr(cells, "train_seeds", train_seeds)
    result = equal_budget.trial(equal_budget.SETTINGS["digits-1epochs-cosine"], "pytorch", 0)
    assert result["peak"] == 0.1  # by the last accuracy, not the first
    assert calls[:5] == [(peak, cells.TUNING_SEED, False) for peak in equal_budget.PEAKS]
    assert calls[5:] == [(0.1, *equal_budget.TRIAL_SEEDS, True)]
    assert [run["seed"] for run in result["runs"]] == list(equal_budget.TRIAL_SEEDS)
    assert cells.TUNING_SEED not in equal_budget.TRIAL_SEEDS


def run(name, framework, peak, parts=equal_budget.MARKS, test=True):
    """One seed of a cell."""
    (found,) = equal_budget.train_seeds(equal_budget.SETTINGS[name], framework, peak, [0], parts, test)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", equal_budget.NAMES)
def test_a_cell_learns_and_its_first_part_is_the_beginning_of_the_whole(name):
    peak = equal_budget.peaks(name)[3]
    whole = run(f"digits-3epochs-{name}", "pytorch", peak)
    part = run(f"digits-3epochs-{name}", "pytorch", peak, parts=2, test=False)
    assert len(whole["curve"]["accuracy"]) == equal_budget.MARKS
    assert whole["test_accuracy"] > 60 and not whole["diverged"]
    assert part["curve"]["accuracy"] == whole["curve"]["accuracy"][:2] and "test_accuracy" not in part


@pytest.mark.parametrize("name", ["linear", equal_budget.SCHEDULE_FREE])
def test_a_stack_of_one_equals_a_stack_of_three(name):
    setting, peak = equal_budget.SETTINGS[f"digits-1epochs-{name}"], equal_budget.peaks(name)[2]
    together = equal_budget.runs(setting, "pytorch", peak, equal_budget.TRIAL_SEEDS)
    for seed in equal_budget.TRIAL_SEEDS:
        assert equal_budget.runs(setting, "pytorch", peak, [seed]) == [together[seed]]


@pytest.mark.slow
def test_both_frameworks_run_the_same_cell():
    runs = [run("digits-3epochs-linear", name, 0.1) for name in equal_budget.EXPERIMENT.frameworks]
    accuracies = np.array([run["curve"]["accuracy"] for run in runs])
    assert np.abs(accuracies[0] - accuracies[1]).max() < 1  # of 300 images two may fall on the other side


# --- What the stored cells say --------------------------------------------------------------------


@pytest.fixture
def stored(monkeypatch):
    """Cells whose every number is known: accuracies grow with the schedule's place, the setting's and the seed's."""
    found = {}
    for s, (task, epochs) in enumerate(results.SETTINGS):
        for n, name in enumerate(equal_budget.NAMES):
            runs = [
                {
                    "test_accuracy": 50 + n + 0.1 * s + 0.01 * k,
                    "curve": {"accuracy": [10 * n + k + m for m in range(8)]},
                }
                for k in range(3)
            ]
            tuning = [[0.0, accuracy - 10 * n] for accuracy in (70, 90, 80, 60, 10)]
            found[f"{task}-{epochs}epochs-{name}"] = {"pytorch": [{"runs": runs, "tuning": tuning}], "keras": []}
    monkeypatch.setattr(results.store, "load", lambda experiment: found)
    return results.load()


def test_stored_cells_as_arrays(stored):
    assert stored.test.shape == (9, 11, 3) and stored.validation.shape == (9, 11, 3, 8)
    assert stored.tuning.shape == (9, 11, 5)
    np.testing.assert_allclose(stored.means[:, 4], 54 + 0.1 * np.arange(9) + 0.01)
    errors = 50 - 0.1 * np.arange(9) - 0.01
    np.testing.assert_allclose(stored.error_ratio("sgdr", "linear"), np.log((errors - 6) / (errors - 3)))
    assert results.load(["rex"]).test.shape == (9, 1, 3)


@pytest.mark.parametrize(("share", "mark"), [(0.125, 0), (0.5, 3), (1.0, 7)])
def test_a_stopped_run_is_read_at_its_mark(stored, share, mark):
    stored.validation[:, 0, :, mark] = [94, 95, 96]  # the constant rate's, at that moment only
    stored.validation[:, 3, :, mark] = 90
    np.testing.assert_allclose(stored.stopped("constant", "linear", share), np.log(0.5))


def test_how_far_behind_the_best_of_some(stored):
    np.testing.assert_allclose(stored.behind(["rex", "linear", "wsd"]), [[0, 5, 1]] * 9)


def test_keras_ran_the_front_runners_of_pytorch():
    """Those most often among the best three, of what both frameworks have."""
    ran = results.load()
    shares = stats.shares_of_best(ran.test, 3, draws=10)[:, 0]
    ranked = [ran.names[n] for n in shares.argsort()[::-1] if ran.names[n] != equal_budget.SCHEDULE_FREE]
    assert set(ranked[:2]) == set(equal_budget.WINNERS)


def test_a_missed_peak_costs_what_the_neighbour_on_the_grid_lacks(stored):
    np.testing.assert_allclose(stored.missed_peak(["linear", "rex"], -1), [20] * 18)
    np.testing.assert_allclose(stored.missed_peak(["linear"], 3), [80] * 9)
    stored.tuning[0, 3] = [0, 0, 0, 0, 50]  # the best at the edge: nothing lies beyond
    np.testing.assert_allclose(stored.missed_peak(["linear"], 1), [10] * 8)
