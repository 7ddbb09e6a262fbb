"""Link the first use of each glossary term on a page to the glossary, with its definition at hand.

The definition is a tooltip of the page's own, shown on hover and on keyboard focus and read by screen readers; a touch
follows the link. Terms are looked for in running text only: not in headings, code, links, tables, captions or formulas.
A term without capitals is found with one at a sentence's start, and in the plural.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.writers.html5 import HTML5Translator

STYLE, SCRIPT = "glossary.css", "glossary.js"
# No term is linked in a paragraph inside one of these, nor in words inside one of the inline ones.
EXCLUDED = (nodes.table, nodes.caption, nodes.legend, nodes.footnote, nodes.citation, addnodes.desc)
INLINE_EXCLUDED = (
    nodes.reference,
    nodes.literal,
    nodes.math,
    nodes.raw,
    nodes.title_reference,
    addnodes.download_reference,
)


class Entry(NamedTuple):
    """A definition, and where in the glossary it stands."""

    label: str
    definition: str


class glossary_link(nodes.General, nodes.Inline, nodes.TextElement):
    """A term in running text. The definition is an attribute, so that search does not find it on every page."""


def entries(glossary: nodes.document) -> dict[str, Entry]:
    """Return the entry of each term of a page with a ``{glossary}``; synonyms share one."""
    by_term: dict[str, Entry] = {}
    for item in glossary.findall(nodes.definition_list_item):
        terms = [child for child in item.children if isinstance(child, nodes.term) and child["ids"]]
        texts = [p.astext() for p in item.findall(nodes.paragraph)]
        if terms and texts:
            entry = Entry(terms[0]["ids"][0], " ".join(texts[0].split()))
            by_term |= {" ".join(term.astext().split()): entry for term in terms}
    return by_term


def pattern(terms: list[str]) -> re.Pattern[str]:
    """Return the pattern of any of the terms as whole words, the longest first: "batch size" before "batch"."""

    def spelled(term: str) -> str:
        first = f"[{term[0].upper()}{term[0]}]" if term == term.lower() and term[0].isalpha() else re.escape(term[0])
        return first + re.sub(r"\\?\s", r"\\s+", re.escape(term[1:]))

    alternatives = "|".join(f"(?:{spelled(term)})" for term in sorted(terms, key=lambda term: (-len(term), term)))
    return re.compile(rf"(?<![\w-])(?P<term>{alternatives})(?:e?s)?(?![\w-])")


def running_text(document: nodes.document) -> list[nodes.Text]:
    """Return the texts in which terms may be linked, in the order of the page."""
    texts = []
    for paragraph in document.findall(nodes.paragraph):
        above, node = [], paragraph.parent
        while node is not None:
            above.append(node)
            node = node.parent
        excluded = any(isinstance(node, EXCLUDED) or node.get("nb_element") == "cell_code" for node in above)
        if excluded or {"chapter-info", "no-glossary"} & {
            name for node in [paragraph, *above] for name in node["classes"]
        }:
            continue
        join_lines(paragraph)
        texts += [text for text in paragraph.findall(nodes.Text) if not within(text, paragraph)]
    return texts


def join_lines(paragraph: nodes.paragraph) -> None:
    """Make one text of the lines that MyST keeps apart, so that a term is found across the end of a line."""
    for parent in {text.parent for text in paragraph.findall(nodes.Text)}:
        joined: list[nodes.Node] = []
        for child in parent.children:
            if joined and isinstance(child, nodes.Text) and isinstance(joined[-1], nodes.Text):
                joined[-1] = nodes.Text(joined[-1].astext() + child.astext())
            else:
                joined.append(child)
        parent[:] = joined


def within(text: nodes.Text, paragraph: nodes.paragraph) -> bool:
    """Say whether a text of a paragraph is part of a link, a formula or code, or is to be kept free of links."""
    node = text.parent
    while node is not paragraph:
        if isinstance(node, INLINE_EXCLUDED) or "no-glossary" in node["classes"]:
            return True
        node = node.parent
    return False


def link_terms(document: nodes.document, known: dict[str, Entry], glossary: str) -> None:
    """Put the links into a page: one for each entry that occurs."""
    find, linked = pattern(list(known)), set()
    by_spelling = {**{term.lower(): entry for term, entry in known.items()}, **known}
    for text in running_text(document):
        words, parts, at = text.astext(), [], 0
        for match in find.finditer(words):
            term = " ".join(match["term"].split())
            entry = known.get(term) or by_spelling[term.lower()]
            if entry in linked:
                continue
            linked.add(entry)
            link = glossary_link("", match.group(), address=f"{glossary}#{entry.label}", **entry._asdict())
            parts += [nodes.Text(words[at : match.start()]), link]
            at = match.end()
        if parts:
            text.parent.replace(text, [part for part in [*parts, nodes.Text(words[at:])] if part.astext()])


def read_glossary(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Keep the glossary's entries; where they have changed, every page is rendered again."""
    name = app.config.glossary_page
    known = entries(env.get_doctree(name)) if name in env.found_docs else {}
    before, env.glossary_entries = getattr(env, "glossary_entries", None), known  # type: ignore[attr-defined]
    return [] if before in (None, known) else sorted(env.found_docs)


def link_page(app: Sphinx, document: nodes.document, page: str) -> None:
    """Link the terms of a page, unless it is the glossary itself."""
    known = app.env.glossary_entries  # type: ignore[attr-defined]
    if known and page != app.config.glossary_page and app.builder.format == "html":
        link_terms(document, known, app.builder.get_relative_uri(page, app.config.glossary_page))


def visit(self: HTML5Translator, node: glossary_link) -> None:
    """Open the link, which names its definition for screen readers."""
    name = f"definition-{node['label']}"
    self.body.append(f'<a class="glossary-term" href="{escape(node["address"])}" aria-describedby="{name}">')


def depart(self: HTML5Translator, node: glossary_link) -> None:
    """Close the link and put its definition after it."""
    name = f"definition-{node['label']}"
    self.body.append(
        f'</a><span class="glossary-definition" role="tooltip" id="{name}">{escape(node["definition"])}</span>'
    )


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Give the tooltips' style and script to pages that have one."""
    if document is not None and next(document.findall(glossary_link), None) is not None:
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the links."""
    app.add_config_value("glossary_page", "book/glossary", "html", [str])
    app.add_node(glossary_link, html=(visit, depart))
    app.connect("env-updated", read_glossary)
    app.connect("doctree-resolved", link_page)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
