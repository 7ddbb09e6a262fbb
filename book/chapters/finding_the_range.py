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
# # Finding the range
#
# **Goal.** Run the learning-rate range test, read a rate from its curve, and know when not to.
#
# **You need** a network trained once in either framework. **Data:** the 10,000 MNIST test images, as the source used
# them, and the MNIST training images. **Cost:** two sweeps of a ResNet-18 run live, about a minute
# and a half in all on two cores; the measured time stands under the title.
#
# The test is Leslie Smith's {cite}`smith2017`. Train for a few updates while the rate rises from far too small to far
# too large, and record the loss at each rate. The source here is a tutorial by B. Krishnan (2020) that did so for a
# ResNet-18 on a subset of MNIST.

# %% [markdown]
# ## The question
#
# The source swept Adam's rate from 1e-7 to 10 in 100 steps. Its finder suggested **5.21e-4**, and it read a usable range
# of **3e-4 to 1e-3** off the curve. It then trained at other rates than these. Would another seed, another framework or
# another rule have said the same?

# %% [markdown]
# ## Your prediction
#
# Choose before you read on.
#
# 1. Over five seeds, each rule's suggested rates agree within a factor of **1.5 / 3 / 10**. (The smallest that holds for
#    every rule.)
# 2. Most finders smooth the curve with a running average. That moves their answer to **lower / higher** rates.
# 3. Shown a flat, noisy curve that supports no rate, well-known finders return **nothing / a warning / a number**.

# %% [markdown]
# ## The experiment
#
# ### One sweep, in both frameworks
#
# A finder must leave no trace: weights, optimizer, random generators and rates have to be afterwards what they were
# before. Both frameworks get the same initial weights and the same batches.

# %%
import numpy as np

import lrlib
from lrlib.course import figures, networks, study, training
from lrlib.course.experiments import finding_the_range, step_and_plateau
from lrlib.course.figures import plt, show_source

figures.use_style()
images, labels = finding_the_range.images()
batches = finding_the_range.batches(seed=0)
whole = networks.resnet18_weights(channels=1, classes=10, seed=0)
weights = networks.resnet18_weights(channels=1, classes=10, seed=0, size=28)
print("images:", images.shape, "batches:", len(batches), "of", batches[0][0].shape)
print("trainable numbers in ResNet-18:", sum(array.size for array in whole))
print("of them ever meet a pixel here:", sum(array.size for array in weights))

# %% [markdown]
# ResNet-18 was made for images of 224 × 224. On 28 × 28 its last layers see a single position, so all but the middle of
# their 3 × 3 kernels multiply padding. Those numbers get no gradient and never change. The course leaves them out: the
# training is the same, for less work.

# %% tags=["pytorch"]
from lrlib.course import pytorch as in_torch

in_torch.one_thread()
show_source(in_torch.Block, in_torch.resnet18)

# %% tags=["keras"]
from lrlib import course

with course.fast_convolutions():
    from lrlib.course import keras as in_keras

in_keras.one_thread()
show_source(in_keras.resnet18)

# %% tags=["pytorch"]
import torch

import lrlib.torch

model = in_torch.resnet18(weights)
optimizer = torch.optim.Adam(model.parameters(), eps=finding_the_range.ADAM_EPSILON)
torch_batches = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]
before = in_torch.weights(model)
torch_sweep = lrlib.torch.range_test(
    model,
    optimizer,
    torch.nn.functional.cross_entropy,
    torch_batches,
    **finding_the_range.SWEEP,
)
after = in_torch.weights(model)
restored_torch = all((a == b).all() for a, b in zip(before, after, strict=True))
print("weights are bit for bit what they were:", restored_torch)
print(
    "the optimizer's rate is",
    optimizer.param_groups[0]["lr"],
    "and its state is empty:",
    not optimizer.state,
)

# %% tags=["keras"]
import keras

import lrlib.keras

model = in_keras.resnet18(weights, size=28)
model.compile(
    keras.optimizers.Adam(epsilon=finding_the_range.ADAM_EPSILON),
    in_keras.cross_entropy,
)
before = in_keras.weights(model)
keras_sweep = lrlib.keras.range_test(model, batches, **finding_the_range.SWEEP)
after = in_keras.weights(model)
restored_keras = all((a == b).all() for a, b in zip(before, after, strict=True))
print("weights are bit for bit what they were:", restored_keras)
print(
    f"the optimizer's rate is {float(model.optimizer.learning_rate):g}; updates counted:",
    int(model.optimizer.iterations),
)

