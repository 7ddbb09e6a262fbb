"""The status page's tables, made anew with the pages: nothing on that page is typed.

A ``{status}`` directive names one table: ``chapters`` and ``versions`` come from what ``book/_tools/notebooks.py``
stored in the notebooks, ``trials`` from the stored results, ``pages`` from the packages that build the book. What a
file does not hold is shown as not recorded.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).resolve().parents[1] / "_tools"))

import notebooks

import lrlib

MISSING = "not recorded"
TITLES = {
    "python": "Python",
    "torch": "PyTorch",
    "keras": "Keras",
    "tensorflow": "TensorFlow",
    "numpy": "NumPy",
    "scikit-learn": "scikit-learn",
    "lrlib": "lrlib",
}
FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras", "keras-own": "Keras, its own momentum"}
Row = list[str | nodes.Node]


def measured(path: Path) -> dict[str, Any]:
    """Return what a notebook's metadata says of its execution, and how many of its facts are compared."""
    notebook = nbformat.read(path, as_version=4)
    return {**notebook.metadata.get("lrlib", {}), "facts": len(notebooks.facts(notebook))}


def cost(info: Mapping[str, Any]) -> str:
    """Return what a chapter's execution took, in words."""
    if "seconds" not in info:
        return MISSING
    return f"{info['seconds']:.0f} s"


def chapter_rows(chapters: Mapping[str, dict[str, Any]]) -> list[Row]:
    """Return a row for each chapter, and the total."""
    rows: list[Row] = [
        [page_link(name), cost(info), str(info.get("executed", MISSING)), str(info["facts"])]
        for name, info in chapters.items()
    ]
    total = sum(info.get("seconds", 0) for info in chapters.values())
    facts = sum(info["facts"] for info in chapters.values())
    return [*rows, ["All chapters", f"{total / 60:.0f} min", "", str(facts)]]


def page_link(name: str) -> nodes.Node:
    """Build a link to a page; Sphinx puts the page's title in."""
    link = addnodes.pending_xref("", refdomain="std", reftype="doc", reftarget=f"/{name}", refexplicit=False)
    link += nodes.inline("", name)
    return link


def by_value(recorded: Mapping[str, Iterable[str | None]]) -> str:
    """Group names by their recorded values: the value alone if all share it, else each with its names; None is none."""
    groups: dict[str, list[str]] = {}
    for name, values in recorded.items():
        for value in sorted(set(values) - {None}, key=str):
            groups.setdefault(str(value), []).append(name.rpartition("/")[2])
    if len(groups) < 2:
        return next(iter(groups), MISSING)
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in groups.items())


def version_rows(chapters: Mapping[str, dict[str, Any]], experiments: Mapping[str, list[dict[str, Any]]]) -> list[Row]:
    """Return a row for each package that decides numbers, the machine, its instruction set: of chapters, of trials."""
    rows: list[Row] = []
    for key, title in TITLES.items():
        run = {name: [info.get("versions", {}).get(key, MISSING)] for name, info in chapters.items()}
        stored = {
            name: {trial.get("versions", {}).get(key) for trial in trials} for name, trials in experiments.items()
        }
        rows.append([title, by_value(run), by_value(stored)])
    run = {name: [info.get("machine", MISSING)] for name, info in chapters.items()}
    stored = {name: {trial.get("hardware") for trial in trials} for name, trials in experiments.items()}
    ran_under = {
        name: {f"{trial['capability']} of {trial['vendor']}" for trial in trials if "capability" in trial}
        for name, trials in experiments.items()
    }
    return [
        *rows,
        ["Machine", by_value(run), by_value(stored)],
        ["Instruction set", MISSING, by_value(ran_under)],
    ]


