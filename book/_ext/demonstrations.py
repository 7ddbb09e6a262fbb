"""Put demonstrations beside the figures whose point a reader can try: sliders and a chart.

A demonstration is a script of ``book/_static/demonstrations``. ``PLACES`` says where in a chapter it stands: after the
cell of a figure, or at the end of a section. There a page gets an empty, hidden element, which the script fills.
Without JavaScript, in print and in the notebook nothing is missing. Scripts hold no schedule's formula: the rates that
they need are computed here, with lrlib, and stand in the page.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import trainer_data
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from lrlib import Constant, Linear, Schedule

# By chapter, and in it by the name of a figure or a section.
PLACES = {
    "learning_rate": {"fig-parabola": "parabola", "fig-sweep": "cliff"},
    "momentum_and_noise": {"momentum": "valley"},
    "why_decay": {"fig-two-terms": "one_weight", "fig-river": "river"},
}
SHARED = ("chart/chart", "demonstrations/demonstrations")
NEEDED = {"cliff": "trainer/trainer"}  # what else a demonstration calls
UPDATES = 100

logger = logging.getLogger(__name__)


def rates(schedule: Schedule, updates: int) -> list[float]:
    """The rate of each update."""
    return [schedule(t) for t in range(updates)]


def of_one_weight() -> dict[str, Any]:
    """The rates of 100 updates, as multiples of the first one."""
    shapes = {"constant": Constant(1.0), "line": Linear(1.0, 0.0, steps=UPDATES)}
    return {"shapes": {name: rates(shape, UPDATES) for name, shape in shapes.items()}}


def of_river() -> dict[str, Any]:
    """A fall to zero, its end included."""
    return {"fall": rates(Linear(1.0, 0.0, steps=UPDATES), UPDATES + 1)}


def of_cliff() -> dict[str, Any]:
    """How many updates the page's trainer makes at most."""
    return {"updates": trainer_data.UPDATES}


VALUES: dict[str, Callable[[], dict[str, Any]]] = {
    "cliff": of_cliff,
    "one_weight": of_one_weight,
    "river": of_river,
}


def place(name: str) -> nodes.raw:
    """The element that a demonstration's script fills."""
    values = json.dumps(VALUES[name]() if name in VALUES else {}, separators=(",", ":"))
    attributes = f'class="demonstration" id="demonstration-{name}" data-demonstration="{name}" role="group" hidden'
    element = f"<div {attributes} data-values='{html.escape(values, quote=False)}'></div>"  # numbers: no apostrophe
    return nodes.raw("", element, format="html", demonstration=name)


def insert(target: nodes.Element, new: nodes.Node) -> None:
    """Put a node after a figure's cell, or at the end of a section, within the fold if the end is folded."""
    if isinstance(target, nodes.section):
        last = target.children[-1]
        (last if isinstance(last, nodes.container) and "gives-away" in last["classes"] else target).append(new)
        return
    while not (isinstance(target, nodes.container) and "cell" in target["classes"]):
        if target.parent is None or isinstance(target.parent, nodes.section):
            break  # a figure of a page that is no notebook
        target = target.parent
    target.parent.insert(target.parent.index(target) + 1, new)


def add_places(app: Sphinx, document: nodes.document) -> None:
    """Add a chapter's demonstrations, after its cells have been folded and put into tabs. One without a place warns."""
    chapter = app.env.docname.rpartition("/")[2]
    for name, demonstration in PLACES.get(chapter, {}).items():
        targets = [node for node in document.findall(nodes.Element) if name in node.get("ids", [])]
        if targets:
            insert(targets[0], place(demonstration))
        else:
            message = f"the demonstration {demonstration!r} belongs to {name!r}, but {chapter} has no such figure"
            logger.warning(message, type="demonstrations", location=document)


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Give scripts and styles to the pages that have a demonstration."""
    raws = document.findall(nodes.raw) if document is not None else []
    names = [raw["demonstration"] for raw in raws if "demonstration" in raw]
    if not names:
        return
    for file in SHARED:
        app.add_css_file(f"{file}.css")
    for file in [*SHARED, *(NEEDED[name] for name in names if name in NEEDED), *(f"demonstrations/{n}" for n in names)]:
        app.add_js_file(f"{file}.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what adds them."""
    app.setup_extension("trainer_data")
    app.connect("doctree-read", add_places)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
