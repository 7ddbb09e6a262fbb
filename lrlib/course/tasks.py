"""Three small tasks that several experiments share: images, networks and optimizers, the same in both frameworks."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lrlib import Schedule
from lrlib.course import data
from lrlib.course.networks import SMALL10, dense_weights, pooled_convnet_weights
from lrlib.course.training import (
    Bench,
    batch_order,
    description,
    random_split,
    rows_of,
    stack_of_one,
    stack_orders,
)


class Task(NamedTuple):
    """``sizes`` are the images to train on, to choose by and to test on. With ``fixed_test`` all seeds share them."""

    batch: int
    sizes: tuple[int, int, int]
    fixed_test: bool


TASKS = {
    "digits": Task(32, (1197, 300, 300), False),
    "mnist": Task(100, (55_000, 5000, 10_000), True),
    "cifar10": Task(100, (45_000, 5000, 10_000), True),
}
PERCEPTRONS = {"digits": (64, 32, 10), "mnist": (784, 100, 10)}

DECAY = 0.1  # AdamW's weight decay
OPTIMIZERS = {
    "plain": "SGD without momentum",
    "sgd": "SGD, momentum 0.9",
    "adamw": f"AdamW, weight decay {DECAY}",
    "adam": "AdamW, weight decay 0",
}


class Images(NamedTuple):
    """Images and labels to train on, to choose by, and to test on; of digits each seed has its own, as first axis."""

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray  # seeds × rows of x to train on
    watched: tuple[np.ndarray, np.ndarray]
    tested: tuple[np.ndarray, np.ndarray]


def images(task: str, seeds: Sequence[int]) -> Images:
    """The digits are split anew for each seed; of MNIST and CIFAR-10 the last training images are for validation."""
    if task == "digits":
        x, y = data.digit_rows()
        splits = [random_split(len(x), TASKS[task].sizes, seed) for seed in seeds]
        train, watched, tested = (np.stack(part) for part in zip(*splits, strict=True))
        return Images(x, y, train, (x[watched], y[watched]), (x[tested], y[tested]))
    x, y, x_test, y_test = arrays(task)
    count = TASKS[task].sizes[0]
    rows = np.tile(np.arange(count), (len(seeds), 1))
    return Images(x, y, rows, (x[count:], y[count:]), (x_test, y_test))


@cache
def arrays(task: str) -> tuple[np.ndarray, ...]:
    """MNIST as rows, or CIFAR-10 as images, with pixels in [0, 1]: x, y, x_test, y_test."""
    splits = data.mnist() if task == "mnist" else data.cifar10()
    (x, y), (x_test, y_test) = (((pixels / np.float32(255)), labels) for pixels, labels in splits)
    if task == "mnist":
        x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    return x, y, x_test, y_test


def updates(task: str, epochs: int) -> int:
    """Updates of a budget; an epoch is the images to train on, those for validation left out."""
    return epochs * -(-TASKS[task].sizes[0] // TASKS[task].batch)


def groups(task: str, framework: str, seeds: Sequence[int]) -> list[Sequence[int]]:
    """The seeds that are trained at once: in PyTorch all of the digits', else each by itself."""
    return [seeds] if framework == "pytorch" and task == "digits" else [[seed] for seed in seeds]


def orders(task: str, rows: np.ndarray, epochs: int, seeds: Sequence[int], batch: int | None = None) -> np.ndarray:
    """The batches of several seeds, updates × seeds × images, as row numbers; ``rows`` are each seed's to train on.

    ``batch`` is the number of images an update takes; None means the task's own.
    """
    size = TASKS[task].batch if batch is None else batch
    return stack_orders(
        rows_of(own, batch_order(len(own), size, epochs, seed)) for own, seed in zip(rows, seeds, strict=True)
    )


