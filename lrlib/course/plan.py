"""What the claims that are undecided need next, and what it costs.

``python -m lrlib.course.study`` runs it, first the claim whose word is foreseen to cost least; with ``--plan`` this is
printed and nothing is run.
"""

import math
import statistics
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lrlib.course import experiments, store
from lrlib.course.experiment import Claim, Trial, Verdict
from lrlib.course.rules import Higher, Most
from lrlib.course.words import UNDECIDED

COMPARED = (Higher, Most)  # the rules whose words are those of a comparison
# The commit that fixed the rules, the looks and each claim's smallest effect of interest, before any new seed was run.
FIXED_IN = "4b22b0c"


class Step(NamedTuple):
    """A claim's next look: the trials that it lacks, and their time on one core.

    ``to_word``: the time up to the look that gives its word, if the runs so far foretell it; inf if no look will.
    """

    claim: Claim
    verdict: Verdict
    missing: list[Trial]
    seconds: float
    to_word: float
    accelerator: bool

    @property
    def seeds(self) -> int:
        """New seeds that the word rests on by now."""
        return self.verdict.outcome.seeds if self.verdict.outcome else 0


def missing_for(claim: Claim, folder: Path | None = None) -> list[Trial]:
    """The trials that a claim's next look lacks; none if it has its word, or was looked at for the last time."""
    return _not_stored(claim.rule.wanted(), folder)


def _not_stored(wanted: Iterable[Trial], folder: Path | None) -> list[Trial]:
    folder = store.results_folder() if folder is None else folder
    return [one for one in dict.fromkeys(wanted) if store.find(experiments.get(one.experiment), one, folder) is None]


def needs_accelerator(trials: Iterable[Trial]) -> bool:
    """Whether one of them is optional, since only another machine can run it in a day."""
    return any(trial.setting in experiments.get(trial.experiment).optional for trial in trials)


def steps(judged: Iterable[tuple[Claim, Verdict]], folder: Path | None = None, only: Iterable[str] = ()) -> list[Step]:
    """Every claim, those whose word is foreseen to cost least first, and those with nothing to run last.

    Of others, and of equals, the cheapest next look comes first. The order moves no look, and so no word.
    """
    only, found = set(only), []
    for claim, verdict in judged:
        missing = [trial for trial in missing_for(claim, folder) if not only or trial.experiment in only]
        to_word = _cost_to_word(claim, folder) if missing else math.inf
        found.append(Step(claim, verdict, missing, sum(map(cost, missing)), to_word, needs_accelerator(missing)))
    return sorted(found, key=lambda step: (not step.missing, step.accelerator, step.to_word, step.seconds))


def _cost_to_word(claim: Claim, folder: Path | None) -> float:
    if not isinstance(claim.rule, COMPARED):
        return math.inf
    return sum(map(cost, _not_stored(claim.rule.until_decided(), folder))) or math.inf


class Spent(NamedTuple):
    """What an experiment's new seeds took, in hours of one core, and how many comparisons of its claims have a word.

    A claim about several experiments is one of the first's.
    """

    experiment: str
    trials: int
    hours: float
    decided: int
    comparisons: int


def spent() -> list[Spent]:
    """By experiment, in the order of the list of experiments; those without a comparison or a new seed are left out."""
    found = []
    for name in experiments.NAMES:
        experiment = experiments.get(name)
        results = [r for by in store.load_new(experiment).values() for every in by.values() for r in every]
        words = [claim.rule.judge().word for claim in experiment.claims() if isinstance(claim.rule, COMPARED)]
        if words or results:
            hours = sum(result["seconds"] for result in results) / 3600
            found.append(Spent(name, len(results), hours, len(words) - words.count(UNDECIDED), len(words)))
    return found


def cost(trial: Trial) -> float:
    """Seconds on one core, by the median of its setting's stored trials, else of its experiment's; inf without any."""
    every = _seconds(trial.experiment)
    own = every.get((trial.setting, trial.framework)) or [
        s for (_, name), one in every.items() for s in one if name == trial.framework
    ]
    return statistics.median(own) if own else math.inf


@cache
def _seconds(experiment: str) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for setting, results in store.everything(experiments.get(experiment)).items():
        for result in results:
            found.setdefault((setting, result["framework"]), []).append(result["seconds"])
    return found


def as_text(plan: Iterable[Step]) -> str:
    """A line for each claim: its word, new seeds so far, core-minutes to its next look and to its foreseen word."""
    lines = [f"{'word':22} {'n':>3} {'core-min':>8} {'to word':>8}  claim"]
    total = 0.0
    for step in plan:
        to_word = "–" if math.isinf(step.to_word) else f"{step.to_word / 60:.1f}"
        if step.accelerator:
            cost = "GPU"
        elif math.isinf(step.seconds):
            cost = "?"
        elif step.missing:
            cost, total = f"{step.seconds / 60:.1f}", total + step.seconds
        else:
            cost = "–"
        lines.append(
            f"{step.verdict.word:22} {step.seeds:3} {cost:>8} {to_word:>8}  {step.claim.chapter}: {step.claim.text}"
        )
    return "\n".join(
        [*lines, f"next looks in all: {total / 60:.0f} core-minutes, trials that claims share counted for each"]
    )
