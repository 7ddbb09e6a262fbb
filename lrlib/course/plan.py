"""What the claims that are undecided need next, and what it costs.

``python -m lrlib.course.study`` runs it, the cheapest claim's next look first; with ``--plan`` this is printed and
nothing is run.
"""

import statistics
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lrlib.course import claims, experiments, samples, store
from lrlib.course.experiment import Claim, Trial, Verdict

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


def steps(folder: Path | None = None, only: Iterable[str] = ()) -> list[Step]:
    """Every claim, those that cost least to look at again first, and those with nothing to run last."""
    folder, only = store.results_folder() if folder is None else folder, list(only)
    samples.forget()
    found = []
    for claim, verdict in claims.judged():
        wanted = [trial for trial in dict.fromkeys(claim.rule.wanted()) if not only or trial.experiment in only]
        missing = [one for one in wanted if store.find(experiments.get(one.experiment), one, folder) is None]
        optional = any(trial.setting in experiments.get(trial.experiment).optional for trial in missing)
        found.append(Step(claim, verdict, missing, sum(map(cost, missing)), optional))
    return sorted(found, key=lambda step: (not step.missing, step.accelerator, step.seconds))


def cost(trial: Trial) -> float:
    """Seconds on one core, by the median of the stored trials of its setting, else of its experiment."""
    every = _seconds(trial.experiment)
    own = every.get((trial.setting, trial.framework)) or [
        s for (_, name), one in every.items() for s in one if name == trial.framework
    ]
    return statistics.median(own)


@cache
def _seconds(experiment: str) -> dict[tuple[str, str], list[float]]:
    return {
        (setting, framework): [result["seconds"] for result in results]
        for setting, by_framework in store.load(experiments.get(experiment)).items()
        for framework, results in by_framework.items()
        if results
    }


def as_text(plan: Iterable[Step]) -> str:
    """A line for each claim: its word, new seeds so far, core-minutes to its next look."""
    lines = [f"{'word':22} {'n':>3} {'core-min':>8}  claim"]
    total = 0.0
    for step in plan:
        if step.accelerator:
            cost = "GPU"
        elif step.missing:
            cost, total = f"{step.seconds / 60:.1f}", total + step.seconds
        else:
            cost = "–"
        lines.append(f"{step.verdict.word:22} {step.seeds:3} {cost:>8}  {step.claim.chapter}: {step.claim.text}")
    return "\n".join(
        [*lines, f"next looks in all: {total / 60:.0f} core-minutes, trials that claims share counted for each"]
    )
