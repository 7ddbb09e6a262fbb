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
# # Changing plans in mid-run
#
# **Goal.** Take a run that is under way and train it longer, stop it early, change its batch, warm it up again or let it
# branch, without a jump of the rate that nobody asked for.
#
# **You need** to have trained with a schedule once, in either framework. **Data:** the digits that scikit-learn brings.
# **Cost:** half a minute; the measured time stands under the title.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five panels of the rate over updates, each with the planned schedule in grey up to 400 and a new one from update 200 on: longer, falling from there to 800; cooled down, a line to zero by 260; batch doubled, the same curve in half the time; warmed up again, from zero back to the curve in 30 updates; and branched, two ways at once."}, "figure": {"caption": "Five ways on from update 200. Grey: what had been planned.", "name": "fig-ways"}}
import lrlib
from lrlib.course import figures
from lrlib.course.figures import plt

figures.use_style()

AT = 200
plan = lrlib.Linear(0.0, 0.3, steps=40).then(lrlib.Cosine(0.3, 0.0, steps=360))
rate = plan(AT)
ways = {
    "longer": plan.take(AT).then(lrlib.Cosine(rate, 0.0, steps=600)),
    "cooled down": plan.cooldown(AT, steps=60),
    "batch doubled": plan.take(AT).then(plan.drop(AT).stretch(0.5)),
    "warmed up again": plan.take(AT)
    .then(lrlib.Linear(0.0, plan(AT + 30), steps=30))
    .then(plan.drop(AT + 30)),
}
branches = {
    "line": plan.cooldown(AT, steps=200),
    "1 − √": plan.cooldown(AT, steps=200, shape="1-sqrt"),
}
_, panels = plt.subplots(1, 5, figsize=(11, 2.6), sharey=True)
for ax, (name, way) in zip(
    panels, [*ways.items(), ("branched", None)], strict=True
):
    plan.plot(horizon=400, ax=ax, color="0.75", linestyle="-", label="planned")
    ax.set_prop_cycle(
        figures.plt.rcParams["axes.prop_cycle"]
    )  # the plan has none of its colours
    for line in [way] if way else branches.values():
        times = range(AT, line.length + 1)
        ax.plot(times, [line(t) for t in times])
    ax.set(title=name, xlabel="updates", xticks=[0, 400, 800])
    ax.set_ylabel("learning rate" if ax is panels[0] else "")
_ = panels

# %% [markdown]
# ## The question
#
# Half of a run is over when the plan changes: there is more time than you thought, or less, a larger machine, or a second
# idea. What the rest of the schedule should be is a decision. That the first 200 updates stay as they were, and that the
# rate is not somewhere else at update 201 by accident, is bookkeeping, and it is where runs are lost.
#
# Three operations do the bookkeeping. `a.take(n)` is the first n updates, `a.drop(n)` is the rest, and `b` after them is
# `a.take(n).then(b)`. So the plan itself is `plan.take(n).then(plan.drop(n))`, and each way on in
# [the figure](#fig-ways) puts something else in the place of the second half.

# %%
print(f"{'':16} {'updates':>7} {'199':>7} {'200':>7} {'201':>7} {'the last':>8}")
for name, way in {"as planned": plan, **ways}.items():
    rates = " ".join(f"{way(t):7.4f}" for t in (199, 200, 201))
    print(f"{name:16} {way.length:7} {rates} {way(way.length):8.4f}")
    assert all(way(t) == plan(t) for t in range(AT))
print("the first 200 rates are those of the plan in each: yes")
for name in ("longer", "cooled down", "batch doubled"):
    assert ways[name](AT) == plan(AT), name
print("at update 200 these three go on from the plan's rate: yes")

# %% [markdown]
# ## Train longer than planned
#
# *The run goes well, and you want 800 updates instead of 400.* Let the new schedule be the old one up to now, and reach zero
# later. A checkpoint that was made under the old schedule is then accepted, since nothing jumps.

# %% tags=["pytorch"]
import torch


