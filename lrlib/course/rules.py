"""What follows from stored results for a claim: the rules, and nothing about any one claim.

A rule's ``judge()`` gives a :class:`lrlib.course.experiment.Verdict`: a word, and what each framework's runs show. The
words:

- *reproduced*: it holds in both frameworks;
- *not reproduced*: it does not, in at least one;
- *confounded*: it holds in the comparison that the source makes or suggests, and not once what else differed is set
  alike;
- *cannot be tested here*: the course has no run that could decide it.

A published figure is reproduced if it lies where 95 % of single runs like ours fall. A comparison holds if the 95 %
interval of its differences, paired by seed, is clear of zero; over several tasks and budgets, if that of the ratio of
the errors is. A framework with fewer than three seeds is shown and does not decide.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lrlib.course import store
from lrlib.course.experiment import Experiment, Result, Verdict
from lrlib.course.stats import direction, interval, mean_interval, mean_sd, prediction_interval, relative_interval

FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras"}
FEWEST = 3  # seeds that an interval is drawn from
REPRODUCED, NOT_REPRODUCED, CONFOUNDED = "reproduced", "not reproduced", "confounded"
CANNOT = "cannot be tested here"

Measure = Callable[[Result], Any]  # of one stored result: a number, or one for each repetition in it


def final(key: str) -> Measure:
    """The number stored under ``key``."""
    return lambda result: result[key]


TEST_ACCURACY = final("test_accuracy")


def at_update(update: int, key: str = "accuracy") -> Measure:
    """What was measured after an update."""
    return lambda result: result["curve"][key][result["curve"]["update"].index(update)]


_loaded: dict[str, Any] = {}


def _stored(experiment: Experiment) -> Any:
    """The experiment's results, read once."""
    if experiment.name not in _loaded:
        _loaded[experiment.name] = store.load(experiment)
    return _loaded[experiment.name]


@dataclasses.dataclass(frozen=True)
class Runs:
    """The runs of one setting, and the number taken from each."""

    experiment: Experiment
    setting: str
    measure: Measure = TEST_ACCURACY

    def numbers(self, framework: str) -> np.ndarray:
        """One number a seed, in their order; a run that gave none counts as NaN. Empty if the framework ran none."""
        results = _stored(self.experiment)[self.setting].get(framework, [])
        each = [np.atleast_1d(np.array(self.measure(result), float)) for result in results]
        return np.concatenate(each) if each else np.empty(0)


@dataclasses.dataclass(frozen=True)
class Gain:
    """What ``runs`` have more than ``control``, seed by seed: to be compared with another gain."""

    runs: Runs
    control: Runs

    def numbers(self, framework: str) -> np.ndarray:
        return _minus(self.runs.numbers(framework), self.control.numbers(framework))


@dataclasses.dataclass(frozen=True)
class Over:
    """One number a seed from the runs of several settings: their mean, or their standard deviation."""

    runs: Sequence[Runs]
    combine: Callable[..., Any] = np.mean

    def numbers(self, framework: str) -> np.ndarray:
        each = [runs.numbers(framework) for runs in self.runs]
        count = min(map(len, each))
        return np.asarray(self.combine([numbers[:count] for numbers in each], axis=0))


Numbers = Runs | Gain | Over


