"""Fold code and printed outputs that are longer than a screen, as the tags ``hide-input`` and ``hide-output`` do.

The fold is MyST-NB's own ``<details>``, which opens by keyboard and without JavaScript. Figures and tables are never
folded, so that a chapter's result stays in sight.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

# The longest that stay open, in lines; code is there to be read, so it may be longer.
LIMITS = {"cell_code_source": 40, "cell_code_output": 30}
SHORT = {"cell_code_source": "input", "cell_code_output": "output"}


def lines(part: nodes.Element) -> int:
    """Return how many lines of text a part of a cell shows; 0 if it shows a figure or a table."""
    if next(part.findall(lambda node: isinstance(node, nodes.image | nodes.table | nodes.raw)), None) is not None:
        return 0
    return sum(len(block.astext().splitlines()) for block in part.findall(nodes.literal_block))


def long_parts(cell: nodes.container) -> set[str]:
    """Return which of a cell's parts, its input and its output, are too long to stay open."""
    parts = {part.get("nb_element"): part for part in cell.children}
    return {SHORT[name] for name, limit in LIMITS.items() if name in parts and lines(parts[name]) > limit}


class LongOutputs(SphinxPostTransform):
    """Add the long parts of each cell to what MyST-NB hides of it."""

    default_priority = 100  # when it is settled which form of an output is shown, and before MyST-NB folds (199)
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Mark the cells."""
        for cell in self.document.findall(nodes.container):
            hidden = set(filter(None, cell.get("hide_mode", "").split("+")))
            if cell.get("nb_element") != "cell_code" or "all" in hidden:
                continue
            if long := long_parts(cell) - hidden:
                cell["hide_mode"] = "+".join(sorted(hidden | long))  # "input", "output" or "input+output"
                cell.setdefault("prompt_show", self.config.nb_code_prompt_show)
                cell.setdefault("prompt_hide", self.config.nb_code_prompt_hide)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_post_transform(LongOutputs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
