"""The capstone's leaderboard: entries of every kind, places and their intervals, the teacher's own task."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import entry
import leaderboard as tool
import numpy as np
import pytest

from lrlib.course import data
from lrlib.course.samples import Sample

LONG = 300  # seconds for an entry on a busy machine
BUDGETS = [6, 9]
SEEDS = 20
LINE = "import lrlib\ndef schedule(updates):\n    return lrlib.Linear(0.1, 0.0, updates)\n"


def returning(words):
    return f"def schedule(updates):\n    return {words}\n"


def rates(source):
    return tool.rates_of(source.encode(), BUDGETS, LONG)


# --- One entry --------------------------------------------------------------------------------------------------------

UNUSUAL = {
    "a list": returning("[0.5] * updates"),
    "whole numbers": returning("[1 for _ in range(updates)]"),
    "an array": "import numpy as np\n" + returning("np.full(updates, 0.5)"),
    "a generator": "def schedule(updates):\n    for _ in range(updates):\n        yield 0.5\n",
    "a function of the update": returning("lambda update: 0.5"),
    "a schedule": "import lrlib\n" + returning("lrlib.Constant(0.5)"),
    "prints": "print('x' * 50_000_000)\n" + returning("print(updates) or [0.5] * updates"),
    "prints into the answer": "import sys\nsys.__stdout__.write('{}')\n" + returning("[0.5] * updates"),
    "writes into its own folder": "open('notes', 'w').write('x')\n"
    + returning("[0.5] * len(open('notes').read()) * updates"),
    "latin-1": "# -*- coding: latin-1 -*-\n" + returning("[0.5] * updates"),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_what_stands_for_rates_is_taken(kind):
    assert [len(one) for one in rates(UNUSUAL[kind])] == BUDGETS


BAD = {
    "no function": ("x = 1", "defines no function schedule"),
    "no Python": ("def schedule(updates)\n", "SyntaxError in line 1"),
    "raises": ("\n\n" + returning("1 / 0"), "ZeroDivisionError in line 4: division by zero"),
    "raises within numpy": ("import numpy as np\n" + returning("np.ones(2) @ np.ones(3)"), "ValueError in line 3: "),
    "leaves": ("raise SystemExit(0)", "SystemExit in line 1: 0"),
    "dies": ("import os\nos._exit(3)", r"ended without an answer.*\(status 3\)"),
    "is not a number": (returning("[float('nan')] * updates"), r"schedule\(6\) has the rate nan at update 0"),
    "below 0": (returning("[0.1] * (updates - 1) + [-0.1]"), r"schedule\(6\) has the rate -0.1 at update 5"),
    "without bound": (returning("[float('inf')] * updates"), "rate inf at update 0"),
    "above float32": (
        returning("[1e39] * updates"),
        r"rate 1e\+39 at update 0; 0 to 3.4028e\+38, the",
    ),
    "too short": (returning("[0.1] * (updates - 1)"), r"schedule\(6\) gave 5 rates, and 6 are expected"),
    "wrong for one budget": (returning("[0.1] * 6"), r"schedule\(9\) gave 6 rates, and 9 are expected"),
    "too long": (returning("[0.1] * (updates + 1)"), "gave more than 6 rates"),
    "without end": ("import itertools\n" + returning("itertools.repeat(0.1)"), "gave more than 6 rates"),
    "nothing": (returning("None"), "TypeError"),
    "words": (returning("['fast'] * updates"), "ValueError"),
    "too much memory": (returning("[0.1] * 10**10"), "MemoryError in line 2"),
    "a long message": ("raise ValueError('x' * 10**5)", "^ValueError in line 1: x{100}"),
    "a huge message": ("raise ValueError('x' * 10**8)", "without an answer"),
    "no Unicode": ("raise ValueError(chr(0xd800))", "ValueError in line 1"),
    "a forged answer": (
        "import os\nfor n in range(3, 9):\n    try: os.write(n, b'[1, 2]')\n    except OSError: pass\nos._exit(0)",
        "without an answer",
    ),
    "a large answer": (
        "import os\nfor n in 8 * [3, 4, 5]:\n    try: os.write(n, b'x' * 10**6)\n    except OSError: pass\nos._exit(0)",
        "without an answer",
    ),
    "a process": (
        "import subprocess\nsubprocess.run(['true'])",
        "PermissionError in line 2: .*subprocess.Popen is not allowed",
    ),
    "a fork": ("import os\nos.fork()", "os.fork is not allowed"),
    "the network": ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "socket.* is not allowed"),
    "a database elsewhere": ("import sqlite3\nsqlite3.connect('../made.db')", "sqlite3.connect is not allowed"),
    "its parent": ("import os\nos.kill(os.getppid(), 9)", "os.kill is not allowed"),
    "recursion": ("def schedule(updates):\n    return schedule(updates)\n", "RecursionError in line 2"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_entry_is_named(kind):
    source, words = BAD[kind]
    with pytest.raises(tool.BadEntry, match=words) as found:
        rates(source)
    assert len(str(found.value)) <= tool.SHOWN


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    ["while True:\n    pass\n", "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n"],
)
def test_what_never_ends_is_stopped(source):
    with pytest.raises(tool.BadEntry, match="stopped: it took more than 2 s"):
        tool.rates_of(source.encode(), BUDGETS, 2)


# --- A class ----------------------------------------------------------------------------------------------------------

NOT_UNICODE = os.fsdecode(b"M\xfcller")


def hand_in(folder, student, source, name=entry.NAME):
    (folder / student).mkdir()
    (folder / student / name).write_text(source)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The leaderboard of a class in which everything happened, on two short tasks, and where it lies."""
    folder, results = tmp_path_factory.mktemp("handed_in"), tmp_path_factory.mktemp("results")
    line = LINE.replace("0.1", "0.2")
    hand_in(folder, "ada", line)
    hand_in(folder, "bob", line + "\n# the same rates\n", "my entry.py")
    hand_in(folder, "cat", returning("[0.0001] * updates"))
    hand_in(folder, "dan", returning("[50.0] * updates"))
    hand_in(folder, "O'Brien [1] ü {x}", LINE)
    other = folder / "ada" / entry.NAME
    hand_in(folder, "eve", f"print(open({str(other)!r}).read())\n")
    hand_in(folder, "fay", f"open({str(other)!r}, 'w').write('def schedule(updates): return 0')\n")
    hand_in(folder, "gus", f"import os\nos.listdir({str(folder)!r})\n")
    hand_in(folder, "hal", f"import os\nos.remove({str(other)!r})\n")
    (folder / "ivy").mkdir()
    (folder / "ivy" / entry.NAME).symlink_to(other)
    (folder / "jim").symlink_to(folder / "ada")
    (folder / "kim").mkdir()
    os.mkfifo(folder / "kim" / entry.NAME)
    (folder / "leo").mkdir()
    hand_in(folder, "max", LINE, "a.py")
    (folder / "max" / "b.py").write_text(LINE)
    hand_in(folder, "pat", "#" * (tool.LARGEST + 1))
    hand_in(folder, "=cmd()", "raise ValueError('=1+1')")
    if sys.platform == "linux":
        hand_in(folder, NOT_UNICODE, "import nothing_of_this_name")
    known = {"digits": tool.Task(*data.digit_rows(), (64, 16, 10), 1197, 600, 32, 60)}
    name, third, first = tool.third_task(tool.CAPSTONE / "third_task.py")
    known[name] = third._replace(updates=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool, "tasks", lambda path: (known, first))
        table, notes = tool.leaderboard(folder, results, Path(), SEEDS, LONG, 1)
    assert other.read_text() == line
    return {place.student: place for place in table}, notes, results


