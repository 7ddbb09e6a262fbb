"""nbgrader's own road: release, what students may hand in, marks, feedback; and that no solution leaks."""

import copy
import csv
import html
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import harness
import nbformat
import pytest
from nbformat import v4

tool = harness.assignments
NAMES = tool.names(tool.SOURCES)
FAULTY = "three_policies"  # the assignment that the faults are tried on
SITE = Path(__file__).resolve().parents[2] / "book" / "_build" / "html"
LONG = 900  # seconds for a submission, so that a busy machine stops none that should pass
SHORT = 3  # seconds for a cell of what should be stopped


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    tool.release(folder, tool.SOURCES, None, NAMES)
    return {name: nbformat.read(folder / f"{name}.ipynb", 4) for name in NAMES}


@pytest.mark.slow
@pytest.mark.parametrize("framework", [None, *tool.FRAMEWORKS])
def test_students_get_what_nbgrader_would_release(tmp_path, framework):
    tool.build_course(tmp_path / "course", tool.SOURCES, framework, NAMES)
    for path in tool.release(tmp_path, tool.SOURCES, framework, NAMES):
        assert path.read_bytes() == (tmp_path / "course" / "release" / path.stem / path.name).read_bytes()


@pytest.mark.parametrize(
    ("marks", "source", "message"),
    [
        ({"solution": True}, "### BEGIN SOLUTION\n1", "no END SOLUTION"),
        ({"solution": True}, "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "do not alternate"),
        ({"grade": True}, "### END HIDDEN TESTS", "do not alternate"),
        ({}, "### BEGIN SOLUTION\n### END SOLUTION", "a solution in a cell that is not marked"),
        ({}, "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS", "hidden tests in a cell that is not marked"),
    ],
)
def test_what_would_give_answers_away_is_refused(marks, source, message):
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source, metadata={"nbgrader": marks})])
    with pytest.raises(tool.AssignmentError, match=message):
        tool.student_version(notebook)


SOURCE = """\
# %% nbgrader={"solution": true, "grade": false, "grade_id": "double"}
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


def other(x):
    return x

# %% nbgrader={"solution": false, "grade": true, "grade_id": "doubled", "points": 1}
"""


def test_a_reference_is_the_solutions_function_where_a_test_has_not_passed(tmp_path):
    line = "### REFERENCE double UNLESS one, two PASSED"
    (tmp_path / "a.py").write_text(f"{SOURCE}### BEGIN HIDDEN TESTS\n{line}\n### END HIDDEN TESTS\n")
    notebook = tool.read_source(tmp_path / "a.py")
    for passed, found in (({}, 2), ({"_one_passed": True}, 2), ({"_one_passed": True, "_two_passed": True}, 3)):
        space = {**passed, "double": lambda x: 3 * x}
        exec(notebook.cells[1].source, space)
        assert space["double"](1) == found and "other" not in space
    assert "return 2" not in nbformat.writes(tool.student_version(notebook))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("### REFERENCE double UNLESS one PASSED", "would show a solution"),
        ("### BEGIN HIDDEN TESTS\n### REFERENCE half UNLESS one PASSED\n### END HIDDEN TESTS", "cell defines half"),
        ("### BEGIN HIDDEN TESTS\n### REFERENCE double UNLESS one\n### END HIDDEN TESTS", "is expected: ### REFERENCE"),
    ],
)
def test_a_reference_that_stands_in_the_wrong_place_or_names_nothing_is_refused(tmp_path, line, message):
    (tmp_path / "a.py").write_text(f"{SOURCE}{line}\n")
    with pytest.raises(tool.AssignmentError, match=message):
        tool.read_source(tmp_path / "a.py")


@pytest.mark.parametrize("mark", ["### {}", "    ### {}", "### {}: a name"])
def test_feedback_hides_what_a_release_hides(mark):
    from grading_steps import HideTests

    hidden = [mark.format(f"{word} HIDDEN TESTS") for word in ("BEGIN", "END")]
    source = f"if True:\n    x = 1\n{hidden[0]}\n    assert secret\n{hidden[1]}\ny = 2"
    error = v4.new_output("error", ename="NameError", evalue="words", traceback=["    assert secret"])
    cell = v4.new_code_cell(source, metadata={"nbgrader": {"grade": True}}, outputs=[error])
    HideTests().preprocess_cell(cell, {}, 0)
    assert cell.source == "if True:\n    x = 1\ny = 2" and cell.outputs[0].traceback == ["NameError: words"]


