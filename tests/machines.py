"""The library's tests and three chapters on other machines' packages: `make machines`, or

    python tests/machines.py [3.11] [3.12] [3.13] [lowest] [locked] [newest] [cuda] [cpu] [--folder FOLDER]

For each Python, allowed versions and build of PyTorch, uv makes an environment in FOLDER, outside the source tree, runs
what both builds must pass in it, and removes it. "cuda" is the build that pip takes by default on Linux; "cpu" comes
from where PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS say. Prints a table in Markdown; a machine that could not be had is a
row that says why.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHOICES = (("3.11", "3.12", "3.13"), ("lowest", "locked", "newest"), ("cuda", "cpu"))
VERSIONS = {
    "lowest": ("--resolution", "lowest-direct"),
    "locked": ("--constraint", str(ROOT / "requirements.lock")),
    "newest": (),
}
NEEDED = (
    "-r",
    str(ROOT / "pyproject.toml"),
    "--extra",
    "course",
    "pytest>=8.3",
    "hypothesis>=6.100",
    "ipykernel>=6.29",
    "nbclient>=0.10",
    "nbval>=0.11",
)
SHOWN = ("torch", "triton", "keras", "tensorflow-cpu", "numpy")
CHAPTERS = ("finding_the_range", "step_and_plateau", "four_decays")
EXECUTE = """
import sys, nbclient, nbformat
nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), kernel_name="python3", timeout=1800).execute()
"""


class NotRun(Exception):
    """Why an environment could not be had."""


def machines(words: Iterable[str]) -> list[tuple[str, str, str]]:
    """The rows that are wanted: all, or of each choice the words that are named."""
    named = set(words)
    return list(product(*([one for one in choice if one in named] or choice for choice in CHOICES)))


def set_up(folder: Path, python: str, versions: str, build: str) -> dict[str, str]:
    """Make the environment; returns the versions of what matters. Errors: ``NotRun``."""
    sources = []
    for option, variable in (("--extra-index-url", "PIP_EXTRA_INDEX_URL"), ("--find-links", "PIP_FIND_LINKS")):
        if build == "cpu" and os.environ.get(variable):
            sources += [option, os.environ[variable]]
    if build == "cpu" and not sources:
        raise NotRun("neither PIP_EXTRA_INDEX_URL nor PIP_FIND_LINKS says where the CPU build is")
    interpreter = str(folder / "bin" / "python")
    _uv("venv", "--clear", "--python", python, str(folder))
    install = ("pip", "install", "--python", interpreter, "--no-build", *VERSIONS[versions], *sources)
    _uv(*install, *NEEDED)
    listed = json.loads(_uv("pip", "list", "--python", interpreter, "--format", "json"))
    found = {package["name"]: package["version"] for package in listed}
    if ("triton" in found) != (build == "cuda"):
        raise NotRun(f"PyTorch {found['torch']} is what was found, and not its {build} build")
    return found


def _uv(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "uv", "-q", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRun(" ".join(re.sub(r"[×╰─▶│]|https?://\S+", " ", done.stderr).split()))
    return done.stdout


def run(folder: Path) -> list[str]:
    """What the library's tests and the chapters came to, in words; "failed" or "died" stands in what did not pass."""
    code, output = _python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/library")
    counts = re.findall(r"\d+ (?:passed|failed|errors?|skipped)", output.rstrip().rpartition("\n")[2])
    found = [", ".join(counts) if counts and code in (0, 1) else _ended(code)]
    for chapter in CHAPTERS:
        code, output = _python(folder, "-c", EXECUTE, f"book/chapters/{chapter}.ipynb")
        last = output.rstrip().rpartition("\n")[2]
        found.append("executed" if code == 0 else f"{'died' if 'DeadKernel' in output else 'failed'}: {last[:80]}")
    return found


def _ended(code: int) -> str:
    return f"died ({signal.Signals(-code).name})" if code < 0 else f"failed (exit {code})"


def _python(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the environment's Python in the source tree; its whole output goes to a file beside the environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
    with open(folder.with_suffix(".log"), "a+", encoding="utf-8") as log:
        start = log.tell()
        command = [str(folder / "bin" / "python"), *arguments]
        code = subprocess.call(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        log.seek(start)
        return code, log.read()


def row(folder: Path, machine: tuple[str, str, str]) -> list[str]:
    """One line of the table."""
    place = folder / "-".join(machine).replace(".", "")
    try:
        found = set_up(place, *machine)
        return [*machine, *(found.get(name, "–") for name in SHOWN), *run(place)]
    except NotRun as reason:
        return [*machine, f"*not run*: {reason}"]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("only", nargs="*", choices=[*(word for choice in CHOICES for word in choice), []])
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--folder", type=Path, default=cache / "lrlib-machines", help="default %(default)s")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    head = ["Python", "versions", "build", *SHOWN, "library's tests", *CHAPTERS]
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}", flush=True)
    passed = True
    for machine in machines(arguments.only):
        cells = row(arguments.folder.resolve(), machine)
        passed = passed and not re.search(r"failed|died|error|\*not run", " ".join(cells))
        print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