@pytest.mark.slow
class TestBoard:
    """One class, so that one worker trains it."""

    def test_places_are_told_apart_where_the_seeds_tell(self, board):
        table, _, _ = board
        assert {student: (one.best, one.worst) for student, one in table.items()} == {
            "ada": (1, 2),
            "bob": (1, 2),
            tool.TEMPLATE: (3, 4),
            "O'Brien [1] ü {x}": (3, 4),
            "cat": (5, 6),
            "dan": (5, 6),
        }
        assert table["ada"].like == ["bob"] and table["ada"].accuracy == table["bob"].accuracy
        assert table["dan"].lost == table["cat"].lost == SEEDS
        assert "better in 100 % of the seeds that tell them apart" in table["dan"].apart
        # write_csv would take it for a formula
        assert not any(one.apart.startswith(("+", "-")) for one in table.values())

    @pytest.mark.parametrize(
        ("student", "words"),
        [
            ("ada", "^$"),
            ("bob", "handed in as my entry.py"),
            ("eve", r"PermissionError in line 1: an entry may not open '.*ada/capstone.py'"),
            ("fay", "PermissionError in line 1: an entry may not open"),
            ("gus", "PermissionError in line 2: an entry may not list"),
            ("hal", "os.remove is not allowed"),
            ("ivy", r"capstone.py cannot be read \(a link: hand in the file itself\)"),
            ("jim", r"jim/capstone.py is missing; jim cannot be listed \(a link: hand in the folder itself\)"),
            ("kim", r"capstone.py cannot be read \(not a regular file\)"),
            ("leo", "leo/capstone.py is missing"),
            ("max", "several files could be the entry: a.py, b.py"),
            ("pat", "larger than 1 MB"),
            ("=cmd()", "ValueError in line 1: =1\\+1"),
        ],
    )
    def test_everyone_has_a_row_and_a_bad_entry_a_message(self, board, student, words):
        table, notes, results = board
        assert re.search(words, notes[student]), notes[student]
        with (results / "leaderboard.csv").open(newline="", encoding="utf-8") as file:
            rows = {row["student"].removeprefix("'"): row for row in csv.DictReader(file)}
        row = rows[student]
        assert (row["place"] == "none") == (student not in table) and notes[student] in row["message"].removeprefix("'")

    def test_the_runs_are_written(self, board):
        table, _, results = board
        with (results / "runs.csv").open(newline="", encoding="utf-8") as file:
            runs = list(csv.DictReader(file))
        assert len(runs) == len(table) * 2 * SEEDS
        mean = np.mean([float(run["accuracy"]) for run in runs if run["student"] == "ada"])
        assert mean == pytest.approx(table["ada"].accuracy, abs=1e-3)


