"""How each chapter reads: minutes, code that a reader passes, words a figure, and the length of sentences.

    python book/_tools/reading.py [NAME ...]

Minutes are 220 words a minute, 3 s for a line of code, 1.5 s for a line of print and 45 s for a table.
Only what a page shows unfolded counts, and of the two frameworks' tabs only PyTorch's.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Node = dict[str, Any]  # of a notebook
CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
UNSEEN = {"hide-cell", "hide-output", "remove-cell", "remove-output"}
HIDDEN = {"hide-input", "hide-cell", "remove-cell", "remove-input", "folded"}
NO_PROSE = re.compile(r"<details>.*?</details>|```.*?```|<!--.*?-->|\$\$.*?\$\$|:::.*?:::", re.DOTALL)
MARKS = re.compile(r"\]\([^)]*\)|\{[\w-]+\}`[^`]*`|\$[^$]*\$|[\[\]*_`#]|^\d+\. |^[-|>].*$", re.MULTILINE)


def tags(cell: Node) -> set[str]:
    """A cell's tags."""
    return set(cell["metadata"].get("tags", []))


def is_open(cell: Node) -> bool:
    """Say whether the page shows a cell's code."""
    return not HIDDEN & tags(cell)


def is_shown(cell: Node) -> bool:
    """Say whether the page shows a cell where PyTorch is chosen."""
    return "keras" not in tags(cell)


def code_lines(notebook: Node) -> int:
    """The lines of code on the page that are not empty."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and is_open(c) and is_shown(c)]
    return sum(bool(line.strip()) for cell in cells for line in "".join(cell["source"]).splitlines())


def open_checks(notebook: Node) -> list[Node]:
    """The cells whose asserts and answers stand unfolded on the page."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and is_open(c)]
    return [c for c in cells if checks(ast.parse("".join(c["source"])))]


def checks(tree: ast.AST) -> bool:
    """Say whether code asserts something or gives an answer."""
    calls = (n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    return any(isinstance(n, ast.Assert) for n in ast.walk(tree)) or "answer" in calls


def outputs(notebook: Node) -> Iterator[Node]:
    """The outputs that the page shows: of a folded cell what it displays, and not what it prints."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and is_shown(cell) and not UNSEEN & tags(cell):
            folded = "folded" in tags(cell)
            yield from (out for out in cell["outputs"] if not (folded and out["output_type"] == "stream"))


def displayed(notebook: Node, mime: str) -> list[str]:
    """What cells display of a kind, as text."""
    return ["".join(out["data"][mime]) for out in outputs(notebook) if mime in out.get("data", {})]


def prose(notebook: Node) -> str:
    """The words between the headings, without lists' numbers, formulas, quiz answers and tables."""
    texts = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    texts += [text for text in displayed(notebook, "text/markdown") if not text.startswith("|")]
    joined = NO_PROSE.sub(" ", "\n\n".join(texts))
    return MARKS.sub(" ", re.sub(r"^#+ .*$", "", joined, flags=re.MULTILINE))


def sentences(text: str) -> list[int]:
    """The lengths of sentences, in words."""
    pieces = re.split(r"(?<=[.!?])\s+|\n\s*\n", text)
    return [n for n in (len(re.findall(r"[^\W_][\w'’.,%-]*", piece)) for piece in pieces) if n > 1]


def printed_lines(notebook: Node) -> int:
    """The lines of print on the page."""
    texts = ("".join(out["text"]) for out in outputs(notebook) if out["output_type"] == "stream")
    return sum(len(text.splitlines()) for text in texts)


def tables(notebook: Node) -> int:
    """The number of tables that cells display."""
    return sum(value.startswith("|") for value in displayed(notebook, "text/markdown"))


def minutes(path: Path) -> float:
    """How long a notebook takes to read."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    seconds = 3 * code_lines(notebook) + 1.5 * printed_lines(notebook) + 45 * tables(notebook)
    return len(prose(notebook).split()) / 220 + seconds / 60


def words_to_picture(notebook: Node) -> int:
    """The words before the first picture."""
    words = 0
    for cell in notebook["cells"]:
        if any("image/png" in out.get("data", {}) for out in cell.get("outputs", [])):
            break
        words += len("".join(cell["source"]).split()) * (cell["cell_type"] == "markdown")
    return words


def measure(path: Path) -> dict[str, float]:
    """A chapter's row of the table."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    text = prose(notebook)
    words, lengths = len(text.split()), sentences(text)
    pictures = len(displayed(notebook, "image/png"))
    return {
        "minutes": round(minutes(path)),
        "words": words,
        "to picture": words_to_picture(notebook),
        "words/figure": round(words / max(1, pictures)),
        "sentence": round(sum(lengths) / max(1, len(lengths)), 1),
        "≤ 6 words %": round(100 * sum(n <= 6 for n in lengths) / max(1, len(lengths))),
        "code": code_lines(notebook),
        "printed": printed_lines(notebook),
        "tables": tables(notebook),
        "open checks": len(open_checks(notebook)),
    }


def main(names: list[str]) -> None:
    """Print the table."""
    import notebooks  # only the table needs it, and what it imports; the pages' extension reads this module too

    chosen = {path.stem for path in notebooks.sources(names)}
    paths = [path for path in sorted(CHAPTERS.glob("*.ipynb")) if path.stem in chosen]
    if lacking := sorted(chosen - {path.stem for path in paths}):
        raise SystemExit(f"no notebook of {', '.join(lacking)}: run make notebooks, which executes the chapters")
    rows = {path.stem: measure(path) for path in paths}
    head = list(next(iter(rows.values())))
    print(f"{'':22}", *(f"{title:>12}" for title in head))
    for name, row in rows.items():
        print(f"{name:22}", *(f"{value:>12}" for value in row.values()))
    print(f"{'all':22} {sum(row['minutes'] for row in rows.values()):>12} minutes")


if __name__ == "__main__":
    main(sys.argv[1:])
