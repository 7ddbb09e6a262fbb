"""Release the assignments to students, and grade what comes back, with nbgrader.

    python book/_tools/assignments.py release DEST [--framework pytorch|keras] [--sources DIR] [--only NAME ...]
    python book/_tools/assignments.py grade SUBMISSIONS RESULTS [--jobs N] [--framework …] [--sources DIR] [--only …]

An assignment is ``NAME.py`` in the sources (jupytext, py:percent, with nbgrader's cell metadata). ``release`` writes
``NAME.ipynb`` without solutions and hidden tests. ``grade`` reads ``SUBMISSIONS/STUDENT/…/NAME.ipynb`` and writes
``grades.csv``, ``details.csv`` and ``feedback/STUDENT/NAME.html`` to RESULTS.

Each submission is graded in a process and a folder of its own, within a limit of time and memory, so that none can hold
up or change another. That is no sandbox: the teacher's page says how to isolate grading.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import html
import json
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

SOURCES = Path(__file__).resolve().parents[1] / "assignments"
FRAMEWORKS = ("pytorch", "keras")
SECONDS = 60  # for one submission, all told; a cell gets a third of it, all cells together two thirds
MEMORY = 12 << 30  # bytes of address space for one submission
OUTPUT = 100_000  # characters of output that are kept of a cell
CUT = "… the rest of the output was cut\n"


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
    if framework is None:
        return notebook
    (other,) = set(FRAMEWORKS) - {framework}
    notebook.cells = [cell for cell in notebook.cells if other not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = re.sub(r"^FRAMEWORK = .*$", f'FRAMEWORK = "{framework}"', cell.source, flags=re.MULTILINE)
    return notebook


def course_config(course: Path) -> Any:
    """nbgrader's settings for a course folder."""
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}"
    config.OverwriteCells.add_missing_cells = True
    config.LimitOutput.max_lines = 500
    return config


def _convert(converter: Any, course: Path, assignment: str, student: str = ".", **options: Any) -> None:
    from nbgrader.coursedir import CourseDirectory

    # nbgrader runs `alembic` by its name; it lies beside this Python, whether or not its environment is active.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = beside + os.pathsep + os.environ["PATH"]
    config = course_config(course)
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
        _convert(GenerateAssignment, course, name)


def release(destination: Path, sources: Path, framework: str | None, wanted: Sequence[str]) -> list[Path]:
    """Write the student versions to ``destination`` and return their paths. Earlier versions there are replaced."""
    with tempfile.TemporaryDirectory(prefix="assignments-") as course:
        build_course(Path(course), sources, framework, wanted)
        destination.mkdir(parents=True, exist_ok=True)
        written = []
        for name in wanted:
            written.append(destination / f"{name}.ipynb")
            shutil.copyfile(Path(course) / "release" / name / f"{name}.ipynb", written[-1])
    return written


# -- what was handed in ---------------------------------------------------------------------------


class Submission(NamedTuple):
    """``path`` is None where there is nothing to grade; ``note`` says what the teacher should know."""

    student: str
    assignment: str
    path: Path | None
    note: str = ""


