"""Let the search work from file:// too, where a page may not fetch others and results have no excerpts.

``book/_static/search.js`` adds sections and synonyms to it.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

SCRIPT = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'


def add_script(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Add the scripts to the page that shows results."""
    if page == "search":
        app.add_js_file(None, body=SCRIPT)
        for script in ("search_words.js", "search.js"):
            app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the script."""
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
