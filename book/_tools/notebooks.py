"""Execute the chapters whose source changed and store them as notebooks beside it.

    python book/_tools/notebooks.py [--force] [--check] [NAME ...]

A chapter is ``book/chapters/NAME.py`` (jupytext, py:percent), the solutions of its exercises are
``book/solutions/NAME.py``. The notebook ``NAME.ipynb`` beside a source records the SHA-256 of the
source that it was made from, and is out of date when that differs. What cannot
be compared on another machine never reaches the notebook: a cell that fails, warns on stderr, or
prints a path of this machine stops the tool, and the old notebook stays as it was.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from kernels import own_sockets
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image
from tqdm import tqdm

import lrlib
from lrlib.course import processor
from lrlib.course.files import write_atomically

BOOK = Path(__file__).resolve().parents[1]
FOLDERS = ("chapters", "solutions")
CELL_TIMEOUT = 900  # seconds; a chapter's budget is 120, so a cell that takes this long hangs
# One thread: on two cores NumPy's small products wait for each other more than they gain.
KERNEL_ENV = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"},
}
PACKAGES = ["numpy", "scikit-learn", "torch", "keras", "tensorflow", "tensorflow-cpu"]
# Tags under which nbval does not compare a cell's output.
UNCHECKED_TAGS = {"nbval-ignore-output", "nbval-skip"}
COLOURS = 256  # of a stored figure
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# A tqdm line: "epochs:  40%|####   | 2/5 [00:01<00:02,  1.5it/s]", or "17it [00:01, 9.0it/s]".
PROGRESS_BAR = re.compile(r"\d+%\|.*\[.*\]|\d+\S*it \[.*\]")
# Where machines keep their users' files.
HOMES = r"/(?:home|Users|root|tmp|var/folders|private/var)/[^\s'\"]+|[A-Za-z]:\\Users\\[^\s'\"]+"


class ChapterError(Exception):
    """What stopped a chapter, in words for its author."""


def digest(source: Path) -> str:
    """Return the SHA-256 of a source's text, whatever its line ends."""
    return hashlib.sha256(source.read_text(encoding="utf-8").encode()).hexdigest()


def is_current(source: Path) -> bool:
    """Say whether the notebook beside a source was made from what the source says now."""
    try:
        stored = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
        return bool(stored["metadata"]["lrlib"]["source_sha256"] == digest(source))
    except (OSError, ValueError, LookupError, TypeError):  # absent, or half-merged by git, say: make it anew
        return False


def read_source(source: Path) -> NotebookNode:
    """Read a py:percent file as a notebook whose cell ids depend on the cells' contents alone."""
    notebook: NotebookNode = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    occurrences: dict[str, int] = {}
    for cell in notebook.cells:
        key = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        occurrences[key] = occurrences.get(key, 0) + 1
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note on blank lines
        cell.id = key if occurrences[key] == 1 else f"{key}-{occurrences[key]}"
    return notebook


def execute(notebook: NotebookNode, folder: Path, title: str) -> float:
    """Run all cells in place with this interpreter, and return the seconds of processor time that it took."""
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    spent = 0.0
    sockets = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with sockets, tqdm(total=total, desc=title, unit="cell") as bar:
        # Without directories the specs hold one kernel only: the running interpreter's own.
        specs = KernelSpecManager(kernel_dirs=[])
        settings = own_sockets(Path(sockets.name))
        kernels = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs, **settings)

        def on_cell_executed(**_: Any) -> None:
            nonlocal spent
            # By the clock it would also count what else the machine does.
            kernel: Any = kernels.provisioner
            times = psutil.Process(kernel.pid).cpu_times()
            spent = times.user + times.system + times.children_user + times.children_system
            bar.update()

        client = NotebookClient(
            notebook,
            km=kernels,
            timeout=CELL_TIMEOUT,
            resources={"metadata": {"path": str(folder)}},
            extra_arguments=["--log-level=ERROR"],  # else it warns that local sockets are open
            record_timing=False,
            coalesce_streams=True,
            on_cell_executed=on_cell_executed,
        )
        env = {**os.environ, **KERNEL_ENV}
        env.pop("MPLBACKEND", None)  # else figures would not be shown in the notebook
        client.execute(env=env)
    return spent


