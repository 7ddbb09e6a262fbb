"""Name what the built site offers beside its pages: one archive of all, and a wheel of lrlib.

`` {site-archive}`the whole book` `` links to the archive. ``book/_tools/site_zip.py`` makes it when the pages are
ready, and writes its size after each link. ``{install-command}`` is the line that installs the wheel of
``book/_tools/runnable.py`` with the extra ``course``, or the one that is named; ``book/_static/downloads.js`` writes
the site's address into it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

sys.path.append(str(Path(__file__).resolve().parents[1] / "_tools"))

import runnable
from site_zip import ARCHIVE


class SiteArchive(SphinxRole):
    """A link to the archive, and room for its size."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link; the archive lies above all pages."""
        address = "../" * self.env.docname.count("/") + ARCHIVE
        link = nodes.reference("", self.text, refuri=address, internal=True, classes=["site-archive"])
        return [link, nodes.inline("", "", classes=["site-archive-size"])], []


class InstallCommand(SphinxDirective):
    """The command that installs lrlib from the site, with one of its extras."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the line, to be copied; the page is made anew when the wheel changes."""
        for part in runnable.parts(runnable.ROOT):
            self.env.note_dependency(str(part))
        extra = self.arguments[0] if self.arguments else "course"
        command = f'pip install "lrlib[{extra}] @ {runnable.SITE}/{runnable.address(runnable.ROOT)}"'
        return [nodes.literal_block(command, command, language="sh", classes=["site-address"])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("site-archive", SiteArchive())
    app.add_directive("install-command", InstallCommand)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
