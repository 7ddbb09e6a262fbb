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
# # Choosing a schedule
#
# **Goal.** Find what to use in your situation, with the number that speaks for it, and learn how thin the evidence is.
#
# **You need** none of the chapters; each line leads to the runs behind it. **Data:** stored results, and MNIST for one
# small experiment. **Cost:** about half a minute on two cores; the measured time stands under the title.
#
# Every recommendation below has a number, each number its spread, and each row a link to its runs. The numbers come
# from small networks on small images. Read them as the direction of an effect, and run the comparison again on your own
# task: *Your own comparison*, further down, has the steps.

# %% [markdown]
# ## The short answer
#
# 1. **Tune the peak first.** A peak that is three times too high cost more than any choice of shape.
# 2. **You know the budget:** let the rate fall to zero over it, in a straight line, or by *warm-up, stable, decay*.
# 3. **You do not know it:** Schedule-Free; or a constant rate, and a short fall once you know when to stop. If it is too
#    late for a fall, average the last weights.
# 4. **You have few updates:** get more of them first. No shape makes up for them.

# %% [markdown]
# ## The evidence
#
# Each row is a comparison of test errors: by how many percent the first schedule's error is lower (−) or higher (+) than
# the second's, with a 95 % interval, in each framework that ran it. *Clear* means that the interval, in every framework
# that has one, is clear of zero.

# %% tags=["hide-input"]
import numpy as np

import lrlib
from lrlib.course import claims, figures, networks, samples, study, training
from lrlib.course.experiments import (
    cycling,
    cycling_on_mnist,
    equal_budget,
    one_cycle,
    step_and_plateau,
)
from lrlib.course.experiments.budgets import claims as budgets
from lrlib.course.experiments.budgets import trials
from lrlib.course.experiments.equal_budget import results as equal_budget_results
from lrlib.course.experiments.equal_budget.results import error_ratios
from lrlib.course.figures import plt, show_source
from lrlib.course.rules import FEWEST, FRAMEWORKS
from lrlib.course.samples import Runs, lost
from lrlib.course.stats import direction, mean_interval, mean_sd, relative_interval

figures.use_style()


def paired(experiment, name, control):
    """Two settings of an experiment: logarithms of test error ratios, one a seed."""
    ratios = {}
    for framework in FRAMEWORKS:
        ours, theirs = (
            np.log(100 - runs.sample(framework, new=False).values)
            for runs in (
                Runs(experiment.EXPERIMENT, one) for one in (name, control)
            )
        )
        count = min(len(ours), len(theirs))
        if count >= FEWEST:
            ratios[framework] = ours[:count] - theirs[:count]
    return ratios


def by_new_seeds(compared):
    """A comparison that new seeds decide: logarithms of test error ratios, one a seed."""
    each = {name: compared.differences(name, new=True) for name in FRAMEWORKS}
    return {name: ratios for name, ratios in each.items() if len(ratios) >= FEWEST}


# The comparisons of "After the budget is known", each on the digits and on MNIST.
from_trunk, of_tenth, of_fifth, of_peaks = (
    dict(zip(("digits", "MNIST"), claim.rule.comparisons, strict=True))
    for claim, _ in claims.judged("after_the_budget")
)

cells = study.load("equal_budget")


def whole(name, framework="pytorch"):
    """In which of the nine settings no run of a schedule was lost, that is, learned nothing."""
    stored_runs = [
        cells[f"{task}-{epochs}epochs-{name}"][framework][0]["runs"]
        for task, epochs in equal_budget_results.SETTINGS
    ]
    return np.array(
        [
            not any(lost(run, equal_budget.EXPERIMENT).any() for run in runs)
            for runs in stored_runs
        ]
    )


def over_settings(name, control, stopped=None):
    """Two schedules: logarithms of test error ratios, one a setting without a lost run."""
    return {
        framework: ratios[whole(name, framework) & whole(control, framework)]
        for framework, ratios in error_ratios(name, control, stopped).items()
    }


