"""What an experiment is: settings, trials of each over frameworks and seeds, and the claims that they decide."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

# Seeds from here on had not been looked at when the rules were fixed: they decide. The first seeds are those below.
NEW = 100

Result = dict[str, Any]  # what is stored of one trial: the fields of lrlib.course.store.FIELDS


class Setting(Protocol):
    """One arm of an experiment: everything that a trial needs besides the framework and the seed."""

    def to_dict(self) -> dict[str, Any]:
        """The setting as JSON has it; a stored result counts only under the same setting."""


class Trial(NamedTuple):
    """One run: what a stored result is identified by."""

    experiment: str
    setting: str
    framework: str
    seed: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one look at a comparison gave: an interval, signed so that above zero is the claim, and its word.

    ``smallest`` is the smallest effect of interest, in the same unit. ``frameworks`` are those whose seeds were pooled.
    ``level`` is the interval's: with several looks each has more than 95 %, so that all together have it.
    ``lost``: runs learned nothing, and the interval is that of the probability of improvement, less a half.
    """

    word: str
    seeds: int
    mean: float
    low: float
    high: float
    smallest: float
    frameworks: tuple[str, ...]
    level: float
    lost: bool = False

    def in_words(self, digits: int = 2, unit: str = "") -> str:
        """The mean and its interval, with more decimals where ``digits`` would hide what the word follows from.

        >>> Outcome("holds", 5, 0.44, 0.1, 0.78, 0.2, ("pytorch",), 0.995).in_words(1, "points")
        '+0.4 points (+0.1 to +0.8)'
        >>> Outcome("negligible", 5, 0.0, -0.297, 0.297, 0.3, ("pytorch",), 0.995).in_words(2)
        '+0.000 (-0.297 to +0.297)'
        """
        while digits < 6 and self._hides(digits):
            digits += 1
        mean, low, high = (f"{number:+.{digits}f}" for number in (self.mean, self.low, self.high))
        return f"{mean}{unit and f' {unit}'} ({low} to {high})"

    def _hides(self, digits: int) -> bool:
        """Whether an end, rounded, lies on zero or on the smallest effect of interest, and in truth beside it."""
        pairs = ((self.low, 0.0), (self.low, -self.smallest), (self.high, 0.0), (self.high, self.smallest))
        return any(end != mark and round(end, digits) == round(mark, digits) for end, mark in pairs)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A word, and what it rests on.

    ``shown`` has what each framework's runs gave, in words, and ``seeds`` how many there were. ``written`` is the word
    of the comparison as the source makes or suggests it, where ours is another; ``confounded`` whether what else
    differed there explains it. ``outcome`` is the look that gave the word, ``first`` what the first seeds alone say:
    they had been looked at, and do not decide. ``note`` says what the word does not.
    """

    word: str
    shown: Mapping[str, str]
    seeds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    written: str = ""
    confounded: bool = False
    outcome: Outcome | None = None
    first: Outcome | None = None
    note: str = ""


class Rule(Protocol):
    """How a claim is decided; the rules are in :mod:`lrlib.course.rules`."""

    def judge(self) -> Verdict: ...

    def wanted(self) -> list["Trial"]:
        """The trials of the next look, as long as the claim is undecided; some may be stored already."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """``setting`` says in words what of ours decides it; ``chapter`` where it is shown.

    ``worded_after``: it was worded when its first seeds had been seen, so that these would flatter it.
    """

    source: str
    text: str
    setting: str
    rule: Rule
    chapter: str
    worded_after: bool = False


@dataclasses.dataclass(frozen=True)
class Rerun:
    """What the tests run again: a ``share`` of a trial, and the stored numbers that this must give again.

    ``first_losses``: the numbers are the losses of the first single updates, which another processor gives too, nearly.
    """

    share: float
    numbers: Callable[[Result], Any]
    first_losses: bool = False


def no_claims() -> Iterable[Claim]:
    """Of an experiment that decides none."""
    return ()


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """Settings by name, and how one of them is run.

    ``run(setting, framework, seeds, share)`` trains each seed and returns their results in that order; ``share`` is the
    part of the run that is made, 1.0 for a result that is stored. ``seeds(name, framework)`` are those of a setting,
    none where the framework does not run it. ``stacked`` frameworks train all seeds of a setting at once. Results of
    ``optional`` settings may be lacking: only another machine can run them. ``trains(setting)`` declares what is
    trained: network, initial weights, loss, optimizer, split, batches, and a version that is raised by hand.

    ``classes`` and ``tested`` (test images) tell what guessing gives; a trial gives ``repetitions`` numbers.
    ``fixed_test``: all seeds are tested on the same images, so comparing accuracies needs which of them were right.
    ``new_seeds``: how many new seeds a framework may run for a claim; the second one only checks that both agree.
    """

    name: str
    settings: Mapping[str, Any]
    run: Callable[[Any, str, Sequence[int], float], list[Result]]
    seeds: Callable[[str, str], Sequence[int]]
    trains: Callable[[Any], dict[str, Any]]
    rerun: Rerun
    frameworks: tuple[str, ...] = ("pytorch", "keras")
    stacked: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    classes: int = 10
    tested: int = 10_000
    repetitions: int = 1
    fixed_test: bool = False
    new_seeds: Mapping[str, int] = dataclasses.field(default_factory=lambda: {"pytorch": 160, "keras": 5})
    claims: Callable[[], Iterable[Claim]] = no_claims

    def trials(self) -> list[Trial]:
        """All trials, in the order of the settings."""
        return [
            Trial(self.name, setting, framework, seed)
            for setting in self.settings
            for framework in self.frameworks
            for seed in self.seeds(setting, framework)
        ]


def each_seed(trial: Callable[[Any, str, int, float], Result]) -> Callable[..., list[Result]]:
    """An experiment's ``run`` from a ``trial`` of one seed: one after another."""

    def run(setting: Any, framework: str, seeds: Sequence[int], share: float) -> list[Result]:
        return [trial(setting, framework, seed, share) for seed in seeds]

    return run
