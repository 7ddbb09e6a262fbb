"""Reduce on plateau, as a pure reducer: a rule (:class:`Plateau`) and a state (:class:`PlateauState`), no framework."""

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Annotated, Any

from lrlib.schedules import Check, Parameters, Rate, _count, _real, check_names, checked, one_of

_Wait = Annotated[int, Check("a whole number, 0 or more", _count, lambda n: n >= 0)]
_Factor = Annotated[float, Check("a number above 0 and below 1", _real, lambda x: 0 < x < 1)]


@dataclasses.dataclass(frozen=True)
class PlateauState:
    """Where a :class:`Plateau` stands: the rate in force, the best metric so far, and two counters, in measurements.

    ``best`` is None before the first good measurement, so that JSON can hold the state.
    """

    lr: float
    best: float | None = None
    bad: int = 0
    cooldown: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The state as a dict of JSON's own types; ``PlateauState(**d)`` is its inverse.

        >>> PlateauState(**PlateauState(0.1).to_dict()) == PlateauState(0.1)
        True
        """
        return dataclasses.asdict(self)


@checked
class Plateau(Parameters):
    """Multiply the rate by ``factor`` when a metric has not improved for more than ``patience`` measurements in a row.

    Names, defaults and meaning are torch's ReduceLROnPlateau's: the ``patience + 1``-th bad measurement in a row cuts.
    Keras's callback of the same name counts both waits one shorter: its ``patience=p + 1`` is ``patience=p`` here (for
    p ≥ 0), and its ``cooldown=c + 1`` is ``cooldown=c``; its ``cooldown=0`` is 0.

    A metric x improves on the best b, with ``threshold`` ε, if

    * mode "min": ``x < b − ε·abs(b)`` (threshold_mode "rel") or ``x < b − ε`` ("abs");
    * mode "max": ``x > b + ε·abs(b)`` or ``x > b + ε``.

    The relative test uses the size of b, so it is right for negative metrics, where torch's counts a slight worsening
    as progress. NaN and infinities count as bad.

    Where progress cannot be foreseen, and a metric that is worth following is measured now and then.

    Args:
        lr: The first rate, 0 or more.
        mode: "min" or "max": what is better.
        factor: The factor of each cut, above 0 and below 1.
        patience: Bad measurements in a row that are let pass, a whole number, 0 or more.
        threshold: ε, 0 or more.
        threshold_mode: "rel" or "abs".
        cooldown: Measurements after a cut that are not counted as bad, a whole number, 0 or more.
        min_lr: The rate never falls below it, 0 or more, and at most ``lr``.
        eps: A cut of this much or less is not made, 0 or more.

    Errors: ``TypeError`` or ``ValueError`` naming the parameter; a metric that is no number is a ``TypeError``.

    Source: torch's ReduceLROnPlateau.

    >>> rule = Plateau(0.1, patience=1, factor=0.5)
    >>> state = rule.start()
    >>> for loss in (1.0, 0.9, 0.9, 0.9):
    ...     state = rule.update(state, loss)
    >>> state.lr
    0.05
    """

    lr: Rate
    mode: Annotated[str, one_of("min", "max")] = "min"
    factor: _Factor = 0.1
    patience: _Wait = 10
    threshold: Rate = 1e-4
    threshold_mode: Annotated[str, one_of("rel", "abs")] = "rel"
    cooldown: _Wait = 0
    min_lr: Rate = 0.0
    eps: Rate = 1e-8

    def check(self) -> None:
        if self.min_lr > self.lr:
            self.refuse("min_lr must not be above lr", min_lr=self.min_lr, lr=self.lr)

    def start(self) -> PlateauState:
        """The state before the first measurement."""
        return PlateauState(self.lr)

    def improves(self, metric: float, best: float | None) -> bool:
        """Whether ``metric`` improves on ``best``; anything finite improves on None, nothing else on anything."""
        if not math.isfinite(metric) or best is None:
            return math.isfinite(metric)
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "abs":
            bound = best + sign * self.threshold
        else:  # as a factor, so that a metric right at the bound is judged as torch judges it
            bound = best * (1.0 + (sign if best >= 0 else -sign) * self.threshold)
        return sign * metric > sign * bound

    def update(self, state: PlateauState, metric: float) -> PlateauState:
        """The state after one more measurement; ``state`` itself is left as it was."""
        if isinstance(metric, bool) or not isinstance(metric, numbers.Real):
            raise TypeError(f"Plateau: metric must be a number, got {metric!r}")
        metric = float(metric)
        better = self.improves(metric, state.best)
        cooling = max(state.cooldown - 1, 0)
        bad = 0 if better or state.cooldown else state.bad + 1
        best = metric if better else state.best
        if bad <= self.patience:
            return PlateauState(state.lr, best, bad, cooling)
        lower = max(state.lr * self.factor, self.min_lr)
        lr = lower if state.lr - lower > self.eps else state.lr
        return PlateauState(lr, best, 0, self.cooldown)

    def to_dict(self) -> dict[str, Any]:
        """The rule as a dict of JSON's own types."""
        return self._parameters()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Plateau":
        """The rule that ``to_dict`` described.

        Errors: ``TypeError`` if ``data`` is no mapping; ``ValueError`` for parameters that a Plateau does not have or
        lacks.
        """
        if not isinstance(data, Mapping):
            raise TypeError(f"from_dict: a mapping of a Plateau's parameters is needed, got {data!r}")
        check_names("Plateau", cls, data)
        return cls(**data)
