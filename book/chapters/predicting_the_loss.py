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
# # Predicting the loss
#
# **Goal.** Know what a schedule will give before it is trained: from two runs, or from the data alone.
#
# Two runs are on the left of [the figure](#fig-foretold). From them alone, five numbers were fitted. The dashed lines on
# the right are what these numbers say of schedules that they never saw. The bands are what training gave.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels of held-out loss over updates on MNIST, on a logarithmic axis. Left, the two runs that the law was fitted on: a constant rate, which levels off, and one that falls in the last fifth, whose loss drops there; the fitted lines run through both bands. Right, four schedules that the law never saw, a line to zero, one-cycle, restarts and an inverse square root: the predicted dashed lines run within or close to the measured bands, restarts' jumps included."}, "figure": {"caption": "MNIST, SGD without momentum. Bands: all seeds; dashed: the law, fitted on the two runs on the left.", "name": "fig-foretold"}}
import numpy as np
from IPython.display import Markdown, display

import lrlib
from lrlib.course import figures
from lrlib.course.experiments import foretold
from lrlib.course.experiments.foretold import FITTED, UNSEEN, Setting, Shape
from lrlib.course.figures import plt
from lrlib.course.prediction import Law, Run, best_rates, expected_loss

figures.use_style()


def stored_run(task, optimizer, shape, framework="pytorch"):
    """Rates, the updates after which the loss was measured, and the losses, seeds × marks."""
    setting = Setting(task, optimizer, shape)
    losses = foretold.losses(task, optimizer, [shape], framework)[shape.name]
    return setting.schedule(np.arange(setting.updates)), setting.marks, losses


def fit(task, optimizer, framework="pytorch", **options):
    """The law of the two runs that it is fitted on."""
    runs = [
        Run(*stored_run(task, optimizer, shape, framework)) for shape in FITTED
    ]
    return Law.fit(runs, **options)


law = fit("mnist", "plain")
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
shown = [
    FITTED,
    [Shape(name) for name in ("linear", "one-cycle", "sgdr", "inverse-sqrt")],
]
for ax, shapes in zip(axes, shown, strict=True):
    for colour, shape in zip(figures.COLOURS, shapes, strict=False):
        rates, at, losses = stored_run("mnist", "plain", shape)
        ax.fill_between(
            at, losses.min(0), losses.max(0), color=colour, alpha=0.25, lw=0
        )
        predicted = law.predict(rates, at)
        ax.plot(at, predicted, "--", color=colour, label=shape.name)
    ax.set(yscale="log", xlabel="updates", ylim=(0.065, 0.4))
    ax.set_yticks(
        [0.07, 0.1, 0.2, 0.3], ["0.07", "0.1", "0.2", "0.3"], minor=False
    )
    ax.minorticks_off()
    ax.legend()
axes[0].set(title="fitted on two runs", ylabel="held-out loss")
axes[1].set_title("says what these will give")
_ = figure

# %% [markdown]
# **You need** [Why a decay works](why_decay.ipynb). **Data:** digits, MNIST, CIFAR-10. **Cost:** the live cells take about
# a minute; the measured time stands under the title.
#
# ## The question
#
# A schedule is chosen by training with it, and with its rivals, each at several peaks. That is the price of not knowing.
# If the loss of a schedule followed from a few numbers, two runs would do.
#
# [Why a decay works](why_decay.ipynb) says which numbers to try. A high rate walks far and shakes hard. So ask of a run two
# things: how far has it walked, and how hard is it still shaking?
#
# $$
# L(t) = \underbrace{L_\infty}_{\text{floor}} + \underbrace{A\,\Big(\textstyle\sum_{s<t} \eta_s + S_0\Big)^{-a}}_{\text{how far it has walked}} + \underbrace{C\,\eta_{t-1}}_{\text{how hard it shakes}}
# $$ (law)
#
# The sum of the rates is the clock. A schedule that keeps its rate high walks further in the same number of updates. The
# last rate is what a decay takes away. The idea comes from work on language models {cite}`tissue2024,luo2025,li2025fsl`,
# whose noise terms remember past rates. In our networks the memory came out shorter than an update, so it is left out.
#
# ## Your prediction
#
# 1. The law knows a constant rate and a late fall. On sixteen unseen runs, its median error in the last loss is **below 3 %
#    / 3 to 10 % / above 10 %** on MNIST without momentum.
# 2. Without its last term, which knows only the distance walked, the law is **about as good / at least twice as far off**.
# 3. For linear regression the best possible schedule can be computed. It is **a smooth fall / a fall with single rates
#    far above the stability limit**.
#
# ## The experiment
#
# The list of runs, the thresholds and the rivals stood in the repository before any of these runs was made. Three tasks,
# three optimizers, both frameworks; the loss is measured on held-out images thirty times along each run.

