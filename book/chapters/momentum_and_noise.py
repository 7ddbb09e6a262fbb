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
# # Momentum, noise and batch
#
# **Goal.** Know what a learning rate means once momentum and batch size are set beside it, and what shakes a run at a
# constant rate. In [The learning rate](learning_rate.ipynb), which you need, the rate was a plain number; here it
# turns out to be one factor of what acts.

# %% [markdown]
# ## The question
#
# Each curve below is the same network, trained for twenty epochs at one rate after another. Only the batch size
# differs, or the momentum. At a printed rate of 0.32 the training loss ends anywhere from below 0.001 to about 0.4. So
# what does the number on the screen mean?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Training loss after twenty epochs against the printed learning rate, both axes logarithmic. Eight falling curves of the same shape stand side by side: batches of 4 on the left, then 8, 16, 32, 64, 128, 256, each a factor of two to the right of the last. The curve of batch 32 with momentum 0.9 lies a factor of ten to the left of that of batch 32 without. The curves of batch 4 and of momentum 0.9 turn up steeply at their last point."}, "figure": {"caption": "The same network and the same digits, twenty epochs: geometric mean of ten seeds at each printed rate. Points at which a run ended guessing are left out. Which quantity on the horizontal axis would make one curve of them?", "name": "fig-printed"}}
import numpy as np
from IPython.display import Markdown, display

from lrlib.course import claims, figures, study
from lrlib.course.experiments import batch_and_momentum as bm
from lrlib.course.experiments import constant_rates
from lrlib.course.figures import plt
from lrlib.course.questions import answer
from lrlib.course.samples import Gain, Runs
from lrlib.course.stats import interval

figures.use_style()
results = study.load("batch_and_momentum")


def losses(name, framework="pytorch", key="train_loss"):
    """One number a seed."""
    return np.array([run[key] for run in results[name][framework]])


def guessing(name):
    """How many of the ten seeds ended guessing."""
    return sum(map(constant_rates.guesses, results[name]["pytorch"]))


def learns(name):
    """Whether every seed ended better than guessing."""
    return not guessing(name)


def end(name, framework="pytorch"):
    """The geometric mean of the training losses, NaN where a seed ended guessing."""
    return (
        np.exp(np.log(losses(name, framework)).mean()) if learns(name) else np.nan
    )


def draw_sweep(ax, divide):
    """The losses over the printed rate or, to ``divide``, over η/((1 − μ)B)."""
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(bm.BATCHES)))
    for batch, colour in zip(bm.BATCHES, shades, strict=True):
        x = np.array(bm.RATES) / (batch if divide else 1)
        ends = [end(bm.swept(batch, rate)) for rate in bm.RATES]
        label = f"batch {batch}"
        ax.plot(x, ends, "-o", markersize=4, color=colour, label=label)
    x = np.array(bm.RATES) / (32 if divide else 10)  # stored by η/(1 − μ)
    ends = [end(bm.with_momentum(0.9, rate)) for rate in bm.RATES]
    label = "batch 32,\nmomentum 0.9"
    ax.plot(x, ends, "--s", markersize=4, color="#D55E00", label=label)
    ax.set(xscale="log", yscale="log", ylabel="training loss after 20 epochs")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))


figure, ax = plt.subplots(figsize=(8, 4.4))
draw_sweep(ax, divide=False)
ax.set(
    xlabel="learning rate, as printed",
    title="One printed rate, very different runs",
)
at_032 = [end(bm.swept(batch, 0.32)) for batch in bm.BATCHES]
assert min(at_032) < 0.001 and round(max(at_032), 1) == 0.4, at_032
_ = figure

# %% [markdown]
# **Data:** the same handwritten digits; nothing is fetched. **Cost:** the live cells take less than a minute on two cores.
#
# Two other settings of a training script are at work here. *Momentum* makes each gradient count several times over, and
# the *batch size* decides how many updates an epoch has and how noisy each of them is.

# %% [markdown]
# ## Your prediction
#
# 1. You go from batches of 32 to batches of 256, for the same number of epochs. To end at the same training loss, the
#    rate has to be **the same / about three times as large / eight times as large**.
# 2. You switch on a momentum of 0.9. To keep the run as it was, the printed rate has to be **left alone / halved / divided
#    by ten**.
# 3. On a parabola, a momentum of 0.9 moves the largest printed rate that works **down to a tenth / not at all / up to
#    nearly twice**.
# 4. A fifth of the training labels is random. Two runs make the same number of updates at the same rate, one with
#    batches of 4 and one with batches of 32. With batches of 4 the test accuracy ends **lower / about equal / higher**.

# %% [markdown]
# ## The experiment
#
# ### One noisy weight
#
# A batch is a sample of the training images, so its gradient is the true one plus **gradient noise**. Go back to the
# parabola of curvature $\lambda$ and add noise of spread $\sigma$ to every gradient:
# $w \leftarrow w - \eta(\lambda w + \sigma\xi)$, with $\xi$ drawn anew each time. At a constant rate the weight never
# comes to rest. Each update shrinks its variance by the factor $(1-\eta\lambda)^2$ and adds $\eta^2\sigma^2$, and the
# two balance at
#
# $$ \operatorname{Var}(w) = \frac{\eta^2\sigma^2}{1 - (1 - \eta\lambda)^2}
#    = \frac{\eta\,\sigma^2}{\lambda\,(2 - \eta\lambda)} . $$ (eq-noise)
#
# Momentum comes in two lines: a **velocity** $v \leftarrow \mu v + g$ collects the gradients, and the weight moves by
# $-\eta v$. Here are ten thousand weights at once, with or without it.


