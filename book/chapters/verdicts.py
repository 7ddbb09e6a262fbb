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
# # Claims and verdicts
#
# **Goal.** See in one table what is left of each claim that the course takes from its sources.
#
# **You need** none of the chapters, though each row links to the one that shows its runs. **Data:** stored results only.
# **Cost:** seconds; the measured time stands under the title.
#
# Nobody typed this table. A file lists the claims: the source, its words, the runs that decide it, and the rule. The
# verdict follows from the stored results each time this page is made, and a test fails when it no longer does.

# %% [markdown]
# ## The question
#
# The sources are good tutorials and papers, read by many. How many of their claims hold when they are run again, over several
# seeds, in two frameworks, beside the control that was missing?
#
# ## Your prediction
#
# 1. Of the claims below, the share that is reproduced is **under a third / a third to two thirds / over two thirds**.
# 2. Beside comparisons of two runs, published figures are reproduced **more often / as often / less often**.

# %% [markdown]
# ## How a verdict is reached
#
# - *Reproduced*: it holds in both frameworks.
# - *Not reproduced*: it does not, in at least one. With few seeds that means: no effect in
#   the claimed direction that is large enough to see.
# - *Confounded*: it holds in the comparison that the source makes or suggests, and not once what else differed is set
#   alike.
# - *Cannot be tested here*: no run of the course could decide it.
#
# A published figure is reproduced if it lies where 95 % of single runs like ours fall (of a mean of ten, if the
# source gives a mean of ten). A claim that one run beats another holds if the 95 % interval of the differences, paired
# by seed, is clear of zero. A claim about several tasks and budgets holds if the interval of the ratio of the errors is. A
# framework with fewer than three seeds is shown and does not decide.
#
# The comparison in code is short:

# %%
from lrlib.course import claims, figures, rules, stats
from lrlib.course.figures import show_source

show_source(rules.Higher)

# %%
every = claims.judged()
sources = list(dict.fromkeys(claim.source for claim, _ in every))
print(f"claims: {len(every)}")
figures.table(["", "source"], claims.SOURCES.items())

# %% [markdown]
# ## The result

# %% tags=["hide-input", "full-width"]
claims.full_table()

# %% [markdown]
# Beside a published figure stand our mean ± standard deviation and, in brackets, where 95 % of such figures would
# fall. Beside a comparison stand the mean difference and its 95 % interval; beside one over tasks and budgets the
# change of the error.
#
# ## Reading the result

# %%
from lrlib.course.questions import answer

print("in all:", claims.counts())
for source in sources:
    words = [verdict.word for claim, verdict in every if claim.source == source]
    listed = ", ".join(f"{words.count(w)} {w}" for w in dict.fromkeys(words))
    print(f"{source}: {listed}")
reproduced = sum(verdict.word == rules.REPRODUCED for _, verdict in every)
share = reproduced / len(every)
print(f"reproduced: {reproduced} of {len(every)}")
answer("prediction 1", "a third to two thirds", holds=1 / 3 <= share <= 2 / 3)

# %% [markdown]
# Single figures fare well: most published accuracies lie where runs of ours fall. Comparisons fare worse. Is that because
# the figures are right and the reasons wrong, or because one figure with a wide interval is easy to meet? Count them
# apart.

# %%
held = {}
for kind, label in (
    (rules.PublishedValue, "published figures"),
    (rules.Higher, "comparisons of two runs"),
    (rules.LowerError, "comparisons over tasks and budgets"),
    (rules.Fact, "facts without training"),
    (rules.Untestable, "beyond our runs"),
):
    words = [
        verdict.word for claim, verdict in every if isinstance(claim.rule, kind)
    ]
    held[label] = words.count(rules.REPRODUCED) / len(words)
    print(f"{label}: {words.count(rules.REPRODUCED)} of {len(words)} reproduced")
nearly_all = held["published figures"] > 0.9
answer(
    "prediction 2",
    "more often",
    holds=nearly_all and held["comparisons of two runs"] < 0.25,
)
answer("check 3", "the figure can be had again", holds=nearly_all)

# %% [markdown]
# **Your predictions:**
#
# 1. **a third to two thirds**: the lines above count them, source by source.
# 2. **more often**: nearly all of the figures, and less than a quarter of the comparisons.

# %% [markdown]
# What size of effect could we have missed? Half the width of the interval tells: an effect smaller than that is likely to
# be *not told apart*.

# %% tags=["hide-input"]
rows = []
for source in sources:
    for framework, label in rules.FRAMEWORKS.items():
        halves = []
        for claim, _ in every:
            rule = claim.rule
            if claim.source != source or not isinstance(rule, rules.Higher):
                continue
            if rule.unit == "points":
                differences = rule.differences(framework)
                if len(differences) >= rules.FEWEST:
                    low, high = stats.interval(differences)
                    halves.append((high - low) / 2)
        if halves:
            rows.append(
                [
                    source,
                    label,
                    len(halves),
                    f"{sorted(halves)[len(halves) // 2]:.2f}",
                    f"{max(halves):.2f}",
                ]
            )
figures.table(
    ["source", "framework", "comparisons", "median half-width, points", "widest"],
    rows,
)

# %% [markdown]
# ## Break it: a verdict that does not follow
#
# Take a comparison, and add ten points to each of its control's runs. The rule, asked again, must change its word.

# %%
import dataclasses

claim, before = next(
    (claim, verdict)
    for claim, verdict in every
    if isinstance(claim.rule, rules.Higher)
    and isinstance(claim.rule.control, rules.Runs)
    and not claim.rule.lower
    and verdict.word == rules.REPRODUCED
)
control = claim.rule.control
raised = dataclasses.replace(control, measure=lambda run: control.measure(run) + 10)
after = dataclasses.replace(claim.rule, control=raised).judge()
print("claim:", claim.text)
print("verdict:", before.word, "|", *before.shown.values())
print("with a control ten points higher:", after.word, "|", *after.shown.values())
assert after.word == rules.NOT_REPRODUCED

# %% [markdown]
# ## Exercises
#
# 1. Pick a row that is not reproduced. How many seeds would you need to see an effect of half the interval's width?
# 2. Pick a row that is confounded. Name another thing that differed, and the run that would decide it.
# 3. Add a claim of your own to `lrlib/course/claims.py`, with a rule, and make this page again.
#
# ## What to take away
#
# 1. A published figure can be right while the reason given for it is not.
# 2. Some claims hold in the comparison that their source makes or suggests, and not beside a fair control.
# 3. *Not reproduced* is a statement about our runs, with an interval. It is not *false*.
#
# **Terms:** control, confounded, paired difference, interval. **Read on:** {cite}`li2020`.
#
# ## Check yourself
#
# 1. That a claim is *not reproduced* says that **it is false / these runs show no such effect / it cannot be tested**.
# 2. *Confounded* is said of a claim that holds in the source's comparison, and not **in the other framework / with another
#    seed / once what else differed is set alike**.
# 3. A published accuracy lies where our runs fall. Shown is that **the figure can be had again / the reason given for it is
#    right / the schedule helps**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **these runs show no such effect**: one smaller than half the width of the interval would easily be missed.
# 2. **once what else differed is set alike**: the mean rate, say, or the momentum.
# 3. **the figure can be had again**: nearly all figures are reproduced here, and less than a quarter of the comparisons.
#
# </details>
