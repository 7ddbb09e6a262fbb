"""Let a reader of the site run it: a wheel of lrlib with its results, and notebooks that install it from there.

The notebooks that the pages offer get a first cell, which installs lrlib and what they import, where any of it is
missing or lrlib is of another edition. What only the site understands, such as citations, becomes plain text in them.
The cell needs the site's address. Where `_config.yml` does not have it (html: baseurl), `book/_static/downloads.js`
writes the address that the reader's browser shows.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

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
# lrlib is the library behind the course. Where it, or a package that a notebook needs, is missing, this installs all;
# so it does where lrlib is of another edition of the book. A version of your own, without "+book", is left alone.
from importlib.metadata import distributions
from importlib.util import find_spec

present = all(map(find_spec, "{needed}".split()))
versions = {{found.version for found in distributions(name="lrlib")}}
if not present or any("+book" in one and one != "{version}" for one in versions):
    %pip install --quiet "lrlib[course] @ {site}/{wheel}"\
"""
VERSION = re.compile(r'^__version__ = "([^"+]+)"$', re.MULTILINE)
CITED = re.compile(r"\{cite\}`([^`]+)`")
DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{[^}]*\}.*?^\1\s*?$\n?", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"(\$\$) \(eq-[\w-]+\)")
CHAPTER = re.compile(r"\]\((\w+)\.ipynb(#[^)]*)?\)")


def parts(root: Path) -> Iterator[Path]:
    """Files and folders that a wheel is made of, as build_wheel copies them."""
    for name in PACKAGE:
        place = root / name
        for path in [place, *sorted(place.rglob("*"))]:
            if not any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(root).parts):
                yield path


def digest(root: Path) -> str:
    """Hash what a wheel is made of."""
    total = hashlib.sha256()
    for path in filter(Path.is_file, parts(root)):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return total.hexdigest()


def version(root: Path) -> str:
    """lrlib's version, with the edition of the book: pip installs no wheel whose version is there already."""
    number = VERSION.findall((root / "lrlib/__init__.py").read_text(encoding="utf-8"))[0]
    return f"{number}+book{digest(root)[:8]}"


def address(root: Path) -> str:
    """Where the wheel lies below the site's address; a bare + would be read as a space by some servers."""
    return f"wheels/{quote(f'lrlib-{version(root)}-py3-none-any.whl')}"


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
        package = Path(copy) / "lrlib/__init__.py"
        text = VERSION.sub(f'__version__ = "{version(root)}"', package.read_text(encoding="utf-8"))
        package.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        environment = {"SOURCE_DATE_EPOCH": EARLIEST, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run([*command, "-w", folder, copy], env=environment, check=True)
    return next(folder.glob("*.whl"))


def provide_wheel(site: Path, root: Path = ROOT) -> None:
    """See to it that the site has the wheel."""
    folder, stamp = site / "wheels", site.parent / "wheel.sha256"
    wanted = digest(root)
    if not (stamp.exists() and stamp.read_text() == wanted and list(folder.glob("*.whl"))):
        stamp.unlink(missing_ok=True)  # else half a wheel, of a build that was killed, would pass for one
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build_wheel(root, folder)
        stamp.write_text(wanted)


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


def install_cell(site: str, root: Path = ROOT) -> str:
    """The cell that installs what a chapter's notebook needs."""
    return INSTALL.format(needed=NEEDED, site=site, wheel=address(root), version=version(root))


def for_readers(notebook: Any, works: dict[str, Entry], site: str, install: str) -> Any:
    """Return a chapter's notebook as readers get it, with the cell ``install``."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != "install-lrlib"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, works, site)
    first = new_code_cell(install, id="install-lrlib")
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
    home = (config["html"].get("baseurl") or SITE).rstrip("/")
    provide_wheel(site, root)
    install = install_cell(home, root)
    for path in offered(site):
        if path.name in chapters:
            notebook = for_readers(nbformat.reads(path.read_text(encoding="utf-8"), 4), works, home, install)
            write_if_changed(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(ROOT / "book/_build/html")
