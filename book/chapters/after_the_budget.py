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
# # After the budget is known
#
# **Goal.** Start a run before you know how long it may take, and lose little by it.
#
# A fall to zero has to know when the end comes. [The figure](#fig-trunk) is the way around that: one run at a constant
# rate, the trunk, with a short fall to zero wherever the budget turns out to end. Beside it are runs that knew their budget
# from the start.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left, rates over updates: a trunk at a constant rate up to 4,950 updates, with cooldowns to zero that branch off before each of four budgets, and four dashed lines to zero that were planned for these budgets. Right, test error on MNIST over the budget, on logarithmic axes: the trunk's cooldowns and the planned lines lie close together at all four budgets; a constant rate without a fall lies above both."}, "figure": {"caption": "MNIST, SGD with momentum. Left: the rates of both ways. Right: test error at four budgets, mean and range of the seeds.", "name": "fig-trunk"}}
import numpy as np
from IPython.display import Markdown, display

import lrlib
from lrlib.course import figures, samples
from lrlib.course.experiments import one_trunk
from lrlib.course.experiments.one_trunk import PARTS, Setting, best_factor
from lrlib.course.figures import plt

figures.use_style()
names = {"digits": "digits", "mnist": "MNIST"}


def factor_of(task, kind, part):
    """The peak chosen on validation images: the trunk's is that of the longest run."""
    return best_factor(task, kind, 1.0 if kind == "trunk" else part)


def results(task, kind, part, factor=None, framework="pytorch", **options):
    """The stored results of new seeds, at the chosen peak if none is given."""
    if factor is None:
        factor = factor_of(task, kind, part)
    every = samples.stored(one_trunk.EXPERIMENTS[task], new=True)
    return every[Setting(task, kind, part, factor, **options).name][framework]


def errors(*arguments, **options):
    """Test errors in percent, one a seed."""
    return np.array([100 - r["test_accuracy"] for r in results(*arguments, **options)])


kinds = {"trunk": "cooldown from the trunk", "line": "planned line", "constant": "constant, no fall"}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
for part in PARTS:
    for kind, style in (("trunk", "-"), ("line", "--")):
        setting = Setting("mnist", kind, part, factor_of("mnist", kind, part))
        at = np.linspace(0, setting.updates, 200)
        left.plot(at, setting.schedule(at), style, color=figures.COLOURS[kind == "line"], lw=1.3)
left.set(xlabel="updates", ylabel="rate", title="one trunk, or a plan for each budget")
budgets = [Setting("mnist", "line", part).updates for part in PARTS]
for k, (kind, label) in enumerate(kinds.items()):
    figures.band(right, budgets, np.transpose([errors("mnist", kind, part) for part in PARTS]), label=label, color=figures.COLOURS[k], linestyle=("-", "--", ":")[k], marker="o")
right.set(xscale="log", yscale="log", xlabel="budget, updates", title="what each gives")
right.set_ylabel("test error, %")
right.set_xticks(budgets, [f"{b:,}" for b in budgets])
right.minorticks_off()
right.legend()
_ = figure

# %% [markdown]
# **You need** [Why a decay works](why_decay.ipynb). **Data:** digits, MNIST. **Cost:** the live cells take less than a
# minute; the measured time stands under the title.
#
# ## The question
#
# "Train until Friday." "Until the loss is good enough." "Until the next shipment of data." Most budgets are like that. A line
# or a cosine to zero that was planned for twice the time is stopped at a high rate, with its noise still in the weights; one
# that was planned for half ends too soon, and must be warmed up again.
#
# Three answers have been proposed. Keep the rate constant and cool down when the end is known {cite}`hagele2024`. Or do not
# let the rate fall at all, and average the last weights instead: an average of many noisy weights has little noise left, and
# it can be taken *afterwards* {cite}`wsm2025`. Or use an optimizer that averages as it goes {cite}`defazio2024`;
# [To zero, in what shape?](to_zero.ipynb) tries that one.
#
# ## Your prediction
#
# 1. Over four budgets, cooldowns from one trunk, with one peak for all, against lines with a peak for each are
#    **clearly worse / about as good / clearly better**.
# 2. The mean of the last fifth of a constant run's weights, against a fall to zero over that fifth, is **clearly worse / about
#    as good / clearly better**.
# 3. Gradient descent with single steps hundreds of times above the stability limit, in the right order, never raises the
#    loss. Against a constant step with the same mean, it ends **far lower / about as low / far higher**.
#
# ## The experiment
#
# In lrlib a cooldown is one word. The plan changes at update 3,960, and nothing before it does.

