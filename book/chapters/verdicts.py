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
# **Goal.** See what is left of each claim that the course takes from its sources, and how sure that is.
#
# The sources are good tutorials and papers, read by many. [The figure](#fig-words) has what became of their claims
# when they were run again, over many seeds, in two frameworks, and compared with the control that was missing.

# %% tags=["hide-input"] mystnb={"image": {"alt": "For each source a bar of its claims, coloured by the word that each got, with their number; the legend below has the sums."}, "figure": {"caption": "How many claims of each source have which word.", "name": "fig-words"}}
from IPython.display import Markdown, display

from lrlib.course import claims, figures, forest, plan, rules

figures.use_style()
every = claims.judged()
_ = forest.small(every)

# %% [markdown]
# **You need** none of the chapters, though each row of the table links to the one that shows its runs. **Data and
# cost:** only stored results are read, which takes seconds; the measured time stands under the title.
#
# ## The question
#
# Which claims hold, and how often would a rule like ours be wrong? Nobody typed the words of this page. A file beside
# each experiment names the claim, the runs that decide it and the smallest effect of interest; the word follows from
# the stored runs each time the page is made.

# %% tags=["hide-cell"]
figures.table(["", "source"], claims.SOURCES.items())

# %% [markdown]
# ## Your prediction
#
# 1. The first seeds, three to twenty, gave words too. Of these, new seeds leave unchanged **nearly all / about half /
#    hardly any**.
# 2. A schedule without any effect is looked at after 5, 10, 20 and 40 seeds, with a 95 % interval each time, until
#    one is clear of zero. It is said to be *better* about **once / three times / ten times** in 40.

# %% [markdown]
# ## How a word is reached
#
# **Five words from one interval.** Let δ be the smallest effect of interest. It is named with each claim in the table
# below, for a tenth of a point is much on MNIST and nothing on cats and dogs. Effects above zero are what the claim
# says. [The figure](#fig-five) has an interval for each word.
#
# | word | the interval | in other words |
# |---|---|---|
# | *holds* | lies above 0 and reaches δ | better |
# | *reversed* | lies below 0 and reaches −δ | worse |
# | *negligible* | lies between −δ and δ | no difference that matters |
# | *no gain* | reaches from −δ to 0 or above, and not to δ | a gain that matters is excluded; whether there is a loss is open |
# | *undecided* | reaches from 0 or below to δ | more runs are needed |
#
# The function is short, and its properties are tested: exactly one word fits; the unit does not matter; a larger
# effect never gets a worse word.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five horizontal intervals on an axis of the effect, with a grey band from minus δ to δ. Holds: from inside the band on the right of zero to beyond δ. Reversed: its mirror image. Negligible: within the band. No gain: from beyond minus δ to inside the band, across zero. Undecided: from left of zero, inside the band, to beyond δ."}, "figure": {"caption": "An interval for each word. The grey band has the effects that do not matter.", "name": "fig-five"}}
from lrlib.course.figures import plt
from lrlib.course.words import LONG_LOOKS, LOOKS, UNDECIDED, word

examples = {
    "holds": (0.3, 1.7),
    "reversed": (-1.7, -0.3),
    "negligible": (-0.4, 0.7),
    "no gain": (-1.6, 0.5),
    "undecided": (-0.5, 1.6),
}
figure, ax = plt.subplots(figsize=(6.4, 2.4))
for y, (name, (low, high)) in enumerate(examples.items()):
    assert word(low, high, smallest=1) == name
    colour = forest.WORD_COLOURS[name]
    ax.plot([low, high], [y, y], "-|", color=colour, linewidth=3, markersize=10)
ax.axvspan(-1, 1, color="#000000", alpha=0.07, linewidth=0)
ax.axvline(0, color="#000000", linewidth=0.8, linestyle="-")
ax.set_yticks(range(len(examples)), examples)
ax.set_xticks([-1, 0, 1], ["−δ", "0", "δ"])
ax.set_xlabel("against the claim ←   effect   → as claimed")
ax.set_ylim(len(examples) - 0.4, -0.6)
ax.grid(False)

# %%
print(word(low=0.1, high=0.4, smallest=0.3))
print(word(low=-0.4, high=0.2, smallest=0.3))

# %% tags=["folded"]
from lrlib.course.figures import show_source
from lrlib.course.questions import answer

