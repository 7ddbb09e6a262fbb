"""Print under a chapter's title what it costs, as measured, and where to download it; sum the costs on parts' pages.

Reads what ``book/_tools/notebooks.py`` stored in the notebook's metadata, under ``lrlib``. The
notebook and its script are copied into the site, so the links work offline. ``{reading} NAME …`` is a sentence on what
the chapters of these names, or without names all of them, cost together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).resolve().parents[1] / "_tools"))

import reading

CHAPTERS = "book/chapters"
RUN = "book/run"  # how a reader of the site runs a chapter
TITLES = {"python": "Python", "torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow"}


def measured_metadata(path: Path) -> dict[str, Any]:
    """Return a notebook's ``lrlib`` metadata; empty for any other file."""
    if path.suffix != ".ipynb":
        return {}
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    return dict(metadata.get("lrlib", {}))


def cost(info: dict[str, Any]) -> str:
    """Say in a sentence what running the chapter took."""
    versions = info.get("versions", {})
    using = ", ".join(f"{title} {versions[k]}" for k, title in TITLES.items() if k in versions)
    return (
        f"Runs in {max(1, round(info['seconds']))} s of processor time "
        f"(measured on {info['executed']}{' with ' * bool(using)}{using})."
    )


def download(text: str, path: Path) -> addnodes.download_reference:
    """Build a link to a file beside the page, which Sphinx then copies into the site."""
    link: addnodes.download_reference = addnodes.download_reference("", "", reftarget=path.name)
    link += nodes.inline("", text)
    return link


def link(page: str, text: str) -> addnodes.pending_xref:
    """Build a link to another page."""
    where = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refexplicit": True, "refwarn": True}
    reference: addnodes.pending_xref = addnodes.pending_xref("", **where)
    reference += nodes.inline("", text)
    return reference


def read_in(minutes: float) -> str:
    """Say how long reading takes, by the model of ``book/_tools/reading.py``."""
    return f"{max(1, round(minutes))} minutes to read" if round(minutes) > 1 else "A minute to read"


class Reading(SphinxDirective):
    """What chapters cost together, in a sentence."""

    has_content = False
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Sum what is measured; the page is made anew when a notebook changes."""
        folder = Path(self.env.srcdir) / CHAPTERS
        names = self.arguments[0].split() if self.arguments else [path.stem for path in folder.glob("*.ipynb")]
        paths = [folder / f"{name}.ipynb" for name in names]
        lacking = [path.stem for path in paths if not path.exists()]
        if lacking:
            raise self.error(f"no chapter is called {', '.join(lacking)}")
        for path in paths:
            self.env.note_dependency(str(path))
        read = sum(map(reading.minutes, paths))
        run = sum(measured_metadata(path).get("seconds", 0) for path in paths) / 60
        together = f" for the {len(paths)} chapters" if len(paths) > 1 else ""
        return [
            nodes.paragraph(
                "",
                "",
                nodes.strong("", "What it costs."),
                nodes.Text(f" About {in_words(read)} to read{together}, and {in_words(run)} of computing to run."),
            )
        ]


def in_words(minutes: float) -> str:
    """Say a time to the nearest quarter of an hour, or to the minute where it is short."""
    if minutes < 45:
        return f"{max(1, round(minutes))} minute{'s' * (round(minutes) > 1)}"
    quarters = round(minutes / 15)
    hours, rest = divmod(quarters, 4)
    part = {0: "", 1: "¼", 2: "½", 3: "¾"}[rest]
    return f"{hours or ''}{part} hour{'s' * (quarters > 4)}"


class ChapterInfo(SphinxTransform):
    """Put the line after the first title."""

    default_priority = 870

    def apply(self, **kwargs: Any) -> None:
        path = Path(self.env.doc2path(self.env.docname))
        info = measured_metadata(path)
        title = next(self.document.findall(nodes.title), None)
        if not info or title is None:
            return
        minutes = reading.minutes(path)
        line = nodes.paragraph("", f"{read_in(minutes)}. {cost(info)} Download ", classes=["chapter-info"])
        line += [download("the notebook", path), nodes.Text(" or ")]
        line += [download("its script", path.with_suffix(".py")), nodes.Text(". ")]
        if RUN in self.env.found_docs:
            line += [link(RUN, "Run it yourself"), nodes.Text(".")]
        title.parent.insert(title.parent.index(title) + 1, line)


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None) -> None:
    """Give the script that completes what is downloaded to pages that offer a notebook or the install command."""
    offers = ("chapter-info", "site-address")
    if document is not None and any(
        name in node["classes"] for node in document.findall(nodes.Element) for name in offers
    ):
        app.add_js_file("downloads.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(ChapterInfo)
    app.add_directive("reading", Reading)
    app.connect("html-page-context", add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
