"""The question bank is the chapters' quizzes, in Markdown and in Moodle's GIFT."""

import json
import re
import zipfile

import pytest
import question_bank as tool

QUIZ = """\
# T

## Check yourself

1. A rate of {0.1} is **too low / right /
   too high**, as [a figure](#fig) shows.
2. It **falls / rises**.

<details>
<summary>Answers</summary>

1. **too high**: the loss
   rises: 100 %.
2. **falls**: see above.

</details>
"""


def test_a_quiz_is_read_as_it_stands():
    first, second = tool.questions("T", QUIZ)
    assert first.text == "A rate of {0.1} is ____, as [a figure](#fig) shows."
    assert first.choices == ["too low", "right", "too high"] and first.right == "too high"
    assert first.reason == "The loss rises: 100 %." and second.text == "It ____." and second.number == 2


def test_gift_marks_the_right_choice_and_escapes_what_moodle_would_read():
    text = tool.gift(list(tool.questions("T: a/b", QUIZ)))
    assert text.startswith(
        "$CATEGORY: Learning-rate schedules/T: a//b\n\n::T\\: a/b 1::[markdown]A rate of \\{0.1\\} is"
    )
    assert "{\n~too low\n~right\n=too high\n####The loss rises\\: 100 %.\n}" in text
    assert text.count("$CATEGORY") == 1 and "\\#fig" in text


MARKS = ":#={}~\\"  # what GIFT gives a meaning
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
LISTED = re.compile(r"[%\[]|(\d+\.|[-+*>#])\s")  # a weight, a format, or what Markdown makes a list of


def read_gift(text):
    """Each question's category, name, text, choices with their shares, and feedback, by the rules of Moodle's importer.

    Stricter than the importer: what it would pass over, guess or take for another type of question is an error.
    """
    category = None
    for block in re.split(r"\n\s*\n", text.strip()):
        assert not any(line.startswith("//") for line in block.split("\n")), f"a comment: {block}"
        if block.startswith("$CATEGORY: ") and "\n" not in block:
            category = block.removeprefix("$CATEGORY: ")
        else:
            yield category, *read_question(block)


def read_question(block):
    """A multiple choice's name, text, choices with the share of the points that each gives, and feedback."""
    assert set(ESCAPED.findall(block)) <= set(MARKS), f"an escape that GIFT does not have: {block}"
    hidden = ESCAPED.sub(lambda one: chr(0xE000 + MARKS.index(one[1])), block)
    found = re.fullmatch(r"::([^:{}]+)::\[markdown\]([^:#={}~]+)\{\n([^{}]+)\n\}", hidden)
    assert found, f"not a question with a name, a text and one answer section: {block}"
    answers, _, feedback = found[3].partition("\n####")
    lines = answers.split("\n")
    assert all(line[0] in "=~" and line[1:].strip() and not LISTED.match(line[1:]) for line in lines), (
        f"a weight, a list: {block}"
    )
    choices = {shown(line[1:]): 100 if line[0] == "=" else 0 for line in lines}
    assert len(choices) == len(lines), f"two choices are alike: {block}"
    assert not set(MARKS) & set("".join(line[1:] for line in lines) + feedback), f"not escaped: {block}"
    assert sum(choices.values()) == 100, f"not one right choice: {block}"
    return shown(found[1]), shown(found[2]), choices, shown(feedback)


def shown(text):
    """What stands there once what was escaped is put back."""
    return re.sub("[\ue000-\ue006]", lambda one: MARKS[ord(one[0]) - 0xE000], text)


def test_moodle_would_read_each_question_as_it_stands():
    bank = tool.bank()
    read = list(read_gift(tool.gift(bank)))
    formula = re.compile(r"\\\\\((.+?)\\\\\)")
    assert len({(category, name) for category, name, *_ in read}) == len({name for _, name, *_ in read}) == len(bank)
    assert max(len(name) for _, name, *_ in read) < 256  # Moodle's database cuts it
    for question, (category, name, text, choices, feedback) in zip(bank, read, strict=True):
        assert category == f"Learning-rate schedules/{question.chapter.replace('/', '//')}"
        assert name == f"{question.chapter} {question.number}" and formula.sub(r"$\1$", text) == question.text
        assert [formula.sub(r"$\1$", choice) for choice in choices] == question.choices
        assert [formula.sub(r"$\1$", choice) for choice in choices if choices[choice]] == [question.right]
        assert formula.sub(r"$\1$", feedback) == question.reason
        assert "$" not in text + feedback + "".join(choices)  # a formula that Moodle would show as it is typed


@pytest.mark.parametrize(
    ("part", "instead", "words"),
    [
        ("\\{0.1\\}", "{0.1}", "one answer section"),
        ("=too high", "~too high", "not one right choice"),
        ("~right", "=right", "not one right choice"),
        ("~right", "~too low", "two choices are alike"),
        ("~right", "~50 % = half", "not escaped"),
        ("~right", "~%50%right", "a weight"),
        ("rises\\:", "rises:", "not escaped"),
        ("rises\\:", "rises\\n", "an escape"),
        ("::[markdown]", ":[markdown]", "a name"),
        ("{\n~", "{\n\n~", "a name"),
    ],
)
def test_the_reader_of_gift_is_strict(part, instead, words):
    text = tool.gift(list(tool.questions("T: a/b", QUIZ)))
    assert list(read_gift(text)) and part in text
    with pytest.raises(AssertionError, match=words):
        list(read_gift(text.replace(part, instead, 1)))


def test_a_formula_is_marked_as_moodle_marks_it():
    text = tool.gift(list(tool.questions("T", QUIZ.replace("{0.1}", "$x_1$"))))
    (_, _, first, *_), _ = read_gift(text)
    assert first == r"A rate of \\(x_1\\) is ____, as [a figure](#fig) shows."


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("## Check yourself", "## Check", "no section 'Check yourself'"),
        ("**falls**", "**stays**", "question 2: the answer 'stays' is none of"),
        ("**falls / rises**", "falls", "question 2: no choices"),
        ("2. **falls**: see above.\n", "", "^T asks 2 questions .* and answers 1"),
    ],
)
def test_a_quiz_of_another_form_stops_the_build(line, instead, words):
    with pytest.raises(ValueError, match=words):
        list(tool.questions("T", QUIZ.replace(line, instead)))


def test_the_bank_has_every_question_of_every_chapter(tmp_path):
    path = tool.write(tmp_path / "bank.zip")
    archive = zipfile.ZipFile(path)
    printed, moodle = (archive.read(f"question-bank/questions.{kind}").decode() for kind in ("md", "gift.txt"))
    asked = 0
    for chapter in tool.chapters():
        cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
        (quiz,) = ["".join(one["source"]) for one in cells if "## Check yourself" in "".join(one["source"])]
        count = len(re.findall(r"^\d+\. ", quiz.partition("<details>")[0].partition("## Check yourself")[2], re.M))
        assert printed.partition(f"## {title}\n")[2].partition("\n## ")[0].count("*Answer:*") == count >= 3
        asked += count
    assert len(re.findall(r"^=", moodle, re.MULTILINE)) == len(re.findall(r"^####.+", moodle, re.MULTILINE)) == asked
    assert not re.search(r"<details>|\{cite\}|\]\(", printed + moodle)
    before = path.stat().st_mtime_ns
    assert tool.write(path).stat().st_mtime_ns == before