# %% tags=["hide-input"]
words = {
    "plain": "SGD",
    "sgd": "SGD, momentum 0.9",
    "adam": "Adam",
}
tasks = {"digits": "digits", "mnist": "MNIST", "cifar10": "CIFAR-10"}
rows = [
    ["fitted on", ", ".join(shape.name for shape in FITTED)],
    ["unseen shapes", ", ".join(s.name for s in UNSEEN if s.peak == s.part == 1)],
    ["unseen peaks", ", ".join(s.name for s in UNSEEN if s.peak != 1)],
    ["a third of the budget", ", ".join(s.name for s in UNSEEN if s.part != 1)],
    ["updates", ", ".join(f"{tasks[t]} {n}" for t, n in foretold.UPDATES.items())],
    [
        "seeds in PyTorch, in Keras",
        ", ".join(
            f"{tasks[t]} {n['pytorch']}, {n['keras']}"
            for t, n in foretold.SEEDS.items()
        ),
    ],
    [
        "median error to stay below",
        ", ".join(f"{tasks[t]} {100 * x:.0f} %" for t, x in foretold.THRESHOLDS.items()),
    ],
]
figures.table(["", "fixed beforehand"], rows)

# %% [markdown]
# Fitting takes four lines. A `Run` is a schedule or its rates, the updates after which the loss was measured, and the
# losses of one seed or of several.

# %%
constant, late_fall = (
    Run(*stored_run("mnist", "plain", shape)) for shape in FITTED
)
law = Law.fit([constant, late_fall])
schedule = lrlib.Linear(0.5, 0.0, steps=1650)
end = law.predict(schedule, updates=[1650])
low, high = law.interval(schedule, updates=[1650])
print(f"a line to zero will end at {end[0]:.4f} ({low[0]:.4f} to {high[0]:.4f})")

# %% tags=["hide-input"]
measured = stored_run("mnist", "plain", Shape("linear"))[2][:, -1]
display(
    Markdown(
        f"Training it gave {measured.mean():.4f} on average, with a standard deviation of {measured.std(ddof=1):.4f} "
        f"between seeds. The interval is what other seeds of the two fitted runs would have changed, *if the law holds*; "
        f"it does not know how wrong the law is."
    )
)

# %% [markdown]
# ## The result
#
# ### Sixteen runs that it never saw
#
# [The figure](#fig-ends) has the last loss of every unseen run, as foretold and as measured.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three panels, digits, MNIST and CIFAR-10: the loss that the law foretells over the loss that was measured at the end, a mark for each unseen run and optimizer, on logarithmic axes, with the diagonal. Nearly all marks lie close to it; marks of runs beyond the stability limit, drawn as crosses, lie far to the right of it."}, "figure": {"caption": "Foretold and measured last loss of the unseen runs. Crosses: twice or four times the peak, where the law is not held to.", "name": "fig-ends"}}
MODELS = ("law", "area", "late fall")


def ends(task, optimizer, shapes, framework="pytorch"):
    """The measured last losses, means over the seeds."""
    losses = foretold.losses(task, optimizer, shapes, framework)
    return np.array([losses[shape.name][:, -1].mean() for shape in shapes])


def foretell(task, optimizer, shapes, model="law", framework="pytorch"):
    fitted = foretold.losses(task, optimizer, FITTED, framework)
    return foretold.foretold(task, optimizer, fitted, shapes, model)


