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
# [The figure](#fig-asked) has four schedules as they were asked for, in grey, and as they ran, in red. Each comes
# from a few lines that anybody might write. PyTorch raised no error and gave no warning. What happened?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four small panels of the learning rate over updates, in grey as asked for, in red as it ran. Resumed in a warm-up: grey rises from 0.055 to 0.1 and stays, red stays near 0.01. Run on for longer: grey falls to zero at update 10 and stays there, red climbs back to 0.1. Drawn, then trained: grey halves from 0.1 at each update, red begins at 0.006. Restarts that should shrink: grey has peaks of 0.1, 0.066 and 0.043, red three equal peaks of 0.1."}, "figure": {"caption": "Four schedules of PyTorch: as asked for (grey) and the rate in force (red). The exhibits below have the lines behind each.", "name": "fig-asked"}}
import warnings

import numpy as np
from IPython.display import Markdown, display
from torch.optim import lr_scheduler

import lrlib
from lrlib.course import figures
from lrlib.course.figures import plt
from lrlib.course.museum import (
    RIGHT,
    WRONG,
    Museum,
    attempt,
    curve,
    judge,
    listed,
    rates,
    same,
    sgd,
)

figures.use_style()
museum = Museum()


def resumed_warm_up():
    stopped, optimizer = lr_scheduler.LinearLR(sgd(), 0.1, total_iters=4), sgd()
    rates(stopped, 2)
    optimizer.load_state_dict(stopped.optimizer.state_dict())
    scheduler = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4)
    scheduler.load_state_dict(stopped.state_dict())
    return rates(scheduler, 8)


def drawn_first():
    scheduler = lr_scheduler.StepLR(sgd(), step_size=1, gamma=0.5)
    rates(scheduler, 4)
    return rates(scheduler, 4)


def shrinking_restarts():
    optimizer = sgd()
    shrink = lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    cycles = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4)
    return rates(lr_scheduler.ChainedScheduler([shrink, cycles]), 12)


cycles = lrlib.CosineRestarts(0.1, 0.0, first=4)
four = {
    "Resumed in its warm-up": (
        attempt(resumed_warm_up),
        lrlib.Linear(0.01, 0.1, steps=4)(np.arange(2, 10)),
    ),
    "Run on past its end": (
        attempt(lambda: rates(lr_scheduler.CosineAnnealingLR(sgd(), T_max=10), 21)),
        lrlib.Cosine(0.1, 0.0, steps=10)(np.arange(21)),
    ),
    "Drawn, then trained": (
        attempt(drawn_first),
        lrlib.StepDecay(0.1, gamma=0.5, every=1)(np.arange(4)),
    ),
    "Restarts that should shrink": (
        attempt(shrinking_restarts),
        (cycles * lrlib.Exponential(1.0, gamma=0.9))(np.arange(12)),
    ),
}
figure, axes = plt.subplots(2, 2, figsize=(8, 4))
for ax, (title, (found, right)) in zip(axes.flat, four.items(), strict=True):
    curve(found, right, ax=ax, title=title, xlabel="")
    ax.get_legend().remove()
for ax in axes[1]:
    ax.set_xlabel("update")
for ax in axes[:, 1]:
    ax.set_ylabel("")
_ = figure

# %% [markdown]
# **You need** to have trained with a scheduler once, in either framework. **Data:** none. **Cost:** less than a
# minute, most of it the start of frameworks, for nothing here learns more than three weights.
#
# PyTorch and Keras are good libraries, and their users report what they find. Many exhibits come from those reports,
# and they are shown to be learned from. A scheduler is small, but it has a state, a clock and an end, and each of the
# three is easy to get wrong.

# %% tags=["hide-input"]
ROOMS = {
    "resume a run": {
        "the order of loading": "The-order-of-loading",
        "another horizon": "The-horizon-that-came-out-of-the-checkpoint",
        "`fit` after `fit`": "The-plateau-that-forgets",
    },
    "run to the end, or past it": {
        "one cycle": "One-cycle,-at-its-ends",
        "a cosine": "The-cosine-that-rises-again",
        "restarts": "The-lost-restart",
        "boundaries": "A-boundary,-one-update-late",
    },
    "join schedules": {
        "sequences": "A-sequence-in-a-sequence",
        "products": "A-chain-with-a-deaf-link",
        "a schedule and a callback": "Two-hands-on-one-rate",
    },
    "count other things than updates": {
        "micro-batches": "The-schedule-that-ran-on-micro-batches",
        "skipped updates": "The-update-that-was-skipped",
        "a plot": "The-plot-that-used-up-the-schedule",
    },
    "give unusual numbers": {
        "negative metrics": "The-plateau-below-zero",
        "a rate of 1": "The-rate-that-was-a-whole-number",
        "a warm-up from 0": "A-warm-up-from-zero",
    },
    "tune momentum, unfreeze layers, run old code": {
        "momentum": "The-momentum-that-was-overwritten",
        "a late group": "The-group-that-came-late",
        "`decay=`": "The-decay-that-is-not-there",
    },
    "use Keras's Schedule-Free optimizer": {
        "β₁": "The-old-value-that-was-new",
        "fine-tuning": "The-start-that-was-thrown-away",
    },
}
figures.table(
    ["if you …", "see"],
    [
        [
            case,
            ", ".join(
                f"[{words}](bug_museum.ipynb#{at})" for words, at in links.items()
            ),
        ]
        for case, links in ROOMS.items()
    ],
)

# %% [markdown]
# ## How to read an exhibit
#
# First come the lines that a user would write. They are run when this page is made, and a small picture has the
# answer in red over the right one in grey. The right answer comes from [lrlib](../reference/api.md) or from a recipe,
# and folded below each picture is the check that it is right. The label says what was seen: *seen* if the installed
# version gives the wrong answer, *fixed* if it gives the right one, so that the exhibit is history, and *changed* if
# it gives neither. The answer decides, never a version number.
#
# Three kinds of thing are on show. A **bug** is an answer that nobody can have wanted. A **trap** works as it was
# written, and often as it is documented, but not as its name suggests. A **habit** is the user's own:
# the library does what it is told, and the wrong answer comes from the lines that are shown.
#
# The answer is mostly the rate in force, the number that the optimizer holds when the update is made; a few exhibits
# read the momentum or the weights. From PyTorch's optimizer `rates` reads it before each update. In Keras it is
# measured: under a gradient of 1 plain SGD moves its weight by just the rate, and `moves` says how far.

# %% tags=["folded"]
verdicts = [judge(found, wrong=1, right=2) for found in (1, 2, "ValueError")]
assert verdicts == ["seen", "fixed", "changed"]
print("the answers 1, 2 and an error, where 1 is wrong and 2 right:", *verdicts)

# %% tags=["pytorch"]
import torch

import lrlib.torch

print(listed(rates(lr_scheduler.StepLR(sgd(), 2, gamma=0.5), 5)))

# %% tags=["keras"]
import keras

import lrlib.keras
from lrlib.course import keras as in_keras
from lrlib.course.museum import moves

in_keras.one_thread()
keras_schedules = keras.optimizers.schedules
halving = keras_schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True)
print(listed(moves(keras.optimizers.SGD(halving), 5)))

# %% [markdown]
# ## Room 1: going on after a checkpoint
#
# ### The order of loading
#
# The natural order of resuming a run is the wrong one: load the optimizer, build the scheduler, load the scheduler.
# Building many of the schedulers writes their first rate into the optimizer, over the one just loaded, and loading the
# scheduler does not put it back. Anyone who resumes a run in this order with one of these is affected, with some of
# them for good. `LinearLR` computes each rate from the last, so a run that is resumed in its warm-up trains at a tenth
# of the rate until the end.
#
# Reported as [pytorch #65342](https://github.com/pytorch/pytorch/issues/65342) (2021); see also
# [#162591](https://github.com/pytorch/pytorch/issues/162591) and
# [#168044](https://github.com/pytorch/pytorch/issues/168044), which plans the fix.


# %% tags=["pytorch"]
def warm_up(optimizer):
    return lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=4)


