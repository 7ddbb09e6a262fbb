"""The images that the trainer in the page trains on, as a script: a page that was opened from a file may fetch no data.

``book/_static/trainer`` loads it when a reader first trains. Weights, splits and batches are not shipped: it draws the
same as NumPy does, of any seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from lrlib.course import data

LETTERS = "0123456789abcdefg"  # of a pixel's ink, 0 to 16: one letter a pixel compresses better than packed bits


def script() -> str:
    """The digits in scikit-learn's order: 64 letters an image, and one for its label."""
    x, y = data.digits()
    pixels = "".join(LETTERS[ink] for ink in x.astype(int).ravel())
    return f"globalThis.trainerDigits = {json.dumps({'pixels': pixels, 'labels': ''.join(map(str, y))})};\n"


def write(app: Sphinx, error: Exception | None) -> None:
    """Put the script beside the trainer's own."""
    if error is None and app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "trainer" / "digits.js"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(script(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the file."""
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