BUDGETS, STOPPED = (
    "to_zero.ipynb#Who-wins,-and-by-how-much",
    "to_zero.ipynb#Stopped-early",
)
AFTER = "after_the_budget.ipynb"
EVIDENCE = [
    (
        "budget known",
        "line to zero over constant",
        over_settings("linear", "constant"),
        BUDGETS,
    ),
    ("budget known", "wsd over the line", over_settings("wsd", "linear"), BUDGETS),
    ("budget known", "REX over the line", over_settings("rex", "linear"), BUDGETS),
    ("budget known", "wsd over REX", over_settings("wsd", "rex"), BUDGETS),
    (
        "budget known",
        "cosine over the line",
        over_settings("cosine", "linear"),
        BUDGETS,
    ),
    (
        "budget known",
        "one-cycle over the line",
        over_settings("one-cycle", "linear"),
        BUDGETS,
    ),
    (
        "budget known",
        "restarts over one cosine",
        over_settings("sgdr", "cosine"),
        BUDGETS,
    ),
    (
        "budget known",
        "line to zero over a cycle (Adam, ResNet-18, 8 epochs)",
        paired(cycling_on_mnist, "linear", "cyclical"),
        "cycling_on_mnist.ipynb#The-result",
    ),
    (
        "budget known",
        "one-cycle over the line with a rise of one epoch (LeNet, MNIST, 12 epochs)",
        paired(one_cycle, "one-cycle", "warmup-linear"),
        "one_cycle.ipynb#The-result",
    ),
    (
        "budget known",
        "the same with momentum 0.9 in both",
        paired(one_cycle, "one-cycle-one-momentum", "warmup-linear"),
        "one_cycle.ipynb#The-result",
    ),
    (
        "budget known",
        "one fall over a cycle (Adam, digits, 40 epochs)",
        paired(cycling, "fall", "triangular"),
        "cycling.ipynb#The-result",
    ),
    (
        "budget unknown",
        "Schedule-Free over the line, stopped at half",
        over_settings("schedule-free", "linear", stopped=0.5),
        STOPPED,
    ),
    (
        "budget unknown",
        "constant over the line, stopped at half",
        over_settings("constant", "linear", stopped=0.5),
        STOPPED,
    ),
    (
        "budget unknown",
        "Schedule-Free over the line, at the end",
        over_settings("schedule-free", "linear"),
        BUDGETS,
    ),
    (
        "budget unknown",
        "cuts on a plateau over constant (MNIST, 10 epochs)",
        paired(
            step_and_plateau, "plateau-0.1-validation-accuracy", "constant-held-out"
        ),
        "step_and_plateau.ipynb#The-result",
    ),
    *(
        (
            "budget unknown",
            f"cooldowns from one trunk over a line for each of four budgets ({task})",
            by_new_seeds(compared),
            f"{AFTER}#One-trunk-for-all-budgets",
        )
        for task, compared in from_trunk.items()
    ),
    *(
        (
            "budget unknown",
            f"mean of a constant run's last tenth over a fall in it ({task})",
            by_new_seeds(compared),
            f"{AFTER}#An-average-instead-of-a-fall",
        )
        for task, compared in of_tenth.items()
    ),
    (
        "warm-up",
        "cosine with warm-up over cosine without",
        over_settings("warmup-cosine", "cosine"),
        BUDGETS,
    ),
    (
        "warm-up",
        "line from 0.1 after a rise over line from 0.03 without (LeNet, MNIST)",
        paired(one_cycle, "warmup-linear", "linear-0.03"),
        "one_cycle.ipynb#The-result",
    ),
]


def shown(ratios, framework):
    """A framework's cell of the table."""
    return relative_interval(ratios[framework]) if framework in ratios else "–"


# %% tags=["hide-input", "full-width"]
rows = []
for situation, comparison, ratios, link in EVIDENCE:
    counts = " and ".join(dict.fromkeys(str(len(r)) for r in ratios.values()))
    unit = "settings" if link in (BUDGETS, STOPPED) else "seeds"
    clear = direction(*ratios.values()) != "not told apart"
    rows.append(
        [
            situation,
            comparison,
            *(shown(ratios, framework) for framework in FRAMEWORKS),
            f"{counts} {unit}",
            "clear" if clear else "not told apart",
            f"[{link.partition('.')[0]}]({link})",
        ]
    )
