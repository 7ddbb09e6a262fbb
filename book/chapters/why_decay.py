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
# # Why a decay works
#
# **Goal.** See what a falling learning rate gains, when it gains it, and how to read a loss that has stopped falling.
#
# A high rate walks far and shakes hard. To *walk* is to make progress, from the start towards the lowest point. To *shake*
# is to be thrown about by gradient noise: it is the variance of the weights. A low rate hardly shakes, and hardly walks. A
# decay does one after the other: first it walks, then it stops shaking. That is the whole idea of this chapter, and [the
# figure](#fig-one-weight) shows it for two thousand runs of a single noisy weight that starts at 10 and should end at zero.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels of a weight against the update, 100 updates, each with a band that has nine tenths of two thousand runs, six single runs, and a histogram of where the runs end. At the high rate the band drops to zero within ten updates and stays wide. At the low rate the band is narrow and ends near 3.7. Under the decay the band drops to zero as fast as at the high rate and then narrows to a thin tip around zero."}, "figure": {"caption": "Two thousand runs of one noisy weight: nine tenths of them lie in the band, six are drawn, and the histograms at the right show where all of them end. High: 0.5. Low: 0.01. Decay: a straight line from 0.5 to zero.", "name": "fig-one-weight"}}
import numpy as np

import lrlib
from lrlib.course import figures
from lrlib.course.figures import plt


def walk(schedule, updates=100, runs=2000, start=10.0, noise=4.0):
    """A weight on a parabola of curvature 1, gradients with noise, in many runs: one row an update, one column a run."""
    random = np.random.default_rng(0)
    weights = np.full((updates + 1, runs), start)
    for t in range(updates):
        gradient = weights[t] + noise * random.standard_normal(runs)
        weights[t + 1] = weights[t] - schedule(t) * gradient
    return weights


three = {
    "A high rate arrives, and shakes": lrlib.Constant(0.5),
    "A low rate has not arrived": lrlib.Constant(0.01),
    "A decay arrives, and comes to rest": lrlib.Linear(0.5, 0.0, steps=100),
}
clouds = {title: walk(schedule) for title, schedule in three.items()}

figures.use_style()
figure, axes = plt.subplots(
    1, 6, figsize=(9.5, 3.4), sharey=True, width_ratios=[4, 1] * 3
)
pairs = zip(axes[::2], axes[1::2], figures.COLOURS, strict=False)
for (ax, ends, colour), (title, weights) in zip(pairs, clouds.items(), strict=True):
    low, high = np.quantile(weights, (0.05, 0.95), axis=1)
    ax.fill_between(range(101), low, high, color=colour, alpha=0.2, linewidth=0)
    ax.plot(weights[:, :6], color=colour, linewidth=0.7, linestyle="-", alpha=0.8)
    ax.axhline(0, color="black", linewidth=1, linestyle=":")
    ax.set(title=title, xlabel="update", xlim=(0, 100), ylim=(-6, 11))
    ax.set_yticks([-5, 0, 5, 10])
    ax.title.set_fontsize(10.5)
    ends.hist(
        weights[-1],
        bins=np.arange(-6, 11.1, 0.5),
        orientation="horizontal",
        color=colour,
    )
    ends.axis("off")
axes[0].set_ylabel("weight")
_ = figure

# %% [markdown]
# **You need** [The learning rate](learning_rate.ipynb), and [Momentum, noise and
# batch](momentum_and_noise.ipynb) for where the noise comes from. **Data:**
# the 1,797 digits of scikit-learn; nothing is fetched. **Cost:** the live cells take less than a minute on two cores.
#
# ## The question
#
# Nearly every run that is published today lowers its learning rate to zero, or close to it. The custom is older than
# neural networks: a proof of 1951 that a noisy search finds its target asks for rates that shrink {cite}`robbins1951`.
# We ask what a linear decay to zero, *the line* for short, is worth. How much does it gain over the best constant rate? When does it gain nothing? And what
# does a flat loss curve say about the progress of a run?

# %% [markdown]
# ## Your prediction
#
# 1. One noisy weight gets 100 updates. Both the constant rate and the straight line to zero start from their best rate.
#    The mean squared distance that the line leaves is **about the same / about two thirds / about a tenth** of the
#    constant's.
# 2. In a long valley with steep walls, one run has a high rate and one a tenth of it. After 800 updates the first has
#    come six times as far down the valley. Its loss is **lower / about equal / higher**.
# 3. On the digits, with all labels right, training takes 5, 20 or 100 epochs. As it gets longer, what a line to zero gains
#    over the best constant rate **grows / stays as it is / shrinks**.
# 4. Now a fifth of the training labels are wrong, and training takes 100 epochs. In test accuracy the line to zero
#    beats the best constant rate by **less than one point / one to three points / more than three points**.

# %% [markdown]
# ## The experiment
#
# ### One noisy weight
#
# The picture above comes from the smallest model of training that has noise in it: a weight $w$ on a parabola of
# curvature $\lambda$, whose gradient carries noise of spread $\sigma$. A few lines of NumPy run it two thousand times at once.

# %% tags=["hide-input"]
figures.show_source(walk)

# %% [markdown]
# At a constant rate $\eta$ the mean squared distance from the lowest point is known exactly. After $t$ updates from $w_0$,
#
# $$ \operatorname{E} w_t^2 = \underbrace{(1-\eta\lambda)^{2t}\, w_0^2}_{\text{not yet walked}}
#    + \underbrace{\frac{\eta\,\sigma^2}{\lambda\,(2-\eta\lambda)} \left(1 - (1-\eta\lambda)^{2t}\right)}_{\text{the shaking}} . $$ (eq-two-terms)
#
# The first term is the distance that the run has not yet walked, and a high rate shrinks it fast. The second grows from zero
# to a level that a high rate raises; in the loss, this level is the **noise floor**. Every choice of a constant rate
# trades one for the other. Under a schedule the same sum is built up update by update, and no random number is needed:


# %%
def expected(schedule, updates=100, start=10.0, noise=4.0, curvature=1.0):
    """The mean squared distance from the lowest point after the last update."""
    square = start**2
    for t in range(updates):
        rate = schedule(t)
        square = (1 - rate * curvature) ** 2 * square + (rate * noise) ** 2
    return square


# %% [markdown]
# <!-- answers 1 -->
#
# Now give 100 updates to every constant rate, and to every straight line that starts from such a rate. [The
# figure](#fig-two-terms) has what they leave.


# %% tags=["hide-input"] mystnb={"image": {"alt": "Mean squared distance after 100 updates against the first rate, both axes logarithmic. The constant rate gives a V with its lowest point at rate 0.04. The line to zero gives a curve that is lower from about rate 0.06 on, with its lowest point at 0.09, and rises only slowly to the right of it. Dots from the simulation lie on both curves. A dotted horizontal line below both marks the best that any schedule can do."}, "figure": {"caption": "One noisy weight after 100 updates: mean squared distance from the lowest point, by the formula (lines) and in two thousand simulated runs (dots). Dotted: the best that any schedule can reach.", "name": "fig-two-terms"}}
def line(rate, updates=100):
    """Straight to zero."""
    return lrlib.Linear(rate, 0.0, steps=updates)