def test_a_students_own_mark_ends_no_feedback():
    from grading_steps import HideTests

    cell = v4.new_code_cell("### BEGIN HIDDEN TESTS", metadata={"nbgrader": {"grade": False, "solution": True}})
    assert HideTests().preprocess_cell(cell, {}, 0)[0].source == "### BEGIN HIDDEN TESTS"


def ran(name, kind, error):
    """A cell that was run, with the error that ended it, if any."""
    outputs = [v4.new_output("error", ename=error, evalue="words", traceback=[])] if error else []
    marks = {"nbgrader": {"grade_id": name, kind: True}}
    return v4.new_code_cell("", metadata=marks, outputs=outputs)


@pytest.mark.parametrize(
    ("answer", "test", "remark"),
    [
        ("NotImplementedError", "NameError", "not done: t"),
        ("NotImplementedError", "AssertionError", "t: words"),
        (None, "NameError", "t: NameError: words"),
    ],
)
def test_a_test_that_misses_a_name_is_not_done_where_the_answer_is_untouched(answer, test, remark):
    cells = [ran("first", "solution", "NotImplementedError"), ran("a", "solution", answer), ran("t", "grade", test)]
    assert list(tool._remarks(v4.new_notebook(cells=cells))) == [remark]


def solved(name, untouched):
    """A student's notebook with the reference solutions typed in."""
    notebook = copy.deepcopy(untouched)
    reference = tool.read_source(tool.SOURCES / f"{name}.py")
    sources = {harness.cell_name(cell): cell.source for cell in harness.solution_cells(reference)}
    for cell in harness.solution_cells(notebook):
        cell.source = sources[harness.cell_name(cell)]
    return notebook


def with_code(untouched, source):
    """The first solution cell replaced."""
    notebook = copy.deepcopy(untouched)
    harness.solution_cells(notebook)[0].source = source
    return notebook


ENDLESS = {
    "endless": "while True:\n    pass",
    "stubborn": "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
}
# Looks for what it should not find beside it, and writes itself points where nbgrader keeps them.
CURIOUS = """from pathlib import Path
for folder in [Path(), *Path().absolute().parents]:
    for name in ("gradebook.db", "source/three_policies", "release/three_policies", "autograded/student"):
        if (folder / name).exists():
            print("FOUND", folder / name)
print("LOOKED", Path().absolute())
"""
FORGER = """import os, sqlite3
own = open(f"/proc/{os.getppid()}/cmdline").read().split(chr(0))[3]
gradebook = sqlite3.connect(f"{own}/gradebook.db")
gradebook.execute("update grade set extra_credit = 100, auto_score = 100, manual_score = 100")
gradebook.commit()
print("FORGED", gradebook.total_changes)
"""
FAULTS = {
    "crash": "import os\nos._exit(1)",
    "curious": CURIOUS,
    "flood": "for _ in range(100):\n    print('x' * 1_000_000)",
}


CLUMSY = "O'Brien [1] ü {x}"  # brackets are a pattern to nbgrader
HTML = "<script>document.title = 'run'</script><img src='https://example.org/a.png' onerror=\"document.title = 'run'\">"


def clumsy(right):
    """Right answers with another number, a copied cell, an answer and its first test deleted, and HTML in the text."""
    notebook = copy.deepcopy(right)
    first, second, *_ = (notebook.cells.index(cell) for cell in harness.solution_cells(notebook))
    moved = notebook.cells[second].source
    del notebook.cells[second : second + 2]
    notebook.cells[first].source += f"\n\n{moved}"
    copied = v4.new_code_cell(notebook.cells[first].source, metadata=notebook.cells[first].metadata)
    notebook.cells.insert(first, copied)
    numbers = next(cell for cell in notebook.cells if tool.has_numbers(cell))
    numbers.source = numbers.source.replace("GAMMA = 0.998", "GAMMA = 1.0")  # which makes one policy of two
    notebook.cells.append(v4.new_markdown_cell(HTML))
    notebook.cells.append(v4.new_code_cell("from IPython.display import HTML\nHTML('<' + 'b>shown as HTML</b>')"))
    return notebook


def hand_in(folder, student, notebook, file_name):
    (folder / student).mkdir(exist_ok=True)
    nbformat.write(notebook, folder / student / file_name)