figures.table(
    ["situation", "comparison", *FRAMEWORKS.values(), "from", "", "shown in"], rows
)

# %% [markdown]
# *From*: a row of settings has one ratio a setting, of means over three seeds, every schedule with a peak of its own.
# It has eight where one of the two schedules lost a run, that is, learned nothing. A row of seeds has one ratio a seed.
# All of them are first seeds, but for the rows from [After the budget is known](after_the_budget.ipynb), whose seeds are
# new; on MNIST such a row leaves out what the choice of the test images adds, and the words further down have it in. What new seeds say of the sources' claims stands in [Claims and verdicts](verdicts.ipynb).
#
# ## Tune the peak first

# %%
stored = equal_budget_results.load()
for label, places in (("three times too low", -1), ("three times too high", 1)):
    costs = stored.missed_peak(equal_budget_results.TO_ZERO, places)
    low, middle, high = np.quantile(costs, [0.25, 0.5, 0.75])
    print(
        f"{label:20}: {middle:.1f} points lost, half of the cases {low:.1f} to {high:.1f}"
    )
costs = stored.behind(equal_budget_results.TO_ZERO)[
    np.transpose([whole(name) for name in equal_budget_results.TO_ZERO])
]
low, middle, high = np.quantile(costs, [0.25, 0.5, 0.75])
print(
    f"another shape       : {middle:.1f} points lost, half of the cases {low:.1f} to {high:.1f}"
)

# %% [markdown]
# The first two lines are from the runs that chose the peaks, one seed each, over nine settings and six shapes that fall
# to zero. The last is what the other shapes lose to the best of the six, each with its own peak.
#
# - **Do:** try five peaks, a factor of three apart, with the schedule and the budget that you will use. Choose on
#   validation images. [Finding the range](finding_the_range.ipynb) gives a first guess; its answer moves by a factor of
#   up to five.
# - **Do not** compare schedules at one common peak. [To zero, in what shape?](to_zero.ipynb) shows a winner for every
#   peak.
# - **How sure:** three tasks under SGD, and one seed at each peak.
#
# ## You know the budget
#
# - **Choose** the straight line to zero: `lrlib.Linear(peak, 0.0, updates)`. No shape is clearly better over the nine
#   settings.
# - **Or** *warm-up, stable, decay*, if a run may have to be longer than planned: from any point of its constant part, a
#   short fall gives a finished model.
# - **Do not** leave the rate constant. And do not expect more of cycles or restarts: beside a plain fall they were behind
#   or not told apart.
# - **A warm-up** of a twentieth of the budget made no difference that could be told where the peak was tuned. It does allow
#   a higher peak: in [One-cycle and super-convergence](one_cycle.ipynb) the falls that began at 0.1 diverged with every
#   seed, and after a rise of one epoch with one seed of ten.
# - **How sure:** three tasks, at most nine epochs; see the rows *budget known* and *warm-up* above.
#
# ## You do not know it
#
# - **Choose** Schedule-Free where you can use its optimizer, and mind its two modes: it must be told when it is measured.
# - **Or** a constant rate, the *trunk*, with a fall over the last fifth, begun when you know the end. [After the budget is
#   known](after_the_budget.ipynb) let such falls leave one trunk at four budgets; its words stand below.
# - **If it is too late for a fall,** average the weights of the last tenth or fifth of the updates. Save them every few updates.
# - **Mind the trunk's peak.** It stays high for longest, so choose it with runs that end in a cooldown, and of two that do
#   equally well take the lower.
# - **If a long fall is stopped early,** not all is lost: halfway the line was behind Schedule-Free, and level with a constant
#   rate.
# - **How sure:** Schedule-Free was run from one package, its authors', in PyTorch only. Keras 3.15.1 has an optimizer of
#   that name, but under TensorFlow and PyTorch it is another algorithm: see [The bug museum](bug_museum.ipynb). Trunks and
#   averages were run on digits and MNIST, under SGD with momentum.

