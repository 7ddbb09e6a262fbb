"""Let an incremental build give the same files as a clean build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from myst_nb.sphinx_ext import add_global_html_resources
from sphinx.application import Sphinx

# Where Sphinx puts what pages show and offer, and how a page names a file there: quoted.
FOLDERS = ("_images", "_downloads")
NAMED = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w.~%/-]+")


def write_styles_first(app: Sphinx) -> None:
    """Write MyST-NB's style sheet before the pages: else a clean build's links to it would lack its checksum."""
    if app.builder.format == "html":
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)


def forget_words(app: Sphinx) -> list[Any]:
    """Drop stale words from the search index: Sphinx keeps those that no page has any more."""
    indexer = getattr(app.builder, "indexer", None)
    for words in (indexer._mapping, indexer._title_mapping) if indexer else ():
        for word in [word for word, pages in words.items() if not pages]:
            del words[word]
    return []  # of pages to add


def remove_pages(app: Sphinx) -> None:
    """Remove the pages of documents that are gone, which the stored sources of pages still tell of."""
    sources = Path(app.outdir) / "_sources"
    for file in [path for path in sources.rglob("*") if path.is_file()]:
        name = file.relative_to(sources).as_posix().removesuffix(app.config.html_sourcelink_suffix)
        document = app.env.path2doc(name)
        if document is None:
            continue
        if document not in app.env.found_docs:
            (sources.parent / f"{document}.html").unlink(missing_ok=True)
            file.unlink()
        elif app.env.doc2path(document, False) != name:  # it was written in another format
            file.unlink()


def remove_files(app: Sphinx) -> None:
    """Remove figures and downloads that no page names."""
    site = Path(app.outdir)
    pages = [page for page in site.rglob("*.html") if not page.relative_to(site).parts[0].startswith("_")]
    named = {unquote(name) for page in pages for name in NAMED.findall(page.read_text(encoding="utf-8"))}
    for folder in FOLDERS:
        for file in [path for path in (site / folder).rglob("*") if path.is_file()]:
            if file.relative_to(site).as_posix() not in named:
                file.unlink()


def remove_left_overs(app: Sphinx, error: Exception | None) -> None:
    """Remove what only earlier builds need: Sphinx leaves it in the site, and so it would come into the archive."""
    if error is None and app.builder.name == "html":
        remove_pages(app)
        remove_files(app)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the repairs."""
    app.connect("builder-inited", write_styles_first)
    app.connect("html-collect-pages", forget_words)
    # Before others finish: a redirect that takes a removed page's place must stay.
    app.connect("build-finished", remove_left_overs, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
