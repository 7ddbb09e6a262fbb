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
# # Case study: Q-AGREL on digits
#
# **Goal.** Run a demo's comparison of a constant and a cyclical rate again, in PyTorch and in Keras, and see what its
# gap of twenty points is made of. On the way: read the rates that a schedule *yields* before you train with it, and look
# at the distribution over repetitions, not at the mean alone.
#
# **You need** matrix products and a first network trained once; no backpropagation. **Data:** scikit-learn's digits,
# which come with it. **Cost:** the live cells take half a minute to a minute on two cores; the measured time stands
# under the title.
#
# The source is a demo in the hebbnets repository {cite}`hebbnets`. Its code is short, readable and open, and that is
# why its slips could be found at all.

# %% [markdown]
# ## The question
#
# Q-AGREL {cite}`pozzi2018` learns by reward. The network is shown an image and says a class. It is told *right* or
# *wrong*, and nothing else. The rule is meant as a model of the brain: each weight changes by what its two ends know.
#
# The demo trains such a network ten times with each of two schedules. The rate is fixed within an epoch.
#
# | run | rate, in the source's words | published accuracy |
# | --- | --- | --- |
# | constant | 0.01 | 70.417 % |
# | cyclical | between 0.005 and 0.02, period 4 epochs | 90.694 % |
#
# Settings: 1437 training and 360 test images; layers of 300, 100, 100, 100 and 10 units, ReLU; one image an update; 10
# epochs; the mean of 10 repetitions. It claims faster convergence and higher accuracy for the cycle. It chose a network
# "deeper than necessary", to show the difference better.

# %% [markdown]
# ## Your prediction
#
# Choose before you read on.
#
# 1. The source's schedule object is asked for a cycle 0.005–0.02 with period 4. In the first four epochs it yields
#    **0.005, 0.0125, 0.02, 0.0125 / 0.005, 0.02, 0.005, 0.02 / something else**.
# 2. Forty repetitions at the constant rate 0.01 end **close together / spread evenly / mostly well, a few in ruins**.
# 3. The accuracy of a cycle that stays below the rates that fail, against a constant rate with the same mean, is **higher /
#    not told apart / lower**.

# %% [markdown]
# ## The experiment
#
# ### Data
#
# The source scales the pixels by their 1st and 99th percentiles. Every fifth image is for testing.

# %%
import itertools

import numpy as np

import lrlib
from lrlib.course import figures, study
from lrlib.course.data import digits
from lrlib.course.experiments import q_agrel
from lrlib.course.figures import plt, show_source

figures.use_style()
data = q_agrel.images()
print("training images:", data.x.shape, "test images:", data.x_test.shape)
print(
    "pixels from",
    data.x.min(),
    "to",
    data.x.max(),
    "; classes:",
    *np.unique(data.y),
)
updates = q_agrel.EPOCHS * len(data.x)
print("updates in ten epochs:", updates)

# %% [markdown]
# ### What both frameworks share
#
# Ten repetitions run at once: every array has an axis over repetitions. Each repetition still sees one image an update.
# All that is random is drawn once, in NumPy, and given to both frameworks.

# %%
from lrlib.course.experiments.q_agrel.draws import draw

draws = draw(q_agrel.SIZES, range(q_agrel.REPETITIONS), q_agrel.EPOCHS)
print("forward weights: ", *(w.shape for w in draws.forward))
print("feedback weights:", *(v.shape for v in draws.feedback))
print("order of the images, epochs × images × repetitions:", draws.rows.shape)
print(f"share of actions that are sampled: {draws.explore.mean():.2f}")
show_source(draw)

# %% [markdown]
# ### The algorithm
#
# A network has forward weights $W_l$ and feedback weights $V_l$ of its own. An update goes in four steps.
#
# 1. **Forward.** $a_0 = x$, $a_l = g(W_l^\top a_{l-1})$. The output $q = a_L$ is linear: how much reward each class
#    promises.
# 2. **Action.** Class $k$ is sampled from softmax(*q*) half of the time, else it is the largest. The reward $r$ is 1 if $k$
#    is right, else 0. The error of the prediction is $\delta = r - q_k$.
# 3. **Feedback.** $b_L$ is 1 at $k$ and 0 elsewhere; $b_{l-1} = h(V_l^\top b_l)$.
# 4. **Update.** $\Delta W_l = \eta\,\delta\, a_{l-1} (g'(a_l) \odot b_l)^\top$ and
#    $\Delta V_l = \eta\,\delta\, b_l (h'(b_{l-1}) \odot a_{l-1})^\top$.
#
# There is no optimizer. The rate η of an epoch is asked of a schedule on a clock of epochs.

# %% tags=["pytorch"]
from lrlib.course import pytorch as in_torch
from lrlib.course.experiments.q_agrel import pytorch as q_agrel_pytorch