# %%
from lrlib.course.questions import answer

halfway = over_settings("schedule-free", "linear", stopped=0.5).values()
print(
    "Schedule-Free's error against the line's, stopped at half:",
    *map(relative_interval, halfway),
)
answer("check 3", "Schedule-Free", holds=direction(*halfway) == "lower")
for what, compared in (
    ("cooldowns from one trunk against lines", from_trunk),
    ("mean of the last tenth against a fall", of_tenth),
    ("mean of the last fifth against a fall", of_fifth),
):
    for task, rule in compared.items():
        found = rule.decide()
        change = [np.expm1(-end) for end in (found.mean, found.high, found.low)]
        print(
            f"{what}, {task}: {found.word},",
            "error {:+.0%} ({:+.0%} to {:+.0%})".format(*change),
        )
early = study.load("early_sharpness")
for framework in FRAMEWORKS:
    risen = (
        study.load("one_cycle")["warmup-cosine"][framework]
        + early["risen"][framework]
    )
    lost_of = sum(run["diverged"] for run in risen)
    print(
        f"one-cycle's network in {framework}, after a rise of one epoch:",
        f"{lost_of} of {len(risen)} seeds diverged",
    )
    assert (lost_of, len(risen)) == (1, 10)

# %% [markdown]
# ## You have few updates
#
# Small data, large batches or a short budget come to the same: few updates. [The figure](#fig-updates) shows what a
# tuned line, and Schedule-Free, give over a tuned constant rate, by the number of updates.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over the number of updates, 38 to 4,950, on a logarithmic axis. Left, the line to zero over constant: nine points with a wide range on digits at 38 updates, three and two points at 114 and 342; a few tenths on MNIST; on CIFAR-10 none at 450 updates, two and three points at 1,350 and 4,050. Right, Schedule-Free over constant: fifteen points on digits at 38 updates, four and two then; about one point and less on MNIST; nothing clear on CIFAR-10."}, "figure": {"caption": "What the line to zero and Schedule-Free give over a constant rate, each with its own peak: mean difference of three seeds and their range, by the number of updates.", "name": "fig-updates"}}
updates = [
    equal_budget.updates(*setting) for setting in equal_budget_results.SETTINGS
]
constant = stored.test[:, stored.names.index("constant")]
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
for ax, name in zip(axes, ("linear", "schedule-free"), strict=True):
    gains = stored.test[:, stored.names.index(name)] - constant
    for k, task in enumerate(equal_budget.TASKS):
        here = [
            s
            for s, (one, _) in enumerate(equal_budget_results.SETTINGS)
            if one == task
        ]
        middle = gains[here].mean(1)
        ax.errorbar(
            np.array(updates)[here],
            middle,
            yerr=[middle - gains[here].min(1), gains[here].max(1) - middle],
            marker="os^"[k],
            linestyle="",
            capsize=3,
            label=task,
        )
    ax.axhline(0, color="0.5", linewidth=1)
    ax.set(xscale="log", xlabel="updates", title=f"{name} over constant")
axes[0].set_ylabel("points of accuracy")
axes[1].legend()
_ = figure

# %%
line = stored.test[:, stored.names.index("linear")]
ratios = stored.error_ratio("linear", "constant")
for (task, _), count, points, ratio in zip(
    equal_budget_results.SETTINGS, updates, line - constant, ratios, strict=True
):
    print(
        f"{task:8} {count:5} updates: line over constant {points.mean():+.2f} points,",
        f"error {100 * np.expm1(ratio):+.0f} %",
    )

# %%
for task in equal_budget.TASKS:
    one, three = (
        equal_budget_results.SETTINGS.index((task, epochs)) for epochs in (1, 3)
    )
    gain = line[three] - line[one]
    lead = stored.means[one].max() - line[one].mean()
    print(
        f"{task:8} the line, three epochs over one: {mean_interval(gain)} points;",
        f"the best schedule over the line, at one epoch: {lead:+.2f}",
    )