answer("check 3", "negligible", holds=word(0.05, 0.1, smallest=0.3) == "negligible")

# %% tags=["hide-output"]
show_source(word)

# %% [markdown]
# **Several cases, one word.** A claim about several tasks or optimizers *holds*, is *reversed* or is *negligible*, if
# more than half of its cases are. Otherwise it is *no gain* if in at least half of them a gain that matters is
# excluded, whatever is known of a loss, and else *undecided*.
#
# **To whichever side.** A claim that something *changes* holds on either side of zero. There an excluded gain leaves
# half of the question open, so *no gain* is no word for it, and looking goes on.
#
# **Seeds that nobody had seen.** First runs had been looked at when these rules were made, so they only plan. New
# seeds decide, in a few looks. Where there are several, each has an interval wider than 95 %, so that all of them
# together miss the true effect with a probability of at most 5 %; a claim is not looked at again once it has a word.

# %% tags=["folded"]
import dataclasses

from lrlib.course.stats import share_interval

planned_looks = {}  # the looks → the chapters whose claims are looked at so
for claim, _ in every:
    cases = isinstance(claim.rule, rules.Most)
    for part in claim.rule.comparisons.values() if cases else [claim.rule]:
        if looks := getattr(part, "looks", None):
            planned_looks.setdefault(tuple(looks.items()), {})[claim.chapter] = None
rows = [
    [
        ", ".join(f"[{chapter}]({chapter}.ipynb)" for chapter in chapters),
        *(f"{n}: {100 * (1 - error):.2f} %" for n, error in looks),
        *["–"] * (6 - len(looks)),
    ]
    for looks, chapters in planned_looks.items()
]
assert all(sum(dict(looks).values()) < 0.05 + 1e-9 for looks in planned_looks)
assert {tuple(LOOKS.items()), tuple(LONG_LOOKS.items())} < set(planned_looks)
assert rules.IMPROVEMENT == 0.1  # from one win in two to six in ten
# Of lost runs no number of wins would be negligible.
assert "negligible" not in {
    word(
        *(end - 0.5 for end in share_interval(wins, n, 1 - error)),
        rules.IMPROVEMENT,
    )
    for looks in planned_looks
    for n, error in looks
    for wins in range(n + 1)
}
print("the rule and the first studies' claims were fixed in commit", plan.FIXED_IN)
converging = {
    claim.text: claim.rule
    for claim, _ in every
    if "better convergence" in claim.text
}
of_triangular = converging["better convergence (triangular)"].control
for policy in (
    "triangular2",
    "exp_range",
):  # the text says that their words changed
    rule = converging[f"better convergence ({policy})"]
    found = [
        one.decide().word
        for one in (dataclasses.replace(rule, control=of_triangular), rule)
    ]
    print(f"{policy}, with triangular's control and its own:", *found)
    assert found[0] != found[1] == "holds"
figures.table(["claims of", *(f"look {i}" for i in range(1, 7))], rows)

# %% [markdown]
# **What was changed after new runs had been seen.** The rule was made stricter in six ways. It gives no word where the
# part of the test images is not known, and none to a spread of two settings. In a claim about a gap or a gain a lost
# run counts for neither side. It says that Keras agrees only where a difference that matters is excluded. A look waits
# for both frameworks. And what something *changes* is looked at until both sides are decided: two claims of [To zero,
# in what shape?](to_zero.ipynb) had stopped too early on one task each. A claim most of whose cases are negligible had
# been called *no gain*, and is now *negligible*: it changed one word. No look, level or smallest effect was moved. One control was replaced as well. *Triangular2* and *exp_range* of
# [Cycling](cycling.ipynb) had been compared with a constant at the mean rate of *triangular*; now each is compared with
# one at its own mean, committed before that control was run. It changed both words, to *holds*. Studies that came later
# fixed their claims in a commit of their own, before their first new seed was run.
#
# **The frameworks are one replication, not two.** PyTorch's runs and Keras's begin with the same weights and see the
# same batches. A look waits until both have its seeds, and judges their mean; later looks are PyTorch's. The note says
# whether Keras *agrees*, that is, whether what lies between them is surely smaller than δ.
#
# **Runs that learn nothing come first.** A run is lost if a loss is not finite, or if it ends hardly better than
# guessing. No mean is taken over lost runs and others: the table counts them and gives the mean difference of those
# that learned, which decides nothing. The word follows from how often the claimed side wins, a lost run being the worst
# and ties left out. There the smallest effect of interest is a tenth: six wins in ten pairs. So coarse a count needs
# many pairs, and at no look of ours could it be *negligible*.
#
# **The test images are a sample too.** On the digits and on cats and dogs each new seed draws its own split. On MNIST
# and CIFAR-10 it is stored which images were right, and their variance widens the interval (by a little too much,
# since the seeds' own noise is in it as well). Where that is not stored, no word is given on an accuracy. Of a loss it
# is not stored, so a word on one speaks of these images.
#
# **Confounded** stands in the column *as the source compares*. The word is used more narrowly here than elsewhere, where
# any comparison with two changes is confounded. Here the claim must hold as its source compares it, and not against a
# fair control, and that control must itself be better than the source's.
#
# **Published figures** are *not had again* if they lie outside of where 95 % of such figures would fall; a published
# mean is compared as a mean, taken to be of two runs, the fewest that have a spread. They are *had again* if they lie
# inside, with twenty runs or more and none lost, and no other figure of the same table would pass as well. Otherwise
# these runs *cannot tell*. Six figures of one run count together: one of our runs must give them all, and they are
# *not had again* only where surely fewer than one in twenty would. **Facts** that need no training are *true* or
# *false*.

