"""For nbval's run over the chapters: the longest first, on one's own machine none again that passed unchanged.

Each kernel has one thread: the workers have all cores already, and NumPy's threads in several of them wait for each
other, which made predicting_the_loss take four times as long.

In CI, where the variable `CI` is set, every chapter runs. A kernel that died is reported: by itself nbval waits for the
whole of its cell timeout, and says "Timeout".
"""

import functools
import hashlib
import json
import math
import os
import sys
import time
from collections import Counter
from pathlib import Path
from queue import Empty

import pytest
from nbval.kernel import RunningKernel

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before a kernel starts

ROOT = Path(__file__).resolve().parents[1]
PASSED = ROOT / ".pytest_cache" / "facts.json"  # notebook, as in its tests' names → digest at its last pass
cells = Counter()  # notebook → cells that passed in this run


def sha256(*files):
    """The digest of files' places and contents."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def notebooks():
    """The chapters and the solutions of their exercises."""
    return sorted(path for folder in ("chapters", "solutions") for path in ROOT.glob(f"book/{folder}/*.ipynb"))


@functools.cache
def shared():
    """The digest of what every chapter depends on: lrlib, the stored results, the locked packages, this Python."""
    files = [*(ROOT / "lrlib").rglob("*.py"), *(ROOT / "book" / "results").rglob("*.json"), ROOT / "requirements.lock"]
    return sys.version + sha256(*sorted(files))


@functools.cache
def digest(notebook):
    """What must be unchanged for a chapter to be passed over; taken before it runs."""
    return hashlib.sha256((shared() + sha256(notebook)).encode()).hexdigest()


@functools.cache
def unchanged():
    """The notebooks that need not run again."""
    if os.environ.get("CI") or not PASSED.exists():
        return []
    passed = json.loads(PASSED.read_text(encoding="utf-8"))
    return [path for path in notebooks() if passed.get(str(path.relative_to(ROOT))) == digest(path)]


def pytest_sessionstart():
    for notebook in notebooks():
        digest(notebook)


def pytest_report_header(config):
    asked_for = {Path(arg.split("::")[0]).resolve() for arg in config.args}  # pytest ignores none that is named
    if names := [path.stem for path in unchanged() if path not in asked_for]:
        return f"not run again, unchanged since they passed (make clean forgets that): {', '.join(names)}"
    return None


def pytest_ignore_collect(collection_path):
    return True if collection_path in unchanged() else None


def pytest_collection_modifyitems(items):
    @functools.cache
    def seconds(notebook):
        metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
        return metadata.get("lrlib", {}).get("seconds", 0)

    items.sort(key=lambda item: -seconds(item.path))


def pytest_runtest_logreport(report):
    if report.when == "call":
        cells[report.nodeid.split("::")[0]] += report.passed


def pytest_sessionfinish(session, exitstatus):
    if hasattr(session.config, "workerinput"):  # a worker of xdist's: the run that started it has all reports
        return
    passed = json.loads(PASSED.read_text(encoding="utf-8")) if PASSED.exists() else {}
    for name, count in cells.items():
        notebook = session.config.rootpath / name
        sources = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        passed.pop(name, None)
        if count == sum(cell["cell_type"] == "code" for cell in sources):
            passed[name] = digest(notebook)
    PASSED.parent.mkdir(exist_ok=True)
    PASSED.write_text(json.dumps(passed, indent=1), encoding="utf-8")
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and unchanged():
        session.exitstatus = pytest.ExitCode.OK


SECONDS = 1  # between two looks at whether the kernel is alive

_wait_for_message = RunningKernel.get_message


def get_message(self, stream, timeout=None):
    end = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        try:
            return _wait_for_message(self, stream, max(0, min(SECONDS, end - time.monotonic())))
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died in this cell") from None
            if time.monotonic() >= end:
                raise


RunningKernel.get_message = get_message
