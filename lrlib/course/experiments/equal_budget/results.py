"""What the stored runs of the equal-budget study say, for the chapters that read them. All accuracies in percent."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lrlib.course import samples, store
from lrlib.course.experiment import Result
from lrlib.course.experiments.equal_budget.cells import BUDGETS, EXPERIMENT, MARKS, NAMES, TASKS

SETTINGS = list(itertools.product(TASKS, BUDGETS))
TO_ZERO = ("linear", "cosine", "warmup-cosine", "one-cycle", "wsd", "rex")  # one fall to zero, in different shapes


class Accuracies(NamedTuple):
    """``names``: the schedules. The arrays' first axes are settings (as in :data:`SETTINGS`) and schedules."""

    names: tuple[str, ...]
    test: np.ndarray  # third axis: seeds
    validation: np.ndarray  # third and fourth: seeds, eighths of the budget
    tuning: np.ndarray  # third: candidates for the peak
    lost: np.ndarray  # third: seeds; whether a run learned nothing

    @property
    def means(self) -> np.ndarray:
        """Settings × schedules: mean test accuracy over the seeds."""
        return self.test.mean(-1)

    def error_ratio(self, name: str, control: str) -> np.ndarray:
        """For each setting the logarithm of one schedule's mean test error over another's.

        A point of accuracy is much on MNIST and little on CIFAR-10; a share of the error is comparable.
        """
        return self._log_ratio(self.means, name, control)

    def stopped(self, name: str, control: str, share: float) -> np.ndarray:
        """The same for the validation error, if both runs stop at a share of their budget: a number of eighths."""
        return self._log_ratio(self.validation[..., round(share * MARKS) - 1].mean(-1), name, control)

    def _log_ratio(self, accuracies: np.ndarray, name: str, control: str) -> np.ndarray:
        errors = 100 - accuracies
        return np.log(errors[:, self.names.index(name)] / errors[:, self.names.index(control)])

    def behind(self, names: Sequence[str]) -> np.ndarray:
        """Settings × ``names``: how far each schedule's mean test accuracy is below the best of these."""
        means = self.means[:, [self.names.index(name) for name in names]]
        return means.max(1, keepdims=True) - means

    def another(self, names: Sequence[str]) -> np.ndarray:
        """Accuracy lost by each of these schedules but the best, one number a setting and schedule that lost no run."""
        kept = ~self.lost[:, [self.names.index(name) for name in names]].any(-1)
        behind = self.behind(names)
        return behind[kept & (behind > 0)]

    def missed_peak(self, names: Sequence[str], places: int) -> np.ndarray:
        """Accuracy lost by a peak ``places`` grid points above the best one, one number a setting and schedule.

        Left out where the grid ends before. The best is chosen by one run each, so its lead is, if anything, too large.
        """
        curves = self.tuning[:, [self.names.index(name) for name in names]].reshape(-1, self.tuning.shape[-1])
        best = curves.argmax(1)
        inside = (best + places >= 0) & (best + places < curves.shape[1])
        rows = np.flatnonzero(inside)
        return curves[rows, best[rows]] - curves[rows, best[rows] + places]


def load(names: Sequence[str] = NAMES, framework: str = "pytorch") -> Accuracies:
    """The stored results of some schedules in one framework."""
    results = store.load(EXPERIMENT)
    cells = [[results[f"{task}-{epochs}epochs-{name}"][framework][0] for name in names] for task, epochs in SETTINGS]

    def gathered(measure: Callable[[Result], Any]) -> np.ndarray:
        return np.array([[[measure(run) for run in cell["runs"]] for cell in setting] for setting in cells])

    tuning: Any = [[[run[-1] for run in cell["tuning"]] for cell in setting] for setting in cells]
    test, validation = gathered(lambda run: run["test_accuracy"]), gathered(lambda run: run["curve"]["accuracy"])
    tested = [dataclasses.replace(EXPERIMENT, tested=TASKS[task].tested) for task, _ in SETTINGS]
    gone = np.array(
        [
            [[samples.lost(run, task)[0] for run in cell["runs"]] for cell in setting]
            for task, setting in zip(tested, cells, strict=True)
        ]
    )
    return Accuracies(tuple(names), test, validation, np.array(tuning), gone)
