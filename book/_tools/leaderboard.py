"""Train the capstone's entries over seeds, and rank them.

    python book/_tools/leaderboard.py SUBMISSIONS RESULTS [--third FILE] [--seeds N] [--seconds S] [--jobs N]

An entry is ``SUBMISSIONS/STUDENT/capstone.py``. Its ``schedule(updates)`` is called in a process of its own, which
``entry.py`` describes, and only the rates come back. Training follows here, with no student's code in the process.
Writes ``leaderboard.csv``, a row a student, and ``runs.csv``, a row a run, to RESULTS.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import itertools
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import assignments
import numpy as np
from assignments import AssignmentError
from entry import NAME, WRITTEN
from tqdm import tqdm

from lrlib import Piecewise
from lrlib.course import data
from lrlib.course.networks import dense_weights
from lrlib.course.rules import Higher
from lrlib.course.samples import Mean, Sample, level_of_chance, no_better_than_guessing
from lrlib.course.stats import interval
from lrlib.course.training import batch_order, random_split, rows_of, stack_orders
from lrlib.course.words import HOLDS, REVERSED

CAPSTONE = assignments.SOURCES / "capstone"
TEMPLATE = f"capstone/{NAME} (what you start from)"  # a row of the leaderboard; a slash is in no folder's name
BOARD, RUNS = "leaderboard.csv", "runs.csv"
TABLES = {BOARD: "place,student,", RUNS: "student,task,"}  # how each begins
SEEDS = 20
SMALLEST = 0.1  # the smallest difference of interest, in points of mean accuracy
SHARE = 6  # an entry may take this part of the seconds that a submission gets
LARGEST = 1 << 20  # bytes of an entry
SHOWN = 300  # characters of a message
HIGHEST = float(np.finfo(np.float32).max)  # a larger rate ends PyTorch's optimizer with an error


class Task(NamedTuple):
    """A perceptron's task. Which examples it trains on, and is tested on, is drawn anew for each seed."""

    x: np.ndarray
    y: np.ndarray
    layers: tuple[int, ...]
    train: int
    test: int
    batch: int
    updates: int


class BadEntry(Exception):
    """Why an entry has no place."""


# -- tasks ----------------------------------------------------------------------------------------


def tasks(third: Path) -> tuple[dict[str, Task], int]:
    """The three tasks by name, the third from a file, and the first seed."""
    (x, y), (x_test, y_test) = data.mnist()
    rows = np.concatenate([x, x_test]).reshape(len(x) + len(x_test), -1) / np.float32(255)
    name, task, first = third_task(third)
    return {
        "digits": Task(*data.digit_rows(), (64, 32, 10), 1197, 600, 32, 342),
        "MNIST": Task(rows, np.concatenate([y, y_test]), (784, 32, 10), 60_000, 10_000, 50, 300),
        name: task,
    }, first


def third_task(path: Path) -> tuple[str, Task, int]:
    """The name, the task and the first seed that a teacher's file gives."""
    try:
        given = runpy.run_path(str(path))
        x, y = given["examples"]()
        counts = (given[key] for key in ("TRAIN", "TEST", "BATCH", "UPDATES"))
        task = Task(np.asarray(x, "float32"), np.asarray(y), tuple(given["LAYERS"]), *counts)
        name, first = str(given["NAME"]), given["FIRST_SEED"]
    except (Exception, SystemExit) as error:
        raise AssignmentError(f"{path} is no third task: {type(error).__name__}: {error}") from None
    if found := _form(task, first) or _faults(name, task, first):
        raise AssignmentError(f"{path} is no third task: {'; '.join(found)}")
    return name, task, first


def _form(task: Task, first: Any) -> list[str]:
    """What has not the form of a task, in words."""
    whole = {"LAYERS": task.layers, "TRAIN, TEST, BATCH, UPDATES": task[3:], "FIRST_SEED": (first,)}
    problems = {
        f"{name} must be whole numbers, got {', '.join(map(repr, given))}": not all(
            isinstance(number, Integral) for number in given
        )
        for name, given in whole.items()
    }
    problems |= {
        f"LAYERS has fewer than two numbers, inputs and classes: {task.layers}": len(task.layers) < 2,
        f"x has the shape {task.x.shape}: a row for each example is expected": task.x.ndim != 2,
        f"y has the shape {task.y.shape} and type {task.y.dtype}: one whole number for each example is expected": (
            task.y.ndim != 1 or task.y.dtype.kind not in "iu"
        ),
    }
    return [words for words, holds in problems.items() if holds]


