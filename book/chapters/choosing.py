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
# **Goal.** Find what to use in your situation, with the number that speaks for it, and learn how thin the evidence
# is.
#
# [The figure](#fig-costs) has what four decisions cost on small tasks. The shape of a schedule is what papers argue
# about, and in the median it mattered least here, as long as the rate ends at zero.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Points of accuracy lost, on an axis that is logarithmic from 0.1 on: a dot for the median and a bar for the middle half. A peak three times too high: 8.6 points, from 0.7 to 41. A peak three times too low: 1.8, from 0.8 to 5.5. A constant rate instead of a line to zero: about 2, from 0.3 to 3. Another shape to zero: 0.5, from 0.1 to 1.2."}, "figure": {"caption": "Points of accuracy lost by four decisions, median and middle half of the cases: three tasks, three budgets, SGD. The first two are about six shapes that fall to zero, one seed each; the others have three seeds and each schedule its own peak.", "name": "fig-costs"}}
import numpy as np
from IPython.display import Markdown, display

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
from lrlib.course.experiments.budgets import results as renewed
from lrlib.course.experiments.budgets import trials
from lrlib.course.experiments.equal_budget import results as equal_budget_results
from lrlib.course.figures import plt, show_source
from lrlib.course.questions import answer
from lrlib.course.rules import FEWEST, FRAMEWORKS
from lrlib.course.samples import Runs
from lrlib.course.stats import (
    direction,
    interval,
    mean_interval,
    mean_sd,
    relative,
    side,
)

figures.use_style()
stored = equal_budget_results.load()
to_zero = equal_budget_results.TO_ZERO
LINE, CONSTANT = (stored.names.index(name) for name in ("linear", "constant"))
costs = {
    "another shape to zero": stored.another(to_zero),
    "a constant rate, not a line to zero": stored.means[:, LINE]
    - stored.means[:, CONSTANT],
    "a peak three times too low": stored.missed_peak(to_zero, -1),
    "a peak three times too high": stored.missed_peak(to_zero, 1),
}
quarters = {what: np.quantile(c, [0.25, 0.5, 0.75]) for what, c in costs.items()}
assert [list(found.round(1)) for found in quarters.values()] == [
    [0.1, 0.5, 1.2],
    [0.3, 1.9, 3.1],
    [0.8, 1.8, 5.5],
    [0.7, 8.6, 41.0],
], quarters  # as the figure's description has them
figure, ax = plt.subplots(figsize=(8, 2.5))
for row, (low, middle, high) in enumerate(quarters.values()):
    ax.plot((low, high), (row, row), "-", color=figures.COLOURS[0], linewidth=3)
    ax.plot(middle, row, "o", color=figures.COLOURS[0], markersize=8)
ax.set_yticks(range(len(quarters)), list(quarters))
ax.set(ylim=(-0.6, 3.6), xlim=(0, 60), xlabel="points of accuracy lost")
ax.set_xscale("symlog", linthresh=0.1)
ax.set_xticks(
    [0, 0.1, 0.3, 1, 3, 10, 40], ["0", "0.1", "0.3", "1", "3", "10", "40"]
)
ax.minorticks_off()
ax.grid(axis="x", alpha=0.3)
ax.set_title("Tune the peak first")
_ = figure

# %% [markdown]
# **You need** none of the chapters; each line leads to the runs behind it. **Data:** stored results, and MNIST for
# one small experiment. **Cost:** about half a minute on two cores; the measured time stands under the title.
#
# ## The short answer
#
# 1. **Tune the peak first.** A peak that is three times too high cost more, in the median, than the worst choice among
#    shapes that end at zero.
# 2. **You know the budget:** let the rate fall to zero over it, in a straight line, or by *warm-up, stable, decay* (on the
#    digits, under SGD, that made a quarter more errors).
# 3. **You do not know it:** take Schedule-Free (on our CIFAR-10 it ended five points behind the best, after three and
#    nine epochs), or a constant rate and a short fall once you know when to stop. If it is too late for a fall,
#    average the last weights.
# 4. **You have few updates:** if you can pay for more epochs, they come first. On MNIST and CIFAR-10 no shape made up
#    for them; on the digits the means say the same, but three seeds cannot show it.
#
# [The figure](#fig-three-schedules) draws the three schedules. The numbers come from small networks on small images. Read them
# as the direction of an effect, and run the comparison again on your own task: *Your own comparison*, further down, has
# the steps.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three rates over the share of the budget. A line falls from the peak to zero. Warm-up, stable, decay rises within a twentieth, stays at the peak until four fifths, and falls to zero. A trunk stays at the peak; at three fifths a fall to zero branches off that ends at three quarters."}, "figure": {"caption": "Two schedules for a known budget, and a constant rate with a fall once the end is known.", "name": "fig-three-schedules"}}
at = np.arange(101)
cooled = lrlib.Constant(1.0).take(60).then(lrlib.Linear(1.0, 0.0, steps=15))
figure, ax = plt.subplots(figsize=(6.4, 2.6))
ax.plot(at, lrlib.Linear(1.0, 0.0, steps=100)(at), label="line to zero")
late = lrlib.WarmupStableDecay(1.0, warmup=5, stable=75, decay=20)
ax.plot(at, late(at), label="warm-up, stable, decay")
ax.plot(at[:76], cooled(at[:76]), label="constant, then a fall")
ax.set(xlabel="updates, in % of the budget", ylabel="rate")
ax.set_yticks([0, 1], ["0", "peak"])
_ = ax.legend(loc=(0.08, 0.05))

