"""A Schedule or a Plateau drives a Keras optimizer, on whichever backend Keras runs."""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

from lrlib import schedules
from lrlib._bounds import MOMENTUM, RATE
from lrlib._extras import needed_by
from lrlib._triton import load_with_own_symbols

with needed_by("lrlib.keras"):
    import keras
    import numpy as np
    from keras import ops

from lrlib._keras_callbacks import PlateauCallback, ScheduleCallback, check_accumulate, check_by, check_schedule
from lrlib._keras_range import no_trace, range_test
from lrlib.schedules import Check, Flag, Positive, Rate, _real

__all__ = [
    "SGD",
    "PlateauCallback",
    "Schedule",
    "ScheduleCallback",
    "TensorOps",
    "cyclic_learning_rate",
    "no_trace",
    "range_test",
]

load_with_own_symbols()


def _double(x: Any) -> Any:
    """As a float64 tensor: float32 cannot count updates beyond 2^24. (JAX has no other, but in its 64-bit mode.)"""
    single = keras.backend.backend() == "jax" and not sys.modules["jax"].config.jax_enable_x64
    return ops.convert_to_tensor(x, dtype="float32" if single else "float64")


def _take(table: Any, index: Any) -> Any:
    """``table[index]`` for an index within it: Keras looks for negative ones first, four more operations in a graph."""
    if keras.backend.backend() == "tensorflow":
        return sys.modules["tensorflow"].gather(table, index)
    return ops.take(table, index)