def resumed(stopped):
    optimizer = sgd()
    optimizer.load_state_dict(stopped.optimizer.state_dict())
    scheduler = warm_up(optimizer)
    scheduler.load_state_dict(stopped.state_dict())
    return rates(scheduler, 10)


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate from update 2 to 11. Never stopped, in grey: 0.055, 0.0775, then 0.1. Resumed, in red: a tenth of that throughout, 0.01 at the end."}}
def resumed_in(make, updates, optimizer_first):
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


def our_warm_up(optimizer):
    return lrlib.torch.Scheduler(optimizer, lrlib.Linear(0.01, 0.1, steps=4))


uninterrupted = rates(warm_up(sgd()), 12)[2:]
stopped = warm_up(sgd())
rates(stopped, 2)
found = attempt(resumed, stopped)
recipe = resumed_in(warm_up, 10, optimizer_first=False)
ours = [resumed_in(our_warm_up, 10, first) for first in (True, False)]
assert same(recipe, uninterrupted), recipe
assert same(ours, [uninterrupted] * 2), ours
museum.exhibit(
    "The order of loading",
    "PyTorch",
    "bug",
    "build the scheduler, then load the optimizer, then the scheduler; "
    "`lrlib.torch.Scheduler` sets the rates when it is loaded, so there every order is right",
    f"A run that never stopped goes on at {listed(uninterrupted, 3)}; the resumed one at {listed(found, 3)}.",
    found=found,
    wrong=[rate / 10 for rate in uninterrupted],
    right=uninterrupted,
)
curve(
    found,
    uninterrupted,
    first=2,
    right_label="never stopped",
    wrong_label="resumed",
)

# %% [markdown]
# That was one scheduler. How many of PyTorch's have the fault?

# %% tags=["folded", "pytorch"]
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
for_good, for_a_while = [], []
for name, make in schedulers.items():
    straight = rates(make(sgd()), 8)[2:]
    found_here = attempt(resumed_in, make, 6, True)
    if not same(found_here, straight):
        print(
            f"{name:28} right {listed(straight, 4)}; found {listed(found_here, 4)}"
        )
        recovers = not isinstance(found_here, str) and same(
            found_here[-1], straight[-1]
        )
        (for_a_while if recovers else for_good).append(name)
        late = 2 if name == "SequentialLR" else 1  # its milestone is at update 4
        assert not recovers or same(found_here[late:], straight[late:]), name
    # The recipe is right for all of them.
    assert same(resumed_in(make, 6, optimizer_first=False), straight), name


def with_far_milestone(optimizer):
    rise = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=40)
    fall = lr_scheduler.ExponentialLR(optimizer, 0.9)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], [40])


if "SequentialLR" in for_a_while:
    straight = rates(with_far_milestone(sgd()), 50)[2:]
    found_far = resumed_in(with_far_milestone, 48, True)
    assert not np.isclose(found_far[:38], straight[:38]).any(), found_far
    assert same(found_far[38:], straight[38:]), found_far
display(
    Markdown(
        f"Loaded optimizer first, {len(for_good) + len(for_a_while)} of {len(schedulers)} go wrong. Those that compute each rate afresh come back at the next update, and a sequence at its next milestone, however far off that is "
        f"({', '.join(for_a_while)}). Those that compute it from the last one are wrong for good "
        f"({', '.join(for_good)}). With the scheduler built first, none of the {len(schedulers)} goes wrong. `CosineAnnealingLR`, the scheduler in the report of 2021, "
        + (
            "is still among them."
            if "CosineAnnealingLR" in (*for_good, *for_a_while)
            else "has been fixed since."
        )
    )
)

# %% [markdown]
# ### The horizon that came out of the checkpoint
#
# A run was planned for 10 updates and stopped at 5. It is to go on to 20, so the new scheduler is built with
# `T_max=20`. Loading the state puts the old `T_max` back without a word: the rate reaches zero at 10 and then rises
# again, up to the peak at 20. Anyone who extends a run is affected. We know of no report of it.


# %% tags=["pytorch"]
def extended(stopped):
    optimizer = sgd()
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    optimizer.load_state_dict(stopped.optimizer.state_dict())
    scheduler.load_state_dict(stopped.state_dict())
    return rates(scheduler, 16)


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate from update 5 to 20. A cosine over 20 updates, in grey, falls from 0.085 to zero. The resumed run, in red, falls from 0.05 to zero at update 10 and climbs to 0.1 at update 20."}}
stopped = lr_scheduler.CosineAnnealingLR(sgd(), T_max=10)
rates(stopped, 5)
found = attempt(extended, stopped)
short, long = lrlib.Cosine(0.1, 0.0, steps=10), lrlib.Cosine(0.1, 0.0, steps=20)
state = lrlib.torch.Scheduler(sgd(), short, last_epoch=5).state_dict()
refused = attempt(lrlib.torch.Scheduler(sgd(), long).load_state_dict, state)
assert refused == "ValueError", refused
right = long(np.arange(5, 21))
ours = rates(lrlib.torch.Scheduler(sgd(), long, last_epoch=5), 16)
assert same(ours, right), ours
museum.exhibit(
    "The horizon out of the checkpoint",
    "PyTorch",
    "trap",
    f"`lrlib.torch.Scheduler`, which refuses the state of another schedule ({refused}); "
    'its message says how to go on: `old.take(n).then(...)`, or `resume="count"`',
    f"At updates 5, 10, 15 and 20 the rate is {listed(found if isinstance(found, str) else found[::5])}; "
    f"a cosine over 20 updates has {listed(right[::5])} there.",
    found=found,
    wrong=0.05 * (1 + np.cos(np.pi * np.arange(5, 21) / 10)),
    right=right,
)
curve(found, right, first=5)

# %% [markdown]
# ### The plateau that forgets
#
# Keras's `ReduceLROnPlateau` sets itself back whenever `fit` begins. Many call `fit` for a few epochs at a time, to
# look at samples or because a job has a time limit, and each call forgets the count of bad epochs. If `fit` runs for
# fewer epochs than the patience needs, the rate is never cut. We know of no report of it.


# %% tags=["keras"]
def epoch_by_epoch(model, x, y):
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=2)
    rates = []
    for _ in range(5):
        rates.append(float(model.optimizer.learning_rate))
        model.fit(x, y, epochs=1, callbacks=[plateau], verbose=0)
    return rates


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "Learning rate over five epochs on a loss that does not move. In one call of fit, in grey: 0.1 for three epochs, then 0.01. In five calls, in red: 0.1 throughout."}}
nothing = np.zeros((4, 1))


def still_model(optimizer=None):
    """A model whose loss stays at 0 on nothing."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.1) if optimizer is None else optimizer
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


class Rates(keras.callbacks.Callback):
    """Notes the rate at the start of each epoch."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def in_calls(callback, calls, epochs):
    """The rates of the epochs in some calls of fit."""
    model, noted = still_model(), Rates()
    for _ in range(calls):
        model.fit(
            nothing, nothing, epochs=epochs, callbacks=[callback, noted], verbose=0
        )
    return noted.rates


found = attempt(epoch_by_epoch, still_model(), nothing, nothing)
plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=2)
one_call = in_calls(plateau, calls=1, epochs=5)
# Our patience counts the bad epochs that are tolerated: one less than Keras's.
rule = lrlib.Plateau(0.1, patience=1)
ours = [
    in_calls(lrlib.keras.PlateauCallback(rule, monitor="loss"), calls, epochs)
    for calls, epochs in ((1, 5), (5, 1))
]
assert same(one_call, [0.1, 0.1, 0.1, 0.01, 0.01]), one_call
assert same(ours, [one_call] * 2), ours
museum.exhibit(
    "The plateau that forgets",
    "Keras",
    "trap",
    "`lrlib.keras.PlateauCallback`, which keeps its state from call to call",
    f"Five epochs in one call of fit run at {listed(one_call)}; in five calls they run at {listed(found)}.",
    found=found,
    wrong=[0.1] * 5,
    right=one_call,
)
curve(
    found,
    one_call,
    right_label="one call",
    wrong_label="five calls",
    xlabel="epoch",
    xticks=range(5),
)

