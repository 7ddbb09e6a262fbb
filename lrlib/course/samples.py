"""The numbers that the rules compare, taken from stored runs: one a seed, with what else is known of that run."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from lrlib.course import store
from lrlib.course.experiment import NEW, Experiment, Result
from lrlib.course.training import unpacked


class Sample(NamedTuple):
    """``values``: one number a seed; ``lost``: whether that run, or one that it was compared with, learned nothing.

    ``right``: seeds × test images, what each image adds to the value, in points; None where that is not stored.
    """

    values: np.ndarray
    lost: np.ndarray
    right: np.ndarray | None = None

    @property
    def seeds(self) -> int:
        return len(self.values)

    def first(self, count: int | None) -> "Sample":
        right = None if self.right is None else self.right[:count]
        return Sample(self.values[:count], self.lost[:count], right)

    def variance_of_images(self) -> float:
        """What the choice of test images adds to the variance of the mean; 0 where it is not stored.

        The spread over images of their means over seeds has some of the seeds' own noise in it: a little too much.
        """
        return 0.0 if self.right is None else float(np.var(self.right.mean(0), ddof=1)) / self.right.shape[1]

    def minus(self, other: "Sample") -> "Sample":
        """Seed by seed, as far as both go: the seeds of both count from the same number."""
        count = min(self.seeds, other.seeds)
        ours, theirs = self.first(count), other.first(count)
        paired = ours.right is not None and theirs.right is not None
        return Sample(
            ours.values - theirs.values,
            ours.lost | theirs.lost,
            ours.right - theirs.right if paired else None,  # type: ignore[operator]
        )


def mean_of(samples: Sequence[Sample]) -> Sample:
    """Seed by seed the mean of several samples."""
    count = min(sample.seeds for sample in samples)
    values, lost, right = zip(*(sample.first(count) for sample in samples), strict=True)
    images = None if any(part is None for part in right) else np.mean(right, axis=0)
    return Sample(np.mean(values, axis=0), np.any(lost, axis=0), images)


# ---- Measures --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Measure:
    """A number of a stored result, or one for each repetition in it.

    ``right``: what each image that it was measured on adds to it, in points; None where that is not stored.
    """

    of: Callable[[Result], Any]
    right: Callable[[Result], np.ndarray | None] = lambda result: None

    def __call__(self, result: Result) -> Any:
        return self.of(result)


def final(key: str) -> Measure:
    """The number stored under ``key``."""
    return Measure(lambda result: result[key])


def _points(packed: str | None) -> np.ndarray | None:
    return None if packed is None else 100.0 * unpacked(packed)


TEST_ACCURACY = Measure(
    lambda result: result["test_accuracy"],
    lambda result: _points([None, *result.get("right", {}).values()][-1]),
)


def at_update(update: int, right: str = "right") -> Measure:
    """The accuracy after an update; ``right`` is the field that has the images."""
    return Measure(
        lambda result: result["curve"]["accuracy"][result["curve"]["update"].index(update)],
        lambda result: _points(result.get(right, {}).get(str(update))),
    )


def mean_of_measures(measures: Sequence[Measure]) -> Measure:
    """The mean of several accuracies of one run."""

    def right(result: Result) -> np.ndarray | None:
        images = [part for measure in measures if (part := measure.right(result)) is not None]
        return np.mean(images, axis=0) if len(images) == len(measures) else None

    return Measure(lambda result: np.mean([measure(result) for measure in measures]), right)


def lost(result: Result, experiment: Experiment) -> np.ndarray:
    """Whether a run, or each repetition of one, learned nothing: a rule, so that no mean is taken over two populations.

    A loss was not finite; or the last training loss is no less than 1 % below that of guessing; or the accuracy is
    within three standard errors of that of guessing.
    """
    chance = level_of_chance(experiment.classes, experiment.tested)
    accuracy = np.atleast_1d(np.array(result.get("accuracy_each", result.get("test_accuracy")), float))
    not_finite = np.atleast_1d(np.array(result.get("diverged_each", result.get("diverged", False)), bool))
    loss = result.get("train_loss", [*result.get("epoch_loss", [0.0])][-1])
    return not_finite | no_better_than_guessing(loss, experiment.classes) | (accuracy < chance)


def level_of_chance(classes: int, images: int) -> float:
    """The accuracy in percent, three standard errors above that of guessing, below which a run is lost.

    >>> round(level_of_chance(10, 300), 1)
    15.2
    """
    guess = 1 / classes
    return 100 * (guess + 3 * math.sqrt(guess * (1 - guess) / images))


def no_better_than_guessing(loss: float | None, classes: int) -> bool:
    """Whether a training loss, None if it is not finite, is within 1 % of that of guessing, or above."""
    return loss is None or loss > 0.99 * math.log(classes)


# ---- Samples ---------------------------------------------------------------------------------------------------------

_loaded: dict[tuple[str, bool], Any] = {}


def stored(experiment: Experiment, new: bool) -> Any:
    """The experiment's first results, or its new ones, read once: setting → framework → results."""
    key = experiment.name, new
    if key not in _loaded:
        _loaded[key] = store.load_new(experiment) if new else _first(experiment)
    return _loaded[key]