figure, axes = plt.subplots(1, 3, figsize=(10, 3.8))
for ax, task in zip(axes, tasks, strict=True):
    for k, optimizer in enumerate(words):
        found = ends(task, optimizer, UNSEEN)
        said = foretell(task, optimizer, UNSEEN)
        ax.plot(found, said, "os^"[k], color=figures.COLOURS[k], ms=5, alpha=0.8, label=words[optimizer])
        found = ends(task, optimizer, foretold.BEYOND)
        said = foretell(task, optimizer, foretold.BEYOND)
        ax.plot(found, said, "x", color=figures.COLOURS[k], ms=6)
    ax.set(xscale="log", yscale="log", title=tasks[task], xlabel="measured")
    low, high = ax.get_xlim()[0], ax.get_ylim()[1]
    ax.axline((low, low), (high, high), color="0.5", lw=1, ls="-", zorder=0)
axes[0].set_ylabel("foretold")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
_ = figure

# %% tags=["hide-input"]
from scipy.stats import spearmanr


def medians(task, optimizer, framework):
    """Median error of the last loss over the unseen runs, by model, and the law's rank correlation with what came."""
    found = ends(task, optimizer, UNSEEN, framework)
    said = {m: foretell(task, optimizer, UNSEEN, m, framework) for m in MODELS}
    errors = {m: np.median(np.abs(np.log(s / found))) for m, s in said.items()}
    return errors, spearmanr(said["law"], found).statistic


table, held = [], {}
for task in tasks:
    for optimizer in words:
        row = [tasks[task], words[optimizer]]
        for framework in ("pytorch", "keras"):
            errors, rank = medians(task, optimizer, framework)
            held[task, optimizer, framework] = errors
            row += [f"{100 * errors[m]:.1f}" for m in MODELS] + [f"{rank:.2f}"]
        table.append(row)
head = ["task", "optimizer"]
for name in ("PyTorch", "Keras"):
    head += [f"{name}: law", "distance only", "the late fall's end", "rank correlation of the law"]
figures.table(head, table)

# %% tags=["hide-input"]
from lrlib.course.questions import answer

below = {
    task: sum(held[task, o, f]["law"] <= foretold.THRESHOLDS[task] for o in words for f in ("pytorch", "keras"))
    for task in tasks
}
mnist = held["mnist", "plain", "pytorch"]
lines = [f"{tasks[task]}: {count} of 6" for task, count in below.items()]
display(
    Markdown(
        "Median error of the last loss over sixteen unseen runs, in percent. It stays below the threshold that was set "
        f"beforehand, 3 % on MNIST and 5 % elsewhere, in so many cases of optimizer and framework: {', '.join(lines)}."
    )
)

# %% [markdown]
# ## Reading the result
#
# ### What the last term is worth
#
# *Distance only* is the same law without its last term. It cannot know what a fall takes away, for it never looks at the
# last rate. *The late fall's end* is the simplest guess: every schedule will end where the one run with a fall ended.

# %% tags=["hide-input"]
ratio = {
    task: np.median([held[task, o, f]["area"] / held[task, o, f]["law"] for o in words for f in ("pytorch", "keras")])
    for task in tasks
}
display(
    Markdown(
        "Without the last term the error is larger by a factor of "
        + ", ".join(f"{value:.1f} on {tasks[task]}" for task, value in ratio.items())
        + " (median over optimizers and frameworks). So what a decay gives is, to a good part, what its last rate says."
    )
)

# %% [markdown]
# ### Where it breaks
#
# The law has no stability limit in it. At twice and at four times the peak some runs leave the region where a higher rate
# only shakes harder: they stop learning, and the law goes on to foretell a low loss. These are the crosses in
# [the figure](#fig-ends), and [the learning rate](learning_rate.ipynb) explains the limit that they ran into.

# %% tags=["hide-input"]
rows = []
for task in tasks:
    for optimizer in words:
        found, said = (f(task, optimizer, foretold.BEYOND) for f in (ends, foretell))
        cells = [f"{s:.2f} / {m:.2f}" for s, m in zip(said, found, strict=True)]
        rows.append([tasks[task], words[optimizer], *cells])
figures.table(
    ["task", "optimizer", *(f"{shape.name}: foretold / measured" for shape in foretold.BEYOND)],
    rows,
)

