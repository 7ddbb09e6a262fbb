"""Learning-rate schedules as immutable values.

A :class:`Schedule` is a pure function from the number of updates made so far to a learning rate: ``s(t)`` is the
rate in force during update ``t``, with ``t = 0`` first. Rates are absolute, in the optimizer's own unit.

Conventions, the same for every family:

* ``steps=N`` means: the first value at ``t = 0``, the last value exactly at ``t = N``, held for ever after. A phase of
  length 0 is skipped: what begins with the last value of a warm-up of 0 updates begins at its peak.
* ``t`` may be a number (the answer is a Python float) or a NumPy array (an array of the same shape); it may be
  fractional. A negative, infinite or NaN ``t`` is a ``ValueError``, anything that is not a number a ``TypeError``.
* A wrong parameter is refused at construction: a wrong type with ``TypeError``, a wrong value with ``ValueError``.

Each formula is written once, as ``evaluate(t, ops)``, in the operations of the protocol :class:`Ops`. Three classes
implement it: :class:`PythonOps` for Python's numbers, ``ArrayOps`` for NumPy arrays, and ``lrlib.keras.TensorOps`` for
tensors, in a compiled graph too. This file needs nothing but the standard library.
"""

import bisect
import dataclasses
import functools
import itertools
import math
import numbers
import operator
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

