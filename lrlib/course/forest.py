"""The verdicts as pictures: every comparison with its interval, and for the front page how many claims have which word.

``forest`` and ``small`` take what :func:`lrlib.course.claims.judged` gives.
"""

import dataclasses
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from lrlib.course.experiment import Claim, Outcome, Rule, Verdict
from lrlib.course.figures import plt
from lrlib.course.rules import CANNOT, CANNOT_TELL, FALSE, FRAMEWORKS, HAD, NOT_HAD, TRUE, Higher, Most
from lrlib.course.sources import SOURCES
from lrlib.course.words import HOLDS, NEGLIGIBLE, NO_GAIN, REVERSED, UNDECIDED

Judged = Sequence[tuple[Claim, Verdict]]

# What is said for a claim, against it, and neither, in the order of a legend. Words of one meaning share a colour. The
# six differ in lightness too, so that all common kinds of sight tell them apart, and are dark enough to be read as text
# on white. book/_static/verdicts.css repeats them: a test compares.
WORD_COLOURS = {
    HOLDS: "#056AB3",
    HAD: "#056AB3",
    TRUE: "#056AB3",
    NEGLIGIBLE: "#3D12A0",
    NO_GAIN: "#946600",
    REVERSED: "#6B2206",
    NOT_HAD: "#6B2206",
    FALSE: "#6B2206",
    UNDECIDED: "#5F6166",
    CANNOT_TELL: "#5F6166",
    CANNOT: "#101113",
}
# Where words share a colour, what they are said of tells them apart: comparisons plain, figures striped, facts dotted.
HATCHES = {HAD: "////", NOT_HAD: "////", CANNOT_TELL: "////", TRUE: "....", FALSE: "...."}

# Marker, and how far above its row it stands, so that the pooled mean hides neither.
MARKS = {"pytorch": ("o", 0.32), "keras": ("s", -0.32)}
LONGEST = 62  # characters of a claim beside its marks
TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)


# ---- Every comparison ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Row:
    """A comparison as it is drawn: numbers in units of its smallest effect of interest; ``new``: new seeds gave them.

    ``frameworks`` has the mean of each framework that has one on this scale.
    """

    label: str
    word: str
    mean: float
    low: float
    high: float
    new: bool
    frameworks: dict[str, float]

    def numbers(self) -> list[float]:
        return [self.mean, self.low, self.high, *self.frameworks.values()]


def _row(text: str, rule: Rule, verdict: Verdict) -> Row | None:
    """None for a claim that no interval decides, or that has no runs yet."""
    outcome = verdict.outcome or verdict.first
    if outcome is None:
        return None
    new = verdict.outcome is not None
    label = textwrap.shorten(text, LONGEST, placeholder=" …") + (" (runs lost)" if outcome.lost else "")
    means = _frameworks(rule, outcome, new) if isinstance(rule, Higher) else {}
    mean, low, high = (number / outcome.smallest for number in (outcome.mean, outcome.low, outcome.high))
    scaled = {framework: value / outcome.smallest for framework, value in means.items()}
    return Row(label, verdict.word, mean, low, high, new, scaled)


def _frameworks(rule: Higher, outcome: Outcome, new: bool) -> dict[str, float]:
    """Each framework's mean over the seeds of the look, turned to the side of the claim.

    A framework that lost runs where the look has none, or the other way round, is on another scale and left out.
    """
    means = {}
    for framework in FRAMEWORKS:
        ours, theirs = rule.arms(framework, new, outcome.seeds)
        apart = ours.minus(theirs)
        if not apart.seeds or bool(apart.lost.any()) != outcome.lost:
            continue
        if outcome.lost:
            means[framework] = rule.look((framework,), apart.seeds, 0.95, new).mean
        else:
            means[framework] = float(apart.values.mean()) * (-1 if rule.lower else 1)
    return means


def _cases(rule: Most) -> Iterator[Row]:
    """A row for each case that has runs, with the word of that case."""
    words = rule.words()
    for case, comparison in rule.comparisons.items():
        if row := _row(case, comparison, comparison.judge()):
            yield dataclasses.replace(row, word=words[case])


