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
# **Goal.** Write three cyclical policies from their definitions, so that they hold at any update, and draw them.
#
# **Time:** 60 minutes. **You need** the chapter *Cycling*. NumPy and Matplotlib are enough; nothing is trained.
#
# These policies are not the chapter's: they rise and fall at different speeds, they stop at an update that need not end
# a cycle, and the last one moves its lower bound. Start from the definitions below, not from the chapter's code.
#
# **What is graded** (20 points): the three functions (16), at points that tell the policies apart, and your figure: its
# curves (3), its labels and its legend (1).
# Tests that you see here are examples. Others are run when the work is graded: with other numbers, at other updates,
# late in a long run, and after its end. A mistake in one part costs no points in the parts that build on it: they are
# graded with the right function in its place.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions, and do not call `lrlib`'s own
# policies: the point is to write them.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
BASE_LR, MAX_LR = 0.001, 0.006
UP, DOWN = 60, 170  # updates in which the rate rises, and falls, in each cycle
STOP = 1000  # the update at which the schedule stops
GAMMA = 0.998
END_LR = 0.0002  # where the third policy's lower bound is at the stop

# %%
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## 1. Triangular, lopsided
#
# The rate starts at `base_lr` at update 0. It rises in a straight line and reaches `max_lr` after `up` updates. It
# falls in a straight line and is back at `base_lr` after another `down`. Then it begins again.
#
# At update `stop` the schedule stops, wherever in a cycle that is: from then on the rate stays as it was at `stop`.
#
# Your function takes the number of updates made so far, as one number or as an array of them, and returns the rate, or
# an array of rates of the same shape. Neither this number nor `stop` need be whole.


# %% nbgrader={"grade": false, "grade_id": "triangular", "locked": false, "schema_version": 3, "solution": true, "task": false}
def triangular(update, base_lr, max_lr, up, down, stop):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    place = np.minimum(update, stop) % (up + down)
    height = np.minimum(place / up, (up + down - place) / down)
    return base_lr + (max_lr - base_lr) * height
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "triangular_ends", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(triangular(0, BASE_LR, MAX_LR, UP, DOWN, STOP), BASE_LR), "at update 0 the rate is the lower bound"
assert np.isclose(triangular(UP, BASE_LR, MAX_LR, UP, DOWN, STOP), MAX_LR), "after `up` updates it is the upper bound"
### BEGIN HIDDEN TESTS
for _cycles in (1, 2, 7, 1000):
    _t = (UP + DOWN) * _cycles
    assert np.isclose(triangular(_t, BASE_LR, MAX_LR, UP, DOWN, 10**7), BASE_LR), "a cycle ends above the lower bound"
    assert np.isclose(triangular(_t + UP, BASE_LR, MAX_LR, UP, DOWN, 10**7), MAX_LR), (
        "the upper bound is not reached `up` updates into a later cycle"
    )
_ends_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular_between", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_quarter = triangular(UP + DOWN / 4, BASE_LR, MAX_LR, UP, DOWN, STOP)
assert np.isclose(_quarter, MAX_LR - (MAX_LR - BASE_LR) / 4), (
    "a quarter of the way down, the rate is not a quarter down"
)
### BEGIN HIDDEN TESTS
for _share in (0.1, 0.5, 0.9):
    _level = BASE_LR + (MAX_LR - BASE_LR) * _share
    for _up, _down in ((UP, DOWN), (7, 3), (3, 50), (10, 10)):
        for _start in (0, 3 * (_up + _down)):
            assert np.isclose(triangular(_start + _share * _up, BASE_LR, MAX_LR, _up, _down, 10**7), _level), (
                "the way up is not a straight line of `up` updates"
            )
            _t = _start + _up + (1 - _share) * _down
            assert np.isclose(triangular(_t, BASE_LR, MAX_LR, _up, _down, 10**7), _level), (
                "the way down is not a straight line of `down` updates"
            )
_between_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular_stops", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_last = triangular(STOP, BASE_LR, MAX_LR, UP, DOWN, STOP)
assert np.isclose(triangular(STOP + 1, BASE_LR, MAX_LR, UP, DOWN, STOP), _last), "after the stop the rate still moves"
### BEGIN HIDDEN TESTS
for _stop, _level in (
    (5 * (UP + DOWN) + UP / 2, 0.5),
    (UP, 1),
    (UP + DOWN, 0),
    (UP + 0.75 * DOWN, 0.25),
    (UP / 4, 0.25),
):
    for _later in (0, 1, UP, 3 * DOWN, 10**6):
        _rate = triangular(_stop + _later, BASE_LR, MAX_LR, UP, DOWN, _stop)
        assert np.isclose(_rate, BASE_LR + _level * (MAX_LR - BASE_LR)), "the rate does not stay as it was at the stop"
    _given = np.linspace(0, 2 * _stop, 41)
    _endless = triangular(np.minimum(_given, _stop), BASE_LR, MAX_LR, UP, DOWN, 10**7)
    assert np.allclose(triangular(_given, BASE_LR, MAX_LR, UP, DOWN, _stop), _endless), (
        "an array that goes beyond the stop gets wrong rates, or the stop changes the rates before it"
    )
