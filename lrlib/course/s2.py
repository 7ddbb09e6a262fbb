"""S2: cyclical rates on digits with Adam, after mhmoodlan/cyclic-learning-rate (2019). Settings and one trial.

The source has the policies and a sketch of a training loop, Adam with "triangular2", but no data and no network. Here:
scikit-learn's digits, pixels / 16; 64–100 ReLU–10; batch 32, 40 updates an epoch, 40 epochs; cross-entropy.
"""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from lrlib import Constant, ExpRange, Linear, Schedule, Triangular, Triangular2
from lrlib.course.alike import History, batch_order, dense_weights, described
from lrlib.course.data import digits

SIZES = (64, 100, 10)
BATCH, EPOCHS, PER_EPOCH = 32, 40, 40
UPDATES = EPOCHS * PER_EPOCH
FRAMEWORKS = ("pytorch", "keras")
SEEDS = tuple(range(10))
EPSILON = 1e-8  # PyTorch's for Adam; Keras's own default is 1e-7
EVERY = 100  # updates between the curve's points: a cycle's quarters, its peak and its end
TELLING = (0, 100, 200, 300, 500, 600, 1000, UPDATES - 1)  # updates whose rates are stored

BASE, MAX = 0.003, 0.03  # chosen by a pilot of five seeds on the held-out images, then fixed
STEP = 5 * PER_EPOCH  # half a cycle: the budget holds four cycles
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)  # the grid of constants, and of bounds one or two places apart
OUTER = (0.0003, 0.001, 0.1)  # what the grid has besides BASE, MAX and what lies between
STEPS = (0.5, 1, 2, 5, 10)  # epochs; all end a cycle at the end of the budget
RATIOS = (10, 4, 3, 1.5)  # of the upper bound to the lower


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts updates. ``curve``: loss and accuracy are stored along the way too."""

    schedule: Schedule
    curve: bool = False

    def to_dict(self) -> dict[str, Any]:
        fixed = {"sizes": SIZES, "batch": BATCH, "epochs": EPOCHS, "optimizer": "Adam", "epsilon": EPSILON}
        return {"schedule": self.schedule.to_dict(), "curve": self.curve, **fixed}


def pair(low: float, high: float) -> str:
    """The name of the setting with these bounds."""
    return "triangular" if (low, high) == (BASE, MAX) else f"bounds-{low:g}-{high:g}"


def mean_of_pair(low: float, high: float) -> str:
    """The name of the setting whose constant rate is the mean of these bounds."""
    return "constant-mean" if (low, high) == (BASE, MAX) else f"mean-{low:g}-{high:g}"


PAIRS = tuple((RATES[i], RATES[i + gap]) for gap in (1, 2) for i in range(len(RATES) - gap))
_GRID = {
    **{pair(*bounds): Setting(Triangular(*bounds, STEP)) for bounds in PAIRS if bounds != (BASE, MAX)},
    **{mean_of_pair(*bounds): Setting(Constant(sum(bounds) / 2)) for bounds in PAIRS if bounds != (BASE, MAX)},
}
SETTINGS: dict[str, Setting] = {
    **{f"constant-{rate:g}": Setting(Constant(rate), curve=rate not in OUTER) for rate in RATES},
    "constant-mean": Setting(Constant((BASE + MAX) / 2), curve=True),
    "linear": Setting(Linear(MAX, 0.0, UPDATES), curve=True),
    "fall": Setting(Linear(MAX, BASE, UPDATES), curve=True),  # the cycle's bounds and mean rate, never raised
    "triangular": Setting(Triangular(BASE, MAX, STEP), curve=True),
    "triangular2": Setting(Triangular2(BASE, MAX, STEP), curve=True),
    "exp_range": Setting(ExpRange(BASE, MAX, STEP, gamma=0.997), curve=True),  # the README's gamma
    "early-fall": Setting(Linear(MAX, BASE, 2 * STEP), curve=True),  # down within one cycle's time, then the base
    "one-cycle": Setting(Triangular(BASE, MAX, STEP).take(2 * STEP), curve=True),  # then the base
    "defaults": Setting(Triangular2(0.01, 0.1, 20)),  # the source's own numbers; half a cycle is half an epoch here
    **{f"step-{n:g}": Setting(Triangular(BASE, MAX, int(n * PER_EPOCH))) for n in STEPS if n * PER_EPOCH != STEP},
    **{f"ratio-{k:g}": Setting(Triangular(MAX / k, MAX, STEP)) for k in RATIOS if k != 10},
    **_GRID,
}


def seeds(setting: str, framework: str) -> tuple[int, ...]:
    """Ten; five for what only the grids need, which are compared as wholes."""
    return SEEDS[:5] if setting in _GRID or setting in [f"constant-{rate:g}" for rate in OUTER] else SEEDS


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return dense_weights(SIZES, seed)


def trains(setting: Setting) -> dict[str, Any]:
    """What a trial trains."""
    return described(
        initial(0),
        initial="uniform, bound 1/sqrt(inputs)",
        loss="cross-entropy",
        optimizer="Adam, epsilon 1e-8",
        split="digits: every fifth row is test, every ninth of the rest validation",
        batches="32; every epoch a new permutation",
    )


@cache
def images() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Digits as float32 rows of 64 pixels in [0, 1], in three parts.

    Every fifth image is "test" (360); of the rest every ninth is "validation" (159), and 1278 are left to "train".
    """
    x, y = digits()
    x, rows = (x / 16).astype("float32"), np.arange(len(x))
    rest = rows[rows % 5 != 0]
    held_out = np.arange(len(rest)) % 9 == 8
    parts = {"train": rest[~held_out], "validation": rest[held_out], "test": rows[rows % 5 == 0]}
    return {name: (x[part], y[part]) for name, part in parts.items()}


