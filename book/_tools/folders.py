"""Folders that are replaced whole or not at all, as ``lrlib.course.files`` replaces files."""

from __future__ import annotations

import tempfile
from pathlib import Path


def replace_folder(fresh: Path, target: Path) -> None:
    """Put a folder in another's place, which need not exist and is removed once the fresh one is there.

    Errors: ``OSError``, and then the earlier folder is still there.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.", ignore_cleanup_errors=True) as aside:
        earlier = Path(aside, target.name)
        if target.exists():
            target.rename(earlier)
        try:
            fresh.rename(target)
        except BaseException:
            if earlier.exists():
                earlier.rename(target)
            raise
