"""A constant rate and what can be made of it later: a cooldown for every budget, or an average of its last weights.

*trunk*: a constant rate whose last fifth falls to zero, so that runs of all budgets share their beginnings; *line*: a
line to zero that was planned for the budget; *constant*: no fall. Each at five peaks. The peak is chosen on validation
images by the tuning seeds: for the line one a budget, for the trunk one for all budgets, that of the longest. *average*
and *fall*: at the middle peak, the mean of the weights over the last part of a constant run, and a line to zero over
the same part.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lrlib import Constant, Linear, Schedule, WarmupStableDecay
from lrlib.course import tasks
from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Result
from lrlib.course.experiments.budgets.claims import SMALLEST, log_error
from lrlib.course.rules import LOG_ERROR, Higher, Most
from lrlib.course.samples import Gain, Mean, Numbers, Runs, Sample, stored
from lrlib.course.sources import OUR_READING
from lrlib.course.tasks import TASKS
from lrlib.course.training import Bench, Curve, MeanWeights, all_finite, packed

CHAPTER = "after_the_budget"
OPTIMIZER = "sgd"
UPDATES = {"digits": 1026, "mnist": 4950}  # of the whole budget: 27 and 9 epochs
PARTS = (0.125, 0.25, 0.5, 1.0)  # the budgets
PEAK = {"digits": 0.1, "mnist": 0.05}
FACTORS = (0.5, 1.0, 2.0, 4.0, 8.0)  # peaks, as multiples of that
LAST = (0.1, 0.2, 0.5)  # the part that is averaged, or over which the rate falls
EVERY = 5  # updates between two weights that are averaged
COOLDOWN = 0.2
TUNING_SEEDS = (0, 1, 2)
NEW_SEEDS = {"digits": {"pytorch": 40, "keras": 5}, "mnist": {"pytorch": 20, "keras": 5}}


@dataclasses.dataclass(frozen=True)
class Setting:
    task: str
    kind: str  # "trunk", "line", "constant", "average" or "fall"
    part: float  # of the whole budget
    factor: float = 1.0
    last: float = COOLDOWN

    @property
    def name(self) -> str:
        if self.kind in ("average", "fall"):
            return f"{self.kind}-{self.last:g}"
        return f"{self.kind}-{self.part:g}-peak{self.factor:g}"

    @property
    def updates(self) -> int:
        return round(UPDATES[self.task] * self.part)

    @property
    def begins(self) -> int:
        """The update at which the last part begins."""
        return self.updates - round(self.last * self.updates)

    @property
    def schedule(self) -> Schedule:
        peak = PEAK[self.task] * self.factor
        if self.kind in ("constant", "average"):
            return Constant(peak)
        if self.kind == "line":
            return Linear(peak, 0.0, self.updates)
        return WarmupStableDecay(peak, 0, self.begins, self.updates - self.begins)

    def to_dict(self) -> dict[str, Any]:
        averaged = {"averaged_from": self.begins, "every": EVERY} if self.kind == "average" else {}
        return {"task": self.task, "schedule": self.schedule.to_dict(), "updates": self.updates, **averaged}


def settings(task: str) -> dict[str, Setting]:
    grid = itertools.product(("trunk", "line", "constant"), PARTS, FACTORS)
    every = [Setting(task, kind, part, factor) for kind, part, factor in grid]
    every += [Setting(task, kind, 1.0, last=last) for kind in ("average", "fall") for last in LAST]
    return {setting.name: setting for setting in every}


def run(setting: Setting, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Train each seed; the test images are read once, at the end of a whole run."""
    groups = tasks.groups(setting.task, framework, seeds)
    return [result for group in groups for result in _train(setting, framework, group, share)]


