"""Give every page a Content-Security-Policy, which lets it run the site's own scripts and nothing else.

A reader's browser then runs no script that came with a link, a stored answer or a pasted text, should one of ours ever
write it into a page. The policy stands in a ``meta`` element, since a static host sends no headers of ours, and a
page that is opened from a file has none. It names each inline script of its page by its SHA-256 digest, and permits no
inline event handler: such a handler, or a ``javascript:`` address, stops the build.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.ext.mathjax import MATHJAX_URL

from lrlib.course.files import write_if_changed

# A page from a file has no origin that 'self' could mean, by the standard, so that file: is named too. A page that came
# from a server may load no file anyway.
OWN = ("'self'", "file:")
POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": OWN,
    # MathJax and the theme set sizes in style elements and attributes that they write in the page.
    "style-src": (*OWN, "'unsafe-inline'"),
    "img-src": (*OWN, "data:"),  # the theme's style sheets hold small icons
    "font-src": OWN,
    "form-action": OWN,  # the search
    "base-uri": ("'none'",),
}
# What only some pages need, by a script of theirs. The explorer's worker is a file of the site: it has no policy of its
# own, so that Python's WebAssembly needs no permission here.
ADDED: dict[str, dict[str, tuple[str, ...]]] = {
    "downloads.js": {"connect-src": ("'self'",)},  # reads the notebook that it writes the site's address into
    "explorer/start.js": {"worker-src": ("'self'",)},
    "trainer/trainer.js": {"worker-src": ("blob:",)},  # from a file a worker starts only from a text
}
# Where a page without npm's MathJax loads it from; its parts and its fonts lie beside it.
CDN = MATHJAX_URL.rpartition("/es5/")[0] + "/"
FROM_CDN: dict[str, tuple[str, ...]] = {"script-src": (CDN,), "font-src": (CDN,)}
SEARCH = "search.html"
SEARCHING: dict[str, tuple[str, ...]] = {"connect-src": ("'self'",)}  # excerpts of the pages that were found
CODE = ("", "module", "text/javascript", "application/javascript")  # a script element of another type is data
META = '<meta http-equiv="Content-Security-Policy" content="{}" />'
PRESENT = re.compile(META.replace("{}", '[^"]*').replace("/>", r"/>\n?"))
CHARSET = re.compile(r'<meta charset="[^"]*"\s*/?>\n?', re.IGNORECASE)


class Scripts(HTMLParser):
    """The text of a page's inline scripts, the addresses of the others, and what cannot be permitted."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.inline: list[str] = []
        self.sources: list[str] = []
        self.refused: list[str] = []
        self.inside = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.refused.append(f'<{tag} {name}="{value}">')
        if tag == "script":
            given = dict(attrs)
            if "src" in given:
                self.sources.append(given["src"] or "")
            elif (given.get("type") or "").lower() in CODE:
                self.inside = True
                self.inline.append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.inline[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "script"


def digest(script: str) -> str:
    """An inline script as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def policy(name: str, page: str) -> str:
    """The policy of a page. Raises ``ExtensionError`` where the page has scripts in attributes."""
    scripts = Scripts(page)
    if scripts.refused:
        raise ExtensionError(f"{name}: use a listener, a policy permits no script in an attribute: {scripts.refused}")
    directives = {**POLICY, "script-src": (*POLICY["script-src"], *sorted(set(map(digest, scripts.inline))))}
    needs = [ADDED[script] for script in ADDED if any(f"/{script}" in source for source in scripts.sources)]
    needs += [FROM_CDN] if any(source.startswith(CDN) for source in scripts.sources) else []
    needs += [SEARCHING] if name == SEARCH else []
    for directive, sources in (item for need in needs for item in need.items()):
        directives[directive] = (*directives.get(directive, ()), *sources)
    return "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in directives.items())


def secured(name: str, page: str) -> str:
    """The page with its policy, above all that the policy is for."""
    page = PRESENT.sub("", page)
    if not CHARSET.search(page):
        raise ExtensionError(f'{name} has no <meta charset="…">, after which its policy belongs')
    return CHARSET.sub(lambda found: f"{found[0].rstrip()}\n{META.format(policy(name, page))}\n", page, count=1)


def secure_pages(app: Sphinx, error: Exception | None) -> None:
    """Write the policies when all pages are there."""
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for file in sorted(site.rglob("*.html")):
        name = file.relative_to(site).as_posix()
        if name.startswith("_static/"):  # templates that came with the theme: no pages
            continue
        write_if_changed(file, secured(name, file.read_text(encoding="utf-8")))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what writes the policies."""
    app.connect("build-finished", secure_pages, priority=900)  # after what others change in the pages
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
