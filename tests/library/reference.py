"""What the library's tests hold schedules against, and what they try.

An independent reference of every family and operation (exact rational time, one value at a time), hypothesis strategies
for both, one example of each family, a few compositions, and traces that other libraries computed.
"""

import functools
import itertools
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, reject
from hypothesis import strategies as st

import lrlib
from lrlib.schedules import Count, Rate

ROOT = Path(lrlib.__file__).parent.parent
TINY = np.finfo(float).eps
GOLDEN = Path(__file__).parent / "golden" / "peer_traces.json"
CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]


class Closing:
    """Batches whose iterator calls ``close`` when it is closed, as one that holds a file does."""

    def __init__(self, batches, close):
        self.batches, self.close = batches, close

    def __iter__(self):
        try:
            yield from self.batches
        finally:
            self.close()


# --------------------------------------------------------------------------------------------------
# The reference: what each family and each operation means, written a second time and in another way
# --------------------------------------------------------------------------------------------------


class Reference(NamedTuple):
    at: Callable[[Fraction], float]
    end: Callable[[Fraction], float]  # what a cut at t holds: a cycle's end, not the next one's start
    length: Any


def _down(share):
    """A family from start to end in ``steps``; ``share(z)`` is what is left of the way."""

    def family(start, end, steps, **more):
        def at(t):
            return end if t >= steps else end + (start - end) * share(float(t / steps), **more)

        return Reference(at, at, steps)

    return family


def _endless(formula):
    def family(**parameters):
        def at(t):
            return formula(t, **parameters)

        return Reference(at, at, None)

    return family


def _piecewise(boundaries, values):
    def at(t):
        return values[sum(b <= t for b in boundaries)]

    return Reference(at, at, boundaries[-1])


def _inverse_sqrt(t, peak, warmup, timescale=None):
    scale = warmup if timescale is None else timescale
    after = float(t - warmup)
    return peak * float(t / warmup) if t < warmup else peak * math.sqrt(scale / (scale + after))


def _cosine_restarts(max_lr, min_lr, first, t_mul=1, m_mul=1):
    def locate(t):
        if t_mul == 1:
            return t // first, t % first, first
        i, begin, span = 0, Fraction(0), Fraction(first)
        while t >= begin + span:
            i, begin, span = i + 1, begin + span, span * Fraction(t_mul)
        return i, t - begin, span

    def at(t):
        i, u, span = locate(t)
        return min_lr + (max_lr - min_lr) * m_mul**i * (1 + math.cos(math.pi * float(u / span))) / 2

    def end(t):
        i, u, _ = locate(t)
        return min_lr if i > 0 and u == 0 else at(t)

    return Reference(at, end, None)


def _triangle(amplitude):
    def family(base_lr, max_lr, step_size, step_size_down=None, **more):
        down = step_size if step_size_down is None else step_size_down

        def at(t):
            i, u = divmod(t, step_size + down)
            height = u / step_size if u < step_size else 1 - (u - step_size) / down
            return base_lr + (max_lr - base_lr) * float(height) * amplitude(i, float(t), **more)

        return Reference(at, at, None)

    return family


def _one_cycle(
    max_lr,
    steps,
    pct_start=0.3,
    div_factor=25,
    final_div_factor=1e4,
    anneal="cos",
    three_phase=False,
):
    first = max_lr / div_factor
    top = math.floor(pct_start * steps + 1e-9)
    knots = [(0, first), (top, max_lr)]
    knots += [(2 * top, first)] if three_phase else []
    knots += [(steps, first / final_div_factor)]

    def at(t):
        for (a, low), (b, high) in itertools.pairwise(knots):
            if a <= t < b:
                z = float((t - a) / (b - a))
                return low + (high - low) * (z if anneal == "linear" else (1 - math.cos(math.pi * z)) / 2)
        return knots[-1][1]

    return Reference(at, at, steps)


