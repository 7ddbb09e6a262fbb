"""Runs of *Why a decay works* on scikit-learn's digits: a decay against a constant rate, with right and wrong labels.

Data, network, split and optimizer are those of :mod:`constant_rates`, in batches of 32; new seeds draw their own split.
In *noisy* runs a fifth of the training labels, and a fifth of the validation labels, are replaced by wrong ones, each
drawn from the other nine digits. Test labels are right, and read once, at the end. *Short* runs take 20 epochs, *long*
ones 100.

How the rates are chosen, fixed before any run was made: each rule may start from seven rates, and takes the one with
the highest mean validation accuracy over the first seeds in PyTorch, the lower one of two that are equal. Validation
labels are as wrong as the training labels: whoever has wrong labels has them everywhere, and a wrong label that is
drawn by chance lowers the accuracy of all rates alike. New seeds then run the chosen rates and no others, and decide.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lrlib import Constant, Linear, Schedule, WarmupStableDecay
from lrlib.course.data import digit_rows
from lrlib.course.experiment import Claim, Experiment, Rerun, Result, Rule
from lrlib.course.experiments import constant_rates
from lrlib.course.experiments.constant_rates import SIZES, TRAINING, initial, split
from lrlib.course.rules import LOSS, Higher, Unit
from lrlib.course.samples import TEST_ACCURACY, Gain, Measure, Runs, final, stored
from lrlib.course.sources import OUR_READING
from lrlib.course.training import (
    Bench,
    Curve,
    all_finite,
    batch_order,
    description,
    rows_of,
    stack_orders,
    whole_epochs,
)
from lrlib.course.words import LONG_LOOKS

CHAPTER = "why_decay"
BATCH = 32
PER_EPOCH = -(-TRAINING // BATCH)
EPOCHS = {"short": 20, "long": 100}
SHARES = {"clean": 0.0, "noisy": 0.2}  # of the training and validation labels that are wrong
RATES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # what each rule may choose from
LATE_RATE, LATE_SHARE = 0.5, 0.2  # of the runs that stay at one rate, and fall over the last part
POINTS = 20  # measurements along a run

# The smallest effects of interest: points of test accuracy, points of wrong labels learned, training loss
SMALLEST, SMALLEST_WRONG, SMALLEST_LOSS = 0.5, 2.0, 0.05


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts updates; ``wrong`` is the share of wrong labels."""

    schedule: Schedule
    wrong: float
    epochs: int

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "batch": BATCH, "sizes": list(SIZES)}


def name_of(labels: str, epochs: int, rule: str, rate: float) -> str:
    """The name of a setting; ``labels`` is "clean" or "noisy", ``rule`` "constant", "linear" or "late"."""
    return f"{labels}-{epochs}epochs-{rule}-{rate:g}"


def schedule_of(rule: str, rate: float, updates: int) -> Schedule:
    """A constant rate; a straight line to zero; or a constant rate that falls to zero over the last fifth."""
    if rule == "constant":
        return Constant(rate)
    if rule == "linear":
        return Linear(rate, 0.0, steps=updates)
    falling = round(LATE_SHARE * updates)
    return WarmupStableDecay(rate, warmup=0, stable=updates - falling, decay=falling)


def _settings() -> Iterator[tuple[str, Setting]]:
    arms = [(rule, rate) for rule in ("constant", "linear") for rate in RATES]
    runs = [*itertools.product(SHARES, EPOCHS.values(), arms), ("noisy", EPOCHS["short"], ("late", LATE_RATE))]
    for labels, epochs, (rule, rate) in runs:
        schedule = schedule_of(rule, rate, epochs * PER_EPOCH)
        yield name_of(labels, epochs, rule, rate), Setting(schedule, SHARES[labels], epochs)


SETTINGS: dict[str, Setting] = dict(_settings())


def seeds_of(setting: str, framework: str) -> range:
    """Twenty first seeds in PyTorch, which choose the rates; one in Keras, which makes the same run."""
    return range(20 if framework == "pytorch" else 1)


# ---- Wrong labels ----------------------------------------------------------------------------------------------------


def labelled_digits() -> tuple[np.ndarray, np.ndarray]:
    """All digits ten times over: row r + 1797 k is image r, its label moved on by k, so that k = 0 alone is right.

    With them row numbers say which label is given, and seeds that train at once need no labels of their own.
    """
    x, y = digit_rows()
    return np.tile(x, (10, 1)), np.concatenate([(y + k) % 10 for k in range(10)]).astype(y.dtype)


class Part(NamedTuple):
    """Rows of :func:`labelled_digits` to train or to validate on; ``wrong`` are those whose labels are wrong."""

    rows: np.ndarray
    wrong: np.ndarray


def with_wrong_labels(rows: np.ndarray, share: float, seed: int, part: int) -> Part:
    """Exactly this share of the rows, drawn by ``seed``, gets one of the nine wrong labels each."""
    random = np.random.default_rng([seed, 3, part])
    moved = np.zeros(len(rows), "int64")
    drawn = random.permutation(len(rows))[: round(share * len(rows))]
    moved[drawn] = random.integers(1, 10, len(drawn))
    labelled = rows + 1797 * moved
    return Part(labelled, labelled[moved > 0])


def parts_of(seed: int, share: float) -> tuple[Part, Part, np.ndarray]:
    """What a seed trains on, validates on, and is tested on; the test's labels are right."""
    train, validation, test = split(seed)
    return with_wrong_labels(train, share, seed, 0), with_wrong_labels(validation, share, seed, 1), test


# ---- Runs ------------------------------------------------------------------------------------------------------------


