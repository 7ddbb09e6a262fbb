"""End each entry of the bibliography with links to the pages that cite it, and leave out its label.

Citations in the text read "Smith (2017)", so that a label like [Smi17] would be a second name for the same source.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def citing_pages(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return the pages that cite each key, each page once, in the order of the book."""
    pages: dict[str, list[str]] = {}
    order = list(env.toctree_includes.get(env.config.root_doc, []))
    references = env.get_domain("cite").citation_refs  # type: ignore[attr-defined]
    for reference in sorted(
        references, key=lambda r: (order.index(r.docname) if r.docname in order else -1, r.docname)
    ):
        for target in reference.targets:
            cited = pages.setdefault(target.key, [])
            if reference.docname not in cited:
                cited.append(reference.docname)
    return pages


def finish_entries(app: Sphinx, document: nodes.document, page: str) -> None:
    """Make each bibliography a plain list, since docutils' roles for it are deprecated, and name the citing pages."""
    citations = app.env.get_domain("cite").citations  # type: ignore[attr-defined]
    keys = {citation.citation_id: citation.key for citation in citations}
    pages = citing_pages(app.env)
    for parent in {entry.parent for entry in document.findall(nodes.citation)}:
        entries = [child for child in parent.children if isinstance(child, nodes.citation)]
        listed = nodes.bullet_list(classes=["references"])
        parent.insert(parent.index(entries[0]), listed)
        for entry in entries:
            parent.remove(entry)
            content = [child for child in entry.children if not isinstance(child, nodes.label)]
            listed += nodes.list_item("", *content, ids=entry["ids"], classes=["citation"])
            cited = [
                link(app.env.titles[name].astext(), app.builder.get_relative_uri(page, name))
                for name in pages.get(keys.get(entry["ids"][0], ""), [])
            ]
            for n, page_link in enumerate(cited):
                content[-1] += [nodes.Text(", " if n else " Cited in "), page_link]
            content[-1] += nodes.Text("." if cited else "")


def link(text: str, address: str) -> nodes.reference:
    """Build a link to a page of the book."""
    return nodes.reference("", text, refuri=address, internal=True)


def with_bibliography(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Render the bibliography at every change, since any page may cite something new."""
    return sorted({key.docname for key in env.get_domain("cite").bibliographies})  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the changes."""
    app.connect("env-updated", with_bibliography)
    app.connect("doctree-resolved", finish_entries)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
