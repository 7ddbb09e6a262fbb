"""Schedules at equal budget, with power: two optimizers, peaks by halving, ten trial seeds (five on CIFAR-10).

``cells`` says what is trained, ``peaks`` chooses each cell's peak, ``trials`` runs it with new seeds. Each task is an
experiment of its own, and so is the choice of its peaks, which comes first. ``claims`` says what is decided. What
``equal_budget`` explored with seeds that were looked at, this tests with new ones.
"""

from lrlib.course.experiments.budgets import claims, peaks

EXPERIMENTS = {**{f"{task}-peaks": one for task, one in peaks.EXPERIMENTS.items()}, **claims.EXPERIMENTS}
