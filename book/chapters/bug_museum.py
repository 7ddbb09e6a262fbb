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
# # The bug museum
#
# **Goal.** See how the schedulers of two well-kept libraries go wrong, each time by running them, and learn the habit
# that finds such faults: read the rate in force.
#
# **You need** to have trained with a scheduler once, in either framework. **Data:** none. **Cost:** about a minute of
# computing, most of it the start of frameworks, for nothing here learns more than three weights; the measured time
# stands under the title.
#
# PyTorch and Keras are good libraries, and their users report what they find. Most exhibits come from those reports.
# They are shown to be learned from, not laughed at: a scheduler is small, but it has a state, a clock and an end, and
# each of the three is easy to get wrong.

# %% [markdown]
# ## How to read an exhibit
#
# Every exhibit is run when this page is made. First comes the library's answer, then the right one beside it, from
# [lrlib](../reference/api.md) or from a recipe, with an assertion that it is right. A line says what was seen:
#
# - **seen**: the installed version does what the text says;
# - **mended**: it gives the right answer, so the exhibit is history;
# - **changed**: it gives neither.
#
# What is compared is the answer, never a version number. Three kinds of thing are on show. A **bug** is an answer that
# nobody can have wanted. A **trap** works as it was written, and often as it is documented, but not as its name
# suggests. A **habit** is the user's own.

# %% tags=["hide-input"]
import warnings

import numpy as np

import lrlib
from lrlib.course import figures
from lrlib.course.figures import plt

figures.use_style()
exhibits = []


def same(found, other):
    """Whether two answers agree: numbers to float32 rounding, words exactly."""
    if not np.isscalar(found) and not np.isscalar(other):
        return len(found) == len(other) and all(map(same, found, other))
    if isinstance(found, str) or isinstance(other, str):
        return np.isscalar(found) and np.isscalar(other) and found == other
    return bool(np.all(np.isclose(found, other, rtol=1e-5, atol=1e-9)))


def judge(found, wrong, right):
    """What the installed version does, by its answer."""
    if same(found, wrong):
        return "seen"
    return "mended" if same(found, right) else "changed"


def attempt(act, *args, **options):
    """The answer, or the name of the error that came instead."""
    try:
        return act(*args, **options)
    except Exception as error:
        return type(error).__name__


def exhibit(name, library, kind, instead, *, found, wrong, right):
    """Put an exhibit on the list, and say what was seen."""
    verdict = judge(found, wrong, right)
    exhibits.append((name, library, kind, verdict, instead))
    print(f"exhibit {len(exhibits)}, {library}: {verdict}")


def listed(answer, first=None):
    """Rates, or the first of them, to four digits; an error's name as it is."""
    if isinstance(answer, str):
        return answer
    return ", ".join(
        x if isinstance(x, str) else f"{x:.4g}" for x in answer[:first]
    )


verdicts = [judge(found, wrong=1, right=2) for found in (1, 2, "ValueError")]
print("the answers 1, 2 and an error, where 1 is wrong and 2 right:", *verdicts)

# %% [markdown]
# A scheduler's answer is the rate in force: the number that the optimizer holds when the update is made. In PyTorch it
# can be read. In Keras we measure it. Under a gradient of 1, plain SGD moves its weight by just the rate.


# %% tags=["pytorch"]
import torch
from torch.optim import lr_scheduler

import lrlib.torch


def sgd(lr=0.1, **others):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, **others)


def rates(scheduler, updates):
    """The rate in force at each of the next updates."""
    in_force = []
    for _ in range(updates):
        in_force.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return in_force


print("PyTorch:", listed(rates(lr_scheduler.StepLR(sgd(), 2, gamma=0.5), 5)))

# %% tags=["keras"]
from lrlib.course import fast_convolutions

with fast_convolutions():
    from lrlib.course import keras as in_keras

import keras

import lrlib.keras

in_keras.one_thread()
keras_schedules = keras.optimizers.schedules


def moves(optimizer, batches):
    """How far each of the next batches moves a weight, under a gradient of 1."""
    weight, moved = keras.Variable(0.0), []
    for _ in range(batches):
        weight.assign(0.0)
        optimizer.apply([keras.ops.ones(())], [weight])
        moved.append(0.0 - float(weight))
    return moved


halving = keras_schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True)
print("Keras:  ", listed(moves(keras.optimizers.SGD(halving), 5)))

# %% [markdown]
# ## Room 1: going on after a checkpoint
#
# ### The order of loading
#
# A run is resumed in the order in which one thinks of it: load the optimizer, build its scheduler, load that. Building
# a scheduler writes its first rate into the optimizer, over the one just loaded, and loading the scheduler does not put
# it back. It hits whoever resumes: `LinearLR` computes each rate from the last, so a run resumed in its warm-up trains
# at a tenth of the rate until the end.
#
# Reported as [pytorch #65342](https://github.com/pytorch/pytorch/issues/65342) (2021); see also
# [#162591](https://github.com/pytorch/pytorch/issues/162591) and
# [#168044](https://github.com/pytorch/pytorch/issues/168044), which plans the mend.


# %% tags=["pytorch"]
def resumed(make, updates, optimizer_first=True):
    """The rates after a checkpoint at update 2, loaded in one order or the other."""
    stopped = make(sgd())
    rates(stopped, 2)
    optimizer = sgd()
    if optimizer_first:
        optimizer.load_state_dict(stopped.optimizer.state_dict())
    scheduler = make(optimizer)
    if not optimizer_first:
        optimizer.load_state_dict(stopped.optimizer.state_dict())
    scheduler.load_state_dict(stopped.state_dict())
    return rates(scheduler, updates)


def warm_up(optimizer):
    return lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=4)


uninterrupted = rates(warm_up(sgd()), 12)
found = attempt(resumed, warm_up, 10)
print("never stopped:  ", listed(uninterrupted[2:], 5))
print("optimizer first:", listed(found, 5))
exhibit(
    "The order of loading",
    "PyTorch",
    "bug",
    "build the scheduler, then load the optimizer, then the scheduler",
    found=found,
    wrong=[rate / 10 for rate in uninterrupted[2:]],
    right=uninterrupted[2:],
)

# %% [markdown]
# The right behaviour: build the scheduler before anything is loaded. {class}`lrlib.torch.Scheduler` sets the rates when
# it is loaded, so there every order is right.


# %% tags=["pytorch"]
def our_warm_up(optimizer):
    return lrlib.torch.Scheduler(optimizer, lrlib.Linear(0.01, 0.1, steps=4))


recipe = resumed(warm_up, 10, optimizer_first=False)
ours = [resumed(our_warm_up, 10, optimizer_first=first) for first in (True, False)]
assert same(recipe, uninterrupted[2:]), recipe
assert same(ours, [uninterrupted[2:]] * 2), ours
print("scheduler built first:  ", listed(recipe, 5))
print("lrlib, optimizer first: ", listed(ours[0], 5))
print("lrlib, scheduler first: ", listed(ours[1], 5))

