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


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)


def warm_sequence(o: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
    warm, rest = lr_scheduler.LinearLR(o, 0.1, 1.0, 500), lr_scheduler.CosineAnnealingLR(o, 5000)
    return lr_scheduler.SequentialLR(o, [warm, rest], [500])


SCHEDULERS = {
    "step": (lambda o: lr_scheduler.StepLR(o, 100, 0.99), lrlib.StepDecay(0.1, 0.99, 100)),
    "cosine": (lambda o: lr_scheduler.CosineAnnealingLR(o, 10**6), lrlib.Cosine(0.1, 0.0, 10**6)),
    "cyclic": (
        lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 500, cycle_momentum=False),
        lrlib.Triangular(0.01, 0.1, 500),
    ),
    "one-cycle": (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10**6, cycle_momentum=False), lrlib.OneCycle(0.1, 10**6)),
    "warm-up, then cosine": (warm_sequence, lrlib.Linear(0.01, 0.1, 500).then(lrlib.Cosine(0.1, 0.0, 5000))),
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
    print(f"{STEPS} steps of lrlib.torch.Scheduler against torch's own")
    for name, (theirs, schedule) in SCHEDULERS.items():
        pair = {"theirs": stepping(theirs(optimizer())), "ours": stepping(lrlib.torch.Scheduler(optimizer(), schedule))}
        taken = medians(pair)
        good.append(report(name, taken["ours"], taken["theirs"], 1.0))
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
