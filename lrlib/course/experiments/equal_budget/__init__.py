"""Schedules at equal budget, a first exploration: ``cells`` runs it, and ``results`` reads what is stored.

Its seeds had been looked at when the rules of the verdicts were made, so it decides nothing; ``budgets`` does.
"""

from lrlib.course.experiments.equal_budget.cells import (
    BUDGETS,
    EXPERIMENT,
    FREE_PEAKS,
    MARKS,
    NAMES,
    PEAKS,
    SCHEDULE_FREE,
    SETTINGS,
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
from lrlib.course.tasks import PERCEPTRONS, initial, updates

__all__ = [
    "BUDGETS",
    "EXPERIMENT",
    "FREE_PEAKS",
    "MARKS",
    "NAMES",
    "PEAKS",
    "PERCEPTRONS",
    "SCHEDULE_FREE",
    "SETTINGS",
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
