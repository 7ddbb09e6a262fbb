"""Lay out the tables of claims so that they can be read: the claim across, what was measured below it.

A notebook shows such a table with all columns of ``lrlib.course.claims.HEAD``. On the page a column that has nothing to
say in this table is left out, and cells are named for ``verdicts.css``, which stacks the cells of a row: on a desk
below heads that are stacked in the same way, on a phone as a card. A claim is still one row, with a cell a column.
"""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from sphinx.application import Sphinx

# What a column is for the layout. A number stands below the others of its column, an aside on a line of its own.
KINDS = {
    "source": "origin",
    "verdict": "word",
    "claim": "claim",
    "our setting": "setting",
    "smallest effect": "number",
    "effect": "number",
    "as the source compares": "aside",
    "PyTorch": "number",
    "Keras": "number",
    "seeds": "number",
    "note": "aside",
    "shown in": "origin",
}
NOTHING = ("–", "")
INTERVAL = re.compile(r"\([-+][\d.]{1,6} to [-+][\d.]{1,6}\)")  # short enough for a column: no line breaks in it
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)


def text_of(cell: Tag) -> str:
    """The words of a cell."""
    return " ".join(cell.get_text().split())


def dress(row: Tag, names: list[str], shown: list[bool]) -> None:
    """Leave out a row's cells that are not shown, and name the others for the style sheet."""
    silent = []  # of the row's numbers, whether they say nothing
    for cell, name, kept in zip(row.find_all(["th", "td"]), names, shown, strict=True):
        if not kept:
            cell.decompose()
            continue
        kind, text = KINDS[name], text_of(cell)
        classes = [kind]
        if text in NOTHING:
            classes.append("nothing")
        elif kind == "word" and cell.name == "td":
            classes.append("word-" + text.replace(" ", "-"))
        cell["class"] = " ".join(classes)
        cell["data-label"] = name
        # What is laid out in another way than as a table is no table to some browsers.
        cell["role"] = "columnheader" if cell.name == "th" else "cell"
        if kind == "number":
            silent.append(text in NOTHING)
    row["role"] = "row"
    if all(silent):
        row["class"] = "no-numbers"


def laid_out(html: str) -> str:
    """A table of claims with what the style sheet needs; any other table as it is."""
    soup = BeautifulSoup(html, "html.parser")
    rows = soup.find_all("tr")
    texts = [[text_of(cell) for cell in row.find_all(["th", "td"])] for row in rows]
    names = texts[0] if texts else []
    if not {"verdict", "claim"} <= set(names) <= set(KINDS):
        return html
    shown = [any(text not in NOTHING for text in column) for column in zip(*texts[1:], strict=True)]
    for row in rows:
        dress(row, names, shown)
    for group in soup.find_all(["thead", "tbody"]):
        group["role"] = "rowgroup"
    (table,) = soup.find_all("table")
    numbers = sum(kept and KINDS[name] == "number" for name, kept in zip(names, shown, strict=True))
    table.attrs |= {"class": "table verdicts", "role": "table", "style": f"--numbers: {max(1, numbers)}"}
    return INTERVAL.sub(r'<span class="interval">\g<0></span>', str(soup))


def lay_out(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Lay out the tables of claims of a page."""
    if "body" in context:
        context["body"] = TABLE.sub(lambda found: laid_out(found[0]), context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the layout."""
    app.connect("html-page-context", lay_out)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