def torch_run(schedule, **options):
    """A small model, its optimizer, and its scheduler."""
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule, **options)
    return model, optimizer, scheduler


def updates(run, n):
    """Make n updates, and return the rates that were in force."""
    model, optimizer, scheduler = run
    rates = []
    for _ in range(n):
        rates.append(optimizer.param_groups[0]["lr"])
        model(torch.ones(4, 2)).pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
    return rates


first = torch_run(plan)
updates(first, AT)
checkpoint = [part.state_dict() for part in first]

second = torch_run(ways["longer"])
for part, state in zip(second, checkpoint, strict=True):
    part.load_state_dict(state)
rates = updates(second, 600)
print(
    f"rates of updates 200, 201 and 799: {rates[0]:.6f} {rates[1]:.6f} {rates[-1]:.6f}"
)
assert rates == [ways["longer"](t) for t in range(AT, AT + 600)]

# %% tags=["keras"]
import pathlib
import tempfile

import keras
import numpy as np

import lrlib.keras


def keras_run(schedule):
    """A small model, compiled with the schedule."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(
        lrlib.keras.SGD(lrlib.keras.Schedule(schedule), momentum=0.9), "mse"
    )
    return model


rows = (
    np.ones((4 * AT, 2)),
    np.zeros((4 * AT, 1)),
)  # batches of four: 200 updates an epoch
first_keras = keras_run(plan)
first_keras.fit(*rows, batch_size=4, verbose=0)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "checkpoint.keras"
    first_keras.save(path)  # its optimizer's count of updates goes with it
    second_keras = keras.models.load_model(path)
second_keras.optimizer.learning_rate = lrlib.keras.Schedule(ways["longer"])
rate_then = float(second_keras.optimizer.learning_rate)
second_keras.fit(*rows, batch_size=4, epochs=3, verbose=0)
rate_last = float(second_keras.optimizer.learning_rate)
print(f"rates of updates 200 and 800: {rate_then:.6f} {rate_last:.6f}")
assert abs(rate_then - ways["longer"](AT)) < 1e-7 and rate_last == 0

# %% [markdown]
# Training loops that load checkpoints by themselves, such as Lightning's `ckpt_path`, the Trainer's
# `resume_from_checkpoint` or Accelerate's `load_state`, need no more than that: hand them the new schedule.
#
# What if the new schedule does *not* agree with the old one? PyTorch's own schedulers take their numbers from the
# checkpoint and forget what you asked for. `lrlib.torch.Scheduler` refuses, and says what would jump.

# %% tags=["pytorch"]
from torch.optim.lr_scheduler import CosineAnnealingLR


def torchs_own(steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    return CosineAnnealingLR(optimizer, steps)


asked = torchs_own(800)
asked.load_state_dict(torchs_own(400).state_dict())
print(f"PyTorch's cosine: asked for 800 updates, it now has {asked.T_max}")
assert asked.T_max == 400

# %% tags=["pytorch"]
# The same shape over 800 updates: at update 200 it has hardly begun to fall.
stretched = plan.stretch(2)
try:
    torch_run(stretched)[2].load_state_dict(checkpoint[2])
except ValueError as error:
    print(str(error).split(" To go on")[0])
else:
    raise AssertionError("the jump went unnoticed")

# %% [markdown]
# If you want that jump, say so: `resume="count"` takes the number of updates from the checkpoint and nothing else.

# %% tags=["pytorch"]
run = torch_run(stretched, resume="count")
for part, state in zip(run, checkpoint, strict=True):
    part.load_state_dict(state)
in_force = run[1].param_groups[0]["lr"]
print(f"the plan's rate {plan(AT):.4f}, the stretched plan's {in_force:.4f}")
assert in_force == stretched(AT)

# %% [markdown]
# ## Stop early, and cool down
#
# *The time is over before the plan is.* A model that was trained at a high rate is better than it looks: its noise is still
# in it. Do not take the checkpoint as it is; take it down to zero first. `a.cooldown(at, steps)` leaves the schedule at
# update `at` and goes down to zero in `steps`.
#
# How much that gives is quickly tried: a run at a constant rate, cooled down in 50 updates from three of its checkpoints.

# %% tags=["nbval-ignore-output", "pytorch"]
from lrlib.course import networks, training
from lrlib.course import pytorch as in_torch
from lrlib.course.experiments import equal_budget

in_torch.one_thread()
x, y, x_test, y_test = equal_budget.TASKS["digits"].images()[:4]
SIZES = equal_budget.PERCEPTRONS["digits"]
SEEDS, CHECKPOINTS, DOWN = range(10), (100, 200, 400), 50


def error_after(schedule, seed):
    """Test error in % after the schedule's length."""
    model = in_torch.perceptron(SIZES, networks.dense_weights(SIZES, seed))
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    order = training.batch_order(len(x), 32, 12, seed)[: schedule.length]
    in_torch.train(model, optimizer, x, y, order, scheduler=scheduler)
    return 100 - in_torch.evaluate(model, x_test, y_test)[1]


