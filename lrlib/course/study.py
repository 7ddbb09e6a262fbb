"""Runs the trials whose results are missing, several at a time, and stores each as it comes.

``python -m lrlib.course.study`` brings every stored result up to date: trials that are stored under the same settings
are not run again, so it goes on where it was stopped. Several such processes share the work: a trial that one of them
runs is locked until its result is stored.
"""

import argparse
import contextlib
import dataclasses
import gc
import importlib
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from lrlib.course import experiments, fast_convolutions, processor, store
from lrlib.course.experiment import Result, Trial
from lrlib.course.files import write_atomically

PACKAGES = {"pytorch": ("torch",), "keras": ("keras", "tensorflow")}


class Group(NamedTuple):
    """Seeds of one setting that are run together: all that are missing where they train at once, else one."""

    experiment: str
    setting: str
    framework: str
    seeds: tuple[int, ...]

    def trials(self) -> list[Trial]:
        return [Trial(self.experiment, self.setting, self.framework, seed) for seed in self.seeds]


@dataclasses.dataclass
class Report:
    """What :func:`bring_up_to_date` did."""

    run: list[Trial] = dataclasses.field(default_factory=list)
    failed: dict[Trial, str] = dataclasses.field(default_factory=dict)  # and why
    elsewhere: list[Trial] = dataclasses.field(default_factory=list)  # another process is running them
    unread: dict[str, str] = dataclasses.field(default_factory=dict)  # claims whose results cannot be read, and why


def load(experiment: str, folder: Path | None = None) -> dict[str, dict[str, list[Result]]]:
    """The stored results of an experiment: setting → framework → results in the order of their seeds."""
    return store.load(experiments.get(experiment), folder)


def perform(trial: Trial, capability: str | None = None, onednn: bool = True, share: float = 1.0) -> Result:
    """Run one trial on one thread; the result says what it ran on, and its processor time in seconds.

    ``capability`` is an instruction set of :mod:`lrlib.course.processor`; None leaves what this process has. Errors:
    ``RuntimeError`` if a framework was imported under another one. ``onednn``: whether TensorFlow takes oneDNN's
    operations, if this imports it; new trials do. ``share`` is the part of the trial that is run; only a whole one is
    stored.
    """
    return perform_group(Group(*trial[:3], (trial.seed,)), capability, onednn, share)[0]


def perform_group(group: Group, capability: str | None = None, onednn: bool = True, share: float = 1.0) -> list[Result]:
    """As :func:`perform` for the trials of a group; ``seconds`` is each one's part of that time."""
    if capability is not None:
        processor.pin(capability)
    module = "keras" if group.framework.startswith("keras") else group.framework
    if not onednn:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # the process that started this one may have set it
    with fast_convolutions() if onednn else contextlib.nullcontext():
        importlib.import_module(f"lrlib.course.{module}").one_thread()
    experiment = experiments.get(group.experiment)
    # Not the clock on the wall: other work beside it, and a pause, are no cost of the trial.
    start = time.process_time()
    results = experiment.run(experiment.settings[group.setting], group.framework, group.seeds, share)
    gc.collect()  # a graph and its data refer to each other; a worker that grows is replaced, which costs seconds
    provenance = {
        "seconds": round((time.process_time() - start) / len(group.seeds), 2),
        "versions": _versions(PACKAGES[module]),
        "hardware": processor.hardware(),
        "vendor": processor.vendor(),
        "capability": processor.capability(),
        "onednn": onednn,
        "threads": 1,
        "device": "cpu",
    }
    return [
        {"framework": group.framework, "seed": seed, **provenance, **store.rounded(result)}
        for seed, result in zip(group.seeds, results, strict=True)
    ]


def bring_up_to_date(wanted: Iterable[Trial], folder: Path, jobs: int = 2) -> Report:
    """Run the trials that ``folder`` lacks under AVX2 and store each as it comes; where one fails the others go on.

    Parallel through joblib, so ``joblib.parallel_config`` can send the same call to a Dask cluster.
    """
    from tqdm import tqdm

    session = _Session(folder)
    groups = session.missing(wanted)
    try:
        with tqdm(total=len(groups), desc="trials", disable=not groups) as bar:
            for done in _results(session, groups, jobs):
                session.settle(*done)
                bar.update()
    finally:
        session.rescue()
    return session.report


