"""The panel in which a reader compares schedules and trains with them, in the page.

The directive ``training-panel`` writes it; ``book/_static/trainer/panel.js`` runs it. Without JavaScript a sentence
stands in its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from trainer_data import SEEDS

PANEL = Path(__file__).resolve().parent / "training_panel.html"
SCRIPTS = (
    "chart/chart.js",
    "trainer/task.js",
    "trainer/trainer.js",
    "trainer/comparison.js",
    "trainer/view.js",
    "trainer/panel.js",
)


class TrainingPanel(SphinxDirective):
    """The panel, which its script shows."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(PANEL))
        panel = PANEL.read_text(encoding="utf-8").replace("{seeds}", str(SEEDS))
        return [nodes.raw("", panel, format="html")]


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Give the scripts and the styles to the panel's page only."""
    if doctree is not None and any('id="training"' in raw.astext() for raw in doctree.findall(nodes.raw)):
        for script in SCRIPTS:
            app.add_js_file(script, loading_method="defer")
        app.add_css_file("chart/chart.css")
        app.add_css_file("trainer/panel.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.setup_extension("trainer_data")
    app.add_directive("training-panel", TrainingPanel)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
