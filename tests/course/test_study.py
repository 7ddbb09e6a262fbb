"""Running trials: what a result says it ran on, the instruction set that it runs under, and where trials may run."""

import dataclasses
import os
import platform
import runpy
import sys

import pytest

from lrlib.course import experiments, processor, store, study
from lrlib.course.experiment import Trial

CYCLING = experiments.get("cycling")


class Clock:
    """In the place of the module ``time``: it knows the processor's time only."""

    def __init__(self, *readings):
        self.readings = iter(readings)

    def process_time(self):
        return next(self.readings)


def test_a_result_says_what_it_ran_on_and_its_processor_time(monkeypatch):
    def run(setting, framework, seeds, share):
        return [{"test_loss": 1.23456789, "epoch_loss": [seed, share]} for seed in seeds]

    monkeypatch.setattr(experiments, "get", lambda name: dataclasses.replace(CYCLING, run=run))
    monkeypatch.setattr(study, "time", Clock(10.0, 12.4691, 20.0, 21.0))
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # as a worker inherits it from a process that took oneDNN
    first, second = study.perform_group(study.Group("cycling", "triangular", "pytorch", (5, 6)), onednn=False)
    assert (first["test_loss"], first["epoch_loss"], first["seed"]) == (1.23457, [5, 1.0], 5)
    assert (second["framework"], second["epoch_loss"], second["seed"]) == ("pytorch", [6, 1.0], 6)
    assert first["seconds"] == second["seconds"] == 1.23  # each one's part of the time, to hundredths
    assert set(first["versions"]) == {"python", "torch"} and "one thread a trial" in first["hardware"]
    assert first["vendor"] == processor.vendor() and first["onednn"] is False
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    store.check(Trial("cycling", "triangular", "pytorch", 5), first)
    only = study.perform(Trial("cycling", "triangular", "pytorch", 7), onednn=False, share=0.5)
    assert only["epoch_loss"] == [7, 0.5]


def test_what_needs_an_accelerator_waits_to_be_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(study, "bring_up_to_date", lambda wanted, folder: asked.append(wanted) or study.Report())
    monkeypatch.setattr(study, "run_claims", lambda *arguments: study.Report())
    monkeypatch.setattr(processor, "pin", lambda capability: None)
    for options in ([], ["--accelerator"]):
        monkeypatch.setattr(sys, "argv", ["study", *options, "clr_table1"])
        assert study.main() == 0
    experiment = experiments.get("clr_table1")
    without, all_of_them = ({trial.setting for trial in wanted} for wanted in asked)
    assert all_of_them == set(experiment.settings) and without == set(experiment.settings) - experiment.optional


def test_what_was_run_and_what_failed_is_printed(monkeypatch, capsys):
    one, other, third = (Trial("cycling", "triangular", "pytorch", seed) for seed in range(3))
    reports = [study.Report(run=[one]), study.Report(failed={other: "because"}, elsewhere=[third])]
    claims = study.Report(run=[third], failed={one: "of the claim"})
    monkeypatch.setattr(study, "bring_up_to_date", lambda wanted, folder: reports.pop(0))
    monkeypatch.setattr(study, "run_claims", lambda *arguments: claims)
    monkeypatch.setattr(processor, "pin", lambda capability: None)
    monkeypatch.setattr(sys, "argv", ["study", "cycling", "one_cycle"])
    assert study.main() == 1
    out, err = capsys.readouterr()
    counts = [len(experiments.get(name).trials()) for name in ("cycling", "one_cycle")]
    assert out.splitlines() == [
        f"cycling: 1 of {counts[0]} trials run, 0 failed",
        f"one_cycle: 0 of {counts[1]} trials run, 1 running in another process, 1 failed",
        "claims: 1 trials of new seeds run, 1 failed",
    ]
    assert f"{other} failed:\nbecause" in err and f"{one} failed:\nof the claim" in err


def test_help_says_what_it_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["study", "--help"])
    with pytest.raises(SystemExit):
        study.main()
    said = " ".join(capsys.readouterr().out.split())
    assert "Runs the trials whose results are missing, several at a time" in said and "--accelerator" in said


def test_as_a_program_it_ends_with_its_status(monkeypatch):
    monkeypatch.setattr(study, "main", lambda: 3)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(study.__file__, run_name="__main__")
    assert ended.value.code == 3


def test_a_process_keeps_the_capability_that_its_framework_was_imported_under(monkeypatch):
    import torch

    for name in processor.AVX2_ONLY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(processor, "available", lambda: ["AVX2", "AVX512"])
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    processor.pin("AVX512")
    assert processor.capability() == "AVX512"
    with pytest.raises(RuntimeError, match=r"imported torch.* under AVX512, and AVX2 was asked"):
        study.perform(Trial("cycling", "triangular", "pytorch", 0), "AVX2")
    assert not set(processor.AVX2_ONLY) & set(os.environ)
    with pytest.raises(ValueError, match="unknown capability 'SSE'; known are AVX2, AVX512"):
        processor.pin("SSE")
    monkeypatch.setattr(processor, "available", lambda: ["AVX2"])
    with pytest.raises(RuntimeError, match="has no AVX512, only AVX2"):
        processor.pin("AVX512")


@pytest.mark.slow
def test_a_trial_that_is_stored_ran_under_avx2_whatever_the_processor_has(tmp_path):
    trial = Trial("cycling", "constant-0.01", "pytorch", 0)
    study.bring_up_to_date([trial, trial._replace(seed=1)], tmp_path)
    result = store.find(CYCLING, trial, tmp_path)
    assert result["capability"] == ("AVX2" if processor.available() else platform.machine())
    assert (result["vendor"], result["threads"], result["device"]) == (processor.vendor(), 1, "cpu")


@pytest.mark.slow
def test_trials_spread_over_a_dask_cluster_give_what_those_of_this_machine_give(tmp_path):
    """joblib's own backend: the same call, two worker processes."""
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    wanted = [Trial("cycling", name, "pytorch", 0) for name in ("constant-0.001", "constant-0.01")]
    study.bring_up_to_date(wanted, tmp_path / "processes")  # in processes: this one may have PyTorch as it is
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), parallel_config(backend="dask"):
        assert set(study.bring_up_to_date(wanted, tmp_path / "cluster").run) == set(wanted)
    for trial in wanted:
        local, spread = (store.find(CYCLING, trial, tmp_path / name) for name in ("processes", "cluster"))
        assert {**local, "seconds": 0} == {**spread, "seconds": 0}


def test_one_frameworks_trials_come_after_the_others(tmp_path):
    """A worker that loaded both would be replaced, and load them again, every few trials."""
    wanted = [Trial("one_cycle", "step-85", framework, seed) for seed in range(3) for framework in ("pytorch", "keras")]
    groups = study._Session(tmp_path).missing(wanted)
    frameworks = [group.framework for group in groups]
    assert sorted(frameworks) == frameworks and set(frameworks) == {"pytorch", "keras"}
    assert sorted(trial for group in groups for trial in group.trials()) == sorted(wanted)
