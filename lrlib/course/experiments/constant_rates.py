"""Runs of *The learning rate* on scikit-learn's digits: a sweep of constant rates, decays beside them, full batches.

Pixels / 16; every fifth row is for the test, every fifth of the rest for validation, 1,149 are left to train on.
64–32 ReLU–10; plain SGD, without momentum, so that PyTorch's rule and Keras's are one.

Mini-batch runs, cross-entropy: *long* ones take 20 epochs, *short* ones 5, in batches of 32 or of 8. Full-batch runs:
squared error on the first 300 training images, and the sharpness on the way.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lrlib import Constant, Linear, Schedule
from lrlib.course.data import digit_rows
from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Result, Rule
from lrlib.course.networks import dense_weights
from lrlib.course.rules import LOSS, Higher
from lrlib.course.samples import Runs, final, no_better_than_guessing
from lrlib.course.sources import KERAS_READING
from lrlib.course.training import (
    Bench,
    Curve,
    all_finite,
    batch_order,
    description,
    random_split,
    rows_of,
    stack_of_one,
    stack_orders,
    whole_epochs,
)
from lrlib.course.words import LONG_LOOKS

CHAPTER = "learning_rate"
SIZES = (64, 32, 10)
TRAINING = 1149  # images to train on
GUESSING = math.log(10)  # the cross-entropy of giving each of ten digits the same chance
EPOCHS = {"long": 20, "short": 5}

SWEEP = (0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
LADDERS = {32: (0.2, 0.5, 1.0, 2.0), 8: (0.1, 0.2, 0.5, 1.0)}  # what a constant rate and a decay may each choose from
FULL_BATCH = (0.1, 0.2, 0.4)
SMALLEST_LOSS = 0.01  # the smallest effect of interest, in training loss


@dataclasses.dataclass(frozen=True)
class Setting:
    """Mini-batch training; ``schedule`` counts updates."""

    schedule: Schedule
    batch: int
    epochs: int

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "sizes": list(SIZES)}


@dataclasses.dataclass(frozen=True)
class FullBatch:
    """Gradient descent on one batch of ``rows`` images, measured after the updates numbered in ``measured``."""

    rate: float
    rows: int = 300
    measured: tuple[int, ...] = (*range(0, 50, 10), *range(50, 1001, 50))

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "measured": list(self.measured), "sizes": list(SIZES)}


def name_of(schedule: str, rate: float, batch: int, epochs: int) -> str:
    """The name of a mini-batch setting; ``schedule`` is "constant" or "linear"."""
    return f"batch{batch}-{epochs}epochs-{schedule}-{rate:g}"


def _mini_batch() -> Iterator[tuple[str, Setting]]:
    for rate in SWEEP:
        yield name_of("constant", rate, 32, EPOCHS["long"]), Setting(Constant(rate), 32, EPOCHS["long"])
    for epochs in EPOCHS.values():
        for batch, ladder in LADDERS.items():
            updates = epochs * math.ceil(TRAINING / batch)
            for rate in ladder:
                yield name_of("constant", rate, batch, epochs), Setting(Constant(rate), batch, epochs)
                falling = Linear(rate, 0.0, steps=updates)
                yield name_of("linear", rate, batch, epochs), Setting(falling, batch, epochs)


SETTINGS: dict[str, Setting | FullBatch] = {
    **dict(_mini_batch()),
    **{f"full-batch-{rate:g}": FullBatch(rate) for rate in FULL_BATCH},
}


def seeds_of(setting: str, framework: str) -> range:
    """Ten seeds of each mini-batch run, five of each full-batch run."""
    return range(5 if setting.startswith("full-batch") else 10)


class Images(NamedTuple):
    """Three parts of the digits, each (x, y): x float32 of shape (N, 64) in [0, 1], y uint8 from 0 to 9."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return dense_weights(SIZES, seed)


@cache
def images() -> Images:
    """1,149 rows to train on, 288 for validation, 360 for the test: the split of the first seeds."""
    x, y = digit_rows()
    train, validation, test = ((x[part], y[part]) for part in split(0))
    return Images(train, validation, test)


def split(seed: int) -> list[np.ndarray]:
    """Row numbers to train on, for validation and for the test: a random split for each new seed, else one."""
    rest, test = _every_fifth(np.arange(1797))
    parts = [*_every_fifth(rest), test]
    return random_split(1797, [*map(len, parts)], seed) if seed >= NEW else parts


