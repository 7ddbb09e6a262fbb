"""Offer each chapter on Binder and in Colab, where the book's settings name the repository.

``repository_url`` and ``repository_branch`` stand in ``_config.yml`` under ``sphinx: config``. While the address is
empty no page shows a button. Binder sets up ``environment.yml``; Colab opens GitHub's repositories only, and has no
lrlib until it is installed there, so the line says how.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.transforms import SphinxTransform

BINDER, COLAB = "https://mybinder.org/v2", "https://colab.research.google.com"
# An allowlist: none of these characters means anything to a shell, in HTML or in an address.
NAME = r"/(?!\.)[\w.-]+"
ADDRESS = re.compile(
    rf"https://(github\.com({NAME}){{2}}|(?!github\.com/)[a-z0-9-]+(\.[a-z0-9-]+)+({NAME}){{2,}})", re.ASCII
)
BRANCH = re.compile(r"(?!.*(\.\.|//|/$))[A-Za-z0-9_][\w./-]*", re.ASCII)


def check(app: Sphinx, config: Config) -> None:
    """Refuse an address or a branch that is none."""
    address, branch = config.repository_url, config.repository_branch
    if address and not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"_config.yml: repository_url is {address!r}; it must be empty, or like https://github.com/OWNER/NAME"
        )
    if not BRANCH.fullmatch(branch):
        raise ConfigError(f"_config.yml: repository_branch is {branch!r}; it must name a branch or a tag, like 'main'")


def binder(address: str, branch: str, path: str) -> str:
    """Return the link that opens a notebook of the repository in JupyterLab on Binder."""
    place = urlsplit(address)
    source = f"gh{place.path}" if place.netloc == "github.com" else f"git/{quote(address, safe='')}"
    return f"{BINDER}/{source}/{quote(branch, safe='')}?urlpath={quote(f'lab/tree/{path}', safe='')}"


def colab(address: str, branch: str, path: str) -> str | None:
    """Return the link that opens a notebook in Colab; None where the repository is not on GitHub."""
    place = urlsplit(address)
    return f"{COLAB}/github{place.path}/blob/{branch}/{quote(path)}" if place.netloc == "github.com" else None


class LaunchButtons(SphinxTransform):
    """Add the links to the line under a chapter's title, which ``chapter_info`` has put there."""

    default_priority = 875

    def apply(self, **kwargs: Any) -> None:
        lines = [p for p in self.document.findall(nodes.paragraph) if "chapter-info" in p["classes"]]
        if not lines or not self.config.repository_url:
            return
        address = self.config.repository_url.removesuffix(".git")
        path = Path(self.env.doc2path(self.env.docname)).relative_to(self.env.srcdir).as_posix()
        what = (address, self.config.repository_branch, path)
        lines[0] += [nodes.Text(" Run it on "), nodes.reference("", "Binder", refuri=binder(*what), classes=["launch"])]
        if to_colab := colab(*what):
            command = f'%pip install "lrlib[course] @ git+{address}@{self.config.repository_branch}"'
            lines[0] += [nodes.Text(" or in "), nodes.reference("", "Colab", refuri=to_colab, classes=["launch"])]
            lines[0] += [nodes.Text(", where "), nodes.literal("", command), nodes.Text(" comes first")]
        lines[0] += nodes.Text(".")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the settings and the transform."""
    app.add_config_value("repository_url", "", "env", [str])
    app.add_config_value("repository_branch", "main", "env", [str])
    app.connect("config-inited", check)
    app.add_transform(LaunchButtons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