# %%
def cloud(
    rate, momentum=0.0, curvature=1.0, noise=1.0, updates=1500, walkers=10_000
):
    """Where many weights are after training with noisy gradients."""
    random = np.random.default_rng(0)
    w, v = np.zeros(walkers), np.zeros(walkers)
    for _ in range(updates):
        v = momentum * v + curvature * w + noise * random.standard_normal(walkers)
        w = w - rate * v
    return w


cloud_rates = (0.05, 0.1, 0.2, 0.4)
clouds = {rate: cloud(rate) for rate in cloud_rates}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: four histograms of the positions of ten thousand weights, for rates 0.05, 0.1, 0.2 and 0.4; each is a bell around zero with the curve of the formula on it, and the larger the rate the wider the bell. Right: the variance against the rate on logarithmic axes; dots lie on the line half the rate for small rates and on the formula's curve, which bends up without bound near rate 2."}, "figure": {"caption": "The noise ball of one weight (curvature 1, noise 1). Left: ten thousand weights after 1,500 updates, and the bell of the formula. Right: their variance; dots are simulated, the line is the formula, the thin line is half the rate.", "name": "fig-cloud"}}
more = {rate: np.var(cloud(rate)) for rate in (0.0125, 0.025, 0.8, 1.4, 1.8, 1.95)}
variances = {**{rate: np.var(w) for rate, w in clouds.items()}, **more}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
w = np.linspace(-2.2, 2.2, 300)
for rate, colour in zip(cloud_rates, figures.COLOURS, strict=False):
    variance = rate / (2 - rate)
    left.hist(
        clouds[rate],
        60,
        density=True,
        color=colour,
        alpha=0.15,
        histtype="stepfilled",
    )
    bell = np.exp(-(w**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    left.plot(w, bell, "-", color=colour, label=f"rate {rate}")
left.set(
    xlabel="weight",
    ylabel="density",
    title="A larger rate is shaken over a wider range",
)
left.legend()
grid = np.geomspace(0.01, 1.98, 200)
right.plot(grid, grid / 2, "-", color="0.6", linewidth=1)
right.plot(grid, grid / (2 - grid), "-", color=figures.COLOURS[0])
right.plot(variances.keys(), variances.values(), "o", color="black", markersize=5)
right.axvline(2, color="0.5", linestyle=":", linewidth=1)
right.annotate("2/λ ", (2, 0.01), ha="right")
right.set(
    xscale="log",
    yscale="log",
    xlabel="learning rate",
    ylabel="variance",
    title="The variance is half the rate while that is small",
)
_ = figure

# %% tags=["folded"]
worst = max(abs(v / (r / (2 - r)) - 1) for r, v in variances.items())
assert worst < 0.1 and len(variances) == 10, variances
assert all(
    abs(variances[rate] / (rate / 2) - 1) < 0.1 for rate in (0.0125, 0.05, 0.1)
)
floors = [np.var(cloud(0.02 * k)) / 2 for k in (1, 2, 4)]
display(
    Markdown(
        "At all ten rates the measured variance is within a tenth of the formula. "
        f"Going from 0.05 to 0.1 multiplies it by {variances[0.1] / variances[0.05]:.1f}, "
        f"from 1.8 to 1.95 by {variances[1.95] / variances[1.8]:.0f}."
    )
)
answer("check 1", "halves", holds=1.9 < floors[2] / floors[1] < 2.2)

# %% [markdown]
# As [the figure](#fig-cloud) shows, a larger rate shakes the weights over a wider range, so the loss stalls at a **noise
# floor** of $\frac{1}{2}\lambda\operatorname{Var}(w)$. By [the balance](#eq-noise) that is $\eta\sigma^2/4$ for small rates. Now put in the batch. The mean of $B$ gradients has a noise variance of
# $\sigma_1^2/B$, where $\sigma_1^2$ is that of a single image, and **the floor is proportional to $\eta/B$**. On the
# digits the first half of that sentence can be checked at once, at the weights that a network starts with.

# %%
noise = {
    batch: constant_rates.gradient_noise(constant_rates.initial(0), batch)
    for batch in (4, 16, 64)
}

# %% tags=["folded"]
products = [batch * one for batch, one in noise.items()]
assert max(products) < 1.2 * min(products), products
display(
    Markdown(
        f"Batches of 4, 16 and 64 have a gradient noise of {noise[4]:.2f}, {noise[16]:.2f} and {noise[64]:.3f}. Multiplied by the batch size that is "
        f"{products[0]:.2f}, {products[1]:.2f} and {products[2]:.2f}, equal to within a fifth."
    )
)

# %% [markdown]
# ### Momentum
#
# With the velocity, a gradient moves the weight by $\eta g$ now, by $\eta\mu g$ at the next update, by $\eta\mu^2 g$ at
# the one after. In the end it has moved it by
#
# $$ \eta\,(1 + \mu + \mu^2 + \dots)\, g = \frac{\eta}{1 - \mu}\, g , $$ (eq-effective)
#
# which is the **effective step**. A momentum of 0.9 makes it ten times the printed rate. If that is all momentum does,
# it brings the limit of stability down to a tenth. Does it? In the noise-free parabola the update is
# $w_{t+1} = (1 + \mu - \eta\lambda)\, w_t - \mu\, w_{t-1}$. Try $w_t = z^t$: then
# $z^2 - (1 + \mu - \eta\lambda)\, z + \mu = 0$. As the rate grows, the first root to leave the unit circle leaves at
# $z = -1$, and there
#
# $$ 1 + (1 + \mu - \eta\lambda) + \mu = 0 , \qquad\text{so}\qquad \eta = \frac{2\,(1 + \mu)}{\lambda} . $$ (eq-momentum-limit)
#
# Test it just below and just above, for $\lambda = 4$ and $\mu = 0.9$.
#
# <!-- answers 3 -->

# %%
limit = 2 * (1 + 0.9) / 4

# %% tags=["pytorch"]
import torch

from lrlib.course import pytorch as in_torch

in_torch.one_thread()


def torch_distance(rate, momentum, curvature=4.0, updates=400):
    """How far a weight is from the lowest point, having started at 1."""
    weight = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=rate, momentum=momentum)
    for _ in range(updates):
        optimizer.zero_grad()
        (0.5 * curvature * weight**2).backward()
        optimizer.step()
    return abs(weight.item())


for rate in (0.99 * limit, 1.01 * limit):
    print(f"PyTorch, rate {rate:.4f}: distance {torch_distance(rate, 0.9):.2g}")

# %% tags=["keras"]
from lrlib.course import keras as in_keras

in_keras.one_thread()

import keras


def keras_distance(rate, momentum, curvature=4.0, updates=400):
    """How far a weight is from the lowest point, having started at 1."""
    weight = keras.Variable(1.0, dtype="float64")
    optimizer = keras.optimizers.SGD(rate, momentum=momentum)
    optimizer.build([weight])
    for _ in range(updates):
        optimizer.apply([curvature * weight], [weight])
    return abs(float(weight))


for rate in (0.99 * limit, 1.01 * limit):
    print(f"Keras, rate {rate:.4f}: distance {keras_distance(rate, 0.9):.2g}")

# %% tags=["folded"]
below, above = (
    {0.0: 0.99 * 0.5, 0.9: 0.99 * limit},
    {0.0: 1.01 * 0.5, 0.9: 1.01 * limit},
)
sides = [
    [distance(rates[m], m) for rates in (below, above)]
    for distance in (torch_distance, keras_distance)
    for m in (0.0, 0.9)
]
ball = {m: np.var(cloud(0.1 * (1 - m), m)) / (0.1 / 2) for m in (0.0, 0.5, 0.9)}
assert all(abs(share - 1) < 0.1 for share in ball.values()), ball
display(
    Markdown(
        f"For curvature 4 the limit is {2 / 4} without momentum and {limit:.2f} with 0.9, in both frameworks: "
        f"{limit / 0.5:.1f} times as large. Counted in effective steps it is {limit / 0.5 / 0.1:.0f} times as large. "
        "The noise ball, though, does follow the effective step: at η/(1 − μ) = 0.1 its variance is "
        f"within a tenth of 0.05 for momenta of 0, 0.5 and 0.9."
    )
)
answer(
    "prediction 3",
    "up to nearly twice",
    holds=all(inside < 0.5 and outside > 1 for inside, outside in sides)
    and 1.8 < below[0.9] / above[0.0] < above[0.9] / below[0.0] < 2,
)

# %% [markdown]
# Momentum damps the jumping from side to side that makes a large rate diverge, because opposite gradients cancel in the
# velocity; along a slope they add up. So with momentum a run moves and shakes
# as [the effective step](#eq-effective) says, and its limit is far beyond that of a plain run with this step.
#
# ### The network
#
# Now the network of 2,410 weights from the first chapter, on 1,024 training images, so that batches of 4, 8, … 256 come
# out even. An epoch has $N/B$ updates. The slope moves the weights by about $\eta$ times the gradient in each of them,
# so in an epoch by $N \cdot \eta/B$. The noise adds a variance of $\eta^2\sigma_1^2/B$ in each, so in an epoch
# $N\sigma_1^2 \cdot (\eta/B)^2$. Both know the rate and the batch only as $\eta/B$. So the **linear scaling
# rule** should work: multiply batch and rate by the same number, and an epoch remains what it was (Goyal and others
# {cite}`goyal2017`, in our reading, who used it up to batches of 8,192 images).
#
# Three runs from the same weights, which see the same images in the same order:
#
# <!-- answers 1, 2 -->

# %%
three = {
    "batch 8, rate 0.08": bm.Setting(0.08, batch=8),
    "batch 32, rate 0.32": bm.Setting(0.32, batch=32),
    "batch 32, rate 0.032, momentum 0.9": bm.Setting(0.032, batch=32, momentum=0.9),
}

# %% tags=["pytorch"]
torch_ends = {
    name: bm.run(setting, "pytorch", [0])[0]["train_loss"]
    for name, setting in three.items()
}

# %% tags=["keras"]
keras_ends = {
    name: bm.run(setting, "keras", [0])[0]["train_loss"]
    for name, setting in three.items()
}

# %% tags=["nbval-ignore-output"]
for name, loss in torch_ends.items():
    print(f"{name}: PyTorch {loss:.4f}, Keras {keras_ends[name]:.4f}")

# %% tags=["folded"]
for live in (torch_ends, keras_ends):
    assert max(live.values()) < 1.3 * min(live.values()) < 0.08, live
assert sum(array.size for array in constant_rates.initial(0)) == 2410
assert bm.TRAINING == 1024 and not any(bm.TRAINING % batch for batch in bm.BATCHES)
display(
    Markdown(
        "The three training losses lie within a factor of 1.3 of each other in each framework, and all are below 0.08."
    )
)

# %% [markdown]
# ## The result
#
# Here is [the figure of the question](#fig-printed) again, with $\eta\,/\,((1-\mu)B)$ on its horizontal axis. The eight
# curves have become one.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Training loss after twenty epochs against rate divided by batch size and by one minus momentum, logarithmic axes. All eight curves begin on one common line; the larger the batch, the earlier its curve leaves the line and ends. Batch 256 leaves first; batch 4 follows the line down to a loss below 0.001, and turns up steeply at its last point. Momentum 0.9 leaves it near 0.004 and turns up steeply at its last point too."}, "figure": {"caption": "The same runs as in the first figure, against η/((1 − μ)B). Keras's runs (crosses) lie on PyTorch's. A batch's curve ends where the next larger rate left a run guessing; that of momentum 0.9 ends at the largest rate tried. Batch 256 lacks its first point too: at a rate of 0.01, some of its runs were still guessing.", "name": "fig-collapse"}}
figure, ax = plt.subplots(figsize=(8, 4.6))
draw_sweep(ax, divide=True)
for batch in bm.BATCHES:
    for rate in bm.RATES:
        name = bm.swept(batch, rate)
        if results[name]["keras"] and learns(name):
            theirs = end(name, "keras")
            assert abs(theirs / end(name) - 1) < 0.1, (name, theirs)
            ax.plot(rate / batch, theirs, "x", color="black", markersize=8)
for batch in (64, 128, 256):
    last = max(rate for rate in bm.RATES if learns(bm.swept(batch, rate)))
    ax.annotate(
        f" {batch}", (last / batch, end(bm.swept(batch, last))), va="center"
    )
ax.set(
    xlabel="rate / ((1 − momentum) · batch)",
    title="What acts is η / ((1 − μ) B), until the rate is too large",
)
assert guessing(bm.swept(256, 0.01)) and learns(bm.with_momentum(0.9, bm.RATES[-1]))
_ = figure

# %% tags=["hide-input"]
rows = []
for share in (0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04):
    cells = []
    for batch in bm.BATCHES:
        name = bm.swept(batch, share * batch)
        known = name in results
        if known and guessing(name):
            cells.append(f"{guessing(name)} of 10 ended guessing")
        else:
            cells.append(f"{end(name):.3g}" if known else "–")
    rows.append([f"{share:g}", *cells])
figures.table(["rate / batch", *(f"batch {batch}" for batch in bm.BATCHES)], rows)

# %% tags=["folded"]
small = [
    end(bm.swept(batch, 0.00125 * batch)) for batch in (8, 16, 32, 64, 128, 256)
]
spread = max(small) / min(small) - 1
change = end(bm.swept(256, 0.32)) / end(bm.swept(32, 0.04)) - 1
broken = end(bm.swept(256, 0.64)) / end(bm.swept(8, 0.02)) - 1
far = end(bm.swept(256, 1.28)) / end(bm.swept(8, 0.04)) - 1
same_rate = end(bm.swept(256, 0.04)) / end(bm.swept(32, 0.04))
display(
    Markdown(
        f"Read the table by rows. In the first, from batch 8 at 0.01 to batch 256 at 0.32, all losses agree within "
        f"{100 * spread:.1f} %. Without touching the rate, going from 32 to 256 would have multiplied the loss by "
        f"{same_rate:.1f}. In the second row batch 256 ends {100 * broken:.0f} % above batch 8, in the third, at a "
        f"rate of 1.28, it ends {far + 1:.1f} times as high, and in the fourth {guessing(bm.swept(256, 2.56))} of its 10 runs ended guessing."
    )
)
answer(
    "prediction 1",
    "eight times as large",
    holds=abs(change) < 0.1 and same_rate > 2,
)

# %% [markdown]
# The rule fails at the right end of the curves in [the figure](#fig-collapse), and the larger the batch, the sooner. What stops the large batches is not their $\eta/B$ but their $\eta$, which has come to the cliff that the
# first chapter found between 1 and 2. However little noise a batch has, it may not step farther than the curvature
# allows.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Best rate against batch size, both logarithmic. The best rates are 0.32 at batch 4, 0.64 from 8 to 64, and 1.28 at 128 and 256, nearly level, while a dashed line of slope one, the linear rule, rises through the point of batch 4 by a factor of 64. The shaded region above holds rates at which a run ended guessing; its lower edge is at 1.28 for batches up to 32 and at 2.56 from 64 on."}, "figure": {"caption": "The rate with the lowest training loss after twenty epochs, for each batch size. Shaded: at this rate or above, at least one of ten seeds ended guessing. Dashed: the linear rule from batch 4.", "name": "fig-best"}}
working = {b: [r for r in bm.RATES if learns(bm.swept(b, r))] for b in bm.BATCHES}
best = {b: min(working[b], key=lambda r: end(bm.swept(b, r))) for b in bm.BATCHES}
cliff = [2 * max(working[b]) for b in bm.BATCHES]
figure, ax = plt.subplots(figsize=(8, 3.8))
ax.fill_between(bm.BATCHES, cliff, 30, color="0.88", linewidth=0)
ax.annotate("runs ended guessing", (10, 4.5), color="0.3")
ax.plot(bm.BATCHES, list(best.values()), "-o", label="best rate found")
linear = [best[4] * b / 4 for b in bm.BATCHES]
ax.plot(bm.BATCHES, linear, "--", label="the linear rule, from batch 4")
ax.set(
    xscale="log",
    yscale="log",
    ylim=(0.2, 30),
    xlabel="batch size",
    ylabel="rate",
    title="The best rate hits the limit, and stays below it",
)
ax.set_xticks(bm.BATCHES, list(map(str, bm.BATCHES)))
ax.minorticks_off()
ax.legend(loc="upper left")
_ = figure

# %% tags=["folded"]
least = constant_rates.gradient_noise(constant_rates.initial(0), 256)
assert least < noise[4] / 50, (least, noise)
fewest = min(guessing(bm.swept(batch, 2.56)) for batch in bm.BATCHES)
display(
    Markdown(
        f"Runs first ended guessing at {cliff[0]:g} for batches up to 32, and at {cliff[-1]:g} from 64 on, so "
        f"this limit hardly depends on the batch. Noise does not explain it: at the first weights, a batch of 256 has a gradient "
        f"noise of {least:.3f} (over four batches only), and one of 4 has {noise[4]:.2f}. And at η/B = 0.01 all ten seeds "
        f"learned at every batch but 256, whose rate is 2.56; at this rate {fewest} or more of ten seeds ended guessing at "
        f"every batch, whatever its η/B. From batch 4 to 256 the best rate rises by a factor of "
        f"{best[256] / best[4]:.0f}, where the linear rule has 64. The best loss goes from "
        f"{end(bm.swept(4, best[4])):.1g} to {end(bm.swept(256, best[256])):.2g}: in twenty epochs a batch of 256 has "
        "80 updates, and none of them may be longer."
    )
)
assert [round(one, 2) for one in cliff] == [1.28] * 4 + [2.56] * 3, cliff
assert bm.EPOCHS * bm.TRAINING // 256 == 80
bests = [round(one, 2) for one in best.values()]
assert bests == [0.32] + [0.64] * 4 + [1.28] * 2, bests
at_limit = [b for b in bm.BATCHES if best[b] == max(working[b])]
assert at_limit == [8, 16, 32, 128, 256], at_limit
same_share = [b for b in bm.BATCHES if learns(bm.swept(b, 0.01 * b))]
same_rate = [b for b in bm.BATCHES if learns(bm.swept(b, 2.56))]
answer(
    "check 3",
    "its rate reaches the stability limit",
    holds=same_share == [4, 8, 16, 32, 64, 128] and same_rate == [],
)

# %% [markdown]
# So the rule carries a run over to another batch. It does not find the best rate: as [the figure](#fig-best) shows, that is
# the largest tried that the limit allows, on these easy digits and at most batches. And where the limit is reached, a larger batch costs more epochs.
#
# ### Momentum on the digits
#
# [The figure](#fig-momentum-digits) counts in effective steps, for four momenta at batches of 32.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Training loss after twenty epochs against the effective step, for momenta 0, 0.5, 0.9 and 0.99 at batch 32. The first three coincide up to an effective step of about 0.6. There momentum 0 ends, 0.5 goes on to 1.28 and 0.9 to 5.12, turning up at the end. Momentum 0.99 is higher at small steps, meets the others in the middle, is level from 0.64 to 1.28, and turns up beyond 1.28."}, "figure": {"caption": "Batches of 32: the training loss against the effective step η/(1 − μ), ten seeds each. Crosses: Keras.", "name": "fig-momentum-digits"}}
figure, ax = plt.subplots(figsize=(8, 4.2))
styles = zip(
    (0.0, *bm.MOMENTA), figures.COLOURS, ("o", "s", "^", "D"), strict=False
)
for momentum, colour, marker in styles:
    names = [bm.with_momentum(momentum, rate) for rate in bm.RATES]
    ax.plot(
        bm.RATES,
        [end(name) for name in names],
        marker=marker,
        markersize=5,
        color=colour,
        label=f"momentum {momentum:g}",
    )
    for rate, name in zip(bm.RATES, names, strict=True):
        if results[name]["keras"] and learns(name):
            ax.plot(rate, end(name, "keras"), "x", color="black", markersize=8)
ax.set(
    xscale="log",
    yscale="log",
    xlabel="effective step, rate / (1 − momentum)",
    ylabel="training loss after 20 epochs",
    title="Equal effective steps, equal losses; with momentum they may be longer",
)
ax.legend()
_ = figure

# %% tags=["folded"]
middle = [r for r in bm.RATES if 0.04 <= r <= 0.32]
apart = [
    abs(np.log(end(bm.with_momentum(m, r)) / end(bm.swept(32, r))))
    for m in (0.5, 0.9)
    for r in middle
]
slow = end(bm.with_momentum(0.99, 0.02)) / end(bm.swept(32, 0.02)) - 1
kept = {
    m: max(r for r in bm.RATES if learns(bm.with_momentum(m, r)))
    for m in (0, 0.5, 0.9)
}
display(
    Markdown(
        f"From 0.04 to 0.32, momenta of 0.5 and 0.9 end within {100 * np.expm1(max(apart)):.0f} % of the loss without "
        f"momentum. With 0.99 the loss ends {100 * slow:.0f} % higher at an effective step of 0.02: a gradient takes "
        f"1/(1 − 0.99) = 100 updates to act for the most part ({100 * (1 - 0.99**100):.0f} %), and the whole run has 640. And as on the parabola, momentum moves the limit: "
        f"the largest effective step at which all ten seeds learn is {kept[0]:g} without momentum, {kept[0.5]:g} with 0.5 and "
        f"{kept[0.9]:g}, the largest tried, with 0.9."
    )
)
answer("prediction 2", "divided by ten", holds=max(apart) < 0.1)

rate = 0.1
pushed = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64))
optimizer = torch.optim.SGD([pushed], lr=rate, momentum=0.9)
for gradient in (1.0, *[0.0] * 199):
    pushed.grad = torch.tensor(gradient, dtype=torch.float64)
    optimizer.step()
