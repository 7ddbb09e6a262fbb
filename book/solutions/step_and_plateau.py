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
# # Solutions: Step decay and reduce-on-plateau on MNIST

# %%
import numpy as np

import lrlib

# %% [markdown]
# ## Exercise 1
#
# `Piecewise` takes the updates at which the rate changes, and one rate more than these. Every two epochs is every
# 1200 updates, so the rate changes twice in five epochs, and the last epoch runs at 0.001.

# %%
piecewise = lrlib.Piecewise([1200, 2400], [0.1, 0.01, 0.001])
step = lrlib.StepDecay(0.1, 0.1, every=2).hold(600)
t = np.arange(3000)
assert np.allclose(piecewise(t), step(t), rtol=1e-12)
print("rates at 0, 1199, 1200, 2999:", piecewise(np.array([0, 1199, 1200, 2999])))

# %% [markdown]
# ## Exercise 2
#
# The rate is 0 at the first update, so that update does nothing. It reaches 0.1 at update 300, where run (a) begins,
# and run (a)'s first cut then comes 300 updates later than without a warm-up: at 900.

# %%
warmed = lrlib.Linear(0.0, 0.1, steps=300).then(lrlib.StepDecay(0.1, 0.1, every=1).hold(600))
for update in (0, 299, 300, 899, 900):
    print(f"update {update}: {warmed(update):.4f}")

# %% [markdown]
# ## Exercise 3
#
# The threshold is relative. At 0.01 a new accuracy has to be a hundredth higher than the best one, which is about one
# point, and near 97 % hardly any epoch manages that. Only epoch 3 does, so all others after the first are bad, and
# seven of these eight cut. (The last would change the rate by less than the rule's `eps`, and changes nothing.) At 0.0
# the smallest progress counts, and the cuts are those that the source had, with one after the last epoch, which acts
# on nothing.

# %%
accuracies = [96.26, 96.96, 96.78, 97.70, 98.02, 98.03, 98.05, 98.01, 98.05, 98.04]
for threshold in (0.0, 0.01):
    rule = lrlib.Plateau(0.1, mode="max", factor=0.1, patience=0, threshold=threshold)
    state, cuts = rule.start(), []
    for epoch, accuracy in enumerate(accuracies):
        before, state = state, rule.update(state, accuracy)
        cuts += [epoch] if state.lr < before.lr else []
    print(f"threshold {threshold}: {len(cuts)} cuts, after epochs {cuts}")

# %% [markdown]
# ## Exercise 4
#
# Let the measurement return the number of updates made so far. Then the metric that reaches the scheduler is its own
# date, and the test asks that it is the update at which it is used. The source's loop fails at the end of its first
# epoch, where the metric is 100 updates old.


# %%
def ages(measure_every, updates=3000, per_epoch=600):
    """How many updates old the metric is at the end of each epoch."""
    found, metric = [], None
    for update in range(1, updates + 1):
        if update % measure_every == 0:
            metric = update  # measure()
        if update % per_epoch == 0:
            found.append(update - metric)  # scheduler.step(metric)
    return found


print("measured every 500 updates:", ages(500))
print("measured every 600 updates:", ages(600))
assert ages(600) == [0] * 5, "the metric must be fresh"
