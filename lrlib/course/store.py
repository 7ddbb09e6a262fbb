"""Stored results: one JSON file a setting, which several processes may read and write at once."""

import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from lrlib.course.experiment import NEW, Experiment, Result, Trial
from lrlib.course.files import sweep, write_atomically


class DamagedFileError(ValueError):
    """A file of results that cannot be read: cut short, half merged, or of another setting."""


class MissingResultError(LookupError):
    """A result that something reads has not been run here."""


def results_folder() -> Path:
    """Where stored results lie: in the repository's ``book/results``, or in an installed package."""
    package = Path(__file__).parent
    installed = package / "results"
    return installed if installed.is_dir() else package.parents[1] / "book" / "results"


# ---- The schema ------------------------------------------------------------------------------------------------------

Check = Callable[[Any], bool]


def _number(item: Any) -> bool:
    """A finite number, or None for one that was not: strict JSON has no word for NaN and infinity."""
    return item is None or (type(item) in (int, float) and math.isfinite(item))


def _list_of(check: Check) -> Check:
    return lambda item: isinstance(item, list) and all(map(check, item))


def _is(kind: type) -> Check:
    return lambda item: type(item) is kind


def _words(item: Any) -> bool:
    return isinstance(item, dict) and all(isinstance(value, str) for pair in item.items() for value in pair)


def _curve(item: Any) -> bool:
    """Lists of one length, "update" among them."""
    return (
        isinstance(item, dict)
        and "update" in item
        and all(map(_list_of(_number), item.values()))
        and len(set(map(len, item.values()))) == 1
    )


def _run(item: Any) -> bool:
    return isinstance(item, dict) and not _problems(item)


_NUMBERS, _TABLE = _list_of(_number), _list_of(_list_of(_number))

# Every field that a result may have, its meaning and its check. Accuracies are in percent, losses are mean
# cross-entropies if nothing else is said; ``_each`` fields have one item a repetition.
FIELDS: dict[str, tuple[str, Check]] = {
    "framework": ("the framework that ran", _is(str)),
    "seed": ("the seed of the initial weights and of the batches", _is(int)),
    "seconds": ("processor time; of older trials, time on the wall", _number),
    "versions": ("of Python and the frameworks", _words),
    "hardware": ("processor, cores and threads, in words", _is(str)),
    "vendor": ("the processor's vendor", _is(str)),
    "capability": ("the instruction set that it ran under", _is(str)),
    "onednn": ("whether TensorFlow took oneDNN's operations", _is(bool)),
    "threads": ("of the frameworks", _is(int)),
    "device": ("an accelerator's name, or cpu", _is(str)),
    "rates": ("rates in force at the updates that the experiment names", _NUMBERS),
    "rate_is_constant_within_epochs": ("whether the rate changed between epochs only", _is(bool)),
    "epoch_loss": ("mean of the batches' losses over each epoch", _NUMBERS),
    "tenth_loss": ("mean of the batches' losses over each tenth of the run", _NUMBERS),
    "loss_every_50": ("mean of the batches' losses over each 50 updates", _NUMBERS),
    "curve": ("measurements along the run, after the updates in its list update", _curve),
    "train_loss": ("over all training images, at the end", _number),
    "train_accuracy": ("over all training images, at the end", _number),
    "memorised": ("the share in percent of the wrong training labels that are learned, at the end", _number),
    "validation_loss": ("at the end", _number),
    "validation_accuracy": ("at the end", _number),
    "test_loss": ("at the end", _number),
    "test_accuracy": ("at the end", _number),
    "right": ("which test images were right, packed, by the update that they were measured after", _words),
    "watched_right": ("the same of the images that are watched along the run", _words),
    "diverged": ("whether a training loss was not finite; a run at chance need not be", _is(bool)),
    "range_test": ("a lrlib.RangeTest as a dict", _is(dict)),
    "tuning": ("validation accuracy after each eighth of the budget, for each candidate peak", _TABLE),
    "peaks": ("the peak of each run of tuning, or each range test's suggestion", _NUMBERS),
    "tuning_seeds": ("the seed of each of these", _list_of(_is(int))),
    "peak": ("the peak that was chosen", _number),
    "runs": ("the runs with the chosen peak", _list_of(_run)),
    "accuracy_each": ("test accuracy at the end", _NUMBERS),
    "epoch_accuracy_each": ("test accuracy after each epoch", _TABLE),
    "epoch_error_each": ("mean squared prediction error of each epoch", _TABLE),
    "diverged_each": ("whether a weight was not finite at the end; a run at chance need not be", _list_of(_is(bool))),
}


def _problems(result: Result) -> list[str]:
    unknown = [f"{name}: no such field" for name in result if name not in FIELDS]
    wrong = [
        f"{name}: {FIELDS[name][0]}; got {str(value)[:80]}"
        for name, value in result.items()
        if name in FIELDS and not FIELDS[name][1](value)
    ]
    return unknown + wrong


def check(trial: Trial, result: Result) -> None:
    """Raise ``ValueError`` unless every field of the result is a known one and holds what its meaning says."""
    if problems := _problems(result):
        raise ValueError(f"the result of {trial} cannot be stored: {'; '.join(problems)}")