rates = np.geomspace(0.01, 1.5, 400)
kinds = {"constant rate": lrlib.Constant, "line to zero": line}
left = {
    name: np.array([expected(kind(rate)) for rate in rates])
    for name, kind in kinds.items()
}
best = {name: rates[np.argmin(squares)] for name, squares in left.items()}
simulated = (0.02, 0.04, 0.08, 0.16, 0.3, 0.6, 1.2)
optimum = lrlib.InverseTime(1 / 1.16, rate=1 / 1.16)

figure, ax = plt.subplots(figsize=(8, 4))
for (name, kind), colour, marker in zip(
    kinds.items(), figures.COLOURS, "os", strict=False
):
    ax.plot(rates, left[name], color=colour, label=name)
    dots = [np.mean(walk(kind(rate))[-1] ** 2) for rate in simulated]
    ax.plot(simulated, dots, color=colour, marker=marker, linestyle="")
ax.axhline(expected(optimum), color="black", linestyle=":", linewidth=1.2)
ax.annotate("1/t, the best of all schedules", (0.0105, 0.105), fontsize=10)
ax.set(
    xscale="log",
    yscale="log",
    ylim=(0.08, 70),
    xlabel="rate, or first rate",
    ylabel="mean squared distance",
    title="A line to zero ends lower, and forgives a first rate that is too high",
)
ax.set_xticks([0.01, 0.03, 0.1, 0.3, 1], ["0.01", "0.03", "0.1", "0.3", "1"])
ax.legend()
_ = figure

# %% tags=["folded"]
from IPython.display import Markdown, display

from lrlib.course.questions import answer

for name, kind in kinds.items():
    for rate in simulated:
        ratio = np.mean(walk(kind(rate))[-1] ** 2) / expected(kind(rate))
        assert abs(ratio - 1) < 0.1, (name, rate, ratio)
constant, decayed = (expected(kinds[name](best[name])) for name in kinds)
tenfold = [expected(kinds[name](10 * best[name])) for name in kinds]
assert best["line to zero"] > 2 * best["constant rate"], best
display(
    Markdown(
        f"The simulation follows the formula to within a tenth, at every dot. The best constant rate is {best['constant rate']:.3f} "
        f"and leaves a mean squared distance of {constant:.2f}. The best line starts more than twice as high, from "
        f"{best['line to zero']:.3f}, and leaves {decayed:.2f}, which is {100 * decayed / constant:.0f} % of it. "
        f"The larger benefit shows at the right of the figure. Take ten times the best rate: the constant is then "
        f"{tenfold[0] / constant:.0f} times worse than at its best, the line {tenfold[1] / decayed:.1f} times."
    )
)
answer("prediction 1", "about two thirds", holds=0.6 < decayed / constant < 0.7)
answer(
    "check 1",
    "costs a decay less than a constant rate",
    holds=tenfold[1] / decayed < 0.5 * tenfold[0] / constant,
)

# %% [markdown]
# Which schedule is the best of all? Each update can be chosen to make [the sum](#eq-two-terms) as small as possible. That
# gives a rate that falls as one over the number of updates, $\eta_t = 1 / \left(\lambda\,(t + 1 + c)\right)$ with
# $c = \sigma^2 / \lambda^2 w_0^2$, and it leaves
#
# $$ \operatorname{E} w_t^2 = \left(\frac{1}{w_0^2} + \frac{\lambda^2\, t}{\sigma^2}\right)^{-1} . $$ (eq-optimum)
#
# For large $t$ [this least distance](#eq-optimum) is $\sigma^2 / \lambda^2 t$, the error of an average of $t$ noisy readings. So the best schedule does
# exactly that. Each gradient is a noisy reading of where the lowest point lies, and the schedule averages all of them,
# each with equal weight.

# %% tags=["folded"]
floor = expected(optimum)
assert np.isclose(floor, 1 / (1 / 100 + 100 / 16), rtol=1e-12)
flat = 0.05


def not_walked(schedule, updates=100):
    """The share of the way that is left along a flat direction, without noise."""
    return np.prod([1 - schedule(t) * flat for t in range(updates)])


