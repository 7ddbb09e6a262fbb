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
# # Solutions: Cycling on MNIST

# %%
import numpy as np

from lrlib.course import study
from lrlib.course.experiments import cycling_on_mnist
from lrlib.course.samples import Runs
from lrlib.course.stats import half_width, mean_interval

results = study.load("cycling_on_mnist")

# %% [markdown]
# ## Exercise 1
#
# A test needs a number of images that is no multiple of the batch size. With an error-free "network", every wrong
# denominator shows at once, since anything but 100 % is wrong.


# %%
def accuracy(batches):
    """Percent of right answers in batches of (answers, labels)."""
    right = sum((answers == labels).sum() for answers, labels in batches)
    return 100 * right / sum(len(labels) for _, labels in batches)


def padded(batches):
    """The source's: batches × the size of the first."""
    right = sum((answers == labels).sum() for answers, labels in batches)
    return 100 * right / (len(batches) * len(batches[0][1]))


labels = np.arange(2000) % 10
batches = [(part, part) for part in np.split(labels, range(32, 2000, 32))]
for count in (accuracy, padded):
    found = count(batches)
    print(f"{count.__name__}: {found:.2f} %, passes: {found == 100}")

# %% [markdown]
# ## Exercise 2
#
# Expect 0.6 points for two of the three fixed runs, 0.2 for one of the cyclical ones, and exactly nothing for the
# linear ones. The best epoch is chosen by the same noisy number that is then quoted, so it flatters most the run that
# jumps most. And 0.6 points are as much as separated the fixed runs from the cyclical ones on average, after eight
# epochs in PyTorch.

# %%
for name in ("fixed", "cyclical", "linear"):
    runs = results[name]["pytorch"]
    curves = np.array([run["curve"]["accuracy"] for run in runs])
    print(
        f"{name}: best less last",
        (curves.max(1) - curves[:, -1]).round(2),
        f"mean of the last {curves[:, -1].mean():.2f}",
    )

# %% [markdown]
# ## Exercise 3
#
# Expect 12. From 3 seeds to 12 the standard error halves, and the factor of Student's t falls from 4.3 to 2.2, so the
# interval narrows to about a quarter. The mean and the spread come from three seeds, so twelve is a guess for planning
# and no promise. Ten new seeds show how little: their difference is a quarter of that, and twelve would not do.


# %%
def tested(name):
    """Test accuracy, one number a seed."""
    return np.array([run["test_accuracy"] for run in results[name]["pytorch"]])


gap = tested("cyclical") - tested("cosine")
print("with 3 seeds:", mean_interval(gap))
seeds = 3
while half_width(gap.std(ddof=1), seeds) > abs(gap.mean()):
    seeds += 1
print("seeds until the interval leaves out zero:", seeds)
for count in (3, seeds):
    width = half_width(1.0, count)
    print(f"{count} seeds, of spread 1: half width {width:.2f}, factor {width * count**0.5:.1f}")
new = {
    name: Runs(cycling_on_mnist.EXPERIMENT, name).sample("pytorch", new=True, count=10).values
    for name in ("cyclical", "cosine")
}
gap_of_new = new["cyclical"] - new["cosine"]
print("with 10 new seeds:", mean_interval(gap_of_new))
assert abs(gap_of_new.mean()) < abs(gap.mean()) / 3 and half_width(gap_of_new.std(ddof=1), 12) > abs(gap_of_new.mean())

# %% [markdown]
# ## Exercise 4
#
# Expect about 16,000, eight times as many as the source had. The standard deviation is $\sqrt{p(1-p)/n}$, so a third
# of it costs nine times the images. Two runs on the *same* images share most of that luck, which is why the chapter
# compares pairs.

# %%
last = [run["curve"]["accuracy"][-1] for run in results["fixed"]["pytorch"]]
p = np.mean(last) / 100
print(f"accuracy {100 * p:.2f} %: {p * (1 - p) / 0.001**2:,.0f} images")