answer(
    "check 2",
    "ten times the rate",
    holds=abs(abs(pushed.item()) / rate - 10) < 1e-3,
)

# %% [markdown]
# The first chapter found that on the full batch the sharpness settles at $2/\eta$, the parabola's limit. If
# [the limit with momentum](#eq-momentum-limit) is the right one, it should settle at $2(1+\mu)/\eta$ instead. [The figure](#fig-momentum-edge) shows that it does, as
# the authors of that finding also report {cite}`cohen2021` (our reading).

# %% tags=["hide-input"] mystnb={"image": {"alt": "Sharpness against the update for momenta 0, 0.5 and 0.9 at the printed rate 0.4. All start near 7. Without momentum the curve dips to 5, rises to 6 and comes back to 5. With 0.5 it dips to 6, rises to 8 and settles at 7.5. With 0.9 it wavers about 8 and settles just above 9. Each stays at its horizontal line, or just below."}, "figure": {"caption": "Gradient descent on 300 digits in one batch, printed rate 0.4: mean and range over five seeds (lines PyTorch, crosses Keras). Thin lines: 2(1 + μ)/0.4.", "name": "fig-momentum-edge"}}
plain = study.load("constant_rates")["full-batch-0.4"]
edges = {
    0.0: plain,
    **{m: results[f"full-batch-momentum{m:g}"] for m in (0.5, 0.9)},
}
measured = constant_rates.FullBatch(0.4).measured
figure, ax = plt.subplots(figsize=(8, 4))
settled = {}
for (momentum, runs), colour in zip(edges.items(), figures.COLOURS, strict=False):
    ours, theirs = (
        np.array([run["curve"]["sharpness"] for run in runs[f]]) for f in runs
    )
    figures.band(ax, measured, ours, color=colour, label=f"momentum {momentum:g}")
    ax.plot(measured[::2], theirs.mean(0)[::2], "x", color="black")
    edge = 2 * (1 + momentum) / 0.4
    ax.hlines(edge, 0, 1000, color=colour, linewidth=1, linestyle="-")
    ax.annotate(f"{edge:g}", (1010, edge), va="center", color="0.2")
    late = np.array(measured) >= 500
    settled[momentum] = [np.mean(a[:, late]) / edge for a in (ours, theirs)]
