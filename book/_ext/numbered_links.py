"""Number the links to figures, equations and pages; no number is typed.

``[the figure](#fig-steps)`` reads "Figure 7" on the page. In Jupyter, which knows no numbers, the link's own words are
shown, so they must read well there too.

A link to a page that has no words of its own reads as the table of contents does, "5. Cycling". In a page that is
``{doc}`cycling```. In what a cell prints, where Markdown asks for words, they are the page's name:
``[cycling](cycling.ipynb)``.

A link whose target does not exist stops the build.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import clean_astext, make_refnode

logger = logging.getLogger(__name__)

# How a target begins: the domain and the role that resolve it.
ROLES = {"fig-": ("std", "numref"), "eq-": ("math", "eq")}
PAGES = (".ipynb", ".md")


class NumberedLinks(SphinxTransform):
    """Hand links to figures and equations to Sphinx's own roles."""

    default_priority = 870  # before MyST resolves links within the page, at 879

    def apply(self, **kwargs: Any) -> None:
        for link in list(self.document.findall(nodes.reference)):
            target = link.get("refuri", "").removeprefix("#")
            roles = [role for start, role in ROLES.items() if target.startswith(start)]
            if not link.get("id_link") or not roles:
                continue
            domain, role = roles[0]
            where = {"refdomain": domain, "reftype": role, "reftarget": target, "refdoc": self.env.docname}
            number = addnodes.pending_xref("", refexplicit=False, refwarn=True, **where)
            number += nodes.literal("", target, classes=["xref"])
            number.source, number.line = link.source, link.line
            link.replace_self(number)


def title(env: BuildEnvironment, page: str) -> str:
    """Return a page's title, after its number if the table of contents gives it one."""
    number = env.toc_secnumbers.get(page, {}).get("")
    before = ".".join(map(str, number)) + env.config.html_secnumber_suffix if number else ""
    return before + clean_astext(env.titles[page])


class LinksToPages(SphinxPostTransform):
    """Give links to pages their words, and lead those that a cell printed to the page that the book makes of a file."""

    default_priority = 9  # before Sphinx resolves references, at 10

    def run(self, **kwargs: Any) -> None:
        for reference in list(self.document.findall(addnodes.pending_xref)):
            page = posixpath.normpath(posixpath.join("/", self.folder, reference["reftarget"])).lstrip("/")
            if reference["reftype"] == "doc" and not reference["refexplicit"] and page in self.env.found_docs:
                reference["refexplicit"] = True
                reference.clear()
                reference += nodes.inline("", title(self.env, page))
        for link in list(self.document.findall(nodes.reference)):
            address = urlsplit(link.get("refuri", ""))
            if not address.scheme and not address.netloc and address.path.endswith(PAGES):
                self.lead(link, PurePosixPath(unquote(address.path)), unquote(address.fragment))

    @property
    def folder(self) -> str:
        """The folder of the page at hand."""
        return posixpath.dirname(self.env.docname)

    def lead(self, link: nodes.reference, file: PurePosixPath, heading: str) -> None:
        """Lead a link to the page of a file, and to a heading on it, named as Jupyter names headings."""
        page = posixpath.normpath(posixpath.join(self.folder, file.with_suffix("")))
        if page not in self.env.found_docs:
            logger.warning("no page is made of %r, which a link leads to", str(file), location=link)
            return
        words = link.astext()
        shown = nodes.inline("", title(self.env, page) if words == file.stem else words)
        where = (self.env.docname, page, nodes.make_id(heading), shown)
        link.replace_self(make_refnode(self.app.builder, *where))


def use_full_words(app: Sphinx, config: Config) -> None:
    """Say "Figure 7" and "equation 7"."""
    config.numfig = True
    config.numfig_format = {"figure": "Figure %s"}
    config.math_eqref_format = "equation {number}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transforms."""
    app.connect("config-inited", use_full_words, priority=100)  # before Sphinx completes numfig_format, at 800
    app.add_transform(NumberedLinks)
    app.add_post_transform(LinksToPages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
