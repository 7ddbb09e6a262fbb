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
# # Solutions: The learning rate

# %%
import numpy as np
import torch

import lrlib
from lrlib.course import pytorch as in_torch
from lrlib.course.experiments import constant_rates

in_torch.one_thread()

# %% [markdown]
# ## Exercise 1
#
# The weight overshoots above $1/\lambda = 0.1$ and still arrives below $2/\lambda = 0.2$. One rate on each side of
# both limits shows it, here by the formula, which both frameworks follow.

# %%
for rate in (0.09, 0.11, 0.19, 0.21):
    path = (1 - rate * 10) ** np.arange(101)
    print(f"rate {rate}: first jump to {path[1]:+.2f}, after 100 updates {path[-1]:.2g}")

# %% [markdown]
# ## Exercise 2
#
# The limit moves up, from 0.5 to 0.95, which is $2\,(1 + 0.9)/4$. Opposite gradients cancel in the momentum's memory,
# so it damps the jumping from side to side that makes a large rate diverge.


# %%
def distance(rate, momentum, updates=400):
    """How far from the lowest point a weight ends that started at 1, on a parabola of curvature 4."""
    weight = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=rate, momentum=momentum)
    for _ in range(updates):
        optimizer.zero_grad()
        (0.5 * 4.0 * weight**2).backward()
        optimizer.step()
    return abs(weight.item())


for rate, momentum in ((0.49, 0.0), (0.51, 0.0), (0.94, 0.9), (0.96, 0.9)):
    arrives = distance(rate, momentum) < 1
    print(f"rate {rate}, momentum {momentum}: {'arrives' if arrives else 'diverges'}")

# %% [markdown]
# ## Exercise 3
#
# The cliff is a slope: at 1.1 most of the ten seeds still learn, at 1.3 fewer, and at 1.5 at most one does. Which seeds
# are lost in between differs from machine to machine, because near the cliff a rounding error grows into another run.

# %% tags=["nbval-ignore-output"]
learned = {}
for rate in (1.1, 1.2, 1.3, 1.4, 1.5):
    setting = constant_rates.Setting(lrlib.Constant(rate), batch=32, epochs=20)
    runs = constant_rates.run(setting, "pytorch", range(10))
    learned[rate] = sum(run["train_loss"] < 0.5 for run in runs)
    print(f"rate {rate}: {learned[rate]} of 10 end below a loss of 0.5")

# %%
assert learned[1.1] >= 7 and learned[1.5] <= 1, learned
assert learned[1.1] > learned[1.3] > learned[1.5], learned
print("at 1.1 at least 7 of 10 learn, at 1.5 at most 1: yes")