free = stored.test[0, stored.names.index("schedule-free")]
print(f"38 updates: Schedule-Free {mean_sd(free)} %, the line {mean_sd(line[0])} %")
spreads = stored.test[0].std(-1)
print("38 updates, seeds closest together:", stored.names[spreads.argmin()])

# %% [markdown]
# - **Choose** more updates: a smaller batch, or more epochs. On all three tasks two epochs more gave the line more than any
#   change of shape did.
# - **Then** the line, or Schedule-Free, whose seeds lay closest together at 38 updates.
# - **Not shown:** that the schedule matters more when updates are few. In points it does on digits. On CIFAR-10 the gain
#   grows with the budget, and as a share of the error it grows on digits too.
# - **How sure:** at a few dozen updates three seeds differ by several points. Take more seeds than we did.
#
# ## You fine-tune
#
# The course has no chapter on fine-tuning, so here is a small experiment. A perceptron learns the digits 0 to 4 of MNIST.
# Its hidden layer is then kept, its last layer drawn anew, and it learns 5 to 9 from 200 images, with a batch of 20 for
# 20 epochs. Each schedule's peak is chosen from five on 1,000 other images, with a seed of its own. Five seeds follow.

# %% tags=["hide-input", "pytorch"]
import torch

import lrlib.torch
from lrlib.course import pytorch as in_torch
from lrlib.course.data import mnist

in_torch.one_thread()
SIZES, FEW, BATCH, EPOCHS = (784, 100, 5), 200, 20, 20
FINE_PEAKS = (0.003, 0.01, 0.03, 0.1, 0.3)


def scaled(images):
    return images.reshape(len(images), -1).astype("float32") / 255


(x, y), (x_test, y_test) = mnist()
x, x_test = scaled(x), scaled(x_test)
first_half = y < 5
other = np.random.default_rng(0).permutation(np.flatnonzero(~first_half))
few, watched = other[:FEW], other[FEW : FEW + 1000]
tested = x_test[y_test >= 5], y_test[y_test >= 5] - 5


def learn(weights, x, y, schedule, batches):
    """Train from these weights with SGD and momentum; return the model."""
    model = in_torch.perceptron(SIZES, weights)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    in_torch.train(model, optimizer, x, y, batches, scheduler=scheduler)
    return model


def pretrained(seed):
    """The hidden layer after one epoch on the digits 0 to 4."""
    batches = training.batch_order(int(first_half.sum()), 100, 1, seed)
    schedule = lrlib.Linear(0.1, 0.0, len(batches))
    start = networks.dense_weights(SIZES, seed)
    model = learn(start, x[first_half], y[first_half], schedule, batches)
    return in_torch.weights(model)[:2]


SEEDS = range(5)
hidden = {seed: pretrained(seed) for seed in (100, *SEEDS)}


def fine_tune(start, name, peak, seed):
    weights = networks.dense_weights(SIZES, 1000 + seed)
    if start == "pre-trained":
        weights = [*hidden[seed], *weights[2:]]
    batches = training.batch_order(FEW, BATCH, EPOCHS, seed)
    schedule = equal_budget.schedules(peak, len(batches))[name]
    return learn(weights, x[few], y[few] - 5, schedule, batches)


def chosen_peak(start, name):
    """The best of five peaks on the watched images, with one seed."""
    models = [fine_tune(start, name, peak, 100) for peak in FINE_PEAKS]
    seen = [in_torch.evaluate(m, x[watched], y[watched] - 5)[1] for m in models]
    return FINE_PEAKS[int(np.argmax(seen))], seen


# %% tags=["pytorch", "nbval-ignore-output"]
SCHEDULES = ("constant", "linear", "warmup-cosine", "wsd")
tuned, peaks, curves = {}, {}, {}
for start in ("from scratch", "pre-trained"):
    for name in SCHEDULES:
        peak, curves[start, name] = chosen_peak(start, name)
        tuned[start, name] = np.array(
            [
                in_torch.evaluate(fine_tune(start, name, peak, seed), *tested)[1]
                for seed in SEEDS
            ]
        )
        peaks[start, name] = peak
        print(
            f"{start:12} {name:14} peak {peak:<5g} {mean_sd(tuned[start, name])} %"
        )
