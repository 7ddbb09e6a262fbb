"""The contract of a schedule: its values, its algebra, what it refuses, and that it is a value."""

import collections
import copy
import dataclasses
import importlib
import json
import math
import pickle
import re
import subprocess
import sys
import time
import tracemalloc
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import (
    EXAMPLES,
    FAMILIES,
    OWN,
    REFERENCE,
    ROOT,
    SAMPLES,
    SGDR_PEAKS,
    SHAPES,
    TINY,
    HalfLife,
    any_case,
    any_schedule,
    any_t,
    assert_close,
    assert_falls,
    assert_rises,
    composed,
    exact,
    family,
    family_cases,
    family_schedules,
    finite_schedule,
    sample,
    whole_t,
)

import lrlib
from lrlib._compiled import compiled

# --------------------------------------------------------------------------------------------------
# Values
# --------------------------------------------------------------------------------------------------


def test_the_examples_cover_every_family():
    public = {
        name
        for name, found in vars(lrlib.schedules).items()
        if isinstance(found, type) and issubclass(found, lrlib.Schedule) and name[0] != "_"
    }
    algebra = {"Then", "Take", "Drop", "Repeat", "Stretch", "Hold", "Affine", "Product", "Clip"}
    assert public - algebra - {"Schedule"} == set(FAMILIES) == set(EXAMPLES)
    assert {*FAMILIES, *algebra} <= set(lrlib.__all__)


@family
@given(data=st.data())
@settings(max_examples=25)
def test_each_family_follows_its_formula(family, data):
    schedule, reference = data.draw(family_cases(family))
    t = data.draw(any_t)
    assert_close(schedule(t), reference.at(exact(t)), rel=1e-11)


@given(composed(), any_t)
@settings(max_examples=400)
def test_compositions_nested_three_deep_mean_what_they_say(case, t):
    assert_close(case.schedule(t), case.reference.at(exact(t)))


@given(any_case)
def test_length(case):
    length = case.reference.length
    assert case.schedule.length == length if length is not None else case.schedule.length is None


@given(finite_schedule, st.integers(0, 10**12))
def test_held_for_ever_after_its_length(s, more):
    end = math.ceil(s.length)
    assert s(end + more) == s(end)


START_STEPS_END = ["Linear", "Polynomial", "Cosine", "Rex"]


@pytest.mark.parametrize("family", START_STEPS_END)
@given(data=st.data())
def test_ends_are_exact_and_the_way_between_is_monotone_and_within_them(family, data):
    s = data.draw(family_schedules(family))
    assert s(0) == (s.start if s.steps else s.end)
    assert s(s.steps) == s(s.steps + 1) == s(10**15) == s.end
    rates = [s(t / 2) for t in range(2 * s.steps + 1)]
    (assert_rises if s.start <= s.end else assert_falls)(rates)
    assert min(s.start, s.end) <= min(rates) <= max(rates) <= max(s.start, s.end)


@pytest.mark.parametrize("family", ["Exponential", "StepDecay", "InverseTime"])
@given(data=st.data())
def test_endless_decays_never_rise(family, data):
    s = data.draw(family_schedules(family))
    rates = [s(t / 2) for t in range(80)]
    assert rates[0] == s.lr
    assert_falls(rates)


@given(family_schedules("InverseSqrt"))
def test_inverse_sqrt_rises_from_zero_to_its_peak_then_falls(s):
    rates = [s(t) for t in range(80)]
    assert rates[0] == (0 if s.warmup else s.peak)
    assert rates[s.warmup] == s.peak == max(rates)
    assert_rises(rates[: s.warmup + 1])
    assert_falls(rates[s.warmup :])


@given(family_schedules("CosineRestarts"))
def test_every_restart_begins_at_its_peak(s):
    begin, span = 0, s.first
    for cycle in range(6):
        peak = s.min_lr + (s.max_lr - s.min_lr) * s.m_mul**cycle
        assert s(begin) == pytest.approx(peak, rel=4 * TINY)
        assert s.min_lr <= s(begin) <= s.max_lr
        begin, span = begin + span, span * s.t_mul
        if begin != int(begin):
            break


@pytest.mark.parametrize("family", ["Triangular", "Triangular2", "ExpRange"])
@given(data=st.data())
def test_triangles_touch_both_rates_and_stay_within(family, data):
    s = data.draw(family_schedules(family))
    period = s.step_size + (s.step_size_down or s.step_size)
    amplitude = s.gamma**s.step_size if family == "ExpRange" else 1
    assert s(s.step_size) == pytest.approx(s.base_lr + (s.max_lr - s.base_lr) * amplitude, rel=4 * TINY)
    if family != "ExpRange":
        assert s(s.step_size) == s.max_lr
    for k in range(4):
        assert s(k * period) == s.base_lr
    assert all(s.base_lr <= s(t / 2) <= s.max_lr for t in range(4 * period))


@given(family_schedules("OneCycle"))
def test_one_cycle_touches_its_rates(s):
    top = math.floor(s.pct_start * s.steps + 1e-9)
    first = s.max_lr / s.div_factor
    final = first / s.final_div_factor
    assert (s(0), s(top), s(s.steps), s(s.steps + 7)) == (first, s.max_lr, final, final)
    rates = [s(t / 2) for t in range(2 * s.steps + 1)]
    assert_rises(rates[: 2 * top + 1])
    assert_falls(rates[2 * top :])
    assert max(rates) == s.max_lr
    assert min(rates) >= final
    if s.three_phase:
        assert s(2 * top) == (first if 2 * top < s.steps else final)


@given(family_schedules("WarmupStableDecay"))
def test_warmup_stable_decay_touches_its_rates(s):
    stop = s.warmup + s.stable
    assert s(0) == (s.start if s.warmup else s.peak if s.stable or s.decay else s.end)
    assert s(stop + s.decay) == s(10**9) == s.end
    assert {s(t / 2) for t in range(2 * s.warmup, 2 * stop + (s.decay > 0))} <= {s.peak}
    up, down = [s(t) for t in range(s.warmup)] or [s.start], [s(t) for t in range(stop, stop + s.decay + 1)]
    (assert_rises if s.start <= s.peak else assert_falls)(up)
    (assert_rises if s.peak <= s.end else assert_falls)(down)


@given(family_schedules("Piecewise"))
def test_piecewise_changes_at_each_boundary(s):
    for k, boundary in enumerate(s.boundaries):
        assert (s(math.nextafter(boundary, 0)), s(boundary)) == (s.values[k], s.values[k + 1])


CONTINUOUS = [f for f in FAMILIES if f not in ("StepDecay", "Piecewise", "CosineRestarts")]


@pytest.mark.parametrize("family", CONTINUOUS)
@given(data=st.data())
@settings(max_examples=25)
def test_continuous_families_make_no_jump(family, data):
    s = data.draw(family_schedules(family))
    assume(family != "WarmupStableDecay" or s.decay or not s.warmup + s.stable)  # without a decay it drops
    for t in range(70):
        assert s(t + 1e-9) == pytest.approx(s(t), abs=1e-4)
        assert t == 0 or s(t - 1e-9) == pytest.approx(s(t), abs=1e-4)


