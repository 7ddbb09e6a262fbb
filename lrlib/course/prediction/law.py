"""A law for loss curves: fitted on a few runs, it foretells those of other schedules."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import least_squares, nnls

from lrlib.course.prediction.arguments import Rates, Updates, array_of, marks_of, rates_of
from lrlib.course.stats import half_width
from lrlib.schedules import Check, Rate


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A run to fit a law on: its rates, and the loss after some of its updates.

    ``rates``: a Schedule, or one rate an update; ``at`` (M,): update numbers, 1 or more, the loss being that after so
    many updates; ``losses`` (M,), or (seeds, M) for several seeds. ``at`` and ``losses`` are kept as arrays, the latter
    with both axes.

    Errors: ``ValueError`` for losses that are not above 0 and finite (leave them out), whose shape does not fit ``at``,
    or that were measured after more updates than there are rates.

    >>> from lrlib import Linear
    >>> Run(Linear(0.5, 0.0, steps=100), at=[50, 100], losses=[[0.9, 0.7], [1.0, 0.6], [1.1, 0.7]]).seeds
    3
    """

    rates: Rates
    at: Any
    losses: Any

    def __post_init__(self) -> None:
        at, losses = marks_of("Run", "at", self.at), np.atleast_2d(array_of("Run", "losses", self.losses, (1, 2)))
        if losses.shape[1] != len(at):
            raise ValueError(f"Run: losses must have one number for each of at, {len(at)}, got shape {losses.shape}")
        if losses.min() <= 0:
            raise ValueError(f"Run: losses must be above 0, got {losses.min()!s} among them")
        for name, value in (("at", at), ("losses", losses)):
            object.__setattr__(self, name, value)
        _walked("Run", self.rates, at)

    @property
    def seeds(self) -> int:
        return len(self.losses)


