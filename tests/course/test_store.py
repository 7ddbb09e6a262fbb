"""Stored results: what a file may hold, and that nothing is lost whatever happens to those who write it."""

import contextlib
import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

from lrlib.course import experiments, files, store, study
from lrlib.course.experiment import Trial

EXPERIMENT = experiments.get("step_and_plateau")
TRIALS = [
    Trial("step_and_plateau", name, "pytorch", seed)
    for name in ("constant", "step-each-epoch-0.1")
    for seed in range(3)
]


def result_of(trial, **fields):
    return {"framework": trial.framework, "seed": trial.seed, "test_accuracy": 97.0, **fields}


@pytest.fixture
def attempts(monkeypatch):
    """Trials end at once and give their own seed; the trials that were run, in order."""
    run = []

    def perform_group(group, capability):
        run.extend(group.trials())
        return [result_of(trial) for trial in group.trials()]

    monkeypatch.setattr(study, "perform_group", perform_group)
    return run


class TestSchema:
    def test_a_field_that_nobody_declared_is_refused(self):
        with pytest.raises(ValueError, match=r"test_acuracy: no such field"):
            store.check(TRIALS[0], {"test_acuracy": 97.0})

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("test_accuracy", "97"),
            ("test_accuracy", [97.0]),
            ("test_accuracy", True),
            ("epoch_loss", [0.1, math.nan]),
            ("seed", 1.0),
            ("diverged", 0),
            ("curve", {"loss": [1.0]}),
            ("curve", {"update": [1, 2], "loss": [1.0]}),
            ("curve", {"update": [1], "loss": ["1"]}),
            ("versions", {"python": 3}),
            ("versions", ["3.11"]),
            ("runs", [{"seed": 0, "peek": 1}]),
            ("diverged_each", [None]),
        ],
    )
    def test_a_value_of_another_kind_is_refused_with_what_the_field_means(self, field, value):
        with pytest.raises(ValueError, match=f"{field}: {store.FIELDS[field][0]}; got"):
            store.check(TRIALS[0], {field: value})

    @pytest.mark.parametrize("name", experiments.NAMES)
    def test_every_stored_result_passes(self, name):
        experiment = experiments.get(name)
        for setting, by_framework in store.load(experiment).items():
            for framework, results in by_framework.items():
                for result in results:
                    store.check(Trial(name, setting, framework, result["seed"]), result)

    def test_what_is_not_finite_is_stored_as_null(self, tmp_path):
        rounded = store.rounded(result_of(TRIALS[0], epoch_loss=[math.nan, 1.23456789, -math.inf]))
        store.write(EXPERIMENT, TRIALS[0], rounded, tmp_path)
        assert store.find(EXPERIMENT, TRIALS[0], tmp_path)["epoch_loss"] == [None, 1.23457, None]