# %% tags=["hide-input", "pytorch"] mystnb={"image": {"alt": "Learning rate over 12 updates. The run that never stopped warms up from 0.01 to 0.1 in four updates and stays there. The run resumed at update 2, optimizer first, drops to 0.0055, warms up to 0.01 and stays there. The run resumed with lrlib lies on the first one."}, "figure": {"caption": "A warm-up, stopped after two updates and resumed. Loaded in the wrong order, PyTorch's LinearLR stays ten times too low.", "name": "fig-resumed"}}
figure, ax = plt.subplots(figsize=(8, 3.4))
ax.plot(range(12), uninterrupted, label="never stopped", color="0.6", linewidth=5)
if not isinstance(found, str):
    ax.plot(
        range(2, 12), found, "s--", color="C1", label="PyTorch, optimizer first"
    )
ax.plot(range(2, 12), ours[0], "o:", color="C0", label="lrlib, either order")
ax.axvline(1.5, color="0.5", linestyle=":", linewidth=1)
ax.annotate("checkpoint", (1.6, 0.104), color="0.35")
ax.set(xlabel="update", ylabel="rate in force", ylim=(0, 0.113))
ax.legend(loc="center right")
_ = figure

# %% [markdown]
# [The figure](#fig-resumed) shows one scheduler. How many of PyTorch's have the fault? Here are the rates of updates 2 to 5.
# Those that compute each rate afresh are wrong for one update; `LinearLR` and `ConstantLR`, which compute it from the
# last, are wrong for ever. `CosineAnnealingLR`, the one in the report of 2021, has since been mended.

# %% tags=["pytorch"]
schedulers = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda t: 0.9),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [3, 5]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.1, 4),
    "LinearLR": warm_up,
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 8),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 8),
    "CosineAnnealingWarmRestarts": lambda o: (
        lr_scheduler.CosineAnnealingWarmRestarts(o, 4)
    ),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(
        o, 0.01, 0.1, 3, cycle_momentum=False
    ),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(
        o, 0.1, 10, cycle_momentum=False
    ),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [warm_up(o), lr_scheduler.ExponentialLR(o, 0.9)], [4]
    ),
}
count = 0
for name, make in schedulers.items():
    straight = rates(make(sgd()), 8)[2:]
    found_here = attempt(resumed, make, 6)
    if not same(found_here, straight):
        count += 1
        print(
            f"{name:28} right {listed(straight, 4)}; found {listed(found_here, 4)}"
        )
    # The recipe is right for all of them.
    assert same(resumed(make, 6, optimizer_first=False), straight), name
print(f"optimizer first: {count} of {len(schedulers)} wrong")
print(f"scheduler built first: 0 of {len(schedulers)} wrong")

# %% [markdown]
# ### The horizon that came out of the checkpoint
#
# A run was planned for 10 updates and stopped at 5. It is to go on for 20, so the new scheduler is built with
# `T_max=20`. Loading the state puts the old `T_max` back without a word: the rate reaches zero at 10 and then rises
# again, up to the peak at 20. It hits whoever extends a run. We know of no report of it.


# %% tags=["pytorch"]
def extended_run():
    """The rates at updates 5, 10, 15 and 20."""
    stopped = lr_scheduler.CosineAnnealingLR(sgd(), T_max=10)
    rates(stopped, 5)
    longer = lr_scheduler.CosineAnnealingLR(sgd(), T_max=20)
    longer.optimizer.load_state_dict(stopped.optimizer.state_dict())
    longer.load_state_dict(stopped.state_dict())
    return rates(longer, 16)[::5]


found = attempt(extended_run)
print("rates at updates 5, 10, 15, 20:", listed(found))
exhibit(
    "The horizon out of the checkpoint",
    "PyTorch",
    "trap",
    "lrlib refuses; then last_epoch=n with the new schedule",
    found=found,
    wrong=[0.05, 0.0, 0.05, 0.1],
    right=lrlib.Cosine(0.1, 0.0, 20)(np.arange(5, 21, 5)),
)

# %% [markdown]
# The right behaviour: ask. {class}`lrlib.torch.Scheduler` refuses a state that was made with another schedule, and its
# message says how to go on with the new one.

# %% tags=["pytorch"]
short, long = lrlib.Cosine(0.1, 0.0, steps=10), lrlib.Cosine(0.1, 0.0, steps=20)
state = lrlib.torch.Scheduler(sgd(), short, last_epoch=5).state_dict()
refused = attempt(lrlib.torch.Scheduler(sgd(), long).load_state_dict, state)
assert refused == "ValueError", refused
extended = rates(lrlib.torch.Scheduler(sgd(), long, last_epoch=5), 16)
assert same(extended, long(np.arange(5, 21))), extended
print("load the old state into the new schedule:", refused)
print("rates at updates 5, 10, 15, 20:", listed(extended[::5]))

# %% [markdown]
# ### The plateau that forgets
#
# Keras's `ReduceLROnPlateau` sets itself back whenever `fit` begins. Whoever calls `fit` for a few epochs at a time, to
# look at samples or because a job has a time limit, loses the count of bad epochs each time. If `fit` runs for fewer
# epochs than the patience needs, the rate is never cut. We know of no report of it.