line_gains = {
    start: tuned[start, "linear"] - tuned[start, "constant"]
    for start in ("from scratch", "pre-trained")
}
for start, gain in line_gains.items():
    print(f"{start:12} line over constant: {mean_interval(gain)}")
difference = tuned["pre-trained", "linear"] - tuned["from scratch", "linear"]
print(f"the line, pre-trained over from scratch: {mean_interval(difference)}")

# %% tags=["pytorch"]
means = [accuracies.mean() for accuracies in tuned.values()]
assert min(means) > 85 and max(means) < 90, means
print("the eight means of five seeds lie from 85 to 90 %: yes")
moved = [
    name
    for name in SCHEDULES
    if peaks["from scratch", name] != peaks["pre-trained", name]
]
assert len(moved) >= 2, peaks
print("pre-trained, two schedules of the four or more chose another peak: yes")
for start, gain in line_gains.items():
    assert direction(gain) != "lower" and gain.mean() < 1.5, gain
    print(f"{start}: the line is ahead by less than 1.5 points, or level: yes")
    seen = curves[start, "linear"]
    assert max(seen) - seen[-1] > 2, seen
    print(f"{start}: the highest peak loses 2 points or more to the best: yes")
assert 0 < difference.mean() < 2, difference
print("the line's mean is higher pre-trained, by less than 2 points: yes")
print("pre-trained against from scratch:", direction(difference))

# %% [markdown]
# - **Choose** the line to zero again, and tune its peak again: pre-trained, two schedules of the four or more chose another.
#   One far too high loses more than pre-training gave.
# - **How sure:** one small network, one pair of tasks, 200 images. That is thin; even what pre-training gave the line is an
#   interval that holds zero. Nothing here speaks of large pre-trained networks.
#
# ## You resume
#
# - **Do** save model, optimizer and scheduler together, and build the scheduler before you load. Then look at the rate in
#   force. [The bug museum](bug_museum.ipynb) shows what happens in the other order: a run at a tenth of its rate, for
#   good.
# - **Do** keep the schedule's length as it was planned. A new length is a new schedule:
#   [Changing plans in mid-run](changing_plans.ipynb) has the recipes.
#
# Here is a run of 400 updates that is stopped after 150 and taken up from its checkpoint. It must end with the same
# weights as the one that was never stopped, bit for bit.

# %% tags=["hide-input", "pytorch"]
import io

digits_x, digits_y, *_ = equal_budget.TASKS["digits"].images()
SMALL = equal_budget.PERCEPTRONS["digits"]
order = training.batch_order(len(digits_x), 32, 9, seed=0)[:400]
line = lrlib.Linear(0.3, 0.0, len(order))


def torch_parts(seed):
    model = in_torch.perceptron(SMALL, networks.dense_weights(SMALL, seed))
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    return model, optimizer, lrlib.torch.Scheduler(optimizer, line)


def run_torch(parts, batches):
    model, optimizer, scheduler = parts
    in_torch.train(
        model, optimizer, digits_x, digits_y, batches, scheduler=scheduler
    )


straight = torch_parts(seed=0)
run_torch(straight, order)

first = torch_parts(seed=0)
run_torch(first, order[:150])
file = io.BytesIO()
torch.save([part.state_dict() for part in first], file)
file.seek(0)
second = torch_parts(seed=1)  # other weights, to be overwritten
for part, state in zip(second, torch.load(file), strict=True):
    part.load_state_dict(state)
rate = second[1].param_groups[0]["lr"]
run_torch(second, order[150:])
same = all(
    torch.equal(ours, theirs)
    for ours, theirs in zip(
        straight[0].parameters(), second[0].parameters(), strict=True
    )
)
print(f"rate in force after loading: {rate:.4f}; the schedule's: {line(150):.4f}")
print("weights equal bit for bit:", same)
assert same and rate == line(150)