# %% [markdown]
# ## The evidence
#
# [The figure](#fig-evidence) compares test errors: by how many percent the first schedule's error is lower (to the
# left) or higher than the second's, with a 95 % interval. A difference is *clear* if the interval excludes zero in
# every framework that has one, and most are not.


# %% tags=["hide-input"] mystnb={"image": {"alt": "A forest plot of 21 comparisons in three groups, PyTorch as dots, Keras as squares, with intervals. Clear, in blue: line to zero over constant, minus 21 percent; cosine over the line, plus 3; stopped at half, Schedule-Free over the line, minus 22, and constant over the line, plus 11; a line from 0.1 after a rise over one from 0.03 without, minus 24. The other 16 are grey. Of their intervals two lie clear of zero in PyTorch and not in Keras: cuts on a plateau over a constant rate, and cooldowns on MNIST. One does so in Keras and not in PyTorch: the line over a cycle under Adam. All others include it: wsd, REX and one-cycle over the line, warm-up, cooldowns on the digits and averages."}, "figure": {"caption": "Change of the test error, first schedule against second, with 95 % intervals (dots: PyTorch, squares: Keras). Blue: clear of zero in every framework that ran it.", "name": "fig-evidence"}}
def estimated(ratios):
    """Of logarithms of error ratios, one a seed: how many, their mean and its 95 % interval."""
    return {one: (len(r), r.mean(), *interval(r)) for one, r in ratios.items()}


def paired(experiment, name, control, new=False):
    """Two settings of an experiment, seed by seed: its first seeds, or its new ones."""
    ratios = {}
    for framework in FRAMEWORKS:
        ours, theirs = (
            np.log(100 - runs.sample(framework, new).values)
            for runs in (
                Runs(experiment.EXPERIMENT, one) for one in (name, control)
            )
        )
        count = min(len(ours), len(theirs))
        if count >= FEWEST:
            ratios[framework] = ours[:count] - theirs[:count]
    return estimated(ratios)


def by_new_seeds(compared):
    """A comparison that new seeds decide, seed by seed."""
    each = {name: compared.differences(name, new=True) for name in FRAMEWORKS}
    return estimated({name: r for name, r in each.items() if len(r) >= FEWEST})


# The comparisons of "After the budget is known", each on the digits and on MNIST.
from_trunk, of_tenth, of_fifth, of_peaks = (
    {
        {"mnist": "MNIST"}.get(task, task): one
        for task, one in claim.rule.comparisons.items()
    }
    for claim, _ in claims.judged("after_the_budget")
)


CELLS = len(renewed.COMPLETE) * len(renewed.OPTIMIZERS) * len(equal_budget.BUDGETS)
assert CELLS == 12  # as the text has it


def over_cells(name, control, mark=None):
    """Two schedules of the study at equal budget, over its twelve cells; ``mark``: stopped after so many eighths."""
    each = {
        one: renewed.pooled(name, control, framework=one, mark=mark)
        for one in FRAMEWORKS
    }
    return {one: (CELLS, *found) for one, found in each.items() if found}


def clear(found):
    """Whether every framework's interval lies on one side of zero, and which."""
    return side(*(tuple(ends) for _, _, *ends in found.values()))


BUDGETS, STOPPED = (
    "to_zero.ipynb#Asked-again,-with-seeds-that-nobody-had-seen",
    "to_zero.ipynb#Stopped-halfway",
)
AFTER = "after_the_budget.ipynb"
EVIDENCE = [
    (
        "budget known",
        "line to zero over constant",
        over_cells("linear", "constant"),
        BUDGETS,
    ),
    ("budget known", "wsd over the line", over_cells("wsd", "linear"), BUDGETS),
    ("budget known", "REX over the line", over_cells("rex", "linear"), BUDGETS),
    ("budget known", "wsd over REX", over_cells("wsd", "rex"), BUDGETS),
    (
        "budget known",
        "cosine over the line",
        over_cells("cosine", "linear"),
        BUDGETS,
    ),
    (
        "budget known",
        "one-cycle over the line",
        over_cells("one-cycle", "linear"),
        BUDGETS,
    ),
    (
        "budget known",
        "restarts over one cosine",
        over_cells("sgdr", "cosine"),
        BUDGETS,
    ),
    (
        "budget known",
        "line to zero over a cycle (Adam, ResNet-18, 8 epochs)",
        paired(cycling_on_mnist, "linear", "cyclical", new=True),
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
        over_cells("schedule-free", "linear", mark=4),
        STOPPED,
    ),
    (
        "budget unknown",
        "constant over the line, stopped at half",
        over_cells("constant", "linear", mark=4),
        STOPPED,
    ),
    (
        "budget unknown",
        "Schedule-Free over the line, at the end",
        over_cells("schedule-free", "linear"),
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
        over_cells("warmup-cosine", "cosine"),
        BUDGETS,
    ),
    (
        "warm-up",
        "line from 0.1 after a rise over line from 0.03 without (LeNet, MNIST)",
        paired(one_cycle, "warmup-linear", "linear-0.03"),
        "one_cycle.ipynb#The-result",
    ),
]


figure, ax = plt.subplots(figsize=(8, 0.36 * len(EVIDENCE) + 1.2))
for row, (*_, found, _) in enumerate(EVIDENCE):
    colour = figures.COLOURS[0] if clear(found) else "0.5"
    for framework, mark, above in (("pytorch", "o", 0.14), ("keras", "s", -0.14)):
        if framework in found:
            height = row - (above if len(found) == 2 else 0)
            mean, *ends = 100 * np.expm1(found[framework][1:])
            ax.plot(ends, (height, height), "-", color=colour, linewidth=1.6)
            ax.plot(mean, height, mark, color=colour, markersize=5)
