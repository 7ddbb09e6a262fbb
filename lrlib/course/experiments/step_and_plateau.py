"""Step decay and reduce-on-plateau on MNIST, after the Deep Learning Wizard's tutorial.

MNIST, pixels in [0, 1]; 784–100 ReLU–10; batch 100; SGD, momentum 0.9, Nesterov; cross-entropy.
"""

import dataclasses
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from lrlib import Constant, Plateau, Schedule, StepDecay
from lrlib.course.data import mnist
from lrlib.course.experiment import Claim, Experiment, Rerun, Rule, each_seed
from lrlib.course.networks import dense_weights
from lrlib.course.rules import LOSS, Higher, PublishedValue, Untestable
from lrlib.course.samples import TEST_ACCURACY, Measure, Runs, at_update, final
from lrlib.course.sources import DL_WIZARD
from lrlib.course.training import Arrays, Bench, Curve, all_finite, batch_order, description, packed, whole_epochs

SIZES = (784, 100, 10)
BATCH = 100
SEEDS = tuple(range(5))
EVERY = 500  # the source measures after every 500 updates, though an epoch has 600
HELD_OUT = 5000
SMALLEST, SMALLEST_LOSS = 0.1, 0.005  # effects of interest: points of test accuracy, training loss
COMPARED = (1500, 3000)  # updates after which schedules are compared on the test images
CHAPTER = "step_and_plateau"
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
    "step-each-epoch-0.1": Setting(StepDecay(0.1, 0.1, every=1), 5),
    "step-each-2-epochs-0.1": Setting(StepDecay(0.1, 0.1, every=2), 5),
    "step-each-2-epochs-0.96": Setting(StepDecay(0.1, 0.96, every=2), 5),
    "step-each-epoch-0.96": Setting(StepDecay(0.1, 0.96, every=1), 5),
    "constant": Setting(Constant(0.1), 10),  # its first half is the five-epoch control
}
SETTINGS: dict[str, Setting] = {
    **_STEPS,
    # What the source's step-first loop runs in PyTorch ≥ 1.1.
    "step-each-epoch-0.1-from-0.01": Setting(StepDecay(0.01, 0.1, every=1), 5),
    **{
        f"plateau-{factor}-stale-test-accuracy": Setting(_plateau("max", factor, 0), 10, "stale test accuracy")
        for factor in (0.1, 0.5)
    },
    **{f"{name}-held-out": dataclasses.replace(setting, held_out=True) for name, setting in _STEPS.items()},
    **{
        f"plateau-{factor}-validation-accuracy": Setting(_plateau("max", factor, 0), 10, "validation accuracy", True)
        for factor in (0.1, 0.5)
    },
    **{
        f"plateau-0.1-validation-loss-patience-{patience}": Setting(
            _plateau("min", 0.1, patience), 10, "validation loss", True
        )
        for patience in (0, 1, 5)
    },
}


# The source's five, by the letters under which the chapter and the claims speak of them.
LETTERS = {
    "a": "step-each-epoch-0.1",
    "b": "step-each-2-epochs-0.1",
    "c": "step-each-2-epochs-0.96",
    "d": "plateau-0.1-stale-test-accuracy",
    "e": "plateau-0.5-stale-test-accuracy",
}


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return dense_weights(SIZES, seed)


@cache
def images() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST as the source has it: float32 rows of 784 pixels in [0, 1]."""
    (x, y), (x_test, y_test) = mnist()
    return (_rows(x), y), (_rows(x_test), y_test)


def _rows(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1).astype("float32") / 255


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates by epoch, curve, losses, the final test.

    As the source wrote them, runs read the test set after every 500 updates; corrected runs read the held-out images
    after every epoch, and the test set once.
    """
    return train_and_measure(setting, framework, seed, whole_epochs(setting.epochs, share), *images())


def train_and_measure(
    setting: Setting, framework: str, seed: int, epochs: int, training: Arrays, test: Arrays
) -> dict[str, Any]:
    """A trial of so many epochs on these images."""
    (x, y), watched = training, test
    if setting.held_out:
        watched = (x[-HELD_OUT:], y[-HELD_OUT:])
        x, y = x[:-HELD_OUT], y[:-HELD_OUT]
    order = batch_order(len(x), BATCH, epochs, seed)
    per_epoch = len(order) // epochs
    bench = _BENCHES[framework](setting.rule, per_epoch, seed, framework)
    curve = Curve("loss", "accuracy")
    stale = float("nan")
    right = {}

    def on_pause(update: int) -> None:
        nonlocal stale
        loss, accuracy = bench.evaluate(*watched)
        curve.add(update, loss, accuracy)
        if update in COMPARED and not setting.held_out:
            right[str(update)] = packed(bench.right(*test))
        if update % EVERY == 0:
            stale = accuracy
        if setting.monitor and update % per_epoch == 0:
            metrics = {"stale test accuracy": stale, "validation accuracy": accuracy, "validation loss": loss}
            bench.report(metrics[setting.monitor])

    pauses = set(range(per_epoch, len(order) + 1, per_epoch))
    if not setting.held_out:
        pauses |= set(range(EVERY, len(order) + 1, EVERY))
    history = bench.train(x, y, order, pauses, on_pause)
    by_epoch = history.rates.reshape(epochs, per_epoch)
    right[str(len(order))] = packed(bench.right(*test))
    return {
        "rates": by_epoch[:, 0].tolist(),
        "rate_is_constant_within_epochs": bool((by_epoch == by_epoch[:, :1]).all()),
        "curve": curve.columns,
        "epoch_loss": history.losses.reshape(epochs, per_epoch).mean(1).tolist(),
        "train_loss": bench.evaluate(x, y)[0],
        "test_accuracy": bench.evaluate(*test)[1],
        "right": right,
        "diverged": not all_finite(history.losses),
    }


