# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions: The bug museum

# %%
import keras
import numpy as np
from torch.optim import lr_scheduler

import lrlib
import lrlib.torch
from lrlib.course.museum import attempt, listed, rates, same, sgd

# %% [markdown]
# ## Exercise 1
#
# `StepLR` and `ExponentialLR` pass, and so does lrlib's scheduler. The other three fail where the optimizer is loaded
# first, and pass where the scheduler is built first. So whether a resumed run is right depends on the scheduler that
# you chose, unless you build it before you load.


# %%
def check(make, orders=(True, False)):
    straight = rates(make(sgd()), 16)
    for stop in range(1, 9):
        for optimizer_first in orders:
            stopped, optimizer = make(sgd()), sgd()
            rates(stopped, stop)
            loaded = stopped.optimizer.state_dict()
            if optimizer_first:
                optimizer.load_state_dict(loaded)
            scheduler = make(optimizer)
            if not optimizer_first:
                optimizer.load_state_dict(loaded)
            scheduler.load_state_dict(stopped.state_dict())
            expected = straight[stop : stop + 8]
            assert same(rates(scheduler, 8), expected), (stop, optimizer_first)


# %%
quiet = {"cycle_momentum": False}
makers = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.1, total_iters=4),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 3, **quiet),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, 16, **quiet),
    "lrlib": lambda o: lrlib.torch.Scheduler(o, lrlib.Linear(0.01, 0.1, steps=4)),
}
for name, make in makers.items():
    first, last = (attempt(check, make, [order]) or "passes" for order in (True, False))
    print(f"{name:14} optimizer loaded first: {first}; scheduler built first: {last}")

# %% [markdown]
# ## Exercise 2
#
# It loses the second restart, at update 230. In float32 the argument of the logarithm comes out as 1.6899998 instead
# of 1.69. So the number of the cycle lies just below 2, and rounding down makes it 1. In float64 it is 2 here; other
# cycles fail there, such as PyTorch's at 121. Only counting in whole numbers is safe.

# %%
schedule = keras.optimizers.schedules.CosineDecayRestarts(0.1, 100, t_mul=1.3)
found = [float(schedule(t)) for t in (100, 230, 399)]
print("rates at 100, 230, 399:", listed(found))
t_mul, passed = (keras.ops.cast(v, "float32") for v in (1.3, 2.3))
argument = 1.0 - passed * (1.0 - t_mul)
number = float(keras.ops.log(argument) / keras.ops.log(t_mul))
print(f"float32: {float(argument):.7f}, below 2: {number < 2}")
number = np.log(1 - 2.3 * (1 - 1.3)) / np.log(1.3)
print(f"float64: {1 - 2.3 * (1 - 1.3):.7f}, below 2: {number < 2}")

# %% [markdown]
# ## Exercise 3
#
# For both one would guess 0.1 at first, and zero at the last of ten updates. The cosine's last update has 0.0024,
# since it is zero one update later. The restarts end within a cycle, at 0.085, for ten is no multiple of four.

# %%
for name, make in {
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10),
    "WarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=4),
}.items():
    read = rates(make(sgd()), 11)
    points = [read[0], max(read), read[9], read[10]]
    print(f"{name:18} first, peak, last, one after: {listed(points)}")
