"""Runs to fit a law on and runs to hold it to: the loss along training, of many schedules, peaks and budgets.

Fixed before any of these runs was made: the two runs that the law is fitted on, the unseen ones whose last loss it must
foretell, those beyond the stability limit that it is not held to, the thresholds and the baselines. The loss is that of
held-out images, after each thirtieth of a run.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar, nnls

from lrlib import Schedule
from lrlib.course import tasks
from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Result
from lrlib.course.experiments.equal_budget import schedules
from lrlib.course.prediction import Law, Run, best_peak, convex_bound
from lrlib.course.rules import Higher, Most, Unit
from lrlib.course.samples import Sample, stored
from lrlib.course.sources import OUR_READING
from lrlib.course.tasks import TASKS
from lrlib.course.training import Curve, all_finite
from lrlib.course.words import LOOKS

CHAPTER = "predicting_the_loss"
MARKS = 30  # times that the loss is measured along a run
UPDATES = {"digits": 342, "mnist": 1650, "cifar10": 900}
SEEDS = {
    "digits": {"pytorch": 10, "keras": 5},
    "mnist": {"pytorch": 5, "keras": 5},
    "cifar10": {"pytorch": 3, "keras": 3},
}
WATCHED = {"digits": 300, "mnist": 5000, "cifar10": 2000}  # held-out images
PEAKS = {
    "digits": {"plain": 1.0, "sgd": 0.1, "adam": 0.01},
    "mnist": {"plain": 0.5, "sgd": 0.05, "adam": 0.002},
    "cifar10": {"plain": 0.3, "sgd": 0.03, "adam": 0.002},
}
OPTIMIZERS = ("plain", "sgd", "adam")


@dataclasses.dataclass(frozen=True)
class Shape:
    """A schedule's family, its peak as a multiple of the task's, and the part of the budget that it is planned for."""

    family: str
    peak: float = 1.0
    part: float = 1.0

    @property
    def name(self) -> str:
        peak = "" if self.peak == 1 else f"-peak{self.peak:g}"
        return f"{self.family}{peak}{'' if self.part == 1 else '-third'}"


THIRD = 1 / 3
FITTED = (Shape("constant"), Shape("wsd"))
UNSEEN = (
    *map(Shape, ("linear", "cosine", "warmup-cosine", "one-cycle", "step", "sgdr", "rex", "inverse-sqrt")),
    *(Shape("linear", 0.5), Shape("linear", 0.25), Shape("constant", 0.25), Shape("wsd", 0.5)),
    *(Shape(family, part=THIRD) for family in ("linear", "cosine", "one-cycle", "wsd")),
)
BEYOND = (Shape("linear", 2.0), Shape("linear", 4.0), Shape("constant", 2.0), Shape("rex", 2.0))
# The median error of the last loss over the unseen runs, the mean of whose seeds is foretold, is to be at most this.
THRESHOLDS = {"digits": 0.05, "mnist": 0.03, "cifar10": 0.05}
SMALLEST = 0.01  # the smallest effect of interest, in that median error: a hundredth of the loss


@dataclasses.dataclass(frozen=True)
class Setting:
    task: str
    optimizer: str
    shape: Shape

    @property
    def name(self) -> str:
        return f"{self.optimizer}-{self.shape.name}"

    @property
    def updates(self) -> int:
        return round(UPDATES[self.task] * self.shape.part)

    @property
    def schedule(self) -> Schedule:
        peak = PEAKS[self.task][self.optimizer] * self.shape.peak
        return schedules(peak, self.updates)[self.shape.family]

    @property
    def marks(self) -> list[int]:
        """After how many updates the loss is measured."""
        return [self.updates * mark // MARKS for mark in range(1, MARKS + 1)]

    def to_dict(self) -> dict[str, Any]:
        schedule = self.schedule.to_dict()
        return {"task": self.task, "optimizer": self.optimizer, "schedule": schedule, "updates": self.updates}


def settings(task: str) -> dict[str, Setting]:
    every = (Setting(task, one, shape) for one in OPTIMIZERS for shape in (*FITTED, *UNSEEN, *BEYOND))
    return {setting.name: setting for setting in every}


def run(setting: Setting, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Train each seed and measure its loss at the marks; the test images are not read."""
    groups, parts = tasks.groups(setting.task, framework, seeds), max(1, round(share * MARKS))
    return [result for group in groups for result in _train(setting, framework, group, parts)]


