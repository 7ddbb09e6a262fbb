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
# **Goal.** See what the learning rate does: too small, too large, and where the limit is. Find out why one
# would change it during training.
#
# **You need** some Python, and to have met a derivative. **Data:** 1,797 handwritten digits that come with scikit-learn;
# nothing is fetched. **Cost:** the live cells take about a minute on two cores; the measured time stands under the title.
#
# Everything here runs in PyTorch and in Keras. Pick one in any tab; the book remembers.

# %% [markdown]
# ## The question
#
# One of this course's sources, a reading by IBM that follows S. Lau {cite}`lau2017`, puts it in a sentence: **a small
# learning rate is slow, a large one overshoots**. Here it is measured. How slow? How large is large? And if one rate is best, why do people change it while they train?

# %% [markdown]
# ## Your prediction
#
# Choose before you read on. Guesses are welcome.
#
# 1. A weight sits on a parabola whose curvature is 4. Updates make things worse for every rate above **1/4 / 1/2 / 4**.
# 2. A network trains on digits at the best rate, and at a tenth of it, for 20 epochs. The training loss ends **about
#    equal / two or three times higher / about ten times higher** at the small rate.
# 3. At ten times the best rate, the network's loss **becomes infinite / stays finite, and nothing is learnt / only falls
#    more slowly**.

# %% [markdown]
# ## The experiment
#
# ### One weight
#
# Training means to make a number small: the **loss**. It says how wrong the model is. It depends on the model's
# **weights**.
#
# Take one weight $w$ and the simplest loss there is, a parabola: $L(w) = \frac{1}{2} \lambda w^2$. The number $\lambda$
# is its **curvature**: how steeply it bends. The loss is lowest at $w = 0$.
#
# The **gradient** is the slope, here $g = \lambda w$. It points uphill. So an **update** goes the other way:
#
# $$ w \leftarrow w - \eta g $$
#
# The **learning rate** $\eta$ says how far. That is the whole rule. Here are three updates by hand.

# %%
curvature, rate = 4.0, 0.1
weight = 1.0
for update in range(3):
    gradient = curvature * weight
    weight = weight - rate * gradient
    print(f"update {update}: gradient {gradient:.3f}, weight becomes {weight:.3f}")

# %% [markdown]
# In a framework, an **optimizer** makes the updates. `SGD` is the one that does just this. Below, the framework finds the
# gradient by itself, and the optimizer makes the step.

# %%
import numpy as np

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
# Each update multiplies the weight by the same number: $w - \eta \lambda w = (1 - \eta\lambda)\, w$. So after $k$ updates
# the weight is $(1 - \eta\lambda)^k$ times what it was. Does that hold in both frameworks, at any rate?
#
# <!-- answers 1 -->

# %%
from lrlib.course.questions import answer

rates = (0.02, 0.1, 0.25, 0.45, 0.5, 0.55)
updates = np.arange(21)
paths = {}
for rate in rates:
    paths[rate] = torch_path(rate, 1.0, 4.0, updates[-1])
    by_formula = (1 - rate * 4.0) ** updates
    assert np.allclose(paths[rate], by_formula, rtol=1e-12), rate
    # Keras keeps the rate in single precision.
    assert np.allclose(keras_path(rate, 1.0, 4.0, updates[-1]), by_formula, 1e-5)
    print(
        f"rate {rate:<4}  each update multiplies by {1 - 4 * rate:5.2f}   after 20: {by_formula[-1]:.3g}"
    )
print("PyTorch and Keras follow the formula at every update: yes")
jump_closer = [rate for rate in rates if -1 < paths[rate][1] < 0]
between = [rate for rate in rates if 1 / curvature < rate < 2 / curvature]
answer("check 1", "between 1/λ and 2/λ", holds=jump_closer == between == [0.45])

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: a parabola with the positions of three runs. At rate 0.02 the points creep down one side. At 0.45 they jump from side to side and come down. At 0.55 they jump from side to side and climb out. Right: the distance from the lowest point against the update, on a logarithmic scale, straight lines: falling slowly at 0.02, falling at 0.1 and 0.45, level at 0.5, rising at 0.55."}, "figure": {"caption": "One weight on a parabola of curvature 4, from 1. At 0.25 a single update arrives (not drawn on the right: the distance is zero). At 0.5 the weight jumps between 1 and −1 for ever.", "name": "fig-parabola"}}
from lrlib.course import figures
from lrlib.course.figures import plt

figures.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4))
w = np.linspace(-2, 2, 200)
left.plot(w, 2 * w**2, color="0.7", linestyle="-")
drawn = (0.02, 0.1, 0.45, 0.5, 0.55)
looks = dict(
    zip(drawn, zip(figures.COLOURS, figures.LINES, strict=True), strict=False)
)
for rate, marker, count in ((0.02, "o", 8), (0.45, "s", 8), (0.55, "^", 4)):
    colour, line = looks[rate]
    points = paths[rate][:count]
    left.plot(
        points,
        2 * points**2,
        marker=marker,
        markersize=5,
        linewidth=1,
        color=colour,
        linestyle=line,
        label=f"rate {rate}",
    )
