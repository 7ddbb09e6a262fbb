"""Scripts and styles for those pages only that have a part which needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def add_where(app: Sphinx, element: str, scripts: Sequence[str], styles: Sequence[str]) -> None:
    """Give the files to the pages whose raw HTML has an element of this id. Scripts are deferred, in this order."""

    def add(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
        if doctree is not None and any(f'id="{element}"' in raw.astext() for raw in doctree.findall(nodes.raw)):
            for script in scripts:
                app.add_js_file(script, loading_method="defer")
            for style in styles:
                app.add_css_file(style)

    app.connect("html-page-context", add)