class TestFiles:
    def test_a_result_that_the_schema_does_not_know_is_not_written(self, tmp_path):
        with pytest.raises(ValueError, match=r"test_acuracy: no such field"):
            store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0], test_acuracy=97.0), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_stored_result_written_again_changes_no_byte(self, tmp_path):
        """So a commit's diff shows only the trials that moved."""
        path = store.path_of(TRIALS[0], store.results_folder())
        copied = store.path_of(TRIALS[0], tmp_path / "made" / "on the way")
        store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0]), copied.parents[1])
        shutil.copyfile(path, copied)
        trials = EXPERIMENT.trials()
        again = next(trial for trial in trials if trial.setting == TRIALS[0].setting)
        store.write(EXPERIMENT, again, store.find(EXPERIMENT, again, copied.parents[1]), copied.parents[1])
        assert copied.read_bytes() == path.read_bytes()

    def test_a_file_has_one_line_a_trial(self, tmp_path):
        for trial in TRIALS[:3]:
            store.write(EXPERIMENT, trial, result_of(trial), tmp_path)
        text = store.path_of(TRIALS[0], tmp_path).read_text()
        assert sum('"framework"' in line for line in text.splitlines()) == 3

    @pytest.mark.parametrize(
        "content", ["", "{", "{}", "[]", "null", '<<<<<<< HEAD\n{"trials": []}', '{"trials": [3]}']
    )
    def test_a_damaged_file_is_named_and_left_as_it_is(self, tmp_path, content):
        path = store.path_of(TRIALS[0], tmp_path)
        files.write_atomically(path, content)
        with pytest.raises(store.DamagedFileError, match=path.name):
            store.find(EXPERIMENT, TRIALS[0], tmp_path)
        with pytest.raises(store.DamagedFileError, match=path.name):
            store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0]), tmp_path)
        assert path.read_text() == content

    def test_a_result_that_was_edited_into_another_kind_is_damage(self, tmp_path):
        store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0], test_accuracy=97.25), tmp_path)
        path = store.path_of(TRIALS[0], tmp_path)
        path.write_text(path.read_text().replace("97.25", '"97.25"'))
        with pytest.raises(store.DamagedFileError, match=f"{path.name} is damaged.*test_accuracy"):
            store.find(EXPERIMENT, TRIALS[0], tmp_path)

    def test_a_file_under_another_settings_name_is_refused(self, tmp_path):
        store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0]), tmp_path)
        here, there = (store.path_of(TRIALS[i], tmp_path) for i in (0, 3))
        os.rename(here, there)
        with pytest.raises(store.DamagedFileError, match="holds the results of"):
            store.find(EXPERIMENT, TRIALS[3], tmp_path)

    def test_other_settings_or_another_network_make_results_stale(self, tmp_path):
        store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0]), tmp_path)
        path = store.path_of(TRIALS[0], tmp_path)
        for key, change in (("settings", {"epochs": 11}), ("trains", {"weights": 1})):
            content = json.loads(path.read_text())
            content[key] |= change
            other = tmp_path / key
            files.write_atomically(store.path_of(TRIALS[0], other), json.dumps(content))
            assert store.find(EXPERIMENT, TRIALS[0], other) is None
        assert store.find(EXPERIMENT, TRIALS[0], tmp_path) is not None

    def test_stale_results_are_kept_beside_the_new_ones(self, tmp_path):
        """Two processes with different code may share a folder: neither may wipe what the other has run."""
        path = store.path_of(TRIALS[0], tmp_path)
        for seed in (0, 1):
            store.write(EXPERIMENT, TRIALS[seed], result_of(TRIALS[seed]), tmp_path)
            stale = json.loads(path.read_text())
            stale["trains"] |= {"version": 99 + seed}
            path.write_text(json.dumps(stale))
        store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0]), tmp_path)
        kept = [json.loads(one.read_text()) for one in sorted(path.parent.glob(".*.stale-*"))]
        assert [one["trains"]["version"] for one in kept] == [99, 100]
        assert [len(one["trials"]) for one in kept] == [1, 1] and store.find(EXPERIMENT, TRIALS[0], tmp_path)

    def test_what_a_killed_writer_left_is_swept(self, tmp_path):
        path = store.path_of(TRIALS[0], tmp_path)
        files.write_atomically(path.with_name(f".{path.name}.abc.tmp"), "half")
        store.write(EXPERIMENT, TRIALS[0], result_of(TRIALS[0]), tmp_path)
        assert not list(path.parent.glob("*.tmp")) and not list(path.parent.glob(".*.tmp"))

    def test_of_new_seeds_those_count_before_which_none_is_lacking(self, tmp_path):
        for setting, framework, seeds in (
            ("constant", "pytorch", (0, 101, 103, 100)),
            ("constant", "keras", (100,)),
            ("step-each-epoch-0.1", "pytorch", (101, 102)),
        ):
            for seed in seeds:
                trial = Trial("step_and_plateau", setting, framework, seed)
                store.write(EXPERIMENT, trial, result_of(trial), tmp_path)
        every = store.everything(EXPERIMENT, tmp_path)
        assert [(one["framework"], one["seed"]) for one in every["constant"]] == [
            ("keras", 100),
            *(("pytorch", seed) for seed in (0, 100, 101, 103)),
        ]
        found = store.load_new(EXPERIMENT, tmp_path)
        assert {
            (setting, framework): [one["seed"] for one in results]
            for setting, by_framework in found.items()
            for framework, results in by_framework.items()
            if results
        } == {("constant", "pytorch"): [100, 101], ("constant", "keras"): [100]}
        with pytest.raises(LookupError, match=r"lacks .*step_and_plateau.*make experiments ONLY=step_and_plateau"):
            store.load(EXPERIMENT, tmp_path)

    def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        path = tmp_path / "file.json"
        files.write_atomically(path, "old")

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            files.write_atomically(path, "new")
        assert path.read_text() == "old" and [each.name for each in tmp_path.iterdir()] == ["file.json"]

    def test_a_file_that_has_this_content_is_not_written(self, tmp_path):
        path = tmp_path / "folder" / "file.html"
        inodes = []
        for content in ("naïve", "naïve", "naïve".encode(), "other", b"\xff"):
            files.write_if_changed(path, content)
            inodes.append(path.stat().st_ino)
            assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
        assert inodes[0] == inodes[1] == inodes[2] != inodes[3] != inodes[4]


