"""Release the assignments to students, and grade what comes back with nbgrader.

    python book/_tools/assignments.py release DEST [--framework …] [--sources DIR] [--only NAME …] [--solutions]
    python book/_tools/assignments.py grade SUBMISSIONS RESULTS [--seconds S] [--jobs N] [--framework …] [--sources DIR]

An assignment is ``NAME.py`` in the sources (jupytext, py:percent, with nbgrader's cell metadata). ``release`` writes
``NAME.ipynb`` without solutions and hidden tests. ``grade`` reads ``SUBMISSIONS/STUDENT/…/NAME.ipynb`` and writes
``grades.csv``, ``details.csv`` and ``feedback/STUDENT/NAME.html`` to RESULTS. They replace earlier ones when all is
graded; until then they are made in ``RESULTS/unfinished``.

Each submission is graded in a process and a folder of its own, within a limit of time and memory, so that none can hold
up or change another. That is no sandbox: the teacher's page says how to isolate grading.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import csv
import errno
import hashlib
import html
import io
import itertools
import json
import logging
import math
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

# Imported with nbformat, by way of jsonschema, it takes two seconds to make a grammar that no notebook needs.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import jupytext
import nbformat
from folders import replace_folder
from nbformat import NotebookNode, v4
from tqdm import tqdm

from lrlib.course.files import write_atomically

SOURCES = Path(__file__).resolve().parents[1] / "assignments"
FRAMEWORKS = ("pytorch", "keras")
# For one submission, all told, on a machine as fast as the one where the teacher's page was measured; a slower one gets
# more. A cell gets a third of it, all cells together two thirds.
SECONDS = 120
# A short piece of what grading does, and the processor time that it takes on that machine.
PROBE = "import numpy, nbconvert.exporters; sum(number * number for number in range(5_000_000))"
PROBE_SECONDS = 2.3
RESIDENT = 2 << 30  # bytes of memory for one submission: twice what the largest reference took
MEMORY = 12 << 30  # bytes of address space for one submission
LARGEST = 50 << 20  # bytes of a file that is read as a notebook
GRADES, DETAILS, FEEDBACK = "grades.csv", "details.csv", "feedback"  # in RESULTS
TABLES = {GRADES: "student,", DETAILS: "student,assignment,"}  # how each begins
UNFINISHED = "unfinished"  # in RESULTS too: what a run has made so far
FOREIGN = "not written by this tool, which would replace it. Move it elsewhere, or name another folder for the results"
# A file there that grading wrote, or a system's file browser, or a write that was killed.
WRITTEN = re.compile(
    rf"({UNFINISHED}/)?{FEEDBACK}/[^/]+/[^/]+\.html|{UNFINISHED}/({GRADES}|{DETAILS})|.+/\.(DS_Store|[^/]+\.tmp)",
    re.DOTALL,
)
SYNTAX = {"SyntaxError", "IndentationError", "TabError"}
# What a student finds in place of a solution, as in nbgrader.
STUBS = {"code": ("# YOUR CODE HERE", "raise NotImplementedError()"), "markdown": ("YOUR ANSWER HERE",)}
# A line of hidden tests: the solution's function goes on from here unless some tests have set `_NAME_passed`.
REFERENCE = re.compile(r"^### REFERENCE (\w+) UNLESS (\w+(?:, \w+)*) PASSED$", re.MULTILINE)
STUDENT = "student"  # each student's name inside nbgrader, which would take brackets in a name for a pattern


class AssignmentError(Exception):
    """What a teacher can mend; shown without a traceback."""


# -- release --------------------------------------------------------------------------------------


def names(sources: Path, wanted: Iterable[str] = ()) -> list[str]:
    """The assignments in a folder, or those of them that are wanted."""
    found = sorted(path.stem for path in sources.glob("*.py"))
    if not found:
        raise AssignmentError(f"no assignment (NAME.py) in {sources}")
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        raise AssignmentError(f"no assignment named {', '.join(unknown)}; there are {', '.join(found)}")
    return [name for name in found if name in set(wanted)] if wanted else found


def has_numbers(cell: NotebookNode) -> bool:
    """Whether this is the cell of the numbers that an assignment is set with."""
    return "parameters" in cell.metadata.get("tags", [])


def read_source(path: Path, framework: str | None = None) -> NotebookNode:
    """An assignment with its solutions; for one framework, without the other's cells."""
    notebook = jupytext.read(path)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # jupytext's are new each time
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    if framework is not None:
        (other,) = set(FRAMEWORKS) - {framework}
        notebook.cells = [cell for cell in notebook.cells if other not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if framework is not None and has_numbers(cell):
            cell.source = re.sub(r"^FRAMEWORK = .*$", f'FRAMEWORK = "{framework}"', cell.source, flags=re.MULTILINE)
        if "### REFERENCE" in cell.source:
            cell.source = _with_references(cell.source, notebook)
    return notebook


def _with_references(source: str, notebook: NotebookNode) -> str:
    """A test's source with the solution's functions in place of the lines that name them."""
    if "### REFERENCE" in without(source, "HIDDEN TESTS"):
        raise AssignmentError(f"a REFERENCE outside of hidden tests would show a solution:\n{source}")
    source = REFERENCE.sub(lambda found: _reference(notebook, *found.groups()), source)
    if "### REFERENCE" in source:
        raise AssignmentError(f"this form is expected: ### REFERENCE function UNLESS test, test PASSED; got:\n{source}")
    return source


def _reference(notebook: NotebookNode, name: str, tests: str) -> str:
    """Code that defines a function as the solution does, unless these tests have passed: one mistake costs once."""
    for cell in notebook.cells:
        found = re.search(rf"^def {name}\(.*?(?=\n[^\s)]|\Z)", cell.source, re.DOTALL | re.MULTILINE)
        if found and cell.metadata.get("nbgrader", {}).get("solution"):
            function = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", found[0], flags=re.MULTILINE)
            passed = " and ".join(f'globals().get("_{test}_passed")' for test in tests.split(", "))
            return f"if not ({passed}):\n\n{textwrap.indent(function.rstrip(), ' ' * 4)}\n\n"
    raise AssignmentError(f"REFERENCE {name}: no solution cell defines {name}")


def without(source: str, kind: str, stub: Sequence[str] = ()) -> str:
    """A cell's source with the stub's lines, indented alike, in place of each region from BEGIN ``kind`` to its END."""
    lines: list[str] = []
    inside = False
    for line in source.split("\n"):
        begins, ends = f"BEGIN {kind}" in line, f"END {kind}" in line
        if inside if begins else ends and not inside:
            raise AssignmentError(f"BEGIN {kind} and END {kind} do not alternate in this cell:\n{source}")
        if begins:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + one for one in stub]
        elif not (inside or ends):
            lines.append(line)
        inside = begins or (inside and not ends)
    if inside:
        raise AssignmentError(f"no END {kind} in this cell:\n{source}")
    return "\n".join(lines)


