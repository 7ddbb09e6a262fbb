"""The schedule explorer's page: its panel, and the gallery that stands for it where it cannot run.

The directives ``schedule-explorer`` and ``schedule-gallery`` write them. The gallery's curves are computed from lrlib
when the page is built. ``explorer.py`` runs here and in the browser: Sphinx copies it with the other static files, and
this extension copies lrlib's files beside it.
"""

from __future__ import annotations

import hashlib
import html
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from docutils import nodes
from page_files import add_where
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import lrlib
from lrlib import schedules

sys.path.append(str(Path(__file__).resolve().parents[1] / "_static" / "explorer"))  # where what runs in the browser is

import explorer

HERE = Path(__file__).resolve().parent
PANEL = HERE / "explorer_panel.html"
RUNTIME = HERE.parent / "_static" / "vendor" / "pyodide"
LOADED = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
# Where the page's worker finds the parts of lrlib that it runs.
LRLIB: dict[str, str] = {"lrlib/__init__.py": lrlib.__file__, "lrlib/schedules.py": schedules.__file__}
SCRIPTS = ("chart/chart.js", "explorer/start.js")
STYLES = ("controls.css", "chart/chart.css", "explorer/explorer.css")
OWN = HERE.parent / "_static" / "explorer"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 300, 120, 50, 8, 20  # of a gallery's picture


def options() -> str:
    """The list that a schedule is picked from."""
    groups = {"Families": list(explorer.families()), "Compositions": list(explorer.presets())}
    lines = []
    for title, names in groups.items():
        inside = "".join(f"<option>{html.escape(name)}</option>" for name in names)
        lines.append(f'<optgroup label="{title}">{inside}</optgroup>')
    return "".join(lines)


def runtime() -> tuple[str, str]:
    """How much is loaded on Start, as a host compresses it, and a digest of all that then runs in the page's worker.

    Both are empty where the runtime was not fetched.
    """
    if not all((RUNTIME / name).exists() for name in LOADED):
        return "", ""
    total = sum(len(zlib.compress((RUNTIME / name).read_bytes(), 6)) for name in LOADED)
    files = [RUNTIME / name for name in LOADED] + [OWN / "worker.mjs", OWN / "explorer.py", *map(Path, LRLIB.values())]
    digests = (hashlib.sha256(file.read_bytes()).digest() for file in files)
    return f"{total / 1e6:.0f} MB", hashlib.sha256(b"".join(digests)).hexdigest()[:16]


def path(points: list[tuple[int, float]], low: float, high: float) -> str:
    """A curve's path, from ``low`` at the foot of the picture to ``high`` at its top."""
    last = points[-1][0]
    across, up = (WIDTH - LEFT - 4) / last, (HEIGHT - TOP - BOTTOM) / (high - low)
    places = [f"{LEFT + t * across:.1f},{HEIGHT - BOTTOM - (rate - low) * up:.1f}" for t, rate in points]
    return "M" + "L".join(dict.fromkeys(places))  # deduplicated: many updates fall on one place


def words(name: str, state: explorer.State) -> str:
    """What a curve looks like, for those who cannot see it."""
    facts = state.schedule.describe(state.horizon)
    return (
        f"{name}: from {facts['start']:.3g} at update 0 to {facts['end']:.3g} at update {state.horizon:,}; "
        f"the peak, {facts['peak']:.3g}, is at update {facts['peak_at']:,}; mean {facts['mean']:.3g}."
    )


def picture(name: str, state: explorer.State) -> str:
    """The curve as SVG; its colours are the theme's."""
    values = explorer.rates(state.schedule, state.horizon)
    low, high = min(0.0, *values), max(values)
    foot = HEIGHT - BOTTOM
    curves = f'<path class="rate" d="{path(explorer.points(values), low, high)}"/>'
    if state.momentum:
        momentum = explorer.points(explorer.rates(state.momentum, state.horizon))
        curves += f'<path class="momentum" d="{path(momentum, 0.0, 1.0)}"/>'
    return (
        f'<svg class="explorer-picture" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(words(name, state))}">'
        f'<path class="axis" d="M{LEFT},{TOP}V{foot}H{WIDTH - 4}"/>{curves}'
        f'<text x="{LEFT - 4}" y="{TOP + 6}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{LEFT - 4}" y="{foot}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">0</text>'
        f'<text x="{WIDTH - 4}" y="{HEIGHT - 6}" text-anchor="end">{state.horizon:,} updates</text></svg>'
    )


class Explorer(SphinxDirective):
    """The panel, which its script shows where it can run, and the fallback: a sentence that says why it cannot."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(PANEL))
        self.env.note_dependency(explorer.__file__)
        self.env.note_dependency(schedules.__file__)
        size, digest = runtime()
        panel = PANEL.read_text(encoding="utf-8").replace("{options}", options()).replace("{size}", size)
        return [nodes.raw("", panel.replace("{runtime}", digest), format="html")]


class Gallery(SphinxDirective):
    """A card for everything that can be picked, or for one group of it: its curve and the code that makes it."""

    required_arguments = 1
    groups: ClassVar[dict[str, Callable[[], Iterable[str]]]] = {
        "families": explorer.families,
        "compositions": explorer.presets,
    }

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(schedules.__file__)
        self.env.note_dependency(explorer.__file__)
        states = explorer.choices()
        gallery = nodes.container(classes=["explorer-gallery"])
        for name in self.groups[self.arguments[0]]():
            gallery += self.card(name, states[name])
        return [gallery]

    def card(self, name: str, state: explorer.State) -> nodes.Node:
        code = "\n".join(explorer.definitions(state))
        link = f'<a class="explorer-open" href="#s={quote(state.text())}">Open {html.escape(name)} in the explorer</a>'
        card = nodes.container(classes=["explorer-card"])
        card += nodes.paragraph("", "", nodes.strong("", name))
        card += nodes.raw("", picture(name, state), format="html")
        card += nodes.literal_block(code, code, language="python")
        card += nodes.raw("", link, format="html")
        return card


def copy_lrlib(app: Sphinx, error: Exception | None) -> None:
    """Put what of lrlib runs in the browser into the site, byte for byte."""
    if error is None and app.builder.format == "html":
        for name, source in LRLIB.items():
            target = Path(app.outdir) / "_static" / "explorer" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("schedule-explorer", Explorer)
    app.add_directive("schedule-gallery", Gallery)
    add_where(app, "explorer", SCRIPTS, STYLES)
    app.connect("build-finished", copy_lrlib)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