left.set(
    xlabel="weight", ylabel="loss", ylim=(-0.2, 8), title="Where each update lands"
)
left.legend(loc="upper center")
for rate in drawn:
    colour, line = looks[rate]
    right.plot(updates, np.abs(paths[rate]), color=colour, linestyle=line)
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
# Read the right panel of [the figure](#fig-parabola) from the bottom up. The weight comes closer only if the factor
# $1 - \eta\lambda$ lies between −1 and 1. That is the exact limit:
#
# $$ 0 < \eta < \frac{2}{\lambda} $$ (eq-limit)
#
# Below $1/\lambda$ the weight slides down one side. Between $1/\lambda$ and $2/\lambda$ it jumps across, and still comes
# closer: it **overshoots**, harmlessly. Above $2/\lambda$ it lands farther out each time. That is **divergence**. The
# limit is sharp, as a rate just below it and one just above it show.

# %%
limit = 2 / curvature
print("the limit for curvature 4:", limit)
distances = {}
for rate in (0.499, 0.501):
    ends = [path(rate, 1.0, 4.0, 200)[-1] for path in (torch_path, keras_path)]
    distances[rate] = np.abs(ends)
    print(
        f"rate {rate}, distance after 200 updates: PyTorch {abs(ends[0]):.3f}, Keras {abs(ends[1]):.3f}"
    )
answer(
    "prediction 1",
    "1/2",
    holds=distances[0.499].max() < 1 < distances[0.501].min(),
)

# %% [markdown]
# ### Two weights
#
# A model has more than one weight, and the loss bends more along one direction than along another. There is one rate for
# all. Here is a ravine: curvature 1 along it, 20 across.

# %%
ravine, start = [1.0, 20.0], [10.0, 1.0]
print("limits along and across:", [2 / one for one in ravine])
ravine_rates = (0.01, 0.09, 0.1015)

# %% tags=["pytorch"]
ravine_paths = {rate: torch_path(rate, start, ravine, 40) for rate in ravine_rates}
for rate, path in ravine_paths.items():
    print(f"rate {rate}: after 40 updates {path[-1].round(3)}")

# %% tags=["keras"]
ravine_paths = {rate: keras_path(rate, start, ravine, 40) for rate in ravine_rates}
for rate, path in ravine_paths.items():
    print(f"rate {rate}: after 40 updates {path[-1].round(3)}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels with the contours of a long, narrow valley and the path of 40 updates in each. At rate 0.01 the path turns into the valley and stops less than half way along. At 0.09 it zigzags across the valley and comes close to the lowest point. At 0.1015 the zigzag grows wider."}, "figure": {"caption": "Forty updates in a ravine. The direction across sets the largest rate that works; the direction along sets how long it takes.", "name": "fig-ravine"}}
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3), sharey=True)
along, across = np.meshgrid(np.linspace(-1, 11, 200), np.linspace(-3.5, 3.5, 200))
for ax, (rate, path) in zip(axes, ravine_paths.items(), strict=True):
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
    ax.set(title=f"rate {rate}", xlabel="weight along")
    ax.grid(visible=False)
axes[0].set_ylabel("weight across")
_ = figure

# %% [markdown]
# As [the figure](#fig-ravine) shows, the steepest direction sets the largest rate that works: 2/20. At that rate the
# flattest direction still has far to go. The more the curvatures differ, the more updates it takes, even at the best rate, $2/(\lambda_1 + \lambda_2)$.

# %%
for steep in (2, 20, 200):
    best = 2 / (1 + steep)
    needed = int(np.ceil(np.log(0.01) / np.log(1 - best)))
    print(
        f"curvatures 1 and {steep:3}: {needed:3} updates to come within a hundredth, at rate {best:.3g}"
    )
too_fast = np.abs(ravine_paths[0.1015][-1])
answer(
    "check 2",
    "the steep direction",
    holds=too_fast[0] < start[0] and too_fast[1] > start[1],
)

# %% [markdown]
# ### A network
#
# Now a real one. It sees an image of 8 × 8 pixels and gives ten numbers, one for each digit. It has 2,410 weights.
# The loss is the **cross-entropy**: low if the right digit got the highest number. A network that gives every digit the
# same chance has a loss of ln 10.

# %%
from lrlib.course import networks, training
from lrlib.course.experiments import constant_rates
from lrlib.course.figures import show_source

data = constant_rates.images()
(x_train, y_train), *_ = data
initial_weights = networks.dense_weights(constant_rates.SIZES, seed=0)
for name, (x, y) in data._asdict().items():
    print(f"{name:10} images {x.shape}, labels {y.shape}")
print("weights:", sum(array.size for array in initial_weights))
print(f"the loss of guessing: {constant_rates.GUESSING:.3f}")