_stops_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular_arrays", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_given = np.arange(12).reshape(3, 4)
assert np.shape(triangular(_given, BASE_LR, MAX_LR, UP, DOWN, STOP)) == (3, 4), "an array does not give its own shape"
### BEGIN HIDDEN TESTS
_given = np.arange(STOP + 50)
_each = [float(triangular(int(_t), BASE_LR, MAX_LR, UP, DOWN, STOP)) for _t in _given]
_rates = triangular(_given, BASE_LR, MAX_LR, UP, DOWN, STOP)
assert (_given == np.arange(STOP + 50)).all(), "the array that was given has been changed"
assert np.allclose(_rates, _each), "arrays and single numbers disagree"
assert np.isclose(triangular(2, 0.5, 2.0, 4, 4, 100), 1.25), "other bounds and another length do not work"
_arrays_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Triangular2, lopsided
#
# As above, but the *height* of the triangle above `base_lr` is halved after each full cycle: the first peak is
# `max_lr`, the second lies halfway between `base_lr` and `max_lr`, the third a quarter up, and so on.
#
# A run may have very many cycles. Whole numbers in NumPy have 64 bits: what is `2 ** np.array([63, 64])`?


# %% nbgrader={"grade": false, "grade_id": "triangular2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def triangular2(update, base_lr, max_lr, up, down, stop):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    cycle = np.floor(np.minimum(update, stop) / (up + down))
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / 2.0**cycle
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "triangular2_peaks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if a test of part 1 failed, the right function goes on from here.
### REFERENCE triangular UNLESS ends, between, stops, arrays PASSED
### END HIDDEN TESTS
assert np.isclose(triangular2(UP, BASE_LR, MAX_LR, UP, DOWN, STOP), MAX_LR), "the first peak is not the upper bound"
### BEGIN HIDDEN TESTS
for _cycle in range(6):
    _peak = triangular2(_cycle * (UP + DOWN) + UP, BASE_LR, MAX_LR, UP, DOWN, 10**7)
    assert np.isclose(_peak - BASE_LR, (MAX_LR - BASE_LR) / 2**_cycle), "the height is not halved from cycle to cycle"
_two_peaks_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular2_between", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(triangular2(UP + DOWN, BASE_LR, MAX_LR, UP, DOWN, STOP), BASE_LR), "a cycle ends at the lower bound"
### BEGIN HIDDEN TESTS
for _cycle in range(4):
    _start, _height = _cycle * (UP + DOWN), (MAX_LR - BASE_LR) / 2**_cycle
    for _place in (UP / 2, UP + DOWN / 2):
        _rate = triangular2(_start + _place, BASE_LR, MAX_LR, UP, DOWN, 10**7)
        assert np.isclose(_rate, BASE_LR + _height / 2), "halfway up and halfway down do not have half the height"
        _rate = triangular2(10**6, BASE_LR, MAX_LR, UP, DOWN, _start + _place)
        assert np.isclose(_rate, BASE_LR + _height / 2), "after the stop the height is still halved"
_two_between_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "triangular2_late", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_late = triangular2(np.array([40 * (UP + DOWN) + UP]), BASE_LR, MAX_LR, UP, DOWN, 10**7)
assert np.allclose(_late, BASE_LR), "in the 41st cycle the height is not almost 0"
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    _late = triangular2(np.arange(400) * (UP + DOWN) + UP, BASE_LR, MAX_LR, UP, DOWN, 10**7)
assert np.isfinite(_late).all() and np.allclose(_late[30:], BASE_LR), "late cycles overflow: 2**63 has no 64-bit number"
_two_late_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Exp_range over a moving bound
#
# The height of the triangle, `max_lr - base_lr` at the first peak of part 1, is multiplied by `gamma ** update`: it
# shrinks a little at *every* update. The lower bound, on which the triangle stands, moves too: in a straight line from
# `base_lr` at update 0 to `end_lr` at update `stop`. Only the bound's own line is added to the triangle: the height
# does not depend on `end_lr`. At `stop` all of it stops, as in part 1.


# %% nbgrader={"grade": false, "grade_id": "exp_range", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    made = np.minimum(np.asarray(update, float), stop)
    height = (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) * gamma**made
    return base_lr + (end_lr - base_lr) * made / stop + height
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "exp_range_values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_peak = exp_range(UP, BASE_LR, MAX_LR, UP, DOWN, STOP, GAMMA, BASE_LR)
assert np.isclose(_peak, BASE_LR + (MAX_LR - BASE_LR) * GAMMA**UP), "the first peak has not shrunk by gamma**update"
### BEGIN HIDDEN TESTS
for _cycle in (0, 1, 3):
    for _place, _share in ((UP / 2, 0.5), (UP, 1), (UP + 0.75 * DOWN, 0.25)):
        _t = _cycle * (UP + DOWN) + _place
        _height = (MAX_LR - BASE_LR) * _share * GAMMA**_t
        _rate = exp_range(_t, BASE_LR, MAX_LR, UP, DOWN, 10**7, GAMMA, BASE_LR)
        assert np.isclose(_rate - BASE_LR, _height), "the height does not shrink by gamma at every update"
        _rate = exp_range(_t + 333, BASE_LR, MAX_LR, UP, DOWN, _t, GAMMA, BASE_LR)
        assert np.isclose(_rate - BASE_LR, _height), "after the stop the height still shrinks"
