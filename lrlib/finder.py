"""The learning-rate range test: the record of a sweep, its smoothing, and what the curve supports. No framework.

A range test trains for a few updates while the rate rises from far too small to far too large, and records the loss at
each rate (L. N. Smith, *Cyclical learning rates for training neural networks*, arXiv 1506.01186, section 3.3).
:func:`range_test` runs the sweep over any ``step_fn``; ``lrlib.torch.range_test`` and ``lrlib.keras.range_test`` run it
on a model and leave no trace.

How a curve is read, the same for every rule:

* What follows the first non-finite loss is left out, and losses above the highest one before the lowest are lowered
  to it, so that a divergence does not bleed into the fall before it.
* The curve is smoothed by a local quadratic fit against u = log10(rate) with tricube weights (W. S. Cleveland,
  *Robust locally weighted regression*, JASA 74, 1979; on an even grid these are Savitzky and Golay's weights). The fit
  is centred, so it does not shift the curve, and its slope is d loss / d u. The half-width is 1.6 times the width of
  the fall between a quarter and three quarters of its height, in decades: more points make the fit less noisy, not
  narrower.
* The noise is measured from the data: robustly from second differences (Gasser, Sroka and Jennen-Steinmetz,
  Biometrika 73, 1986), and from the residuals, the larger of the two. A fall below 6 standard errors is none.

NumPy is imported when a suggestion is asked for, matplotlib when a plot is.
"""

import dataclasses
import math
import numbers
import operator
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

from lrlib._extras import needed_by
from lrlib.schedules import Check, Parameters, _count, _many, _real, checked, one_of

__all__ = ["RULES", "Combined", "CombinedSuggestion", "RangeTest", "Suggestion", "combine", "ladder", "range_test"]

RULES = ("steepest", "valley", "minimum/10", "smith")
_CURVES = ("loss", "accuracy")
_STOPPED = ("completed", "diverged", "non-finite")
_LEVEL = 8  # losses in a row whose mean is a level
_ABOVE = 6  # losses in a row above the limit: fewer are so by chance, even where a batch has two rows
_FEWEST = 8  # points that a curve must have before anything is read from it
_NEIGHBOURS = 7  # points that each local fit reaches at least
_SIGNIFICANT = 6.0  # standard errors that a fall must measure


# ---------------------------------------------------------------------------------------------------------------------
# The ladder and the sweep
# ---------------------------------------------------------------------------------------------------------------------


