"""Let an incremental build give the same files as a clean build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from myst_nb.sphinx_ext import add_global_html_resources
from sphinx.application import Sphinx


def write_styles_first(app: Sphinx) -> None:
    """Write MyST-NB's style sheet before the pages: else a clean build's links to it would lack its checksum."""
    if app.builder.format == "html":
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)


def forget_words(app: Sphinx) -> list[Any]:
    """Drop stale words from the search index: Sphinx keeps those that no page has any more."""
    indexer = getattr(app.builder, "indexer", None)
    for words in (indexer._mapping, indexer._title_mapping) if indexer else ():
        for word in [word for word, pages in words.items() if not pages]:
            del words[word]
    return []  # of pages to add


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the repairs."""
    app.connect("builder-inited", write_styles_first)
    app.connect("html-collect-pages", forget_words)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
