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
# # Solutions: Why a decay works

# %%
import numpy as np

import lrlib
from lrlib.course import pytorch as in_torch
from lrlib.course import study
from lrlib.course.experiments import label_noise

in_torch.one_thread()

# %% [markdown]
# ## Exercise 1
#
# Without noise there is nothing to decay for. The constant rate shrinks the weight by 0.9 at every update and ends at
# 0.0003; the rates of the line to zero have half that sum, and it ends at 0.05, about two hundred times farther out.


# %%
def walked(schedule, updates=100, start=10.0):
    """The weight after ``updates`` without noise, on a parabola of curvature 1."""
    weight = start
    for t in range(updates):
        weight -= schedule(t) * weight
    return weight


rules = {"constant 0.1": lrlib.Constant(0.1), "line": lrlib.Linear(0.1, 0.0, steps=100)}
ends = {name: walked(schedule) for name, schedule in rules.items()}
for name, weight in ends.items():
    print(f"{name:12} ends at {weight:.4f}")
sums = [rule(np.arange(100)).sum() for rule in rules.values()]
assert 0.49 < sums[1] / sums[0] < 0.52, sums
print(f"the line ends {ends['line'] / ends['constant 0.1']:.0f} times farther out")

# %% [markdown]
# ## Exercise 2
#
# The best cosine leaves about a tenth more than the best line: 0.25 against 0.22. It stays high for longer and falls
# more steeply at the end, so it has less time to let the noise of the high rates be forgotten.


# %%
def expected(schedule, updates=100, start=10.0, noise=4.0):
    """The mean squared distance after the last update."""
    square = start**2
    for t in range(updates):
        square = (1 - schedule(t)) ** 2 * square + (schedule(t) * noise) ** 2
    return square


rates = np.geomspace(0.02, 0.5, 300)
least = {}
for name, shape in (("line", lrlib.Linear), ("cosine", lrlib.Cosine)):
    left = [expected(shape(rate, 0.0, steps=100)) for rate in rates]
    least[name] = min(left)
    print(f"{name:6} from {rates[np.argmin(left)]:.2f} leaves {least[name]:.3f}")
print(f"the cosine leaves {100 * (least['cosine'] / least['line'] - 1):.0f} % more")

# %% [markdown]
# ## Exercise 3
#
# The line ends with three times the loss of the late decay. It shakes less on its way, but it walks only seven tenths
# as far along the river, because its rates fall from the first update on. That lead was earned at the high rate,
# before the decay.

# %%
curvature, noise = np.array([0.02, 20.0]), np.array([0.3, 3.0])  # along, across


def valley(schedule, updates=1000, runs=2000):
    """The mean way along the river, and the mean loss, after the last update."""
    random = np.random.default_rng(0)
    weights = np.tile([-10.0, 1.0], (runs, 1))
    for t in range(updates):
        gradient = curvature * weights + noise * random.standard_normal((runs, 2))
        weights = weights - schedule(t) * gradient
    return 10 + weights[:, 0].mean(), 0.5 * (curvature * weights**2).sum(1).mean()


late = lrlib.WarmupStableDecay(0.08, warmup=0, stable=800, decay=200)
line_way, line_loss = valley(lrlib.Linear(0.08, 0.0, steps=1000))
late_way, late_loss = valley(late)
print(f"line: {line_way:.1f} along the river, loss {line_loss:.2f}")
print(f"late: {late_way:.1f} along the river, loss {late_loss:.2f}")
print(f"the line has {line_loss / late_loss:.1f} times the loss, {line_way / late_way:.2f} of the way")

# %% [markdown]
# ## Exercise 4
#
# Very short: in twenty epochs a decay over the last half, the last fifth or the last twentieth (36 updates) ends
# within a point of test accuracy, and each is more than one point above the constant rate. So here a decay may be as
# short as an epoch: the noise of a high rate is forgotten within a few dozen updates.

# %% tags=["nbval-ignore-output"]
accuracy = {}
for start in (360, 576, 684):
    schedule = lrlib.WarmupStableDecay(0.5, warmup=0, stable=start, decay=720 - start)
    runs = label_noise.run(label_noise.Setting(schedule, 0.2, 20), "pytorch", range(20))
    accuracy[start] = np.mean([run["test_accuracy"] for run in runs])
    print(f"decay from update {start}: test accuracy {accuracy[start]:.1f} %")
constant = study.load("label_noise")["noisy-20epochs-constant-0.5"]["pytorch"]
accuracy["none"] = np.mean([run["test_accuracy"] for run in constant])
print(f"no decay: {accuracy['none']:.1f} %")

# %%
decayed = [value for start, value in accuracy.items() if start != "none"]
assert np.ptp(decayed) < 1 and min(decayed) > accuracy["none"] + 1, accuracy
print("the three decays end within a point, more than one above the constant rate: yes")
