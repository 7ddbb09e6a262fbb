"""Put each exercise's solution below a chapter's exercises, folded, out of the chapter's notebook of solutions.

``book/solutions/NAME.ipynb`` has a section "Exercise 1" and so on for each exercise of ``book/chapters/NAME``; nbval
compares its outputs like a chapter's. What stands before the first section, such as imports, goes into the first fold.
The cells are put into the chapter's source as Sphinx reads it, so they are rendered as the chapter's own.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

SECTION = re.compile(r"^## Exercise (\d+)\s*$", re.MULTILINE)
EXERCISES = re.compile(r"^## Exercises$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
Cell = dict[str, Any]


def text(cell: Cell) -> str:
    """A cell's source, which a notebook stores as a text or as lines."""
    return "".join(cell["source"])


def markdown(source: str) -> Cell:
    """Make a text cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def solutions(cells: list[Cell]) -> dict[int, list[Cell]]:
    """Split a notebook of solutions by its exercises."""
    found: dict[int, list[Cell]] = {}
    setting_up: list[Cell] = []
    current = setting_up
    for cell in cells:
        if cell["cell_type"] != "markdown":
            current.append(cell)
            continue
        before, *rest = SECTION.split(text(cell))
        if current is not setting_up and before.strip():
            current.append(markdown(before))
        for number, words in zip(rest[::2], rest[1::2], strict=True):
            current = found.setdefault(int(number), [])
            current.append(markdown(words))
    if found:
        found[min(found)][1:1] = setting_up
    return found


def with_solutions(chapter: list[Cell], solved: dict[int, list[Cell]]) -> list[Cell]:
    """Put the folds at the end of the section "Exercises"."""
    folds: list[Cell] = []
    for number, cells in sorted(solved.items()):
        opening = f'<details class="solution">\n<summary>A solution of exercise {number}</summary>\n'
        folds += [markdown(opening), *cells, markdown("</details>\n")]
    folds = [{**cell, "id": f"solution-{place}"} for place, cell in enumerate(folds)]
    for at, cell in enumerate(chapter):
        match = EXERCISES.search(text(cell)) if cell["cell_type"] == "markdown" else None
        if match:
            halves = text(cell)[: match.end()], text(cell)[match.end() :]
            before, after = ({**cell, "id": f"exercises-{n}", "source": half} for n, half in enumerate(halves))
            return [*chapter[:at], before, *folds, after, *chapter[at + 1 :]]
    raise ValueError("there are solutions, but no section 'Exercises'")


def solution_of(env: BuildEnvironment, docname: str) -> Path | None:
    """The notebook that has a page's solutions, if there is one."""
    chapter = Path(env.doc2path(docname))
    if chapter.parent.name != "chapters":
        return None
    solved = chapter.parents[1] / "solutions" / chapter.name
    return solved if solved.exists() else None


def newly_solved(app: Sphinx, env: BuildEnvironment, *outdated: set[str]) -> list[str]:
    """The chapters that got their solutions since they were read. A dependency on a missing file would never rest."""
    solved = {docname: solution_of(env, docname) for docname in env.found_docs}
    return [docname for docname, path in solved.items() if path and str(path) not in env.dependencies[docname]]


def add_solutions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the solutions of a chapter, if it has any, into the source that is being read."""
    solved = solution_of(app.env, docname)
    if solved is None:
        return
    app.env.note_dependency(str(solved))
    notebook = json.loads(source[0])
    try:
        cells = json.loads(solved.read_text(encoding="utf-8"))["cells"]
        notebook["cells"] = with_solutions(notebook["cells"], solutions(cells))
    except ValueError as error:
        raise ExtensionError(f"{docname}: {error}") from error
    source[0] = json.dumps(notebook)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the reader of solutions."""
    app.connect("env-get-outdated", newly_solved)
    app.connect("source-read", add_solutions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
