"""What the claims that are undecided need next, and what it costs.

``python -m lrlib.course.study`` runs it, the cheapest claim's next look first; with ``--plan`` this is printed and
nothing is run.
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
    """A claim's next look: the trials that it lacks, and their time on one core."""

    claim: Claim
    verdict: Verdict
    missing: list[Trial]
    seconds: float
    accelerator: bool

    @property
    def seeds(self) -> int:
        """New seeds that the word rests on by now."""
        return self.verdict.outcome.seeds if self.verdict.outcome else 0


def missing_for(claim: Claim, folder: Path | None = None) -> list[Trial]:
    """The trials that a claim's next look lacks; none if it has its word, or was looked at for the last time."""
    folder = store.results_folder() if folder is None else folder
    wanted = dict.fromkeys(claim.rule.wanted())
    return [one for one in wanted if store.find(experiments.get(one.experiment), one, folder) is None]


def needs_accelerator(trials: Iterable[Trial]) -> bool:
    """Whether one of them is optional, since only another machine can run it in a day."""
    return any(trial.setting in experiments.get(trial.experiment).optional for trial in trials)


def steps(judged: Iterable[tuple[Claim, Verdict]], folder: Path | None = None, only: Iterable[str] = ()) -> list[Step]:
    """Every claim, those that cost least to look at again first, and those with nothing to run last."""
    only, found = list(only), []
    for claim, verdict in judged:
        missing = [trial for trial in missing_for(claim, folder) if not only or trial.experiment in only]
        found.append(Step(claim, verdict, missing, sum(map(cost, missing)), needs_accelerator(missing)))
    return sorted(found, key=lambda step: (not step.missing, step.accelerator, step.seconds))


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
    """A line for each claim: its word, new seeds so far, core-minutes to its next look."""
    lines = [f"{'word':22} {'n':>3} {'core-min':>8}  claim"]
    total = 0.0
    for step in plan:
        if step.accelerator:
            cost = "GPU"
        elif math.isinf(step.seconds):
            cost = "?"
        elif step.missing:
            cost, total = f"{step.seconds / 60:.1f}", total + step.seconds
        else:
            cost = "–"
        lines.append(f"{step.verdict.word:22} {step.seeds:3} {cost:>8}  {step.claim.chapter}: {step.claim.text}")
    return "\n".join(
        [*lines, f"next looks in all: {total / 60:.0f} core-minutes, trials that claims share counted for each"]
    )
