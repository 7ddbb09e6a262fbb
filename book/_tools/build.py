"""Render the book: install its packages, run Jupyter Book with every warning an error, check the pages, pack them.

    python book/_tools/build.py [--all]

Pages go to ``book/_build/html``. Only changed pages are rendered, unless something changed that
all pages share, or ``--all`` asks for it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import assignments
import front
import npm
import question_bank
import runnable
import self_grading
import site_zip
import stdlib
import table_of_contents
import yaml

from lrlib.course.files import write_if_changed

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "book" / "_build"
SHARED = ["_config.yml", "_toc.yml", "book/references.bib", "book/_ext", "book/_static", "book/_tools"]
# Runs Jupyter Book; without a grammar that its import of jsonschema takes more than a second to make, for nothing here.
JUPYTER_BOOK = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyter_book.cli.main import main; main()"


def missing_pages(toc: Path, html: Path) -> list[str]:
    """Return the pages that the table of contents lists and the build did not make."""
    listed = table_of_contents.pages(yaml.safe_load(toc.read_text(encoding="utf-8")))
    return [page for page in listed if not (html / f"{page}.html").exists()]


def shared_digest(root: Path = ROOT) -> str:
    """Hash what shapes every page; Sphinx itself does not watch these files."""
    total = hashlib.sha256()
    for name in SHARED:
        place = root / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            # The stamps stand for what npm installed and what was made of it.
            installed = "vendor" in file.parts and file.name not in (npm.STAMP, stdlib.STAMP)
            skip = "__pycache__" in file.parts or installed
            if file.is_file() and not skip:
                total.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return total.hexdigest()


def release_assignments(sources: Path = assignments.SOURCES) -> None:
    """Write the students' notebooks, which the pages offer for download; one that is there already stays as it is."""
    place = BUILD / "assignments"
    with tempfile.TemporaryDirectory() as fresh:
        released = assignments.release(Path(fresh), sources, None, assignments.names(sources))
        for path in released:
            write_if_changed(place / path.name, path.read_bytes())
    for name in {path.name for path in place.glob("*.ipynb")} - {path.name for path in released}:
        (place / name).unlink()


def require_version_1() -> None:
    """Stop where Jupyter Book 2 is installed: it ignores _config.yml and succeeds with no pages."""
    version = importlib.metadata.version("jupyter-book")
    if not version.startswith("1."):
        raise SystemExit(f"Jupyter Book {version} cannot build this book; install 1.0.4.post1")


def render(everything: bool) -> int:
    """Run Jupyter Book in this interpreter's environment and return its exit status."""
    options = ["build", str(ROOT), "--path-output", str(ROOT / "book"), "-n", "-W", "--keep-going"]
    # -q leaves out the list of steps; warnings are still shown
    options += ["-q"] + (["--all"] if everything else [])
    return subprocess.run([sys.executable, "-c", JUPYTER_BOOK, *options], check=False).returncode


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="render the book into book/_build/html")
    parser.add_argument("--all", action="store_true", help="render every page anew")
    options = parser.parse_args(argv)
    require_version_1()
    npm.main()
    stdlib.main()
    front.main()
    release_assignments()
    self_grading.write()
    question_bank.write()
    stamp = BUILD / "shared.sha256"
    shared = shared_digest()
    unchanged = stamp.exists() and stamp.read_text() == shared
    # Sphinx does not repeat the warnings of pages that it has read, so after a build that failed or was interrupted,
    # however it ended, all are read anew.
    stamp.unlink(missing_ok=True)
    everything = options.all or not unchanged
    if everything:  # Sphinx writes over what is there, and would leave what no source has any more
        shutil.rmtree(BUILD / "html", ignore_errors=True)
    status = render(everything)
    lacking = missing_pages(ROOT / "_toc.yml", BUILD / "html")
    if status or lacking:
        for page in lacking:
            print(f"_toc.yml lists {page}, but the build made no such page", file=sys.stderr)
        print("The book was not built: see the messages above.", file=sys.stderr)
        return 1
    runnable.main(BUILD / "html")
    site_zip.main(BUILD / "html")
    stamp.write_text(shared)
    print(f"The book is ready: open {(BUILD / 'html' / 'index.html').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
