"""Schedules at equal budget: ``cells`` runs them, ``results`` reads what is stored, and here are the claims."""

import dataclasses
import math
from collections.abc import Iterable
from functools import partial

from lrlib.course.experiment import NEW, Claim
from lrlib.course.experiments.equal_budget.cells import (
    BUDGETS,
    FREE_PEAKS,
    MARKS,
    NAMES,
    PEAKS,
    SCHEDULE_FREE,
    SETTINGS,
    STUDY,
    TASKS,
    TRIAL_SEEDS,
    TUNING_SEED,
    WINNERS,
    Setting,
    peaks,
    runs,
    schedules,
    seeds_of,
    train_seeds,
    trial,
)
from lrlib.course.experiments.equal_budget.results import error_ratios_by_task
from lrlib.course.rules import LowerError
from lrlib.course.sources import PAPERS
from lrlib.course.tasks import PERCEPTRONS, initial, updates

CHAPTER = "to_zero"
SMALLEST = math.log(1.05)  # the smallest effect of interest: a twentieth of the error
__all__ = [
    "BUDGETS",
    "CHAPTER",
    "EXPERIMENT",
    "FREE_PEAKS",
    "MARKS",
    "NAMES",
    "PEAKS",
    "PERCEPTRONS",
    "SCHEDULE_FREE",
    "SETTINGS",
    "STUDY",
    "TASKS",
    "TRIAL_SEEDS",
    "TUNING_SEED",
    "WINNERS",
    "Setting",
    "initial",
    "peaks",
    "runs",
    "schedules",
    "seeds_of",
    "train_seeds",
    "trial",
    "updates",
]


def _claims() -> Iterable[Claim]:
    def claim(text: str, name: str, control: str, stopped: float | None = None) -> Claim:
        moment = "at the end" if stopped is None else "stopped after three eighths"
        rule = LowerError(partial(error_ratios_by_task, name, control, stopped), SMALLEST, new=min(TRIAL_SEEDS) >= NEW)
        return Claim(PAPERS, text, f"three tasks at three budgets, each tuned; {moment}", rule, CHAPTER)

    yield claim("SGDR: at the end of training one cosine is better than restarts", "cosine", "sgdr")
    yield claim("SGDR: before the end restarts are better than one cosine", "sgdr", "cosine", 3 / 8)
    yield claim("budgeted training: a line to zero is better than a constant rate", "linear", "constant")
    yield claim("budgeted training: a line to zero is better than step decay", "linear", "step")
    yield claim("REX: it is better than a line to zero", "rex", "linear")


EXPERIMENT = dataclasses.replace(STUDY, claims=_claims)
