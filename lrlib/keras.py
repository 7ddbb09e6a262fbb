"""A Schedule or a Plateau drives a Keras optimizer, on whichever backend Keras runs."""

from collections.abc import Callable
from typing import Any

from lrlib import schedules
from lrlib._extras import needed_by
from lrlib._triton import load_with_own_symbols

with needed_by("lrlib.keras"):
    import keras
    from keras import ops

from lrlib._keras_range import no_trace, range_test
from lrlib.plateau import Plateau, PlateauState
from lrlib.schedules import Check, Count, Positive

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
    """As a float64 tensor: float32 cannot count updates beyond 2^24."""
    return ops.convert_to_tensor(x, dtype="float64")


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
        return ops.sum(ops.cast(ops.expand_dims(t, -1) >= _double(boundaries), "int32"), axis=-1)

    @staticmethod
    def power(base: float, exponent: Any) -> Any:
        return ops.power(_double(base), exponent)

    @staticmethod
    def lookup(table: tuple, k: Any) -> Any:
        return ops.take(_double(table), k)

    @staticmethod
    def choose(boundaries: tuple, t: Any, branch: Callable[[int], Any]) -> Any:
        result = branch(0)
        for i, boundary in enumerate(boundaries, start=1):
            result = ops.where(t < boundary, result, branch(i))
        return result


def _check_schedule(name: str, schedule: Any) -> schedules.Schedule:
    if not isinstance(schedule, schedules.Schedule):
        raise TypeError(f"{name} must be an lrlib Schedule, got {schedule!r}")
    return schedule


def _check_accumulate(accumulate: Any) -> int:
    return Check.of(Count)("lrlib.keras", "accumulate", accumulate)


@keras.saving.register_keras_serializable(package="lrlib")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """An lrlib Schedule as a Keras ``LearningRateSchedule``: pass it as any optimizer's ``learning_rate``.

    The rate is ``schedule(⌊step / accumulate⌋)``, computed in float64 and given in Keras's float type. Keras hands its
    schedules the count of micro-batches: with ``gradient_accumulation_steps=k`` pass ``accumulate=k``, or the schedule
    runs k times too fast. A negative step is taken as 0. Saved and loaded with the model.
    (JAX computes in float32 unless its 64-bit mode is on.)

    Errors: ``TypeError`` for what is no Schedule; ``accumulate`` must be a whole number, 1 or more.

    >>> import lrlib
    >>> optimizer = keras.optimizers.SGD(Schedule(lrlib.Linear(0.5, 0.0, steps=4)))
    >>> float(optimizer.learning_rate)
    0.5
    """

    def __init__(self, schedule: schedules.Schedule, accumulate: int = 1) -> None:
        self.schedule = _check_schedule("schedule", schedule)
        self.accumulate = _check_accumulate(accumulate)

    def __call__(self, step: Any) -> Any:
        t = TensorOps.maximum(_double(step), 0)
        if self.accumulate > 1:
            t, _ = TensorOps.divmod(t, self.accumulate)
        return ops.cast(self.schedule.evaluate(t, TensorOps), keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule.to_dict(), "accumulate": self.accumulate}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        return cls(**{**config, "schedule": schedules.from_dict(config["schedule"])})


def _assign_rate(optimizer: Any, rate: float) -> None:
    try:
        optimizer.learning_rate = rate
    except TypeError:
        raise ValueError(
            "the optimizer was built with a schedule, so its rate cannot be set; either build it with a number, or "
            "use no callback and pass lrlib.keras.Schedule(...) as its learning_rate"
        ) from None