class TestBringingUpToDate:
    def test_what_is_stored_is_not_run_again(self, tmp_path, attempts):
        assert study.bring_up_to_date(TRIALS[:2], tmp_path, jobs=1).run == TRIALS[:2]
        assert study.bring_up_to_date(TRIALS, tmp_path, jobs=1).run == TRIALS[2:]
        assert attempts == TRIALS

    def test_a_bar_shows_how_many_are_done(self, tmp_path, monkeypatch, capsys, attempts):
        monkeypatch.delenv("TQDM_DISABLE", raising=False)
        study.bring_up_to_date(TRIALS[:2], tmp_path, jobs=1)
        assert "trials: 100%" in capsys.readouterr().err

    def test_a_trial_that_raises_does_not_keep_the_others_from_running(self, tmp_path, monkeypatch):
        def perform_group(group, capability):
            if group.seeds == (1,):
                raise ZeroDivisionError("seed one")
            return [result_of(trial) for trial in group.trials()]

        monkeypatch.setattr(study, "perform_group", perform_group)
        report = study.bring_up_to_date(TRIALS, tmp_path, jobs=1)
        assert set(report.failed) == {TRIALS[1], TRIALS[4]} and "seed one" in report.failed[TRIALS[1]]
        assert set(report.run) == set(TRIALS) - set(report.failed)

    def test_a_damaged_file_fails_its_own_trials_only(self, tmp_path, attempts):
        path = store.path_of(TRIALS[0], tmp_path)
        files.write_atomically(path, "{")
        report = study.bring_up_to_date(TRIALS, tmp_path, jobs=1)
        assert report.run == TRIALS[3:] == attempts
        assert all(str(path) in report.failed[trial] for trial in TRIALS[:3])

    def test_a_full_disk_loses_nothing(self, tmp_path, monkeypatch, attempts):
        """The first write fails: it is made again with the next one. All fail: the results are kept elsewhere."""
        write, times = store.write, []

        def full(*arguments):
            times.append(arguments[1])
            if len(times) <= limit:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(*arguments)

        monkeypatch.setattr(store, "write", full)
        limit = 1
        report = study.bring_up_to_date(TRIALS[:3], tmp_path / "a", jobs=1)
        assert set(report.run) == set(TRIALS[:3]) and not report.failed

        limit = math.inf
        monkeypatch.setattr(study.tempfile, "gettempdir", lambda: str(tmp_path / "elsewhere"))
        report = study.bring_up_to_date(TRIALS[:3], tmp_path / "b", jobs=1)
        assert not report.run and len(attempts) == 6
        for trial in TRIALS[:3]:
            assert (
                "No space left" in report.failed[trial]
                and str(store.path_of(trial, tmp_path / "b")) in report.failed[trial]
            )
            kept = report.failed[trial].rpartition(" in ")[2]
            assert json.loads(Path(kept).read_text())["test_accuracy"] == 97.0

    def test_a_read_only_folder_is_named_before_anything_is_run(self, tmp_path, monkeypatch, attempts):
        def read_only(*_, **__):
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(study.FileLock, "acquire", read_only)
        report = study.bring_up_to_date(TRIALS[:2], tmp_path, jobs=1)
        assert not attempts and all("Read-only" in reason for reason in report.failed.values())
        assert set(report.failed) == set(TRIALS[:2])

    def test_a_trial_that_another_process_runs_is_left_to_it(self, tmp_path, attempts):
        session = study._Session(tmp_path)
        assert session._claim(TRIALS[0])
        report = study.bring_up_to_date(TRIALS[:2], tmp_path, jobs=1)
        assert report.elsewhere == TRIALS[:1] and report.run == TRIALS[1:2] == attempts
        session.locks.pop(TRIALS[0]).release()
        assert study.bring_up_to_date(TRIALS[:2], tmp_path, jobs=1).run == TRIALS[:1]


# Trials that do nothing for a while. Functions of the main program travel to the workers by value.
PROGRAM = """
import sys, threading
from pathlib import Path
from lrlib.course import study
from lrlib.course.experiment import Trial

folder, seconds, jobs = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])

def attempt(group, asked_by):
    study._end_with_parent(asked_by)
    (folder / "started").touch()
    threading.Event().wait(seconds)
    return group, [{"framework": one.framework, "seed": one.seed, "test_accuracy": 97.0} for one in group.trials()], ""

study._attempt = attempt
trials = [Trial("step_and_plateau", "constant", "pytorch", seed) for seed in range(40)]
report = study.bring_up_to_date(trials, folder, jobs=jobs)
print(*(trial.seed for trial in report.run))
"""


