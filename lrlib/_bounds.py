"""What a schedule may set a hyperparameter to: what the optimizers' own constructors take."""

import math
from typing import NamedTuple

ROUNDING = 1e-12  # what ``a - b`` may miss 0 by


class Bounds(NamedTuple):
    """``low <= value < high``, in words."""

    words: str
    low: float = 0.0
    high: float = math.inf

    def within(self, name: str, value: float, update: float) -> float:
        """``value``, or 0 where it is below that by no more than a rounding.

        Errors: ``ValueError`` for any other value out of bounds, naming the update.

        >>> RATE.within("lr", -1e-17, 10)
        0.0
        >>> RATE.within("lr", -0.05, 10)
        Traceback (most recent call last):
        ValueError: lr must be a finite number, 0 or more, but its schedule gives -0.05 for update 10; ...
        """
        if self.low <= value < self.high:
            return value
        if self.low == 0 and -ROUNDING <= value < 0:
            return 0.0
        remedy = "clip(low, high) keeps a schedule within bounds"
        raise ValueError(f"{name} must be {self.words}, but its schedule gives {value!r} for update {update}; {remedy}")


RATE = Bounds("a finite number, 0 or more")
BETA = Bounds("from 0 up to, but not including, 1", high=1.0)
MOMENTUM = Bounds("from 0 to 1", high=1.0 + ROUNDING)  # where its own number may be 1 as well
ANY = Bounds("a finite number", low=-math.inf)
