"""What follows from stored results for a claim: the rules, and nothing about any one claim.

A rule's ``judge()`` gives a :class:`lrlib.course.experiment.Verdict`. Its words:

- of a comparison, those of :mod:`lrlib.course.words`, from an interval and a smallest effect of interest;
- of a published figure *had again*, *not had again* or *cannot tell*;
- of what needs no training *true* or *false*;
- *cannot be tested here*: the course has no run that could decide it.

A comparison is decided by new seeds, which had not been looked at, in a few looks whose shares of error sum to 5 %.
PyTorch's runs and Keras's start from the same weights and see the same batches, so they are one replication: where both
can run the seeds of a look their mean is taken, else the word is PyTorch's, and Keras's runs say whether the two agree.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from scipy.stats import ttest_ind_from_stats

from lrlib.course.experiment import NEW, Experiment, Outcome, Trial, Verdict
from lrlib.course.samples import Gain, Numbers, Runs, Sample, Spread, mean_of
from lrlib.course.stats import (
    half_width,
    interval,
    mean_interval,
    mean_sd,
    prediction_interval,
    share_interval,
)
from lrlib.course.words import HOLDS, LOOKS, NEGLIGIBLE, NO_GAIN, REVERSED, UNDECIDED, either_side, word

FRAMEWORKS = {"pytorch": "PyTorch", "keras": "Keras"}
FEWEST = 3  # seeds that an interval is drawn from
HAD, NOT_HAD, CANNOT_TELL = "had again", "not had again", "cannot tell"
TRUE, FALSE, CANNOT = "true", "false", "cannot be tested here"
IMPROVEMENT = 0.1  # the smallest effect of interest where runs are lost: in the probability of improvement
ENOUGH = 20  # runs that a published figure is held to before it counts as had again


def _trials(settings: set[tuple[Experiment, str]], numbers: int) -> list[Trial]:
    """The trials of new seeds that give so many numbers of each setting, in every framework that runs it."""
    found = []
    for experiment, setting in sorted(settings, key=lambda one: (one[0].name, one[1])):
        for framework in experiment.new_seeds:
            seeds = -(-min(numbers, _most(experiment, setting, framework)) // experiment.repetitions)
            found += [Trial(experiment.name, setting, framework, NEW + seed) for seed in range(seeds)]
    return found


def _most(experiment: Experiment, setting: str, framework: str) -> int:
    """How many numbers of new seeds a framework may give of a setting; none where it does not run it."""
    most = experiment.new_seeds.get(framework, 0) if experiment.seeds(setting, framework) else 0
    return -(-most // experiment.repetitions) * experiment.repetitions  # a trial is run whole


# ---- Comparisons -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Unit:
    """What the numbers of a comparison are.

    ``lost``: where a run that learned nothing stands: 1 above all others, −1 below, 0 nowhere, so that lost runs give
    no word. ``needs_images``: no word is given either where the choice of the test images is not in the interval.
    """

    name: str
    lost: int = 1
    needs_images: bool = False


POINTS = Unit("points", lost=-1, needs_images=True)  # of accuracy
LOSS = Unit("loss")
LOG_ERROR = Unit("log of the error")


@dataclasses.dataclass(frozen=True)
class Higher:
    """``runs`` give a higher number than ``control`` (with ``lower``: a lower one), seed by seed.

    ``smallest`` is the smallest effect of interest. ``as_written`` is the comparison that the source makes or suggests,
    if ours is another. ``changes``: the claim is that the numbers differ, to whichever side, so that an effect to the
    other side bears it out as well, and to exclude one side decides nothing.
    """

    runs: Numbers
    control: Numbers
    smallest: float
    lower: bool = False
    as_written: "Higher | None" = None
    digits: int = 2
    unit: Unit = POINTS
    looks: Mapping[int, float] = dataclasses.field(default_factory=lambda: LOOKS)
    changes: bool = False

    def arms(self, framework: str, new: bool, count: int | None = None) -> tuple[Sample, Sample]:
        return self.runs.sample(framework, new, count), self.control.sample(framework, new, count)

    def differences(self, framework: str, new: bool = False) -> np.ndarray:
        """Ours less the control's, as measured: not yet turned to the side of the claim."""
        ours, theirs = self.arms(framework, new)
        return ours.minus(theirs).values

    def sizes(self, new: bool) -> dict[str, int]:
        """How many seeds each framework has of both arms."""
        return {framework: len(self.differences(framework, new)) for framework in FRAMEWORKS}

    def look(self, frameworks: Sequence[str], count: int, level: float, new: bool = True) -> Outcome:
        """What the first ``count`` seeds say at this level."""
        arms = [self.arms(framework, new, count) for framework in frameworks]
        differences = mean_of([ours.minus(theirs) for ours, theirs in arms])
        if differences.lost.any():
            return self._improvement(arms, tuple(frameworks), count, level)
        low, high = interval(differences.values, level, differences.variance_of_images())
        mean = float(np.mean(differences.values))
        if self.lower:
            mean, low, high = -mean, -high, -low
        said = self._word(low, high, self.smallest)
        return Outcome(said, count, mean, low, high, self.smallest, tuple(frameworks), level)

    def _word(self, low: float, high: float, smallest: float) -> str:
        said = word(low, high, smallest)
        return either_side(said) if self.changes else said

    def _improvement(
        self, arms: list[tuple[Sample, Sample]], frameworks: tuple[str, ...], count: int, level: float
    ) -> Outcome:
        """Where runs are lost: how often a pair goes as claimed; a lost run has the lowest accuracy, or highest loss.

        Seeds are paired, and ties left out, so the number of wins is binomial and its interval exact.
        """
        worst = self._worst()
        ranks = []
        for ours, theirs in arms:
            apart = worst * (ours.lost[:count].astype(int) - theirs.lost[:count])
            ranks.append(np.where(ours.lost | theirs.lost, apart, np.sign(ours.minus(theirs).values)))
        ranking = np.sum(ranks, axis=0) * (-1 if self.lower else 1)
        wins, losses = int((ranking > 0).sum()), int((ranking < 0).sum())
        if not worst:
            wins = losses = 0  # of a gain, a spread or a gap a lost run says nothing
        low, high = (end - 0.5 for end in share_interval(wins, wins + losses, level))
        mean = wins / (wins + losses) - 0.5 if wins + losses else 0.0
        said = self._word(low, high, IMPROVEMENT)
        return Outcome(said, count, mean, low, high, IMPROVEMENT, frameworks, level, lost=True)

    def _worst(self) -> int:
        """The side on which a lost run stands: −1 of accuracies, 1 of losses, 0 where it has none.

        It has none either where it would bear the claim out: nobody claims that a lower accuracy is reached so.
        """
        if any(isinstance(arm, Gain | Spread) for arm in (self.runs, self.control)):
            return 0
        return 0 if self.lower and self.unit.lost < 0 else self.unit.lost

    def _lacks_images(self) -> bool:
        """Whether all new seeds share their test images, and which of them were right is not stored.

        Their part belongs in the interval, and without it no word is given.
        """
        if not self.unit.needs_images or not any(experiment.fixed_test for experiment, _ in self.settings()):
            return False
        ours, theirs = self.arms("pytorch", new=True)
        return bool(ours.seeds and theirs.seeds) and ours.minus(theirs).right is None

    def has_new(self) -> bool:
        """Whether new seeds are shown: those of a look, or some that give no word, since images are not stored."""
        return self._lacks_images() or self.decide() is not None

    def decide(self) -> Outcome | None:
        """The first look at new seeds that decides, else the last one that there is; None before the first.

        A look waits until every framework that can run its seeds has: which process was stopped decides nothing.
        """
        outcome, sizes = None, self.sizes(new=True)
        if self._lacks_images():
            return None
        for count, error in self.looks.items():
            frameworks = self._frameworks(count)
            if any(sizes[framework] < count for framework in frameworks):
                break
            outcome = self.look(frameworks, count, 1 - error)
            if outcome.word != UNDECIDED:
                break
        return outcome

    def _frameworks(self, count: int) -> list[str]:
        """PyTorch, and Keras where it runs both arms and may run so many seeds."""
        both = self.runs.settings() | self.control.settings()
        runs = {framework: min((_most(*setting, framework) for setting in both), default=0) for framework in FRAMEWORKS}
        return [framework for framework, most in runs.items() if framework == "pytorch" or most >= count]

    def p_value(self) -> float | None:
        """Two-sided: the error, over all looks, at which the interval of the look that gave the word would end at zero.

        Stopping at the first look that decides would spoil the look's own p; its share of the 5 % makes up for that.
        """
        if (outcome := self.decide()) is None:
            return None

        def clear(error: float) -> bool:
            found = self.look(outcome.frameworks, outcome.seeds, 1 - error)
            return found.low > 0 or found.high < 0

        low, high = 1e-12, 1 - 1e-12
        for _ in range(40):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if clear(middle) else (middle, high)
        return min(1.0, high * sum(self.looks.values()) / self.looks[outcome.seeds])

    def first(self) -> Outcome | None:
        """What the first seeds say at 95 %; they had been looked at, so they plan and do not decide."""
        sizes = self.sizes(new=False)
        frameworks = [framework for framework, size in sizes.items() if size >= FEWEST]
        if not frameworks:
            return None
        return self.look(frameworks, min(sizes[framework] for framework in frameworks), 0.95, new=False)

    def settings(self) -> set[tuple[Experiment, str]]:
        both = self.runs.settings() | self.control.settings()
        return both | (self.as_written.settings() if self.as_written else set())

    def wanted(self) -> list[Trial]:
        """The source's own comparison, which gives no word, waits for this one."""
        return self._wanted() or ([] if self.as_written is None else self.as_written.wanted())

    def _wanted(self) -> list[Trial]:
        outcome = self.decide()
        if outcome is not None and outcome.lost and not self._worst():
            return []  # more seeds would not tell
        following = _next_look(self.looks, outcome)
        return _trials(self.runs.settings() | self.control.settings(), following)

    def judge(self) -> Verdict:
        outcome, first = self.decide(), self.first()
        new = self.has_new()
        count = outcome.seeds if outcome else None
        written = "" if self.as_written is None else _word(self.as_written.decide())
        return Verdict(
            _word(outcome),
            {framework: self._shown(framework, new, count) for framework in FRAMEWORKS},
            {framework: min(size, count or size) for framework, size in self.sizes(new).items() if size},
            written,
            self._confounded(outcome, written),
            outcome,
            first,
            "; ".join(filter(None, (self.agreement(), self.needs()))),
        )

    def _confounded(self, fair: Outcome | None, written: str) -> bool:
        """The source's comparison holds, the fair one is decided otherwise, and the fair control is the better one."""
        if self.as_written is None or written != HOLDS or _word(fair) in (HOLDS, UNDECIDED):
            return False
        controls = dataclasses.replace(self, runs=self.control, control=self.as_written.control, as_written=None)
        return _word(controls.decide()) == HOLDS

    def agreement(self) -> str:
        """Whether Keras's differences are PyTorch's, in words, from the seeds that both ran.

        They *agree* where the interval of what lies between them holds nothing of interest, and *differ* where it is
        clear of zero and larger: not to be told apart is not to agree.
        """
        sizes = self.sizes(new=True)
        new = min(sizes.values()) >= FEWEST
        pair = [self.differences(framework, new) for framework in FRAMEWORKS]
        count = min(map(len, pair))
        if not count:
            ran = [name for key, name in FRAMEWORKS.items() if self.sizes(new=True)[key] or self.sizes(new=False)[key]]
            return f"{ran[0]} only" if len(ran) == 1 else ""
        apart = pair[0][:count] - pair[1][:count]
        gone = any(sample.lost[:count].any() for key in FRAMEWORKS for sample in self.arms(key, new, count))
        if count < FEWEST or gone or not np.isfinite(apart).all():
            return "runs are lost, so the frameworks are not compared" if gone else "too few Keras runs to compare"
        low, high = interval(apart)
        said = "open whether Keras agrees"
        if max(-low, high) < self.smallest:
            said = "Keras agrees"
        elif (low > 0 or high < 0) and abs(apart.mean()) > self.smallest:
            said = "Keras differs"
        return f"{said}: PyTorch less Keras {mean_interval(apart, self.digits)} over {count} seeds"

    def foreseen(self) -> int | None:
        """Seeds of the look that will decide, if the mean and the spread seen so far are the true ones.

        0 if no look will; None where they are not to be had: no run, one, a lost one, or images that are not stored.
        """
        outcome = self.decide()
        new = outcome is not None
        values = self.differences("pytorch", new)
        if self._lacks_images() or len(values) < 2 or not np.isfinite(values).all() or (outcome and outcome.lost):
            return None
        mean, spread = (-1 if self.lower else 1) * values.mean(), values.std(ddof=1)
        ours, theirs = self.arms("pytorch", new)
        images = ours.minus(theirs).variance_of_images()
        for count, error in self.looks.items():
            half = half_width(spread, count, 1 - error, images)
            decides = self._word(mean - half, mean + half, self.smallest) != UNDECIDED
            if decides and count > (outcome.seeds if outcome else 0):
                return count
        return 0

    def until_decided(self) -> list[Trial]:
        """The trials up to the look that is foreseen to decide; of the next look where nothing can be foreseen."""
        if _word(self.decide()) != UNDECIDED:
            return []
        count = self.foreseen()
        return self._wanted() if count is None else _trials(self.runs.settings() | self.control.settings(), count)

    def needs(self) -> str:
        """What an undecided claim needs, in words."""
        if self._lacks_images():
            return "which test images were right is not stored"
        outcome = self.decide()
        if _word(outcome) != UNDECIDED:
            return ""
        count = self.foreseen()
        if count is None:
            return "" if outcome else "no new seed yet"
        return f"about {count} seeds would decide it" if count else f"more than {max(self.looks)} seeds would be needed"

    def _shown(self, framework: str, new: bool, count: int | None) -> str:
        """``count``: the seeds of a look. Its interval is given with the effect, and the mean needs no second one."""
        ours, theirs = self.arms(framework, new, count)
        both = ours.minus(theirs)
        kept = both.values[~both.lost]
        said = _mean_in_words(kept, self.digits, with_interval=count is None)
        if both.lost.any():
            return _lost_in_words(ours, theirs) + (f"; of the others {said}" if len(kept) else "")
        return said


