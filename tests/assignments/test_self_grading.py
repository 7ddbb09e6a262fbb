"""The archive with which a learner grades herself: what it holds, what it shows and when."""

import os
import subprocess
import sys
import zipfile

import assignments
import harness
import nbformat
import pytest
import self_grading
import self_grading_main as tool

NAME = "three_policies"


def notebook(**answers):
    """The released notebook with answers in it by cell; True stands for the reference."""
    found = assignments.student_version(assignments.read_source(assignments.SOURCES / f"{NAME}.py"))
    right = {harness.cell_name(cell): cell.source for cell in harness.source_of(NAME, None).cells}
    for cell in found.cells:
        answer = answers.get(harness.cell_name(cell))
        if answer:
            cell.source = right[harness.cell_name(cell)] if answer is True else answer
    return found


def test_the_archive_holds_all_that_grades_and_is_written_once(tmp_path):
    path = self_grading.write(tmp_path / "self-grading.zip")
    names = zipfile.ZipFile(path).namelist()
    assert {f"assignments/{name}.py" for name in assignments.names(assignments.SOURCES)} < set(names)
    assert {"__main__.py", "tools/assignments.py", "assignments/capstone/third_task.py"} < set(names)
    before = path.stat().st_mtime_ns, path.read_bytes()
    self_grading.write(path)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


@pytest.mark.parametrize(
    ("answer", "is_one"),
    [
        ("def f(x):\n    raise NotImplementedError()", False),
        ("def f(x):\n    # I do not know\n    raise NotImplementedError()", False),
        ("def f(x):\n    y = x\n    raise NotImplementedError()", False),
        ("def f(x):\n    # my own comment", False),
        ("", False),
        ("def f(x):\n    return x", True),
    ],
)
def test_what_counts_as_an_attempt(answer, is_one):
    stub = "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    cells = [nbformat.v4.new_code_cell(text) for text in (answer, stub)]
    assert tool.attempted(*cells) is is_one


def test_solutions_are_shown_of_what_was_tried_and_of_nothing_else():
    text, untried = tool.solutions(assignments, NAME, notebook(triangular="def triangular(*given):\n    return 0"))
    assert "place = np.minimum(update, stop) % (up + down)" in text and "2.0**cycle" not in text and "###" not in text
    assert untried == ["triangular2", "exp_range", "draw"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's folder."""
    folder = tmp_path_factory.mktemp("learner")
    self_grading.write(folder / "self-grading.zip")
    return folder


@pytest.mark.slow
class TestArchive:
    """Run as a learner runs it, outside the repository. One class, so that one worker does."""

    def run(self, folder, *given):
        command = [sys.executable, "self-grading.zip", *given]
        environment = os.environ | {"PYTHONPATH": "", "PYTHONUTF8": "1"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    def test_a_notebook_is_graded_and_its_solutions_follow_the_attempts(self, folder):
        nbformat.write(notebook(triangular=True, triangular2="triangular2 = 3"), folder / "my work.ipynb")
        done = self.run(folder, "my work.ipynb", "--solutions")
        assert done.returncode == 0, done.stderr
        assert "   2 of 2  triangular_ends" in done.stdout and "   8 of 20  in all" in done.stdout
        assert "- triangular2_peaks: TypeError" in done.stdout
        assert "not tried yet, so not shown: exp_range, draw" in done.stdout
        assert "2.0**cycle" in (folder / f"{NAME}-solutions.md").read_text()
        assert (folder / f"{NAME}-feedback.html").stat().st_size > 1000

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("nowhere.ipynb", "download it"),
            ("holiday.ipynb", "is none of the assignments"),
            ("b.ipynb", "not JSON|JSON"),
        ],
    )
    def test_what_is_no_assignment_is_named(self, folder, name, words):
        nbformat.write(nbformat.v4.new_notebook(), folder / "holiday.ipynb")
        (folder / "b.ipynb").write_text("{")
        done = self.run(folder, name)
        assert done.returncode == 1 and any(word in done.stderr for word in words.split("|"))
        assert "Traceback" not in done.stderr