def without_bars(text: str) -> str:
    """Return what a cell wrote to stderr besides tqdm's progress bars."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", ANSI.sub("", text))]
    return "\n".join(line for line in lines if line and not PROGRESS_BAR.search(line))


def clean_stderr(cell: NotebookNode) -> None:
    """Drop progress bars from a cell's outputs; refuse anything else that it wrote to stderr."""
    errors = [out for out in cell.outputs if out.get("name") == "stderr"]
    rest = "\n".join(filter(None, (without_bars(out.text) for out in errors)))
    if rest:
        raise ChapterError(f"wrote to stderr:\n{rest}")
    if errors and not UNCHECKED_TAGS & set(cell.metadata.get("tags", [])):
        raise ChapterError(
            "shows a progress bar, which nbval would compare: tag it nbval-ignore-output "
            "and state the facts in the next cell"
        )
    cell.outputs = [out for out in cell.outputs if out not in errors]


def output_texts(cell: NotebookNode) -> list[str]:
    """Return all text in a cell's outputs; pictures in base64 are left out."""
    texts = []
    for out in cell.outputs:
        texts.append(out.get("text", ""))
        for mime, value in out.get("data", {}).items():
            if mime not in ("image/png", "image/jpeg"):
                texts.append(str(value))
    return texts


def check_paths(cell: NotebookNode, folder: Path) -> None:
    """Refuse outputs that name a place on this machine."""
    places = {str(p) for p in (Path.home(), Path.cwd(), folder, Path(tempfile.gettempdir()))}
    places.add(sys.prefix)
    own = [rf"{re.escape(place)}\b[^\s'\"]*" for place in places if len(place) > 1]
    # A path begins there: https://host/home/ and data/tmp/ are not meant.
    pattern = rf"(?<![\w.])(?:{'|'.join([*sorted(own), HOMES])})"
    path = re.search(pattern, "\n".join(output_texts(cell)))
    if path:
        raise ChapterError(f"prints a path of this machine: {path.group()}")


def clean(notebook: NotebookNode, folder: Path) -> None:
    """Leave in the notebook only what means the same on every machine."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        try:
            clean_stderr(cell)
            check_paths(cell, folder)
        except ChapterError as error:
            raise ChapterError(f"cell {number} {error}\n{indented(cell.source)}") from None


def with_palette(picture: bytes) -> bytes:
    """Return a PNG with at most 256 colours: a third of the size of Matplotlib's, for the same look."""
    image = Image.open(io.BytesIO(picture))
    if image.mode == "P":
        return picture
    stored = io.BytesIO()
    image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def shrink(notebook: NotebookNode) -> None:
    """Store each figure with a palette: notebooks are committed, and pages load their figures."""
    for cell in notebook.cells:
        for out in cell.get("outputs", []):
            if "image/png" in out.get("data", {}):
                picture = with_palette(base64.b64decode(out.data["image/png"]))
                out.data["image/png"] = base64.b64encode(picture).decode()


