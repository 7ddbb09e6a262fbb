"""Trials over settings, frameworks and seeds, and their stored results, one JSON file a setting.

An experiment is a module with ``SETTINGS`` (name → value with ``to_dict``), ``FRAMEWORKS``, ``SEEDS`` (or
``seeds(setting, framework)``, where their number differs), ``trial(setting, framework, seed)`` and ``trains(setting)``,
which declares what is trained. ``python -m lrlib.course.study`` brings every stored result up to date: trials that are
there already, of the same settings and the same training, are not run again, so it goes on where it was stopped.
"""

import argparse
import contextlib
import gc
import importlib
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from lrlib.course import fast_convolutions, processor

EXPERIMENTS = {
    "budgets": "lrlib.course.budgets",
    "clr-table1": "lrlib.course.clr_table1",
    "learning-rate": "lrlib.course.learning_rate",
    "one-cycle": "lrlib.course.one_cycle",
    "s0": "lrlib.course.s0",
    "s1": "lrlib.course.s1",
    "s1-range": "lrlib.course.s1_range",
    "s2": "lrlib.course.s2",
    "s3": "lrlib.course.s3",
    "s4": "lrlib.course.s4",
}


def results_folder() -> Path:
    """Where stored results lie: in the repository's ``book/results``, or in an installed package."""
    package = Path(__file__).parent
    installed = package / "results"
    return installed if installed.is_dir() else package.parents[1] / "book" / "results"


class Trial(NamedTuple):
    """One run: what a stored result is identified by."""

    experiment: str
    setting: str
    framework: str
    seed: int


def trials(experiment: str) -> list[Trial]:
    """All trials of an experiment."""
    module = _module(experiment)
    return [
        Trial(experiment, setting, framework, seed)
        for setting in module.SETTINGS
        for framework in module.FRAMEWORKS
        for seed in (module.seeds(setting, framework) if hasattr(module, "seeds") else module.SEEDS)
    ]


def perform(trial: Trial, capability: str | None = None, onednn: bool = True, **options: Any) -> dict[str, Any]:
    """Run one trial on one thread; the result says what it ran on and how long it took, in seconds.

    ``capability`` is an instruction set of :mod:`lrlib.course.processor`; None leaves what this process has. Errors:
    ``RuntimeError`` if a framework was imported under another one. ``onednn``: whether TensorFlow takes oneDNN's
    operations, if this imports it; new trials do. ``options`` go to the experiment's ``trial``: fewer epochs, for a run
    that is not stored.
    """
    if capability is not None:
        processor.pin(capability)
    module = _module(trial.experiment)
    package = "torch" if trial.framework == "pytorch" else "keras"
    with fast_convolutions() if onednn else contextlib.nullcontext():
        importlib.import_module(package)
    importlib.import_module(f"lrlib.course.{package}").one_thread()
    start = time.perf_counter()
    result = module.trial(module.SETTINGS[trial.setting], trial.framework, trial.seed, **options)
    gc.collect()  # a graph and its data refer to each other; a worker that grows is replaced, which costs seconds
    return {
        "framework": trial.framework,
        "seed": trial.seed,
        "seconds": round(time.perf_counter() - start, 1),
        "versions": _versions(("torch",) if package == "torch" else ("keras", "tensorflow")),
        "hardware": processor.hardware(),
        "vendor": processor.vendor(),
        "capability": processor.capability(),
        "onednn": onednn,
        "threads": 1,
        "device": "cpu",
        **_rounded(result),
    }