ax.axvline(0, color="black", linewidth=1, linestyle="-")
ax.set_yticks(
    range(len(EVIDENCE)),
    [
        label.replace(" (", "\n(") if len(label) > 44 else label
        for _, label, *_ in EVIDENCE
    ],
    fontsize=9.5,
)
situations = [situation for situation, *_ in EVIDENCE]
for situation in dict.fromkeys(situations):
    first = situations.index(situation)
    ax.axhline(first - 0.5, color="0.8", linewidth=0.8, linestyle="-")
    ax.text(
        0.99,
        first,
        situation,
        transform=ax.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=10,
        weight="bold",
    )
ax.set_title("Between good schedules, few differences are clear")
ax.set(
    ylim=(len(EVIDENCE) - 0.5, -0.5),
    xlim=(-52, 75),
    xlabel="test error, change in %",
)
ax.grid(False)
_ = figure


# %% [markdown]
# Folded here are the same rows in numbers, with a link to the runs of each.


# %% tags=["hide-cell", "full-width"]
rows = []
for situation, comparison, found, link in EVIDENCE:
    counts = claims.by_framework({name: one[0] for name, one in found.items()})
    unit = "cells" if link in (BUDGETS, STOPPED) else "seeds"
    rows.append(
        [
            situation,
            comparison,
            *(
                relative(*found[one][1:]) if one in found else "–"
                for one in FRAMEWORKS
            ),
            f"{unit}: {counts}",
            "clear" if clear(found) else "no clear difference",
            f"[{link.partition('.')[0]}]({link})",
        ]
    )
figures.table(
    ["situation", "comparison", *FRAMEWORKS.values(), "from", "", "shown in"], rows
)


def apart_in(found):
    """The frameworks whose interval leaves out zero."""
    return {one for one, (*_, low, high) in found.items() if low > 0 or high < 0}


# What the figure's description says: how many are clear, and which leave out zero in one framework only.
assert sum(bool(clear(found)) for *_, found, _ in EVIDENCE) == 5
assert len(EVIDENCE) == 21
one_only = {
    label.partition(" (")[0]: apart_in(found)
    for _, label, found, _ in EVIDENCE
    if not clear(found) and apart_in(found)
}
assert one_only.pop("line to zero over a cycle") == {"keras"}
assert set(map(frozenset, one_only.values())) == {frozenset({"pytorch"})}
assert {label.split()[0] for label in one_only} == {"cuts", "cooldowns"}

# %% [markdown]
# A row of cells is from the study at equal budget: digits and MNIST, three budgets, SGD with momentum and AdamW, the
# first ten new seeds in each of the twelve cells, every schedule with a peak of its own. Its interval is that of random
# effects over the cells; a cell's error counts the choice of MNIST's test images, except in runs that were stopped at
# half. A row of seeds has one ratio a seed. They are first seeds, except those of a cycle on MNIST and those
# from [After the budget is known](after_the_budget.ipynb), which are new. The intervals of rows of seeds on MNIST do not
# count the choice of the test images, and are of one look; the words further down, and in [Claims and
# verdicts](verdicts.ipynb), count both.
#
# ## Tune the peak first


# %% tags=["folded"]
def told(what):
    low, middle, high = quarters[what]
    return f"{middle:.1f} points (half of the cases {low:.1f} to {high:.1f})"


high, other = (
    quarters["a peak three times too high"],
    quarters["another shape to zero"],
)
assert high[1] > 15 * other[1] and high[1] > costs["another shape to zero"].max()
assert quarters["a constant rate, not a line to zero"][1] > 3 * other[1]
display(
    Markdown(
        f"A peak three times too low lost {told('a peak three times too low')}, one three times too high {told('a peak three times too high')}: "
        f"a quarter of the cases lost more. Another shape to zero lost {told('another shape to zero')} to the best of six, each with its own peak, "
        f"and {costs['another shape to zero'].max():.1f} at the worst. "
        f"A constant rate lost {told('a constant rate, not a line to zero')} to the line."
    )
)

# %% [markdown]
# - **Do:** try five peaks, a factor of three apart, with the schedule and the budget that you will use. Choose on
#   validation images. [Finding the range](finding_the_range.ipynb) gives a first guess; its answer depends on the rule
#   and on the images whose loss is watched.
# - **Do not** compare schedules at one common peak. [To zero, in what shape?](to_zero.ipynb) shows that another peak
#   can have another winner.
# - **How sure:** three tasks under SGD, and one seed at each peak.
#
# ## You know the budget
#
# - **Choose** the straight line to zero: `lrlib.Linear(peak, 0.0, updates)`. No shape is clearly better over the twelve
#   cells.
# - **Or** *warm-up, stable, decay*, if a run may have to be longer than planned: from any point of its constant part,
#   a short fall gives a finished model. On the digits, with 38 to 342 updates under SGD, it made a quarter more errors
#   than the line.
# - **Do not** leave the rate constant. And do not expect more of cycles or restarts: compared with a plain fall they
#   were behind or not clearly different.
# - **A warm-up** of a twentieth of the budget made no clear difference where the peak was tuned. It does allow a
#   higher peak: in [One-cycle and super-convergence](one_cycle.ipynb) the falls that began at 0.1 diverged with every
#   seed, and after a rise of one epoch four seeds of 45 did.
# - **How sure:** digits and MNIST under SGD and AdamW, at most nine epochs; see the rows *budget known* and *warm-up*
#   above. A first study with fewer seeds had CIFAR-10 as well.
#
# ## You do not know it
#
# - **Choose** Schedule-Free where you can use its optimizer, and mind its two modes: it must be told when it is
#   measured.
# - **Or** a constant rate, the *trunk*, with a fall over the last fifth, begun when you know the end. [After the
#   budget is known](after_the_budget.ipynb) let such falls leave one trunk at four budgets.
# - **If it is too late for a fall,** average the weights of the last tenth or fifth of the updates. Save them every
#   few updates.
# - **Mind the trunk's peak.** It stays high for longest, so choose it with runs that end in a cooldown, and of two
#   that do equally well take the lower.
# - **If a long fall is stopped early,** not all is lost: halfway the line was behind Schedule-Free, and already ahead
#   of a constant rate.
# - **How sure:** Schedule-Free was run from one package, its authors', in PyTorch only. Keras 3.15.1 has an optimizer
#   of that name, but under TensorFlow and PyTorch it is another algorithm: see [The bug museum](bug_museum.ipynb).
#   These rows are of digits and MNIST. On CIFAR-10, in the first study, it ended about five points behind the best
#   schedule at three and at nine epochs.
#   Trunks and averages were run on digits and MNIST, under SGD with momentum.