# %% tags=["keras"]
def rate_after(callback, calls, epochs):
    """The rate after some calls of fit, on a loss that stays at 0."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    nothing = np.zeros((4, 1))
    for _ in range(calls):
        model.fit(nothing, nothing, epochs=epochs, callbacks=[callback], verbose=0)
    return float(model.optimizer.learning_rate)


def own_plateau():
    return keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=2)


found = [
    attempt(rate_after, own_plateau(), calls=1, epochs=4),
    attempt(rate_after, own_plateau(), calls=4, epochs=1),
]
print("four epochs in one call of fit: ", listed(found[:1]))
print("one epoch in each of four calls:", listed(found[1:]))
exhibit(
    "The plateau that forgets",
    "Keras",
    "trap",
    "lrlib.keras.PlateauCallback, which keeps its state",
    found=found,
    wrong=[0.01, 0.1],
    right=[0.01, 0.01],
)

# %% tags=["keras"]
# Our patience counts the bad epochs that are tolerated: one less than Keras's.
rule = lrlib.Plateau(0.1, patience=1)
ours = [
    rate_after(lrlib.keras.PlateauCallback(rule, monitor="loss"), calls, epochs)
    for calls, epochs in ((1, 4), (4, 1))
]
assert same(ours, [0.01, 0.01]), ours
print("lrlib, one call and four calls:", listed(ours))

# %% [markdown]
# ## Room 2: where a schedule turns and ends
#
# ### One cycle, at its ends
#
# PyTorch's `OneCycleLR` puts the peak at update `pct_start · total_steps − 1`, whether or not that is a whole number. If
# it is not, no update has the peak's rate; if it is zero, the scheduler divides by it. Past its end it makes one more
# update, at ten thousand times the last rate, before it stops with an error: that hits loops that count one update too
# many.
#
# The division is [pytorch #180187](https://github.com/pytorch/pytorch/pull/180187).


# %% tags=["pytorch"]
def highest(total_steps, **others):
    scheduler = lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps, **others)
    return max(rates(scheduler, total_steps))


def after_the_end():
    scheduler = lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps=10)
    rates(scheduler, 10)
    return scheduler.get_last_lr()[0]


found = [
    attempt(highest, 10),
    attempt(highest, 11),
    attempt(after_the_end),
    attempt(highest, 10, pct_start=0.1),
]
print("asked for a peak of 0.1")
print("10 updates, highest rate:", listed(found[:1]))
print("11 updates, highest rate:", listed(found[1:2]))
print("10 updates, pct_start 0.1, highest rate:", listed(found[3:]))
print("10 updates, rate after the last:", listed(found[2:3]))
exhibit(
    "One cycle, at its ends",
    "PyTorch",
    "bug",
    "lrlib.OneCycle: the peak is met, the last rate held",
    found=found,
    wrong=[0.1, 0.09797465678213016, 0.004951936798652624, "ZeroDivisionError"],
    right=[0.1, 0.1, 4e-7, 0.1],
)

# %% [markdown]
# The right behaviour: {class}`lrlib.OneCycle` puts the peak on a whole update, ends after `steps` updates, and holds.

# %%
cycles = [lrlib.OneCycle(0.1, steps=steps) for steps in (10, 11)]
early = lrlib.OneCycle(0.1, steps=10, pct_start=0.1)
peaks = [max(cycle(np.arange(12))) for cycle in (*cycles, early)]
ends = [cycle(t) for cycle in cycles for t in (11, 1000)]
assert same(peaks, [0.1] * 3) and same(ends, [4e-7] * 4), (peaks, ends)
print("highest rates:", listed(peaks))
print("long after the end:", listed(ends))

# %% [markdown]
# ### The cosine that rises again
#
# A cosine is periodic, and PyTorch's `CosineAnnealingLR` is the whole of it: after `T_max` updates the rate climbs back
# to where it began. The name says annealing, and annealing ends cold. It hits every run that is longer than its
# schedule: a `T_max` in epochs and steps in updates, or two more epochs "to be sure". The documentation calls `T_max` the maximum number of iterations, and leaves it at
# that.


# %% tags=["pytorch"]
def whole_cosine():
    return rates(lr_scheduler.CosineAnnealingLR(sgd(), T_max=10), 21)[::5]


found = attempt(whole_cosine)
ours = lrlib.Cosine(0.1, 0.0, steps=10)(np.arange(21))
print("PyTorch at 0, 5, 10, 15, 20:", listed(found))
print("lrlib   at 0, 5, 10, 15, 20:", listed(ours[::5]))
exhibit(
    "The cosine that rises again",
    "PyTorch",
    "trap",
    "lrlib.Cosine, which holds its last value",
    found=found,
    wrong=[0.1, 0.05, 0.0, 0.05, 0.1],
    right=ours[::5],
)
assert same(ours[::5], [0.1, 0.05, 0.0, 0.0, 0.0]), ours

# %% [markdown]
# ### The lost restart
#
# Where cycles grow by a factor, the number of the cycle is a logarithm, and both libraries take it in floating point.
# It comes out a hair below a whole number, so that the restart is missed: the rate is 0 for an update that should have
# the peak. In PyTorch it hits those who set the epoch themselves, `step(121)`; in Keras everyone who gets that far. We
# know of no report of either.


# %% tags=["pytorch"]
restarts = [1, 4, 13, 40, 121, 364]


def stepped_to(epochs):
    """The rates where the caller sets the epoch."""
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(sgd(), T_0=1, T_mult=3)
    found = []
    for epoch in epochs:
        scheduler.step(epoch)
        found.append(scheduler.get_last_lr()[0])
    return found


found = attempt(stepped_to, restarts)
ours = lrlib.CosineRestarts(0.1, 0.0, first=1, t_mul=3)(np.array(restarts))
print("cycles begin at updates", restarts)
print("PyTorch, step(epoch):", listed(found))
print("lrlib:               ", listed(ours))
exhibit(
    "The lost restart",
    "PyTorch",
    "bug",
    "lrlib.CosineRestarts, which counts in whole numbers",
    found=found,
    wrong=[0.1, 0.1, 0.1, 0.1, 0.0, 0.1],
    right=[0.1] * 6,
)
assert same(ours, [0.1] * 6), ours

# %% tags=["keras"]
begins = [10 * (2**cycle - 1) for cycle in range(17)]
keras_restarts = keras_schedules.CosineDecayRestarts(0.1, 10, t_mul=2.0)
found = [float(keras_restarts(t)) for t in begins]
doubling = lrlib.CosineRestarts(0.1, 0.0, first=10, t_mul=2)
ours = [float(lrlib.keras.Schedule(doubling)(t)) for t in begins]
lost = [t for t, rate in zip(begins, found, strict=True) if rate < 0.05]
print(f"17 cycles begin, at updates {begins[0]} to {begins[-1]}")
print("Keras is at 0 instead of the peak at:", lost)
print("lrlib, lowest rate at a restart:", listed([min(ours)]))
exhibit(
    "The lost restart",
    "Keras",
    "bug",
    "the same, through lrlib.keras.Schedule",
    found=found,
    wrong=[0.0 if t in (81_910, 327_670) else 0.1 for t in begins],
    right=[0.1] * 17,
)
assert same(ours, [0.1] * 17), ours

# %% [markdown]
# ### A boundary, one update late
#
# Ask for a new rate from update 3 on, and PyTorch's `MultiStepLR` gives it at update 3. Keras's `PiecewiseConstantDecay`
# keeps the old rate *at* the boundary, as its documentation says, so that the same numbers make another schedule. It
# hits those who carry a recipe from one framework to the other.

# %% tags=["keras"]
piecewise = keras_schedules.PiecewiseConstantDecay([3], [0.1, 0.01])
ours = lrlib.keras.Schedule(lrlib.Piecewise([3], [0.1, 0.01]))
found, ours = (moves(keras.optimizers.SGD(rule), 6) for rule in (piecewise, ours))
late = sum(rate > 0.05 for rate in found) - 3
earlier = keras_schedules.PiecewiseConstantDecay([3 - late], [0.1, 0.01])
recipe = moves(keras.optimizers.SGD(earlier), 6)
print("Keras, boundary 3:", listed(found))
print(f"Keras, boundary {3 - late}:", listed(recipe))
print("lrlib, boundary 3:", listed(ours))
exhibit(
    "A boundary, one update late",
    "Keras",
    "trap",
    "lrlib.Piecewise, or boundaries less one",
    found=found,
    wrong=[0.1, 0.1, 0.1, 0.1, 0.01, 0.01],
    right=[0.1, 0.1, 0.1, 0.01, 0.01, 0.01],
)
assert same(ours, [0.1, 0.1, 0.1, 0.01, 0.01, 0.01]) and same(recipe, ours), ours

# %% [markdown]
# ## Room 3: schedules put together
#
# ### A sequence in a sequence
#
# Warm-up and hold make a sequence, and that sequence followed by a decay is another. When PyTorch's `SequentialLR` is
# built, it asks its first part for the first step; a sequence there takes it for its second, and is a step ahead. When
# its turn comes later, it is asked for its rates in a way that sequences do not know, and a `NotImplementedError` that
# says nothing stops the run. It hits those who build schedules from pieces.
#
# Reported as [pytorch #196243](https://github.com/pytorch/pytorch/issues/196243).


# %% tags=["pytorch"]
def inner(optimizer):
    ramp = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2)
    return lr_scheduler.SequentialLR(
        optimizer, [ramp, lr_scheduler.ConstantLR(optimizer, 1.0)], milestones=[2]
    )


def nested_first():
    optimizer = sgd()
    parts = [inner(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    return rates(lr_scheduler.SequentialLR(optimizer, parts, milestones=[4]), 6)


def nested_second():
    optimizer = sgd()
    parts = [lr_scheduler.ConstantLR(optimizer, 1.0), inner(optimizer)]
    return rates(lr_scheduler.SequentialLR(optimizer, parts, milestones=[2]), 6)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    found = [attempt(nested_first), attempt(nested_second)]
print("nested first: ", listed(found[0]))
print("nested second:", listed(found[1]))

# %% [markdown]
# The right behaviour: a flat sequence, or a schedule that is a value, and `then` to join values. Where the brackets stand
# makes no difference to it.

# %% tags=["pytorch"]
ramp, hold = lrlib.Linear(0.01, 0.1, steps=2), lrlib.Constant(0.1).take(2)
decay = lrlib.Exponential(0.1, gamma=0.5)
first = ramp.then(hold).then(decay)
second = hold.then(ramp.then(hold))
assert first == ramp.then(hold.then(decay)) and second == hold.then(ramp).then(hold)
ours = [rates(lrlib.torch.Scheduler(sgd(), value), 6) for value in (first, second)]
assert same(ours[0], [0.01, 0.055, 0.1, 0.1, 0.1, 0.05]), ours
assert same(ours[1], [0.1, 0.1, 0.01, 0.055, 0.1, 0.1]), ours
optimizer = sgd()
parts = [
    lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2),
    lr_scheduler.ConstantLR(optimizer, 1.0),
    lr_scheduler.ExponentialLR(optimizer, 0.5),
]
flat = rates(lr_scheduler.SequentialLR(optimizer, parts, milestones=[2, 4]), 6)
assert same(flat, ours[0]), flat
print("PyTorch, one flat sequence:", listed(flat))
print("lrlib, nested first: ", listed(ours[0]))
print("lrlib, nested second:", listed(ours[1]))
exhibit(
    "A sequence in a sequence",
    "PyTorch",
    "bug",
    "a flat SequentialLR, or lrlib's then",
    found=found,
    wrong=[[0.01, 0.1, 0.1, 0.1, 0.1, 0.05], "NotImplementedError"],
    right=ours,
)

# %% [markdown]
# ### A chain with a deaf link
#
# `ChainedScheduler` lets several schedulers act on one rate, each multiplying what the others left. That works for
# schedulers that multiply. `CosineAnnealingWarmRestarts` computes its rate afresh and writes it over the others' work,
# so that restarts that should shrink do not. It hits those who want SGDR with falling peaks.
#
# Reported as [pytorch #129565](https://github.com/pytorch/pytorch/issues/129565).


# %% tags=["pytorch"]
def chained():
    optimizer = sgd()
    cycles = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4)
    shrink = lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    return rates(lr_scheduler.ChainedScheduler([shrink, cycles]), 9)[::4]


cycles = lrlib.CosineRestarts(0.1, 0.0, first=4)
shrinking = cycles * lrlib.Exponential(1.0, gamma=0.9)
found = attempt(chained)
ours = rates(lrlib.torch.Scheduler(sgd(), shrinking), 9)
recipe = rates(lr_scheduler.LambdaLR(sgd(lr=1.0), shrinking), 9)
print("PyTorch, peaks at 0, 4, 8: ", listed(found))
print("LambdaLR, peaks at 0, 4, 8:", listed(recipe[::4]))
print("lrlib, peaks at 0, 4, 8:   ", listed(ours[::4]))
exhibit(
    "A chain with a deaf link",
    "PyTorch",
    "bug",
    "a product of lrlib schedules, in a LambdaLR too",
    found=found,
    wrong=cycles(np.arange(9))[::4],
    right=ours[::4],
)
assert same(ours[::4], [0.1, 0.1 * 0.9**4, 0.1 * 0.9**8]) and same(recipe, ours)

# %% [markdown]
# ### Two hands on one rate
#
# In Keras a schedule given to the optimizer owns the rate, and a callback that wants to set it is refused with a
# `TypeError`. The refusal is right. But `ReduceLROnPlateau` tries only when it first wants to cut, and by then a run may
# have been going for hours.
#
# Reported as [tensorflow #36612](https://github.com/tensorflow/tensorflow/issues/36612).


# %% tags=["keras"]
class Epochs(keras.callbacks.Callback):
    """Counts the epochs that were trained."""

    count = 0

    def on_epoch_end(self, epoch, logs=None):
        self.count += 1


def epochs_until_refused(callback):
    """(epochs trained, the error that came) with a schedule in the optimizer."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    falling = keras_schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(keras.optimizers.SGD(falling), "mse", run_eagerly=True)
    epochs, nothing = Epochs(), np.zeros((4, 1))
    settings = {"epochs": 9, "callbacks": [epochs, callback], "verbose": 0}
    error = attempt(model.fit, nothing, nothing, **settings)
    return epochs.count, error if isinstance(error, str) else "no error"