class _Same:
    """A tuple as a key that is told by identity: to hash a table of thousands takes longer than to look it up."""

    def __init__(self, values: tuple) -> None:
        self.values = values

    def __hash__(self) -> int:
        return id(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.values is other.values


@functools.lru_cache(maxsize=256)
def _array(table: _Same) -> Any:
    """The table as an array, made once: eager backends ask for it at every update.

    Cycles grow to 2^1000 updates, which is more than float32 holds (on JAX) and than anyone reaches.
    """
    return np.minimum(np.array(table.values, float), np.finfo("float32").max)


_LAST_COUNT = 2**53  # beyond it float64 does not tell one update from the next


class TensorOps:
    """The operations of :class:`lrlib.schedules.Ops` on float64 tensors, eager or in a compiled graph.

    Two things need care. Keras may take a bare Python number as float32, so constants are made float64 first. And
    compilers turn a division by a constant into a product with its reciprocal, which misses whole quotients by a
    rounding, so these are put right.
    """

    cos, sqrt, full = staticmethod(ops.cos), staticmethod(ops.sqrt), staticmethod(ops.full_like)

    @staticmethod
    def minimum(x: Any, y: Any) -> Any:
        return ops.where(x < y, x, _double(y))  # ops.minimum gives float32 on some backends

    @staticmethod
    def maximum(x: Any, y: Any) -> Any:
        return ops.where(x > y, x, _double(y))

    @staticmethod
    def clip(x: Any, low: float, high: float) -> Any:
        return TensorOps.minimum(TensorOps.maximum(x, low), high)

    @staticmethod
    def divide(t: Any, n: Any) -> Any:
        quotient = t / n
        whole = (quotient + 0.5) // 1
        return ops.where(whole * n == t, whole, quotient)

    @staticmethod
    def divmod(t: Any, n: Any) -> tuple[Any, Any]:
        k = t // n
        k = ops.where((k + 1) * n <= t, k + 1, ops.where(k * n > t, k - 1, k))
        return k, t - k * n

    @staticmethod
    def rank(boundaries: tuple, t: Any) -> Any:
        array = _array(_Same(boundaries))
        reached = array[: np.searchsorted(array, _LAST_COUNT, side="right")]
        return ops.sum(ops.cast(ops.expand_dims(t, -1) >= _double(reached), "int32"), axis=-1)

    @staticmethod
    def power(base: float, exponent: Any) -> Any:
        return ops.power(_double(base), exponent)

    @staticmethod
    def lookup(table: tuple, k: Any) -> Any:
        return _take(_double(_array(_Same(table))), k)

    @staticmethod
    def choose(boundaries: tuple, t: Any, branch: Callable[[int], Any]) -> Any:
        result = branch(0)
        for i, boundary in enumerate(boundaries, start=1):
            result = ops.where(t < boundary, result, branch(i))
        return result


_LONGEST_TABLE = 100_000  # entries: 0.8 MB in a graph, and a tenth of a second to compute


def _is_count(step: Any) -> bool:
    """Whether ``step`` is a tensor, variable or array of whole numbers: what an optimizer hands to its schedule."""
    dtype = getattr(step, "dtype", None)
    return dtype is not None and keras.backend.standardize_dtype(dtype) in ("int32", "int64")


@keras.saving.register_keras_serializable(package="lrlib")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """An lrlib Schedule as a Keras ``LearningRateSchedule``: pass it as any optimizer's ``learning_rate``.

    The rate is ``schedule(by · ⌊step / accumulate⌋)``, computed in float64 and given in Keras's float type.

    * ``accumulate``: Keras hands its schedules the count of micro-batches. With ``gradient_accumulation_steps=k`` pass
      ``accumulate=k``, or the schedule runs k times too fast.
    * ``by``: how far the schedule's clock goes in one update, a number above 0: the batch size for a schedule in
      samples, tokens of a batch for one in tokens, 1/N for one in shares of a run of N updates. Such a share is
      rounded, so that a jump may come an update late: where rates jump, ``schedule.stretch(N)`` is exact.

    A negative step is taken as 0. A schedule that ends within 100,000 updates is computed once, as a table; where it is
    longer or has no end, its formula becomes part of the graph. (JAX computes that in float32, unless its 64-bit mode
    is on, so that it tells updates apart up to 2^24.)

    On TensorFlow a model that has trained keeps its schedule in a compiled step. After
    ``optimizer.learning_rate = Schedule(other)`` call ``model.make_train_function(force=True)``; without it the
    optimizer says the new rate and uses the old one.

    A second stage with an optimizer of its own goes on at update n by ``schedule.drop(n)``. (Without accumulation
    ``optimizer.iterations.assign(n)`` does the same; with it, Keras's ``iterations`` is a computed tensor, not a
    variable. The ``initial_epoch`` of ``fit`` moves no schedule.)

    Saved and loaded with the model. A process that loads one needs ``import lrlib.keras`` first: ``import lrlib`` alone
    loads no Keras, and ``load_model`` then could not locate the class.

    Errors: ``TypeError`` for what is no Schedule; ``accumulate`` must be a whole number, 1 or more, ``by`` a finite
    number above 0. ``ValueError`` for a rate below 0 in the table (a rounding below counts as 0); a formula's rates are
    not looked at.

    >>> import lrlib
    >>> optimizer = keras.optimizers.SGD(Schedule(lrlib.Linear(0.5, 0.0, steps=4)))
    >>> float(optimizer.learning_rate)
    0.5
    >>> in_samples = Schedule(lrlib.Linear(0.5, 0.0, steps=1024), by=256)  # batches of 256
    >>> float(in_samples(2))
    0.25
    """

    _name, _bounds = "learning_rate", RATE

    def __init__(self, schedule: schedules.Schedule, accumulate: int = 1, by: float = 1) -> None:
        self.schedule = check_schedule("schedule", schedule)
        self.accumulate = check_accumulate(accumulate)
        self.by = check_by(by)
        self._rates = self._table()

    def _table(self) -> Any:
        """The rate of each update, up to the held one, from the formula on numbers; None where they are too many."""
        length = self.schedule.length
        if length is None or length / self.by > _LONGEST_TABLE:
            return None
        last = math.ceil(length / self.by) + 1  # the quotient may be a rounding too small
        values = (self.schedule(self.by * update) for update in range(last + 1))
        return np.array([self._bounds.within(self._name, value, update) for update, value in enumerate(values)])

    def __call__(self, step: Any) -> Any:
        if _is_count(step) and self._rates is not None:
            update = ops.floor_divide(step, self.accumulate) if self.accumulate > 1 else ops.convert_to_tensor(step)
            within = ops.clip(update, 0, len(self._rates) - 1)
            return _take(ops.convert_to_tensor(self._rates, dtype=keras.config.floatx()), within)
        return ops.cast(self._formula(step), keras.config.floatx())

    def _formula(self, step: Any) -> Any:
        t = TensorOps.maximum(_double(step), 0)
        if self.accumulate > 1:
            t, _ = TensorOps.divmod(t, self.accumulate)
        return self.schedule.evaluate(t if self.by == 1 else t * self.by, TensorOps)

    def __repr__(self) -> str:
        return f"lrlib.keras.Schedule({self.schedule!r}, accumulate={self.accumulate!r}, by={self.by!r})"

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule.to_dict(), "accumulate": self.accumulate, "by": self.by}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        return cls(**{**config, "schedule": schedules.from_dict(config["schedule"])})


