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
# # Solutions: Changing plans in mid-run

# %%
import torch

import lrlib

# %% [markdown]
# ## Exercise 1
#
# Twice as many updates see the same images, so what is left has to pass half as fast: `stretch(2)`. The run then
# lasts 1,400 updates, 600 with the whole batch and 800 with half of it, which are the images of 1,000. And the rate
# after 800 of the planned 1,000 updates comes at update 1,000.

# %%
plan = lrlib.Cosine(0.1, 0.0, steps=1000)
halved = plan.take(600).then(plan.drop(600).stretch(2))
print("updates:", halved.length)
print("images, in whole batches:", 600 + (halved.length - 600) / 2)
print(f"rates: {plan(800):.4f} planned at 800, {halved(1000):.4f} at 1,000")

# %% [markdown]
# ## Exercise 2
#
# It needs a metric after every epoch, and with it held-out images, a patience and a threshold. Its state is the best
# metric so far, how many epochs have passed since, the cooldown counter and the last rate. A run that is resumed
# without them forgets how long it has been waiting, and drops its rate late.

# %%
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
plateau.step(1.0)
state = plateau.state_dict()
for name in ("best", "num_bad_epochs", "cooldown_counter", "_last_lr"):
    print(f"{name}: {state[name]}")

# %% [markdown]
# ## Exercise 3
#
# From update 99 it leaves almost at zero, and from update 100 at the full 0.1. `cooldown(at, …)` starts from the rate
# of update `at`, which is the first that it replaces, and update 100 is the first of the next cycle. To cool a cycle
# down from its foot, leave one update earlier, or take the checkpoint as it is.

# %%
restarts = lrlib.CosineRestarts(0.1, 0.0, 100)
for at in (99, 100):
    print(f"from {at}: leaves at {restarts.cooldown(at, 20)(at):.5f}")
