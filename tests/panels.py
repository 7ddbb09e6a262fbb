"""Small sites for the tests of the interactive parts, and what these tests do with a part's page."""

from pathlib import Path
from urllib.parse import quote

import numpy as np
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

BOOK = Path(__file__).resolve().parents[1] / "book"


def site_in(folder, pages, extensions, warningiserror=True):
    """Build pages, Markdown by name, in the book's theme and with its static files; gives the folder of the result."""
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    config = {
        "extensions": ["myst_nb", *extensions],
        "html_theme": "sphinx_book_theme",
        "html_static_path": [str(BOOK / "_static")],
        "html_css_files": ["course.css"],
        "html_js_files": [(f"{name}.js", {"priority": 100}) for name in ("elements", "storage")],
        "html_context": {"default_mode": "auto"},
        "html_favicon": str(BOOK / "_static" / "favicon.svg"),  # else the browser asks for one in vain
        "nb_execution_mode": "off",
    }
    out, trees = folder / "out", folder / "trees"
    with docutils_namespace():
        Sphinx(folder, None, out, trees, "html", config, status=None, warningiserror=warningiserror).build()
    return out


def page_alone(name):
    """A page of the book as the only one of a site: links to others are left as text."""
    return (BOOK / f"{name}.md").read_text(encoding="utf-8").replace("{doc}", "")


class Panel:
    """A panel in an open page. Its parts' ids begin with ``prefix``, links to its state with ``link``."""

    prefix: str
    link: str

    def __init__(self, page):
        self.page = page

    def part(self, name):
        return self.page.locator(f"#{self.prefix}-{name}")

    def open_link(self, text):
        self.page.evaluate("hash => { location.hash = hash; }", f"{self.link}={quote(text)}")

    def drawn(self, name, number=0):
        """The numbers that a chart's lines are made from, an array of points each; of several charts, of this one."""
        chart = self.part(name).locator("svg.chart").nth(number)
        return [np.array(points, float) for points in chart.evaluate("(svg) => svg.drawn")]