# %% tags=["nbval-ignore-output"]
for name, sweep in (("PyTorch", torch_sweep), ("Keras", keras_sweep)):
    print(
        f"{name}: {sweep!r}, loss {sweep.losses[0]:.2f} at first, lowest {min(sweep.losses):.2f}"
    )
    for rule in ("steepest", "valley", "minimum/10"):
        found = sweep.suggest(rule)
        print(
            f"   {rule:10} {found.lr and format(found.lr, '.2e')}  ({found.reason})"
        )

# %%
from lrlib.course.questions import answer

answer("check 4", "what they were before", holds=restored_torch and restored_keras)
shared = min(len(torch_sweep.rates), len(keras_sweep.rates), 40)
apart = np.abs(
    np.array(torch_sweep.losses[:shared]) - np.array(keras_sweep.losses[:shared])
).max()
print("both sweeps begin at", torch_sweep.rates[0], "and", keras_sweep.rates[0])
print(
    f"first {shared} losses of the two frameworks within 0.05 of each other:",
    bool(apart < 0.05),
)
assert apart < 0.05, f"the two frameworks' losses differ by {apart}"
for sweep in (torch_sweep, keras_sweep):
    for rule in ("steepest", "valley", "minimum/10"):
        found = sweep.suggest(rule).lr
        assert found is not None and 1e-5 < found < 1e-1, (rule, found)
print("each of the three rules gives a rate between 1e-5 and 1e-1 in both: yes")

# %% [markdown]
# ## The result
#
# One sweep is one draw of weights and batches. The stored sweeps are five of each kind. The source measured each loss on
# held-out images after the update; most finders use the training batch before it. We have both. A stored sweep ends at its
# first loss above four times the lowest one. The live sweeps above go on farther, since `lrlib` now waits for several
# such losses in a row.

