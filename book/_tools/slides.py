"""Make slides of each part from its page and its chapters, for teachers: reveal.js, which needs no network.

    python book/_tools/slides.py

A chapter gives its goal, its questions to predict, each figure with its caption, and what to take away. A figure's
description is the speaker's note. Chapters go from left to right, their slides from top to bottom.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import build
import nbformat
import npm
import question_bank
import runnable
import table_of_contents
import yaml
from folders import replace_folder
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from pybtex.database import parse_file
from traitlets.config import Config

TARGET = build.BUILD / "slides"
TEMPLATE = Path(__file__).with_name("slides.html.j2")
# A paragraph of a part's page that is for readers, and what a part's list of chapters looks like.
LISTS = re.compile(r"^```.*?^```$|^- \{doc\}.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
ROLE = re.compile(r"\{[\w-]+\}`([^`<]+?)(?: <[^>]*>)?`")
COST = re.compile(r"^\*\*(?:You need|Data|Cost)\.?\*\*.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def slide(text: str, kind: str = "subslide") -> Any:
    """A cell that is a slide, or goes on with one."""
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})


def section(cells: list[Any], title: str) -> str:
    """The text of a chapter's section up to the next heading, or none."""
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = re.search(rf"^## {title}$\n+(.*?)(?=^## |^\*\*Terms|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def pictures(cells: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield caption, description and data of each figure."""
    for cell in cells:
        about = cell.metadata.get("mystnb", {})
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                data = "".join(output.data["image/png"].split())
                yield about.get("figure", {}).get("caption", ""), about.get("image", {}).get("alt", ""), data


def of_chapter(cells: list[Any]) -> Iterator[Any]:
    """The slides of a chapter."""
    title, _, goal = cells[0].source.partition("\n")
    yield slide(f"{title}\n\n{COST.sub('', goal.partition(chr(10) + '## ')[0]).strip()}", "slide")
    if questions := section(cells, "Your prediction"):
        yield slide(f"## Your prediction\n\n{questions}")
    for caption, alt, data in pictures(cells):
        yield slide(f"![{alt.replace(']', ')')}](data:image/png;base64,{data})\n\n{caption}")
        yield slide(alt, "notes")
    if taken := section(cells, "What to take away"):
        yield slide(f"## What to take away\n\n{taken}")


def parts(toc: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each part's caption, its own page, and its chapters."""
    found: list[tuple[str, str, list[str]]] = []
    for entry in toc["parts"]:
        pages = list(table_of_contents.pages(entry["chapters"]))
        if "caption" in entry:
            found.append((entry["caption"], pages.pop(0), []))
        found[-1][2].extend(page for page in pages if "/chapters/" in page)
    yield from found


def of_part(caption: str, page: str, chapters: list[str], root: Path) -> Any:
    """A part's slides as a notebook."""
    works = parse_file(root / "book/references.bib").entries
    words = LISTS.sub("", (root / f"{page}.md").read_text(encoding="utf-8").partition("\n")[2])
    opening = ROLE.sub(r"*\1*", words).strip()
    cells = [slide(f"# {caption}\n\n{opening}", "slide")]
    for chapter in chapters:
        cells += of_chapter(nbformat.read(root / f"{chapter}.ipynb", as_version=4).cells)
    for cell in cells:
        if "base64," not in cell.source:
            cell.source = question_bank.LINK.sub(r"\1", runnable.plain(cell.source, works, ""))
    return new_notebook(cells=cells, metadata={"title": caption})


def exporter() -> SlidesExporter:
    """nbconvert's exporter with this book's template."""
    settings = Config({"SlidesExporter": {"template_file": str(TEMPLATE), "exclude_input_prompt": True}})
    return SlidesExporter(  # type: ignore[no-untyped-call]
        config=settings, reveal_url_prefix="reveal.js", reveal_theme="white"
    )


def replace(target: Path, packages: Path, made: dict[str, str]) -> None:
    """Replace the folder by the slides with what they load of npm's packages; until all is copied the old one stays."""
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name in ("reveal.js/dist", "reveal.js/plugin/notes", "mathjax/es5/output/chtml/fonts/woff-v2"):
        shutil.copytree(packages / name, fresh / name)
    shutil.copy(packages / "mathjax/es5/tex-chtml.js", fresh / "mathjax/es5")
    for name, html in made.items():
        (fresh / name).write_text(html, encoding="utf-8")
    replace_folder(fresh, target)


def main() -> int:
    """Write the slides of all parts, with what they load."""
    try:
        packages = npm.install()
    except npm.Unavailable as error:
        raise SystemExit(f"slides need what npm installs: {error}") from None
    toc = yaml.safe_load((build.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    made = {}
    for caption, page, chapters in parts(toc):
        made[f"{Path(page).name}.html"], _ = exporter().from_notebook_node(of_part(caption, page, chapters, build.ROOT))
        print(f"{caption}: {Path(page).name}.html")
    replace(TARGET, packages, made)
    print(f"The slides lie in {TARGET.parent.name}/{TARGET.name}, with all that they load")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