# %%
trunk = lrlib.Constant(0.1)
cooled = trunk.cooldown(at=3960, steps=990)
print([round(cooled(t), 4) for t in (0, 3960, 4455, 4950)])

# %% [markdown]
# A cooldown is no other run. Up to the update where it leaves, it makes the updates that the trunk makes, so four budgets
# cost one trunk and four short falls. Lines cost a whole run each, and here each is also given its own peak, chosen on
# validation images with seeds of their own; the trunk has one peak for all budgets.

# %% tags=["hide-input"]
rows = []
for task in names:
    whole = Setting(task, "line", 1.0).updates
    lines = sum(Setting(task, "line", part).updates for part in PARTS)
    falls = sum(s.updates - s.begins for s in (Setting(task, "trunk", part) for part in PARTS))
    # The trunk is trained up to where the longest budget's fall begins.
    shared = Setting(task, "trunk", 1.0).begins
    rows.append(
        [
            names[task],
            f"{shared + falls:,} updates",
            f"{lines:,} updates, and as many again for each peak that is tried",
            f"{one_trunk.PEAK[task] * factor_of(task, 'trunk', 1.0):g}",
            ", ".join(f"{one_trunk.PEAK[task] * factor_of(task, 'line', part):g}" for part in PARTS),
        ]
    )
figures.table(["task", "trunk and four cooldowns", "four lines", "the trunk's peak", "the lines' peaks"], rows)

# %% [markdown]
# ## The result
#
# ### One trunk for all budgets

# %% tags=["hide-input"]
from lrlib.course import claims
from lrlib.course.questions import answer
from lrlib.course.stats import mean_sd

rows = []
for task in names:
    for part in PARTS:
        setting = Setting(task, "line", part)
        rows.append(
            [names[task], f"{setting.updates:,}", *(mean_sd(errors(task, kind, part)) for kind in kinds)]
        )
figures.table(["task", "budget, updates", *kinds.values()], rows)

# %% tags=["hide-input"]
trunk_claim = claims.judged("after_the_budget")[0][1]
display(
    Markdown(
        f"Over the four budgets the comparison of cooldowns with lines gives the word *{trunk_claim.word}* "
        f"({trunk_claim.note})."
    )
)

# %% [markdown]
# ### An average instead of a fall
#
# A decay can be had afterwards. Keep every fifth set of weights of the last part of a constant run, and take their mean. In
# PyTorch `torch.optim.swa_utils.AveragedModel` keeps such a mean; in Keras it is `keras.callbacks.SwapEMAWeights` with an
# optimizer that was made with `use_ema=True`, or five lines of one's own. Here it is live, on the digits.

# %% tags=["pytorch"]
import torch

import lrlib.torch
from lrlib.course import pytorch as in_torch
from lrlib.course import tasks

in_torch.one_thread()
average_of = Setting("digits", "average", 1.0, last=0.2)
live = {
    kind: one_trunk.run(Setting("digits", kind, 1.0, last=0.2), "pytorch", [0])[0]
    for kind in ("average", "fall")
}
plain = one_trunk.run(Setting("digits", "constant", 1.0), "pytorch", [0])[0]

# %% tags=["keras"]
from lrlib.course import keras as in_keras

in_keras.one_thread()
live_keras = {
    kind: one_trunk.run(Setting("digits", kind, 1.0, last=0.2), "keras", [0])[0]
    for kind in ("average", "fall")
}
plain_keras = one_trunk.run(Setting("digits", "constant", 1.0), "keras", [0])[0]
