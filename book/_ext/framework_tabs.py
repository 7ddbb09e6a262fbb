"""Show neighbouring notebook cells tagged ``pytorch`` and ``keras`` as tabs that remember the choice.

MyST-NB loses executable cells that are nested in directives, so the tabs are made later, on the parsed document, out of
sphinx-design's own nodes. ``book/_static/framework.js`` remembers the choice, and reads ``?framework=keras`` from the
address.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx_design.shared import create_component

TITLES = {"pytorch": "PyTorch", "keras": "Keras"}
SYNC_GROUP = "framework"


def framework_of(node: nodes.Node) -> str | None:
    """Return the one framework that a code cell is tagged with; None if none, both or no cell."""
    if not isinstance(node, nodes.container) or node.get("nb_element") != "cell_code":
        return None
    tags = [tag for tag in TITLES if tag in node["cell_metadata"].get("tags", [])]
    return tags[0] if len(tags) == 1 else None


def tab_item(framework: str, cells: list[nodes.Node]) -> nodes.container:
    """Build the node that sphinx-design's ``tab-item`` directive builds."""
    label = nodes.rubric("", TITLES[framework], classes=["sd-tab-label"])
    label["sync_id"], label["sync_group"] = framework, SYNC_GROUP
    content = create_component("tab-content", classes=["sd-tab-content"], children=cells)
    return create_component("tab-item", classes=["sd-tab-item"], children=[label, content], selected=False)


def pairs(children: list[nodes.Node]) -> list[list[list[nodes.Node]]]:
    """Find each run of one framework's cells with a run of the other's right after it."""
    runs = [(name, list(cells)) for name, cells in groupby(children, key=framework_of)]
    paired, at = [], 0
    while at + 1 < len(runs):
        (first, first_cells), (second, second_cells) = runs[at : at + 2]
        if first and second:  # neighbouring runs differ, so these are the two frameworks
            paired.append([first_cells, second_cells])
            at += 1  # the second run is used up
        at += 1
    return paired


class FrameworkTabs(SphinxTransform):
    """Wrap each pair of runs in a tab set."""

    default_priority = 880  # late, so that the cells' own contents are complete

    def apply(self, **kwargs: Any) -> None:
        parents = {cell.parent for cell in self.document.findall(framework_of)}
        for parent in parents:
            for runs in pairs(parent.children):
                at = parent.index(runs[0][0])
                for cell in runs[0] + runs[1]:
                    parent.remove(cell)
                # The same framework stands first everywhere, whichever the author wrote first.
                by_name = {framework_of(run[0]): run for run in runs}
                items = [tab_item(name, by_name[name]) for name in TITLES]
                parent.insert(at, create_component("tab-set", classes=["sd-tab-set"], children=items))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.setup_extension("sphinx_design")
    app.add_transform(FrameworkTabs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