@dataclasses.dataclass(frozen=True)
class Law:
    """The loss after t updates: floor + scale · (area(t) + offset)^−power + noise · rate(t − 1).

    ``area(t)`` is the sum of the rates of the first t updates, how far the run has come; ``rate(t − 1)`` is that of the
    last of them, how much its noise still lifts the loss.

    Parameters: five numbers, 0 or more (else ``ValueError``). Units: ``floor`` that of the loss, ``offset`` that of a
    rate, ``noise`` loss per rate, ``scale`` loss · rate^power. ``without``: the law fitted again without each seed in
    turn; empty where there was one seed.

    Limits: an empirical law. It knows no limit of stability: of a rate that is too high it says nothing true. It holds
    for the task, network, batch and optimizer of its runs. Its noise forgets at once: after a sudden fall of the rate
    the loss is that of the new rate at the next update. ``scale``, ``power`` and ``offset`` can make up for each other,
    so that predictions are better determined than they are.

    Source: the sum of rates as the clock is that of Tissue et al., arXiv:2408.11029, Luo et al., arXiv:2503.12811, and
    Li et al., arXiv:2509.19189; their terms for the noise have a memory, which is left out here.

    >>> law = Law(floor=0.1, scale=1.0, power=0.5, offset=1.0, noise=0.2)
    >>> law.predict([1.0, 1.0, 1.0], updates=3).round(3)
    array([1.007, 0.877, 0.8  ])
    """

    floor: float
    scale: float
    power: float
    offset: float
    noise: float
    without: tuple["Law", ...] = dataclasses.field(default=(), repr=False)

    def __post_init__(self) -> None:
        for name in ("floor", "scale", "power", "offset", "noise"):
            object.__setattr__(self, name, Check.of(Rate)("Law", name, getattr(self, name)))

    @classmethod
    def fit(cls, runs: Run | Sequence[Run], *, noise: bool = True) -> "Law":
        """The law that fits the logarithms of the runs' mean losses best, by least squares over all marks.

        ``runs``: one or several, of different schedules; each mark of each run counts alike, however many its seeds.
        ``noise=False`` holds ``noise`` at 0: the area alone. Where all runs have the same number of seeds, 2 or more,
        the law is fitted again without each seed, for :meth:`interval`: seed s of every run is left out together.

        The order of the runs does not matter. Of a grid of ``power`` and ``offset``, with the best other three numbers
        for each, the best few are polished; the result is the best of them, which may be a local optimum.

        Errors: ``ValueError`` for no run, for fewer marks than numbers to fit, for runs whose rates are all 0, and,
        with noise, where every mark has the same rate before it: then ``floor`` and ``noise`` cannot be told apart.
        """
        runs = [runs] if isinstance(runs, Run) else list(runs)
        terms = _terms(runs, noise)
        best = terms.fit(np.concatenate([run.losses.mean(0) for run in runs]))
        seeds = {run.seeds for run in runs}
        others = []
        if len(seeds) == 1 and seeds != {1}:
            for seed in range(runs[0].seeds):
                losses = np.concatenate([np.delete(run.losses, seed, axis=0).mean(0) for run in runs])
                others.append(cls(**terms.numbers(terms.polish(best, losses).x)))
        return cls(**terms.numbers(best), without=tuple(others))

    def predict(self, schedule: Rates, updates: Updates) -> np.ndarray:
        """The loss after each update of ``schedule`` (a Schedule or one rate an update).

        ``updates``: a number n, for the loss after updates 1 … n; or an array of update numbers, 1 or more, in any
        order. Returns an array, one loss for each.

        Errors: ``ValueError`` for update numbers below 1 or beyond the rates.
        """
        area, rate = _walked("Law.predict", schedule, marks_of("Law.predict", "updates", updates))
        with np.errstate(divide="ignore"):  # without an offset the loss before any rate above 0 is infinite
            return self.floor + self.scale * (area + self.offset) ** -self.power + self.noise * rate

    def interval(self, schedule: Rates, updates: Updates, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) about :meth:`predict`, from the seeds that the law was fitted on: Tukey's jackknife.

        With n seeds, p the logarithm of the prediction and pₛ that of the law fitted without seed s, the pseudo-values
        n p − (n − 1) pₛ have a mean whose Student interval, n − 1 degrees of freedom, is laid about p.

        It covers what the choice of seeds does to the fitted law: the mean loss over many seeds, *if the law holds*. It
        does not cover that the law is wrong for this schedule, nor how far one run is from the mean.

        Errors: ``ValueError`` where the law was not fitted on 2 seeds or more, the same number in each run, and for a
        level that is not between 0 and 1; and as :meth:`predict`.
        """
        if not 0 < level < 1:
            raise ValueError(f"Law.interval: level must be between 0 and 1, got {level!r}")
        seeds = len(self.without)
        if seeds < 2:
            raise ValueError(
                "Law.interval: it needs a law fitted on 2 seeds or more, the same number in each run; this one has "
                "no fits without a seed"
            )
        middle = np.log(self.predict(schedule, updates))
        others = np.log([law.predict(schedule, updates) for law in self.without])
        spread = (seeds - 1) * np.std(others, axis=0, ddof=1)  # of the pseudo-values
        half = spread * half_width(1.0, seeds, level)
        return np.exp(middle - half), np.exp(middle + half)


def _walked(owner: str, rates: Rates, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(area, rate of the last update) after each of these numbers of updates."""
    rates = rates_of(owner, rates, int(at.max()))
    return np.cumsum(rates)[at - 1], rates[at - 1]


# ---- The fit ---------------------------------------------------------------------------------------------------------

_POWERS, _OFFSETS = (0.25, 0.5, 1.0, 2.0, 4.0), (1e-3, 1e-2, 0.1, 1.0)
_POLISHED = 4
# The law's numbers, each in the unit below: so wide that a limit is met only where the best number is 0 or infinite.
_LOWEST, _HIGHEST = np.log([1e-9, 1e-9, 1e-2, 1e-6, 1e-9]), np.log([1e9, 1e9, 20.0, 1e3, 1e9])