def stored_trials(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the stored trials of each experiment, each with the setting that it belongs to."""
    by_experiment = {}
    for experiment in sorted(path for path in folder.iterdir() if path.is_dir()):
        contents = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(experiment.glob("*.json"))]
        trials = [{**trial, "setting": content["setting"]} for content in contents for trial in content["trials"]]
        if trials:
            by_experiment[experiment.name] = trials
    return by_experiment


def trial_rows(experiments: Mapping[str, list[dict[str, Any]]]) -> list[Row]:
    """Return a row for each experiment, with how many trials are stored and how long they took, and the total."""
    rows, total = [], [0.0] * (len(FRAMEWORKS) + 2)
    for name, trials in experiments.items():
        numbers = [
            len({trial["setting"] for trial in trials}),
            *(sum(trial["framework"] == key for trial in trials) for key in FRAMEWORKS),
            sum(trial["seconds"] for trial in trials) / 3600,
        ]
        total = [a + b for a, b in zip(total, numbers, strict=True)]
        rows.append([name, *numbers])
    return [[name, *(f"{n:.0f}" for n in counts), f"{hours:.1f}"] for name, *counts, hours in [*rows, ["all", *total]]]


def page_rows() -> list[Row]:
    """Return what built the pages."""
    packages = {"jupyter-book": "Jupyter Book", "sphinx": "Sphinx", "myst-nb": "MyST-NB"}
    rows: list[Row] = [["Python", platform.python_version()], ["lrlib, for the reference", lrlib.__version__]]
    return rows + [[title, importlib.metadata.version(package)] for package, title in packages.items()]


def table(head: list[str], rows: list[Row]) -> nodes.table:
    """Build a table whose first column names its rows."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))
    group += nodes.thead("", table_row(list(head)))
    group += nodes.tbody("", *(table_row(row) for row in rows))
    return nodes.table("", group)


def table_row(cells: Row) -> nodes.row:
    """Build one row of a table."""
    texts = [nodes.Text(cell) if isinstance(cell, str) else cell for cell in cells]
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", text)) for text in texts))


class Status(SphinxDirective):
    """``{status} chapters``, ``versions``, ``trials`` or ``pages``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table that the argument names."""
        tables: dict[str, tuple[list[str], Callable[[], list[Row]]]] = {
            "chapters": (
                ["Chapter", "Processor time", "Executed", "Facts compared"],
                lambda: chapter_rows(self.chapters()),
            ),
            "versions": (
                ["What", "In the chapters", "In the stored trials"],
                lambda: version_rows(self.chapters(), self.experiments()),
            ),
            "trials": (
                ["Experiment", "Settings", *FRAMEWORKS.values(), "Hours"],
                lambda: trial_rows(self.experiments()),
            ),
            "pages": (["What", "Version"], page_rows),
        }
        name = self.arguments[0]
        if name not in tables:
            raise self.error(f"no table is called {name!r}; there are: {', '.join(tables)}")
        self.env.note_dependency(lrlib.__file__)  # has the version, which two of the tables show
        head, rows = tables[name]
        return [table(head, rows())]

    def chapters(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each notebook among the pages, in the order of ``_toc.yml``, if there is one.

        The page is made anew when a notebook changes.
        """
        order = {name: place for place, name in enumerate(getattr(self.config, "external_site_map", []))}
        chapters = {}
        for name in sorted(self.env.found_docs, key=lambda name: (order.get(name, len(order)), name)):
            path = Path(self.env.doc2path(name))
            if path.suffix == ".ipynb":
                self.env.note_dependency(str(path))
                chapters[name] = measured(path)
        return chapters

    def experiments(self) -> dict[str, list[dict[str, Any]]]:
        """Return the stored trials; the page is made anew when a file of theirs changes, comes or goes."""
        folder = Path(self.env.srcdir) / self.config.status_results
        for path in [folder, *sorted(folder.rglob("*"))]:
            self.env.note_dependency(str(path))
        return stored_trials(folder)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_config_value("status_results", "book/results", "env", [str])
    app.add_directive("status", Status)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
