"""A clock that moves by strides that need not be whole: the sum of many of them is rounded once."""

import math

from lrlib.schedules import _whole as whole

__all__ = ["advanced", "whole"]


def advanced(reading: float, remainder: float, stride: float) -> tuple[float, float]:
    """The next reading, and the remainder that its rounding leaves out: ten strides of 0.1 read 1.

    >>> clock = 0, 0.0
    >>> for _ in range(10):
    ...     clock = advanced(*clock, 0.1)
    >>> clock[0]
    1
    """
    parts = (reading, remainder, stride)
    total = math.fsum(parts)
    return whole(total), math.fsum((*parts, -total))
