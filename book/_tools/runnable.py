"""Let a reader of the site run it: a wheel of lrlib with its results, and notebooks that install it from there.

The notebooks that the pages offer get a first cell, which installs lrlib and what they import, where any of it is
missing. What only the site understands, such as citations, becomes plain text in them. The cell needs the site's
address. Where `_config.yml` does not have it (html: baseurl), `book/_static/downloads.js` writes the address that the
reader's browser shows.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.v4 import new_code_cell
from pybtex.database import Entry, parse_file

from lrlib.course.files import write_if_changed

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ("pyproject.toml", "README.md", "lrlib", "book/results")  # what a wheel is made of
SITE = "https://ADDRESS-OF-THE-BOOK"  # stands for the site's address until that is known
EARLIEST = "315532800"  # 1980, the first time that a zip file can hold: equal sources give an equal wheel
# What the chapters and lrlib.course import: whoever has the wheel alone lacks these.
NEEDED = (
    "PIL cycler filelock joblib keras lrlib matplotlib numpy pooch schedulefree scipy sklearn tensorflow torch tqdm"
)
INSTALL = """\
# lrlib is the library behind the course. Where it, or a package that a notebook needs, is missing, this installs all.
from importlib.util import find_spec

if not all(map(find_spec, "{needed}".split())):
    %pip install --quiet "lrlib[course] @ {site}/{wheel}"\
"""
CITED = re.compile(r"\{cite\}`([^`]+)`")
DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{[^}]*\}.*?^\1\s*?$\n?", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"(\$\$) \(eq-[\w-]+\)")
CHAPTER = re.compile(r"\]\((\w+)\.ipynb(#[^)]*)?\)")


def digest(root: Path) -> str:
    """Hash what a wheel is made of."""
    total = hashlib.sha256()
    for name in PACKAGE:
        place = root / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            path = file.relative_to(root)  # as build_wheel copies them
            left_out = any(part == "__pycache__" or part.startswith(".") for part in path.parts)
            if file.is_file() and not left_out:
                total.update(f"{path}\0".encode() + file.read_bytes())
    return total.hexdigest()


def build_wheel(root: Path, folder: Path) -> Path:
    """Build a wheel of lrlib into a folder, from a copy, since setuptools leaves its work beside the sources."""
    with tempfile.TemporaryDirectory() as copy:
        for name in PACKAGE:
            source, target = root / name, Path(copy) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy(source, target)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        environment = {"SOURCE_DATE_EPOCH": EARLIEST, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run([*command, "-w", folder, copy], env=environment, check=True)
    return next(folder.glob("*.whl"))


def wheel(site: Path, root: Path = ROOT) -> str:
    """See to it that the site has the wheel, and return its place there."""
    folder, stamp = site / "wheels", site.parent / "wheel.sha256"
    wanted = digest(root)
    if not (stamp.exists() and stamp.read_text() == wanted and list(folder.glob("*.whl"))):
        stamp.unlink(missing_ok=True)  # else half a wheel, of a build that was killed, would pass for one
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build_wheel(root, folder)
        stamp.write_text(wanted)
    return f"wheels/{next(folder.glob('*.whl')).name}"


def short(entry: Entry) -> str:
    """Name a work by its authors and year: Li et al. 2026."""
    names = [" ".join(person.last_names) for person in entry.persons.get("author", [])]
    who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who or entry.fields['title']} {entry.fields.get('year', '')}".strip().translate({123: None, 125: None})


def plain(text: str, works: dict[str, Entry], site: str) -> str:
    """Return the Markdown of a cell without what only the site understands."""

    def cite(found: re.Match[str]) -> str:
        return "(" + "; ".join(short(works[key.strip()]) for key in found[1].split(",")) + ")"

    text = LABEL.sub(r"\1", DIRECTIVE.sub("", CITED.sub(cite, text)))
    return CHAPTER.sub(rf"]({site}/book/chapters/\1.html\2)", text)


def for_readers(notebook: Any, works: dict[str, Entry], site: str, wheel: str) -> Any:
    """Return a chapter's notebook as readers get it."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != "install-lrlib"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, works, site)
    first = new_code_cell(INSTALL.format(needed=NEEDED, site=site, wheel=wheel), id="install-lrlib")
    notebook.cells.insert(1, first)  # the title stays first
    return notebook


def offered(site: Path) -> list[Path]:
    """The chapters' notebooks that pages link to: below the titles, and in the theme's menu."""
    return sorted({*site.glob("_downloads/*/*.ipynb"), *site.glob("_sources/book/chapters/*.ipynb")})


def main(site: Path, root: Path = ROOT) -> None:
    """Put the wheel into a built site, and prepare the notebooks that it offers."""
    chapters = {path.name for path in (root / "book/chapters").glob("*.ipynb")}
    works = parse_file(root / "book/references.bib").entries
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    address = (config["html"].get("baseurl") or SITE).rstrip("/")
    place = wheel(site, root)
    for path in offered(site):
        if path.name in chapters:
            notebook = for_readers(nbformat.reads(path.read_text(encoding="utf-8"), 4), works, address, place)
            write_if_changed(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(ROOT / "book/_build/html")
