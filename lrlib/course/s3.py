"""S3: step decay and reduce-on-plateau on MNIST, after the Deep Learning Wizard's tutorial. Settings and one trial.

MNIST, pixels in [0, 1]; 784–100 ReLU–10; batch 100; SGD, momentum 0.9, Nesterov; cross-entropy.
"""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from lrlib import Constant, Plateau, Schedule, StepDecay
from lrlib.course.alike import batch_order, dense_weights, described
from lrlib.course.data import mnist

SIZES = (784, 100, 10)
BATCH = 100
SEEDS = tuple(range(5))
EVERY = 500  # the source measures after every 500 updates, though an epoch has 600
HELD_OUT = 5000
FRAMEWORKS = ("pytorch", "keras", "keras-own")  # keras follows PyTorch's momentum rule, keras-own Keras's


@dataclasses.dataclass(frozen=True)
class Setting:
    """``rule`` is a Schedule on a clock of epochs, or a Plateau that is shown ``monitor`` after each epoch."""

    rule: Schedule | Plateau
    epochs: int
    monitor: str | None = None  # "stale test accuracy", "validation accuracy", "validation loss"
    held_out: bool = False  # the last 5,000 training images for validation: 550 updates an epoch instead of 600

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "rule": self.rule.to_dict()}


def _plateau(mode: str, factor: float, patience: int) -> Plateau:
    return Plateau(0.1, mode=mode, factor=factor, patience=patience)


_STEPS = {
    "a": Setting(StepDecay(0.1, 0.1, every=1), 5),
    "b": Setting(StepDecay(0.1, 0.1, every=2), 5),
    "c": Setting(StepDecay(0.1, 0.96, every=2), 5),
    "c-every-epoch": Setting(StepDecay(0.1, 0.96, every=1), 5),
    "constant": Setting(Constant(0.1), 10),  # its first half is the five-epoch control
}
_MENDED_PLATEAUS = {
    "d-validation": Setting(_plateau("max", 0.1, 0), 10, "validation accuracy", True),
    "e-validation": Setting(_plateau("max", 0.5, 0), 10, "validation accuracy", True),
    "d-loss-patience-0": Setting(_plateau("min", 0.1, 0), 10, "validation loss", True),
    "d-loss-patience-1": Setting(_plateau("min", 0.1, 1), 10, "validation loss", True),
    "d-loss-patience-5": Setting(_plateau("min", 0.1, 5), 10, "validation loss", True),
}
SETTINGS: dict[str, Setting] = {
    **_STEPS,
    "a-today": Setting(StepDecay(0.01, 0.1, every=1), 5),  # what the source's step-first loop runs in PyTorch ≥ 1.1
    "d": Setting(_plateau("max", 0.1, 0), 10, "stale test accuracy"),
    "e": Setting(_plateau("max", 0.5, 0), 10, "stale test accuracy"),
    **{f"{name}-held-out": dataclasses.replace(setting, held_out=True) for name, setting in _STEPS.items()},
    **_MENDED_PLATEAUS,
}


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return dense_weights(SIZES, seed)


def trains(setting: Setting) -> dict[str, Any]:
    """What a trial trains."""
    return described(
        initial(0),
        initial="uniform, bound 1/sqrt(inputs)",
        loss="cross-entropy",
        optimizer="SGD, momentum 0.9, Nesterov",
        split="MNIST" + (": the last 5,000 training images held out" if setting.held_out else ""),
        batches="100; every epoch a new permutation",
    )


