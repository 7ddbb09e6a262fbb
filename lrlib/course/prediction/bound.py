"""What non-smooth convex optimisation promises of the last iterate, under any schedule."""

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

from lrlib.course.prediction.arguments import Rates, rates_of
from lrlib.schedules import Check, Positive


def convex_bound(rates: Rates, distance: float = 1.0, norm: float = 1.0, *, updates: int | None = None) -> float:
    """How far above its minimum a convex function can be after the last update of a subgradient method.

    With η₁ … η_T the rates, η_{T+1} the number above 0 for which it is least, and sums up to T + 1, the bound is

        distance² / (2 Σₜ ηₜ) + norm² / 2 · (Σₜ ηₜ² / Σₜ ηₜ + Σ_{k≤T} ηₖ / Σ_{t>k} ηₜ · Σ_{t≥k} ηₜ² / Σ_{t≥k} ηₜ);

    without a rate above 0 that is distance · norm. For stochastic gradients it bounds the mean over their draws.

    Parameters: ``rates`` one an update, or a Schedule together with ``updates``; ``distance`` from the first weights to
    a minimiser; ``norm`` the most that a subgradient's length can be (stochastic: the root of its mean square). Unit:
    that of the loss. Takes time of the order of the number of updates.

    Limits: for convex functions, smooth or not, without momentum. The line at its best peak gets about
    2 · distance · norm / √T; the best that can be promised is half of it (Zamani and Glineur, arXiv:2307.11134).

    Errors: ``ValueError`` for negative rates, for a ``distance`` or a ``norm`` that is not above 0, and for a Schedule
    without ``updates``.

    Source: Defazio et al., arXiv:2310.07831, and Schaipp et al., arXiv:2501.18965, Theorem 1. Theirs bounds the loss at
    the weights where the last gradient is taken, with that update's rate as the last of the sums. The weights after all
    updates have no rate, and the theorem holds with any; the last one again would not do where that is near 0.

    >>> from lrlib import Constant, Linear
    >>> [round(convex_bound(s, updates=100), 2) for s in (Constant(0.1), Linear(0.1, 0.0, 100))]
    [0.35, 0.2]
    """
    distance, norm = _positive("convex_bound", distance=distance, norm=norm)
    return distance * norm * _bound(rates_of("convex_bound", rates, updates) * norm / distance)


def convex_bounds(rates: Rates, distance: float = 1.0, norm: float = 1.0, *, updates: int | None = None) -> np.ndarray:
    """:func:`convex_bound` before the first update and after each one: ``len(rates) + 1`` values.

    Takes time of the order of the square of the number of updates.

    >>> convex_bounds([0.5, 0.5]).round(2)
    array([1.  , 0.94, 0.93])
    """
    distance, norm = _positive("convex_bounds", distance=distance, norm=norm)
    rates = rates_of("convex_bounds", rates, updates) * norm / distance
    return distance * norm * np.array([_bound(rates[:t]) for t in range(len(rates) + 1)])


def best_peak(shape: Rates, distance: float = 1.0, norm: float = 1.0, *, updates: int | None = None) -> float:
    """The peak rate at which :func:`convex_bound` at the end is lowest, for schedules of this shape.

    With rates γη and η at most 1, the bound is distance² / (2γS) + γ norm² B / 2 with S and B independent of γ, and
    least at γ = distance / (norm √(SB)), where it is distance · norm · √(B/S).

    Parameters: as for :func:`convex_bound`; the size of ``shape`` does not matter. Unit: that of a rate.

    Errors: as for :func:`convex_bound`, and ``ValueError`` for a shape without a rate above 0.

    >>> shape = np.linspace(1, 0, 100, endpoint=False)
    >>> peak = best_peak(shape)
    >>> [round(convex_bound(factor * peak * shape), 4) for factor in (0.9, 1.0, 1.1)]
    [0.2012, 0.2001, 0.201]
    """
    distance, norm = _positive("best_peak", distance=distance, norm=norm)
    rates = rates_of("best_peak", shape, updates)
    peak = rates.max(initial=0.0)
    if peak == 0:
        raise ValueError(f"best_peak: shape must have a rate above 0, got {len(rates)} without one")

    def squared(following: float) -> float:
        total, noise = _sums(rates / peak, following)
        return noise / total

    total, noise = _sums(rates / peak, _least(squared, 1.0))
    return distance / (norm * math.sqrt(total * noise))


def _positive(owner: str, **values: float) -> list[float]:
    return [Check.of(Positive)(owner, name, value) for name, value in values.items()]


def _bound(rates: np.ndarray) -> float:
    """The bound for a distance and a norm of 1: others only change the units of rate and loss."""
    peak = float(rates.max(initial=0.0))
    if peak == 0:
        return 1.0

    def bound(following: float) -> float:
        total, noise = _sums(rates, following)
        return (1 / total + noise) / 2

    return bound(_least(bound, 1.0, peak))


def _least(function: Callable[[float], float], *sizes: float) -> float:
    """Where a function of a positive number is least, which is of one of these sizes or not too far from them."""
    limits = math.log(1e-9 * min(sizes)), math.log(1e3 * max(sizes))
    return math.exp(minimize_scalar(lambda z: function(math.exp(z)), bounds=limits, options={"xatol": 1e-4}).x)


def _sums(rates: np.ndarray, following: float) -> tuple[float, float]:
    """The two sums that the bound consists of, with the rate that follows the last."""
    rates = np.append(rates, following)
    left = np.cumsum(rates[::-1])[::-1]  # summed from the end, where a difference of sums from the start would cancel
    squares = np.cumsum(rates[::-1] ** 2)[::-1]
    between = rates[:-1] / left[1:] * squares[:-1] / left[:-1]
    return float(left[0]), float(squares[0] / left[0] + between.sum())
