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
# # Solutions: Cycling

# %%
import numpy as np
import torch

import lrlib
import lrlib.torch
from lrlib.course import pytorch as in_torch
from lrlib.course import study, training
from lrlib.course.experiments import cycling

results = study.load("cycling")
in_torch.one_thread()

# %% [markdown]
# ## Exercise 1
#
# The policy is *triangular* times $\gamma^t$. By the end of the run both bounds have shrunk to less than a hundredth,
# the lower one from 0.003 to 0.000025. Expect a test accuracy of about 97 %, within a point of *exp_range*. Our reading
# is that the digits are learned early, so it matters little that the rate is too low afterwards.

# %% tags=["nbval-ignore-output"]
declining = lrlib.Triangular(0.003, 0.03, 200) * lrlib.Exponential(1.0, 0.997)
runs = cycling.run(cycling.Setting(declining), "pytorch", range(5))
ours = np.mean([run["test_accuracy"] for run in runs])
stored = np.mean([run["test_accuracy"] for run in results["exp_range"]["pytorch"][:5]])
print(f"each boundary declines: {ours:.2f} %, exp_range: {stored:.2f} %")

# %%
assert abs(ours - stored) < 1 and 96 < ours < 98, (ours, stored)
assert 0.997**1600 < 0.01 and round(0.003 * 0.997**1600, 6) == 0.000025
print(f"last rate {declining(1599):.6f}, exp_range {0.003 + 0.027 * (1 / 200) * 0.997**1599:.6f}")

# %% [markdown]
# ## Exercise 2
#
# Any update from 141 to 159 will do, except 150: there the rate is halfway down, and a sawtooth is right by accident.
# A mistake that such a test misses must be right there, such as a cycle that is right up to update 160 and stays at
# the base afterwards. For every test there is such a mistake, so a good test takes more than one update.


# %%
def triangular(t, base=0.01, top=0.1, step=20):
    height = 1 - np.abs(t / step - 2 * np.floor(1 + t / (2 * step)) + 1)
    return base + (top - base) * height


def stops(t):
    return np.where(t < 160, triangular(t), 0.01)


sawtooth = 0.01 + 0.09 * (np.array([145, 150]) / 20 % 1)
print("right:      ", triangular(np.array([145, 150, 185])).round(4))
print("a sawtooth: ", sawtooth.round(4))
print("stops at 160:", stops(np.array([145, 150, 185])).round(4))
assert np.isclose(sawtooth[1], triangular(150))
assert not np.isclose(sawtooth[0], triangular(145))

# %% [markdown]
# ## Exercise 3
#
# *One decay* and *linear to zero* are on top, in both frameworks, and *triangular* is half a point behind, for it
# pays for its second peak. On this task a decay is good early and at the end. Where the budget is open, [After the
# budget is known](../chapters/after_the_budget.ipynb) has the better answer.

# %%
for framework in ("pytorch", "keras"):
    mean = {
        name: np.mean([run["curve"]["test_accuracy"] for run in runs[framework]])
        for name, runs in results.items()
        if "curve" in runs[framework][0]
    }
    order = sorted(mean, key=mean.get, reverse=True)
    print(framework, *(f"{name} {mean[name]:.2f}" for name in order), sep="; ")

# %% [markdown]
# ## Exercise 4
#
# Expect no lead either: with plain SGD all ten runs end between 95 and 98 %, and the mean difference is less than
# half a point, which is two images. The networks of all five seeds are trained at once, as the stored runs were.

# %% tags=["nbval-ignore-output"]
(x, y), test = cycling.images()["train"], cycling.images()["test"]
orders = training.stack_orders(training.batch_order(len(x), 32, 40, seed) for seed in range(5))
accuracies = []
for schedule in (lrlib.Triangular(0.05, 0.5, 200), lrlib.Constant(0.275)):
    model = in_torch.stacked_perceptron([cycling.initial(s) for s in range(5)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    in_torch.train(model, optimizer, x, y, orders, scheduler=scheduler)
    accuracies.append(np.array(in_torch.evaluate(model, *test)[1]))
print("cycle:   ", accuracies[0].round(2))
print("constant:", accuracies[1].round(2))

# %%
difference = (accuracies[0] - accuracies[1]).mean()
assert all(one.min() > 95 and one.max() < 98 for one in accuracies), accuracies
assert abs(difference) < 0.5, difference
print("seeds:", len(accuracies[0]), "; the means differ by less than 0.5 points: yes")
