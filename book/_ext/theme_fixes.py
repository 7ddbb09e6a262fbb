"""Mend what the stock setup gets wrong, in the pages as they are rendered.

Each repair is a small function from a page's HTML to better HTML, and says what was wrong. They run where Sphinx
lets a project render its templates itself, so that one place sees the layout and the text alike.
"""

from __future__ import annotations

import re
from collections import Counter
from html import escape, unescape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.jinja2glue import BuiltinTemplateLoader
from sphinx.util.images import get_image_size

THEME = "sphinx_book_theme"  # whose pages are mended
MATHJAX = "vendor/mathjax/es5/tex-chtml.js"

# Stock text, and what stands there instead.
REPLACED = {
    # "Show code cell source" is what a screen reader should say too, not another hidden name.
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # The button shows "Search"; a name of its own would only hide the keys that it shows beside.
    'title="Search" aria-label="Search" data-bs-placement="bottom" data-bs-toggle="tooltip">\n <i': ">\n <i",
    # The title and the search button stood outside every landmark.
    '<div id="pst-primary-sidebar"': '<div id="pst-primary-sidebar" role="complementary" aria-label="Book"',
    # A column of row names may have no heading, and is then no header cell.
    '<th class="head"><p></p></th>': "<td></td>",
    # Colours were defined for "light" and "dark" only, and "auto" became one of them late, or never without scripts.
    'data-theme="auto"': 'data-theme="light"',
    'dataset.theme = localStorage.getItem("theme") || "auto";': (
        'dataset.theme = document.documentElement.dataset.mode !== "auto" ? document.documentElement.dataset.mode'
        ' : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";'
    ),
    # A script in an attribute: print.js does it.
    '<button onclick="window.print()"': "<button",
    # A placeholder for advertisements.
    '<div id="ethical-ad-placement"\n      class="flat"\n      data-ea-publisher="readthedocs"\n'
    '      data-ea-type="readthedocs-sidebar"\n      data-ea-manual="true">\n</div>': "",
    # Duplicates of the viewport's meta tag.
    '<meta name="viewport" content="width=device-width, initial-scale=1" />': "",
    '<meta name="viewport" content="width=device-width, initial-scale=1"/>': "",
}
# Half a megabyte of icons; the dozen that the pages show are in icons.css.
ICON_SCRIPT = re.compile(r'<script [^>]*src="[^"]*/fontawesome\.js[^"]*"></script>')
IMAGE = re.compile(r'<img\b[^>]*?\bsrc="([^"]*)"[^>]*>')
# A picture is one that leads to its file; its number follows where it has a caption.
HEADING_OR_WIDE = re.compile(
    r"<h[1-6][^>]*>(?P<heading>.*?)</h[1-6]>|(?P<table><table.*?</table>)"
    r'|(?P<picture><a [^>]*image-reference[^>]*><img [^>]*?\bwidth="(?P<width>\d+)"[^>]*>\s*</a>)'
    r'(?=(?:\s*<figcaption>\s*<p><span class="caption-number">(?P<number>[^<]*)</span>)?)',
    re.DOTALL,
)
HINT = '<p class="scroll-hint">Scroll sideways, or tap for the whole figure.</p>'