# %% [markdown]
# ## Room 2: where a schedule turns and ends
#
# ### One cycle, at its ends
#
# PyTorch's `OneCycleLR` puts the peak at update `pct_start · total_steps − 1`, whether or not that is a whole number.
# If it is not, no update has the peak's rate; if it is zero, the scheduler divides by it ([pytorch
# #180187](https://github.com/pytorch/pytorch/pull/180187)). Past its end it makes one more update, at a rate far above
# the last one, before it stops with an error. A loop that counts one update too many meets that.


# %% tags=["pytorch"]
def one_too_many():
    scheduler = lr_scheduler.OneCycleLR(sgd(), max_lr=0.1, total_steps=10)
    return [*rates(scheduler, 10), scheduler.get_last_lr()[0]]


def highest(total_steps, **others):
    scheduler = lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps, **others)
    return max(rates(scheduler, total_steps))


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over eleven updates, logarithmic. Both curves rise to 0.1 at update 2 or 3 and fall. Red is at four ten-millionths at update 9 and back at 0.005 at update 10, after its end. Grey reaches its lowest rate at update 10 and holds it."}}
past = attempt(one_too_many)
found = [
    past if isinstance(past, str) else past[-1],
    attempt(highest, 10),
    attempt(highest, 11),
    attempt(highest, 10, pct_start=0.1),
]
cycles = [lrlib.OneCycle(0.1, steps=steps) for steps in (10, 11)]
early = lrlib.OneCycle(0.1, steps=10, pct_start=0.1)
peaks = [max(cycle(np.arange(12))) for cycle in (*cycles, early)]
ends = [cycle(t) for cycle in cycles for t in (11, 1000)]
assert same(peaks, [0.1] * 3) and same(ends, [4e-7] * 4), (peaks, ends)
museum.exhibit(
    "One cycle, at its ends",
    "PyTorch",
    "bug",
    "`lrlib.OneCycle`, which puts the peak on a whole update, ends after `steps` updates, and holds its last rate",
    f"Asked for a peak of 0.1, ten updates reach {listed(found[1:2])}, eleven reach {listed(found[2:3])}, and "
    f"ten with `pct_start=0.1` give {listed(found[3:])}. The update after the end has the rate {listed(found[:1])}, where {listed(ends[:1])} was the last.",
    found=found,
    wrong=[0.004951936798652624, 0.1, 0.09797465678213016, "ZeroDivisionError"],
    right=[4e-7, 0.1, 0.1, 0.1],
)
curve(past, cycles[0](np.arange(11)), yscale="log")

# %% [markdown]
# ### The cosine that rises again
#
# A cosine is periodic, and PyTorch's `CosineAnnealingLR` is the whole of it: after `T_max` updates the rate climbs
# back to where it began. The name says annealing, and annealing ends cold. Every run is affected that is longer than
# its schedule: a `T_max` in epochs and steps in updates, or two more epochs "to be sure". The documentation calls
# `T_max` the maximum number of iterations, and leaves it at that.


# %% tags=["pytorch"]
def whole_cosine():
    return rates(lr_scheduler.CosineAnnealingLR(sgd(), T_max=10), 21)


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over 21 updates. Grey falls from 0.1 to zero at update 10 and stays there. Red falls with it and climbs back to 0.1 at update 20."}}
found = attempt(whole_cosine)
ours = lrlib.Cosine(0.1, 0.0, steps=10)(np.arange(21))
assert same(ours[::5], [0.1, 0.05, 0.0, 0.0, 0.0]), ours
museum.exhibit(
    "The cosine that rises again",
    "PyTorch",
    "trap",
    "`lrlib.Cosine`, which holds its last value",
    f"At updates 0, 5, 10, 15 and 20 the rate is {listed(found if isinstance(found, str) else found[::5])}; asked for was {listed(ours[::5])}.",
    found=found,
    wrong=0.05 * (1 + np.cos(np.pi * np.arange(21) / 10)),
    right=ours,
)
curve(found, ours)

# %% [markdown]
# ### The lost restart
#
# Where cycles grow by a factor, the number of the cycle is a logarithm, and both libraries take it in floating point.
# It can come out just below a whole number. Then the restart is missed, and the rate is 0 for an update that should
# have the peak. In PyTorch that happens to those who set the epoch themselves: with a first cycle of
# one epoch and cycles that triple, at `step(121)`. In Keras it happens to everyone who trains that long: with a first
# cycle of 10 updates and cycles that double, at update 81,910. Exercise 2
# has another factor. We know of no report of either.


# %% tags=["pytorch"]
def stepped_to(epochs):
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(sgd(), T_0=1, T_mult=3)
    found = []
    for epoch in epochs:
        scheduler.step(epoch)
        found.append(scheduler.get_last_lr()[0])
    return found


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate from epoch 112 to 130. Both curves fall towards zero up to epoch 120. At epoch 121, where a cycle begins, grey is at 0.1 and red at 0; from epoch 122 on they agree again."}}
restarts = [1, 4, 13, 40, 121, 364]
found = attempt(stepped_to, restarts)
value = lrlib.CosineRestarts(0.1, 0.0, first=1, t_mul=3)
ours = value(np.array(restarts))
assert same(ours, [0.1] * 6), ours
museum.exhibit(
    "The lost restart",
    "PyTorch",
    "bug",
    "`lrlib.CosineRestarts`, which counts in whole numbers",
    f"Cycles begin at epochs {', '.join(map(str, restarts))}. The rates there are {listed(found)}.",
    found=found,
    wrong=[0.1, 0.1, 0.1, 0.1, 0.0, 0.1],
    right=[0.1] * 6,
)
around = range(112, 131)
curve(
    attempt(stepped_to, around), value(np.array(around)), first=112, xlabel="epoch"
)


# %% tags=["keras"]
def at_restarts(begins):
    schedule = keras_schedules.CosineDecayRestarts(0.1, 10, t_mul=2.0)
    return [float(schedule(t)) for t in begins]


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "The rate at the first update of each of 17 cycles. Grey is at 0.1 throughout. Red is at 0.1 but for cycles 13 and 15, where it is 0."}}
begins = [10 * (2**cycle - 1) for cycle in range(17)]
found = attempt(at_restarts, begins)
doubling = lrlib.CosineRestarts(0.1, 0.0, first=10, t_mul=2)
ours = [float(lrlib.keras.Schedule(doubling)(t)) for t in begins]
assert same(ours, [0.1] * 17), ours
pairs = [] if isinstance(found, str) else zip(begins, found, strict=True)
lost = [t for t, rate in pairs if rate < 0.05]
museum.exhibit(
    "The lost restart",
    "Keras",
    "bug",
    "the same, through `lrlib.keras.Schedule`",
    f"Seventeen cycles begin, at updates {begins[0]} to {begins[-1]:,}. The rate is 0 instead of the peak at updates {' and '.join(f'{t:,}' for t in lost)}.",
    found=found,
    wrong=[0.0 if t in (81_910, 327_670) else 0.1 for t in begins],
    right=[0.1] * 17,
)
curve(found, ours, xlabel="cycle", ylabel="its first rate")

# %% [markdown]
# ### A boundary, one update late
#
# Ask for a new rate from update 3 on, and PyTorch's `MultiStepLR` gives it at update 3. Keras's
# `PiecewiseConstantDecay` keeps the old rate *at* the boundary, as its documentation says, so that the same numbers
# make another schedule. Anyone who carries a recipe from one framework to the other is affected.