# %% [markdown]
# ### What it saves
#
# Say you follow the law: fit two runs, let it rank the eighteen schedules of the study, and train only its first choice.
# How much accuracy does that cost against training all of them and taking the best?

# %% tags=["hide-input"]
rows = []
for task in tasks:
    for optimizer in words:
        shapes = (*FITTED, *UNSEEN)
        said, found = foretell(task, optimizer, shapes), ends(task, optimizer, shapes)
        accuracy = foretold.accuracies(task, optimizer, shapes, "pytorch")
        choice = int(said.argmin())
        rows.append(
            [
                tasks[task],
                words[optimizer],
                shapes[choice].name,
                f"{found[choice]:.4f}",
                f"{shapes[int(found.argmin())].name}, {found.min():.4f}",
                f"{accuracy.max() - accuracy[choice]:.2f}",
            ]
        )
figures.table(
    ["task", "optimizer", "the law's choice", "its loss", "the best, its loss", "accuracy lost, points"],
    rows,
)

# %% [markdown]
# ## From the data alone
#
# For one model no run is needed at all. In linear regression, trained by SGD on mini-batches, the expected loss after every
# update can be computed exactly, for any schedule. The mean of the weights and their second moment follow a recursion: each
# update contracts the error along the data's directions, and adds the covariance of one batch's gradient, η² / B times.

# %%
from lrlib.course.data import digit_rows

x, y = digit_rows()
x = np.hstack([x, np.ones((len(x), 1))]).astype(float)  # 64 pixels and a bias
targets = np.eye(10)[y]
UPDATES, BATCH, PEAK = 300, 8, 0.09

late = lrlib.WarmupStableDecay(PEAK, 15, 225, 60)
exact = expected_loss(x, targets, late(np.arange(UPDATES)), BATCH)
print(f"expected loss: {exact[0]:.4f} at the start, {exact[-1]:.5f} at the end")

# %% [markdown]
# Nothing was trained for that line. To see whether it is right, a thousand regressions are trained side by side. The
# course's frameworks train the first twenty of them too, on the same batches.

# %%
T, RUNS = UPDATES, 1000
random = np.random.default_rng(0)
best = np.linalg.lstsq(x, targets, rcond=None)[0]
floor = 0.5 * ((targets - x @ best) ** 2).sum(1).mean()
curvature = x.T @ x / len(x)


def train_many(schedule, runs=RUNS):
    """SGD from zero weights: losses, runs × updates; batches drawn with replacement; the first twenty's weights."""
    weights = np.zeros((runs, x.shape[1], 10))
    losses, batches = [], np.random.default_rng(1).integers(len(x), size=(T, runs, BATCH))
    for t in range(T):
        inputs = x[batches[t]]
        errors = inputs @ weights - targets[batches[t]]
        weights -= schedule(t) / BATCH * inputs.transpose(0, 2, 1) @ errors
        off = weights - best
        losses.append(floor + 0.5 * np.einsum("rik,rik->r", off, curvature @ off))
    return np.array(losses).T, weights[:20], batches[:, :20]


measured, weights20, batches20 = train_many(late)

# %% tags=["pytorch"]
import torch

