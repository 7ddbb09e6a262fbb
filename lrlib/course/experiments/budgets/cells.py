"""A cell of the study: one schedule with one optimizer on one task at one budget, and how its seeds are trained.

All else is one for all: no augmentation, no dropout, the same initial weights and batches for every schedule at a seed.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lrlib import Schedule
from lrlib.course.data import digit_rows
from lrlib.course.experiment import Result
from lrlib.course.experiments import equal_budget
from lrlib.course.experiments.equal_budget import BUDGETS, MARKS, PERCEPTRONS, SCHEDULE_FREE, initial, schedules
from lrlib.course.networks import SMALL10
from lrlib.course.training import (
    Bench,
    Curve,
    all_finite,
    batch_order,
    description,
    packed,
    random_split,
    rows_of,
    stack_of_one,
    stack_orders,
)

TUNING_SEEDS = (0, 1, 2)  # they choose the peaks, and are not among those of the trials
FOUND = "linear-found"  # a line to zero from the peak that the range test suggests
NAMES = (*schedules(1.0, 100), SCHEDULE_FREE, FOUND)
EARLY = 3  # the mark, three eighths, at which a run is looked at as if it were stopped


class Optimizer(NamedTuple):
    """``peaks`` is the grid for a schedule's peak, ``free_peaks`` that for Schedule-Free, whose steps are averages."""

    words: str
    peaks: tuple[float, ...]
    free_peaks: tuple[float, ...]
    sweep: tuple[float, float]  # first and last rate of the range test
    names: tuple[str, ...] = NAMES  # the schedules that are run
    frameworks: tuple[str, ...] = ("pytorch", "keras")


DECAY = 0.1  # AdamW's weight decay
_ADAM: dict[str, Any] = {
    "peaks": (0.0003, 0.001, 0.003, 0.01, 0.03),
    "free_peaks": (0.001, 0.003, 0.01, 0.03, 0.1),
    "sweep": (1e-5, 1.0),
}
OPTIMIZERS = {
    "sgd": Optimizer("SGD, momentum 0.9", (0.01, 0.03, 0.1, 0.3, 1.0), (0.1, 0.3, 1.0, 3.0, 10.0), (1e-4, 10.0)),
    "adamw": Optimizer(f"AdamW, weight decay {DECAY}", **_ADAM),
    # What weight decay changes, for three shapes: none, an even fall, a late one.
    "adam": Optimizer("AdamW, weight decay 0", **_ADAM, names=("constant", "linear", "wsd"), frameworks=("pytorch",)),
}


class Part(NamedTuple):
    """Images and labels to train on, to choose by, and to test on; of digits each seed has its own, as first axis."""

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray  # seeds × rows of x to train on
    watched: tuple[np.ndarray, np.ndarray]
    tested: tuple[np.ndarray, np.ndarray]


class Task(NamedTuple):
    """``sizes`` are the images to train on, to choose by and to test on. With ``fixed_test`` all seeds share them."""

    batch: int
    sizes: tuple[int, int, int]
    fixed_test: bool
    seeds: int  # of the trials


TASKS = {
    "digits": Task(32, (1197, 300, 300), False, 10),
    "mnist": Task(100, (55_000, 5000, 10_000), True, 10),
    "cifar10": Task(100, (45_000, 5000, 10_000), True, 5),
}


def images(task: str, seeds: Sequence[int]) -> Part:
    """The digits are split anew for each seed; of MNIST and CIFAR-10 the last training images are for validation."""
    if task == "digits":
        x, y = digit_rows()
        splits = [random_split(len(x), TASKS[task].sizes, seed) for seed in seeds]
        train, watched, tested = (np.stack(part) for part in zip(*splits, strict=True))
        return Part(x, y, train, (x[watched], y[watched]), (x[tested], y[tested]))
    x, y, x_test, y_test = equal_budget.TASKS[task].images()
    rows = np.tile(np.arange(TASKS[task].sizes[0]), (len(seeds), 1))
    return Part(x, y, rows, (x[len(rows[0]) :], y[len(rows[0]) :]), (x_test, y_test))