def test_warm_restarts_are_at_their_peak_at_each_restart():
    s = lrlib.CosineRestarts(0.1, 0.001, first=1, t_mul=3)
    peaks = [t for t in range(400) if s(t) == 0.1]
    assert peaks == [0, *SGDR_PEAKS]
    assert np.flatnonzero(s(np.arange(400)) == 0.1).tolist() == [0, *SGDR_PEAKS]
    assert [s((3**k - 1) // 2) for k in range(200)] == [0.1] * 200  # Python numbers are exact at any size
    assert s(np.array([(3**k - 1) // 2 for k in range(34)])).tolist() == [0.1] * 34


@pytest.mark.parametrize(
    "make",
    [
        lambda factor: lrlib.CosineRestarts(0.1, 0.0, 10, t_mul=factor),
        lambda factor: lrlib.Linear(0.1, 0.0, 10).repeat(None, length=factor),
        lambda factor: lrlib.Linear(0.1, 0.0, 10).repeat(10**12, length=factor),
        lambda factor: lrlib.Linear(0.1, 0.0, 10).repeat(10**12, length=2 - factor),
    ],
)
def test_a_factor_next_to_1_is_refused_at_once(make):
    """The table of its cycles would have billions of entries; 100,000 sums of the same kind show what is allowed."""
    began, begin, length = time.thread_time(), 0.0, 10.0
    for _ in range(100_000):
        begin += length
        length *= 1 + 1e-9
    summed = time.thread_time()
    for factor in (1 + 2**-40, 1 + 1e-7, 1 + 1e-5):
        with pytest.raises(ValueError, match=r"(t_mul|length) must be 1, or farther from 1: .* 100000 cycles.*, got "):
            make(factor)
    assert time.thread_time() - summed < 3 * 50 * (summed - began)  # three refusals
    assert math.isfinite(make(1.001)(10**6)) and math.isfinite(make(1)(10**6))


@pytest.mark.parametrize("t_mul", [2, 3, 5])
@pytest.mark.parametrize("first", [1, 7, 100])
def test_whole_numbered_cycles_begin_exactly(first, t_mul):
    s = lrlib.CosineRestarts(1.0, 0.0, first, t_mul, m_mul=0.5)
    begin = 0
    for cycle in range(12):
        assert s(begin) == s(np.array([begin]))[0] == 0.5**cycle
        assert begin == 0 or s(begin - 0.25) < 0.5**cycle
        begin += first * t_mul**cycle


LARGE = [2**24 + 1, 2**31 + 7, 10**15, 2**53 - 1]


@sample
@pytest.mark.parametrize("t", LARGE)
def test_large_t_is_exact(s, t):
    assert s(np.array([t]))[0] == pytest.approx(s(t), rel=1e-12, abs=1e-300)
    assert s(float(t)) == pytest.approx(s(t), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("t", [*LARGE, 10**17 + 3, 10**30 + 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_large_t_follows_the_formula(family, t):
    s = EXAMPLES[family]
    kwargs = {field.name: getattr(s, field.name) for field in dataclasses.fields(s)}
    assert s(t) == pytest.approx(REFERENCE[family](**kwargs).at(exact(t)), rel=1e-9, abs=1e-300)


def test_cycles_are_exact_at_any_whole_t():
    triangle = lrlib.Triangular(0.001, 0.006, step_size=2000)
    restarts = lrlib.CosineRestarts(0.1, 0.0, first=7)
    saw = lrlib.Linear(1.0, 0.0, steps=7).repeat(None)
    held = lrlib.StepDecay(1.0, 0.5, every=2).take(4).repeat(None).hold(3)
    for n in (10**6, 10**15 + 1, 10**25 + 7):
        assert triangle(4000 * n) == 0.001
        assert triangle(4000 * n + 2000) == 0.006
        assert triangle(4000 * n + 1) == triangle(1)
        assert [restarts(7 * n + t) for t in range(7)] == [restarts(t) for t in range(7)]
        assert [saw(7 * n + t) for t in range(7)] == [saw(t) for t in range(7)]
        assert [held(12 * n + t) for t in range(12)] == [held(t) for t in range(12)]


def test_one_cycle_peaks_where_its_share_says_and_round_off_does_not_decide():
    assert math.floor(0.29 * 100) == 28  # what is to be avoided
    for k in range(1, 100):
        s = lrlib.OneCycle(1.0, 100, pct_start=k / 100)
        assert s(k) == 1.0
        assert max(s(t) for t in range(101) if t != k) < 1.0
    for share, steps in [
        (0.07, 100),
        (0.29, 100),
        (0.57, 100),
        (0.1, 30),
        (0.3, 10),
        (0.7, 10),
        (0.55, 1000),
    ]:
        assert lrlib.OneCycle(1.0, steps, pct_start=share)(round(share * steps)) == 1.0
    assert lrlib.OneCycle(1.0, 10, pct_start=0.39)(3) == 1.0  # a true fraction is floored
    assert lrlib.OneCycle(1.0, 10, pct_start=0.01)(0) == 1.0  # a peak is always attained


def test_default_parameters():
    assert lrlib.Exponential(0.1, 0.9) == lrlib.Exponential(0.1, 0.9, every=1)
    assert lrlib.InverseTime(0.1, 0.5) == lrlib.InverseTime(0.1, 0.5, every=1)
    restarts = lrlib.CosineRestarts(max_lr=0.1, min_lr=0.0, first=10)
    assert restarts == lrlib.CosineRestarts(0.1, 0.0, 10, t_mul=1, m_mul=1)
    assert lrlib.OneCycle(0.1, 10) == lrlib.OneCycle(0.1, 10, 0.3, 25, 1e4, "cos", False)
    assert lrlib.WarmupStableDecay(0.1, 1, 2, 3) == lrlib.WarmupStableDecay(0.1, 1, 2, 3, 0.0, 0.0, "linear")
    assert lrlib.InverseSqrt(0.1, 4).timescale is None
    for t in (0, 2, 4, 9):
        assert lrlib.InverseSqrt(0.1, 4)(t) == lrlib.InverseSqrt(0.1, 4, timescale=4)(t)
        down_like_up = lrlib.Triangular(0.0, 0.1, 4, step_size_down=4)
        assert lrlib.Triangular(0.0, 0.1, 4)(t) == down_like_up(t)


# --------------------------------------------------------------------------------------------------
# What t may be
# --------------------------------------------------------------------------------------------------

TIMES = np.concatenate([np.arange(0, 60), np.arange(0, 60) + 0.5, [1e3, 12345.0]])


@sample
def test_array_equals_scalar(s):
    expected = [s(float(t)) for t in TIMES]
    np.testing.assert_allclose(s(TIMES), expected, rtol=1e-12, atol=1e-300)
    assert s(TIMES).dtype == np.float64


@given(any_schedule, st.lists(any_t, min_size=1, max_size=6))
@settings(max_examples=300)
def test_array_equals_scalar_for_any_schedule(s, times):
    scale = max(abs(s(t)) for t in times)  # a difference such as 1 − a loses relative precision
    np.testing.assert_allclose(s(np.array(times, float)), [s(t) for t in times], rtol=1e-12, atol=1e-12 * scale)


@sample
def test_shapes_and_types_of_t(s):
    for scalar in (5, 5.0, np.int64(5), np.float64(5), np.float32(5), np.uint8(5), np.float16(5)):
        assert type(s(scalar)) is float
        assert s(scalar) == s(5)
    for shape in [(), (0,), (1,), (3, 4), (2, 0), (2, 3, 4)]:
        t = np.arange(math.prod(shape)).reshape(shape)
        result = s(t)
        assert isinstance(result, np.ndarray)
        assert result.shape == shape
        assert result.dtype == np.float64
        assert result.ravel().tolist() == pytest.approx([s(k) for k in range(t.size)], rel=1e-12)
    for dtype in (
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float16",
        "float32",
    ):
        narrow = np.arange(100).astype(dtype)
        np.testing.assert_allclose(s(narrow), s(np.arange(100.0)), rtol=1e-12)
    backwards, every_other = np.arange(20)[::-1], np.arange(40)[::2]
    assert s(backwards).tolist() == s(np.arange(20)).tolist()[::-1]
    assert s(every_other).tolist() == s(np.arange(40)).tolist()[::2]


@sample
def test_an_array_is_neither_changed_nor_shared(s):
    t = np.arange(5.0)
    result = s(t)
    result[:] = -1
    assert t.tolist() == [0, 1, 2, 3, 4]
    assert s(t).min() >= 0


@sample
@pytest.mark.parametrize("t", [-1, -0.5, math.nan, math.inf, -math.inf, np.float64("nan"), np.int64(-1)])
def test_t_must_be_finite_and_not_negative(s, t):
    with pytest.raises(ValueError, match=r"\bt\b"):
        s(t)
    with pytest.raises(ValueError, match=r"\bt\b"):
        s(np.array([0.0, float(t), 2.0]))
    with pytest.raises(ValueError, match=r"\bt\b"):
        s(np.array(float(t)))


@sample
@pytest.mark.parametrize(
    "t",
    [
        True,
        np.True_,
        None,
        "3",
        [0, 1],
        (0, 1),
        {},
        1j,
        b"3",
        np.array([True]),
        np.array(["3"]),
        np.array([1j]),
    ],
    ids=lambda v: repr(v).split(" at 0x")[0],
)
def test_t_of_a_wrong_type(s, t):
    with pytest.raises(TypeError, match=r"\bt\b"):
        s(t)


@sample
def test_values_are_floats_and_calls_are_pure(s):
    first = [s(t) for t in range(30)]
    assert all(type(rate) is float for rate in first)
    s(np.arange(100)), s.describe(50), hash(s), repr(s)
    assert [s(t) for t in range(30)] == first


# --------------------------------------------------------------------------------------------------
# Algebra
# --------------------------------------------------------------------------------------------------


@given(finite_schedule, finite_schedule, any_schedule, any_t)
def test_then_is_associative_under_equality(a, b, c, t):
    left, right = a.then(b).then(c), a.then(b.then(c))
    assert left == right
    assert hash(left) == hash(right)
    assert repr(left) == repr(right)
    assert left.to_dict() == right.to_dict()
    assert left(t) == right(t)


def test_then_starts_the_next_part_from_its_own_zero():
    s = lrlib.Linear(0.0, 0.1, 4).then(lrlib.Constant(0.3).take(2)).then(lrlib.StepDecay(0.2, 0.5, 3))
    assert [s(t) for t in range(13)] == pytest.approx(
        [0, 0.025, 0.05, 0.075, 0.3, 0.3, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05]
    )
    last_is_not_played = lrlib.Piecewise([2, 4], [1.0, 0.5, 0.1]).then(lrlib.Constant(0.7))
    assert [last_is_not_played(t) for t in range(6)] == [1.0, 1.0, 0.5, 0.5, 0.7, 0.7]


ENDLESS = ["Constant", "Exponential", "StepDecay", "InverseTime", "InverseSqrt", "CosineRestarts"]
ENDLESS += ["Triangular", "Triangular2", "ExpRange"]


@pytest.mark.parametrize("family", ENDLESS)
def test_endless_schedules_have_no_length_and_nothing_after_them(family):
    s = EXAMPLES[family]
    assert s.length is None
    for endless in (
        s,
        2 * s,
        s + 1,
        1 - s,
        s.clip(0, 1),
        s.stretch(2),
        s.hold(2),
        s * EXAMPLES["Linear"],
    ):
        assert endless.length is None
        with pytest.raises(ValueError, match="take"):
            endless.then(lrlib.Constant(0.1))
        with pytest.raises(ValueError, match="take"):
            endless.repeat(2)
        assert endless.take(7).length == 7
    assert lrlib.Linear(0.1, 0.0, 4).then(s).length is None


def test_lengths():
    linear = lrlib.Linear(0.1, 0.0, 12)
    expected = {
        "Linear": 12,
        "Polynomial": 12,
        "Cosine": 12,
        "Rex": 12,
        "Piecewise": 7,
        "OneCycle": 14,
        "WarmupStableDecay": 12,
    } | dict.fromkeys(ENDLESS)
    assert {name: s.length for name, s in EXAMPLES.items()} == expected
    assert linear.take(5).length == 5
    assert linear.take(50).length == 50
    assert linear.then(linear).length == 24
    assert linear.repeat(3).length == 36
    assert linear.repeat(3, length=2).length == 12 + 24 + 48
    assert linear.repeat(3, length=0.5).length == 12 + 6 + 3
    assert linear.repeat(None).length is None
    assert linear.stretch(2.5).length == 30
    assert linear.stretch(0.1).length == pytest.approx(1.2)
    assert linear.hold(5).length == 60
    assert (linear * lrlib.Cosine(0.1, 0.0, 20)).length == 20
    assert (lrlib.Cosine(0.1, 0.0, 20) * linear).length == 20
    assert (linear * lrlib.Constant(1)).length is None
    assert (lrlib.Constant(1) * linear).length is None
    assert (1 - 2 * linear + 3).clip(0, 1).length == 12


@given(any_schedule, st.integers(1, 60), any_t)
def test_take_holds(s, n, t):
    taken = s.take(n)
    assert taken.length == n
    assert taken(t) == (s(t) if t < n else taken(n))


RESTARTS = lrlib.CosineRestarts(1.0, 0.1, first=10)
ENDING_LOW = {
    # the cycle ends at the first number, at the second value
    "cycle": (RESTARTS, 10, 0.1),
    "third cycle": (RESTARTS, 30, 0.1),
    "growing cycles": (lrlib.CosineRestarts(1.0, 0.1, first=1, t_mul=3), 40, 0.1),
    "growing fractions": (lrlib.CosineRestarts(1.0, 0.1, first=2, t_mul=1.5), 5, 0.1),
    "scaled": (2 * RESTARTS, 10, 0.2),
    "shifted": (RESTARTS + 0.5, 20, 0.6),
    "mirrored": (1.0 - RESTARTS, 20, 0.9),
    "product": (RESTARTS * lrlib.Linear(1.0, 0.0, 20), 10, 0.05),
    "product, other side": (lrlib.Linear(1.0, 0.0, 20) * RESTARTS, 10, 0.05),
    "stretched": (RESTARTS.stretch(2.5), 25, 0.1),
    "held": (RESTARTS.hold(3), 60, 0.1),
    "clipped": (RESTARTS.clip(0.2, 0.9), 10, 0.2),
    "repeated": (lrlib.Linear(1.0, 0.1, 4).repeat(None), 8, 0.1),
    "repeated, longer and lower": (
        lrlib.Linear(1.0, 0.1, 4).repeat(None, length=2, height=0.5),
        12,
        0.05,
    ),
    "a cut cycle, repeated": (RESTARTS.take(10).repeat(None), 20, 0.1),
    "repeated, to the end": (lrlib.Linear(1.0, 0.1, 4).repeat(2), 8, 0.1),
    "after another": (lrlib.Constant(0.5).take(3).then(RESTARTS), 13, 0.1),
    "taken twice": (RESTARTS.take(30), 20, 0.1),
    "nested": ((0.5 * lrlib.Constant(1.0).take(2).then(RESTARTS).stretch(2)).hold(2), 48, 0.05),
}


@pytest.mark.parametrize(("s", "n", "low"), ENDING_LOW.values(), ids=ENDING_LOW)
def test_a_cut_on_a_cycles_boundary_holds_the_end_of_the_cycle(s, n, low):
    cut = s.take(n)
    assert cut(n) == pytest.approx(low)
    assert cut(n + 1000) == cut(n)
    assert cut(np.array([n - 1.0, n, n + 5]))[1:].tolist() == [cut(n), cut(n)]
    assert [cut(t) for t in range(n)] == [s(t) for t in range(n)]
    assert cut.describe()["end"] == pytest.approx(low)
    assert cut.then(lrlib.Constant(0.7))(n) == 0.7


def test_a_cut_elsewhere_holds_the_value_there():
    assert RESTARTS.take(5)(99) == RESTARTS(5)
    assert lrlib.StepDecay(1.0, 0.5, 10).take(10)(99) == 0.5
    assert lrlib.Piecewise([10], [1.0, 0.1]).take(10)(99) == 0.1
    assert lrlib.Triangular2(0.0, 1.0, 5).take(15)(99) == 0.5


@given(any_schedule, st.integers(0, 60), st.integers(0, 60), whole_t)
@settings(max_examples=200)
def test_what_drop_leaves_goes_on_where_take_stopped(s, n, m, t):
    again = s.take(n).then(s.drop(n))
    assert again(t) == s(t)
    assert s.drop(n)(t) == s(n + t)
    assert s.drop(m).drop(n) == s.drop(m + n)
    assert s.drop(0)(t) == s(t)
    if s.length is not None:
        assert s.drop(n).length == max(s.length - n, 0)
        assert again.length == max(s.length, n)
    assert again.take(t)(t) == s.take(t)(t)  # a cycle's end is the same in both


@given(any_schedule, st.integers(0, 60), st.integers(1, 40), st.floats(0, 2), SHAPES, whole_t)
@settings(max_examples=200)
def test_a_cooldown_leaves_from_the_rate_there_and_ends_where_it_is_told(s, at, steps, end, shape, t):
    assume(s(at) >= 0)
    cooled = s.cooldown(at, steps, end, shape)
    assert cooled(min(t, at)) == s(min(t, at))
    assert cooled(at + steps) == cooled(at + steps + t) == end
    assert cooled.length == at + steps
    down = [cooled(at + k) for k in range(steps + 1)]
    (assert_falls if end <= s(at) else assert_rises)(down)
    assert s.cooldown(at, 0, end, shape)(at) == end  # a phase of no length is no way


def test_a_cooldown_from_below_zero_is_refused():
    with pytest.raises(
        ValueError, match=r"cooldown: the rate of update 4 must be a finite number, 0 or more, got -0\.9"
    ):
        (0.1 - lrlib.Linear(0.0, 1.0, 4)).cooldown(4, 2)


def test_the_rest_may_pass_faster_when_the_batch_is_larger():
    s = lrlib.Cosine(0.1, 0.0, steps=1000)
    doubled = s.take(400).then(s.drop(400).stretch(0.5))
    assert [doubled(t) for t in (399, 400, 500, 700)] == [s(399), s(400), s(600), s(1000)]
    assert doubled.length == 700
    assert doubled.drop(300).describe()["phases"] == [
        {"name": "Cosine", "start": 0, "stop": 100},
        {"name": "Cosine", "start": 100, "stop": 400},
    ]
    assert doubled.drop(400).describe()["phases"] == [{"name": "Cosine", "start": 0, "stop": 300}]
    assert [phase["stop"] for phase in doubled.describe()["phases"]] == [400, 700]


@pytest.mark.parametrize("family", ["Linear", "Polynomial", "Cosine", "Rex"])
def test_no_steps_are_the_end(family):
    more = {"power": 2.0} if family == "Polynomial" else {}
    s = getattr(lrlib, family)(0.3, 0.1, 0, **more)
    assert (s(0), s(5), s.length, s.describe()["mean"]) == (0.1, 0.1, 0, None)
    assert s.then(lrlib.Linear(0.1, 0.0, 4)).describe()["phases"] == [{"name": "Linear", "start": 0, "stop": 4}]


def test_a_phase_of_length_0_is_skipped():
    rates = [
        lrlib.WarmupStableDecay(0.1, *lengths, end=0.02) for lengths in ((0, 4, 5), (3, 0, 5), (3, 4, 0), (0, 0, 0))
    ]
    assert [s(0) for s in rates] == [0.1, 0.0, 0.0, 0.02]
    assert [s(s.warmup + s.stable) for s in rates] == [0.1, 0.1, 0.02, 0.02]
    assert [[phase["name"] for phase in s.describe()["phases"]] for s in rates] == [
        ["stable", "decay"],
        ["warm-up", "decay"],
        ["warm-up", "stable"],
        [],
    ]
    assert lrlib.Linear(0.0, 0.1, steps=0).then(lrlib.Cosine(0.1, 0.0, steps=1000))(0) == 0.1
    assert lrlib.Constant(0.5).take(0).then(lrlib.Constant(0.1))(0) == 0.1
    assert lrlib.InverseSqrt(0.1, warmup=0, timescale=4)(12) == 0.05


def test_a_period_is_no_phase():
    with pytest.raises(ValueError, match=r"InverseSqrt: a warmup of 0 needs a timescale, got warmup=0, timescale=None"):
        lrlib.InverseSqrt(0.1, warmup=0)
    with pytest.raises(ValueError, match=r"repeat: Linear\(.*steps=0\) has length 0"):
        lrlib.Linear(0.1, 0.0, steps=0).repeat(3)


@pytest.mark.parametrize("whole", [4, 4.0, np.float64(4), np.int64(4), Fraction(4)])
def test_a_float_that_is_whole_is_a_count(whole):
    s = lrlib.Linear(0.1, 0.0, whole)
    assert s == lrlib.Linear(0.1, 0.0, 4)
    assert type(s.steps) is int
    assert type(lrlib.Piecewise([whole, 7], [1, 2, 3]).boundaries[0]) is int
    assert lrlib.Linear(0.0, 0.1, steps=0.1 * 1000) == lrlib.Linear(0.0, 0.1, steps=100)


def test_repeat():
    saw = lrlib.Linear(1.0, 0.0, 4)
    assert [saw.repeat(2)(t) for t in range(10)] == [1, 0.75, 0.5, 0.25, 1, 0.75, 0.5, 0.25, 0, 0]
    longer = saw.repeat(2, length=2, height=0.5)
    assert [longer(t) for t in range(13)] == [1, 0.75, 0.5, 0.25] + [(8 - t) / 16 for t in range(8)] + [0.0]
    assert [saw.repeat(None, length=3)(t) for t in (0, 4, 16, 52, 160)] == [1.0] * 5
    assert saw.repeat(None, length=3)(np.array([0, 4, 16, 52, 160])).tolist() == [1.0] * 5
    assert saw.repeat(None, length=3)(159) == pytest.approx(1 / 108)
    shorter = saw.repeat(3, length=0.5)
    assert [shorter(t) for t in (0, 3, 4, 5, 6, 6.5, 7, 8)] == [1, 0.25, 1, 0.5, 1, 0.5, 0, 0]
    taller = lrlib.Piecewise([2], [1.0, 5.0]).repeat(3, height=2.0)
    assert [taller(t) for t in range(8)] == [1, 1, 2, 2, 4, 4, 20, 20]
    assert [saw.repeat(1)(t) for t in range(6)] == [saw(t) for t in range(6)]


@pytest.mark.parametrize("copies", [7, 50, 400])
def test_many_copies_keep_their_boundaries(copies):
    saw = lrlib.Linear(1.0, 0.0, 3).repeat(copies)
    assert [saw(3 * k) for k in range(copies)] == [1.0] * copies
    assert saw(3 * copies) == saw(np.array([3 * copies]))[0] == 0.0
    assert saw.length == 3 * copies


def test_stretch_puts_epochs_on_a_clock_of_updates():
    s = lrlib.StepDecay(0.1, 0.5, every=2).stretch(157)
    assert [s(t) for t in (0, 313, 314, 627, 628)] == [0.1, 0.1, 0.05, 0.05, 0.025]
    line = lrlib.Linear(1.0, 0.0, 4).stretch(2.5)
    assert [line(t) for t in range(11)] == pytest.approx([1 - t / 10 for t in range(11)])
    assert lrlib.Linear(1.0, 0.0, 4).stretch(0.5)(1) == 0.5


def test_hold_changes_every_n_updates_only():
    s = lrlib.Linear(1.0, 0.0, 4).hold(3)
    assert [s(t) for t in range(14)] == [
        1,
        1,
        1,
        0.75,
        0.75,
        0.75,
        0.5,
        0.5,
        0.5,
        0.25,
        0.25,
        0.25,
        0,
        0,
    ]
    assert s(5.99) == 0.75
    for updates in (157, 550, 600):
        epoch = lrlib.Exponential(0.1, 0.96).hold(updates)
        assert len({epoch(t) for t in range(5 * updates)}) == 5


@given(any_schedule, any_schedule, any_t, st.floats(0, 3), st.floats(0, 3))
def test_arithmetic_is_pointwise(a, b, t, k, c):
    x, y = a(t), b(t)
    assert_close((k * a)(t), k * x)
    assert_close((a * k)(t), k * x)
    assert_close((a * b)(t), x * y)
    assert_close((a + c)(t), x + c)
    assert_close((c + a)(t), c + x)
    assert_close((c - a)(t), c - x)
    low, high = sorted((k, c))
    assert a.clip(low, high)(t) == min(max(x, low), high)


def test_numbers_of_other_libraries_work_in_the_algebra():
    s = lrlib.Linear(1.0, 0.0, 4)
    two = np.float64(2.0)
    assert two * s == s * two == 2 * s == 2.0 * s
    assert two - s == 2 - s
    assert s + two == two + s == 2 + s
    assert s.clip(np.float32(0.25), np.float64(0.5)) == s.clip(0.25, 0.5)
    assert s.take(np.int64(3)) == s.take(3)
    assert s.stretch(np.float64(1.5)) == s.stretch(1.5)
    for composed_s in (
        two * s,
        s.take(np.int64(3)),
        s.repeat(np.int8(2), np.float64(2), np.float32(0.5)),
    ):
        assert lrlib.from_dict(json.loads(json.dumps(composed_s.to_dict()))) == composed_s


def test_describe():
    s = lrlib.Triangular(0.0, 1.0, 2)
    d = s.describe(horizon=4)
    assert (d["start"], d["end"], d["peak"], d["mean"]) == (0.0, 0.0, 1.0, 0.5)
    d = s.describe()
    assert (d["start"], d["end"], d["peak"], d["mean"]) == (0.0, None, None, None)
    d = lrlib.Linear(1.0, 0.0, 4).describe()
    assert (d["start"], d["end"], d["peak"], d["mean"]) == (1.0, 0.0, 1.0, 0.625)
    assert lrlib.Linear(0.0, 1.0, 4).describe(horizon=2)["peak"] == 0.5  # the horizon itself counts for the peak
    warm = lrlib.Linear(0.0, 0.1, 4).then(lrlib.Cosine(0.1, 0.0, 6))
    assert len(warm.describe()["phases"]) == 2


@given(any_schedule, st.integers(1, 80))
def test_describe_equals_its_definition(s, horizon):
    rates = [s(t) for t in range(horizon + 1)]
    d = s.describe(horizon)
    assert (d["start"], d["end"], d["peak"]) == (rates[0], rates[-1], max(rates))
    assert_close(d["mean"], math.fsum(rates[:-1]) / horizon, rel=1e-12)
    assert json.loads(json.dumps(d, allow_nan=False)) == d
    if s.length is not None and s.length == int(s.length):
        assert s.describe() == s.describe(int(s.length))


FAR = 10**330  # no float holds it


@pytest.mark.parametrize(
    ("s", "far"),
    [
        (lrlib.StepDecay(0.1, 0.5, 3), 0.0),
        (lrlib.StepDecay(0.1, 1.0, 3), 0.1),
        (lrlib.StepDecay(0.1, 2.0, 3), math.inf),
        (lrlib.ExpRange(0.01, 0.1, 20, gamma=0.9), 0.01),
        (lrlib.Triangular2(0.01, 0.1, 20), 0.01),
        (lrlib.Linear(0.1, 0.2, 4).repeat(None, height=0.5), 0.0),
    ],
    ids=repr,
)
def test_what_a_power_leaves_after_more_updates_than_a_float_counts(s, far):
    for t in range(FAR, FAR + 41):
        assert s(t) == compiled(s)(t) == far
    assert s.take(FAR)(FAR) == far


def test_describe_holds_no_list_of_all_rates():
    tracemalloc.start()
    facts = lrlib.Triangular(0.0, 1.0, 7).describe(50_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200_000  # bytes; the rates alone would be eight times as much
    assert (facts["peak"], facts["peak_at"]) == (1.0, 7)


@pytest.fixture
def axes():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, ax = pyplot.subplots()
    yield ax
    pyplot.close(figure)


def drawn(ax):
    (line,) = ax.lines
    t, rates = line.get_data()
    return list(t), list(rates), line.get_marker()


@pytest.mark.parametrize("horizon", [1, 7, 10_000])
def test_plot_draws_every_update_where_they_are_not_too_many(axes, horizon):
    s = lrlib.Triangular(0.01, 0.1, 3)
    assert s.plot(horizon, axes) is axes
    assert drawn(axes) == (list(range(horizon + 1)), [s(t) for t in range(horizon + 1)], "None")


def test_plot_draws_some_updates_and_the_ends_of_phases_where_they_are_many(axes):
    s = lrlib.Linear(0, 3e-4, 10**10 + 1).then(lrlib.Cosine(3e-4, 0, 10**12)).then(lrlib.Constant(1e-5).take(3))
    s.plot(ax=axes)
    t, rates, _ = drawn(axes)
    assert 9_000 < len(t) < 11_000
    assert t == sorted(set(t))
    assert t == [int(one) for one in t]
    assert {0, 10**10, 10**10 + 1, 10**10 + 10**12, 10**10 + 1 + 10**12, 10**10 + 4 + 10**12} <= set(t)
    assert t[-1] == s.length
    assert max(rates) == 3e-4
    assert rates == pytest.approx([s(one) for one in t])


@pytest.mark.parametrize("half", [25, 50, 100, 37])  # a cycle fits the stride of 100 twice, once, half, and never
def test_plot_shows_all_rates_of_short_cycles(axes, half):
    lrlib.Triangular(0.01, 0.1, half).plot(10**6, axes)
    rates = drawn(axes)[1]
    assert min(rates) < 0.013 and max(rates) > 0.097
    assert sum(rates) / len(rates) == pytest.approx(0.055, rel=0.01)


def test_plot_draws_phases_up_to_the_horizon_only(axes):
    lrlib.Linear(0, 1, 10**8).then(lrlib.Linear(1, 0, 10**8)).plot(10**6, axes)
    assert drawn(axes)[0][-1] == 10**6


@pytest.mark.parametrize(("s", "horizon"), [(lrlib.Constant(0.1), 0), (lrlib.Linear(0.2, 0.1, 0), None)])
def test_plot_marks_a_single_point(axes, s, horizon):
    s.plot(horizon, axes)
    assert drawn(axes) == ([0], [0.1], "o")
    axes.clear()
    s.plot(horizon, axes, marker="x")
    assert drawn(axes)[2] == "x"


@pytest.mark.parametrize("wrong", [-1, math.inf, math.nan, 2.5, "x", True, [3]], ids=repr)
@pytest.mark.parametrize("what", ["plot", "describe"])
def test_a_horizon_is_a_whole_number(wrong, what):
    with pytest.raises((TypeError, ValueError), match=f"{what}: horizon must be a whole number, 0 or more, got"):
        getattr(lrlib.Constant(0.1), what)(wrong)


# --------------------------------------------------------------------------------------------------
# A schedule is a value
# --------------------------------------------------------------------------------------------------


@given(any_schedule)
@settings(max_examples=200)
def test_json_repr_pickle_and_copies_give_an_equal_value(s):
    copies = [
        lrlib.from_dict(json.loads(json.dumps(s.to_dict(), allow_nan=False))),
        eval(repr(s), dict(vars(lrlib))),
        pickle.loads(pickle.dumps(s)),
        copy.copy(s),
        copy.deepcopy(s),
    ]
    for other in copies:
        assert other == s
        assert type(other) is type(s)
        assert hash(other) == hash(s)
        assert repr(other) == repr(s)
        assert other.length == s.length
        assert [other(t) for t in (0, 3, 7.5)] == [s(t) for t in (0, 3, 7.5)]


@sample
def test_values_survive_use(s):
    before = repr(s), hash(s), s.to_dict()
    s(3), s(np.arange(3)), s.describe(9), s.length  # what is cached must not show
    assert (repr(s), hash(s), s.to_dict()) == before
    for other in (pickle.loads(pickle.dumps(s)), copy.deepcopy(s)):
        assert other == s


def test_equality_is_structural():
    assert lrlib.Linear(1, 0, 4) == lrlib.Linear(1.0, 0.0, steps=4)
    assert hash(lrlib.Linear(1, 0, 4)) == hash(lrlib.Linear(1.0, 0.0, steps=4))
    assert repr(lrlib.Linear(1, 0, 4)) == repr(lrlib.Linear(np.float32(1), np.float64(0), np.int16(4)))
    assert lrlib.Linear(0, 1, 4) != lrlib.Linear(0, 1, 5)
    assert lrlib.Linear(0, 1, 4) != lrlib.Cosine(0, 1, 4)
    assert lrlib.Triangular(0, 1, 4) != lrlib.Triangular2(0, 1, 4)
    assert lrlib.Linear(0, 1, 4) != lrlib.Linear(0, 1, 4).take(4)
    assert lrlib.Linear(0, 1, 4) != (0, 1, 4)
    assert lrlib.Linear(0, 1, 4) != None  # noqa: E711
    assert (
        lrlib.Piecewise([2], [1, 0])
        == lrlib.Piecewise((2,), (1.0, 0.0))
        == lrlib.Piecewise(np.array([2]), range(1, -1, -1))
    )
    assert lrlib.Piecewise([2], [1, 0]).values == (1.0, 0.0)
    assert 2 * lrlib.Linear(0, 1, 4) == lrlib.Linear(0, 1, 4) * 2.0
    assert len({lrlib.Linear(0, 1, 4), lrlib.Linear(0.0, 1.0, 4), lrlib.Cosine(0, 1, 4)}) == 2


DEFAULTS = {
    "Exponential": {"every": 1},
    "InverseTime": {"every": 1},
    "InverseSqrt": {"timescale": None},
    "CosineRestarts": {"t_mul": 1, "m_mul": 1.0},
    "Triangular": {"step_size_down": None},
    "Triangular2": {"step_size_down": None},
    "ExpRange": {"step_size_down": None, "gamma": 1.0},
    "OneCycle": {"pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4, "anneal": "cos", "three_phase": False},
    "WarmupStableDecay": {"start": 0.0, "end": 0.0, "shape": "linear"},
}


@family
def test_the_defaults_are_the_contracts(family):
    given = dataclasses.fields(EXAMPLES[family])
    defaults = {field.name: field.default for field in given if field.default is not dataclasses.MISSING}
    assert defaults == DEFAULTS.get(family, {})


def test_arithmetic_shows_itself_as_it_is_written():
    texts = [f"(2.0 * {_line!r})", f"({_line!r} + 0.5)", f"(0.5 - {_line!r})", f"({_line!r} * {_other!r})"]
    assert [repr(s) for s in (2 * _line, _line + 0.5, 0.5 - _line, _line * _other)] == texts
    both = lrlib.schedules.Affine(_line, 2.0, 0.5)  # no arithmetic makes it in one step
    assert repr(both) == f"Affine(inner={_line!r}, scale=2.0, shift=0.5)"


@sample
def test_immutable(s):
    for name in [field.name for field in dataclasses.fields(s)] + ["new", "length"]:
        with pytest.raises(AttributeError):
            setattr(s, name, 1)
        with pytest.raises(AttributeError):
            delattr(s, name)


def test_sequences_given_by_the_caller_are_copied():
    boundaries, values = [2, 4], [1.0, 0.5, 0.1]
    s = lrlib.Piecewise(boundaries, values)
    boundaries.append(6), values.clear()
    assert s == lrlib.Piecewise([2, 4], [1.0, 0.5, 0.1])


def test_from_dict_takes_any_mapping_and_sequence():
    class Config(collections.UserDict):
        """As OmegaConf's, which is no dict."""

    class Items(collections.UserList):
        """Nor is its list a list."""

    s = lrlib.Linear(0.0, 0.1, 3).then(lrlib.Piecewise([3, 7], [0.1, 0.05, 0.2]))
    data = s.to_dict()
    parts = Items(
        Config({k: Items(v) if isinstance(v, list) else v for k, v in part.items()}) for part in data["parts"]
    )
    assert lrlib.from_dict(Config(data | {"parts": parts})) == s


def test_from_dict_refuses_what_it_does_not_know():
    data = lrlib.Linear(0.1, 0.0, 4).to_dict()
    [kind] = [key for key, value in data.items() if value == "Linear"]
    for name in (
        "NoSuchFamily",
        "Schedule",
        "object",
        "os.system",
        "__class__",
        "register",
        "",
        None,
        3,
        ["Linear"],
    ):
        with pytest.raises(ValueError, match=re.escape(repr(name))):
            lrlib.from_dict(data | {kind: name})
    with pytest.raises(ValueError, match=kind):
        lrlib.from_dict({"start": 0.1, "end": 0.0, "steps": 4})
    short = {key: value for key, value in data.items() if key != "steps"}
    for wrong, words in (  # only what is wrong is named
        (data | {"extra": 1}, r"Linear has no parameters \['extra'\]; its parameters are \['start', 'end', .*\], got"),
        (short, r"Linear needs \['steps'\]; its"),
        (short | {"extra": 1}, r"Linear has no parameters \['extra'\] and needs \['steps'\]; its"),
    ):
        with pytest.raises(ValueError, match=f"^from_dict: {words}"):
            lrlib.from_dict(wrong)
    with pytest.raises(ValueError, match="steps"):
        lrlib.from_dict(data | {"steps": -4})
    for wrong in (None, "Linear", [data], 3):
        with pytest.raises((TypeError, ValueError)):
            lrlib.from_dict(wrong)
    nested = (lrlib.Linear(0.1, 0.0, 4).stretch(2)).then(lrlib.Constant(0.1)).to_dict()
    text = json.dumps(nested).replace("Constant", "NoSuchFamily")
    with pytest.raises(ValueError, match="NoSuchFamily"):
        lrlib.from_dict(json.loads(text))


# --------------------------------------------------------------------------------------------------
# Bad input: each parameter of each family and of each method
# --------------------------------------------------------------------------------------------------

NAN, INF = math.nan, math.inf


class Kind(NamedTuple):
    wrong_type: list
    wrong_value: list


NOT_A_NUMBER = [True, None, "3", [1.0], np.True_, 1j]
NOT_FINITE = [NAN, INF, -INF]
RATE = Kind(NOT_A_NUMBER, [-1, -1e-9, *NOT_FINITE])
COUNT = Kind([True, None, "3", [1]], [0, -1, 2.5, 0.0, *NOT_FINITE])
LENGTH = Kind(COUNT.wrong_type, [-1, 2.5, -1.0, *NOT_FINITE])
POSITIVE = Kind(NOT_A_NUMBER, [0, 0.0, -0.5, *NOT_FINITE])
SHARE = Kind(NOT_A_NUMBER, [-0.1, 1, 1.0, 1.1, *NOT_FINITE])
FLAG = Kind([None, "yes", 0.5], [])


def maybe(kind):
    return Kind([value for value in kind.wrong_type if value is not None], kind.wrong_value)


def choice():
    return Kind([True, None, 3], ["", "square"])


_ramp = {"start": RATE, "end": RATE, "steps": LENGTH}
_smith = {"base_lr": RATE, "max_lr": RATE, "step_size": COUNT, "step_size_down": maybe(COUNT)}
PARAMETERS = {
    "Constant": {"lr": RATE},
    "Linear": _ramp,
    "Polynomial": _ramp | {"power": POSITIVE},
    "Cosine": _ramp,
    "Exponential": {"lr": RATE, "gamma": POSITIVE, "every": COUNT},
    "StepDecay": {"lr": RATE, "gamma": POSITIVE, "every": COUNT},
    "Piecewise": {
        "boundaries": Kind(
            [None, 3, "ab", {3: 1, 7: 1}, [True, 7], ["3", 7], [None, 7]],
            [[7, 3], [3, 3], [-1, 7], [3, 7.5], [NAN, 7], [3], [3, 7, 9], []],
        ),
        "values": Kind(
            [None, 3, "abc", {1: 3, 2: 7, 3: 9}, [True, 1, 1], ["3", 1, 1], [None, 1, 1]],
            [[-1, 1, 1], [NAN, 1, 1], [1, INF, 1], [1, 1], [1, 1, 1, 1], []],
        ),
    },
    "InverseTime": {"lr": RATE, "rate": RATE, "every": COUNT},
    "InverseSqrt": {"peak": RATE, "warmup": LENGTH, "timescale": maybe(POSITIVE)},
    "CosineRestarts": {
        "max_lr": RATE,
        "min_lr": RATE,
        "first": COUNT,
        "t_mul": Kind(NOT_A_NUMBER, [0, 0.9, -1, *NOT_FINITE]),
        "m_mul": POSITIVE,
    },
    "Triangular": _smith,
    "Triangular2": _smith,
    "ExpRange": _smith | {"gamma": POSITIVE},
    "OneCycle": {
        "max_lr": RATE,
        "steps": COUNT,
        "pct_start": SHARE,
        "div_factor": POSITIVE,
        "final_div_factor": POSITIVE,
        "anneal": choice(),
        "three_phase": FLAG,
    },
    "WarmupStableDecay": {
        "peak": RATE,
        "warmup": LENGTH,
        "stable": LENGTH,
        "decay": LENGTH,
        "start": RATE,
        "end": RATE,
        "shape": choice(),
    },
    "Rex": _ramp,
}

_line, _other = lrlib.Linear(0.1, 0.0, 4), lrlib.Cosine(0.1, 0.0, 4)
NUMBER = Kind(NOT_A_NUMBER, NOT_FINITE)
METHODS = {
    "take": ({"n": 3}, {"n": LENGTH}),
    "drop": ({"n": 3}, {"n": LENGTH}),
    "cooldown": (
        {"at": 3, "steps": 2, "end": 0.0, "shape": "linear"},
        {"at": LENGTH, "steps": LENGTH, "end": RATE, "shape": choice()},
    ),
    "then": ({"after": _other}, {}),
    "repeat": (
        {"n": 2, "length": 1, "height": 1.0},
        {"n": maybe(COUNT), "length": POSITIVE, "height": RATE},
    ),
    "stretch": ({"k": 2}, {"k": POSITIVE}),
    "hold": ({"n": 2}, {"n": COUNT}),
    "clip": ({"low": 0.0, "high": 1.0}, {"low": NUMBER, "high": NUMBER}),
    "describe": ({"horizon": 5}, {"horizon": maybe(LENGTH)}),
}

# Words of which one stands in each message, for what would be allowed.
ALLOWED = re.compile(
    r"must|needs?\b|expected|allowed|finite|whole number|one of|schedule|True or False",
    re.IGNORECASE,
)


def assert_names_all(error, parameter, value):
    message = str(error.value)
    assert re.search(rf"\b{parameter}\b", message), message
    shown = [repr(value)] if not isinstance(value, list) else [repr(value), repr(tuple(value)), *map(repr, value)]
    assert any(text in message for text in shown), message
    assert ALLOWED.search(message), message


def _bad(table):
    for owner, parameters in table.items():
        for name, kind in parameters.items():
            for error, values in zip((TypeError, ValueError), kind, strict=True):
                for value in values:
                    yield pytest.param(owner, name, error, value, id=f"{owner}-{name}-{value!r}")


@pytest.mark.parametrize(("family", "parameter", "error", "value"), list(_bad(PARAMETERS)))
def test_a_family_refuses(family, parameter, error, value):
    s = EXAMPLES[family]
    good = {field.name: getattr(s, field.name) for field in dataclasses.fields(s)}
    assert type(s)(**good) == s
    with pytest.raises(error) as caught:
        type(s)(**good | {parameter: value})
    assert_names_all(caught, parameter, value)


@pytest.mark.parametrize("share", SHARE.wrong_value)
def test_a_share_is_refused_for_itself_and_not_for_what_it_goes_with(share):
    with pytest.raises(ValueError, match="pct_start must be a number from 0 up to, but not including, 1"):
        lrlib.OneCycle(0.1, 10, pct_start=share)


def test_every_parameter_is_covered_above():
    for name, s in EXAMPLES.items():
        assert [field.name for field in dataclasses.fields(s)] == list(PARAMETERS[name])


@pytest.mark.parametrize(
    ("method", "parameter", "error", "value"),
    list(_bad({name: kinds for name, (_, kinds) in METHODS.items()})),
)
def test_a_method_refuses(method, parameter, error, value):
    if (method, parameter, value) in [("repeat", "height", -1), ("repeat", "height", -1e-9)]:
        error = ValueError
    good, _ = METHODS[method]
    with pytest.raises(error) as caught:
        getattr(_line, method)(**good | {parameter: value})
    assert_names_all(caught, parameter, value)


@pytest.mark.parametrize(
    "value", [True, None, "3", 3, 0.1, [1], lrlib.Linear, lambda t: 0.1], ids=lambda v: repr(v).split(" at 0x")[0]
)
def test_then_refuses_what_is_not_a_schedule(value):
    with pytest.raises(TypeError, match=re.escape(repr(value))):
        _line.then(value)


@pytest.mark.parametrize("value", [True, None, "3", [1.0], 1j, np.True_], ids=lambda v: repr(v).split(" at 0x")[0])
def test_arithmetic_refuses_what_is_not_a_number(value):
    for operate in (
        lambda: value * _line,
        lambda: _line * value,
        lambda: _line + value,
        lambda: value + _line,
        lambda: value - _line,
    ):
        with pytest.raises(TypeError):
            operate()


@pytest.mark.parametrize("value", NOT_FINITE)
def test_arithmetic_refuses_what_is_not_finite(value):
    for operate in (
        lambda: value * _line,
        lambda: _line * value,
        lambda: _line + value,
        lambda: value + _line,
        lambda: value - _line,
    ):
        with pytest.raises(ValueError, match=r"nan|inf"):
            operate()


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: lrlib.Triangular(0.2, 0.1, 4), ["base_lr", "max_lr", "0.2", "0.1"]),
        (lambda: lrlib.Triangular2(0.2, 0.1, 4), ["base_lr", "max_lr", "0.2", "0.1"]),
        (lambda: lrlib.ExpRange(0.2, 0.1, 4, gamma=0.9), ["base_lr", "max_lr", "0.2", "0.1"]),
        (lambda: lrlib.CosineRestarts(0.1, 0.2, 4), ["min_lr", "max_lr", "0.2", "0.1"]),
        (lambda: lrlib.Piecewise([4, 2], [1, 2, 3]), ["boundaries", "4, 2"]),
        (lambda: lrlib.Piecewise([2, 4], [1, 2]), ["boundaries", "values"]),
        (lambda: lrlib.OneCycle(0.1, 10, pct_start=0.8, three_phase=True), ["pct_start", "0.8"]),
        (lambda: _line.clip(0.5, 0.1), ["low", "high", "0.5", "0.1"]),
        (lambda: _line.repeat(None, length=0.5), ["length", "0.5"]),
        (
            lambda: lrlib.OneCycle(0.1, 10, anneal="cosine"),
            ["anneal", "'cosine'", "'cos'", "'linear'"],
        ),
        (
            lambda: lrlib.WarmupStableDecay(0.1, 1, 2, 3, shape="cos"),
            ["shape", "'cos'", "'linear'", "'cosine'", "'1-sqrt'"],
        ),
    ],
)
def test_parameters_that_do_not_go_together(build, names):
    with pytest.raises(ValueError, match=re.escape(names[0])) as caught:
        build()
    assert [name for name in names if name not in str(caught.value)] == []


@family
def test_missing_and_unknown_arguments(family):
    cls = type(EXAMPLES[family])
    with pytest.raises(TypeError):
        cls()
    good = {field.name: getattr(EXAMPLES[family], field.name) for field in dataclasses.fields(cls)}
    with pytest.raises(TypeError, match="nonsense"):
        cls(**good, nonsense=1)


# --------------------------------------------------------------------------------------------------
# A family of one's own
# --------------------------------------------------------------------------------------------------


class Unregistered(lrlib.Schedule):
    """1 / (1 + t), with nothing but a formula."""

    def evaluate(self, t, ops):
        return 1.0 / (1.0 + t)


def test_a_registered_family_does_what_a_built_in_one_does():
    assert OWN(0) == 0.8
    assert OWN(2) == pytest.approx(0.4)
    assert OWN(6) == OWN(10**9) == pytest.approx(0.1)
    np.testing.assert_allclose(OWN(np.arange(9)), [OWN(t) for t in range(9)], rtol=1e-12)
    assert OWN(np.arange(6).reshape(2, 3)).shape == (2, 3)
    assert type(OWN(np.float32(1))) is float
    assert OWN.length == 6
    assert OWN.describe()["end"] == pytest.approx(0.1)
    for s in (
        OWN,
        OWN.then(2 * OWN).repeat(2, length=2).stretch(1.5).hold(2).take(9).clip(0, 1),
        1 - OWN * _line,
    ):
        assert lrlib.from_dict(json.loads(json.dumps(s.to_dict()))) == s
        assert eval(repr(s), vars(lrlib) | {"HalfLife": HalfLife}) == s
        assert pickle.loads(pickle.dumps(s)) == copy.deepcopy(s) == s
        assert hash(copy.deepcopy(s)) == hash(s)
        np.testing.assert_allclose(s(np.arange(30)), [s(t) for t in range(30)], rtol=1e-12)
    assert HalfLife(1, 2, 6) == HalfLife(1.0, 2, 6) != HalfLife(1, 2, 7)
    with pytest.raises(AttributeError):
        OWN.lr = 3
    with pytest.raises(ValueError, match=r"\bt\b"):
        OWN(-1)
    with pytest.raises(TypeError, match=r"\bt\b"):
        OWN([1])


@pytest.mark.parametrize(
    ("parameter", "error", "value"),
    [("lr", ValueError, v) for v in RATE.wrong_value]
    + [("lr", TypeError, v) for v in RATE.wrong_type]
    + [("half_life", ValueError, v) for v in COUNT.wrong_value]
    + [("half_life", TypeError, v) for v in COUNT.wrong_type]
    + [("bias", ValueError, v) for v in NOT_FINITE]
    + [("bias", TypeError, v) for v in NOT_A_NUMBER]
    + [("tag", ValueError, 2.5)]
    + [("tag", TypeError, v) for v in (True, None, "3")],
    ids=lambda v: repr(v).split(" at 0x")[0],
)
def test_a_registered_family_is_checked(parameter, error, value):
    good = {"lr": 0.8, "half_life": 2, "steps": 6, "bias": 0.0, "tag": 7}
    with pytest.raises(error) as caught:
        HalfLife(**good | {parameter: value})
    assert_names_all(caught, parameter, value)


def test_a_bare_float_may_be_negative_and_is_kept_as_a_float():
    s = HalfLife(1, 2, 6, bias=-1, tag=-3)
    assert (s.bias, s.tag) == (-1.0, -3)
    assert type(s.bias) is float
    assert lrlib.from_dict(s.to_dict()) == s


def test_a_name_is_registered_once():
    class Linear(lrlib.Schedule):
        lr: float

        def evaluate(self, t, ops):
            return self.lr

    for taken in (
        Linear,
        type("HalfLife", (lrlib.Schedule,), {"evaluate": lambda self, t, ops: 0.0}),
    ):
        with pytest.raises(ValueError, match=taken.__name__):
            lrlib.register(taken)
    assert type(lrlib.from_dict(_line.to_dict())) is lrlib.Linear
    assert type(lrlib.from_dict(OWN.to_dict())) is HalfLife


def test_a_notebook_cell_that_registers_a_family_may_be_run_twice(monkeypatch):
    monkeypatch.setattr(lrlib.schedules, "_KINDS", dict(lrlib.schedules._KINDS))

    def cell(name, module, rate):
        body = {"__module__": module, "evaluate": lambda self, t, ops: ops.full(t, rate)}
        return lrlib.register(type(name, (lrlib.Schedule,), body))

    cell("FromACell", "__main__", 0.1)
    cell("FromACell", "__main__", 0.2)
    assert lrlib.from_dict({"kind": "FromACell"})(0) == 0.2
    cell("FromAFile", "somewhere", 0.1)
    for name, module in [("FromACell", "somewhere"), ("FromAFile", "__main__"), ("FromAFile", "elsewhere")]:
        with pytest.raises(ValueError, match=f"the name '{name}' is taken"):
            cell(name, module, 0.3)


def test_a_module_that_registers_a_family_may_be_reloaded(monkeypatch, tmp_path):
    monkeypatch.setattr(lrlib.schedules, "_KINDS", dict(lrlib.schedules._KINDS))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a stored one might be as old as the new text
    text = """import lrlib

@lrlib.register
class Reloaded(lrlib.Schedule):
    lr: float

    def evaluate(self, t, ops):
        return {} * self.lr
"""
    (tmp_path / "my_schedules.py").write_text(text.format(2))
    module = importlib.import_module("my_schedules")
    (tmp_path / "my_schedules.py").write_text(text.format(3))
    importlib.reload(module)
    del sys.modules["my_schedules"]
    assert lrlib.from_dict({"kind": "Reloaded", "lr": 1.0})(0) == module.Reloaded(1.0)(0) == 3


@lrlib.register
class Table(lrlib.Schedule):
    """A family whose sequences have no check of lrlib's."""

    rates: tuple
    parts: tuple = ()

    def evaluate(self, t, ops):
        return ops.lookup(self.rates, ops.rank((1,), t))


def test_a_list_is_kept_as_a_tuple_so_that_the_schedule_is_a_value():
    s = Table([0.1, 0.2], parts=[lrlib.Constant(0.1), [1, 2]])
    assert s == Table((0.1, 0.2), (lrlib.Constant(0.1), (1, 2)))
    assert hash(s) == hash(Table((0.1, 0.2), (lrlib.Constant(0.1), (1, 2))))
    assert lrlib.from_dict(json.loads(json.dumps(s.to_dict()))) == s


@pytest.mark.parametrize("value", [object, 3, "Linear", None, lambda t: 0.1], ids=lambda v: repr(v).split(" at 0x")[0])
def test_only_schedules_are_registered(value):
    with pytest.raises(TypeError):
        lrlib.register(value)


def test_an_unregistered_subclass_works_for_calls():
    s = Unregistered()
    assert (s(0), s(3), s.length) == (1.0, 0.25, None)
    assert s(np.array([[0, 1], [3, 4]])).tolist() == [[1.0, 0.5], [0.25, 0.2]]
    assert (2 * s.take(3)).then(1 - s.stretch(2))(5) == 0.5
    for wrong in (-1, math.nan):
        with pytest.raises(ValueError, match=r"\bt\b"):
            s(wrong)
    assert isinstance(repr(s), str)
    with pytest.raises((TypeError, ValueError), match="register"):
        s.to_dict()
    with pytest.raises((TypeError, ValueError), match="register"):
        s.take(3).to_dict()


# --------------------------------------------------------------------------------------------------
# The plot
# --------------------------------------------------------------------------------------------------


def test_a_plot_shows_the_rate_of_each_update_up_to_the_length_or_the_horizon():
    plt = pytest.importorskip("matplotlib.pyplot")
    _, (left, right) = plt.subplots(1, 2)
    half = _line.stretch(0.625)  # of length 2.5: its last rate is reached at update 3
    assert _line.plot() is right is half.plot(color="red", label="half")  # the axes in use
    assert lrlib.Constant(0.1).plot(horizon=2, ax=left) is left is _line.plot(6, left)
    drawn = [(_line, 4), (half, 3), (lrlib.Constant(0.1), 2), (_line, 6)]
    for line, (s, last) in zip([*right.lines, *left.lines], drawn, strict=True):
        assert line.get_xdata().tolist() == list(range(last + 1))
        assert line.get_ydata().tolist() == [s(t) for t in range(last + 1)]
    assert (right.lines[1].get_color(), right.lines[1].get_label()) == ("red", "half")
    assert (left.get_xlabel(), left.get_ylabel()) == ("updates", "learning rate")
    with pytest.raises(ValueError, match=r"Constant\(lr=0.1\) never ends; give the horizon"):
        lrlib.Constant(0.1).plot()
    plt.close("all")


# --------------------------------------------------------------------------------------------------
# What an import costs, and where the file runs
# --------------------------------------------------------------------------------------------------

HEAVY = ["numpy", "torch", "tensorflow", "keras", "matplotlib", "scipy", "pandas", "sklearn"]


def _python(code, *flags, stdin=""):
    run = subprocess.run(
        [sys.executable, *flags, "-c", code],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_import_and_plain_use_load_the_standard_library_only():
    code = f"""
import sys
import lrlib
s = lrlib.Linear(0.0, 0.1, 5).then(lrlib.Cosine(0.1, 0.0, 5))
s(3), s.describe(), lrlib.from_dict(s.to_dict()) == s, lrlib.Plateau(0.1).start()
print([name for name in {HEAVY} if name in sys.modules])
"""
    assert _python(code).strip() == "[]"


def test_a_repr_can_be_pasted_back_in_a_fresh_process():
    code = """
import json, sys
import lrlib
for data in json.load(sys.stdin):
    s = lrlib.from_dict(data)
    assert eval(repr(s), dict(vars(lrlib))) == s
"""
    _python(code, stdin=json.dumps([s.to_dict() for s in SAMPLES.values()]))


def test_schedules_runs_as_a_single_file_with_the_standard_library_alone():
    code = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("schedules", "lrlib/schedules.py")
module = sys.modules["schedules"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for name in json.load(sys.stdin):
    s = eval(name, dict(vars(module)))
    assert module.from_dict(json.loads(json.dumps(s.to_dict()))) == s
    print(json.dumps([s(t) for t in range(40)]))
assert not {"numpy", "lrlib"} & set(sys.modules)
"""
    lines = _python(code, "-I", "-S", stdin=json.dumps([repr(s) for s in SAMPLES.values()])).splitlines()
    assert [json.loads(line) for line in lines] == [[s(t) for t in range(40)] for s in SAMPLES.values()]


def test_schedules_runs_under_runpy():
    code = """
import runpy
found = runpy.run_path("lrlib/schedules.py")
print(found["Linear"](0.1, 0.0, 4).then(found["Constant"](0.3))(4))
"""
    assert _python(code, "-I", "-S").strip() == "0.3"


def test_a_held_fractional_length_lasts_until_the_last_change():
    held = lrlib.Linear(1.0, 0.5, 5).stretch(0.5).hold(10)
    assert held.length == 30
    assert held(29) != held(30) == held(1000)
    assert held.then(lrlib.Constant(0.0))(29) == held(29)


def test_one_cycle_attains_its_peak_and_its_end_whatever_the_share():
    s = lrlib.OneCycle(0.1, 4, pct_start=0.9999999999)
    assert s(3) == 0.1
    assert s(4) == pytest.approx(4e-7)