# %% [markdown]
# We train on the first part. The **validation** images serve to choose between runs, the **test** images to report what
# was chosen: a number that was used for a choice flatters it.
#
# The gradient of the loss over all training images costs much. So each update uses a few of them, a **batch**. An
# **epoch** is once through all of them.

# %%
order = training.batch_order(len(x_train), batch=32, epochs=20, seed=0)
print("images an update:", order.shape[1])
print("updates an epoch:", len(order) // 20)
print("updates in 20 epochs:", len(order))
print("images in an epoch's last batch:", int((order[35] >= 0).sum()))

# %% [markdown]
# Both frameworks get the same first weights and the same batches. One short loop serves the whole course.

# %% tags=["pytorch"]
show_source(in_torch.perceptron, in_torch.train)

# %% tags=["keras"]
show_source(in_keras.perceptron, in_keras.train)

# %% tags=["pytorch"]
torch_model = in_torch.perceptron(constant_rates.SIZES, initial_weights)
torch_optimizer = torch.optim.SGD(torch_model.parameters(), lr=0.1)
torch_history = in_torch.train(
    torch_model, torch_optimizer, x_train, y_train, order
)

# %% tags=["keras"]
keras_model = in_keras.perceptron(constant_rates.SIZES, initial_weights)
keras_optimizer = keras.optimizers.SGD(learning_rate=0.1)
keras_history = in_keras.train(
    keras_model, keras_optimizer, x_train, y_train, order
)

# %% tags=["nbval-ignore-output"]
for name, history in (("PyTorch", torch_history), ("Keras", keras_history)):
    by_epoch = history.losses.reshape(20, -1).mean(1)
    print(f"{name:7} loss of the first batch {history.losses[0]:.3f}")
    print("        mean in epochs 1, 2, 10, 20:", by_epoch[[0, 1, 9, 19]].round(3))

# %%
apart = np.abs(torch_history.losses - keras_history.losses).max()
assert apart < 1e-3, f"the two frameworks' losses differ by {apart}"
assert abs(torch_history.losses[0] - constant_rates.GUESSING) < 0.1
for history in (torch_history, keras_history):
    shown = history.losses.reshape(20, -1).mean(1)[[0, 1, 9, 19]]
    assert (np.diff(shown) < 0).all() and shown[-1] < 0.25, shown
print("720 losses of the two frameworks within 0.001 of each other: yes")
print("the first loss is within 0.1 of guessing, the last epoch's below 0.25: yes")
print("the mean loss falls from epoch 1 to 2, 10 and 20: yes")

# %% [markdown]
# Now at a rate a hundred times below the best that we shall find, at the best, and ten times above it.
#
# <!-- answers 3 -->

# %% tags=["pytorch"]
three_rates = (0.01, 1.0, 10.0)
live_torch = {
    rate: constant_rates.run(
        constant_rates.SETTINGS[f"batch32-20epochs-constant-{rate:g}"],
        "pytorch",
        [0],
    )[0]
    for rate in three_rates
}

# %% tags=["keras"]
three_rates = (0.01, 1.0, 10.0)
live_keras = {
    rate: constant_rates.run(
        constant_rates.SETTINGS[f"batch32-20epochs-constant-{rate:g}"], "keras", [0]
    )[0]
    for rate in three_rates
}

# %% tags=["nbval-ignore-output"]
for name, live in (("PyTorch", live_torch), ("Keras", live_keras)):
    for rate, run in live.items():
        print(
            f"{name:7} rate {rate:5}: training loss {run['train_loss']:.4f}, test accuracy {run['test_accuracy']:.1f} %"
        )

# %%
for live in (live_torch, live_keras):
    small, best, large = (live[rate]["train_loss"] for rate in three_rates)
    assert best < 0.1 < 1.0 < small < constant_rates.GUESSING, live
    assert constant_rates.guesses(live[10.0]) and np.isfinite(large), live
    slow, good, guessed = (live[rate]["test_accuracy"] for rate in three_rates)
    assert guessed < 20 < slow < 90 < good, live
print("training loss above 1 at rate 0.01, below 0.1 at rate 1: yes")
print("at rate 10 the network ends guessing, and the loss is finite: yes")
print(
    "test accuracy above 90 % at rate 1, below 90 % at 0.01, below 20 % at 10: yes"
)

# %% [markdown]
# ## The result
#
# One run is one draw of first weights and batches. The stored runs are ten of each, in both frameworks, at eleven rates.

# %%
from lrlib.course import study
from lrlib.course.stats import direction, mean_sd

results = study.load("constant_rates")
LABELS = {"pytorch": "PyTorch", "keras": "Keras"}
print("seeds:", len(results["batch32-20epochs-constant-1"]["pytorch"]))


def values(setting, framework, key="test_accuracy"):
    """One number a seed."""
    return np.array([run[key] for run in results[setting][framework]])


# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels against the learning rate from 0.001 to 10 on a logarithmic scale, PyTorch and Keras on top of each other. Left: the training loss after 20 epochs stays near 2.3 at the smallest rates, falls by more than a factor of a hundred up to rate 1, and is back at 2.3 at rate 2. Right: the test accuracy rises from chance to 97 percent at rate 1 and falls to chance at rate 2."}, "figure": {"caption": "Twenty epochs at a constant rate: mean and range over ten seeds. The two frameworks' curves lie on each other. The dotted line is guessing.", "name": "fig-sweep"}}
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4))
for framework, marker in (("pytorch", "o"), ("keras", "x")):
    for ax, key in zip(axes, ("train_loss", "test_accuracy"), strict=True):
        runs = np.array(
            [
                values(f"batch32-20epochs-constant-{rate:g}", framework, key)
                for rate in constant_rates.SWEEP
            ]
        )
        figures.band(
            ax,
            constant_rates.SWEEP,
            runs.T,
            marker=marker,
            markersize=7,
            label=LABELS[framework],
        )
