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
# # Solutions: Choosing a schedule

# %%
from scipy import stats

from lrlib.course.experiments import equal_budget
from lrlib.course.experiments.equal_budget import results
from lrlib.course.stats import mean_interval

stored = results.load()


def accuracies(task, epochs, name):
    """The three test accuracies of a schedule, in percent."""
    return stored.test[results.SETTINGS.index((task, epochs)), stored.names.index(name)]


# %% [markdown]
# ## Exercise 1
#
# The line gives about two points, *wsd* nearly five, and the difference between the two is clear here: three points,
# with an interval that excludes zero. Over all nine settings it is not, so do not carry it to another task.

# %%
constant, line, wsd = (accuracies("cifar10", 3, name) for name in ("constant", "linear", "wsd"))
print("line over constant:", mean_interval(line - constant), "points")
print("wsd over constant: ", mean_interval(wsd - constant), "points")
print("wsd over the line: ", mean_interval(wsd - line), "points")

# %% [markdown]
# ## Exercise 2
#
# Six hundredths of a point, from three seeds, so eight seeds would do if it is right. The width shrinks like one over
# the square root of their number. A standard deviation of three numbers is itself rough, by a factor of two or more.

# %%
apart = accuracies("mnist", 9, "wsd") - accuracies("mnist", 9, "linear")
spread = apart.std(ddof=1)
seeds = next(n for n in range(2, 1000) if stats.t.ppf(0.975, n - 1) * spread / n**0.5 < 0.05)
print(f"standard deviation {spread:.3f} points; {seeds} seeds")

# %% [markdown]
# ## Exercise 3
#
# Each schedule takes five runs to choose its peak and three to be judged, 32 runs in all. Five eighths of the updates
# go into the peaks. That is well spent, since a missed peak costs more than a missed shape.

# %%
updates = equal_budget.updates("mnist", 3)
runs = 4 * (5 + 3)
print(f"{runs} runs of {updates:,} updates: {runs * updates:,}; {5 / 8:.1%} for the peaks")