def _word(outcome: Outcome | None) -> str:
    return UNDECIDED if outcome is None else outcome.word


def _next_look(looks: Iterable[int], outcome: Outcome | None) -> int:
    """The number of seeds of the next look; 0 if there is a word already, or the last look was taken."""
    done = outcome.seeds if outcome else 0
    return next((count for count in looks if count > done), 0) if _word(outcome) == UNDECIDED else 0


def _mean_in_words(values: np.ndarray, digits: int, with_interval: bool = True) -> str:
    if len(values) < FEWEST:
        return " ".join(f"{value:+.{digits}f}" for value in values) or "–"
    return mean_interval(values, digits) if with_interval else f"{np.mean(values):+.{digits}f}"


def _lost_in_words(ours: Sample, theirs: Sample) -> str:
    """How many runs of each arm learned nothing; the effect has how often the claimed side wins, with its interval."""
    lost, against = (f"{int(sample.lost.sum())} of {sample.seeds}" for sample in (ours, theirs))
    return f"runs lost: {lost} against {against}"


@dataclasses.dataclass(frozen=True)
class Most:
    """More than half of several comparisons hold: from their words, so that what is reversed counts as decided.

    ``comparisons`` by the names of their cases.
    """

    comparisons: Mapping[str, Higher]
    as_written: "Most | None" = None

    def words(self) -> dict[str, str]:
        """Case → word."""
        return {case: _word(comparison.decide()) for case, comparison in self.comparisons.items()}

    def word(self) -> str:
        return most(list(self.words().values()))

    def judge(self) -> Verdict:
        parts = {case: comparison.judge() for case, comparison in self.comparisons.items()}
        shown = {
            framework: "; ".join(f"{case} {part.shown[framework]}" for case, part in parts.items())
            for framework in FRAMEWORKS
        }
        seeds = {
            framework: min(counts)
            for framework in FRAMEWORKS
            if (counts := [part.seeds[framework] for part in parts.values() if framework in part.seeds])
        }
        written = "" if self.as_written is None else self.as_written.word()
        words = self.words()
        gave = {  # each case's word with the seeds that gave it
            case: f"{words[case]}, {part.outcome.seeds} seeds" if part.outcome else part.note
            for case, part in parts.items()
        }
        note = "; ".join(f"{case}: {said}" for case, said in gave.items())
        return Verdict(most(list(words.values())), shown, seeds, written, note=note)

    def empty(self) -> list[str]:
        """The cases of which no run is shown; the number of seeds is the smallest of the others."""
        return [case for case, part in self.comparisons.items() if not any(part.sizes(part.has_new()).values())]

    def wanted(self) -> list[Trial]:
        found = [trial for comparison in self.comparisons.values() for trial in comparison.wanted()]
        return found or ([] if self.as_written is None else self.as_written.wanted())

    def until_decided(self) -> list[Trial]:
        """Those of every comparison: its word may be had with fewer."""
        return [trial for comparison in self.comparisons.values() for trial in comparison.until_decided()]


