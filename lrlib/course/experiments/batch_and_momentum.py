"""Runs of *Momentum, noise and batch* on scikit-learn's digits: what the printed rate means beside μ and B.

The network and the split of ``constant_rates``, but 1,024 images to train on: batches of 4, 8 … 256 all fill them, so
no batch is smaller than the others, and equal rate/batch × epochs is equal rate × updates to the last digit. Whatever
the batch, a seed's images come in the same order.

- *sweep*: plain SGD, batch × rate, 20 epochs;
- *momentum*: batches of 32, by the effective step η/(1 − μ);
- *adam*: batches of 8, 32 and 128;
- *shaken*: one training label in five random for good, so that the noise cannot die out;
- *full-batch*: squared error, with momentum, and the sharpness on the way.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lrlib import Constant, Piecewise, Schedule
from lrlib.course.data import digit_rows
from lrlib.course.experiment import Claim, Experiment, Rerun, Result, Rule
from lrlib.course.experiments import constant_rates
from lrlib.course.experiments.constant_rates import SIZES, initial
from lrlib.course.rules import Higher, Unit
from lrlib.course.samples import TEST_ACCURACY, Measure, Runs
from lrlib.course.sources import OUR_READING
from lrlib.course.training import (
    Bench,
    Curve,
    all_finite,
    batch_order,
    description,
    rows_of,
    stack_of_one,
    stack_orders,
    whole_epochs,
)
from lrlib.course.words import LONG_LOOKS

CHAPTER = "momentum_and_noise"
TRAINING = 1024
EPOCHS = 20
BATCHES = (4, 8, 16, 32, 64, 128, 256)
RATES = tuple(0.01 * 2**k for k in range(10))  # 0.01 to 5.12
MOMENTA = (0.5, 0.9, 0.99)
ADAM_BATCHES = (8, 32, 128)
ADAM_RATES = tuple(0.00025 * 2**k for k in range(8))  # to 0.032
RANDOM_LABELS = 0.2


@dataclasses.dataclass(frozen=True)
class Setting:
    """Mini-batch training at a constant rate; ``later``, if given, is (rate, batch) in the second half of the epochs.

    ``random_labels`` is the share of training labels that are replaced by digits drawn at random, once for all epochs.
    """

    rate: float
    batch: int
    momentum: float = 0.0
    epochs: int = EPOCHS
    optimizer: str = "SGD"
    betas: tuple[float, float] = (0.9, 0.999)  # Adam's
    random_labels: float = 0.0
    later: tuple[float, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        later = None if self.later is None else list(self.later)
        return {**vars(self), "betas": list(self.betas), "later": later, "sizes": list(SIZES)}


@dataclasses.dataclass(frozen=True)
class FullBatch(constant_rates.FullBatch):
    """Gradient descent with momentum on one batch."""

    momentum: float = 0.0


def swept(batch: int, rate: float) -> str:
    """The name of a setting of the sweep."""
    return f"batch{batch}-{rate:g}"


def with_momentum(momentum: float, effective: float) -> str:
    """The name of a setting with momentum, by its effective step η/(1 − μ); 0 is the sweep's."""
    return f"momentum{momentum:g}-{effective:g}" if momentum else swept(32, effective)


def by_adam(batch: int, rate: float) -> str:
    """The name of a setting of Adam."""
    return f"adam-batch{batch}-{rate:g}"


SHAKEN_RATE = 0.16
SHAKEN = {
    # As many updates at the same rate, with batches of 4 and of 32.
    "shaken-batch4": Setting(SHAKEN_RATE, 4, random_labels=RANDOM_LABELS),
    "shaken-batch32": Setting(SHAKEN_RATE, 32, epochs=8 * EPOCHS, random_labels=RANDOM_LABELS),
    # In the second half: as before, a quarter of the rate, four times the batch.
    "shaken-steady": Setting(SHAKEN_RATE, 8, random_labels=RANDOM_LABELS),
    "shaken-decayed": Setting(SHAKEN_RATE, 8, random_labels=RANDOM_LABELS, later=(SHAKEN_RATE / 4, 8)),
    "shaken-grown": Setting(SHAKEN_RATE, 8, random_labels=RANDOM_LABELS, later=(SHAKEN_RATE, 32)),
}
FULL_BATCH = {f"full-batch-momentum{momentum:g}": FullBatch(0.4, momentum=momentum) for momentum in (0.5, 0.9)}