def _faults(name: str, task: Task, first: int) -> list[str]:
    """What in a task of the right form cannot be, in words."""
    strange = [label for label in np.unique(task.y).tolist() if not 0 <= label < task.layers[-1]]
    not_finite = int((~np.isfinite(task.x)).sum())
    problems = {
        f"x has the shape {task.x.shape}, and LAYERS begins with {task.layers[0]}": task.x.shape[1:] != task.layers[:1],
        f"x has {len(task.x)} rows and y {len(task.y)}": len(task.x) != len(task.y),
        f"TRAIN and TEST are more than all {len(task.x)} examples": task.train + task.test > len(task.x),
        f"a label is none of 0 to {task.layers[-1] - 1}: {strange[:1]}": bool(strange),
        f"{not_finite} of the numbers in x are not finite": not_finite > 0,
        f"LAYERS are not all above 0: {task.layers}": min(task.layers) < 1,
        f"TRAIN, TEST, BATCH and UPDATES are not all above 1: {task[3:]}": min(task[3:]) < 2,
        f"FIRST_SEED is below 0: {first}": first < 0,
        f"the name is taken: {name}": name in ("digits", "MNIST"),
    }
    return [words for words, holds in problems.items() if holds]


def train(task: Task, rates: Sequence[float], seeds: Sequence[int]) -> Sample:
    """Each seed's test accuracy in percent, and whether it is lost. All train at once, by SGD with momentum 0.9."""
    import torch

    from lrlib.course.pytorch import bench, one_thread, stacked_perceptron

    one_thread()
    parts = [random_split(len(task.x), (task.train, task.test), seed) for seed in seeds]
    epochs = -(-task.updates // -(-task.train // task.batch))
    order = stack_orders(
        rows_of(rows, batch_order(task.train, task.batch, epochs, seed))
        for (rows, _), seed in zip(parts, seeds, strict=True)
    )[: task.updates]
    model = stacked_perceptron([dense_weights(task.layers, seed) for seed in seeds])
    schedule = Piecewise(tuple(range(1, task.updates)), tuple(rates))
    bound = bench(model, torch.optim.SGD(model.parameters(), momentum=0.9), schedule)
    with contextlib.redirect_stderr(io.StringIO()):  # one bar for all runs is enough
        losses = bound.train(task.x, task.y, order).losses
    tested = np.stack([rows for _, rows in parts])
    accuracy = np.array(bound.evaluate(task.x[tested], task.y[tested])[1])
    classes = task.layers[-1]
    guessing = [no_better_than_guessing(loss, classes) for loss in losses[-len(losses) // 10 :].mean(0)]
    lost = ~np.isfinite(losses).all(0) | guessing | (accuracy < level_of_chance(classes, task.test))
    return Sample(accuracy, lost)


# -- entries --------------------------------------------------------------------------------------


def read_entry(student: Path) -> tuple[bytes, str]:
    """A student's entry, and a note if it came under another name."""
    unlisted: list[OSError] = []
    files = list(assignments.handed_in_files(student, ".py", unlisted))
    chosen = [path for path in files if path.name == NAME] or files
    if len(chosen) != 1:
        among = ", ".join(str(path.relative_to(student)) for path in chosen)
        why = f"several files could be the entry: {among}" if chosen else f"{student.name}/{NAME} is missing"
        why += "".join(f"; {Path(error.filename).name} cannot be listed ({error.strerror})" for error in unlisted)
        raise BadEntry(why)
    (path,) = chosen
    try:
        source = assignments.read_file(path, LARGEST)
    except OSError as error:
        raise BadEntry(f"{path.name} cannot be read ({error.strerror})") from None
    return source, "" if path.name == NAME else f"handed in as {path.name}"


def rates_of(source: bytes, budgets: Sequence[int], seconds: float) -> list[list[float]]:
    """What an entry answers to each budget, computed in a process and an empty folder of its own."""
    command = [sys.executable, "-I", str(Path(__file__).with_name("entry.py")), *map(str, budgets)]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty,
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as answer,
        tempfile.TemporaryFile() as said,
    ):
        given.write(source)
        given.seek(0)
        environment = {"PATH": os.defpath, "HOME": empty, "TMPDIR": empty, "PYTHONHASHSEED": "0", **one_thread}
        streams = {"stdin": given, "stdout": answer, "stderr": said}
        try:
            status = assignments.run_bounded(command, seconds, cwd=empty, env=environment, **streams)
        except subprocess.TimeoutExpired:
            raise BadEntry(f"stopped: it took more than {seconds:g} s") from None
        answer.seek(0)
        text = answer.read(WRITTEN + 1)
        said.seek(0)
        last = said.read(WRITTEN).decode(errors="replace").strip().rpartition("\n")[2]
    if last and not text:  # entry.py itself failed: from where its entry begins it says nothing
        raise BadEntry(f"its process ended without an answer: {last}"[:SHOWN])
    return _checked(text, status, budgets)


def _checked(text: bytes, status: int, budgets: Sequence[int]) -> list[list[float]]:
    """The rates in what an entry's process wrote: nothing there is trusted."""
    try:
        answer = json.loads(text)
        if "error" in answer:
            raise BadEntry(str(answer["error"])[:SHOWN].replace("\n", " "))
        found = [[float(rate) for rate in rates] for rates in answer["rates"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise BadEntry(f"its process ended without an answer, or with too long a one (status {status})") from None
    if len(found) != len(budgets):
        raise BadEntry(f"{len(found)} schedules came back, and {len(budgets)} are expected")
    for rates, updates in zip(found, budgets, strict=True):
        if len(rates) != updates:
            count = len(rates) if len(rates) < updates else f"more than {updates}"
            raise BadEntry(f"schedule({updates}) gave {count} rates, and {updates} are expected")
        for update, rate in enumerate(rates):
            if not 0 <= rate <= HIGHEST:
                words = f"schedule({updates}) has the rate {rate} at update {update}"
                raise BadEntry(f"{words}; 0 to {HIGHEST:.5g}, the largest float32, is allowed")
    return found


# -- places ---------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Trained:
    """One entry's runs on one task, as the rules take numbers."""

    runs: Sample

    def settings(self) -> set[Any]:
        return set()

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        return self.runs.first(count)


class Place(NamedTuple):
    """Where an entry stands. ``best`` and ``worst`` are the places that it may have, with 95 % for all pairs at once.

    ``apart`` is what the first has more, in words; ``like`` names the entries that it is not clearly different from.
    """

    student: str
    best: int
    worst: int
    accuracy: float
    lost: int
    apart: str
    like: list[str]


def places(entries: Mapping[str, Sequence[Sample]]) -> list[Place]:
    """The entries by their mean accuracy over tasks and seeds, each with the places that the seeds leave open.

    Each pair is compared seed by seed, by the rule that decides the course's claims. The level of each interval is such
    that all of them together hold with 95 % (Bonferroni).
    """
    arms = {student: Mean([Trained(runs) for runs in samples]) for student, samples in entries.items()}
    means = {student: arm.sample("pytorch", True) for student, arm in arms.items()}
    order = sorted(arms, key=lambda student: -means[student].values.mean())
    pairs = len(order) * (len(order) - 1) // 2
    looks = {
        (a, b): Higher(arms[a], arms[b], SMALLEST).look(("pytorch",), means[a].seeds, 1 - 0.05 / pairs)
        for a, b in itertools.combinations(order, 2)
    }
    better = {pair for pair, found in looks.items() if found.word == HOLDS}
    better |= {(b, a) for (a, b), found in looks.items() if found.word == REVERSED}
    table = []
    for student in order:
        above = sum(loser == student for _, loser in better)
        below = sum(winner == student for winner, _ in better)
        like = [o for o in order if o != student and (o, student) not in better and (student, o) not in better]
        first = looks.get((order[0], student))
        apart = ""
        if first is not None:
            mean, low, high = first.mean, first.low, first.high
            apart = f"{mean:.2f} ({low:+.2f} to {high:+.2f})"  # no sign first, as formulas have
            if first.lost:
                mean, low, high = (100 * (share + 0.5) for share in (mean, low, high))
                apart = f"better in {mean:.0f} % of the seeds that tell them apart ({low:.0f} to {high:.0f})"
                if high - low == 100:  # nothing was counted: any single seed narrows the interval
                    apart = "no seed tells them apart"
        lost, accuracy = int(means[student].lost.sum()), float(means[student].values.mean())
        table.append(Place(student, above + 1, len(order) - below, accuracy, lost, apart, like))
    return table


# -- the leaderboard ------------------------------------------------------------------------------


def leaderboard(
    folder: Path, results: Path, third: Path, count: int, seconds: float, jobs: int
) -> tuple[list[Place], dict[str, str]]:
    """Rank the entries in a folder; the second is what is to be said of each student, a bad entry's fault among it."""
    students = assignments.student_folders(folder, NAME)
    assignments.require_writable(results, TABLES)
    known, first = tasks(third)
    budgets = [task.updates for task in known.values()]
    try:
        answers = {TEMPLATE: rates_of((CAPSTONE / NAME).read_bytes(), budgets, seconds)}
    except BadEntry as fault:
        words = f"what all start from, {NAME}, gave no rates: {fault}"
        raise AssignmentError(f"{words}; --seconds (SECONDS= with make) gives an entry more time") from None
    notes: dict[str, str] = {}
    sources: dict[str, bytes] = {}
    for student in students:  # all are read before the first one runs
        try:
            sources[student.name], notes[student.name] = read_entry(student)
        except BadEntry as fault:
            notes[student.name] = str(fault)
    for student, source in tqdm(sources.items(), desc="entries", disable=len(sources) < 2):
        try:
            answers[student] = rates_of(source, budgets, seconds)
        except BadEntry as fault:
            notes[student] = "; ".join(filter(None, (str(fault), notes[student])))
    entries = _train_all(known, answers, range(first, first + count), jobs)
    table = places(entries)
    _write(table, notes, entries, list(known), range(first, first + count), results)
    return table, notes


def _train_all(
    known: Mapping[str, Task], answers: Mapping[str, list[list[float]]], seeds: Sequence[int], jobs: int
) -> dict[str, list[Sample]]:
    """Each entry's runs on each task; rates that several entries share are trained once."""
    from joblib import Parallel, delayed

    wanted = {(task, tuple(rates)) for given in answers.values() for task, rates in zip(known, given, strict=True)}
    todo = sorted(wanted)
    run = Parallel(n_jobs=jobs, return_as="generator", mmap_mode="c")(
        delayed(train)(known[task], rates, seeds) for task, rates in todo
    )
    done = dict(zip(todo, tqdm(run, total=len(todo), desc="training", delay=2), strict=True))
    return {
        student: [done[task, tuple(rates)] for task, rates in zip(known, given, strict=True)]
        for student, given in answers.items()
    }


HEAD = [
    "place",
    "student",
    "mean accuracy",
    "95 % of the mean",
    "seeds lost",
    "the first has more",
    "not clearly different from",
]


def _write(
    table: Sequence[Place],
    notes: Mapping[str, str],
    entries: Mapping[str, Sequence[Sample]],
    names: Sequence[str],
    seeds: Sequence[int],
    results: Path,
) -> None:
    rows = []
    for place in table:
        runs = entries[place.student]
        low, high = interval(np.mean([one.values for one in runs], axis=0))
        spread = "" if place.lost else f"{low:.2f} to {high:.2f}"
        numbers = [f"{place.accuracy:.2f}", spread, str(place.lost), place.apart, ", ".join(place.like)]
        each = [f"{one.values.mean():.2f}" for one in runs]
        rows.append([shown(place), place.student, *numbers, *each, notes.get(place.student, "")])
    bad = [student for student in notes if student not in entries]
    rows += [["none", student, *[""] * (len(HEAD) - 2 + len(names)), notes[student]] for student in bad]
    assignments.write_csv(results / BOARD, [[*HEAD, *names, "message"], *rows])
    runs_of = [
        [student, name, str(seed), f"{accuracy:.3f}", "yes" if lost else "no"]
        for student, samples in entries.items()
        for name, sample in zip(names, samples, strict=True)
        for seed, accuracy, lost in zip(seeds, *sample[:2], strict=True)
    ]
    assignments.write_csv(results / RUNS, [["student", "task", "seed", "accuracy", "lost"], *runs_of])


def shown(place: Place) -> str:
    """The places that an entry may have, in words."""
    return str(place.best) if place.best == place.worst else f"{place.best} to {place.worst}"


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("submissions", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--third", type=Path, default=CAPSTONE / "third_task.py", help="a file like third_task.py")
    parser.add_argument("--seeds", type=assignments.positive(int), default=SEEDS)
    parser.add_argument("--jobs", type=assignments.positive(int), default=1, help="trainings at a time")
    parser.add_argument("--seconds", type=assignments.positive(float), help="for one entry to compute its rates")
    options = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a student's name need not be Unicode
    try:
        if options.seeds < 3:
            raise AssignmentError(f"an interval needs three seeds or more, got {options.seeds}")
        seconds = options.seconds or assignments.calibrate(1) / SHARE
        jobs = assignments.within_memory(options.jobs)
        place = options.submissions, options.results, options.third
        table, notes = leaderboard(*place, options.seeds, seconds, jobs)
    except AssignmentError as error:
        print(error, file=sys.stderr)
        return 1
    for one in table:
        like = f"; not clearly different from {', '.join(one.like)}" if one.like else ""
        lost = f"; {one.lost} of {options.seeds} seeds lost" if one.lost else ""
        print(f"{shown(one):>8}  {one.student}: {one.accuracy:.2f} %{lost}{like}")
    for student, note in notes.items():
        if note:
            print(f"{student}: {note}")
    print(f"written: {options.results}/{', '.join(TABLES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