def early_share(schedule, updates=100):
    """The share of the shaking at the end that comes from the first half of the updates."""
    rates = schedule(np.arange(updates))
    kept = np.append(np.cumprod((1 - rates[:0:-1]) ** 2)[::-1], 1)
    shaken = rates**2 * kept  # what is left at the end of the noise of each update
    return shaken[: updates // 2].sum() / shaken.sum()


forgotten = early_share(line(best["line to zero"]))
assert forgotten < 0.25, forgotten
schedules = {
    "1/t": optimum,
    "line": line(best["line to zero"]),
    "constant": lrlib.Constant(best["constant rate"]),
    "line from 1": line(1.0),
}
undone = {name: 100 * not_walked(schedule) for name, schedule in schedules.items()}
steep = {name: expected(schedule) / floor for name, schedule in schedules.items()}
assert min(undone[name] for name in ("1/t", "line", "constant")) > 75, undone
assert undone["line from 1"] < 10 and steep["line from 1"] > 2 * steep["constant"]
best_line = {}
for updates in (30, 300, 1000):
    squares = [expected(line(rate, updates), updates) for rate in rates]
    best_line[updates] = min(squares) * (1 / 100 + updates / 16)
assert 1.2 < best_line[30] < 1.4 < best_line[1000] < 1.7, best_line
display(
    Markdown(
        f"After 100 updates this best schedule leaves {floor:.2f}, and the best line to zero {decayed / floor:.1f} times as much. "
        f"(With 30 updates it is {best_line[30]:.1f} times, with 1,000 {best_line[1000]:.1f} times.) "
        f"On its way down the line forgets most of what its higher rates shook: the first half of the updates makes up "
        f"{100 * forgotten:.0f} % of the shaking that is left at the end. But all these rates fit one curvature. "
        f"Along a second direction that is twenty times flatter, 1/t leaves {undone['1/t']:.0f} % of the way undone after "
        f"100 updates, the best line {undone['line']:.0f} % and the best constant rate {undone['constant']:.0f} %. "
        f"A line from 1 leaves only {undone['line from 1']:.0f} %. On the steep weight, however, it leaves {steep['line from 1']:.1f} "
        f"times the least distance, where the best constant rate leaves {steep['constant']:.1f} times. None of the three that are "
        f"tuned to the steep direction gets far along the flat one. A network has steep and flat directions at once."
    )
)

# %% [markdown]
# ### A valley with a river
#
# A flat direction beside a steep one is a valley. Wen and colleagues draw training as such a landscape: between two steep
# walls a river runs slowly down {cite}`wen2024`. What follows is our reading of that picture, in two weights. Progress is
# the way along the river. Noise throws the weights from wall to wall, and the higher the rate, the higher up the walls.

# %%
curvature, noise = np.array([0.02, 20.0]), np.array([0.3, 3.0])  # along, across


def valley(schedule, updates=1000, runs=2000):
    """Weights (along, across): updates + 1 by runs by 2. The lowest point is at 0, 0."""
    random = np.random.default_rng(0)
    weights = np.empty((updates + 1, runs, 2))
    weights[0] = -10.0, 1.0
    for t in range(updates):
        gradient = curvature * weights[t] + noise * random.standard_normal(
            (runs, 2)
        )
        weights[t + 1] = weights[t] - schedule(t) * gradient
    return weights


rivers = {
    "low, 0.008": lrlib.Constant(0.008),
    "high, 0.08": lrlib.Constant(0.08),
    "high, then a late decay": lrlib.WarmupStableDecay(
        0.08, warmup=0, stable=800, decay=200
    ),
}
paths = {name: valley(schedule) for name, schedule in rivers.items()}

# %% [markdown]
# <!-- answers 2 -->
#
# The third schedule is a constant rate that falls to zero over the last fifth: warm-up–stable–decay, without the warm-up.
# [The figure](#fig-river) shows where the three runs go, and their losses. A loss here is the sum of two parts, one along
# the river and one across it.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: a long narrow valley seen from above, with the paths of one run at each rate. The low rate's path hugs the river and has covered about a seventh of the way. The high rate's path fills the whole width of the valley and has come most of the way; where its rate falls the path contracts on to the river. Right: mean loss against the update on a logarithmic scale. The high rate's curve lies above that of the low rate for all but the first few updates, and falls more and more slowly. At update 800 the late decay's curve leaves that of the high rate and drops within 200 updates by more than a factor of ten, far below both."}, "figure": {"caption": "A toy valley with a river, seen from above (left; one run each, river at the middle), and the mean loss of two thousand runs (right). The late decay drops from walls to river: the part across the river goes, the part along it stays.", "name": "fig-river"}}
parts = {name: 0.5 * (curvature * path**2).mean(1) for name, path in paths.items()}
losses = {name: part.sum(1) for name, part in parts.items()}  # along plus across
along = {name: path[..., 0].mean(1) for name, path in paths.items()}
figure, (view, curves) = plt.subplots(1, 2, figsize=(9.5, 4), width_ratios=[1, 1.1])
x, y = np.meshgrid(np.linspace(-10.6, 2, 200), np.linspace(-1.4, 1.4, 200))
view.contour(
    x,
    y,
    0.5 * (curvature[0] * x**2 + curvature[1] * y**2),
    levels=[0.2, 1, 3, 8, 16],
    colors="0.8",
    linewidths=0.8,
)
order = {
    "high, 0.08": (slice(0, 801), figures.COLOURS[1], 0.5),
    "low, 0.008": (slice(0, 1001), figures.COLOURS[0], 1.2),
    "high, then a late decay": (slice(800, 1001), figures.COLOURS[2], 1.6),
}
for name, (part, colour, width) in order.items():
    path = paths["high, then a late decay" if width != 1.2 else name][part, 0]
    view.plot(*path.T, color=colour, linewidth=width, linestyle="-")
view.plot(0, 0, marker="*", markersize=13, color="black", linestyle="")
view.set(
    xlabel="along the river",
    ylabel="across, up the walls",
    title="The high rate gets far, up on the walls",
)
view.grid(visible=False)
for name, (_, colour, _) in order.items():
    dashed = "--" if name == "high, 0.08" else "-"
    curves.plot(losses[name], label=name, color=colour, linestyle=dashed)
curves.set(
    yscale="log",
    ylim=(0.04, 15),
    xlabel="update",
    ylabel="mean loss",
    title="A late decay ends the shaking",
)
curves.legend(loc="upper right")
_ = figure

# %% tags=["folded"]
low, high, late = "low, 0.008", "high, 0.08", "high, then a late decay"
come = {name: 10 + along[name][800] for name in rivers}
assert (losses[high][20:] > losses[low][20:]).all()
assert losses[late][1000] < 0.1 * losses[low][1000] < 0.1 * losses[high][1000]
river, across = {}, {}
for name, part in parts.items():
    river[name], across[name] = part.T
drop, shaking = (one[late][800] - one[late][1000] for one in (losses, across))
lead = losses[low][1000] - losses[late][1000]
earned = river[low][800] - river[late][800]
tail = losses[high][700:801]
trend = 100 * np.polyfit(np.arange(101), tail, 1)[0]  # over these 100 updates
moved = {name: along[name][800] - along[name][700] for name in rivers}
assert 0.9 < shaking / drop < 1 and 0.9 < earned / lead < 1.1, (shaking, drop)
display(
    Markdown(
        f"At update 800 the run at the high rate has come {come[high]:.1f} of 10 along the river, the one at the low rate {come[low]:.1f}. "
        f"And yet the loss of the high rate is the higher one, {losses[high][800]:.2f} against {losses[low][800]:.2f}: "
        f"{across[high][800]:.2f} of it comes from the walls. Over the next 200 updates the decay lets the weights sink to the river. "
        f"The loss falls by {drop:.2f}, to {losses[late][1000]:.2f}, although the weights move only "
        f"{along[late][1000] - along[late][800]:.1f} farther. Of the drop, {shaking:.2f} is the end of the shaking. "
        f"The lead over the low rate, {lead:.2f} at the end, was earned at the high rate. There the part along the river fell "
        f"from {river[high][0]:.2f} to {river[high][800]:.2f}, at the low rate only to {river[low][800]:.2f}. "
        f"The curve of the high rate shows this progress while it is large: it falls from {losses[high][50]:.2f} at update 50 "
        f"to {losses[high][400]:.2f} at 400 and {losses[high][800]:.2f} at 800. Late it is all but flat. From update 700 to 800 "
        f"its trend is {trend:+.2f}, less than its spread of {tail.std():.2f}, while the weights move {moved[high]:.1f} along the river."
    )
)
answer(
    "prediction 2",
    "higher",
    holds=losses[high][800] > losses[low][800]
    and come[high] > 6 * come[low] * 0.98,
)
answer(
    "check 2",
    "nothing yet, since noise can hide that learning goes on",
    holds=abs(trend) < tail.std() < 0.05 * tail.mean()
    and moved[high] > 3 * moved[low]
    and across[high][700:801].mean() > 0.8 * tail.mean(),
)
early = valley(lrlib.Linear(0.08, 0.0, steps=1000))
early_losses = 0.5 * (curvature * early**2).sum(2).mean(1)
assert early_losses[400] < losses[late][400] / 2, "it wins at once"
assert 2.7 < early_losses[1000] / losses[late][1000] < 3.3, "and loses later"
ways = [10 + path[1000, :, 0].mean() for path in (early, paths[late])]
assert 0.7 < ways[0] / ways[1] < 0.75, ways

# %% [markdown]
# This is a picture: two weights, straight walls and noise that we chose ourselves. It says how such a drop can come about, and
# nothing about whether a network's loss has this form. What can be measured is the drop.


# %% [markdown]
# ### Digits with wrong labels
#
# To see the drop in a network we need noise that stays. The network and the digits are those of [The learning
# rate](learning_rate.ipynb): 64 inputs, 32 hidden units, ten outputs, 1,149 training images, batches of 32, plain SGD.
# But a fifth of the training labels, 230 of them, are replaced by wrong ones, each drawn from the other nine digits. No
# image tells that its label is wrong. In these runs the network
# learns few of them by heart, as we count below, so batches disagree to the end.
#
# Here are two runs of 20 epochs at rate 0.5. In the second the rate falls to zero over the last four epochs. The cells train
# one seed; [the figure](#fig-late) has twenty.

# %%
from lrlib.course.experiments import constant_rates, label_noise

stay, fall = "noisy-20epochs-constant-0.5", "noisy-20epochs-late-0.5"

# %% tags=["pytorch"]
from lrlib.course import pytorch as in_torch

in_torch.one_thread()
torch_runs = {
    name: label_noise.run(label_noise.SETTINGS[name], "pytorch", [0])[0]
    for name in (stay, fall)
}

# %% tags=["keras"]
from lrlib.course import keras as in_keras

in_keras.one_thread()
keras_runs = {
    name: label_noise.run(label_noise.SETTINGS[name], "keras", [0])[0]
    for name in (stay, fall)
}

# %% tags=["nbval-ignore-output", "folded"]
for framework, live in (("PyTorch", torch_runs), ("Keras", keras_runs)):
    for name, run in live.items():
        before, after = (run["curve"]["loss"][epoch] for epoch in (16, 20))
        print(
            f"{framework:7} {name:27} training loss {before:.3f} after 16 epochs, {after:.3f} after 20"
        )

# %% tags=["folded"]
part = label_noise.parts_of(0, 0.2)[0]
assert (len(part.rows), len(part.wrong)) == (1149, 230)
for live in (torch_runs, keras_runs):
    stayed, fell = (np.array(live[name]["curve"]["loss"]) for name in (stay, fall))
    assert np.allclose(stayed[:17], fell[:17]), "until epoch 16 they are one run"
    assert fell[20] < stayed[20] - 0.05 and fell[20] < fell[16] - 0.05, live
display(
    Markdown(
        "In both frameworks the two are one run until epoch 16. Then the run whose rate falls ends with a loss that is lower by more than 0.05, both than "
        "it was and than that of the other run."
    )
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Training loss against the epoch, mean and range over twenty seeds. Up to epoch 16 both curves are one and fall more and more slowly, with a jagged band. From there on, marked by a grey area, the curve of the falling rate bends down, its band narrows, and it ends below that of the constant rate."}, "figure": {"caption": "Digits, a fifth of the training labels wrong: training loss at a constant rate of 0.5, and when the rate falls to zero in the grey part. Mean and range over twenty seeds in PyTorch.", "name": "fig-late"}}
from lrlib.course import study

results = study.load("label_noise")


def curve(name, key="loss"):
    """One row a seed in PyTorch: a measurement at the start and after each twentieth of the run."""
    return np.array([run["curve"][key] for run in results[name]["pytorch"]])


def mean_of(runs, key="test_accuracy"):
    """The mean of a number over runs."""
    return np.mean([run[key] for run in runs])


figure, ax = plt.subplots(figsize=(8, 3.8))
ax.axvspan(16, 20, color="0.93", linewidth=0)
for name, label in ((stay, "constant, 0.5"), (fall, "0.5, then to zero")):
    figures.band(ax, range(4, 21), curve(name)[:, 4:], label=label)
ax.set(
    xlabel="epoch",
    ylabel="training loss",
    xticks=range(4, 21, 4),
    title="When the rate falls, the loss falls faster",
)
ax.legend()
_ = figure

# %% tags=["folded"]
stayed, fell = curve(stay), curve(fall)
drop, slow = (
    (fell[:, 16] - fell[:, 20]).mean(),
    (stayed[:, 16] - stayed[:, 20]).mean(),
)
assert drop > 1.5 * slow > 0, (drop, slow)
assert (fell[:, 17] < stayed[:, 17]).all(), "from the first epoch on, in each seed"
spreads = [run[:, 20].std(ddof=1) for run in (fell, stayed)]
assert spreads[0] < spreads[1] / 1.5, spreads
display(
    Markdown(
        f"In the last four epochs the mean training loss falls by {drop:.2f} if the rate falls, and by {slow:.2f} if it stays. "
        f"The runs also vary less: their standard deviation is {spreads[0]:.3f} at the end, against {spreads[1]:.3f}. "
        f"So the drop is there, from the first epoch on. But it is much smaller than in the valley. Shaking is only about "
        f"{drop - slow:.2f} of the {stayed[:, 20].mean():.2f} that the loss is at the end, and the rest is what the network has not fitted."
    )
)

# %% [markdown]
# ## The result
#
# ### A decay on the digits
#
# First the digits with all labels right. Runs take 20 epochs or 5. Batches hold 32 images, or 8, whose
# gradients are noisier. In each of the four kinds a line to zero meets a constant rate. Both choose from the same four
# rates by the validation images, so one is as well tuned as the other. [The figure](#fig-decay) shows the larger batch.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of test accuracy against the learning rate. Left, five epochs: the line to zero reaches a higher accuracy than the constant rate, and its band is narrow where that of the constant rate is wide. Right, twenty epochs: the two curves have their highest points at the same height. At the largest rate both fall out of the picture."}, "figure": {"caption": "All labels right: test accuracy of a constant rate, and of a line to zero that starts from it, in batches of 32. Mean and range over ten seeds in PyTorch, Keras's means as crosses. Where only some of the runs ended guessing, the others are shown.", "name": "fig-decay"}}
clean = study.load("constant_rates")
FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras"}


def values(name, framework, key="test_accuracy"):
    """One number a seed."""
    return np.array([run[key] for run in clean[name][framework]])


def that_learned(name, framework):
    """Test accuracies, NaN where a run ended guessing, unless all did."""
    gone = np.array([constant_rates.guesses(run) for run in clean[name][framework]])
    return np.where(gone & ~gone.all(), np.nan, values(name, framework))


styles = {"constant": ("constant rate", "o"), "linear": ("line to zero", "s")}
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharey=True)
for ax, epochs, title in (
    (axes[0], 5, "5 epochs: the line ends higher"),
    (axes[1], 20, "20 epochs: their best are alike"),
):
    ladder = constant_rates.LADDERS[32]
    for (rule, (label, marker)), colour in zip(
        styles.items(), figures.COLOURS, strict=False
    ):
        names = [f"batch32-{epochs}epochs-{rule}-{rate:g}" for rate in ladder]
        runs = np.array([that_learned(name, "pytorch") for name in names]).T
        dashed = "-" if rule == "constant" else "--"
        figures.band(
            ax,
            ladder,
            runs,
            marker=marker,
            label=label,
            color=colour,
            linestyle=dashed,
        )
        means = [np.nanmean(that_learned(name, "keras")) for name in names]
        ax.plot(ladder, means, marker="x", markersize=7, linestyle="", color="k")
    ax.set(xscale="log", title=title, ylim=(86, 99), xlabel="rate, or first rate")
    ax.set_xticks(ladder, [f"{rate:g}" for rate in ladder])
    ax.minorticks_off()
axes[0].set_ylabel("test accuracy, %")
axes[1].legend(loc="lower left")
_ = figure

# %% tags=["hide-input"]
from lrlib.course.stats import direction, mean_interval

sorts = {
    f"batch{batch}-{epochs}epochs": f"{epochs} epochs, batches of {batch}"
    for epochs in (5, 20)
    for batch in (32, 8)
}
picked, gains, rows = {}, {}, []
for sort, title in sorts.items():
    ladder = constant_rates.LADDERS[int(sort.split("-")[0].removeprefix("batch"))]
    for rule in styles:
        scores = {
            name: np.mean(
                [values(name, f, "validation_accuracy") for f in FRAMEWORKS]
            )
            for name in (f"{sort}-{rule}-{rate:g}" for rate in ladder)
        }
        picked[sort, rule] = max(scores, key=scores.get)
    arms = picked[sort, "linear"], picked[sort, "constant"]
    gains[sort] = [values(arms[0], f) - values(arms[1], f) for f in FRAMEWORKS]
    rates_taken = [name.split("-")[-1] for name in reversed(arms)]
    rows.append([title, *rates_taken, *map(mean_interval, gains[sort])])
figures.table(
    ["runs", "constant rate", "line starts from", "gain, PyTorch", "Keras"], rows
)

# %% [markdown]
# The gain is the test accuracy of the decay less that of the constant rate, in points. Both runs of a pair share a seed, so
# their first weights and batches are the same; in brackets stands the 95 % interval of the mean over ten such pairs.

# %% tags=["folded"]
words = {sort: direction(*gain) for sort, gain in gains.items()}
assert {word for sort, word in words.items() if sort.endswith("-5epochs")} == {
    "higher"
}
assert not {word for sort, word in words.items() if "-20" in sort} & {
    "higher",
    "lower",
}
for batch in (32, 8):
    assert round(np.mean(gains[f"batch{batch}-5epochs"]), 1) == 1.7, gains
assert all(len(ladder) == 4 for ladder in constant_rates.LADDERS.values())
decay = picked["batch32-5epochs", "linear"]
ends = {rule: values(decay.replace("linear", rule), "pytorch") for rule in styles}
display(
    Markdown(
        f"In 5 epochs the decay wins, by {np.mean(gains['batch32-5epochs']):.1f} points with batches of 32 and by "
        f"{np.mean(gains['batch8-5epochs']):.1f} with batches of 8. In 20 epochs these ten runs show no clear gain. "
        f"The left half of the figure also shows what a decay reduces: the spread between seeds. From a rate of "
        f"{decay.split('-')[-1]}, the constant runs end anywhere between {ends['constant'].min():.0f} and "
        f"{ends['constant'].max():.0f} %, the decaying ones between {ends['linear'].min():.0f} and {ends['linear'].max():.0f} %."
    )
)

# %% [markdown]
# ### Where did the noise go?
#
# One noisy weight never comes to rest at a constant rate. Why might the decay gain less in 20 epochs than in 5?
# We measure the noise: the mean squared distance of the batches' gradients from their mean, after 5 and after 20 epochs at
# a rate of 0.5. We do it with all labels right, and with a fifth of them wrong.

# %% tags=["hide-input"]
from lrlib.course import training

images, labels = label_noise.labelled_digits()


def batches(share, seed):
    """The labels of a seed's training images, and 20 epochs of batches; ``share`` of the labels are wrong."""
    rows = label_noise.parts_of(seed, share)[0].rows
    order = training.batch_order(len(rows), 32, 20, seed)
    return labels[rows], training.rows_of(rows, order)


def noise_after(framework, sgd, share, seed):
    """The gradient noise after 5 and after 20 epochs; ``sgd`` makes the optimizer for a model."""
    given, order = batches(share, seed)
    model = framework.perceptron(constant_rates.SIZES, constant_rates.initial(seed))
    noise = []

    def on_pause(update):
        weights = framework.weights(model)
        noise.append(constant_rates.gradient_noise(weights, labels=given))

    framework.train(model, sgd(model), images, labels, order, {180, 720}, on_pause)
    return noise


# %% tags=["pytorch"]
import torch


def torch_sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.5)


