"""S0: Q-AGREL on scikit-learn's digits, after the hebbnets demo by B. McMenamin. Settings and one trial.

Q-AGREL learns from rewards, not from labels: the network says a class and is told right or wrong. Layers of 300, 100,
100, 100 and 10 units on 64 pixels, no biases; one image an update; the rate is fixed within an epoch. A trial is ten
repetitions at once; ``q_agrel_torch.py`` and ``q_agrel_keras.py`` have the algorithm.
"""

import dataclasses
import importlib
import itertools
import math
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lrlib import Constant, Schedule, Triangular
from lrlib.course.alike import described, glorot
from lrlib.course.data import digits

SIZES = (64, 300, 100, 100, 100, 10)
SHALLOW = (64, 300, 100, 10)
EPOCHS = 10
REPETITIONS = 10  # a trial: seed 0 stands for repetitions 0 to 9, seed 1 for 10 to 19, and so on
EPSILON = 0.5  # the share of actions that are sampled, all through; the source calls it a temperature
FRAMEWORKS = ("pytorch", "keras")


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts epochs; ``relu`` is what the source asks for, False what its code runs."""

    schedule: Schedule
    relu: bool = False
    epochs: int = EPOCHS
    sizes: tuple[int, ...] = SIZES

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "repetitions": REPETITIONS, "epsilon": EPSILON}


# The source's cycle by its description: a period of 4 epochs, so two up and two down: 0.005, 0.0125, 0.02, 0.0125, …
TRIANGLE = Triangular(0.005, 0.02, step_size=2)
# The same shape wholly below the rates that diverge, and a constant rate with the same mean over ten epochs.
LOW_CYCLE = Triangular(0.0025, 0.0075, step_size=2)
LOW_MEAN = Constant(LOW_CYCLE.describe(EPOCHS)["mean"])

SETTINGS: dict[str, Setting] = {
    # As the source's code runs: linear. Its "cyclical" run is the constant 0.005.
    "linear-0.005": Setting(Constant(0.005)),
    "linear-0.01": Setting(Constant(0.01)),
    # As it says its cycle runs, and the mean rate of that cycle.
    "linear-triangle": Setting(TRIANGLE),
    "linear-0.0125": Setting(Constant(0.0125)),
    # The fair comparison.
    "linear-low-cycle": Setting(LOW_CYCLE),
    "linear-low-mean": Setting(LOW_MEAN),
    "linear-0.0075": Setting(Constant(0.0075)),
    # "Deeper than necessary … to better highlight the differences": the same with two layers fewer.
    "shallow-0.005": Setting(Constant(0.005), sizes=SHALLOW),
    "shallow-0.01": Setting(Constant(0.01), sizes=SHALLOW),
    "shallow-low-cycle": Setting(LOW_CYCLE, sizes=SHALLOW),
    "shallow-low-mean": Setting(LOW_MEAN, sizes=SHALLOW),
    # As it says its network is: ReLU.
    **{f"relu-{rate}": Setting(Constant(rate), relu=True) for rate in (0.005, 0.01, 0.0125, 0.02)},
    "relu-triangle": Setting(TRIANGLE, relu=True),
    **{f"relu-30-{rate}": Setting(Constant(rate), relu=True, epochs=30) for rate in (0.01, 0.0125, 0.02)},
    "relu-30-triangle": Setting(TRIANGLE, relu=True, epochs=30),
}


def seeds(setting: str, framework: str) -> tuple[int, ...]:
    """Forty repetitions at the edge of stability, twenty where small differences are looked for, else ten."""
    if setting == "linear-0.01":
        return (0, 1, 2, 3)
    paired = ("linear-0.005", "linear-0.0075", "linear-low-cycle", "linear-low-mean")
    return (0, 1) if setting in paired or setting.startswith("shallow") else (0,)


class Data(NamedTuple):
    """Images as float32 rows of 64 pixels, and their labels."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@cache
def images() -> Data:
    """The digits as the source has them: every fifth row is test; pixels scaled by percentiles of all rows."""
    x, y = digits()
    x = x - np.percentile(x, 1)
    x = (x / np.percentile(x, 99)).astype("float32")
    test = np.arange(len(x)) % 5 == 0
    return Data(x[~test], y[~test], x[test], y[test])


