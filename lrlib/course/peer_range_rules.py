"""Range-test curves with a known answer, and the rules of well-known finders, to be read beside :mod:`lrlib.finder`'s.

The rules are written from their published definitions, each with its own smoothing and its own cut of the ends; they
take (rates, losses) as arrays and return a rate or None.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lrlib.finder import RangeTest


@dataclasses.dataclass(frozen=True)
class Curve:
    """A synthetic range test: its record, and where its noiseless loss is steepest and first lowest, as rates."""

    result: RangeTest
    steepest: float
    minimum: float


def curve(seed: int, shape: str = "cosine", rise: bool = True) -> Curve:
    """Curve number ``seed``: 50 to 400 rates from 1e-7 to 10, a fall of 1.8 from 2.3, Gaussian noise 0.02–0.1 of it.

    "cosine": half a cosine in log10(rate) over 1 to 4 decades; "logistic": 1/(1 + e^−x), in which the middle 1 to 4
    decades hold 96 % of the fall, and with ``rise`` a steeper rise. With ``rise`` the loss grows after the minimum
    until the sweep ends above four times the first loss; without, it stays at its lowest.
    """
    random = np.random.default_rng(seed)
    u = np.linspace(-7.0, 1.0, int(random.integers(50, 401)))
    width = random.uniform(1.0, 4.0)
    start = random.uniform(-5.5, -0.3 - width)
    middle, end = start + width / 2, start + width
    if shape == "cosine":
        done = (1 - np.cos(np.pi * np.clip((u - start) / width, 0, 1))) / 2
        growth = 1.5
    elif shape == "logistic":
        done = 1 / (1 + np.exp(-8 * (u - middle) / width))
        growth = 3.0
    else:
        raise ValueError(f"shape must be 'cosine' or 'logistic', got {shape!r}")
    clean = 2.3 - 1.8 * done
    if rise:
        clean += 0.5 * (10 ** (growth * np.clip(u - end - random.uniform(0.0, 0.4), 0, None)) - 1)
    losses = clean + random.uniform(0.02, 0.1) * 1.8 * random.standard_normal(len(u))
    over = np.flatnonzero(losses > 4 * 2.3)
    count = int(over[0]) + 1 if len(over) else len(u)
    record = RangeTest(
        tuple(10.0 ** u[:count]), tuple(losses[:count]), stopped="diverged" if len(over) else "completed"
    )
    return Curve(record, 10.0**middle, 10.0**end)


def averaged(losses: Any, beta: float, power: int = 0) -> Any:
    """The exponential average avg ← β·avg + (1 − β)·loss over 1 − β^(k + power), k = 1, 2, …: each lags behind."""
    out, average = [], 0.0
    for k, loss in enumerate(losses, start=1):
        average = beta * average + (1 - beta) * loss
        out.append(average / (1 - beta ** (k + power)))
    return np.array(out)


def torch_lr_finder(rates: Any, losses: Any) -> float | None:
    """davidtvs/pytorch-lr-finder: loss ← 0.05·loss + 0.95·last, ends cut by 10 and 5, the steepest step by index."""
    out = [losses[0]]
    for loss in losses[1:]:
        out.append(0.05 * loss + 0.95 * out[-1])
    return float(rates[10:-5][np.gradient(out[10:-5]).argmin()])


def _fastai(rates: Any, losses: Any) -> tuple[Any, Any]:
    """fastai's curve: averaged with β = 0.98, debiased; the first tenth and the last five points cut."""
    cut = slice(len(rates) // 10, -5)
    return rates[cut], averaged(losses, 0.98)[cut]


def fastai_valley(rates: Any, losses: Any) -> float | None:
    """fastai: the longest decreasing subsequence, from its end back by its length; its middle."""
    rates, losses = _fastai(rates, losses)
    longest = np.ones(len(losses), int)
    for i in range(1, len(losses)):
        longest[i] += longest[:i][losses[:i] > losses[i]].max(initial=0)
    end = int(longest.argmax())
    start = end - int(longest[end])
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def fastai_steep(rates: Any, losses: Any) -> float | None:
    """fastai: the steepest step against the logarithm of the rate."""
    rates, losses = _fastai(rates, losses)
    return float(rates[(np.diff(losses) / np.diff(np.log(rates))).argmin()])


def fastai_minimum(rates: Any, losses: Any) -> float | None:
    """fastai: a tenth of the rate at the lowest averaged loss."""
    rates, losses = _fastai(rates, losses)
    return float(rates[losses.argmin()]) / 10


def fastai_slide(rates: Any, losses: Any) -> float | None:
    """fastai: slide an interval of 15 points from the end to the left until its two slopes differ by 0.005 or less."""
    rates, losses = _fastai(rates, losses)
    slope = np.gradient(losses)
    right, left = -1, -16
    found = rates[left]
    while left >= -len(losses) and abs(slope[right] - slope[left]) > 0.005:
        found = rates[left]
        right, left = right - 1, left - 1
    return float(found)


def lightning(rates: Any, losses: Any) -> float | None:
    """Lightning: averaged with β = 0.98, debiased one step late, ends cut by 10 and 1, steepest against the rate."""
    rates, losses = rates[10:-1], averaged(losses, 0.98, power=1)[10:-1]
    return float(rates[np.gradient(losses, rates).argmin()]) if len(rates) > 1 else None


PEERS: dict[str, Callable[[Any, Any], float | None]] = {
    "torch-lr-finder": torch_lr_finder,
    "fastai steep": fastai_steep,
    "fastai valley": fastai_valley,
    "fastai slide": fastai_slide,
    "fastai minimum/10": fastai_minimum,
    "Lightning": lightning,
}


def _ours(rule: str) -> Callable[[RangeTest], float | None]:
    return lambda result: result.suggest(rule).lr


def _peer(rule: Callable[[Any, Any], float | None]) -> Callable[[RangeTest], float | None]:
    return lambda result: rule(np.array(result.rates), np.array(result.losses))


FINDERS: dict[str, Callable[[RangeTest], float | None]] = {
    **{f"lrlib {rule}": _ours(rule) for rule in ("steepest", "valley", "minimum/10")},
    **{name: _peer(rule) for name, rule in PEERS.items()},
}


@dataclasses.dataclass(frozen=True)
class Score:
    """How a finder did on many curves: distances are in decades from the steepest point, positive to higher rates."""

    bias: float  # the median distance
    iqr: float  # its interquartile range
    worst: float  # the largest distance to either side
    refused: float  # share of the curves that got no number
    beyond: float  # share of the numbers that lie beyond the minimum


def score(finder: Callable[[RangeTest], float | None], curves: list[Curve]) -> Score:
    """Run ``finder`` on each curve."""
    pairs = [(found, one) for one in curves if (found := finder(one.result)) is not None]
    off = np.array([math.log10(found / one.steepest) for found, one in pairs] or [math.nan])
    low, middle, high = np.percentile(off, [25, 50, 75])
    beyond = sum(found > one.minimum for found, one in pairs) / max(len(pairs), 1)
    refused = 1 - len(pairs) / len(curves)
    return Score(float(middle), float(high - low), float(np.abs(off).max()), refused, beyond)