noise_torch = {
    share: [noise_after(in_torch, torch_sgd, share, seed) for seed in range(3)]
    for share in (0.0, 0.2)
}

# %% tags=["keras"]
import keras


def keras_sgd(model):
    return keras.optimizers.SGD(learning_rate=0.5)


noise_keras = {
    share: [noise_after(in_keras, keras_sgd, share, seed) for seed in range(3)]
    for share in (0.0, 0.2)
}

# %% tags=["nbval-ignore-output", "folded"]
for framework, measured in (("PyTorch", noise_torch), ("Keras", noise_keras)):
    for share, levels in measured.items():
        early, late_in = np.mean(levels, axis=0)
        print(
            f"{framework:7} {100 * share:2.0f} % of the labels wrong: gradient noise {early:.3f} after 5 epochs, {late_in:.3f} after 20"
        )

# %% tags=["folded"]
part_left = []  # of the mean noise with right labels, one number a framework
for measured in (noise_torch, noise_keras):
    right, wrong = (np.array(measured[share]) for share in (0.0, 0.2))
    assert (right[:, 1] < right[:, 0] / 2).all(), right
    assert (np.abs(wrong[:, 1] / wrong[:, 0] - 1) < 0.2).all(), wrong
    assert (wrong[:, 1] > 5 * right[:, 1]).all(), (wrong, right)
    part_left.append(right[:, 1].mean() / right[:, 0].mean())
