"""Files that are replaced whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes | memoryview | str) -> None:
    """Write a file so that a reader, or a kill at any moment, finds the old content or the new one.

    Text is written as UTF-8. Folders are made. Errors: ``OSError``, and then the old content is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else the name could reach the disk before the content
        os.chmod(temporary, 0o644)  # mkstemp gives the owner alone access
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_if_changed(path: Path, content: bytes | str) -> None:
    """Write a file as ``write_atomically`` does, unless it has this content: nothing is then made anew for it."""
    wanted = content.encode() if isinstance(content, str) else content
    if not path.is_file() or path.read_bytes() != wanted:
        write_atomically(path, wanted)


def sweep(path: Path) -> None:
    """Remove what a killed writer of ``path`` left; no other writer may be at work."""
    for left_over in path.parent.glob(f".{path.name}.*.tmp"):
        left_over.unlink(missing_ok=True)