def initial(task: str, seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return pooled_convnet_weights(SMALL10, seed) if task == "cifar10" else dense_weights(PERCEPTRONS[task], seed)


def trains(task: str, optimizer: str) -> dict[str, Any]:
    """What a trial trains; ``optimizer`` in words."""
    batch, sizes, fixed_test = TASKS[task]
    return description(
        initial(task, 0),
        initial="Glorot-uniform, zero biases" if task == "cifar10" else "uniform in ±1/√inputs",
        optimizer=optimizer,
        split=f"the last {sizes[1]} training images held out" if fixed_test else "random by seed",
        batches=f"{batch}, a new permutation each epoch",
        loss="cross-entropy",
    )


# ---- The networks and optimizers -------------------------------------------------------------------------------------


def torch_model(task: str, seed: int) -> Any:
    """The task's network in torch, of one seed."""
    from lrlib.course.pytorch import perceptron, pooled_convnet

    weights = initial(task, seed)
    return pooled_convnet(SMALL10, weights) if task == "cifar10" else perceptron(PERCEPTRONS[task], weights)


def torch_network(task: str, seeds: Sequence[int]) -> Any:
    """The network of all these seeds at once on digits, elsewhere of the one seed."""
    from lrlib.course.pytorch import stacked_perceptron

    if task == "digits":
        return stacked_perceptron([initial(task, seed) for seed in seeds])
    (seed,) = seeds
    return torch_model(task, seed)


def torch_optimizer(model: Any, optimizer: str) -> Any:
    """The torch optimizer of this name; its rate is the scheduler's to set."""
    import torch

    if optimizer in ("plain", "sgd"):
        return torch.optim.SGD(model.parameters(), momentum=0.9 if optimizer == "sgd" else 0.0)
    return torch.optim.AdamW(model.parameters(), weight_decay=DECAY if optimizer == "adamw" else 0.0)


def bench(task: str, optimizer: str, schedule: Schedule, framework: str, seeds: Sequence[int]) -> Bench:
    """A task's network under a schedule. PyTorch trains the digits' seeds at once; else there is one seed."""
    return _BENCHES[framework](task, optimizer, schedule, seeds)


def _pytorch(task: str, optimizer: str, schedule: Schedule, seeds: Sequence[int]) -> Bench:
    from lrlib.course.pytorch import bench

    model = torch_network(task, seeds)
    bound = bench(model, torch_optimizer(model, optimizer), schedule)
    return bound if task == "digits" else stack_of_one(bound)


def _keras(task: str, optimizer: str, schedule: Schedule, seeds: Sequence[int]) -> Bench:
    import keras

    import lrlib.keras
    from lrlib.course.keras import bench, perceptron, pooled_convnet

    (seed,) = seeds
    weights = initial(task, seed)
    model = pooled_convnet(SMALL10, weights) if task == "cifar10" else perceptron(PERCEPTRONS[task], weights)
    if optimizer in ("plain", "sgd"):
        bound = bench(model, lrlib.keras.SGD, schedule, momentum=0.9 if optimizer == "sgd" else 0.0)
    else:
        # PyTorch's epsilon. Keras adds it before the second moment is corrected, which here is too little to see.
        decay = DECAY if optimizer == "adamw" else 0.0
        bound = bench(model, keras.optimizers.AdamW, schedule, weight_decay=decay, epsilon=1e-8)
    return stack_of_one(bound)


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def schedule_free_bench(task: str, optimizer: str, peak: float, updates: int, seeds: Sequence[int]) -> Bench:
    """Schedule-Free, by its authors' package for PyTorch: it trains one point and is measured at another, an average.

    It warms up for a twentieth of the ``updates``.
    """
    from schedulefree import AdamWScheduleFree, SGDScheduleFree

    from lrlib.course.pytorch import evaluate, right, train

    model, warmup = torch_network(task, seeds), max(1, updates // 20)
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

    bound = Bench(train_all, of_average(evaluate), of_average(right))
    return bound if task == "digits" else stack_of_one(bound)