# %% tags=["folded"]
halfway, flat = (
    over_cells(name, "linear", mark=4) for name in ("schedule-free", "constant")
)
answer("check 3", "Schedule-Free", holds=clear(halfway) == "lower")
assert clear(flat) == "higher"
free_behind = stored.behind(stored.names)[:, stored.names.index("schedule-free")]
for epochs in (3, 9):
    place = equal_budget_results.SETTINGS.index(("cifar10", epochs))
    assert 4.5 < free_behind[place] < 5.5, free_behind[place]
# Cycles and restarts, and the six shapes, against a plain fall.
no_better = [
    over_cells("sgdr", "cosine"),
    paired(cycling_on_mnist, "cyclical", "linear", new=True),
    paired(cycling, "triangular", "fall"),
    paired(one_cycle, "one-cycle", "warmup-linear"),
]
assert all(clear(found) != "lower" for found in no_better)
sides = {one: clear(over_cells(one, "linear")) for one in to_zero[1:]}
assert {one: side for one, side in sides.items() if side} == {"cosine": "higher"}


def said(compared):
    """The words of a comparison on both tasks, each with the change of the error."""
    words = []
    for task, rule in compared.items():
        found = rule.decide()
        numbers = relative(-found.mean, -found.high, -found.low)
        words.append(f"{numbers} on {task}, *{found.word}*")
    return "; ".join(words)


whole_runs = study.load("one_cycle")
of_line = Runs(one_cycle.EXPERIMENT, "warmup-linear")
counted = {}
for framework in FRAMEWORKS:
    for name in ("linear", "cosine"):  # from 0.1, without a rise
        assert all(run["diverged"] for run in whole_runs[name][framework])
    risen = [
        *(run["diverged"] for run in whole_runs["warmup-cosine"][framework]),
        *of_line.sample(framework, new=True).lost,
    ]
    counted[framework] = sum(risen), len(risen)
    print(
        f"one-cycle's network in {framework}, after a rise of one epoch:",
        f"{sum(risen):.0f} of {len(risen)} seeds diverged",
    )
assert counted == {"pytorch": (4, 45), "keras": (1, 10)}, (
    counted
)  # the text says so
display(
    Markdown(
        f"In numbers: stopped at half, Schedule-Free's error against the line's is {relative(*halfway['pytorch'][1:])}, and that of a constant rate {relative(*flat['pytorch'][1:])} in PyTorch. Cooldowns from one trunk, against a line for "
        f"each budget: {said(from_trunk)}. The mean of a constant run's last tenth, against a fall over it: {said(of_tenth)}; of the last fifth: {said(of_fifth)}. "
        "The words, with intervals for several looks, are those of [verdicts](verdicts.ipynb)."
    )
)

# %% [markdown]
# ## You have few updates
#
# Small data, large batches or a short budget come to the same: few updates. [The figure](#fig-updates) shows what a
# tuned line, and Schedule-Free, give over a tuned constant rate, by the number of updates.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over the number of updates, 38 to 4,950, on a logarithmic axis. Left, the line to zero over constant: nine points with a wide range on digits at 38 updates, three and two points at 114 and 342; a few tenths on MNIST; on CIFAR-10 none at 450 updates, two and three points at 1,350 and 4,050. Right, Schedule-Free over constant: fifteen points on digits at 38 updates, four and two then; about one point and less on MNIST; nothing clear on CIFAR-10."}, "figure": {"caption": "What the line to zero and Schedule-Free give over a constant rate, each with its own peak: mean difference of three seeds and their range, by the number of updates.", "name": "fig-updates"}}
updates = [
    equal_budget.updates(*setting) for setting in equal_budget_results.SETTINGS
]
constant = stored.test[:, CONSTANT]
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

# %% tags=["folded"]
line = stored.test[:, LINE]
ratios = stored.error_ratio("linear", "constant")
for (task, _), count, points, ratio in zip(
    equal_budget_results.SETTINGS, updates, line - constant, ratios, strict=True
):
    print(
        f"{task:8} {count:5} updates: line over constant {points.mean():+.2f} points,",
        f"error {100 * np.expm1(ratio):+.0f} %",
    )
more, lead = {}, {}
for task in equal_budget.TASKS:
    one, three = (
        equal_budget_results.SETTINGS.index((task, epochs)) for epochs in (1, 3)
    )
    more[task] = line[three] - line[one]
    lead[task] = stored.means[one].max() - line[one].mean()
