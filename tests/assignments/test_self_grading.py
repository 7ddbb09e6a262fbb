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


def test_a_limit_is_passed_on_to_the_capstones_ranking(tmp_path, monkeypatch):
    import leaderboard

    given = []
    monkeypatch.setattr(leaderboard, "main", lambda argv: given.extend(argv[2:]) or 0)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "capstone.py").write_text("")
    assert tool.main([str(tmp_path / "capstone.py"), "--seconds", "60"]) == 0 and given == ["--seconds=60.0"]
    given.clear()
    assert tool.main([str(tmp_path / "capstone.py")]) == 0 and given == []


def test_the_capstone_has_no_solutions_to_show(tmp_path, capsys):
    with pytest.raises(SystemExit):
        tool.main([str(tmp_path / "capstone.py"), "--solutions"])
    assert "--solutions: the capstone has none" in capsys.readouterr().err


def test_a_message_with_a_semicolon_stays_one_and_a_learners_own_link_is_followed(tmp_path, monkeypatch, capsys):
    def graded(handed_in, *_):
        assert assignments.read_candidate(handed_in / tool.STUDENT / f"{NAME}.ipynb").problem == ""
        page = tmp_path / "marks" / "feedback" / tool.STUDENT / f"{NAME}.html"
        page.parent.mkdir(parents=True)
        page.write_text("")
        return [assignments.Result("you", NAME, 1, 2, ["draw: a must be positive; got -1", "not done: up"], 0, {})]

    monkeypatch.setattr(assignments, "grade", graded)
    nbformat.write(notebook(), tmp_path / "kept elsewhere.ipynb")
    (tmp_path / f"{NAME}.ipynb").symlink_to("kept elsewhere.ipynb")
    assert tool.grade(assignments, tmp_path / f"{NAME}.ipynb", False, 60, tmp_path) == 0
    assert "\n- draw: a must be positive; got -1\n- not done: up\n" in capsys.readouterr().out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's folder."""
    folder = tmp_path_factory.mktemp("learner")
    self_grading.write(folder / "self-grading.zip")
    return folder


@pytest.mark.slow
class TestArchive:
    """Run as a learner runs it, outside the repository. One class, so that one worker does."""

    def run(self, folder, *given, archive="self-grading.zip", path=""):
        command = [sys.executable, archive, *given]
        environment = os.environ | {"PYTHONPATH": str(path), "PYTHONUTF8": "1"}
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
            ("nowhere.ipynb", "there is no file {folder}/nowhere.ipynb: go to your notebook's folder, or name it"),
            (".", "there is no file {folder}: go to"),
            ("holiday.ipynb", "holiday.ipynb is none of the assignments: choose_and_defend"),
            ("b.ipynb", "b.ipynb is not a notebook (NotJSONError): nothing to grade"),
        ],
    )
    def test_what_is_no_assignment_is_named(self, folder, name, words):
        nbformat.write(nbformat.v4.new_notebook(), folder / "holiday.ipynb")
        (folder / "b.ipynb").write_text("{")
        done = self.run(folder, name)
        assert done.returncode == 1 and done.stderr.startswith(words.format(folder=folder)), done.stderr

    def test_a_limit_below_nought_is_refused(self, folder):
        done = self.run(folder, "self-grading.zip", "--seconds", "-3")
        assert done.returncode == 2 and "a number above 0 is expected, got -3.0" in done.stderr

    def test_an_unpacked_archive_grades_too_and_names_a_slip_of_the_pen(self, folder):
        """Some browsers unpack what they download."""
        zipfile.ZipFile(folder / "self-grading.zip").extractall(folder / "self-grading")
        nbformat.write(notebook(triangular="def triangular(update\n    return 0", draw=True), folder / f"{NAME}.ipynb")
        done = self.run(folder, f"{NAME}.ipynb", archive="self-grading")
        assert done.returncode == 0, done.stderr
        assert "grading three_policies: this takes" in done.stdout
        assert "\n   4 of 20  in all" in done.stdout  # for the figure, of the right policies
        assert "- triangular: SyntaxError: '(' was never closed in line 1\n" in done.stdout
        assert "- not done: triangular2_peaks, triangular2_between, triangular2_late, exp_range_values" in done.stdout

    @pytest.mark.parametrize(
        ("module", "words"), [("nbgrader", "install lrlib[assignments]"), ("resource", "on Windows run it in WSL")]
    )
    def test_what_is_missing_is_named(self, folder, tmp_path, module, words):
        (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError('No module', name={module!r})")
        nbformat.write(notebook(), folder / f"{NAME}.ipynb")
        done = self.run(folder, f"{NAME}.ipynb", "--seconds", "60", path=tmp_path)
        assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
