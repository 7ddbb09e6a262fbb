"""One-cycle and super-convergence, after L. N. Smith (arXiv 1803.09820): LeNet on MNIST. Settings and one trial.

Caffe's LeNet, pixels in [0, 1], batch 512, so 118 updates an epoch; SGD by PyTorch's momentum rule, L2 penalty 5e-4.
The paper's two runs, and the controls that it lacks, in as many epochs as its cycle: a cosine and a line from its peak
to zero. Begun at the peak they diverge; so they are also run after a rise of one epoch, and the line from a lower peak.
"""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from lrlib import Constant, Cosine, Linear, OneCycle, Schedule, StepDecay
from lrlib.course.alike import LENET, History, batch_order, described, pooled_convnet_weights
from lrlib.course.data import mnist
from lrlib.course.epochs import by_epoch

FRAMEWORKS = ("pytorch", "keras")
BATCH = 512
PER_EPOCH = -(-60_000 // BATCH)
LONG, SHORT = 85, 12  # epochs
UPDATES = SHORT * PER_EPOCH
L2 = 5e-4
RISE = int(0.45 * UPDATES)  # as long as the fall; the last tenth goes on to a hundredth of the first rate


_ONE_MOMENTUM = Constant(0.9)


@dataclasses.dataclass(frozen=True)
class Setting:
    """Both schedules count updates."""

    schedule: Schedule
    momentum: Schedule = _ONE_MOMENTUM
    epochs: int = SHORT

    def to_dict(self) -> dict[str, Any]:
        schedules = {"schedule": self.schedule.to_dict(), "momentum": self.momentum.to_dict()}
        return {**schedules, "epochs": self.epochs, "batch": BATCH, "l2": L2}


_CYCLE = OneCycle(0.1, UPDATES, 0.45, div_factor=10, final_div_factor=100, anneal="linear", three_phase=True)
_WARMUP = Linear(0.01, 0.1, PER_EPOCH)
SETTINGS: dict[str, Setting] = {
    # The paper does not say where its step decay drops; here by ten after each third of the run.
    "step-85": Setting(StepDecay(0.01, 0.1, every=-(-LONG * PER_EPOCH // 3)), epochs=LONG),
    "one-cycle": Setting(_CYCLE, Linear(0.95, 0.8, RISE).then(Linear(0.8, 0.95, RISE))),
    "one-cycle-one-momentum": Setting(_CYCLE),
    "warmup-cosine": Setting(_WARMUP.then(Cosine(0.1, 0.0, UPDATES - PER_EPOCH))),
    "warmup-linear": Setting(_WARMUP.then(Linear(0.1, 0.0, UPDATES - PER_EPOCH))),
    "linear-0.03": Setting(Linear(0.03, 0.0, UPDATES)),
    "cosine": Setting(Cosine(0.1, 0.0, UPDATES)),
    "linear": Setting(Linear(0.1, 0.0, UPDATES)),
}


def seeds(setting: str, framework: str) -> tuple[int, ...]:
    """Five; of the long run and of the lower peak three in PyTorch and one in Keras; of those that diverge one."""
    if setting in ("step-85", "linear-0.03"):
        return (0, 1, 2) if framework == "pytorch" else (0,)
    return (0,) if setting in ("cosine", "linear") else tuple(range(5))


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return pooled_convnet_weights(LENET, seed)


def trains(setting: Setting) -> dict[str, Any]:
    """What a trial trains."""
    return described(
        initial(0),
        initial="Glorot-uniform, zero biases",
        loss="cross-entropy, L2 penalty 5e-4",
        optimizer="SGD by PyTorch's momentum rule",
        split="MNIST",
        batches="512; every epoch a new permutation",
    )


@cache
def images() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST: N × 28 × 28 × 1, float32 in [0, 1], with its labels, to train on and to test."""
    (x, y), (x_test, y_test) = mnist()
    return (x[..., None].astype("float32") / 255, y), (x_test[..., None].astype("float32") / 255, y_test)


def trial(setting: Setting, framework: str, seed: int, epochs: int | None = None) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates, losses, test loss and accuracy by epoch.

    The test images are looked at after every epoch, as the paper does; nothing is chosen by them. ``epochs`` cuts the
    run short.
    """
    (x, y), test = images()
    epochs = epochs or setting.epochs
    order = batch_order(len(x), BATCH, epochs, seed)
    train, evaluate = (_pytorch if framework == "pytorch" else _keras)(setting, seed)
    _, result = by_epoch(train, evaluate, (x, y), order, epochs, test)
    return {**result, "test_accuracy": result["curve"]["accuracy"][-1]}


Bound = tuple[Callable[..., History], Callable[..., tuple[float, float]]]  # train and evaluate of one model


def _pytorch(setting: Setting, seed: int) -> Bound:
    import torch

    import lrlib.torch
    from lrlib.course.torch import evaluate, pooled_convnet, train

    model = pooled_convnet(LENET, initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9, weight_decay=L2)
    scheduler = lrlib.torch.Scheduler(optimizer, setting.schedule, momentum=setting.momentum)
    return partial(train, model, optimizer, scheduler=scheduler), partial(evaluate, model)


def _keras(setting: Setting, seed: int) -> Bound:
    import lrlib.keras
    from lrlib.course.keras import evaluate, pooled_convnet, train

    model = pooled_convnet(LENET, initial(seed), l2=L2)
    rate = lrlib.keras.Schedule(setting.schedule)
    optimizer = lrlib.keras.SGD(rate, momentum=setting.momentum)
    return partial(train, model, optimizer), partial(evaluate, model)
