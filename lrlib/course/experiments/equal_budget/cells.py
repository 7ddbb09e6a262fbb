"""Schedules at equal budget: eleven of them on three tasks at three budgets, each tuned alike.

A cell is a schedule on a task at a budget. Its peak rate is chosen from five by one run each, on validation images,
with a seed of its own; then three seeds are trained with it, and the test images are read once. All else is one for
all: SGD with momentum 0.9, no penalty on weights, no augmentation. A schedule's other lengths are shares of the budget.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from lrlib import (
    Constant,
    Cosine,
    InverseSqrt,
    Linear,
    OneCycle,
    Piecewise,
    Rex,
    Schedule,
    WarmupStableDecay,
)
from lrlib.course import data, tasks
from lrlib.course.experiment import Experiment, Rerun, Result, each_seed
from lrlib.course.tasks import initial, updates
from lrlib.course.training import Bench, Curve, all_finite, batch_order, description, stack_orders

BUDGETS = (1, 3, 9)  # epochs
PEAKS = (0.01, 0.03, 0.1, 0.3, 1.0)
FREE_PEAKS = (0.1, 0.3, 1.0, 3.0, 10.0)  # Schedule-Free's momentum averages gradients, where SGD's adds up to ten
TUNING_SEED, TRIAL_SEEDS = 100, (0, 1, 2)
MARKS = 8  # a run is looked at after each eighth of its budget
SCHEDULE_FREE = "schedule-free"  # an optimizer of its own, in PyTorch
WINNERS = ("wsd", "rex")  # most often among the best three in PyTorch; also trained in Keras


class Task(NamedTuple):
    """``held_out`` images, the last of those to train on, are for validation; the final test has ``tested`` images."""

    batch: int
    held_out: int
    tested: int
    images: Callable[[], tuple[np.ndarray, ...]]  # x, y, x_test, y_test


@cache
def _digits() -> tuple[np.ndarray, ...]:
    x, y = data.digit_rows()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    return x[:-300], y[:-300], x[-300:], y[-300:]


TASKS = {
    "digits": Task(32, 300, 300, _digits),
    "mnist": Task(100, 5000, 10_000, partial(tasks.arrays, "mnist")),
    "cifar10": Task(100, 5000, 10_000, partial(tasks.arrays, "cifar10")),
}


def schedules(peak: float, updates: int) -> dict[str, Schedule]:
    """Every schedule over a budget of ``updates``, with the same highest rate. Schedule-Free is not among them."""
    warmup, decay = max(1, updates // 20), max(1, updates // 5)
    first, second = round(updates / 7), round(2 * updates / 7)  # cycles of one, two and four sevenths
    return {
        "constant": Constant(peak),
        "step": Piecewise((updates // 2, 3 * updates // 4), (peak, peak / 10, peak / 100)),
        "cosine": Cosine(peak, 0.0, updates),
        "linear": Linear(peak, 0.0, updates),
        "warmup-cosine": Linear(0.0, peak, warmup).then(Cosine(peak, 0.0, updates - warmup)),
        "one-cycle": OneCycle(peak, updates),
        "sgdr": Cosine(peak, 0.0, first)
        .then(Cosine(peak, 0.0, second))
        .then(Cosine(peak, 0.0, updates - first - second)),  # CosineRestarts would restart once more, for what is left
        "wsd": WarmupStableDecay(peak, warmup, updates - warmup - decay, decay),
        "rex": Rex(peak, 0.0, updates),
        "inverse-sqrt": InverseSqrt(peak, warmup),
    }


NAMES = (*schedules(1.0, 100), SCHEDULE_FREE)


def peaks(schedule: str) -> tuple[float, ...]:
    """The five candidates for a schedule's peak."""
    return FREE_PEAKS if schedule == SCHEDULE_FREE else PEAKS


@dataclasses.dataclass(frozen=True)
class Setting:
    task: str
    schedule: str
    epochs: int

    def to_dict(self) -> dict[str, Any]:
        values = None if self.schedule == SCHEDULE_FREE else schedules(1.0, updates(self.task, self.epochs))
        return {
            **vars(self),
            "peaks": list(peaks(self.schedule)),
            "at_peak_1": values and values[self.schedule].to_dict(),
        }