def updates(task: str, epochs: int) -> int:
    """Updates of a budget; an epoch is the images to train on, those for validation left out."""
    return epochs * -(-TASKS[task].sizes[0] // TASKS[task].batch)


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
        return updates(self.task, self.epochs)

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
    task, data = TASKS[cell.task], images(cell.task, seeds)
    orders = stack_orders(
        rows_of(rows, batch_order(len(rows), task.batch, cell.epochs, seed))
        for rows, seed in zip(data.rows, seeds, strict=True)
    )
    bench = _BENCHES[framework](cell, peak, seeds)
    curves = [Curve("loss", "accuracy") for _ in seeds]
    early: dict[int, np.ndarray] = {}

    def on_pause(update: int) -> None:
        for curve, *measured in zip(curves, *bench.evaluate(*data.watched), strict=True):
            curve.add(update, *measured)
        if test and task.fixed_test and update == pauses[EARLY - 1]:
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


def _tested(bench: Bench, data: Part, early: dict[int, np.ndarray], last: int) -> list[Result]:
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


def torch_model(task: str, seed: int) -> Any:
    """The task's network in torch, of one seed."""
    from lrlib.course.pytorch import perceptron, pooled_convnet

    weights = initial(task, seed)
    return pooled_convnet(SMALL10, weights) if task == "cifar10" else perceptron(PERCEPTRONS[task], weights)


def _pytorch(cell: Cell, peak: float, seeds: Sequence[int]) -> Bench:
    from lrlib.course.pytorch import bench, stacked_perceptron

    stacked = cell.task == "digits"
    model = stacked_perceptron([initial(cell.task, s) for s in seeds]) if stacked else torch_model(cell.task, *seeds)
    schedule = cell.at(peak)
    if schedule is None:
        bound = schedule_free_bench(model, cell.optimizer, peak, warmup=max(1, cell.updates // 20))
    else:
        bound = bench(model, torch_optimizer(model, cell.optimizer), schedule)
    return bound if stacked else stack_of_one(bound)


def torch_optimizer(model: Any, optimizer: str) -> Any:
    """The torch optimizer of this name; the rate is the scheduler's to set."""
    import torch

    if optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=0.9)
    return torch.optim.AdamW(model.parameters(), weight_decay=DECAY if optimizer == "adamw" else 0.0)


def schedule_free_bench(model: Any, optimizer: str, peak: float, warmup: int) -> Bench:
    """Schedule-Free, by its authors' package: it trains one point and is measured at another, an average."""
    from schedulefree import AdamWScheduleFree, SGDScheduleFree

    from lrlib.course.pytorch import evaluate, right, train

    if optimizer == "sgd":
        free = SGDScheduleFree(model.parameters(), lr=peak, momentum=0.9, warmup_steps=warmup)
    else:
        free = AdamWScheduleFree(model.parameters(), lr=peak, weight_decay=DECAY, warmup_steps=warmup)

    def train_all(*arguments: Any) -> Any:
        free.train()
        return train(model, free, *arguments)

    def of_average(measure: Callable[..., Any]) -> Callable[..., Any]:
        def measured(x: np.ndarray, y: np.ndarray) -> Any:
            free.eval()
            found = measure(model, x, y)
            free.train()
            return found

        return measured

    return Bench(train_all, of_average(evaluate), of_average(right))


def _keras(cell: Cell, peak: float, seeds: Sequence[int]) -> Bench:
    import keras

    import lrlib.keras
    from lrlib.course.keras import bench, perceptron, pooled_convnet

    (seed,) = seeds
    weights = initial(cell.task, seed)
    convnet = cell.task == "cifar10"
    model = pooled_convnet(SMALL10, weights) if convnet else perceptron(PERCEPTRONS[cell.task], weights)
    schedule = cell.at(peak)
    if schedule is None:
        raise ValueError("Schedule-Free's own package is for PyTorch")
    if cell.optimizer == "sgd":
        bound = bench(model, lrlib.keras.SGD, schedule, momentum=0.9)
    else:
        # PyTorch's epsilon; Keras adds it before the correction of the second moment, which changes nothing to see.
        bound = bench(model, keras.optimizers.AdamW, schedule, weight_decay=DECAY, epsilon=1e-8)
    return stack_of_one(bound)


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def trains(cell: Cell) -> dict[str, Any]:
    """What a trial trains: part of what identifies its result."""
    task, words = TASKS[cell.task], OPTIMIZERS[cell.optimizer].words
    return description(
        initial(cell.task, 0),
        initial="Glorot-uniform, zero biases" if cell.task == "cifar10" else "uniform in ±1/√inputs",
        optimizer=f"{'Schedule-Free ' if cell.schedule == SCHEDULE_FREE else ''}{words}",
        split=f"the last {task.sizes[1]} training images held out" if task.fixed_test else "random by seed",
        batches=f"{task.batch}, a new permutation each epoch",
        loss="cross-entropy",
    )