def bring_up_to_date(wanted: Iterable[Trial], folder: Path, jobs: int = 2) -> list[Trial]:
    """Run the trials that ``folder`` lacks under AVX2 and store each as it comes; returns those that were run.

    Parallel through joblib, so ``joblib.parallel_config`` can send the same call to a Dask cluster.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    missing = [trial for trial in wanted if find(trial, folder) is None]
    run = Parallel(n_jobs=jobs, return_as="generator_unordered")
    results = run(delayed(_named)(trial) for trial in missing)
    for trial, result in tqdm(results, total=len(missing), desc="trials", disable=not missing):
        store(trial, result, folder)
    return missing


def _named(trial: Trial) -> tuple[Trial, dict[str, Any]]:
    return trial, perform(trial, "AVX2")


def store(trial: Trial, result: dict[str, Any], folder: Path) -> None:
    """Add a result to its setting's file, which is replaced whole or not at all."""
    path = _path(trial, folder)
    content = _read(trial, folder)
    kept = [old for old in content["trials"] if (old["framework"], old["seed"]) != (trial.framework, trial.seed)]
    content["trials"] = sorted([*kept, result], key=lambda old: (old["framework"], old["seed"]))
    text = _text(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def find(trial: Trial, folder: Path) -> dict[str, Any] | None:
    """The stored result of a trial under its present settings and of its present training, or None."""
    for result in _read(trial, folder)["trials"]:
        if (result["framework"], result["seed"]) == (trial.framework, trial.seed):
            return result
    return None


def load(experiment: str, folder: Path | None = None) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """All stored results: setting → framework → results in the order of their seeds. Errors: ``LookupError``.

    A setting may be lacking if its experiment says so: what only another machine can run.
    """
    folder = results_folder() if folder is None else folder
    module = _module(experiment)
    found: dict[str, dict[str, list]] = {}
    for trial in trials(experiment):
        result = find(trial, folder)
        if result is None and trial.setting in getattr(module, "OPTIONAL", ()):
            continue
        if result is None:
            raise LookupError(f"{folder} lacks {trial}; `make experiments ONLY={experiment}` runs what is missing")
        found.setdefault(trial.setting, {name: [] for name in module.FRAMEWORKS})[trial.framework].append(result)
    return found


def _module(experiment: str) -> Any:
    if experiment not in EXPERIMENTS:
        raise ValueError(f"unknown experiment {experiment!r}; known are {', '.join(EXPERIMENTS)}")
    return importlib.import_module(EXPERIMENTS[experiment])


def _path(trial: Trial, folder: Path) -> Path:
    return folder / trial.experiment / f"{trial.setting}.json"


def _identity(trial: Trial) -> dict[str, Any]:
    """What a setting's file must say for its results to be of use: anything else was made by other runs."""
    module = _module(trial.experiment)
    setting = module.SETTINGS[trial.setting]
    described = {"settings": setting.to_dict(), "trains": module.trains(setting)}
    return {"experiment": trial.experiment, "setting": trial.setting, **json.loads(json.dumps(described))}


def _read(trial: Trial, folder: Path) -> dict[str, Any]:
    """The setting's file; without trials if there is none or if it was made by other runs than the present ones."""
    empty = {**_identity(trial), "trials": []}
    path = _path(trial, folder)
    if not path.exists():
        return empty
    content = json.loads(path.read_text())
    return content if all(content.get(name) == empty[name] for name in ("settings", "trains")) else empty


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    named = {package: "tensorflow_cpu" if package == "tensorflow" else package for package in packages}
    versions = {"python": platform.python_version()}
    for package, distribution in named.items():
        try:
            versions[package] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            versions[package] = metadata.version(package)
    return versions


def _rounded(item: Any) -> Any:
    """Six significant digits: more would differ between machines and say nothing. None for what strict JSON lacks."""
    if isinstance(item, dict):
        return {name: _rounded(value) for name, value in item.items()}
    if isinstance(item, list):
        return [_rounded(value) for value in item]
    if not isinstance(item, float):
        return item
    return float(f"{item:.6g}") if math.isfinite(item) else None


def _text(content: dict[str, Any]) -> str:
    """JSON with one line a trial, so that a diff shows which trial moved."""
    head = json.dumps({**content, "trials": []}, indent=1).removesuffix("[]\n}")
    lines = ",\n  ".join(json.dumps(result, allow_nan=False) for result in content["trials"])
    return f"{head}[\n  {lines}\n ]\n}}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("only", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)}; all by default")
    parser.add_argument("--folder", type=Path, default=results_folder())
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time, one thread each (default 2)")
    arguments = parser.parse_args()
    processor.pin("AVX2")  # before NumPy is imported, here and in the worker processes, which inherit the environment
    for experiment in arguments.only or EXPERIMENTS:
        run = bring_up_to_date(trials(experiment), arguments.folder, arguments.jobs)
        print(f"{experiment}: {len(run)} trials run, {len(trials(experiment))} stored")


if __name__ == "__main__":
    # Not main() of this module: worker processes find functions by module name, and this one's is __main__.
    importlib.import_module("lrlib.course.study").main()