def indented(source: str) -> str:
    """Quote a cell's source below a message."""
    return "\n".join("    " + line for line in source.splitlines())


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a chapter's numbers."""
    found = {"python": platform.python_version(), "lrlib": lrlib.__version__}
    for package in PACKAGES:
        try:
            found[package.removesuffix("-cpu")] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Say what kind of machine this is: its processor and system, and nothing that names this very one."""
    return f"{processor.model()}, {platform.system()} on {platform.machine()}"


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def facts(notebook: NotebookNode) -> list[int]:
    """Return the indices of the cells whose printed numbers nbval compares."""
    indices = []
    for n, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and not UNCHECKED_TAGS & set(cell.metadata.get("tags", [])):
            # A figure's data are compared, but a chapter needs facts in words.
            printed = (text for text in output_texts(cell) if "<Figure" not in text)
            if re.search(r"\d", " ".join(printed)):
                indices.append(n)
    return indices


def failure(error: CellExecutionError, notebook: NotebookNode) -> ChapterError:
    """Say which cell failed, with its source and its traceback."""
    for number, cell in enumerate(notebook.cells):
        for out in cell.get("outputs", []):
            if out.output_type == "error":
                trace = ANSI.sub("", "\n".join(out.traceback))
                return ChapterError(f"cell {number} failed\n{indented(cell.source)}\n\n{trace}")
    return ChapterError(str(error))


def carry_over(notebook: NotebookNode, target: Path) -> dict[str, Any] | None:
    """Take outputs from the stored notebook if only text changed; return its record, or None.

    A notebook that is damaged in any way is as good as none.
    """
    try:
        stored = nbformat.read(target, as_version=4)
        nbformat.validate(stored)  # reading logs faults, and goes on
        record = dict(stored.metadata.lrlib)
    except Exception:  # there is no end of ways in which a file can fail to be a notebook
        return None
    old, new = ([c for c in book.cells if c.cell_type == "code"] for book in (stored, notebook))
    # Captions and descriptions of figures are text too; tags decide what runs and what is checked.
    same = [(c.source, c.metadata.get("tags", [])) for c in old] == [
        (c.source, c.metadata.get("tags", [])) for c in new
    ]
    if not same or any(cell.execution_count is None for cell in old):
        return None
    for before, cell in zip(old, new, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return record or None


def make(source: Path, force: bool = False) -> float:
    """Bring one chapter's notebook up to date, and return the seconds of processor time that it took.

    If no code cell and no tag changed, the stored outputs are kept and only text, captions and the like are renewed.
    """
    folder = source.resolve().parent
    current = digest(source)  # before the run: an edit during the run leaves it out of date
    notebook = read_source(source)
    record = None if force else carry_over(notebook, source.with_suffix(".ipynb"))
    if record is not None:
        notebook.metadata = nbformat.from_dict({**NOTEBOOK_METADATA, "lrlib": {**record, "source_sha256": current}})
        write_atomically(source.with_suffix(".ipynb"), nbformat.writes(notebook) + "\n")
        return 0.0
    try:
        seconds = execute(notebook, folder, title(source))
    except CellExecutionError as error:
        raise failure(error, notebook) from None
    except (DeadKernelError, TimeoutError) as error:
        raise ChapterError(f"the kernel did not finish: {error}") from None
    clean(notebook, folder)
    shrink(notebook)
    measured: dict[str, Any] = {
        "source_sha256": current,
        "seconds": round(seconds, 1),
        "cores": available_cores(),
        "machine": machine(),
        "executed": datetime.date.today().isoformat(),
        "versions": versions(),
    }
    notebook.metadata = nbformat.from_dict({**NOTEBOOK_METADATA, "lrlib": measured})
    write_atomically(source.with_suffix(".ipynb"), nbformat.writes(notebook) + "\n")
    return seconds


def title(source: Path) -> str:
    """Name a source in messages: a chapter by its name, solutions with their folder."""
    return f"solutions/{source.stem}" if source.parent.name == "solutions" else source.stem


def sources(names: list[str]) -> list[Path]:
    """Return the sources that the names mean, each a file or a chapter's name, which includes its solutions."""
    every = [path for folder in FOLDERS for path in sorted((BOOK / folder).glob("*.py"))]
    if not names:
        return every
    chosen = []
    for name in names:
        path = Path(name).with_suffix(".py")
        found = [path] if path.exists() else [p for p in every if p.stem == path.stem]
        if not found:
            known = ", ".join(sorted({p.stem for p in every})) or "none yet"
            raise SystemExit(f"no chapter is called {name!r}; the chapters are: {known}")
        chosen += found
    return chosen


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="execute the chapters that are out of date")
    parser.add_argument("names", nargs="*", help="chapters, by name or file; all by default")
    parser.add_argument("--force", action="store_true", help="execute also what is up to date")
    parser.add_argument("--check", action="store_true", help="only report what is out of date")
    options = parser.parse_args(argv)
    chosen = sources(options.names)
    stale = [path for path in chosen if options.force or not is_current(path)]
    if options.check:
        for path in stale:
            print(f"out of date: {title(path)} (run: make notebooks)")
        return 1 if stale else 0
    failed = 0
    for path in stale:
        try:
            print(f"{title(path)}: {make(path, options.force):.1f} s")
        except ChapterError as error:
            failed += 1
            print(f"{title(path)}.py: {error}\nThe stored notebook was left as it was.", file=sys.stderr)
    if not stale:
        print(f"{len(chosen)} notebooks are up to date")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
