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
# # Solutions: After the budget is known

# %%
import numpy as np

import lrlib
from lrlib.course import pytorch as in_torch
from lrlib.course import tasks
from lrlib.course.convex import descend, largest_eigenvalue, softmax_loss, squares_loss
from lrlib.course.stats import interval, mean_interval

in_torch.one_thread()
twenty = range(20)
images = tasks.images("digits", twenty)


def twenty_runs(schedule):
    """The digits' network with twenty seeds, trained at once."""
    return tasks.bench("digits", "sgd", schedule, "pytorch", twenty)


# %% [markdown]
# ## Exercise 1
#
# The loss is about 0.15 with the last tenth to three tenths, and 0.16 with the last twentieth or the last half. With
# the last four fifths it is about 0.20, as high as without any mean. Too short a part leaves noise in the mean, and
# too long a part holds weights that had not learned yet.

# %%
bench, kept = twenty_runs(lrlib.Constant(0.1)), {}
batches = tasks.orders("digits", images.rows, 4, twenty)[:125]
bench.train(images.x, images.y, batches, range(5, 126, 5), lambda update: kept.update({update: bench.weights()}))
losses = {}
for part in (0.05, 0.1, 0.2, 0.3, 0.5, 0.8):
    last = [weights for update, weights in kept.items() if update > 125 * (1 - part)]
    bench.set_weights([np.mean(each, axis=0) for each in zip(*last, strict=True)])
    losses[part] = np.mean(bench.evaluate(*images.tested)[0])

# %% tags=["nbval-ignore-output"]
for part, loss in losses.items():
    print(f"mean of the last {100 * part:.0f} %: test loss {loss:.3f}")

# %%
middle = [losses[part] for part in (0.1, 0.2, 0.3)]
assert max(middle) < min(losses[0.05], losses[0.5]), losses
assert losses[0.8] > 1.2 * min(middle), losses
print("lowest from a tenth to three tenths; with four fifths over a fifth more: yes")

# %% [markdown]
# ## Exercise 2
#
# The errors are about 4.7 % with `1-sqrt` and 5.1 % with the cosine, where the straight fall has about 5.0 %. Both
# intervals include zero, so twenty seeds see no clear difference: over 26 updates the form of the fall matters little.

# %%
plans = {shape: lrlib.Constant(0.2).cooldown(at=102, steps=26, shape=shape) for shape in ("linear", "1-sqrt", "cosine")}
batches, errors = tasks.orders("digits", images.rows, 4, twenty)[:128], {}
for shape, plan in plans.items():
    bench = twenty_runs(plan)
    bench.train(images.x, images.y, batches)
    errors[shape] = 100 - np.array(bench.evaluate(*images.tested)[1])

# %% tags=["nbval-ignore-output"]
for shape, found in errors.items():
    beside = "" if shape == "linear" else f", less the straight one {mean_interval(found - errors['linear'])}"
    print(f"{shape:7} {found.mean():.1f} %{beside}")

# %%
for shape in ("1-sqrt", "cosine"):
    apart = errors[shape] - errors["linear"]
    assert abs(apart.mean()) < 0.6, apart
    low, high = interval(apart)
    print(f"{shape:7} clearly different from the straight fall:", not low < 0 < high)

# %% [markdown]
# ## Exercise 3
#
# The losses are 0.061 and 0.052, both lower than silver's 0.083, though at $16/L$ the loss rises in eight updates. A
# constant rate far beyond $2/L$ beats the clever order here, for $L$ is a bound that this run does not meet.

# %%
largest = largest_eigenvalue()
for multiple in (12, 16):
    losses = descend(softmax_loss, np.full(1023, multiple) / (0.5 * largest))
    rises = int((losses[1:] > losses[:-1]).sum())
    print(f"{multiple}/L: ends at {losses[-1]:.3f}, the loss rises in {rises} updates")

# %% [markdown]
# ## Exercise 4
#
# In softmax regression the random order ends at 0.081, as good as silver: only the mean counts where the limit is not
# met. In least squares the loss climbs above 10¹⁰ on the way. There the order is what keeps the long steps apart.

# %%
twos = [((t & -t).bit_length() - 1) for t in range(1, 1024)]
steps = 1 + (1 + 2**0.5) ** (np.array(twos) - 1.0)
mixed = np.random.default_rng(0).permutation(steps)
for name, loss_of, limit in (
    ("softmax regression", softmax_loss, 0.5 * largest),
    ("least squares", squares_loss, largest),
):
    losses = descend(loss_of, mixed / limit)
    highest = "above 10¹⁰" if losses.max() > 1e10 else f"{losses.max():.1f}"
    last = f"{losses[-1]:.3f}" if losses[-1] < 1 else "above 1"
    print(f"{name}: highest loss {highest}, last {last}")