@cache
def images() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST as the source has it: float32 rows of 784 pixels in [0, 1]."""
    (x, y), (x_test, y_test) = mnist()
    return (_rows(x), y), (_rows(x_test), y_test)


def _rows(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1).astype("float32") / 255


def trial(setting: Setting, framework: str, seed: int, data: Any = None) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates by epoch, curves by update, losses, the final test.

    As the source wrote them, runs read the test set after every 500 updates; mended runs read the held-out images
    after every epoch, and the test set once.
    """
    (x, y), (x_test, y_test) = data or images()
    watched = (x_test, y_test)
    if setting.held_out:
        watched = (x[-HELD_OUT:], y[-HELD_OUT:])
        x, y = x[:-HELD_OUT], y[:-HELD_OUT]
    order = batch_order(len(x), BATCH, setting.epochs, seed)
    per_epoch = len(order) // setting.epochs
    bench = (_pytorch if framework == "pytorch" else _keras)(setting.rule, per_epoch, seed, framework)
    curve: dict[str, list] = {"update": [], "loss": [], "accuracy": []}
    stale = float("nan")

    def on_pause(update: int) -> None:
        nonlocal stale
        loss, accuracy = bench.evaluate(*watched)
        for name, number in zip(curve, (update, loss, accuracy), strict=True):
            curve[name].append(number)
        if update % EVERY == 0:
            stale = accuracy
        if setting.monitor and update % per_epoch == 0:
            metrics = {"stale test accuracy": stale, "validation accuracy": accuracy, "validation loss": loss}
            bench.report(metrics[setting.monitor])

    pauses = set(range(per_epoch, len(order) + 1, per_epoch))
    if not setting.held_out:
        pauses |= set(range(EVERY, len(order) + 1, EVERY))
    history = bench.train(x, y, order, pauses, on_pause)
    by_epoch = history.rates.reshape(setting.epochs, per_epoch)
    return {
        "rates": by_epoch[:, 0].tolist(),
        "rate_is_constant_within_epochs": bool((by_epoch == by_epoch[:, :1]).all()),
        "curve": curve,
        "epoch_loss": history.losses.reshape(setting.epochs, per_epoch).mean(1).tolist(),
        "train_loss": bench.evaluate(x, y)[0],
        "test_accuracy": bench.evaluate(x_test, y_test)[1],
        "diverged": not bool(np.isfinite(history.losses).all()),
    }


class _Bench(NamedTuple):
    """One framework's model and optimizer, behind what a trial asks of them."""

    train: Callable[..., Any]  # (x, y, order, pauses, on_pause) -> History
    evaluate: Callable[..., tuple[float, float]]  # (x, y) -> loss, accuracy
    report: Callable[[float], None]  # shows the metric to the plateau rule


def _pytorch(rule: Schedule | Plateau, per_epoch: int, seed: int, framework: str) -> _Bench:
    import torch

    from lrlib.course.torch import evaluate, perceptron, train
    from lrlib.torch import PlateauScheduler, Scheduler

    model = perceptron(SIZES, initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    if isinstance(rule, Plateau):
        plateau = PlateauScheduler(optimizer, rule)
        return _Bench(partial(train, model, optimizer), partial(evaluate, model), plateau.step)
    scheduler = Scheduler(optimizer, rule.hold(per_epoch))
    return _Bench(partial(train, model, optimizer, scheduler=scheduler), partial(evaluate, model), lambda metric: None)


def _keras(rule: Schedule | Plateau, per_epoch: int, seed: int, framework: str) -> _Bench:
    import keras

    import lrlib.keras
    from lrlib.course.keras import evaluate, perceptron, train

    model = perceptron(SIZES, initial(seed))
    sgd = lrlib.keras.SGD if framework == "keras" else keras.optimizers.SGD
    if isinstance(rule, Schedule):
        optimizer = sgd(lrlib.keras.Schedule(rule.hold(per_epoch)), momentum=0.9, nesterov=True)
        return _Bench(partial(train, model, optimizer), partial(evaluate, model), lambda metric: None)
    state = rule.start()
    optimizer = sgd(state.lr, momentum=0.9, nesterov=True)

    def report(metric: float) -> None:
        nonlocal state
        state = rule.update(state, metric)
        optimizer.learning_rate = state.lr

    return _Bench(partial(train, model, optimizer), partial(evaluate, model), report)