ax.set(
    xlabel="update",
    ylabel="sharpness",
    ylim=(0, 14),
    xlim=(0, 1075),
    title="The sharpness settles at momentum's own limit",
)
ax.legend(loc="lower right", ncols=3)
_ = figure

# %% tags=["folded"]
assert all(abs(share - 1) < 0.05 for both in settled.values() for share in both), (
    settled
)
low, high = (f([s for both in settled.values() for s in both]) for f in (min, max))
display(
    Markdown(
        f"From update 500 on, the mean sharpness is {low:.2f} to {high:.2f} times 2(1 + μ)/η, for all three "
        "momenta and in both frameworks."
    )
)

# %% [markdown]
# Everything so far holds at a constant rate. When the rate *changes*, PyTorch's momentum and Keras's are two different
# rules: [Step decay and reduce-on-plateau on MNIST](step_and_plateau.ipynb) shows how Keras carries the old rate on.
#
# ## Reading the result
#
# ### The same rate, shaken harder
#
# The scaling rule keeps the noise as it is. To see what noise does, let it differ alone: the same rate and the same
# number of updates, so that the weights walk equally far along the mean gradient, with batches of 4 and of 32. (The
# larger batches then see each image eight times as often.) On clean digits the noise would die out once every image is
# fitted, so we replace a fifth of the training labels by random digits.