# ---------------------------------------------------------------------------------------------------------------------
# Parameters: what each may be is declared beside it, once, as its annotation
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Check:
    """What a parameter may be: ``convert`` raises TypeError or returns the value to keep, ``allowed`` judges it."""

    words: str
    convert: Callable[[Any], Any]
    allowed: Callable[[Any], bool] = lambda value: True
    optional: bool = False
    choices: tuple[str, ...] = ()

    @staticmethod
    def of(annotation: Any) -> "Check":
        """The check that an annotation such as :data:`Count` carries."""
        return annotation.__metadata__[0]

    def or_none(self) -> "Check":
        """The same check, for a parameter that may be None too."""
        return dataclasses.replace(self, words=f"{self.words}, or None", optional=True)

    def __call__(self, owner: str, name: str, value: Any) -> Any:
        if value is None and self.optional:
            return None
        try:
            converted = self.convert(value)
            allowed = self.allowed(converted)
        except (TypeError, ValueError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{owner}: {name} must be {self.words}, got {value!r}") from None
        if not allowed:
            raise ValueError(f"{owner}: {name} must be {self.words}, got {value!r}")
        return converted


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError
    if not math.isfinite(value):
        raise ValueError
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        whole = math.floor(value)
        if whole != value:  # 0.1 * 1000 is a count, 2.5 is none
            raise ValueError
        value = whole
    return operator.index(value)


def _many(convert: Callable[[Any], Any]) -> Callable[[Any], tuple]:
    def convert_all(values: Any) -> tuple:
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise TypeError
        return tuple(convert(value) for value in values)

    return convert_all


def _as_tuple(value: Any) -> Any:
    """A list, and lists within it, as tuples: a set of parameters is immutable and has a hash."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _schedule(value: Any) -> "Schedule":
    if not isinstance(value, Schedule):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def one_of(*choices: str) -> Check:
    """A parameter that is one of a few words."""

    def convert(value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        return value

    return Check("one of " + ", ".join(map(repr, choices)), convert, choices.__contains__, choices=choices)


Number = Annotated[float, Check("a finite number", _real)]
Rate = Annotated[float, Check("a finite number, 0 or more", _real, lambda x: x >= 0)]
Positive = Annotated[float, Check("a finite number above 0", _real, lambda x: x > 0)]
Growth = Annotated[float, Check("a finite number, 1 or more", _real, lambda x: x >= 1)]
Share = Annotated[float, Check("a number from 0 up to, but not including, 1", _real, lambda x: 0 <= x < 1)]
Count = Annotated[int, Check("a whole number, 1 or more", _count, lambda n: n >= 1)]
Length = Annotated[int, Check("a whole number, 0 or more", _count, lambda n: n >= 0)]
OptionalCount = Annotated[int | None, Check.of(Count).or_none()]
OptionalPositive = Annotated[float | None, Check.of(Positive).or_none()]
Rates = Annotated[
    tuple[float, ...],
    Check("a sequence of finite numbers, 0 or more", _many(_real), lambda xs: all(x >= 0 for x in xs)),
]
Boundaries = Annotated[
    tuple[int, ...],
    Check(
        "a non-empty, strictly rising sequence of whole numbers, 1 or more",
        _many(_count),
        lambda ns: bool(ns) and all(a < b for a, b in zip((0, *ns), ns, strict=False)),
    ),
]
Flag = Annotated[bool, Check("True or False", _flag)]
Parts = Annotated[tuple["Schedule", ...], Check("a sequence of Schedules", _many(_schedule))]
Inner = Annotated["Schedule", Check("a Schedule", _schedule)]

# What the annotations `float` and `int` of a user's own family stand for.
_BARE = {float: Number, int: Annotated[int, Check("a whole number", _count)]}


@typing.dataclass_transform(frozen_default=True)
def checked(cls: type) -> type:
    """Make ``cls`` a frozen dataclass whose annotated parameters are checked and converted on construction."""
    cls = dataclasses.dataclass(frozen=True, repr=False)(cls)
    checks = []
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        hint = _BARE.get(hint, hint)
        checks += [(name, check) for check in getattr(hint, "__metadata__", ()) if isinstance(check, Check)]
    cls._checks = tuple(checks)  # type: ignore[attr-defined]
    return cls


class Parameters:
    """A set of parameters, checked and immutable, whose ``repr`` can be pasted back. Subclasses use :func:`checked`."""

    _checks: typing.ClassVar[tuple[tuple[str, Check], ...]] = ()

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name, check in self._checks:
            object.__setattr__(self, name, check(owner, name, getattr(self, name)))
        for name, value in list(vars(self).items()):
            object.__setattr__(self, name, _as_tuple(value))
        self.check()

    def check(self) -> None:
        """Raise ValueError for parameters that are good one by one but not together."""

    def refuse(self, rule: str, **received: Any) -> typing.NoReturn:
        """Raise the ValueError for parameters that break ``rule``."""
        got = ", ".join(f"{name}={value!r}" for name, value in received.items())
        raise ValueError(f"{type(self).__name__}: {rule}, got {got}")

    def _parameters(self) -> dict[str, Any]:
        if not dataclasses.is_dataclass(self):
            raise TypeError(f"{type(self).__name__} is not registered: decorate the class with @lrlib.register")
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        if not dataclasses.is_dataclass(self):
            return object.__repr__(self)
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._parameters().items())})"


_KINDS: dict[str, type] = {}


@typing.dataclass_transform(frozen_default=True)
def register(cls: type) -> type:
    """Class decorator that makes a subclass of :class:`Schedule` a full family: checked, comparable, serialisable.

    The class annotates its parameters and defines ``evaluate(t, ops)``; a finite family also defines ``length``.

    Errors: ``TypeError`` if ``cls`` is no subclass of Schedule, ``ValueError`` if the name is taken by another class
    (the same class may be defined again: a cell run twice, a module reloaded).

    >>> @register
    ... class Sawtooth(Schedule):
    ...     high: Rate
    ...     period: Count
    ...
    ...     def evaluate(self, t, ops):
    ...         _, position = ops.divmod(t, self.period)
    ...         return self.high * (1 - position / self.period)
    >>> Sawtooth(high=0.1, period=4)(5)
    0.07500000000000001
    >>> from_dict(Sawtooth(0.1, 4).to_dict()) == Sawtooth(0.1, 4)
    True
    """
    if not (isinstance(cls, type) and issubclass(cls, Schedule)):
        raise TypeError(f"register: a subclass of Schedule is needed, got {cls!r}")
    registered = _KINDS.get(cls.__name__)
    if registered is not None and not _defined_again(cls, registered):
        taken = f"{registered.__module__}.{registered.__qualname__}"
        raise ValueError(f"register: the name {cls.__name__!r} is taken by {taken}")
    cls = checked(cls)
    _KINDS[cls.__name__] = cls
    return cls


def _defined_again(cls: type, registered: type) -> bool:
    """A notebook's cell was run twice, or a module reloaded; anything else that reuses a name is a mistake."""
    if cls.__module__ == registered.__module__ == "__main__":
        return True
    return (cls.__module__, cls.__qualname__) == (registered.__module__, registered.__qualname__)


def from_dict(data: Mapping[str, Any]) -> "Schedule":
    """The schedule that ``to_dict`` described. Only registered kinds are built; nothing is executed.

    Errors: ``TypeError`` if ``data`` is no mapping; ``ValueError`` for an unknown kind or for parameters that the
    kind does not have or lacks; and whatever the kind's own checks raise.

    >>> from_dict({"kind": "Constant", "lr": 0.1})
    Constant(lr=0.1)
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"from_dict: a mapping with a 'kind' is needed, got {data!r}")
    parameters = {name: _decode(item) for name, item in data.items() if name != "kind"}
    kind = data.get("kind")
    cls = _KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ValueError(f"from_dict: unknown kind {kind!r}; known are {', '.join(sorted(_KINDS))}")
    check_names(kind, cls, parameters)  # type: ignore[arg-type]
    return cls(**parameters)


def check_names(owner: str, cls: type, given: Mapping[str, Any]) -> None:
    """Raise ValueError unless ``given`` has all parameters of ``cls`` that have no default, and no others."""
    fields = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(cls)}
    unknown = sorted(given.keys() - fields.keys(), key=str)
    missing = [name for name, needed in fields.items() if needed and name not in given]
    wrong = [f"has no parameters {unknown}"] * bool(unknown) + [f"needs {missing}"] * bool(missing)
    if wrong:
        raise ValueError(
            f"from_dict: {owner} {' and '.join(wrong)}; its parameters are {list(fields)}, got {sorted(given, key=str)}"
        )


def _decode(item: Any) -> Any:
    if isinstance(item, Mapping):
        return from_dict(item)
    return tuple(map(_decode, item)) if isinstance(item, Sequence) and not isinstance(item, (str, bytes)) else item


def _encode(item: Any) -> Any:
    if isinstance(item, Schedule):
        return item.to_dict()
    return [_encode(part) for part in item] if isinstance(item, tuple) else item


# ---------------------------------------------------------------------------------------------------------------------
# Operations: what a formula may use
# ---------------------------------------------------------------------------------------------------------------------


class Ops(typing.Protocol):
    """The operations that a formula may use beside Python's arithmetic: one implementation for each kind of ``t``.

    ``t`` and what is computed from it are Python numbers, NumPy arrays or tensors; constants are Python numbers.
    """

    def minimum(self, x: Any, y: Any, /) -> Any:
        """The smaller of two values."""

    def maximum(self, x: Any, y: Any, /) -> Any:
        """The larger of two values."""

    def clip(self, x: Any, low: float, high: float, /) -> Any:
        """``x``, not below ``low`` and not above ``high``."""

    def divide(self, t: Any, n: Any, /) -> Any:
        """t / n, exact where it is a whole number (``/`` need not be, in a compiled graph)."""

    def divmod(self, t: Any, n: Any, /) -> tuple[Any, Any]:
        """(⌊t / n⌋, what is left of t)."""

    def power(self, base: float, exponent: Any, /) -> Any:
        """A constant above 0 to a power; its limit, infinite or 0, where that or the power is too large for a float."""

    def cos(self, x: Any, /) -> Any:
        """The cosine of an angle in radians."""

    def sqrt(self, x: Any, /) -> Any:
        """The square root."""

    def full(self, t: Any, value: float, /) -> Any:
        """``value`` in the shape of ``t``."""

    def rank(self, boundaries: tuple, t: Any, /) -> Any:
        """How many of the sorted boundaries are <= t."""

    def lookup(self, table: tuple, k: Any, /) -> Any:
        """``table[k]``."""

    def choose(self, boundaries: tuple, t: Any, branch: Callable[[int], Any], /) -> Any:
        """``branch(k)``, where k of the sorted boundaries are <= t."""


class PythonOps:
    """:class:`Ops` on Python's numbers. Whole ``t`` stays an ``int``, so cycle arithmetic is exact at any size."""

    minimum = staticmethod(min)
    maximum = staticmethod(max)
    divide = staticmethod(operator.truediv)
    cos = staticmethod(math.cos)
    sqrt = staticmethod(math.sqrt)
    rank = staticmethod(bisect.bisect_right)
    lookup = staticmethod(operator.getitem)

    @staticmethod
    def full(t: Any, value: float) -> Any:
        return value

    @staticmethod
    def clip(x: Any, low: float, high: float) -> Any:
        return low if x < low else high if x > high else x

    @staticmethod
    def divmod(t: Any, n: Any) -> tuple[Any, Any]:
        if type(t) is int and type(n) is int:
            return divmod(t, n)
        k = math.floor(t / n)
        return k, t - k * n

    @staticmethod
    def power(base: float, exponent: Any) -> Any:
        try:
            return base**exponent
        except OverflowError:  # as in NumPy; a whole exponent may be too large itself
            return 1.0 if base == 1 else math.inf if (base > 1) == (exponent > 0) else 0.0

    @staticmethod
    def choose(boundaries: tuple, t: Any, branch: Callable[[int], Any]) -> Any:
        return branch(bisect.bisect_right(boundaries, t))


@functools.cache
def _array_ops() -> Ops:
    """:class:`Ops` on NumPy arrays of float64; made on first use, so that NumPy is not needed before."""
    import numpy as np

    class ArrayOps:
        minimum, maximum, divide, cos, sqrt, power = np.minimum, np.maximum, np.divide, np.cos, np.sqrt, np.power
        full, clip = staticmethod(np.full_like), staticmethod(np.clip)

        @staticmethod
        def rank(boundaries: tuple, t: Any) -> Any:
            return np.searchsorted(np.asarray(boundaries, float), t, side="right")

        @staticmethod
        def divmod(t: Any, n: Any) -> tuple[Any, Any]:
            k = np.floor(t / n)
            return k, t - k * n

        @staticmethod
        def lookup(table: tuple, k: Any) -> Any:
            return np.asarray(table, float)[k]

        @staticmethod
        def choose(boundaries: tuple, t: Any, branch: Callable[[int], Any]) -> Any:
            result = branch(0)
            for i, boundary in enumerate(boundaries, start=1):
                result = np.where(t < boundary, result, branch(i))
            return result

    return ArrayOps


def _blend(start: float, end: float, x: Any, ops: Ops, bounded: bool = True) -> Any:
    """``start`` at x = 0 and ``end`` at x = 1, both exactly; with 0 <= x <= 1, never outside them by a rounding."""
    blended = start * (1 - x) + end * x
    if not bounded:
        return blended
    return ops.clip(blended, start, end) if start <= end else ops.clip(blended, end, start)


def _way(t: Any, steps: int, ops: Ops) -> Any:
    """How much of the way is done: t/steps, 1 from ``steps`` on; no steps are no way."""
    return ops.minimum(t, steps) / steps if steps else ops.full(t, 1.0)


def _half_cosine(x: Any, ops: Ops) -> Any:
    """From 0 at x = 0 to 1 at x = 1, level at both ends."""
    return (1 - ops.cos(math.pi * x)) / 2


# How an annealed segment goes from 0 to 1. One of them has two names: torch's OneCycleLR writes "cos".
_ANNEALING: dict[str, Callable[[Any, Ops], Any]] = {
    "linear": lambda x, ops: x,
    "cos": _half_cosine,
    "cosine": _half_cosine,
    "1-sqrt": lambda x, ops: ops.sqrt(x),
}


def _interpolate(t: Any, knots: tuple, values: tuple, shapes: tuple, ops: Ops) -> Any:
    """Through ``(knots[i], values[i])``, segment i annealed as ``shapes[i]`` says; the last value is held."""

    def segment(i: int) -> Any:
        x = _way(ops.maximum(t - knots[i], 0), knots[i + 1] - knots[i], ops)
        return _blend(values[i], values[i + 1], _ANNEALING[shapes[i]](x, ops), ops)

    return ops.choose(knots[1:-1], t, segment)


_MOST_CYCLES = 100_000  # a factor next to 1 would need billions of entries, and hours


@functools.lru_cache(maxsize=256)
def _cycle_table(first: float, factor: float, count: int | None) -> tuple[tuple, tuple]:
    """(start of each cycle, its length in first cycles); whole numbers stay whole, so that the starts are exact.

    Errors: ``ValueError`` if it would be longer than ``_MOST_CYCLES``.
    """
    whole = _whole(factor)
    limit = 2**1000 if isinstance(whole, int) else 2**63  # beyond it floats overflow, or rounding decides
    starts: list[float] = [0]
    scales: list[float] = [1]
    while count is None or len(starts) < count:
        start, scale = starts[-1] + first * scales[-1], scales[-1] * whole
        if start == starts[-1] or max(start, scale) > limit:  # shorter than a rounding, or far enough
            break
        if len(starts) == _MOST_CYCLES:
            raise ValueError(f"more than {_MOST_CYCLES} cycles of different lengths")
        starts.append(start)
        scales.append(scale)
    return tuple(starts), tuple(scales)


def _check_cycles(owner: Parameters, name: str, first: float, factor: float, count: int | None) -> None:
    """Make the table that ``_locate`` will use, now: a factor that it cannot serve is refused at construction."""
    if factor != 1:
        try:
            _cycle_table(first, factor, count)
        except ValueError as error:
            owner.refuse(f"{name} must be 1, or farther from 1: it makes {error}", **{name: factor})


def _locate(t: Any, first: Any, factor: float, count: int | None, ops: Ops) -> tuple[Any, Any]:
    """(k, position on the first cycle's clock) where cycle k is ``first · factor^k`` updates long."""
    if factor == 1:
        k, position = ops.divmod(t, first)
        if count is None:
            return k, position
        k = ops.minimum(k, count - 1)
        return k, t - k * first
    starts, scales = _cycle_table(first, factor, count)
    k = ops.rank(starts, t) - 1
    return k, ops.divide(t - ops.lookup(starts, k), ops.lookup(scales, k))


def _whole(x: float) -> float:
    """2.0 as 2: a whole-numbered length is an int, and on ints cycle arithmetic is exact at any size."""
    return int(x) if isinstance(x, float) and x.is_integer() else x


def _scaled(length: float | None, factor: float) -> float | None:
    return None if length is None else _whole(length * _whole(factor))


# ---------------------------------------------------------------------------------------------------------------------
# Schedule and its algebra
# ---------------------------------------------------------------------------------------------------------------------


_MOST_POINTS = 10_000  # more than a screen has columns
_GOLDEN = (5**0.5 - 1) / 2  # its multiples, less their whole parts, are spread evenly from 0 to 1


class Schedule(Parameters):
    """An immutable function from the number of updates made so far to a learning rate.

    ``s(t)`` is the rate in force during update ``t``, ``t = 0`` first. ``==`` and ``hash`` are structural, ``repr``
    can be pasted back, ``to_dict`` and :func:`from_dict` go through JSON.

    Errors: a parameter of a wrong type is a ``TypeError``, a wrong value a ``ValueError``; each names the parameter,
    what was received and what is allowed.

    Algebra, nestable in any order: :meth:`then`, :meth:`take`, :meth:`drop`, :meth:`cooldown`, :meth:`repeat`,
    :meth:`stretch`, :meth:`hold`, :meth:`clip`; and ``k * a``, ``a * b``, ``a + c``, ``a - c``, ``c - a`` with numbers
    ``k`` and ``c``.

    >>> warm = Linear(0.0, 0.1, steps=4).then(Cosine(0.1, 0.0, steps=6))
    >>> [round(warm(t), 4) for t in range(11)]
    [0.0, 0.025, 0.05, 0.075, 0.1, 0.0933, 0.075, 0.05, 0.025, 0.0067, 0.0]
    >>> warm.length
    10
    """

    __array_ufunc__ = None  # so that np.float64(2) * schedule calls our __rmul__

    def evaluate(self, t: Any, ops: Ops) -> Any:
        """The formula, in the operations of ``ops``; ``t`` is valid already."""
        raise NotImplementedError(f"{type(self).__name__} defines no evaluate(t, ops)")

    @property
    def length(self) -> float | None:
        """Updates until the schedule holds its value for ever; None if it never does."""
        return None

    def held(self, n: float) -> float:
        """The value that ``take(n)`` holds: the end of a cycle that ends at ``n``, not the next one's start."""
        return float(self.evaluate(n, PythonOps))

    def phases(self) -> list[tuple[str, float, float | None]]:
        """(name, first update, update after the last or None) of each phase, for :meth:`describe`."""
        return [(type(self).__name__, 0, self.length)]

    def __call__(self, t: Any = None) -> Any:  # only Keras, given a bare Schedule, passes nothing: told below
        if type(t) is int or type(t) is float:
            if not 0 <= t < math.inf:
                raise ValueError(f"t must be a finite number, 0 or more, got {t!r}")
            return float(self.evaluate(t, PythonOps))
        numpy = sys.modules.get("numpy")  # not imported for this: who passes an array has done so
        if numpy is not None and isinstance(t, numpy.ndarray):
            return self._call_array(t, numpy)
        if isinstance(t, bool) or not isinstance(t, numbers.Real):
            tensor = hasattr(t, "dtype")
            advice = "; for a tensor take lrlib.keras.Schedule(s), lrlib.jax.schedule(s) or s(int(t))" if tensor else ""
            advice = "; as Keras's learning_rate pass lrlib.keras.Schedule(s)" if t is None else advice
            raise TypeError(f"t must be a number or a NumPy array of numbers, got {t!r}{advice}")
        return self(int(t) if isinstance(t, numbers.Integral) else float(t))

    def _call_array(self, t: Any, numpy: Any) -> Any:
        if t.dtype.kind not in "iuf":
            raise TypeError(f"t must be a number or a NumPy array of numbers, got an array of {t.dtype}")
        if t.size and not (t.min() >= 0 and t.max() < math.inf):
            raise ValueError("t must hold finite numbers, 0 or more; the array has negative, infinite or NaN elements")
        with numpy.errstate(over="ignore", under="ignore"):
            result = self.evaluate(t.astype(float), _array_ops())
        return numpy.asarray(result, float)

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON's own types: ``kind`` and the parameters. Errors: ``TypeError`` if not registered.

        >>> Constant(0.1).to_dict()
        {'kind': 'Constant', 'lr': 0.1}
        """
        parameters = self._parameters()
        return {"kind": type(self).__name__, **{name: _encode(item) for name, item in parameters.items()}}

    def then(self, after: "Schedule") -> "Then":
        """This schedule for its length, then ``after`` from its own 0; associative.

        Errors: ``ValueError`` if this schedule never ends (``take(n)`` gives it an end).

        >>> Constant(0.1).take(100).then(Linear(0.1, 0.0, 50)).length
        150
        """
        return Then((self, after))

    def take(self, n: int) -> "Take":
        """t ↦ a(min(t, n)), of length ``n``; a cycle that ends at ``n`` holds its end, not the next one's start.

        >>> CosineRestarts(0.1, 0.0, first=10).take(10)(10)
        0.0
        """
        return Take(self, n)

    def drop(self, n: int) -> "Drop":
        """The rest: t ↦ a(t + n), of length len(a) − n. What a second stage that begins at update ``n`` plays.

        The rest twice as fast, for a batch twice as large from update 400 on:

        >>> s = Cosine(0.1, 0.0, steps=1000)
        >>> s.take(400).then(s.drop(400).stretch(0.5))(500) == s(600)
        True
        """
        return Drop(self, n)

    def cooldown(self, at: int, steps: int, end: float = 0.0, shape: str = "linear") -> "Then":
        """The first ``at`` updates, then from a(at) to ``end`` (an absolute rate) in ``steps``; held from there.

        ``shape`` is "linear", "cosine" or "1-sqrt", as in :class:`WarmupStableDecay`.

        Errors: ``ValueError`` for a negative a(at), and for other counts, rates and shapes than there.

        >>> s = InverseSqrt(0.1, warmup=100).cooldown(at=400, steps=50)
        >>> s(400), s(425), s(450)
        (0.05, 0.025, 0.0)
        """
        at, steps = (Check.of(Length)("cooldown", *pair) for pair in (("at", at), ("steps", steps)))
        peak = Check.of(Rate)("cooldown", f"the rate of update {at}", self(at))
        return self.take(at).then(WarmupStableDecay(peak, 0, 0, steps, end=end, shape=shape))

    def repeat(self, n: int | None, length: float = 1, height: float = 1.0) -> "Repeat":
        """``n`` copies (None: for ever), each one's length and values scaled from the last by ``length``, ``height``.

        Errors: ``ValueError`` if this schedule never ends, or ``n`` is None and ``length`` below 1.

        >>> Linear(0.1, 0.0, steps=2).repeat(2, length=2, height=0.5).length
        6
        """
        return Repeat(self, n, Check.of(Positive)("repeat", "length", length), height)

    def stretch(self, k: float) -> "Stretch":
        """t ↦ a(t / k): a definition in epochs on a clock of ``k`` updates an epoch; length ``k`` times as long.

        >>> Linear(0.1, 0.0, steps=5).stretch(600)(1500)
        0.05
        """
        return Stretch(self, k)

    def hold(self, n: int) -> "Hold":
        """t ↦ a(⌊t / n⌋): changes only every ``n`` updates; length ``n`` times as long.

        >>> Linear(0.1, 0.0, steps=4).hold(600)(1799)
        0.05
        """
        return Hold(self, n)

    def clip(self, low: float, high: float) -> "Clip":
        """Bounded: t ↦ min(max(a(t), low), high).

        >>> Exponential(0.1, 0.5).clip(0.01, 1.0)(100)
        0.01
        """
        return Clip(self, low, high)

    def __mul__(self, other: Any) -> "Schedule":
        if isinstance(other, Schedule):
            return Product(self, other)
        return Affine(self, scale=other) if _is_number(other) else NotImplemented

    def __rmul__(self, other: Any) -> "Schedule":
        return Affine(self, scale=other) if _is_number(other) else NotImplemented

    def __add__(self, other: Any) -> "Schedule":
        return Affine(self, shift=other) if _is_number(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Schedule":
        return Affine(self, shift=-other) if _is_number(other) else NotImplemented

    def __rsub__(self, other: Any) -> "Schedule":
        return Affine(self, scale=-1.0, shift=other) if _is_number(other) else NotImplemented

    def describe(self, horizon: int | None = None) -> dict[str, Any]:
        """What the schedule does in its first ``horizon`` updates (its length where it has one), as a plain dict.

        ``start`` is s(0), ``end`` s(horizon), ``peak`` the largest of s(0) … s(horizon), ``peak_at`` the first update
        there; ``mean`` the mean of s(0) … s(horizon − 1), the rates that the updates really use: compare schedules at
        equal ``mean``. Without a length or a horizon these are None. ``phases`` lists name, start and stop. Costs one
        evaluation an update.

        >>> Linear(0.1, 0.0, steps=4).describe()["mean"]
        0.0625
        """
        if horizon is not None:
            horizon = Check.of(Length)("describe", "horizon", horizon)
        elif self.length is not None:
            horizon = math.ceil(self.length)
        end, peak, peak_at, mean = (None,) * 4 if horizon is None else self._within(horizon)
        facts = {"start": self(0), "end": end, "peak": peak, "peak_at": peak_at, "mean": mean}
        phases = [dict(zip(("name", "start", "stop"), phase, strict=True)) for phase in self.phases()]
        return {"phases": phases, "length": self.length, "horizon": horizon, **facts}

    def _within(self, horizon: int) -> tuple[float, float, int, float | None]:
        """(end, peak, peak_at, mean) as :meth:`describe` has them, in one pass that keeps no list of the rates."""
        peak, peak_at = self(0), 0

        def rates() -> Iterator[float]:
            nonlocal peak, peak_at
            for t in range(horizon):
                rate = self(t)
                if rate > peak:
                    peak, peak_at = rate, t
                yield rate

        total, end = math.fsum(rates()), self(horizon)
        if end > peak:
            peak, peak_at = end, horizon
        return end, peak, peak_at, total / horizon if horizon else None

    def plot(self, horizon: int | None = None, ax: Any = None, **line: Any) -> Any:
        """Draw the rate of each update up to ``horizon`` (default: the length) on ``ax``; returns the axes.

        Of more than 10,000 updates it draws about so many, one of each stretch, and both sides of the end of each
        phase. Cycles that are shorter than such a stretch look like a band.

        Errors: ``TypeError`` or ``ValueError`` for a horizon that is no whole number, 0 or more, ``ValueError`` if the
        schedule never ends and no horizon is given. Needs matplotlib.
        """
        from lrlib._extras import needed_by  # not above: this file also runs alone

        with needed_by("plot"):
            import matplotlib.pyplot as plt
            import numpy as np

        if horizon is None and self.length is None:
            raise ValueError(f"plot: {self!r} never ends; give the horizon to draw, in updates")
        ends = math.ceil(self.length) if horizon is None else horizon  # type: ignore[arg-type]
        t = np.array(self._drawn(Check.of(Length)("plot", "horizon", ends)), float)
        if len(t) == 1:  # of which no line could be drawn
            line.setdefault("marker", "o")
        ax = ax or plt.gca()
        ax.plot(t, self(t), **line)
        ax.set(xlabel="updates", ylabel="learning rate")
        return ax

    def _drawn(self, horizon: int) -> list[int]:
        """The updates that :meth:`plot` draws."""
        stride = max(math.ceil(horizon / _MOST_POINTS), 1)
        # One of each stride, at another place in it each time: a cycle that fits the stride would look like a constant.
        within = (int(i * _GOLDEN % 1 * stride) for i in itertools.count())
        ends = [math.ceil(stop) for _, _, stop in self.phases() if stop is not None]
        chosen = {*map(operator.add, range(0, horizon, stride), within), horizon, *ends, *(end - 1 for end in ends)}
        return sorted(t for t in chosen if 0 <= t <= horizon)


def _is_number(x: Any) -> bool:
    return isinstance(x, numbers.Real) and not isinstance(x, bool)


@register
class Then(Schedule):
    """``parts`` one after another, each from its own 0; what ``a.then(b)`` makes. A Then within is flattened.

    >>> a, b, c = Linear(0, 1, 2), Linear(1, 0, 2), Constant(0)
    >>> a.then(b).then(c) == a.then(b.then(c))
    True
    """

    parts: Parts

    def check(self) -> None:
        flat: list[Schedule] = []
        for part in self.parts:
            flat += part.parts if isinstance(part, Then) else [part]
        object.__setattr__(self, "parts", tuple(flat))
        if len(flat) < 2:
            self.refuse("two parts or more are needed", parts=self.parts)
        for part in flat[:-1]:
            if part.length is None:
                raise ValueError(f"then: {part!r} never ends; give it an end with take(n)")

    @functools.cached_property
    def _starts(self) -> tuple:
        lengths = [part.length for part in self.parts[:-1]]
        return tuple(_whole(start) for start in itertools.accumulate(lengths, initial=0))  # type: ignore[arg-type]

    def evaluate(self, t: Any, ops: Ops) -> Any:
        def part(i: int) -> Any:
            own = ops.maximum(t - self._starts[i], 0) if i else t
            return self.parts[i].evaluate(own, ops)

        return ops.choose(self._starts[1:], t, part)

    @property
    def length(self) -> float | None:
        last = self.parts[-1].length
        return None if last is None else _whole(self._starts[-1] + last)

    def held(self, n: float) -> float:
        k = bisect.bisect_right(self._starts[1:], n)
        return self.parts[k].held(n - self._starts[k])

    def phases(self) -> list[tuple[str, float, float | None]]:
        return [
            (name, begin + start, None if stop is None else begin + stop)
            for begin, part in zip(self._starts, self.parts, strict=True)
            for name, start, stop in part.phases()
            if start != stop
        ]

    def __repr__(self) -> str:
        first, *rest = self.parts
        return repr(first) + "".join(f".then({part!r})" for part in rest)


@register
class Take(Schedule):
    """The first ``n`` updates of ``inner``, its value there held for ever; what ``a.take(n)`` makes.

    >>> Exponential(0.1, gamma=0.5).take(2)(100)
    0.025
    """

    inner: Inner
    n: Length

    length = property(operator.attrgetter("n"))

    @functools.cached_property
    def _end(self) -> float:
        return self.inner.held(self.n)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        def before_or_after(i: int) -> Any:
            return ops.full(t, self._end) if i else self.inner.evaluate(ops.minimum(t, self.n), ops)

        return ops.choose((self.n,), t, before_or_after)

    def held(self, n: float) -> float:
        return self.inner.held(min(n, self.n))

    def phases(self) -> list[tuple[str, float, float | None]]:
        inside = [phase for phase in self.inner.phases() if phase[1] < self.n]
        return [(name, start, self.n if stop is None else min(stop, self.n)) for name, start, stop in inside]

    def __repr__(self) -> str:
        return f"{self.inner!r}.take({self.n})"


@register
class Drop(Schedule):
    """t ↦ inner(t + n); what ``a.drop(n)`` makes. A Drop within is merged.

    >>> Linear(0.1, 0.0, steps=4).drop(1).drop(1) == Linear(0.1, 0.0, steps=4).drop(2)
    True
    """

    inner: Inner
    n: Length

    def check(self) -> None:
        if isinstance(self.inner, Drop):
            object.__setattr__(self, "n", self.n + self.inner.n)
            object.__setattr__(self, "inner", self.inner.inner)

    @property
    def length(self) -> float | None:
        return None if self.inner.length is None else max(self.inner.length - self.n, 0)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self.inner.evaluate(t + self.n, ops)

    def held(self, n: float) -> float:
        return self.inner.held(n + self.n)

    def phases(self) -> list[tuple[str, float, float | None]]:
        left = [phase for phase in self.inner.phases() if phase[2] is None or phase[2] > self.n]
        return [(name, max(start - self.n, 0), None if stop is None else stop - self.n) for name, start, stop in left]

    def __repr__(self) -> str:
        return f"{self.inner!r}.drop({self.n})"


@register
class Repeat(Schedule):
    """Copies of ``inner``, each scaled from the last; what ``a.repeat(n, factor, height)`` makes.

    Copy k begins at L·(1 + factor + … + factor^(k−1)), lasts L·factor^k and has the values of ``inner`` times height^k.

    >>> halving = Linear(0.1, 0.0, steps=2).repeat(3, height=0.5)
    >>> [halving(t) for t in range(7)]
    [0.1, 0.05, 0.05, 0.025, 0.025, 0.0125, 0.0]
    """

    inner: Inner
    n: OptionalCount
    factor: Positive = 1.0
    height: Positive = 1.0

    def check(self) -> None:
        if self.inner.length is None:
            raise ValueError(f"repeat: {self.inner!r} never ends; give it an end with take(n)")
        if not self.inner.length:
            raise ValueError(f"repeat: {self.inner!r} has length 0, so that its copies would never end")
        if self.n is None and self.factor < 1:
            raise ValueError(f"repeat: for ever (n=None) needs a length of 1 or more, got {self.factor!r}")
        _check_cycles(self, "length", self.inner.length, self.factor, self.n)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        k, position = _locate(t, self.inner.length, self.factor, self.n, ops)
        copy = self.inner.evaluate(ops.maximum(position, 0), ops)
        return copy if self.height == 1 else copy * ops.power(self.height, k)

    @property
    def length(self) -> float | None:
        if self.n is None:
            return None
        if self.factor == 1:
            return _scaled(self.inner.length, self.n)
        starts, scales = _cycle_table(self.inner.length, self.factor, self.n)
        return _whole(starts[-1] + self.inner.length * scales[-1])

    def held(self, n: float) -> float:
        k, position = _locate(n, self.inner.length, self.factor, self.n, PythonOps)
        if k and not position:
            k, position = k - 1, self.inner.length
        return self.inner.held(position) * PythonOps.power(self.height, k)

    def __repr__(self) -> str:
        return f"{self.inner!r}.repeat({self.n}, length={self.factor!r}, height={self.height!r})"


@register
class Stretch(Schedule):
    """t ↦ inner(t / k); what ``a.stretch(k)`` makes.

    >>> Linear(0.1, 0.0, steps=5).stretch(0.5).length
    2.5
    """

    inner: Inner
    k: Positive

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self.inner.evaluate(ops.divide(t, self.k), ops)

    @property
    def length(self) -> float | None:
        return _scaled(self.inner.length, self.k)

    def held(self, n: float) -> float:
        return self.inner.held(n / self.k)

    def phases(self) -> list[tuple[str, float, float | None]]:
        return _stretched(self.inner.phases(), self.k)

    def __repr__(self) -> str:
        return f"{self.inner!r}.stretch({self.k!r})"


@register
class Hold(Schedule):
    """t ↦ inner(⌊t / n⌋); what ``a.hold(n)`` makes.

    >>> Linear(0.1, 0.0, steps=5).hold(600).length
    3000
    """

    inner: Inner
    n: Count

    def evaluate(self, t: Any, ops: Ops) -> Any:
        k, _ = ops.divmod(t, self.n)
        return self.inner.evaluate(k, ops)

    @property
    def length(self) -> float | None:
        whole = None if self.inner.length is None else math.ceil(self.inner.length)  # the last change is at its end
        return _scaled(whole, self.n)

    def held(self, n: float) -> float:
        k, rest = PythonOps.divmod(n, self.n)
        return float(self.inner.evaluate(k, PythonOps)) if rest else self.inner.held(k)

    def phases(self) -> list[tuple[str, float, float | None]]:
        return _stretched(self.inner.phases(), self.n)

    def __repr__(self) -> str:
        return f"{self.inner!r}.hold({self.n})"


def _stretched(phases: list, factor: float) -> list:
    return [(name, _scaled(start, factor), _scaled(stop, factor)) for name, start, stop in phases]


@register
class Affine(Schedule):
    """t ↦ scale · inner(t) + shift; what ``k * a``, ``a + c``, ``a - c`` and ``c - a`` make.

    A momentum that falls as the rate rises:

    >>> (0.95 - Triangular(0.0, 0.1, step_size=10))(10)
    0.85
    """

    inner: Inner
    scale: Number = 1.0
    shift: Number = 0.0

    length = property(operator.attrgetter("inner.length"))

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self.scale * self.inner.evaluate(t, ops) + self.shift

    def held(self, n: float) -> float:
        return self.scale * self.inner.held(n) + self.shift

    def phases(self) -> list[tuple[str, float, float | None]]:
        return self.inner.phases()

    def __repr__(self) -> str:
        if self.shift == 0:
            return f"({self.scale!r} * {self.inner!r})"
        if self.scale == 1:
            return f"({self.inner!r} + {self.shift!r})"
        if self.scale == -1:
            return f"({self.shift!r} - {self.inner!r})"
        return super().__repr__()


@register
class Product(Schedule):
    """t ↦ a(t) · b(t), of the longer one's length; what ``a * b`` makes.

    >>> (Linear(0.0, 1.0, steps=2) * StepDecay(0.5, gamma=0.5, every=4))(4)
    0.25
    """

    a: Inner
    b: Inner

    @property
    def length(self) -> float | None:
        lengths = (self.a.length, self.b.length)
        return None if None in lengths else max(lengths)  # type: ignore[type-var]

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self.a.evaluate(t, ops) * self.b.evaluate(t, ops)

    def held(self, n: float) -> float:
        return self.a.held(n) * self.b.held(n)

    def __repr__(self) -> str:
        return f"({self.a!r} * {self.b!r})"


@register
class Clip(Schedule):
    """t ↦ min(max(inner(t), low), high); what ``a.clip(low, high)`` makes. Errors: ``ValueError`` if low > high.

    >>> Linear(0.1, 0.0, steps=4).clip(0.03, 0.08)(4)
    0.03
    """

    inner: Inner
    low: Number
    high: Number

    length = property(operator.attrgetter("inner.length"))

    def check(self) -> None:
        if self.low > self.high:
            self.refuse("low must not be above high", low=self.low, high=self.high)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return ops.clip(self.inner.evaluate(t, ops), self.low, self.high)

    def held(self, n: float) -> float:
        return PythonOps.clip(self.inner.held(n), self.low, self.high)

    def phases(self) -> list[tuple[str, float, float | None]]:
        return self.inner.phases()

    def __repr__(self) -> str:
        return f"{self.inner!r}.clip({self.low!r}, {self.high!r})"


# ---------------------------------------------------------------------------------------------------------------------
# Families
# ---------------------------------------------------------------------------------------------------------------------


@register
class Constant(Schedule):
    """The same rate for ever: lr. Never ends.

    The baseline that a schedule has to beat, and the level part of a composition.

    Args:
        lr: The rate, 0 or more.

    Errors: those of every :class:`Schedule`.

    Source: Bottou, Curtis, Nocedal 2018 (arXiv 1606.04838), theorem 4.6, on a fixed stepsize.

    >>> Constant(0.1)(10**9)
    0.1
    """

    lr: Rate

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return ops.full(t, self.lr)


@register
class Linear(Schedule):
    """A straight line: start + (end − start) · t/steps, ``start`` at 0, ``end`` from ``steps`` on.

    Down to 0 over a budget that is known beforehand; upwards, as the warm-up before another schedule.

    Args:
        start: The first rate, 0 or more.
        end: The last rate, 0 or more.
        steps: Updates until the last rate, a whole number, 0 or more; with 0 it is ``end`` from the beginning.

    Errors: those of every :class:`Schedule`.

    Source: Li, Yumer, Ramanan 2020 (arXiv 1905.04753); as a warm-up Goyal et al. 2017 (arXiv 1706.02677).

    >>> Linear(0.1, 0.0, steps=4)(1)
    0.07500000000000001
    """

    start: Rate
    end: Rate
    steps: Length

    length = property(operator.attrgetter("steps"))

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return _blend(self.start, self.end, _way(t, self.steps, ops), ops)


@register
class Polynomial(Schedule):
    """A power of what is left: end + (start − end) · (1 − t/steps)^power, ``start`` at 0, ``end`` from ``steps`` on.

    For a known budget: ``power`` above 1 falls early and ends flat, below 1 falls late, and 1 is :class:`Linear`.

    Args:
        start: The first rate, 0 or more.
        end: The last rate, 0 or more.
        steps: Updates until the last rate, a whole number, 0 or more; with 0 it is ``end`` from the beginning.
        power: The exponent, above 0.

    Errors: those of every :class:`Schedule`.

    Source: as torch's PolynomialLR and Keras's PolynomialDecay.

    >>> Polynomial(0.1, 0.0, steps=4, power=2)(2)
    0.025
    """

    start: Rate
    end: Rate
    steps: Length
    power: Positive

    length = property(operator.attrgetter("steps"))

    def evaluate(self, t: Any, ops: Ops) -> Any:
        left = ops.maximum(1 - _way(t, self.steps, ops), 0)  # in float32 a compiler's quotient may be above 1
        return _blend(self.end, self.start, left**self.power, ops)


@register
class Cosine(Schedule):
    """Half a cosine: end + (start − end) · (1 + cos(π t/steps)) / 2, ``start`` at 0, ``end`` from ``steps`` on.

    For a known budget, often after a warm-up: it stays near its first rate, and again near its last, for long.

    Args:
        start: The first rate, 0 or more.
        end: The last rate, 0 or more.
        steps: Updates until the last rate, a whole number, 0 or more; with 0 it is ``end`` from the beginning.

    Errors: those of every :class:`Schedule`.

    Source: one cycle of Loshchilov and Hutter 2017 (arXiv 1608.03983).

    >>> Cosine(0.1, 0.0, steps=4)(2)
    0.05
    """

    start: Rate
    end: Rate
    steps: Length

    length = property(operator.attrgetter("steps"))

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return _blend(self.start, self.end, _half_cosine(_way(t, self.steps, ops), ops), ops)


@register
class Exponential(Schedule):
    """Exponential decay: lr · gamma^(t/every). Never ends.

    For a smooth fall by the same factor in equal times, where the budget is not known beforehand.

    Args:
        lr: The first rate, 0 or more.
        gamma: The factor of the rate in ``every`` updates, above 0; above 1 it rises.
        every: Updates, a whole number, 1 or more.

    Errors: those of every :class:`Schedule`.

    Source: as Keras's ExponentialDecay, and with ``every=1`` torch's ExponentialLR.

    >>> Exponential(0.1, gamma=0.5, every=10)(20)
    0.025
    """

    lr: Rate
    gamma: Positive
    every: Count = 1

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self.lr * ops.power(self.gamma, t / self.every)


@register
class StepDecay(Schedule):
    """Step decay: lr · gamma^⌊t/every⌋, cut by ``gamma`` every ``every`` updates. Never ends.

    For recipes that cut the rate at regular times, by 10 every 30 epochs, say.

    Args:
        lr: The first rate, 0 or more.
        gamma: The factor of each cut, above 0; above 1 the rate rises.
        every: Updates between two cuts, a whole number, 1 or more.

    Errors: those of every :class:`Schedule`.

    Source: as torch's StepLR, and Keras's ExponentialDecay with ``staircase=True``.

    >>> StepDecay(0.1, gamma=0.5, every=600)(600)
    0.05
    """

    lr: Rate
    gamma: Positive
    every: Count

    def evaluate(self, t: Any, ops: Ops) -> Any:
        k, _ = ops.divmod(t, self.every)
        return self.lr * ops.power(self.gamma, k)


@register
class Piecewise(Schedule):
    """values[k], where k of the boundaries are ≤ t: a boundary's own update has the new value already.

    For recipes that name the updates at which the rate changes. The length is the last boundary, so that ``then`` does
    not play the last value.

    Args:
        boundaries: Updates at which the rate changes: whole numbers, 1 or more, strictly rising, at least one.
        values: Rates, 0 or more: one more than boundaries.

    Errors: those of every :class:`Schedule`; ``ValueError`` for another number of values.

    Source: He et al. 2016 (arXiv 1512.03385), section 4.2. As torch's MultiStepLR; Keras's PiecewiseConstantDecay
    changes one update later.

    >>> Piecewise([2, 4], [1.0, 0.5, 0.1])(2)
    0.5
    """

    boundaries: Boundaries
    values: Rates

    length = property(lambda self: self.boundaries[-1])

    def check(self) -> None:
        if len(self.values) != len(self.boundaries) + 1:
            self.refuse("values must be one more than boundaries", boundaries=self.boundaries, values=self.values)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return ops.lookup(self.values, ops.rank(self.boundaries, t))


@register
class InverseTime(Schedule):
    """Inverse time decay: lr / (1 + rate · t/every). Never ends.

    Where the budget is not known: it falls as 1/t in the end, for which stochastic approximation is proved to converge.

    Args:
        lr: The first rate, 0 or more.
        rate: How fast it falls, 0 or more: after ``every`` updates the rate is lr / (1 + rate).
        every: Updates, a whole number, 1 or more.

    Errors: those of every :class:`Schedule`.

    Source: Robbins and Monro 1951; as Keras's InverseTimeDecay, and the ``decay`` of its optimizers before Keras 3.

    >>> InverseTime(0.1, rate=0.5, every=4)(8)
    0.05
    """

    lr: Rate
    rate: Rate
    every: Count = 1

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self.lr / (1 + self.rate * t / self.every)


@register
class InverseSqrt(Schedule):
    """Linear from 0 to ``peak`` over ``warmup`` updates, then peak · √(timescale / (timescale + t − warmup)).

    For Transformers, and where training may be prolonged: no rate depends on the budget. Never ends.

    Args:
        peak: The rate at the end of the warm-up, 0 or more.
        warmup: Updates, a whole number, 0 or more.
        timescale: Updates, above 0. None is ``warmup``: the fall is then peak · √(warmup / t).

    Errors: those of every :class:`Schedule`; ``ValueError`` for a ``warmup`` of 0 without a timescale.

    Source: Vaswani et al. 2017 (arXiv 1706.03762).

    >>> InverseSqrt(0.1, warmup=100)(400)
    0.05
    """

    peak: Rate
    warmup: Length
    timescale: OptionalPositive = None

    def check(self) -> None:
        if not self.warmup and self.timescale is None:
            self.refuse("a warmup of 0 needs a timescale", warmup=self.warmup, timescale=self.timescale)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        scale = self.timescale or self.warmup
        ramp = _blend(0.0, self.peak, _way(t, self.warmup, ops), ops)
        return ramp * ops.sqrt(scale / (scale + ops.maximum(t - self.warmup, 0)))


@register
class CosineRestarts(Schedule):
    """SGDR: half cosines from ``max_lr`` to ``min_lr``, cycle k lasting first · t_mul^k updates. Never ends.

    In cycle k, z of it done: min_lr + (max_lr − min_lr) · m_mul^k · (1 + cos πz) / 2. Each cycle's first update is at
    its peak, exactly; ``min_lr`` is approached but not reached (``take`` of a whole cycle holds it).

    Where training may have to stop early: at the end of each cycle there is a model whose rate has been annealed.

    Args:
        max_lr: The first cycle's peak, 0 or more.
        min_lr: The rate that each cycle falls to, from 0 to ``max_lr``.
        first: The first cycle's updates, a whole number, 1 or more.
        t_mul: How much longer each cycle is than the last, 1 or more.
        m_mul: How much higher its peak is above ``min_lr``, above 0; usually 1 or less.

    Errors: those of every :class:`Schedule`; ``ValueError`` for ``min_lr`` above ``max_lr``, and for a ``t_mul`` so
    near to 1 that too many cycles differ in length.

    Source: Loshchilov and Hutter 2017 (arXiv 1608.03983).

    >>> s = CosineRestarts(0.1, 0.0, first=1, t_mul=3)
    >>> [s(t) for t in (1, 4, 13, 40, 121, 364)]
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    """

    max_lr: Rate
    min_lr: Rate
    first: Count
    t_mul: Growth = 1
    m_mul: Positive = 1.0

    def check(self) -> None:
        if self.min_lr > self.max_lr:
            self.refuse("min_lr must not be above max_lr", max_lr=self.max_lr, min_lr=self.min_lr)
        _check_cycles(self, "t_mul", self.first, self.t_mul, None)

    def _cosine(self, k: Any, position: Any, ops: Ops) -> Any:
        height = 1 - _half_cosine(position / self.first, ops)
        if self.m_mul != 1:
            height = height * ops.power(self.m_mul, k)
        return _blend(self.min_lr, self.max_lr, height, ops, bounded=self.m_mul <= 1)

    def evaluate(self, t: Any, ops: Ops) -> Any:
        return self._cosine(*_locate(t, self.first, self.t_mul, None, ops), ops)

    def held(self, n: float) -> float:
        k, position = _locate(n, self.first, self.t_mul, None, PythonOps)
        return self.min_lr if k and not position else float(self._cosine(k, position, PythonOps))


class _Cyclic(Schedule):
    """What Smith's three policies share: the triangle, of height 1, and the cycle's number."""

    base_lr: float
    max_lr: float
    step_size: int
    step_size_down: int | None

    def check(self) -> None:
        if self.base_lr > self.max_lr:
            self.refuse("base_lr must not be above max_lr", base_lr=self.base_lr, max_lr=self.max_lr)

    def _triangle(self, t: Any, ops: Ops) -> tuple[Any, Any]:
        up, down = self.step_size, self.step_size_down or self.step_size
        k, position = ops.divmod(t, up + down)
        return k, ops.minimum(position / up, (up + down - position) / down)


@register
class Triangular(_Cyclic):
    """Up from ``base_lr`` to ``max_lr`` in ``step_size`` updates, down in ``step_size_down``, for ever.

    base_lr + (max_lr − base_lr) · h(t), h a triangle of height 1.

    To try a range of rates, such as the range test gives, instead of looking for the one best rate.

    Args:
        base_lr: The lowest rate, 0 or more.
        max_lr: The highest rate, ``base_lr`` or more.
        step_size: Updates up, a whole number, 1 or more.
        step_size_down: Updates down, a whole number, 1 or more; None is ``step_size``.

    Errors: those of every :class:`Schedule`; ``ValueError`` for ``base_lr`` above ``max_lr``.

    Source: Smith 2017 (arXiv 1506.01186), "triangular".

    >>> Triangular(0.001, 0.006, step_size=2000)(2000)
    0.006
    """

    base_lr: Rate
    max_lr: Rate
    step_size: Count
    step_size_down: OptionalCount = None

    def evaluate(self, t: Any, ops: Ops) -> Any:
        _, height = self._triangle(t, ops)
        return _blend(self.base_lr, self.max_lr, height, ops)


@register
class Triangular2(_Cyclic):
    """As :class:`Triangular`, the triangle's height halved after each cycle: base_lr + (max_lr − base_lr) · h(t) / 2^k.

    For cycles that anneal as well: their peaks come near to ``base_lr`` after a few.

    Args:
        base_lr: The lowest rate, 0 or more.
        max_lr: The first cycle's highest rate, ``base_lr`` or more.
        step_size: Updates up, a whole number, 1 or more.
        step_size_down: Updates down, a whole number, 1 or more; None is ``step_size``.

    Errors: those of every :class:`Schedule`; ``ValueError`` for ``base_lr`` above ``max_lr``.

    Source: Smith 2017 (arXiv 1506.01186), "triangular2".

    >>> Triangular2(0.01, 0.1, step_size=20)(60)
    0.055
    """

    base_lr: Rate
    max_lr: Rate
    step_size: Count
    step_size_down: OptionalCount = None

    def evaluate(self, t: Any, ops: Ops) -> Any:
        k, height = self._triangle(t, ops)
        return _blend(self.base_lr, self.max_lr, height * ops.power(0.5, k), ops)


@register
class ExpRange(_Cyclic):
    """As :class:`Triangular`, the triangle's height times gamma^t: base_lr + (max_lr − base_lr) · h(t) · gamma^t.

    As :class:`Triangular2`, with a fall that is smooth and can be set. Only the upper bound falls; ``base_lr`` stays.

    Args:
        base_lr: The lowest rate, 0 or more.
        max_lr: The rate that the first cycle would reach with a ``gamma`` of 1, ``base_lr`` or more.
        step_size: Updates up, a whole number, 1 or more.
        step_size_down: Updates down, a whole number, 1 or more; None is ``step_size``.
        gamma: The factor of the height in one update, above 0; usually a little below 1.

    Errors: those of every :class:`Schedule`; ``ValueError`` for ``base_lr`` above ``max_lr``.

    Source: Smith 2017 (arXiv 1506.01186), "exp_range".

    >>> round(ExpRange(0.01, 0.1, step_size=20, gamma=0.99994)(60), 6)
    0.099677
    """

    base_lr: Rate
    max_lr: Rate
    step_size: Count
    step_size_down: OptionalCount = None
    gamma: Positive = 1.0

    def evaluate(self, t: Any, ops: Ops) -> Any:
        _, height = self._triangle(t, ops)
        height = height * ops.power(self.gamma, t)
        return _blend(self.base_lr, self.max_lr, height, ops, bounded=self.gamma <= 1)


@register
class OneCycle(Schedule):
    """One cycle up and down: max_lr/div_factor at 0, ``max_lr`` at ⌊pct_start · steps⌋, the final rate at ``steps``.

    From one of these to the next, z of the time gone, the rate is (1 − cos πz)/2 ("cos") or z ("linear") of the way.

    For a known and short budget, with a peak near the largest rate at which training does not diverge.

    Args:
        max_lr: The peak, 0 or more.
        steps: Updates until the final rate, a whole number, 1 or more.
        pct_start: The share of ``steps`` before the peak, from 0 up to, but not including, 1.
        div_factor: The peak over the first rate, above 0.
        final_div_factor: The first rate over the final one, above 0.
        anneal: "cos" or "linear".
        three_phase: True: the first rate is reached again as long after the peak as the peak came after 0, and the
            final one from there. False: the final rate is reached from the peak.

    Errors: those of every :class:`Schedule`; ``ValueError`` for ``three_phase`` with ``pct_start`` above 0.5.

    Source: Smith 2018 (arXiv 1803.09820), with fastai's shape. Torch's OneCycleLR(total_steps=T) has its last rate at
    update T − 1 and its peak at pct_start · T − 1.

    >>> s = OneCycle(0.1, steps=10)
    >>> s(0), s(3), round(s(10), 9)
    (0.004, 0.1, 4e-07)
    """

    max_lr: Rate
    steps: Count
    pct_start: Share = 0.3
    div_factor: Positive = 25.0
    final_div_factor: Positive = 1e4
    anneal: Annotated[str, one_of("cos", "linear")] = "cos"
    three_phase: Flag = False

    length = property(operator.attrgetter("steps"))

    def check(self) -> None:
        if self.three_phase and 2 * self._peak_at > self.steps:
            self.refuse("three_phase needs pct_start of at most 0.5", pct_start=self.pct_start, steps=self.steps)

    @property
    def _peak_at(self) -> int:
        return min(math.floor(self.pct_start * self.steps + 1e-9), self.steps - 1)  # round-off must not decide

    @functools.cached_property
    def _knots(self) -> tuple[tuple, tuple]:
        first = self.max_lr / self.div_factor
        points = {0: first, self._peak_at: self.max_lr}  # a peak at 0 takes the first rate's place
        if self.three_phase and self._peak_at:
            points[2 * self._peak_at] = first
        points[self.steps] = first / self.final_div_factor
        return tuple(points), tuple(points.values())

    def evaluate(self, t: Any, ops: Ops) -> Any:
        knots, values = self._knots
        return _interpolate(t, knots, values, (self.anneal,) * (len(knots) - 1), ops)

    def phases(self) -> list[tuple[str, float, float | None]]:
        knots, values = self._knots
        names = ["up" if a < b else "down" for a, b in itertools.pairwise(values)]
        return list(zip(names, knots, knots[1:], strict=False))


@register
class WarmupStableDecay(Schedule):
    """A trapezoid: ``start`` to ``peak`` in ``warmup`` updates, ``peak`` for ``stable``, to ``end`` in ``decay``.

    The warm-up is linear. The decay, z of it done, is end + (peak − end) times 1 − z ("linear"), (1 + cos πz)/2
    ("cosine") or 1 − √z ("1-sqrt"). A phase of length 0 is skipped: without a warm-up the first rate is ``peak``, and
    without a decay the rate is ``end`` as soon as ``stable`` is over.

    Where the budget is open: one run at ``peak`` goes on for as long as wanted, and a decay from any of its
    checkpoints gives a finished model.

    Args:
        peak: The rate between warm-up and decay, 0 or more.
        warmup: Updates of the warm-up, a whole number, 0 or more.
        stable: Updates at ``peak``, a whole number, 0 or more.
        decay: Updates of the decay, a whole number, 0 or more.
        start: The first rate, 0 or more.
        end: The last rate, 0 or more.
        shape: "linear", "cosine" or "1-sqrt".

    Errors: those of every :class:`Schedule`.

    Source: Hu et al. 2024 (arXiv 2404.06395).

    >>> s = WarmupStableDecay(0.1, warmup=10, stable=80, decay=10)
    >>> s(5), s(50), s(95), s(100)
    (0.05, 0.1, 0.05, 0.0)
    """

    peak: Rate
    warmup: Length
    stable: Length
    decay: Length
    start: Rate = 0.0
    end: Rate = 0.0
    shape: Annotated[str, one_of("linear", "cosine", "1-sqrt")] = "linear"

    length = property(lambda self: self.warmup + self.stable + self.decay)

    @functools.cached_property
    def _knots(self) -> tuple[int, ...]:
        return 0, self.warmup, self.warmup + self.stable, self.length

    def evaluate(self, t: Any, ops: Ops) -> Any:
        values = self.start, self.peak, self.peak, self.end
        return _interpolate(t, self._knots, values, ("linear", "linear", self.shape), ops)

    def phases(self) -> list[tuple[str, float, float | None]]:
        named = zip(("warm-up", "stable", "decay"), self._knots, self._knots[1:], strict=False)
        return [phase for phase in named if phase[1] < phase[2]]


@register
class Rex(Schedule):
    """end + (start − end) · (1 − z) / (1 − z/2), z = t/steps: ``start`` at 0, ``end`` from ``steps`` on.

    For a known budget, a small one too: the rate stays above :class:`Linear`'s, and falls faster at the end.

    Args:
        start: The first rate, 0 or more.
        end: The last rate, 0 or more.
        steps: Updates until the last rate, a whole number, 0 or more; with 0 it is ``end`` from the beginning.

    Errors: those of every :class:`Schedule`.

    Source: Chen, Wolfe, Kyrillidis 2022 (arXiv 2107.04197).

    >>> round(Rex(0.3, 0.0, steps=4)(2), 12)
    0.2
    """

    start: Rate
    end: Rate
    steps: Length

    length = property(operator.attrgetter("steps"))

    def evaluate(self, t: Any, ops: Ops) -> Any:
        z = _way(t, self.steps, ops)
        return _blend(self.end, self.start, (1 - z) / (1 - z / 2), ops)
