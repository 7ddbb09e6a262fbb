"""Each assignment against its answers: the reference, the untouched version, wrong answers and unusual right ones."""

import harness
import pytest

pytestmark = pytest.mark.slow
NAMES = harness.assignments.names(harness.assignments.SOURCES)
ANSWERS = {name: harness.read_answers(name) for name in NAMES}
CASES = [pytest.param(name, answer, id=f"{name}: {answer.title}") for name in NAMES for answer in ANSWERS[name][0]]


def note(record_property, name, kind):
    """For the table at the end of the run: see tests/conftest.py."""
    record_property("assignment", name)
    record_property("kind", kind)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("framework", [None, "pytorch", "keras"])
def test_the_reference_gets_full_marks(name, framework, record_property):
    note(record_property, name, "reference")
    assert harness.failures(name, {}, framework=framework) == {}


@pytest.mark.parametrize("name", NAMES)
def test_other_parameters_keep_the_tests_valid(name):
    """A teacher may change the numbers."""
    parameters = ANSWERS[name][1]
    assert parameters, f"answers/{name}.py has no other parameters"
    assert harness.failures(name, {}, parameters) == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_untouched_version_gets_nothing(name, record_property):
    note(record_property, name, "untouched")
    notebook = harness.assignments.read_source(harness.assignments.SOURCES / f"{name}.py")
    stubs = {harness.cell_name(cell): harness.STUB for cell in harness.solution_cells(notebook)}
    assert set(harness.failures(name, stubs)) == {harness.cell_name(cell) for cell in harness.graded_cells(notebook)}


@pytest.mark.parametrize("name", NAMES)
def test_points_and_names(name):
    notebook = harness.assignments.read_source(harness.assignments.SOURCES / f"{name}.py")
    assert sum(cell.metadata.nbgrader["points"] for cell in harness.graded_cells(notebook)) == 20
    cells = [harness.cell_name(cell) for cell in notebook.cells if harness.cell_name(cell)]
    assert len(cells) == len(set(cells))
    assert any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)


@pytest.mark.parametrize("name", NAMES)
def test_the_teachers_page_counts_the_answers(name):
    """Its table is a copy of what a run of these tests wrote to book/_build/assignments/proof.md."""
    kinds = [answer.kind for answer in ANSWERS[name][0]]
    wrong, unusual = kinds.count("wrong"), kinds.count("unusual")
    row = f"| {name} | full marks | none | {wrong} / {wrong} | {unusual} / {unusual} |"
    page = harness.assignments.SOURCES / "teachers.md"
    assert row in page.read_text(), f"copy book/_build/assignments/proof.md into {page}"


@pytest.mark.parametrize("name", NAMES)
def test_enough_answers_were_tried(name):
    kinds = [answer.kind for answer in ANSWERS[name][0]]
    assert kinds.count("wrong") >= 8 and kinds.count("unusual") >= 2


@pytest.mark.parametrize(("name", "answer"), CASES)
def test_answer(name, answer, record_property):
    note(record_property, name, answer.kind)
    failed = harness.failures(name, answer.cells, tests=answer.caught_by)
    if answer.kind == "unusual":
        assert failed == {}
        return
    assert answer.caught_by and set(answer.caught_by) <= set(failed), f"not caught by its test; failed: {failed}"
    for test in answer.caught_by:
        assert failed[test].partition(": ")[2], f"{test} fails with {failed[test]!r}: its assert lacks a message"
