"""What ``_toc.yml`` lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def pages(entry: Any) -> Iterator[str]:
    """Yield the names of all pages that a table of contents lists, the root first."""
    if isinstance(entry, list):
        for item in entry:
            yield from pages(item)
    elif isinstance(entry, dict):
        for key in ("root", "file"):
            if key in entry:
                yield str(Path(entry[key]).with_suffix("")) if "." in entry[key] else entry[key]
        for key in ("parts", "chapters", "sections", "subtrees", "entries"):
            yield from pages(entry.get(key))