answer("check 3", "falls to less than a quarter", holds=max(part_left) < 0.25)
assert all(0.1 < part < 0.2 for part in part_left), part_left
display(
    Markdown(
        "With all labels right, a tenth to a fifth of the mean noise of epoch 5 is left after epoch 20, and less than half in each of the three seeds. "
        "With a fifth of the labels wrong it is what it was, to within 20 %, and more than five times the other."
    )
)

# %% [markdown]
# With right labels most of the noise goes by itself, so a decay has less to remove. Our reading: as the network fits the images,
# their gradients shrink, and the noise with them. The noise is measured at one rate and up to epoch 20, and no farther.
# With wrong labels the noise stays, so there the decay should have work to do.
#
# ### A decay with wrong labels
#
# Now a fifth of the training labels is wrong, in runs of 20 epochs and of 100. Each rule may start from seven rates, and takes
# the one whose runs have the highest validation accuracy. The validation labels are as wrong as the training labels,
# since whoever has wrong labels has them everywhere. The test labels are right.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four panels of test accuracy against the learning rate. With all labels right both rules have their highest points at rate 1, at about the same height, and fall to guessing at rate 2. With a fifth wrong and 20 epochs the line's curve peaks nearly two points above the constant's, at 0.5 against 0.2. With a fifth wrong and 100 epochs both peak at the same height, the line at 0.1 and the constant at 0.05, and both fall steeply towards higher rates, the constant lower."}, "figure": {"caption": "Test accuracy on right labels, of a constant rate and of a line to zero that starts from it: mean and range over twenty seeds in PyTorch. Rings: the rates that validation chooses. At rate 2 most runs end guessing, below the picture.", "name": "fig-labels"}}
titles = {
    ("clean", 20): "labels right, 20 epochs: best next to the cliff",
    ("clean", 100): "labels right, 100 epochs: the same",
    ("noisy", 20): "a fifth wrong, 20 epochs: the decay wins",
    ("noisy", 100): "a fifth wrong, 100 epochs: low rates win",
}
figure, axes = plt.subplots(2, 2, figsize=(9.5, 6.6), sharex=True, sharey=True)
for ax, ((given, epochs), title) in zip(axes.flat, titles.items(), strict=True):
    for (rule, (label, marker)), colour in zip(
        styles.items(), figures.COLOURS, strict=False
    ):
        named = {
            rate: results[label_noise.name_of(given, epochs, rule, rate)]["pytorch"]
            for rate in label_noise.RATES
        }
        accuracy = [
            [run["test_accuracy"] for run in runs] for runs in named.values()
        ]
        dashed = "-" if rule == "constant" else "--"
        figures.band(
            ax,
            label_noise.RATES,
            np.transpose(accuracy),
            marker=marker,
            label=label,
            color=colour,
            linestyle=dashed,
        )
        rate = label_noise.chosen(given, epochs, rule)
        at = np.mean(accuracy[label_noise.RATES.index(rate)])
        ax.plot(rate, at, marker="o", markersize=14, color=colour, fillstyle="none")
    ax.set(xscale="log", title=title, ylim=(80, 99))
    ax.set_xticks(label_noise.RATES, [f"{rate:g}" for rate in label_noise.RATES])
    ax.minorticks_off()
