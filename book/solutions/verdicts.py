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
# # Solutions: Claims and verdicts

# %%
from collections import Counter

from lrlib.course import claims
from lrlib.course.experiments import cycling
from lrlib.course.rules import Higher, Runs
from lrlib.course.stats import half_width
from lrlib.course.words import LONG_LOOKS, word

every = claims.judged()

# %% [markdown]
# ## Exercise 1
#
# About four times as many, since the width shrinks like one over the square root of their number. At the same mean
# the claim would hold. But the mean moves too as seeds are added: that is why it is undecided now.

# %%
text = "(a) converges faster than a constant rate"
(claim, verdict) = next(pair for pair in every if pair[0].text == text)
look = verdict.outcome
level = 1 - claim.rule.looks[look.seeds]
now = (look.high - look.low) / 2
spread = now / half_width(1.0, look.seeds, level)
seeds = next(n for n in range(2, 10_000) if half_width(spread, n, level) <= now / 2)
print(f"{look.seeds} seeds: {look.low:+.2f} to {look.high:+.2f}; half as wide with {seeds}")
low, high = look.mean - now / 2, look.mean + now / 2
assert word(low, high, look.smallest) == "holds"
print(f"then {low:+.2f} to {high:+.2f}, with δ {look.smallest:g}: {word(low, high, look.smallest)}")

# %% [markdown]
# ## Exercise 2
#
# Most become undecided: their runs were only enough for the δ that was set. A few hold, since a difference that was
# too small to matter now matters. Neither answer is better: δ is a question of what one would act on, so it must be
# fixed first.

# %%
looks = [v.outcome for _, v in every if v.outcome and v.word == "negligible"]
found = Counter(word(look.low, look.high, look.smallest / 2) for look in looks)
assert found["undecided"] > len(looks) / 2 and found["holds"]
print(len(looks), "are negligible; with half of δ:", dict(found))

# %% [markdown]
# ## Exercise 3
#
# A rule has two arms, δ, and the looks. Here the word is *negligible*: on the digits, a single fall and triangular
# cycles end alike to within 0.3 points. This says more than *undecided* would, which leaves open whether they do.

# %%
rule = Higher(
    Runs(cycling.EXPERIMENT, "fall"),
    Runs(cycling.EXPERIMENT, "triangular"),
    smallest=0.3,
    looks=LONG_LOOKS,
)
verdict = rule.judge()
assert verdict.word == "negligible"
print(verdict.word, "|", verdict.shown, "|", verdict.note)