# %% tags=["keras"]
def from_update(boundary):
    rule = keras_schedules.PiecewiseConstantDecay([boundary], [0.1, 0.01])
    return moves(keras.optimizers.SGD(rule), 6)


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "Learning rate over six updates. Grey drops from 0.1 to 0.01 at update 3, red at update 4."}}
found = attempt(from_update, 3)
value = lrlib.keras.Schedule(lrlib.Piecewise([3], [0.1, 0.01]))
ours = moves(keras.optimizers.SGD(value), 6)
late = 0 if isinstance(found, str) else sum(rate > 0.05 for rate in found) - 3
assert same(ours, [0.1, 0.1, 0.1, 0.01, 0.01, 0.01]), ours
assert same(from_update(3 - late), ours)
museum.exhibit(
    "A boundary, one update late",
    "Keras",
    "trap",
    f"`lrlib.Piecewise`, or boundaries less one, here {3 - late}",
    f"Boundary 3 gives {listed(found)}.",
    found=found,
    wrong=[0.1, 0.1, 0.1, 0.1, 0.01, 0.01],
    right=ours,
)
curve(found, ours)

# %% [markdown]
# ## Room 3: schedules put together
#
# ### A sequence in a sequence
#
# Warm-up and hold make a sequence, and that sequence followed by a decay is another. When PyTorch's `SequentialLR` is
# built, it asks its first part for the first step; a sequence that stands there takes this for its second step, and
# is a step ahead. When its turn comes later, it is asked for its rates in a way that sequences do not know, and a
# `NotImplementedError` that says nothing stops the run. Anyone who builds schedules from pieces is affected.
#
# Reported as [pytorch #196243](https://github.com/pytorch/pytorch/issues/196243).


# %% tags=["pytorch"]
def inner(optimizer):
    ramp = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2)
    hold = lr_scheduler.ConstantLR(optimizer, 1.0)
    return lr_scheduler.SequentialLR(optimizer, [ramp, hold], milestones=[2])


def nested_first():
    optimizer = sgd()
    parts = [inner(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    return rates(lr_scheduler.SequentialLR(optimizer, parts, milestones=[4]), 6)


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over six updates. Grey: 0.01, 0.055, then 0.1 until update 4 and 0.05 at update 5. Red skips the second step of the ramp: 0.01, then 0.1 at once."}}
def nested_second():
    optimizer = sgd()
    parts = [lr_scheduler.ConstantLR(optimizer, 1.0), inner(optimizer)]
    return rates(lr_scheduler.SequentialLR(optimizer, parts, milestones=[2]), 6)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    found = [attempt(nested_first), attempt(nested_second)]
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
museum.exhibit(
    "A sequence in a sequence",
    "PyTorch",
    "bug",
    "a flat `SequentialLR`, or values that `then` joins, where brackets make no difference",
    f"Nested first, the rates are {listed(found[0])}; the flat sequence has {listed(flat)}. Nested second gives {listed(found[1])}.",
    found=found,
    wrong=[[0.01, 0.1, 0.1, 0.1, 0.1, 0.05], "NotImplementedError"],
    right=ours,
)
curve(found[0], ours[0])

# %% [markdown]
# ### A chain with a deaf link
#
# `ChainedScheduler` lets several schedulers act on one rate, each multiplying what the others left. That works for
# schedulers that multiply. `CosineAnnealingWarmRestarts` computes its rate afresh and writes it over the others'
# work. So the peaks do not shrink for anyone who wants SGDR with falling peaks.
#
# Reported as [pytorch #129565](https://github.com/pytorch/pytorch/issues/129565).


# %% tags=["pytorch"]
def chained():
    optimizer = sgd()
    cycles = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4)
    shrink = lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    return rates(lr_scheduler.ChainedScheduler([shrink, cycles]), 12)


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over twelve updates, three cosine cycles of four. In grey their peaks shrink, 0.1, 0.066, 0.043. In red all three begin at 0.1."}}
cycles = lrlib.CosineRestarts(0.1, 0.0, first=4)
shrinking = cycles * lrlib.Exponential(1.0, gamma=0.9)
found = attempt(chained)
ours = rates(lrlib.torch.Scheduler(sgd(), shrinking), 12)
recipe = rates(lr_scheduler.LambdaLR(sgd(lr=1.0), shrinking), 12)
assert same(ours[::4], [0.1, 0.1 * 0.9**4, 0.1 * 0.9**8]) and same(recipe, ours)
museum.exhibit(
    "A chain with a deaf link",
    "PyTorch",
    "bug",
    "a product of lrlib schedules, which also works in a `LambdaLR`",
    f"The peaks, at updates 0, 4 and 8, are {listed(found if isinstance(found, str) else found[::4])} instead of {listed(ours[::4])}.",
    found=found,
    wrong=cycles(np.arange(12)),
    right=ours,
)
curve(found, ours)

# %% [markdown]
# ### Two hands on one rate
#
# In Keras a schedule given to the optimizer owns the rate, and a callback that wants to set it is refused with a
# `TypeError`. The refusal is right. But `ReduceLROnPlateau` tries only when it first wants to cut, and by then a run
# may have been going for hours. Give one model both of these, and fit.
#
# Reported as [tensorflow #36612](https://github.com/tensorflow/tensorflow/issues/36612).

# %% tags=["keras"]
decay = keras_schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.9)
optimizer = keras.optimizers.SGD(decay)
plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=5)


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "Learning rate over epochs until an error came. Red: six rates that fall a little from 0.1, then a cross, TypeError. Grey: a cross, ValueError, at epoch 0."}}
def until_refused(optimizer, callback):
    """The rates of the epochs that were trained, then the error that came."""
    noted = Rates()
    callbacks = [noted, callback]
    error = attempt(
        still_model(optimizer).fit,
        nothing,
        nothing,
        epochs=9,
        callbacks=callbacks,
        verbose=0,
    )
    return [*noted.rates, error] if isinstance(error, str) else noted.rates


found = until_refused(optimizer, plateau)
ours = until_refused(
    keras.optimizers.SGD(decay), lrlib.keras.PlateauCallback(rule, monitor="loss")
)
assert same(ours, ["ValueError"]), ours
museum.exhibit(
    "Two hands on one rate",
    "Keras",
    "trap",
    "give the rate one owner: a schedule, or a number and a callback",
    f"Keras trained {len(found) - 1} epochs and then raised a {found[-1]}; lrlib's callback trained {len(ours) - 1} and raised a {ours[-1]}.",
    found=[len(found) - 1, found[-1]],
    wrong=[6, "TypeError"],
    right=[0, "ValueError"],
)
curve(found, ours, xlabel="epoch", right_label="lrlib", wrong_label="Keras")

# %% [markdown]
# ## Room 4: what is counted
#
# ### The schedule that ran on micro-batches
#
# With `gradient_accumulation_steps=4` Keras makes one update from four batches. Its public counter counts updates,
# but the schedule is handed the count of batches, so it runs four times too fast and is over in a quarter of the
# training. Anyone whose batch does not fit into memory is affected. The documentation of the argument says it, in
# other words: schedules look at the "real" iterations.

# %% tags=["keras"]
line = keras_schedules.PolynomialDecay(0.1, decay_steps=8, end_learning_rate=0.0)
optimizer = keras.optimizers.SGD(line, gradient_accumulation_steps=4)

# %% tags=["folded", "keras"] mystnb={"image": {"alt": "Learning rate of eight updates. Grey falls in a line from 0.1 to 0.0125. Red begins at 0.0625 and is at zero from update 2 on."}}
found = attempt(lambda: moves(optimizer, batches=32)[3::4])
value = lrlib.Linear(0.1, 0.0, steps=8)
ours = moves(
    keras.optimizers.SGD(
        lrlib.keras.Schedule(value, accumulate=4), gradient_accumulation_steps=4
    ),
    batches=32,
)[3::4]
assert same(ours, value(np.arange(8))), ours
museum.exhibit(
    "The schedule on micro-batches",
    "Keras",
    "trap",
    "`lrlib.keras.Schedule` with `accumulate=4`",
    f"Eight updates were asked to have {listed(ours, 3)}, … and have {listed(found, 3)}, … zero from then on.",
    found=found,
    wrong=value(np.minimum(4 * np.arange(8) + 3, 8)),
    right=ours,
)
curve(found, ours)

