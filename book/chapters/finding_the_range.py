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
# **Goal.** Run the learning-rate range test, read a rate from its curve, find out whether training at that rate does well,
# and know when a curve supports none.
#
# In [The learning rate](learning_rate.ipynb) the best rate lay next to a cliff, and finding it took eleven rates of twenty
# epochs each. Leslie Smith's range test {cite}`smith2017` asks for one short run, here of a hundred updates: train while the rate rises from far
# too small to far too large, and record the loss at each rate. [The figure](#fig-sweep-one) is one such sweep. Which rate would you take?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Loss against the learning rate from 1e-7 to 1e-2 on a logarithmic axis, one point a batch. The points lie level at about 2.5 up to 6e-5, fall to about 0.4 near 1e-3, are ragged from there on, and the last one, at 1e-2, jumps to 2.7."}, "figure": {"caption": "One range test of a ResNet-18 on MNIST images with Adam in PyTorch: one batch of 32 at each rate of a ladder of a hundred, up to where the loss has passed four times its lowest value.", "name": "fig-sweep-one"}}
import numpy as np
from IPython.display import Markdown, display

import lrlib
from lrlib.course import figures, networks, peer_range_rules, study, training
from lrlib.course.experiments import constant_rates, finding_the_range
from lrlib.course.figures import plt
from lrlib.course.questions import answer

figures.use_style()
stored = study.load("finding_the_range")
FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras"}


def sweeps_of(kind, framework):
    """The stored sweeps of a kind, one a seed."""
    runs = stored[kind][framework]
    return [lrlib.RangeTest.from_dict(run["range_test"]) for run in runs]


one = sweeps_of("training-batches", "pytorch")[0]
figure, ax = plt.subplots(figsize=(6.8, 3.1))
ax.plot(one.rates, one.losses, "o-", markersize=3.5, linewidth=0.8)
ax.set(
    xscale="log",
    ylim=(0, 5),
    xlabel="learning rate",
    ylabel="loss of the batch",
    title="One sweep: which rate would you read off?",
)
_ = figure

# %% [markdown]
# **You need** a network trained once in either framework. **Data:** the 10,000 MNIST test images, as the source used
# them, and the digits of scikit-learn. **Cost:** the live cells take about two minutes on two
# cores, most of it for two sweeps of a ResNet-18.
#
# ## The question
#
# The source here is a tutorial by B. Krishnan (2020), which ran the test for a ResNet-18 on a subset of MNIST. It swept
# Adam's rate from 1e-7 to 10 in 100 steps. Its finder suggested **5.21e-4**, and it read a usable range of **3e-4 to
# 1e-3** off the curve. It then trained at other rates than these. Would another seed, another framework or another rule have
# said the same? And does training at such a rate do well?
#
# ## Your prediction
#
# Choose before you read on.
#
# 1. Over five seeds, each rule's suggested rates agree within a factor of **1.5 / 3 / 10**. (The smallest that holds for
#    every rule.)
# 2. Most finders smooth the curve with a running average. That moves their answer to **lower / higher** rates.
# 3. Shown a flat, noisy curve that supports no rate, well-known finders return **nothing / a warning / a number**.
#
# <!-- answers 1 -->

# %% [markdown]
# ## The experiment
#
# ### One sweep, in both frameworks
#
# A finder must leave no trace: weights, optimizer, random generators and rates have to be afterwards what they were
# before. Both frameworks get the same initial weights and the same batches.

# %%
batches = finding_the_range.batches(seed=0)
weights = networks.resnet18_weights(channels=1, classes=10, seed=0, size=28)

# %% tags=["folded"]
images, _ = finding_the_range.images()
whole = networks.resnet18_weights(channels=1, classes=10, seed=0)
sizes = [sum(array.size for array in arrays) for arrays in (whole, weights)]
assert images.shape == (10_000, 28, 28, 1) and len(batches) == 100
assert {x.shape for x, _ in batches} == {(32, 28, 28, 1)}
display(
    Markdown(
        f"ResNet-18 was made for images of 224 × 224, and has {sizes[0]:,} trainable numbers here. On 28 × 28 its last layers see a single position, so all but the middle "
        f"of their 3 × 3 kernels multiply padding and never get a gradient. The course leaves those out, and {sizes[1]:,} remain: the training is the same, "
        "for less work."
    )
)

# %% tags=["pytorch"]
import torch

import lrlib.torch
from lrlib.course import pytorch as in_torch

in_torch.one_thread()
model = in_torch.resnet18(weights)
optimizer = torch.optim.Adam(model.parameters(), eps=finding_the_range.ADAM_EPSILON)
before = in_torch.weights(model)
torch_sweep = lrlib.torch.range_test(
    model,
    optimizer,
    torch.nn.functional.cross_entropy,
    [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches],
    start=1e-7,
    end=10.0,
    steps=100,
)