def _checksum(cell: NotebookNode) -> str:
    """What nbgrader's validation recognises an unchanged cell by."""
    marks = cell.metadata.nbgrader
    locked = not marks.solution and (marks.grade or marks.locked)
    parts = [cell.source, cell.cell_type, marks.grade, marks.solution, locked, marks.grade_id]
    parts += [float(marks.points)] if marks.grade else []
    return hashlib.md5("".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def student_version(notebook: NotebookNode) -> NotebookNode:
    """A notebook as nbgrader would release it: without solutions and hidden tests, and with its cells locked.

    Readers who build the book need no nbgrader for it; a test holds both to the same result.
    """
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        stub = STUBS[cell.cell_type] if marks.get("solution") else ()
        source = without(cell.source, "SOLUTION", stub)
        if source != cell.source and not stub:
            raise AssignmentError(f"a solution in a cell that is not marked as one:\n{cell.source}")
        cell.source = "\n".join(stub) if stub and source == cell.source else source
        source = without(cell.source, "HIDDEN TESTS")
        if source != cell.source and not marks.get("grade"):
            raise AssignmentError(f"hidden tests in a cell that is not marked as a test:\n{cell.source}")
        cell.source = source
        if any(marks.get(kind) for kind in ("solution", "grade", "locked")):
            cell.metadata.update({"deletable": False} if stub else {"deletable": False, "editable": False})
            marks.update(checksum=_checksum(cell), cell_type=cell.cell_type)
    return notebook


def release(
    destination: Path, sources: Path, framework: str | None, wanted: Sequence[str], solutions: bool = False
) -> list[Path]:
    """Write the student versions to ``destination`` and return their paths. Earlier versions there are replaced.

    With ``solutions`` write ``NAME-solutions.ipynb`` instead, with solutions and hidden tests.
    """
    written = []
    for name in wanted:
        notebook = read_source(sources / f"{name}.py", framework)
        path = destination / (f"{name}-solutions.ipynb" if solutions else f"{name}.ipynb")
        try:
            write_atomically(path, nbformat.writes(notebook if solutions else student_version(notebook)) + "\n")
        except OSError as error:
            raise AssignmentError(f"{path} cannot be written: {error}") from None
        written.append(path)
    return written


# -- nbgrader's course ----------------------------------------------------------------------------


def course_config(course: Path) -> Any:
    """nbgrader's settings for a course folder."""
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}"
    config.LimitOutput.max_lines = 500
    return config