class ScheduleCallback(keras.callbacks.Callback):
    """Sets a mutable ``learning_rate`` before every update of ``fit``; resumes from the optimizer's own count.

    Prefer :class:`Schedule`, unless something else must change the rate too. ``accumulate`` counts micro-batches as
    there, and is needed only where the optimizer does not accumulate by itself. For the TensorFlow and PyTorch
    backends.

    Errors, when training begins: ``ValueError`` for an optimizer that was built with a schedule, for
    ``steps_per_execution`` above 1 (Keras then calls no callback between updates), and for an ``accumulate`` that is
    not the optimizer's.

    >>> import lrlib
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.5), "mse")
    >>> callback = ScheduleCallback(lrlib.Linear(0.5, 0.0, steps=4))
    >>> history = model.fit(ops.ones((4, 1)), ops.ones((4, 1)), batch_size=2, callbacks=[callback], verbose=0)
    >>> float(model.optimizer.learning_rate)  # the rate of the second update, t = 1
    0.375
    """

    def __init__(self, schedule: schedules.Schedule, accumulate: int = 1) -> None:
        super().__init__()
        self.schedule = _check_schedule("schedule", schedule)
        self.accumulate = _check_accumulate(accumulate)

    def on_train_begin(self, logs: Any = None) -> None:
        steps = self.model.steps_per_execution
        if steps != 1:  # or "auto"
            raise ValueError(
                f"steps_per_execution is {steps}: Keras calls no callback between those updates; compile with 1, or "
                "pass lrlib.keras.Schedule(...) as the optimizer's learning_rate"
            )
        own = self.model.optimizer.gradient_accumulation_steps
        if own and self.accumulate not in (1, own):
            raise ValueError(f"accumulate is {self.accumulate}, the optimizer's gradient_accumulation_steps {own}")
        self._set_rate()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._set_rate()

    def _set_rate(self) -> None:
        optimizer = self.model.optimizer
        # Under its own accumulation, Keras's public count is of real updates already.
        batches_per_update = 1 if optimizer.gradient_accumulation_steps else self.accumulate
        _assign_rate(optimizer, self.schedule(int(optimizer.iterations) // batches_per_update))


class PlateauCallback(keras.callbacks.Callback):
    """Drives a mutable ``learning_rate`` by a :class:`lrlib.Plateau`, one measurement an epoch.

    ``monitor`` names an entry of the epoch's logs. ``state`` is the :class:`lrlib.PlateauState`; it is kept when
    ``fit`` is called again (Keras's own callback starts anew), and may be set before ``fit`` to resume.

    Errors: ``ValueError`` for an optimizer that was built with a schedule, or if the logs have no ``monitor``.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.0), "mse")
    >>> callback = PlateauCallback(Plateau(0.5, factor=0.5, patience=0, min_lr=0.25), monitor="nothing")
    >>> model.fit(ops.ones((4, 1)), ops.ones((4, 1)), callbacks=[callback], verbose=0)
    Traceback (most recent call last):
    ValueError: monitor is 'nothing', but the epoch's logs have ['loss']
    """

    def __init__(self, plateau: Plateau, monitor: str = "val_loss") -> None:
        super().__init__()
        if not isinstance(plateau, Plateau):
            raise TypeError(f"plateau must be an lrlib.Plateau, got {plateau!r}")
        self.plateau, self.monitor = plateau, monitor
        self.state: PlateauState = plateau.start()

    def on_train_begin(self, logs: Any = None) -> None:
        _assign_rate(self.model.optimizer, self.state.lr)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.monitor not in (logs or {}):
            raise ValueError(f"monitor is {self.monitor!r}, but the epoch's logs have {sorted(logs or {})}")
        self.state = self.plateau.update(self.state, float(logs[self.monitor]))
        _assign_rate(self.model.optimizer, self.state.lr)


@keras.saving.register_keras_serializable(package="lrlib")
class SGD(keras.optimizers.Optimizer):
    """Stochastic gradient descent by PyTorch's momentum rule, which keeps the rate outside the velocity.

    With gradient g and momentum μ:  v ← μ·v + g;  w ← w − rate·v, or with ``nesterov``  w ← w − rate·(g + μ·v).

    Keras's own SGD has v ← μ·v − rate·g; w ← w + v: equal at a constant rate, but after a change of rate the old rate
    lives on in v for about 1/(1 − μ) updates. PyTorch's rule acts at once (Goyal et al. 2017, arXiv 1706.02677).

    ``momentum`` is a number from 0 up to 1 or an lrlib Schedule of the number of updates. ``weight_decay`` is
    PyTorch's: g ← g + weight_decay·w first. Other keywords as in ``keras.optimizers.SGD``.

    Errors: ``TypeError`` or ``ValueError`` for a momentum that is no number from 0 to 1 and no Schedule.

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
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if isinstance(momentum, schedules.Schedule):
            self._momentum_at: Schedule | None = Schedule(momentum)
        elif isinstance(momentum, bool) or not isinstance(momentum, (int, float)):
            raise TypeError(f"momentum must be a number or an lrlib Schedule, got {momentum!r}")
        elif not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be from 0 to 1, got {momentum!r}")
        else:
            self._momentum_at = None
        self.momentum, self.nesterov, self.l2 = momentum, nesterov, weight_decay

    def build(self, variables: list) -> None:
        if self.built:
            return
        super().build(variables)
        self.velocities = [] if self.momentum == 0 else self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        rate = ops.cast(learning_rate, variable.dtype)
        step = ops.cast(gradient, variable.dtype)
        if self.l2:
            step = step + self.l2 * variable
        if self.velocities:
            momentum = self.momentum if self._momentum_at is None else self._momentum_at(self.iterations)
            momentum = ops.cast(momentum, variable.dtype)
            velocity = self.velocities[self._get_variable_index(variable)]
            # While a scheduled momentum is 0, PyTorch leaves the velocity alone.
            self.assign(velocity, ops.where(momentum == 0, velocity, momentum * velocity + step))
            moved = step + momentum * velocity if self.nesterov else velocity
            step = ops.where(momentum == 0, step, moved)
        self.assign_sub(variable, rate * step)

    def get_config(self) -> dict[str, Any]:
        scheduled = self._momentum_at is not None
        own = {
            "momentum": self.momentum.to_dict() if scheduled else self.momentum,  # type: ignore[union-attr]
            "nesterov": self.nesterov,
            "weight_decay": self.l2,
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