patient = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=5)
found = epochs_until_refused(patient)
ours = epochs_until_refused(lrlib.keras.PlateauCallback(rule, monitor="loss"))
print("Keras: epochs trained, then:", *found)
print("lrlib: epochs trained, then:", *ours)
exhibit(
    "Two hands on one rate",
    "Keras",
    "trap",
    "one owner: a schedule, or a number and a callback",
    found=list(found),
    wrong=[6, "TypeError"],
    right=list(ours),
)
assert ours == (0, "ValueError"), ours

# %% [markdown]
# ## Room 4: what is counted
#
# ### The schedule that ran on micro-batches
#
# With `gradient_accumulation_steps=4` Keras makes one update from four batches. Its public counter counts updates, but
# the schedule is handed the count of batches, so it runs four times too fast and is over in a quarter of the training.
# It hits those whose batch does not fit into memory. The documentation of the argument says it, in other words: schedules
# look at the "real" iterations.

# %% tags=["keras"]
falling = keras_schedules.PolynomialDecay(0.1, decay_steps=8, end_learning_rate=0.0)
accumulating = keras.optimizers.SGD(falling, gradient_accumulation_steps=4)
found = attempt(lambda: moves(accumulating, batches=32)[3::4])
line = lrlib.Linear(0.1, 0.0, steps=8)
ours = moves(
    keras.optimizers.SGD(
        lrlib.keras.Schedule(line, accumulate=4), gradient_accumulation_steps=4
    ),
    batches=32,
)[3::4]
print("asked for:", listed(line(np.arange(8))))
print("Keras:    ", listed(found))
print("lrlib:    ", listed(ours))
exhibit(
    "The schedule on micro-batches",
    "Keras",
    "trap",
    "lrlib.keras.Schedule with accumulate=k",
    found=found,
    wrong=line(np.minimum(4 * np.arange(8) + 3, 8)),
    right=line(np.arange(8)),
)
assert same(ours, line(np.arange(8))), ours