def _first(experiment: Experiment) -> dict[str, dict[str, list[Result]]]:
    """Without the new seeds, which some experiments always run; one that runs no others may have begun only."""
    if all(trial.seed >= NEW for trial in experiment.trials()):
        return {}
    results = store.load(experiment)
    return {
        setting: {framework: [one for one in every if one["seed"] < NEW] for framework, every in by_framework.items()}
        for setting, by_framework in results.items()
    }


def forget() -> None:
    """Read stored results again when they are next asked for."""
    _loaded.clear()
    _sample.cache_clear()


class Numbers(Protocol):
    """What a comparison has on either side: one number a seed."""

    def settings(self) -> set[tuple[Experiment, str]]:
        """The settings whose runs they are taken from."""

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        """The numbers of the first ``count`` seeds, of the first seeds or of the ``new`` ones."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """The runs of one setting, and the number taken from each; a lost run's number is NaN if it is not finite."""

    experiment: Experiment
    setting: str
    measure: Callable[[Result], Any] = TEST_ACCURACY

    def settings(self) -> set[tuple[Experiment, str]]:
        return {(self.experiment, self.setting)}

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        results = stored(self.experiment, new).get(self.setting, {}).get(framework, [])
        if not results:
            return Sample(np.empty(0), np.empty(0, bool))
        return _sample(_Read(results), self.experiment, self.measure).first(count)


class _Read:
    """A list of results as a key: results that are read again are another list."""

    def __init__(self, results: list[Result]) -> None:
        self.results = results

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Read) and self.results is other.results

    def __hash__(self) -> int:
        return id(self.results)


# A rule asks for the same few at each of its looks. All of them would fill the memory with their images.
@functools.lru_cache(maxsize=64)
def _sample(read: _Read, experiment: Experiment, measure: Callable[[Result], Any]) -> Sample:
    values = [np.atleast_1d(np.array(measure(result), float)) for result in read.results]
    gone = [lost(result, experiment) for result in read.results]
    images = [measure.right(result) if isinstance(measure, Measure) else None for result in read.results]
    right = None if any(part is None for part in images) else np.array(images)
    sample = Sample(np.concatenate(values), np.concatenate(gone), right)
    for part in sample:
        if part is not None:
            part.setflags(write=False)  # who changed one would change it for all
    return sample


@dataclasses.dataclass(frozen=True)
class Gain:
    """What ``runs`` have more than ``control``, seed by seed: to be compared with another gain."""

    runs: "Numbers"
    control: "Numbers"

    def settings(self) -> set[tuple[Experiment, str]]:
        return self.runs.settings() | self.control.settings()

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        return self.runs.sample(framework, new, count).minus(self.control.sample(framework, new, count))


@dataclasses.dataclass(frozen=True)
class Mean:
    """Over several settings, seed by seed."""

    runs: Sequence["Numbers"]

    def settings(self) -> set[tuple[Experiment, str]]:
        return set().union(*(one.settings() for one in self.runs))

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        return mean_of([one.sample(framework, new, count) for one in self.runs])


@dataclasses.dataclass(frozen=True)
class Spread:
    """The standard deviation of the settings' *means* over seeds, as one jackknife pseudo-value a seed.

    The spread of one seed's numbers would measure the seeds as well as the settings. With θ the standard deviation of
    the means over all n seeds and θ₋ₛ that without seed s, the pseudo-value is n θ − (n − 1) θ₋ₛ; their mean is θ less
    its first-order bias, and Student's interval of them is Tukey's (1958). It is a little too narrow: simulated at the
    means and deviations of the course's one claim about spreads, it misses in about one and a half times as many
    studies as it says.
    """

    runs: Sequence["Numbers"]

    def __post_init__(self) -> None:
        # Of two settings it is the size of one difference, with a kink at zero, where the interval is far too narrow.
        if len(self.runs) < 3:
            raise ValueError(f"a spread is that of three settings or more; got {len(self.runs)}")

    def settings(self) -> set[tuple[Experiment, str]]:
        return set().union(*(one.settings() for one in self.runs))

    def sample(self, framework: str, new: bool, count: int | None = None) -> Sample:
        samples = [one.sample(framework, new, count) for one in self.runs]
        seeds = min(sample.seeds for sample in samples)
        if seeds < 2:
            return Sample(np.empty(0), np.empty(0, bool))
        values = np.array([sample.values[:seeds] for sample in samples])
        means, total = values.mean(1), values.sum(1, keepdims=True)
        without = np.std((total - values) / (seeds - 1), axis=0, ddof=1)
        gone = np.any([sample.lost[:seeds] for sample in samples], axis=0)
        return Sample(seeds * np.std(means, ddof=1) - (seeds - 1) * without, gone)