# %% [markdown]
# ## The result
#
# [The figure](#fig-forest) has every comparison that has one interval; the table below has the others too, such as
# those over several tasks ([To zero, in what shape?](to_zero.ipynb) draws its own, task by task). A claim *holds* where its interval lies right of zero and reaches past the band, and is
# *reversed* where it does so on the left. An interval that stays inside the band says that the difference does not
# matter, whichever way it goes. One that includes zero, and effects past the band on the claimed side, says that more
# runs are needed.

# %% tags=["hide-input"] mystnb={"image": {"alt": "A forest plot of the comparisons by source: each with its mean and interval in units of the smallest effect of interest, and the word that follows. The table below has the same in text."}, "figure": {"caption": "Every comparison that has one interval, in units of the smallest effect of interest; what lies in the grey band does not matter. Diamond: what decides, with its interval; PyTorch's mean stands just above, Keras's just below. Runs lost: on the scale of how often the claimed side wins.", "name": "fig-forest"}}
_ = forest.forest(every)

# %% [markdown]
# The table has all claims, on a phone with the verdict first. *Smallest effect* is δ. *Effect* is what decides, turned
# so that above zero is the claim: the mean of the differences at the look that gave the word, and in brackets that
# look's interval. The columns of the frameworks have each one's mean difference as it was measured, not turned; where a
# claim had no look, with a plain 95 % interval in brackets. Cases without a new seed are named under *seeds*. For a published figure they have our mean ± standard deviation, and where 95 % of such
# figures would fall; for a rate the median, with the range in brackets. A claim about several cases, such as tasks,
# has an entry for each, with its name; the *note* has their words.

# %% tags=["hide-input", "full-width"]
claims.full_table()

# %% [markdown]
# ## Reading the result

# %% tags=["folded"]
compared = [
    (claim, verdict)
    for claim, verdict in every
    if isinstance(claim.rule, plan.COMPARED)
]
decided = sum(verdict.word != UNDECIDED for _, verdict in compared)
confounded = [claim.text for claim, verdict in every if verdict.confounded]
agreement = {
    said: sum(verdict.note.startswith(said) for _, verdict in every)
    for said in ("Keras agrees", "Keras differs", "open whether Keras agrees")
}
print(f"claims: {len(every)}; {claims.counts()}")
print("confounded:", "; ".join(confounded) or "none")
several = sum(isinstance(claim.rule, rules.Most) for claim, _ in compared)
without = [
    verdict
    for claim, verdict in compared
    if isinstance(claim.rule, rules.Higher) and not verdict.outcome
]
(no_look,) = without  # every other comparison had one; "and one gets no word"
assert "images were right is not stored" in no_look.note
looks = [verdict.outcome for _, verdict in every if verdict.outcome]
one_interval = sum(bool(verdict.outcome) for _, verdict in compared)
shares = len(looks) - one_interval
assert len(compared) == one_interval + several + len(without)
assert shares == 2 == sum(isinstance(claim.rule, rules.Share) for claim, _ in every)
print("claims by what Keras says:", agreement)
assert 0.5 < decided / len(compared) < 0.9 and agreement["Keras differs"] == 0
planned = plan.steps(every)
waiting = sum(
    bool(step.missing) and step.verdict.word == UNDECIDED
    for step in planned
    if isinstance(step.claim.rule, plan.COMPARED)
)
display(
    Markdown(
        f"Of {len(every)} claims, {len(compared)} are comparisons, and {decided} of these are decided. Of the {len(compared) - decided} still open, "
        f"{waiting} wait for runs that are listed below; for the others none is planned. {len(confounded)} claims are confounded: they hold in the source's own comparison only. Where both frameworks have three seeds or more, "
        f"Keras agrees in {agreement['Keras agrees']} cases and differs in {agreement['Keras differs']}; in {agreement['open whether Keras agrees']} it is open."
    ),
    Markdown(
        f"Not every comparison has one interval: {one_interval} do, {several} are put together from several cases, and one gets no word, since it is not stored which test images its runs had right. What follows is about those {one_interval}, and about two claims on shares of runs."
    ),
)