# %% tags=["folded"]
four, thirty_two = "shaken-batch4", "shaken-batch32"
gap = losses(four, key="test_accuracy") - losses(thirty_two, key="test_accuracy")
low, high = interval(gap)
accuracy = [losses(name, key="test_accuracy").mean() for name in (four, thirty_two)]
verdicts = claims.by_text("momentum_and_noise")
new = verdicts["the noise of a smaller batch raises the test accuracy"].outcome
noisier = Gain(Runs(bm.EXPERIMENT, four), Runs(bm.EXPERIMENT, thirty_two))
new_gap = noisier.sample("pytorch", True, new.seeds).values
worse = int((new_gap < -5).sum())
display(
    Markdown(
        f"After 5,120 updates at {bm.SHAKEN_RATE:g} the training loss is {losses(four).mean():.2f} with batches of 4 and "
        f"{losses(thirty_two).mean():.2f} with batches of 32: eight times the noise variance holds it up. And yet the test "
        f"accuracy is {accuracy[0]:.1f} % with batches of 4 and {accuracy[1]:.1f} % with 32. The noisier runs are "
        f"{gap.mean():.1f} points *better*; the 95 % interval of that gain, a range which includes the true mean in 95 of 100 "
        f"repetitions, goes from {low:.1f} to {high:.1f}. The {new.seeds} new seeds of the verdicts give less, "
        f"{new.mean:+.1f} points ({new.low:.1f} to {new.high:.1f}). In {worse} of them the noisier run ended more than 5 points *worse*."
    )
)
assert worse == 2 and len(new_gap) == new.seeds
for name in (four, thirty_two):
    setting = bm.SETTINGS[name]
    assert len(bm.order_of(setting, setting.epochs, seed=0)) == 5120, name
