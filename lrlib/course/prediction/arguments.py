"""The arguments that predictions take, checked: each error names what was received and what is allowed."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from lrlib.schedules import Check, Length, Schedule

Rates = Schedule | Sequence[float] | np.ndarray
Updates = int | Sequence[int] | np.ndarray


def array_of(owner: str, name: str, value: Any, allowed: tuple[int, ...]) -> np.ndarray:
    """``value`` as an array of float64 with one of the ``allowed`` numbers of axes, not empty, finite.

    Errors: ``ValueError`` for anything else.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal lengths
        raise ValueError(f"{owner}: {name} must be an array of numbers, got {value!r}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{owner}: {name} must be an array of numbers, got one of {array.dtype}")
    if array.ndim not in allowed:
        axes = " or ".join(map(str, allowed))
        raise ValueError(f"{owner}: {name} must have {axes} axes, got an array of shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{owner}: {name} must not be empty, got an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{owner}: {name} must hold finite numbers, got {array[~np.isfinite(array)][0]!s} among them")
    return array.astype(float)


def rates_of(owner: str, rates: Rates, updates: int | None = None) -> np.ndarray:
    """The rate of each of the first ``updates`` updates; by default all of an array. A Schedule needs ``updates``.

    Errors: ``ValueError`` for rates that are negative or not finite, for a Schedule without ``updates``, and for more
    ``updates`` than there are rates.
    """
    count = None if updates is None else Check.of(Length)(owner, "updates", updates)
    if isinstance(rates, Schedule):
        if count is None:
            raise ValueError(f"{owner}: with a Schedule, updates= must say how many updates; got {rates!r} alone")
        values = rates(np.arange(count))
    else:
        values = array_of(owner, "rates", rates, (1,)) if np.size(rates) else np.empty(0)
    wrong = values[~((values >= 0) & (values < math.inf))]
    if wrong.size:
        raise ValueError(f"{owner}: rates must be finite numbers, 0 or more, got {wrong[0]!s} among them")
    if count is not None and count > len(values):
        raise ValueError(f"{owner}: updates must be at most the number of rates, {len(values)}, got {count}")
    return values[:count]


def marks_of(owner: str, name: str, updates: Updates) -> np.ndarray:
    """Update numbers, 1 or more: those in an array, or 1 … n for a number n.

    Errors: ``ValueError`` for an array with anything but whole numbers from 1, or for a number below 1.
    """
    if isinstance(updates, numbers.Real):
        updates = np.arange(1, Check.of(Length)(owner, name, updates) + 1)
    marks = array_of(owner, name, updates, (1,))
    wrong = marks[(marks < 1) | (marks != np.floor(marks))]
    if wrong.size:
        raise ValueError(f"{owner}: {name} must be whole numbers, 1 or more, got {wrong[0]!s} among them")
    return marks.astype(int)
