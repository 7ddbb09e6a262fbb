"""Pack what grades the assignments into one archive that Python runs, for learners without a teacher.

    python book/_tools/self_grading.py

The build does so before the pages, which offer the archive for download.
"""

from __future__ import annotations

from pathlib import Path

import site_zip

BOOK = Path(__file__).resolve().parents[1]
ARCHIVE = BOOK / "_build" / "self-grading.zip"
TOOLS = ("assignments.py", "entry.py", "folders.py", "grading_steps.py", "kernels.py", "leaderboard.py")


def contents() -> dict[str, Path]:
    """The archive's files by name: tools beside assignments, as in the book."""
    sources = sorted((BOOK / "assignments").rglob("*.py"))
    return {
        "__main__.py": Path(__file__).with_name("self_grading_main.py"),
        **{f"tools/{name}": Path(__file__).with_name(name) for name in TOOLS},
        **{path.relative_to(BOOK).as_posix(): path for path in sources},
    }


def write(target: Path = ARCHIVE) -> Path:
    """Write the archive, unless it is there already: the build renders a page again where a download has changed."""
    return site_zip.pack(target, ((name, path.read_bytes()) for name, path in contents().items()))


if __name__ == "__main__":
    print(write())