def _results(session: "_Session", groups: list[Group], jobs: int) -> Iterator[tuple[Group, list[Result], str]]:
    """Of each group as it comes. Where a worker is killed its trials have failed, and new workers run the others."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    claimed = session.claim(groups)
    while True:
        # One group at a time: of a batch none would be free for another process, and all would fail with their worker.
        run = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        try:
            yield from run(delayed(_attempt)(group, os.getpid()) for group in claimed)
            return
        except TerminatedWorkerError as reason:
            session.give_up(f"a worker process was killed; for lack of memory? {reason}")


class _Session:
    """One process's share of the work: the trials that it has locked, and the results that it could not write yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = Report()
        self.unsaved: dict[Trial, Result] = {}
        self.locks: dict[Trial, FileLock] = {}

    def missing(self, wanted: Iterable[Trial]) -> list[Group]:
        """The trials without a result, in groups, by framework; one whose file is damaged has failed."""
        groups: dict[tuple[str, str, str, int], list[int]] = {}
        for trial in wanted:
            if self._lacks(trial):
                together = trial.framework in experiments.get(trial.experiment).stacked
                groups.setdefault((*trial[:3], 0 if together else trial.seed), []).append(trial.seed)
        # One framework after the other: a worker that loads the second one grows by more than joblib allows, and is
        # replaced. Done every few trials, that imports the frameworks again and again.
        by_framework = sorted(groups.items(), key=lambda item: item[0][2])
        return [Group(*key[:3], tuple(seeds)) for key, seeds in by_framework]

    def claim(self, groups: Iterable[Group]) -> Iterator[Group]:
        """Each group when its turn comes, less the trials that are stored by now or that another process runs."""
        for group in groups:
            seeds = tuple(trial.seed for trial in group.trials() if self._claim(trial))
            if seeds:
                yield group._replace(seeds=seeds)

    def settle(self, group: Group, results: list[Result], error: str) -> None:
        """Store a group's results, and what could not be stored before."""
        if error:
            self.report.failed.update(dict.fromkeys(group.trials(), error))
            for trial in group.trials():
                self.locks.pop(trial).release()
            return
        self.unsaved.update(zip(group.trials(), results, strict=True))
        for trial, result in list(self.unsaved.items()):
            try:
                store.write(experiments.get(trial.experiment), trial, result, self.folder)
            except (OSError, ValueError) as reason:
                self.report.failed[trial] = f"{store.path_of(trial, self.folder)} was not written: {reason}"
                continue
            self.unsaved.pop(trial)
            self.report.failed.pop(trial, None)
            self.report.run.append(trial)
            self.locks.pop(trial).release()

    def give_up(self, reason: str) -> None:
        """The trials that are claimed and have no result failed."""
        for trial in self.locks.keys() - self.unsaved.keys():
            self.report.failed[trial] = reason
            self.locks.pop(trial).release()

    def rescue(self) -> None:
        """Keep what could not be written where it belongs in the system's folder for temporary files."""
        for trial, result in self.unsaved.items():
            path = Path(tempfile.gettempdir(), "-".join(map(str, trial)) + ".json")
            with contextlib.suppress(OSError):
                write_atomically(path, json.dumps(result))
                self.report.failed[trial] += f"; the result is kept in {path}"

    def _lacks(self, trial: Trial) -> bool:
        try:
            return store.find(experiments.get(trial.experiment), trial, self.folder) is None
        except (OSError, store.DamagedFileError) as reason:
            self.report.failed[trial] = str(reason)
            return False

    def _claim(self, trial: Trial) -> bool:
        """Lock a trial, until it is stored or this process ends, unless it is stored or locked already."""
        place = self.folder / ".locks"
        lock = FileLock(place / ("-".join(map(str, trial)) + ".lock"), thread_local=False)
        try:
            place.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            self.report.elsewhere.append(trial)
            return False
        except OSError as reason:
            self.report.failed[trial] = f"{store.path_of(trial, self.folder)} cannot be written: {reason}"
            return False
        if not self._lacks(trial):
            lock.release()
            return False
        self.locks[trial] = lock
        return True


