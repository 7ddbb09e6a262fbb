"""S1: cyclical rates on a subset of MNIST with ResNet-18, after B. Krishnan. Settings and one trial.

The subset is the official *test* images: the first 8,000 to train on, the last 2,000 for validation. Pixels in [0, 1],
batch 32, so 250 updates an epoch; 8 epochs. 10,000 of the official training images serve as a test set that neither
the source nor a choice of ours has seen.
"""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from lrlib import Constant, Cosine, Linear, Schedule, StepDecay, Triangular
from lrlib.course.alike import History, batch_order
from lrlib.course.data import mnist
from lrlib.course.epochs import by_epoch
from lrlib.course.s1_range import ADAM_EPSILON, BATCH, TRAIN, initial, network
from lrlib.course.s1_range import images as subset

FRAMEWORKS = ("pytorch", "keras")
EPOCHS = 8
TEST = 10_000
PER_EPOCH = TRAIN // BATCH
UPDATES = EPOCHS * PER_EPOCH
SHOWN = 50  # the training loss is stored as means over this many updates


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts updates. SGD has momentum 0.9, by PyTorch's rule in both frameworks."""

    schedule: Schedule
    optimizer: str = "Adam"

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "batch": BATCH, "epochs": EPOCHS}


_MAIN = {
    "cyclical": Setting(Triangular(1e-3, 1e-2, step_size=2 * PER_EPOCH)),
    "fixed": Setting(Constant(1e-3)),
}
SETTINGS: dict[str, Setting] = {
    **_MAIN,
    # What the source lacks: the fixed rate, annealed; and a single decay from the cycle's maximum.
    "linear": Setting(Linear(1e-3, 0.0, UPDATES)),
    "cosine": Setting(Cosine(1e-2, 0.0, UPDATES)),
    "step": Setting(StepDecay(1e-3, 0.1, every=6 * PER_EPOCH)),
    # What the source's range test advised, followed.
    "fixed-advised": Setting(Constant(5.21e-4)),
    "cyclical-advised": Setting(Triangular(3e-4, 1e-3, step_size=2 * PER_EPOCH)),
    "cyclical-sgd": Setting(_MAIN["cyclical"].schedule, "SGD"),
    "fixed-sgd": Setting(_MAIN["fixed"].schedule, "SGD"),
}


def seeds(setting: str, framework: str) -> tuple[int, ...]:
    """Three of the source's own pair in each framework; of the controls three in PyTorch and one in Keras."""
    return (0, 1, 2) if setting in _MAIN or framework == "pytorch" else (0,)


def trains(setting: Setting) -> dict[str, Any]:
    """What a trial trains: the range test's network, on its images."""
    return network("Adam, epsilon 1e-8" if setting.optimizer == "Adam" else "SGD, momentum 0.9")


@cache
def held_out_test() -> tuple[np.ndarray, np.ndarray]:
    """The first 10,000 official training images, as :func:`lrlib.course.s1_range.images` gives the others."""
    (x, y), _ = mnist()
    return x[:TEST, ..., None].astype("float32") / 255, y[:TEST].astype("int64")


def trial(
    setting: Setting, framework: str, seed: int, epochs: int = EPOCHS, updates: int | None = None
) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates, losses, validation by epoch, the held-out test.

    The test images are read once, after a whole run: one that is cut short to fewer ``epochs`` does not read them.
    ``updates`` cuts its only epoch short.
    """
    x, y = subset()
    order = batch_order(TRAIN, BATCH, epochs, seed)[:updates]
    train, evaluate = (_pytorch if framework == "pytorch" else _keras)(setting, seed)
    history, result = by_epoch(train, evaluate, (x[:TRAIN], y[:TRAIN]), order, epochs, (x[TRAIN:], y[TRAIN:]))
    losses = history.losses.reshape(-1, SHOWN).mean(1).tolist()
    test = {"test_accuracy": evaluate(*held_out_test())[1]} if epochs == EPOCHS else {}
    return {**result, f"loss_every_{SHOWN}": losses, **test}


Bound = tuple[Callable[..., History], Callable[..., tuple[float, float]]]  # train and evaluate of one model


def _pytorch(setting: Setting, seed: int) -> Bound:
    import torch

    import lrlib.torch
    from lrlib.course.torch import evaluate, resnet18, train

    model = resnet18(initial(seed))
    optimizer: torch.optim.Optimizer
    if setting.optimizer == "Adam":
        optimizer = torch.optim.Adam(model.parameters(), eps=ADAM_EPSILON)
    else:
        optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, setting.schedule)
    return partial(train, model, optimizer, scheduler=scheduler), partial(evaluate, model)


def _keras(setting: Setting, seed: int) -> Bound:
    import keras

    import lrlib.keras
    from lrlib.course.keras import evaluate, resnet18, train

    model = resnet18(initial(seed), size=28)
    rate = lrlib.keras.Schedule(setting.schedule)
    if setting.optimizer == "Adam":
        optimizer = keras.optimizers.Adam(rate, epsilon=ADAM_EPSILON)
    else:
        optimizer = lrlib.keras.SGD(rate, momentum=0.9)
    return partial(train, model, optimizer), partial(evaluate, model)