assert all(more[task].mean() > lead[task] for task in more), (more, lead)
surely = {task: interval(found)[0] > lead[task] for task, found in more.items()}
assert surely == {"digits": False, "mnist": True, "cifar10": True}, surely
in_points, in_shares = (line - constant).mean(1).reshape(3, 3), ratios.reshape(3, 3)
assert (np.diff(in_points[0]) < 0).all()  # digits
assert (np.diff(in_shares[0]) < 0).all() and (np.diff(in_points[2]) > 0).all()
free = stored.test[0, stored.names.index("schedule-free")]
assert np.median(np.ptp(stored.test[0], axis=-1)) > 5  # points between three seeds
spreads = stored.test[0].std(-1)
assert stored.names[spreads.argmin()] == "schedule-free"
display(
    Markdown(
        "Two epochs more gave the line "
        + ", ".join(
            f"{mean_interval(found)} points on {task}"
            for task, found in more.items()
        )
        + ". The best schedule of eleven, at one epoch, was ahead of it by "
        + ", ".join(f"{points:.2f} on {task}" for task, points in lead.items())
        + f". With 38 updates Schedule-Free reached {mean_sd(free)} % and the line {mean_sd(line[0])} %; of all schedules its seeds lay closest together."
    )
)

# %% [markdown]
# - **Choose** more epochs, if you can pay for them. On all three tasks the line after three epochs, at three times the
#   cost, was ahead on average of the best of all schedules after one. A smaller batch makes more updates too, but none was tried here;
#   [Momentum, noise and batch](momentum_and_noise.ipynb) says what it does to the rate.
# - **Then** the line, or Schedule-Free.
# - **Not shown:** that the schedule matters more when updates are few. In points it does on digits. On CIFAR-10 the
#   gain grows with the budget, and as a share of the error it grows on digits too.
# - **How sure:** at a few dozen updates three seeds differ by several points. Take more seeds than we did.
#
# ## You fine-tune
#
# The course has no chapter on fine-tuning, so here is a small experiment. A perceptron learns the digits 0 to 4 of
# MNIST. Its hidden layer is then kept, its last layer drawn anew, and it learns 5 to 9 from 200 images, with a batch
# of 20 for 20 epochs. Each schedule's peak is chosen from five on 1,000 other images, with a seed of its own, and then
# tried with five more seeds.

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


def accuracies(start, name, peak):
    """Test accuracies of five seeds."""
    models = [fine_tune(start, name, peak, seed) for seed in SEEDS]
    return np.array([in_torch.evaluate(model, *tested)[1] for model in models])


# %% tags=["pytorch", "nbval-ignore-output"]
SCHEDULES = ("constant", "linear", "warmup-cosine", "wsd")
tuned, peaks, curves = {}, {}, {}
for start in ("from scratch", "pre-trained"):
    for name in SCHEDULES:
        peaks[start, name], curves[start, name] = chosen_peak(start, name)
        tuned[start, name] = accuracies(start, name, peaks[start, name])
        words = f"{start:12} {name:14} peak {peaks[start, name]:<5g}"
        print(words, mean_sd(tuned[start, name]), "%")

# %% tags=["folded", "pytorch"]
line_gains = {
    start: tuned[start, "linear"] - tuned[start, "constant"]
    for start in ("from scratch", "pre-trained")
}
difference = tuned["pre-trained", "linear"] - tuned["from scratch", "linear"]
means = [found.mean() for found in tuned.values()]
assert min(means) > 85 and max(means) < 90, means
moved = [
    name
    for name in SCHEDULES
    if peaks["from scratch", name] != peaks["pre-trained", name]
]
assert len(moved) >= 2, peaks
for start, gain in line_gains.items():
    assert direction(gain) != "lower" and gain.mean() < 1.5, gain
    seen = curves[start, "linear"]
    assert max(seen) - seen[-1] > 2, seen
assert 0 < difference.mean() < 2, difference
assert direction(difference) == "not clearly different", difference
display(
    Markdown(
        "The eight means of five seeds lie from 85 to 90 %. From both starts the line is ahead of the constant rate by less than 1.5 points, or level, "
        "and the highest of the five peaks loses 2 points or more to the best. Pre-trained, two or more of the four schedules chose another peak. What "
        "pre-training gave the line is less than 2 points, with an interval that includes zero."
    )
)

# %% [markdown]
# - **Choose** the line to zero again, and tune its peak again. One far too high loses more than pre-training gave.
# - **How sure:** one small network, one pair of tasks, 200 images. That is thin, and nothing here speaks of large
#   pre-trained networks.
#
# ## You resume
#
# - **Do** save model, optimizer and scheduler together, and build the scheduler before you load. Then look at the
#   rate in force. [The bug museum](bug_museum.ipynb) shows what happens in the other order: a run at a tenth of its
#   rate, for good.
# - **Do** keep the schedule's length as it was planned. A new length is a new schedule:
#   [Changing plans in mid-run](changing_plans.ipynb) has the recipes.
#
# Here is a run of 400 updates that is stopped after 150 and continued from its checkpoint.

# %% tags=["pytorch"]
import io


def save(*parts):  # model, optimizer, scheduler
    file = io.BytesIO()
    torch.save([part.state_dict() for part in parts], file)
    file.seek(0)
    return file


def resume(file, *parts):  # the scheduler is built before
    for part, state in zip(parts, torch.load(file), strict=True):
        part.load_state_dict(state)


# %% tags=["keras"]
import keras

import lrlib.keras