# %% tags=["keras"]
from lrlib import course

with course.fast_convolutions():
    from lrlib.course import keras as in_keras

in_keras.one_thread()
import keras

import lrlib.keras

keras_model = in_keras.resnet18(weights, size=28)
keras_model.compile(
    keras.optimizers.Adam(epsilon=finding_the_range.ADAM_EPSILON),
    in_keras.cross_entropy,
)
keras_before = in_keras.weights(keras_model)
keras_sweep = lrlib.keras.range_test(
    keras_model, batches, start=1e-7, end=10.0, steps=100
)

# %% [markdown]
# The record of a sweep reads its own curve: `torch_sweep.suggest("valley")` gives a rate, and says why. There are three rules
# for a single rate. *Steepest* takes the rate at which the smoothed loss falls fastest, *valley* the middle of the
# longest descent, and *minimum/10* a tenth of the rate at which the loss is lowest.

# %% tags=["nbval-ignore-output", "folded"]
RULES = ("steepest", "valley", "minimum/10")
for name, sweep in (("PyTorch", torch_sweep), ("Keras", keras_sweep)):
    print(
        f"{name}: {sweep!r}, loss {sweep.losses[0]:.2f} at first, lowest {min(sweep.losses):.2f}"
    )
    for rule in RULES:
        found = sweep.suggest(rule)
        print(
            f"   {rule:10} {found.lr and format(found.lr, '.2e')}  ({found.reason})"
        )

# %% tags=["folded"]
after = in_torch.weights(model)
same_torch = all((a == b).all() for a, b in zip(before, after, strict=True))
after = in_keras.weights(keras_model)
same_keras = all((a == b).all() for a, b in zip(keras_before, after, strict=True))
rate_of = {
    "PyTorch": optimizer.param_groups[0]["lr"],
    "Keras": float(keras_model.optimizer.learning_rate),
}
assert not optimizer.state and int(keras_model.optimizer.iterations) == 0
assert all(abs(rate - 0.001) < 1e-9 for rate in rate_of.values()), rate_of
assert torch_sweep.rates[0] == keras_sweep.rates[0] == 1e-7
shared = min(len(torch_sweep.rates), len(keras_sweep.rates), 40)
ours, theirs = (np.array(s.losses[:shared]) for s in (torch_sweep, keras_sweep))
assert np.abs(ours - theirs).max() < 0.05, "the two frameworks' losses differ"
for sweep in (torch_sweep, keras_sweep):
    for rule in RULES:
        assert 1e-5 < sweep.suggest(rule).lr < 1e-1, rule
display(
    Markdown(
        f"Afterwards the weights are bit for bit what they were in both frameworks, the rate is again {rate_of['PyTorch']:g}, and the optimizer's state is as fresh as before. "
        f"The first {shared} losses of the two frameworks differ by less than 0.05, and each of the three rules gives a rate between 1e-5 and 1e-1."
    )
)
answer("check 4", "what they were before", holds=same_torch and same_keras)

# %% [markdown]
# ## The result
#
# One sweep is one draw of weights and batches. The stored sweeps are five of each kind in each framework. The source
# measured each loss on held-out images after the update; most finders use the training batch before it, and we have both. A stored sweep ends at
# its first loss above four times the lowest one; the live sweeps above go on farther, since `lrlib` now waits for
# several such losses in a row.

# %%
KINDS = {"training-batches": "training", "held-out-batches": "held-out"}
sweeps = {
    (kind, framework): lrlib.combine(sweeps_of(kind, framework))
    for kind in KINDS
    for framework in FRAMEWORKS
}
suggested = {
    (kind, framework, rule): [one.lr for one in combined.suggest(rule).each]
    for (kind, framework), combined in sweeps.items()
    for rule in RULES
}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Above, two curves of loss against learning rate on a logarithmic axis, with bands over five seeds: that of the training batches is flat to 2e-5, falls to 0.5 near 2e-3 and rises beyond; that of held-out batches falls later, from about 5e-4 to 2e-3, and then rises at once. Below, rows of dots, one dot a seed. On training batches the rules suggest from 6e-5 to 2e-4, on held-out batches from 1e-4 to 9e-4. Dots of one rule lie closer together than the rules do. A grey band from 3e-4 to 1e-3 and a line at 5.2e-4 have the source's range and suggestion: only the valley and steepest rules on held-out batches fall within the band."}, "figure": {"caption": "The range test of a ResNet-18 on the MNIST subset. Above: median and range over five seeds in PyTorch, Keras's median as crosses. Below: each sweep's suggestion (dots PyTorch, crosses Keras). Grey: the range that the source read off its curve; black line: its suggestion.", "name": "fig-range"}}
figure, (top, foot) = plt.subplots(
    2, 1, figsize=(8, 6.4), sharex=True, height_ratios=[1.2, 1]
)
for (kind, label), colour in zip(KINDS.items(), figures.COLOURS, strict=False):
    ours, theirs = (sweeps[kind, framework] for framework in FRAMEWORKS)
    top.plot(ours.rates, ours.losses, "-", color=colour, label=f"{label} batches")
    top.fill_between(
        ours.rates, ours.low, ours.high, color=colour, alpha=0.15, lw=0
    )
    top.plot(theirs.rates[::4], theirs.losses[::4], "x", color=colour, markersize=5)
