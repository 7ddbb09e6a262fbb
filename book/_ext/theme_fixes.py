"""Mend what the stock setup gets wrong: MathJax from another host, Thebe, a misleading name.

Jupyter Book always loads sphinx-thebe, which adds its constants to every page twice; the second
declaration is a script error. The book runs no code in the page, so its scripts are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

MATHJAX = "vendor/mathjax/tex-chtml.js"


def use_local_mathjax(app: Sphinx, config: Config) -> None:
    """Load MathJax from the book's own files where ``book/_tools/assets.py`` has put them."""
    for folder in config.html_static_path:
        if (Path(app.confdir) / folder / MATHJAX).exists():
            config.mathjax_path = MATHJAX


def without_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Drop sphinx-thebe's scripts and styles from a page."""
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file for file in context[kind] if "thebe" not in f"{file.filename} {file.attributes.get('body')}".lower()
        ]


def name_hidden_cells(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Let "Show code cell source" be what a screen reader says too, not another hidden name."""
    body = context.get("body", "")
    context["body"] = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the repairs."""
    app.connect("config-inited", use_local_mathjax)
    # Late, when every extension has added what it wants.
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("html-page-context", name_hidden_cells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