# %% [markdown]
# **Would the first seeds have been enough?** They gave a word too, with a plain 95 % interval, and here it is compared
# with the word by new seeds. The claims of [Momentum, noise and batch](momentum_and_noise.ipynb) are left out, since
# they were worded after its first seeds had been seen, and so would flatter them.

# %% tags=["folded"]
pairs = [
    (verdict.first.word, verdict.word)
    for claim, verdict in every
    if verdict.outcome and verdict.first and not claim.worded_after
]
unchanged = sum(first == now for first, now in pairs)
turned = {("holds", "reversed"), ("reversed", "holds")}
opposite = sum(pair in turned for pair in pairs)
settled = sum(first == UNDECIDED != now for first, now in pairs)
share = unchanged / len(pairs)
changed = [first for first, now in pairs if first != now]
assert 2 * changed.count(UNDECIDED) > len(changed) and not opposite
sure = [first == now for first, now in pairs if first != UNDECIDED]
assert 0.28 < 1 - sum(sure) / len(sure) < 0.38  # "one in three"
excluded = ("no gain", "negligible", "reversed")
assert sum(first in excluded and now == "holds" for first, now in pairs) == 2
numbers = {verdict.first.seeds for _, verdict in every if verdict.first}
assert (min(numbers), max(numbers)) == (3, 20), numbers
answer("prediction 1", "about half", holds=1 / 3 < share < 2 / 3)
display(
    Markdown(
        f"Of {len(pairs)} words by first seeds, new seeds left {unchanged} unchanged. {settled} had been undecided and are decided now, and that is most of what changed. "
        f"Of the {len(sure)} that first seeds had decided, {sum(sure)} kept their word and {len(sure) - sum(sure)} did not. None went from *holds* to *reversed* or back, but two that had excluded a gain that matters *hold* now. So of the words that first seeds give, about one in three does not last."
    )
)

# %% [markdown]
# **How much hangs on the noise?** In [the figure](#fig-noise) each mean is kept, and the interval about it scaled.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four stacked bars, for intervals a quarter, half, once and twice as wide as they are: how many claims get which of the five words. The part that is undecided is one claim in the first bar, two in the second, a few more in the third, and the longest in the last."}, "figure": {"caption": "The words at other widths of the interval.", "name": "fig-noise"}}
scaled = {}
for scale in (0.25, 0.5, 1.0, 2.0):
    ends = [
        (
            o.mean + scale * (o.low - o.mean),
            o.mean + scale * (o.high - o.mean),
            o.smallest,
        )
        for o in looks
    ]
    scaled[scale] = [word(*end) for end in ends]
_ = forest.bars({f"{scale:g} × width": found for scale, found in scaled.items()})

# %% tags=["folded"]
for scale, found in scaled.items():
    assert not {*zip(found, scaled[1.0], strict=True)} & turned, scale
open_at = {scale: found.count(UNDECIDED) for scale, found in scaled.items()}
# The figure's description says so.
assert open_at[0.25] == 1 and open_at[0.5] == 2 < open_at[1.0] < 10, open_at
assert open_at[2.0] == max(map(scaled[2.0].count, scaled[2.0])), open_at
display(
    Markdown(
        f"Of the {len(looks)} words {open_at[1.0]} are *undecided* now. With intervals half as wide {open_at[0.5]} would be, and with intervals twice as wide {open_at[2.0]}. "
        "At the same mean none turns into its opposite."
    )
)