class Draws(NamedTuple):
    """All that is random in a group of repetitions. Every array has an axis over repetitions."""

    forward: list[np.ndarray]  # W_l: repetitions × n_{l−1} × n_l
    feedback: list[np.ndarray]  # V_l: repetitions × n_l × n_{l−1}
    rows: np.ndarray  # epochs × images × repetitions: the order in which each repetition sees the images
    explore: np.ndarray  # of the same shape: whether the action is sampled
    uniform: np.ndarray  # of the same shape: the number in [0, 1) that samples it


def draw(sizes: tuple[int, ...], repetitions: Iterable[int], epochs: int, images: int = 1437) -> Draws:
    """Both frameworks are given these. A repetition's draws depend on its number only, not on those beside it."""
    numbers = list(repetitions)
    shape = epochs, images, len(numbers)
    rows, explore, uniform = np.empty(shape, "int64"), np.empty(shape, bool), np.empty(shape, "float32")
    forward, feedback = [], []
    for place, number in enumerate(numbers):
        random = np.random.default_rng([number, 0])
        forward.append([glorot(random, *layer) for layer in itertools.pairwise(sizes)])
        feedback.append([glorot(random, *layer[::-1]) for layer in itertools.pairwise(sizes)])
        random = np.random.default_rng([number, 1])
        for epoch in range(epochs):
            rows[epoch, :, place] = random.permutation(images)
            explore[epoch, :, place] = random.random(images) < EPSILON
            uniform[epoch, :, place] = random.random(images)
    W, V = ([np.stack(layer) for layer in zip(*weights, strict=True)] for weights in (forward, feedback))
    return Draws(W, V, rows, explore, uniform)


class History(NamedTuple):
    """What a run returns: epochs × repetitions, and the weights that it ends with, as in :class:`Draws`."""

    errors: np.ndarray  # the mean of δ² over the epoch, as the source logs it
    accuracies: np.ndarray  # after the epoch, on the test images, percent
    forward: list[np.ndarray]
    feedback: list[np.ndarray]


def accuracy(q: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Percent, one a repetition; ``q`` is repetitions × images × classes.

    A repetition that has diverged says NaN to everything, which NumPy's argmax reads as class 0.
    """
    return 100 * (q.argmax(2) == labels).mean(1)


def _stored(error: float) -> float | None:
    """Four digits; JSON has no word for what is not finite."""
    return float(f"{error:.4g}") if math.isfinite(error) else None


def trains(setting: Setting) -> dict[str, Any]:
    """What a repetition trains: one matrix a layer forward, one back."""
    draws = draw(setting.sizes, [0], epochs=0)
    return described(
        [layer[0] for layer in (*draws.forward, *draws.feedback)],
        initial="Glorot-uniform, forward and back",
        loss="the squared reward-prediction error, as Q-AGREL has it",
        optimizer="Q-AGREL",
        split="digits: every fifth row is test",
        batches="one image; every epoch a new permutation",
    )


def trial(setting: Setting, framework: str, seed: int, epochs: int | None = None) -> dict[str, Any]:
    """Run ten repetitions of ``setting``; lists have one item a repetition.

    The source clips weights at ±10⁶. Here they may overflow instead: a repetition that gets there is lost either way,
    and an overflow cannot pass for a result.
    """
    repetitions = range(REPETITIONS * seed, REPETITIONS * (seed + 1))
    package = "torch" if framework == "pytorch" else "keras"
    run = importlib.import_module(f"lrlib.course.q_agrel_{package}").run
    draws = draw(setting.sizes, repetitions, setting.epochs if epochs is None else epochs)
    history = run(setting.schedule, images(), draws, setting.relu)
    weights = [*history.forward, *history.feedback]
    return {
        "rates": [float(setting.schedule(epoch)) for epoch in range(setting.epochs)],
        "accuracy": history.accuracies[-1].tolist(),
        "epoch_accuracy": [[round(percent, 1) for percent in one] for one in history.accuracies.T.tolist()],
        "epoch_error": [[_stored(error) for error in one] for one in history.errors.T.tolist()],
        "diverged": [not all(np.isfinite(w[i]).all() for w in weights) for i in range(REPETITIONS)],
    }