images, wanted = torch.from_numpy(x), torch.from_numpy(targets)
in_torch = torch.zeros(20, x.shape[1], 10, dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.SGD([in_torch], lr=0.0)
scheduler = lrlib.torch.Scheduler(optimizer, late)
for rows in torch.from_numpy(batches20):
    optimizer.zero_grad()
    errors = images[rows] @ in_torch - wanted[rows]
    (0.5 * errors.square().sum(-1).mean(-1)).sum().backward()
    optimizer.step()
    scheduler.step()
apart = np.abs(in_torch.detach().numpy() - weights20).max()
print("PyTorch's weights are those of NumPy to nine digits:", apart < 1e-9)
assert apart < 1e-9, apart

# %% tags=["keras"]
import keras
import tensorflow as tf

import lrlib.keras

in_keras = keras.Variable(np.zeros((20, x.shape[1], 10)), dtype="float64")
keras_optimizer = keras.optimizers.SGD(lrlib.keras.Schedule(late))
keras_optimizer.build([in_keras])
images_tf, wanted_tf = tf.constant(x), tf.constant(targets)


@tf.function
def train_in_keras(batches):
    for rows in batches:
        with tf.GradientTape() as tape:
            errors = tf.gather(images_tf, rows) @ in_keras.value - tf.gather(wanted_tf, rows)
            loss = 0.5 * tf.reduce_sum(tf.reduce_mean(tf.reduce_sum(errors**2, -1), -1))
        keras_optimizer.apply([tape.gradient(loss, in_keras.value)], [in_keras])


train_in_keras(tf.constant(batches20))
apart_keras = np.abs(in_keras.numpy() - weights20).max()
print("Keras's weights are those of NumPy to four digits:", apart_keras < 1e-4)
assert apart_keras < 1e-4, apart_keras

# %% [markdown]
# The lines of [the figure](#fig-exact) are computed; the bands are the middle nine tenths of a thousand runs.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Expected excess loss over updates for linear regression on the digits, on a logarithmic axis: a constant rate levels off high and shakes in a wide band; a line falls steadily; a late fall stays near the constant rate and drops sharply in its last fifth, below the line. The computed line runs through the middle of each band."}, "figure": {"caption": "Linear regression on the digits: loss above the floor, computed (lines), and 1,000 runs of each (bands).", "name": "fig-exact"}}
named = {
    "constant": lrlib.Constant(PEAK),
    "line": lrlib.Linear(PEAK, 0.0, UPDATES),
    "late fall": late,
}
curves = {"late fall": measured}
figure, ax = plt.subplots(figsize=(8, 4))
inside = {}
for colour, (name, schedule) in zip(figures.COLOURS, named.items(), strict=False):
    if name not in curves:
        curves[name] = train_many(schedule)[0]
    computed = expected_loss(x, targets, schedule(np.arange(UPDATES)), BATCH)[1:]
    low, high = np.quantile(curves[name] - floor, [0.05, 0.95], axis=0)
    ax.fill_between(range(1, T + 1), low, high, color=colour, alpha=0.2, lw=0)
    ax.plot(range(1, T + 1), computed - floor, "-", color=colour, label=name, lw=1.2)
    error = curves[name].std(0, ddof=1) / RUNS**0.5
    inside[name] = (np.abs(curves[name].mean(0) - computed) < 2 * error).mean()
ax.set(yscale="log", xlabel="updates", ylabel="loss above the floor")
ax.set_title("No free number: the computed loss runs through the middle of the runs")
ax.legend()
_ = figure

# %% tags=["hide-input"]
# What the share would be if the computed loss were exactly right: the runs drawn again about their own mean.
ranges = {}
for name, losses in curves.items():
    off = losses - losses.mean(0)
    error = losses.std(0, ddof=1) / RUNS**0.5
    counts = np.random.default_rng(2).multinomial(RUNS, np.full(RUNS, 1 / RUNS), 400)
    shares = (np.abs(counts @ off / RUNS) < 2 * error).mean(1)
    ranges[name] = np.quantile(shares, [0.01, 0.99])
    assert ranges[name][0] <= inside[name] <= ranges[name][1], (name, inside, ranges)
display(
    Markdown(
        "The computed loss lies within two standard errors of the mean of a thousand runs after "
        + ", ".join(f"{100 * inside[n]:.0f} % of the updates ({n})" for n in named)
        + ". Were it exactly right, chance would put that share, in 98 of 100 such experiments, between "
        + ", ".join(f"{100 * ranges[n][0]:.0f} and {100 * ranges[n][1]:.0f} %" for n in named)
        + "."
    )
)

# %% [markdown]
# ### The best schedule there is
#
# Where the loss of any schedule can be computed, the best one can be sought. `best_rates` sets one rate after the other to
# its optimum, given all others, until nothing more is gained.

# %%
optimum = best_rates(x, targets, updates=UPDATES, batch=BATCH)
print(f"its expected loss at the end: {optimum.losses[-1]:.5f}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over updates. Top, the best rates on a logarithmic axis: they alternate between about 0.09 and 0.5 to 0.7 for half of the run, above the dashed line of the stability limit at 0.175, then come together at 0.1 and fall to 0.004. Bottom, the expected loss: it jumps up by a factor of ten at every second update and falls back at the next, until the jumps end and it drops below every named schedule."}, "figure": {"caption": "The best schedule for linear regression on the digits, 300 updates. Dashed: the stability limit, two over the largest curvature.", "name": "fig-best"}}
limit = 2 / np.linalg.eigvalsh(curvature)[-1]
figure, axes = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
axes[0].plot(optimum.rates, "-", lw=0.8)
axes[0].axhline(limit, color="0.4", ls="--", lw=1)
axes[0].set(yscale="log", ylabel="rate")
axes[0].set_title("The best schedule crosses the stability limit at every second update")
axes[1].plot(optimum.losses - floor, "-", lw=0.8)
axes[1].set(yscale="log", xlabel="updates", ylabel="expected loss above the floor")
_ = figure