def start(folder, seconds, jobs):
    command = [sys.executable, "-c", PROGRAM, str(folder), str(seconds), str(jobs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def at_work(process):
    """Whether a process still runs; one that ended may wait as a zombie for whoever adopted it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_a_worker_looks_for_who_asked_and_not_for_who_adopted_it(monkeypatch):
    """It may begin after its parent was killed."""
    monkeypatch.setattr(study.os, "getppid", lambda: 1)
    monkeypatch.setattr(study.multiprocessing.current_process(), "name", "LokyProcess-3")
    assert study._parent(asked_by=7) == 7
    monkeypatch.setattr(study.multiprocessing.current_process(), "name", "Dask Worker process (from Nanny)")
    assert study._parent(asked_by=7) == 1


def test_a_worker_ends_when_its_parent_is_gone(monkeypatch):
    parents, ended = iter([7, 7, 1]), threading.Event()
    monkeypatch.setattr(study.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(study.os, "_exit", lambda status: ended.set())
    monkeypatch.setattr(study.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(study.multiprocessing.current_process(), "name", "LokyProcess-3")
    study._end_with_parent.__wrapped__(7)
    assert ended.wait(60) and next(parents, None) is None


KILLED = """
import os, sys, threading
from pathlib import Path
from lrlib.course import study
from lrlib.course.experiment import Trial

folder = Path(sys.argv[1])

def attempt(group, asked_by):
    if group.seeds == (0,):
        os._exit(9)
    threading.Event().wait(0.1)
    return group, [{"framework": one.framework, "seed": one.seed, "test_accuracy": 97.0} for one in group.trials()], ""

study._attempt = attempt
report = study.bring_up_to_date([Trial("step_and_plateau", "constant", "pytorch", s) for s in range(20)], folder, 2)
print(len(report.run), len(report.failed), *{reason.partition(";")[0] for reason in report.failed.values()})
"""


@pytest.mark.slow
def test_a_worker_that_is_killed_fails_what_it_ran_and_others_run_the_rest(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    ran, failed, *reason = ended.stdout.split(maxsplit=2)
    assert int(ran) + int(failed) == 20 and int(ran) and int(failed), ended.stdout  # a few may wait beside it
    assert reason == ["a worker process was killed\n"]


def test_what_was_not_written_is_kept_though_the_run_is_interrupted(tmp_path, monkeypatch, attempts):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def interrupted(session, groups, jobs):
        (group,) = session.claim(groups)
        yield group, [result_of(trial) for trial in group.trials()], ""
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write", full)
    monkeypatch.setattr(study, "_results", interrupted)
    monkeypatch.setattr(study.tempfile, "gettempdir", lambda: str(tmp_path / "elsewhere"))
    with pytest.raises(KeyboardInterrupt):
        study.bring_up_to_date(TRIALS[:1], tmp_path / "results")
    (kept,) = (tmp_path / "elsewhere").iterdir()
    assert json.loads(kept.read_text())["test_accuracy"] == 97.0


@pytest.mark.slow
def test_two_processes_share_the_work_and_lose_nothing(tmp_path):
    both = [start(tmp_path, 0.02, jobs=1) for _ in range(2)]
    ran = [list(map(int, process.communicate()[0].split())) for process in both]
    left = study.bring_up_to_date([], tmp_path)
    assert not left.failed and sorted(ran[0] + ran[1]) == list(range(40))  # each once
    stored = [
        store.find(EXPERIMENT, Trial("step_and_plateau", "constant", "pytorch", seed), tmp_path) for seed in range(40)
    ]
    assert all(stored)


@pytest.mark.slow
def test_a_killed_process_takes_its_workers_with_it_and_holds_no_lock(tmp_path):
    """Killed with SIGKILL, which it cannot answer: its workers see that their parent is gone."""
    process = start(tmp_path, 3600, jobs=2)
    wait_until((tmp_path / "started").exists, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(map(at_work, workers)))
    report = study.bring_up_to_date([], tmp_path)
    session = study._Session(tmp_path)
    assert not report.failed and session._claim(Trial("step_and_plateau", "constant", "pytorch", 0))
