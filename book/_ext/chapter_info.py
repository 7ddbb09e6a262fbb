"""Print under a chapter's title what it costs, as measured, and where to download it.

Reads what ``book/_tools/notebooks.py`` stored in the notebook's metadata, under ``lrlib``. The
notebook and its script are copied into the site, so the links work offline.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

TITLES = {"python": "Python", "torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow"}


def measured_metadata(path: Path) -> dict[str, Any]:
    """Return a notebook's ``lrlib`` metadata; empty for any other file."""
    if path.suffix != ".ipynb":
        return {}
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    return dict(metadata.get("lrlib", {}))


def cost(info: dict[str, Any]) -> str:
    """Say in a sentence what running the chapter took."""
    seconds, cores = info["seconds"], info["cores"]
    versions = info.get("versions", {})
    using = ", ".join(f"{title} {versions[k]}" for k, title in TITLES.items() if k in versions)
    return (
        f"Runs in {max(1, round(seconds))} s on {cores} core{'s' * (cores != 1)} "
        f"(measured on {info['executed']}{' with ' * bool(using)}{using})."
    )


def download(text: str, path: Path) -> addnodes.download_reference:
    """Build a link to a file beside the page, which Sphinx then copies into the site."""
    link: addnodes.download_reference = addnodes.download_reference("", "", reftarget=path.name)
    link += nodes.inline("", text)
    return link


class ChapterInfo(SphinxTransform):
    """Put the line after the first title."""

    default_priority = 870

    def apply(self, **kwargs: Any) -> None:
        path = Path(self.env.doc2path(self.env.docname))
        info = measured_metadata(path)
        title = next(self.document.findall(nodes.title), None)
        if not info or title is None:
            return
        line = nodes.paragraph("", cost(info) + " Download ", classes=["chapter-info"])
        line += [download("the notebook", path), nodes.Text(" or ")]
        line += [download("its script", path.with_suffix(".py")), nodes.Text(".")]
        title.parent.insert(title.parent.index(title) + 1, line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(ChapterInfo)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