# %% [markdown]
# ### The update that was skipped
#
# In mixed precision a `GradScaler` skips the update when a gradient overflows. That is usual in the first steps,
# while it looks for its scale. `scaler.step` does not say so, and a loop that steps the scheduler all the same spends
# the first rates on updates that never happened. If the schedule begins with a warm-up, these were the gentle ones.
#
# Reported as [pytorch #44511](https://github.com/pytorch/pytorch/issues/44511);
# [#67590](https://github.com/pytorch/pytorch/issues/67590) asks for a way to know. The plain form of the mistake,
# `scheduler.step()` before `optimizer.step()` ([#20124](https://github.com/pytorch/pytorch/issues/20124)), is run in
# [Step decay and reduce-on-plateau on MNIST](step_and_plateau.ipynb).


# %% tags=["pytorch"]
def train_batch(loss, optimizer, scaler, scheduler):
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    scheduler.step()


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate of the four updates that were made. Grey warms up from 0.02 to 0.08. Red begins at 0.06 and is at 0.1 from the third update on."}}
def train_batch_carefully(loss, optimizer, scaler, scheduler):
    """The same, but the schedule moves only where the weights do: the scale falls after a skip."""
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scale = scaler.get_scale()
    scaler.step(optimizer)
    scaler.update()
    if scaler.get_scale() >= scale:
        scheduler.step()


def rates_of_updates(train):
    """Rates of the updates that were made in six batches; the first two gradients overflow."""
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    ramp = lrlib.Linear(0.02, 0.1, steps=4)
    scheduler = lrlib.torch.Scheduler(optimizer, ramp)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    made = []
    for batch in range(6):
        before, rate = weight.item(), optimizer.param_groups[0]["lr"]
        loss = weight.sum() * (float("inf") if batch < 2 else 1.0)
        train(loss, optimizer, scaler, scheduler)
        made += [rate] if weight.item() != before else []
    return made


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PyTorch warns of the order, not of the skip
    found = attempt(rates_of_updates, train_batch)
    ours = rates_of_updates(train_batch_carefully)
assert same(ours, [0.02, 0.04, 0.06, 0.08]), ours
museum.exhibit(
    "The update that was skipped",
    "PyTorch",
    "habit",
    "step the scheduler only if the scale did not fall",
    f"The first two gradients of six overflow. The updates that are made have the rates {listed(found)} instead of {listed(ours)}.",
    found=found,
    wrong=[0.06, 0.08, 0.1, 0.1],
    right=ours,
)
curve(found, ours, xlabel="update that was made", xticks=range(4))

# %% [markdown]
# ### The plot that used up the schedule
#
# To draw a schedule, one steps the scheduler and notes the rates. A PyTorch scheduler is not a curve, it is a
# counter: after the drawing it stands at the end, and a training that uses it runs at other rates than those drawn.
# Anyone who looks before training is affected. A well-known textbook does it in its section on the [multi-factor
# scheduler](https://d2l.ai/chapter_optimization/lr-scheduler.html#multi-factor-scheduler).

# %% tags=["pytorch"]
scheduler = lr_scheduler.StepLR(sgd(), step_size=1, gamma=0.5)
drawn = rates(scheduler, 4)  # for the plot
trained = rates(scheduler, 4)  # for the training

# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over four updates. Grey, as drawn, halves from 0.1 to 0.0125. Red, as trained, begins at 0.006 and halves from there."}}
value = lrlib.StepDecay(0.1, gamma=0.5, every=1)
drawn_ours = value(np.arange(4))
trained_ours = rates(lrlib.torch.Scheduler(sgd(), value), 4)
assert same(trained_ours, drawn_ours) and same(drawn, drawn_ours), trained_ours
museum.exhibit(
    "The plot that used up the schedule",
    "PyTorch",
    "habit",
    "draw a schedule that is a value, or another scheduler on another optimizer",
    f"Drawn were {listed(drawn)}; the training runs at {listed(trained)}.",
    found=trained,
    wrong=[0.00625, 0.003125, 0.0015625, 0.00078125],
    right=drawn,
)
curve(
    trained, drawn, right_label="drawn", wrong_label="trained with", xticks=range(4)
)

# %% [markdown]
# ## Room 5: numbers that were not thought of
#
# ### The plateau below zero
#
# PyTorch's relative threshold asks whether the metric is below `best · (1 − threshold)`. For a negative metric that
# bound lies *above* the best, so a slight worsening counts as progress and becomes the new best. Anyone who minimises
# a negated score is affected, and in `mode="max"` anyone who maximises a log-likelihood or an ELBO below zero: the
# metric slowly gets worse and the rate is never cut.
#
# Reported as [pytorch #47513](https://github.com/pytorch/pytorch/issues/47513) (2020).

# %% tags=["pytorch"]
worsening = [-100 * 0.995**k for k in range(10)]
plateau = lr_scheduler.ReduceLROnPlateau(sgd(), patience=5, threshold=0.01)


def rates_on(scheduler):
    found = []
    for metric in worsening:
        found.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.step(metric)
    return found


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over ten epochs in which the metric gets worse. Grey is cut from 0.1 to 0.01 at epoch 7; red stays at 0.1."}}
found = attempt(rates_on, plateau)
best = plateau.best
settings = {"patience": 5, "threshold": 0.01}
careful = lrlib.torch.PlateauScheduler(sgd(), lrlib.Plateau(0.1, **settings))
ours = rates_on(careful)
absolute = {"patience": 5, "threshold": 1.0, "threshold_mode": "abs"}
recipe_of = lr_scheduler.ReduceLROnPlateau(sgd(), **absolute)
recipe = rates_on(recipe_of)
assert same(ours, [0.1] * 7 + [0.01] * 3) and same(recipe, ours), (ours, recipe)
# In mode="max" the metric falls below zero, and the bound lies below the best.
of_likelihood = lr_scheduler.ReduceLROnPlateau(sgd(), mode="max", **settings)
likelihoods = [-100 * 1.005**k for k in range(30)]
for likelihood in likelihoods:
    of_likelihood.step(likelihood)
if same(found, [0.1] * 10):  # the same fault: the worst is the best, and no cut
    assert of_likelihood.best == likelihoods[-1]
    assert of_likelihood.optimizer.param_groups[0]["lr"] == 0.1
assert careful.state.best == recipe_of.best == -100
assert (np.diff(worsening) > 0).all() and len(worsening) == 10, worsening
museum.exhibit(
    "The plateau below zero",
    "PyTorch",
    "bug",
    '`threshold_mode="abs"`, or `lrlib.Plateau`',
    f"Over ten epochs the metric gets worse at every step, from {worsening[0]:.1f} to {worsening[-1]:.1f}. PyTorch takes {best:.1f} for the best, "
    f"and the last rate is {listed(found[-1:])}; with an absolute threshold and in lrlib the best is {recipe_of.best:.0f} and the rate {listed(ours[-1:])}.",
    found=[found, best],
    wrong=[[0.1] * 10, worsening[-1]],
    right=[ours, -100.0],
)
curve(found, ours, xlabel="epoch")

# %% [markdown]
# ### The rate that was a whole number
#
# Give a Keras schedule the initial rate 1 instead of 1.0, and it computes in integers. `ExponentialDecay` rounds the
# decay rate 0.5 down to 0, so that the rate is 0 from the second update on; in `CosineDecay` even π becomes 3, and
# the rate never reaches zero. Nothing is said, and anyone who scales a schedule of 1 by hand is affected. The plateau
# callback once had a bug of the same kind ([tensorflow
# #45261](https://github.com/tensorflow/tensorflow/issues/45261)).


# %% tags=["keras"]
def halving_from(initial):
    schedule = keras_schedules.ExponentialDecay(initial, 10, 0.5)
    return [float(schedule(t)) for t in range(11)]