rows = [(kind, rule) for kind in KINDS for rule in RULES]
for place, (kind, rule) in enumerate(rows):
    colour = figures.COLOURS[list(KINDS).index(kind)]
    for framework, marker, shift in (("pytorch", "o", 0.12), ("keras", "x", -0.12)):
        found = suggested[kind, framework, rule]
        spots = [-place + shift] * len(found)
        foot.plot(found, spots, marker, color=colour, markersize=6, alpha=0.7)
for ax in (top, foot):
    ax.axvspan(3e-4, 1e-3, color="0.88", zorder=0)
    ax.axvline(5.21e-4, color="black", linestyle="-", linewidth=1)
top.set(
    ylim=(0, 5),
    ylabel="loss",
    title="Where the loss is measured moves the curve …",
)
top.legend(loc="upper left")
foot.set_yticks(
    [-place for place in range(len(rows))],
    [f"{rule}, {KINDS[kind]}" for kind, rule in rows],
)
foot.set(
    xscale="log",
    xlim=(1e-7, 1),
    ylim=(-5.6, 0.6),
    xlabel="learning rate",
    title="… and rules differ more than seeds",
)
foot.grid(axis="y", visible=False)
_ = figure

# %% [markdown]
# ## Reading the result
#
# [The figure](#fig-range) has what three rules make of twenty sweeps. How far apart do the seeds of one rule lie, and how far the rules?

# %% tags=["folded"]
from lrlib.course.stats import prediction_interval


def scientific(rate):
    """A rate as it is written in code, 9.1e-4."""
    return f"{rate:.1e}".replace("e-0", "e-")


assert all(None not in found and len(found) == 5 for found in suggested.values())
factors = {
    rule: [max(f) / min(f) for (*_, name), f in suggested.items() if name == rule]
    for rule in RULES
}
widest = max(RULES, key=lambda rule: max(factors[rule]))
everything = [rate for found in suggested.values() for rate in found]
# The rules differ more than the seeds, also on one kind of loss in one framework.
for sweep in sweeps:
    medians = [np.median(suggested[(*sweep, rule)]) for rule in RULES]
    assert max(medians) / min(medians) > max(factors[widest]), (sweep, medians)
smiths = {key: combined.suggest("smith") for key, combined in sweeps.items()}
smiths_range = {
    kind: [smiths[kind, "pytorch"].base_lr, smiths[kind, "pytorch"].max_lr]
    for kind in KINDS
}


def contains(figure, rates):
    """Whether one more sweep like these may suggest the figure: 95 % of sweeps, in log10."""
    low, high = prediction_interval(np.log10(rates))
    return low <= np.log10(figure) <= high


supports = {key for key, found in suggested.items() if contains(5.21e-4, found)}
assert supports == {("held-out-batches", f, "valley") for f in FRAMEWORKS}, supports
assert max(smiths_range["training-batches"]) < 1e-3, smiths_range
display(
    Markdown(
        f"The seeds of one rule agree within a factor of {max(factors[widest]):.1f} at the widest ({widest}) and {max(factors['steepest']):.1f} for *steepest*. "
        f"The rules do not agree with each other: over all rules and both kinds of loss, the suggestions go from {scientific(min(everything))} to {scientific(max(everything))}, a factor of "
        f"{max(everything) / min(everything):.0f}. So a digit such as the last one of 5.21e-4 means nothing, and a factor of two is all that one sweep can give."
    ),
    Markdown(
        "Would one more sweep like ours suggest the source's figure? Of six ways to read it, each in both frameworks, only *valley* on held-out losses has 5.21e-4 within its "
        "95 % prediction interval, the range in which one more sweep falls 95 times in 100. The source's *range* does contain all our *steepest* points on held-out losses. "
        f"Smith's own rule gives {scientific(smiths_range['held-out-batches'][0])} to {scientific(smiths_range['held-out-batches'][1])} there, at the median, and "
        f"{scientific(smiths_range['training-batches'][0])} to {scientific(smiths_range['training-batches'][1])} on training batches."
    ),
)
inside = [suggested["held-out-batches", f, "steepest"] for f in FRAMEWORKS]
assert all(3e-4 <= rate <= 1e-3 for found in inside for rate in found), inside
answer("prediction 1", "3", holds=1.5 < max(factors[widest]) <= 3)
answer(
    "check 1", "repeat it over seeds", holds=round(max(factors[widest]), 1) == 1.7
)

