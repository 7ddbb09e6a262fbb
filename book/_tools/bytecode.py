"""Pyodide's standard library as bytecode, reduced to what the schedule explorer uses.

``stdlib.mjs`` runs this inside Pyodide under Node, so that it is compiled by the Python that will load it.
"""

from __future__ import annotations

import codecs
import dataclasses
import importlib.util
import io
import json
import marshal
import sys
import traceback
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import explorer

OLDEST = (1980, 1, 1, 0, 0, 0)  # the format knows no earlier date; equal sources give an equal archive
UNCHECKED = (1).to_bytes(4, "little")  # a .pyc that is loaded without a look at its source
# For the messages of any error.
ERRORS = ("importlib", "inspect", "linecache", "textwrap", "tokenize", "traceback", "typing")
CODECS = ("ascii", "latin-1", "utf-8", "utf-8-sig", "utf-16", "utf-32", "unicode_escape", "idna")


def requests(choices: dict[str, explorer.State]) -> Iterator[dict[str, Any]]:
    """What the page can ask of ``explorer.answer``: each schedule, each of its fields, and what is refused."""
    for name, state in choices.items():
        text = dataclasses.replace(state, horizon=20).text()  # a short one: only what is imported counts
        yield {"pick": name}
        yield {"read": text}
        yield {"compress": [text, 342]}
        for field, value in state.schedule.to_dict().items():
            yield {"edit": [text, ["schedule", field], json.dumps(value)]}
            yield {"edit": [text, ["schedule", field], "not a value"]}
        yield from ({"move": [text, 1, 10.0, 0.1]}, {"split": text}, {"join": text})
    for text in ("", "{", "[1]", "{}", '{"kind": "é\\ud800"}', '{"kind": "Constant", "lr": 1e999}', "[" * 4000):
        yield {"read": text}


def exercise() -> None:
    """Load all that the explorer may: answer every kind of request, and format an error as Pyodide would."""
    for request in requests(explorer.choices()):
        answer = json.loads(explorer.answer(json.dumps(request)))
        assert len(answer) == 1, request
    for name in ERRORS:
        importlib.import_module(name)
    for name in CODECS:
        codecs.lookup(name)
    try:
        explorer.read("{")
    except explorer.Refused as error:
        assert traceback.format_exception(error)


def used(stock: str) -> set[str]:
    """The loaded modules' files in the archive ``stock``, with the rest of their packages except more codecs."""
    start = f"{stock}/"
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    loaded = {file.removeprefix(start) for file in files if file.startswith(start)}
    packages = {PurePosixPath(name).parts[0] for name in loaded if "/" in name} - {"encodings"}
    with zipfile.ZipFile(stock) as archive:
        modules = {name for name in archive.namelist() if name.endswith(".py")}
    return {name for name in modules if name in loaded or PurePosixPath(name).parts[0] in packages}


def pack(stock: str) -> bytes:
    """An archive of the bytecode of the modules that were used, from the archive of their sources."""
    content = io.BytesIO()
    with zipfile.ZipFile(stock) as sources, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(used(stock)):
            source = sources.read(name)
            code = marshal.dumps(compile(source, f"{stock}/{name}", "exec", dont_inherit=True))
            entry = zipfile.ZipInfo(f"{name}c", OLDEST)
            header = importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source)
            archive.writestr(entry, header + code, zipfile.ZIP_DEFLATED, compresslevel=9)
    return content.getvalue()