def _lines(judged: Judged, cases: bool) -> Iterator[str | Row]:
    """From top to bottom: the name of each source that has comparisons, and these; or each claim above its cases."""
    if cases:
        parts = [(claim.text, list(_cases(claim.rule))) for claim, _ in judged if isinstance(claim.rule, Most)]
    else:
        every = [(claim.source, _row(claim.text, claim.rule, verdict)) for claim, verdict in judged]
        parts = [(source, [row for name, row in every if row and name == source]) for source in SOURCES]
    for head, rows in parts:
        if rows:
            yield head
            yield from rows


def forest(judged: Judged, cases: bool = False) -> Figure:
    """Every comparison on one scale: its effect in units of the smallest of interest, to the right as claimed.

    ``cases``: the claims about several cases instead, which have no interval of their own, case by case.

    Errors: ``ValueError`` where no claim is a comparison that has runs.
    """
    lines = list(_lines(judged, cases))
    rows = {y: line for y, line in enumerate(lines) if isinstance(line, Row)}
    if not rows:
        raise ValueError("none of these claims is a comparison that has runs: there is nothing to draw")
    figure, ax = plt.subplots(figsize=(9, 1.8 + 0.225 * len(lines)))
    _scale(ax, rows, len(lines))
    _names(ax, lines)
    for new in (True, False):
        _marks(ax, {y: row for y, row in rows.items() if row.new is new}, new)
    for y, row in rows.items():
        place = ax.get_yaxis_transform()
        ax.text(1.015, y, row.word, color=WORD_COLOURS[row.word], transform=place, va="center_baseline", size=9.5)
    figure.legend(handles=list(_key(rows)), loc="outside upper center", ncols=2, fontsize=9.5, columnspacing=1.2)
    return figure


def _scale(ax: Any, rows: dict[int, Row], height: int) -> None:
    """An axis that is linear within the smallest effect of interest, where it is decided, and logarithmic beyond."""
    numbers = np.array([number for row in rows.values() for number in row.numbers()])
    end = 1.25 * max(4.0, float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0)))
    ax.set_xscale("symlog", linthresh=1, linscale=0.7)
    ax.set_xlim(-end, end)
    ticks = sorted({sign * tick for tick in TICKS if tick < end for sign in (1, -1)})
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks])
    ax.tick_params(axis="x", top=True, labeltop=True, labelsize=9.5)
    ax.axvspan(-1, 1, color="#000000", alpha=0.07, linewidth=0)
    ax.axvline(0, color="#000000", linewidth=0.8, linestyle="-")
    ax.set_ylim(height - 0.4, -0.6)
    ax.set_xlabel("against the claim ←   effect ÷ smallest effect of interest   → as claimed", size=9.5)


def _names(ax: Any, lines: list[str | Row]) -> None:
    """The rows' names beside them, and each head in bold above its own, inside, where there is room for a sentence."""
    labels = [line.label if isinstance(line, Row) else "" for line in lines]
    ax.set_yticks(range(len(lines)), labels, size=9.5)
    ax.tick_params(axis="y", length=0)
    for y, line in enumerate(lines):
        if isinstance(line, str):
            ax.text(0.005, y, line, transform=ax.get_yaxis_transform(), va="center_baseline", size=9.5, weight="bold")


