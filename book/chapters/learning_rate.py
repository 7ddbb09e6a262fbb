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
# # The learning rate
#
# **Goal.** Know what a learning rate does to a network: what too small a rate costs, where too large begins, and why, on
# these digits, the best one lies just below that limit. All schedules of this course move this one number, so we begin with it.
#
# Train a small network on handwritten digits at a learning rate of 1, and it reads 97 % of the images that it has not
# seen. Train it at 2, and it ends guessing, in ten runs out of ten. [The figure](#fig-cliff) shows the cliff:
# what happens there, and why is the best rate right beside it?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Test accuracy after twenty epochs against the learning rate from 0.001 to 2, on a logarithmic axis. It rises from near guessing at 0.001 to 97 percent at rate 1, ever more slowly, and is back at guessing at rate 2. The drop from 1 to 2 is a vertical cliff."}, "figure": {"caption": "The same network after twenty epochs, at one rate after another: mean and range over ten seeds in PyTorch. Each seed draws its own first weights and batches.", "name": "fig-cliff"}}
import numpy as np
from IPython.display import Markdown, display

from lrlib.course import figures, study
from lrlib.course.experiments import constant_rates
from lrlib.course.figures import plt

figures.use_style()
results = study.load("constant_rates")
FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras"}


def swept(rate, framework="pytorch"):
    """The stored runs of twenty epochs at a rate, one a seed."""
    name = constant_rates.name_of("constant", rate, batch=32, epochs=20)
    return results[name][framework]


def values(rate, key, framework="pytorch"):
    """One number a seed."""
    return np.array([run[key] for run in swept(rate, framework)])


shown = [rate for rate in constant_rates.SWEEP if rate <= 2]
figure, ax = plt.subplots(figsize=(6.8, 3.1))
accuracy = np.transpose([values(rate, "test_accuracy") for rate in shown])
figures.band(ax, shown, accuracy, marker="o")
ax.axhline(10, color="0.5", linestyle=":", linewidth=1)
ax.annotate("guessing", (0.06, 12), color="0.3")
ax.set(
    xscale="log",
    ylim=(0, 100),
    xlabel="learning rate",
    ylabel="test accuracy, %",
    title="Twenty epochs at each rate: why is the best one next to a cliff?",
)
ax.set_xticks([0.001, 0.01, 0.1, 1, 2], ["0.001", "0.01", "0.1", "1", "2"])
ax.minorticks_off()
_ = figure

# %% [markdown]
# **You need** some Python, and to have met a derivative. **Data:** 1,797 handwritten digits that come with scikit-learn;
# nothing is fetched. **Cost:** the live cells take about a minute on two cores.
#
# Everything here runs in PyTorch and in Keras. Pick one in any tab, and the book remembers it.
#
# ## The question
#
# A reading by IBM that follows S. Lau {cite}`lau2017`, one of this course's sources, puts the matter into a sentence: **a
# small learning rate is slow, a large one overshoots**. How slow is slow, how large is large, and what happens beyond?
# We begin where the answer can be computed by hand, with a single weight, and then look for the same in the network.
#
# ## Your prediction
#
# Choose before you read on; guesses are welcome.
#
# 1. A weight sits on a parabola whose curvature is 4. The limit above which updates make things worse is a rate of
#    **1/4 / 1/2 / 4**.
# 2. A network trains on digits at the best rate, and at a tenth of it, for 20 epochs. The training loss ends **about
#    equal / two or three times higher / about ten times higher** at the small rate.
# 3. At ten times the best rate, the network's loss **becomes infinite / stays finite, and nothing is learnt / only falls
#    more slowly**.

# %% [markdown]
# ## The experiment
#
# ### One weight
#
# Training makes one number small: the **loss**, which says how wrong the model is and depends on the model's
# **weights**. Take a single weight $w$ and the simplest loss there is, a parabola $L(w) = \frac{1}{2} \lambda w^2$. Its
# **curvature** $\lambda$ says how steeply it bends, and its lowest point is at $w = 0$. The **gradient** is the slope,
# here $g = \lambda w$. It points uphill, so an **update** goes the other way:
#
# $$ w \leftarrow w - \eta g $$
#
# The **learning rate** $\eta$ says how far. That is the whole rule, and here are three updates by hand.

# %%
curvature, rate = 4.0, 0.1
weight = 1.0
for _ in range(3):
    gradient = curvature * weight
    weight = weight - rate * gradient
    print(f"gradient {gradient:.2f}, weight becomes {weight:.3f}")

# %% [markdown]
# In a framework an **optimizer** makes the updates, and `SGD` is the one that does just this. Below, the framework finds
# the gradient by itself and the optimizer takes the step.

# %% tags=["pytorch"]
import torch

from lrlib.course import pytorch as in_torch

in_torch.one_thread()


def torch_path(rate, start, curvature, updates):
    """The weights before the first update, and after each."""
    curvature = torch.tensor(curvature, dtype=torch.float64)
    weights = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = torch.optim.SGD([weights], lr=rate)
    path = [weights.tolist()]
    for _ in range(updates):
        optimizer.zero_grad()
        loss = 0.5 * (curvature * weights**2).sum()
        loss.backward()
        optimizer.step()
        path.append(weights.tolist())
    return np.array(path)


print(torch_path(0.1, start=1.0, curvature=4.0, updates=3).round(3))

# %% tags=["keras"]
from lrlib.course import keras as in_keras

in_keras.one_thread()

import keras
import tensorflow as tf


def keras_path(rate, start, curvature, updates):
    """The weights before the first update, and after each."""
    curvature = tf.constant(curvature, tf.float64)
    weights = keras.Variable(start, dtype="float64")
    optimizer = keras.optimizers.SGD(rate)
    optimizer.build([weights])
    path = [weights.numpy()]
    for _ in range(updates):
        with tf.GradientTape() as tape:
            loss = 0.5 * keras.ops.sum(curvature * weights**2)
        optimizer.apply(tape.gradient(loss, [weights]), [weights])
        path.append(weights.numpy())
    return np.array(path)


