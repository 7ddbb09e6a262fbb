"""Grade an assignment for yourself: this is the `__main__` of self-grading.zip, which the site offers.

    python self-grading.zip three_policies.ipynb               # marks, and what failed
    python self-grading.zip three_policies.ipynb --solutions   # also the solutions of the parts that you have tried
    python self-grading.zip capstone.py                        # trains your schedule, and ranks it

The tests lie open in the archive, in `assignments/`, and so do the solutions: they are for those who have no teacher.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

STUDENT = "you"


def attempted(cell: Any, released: Any) -> bool:
    """Whether an answer is more than what was released: other code than the stub, or other words."""
    lines = [line.strip() for line in cell.source.splitlines()]
    left = [line for line in lines if line and not line.startswith("#")] if cell.cell_type == "code" else lines
    stub = {line.strip() for line in released.source.splitlines()}
    return "raise NotImplementedError()" not in left and any(line not in stub for line in left)


def solutions(tool: Any, name: str, notebook: Any) -> tuple[str, list[str]]:
    """The solutions of the parts that were tried, as Markdown, and the names of the others."""
    source = tool.SOURCES / f"{name}.py"
    released = {tool.cell_name(cell): cell for cell in tool.student_version(tool.read_source(source)).cells}
    tried = {
        tool.cell_name(cell)
        for cell in notebook.cells
        if tool.cell_name(cell) in released and attempted(cell, released[tool.cell_name(cell)])
    }
    parts, untried = [f"# Solutions: {name}"], []
    for cell in tool.read_source(source).cells:
        if not cell.metadata.get("nbgrader", {}).get("solution"):
            continue
        part = tool.cell_name(cell)
        if part not in tried:
            untried.append(part)
            continue
        lines = [line for line in cell.source.splitlines() if "### BEGIN" not in line and "### END" not in line]
        text = "\n".join(lines).strip("\n")
        parts.append(f"## {part}\n\n```python\n{text}\n```" if cell.cell_type == "code" else f"## {part}\n\n{text}")
    return "\n\n".join(parts) + "\n", untried


def grade(tool: Any, path: Path, wants_solutions: bool, seconds: float | None, place: Path) -> int:
    """Grade a notebook, print its marks, and write the feedback page, and the solutions, beside it."""
    cells = {name: tool.cell_names(tool.read_source(tool.SOURCES / f"{name}.py")) for name in tool.names(tool.SOURCES)}
    candidate = tool.read_candidate(path.resolve())  # of a class a link is refused: it could be another's work
    name = tool.belongs_to(candidate, cells)
    if candidate.notebook is None:
        raise tool.AssignmentError(f"{path} {candidate.problem}: nothing to grade")
    if not name:
        raise tool.AssignmentError(f"{path} is none of the assignments: {', '.join(cells)}")
    handed_in = place / "handed in" / STUDENT / f"{name}.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_bytes(path.read_bytes())
    limit = seconds or tool.calibrate(1)
    print(f"grading {name}: this takes {limit:.0f} seconds at most", flush=True)
    (mark,) = tool.grade(handed_in.parents[1], place / "marks", tool.SOURCES, None, [name], limit)
    for test, (points, most) in mark.cells.items():
        print(f"{points:4g} of {most:g}  {test}")
    print(f"{mark.score:4g} of {mark.max_score:g}  in all")
    for message in mark.messages:
        print(f"- {message}")
    page = path.with_name(f"{name}-feedback.html")
    tool.write_atomically(page, (place / "marks/feedback" / STUDENT / f"{name}.html").read_bytes())
    print(f"written: {page}")
    if wants_solutions:
        text, untried = solutions(tool, name, candidate.notebook)
        shown = path.with_name(f"{name}-solutions.md")
        tool.write_atomically(shown, text)
        print(f"written: {shown}" + (f"; not tried yet, so not shown: {', '.join(untried)}" if untried else ""))
    return 0


def words(error: Exception) -> str:
    """What to tell a learner: our own errors say it all, a missing package says what to install."""
    if isinstance(error, ModuleNotFoundError):
        if error.name == "resource":
            return "grading runs on Linux and macOS; on Windows run it in WSL, the Windows Subsystem for Linux"
        return f"{error}: install lrlib[assignments], as the assignments' page says"
    kind = type(error).__name__
    return str(error) if kind in ("AssignmentError", "DataUnavailable") else f"{kind}: {error}"


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python self-grading.zip", description=(__doc__ or "").split(":")[0])
    parser.add_argument("file", type=Path, help="a notebook of an assignment, or capstone.py")
    parser.add_argument("--solutions", action="store_true", help="also show the solutions of the parts that you tried")
    parser.add_argument(
        "--seconds", type=float, help="for the notebook, or for an entry's rates; without it, as a calibration finds"
    )
    options = parser.parse_args(argv)
    if options.seconds is not None and not 0 < options.seconds < float("inf"):
        parser.error(f"--seconds: a number above 0 is expected, got {options.seconds}")
    is_entry = options.file.suffix == ".py"
    if is_entry and options.solutions:
        parser.error(f"--solutions: the capstone has none, and {options.file} is taken for an entry to it")
    if not options.file.is_file():
        print(f"there is no file {options.file.absolute()}: go to your notebook's folder, or name it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="self-grading-") as folder:
        place, home = Path(folder), Path(__file__).parent
        if not home.is_dir():  # not unpacked: grading starts processes, which need files
            with zipfile.ZipFile(home) as archive:
                archive.extractall(place)
            home = place
        sys.path.insert(0, str(home / "tools"))
        try:
            import assignments as tool
            import leaderboard

            if is_entry:
                entry = place / "handed in" / STUDENT / "capstone.py"
                entry.parent.mkdir(parents=True)
                entry.write_bytes(options.file.read_bytes())
                given = [str(entry.parents[1]), str(options.file.parent / "board")]
                return leaderboard.main(given + ([f"--seconds={options.seconds}"] if options.seconds else []))
            return grade(tool, options.file, options.solutions, options.seconds, place)
        except Exception as error:
            print(words(error), file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