# %% [markdown]
# **What looking again costs.** Simulated runs without any effect show how often each rule finds one, in [the
# figure](#fig-looks). Their noise is common here: a standard deviation of 2 δ.

# %% tags=["hide-input"] mystnb={"image": {"alt": "How many of 40 schedules without an effect are said to be better, over looks at 5, 10, 20 and 40 seeds. With 95 % at each look the number grows from one to three; with this page's levels it stays below one throughout. A thin line marks one in 40."}, "figure": {"caption": "Schedules without any effect that are said to be better by then, of 40.", "name": "fig-looks"}}
import numpy as np

from lrlib.course.stats import half_width, interval

random = np.random.default_rng(0)
CLAIMS = 4000
said = {
    "95 % at each look": np.zeros(len(LOOKS)),
    "this page's levels": np.zeros(len(LOOKS)),
}
for _ in range(CLAIMS):
    values = random.normal(0, 2, 40)
    naive = [np.sign(interval(values[:n])).sum() for n in LOOKS]
    words = [
        word(*interval(values[:n], 1 - error), 1.0) for n, error in LOOKS.items()
    ]
    better = [side > 0 for side in naive], [one == "holds" for one in words]
    ended = [side != 0 for side in naive], [one != UNDECIDED for one in words]
    for counts, sides, ends in zip(said.values(), better, ended, strict=True):
        last = (
            ends.index(True) if any(ends) else None
        )  # the look that decides is the last
        if last is not None and sides[last]:
            counts[last:] += 40 / CLAIMS
figure, ax = plt.subplots(figsize=(6.4, 2.6))
for (label, counts), marker in zip(said.items(), "os", strict=True):
    ax.plot(list(LOOKS), counts, marker=marker, label=label)
ax.axhline(1, color="#000000", linewidth=0.8, linestyle=":")
ax.set_xscale("log")
ax.set_xticks(list(LOOKS), [str(n) for n in LOOKS])
ax.minorticks_off()
ax.set_ylim(0)
ax.set(xlabel="seeds at the look", ylabel="said to be better, of 40")
_ = ax.legend()

# %% tags=["folded"]
noise = [  # the standard deviations that the intervals above come from, in units of δ
    (o.high - o.low) / 2 / half_width(1.0, o.seeds, o.level) / o.smallest
    for claim, verdict in every
    if isinstance(claim.rule, rules.Higher)
    and (o := verdict.outcome)
    and not o.lost
]
low, high = np.quantile(noise, [0.25, 0.75])
assert low < 2 < high, (low, high)
naive, ours = (counts[-1] for counts in said.values())
assert ours < 1, ours
answer("prediction 2", "three times", holds=2.5 <= naive < 3.5)
display(
    Markdown(
        f"With 95 % at each look, {naive:.1f} of 40 schedules without an effect are said to be better; one look alone would say so of one. "
        f"With the levels of this page it is {ours:.1f}. "
        f"Half of this page's comparisons have a standard deviation from {low:.1f} to {high:.1f} δ."
    )
)

# %% [markdown]
# **Your predictions:**
#
# 1. **about half**: most of the others had been undecided, and none went from *holds* to *reversed* or back.
# 2. **three times**: looks at 95 % each make about three times the error of one look. With the levels of this page it
#    stays below one in 40.

# %% [markdown]
# **How many of so many words are wrong?** The rule gives a wrong word with a probability of at most 5 %, so of many
# words a few may be wrong. The procedure of Benjamini and Hochberg says how many differences from zero survive if one
# in twenty of *those that are called different* may be false. The p values take all looks into account. The second
# words, of the comparison as the source makes it, are left out.

# %% tags=["folded"]
from scipy.stats import false_discovery_control

p_values = [
    p
    for claim, _ in every
    if isinstance(claim.rule, rules.Higher)
    and (p := claim.rule.p_value()) is not None
]
survive = int((false_discovery_control(p_values) <= 0.05).sum())
display(
    Markdown(
        f"Of {len(p_values)} comparisons with new seeds, {survive} differ from zero at 5 % false discoveries. Of {len(p_values)} words at most {0.05 * len(p_values):.0f} are to be expected wrong. "
        "The 5 % do not cover three things: how the smallest effects were chosen, how peaks were tuned, and that the first seeds had been seen when the rules were made."
    )
)