def rounded(item: Any) -> Any:
    """Six significant digits: more would differ between machines and say nothing. None for what strict JSON lacks."""
    if isinstance(item, dict):
        return {name: rounded(value) for name, value in item.items()}
    if isinstance(item, list):
        return [rounded(value) for value in item]
    if not isinstance(item, float):
        return item
    return float(f"{item:.6g}") if math.isfinite(item) else None


# ---- Reading and writing ---------------------------------------------------------------------------------------------


def path_of(trial: Trial, folder: Path) -> Path:
    """The file that a trial's result stands in."""
    return folder / trial.experiment / f"{trial.setting}.json"


def _header(experiment: Experiment, setting: str) -> dict[str, Any]:
    """What identifies a setting's results, as JSON gives it back: its values, and what it trains."""
    value = experiment.settings[setting]
    head = {"experiment": experiment.name, "setting": setting, "settings": value.to_dict()}
    return json.loads(json.dumps({**head, "trains": experiment.trains(value)}))


def _read(experiment: Experiment, setting: str, path: Path) -> list[Result]:
    """The setting's results; none if there is no file, or a stale one. Errors: :class:`DamagedFileError`."""
    results, stale = _content(experiment, setting, path)
    return [] if stale else results


def _content(experiment: Experiment, setting: str, path: Path) -> tuple[list[Result], bool]:
    """What a file holds, and whether that is stale: made under other settings or of another network."""
    header = _header(experiment, setting)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        named = {key: content[key] for key in ("experiment", "setting")}
        if any(named[key] != header[key] for key in named):
            raise ValueError(f"it holds the results of {named}")
        if any(content[key] != header[key] for key in ("settings", "trains")):
            return content["trials"], True
        for result in content["trials"]:
            check(Trial(experiment.name, setting, result["framework"], result["seed"]), result)
        return content["trials"], False
    except FileNotFoundError:
        return [], False
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{path} is damaged ({type(error).__name__}: {error}); restore it or delete it"
        ) from error


def _asides(path: Path) -> Iterator[Path]:
    """Names for stale results; git ignores them."""
    return (path.with_name(f".{path.name}.stale-{number}") for number in itertools.count(1))


def find(experiment: Experiment, trial: Trial, folder: Path) -> Result | None:
    """The stored result of a trial under its present settings, or None."""
    for result in _read(experiment, trial.setting, path_of(trial, folder)):
        if (result["framework"], result["seed"]) == (trial.framework, trial.seed):
            return result
    return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing a file, until the block ends or this process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        yield


def write(experiment: Experiment, trial: Trial, result: Result, folder: Path) -> None:
    """Add a result to its setting's file; one that is stale is kept beside it, since no commit may have it.

    Errors: ``ValueError`` for a result that the schema does not know, ``OSError``.
    """
    check(trial, result)
    path = path_of(trial, folder)
    with locked(path):
        sweep(path)
        stored, stale = _content(experiment, trial.setting, path)
        if stale:
            os.replace(path, next(aside for aside in _asides(path) if not aside.exists()))
        kept = [old for old in stored if not stale and (old["framework"], old["seed"]) != (trial.framework, trial.seed)]
        trials = sorted([*kept, result], key=lambda old: (old["framework"], old["seed"]))
        write_atomically(path, _text({**_header(experiment, trial.setting), "trials": trials}))


def everything(experiment: Experiment, folder: Path | None = None) -> dict[str, list[Result]]:
    """All that is stored under the present settings, complete or not: setting → results by framework and seed."""
    folder = results_folder() if folder is None else folder
    return {
        setting: _read(experiment, setting, folder / experiment.name / f"{setting}.json")
        for setting in experiment.settings
    }


def load(experiment: Experiment, folder: Path | None = None) -> dict[str, dict[str, list[Result]]]:
    """All stored results: setting → framework → results in the order of their seeds.

    Errors: :class:`MissingResultError`. An optional setting may be lacking.
    """
    folder = results_folder() if folder is None else folder
    found: dict[str, dict[str, list]] = {}
    files = {
        setting: {(result["framework"], result["seed"]): result for result in results}
        for setting, results in everything(experiment, folder).items()
    }
    for trial in experiment.trials():
        result = files[trial.setting].get((trial.framework, trial.seed))
        if result is not None:
            by_framework = found.setdefault(trial.setting, {name: [] for name in experiment.frameworks})
            by_framework[trial.framework].append(result)
        elif trial.setting not in experiment.optional:
            raise MissingResultError(
                f"{folder} lacks {trial}; `make experiments ONLY={experiment.name}` runs what is missing"
            )
    return found


def load_new(experiment: Experiment, folder: Path | None = None) -> dict[str, dict[str, list[Result]]]:
    """The stored results of new seeds: setting → framework → results from seed 100 on, as far as none is lacking."""
    found: dict[str, dict[str, list]] = {}
    for setting, results in everything(experiment, folder).items():
        for result in results:
            of_framework = found.setdefault(setting, {}).setdefault(result["framework"], [])
            if result["seed"] == NEW + len(of_framework):
                of_framework.append(result)
    return found


def _text(content: dict[str, Any]) -> str:
    """JSON with one line a trial, so that a diff shows which trial moved."""
    head = json.dumps({**content, "trials": []}, indent=1).removesuffix("[]\n}")
    lines = ",\n  ".join(json.dumps(result, allow_nan=False) for result in content["trials"])
    return f"{head}[\n  {lines}\n ]\n}}\n"