# --- Places -----------------------------------------------------------------------------------------------------------


def numbers(*values, lost=0):
    return [Sample(np.array(values), np.arange(len(values)) < lost)]


def test_places_follow_from_pairs_and_not_from_means_alone():
    noise = np.array([0.3, -0.2, 0.1, -0.3, 0.1])
    entries = {
        "low": numbers(*80 + noise),
        "high": numbers(*90 + noise),
        "wide": numbers(*90.05 + 20 * noise),
        "twin": numbers(*90 + noise),
    }
    table = {one.student: one for one in tool.places(entries)}
    assert list(table) == ["wide", "high", "twin", "low"]  # by the mean
    assert {student: (one.best, one.worst) for student, one in table.items()} == {
        "wide": (1, 4),  # first by its mean, and not clearly different from anyone
        "high": (1, 3),
        "twin": (1, 3),
        "low": (3, 4),
    }
    assert table["high"].like == ["wide", "twin"] and table["wide"].apart == ""


def test_a_difference_too_small_to_matter_parts_nobody():
    entries = {"a": numbers(90.05, 91.05, 92.05), "b": numbers(90.0, 91.0, 92.0), "c": numbers(89.0, 90.0, 91.0)}
    assert [(one.best, one.worst) for one in tool.places(entries)] == [(1, 2), (1, 2), (3, 3)]


def test_more_entries_need_clearer_differences():
    values = np.array([90.0, 91.0, 92.0, 93.0, 94.0])
    two = {"a": numbers(91.0, 91.5, 92.8, 94.2, 94.3), "b": numbers(*values)}
    many = two | {f"c{number}": numbers(*values - 20 * number) for number in range(1, 40)}
    assert [one.like for one in tool.places(two)] == [[], []]
    assert tool.places(many)[0].like == ["b"]


def test_lost_runs_are_counted_and_not_averaged_into_an_interval():
    good, bad = numbers(*np.full(20, 90.0)), numbers(*np.full(20, 10.0), lost=20)
    first, last = tool.places({"bad": bad, "good": good})
    assert (first.student, last.best, last.lost) == ("good", 2, 20) and last.apart.startswith("better in 100 %")


def test_seeds_that_both_lost_are_no_half_of_a_win():
    _, last = tool.places({"a": numbers(*np.full(5, 10.0), lost=5), "b": numbers(*np.full(5, 10.0), lost=5)})
    assert last.apart == "no seed tells them apart"
    mixed = {"a": numbers(10.0, 10.0, 90.0, 90.0, 90.0, lost=2), "b": numbers(*np.full(5, 10.0), lost=5)}
    assert tool.places(mixed)[1].apart.startswith("better in 100 % of the seeds that tell them apart (29 to 100)")


# --- The teacher's task, and the command ------------------------------------------------------------------------------

THIRD = (tool.CAPSTONE / "third_task.py").read_text()