answer("prediction 4", "higher", holds=low > 0 and new.low > 0)

# %% [markdown]
# Our reading: to fit a single wrong label the weights have to settle in a small, steep dent of the loss, and noise
# keeps shaking them out of such places. We have not counted here how many random labels each run learned.
# [Why a decay works](why_decay.ipynb) has counted them. Up to the sum of rates at which the test accuracy is best hardly
# any are learned at any rate, so the rate could not matter there. From about twice that sum on, the higher of two rates
# learned fewer.
#
# ### What a schedule does, then
#
# A decay lowers the printed rate, and with it the floor, proportional to $\eta/((1-\mu)B)$. If that is how a decay acts, growing the
# batch must do the same: Smith and others {cite}`smithkindermans2018` proposed just that (our reading), since large
# batches are what parallel machines are good at. We let batch 8 run at 0.16 for ten epochs, and then either quarter the
# rate or quadruple the batch.

# %% tags=["hide-input"]
steady, decayed, grown = ("shaken-steady", "shaken-decayed", "shaken-grown")
updates = {
    name: len(bm.order_of(bm.SETTINGS[name], bm.EPOCHS, seed=0))
    for name in (steady, decayed, grown)
}
alike = losses(grown) / losses(decayed) - 1
rows = [
    [
        what,
        f"{updates[name]:,}",
        f"{losses(name).mean():.3f}",
        f"{losses(name, key='test_accuracy').mean():.1f} %",
    ]
    for what, name in (
        ("rate 0.16, batch 8", steady),
        ("rate a quarter", decayed),
        ("batch four times", grown),
    )
]
figures.table(["second half", "updates", "training loss", "test accuracy"], rows)