print(keras_path(0.1, start=1.0, curvature=4.0, updates=3).round(3))

# %% [markdown]
# Each update multiplies the weight by the same number, since $w - \eta \lambda w = (1 - \eta\lambda)\, w$. After $k$
# updates the weight is therefore $(1 - \eta\lambda)^k$ times what it was. [The figure](#fig-parabola) has what that means.
#
# <!-- answers 1 -->

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: a parabola with the positions of three runs. At rate 0.02 the points creep down one side. At 0.45 they jump from side to side and come down. At 0.55 they jump from side to side and climb out. Right: the distance from the lowest point against the update, on a logarithmic scale, straight lines: falling slowly at 0.02, falling at 0.1 and 0.45, level at 0.5, rising at 0.55."}, "figure": {"caption": "One weight on a parabola of curvature 4, from 1. At 0.25 a single update arrives (not drawn on the right: the distance is zero). At 0.5 the weight jumps between 1 and −1 for ever.", "name": "fig-parabola"}}
updates = np.arange(21)
drawn = (0.02, 0.1, 0.45, 0.5, 0.55)
paths = {rate: torch_path(rate, 1.0, 4.0, updates[-1]) for rate in (*drawn, 0.25)}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4))
w = np.linspace(-2, 2, 200)
left.plot(w, 2 * w**2, color="0.7", linestyle="-")
looks = dict(
    zip(drawn, zip(figures.COLOURS, figures.LINES, strict=True), strict=False)
)
for rate, marker, count in ((0.02, "o", 8), (0.45, "s", 8), (0.55, "^", 4)):
    colour, dashes = looks[rate]
    points = paths[rate][:count]
    left.plot(
        points,
        2 * points**2,
        marker=marker,
        markersize=5,
        linewidth=1,
        color=colour,
        linestyle=dashes,
        label=f"rate {rate}",
    )
left.set(
    xlabel="weight",
    ylabel="loss",
    ylim=(-0.2, 8),
    title="Creeping, overshooting, climbing out",
)
left.legend(loc="upper center")
for rate in drawn:
    colour, dashes = looks[rate]
    right.plot(updates, np.abs(paths[rate]), color=colour, linestyle=dashes)
    right.annotate(f" {rate}", (20, abs(paths[rate][-1])), va="center")
right.set(
    yscale="log",
    ylim=(1e-5, 100),
    xlabel="update",
    xlim=(0, 22.5),
    xticks=range(0, 21, 5),
    title="Distance from the lowest point",
)
_ = figure

# %% [markdown]
# Read the right panel from the bottom up. The weight comes closer only if the factor $1 - \eta\lambda$ lies between −1
# and 1, and that is an exact limit:
#
# $$ 0 < \eta < \frac{2}{\lambda} $$ (eq-limit)
#
# Below $1/\lambda$ the weight slides down one side. Between $1/\lambda$ and $2/\lambda$ it jumps across and still comes
# closer: it **overshoots**, harmlessly. Above $2/\lambda$ it lands farther out each time, which is **divergence**.

# %% tags=["folded"]
from lrlib.course.questions import answer

for rate, path in paths.items():
    by_formula = (1 - rate * 4.0) ** updates
    assert np.allclose(path, by_formula, rtol=1e-12), rate
    # Keras keeps the rate in single precision.
    assert np.allclose(keras_path(rate, 1.0, 4.0, updates[-1]), by_formula, 1e-5)
factors = {rate: f"{1 - 4 * rate:.2g}".replace("-", "−") for rate in paths}
beside = {
    rate: [abs(path(rate, 1.0, 4.0, 200)[-1]) for path in (torch_path, keras_path)]
    for rate in (0.499, 0.501)
}
within, beyond = beside.values()
assert np.ptp(within) < 1e-3 and np.ptp(beyond) < 5e-3, beside
display(
    Markdown(
        f"Both frameworks follow the formula at every update. At a rate of 0.02 each update multiplies the weight by "
        f"{factors[0.02]}, and twenty of them leave {paths[0.02][-1]:.2f} of it. At 0.1 the factor is {factors[0.1]}, and "
        f"{paths[0.1][-1]:.5f} is left. At 0.45 it is {factors[0.45]}, and {paths[0.45][-1]:.3f} is left; at 0.55 it is "
        f"{factors[0.55]}, and the weight has grown to {paths[0.55][-1]:.0f}. The limit is sharp: after 200 updates a rate of 0.499 has brought the "
        f"weight from 1 to a distance of {within[0]:.2f}, and one of 0.501 has carried it out to {beyond[0]:.1f}."
    )
)
jump_closer = [rate for rate in paths if -1 < paths[rate][1] < 0]
between = [rate for rate in paths if 1 / curvature < rate < 2 / curvature]
answer("check 1", "between 1/λ and 2/λ", holds=jump_closer == between == [0.45])
answer("prediction 1", "1/2", holds=max(within) < 1 < min(beyond))

# %% [markdown]
# ### Two weights
#
# A model has more than one weight, and its loss bends more along one direction than along another. But there is one rate
# for all of them. Here is a ravine whose curvature is 1 along it and 20 across. [The figure](#fig-ravine) shows forty
# updates in it, at each of three rates.
#
# <!-- answers 1 -->

# %%
ravine, start = [1.0, 20.0], [10.0, 1.0]
ravine_rates = (0.01, 0.09, 0.1015)

# %% tags=["pytorch"]
ravine_paths = {r: torch_path(r, start, ravine, 40) for r in ravine_rates}