def test_a_teachers_task_is_read(tmp_path):
    path = tmp_path / "third_task.py"
    path.write_text(THIRD.replace("FIRST_SEED = 0", "FIRST_SEED = 700").replace('"spirals"', '"secret"'))
    name, task, first = tool.third_task(path)
    assert (name, first, task.layers, task.x.dtype, len(task.y)) == ("secret", 700, (2, 32, 32, 3), np.float32, 4000)


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("BATCH, UPDATES = 50, 500", "BATCH = 50", "KeyError: 'UPDATES'"),
        ("LAYERS = (2,", "LAYERS = (3,", r"x has the shape \(4000, 2\), and LAYERS begins with 3"),
        ("32, 3)", "32, 2)", r"a label is none of 0 to 1: \[2\]"),
        ("LAYERS = (2, 32, 32, 3)", "LAYERS = ()", r"LAYERS has fewer than two numbers, inputs and classes: \(\)"),
        ("LAYERS = (2, 32, 32, 3)", "LAYERS = (2,)", r"fewer than two numbers, inputs and classes: \(2,\)"),
        ("LAYERS = (2, 32, 32, 3)", "LAYERS = (2, 0, 3)", r"LAYERS are not all above 0: \(2, 0, 3\)"),
        ("32, 3)", "32, 2.5)", "LAYERS must be whole numbers, got 2, 32, 32, 2.5"),
        ("BATCH, UPDATES = 50, 500", "BATCH, UPDATES = '50', 500", "must be whole numbers, got 2000, 2000, '50', 500"),
        ("FIRST_SEED = 0", "FIRST_SEED = 0.5", "FIRST_SEED must be whole numbers, got 0.5"),
        ("FIRST_SEED = 0", "FIRST_SEED = -1", "FIRST_SEED is below 0: -1"),
        ("FIRST_SEED = 0", "raise SystemExit(3)", "SystemExit: 3"),
        (
            '"float32"), y',
            '"float32"), np.eye(3, dtype=int)[y]',
            r"y has the shape \(4000, 3\) and type int64: one whole",
        ),
        ('"float32"), y', '"float32"), y * 1.0', r"y has the shape \(4000,\) and type float64"),
        ('"float32"), y', '"float32")[:, 0], y', r"x has the shape \(4000,\): a row for each example"),
        ("radius * np.cos(angle)", "np.where(y > 1, np.nan, radius)", r"\d+ of the numbers in x are not finite"),
        ('"spirals"', '"MNIST"', "the name is taken: MNIST"),
        ("UPDATES = 50, 500", "UPDATES = 50, 0", "not all above 1"),
        ("TRAIN, TEST = 2000, 2000", "TRAIN, TEST = 2000, 2000\nimport nowhere", "ModuleNotFoundError"),
        ("return np.stack", "return radius[1:, None], y\n    return np.stack", "x has 3999 rows and y 4000"),
        ("(0, 3, TRAIN + TEST)", "(0, 3, 3000)", "TRAIN and TEST are more than all 3000 examples"),
    ],
)
def test_a_file_that_is_no_task_is_refused(tmp_path, line, instead, words):
    path = tmp_path / "third_task.py"
    assert line in THIRD
    path.write_text(THIRD.replace(line, instead))
    with pytest.raises(tool.AssignmentError, match=words):
        tool.third_task(path)


def test_all_seeds_train_alike_and_a_seed_apart_gives_the_same():
    task = tool.Task(*data.digit_rows(), (64, 16, 10), 1197, 600, 32, 50)
    both = tool.train(task, [0.2] * 50, [3, 4])
    (alone,) = tool.train(task, [0.2] * 50, [4]).values
    assert not both.lost.any() and both.values[1] == pytest.approx(alone, abs=0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["nowhere", "out"], "nowhere is not a folder"),
        ([".", "out", "--seeds", "2"], "three seeds or more, got 2"),
        ([".", "out", "--seconds", "1"], "has no folders: one a student is expected, STUDENT/capstone.py"),
    ],
)
def test_what_cannot_be_ranked_is_refused(tmp_path, monkeypatch, capsys, given, words):
    monkeypatch.chdir(tmp_path)
    assert tool.main(given) == 1 and words in capsys.readouterr().err


