"""Schedules at equal budget: eleven of them on three tasks at three budgets, each tuned alike. Settings and one trial.

A cell is a schedule on a task at a budget. Its peak rate is chosen from five by one run each, on validation images,
with a seed of its own; then three seeds are trained with it, and the test images are read once. All else is one for
all: SGD with momentum 0.9, no penalty on weights, no augmentation. A schedule's other lengths are shares of the budget.
"""

import dataclasses
from collections.abc import Callable
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
from lrlib.course import data
from lrlib.course.alike import SMALL10, batch_order, dense_weights, described, pooled_convnet_weights

FRAMEWORKS = ("pytorch", "keras")
BUDGETS = (1, 3, 9)  # epochs
PEAKS = (0.01, 0.03, 0.1, 0.3, 1.0)
FREE_PEAKS = (0.1, 0.3, 1.0, 3.0, 10.0)  # Schedule-Free's momentum averages gradients, where SGD's adds up to ten
TUNING_SEED, TRIAL_SEEDS = 100, (0, 1, 2)
MARKS = 8  # a run is looked at after each eighth of its budget
SCHEDULE_FREE = "schedule-free"  # an optimizer of its own, in PyTorch
WINNERS = ("wsd", "rex")  # most often among the best three in PyTorch; also trained in Keras


class Task(NamedTuple):
    """``held_out`` images, the last of those to train on, are for validation."""

    batch: int
    held_out: int
    images: Callable[[], tuple[np.ndarray, ...]]  # x, y, x_test, y_test


@cache
def _digits() -> tuple[np.ndarray, ...]:
    x, y = data.digits()
    x, order = x.reshape(len(x), -1).astype("float32") / 16, np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    return x[:-300], y[:-300], x[-300:], y[-300:]


@cache
def _mnist() -> tuple[np.ndarray, ...]:
    (x, y), (x_test, y_test) = data.mnist()
    return _scaled(x).reshape(len(x), -1), y, _scaled(x_test).reshape(len(x_test), -1), y_test


@cache
def _cifar10() -> tuple[np.ndarray, ...]:
    (x, y), (x_test, y_test) = data.cifar10()
    return _scaled(x), y, _scaled(x_test), y_test


