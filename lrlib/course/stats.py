"""Means, spreads and intervals over seeds, as the chapters state them."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from scipy import stats

Values = Sequence[float] | np.ndarray


def mean_sd(values: Values, digits: int = 2) -> str:
    """Mean and sample standard deviation, in words.

    >>> mean_sd([97.0, 98.0, 99.0])
    '98.00 ± 1.00'
    """
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def interval(values: Values, level: float = 0.95, variance: float = 0.0) -> tuple[float, float]:
    """Student's t interval for the mean; for paired runs give it their differences.

    ``variance`` is another source's part in the variance of the mean, such as the test images'.

    >>> [round(x, 2) for x in interval([1.0, 2.0, 3.0])]
    [-0.48, 4.48]
    """
    half = half_width(float(np.std(values, ddof=1)), len(values), level, variance)
    return float(np.mean(values) - half), float(np.mean(values) + half)


def half_width(spread: float, count: int, level: float = 0.95, variance: float = 0.0) -> float:
    """Half the width of :func:`interval` for so many values with this standard deviation."""
    return _t_quantile((1 + level) / 2, count - 1) * math.sqrt(spread**2 / count + variance)


@cache
def _t_quantile(share: float, freedom: int) -> float:
    return float(stats.t.ppf(share, freedom))


def share_interval(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval (Clopper and Pearson's) of a share; all from 0 to 1 where nothing was counted.

    >>> [round(x, 2) for x in share_interval(0, 9)]
    [0.0, 0.34]
    """
    if not of:
        return 0.0, 1.0
    low, high = stats.binomtest(hits, of).proportion_ci(level)
    return float(low), float(high)


def random_effects(effects: Values, variances: Values, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of effects that differ between settings, with its interval: DerSimonian and Laird, Knapp and Hartung.

    ``variances`` are those of each effect's own error. Scipy has no such interval, and of statsmodels nothing else
    would be used.

    >>> [round(x, 2) for x in random_effects([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])]
    [2.0, -0.48, 4.48]
    """
    y, v = np.asarray(effects, float), np.asarray(variances, float)
    w, k = 1 / v, len(y)
    q = np.sum(w * (y - np.average(y, weights=w)) ** 2)
    between = max(0.0, (q - (k - 1)) / (w.sum() - (w**2).sum() / w.sum()))
    w = 1 / (v + between)
    mean = np.average(y, weights=w)
    error = np.sqrt(np.sum(w * (y - mean) ** 2) / (k - 1) / w.sum())
    half = stats.t.ppf((1 + level) / 2, k - 1) * error
    return float(mean), float(mean - half), float(mean + half)


def mean_interval(values: Values, digits: int = 2) -> str:
    """The mean with its 95 % interval, in words; signed, since it is most often one of differences.

    >>> mean_interval([1.0, 2.0, 3.0])
    '+2.00 (-0.48 to +4.48)'
    """
    low, high = interval(values)
    return f"{np.mean(values):+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def by_framework(
    values: Sequence[Values],
    say: Callable[[Values, int], str] = mean_interval,
    digits: int = 2,
    labels: Sequence[str] = ("PyTorch", "Keras"),
) -> str:
    """What ``say`` says of each framework's values, which hold one number a seed, with the framework's name.

    >>> by_framework([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    'PyTorch +2.00 (-0.48 to +4.48), Keras +3.00 (+0.52 to +5.48)'
    """
    return ", ".join(f"{label} {say(one, digits)}" for label, one in zip(labels, values, strict=True))


def relative_interval(log_ratios: Values) -> str:
    """The geometric mean of ratios, given by their logarithms, as a change in percent with its 95 % interval, in words.

    >>> relative_interval(np.log([0.8, 0.9, 0.85]))
    '-15 % (-27 to -2)'
    """
    return relative(float(np.mean(log_ratios)), *interval(log_ratios))


def relative(mean: float, low: float, high: float) -> str:
    """The logarithm of a ratio and the ends of its interval as changes in percent, in words.

    There are as many decimals as tell on which side of zero each end lies.

    >>> relative(math.log(0.8), math.log(0.7), math.log(0.9)), relative(-0.03, -0.06, -0.003)
    ('-20 % (-30 to -10)', '-3.0 % (-5.8 to -0.3)')
    >>> relative(-0.03, -0.06, -0.0003)
    '-2.96 % (-5.82 to -0.03)'
    """
    mean, low, high = (100 * math.expm1(log) for log in (mean, low, high))
    nearest = min((abs(end) for end in (low, high) if end), default=1.0)
    digits = next(digits for digits in range(17) if round(nearest, digits) or digits == 16)
    mean, low, high = (round(number, digits) + 0.0 for number in (mean, low, high))  # no minus zero
    return f"{mean:+.{digits}f} % ({low:+.{digits}f} to {high:+.{digits}f})"


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
    ('higher', 'not clearly different')
    """
    return side(*map(interval, differences)) or "not clearly different"


def side(*intervals: tuple[float, float]) -> str:
    """On which side of zero all intervals lie: "higher", "lower", or "" where one of them holds zero.

    >>> side((0.1, 0.3), (0.2, 0.4)), side((-0.1, 0.3), (0.2, 0.4))
    ('higher', '')
    """
    if all(low > 0 for low, _ in intervals):
        return "higher"
    return "lower" if all(high < 0 for _, high in intervals) else ""


def shares_of_best(values: np.ndarray, best: int = 1, level: float = 0.95, draws: int = 10_000) -> np.ndarray:
    """In what share of the settings each rival is among the ``best`` highest by its mean over seeds, and how surely.

    ``values``: settings × rivals × seeds. Rivals level with the last of the best count too. The interval is a
    bootstrap's: settings are drawn anew with replacement, and in each of them its seeds, for all rivals alike. Returns
    rivals × (share, low, high).

    >>> shares_of_best(np.array([[[3.0, 3.0], [1.0, 2.0]]]))
    array([[1., 1., 1.],
           [0., 0., 0.]])
    """

    def shares(means: np.ndarray) -> np.ndarray:
        better = (means[..., None, :] > means[..., :, None]).sum(-1)
        return (better < best).mean(-2)

    random, (settings, _, seeds) = np.random.default_rng(0), values.shape
    chosen = random.integers(settings, size=(draws, settings))
    runs = random.integers(seeds, size=(draws, settings, seeds))
    drawn = values.transpose(0, 2, 1)[chosen[..., None], runs].mean(2)
    low, high = np.quantile(shares(drawn), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.stack([shares(values.mean(-1)), low, high], axis=1)
