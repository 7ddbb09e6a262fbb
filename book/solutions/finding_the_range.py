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
# # Solutions: Finding the range

# %%
import numpy as np
import torch

import lrlib
import lrlib.torch
from lrlib.course import peer_range_rules, training
from lrlib.course import pytorch as in_torch
from lrlib.course.experiments import constant_rates

in_torch.one_thread()


def sweep(seed, steps, momentum=0.0):
    """A sweep of the digits' network from 1e-4 to 10."""
    (x, y), *_ = constant_rates.images()
    order = training.batch_order(len(x), 32, 28, seed)[:steps]
    model = in_torch.perceptron(constant_rates.SIZES, constant_rates.initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)
    batches = [
        (torch.from_numpy(x[rows]), torch.from_numpy(y[rows]).long())
        for rows in (padded[padded >= 0] for padded in order)
    ]
    loss = torch.nn.functional.cross_entropy
    return lrlib.torch.range_test(model, optimizer, loss, batches, start=1e-4, end=10.0, steps=steps)


coarse = [sweep(seed, 100).suggest("steepest").lr for seed in range(5)]

# %% [markdown]
# ## Exercise 1
#
# The steepest point falls from about 0.4 to about 0.12. The finer sweep makes ten times as many updates at each
# stretch of the ladder, so the network has learned most of what it can before the rate reaches 0.4. By the first
# chapter's rule, what counts is the rate times the number of updates.

# %% tags=["nbval-ignore-output"]
fine = [sweep(seed, 1000).suggest("steepest").lr for seed in range(3)]
print("steepest, 100 rates: ", [round(rate, 2) for rate in coarse[:3]])
print("steepest, 1000 rates:", [round(rate, 2) for rate in fine])

# %%
assert min(coarse) > 0.3 and min(fine) > 0.08 and max(fine) < 0.2, (coarse, fine)
print("100 rates: above 0.3 in each seed; 1000 rates: 0.08 to 0.2: yes")

# %% [markdown]
# ## Exercise 2
#
# The effective step with a momentum of 0.9 is ten times the rate, so one expects a tenth. The steepest point moves by
# less, a factor of two to four: the velocity needs about ten updates to fill, and in ten updates this ladder has
# climbed by a factor of three.

# %% tags=["nbval-ignore-output"]
pushed = [sweep(seed, 100, momentum=0.9).suggest("steepest").lr for seed in range(5)]
factors = np.array(coarse) / np.array(pushed)
print("steepest, momentum 0.9:", [round(rate, 2) for rate in pushed])
print("lower by a factor of:  ", factors.round(1))

# %%
assert 2 < np.median(factors) < 4, factors
climb = (10.0 / 1e-4) ** (10 / 99)
print(f"the median factor lies between 2 and 4; the ladder climbs {climb:.1f} times in ten updates")

# %% [markdown]
# ## Exercise 3
#
# The rule below takes a centred mean of nine losses, and the first rate at which it has come half way from the level
# to the lowest point. On these made curves half way *is* the steepest point, so it does about as well as `steepest`,
# with a bias of 0.02 decades. The mean is centred, so it does not lag. It cannot refuse, though: on a level curve it
# gives a number, too.


# %%
def halfway(result):
    losses = np.pad(result.losses, 4, mode="edge")
    smooth = np.convolve(losses, np.ones(9) / 9, mode="valid")
    lowest = smooth.argmin()
    half = (np.median(smooth[:10]) + smooth[lowest]) / 2
    return result.rates[np.argmax(smooth[: lowest + 1] <= half)]


curves = [peer_range_rules.curve(seed) for seed in range(100)]
score = peer_range_rules.score(halfway, curves)
print(f"bias {score.bias:+.2f} decades, interquartile range {score.iqr:.2f}")
noise = 2.3 + 0.1 * np.random.default_rng(0).standard_normal(100)
level = lrlib.RangeTest(lrlib.finder.ladder(1e-7, 10.0, 100), noise)
print("a number for a level curve:", halfway(level) > 0)