def _convert(converter: Any, course: Path, assignment: str, student: str, settings: Any = None, **options: Any) -> None:
    """Run one of nbgrader's converters, with ``settings`` of the classes it uses."""
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    # nbgrader runs `alembic` by its name; it lies beside this Python, whether or not its environment is active.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = beside + os.pathsep + os.environ["PATH"]
    config = course_config(course)
    config.update(Config(settings or {}))
    config.CourseDirectory.assignment_id = assignment
    config.CourseDirectory.student_id = student
    log = logging.getLogger("nbgrader")  # warnings and errors go to stderr
    converter(coursedir=CourseDirectory(config=config), config=config, log=log, **options).start()


def build_course(course: Path, sources: Path, framework: str | None, wanted: Sequence[str]) -> None:
    """Write ``source/`` and ``release/`` and the gradebook of an nbgrader course."""
    from nbgrader.converters import GenerateAssignment

    for name in wanted:
        folder = course / "source" / name
        folder.mkdir(parents=True)
        nbformat.write(read_source(sources / f"{name}.py", framework), folder / f"{name}.ipynb")
        _convert(GenerateAssignment, course, name, ".")


# -- what was handed in ---------------------------------------------------------------------------


class Submission(NamedTuple):
    """``notebook`` is None where there is nothing to grade; ``note`` says what the teacher should know."""

    student: str
    assignment: str
    notebook: NotebookNode | None
    note: str = ""


class Candidate(NamedTuple):
    """A file that may be a submission; ``notebook`` is None where ``problem`` says why it cannot be read."""

    path: Path
    notebook: NotebookNode | None
    problem: str = ""