def text_of(html: str) -> str:
    """The words of a heading, without its link to itself."""
    html = re.sub(r'<a class="headerlink".*?</a>', "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def with_scrolling_parts(html: str) -> str:
    """Let a wide table or picture scroll by itself: in a region that has a name, and that the keyboard reaches.

    A picture says its own width, half of that which it is stored in: ``course.css`` says how far it may shrink.
    """
    section, named = "", Counter[str]()

    def region(kind: str, name: str, content: str, more: str = "") -> str:
        named[name] += 1
        name += f" ({named[name]})" * (named[name] > 1)
        attributes = f'role="region" tabindex="0" aria-label="{escape(name)}"{more}'
        return f'<div class="{kind}-scroll" {attributes}>\n{content}\n</div>'

    def mend(found: re.Match[str]) -> str:
        nonlocal section
        if found["heading"] is not None:
            section = text_of(found["heading"])
            return found[0]
        if found["table"]:
            # A number stays with its deviation.
            table = found["table"].replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")
            return region("table", f"Table: {section}", table)
        name = (found["number"] or f"Figure: {section}").strip()
        return region("figure", name, found["picture"], f' style="--width: {int(found["width"]) // 2}px"') + HINT

    return HEADING_OR_WIDE.sub(mend, html)


def with_sized_images(html: str, files: dict[str, Path]) -> str:
    """State each picture's size, so that no text jumps, and load the ones below the first when they come near.

    ``files`` has the pictures' files by their names in the site.
    """
    shown = 0

    def mend(found: re.Match[str]) -> str:
        nonlocal shown
        name = found[1].rpartition("/")[2]
        size = get_image_size(str(files[name])) if name in files else None
        if size is None or "width=" in found[0]:
            return found[0]
        shown += 1
        lazy = 'loading="lazy" ' * (shown > 1)
        return found[0].replace("<img ", f'<img {lazy}width="{size[0]}" height="{size[1]}" ')

    return IMAGE.sub(mend, html)


def mended(html: str, files: dict[str, Path], unused: set[str]) -> str:
    """Apply every repair, and take those that matched out of ``unused``."""
    for stock, better in REPLACED.items():
        if stock in html:
            html = html.replace(stock, better)
            unused.discard(stock)
    html, count = ICON_SCRIPT.subn("", html)
    if count:
        unused.discard(ICON_SCRIPT.pattern)
    return with_scrolling_parts(with_sized_images(html, files))


class MendedTemplates(BuiltinTemplateLoader):
    """Sphinx's own templates, with the repairs made in what they render."""

    def init(self, builder: Builder, *args: Any, **kwargs: Any) -> None:
        super().init(builder, *args, **kwargs)
        self.builder = builder
        self.rendered: set[str] = set()
        self.unused = {*REPLACED, ICON_SCRIPT.pattern}  # repairs that have matched no page yet

    def render(self, template: str, context: dict[str, Any]) -> str:  # type: ignore[override]
        html = super().render(template, context)
        self.rendered.add(context.get("pagename", template))
        files = {name: Path(self.builder.srcdir) / source for source, name in self.builder.images.items()}
        return mended(html, files, self.unused)


def refuse_unused_repairs(app: Sphinx, error: Exception | None) -> None:
    """Stop a build of all pages in which a repair matched none: the theme no longer has what it mends.

    A build of the changed pages only cannot tell. Raises ``ExtensionError``: a warning would come too late for ``-W``.
    """
    templates = getattr(app.builder, "templates", None)
    if error or not isinstance(templates, MendedTemplates) or app.config.html_theme != THEME:
        return
    if templates.unused and app.env.found_docs <= templates.rendered:
        raise ExtensionError(f"theme_fixes: no page has what these repairs look for: {sorted(templates.unused)}")


def use_repairs(app: Sphinx, config: Config) -> None:
    """Render with the repairs, and load MathJax from where ``book/_tools/npm.py`` has put it."""
    config.template_bridge = "theme_fixes.MendedTemplates"
    for folder in config.html_static_path:
        if (Path(app.confdir) / folder / MATHJAX).exists():
            config.mathjax_path = MATHJAX


def without_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Drop sphinx-thebe's scripts and styles from a page.

    Jupyter Book always loads it, and it adds its constants to every page twice; the second declaration is a script
    error. The book runs no code in the page.
    """
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file for file in context[kind] if "thebe" not in f"{file.filename} {file.attributes.get('body')}".lower()
        ]


def formulas_only_where_they_are(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load MathJax, a quarter of a megabyte, on the pages that have a formula."""
    if not re.search(r'class="[^"]*\b(math|tex2jax_process|mathjax_process)\b', context.get("body", "")):
        context["script_files"] = [
            file
            for file in context["script_files"]
            if "mathjax" not in f"{file.filename} {file.attributes.get('body')}".lower()
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the repairs."""
    app.connect("config-inited", use_repairs)
    # Late, when every extension has added what it wants.
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("html-page-context", formulas_only_where_they_are, priority=900)
    app.connect("build-finished", refuse_unused_repairs)
    # Pages written by other processes could not report which repairs matched.
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