def _pytorch(rule: Schedule | Plateau, per_epoch: int, seed: int, framework: str) -> Bench:
    import torch

    from lrlib.course.pytorch import bench, perceptron

    model = perceptron(SIZES, initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    return bench(model, optimizer, rule if isinstance(rule, Plateau) else rule.hold(per_epoch))


def _keras(rule: Schedule | Plateau, per_epoch: int, seed: int, framework: str) -> Bench:
    import keras

    import lrlib.keras
    from lrlib.course.keras import bench, perceptron

    model = perceptron(SIZES, initial(seed))
    sgd = lrlib.keras.SGD if framework == "keras" else keras.optimizers.SGD
    clocked = rule if isinstance(rule, Plateau) else rule.hold(per_epoch)
    return bench(model, sgd, clocked, momentum=0.9, nesterov=True)


_BENCHES = {"pytorch": _pytorch, "keras": _keras, "keras-own": _keras}


def _trains(setting: Setting) -> dict[str, Any]:
    return description(
        initial(0),
        initial="uniform in ±1/√inputs",
        optimizer="SGD, momentum 0.9, Nesterov; PyTorch's rule, keras-own by Keras's",
        split=f"the last {HELD_OUT} training images held out" if setting.held_out else "the source's",
        batches=f"{BATCH}, a new permutation each epoch",
        loss="cross-entropy",
    )


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(DL_WIZARD, text, setting, rule, CHAPTER)

    def runs(name: str, measure: Measure = TEST_ACCURACY) -> Runs:
        return Runs(EXPERIMENT, name, measure)

    updates = range(500, 3001, 500)
    printed = {
        "a": (96, 97, 97, 97, 97, 97),
        "b": (96, 96, 97, 97, 97, 97),
        "c": (96, 96, 97, 97, 97, 97),
    }
    for letter, figures in printed.items():
        yield claim(
            f"({letter}) {' '.join(map(str, figures))} % at updates 500, 1000 … 3000",
            "as written; remainders dropped",
            PublishedValue(
                [runs(LETTERS[letter], at_update(update)) for update in updates],
                figures,
                [other for other in {*printed.values()} if other != figures],
                width=1.0,
                new=True,
            ),
        )
    for letter, figure, rival in (("d", 98.04, 98.01), ("e", 98.01, 98.04)):
        published = PublishedValue([runs(LETTERS[letter], at_update(6000))], [figure], [[rival]], new=True)
        yield claim(f"({letter}) {figure} % after 10 epochs", "as written", published)
    for update, text, setting in (
        (1500, "converges faster", "accuracy at update 1500"),
        (3000, "reaches higher accuracy", "accuracy after 5 epochs"),
    ):
        for letter in "abc":
            control = runs("constant", at_update(update))
            rule = Higher(runs(LETTERS[letter], at_update(update)), control, SMALLEST)
            yield claim(f"({letter}) {text} than a constant rate", setting, rule)
    for letter, factor in (("d", 0.1), ("e", 0.5)):
        yield claim(
            f"({letter}), mended, reaches higher accuracy than a constant rate",
            "10 epochs, 5,000 images held out",
            Higher(runs(f"plateau-{factor}-validation-accuracy"), runs("constant-held-out"), SMALLEST),
        )
    train_loss = final("train_loss")
    yield claim(
        "rapid decay (a) ends at a worse loss than slow decay (c)",
        "training loss after 5 epochs",
        Higher(runs(LETTERS["a"], train_loss), runs(LETTERS["c"], train_loss), SMALLEST_LOSS, digits=4, unit=LOSS),
    )
    patience = "plateau-0.1-validation-loss-patience-"
    yield claim(
        "longer patience (5 against 0) is better in long runs",
        "10 epochs, plateau on validation loss",
        Higher(runs(f"{patience}5"), runs(f"{patience}0"), SMALLEST),
    )
    yield claim(
        "decay more slowly in longer runs", "–", Untestable("no run of this experiment is longer than 10 epochs")
    )


EXPERIMENT = Experiment(
    name="step_and_plateau",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=lambda setting, framework: SEEDS,
    frameworks=FRAMEWORKS,
    fixed_test=True,
    trains=_trains,
    rerun=Rerun(1.0, lambda result: [result["train_loss"], result["test_accuracy"]]),
    claims=_claims,
)
