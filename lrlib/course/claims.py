"""All claims that the course takes from its sources, with their verdicts, and the tables that show them.

Each experiment lists the claims that its results decide. Nothing here is a result: words and numbers of a verdict come
from :mod:`lrlib.course.rules`, that is, from the stored runs.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lrlib.course import experiments, plan, store
from lrlib.course.experiment import Claim, Outcome, Rule, Verdict
from lrlib.course.rules import FRAMEWORKS, LOG_ERROR, Higher, Most, Share
from lrlib.course.sources import SOURCES
from lrlib.course.words import UNDECIDED


def all_claims() -> list[Claim]:
    """Every claim, in the order of the sources, and within a source in that of the experiments."""
    every = [claim for name in experiments.NAMES for claim in experiments.get(name).claims()]
    return sorted(every, key=_place)


def _place(claim: Claim) -> int:
    return list(SOURCES).index(claim.source)


def judgeable() -> tuple[list[tuple[Claim, Verdict]], dict[str, str]]:
    """As :func:`judged`, for a queue: what has lacking or damaged results is left out, and told by name, with why."""
    found: list[tuple[Claim, Verdict]] = []
    unread: dict[str, str] = {}
    for name in experiments.NAMES:
        with _noted(unread, name):  # some claims are about the setting that results chose
            for claim in experiments.get(name).claims():
                with _noted(unread, f"{name}: {claim.text}"):
                    found.append((claim, claim.rule.judge()))
    return sorted(found, key=lambda pair: _place(pair[0])), unread


@contextmanager
def _noted(unread: dict[str, str], what: str) -> Iterator[None]:
    try:
        yield
    except (store.MissingResultError, store.DamagedFileError) as reason:
        unread[what] = str(reason)


def judged(chapter: str | None = None) -> list[tuple[Claim, Verdict]]:
    """Each claim (that is shown in one chapter) with its verdict. Errors: ``ValueError`` for a chapter without any."""
    claims = all_claims()
    known = list(dict.fromkeys(claim.chapter for claim in claims))
    if chapter is not None and chapter not in known:
        raise ValueError(f"no claim is shown in chapter {chapter!r}, only in {', '.join(known)}")
    return [(claim, claim.rule.judge()) for claim in claims if chapter in (None, claim.chapter)]


def by_text(chapter: str) -> dict[str, Verdict]:
    """The verdicts of a chapter's claims, by what these say. Errors: as of :func:`judged`."""
    return {claim.text: verdict for claim, verdict in judged(chapter)}


HEAD = [
    "verdict",
    "claim",
    "our setting",
    "smallest effect",
    "effect",
    "as the source compares",
    *FRAMEWORKS.values(),
    "seeds",
    "note",
]


def row(claim: Claim, verdict: Verdict) -> list[str]:
    """A claim as a line under :data:`HEAD`."""
    effect = _effect(claim.rule, verdict.outcome)
    if isinstance(claim.rule, Most):
        looks = {case: (part, part.decide()) for case, part in claim.rule.comparisons.items()}
        effect = "; ".join(f"{case} {_effect(*look)}" for case, look in looks.items() if look[1])
    written = f"{verdict.written}: confounded" if verdict.confounded else verdict.written
    shown = [verdict.shown[framework] for framework in FRAMEWORKS]
    seeds = [by_framework(verdict.seeds)]
    if verdict.word == UNDECIDED and _waits(claim.rule):
        seeds.append("none is new")
    if isinstance(claim.rule, Most) and verdict.seeds and (empty := claim.rule.empty()):
        seeds.append(f"none of {', '.join(empty)}")
    note = "; ".join(filter(None, (verdict.note, _next_look(claim))))
    return [
        f"**{verdict.word}**",
        claim.text,
        claim.setting,
        smallest_effect(claim) or "–",
        effect or "–",
        written or "–",
        *shown,
        "; ".join(seeds),
        note or "–",
    ]


def smallest_effect(claim: Claim) -> str:
    """The smallest effect of interest with its unit, in words; "" of what is not a comparison."""
    rule = next(iter(claim.rule.comparisons.values())) if isinstance(claim.rule, Most) else claim.rule
    if isinstance(rule, Share):
        return f"{100 * rule.smallest:g} % of sweeps"
    if isinstance(rule, Higher) and rule.unit is LOG_ERROR:
        return f"{100 * math.expm1(rule.smallest):g} % of the error"
    if not isinstance(rule, Higher):
        return ""
    return f"{rule.smallest:g} {rule.unit.name.removesuffix('s') if rule.smallest == 1 else rule.unit.name}"


def _waits(rule: Rule) -> bool:
    """Whether a comparison has no new seed yet, nor has any of its cases."""
    if isinstance(rule, Most):
        return all(map(_waits, rule.comparisons.values()))
    return isinstance(rule, Higher | Share) and not rule.has_new()


def by_framework(counts: Mapping[str, int]) -> str:
    """A number for each framework, in words.

    >>> by_framework({"pytorch": 10, "keras": 5}), by_framework({"pytorch": 5, "keras": 5}), by_framework({})
    ('10 in PyTorch, 5 in Keras', '5 in each', '–')
    """
    if len(counts) > 1 and len(set(counts.values())) == 1:
        return f"{next(iter(counts.values()))} in each"
    return ", ".join(f"{count} in {FRAMEWORKS[framework]}" for framework, count in counts.items()) or "–"


def _effect(rule: Rule, outcome: Outcome | None) -> str:
    """What decides, in words: the interval of the look, above zero as claimed; of lost runs, how often it wins."""
    if outcome is None:
        return "–"
    if outcome.lost or isinstance(rule, Share):
        mean, low, high = (round(100 * (number + 0.5)) for number in (outcome.mean, outcome.low, outcome.high))
        return f"{f'wins {mean} % of pairs' if outcome.lost else f'{mean} % of runs'} ({low} to {high} %)"
    return outcome.in_words(getattr(rule, "digits", 2))


def _next_look(claim: Claim) -> str:
    """What looking again would cost, in words, where a claim is undecided and can be looked at."""
    missing = plan.missing_for(claim)
    if not missing:
        return ""
    if plan.needs_accelerator(missing):
        return "the next look needs an accelerator"
    minutes = sum(map(plan.cost, missing)) / 60
    if math.isinf(minutes):
        return "what the next look costs is not known: some of its settings were never run"
    return f"the next look costs {max(1, round(minutes))} core-minutes"


def table(chapter: str) -> Any:
    """The claims that are shown in a chapter, with their verdicts, as a notebook's output."""
    from lrlib.course import figures

    return figures.table(HEAD, [row(claim, verdict) for claim, verdict in judged(chapter)])


def full_table() -> Any:
    """All claims with their sources, their verdicts and links to their chapters, as a notebook's output."""
    from lrlib.course import figures

    rows = [
        [claim.source, *row(claim, verdict), f"[{claim.chapter}]({claim.chapter}.ipynb)"] for claim, verdict in judged()
    ]
    return figures.table(["source", *HEAD, "shown in"], rows)


def counts(chapter: str | None = None) -> str:
    """How many claims have which verdict, in words."""
    words = [verdict.word for _, verdict in judged(chapter)]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