def _warmup_stable_decay(peak, warmup, stable, decay, start=0.0, end=0.0, shape="linear"):
    left = {
        "linear": lambda z: 1 - z,
        "cosine": lambda z: (1 + math.cos(math.pi * z)) / 2,
        "1-sqrt": lambda z: 1 - math.sqrt(z),
    }[shape]

    def at(t):
        if t < warmup:
            return start + (peak - start) * float(t / warmup)
        if t >= warmup + stable + decay:
            return end
        return end + (peak - end) * left(float(max(t - warmup - stable, 0) / decay) if decay else 0)

    return Reference(at, at, warmup + stable + decay)


REFERENCE = {
    "Constant": _endless(lambda t, lr: lr),
    "Linear": _down(lambda z: 1 - z),
    "Polynomial": _down(lambda z, power: (1 - z) ** power),
    "Cosine": _down(lambda z: (1 + math.cos(math.pi * z)) / 2),
    "Exponential": _endless(lambda t, lr, gamma, every=1: lr * gamma ** float(t / every)),
    "StepDecay": _endless(lambda t, lr, gamma, every: lr * gamma ** (t // every)),
    "Piecewise": _piecewise,
    "InverseTime": _endless(lambda t, lr, rate, every=1: lr / (1 + rate * float(t / every))),
    "InverseSqrt": _endless(_inverse_sqrt),
    "CosineRestarts": _cosine_restarts,
    "Triangular": _triangle(lambda i, t: 1.0),
    "Triangular2": _triangle(lambda i, t: 0.5**i),
    "ExpRange": _triangle(lambda i, t, gamma: gamma**t),
    "OneCycle": _one_cycle,
    "WarmupStableDecay": _warmup_stable_decay,
    "Rex": _down(lambda z: (1 - z) / (1 - z / 2)),
}


def _take(a, n):
    def end(t):
        return a.end(Fraction(min(t, n)))

    return Reference(lambda t: a.at(t) if t < n else end(n), end, n)


def _then(a, b):
    def end(t):
        if t == a.length:
            reject()  # where two parts meet, a cut could hold either
        return a.end(t) if t < a.length else b.end(t - a.length)

    length = None if b.length is None else a.length + b.length
    return Reference(lambda t: a.at(t) if t < a.length else b.at(t - a.length), end, length)


def _repeat(a, n, length=1, height=1.0):
    span, factor = Fraction(a.length), Fraction(length)

    def locate(t):
        i, begin, scale = 0, Fraction(0), Fraction(1)
        while t >= begin + span * scale and i + 1 != n:
            i, begin, scale = i + 1, begin + span * scale, scale * factor
        return i, min((t - begin) / scale, span)

    def at(t):
        i, u = locate(t)
        return a.at(u) * height**i

    def end(t):
        i, u = locate(t)
        return at(t) if i == 0 or u > 0 else a.end(span) * height ** (i - 1)

    def end_or_last(t):
        i, u = locate(t)
        return a.end(span) * height**i if u == span else end(t)

    total = None if n is None else sum(span * factor**i for i in range(n))
    return Reference(at, end_or_last, total)


def _drop(a, n):
    length = None if a.length is None else max(a.length - n, 0)
    return Reference(lambda t: a.at(t + n), lambda t: a.end(t + n), length)


def _cooldown(a, at, steps, end, shape):
    down = _warmup_stable_decay(a.at(Fraction(at)), 0, 0, steps, end=end, shape=shape)
    return _then(_take(a, at), down)


def _stretch(a, k):
    k = Fraction(k)
    length = None if a.length is None else a.length * k
    return Reference(lambda t: a.at(t / k), lambda t: a.end(t / k), length)


def _hold(a, n):
    def end(t):
        return a.at(Fraction(t // n)) if t % n else a.end(Fraction(t) / n)

    length = None if a.length is None else a.length * n
    return Reference(lambda t: a.at(Fraction(t // n)), end, length)


def _pointwise(combine, *parts):
    lengths = [part.length for part in parts]
    return Reference(
        lambda t: combine(*(part.at(t) for part in parts)),
        lambda t: combine(*(part.end(t) for part in parts)),
        None if None in lengths else max(lengths),
    )


# --------------------------------------------------------------------------------------------------
# Strategies: every family, and compositions of them, each with its reference
# --------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    schedule: lrlib.Schedule
    reference: Reference


RATES = st.floats(1e-3, 2.0) | st.sampled_from([0.0, 0.1, 1.0])
COUNTS = st.integers(1, 30)
LENGTHS = st.just(0) | COUNTS
SHAPES = st.sampled_from(["linear", "cosine", "1-sqrt"])
GAMMAS = st.floats(0.5, 1.0)
FACTORS = st.floats(1.0, 100.0)


def _ordered(low, high):
    return st.tuples(RATES, RATES).map(lambda pair: {low: min(pair), high: max(pair)})


def _kwargs(required, optional=None, pair=None):
    drawn = st.fixed_dictionaries(required, optional=optional or {})
    return drawn if pair is None else st.builds(lambda a, b: a | b, _ordered(*pair), drawn)


def _piecewise_kwargs(boundaries):
    values = st.lists(RATES, min_size=len(boundaries) + 1, max_size=len(boundaries) + 1)
    return st.fixed_dictionaries({"boundaries": st.just(sorted(boundaries)), "values": values})


_RAMP = {"start": RATES, "end": RATES, "steps": LENGTHS}
_BOUNDS = ("base_lr", "max_lr")
_STEP, _DOWN = {"step_size": COUNTS}, {"step_size_down": COUNTS | st.none()}

KWARGS = {
    "Constant": _kwargs({"lr": RATES}),
    "Linear": _kwargs(_RAMP),
    "Polynomial": _kwargs(_RAMP | {"power": st.floats(0.5, 4.0)}),
    "Cosine": _kwargs(_RAMP),
    "Exponential": _kwargs({"lr": RATES, "gamma": GAMMAS}, {"every": COUNTS}),
    "StepDecay": _kwargs({"lr": RATES, "gamma": GAMMAS, "every": COUNTS}),
    "Piecewise": st.sets(COUNTS, min_size=1, max_size=4).flatmap(_piecewise_kwargs),
    "InverseTime": _kwargs({"lr": RATES, "rate": RATES}, {"every": COUNTS}),
    "InverseSqrt": _kwargs({"peak": RATES, "warmup": COUNTS}, {"timescale": FACTORS | st.none()})
    | _kwargs({"peak": RATES, "warmup": st.just(0), "timescale": FACTORS}),
    "CosineRestarts": _kwargs(
        {"first": COUNTS},
        {"t_mul": st.sampled_from([1, 2, 3, 1.5]), "m_mul": st.floats(0.5, 1.0)},
        pair=("min_lr", "max_lr"),
    ),
    "Triangular": _kwargs(_STEP, _DOWN, _BOUNDS),
    "Triangular2": _kwargs(_STEP, _DOWN, _BOUNDS),
    "ExpRange": _kwargs(_STEP | {"gamma": GAMMAS}, _DOWN, _BOUNDS),
    "OneCycle": _kwargs(
        {
            "max_lr": RATES,
            "steps": st.integers(5, 60),
            "pct_start": st.integers(20, 50).map(lambda k: k / 100),
        },
        {
            "div_factor": FACTORS,
            "final_div_factor": FACTORS,
            "anneal": st.sampled_from(["cos", "linear"]),
            "three_phase": st.booleans(),
        },
    ),
    "WarmupStableDecay": _kwargs(
        {"peak": RATES, "warmup": LENGTHS, "stable": LENGTHS, "decay": LENGTHS},
        {"start": RATES, "end": RATES, "shape": SHAPES},
    ),
    "Rex": _kwargs(_RAMP),
}
FAMILIES = list(KWARGS)


def _case(family, kwargs):
    return Case(getattr(lrlib, family)(**kwargs), REFERENCE[family](**kwargs))


@functools.cache  # building a strategy costs more than drawing from it
def family_cases(*families):
    return st.one_of([KWARGS[f].map(lambda kwargs, f=f: _case(f, kwargs)) for f in families or FAMILIES])


def family_schedules(*families):
    return family_cases(*families).map(lambda case: case.schedule)


# Powers of two and small whole numbers only: t / k is then exact wherever it meets a boundary.
_STRETCHES = st.sampled_from([0.5, 1.5, 2, 2.25, 3, 7])
_SCALES = st.sampled_from([0, 0.5, 2.0])
_SHIFTS = st.sampled_from([0, 0.25, 1.0])


@functools.cache
def composed(depth=3):
    """A composition nested ``depth`` deep."""
    return family_cases() if depth == 0 else _composed(depth)


@st.composite
def _composed(draw, depth):
    a = draw(composed(depth - 1))
    s, r = a
    without = {"then", "repeat"} if r.length is None else set() if r.length else {"repeat"}
    if r.length is not None and r.length % 1:
        without |= {"hold"}  # its length is then open in the design
    names = [name for name in OPERATIONS if name not in without]
    name = draw(st.sampled_from(names))
    if name == "take":
        n = draw(st.integers(0, 40))
        return Case(s.take(n), _take(r, n))
    if name == "drop":
        n = draw(st.integers(0, 40))
        return Case(s.drop(n), _drop(r, n))
    if name == "cooldown":
        at, steps, end, shape = draw(st.tuples(LENGTHS, LENGTHS, RATES, SHAPES))
        assume(s(at) >= 0)
        return Case(s.cooldown(at, steps, end, shape), _cooldown(r, at, steps, end, shape))
    if name == "stretch":
        k = draw(_STRETCHES)
        return Case(s.stretch(k), _stretch(r, k))
    if name == "hold":
        n = draw(st.integers(1, 5))
        return Case(s.hold(n), _hold(r, n))
    if name == "scale":
        k = draw(_SCALES)
        return Case(k * s if draw(st.booleans()) else s * k, _pointwise(lambda x: k * x, r))
    if name == "product":
        b = draw(family_cases())
        return Case(s * b.schedule, _pointwise(lambda x, y: x * y, r, b.reference))
    if name == "shift":
        c = draw(_SHIFTS)
        return Case(s + c if draw(st.booleans()) else c + s, _pointwise(lambda x: x + c, r))
    if name == "mirror":
        return Case(3.0 - s, _pointwise(lambda x: 3.0 - x, r))
    if name == "clip":
        return Case(s.clip(0.05, 0.8), _pointwise(lambda x: min(max(x, 0.05), 0.8), r))
    if name == "then":
        b = draw(composed(draw(st.integers(0, depth - 1))))
        return Case(s.then(b.schedule), _then(r, b.reference))
    n = draw(st.sampled_from([1, 2, 3, None]))
    length = draw(st.sampled_from([1, 2, 3, 1.5] + ([0.5] if n else [])))
    height = draw(st.sampled_from([1, 0.5] + ([2.0] if n else [])))
    return Case(s.repeat(n, length=length, height=height), _repeat(r, n, length, height))


OPERATIONS = [
    "take",
    "drop",
    "cooldown",
    "stretch",
    "hold",
    "scale",
    "product",
    "shift",
    "mirror",
    "clip",
    "then",
    "repeat",
]


def rates_only(schedule):
    """Whether no value is below 0: optimizers are given no other."""
    return all(schedule(t) >= 0 for t in range(200))


any_case = family_cases() | composed()
any_schedule = any_case.map(lambda case: case.schedule)
finite_schedule = any_schedule.filter(lambda s: s.length is not None)
whole_t = st.integers(0, 200)
any_t = whole_t | st.integers(0, 400).map(lambda n: n / 2)

# One of each family, its parameters by position in the order of the design's table.
EXAMPLES = {
    "Constant": lrlib.Constant(0.1),
    "Linear": lrlib.Linear(0.1, 0.01, 12),
    "Polynomial": lrlib.Polynomial(0.1, 0.01, 12, 2.0),
    "Cosine": lrlib.Cosine(0.1, 0.01, 12),
    "Exponential": lrlib.Exponential(0.1, 0.9, 2),
    "StepDecay": lrlib.StepDecay(0.1, 0.5, 4),
    "Piecewise": lrlib.Piecewise([3, 7], [0.1, 0.05, 0.2]),
    "InverseTime": lrlib.InverseTime(0.1, 0.5, 4),
    "InverseSqrt": lrlib.InverseSqrt(0.1, 4, 8),
    "CosineRestarts": lrlib.CosineRestarts(0.1, 0.01, 3, 2, 0.5),
    "Triangular": lrlib.Triangular(0.01, 0.1, 3, 4),
    "Triangular2": lrlib.Triangular2(0.01, 0.1, 3, 2),
    "ExpRange": lrlib.ExpRange(0.01, 0.1, 3, 4, gamma=0.95),
    "OneCycle": lrlib.OneCycle(0.1, 14, 0.4, 10, 100, "linear", True),
    "WarmupStableDecay": lrlib.WarmupStableDecay(0.1, 3, 4, 5, 0.01, 0.001, "1-sqrt"),
    "Rex": lrlib.Rex(0.1, 0.01, 12),
}
COMPOSITIONS = {
    "warmup-cosine": lrlib.Linear(0.0, 0.1, 3).then(lrlib.Cosine(0.1, 0.0, 9)),
    "epochs": lrlib.StepDecay(0.1, 0.5, 2).take(6).hold(3),
    "stretched-repeat": lrlib.Linear(0.2, 0.1, 2).repeat(3, length=2, height=0.5).stretch(1.5),
    "restarts-cut": (0.5 * lrlib.CosineRestarts(0.2, 0.02, 2, 3)).take(8).then(lrlib.Rex(0.1, 0.0, 5)),
    "product": lrlib.Triangular(0.01, 0.1, 2) * lrlib.Exponential(1.0, 0.9),
    "mirrored": 0.95 - lrlib.OneCycle(0.1, 10),
    "clipped-cycle": (lrlib.Cosine(0.1, 0.0, 4).repeat(None, height=0.8) + 0.01).clip(0.02, 0.09),
    "rest": lrlib.Triangular(0.01, 0.1, 3).take(4).then(lrlib.Triangular(0.01, 0.1, 3).drop(4).stretch(0.5).take(6)),
    "cooled": lrlib.InverseSqrt(0.1, 4).cooldown(9, 5, end=0.01, shape="1-sqrt"),
    "nothing-before": lrlib.Linear(0.0, 0.1, 0).then(lrlib.WarmupStableDecay(0.1, 0, 4, 0, end=0.02)),
    "deep": lrlib.Linear(0.1, 0.0, 4).then(lrlib.Piecewise([2], [0.3, 0.2])).stretch(2).repeat(2).hold(2),
}
SAMPLES = EXAMPLES | COMPOSITIONS
# Updates at which CosineRestarts(…, first=1, t_mul=3) starts anew.
SGDR_PEAKS = [1, 4, 13, 40, 121, 364]


@lrlib.register
class HalfLife(lrlib.Schedule):
    """A family of a user's own: lr · 2^(−t/half_life) + bias, held from ``steps`` on. ``tag`` tries a bare ``int``."""

    lr: Rate
    half_life: Count
    steps: Count
    bias: float = 0.0
    tag: int = 7

    @property
    def length(self):
        return self.steps

    def evaluate(self, t, ops):
        t = ops.minimum(t, self.steps)
        return self.lr * ops.power(0.5, t / self.half_life) + self.bias


OWN = HalfLife(0.8, 2, steps=6)


def exact(t):
    """``t`` as the reference wants it."""
    return Fraction(t)


def assert_rises(rates):
    """Never falls, but by a rounding."""
    slack = 4 * TINY * max(rates)
    assert all(after >= before - slack for before, after in itertools.pairwise(rates)), rates


def assert_falls(rates):
    assert_rises(rates[::-1])


def assert_close(ours, expected, rel=1e-9):
    assert ours == pytest.approx(expected, rel=rel, abs=1e-12)


sample = pytest.mark.parametrize("s", SAMPLES.values(), ids=SAMPLES)
family = pytest.mark.parametrize("family", FAMILIES)
