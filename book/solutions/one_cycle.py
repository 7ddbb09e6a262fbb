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
# # Solutions: One-cycle and super-convergence

# %%
import numpy as np
import torch

import lrlib
import lrlib.torch
from lrlib.course import networks, study, training
from lrlib.course import pytorch as in_torch
from lrlib.course.experiments import one_cycle

results = study.load("one_cycle")

# %% [markdown]
# ## Exercise 1
#
# Expect that rises of 12 and of 40 updates are too short: the loss passes 100 before update 30. The chapter's
# sharpness was highest at update 24, near 100 or above. There the rise of 40 has reached a rate of 0.064, which is
# stable below 59 only, and the rise of 118 a rate of 0.028, stable below 134. How short is too short depends on the
# seed; of the chapter's 45 seeds four diverge even with 118.

# %%
in_torch.one_thread()
(x, y), _ = one_cycle.images()
order = training.batch_order(len(x), one_cycle.BATCH, epochs=1, seed=0)[:30]
for rise in (12, 40, 118):
    weights = networks.pooled_convnet_weights(networks.LENET, seed=0)
    model = in_torch.pooled_convnet(networks.LENET, weights)
    fall = lrlib.Linear(0.1, 0.0, steps=1416 - rise)
    rates = lrlib.Linear(0.01, 0.1, steps=rise).then(fall)
    parameters = model.parameters()
    optimizer = torch.optim.SGD(parameters, momentum=0.9, weight_decay=5e-4)
    scheduler = lrlib.torch.Scheduler(optimizer, rates)
    history = in_torch.train(model, optimizer, x, y, order, scheduler=scheduler)
    print(f"rise of {rise} updates: lost {not (history.losses < 100).all()};", end=" ")
    print(f"rate at update 24 {rates(24):.3f}, stable below {2 * 1.9 / rates(24):.0f}")

# %% [markdown]
# ## Exercise 2
#
# Expect the runs with a short rise to be there after 5 epochs, one-cycle with one momentum after 8, one-cycle after 10,
# and the line from 0.03 not at all. So the long rise does not make training faster. It costs three epochs, and the
# momentum's cycle two more.


# %%
def accuracies(name):
    """Seeds × epochs."""
    return np.array([run["curve"]["accuracy"] for run in results[name]["pytorch"]])


goal = accuracies("step-85")[:, -1].mean()
for name in (
    "warmup-linear",
    "warmup-cosine",
    "one-cycle-one-momentum",
    "one-cycle",
    "linear-0.03",
):
    above = np.flatnonzero(accuracies(name).mean(0) > goal)
    print(f"{name}: {f'epoch {above[0] + 1}' if len(above) else 'never'}")

# %% [markdown]
# ## Exercise 3
#
# Expect effective steps at the peak of 0.5 as the report has it, 1 with momentum 0.9, and 2 the other way. The
# report's cycle thus flattens its own peak: it multiplies the step by 2.5 where the rate is multiplied by 10. The
# other way multiplies it by 40, and one should expect it to diverge at 0.1, or to want a lower peak.

# %%
t = np.arange(1416)
cycle = one_cycle.SETTINGS["one-cycle"]
down = cycle.momentum(t)
for label, momentum in {
    "as reported": down,
    "0.9 throughout": np.full(len(t), 0.9),
    "the other way": 0.8 + 0.95 - down,
}.items():
    step = cycle.schedule(t) / (1 - momentum)
    print(f"{label}: from {step[0]:.2f} to {step.max():.2f}")

# %% [markdown]
# ## Exercise 4
#
# Expect a `ValueError` from the 25th call, where 24 updates were announced. So one call after each update passes, and
# one more does not: PyTorch counts calls and never looks at the updates. Stepped too seldom, as in the chapter, it
# has nothing to complain of.

# %%
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=24)
for call in range(1, 100):
    optimizer.step()
    try:
        scheduler.step()
    except ValueError as error:
        print(f"call {call}: {error}")
        break