def save_keras(model, path):
    model.save(path)  # its optimizer's count of updates goes with it


def resume_keras(path):
    return keras.models.load_model(path)


# %% tags=["folded", "pytorch"]
digits_x, digits_y, *_ = equal_budget.TASKS["digits"].images()
SMALL = equal_budget.PERCEPTRONS["digits"]
order = training.batch_order(len(digits_x), 32, 9, seed=0)[:400]
line_of_400 = lrlib.Linear(0.3, 0.0, len(order))


def torch_parts(seed):
    model = in_torch.perceptron(SMALL, networks.dense_weights(SMALL, seed))
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    return model, optimizer, lrlib.torch.Scheduler(optimizer, line_of_400)


def run_torch(parts, batches):
    model, optimizer, scheduler = parts
    in_torch.train(
        model, optimizer, digits_x, digits_y, batches, scheduler=scheduler
    )


straight, first = torch_parts(seed=0), torch_parts(seed=0)
run_torch(straight, order)
run_torch(first, order[:150])
second = torch_parts(seed=1)  # other weights, to be overwritten
resume(save(*first), *second)
rate = second[1].param_groups[0]["lr"]
run_torch(second, order[150:])
same = all(
    torch.equal(ours, theirs)
    for ours, theirs in zip(
        straight[0].parameters(), second[0].parameters(), strict=True
    )
)
assert same and rate == line_of_400(150)
display(
    Markdown(
        f"After loading, the rate in force is {rate:.4f}, as the schedule has it at update 150. The run ends with the weights of the one that was never stopped, bit for bit."
    )
)

# %% tags=["folded", "keras"]
import pathlib
import tempfile

from lrlib.course import keras as in_keras

in_keras.one_thread()


def keras_parts(seed):
    model = in_keras.perceptron(SMALL, networks.dense_weights(SMALL, seed))
    optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(line_of_400), momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, optimizer


def run_keras(parts, batches):
    in_keras.train(*parts, digits_x, digits_y, batches)


straight_keras, first_keras = keras_parts(seed=0), keras_parts(seed=0)
run_keras(straight_keras, order)
run_keras(first_keras, order[:150])
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "checkpoint.keras"
    save_keras(first_keras[0], path)
    model = resume_keras(path)
rate_keras = float(model.optimizer.learning_rate)
run_keras((model, model.optimizer), order[150:])
same = all(
    np.array_equal(ours, theirs)
    for ours, theirs in zip(
        straight_keras[0].get_weights(), model.get_weights(), strict=True
    )
)
assert same and abs(rate_keras - line_of_400(150)) < 1e-7
display(
    Markdown(
        f"After loading, the rate in force is {rate_keras:.4f}, as the schedule has it at update 150. The run ends with the weights of the one that was never stopped, bit for bit."
    )
)

# %% [markdown]
# ## You accumulate batches
#
# - **Count updates, not batches.** In PyTorch call `scheduler.step()` where `optimizer.step()` is called. In Keras
#   the schedule is asked with the count of batches; `lrlib.keras.Schedule(schedule, accumulate=k)` divides it.
# - **What it costs:** a line that was over at half of the run lost between 0.3 and 1.6 points on MNIST, in [To zero,
#   in what shape?](to_zero.ipynb), *Break it*.

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

# %% tags=["keras"]
from lrlib.course.museum import moves

short_line = lrlib.Linear(0.1, 0.0, steps=4)
accumulating = keras.optimizers.SGD(
    lrlib.keras.Schedule(short_line, accumulate=4), gradient_accumulation_steps=4
)
moved = moves(accumulating, batches=16)[3::4]  # under a gradient of 1, by the rate

# %% tags=["folded"]
assert in_force == [short_line(t) for t in range(4)]
assert np.allclose(moved, in_force, atol=1e-7)
over = next(batch for batch in range(17) if short_line(batch) == 0)
display(
    Markdown(
        f"In both frameworks the four updates from 16 batches have the rates {', '.join(f'{rate:.3f}' for rate in in_force)}. "
        f"Stepped with each batch, the line would be over after {over} of the 16 batches, a quarter of the updates."
    )
)
answer("check 2", "a quarter of the updates", holds=over == 16 / 4)