def marked(folder, results, names, cell_seconds=None):
    """Marks by student and assignment, and where the tables and pages lie."""
    marks = tool.grade(folder, results, tool.SOURCES, None, names, LONG, cell_seconds, jobs=2)
    return {(mark.student, mark.assignment): mark for mark in marks}, results


@pytest.fixture(scope="module")
def graded(released, tmp_path_factory):
    """A class of two: one hands in the reference for all, the other what was released."""
    folder = tmp_path_factory.mktemp("handed_in")
    for name in NAMES:
        hand_in(folder, "reference", solved(name, released[name]), f"{name}.ipynb")
        hand_in(folder, "untouched", released[name], f"{name}.ipynb")
    return marked(folder, tmp_path_factory.mktemp("results"), NAMES)


@pytest.fixture(scope="module")
def stopped(released, tmp_path_factory):
    """A class whose code never ends."""
    folder = tmp_path_factory.mktemp("endless")
    for student, source in ENDLESS.items():
        hand_in(folder, student, with_code(released[FAULTY], source), f"{FAULTY}.ipynb")
    return marked(folder, tmp_path_factory.mktemp("results"), [FAULTY], SHORT)


@pytest.fixture(scope="module")
def faulty(released, tmp_path_factory):
    """A class that hands in what no grader expects."""
    folder, file_name = tmp_path_factory.mktemp("faulty"), f"{FAULTY}.ipynb"
    right = solved(FAULTY, released[FAULTY])
    for student, source in FAULTS.items():
        hand_in(folder, student, with_code(released[FAULTY], source), file_name)
    hand_in(folder, "renamed", right, "my answer (2).ipynb")
    without_tests = copy.deepcopy(right)
    without_tests.cells = [cell for cell in right.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    hand_in(folder, "deleted-tests", without_tests, file_name)
    easier = copy.deepcopy(released[FAULTY])
    for cell in harness.graded_cells(easier):
        cell.source = "pass"
    hand_in(folder, "changed-tests", easier, file_name)
    (folder / "missing").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / file_name).write_text("{ not a notebook")
    hand_in(folder, CLUMSY, clumsy(right), file_name)
    if sys.platform == "linux":
        hand_in(folder, "forger", with_code(released[FAULTY], FORGER), file_name)
    return marked(folder, tmp_path_factory.mktemp("results"), [FAULTY])


@pytest.mark.slow
class TestGraded:
    """The reference and the untouched version of every assignment. One class, so that one worker grades it."""

    @pytest.mark.parametrize("name", NAMES)
    def test_reference_and_untouched_through_nbgrader(self, graded, name, record_property):
        marks, results = graded
        for key, value in {"assignment": name, "kind": "reference"}.items():
            record_property(key, value)
        record_property("seconds", f"{marks['reference', name].seconds:.0f}")
        assert marks["reference", name].score == marks["reference", name].max_score == 20, marks["reference", name]
        assert marks["untouched", name].score == 0
        assert (results / "feedback" / "reference" / f"{name}.html").stat().st_size > 1000

    def test_feedback_shows_messages_and_no_hidden_test(self, graded):
        _, results = graded
        for name in NAMES:
            page = (results / "feedback" / "untouched" / f"{name}.html").read_text()
            assert not any(line in page for line in secrets(name)[1])
        assert "NotImplementedError" in page


