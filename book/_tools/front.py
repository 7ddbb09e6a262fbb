"""The front page's picture is a chapter's own figure, as the executed notebook holds it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

BOOK = Path(__file__).resolve().parents[1]
NOTEBOOK, FIGURE = BOOK / "chapters" / "step_and_plateau.ipynb", "fig-momentum"
PICTURE = BOOK / "_static" / "front.png"


def picture() -> bytes:
    """Return the PNG that the notebook's named figure cell shows."""
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") == FIGURE:
            for output in cell["outputs"]:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output["data"]["image/png"])
    raise SystemExit(f"{NOTEBOOK.name} shows no figure named {FIGURE}, which the front page needs")


def main() -> None:
    """Write the picture if it is not there or has changed."""
    wanted = picture()
    if not PICTURE.exists() or PICTURE.read_bytes() != wanted:
        PICTURE.write_bytes(wanted)


if __name__ == "__main__":
    main()
