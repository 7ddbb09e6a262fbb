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
# # Solutions: Predicting the loss

# %%
import numpy as np
from scipy.optimize import least_squares, minimize_scalar
from scipy.stats import spearmanr

from lrlib.course.data import digit_rows
from lrlib.course.experiments import foretold
from lrlib.course.experiments.equal_budget import results, schedules
from lrlib.course.experiments.foretold import FITTED, UNSEEN, Setting, Shape
from lrlib.course.prediction import Law, Run, expected_loss


def stored_run(task, optimizer, shape):
    """A schedule's rates, the updates after which the loss was measured, and the losses, seeds × marks."""
    setting = Setting(task, optimizer, shape)
    losses = foretold.losses(task, optimizer, [shape], "pytorch")[shape.name]
    return setting.schedule(np.arange(setting.updates)), np.array(setting.marks), losses


# %% [markdown]
# ## Exercise 1
#
# The law says 3 % too little. Neither of the two runs ends at a high rate, so what a high rate shakes has to be read
# from their first parts, where the run still has a long way to go.

# %%
runs = [Run(*stored_run("mnist", "plain", Shape(name))) for name in ("linear", "wsd")]
rates, at, losses = stored_run("mnist", "plain", Shape("constant"))
(said,) = Law.fit(runs).predict(rates, at[-1:])
measured = losses[:, -1].mean()
print(f"foretold {said:.4f}, measured {measured:.4f}: {100 * (said / measured - 1):+.1f} %")

# %% [markdown]
# ## Exercise 2
#
# With the factor the median errors are 1.4, 3.3 and 1.1 % on MNIST, and 39, 3.8 and 8.3 % on the digits. That is
# better in five cases of six; Adam on the digits is the sixth. As it was found after the results, it would have to
# prove itself on new runs.


# %%
def factor_law(z, area, rate):
    """The logarithm of (floor + way) (1 + C rate); z has the logarithms of the five numbers."""
    floor, scale, power, offset, noise = np.exp(z)
    return np.log(floor + scale * (area + offset) ** -power) + np.log1p(noise * rate)


def seen(task, optimizer, shapes, marks=slice(None)):
    """Areas, last rates and mean losses at the marks of some runs."""
    every = [stored_run(task, optimizer, shape) for shape in shapes]
    parts = [(np.cumsum(r)[at - 1][marks], r[at - 1][marks], y.mean(0)[marks]) for r, at, y in every]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def median_error(task, optimizer):
    area, rate, losses = seen(task, optimizer, FITTED)
    area_unit, rate_unit = area.max(), rate.max()

    def misses(z):
        return factor_law(z, area / area_unit, rate / rate_unit) - np.log(losses)

    low = losses.min()
    starts = [np.log([low, low, power, offset, 1]) for power in (0.5, 1, 2) for offset in (1e-2, 0.1, 1)]
    limits = (np.log([1e-6, 1e-6, 1e-2, 1e-6, 1e-6]), np.log([1e3, 1e3, 20, 1e3, 1e3]))
    best = min((least_squares(misses, start, bounds=limits) for start in starts), key=lambda fit: fit.cost)
    area, rate, losses = seen(task, optimizer, UNSEEN, marks=slice(-1, None))
    return np.median(np.abs(factor_law(best.x, area / area_unit, rate / rate_unit) - np.log(losses)))


# %%
better = 0
for task in ("mnist", "digits"):
    for optimizer in ("plain", "sgd", "adam"):
        fitted = foretold.losses(task, optimizer, FITTED, "pytorch")
        ends = np.array([stored_run(task, optimizer, shape)[2][:, -1].mean() for shape in UNSEEN])
        added = np.median(np.abs(np.log(foretold.foretold(task, optimizer, fitted, UNSEEN, "law") / ends)))
        factor = median_error(task, optimizer)
        better += factor < added
        print(f"{task:6} {optimizer:5}: the law {100 * added:.1f} %, with a factor {100 * factor:.1f} %")
print("better in", better, "of 6")

# %% [markdown]
# ## Exercise 3
#
# Up to a batch of 16 the loss above the floor is the same, at 32 it is about a hundredth higher, and at 64 it
# explodes, for the peak of 0.32 is above the limit of 0.175. So the rule ends where the scaled rate meets the
# stability limit.

# %%
x, y = digit_rows()
x = np.hstack([x, np.ones((len(x), 1))]).astype(float)
targets = np.eye(10)[y]
best = np.linalg.lstsq(x, targets, rcond=None)[0]
floor = 0.5 * ((targets - x @ best) ** 2).sum(1).mean()
ends = {}
for batch in (4, 8, 16, 32, 64):
    updates = 2400 // batch
    rates = schedules(0.005 * batch, updates)["wsd"](np.arange(updates))
    ends[batch] = expected_loss(x, targets, rates, batch)[-1] - floor
    words = f"{ends[batch]:.4f}, {100 * (ends[batch] / ends[4] - 1):+.1f} %" if ends[batch] < 1 else "above 1"
    print(f"batch {batch:2}, peak {0.005 * batch:.2f}:", words)

# %% [markdown]
# ## Exercise 4
#
# The rank correlation is 0.85, a little higher than with 38 or 114 updates (0.70 and 0.79). The nine settings leave
# wide intervals around all three, so this is no proof that a longer horizon brings theory and study closer.

# %%
limit = 2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1]


def best_of_shape(shape, updates, batch=32):
    """The lowest excess loss of a named shape over its peak."""

    def log_excess(log_peak):
        rates = schedules(float(np.exp(log_peak)), updates)[shape](np.arange(updates))
        excess = expected_loss(x, targets, rates, batch)[-1] - floor
        return float(np.log(min(excess, 1e9)))

    guess = np.log(limit)
    found = minimize_scalar(log_excess, bracket=(guess - 0.7, guess - 0.2), options={"xtol": 0.05})
    return np.exp(found.fun)


families = list(schedules(1.0, 100))
excess = [best_of_shape(shape, 342) for shape in families]
study = np.log(100 - results.load(families).means).mean(0)
print(f"rank correlation {spearmanr(excess, study).statistic:.2f}")