def trial(setting: Setting, framework: str, seed: int, updates: int = UPDATES) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: loss and accuracy of each part, rates in force, the curve.

    Rates are chosen on the validation images. The test images are read along the curve too, at updates fixed
    beforehand, and nothing is chosen by them.
    """
    parts = images()
    order = batch_order(len(parts["train"][0]), BATCH, EPOCHS, seed)[:updates]
    train, evaluate = (_pytorch if framework == "pytorch" else _keras)(setting.schedule, seed)
    curve: dict[str, list] = {"train_loss": [], "test_accuracy": []}

    def on_pause(update: int) -> None:
        curve["train_loss"].append(_digits(evaluate(*parts["train"])[0]))
        curve["test_accuracy"].append(_digits(evaluate(*parts["test"])[1]))

    pauses = range(EVERY, updates + 1, EVERY) if setting.curve else ()
    history = train(*parts["train"], order, pauses, on_pause)
    result: dict[str, Any] = {}
    for name, part in parts.items():
        loss, accuracy = evaluate(*part)
        result |= {f"{name}_accuracy": _digits(accuracy), f"{name}_loss": _digits(loss)}
    result["rates"] = [float(history.rates[update]) for update in TELLING if update < updates]
    result["diverged"] = not bool(np.isfinite(history.losses).all())
    return result | ({"curve": curve} if setting.curve else {})


def _digits(number: float) -> float | None:
    """Four significant digits, which keeps the files small; None for what strict JSON cannot hold."""
    return float(f"{number:.4g}") if np.isfinite(number) else None


def _pytorch(schedule: Schedule, seed: int) -> tuple[Callable[..., History], Callable[..., Any]]:
    import torch

    import lrlib.torch
    from lrlib.course.torch import evaluate, perceptron, train

    model = perceptron(SIZES, initial(seed))
    optimizer = torch.optim.Adam(model.parameters(), eps=EPSILON)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    return partial(train, model, optimizer, scheduler=scheduler), partial(evaluate, model)


def _keras(schedule: Schedule, seed: int) -> tuple[Callable[..., History], Callable[..., Any]]:
    import keras

    import lrlib.keras
    from lrlib.course.keras import evaluate, perceptron, train

    model = perceptron(SIZES, initial(seed))
    optimizer = keras.optimizers.Adam(lrlib.keras.Schedule(schedule), epsilon=EPSILON)
    return partial(train, model, optimizer), partial(evaluate, model)