# %% [markdown]
# ### The update that was skipped
#
# In mixed precision a `GradScaler` skips the update when a gradient overflows. That is usual in the first steps, while it
# looks for its scale. `scaler.step` does not say so, and a loop that steps the scheduler all the same spends the first
# rates on updates that never happened. Where a warm-up begins, that is the part that was to be gentle.
#
# Reported as [pytorch #44511](https://github.com/pytorch/pytorch/issues/44511);
# [#67590](https://github.com/pytorch/pytorch/issues/67590) asks for a way to know. The plain form of the slip,
# `scheduler.step()` before `optimizer.step()` ([#20124](https://github.com/pytorch/pytorch/issues/20124)), is run in
# [Step decay and reduce-on-plateau on MNIST](step_and_plateau.ipynb).


# %% tags=["pytorch"]
def rates_of_updates(careful):
    """Rates of the updates that were made; the first two gradients overflow."""
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    ramp = lrlib.Linear(0.02, 0.1, steps=4)
    scheduler = lrlib.torch.Scheduler(optimizer, ramp)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    made = []
    for batch in range(6):
        optimizer.zero_grad()
        loss = weight.sum() * (float("inf") if batch < 2 else 1.0)
        scaler.scale(loss).backward()
        before, rate = weight.item(), optimizer.param_groups[0]["lr"]
        scale = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        made += [rate] if weight.item() != before else []
        if not careful or scaler.get_scale() >= scale:  # it falls after a skip
            scheduler.step()
    return made


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PyTorch warns of the order, not of the skip
    found, ours = rates_of_updates(careful=False), rates_of_updates(careful=True)
print("step always:         ", listed(found))
print("step after an update:", listed(ours))
exhibit(
    "The update that was skipped",
    "PyTorch",
    "habit",
    "step the scheduler only if the scale did not fall",
    found=found,
    wrong=[0.06, 0.08, 0.1, 0.1],
    right=[0.02, 0.04, 0.06, 0.08],
)
assert same(ours, [0.02, 0.04, 0.06, 0.08]), ours

# %% [markdown]
# ### The plot that used up the schedule
#
# To draw a schedule, one steps the scheduler and notes the rates. A PyTorch scheduler is not a curve, it is a counter:
# after the drawing it stands at the end, and a training that uses it runs at other rates than those drawn. It hits
# those who look before they train. A well-known textbook does it in its section on the
# [multi-factor scheduler](https://d2l.ai/chapter_optimization/lr-scheduler.html#multi-factor-scheduler).

# %% tags=["pytorch"]
scheduler = lr_scheduler.StepLR(sgd(), step_size=1, gamma=0.5)
drawn = rates(scheduler, 4)
trained = rates(scheduler, 4)
value = lrlib.StepDecay(0.1, gamma=0.5, every=1)
drawn_ours = value(np.arange(4))
trained_ours = rates(lrlib.torch.Scheduler(sgd(), value), 4)
print("PyTorch, drawn:  ", listed(drawn))
print("PyTorch, trained:", listed(trained))
print("lrlib,   drawn:  ", listed(drawn_ours))
print("lrlib,   trained:", listed(trained_ours))
exhibit(
    "The plot that used up the schedule",
    "PyTorch",
    "habit",
    "draw a value, or another scheduler on another optimizer",
    found=trained,
    wrong=[0.00625, 0.003125, 0.0015625, 0.00078125],
    right=drawn,
)
assert same(trained_ours, drawn_ours), trained_ours

# %% [markdown]
# ## Room 5: numbers that were not thought of
#
# ### The plateau below zero
#
# PyTorch's relative threshold asks whether the metric is below `best · (1 − threshold)`. For a negative metric that bound
# lies *above* the best, so a slight worsening counts as progress and becomes the new best. It hits those who minimise
# a log-likelihood, an ELBO or a negated score: the metric creeps up and the rate is never cut.
#
# Reported as [pytorch #47513](https://github.com/pytorch/pytorch/issues/47513) (2020).

# %% tags=["pytorch"]
worsening = [-100 * 0.995**k for k in range(10)]
settings = {"patience": 5, "threshold": 0.01}


def rate_and_best(scheduler):
    for metric in worsening:
        scheduler.step(metric)
    state = getattr(scheduler, "state", scheduler)  # lrlib's is a value of its own
    return [scheduler.optimizer.param_groups[0]["lr"], state.best]


found = attempt(
    lambda: rate_and_best(lr_scheduler.ReduceLROnPlateau(sgd(), **settings))
)
ours = rate_and_best(
    lrlib.torch.PlateauScheduler(sgd(), lrlib.Plateau(0.1, **settings))
)
print(f"ten metrics, each worse: {worsening[0]:.1f} … {worsening[-1]:.1f}")
absolute = {"patience": 5, "threshold": 1.0, "threshold_mode": "abs"}
recipe = rate_and_best(lr_scheduler.ReduceLROnPlateau(sgd(), **absolute))
print("rate and best metric after them")
print("PyTorch, relative threshold:", listed(found))
print("PyTorch, absolute threshold:", listed(recipe))
print("lrlib, relative threshold:  ", listed(ours))
exhibit(
    "The plateau below zero",
    "PyTorch",
    "bug",
    'threshold_mode="abs", or lrlib.Plateau',
    found=found,
    wrong=[0.1, worsening[-1]],
    right=[0.01, -100.0],
)
assert same(ours, [0.01, -100.0]) and same(recipe, ours), (ours, recipe)

# %% [markdown]
# ### The rate that was a whole number
#
# Give a Keras schedule the initial rate 1 instead of 1.0, and it computes in integers. `ExponentialDecay` rounds the
# decay rate 0.5 down to 0, so that the rate is 0 from the second update on; in `CosineDecay` even π becomes 3, and the
# rate never reaches zero. It hits those who scale a schedule of 1 by hand, and nothing is said. The plateau callback
# had the like in its day ([tensorflow #45261](https://github.com/tensorflow/tensorflow/issues/45261)).

# %% tags=["keras"]
steps = (0, 5, 10)


def at_steps(schedule):
    return [float(schedule(t)) for t in steps]


