"""The re-run guard: a sample of the stored trials, run again, gives their numbers to the last digit."""

import hashlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lrlib.course import experiments, processor, store, study
from lrlib.course.experiment import Trial


def stored_result(trial):
    return store.find(experiments.get(trial.experiment), trial, store.results_folder())


def numbers_of(result, experiment):
    return np.array(experiments.get(experiment).rerun.numbers(result), dtype=float)  # None, not finite, becomes NaN


LONG = 5  # seconds: an experiment whose re-runs take longer on average is drawn in a part of the draws only


def drawn():
    """One trial of each experiment that has any, by a hash of library and results: a change of either draws others.

    Every trial may be drawn, a long one more rarely: its odds fall as the seconds that its re-run takes. Where an
    experiment has only long ones, it is left out of some draws, so that it costs ``LONG`` seconds on average; in CI,
    where the variable CI is set, never. RERUNS=3 in the environment draws three of each, and leaves out none.
    """
    each = int(os.environ.get("RERUNS", "1"))
    digest = hashlib.sha256()
    library = Path(study.__file__).parents[1]
    for path in sorted([*library.rglob("*.py"), *store.results_folder().rglob("*.json")]):
        digest.update(path.read_bytes())
    random = np.random.default_rng(int(digest.hexdigest(), 16))
    sample = []
    for name in experiments.NAMES + experiments.BEGUN:
        if not (seconds := seconds_of_reruns(experiments.get(name))):
            continue  # begun, and nothing stored yet
        costs = np.array([*seconds.values()])
        weights = 1 / (1 + costs)
        odds = weights / weights.sum()
        chosen = random.choice(len(seconds), min(each, len(seconds)), replace=False, p=odds)
        if random.random() < LONG / (odds @ costs) or each > 1 or os.environ.get("CI"):
            sample += [[*seconds][i] for i in chosen]
    return sample


def seconds_of_reruns(experiment):
    """All that is stored, less what only an accelerator runs: trial → what the share of it took that is run."""
    return {
        Trial(experiment.name, setting, result["framework"], result["seed"]): result["seconds"] * experiment.rerun.share
        for setting, results in store.everything(experiment).items()
        if setting not in experiment.optional
        for result in results
    }


def rerun(trials):
    """(trial, its stored result, its first part again), each under the capability that it was made with, if it is here.

    Each framework under each capability, TensorFlow with and without oneDNN, has one worker process: importing it costs
    as much as many a trial. What an accelerator gave is left out.
    """
    groups = {}
    for trial in trials:
        stored = stored_result(trial)
        capability = stored["capability"] if stored["capability"] in processor.available() else "AVX2"
        if stored["device"] == "cpu":
            keras = trial.framework.startswith("keras")
            groups.setdefault((keras, capability, stored["onednn"]), []).append((trial, stored))
    for (_, *how), group in groups.items():
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as worker:
            for trial, stored in group:
                share = experiments.get(trial.experiment).rerun.share
                yield trial, stored, worker.submit(study.perform, trial, *how, share).result()


def verdict(trial, stored, again):
    """What is wrong with a re-run, or "" if nothing is, and what it was held to."""
    expected, found = (numbers_of(result, trial.experiment) for result in (stored, again))
    if all(stored[name] == again[name] for name in ("vendor", "capability")):
        right, held_to = np.array_equal(expected, found, equal_nan=True), "its last digit"
    elif experiments.get(trial.experiment).rerun.first_losses:
        right, held_to = np.allclose(found, expected, rtol=1e-4, atol=0), "1e-4 of its first twenty losses"
    else:
        right, held_to = (
            True,
            f"nothing: it stores no first losses, and this is not {stored['vendor']} with " + (stored["capability"]),
        )
    return "" if right else f"{trial}: {found} instead of {expected}", held_to


def check(framework):
    """Run the framework's trials of the draw again."""
    wrong = []
    for trial, stored, again in rerun(trial for trial in drawn() if trial.framework.startswith(framework)):
        fault, held_to = verdict(trial, stored, again)
        print(*trial, stored["capability"], "held to", held_to)
        wrong += [fault] * bool(fault)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
class TestPyTorch:
    """A class for each framework, so that two workers share the re-runs."""

    def test_stored_results_are_what_a_rerun_gives(self):
        check("pytorch")


@pytest.mark.slow
class TestKeras:
    def test_stored_results_are_what_a_rerun_gives(self):
        check("keras")