def most(words: Sequence[str]) -> str:
    """The word of "in most cases" from those of the cases.

    >>> most(["holds", "holds", "reversed"]), most(["reversed", "reversed", "negligible"]), most(["holds", "undecided"])
    ('holds', 'reversed', 'undecided')
    """
    if 2 * words.count(HOLDS) > len(words):
        return HOLDS
    for other in (REVERSED, NEGLIGIBLE):
        if 2 * words.count(other) > len(words):
            return other
    decided = sum(words.count(other) for other in (REVERSED, NEGLIGIBLE, NO_GAIN))
    return NO_GAIN if 2 * decided >= len(words) else UNDECIDED


# ---- Shares, figures, facts ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Share:
    """In more than half of the runs of a setting something is so: a statistic, with its exact interval."""

    runs: Runs  # measure: 1.0 where it is so, else 0.0
    smallest: float = IMPROVEMENT
    looks: Mapping[int, float] = dataclasses.field(default_factory=lambda: LOOKS)

    def decide(self) -> Outcome | None:
        outcome = None
        for count, error in self.looks.items():
            sample = self.runs.sample("pytorch", True, count)
            values = sample.values
            decided = outcome is not None and outcome.word != UNDECIDED
            if len(values) < count or decided or sample.lost.any() or not np.isfinite(values).all():
                break
            outcome = self._look(values, 1 - error)
        return outcome

    def has_new(self) -> bool:
        return self.decide() is not None

    def _look(self, values: np.ndarray, level: float) -> Outcome:
        low, high = (end - 0.5 for end in share_interval(int(values.sum()), len(values), level))
        mean = float(values.mean()) - 0.5
        return Outcome(word(low, high, self.smallest), len(values), mean, low, high, self.smallest, ("pytorch",), level)

    def judge(self) -> Verdict:
        outcome = self.decide()
        samples = {framework: self.runs.sample(framework, outcome is not None).values for framework in FRAMEWORKS}
        shown = {framework: f"{int(np.nansum(v))} of {len(v)}" if len(v) else "–" for framework, v in samples.items()}
        seeds = {framework: len(values) for framework, values in samples.items() if len(values)}
        note = "" if outcome else "no new seed yet"
        return Verdict(_word(outcome), shown, seeds, outcome=outcome, note=note)

    def wanted(self) -> list[Trial]:
        return _trials(self.runs.settings(), _next_look(self.looks, self.decide()))