found = [
    attempt(at_steps, keras_schedules.ExponentialDecay(1, 10, 0.5)),
    attempt(at_steps, keras_schedules.CosineDecay(1, 10)),
]
recipe = [
    at_steps(keras_schedules.ExponentialDecay(1.0, 10, 0.5)),
    at_steps(keras_schedules.CosineDecay(1.0, 10)),
]
ours = [
    at_steps(lrlib.keras.Schedule(schedule))
    for schedule in (lrlib.Exponential(1, 0.5, every=10), lrlib.Cosine(1, 0, 10))
]
for name, rows in (
    ("Keras, 1  ", found),
    ("Keras, 1.0", recipe),
    ("lrlib, 1  ", ours),
):
    print(f"{name} at updates 0, 5, 10:", " | ".join(listed(row) for row in rows))
exhibit(
    "The rate that was a whole number",
    "Keras",
    "bug",
    "write 1.0; lrlib computes in float64",
    found=found,
    wrong=[[1.0, 0.0, 0.0], [1.0, 0.5353686213493347, 0.005003750324249268]],
    right=ours,
)
assert same(ours, [[1.0, 0.5**0.5, 0.5], [1.0, 0.5, 0.0]]), ours
assert same(recipe, ours), recipe

# %% [markdown]
# ### A warm-up from zero
#
# PyTorch's `LinearLR` refuses `start_factor=0`. It computes each rate from the last, and from zero there is no way up but
# a division by zero, which is what earlier versions did. Papers that warm up from zero cannot be followed to the letter;
# a tiny start factor comes close.
#
# Reported as [pytorch #86454](https://github.com/pytorch/pytorch/issues/86454), and mended by the refusal.

# %% tags=["pytorch"]
found = attempt(lambda: rates(lr_scheduler.LinearLR(sgd(), 0.0, total_iters=4), 6))
recipe = rates(lr_scheduler.LambdaLR(sgd(), lambda t: min(1.0, t / 4)), 6)
ours = rates(lrlib.torch.Scheduler(sgd(), lrlib.Linear(0.0, 0.1, steps=4)), 6)
print("LinearLR:", listed(found))
print("LambdaLR:", listed(recipe))
print("lrlib:   ", listed(ours))
exhibit(
    "A warm-up from zero",
    "PyTorch",
    "trap",
    "LambdaLR, or lrlib.Linear(0.0, …)",
    found=found,
    wrong="ValueError",
    right=ours,
)
assert same(ours, [0.0, 0.025, 0.05, 0.075, 0.1, 0.1]) and same(recipe, ours), ours

# %% [markdown]
# ## Room 6: touched unasked, and not touched though asked
#
# ### The momentum that was overwritten
#
# Build `CyclicLR` or `OneCycleLR` on an optimizer with momentum 0.5, and the momentum is 0.9 or 0.95 before the first
# update. Cycling it is their default, `cycle_momentum=True`, between bounds of their own. It hits those who tuned the
# momentum, and users of AdamW, whose β₁ is taken for one
# ([pytorch #73910](https://github.com/pytorch/pytorch/issues/73910) brought that to `CyclicLR` too).


# %% tags=["hide-input", "pytorch"]
def adamw():
    weight = torch.nn.Parameter(torch.zeros(1))
    return torch.optim.AdamW([weight], lr=0.1, betas=(0.5, 0.99))


def in_groups(scheduler):
    group = scheduler.optimizer.param_groups[0]
    return group["momentum"] if "momentum" in group else group["betas"][0]


def after_building():
    one_cycle = {"max_lr": 0.1, "total_steps": 10}
    return [
        in_groups(lr_scheduler.CyclicLR(sgd(momentum=0.5), 0.01, 0.1)),
        in_groups(lr_scheduler.OneCycleLR(sgd(momentum=0.5), **one_cycle)),
        in_groups(lr_scheduler.OneCycleLR(adamw(), **one_cycle)),
    ]


found = attempt(after_building)
cycle = lrlib.OneCycle(0.1, steps=10)
ours = [
    in_groups(lrlib.torch.Scheduler(sgd(momentum=0.5), cycle)),
    in_groups(lrlib.torch.Scheduler(adamw(), cycle)),
    in_groups(
        lrlib.torch.Scheduler(sgd(momentum=0.5), cycle, momentum=0.95 - cycle)
    ),
]
quiet = lr_scheduler.CyclicLR(sgd(momentum=0.5), 0.01, 0.1, cycle_momentum=False)
print("set to 0.5; CyclicLR, OneCycleLR, OneCycleLR on AdamW:", listed(found))
print("CyclicLR, cycle_momentum=False:", listed([in_groups(quiet)]))
print("lrlib, with SGD and with AdamW:", listed(ours[:2]))
print("lrlib, where a momentum schedule is asked for:", listed(ours[2:]))
exhibit(
    "The momentum that was overwritten",
    "PyTorch",
    "trap",
    "cycle_momentum=False; in lrlib, momentum=… only if wanted",
    found=found,
    wrong=[0.9, 0.95, 0.95],
    right=[0.5, 0.5, 0.5],
)
assert same(ours, [0.5, 0.5, 0.946]) and same(in_groups(quiet), 0.5), ours

# %% [markdown]
# ### The group that came late
#
# Fine-tuning often unfreezes layers later, with `add_param_group`. `LinearLR` multiplies whatever it finds, so that a
# group that joins at the full rate in the middle of a warm-up is warmed up beyond it. Schedulers that noted their groups
# when they were built, as `CosineAnnealingWarmRestarts` does, stop with a `ValueError` about `zip`; earlier versions left
# the new group at its first rate without a word.
#
# Reported as [pytorch #79888](https://github.com/pytorch/pytorch/issues/79888) (2022).


# %% tags=["pytorch"]
def late_group(scheduler):
    """The rates of both groups at update 6; the second joined at update 2."""
    rates(scheduler, 2)
    newcomer = {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.1}
    scheduler.optimizer.add_param_group(newcomer)
    rates(scheduler, 4)
    return [group["lr"] for group in scheduler.optimizer.param_groups]


cosine, ramp = lrlib.Cosine(0.1, 0.0, 8), lrlib.Linear(0.01, 0.1, 4)
found = [
    attempt(
        lambda: late_group(lr_scheduler.CosineAnnealingWarmRestarts(sgd(), T_0=8))
    ),
    attempt(lambda: late_group(warm_up(sgd()))),
]
ours = [late_group(lrlib.torch.Scheduler(sgd(), value)) for value in (cosine, ramp)]
for name, (restarting, warming) in (("PyTorch", found), ("lrlib", ours)):
    print(f"{name:7} cosine: {listed(restarting)}; warm-up: {listed(warming)}")
exhibit(
    "The group that came late",
    "PyTorch",
    "bug",
    "lrlib.torch.Scheduler: the group joins at the next step",
    found=found,
    wrong=["ValueError", [0.1, 0.1 * 0.1 / 0.055]],
    right=ours,
)
assert same(ours, [[cosine(6)] * 2, [0.1, 0.1]]), ours

# %% [markdown]
# ### The decay that is not there
#
# For years Keras's optimizers took `decay=…`, and many tutorials still pass it. Keras 3 accepts it, warns once that it is
# ignored, and trains at a constant rate. It hits those who run old code under a filter for warnings.