# %% [markdown]
# It matters much where the loss is measured. Held-out losses differ from training losses in three ways: they are of other
# images, they are measured after the update and not before it, and they are taken in evaluation mode. In that mode batch
# normalisation uses running statistics, which after a few updates are still far from the batch's own. Our reading is that
# this moves the curve most. Which of the three moves it, and how far, was not run.

# %% tags=["folded"]
moved, peers_say = [], {}
for framework in FRAMEWORKS:
    by_kind = [np.median(suggested[kind, framework, "steepest"]) for kind in KINDS]
    moved.append(by_kind[1] / by_kind[0])
    for name in ("torch-lr-finder", "fastai steep"):
        finder = peer_range_rules.FINDERS[name]
        runs = sweeps_of("held-out-batches", framework)
        said = [finder(run) for run in runs]
        ours = suggested["held-out-batches", framework, "steepest"]
        higher = [a - b for a, b in zip(said, ours, strict=True)]
        assert min(higher) > (0 if name == "torch-lr-finder" else -1e-9), higher
        peers_say.setdefault(name, []).extend(said)
assert max(peers_say["fastai steep"]) < max(peers_say["torch-lr-finder"]), peers_say
display(
    Markdown(
        f"The steepest point lies {moved[0]:.1f} times higher on held-out losses than on training batches in PyTorch, and {moved[1]:.1f} times in Keras. Two well-known rules that use running averages "
        f"read the same held-out losses: fastai's steepest is never lower than ours, from {scientific(min(peers_say['fastai steep']))} to {scientific(max(peers_say['fastai steep']))}, and torch-lr-finder's "
        f"is higher in every sweep, from {scientific(min(peers_say['torch-lr-finder']))} to {scientific(max(peers_say['torch-lr-finder']))}."
    )
)
answer(
    "check 2",
    "moved to a rate about five times higher",
    holds=all(round(times, 1) == 5.3 for times in moved),
)

# %% [markdown]
# ### Does training at that rate do well?
#
# For the ResNet we do not know which rate is best. For the digits of the first chapter we do: rate 1, with a cliff between
# 1 and 2. So let a range test advise that network, and train it as advised, twenty epochs at the rate that its own sweep
# suggests. Every seed makes a sweep of 100 rates from 1e-4 to 10.


# %% tags=["pytorch"]
def accuracy(outputs, targets):
    return (outputs.argmax(1) == targets).float().mean().item()


