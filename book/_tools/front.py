"""The front page's pictures are chapters' own figures, as the executed notebooks hold them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from lrlib.course.files import write_if_changed

BOOK = Path(__file__).resolve().parents[1]
# The picture's file in book/_static: the chapter and the name of its figure.
PICTURES = {
    "cliff.png": ("learning_rate", "fig-sweep"),
    "front.png": ("step_and_plateau", "fig-momentum"),
    "words.png": ("verdicts", "fig-words"),
}


def picture(chapter: str, figure: str) -> bytes:
    """Return the PNG that the notebook's named figure cell shows."""
    notebook = BOOK / "chapters" / f"{chapter}.ipynb"
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") == figure:
            for output in cell["outputs"]:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output["data"]["image/png"])
    raise SystemExit(f"{notebook.name} shows no figure named {figure}, which the front page needs")


def main() -> None:
    """Write each picture if it is not there or has changed."""
    for name, source in PICTURES.items():
        write_if_changed(BOOK / "_static" / name, picture(*source))


if __name__ == "__main__":
    main()