def _train(setting: Setting, framework: str, seeds: Sequence[int], share: float) -> list[Result]:
    data = tasks.images(setting.task, seeds)
    epochs = -(-setting.updates // tasks.updates(setting.task, 1))
    eighth = setting.updates // 8
    stop = setting.updates if share == 1 else eighth
    order = tasks.orders(setting.task, data.rows, epochs, seeds)[:stop]
    bench = tasks.bench(setting.task, OPTIMIZER, setting.schedule, framework, seeds)
    curves, mean = [Curve("loss", "accuracy") for _ in seeds], MeanWeights()
    averaged = range(setting.begins + EVERY, stop + 1, EVERY) if setting.kind == "average" else range(0)

    def measure(update: int) -> None:
        for curve, *measured in zip(curves, *bench.evaluate(*data.watched), strict=True):
            curve.add(update, *measured)

    def on_pause(update: int) -> None:
        if update == eighth:
            measure(update)
        if update in averaged:
            mean.add(bench.weights())

    history = bench.train(data.x, data.y, order, [eighth, *averaged], on_pause)
    found = [{"diverged": not all_finite(history.losses[:, i])} for i in range(len(seeds))]
    if share == 1:
        if averaged:
            bench.set_weights(mean.result())
        measure(stop)
        for one, more in zip(found, _tested(setting, bench, data), strict=True):
            one |= more
    return [{**one, "curve": curve.columns} for one, curve in zip(found, curves, strict=True)]


def _tested(setting: Setting, bench: Bench, data: tasks.Images) -> list[Result]:
    losses, accuracies = bench.evaluate(*data.tested)
    found: list[Result] = [
        {"test_loss": loss, "test_accuracy": accuracy} for loss, accuracy in zip(losses, accuracies, strict=True)
    ]
    if TASKS[setting.task].fixed_test:
        for one, right in zip(found, bench.right(*data.tested), strict=True):
            one["right"] = {str(setting.updates): packed(right)}
    return found


# ---- Peaks and comparisons -------------------------------------------------------------------------------------------


def best_factor(task: str, kind: str, part: float) -> float:
    """The peak, as a multiple of the task's, with the best mean validation accuracy over the tuning seeds."""
    every = stored(EXPERIMENTS[task], new=False)

    def accuracy(factor: float) -> float:
        results = every[Setting(task, kind, part, factor).name]["pytorch"]
        return float(np.mean([result["curve"]["accuracy"][-1] for result in results]))

    return max(FACTORS, key=accuracy)


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Log test error of a kind of run at one budget, with the peak that ``choice`` gives, ``above`` times over."""

    task: str
    kind: str
    part: float
    choice: Callable[[], float]
    above: float = 1.0

    def settings(self) -> set[tuple[Experiment, str]]:
        return {(EXPERIMENTS[self.task], Setting(self.task, self.kind, self.part, factor).name) for factor in FACTORS}

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        factor = self.choice() * self.above
        if factor not in FACTORS:  # the best is the highest of the grid
            return Sample(np.empty(0), np.empty(0, bool))
        runs = Runs(EXPERIMENTS[self.task], Setting(self.task, self.kind, self.part, factor).name, log_error(self.task))
        return runs.sample(framework, new, count)


def trunk(task: str, part: float) -> Numbers:
    """The trunk's run at one budget; its peak is that of the longest."""
    return Chosen(task, "trunk", part, lambda: best_factor(task, "trunk", 1.0))


def planned(task: str, kind: str, part: float, above: float = 1.0) -> Numbers:
    """A run at one budget with a peak of its own, or ``above`` times that."""
    return Chosen(task, kind, part, lambda: best_factor(task, kind, part), above)


def lower(task: str, ours: Numbers, theirs: Numbers) -> Higher:
    """That our log error is lower than theirs, on one task."""
    return Higher(ours, theirs, SMALLEST, lower=True, digits=3, unit=LOG_ERROR, looks=_looks(task))


def _looks(task: str) -> dict[int, float]:
    return {5: 0.01, 10: 0.01, 20: 0.015, 40: 0.015} if task == "digits" else {5: 0.015, 10: 0.015, 20: 0.02}


def _claims() -> Iterable[Claim]:
    on = "digits and MNIST, SGD with momentum"

    def claim(text: str, setting: str, cases: Mapping[str, Higher]) -> Claim:
        return Claim(OUR_READING, text, setting, Most(cases), CHAPTER)

    yield claim(
        "cooldowns from one constant trunk do better than lines planned for each budget",
        f"{on}: four budgets, the line with a peak for each, the trunk with one for all",
        {
            t: lower(t, Mean([trunk(t, p) for p in PARTS]), Mean([planned(t, "line", p) for p in PARTS]))
            for t in UPDATES
        },
    )
    for last in LAST[:2]:
        yield claim(
            f"the mean of the last {100 * last:.0f} % of a constant run does better than a fall over them",
            f"{on}: at one peak, the same beginning",
            {
                t: lower(t, *(Runs(EXPERIMENTS[t], f"{kind}-{last:g}", log_error(t)) for kind in ("average", "fall")))
                for t in UPDATES
            },
        )
    yield claim(
        "a line to zero forgives a peak twice too high more than a constant rate does",
        f"{on}: what twice the best peak costs, at the whole budget",
        {
            t: lower(t, *(Gain(planned(t, k, 1.0, 2.0), planned(t, k, 1.0)) for k in ("line", "constant")))
            for t in UPDATES
        },
    )


def _experiment(task: str) -> Experiment:
    every = settings(task)

    def seeds_of(setting: str, framework: str) -> tuple[int, ...]:
        """The tuning seeds choose the peaks, in PyTorch; of the new ones the first look's are always run."""
        choosing = (
            TUNING_SEEDS if framework == "pytorch" and every[setting].kind in ("trunk", "line", "constant") else ()
        )
        return (*choosing, *range(NEW, NEW + 5))

    return Experiment(
        name=f"one_trunk-{task}",
        settings=every,
        run=run,
        seeds=seeds_of,
        stacked=frozenset({"pytorch"}) if task == "digits" else frozenset(),
        trains=lambda setting: tasks.trains(task, tasks.OPTIMIZERS[OPTIMIZER]),
        rerun=Rerun(0.125, lambda result: [result["curve"]["loss"][0], result["curve"]["accuracy"][0]]),
        tested=TASKS[task].sizes[2],
        fixed_test=TASKS[task].fixed_test,
        new_seeds=NEW_SEEDS[task],
        claims=_claims if task == "digits" else lambda: (),  # each claim is about both tasks, and stands once
    )


EXPERIMENTS = {task: _experiment(task) for task in UPDATES}