# %% [markdown]
# **What is left to run.** The plan knows what each undecided claim needs next, and its time on one core. `make
# experiments PLAN=1` prints it; `make experiments` runs it, and begins where the numbers so
# far foretell a word at the least cost.

# %% tags=["hide-cell"]
figures.table(
    ["experiment", "trials of new seeds", "hours", "comparisons decided"],
    [
        [
            s.experiment,
            s.trials,
            f"{s.hours:.2f}",
            f"{s.decided} of {s.comparisons}" if s.comparisons else "–",
        ]
        for s in plan.spent()
    ],
)

# %% tags=["folded"]
hours = sum(s.hours for s in plan.spent())
dearest = max(plan.spent(), key=lambda s: s.hours)
display(
    Markdown(
        f"The new seeds took {hours:.0f} hours of one core so far, {dearest.hours:.1f} of them in *{dearest.experiment}*."
    )
)

# %% tags=["hide-cell"]
print(plan.as_text(planned))

# %% [markdown]
# ## Break it: a word that does not follow
#
# Take a comparison that holds, and add ten points to each of its control's runs. The rule, asked again, must change
# its word.

# %% tags=["hide-input"]
claim, before = next(
    (claim, verdict)
    for claim, verdict in every
    if isinstance(claim.rule, rules.Higher)
    and isinstance(claim.rule.control, rules.Runs)
    and claim.rule.unit is rules.POINTS
    and not claim.rule.lower
    and not (verdict.outcome and verdict.outcome.lost)
    and verdict.word == "holds"
)

# %%
control = claim.rule.control
raised = dataclasses.replace(control, measure=lambda run: control.measure(run) + 10)
after = dataclasses.replace(claim.rule, control=raised).judge()

# %% tags=["folded"]
assert after.word == "reversed" and after.outcome.seeds < before.outcome.seeds
display(
    Markdown(
        f"The claim *{claim.text}* is *{before.word}*: PyTorch's mean difference is {before.shown['pytorch']} points. With a control ten points higher "
        f"it is {after.shown['pytorch']}, and the claim is *{after.word}*. (Not ten points less: so large a difference is decided at a look with {after.outcome.seeds} seeds, and not with {before.outcome.seeds}.)"
    )
)

# %% [markdown]
# ## Exercises
#
# All use stored results and take seconds. The assignment *A fair comparison* has you write such a rule yourself.
#
# 1. *(a) converges faster than a constant rate* is undecided after 40 seeds. How many seeds would halve its interval,
#    and which word would it have then, if its mean stayed?
# 2. Halve the smallest effect of each claim that is negligible. Which words do they get, and are these better
#    answers?
# 3. Judge a claim of your own: on the digits, one fall is better than triangular cycles, by 0.3 points or more. Build
#    it from `rules.Higher` and the settings *fall* and *triangular* of `lrlib.course.experiments.cycling`, and call
#    `judge()`.
#
# ## What to take away
#
# 1. *Not shown* is not *shown not to be*: undecided, negligible and reversed are different answers.
# 2. Say which effect would matter before you run; without it no number of seeds can say that two things are alike.
# 3. Looking again and again costs certainty, unless the levels are set for it.
#
# **Terms:** control, confounded, paired difference, interval. **Read on:** {cite}`li2020`.
#
# ## Check yourself
#
# 1. That a claim is *undecided* says that **it is false / the difference does not matter / more runs are needed**.
# 2. *Confounded* is said of a claim that holds in the source's comparison, and not **in the other framework / with
#    another seed / once what else differed is set alike**.
# 3. An interval lies wholly between −δ and δ, and above zero. The word is **holds / negligible / undecided**.
#
# <details>
# <summary>Answers</summary>
#
# 1. **more runs are needed**: the interval includes zero, and effects that would matter. A claim whose opposite is
#    shown is *reversed*, *no gain* excludes a gain that matters, and *negligible* a difference that matters, in either
#    direction.
# 2. **once what else differed is set alike**: the mean rate, say, or the momentum. Another framework or seed is a
#    replication, and does not change what is compared.
# 3. **negligible**: it is there, and too small to matter. To hold, the interval would have to reach δ; undecided it
#    would be if it included zero and reached δ.
#
# </details>