trunk = lrlib.Constant(0.1)
errors = {}
for at in CHECKPOINTS:
    as_it_is = [error_after(trunk.take(at), seed) for seed in SEEDS]
    cooled = [error_after(trunk.cooldown(at, DOWN), seed) for seed in SEEDS]
    longer = [error_after(trunk.take(at + DOWN), seed) for seed in SEEDS]
    errors[at] = [float(np.mean(each)) for each in (as_it_is, cooled, longer)]
    print(
        "checkpoint {:3}: {:.2f} %, cooled down {:.2f} %, 50 more at the same rate {:.2f} %".format(
            at, *errors[at]
        )
    )

# %% tags=["pytorch"]
for at, (as_it_is, cooled, longer) in errors.items():
    assert cooled < longer and cooled < as_it_is, (at, errors[at])
    print(
        f"from {at}: cooling down beats the checkpoint, and 50 more updates at its rate: yes"
    )

# %% [markdown]
# ## Change the batch
#
# *From now on the batch is twice as large.* Half as many updates see the same images, so the rest of the schedule has to
# pass twice as fast: `plan.take(200).then(plan.drop(200).stretch(0.5))`. (Whether the rate should change with the batch is
# another question. If yours is to double, write `2 * plan.drop(200).stretch(0.5)`.)
#
# Where batches change often, let the clock count samples instead of updates, and nothing has to be stretched.

# %% tags=["pytorch"]
by_samples = lrlib.torch.Scheduler(
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))]), plan.stretch(32), by=32
)
for _ in range(AT):
    by_samples.optimizer.step()
    by_samples.step()
for _ in range(50):
    by_samples.optimizer.step()
    by_samples.step(by=64)  # a batch of 64: the clock goes twice as far
(found,) = by_samples.get_last_lr()
print(f"after 200 batches of 32 and 50 of 64: {by_samples.last_epoch} samples")
print(f"the rate is that of update {200 + 2 * 50} of the plan: {found:.6f}")
assert found == plan(300) == ways["batch doubled"](250)

# %% tags=["keras"]
seen = {"samples": 0}
counting = lrlib.keras.ScheduleCallback(
    plan.stretch(32), by=lambda: seen["samples"]
)
small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
small.compile(keras.optimizers.SGD(0.5), "mse")
for size, batches in ((32, AT), (64, 51)):
    seen["samples"] = size
    data = np.ones((size * batches, 2)), np.zeros((size * batches, 1))
    small.fit(
        *data, batch_size=size, callbacks=[counting], shuffle=False, verbose=0
    )
found = float(small.optimizer.learning_rate)
print(f"in force after 200 batches of 32 and 50 of 64: {found:.6f}")
assert abs(found - plan(300)) < 1e-7

# %% [markdown]
# ## Warm up again
#
# *The optimizer is a new one*: its momentum or Adam's moments were lost, the data changed, or layers were thawed. A short
# ramp protects the weights from its first, badly scaled steps. Let it end where the plan will be by then, so that nothing
# jumps at its end either: `plan.take(200).then(Linear(0.0, plan(230), steps=30)).then(plan.drop(230))`.
#
# A second stage whose optimizer counts from 0 again, as Keras's always does, plays only the rest.