def run(setting: Setting, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Run ``setting`` with each seed and return what is stored."""
    (x, y), epochs = labelled_digits(), whole_epochs(setting.epochs, share)
    parts = [parts_of(seed, setting.wrong) for seed in seeds]
    train, validation, test = (np.stack(rows) for rows in zip(*((t.rows, v.rows, e) for t, v, e in parts), strict=True))
    wrong = np.stack([part.wrong for part, _, _ in parts])
    orders = stack_orders(
        rows_of(rows, batch_order(len(rows), BATCH, epochs, seed)) for rows, seed in zip(train, seeds, strict=True)
    )
    bench: Bench = constant_rates.bench_of(framework, setting.schedule, seeds)
    curves = [Curve("loss", "memorised") for _ in seeds]

    def measure(update: int) -> None:
        losses, _ = bench.evaluate(x[train], y[train])
        learned = bench.evaluate(x[wrong], y[wrong])[1] if wrong.size else [None] * len(seeds)
        for curve, *numbers in zip(curves, losses, learned, strict=True):
            curve.add(update, *(_finite(number) for number in numbers))

    pauses = np.unique(np.linspace(0, len(orders), POINTS + 1).round().astype(int))[1:].tolist()
    measure(0)
    history = bench.train(x, y, orders, pauses, measure)
    (_, on_validation), (_, on_test) = (bench.evaluate(x[part], y[part]) for part in (validation, test))
    return [
        {
            "rates": [float(history.rates[0]), float(history.rates[-1])],  # in force at the first and the last update
            "curve": curves[i].columns,
            "train_loss": curves[i].columns["loss"][-1],
            "memorised": curves[i].columns["memorised"][-1],
            "validation_accuracy": on_validation[i],
            "test_accuracy": on_test[i],
            "diverged": not all_finite(history.losses[:, i]),
        }
        for i in range(len(seeds))
    ]


def _finite(number: float | None) -> float | None:
    """Four significant digits; None where a number is not finite, which JSON has no word for."""
    return None if number is None or not np.isfinite(number) else float(f"{number:.4g}")


def chosen(labels: str, epochs: int, rule: str) -> float:
    """The rate that the first seeds choose for a rule, by validation accuracy.

    Errors: ``LookupError`` before they ran.
    """
    results = stored(EXPERIMENT, new=False)

    def score(rate: float) -> float:
        runs = results[name_of(labels, epochs, rule, rate)]["pytorch"]
        return float(np.mean([result["validation_accuracy"] for result in runs]))

    return max(RATES, key=score)  # the first, that is the lowest, of several that are equal


def _trains(setting: Setting) -> dict[str, Any]:
    return description(
        initial(0),
        initial="uniform in ±1/√inputs",
        optimizer="SGD without momentum",
        split="every fifth row tests, every fifth of the rest validates; random by seed from 100 on",
        batches="a new permutation each epoch",
        loss="cross-entropy",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(OUR_READING, text, setting, rule, CHAPTER)

    def runs(labels: str, epochs: int, rule: str, rate: float, measure: Measure = TEST_ACCURACY) -> Runs:
        return Runs(EXPERIMENT, name_of(labels, epochs, rule, rate), measure)

    def tuned(labels: str, epochs: int, rule: str) -> Runs:
        return runs(labels, epochs, rule, chosen(labels, epochs, rule))

    compared = partial(Higher, looks=LONG_LOOKS)
    words = {"noisy": "with a fifth of the labels wrong", "clean": "with all labels right"}
    for labels, said in words.items():
        for epochs in EPOCHS.values():
            yield claim(
                f"{said}, a decay beats a constant rate after {epochs} epochs",
                "digits: test accuracy, a line to zero against a constant rate, each from the rate that validates best",
                compared(tuned(labels, epochs, "linear"), tuned(labels, epochs, "constant"), SMALLEST),
            )
    for epochs in EPOCHS.values():
        noisy, clean = (Gain(tuned(labels, epochs, "linear"), tuned(labels, epochs, "constant")) for labels in words)
        yield claim(
            f"wrong labels make the gain of a decay larger, {epochs} epochs",
            "digits: the gain in test accuracy with a fifth of the labels wrong against that with all right",
            compared(noisy, clean, SMALLEST),
        )
    memorised = final("memorised")
    yield claim(
        "a high first rate keeps a network from memorising wrong labels",
        "digits: share of wrong training labels learned, 20 epochs from 0.5 to zero against 100 epochs at 0.05; the "
        "rates of all updates have the same sum",
        compared(
            runs("noisy", EPOCHS["short"], "linear", 0.5, memorised),
            runs("noisy", EPOCHS["long"], "constant", 0.05, memorised),
            SMALLEST_WRONG,
            lower=True,
            unit=Unit("points of wrong labels", lost=0),
        ),
    )
    loss = final("train_loss")
    yield claim(
        "progress at a high rate is hidden until the rate falls: a late decay lowers the loss at once",
        "digits, a fifth of the labels wrong: training loss after 20 epochs, rate 0.5 that falls to zero over the last "
        "four against 0.5 throughout",
        compared(
            runs("noisy", EPOCHS["short"], "late", LATE_RATE, loss),
            runs("noisy", EPOCHS["short"], "constant", LATE_RATE, loss),
            SMALLEST_LOSS,
            lower=True,
            digits=3,
            unit=LOSS,
        ),
    )


EXPERIMENT = Experiment(
    name="label_noise",
    settings=SETTINGS,
    run=run,
    seeds=seeds_of,
    stacked=frozenset({"pytorch"}),
    trains=_trains,
    rerun=Rerun(1.0, lambda result: result["train_loss"]),
    tested=360,
    claims=_claims,
)