def graded_cells(notebook: Any) -> set[str]:
    """The nbgrader names of a notebook's cells."""
    cells = notebook.get("cells", [])
    return {cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") for cell in cells} - {None}


def submissions(folder: Path, cells: dict[str, set[str]]) -> Iterator[Submission]:
    """What each student handed in; ``cells`` has each assignment's cell names, by which a renamed notebook is known.

    An assignment that no student handed in is left out.
    """
    students = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not students:
        raise AssignmentError(f"{folder} has no folders: one a student is expected, STUDENT/NAME.ipynb")
    found = {student.name: dict(_handed_in(student, cells)) for student in students}
    for assignment in cells:
        if not any(assignment in given for given in found.values()):
            continue
        for student, given in found.items():
            missing = f"nothing to grade: {student}/{assignment}.ipynb is missing"
            unknown = given.get("")
            if unknown:
                missing += f"; {unknown.note}"
            yield given.get(assignment, Submission(student, assignment, None, missing))


def _handed_in(student: Path, cells: dict[str, set[str]]) -> Iterator[tuple[str, Submission]]:
    """Assignment → what was handed in for it; under "" a note on notebooks that belong to none."""
    candidates: dict[str, list[Path]] = {}
    for path in sorted(student.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            candidates.setdefault(_belongs_to(path, cells), []).append(path)
    for assignment, paths in candidates.items():
        if not assignment:
            names = ", ".join(path.name for path in paths)
            yield "", Submission(student.name, "", None, f"handed in, but of no assignment: {names}")
            continue
        chosen, *others = sorted(paths, key=lambda path: path.stem != assignment)  # the rightly named one first
        notes = [] if chosen.stem == assignment else [f"handed in as {chosen.name}, graded as {assignment}.ipynb"]
        notes += [f"not graded: {path.name}, a second one" for path in others]
        yield assignment, Submission(student.name, assignment, chosen, "; ".join(notes))


def _belongs_to(path: Path, cells: dict[str, set[str]]) -> str:
    """The assignment that a notebook answers, by its name or else by its cells; "" if none."""
    if path.stem in cells:
        return path.stem
    try:
        present = graded_cells(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, AttributeError, TypeError):
        return ""
    best = max(cells, key=lambda name: len(present & cells[name]))
    return best if present & cells[best] else ""


# -- grading --------------------------------------------------------------------------------------


class Result(NamedTuple):
    """``score`` is None only where grading itself failed."""

    student: str
    assignment: str
    score: float
    max_score: float
    message: str
    seconds: float
    cells: dict[str, tuple[float, float]]


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
    with tempfile.TemporaryDirectory(prefix="grading-") as place:
        course = Path(place) / "course"
        build_course(course, sources, framework, wanted)
        cells = {
            name: graded_cells(json.loads((course / f"source/{name}/{name}.ipynb").read_text())) for name in wanted
        }
        given = list(submissions(folder, cells))
        shutil.rmtree(results / "feedback", ignore_errors=True)
        with ThreadPoolExecutor(jobs) as pool:  # a thread only waits for the process that it starts
            marks = pool.map(lambda submission: _grade_one(submission, course, Path(place), results, limits), given)
            graded = list(tqdm(marks, total=len(given), desc="submissions", disable=len(given) < 2))
    _write_tables(graded, results)
    return graded


def _grade_one(submission: Submission, course: Path, place: Path, results: Path, limits: tuple[float, float]) -> Result:
    start = time.perf_counter()
    points = _points(course, submission.assignment)
    zero = {name: (0.0, most) for name, most in points.items()}
    page = results / "feedback" / submission.student / f"{submission.assignment}.html"
    page.parent.mkdir(parents=True, exist_ok=True)

    def mark(cells: dict[str, tuple[float, float]], message: str) -> Result:
        note = "; ".join(part for part in (message, submission.note) if part)
        total = sum(score for score, _ in cells.values())
        taken = time.perf_counter() - start
        return Result(submission.student, submission.assignment, total, sum(points.values()), note, taken, cells)

    if submission.path is None:
        page.write_text(_plain_page(submission.assignment, submission.note), encoding="utf-8")
        return mark(zero, "")
    own = Path(tempfile.mkdtemp(dir=place))
    try:
        shutil.copytree(course, own, dirs_exist_ok=True)
        target = own / "submitted" / submission.student / submission.assignment / f"{submission.assignment}.ipynb"
        target.parent.mkdir(parents=True)
        shutil.copyfile(submission.path, target)
        failure = _run_apart(own, submission, limits)
        done = own / "result.json"
        if failure or not done.exists():
            message = f"not graded: {failure or 'grading stopped without a result'}"
            page.write_text(_plain_page(submission.assignment, message), encoding="utf-8")
            return mark(zero, message)
        result = json.loads(done.read_text())
        shutil.copyfile(own / "feedback.html", page)
        return mark({name: tuple(pair) for name, pair in result["cells"].items()}, result["message"])
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _run_apart(own: Path, submission: Submission, limits: tuple[float, float]) -> str:
    """Grade in a process of its own; returns why that failed, or nothing."""
    seconds, _ = limits
    command = [sys.executable, __file__, "one", str(own), submission.assignment, submission.student]
    command += [f"{limit:g}" for limit in limits]
    log = own / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, cwd=own
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"it took more than {seconds:g} s in all and could not be interrupted"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a kernel that goes on, and what it started
            process.wait()
    if status == 0:
        return ""
    text = log.read_text(errors="replace")
    known = {
        "DeadKernelError": "the Python process of the notebook died (a crash, or too much memory)",
        "NotJSONError": "the file is not a notebook (not JSON)",
        "ValidationError": "the file is not a valid notebook",
        "MemoryError": "it needs too much memory",
        "UnresponsiveKernelError": "its code could not be interrupted",
        "CellTimeoutError": "its code took too long and could not be interrupted",
    }
    return next((words for name, words in known.items() if name in text), (text.strip().splitlines() or ["?"])[-1])


def one(own: Path, assignment: str, student: str, seconds: float, cell_seconds: float) -> None:
    """Grade the one submission in a course folder: what runs in the process apart."""
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor, Preprocessor
    from nbgrader.api import Gradebook
    from nbgrader.converters import Autograde, GenerateFeedback
    from nbgrader.preprocessors import Execute, GetGrades
    from traitlets import Bool

    class Bounded(Execute):
        """Runs the cells within limits of time and of output."""

        def preprocess(self, nb: NotebookNode, resources: Any = None, km: Any = None) -> Any:
            end = time.monotonic() + 2 / 3 * seconds
            self.kept: dict[int, int] = {}
            self.timeout_func = lambda _: max(1, round(min(cell_seconds, end - time.monotonic())))
            return super().preprocess(nb, resources, km)

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

    class HideTests(Preprocessor):
        """Leaves the hidden tests out of the feedback: of each failure there only its message stays."""

        enabled = Bool(True)

        def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
            if cell.cell_type == "code" and "### BEGIN HIDDEN TESTS" in cell.source:
                cell.source = re.sub(
                    r"^### BEGIN HIDDEN TESTS$.*?^### END HIDDEN TESTS$\n?",
                    "",
                    cell.source,
                    flags=re.DOTALL | re.MULTILINE,
                )
                for output in cell.outputs:
                    if output.output_type == "error":
                        output.traceback = [f"{output.ename}: {output.evalue}"]
            return cell, resources

    steps = Autograde().autograde_preprocessors
    bounded = [Bounded if step is Execute else step for step in steps]
    _convert(Autograde, own, assignment, student, autograde_preprocessors=bounded)
    feedback = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]
    _convert(GenerateFeedback, own, assignment, student, preprocessors=feedback)
    shutil.copyfile(own / "feedback" / student / assignment / f"{assignment}.html", own / "feedback.html")
    with Gradebook(course_config(own).CourseDirectory.db_url) as gradebook:
        grades = gradebook.find_submission_notebook(assignment, assignment, student).grades
        cells = {one.name: (one.score, one.max_score) for one in grades}
    ran = nbformat.read(own / "autograded" / student / assignment / f"{assignment}.ipynb", 4)
    (own / "result.json").write_text(json.dumps({"cells": cells, "message": "; ".join(_remarks(ran))}))


def _remarks(notebook: NotebookNode) -> Iterator[str]:
    """In words, what did not go well in a notebook that was run: the tests that failed, and what was cut short."""
    not_done = []
    for number, cell in enumerate(notebook.cells, 1):
        name = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell {number}")
        errors = {output.ename: output.evalue for output in cell.get("outputs", []) if output.output_type == "error"}
        if "CellTimeoutError" in errors:
            yield f"{name}: stopped, it took too long"
        elif "ModuleNotFoundError" in errors:
            yield f"{name}: {errors['ModuleNotFoundError']}"
        elif cell.metadata.get("nbgrader", {}).get("grade"):
            for kind, words in errors.items():
                if kind == "NotImplementedError":
                    not_done.append(name)
                else:
                    yield f"{name}: {words if kind == 'AssertionError' else f'{kind}: {words}'}"[:300].replace(
                        "\n", " "
                    )
        if any(output.get("text", "").endswith(CUT) for output in cell.get("outputs", [])):
            yield f"{name}: more than {OUTPUT:,} characters of output"
    if not_done:
        yield f"not done: {', '.join(not_done)}"


def _points(course: Path, assignment: str) -> dict[str, float]:
    notebook = nbformat.read(course / "source" / assignment / f"{assignment}.ipynb", 4)
    marked = [cell.metadata.nbgrader for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
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
    _write_csv(results / "grades.csv", [head, *rows])
    details = [
        [r.student, r.assignment, f"{r.score:g}", f"{r.max_score:g}", f"{r.seconds:.0f}", r.message] for r in graded
    ]
    _write_csv(
        results / "details.csv", [["student", "assignment", "score", "max_score", "seconds", "message"], *details]
    )


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[_inert(cell) for cell in row] for row in rows])
    os.replace(new, path)


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: messages may quote what a student's code says."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


