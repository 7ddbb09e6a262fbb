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
# **Goal.** Take a run that is under way and train it longer, stop it early, change its batch, warm it up again or let
# it branch, without a jump of the rate that nobody asked for. The chapters before said what to plan; the workshop
# begins with what to do when the plan changes. [The figure](#fig-ways) has five ways on.

# %% tags=["hide-input"] mystnb={"image": {"alt": "The learning rate over updates. A grey line, the plan, rises to 0.3 by update 40 and falls along a cosine to zero at 400. At update 200, where it is at 0.18, six lines leave it: longer, which falls to zero at 800; cooled down, a line to zero by 260; batch doubled, the plan's own fall in half the time, to 300; warmed up again, from zero back to the plan in 30 updates; and two branches to zero at 400, a straight one and one that bends down."}, "figure": {"caption": "A plan for 400 updates, and five ways on from update 200.", "name": "fig-ways"}}
from IPython.display import Markdown, display

import lrlib
from lrlib.course import figures
from lrlib.course.figures import plt
from lrlib.course.questions import answer

figures.use_style()

AT = 200
plan = lrlib.Linear(0.0, 0.3, steps=40).then(lrlib.Cosine(0.3, 0.0, steps=360))
ways = {
    "longer": plan.take(AT).then(lrlib.Cosine(plan(AT), 0.0, steps=600)),
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
_, ax = plt.subplots(figsize=(8, 3.8))
plan.plot(horizon=400, ax=ax, color="0.75", linestyle="-", lw=4, label="planned")
ax.set_prop_cycle(
    plt.rcParams["axes.prop_cycle"]
)  # the plan has none of its colours
branched = {f"branch: {name}": branch for name, branch in branches.items()}
for name, way in {**ways, **branched}.items():
    times = range(AT, way.length + 1)
    ax.plot(times, [way(t) for t in times], label=name)
ax.axvline(AT, color="0.6", linestyle=":", linewidth=1)
ax.set(
    title="At update 200 the plan changes", xlabel="updates", ylabel="learning rate"
)
ax.legend(loc="upper right")
_ = ax

# %% [markdown]
# **You need** to have trained with a schedule once, in either framework. **Data:** the digits that scikit-learn
# brings. **Cost:** half a minute.
#
# ## The question
#
# Half of a run is over when the plan changes: there is more time than you thought, or less, a larger machine, or a
# second idea. What the rest of the schedule should be is a decision. That the first 200 updates stay as they were,
# and that the rate is not somewhere else at update 201 by accident, is bookkeeping, and it is where runs are lost.
#
# Three operations do the bookkeeping: `a.take(n)` is the first n updates, `a.drop(n)` is the rest, and `b` after them
# is `a.take(n).then(b)`. So the plan itself is `plan.take(n).then(plan.drop(n))`, and each way on in [the
# figure](#fig-ways) puts something else in the place of the second half:

# %%
AT = 200
plan = lrlib.Linear(0.0, 0.3, steps=40).then(lrlib.Cosine(0.3, 0.0, steps=360))

longer = plan.take(AT).then(lrlib.Cosine(plan(AT), 0.0, steps=600))
cooled = plan.cooldown(AT, steps=60)
batch_doubled = plan.take(AT).then(plan.drop(AT).stretch(0.5))
rise = lrlib.Linear(0.0, plan(AT + 30), steps=30)
warmed_up = plan.take(AT).then(rise).then(plan.drop(AT + 30))

# %% tags=["folded"]
assert list(ways.values()) == [longer, cooled, batch_doubled, warmed_up]
rows = []
for name, way in {"as planned": plan, **ways}.items():
    assert all(way(t) == plan(t) for t in range(AT)), name
    assert (way(AT) == plan(AT)) == (name != "warmed up again"), name
    rows.append(
        [name, way.length, *(f"{way(t):.4f}" for t in (199, 200, 201, way.length))]
    )
display(
    figures.table(["", "updates", "rate at 199", "200", "201", "at the end"], rows),
    Markdown(
        "Up to update 199 each has exactly the plan's rates. Three of the new ones go on from the plan's rate at update 200, and the fourth begins again at zero on purpose."
    ),
)

# %% [markdown]
# ## Train longer than planned
#
# *The run goes well, and you want 800 updates instead of 400.* Let the new schedule be the old one up to now, and
# reach zero later. A checkpoint that was made under the old schedule is then accepted, since nothing jumps.

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

second = torch_run(longer)
for part, state in zip(second, checkpoint, strict=True):
    part.load_state_dict(state)
torch_rates = updates(second, 600)

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


rows = np.ones((4 * AT, 2)), np.zeros((4 * AT, 1))  # batches of 4: 200 an epoch
first_keras = keras_run(plan)
first_keras.fit(*rows, batch_size=4, verbose=0)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "checkpoint.keras"
    first_keras.save(path)  # its optimizer's count of updates goes with it
    second_keras = keras.models.load_model(path)
second_keras.optimizer.learning_rate = lrlib.keras.Schedule(longer)
keras_rates = [float(second_keras.optimizer.learning_rate)]
second_keras.fit(*rows, batch_size=4, epochs=3, verbose=0)
keras_rates.append(float(second_keras.optimizer.learning_rate))

# %% tags=["folded"]
assert torch_rates == [longer(t) for t in range(AT, AT + 600)]
assert abs(keras_rates[0] - longer(AT)) < 1e-7 and keras_rates[1] == 0
display(
    Markdown(
        f"In PyTorch the {len(torch_rates)} rates in force are those of the longer schedule, from {torch_rates[0]:.6f} at update 200 to {torch_rates[-1]:.6f} at 799. In Keras the loaded optimizer goes on at {keras_rates[0]:.6f}, and stands at zero after update 800."
    )
)

# %% [markdown]
# The loaded Keras model had not trained yet. One that has keeps its old schedule, under TensorFlow, in a compiled step:
# the optimizer says the new rate and uses the old one, until you call `model.make_train_function(force=True)`.
#
# Training loops that load checkpoints by themselves, such as Lightning's `ckpt_path`, the Trainer's
# `resume_from_checkpoint` or Accelerate's `load_state`, need no more than that: hand them the new schedule.
#
# What if the new schedule does *not* agree with the old one? PyTorch's own schedulers take their numbers from the
# checkpoint and forget what you asked for. `lrlib.torch.Scheduler` refuses, and says what would jump. Here the plan
# is stretched to 800 updates; at update 200 it has then hardly begun to fall.

# %% tags=["pytorch"]
from torch.optim.lr_scheduler import CosineAnnealingLR


def torchs_own(steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    return CosineAnnealingLR(optimizer, steps)


asked = torchs_own(800)
asked.load_state_dict(torchs_own(400).state_dict())
print("PyTorch's cosine, asked for 800 updates, now has", asked.T_max)

stretched = plan.stretch(2)
try:
    torch_run(stretched)[2].load_state_dict(checkpoint[2])
except ValueError as error:
    message = str(error)
    print(message.split(" To go on")[0])

# %% [markdown]
# If you want that jump, say so: `resume="count"` takes the number of updates from the checkpoint and nothing else.

# %% tags=["pytorch"]
run = torch_run(stretched, resume="count")
for part, state in zip(run, checkpoint, strict=True):
    part.load_state_dict(state)

# %% tags=["folded"]
in_force = run[1].param_groups[0]["lr"]
assert asked.T_max == 400 and "would go from" in message
assert in_force == stretched(AT) > 0.9 * 0.3  # it has hardly begun to fall
display(
    Markdown(
        f"The rate in force is now {in_force:.4f}, where the plan had {plan(AT):.4f}: a jump by {100 * (in_force / plan(AT) - 1):.0f} %, this time on request."
    )
)

# %% [markdown]
# ## Stop early, and cool down
#
# *The time is over before the plan is.* A model that was trained at a high rate is better than it looks, for its
# noise is still in it. Do not take the checkpoint as it is; take it down to zero first. `a.cooldown(at, steps)`
# leaves the schedule at update `at` and goes down to zero in `steps`.
#
# How much that gives is quickly tried: a run at a constant rate, cooled down in 50 updates from three of its
# checkpoints. [The figure](#fig-cooldowns) compares that with the checkpoint itself, and with 50 more updates at the
# old rate.

# %% tags=["pytorch"]
from lrlib.course import networks, training
from lrlib.course import pytorch as in_torch
from lrlib.course.experiments import equal_budget

in_torch.one_thread()
x, y, x_test, y_test = equal_budget.TASKS["digits"].images()[:4]
SIZES = equal_budget.PERCEPTRONS["digits"]


def error_after(schedule, seed):
    """Test error in % after the schedule's length."""
    model = in_torch.perceptron(SIZES, networks.dense_weights(SIZES, seed))
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    order = training.batch_order(len(x), 32, 12, seed)[: schedule.length]
    in_torch.train(model, optimizer, x, y, order, scheduler=scheduler)
    return 100 - in_torch.evaluate(model, x_test, y_test)[1]


trunk = lrlib.Constant(0.1)
errors = {
    at: [
        [error_after(schedule, seed) for seed in range(10)]
        for schedule in (
            trunk.take(at),
            trunk.cooldown(at, 50),
            trunk.take(at + 50),
        )
    ]
    for at in (100, 200, 400)
}

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Test error for checkpoints after 100, 200 and 400 updates, three marks each with their ten seeds. From each checkpoint the cooled run is lowest, near 3, 2 and 1.5 percent; the checkpoint itself is highest, near 5.5, 3.5 and 2.7; 50 more updates at the old rate are in between."}, "figure": {"caption": "Test error on the digits, ten seeds in PyTorch, trained when this page was made: each seed as a dot, the mean as a bar.", "name": "fig-cooldowns"}}
labels = (
    "the checkpoint as it is",
    "cooled down in 50 updates",
    "50 more at its rate",
)
_, ax = plt.subplots(figsize=(8, 3.4))
for place, found in enumerate(errors.values()):
    for k, (label, ten) in enumerate(zip(labels, found, strict=True)):
        at, colour = place + 0.25 * (k - 1), figures.COLOURS[k]
        ax.plot([at] * 10, ten, "o", color=colour, alpha=0.4, markersize=4)
        mean = sum(ten) / 10
        ax.plot(
            [at - 0.09, at + 0.09],
            [mean, mean],
            "-",
            color=colour,
            linewidth=3,
            label=label if place == 0 else None,
        )
ax.set(
    ylim=0,
    ylabel="test error, %",
    title="Fifty updates on the way down give more than fifty at the old rate",
)
ax.set_xticks(range(3), [f"checkpoint at {at}" for at in errors])
ax.legend()
_ = ax

# %% tags=["folded"]
mean_errors = {at: [sum(ten) / 10 for ten in found] for at, found in errors.items()}
for at, (as_it_is, down, more) in mean_errors.items():
    assert down < 0.67 * as_it_is and down < 0.85 * more, (at, mean_errors[at])
display(
    Markdown(
        f"From each of the {len(mean_errors)} checkpoints, cooling down takes away a third of the test error or more, on average over ten seeds. "
        "It also ends at least 15 % below what the same 50 updates give at the old rate."
    )
)

# %% [markdown]
# [After the budget is known](after_the_budget.ipynb) asks how such a cooldown does against a plan that knew the end.
#
# ## Change the batch
#
# *From now on the batch is twice as large.* Half as many updates see the same images, so the rest of the schedule has
# to pass twice as fast: `plan.take(200).then(plan.drop(200).stretch(0.5))`. (Whether the rate should change with the
# batch is another question, which [Momentum, noise and batch](momentum_and_noise.ipynb) takes up. If yours is to
# double, write `2 * plan.drop(200).stretch(0.5)`.)
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
torch_rate = by_samples.get_last_lr()[0]

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
keras_rate = float(small.optimizer.learning_rate)

# %% tags=["folded"]
assert by_samples.last_epoch == 200 * 32 + 50 * 64
assert torch_rate == plan(300) == batch_doubled(250)
assert abs(keras_rate - plan(300)) < 1e-7
display(
    Markdown(
        f"After 200 batches of 32 and 50 of 64 the clock stands at {by_samples.last_epoch:,} samples. The rate in force is {torch_rate:.6f} in PyTorch and {keras_rate:.6f} in Keras, which is the plan's at update 300, where it would have seen as many."
    )
)

# %% [markdown]
# ## Warm up again
#
# *The optimizer is a new one*: its momentum or Adam's moments were lost, the data changed, or layers were thawed. A
# short ramp protects the weights from its first, badly scaled steps. Let it end where the plan will be by then, so
# that nothing jumps at its end either: `plan.take(200).then(Linear(0.0, plan(230), steps=30)).then(plan.drop(230))`.
#
# This one jumps at update 200, to zero and on purpose, so a checkpoint of the old plan is refused until you say
# `resume="count"`. A second stage whose optimizer is new, and counts from 0 again, plays only the rest:

# %%
second_stage = lrlib.Linear(0.0, plan(AT + 30), steps=30).then(plan.drop(AT + 30))

# %% tags=["folded"]
assert all(second_stage(t) == warmed_up(AT + t) for t in range(300))
assert second_stage(0) == 0 and second_stage(30) == plan(AT + 30)
refused = torch_run(warmed_up)[2]
try:
    refused.load_state_dict(checkpoint[2])
except ValueError as error:
    assert "would go from" in str(error), error
else:
    raise AssertionError("a jump to zero is accepted; the text says not")
for accepted in (longer, cooled, batch_doubled):
    torch_run(accepted)[2].load_state_dict(checkpoint[2])
display(
    Markdown(
        f"It lasts {second_stage.length} updates, begins at {second_stage(0):.0f}, and joins the plan at {second_stage(30):.4f} after 30 of them."
    )
)

# %% [markdown]
# ## Branch
#
# *Two ideas, one checkpoint.* Each branch is `plan.cooldown(...)`, or `plan.take(200).then(...)` with something else.
# Those that begin at the plan's rate accept the same checkpoint, and the updates before it are paid for once.

# %% tags=["pytorch"]
branch_rates = {}
for name, branch in branches.items():
    run = torch_run(branch)
    for part, state in zip(run, checkpoint, strict=True):
        part.load_state_dict(state)
    branch_rates[name] = updates(run, 200)

# %% tags=["folded"]
for name, branch in branches.items():
    assert branch_rates[name] == [branch(t) for t in range(AT, 400)], name
halfway = {name: rates[100] for name, rates in branch_rates.items()}
display(
    Markdown(
        f"Both branches start at {branch_rates['line'][0]:.4f}. Halfway down, at update 300, the line is at {halfway['line']:.4f} and the other, 1 − √, at {halfway['1 − √']:.4f}."
    )
)

# %% [markdown]
# ## Break it: a schedule that plays its beginning again
#
# `plan.take(200).then(plan.stretch(0.5))` looks like "the first half, then twice as fast". But what comes after
# `then` begins at its own update 0, so the warm-up is played for a second time, as [the figure](#fig-played-again)
# shows.

# %%
wrong = plan.take(AT).then(plan.stretch(0.5))
right = plan.take(AT).then(plan.drop(AT).stretch(0.5))

# %% tags=["hide-input"] mystnb={"image": {"alt": "Rates over 400 updates. Both rise to 0.3 and fall to 0.18 at update 200. The right one goes on falling, twice as fast, to zero at update 300. The wrong one drops to zero at update 200, rises to 0.3 again by 220, and falls to zero at 400."}, "figure": {"caption": "Two attempts to pass the rest of the plan twice as fast.", "name": "fig-played-again"}}
_, ax = plt.subplots(figsize=(8, 3))
for label, way in (("with drop(200)", right), ("without", wrong)):
    times = range(way.length + 1)
    ax.plot(times, [way(t) for t in times], label=label)
ax.set(
    xlabel="updates",
    ylabel="learning rate",
    title="Without drop, the second half begins at the beginning",
)
ax.legend()
_ = ax

# %% tags=["folded"]
assert wrong(AT) == 0 and right(AT) == plan(AT) and right(300) == 0
answer("check 1", "plan.drop(200).stretch(0.5)", holds=right(300) == plan(400))
answer("check 2", "refused", holds="would go from" in message)
answer("check 3", "plan(200)", holds=plan.cooldown(AT, 60)(AT) == plan(AT))
display(
    Markdown(
        f"At update 199 both are at {wrong(199):.4f}. At 200 the right one is at {right(200):.4f} and the wrong one at {wrong(200):.0f}; at 220 they are at {right(220):.4f} and {wrong(220):.4f}. At update 300, where the right one is done, the wrong one is back at {wrong(300):.4f}."
    )
)

# %% [markdown]
# ## Exercises
#
# Each takes seconds.
#
# 1. A run under `Cosine(0.1, 0.0, steps=1000)` is at update 600 when the batch is halved. Write the schedule, and
#    check that the whole run sees as many images as were planned.
# 2. `ReduceLROnPlateau` has no length, so that nothing has to be planned. What does it need instead, and what of the
#    run has to be saved for it? Print its `state_dict()` after one measurement.
# 3. `CosineRestarts(0.1, 0.0, 100)` starts again every 100 updates. Cool it down in 20 updates from update 99, and
#    from update 100. From which rate does each leave, and why? ([The bug museum](bug_museum.ipynb) has a cosine
#    that rises again when nobody wants it.)
#
# ## What to take away
#
# 1. `take(n)`, `then` and `drop(n)`: what was, what is new, and what is left of the plan.
# 2. A new plan that goes on from the old rate loads the old checkpoint. One that jumps has to say `resume="count"`.
# 3. Do not judge a checkpoint that was made at a high rate. On the digits, fifty updates on the way down took a third of
#    its test error away or more, and fifty at the old rate took less.
#
# **Terms:** rate in force, checkpoint, horizon. **Read on:** [Choosing a schedule](choosing.ipynb), *You resume*.

# %% [markdown]
# ## Check yourself
#
# 1. The batch doubles at update 200. After `plan.take(200)` comes **plan.stretch(0.5) / plan.drop(200).stretch(0.5) /
#    plan.drop(200)**.
# 2. A checkpoint of `plan` is loaded at update 200 under `plan.stretch(2)`. `lrlib.torch.Scheduler` has it **refused
#    / accepted / accepted with the old schedule**.
# 3. `plan.cooldown(200, 60)` is at update 200 at **0 / plan(200) / half of plan(200)**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **plan.drop(200).stretch(0.5)**: the rest, twice as fast. Without `drop` the warm-up is played again, and without
#    `stretch` the rest of the run sees twice the images that were planned for it.
# 2. **refused**: the rate would jump, and nobody said that it should. Taking the old schedule without a word is what
#    PyTorch's own schedulers do.
# 3. **plan(200)**: it leaves from the rate that is in force there, and is at zero 60 updates later.
#
# </details>