axes[0].axhline(constant_rates.GUESSING, color="0.5", linestyle=":", linewidth=1)
axes[1].axhline(10, color="0.5", linestyle=":", linewidth=1)
axes[0].set(yscale="log", title="training loss after 20 epochs", ylabel="loss")
axes[1].set(title="test accuracy", ylabel="%", ylim=(0, 100))
for ax in axes:
    ax.set(xscale="log", xlabel="learning rate")
axes[1].legend(loc="upper left")
_ = figure

# %% tags=["hide-input"]
rows = []
for rate in constant_rates.SWEEP:
    name = f"batch32-20epochs-constant-{rate:g}"
    failed = [sum(map(constant_rates.guesses, results[name][f])) for f in LABELS]
    rows.append(
        [
            f"{rate:g}",
            *(mean_sd(values(name, f, "train_loss"), 3) for f in LABELS),
            *(mean_sd(values(name, f), 1) for f in LABELS),
            "{}, {}".format(*failed),
        ]
    )
figures.table(
    [
        "rate",
        "training loss, PyTorch",
        "Keras",
        "test accuracy, PyTorch",
        "Keras",
        "end guessing",
    ],
    rows,
)

# %% [markdown]
# Mean ± standard deviation over the seeds. *End guessing* counts the runs, in PyTorch and in Keras, whose loss ended
# within 1 % of that of guessing, or above it. At the smallest rate they have not yet left it.

# %% [markdown]
# ## Reading the result
#
# Which rate is best? We choose by the validation images.


# %%
def chosen(kind, rates):
    """The rate whose runs have the highest validation accuracy, over seeds and frameworks."""

    def score(rate):
        return np.mean(
            [values(f"{kind}-{rate:g}", f, "validation_accuracy") for f in LABELS]
        )

    return max(rates, key=score)


best = chosen("batch32-20epochs-constant", constant_rates.SWEEP)
print("the best constant rate:", best)

# %% [markdown]
# ### A small rate is slow
#
# How slow? Compare the training loss at the same epoch, seed by seed.

# %%
small = best / 10


def losses(rate, framework, epoch):
    """Mean training loss in an epoch, the first being 1, one number a seed."""
    return np.array(
        [
            run["epoch_loss"][epoch - 1]
            for run in results[f"batch32-20epochs-constant-{rate:g}"][framework]
        ]
    )


print(f"training loss at rate {small:g} over that at rate {best:g}")
for epoch in (5, 10, 20):
    gaps = [losses(small, f, epoch) - losses(best, f, epoch) for f in LABELS]
    times = [
        losses(small, f, epoch).mean() / losses(best, f, epoch).mean()
        for f in LABELS
    ]
    print(
        f"   epoch {epoch:2}: PyTorch {times[0]:.1f}, Keras {times[1]:.1f}; {direction(*gaps)}"
    )
print(f"final training loss over that at rate {best:g}, seed by seed")
for rate in (best / 10, best / 100, best / 1000):
    final = [
        values(f"batch32-20epochs-constant-{rate:g}", f, "train_loss")
        / values(f"batch32-20epochs-constant-{best:g}", f, "train_loss")
        for f in LABELS
    ]
    lowest, highest = min(map(min, final)), max(map(max, final))
    print(f"   rate {rate:5g}: {lowest:.0f} to {highest:.0f}")

# %%
print(f"the first epoch with a loss that rate {small:g} has in epoch 20")
for framework, label in LABELS.items():
    level = losses(small, framework, 20).mean()
    by_epoch = [losses(best, framework, epoch).mean() for epoch in range(1, 21)]
    first = next(e for e, loss in enumerate(by_epoch, start=1) if loss <= level)
    print(f"   rate {best:g}, {label}: epoch {first}")

# %% [markdown]
# *Slow* has a simple meaning for small rates: half the rate needs twice the updates. What counts is rate × updates. See
# three rates, up to equal products.