def _every_fifth(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The other rows, and every fifth."""
    fifth = np.arange(len(rows)) % 5 == 0
    return rows[~fifth], rows[fifth]


def run(setting: Setting | FullBatch, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Run ``setting`` with each seed and return what is stored; the test images are read once, at the end."""
    if isinstance(setting, FullBatch):
        return [_full_batch_trial(setting, framework, seed) for seed in seeds]
    (x, y), epochs = digit_rows(), whole_epochs(setting.epochs, share)
    parts = [np.stack(part) for part in zip(*map(split, seeds), strict=True)]  # each seeds × rows
    orders = stack_orders(
        rows_of(part, batch_order(len(part), setting.batch, epochs, seed))
        for part, seed in zip(parts[0], seeds, strict=True)
    )
    bench = bench_of(framework, setting.schedule, seeds)
    history = bench.train(x, y, orders)
    (train_losses, _), (_, validation), (_, test) = (bench.evaluate(x[part], y[part]) for part in parts)
    epoch_losses = history.losses.reshape(epochs, -1, len(seeds)).mean(1)
    return [
        {
            "rates": [float(history.rates[0]), float(history.rates[-1])],  # in force at the first and the last update
            "epoch_loss": _finite(epoch_losses[:, i]),
            "train_loss": _finite([train_losses[i]])[0],
            "validation_accuracy": validation[i],
            "test_accuracy": test[i],
            "diverged": not all_finite(history.losses[:, i]),
        }
        for i in range(len(seeds))
    ]


def guesses(run: dict[str, Any]) -> bool:
    """Whether a mini-batch run ended no better than guessing: its training loss is within 1 % of that, or above.

    At rates far too large cross-entropy need not become infinite: its gradients are bounded, and ReLU units that are
    pushed below zero for every image pass none.
    """
    return no_better_than_guessing(run["train_loss"], SIZES[-1])


def _finite(values: Sequence[float] | np.ndarray) -> list[float | None]:
    """Four significant digits; None where a number is not finite, which JSON has no word for."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]


def bench_of(framework: str, schedule: Schedule, seeds: Sequence[int]) -> Bench:
    """The network of each seed and its SGD under ``schedule``; in Keras one seed, seen as a stack."""
    if framework == "pytorch":
        import torch

        from lrlib.course import pytorch

        stacked = pytorch.stacked_perceptron([initial(seed) for seed in seeds])
        return pytorch.bench(stacked, torch.optim.SGD(stacked.parameters()), schedule)
    import keras as k

    from lrlib.course import keras

    (seed,) = seeds
    return stack_of_one(keras.bench(keras.perceptron(SIZES, initial(seed)), k.optimizers.SGD, schedule))


def gradient_noise(weights: list[np.ndarray], batch: int = 32, labels: np.ndarray | None = None) -> float:
    """The mean squared distance of the batches' gradients from their mean, over the training images in their order.

    Both are gradients of the mean cross-entropy at these weights; the last, smaller batch is left out. ``labels`` stand
    in for the right ones.
    """
    import torch

    from lrlib.course.pytorch import perceptron

    x, right = images().train
    y = right if labels is None else labels
    model = perceptron(SIZES, weights)
    gradients = []
    for start in range(0, len(x) - batch + 1, batch):
        rows = slice(start, start + batch)
        outputs = model(torch.from_numpy(x[rows]))
        loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(y[rows]).long())
        gradients.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))]))
    every = torch.stack(gradients)
    return (every - every.mean(0)).square().sum(1).mean().item()


# Full batches


def targets(labels: np.ndarray) -> np.ndarray:
    """One row an image, 1 at its digit and 0 elsewhere: what the ten outputs should be under squared error."""
    return np.eye(SIZES[-1], dtype="float32")[labels]


def sharpness(loss: Any, parameters: Sequence[Any]) -> float:
    """The largest eigenvalue of the Hessian H of ``loss`` (a PyTorch scalar) in ``parameters``; NaN if not finite.

    The matrix is never made. Lanczos's method asks for products H v only, and H v is the gradient of g · v, where g is
    the gradient of the loss. (Power iteration, stopped when it changes by less than 0.1 %, was up to 11 % too low.)
    """
    import torch
    from scipy.sparse.linalg import LinearOperator, eigsh

    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, create_graph=True)])
    if not torch.isfinite(gradient).all():
        return math.nan

    def product(v: np.ndarray) -> np.ndarray:
        along = gradient @ torch.as_tensor(v.reshape(-1)).to(gradient)
        parts = torch.autograd.grad(along, parameters, retain_graph=True)
        return torch.cat([part.flatten() for part in parts]).numpy()

    size = len(gradient)
    hessian = LinearOperator((size, size), matvec=product, dtype="float64")
    start = np.random.default_rng(0).normal(size=size)  # else it draws one, and results would not repeat
    return float(eigsh(hessian, k=1, which="LA", v0=start, tol=1e-4, return_eigenvectors=False)[0])


def measure(weights: list[np.ndarray], rows: int) -> tuple[float, float]:
    """(squared error, sharpness) of the perceptron with these weights, on the first ``rows`` training images.

    The error is half the squared distance from the ten outputs to their targets, averaged over the images. Both are
    functions of the weights, so one probe serves both frameworks. It computes in double precision.
    """
    import torch

    from lrlib.course.pytorch import perceptron

    x, y = (part[:rows] for part in images().train)
    model = perceptron(SIZES, weights).double()
    outputs = model(torch.from_numpy(x).double())
    error = 0.5 * (outputs - torch.from_numpy(targets(y))).square().sum(1).mean()
    return error.item(), sharpness(error, list(model.parameters()))


def descent_pytorch(
    rate: float, seed: int, measured: Sequence[int], rows: int = 300, momentum: float = 0.0
) -> Iterator[list[np.ndarray]]:
    """Full-batch gradient descent: the weights after each number of updates in ``measured``, which is sorted."""
    import torch

    from lrlib.course.pytorch import perceptron, weights

    x, y = (part[:rows] for part in images().train)
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(targets(y))
    model = perceptron(SIZES, initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    for before, after in itertools.pairwise([0, *measured]):
        for _ in range(after - before):
            optimizer.zero_grad()
            error = 0.5 * (model(inputs) - wanted).square().sum(1).mean()
            error.backward()
            optimizer.step()
        yield weights(model)


def descent_keras(
    rate: float, seed: int, measured: Sequence[int], rows: int = 300, momentum: float = 0.0
) -> Iterator[list[np.ndarray]]:
    """Full-batch gradient descent: the weights after each number of updates in ``measured``, which is sorted."""
    import keras
    import tensorflow as tf

    from lrlib.course.keras import perceptron, weights

    x, y = (part[:rows] for part in images().train)
    inputs, wanted = tf.constant(x), tf.constant(targets(y))
    model = perceptron(SIZES, initial(seed))
    optimizer = keras.optimizers.SGD(rate, momentum=momentum)
    optimizer.build(model.trainable_variables)

    @tf.function
    def update(times: Any) -> None:
        for _ in tf.range(times):
            with tf.GradientTape() as tape:
                error = 0.5 * tf.reduce_mean(tf.reduce_sum((model(inputs) - wanted) ** 2, axis=1))
            optimizer.apply(tape.gradient(error, model.trainable_variables), model.trainable_variables)

    for before, after in itertools.pairwise([0, *measured]):
        update(tf.constant(after - before))
        yield weights(model)


def _full_batch_trial(setting: FullBatch, framework: str, seed: int) -> dict[str, Any]:
    descent = descent_pytorch if framework == "pytorch" else descent_keras
    curve = Curve("loss", "sharpness")
    for update, weights in zip(
        setting.measured, descent(setting.rate, seed, setting.measured, setting.rows), strict=True
    ):
        curve.add(update, *_finite(measure(weights, setting.rows)))
    return {"curve": curve.columns, "diverged": None in curve.columns["loss"]}


def _trains(setting: Setting | FullBatch) -> dict[str, Any]:
    full = isinstance(setting, FullBatch)
    return description(
        initial(0),
        initial="uniform in ±1/√inputs",
        optimizer="SGD without momentum",
        split="every fifth row tests, every fifth of the rest validates; random by seed from 100 on",
        batches="the first training images at once" if full else "a new permutation each epoch",
        loss="half the squared error" if full else "cross-entropy",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(KERAS_READING, text, setting, rule, CHAPTER)

    def runs(rate: float) -> Runs:
        return Runs(EXPERIMENT, name_of("constant", rate, 32, EPOCHS["long"]), final("train_loss"))

    yield claim(
        "a small rate is slow",
        "digits: training loss after 20 epochs at 0.1 against 1, the best of the sweep",
        Higher(runs(0.1), runs(1.0), SMALLEST_LOSS, digits=4, unit=LOSS, looks=LONG_LOOKS),
    )
    yield claim(
        "a large rate overshoots",
        "digits: training loss after 20 epochs at 10 against 1, the best of the sweep",
        Higher(runs(10.0), runs(1.0), SMALLEST_LOSS, digits=4, unit=LOSS, looks=LONG_LOOKS),
    )


def _again(result: Result) -> Any:
    return result["curve"]["loss"] if "curve" in result else result["train_loss"]


EXPERIMENT = Experiment(
    name="constant_rates",
    settings=SETTINGS,
    run=run,
    seeds=seeds_of,
    stacked=frozenset({"pytorch"}),
    trains=_trains,
    rerun=Rerun(1.0, _again),
    tested=360,
    claims=_claims,
)
