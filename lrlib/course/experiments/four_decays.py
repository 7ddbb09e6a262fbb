"""Four decays on CIFAR-10's cats and dogs, after the Keras reading by IBM and S. Lau.

10,000 training and 2,000 test images, pixels / 255; a network of 25,546 weights with dropout; batch 64; 50 epochs.
PyTorch and Keras start from the same weights and see the same batches; each draws its own dropout. SGD is each
framework's own: the source is Keras's, and where one momentum serves all it is 0, where the two rules are one.
"""

import dataclasses
import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from lrlib import Constant, Exponential, InverseTime, Schedule, StepDecay
from lrlib.course import store
from lrlib.course.data import cifar10
from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Rule, each_seed
from lrlib.course.networks import convnet_weights
from lrlib.course.rules import Fact, Higher, Most, PublishedValue
from lrlib.course.samples import Runs
from lrlib.course.sources import KERAS_READING
from lrlib.course.training import Arrays, Bench, batch_order, description, random_split, record_by_epoch, whole_epochs

CLASSES = (3, 5)  # cats, dogs
BATCH, EPOCHS = 64, 50
HELD_OUT = 1000
CHAPTER = "four_decays"
RANDOM_LATER = "; random by seed from 100 on"
SMALLEST = 1.0  # the smallest effect of interest, in points of test accuracy
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
    **{
        f"{name}-no-momentum": dataclasses.replace(decay, momentum=0.0, held_out=True)
        for name, decay in _DECAYS.items()
    },
    "constant-0.01": Setting(Constant(0.01)),  # the rate in the source's table; its code has 0.1
    "adagrad": Setting(Constant(0.01), optimizer="Adagrad"),
    "adadelta": Setting(Constant(1.0), optimizer="Adadelta"),
    "rmsprop": Setting(Constant(0.001), optimizer="RMSprop"),
    "adam": Setting(Constant(0.001), optimizer="Adam"),
}


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return convnet_weights(seed)


@cache
def images() -> tuple[Arrays, Arrays]:
    """Cats (0) and dogs (1) as the source has them: N × 32 × 32 × 3, float32 in [0, 1]."""
    (x, y), (x_test, y_test) = cifar10(CLASSES)
    return (x.astype("float32") / 255, y), (x_test.astype("float32") / 255, y_test)


def split(seed: int) -> tuple[Arrays, Arrays]:
    """Images to train on and to test: drawn from all of them for each new seed, else the source's."""
    if seed < NEW:
        return images()
    (x, y), (x_test, y_test) = images()
    x, y = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    train, test = random_split(len(y), [len(y) - len(y_test), len(y_test)], seed)
    return (x[train], y[train]), (x[test], y[test])


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates, losses and accuracies by epoch, the final test.

    As the source wrote them, runs read the test images after every epoch; corrected runs read the held-out images after
    every epoch, and the test images once.
    """
    (x, y), test = split(seed)
    watched = test
    if setting.held_out:
        watched = (x[-HELD_OUT:], y[-HELD_OUT:])
        x, y = x[:-HELD_OUT], y[:-HELD_OUT]
    epochs = whole_epochs(EPOCHS, share)
    order = batch_order(len(x), BATCH, epochs, seed)
    bench = _BENCHES[framework](setting, seed, len(order) // epochs)
    _, result = record_by_epoch(bench, (x, y), order, epochs, watched)
    return {**result, "test_accuracy": bench.evaluate(*test)[1]}


EPSILON = 1e-8  # the original's, added outside the root
RHO = {"Adadelta": 0.95, "RMSprop": 0.9}


def _pytorch(setting: Setting, seed: int, per_epoch: int) -> Bench:
    import torch

    from lrlib.course.pytorch import bench, convnet

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
    return bench(model, optimizer, setting.on_updates(per_epoch))


def _keras(setting: Setting, seed: int, per_epoch: int) -> Bench:
    import keras

    from lrlib.course.keras import bench, convnet

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
    optimizer = getattr(keras.optimizers, setting.optimizer)
    return bench(model, optimizer, setting.on_updates(per_epoch), **constants[setting.optimizer])


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def _trains(setting: Setting) -> dict[str, Any]:
    return description(
        initial(0),
        initial="Glorot-uniform, zero biases",
        optimizer=f"{setting.optimizer}, each framework's own, momentum {setting.momentum:g}",
        split=(f"the last {HELD_OUT} training images held out" if setting.held_out else "the source's") + RANDOM_LATER,
        batches=f"{BATCH}, a new permutation each epoch; each framework draws its own dropout",
        loss="cross-entropy",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _time_based_rates(framework: str) -> tuple[bool, str]:
    """The source's time-based row, to its printed digits: epochs 0, 10, 25 and the end of the stored runs."""
    rates = store.load(EXPERIMENT)["time-based"][framework][0]["rates"]
    in_force = [rates[epoch] for epoch in (0, 10, 25, -1)]
    return np.allclose(in_force, [0.1, 0.099, 0.097, 0.095], atol=5e-4), ", ".join(f"{rate:.3g}" for rate in in_force)


def _step_rate(framework: str) -> tuple[bool, str]:
    """The source's step row at epoch 50, the one after the last; the rule is one in both frameworks."""
    rate = SETTINGS["step"].schedule(50)
    return math.isclose(rate, 0.00625), f"{rate:g}"


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(KERAS_READING, text, setting, rule, CHAPTER)

    published = {
        "constant": ("constant rate", 70.50),
        "time-based": ("time-based decay", 71.05),
        "step": ("step decay", 71.45),
        "exponential": ("exponential decay", 66.40),
        "adagrad": ("Adagrad 0.01", 70.40),
        "adadelta": ("Adadelta 1.0", 72.10),
        "rmsprop": ("RMSprop 0.001", 73.45),
        "adam": ("Adam 0.001", 71.30),
    }
    for name, (label, figure) in published.items():
        setting = "as written, but 50 epochs instead of 100"
        rivals = [[other] for _, other in published.values() if other != figure]
        yield claim(f"{label}: {figure:.2f} %", setting, PublishedValue([Runs(EXPERIMENT, name)], [figure], rivals))

    def against_constant(suffix: str) -> dict[str, Higher]:
        control = Runs(EXPERIMENT, f"constant{suffix}")
        schedules = ("time-based", "step", "exponential")
        return {name: Higher(Runs(EXPERIMENT, f"{name}{suffix}"), control, SMALLEST) for name in schedules}

    yield claim(
        "in most cases a schedule improves on a constant rate",
        "one momentum (0) for all, 1,000 images held out; schedules clearly higher",
        Most(against_constant("-no-momentum"), as_written=Most(against_constant(""))),
    )
    yield claim(
        "the table: time-based rates 0.1, 0.099, 0.097, 0.095 at epochs 0, 10, 25, 50",
        "rates in force, epoch 50 by the rule",
        Fact(_time_based_rates),
    )
    yield claim("the table: step decay's rate at epoch 50 is 0.00625", "the rule at epoch 50", Fact(_step_rate))


EXPERIMENT = Experiment(
    name="four_decays",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=lambda setting, framework: SEEDS,
    trains=_trains,
    rerun=Rerun(1 / EPOCHS, lambda result: result["epoch_loss"][:1]),
    classes=2,
    tested=2000,
    claims=_claims,
)