# %%
second_stage = lrlib.Linear(0.0, plan(AT + 30), steps=30).then(plan.drop(AT + 30))
assert all(second_stage(t) == ways["warmed up again"](AT + t) for t in range(300))
assert second_stage(0) == 0 and second_stage(30) == plan(AT + 30)
print(
    f"second stage: {second_stage.length} updates, at its 30th {second_stage(30):.4f}"
)

# %% [markdown]
# ## Branch
#
# *Two ideas, one checkpoint.* Each branch is `plan.cooldown(...)`, or `plan.take(200).then(...)` with something else. All
# of them accept the same checkpoint, and the updates before it are paid for once.

# %% tags=["pytorch"]
for name, branch in branches.items():
    run = torch_run(branch)
    for part, state in zip(run, checkpoint, strict=True):
        part.load_state_dict(state)
    rates = updates(run, 200)
    print(f"{name:6} update 200: {rates[0]:.4f}, update 300: {rates[100]:.4f}")
    assert rates == [branch(t) for t in range(AT, 400)]

# %% [markdown]
# ## Break it: the line that plays the beginning again
#
# `plan.take(200).then(plan.stretch(0.5))` looks like "the first half, then twice as fast". But what comes after `then` begins
# at its own update 0: the warm-up, at update 200, for a second time.

# %%
wrong = plan.take(AT).then(plan.stretch(0.5))
right = ways["batch doubled"]
print("        ", *(f"{t:7}" for t in (199, 200, 210, 220, 300)))
for name, way in (("wrong", wrong), ("right", right)):
    print(f"{name:8}", *(f"{way(t):7.4f}" for t in (199, 200, 210, 220, 300)))
assert wrong(AT) == 0 and right(AT) == plan(AT)

# %%
from lrlib.course.questions import answer

answer("check 1", "plan.drop(200).stretch(0.5)", holds=right(300) == plan(400))
answer("check 2", "refused", holds=stretched(AT) != plan(AT))
answer("check 3", "plan(200)", holds=plan.cooldown(AT, 60)(AT) == plan(AT))

# %% [markdown]
# ## Exercises
#
# 1. A run under `Cosine(0.1, 0.0, steps=1000)` is at update 600 when the batch is halved. Write the schedule, and check
#    that its last update sees as many images as were planned.
# 2. `ReduceLROnPlateau` has no length, so that nothing has to be planned. What does it need instead, and what of the run
#    has to be saved for it?
# 3. Take a cyclical schedule and cool it down from the top of a cycle and from its bottom. Which start does
#    {meth}`~lrlib.Schedule.cooldown` take at the very end of a cycle, and why?
#
# ## What to take away
#
# 1. `take(n)`, `then` and `drop(n)`: what was, what is new, and what is left of the plan.
# 2. A change of plan that agrees up to now loads any checkpoint. One that does not has to say `resume="count"`.
# 3. No checkpoint at a high rate is finished. The same 50 updates give more on the way down than at the old rate.
#
# **Terms:** rate in force, checkpoint, horizon. **Read on:** [Choosing a schedule](choosing.ipynb), *You resume*.

# %% [markdown]
# ## Check yourself
#
# 1. The batch doubles at update 200. After `plan.take(200)` comes **plan.stretch(0.5) / plan.drop(200).stretch(0.5) /
#    plan.drop(200)**.
# 2. A checkpoint of `plan` is loaded at update 200 under `plan.stretch(2)`. `lrlib.torch.Scheduler` has it **refused /
#    accepted / accepted with the old schedule**.
# 3. `plan.cooldown(200, 60)` is at update 200 at **0 / plan(200) / half of plan(200)**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **plan.drop(200).stretch(0.5)**: the rest, twice as fast.
# 2. **refused**: the rate would jump, and nobody said that it should.
# 3. **plan(200)**: it leaves from the rate that is in force there.
#
# </details>
