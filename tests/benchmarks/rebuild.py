"""A warm build after one changed line of prose against a clean build, in one run: what an author waits for.

python tests/benchmarks/rebuild.py
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import report

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "step_and_plateau"
LINE = "# # Step decay"
TOP = ["_config.yml", "_toc.yml", "book", "lrlib"]


def run(folder: Path, tool: str) -> float:
    """Seconds that one of the book's tools takes in a copy of the book."""
    start = time.perf_counter()
    subprocess.run([sys.executable, f"book/_tools/{tool}.py"], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def copy_book(folder: Path) -> None:
    """Copy what a build reads, without what earlier builds made."""
    for name in TOP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("_build", "__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy_book(folder)
        clean = run(folder, "build")
        source = folder / "book" / "chapters" / f"{CHAPTER}.py"
        text = source.read_text(encoding="utf-8")
        assert text.count(LINE) == 1, f"{source.name} has not the one line {LINE!r}"
        source.write_text(text.replace(LINE, f"{LINE}, again"), encoding="utf-8")
        # Only text changed, so the notebook keeps its outputs and nothing is executed.
        warm = run(folder, "notebooks") + run(folder, "build")
    print(f"clean {clean:.1f} s, after a changed line {warm:.1f} s (target: under 30 s on two idle cores)")
    return 0 if report("warm against clean build", warm, clean, 0.5) else 1


if __name__ == "__main__":
    sys.exit(main())
