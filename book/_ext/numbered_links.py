"""Number the links to figures and equations: ``[the figure](#fig-steps)`` reads "Figure 7" on the page.

In Jupyter, which knows no numbers, the link's own words are shown, so they must read well there too.
A link whose target does not exist stops the build.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms import SphinxTransform

# How a target begins: the domain and the role that resolve it.
ROLES = {"fig-": ("std", "numref"), "eq-": ("math", "eq")}


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


def use_full_words(app: Sphinx, config: Config) -> None:
    """Say "Figure 7" and "equation 7"."""
    config.numfig = True
    config.numfig_format = {"figure": "Figure %s"}
    config.math_eqref_format = "equation {number}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.connect("config-inited", use_full_words, priority=100)  # before Sphinx completes numfig_format, at 800
    app.add_transform(NumberedLinks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