# %% tags=["keras"]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = attempt(lambda: moves(keras.optimizers.SGD(0.1, decay=0.5), 4))
meant = lrlib.InverseTime(0.1, rate=0.5)
ours = moves(keras.optimizers.SGD(lrlib.keras.Schedule(meant)), 4)
inverse = keras_schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)
recipe = moves(keras.optimizers.SGD(inverse), 4)
print("Keras, decay=0.5:       ", listed(found), "| warnings:", len(caught))
print("Keras, InverseTimeDecay:", listed(recipe))
print("lrlib:                  ", listed(ours))
exhibit(
    "The decay that is not there",
    "Keras",
    "trap",
    "InverseTimeDecay, or lrlib.InverseTime",
    found=found,
    wrong=[0.1] * 4,
    right=ours,
)
assert same(ours, [0.1 / (1 + 0.5 * t) for t in range(4)]) and same(recipe, ours)

# %% [markdown]
# ## Room 7: an optimizer that needs no schedule
#
# ### The old value that was new
#
# Schedule-Free {cite}`defazio2024` keeps a point $z$ that moves against the gradients, and the running average $x$ of all
# its places. It trains at a mixture of the two, $y = (1 - \beta_1) z + \beta_1 x$, and is measured at $x$. Keras 3.15.1 has
# such an optimizer, `ScheduleFreeAdamW` ([keras #22113](https://github.com/keras-team/keras/pull/22113)). It saves memory by
# not storing $x$. Each update computes the old $x$ from $y$ and the old $z$, and for that it notes the old $z$
# before it moves it: `momentum_old = momentum.value`.
#
# In JAX a value stays what it was. In TensorFlow and in PyTorch a variable changes in place, and the note changes with
# it. With the new $z$ in place of the old one $\beta_1$ cancels, and what is left is $y_t = (1 - 1/t)\, y_{t-1} + z_t/t$:
# the plain mean of all $z$. The mixture is gone, and one name stands for two algorithms. Anyone who uses the optimizer
# under Keras's default backend is affected. We know of no report of it.
#
# Here are three weights on a parabola, twenty updates, three values of $\beta_1$.

# %% tags=["keras"]
import logging

from lrlib.course import schedule_free

# TensorFlow warns where many small models are compiled, which is what follows.
logging.getLogger("tensorflow").setLevel("ERROR")
BETAS = (0.3, 0.6, 0.9)
paper = [schedule_free.recursion(beta)[0] for beta in BETAS]
mean_of_z = schedule_free.recursion(new_for_old=True)[0]
here = attempt(lambda: [schedule_free.in_keras(beta) for beta in BETAS])
on_torch = attempt(schedule_free.on_backend, "torch", BETAS)


def apart(paths):
    """The largest distance of each path from the paper's."""
    if isinstance(paths, str):
        return [paths] * len(BETAS)
    pairs = zip(paths, paper, strict=True)
    return [f"{np.abs(path - right).max():.4f}" for path, right in pairs]


def ends(paths):
    return paths if isinstance(paths, str) else [path[-1] for path in paths]


exhibit(
    "The old value that was new",
    "Keras",
    "bug",
    "in PyTorch the authors' package; in Keras a schedule to zero, or use_ema",
    found=ends(here),
    wrong=[mean_of_z[-1]] * len(BETAS),
    right=ends(paper),
)

# %% [markdown]
# The course's environment has no JAX, so its row was run once elsewhere: in the environment of `make clients`, with Keras
# 3.15.1 and JAX 0.10.2 in double precision. A test there, `tests/clients/test_schedule_free.py`, runs it again.

# %% tags=["hide-input", "keras"]
figures.table(
    ["largest distance from the paper's recursion", *(f"β₁ = {b}" for b in BETAS)],
    [
        ["Keras on TensorFlow, here", *apart(here)],
        [
            "Keras on PyTorch, here",
            *apart(on_torch if isinstance(on_torch, str) else on_torch["paths"]),
        ],
        [
            "Keras on JAX, stored",
            *[f"{schedule_free.ON_JAX['apart']:.4f}"] * len(BETAS),
        ],
    ],
)

# %% tags=["hide-input", "keras"] mystnb={"image": {"alt": "One weight over 20 updates, from minus 2 towards 0. The paper's recursion gives three curves, for beta one of 0.3, 0.6 and 0.9: the smaller it is, the faster the weight moves. Keras on TensorFlow gives one curve for all three, slower than each of them."}, "figure": {"caption": "A weight on a parabola under Schedule-Free AdamW. In the paper's recursion β₁ decides how fast it moves; in Keras on TensorFlow it has no effect.", "name": "fig-old-value"}}
figure, ax = plt.subplots(figsize=(8, 3.6))
updates = np.arange(1, schedule_free.UPDATES + 1)
for beta, path, shade in zip(BETAS, paper, ("0.7", "0.55", "0.35"), strict=True):
    ax.plot(updates, path[:, 1], "-", color=shade, linewidth=3)
    ax.annotate(
        f"paper, β₁ = {beta}", (20.3, path[-1, 1]), color="0.3", va="center"
    )
if not isinstance(here, str):
    for path, width in zip(here, (6, 3.5, 1), strict=True):
        ax.plot(updates, path[:, 1], "-", color="C1", linewidth=width, alpha=0.6)
    words = "Keras, all three β₁"
    ax.annotate(words, (20.3, here[0][-1, 1] - 0.04), color="C1", va="center")
ax.set(xlabel="update", ylabel="weight", xlim=(0.5, 26), xticks=(1, 5, 10, 15, 20))
ax.set_title("In Keras on TensorFlow β₁ moves nothing")
_ = figure

# %% [markdown]
# [The figure](#fig-old-value) shows one of the weights. The right behaviour is that of the authors' package, `schedulefree`,
# for PyTorch. It also has what Keras's optimizer lacks: a switch between the point that trains and the point that is
# measured.

# %% tags=["pytorch"]
from schedulefree import AdamWScheduleFree


def with_the_authors(beta):
    """The last point of training, and the average that is to be measured."""
    weights = torch.tensor(schedule_free.START, dtype=torch.float64)
    weights.requires_grad_()
    optimizer = AdamWScheduleFree(
        [weights], lr=schedule_free.RATE, betas=(beta, schedule_free.BETA_2)
    )
    optimizer.train()
    for _ in range(schedule_free.UPDATES):
        optimizer.zero_grad()
        (torch.tensor(schedule_free.CURVATURES) * weights**2 / 2).sum().backward()
        optimizer.step()
    trained = weights.detach().numpy().copy()
    optimizer.eval()
    return trained, weights.detach().numpy().copy()


for beta in BETAS:
    trained, averaged = with_the_authors(beta)
    right = [path[-1] for path in schedule_free.recursion(beta)]
    assert same([trained, averaged], right), (beta, trained, averaged)
    print(
        f"β₁ = {beta}: loss where it trains {schedule_free.loss(trained):.4f},",
        end=" ",
    )
    print(f"at the average {schedule_free.loss(averaged):.4f}")
print("the authors' package follows the paper's recursion: yes")

