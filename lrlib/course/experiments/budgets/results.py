"""What the stored trials say, for the chapters that read them: pooled over cells, and what a rule of thumb costs."""

import itertools
from collections.abc import Iterable

import numpy as np

from lrlib.course import store
from lrlib.course.experiments.budgets import claims, peaks, trials
from lrlib.course.experiments.budgets.cells import FOUND, NAMES, Cell
from lrlib.course.experiments.equal_budget import BUDGETS
from lrlib.course.samples import TEST_ACCURACY, Measure, Runs, Sample
from lrlib.course.stats import random_effects

OPTIMIZERS = ("sgd", "adamw")  # those with all schedules
COMPLETE = ("digits", "mnist")  # the tasks whose trials have been run


def _sample(cell: Cell, measure: Measure, framework: str) -> Sample:
    return Runs(trials.EXPERIMENTS[cell.task], cell.name, measure).sample(framework, new=True)


def differences(
    name: str,
    control: str,
    optimizers: Iterable[str] = OPTIMIZERS,
    framework: str = "pytorch",
    mark: int | None = None,
) -> list[Sample]:
    """For each cell of the complete tasks (task by task, optimizer by optimizer, budget by budget) one number a seed.

    It is a schedule's log error less its control's, at the end, or after ``mark`` eighths of the budget. Only the seeds
    that every cell has are taken: how many more there are depends on what earlier looks had shown.
    """
    found = []
    for task, optimizer, epochs in itertools.product(COMPLETE, optimizers, BUDGETS):
        ours, theirs = (
            _sample(Cell(task, optimizer, epochs, one), claims.log_error(task, mark), framework)
            for one in (name, control)
        )
        found.append(ours.minus(theirs).first(trials.SEEDS[task]))
    return found


def pooled(
    name: str,
    control: str,
    optimizers: Iterable[str] = OPTIMIZERS,
    framework: str = "pytorch",
    mark: int | None = None,
) -> tuple[float, float, float] | None:
    """The mean of :func:`differences` with its 95 % interval, as random effects over the cells; None without runs.

    The unit is the log of the error: 0.1 is an error higher by a factor of exp(0.1). A cell's variance is that of its
    seeds, and of the test images where it is stored which of them were right.
    The tasks are not drawn from all tasks: the interval speaks of these, and of what differs between their cells.
    """
    cells = differences(name, control, optimizers, framework, mark)
    if not all(cell.seeds for cell in cells):
        return None
    variances = [cell.values.var(ddof=1) / cell.seeds + cell.variance_of_images() for cell in cells]
    return random_effects([cell.values.mean() for cell in cells], variances)


def best_on_validation(task: str, optimizer: str, epochs: int) -> str:
    """What full tuning chooses: the schedule whose chosen peak has the best mean accuracy over the tuning seeds."""
    every = store.everything(peaks.EXPERIMENTS[task])

    def tuned(name: str) -> float:
        (result,) = every[Cell(task, optimizer, epochs, name).name]
        runs = zip(result["peaks"], result["tuning"], strict=True)
        return float(np.mean([run[-1] for peak, run in runs if peak == result["peak"]]))

    return max((name for name in NAMES if name != FOUND), key=tuned)


def regret(task: str, optimizer: str, rule: str) -> np.ndarray:
    """Budgets × seeds: points of test accuracy that a rule of thumb, one schedule for all, loses to full tuning.

    Below zero the rule did better. Tuning looks at validation images and at three seeds, so it need not find the best.
    """
    lost = []
    for epochs in BUDGETS:
        names = best_on_validation(task, optimizer, epochs), rule
        ours, theirs = (_sample(Cell(task, optimizer, epochs, name), TEST_ACCURACY, "pytorch") for name in names)
        lost.append(ours.minus(theirs).first(trials.SEEDS[task]).values)
    return np.array(lost)
