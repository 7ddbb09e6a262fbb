"""Accidents in a student's folder: each ends in a mark and a message, and all others are graded.

nbgrader is left out: a stand-in for the process that runs it gives full marks, so that these tests take milliseconds.
"""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import sys
import threading

import harness
import nbformat
import pytest
from nbformat import v4

tool = harness.assignments
TASK, OTHER = "task", "other"
FILE = f"{TASK}.ipynb"
NOT_UNICODE = os.fsdecode(b"M\xfcller")
BRACKETS = "O'Brien [1] ü {x} *?"


def named(name, source, points=0):
    """A code cell as nbgrader releases it: an answer, with points a test, and with None for them a tool."""
    kind = {"grade": True, "points": points, "locked": True} if points else {"grade": False, "locked": points is None}
    metadata = {**kind, "grade_id": name, "solution": points == 0, "task": False, "schema_version": 3}
    return v4.new_code_cell(source, metadata={"nbgrader": metadata})


def task():
    """A released notebook: two answers, each with tests."""
    cells = [v4.new_markdown_cell("Two answers.")]
    cells += [named("first", "a = 1"), named("test_a", "assert a", 2), named("test_b", "assert a == 1", 3)]
    cells += [named("second", "c = 1"), named("test_c", "assert c", 5)]
    return v4.new_notebook(cells=cells)