@pytest.mark.parametrize("number", ["2.5", "0", "many"])
def test_a_number_of_jobs_that_is_not_whole_is_refused_as_such(capsys, number):
    with pytest.raises(SystemExit):
        tool.main(["in", "out", "--jobs", number])
    assert f"a whole number above 0 is expected, got {number!r}" in capsys.readouterr().err


def test_too_little_time_for_what_all_start_from_is_the_callers_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "tasks", lambda _: ({"digits": tool.Task(None, None, (2, 2), 9, 9, 9, 6)}, 0))
    (tmp_path / "in" / "ada").mkdir(parents=True)
    words = "gave no rates: stopped: it took more than 0.01 s; --seconds "
    with pytest.raises(tool.AssignmentError, match=words):
        tool.leaderboard(tmp_path / "in", tmp_path / "out", Path(), 3, 0.01, 1)


def test_a_worker_that_fails_before_the_entry_says_why(tmp_path, monkeypatch):
    (tmp_path / "entry.py").write_text("import nothing_of_this_name")
    monkeypatch.setattr(tool, "__file__", str(tmp_path / "leaderboard.py"))
    with pytest.raises(tool.BadEntry, match="without an answer: ModuleNotFoundError: No module named 'nothing_of_"):
        rates(LINE)


def test_no_students_folder_takes_the_row_of_what_all_start_from(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(tool, "tasks", lambda _: ({"digits": tool.Task(None, None, (2, 2), 9, 9, 9, 6)}, 0))
    monkeypatch.setattr(tool, "rates_of", lambda source, *_: given.append(source) or [[0.1] * 6])
    monkeypatch.setattr(tool, "_train_all", lambda _, answers, *__: dict.fromkeys(answers, numbers(1.0, 2.0, 3.0)))
    name = "(what you start from)"
    (tmp_path / "in").mkdir()
    hand_in(tmp_path / "in", name, LINE)
    for _ in range(2):  # the second time over the tables of the first
        given.clear()
        table, notes = tool.leaderboard(tmp_path / "in", tmp_path / "out", Path(), 3, LONG, 1)
    assert [place.student for place in table] == [tool.TEMPLATE, name] and notes == {name: ""} and len(given) == 2
    assert Path(tool.TEMPLATE).name != tool.TEMPLATE  # so that no folder is called that


def test_files_that_could_be_the_entry_are_named_by_their_folders(tmp_path):
    for folder in ("first", "second"):
        (tmp_path / "bob" / folder).mkdir(parents=True)
        (tmp_path / "bob" / folder / entry.NAME).write_text(LINE)
    with pytest.raises(tool.BadEntry) as found:
        tool.read_entry(tmp_path / "bob")
    first, second = sorted(str(found.value).removeprefix("several files could be the entry: ").split(", "))
    assert (first, second) == ("first/capstone.py", "second/capstone.py")


@pytest.mark.parametrize("obstacle", [".", "leaderboard.csv", "runs.csv"])
def test_results_that_cannot_be_written_are_refused_before_anything_runs(tmp_path, monkeypatch, obstacle):
    monkeypatch.setattr(tool, "rates_of", lambda *_: pytest.fail("an entry was run"))
    monkeypatch.setattr(tool, "tasks", lambda _: ({}, 0))
    (tmp_path / "in" / "ada").mkdir(parents=True)
    results = tmp_path / "out"
    if obstacle == ".":
        results.write_text("a file")
    else:
        (results / obstacle).mkdir(parents=True)
    words = f"{obstacle} is a folder" if obstacle.endswith(".csv") else "results cannot be written to .*out: "
    with pytest.raises(tool.AssignmentError, match=words):
        tool.leaderboard(tmp_path / "in", results, Path(), 3, LONG, 1)


@pytest.mark.parametrize("name", tool.TABLES)
def test_a_table_of_another_program_is_not_replaced(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tool, "rates_of", lambda *_: pytest.fail("an entry was run"))
    (tmp_path / "in" / "ada").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("run,loss\n")
    with pytest.raises(tool.AssignmentError, match=f"out/{name}: not written by this tool, which would replace it"):
        tool.leaderboard(tmp_path / "in", tmp_path / "out", Path(), 3, LONG, 1)
    assert (tmp_path / "out" / name).read_text() == "run,loss\n"


@pytest.mark.slow
def test_the_worker_speaks_json_and_nothing_else(tmp_path):
    command = [sys.executable, "-I", entry.__file__, "2"]
    done = subprocess.run(command, input=LINE.encode(), capture_output=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == {"rates": [[0.1, 0.05]]} and done.stderr == b""