for ax in axes[1]:
    ax.set_xlabel("rate, or first rate")
for ax in axes[:, 0]:
    ax.set_ylabel("test accuracy, %")
axes[0, 1].legend(loc="lower center")
_ = figure

# %% [markdown]
# [That figure](#fig-labels) shows the seeds that chose the rates. New seeds then ran the chosen rates and no others, each with
# its own split of the digits and its own wrong labels. Their gains decide; they stand in [the next](#fig-gains).

# %% tags=["hide-input"] mystnb={"image": {"alt": "Six horizontal intervals. With a fifth of the labels wrong the gain is about one and a half points after 20 epochs and less than half a point after 100. With all labels right it is about half a point after 20 epochs and near zero after 100. The difference between wrong and right labels is about one point after 20 epochs and near zero after 100."}, "figure": {"caption": "What a line to zero gains in test accuracy over the best constant rate, by new seeds: mean and the interval that decides (it is wider than a 95 % interval, since the seeds are looked at several times). Between the dotted lines lies what is too small to be of interest.", "name": "fig-gains"}}
claimed = {claim.text: claim.rule for claim in label_noise.EXPERIMENT.claims()}
said = {
    "a fifth wrong": "with a fifth of the labels wrong, a decay beats a constant rate after {} epochs",
    "all right": "with all labels right, a decay beats a constant rate after {} epochs",
    "wrong less right": "wrong labels make the gain of a decay larger, {} epochs",
}
named_rules = {
    f"{name}, {epochs} epochs": claimed[text.format(epochs)]
    for name, text in said.items()
    for epochs in (20, 100)
}
found = {name: rule.decide() for name, rule in named_rules.items()}
figure, ax = plt.subplots(figsize=(8, 3.4))
for place, outcome in enumerate(found.values()):
    colour = figures.COLOURS[place // 2]
    ax.plot(
        [outcome.low, outcome.high],
        [-place] * 2,
        color=colour,
        linewidth=3,
        linestyle="-",
    )
    ax.plot(outcome.mean, -place, marker="o", color=colour, markersize=8)
    ax.annotate(
        f"{outcome.word}, {outcome.seeds} seeds",
        (outcome.high, -place),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
    )
for end in (-label_noise.SMALLEST, label_noise.SMALLEST):
    ax.axvline(end, color="0.4", linestyle=":", linewidth=1.2)
ax.axvline(0, color="black", linewidth=1, linestyle="-")
ax.set_yticks([-place for place in range(6)], list(found))
ax.grid(axis="y", visible=False)
ax.set(
    xlabel="gain of the decay, points of test accuracy",
    title="A decay gains more in 20 epochs than in 100",
)
ax.margins(x=0.2)
_ = figure

# %% tags=["folded"]
from lrlib.course.words import HOLDS, NEGLIGIBLE

wrong_short, wrong_long, right_short, right_long, more_short, more_long = (
    found.values()
)
tuned = {
    (given, epochs, rule): label_noise.chosen(given, epochs, rule)
    for given, epochs in titles
    for rule in styles
}
worst = [
    min(arm.sample("pytorch", True, right_short.seeds).values)
    for arm in (
        named_rules["all right, 20 epochs"].control,
        named_rules["all right, 20 epochs"].runs,
    )
]
same = [
    mean_of(results[f"noisy-100epochs-{rule}-0.5"]["pytorch"]) for rule in styles
]
low_constant = label_noise.name_of(
    "noisy", 100, "constant", tuned["noisy", 100, "constant"]
)
assert mean_of(results[low_constant]["pytorch"]) > max(same) + 3, same
assert len(label_noise.RATES) == 7
assert round(wrong_short.mean, 1) == 1.6, wrong_short
assert right_long.word == NEGLIGIBLE and wrong_long.high < 1, (
    right_long,
    wrong_long,
)
for given, epochs in titles:  # at rate 2 most runs end guessing
    for rule in styles:
        runs = results[label_noise.name_of(given, epochs, rule, 2.0)]["pytorch"]
        assert sum(map(constant_rates.guesses, runs)) > len(runs) / 2, (given, rule)


display(
    Markdown(
        f"*Labels right.* After 20 epochs the decay gains {right_short.in_words(unit='points')}. The ten runs above did not show that; they are ten, and share one "
        f"split. Both rules start from a rate of {tuned['clean', 20, 'linear']:g}, next to the cliff, and on other splits the constant rate "
        f"sometimes ends badly there: its worst run reads {worst[0]:.1f} % of the test images, the decay's worst {worst[1]:.1f} %. "
        f"After 100 epochs the gain is {right_long.in_words(unit='points')}: {right_long.word}."
    ),
    Markdown(
        f"*A fifth wrong.* After 20 epochs the decay gains {wrong_short.in_words(unit='points')}. It can start from {tuned['noisy', 20, 'linear']:g}, "
        f"where the constant has to make do with {tuned['noisy', 20, 'constant']:g}. After 100 epochs {wrong_long.in_words(unit='points')} are left, just clear of zero. "
        f"We had expected more, from a trial that compared both at the same rate of 0.5. There the decay is indeed far ahead, "
        f"{same[1]:.1f} against {same[0]:.1f} %. But a constant {tuned['noisy', 100, 'constant']:g} beats both by far."
    ),
    Markdown(
        f"So wrong labels add {more_short.in_words(unit='points')} to what a decay gains in 20 epochs, and {more_long.in_words(unit='points')} in 100, "
        f"which is {more_long.word}."
    ),
)
assert wrong_short.mean == max(found[name].mean for name in found), found
assert (
    wrong_short.mean > 2 * wrong_long.mean
    and right_short.mean > 2 * right_long.mean
)
in_5_epochs = [np.mean(gains[f"batch{batch}-5epochs"]) for batch in (32, 8)]
assert all(abs(one - wrong_short.mean) < 0.2 for one in in_5_epochs), in_5_epochs
assert wrong_short.word == right_short.word == more_short.word == HOLDS
assert 0 < wrong_long.low < 0.05 and wrong_long.word == HOLDS
answer(
    "prediction 3",
    "shrinks",
    holds=right_long.word == NEGLIGIBLE
    and min(map(np.mean, gains["batch32-5epochs"]))
    > right_short.mean
    > right_long.mean,
)
answer("prediction 4", "less than one point", holds=wrong_long.high < 1)

# %% [markdown]
# ### Who learns the wrong labels by heart?
#
# You and colleagues explain the decay differently: a high first rate keeps a network from memorising noise, and the low rates
# that follow let it learn what is complex {cite}`you2019`. That, too, is our reading. We can count how many of the 230 wrong labels
# the network has learned, that is, how often its answer for such an image is the wrong label that it was given.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels against the sum of the rates of all updates, on a logarithmic scale. Left: the share of wrong labels learned. All curves fall at first, to low points between one and three percent, those of high rates later; only the run with the smallest sum ends before. Between a sum of 100 and one of 200 they lie close together. Beyond that they rise and part, the low rates first; those of 100 epochs that go beyond a sum of 700 end between 18 and 39 percent. Right: the final test accuracy of each run. It rises up to a sum of about 200 and falls beyond. Between 100 and 400 the squares of the decays lie above the circles of the constant rates."}, "figure": {"caption": "A fifth of the labels wrong, means of twenty seeds in PyTorch. Left: wrong labels that the network has learned, along each run (full lines: constant rates; dashed: decays); guessing gives one in ten. Right: test accuracy at the end (circles: constant rates; squares: decays; small: 20 epochs; large: 100).", "name": "fig-heart"}}
walked, heart = {}, {}
for name, setting in label_noise.SETTINGS.items():
    given, _, rule, rate = name.split("-")
    if given == "noisy" and rule != "late" and float(rate) < 2:
        steps = results[name]["pytorch"][0]["curve"]["update"]
        sums = np.cumsum(setting.schedule(np.arange(steps[-1])))
        walked[name] = np.append(0, sums)[steps]
        heart[name] = curve(name, "memorised").mean(0)

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4))
for name, distance in walked.items():
    _, epochs, rule, rate = name.split("-")
    colour = figures.COLOURS[label_noise.RATES.index(float(rate))]
    dashed, marker = ("-", "o") if rule == "constant" else ("--", "s")
    label = rate if (rule, epochs) == ("constant", "100epochs") else None
    left.plot(
        distance[1:], heart[name][1:], color=colour, linestyle=dashed, label=label
    )
    accuracy = mean_of(results[name]["pytorch"])
    size = 5 if epochs == "20epochs" else 9
    right.plot(
        distance[-1],
        accuracy,
        color=colour,
        marker=marker,
        markersize=size,
        linestyle="",
    )
