"""Run one entry to the capstone: its source comes on stdin, and what it computes goes to stdout as JSON.

    python -I book/_tools/entry.py UPDATES [UPDATES ...] < capstone.py

Writes ``{"rates": [[…], …]}``, a list for each budget, or ``{"error": "…"}``. What the entry prints is dropped. It may
read what its imports need, and use its own empty folder; other files, processes, sockets and databases are refused
where Python's audit hooks report them. That keeps clumsy entries apart, and curious ones from reading others. It is no
sandbox: the teacher's page says so.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lrlib

NAME = "capstone.py"  # what tracebacks call the entry
MEMORY = 4 << 30  # bytes of address space
WRITTEN = 4 << 20  # bytes of a file, the answer among them
READABLE = [
    *(os.path.realpath(path) for path in sysconfig.get_paths().values()),
    *(os.path.realpath(path) for path in sys.path if "site-packages" in path or "dist-packages" in path),
    os.path.realpath(Path(lrlib.__file__).parent),
]
LISTS = ("os.listdir", "os.scandir")
CHANGES = ("os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.utime")  # allowed in the own folder
CLOSED = ("os.", "shutil.", "socket.", "subprocess.", "pty.", "sqlite3.")
HARMLESS = ("os.add_dll_directory", "os.putenv", "os.unsetenv", "os.walk")  # a walk lists folders, which is asked again


def fence(own: str) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that lets an entry read what imports need, and do what it likes in its ``own`` folder."""

    def within(path: Any, folders: list[str]) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return isinstance(path, int)  # already open
        real = os.path.realpath(os.fsdecode(path))
        return any(real == folder or real.startswith(folder + os.sep) for folder in folders)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = given
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not within(path, [own] if writes else [own, *READABLE, os.devnull]):
                raise PermissionError(f"an entry may not open {path!r}")
        elif event in LISTS:
            if not within(given[0] or ".", [own, *READABLE]):
                raise PermissionError(f"an entry may not list {given[0]!r}")
        elif event in CHANGES and all(within(path, [own]) for path in given if isinstance(path, str | bytes)):
            return
        elif event.startswith(CLOSED) and event not in HARMLESS:
            raise PermissionError(f"an entry computes rates; {event} is not allowed")

    return hook


def computed(answer: Any, updates: int) -> list[float]:
    """The rates that an entry's answer stands for, one more than ``updates`` if it has too many."""
    if callable(answer):
        return [float(answer(update)) for update in range(updates)]
    return [float(rate) for rate in itertools.islice(iter(answer), updates + 1)]


def run(source: bytes, budgets: list[int]) -> dict[str, Any]:
    """What an entry answers to each budget, or the error that ended it."""
    try:
        space: dict[str, Any] = {"__name__": "entry"}
        exec(compile(source, NAME, "exec"), space)
        if "schedule" not in space:
            return {"error": "it defines no function schedule(updates)"}
        return {"rates": [computed(space["schedule"](updates), updates) for updates in budgets]}
    except BaseException as error:
        return {"error": f"{type(error).__name__}{place(error)}: {error}".removesuffix(": ")}


def place(error: BaseException) -> str:
    """In words, the entry's line in which an error arose."""
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    lines, step = [0], error.__traceback__
    while step:
        lines += [step.tb_lineno] if step.tb_frame.f_code.co_filename == NAME else []
        step = step.tb_next
    return f" in line {lines[-1]}" if lines[-1] else ""


def main() -> None:
    """Run the command line."""
    np.random.default_rng(0).random()  # numpy loads it on first use, and with it ctypes
    source = sys.stdin.buffer.read()
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, WRITTEN)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS has no limit of address space
            continue
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.dont_write_bytecode = True
    sys.addaudithook(fence(os.path.realpath(".")))
    text = json.dumps(run(source, [int(updates) for updates in sys.argv[1:]]))
    with os.fdopen(answer, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