@dataclasses.dataclass(frozen=True)
class PublishedValue:
    """Published figures, each beside the runs that it must lie among.

    ``width``: figures of one run, cut to whole units, each stand for all up to ``width`` above it, and one of our runs
    must give them all. ``log``: spreads are judged and shown on the logarithm, for rates. ``mean_of``: a figure that is
    itself the mean of that many runs; with ``sd``, its own spread, the two means are compared (Welch). ``rivals``:
    figures of other rows of the same table; where one would pass as well, these runs cannot tell. ``new``: runs of new
    seeds count too, where their test set is the source's.
    """

    runs: Sequence[Runs]
    published: Sequence[float]
    rivals: Sequence[Sequence[float]] = ()
    width: float = 0.0
    log: bool = False
    mean_of: int = 1
    sd: float | None = None
    digits: int = 2
    new: bool = False

    def _samples(self, framework: str) -> list[Sample]:
        samples = []
        for runs in self.runs:
            parts = [runs.sample(framework, new) for new in ((False, True) if self.new else (False,))]
            parts = [part for part in parts if part.seeds]
            samples.append(
                Sample(
                    np.concatenate([part.values for part in parts] or [np.empty(0)]),
                    np.concatenate([part.lost for part in parts] or [np.empty(0, bool)]),
                )
            )
        return samples

    def judge(self) -> Verdict:
        samples = {framework: self._samples(framework) for framework in FRAMEWORKS}
        size = {framework: _fewest(found) for framework, found in samples.items()}
        words = {framework: self._word(found) for framework, found in _deciding(samples).items()}
        said = set(words.values())
        verdict = said.pop() if len(said) == 1 else CANNOT_TELL
        shown = {framework: self._shown(found[-1]) for framework, found in samples.items()}
        seeds = {framework: count for framework, count in size.items() if count}
        note = ""
        if list(words) == ["pytorch"]:
            note = "judged by PyTorch's runs: Keras has too few" if size["keras"] else "PyTorch only"
        return Verdict(verdict, shown, seeds, note="; ".join(filter(None, (note, self._why(samples, verdict)))))

    def _why(self, samples: Mapping[str, list[Sample]], verdict: str) -> str:
        if verdict != CANNOT_TELL:
            return ""
        if any(sample.lost.any() for found in samples.values() for sample in found):
            return "runs are lost"
        deciding = _deciding(samples).values()
        passing = [rival for rival in self.rivals if any(self._passes(found, rival) for found in deciding)]
        if passing:
            if len(self.rivals) == 1:
                return "the source's other figure would pass too"
            return f"{len(passing)} of the source's {len(self.rivals)} other figures would pass too"
        if any(_fewest(found) >= ENOUGH for found in deciding):
            return "none of our runs gives all of them, and too few were made to call that rare"
        return f"fewer than {ENOUGH} runs"

    def _word(self, samples: list[Sample]) -> str:
        if any(sample.lost.any() or not np.isfinite(sample.values).all() for sample in samples):
            return CANNOT_TELL
        if not self._passes(samples, self.published):
            # None of our runs gives these figures of one run: surely fewer than one in twenty would?
            rare = share_interval(0, samples[0].seeds)[1] < 0.05
            return NOT_HAD if not self.width or rare else CANNOT_TELL
        rival = any(self._passes(samples, figures) for figures in self.rivals)
        return CANNOT_TELL if rival or _fewest(samples) < ENOUGH else HAD

    def _passes(self, samples: list[Sample], figures: Sequence[float]) -> bool:
        """Each figure lies where 95 % of such figures fall; figures of one run that were cut are had by one of ours."""
        pairs = list(zip(figures, samples, strict=True))
        if self.width:
            each = [(figure <= sample.values) & (sample.values < figure + self.width) for figure, sample in pairs]
            return bool(np.all(each, axis=0).any())
        return all(self._near(figure, sample.values) for figure, sample in pairs)

    def _near(self, figure: float, values: np.ndarray) -> bool:
        if self.sd is not None:
            return self._welch(figure, values) >= 0.05
        low, high = self._range(values)
        return low <= figure <= high

    def _welch(self, figure: float, values: np.ndarray) -> float:
        """The p value of Welch's test of a published mean against ours."""
        ours, theirs = (values.mean(), values.std(ddof=1), len(values)), (figure, self.sd, self.mean_of)
        return float(ttest_ind_from_stats(*ours, *theirs, equal_var=False).pvalue)

    def _range(self, values: np.ndarray) -> tuple[float, float]:
        if not self.log:
            return prediction_interval(values, mean_of=self.mean_of)
        low, high = prediction_interval(np.log(values), mean_of=self.mean_of)
        return float(np.exp(low)), float(np.exp(high))

    def _shown(self, sample: Sample) -> str:
        values = sample.values[~sample.lost]
        lost = f"{int(sample.lost.sum())} of {sample.seeds} lost" if sample.lost.any() else ""
        if not len(values):
            return lost or "–"
        gone = f"{lost}; of the others " if lost else ""
        if self.log:
            return f"{gone}{np.median(values):.2g} ({np.min(values):.2g} to {np.max(values):.2g})"
        if len(values) < FEWEST:
            return gone + " ".join(f"{value:.{self.digits}f}" for value in values)
        if self.sd is not None:
            p = self._welch(self.published[0], values)
            return f"{gone}{mean_sd(values, self.digits)}; Welch's test against the source's mean: p = {p:.2g}"
        low, high = self._range(values)
        of = "such means" if self.mean_of > 1 else "such figures"
        return f"{gone}{mean_sd(values, self.digits)}; 95 % of {of}: {low:.{self.digits}f} to {high:.{self.digits}f}"

    def wanted(self) -> list[Trial]:
        enough = _fewest(self._samples("pytorch")) >= ENOUGH
        settings = set().union(*(runs.settings() for runs in self.runs))
        return [] if enough or not self.new or self.judge().word != CANNOT_TELL else _trials(settings, ENOUGH)