# %% [markdown]
# ## You use Adam, or Keras's own SGD
#
# **Adam** divides each weight's update by a record of its gradients. That does not replace a schedule: on ResNet-18
# both a cycle and one line to zero end ahead of a fixed rate *under Adam*, and the cycle brings no gain over the line
# ([Cycling on MNIST](cycling_on_mnist.ipynb)). The study at equal budget has AdamW beside SGD on the digits
# and on MNIST; on CIFAR-10 it is not run yet. Its third optimizer is Adam without weight decay, since Naganuma and
# colleagues report that weight decay changes which schedule is best {cite}`naganuma2026`.
# [The figure](#fig-adam) has the change of the error, a mean over three budgets. The words are by the study's rule,
# whose smallest effect is a twentieth of the error.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five comparisons on two tasks, under SGD as dots and AdamW as squares, each with its interval; filled where a side is decided. Digits: line to zero over constant minus 30 and minus 6 percent; wsd over constant minus 13, open, and minus 13; wsd over the line plus 25 and minus 11; Schedule-Free over the line minus 3, open, and minus 20; Schedule-Free over constant minus 32 and minus 27. MNIST, with intervals a third as wide: line over constant minus 19 and minus 28; wsd over constant minus 21 and minus 26; wsd over the line minus 3, open, and plus 3, no gain; Schedule-Free over the line minus 5 and, open, minus 4; Schedule-Free over constant minus 23 and minus 31."}, "figure": {"caption": "Change of the test error under SGD and under AdamW: mean of ten seeds or more, with the interval that gives the word; it is wider than 95 %, as the rule may look three times. Filled marks: one of the two is better. Hollow: undecided, or no gain.", "name": "fig-adam"}}
PAIRS = {
    "line to zero over constant": ("linear", "constant"),
    "wsd over constant": ("wsd", "constant"),
    "wsd over the line": ("wsd", "linear"),
    "Schedule-Free over the line": ("schedule-free", "linear"),
    "Schedule-Free over constant": ("schedule-free", "constant"),
}
OPTIMIZERS = {"sgd": "SGD", "adamw": "AdamW"}
RENEWED = {"digits": "digits", "mnist": "MNIST"}
words_of, changes = {}, {}
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.6), sharex=True, sharey=True)
for ax, task in zip(axes, RENEWED, strict=True):
    for k, (optimizer, label) in enumerate(OPTIMIZERS.items()):
        words_of[task, optimizer], changes[task, optimizer] = [], []
        for row, pair in enumerate(PAIRS.values()):
            compared = budgets.comparison(task, optimizer, *pair)
            found = compared.decide()
            assert 10 <= found.seeds <= 40
            words_of[task, optimizer].append(found.word)
            mean, *ends = 100 * np.expm1([-found.mean, -found.high, -found.low])
            changes[task, optimizer].append(mean.round())
            height, colour = row + (-0.17, 0.17)[k], figures.COLOURS[k]
            ax.plot(ends, (height, height), "-", color=colour, linewidth=1.8)
            inside = colour if found.word in ("holds", "reversed") else "white"
            name = label if row == 0 else None
            ax.plot(
                mean,
                height,
                "os"[k],
                color=colour,
                markerfacecolor=inside,
                label=name,
            )
    ax.axvline(0, color="black", linewidth=1, linestyle="-")
    ax.set(title=RENEWED[task], xlabel="test error, change in %")
    ax.grid(False)
axes[0].set_yticks(
    range(len(PAIRS)), [label.replace(" over", "\nover") for label in PAIRS]
)
axes[0].set_ylim(len(PAIRS) - 0.5, -0.5)
handles = [
    plt.Line2D([], [], marker="os"[k], color=figures.COLOURS[k], label=label)
    for k, label in enumerate(OPTIMIZERS.values())
]
_ = axes[1].legend(handles=handles, loc="lower right")

# %% tags=["folded"]
for (task, optimizer), found in words_of.items():
    pairs = zip(PAIRS, changes[task, optimizer], found, strict=True)
    said = "; ".join(f"{label} {mean:+.0f} % {word}" for label, mean, word in pairs)
    print(f"{RENEWED[task]}, {OPTIMIZERS[optimizer]}: {said}")
cycle = claims.by_text("cycling_on_mnist")[
    "at equal epochs, cyclical beats no cycle"
]
# Confounded: the cycle and the line are ahead of the fixed rate.
assert cycle.word == "no gain" and cycle.confounded
by_budget = samples.stored(trials.EXPERIMENTS["digits"], new=True)
for epochs in equal_budget.BUDGETS:
    late, even = (
        np.mean([r["test_accuracy"] for r in by_budget[name]["pytorch"][:10]])
        for name in (f"sgd-{epochs}epochs-wsd", f"sgd-{epochs}epochs-linear")
    )
    assert late < even, (epochs, late, even)
# Over a constant rate: the line, wsd and Schedule-Free, on two tasks under two optimizers.
over_constant = [found[row] for found in words_of.values() for row in (0, 1, 4)]
assert over_constant.count("holds") == 11
assert all(means[row] < 0 for means in changes.values() for row in (0, 1, 4))
assert words_of["digits", "sgd"][1] == "undecided"
on_mnist = [
    means[row]
    for (task, _), means in changes.items()
    for row in (0, 1, 4)
    if task == "mnist"
]
late_over_even = {key: found[2] for key, found in words_of.items()}
assert late_over_even == {
    ("digits", "sgd"): "reversed",
    ("digits", "adamw"): "holds",
    ("mnist", "sgd"): "undecided",
    ("mnist", "adamw"): "no gain",
}
assert (
    max(abs(means[2]) for (task, _), means in changes.items() if task == "mnist")
    <= 3
)
assert round(changes["digits", "sgd"][2]) == 25  # "a quarter more errors"
free_over_line = [found[3] for found in words_of.values()]
assert free_over_line == ["undecided", "holds", "holds", "undecided"]
assert all(means[3] < 0 for means in changes.values())
of_free = [means[3] for (task, _), means in changes.items() if task == "mnist"]
# What the line gains over a constant rate, under AdamW less under SGD: in logarithms, so that less is a larger gain.
more = {
    task: np.subtract(
        *(
            budgets.comparison(task, one, "linear", "constant").differences(
                "pytorch", new=True
            )[:10]
            for one in ("adamw", "sgd")
        )
    )
    for task in RENEWED
}
assert interval(more["digits"])[0] > 0 and interval(more["mnist"])[1] < 0
assert np.isclose(np.exp(budgets.SMALLEST), 1.05)
# What the line gains over a constant rate, and wsd over the line: with weight decay, in % of the error, and its word.
decayed = {
    (task, pair): budgets.decay_changes(task, *pair).decide()
    for task in RENEWED
    for pair in budgets.DECAY
}
decay_words = {key: one.word for key, one in decayed.items()}
for (task, (schedule, control)), word in decay_words.items():
    print(
        f"weight decay changes what {schedule} gains over {control}, {RENEWED[task]}: {word}"
    )
