"""Mend what the stock setup gets wrong: what pages load and need not, and what a screen reader is told.

Jupyter Book always loads sphinx-thebe, which adds its constants to every page twice; the second
declaration is a script error. The book runs no code in the page, so its scripts are left out.
The theme loads all of Font Awesome, 700 kB, for a dozen icons: ``_static/icons.css`` draws them.
"""

from __future__ import annotations

import re
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


def formulas_only_where_they_are(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load MathJax, a quarter of a megabyte, on the pages that have a formula."""
    if not re.search(r'class="[^"]*\b(math|tex2jax_process|mathjax_process)\b', context.get("body", "")):
        context["script_files"] = [
            file
            for file in context["script_files"]
            if not re.search(r"mathjax", f"{file.filename} {file.attributes.get('body')}", re.IGNORECASE)
        ]


# What is replaced in every rendered page: (pattern, replacement, why).
MENDS = [
    (r"<!-- So that users can add custom icons -->\s*<script[^>]*fontawesome\.js[^>]*></script>", "", "its weight"),
    (r'<summary aria-label="Toggle hidden content">', "<summary>", 'lets "Show code cell source" be its name'),
    (r' title="(Light|Dark|System Settings)"></i>', ' aria-hidden="true"></i>', "the switch has one name"),
    (
        r'(<button class="btn search-button-field[^>]*?) title="Search" aria-label="Search"',
        r"\1",
        'its words, "Search Ctrl+K", name it',
    ),
    (
        r'<a class="navbar-brand logo"(.*?)</a>',
        r'<nav aria-label="Home"><a class="navbar-brand logo"\1</a></nav>',
        "a landmark",
    ),
    (r'role="doc-biblioentry"', 'role="listitem"', "the role is deprecated, and its list wants items"),
    (r'<th class="(head[^"]*)">(<p></p>)?\s*</th>', r'<td class="\1"></td>', "an empty cell heads nothing"),
]


def mend(page: str) -> str:
    """A rendered page without the theme's slips."""
    for pattern, replacement, _ in MENDS:
        page = re.sub(pattern, replacement, page, flags=re.DOTALL)
    return page


def mend_pages(app: Sphinx) -> None:
    """Mend each page as it is rendered."""
    templates = getattr(app.builder, "templates", None)
    if templates is None:  # a builder that makes no pages
        return
    render = templates.render
    templates.render = lambda template, context: mend(render(template, context))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the repairs."""
    app.connect("config-inited", use_local_mathjax)
    # Late, when every extension has added what it wants.
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("html-page-context", formulas_only_where_they_are, priority=900)
    app.connect("builder-inited", mend_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