def cosine_from(initial):
    schedule = keras_schedules.CosineDecay(initial, 10)
    return [float(schedule(t)) for t in range(11)]


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "ExponentialDecay over eleven updates. From 1.0, in grey, it falls to 0.5. From 1, in red, it is 1 at update 0 and 0 from then on."}}
found = [attempt(halving_from, 1), attempt(cosine_from, 1)]
recipe = [halving_from(1.0), cosine_from(1.0)]
values = lrlib.Exponential(1, 0.5, every=10), lrlib.Cosine(1, 0, 10)
ours = [[float(lrlib.keras.Schedule(v)(t)) for t in range(11)] for v in values]
assert same([row[::5] for row in ours], [[1.0, 0.5**0.5, 0.5], [1.0, 0.5, 0.0]])
assert same(recipe, ours), recipe
falls, rises = (row if isinstance(row, str) else listed(row[::5]) for row in found)
museum.exhibit(
    "The rate that was a whole number",
    "Keras",
    "bug",
    "write 1.0; lrlib computes in float64",
    f"At updates 0, 5 and 10 the exponential decay from 1 has {falls}, from 1.0 it has {listed(recipe[0][::5])}. "
    f"The cosine from 1 has {rises}, from 1.0 it has {listed(recipe[1][::5])}.",
    found=found,
    wrong=[
        [1.0] + [0.0] * 10,
        [0.5 * (1 + np.cos(3 * t / 10)) for t in range(11)],
    ],
    right=ours,
)
curve(found[0], ours[0], right_label="from 1.0", wrong_label="from 1")

# %% [markdown]
# ### A warm-up from zero
#
# PyTorch's `LinearLR` refuses `start_factor=0`. It computes each rate from the last, and from zero there is no way up
# but a division by zero, which is what earlier versions did. Papers that warm up from zero cannot be followed to the
# letter; a tiny start factor comes close.
#
# Reported as [pytorch #86454](https://github.com/pytorch/pytorch/issues/86454), and settled by the refusal.


# %% tags=["pytorch"]
def from_zero():
    scheduler = lr_scheduler.LinearLR(sgd(), start_factor=0.0, total_iters=4)
    return rates(scheduler, 6)


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Learning rate over six updates. Grey rises from 0 to 0.1 in four updates and stays. There is no red curve: PyTorch raises a ValueError."}}
found = attempt(from_zero)
recipe = rates(lr_scheduler.LambdaLR(sgd(), lambda t: min(1.0, t / 4)), 6)
ours = rates(lrlib.torch.Scheduler(sgd(), lrlib.Linear(0.0, 0.1, steps=4)), 6)
assert same(ours, [0.0, 0.025, 0.05, 0.075, 0.1, 0.1]) and same(recipe, ours), ours
museum.exhibit(
    "A warm-up from zero",
    "PyTorch",
    "trap",
    "`LambdaLR`, or `lrlib.Linear(0.0, …)`",
    f"`LinearLR` gives {listed(found)}; a `LambdaLR` gives {listed(recipe)}.",
    found=found,
    wrong="ValueError",
    right=ours,
)
curve(found, ours, wrong_label="LinearLR")

# %% [markdown]
# ## Room 6: touched unasked, and not touched though asked
#
# ### The momentum that was overwritten
#
# Build `CyclicLR` or `OneCycleLR` on an optimizer with momentum 0.5, and the momentum is 0.9 or 0.95 before the first
# update. Cycling it is their default, `cycle_momentum=True`, between bounds of their own. Anyone who tuned the
# momentum is affected, and users of AdamW too, whose β₁ is taken for one
# ([pytorch #73910](https://github.com/pytorch/pytorch/issues/73910) brought that to `CyclicLR` too).


# %% tags=["pytorch"]
def momenta():
    scheduler = lr_scheduler.OneCycleLR(sgd(momentum=0.5), 0.1, total_steps=10)
    found = []
    for _ in range(10):
        found.append(scheduler.optimizer.param_groups[0]["momentum"])
        rates(scheduler, 1)
    return found


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "Momentum over ten updates. Grey stays at 0.5. Red begins at 0.95, dips to 0.85 at update 2 and returns to 0.95."}}
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
assert same(ours, [0.5, 0.5, 0.946]) and same(in_groups(quiet), 0.5), ours
museum.exhibit(
    "The momentum that was overwritten",
    "PyTorch",
    "trap",
    f"`cycle_momentum=False`, which leaves {in_groups(quiet)}; in lrlib the momentum moves only where a schedule is given for it",
    f"Set to 0.5, it is {listed(found)} after `CyclicLR`, `OneCycleLR` and `OneCycleLR` on AdamW were built. Under lrlib it stays at {ours[0]}, "
    f"and with `momentum=0.95 - cycle` it begins at {ours[2]:.3f}.",
    found=found,
    wrong=[0.9, 0.95, 0.95],
    right=[0.5, 0.5, 0.5],
)
curve(
    attempt(momenta),
    [0.5] * 10,
    right_label="set",
    wrong_label="OneCycleLR",
    ylabel="momentum",
)

# %% [markdown]
# ### The group that came late
#
# Fine-tuning often unfreezes layers later, with `add_param_group`. `LinearLR` multiplies whatever it finds, so that a
# group that joins at the full rate in the middle of a warm-up is warmed up beyond it. Schedulers that noted their
# groups when they were built, as `CosineAnnealingWarmRestarts` does, stop with a `ValueError` about `zip`; earlier
# versions left the new group at its first rate without a word.
#
# Reported as [pytorch #79888](https://github.com/pytorch/pytorch/issues/79888) (2022).


# %% tags=["pytorch"]
def late_group(scheduler):
    rates(scheduler, 2)
    newcomer = {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.1}
    scheduler.optimizer.add_param_group(newcomer)
    rates_of_the_newcomer = []
    for _ in range(5):
        rates_of_the_newcomer.append(scheduler.optimizer.param_groups[1]["lr"])
        rates(scheduler, 1)
    return rates_of_the_newcomer


# %% tags=["folded", "pytorch"] mystnb={"image": {"alt": "The late group's learning rate at updates 2 to 6. Grey: it joins at 0.1, follows the warm-up at 0.0775, then 0.1. Red rises from 0.1 to 0.18 in two updates and stays."}}
cosine, ramp = lrlib.Cosine(0.1, 0.0, 8), lrlib.Linear(0.01, 0.1, 4)
found = [
    attempt(
        lambda: late_group(lr_scheduler.CosineAnnealingWarmRestarts(sgd(), T_0=8))
    ),
    attempt(lambda: late_group(warm_up(sgd()))),
]
ours = [late_group(lrlib.torch.Scheduler(sgd(), value)) for value in (cosine, ramp)]
wanted = [[0.1, *value(np.arange(3, 7))] for value in (cosine, ramp)]
assert same(ours, wanted), ours
museum.exhibit(
    "The group that came late",
    "PyTorch",
    "bug",
    "`lrlib.torch.Scheduler`, where the group joins at the next step",
    f"Under a cosine with restarts it gives {listed(found[0])}. In a warm-up to 0.1 the late group ends at "
    f"{listed(found[1] if isinstance(found[1], str) else found[1][-1:])}; under lrlib it ends at {listed(ours[1][-1:])}, "
    f"and under the cosine, at update 6, it has {listed(ours[0][-1:])} like the first group.",
    found=found,
    wrong=["ValueError", [0.1, 0.1 * 0.0775 / 0.055, *[0.1 * 0.1 / 0.055] * 3]],
    right=ours,
)
curve(found[1], ours[1], first=2)

# %% [markdown]
# ### The decay that is not there
#
# For years Keras's optimizers took `decay=…`, and many tutorials still pass it. Keras 3 accepts it, warns once that
# it is ignored, and trains at a constant rate. Anyone who runs old code with warnings filtered out is affected.


# %% tags=["keras"]
def with_decay():
    return moves(keras.optimizers.SGD(0.1, decay=0.5), 4)


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "Learning rate over four updates. Grey falls from 0.1 to 0.04. Red stays at 0.1."}}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = attempt(with_decay)
meant = lrlib.InverseTime(0.1, rate=0.5)
ours = moves(keras.optimizers.SGD(lrlib.keras.Schedule(meant)), 4)
inverse = keras_schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)
recipe = moves(keras.optimizers.SGD(inverse), 4)
assert same(ours, [0.1 / (1 + 0.5 * t) for t in range(4)]) and same(recipe, ours)
museum.exhibit(
    "The decay that is not there",
    "Keras",
    "trap",
    "`InverseTimeDecay`, or `lrlib.InverseTime`",
    f"With {len(caught)} warning the rates are {listed(found)}; `InverseTimeDecay` gives {listed(recipe)}.",
    found=found,
    wrong=[0.1] * 4,
    right=ours,
)
curve(found, ours, xticks=range(4))

