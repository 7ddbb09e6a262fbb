"""A Schedule as a function that JAX can trace: for optax, for Flax, and for a loop of one's own."""

import math
from collections.abc import Callable
from typing import Any

from lrlib._extras import needed_by

with needed_by("lrlib.jax"):
    import jax.numpy as jnp
    import numpy as np

from lrlib.schedules import Schedule

__all__ = ["schedule"]

LONGEST_TABLE = 1_000_000  # updates: 4 MB of float32
_LARGEST_FLOAT = 2.0**31 - 128  # of float32 among int32's


def schedule(schedule: Schedule) -> Callable[[Any], Any]:
    """``schedule`` as a function count ↦ rate that can be traced: under ``jit``, ``vmap``, ``scan`` and ``grad``.

    rate(count) = schedule(count), in JAX's float type: float32, or float64 in its 64-bit mode. ``count`` is the number
    of updates made so far, a number or an array of them, of any integer or float type; a negative one is taken as 0.

    A schedule that ends within 1,000,000 updates becomes a table of lrlib's own values, each rounded once. Any other is
    computed, whole counts in integers: no change comes an update early or late, and up to a count of 10^7 a rate is
    within 5e-7 of the schedule's largest (cycles whose length grows by a factor that is not whole: within 1e-4).

    Errors: ``TypeError`` for what is no Schedule, and for a count that is no number; ``ValueError`` for a schedule that
    is longer than JAX's integers reach, 2^31 updates: turn on ``jax_enable_x64``, or ``stretch`` it to fewer updates.

    >>> import jax, lrlib, optax
    >>> rate = schedule(lrlib.Linear(0.5, 0.0, steps=4))
    >>> optimizer = optax.sgd(rate)
    >>> state = optimizer.init(jnp.zeros(1))
    >>> for _ in range(2):
    ...     update, state = jax.jit(optimizer.update)(jnp.ones(1), state)
    >>> float(update[0])  # the second update, at the rate of t = 1
    -0.375
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"lrlib.jax.schedule: an lrlib Schedule is needed, got {schedule!r}")
    table = _table(schedule)

    def rate(count: Any) -> Any:
        t, float_type = _clock(count), jnp.result_type(float)
        if table is not None and _whole(t):
            return jnp.asarray(table, float_type)[jnp.minimum(t, len(table) - 1)]
        try:
            return jnp.asarray(schedule.evaluate(t, JaxOps), float_type)
        except OverflowError:
            raise ValueError(
                f"lrlib.jax.schedule: {schedule!r} needs whole numbers beyond JAX's {jnp.result_type(int)}; set "
                "jax.config.update('jax_enable_x64', True), or count in larger units: schedule.stretch(1 / units)"
            ) from None

    return rate


def _table(schedule: Schedule) -> Any:
    """The values at 0, 1, … up to where the schedule ends; None where that is too far."""
    if schedule.length is None or schedule.length > LONGEST_TABLE:
        return None
    return schedule(np.arange(math.ceil(schedule.length) + 1))


def _clock(count: Any) -> Any:
    """``count`` in JAX's default integer or float type, 0 or more."""
    try:
        t = jnp.asarray(count)
    except (TypeError, ValueError):
        raise TypeError(f"count must be a number or an array of numbers, got {count!r}") from None
    if not (_whole(t) or jnp.issubdtype(t.dtype, jnp.floating)):
        raise TypeError(f"count must be a number or an array of numbers, got {count!r} of {t.dtype}")
    return jnp.maximum(t.astype(int if _whole(t) else float), 0)


def _whole(x: Any) -> bool:
    """Whether all that ``x`` can hold is whole, by its type."""
    return isinstance(x, int) or jnp.issubdtype(jnp.result_type(x), jnp.integer)


class JaxOps:
    """The operations of :class:`lrlib.schedules.Ops` on JAX's arrays, traced or not.

    float32 has 24 bits, which updates soon exceed, so what is whole stays an integer for as long as it can. And a
    compiler may turn a division by a constant into a product with its reciprocal, so whole quotients are put right.
    """

    minimum, maximum, clip = staticmethod(jnp.minimum), staticmethod(jnp.maximum), staticmethod(jnp.clip)
    cos, sqrt = staticmethod(jnp.cos), staticmethod(jnp.sqrt)

    @staticmethod
    def full(t: Any, value: float) -> Any:
        return jnp.full(jnp.shape(t), value, float)

    @staticmethod
    def divide(t: Any, n: Any) -> Any:
        k, rest = JaxOps.divmod(t, n)
        return k + rest / n

    @staticmethod
    def divmod(t: Any, n: Any) -> tuple[Any, Any]:
        k = t // n
        if not (_whole(t) and _whole(n)):
            k = jnp.where((k + 1) * n <= t, k + 1, jnp.where(k * n > t, k - 1, k))
        return k, t - k * n

    @staticmethod
    def rank(boundaries: tuple, t: Any) -> Any:
        return jnp.searchsorted(_array(_reachable(boundaries, t)), t, side="right")

    @staticmethod
    def lookup(table: tuple, k: Any) -> Any:
        return _array(table)[k]

    @staticmethod
    def power(base: float, exponent: Any) -> Any:
        # As float32, the base has an error that the exponent would multiply. So the whole part of the exponent is
        # written in digits of 11 bits, and the power of each digit is looked up in a table made in float64.
        size = abs(exponent)
        whole = size if _whole(size) else jnp.minimum(jnp.floor(size), _LARGEST_FLOAT).astype(int)
        result = 1.0 if _whole(size) else jnp.power(base, size - whole)
        for shift in (0, 11, 22):
            with np.errstate(over="ignore", under="ignore"):
                powers = np.power(float(base), np.arange(2048) * 2.0**shift)
                digit = jnp.asarray(powers.astype(jnp.result_type(float)))[(whole >> shift) & 2047]
            result = result * digit
        return jnp.where(exponent < 0, 1 / result, result)

    @staticmethod
    def choose(boundaries: tuple, t: Any, branch: Callable[[int], Any]) -> Any:
        result = branch(0)
        for i, boundary in enumerate(_reachable(boundaries, t), start=1):
            result = jnp.where(t < boundary, result, branch(i))
        return result


def _reachable(boundaries: tuple, t: Any) -> tuple:
    """The boundaries that a ``t`` of this type can reach; where it is whole, the whole number that reaches each."""
    if not _whole(t):
        return tuple(map(float, boundaries))
    largest = jnp.iinfo(jnp.result_type(int)).max
    return tuple(math.ceil(boundary) for boundary in boundaries if boundary <= largest)


def _array(values: tuple) -> Any:
    """``values`` as an array, of integers if all are; what is beyond the type's reach is the largest that is not."""
    kind = int if all(isinstance(value, int) for value in values) else float
    limits = (jnp.iinfo if kind is int else jnp.finfo)(jnp.result_type(kind))
    return jnp.asarray([kind(min(value, kind(limits.max))) for value in values], kind)