def _measured(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise TypeError
    return math.nan if math.isnan(number) else float(number)  # math.nan itself, so that equal curves compare equal


def _rising(values: tuple[float, ...]) -> bool:
    return bool(values) and values[0] > 0 and all(map(operator.lt, values, values[1:]))


_Ladder = Annotated[
    tuple[float, ...],
    Check("a non-empty, strictly rising sequence of finite numbers above 0", _many(_real), _rising),
]
_Measured = Annotated[tuple[float, ...], Check("a sequence of numbers", _many(_measured))]
_OptionalMeasured = Annotated[tuple[float, ...] | None, Check.of(_Measured).or_none()]
_Steps = Annotated[int, Check("a whole number, 2 or more", _count, lambda n: n >= 2)]
_Diverge = Annotated[float | None, Check("a finite number above 1", _real, lambda x: x > 1).or_none()]


def ladder(start: float = 1e-7, end: float = 10.0, steps: int = 100, mode: str = "exponential") -> tuple[float, ...]:
    """The ladder of a sweep: ``steps`` rates from ``start`` to ``end``, both exactly as given.

    "exponential": start · (end/start)^(i/(steps − 1)); "linear": start + (end − start) · i/(steps − 1).

    Errors: ``TypeError`` or ``ValueError`` unless 0 < start < end, steps ≥ 2 and the mode is one of the two.

    >>> ladder(0.25, 4.0, steps=3)
    (0.25, 1.0, 4.0)
    >>> ladder(0.25, 0.75, steps=3, mode="linear")
    (0.25, 0.5, 0.75)
    """
    first, last = Check.of(_Ladder)("ladder", "(start, end)", (start, end))
    steps = Check.of(_Steps)("ladder", "steps", steps)
    if mode not in ("exponential", "linear"):
        raise ValueError(f"ladder: mode must be 'exponential' or 'linear', got {mode!r}")
    shares = [i / (steps - 1) for i in range(1, steps - 1)]
    if mode == "linear":
        inner = [first + (last - first) * share for share in shares]
    else:
        inner = [first * (last / first) ** share for share in shares]
    return (first, *inner, last)


def range_test(step_fn: Callable[[float], Any], rates: Iterable[float], *, diverge: float | None = 4.0) -> "RangeTest":
    """Call ``step_fn(rate)`` for each rate in turn and record what it returns: a loss, or (loss, accuracy).

    Each rate is paired with the loss that ``step_fn`` returned for it. The sweep ends early, with the last loss
    recorded, when

    * a loss is not finite (``stopped == "non-finite"``), or
    * each of the last 6 losses is above both the level at which the sweep began and ``best + (diverge − 1)·abs(best)``,
      where a level is the mean of 8 losses in a row and best the lowest so far (``"diverged"``): ``diverge`` times the
      best for positive losses, and as far above it for negative ones. ``None`` switches this off. One loss alone says
      nothing: those of small batches scatter by more than ``diverge`` times their lowest.

    ``step_fn`` is the caller's own training step, so the sweep restores nothing: run it under
    ``lrlib.torch.no_trace`` or ``lrlib.keras.no_trace``, which do. Here with gradients that are accumulated and
    clipped, in PyTorch:

    >>> import itertools, torch, lrlib.torch
    >>> model, loss_fn = torch.nn.Linear(1, 1), torch.nn.MSELoss()
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> micro_batches = itertools.cycle([(torch.ones(4, 1), torch.ones(4, 1))])
    >>> def step(rate):
    ...     optimizer.param_groups[0]["lr"] = rate
    ...     optimizer.zero_grad()
    ...     total = 0.0
    ...     for inputs, targets in itertools.islice(micro_batches, 2):
    ...         loss = loss_fn(model(inputs), targets) / 2
    ...         loss.backward()
    ...         total += loss.item()
    ...     torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    ...     optimizer.step()
    ...     return total
    >>> with lrlib.torch.no_trace(model, optimizer):
    ...     result = range_test(step, ladder(1e-5, 1.0, steps=30))
    >>> result, optimizer.param_groups[0]["lr"]
    (<RangeTest: 30 rates from 1e-05 to 1, completed>, 0.1)

    Whatever ``step_fn`` raises is passed on. Errors: rates that are empty, not strictly rising, not above 0 or not
    finite, and ``diverge`` of 1 or less are a ``ValueError``; a ``step_fn`` that returns anything else a ``TypeError``.
    """
    if not callable(step_fn):
        wanted = "a function that makes an update at the rate it is given and returns a loss or (loss, accuracy)"
        raise TypeError(f"range_test: step_fn must be {wanted}, got {step_fn!r}")
    asked = Check.of(_Ladder)("range_test", "rates", rates)
    limit = Check.of(_Diverge)("range_test", "diverge", diverge)
    losses: list[float] = []
    accuracies: list[float | None] = []
    levels: list[float] = []
    stopped = "completed"
    for rate in asked:
        loss, accuracy = _returned(step_fn(rate))
        losses.append(loss)
        accuracies.append(accuracy)
        if (accuracy is None) != (accuracies[0] is None):
            raise TypeError("range_test: step_fn must always return an accuracy, or never")
        if not math.isfinite(loss):
            stopped = "non-finite"
            break
        if len(losses) >= _LEVEL:
            levels.append(sum(losses[-_LEVEL:]) / _LEVEL)
        if limit is not None and _diverged(losses, levels, limit):
            stopped = "diverged"
            break
    measured = None if accuracies[0] is None else tuple(accuracies)
    return RangeTest(asked[: len(losses)], tuple(losses), measured, stopped)  # type: ignore[arg-type]


def _diverged(losses: list[float], levels: list[float], diverge: float) -> bool:
    """Whether the last losses are all above where the sweep began and ``diverge`` times its lowest level."""
    if len(losses) < _LEVEL + _ABOVE:
        return False
    best = min(levels)
    return min(losses[-_ABOVE:]) > max(levels[0], best + (diverge - 1) * abs(best))


def _returned(answer: Any) -> tuple[float, float | None]:
    """(loss, accuracy or None) of what a ``step_fn`` returned; a one-element array or tensor is a number too."""
    pair = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    try:
        loss, accuracy = (_number(part) for part in pair)
        if loss is None:
            raise TypeError
    except (TypeError, ValueError):
        allowed = "a loss or (loss, accuracy), numbers"
        raise TypeError(f"range_test: step_fn must return {allowed}, got {answer!r}") from None
    return loss, accuracy


def _number(answer: Any) -> float | None:
    if answer is None:
        return None
    if isinstance(answer, (bool, str, bytes)):
        raise TypeError
    if hasattr(answer, "item"):  # float() of a tensor that requires a gradient warns
        answer = answer.item()
    return float(answer)


# ---------------------------------------------------------------------------------------------------------------------
# Results
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """What a rule reads from a curve: rates in the ladder's unit. None: the rule gives no such number, or the curve
    does not support one; ``reason`` says which, in words.

    >>> level = RangeTest(ladder(steps=20), [2.3] * 20).suggest("steepest")
    >>> level.lr, level.reason
    (None, 'the loss never improves on its first value: try a wider range of rates')
    """

    lr: float | None = None
    base_lr: float | None = None
    max_lr: float | None = None
    reason: str = ""


@checked
class RangeTest(Parameters):
    """The record of a sweep: ``losses[i]`` (and ``accuracies[i]``) was measured at ``rates[i]``. An immutable value.

    ``accuracies`` is None where none were measured; ``stopped`` is "completed", "diverged" or "non-finite". A loss may
    be infinite or NaN. Errors: ``TypeError`` or ``ValueError`` for rates that do not rise strictly from above 0, for
    what is no number, and for lengths that differ.

    >>> import math
    >>> rates = ladder(1e-5, 1.0, steps=101)
    >>> falls_at = lambda rate: 2 - math.tanh(2 * (math.log10(rate) + 2.5))
    >>> result = RangeTest(rates, [falls_at(rate) for rate in rates])
    >>> round(math.log10(result.suggest("steepest").lr), 6)
    -2.5
    >>> RangeTest.from_dict(result.to_dict()) == result
    True
    """

    rates: _Ladder
    losses: _Measured
    accuracies: _OptionalMeasured = None
    stopped: Annotated[str, one_of(*_STOPPED)] = "completed"

    def check(self) -> None:
        lengths = {len(curve) for curve in (self.rates, self.losses, self.accuracies) if curve is not None}
        if len(lengths) > 1:
            self.refuse("rates, losses and accuracies must have equal lengths", lengths=sorted(lengths))

    def __repr__(self) -> str:
        span = f"{len(self.rates)} rates from {self.rates[0]:.3g} to {self.rates[-1]:.3g}"
        return f"<RangeTest: {span}, {self.stopped}>"

    def suggest(self, rule: str = "steepest", *, curve: str | None = None) -> Suggestion:
        """What ``rule`` reads from the smoothed curve (how it is smoothed: see the head of ``lrlib/finder.py``).

        * "steepest": ``lr`` where the loss falls fastest against log10(rate).
        * "valley": ``lr`` halfway down the longest decreasing subsequence of the losses: one third and half another of
          its length from its start (fastai's rule and default, ``fastai/callback/schedule.py``, after N. Yanamandra
          and others, 2021). It is sought up to the minimum, and what the noise explains counts as level.
        * "minimum/10": a tenth of the rate at which the loss is lowest (fastai's ``minimum``, J. Howard); on a level
          bottom the first rate that cannot be told from the lowest.
        * "smith": ``base_lr`` where the curve has begun to improve (a tenth of the way), ``max_lr`` where it stops
          improving (nine tenths of the way) or becomes ragged (scatter three times what it was), whichever is first
          (Smith, arXiv 1506.01186, section 3.3, reads both off the accuracy by eye).

        ``curve`` is "loss" or "accuracy"; None takes the accuracy for "smith" where there is one, else the loss.

        A pure function of the record: scaling or shifting the losses does not change the answer. A curve that never
        falls by more than its noise gets no number. Errors: ``ValueError`` for an unknown rule or curve, or for
        "accuracy" where none was measured.
        """
        if rule not in RULES:
            raise ValueError(f"suggest: unknown rule {rule!r}; known are {', '.join(map(repr, RULES))}")
        if curve not in (None, *_CURVES):
            raise ValueError(f"suggest: curve must be one of {', '.join(map(repr, _CURVES))}, or None, got {curve!r}")
        if curve == "accuracy" and self.accuracies is None:
            raise ValueError("suggest: curve is 'accuracy', but the sweep measured none")
        use_accuracy = curve == "accuracy" or (curve is None and rule == "smith" and self.accuracies is not None)
        shape = _read(self.rates, self._descending(use_accuracy))
        if isinstance(shape, str):
            found = Suggestion(reason=shape.format(curve="accuracy" if use_accuracy else "loss"))
        else:
            found = _RULE[rule](shape)
        if found.lr is found.base_lr is found.max_lr is None and self.stopped in _CUT_SHORT:
            return dataclasses.replace(found, reason=f"{found.reason}; {_CUT_SHORT[self.stopped]}")
        return found

    def _descending(self, use_accuracy: bool) -> list[float]:
        if use_accuracy:
            assert self.accuracies is not None
            return [-accuracy for accuracy in self.accuracies]
        return list(self.losses)

    def smoothed(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(rates, losses) of the smoothed curve that the rules read; empty where the curve has no fall to read."""
        shape = _read(self.rates, self.losses)
        if isinstance(shape, str):
            return (), ()
        low, height = shape.unit
        return shape.rates, tuple(low + height * level for level in shape.level.tolist())

    def plot(self, ax: Any = None, rules: str | Sequence[str] = ("steepest",)) -> Any:
        """Draw the losses, the smoothed curve and the rates that ``rules``, or one, suggest; returns matplotlib's axes.

        The loss axis ends above the highest loss before the lowest, so that a divergence does not flatten the rest.
        """
        if ax is None:
            with needed_by("plot"):
                import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        ax.plot(self.rates, self.losses, ".", alpha=0.4, label="measured")
        ax.plot(*self.smoothed(), "-", label="smoothed")
        for i, rule in enumerate((rules,) if isinstance(rules, str) else rules):
            suggestion = self.suggest(rule)
            for rate in (suggestion.lr, suggestion.base_lr, suggestion.max_lr):
                if rate is not None:
                    ax.axvline(rate, linestyle="--", color=f"C{i + 2}", label=f"{rule}: {rate:.2g}")
        _label(ax, self.losses)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """The record as a dict of JSON's own types; "nan", "inf" and "-inf" stand for losses JSON cannot hold."""
        accuracies = None if self.accuracies is None else list(map(_encode, self.accuracies))
        losses = list(map(_encode, self.losses))
        return {"rates": list(self.rates), "losses": losses, "accuracies": accuracies, "stopped": self.stopped}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RangeTest":
        """The record that ``to_dict`` described. Errors: ``ValueError`` for other keys, and the constructor's."""
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(data, Mapping) or set(data) != known:
            raise ValueError(f"RangeTest.from_dict: a mapping with {sorted(known)} is needed, got {data!r}")
        accuracies = data["accuracies"]
        return cls(
            data["rates"],
            tuple(map(_decode, data["losses"])),
            None if accuracies is None else tuple(map(_decode, accuracies)),
            data["stopped"],
        )


def _encode(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


def _decode(item: Any) -> Any:
    return float(item) if item in ("nan", "inf", "-inf") else item


def _label(ax: Any, losses: Sequence[float]) -> None:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if finite:
        low = min(finite)
        high = max(finite[: finite.index(low) + 1])
        room = 0.15 * (high - low) or 1.0
        ax.set_ylim(low - room, high + 2 * room)
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
    ax.legend()


# ---------------------------------------------------------------------------------------------------------------------
# Reading a curve
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Shape:
    """A curve that falls: its smoothed level and slope at each rate, in units of its raw height, and its landmarks."""

    rates: tuple[float, ...]
    u: Any  # log10(rates)
    level: Any
    slope: Any  # d level / d u
    scatter: Any  # local mean of |measured − level|
    errors: Any  # standard error of the level at each point
    top: int  # where the highest level before the bottom is
    bottom: int
    unit: tuple[float, float]  # level · unit[1] + unit[0] is a loss

    @property
    def fall(self) -> float:
        return float(self.level[self.top] - self.level[self.bottom])

    @property
    def done(self) -> Any:
        """The share of the fall that lies behind each point: 0 at the top, 1 at the bottom."""
        return (self.level[self.top] - self.level) / self.fall

    @property
    def begun(self) -> int:
        """The last point before the fall is a tenth done."""
        return int(self._last_below(0.1))

    @property
    def ended(self) -> int:
        """The first point after that at which nine tenths of the fall are done; a curve may have risen again before."""
        return self._first_above(0.9, self.begun)

    @property
    def steepest(self) -> int:
        return self.begun + int(self.slope[self.begun : self.ended + 1].argmin())

    def margin(self, i: int) -> float:
        """How far another level may be from that of point i and still be the same."""
        return max(4 * float(self.errors[i]), 0.01 * self.fall)  # the most extreme of many points is some errors off

    @property
    def lowest(self) -> float:
        """What cannot be told from the lowest level is below this."""
        return float(self.level[self.bottom]) + self.margin(self.bottom)

    @property
    def first_lowest(self) -> int:
        """The first point that cannot be told from the lowest."""
        return self.top + int((self.level[self.top : self.bottom + 1] <= self.lowest).nonzero()[0][0])

    def _last_below(self, share: float) -> int:
        return self.top + int((self.done[self.top : self.bottom] < share).nonzero()[0][-1])

    def _first_above(self, share: float, since: int) -> int:
        return since + int((self.done[since : self.bottom + 1] > share).nonzero()[0][0])

    @property
    def width(self) -> float:
        """Decades between a quarter and three quarters of the fall."""
        quarter = self._last_below(0.25)
        return float(self.u[self._first_above(0.75, quarter)] - self.u[quarter])

    def abrupt(self, i: int, j: int) -> bool:
        """Whether the tenth of the fall between points i and j is half as steep as the steepest part, or steeper."""
        return i >= j or 0.1 * self.fall / (self.u[j] - self.u[i]) > 0.5 * abs(self.slope[self.steepest])

    @property
    def cut_off_left(self) -> bool:
        """Whether the curve falls from the first rate on, so that its beginning has not been seen."""
        return self.abrupt(0, self.begun)

    @property
    def cut_off_right(self) -> bool:
        """Whether the curve still falls at the last rate, so that its end has not been seen."""
        last = len(self.u) - 1
        return self.bottom == last and self.abrupt(self.ended, last)


_NOISY = (
    "the {curve} never improves by more than its noise: a larger batch, or losses on `validation` batches, scatter "
    "less; or try a wider range of rates"
)


def _read(rates: Sequence[float], losses: Sequence[float]) -> _Shape | str:
    """The shape of a curve, or, in words, why nothing can be read from it."""
    with needed_by("suggest"):
        import numpy as np

    finite = np.isfinite(np.asarray(losses, float))
    count = len(finite) if finite.all() else int(finite.argmin())
    if count == 0:
        return "the {curve} is not finite at the first rate"
    if count < _FEWEST:
        return f"only {count} finite values: at least {_FEWEST} are needed, take more steps"
    raw = np.asarray(losses[:count], float)
    u = np.log10(np.asarray(rates[:count], float))
    lowest = raw.argmin()
    unit = float(raw[lowest]), float(raw[: lowest + 1].max() - raw[lowest])
    # Rounding is no fall: values that agree to 12 digits are level.
    if unit[1] <= 1e-12 * np.abs(raw[: lowest + 1]).max():
        return "the {curve} never improves on its first value: try a wider range of rates"
    y = (raw - unit[0]) / unit[1]
    clipped = np.minimum(y, 1.0)
    half_width = min(0.8, (u[-1] - u[0]) / 6)  # a first guess; the fall itself then sets it
    diverged = int((y <= 1).nonzero()[0][-1]) + 1  # from here on for good
    noise = _noise(u[:diverged], y[:diverged])
    for _ in range(3):
        shape = _smooth(rates[:count], u, clipped, noise, half_width, unit)
        if shape is None or shape.fall < 1e-9:
            return _NOISY
        half_width = min(max(1.6 * shape.width, 0.1), 2.5)
    # Judged at the last width only: a first guess that is too wide does not fit, which would pass for noise.
    assert shape is not None
    if shape.fall < _SIGNIFICANT * math.hypot(shape.errors[shape.top], shape.errors[shape.bottom]):
        return _NOISY
    return shape


def _smooth(rates: Sequence[float], u: Any, y: Any, noise: float, half_width: float, unit: Any) -> _Shape | None:
    import numpy as np

    weights, to_level, to_slope = _local_quadratic(u, half_width)
    level = to_level @ y
    bottom = int(level.argmin())
    top = int(level[: bottom + 1].argmax())
    if top == bottom:
        return None
    # A point's own share in its fit hides some of its noise from the residual.
    residual = (y - level) / np.maximum(1 - np.diag(to_level), 0.1)
    noise = max(noise, float(np.sqrt(np.mean(residual[: bottom + 1] ** 2))))
    errors = noise * np.sqrt((to_level**2).sum(1))
    scatter = weights @ np.abs(residual) / weights.sum(1)
    return _Shape(tuple(rates), u, level, to_slope @ y, scatter, errors, top, bottom, unit)


def _local_quadratic(u: Any, half_width: float) -> tuple[Any, Any, Any]:
    """The tricube weights at each point, and the matrices that take values to the level and the slope of its fit."""
    import numpy as np

    distance = u[None, :] - u[:, None]
    reach = np.partition(np.abs(distance), _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1]
    h = np.maximum(half_width, 1.001 * reach)[:, None]
    x = distance / h
    # Products, since NumPy's ** takes the general power at each of n² places: four fifths of the time.
    weights = _cube(np.maximum(1 - _cube(np.abs(x)), 0))
    root = np.sqrt(weights)[..., None]
    powers = np.stack([np.ones_like(x), x, x * x], axis=-1)
    fit = np.linalg.pinv(root * powers).swapaxes(1, 2) * root  # weighted least squares
    return weights, fit[..., 0], fit[..., 1] / h


def _cube(x: Any) -> Any:
    return x * x * x


def _noise(u: Any, y: Any) -> float:
    """The noise's standard deviation, from each point's distance to the line through its neighbours."""
    import numpy as np

    if len(u) < 3:
        return 0.0
    a = (u[2:] - u[1:-1]) / (u[2:] - u[:-2])
    pseudo = (a * y[:-2] + (1 - a) * y[2:] - y[1:-1]) / np.sqrt(a**2 + (1 - a) ** 2 + 1)
    return float(np.median(np.abs(pseudo))) / 0.6745


# ---------------------------------------------------------------------------------------------------------------------
# The rules
# ---------------------------------------------------------------------------------------------------------------------

_CUT_SHORT = {
    "diverged": "the sweep ended early, as diverged: diverge=None goes on",
    "non-finite": "the sweep ended early, at a loss that is not finite: start lower, or take more steps",
}
_LEFT = "it falls from the first rate on: start lower"
_RIGHT = "it still falls at the last rate: end higher"


def _steepest(shape: _Shape) -> Suggestion:
    i = shape.steepest
    if i == 0:
        return Suggestion(reason=f"no steepest point inside the sweep: {_LEFT}")
    if i == len(shape.u) - 1:
        return Suggestion(reason=f"no steepest point inside the sweep: {_RIGHT}")
    return Suggestion(lr=shape.rates[i], reason="the smoothed curve falls fastest here against log10(rate)")


def _valley(shape: _Shape) -> Suggestion:
    import numpy as np

    level = shape.level
    # Up to the minimum only: one dip in the noise far behind it would end the valley there.
    level = np.clip(level[: shape.first_lowest + 1], shape.lowest, level[shape.top] - shape.margin(shape.top))
    round_off = 1e-9 * (level.max() - level.min())  # on a flat start it would decide which points fall
    longest = np.ones(len(level), int)  # the longest decreasing subsequence that ends at each point
    for i in range(1, len(level)):
        longest[i] += longest[:i][level[:i] > level[i] + round_off].max(initial=0)
    end = int(longest.argmax())
    length = int(longest[end])
    i = end - length + length // 3 + length // 6
    return Suggestion(lr=shape.rates[max(i, 0)], reason=f"halfway down the longest valley, {length} rates long")


def _minimum(shape: _Shape) -> Suggestion:
    if shape.cut_off_right:
        return Suggestion(reason=f"no minimum inside the sweep: {_RIGHT}")
    i = shape.first_lowest
    return Suggestion(lr=shape.rates[i] / 10, reason=f"a tenth of {shape.rates[i]:.3g}, where the curve is lowest")


def _smith(shape: _Shape) -> Suggestion:
    base = None if shape.cut_off_left else shape.rates[shape.begun]
    words = [_LEFT if base is None else "base_lr: a tenth of the improvement is reached"]
    ragged = _ragged(shape)
    if ragged is not None:
        words.append("max_lr: it becomes ragged")
        return Suggestion(base_lr=base, max_lr=shape.rates[ragged], reason="; ".join(words))
    top = None if shape.cut_off_right else shape.rates[shape.ended]
    words.append(_RIGHT if top is None else "max_lr: nine tenths of the improvement are reached")
    return Suggestion(base_lr=base, max_lr=top, reason="; ".join(words))


def _ragged(shape: _Shape) -> int | None:
    """The first point between the steepest and the end of the fall at which the scatter has grown threefold."""
    import numpy as np

    before = float(np.median(shape.scatter[: shape.steepest + 1]))
    limit = max(3 * before, 0.05 * shape.fall)
    ragged = (shape.scatter[shape.steepest : shape.ended + 1] > limit).nonzero()[0]
    return shape.steepest + int(ragged[0]) if len(ragged) else None


_RULE: dict[str, Callable[[_Shape], Suggestion]] = {
    "steepest": _steepest,
    "valley": _valley,
    "minimum/10": _minimum,
    "smith": _smith,
}


# ---------------------------------------------------------------------------------------------------------------------
# Several seeds
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class CombinedSuggestion(Suggestion):
    """The medians of several suggestions; ``spread[name]`` is (lowest, highest) of each number given, ``each`` all."""

    spread: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    each: tuple[Suggestion, ...] = ()


@dataclasses.dataclass(frozen=True)
class Combined:
    """Several sweeps over one ladder, of different seeds: made by :func:`lrlib.combine`.

    ``rates`` is the longest sweep's ladder; ``losses``, ``low`` and ``high`` are the median, the lowest and the highest
    finite loss at each rate over the sweeps that reached it (NaN where none is finite).
    """

    results: tuple[RangeTest, ...]
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def suggest(self, rule: str = "steepest", *, curve: str | None = None) -> CombinedSuggestion:
        """The median (in log10) of each number over the sweeps, with their spread.

        A number that fewer than half of the sweeps support is None. Errors: as :meth:`lrlib.RangeTest.suggest`.
        """
        each = tuple(result.suggest(rule, curve=curve) for result in self.results)
        medians: dict[str, float] = {}
        spread: dict[str, tuple[float, float]] = {}
        words = []
        for name in ("lr", "base_lr", "max_lr"):
            rates = [rate for suggestion in each if (rate := getattr(suggestion, name)) is not None]
            if rates:
                words.append(f"{name}: {len(rates)} of {len(each)} sweeps, {min(rates):.3g} to {max(rates):.3g}")
                spread[name] = min(rates), max(rates)
            if rates and 2 * len(rates) >= len(each):
                medians[name] = _median_rate(rates)
        if not medians:
            words += sorted({own.reason for own in each if own.lr is own.base_lr is own.max_lr is None})
        return CombinedSuggestion(**medians, reason="; ".join(words), spread=spread, each=each)

    def plot(self, ax: Any = None, rules: str | Sequence[str] = ("steepest",)) -> Any:
        """Draw the median loss, the band between lowest and highest, and the suggestions; returns matplotlib's axes."""
        if ax is None:
            with needed_by("plot"):
                import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        (line,) = ax.plot(self.rates, self.losses, label=f"median of {len(self.results)}")
        ax.fill_between(self.rates, self.low, self.high, color=line.get_color(), alpha=0.15, linewidth=0)
        for i, rule in enumerate((rules,) if isinstance(rules, str) else rules):
            suggestion = self.suggest(rule)
            for name, (low, high) in suggestion.spread.items():
                colour, rate = f"C{i + 1}", getattr(suggestion, name)
                ax.axvspan(low, high, color=colour, alpha=0.15, linewidth=0)
                if rate is not None:
                    ax.axvline(rate, linestyle="--", color=colour, label=f"{rule}: {rate:.2g}")
        _label(ax, self.losses)
        return ax


def combine(results: Iterable[RangeTest]) -> Combined:
    """Several sweeps over the same ladder as one, with median and spread of curves and suggestions.

    Sweeps may have stopped at different rates. Errors: ``TypeError`` for what is no RangeTest; ``ValueError`` for
    none at all, and for different ladders.

    >>> one, two = RangeTest([1.0, 2.0], [3.0, 4.0]), RangeTest([1.0, 2.0], [5.0, 4.0])
    >>> combine([one, two]).losses
    (4.0, 4.0)
    """
    sweeps = tuple(results)
    for sweep in sweeps:
        if not isinstance(sweep, RangeTest):
            raise TypeError(f"combine: RangeTests are needed, got {sweep!r}")
    if not sweeps:
        raise ValueError("combine: at least one RangeTest is needed, got none")
    rates = max((sweep.rates for sweep in sweeps), key=len)
    for sweep in sweeps:
        if sweep.rates != rates[: len(sweep.rates)]:
            raise ValueError(f"combine: the sweeps must share one ladder of rates, got {sweeps}")
    columns = [
        [loss for sweep in sweeps if i < len(sweep.losses) and math.isfinite(loss := sweep.losses[i])] or [math.nan]
        for i in range(len(rates))
    ]
    low, high = tuple(map(min, columns)), tuple(map(max, columns))
    return Combined(sweeps, rates, tuple(map(statistics.median, columns)), low, high)


def _median_rate(rates: list[float]) -> float:
    """The median in log10: of an even number, the geometric mean of the two in the middle."""
    ordered = sorted(rates)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low if low == high else math.sqrt(low * high)