SETTINGS: dict[str, Setting | FullBatch] = {
    **{swept(batch, rate): Setting(rate, batch) for batch in BATCHES for rate in RATES},
    **{
        with_momentum(momentum, effective): Setting(effective * (1 - momentum), 32, momentum)
        for momentum in MOMENTA
        for effective in RATES
    },
    **{by_adam(batch, rate): Setting(rate, batch, optimizer="Adam") for batch in ADAM_BATCHES for rate in ADAM_RATES},
    **SHAKEN,
    **FULL_BATCH,
}


def updates_in(setting: Setting, epochs: int) -> int:
    """How many updates so many epochs take."""
    return epochs * TRAINING // setting.batch


def order_of(setting: Setting, epochs: int, seed: int) -> np.ndarray:
    """Numbers of each update's training images: one order of the images a seed, cut into batches.

    Where the batch grows, the smaller ones are padded with −1.
    """
    images = batch_order(TRAINING, 1, epochs, seed).reshape(-1)
    if setting.later is None:
        return images.reshape(-1, setting.batch)
    half = (epochs + 1) // 2 * TRAINING
    halves = images[:half].reshape(-1, setting.batch), images[half:].reshape(-1, setting.later[1])
    widest = max(part.shape[1] for part in halves)
    padded = [np.pad(part, ((0, 0), (0, widest - part.shape[1])), constant_values=-1) for part in halves]
    return np.concatenate(padded)