# %% tags=["keras"]
ravine_paths = {r: keras_path(r, start, ravine, 40) for r in ravine_rates}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels with the contours of a long, narrow valley and the path of 40 updates in each. At rate 0.01 the path turns into the valley and stops less than half way along. At 0.09 it zigzags across the valley and comes close to the lowest point. At 0.1015 the zigzag grows wider."}, "figure": {"caption": "Forty updates in a ravine. The direction across sets the largest rate that works; the direction along sets how long it takes.", "name": "fig-ravine"}}
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3), sharey=True)
along, across = np.meshgrid(np.linspace(-1, 11, 200), np.linspace(-3.5, 3.5, 200))
titles = ("0.01: slow along", "0.09: arrives", "0.1015: too fast across")
for ax, title, path in zip(axes, titles, ravine_paths.values(), strict=True):
    ax.contour(
        along,
        across,
        0.5 * (along**2 + 20 * across**2),
        levels=[0.5, 4, 15, 35, 60],
        colors="0.8",
        linewidths=1,
    )
    ax.plot(*path.T, marker="o", markersize=3, linewidth=1, linestyle="-")
    ax.plot(0, 0, marker="*", markersize=10, color="black")
    ax.set(title=title, xlabel="weight along")
    ax.grid(visible=False)
axes[0].set_ylabel("weight across")
_ = figure

# %% tags=["folded"]
slow, fine, fast = (np.abs(path[-1]) for path in ravine_paths.values())
needed = {}
for steep in (2, 20, 200):
    share = 1 - 2 / (
        1 + steep
    )  # of the way is left after an update at the best rate
    needed[steep] = int(np.ceil(np.log(0.01) / np.log(share)))
display(
    Markdown(
        f"The steep direction sets the limit: {2 / ravine[1]:g}, where the flat one alone would allow {2 / ravine[0]:g}. Just above it, at 0.1015, the weight "
        f"across has grown from 1 to {fast[1]:.1f} after 40 updates. Just below it, at 0.09, the weight along has come from 10 to {fine[0]:.2f}; "
        f"at 0.01 it is still at {slow[0]:.1f}. The more the curvatures differ, the longer it takes. At the best rate, "
        f"2/(λ₁ + λ₂), it takes {needed[2]} updates to come within a hundredth of the start if they are 1 and 2, "
        f"{needed[20]} if they are 1 and 20, and {needed[200]} if they are 1 and 200."
    )
)
assert fine[1] < start[1] and round(2 / sum(ravine), 3) == 0.095
answer("check 2", "the steep direction", holds=fast[0] < start[0] and fast[1] > 3)

# %% [markdown]
# So one rate has two masters. The steepest direction says how large it may be, the flattest how large it should be.
# With one weight the best rate, $1/\lambda$, is half the limit. The more the curvatures differ, the closer the best rate comes
# to the limit: with 1 and 20 it is 0.095 of 0.1.
#
# ### A network
#
# Now a real network, which sees an image of 8 × 8 pixels and gives ten numbers, one for each digit, by way of 32 hidden units.
# The loss is the **cross-entropy**, which is low if the right digit got the highest number. A network that
# gives every digit the same chance has a loss of ln 10, about 2.3.
#
# We train on one part of the images. The **validation** images serve to choose between runs and the **test** images to report
# what was chosen, because a number that was used for a choice flatters it. The gradient over all training images would be
# costly, so each update uses a few of them, a **batch**. An **epoch** is once through all of them.

# %%
from lrlib.course import training

data = constant_rates.images()
(x_train, y_train), *_ = data
weights = constant_rates.initial(seed=0)
order = training.batch_order(len(x_train), batch=32, epochs=20, seed=0)

# %% tags=["folded"]
counts = {name: len(y) for name, (x, y) in data._asdict().items()}
last = int((order[35] >= 0).sum())
assert len(order) == 20 * 36 and order.shape[1] == 32
display(
    Markdown(
        f"There are {counts['train']:,} images to train on, {counts['validation']} for validation and {counts['test']} to test on; "
        f"the network has {sum(array.size for array in weights):,} weights. An epoch is {len(order) // 20} updates, the last of them with a smaller "
        f"batch of {last}, and twenty epochs are {len(order)}."
    )
)

# %% [markdown]
# Both frameworks get the same first weights and the same batches. `train` is a short loop, which serves the whole course:
# for each batch it makes one update of the optimizer, and it keeps the losses.
#
# <!-- answers 2, 3 -->

# %% tags=["pytorch", "hide-output"]
figures.show_source(in_torch.perceptron, in_torch.train)

# %% tags=["keras", "hide-output"]
figures.show_source(in_keras.perceptron, in_keras.train)