def _scaled(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype("float32") / 255


TASKS = {"digits": Task(32, 300, _digits), "mnist": Task(100, 5000, _mnist), "cifar10": Task(100, 5000, _cifar10)}
PERCEPTRONS = {"digits": (64, 32, 10), "mnist": (784, 100, 10)}


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


def updates(task: str, epochs: int) -> int:
    """Updates of a budget; an epoch is the images to train on, those for validation left out."""
    sizes = {"digits": 1197, "mnist": 55_000, "cifar10": 45_000}
    return epochs * -(-sizes[task] // TASKS[task].batch)


SETTINGS = {
    f"{task}-{epochs}-{name}": Setting(task, name, epochs) for task in TASKS for epochs in BUDGETS for name in NAMES
}


def seeds(setting: str, framework: str) -> tuple[int, ...]:
    """A trial is a whole cell: the choice of its peak, and its seeds. In Keras the schedules that won."""
    return (0,) if framework == "pytorch" or SETTINGS[setting].schedule in WINNERS else ()


def trains(setting: Setting) -> dict[str, Any]:
    """What a cell's runs train."""
    task = TASKS[setting.task]
    return described(
        initial(setting.task, 0),
        initial="Glorot-uniform, zero biases" if setting.task == "cifar10" else "uniform, bound 1/sqrt(inputs)",
        loss="cross-entropy",
        optimizer=("Schedule-Free SGD" if setting.schedule == SCHEDULE_FREE else "SGD") + ", momentum 0.9",
        split=f"{setting.task}: the last {task.held_out} images to train on are validation",
        batches=f"{task.batch}; every epoch a new permutation",
    )


def trial(setting: Setting, framework: str, seed: int, parts: int = MARKS) -> dict[str, Any]:
    """One cell: the peak chosen on validation images, then three seeds with it, tested once.

    With fewer ``parts`` only the first of a cell's runs is made, and only its first parts of eight.
    """
    candidates = peaks(setting.schedule)
    if parts < MARKS:
        return {"tuning": [run(setting, framework, candidates[0], TUNING_SEED, parts)["validation_accuracy"]]}
    tuning = [run(setting, framework, peak, TUNING_SEED)["validation_accuracy"] for peak in candidates]
    peak = candidates[int(np.argmax([accuracies[-1] for accuracies in tuning]))]
    runs = [run(setting, framework, peak, seed, test=True) for seed in TRIAL_SEEDS]
    return {"tuning": tuning, "peak": peak, "runs": runs}


def run(
    setting: Setting, framework: str, peak: float, seed: int, parts: int = MARKS, test: bool = False
) -> dict[str, Any]:
    """Train once: validation accuracy after each eighth of the budget, and, if asked for, the test accuracy at last."""
    task = TASKS[setting.task]
    x, y, *tested = task.images()
    watched = x[-task.held_out :], y[-task.held_out :]
    x, y = x[: -task.held_out], y[: -task.held_out]
    order = batch_order(len(x), task.batch, setting.epochs, seed)
    bench = (_pytorch if framework == "pytorch" else _keras)(setting, peak, len(order), seed)
    pauses = [len(order) * mark // MARKS for mark in range(1, parts + 1)]
    seen: list[float] = []
    history = bench.train(x, y, order[: pauses[-1]], pauses, lambda update: seen.append(bench.evaluate(*watched)[1]))
    found = {"seed": seed, "validation_accuracy": seen, "diverged": not bool(np.isfinite(history.losses).all())}
    return {**found, "test_accuracy": bench.evaluate(*tested)[1]} if test else found


class _Bench(NamedTuple):
    """One framework's model and optimizer, behind what a run asks of them."""

    train: Callable[..., Any]  # (x, y, order, pauses, on_pause) -> History
    evaluate: Callable[..., tuple[float, float]]  # (x, y) -> loss, accuracy


def initial(task: str, seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return pooled_convnet_weights(SMALL10, seed) if task == "cifar10" else dense_weights(PERCEPTRONS[task], seed)


def _pytorch(setting: Setting, peak: float, updates: int, seed: int) -> _Bench:
    import torch

    import lrlib.torch
    from lrlib.course.torch import evaluate, perceptron, pooled_convnet, train

    weights = initial(setting.task, seed)
    convnet = setting.task == "cifar10"
    model = pooled_convnet(SMALL10, weights) if convnet else perceptron(PERCEPTRONS[setting.task], weights)
    if setting.schedule == SCHEDULE_FREE:
        return _schedule_free(model, peak, updates)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, schedules(peak, updates)[setting.schedule])

    return _Bench(partial(train, model, optimizer, scheduler=scheduler), partial(evaluate, model))


def _schedule_free(model: Any, peak: float, updates: int) -> _Bench:
    """Schedule-Free SGD, by its authors' package: it trains one point and is measured at another, an average."""
    from schedulefree import SGDScheduleFree

    from lrlib.course.torch import evaluate, train

    optimizer = SGDScheduleFree(model.parameters(), lr=peak, momentum=0.9, warmup_steps=max(1, updates // 20))

    def train_all(*arguments: Any) -> Any:
        optimizer.train()
        return train(model, optimizer, *arguments)

    def evaluate_average(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        optimizer.eval()
        measured = evaluate(model, x, y)
        optimizer.train()
        return measured

    return _Bench(train_all, evaluate_average)


def _keras(setting: Setting, peak: float, updates: int, seed: int) -> _Bench:
    import lrlib.keras
    from lrlib.course.keras import evaluate, perceptron, pooled_convnet, train

    weights = initial(setting.task, seed)
    convnet = setting.task == "cifar10"
    model = pooled_convnet(SMALL10, weights) if convnet else perceptron(PERCEPTRONS[setting.task], weights)
    optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(schedules(peak, updates)[setting.schedule]), momentum=0.9)
    return _Bench(partial(train, model, optimizer), partial(evaluate, model))