def cell_name(cell: Any) -> str | None:
    """nbgrader's name of a cell, or None, however damaged the cell's metadata are."""
    try:
        name = cell["metadata"]["nbgrader"]["grade_id"]
    except (KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def is_graded(cell: NotebookNode) -> bool:
    """Whether a cell is a test with points."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def cell_names(notebook: NotebookNode) -> set[str]:
    """The nbgrader names of a notebook's cells."""
    return {name for cell in notebook.cells if (name := cell_name(cell))}


def student_folders(folder: Path, expected: str) -> list[Path]:
    """One folder a student, in order. A broken link or a pipe counts too: it gets a message and is not passed over."""
    if not folder.is_dir():
        raise AssignmentError(f"{folder} is not a folder")
    present = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    students = [path for path in present if not os.path.isfile(path)]
    loose = [path.name for path in present if os.path.isfile(path) and path.suffix == Path(expected).suffix]
    if students and loose:
        raise AssignmentError(f"in no student's folder: {', '.join(loose)}. Move each to {folder}/STUDENT/{expected}")
    if not any(os.path.isdir(student) for student in students):
        raise AssignmentError(f"{folder} has no folders: one a student is expected, STUDENT/{expected}")
    return students


def submissions(folder: Path, cells: dict[str, set[str]]) -> Iterator[Submission]:
    """What each student handed in; ``cells`` has each assignment's cell names, by which a renamed notebook is known.

    An assignment that no student handed in is left out, unless none was handed in at all.
    """
    found = {student.name: dict(_handed_in(student, cells)) for student in student_folders(folder, "NAME.ipynb")}
    handed_in = [assignment for assignment in cells if any(assignment in given for given in found.values())]
    for assignment in handed_in or cells:
        for student, given in found.items():
            missing = f"nothing to grade: {student}/{assignment}.ipynb is missing"
            unknown = given.get("")
            if unknown:
                missing += f"; {unknown.note}"
            yield given.get(assignment, Submission(student, assignment, None, missing))


def _handed_in(student: Path, cells: dict[str, set[str]]) -> Iterator[tuple[str, Submission]]:
    """Assignment → what was handed in for it; under "" a note on what belongs to none."""
    unlisted: list[OSError] = []
    candidates: dict[str, list[Candidate]] = {}
    for path in handed_in_files(student, ".ipynb", unlisted):
        candidate = read_candidate(path)
        candidates.setdefault(belongs_to(candidate, cells), []).append(candidate)
    stray = [f"{one.path.name} {one.problem}".strip() for one in candidates.pop("", [])]
    stray += [f"{Path(error.filename).name} cannot be listed ({error.strerror})" for error in unlisted]
    if stray:
        yield "", Submission(student.name, "", None, f"handed in, but of no assignment: {', '.join(stray)}")
    for assignment, given in candidates.items():
        # what can be read comes first, and of that the rightly named one
        chosen, *others = sorted(given, key=lambda one: (one.notebook is None, one.path.stem != assignment))
        notes = (
            [] if chosen.path.stem == assignment else [f"handed in as {chosen.path.name}, graded as {assignment}.ipynb"]
        )
        if chosen.notebook is None:
            notes = [f"nothing to grade: {student.name}/{chosen.path.name} {chosen.problem}"]
        notes += [f"not graded: {other.path.name}, a second one" for other in others if other.notebook]
        yield assignment, Submission(student.name, assignment, chosen.notebook, "; ".join(notes))


def handed_in_files(student: Path, ending: str, unlisted: list[OSError]) -> Iterator[Path]:
    """What a student's folder holds under names with this ending; folders that cannot be listed go to ``unlisted``.

    A linked folder is one of those, for it could be another student's.
    """

    def linked(path: Path) -> OSError:
        return OSError(errno.ELOOP, "a link: hand in the folder itself", str(path))

    if student.is_symlink():
        unlisted.append(linked(student))
        return
    for place, folders, files in os.walk(student, onerror=unlisted.append):  # which follows no link
        folders[:] = [name for name in folders if name != ".ipynb_checkpoints"]
        named = [name for name in sorted([*folders, *files]) if name.lower().endswith(ending)]
        yield from (Path(place, name) for name in named)
        others = (Path(place, name) for name in folders if name not in named)
        unlisted += [linked(path) for path in others if path.is_symlink()]


def read_file(path: Path, largest: int) -> bytes:
    """A file that was handed in. Errors: ``OSError``, also for a link, which could lead to another student's file."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "a link: hand in the file itself")
    if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for ever
        raise OSError(errno.EINVAL, "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file")
    if status.st_size > largest:
        raise OSError(errno.EFBIG, f"larger than {largest >> 20} MB")
    return path.read_bytes()


def read_candidate(path: Path) -> Candidate:
    """A file that was handed in, and what is wrong with it where it cannot be read."""
    try:
        return Candidate(path, read_submission(path))
    except OSError as error:
        advice = ": clear the outputs" if error.errno == errno.EFBIG else ""
        return Candidate(path, None, f"cannot be read ({error.strerror}{advice})")
    except Exception as error:  # there is no end of ways in which a file can fail to be a notebook
        return Candidate(path, None, f"is not a notebook ({type(error).__name__})")


def read_submission(path: Path) -> NotebookNode:
    """A student's notebook, reduced to its cells' kinds, sources and nbgrader names, in the current format.

    What an editor, an older format or a student did to the rest can do no harm then.
    """
    notebook = nbformat.convert(nbformat.reader.reads(read_file(path, LARGEST)), 4)
    return v4.new_notebook(cells=[_reduced(cell) for cell in notebook.cells])


def _reduced(cell: NotebookNode) -> NotebookNode:
    kinds: dict[str, Any] = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    source = "".join(cell.get("source") or "")  # a string or a list of lines
    source = source.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent to a kernel
    name = cell_name(cell)
    metadata = {"nbgrader": {"grade_id": name}} if name else {}
    return kinds.get(str(cell.get("cell_type")), v4.new_raw_cell)(source, metadata=metadata)


def belongs_to(candidate: Candidate, cells: dict[str, set[str]]) -> str:
    """The assignment that a notebook answers, by its name or else by its cells; "" if none."""
    if candidate.path.stem in cells:
        return candidate.path.stem
    present = cell_names(candidate.notebook) if candidate.notebook else set()
    best = max(cells, key=lambda name: len(present & cells[name]))
    return best if present & cells[best] else ""


def restore(notebook: NotebookNode, released: NotebookNode) -> list[str]:
    """Give the named cells the metadata that they were released with, and put deleted tests and numbers back.

    nbgrader refuses a notebook in which two cells have one name, or in which a test and the answer before it are
    missing. Returns what the student should mend.
    """
    named = {name: cell for cell in released.cells if (name := cell_name(cell))}
    places: dict[str, list[int]] = {name: [] for name in named}
    for place, cell in enumerate(notebook.cells):
        places.get(cell_name(cell) or "", []).append(place)
        cell.metadata = NotebookNode()
    copied, missing, put_back = [], [], []
    following = len(notebook.cells)  # a missing test runs before the next named cell, or at the end
    for name, original in reversed(named.items()):
        if places[name]:
            following = places[name][-1]  # the last of several copies, as all of them run before it
            notebook.cells[following].metadata = original.metadata
        elif original.metadata.nbgrader.solution:
            missing.append(name)
        else:
            put_back.append((following, original))
        if len(places[name]) > 1:
            copied.append(name)
    # A cell that stands after one it was released before runs too late, or the other too early.
    standing = [name for name in named if places[name]]
    moved = [late for late, then in itertools.pairwise(standing) if places[late][-1] > places[then][-1]]
    in_order = sorted([*reversed(put_back), *enumerate(notebook.cells)], key=lambda pair: pair[0])
    notebook.cells = [cell for _, cell in in_order]
    changed = restore_numbers(notebook, released)
    notes = {
        "changed or deleted numbers (the released ones were used)": changed[::-1],
        "copied or split cells, of which all were run (keep one of each)": copied,
        "deleted or merged cells (answer in the cells that were released)": missing,
        "moved behind the cell that follows it in the release (cells run as they stand)": moved[::-1],
    }
    return [f"{words}: {', '.join(reversed(cells))}" for words, cells in notes.items() if cells]


def restore_numbers(notebook: NotebookNode, released: NotebookNode) -> list[str]:
    """Have the released numbers in force from the first named cell on, with the student's own FRAMEWORK.

    Returns the names of those that no unnamed cell of the student's has as they were released.
    """
    given = next((cell.source for cell in released.cells if has_numbers(cell)), None)
    if given is None:
        return []
    own = set[str]()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell_name(cell):
            with contextlib.suppress(SyntaxError, ValueError):  # of which the run will tell
                own |= {ast.unparse(statement) for statement in ast.parse(cell.source).body}
    first = next((place for place, cell in enumerate(notebook.cells) if cell_name(cell)), len(notebook.cells))
    kept = re.sub(r'^FRAMEWORK = ("\w+").*$', r'globals().setdefault("FRAMEWORK", \1)', given, flags=re.MULTILINE)
    notebook.cells.insert(first, v4.new_code_cell(kept))
    missing = [line for line in map(ast.unparse, ast.parse(given).body) if line not in own]
    return [name for line in missing if (name := line.partition(" = ")[0].strip("()")) != "FRAMEWORK"]


# -- grading --------------------------------------------------------------------------------------


class Result(NamedTuple):
    """The mark of one submission; ``cells`` has the points and the maximum of each graded cell."""

    student: str
    assignment: str
    score: float
    max_score: float
    messages: list[str]
    seconds: float
    cells: dict[str, tuple[float, float]]

    @property
    def message(self) -> str:
        """All messages in one line, for a cell of a table."""
        return "; ".join(self.messages)


class NotGraded(Exception):
    """Why a submission gets 0 without its tests having been run."""


def within_memory(jobs: int, memory: int | None = None) -> int:
    """How many of ``jobs`` submissions at a time fit into ``memory``, or else this machine's, in bytes; at least 1."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if memory is None else memory
    return min(jobs, max(1, memory // RESIDENT))


def limit(took: float) -> float:
    """The seconds for a submission on a machine where the probe took so many: `SECONDS` or more."""
    return SECONDS * max(1.0, took / PROBE_SECONDS)


def calibrate(jobs: int) -> float:
    """The seconds for a submission here: `SECONDS`, or more where ``jobs`` probes at once take longer than one did."""
    start = time.perf_counter()
    probes = [subprocess.Popen([sys.executable, "-c", PROBE]) for _ in range(jobs)]
    statuses = [probe.wait() for probe in probes]
    if any(statuses):
        raise AssignmentError(
            "the calibration failed; see the message above, or give the limit by --seconds (SECONDS= with make)"
        )
    return limit(time.perf_counter() - start)


def grade(
    folder: Path,
    results: Path,
    sources: Path,
    framework: str | None,
    wanted: Sequence[str],
    seconds: float = SECONDS,
    cell_seconds: float | None = None,
    jobs: int = 1,
) -> list[Result]:
    """Grade all submissions in a folder, ``jobs`` at a time; each gets a mark and a message, whatever it does.

    One submission gets ``seconds`` in all, and each of its cells ``cell_seconds`` or else a third of that.
    """
    limits = (seconds, seconds / 3 if cell_seconds is None else cell_seconds)
    _require_replaceable(results)
    fresh = results / UNFINISHED  # inside, since of RESULTS alone we know that it can be written
    with tempfile.TemporaryDirectory(prefix="grading-") as place:
        course = Path(place) / "course"
        build_course(course, sources, framework, wanted)
        given = list(submissions(folder, {name: cell_names(_released(course, name)) for name in wanted}))
        require_writable(results, TABLES)
        shutil.rmtree(fresh, ignore_errors=True)
        with ThreadPoolExecutor(jobs) as pool:  # a thread only waits for the process that it starts
            runs = [pool.submit(_grade_one, one, course, Path(place), fresh, limits) for one in given]
            try:
                for _ in tqdm(as_completed(runs), total=len(given), desc="submissions", disable=len(given) < 2):
                    pass
            except KeyboardInterrupt:
                print(f"interrupted: waiting for what is being graded, {seconds:.0f} s at most", file=sys.stderr)
                pool.shutdown(cancel_futures=True)
    graded = [run.result() for run in runs if not run.cancelled()]
    _publish(graded, fresh, results, len(given))
    return graded


def _require_replaceable(results: Path) -> None:
    """Refuse a folder of results where a teacher's own file would be lost."""
    places = [results / name for name in (FEEDBACK, UNFINISHED)]
    present = [path for place in places for path in (place, *place.rglob("*")) if os.path.lexists(path)]
    written = {path for path in present if WRITTEN.fullmatch(path.relative_to(results).as_posix())}
    foreign = [path for path in present if path.is_symlink() or not (path.is_dir() or path in written)]
    if foreign:
        few = ", ".join(map(str, foreign[:3])) + (f" and {len(foreign) - 3} more" if foreign[3:] else "")
        raise AssignmentError(f"{few}: {FOREIGN}")


def _publish(graded: Sequence[Result], fresh: Path, results: Path, count: int) -> None:
    """Let what was graded take the place of earlier results, if it is all that was to be graded."""
    try:
        (fresh / FEEDBACK).mkdir(parents=True, exist_ok=True)
        _write_tables(graded, fresh)
        if len(graded) == count:
            replace_folder(fresh / FEEDBACK, results / FEEDBACK)
            for table in (GRADES, DETAILS):
                (fresh / table).replace(results / table)
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise AssignmentError(f"results cannot be written to {results}: {error}") from None
    if len(graded) < count:
        words = f"interrupted: {len(graded)} of {count} submissions were graded; their marks and pages are in {fresh}"
        raise AssignmentError(f"{words}. Earlier results in {results} are as they were")


def require_writable(results: Path, tables: Mapping[str, str]) -> None:
    """Make the folder of results; what cannot be written there is found out before hours of work.

    ``tables`` has how each table of the tool begins, by which another one of the same name is known.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=results).close()
    except OSError as error:
        raise AssignmentError(f"results cannot be written to {results}: {error}") from None
    for path, beginning in ((results / table, beginning) for table, beginning in tables.items()):
        if path.is_dir():
            raise AssignmentError(f"results cannot be written: {path} is a folder")
        if path.is_file() and not path.read_bytes().startswith(beginning.encode()):
            raise AssignmentError(f"{path}: {FOREIGN}")


def _released(course: Path, assignment: str) -> NotebookNode:
    return nbformat.read(course / "release" / assignment / f"{assignment}.ipynb", 4)


def _grade_one(submission: Submission, course: Path, place: Path, results: Path, limits: tuple[float, float]) -> Result:
    """The mark of one submission, its feedback page written. Whatever goes wrong with it, the others are graded."""
    start = time.perf_counter()
    scores: dict[str, float] = {}
    released = _released(course, submission.assignment)
    try:
        scores, messages, page = _grade_apart(submission, released, course, place, limits)
    except Exception as error:
        messages = [str(error) if isinstance(error, NotGraded) else f"not graded: {type(error).__name__}: {error}"]
        page = _plain_page(submission.assignment, messages[0] or submission.note)
    messages = [message for message in (*messages, submission.note) if message]
    try:
        path = results / FEEDBACK / submission.student / f"{submission.assignment}.html"
        write_atomically(path, page.encode(errors="backslashreplace"))
    except OSError as error:
        messages.append(f"no feedback page: {error}")
    # No cell counts for more than its points, whatever the students' code wrote into the gradebook.
    cells = {name: (min(scores.get(name, 0.0), most), most) for name, most in _points(released).items()}
    total, most = sum(score for score, _ in cells.values()), sum(most for _, most in cells.values())
    taken = time.perf_counter() - start
    return Result(submission.student, submission.assignment, total, most, messages, taken, cells)


def _grade_apart(
    submission: Submission, released: NotebookNode, course: Path, place: Path, limits: tuple[float, float]
) -> tuple[dict[str, float], list[str], str]:
    """Each graded cell's score, what went wrong, and the feedback page; graded in a folder of its own."""
    if submission.notebook is None:
        raise NotGraded  # the submission's note says why
    notes = restore(submission.notebook, released)
    own = Path(tempfile.mkdtemp(dir=place))
    try:
        # without the solutions
        shutil.copytree(course, own, dirs_exist_ok=True, ignore=shutil.ignore_patterns("source"))
        target = own / "submitted" / STUDENT / submission.assignment / f"{submission.assignment}.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(submission.notebook, target)
        _run_apart(own, submission.assignment, limits)
        result = json.loads((own / "result.json").read_text())
        page = (own / "feedback.html").read_text(encoding="utf-8")
        return result["scores"], [*result["remarks"], *notes], page
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _run_apart(own: Path, assignment: str, limits: tuple[float, float]) -> None:
    """Grade the submission in a course folder in a process of its own."""
    seconds, _ = limits
    command = [sys.executable, __file__, "one", str(own), assignment, *(f"{limit:g}" for limit in limits)]
    log = own / "log.txt"
    with log.open("w") as file:
        try:
            status = run_bounded(command, seconds, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=own)
        except subprocess.TimeoutExpired:
            words = f"not graded: it took more than {seconds:g} s in all and could not be interrupted"
            raise NotGraded(words) from None
    if status:
        raise NotGraded(f"not graded: {_reason(status, log.read_text(errors='replace'))}")


def run_bounded(command: Sequence[str], seconds: float, **options: Any) -> int:
    """A command's exit status; it is killed after ``seconds``, and at its end with all that it started.

    Errors: ``subprocess.TimeoutExpired``.
    """
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        return process.wait(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a kernel that goes on, and what it started
        process.wait()


def _reason(status: int, log: str) -> str:
    """Why grading ended without a mark, from its exit status and what it logged."""
    known = {
        "DeadKernelError": "the Python process of the notebook died (a crash, or too much memory)",
        "MemoryError": "it needs too much memory",
        "UnresponsiveKernelError": "its code could not be interrupted",
        "CellTimeoutError": "its code took too long and could not be interrupted",
    }
    for name, words in known.items():
        if name in log:
            return words
    if status < 0:
        return f"its grading process was ended by {signal.Signals(-status).name}"
    # nbgrader's own error, the last one, only says that there is one above
    errors = [line for line in log.splitlines() if re.match(r"[\w.]*Error\b", line)]
    return (errors or log.strip().splitlines() or [f"its grading process ended with status {status}"])[-1]


def one(own: Path, assignment: str, seconds: float, cell_seconds: float) -> None:
    """Grade the one submission in a course folder: what runs in the process apart."""
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import grading_steps as steps
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader.converters import Autograde, GenerateFeedback
    from nbgrader.preprocessors import Execute

    limits = {"Bounded": {"seconds": 2 / 3 * seconds, "cell_seconds": cell_seconds}}
    kept = [step for step in Autograde().autograde_preprocessors if step is not Execute]
    _convert(Autograde, own, assignment, STUDENT, limits, autograde_preprocessors=[steps.Bounded, *kept])
    ran = nbformat.read(own / "autograded" / STUDENT / assignment / f"{assignment}.ipynb", 4)
    scores = steps.scores(ran)
    marks = {"Marks": {"scores": scores}}
    page = [steps.Marks, steps.HideTests, CSSHTMLHeaderPreprocessor]
    _convert(GenerateFeedback, own, assignment, STUDENT, marks, preprocessors=page, exporter_class=steps.Page)
    shutil.copyfile(own / "feedback" / STUDENT / assignment / f"{assignment}.html", own / "feedback.html")
    (own / "result.json").write_text(json.dumps({"scores": scores, "remarks": list(_remarks(ran))}))


def _remarks(notebook: NotebookNode) -> Iterator[str]:
    """In words, what did not go well in a notebook that was run: the tests that failed, and what was cut short."""
    from grading_steps import CUT, OUTPUT

    not_done, undone = [], False
    for number, cell in enumerate(notebook.cells, 1):
        name = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell {number}")
        errors = {output.ename: output.evalue for output in cell.get("outputs", []) if output.output_type == "error"}
        if cell.metadata.get("nbgrader", {}).get("solution"):
            undone = "NotImplementedError" in errors  # so that its tests miss the names that it should define
        if "CellTimeoutError" in errors:
            yield f"{name}: stopped, it took too long"
        elif "ModuleNotFoundError" in errors:
            yield f"{name}: {errors['ModuleNotFoundError']}"
        elif SYNTAX & set(errors):
            words = "; ".join(f"{kind}: {words}" for kind, words in errors.items())
            yield f"{name}: " + re.sub(r" \([^()]*, line (\d+)\)", r" in line \1", words)
        elif is_graded(cell):
            for kind, words in errors.items():
                if kind == "NotImplementedError" or (undone and kind == "NameError"):
                    not_done.append(name)
                else:
                    said = words if kind == "AssertionError" else f"{kind}: {words}"
                    yield f"{name}: {said}"[:300].replace("\n", " ")
        if any(output.get("text", "").endswith(CUT) for output in cell.get("outputs", [])):
            yield f"{name}: more than {OUTPUT:,} characters of output"
    if not_done:
        yield f"not done: {', '.join(not_done)}"


def _points(released: NotebookNode) -> dict[str, float]:
    """The most that each graded cell can give."""
    marked = [cell.metadata.nbgrader for cell in released.cells if is_graded(cell)]
    return {cell["grade_id"]: float(cell["points"]) for cell in marked}


def _plain_page(assignment: str, message: str) -> str:
    title = html.escape(assignment)
    body = f"<h1>{title}: 0</h1><p>{html.escape(message)}</p>"
    return f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title>{body}</html>\n'


def _write_tables(graded: Sequence[Result], results: Path) -> None:
    """``grades.csv``, a row a student, as learning platforms import it; ``details.csv``, a row a submission."""
    assignments = list(dict.fromkeys(result.assignment for result in graded))
    by_student: dict[str, dict[str, Result]] = {}
    for result in graded:
        by_student.setdefault(result.student, {})[result.assignment] = result
    head = ["student"]
    for name in assignments:
        head += [f"{name} (of {next(r.max_score for r in graded if r.assignment == name):g})", f"{name} feedback"]
    rows = [
        [student, *(cell for name in assignments for cell in (f"{given[name].score:g}", given[name].message))]
        for student, given in by_student.items()
    ]
    write_csv(results / GRADES, [head, *rows])
    details = [
        [r.student, r.assignment, f"{r.score:g}", f"{r.max_score:g}", f"{r.seconds:.0f}", r.message] for r in graded
    ]
    write_csv(results / DETAILS, [["student", "assignment", "score", "max_score", "seconds", "message"], *details])


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write a table whose cells no spreadsheet takes for formulas."""
    table = io.StringIO(newline="")
    csv.writer(table).writerows([[_inert(cell) for cell in row] for row in rows])
    # A name or a message that is not Unicode must not keep the others out of the table.
    write_atomically(path, table.getvalue().encode(errors="backslashreplace"))


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: messages may quote what a student's code says."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


# -- command line ---------------------------------------------------------------------------------


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """Reads a finite number above 0 from the command line."""

    def read(text: str) -> float:
        number: float
        try:
            number = kind(text)
        except ValueError:
            number = 0
        if not 0 < number < math.inf:
            words = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"a {words} above 0 is expected, got {text!r}")
        return number

    return read


def command_line() -> argparse.ArgumentParser:
    """What the commands take."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command, folders in (("release", ["destination"]), ("grade", ["submissions", "results"])):
        one_parser = commands.add_parser(command)
        for folder in folders:
            one_parser.add_argument(folder, type=Path)
        one_parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="some of the assignments")
        one_parser.add_argument("--framework", choices=FRAMEWORKS, help="leave the other framework out")
        if command == "release":
            one_parser.add_argument("--solutions", action="store_true", help="write NAME-solutions.ipynb for teachers")
        if command == "grade":
            one_parser.add_argument(
                "--jobs", type=positive(int), default=1, help="submissions that are graded at a time"
            )
            one_parser.add_argument(
                "--seconds", type=positive(float), help="for one submission; without it, as a calibration finds"
            )
        one_parser.add_argument("--sources", type=Path, default=SOURCES, help="a folder of NAME.py with solutions")
    alone = commands.add_parser("one")
    alone.add_argument("own", type=Path)
    alone.add_argument("assignment")
    alone.add_argument("seconds", type=float)
    alone.add_argument("cell_seconds", type=float)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    options = command_line().parse_args(argv)
    if options.command == "one":
        one(options.own, options.assignment, options.seconds, options.cell_seconds)
        return 0
    try:
        wanted = names(options.sources, options.only)
        if options.command == "release":
            for path in release(options.destination, options.sources, options.framework, wanted, options.solutions):
                print(path)
            return 0
        if not options.submissions.is_dir():
            raise AssignmentError(f"{options.submissions} is not a folder")
        jobs = within_memory(options.jobs)
        seconds = options.seconds or calibrate(jobs)
        print(f"limits: {seconds:.0f} s for a submission, {seconds / 3:.0f} s for a cell; {jobs} at a time", flush=True)
        place = options.submissions, options.results, options.sources
        graded = grade(*place, options.framework, wanted, seconds, jobs=jobs)
    except AssignmentError as error:
        print(error, file=sys.stderr)
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as in the tables
    for result in graded:
        print(
            f"{result.student} {result.assignment}: {result.score:g} of {result.max_score:g} {result.message}".strip()
        )
    print(f"written: {options.results}/grades.csv, details.csv, feedback/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
