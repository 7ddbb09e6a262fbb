"""Each assignment against its answers: the reference, the untouched version, wrong answers and unusual right ones."""

import itertools
from functools import cache

import harness
import pytest

pytestmark = pytest.mark.slow
NAMES = harness.assignments.names(harness.assignments.SOURCES)
ANSWERS = {name: harness.read_answers(name) for name in NAMES}
CASES = [pytest.param(name, answer, id=f"{name}: {answer.title}") for name in NAMES for answer in ANSWERS[name][0]]


def test_an_answer_of_several_blocks_is_of_one_kind_and_one_framework(tmp_path, monkeypatch):
    head = "# %% unusual: in two cells; in: {}{}\nx = 1\n".format
    monkeypatch.setattr(harness, "ANSWERS", tmp_path)
    (tmp_path / "a.py").write_text(head("first", "; with: keras") + head("second", ""))
    ((answer,), _) = harness.read_answers("a")
    assert answer.framework == "keras" and list(answer.cells) == ["first", "second"]
    for other in (head("second", "; with: pytorch"), head("second", "").replace("unusual", "wrong")):
        (tmp_path / "a.py").write_text(head("first", "; with: keras") + other)
        with pytest.raises(ValueError, match="a: 'in two cells' is unusual with keras, and then "):
            harness.read_answers("a")


def test_what_remembers_is_called_as_what_it_replaces():
    def train(schedule, seed):
        return [schedule(0), seed]

    space = {"FRAMEWORK": "none", "UPDATES": 1}
    trained = harness.remembered(train, space)
    assert (
        trained(lambda _: 0.5, seed=3)
        == trained(seed=3, schedule=lambda _: 0.5)
        == trained(lambda _: 0.5, 3)
        == [0.5, 3]
    )
    assert [key for key in harness.TRAINED if "none" in key] == [("train", "none", 0.5, "3")]
    with pytest.raises(TypeError, match="missing a required argument: 'seed'"):
        trained(lambda _: 0.5)


def note(record_property, name, kind):
    """For the table at the end of the run: see tests/conftest.py."""
    record_property("assignment", name)
    record_property("kind", kind)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("framework", [None, "pytorch", "keras"])
def test_the_reference_gets_full_marks(name, framework, record_property):
    note(record_property, name, "reference")
    anew = framework is not None  # the release for both trains what that for PyTorch does
    assert harness.failures(name, {}, framework=framework, anew=anew) == {}


@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_three_policies_is_the_same_notebook_for_each_framework(framework):
    """It trains nothing, so what its answers show holds in every release."""
    assert harness.source_of("three_policies", framework) == harness.source_of("three_policies", None)


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
    assert any(map(harness.assignments.has_numbers, notebook.cells))


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


@cache
def selection(name, tests):
    """These tests alone, or () for all where the reference fails them alone: they use names that others define."""
    return () if harness.failures(name, {}, tests=tests) else tests


@pytest.mark.parametrize(("name", "answer"), CASES)
def test_answer(name, answer, record_property):
    note(record_property, name, answer.kind)
    tests = selection(name, answer.caught_by)
    failed = harness.failures(name, answer.cells, framework=answer.framework, tests=tests)
    if answer.kind == "unusual":
        assert failed == {}
        return
    assert answer.caught_by and set(answer.caught_by) <= set(failed), f"not caught by its test; failed: {failed}"
    for test in answer.caught_by:
        assert failed[test].partition(": ")[2], f"{test} fails with {failed[test]!r}: its assert lacks a message"


def part_of(name, cell):
    """The tests between a solution cell and the next one."""
    cells = [one for one in harness.source_of(name, None).cells if harness.cell_name(one)]
    following = iter(cells[[harness.cell_name(one) for one in cells].index(cell) + 1 :])
    tests = itertools.takewhile(lambda one: not one.metadata.nbgrader["solution"], following)
    return {harness.cell_name(one) for one in tests if one.metadata.nbgrader["grade"]}


# Solution cells whose mistakes cost nothing in later parts, as the teacher's page says.
OWN_PARTS = {
    "three_policies": ["triangular", "triangular2", "exp_range", "draw"],
    "fair_comparison": ["equal_budget", "line", "student", "pair", "judge", "conclude"],
    "choose_and_defend": ["law", "known", "unknown", "rule", "claim"],
    "mend_the_loop": ["count", "accumulate", "restart", "scale", "thaw"],
    "find_the_range": ["sweep", "steepest", "bounds", "verdicts"],
    "your_own_schedule": ["rate"],
}


@pytest.mark.parametrize(("name", "cell"), [(name, cell) for name, cells in OWN_PARTS.items() for cell in cells])
def test_one_mistake_costs_its_own_part_only(name, cell):
    """The first wrong answer to a part, or none at all: later parts are judged with the right one."""
    answer = next(one for one in ANSWERS[name][0] if one.kind == "wrong" and list(one.cells) == [cell])
    for source in (answer.cells[cell], harness.STUB):
        failed = set(harness.failures(name, {cell: source}))
        assert failed and failed <= part_of(name, cell), source


@pytest.mark.parametrize(
    "title", ["the slope against the rate", "a tenth of the lowest point", "zeros beyond the ends"]
)
def test_a_wrong_rule_costs_nothing_of_the_bounds(title):
    """Bounds that are computed from it are computed again from the right one; the test above has a wrong sweep."""
    (answer,) = [one for one in ANSWERS["find_the_range"][0] if one.title == title]
    failed = set(harness.failures("find_the_range", answer.cells))
    assert failed and failed <= part_of("find_the_range", "steepest")


def test_a_wrong_rate_costs_nothing_of_a_keras_schedule_that_calls_it():
    """In the release for Keras too, which has none of PyTorch's tests."""
    answers = {one.title: one.cells for one in ANSWERS["your_own_schedule"][0]}
    cells = answers["forgets the drop"] | answers["a table and gather"]
    failed = set(harness.failures("your_own_schedule", cells, framework="keras"))
    assert failed and failed <= part_of("your_own_schedule", "rate")


def test_the_bugs_are_parts_of_their_own():
    """Each script's mending, test and diagnosis has one test, and no wrong answer loses another's."""
    cells = [harness.cell_name(one) for one in harness.solution_cells(harness.source_of("scheduler_bugs", None))]
    wrong = [one for one in ANSWERS["scheduler_bugs"][0] if one.kind == "wrong"]
    answers = [next(one for one in wrong if list(one.cells) == [cell]) for cell in cells]
    for answer in answers:
        assert set(harness.failures("scheduler_bugs", answer.cells)) == set(answer.caught_by), answer.title


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("self.drop * self.peak", "self.peak", "the rate is wrong where this begins: fall"),
        ("keras.ops.sqrt(done)", "done", "the rate is wrong inside a phase, or after the end"),
        (
            't = keras.ops.cast(step, "float32")',
            't = keras.ops.minimum(keras.ops.cast(step, "float32"), 1e9 if isinstance(step, int) else 25.0)',
            "the rate is wrong when step is a tensor (int32)",
        ),
    ],
)
def test_the_kind_of_step_is_blamed_only_where_the_formula_is_right(right, wrong, message):
    cells = harness.solution_cells(harness.source_of("your_own_schedule", "keras"))
    (source,) = (cell.source for cell in cells if harness.cell_name(cell) == "schedule")
    answer = {"schedule": source.replace(right, wrong)}
    failed = harness.failures("your_own_schedule", answer, framework="keras", tests=("keras_eager",))
    assert message in failed["keras_eager"]