# %% tags=["hide-input", "keras"]
import pathlib
import tempfile

import keras

import lrlib.keras
from lrlib.course import keras as in_keras

in_keras.one_thread()


def keras_parts(seed):
    model = in_keras.perceptron(SMALL, networks.dense_weights(SMALL, seed))
    optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(line), momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, optimizer


def run_keras(parts, batches):
    in_keras.train(*parts, digits_x, digits_y, batches)


straight_keras = keras_parts(seed=0)
run_keras(straight_keras, order)

first_keras = keras_parts(seed=0)
run_keras(first_keras, order[:150])
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "checkpoint.keras"
    first_keras[0].save(path)  # its optimizer's count of updates goes with it
    model = keras.models.load_model(path)
rate = float(model.optimizer.learning_rate)
run_keras((model, model.optimizer), order[150:])
same = all(
    np.array_equal(ours, theirs)
    for ours, theirs in zip(
        straight_keras[0].get_weights(), model.get_weights(), strict=True
    )
)
print(f"rate in force after loading: {rate:.4f}; the schedule's: {line(150):.4f}")
print("weights equal bit for bit:", same)
assert same and abs(rate - line(150)) < 1e-7

# %% [markdown]
# ## You accumulate batches
#
# - **Count updates, not batches.** In PyTorch call `scheduler.step()` where `optimizer.step()` is called. In Keras the
#   schedule is asked with the count of batches; `lrlib.keras.Schedule(schedule, accumulate=k)` divides it.
# - **What it costs:** a line that was over at half of the run lost from 0.3 to 1.6 points on MNIST, in [To zero, in
#   what shape?](to_zero.ipynb), *Break it*.

# %% tags=["pytorch"]
short_line = lrlib.Linear(0.1, 0.0, steps=4)
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
scheduler = lrlib.torch.Scheduler(optimizer, short_line)
in_force = []
for batch in range(1, 17):
    if batch % 4 == 0:  # gradients of four batches make one update
        in_force.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
print(
    "rates in force, four updates from 16 batches:", *(f"{r:.4f}" for r in in_force)
)
assert in_force == [short_line(t) for t in range(4)]
over = next(batch for batch in range(17) if short_line(batch) == 0)
print(f"stepped with each batch, the line is over after {over} of 16 batches")
answer("check 2", "a quarter of the updates", holds=over == 16 / 4)

# %% tags=["keras"]
weight, moved = keras.Variable(0.0), []
optimizer = keras.optimizers.SGD(
    lrlib.keras.Schedule(short_line, accumulate=4), gradient_accumulation_steps=4
)
for batch in range(1, 17):
    weight.assign(0.0)
    optimizer.apply([keras.ops.ones(())], [weight])
    if batch % 4 == 0:
        moved.append(-float(weight))
print("rates in force, four updates from 16 batches:", *(f"{r:.4f}" for r in moved))
assert np.allclose(moved, [short_line(t) for t in range(4)], atol=1e-7)

# %% [markdown]
# ## You use Adam, or Keras's own SGD
#
# - **Adam** divides each weight's update by a record of its gradients. That does not replace a schedule: on ResNet-18 the
#   line was ahead of the cycle *under Adam* (see the table). Of the nine settings none used it. A new study of the same
#   schedules has AdamW beside SGD, with ten new seeds; so far it is complete on the digits only. The table below has the
#   change of the error, a mean over three budgets, and the word by the study's rule, whose smallest effect is a twentieth of
#   the error. Under AdamW the line's gain over a constant rate is smaller than under SGD, and undecided.
# - **Keras's SGD** keeps the rate inside its momentum, so that a cut fades in over many updates.
#   [Step decay and reduce-on-plateau on MNIST](step_and_plateau.ipynb) measures it; `lrlib.keras.SGD` has PyTorch's
#   rule.

