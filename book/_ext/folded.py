"""Fold what a cell tagged ``folded`` says in code and in print, and leave what it displays on the page.

Tables, figures and sentences are displayed; asserts and print-outs are the evidence behind them. They become one line
that opens: "Checked here: 3 facts" where nbval compares the cell, else "How this was run". A fact is what nbval
compares, a line of print or a displayed output; a cell that shows nothing has its asserts.
"""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

TAG = "folded"
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}
DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
LONGEST = 90  # characters of what a line says that its fold holds


def is_folded(node: nodes.Node) -> bool:
    """Say whether a node is a code cell with the tag."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and TAG in node["cell_metadata"].get("tags", [])
    )


def is_print(output: nodes.Node) -> bool:
    """Say whether an output is printed text."""
    return isinstance(output, nodes.literal_block) and "stream" in output["classes"]


def facts(source: str, outputs: list[nodes.Node]) -> int:
    """Count what a compared cell prints (by lines) and displays, or else asserts."""
    compared = sum(len(output.astext().strip().splitlines()) if is_print(output) else 1 for output in outputs)
    return compared or sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))


def summary(tags: list[str], count: int) -> str:
    """The line that stands on the page."""
    if NOT_COMPARED & set(tags):
        return "How this was run"
    return f"Checked here: {count} fact{'s' * (count != 1)}"


def html(text: str) -> nodes.raw:
    """A piece of the page."""
    return nodes.raw("", text, format="html")


def parts(cell: nodes.container, element: str) -> list[nodes.Node]:
    """The cell's source, or its outputs."""
    found = [child for child in cell.children if child.get("nb_element") == element]
    return list(found[0].children) if found else []


class Folded(SphinxTransform):
    """Fold source and print-outs below what the cell displays."""

    default_priority = 860  # before the framework tabs take the cells into theirs

    def apply(self, **kwargs: Any) -> None:
        for cell in list(self.document.findall(is_folded)):
            source, outputs = parts(cell, "cell_code_source"), parts(cell, "cell_code_output")
            line = summary(cell["cell_metadata"]["tags"], facts("".join(s.astext() for s in source), outputs))
            fold = [html(f'<details class="{TAG}"><summary>{line}</summary>')]
            fold += [nodes.container("", *source, classes=["cell_input"])]
            printed = [output for output in outputs if is_print(output)]
            if printed:
                fold += [nodes.container("", *printed, classes=["cell_output"])]
            shown = [output for output in outputs if not is_print(output)]
            cell.children = []
            if shown:
                cell += nodes.container("", *shown, classes=["cell_output"], nb_element="cell_code_output")
            cell += [*fold, html("</details>")]


def content(outputs: list[nodes.Node]) -> str:
    """What a cell's outputs are, in words; "" if no table, source or print-out is among them."""
    for output in outputs:
        for head in output.findall(nodes.thead):
            columns = " · ".join(filter(None, (entry.astext() for entry in head.findall(nodes.entry))))
            return textwrap.shorten(f"the table: {columns}", LONGEST, placeholder=" …")
        if not is_print(output) and (names := list(dict.fromkeys(DEFINED.findall(output.astext())))):
            return textwrap.shorten(f"the source of {', '.join(names)}", LONGEST, placeholder=" …")
    return "what it prints" if any(map(is_print, outputs)) else ""


class NamedFolds(SphinxTransform):
    """Say on the line of a cell that MyST-NB folds with its output what that is."""

    default_priority = 860

    def apply(self, **kwargs: Any) -> None:
        for cell in self.document.findall(nodes.container):
            mode, own = cell.get("hide_mode"), cell.get("cell_metadata", {}).get("mystnb", {})
            if mode not in ("all", "output", "input+output") or "code_prompt_show" in own:
                continue
            held = content(parts(cell, "cell_code_output"))
            if not held:
                continue
            if mode == "output":
                line = held
            else:
                cell["hide_mode"] = "all"  # one fold with one line, where MyST-NB makes two
                line = f"the code and {held}"
            cell["prompt_show"], cell["prompt_hide"] = f"Show {line}", f"Hide {line}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transforms."""
    app.add_transform(Folded)
    app.add_transform(NamedFolds)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
