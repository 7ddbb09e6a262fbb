"""Answers to the assignments, run against an assignment's cells in one warm process.

``answers/NAME.py`` has blocks that begin with a line of the form

    # %% wrong: what is wrong with it; in: CELL; caught by: TEST, TEST
    # %% unusual: what is unusual about it; in: CELL
    # %% wrong: what is wrong with it; in: CELL; with: keras; caught by: TEST, TEST
    # %% parameters

A block is the whole source of the solution cell CELL, in place of the reference solution; "with" names the framework in
which it is run, where it is written for one. Blocks with the same title belong to one answer, where it takes several
cells. A wrong answer must fail every TEST named; an unusual one none at all. *parameters* are other numbers for the
assignment's parameter cell, under which the reference must pass too.
"""

import contextlib
import copy
import inspect
import io
import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import assignments
import matplotlib.pyplot as plt
import numpy as np
from assignments import cell_name, is_graded
from matplotlib.figure import Figure

ANSWERS = Path(__file__).parent / "answers"
STUB = "raise NotImplementedError()\n"  # what a release has in place of a solution


class Answer(NamedTuple):
    """``kind`` is "wrong" or "unusual"; ``cells`` has the answer's source by the solution cell's name."""

    kind: str
    title: str
    cells: dict[str, str]
    caught_by: tuple[str, ...]
    framework: str | None = None


HEAD = re.compile(
    r"^# %% (?P<kind>wrong|unusual): (?P<title>[^;]+); in: (?P<cell>\w+)"
    r"(; with: (?P<framework>\w+))?(; caught by: (?P<tests>.+))?$"
)


def read_answers(name: str) -> tuple[list[Answer], str]:
    """An assignment's wrong and unusual answers, and other parameters for it."""
    text = (ANSWERS / f"{name}.py").read_text(encoding="utf-8")
    parameters, answers = "", {}
    for block in re.split(r"^(?=# %% )", text, flags=re.MULTILINE)[1:]:
        head, _, source = block.partition("\n")
        if head == "# %% parameters":
            parameters = source
            continue
        found = HEAD.match(head)
        if found is None:
            raise ValueError(f"{name}: not the head of an answer: {head}")
        kind, title, cell, framework, tests = found.group("kind", "title", "cell", "framework", "tests")
        before = answers.get(title, Answer(kind, title, {}, (), framework))
        framework = framework or before.framework
        if (kind, framework) != (before.kind, before.framework or framework):
            known, other = (f"{a} with {b}" for a, b in ((before.kind, before.framework), (kind, framework)))
            raise ValueError(f"{name}: {title!r} is {known}, and then {other}")
        caught = tuple(dict.fromkeys([*before.caught_by, *(tests.split(", ") if tests else ())]))
        cells = {**before.cells, cell: source.strip("\n") + "\n"}
        answers[title] = Answer(kind, title, cells, caught, framework)
    return list(answers.values()), parameters


def solution_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]


def graded_cells(notebook) -> list:
    return [cell for cell in notebook.cells if is_graded(cell)]


@cache
def source_of(name: str, framework: str | None):
    """An assignment, parsed once for all of its answers: nothing here changes it."""
    return assignments.read_source(assignments.SOURCES / f"{name}.py", framework)


# What the networks of an assignment were trained to, by framework, rates, and what else its function is given: most
# answers train the same ones, and with these arguments they always end the same.
TRAINED: dict = {}


def remembered(train, space: dict):
    """The function, for which every training runs once in a session. The schedule is asked anew each time."""

    signature = inspect.signature(train)

    def trained(*given, **named):
        schedule, *how = signature.bind(*given, **named).args
        rates = [float(schedule(update)) for update in range(space.get("UPDATES") or max(how[0]))]
        key = (train.__name__, space["FRAMEWORK"], *rates, *(str(np.array(one).tolist()) for one in how))
        if key not in TRAINED:
            TRAINED[key] = train(rates.__getitem__, *how)
        return copy.copy(TRAINED[key])

    return trained


def remembered_steps(begin, space: dict):
    """The same for a function that returns a network's ``train_step``: it trains once the rates so far are new."""

    def begun(name, seed):
        rates, made, network = [], 0, None

        def train_step(rate):
            nonlocal made, network
            rates.append(float(rate))
            key = (space["FRAMEWORK"], space["WIDTH"], name, seed, *rates)
            if key not in TRAINED:
                network = network or begin(name, seed)
                losses = [network(one) for one in rates[made:]]
                made, TRAINED[key] = len(rates), losses[-1]
            return TRAINED[key]

        return train_step

    return begun


# The cell that defines such a function, less its framework, the function, and what stands in its place.
TRAINS = {
    "choose_and_defend": ("curve", "curve", remembered),
    "fair_comparison": ("train", "train", remembered),
    "find_the_range": ("networks", "begin", remembered_steps),
}


def remember(name: str, cell: str | None, space: dict) -> None:
    """After the cell that defines the function with which this assignment trains, put the one that remembers there."""
    of_cell, function, wrap = TRAINS.get(name, (None, None, None))
    if wrap is not None and cell == f"{of_cell}_{space['FRAMEWORK']}":
        wrapped = wrap(space[function], space)
        space.update({one: wrapped for one in (function, f"_{function}") if one in space})


def failures(
    name: str,
    answer: dict[str, str],
    parameters: str = "",
    framework: str | None = None,
    tests: tuple[str, ...] = (),
    anew: bool = False,
) -> dict[str, str]:
    """Run an assignment with an answer in it: the tests that fail, each with its message.

    As in a notebook, a cell that raises does not stop the ones after it. With ``tests`` only those are run, and no cell
    after the last of them, but always the first test, which may define what the others use. Figures are made, but not
    laid out: nobody sees them, and that takes a third of a second. ``anew`` trains everything again.
    """
    notebook = source_of(name, framework)
    known = {cell_name(cell) for cell in solution_cells(notebook)}
    if not set(answer) <= known:
        raise ValueError(f"{name} has no solution cell {', '.join(sorted(set(answer) - known))}")
    order = [cell_name(cell) for cell in notebook.cells]
    tests = tuple(sorted(tests, key=order.index))
    first = cell_name(graded_cells(notebook)[0])
    failed: dict[str, str] = {}
    space: dict = {"__name__": "__main__", "In": [""]}  # as IPython, which keeps what was run
    before = os.getcwd()
    unseen = mock.patch.object(Figure, "tight_layout")
    with unseen, tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        try:
            for cell in notebook.cells:
                graded = is_graded(cell)
                if cell.cell_type != "code" or (tests and graded and cell_name(cell) not in (first, *tests)):
                    continue
                source = answer.get(cell_name(cell) or "", cell.source)
                if parameters and assignments.has_numbers(cell):
                    source += "\n" + parameters
                space["In"].append(source)
                try:
                    exec(compile(source, f"<{cell_name(cell)}>", "exec"), space)
                    if not anew:
                        remember(name, cell_name(cell), space)
                except Exception as error:
                    if graded and (not tests or cell_name(cell) in tests):
                        failed[cell_name(cell)] = f"{type(error).__name__}: {error}"
                if tests and cell_name(cell) == tests[-1]:
                    break
        finally:
            os.chdir(before)
            plt.close("all")
    return failed