# %%
stored = study.load("finding_the_range")
KINDS = {
    "training-batches": "training batches",
    "held-out-batches": "held-out batches",
}
LABELS = {"pytorch": "PyTorch", "keras": "Keras"}
sweeps = {
    (kind, framework): lrlib.combine(
        lrlib.RangeTest.from_dict(run["range_test"])
        for run in stored[kind][framework]
    )
    for kind in KINDS
    for framework in LABELS
}
print(
    "sweeps of each kind:", {len(combined.results) for combined in sweeps.values()}
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels of loss against learning rate on a logarithmic scale, for PyTorch and Keras, measured on training and on held-out batches. Each curve is flat, falls between about 1e-5 and 1e-2, and rises steeply after. Vertical lines mark the suggestions; the source's suggestion and range are marked too."}, "figure": {"caption": "The range test of a ResNet-18 on the MNIST subset: median and range over five seeds. Vertical lines are the median suggestions of three rules, the bar at the foot is Smith's range; the grey band is the range that the source read off its curve, the black line its suggestion.", "name": "fig-range"}}
RULES = ("steepest", "valley", "minimum/10")
figure, axes = plt.subplots(2, 2, figsize=(9, 7), sharex=True, sharey=True)
for (kind, framework), combined in sweeps.items():
    ax = axes[list(KINDS).index(kind), list(LABELS).index(framework)]
    ax.plot(
        combined.rates, combined.losses, color=figures.COLOURS[0], linestyle="-"
    )
    ax.fill_between(
        combined.rates, combined.low, combined.high, alpha=0.15, linewidth=0
    )
    ax.axvspan(3e-4, 1e-3, color="0.85", zorder=0)
    ax.axvline(
        5.21e-4, color="black", linestyle="-", linewidth=1, label="source: 5.21e-4"
    )
    for rule, colour, line in zip(
        RULES, figures.COLOURS[1:], figures.LINES[1:], strict=False
    ):
        found = combined.suggest(rule).lr
        if found is not None:
            ax.axvline(
                found, color=colour, linestyle=line, label=f"{rule}: {found:.1e}"
            )
    smith = combined.suggest("smith")
    if smith.base_lr is not None and smith.max_lr is not None:
        label = f"smith: {smith.base_lr:.1e} to {smith.max_lr:.1e}"
        span = [smith.base_lr, smith.max_lr]
        ax.plot(
            span,
            [0.2, 0.2],
            color=figures.COLOURS[4],
            linestyle="-",
            linewidth=5,
            label=label,
        )
    ax.set(xscale="log", ylim=(0, 5), title=f"{LABELS[framework]}, {KINDS[kind]}")
    ax.legend(fontsize="small", loc="upper left")
for ax in axes[-1]:
    ax.set_xlabel("learning rate")
for ax in axes[:, 0]:
    ax.set_ylabel("loss")
_ = figure


# %% tags=["hide-input"]
def shown(number):
    return "–" if number is None else f"{number:.1e}"


rows = []
for (kind, framework), combined in sweeps.items():
    for rule in RULES:
        found = combined.suggest(rule)
        low, high = found.spread.get("lr", (None, None))
        given = sum(one.lr is not None for one in found.each)
        rows.append(
            [
                KINDS[kind],
                LABELS[framework],
                rule,
                shown(found.lr),
                f"{shown(low)} to {shown(high)}",
                given,
            ]
        )
    found = combined.suggest("smith")
    rows.append(
        [
            KINDS[kind],
            LABELS[framework],
            "smith",
            f"{shown(found.base_lr)} to {shown(found.max_lr)}",
            "; ".join(
                f"{name} {shown(low)} to {shown(high)}"
                for name, (low, high) in found.spread.items()
            ),
            sum(one.max_lr is not None for one in found.each),
        ]
    )
figures.table(
    [
        "losses on",
        "framework",
        "rule",
        "median",
        "lowest to highest",
        "seeds that gave one",
    ],
    rows,
)

# %% [markdown]
# ## Reading the result
#
# The vertical lines of [the figure](#fig-range) are medians. How far apart do the seeds of one rule lie?

# %%
lrs = {
    (kind, framework, rule): [
        one.lr for one in combined.suggest(rule).each if one.lr is not None
    ]
    for (kind, framework), combined in sweeps.items()
    for rule in RULES
}
factors = {}
for rule in RULES:
    each = [
        max(found) / min(found) for (*_, name), found in lrs.items() if name == rule
    ]
    factors[rule] = max(each)
    print(
        f"{rule:10} seeds differ by a factor of {min(each):.1f} to {max(each):.1f}"
    )
everything = [rate for found in lrs.values() for rate in found]
print(
    f"all rules, seeds, frameworks: {min(everything):.1e} to {max(everything):.1e}"
)
widest = max(factors, key=factors.get)
print(f"one rule's seeds agree within a factor of {factors[widest]:.1f} ({widest})")
answer("prediction 1", "3", holds=1.5 < factors[widest] <= 3)
answer("check 1", "repeat it over seeds", holds=round(factors["valley"], 1) == 1.7)

# %%
from lrlib.course.stats import prediction_interval


def contains(figure, rates):
    """Whether one more sweep like these may suggest ``figure``: 95 % of sweeps, in log10."""
    low, high = prediction_interval(np.log10(rates))
    return low <= np.log10(figure) <= high


for kind, label in KINDS.items():
    for rule in RULES:
        holds = [
            contains(5.21e-4, lrs[kind, framework, rule]) for framework in LABELS
        ]
        print(
            f"5.21e-4 from {label}, {rule}: PyTorch {'yes' if holds[0] else 'no'}, Keras {'yes' if holds[1] else 'no'}"
        )

# %% [markdown]
# Does it matter where the loss is measured? Held-out losses are taken in evaluation mode, in which batch normalisation
# uses running statistics, and these are only a few updates old. Here is the ratio of the two answers, and what two
# well-known rules with running averages say of the same sweeps.

# %%
from lrlib.course import peer_range_rules

moved = []
for framework, label in LABELS.items():
    by_kind = [np.median(lrs[kind, framework, "steepest"]) for kind in KINDS]
    moved.append(by_kind[1] / by_kind[0])
    print(f"{label}: steepest on held-out over training batches, {moved[-1]:.1f}")
    for name in ("torch-lr-finder", "fastai steep"):
        found = [
            peer_range_rules.FINDERS[name](one)
            for one in sweeps["held-out-batches", framework].results
        ]
        print(
            f"   {name:15} on held-out batches: {min(found):.1e} to {max(found):.1e}"
        )
answer(
    "check 2",
    "moved to a rate about five times higher",
    holds=all(round(times, 1) == 5.3 for times in moved),
)

# %% [markdown]
# ### Smith's own form: the accuracy
#
# Smith reads the bounds of a cycle off the *accuracy*: `base_lr` where it begins to rise, `max_lr` where it stops
# rising or becomes ragged. Here is his form on the perceptron of [Step decay and reduce-on-plateau on
# MNIST](step_and_plateau.ipynb), with plain SGD.


# %% tags=["pytorch"]
def accuracy(outputs, targets):
    return (outputs.argmax(1) == targets).float().mean().item()


(x_train, y_train), _ = step_and_plateau.images()
order = training.batch_order(len(x_train), 500, epochs=1, seed=0)
model = in_torch.perceptron(
    step_and_plateau.SIZES, networks.dense_weights(step_and_plateau.SIZES, seed=0)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
pairs = [
    (torch.from_numpy(x_train[rows]), torch.from_numpy(y_train[rows]).long())
    for rows in order
]
smith_torch = lrlib.torch.range_test(
    model,
    optimizer,
    torch.nn.functional.cross_entropy,
    pairs,
    start=1e-4,
    end=100.0,
    metric=accuracy,
)
print("accuracies recorded:", len(smith_torch.accuracies) == len(smith_torch.rates))

# %% tags=["keras"]
model = in_keras.perceptron(
    step_and_plateau.SIZES, networks.dense_weights(step_and_plateau.SIZES, seed=0)
)
model.compile(
    keras.optimizers.SGD(0.1), in_keras.cross_entropy, metrics=["accuracy"]
)
pairs = [(x_train[rows], y_train[rows]) for rows in order]
smith_keras = lrlib.keras.range_test(model, pairs, start=1e-4, end=100.0)
print("accuracies recorded:", len(smith_keras.accuracies) == len(smith_keras.rates))

# %% tags=["nbval-ignore-output"]
for name, sweep in (("PyTorch", smith_torch), ("Keras", smith_keras)):
    found = sweep.suggest("smith")
    print(
        f"{name}: base_lr {shown(found.base_lr)}, max_lr {shown(found.max_lr)} ({found.reason})"
    )

# %%
for sweep in (smith_torch, smith_keras):
    found = sweep.suggest("smith")
    assert found.base_lr is not None and found.max_lr is not None, found
    assert 1e-4 < found.base_lr < found.max_lr < 100, found
print("both frameworks support a range with base_lr below max_lr: yes")

# %% [markdown]
# ## Can a finder be believed?
#
# On a real network nobody knows the right answer. On a made curve we do. Here are 100 noisy curves that fall along half
# a cosine, each with a known steepest point. The rules of well-known finders, written from their published definitions,
# read them beside ours.

# %%
curves = [peer_range_rules.curve(seed) for seed in range(100)]
scores = {
    name: peer_range_rules.score(finder, curves)
    for name, finder in peer_range_rules.FINDERS.items()
}
rows = [
    [
        name,
        f"{s.bias:+.2f}",
        f"{s.iqr:.2f}",
        f"{100 * s.beyond:.0f} %",
        f"{100 * s.refused:.0f} %",
    ]
    for name, s in scores.items()
]
figures.table(
    [
        "finder",
        "bias, decades",
        "interquartile range",
        "beyond the minimum",
        "no number",
    ],
    rows,
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Box plots of the distance in decades between each finder's suggestion and the steepest point of 100 made curves. The steepest rule of lrlib is centred on zero with a narrow box; the others that aim at the steepest point lie to the right of it."}, "figure": {"caption": "Distance of each suggestion from the known steepest point, 100 made curves; right means a higher rate. Rules that aim elsewhere (valley, slide, minimum/10) are off by intent; their width still counts.", "name": "fig-finders"}}
distances = {
    name: [
        np.log10(found / curve.steepest)
        for curve in curves
        if (found := finder(curve.result)) is not None
    ]
    for name, finder in peer_range_rules.FINDERS.items()
}
figure, ax = plt.subplots(figsize=(8, 4.5))
names = list(distances)[::-1]
ax.boxplot(
    [distances[name] for name in names],
    orientation="horizontal",
    whis=(5, 95),
    showfliers=False,
)
ax.axvline(0, color="0.5", linewidth=1, linestyle="-")
ax.set(
    xlabel="decades from the steepest point",
    yticks=range(1, len(names) + 1),
    yticklabels=names,
)
ax.grid(axis="x", alpha=0.3)
_ = figure

# %%
ours, theirs = scores["lrlib steepest"], scores["fastai steep"]
print(
    f"lrlib steepest: bias {ours.bias:+.2f} decades; fastai's running average: {theirs.bias:+.2f}"
)
answer("prediction 2", "higher", holds=theirs.bias > abs(ours.bias))

# %% [markdown]
# In [the figure](#fig-finders) torch-lr-finder and fastai's steepest rule, which average over what came before, lie to
# the right of zero.

# %% [markdown]
# ## Break it: a curve that supports no rate
#
# Show the finders 100 curves that are nothing but noise around a level loss.

# %%
ladder = lrlib.finder.ladder(1e-7, 10.0, 100)
level = [
    lrlib.RangeTest(
        ladder, 2.3 + 0.1 * np.random.default_rng(seed).standard_normal(100)
    )
    for seed in range(100)
]
for name, finder in peer_range_rules.FINDERS.items():
    answered = sum(finder(result) is not None for result in level)
    print(f"{name:20} gave a number for {answered:3} of {len(level)} level curves")
peers = sum(
    peer_range_rules.FINDERS[name](level[0]) is not None
    for name in peer_range_rules.PEERS
)
print(
    f"{peers} of {len(peer_range_rules.PEERS)} well-known rules answer noise with a number"
)
all_answer = peers == len(peer_range_rules.PEERS) == 6
answer("prediction 3", "a number", holds=all_answer)
answer("check 3", "no", holds=all_answer)
print("lrlib says why not:", level[0].suggest("steepest").reason)

# %% [markdown]
# **Your predictions:**
#
# 1. **3**: the widest rule's suggestions differ by a factor of 1.7, so 1.5 is not enough.
# 2. **higher**: a running average lags behind the curve.
# 3. **a number**: all six rules gave one, for every curve.

# %% [markdown]
# ## Verdicts
#
# A range is read off one sweep, so the claims about it ask in how many of our sweeps it is so: more than half of them,
# by new seeds. Losses are those on held-out images, as the source measured. Finders of its time took the steepest
# point. The source's range was read by eye, and Smith's rule is the nearest to that. [Claims and
# verdicts](verdicts.ipynb) explains the words, and has all claims.

# %% tags=["hide-input"]
from lrlib.course import claims

claims.table("finding_the_range")

# %%
print("verdicts:", claims.counts("finding_the_range"))
print("seeds a cell:", len(stored["held-out-batches"]["pytorch"]))
print("stored on:", stored["held-out-batches"]["pytorch"][0]["hardware"])

# %% [markdown]
# ## Exercises
#
# 1. Run the sweep of the perceptron with ten times as many steps. By how much does each suggestion move?
# 2. Sweep with momentum 0.9. Where do `base_lr` and `max_lr` go, and why?
# 3. Write a rule of your own as a function of `result.rates` and `result.losses`, and score it with
#    `peer_range_rules.score`.
#
# ## What to take away
#
# 1. A range test gives a region, not a rate: look at its spread over seeds before you trust a digit.
# 2. A running average lags behind the curve, so the rate it reports is not the rate at which the loss fell.
# 3. A finder that cannot say "no" will answer for noise too.
#
# **Terms:** range test, steepest point, valley, divergence. **Read on:** {cite}`smith2017`.
#
# ## Check yourself
#
# 1. A finder says 9.1e-4. Before you trust the digits you **repeat it over seeds / take more steps / smooth more**.
# 2. Here the losses were measured on held-out batches instead of training batches. The steepest point **stayed / moved to
#    a rate about five times higher / moved to a rate about five times lower**.
# 3. A finder returns a number. That shows that the curve supports one: **yes / no**.
# 4. After a range test, the weights and the optimizer's rate are **what they were before / those of the best step / those
#    of the last step**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **repeat it over seeds**: the suggestions of one rule differed by a factor of up to 1.7.
# 2. **moved to a rate about five times higher**: 5.3 times in both frameworks.
# 3. **no**: six of six well-known rules gave a number for pure noise.
# 4. **what they were before**: a finder leaves no trace, and here both were compared.
#
# </details>