assert decay_words == {
    (task, pair): "holds" if task == "mnist" else "undecided"
    for task, pair in decayed
}
assert all(
    one.seeds == 40 for (task, _), one in decayed.items() if task == "digits"
)
of_fall, of_late = (
    100 * np.expm1(decayed["mnist", pair].mean) for pair in budgets.DECAY
)
assert of_fall > 0 > of_late
less_late = decayed["mnist", budgets.DECAY[1]]
assert -0.1 < 100 * np.expm1(less_late.high) < 0  # "ends close to zero"
display(
    Markdown(
        f"**A constant rate is behind, under AdamW as under SGD.** Of the twelve comparisons with a constant rate eleven hold, and one on the digits is undecided. On MNIST a line, *wsd* and Schedule-Free take between {-max(on_mnist):.0f} and {-min(on_mnist):.0f} % off the error. "
        "Among themselves they differ by a few percent there. *Wsd* and the line are within 3 % of each other in the mean: under SGD it is undecided which is ahead, and under AdamW *wsd* brings no gain that matters. "
        f"Schedule-Free makes {-max(of_free):.0f} to {-min(of_free):.0f} % fewer errors than the line, which holds under SGD and is undecided under AdamW. "
        f"The optimizer has no fixed say in how much is gained. Under AdamW the line gains less over a constant rate than under SGD on the digits ({-changes['digits', 'adamw'][0]:.0f} % instead of {-changes['digits', 'sgd'][0]:.0f}), and more on MNIST ({-changes['mnist', 'adamw'][0]:.0f} % instead of {-changes['mnist', 'sgd'][0]:.0f}). "
        "Schedule-Free is ahead of the line by the rule in two of four cases, and behind in none. On the digits *wsd* is behind the line under SGD, at all three budgets of 38, 114 and 342 updates, and ahead of it under AdamW: which of two good shapes leads can turn with the optimizer."
    )
)
display(
    Markdown(
        f"**Weight decay changes what a shape gains, on one task of two.** On MNIST the line gains more over a constant rate with it than without it, by {of_fall:.0f} % of the error; and *wsd*, which falls late, gains less over the line, by {-of_late:.0f} %. "
        "The second interval ends close to zero. On the digits both are still undecided after forty seeds, the last look."
    )
)

# %% [markdown]
# Why is *wsd* behind on the digits under SGD? Its fall over a fifth of so few updates is short, and [After the budget is
# known](after_the_budget.ipynb), *Break it*, shows what a short one costs. But under AdamW the same fall was ahead, so
# that cannot be the whole of it.
#
# **Keras's SGD** keeps the rate inside its momentum, so that a cut fades in over many updates.
# [Step decay and reduce-on-plateau on MNIST](step_and_plateau.ipynb) measures it; `lrlib.keras.SGD` has PyTorch's
# rule.
#
# ## Your own comparison
#
# The numbers above may not be yours. These are the steps of a comparison on your own task:
#
# 1. Fix the number of updates, the same for all.
# 2. Give each schedule the same number of candidate peaks, and choose on validation data.
# 3. Then take new seeds, three at least, the same for every schedule, with the chosen peaks.
# 4. Add the control that is easy to forget: the same fall without the special part.
# 5. Say beforehand which difference would matter to you. Compare seed by seed, with an interval. If it holds both
#    zero and that difference, say *undecided*: it does not show that there is none.
#
# `lrlib.course.experiments.equal_budget` is such a comparison, and the assignment *A fair comparison* in
# [Assignments](../assignments/students.md) grades one.

# %% tags=["hide-output"]
show_source(equal_budget.trial)

# %% [markdown]
# ## What nobody measured here
#
# We measured nothing on language models and other large networks, on runs of many hours, on schedules under a weight
# decay that is tuned with them, or on other batch sizes with the rates that go with them. For all of these the
# figures above are a reason to make a comparison, not its result. [Practice at scale](../practice.md) lists what the
# literature says of them, read and not run here.
#
# ## Exercises
#
# The first two use stored results, the third pen and paper. The assignment *A fair comparison* goes on from the second
# and third.
#
# 1. A friend trains the CIFAR-10 network for three epochs at a constant rate, with its own best peak. How many points
#    does the line to zero give, and how many *wsd*? Is the difference between these two clear with three seeds?
# 2. On MNIST at nine epochs, how large is the standard deviation of the paired differences
#    between *wsd* and the line? How many seeds would make the half-width of the 95 % interval a twentieth of a point?
# 3. You compare four schedules by the recipe above, with five peaks and three seeds, on MNIST at three epochs. How many
#    updates is that, and what share of them goes into choosing the peaks?
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
# 1. Two schedules are compared at one common peak of 0.1. The comparison says **which shape is better / which of the
#    two that peak suits / which is better at every peak**.
# 2. Four batches are accumulated for each update, and the schedule counts batches. A line to zero is over after **a
#    quarter of the updates / all of the updates / four times the updates**.
# 3. A run may be stopped at any moment. The one that needs no plan for its end is **a line to zero / one-cycle /
#    Schedule-Free**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **which of the two that peak suits**: another peak had another winner. So it says nothing of the shape with a
#    peak of its own, nor of other peaks.
# 2. **a quarter of the updates**: the schedule's clock runs four times too fast, and the rest is trained at rate 0.
#    It would last for all updates if it counted them; nothing makes it slower.
# 3. **Schedule-Free**: its average can be taken at any time, as can that of a constant rate's weights. A line and
#    one-cycle must know when to reach zero.
#
# </details>