@pytest.mark.slow
class TestFaulty:
    """What no grader expects. One class, so that one worker grades it."""

    @pytest.mark.parametrize(
        ("student", "score", "words"),
        [
            ("crash", 0, "the Python process of the notebook died"),
            ("flood", 0, "more than 100,000 characters of output"),
            ("missing", 0, f"missing/{FAULTY}.ipynb is missing"),
            ("broken", 0, "not a notebook"),
            ("renamed", 20, f"handed in as my answer \\(2\\).ipynb, graded as {FAULTY}.ipynb"),
            ("deleted-tests", 20, ""),
            ("changed-tests", 0, "not done"),
            (CLUMSY, 20, "numbers.*: GAMMA; copied or split cells.*: triangular; deleted or merged.*: triangular2"),
        ],
    )
    def test_what_students_hand_in_gets_a_mark_and_a_message(self, faulty, student, score, words):
        marks, results = faulty
        mark = marks[student, FAULTY]
        assert mark.score == score and re.search(words, mark.message), mark
        page = (results / "feedback" / student / f"{FAULTY}.html").read_text()
        assert len(page) < 3_000_000

    def test_the_tables_have_a_row_for_everyone(self, faulty):
        marks, results = faulty
        students = {student for student, _ in marks}
        assert [student for student, _ in marks] == sorted(students)  # in order, though graded side by side
        with (results / "grades.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["student"] for row in rows} == students
        assert {row["student"]: row[f"{FAULTY} (of 20)"] for row in rows}["renamed"] == "20"
        with (results / "details.csv").open(newline="") as file:
            details = list(csv.DictReader(file))
        assert {(row["student"], row["assignment"]) for row in details} == set(marks)

    def test_a_feedback_page_loads_and_runs_nothing(self, faulty):
        """What a student wrote in HTML stands there as text, and the page's policy forbids more."""
        _, results = faulty
        loads = re.compile(
            r"""<script|<iframe|<link|@import|<[^>]*\b(?:src|srcset|data)=["']?(?!data:)""", re.IGNORECASE
        )
        policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'"
        for student in ("renamed", CLUMSY):
            page = (results / "feedback" / student / f"{FAULTY}.html").read_text()
            assert loads.findall(page) == []
            head, _, _ = page.partition("</head>")
            assert f'<meta content="{policy}" http-equiv="Content-Security-Policy"/>' in head and "<body" not in head
        assert "&lt;script&gt;" in page and "<b>shown" not in page

    def test_a_feedback_page_lists_the_tests_by_name(self, faulty, released):
        page = (faulty[1] / "feedback" / "renamed" / f"{FAULTY}.html").read_text()
        for cell in harness.graded_cells(released[FAULTY]):
            assert re.search(rf'<a href="#{harness.cell_name(cell)}">{harness.cell_name(cell)}</a> \(Score', page)
        assert ">Test cell</a>" not in page

    def test_students_code_finds_no_solution_and_no_gradebook_in_its_folder(self, faulty):
        page = (faulty[1] / "feedback" / "curious" / f"{FAULTY}.html").read_text()
        assert "LOOKED /" in page and "FOUND /" not in page

    @pytest.mark.skipif(sys.platform != "linux", reason="the forger finds the gradebook by /proc")
    def test_points_written_into_the_gradebook_do_not_count(self, faulty):
        marks, results = faulty
        page = (results / "feedback" / "forger" / f"{FAULTY}.html").read_text()
        assert re.search(r"FORGED [1-9]", page), "the forger no longer finds the gradebook: nothing was tried"
        assert marks["forger", FAULTY].score == 0 and "(Score: 0.0 / 20.0)" in page


@pytest.mark.slow
class TestStopped:
    """What never ends. One class, so that one worker grades it."""

    @pytest.mark.parametrize(
        ("student", "words"),
        [
            ("endless", "{cell}: stopped, it took too long"),
            ("stubborn", "it took too long|could not be interrupted|more than .* s in all"),
        ],
    )
    def test_what_never_ends_is_stopped(self, stopped, released, student, words):
        marks, results = stopped
        mark = marks[student, FAULTY]
        cell = harness.cell_name(harness.solution_cells(released[FAULTY])[0])
        assert mark.score == 0 and re.search(words.format(cell=cell), mark.message), mark
        assert (results / "feedback" / student / f"{FAULTY}.html").stat().st_size < 3_000_000


def secrets(name):
    """Lines of an assignment's solutions and hidden tests that stand nowhere else in it and are long enough to tell."""
    text = (tool.SOURCES / f"{name}.py").read_text()
    found = []
    for kind in ("SOLUTION", "HIDDEN TESTS"):
        pattern = rf"### BEGIN {kind}\n(.*?)### END {kind}"
        blocks = re.findall(pattern, text, re.DOTALL)
        rest = re.sub(pattern, "", text, flags=re.DOTALL)
        lines = {line.strip() for block in blocks for line in block.splitlines()}
        found.append({line for line in lines if len(line) > 25 and line not in rest})
    return found


@cache
def every_secret():
    """Secret lines of all assignments: line → how it is written as it is, in HTML and in JSON."""
    lines = {line for name in NAMES for found in secrets(name) for line in found}
    return {line: {line, html.escape(line), json.dumps(line)[1:-1]} for line in lines}


def leaks(text):
    """Secret lines of any assignment in a text, as it is or as JSON or HTML have it."""
    return [line for line, forms in every_secret().items() if any(form in text for form in forms)]


@pytest.mark.parametrize("name", NAMES)
def test_there_are_secrets_to_keep(name):
    solution, hidden = secrets(name)
    assert len(solution) >= 3 and len(hidden) >= 10
    assert leaks((tool.SOURCES / f"{name}.py").read_text())


@pytest.mark.parametrize("framework", [None, "pytorch", "keras"])
@pytest.mark.slow
def test_students_files_hold_no_solution_and_no_hidden_test(framework, tmp_path):
    for path in tool.release(tmp_path, tool.SOURCES, framework, NAMES):
        text = path.read_text()
        assert leaks(text) == [] and "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text
        tags = {tag for cell in nbformat.read(path, 4).cells for tag in cell.metadata.get("tags", [])}
        assert framework is None or not tags & set(tool.FRAMEWORKS) - {framework}


def test_a_teachers_solutions_lie_under_a_name_of_their_own(tmp_path):
    """The site offers what lies under a student's notebook's name."""
    assert tool.main(["release", str(tmp_path), "--only", FAULTY, "--solutions"]) == 0
    (path,) = tmp_path.iterdir()
    assert path.name == f"{FAULTY}-solutions.ipynb" and leaks(path.read_text()) and "HIDDEN" in path.read_text()
    nbformat.validate(nbformat.read(path, 4))


@pytest.mark.slow
def test_a_private_variant_is_released_with_its_own_numbers(tmp_path):
    private, released = tmp_path / "private", tmp_path / "released"
    private.mkdir()
    source = (tool.SOURCES / f"{FAULTY}.py").read_text()
    (private / f"{FAULTY}.py").write_text(source.replace("STOP = 1000", "STOP = 1230"))
    (path,) = tool.release(released, private, None, tool.names(private))
    assert "STOP = 1230" in path.read_text()


def test_notebooks_are_known_by_name_then_by_cells(tmp_path):
    cells = {"one": {"a", "b"}, "two": {"c"}}

    def write(name, *ids):
        (tmp_path / "ada").mkdir(exist_ok=True)
        cells = [v4.new_code_cell(metadata={"nbgrader": {"grade_id": one}}) for one in ids]
        nbformat.write(v4.new_notebook(cells=cells), tmp_path / "ada" / name)

    write("one.ipynb", "a", "b")
    write("one (1).ipynb", "a", "b")
    write("mine.ipynb", "c")
    write("holiday.ipynb")
    (tmp_path / "eve").mkdir()
    found = {(given.student, given.assignment): given for given in tool.submissions(tmp_path, cells)}
    assert tool.cell_names(found["ada", "one"].notebook) == {"a", "b"}
    assert found["ada", "one"].note == "not graded: one (1).ipynb, a second one"
    assert tool.cell_names(found["ada", "two"].notebook) == {"c"}
    assert found["ada", "two"].note == "handed in as mine.ipynb, graded as two.ipynb"
    assert found["eve", "one"].notebook is None and "eve/one.ipynb is missing" in found["eve", "one"].note


@pytest.mark.slow
def test_the_built_site_holds_no_solution_and_no_hidden_test():
    chapters = "".join(path.read_text() for path in tool.SOURCES.parent.glob("chapters/*.py"))  # they teach some of it
    kinds = (".html", ".ipynb", ".py", ".txt", ".js", ".json", ".md")
    pages = [path for path in SITE.rglob("*") if path.suffix in kinds]
    assert any(path.name == "teachers.html" for path in pages), "make book comes first"
    for path in pages:
        assert [line for line in leaks(path.read_text(errors="replace")) if line not in chapters] == [], path
    assert not [path for path in SITE.rglob("*.py") if path.stem in NAMES]


@pytest.mark.slow
def test_a_release_of_an_unknown_assignment_is_refused(tmp_path):
    command = [sys.executable, tool.__file__, "release", str(tmp_path), "--only", "four_policies"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "no assignment named four_policies; there are" in run.stderr


@pytest.mark.slow
def test_grading_what_is_no_folder_is_refused(tmp_path):
    command = [sys.executable, tool.__file__, "grade", str(tmp_path / "nowhere"), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "is not a folder" in run.stderr


def test_a_release_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(tool.AssignmentError, match=r"file/three_policies\.ipynb cannot be written: "):
        tool.release(tmp_path / "file", tool.SOURCES, None, ["three_policies"])


def test_no_cell_of_a_table_is_a_formula():
    assert tool._inert("=1+1") == "'=1+1" and tool._inert("@now") == "'@now" and tool._inert("20") == "20"