# %% tags=["hide-input"]
PAIRS = {
    "line to zero over constant": ("linear", "constant"),
    "wsd over constant": ("wsd", "constant"),
    "wsd over the line": ("wsd", "linear"),
    "Schedule-Free over the line": ("schedule-free", "linear"),
    "Schedule-Free over constant": ("schedule-free", "constant"),
}
rows, adam_words = [], {}
for label, pair in PAIRS.items():
    row = [label]
    for optimizer in ("sgd", "adamw"):
        compared = budgets.comparison("digits", optimizer, *pair)
        ratios = compared.differences("pytorch", new=True)
        assert len(ratios) == 10
        adam_words[optimizer, pair] = compared.decide().word
        row += [relative_interval(ratios), adam_words[optimizer, pair]]
    rows.append(row)
figures.table(["digits, 10 seeds, PyTorch", "SGD", "", "AdamW", ""], rows)

# %% tags=["hide-input"]
words_of = {
    name: [adam_words[name, pair] for pair in PAIRS.values()]
    for name in ("sgd", "adamw")
}
by_budget = samples.stored(trials.EXPERIMENTS["digits"], new=True)
for epochs in equal_budget.BUDGETS:
    late, even = (
        np.mean([r["test_accuracy"] for r in by_budget[name]["pytorch"]])
        for name in (f"sgd-{epochs}epochs-wsd", f"sgd-{epochs}epochs-linear")
    )
    assert late < even, (epochs, late, even)
print("SGD:", ", ".join(words_of["sgd"]))
print("AdamW:", ", ".join(words_of["adamw"]))
assert words_of["sgd"] == ["holds", "undecided", "reversed", "undecided", "holds"]
assert words_of["adamw"] == ["undecided", "holds", "undecided", "holds", "holds"]

# %% [markdown]
# So on the digits Schedule-Free does better than a constant rate under both optimizers, and under AdamW better than the line
# too. Under SGD *wsd* is behind the line at all three budgets, of 38, 114 and 342 updates. A fall over a fifth of so few is
# short, and [After the budget is known](after_the_budget.ipynb), *Break it*, shows what a short one costs. One task of small images
# says no more than that.
#
# ## Your own comparison
#
# The numbers above may not be yours. To compare schedules on your task:
#
# 1. Fix the number of updates, the same for all.
# 2. Give each schedule the same number of candidate peaks, and choose on validation data.
# 3. Then take new seeds, three at least, the same for every schedule, with the chosen peaks.
# 4. Add the control that is easy to forget: the same fall without the special part.
# 5. Say beforehand which difference would matter to you. Compare seed by seed, with an interval. If it holds both zero
#    and that difference, say *undecided*: it does not show that there is none.
#
# `lrlib.course.experiments.equal_budget` is such a comparison, and the assignment *A fair comparison* in
# [Assignments](../assignments/students.md) grades one.

# %%
show_source(equal_budget.trial)

# %% [markdown]
# ## What nobody measured here
#
# Language models and other large networks. Runs of many hours. Schedules under weight decay that is tuned with them. Other
# batch sizes, and the rates that go with them. For all of these the table above is a reason to make a comparison, not
# its result. [Practice at scale](../practice.md) lists what the literature says of them, read and not run here.
#
# ## What to take away
#
# 1. Tune the peak with the schedule; then the shape matters little, as long as it ends at zero.
# 2. If the end is not known, use what does not need to know it.
# 3. Count updates, check the rate in force, and compare over seeds.
#
# **Terms:** peak, budget, warm-up, control. **Read on:** {cite}`li2020`, {cite}`defazio2024`.
#
# ## Check yourself
#
# 1. Two schedules are compared at one common peak of 0.1. The comparison says **which shape is better / which of the two
#    that peak suits / which is better at every peak**.
# 2. Four batches are accumulated for each update, and the schedule counts batches. A line to zero is over after **a quarter
#    of the updates / all of the updates / four times the updates**.
# 3. A run may be stopped at any moment. The one that needs no plan for its end is **a line to zero / one-cycle /
#    Schedule-Free**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **which of the two that peak suits**: another peak had another winner.
# 2. **a quarter of the updates**: and the rest is trained at rate 0.
# 3. **Schedule-Free**: or a constant rate, with a fall at the end.
#
# </details>