_exp_values_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "exp_range_bound", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_rate = exp_range(UP + DOWN, BASE_LR, MAX_LR, UP, DOWN, 4 * (UP + DOWN), GAMMA, END_LR)
assert np.isclose(_rate, BASE_LR + (END_LR - BASE_LR) / 4), "a quarter of the way to the stop, the bound is elsewhere"
### BEGIN HIDDEN TESTS
_stop = 8 * (UP + DOWN)
for _end in (END_LR, 0.0, MAX_LR, BASE_LR):
    _ends = exp_range(np.arange(9) * (UP + DOWN), BASE_LR, MAX_LR, UP, DOWN, _stop, GAMMA, _end)
    assert np.allclose(_ends, np.linspace(BASE_LR, _end, 9)), "the lower bound does not move in a straight line"
    _rate = exp_range(3 * _stop, BASE_LR, MAX_LR, UP, DOWN, _stop, GAMMA, _end)
    assert np.isclose(_rate, _end), "the bound moves on after the stop"
    _given = np.arange(0, _stop, 7)
    _shown = exp_range(_given, BASE_LR, MAX_LR, UP, DOWN, _stop, 1.0, _end) - (_end - BASE_LR) * _given / _stop
    _plain = triangular(_given, BASE_LR, MAX_LR, UP, DOWN, _stop)
    assert np.allclose(_shown, _plain), "with gamma 1 it is not the triangle of part 1 on a moving bound"
_exp_bound_passed = True
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Draw them
#
# Draw the three policies from update 0 to a fifth beyond `STOP` into the axes `ax`, one line each, plotted with
# `label="triangular"`, `label="triangular2"` and `label="exp_range"`, and a legend of these labels. Label both axes. Use the parameters from the top. Every peak,
# every end of a cycle and the stop must be seen.


# %% nbgrader={"grade": false, "grade_id": "draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw(ax):
    """Draw the three policies to a fifth beyond the stop."""
    ### BEGIN SOLUTION
    updates = np.arange(1.2 * STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), "--", label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), ":", label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()
    ### END SOLUTION


# %%
figure, axes = plt.subplots()
draw(axes)

# %% nbgrader={"grade": true, "grade_id": "figure", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if a test of a policy failed, the right one goes on from here.
### REFERENCE triangular2 UNLESS two_peaks, two_between, two_late PASSED
### REFERENCE exp_range UNLESS exp_values, exp_bound PASSED
### END HIDDEN TESTS
_figure, _ax = plt.subplots()
draw(_ax)
_lines = {_line.get_label(): _line for _line in _ax.get_lines()}
assert {"triangular", "triangular2", "exp_range"} <= set(_lines), (
    "no line was plotted with label= and one of the three names"
)
### BEGIN HIDDEN TESTS
_shape = BASE_LR, MAX_LR, UP, DOWN, STOP
_policies = {
    "triangular": lambda t: triangular(t, *_shape),
    "triangular2": lambda t: triangular2(t, *_shape),
    "exp_range": lambda t: exp_range(t, *_shape, GAMMA, END_LR),
}
_starts = np.arange(0, STOP, UP + DOWN)
_corners = np.concatenate([_starts, (_starts + UP)[_starts + UP < STOP], [STOP]])
for _name, _policy in _policies.items():
    _x, _y = (np.asarray(_values, float) for _values in _lines[_name].get_data())
    assert _x.min() <= UP / 10 and _x.max() >= 1.15 * STOP, "a line does not span the run and a fifth more"
    assert np.allclose(_y, _policy(_x)), "a line does not show your policy of that name"
    _away = np.abs(_x[:, None] - _corners).min(0)
    assert _away.max() <= max(1, min(UP, DOWN) / 10), "a line leaves out a peak, the end of a cycle or the stop"
### END HIDDEN TESTS
plt.close(_figure)

# %% nbgrader={"grade": true, "grade_id": "legend", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_figure, _ax = plt.subplots()
draw(_ax)
assert _ax.get_xlabel() and _ax.get_ylabel(), "an axis has no label"
_legends = [_legend for _legend in (_ax.get_legend(), *_figure.legends) if _legend is not None]
assert _legends, "the legend is missing"
### BEGIN HIDDEN TESTS
_words = {_text.get_text() for _legend in _legends for _text in _legend.get_texts()}
assert {"triangular", "triangular2", "exp_range"} <= _words, "a label is missing from the legend"
### END HIDDEN TESTS
plt.close(_figure)

# %% [markdown]
# ## For yourself
#
# A single test at update 0 passes for all three policies. Which one update would tell all three apart?
