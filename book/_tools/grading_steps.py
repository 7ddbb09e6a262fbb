"""The steps in which nbgrader runs a submission and writes its feedback page: limits, our marks, no hidden test.

Apart from ``assignments.py``, since whoever builds the book has no nbgrader.
"""

from __future__ import annotations

import re
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from assignments import is_graded, without
from jinja2 import DictLoader
from kernels import own_sockets
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Dict, Float, default

OUTPUT = 100_000  # characters of output that are kept of a cell
CUT = "… the rest of the output was cut\n"
# What a feedback page's head has in place of MathJax, which nbconvert would load from another host (formulas stay TeX).
# The page may then load and run nothing, whatever HTML a student wrote.
HEAD = """{% macro mathjax() %}<meta http-equiv="Content-Security-Policy"
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'">{% endmacro %}"""
SHOWN = ("text/plain", "image/png", "image/jpeg")  # kinds of output that a feedback page shows: none is HTML


def scores(notebook: NotebookNode) -> dict[str, float]:
    """The points of each test cell of a notebook that was run: all of them, or none where the cell raised."""
    return {
        cell.metadata.nbgrader.grade_id: 0.0
        if any(output.output_type == "error" for output in cell.outputs)
        else float(cell.metadata.nbgrader.points)
        for cell in notebook.cells
        if is_graded(cell)
    }


class Bounded(Execute):
    """Runs the cells in an empty folder, within limits of time and of output."""

    seconds = Float(help="for all cells together").tag(config=True)
    cell_seconds = Float(help="for one cell").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any = None, km: Any = None) -> Any:
        end = time.monotonic() + self.seconds
        self.kept: dict[int, int] = {}
        self.timeout_func = lambda _: max(1, round(min(self.cell_seconds, end - time.monotonic())))
        place = resources["metadata"].get("path")
        # The submission's own folder has nbgrader's gradebook beside it, with the hidden tests.
        folder = partial(tempfile.TemporaryDirectory, ignore_cleanup_errors=True)
        with folder() as empty, folder() as sockets:
            resources["metadata"]["path"] = empty
            self.config.KernelManager.update(own_sockets(Path(sockets)))
            nb, resources = super().preprocess(nb, resources, km)
        resources["metadata"]["path"] = place
        return nb, resources

    def process_message(self, msg: Any, cell: NotebookNode, cell_index: int) -> Any:
        content = msg["content"]
        if content.get("name") == "stderr":
            content["name"] = "stdout"  # nbgrader takes anything on stderr, a warning too, for a failed test
        size = len(content["text"]) if msg["msg_type"] == "stream" else len(str(content.get("data", "")))
        kept = self.kept.get(cell_index, 0)
        self.kept[cell_index] = kept + size
        if kept + size > OUTPUT and msg["msg_type"] in ("stream", "display_data", "execute_result"):
            if kept > OUTPUT:
                return None
            msg["msg_type"] = "stream"
            text = content["text"][: OUTPUT - kept] if "text" in content else ""
            msg["content"] = {"name": "stdout", "text": f"{text}\n{CUT}"}
        return super().process_message(msg, cell, cell_index)


class Marks(Preprocessor):
    """Gives the page the points that we counted: the students' code could write into nbgrader's gradebook."""

    enabled = Bool(True)
    scores = Dict(help="points by test cell").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        tests = [cell for cell in nb.cells if is_graded(cell)]
        for cell in tests:
            cell.metadata.nbgrader["score"] = self.scores.get(cell.metadata.nbgrader.grade_id, 0.0)
        marks = [cell.metadata.nbgrader for cell in tests]
        resources["nbgrader"]["score"] = sum(one["score"] for one in marks)
        resources["nbgrader"]["max_score"] = sum(one["points"] for one in marks)
        resources["nbgrader"]["late_penalty"] = 0
        return nb, resources


class HideTests(Preprocessor):
    """Leaves hidden tests and HTML out of the feedback: of a failed hidden test only its message stays."""

    enabled = Bool(True)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
        outputs = cell.get("outputs", [])
        for output in outputs:
            if "data" in output:
                output.data = {kind: data for kind, data in output.data.items() if kind in SHOWN}
        source = without(cell.source, "HIDDEN TESTS") if is_graded(cell) else cell.source
        if source != cell.source:
            cell.source = source
            for output in outputs:
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


class Page(HTMLExporter):
    """The feedback page, closed to the network and to scripts, with tests by their names and students' HTML as text."""

    @default("extra_loaders")
    def _in_place_of_mathjax(self) -> list[Any]:
        return [DictLoader({"mathjax.html.j2": HEAD})]

    def default_filters(self) -> Any:
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield ("markdown2html", lambda source: MarkdownWithMath(renderer=IPythonRenderer(escape=True)).render(source))

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **options: Any) -> Any:
        page, resources = super().from_notebook_node(nb, resources, **options)
        return re.sub(r'<a href="#(\w+)">Test cell</a>', r'<a href="#\1">\1</a>', page), resources
