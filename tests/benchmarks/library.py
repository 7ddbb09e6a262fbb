"""lrlib against what it replaces, as ratios: torch's schedulers, bare NumPy, the interpreter's own start-up.

python tests/benchmarks/library.py
"""

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import torch
from timing import medians, report
from torch.optim import lr_scheduler

import lrlib
import lrlib.torch

STEPS = 2000


def optimizer(groups: int = 1) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)], 0.1, momentum=0.9)


def warm_sequence(o: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
    warm, rest = lr_scheduler.LinearLR(o, 0.1, 1.0, 500), lr_scheduler.CosineAnnealingLR(o, 5000)
    return lr_scheduler.SequentialLR(o, [warm, rest], [500])


def trapezoid(o: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
    up, down = lr_scheduler.LinearLR(o, 0.01, 1.0, 500), lr_scheduler.LinearLR(o, 1.0, 0.0, 5000)
    return lr_scheduler.SequentialLR(o, [up, lr_scheduler.ConstantLR(o, 1.0), down], [500, 15_000])


# The functions that transformers gives to LambdaLR, written out.
def linear_with_warmup(step: int, *, warmup: int = 500, total: int = 10**5) -> float:
    if step < warmup:
        return float(step) / float(max(1, warmup))
    return max(0.0, float(total - step) / float(max(1, total - warmup)))


def cosine_with_warmup(step: int, *, warmup: int = 500, total: int = 10**5, cycles: float = 0.5) -> float:
    if step < warmup:
        return float(step) / float(max(1, warmup))
    progress = float(step - warmup) / float(max(1, total - warmup))
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * float(cycles) * 2.0 * progress)))


WARM, ONE_CYCLE = lrlib.Linear(0.0, 0.1, 500), lrlib.OneCycle(0.1, 10**6)
MILESTONES = tuple(range(1000, 100_000, 1000))
SCHEDULERS = {
    "step": (lambda o: lr_scheduler.StepLR(o, 100, 0.99), {"lr": lrlib.StepDecay(0.1, 0.99, 100)}),
    "multi-step": (
        lambda o: lr_scheduler.MultiStepLR(o, MILESTONES, 0.9),
        {"lr": lrlib.Piecewise(MILESTONES, [0.1 * 0.9**k for k in range(len(MILESTONES) + 1)])},
    ),
    "cosine": (lambda o: lr_scheduler.CosineAnnealingLR(o, 10**6), {"lr": lrlib.Cosine(0.1, 0.0, 10**6)}),
    "cyclic": (
        lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 500, cycle_momentum=False),
        {"lr": lrlib.Triangular(0.01, 0.1, 500)},
    ),
    "one-cycle, rate only": (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10**6, cycle_momentum=False), {"lr": ONE_CYCLE}),
    "one-cycle with its momentum": (
        lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10**6),
        {"lr": ONE_CYCLE, "momentum": 0.95 - lrlib.OneCycle(0.1, 10**6, final_div_factor=1.0)},
    ),
    "warm-up, then cosine": (warm_sequence, {"lr": lrlib.Linear(0.01, 0.1, 500).then(lrlib.Cosine(0.1, 0.0, 5000))}),
    "trapezoid": (trapezoid, {"lr": lrlib.WarmupStableDecay(0.1, 500, 14_500, 5000, start=0.001)}),
    "transformers' linear with warm-up": (
        lambda o: lr_scheduler.LambdaLR(o, linear_with_warmup),
        {"lr": WARM.then(lrlib.Linear(0.1, 0.0, 10**5 - 500))},
    ),
    "transformers' cosine with warm-up": (
        lambda o: lr_scheduler.LambdaLR(o, cosine_with_warmup),
        {"lr": WARM.then(lrlib.Cosine(0.1, 0.0, 10**5 - 500))},
    ),
}

N = 10**6
T = np.arange(N)
ARRAYS = {
    "linear": (lrlib.Linear(0.1, 0.0, N), lambda t: 0.1 * (1 - np.minimum(t, N) / N)),
    "cosine": (lrlib.Cosine(0.1, 0.0, N), lambda t: 0.05 * (1 + np.cos(math.pi * np.minimum(t, N) / N))),
    "step": (lrlib.StepDecay(0.1, 0.5, 1000), lambda t: 0.1 * 0.5 ** (t // 1000)),
    "triangular": (
        lrlib.Triangular(0.01, 0.1, 500),
        lambda t: 0.01 + 0.09 * np.maximum(0, 1 - np.abs(t / 500 - 2 * np.floor(1 + t / 1000) + 1)),
    ),
    "one-cycle": (
        lrlib.OneCycle(0.1, N, pct_start=0.3),
        lambda t: np.where(
            t < 300_000,
            0.004 + 0.048 * (1 - np.cos(math.pi * t / 300_000)),
            4e-7 + (0.1 - 4e-7) / 2 * (1 + np.cos(math.pi * (t - 300_000) / 700_000)),
        ),
    ),
    "inverse square root": (
        lrlib.InverseSqrt(0.1, 1000),
        lambda t: 0.1 * np.minimum(t / 1000, np.sqrt(1000 / np.maximum(t, 1000))),
    ),
}


def stepping(scheduler: lr_scheduler.LRScheduler) -> Callable[[], None]:
    scheduler.optimizer.step()  # so that torch does not warn of the order

    def run() -> None:
        for _ in range(STEPS):
            scheduler.step()

    return run


def main() -> int:
    good = []
    for groups in (1, 10):
        print(f"{STEPS} steps of lrlib.torch.Scheduler against torch's own, parameter groups: {groups}")
        for name, (theirs, plans) in SCHEDULERS.items():
            ours = lrlib.torch.Scheduler(optimizer(groups), **plans)
            taken = medians({"theirs": stepping(theirs(optimizer(groups))), "ours": stepping(ours)})
            good.append(report(name, taken["ours"], taken["theirs"], 0.7))
    print("a million values against a bare NumPy expression")
    for name, (schedule, bare) in ARRAYS.items():
        assert np.allclose(schedule(T), bare(T), rtol=1e-6, atol=1e-9), name
        taken = medians({"ours": lambda s=schedule: s(T), "theirs": lambda f=bare: f(T)})
        good.append(report(name, taken["ours"], taken["theirs"], 3.0))
    print("a new interpreter")
    taken = medians(
        {
            "ours": lambda: subprocess.run([sys.executable, "-c", "import lrlib"], check=True),
            "theirs": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
        }
    )
    good.append(report("import lrlib against none", taken["ours"], taken["theirs"], 2.0))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