class _Momentum(Schedule):
    """A momentum as a function of the optimizer's own count of updates."""

    _name, _bounds = "momentum", MOMENTUM


_MOMENTUM = Check("a number from 0 to 1, or an lrlib Schedule", _real, lambda x: 0 <= x <= 1)
_WEIGHT_DECAY = Check.of(Rate).or_none()


def _on_its_count(learning_rate: Any, accumulation: Any) -> Any:
    """A bare Schedule as Keras takes it; one that would count the optimizer's micro-batches wrongly is refused."""
    if isinstance(learning_rate, schedules.Schedule):
        return Schedule(learning_rate, accumulate=accumulation or 1)
    if accumulation and isinstance(learning_rate, Schedule) and learning_rate.accumulate != accumulation:
        raise ValueError(
            f"lrlib.keras.SGD: the learning_rate's accumulate is {learning_rate.accumulate}, and "
            f"gradient_accumulation_steps {accumulation}; pass accumulate={accumulation}, or the bare Schedule"
        )
    return learning_rate


@keras.saving.register_keras_serializable(package="lrlib")
class SGD(keras.optimizers.Optimizer):
    """Stochastic gradient descent by PyTorch's momentum rule, which keeps the rate outside the velocity.

    With gradient g and momentum μ:  v ← μ·v + g;  w ← w − rate·v, or with ``nesterov``  w ← w − rate·(g + μ·v).

    Keras's own SGD has v ← μ·v − rate·g; w ← w + v: equal at a constant rate, but after a change of rate the old rate
    lives on in v for about 1/(1 − μ) updates. PyTorch's rule acts at once (Goyal et al. 2017, arXiv 1706.02677).

    ``learning_rate`` may be an lrlib Schedule: it stands for ``lrlib.keras.Schedule`` of it, with the optimizer's
    ``gradient_accumulation_steps`` as its ``accumulate``. ``momentum`` is a number from 0 up to 1 or an lrlib Schedule
    of the number of updates (beside a rate whose clock goes ``by`` an update: ``momentum.stretch(1 / by)``).
    ``weight_decay``, a number, 0 or more, or None, is PyTorch's: g ← g + weight_decay·w first, but for what
    ``exclude_from_weight_decay`` names. Other keywords as in ``keras.optimizers.SGD``. To load a saved model that has
    it, ``import lrlib.keras`` first.

    Errors: ``TypeError`` or ``ValueError`` for a momentum that is no number from 0 to 1 and no Schedule of such, for a
    weight decay that is no finite number, 0 or more, and not None, and for a ``nesterov`` that is not True or False;
    ``ValueError`` for an ``lrlib.keras.Schedule`` whose ``accumulate`` is not the optimizer's
    ``gradient_accumulation_steps``.

    >>> import lrlib
    >>> w = keras.Variable(1.0)
    >>> optimizer = SGD(Schedule(lrlib.Piecewise([1], [0.5, 0.25])), momentum=0.5)
    >>> optimizer.apply([ops.ones(())], [w])
    >>> optimizer.apply([ops.ones(())], [w])  # v = 0.5·1 + 1, at the new rate at once: 0.5 − 0.25·1.5
    >>> float(w)
    0.125
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float | schedules.Schedule = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        name: str = "SGD",
        **kwargs: Any,
    ) -> None:
        learning_rate = _on_its_count(learning_rate, kwargs.get("gradient_accumulation_steps"))
        weight_decay = _WEIGHT_DECAY("lrlib.keras.SGD", "weight_decay", weight_decay)
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        if not isinstance(momentum, schedules.Schedule):
            momentum = _MOMENTUM("lrlib.keras.SGD", "momentum", momentum)
        self._momentum_at = _Momentum(momentum) if isinstance(momentum, schedules.Schedule) else None
        self.momentum, self.nesterov = momentum, Check.of(Flag)("lrlib.keras.SGD", "nesterov", nesterov)

    def build(self, variables: list) -> None:
        if self.built:
            return
        super().build(variables)
        self.velocities = [] if self.momentum == 0 else self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        step = ops.cast(gradient, variable.dtype)
        if self.weight_decay and self._use_weight_decay(variable):
            step = step + self.weight_decay * variable
        if self.velocities:
            momentum = self.momentum if self._momentum_at is None else self._momentum_at(self.iterations)
            momentum = ops.cast(momentum, variable.dtype)
            velocity = self.velocities[self._get_variable_index(variable)]
            old = ops.convert_to_tensor(velocity)  # JAX takes no variable in `where`
            # While a scheduled momentum is 0, PyTorch leaves the velocity alone.
            new = ops.where(momentum == 0, old, momentum * old + step)
            self.assign(velocity, new)
            step = ops.where(momentum == 0, step, step + momentum * new if self.nesterov else new)
        self.assign_sub(variable, rate * step)

    def _apply_weight_decay(self, variables: list) -> None:
        """Nothing: Keras's own decay, w ← w − rate·weight_decay·w, would come on top of that of ``update_step``."""

    def get_config(self) -> dict[str, Any]:
        scheduled = self._momentum_at is not None
        own = {
            "momentum": self.momentum.to_dict() if scheduled else self.momentum,  # type: ignore[union-attr]
            "nesterov": self.nesterov,
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SGD":
        config = dict(config)
        if isinstance(config.get("momentum"), dict):
            config["momentum"] = schedules.from_dict(config["momentum"])
        return super().from_config(config, custom_objects)


_POLICIES: dict[str, Callable[..., schedules.Schedule]] = {
    "triangular": lambda low, high, gamma: schedules.Triangular(low, high, 1),
    "triangular2": lambda low, high, gamma: schedules.Triangular2(low, high, 1),
    "exp_range": lambda low, high, gamma: schedules.ExpRange(low, high, 1, gamma=gamma),
}


def cyclic_learning_rate(
    global_step: Any,
    learning_rate: float = 0.01,
    max_lr: float = 0.1,
    step_size: float = 20.0,
    gamma: float = 0.99994,
    mode: str = "triangular",
) -> Any:
    """The rate at ``global_step`` by one of Smith's three policies, as a tensor, eagerly and in a graph.

    The interface and defaults of mhmoodlan/cyclic-learning-rate (2019), over :class:`lrlib.Triangular`,
    :class:`lrlib.Triangular2` and :class:`lrlib.ExpRange`; ``step_size`` is half a cycle, in updates, and may be
    fractional. ``gamma`` serves "exp_range" only. Errors: ``ValueError`` for an unknown mode.

    >>> round(float(cyclic_learning_rate(45, mode="triangular2")), 5)
    0.02125
    """
    if mode not in _POLICIES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, _POLICIES))}, got {mode!r}")
    positive = Check.of(Positive)
    step_size, gamma = positive(mode, "step_size", step_size), positive(mode, "gamma", gamma)
    # A triangle with a step of 1, stretched: then a fractional step needs no formula of its own.
    schedule = _POLICIES[mode](learning_rate, max_lr, gamma**step_size).stretch(step_size)
    return Schedule(schedule)(global_step)
