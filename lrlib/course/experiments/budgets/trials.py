"""The trials: each cell with its chosen peak, on seeds that had no part in the choice."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lrlib.course import tasks
from lrlib.course.experiment import NEW, Experiment, Rerun, Result
from lrlib.course.experiments.budgets import peaks
from lrlib.course.experiments.budgets.cells import Cell, cells, train_seeds, trains
from lrlib.course.experiments.equal_budget import MARKS
from lrlib.course.tasks import TASKS

SEEDS = {"digits": 10, "mnist": 10, "cifar10": 5}
MOST = {"digits": 40, "mnist": 40, "cifar10": 5}  # in PyTorch, for the later looks


@dataclasses.dataclass(frozen=True)
class Setting:
    """A cell with the peak that was chosen for it: another choice makes its results stale."""

    cell: Cell

    @cached_property
    def peak(self) -> float:
        """The chosen peak. Errors: ``LookupError`` as long as there is none."""
        peak = peaks.chosen(self.cell)
        if peak is None:
            name = peaks.EXPERIMENTS[self.cell.task].name
            raise LookupError(f"the peak of {self.cell.name} is not chosen yet; `make experiments ONLY={name}` does it")
        return peak

    def to_dict(self) -> dict[str, Any]:
        try:
            peak = self.peak
        except LookupError:
            peak = None  # nothing is stored under it
        return {**self.cell.to_dict(), "peak": peak}


def run(setting: Setting, framework: str, seeds: Sequence[int], share: float = 1.0) -> list[Result]:
    """Train each seed with the chosen peak and read the test images once; only a whole run does."""
    parts = max(1, round(share * MARKS))
    peak = setting.peak
    return [
        result
        for group in tasks.groups(setting.cell.task, framework, seeds)
        for result in train_seeds(setting.cell, framework, peak, group, parts, test=parts == MARKS)
    ]


def _experiment(task: str) -> Experiment:
    settings = {cell.name: Setting(cell) for cell in cells(task)}

    def seeds_of(setting: str, framework: str) -> range:
        count = SEEDS[task] if settings[setting].cell.runs_in(framework) else 0
        return range(NEW, NEW + count)

    return Experiment(
        name=f"budgets-{task}",
        settings=settings,
        run=run,
        seeds=seeds_of,
        stacked=frozenset({"pytorch"}) if task == "digits" else frozenset(),
        trains=lambda setting: trains(setting.cell),
        rerun=Rerun(1 / MARKS, lambda result: [result["curve"]["loss"][0], result["curve"]["accuracy"][0]]),
        tested=TASKS[task].sizes[2],
        fixed_test=TASKS[task].fixed_test,
        new_seeds={"pytorch": MOST[task], "keras": SEEDS[task]},
    )


EXPERIMENTS = {task: _experiment(task) for task in TASKS}
