"""JAX: each schedule as a function that can be traced gives lrlib's own value, whatever traces it."""

import numpy as np
import pytest
from reference import OWN, SAMPLES

import lrlib

jax = pytest.importorskip("jax", reason="JAX is not in the lock: make clients runs these tests")
import jax.numpy as jnp

import lrlib.jax as adapter

COUNTS = np.arange(41)
SCHEDULES = SAMPLES | {"own": OWN, "own, composed": (0.5 * OWN).then(OWN.hold(2)).repeat(2)}
ROUNDING = {32: 2.0**-24, 64: 2.0**-53}  # half a unit in the last place
ERROR = 8  # of these a computed value may be off by, of the schedule's largest: 5e-7 in float32

# One of each kind that is computed and no table, near its end and at boundaries up to 10^7.
FAR = {
    "linear": lrlib.Linear(0.1, 0.0, 5 * 10**6),
    "polynomial": lrlib.Polynomial(0.1, 0.0, 5 * 10**6, 2.5),
    "cosine": lrlib.Cosine(0.1, 0.001, 9 * 10**6),
    "exponential": lrlib.Exponential(0.1, 0.99999),
    "rising": lrlib.Exponential(1e-7, 1.000001),
    "step": lrlib.StepDecay(0.1, 0.9, 100_000),
    "piecewise": lrlib.Piecewise([3, 10**6, 5 * 10**6], [0.1, 0.05, 0.01, 0.2]),
    "inverse time": lrlib.InverseTime(0.1, 0.01, 3),
    "inverse root": lrlib.InverseSqrt(0.1, 4000),
    "restarts": lrlib.CosineRestarts(0.1, 0.001, 1000),
    "doubling restarts": lrlib.CosineRestarts(0.1, 0.0, 10, t_mul=2, m_mul=0.9),
    "restarts by 1.5": lrlib.CosineRestarts(0.1, 0.0, 10, t_mul=1.5),
    "triangular": lrlib.Triangular(0.01, 0.1, 2000, 3000),
    "triangular2": lrlib.Triangular2(0.01, 0.1, 2000),
    "exp range": lrlib.ExpRange(0.01, 0.1, 2000, gamma=0.99994),
    "one-cycle": lrlib.OneCycle(0.1, 9 * 10**6),
    "trapezoid": lrlib.WarmupStableDecay(0.1, 10**6, 5 * 10**6, 3 * 10**6, shape="1-sqrt"),
    "rex": lrlib.Rex(0.3, 0.0, 9 * 10**6),
    "warm-up, cosine": lrlib.Linear(0.0, 0.1, 5000).then(lrlib.Cosine(0.1, 0.0, 9 * 10**6)),
    "cycles": lrlib.OneCycle(0.1, 1000).repeat(None, height=0.999),
    "longer cycles": lrlib.Linear(0.1, 0.0, 7).repeat(None, length=2),
    "epochs": lrlib.Linear(0.1, 0.0, 30_000).stretch(390.625),
    "stairs": lrlib.Cosine(0.1, 0.0, 9000).hold(1000),
    "rest": lrlib.CosineRestarts(0.1, 0.0, 1000).drop(500),
    "product": lrlib.Linear(0.0, 1.0, 3 * 10**6) * lrlib.StepDecay(0.5, 0.5, 10**5),
    "mirrored": 0.95 - lrlib.Triangular(0.0, 0.1, 12345),
    "clipped": lrlib.Exponential(0.1, 0.9999).clip(0.01, 0.05),
    "cut": lrlib.CosineRestarts(0.1, 0.0, 1000).take(3 * 10**6),
    "cooled": lrlib.InverseSqrt(0.1, 4000).cooldown(5 * 10**6, 10**6, shape="cosine"),
}
FAR_COUNTS = np.unique(
    np.concatenate([
        np.arange(300),
        10**7 - np.arange(300),
        *(m * np.arange(1, 10**7 // m, 7)[:, None].ravel() + d for m in (390, 1000, 5000, 100_000) for d in (-1, 0, 1)),
        *(m + np.arange(-2, 3) for m in (10**6, 3 * 10**6, 5 * 10**6, 6 * 10**6, 9 * 10**6)),
    ])
)  # fmt: skip


@pytest.fixture(params=[32, 64], ids=["32-bit", "64-bit"])
def bits(request):
    with jax.enable_x64(request.param == 64):
        yield request.param


def scanned(rate, counts):
    _, rates = jax.lax.scan(lambda count, _: (count + 1, rate(count)), jnp.int32(counts[0]), None, length=len(counts))
    return rates


TRACED = {
    "one by one": lambda rate, counts: [rate(int(t)) for t in counts],  # slow: each operation is a call
    "jit": lambda rate, counts: jax.jit(rate)(jnp.asarray(counts)),
    "vmap": lambda rate, counts: jax.vmap(rate)(jnp.asarray(counts)),
    "scan": scanned,
}


@pytest.mark.parametrize("how", TRACED)
@pytest.mark.parametrize("name", SCHEDULES)
def test_whatever_traces_it_the_rate_is_lrlib_s(name, how, bits):
    s = SCHEDULES[name]
    counts = COUNTS[:12] if how == "one by one" else COUNTS
    rates = np.asarray(TRACED[how](adapter.schedule(s), counts))
    assert rates.dtype == f"float{bits}"
    # A schedule that ends is rounded once. What has no end is computed, with some roundings of its largest value.
    exact = s.length is not None
    expected = [s(int(t)) for t in counts]
    atol = 0 if exact else ERROR * ROUNDING[bits] * max(expected)
    np.testing.assert_allclose(rates, expected, rtol=4 * ROUNDING[64] if bits == 64 else ROUNDING[32], atol=atol)


@pytest.mark.parametrize("name", SCHEDULES)
def test_computed_values_are_the_table_s(name, bits, monkeypatch):
    """Every formula in JAX's operations, those of schedules that end included; and of fractional counts."""
    monkeypatch.setattr(adapter, "LONGEST_TABLE", -1)
    s = SCHEDULES[name]
    for counts in (COUNTS, COUNTS * 0.75):
        rates = jax.jit(adapter.schedule(s))(jnp.asarray(counts))
        expected = s(counts)
        np.testing.assert_allclose(rates, expected, rtol=0, atol=ERROR * ROUNDING[bits] * expected.max())


@pytest.mark.parametrize("name", FAR)
def test_far_counts(name, bits):
    s = FAR[name]
    expected = s(FAR_COUNTS)
    for rate in (adapter.schedule(s), jax.jit(adapter.schedule(s))):
        rates = np.asarray(rate(jnp.asarray(FAR_COUNTS)), float)
        np.testing.assert_allclose(rates, expected, rtol=0, atol=ERROR * ROUNDING[bits] * expected.max())


@pytest.mark.parametrize(
    "s",
    [
        lrlib.StepDecay(1.0, 0.5, 999_983),
        lrlib.StepDecay(1.0, 0.999, 1).hold(9973),
        lrlib.StepDecay(1.0, 0.999, 30).stretch(391),
        lrlib.Piecewise([2**24 + 1, 2**24 + 3, 2**30 + 1], [0.1, 0.2, 0.3, 0.4]),
        lrlib.Constant(0.1).take(2**24 + 1).then(lrlib.Constant(0.2)),
        lrlib.Piecewise([1], [0.1, 0.2]).take(2**24 + 1).repeat(None),
    ],
    ids=repr,
)
def test_a_change_comes_at_its_very_update(s, bits):
    """float32 cannot tell 2^24 + 1 from 2^24."""
    jumps = [999_983 * np.arange(1, 11), 9973 * np.arange(1, 1000), 391 * 30 * np.arange(1, 850), 2**24 + np.arange(9)]
    counts = np.concatenate([jump + d for jump in [*jumps, 2**30 + np.arange(3)] for d in (-1, 0, 1)])
    rates = jax.jit(adapter.schedule(s))(jnp.asarray(counts))
    np.testing.assert_allclose(rates, s(counts), rtol=ERROR * ROUNDING[32], atol=1e-37)


def test_the_last_counts_of_int32():
    last = 2**31 - 1000  # drop(500) adds to it
    for s in (*FAR.values(), lrlib.Linear(0.1, 0.0, 7).repeat(None, length=3)):
        if s.length is None:
            assert float(jax.jit(adapter.schedule(s))(jnp.int32(last))) == pytest.approx(s(last), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 1.5])
def test_powers_end_in_0_and_infinity(gamma):
    rates = adapter.schedule(lrlib.StepDecay(0.1, gamma, 1))(jnp.asarray([3000, 10**6, 2**31 - 1]))
    assert rates.tolist() == [0.0 if gamma < 1 else np.inf] * 3


def test_a_negative_exponent_of_a_family_of_one_s_own():
    expected = 0.5 ** -np.array([0.0, 1.0, 2.25, 12.0])
    np.testing.assert_allclose(adapter.JaxOps.power(0.5, -jnp.asarray([0, 1, 2.25, 12])), expected, rtol=3e-7)
    np.testing.assert_allclose(adapter.JaxOps.power(0.5, -jnp.asarray([0, 1, 12])), expected[[0, 1, 3]], rtol=0)


@pytest.mark.parametrize("count", [3, 3.0, np.int64(3), np.float32(3), np.array(3, np.uint8)], ids=repr)
@pytest.mark.parametrize("s", [lrlib.Linear(0.8, 0.0, 8), lrlib.StepDecay(0.5, 0.5, 2)], ids=["table", "formula"])
def test_counts_of_every_type(s, count):
    assert float(adapter.schedule(s)(count)) == s(3)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint32", "float16", "bfloat16", "float32"])
def test_counts_of_every_jax_type(kind):
    for s in (lrlib.Linear(0.8, 0.0, 8), lrlib.Linear(0.8, 0.0, 8).repeat(None), lrlib.Constant(0.5)):
        rates = jax.jit(adapter.schedule(s))(jnp.asarray([0, 3, 100], kind))
        np.testing.assert_allclose(rates, [s(0), s(3), s(100)], rtol=ROUNDING[32])


def test_a_negative_count_is_0():
    for s in (lrlib.Linear(0.8, 0.0, 8), lrlib.InverseSqrt(0.1, 4), lrlib.InverseTime(0.1, 0.5)):
        assert adapter.schedule(s)(jnp.asarray([-1, -7])).tolist() == [np.float32(s(0))] * 2


def test_gradients_with_respect_to_a_fractional_count():
    t = jnp.asarray([0.5, 2.0, 3.25])
    slope = jax.vmap(jax.grad(adapter.schedule(lrlib.Linear(0.8, 0.0, 8))))(t)
    np.testing.assert_allclose(slope, [-0.1] * 3, rtol=1e-6)
    slope = jax.jit(jax.vmap(jax.grad(adapter.schedule(lrlib.Cosine(1.0, 0.0, 8)))))(t)
    np.testing.assert_allclose(slope, -np.pi / 16 * np.sin(np.pi * t / 8), rtol=1e-6)
    slope = jax.grad(adapter.schedule(lrlib.Exponential(1.0, 0.5)))(jnp.float32(1.5))
    assert float(slope) == pytest.approx(np.log(0.5) * 0.5**1.5, rel=1e-6)


def test_a_long_schedule_is_computed_and_holds_its_end(monkeypatch):
    s = lrlib.OneCycle(0.1, 50).stretch(1.3)  # 65 updates
    monkeypatch.setattr(adapter, "LONGEST_TABLE", 64)
    rates = np.asarray(adapter.schedule(s)(jnp.arange(80)))
    monkeypatch.undo()
    tabled = np.asarray(adapter.schedule(s)(jnp.arange(80)))
    assert (rates != tabled).any() and np.abs(rates - tabled).max() < 1e-7
    assert (tabled[65:] == np.float32(s(65))).all()


def test_a_fractional_end_is_reached():
    s = lrlib.Linear(0.4, 0.0, 5).stretch(0.7)  # 3.5 updates
    assert adapter.schedule(s)(jnp.arange(6)).tolist() == [np.float32(s(t)) for t in range(6)]


def test_a_schedule_beyond_int32(bits):
    """Tokens as updates: the clock cannot reach the end, so that it needs 64 bits or a larger unit."""
    s = lrlib.Cosine(0.1, 0.0, steps=10**12)
    if bits == 64:
        assert float(adapter.schedule(s)(5 * 10**11)) == pytest.approx(0.05)
    else:
        with pytest.raises(ValueError, match=r"steps=1000000000000.*int32.*jax_enable_x64.*stretch\(1 / units\)"):
            jax.jit(adapter.schedule(s))(jnp.int32(3))
    assert float(adapter.schedule(s.stretch(1 / 4e6))(125_000)) == pytest.approx(0.05)


@pytest.mark.parametrize(
    "wrong", [0.1, lambda count: 0.1, None, lrlib.Plateau(0.1)], ids=["0.1", "f", "None", "Plateau"]
)
def test_what_is_no_schedule_is_refused(wrong):
    with pytest.raises(TypeError, match=r"lrlib\.jax\.schedule: an lrlib Schedule is needed, got "):
        adapter.schedule(wrong)


@pytest.mark.parametrize("wrong", ["3", None, True, 1j, [1, "2"], np.array([True])], ids=repr)
def test_a_count_that_is_no_number_is_refused(wrong):
    with pytest.raises(TypeError, match="count must be a number or an array of numbers, got "):
        adapter.schedule(lrlib.Constant(0.1))(wrong)


def test_the_plain_schedule_says_where_tracers_go():
    with pytest.raises(TypeError, match=r"lrlib\.jax\.schedule\(s\)"):
        jax.jit(lrlib.Constant(0.1))(jnp.int32(3))


def test_making_one_starts_no_backend():
    """jax.distributed.initialize must come before the first array."""
    import subprocess
    import sys

    code = (
        "import lrlib; lrlib.jax.schedule(lrlib.Linear(0.1, 0.0, 5)); lrlib.jax.schedule(lrlib.InverseSqrt(0.1, 5))\n"
        "from jax._src import xla_bridge; assert not xla_bridge.backends_are_initialized()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