# %% [markdown]
# ## Room 7: an optimizer that needs no schedule
#
# ### The old value that was new
#
# Schedule-Free {cite}`defazio2024` keeps a point $z$ that moves against the gradients, and the running average $x$ of
# all its places. It trains at a mixture of the two, $y = (1 - \beta_1) z + \beta_1 x$, and is measured at $x$. Keras
# 3.15.1 has such an optimizer, `ScheduleFreeAdamW` ([keras #22113](https://github.com/keras-team/keras/pull/22113)).
# It saves memory by not storing $x$. Each update computes the old $x$ from $y$ and the old $z$, and for that it notes
# the old $z$ before it moves it: `momentum_old = momentum.value`.
#
# In JAX a value stays what it was. In TensorFlow and in PyTorch a variable changes in place, and the note changes
# with it. With the new $z$ in place of the old one $\beta_1$ cancels, and what is left is
# $y_t = (1 - 1/t)\, y_{t-1} + z_t/t$: the plain mean of all $z$. The mixture is gone, and one name stands for two algorithms. Anyone who uses
# the optimizer under Keras's default backend is affected. We know of no report of it.
#
# Here are three weights on a parabola, twenty updates, three values of $\beta_1$. [The figure](#fig-old-value) draws the
# steepest of them.


# %% tags=["keras"]
def descend(beta):
    weights = keras.Variable([1.0, -2.0, 0.5], dtype="float64")
    optimizer = keras.optimizers.ScheduleFreeAdamW(0.1, beta_1=beta)
    for _ in range(20):
        gradient = np.array([1.0, 10.0, 3.0]) * weights.value
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weights])
    return keras.ops.convert_to_numpy(weights)


# %% tags=["folded", "keras"]
import logging

from lrlib.course import schedule_free

# TensorFlow warns where many small models are compiled, which is what follows.
logging.getLogger("tensorflow").setLevel("ERROR")
BETAS = (0.3, 0.6, 0.9)
paper = [schedule_free.recursion(beta)[0] for beta in BETAS]
mean_of_z = schedule_free.recursion(new_for_old=True)[0]
here = attempt(lambda: [schedule_free.in_keras(beta) for beta in BETAS])
on_torch = attempt(schedule_free.on_backend, "torch", BETAS)


def ends(paths):
    return paths if isinstance(paths, str) else [path[-1] for path in paths]


assert same(attempt(lambda: [descend(beta) for beta in BETAS]), ends(here))
museum.exhibit(
    "The old value that was new",
    "Keras",
    "bug",
    "in PyTorch the authors' package; in Keras a schedule to zero, or `use_ema`",
    f"The steepest weight ends at {listed(here if isinstance(here, str) else [path[-1, 1] for path in here])} for β₁ of 0.3, 0.6 and 0.9; "
    f"by the paper at {listed([path[-1, 1] for path in paper])}.",
    found=ends(here),
    wrong=[mean_of_z[-1]] * len(BETAS),
    right=ends(paper),
)

# %% tags=["hide-input", "keras"] mystnb={"image": {"alt": "One weight over 20 updates, from minus 2 towards 0. The paper's recursion gives three curves, for beta one of 0.3, 0.6 and 0.9: the smaller it is, the faster the weight moves. Keras on TensorFlow gives one curve for all three, slower than each of them."}, "figure": {"caption": "A weight on a parabola under Schedule-Free AdamW. In the paper's recursion (grey) β₁ decides how fast it moves; in Keras on TensorFlow (red) it has no effect.", "name": "fig-old-value"}}
figure, ax = plt.subplots(figsize=(8, 3.4))
updates = np.arange(1, schedule_free.UPDATES + 1)
for beta, path, shade in zip(BETAS, paper, ("0.75", "0.62", "0.45"), strict=True):
    ax.plot(updates, path[:, 1], "-", color=shade, linewidth=3)
    ax.annotate(
        f"paper, β₁ = {beta}", (20.3, path[-1, 1]), color="0.3", va="center"
    )
if not isinstance(here, str):
    for path, width in zip(here, (6, 3.5, 1), strict=True):
        ax.plot(updates, path[:, 1], "-", color=WRONG, linewidth=width, alpha=0.6)
    words = "Keras, all three β₁"
    ax.annotate(words, (20.3, here[0][-1, 1] - 0.04), color=WRONG, va="center")
ax.set(xlabel="update", ylabel="weight", xlim=(0.5, 26), xticks=(1, 5, 10, 15, 20))
ax.set_title("In Keras on TensorFlow β₁ moves nothing")
_ = figure

# %% [markdown]
# The course's environment has no JAX, so the row of JAX was run once elsewhere: in the environment of `make clients`,
# with Keras 3.15.1 and JAX 0.10.2 in double precision. A test there, `tests/clients/test_schedule_free.py`, runs it
# again.


# %% tags=["hide-input", "keras"]
def apart(paths):
    """The largest distance of each path from the paper's."""
    if isinstance(paths, str):
        return [paths] * len(BETAS)
    pairs = zip(paths, paper, strict=True)
    return [f"{np.abs(path - right).max():.4f}" for path, right in pairs]


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

# %% [markdown]
# The right behaviour is that of the authors' package for PyTorch, `schedulefree`. It also has what Keras's
# optimizer lacks: a switch between the point that trains and the point that is measured.

# %% tags=["pytorch"]
from schedulefree import AdamWScheduleFree

from lrlib.course import schedule_free


def with_the_authors(beta):
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64).requires_grad_()
    optimizer = AdamWScheduleFree([weights], lr=0.1, betas=(beta, 0.999))
    optimizer.train()
    for _ in range(20):
        optimizer.zero_grad()
        (torch.tensor([1.0, 10.0, 3.0]) * weights**2 / 2).sum().backward()
        optimizer.step()
    trained = weights.detach().numpy().copy()
    optimizer.eval()
    return trained, weights.detach().numpy().copy()


# %% tags=["folded", "pytorch"]
both = {}
for beta in (0.3, 0.6, 0.9):
    trained, averaged = with_the_authors(beta)
    right = [path[-1] for path in schedule_free.recursion(beta)]
    assert same([trained, averaged], right), (beta, trained, averaged)
    both[beta] = schedule_free.loss(trained), schedule_free.loss(averaged)
    print(f"β₁ = {beta}: loss where it trains {both[beta][0]:.4f},", end=" ")
    print(f"at the average {both[beta][1]:.4f}")
display(
    Markdown(
        f"The package follows the paper's recursion. With β₁ = 0.9 the loss is {both[0.9][0]:.4f} at the point that trains and "
        f"{both[0.9][1]:.4f} at the average. (There is no noise here that an average could take out, so the average lags behind. "
        "What counts is which point is measured.)"
    )
)

# %% [markdown]
# In Keras there is no such switch: `evaluate`, `predict` and `save` take the weights as training left them. On
# JAX these are $y$, and the average is never seen. On TensorFlow and PyTorch they are the mean of $z$, since the
# mixture is missing.
#
# Two things work in Keras: a schedule that decays to zero, or a constant rate whose weights are averaged. Every Keras
# optimizer averages with `use_ema=True`, and `fit` ends with the average in the model. For validation on the way
# there is `keras.callbacks.SwapEMAWeights`.

# %% tags=["keras"]
layer = keras.layers.Dense(1, use_bias=False)
model = keras.Sequential([keras.Input((3,)), layer])
layer.set_weights([np.array([[1.0], [-2.0], [0.5]])])
averaging = keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5)
model.compile(averaging, "mse")

