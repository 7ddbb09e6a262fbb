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
# # Three policies
#
# **Goal.** Write the three cyclical policies from their definitions, so that they hold at any update, and draw them.
#
# **Time:** 60 minutes. **You need** the chapter *Cycling*. NumPy and Matplotlib are enough; nothing is trained.
#
# **What is graded** (20 points): the three functions (16), at points that tell the policies apart, and your figure (4).
# Tests that you see here are examples. Others are run when the work is graded.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions, and do not call `lrlib`'s own
# policies: the point is to write them.

# %% tags=["parameters"]
# Your teacher may change these numbers. Your code must not rely on their values.
BASE_LR, MAX_LR = 0.001, 0.006
STEP_SIZE = 200  # updates in half a cycle
GAMMA = 0.998

# %%
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## 1. Triangular
#
# The rate starts at `base_lr` at update 0. It rises in a straight line and reaches `max_lr` after `step_size` updates.
# It falls in a straight line and is back at `base_lr` after another `step_size`. Then it begins again, for ever.
#
# Your function takes the number of updates made so far, as one number or as an array of them, and returns the rate, or
# an array of rates of the same shape. The number need not be whole.


# %% nbgrader={"grade": false, "grade_id": "triangular", "locked": false, "schema_version": 3, "solution": true, "task": false}
def triangular(update, base_lr, max_lr, step_size):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    cycle = np.floor(1 + update / (2 * step_size))
    x = np.abs(update / step_size - 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "triangular_ends", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(triangular(0, BASE_LR, MAX_LR, STEP_SIZE), BASE_LR), "at update 0 the rate is the lower bound"
assert np.isclose(triangular(STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE), MAX_LR), "after one step size it is the upper"
### BEGIN HIDDEN TESTS
for _cycles in (1, 2, 7, 1000):
    _t = 2 * STEP_SIZE * _cycles
    assert np.isclose(triangular(_t, BASE_LR, MAX_LR, STEP_SIZE), BASE_LR), "a cycle does not end at the lower bound"
    assert np.isclose(triangular(_t + STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE), MAX_LR), (
        "the upper bound is not reached in the middle of a later cycle"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular_between", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_quarter = triangular(STEP_SIZE / 4, BASE_LR, MAX_LR, STEP_SIZE)
assert np.isclose(_quarter, BASE_LR + (MAX_LR - BASE_LR) / 4), "a quarter of the way up, the rate is not a quarter up"
### BEGIN HIDDEN TESTS
for _share in (0.1, 0.5, 0.9):
    _level = BASE_LR + (MAX_LR - BASE_LR) * _share
    for _cycle in (0, 3):
        _start = 2 * STEP_SIZE * _cycle
        assert np.isclose(triangular(_start + _share * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE), _level), (
            "the way up is not a straight line"
        )
        assert np.isclose(triangular(_start + (2 - _share) * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE), _level), (
            "the way down is not the mirror image of the way up"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular_arrays", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_given = np.arange(12).reshape(3, 4)
assert np.shape(triangular(_given, BASE_LR, MAX_LR, STEP_SIZE)) == (3, 4), "an array does not give its own shape"
### BEGIN HIDDEN TESTS
_given = np.arange(5 * STEP_SIZE)
_each = [float(triangular(int(_t), BASE_LR, MAX_LR, STEP_SIZE)) for _t in _given]
_rates = triangular(_given, BASE_LR, MAX_LR, STEP_SIZE)
assert (_given == np.arange(5 * STEP_SIZE)).all(), "the array that was given has been changed"
assert np.allclose(_rates, _each), "arrays and single numbers disagree"
assert np.isclose(triangular(3, 0.5, 2.0, 4), 1.625), "other bounds and another step size do not work"
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Triangular2
#
# As triangular, but the *height* of the triangle above `base_lr` is halved after each full cycle: the first peak is
# `max_lr`, the second lies halfway between `base_lr` and `max_lr`, the third a quarter up, and so on.


# %% nbgrader={"grade": false, "grade_id": "triangular2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def triangular2(update, base_lr, max_lr, step_size):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    cycle = np.floor(update / (2 * step_size))
    return base_lr + (triangular(update, base_lr, max_lr, step_size) - base_lr) / 2.0**cycle
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "triangular2_peaks", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(triangular2(STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE), MAX_LR), "the first peak is not the upper bound"
### BEGIN HIDDEN TESTS
for _cycle in range(6):
    _peak = triangular2((2 * _cycle + 1) * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE)
    assert np.isclose(_peak - BASE_LR, (MAX_LR - BASE_LR) / 2**_cycle), "the height is not halved from cycle to cycle"
assert np.isfinite(triangular2(np.arange(400) * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE)).all(), "late cycles overflow"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular2_between", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(triangular2(2 * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE), BASE_LR), "a cycle ends at the lower bound"
### BEGIN HIDDEN TESTS
_rates = triangular2(np.arange(12 * STEP_SIZE), BASE_LR, MAX_LR, STEP_SIZE)
assert _rates.min() >= BASE_LR * (1 - 1e-9), "the rate falls below the lower bound"
for _cycle in range(4):
    _height = (MAX_LR - BASE_LR) / 2**_cycle
    for _place in (0.5, 1.5):
        _rate = triangular2((2 * _cycle + _place) * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE)
        assert np.isclose(_rate, BASE_LR + _height / 2), "halfway up and halfway down do not have the same height"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Exp_range
#
# As triangular, but the height above `base_lr` is multiplied by `gamma ** update`: it shrinks a little at *every* update.
# The lower bound stays.


# %% nbgrader={"grade": false, "grade_id": "exp_range", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exp_range(update, base_lr, max_lr, step_size, gamma):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    return base_lr + (triangular(update, base_lr, max_lr, step_size) - base_lr) * gamma ** np.asarray(update, float)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "exp_range_values", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
_peak = exp_range(STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE, GAMMA)
assert np.isclose(_peak, BASE_LR + (MAX_LR - BASE_LR) * GAMMA**STEP_SIZE), (
    "the first peak has not shrunk by gamma**update"
)
### BEGIN HIDDEN TESTS
for _place in (0.5, 1.0, 1.5, 2.5, 3.0, 7.5):
    _t = _place * STEP_SIZE
    _share = 1 - abs(_place % 2 - 1)
    _rate = exp_range(_t, BASE_LR, MAX_LR, STEP_SIZE, GAMMA)
    assert np.isclose(_rate - BASE_LR, (MAX_LR - BASE_LR) * _share * GAMMA**_t), (
        "the height does not shrink by gamma at every update"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "exp_range_bounds", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(exp_range(2 * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE, GAMMA), BASE_LR), "the lower bound has moved"
### BEGIN HIDDEN TESTS
_ends = exp_range(np.arange(0, 20, 2) * STEP_SIZE, BASE_LR, MAX_LR, STEP_SIZE, GAMMA)
assert np.allclose(_ends, BASE_LR), "the lower bound moves from cycle to cycle"
_given = np.arange(0, 4 * STEP_SIZE, 7)
_plain = triangular(_given, BASE_LR, MAX_LR, STEP_SIZE)
assert np.allclose(exp_range(_given, BASE_LR, MAX_LR, STEP_SIZE, 1.0), _plain), "with gamma 1 it is not triangular"
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Draw them
#
# Draw the three policies over five full cycles into the axes `ax`, one line each, with a legend that names them
# `triangular`, `triangular2` and `exp_range`. Label both axes. Use the parameters from the top.


# %% nbgrader={"grade": false, "grade_id": "draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw(ax):
    """Draw the three policies over five cycles."""
    ### BEGIN SOLUTION
    updates = np.arange(10 * STEP_SIZE + 1)
    ax.plot(updates, triangular(updates, BASE_LR, MAX_LR, STEP_SIZE), label="triangular")
    ax.plot(updates, triangular2(updates, BASE_LR, MAX_LR, STEP_SIZE), "--", label="triangular2")
    ax.plot(updates, exp_range(updates, BASE_LR, MAX_LR, STEP_SIZE, GAMMA), ":", label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()
    ### END SOLUTION


# %%
figure, axes = plt.subplots()
draw(axes)

# %% nbgrader={"grade": true, "grade_id": "figure", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
_figure, _ax = plt.subplots()
draw(_ax)
_lines = {_line.get_label(): _line for _line in _ax.get_lines()}
assert {"triangular", "triangular2", "exp_range"} <= set(_lines), "a line with one of the three labels is missing"
assert _ax.get_xlabel() and _ax.get_ylabel(), "an axis has no label"
### BEGIN HIDDEN TESTS
assert _ax.get_legend() is not None, "the legend is missing"
_policies = {
    "triangular": lambda t: triangular(t, BASE_LR, MAX_LR, STEP_SIZE),
    "triangular2": lambda t: triangular2(t, BASE_LR, MAX_LR, STEP_SIZE),
    "exp_range": lambda t: exp_range(t, BASE_LR, MAX_LR, STEP_SIZE, GAMMA),
}
for _name, _policy in _policies.items():
    _x, _y = (np.asarray(_values, float) for _values in _lines[_name].get_data())
    assert _x.min() <= STEP_SIZE / 10 and _x.max() >= 9.9 * STEP_SIZE, "a line does not span five full cycles"
    assert np.allclose(_y, _policy(_x)), "a line does not show the policy that its label names"
    _shown = np.sort(np.abs(_x[:, None] - STEP_SIZE * np.arange(1, 10)).min(0))
    assert _shown.max() <= STEP_SIZE / 10, "a line leaves out a peak or the end of a cycle"
### END HIDDEN TESTS
plt.close(_figure)

# %% [markdown]
# ## For yourself
#
# A single test at update 0 passes for all three policies. Which one update would tell all three apart?