# %% [markdown]
# (There is no noise here that an average could take out, so that the average lags behind. What counts is which point is
# measured.) In Keras there is no such switch: `evaluate`, `predict` and `save` take the weights as training left them. On
# JAX these are $y$, and the average is never seen. On TensorFlow and PyTorch they are the mean of $z$, for want of the
# mixture.

# %% tags=["keras"]
best = schedule_free.recursion()[1][-1]  # x, with β₁ = 0.9
print(f"loss at the paper's average: {schedule_free.loss(best):.4f}")
print(f"evaluate on JAX, stored: {schedule_free.ON_JAX['evaluated']:.4f}")
measured = attempt(lambda: f"{schedule_free.fitted()[1]:.4f}")
print("evaluate on TensorFlow, here:", measured)
print(f"loss at the mean of z: {schedule_free.loss(mean_of_z[-1]):.4f}")

# %% [markdown]
# What does it right in Keras: a schedule that falls to zero, or a constant rate whose weights are averaged. Every Keras
# optimizer averages with `use_ema=True`, and `fit` ends with the average in the model. For validation on the way there is
# `keras.callbacks.SwapEMAWeights`.

# %% tags=["keras"]
curvatures, start = (
    np.array(schedule_free.CURVATURES),
    np.array(schedule_free.START),
)
layer = keras.layers.Dense(1, use_bias=False)
model = keras.Sequential([keras.Input((3,)), layer])
layer.set_weights([start[:, None]])
model.compile(keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5), "mse")
parabola = schedule_free.parabola()
model.fit(*parabola, epochs=5, verbose=0)
places = [start * (1 - 0.05 * curvatures) ** t for t in range(1, 6)]
average = places[0]
for place in places[1:]:
    average = (average + place) / 2
loss = model.evaluate(*parabola, verbose=0)
assert np.isclose(loss, schedule_free.loss(average), rtol=1e-4), loss
print(f"use_ema, evaluate: {loss:.4f}")
print(f"loss at the average {schedule_free.loss(average):.4f},", end=" ")
print(f"at the last weights {schedule_free.loss(places[-1]):.4f}")

# %% [markdown]
# ### The start that was thrown away
#
# The point $z$ begins where the model's weights are. Keras copies them when the optimizer's variables are made, which in
# `fit` is within the first, compiled update. TensorFlow traces that update once to make the variables, and again without
# making them, and runs the second trace. The copy stands in the first one only. So $z$ begins at zero, and as $y_1 = z_1$,
# the first update sets every weight to plus or minus the rate, whatever it was. Anyone who fine-tunes loses the
# pre-trained weights, without a word. We know of no report of it.

# %% tags=["keras"]
found = attempt(lambda: schedule_free.fitted(updates=1, built=False)[0])
recipe = attempt(lambda: schedule_free.fitted(updates=1, built=True)[0])
print("weights:                          ", listed(schedule_free.START))
print("Keras, after one update of 0.1:   ", listed(found))
print("optimizer built first:            ", listed(recipe))
right = np.array(schedule_free.START) - 0.1 * np.sign(schedule_free.START)
exhibit(
    "The start that was thrown away",
    "Keras",
    "bug",
    "optimizer.build(model.trainable_variables) before fit",
    found=found,
    wrong=-0.1 * np.sign(schedule_free.START),
    right=right,
)
assert isinstance(recipe, str) or same(recipe, right), recipe

# %% [markdown]
# ## The catalogue
#
# What this page saw when it was made, and what to do instead.

# %% tags=["hide-input"]
rows = [
    [f"{number}. {name}", f"{library}: {kind}", f"**{verdict}**", instead]
    for number, (name, library, kind, verdict, instead) in enumerate(exhibits, 1)
]
figures.table(["exhibit", "kind", "here", "instead"], rows)

# %%
for column, words in ((1, ("PyTorch", "Keras")), (2, ("bug", "trap", "habit"))):
    values = [row[column] for row in exhibits]
    print(", ".join(f"{word} {values.count(word)}" for word in words))
verdicts = [row[3] for row in exhibits]
print(
    ", ".join(f"{v} {verdicts.count(v)}" for v in ("seen", "mended", "changed")),
    "of",
    len(exhibits),
)

# %%
from lrlib.course.questions import answer

seen = {name for name, _, _, verdict, _ in exhibits if verdict == "seen"}
answer("check 1", "ten times too low", holds="The order of loading" in seen)
answer("check 2", "too early", holds="The schedule on micro-batches" in seen)
answer("check 3", "0.9", holds="The momentum that was overwritten" in seen)
answer(
    "check 4",
    "a rate past the last one drawn",
    holds="The plot that used up the schedule" in seen,
)

# %% [markdown]
# ## Exercises
#
# 1. Write `check(make)`: it takes a function that builds a scheduler on an optimizer, stops and resumes it after each of
#    its first eight updates, in both orders of loading, and asserts that the next eight rates are those of a run that
#    never stopped. Which of PyTorch's schedulers pass? Does {class}`lrlib.torch.Scheduler`?
# 2. Keras's `CosineDecayRestarts` with `t_mul=2.0` loses its first restart at update 81,910. With `t_mul=1.3` and
#    `first_decay_steps=100`, which is the first that it loses? Compute the logarithm in float32 and in float64 to see
#    why.
# 3. Take a scheduler that you use yourself, from any library. Write down the rates that you believe it gives at its
#    first update, at its peak, at its last update and one after. Then read them.
#
# ## What to take away
#
# 1. Read the rate in force, from the optimizer, at the first update, at each turn, at the end and one past it.
# 2. A scheduler is a counter with a state. Resuming, nesting, accumulating and drawing all move that counter.
# 3. A schedule that is a value has no state to lose: it can be drawn, compared, saved, and asked about any update.
#
# **Terms:** rate in force, checkpoint, horizon, micro-batch, patience. **Read on:**
# [Assignments](../assignments/students.md), where *The scheduler's bugs* asks you to find six more.

# %% [markdown]
# ## Check yourself
#
# 1. A checkpoint in the middle of `LinearLR`'s warm-up is loaded optimizer first, and then the scheduler is built. After
#    the warm-up the rate is **right / ten times too low / ten times too high**.
# 2. In Keras, gradients are accumulated over several micro-batches. A schedule given to the optimizer, in updates, runs
#    out **as asked / too early / too late**.
# 3. An optimizer was built with momentum 0.5, and `CyclicLR` is put on it with nothing said of momentum. It begins to
#    train with **0.5 / 0.9 / 0**.
# 4. A loop draws a PyTorch scheduler's curve by stepping it, and then trains with it. The training begins at **the first
#    rate drawn / a rate past the last one drawn / zero**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **ten times too low**: building the scheduler scales the rate that was loaded, and `LinearLR` computes each rate from
#    the last.
# 2. **too early**: the schedule is shown the count of micro-batches.
# 3. **0.9**: `cycle_momentum` is on unless it is switched off.
# 4. **a rate past the last one drawn**: the drawing used the scheduler up. A schedule that is a value can be drawn at no
#    cost.
#
# </details>