# %% tags=["folded", "keras"]
best = schedule_free.recursion()[1][-1]  # x, with β₁ = 0.9
measured = attempt(lambda: f"{schedule_free.fitted()[1]:.4f}")
curvatures, start = (
    np.array(schedule_free.CURVATURES),
    np.array(schedule_free.START),
)
parabola = schedule_free.parabola()
model.fit(*parabola, epochs=5, verbose=0)
places = [start * (1 - 0.05 * curvatures) ** t for t in range(1, 6)]
average = places[0]
for place in places[1:]:
    average = (average + place) / 2
loss = model.evaluate(*parabola, verbose=0)
assert np.isclose(loss, schedule_free.loss(average), rtol=1e-4), loss
display(
    Markdown(
        f"After twenty updates of `ScheduleFreeAdamW`, `evaluate` says {schedule_free.ON_JAX['evaluated']:.4f} on JAX (stored) and {measured} on TensorFlow; "
        f"the loss at the paper's average is {schedule_free.loss(best):.4f}, at the mean of z {schedule_free.loss(mean_of_z[-1]):.4f}. "
        f"With `use_ema`, after five updates of SGD, it says {loss:.4f}. That is the loss at the average, {schedule_free.loss(average):.4f}, "
        f"and not at the last weights, {schedule_free.loss(places[-1]):.4f}."
    )
)

# %% [markdown]
# ### The start that was thrown away
#
# The point $z$ begins where the model's weights are. Keras copies them when the optimizer's variables are made, which
# in `fit` is within the first, compiled update. TensorFlow traces that update once to make the variables, and again
# without making them, and runs the second trace. The copy stands in the first one only. So $z$ begins at zero, and as
# $y_1 = z_1$, the first update sets every weight to plus or minus the rate, whatever it was. Anyone who fine-tunes
# loses the pre-trained weights, without a word. We know of no report of it.


# %% tags=["keras"]
def after_one_update(build_first):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, use_bias=False)]
    )
    model.set_weights([np.array([[1.0], [-2.0], [0.5]])])
    model.compile(keras.optimizers.ScheduleFreeAdamW(0.1), "mse")
    if build_first:
        model.optimizer.build(model.trainable_variables)
    model.fit(*schedule_free.parabola(), epochs=1, verbose=0)
    return model.get_weights()[0][:, 0]


# %% tags=["folded", "keras"] mystnb={"image": {"alt": "Three weights after one update. Grey: 0.9, minus 1.9, 0.4, a tenth from where they began. Red: minus 0.1, 0.1, minus 0.1."}}
found = attempt(after_one_update, build_first=False)
recipe = attempt(after_one_update, build_first=True)
right = np.array(schedule_free.START) - 0.1 * np.sign(schedule_free.START)
assert isinstance(recipe, str) or same(recipe, right), recipe
museum.exhibit(
    "The start that was thrown away",
    "Keras",
    "bug",
    "`optimizer.build(model.trainable_variables)` before `fit`",
    f"The weights {listed(schedule_free.START)} are {listed(found)} after one update at rate 0.1; with the optimizer built first they are {listed(recipe)}.",
    found=found,
    wrong=-0.1 * np.sign(schedule_free.START),
    right=right,
)
figure, ax = plt.subplots(figsize=(5.4, 1.8))
series = ("built first", right, RIGHT, 8), ("as Keras does it", found, WRONG, 5)
for label, values, colour, size in series:
    if not isinstance(values, str):
        ax.plot((1, 2, 3), values, "o", color=colour, markersize=size, label=label)
ax.set(xlabel="weight", ylabel="its value", xticks=(1, 2, 3), ylim=(-2.3, 1.3))
ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
_ = figure

# %% [markdown]
# ## The catalogue
#
# What this page saw when it was made, and what to do instead.

# %% tags=["hide-input"]
rows = [
    [
        f"{number}. {one.name}",
        f"{one.library}: {one.kind}",
        f"**{one.verdict}**",
        one.instead,
    ]
    for number, one in enumerate(museum.exhibits, 1)
]
figures.table(["exhibit", "kind", "here", "instead"], rows)

# %% tags=["folded"]
from lrlib.course.questions import answer


def counted(field, *words):
    values = [getattr(one, field) for one in museum.exhibits]
    return [values.count(word) for word in words]


pytorch, in_keras_only = counted("library", "PyTorch", "Keras")
bugs, traps, habits = counted("kind", "bug", "trap", "habit")
now, fixed, other = counted("verdict", "seen", "fixed", "changed")
display(
    Markdown(
        f"Of {len(museum.exhibits)} exhibits {pytorch} are of PyTorch and {in_keras_only} of Keras; {bugs} are bugs, {traps} traps and {habits} habits. "
        f"With the versions installed here {now} are seen, {fixed} fixed and {other} changed."
    )
)
seen = {one.name for one in museum.exhibits if one.verdict == "seen"}
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
# Each takes seconds of computing. The assignment *The scheduler's bugs* ([Assignments](../assignments/students.md))
# goes on from the first: it gives six faulty scripts, and asks for a test of each.
#
# 1. Write `check(make)`: it takes a function that builds a scheduler on an optimizer, stops and resumes it after each
#    of its first eight updates, in both orders of loading, and asserts that the next eight rates are those of a run
#    that never stopped. Which of `StepLR`, `ExponentialLR`, `LinearLR`, `CyclicLR` and `OneCycleLR` pass? Does
#    {class}`lrlib.torch.Scheduler`?
# 2. Keras's `CosineDecayRestarts` with `t_mul=2.0` loses its first restart at update 81,910. With `t_mul=1.3` and
#    `first_decay_steps=100`, cycles begin at updates 100, 230 and 399. Which of these restarts is lost? Compute the
#    number of the cycle there, $\log(1 - t/100 \cdot (1 - 1.3)) / \log 1.3$, with `keras.ops` in float32 and with
#    NumPy in float64 to see why.
# 3. Take a scheduler that you use yourself, from any library. Write down the rates that you believe it gives at its
#    first update, at its peak, at its last update and one after. Then read them. (The solution does it for two.)
#
# ## What to take away
#
# 1. Read the rate in force, from the optimizer, at the first update, at each turn, at the end and one past it.
# 2. A scheduler is a counter with a state. Resuming, nesting, accumulating and drawing all move that counter.
# 3. A schedule that is a value has no state to lose: it can be drawn, compared, saved, and asked about any update.
#
# **Terms:** rate in force, checkpoint, horizon, micro-batch, patience. **Read on:**
# [Changing plans in mid-run](changing_plans.ipynb), for runs that are resumed with another length or rate.

# %% [markdown]
# ## Check yourself
#
# 1. A checkpoint in the middle of `LinearLR`'s warm-up is loaded optimizer first, and then the scheduler is built.
#    After the warm-up the rate is **right / ten times too low / ten times too high**.
# 2. In Keras, gradients are accumulated over several micro-batches. A schedule given to the optimizer, in updates,
#    runs out **as asked / too early / too late**.
# 3. An optimizer was built with momentum 0.5, and `CyclicLR` is put on it with nothing said of momentum. It begins to
#    train with **0.5 / 0.9 / 0**.
# 4. A loop draws the curve of `ExponentialLR(optimizer, 0.5)` by stepping it four times, and then trains with it. The
#    training begins at **the first rate drawn / a rate past the last one drawn / zero**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **ten times too low**: building the scheduler scales the rate that was loaded, and `LinearLR` computes each rate
#    from the last, so the run never recovers. It would be right had the scheduler been built first. Too high it
#    cannot be: building multiplies by the start factor, a tenth.
# 2. **too early**: the schedule is shown the count of micro-batches, which grows faster than that of updates. It
#    would run out as asked if Keras showed it the updates, and too late only if its counter were slower than they
#    are.
# 3. **0.9**: `cycle_momentum` is on unless it is switched off, and its upper bound is 0.9. The 0.5 is overwritten
#    without a word; 0 is the optimizer's own default, which nobody asks for here.
# 4. **a rate past the last one drawn**: the drawing used the scheduler up. Only a schedule that is a value would
#    begin again at the first rate; and this one had not reached zero, it goes on halving.
#
# </details>