def schedule_of(setting: Setting, epochs: int) -> Schedule:
    """The rate by update: constant, or one value in each half."""
    if setting.later is None:
        return Constant(setting.rate)
    return Piecewise((updates_in(setting, (epochs + 1) // 2),), (setting.rate, setting.later[0]))


def labels_of(y: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The labels, a share of them (drawn by the seed) replaced by digits at random: one in ten of these is right."""
    random, changed = np.random.default_rng([seed, 3]), y.copy()
    where = random.permutation(len(y))[: round(share * len(y))]
    changed[where] = random.integers(SIZES[-1], size=len(where))
    return changed


def run(setting: Setting | FullBatch, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Run ``setting`` with each seed and return what is stored; the test images are read once, at the end."""
    if isinstance(setting, FullBatch):
        return [_full_batch_trial(setting, framework, seed) for seed in seeds]
    x, y = digit_rows()
    epochs = whole_epochs(setting.epochs, share)
    splits = [constant_rates.split(seed) for seed in seeds]
    train = np.stack([rows[:TRAINING] for rows, _, _ in splits])
    test = np.stack([rows for _, _, rows in splits])
    labels = np.stack([labels_of(y[rows], setting.random_labels, s) for rows, s in zip(train, seeds, strict=True)])
    # One array of images for all seeds, since a bench takes one: each seed's own, one after another.
    images = np.arange(len(seeds))[:, None] * TRAINING + np.arange(TRAINING)
    order = stack_orders(rows_of(own, order_of(setting, epochs, seed)) for own, seed in zip(images, seeds, strict=True))
    bench = _BENCHES[framework](setting, schedule_of(setting, epochs), seeds)
    history = bench.train(x[train.reshape(-1)], labels.reshape(-1), order)
    train_losses, _ = bench.evaluate(x[train], labels)
    test_losses, accuracies = bench.evaluate(x[test], y[test])
    return [
        {
            "rates": [float(history.rates[0]), float(history.rates[-1])],  # in force at the first and the last update
            "train_loss": train_losses[i],
            "test_loss": test_losses[i],
            "test_accuracy": accuracies[i],
            "diverged": not all_finite(history.losses[:, i]),
        }
        for i in range(len(seeds))
    ]


EPSILON = 1e-8  # Adam's, PyTorch's default


def _pytorch(setting: Setting, schedule: Schedule, seeds: Sequence[int]) -> Bench:
    import torch

    from lrlib.course.pytorch import bench, stacked_perceptron

    model = stacked_perceptron([initial(seed) for seed in seeds])
    if setting.optimizer == "Adam":
        return bench(model, torch.optim.Adam(model.parameters(), betas=setting.betas, eps=EPSILON), schedule)
    return bench(model, torch.optim.SGD(model.parameters(), momentum=setting.momentum), schedule)


def _keras(setting: Setting, schedule: Schedule, seeds: Sequence[int]) -> Bench:
    import keras

    from lrlib.course.keras import bench, perceptron

    (seed,) = seeds
    model = perceptron(SIZES, initial(seed))
    if setting.optimizer == "Adam":
        first, second = setting.betas
        constants = {"beta_1": first, "beta_2": second, "epsilon": EPSILON}
        return stack_of_one(bench(model, keras.optimizers.Adam, schedule, **constants))
    return stack_of_one(bench(model, keras.optimizers.SGD, schedule, momentum=setting.momentum))


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def _full_batch_trial(setting: FullBatch, framework: str, seed: int) -> Result:
    descent = constant_rates.descent_pytorch if framework == "pytorch" else constant_rates.descent_keras
    curve = Curve("loss", "sharpness")
    weights = descent(setting.rate, seed, setting.measured, setting.rows, setting.momentum)
    for update, now in zip(setting.measured, weights, strict=True):
        curve.add(update, *constant_rates.measure(now, setting.rows))
    return {"curve": curve.columns, "diverged": not all_finite(curve.columns["loss"])}


def seeds_of(setting: str, framework: str) -> range:
    """Ten first seeds in PyTorch, two in Keras of what claims compare, five of each full-batch run."""
    if setting in FULL_BATCH:
        return range(5)
    if framework == "pytorch":
        return range(10)
    return range(2 if setting in COMPARED else 0)


def _trains(setting: Setting | FullBatch) -> dict[str, Any]:
    full = isinstance(setting, FullBatch)
    optimizer = "SGD" if isinstance(setting, FullBatch) else setting.optimizer
    return description(
        initial(0),
        initial="uniform in ±1/√inputs",
        optimizer=f"{optimizer}, momentum {setting.momentum:g}" if optimizer == "SGD" else f"Adam, epsilon {EPSILON:g}",
        split="constant_rates', the first 1,024 training images",
        batches="the first training images at once" if full else "one order of the images a seed, cut into batches",
        loss="half the squared error" if full else "cross-entropy",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------

SMALLEST_CHANGE = 0.1  # the smallest effect of interest in ln(training loss): a change of the loss by a tenth
SMALLEST_ACCURACY = 0.5  # points of test accuracy


def _log_loss(result: Result) -> float:
    return math.log(result["train_loss"]) if result["train_loss"] else math.nan


LOG_LOSS = Measure(_log_loss)


def _comparisons() -> Iterator[tuple[str, str, str, str, Measure]]:
    """(claim's words, ours in words, setting, control, measure), fixed before any new seed was run.

    Where a rule says that two runs end alike, the word that bears it out is *negligible*.
    """
    base, loss, accuracy = swept(32, 0.32), "training loss", "test accuracy"
    for measure, what in ((LOG_LOSS, loss), (TEST_ACCURACY, accuracy)):
        yield (
            f"linear scaling rule: four times the batch at four times the rate raises the {what}",
            "20 epochs of digits, batch 8 at 0.08 to 32 at 0.32; the rule says: the same",
            base,
            swept(8, 0.08),
            measure,
        )
    yield (
        f"linear scaling rule: eight times the batch at eight times a small rate raises the {loss}",
        "20 epochs of digits, batch 32 at 0.04 to 256 at 0.32; the rule says: the same",
        swept(256, 0.32),
        swept(32, 0.04),
        LOG_LOSS,
    )
    yield (
        f"linear scaling rule: eight times the batch at eight times a large rate raises the {loss}",
        "20 epochs of digits, batch 32 at 0.32 to 256 at 2.56; the rule says: the same",
        swept(256, 2.56),
        base,
        LOG_LOSS,
    )
    yield (
        f"effective step: momentum 0.9 at a tenth of the rate raises the {loss}",
        "20 epochs of digits, batch 32, η/(1 − μ) = 0.32; the rule says: the same",
        with_momentum(0.9, 0.32),
        base,
        LOG_LOSS,
    )
    yield (
        f"effective step: momentum 0.99 at a hundredth of the rate raises the {loss}",
        "20 epochs of digits, batch 32, η/(1 − μ) = 0.08; the rule says: the same",
        with_momentum(0.99, 0.08),
        swept(32, 0.08),
        LOG_LOSS,
    )
    yield (
        f"too large an effective step raises the {loss} more without momentum than with it",
        "20 epochs of digits, batch 32, η/(1 − μ) = 1.28, momentum 0 against 0.9",
        swept(32, 1.28),
        with_momentum(0.9, 1.28),
        LOG_LOSS,
    )
    for measure, what in ((LOG_LOSS, loss), (TEST_ACCURACY, accuracy)):
        yield (
            f"the noise of a smaller batch raises the {what}",
            f"5,120 updates at {SHAKEN_RATE:g}, a fifth of the labels random, batch 4 against 32",
            "shaken-batch4",
            "shaken-batch32",
            measure,
        )
    for measure, what in ((LOG_LOSS, loss), (TEST_ACCURACY, accuracy)):
        yield (
            f"growing the batch fourfold instead of quartering the rate raises the {what}",
            f"from epoch 10 of 20 on, batch 8 at {SHAKEN_RATE:g}, a fifth of the labels random; the rule: the same",
            "shaken-grown",
            "shaken-decayed",
            measure,
        )
    for rate, rule, times in ((0.002, "square-root rule", "twice"), (0.004, "linear rule", "four times")):
        yield (
            f"Adam, {rule}: four times the batch at {times} the rate raises the {loss}",
            f"20 epochs of digits, batch 8 at 0.001 to 32 at {rate:g}; the rule says: the same",
            by_adam(32, rate),
            by_adam(8, 0.001),
            LOG_LOSS,
        )


COMPARED = {name for _, _, *names, _ in _comparisons() for name in names}


def _rule(runs: str, control: str, measure: Measure) -> Rule:
    ours, theirs = (Runs(EXPERIMENT, name, measure) for name in (runs, control))
    if measure is TEST_ACCURACY:
        return Higher(ours, theirs, SMALLEST_ACCURACY, looks=LONG_LOOKS)
    return Higher(ours, theirs, SMALLEST_CHANGE, digits=3, unit=Unit("in ln(loss)"), looks=LONG_LOOKS)


def _claims() -> Iterable[Claim]:
    for text, setting, runs, control, measure in _comparisons():
        yield Claim(OUR_READING, text, setting, _rule(runs, control, measure), CHAPTER, worded_after=True)


EXPERIMENT = Experiment(
    name="batch_and_momentum",
    settings=SETTINGS,
    run=run,
    seeds=seeds_of,
    stacked=frozenset({"pytorch"}),
    trains=_trains,
    rerun=Rerun(1.0, lambda result: result["curve"]["loss"] if "curve" in result else result["train_loss"]),
    tested=360,
    claims=_claims,
)
