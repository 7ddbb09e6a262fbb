"""Cyclical rates on digits with Adam, after mhmoodlan/cyclic-learning-rate (2019).

The source has the policies and a sketch of a training loop, Adam with "triangular2", but no data and no network. Here:
scikit-learn's digits, pixels / 16; 64–100 ReLU–10; batch 32, 40 updates an epoch, 40 epochs; cross-entropy.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from lrlib import Constant, ExpRange, Linear, Schedule, Triangular, Triangular2
from lrlib.course.data import digit_rows
from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Result, Rule
from lrlib.course.networks import dense_weights
from lrlib.course.rules import Fact, Higher, Unit, Untestable
from lrlib.course.samples import Mean, Runs, Spread
from lrlib.course.sources import KRISHNAN, MHMOODLAN
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
)
from lrlib.course.words import LONG_LOOKS

CHAPTER = "cycling"
SIZES = (64, 100, 10)
BATCH, EPOCHS, PER_EPOCH = 32, 40, 40
UPDATES = EPOCHS * PER_EPOCH
SEEDS = tuple(range(10))
EPSILON = 1e-8  # PyTorch's for Adam; Keras's own default is 1e-7
EVERY = 100  # updates between the curve's points: a cycle's quarters, its peak and its end
RATES_AT = (0, 100, 200, 300, 500, 600, 1000, UPDATES - 1)  # updates whose rates are stored

BASE, MAX = 0.003, 0.03  # chosen by a pilot of five seeds on the held-out images, then fixed
STEP = 5 * PER_EPOCH  # half a cycle: the budget holds four cycles
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)  # the grid of constants, and of bounds one or two places apart
BEYOND_THE_BOUNDS = (0.0003, 0.001, 0.1)  # of the grid, those outside BASE … MAX
STEPS = (0.5, 1, 2, 5, 10)  # epochs; all end a cycle at the end of the budget
SMALLEST, SMALLEST_LOG = 0.3, 0.1  # effects of interest: points of test accuracy, log10 of a loss
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


MEAN_OF = {  # policy → the setting whose constant rate is its mean over the budget
    "triangular": "constant-mean",
    "triangular2": "constant-mean-triangular2",
    "exp_range": "constant-mean-exp_range",
}


def _at_the_mean_of(schedule: Schedule) -> Setting:
    mean = float(schedule(np.arange(UPDATES)).mean())
    return Setting(Constant(round(mean, 6)), curve=True)  # the same on every processor


PAIRS = tuple((RATES[i], RATES[i + gap]) for gap in (1, 2) for i in range(len(RATES) - gap))
_GRID = {
    **{pair(*bounds): Setting(Triangular(*bounds, STEP)) for bounds in PAIRS if bounds != (BASE, MAX)},
    **{mean_of_pair(*bounds): Setting(Constant(sum(bounds) / 2)) for bounds in PAIRS if bounds != (BASE, MAX)},
}
_TRIANGULAR2 = Triangular2(BASE, MAX, STEP)
_EXP_RANGE = ExpRange(BASE, MAX, STEP, gamma=0.997)  # the README's gamma
SETTINGS: dict[str, Setting] = {
    **{f"constant-{rate:g}": Setting(Constant(rate), curve=rate not in BEYOND_THE_BOUNDS) for rate in RATES},
    "constant-mean": Setting(Constant((BASE + MAX) / 2), curve=True),
    "linear": Setting(Linear(MAX, 0.0, UPDATES), curve=True),
    "fall": Setting(Linear(MAX, BASE, UPDATES), curve=True),  # the cycle's bounds and mean rate, never raised
    "triangular": Setting(Triangular(BASE, MAX, STEP), curve=True),
    "triangular2": Setting(_TRIANGULAR2, curve=True),
    "exp_range": Setting(_EXP_RANGE, curve=True),
    MEAN_OF["triangular2"]: _at_the_mean_of(_TRIANGULAR2),
    MEAN_OF["exp_range"]: _at_the_mean_of(_EXP_RANGE),
    "early-fall": Setting(Linear(MAX, BASE, 2 * STEP), curve=True),  # down within one cycle's time, then the base
    "one-cycle": Setting(Triangular(BASE, MAX, STEP).take(2 * STEP), curve=True),  # then the base
    "defaults": Setting(Triangular2(0.01, 0.1, 20)),  # the source's own numbers; half a cycle is half an epoch here
    **{f"step-{n:g}": Setting(Triangular(BASE, MAX, int(n * PER_EPOCH))) for n in STEPS if n * PER_EPOCH != STEP},
    **{f"ratio-{k:g}": Setting(Triangular(MAX / k, MAX, STEP)) for k in RATIOS if k != 10},
    **_GRID,
}


def seeds_of(setting: str, framework: str) -> tuple[int, ...]:
    """Ten; five for what only the grids need, which are compared as wholes."""
    return SEEDS[:5] if setting in _GRID or setting in [f"constant-{rate:g}" for rate in BEYOND_THE_BOUNDS] else SEEDS


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return dense_weights(SIZES, seed)


@cache
def images() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Digits as float32 rows of 64 pixels in [0, 1], in three parts.

    Every fifth image is "test" (360); of the rest every ninth is "validation" (159), and 1278 are left to "train".
    """
    x, y = digit_rows()
    return {name: (x[part], y[part]) for name, part in split(0).items()}


