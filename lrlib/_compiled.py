"""A schedule as one plain Python function: two to seven times as fast to call, equal to the last bit.

Most of the time of ``s(t)`` goes into the calls between its parts, and an optimizer asks at every update. So
``evaluate(t, ops)`` is traced once, as a compiler of array programs traces: ``t`` is a name, each operation writes a
line, and ``exec`` makes a function of the lines. No formula is written a second time.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from lrlib import schedules
from lrlib.schedules import PythonOps, Schedule

_MOST_PARTS = 64  # each may nest its lines one level deeper, and Python reads a hundred levels


def _writes(line: str) -> Any:
    return lambda self, other: self.source.write(line.format(self, other))


class _Name:
    """The name of a value that the function computes; arithmetic on it writes a line."""

    def __init__(self, name: str, source: "SourceOps") -> None:
        self.name, self.source = name, source

    def __repr__(self) -> str:
        return self.name

    __add__, __radd__ = _writes("{0!r} + {1!r}"), _writes("{1!r} + {0!r}")
    __sub__, __rsub__ = _writes("{0!r} - {1!r}"), _writes("{1!r} - {0!r}")
    __mul__, __rmul__ = _writes("{0!r} * {1!r}"), _writes("{1!r} * {0!r}")
    __truediv__, __rtruediv__ = _writes("{0!r} / {1!r}"), _writes("{1!r} / {0!r}")
    __pow__ = _writes("{0!r} ** {1!r}")

    def __bool__(self) -> bool:
        raise TypeError("a formula may not ask for the truth of a value that depends on t")


class SourceOps:
    """:class:`lrlib.schedules.Ops` on names; what is more than an expression calls :class:`PythonOps`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = "    "
        self.globals: dict[str, Any] = {"cos": math.cos, "sqrt": math.sqrt, "inf": math.inf}
        self.globals |= {name: getattr(PythonOps, name) for name in ("rank", "divmod", "power")}
        self._fresh = (f"x{i}" for i in itertools.count())

    def write(self, expression: str) -> _Name:
        name = next(self._fresh)
        self.lines.append(f"{self.indent}{name} = {expression}")
        return _Name(name, self)

    def constant(self, value: Any) -> str:
        name = f"c{len(self.globals)}"
        self.globals[name] = value
        return name

    def minimum(self, x: Any, y: Any) -> _Name:
        return self.write(f"{y!r} if {y!r} < {x!r} else {x!r}")

    def maximum(self, x: Any, y: Any) -> _Name:
        return self.write(f"{y!r} if {y!r} > {x!r} else {x!r}")

    def clip(self, x: Any, low: float, high: float) -> _Name:
        return self.write(f"{low!r} if {x!r} < {low!r} else {high!r} if {x!r} > {high!r} else {x!r}")

    def divide(self, t: Any, n: Any) -> _Name:
        return self.write(f"{t!r} / {n!r}")

    def divmod(self, t: Any, n: Any) -> tuple[_Name, _Name]:
        both = self.write(f"divmod({t!r}, {n!r})")
        return self.write(f"{both}[0]"), self.write(f"{both}[1]")

    def power(self, base: float, exponent: Any) -> _Name:
        return self.write(f"power({base!r}, {exponent!r})")

    def cos(self, x: Any) -> _Name:
        return self.write(f"cos({x!r})")

    def sqrt(self, x: Any) -> _Name:
        return self.write(f"sqrt({x!r})")

    def full(self, t: Any, value: float) -> float:
        return value

    def rank(self, boundaries: tuple, t: Any) -> _Name:
        return self.write(f"rank({self.constant(boundaries)}, {t!r})")

    def lookup(self, table: tuple, k: Any) -> _Name:
        return self.write(f"{self.constant(table)}[{k!r}]")

    def choose(self, boundaries: tuple, t: Any, branch: Callable[[int], Any]) -> Any:
        """Each branch in a block of its own, so that only the one that is taken is computed."""
        if not boundaries:
            return branch(0)
        chosen, outside = next(self._fresh), self.indent
        for i, boundary in enumerate((*boundaries, None)):
            test = "else" if boundary is None else f"{'elif' if i else 'if'} {t!r} < {boundary!r}"
            self.lines.append(f"{outside}{test}:")
            self.indent = outside + "    "
            self.lines.append(f"{self.indent}{chosen} = {branch(i)!r}")
        self.indent = outside
        return _Name(chosen, self)


def _parts(schedule: Schedule) -> Iterator[Schedule]:
    yield schedule
    if not dataclasses.is_dataclass(schedule):  # a class that is not registered
        return
    for field in dataclasses.fields(schedule):
        value = getattr(schedule, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Schedule):
                yield from _parts(part)


def compiled(schedule: Schedule) -> Callable[[float], float]:
    """A function equal to ``schedule`` at every finite number ``t``, 0 or more, and undefined elsewhere.

    Only lrlib's own families are traced, since a user's may do more than arithmetic with ``t``, and no schedule of very
    many parts, which finds its part faster by bisection. These are returned as they are.
    """
    try:
        hash(schedule)
    except TypeError:  # a user's own family with a parameter such as a dict
        return schedule
    return _traced(schedule)


@functools.lru_cache(maxsize=256)
def _traced(schedule: Schedule) -> Callable[[float], float]:
    parts = list(itertools.islice(_parts(schedule), _MOST_PARTS + 1))
    if len(parts) > _MOST_PARTS or any(type(part).__module__ != schedules.__name__ for part in parts):
        return schedule
    ops = SourceOps()
    result = schedule.evaluate(_Name("t", ops), ops)
    source = "\n".join(["def compiled(t):", *ops.lines, f"    return {result!r}"])
    exec(source, ops.globals)
    return ops.globals["compiled"]
