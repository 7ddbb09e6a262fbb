"""How each cell's peak is chosen: by halving, on validation images, in PyTorch, with seeds that no trial has.

One run at each of five peaks; then three seeds for the best of them and its neighbours at a factor of two, of which the
best mean is taken. A peak at which a run is lost is out. A line's other peak is what the range test suggests.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from lrlib.course import store, tasks
from lrlib.course.experiment import Experiment, Rerun, Result, Trial, each_seed
from lrlib.course.experiments.budgets.cells import (
    FOUND,
    OPTIMIZERS,
    TUNING_SEEDS,
    Cell,
    cells,
    train_seeds,
    trains,
)
from lrlib.course.experiments.equal_budget import MARKS, SCHEDULE_FREE
from lrlib.course.samples import level_of_chance
from lrlib.course.tasks import TASKS

STEPS = 100  # of the range test


@dataclasses.dataclass(frozen=True)
class Choice:
    """The choice of a cell's peak; one stored result, of all runs that it took."""

    cell: Cell

    @property
    def grid(self) -> tuple[float, ...]:
        optimizer = OPTIMIZERS[self.cell.optimizer]
        return optimizer.free_peaks if self.cell.schedule == SCHEDULE_FREE else optimizer.peaks

    def to_dict(self) -> dict[str, Any]:
        if self.cell.schedule == FOUND:
            return {**self.cell.to_dict(), "sweep": [*OPTIMIZERS[self.cell.optimizer].sweep, STEPS]}
        return {**self.cell.to_dict(), "grid": list(self.grid), "seeds": list(TUNING_SEEDS)}


Train = Callable[[float, tuple[int, ...]], list[list[float]]]  # peak, seeds -> validation accuracies of each seed


def halve(grid: tuple[float, ...], train: Train, chance: float) -> tuple[float, dict[tuple[float, int], list[float]]]:
    """The chosen peak, and the accuracies of every run by peak and seed, in the order in which they were made.

    ``chance`` is the accuracy below which a run is lost. Errors: ``ValueError`` if at every peak one is.
    """
    runs: dict[tuple[float, int], list[float]] = {}

    def finals(peak: float, seeds: tuple[int, ...]) -> list[float]:
        lacking = tuple(seed for seed in seeds if (peak, seed) not in runs)
        if lacking:
            runs.update(zip([(peak, seed) for seed in lacking], train(peak, lacking), strict=True))
        return [runs[peak, seed][-1] for seed in seeds]

    first = {peak: finals(peak, TUNING_SEEDS[:1])[0] for peak in grid}
    for best in sorted(first, key=lambda peak: -first[peak]):
        near = {peak: finals(peak, TUNING_SEEDS) for peak in (best / 2, best, 2 * best)}
        kept = {peak: float(np.mean(found)) for peak, found in near.items() if min(found) >= chance}
        if kept:
            return max(kept, key=lambda peak: kept[peak]), runs
    raise ValueError(f"at every peak of {grid} and beside it a run was lost")


def trial(choice: Choice, framework: str, seed: int, share: float = 1.0) -> Result:
    """The choice of one cell's peak; with a ``share`` below one only that share of its first run is made."""
    cell = choice.cell
    if cell.schedule == FOUND:
        return _range_test(cell)
    parts = max(1, round(share * MARKS))

    def train(peak: float, seeds: tuple[int, ...]) -> list[list[float]]:
        groups = tasks.groups(cell.task, framework, seeds)
        runs = [run for group in groups for run in train_seeds(cell, framework, peak, group, parts, test=False)]
        return [run["curve"]["accuracy"] for run in runs]

    if parts < MARKS:
        return {"tuning": train(choice.grid[0], TUNING_SEEDS[:1])}
    peak, runs = halve(choice.grid, train, level_of_chance(10, TASKS[cell.task].sizes[1]))
    peaks, seeds = zip(*runs, strict=True)
    return {"peaks": list(peaks), "tuning_seeds": list(seeds), "tuning": list(runs.values()), "peak": peak}


def _range_test(cell: Cell) -> Result:
    """What the range test suggests: the median over the tuning seeds, each with its own weights, images and batches."""
    import torch

    import lrlib.torch

    start, end = OPTIMIZERS[cell.optimizer].sweep
    sweeps = []
    for seed in TUNING_SEEDS:
        model, data = tasks.torch_model(cell.task, seed), tasks.images(cell.task, [seed])
        order = tasks.orders(cell.task, data.rows, 4, [seed])[:STEPS, 0]
        batches = [
            (torch.from_numpy(data.x[rows]), torch.from_numpy(data.y[rows]).long())
            for rows in (row[row >= 0] for row in order)
        ]
        optimizer, loss = tasks.torch_optimizer(model, cell.optimizer), torch.nn.functional.cross_entropy
        found = lrlib.torch.range_test(
            model, optimizer, loss, batches, start=start, end=end, steps=STEPS, progress=False
        )
        sweeps.append(found)
    each = [sweep.suggest().lr for sweep in sweeps]
    suggested = [lr for lr in each if lr is not None]
    if 2 * len(suggested) < len(each):
        raise ValueError(f"the range test of {cell} suggests no peak: {[sweep.suggest().reason for sweep in sweeps]}")
    return {"peaks": each, "tuning_seeds": list(TUNING_SEEDS), "peak": float(np.median(suggested))}


def _experiment(task: str) -> Experiment:
    settings = {
        cell.name: Choice(cell)
        for cell in cells(task)
        if cell.schedule != FOUND or cell.epochs == 1  # one for all budgets
    }
    return Experiment(
        name=f"budgets-{task}-peaks",
        settings=settings,
        run=each_seed(trial),
        seeds=lambda setting, framework: (0,) if framework == "pytorch" else (),
        trains=lambda choice: trains(choice.cell),
        rerun=Rerun(1 / MARKS, lambda result: result["tuning"][0][:1] if "tuning" in result else result["peaks"]),
        frameworks=("pytorch",),
        tested=TASKS[task].sizes[1],
        new_seeds={},
    )


EXPERIMENTS = {task: _experiment(task) for task in TASKS}


def chosen(cell: Cell) -> float | None:
    """The peak that was chosen for a cell; None if it was not chosen yet."""
    name = cell.name if cell.schedule != FOUND else dataclasses.replace(cell, epochs=1).name
    experiment = EXPERIMENTS[cell.task]
    found = store.find(experiment, Trial(experiment.name, name, "pytorch", 0), store.results_folder())
    return None if found is None else float(found["peak"])