def _minus(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    count = min(len(ours), len(theirs))  # seeds count from 0, so the first ones are shared
    return ours[:count] - theirs[:count]


def _decided(holds: Mapping[str, bool | None]) -> bool:
    """Whether it holds in every framework that decides; None marks one that does not."""
    deciding = [answer for answer in holds.values() if answer is not None]
    return bool(deciding) and all(deciding)


@dataclasses.dataclass(frozen=True)
class PublishedValue:
    """Published figures, each beside the runs that it must lie among.

    ``width``: a figure that was cut to whole units stands for all up to ``width`` above it. ``log``: spreads are judged
    and shown on the logarithm, for rates. ``mean_of``: a figure that is itself the mean of that many runs.
    """

    runs: Sequence[Runs]
    published: Sequence[float]
    width: float = 0.0
    log: bool = False
    mean_of: int = 1
    digits: int = 2

    def judge(self) -> Verdict:
        last = {framework: self.runs[-1].numbers(framework) for framework in FRAMEWORKS}
        holds = {
            framework: all(
                self._lies(figure, runs.numbers(framework))
                for runs, figure in zip(self.runs, self.published, strict=True)
            )
            for framework in FRAMEWORKS
            if len(last[framework]) >= FEWEST
        }
        shown = {framework: self._shown(values) for framework, values in last.items()}
        word = REPRODUCED if _decided(holds) else NOT_REPRODUCED
        return Verdict(word, shown, {framework: len(values) for framework, values in last.items()})

    def _lies(self, figure: float, values: np.ndarray) -> bool:
        if not np.isfinite(values).all():
            return False  # a run that gave no number: the figure is not one that such runs give
        low, high = self._range(values)
        return bool(low < figure + self.width and figure <= high if self.width else low <= figure <= high)

    def _range(self, values: np.ndarray) -> tuple[float, float]:
        if not self.log:
            return prediction_interval(values, mean_of=self.mean_of)
        low, high = prediction_interval(np.log(values), mean_of=self.mean_of)
        return float(np.exp(low)), float(np.exp(high))

    def _shown(self, values: np.ndarray) -> str:
        if self.log:
            return f"{np.median(values):.2g} ({np.min(values):.2g} to {np.max(values):.2g})"
        if len(values) < FEWEST:
            return " ".join(f"{value:.{self.digits}f}" for value in values)
        low, high = self._range(values)
        return f"{mean_sd(values, self.digits)} ({low:.{self.digits}f} to {high:.{self.digits}f})"


@dataclasses.dataclass(frozen=True)
class Higher:
    """``runs`` give a higher number than ``control`` (with ``lower``: a lower one), seed by seed.

    ``as_written`` is the comparison that the source makes or suggests, if ours is another: where that one holds and
    ours does not, the claim is confounded. ``unit``: what the numbers are, points of accuracy if nothing is said.
    """

    runs: Numbers
    control: Numbers
    lower: bool = False
    as_written: "Higher | None" = None
    digits: int = 2
    unit: str = "points"

    def differences(self, framework: str) -> np.ndarray:
        return _minus(self.runs.numbers(framework), self.control.numbers(framework))

    def holds(self) -> bool:
        return _decided({framework: self.clear(self.differences(framework)) for framework in FRAMEWORKS})

    def judge(self) -> Verdict:
        word = REPRODUCED if self.holds() else NOT_REPRODUCED
        if word == NOT_REPRODUCED and self.as_written is not None and self.as_written.holds():
            word = CONFOUNDED
        differences = {framework: self.differences(framework) for framework in FRAMEWORKS}
        shown = {framework: self._shown(values) for framework, values in differences.items()}
        seeds = {framework: len(values) for framework, values in differences.items() if len(values)}
        return Verdict(word, shown, seeds)

    def clear(self, differences: np.ndarray) -> bool | None:
        """Whether the interval is clear of zero on the claimed side; None where there are too few seeds."""
        if len(differences) < FEWEST:
            return None
        low, high = interval(differences)
        return high < 0 if self.lower else low > 0

    def _shown(self, differences: np.ndarray) -> str:
        if len(differences) < FEWEST:
            return " ".join(f"{difference:+.{self.digits}f}" for difference in differences) or "–"
        return mean_interval(differences, self.digits)


@dataclasses.dataclass(frozen=True)
class Most:
    """More than half of several comparisons hold; ``as_written`` as in :class:`Higher`."""

    comparisons: Sequence[Higher]
    as_written: "Most | None" = None

    def holds(self) -> bool:
        return 2 * sum(comparison.holds() for comparison in self.comparisons) > len(self.comparisons)

    def judge(self) -> Verdict:
        word = REPRODUCED if self.holds() else NOT_REPRODUCED
        if word == NOT_REPRODUCED and self.as_written is not None and self.as_written.holds():
            word = CONFOUNDED
        shown, seeds = {}, {}
        for framework in FRAMEWORKS:
            clear = [comparison.clear(comparison.differences(framework)) for comparison in self.comparisons]
            shown[framework] = f"{sum(map(bool, clear))} of {len(clear)}"
            seeds[framework] = min(len(comparison.differences(framework)) for comparison in self.comparisons)
        return Verdict(word, shown, seeds)


@dataclasses.dataclass(frozen=True)
class LowerError:
    """Over several settings one error is lower than another: the 95 % interval of their ratio lies below one.

    ``log_ratios()`` gives for each framework that ran both the logarithms of the ratios, one a setting. ``seeds`` runs
    are behind each error.
    """

    log_ratios: Callable[[], Mapping[str, np.ndarray]]
    seeds: int

    def judge(self) -> Verdict:
        ratios = self.log_ratios()
        word = REPRODUCED if direction(*ratios.values()) == "lower" else NOT_REPRODUCED
        shown = {name: relative_interval(ratios[name]) if name in ratios else "–" for name in FRAMEWORKS}
        return Verdict(word, shown, dict.fromkeys(ratios, self.seeds))


@dataclasses.dataclass(frozen=True)
class Fact:
    """What needs no training: ``check(framework)`` says whether it holds there, and what was seen."""

    check: Callable[[str], tuple[bool, str]]

    def judge(self) -> Verdict:
        answers = {framework: self.check(framework) for framework in FRAMEWORKS}
        word = REPRODUCED if all(holds for holds, _ in answers.values()) else NOT_REPRODUCED
        return Verdict(word, {framework: seen for framework, (_, seen) in answers.items()})


@dataclasses.dataclass(frozen=True)
class Untestable:
    """No run of the course could decide it."""

    reason: str

    def judge(self) -> Verdict:
        return Verdict(CANNOT, dict.fromkeys(FRAMEWORKS, "–"), reason=self.reason)