def _marks(ax: Any, rows: dict[int, Row], new: bool) -> None:
    """Intervals, then frameworks, then the pooled means on top; hollow and pale where the seeds are not new."""
    if not rows:
        return
    seeds, alpha = ("new seeds", 1.0) if new else ("first seeds", 0.6)
    colours = [WORD_COLOURS[row.word] for row in rows.values()]
    left, right = ax.get_xlim()  # an end that is not a number excludes nothing: it lies beyond the axis
    low = [row.low if math.isfinite(row.low) else left for row in rows.values()]
    high = [row.high if math.isfinite(row.high) else right for row in rows.values()]
    ax.hlines(list(rows), low, high, colors=colours, linewidth=1.8, alpha=alpha, label=f"interval, {seeds}", zorder=2)
    look: dict[str, Any] = {"facecolors": "#000000" if new else "#FFFFFF", "edgecolors": "#000000", "linewidths": 0.9}
    for framework, (mark, above) in MARKS.items():
        drawn = {y - above: row.frameworks[framework] for y, row in rows.items() if framework in row.frameworks}
        name = f"{FRAMEWORKS[framework]}, {seeds}"
        ax.scatter(list(drawn.values()), list(drawn), 12, marker=mark, alpha=alpha, label=name, zorder=3, **look)
    look |= {"facecolors": colours if new else "#FFFFFF", "edgecolors": colours, "linewidths": 1.3}
    means = [row.mean for row in rows.values()]
    ax.scatter(means, list(rows), 44, marker="D", label=f"pooled, {seeds}", zorder=4, **look)


def _key(rows: dict[int, Row]) -> Iterator[Any]:
    """The legend's entries."""
    for framework, (mark, _) in MARKS.items():
        yield Line2D([], [], color="#000000", marker=mark, linestyle="", markersize=4.5, label=FRAMEWORKS[framework])
    style: dict[str, Any] = {"color": WORD_COLOURS[UNDECIDED], "linestyle": "-", "marker": "D", "markersize": 6.5}
    yield Line2D([], [], **style, label="what decides, with its interval")
    if not all(row.new for row in rows.values()):
        yield Line2D([], [], **style, markerfacecolor="#FFFFFF", label="hollow: no new seed yet; decides nothing")
    yield Patch(color="#000000", alpha=0.07, linewidth=0, label="smaller than what is of interest")


# ---- Counts ----------------------------------------------------------------------------------------------------------


def small(judged: Judged) -> Figure:
    """For each source how many of its claims have which word; it names no claim, and so gives no answer away."""
    words = {source: [verdict.word for claim, verdict in judged if claim.source == source] for source in SOURCES}
    return bars({source: found for source, found in words.items() if found}, sums=True)


def bars(words: dict[str, list[str]], sums: bool = False) -> Figure:
    """For each name a bar of its words, in parts as long as they are many; ``sums``: the legend counts all bars'."""
    every = [word for found in words.values() for word in found]
    shown = [word for word in WORD_COLOURS if word in every]
    figure, ax = plt.subplots(figsize=(6.4, 1.3 + 0.4 * len(words) + 0.12 * len(shown)))
    for y, (name, found) in enumerate(words.items()):
        _bar(ax, y, name, found)
    ax.set_yticks(range(len(words)), list(words))
    ax.invert_yaxis()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.xaxis.set_visible(False)
    ax.spines[:].set_visible(False)
    key = [Patch(**_look(word), label=f"{word} ({every.count(word)})" if sums else word) for word in shown]
    figure.legend(handles=key, loc="outside lower center", ncols=2, handlelength=1.6, columnspacing=1.5)
    return figure


def _look(word: str) -> dict[str, Any]:
    return {"facecolor": WORD_COLOURS[word], "hatch": HATCHES.get(word), "edgecolor": "#FFFFFF", "linewidth": 1.5}


def _bar(ax: Any, y: int, name: str, words: list[str]) -> None:
    """One bar: a part for each of its words, as long as the word is often there, with that number."""
    left = 0
    for word in WORD_COLOURS:
        if count := words.count(word):
            ax.barh(y, count, 0.72, left, **_look(word), label=[f"{name}: {word}"])
            plain = {"facecolor": WORD_COLOURS[word], "edgecolor": "none", "boxstyle": "round,pad=0.2"}
            ax.text(
                left + count / 2, y, str(count), color="#FFFFFF", ha="center", va="center", weight="bold", bbox=plain
            )
            left += count


__all__ = ["HATCHES", "WORD_COLOURS", "bars", "forest", "small"]
