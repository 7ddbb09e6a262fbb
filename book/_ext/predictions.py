"""Find a chapter's questions and their answers in its Markdown, check them, and mark them for the page's script.

A question is an item of a numbered list, its choices in bold: ``The rate is **higher / equal / lower**.`` An answer is
an item of a second list that begins with one of them in bold: ``**lower**: because …``. The section "Your prediction"
has its answers in the list that follows a paragraph beginning **Your predictions**; the section "Check yourself" in its
own second list. What would give an answer away is marked too: the sections from "The result" on, and what follows the
comment ``<!-- answers 1 -->`` up to the next heading. ``book/_static/predictions.js`` makes radio buttons of the
questions and folds what is marked until they are answered; without it the page shows everything as text.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

PREDICTION, ANSWERS, RESULT, QUIZ = "Your prediction", "Your predictions", "The result", "Check yourself"
GIVES_AWAY = re.compile(r"<!-- answers ((?:\d+,? ?)+)-->")
SCRIPTS, STYLE = ("search_words.js", "predictions.js"), "predictions.css"

logger = logging.getLogger(__name__)


def choices(text: str) -> list[str]:
    """Split bold text into the choices it offers; one piece if it is no question's."""
    return [" ".join(choice.split()) for choice in re.split(r"\s/\s", text)]


def bold(node: nodes.Node) -> list[nodes.strong]:
    """Return the bold parts of a node."""
    return list(node.findall(nodes.strong))


def fault(message: str, node: nodes.Node) -> None:
    """Warn, which stops the book's build."""
    logger.warning(message, location=node, type="predictions")


def read_question(item: nodes.list_item) -> list[str]:
    """Mark the choices of a question, and return them."""
    lists = [strong for strong in bold(item) if len(choices(strong.astext())) > 1]
    if len(lists) != 1:
        fault(f"a question has one list of choices, in bold: **one / other**; this has {len(lists)}", item)
        return []
    lists[0]["classes"] += ["choices", "no-glossary"]  # they become the labels of radio buttons
    offered = choices(lists[0].astext())
    if len(set(offered)) < len(offered):
        fault(f"a choice stands twice in {offered}", item)
    return offered


def check_answers(questions: nodes.enumerated_list, answers: nodes.enumerated_list | None, kind: str) -> None:
    """Mark questions and answers, and see to it that each question has one of its own choices as its answer."""
    questions["classes"] += ["questions", kind]
    offered = [read_question(item) for item in questions]
    if answers is None:
        fault(f"the {kind} has no list of answers", questions)
        return
    answers["classes"] += ["answers", kind]
    if len(answers) != len(questions):
        fault(f"{len(questions)} questions, but {len(answers)} answers", answers)
    for number, (allowed, item) in enumerate(zip(offered, answers, strict=False), start=1):
        first = next(iter(bold(item)), None)
        if first is None or not item.astext().startswith(first.astext()):
            fault(f"answer {number} does not begin with a choice in bold", item)
            continue
        answer = " ".join(first.astext().split())
        first["classes"] += ["answer", "no-glossary"]  # it is compared with the choices
        if allowed and answer not in allowed:
            fault(f"answer {number} is {answer!r}, which is none of the choices {allowed}", item)


def lists_of(node: nodes.Node) -> list[nodes.enumerated_list]:
    """Return the numbered lists among a node's children."""
    return [child for child in node.children if isinstance(child, nodes.enumerated_list)]


def predicted(document: nodes.document) -> nodes.enumerated_list | None:
    """Find the list that follows the paragraph **Your predictions:**"""
    for numbered in document.findall(nodes.enumerated_list):
        before = numbered.previous_sibling()
        if isinstance(before, nodes.paragraph) and before.astext().startswith(ANSWERS) and bold(before):
            return numbered
    return None


def mark_giveaways(document: nodes.document) -> None:
    """Put what follows a comment <!-- answers 1 --> into a container, up to the next heading."""
    for raw in list(document.findall(nodes.raw)):
        comment = raw.astext().strip()
        match = GIVES_AWAY.fullmatch(comment)
        if not match:
            if comment.startswith("<!-- answers"):
                fault(f"{comment} folds nothing: write <!-- answers 1, 2 -->", raw)
            continue
        parent = raw.parent
        start = parent.index(raw)
        end = next((n for n in range(start, len(parent)) if isinstance(parent[n], nodes.section)), len(parent))
        classes = ["gives-away", *(f"answers-{number}" for number in re.findall(r"\d+", match[1]))]
        parent[start:end] = [nodes.container("", *parent[start + 1 : end], classes=classes)]


class Predictions(SphinxTransform):
    """Check and mark a page's questions."""

    default_priority = 875  # before the framework tabs, which look at neighbouring cells

    def apply(self, **kwargs: Any) -> None:
        sections = {section[0].astext(): section for section in self.document.findall(nodes.section)}
        for title, kind in ((PREDICTION, "prediction"), (QUIZ, "quiz")):
            if title not in sections:
                continue
            lists = lists_of(sections[title])
            if not lists:
                fault(f"the section {title!r} has no numbered list of questions", sections[title])
                continue
            answers = predicted(self.document) if kind == "prediction" else (lists[1:] or [None])[0]
            check_answers(lists[0], answers, kind)
        if PREDICTION in sections:
            self.mark_result(sections)
            mark_giveaways(self.document)

    def mark_result(self, sections: dict[str, nodes.section]) -> None:
        """Mark the result, and all that follows it."""
        if RESULT not in sections:
            fault(f"there is a prediction, but no section {RESULT!r}", sections[PREDICTION])
            return
        result = sections[RESULT]
        for section in result.parent[result.parent.index(result) :]:
            section["classes"].append("gives-away")


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Load the scripts and the style on pages with questions only."""
    if document is not None and any("questions" in node["classes"] for node in document.findall(nodes.enumerated_list)):
        for script in SCRIPTS:
            app.add_js_file(script, loading_method="defer")
        app.add_css_file(STYLE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(Predictions)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