# %% tags=["pytorch"]
def torch_run(rate):
    """Each batch's loss, and the training loss and test accuracy at the end."""
    model = in_torch.perceptron(constant_rates.SIZES, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    history = in_torch.train(model, optimizer, x_train, y_train, order)
    train_loss, _ = in_torch.evaluate(model, x_train, y_train)
    _, test_accuracy = in_torch.evaluate(model, *data.test)
    return history.losses, train_loss, test_accuracy


torch_runs = {rate: torch_run(rate) for rate in (0.01, 0.1, 1.0, 10.0)}


# %% tags=["keras"]
def keras_run(rate):
    """Each batch's loss, and the training loss and test accuracy at the end."""
    model = in_keras.perceptron(constant_rates.SIZES, weights)
    optimizer = keras.optimizers.SGD(learning_rate=rate)
    history = in_keras.train(model, optimizer, x_train, y_train, order)
    train_loss, _ = in_keras.evaluate(model, x_train, y_train)
    _, test_accuracy = in_keras.evaluate(model, *data.test)
    return history.losses, train_loss, test_accuracy


keras_runs = {rate: keras_run(rate) for rate in (0.01, 0.1, 1.0, 10.0)}

# %% tags=["nbval-ignore-output", "folded"]
for name, live in (("PyTorch", torch_runs), ("Keras", keras_runs)):
    for rate, (_, loss, accuracy) in live.items():
        print(
            f"{name:7} rate {rate:5}: training loss {loss:.4f}, test accuracy {accuracy:.1f} %"
        )

# %% tags=["folded"]
GUESSING = constant_rates.GUESSING
for live in (torch_runs, keras_runs):
    losses, loss, _ = live[0.1]
    by_epoch = losses.reshape(20, -1).mean(1)
    assert abs(losses[0] - GUESSING) < 0.1 and by_epoch[-1] < 0.25, by_epoch
    assert (np.diff(by_epoch[[0, 1, 9, 19]]) < 0).all(), by_epoch
    slow, _, best, guessed = (run[1] for run in live.values())
    assert best < 0.1 < 1.0 < slow < GUESSING, live
    assert np.isfinite(guessed) and guessed > 0.99 * GUESSING, guessed
    slow, _, good, guessed = (run[2] for run in live.values())
    assert guessed < 20 < slow < 90 < good, live
apart = np.abs(torch_runs[0.1][0] - keras_runs[0.1][0]).max()
assert apart < 1e-3, f"the two frameworks' losses differ by {apart}"
display(
    Markdown(
        "In both frameworks the first batch's loss is within 0.1 of guessing. After twenty epochs the training loss is still above 1 at a rate of 0.01. At 1 it is below "
        "0.1, and the network reads more than 90 % of the test images. At 10 the loss is a finite number, and the network guesses. The 720 losses at rate 0.1 differ "
        "by less than 0.001 between the frameworks."
    )
)

# %% [markdown]
# ## The result
#
# One run is one draw of first weights and batches. The stored runs are ten of each, in both frameworks, at eleven rates.
# [The figure](#fig-sweep) has the loss for all of them, now on both sides of the cliff.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Training loss after twenty epochs against the learning rate from 0.001 to 10, both axes logarithmic. From 2.3 at the smallest rates the curve falls by more than a factor of a hundred, ever farther up to rate 1. At rate 2 it is back at 2.3, at 5 and 10 slightly above. Keras's crosses lie on PyTorch's points."}, "figure": {"caption": "Training loss after twenty epochs at a constant rate: mean and range over ten seeds in PyTorch; Keras's means as crosses. The dotted line is guessing.", "name": "fig-sweep"}}
figure, ax = plt.subplots(figsize=(8, 3.8))
losses = np.transpose([values(r, "train_loss") for r in constant_rates.SWEEP])
figures.band(ax, constant_rates.SWEEP, losses, marker="o")
theirs = [values(r, "train_loss", "keras").mean() for r in constant_rates.SWEEP]
ax.plot(constant_rates.SWEEP, theirs, "x", color="black", markersize=7)
ax.axhline(GUESSING, color="0.5", linestyle=":", linewidth=1)
ax.set(
    xscale="log",
    yscale="log",
    xlabel="learning rate",
    ylabel="training loss",
    title="The higher the rate, the lower the loss, up to a cliff",
)
ax.set_xticks(
    [0.001, 0.01, 0.1, 1, 2, 5, 10], ["0.001", "0.01", "0.1", "1", "2", "5", "10"]
)
ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
ax.minorticks_off()
_ = figure

# %% [markdown]
# ## Reading the result
#
# ### A small rate is slow
#
# The best rate is chosen by the validation images, averaged over the seeds.

# %%
validation = {
    rate: values(rate, "validation_accuracy").mean()
    for rate in constant_rates.SWEEP
}
best = max(validation, key=validation.get)
print("the best constant rate:", best)

# %% tags=["folded"]
from lrlib.course.stats import direction

small = best / 10
end = {}
assert len(constant_rates.SWEEP) == 11
for rate in constant_rates.SWEEP:
    end[rate] = [values(rate, "train_loss", f) for f in FRAMEWORKS]
    assert all(len(one) == 10 for one in end[rate]), rate
    accuracy = [values(rate, "validation_accuracy", f).mean() for f in FRAMEWORKS]
    assert np.ptp(accuracy) < 0.5, (rate, accuracy)


def epochs_of(rate, framework):
    """Mean training loss of each epoch, seeds × epochs."""
    return np.array([run["epoch_loss"] for run in swept(rate, framework)])


by_epoch = {
    rate: [epochs_of(rate, f) for f in FRAMEWORKS] for rate in constant_rates.SWEEP
}
gaps = [
    low - high for low, high in zip(by_epoch[small], by_epoch[best], strict=True)
]
assert {direction(*(gap[:, e] for gap in gaps)) for e in (4, 9, 19)} == {"higher"}
times = {
    e: by_epoch[small][0][:, e - 1].mean() / by_epoch[best][0][:, e - 1].mean()
    for e in (5, 10, 20)
}
reached = {
    int(np.argmax(high.mean(0) <= low[:, -1].mean())) + 1
    for low, high in zip(by_epoch[small], by_epoch[best], strict=True)
}
assert len(reached) == 1, reached
ratios = [
    low.mean() / high.mean()
    for low, high in zip(end[small], end[best], strict=True)
]
seed_ratios = {
    rate: [low / high for low, high in zip(end[rate], end[best], strict=True)]
    for rate in (best / 10, best / 100, best / 1000)
}
widest = {rate: (np.min(r), np.max(r)) for rate, r in seed_ratios.items()}
assert times[20] > 2 * max(times[5], times[10]) > 6, times
accuracies = [values(rate, "test_accuracy").mean() for rate in (small, best)]
up_to_best = [end[rate][0].mean() for rate in constant_rates.SWEEP if rate <= best]
assert (np.diff(up_to_best) < 0).all(), "the higher the rate, the lower the loss"
assert min(one.min() for one in end[best / 1000]) > 0.97 * GUESSING
display(
    Markdown(
        f"At a tenth of the best rate the training loss ends **{ratios[0]:.0f} times higher**, {end[small][0].mean():.3f} against "
        f"{end[best][0].mean():.3f} on average; in single seeds it is {widest[small][0]:.0f} to {widest[small][1]:.0f} times. Much of that gap opens late: the mean loss of an epoch is "
        f"{times[5]:.1f} times higher in epoch 5, {times[10]:.1f} times in epoch 10 and {times[20]:.1f} times in epoch 20. To put it in time: what the small rate has after twenty epochs, the best one has in epoch {reached.pop()}. At a "
        f"hundredth the loss ends {widest[best / 100][0]:.0f} to {widest[best / 100][1]:.0f} times higher, and at a thousandth "
        f"{widest[best / 1000][0]:.0f} to {widest[best / 1000][1]:.0f} times, for there the network has hardly left guessing. In test accuracy "
        f"a tenth of the rate costs less, {accuracies[0]:.1f} against {accuracies[1]:.1f} %."
    )
)
answer(
    "prediction 2",
    "about ten times higher",
    holds=all(9 <= ratio < 11 for ratio in ratios),
)

# %% [markdown]
# For rates up to 0.2 *slow* has a simple meaning: half the rate needs twice the updates. What counts, as [the figure](#fig-product) shows, is the
# rate times the number of updates: the distance that a run could walk if all its gradients were alike.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Mean training loss of an epoch against rate times epochs, both logarithmic, for six rates from 0.01 to 1. The curves of the rates up to 0.1 lie on one common curve that falls from 2.3, each covering another stretch of it. That of 0.2 lies a little above it, those of 0.5 and 1 farther, but they reach much farther to the right and so lower."}, "figure": {"caption": "The training loss of each epoch against the rate times the epochs up to its middle: means over ten seeds in PyTorch. Each curve has twenty epochs.", "name": "fig-product"}}
figure, ax = plt.subplots(figsize=(8, 3.8))
shades = plt.get_cmap("viridis")(np.linspace(0.85, 0, 6))
for rate, shade in zip((0.01, 0.05, 0.1, 0.2, 0.5, 1.0), shades, strict=True):
    walked = rate * (np.arange(20) + 0.5)
    level = by_epoch[rate][0].mean(0)
    ax.plot(walked, level, "-o", color=shade, markersize=4, label=f"rate {rate:g}")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="rate × epochs",
    ylabel="training loss in the epoch",
    title="Small rates walk the same curve, only more slowly",
)
ax.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
ax.set_yticks([0.02, 0.1, 0.5, 2], ["0.02", "0.1", "0.5", "2"])
ax.minorticks_off()
ax.legend(loc="lower left")
_ = figure

