"""The challenge: a reader's schedule against the best that the course knows, in the page's trainer.

The directive ``challenge`` writes its panel; what is known comes from the stored runs of the equal-budget study.
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
from lrlib.course.experiments.budgets import peaks, trials
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
        setting = experiment.settings[f"sgd-9epochs-{name}"]
        runs = stored[setting.cell.name]["pytorch"][:SEEDS]
        found.append(Known(name, setting.peak, tuple(run["test_accuracy"] for run in runs)))
    return sorted(found, key=lambda one: -np.mean(one.accuracies))


def sources() -> list[Path]:
    """The stored results that ``known`` reads: of its runs, and of the peaks that were chosen for them."""
    studies = (trials.EXPERIMENTS["digits"], peaks.EXPERIMENTS["digits"])
    folders = [store.results_folder() / study.name for study in studies]
    return [folder / f"sgd-9epochs-{name}.json" for folder in folders for name in LABELS]


def panel() -> str:
    """What is to beat, and the panel to do it with."""
    best = known()[0]
    data = {"name": best.name, "factor": best.peak, "accuracies": best.accuracies, "first": NEW}
    fields = {
        "best": json.dumps(data),
        "label": html.escape(LABELS[best.name]),
        "peak": f"{best.peak:g}",
        "mean": f"{np.mean(best.accuracies):.2f}",
    }
    text = PANEL.read_text(encoding="utf-8")
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def luck() -> str:
    """What a lucky seed is, in the numbers of the best known schedule."""
    spread = np.std(known()[0].accuracies, ddof=1)
    error = spread / SEEDS**0.5
    return (
        f"<p>From seed to seed, the best known schedule’s accuracy varies with a standard deviation of {spread:.1f} "
        "points: other images to train on, other first weights. So a mean of ten has a standard error of "
        f"{error:.2f} points. Make {TRIES} tries that are all equally good, and the best of them will lead by "
        f"{lead(error):.1f} points on average. That lead is luck. It is gone on seeds that had no part in the choice, "
        f"which is why the button above takes seeds {NEW} to {NEW + SEEDS - 1}.</p>"
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
