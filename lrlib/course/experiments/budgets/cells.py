"""A cell of the study: one schedule with one optimizer on one task at one budget, and how its seeds are trained.

All else is one for all: no augmentation, no dropout, the same initial weights and batches for every schedule at a seed.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lrlib import Schedule
from lrlib.course import tasks
from lrlib.course.experiment import Result
from lrlib.course.experiments.equal_budget import BUDGETS, MARKS, SCHEDULE_FREE, schedules
from lrlib.course.tasks import TASKS
from lrlib.course.training import Bench, Curve, all_finite, packed

TUNING_SEEDS = (0, 1, 2)  # they choose the peaks, and are not among those of the trials
FOUND = "linear-found"  # a line to zero from the peak that the range test suggests
NAMES = (*schedules(1.0, 100), SCHEDULE_FREE, FOUND)
EARLY = 3  # the mark, three eighths, at which a run is looked at as if it were stopped


class Optimizer(NamedTuple):
    """``peaks`` is the grid for a schedule's peak, ``free_peaks`` that for Schedule-Free, whose steps are averages."""

    peaks: tuple[float, ...]
    free_peaks: tuple[float, ...]
    sweep: tuple[float, float]  # first and last rate of the range test
    names: tuple[str, ...] = NAMES  # the schedules that are run
    frameworks: tuple[str, ...] = ("pytorch", "keras")


_ADAM: dict[str, Any] = {
    "peaks": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "free_peaks": (0.001, 0.003, 0.01, 0.03, 0.1),
    "sweep": (1e-5, 1.0),
}
OPTIMIZERS = {
    "sgd": Optimizer((0.01, 0.03, 0.1, 0.3, 1.0), (0.1, 0.3, 1.0, 3.0, 10.0), (1e-4, 10.0)),
    "adamw": Optimizer(**_ADAM),
    # What weight decay changes, for three shapes: none, an even fall, a late one.
    "adam": Optimizer(**_ADAM, names=("constant", "linear", "wsd"), frameworks=("pytorch",)),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    task: str
    optimizer: str
    epochs: int
    schedule: str

    @property
    def name(self) -> str:
        return f"{self.optimizer}-{self.epochs}epochs-{self.schedule}"

    @property
    def updates(self) -> int:
        return tasks.updates(self.task, self.epochs)

    def at(self, peak: float) -> Schedule | None:
        """The schedule with this peak; None of Schedule-Free, which has none."""
        every = schedules(peak, self.updates)
        return {**every, SCHEDULE_FREE: None, FOUND: every["linear"]}[self.schedule]

    def to_dict(self) -> dict[str, Any]:
        schedule = self.at(1.0)
        return {**vars(self), "at_peak_1": schedule and schedule.to_dict()}

    def runs_in(self, framework: str) -> bool:
        """Whether this framework runs it: Schedule-Free's own package is for PyTorch."""
        return framework in OPTIMIZERS[self.optimizer].frameworks and (
            framework == "pytorch" or self.schedule != SCHEDULE_FREE
        )


def cells(task: str) -> list[Cell]:
    """All cells of a task, those with fewer updates first."""
    return [
        Cell(task, optimizer, epochs, name)
        for epochs in BUDGETS
        for optimizer in OPTIMIZERS
        for name in OPTIMIZERS[optimizer].names
    ]


def train_seeds(
    cell: Cell, framework: str, peak: float, seeds: Sequence[int], parts: int = MARKS, test: bool = True
) -> list[Result]:
    """Train these seeds at once: validation loss and accuracy after each eighth of the budget, and at last the test.

    The test images are read once, at the end, and not at all unless ``test``. ``parts`` are the eighths that are made.
    """
    data = tasks.images(cell.task, seeds)
    orders = tasks.orders(cell.task, data.rows, cell.epochs, seeds)
    bench = _bench(cell, peak, framework, seeds)
    curves = [Curve("loss", "accuracy") for _ in seeds]
    early: dict[int, np.ndarray] = {}

    def on_pause(update: int) -> None:
        for curve, *measured in zip(curves, *bench.evaluate(*data.watched), strict=True):
            curve.add(update, *measured)
        if test and TASKS[cell.task].fixed_test and update == pauses[EARLY - 1]:
            early[update] = bench.right(*data.watched)

    pauses = [cell.updates * mark // MARKS for mark in range(1, parts + 1)]
    history = bench.train(data.x, data.y, orders[: pauses[-1]], pauses, on_pause)
    found = [
        {
            "rates": [float(history.rates[0]), float(history.rates[-1])],
            "curve": curve.columns,
            "diverged": not all_finite(history.losses[:, i]),
        }
        for i, curve in enumerate(curves)
    ]
    if not test:
        return found
    return [{**one, **more} for one, more in zip(found, _tested(bench, data, early, cell.updates), strict=True)]


def _tested(bench: Bench, data: tasks.Images, early: dict[int, np.ndarray], last: int) -> list[Result]:
    """Of each seed the test accuracy, and where all seeds share their images which of them were right."""
    if not early:
        return [{"test_accuracy": accuracy} for accuracy in bench.evaluate(*data.tested)[1]]
    ((update, watched),) = early.items()
    return [
        {
            "test_accuracy": 100 * float(right.mean()),
            "right": {str(last): packed(right)},
            "watched_right": {str(update): packed(before)},
        }
        for right, before in zip(bench.right(*data.tested), watched, strict=True)
    ]


def _bench(cell: Cell, peak: float, framework: str, seeds: Sequence[int]) -> Bench:
    schedule = cell.at(peak)
    if schedule is not None:
        return tasks.bench(cell.task, cell.optimizer, schedule, framework, seeds)
    if framework != "pytorch":
        raise ValueError("Schedule-Free's own package is for PyTorch")
    return tasks.schedule_free_bench(cell.task, cell.optimizer, peak, cell.updates, seeds)


def trains(cell: Cell) -> dict[str, Any]:
    """What a trial trains: part of what identifies its result."""
    free = "Schedule-Free " if cell.schedule == SCHEDULE_FREE else ""
    return tasks.trains(cell.task, free + tasks.OPTIMIZERS[cell.optimizer])