def sources(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def build_course(course, *_):
    for name in (TASK, OTHER):
        (course / "release" / name).mkdir(parents=True)
        nbformat.write(task() if name == TASK else v4.new_notebook(), course / "release" / name / f"{name}.ipynb")


def run_apart(own, assignment, *_):
    """In place of nbgrader: full marks, which the notebook's last cell may change."""
    submitted = nbformat.read(own / "submitted" / tool.STUDENT / assignment / f"{assignment}.ipynb", 4)
    result = {"scores": {"test_a": 2, "test_b": 3, "test_c": 5}, "remarks": []}
    exec(submitted.cells[-1].source, {"result": result})
    (own / "result.json").write_text(json.dumps(result))
    (own / "feedback.html").write_text("a page")


def write(path, last="", name=TASK):
    notebook = task()
    notebook.cells.append(v4.new_code_cell(last))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def folder_named(name):
    return lambda student: (student / name).mkdir(parents=True)


def link(name, target):
    def make(student):
        student.mkdir()
        (student / name).symlink_to(target)

    return make


def pipe(name):
    def make(student):
        student.mkdir()
        os.mkfifo(student / name)

    return make


def text(name, content):
    def make(student):
        student.mkdir()
        (student / name).write_bytes(content)

    return make


def too_large(student):
    student.mkdir()
    with (student / FILE).open("wb") as file:
        file.truncate(tool.LARGEST + 1)


def notebook(last="", name=FILE):
    return lambda student: write(student / name, last)


# a student's name → what makes the folder, the mark, what the message says
MISSING = f"{FILE} is missing; handed in, but of no assignment: x.ipynb "
A_LINK = r"cannot be read \(a link: hand in the file itself\)$"
A_FOLDER = r"cannot be listed \(a link: hand in the folder itself\)$"
ACCIDENTS = {
    "well": (notebook(), 10, "^$"),
    BRACKETS: (notebook(), 10, "^$"),
    "folder": (folder_named(FILE), 0, r"folder/task.ipynb cannot be read \(a folder\)"),
    "folder-x": (folder_named("x.ipynb"), 0, MISSING + r"cannot be read \(a folder\)"),
    "unpacked": (notebook(name=f"{FILE}/{FILE}"), 10, "^$"),
    "nowhere": (link(FILE, "nowhere"), 0, f"{FILE} {A_LINK}"),
    "nowhere-x": (link("x.ipynb", "nowhere"), 0, MISSING + A_LINK),
    "loop": (link(FILE, FILE), 0, f"{FILE} {A_LINK}"),
    "borrowed": (link(FILE, f"../well/{FILE}"), 0, f"borrowed/{FILE} {A_LINK}"),
    "borrowed-x": (link("x.ipynb", f"../well/{FILE}"), 0, MISSING + A_LINK),
    "borrowed-within": (link(TASK, "../well"), 0, f"is missing; .*: {TASK} {A_FOLDER}"),
    "borrowed-named": (link(FILE, "../well"), 0, f"{FILE} {A_LINK}"),
    "pipe": (pipe(FILE), 0, r"task.ipynb cannot be read \(not a regular file\)"),
    "pipe-x": (pipe("x.ipynb"), 0, MISSING + r"cannot be read \(not a regular file\)"),
    "device": (link(FILE, "/dev/null"), 0, f"{FILE} {A_LINK}"),
    "large": (too_large, 0, r"task.ipynb cannot be read \(larger than 50 MB: clear the outputs\)"),
    "deep": (text(FILE, b"[" * 200_000), 0, r"task.ipynb is not a notebook \(RecursionError\)"),
    "deep-x": (text("x.ipynb", b"[" * 200_000), 0, MISSING + r"is not a notebook \(RecursionError\)"),
    "binary": (text(FILE, b"\xff\x00\xfe"), 0, "task.ipynb is not a notebook"),
    "empty": (text(FILE, b""), 0, "task.ipynb is not a notebook"),
    "list": (text(FILE, b"[1, 2]"), 0, "task.ipynb is not a notebook"),
    "no-cells": (text(FILE, b'{"nbformat": 4, "nbformat_minor": 5}'), 0, "task.ipynb is not a notebook"),
    "newer": (text(FILE, b'{"nbformat": 9, "cells": []}'), 0, "task.ipynb is not a notebook"),
    "nothing": (lambda student: student.mkdir(), 0, f"nothing/{FILE} is missing$"),
    "linked": (lambda student: student.symlink_to("well"), 0, f"linked {A_FOLDER}"),
    "broken-link": (lambda student: student.symlink_to("not there"), 0, f"broken-link {A_FOLDER}"),
    "pipe-itself": (os.mkfifo, 0, r"pipe-itself cannot be listed \(Not a directory\)"),
    "broken-and-good": (
        lambda student: (text(FILE, b"{")(student), write(student / "task (1).ipynb")),
        10,
        r"handed in as task \(1\).ipynb",
    ),
    "capital": (notebook(name="task.IPYNB"), 10, "^$"),
    "no-space": (notebook("raise OSError(28, 'No space left')"), 0, "not graded: OSError: .*No space left"),
    "no-result": (notebook("result.clear()"), 0, "not graded: KeyError: 'scores'"),
    "rich": (notebook("result['scores']['test_a'] = 800"), 10, "^$"),
    "half-a-pair": (notebook("# HALF"), 10, "^$"),
    "half-in-message": (notebook("result['remarks'] += [chr(0xd800)]"), 10, r"^\\ud800$"),
}
if sys.platform == "linux":  # macOS refuses names that are not UTF-8
    ACCIDENTS[NOT_UNICODE] = (notebook(), 10, "^$")
    ACCIDENTS[f"{NOT_UNICODE} 2"] = (lambda student: student.mkdir(), 0, r"M\\udcfcller 2/task.ipynb is missing$")
    ACCIDENTS["file-not-unicode"] = (notebook(name=f"{NOT_UNICODE}.ipynb"), 10, r"handed in as M\\udcfcller.ipynb")


def too_long(*_):
    raise RuntimeError("a file is waited for")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Where the marks of a class lie in which everything happened."""
    submissions, results = tmp_path_factory.mktemp("handed_in"), tmp_path_factory.mktemp("results")
    for student, (make, *_) in ACCIDENTS.items():
        make(submissions / student)
    path = submissions / "half-a-pair" / FILE
    path.write_text(path.read_text().replace("HALF", r"\ud800"))  # in JSON, half of a surrogate pair
    (submissions / "a note.txt").write_text("no student")
    (submissions / ".hidden").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "build_course", build_course)
        patch.setattr(tool, "_run_apart", run_apart)
        before = signal.signal(signal.SIGALRM, too_long)
        signal.setitimer(signal.ITIMER_REAL, 60, 5)  # again, should a second file be waited for
        try:
            tool.grade(submissions, results, tool.SOURCES, None, [OTHER, TASK])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    return results


def in_tables(name):
    return name.encode("utf-8", "backslashreplace").decode()


@pytest.fixture(scope="module")
def rows(results):
    with (results / "grades.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_everyone_has_a_row(rows, results):
    assert list(rows) == sorted(map(in_tables, ACCIDENTS))
    with (results / "details.csv").open(newline="", encoding="utf-8") as file:
        assert {row["student"] for row in csv.DictReader(file)} == set(rows)
    assert not [column for column in rows["well"] if column.startswith(OTHER)]  # nobody handed that in


@pytest.mark.parametrize("student", ACCIDENTS, ids=ascii)
def test_an_accident_ends_in_a_mark_and_a_message(rows, results, student):
    _, mark, words = ACCIDENTS[student]
    row = rows[in_tables(student)]
    assert float(row[f"{TASK} (of 10)"]) == mark and re.search(words, row[f"{TASK} feedback"]), row
    page = (results / "feedback" / student / f"{TASK}.html").read_text(encoding="utf-8")
    assert page == "a page" if mark else "task: 0" in page


def test_the_marks_are_printed_whatever_the_names(results, monkeypatch, capsys, tmp_path):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "ada" / FILE, "result['remarks'] += [chr(0xd800)]")
    monkeypatch.setattr(tool, "build_course", build_course)
    monkeypatch.setattr(tool, "_run_apart", run_apart)
    monkeypatch.setattr(tool, "names", lambda *_: [TASK])
    assert tool.main(["grade", str(tmp_path / "in"), str(tmp_path / "out"), "--seconds", "60"]) == 0
    assert "ada task: 10 of 10 \\ud800" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path):
    write(tmp_path / "ada" / FILE)
    write(tmp_path / "eve" / "within" / FILE)
    (tmp_path / "ada" / FILE).chmod(0)
    (tmp_path / "eve" / "within").chmod(0)
    found = {given.student: given.note for given in tool.submissions(tmp_path, {TASK: {"first"}})}
    (tmp_path / "eve" / "within").chmod(0o700)  # pytest removes it
    assert f"ada/{FILE} cannot be read (Permission denied)" in found["ada"]
    assert "within cannot be listed (Permission denied)" in found["eve"]


def test_where_all_is_unreadable_everyone_still_has_a_mark(tmp_path):
    link("x.ipynb", "nowhere")(tmp_path / "ada")
    assert [(given.student, given.assignment) for given in tool.submissions(tmp_path, {TASK: {"first"}})] == [
        ("ada", TASK)
    ]


@pytest.fixture
def school(tmp_path, monkeypatch):
    """A class of three, and how to grade it with the stand-in, or with what a test gives for it."""
    for student in ("ada", "bob", "cat"):
        write(tmp_path / "in" / student / FILE)
    monkeypatch.setattr(tool, "build_course", build_course)

    def grade(run_apart=run_apart):
        monkeypatch.setattr(tool, "_run_apart", run_apart)
        return tool.grade(tmp_path / "in", tmp_path / "out", tool.SOURCES, None, [TASK])

    return grade


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def never(*_):
    pytest.fail("a submission was graded")


@pytest.mark.parametrize("obstacle", ["grades.csv", "details.csv"])
def test_results_that_cannot_be_written_are_refused_before_grading(tmp_path, school, obstacle):
    (tmp_path / "out" / obstacle).mkdir(parents=True)
    with pytest.raises(tool.AssignmentError, match=f"{obstacle} is a folder"):
        school(never)
    (tmp_path / "out" / obstacle).rmdir()
    (tmp_path / "out").rmdir()
    (tmp_path / "out").write_text("")
    with pytest.raises(tool.AssignmentError, match=r"results cannot be written to .*out"):
        school(never)


def test_later_results_replace_earlier_ones_and_nothing_else(tmp_path, school):
    school()
    earlier = files(tmp_path / "out")
    others = {"leaderboard.csv": "of another tool", "notes/ada.txt": "my own"}
    for name, words in others.items():
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text(words)
    (tmp_path / "out" / "feedback" / ".DS_Store").write_text("by a file browser")
    shutil.rmtree(tmp_path / "in" / "cat")
    school()
    kept = {name for name in earlier if "cat" not in name}
    assert set(files(tmp_path / "out")) == kept | set(others)
    assert others.items() <= files(tmp_path / "out").items() and "cat" not in files(tmp_path / "out")["grades.csv"]


@pytest.mark.parametrize(
    "name", ["feedback", "feedback/notes.txt", "feedback/ada/notes.md", "grades.csv", "unfinished/notes.txt"]
)
def test_a_teachers_own_file_is_not_replaced(tmp_path, school, name):
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("my own")
    words = f"^{re.escape(str(path))}: not written by this tool, which would replace it. Move it elsewhere, or name"
    with pytest.raises(tool.AssignmentError, match=words):
        school(never)
    assert path.read_text() == "my own"


def test_a_linked_folder_of_feedback_is_not_replaced(tmp_path, school):
    (tmp_path / "kept").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "feedback").symlink_to(tmp_path / "kept")
    with pytest.raises(tool.AssignmentError, match="out/feedback: not written by this tool"):
        school(never)


@pytest.fixture
def interruptible():
    """Ctrl-C interrupts, as it does in a terminal: the workers of xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_keeps_earlier_results_and_what_was_finished(tmp_path, school, monkeypatch, capsys):
    school()
    earlier = files(tmp_path / "out")
    stopping, began = threading.Event(), []

    class Pool(tool.ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(False, cancel_futures=cancel_futures)
            stopping.set()
            super().shutdown(wait)

    def interrupted(own, *given):
        began.append(own)
        if len(began) == 2:
            os.kill(os.getpid(), signal.SIGINT)  # as by Ctrl-C
            assert stopping.wait(60)
        run_apart(own, *given)

    monkeypatch.setattr(tool, "ThreadPoolExecutor", Pool)
    with pytest.raises(tool.AssignmentError, match=r"interrupted: 2 of 3 .* are in .*out/unfinished\. Earlier "):
        school(interrupted)
    assert "interrupted: waiting for what is being graded, 120 s at most" in capsys.readouterr().err
    made = files(tmp_path / "out" / "unfinished")
    assert set(made) == {"grades.csv", "details.csv", "feedback/ada/task.html", "feedback/bob/task.html"}
    assert "ada" in made["grades.csv"] and "bob" in made["details.csv"] and "cat" not in made["grades.csv"]
    assert earlier.items() <= files(tmp_path / "out").items()
    shutil.rmtree(tmp_path / "in" / "bob")
    school()
    assert set(files(tmp_path / "out")) == {name for name in earlier if "bob" not in name}
    assert not (tmp_path / "out" / "unfinished").exists()


def test_a_notebook_in_no_students_folder_is_named_before_grading(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "README.txt").write_text("not a submission")
    assert tool.student_folders(tmp_path, "NAME.ipynb") == [tmp_path / "ada"]
    (tmp_path / f"bob_{TASK}.ipynb").write_text("")
    with pytest.raises(tool.AssignmentError, match=f"in no student's folder: bob_{TASK}.ipynb. Move each to .*STUDENT"):
        tool.student_folders(tmp_path, "NAME.ipynb")


def edited(edit):
    """The released notebook as a student's editor left it: what nbgrader gets, and the notes."""
    notebook = task()
    edit(notebook.cells)
    return notebook, tool.restore(notebook, task())


def copied(cells):
    cells.insert(2, v4.new_code_cell("a = 2", metadata=cells[1].metadata))


def split(cells):
    cells.insert(1, v4.new_code_cell("a =", metadata=cells[1].metadata))
    cells[2].source = "1"


def merged(cells):
    cells[1].source += "\n" + cells.pop(4).source


def all_merged(cells):
    cells[1].source = "\n".join(cell.source for cell in cells[1:])
    del cells[2:]


def answer_and_tests_deleted(cells):
    del cells[1:4]


def copied_test(cells):
    cells.insert(0, v4.new_code_cell("assert a", metadata=cells[2].metadata))


def in_another_order(cells):
    cells[1:3] = reversed(cells[1:3])


def damaged(cells):
    for cell in cells[1:]:
        cell.metadata = {"nbgrader": {"grade_id": cell.metadata.nbgrader.grade_id, "points": "many"}, "tags": 3}


A, C, TEST_A, TEST_B, TEST_C = "a = 1", "c = 1", "assert a", "assert a == 1", "assert c"


@pytest.mark.parametrize(
    ("edit", "code", "note"),
    [
        (copied, [A, "a = 2", TEST_A, TEST_B, C, TEST_C], "copied or split .*: first$"),
        (split, ["a =", "1", TEST_A, TEST_B, C, TEST_C], "copied or split .*: first$"),
        (copied_test, [TEST_A, A, TEST_A, TEST_B, C, TEST_C], "copied or split .*: test_a$"),
        (merged, [f"{A}\n{C}", TEST_A, TEST_B, TEST_C], "deleted or merged .*: second$"),
        (all_merged, ["\n".join([A, TEST_A, TEST_B, C, TEST_C]), TEST_A, TEST_B, TEST_C], "deleted or .*: second$"),
        (answer_and_tests_deleted, [TEST_A, TEST_B, C, TEST_C], "deleted or merged .*: first$"),
        (list.clear, [TEST_A, TEST_B, TEST_C], "deleted or merged .*: first, second$"),
        (list.reverse, [TEST_C, C, TEST_B, TEST_A, A], "moved behind .*: first, test_a, test_b, second$"),
        (in_another_order, [TEST_A, A, TEST_B, C, TEST_C], "moved behind .*: first$"),
        (damaged, [A, TEST_A, TEST_B, C, TEST_C], ""),
    ],
)
def test_what_an_editor_did_to_cells_is_mended(edit, code, note):
    notebook, notes = edited(edit)
    assert sources(notebook) == code
    assert re.search(note, "; ".join(notes)) if note else notes == []
    names = [name for cell in notebook.cells if (name := tool.cell_name(cell))]
    assert len(names) == len(set(names)) and {"test_a", "test_b", "test_c"} <= set(names)
    originals = {tool.cell_name(cell): cell.metadata for cell in task().cells}
    assert all(cell.metadata == originals[tool.cell_name(cell)] for cell in notebook.cells)


def test_a_deleted_tool_comes_back_before_what_uses_it():
    released = task()
    released.cells.insert(1, named("tool", "t = 1", None))
    notebook = task()
    assert tool.restore(notebook, released) == [] and sources(notebook) == ["t = 1", *sources(task())]


NUMBERS = """# the teacher's
FRAMEWORK = "pytorch"  # or "keras"
PEAK = 0.2  # of the rates
LOW, HIGH = 1, 2
"""


@pytest.mark.parametrize(
    ("own", "framework", "note"),
    [
        (NUMBERS, "pytorch", None),
        (NUMBERS.replace("pytorch", "keras"), "keras", None),
        (NUMBERS.replace("0.2", "0.03").replace("pytorch", "keras"), "keras", "PEAK"),
        (NUMBERS.replace("LOW, HIGH = 1, 2", "LOW = 1\nHIGH = 3"), "pytorch", "LOW, HIGH"),
        ("FRAMEWORK = 'ke' + 'ras'", "keras", "PEAK, LOW, HIGH"),
        ("PEAK = ", "pytorch", "PEAK, LOW, HIGH"),  # it does not run at all
        (None, "pytorch", "PEAK, LOW, HIGH"),
    ],
)
def test_the_released_numbers_decide_and_the_students_framework(own, framework, note):
    released = task()
    released.cells.insert(1, v4.new_code_cell(NUMBERS, metadata={"tags": ["parameters"]}))
    notebook = task()
    if own is not None:
        notebook.cells.insert(1, v4.new_code_cell(own))
    notes = tool.restore(notebook, released)
    assert notes == ([] if note is None else [f"changed or deleted numbers (the released ones were used): {note}"])
    found = {}
    for source in sources(notebook)[: sources(notebook).index("a = 1")]:
        with contextlib.suppress(SyntaxError):
            exec(source, found)
    assert (found["FRAMEWORK"], found["PEAK"], found["LOW"], found["HIGH"]) == (framework, 0.2, 1, 2)
    assert sources(notebook)[-5:] == sources(task())


@pytest.mark.parametrize(("edit", "name", "place"), [(copied, "first", 2), (copied_test, "test_a", 3)])
def test_of_several_copies_the_last_keeps_the_name(edit, name, place):
    """All others have run before it."""
    notebook, _ = edited(edit)
    assert [number for number, cell in enumerate(notebook.cells) if tool.cell_name(cell) == name] == [place]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(task()).encode("utf-8-sig"),
        json.dumps(task()).encode("utf-16"),
        json.dumps(nbformat.convert(task(), 3)).encode(),
        json.dumps(task() | {"metadata": {}, "nbformat_minor": 0}).encode(),
    ],
    ids=["byte order mark", "utf-16", "nbformat 3", "nbformat 4.0"],
)
def test_notebooks_that_other_programs_wrote_are_read(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    read = tool.read_submission(tmp_path / FILE)
    assert sources(read) == sources(task()) and tool.cell_names(read) == tool.cell_names(task())
    nbformat.validate(read)


@pytest.mark.parametrize(
    ("status", "log", "words"),
    [
        (1, "ValueError: x\nDeadKernelError: y", "the Python process of the notebook died"),
        (-9, "an unrelated warning", "ended by SIGKILL"),
        (1, "Traceback\nkey.KeyError: 'a'\nbase.NbGraderException: see above", "key.KeyError: 'a'"),
        (1, "", "ended with status 1"),
    ],
)
def test_the_reason_is_the_error_and_not_the_last_line(status, log, words):
    assert words in tool._reason(status, log)


@pytest.mark.parametrize(("jobs", "gigabytes", "fit"), [(4, 32, 4), (4, 5, 2), (2, 1, 1), (1, 64, 1)])
def test_as_many_at_a_time_as_fit_into_memory(jobs, gigabytes, fit):
    assert tool.within_memory(jobs, gigabytes << 30) == fit


@pytest.mark.parametrize(("times", "most"), [(0.25, 1), (3, 3)])
def test_a_slow_machine_gives_more_time_and_a_fast_one_no_less(times, most):
    assert tool.limit(times * tool.PROBE_SECONDS) == pytest.approx(most * tool.SECONDS)


def test_a_calibration_gives_a_limit(monkeypatch):
    monkeypatch.setattr(tool, "PROBE", "pass")
    assert tool.calibrate(2) >= tool.SECONDS


def test_a_failed_calibration_is_no_limit(monkeypatch, capfd):
    monkeypatch.setattr(tool, "PROBE", "raise SystemExit('no numpy here')")
    with pytest.raises(tool.AssignmentError, match=r"calibration failed.*--seconds \(SECONDS= with make\)"):
        tool.calibrate(1)


@pytest.mark.parametrize(
    "given", [["--seconds", "0"], ["--seconds", "inf"], ["--seconds", "long"], ["--jobs", "0"], ["--jobs", "2.5"]]
)
def test_limits_that_are_none_are_refused(tmp_path, capsys, given):
    with pytest.raises(SystemExit):
        tool.main(["grade", str(tmp_path), str(tmp_path / "results"), *given])
    kind = "whole number" if given[0] == "--jobs" else "number"
    assert f"a {kind} above 0 is expected, got '{given[1]}'" in capsys.readouterr().err


def test_a_limit_that_is_given_is_taken(tmp_path, monkeypatch, capsys):
    taken = {}
    monkeypatch.setattr(tool, "grade", lambda *given, jobs: taken.update(seconds=given[-1], jobs=jobs) or [])
    assert tool.main(["grade", str(tmp_path), str(tmp_path), "--seconds", "45.5", "--jobs", "1"]) == 0
    assert taken == {"seconds": 45.5, "jobs": 1} and "15 s for a cell; 1 at a time" in capsys.readouterr().out