# %% tags=["folded"]
level = {}
for rate, epochs in ((0.05, 20), (0.1, 10), (0.2, 5)):
    late = slice(epochs - epochs // 5, epochs)  # the last fifth of the run
    level[rate] = [by_epoch[rate][i][:, late].mean() for i in range(2)]
    assert np.ptp(level[rate]) < 0.005, level
for i in range(2):
    low, middle, high = (level[rate][i] for rate in (0.05, 0.1, 0.2))
    assert 0 < middle - low < high - middle and high < 1.1 * low, level
    # The middle of epoch 3 at 0.5 has the product of epoch 13 at 0.1; that of epoch 2 at 1, of the end of epoch 15.
    pairs = ((by_epoch[0.5][i][:, 2], 12), (by_epoch[1.0][i][:, 1], 14))
    assert all(b.mean() > by_epoch[0.1][i][:, e].mean() for b, e in pairs)
display(
    Markdown(
        f"Take the last fifth of three runs with the same product: 20 epochs at 0.05, 10 at 0.1 and 5 at 0.2. Their mean losses are {level[0.05][0]:.3f}, "
        f"{level[0.1][0]:.3f} and {level[0.2][0]:.3f}, within a tenth of each other. The smaller the rates, the closer the agreement; at 0.5 and 1 the same product buys less, and they are ahead because theirs is so much larger."
    )
)

# %% [markdown]
# ### A large rate overshoots
#
# The cliff lies between 1 and 2. To see what happens there, count the hidden units that are still **alive**, that is, whose output is
# above zero for at least one training image. The hidden units are ReLUs, which put out zero for whatever lies below zero. A unit
# that is below zero for *every* image gets no gradient any more. It is dead, and with plain SGD no later update brings it back. [The figure](#fig-alive) counts those that are left.

# %% tags=["pytorch"]
marks = [1, 2, 5, 10, 18, 36, 72, 180, 360, 720]


def torch_alive(rate):
    """How many hidden units are alive at the marks, in ten seeds."""
    model = in_torch.stacked_perceptron(
        [constant_rates.initial(seed) for seed in range(10)]
    )
    orders = training.stack_orders(
        training.batch_order(len(x_train), 32, 20, seed) for seed in range(10)
    )
    hidden, images, alive = model[:2], torch.from_numpy(x_train), []

    def count(update):
        with torch.no_grad():
            alive.append((hidden(images) > 0).any(1).sum(1).numpy())

    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    in_torch.train(model, optimizer, x_train, y_train, orders, marks, count)
    return np.array(alive)


alive = {rate: torch_alive(rate) for rate in (1.0, 2.0)}

# %% tags=["keras"]
marks = [1, 2, 5, 10, 18, 36, 72, 180, 360, 720]


def keras_alive(rate):
    """How many hidden units are alive at the marks, in seed 0."""
    model = in_keras.perceptron(constant_rates.SIZES, weights)
    alive = []

    def count(update):
        outputs = model.layers[0](x_train)
        alive.append(int((outputs.numpy() > 0).any(0).sum()))

    optimizer = keras.optimizers.SGD(rate)
    in_keras.train(model, optimizer, x_train, y_train, order, marks, count)
    return np.array(alive)


alive_keras = {rate: keras_alive(rate) for rate in (1.0, 2.0)}

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Number of hidden units alive, of 32, against the update on a logarithmic axis, ten thin lines and their mean at each of two rates. At rate 1 the number stays near 32 for ten updates and falls to between 20 and 28. At rate 2 it falls from the first update on, to between 5 and 9 after 36 updates and to none or one at the end."}, "figure": {"caption": "Hidden units alive, of 32: those above zero for at least one training image. Ten seeds at each rate (thin), and their mean. An epoch has 36 updates.", "name": "fig-alive"}}
figure, ax = plt.subplots(figsize=(8, 3.8))
for (rate, counts), colour in zip(alive.items(), figures.COLOURS, strict=False):
    ax.plot(marks, counts, "-", color=colour, linewidth=0.6, alpha=0.6)
    mean = counts.mean(1)
    ax.plot(marks, mean, "-o", color=colour, markersize=5, label=f"rate {rate:g}")
ax.axvline(36, color="0.5", linestyle=":", linewidth=1)
ax.annotate(" one epoch", (36, 31.5), color="0.3", fontsize=10)
ax.set(
    xscale="log",
    ylim=(-1, 33),
    xlabel="update",
    ylabel="hidden units alive",
    title="Beyond the cliff most units die within the first epoch",
)
ax.set_xticks([1, 10, 36, 100, 720], ["1", "10", "36", "100", "720"])
ax.minorticks_off()
ax.legend(loc="lower left")
_ = figure

# %% tags=["folded"]
one_epoch = marks.index(36)
assert alive[1.0][one_epoch:].min() >= 15, alive
assert 2 <= alive[2.0][one_epoch].min() <= alive[2.0][one_epoch].max() <= 12, alive
assert alive[2.0][-1].max() <= 2, alive
assert alive_keras[1.0].min() >= 15 and alive_keras[2.0][-1] <= 2, alive_keras
assert alive_keras[2.0][one_epoch] <= 12, alive_keras
# A unit that is dead stays so.
assert all((np.diff(counts, axis=0) <= 0).all() for counts in alive.values()), alive
infinite, guessing, first_epoch = {}, {}, {}
for rate in (1.0, 2.0, 5.0, 10.0):
    runs = [swept(rate, f) for f in FRAMEWORKS]
    infinite[rate] = sum(run["diverged"] for one in runs for run in one)
    guessing[rate] = [sum(map(constant_rates.guesses, one)) for one in runs]
    first_epoch[rate] = [one[:, 0].mean() for one in by_epoch[rate]]
    assert np.ptp(first_epoch[rate]) < 0.01, first_epoch
assert guessing == {1.0: [0, 0], 2.0: [10, 10], 5.0: [10, 10], 10.0: [10, 10]}
assert (
    direction(*(a - b for a, b in zip(end[2.0], end[1.0], strict=True))) == "higher"
)
display(
    Markdown(
        "This close to the cliff a rounding error is enough to change the exact counts, so we give bounds that hold on any machine. At rate 1 each of the ten seeds keeps "
        "15 or more of its 32 units to the end. At rate 2 each has 12 or fewer left after the first epoch, and two or fewer after twenty epochs: the "
        "network has lost its parts and can only guess. All ten stored runs end so, in each framework, at 2 as at 5 and at 10. In the first epoch the loss "
        f"climbs above that of guessing ({GUESSING:.2f}): it averages {first_epoch[2.0][0]:.2f} at rate 2, {first_epoch[5.0][0]:.2f} at 5 and "
        f"{first_epoch[10.0][0]:.2f} at 10, and {first_epoch[1.0][0]:.2f} at rate 1. The updates overshoot. "
        "And yet the loss became infinite in none of these runs."
    )
)
answer(
    "prediction 3",
    "stays finite, and nothing is learnt",
    holds=guessing[10 * best] == [10, 10] and not sum(infinite.values()),
)

# %% [markdown]
# On the parabola the slope grows without bound, so a step that is too long makes the next one longer, up to infinity. The
# slope of the cross-entropy in the network's outputs is bounded. Our reading: here too long a step pushes units out of reach. When all are dead, only
# the ten output biases still learn, and they can do no more than guess. A run that has died looks calm, so look at the accuracy too.
#
# **Your predictions:**
#
# 1. **1/2**: the limit is 2 divided by the curvature.
# 2. **about ten times higher**: a small rate is slow.
# 3. **stays finite, and nothing is learnt**: all runs end guessing.

# %% [markdown]
# ## Why change the rate? The noise
#
# If one rate is best for a whole run, why change it on the way? A batch is a sample, so its gradient is the true one plus
# **noise**. As long as there is noise, a constant rate keeps shaking the weights, and the higher the rate, the farther. So a
# high rate comes near the lowest point early and then stays at a distance, where a low rate would come closer and take
# much longer. A run can have both if it takes the high rate first and the low one later. That is a **schedule**, and this
# is the oldest reason for one {cite}`robbins1951`. [Momentum, noise and batch](momentum_and_noise.ipynb) works out how far
# the weights are shaken, and [Why a decay works](why_decay.ipynb) measures what a schedule gains by it.
#
# ### Two frameworks, one run
#
# PyTorch and Keras agreed so closely because, with the same weights, batches and rates, they make the same run.

# %% tags=["folded"]
parted = {}
for name, by_framework in results.items():
    if not name.startswith("full-batch"):
        ours, theirs = (
            [run["test_accuracy"] for run in by_framework[f]] for f in FRAMEWORKS
        )
        parted[name] = sum(a != b for a, b in zip(ours, theirs, strict=True))
pairs = sum(len(results[name]["keras"]) for name in parted)
differ = sorted(name for name, count in parted.items() if count)
rates_of = {name: float(name.rpartition("-")[2]) for name in differ}
assert all(rate >= 0.5 for rate in rates_of.values()), differ
display(
    Markdown(
        f"Of {pairs} pairs of stored runs, here and in the chapters that follow, {pairs - sum(parted.values())} have the same test accuracy to the last "
        f"image. The other {sum(parted.values())} belong to {len(differ)} settings with rates of 0.5 or more. "
        "We read them as rounding errors, of which training near the cliff makes large differences. So Keras's ten seeds check the code; they are not ten more draws."
    )
)

# %% [markdown]
# ## The edge of stability
#
# A network's loss is no parabola, but near any point it looks like one. Its largest curvature there is called the
# **sharpness**, the largest eigenvalue of the matrix of second derivatives, the Hessian. Does the limit of
# [the parabola](#eq-limit), 2 over the curvature, mean anything for a network? To see that clearly we take the noise away and use the *full
# batch*, the same 300 images at every update. The loss is the squared error, as in the study that found what
# follows {cite}`cohen2021`. [The figure](#fig-sharpness) shows the sharpness along the way.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Sharpness against the update for rates 0.1, 0.2 and 0.4, with horizontal lines at 2 over each rate, that is 20, 10 and 5. All start near 7 and dip to about 5 at first. At rate 0.4 the sharpness rises to 6, comes back to 5 and stays there, at 0.2 it rises to 10 and stays there, at 0.1 it rises to about 12 and stays well below 20."}, "figure": {"caption": "Full-batch gradient descent on 300 digits: the sharpness on the way, mean and range over five seeds (lines PyTorch, crosses Keras). Thin lines: 2/rate.", "name": "fig-sharpness"}}
measured = constant_rates.FullBatch(0.2).measured


def sharpness(rate, framework):
    """One row a seed: the sharpness after each of the measured updates."""
    runs = results[f"full-batch-{rate:g}"][framework]
    return np.array([run["curve"]["sharpness"] for run in runs])


figure, ax = plt.subplots(figsize=(8, 4.2))
for rate, colour in zip(constant_rates.FULL_BATCH, figures.COLOURS, strict=False):
    runs = sharpness(rate, "pytorch")
    figures.band(ax, measured, runs, label=f"rate {rate}", color=colour)
    theirs = sharpness(rate, "keras").mean(0)
    ax.plot(measured[::2], theirs[::2], "x", color="black")
    ax.hlines(2 / rate, 0, 1000, color=colour, linewidth=1, linestyle="-")
    ax.annotate(f"2/{rate}", (1010, 2 / rate), va="center", color="0.2")
ax.set(
    xlabel="update",
    ylabel="sharpness",
    ylim=(0, 22),
    xlim=(0, 1075),
    title="At 0.2 and 0.4 the sharpness settles at the limit, 2/rate",
)
ax.legend(loc="upper left", bbox_to_anchor=(0.05, 0.9))
_ = figure

# %% tags=["folded"]
at_start = constant_rates.measure(weights, rows=300)[1]
descents = constant_rates.descent_pytorch, constant_rates.descent_keras
for descent in descents:
    ends = {}
    for multiple in (0.9, 3, 8):
        rate = multiple * 2 / at_start
        (reached,) = descent(rate, seed=0, measured=[50])
        ends[multiple] = constant_rates.measure(reached, rows=300)[0]
    assert ends[0.9] < 0.3 and ends[3] < 0.3, ends
    assert not ends[8] < 1000, ends  # written so that NaN counts too
first, settled = {}, {}
late = np.array(measured) >= 500
for rate in constant_rates.FULL_BATCH:
    share = np.array([sharpness(rate, f) for f in FRAMEWORKS]) * rate / 2
    first[rate] = share[..., 0].mean()
    settled[rate] = share[..., late].min(), share[..., late].max()
display(
    Markdown(
        f"The sharpness begins at {first[0.1]:.2f}, {first[0.2]:.2f} and {first[0.4]:.2f} times the limit 2/η, for rates of 0.1, 0.2 and 0.4. From update 500 on "
        f"it is {settled[0.2][0]:.2f} to {settled[0.2][1]:.2f} times the limit at 0.2 and {settled[0.4][0]:.2f} to {settled[0.4][1]:.2f} times at 0.4, over all seeds "
        f"and both frameworks. One of them came from below and one from above. At 0.1 it rises freely, past where 0.2 had stopped it, and stays at {settled[0.1][0]:.2f} to "
        f"{settled[0.1][1]:.2f} of its own limit."
    ),
    Markdown(
        f"So the limit at the start does not say which rates will work. For the first seed it is 2/{at_start:.2f} = {2 / at_start:.3f}. At 0.9 times that "
        "rate the squared error falls below 0.3 within 50 updates, and so it does at three times the limit. At eight times it grows beyond 1,000."
    ),
)

# %% [markdown]
# This is the **edge of stability**. The run does not diverge there: when the sharpness passes the limit, each jump along
# the steepest direction lands farther out, and that carries the weights to flatter ground {cite}`lewkowycz2020`. Within reason, then, a network adapts
# to its rate, and a higher rate walks farther in the same time. Our reading is that on these digits the best rate stands next to the cliff
# for this reason. (Where a fifth of the labels is wrong it does not, as [Why a decay works](why_decay.ipynb) shows.) The
# sharpening is measured here for the full batch and squared error only. The slope of squared error in the outputs, unlike that of cross-entropy, has no bound, so that beyond the cliff this loss does run off to infinity.

# %% [markdown]
# ## Break it: a sum where a mean should be
#
# The loss of a batch is the *mean* over its images. Write the *sum*, and all gradients are as many times larger as
# there are images. The optimizer still says 0.1, and what acts is 3.2. Some tutorials sum on purpose, and make up for it with
# a very small rate. Copy the sum without the rate, and you have the bug.


# %% tags=["pytorch"]
def torch_trained(reduction, rate, updates):
    model = in_torch.perceptron(constant_rates.SIZES, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    loss_function = torch.nn.CrossEntropyLoss(reduction=reduction)
    x, y = torch.from_numpy(x_train), torch.from_numpy(y_train).long()
    for rows in torch.from_numpy(order[:updates]):
        rows = rows[rows >= 0]  # an epoch's last batch is smaller
        optimizer.zero_grad()
        loss_function(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return in_torch.weights(model), in_torch.evaluate(model, x_train, y_train)[0]


# %% tags=["keras"]
def keras_trained(reduction, rate, updates):
    model = in_keras.perceptron(constant_rates.SIZES, weights)
    loss_function = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction
    )
    model.compile(keras.optimizers.SGD(rate), loss_function)
    for rows in order[:updates]:
        rows = rows[rows >= 0]  # an epoch's last batch is smaller
        model.train_on_batch(x_train[rows], y_train[rows])
    return in_keras.weights(model), in_keras.evaluate(model, x_train, y_train)[0]


# %% tags=["folded"]
FUNCTIONS = (
    (torch_trained, "mean", "sum"),
    (keras_trained, "sum_over_batch_size", "sum"),
)


def moved(after):
    """How far the weights are from the first ones, all together."""
    pairs = zip(weights, after, strict=True)
    return float(np.sqrt(sum(np.sum((b - a) ** 2) for a, b in pairs)))


farther, after_five = [], []
for trained, mean, summed in FUNCTIONS:
    lengths = [moved(trained(how, 0.1, updates=1)[0]) for how in (summed, mean)]
    farther.append(lengths[0] / lengths[1])
    how_and_rate = ((mean, 0.1), (summed, 0.1), (summed, 0.1 / 32))
    after_five.append([trained(*one, updates=180)[1] for one in how_and_rate])
for mean, summed, fixed in after_five:
    assert summed > 0.99 * GUESSING and mean < 1.5, after_five
    assert abs(fixed - mean) < 0.05, after_five
display(
    Markdown(
        f"In both frameworks, one update with the sum moves the weights **{farther[0]:.2f} times** as far as one with the mean. After five epochs the network that was trained with the "
        "sum is guessing, while that with the mean has a training loss below 1.5. With the sum and a rate of 0.1/32 the loss is the mean's again, to within 0.05."
    )
)
answer(
    "check 3",
    "32 times longer",
    holds=all(abs(one - 32) < 0.005 for one in farther),
)

# %% [markdown]
# The fix is to take the mean, which Keras calls `sum_over_batch_size`. Then the rate means the same whatever the batch.
# Dividing the rate by 32 nearly does it, and breaks again with the next batch size; an epoch's last batch is smaller even
# today. The lesson will come back in many chapters: *the rate that is printed need not be the rate that acts.*
#
# ## Verdicts
#
# The sentence of the question is two claims. New seeds decide them, each with a split of the digits of its own, so their
# numbers may differ from those above. The smallest effect of interest is 0.01 in the training loss. Runs that learned
# nothing are counted first: at ten times the best rate that is what overshooting does. [Claims and
# verdicts](verdicts.ipynb) explains the words, and has all claims.

# %% tags=["hide-input"]
from lrlib.course import claims

claims.table("learning_rate")

# %% tags=["folded"]
print("verdicts:", claims.counts("learning_rate"))

# %% [markdown]
# ## Exercises
#
# Each of these takes some seconds of computing, the third about ten.
#
# 1. A parabola has curvature 10. Between which rates does the weight overshoot and still arrive? Check it with
#    `torch_path` or `keras_path`.
# 2. Give the optimizer in `torch_path`, or in its Keras twin, a `momentum` of 0.9. Does the limit for curvature 4 move up or down,
#    and where is it, to within 0.02? [Momentum, noise and batch](momentum_and_noise.ipynb) derives it.
# 3. How wide is the cliff? After `import lrlib`, run `constant_rates.run(constant_rates.Setting(lrlib.Constant(rate), 32, 20), "pytorch", range(10))` at
#    1.1, 1.2, … 1.5, and count the seeds that end with a `train_loss` below 0.5.
#
# ## What to take away
#
# 1. On a parabola the limit is exact, $2/\lambda$. The steepest direction sets it, and the more the curvatures differ, the
#    closer the best rate lies to it.
# 2. Up to 0.2 a small rate is slow in proportion: what counts is the rate times the updates. At rate 2 most of this
#    network's units died in the first epoch, and the loss stayed finite.
# 3. On the full batch, at two of three rates, the network moved to where its rate can just hold it: a sharpness of
#    about $2/\eta$. At the smallest rate it did not get there.
#
# **Terms:** loss, gradient, update, learning rate, batch, epoch, overshoot, divergence, schedule, sharpness, edge of stability.
# **Read on:** {cite}`cohen2021`, {cite}`robbins1951`.
#
# ## Check yourself
#
# 1. A weight jumps from one side of a parabola to the other at every update, and comes closer. The rate is **below 1/λ /
#    between 1/λ and 2/λ / above 2/λ**.
# 2. One rate serves two directions, of curvature 1 and of curvature 20. The largest rate that works is set by **the flat
#    direction / the steep direction / the mean of the two**.
# 3. A loss is summed over a batch of 32 where a mean was meant. At the same rate in the optimizer, the step is **the same /
#    32 times shorter / 32 times longer**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **between 1/λ and 2/λ**: the factor 1 − ηλ is then negative, and smaller than 1 in size. Below 1/λ it is positive, so
#    the weight stays on its side; above 2/λ each jump lands farther out.
# 2. **the steep direction**: in the ravine the limit was 2/20, and the flat direction had far to go at that rate. A rate that suits the flat direction, or
#    the mean, already diverges across.
# 3. **32 times longer**: the rate that acts is 32 times the one that is printed. It would be the same only if the loss were a mean, and nothing
#    here divides.
#
# </details>