# %% tags=["folded"]
gain = losses(decayed, key="test_accuracy") - losses(steady, key="test_accuracy")
low, high = interval(gain)
calmer = min(losses(name).mean() for name in (decayed, grown))
display(
    Markdown(
        f"Seed by seed the two training losses differ by {100 * np.abs(alike).max():.1f} % at most, though the run with the grown "
        f"batch made {updates[decayed] - updates[grown]:,} updates fewer. Compared with the run that goes on as before, both walk a quarter as far in the second half, "
        f"and presumably learn fewer wrong labels by heart: their training loss ends a little higher. With a quarter of the rate the test accuracy is "
        f"{gain.mean():+.1f} points from that run's, with an interval from {low:+.1f} to {high:+.1f}: ten seeds leave that open."
    )
)
assert np.abs(alike).max() < 0.02 and low < 0 < high
assert 1 < calmer / losses(steady).mean() < 1.1

# %% [markdown]
# When a decay is worth it is the next idea: [Why a decay works](why_decay.ipynb).
#
# ### Adam counts differently
#
# Adam divides each gradient by its running size. When noise makes up most of that size, a batch four times as large
# halves it, and the update is divided by half as much. The rate then has to grow with the *square root* of the batch:
# that is the rule of Malladi and others {cite}`malladi2022` (our reading; they scale Adam's two averages as well, which
# we leave alone).

# %% tags=["hide-input"]
change = {
    times: end(bm.by_adam(32, 0.001 * times)) / end(bm.by_adam(8, 0.001)) - 1
    for times in (2, 4)
}
assert change[4] < -0.1 and change[2] > 0.1, change
display(
    Markdown(
        f"From batch 8 at 0.001 to batch 32, the training loss changes by {100 * change[2]:+.0f} % with twice the rate "
        f"and by {100 * change[4]:+.0f} % with four times the rate. Neither rule keeps the run as it was; the factor that "
        "would lies between the two. That is what one expects if a gradient here is part noise and part signal, but we have not tested it."
    )
)

# %% [markdown]
# **Your predictions:**
#
# 1. **eight times as large**: while the rate stays well below the limit.
# 2. **divided by ten**: the effective step is η/(1 − μ).
# 3. **up to nearly twice**: the limit is 2(1 + μ)/λ.
# 4. **higher**: our reading is that noise keeps the network from fitting the random labels; we have not counted them here.

# %% [markdown]
# ## Break it: four small batches for one large one
#
# Suppose a batch of 32 does not fit into memory. Add up the gradients of four batches of 8, then make one update: that
# is **gradient accumulation**. Written by hand in PyTorch it is easily one line too short; Keras has a setting
# for it.

# %% tags=["hide-input"]
x, y = (part[:32] for part in constant_rates.images().train)
first_weights = constant_rates.initial(0)


def moved(weights):
    """How far the weights are from the first ones."""
    pairs = zip(weights, first_weights, strict=True)
    return float(np.sqrt(sum(np.sum((a - b) ** 2) for a, b in pairs)))