left.set(ylabel="wrong labels learned, %", title="Wrong labels are learned late")
left.legend(title="rate, or first rate", loc="upper left", fontsize=9)
right.set(
    ylim=(78, 96),
    ylabel="test accuracy, %",
    title="Decays on top, most clearly at 20 epochs",
)
for ax in (left, right):
    ax.set(xscale="log", xlabel="sum of the rates of all updates")
_ = figure

# %% tags=["folded"]
at_best = {
    key: walked[label_noise.name_of(*key, rate)][-1]
    for key, rate in tuned.items()
    if key[0] == "noisy"
}
assert 100 < min(at_best.values()) <= max(at_best.values()) < 250, at_best
heart_rule = claimed[
    "a high first rate keeps a network from memorising wrong labels"
].decide()
arms = "noisy-20epochs-linear-0.5", "noisy-100epochs-constant-0.05"
equal = [heart[name][-1] for name in arms]
equal_sums = [walked[name][-1] for name in arms]
assert np.ptp(equal_sums) < 1 and max(equal) < 2 == label_noise.SMALLEST_WRONG, (
    equal
)


def learned_at(total):
    """Wrong labels learned at a sum of rates, by each run that was measured before and after it."""
    return {
        name: np.interp(total, walked[name], heart[name])
        for name in heart
        if walked[name][1] <= total <= walked[name][-1] + 1
    }


def span(numbers, digits=1):
    """The least and the greatest, in words."""
    return f"{min(numbers):.{digits}f} to {max(numbers):.{digits}f} %"


together = [one for total in range(100, 201) for one in learned_at(total).values()]
assert 1 < min(together) < max(together) < 3, together
low_points = [min(heart[name]) for name in heart if "-100epochs" in name]
farther = [
    learned_at(360)[f"noisy-100epochs-constant-{r}"]
    for r in ("0.1", "0.2", "0.5", "1")
]
assert farther == sorted(farther, reverse=True), farther
at_700 = learned_at(700).values()
assert max(at_700) > 3 * min(at_700), at_700
far_ends = [
    heart[name][-1] for name in heart if "-100e" in name and walked[name][-1] > 700
]
at_end = {  # test accuracy of the runs that end at a sum, by rule and length
    total: {
        (rule, epochs): mean_of(results[name]["pytorch"])
        for name in walked
        for _, epochs, rule, _ in [name.split("-")]
        if abs(walked[name][-1] - total) < 2
    }
    for total in (180, 360)
}
for found_at in at_end.values():
    by_rule = {
        rule: [one for (kind, _), one in found_at.items() if kind == rule]
        for rule in styles
    }
    assert min(by_rule["linear"]) > max(by_rule["constant"]), at_end
gains_at_360 = [
    at_end[360]["linear", epochs] - at_end[360]["constant", epochs]
    for epochs in ("20epochs", "100epochs")
]
assert gains_at_360[0] > 2 * gains_at_360[1] > 0, at_end
at_900 = [
    learned_at(900)[f"noisy-100epochs-constant-{rate}"] for rate in ("0.5", "1")
]
assert at_900[0] > 1.5 * at_900[1], at_900
display(
    Markdown(
        f"At first the network unlearns its random guesses, which hit {heart[arms[0]][0]:.1f} % of the wrong labels by chance. At their "
        f"lowest, the runs of 100 epochs repeat {span(low_points)} of the wrong labels. The curves are drawn over the sum of the rates, that is, "
        f"over how far the weights could walk. Between a sum of 100 and one of 200 they lie close together, at {span(together)}. Then the "
        f"network begins to learn wrong labels by heart, and its test accuracy falls. The rates that validation chose all end before "
        f"that: their sums are {' and '.join(f'{one:.0f}' for one in sorted({round(one) for one in at_best.values()}))}."
    ),
    Markdown(
        f"Do high rates keep wrong labels from being learned? The verdict compares at a sum of {equal_sums[0]:.0f}: 20 epochs from 0.5 to zero "
        f"and 100 epochs at 0.05 end with {equal[0]:.1f} and {equal[1]:.1f} % of them learned ({heart_rule.word}). There it could hardly "
        f"come out otherwise, since neither has learned as much as the smallest effect of interest, "
        f"{label_noise.SMALLEST_WRONG:g} points. Farther out the rate matters. At a sum of 360, a constant 0.1 has "
        f"learned {farther[0]:.1f} % and a constant 1 only {farther[-1]:.1f} %, and the rates between them follow in order. At 700 the runs lie "
        f"at {span(at_700)}. At 900, a constant 0.5 has learned {at_900[0]:.0f} % and a constant 1 only {at_900[1]:.0f} %. "
        f"Those that walk beyond 700 in 100 epochs end at {span(far_ends, 0)}."
    ),
)
answer(
    "check 4",
    "about as many",
    holds=heart_rule.word == NEGLIGIBLE and abs(equal[0] - equal[1]) < 2,
)

# %% [markdown]
# Our reading, from the one noisy weight, is that two numbers describe the runs of [the figure](#fig-heart) near their
# best. The sum of the rates says how far a run walks, and with wrong labels there is a best distance, which is early
# stopping in other words. The last rates say how hard it shakes when it stops. In 20 epochs the best distance asks for
# a high rate; a constant rate then ends in its noise, and a decay does not. In 100 epochs a rate of 0.05 walks as far
# and hardly shakes, so little is left for a decay to gain. (No run measured the shaking at 0.05.)
#
# That high rates keep noise from being memorised we see only beyond the best distance. [Predicting the
# loss](predicting_the_loss.ipynb) makes a formula of the two numbers.
#
# ## What it means: how to read a loss curve
#
# In the valley the loss is the sum of two parts, the way that is left and the shaking, and the curve shows only their sum.
# At a high rate the first shrinks and the second stays, until the curve is all but flat. From the height of the noise
# alone you cannot tell whether the weights still move. Three rules follow.
#
# - *A plateau at a high rate need not be the end of learning.* To see how much of it is noise, copy the run, and let the
#   copy's rate fall to zero over a tenth of the updates. If the loss drops, noise had kept it up.
# - *Compare runs at the end of their decay.* At update 800 of the valley, the run that was behind had the better loss.
# - *A drop during a decay is no measure of progress.* In the valley nearly all of it was the end of the shaking; the lead
#   was earned before, at the high rate. A decay that begins too early wins at once and loses later, for it has stopped
#   walking (exercise 3).
#
# **Your predictions:**
#
# 1. **about two thirds**: the line leaves less, and forgives a rate that is too high.
# 2. **higher**: it stands on the walls, and has come six times as far.
# 3. **shrinks**: so say the point estimates, of which those for 5 epochs come from other seeds and one split. By epoch 20
#    most of the noise had gone by itself.
# 4. **less than one point**: presumably because in 100 epochs a low constant rate walks far enough and shakes little. The
#    shaking was not measured.