def torch_digits(seed, steps):
    """A sweep of the digits' network from 1e-4 to 10."""
    (x, y), *_ = constant_rates.images()
    order = training.batch_order(len(x), 32, 9, seed)[:steps]
    model = in_torch.perceptron(constant_rates.SIZES, constant_rates.initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [
        (torch.from_numpy(x[rows]), torch.from_numpy(y[rows]).long())
        for rows in (padded[padded >= 0] for padded in order)
    ]
    loss = torch.nn.functional.cross_entropy
    ladder = {"start": 1e-4, "end": 10.0, "steps": steps}
    return lrlib.torch.range_test(
        model, optimizer, loss, batches, **ladder, metric=accuracy
    )


digits_sweeps = [torch_digits(seed, steps=100) for seed in range(10)]


# %% tags=["keras"]
def keras_digits(seed, steps):
    """A sweep of the digits' network from 1e-4 to 10."""
    (x, y), *_ = constant_rates.images()
    order = training.batch_order(len(x), 32, 9, seed)[:steps]
    model = in_keras.perceptron(constant_rates.SIZES, constant_rates.initial(seed))
    model.compile(
        keras.optimizers.SGD(0.1), in_keras.cross_entropy, metrics=["accuracy"]
    )
    batches = [
        (x[rows], y[rows]) for rows in (padded[padded >= 0] for padded in order)
    ]
    return lrlib.keras.range_test(model, batches, start=1e-4, end=10.0, steps=steps)


keras_digits_sweep = keras_digits(0, steps=100)

# %% [markdown]
# Four rules read the sweeps: two of ours and two of fastai, whose own choice is its *valley* rule. The other takes the
# steepest point after a running average. Then each seed trains at its own rate; in PyTorch all at once, with the rate multiplied
# into the gradient.

# %%
READERS = ("lrlib minimum/10", "fastai valley", "lrlib steepest", "fastai steep")
read = {rule: peer_range_rules.FINDERS[rule] for rule in READERS}


# %% tags=["pytorch"]
def torch_trained(rates):
    """Test accuracies after twenty epochs, seed i at rates[i]."""
    (x, y), _, test = constant_rates.images()
    first = [constant_rates.initial(seed) for seed in range(len(rates))]
    model = in_torch.stacked_perceptron(first)
    each = torch.tensor(rates).reshape(-1, 1, 1)
    for parameter in model.parameters():  # an own rate for each seed
        parameter.register_hook(lambda gradient: gradient * each)
    orders = training.stack_orders(
        training.batch_order(len(x), 32, 20, seed) for seed in range(len(rates))
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    in_torch.train(model, optimizer, x, y, orders)
    return in_torch.evaluate(model, *test)[1]


advised = {}
for rule, finder in read.items():
    rates = [finder(sweep) for sweep in digits_sweeps]
    advised[rule] = rates, torch_trained(rates)

# %% tags=["keras"]
advised_keras = {}
for rule in ("lrlib minimum/10", "lrlib steepest"):
    rate = read[rule](keras_digits_sweep)
    setting = constant_rates.Setting(lrlib.Constant(rate), batch=32, epochs=20)
    (run,) = constant_rates.run(setting, "keras", [0])
    advised_keras[rule] = rate, run["test_accuracy"]

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"image": {"alt": "Test error in percent, on a logarithmic axis, against the learning rate. A grey line, the stored sweep of the first chapter, falls from 7 percent at 0.05 to 3 percent at 1 and jumps to 90 percent at 2. Marks of four rules, ten each: those of minimum/10 lie on it between 0.05 and 0.1 at about 6 percent, those of fastai's valley between 0.07 and 0.2 at about 5, those of the steepest rule between 0.4 and 0.6 at about 3.5. Those of fastai's steepest lie between 0.8 and 5: half at 2 to 4 percent error, the others between 59 and 93 percent."}, "figure": {"caption": "Digits: each mark is a run of twenty epochs at the rate that a rule read off its own seed's sweep of 100 rates. Grey: mean and range of ten seeds at the first chapter's rates.", "name": "fig-advised"}}
results = study.load("constant_rates")
truth = {
    rate: np.array(
        [
            run["test_accuracy"]
            for run in results[constant_rates.name_of("constant", rate, 32, 20)][
                "pytorch"
            ]
        ]
    )
    for rate in constant_rates.SWEEP
    if 0.05 <= rate <= 5
}
figure, ax = plt.subplots(figsize=(8, 4.2))
figures.band(
    ax, list(truth), 100 - np.transpose(list(truth.values())), color="0.6", ls="-"
)
for (rule, (rates, found)), colour, marker in zip(
    advised.items(), figures.COLOURS, "osD^", strict=False
):
    ax.plot(
        rates,
        100 - np.array(found),
        marker,
        color=colour,
        markersize=7,
        alpha=0.8,
        label=rule,
    )
ax.set(
    xscale="log",
    yscale="log",
    xlabel="advised rate",
    ylabel="test error after 20 epochs, %",
    title="Advice on one side costs points, on the other the run",
)
ax.set_xticks(
    [0.05, 0.1, 0.2, 0.5, 1, 2, 5], ["0.05", "0.1", "0.2", "0.5", "1", "2", "5"]
)
ax.set_yticks([2, 5, 10, 20, 50, 90], ["2", "5", "10", "20", "50", "90"])
ax.minorticks_off()
ax.legend(loc="upper left")
_ = figure

# %% tags=["folded"]
best = {rate: found.mean() for rate, found in truth.items()}
means = {rule: np.mean(found) for rule, (_, found) in advised.items()}
rates, found = advised["lrlib steepest"]
assert min(rates) > 0.3 and max(rates) < 0.8 and min(found) > 94, (rates, found)
assert max(best, key=best.get) == 1 and abs(means["lrlib steepest"] - best[1]) < 1
for rule in ("lrlib minimum/10", "fastai valley"):
    rates, found = advised[rule]
    assert min(rates) > 0.04 and max(rates) < 0.3 and min(found) > 90, (rule, rates)
    assert 1 < best[1] - means[rule] < 4, (rule, means)
rates, found = advised["fastai steep"]
beyond, destroyed = (np.array(rates) > 1).sum(), (np.array(found) < 80).sum()
assert beyond >= 5 and 2 <= destroyed <= 9, (rates, found)
for rule, (rate, of_keras) in advised_keras.items():
    assert 0.8 < rate / advised[rule][0][0] < 1.25, (rule, rate)
    assert abs(of_keras - advised[rule][1][0]) < 2, (rule, of_keras)
assert 20 * len(constant_rates.SWEEP) == 220 and round(100 / 36) == 3  # epochs
display(
    Markdown(
        f"At the best rate of the sweep, 1, the network reads {best[1]:.1f} % of the test images. Runs at the steepest point, which lies between 0.3 and 0.8 in all ten seeds, come within a "
        "point of that on average. *Minimum/10* and fastai's *valley* are more careful, with rates of 0.04 to 0.3, and cost one to four points on average. "
        "They are slow, as small rates are, and safe: each run reads more than 90 %. After the running average, in contrast, at least half of the ten rates lie beyond 1. On that side of the best rate is the cliff: at least two of "
        "the ten runs end below 80 %."
    )
)

# %% [markdown]
# So the advice of [the figure](#fig-advised) is sound where it errs to the low side, and a sweep takes three epochs, where the first chapter's eleven rates took
# 220. It does not find the best rate: that one lies next to the cliff, and a sweep notices the cliff only when the loss has risen.
# If you take a rate from a sweep, try half and twice that rate as well.
#
# Why does the running average go so high? It lags behind the curve by some number of *updates*. How much that is in rates
# depends on how finely the sweep is made. Here are the same networks with three times as many steps.

# %%
finer = [torch_digits(seed, steps=300) for seed in range(10)]

# %% tags=["folded"]
coarse_steep, finer_steep = (
    [peer_range_rules.FINDERS["fastai steep"](sweep) for sweep in group]
    for group in (digits_sweeps, finer)
)
coarse_ours, finer_ours = (
    [sweep.suggest("steepest").lr for sweep in group]
    for group in (digits_sweeps, finer)
)
assert min(finer_steep) > 0.4 and sorted(finer_steep)[-3] < 1.2, finer_steep
assert np.median(finer_steep) < 0.85 * np.median(coarse_steep)
assert 0.7 < np.median(finer_ours) / np.median(coarse_ours) < 1, finer_ours
display(
    Markdown(
        "With 300 rates, fastai's steepest comes down: at least eight of its ten answers lie below 1.2. Our steepest point moves by less than a third at the median. It moves down as well, for a network that "
        "is trained longer on the way has learned more before the high rates come, so the loss falls at lower rates. A finder's answer belongs to its sweep."
    )
)

# %% [markdown]
# ### Smith's own form: the accuracy
#
# Smith reads the bounds of a cycle off the *accuracy*: `base_lr` where it begins to rise, `max_lr` where it stops rising or
# becomes ragged. The sweeps above have recorded it, and `suggest("smith")` reads it.

# %% tags=["nbval-ignore-output", "folded"]
for steps, group in ((100, digits_sweeps), (300, finer)):
    for seed, sweep in enumerate(group[:3]):
        print(steps, "rates, seed", seed, sweep.suggest("smith"))

# %% tags=["folded"]
smith = {
    steps: [sweep.suggest("smith") for sweep in group]
    for steps, group in ((100, digits_sweeps), (300, finer))
}
whole = {
    steps: [(s.base_lr, s.max_lr) for s in group if s.base_lr and s.max_lr]
    for steps, group in smith.items()
}
assert len(whole[100]) <= 7 and len(whole[300]) >= 8, whole
for low, high in whole[300]:
    assert 0.002 < low < 0.1 < high < 0.6, whole
assert len(keras_digits_sweep.accuracies) == len(keras_digits_sweep.rates)
display(
    Markdown(
        "In the sweeps of 100 rates, whose accuracies are those of 32 images each, at most seven of ten curves support a range: the accuracy is too noisy. With 300 rates at least eight do. There `base_lr` lies between "
        "0.002 and 0.1, and `max_lr` between 0.1 and 0.6, below the best constant rate."
    )
)

# %% [markdown]
# ## Can a finder be believed?
#
# The digits are one network, but on made curves we know the answer as often as we like. Here are 100 noisy curves that fall
# along half a cosine, each with a known steepest point. The rules of well-known finders, written from their published
# definitions, read the same curves as ours, and [the figure](#fig-finders) has their errors.

# %%
curves = [peer_range_rules.curve(seed) for seed in range(100)]
scores = {
    name: peer_range_rules.score(finder, curves)
    for name, finder in peer_range_rules.FINDERS.items()
}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Box plots of the distance in decades between each finder's suggestion and the steepest point of 100 made curves. Four finders that aim at the steepest point are in blue: the steepest rule of lrlib is centred on zero with a narrow box, torch-lr-finder and fastai's steepest lie about half a decade to the right, Lightning's lies three decades to the left. The others, in grey, aim elsewhere; their boxes are up to one decade wide."}, "figure": {"caption": "Distance of each suggestion from the known steepest point, 100 made curves; right means a higher rate, whiskers hold nine tenths. Blue: rules that aim at the steepest point. Grey: rules that aim elsewhere, so that they are off by intent; their width still counts.", "name": "fig-finders"}}
aims = {"lrlib steepest", "torch-lr-finder", "fastai steep", "Lightning"}
distances = {
    name: [
        np.log10(found / curve.steepest)
        for curve in curves
        if (found := finder(curve.result)) is not None
    ]
    for name, finder in peer_range_rules.FINDERS.items()
}
names = sorted(distances, key=lambda name: name not in aims)[::-1]
figure, ax = plt.subplots(figsize=(8, 4.5))
boxes = ax.boxplot(
    [distances[name] for name in names],
    orientation="horizontal",
    whis=(5, 95),
    showfliers=False,
    patch_artist=True,
    medianprops={"color": "black"},
)
for name, box in zip(names, boxes["boxes"], strict=True):
    box.set(facecolor=figures.COLOURS[0] if name in aims else "0.8", alpha=0.6)
ax.axvline(0, color="0.5", linewidth=1, linestyle="-")
ax.set(
    xlabel="decades from the steepest point",
    yticks=range(1, len(names) + 1),
    yticklabels=names,
    title="A running average reports a rate that is too high",
)
ax.grid(axis="x", alpha=0.3)
_ = figure

# %% tags=["folded"]
ours, lagging = scores["lrlib steepest"], scores["fastai steep"]
other = scores["torch-lr-finder"]
assert not any(s.refused for s in scores.values())
display(
    Markdown(
        f"Among the four rules that aim at the steepest point, the median of fastai's lies {10**lagging.bias:.0f} times too high ({lagging.bias:+.2f} decades) and that of torch-lr-finder {10**other.bias:.0f} times "
        f"({other.bias:+.2f}). Lightning's, which takes the slope against the rate and not against its logarithm, lies {-scores['Lightning'].bias:.0f} decades too low. That of lrlib lies at {abs(ours.bias):.2f} decades, with an interquartile range of "
        f"{ours.iqr:.2f}, the width of the middle half of the curves. Of the others, fastai's *slide* is the widest: the middle half spans {scores['fastai slide'].iqr:.1f} decades, and {100 * scores['fastai slide'].beyond:.0f} % of its answers lie beyond the minimum of the "
        "loss."
    )
)
answer(
    "prediction 2", "higher", holds=min(lagging.bias, other.bias) > abs(ours.bias)
)

# %% [markdown]
# This contest is one that our rule was bound to win: the truth is the point that it aims at, and the noise is of the
# kind that it assumes. It does show the lag, which is why a running average moved the digits' answer over the cliff.
#
# ## Break it: a curve that supports no rate
#
# Show the finders 100 curves that are nothing but noise around a level loss. [The figure](#fig-level) has the first of them.

# %%
ladder = lrlib.finder.ladder(1e-7, 10.0, 100)
level = [
    lrlib.RangeTest(
        ladder, 2.3 + 0.1 * np.random.default_rng(seed).standard_normal(100)
    )
    for seed in range(100)
]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Loss against the learning rate from 1e-7 to 10 on a logarithmic axis: a hundred grey points scatter around 2.3 over the whole range. Six vertical lines: fastai's minimum/10 at 2e-7, its steepest at 8e-7, Lightning at 1.3e-5, fastai's valley and slide near 0.2, torch-lr-finder at 0.5."}, "figure": {"caption": "The first of 100 level curves, noise around 2.3, and the rate that each of six well-known rules reads off it.", "name": "fig-level"}}
figure, ax = plt.subplots(figsize=(6.5, 3.6))
ax.plot(ladder, level[0].losses, "o-", markersize=3.5, linewidth=0.8, color="0.6")
looks = zip(figures.COLOURS, figures.LINES, strict=True)
for name, (colour, dashes) in zip(peer_range_rules.PEERS, looks, strict=False):
    rate = peer_range_rules.FINDERS[name](level[0])
    ax.axvline(rate, color=colour, linestyle=dashes, label=name)
ax.set(
    xscale="log",
    ylim=(0, 5),
    xlabel="learning rate",
    ylabel="loss of the batch",
    title="No rate is better than another, and six rules choose one",
)
figure.legend(loc="outside upper center", ncols=3)
_ = figure

# %% tags=["folded"]
answered = {
    name: sum(finder(result) is not None for result in level)
    for name, finder in peer_range_rules.FINDERS.items()
}
peers = [name for name in peer_range_rules.PEERS if answered[name] == len(level)]
reason = level[0].suggest("steepest").reason.split(":")[0]
refusing = [name for name, count in answered.items() if not count]
assert all(name.startswith("lrlib") for name in refusing) and len(refusing) == 3
display(
    Markdown(
        f"**{len(peers)} of {len(peer_range_rules.PEERS)}** well-known rules give a number for each of the {len(level)} level curves. The {len(refusing)} rules of lrlib give none, for any of them, and say why: "
        f"“{reason}”."
    )
)
answer("prediction 3", "a number", holds=len(peers) == 6)
answer("check 3", "no", holds=len(peers) == 6)

# %% [markdown]
# **Your predictions:**
#
# 1. **3**: the widest rule's suggestions differ by a factor of 1.7, so 1.5 is not enough.
# 2. **higher**: a running average lags behind the curve.
# 3. **a number**: all six rules gave one, for every curve.
#
# ## Verdicts
#
# A range is read off one sweep, so the claims about it ask in how many of our sweeps it is so: more than half of them,
# by new seeds. Losses are those on held-out images, as the source measured. Finders of its time took the steepest
# point. The source's range was read by eye, and Smith's rule is the nearest to that. [Claims and
# verdicts](verdicts.ipynb) explains the words, and has all claims.

# %% tags=["hide-input"]
from lrlib.course import claims

claims.table("finding_the_range")

# %% tags=["folded"]
print("verdicts:", claims.counts("finding_the_range"))
print("seeds a cell:", len(stored["held-out-batches"]["pytorch"]))
print("stored on:", stored["held-out-batches"]["pytorch"][0]["hardware"])
verdicts = claims.by_text("finding_the_range")
figure, region, smith = (
    verdicts[text]
    for text in (
        "the finder suggests 5.21e-4",
        "the usable range is 3e-4 to 1e-3: the suggestion lies in it",
        "the usable range is 3e-4 to 1e-3: it lies in Smith's range",
    )
)
words = [figure.word, region.word, smith.word]
assert words == ["not had again", "holds", "reversed"], words
in_region, in_smiths = (one.shown["pytorch"] for one in (region, smith))
assert (in_region, in_smiths) == ("19 of 20", "0 of 20"), (in_region, in_smiths)
steepest = np.median(suggested["held-out-batches", "pytorch", "steepest"])
low, high = smiths_range["held-out-batches"]
assert 3e-4 < low < high < 1e-3, (low, high)  # narrower than the source's
display(
    Markdown(
        f"New sweeps: in PyTorch the steepest point fell into the source's range in {in_region}, so as a region it held. The finder's 5.21e-4 did not come out: "
        f"the median of the first five sweeps is {scientific(steepest)}. And in none of the 20 did Smith's rule give a range that contains the source's. "
        f"At the median of the first five sweeps its range is narrower, {scientific(low)} to {scientific(high)}."
    )
)

# %% [markdown]
# ## Exercises
#
# Each takes some seconds of computing, the first about ten. The assignment *Find the range* goes further: there you write the test itself, and a rule
# that reads it.
#
# 1. Sweep the digits with 1,000 rates instead of 100, for three seeds. Where does the steepest point go, and why?
# 2. Sweep the digits with a momentum of 0.9. By what factor should the suggestions move, and do they?
# 3. Write a rule of your own as a function of `result.rates` and `result.losses`, such as the rate at which the loss has come half
#    way down, and score it with `peer_range_rules.score` on the 100 made curves.
#
# ## What to take away
#
# 1. A range test gives a region, not a rate: look at its spread over seeds before you trust a digit, and at how the sweep was made.
# 2. An answer that is too low costs a few points; one that is too high can cost the run. On the digits the steepest point did well, and the best rate
#    lay above it.
# 3. A running average lags behind the curve, so the rate it reports is not the rate at which the loss fell.
# 4. A finder that cannot say "no" will answer for noise too.
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
# 1. **repeat it over seeds**: the suggestions of one rule differed by a factor of up to 1.7. More steps or more smoothing move the
#    answer, and say nothing of its spread.
# 2. **moved to a rate about five times higher**: 5.3 times in both frameworks. Our reading: in evaluation mode the network looks untrained for
#    longer, so the fall comes later. The images and the moment of measuring differ too, and none of the three was run alone.
# 3. **no**: six of six well-known rules gave a number for pure noise.
# 4. **what they were before**: a finder leaves no trace, and here both were compared. If it left those of the last step, training
#    would start from a network that has diverged.
#
# </details>