# -- command line ---------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command, folders in (("release", ["destination"]), ("grade", ["submissions", "results"])):
        one_parser = commands.add_parser(command)
        for folder in folders:
            one_parser.add_argument(folder, type=Path)
        one_parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="some of the assignments")
        one_parser.add_argument("--framework", choices=FRAMEWORKS, help="leave the other framework out")
        if command == "grade":
            one_parser.add_argument("--jobs", type=int, default=1, help="submissions that are graded at a time")
        one_parser.add_argument("--sources", type=Path, default=SOURCES, help="a folder of NAME.py with solutions")
    alone = commands.add_parser("one")
    alone.add_argument("own", type=Path)
    alone.add_argument("assignment")
    alone.add_argument("student")
    alone.add_argument("seconds", type=float)
    alone.add_argument("cell_seconds", type=float)
    options = parser.parse_args(argv)
    if options.command == "one":
        one(options.own, options.assignment, options.student, options.seconds, options.cell_seconds)
        return 0
    try:
        wanted = names(options.sources, options.only)
        if options.command == "release":
            for path in release(options.destination, options.sources, options.framework, wanted):
                print(path)
            return 0
        if not options.submissions.is_dir():
            raise AssignmentError(f"{options.submissions} is not a folder")
        graded = grade(
            options.submissions, options.results, options.sources, options.framework, wanted, jobs=options.jobs
        )
    except AssignmentError as error:
        print(error, file=sys.stderr)
        return 1
    for result in graded:
        print(
            f"{result.student} {result.assignment}: {result.score:g} of {result.max_score:g} {result.message}".strip()
        )
    print(f"written: {options.results}/grades.csv, details.csv, feedback/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