# %%
print("mean training loss in the last fifth of the run, over the seeds")
for rate, epochs in ((0.05, 20), (0.1, 10), (0.2, 5)):
    late = range(epochs - epochs // 5 + 1, epochs + 1)
    level = [np.mean([losses(rate, f, e).mean() for e in late]) for f in LABELS]
    print(
        f"rate {rate:4} × {epochs:2} epochs: PyTorch {level[0]:.3f}, Keras {level[1]:.3f}"
    )

# %% [markdown]
# The smaller the rates, the closer the agreement.
#
# ### A large rate overshoots

# %%
above = [rate for rate in constant_rates.SWEEP if rate > best]
print("PyTorch, Keras; 10 runs each")
for rate in (best, *above):
    early = [losses(rate, f, 1).mean() for f in LABELS]
    runs = [results[f"batch32-20epochs-constant-{rate:g}"][f] for f in LABELS]
    guessing = [sum(map(constant_rates.guesses, one)) for one in runs]
    infinite = sum(run["diverged"] for one in runs for run in one)
    print(
        f"rate {rate:2g}: loss in the first epoch {early[0]:.2f}, {early[1]:.2f};",
        "end guessing {}, {};".format(*guessing),
        f"infinite {infinite}",
    )
gaps = [
    values(f"batch32-20epochs-constant-{above[0]:g}", f, "train_loss")
    - values(f"batch32-20epochs-constant-{best:g}", f, "train_loss")
    for f in LABELS
]
print(
    f"training loss at rate {above[0]:g} against rate {best:g}: {direction(*gaps)}"
)

# %% [markdown]
# In [the figure](#fig-sweep) the best rate stands next to the cliff. Beyond it the loss first climbs above that of
# guessing: the updates overshoot.
#
# And here is what did *not* happen: no loss became infinite. On the parabola the slope grows without bound, so a step
# that is too long makes the next one longer. Cross-entropy's slope is bounded. Too long a step pushes the ReLU units
# below zero for every image; then no gradient reaches them again, and the network is left to guess.

# %%
ratios = [
    values(f"batch32-20epochs-constant-{small:g}", f, "train_loss").mean()
    / values(f"batch32-20epochs-constant-{best:g}", f, "train_loss").mean()
    for f in LABELS
]
print(
    f"at a tenth of the best rate the loss ends {ratios[0]:.1f} (Keras: {ratios[1]:.1f}) times higher"
)
answer(
    "prediction 2",
    "about ten times higher",
    holds=all(9 <= ratio < 11 for ratio in ratios),
)
ten_times = [
    run
    for f in LABELS
    for run in results[f"batch32-20epochs-constant-{10 * best:g}"][f]
]
answer(
    "prediction 3",
    "stays finite, and nothing is learnt",
    holds=all(
        constant_rates.guesses(run) and not run["diverged"] for run in ten_times
    ),
)

# %% [markdown]
# ## Why change the rate? The noise
#
# A batch is a sample, so its gradient is the true one plus **noise**. At a constant rate that noise never lets the weights
# come to rest. [Momentum, noise and batch](momentum_and_noise.ipynb) works out how far they are shaken: for small rates the loss
# stalls at a floor that is proportional to the rate. Go back to the parabola, add noise to every gradient, and watch ten thousand weights.

# %%
import lrlib


def mean_losses(schedule, updates, curvature=1.0, noise=1.0, walkers=10_000):
    """The mean loss of many weights from 10, before each update, gradients with noise."""
    random = np.random.default_rng(0)
    w = np.full(walkers, 10.0)
    losses = []
    for t in range(updates):
        losses.append(0.5 * curvature * np.mean(w**2))
        w -= schedule(t) * (curvature * w + noise * random.standard_normal(walkers))
    return np.array(losses)


# %% [markdown]
# Now there is a choice to make. A large rate gets down fast, and stalls high. A small one gets low, and takes long. Or
# take the large one first and the small one later: a **schedule**. `lrlib.Linear(0.4, 0.0, steps=200)` starts at 0.4
# and reaches zero at update 200.

# %%
schedules = {
    "constant 0.4": lrlib.Constant(0.4),
    "constant 0.02": lrlib.Constant(0.02),
    "linear, 0.4 to 0": lrlib.Linear(0.4, 0.0, steps=200),
}
curves = {name: mean_losses(one, 200) for name, one in schedules.items()}
for name, curve in curves.items():
    print(
        f"{name:17} loss at update 20: {curve[20]:6.3f}, at the end: {curve[-1]:.3f}"
    )

# %% tags=["hide-input"] mystnb={"image": {"alt": "Mean loss against the update on a logarithmic scale. The constant rate 0.4 falls within ten updates to 0.12 and stays there. The constant 0.02 falls slowly and has not arrived after 200 updates. The linear decay falls as fast as the first and goes on down to below 0.01."}, "figure": {"caption": "A noisy parabola of curvature 1: mean loss of ten thousand weights. The decay is as fast as the large rate and ends below both.", "name": "fig-noise"}}
figure, ax = plt.subplots(figsize=(8, 3.8))
for name, curve in curves.items():
    ax.plot(curve, label=name)
ax.set(yscale="log", xlabel="update", ylabel="mean loss")
ax.legend(loc="upper right", bbox_to_anchor=(1, 0.95))
_ = figure

# %%
assert curves["linear, 0.4 to 0"][-1] < min(
    curves["constant 0.4"][-1], curves["constant 0.02"][-1]
)
print("the decay ends below both constant rates: yes")

# %% [markdown]
# What [the figure](#fig-noise) shows is the oldest reason for a schedule {cite}`robbins1951`. Whether it holds for
# the network is the question of [Why a decay works](why_decay.ipynb).
#
# **Your predictions:**
#
# 1. **1/2**: the limit is 2 divided by the curvature.
# 2. **about ten times higher**: a small rate is slow.
# 3. **stays finite, and nothing is learnt**: all runs end guessing.

# %% [markdown]
# ### Two frameworks, one run
#
# In nearly every row of the tables PyTorch and Keras are alike to the last digit. That is no mistake. With the same weights, batches and
# rates, the frameworks make the same run. So Keras's ten seeds check the code; they are not ten more draws.

# %%
parted = {}
for setting, by_framework in results.items():
    if not setting.startswith("full-batch"):
        pairs = zip(*(values(setting, f) for f in by_framework), strict=True)
        parted[setting] = sum(bool(a != b) for a, b in pairs)
pairs = sum(len(results[setting]["keras"]) for setting in parted)
print(
    f"{pairs - sum(parted.values())} of {pairs} pairs of runs have the same test accuracy"
)
for name, count in parted.items():
    if count:
        print(f"   {name}: {count} differ")

# %% [markdown]
# They differ at the highest rates only, at the cliff or one step from it. There, training makes a large difference out of
# a rounding error.

# %% [markdown]
# ## The edge of stability
#
# A network's loss is no parabola, but near any point it looks like one. Its largest curvature there is called the
# **sharpness**: the largest eigenvalue $\lambda$ of the matrix of second derivatives, the Hessian. Does the limit
# $2/\lambda$, [the parabola's](#eq-limit), mean anything for a network?
#
# To see that clearly we take the noise away: each update uses the *full batch*, the same 300 images every time. The loss is
# the squared error, as in the study that found what follows {cite}`cohen2021`. The sharpness
# is found without ever writing down that matrix, of 2,410 × 2,410 numbers.

# %%
show_source(constant_rates.sharpness)

# %% [markdown]
# Here is the descent, written out in each framework. It yields the weights whenever we want to measure.

# %% tags=["pytorch"]
show_source(constant_rates.descent_pytorch)

# %% tags=["keras"]
show_source(constant_rates.descent_keras)

# %% tags=["pytorch"]
edge_torch = constant_rates.run(
    constant_rates.SETTINGS["full-batch-0.2"], "pytorch", [0]
)[0]

# %% tags=["keras"]
edge_keras = constant_rates.run(
    constant_rates.SETTINGS["full-batch-0.2"], "keras", [0]
)[0]

# %% tags=["nbval-ignore-output"]
measured = constant_rates.SETTINGS["full-batch-0.2"].measured
for name, run in (("PyTorch", edge_torch), ("Keras", edge_keras)):
    shown = {
        u: run["curve"]["sharpness"][measured.index(u)] for u in (0, 50, 500, 1000)
    }
    print(f"{name:7} sharpness by update:", shown)

# %%
for run in (edge_torch, edge_keras):
    late = np.array(run["curve"]["sharpness"])[np.array(measured) >= 500]
    assert run["curve"]["sharpness"][0] < 7 and (np.abs(late - 10) < 1).all(), run
    assert run["curve"]["sharpness"][measured.index(50)] > 10, run
print(
    "rate 0.2: sharpness below 7 at first, from update 500 on within 1 of 10: yes"
)
print("above 10 at update 50: yes")


# %% tags=["hide-input"] mystnb={"image": {"alt": "Sharpness against the update for rates 0.1, 0.2 and 0.4, with horizontal lines at 2 over each rate, that is 20, 10 and 5. All start near 7 and dip to about 5 at first. At rate 0.4 the sharpness rises to 6, comes back to 5 and stays there, at 0.2 it rises to 10 and stays there, at 0.1 it rises to about 12 and stays well below 20."}, "figure": {"caption": "Full-batch gradient descent on 300 digits: the sharpness on the way, mean and range over five seeds (lines PyTorch, crosses Keras). Thin lines: 2/rate.", "name": "fig-sharpness"}}
def sharpness(setting, framework):
    """One row a seed: the sharpness after each of the measured updates."""
    return np.array(
        [run["curve"]["sharpness"] for run in results[setting][framework]]
    )


figure, ax = plt.subplots(figsize=(8, 4.2))
for rate, colour in zip(constant_rates.FULL_BATCH, figures.COLOURS, strict=False):
    name = f"full-batch-{rate:g}"
    runs = sharpness(name, "pytorch")
    figures.band(ax, measured, runs, label=f"rate {rate}", color=colour)
    ax.plot(
        measured[::2],
        sharpness(name, "keras").mean(0)[::2],
        linestyle="",
        marker="x",
        color="black",
    )
    ax.hlines(2 / rate, 0, 1000, color=colour, linewidth=1, linestyle="-")
    ax.annotate(f"2/{rate}", (1010, 2 / rate), va="center", color="0.2")
ax.set(xlabel="update", ylabel="sharpness", ylim=(0, 22), xlim=(0, 1075))
ax.legend(loc="upper left", bbox_to_anchor=(0.05, 0.9))
_ = figure

# %%
late = np.array(measured) >= 500
print("sharpness over the limit, 2/rate")
for rate in constant_rates.FULL_BATCH:
    start, end = [], []
    for framework in LABELS:
        share = sharpness(f"full-batch-{rate:g}", framework) * rate / 2
        start.append(share[:, 0].mean())
        end.append(share[:, late])
    lowest, highest = min(map(np.min, end)), max(map(np.max, end))
    print(
        f"   rate {rate}: at first {start[0]:.2f}, from update 500 on {lowest:.2f} to {highest:.2f}"
    )

# %% [markdown]
# These numbers are over all seeds and both frameworks. At the two larger rates of [the figure](#fig-sharpness) the network
# ends *at* the limit, one coming from below and one from above: the **edge of stability**. It does not diverge there. If the sharpness passes the limit, the
# steepest direction begins to overshoot, and that carries the weights to flatter ground. At the smallest rate the sharpness
# rises freely, past 10, where the rate of 0.2 stopped it, and stays well below its own limit.
#
# So the limit at the start does not say which rates will work. Take rates that are a multiple of it.

# %% tags=["pytorch"]
at_start = constant_rates.measure(initial_weights, rows=300)[1]
ends_torch = {}
for multiple in (0.9, 3, 8):
    rate = multiple * 2 / at_start
    (last,) = constant_rates.descent_pytorch(rate, seed=0, measured=[50])
    ends_torch[multiple] = constant_rates.measure(last, rows=300)[0]

# %% tags=["keras"]
at_start = constant_rates.measure(initial_weights, rows=300)[1]
ends_keras = {}
for multiple in (0.9, 3, 8):
    rate = multiple * 2 / at_start
    (last,) = constant_rates.descent_keras(rate, seed=0, measured=[50])
    ends_keras[multiple] = constant_rates.measure(last, rows=300)[0]

# %%
print(f"sharpness at the start {at_start:.2f}, the limit {2 / at_start:.3f}")

# %% tags=["nbval-ignore-output"]
print("squared error after 50 updates, by multiples of the limit")
for name, ends in (("PyTorch", ends_torch), ("Keras", ends_keras)):
    print(
        f"   {name:7}", {multiple: f"{end:.3g}" for multiple, end in ends.items()}
    )

# %%
for ends in (ends_torch, ends_keras):
    assert ends[0.9] < 0.3 and ends[3] < 0.3, ends
    assert not ends[8] < 1000, ends  # written so that NaN counts too
print("at 0.9 and at 3 times the limit the error falls below 0.3: yes")
print("at 8 times the limit it grows beyond 1000 in 50 updates: yes")

# %% [markdown]
# At three times the limit the network still learns: it leaves the steep place where it was born for a flatter one
# {cite}`lewkowycz2020`. Far enough above, it does diverge, and squared error, unlike cross-entropy, then grows without
# bound.

# %% [markdown]
# ## Break it: a sum where a mean should be
#
# The loss of a batch is the *mean* over its images. Write the *sum*, and all gradients are as many times larger as
# there are images. The optimizer still says 0.1. What acts is 3.2. Some tutorials sum on purpose, and make up for it with
# a very small rate. Copy the sum without the rate, and you have the bug.
#
# Here is one update each way.

# %%
rows = order[0]
x_batch, y_batch = x_train[rows], y_train[rows]


def length(before, after):
    """How far the weights moved, all together."""
    pairs = zip(before, after, strict=True)
    return float(np.sqrt(sum(np.sum((b - a) ** 2) for a, b in pairs)))


# %% tags=["pytorch"]
def torch_update(reduction):
    model = in_torch.perceptron(constant_rates.SIZES, initial_weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss_function = torch.nn.CrossEntropyLoss(reduction=reduction)
    outputs = model(torch.from_numpy(x_batch))
    loss_function(outputs, torch.from_numpy(y_batch).long()).backward()
    optimizer.step()
    moved = length(initial_weights, in_torch.weights(model))
    return optimizer.param_groups[0]["lr"], moved


(rate, with_mean), (same_rate, with_sum) = map(torch_update, ("mean", "sum"))
print(f"the optimizer's rate: {rate} and {same_rate}")
print(f"PyTorch: the sum moves the weights {with_sum / with_mean:.2f} times as far")


# %% tags=["keras"]
def keras_update(reduction):
    model = in_keras.perceptron(constant_rates.SIZES, initial_weights)
    loss_function = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction
    )
    model.compile(keras.optimizers.SGD(0.1), loss_function)
    model.train_on_batch(x_batch, y_batch)
    moved = length(initial_weights, in_keras.weights(model))
    return float(model.optimizer.learning_rate), moved


means = keras_update("sum_over_batch_size")
sums = keras_update("sum")
print(f"the optimizer's rate: {means[0]:.1f} and {sums[0]:.1f}")
print(f"Keras: the sum moves the weights {sums[1] / means[1]:.2f} times as far")

# %% [markdown]
# In Keras, the mean is called `sum_over_batch_size`, short for "the sum, divided by the batch size". Now train five epochs
# with each, and with the fix.


# %% tags=["pytorch"]
def torch_trained(reduction, rate):
    model = in_torch.perceptron(constant_rates.SIZES, initial_weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    loss_function = torch.nn.CrossEntropyLoss(reduction=reduction)
    x, y = torch.from_numpy(x_train), torch.from_numpy(y_train).long()
    for rows in torch.from_numpy(order[:180]):
        rows = rows[rows >= 0]
        optimizer.zero_grad()
        loss_function(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return in_torch.evaluate(model, x_train, y_train)[0]


slips_torch = {
    "the mean, 0.1": torch_trained("mean", 0.1),
    "the sum, 0.1": torch_trained("sum", 0.1),
    "the sum, 0.1 / 32": torch_trained("sum", 0.1 / 32),
}


# %% tags=["keras"]
def keras_trained(reduction, rate):
    keras.utils.set_random_seed(0)  # fit shuffles
    model = in_keras.perceptron(constant_rates.SIZES, initial_weights)
    loss_function = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction
    )
    model.compile(keras.optimizers.SGD(rate), loss_function)
    model.fit(x_train, y_train, batch_size=32, epochs=5, verbose=0)
    return in_keras.evaluate(model, x_train, y_train)[0]


slips_keras = {
    "the mean, 0.1": keras_trained("sum_over_batch_size", 0.1),
    "the sum, 0.1": keras_trained("sum", 0.1),
    "the sum, 0.1 / 32": keras_trained("sum", 0.1 / 32),
}

# %% tags=["nbval-ignore-output"]
for name, slips in (("PyTorch", slips_torch), ("Keras", slips_keras)):
    print(f"{name:7} training loss after 5 epochs")
    for how, loss in slips.items():
        print(f"   {how:18} {loss:.3f}")

# %%
for slips in (slips_torch, slips_keras):
    mean, summed, mended = slips.values()
    assert summed > 0.99 * constant_rates.GUESSING, slips
    assert mean < 1.5 and abs(mended - mean) < 0.05, slips
print("with the sum, at 0.1, the network ends guessing, in both frameworks: yes")
print("with the mean, and with 0.1 / 32, the loss falls alike, to within 0.05: yes")
times = (with_sum / with_mean, sums[1] / means[1])
answer(
    "check 3", "32 times longer", holds=all(abs(one - 32) < 0.005 for one in times)
)

# %% [markdown]
# Fix: take the mean. Then the rate means the same whatever the batch. Dividing the rate by 32 nearly does it, and breaks again
# with the next batch size; an epoch's last batch is smaller even today.
#
# The lesson will come back in every chapter: the rate that is printed need not be the rate that acts.

# %% [markdown]
# ## Verdicts
#
# The sentence of the question, in two halves. New seeds decide, each with a split of the digits of its own, so their
# numbers may differ from those above. The smallest effect of interest is 0.01 in the training loss. Runs that learned
# nothing are counted first: at ten times the best rate that is what overshooting does. [Claims and
# verdicts](verdicts.ipynb) explains the words, and has all claims.

# %% tags=["hide-input"]
from lrlib.course import claims

claims.table("learning_rate")

# %%
print("verdicts:", claims.counts("learning_rate"))

# %% [markdown]
# ## Exercises
#
# 1. A parabola has curvature 10. Between which rates does the weight overshoot and still arrive? Check it with
#    `torch_path` or `keras_path`.
# 2. Give `torch.optim.SGD` a `momentum` of 0.9 in `torch_path`, or its Keras twin. Where is the limit now, for curvature
#    4? Momentum moves it: up or down? [Momentum, noise and batch](momentum_and_noise.ipynb) derives it.
# 3. In the noisy parabola, stay at 0.4 for 100 updates and then at 0.02. Write it with `lrlib.Piecewise`. Does it beat
#    the linear decay?
#
# ## What to take away
#
# 1. On a parabola the limit is exact: $2/\lambda$. Small rates are slow in proportion; the best one stands close to the cliff.
# 2. At a constant rate, noise keeps the loss above a floor that grows with the rate. A decay is fast first and fine later.
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
# 1. **between 1/λ and 2/λ**: the factor 1 − ηλ is then negative, and smaller than 1 in size.
# 2. **the steep direction**: in the ravine the limit was 2/20, and the flat direction had far to go at that rate.
# 3. **32 times longer**: the rate that acts is 32 times the one that is printed.
#
# </details>
