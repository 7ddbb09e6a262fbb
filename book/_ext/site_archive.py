"""Link to the whole site as one archive: `` {site-archive}`the whole book` ``.

``book/_tools/site_zip.py`` makes the archive when the pages are ready, and writes its size after each link.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

sys.path.append(str(Path(__file__).resolve().parents[1] / "_tools"))

from site_zip import ARCHIVE


class SiteArchive(SphinxRole):
    """A link to the archive, and room for its size."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link; the archive lies above all pages."""
        address = "../" * self.env.docname.count("/") + ARCHIVE
        link = nodes.reference("", self.text, refuri=address, internal=True, classes=["site-archive"])
        return [link, nodes.inline("", "", classes=["site-archive-size"])], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("site-archive", SiteArchive())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
