"""The panel in which a reader compares schedules and trains with them, in the page.

The directive ``training-panel`` writes it; ``book/_static/trainer/panel.js`` runs it. Without JavaScript a sentence
stands in its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from page_files import add_where
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from trainer_data import SEEDS

PANEL = Path(__file__).resolve().parent / "training_panel.html"
SCRIPTS = (
    "chart/chart.js",
    "trainer/task.js",
    "trainer/trainer.js",
    "trainer/comparison.js",
    "trainer/linear.js",
    "trainer/view.js",
    "trainer/panel.js",
)


class TrainingPanel(SphinxDirective):
    """The panel, which its script shows."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(PANEL))
        panel = PANEL.read_text(encoding="utf-8").replace("{seeds}", str(SEEDS))
        return [nodes.raw("", panel, format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.setup_extension("trainer_data")
    app.add_directive("training-panel", TrainingPanel)
    add_where(app, "training", SCRIPTS, ("controls.css", "chart/chart.css", "trainer/panel.css"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
