"""Means, spreads and intervals over seeds, as the chapters state them."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

Values = Sequence[float] | np.ndarray


def mean_sd(values: Values, digits: int = 2) -> str:
    """Mean and sample standard deviation, in words.

    >>> mean_sd([97.0, 98.0, 99.0])
    '98.00 ± 1.00'
    """
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def interval(values: Values, level: float = 0.95) -> tuple[float, float]:
    """Student's t interval for the mean; for paired runs give it their differences.

    >>> [round(x, 2) for x in interval([1.0, 2.0, 3.0])]
    [-0.48, 4.48]
    """
    half = stats.t.ppf((1 + level) / 2, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return float(np.mean(values) - half), float(np.mean(values) + half)


def mean_interval(values: Values, digits: int = 2) -> str:
    """The mean with its 95 % interval, in words; signed, since it is most often one of differences.

    >>> mean_interval([1.0, 2.0, 3.0])
    '+2.00 (-0.48 to +4.48)'
    """
    low, high = interval(values)
    return f"{np.mean(values):+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def prediction_interval(values: Values, level: float = 0.95, mean_of: int = 1) -> tuple[float, float]:
    """Where one more run like these, or the mean of ``mean_of``, falls with probability ``level``, if runs are normal.

    >>> [round(x, 2) for x in prediction_interval([1.0, 2.0, 3.0])]
    [-2.97, 6.97]
    """
    half = (
        stats.t.ppf((1 + level) / 2, len(values) - 1) * np.std(values, ddof=1) * (1 / mean_of + 1 / len(values)) ** 0.5
    )
    return float(np.mean(values) - half), float(np.mean(values) + half)


def direction(*differences: Values) -> str:
    """Say "higher" or "lower" only if every 95 % interval of the paired differences is clear of zero.

    >>> direction([1.0, 1.1, 0.9], [2.0, 2.1, 1.9]), direction([1.0, -1.0, 0.5])
    ('higher', 'not told apart')
    """
    intervals = [interval(difference) for difference in differences]
    if all(low > 0 for low, _ in intervals):
        return "higher"
    return "lower" if all(high < 0 for _, high in intervals) else "not told apart"