class _Terms:
    """The law at the marks, in logarithms of its numbers: in those all are positive and the fit knows no units.

    Areas are in units of the largest, rates in units of the highest at a mark. In place of ``scale`` stands the second
    term's value at the largest area, which hardly depends on ``power`` and ``offset``.
    """

    def __init__(self, areas: np.ndarray, rates: np.ndarray, noise: bool) -> None:
        self.area, self.rate = float(areas.max()), float(rates.max())
        self.areas, self.rates = areas / self.area, rates / (self.rate or 1.0)
        self.count = 5 if noise else 4

    def parts(self, z: np.ndarray) -> np.ndarray:
        """(3, M): the three terms."""
        floor, end, power, offset, *noise = np.exp(z)
        falling = end * self.base(offset) ** -power
        return np.stack([np.full_like(falling, floor), falling, sum(noise) * self.rates])

    def base(self, offset: float) -> np.ndarray:
        return (self.areas + offset) / (1 + offset)

    def residuals(self, z: np.ndarray, logs: np.ndarray) -> np.ndarray:
        return np.log(self.parts(z).sum(0)) - logs

    def jacobian(self, z: np.ndarray, logs: np.ndarray) -> np.ndarray:
        floor, falling, noise = parts = self.parts(z)
        power, offset = np.exp(z[2:4])
        by_power = -power * np.log(self.base(offset)) * falling
        by_offset = -power * offset * (1 / (self.areas + offset) - 1 / (1 + offset)) * falling
        columns = np.stack([floor, falling, by_power, by_offset, noise], axis=1)
        return columns[:, : self.count] / parts.sum(0)[:, None]

    def starts(self, losses: np.ndarray) -> list[np.ndarray]:
        """For each pair of ``power`` and ``offset`` the three other numbers that are best for the relative errors."""
        found = []
        for power, offset in itertools.product(_POWERS, _OFFSETS):
            columns = np.stack([np.ones_like(losses), self.base(offset) ** -power, self.rates], axis=1)
            linear, error = nnls(columns[:, : self.count - 2] / losses[:, None], np.ones_like(losses))
            # A number at exactly 0 would stay there, for its logarithm has no gradient.
            linear = np.maximum(linear, 1e-3 * losses.min())
            found.append((error, [*linear[:2], power, offset, *linear[2:]]))
        return [np.log(numbers) for _, numbers in sorted(found, key=lambda pair: pair[0])]

    def polish(self, start: np.ndarray, losses: np.ndarray) -> Any:
        unit = np.log(losses).mean() * np.array([1, 1, 0, 0, 1])[: self.count]
        low, high = (unit + limit[: self.count] for limit in (_LOWEST, _HIGHEST))
        return least_squares(
            self.residuals,
            np.clip(start, low, high),
            self.jacobian,
            bounds=(low, high),
            args=(np.log(losses),),
            xtol=1e-10,
            ftol=1e-10,
            max_nfev=500,
        )

    def fit(self, losses: np.ndarray) -> np.ndarray:
        polished = [self.polish(start, losses) for start in self.starts(losses)[:_POLISHED]]
        return min(polished, key=lambda fit: fit.cost).x

    def numbers(self, z: np.ndarray) -> dict[str, Any]:
        """The law's numbers in the units of the runs."""
        floor, end, power, offset, *noise = map(float, np.exp(z))
        scale = end * ((1 + offset) * self.area) ** power
        numbers = {"floor": floor, "scale": scale, "power": power, "offset": offset * self.area}
        return numbers | {"noise": noise[0] / self.rate if noise else 0.0}


def _terms(runs: list[Run], noise: bool) -> _Terms:
    """The law's terms at the marks of the runs. Errors: as :meth:`Law.fit`."""
    if not (runs and all(isinstance(run, Run) for run in runs)):
        raise ValueError(f"Law.fit: runs must be one Run or several, got {runs!r}")
    walked = [_walked("Run", run.rates, run.at) for run in runs]
    areas, rates = (np.concatenate(parts) for parts in zip(*walked, strict=True))
    needed = 5 if noise else 4
    if len(areas) < needed:
        raise ValueError(f"Law.fit: {needed} numbers need {needed} measured losses or more, got {len(areas)}")
    if areas.max() == 0:
        raise ValueError("Law.fit: runs must have rates above 0, got none")
    if noise and np.ptp(rates) == 0:
        raise ValueError(
            f"Law.fit: every loss was measured at the rate {rates[0]!s}, so floor and noise cannot be told apart: "
            "give a run whose rate changes, or noise=False"
        )
    return _Terms(areas, rates, noise)