# %% tags=["hide-input"]
above = (optimum.rates > limit).mean()
start = exact[0] - floor
assert optimum.rates.max() > 3 * limit and above > 0.3
answer("prediction 3", "a fall with single rates far above the stability limit", holds=above > 0.3)
display(
    Markdown(
        f"{100 * above:.0f} % of its rates lie above the limit of {limit:.3f}, the highest {optimum.rates.max() / limit:.1f} "
        f"times over. One such update multiplies the error along the steepest direction; the next, smaller one takes it "
        f"back. What is gained is everywhere else: along the flat directions, the slow ones, a high rate is what is needed. "
        f"Then, in the last third, the rates fall, as all good schedules' do."
    )
)

# %% [markdown]
# Such spikes suit this very data, to the digit, and nobody should copy them. What can be copied is how far the named shapes
# lie from the optimum, each with the peak that suits it best.

# %% tags=["hide-input"]
from scipy.optimize import minimize_scalar

from lrlib.course.experiments.equal_budget import schedules


def best_excess(name, updates, batch, highest):
    """The lowest excess loss of a named shape, over its peak."""

    def excess(log_peak):
        rates = schedules(float(np.exp(log_peak)), updates)[name](np.arange(updates))
        return float(expected_loss(x, targets, rates, batch)[-1]) - floor

    bounds = np.log(highest / 15), np.log(highest)
    found = minimize_scalar(excess, bounds=bounds, method="bounded", options={"xatol": 0.15})
    return found.fun


shapes = list(schedules(1.0, 100))
reached = {name: best_excess(name, UPDATES, BATCH, limit) for name in shapes}
least = optimum.losses[-1] - floor
order = sorted(reached, key=reached.get)
rows = [[name, f"{reached[name] / least:.2f}"] for name in order]
figures.table(["shape, at its best peak", "excess loss over the optimum's"], rows)

# %% [markdown]
# ### Theory's order and the study's
#
# [To zero, in what shape?](to_zero.ipynb) trained ten of these shapes on three tasks, each at its own peak. Does the
# regression, which knows nothing of networks, put them in the same order?

# %% tags=["hide-input"]
from lrlib.course.experiments.equal_budget import results as study

stored = study.load(shapes)
log_errors = np.log(100 - stored.means)  # settings × schedules
predicted = {
    epochs: [best_excess(name, 38 * epochs, 32, limit) for name in shapes]
    for epochs in (3, 9)
}
rows = []
for epochs, excess in predicted.items():
    ranks = [spearmanr(excess, errors).statistic for errors in log_errors]
    mean = spearmanr(excess, log_errors.mean(0)).statistic
    drawn = np.random.default_rng(0).integers(len(ranks), size=(2000, len(ranks)))
    boot = [spearmanr(excess, log_errors[d].mean(0)).statistic for d in drawn]
    low, high = np.quantile(boot, [0.025, 0.975])
    rows.append(
        [
            f"{38 * epochs} updates",
            f"{mean:.2f} ({low:.2f} to {high:.2f})",
            f"{min(ranks):.2f} to {max(ranks):.2f}",
        ]
    )
figures.table(
    [
        "regression over",
        "rank correlation with the study's mean order (95 %, settings drawn again)",
        "setting by setting",
    ],
    rows,
)