SETTINGS = {
    f"{task}-{epochs}epochs-{name}": Setting(task, name, epochs)
    for task in TASKS
    for epochs in BUDGETS
    for name in NAMES
}


def seeds_of(setting: str, framework: str) -> tuple[int, ...]:
    """A trial is a whole cell: the choice of its peak, and its seeds. In Keras the schedules that won."""
    return (0,) if framework == "pytorch" or SETTINGS[setting].schedule in WINNERS else ()


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> Result:
    """One cell: the peak chosen on validation images, then three seeds with it, tested once.

    With a ``share`` below one only the first of a cell's runs is made, and only that share of it.
    """
    candidates = peaks(setting.schedule)
    parts = max(1, round(share * MARKS))
    if parts < MARKS:
        return {"tuning": [_accuracies(setting, framework, candidates[0], parts)]}
    tuning = [_accuracies(setting, framework, peak) for peak in candidates]
    peak = candidates[int(np.argmax([accuracies[-1] for accuracies in tuning]))]
    return {"tuning": tuning, "peak": peak, "runs": runs(setting, framework, peak, TRIAL_SEEDS)}


def _accuracies(setting: Setting, framework: str, peak: float, parts: int = MARKS) -> list[float]:
    """Of the tuning seed: validation accuracy after each eighth of the budget."""
    (tuned,) = train_seeds(setting, framework, peak, [TUNING_SEED], parts, test=False)
    return tuned["curve"]["accuracy"]


def runs(setting: Setting, framework: str, peak: float, seeds: Sequence[int]) -> list[Result]:
    """Train each seed with this peak and read the test images once; PyTorch trains the digits' seeds at once."""
    groups = tasks.groups(setting.task, framework, seeds)
    return [found for group in groups for found in train_seeds(setting, framework, peak, group)]


def train_seeds(
    setting: Setting, framework: str, peak: float, seeds: Sequence[int], parts: int = MARKS, test: bool = True
) -> list[Result]:
    """Train these seeds at once: validation accuracy after each eighth of the budget, and at last the test accuracy."""
    task = TASKS[setting.task]
    x, y, *tested = task.images()
    watched = x[-task.held_out :], y[-task.held_out :]
    x, y = x[: -task.held_out], y[: -task.held_out]
    orders = stack_orders(batch_order(len(x), task.batch, setting.epochs, seed) for seed in seeds)
    bench = _bench(setting, peak, framework, seeds)
    curves = [Curve("accuracy") for _ in seeds]

    def on_pause(update: int) -> None:
        for curve, accuracy in zip(curves, bench.evaluate(*watched)[1], strict=True):
            curve.add(update, accuracy)

    pauses = [len(orders) * mark // MARKS for mark in range(1, parts + 1)]
    history = bench.train(x, y, orders[: pauses[-1]], pauses, on_pause)
    accuracies = bench.evaluate(*tested)[1] if test else []
    return [
        {
            "seed": seed,
            "curve": curves[i].columns,
            "diverged": not all_finite(history.losses[:, i]),
            **({"test_accuracy": accuracies[i]} if test else {}),
        }
        for i, seed in enumerate(seeds)
    ]


def _bench(setting: Setting, peak: float, framework: str, seeds: Sequence[int]) -> Bench:
    length = updates(setting.task, setting.epochs)
    if setting.schedule == SCHEDULE_FREE:
        return tasks.schedule_free_bench(setting.task, "sgd", peak, length, seeds)
    return tasks.bench(setting.task, "sgd", schedules(peak, length)[setting.schedule], framework, seeds)


def _trains(setting: Setting) -> dict[str, Any]:
    task = TASKS[setting.task]
    return description(
        initial(setting.task, 0),
        initial="Glorot-uniform, zero biases" if setting.task == "cifar10" else "uniform in ±1/√inputs",
        optimizer="Schedule-Free SGD" if setting.schedule == SCHEDULE_FREE else "SGD, momentum 0.9, by PyTorch's rule",
        split=f"the last {task.held_out} training images held out",
        batches=f"{task.batch}, a new permutation each epoch",
        loss="cross-entropy",
    )


EXPERIMENT = Experiment(
    name="equal_budget",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=seeds_of,
    trains=_trains,
    rerun=Rerun(1 / MARKS, lambda result: result["tuning"][0][:1]),
)
