"""Say on every page what it is, for those who share, cite or correct it: a description, a card, version and citation.

A card's picture needs a full address, so it waits for ``html: baseurl`` in ``_config.yml``. ``{citation}`` is the entry
for a bibliography.
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from theme_fixes import text_of

import lrlib

THEME = "sphinx_book_theme"
DEFAULT = "https://github.com/executablebooks/jupyter-book"  # Jupyter Book's, where _config.yml names no repository
CARD = "_static/cliff.png"
LONGEST = 200  # characters that search engines and messengers show of a description


def description(document: nodes.document | None) -> str:
    """The first paragraph of a page, cut at a word, or within one where that is too long."""
    if document is None:
        return ""
    for paragraph in document.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if "chapter-info" in paragraph["classes"] or not text:
            continue
        if len(text) <= LONGEST:
            return text
        end = text.rfind(" ", 0, LONGEST)
        return text[: end if end > 0 else LONGEST] + " …"
    return ""


def tags(title: str, about: str, site: str, page: str, base: str) -> str:
    """The meta tags of a page."""
    found = {"og:type": "article", "og:site_name": site, "og:title": title, "og:description": about}
    if base:
        found |= {"og:url": urljoin(base, f"{page}.html"), "og:image": urljoin(base, CARD)}
    named = {"description": about, "twitter:card": "summary_large_image" if base else "summary"}
    lines = [f'<meta name="{key}" content="{escape(value)}" />' for key, value in named.items() if value]
    lines += [f'<meta property="{key}" content="{escape(value)}" />' for key, value in found.items() if value]
    return "\n".join(lines)


def add_tags(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Put the tags into the page's head."""
    base = app.config.html_baseurl.rstrip("/") + "/" if app.config.html_baseurl else ""
    title = text_of(context.get("title", ""))
    context["metatags"] = context.get("metatags", "") + tags(
        title, description(document), app.config.html_title, page, base
    )


def set_theme(app: Sphinx, config: Config) -> None:
    """State the version in each page's footer, and let readers open an issue where the repository has an address."""
    if config.html_theme != THEME:
        return
    config.html_theme_options["extra_footer"] = f"Version {lrlib.__version__}."
    ours = config.html_theme_options.get("repository_url") not in (None, "", DEFAULT)
    config.html_theme_options["use_issues_button"] = ours


class Citation(SphinxDirective):
    """The book's entry for a bibliography, in BibTeX."""

    def run(self) -> list[nodes.Node]:
        """Make it from the configuration and the library's version; the page is made anew when that changes."""
        self.env.note_dependency(lrlib.__file__)
        fields = {
            "title": self.config.html_title,
            "author": "{" + self.config.author + "}",
            "year": self.config.copyright,
            "note": f"Version {lrlib.__version__}",
        }
        if self.config.html_baseurl:
            fields["url"] = self.config.html_baseurl
        lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
        entry = f"@book{{learning_rate_schedules,\n{lines}\n}}"
        return [nodes.literal_block(entry, entry, language="bibtex")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the tags, the footer and the directive."""
    app.connect("config-inited", set_theme)
    app.connect("html-page-context", add_tags)
    app.add_directive("citation", Citation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