def run_claims(only: Iterable[str] = (), accelerator: bool = False) -> Report:
    """Run the next look of each claim that is undecided, the cheapest word first, until none is left that can be run.

    After each look all words are drawn anew: what it decided is not looked at again. A claim whose results cannot be
    read keeps none of the others waiting.
    """
    from lrlib.course import claims, plan, samples

    total, tried = Report(), set[Trial]()
    while True:
        samples.forget()
        found, total.unread = claims.judgeable()
        waiting = [
            step
            for step in plan.steps(found, only=only)
            if step.missing and step.accelerator <= accelerator and not tried.issuperset(step.missing)
        ]
        if not waiting:
            return total
        step = waiting[0]
        print(f"{step.claim.chapter}: {step.claim.text}: {len(step.missing)} trials", flush=True)
        report = bring_up_to_date(step.missing, store.results_folder())
        tried |= {*report.failed, *report.elsewhere}
        total.run += report.run
        total.failed |= report.failed
        total.elsewhere += report.elsewhere


def _attempt(group: Group, asked_by: int) -> tuple[Group, list[Result], str]:
    """In a worker: the results of a group, or the error that it ended with."""
    _end_with_parent(asked_by)
    try:
        return group, perform_group(group, "AVX2"), ""
    except Exception:  # whatever a trial raises, the others go on
        return group, [], traceback.format_exc(limit=-3)


@cache
def _end_with_parent(asked_by: int) -> None:
    """End this worker process when the process that started it is killed: a trial may have hours to go."""
    parent = _parent(asked_by)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if multiprocessing.current_process().name != "MainProcess":
        threading.Thread(target=watch, daemon=True).start()


def _parent(asked_by: int) -> int:
    """The process that started this worker, even if it is gone by now and another one has adopted the worker.

    joblib's own workers are children of the process that asks for a trial; a cluster's have a parent of their own.
    """
    return asked_by if multiprocessing.current_process().name.startswith("LokyProcess") else os.getppid()


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    named = {package: "tensorflow_cpu" if package == "tensorflow" else package for package in packages}
    versions = {"python": platform.python_version()}
    for package, distribution in named.items():
        try:
            versions[package] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            versions[package] = metadata.version(package)
    return versions


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "only",
        nargs="*",
        metavar="EXPERIMENT",
        help=f"of {', '.join(experiments.NAMES + experiments.BEGUN)}; default all",
    )
    parser.add_argument("--accelerator", action="store_true", help="run what needs an accelerator too")
    parser.add_argument("--plan", action="store_true", help="say what the claims need next, and run nothing")
    options = parser.parse_args()
    if options.plan:
        from lrlib.course import claims, plan

        found, unread = claims.judgeable()
        print(plan.as_text(plan.steps(found, only=options.only)))
        return _told({}, unread)
    processor.pin("AVX2")  # before NumPy is imported, here and in the workers, which inherit the environment
    failed: dict[Trial, str] = {}
    for name in options.only or experiments.NAMES + experiments.BEGUN:
        experiment = experiments.get(name)
        wanted = [one for one in experiment.trials() if options.accelerator or one.setting not in experiment.optional]
        report = bring_up_to_date(wanted, store.results_folder())
        elsewhere = f", {len(report.elsewhere)} running in another process" if report.elsewhere else ""
        print(f"{name}: {len(report.run)} of {len(wanted)} trials run{elsewhere}, {len(report.failed)} failed")
        failed |= report.failed
    report = run_claims(options.only, options.accelerator)
    print(f"claims: {len(report.run)} trials of new seeds run, {len(report.failed)} failed")
    failed |= report.failed
    return _told(failed, report.unread)


def _told(failed: dict[Trial, str], unread: dict[str, str]) -> int:
    """Print what did not come about, and why; the exit status."""
    for trial, reason in failed.items():
        print(f"\n{trial} failed:\n{reason}", file=sys.stderr)
    for claim, reason in unread.items():
        print(f"\nnot judged: {claim}:\n{reason}", file=sys.stderr)
    return 1 if failed or unread else 0


if __name__ == "__main__":
    # Not main() of this module: worker processes find functions by module name, and this one's is __main__.
    sys.exit(importlib.import_module("lrlib.course.study").main())