in_torch.one_thread()
show_source(q_agrel_pytorch.forward, q_agrel_pytorch.learn, q_agrel_pytorch.run)

# %% tags=["keras"]
from lrlib.course import keras as in_keras
from lrlib.course.experiments.q_agrel import keras as q_agrel_keras

in_keras.one_thread()
show_source(q_agrel_keras.forward, q_agrel_keras.learn, q_agrel_keras.run)

# %% [markdown]
# In the source's code the ReLU gets lost on the way to the layers, so $g$ and $h$ are the identity. We run first what
# it ran; *Break it* shows how the ReLU was lost, and further down it is back.
#
# ### The source's schedule, asked for its rates
#
# The source builds half a cycle with NumPy's `arange` and lets it go up and down for ever. Here is its rule, rebuilt in
# a few lines.
#
# <!-- answers 1 -->


# %%
def source_rates(low, high, period, epochs):
    """The rates that the source's cycle yields, epoch by epoch."""
    rising = [float(rate) for rate in np.arange(low, high, period // 2)]
    falling = rising[-2:0:-1]
    return list(itertools.islice(itertools.cycle(rising + falling), epochs))


rates = source_rates(0.005, 0.02, period=4, epochs=q_agrel.EPOCHS)
as_it_runs = lrlib.Piecewise(range(1, q_agrel.EPOCHS), rates)
print(
    "the source's cycle, by epoch:", *(as_it_runs(e) for e in range(q_agrel.EPOCHS))
)
print(
    "the cycle it describes:      ",
    *(q_agrel.TRIANGLE(e) for e in range(q_agrel.EPOCHS)),
)

# %% [markdown]
# The third argument of `arange` is the *step*, not the number of values. The step is 4 // 2 = 2, and 0.005 + 2 is past
# 0.02. One value is left.
#
# ### Trained with it
#
# <!-- answers 1 -->
#
# Ten repetitions over ten full epochs, live. PyTorch runs the source's schedule and a constant 0.005; Keras runs the
# source's schedule.

# %% tags=["pytorch"]
live_cycle = q_agrel_pytorch.run(as_it_runs, data, draws)
live_constant = q_agrel_pytorch.run(lrlib.Constant(0.005), data, draws)
print("epochs × repetitions:", live_cycle.errors.shape)

# %% tags=["keras"]
keras_cycle = q_agrel_keras.run(as_it_runs, data, draws)
print("epochs × repetitions:", keras_cycle.errors.shape)


# %% tags=["nbval-ignore-output"]
def listed(numbers):
    return " ".join(f"{number:5.1f}" for number in numbers)


print('PyTorch, "cyclical":', listed(live_cycle.accuracies[-1]))
print("PyTorch, constant:  ", listed(live_constant.accuracies[-1]))
print('Keras, "cyclical":  ', listed(keras_cycle.accuracies[-1]))
apart = np.abs(keras_cycle.errors / live_cycle.errors - 1).max(0)
print(
    "largest relative difference of an epoch's mean δ²:",
    *(f"{d:.0e}" for d in apart),
)

# %%
same = np.array_equal(live_cycle.errors, live_constant.errors) and np.array_equal(
    live_cycle.accuracies, live_constant.accuracies
)
mean = live_cycle.accuracies[-1].mean()
together = apart < 1e-3
last_apart = np.abs(keras_cycle.accuracies[-1] - live_cycle.accuracies[-1])
assert same, "the cyclical run and the constant 0.005 differ"
assert abs(mean - 90.694) < 2, f"mean accuracy {mean}"
assert together.sum() >= 9, f"relative differences of the frameworks: {apart}"
assert last_apart[together].max() < 1, f"accuracies apart: {last_apart}"
print(
    f'"cyclical" and 0.005 identical in all {q_agrel.REPETITIONS} repetitions:',
    same,
)
print("mean accuracy within 2 points of the published 90.694: yes")
print(
    f"PyTorch and Keras together through {updates} updates, nine of ten at least: yes"
)
print("final accuracies of those repetitions within 1 point in both: yes")

# %% [markdown]
# The arithmetic is float32. At this rate that is enough: rounding dies out, and the two frameworks stay together through
# every update. (Now and then a sampled action falls the other way in one of them, and that repetition differs for some
# epochs.) Near the stability limit rounding grows instead; we come to that.

# %% [markdown]
# ## The result
#
# More repetitions, and the other rates, come from stored runs; `make experiments` computes them again.

# %%
from lrlib.course.samples import lost
from lrlib.course.stats import direction, mean_interval, mean_sd

results = study.load("q_agrel")
BOTH = {"pytorch": "PyTorch", "keras": "Keras"}


def by_repetition(setting, framework, key="accuracy_each"):
    """One item a repetition, over all stored groups of ten; what was not finite is NaN."""
    groups = results[setting][framework]
    return np.array([item for group in groups for item in group[key]], dtype=float)


def not_lost(setting, framework):
    """Whether a repetition learned something."""
    groups = results[setting][framework]
    return ~np.concatenate([lost(group, q_agrel.EXPERIMENT) for group in groups])


def median_errors(setting, framework="pytorch"):
    """The median of mean δ² in each epoch; what is not finite counts as infinite."""
    errors = by_repetition(setting, framework, "epoch_error_each")
    return np.median(np.nan_to_num(errors, nan=np.inf), axis=0)


edge = {framework: by_repetition("linear-0.01", framework) for framework in BOTH}
print("repetitions at the constant 0.01:", *(len(edge[f]) for f in BOTH))
print(
    "below 50 % in each group of ten, PyTorch:",
    *(edge["pytorch"] < 50).reshape(-1, 10).sum(1),
)


# %%
def paired(setting, other, key="accuracy_each", epoch=None):
    """Differences repetition by repetition, one array a framework, over those that both have.

    A pair in which a repetition was lost is left out.
    """
    differences = []
    for framework in BOTH:
        one, two = (
            by_repetition(name, framework, key) for name in (setting, other)
        )
        n = min(len(one), len(two))
        kept = not_lost(setting, framework)[:n] & not_lost(other, framework)[:n]
        difference = (one[:n] - two[:n])[kept]
        differences.append(
            difference if epoch is None else difference[:, epoch - 1]
        )
    return differences


def lost_pairs(setting, other):
    """How many repetitions of both were lost, PyTorch and Keras, among those that both have."""
    counts = []
    for framework in BOTH:
        both = [not_lost(name, framework) for name in (setting, other)]
        n = min(map(len, both))
        gone = [(~one[:n]).sum() for one in both]
        counts.append(f"{gone[0]} against {gone[1]}" if any(gone) else "none")
    return "none" if set(counts) == {"none"} else f"{'; '.join(counts)} of {n}"


def points(differences):
    """Mean differences with their 95 % intervals, one a framework."""
    return [mean_interval(one) for one in differences]


# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: final test accuracy of every repetition at five schedules. At 0.005 all lie near 90 percent, at 0.0075 near 89, at 0.01 most lie between 70 and 91 but some fall to 12 percent, at 0.0125 and for the triangle many lie at 12 percent. Right: mean squared error by epoch. The constant 0.005 falls steadily; forty thin lines for 0.01 fall faster at first, then turn upwards from about the sixth epoch, some steeply."}, "figure": {"caption": "Left: each repetition's final accuracy, as the source's code runs (linear); the bar is the median. Right: the mean of δ² in each epoch, PyTorch. The source's plot ends at the dotted line.", "name": "fig-forty"}}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=(3, 2))
shown = {
    "linear-0.005": 'constant 0.005\n= "cyclical"',
    "linear-0.0075": "constant\n0.0075",
    "linear-0.01": "constant\n0.01",
    "linear-0.0125": "constant\n0.0125",
    "linear-triangle": "true triangle\n0.005–0.02",
}
for place, setting in enumerate(shown):
    for shift, marker, (framework, label) in zip(
        (-0.18, 0.18), "ox", BOTH.items(), strict=True
    ):
        values = by_repetition(setting, framework)
        spread = np.linspace(-0.12, 0.12, len(values))
        left.plot(
            place + shift + spread,
            values,
            marker,
            color=figures.COLOURS[marker == "x"],
            markersize=4,
            alpha=0.7,
            label=label if place == 0 else None,
        )
        left.hlines(
            np.median(values),
            place + shift - 0.16,
            place + shift + 0.16,
            color="black",
        )
left.axhline(10, color="0.5", linewidth=1, linestyle=":")
left.annotate("guessing", (1.2, 4), color="0.3")
left.set(ylim=(0, 100), ylabel="test accuracy, %", title="Final accuracy")
left.set_xticks(range(len(shown)), shown.values(), fontsize=9)
left.legend(loc="center left")
epochs = np.arange(1, q_agrel.EPOCHS + 1)
right.plot(
    epochs,
    by_repetition("linear-0.01", "pytorch", "epoch_error_each").T,
    color="0.6",
    linewidth=0.6,
    linestyle="-",
)
for setting, line, label in (
    ("linear-0.01", "--", "constant 0.01, median"),
    ("linear-0.005", "-", '"cyclical", median'),
):
    colour = figures.COLOURS[line == "--"]
    right.plot(epochs, median_errors(setting), line, color=colour, label=label)
right.axvline(7, color="0.3", linewidth=1, linestyle=":")
right.set(xlabel="epoch", ylabel="mean δ²", title="Error", yscale="log")
right.set_yticks([0.1, 0.2, 0.4], ["0.1", "0.2", "0.4"])
right.yaxis.set_minor_formatter(plt.NullFormatter())
right.legend(fontsize=9)
_ = figure

# %% tags=["hide-input"]
names = {
    "linear-0.005": 'constant 0.005, the "cyclical" as the code runs',
    "linear-0.01": "constant 0.01",
    "linear-triangle": "true triangle 0.005–0.02",
    "linear-0.0125": "constant 0.0125, the mean of a triangle",
    "linear-0.0075": "constant 0.0075",
}
published = {"linear-0.005": "90.694", "linear-0.01": "70.417"}


def summaries(chosen, published=None):
    """One row a run and framework: the final accuracies of its repetitions."""
    rows = []
    for setting, label in chosen.items():
        for framework, name in BOTH.items():
            values = by_repetition(setting, framework)
            kept = not_lost(setting, framework)
            row = [
                label,
                name,
                len(values),
                (~kept).sum(),
                mean_sd(values[kept], 1),
                f"{np.median(values):.1f}",
                (values < 50).sum(),
            ]
            rows.append([*row, published.get(setting, "–")] if published else row)
    head = [
        "run",
        "framework",
        "n",
        "lost",
        "the others, mean ± sd",
        "median of all",
        "below 50 %",
    ]
    return figures.table([*head, "published mean"] if published else head, rows)


summaries(names, published)

# %% [markdown]
# Final test accuracy in percent after ten epochs, over n repetitions, of the linear network. *Lost* repetitions learned
# nothing, and have no part in the mean. Here a weight of each is no longer a finite number. Such a network says NaN to
# every image, which reads as class 0. (The source clips weights at a million; a repetition that gets there is lost
# either way.)

# %% [markdown]
# ### The stability limit
#
# Above some rate a run gets away: that is its stability limit. (The *edge of stability* is another thing, full-batch
# training in which the sharpness itself comes to the limit. Nothing of that was measured here.)
#
# At 0.01 a mean says little. Most repetitions learn well; a few end in ruins. The source gives the mean of ten, and
# that depends on how many of those are among the ten.

# %%
from lrlib.course.questions import answer

for framework, label in BOTH.items():
    values = edge[framework]
    quartiles = np.percentile(values, [25, 50, 75]).round(1)
    kept = not_lost("linear-0.01", framework)
    print(
        f"{label}: lost {(~kept).sum()} of {len(kept)}, mean of the others {values[kept].mean():.1f};",
        f"quartiles of all {quartiles}; below 50 %: {(values < 50).sum()} of {len(values)}",
    )
    for setting in names:  # the linear network is lost in one way only
        infinite = by_repetition(setting, framework, "diverged_each")
        assert (infinite == ~not_lost(setting, framework)).all(), setting
random = np.random.default_rng(0)
means = random.choice(edge["pytorch"], (20_000, 10)).mean(1)
low, high = np.percentile(means, [2.5, 97.5])
print(
    "the source's statistic, means of ten with ruins and all, drawn from these forty:",
    f"95 % lie from {low:.0f} to {high:.0f}",
)
print("the published 70.417 is among them:", bool(low <= 70.417 <= high))
below = {framework: int((values < 50).sum()) for framework, values in edge.items()}
answer(
    "check 2",
    "a few repetitions fail",
    holds=below["pytorch"] == 5 and (round(low), round(high)) == (62, 86),
)

# %% [markdown]
# [The figure](#fig-forty) shows, on the right, when it happens. At first 0.01 learns *faster* than 0.005. Then its error turns upwards.

# %%
curves = {s: median_errors(s) for s in ("linear-0.005", "linear-0.01")}
ahead = curves["linear-0.01"] < curves["linear-0.005"]
print("median error lower at 0.01 in epochs", *(np.flatnonzero(ahead) + 1))
print("epoch of 0.01's lowest median error:", curves["linear-0.01"].argmin() + 1)
worst = np.nanmax(
    by_repetition("linear-0.01", "pytorch", "epoch_error_each"), axis=0
)
print(
    f"largest error of a repetition: epoch 7 {worst[6]:.2f}, epoch 10 {worst[9]:.2f} or not finite"
)

# %% [markdown]
# So does the "cyclical" run, at 0.005, converge faster?

# %%
for epoch in (1, 3, 7, 10):
    gap = paired("linear-0.005", "linear-0.01", "epoch_accuracy_each", epoch)
    print(
        f"0.005 against 0.01, epoch {epoch:2}: {direction(*gap):14}", *points(gap)
    )
print("lost:", lost_pairs("linear-0.005", "linear-0.01"))

# %% [markdown]
# It is behind at first and ahead in the end. (Differences of test accuracy in points, paired by repetition: both start
# from the same weights and see the same images in the same order. Pairs with a lost repetition are counted and left
# out. In brackets, 95 % intervals; first PyTorch's, then Keras's.)
#
# The source draws the first seven of its ten epochs. The three that are left out are where the constant run falls apart.
#
# How far do the frameworks stay together? Compare them repetition by repetition.

# %%
for setting in ("linear-0.005", "linear-0.0075", "linear-0.01", "relu-0.01"):
    torch_errors, keras_errors = (
        by_repetition(setting, f, "epoch_error_each") for f in BOTH
    )
    together = np.abs(keras_errors / torch_errors - 1) < 0.01
    equal = by_repetition(setting, "pytorch") == by_repetition(setting, "keras")
    print(
        f"{setting:14} errors within 1 % in {together[:, -1].sum()} of {len(equal)} repetitions;",
        f"final accuracy equal in {equal.sum()}",
    )

# %% [markdown]
# At small rates both frameworks tell the same story, image by image. In the repetitions that fail, rounding is amplified,
# and *which* of them fail may differ. A ReLU parts them sooner: a unit that is open in one and shut in
# the other is a different network. What the frameworks share then is the distribution.

# %% [markdown]
# ## A fair comparison
#
# Is a cycle better than a constant rate, then? The source cannot say: it compared two constants. A fair cycle stays
# below the rates that fail, and its partner has the same mean rate.

# %%
cycle, partner = q_agrel.LOW_CYCLE, q_agrel.LOW_MEAN
print("the cycle, by epoch: ", *(f"{cycle(e):g}" for e in range(q_agrel.EPOCHS)))
print(
    "its mean, its partner:", f"{cycle.describe(q_agrel.EPOCHS)['mean']:g}", partner
)


# %% tags=["hide-input"]
comparisons = {
    "fair cycle − constant of the same mean": (
        "linear-low-cycle",
        "linear-low-mean",
    ),
    "fair cycle − constant 0.005": ("linear-low-cycle", "linear-0.005"),
    "fair cycle − constant at its maximum": ("linear-low-cycle", "linear-0.0075"),
    'the source\'s pair: "cyclical" − constant 0.01': (
        "linear-0.005",
        "linear-0.01",
    ),
    "the true triangle − constant of a triangle's mean": (
        "linear-triangle",
        "linear-0.0125",
    ),
}
rows = [
    [
        label,
        lost_pairs(*pair),
        " and ".join(str(len(one)) for one in paired(*pair)),
        *points(paired(*pair)),
        direction(*paired(*pair)),
    ]
    for label, pair in comparisons.items()
]
figures.table(
    [
        "difference in final accuracy",
        "lost",
        "pairs left",
        "PyTorch",
        "Keras",
        "in both",
    ],
    rows,
)

# %% [markdown]
# Points of test accuracy, means with 95 % intervals, paired by repetition, of the pairs in which both learned.

# %%
fair = paired("linear-low-cycle", "linear-low-mean")
print("the fair cycle against its partner, after 10 epochs:", direction(*fair))
print(
    f"over whole cycles its mean rate is {cycle.describe(8)['mean']:g}; against that:"
)
for epoch in (4, 8):
    gap = paired("linear-low-cycle", "linear-0.005", "epoch_accuracy_each", epoch)
    print(f"   after {epoch} epochs: {direction(*gap)},", *points(gap))

# %% [markdown]
# ## Is it the depth?
#
# The source made its network "deeper than necessary … to better highlight the differences". Take two hidden layers out
# and run both comparisons again.

# %% tags=["hide-input"]
summaries(
    {
        "shallow-0.005": "two hidden layers, constant 0.005",
        "shallow-0.01": "two hidden layers, constant 0.01",
        "shallow-low-cycle": "two hidden layers, fair cycle",
        "shallow-low-mean": "two hidden layers, constant of the same mean",
        "linear-low-cycle": "four hidden layers, fair cycle",
        "linear-low-mean": "four hidden layers, constant of the same mean",
    }
)

# %%
for label, pair in {
    "0.005 against 0.01": ("0.005", "0.01"),
    "fair cycle against its partner": ("low-cycle", "low-mean"),
}.items():
    for depth in ("linear", "shallow"):
        gap = paired(*(f"{depth}-{name}" for name in pair))
        hidden = len(q_agrel.SETTINGS[f"{depth}-{pair[0]}"].sizes) - 2
        print(
            f"{label}, {hidden} hidden layers: {direction(*gap):15}", *points(gap)
        )
        print("   lost:", lost_pairs(*(f"{depth}-{name}" for name in pair)))
shallow = direction(*paired("shallow-0.005", "shallow-0.01"))
answer("check 3", "not told apart", holds=shallow == "not told apart")

# %% [markdown]
# Depth does make the source's difference: it moves the stability limit down to about 0.01. With two layers fewer, 0.01 is
# a safe rate. So the deep network did not make the merits of a cycle visible. It made the constant rate fail.

# %% [markdown]
# ## With the ReLU back
#
# As the source says its network is. It then learns more slowly, so we also give it thirty epochs.

# %% tags=["hide-input"]
relu = {
    f"relu-{span}{rate}": f"{label}, {epochs} epochs"
    for span, epochs in (("", 10), ("30-", 30))
    for rate, label in {
        "0.005": "constant 0.005",
        "0.01": "constant 0.01",
        "0.0125": "constant 0.0125",
        "0.02": "constant 0.02",
        "triangle": "true triangle",
    }.items()
    if f"relu-{span}{rate}" in q_agrel.SETTINGS
}
summaries(relu)

# %%
for epochs, span in ((10, ""), (30, "30-")):
    against = {
        rate: paired(f"relu-{span}triangle", f"relu-{span}{rate}")
        for rate in ("0.01", "0.0125", "0.02")
    }
    for rate, gap in against.items():
        print(
            f"{epochs} epochs, triangle against {rate}: {direction(*gap):15}",
            *points(gap),
        )
        print("   lost:", lost_pairs(f"relu-{span}triangle", f"relu-{span}{rate}"))
for framework, label in BOTH.items():
    curve = by_repetition("relu-30-0.01", framework, "epoch_accuracy_each")
    fell = (curve.max(1) - curve[:, -1] > 20).sum()
    print(
        f"{label}, ReLU at 0.01: median {np.median(curve[:, 9]):.1f} after 10 epochs,",
        f"{np.median(curve[:, -1]):.1f} after 30;",
        f"{fell} of {len(curve)} end more than 20 points below their best",
    )

# %% [markdown]
# ## Reading the result

# %%
answer("prediction 1", "something else", holds=rates[:4] == [0.005] * 4)
answer(
    "prediction 2",
    "mostly well, a few in ruins",
    holds=80 <= np.median(edge["pytorch"]) < 90
    and below == {"pytorch": 5, "keras": 5},
)
answer("prediction 3", "not told apart", holds=direction(*fair) == "not told apart")

# %% [markdown]
# **Your predictions:**
#
# 1. **something else**: 0.005 in every epoch.
# 2. **mostly well, a few in ruins**: the median is 84.7 %, and five of forty are below 50 %.
# 3. **not told apart**: after ten epochs, and after whole cycles too.

# %%
for framework, label in BOTH.items():
    cyclical, constant = (
        by_repetition(s, framework) for s in ("linear-0.005", "linear-0.01")
    )
    kept = not_lost("linear-0.01", framework)
    print(f'{label}: "cyclical" {cyclical.mean():.1f} (published 90.694);', end=" ")
    print(f"constant, lost {(~kept).sum()} of {len(kept)}", end=", ")
    print(f"mean of the others {constant[kept].mean():.1f} (published 70.417)")
    print(
        f"   the gap: published {90.694 - 70.417:.1f};",
        f"where both learned {cyclical.mean() - constant[kept].mean():.1f};",
        f"above 50 % {cyclical.mean() - constant[constant >= 50].mean():.1f};",
        f"of medians {np.median(cyclical) - np.median(constant):.1f}",
    )
answer("check 1", "two constant rates", holds=same)

# %% [markdown]
# So the source's figures lie among ours, and they are no evidence for cycles.
#
# - Its "cyclical" run is the constant rate 0.005. The comparison is between two constants.
# - The higher of them, 0.01, lies at the stability limit. Much of the published gap comes from a few repetitions in
#   ruins.
# - The cycle that was meant, 0.005 to 0.02, is not better: it reaches rates at which the linear network fails.
# - A cycle below that limit did not beat a constant rate with the same mean.
#
# What did not happen: no cycle here beat the best constant rate. That is a statement about this network, this rule and
# these epochs. With the ReLU back the repetitions spread too widely to settle much. In thirty epochs the triangle lost
# fewer repetitions than the constant at its maximum did. In ten it was behind the constant at its mean.

# %%
told = {
    "true triangle, its mean rate": ("linear-triangle", "linear-0.0125"),
    "fair cycle, its mean rate": ("linear-low-cycle", "linear-low-mean"),
    "fair cycle, 0.005": ("linear-low-cycle", "linear-0.005"),
    "fair cycle, its maximum": ("linear-low-cycle", "linear-0.0075"),
    "ReLU, 10 epochs, its mean rate": ("relu-triangle", "relu-0.0125"),
    "ReLU, 30 epochs, its mean rate": ("relu-30-triangle", "relu-30-0.0125"),
    "ReLU, 30 epochs, 0.01": ("relu-30-triangle", "relu-30-0.01"),
}
wins = [
    label for label, pair in told.items() if direction(*paired(*pair)) == "higher"
]
at_maximum = [
    [(~not_lost(f"relu-30-{name}", f)).sum() for name in ("triangle", "0.02")]
    for f in BOTH
]
assert not wins, f"a cycle is better: {wins}; the text above says otherwise"
assert all(triangle < constant for triangle, constant in at_maximum), at_maximum
assert direction(*paired("relu-triangle", "relu-0.0125")) == "lower"
assert np.median(edge["pytorch"]) > 80 and 0 < (edge["pytorch"] < 50).sum() < 10
print(f"cycles that beat the constant beside them: {len(wins)} of {len(told)}")
print(
    "with ReLU in 30 epochs, lost by the triangle against its maximum:",
    lost_pairs("relu-30-triangle", "relu-30-0.02"),
)

# %% [markdown]
# ## Break it: the slips, run
#
# ### 1. `arange` for `linspace`
#
# The obvious mend is `linspace`, which does take a number of values. Mind the fence posts: half a period of two epochs
# has *three* posts.


# %%
def mended_rates(low, high, period, epochs, posts):
    rising = np.linspace(low, high, posts).tolist()
    return list(itertools.islice(itertools.cycle(rising + rising[-2:0:-1]), epochs))


for posts in (2, 3):
    eight = [f"{rate:g}" for rate in mended_rates(0.005, 0.02, 4, 8, posts)]
    period = next(n for n in range(1, 8) if eight[n:] == eight[:-n])
    print(f"linspace with {posts} values:", *eight, f"(period {period})")
mended = mended_rates(0.005, 0.02, 4, 8, posts=3)
triangle = lrlib.Triangular(0.005, 0.02, step_size=2)
print(
    "with 3 values equal to", triangle, np.allclose(mended, triangle(np.arange(8)))
)
assert all(rate == 0.005 for rate in rates)

# %% [markdown]
# Mend: print a schedule's first values before you train with it. A schedule that is a value makes that one line.
#
# ### 2. The ReLU that got lost
#
# The network's constructor takes `act_type="relu"` and builds its layers twice: once in the base class, with all
# options, and once more itself, without them. The second time the default, linear, is taken. In miniature:


# %%
class Base:
    def __init__(self, sizes, **options):
        self.layers = self.build(sizes, **options)

    def build(self, sizes, activation="linear"):
        return [activation for _ in sizes]


class Network(Base):
    def __init__(self, sizes, **options):
        super().__init__(sizes, **options)
        self.layers = self.build(sizes)  # mend: self.build(sizes, **options)


print("asked for relu, got:", *Network([300, 100], activation="relu").layers)


# %% [markdown]
# How would you notice, with the network alone? Doubling the input does not tell: without biases f(2x) = 2 f(x) holds
# with a ReLU, too. Turning its sign does.


# %% tags=["pytorch"]
import torch


def f(x, relu):
    W = [torch.tensor(w) for w in draws.forward]
    x = torch.tensor(x).expand(q_agrel.REPETITIONS, -1, -1)
    return q_agrel_pytorch.forward(W, x, relu)[-1].numpy()


tells = {}
for relu_on in (False, True):
    y = f(data.x_test, relu_on)
    doubled = np.allclose(f(2 * data.x_test, relu_on), 2 * y, atol=1e-4)
    turned = np.allclose(f(-data.x_test, relu_on), -y, atol=1e-4)
    print(f"ReLU {relu_on!s:5}: f(2x) = 2 f(x) {doubled}; f(−x) = −f(x) {turned}")
    tells[relu_on] = doubled, turned
answer(
    "check 4",
    "turning the input's sign",
    holds=tells == {False: (True, True), True: (True, False)},
)

# %% tags=["keras"]
for relu_on in (False, True):
    y, doubled, turned = (
        np.asarray(
            q_agrel_keras.forward(draws.forward, factor * data.x_test, relu_on)[-1]
        )
        for factor in (1, 2, -1)
    )
    print(
        f"ReLU {relu_on!s:5}: f(2x) = 2 f(x) {np.allclose(doubled, 2 * y, atol=1e-4)};",
        f"f(−x) = −f(x) {np.allclose(turned, -y, atol=1e-4)}",
    )

# %% [markdown]
# A linear network of five layers is one matrix in disguise. That it reaches 90 % says that digits are an easy task.
#
# ### 3. A temperature that is added
#
# The source's softmax takes a temperature and *adds* it, where it should divide. A number added to all scores cancels.


# %%
def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


q = np.array([1.0, 0.5, 0.0])
for temperature in (0.1, 1.0):
    print(
        f"temperature {temperature}: added {softmax(q + temperature).round(3)},",
        f"divided {softmax(q / temperature).round(3)}",
    )

# %% [markdown]
# ### 4. An exploration that never ends
#
# `action_temperature = 0.5` is no temperature. It is the probability that the action is sampled, all through training.
# Say the network has learned its task, and promises 1 for the right class and 0 for the others.

# %%
learned = np.eye(10)[0]
right = softmax(learned)[0]
share = q_agrel.EPSILON * (1 - right)
print(
    f"sampled from softmax(q), its action is right in {100 * right:.0f} % of the cases"
)
print(
    f"so {100 * share:.0f} % of all its actions in training are wrong, on purpose"
)

# %% [markdown]
# The follow-up paper explores in 2 % of the cases {cite}`pozzi2020`. Exercise 3 tries that.
#
# ### 5. Statistics that include the test images
#
# The percentiles are taken over all images, test included. That is a leak in principle. Was it one here?

# %%
x, _ = digits()
test = np.arange(len(x)) % 5 == 0
print("1st and 99th percentile, all images:     ", *np.percentile(x, [1, 99]))
print(
    "1st and 99th percentile, training images:", *np.percentile(x[~test], [1, 99])
)

# %% [markdown]
# No: the numbers are the same. The habit is still worth keeping: statistics come from the training images.
#
# ### 6. Names
#
# The demo calls its data MNIST and its network one with two hidden layers.

# %%
print(
    "an image here:",
    int(x.shape[1] ** 0.5),
    "×",
    int(x.shape[1] ** 0.5),
    "pixels;",
    len(x),
    "images",
)
print("MNIST: 28 × 28 pixels; 70000 images")
print("hidden layers:", len(q_agrel.SIZES) - 2)

# %% [markdown]
# ### 7. A derivative at the wrong place
#
# The source evaluates $g'$ at the *activation* $a = g(z)$ instead of at $z$. For a linear unit and a ReLU that is the
# same. For its sigmoid it is not.


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


for z in (0.0, 2.0, 5.0):
    a = sigmoid(z)
    print(
        f"z = {z}: right {a * (1 - a):.3f}, at the activation {sigmoid(a) * (1 - sigmoid(a)):.3f}"
    )

# %% [markdown]
# ## Verdicts
#
# Two words stand side by side: that of the fair comparison, and that of the runs as the source made them. New
# repetitions decide, each with a split of the digits of its own, so their numbers may differ from those above. The
# smallest effect of interest is one point of accuracy. Where repetitions learned nothing, they are counted first, and
# the word says how often one of a pair beats the other. [Claims and verdicts](verdicts.ipynb) explains the words, and
# has all claims.

# %% tags=["hide-input"]
from lrlib.course import claims

claims.table("q_agrel")

# %%
print("verdicts:", claims.counts("q_agrel"))

# %% [markdown]
# ## Exercises
#
# 1. In the linear network $\Delta V_l = \Delta W_l^\top$. So $W_l - V_l^\top$ never changes. Check it on
#    `live_constant` and `draws`. What does that say about the direction of the feedback, once the weights have grown?
# 2. Replace the feedback weights of the first layer, `draws.feedback[0]`, by zeros. Predict what changes in the
#    accuracies, then run it. (What reads $b_0$?)
# 3. Give `draw`'s `explore` array a share of 0.02 instead of 0.5. Where is the stability limit then?
# 4. Turn the fair cycle upside down: `0.01 - q_agrel.LOW_CYCLE` starts at its maximum. Does it matter where in its cycle a
#    run of ten epochs begins and ends?
#
# ## What to take away
#
# 1. Ask a schedule for its values before you train with it. Here one line would have shown a cycle of one rate.
# 2. Near the stability limit look at each repetition, the median and the failures. A mean of ten is a lottery.
# 3. A fair comparison of schedules keeps the mean rate equal and the maximum below the rates that fail.
#
# **Terms:** reward prediction error, feedback weights, stability limit, divergence, paired comparison.
# **Read on:** {cite}`pozzi2018`, {cite}`pozzi2020`, {cite}`smith2017`, {cite}`cohen2021`.
#
# ## Check yourself
#
# 1. The published gap of twenty points lies between **a cycle and a constant rate / two constant rates / two networks**.
# 2. At 0.01, means of ten repetitions lie from 62 to 86 %. That is because **the images differ / a few repetitions fail /
#    the frameworks differ**.
# 3. With two hidden layers instead of four, the accuracy at 0.005, against that at 0.01, is **higher / not told apart /
#    lower**.
# 4. You suspect that a network without biases has lost its ReLU. What tells is **doubling the input / turning the input's
#    sign / a low accuracy**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **two constant rates**: the source's cycle yields 0.005 in every epoch.
# 2. **a few repetitions fail**: five of forty end below 50 %, and how many of them are among the ten decides the mean.
# 3. **not told apart**: the deeper network had moved the stability limit down to about 0.01.
# 4. **turning the input's sign**: f(−x) = −f(x) holds for the linear network only, and f(2x) = 2 f(x) for both.
#
# </details>
