"""S4: four decays on CIFAR-10's cats and dogs, after the Keras reading by IBM and S. Lau. Settings and one trial.

10,000 training and 2,000 test images, pixels / 255; a network of 25,546 weights with dropout; batch 64; 50 epochs.
PyTorch and Keras start from the same weights and see the same batches; each draws its own dropout. SGD is each
framework's own: the source is Keras's, and where one momentum serves all it is 0, where the two rules are one.
"""

import dataclasses
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from lrlib import Constant, Exponential, InverseTime, Schedule, StepDecay
from lrlib.course.alike import History, batch_order, convnet_weights, described
from lrlib.course.data import cifar10
from lrlib.course.epochs import by_epoch

CLASSES = (3, 5)  # cats, dogs
BATCH, EPOCHS = 64, 50
HELD_OUT = 1000
FRAMEWORKS = ("pytorch", "keras")
SEEDS = tuple(range(5))


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts ``clock``: "epochs", changing only between them, or "updates"."""

    schedule: Schedule
    clock: str = "epochs"
    optimizer: str = "SGD"
    momentum: float = 0.0
    held_out: bool = False  # the last 1,000 training images for validation: 141 updates an epoch instead of 157

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "batch": BATCH, "epochs": EPOCHS}

    def on_updates(self, per_epoch: int) -> Schedule:
        """The schedule on a clock of updates."""
        return self.schedule if self.clock == "updates" else self.schedule.hold(per_epoch)


_DECAYS = {
    "constant": Setting(Constant(0.1)),
    "time-based": Setting(InverseTime(0.1, rate=0.1 / EPOCHS), clock="updates", momentum=0.5),
    "step": Setting(StepDecay(0.1, gamma=0.5, every=10), momentum=0.5),
    "exponential": Setting(Exponential(0.1, gamma=math.exp(-0.1)), momentum=0.8),
}
SETTINGS: dict[str, Setting] = {
    **_DECAYS,
    **{f"{name}-alike": dataclasses.replace(decay, momentum=0.0, held_out=True) for name, decay in _DECAYS.items()},
    "constant-0.01": Setting(Constant(0.01)),  # the rate in the source's table; its code has 0.1
    "adagrad": Setting(Constant(0.01), optimizer="Adagrad"),
    "adadelta": Setting(Constant(1.0), optimizer="Adadelta"),
    "rmsprop": Setting(Constant(0.001), optimizer="RMSprop"),
    "adam": Setting(Constant(0.001), optimizer="Adam"),
}


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return convnet_weights(seed)


def trains(setting: Setting) -> dict[str, Any]:
    """What a trial trains."""
    return described(
        initial(0),
        initial="Glorot-uniform, zero biases",
        loss="cross-entropy; dropout 0.25 and 0.5",
        optimizer=f"{setting.optimizer}, the framework's own",
        split="CIFAR-10's cats and dogs" + (": the last 1,000 training images held out" if setting.held_out else ""),
        batches="64; every epoch a new permutation",
    )


@cache
def images() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Cats (0) and dogs (1) as the source has them: N × 32 × 32 × 3, float32 in [0, 1]."""
    (x, y), (x_test, y_test) = cifar10(CLASSES)
    return (x.astype("float32") / 255, y), (x_test.astype("float32") / 255, y_test)


def trial(setting: Setting, framework: str, seed: int, epochs: int = EPOCHS) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates, losses and accuracies by epoch, the final test.

    As the source wrote them, runs read the test images after every epoch; mended runs read the held-out images after
    every epoch, and the test images once.
    """
    (x, y), test = images()
    watched = test
    if setting.held_out:
        watched = (x[-HELD_OUT:], y[-HELD_OUT:])
        x, y = x[:-HELD_OUT], y[:-HELD_OUT]
    order = batch_order(len(x), BATCH, epochs, seed)
    train, evaluate = (_pytorch if framework == "pytorch" else _keras)(setting, seed, len(order) // epochs)
    _, result = by_epoch(train, evaluate, (x, y), order, epochs, watched)
    return {**result, "test_accuracy": evaluate(*test)[1]}


Bound = tuple[Callable[..., History], Callable[..., tuple[float, float]]]  # train and evaluate of one model
EPSILON = 1e-8  # the original's, added outside the root
RHO = {"Adadelta": 0.95, "RMSprop": 0.9}


def _pytorch(setting: Setting, seed: int, per_epoch: int) -> Bound:
    import torch

    import lrlib.torch
    from lrlib.course.torch import convnet, evaluate, train

    torch.manual_seed(seed)  # for dropout
    model = convnet(initial(seed))
    constants: dict[str, dict[str, float]] = {
        "SGD": {"momentum": setting.momentum},
        "Adagrad": {"eps": EPSILON},
        "Adadelta": {"rho": RHO["Adadelta"], "eps": EPSILON},
        "RMSprop": {"alpha": RHO["RMSprop"], "eps": EPSILON},
        "Adam": {"eps": EPSILON},
    }
    optimizer = getattr(torch.optim, setting.optimizer)(model.parameters(), **constants[setting.optimizer])
    scheduler = lrlib.torch.Scheduler(optimizer, setting.on_updates(per_epoch))
    return partial(train, model, optimizer, scheduler=scheduler), partial(evaluate, model)


def _keras(setting: Setting, seed: int, per_epoch: int) -> Bound:
    import keras

    import lrlib.keras
    from lrlib.course.keras import convnet, evaluate, train

    keras.utils.set_random_seed(seed)  # for dropout
    model = convnet(initial(seed))
    inside = EPSILON**2  # today's Keras adds it under the root
    constants: dict[str, dict[str, float]] = {
        "SGD": {"momentum": setting.momentum},
        "Adagrad": {"initial_accumulator_value": 0.0, "epsilon": inside},
        "Adadelta": {"rho": RHO["Adadelta"], "epsilon": EPSILON},
        "RMSprop": {"rho": RHO["RMSprop"], "epsilon": inside},
        "Adam": {"epsilon": EPSILON},
    }
    rate = lrlib.keras.Schedule(setting.on_updates(per_epoch))
    optimizer = getattr(keras.optimizers, setting.optimizer)(rate, **constants[setting.optimizer])
    return partial(train, model, optimizer), partial(evaluate, model)
