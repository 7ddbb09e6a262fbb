"""The challenge: a reader's schedule against the best that the course knows, in the page's trainer.

The directive ``challenge`` writes its panel; what is known comes from the stored runs of the equal-budget study.

Which schedule is to beat is chosen on the study's seeds, and it is compared on others: trained here, when the book is
built, on the seeds that the page trains. The seeds that chose it would flatter it, for the best of several means is
also the luckiest. On others its mean has no such lead. The reader's best has one on TRIED, which choose it. On FRESH
neither was chosen, so they decide. (The peaks were chosen on validation images of seeds 0 to 2, never on test images.)

Both sides have the same seeds and are compared seed by seed: the images and weights that a seed draws are easy or hard
for both, and cancel in the difference.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from docutils import nodes
from page_files import add_where
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from trainer_data import LABELS, SEEDS

from lrlib.course import samples, store
from lrlib.course.experiment import NEW
from lrlib.course.experiments.budgets import cells, peaks, trials
from lrlib.course.experiments.equal_budget import BUDGETS
from lrlib.course.stats import interval

PANEL = Path(__file__).resolve().parent / "challenge_panel.html"
SCRIPTS = (
    "chart/chart.js",
    "trainer/task.js",
    "trainer/trainer.js",
    "trainer/comparison.js",
    "trainer/tries.js",
    "trainer/challenge.js",
)
EPOCHS = max(BUDGETS)  # the trainer's budget
STUDIED = range(NEW, NEW + SEEDS)  # seeds of the study, which choose what is to beat
TRIED = range(SEEDS)  # the seeds of the reader's tries, which choose the best of these
FRESH = range(STUDIED.stop, STUDIED.stop + SEEDS)  # seeds that chose neither
TRIES = 10  # of which the luckiest is spoken of


class Known(NamedTuple):
    """A tuned schedule of the study, with its test accuracies on seeds that had no part in the tuning."""

    name: str
    peak: float
    accuracies: tuple[float, ...]


@cache
def known() -> list[Known]:
    """The study's schedules over the trainer's whole budget, the best first."""
    experiment = trials.EXPERIMENTS["digits"]
    stored = samples.stored(experiment, new=True)
    found = []
    for name in LABELS:
        setting = experiment.settings[f"sgd-{EPOCHS}epochs-{name}"]
        runs = stored[setting.cell.name]["pytorch"][:SEEDS]
        found.append(Known(name, setting.peak, tuple(run["test_accuracy"] for run in runs)))
    return sorted(found, key=lambda one: -np.mean(one.accuracies))


def sources() -> list[Path]:
    """The stored results that ``known`` reads: of its runs, and of the peaks that were chosen for them."""
    studies = (trials.EXPERIMENTS["digits"], peaks.EXPERIMENTS["digits"])
    folders = [store.results_folder() / study.name for study in studies]
    return [folder / f"sgd-{EPOCHS}epochs-{name}.json" for folder in folders for name in LABELS]


@cache
def trained(name: str, peak: float, seeds: range) -> list[float]:
    """The test accuracy of each seed, trained in PyTorch as the study's runs were."""
    from lrlib.course.pytorch import one_thread

    one_thread()
    cell = cells.Cell("digits", "sgd", EPOCHS, name)
    return [float(run["test_accuracy"]) for run in cells.train_seeds(cell, "pytorch", peak, seeds)]


def panel() -> str:
    """What is to beat, and the panel to do it with."""
    best = known()[0]
    accuracies = {seeds: trained(best.name, best.peak, seeds) for seeds in (TRIED, FRESH)}
    tried, fresh = ({"seeds": list(seeds), "accuracies": found} for seeds, found in accuracies.items())
    fields = {
        "best": json.dumps({"tried": tried, "fresh": fresh}),
        "label": html.escape(LABELS[best.name]),
        "peak": f"{best.peak:g}",
        "mean": f"{np.mean(accuracies[TRIED]):.2f}",
        "tried": in_words(TRIED),
    }
    text = PANEL.read_text(encoding="utf-8")
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def in_words(seeds: range) -> str:
    """The first and the last of the seeds."""
    return f"seeds {seeds[0]} to {seeds[-1]}"


def paired_spread() -> float:
    """The standard deviation over seeds of a known schedule's difference from the best: of the mean variance."""
    best, *others = (np.array(one.accuracies) for one in known())
    return float(np.sqrt(np.mean([np.var(other - best, ddof=1) for other in others])))


def luck() -> str:
    """What a lucky seed is, in the numbers of the known schedules."""
    alone = np.std(known()[0].accuracies, ddof=1)
    paired = paired_spread()
    # A difference has the errors of two schedules; of equal tries, the best leads the mean by an error of its own.
    gained = lead(paired / (2 * SEEDS) ** 0.5)
    return (
        f"<p>From seed to seed, the best known schedule’s accuracy varies with a standard deviation of {alone:.1f} "
        "points: other images to train on, other first weights. Much of that is the same for every schedule. So the "
        "page trains both sides on the same seeds and takes the difference of each seed: what they share cancels. The "
        f"difference of another known schedule from the best has a standard deviation of {paired:.1f} points, and a "
        f"mean of {SEEDS} differences a standard error of {paired / SEEDS**0.5:.2f}.</p>"
        f"<p>Some luck is left. Make {TRIES} tries that are all as good as what is to beat, and the best of them will "
        f"lead by {gained:.1f} points on average. That lead is gone on seeds that had no part in the choice. What is "
        f"to beat was chosen too: it led on {in_words(STUDIED)}. So the button above takes {in_words(FRESH)}, which "
        "chose neither.</p>"
    )


def lead(error: float, tries: int = TRIES) -> float:
    """By how much the best of so many equal tries leads the truth, where each is off by a normal error."""
    drawn = np.random.default_rng(0).normal(0, error, (100_000, tries))
    return float(drawn.max(1).mean())


def table() -> str:
    """The known schedules, with the mean accuracy of each and its interval."""
    rows = []
    for one in known():
        low, high = interval(one.accuracies)
        cells = (f"{one.peak:g}", f"{np.mean(one.accuracies):.2f} % ({low:.2f} to {high:.2f})")
        columns = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{html.escape(LABELS[one.name])}</th>{columns}</tr>')
    head = "".join(f'<th scope="col">{title}</th>' for title in ("Schedule", "Highest rate", "Test accuracy"))
    return f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


class Challenge(SphinxDirective):
    """One of the page's three parts. What is known stands without JavaScript too."""

    required_arguments = 1
    parts: ClassVar[dict[str, Callable[[], str]]] = {"panel": panel, "luck": luck, "known": table}

    def run(self) -> list[nodes.Node]:
        for path in (PANEL, *sources()):
            self.env.note_dependency(str(path))
        return [nodes.raw("", self.parts[self.arguments[0]](), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.setup_extension("trainer_data")
    app.add_directive("challenge", Challenge)
    add_where(app, "challenge", SCRIPTS, ("controls.css", "chart/chart.css", "trainer/panel.css"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