# %% [markdown]
# ## Break it: a plan that is longer than the run
#
# A decay has done its work only when it has reached its end. The usual way to miss it is a wrong count: of batches
# where the optimizer updates once in two (gradient accumulation), or of epochs that are then cut short. The rate falls as
# planned, and training stops half way down. Here the plan is for twice as many updates as are made, with a fifth of the
# labels wrong. PyTorch trains twenty seeds at once, Keras one.

# %%
from dataclasses import replace

sound = label_noise.SETTINGS["noisy-20epochs-linear-0.5"]
plans = {
    "ends with the run": sound,
    "twice as long": replace(sound, schedule=lrlib.Linear(0.5, 0.0, steps=1440)),
}

# %% tags=["pytorch"]
torch_plans = {
    name: label_noise.run(plan, "pytorch", range(20))
    for name, plan in plans.items()
}

# %% tags=["keras"]
keras_plans = {
    name: label_noise.run(plan, "keras", [0]) for name, plan in plans.items()
}

# %% tags=["nbval-ignore-output", "folded"]
for framework, live in (("PyTorch", torch_plans), ("Keras", keras_plans)):
    for name, runs in live.items():
        loss, accuracy = mean_of(runs, "train_loss"), mean_of(runs)
        print(
            f"{framework:7} plan {name:17}  last rate {runs[0]['rates'][1]:.4f}  training loss {loss:.3f}  test accuracy {accuracy:.1f} %"
        )
whole, cut = map(mean_of, torch_plans.values())
display(
    Markdown(
        f"Where this page was made, the plan that is too long cost {whole - cut:.1f} points of test accuracy, on average over twenty seeds in PyTorch."
    )
)

# %% tags=["folded"]
for live in (torch_plans, keras_plans):
    sound_end, cut_end = (runs[0]["rates"][1] for runs in live.values())
    assert sound_end < 0.001 and abs(cut_end - 0.25) < 0.001, live
    losses_at_end = [mean_of(runs, "train_loss") for runs in live.values()]
    assert abs(losses_at_end[1] - losses_at_end[0]) < 0.1, losses_at_end
assert 0.2 < whole - cut < 1.5, (whole, cut)
half_way = expected(line(0.5, 200), 100) / expected(line(0.5), 100)
display(
    Markdown(
        "The plan that is too long ends at a rate of 0.25, and the training loss is within 0.1 of the sound plan's. It costs test accuracy: the check asks for at least 0.2 points and less than 1.5, on any machine. "
        f"One noisy weight that starts from 0.5 ends with {half_way:.1f} times the mean squared distance."
    )
)

# %% [markdown]
# Nothing fails, and the training loss looks as it should: the run has walked farther, and shakes more. Only the images that it has
# not seen tell. The remedy costs one line: print the rate in force at the last update. It should be what the plan ends with.
#
# ## Verdicts
#
# The claims are our reading of two papers, put to the test on the digits. Their smallest effects of interest (δ), and
# the rule that chooses the rates, were fixed before any run. New seeds decide, each with a split of the digits and wrong labels of its
# own. [Claims and verdicts](verdicts.ipynb) explains the words.

# %% tags=["hide-input"]
from lrlib.course import claims

claims.table("why_decay")

# %% tags=["folded"]
print("verdicts:", claims.counts("why_decay"))

# %% [markdown]
# ## Exercises
#
# Each takes seconds of computing, the fourth about ten.
#
# 1. Call `walk` with `noise=0`, once with the constant rate 0.1 and once with a line from 0.1 to zero. Which ends closer to zero?
#    (Expect the constant rate, by a factor of about 200: without noise there is nothing to decay for.)
# 2. Find the best `lrlib.Cosine(rate, 0.0, steps=100)` with `expected`. Is it better than the line? (Expect a mean squared
#    distance about a tenth larger.)
# 3. Send `lrlib.Linear(0.08, 0.0, steps=1000)` down the valley. Why does it end with a higher loss than the late decay?
#    (Expect three times the loss: it shakes less, but walks only seven tenths as far.)
# 4. Let the digits' late decay begin after half of the run, or after 95 % of it, with `lrlib.WarmupStableDecay` and
#    `label_noise.run`. How short can the decay be? (Expect no clear difference: each is within a point of the others, and more than one
#    point above the constant rate.)
#
# ## What to take away
#
# 1. A high rate walks far and shakes hard. A decay first walks, then stops shaking: on a noisy parabola the line to zero
#    leaves two thirds of what the best constant rate leaves, and it forgives a first rate that is too high.
# 2. A decay gained most in short runs: 1.7 points in 5 epochs with right labels, and 1.6 in 20 epochs with a fifth of
#    them wrong (means; the intervals are wide). After 100 epochs the gain was negligible with right labels, and less
#    than a point with wrong ones.
# 3. A loss that is nearly flat at a high rate may be kept up by noise while learning goes on. Judge a run at the end of its
#    decay.
#
# **Terms:** noise floor, decay, river valley, label noise, gradient noise, warm-up–stable–decay.
# **Read on:** {cite}`wen2024`, {cite}`you2019`, {cite}`robbins1951`.
#
# ## Check yourself
#
# 1. A first rate that is ten times too high **costs a decay less than a constant rate / costs both alike / costs a decay
#    more than a constant rate**.
# 2. At a high rate the loss has been all but flat for a while. This shows **that learning has ended / nothing yet, since
#    noise can hide that learning goes on / that the rate is too low**.
# 3. With all labels right, the digits are trained at a constant rate of 0.5. Between epoch 5 and epoch 20 the gradient noise
#    **grows / stays as it is / falls to less than a quarter**.
# 4. Two runs on wrong labels have the same sum of rates, up to the best distance. The one with the higher first rate, and a
#    decay, learns of the wrong labels **far fewer / about as many / far more**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **costs a decay less than a constant rate**: on its way down it passes the rates that are right, which a constant rate never
#    does.
# 2. **nothing yet, since noise can hide that learning goes on**: late in the valley the loss moved by no more than its
#    noise, and the run still moved on along the river. Learning may also have ended, or the rate be too low. A copy whose
#    rate falls to zero tells: if its loss drops, noise had kept it up.
# 3. **falls to less than a quarter**: on average a tenth to a fifth was left. Our reading is that the gradients shrink as the images
#    are fitted. With a fifth of the labels wrong the noise stays.
# 4. **about as many**: up to there hardly any are learned by heart, at either rate. Fewer at the high rate is what we saw only
#    from about twice that sum on.
#
# </details>
