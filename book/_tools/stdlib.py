"""Replace the Python sources that Pyodide compiles at each start by bytecode of the modules that the explorer uses.

    python book/_tools/stdlib.py

The archive is made by Pyodide itself, under Node, of ``book/node_modules``, and takes the place of the one that
``npm.py`` has copied to ``book/_static/vendor``. Without Node that one stays: the explorer then starts more slowly.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

TOOLS = Path(__file__).resolve().parent
BOOK = TOOLS.parent
SECONDS = 600  # a busy machine may need minutes
# What runs in Pyodide, by its name there.
SOURCES = {
    "bytecode.py": TOOLS / "bytecode.py",
    "explorer.py": BOOK / "_static" / "explorer" / "explorer.py",
    "lrlib/__init__.py": BOOK.parent / "lrlib" / "__init__.py",
    "lrlib/schedules.py": BOOK.parent / "lrlib" / "schedules.py",
}
ARCHIVE = "python_stdlib.zip"
STAMP = "STDLIB_SHA256"  # beside the archive: of what it was made of


class Unavailable(Exception):
    """Why the archive could not be made."""


def digest(packages: Path) -> str:
    """Hash what the archive is made of."""
    total = hashlib.sha256((packages / "pyodide" / ARCHIVE).read_bytes())
    for file in [TOOLS / "stdlib.mjs", Path(__file__), *SOURCES.values()]:
        total.update(file.read_bytes())
    return total.hexdigest()


def pack(packages: Path, target: Path) -> None:
    """Write the archive with the installed Pyodide."""
    node = shutil.which("node")
    if node is None:
        raise Unavailable("node is not installed")
    sources = json.dumps({name: str(file) for name, file in SOURCES.items()})
    fresh = target.with_suffix(".new")
    command = [node, str(TOOLS / "stdlib.mjs"), str(packages / "pyodide"), sources, str(fresh)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"node did not finish within {SECONDS} seconds") from None
    if done.returncode:
        raise Unavailable(f"node failed: {done.stderr[-2000:]}")
    fresh.replace(target)


def install(book: Path = BOOK) -> Path:
    """Return the archive's place, after making it anew if what it is made of has changed."""
    packages, place = book / "node_modules", book / "_static" / "vendor" / "pyodide"
    if not (place.is_dir() and (packages / "pyodide" / ARCHIVE).is_file()):  # an old copy may outlive the packages
        raise Unavailable("Pyodide is not installed")
    with FileLock(book / ".npm.lock"):  # tests in several processes
        stamp, state = place / STAMP, digest(packages)
        if not (stamp.exists() and stamp.read_text() == state):
            pack(packages, place / ARCHIVE)
            stamp.write_text(state)
    return place / ARCHIVE


def main(book: Path = BOOK) -> int:
    """Make the archive, or say why not and what follows."""
    try:
        install(book)
    except Unavailable as error:
        print(f"Pyodide's standard library was not compiled: {error}.")
        print("The schedule explorer will start more slowly.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
