"""Install what the built pages run from npm packages, so that the book loads nothing from elsewhere.

    python book/_tools/npm.py

``npm ci`` installs ``book/package-lock.json``, which holds versions and SHA-512 digests, into ``book/node_modules``.
What the pages load is copied to ``book/_static/vendor``. Neither folder is committed. Where npm fails, the build goes
on: its pages use the usual CDN for formulas, and the explorer shows its gallery only.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

BOOK = Path(__file__).resolve().parents[1]
SECONDS = 600  # a slow connection may need minutes
COMMAND = ("ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
# What of the packages the site has: not their copies for other systems and other languages.
COPIED = (
    "mathjax/LICENSE",
    "mathjax/es5/tex-chtml.js",  # TeX in, HTML out
    "mathjax/es5/output/chtml/fonts/woff-v2",
    "mathjax/es5/input/tex/extensions",
    "mathjax/es5/a11y",  # what the formula's context menu may load: speech in English
    "mathjax/es5/sre/mathmaps/base.json",
    "mathjax/es5/sre/mathmaps/en.json",
    "pyodide/README.md",  # names the licence
    "pyodide/pyodide.mjs",
    "pyodide/pyodide.asm.mjs",
    "pyodide/pyodide.asm.wasm",
    "pyodide/python_stdlib.zip",
    "pyodide/pyodide-lock.json",
)
STAMP = "SHA256"  # in the vendor folder: of the lock and this file, written when all is there


class Unavailable(Exception):
    """Why the packages could not be had."""


def ci(folder: Path) -> None:
    """Install the packages that a folder's lock names, all or none."""
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    try:
        done = subprocess.run(
            [npm, *COMMAND], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"npm ci did not finish within {SECONDS} seconds") from None
    if "EINTEGRITY" in done.stderr:  # not what was locked: no reason to go on
        raise SystemExit(f"npm ci: a package is not the one in {folder.name}/package-lock.json\n{done.stderr}")
    if done.returncode:
        said = done.stderr.replace("npm error ", "").strip().splitlines() or ["no message"]
        raise Unavailable(f"npm ci failed: {said[0]}")


def copy(packages: Path, vendor: Path) -> None:
    """Replace the vendor folder by what the pages load of the installed packages."""
    shutil.rmtree(vendor, ignore_errors=True)
    for name in COPIED:
        source, target = packages / name, vendor / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.map"))
        else:
            shutil.copyfile(source, target)


def install(book: Path = BOOK) -> Path:
    """Return the folder of the installed packages, after installing and copying them if the lock has changed."""
    packages, vendor = book / "node_modules", book / "_static" / "vendor"
    state = hashlib.sha256((book / "package-lock.json").read_bytes() + Path(__file__).read_bytes()).hexdigest()
    with FileLock(book / ".npm.lock"):  # tests in several processes
        stamp = vendor / STAMP
        if not (packages.is_dir() and stamp.exists() and stamp.read_text() == state):
            stamp.unlink(missing_ok=True)  # npm ci begins by removing what is there, and may be stopped
            if packages.is_symlink():
                packages.unlink()  # else it would remove what another checkout has installed
            ci(book)
            copy(packages, vendor)
            stamp.write_text(state)
    return packages


def main(book: Path = BOOK) -> int:
    """Install all, or say why not and what follows."""
    try:
        install(book)
    except Unavailable as error:
        print(f"MathJax and Pyodide were not installed: {error}.")
        print("The book will load MathJax from its CDN, so formulas need a network.")
        print("The schedule explorer will show its gallery only.")
        print("Install npm and run this again for a book that works offline.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
