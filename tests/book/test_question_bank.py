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


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("## Check yourself", "## Check", "no section 'Check yourself'"),
        ("**falls**", "**stays**", "question 2: the answer 'stays' is none of"),
        ("**falls / rises**", "falls", "question 2: no choices"),
        ("2. **falls**: see above.\n", "", "shorter"),
    ],
)
def test_a_quiz_of_another_form_stops_the_build(line, instead, words):
    with pytest.raises(ValueError, match=words):
        list(tool.questions("T", QUIZ.replace(line, instead)))


def test_the_bank_has_every_question_of_every_chapter(tmp_path):
    path = tool.write(tmp_path / "bank.zip")
    archive = zipfile.ZipFile(path)
    printed, moodle = (archive.read(f"question-bank/questions.{kind}").decode() for kind in ("md", "gift"))
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