def split(seed: int) -> dict[str, np.ndarray]:
    """Row numbers of the three parts: a random split for each new seed, else the one of :func:`images`."""
    rows = np.arange(1797)
    rest = rows[rows % 5 != 0]
    held_out = np.arange(len(rest)) % 9 == 8
    parts = {"train": rest[~held_out], "validation": rest[held_out], "test": rows[rows % 5 == 0]}
    if seed >= NEW:
        parts = dict(zip(parts, random_split(len(rows), [*map(len, parts.values())], seed), strict=True))
    return parts


def run(setting: Setting, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Run ``setting`` with each seed and return what is stored: loss and accuracy of each part, rates, the curve.

    Rates are chosen on the validation images. The test images are read along the curve too, at updates fixed
    beforehand, and nothing is chosen by them.
    """
    (x, y), updates = digit_rows(), round(share * UPDATES)
    each = [split(seed) for seed in seeds]
    orders = stack_orders(
        rows_of(part["train"], batch_order(len(part["train"]), BATCH, EPOCHS, seed)[:updates])
        for part, seed in zip(each, seeds, strict=True)
    )
    rows = {name: np.stack([part[name] for part in each]) for name in each[0]}  # seeds × rows
    parts = {name: (x[part], y[part]) for name, part in rows.items()}
    bench = _BENCHES[framework](setting.schedule, seeds)
    curves = [Curve("train_loss", "test_accuracy") for _ in seeds]

    def on_pause(update: int) -> None:
        losses, accuracies = bench.evaluate(*parts["train"])[0], bench.evaluate(*parts["test"])[1]
        for curve, loss, accuracy in zip(curves, losses, accuracies, strict=True):
            curve.add(update, _digits(loss), _digits(accuracy))

    pauses = range(EVERY, updates + 1, EVERY) if setting.curve else ()
    history = bench.train(x, y, orders, pauses, on_pause)
    ends = {name: bench.evaluate(*part) for name, part in parts.items()}
    results = []
    for i, curve in enumerate(curves):
        result: Result = {}
        for name, (losses, accuracies) in ends.items():
            result |= {f"{name}_accuracy": _digits(accuracies[i]), f"{name}_loss": _digits(losses[i])}
        result["rates"] = [float(history.rates[update]) for update in RATES_AT if update < updates]
        result["diverged"] = not all_finite(history.losses[:, i])
        results.append(result | ({"curve": curve.columns} if setting.curve else {}))
    return results


def _digits(number: float) -> float | None:
    """Four significant digits, which keeps the files small; None for what strict JSON cannot hold."""
    return float(f"{number:.4g}") if np.isfinite(number) else None


def _pytorch(schedule: Schedule, seeds: Sequence[int]) -> Bench:
    import torch

    from lrlib.course.pytorch import bench, stacked_perceptron

    model = stacked_perceptron([initial(seed) for seed in seeds])
    return bench(model, torch.optim.Adam(model.parameters(), eps=EPSILON), schedule)


def _keras(schedule: Schedule, seeds: Sequence[int]) -> Bench:
    import keras

    from lrlib.course.keras import bench, perceptron

    (seed,) = seeds
    model = perceptron(SIZES, initial(seed))
    return stack_of_one(bench(model, keras.optimizers.Adam, schedule, epsilon=EPSILON))


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def _trains(setting: Setting) -> dict[str, Any]:
    return description(
        initial(0),
        initial="uniform in ±1/√inputs",
        optimizer="Adam",
        split="every fifth row tests, every ninth of the rest validates; random by seed from 100 on",
        batches=f"{BATCH}, a new permutation each epoch",
        loss="cross-entropy",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _cyclic_rates(framework: str, updates: int, mode: Any, low: float, high: float, step: int, gamma: float) -> Any:
    """The rates of PyTorch's own CyclicLR, or of the TensorFlow function with the source's interface."""
    if framework == "keras":
        import tensorflow as tf

        import lrlib.keras

        t = tf.range(updates)
        return np.array(lrlib.keras.cyclic_learning_rate(t, low, max_lr=high, step_size=step, gamma=gamma, mode=mode))
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=low)
    cyclic = torch.optim.lr_scheduler.CyclicLR(
        optimizer, low, high, step_size_up=step, mode=mode, gamma=gamma, cycle_momentum=False
    )
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cyclic.step()
    return np.array(rates)


def _cyclic_is_the_function(framework: str) -> tuple[bool, str]:
    """B. Krishnan's function of the update count, as its text prints it, against the framework's cyclical rate."""
    t, low, high, step = np.arange(2000), 1e-3, 1e-2, 500
    cycle = np.floor(1 + t / (2 * step))
    x = np.abs(t / step - 2 * cycle + 1)
    apart = np.abs(
        low + (high - low) * np.maximum(0, 1 - x) - _cyclic_rates(framework, 2000, "triangular", low, high, step, 1.0)
    )
    return bool(apart.max() < 1e-8), f"2000 rates within {'1e-8' if apart.max() < 1e-8 else f'{apart.max():.0e}'}"


def _exp_range_shrinks_both(framework: str) -> tuple[bool, str]:
    """Whether exp_range's lower boundary falls from cycle to cycle, as its upper one does."""
    rates = _cyclic_rates(framework, 241, "exp_range", 0.01, 0.1, 20, 0.997)
    lower, upper = rates[0::40], rates[20::40]
    fall = {"lower": lower[-1] < 0.99 * lower[0], "upper": upper[-1] < 0.99 * upper[0]}
    seen = f"lower {lower[0]:.3g} to {lower[-1]:.3g}, upper {upper[0]:.3g} to {upper[-1]:.3g}"
    return all(fall.values()), seen


def _claims() -> Iterable[Claim]:
    def claim(source: str, text: str, setting: str, rule: Rule) -> Claim:
        return Claim(source, text, setting, rule, CHAPTER)

    def runs(name: str) -> Runs:
        return Runs(EXPERIMENT, name)

    def mean(*names: str) -> Mean:
        return Mean([runs(name) for name in names])

    def spread(names: Iterable[str]) -> Spread:
        return Spread([runs(name) for name in names])

    compared = partial(Higher, smallest=SMALLEST, looks=LONG_LOOKS)

    def gap_of(name: str) -> Runs:
        return Runs(EXPERIMENT, name, lambda result: result["train_accuracy"] - result["test_accuracy"])

    narrow = gap_of("triangular2")
    bounds = spread(pair(low, high) for low, high in PAIRS)
    best = "constant-0.01"  # of the grid, on the held-out images
    for name, control in MEAN_OF.items():
        yield claim(
            MHMOODLAN,
            f"better convergence ({name})",
            "test accuracy against a constant rate at the cycle's mean; as suggested: the best constant of a grid",
            compared(runs(name), runs(control), as_written=compared(runs(name), runs(best))),
        )
    yield claim(
        MHMOODLAN,
        "better convergence (triangular), beside the missing control",
        "test accuracy against one line from the upper bound to zero",
        compared(runs("triangular"), runs("linear")),
    )
    yield claim(
        MHMOODLAN,
        "it helps in regularising",
        "triangular2's gap of training over test accuracy, against a constant rate's at its mean; as suggested: the "
        "best constant of a grid",
        compared(
            narrow, gap_of(MEAN_OF["triangular2"]), lower=True, as_written=compared(narrow, gap_of(best), lower=True)
        ),
    )
    yield claim(
        MHMOODLAN,
        "no need to find the one best rate",
        "spread (standard deviation) of mean test accuracies over a grid of bounds, against constant rates at their "
        "means; as suggested: a grid of constant rates",
        compared(
            bounds,
            spread(mean_of_pair(low, high) for low, high in PAIRS),
            lower=True,
            as_written=compared(bounds, spread(f"constant-{rate:g}" for rate in RATES), lower=True),
        ),
    )
    yield claim(
        MHMOODLAN,
        "a step size of 2 to 10 epochs is good",
        "mean test accuracy at 2, 5 and 10 epochs, against 0.5 and 1",
        compared(mean("step-2", "triangular", "step-10"), mean("step-0.5", "step-1")),
    )
    yield claim(
        KRISHNAN,
        "the lower bound should be a third or a quarter of the upper",
        "mean test accuracy at a third and a quarter, against a tenth and two thirds",
        compared(mean("ratio-3", "ratio-4"), mean("triangular", "ratio-1.5")),
    )

    def curve(result: dict[str, Any], key: str, cycles: float) -> float:
        """What was measured after so many cycles."""
        return float(result["curve"][key][round(2 * STEP / EVERY * cycles) - 1])

    def at_ends(result: dict[str, Any]) -> float:  # both sides of each peak, so that progress cancels out
        return float(np.mean([curve(result, "test_accuracy", end) for end in (1, 2, 2, 3, 3, 4)]))

    def at_peaks(result: dict[str, Any]) -> float:
        return float(np.mean([curve(result, "test_accuracy", peak) for peak in (1.5, 2.5, 3.5)]))

    yield claim(
        KRISHNAN,
        "stop at the end of a cycle",
        "triangular: test accuracy at the ends of cycles against at the peaks between them",
        compared(Runs(EXPERIMENT, "triangular", at_ends), Runs(EXPERIMENT, "triangular", at_peaks)),
    )
    yield claim(
        KRISHNAN,
        "raising the rate hurts briefly",
        "triangular: log10 of the training loss at the second peak against at the end before",
        Higher(
            Runs(EXPERIMENT, "triangular", lambda result: np.log10(curve(result, "train_loss", 1.5))),
            Runs(EXPERIMENT, "triangular", lambda result: np.log10(curve(result, "train_loss", 1.0))),
            SMALLEST_LOG,
            looks=LONG_LOOKS,
            unit=Unit("log10 of loss"),
        ),
    )
    yield claim(
        KRISHNAN,
        "… and helps later",
        "triangular against one fall between the same bounds, with the same mean rate",
        compared(runs("triangular"), runs("fall")),
    )
    yield claim(
        KRISHNAN,
        "PyTorch's CyclicLR equals the NumPy function",
        "2000 rates, bounds 1e-3 and 1e-2",
        Fact(_cyclic_is_the_function),
    )
    yield claim(
        KRISHNAN,
        "exp_range shrinks both boundaries",
        "first and last cycle of six, γ 0.997",
        Fact(_exp_range_shrinks_both),
    )
    yield claim(
        KRISHNAN,
        "a cyclical rate gets the network out of saddle points",
        "–",
        Untestable("no run here measures whether a network stands at a saddle point"),
    )


EXPERIMENT = Experiment(
    name="cycling",
    settings=SETTINGS,
    run=run,
    seeds=seeds_of,
    stacked=frozenset({"pytorch"}),
    trains=_trains,
    rerun=Rerun(1.0, lambda result: [result["train_loss"], result["test_accuracy"]]),
    tested=360,
    claims=_claims,
)
