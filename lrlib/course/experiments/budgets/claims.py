"""What the study decides, and how: fixed before its runs were made.

A comparison is one schedule against another at equal budget, each with its own peak, on one task: the logarithm of the
test error, a mean over the three budgets, seed by seed. The smallest effect of interest is a twentieth of the error.
Digits and MNIST are looked at with ten seeds, and again with 20 and 40 if that leaves them undecided; CIFAR-10 once,
with five. Each task has a word of its own. A claim's word is that of more than half of the tasks, and speaks of these
three tasks only.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lrlib.course.experiment import Claim, Experiment
from lrlib.course.experiments.budgets import trials
from lrlib.course.experiments.budgets.cells import EARLY, Cell
from lrlib.course.experiments.equal_budget import BUDGETS
from lrlib.course.rules import LOG_ERROR, Higher, Most
from lrlib.course.samples import Gain, Mean, Measure, Runs
from lrlib.course.sources import OUR_READING, PAPERS
from lrlib.course.tasks import TASKS
from lrlib.course.training import unpacked

CHAPTER = "to_zero"
SMALLEST = math.log(1.05)  # the smallest effect of interest: a twentieth of the error
LOOKS: dict[str, Mapping[int, float]] = {
    "digits": {10: 0.02, 20: 0.015, 40: 0.015},
    "mnist": {10: 0.02, 20: 0.015, 40: 0.015},
    "cifar10": {5: 0.05},
}


def log_error(task: str, mark: int | None = None) -> Measure:
    """The logarithm of the test error in percent; with a ``mark``, of the validation error after so many eighths.

    Half an image is added to the wrong ones, and one to all: a digits network may have every test image right.
    """
    images = TASKS[task].sizes[2 if mark is None else 1]

    def percent(accuracy: float) -> float:
        wrong = images * (1 - accuracy / 100)
        return 100 * (wrong + 0.5) / (images + 1)

    def accuracy(result: Any) -> float:
        return result["test_accuracy"] if mark is None else result["curve"]["accuracy"][mark - 1]

    def right(result: Any) -> np.ndarray | None:
        """To first order an image that is right lowers the logarithm by its part of the error."""
        stored = {None: "right", EARLY: "watched_right"}.get(mark, "")
        packed = result.get(stored)
        return None if packed is None else -100 * unpacked(*packed.values()) / percent(accuracy(result))

    return Measure(lambda result: math.log(percent(accuracy(result))), right)


def arm(task: str, optimizer: str, schedule: str, early: bool = False) -> Mean:
    """One schedule on one task with one optimizer: its log error, a mean over the budgets."""
    experiment: Experiment = trials.EXPERIMENTS[task]
    names = [Cell(task, optimizer, epochs, schedule).name for epochs in BUDGETS]
    return Mean([Runs(experiment, name, log_error(task, EARLY if early else None)) for name in names])


def comparison(task: str, optimizer: str, schedule: str, control: str, early: bool = False) -> Higher:
    """On one task, that a schedule's error is lower than another's."""
    ours, theirs = (arm(task, optimizer, name, early) for name in (schedule, control))
    return Higher(ours, theirs, SMALLEST, lower=True, digits=3, unit=LOG_ERROR, looks=LOOKS[task])


@dataclasses.dataclass(frozen=True)
class Planned:
    """A claim: what it says, the two schedules, and when the runs are read."""

    text: str
    schedule: str
    control: str
    early: bool = False


# Each is judged with SGD and again with AdamW.
SHAPES = (
    Planned("SGDR: at the end of training one cosine is better than restarts", "cosine", "sgdr"),
    Planned("SGDR: before the end restarts are better than one cosine", "sgdr", "cosine", early=True),
    Planned("budgeted training: a line to zero is better than a constant rate", "linear", "constant"),
    Planned("budgeted training: a line to zero is better than step decay", "linear", "step"),
    Planned("REX: it is better than a line to zero", "rex", "linear"),
)


def decay_changes(task: str, schedule: str, control: str) -> Higher:
    """That what one shape gains over another with weight decay is more or less than without: AdamW, each tuned."""
    decayed, plain = (Gain(arm(task, name, control), arm(task, name, schedule)) for name in ("adamw", "adam"))
    return Higher(decayed, plain, SMALLEST, digits=3, unit=LOG_ERROR, looks=LOOKS[task], changes=True)


# What of a shape is asked: its fall (against none), and when it comes (late against evenly).
DECAY = (("linear", "constant"), ("wsd", "linear"))


def _claims() -> Iterable[Claim]:
    on = "digits, MNIST and CIFAR-10, each at three budgets, each schedule tuned"
    for optimizer, words in {"sgd": "SGD with momentum", "adamw": "AdamW"}.items():
        for plan in SHAPES:
            moment = "stopped after three eighths" if plan.early else "at the end"
            cases = {task: comparison(task, optimizer, plan.schedule, plan.control, plan.early) for task in TASKS}
            yield Claim(PAPERS, f"{plan.text} ({words})", f"{on}; {moment}", Most(cases), CHAPTER)
    texts = "a line to zero gains over a constant rate", "a late fall gains over an even one"
    for text, pair in zip(texts, DECAY, strict=True):
        rule = Most({task: decay_changes(task, *pair) for task in TASKS})
        yield Claim(OUR_READING, f"weight decay changes what {text}", f"{on}; AdamW with and without it", rule, CHAPTER)


# Each claim is about all tasks, and stands once.
EXPERIMENTS = {**trials.EXPERIMENTS, "digits": dataclasses.replace(trials.EXPERIMENTS["digits"], claims=_claims)}