def _fewest(samples: Iterable[Sample]) -> int:
    """Seeds of the sample that has the fewest: all figures must have enough runs."""
    return min(sample.seeds for sample in samples)


def _deciding(samples: Mapping[str, list[Sample]]) -> dict[str, list[Sample]]:
    """The frameworks with enough runs to be held to; where none has, all with the fewest that have an interval."""
    size = {framework: _fewest(found) for framework, found in samples.items()}
    fewest = ENOUGH if max(size.values()) >= ENOUGH else FEWEST
    return {framework: found for framework, found in samples.items() if size[framework] >= fewest}


@dataclasses.dataclass(frozen=True)
class Fact:
    """What needs no training: ``check(framework)`` says whether it holds there, and what was seen."""

    check: Callable[[str], tuple[bool, str]]

    def judge(self) -> Verdict:
        answers = {framework: self.check(framework) for framework in FRAMEWORKS}
        said = TRUE if all(holds for holds, _ in answers.values()) else FALSE
        return Verdict(said, {framework: seen for framework, (_, seen) in answers.items()})

    def wanted(self) -> list[Trial]:
        return []


@dataclasses.dataclass(frozen=True)
class Untestable:
    """No run of the course could decide it."""

    reason: str

    def judge(self) -> Verdict:
        return Verdict(CANNOT, dict.fromkeys(FRAMEWORKS, "–"), note=self.reason)

    def wanted(self) -> list[Trial]:
        return []
