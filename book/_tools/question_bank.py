"""Collect the chapters' quizzes into a question bank: as Markdown to print, and as GIFT, which Moodle imports.

    python book/_tools/question_bank.py

Writes ``book/_build/question-bank.zip``, which the teachers' page offers. Each question has its choices, the right one,
and the reason that the chapter gives. All is read from the chapters' text, so nothing is to be kept in step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import runnable
import site_zip
import table_of_contents
import yaml
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / "book/_build/question-bank.zip"
SECTION = re.compile(
    r"^## Check yourself\n(.*?)<details>\s*<summary>Answers</summary>(.*?)</details>", re.DOTALL | re.MULTILINE
)
ITEM = re.compile(r"^\d+\. (.*?)(?=^\d+\. |\Z)", re.DOTALL | re.MULTILINE)
CHOICES = re.compile(r"\*\*([^*]+? / [^*]+?)\*\*")
ANSWER = re.compile(r"\*\*([^*]+)\*\*:?\s*(.*)", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
MATH = re.compile(r"\$([^$]+)\$")
BLANK = "____"


class Question(NamedTuple):
    """``text`` has a blank where the choices stood; ``right`` is one of them."""

    chapter: str
    number: int
    text: str
    choices: list[str]
    right: str
    reason: str


def questions(chapter: str, text: str) -> Iterator[Question]:
    """The quiz in a chapter's text. Errors: ``ValueError`` where it has not the form that CONTRIBUTING.md gives."""
    section = SECTION.search(text)
    if not section:
        raise ValueError(f"{chapter} has no section 'Check yourself' with answers")
    asked, answered = (ITEM.findall(part) for part in section.groups())
    if len(asked) != len(answered):
        raise ValueError(f"{chapter} asks {len(asked)} questions to check yourself, and answers {len(answered)}")
    for number, (question, answer) in enumerate(zip(asked, answered, strict=True), start=1):
        question, answer = (" ".join(part.split()) for part in (question, answer))
        found, given = CHOICES.search(question), ANSWER.match(answer)
        if not (found and given):
            raise ValueError(f"{chapter}, question {number}: no choices or no answer in bold")
        choices = [choice.strip() for choice in found[1].split(" / ")]
        if given[1] not in choices:
            raise ValueError(f"{chapter}, question {number}: the answer {given[1]!r} is none of {choices}")
        blank = question[: found.start()] + BLANK + question[found.end() :]
        yield Question(chapter, number, blank, choices, given[1], given[2][:1].upper() + given[2][1:])


def chapters() -> list[Path]:
    """The chapters' notebooks, in the book's order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [ROOT / f"{page}.ipynb" for page in table_of_contents.pages(toc) if page.startswith("book/chapters/")]


def bank() -> list[Question]:
    """The questions of all chapters, in the book's order."""
    works = parse_file(ROOT / "book/references.bib").entries
    found: list[Question] = []
    for path in chapters():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        title = cells[0].splitlines()[0].removeprefix("# ")
        found += questions(title, LINK.sub(r"\1", runnable.plain("\n\n".join(cells), works, runnable.SITE)))
    return found


def markdown(found: list[Question]) -> str:
    """The questions by chapter, with their answers behind each."""
    lines = ["# Question bank", ""]
    for question in found:
        lines += [f"## {question.chapter}", ""] if question.number == 1 else []
        lines += [f"**{question.number}.** {question.text}", ""]
        lines += [f"- {choice}" for choice in question.choices]
        lines += ["", f"*Answer:* **{question.right}**. {question.reason}", ""]
    return "\n".join(lines)


def gift(found: list[Question]) -> str:
    """The questions in Moodle's GIFT format, the reason as feedback; a category for each chapter."""

    def plain(text: str) -> str:
        text = MATH.sub(r"\\\\(\1\\\\)", text)  # Moodle's mark of a formula, as Markdown writes it
        return re.sub(r"([~=#{}:\\])", r"\\\1", text)

    blocks = []
    for question in found:
        if question.number == 1:
            blocks.append(f"$CATEGORY: Learning-rate schedules/{question.chapter.replace('/', '//')}")
        choices = [f"{'=' if choice == question.right else '~'}{plain(choice)}" for choice in question.choices]
        name = plain(f"{question.chapter} {question.number}")
        body = "\n".join([*choices, f"####{plain(question.reason)}"])
        blocks.append(f"::{name}::[markdown]{plain(question.text)}{{\n{body}\n}}")
    return "\n\n".join(blocks) + "\n"


def write(target: Path = ARCHIVE) -> Path:
    """Write the archive, unless it is there already."""
    found = bank()
    # Moodle takes GIFT from a file of plain text.
    forms = {"questions.md": markdown(found), "questions.gift.txt": gift(found)}
    return site_zip.pack(target, ((f"question-bank/{name}", text.encode()) for name, text in forms.items()))


if __name__ == "__main__":
    print(write())