# %% tags=["pytorch"]
def torch_step(size):
    model = in_torch.perceptron(constant_rates.SIZES, first_weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in np.split(np.arange(32), 32 // size):
        outputs = model(torch.from_numpy(x[rows]))
        labels = torch.from_numpy(y[rows]).long()
        torch.nn.functional.cross_entropy(outputs, labels).backward()
    optimizer.step()
    return moved(in_torch.weights(model))


torch_ratio = torch_step(8) / torch_step(32)
print(f"PyTorch: four batches of 8 move the weights {torch_ratio:.2f} times as far")


# %% tags=["keras"]
def keras_step(size):
    model = in_keras.perceptron(constant_rates.SIZES, first_weights)
    many = 32 // size if size < 32 else None
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=many)
    model.compile(optimizer, in_keras.cross_entropy)
    for rows in np.split(np.arange(32), 32 // size):
        model.train_on_batch(x[rows], y[rows])
    return moved(in_keras.weights(model))


keras_ratio = keras_step(8) / keras_step(32)
print(f"Keras: four batches of 8 move the weights {keras_ratio:.2f} times as far")

# %% tags=["folded"]
answer(
    "check 4",
    "four times as long as meant",
    holds=abs(torch_ratio - 4) < 0.01 and abs(keras_ratio - 1) < 0.01,
)

# %% [markdown]
# In PyTorch `backward()` adds to what is there, so the optimizer, which prints 0.1, acts as if it had been told 0.4.
# Divide each loss by four. The sum in the first chapter, momentum and batch in this one all teach the same: **the rate
# on the screen need not be the rate that acts**.

# %% [markdown]
# ## Verdicts
#
# New seeds decide, each with a split of the digits of its own. The smallest effects of interest, fixed beforehand, are
# a tenth of the training loss (0.1 in its logarithm) and half a point of test accuracy. Where a rule says that two runs
# end alike, the word that bears it out is *negligible*. [Claims and verdicts](verdicts.ipynb) explains the words.

# %% tags=["hide-input"]
claims.table("momentum_and_noise")

# %% tags=["folded"]
same = [
    verdict.word
    for text, verdict in verdicts.items()
    if text.startswith("linear scaling rule") and "large" not in text
]
tenth = verdicts[
    "effective step: momentum 0.9 at a tenth of the rate raises the training loss"
]
assert same == ["negligible"] * 3 and tenth.word == "no gain", (same, tenth.word)
failed = [
    verdicts[f"{rule} raises the training loss"]
    for rule in (
        "linear scaling rule: eight times the batch at eight times a large rate",
        "effective step: momentum 0.99 at a hundredth of the rate",
        "Adam, square-root rule: four times the batch at twice the rate",
        "Adam, linear rule: four times the batch at four times the rate",
    )
]
assert [one.word for one in failed] == ["holds"] * 3 + ["reversed"], failed
root, linear = (100 * np.expm1(one.outcome.mean) for one in failed[2:])
display(
    Markdown(
        "The linear scaling rule keeps loss and accuracy within the smallest effect, three times out of three, until the rate is "
        "too large. For momentum 0.9 a loss higher by a tenth is excluded; that it is lower by as much is only just "
        f"not (the interval begins at {tenth.outcome.low:.3f}), so the word is *no gain* and not *negligible*."
    ),
    Markdown(
        "Mind what is claimed: each row of a rule says that the rule *fails*. So *holds* speaks against the linear rule at a large rate, "
        f"against a momentum of 0.99, and against Adam's square-root rule: there the loss ends {root:.0f} % higher. *Reversed* says that with Adam "
        f"four times the rate went too far the other way: the loss ends {-linear:.0f} % lower."
    ),
)

# %% tags=["folded"]
print("verdicts:", claims.counts("momentum_and_noise"))

# %% [markdown]
# ## Exercises
#
# Each takes seconds of computing, the third about ten.
#
# 1. You have a run at batch 16, rate 0.08 and momentum 0.5, and want batch 64 and momentum 0.9. Which rate keeps the effective
#    step per image? Check it with `bm.run(bm.Setting(…), "pytorch", [0])`. (Expect 0.064.)
# 2. Show with `cloud` that at equal $\eta/(1-\mu)$ the variance does not depend on the momentum while $\eta\lambda$ is
#    small, and find where that stops. (The exact variance is $\eta\sigma^2(1+\mu)\,/\,(\lambda(1-\mu)(2(1+\mu)-\eta\lambda))$.)
# 3. Let a run go on at batch 256 and rate 1.28 until it has the loss of batch 32 at 0.64 after twenty epochs. How many epochs
#    does it take, and how many updates? (Expect 80 to 95 epochs, at most 380 updates, where batch 32 made 640: dearer in images, cheaper in
#    updates.)
# 4. Scale Adam's averages too: going from batch 8 to 32, take `betas=(0.6, 0.996)` at rate 0.002. Is the square-root rule
#    closer now? (Expect a little: over ten seeds the loss still ends more than a tenth higher.)
#
# ## What to take away
#
# 1. What acts is $\eta\,/\,((1-\mu)B)$: it sets how far an epoch moves the weights and, on one noisy weight, how high the
#    noise floor is.
# 2. The stability limit counts the printed rate, not this ratio: $2(1+\mu)/\lambda$. It ends the linear scaling rule for
#    large batches, and momentum raises it.
# 3. A decay of the rate, a growing batch and less momentum: on one noisy weight all three lower the same floor. On the
#    digits a quarter of the rate and four times the batch ended alike.
#
# **Terms:** gradient noise, noise floor, momentum, velocity, effective step, linear scaling rule, stability limit, gradient accumulation.
# **Read on:** {cite}`goyal2017`, {cite}`smithkindermans2018`, {cite}`malladi2022`.
#
# ## Check yourself
#
# 1. A noisy weight is kept at a small constant rate. Halve the rate, and the height of its noise floor **stays / halves / falls
#    to a quarter**.
# 2. With a momentum of 0.9, a gradient ends up moving the weight by **the rate / nine tenths of the rate / ten times the
#    rate** times its size.
# 3. Batch and rate are doubled again and again. At some point the loss no longer stays the same, because **its noise
#    becomes too large / its rate reaches the stability limit / its batch has too few classes**.
# 4. In PyTorch, the gradients of four small batches are added up, and no loss is divided by four. The step is **as long as meant /
#    four times as long as meant / a quarter of what was meant**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **halves**: for small rates the floor is proportional to the rate. A quarter would be right if only the noise of a single
#    update counted; but at half the rate twice as many updates leave their trace.
# 2. **ten times the rate**: 1 + 0.9 + 0.81 + … = 10. The rate alone is what the gradient does in its first update, and nine tenths of it
#    what it does in the second.
# 3. **its rate reaches the stability limit**: the noise stays as it was, since the rule keeps η/B, but the printed rate has doubled each
#    time. A large batch has more of every class, not fewer.
# 4. **four times as long as meant**: each `backward()` adds a gradient that is already a mean. It would be as long as meant if
#    each loss were divided by four.
#
# </details>