def _train(setting: Setting, framework: str, seeds: Sequence[int], parts: int) -> list[Result]:
    data, count = tasks.images(setting.task, seeds), WATCHED[setting.task]
    watched = data.watched if setting.task == "digits" else tuple(part[:count] for part in data.watched)
    epochs = -(-setting.updates // tasks.updates(setting.task, 1))
    pauses = setting.marks[:parts]
    order = tasks.orders(setting.task, data.rows, epochs, seeds)[: pauses[-1]]
    bench = tasks.bench(setting.task, setting.optimizer, setting.schedule, framework, seeds)
    curves = [Curve("loss", "accuracy") for _ in seeds]

    def on_pause(update: int) -> None:
        for curve, *measured in zip(curves, *bench.evaluate(*watched), strict=True):
            curve.add(update, *measured)

    history = bench.train(data.x, data.y, order, pauses, on_pause)
    return [
        {
            "rates": [float(history.rates[0]), float(history.rates[-1])],
            "curve": curve.columns,
            "validation_accuracy": curve.columns["accuracy"][-1],
            "diverged": not all_finite(history.losses[:, i]),
        }
        for i, curve in enumerate(curves)
    ]


# ---- What the law and its rivals foretell ----------------------------------------------------------------------------


def losses(task: str, optimizer: str, shapes: Iterable[Shape], framework: str) -> dict[str, np.ndarray]:
    """Shape's name → seeds × marks, of the stored runs; NaN where a loss was not finite."""
    every = stored(EXPERIMENTS[task], new=True)
    found = {}
    for shape in shapes:
        results = every.get(f"{optimizer}-{shape.name}", {}).get(framework, [])
        found[shape.name] = np.array([result["curve"]["loss"] for result in results], float).reshape(-1, MARKS)
    return found


def accuracies(task: str, optimizer: str, shapes: Iterable[Shape], framework: str) -> np.ndarray:
    """The validation accuracy at the end: shapes × seeds."""
    every = stored(EXPERIMENTS[task], new=True)
    runs = [every[f"{optimizer}-{shape.name}"][framework] for shape in shapes]
    return np.array([[result["validation_accuracy"] for result in results] for results in runs])


def foretold(
    task: str, optimizer: str, fitted: dict[str, np.ndarray], shapes: Iterable[Shape], model: str
) -> np.ndarray:
    """The last loss of each shape, as a model foretells it that knows the fitted runs only.

    ``model``: "law"; "area", the same without its noise; "bound", floor + scale · :func:`convex_bound`, whose three
    numbers, the bound's own and these two, are fitted on all marks of the two runs as the law's are; "late fall", the
    last loss of the fitted run that falls; or "nearest", that of the constant run for a schedule whose last rate is
    more than half of its highest, else that of the late fall. Claims compare the law with "area" and "late fall".
    """
    unseen = [Setting(task, optimizer, shape) for shape in shapes]
    known = [Setting(task, optimizer, shape) for shape in FITTED]
    if model in ("late fall", "nearest"):
        constant, fall = (fitted[one.shape.name][:, -1].mean() for one in known)
        stays_high = [model == "nearest" and rates[-1] > rates.max() / 2 for rates in map(_rates, unseen)]
        return np.where(stays_high, constant, fall)
    if model == "bound":
        return _by_bound(known, np.concatenate([fitted[one.shape.name].mean(0) for one in known]), unseen)
    # The seeds' means alone: given the seeds, the law would be fitted without each too, for an interval.
    runs = [Run(_rates(one), one.marks, fitted[one.shape.name].mean(0)) for one in known]
    law = Law.fit(runs, noise=model == "law")
    return np.array([law.predict(_rates(one), [one.updates])[0] for one in unseen])


def _by_bound(known: Sequence[Setting], losses: np.ndarray, unseen: Sequence[Setting]) -> np.ndarray:
    """Norm over distance is the best of a grid, polished; floor and scale are then best for the relative errors."""
    rates = [_rates(one) for one in known]

    def fit(log_unit: float) -> tuple[float, np.ndarray]:
        unit = np.exp(log_unit)
        bounds = [convex_bound(unit * one[:mark]) for one, run in zip(rates, known, strict=True) for mark in run.marks]
        numbers, error = nnls(np.stack([np.ones(len(bounds)), bounds], axis=1) / losses[:, None], np.ones(len(bounds)))
        return error, numbers

    # Around the unit for which the task's peak would be the best of a line.
    theory = best_peak(np.linspace(1, 0, known[0].updates, endpoint=False))
    grid = np.log(theory / PEAKS[known[0].task][known[0].optimizer] * np.geomspace(0.1, 10, 9))
    near, step = min(grid, key=lambda unit: fit(unit)[0]), grid[1] - grid[0]
    limits = near - step, near + step
    best = minimize_scalar(lambda unit: fit(unit)[0], bounds=limits, method="bounded", options={"xatol": 0.02}).x
    floor, scale = fit(best)[1]
    return np.array([floor + scale * convex_bound(np.exp(best) * _rates(one)) for one in unseen])


def _rates(setting: Setting) -> np.ndarray:
    return setting.schedule(np.arange(setting.updates))


@dataclasses.dataclass(frozen=True)
class MedianError:
    """Of each seed: the median, over the unseen runs, of how far the last loss is from what its two runs foretell.

    As a share of the loss: |log(foretold / measured)|.
    """

    task: str
    optimizer: str
    model: str

    def settings(self) -> set[tuple[Experiment, str]]:
        return {(EXPERIMENTS[self.task], f"{self.optimizer}-{shape.name}") for shape in (*FITTED, *UNSEEN)}

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        values = _median_errors(self.task, self.optimizer, self.model, framework) if new else np.empty(0)
        return Sample(values, ~np.isfinite(values)).first(count)


@cache
def _median_errors(task: str, optimizer: str, model: str, framework: str) -> np.ndarray:
    every = losses(task, optimizer, (*FITTED, *UNSEEN), framework)
    errors = []
    for seed in range(min(map(len, every.values()))):
        own = {shape.name: every[shape.name][seed : seed + 1] for shape in FITTED}
        ends = np.array([every[shape.name][seed, -1] for shape in UNSEEN])
        errors.append(np.median(np.abs(np.log(foretold(task, optimizer, own, UNSEEN, model) / ends))))
    return np.array(errors)


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _compared(optimizer: str, control: str) -> Most:
    """On more than half of the three tasks the law's error is lower than a rival's."""
    return Most(
        {
            task: Higher(
                MedianError(task, optimizer, "law"),
                MedianError(task, optimizer, control),
                SMALLEST,
                lower=True,
                digits=3,
                unit=Unit("of the loss"),
                looks=LOOKS if min(SEEDS[task].values()) >= min(LOOKS) else {3: 0.05},
            )
            for task in TASKS
        }
    )


def _claims() -> Iterable[Claim]:
    words = {"plain": "SGD without momentum", "sgd": "SGD with momentum", "adam": "Adam"}
    for optimizer in OPTIMIZERS:
        setting = f"three tasks, {words[optimizer]}: median error of the last loss over {len(UNSEEN)} unseen runs"
        for text, control in (
            ("a decay's gain is foretold: distance walked and the last rate do better than the distance alone", "area"),
            ("two runs foretell another better than the last loss of one of them does", "late fall"),
        ):
            yield Claim(OUR_READING, f"{text} ({words[optimizer]})", setting, _compared(optimizer, control), CHAPTER)


def _experiment(task: str) -> Experiment:
    return Experiment(
        name=f"foretold-{task}",
        settings=settings(task),
        run=run,
        seeds=lambda setting, framework: range(NEW, NEW + SEEDS[task][framework]),
        stacked=frozenset({"pytorch"}) if task == "digits" else frozenset(),
        trains=lambda setting: tasks.trains(task, tasks.OPTIMIZERS[setting.optimizer]),
        rerun=Rerun(4 / MARKS, lambda result: result["curve"]["loss"][:4]),
        tested=WATCHED[task],
        new_seeds=SEEDS[task],
        claims=_claims if task == "digits" else lambda: (),  # each claim is about all three, and stands once
    )


EXPERIMENTS = {task: _experiment(task) for task in TASKS}