def moved(numbers, share):
    """The same lists, their first number moved by a share of it."""
    first, *rest = numbers
    return [moved(first, share) if isinstance(first, list) else first * (1 + share), *rest]


def test_a_rerun_with_another_last_digit_is_seen():
    trial = Trial("finding_the_range", "training-batches", "pytorch", 0)
    stored = stored_result(trial)

    def changed(share, **words):
        losses = moved(stored["range_test"]["losses"], share)
        return {**stored, "range_test": {**stored["range_test"], "losses": losses}, **words}

    assert verdict(trial, stored, changed(0)) == ("", "its last digit")
    assert "instead of" in verdict(trial, stored, changed(1e-5))[0]
    elsewhere = {"vendor": "GenuineIntel"}
    assert verdict(trial, stored, changed(5e-5, **elsewhere)) == ("", "1e-4 of its first twenty losses")
    assert "instead of" in verdict(trial, stored, changed(2e-4, **elsewhere))[0]
    other = Trial("step_and_plateau", "step-each-2-epochs-0.1", "pytorch", 0)
    result = stored_result(other)
    assert "no first losses" in verdict(other, result, {**result, "train_loss": 0.1, **elsewhere})[1]
    assert "instead of" in verdict(other, result, {**result, "train_loss": 0.1})[0]


def test_what_an_accelerator_gave_is_not_run_again(monkeypatch):
    monkeypatch.setattr(store, "find", lambda *_: {"device": "NVIDIA H100", "capability": "AVX512"})
    assert list(rerun([Trial("clr_table1", "fixed", "pytorch", 0)])) == []


def test_a_draw_takes_a_bounded_time_on_average(tmp_path, monkeypatch):
    trials = {Trial("any", "any", "pytorch", seed): 5 * LONG for seed in range(2)}
    monkeypatch.setattr(store, "results_folder", lambda: tmp_path)
    monkeypatch.setitem(globals(), "seconds_of_reruns", lambda experiment: trials)
    monkeypatch.setattr(experiments, "NAMES", experiments.NAMES[:1] * 1000)
    monkeypatch.setattr(experiments, "BEGUN", ())
    monkeypatch.setattr(experiments, "get", lambda name: name)
    for name in ("CI", "RERUNS"):
        monkeypatch.delenv(name, raising=False)
    assert 140 < len(drawn()) < 260  # one in five
    monkeypatch.setenv("CI", "true")
    assert len(drawn()) == 1000
    monkeypatch.delenv("CI")
    monkeypatch.setenv("RERUNS", "2")
    assert len(drawn()) == 2000


@pytest.mark.slow
def test_the_draw_is_the_same_until_something_changes(tmp_path, monkeypatch):
    every = experiments.NAMES + experiments.BEGUN
    seconds = {name: seconds_of_reruns(experiments.get(name)) for name in every}
    monkeypatch.setattr(store, "results_folder", lambda: tmp_path)
    monkeypatch.setitem(globals(), "seconds_of_reruns", lambda experiment: seconds[experiment.name])
    first = drawn()
    assert drawn() == first
    (tmp_path / "a.json").write_text("{}")
    assert drawn() != first


def test_long_trials_are_drawn_too_but_rarely(tmp_path, monkeypatch):
    trials = {Trial("any", "any", "pytorch", seed): 0 if seed else 9 for seed in range(2)}
    monkeypatch.setattr(store, "results_folder", lambda: tmp_path)
    monkeypatch.setitem(globals(), "seconds_of_reruns", lambda experiment: trials)
    monkeypatch.setattr(experiments, "NAMES", experiments.NAMES[:1] * 2000)
    monkeypatch.setattr(experiments, "BEGUN", ())
    monkeypatch.setattr(experiments, "get", lambda name: name)
    long = sum(trial.seed == 0 for trial in drawn())
    assert 120 < long < 250  # one in eleven


@pytest.mark.slow
def test_every_trial_that_a_processor_ran_may_be_drawn():
    for experiment in map(experiments.get, experiments.NAMES):
        first = {trial for trial in experiment.trials() if trial.setting not in experiment.optional}
        assert first <= set(seconds_of_reruns(experiment))


@pytest.mark.slow
def test_what_is_stored_of_a_begun_experiment_is_drawn_too():
    assert {"foretold-digits", "budgets-digits"} <= {trial.experiment for trial in drawn()}
