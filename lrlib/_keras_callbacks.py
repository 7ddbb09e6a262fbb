"""Callbacks that set a Keras optimizer's rate; ``lrlib.keras`` has their public names."""

import dataclasses
import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from lrlib import schedules
from lrlib._bounds import RATE
from lrlib._clock import advanced, whole
from lrlib._keras_optimizers import inner_optimizers, rate_of, updates_of, updates_of_all
from lrlib.plateau import Plateau, PlateauState
from lrlib.schedules import Check, Count, Positive, Rate

__all__ = ["PlateauCallback", "ScheduleCallback"]


def check_schedule(name: str, schedule: Any) -> schedules.Schedule:
    if not isinstance(schedule, schedules.Schedule):
        raise TypeError(f"{name} must be an lrlib Schedule, got {schedule!r}")
    return schedule


def check_accumulate(accumulate: Any) -> int:
    return Check.of(Count)("lrlib.keras", "accumulate", accumulate)


def check_by(by: Any) -> float:
    return whole(Check.of(Positive)("lrlib.keras", "by", by))


class _RateCallback(keras.callbacks.Callback):
    """What both callbacks share."""

    _trained: tuple[Any, dict[str, float]] | None = None  # the model trained last, and the numbers carried then
    _given = False  # whether the present ones were set or loaded since
    _first = False  # whether training's first epoch is still to begin
    _before: int | None = None  # the updates made when it began; None in any other

    def __getstate__(self) -> dict[str, Any]:
        """For a copy or a pickle, which keeps what was learnt and belongs to no model until it is given one."""
        return {**self.__dict__, "_model": None, "_trained": None}

    def _hang(self, carried: "_Carried") -> "_Carried | None":
        """Hang ``carried`` on the model, and leave the one that was trained last its own numbers; what hung before."""
        if self._goes_to_another():
            former, learnt = self._trained  # type: ignore[misc]
            left = dict(learnt)
            _Carried(carried.name, lambda: left, left.update, left_by=self).hang_on(former)
        return carried.hang_on(self.model)

    def _goes_to_another(self) -> bool:
        return self._trained is not None and self._trained[0] is not self.model

    def _is_left_over(self) -> bool:
        """Whether the numbers are what training left, and the optimizer is another, yet to make an update."""
        return self._trained is not None and not self._given and not any(map(updates_of, self._optimizers()))

    def _optimizers(self) -> list[Any]:
        return inner_optimizers(self.model.optimizer)

    def _begin(self) -> None:
        """Refuse an optimizer whose rate cannot be set; the first epoch is still to come."""
        optimizer = self.model.optimizer
        if optimizer is None:
            raise ValueError("the model was compiled with optimizer=None, so there is no rate to set")
        if self.model.built and not optimizer.built:  # a MultiOptimizer may choose its parts only then
            optimizer.build(self.model.trainable_variables)
        if not all(isinstance(optimizer.learning_rate, keras.Variable) for optimizer in self._optimizers()):
            raise ValueError(
                "the optimizer was built with a schedule, so its rate cannot be set; either build it with a number, or "
                "use no callback and pass lrlib.keras.Schedule(...) as its learning_rate"
            )
        self._first, self._before = True, None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Not as training begins: a BackupAndRestore that is listed later puts the counts back after that.
        self._before = updates_of_all(self._optimizers()) if self._first else None
        self._first = False

    def _end_epoch(self, logs: dict[str, Any] | None) -> None:
        """Log the rates; ValueError if the first epoch went by without an update, which others may have made."""
        none = self._before == updates_of_all(self._optimizers())
        skips = isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)
        skips |= any(optimizer.gradient_accumulation_steps for optimizer in self._optimizers())
        if none and self.model.trainable_variables and not skips:
            raise ValueError(
                f"the model's optimizer, {type(self.model.optimizer).__name__}, made no update in the epoch, so its "
                "rate has no effect; to a train_step with optimizers of its own give no callback, and pass "
                "lrlib.keras.Schedule(...) as the learning_rate of each"
            )
        self._log_rates(logs)

    def _log_rates(self, logs: dict[str, Any] | None) -> None:
        """Into the epoch's logs, under the names that Keras's own callbacks use."""
        if logs is None:
            return
        optimizers = self._optimizers()
        for optimizer in optimizers:
            name = "learning_rate" if len(optimizers) == 1 else f"learning_rate_{optimizer.name}"
            logs[name] = rate_of(optimizer)


class _Carried(keras.Operation):
    """A few numbers that are saved and loaded with the weights of a model, as an attribute of which they hang.

    Keras walks a model's attributes for what can be saved. An Operation is neither layer nor variable, so the model's
    layers and weights stay as they are, and a model without the attribute loads the same file.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], dict[str, float]],
        write: Callable[[dict[str, float]], None],
        left_by: Any = None,  # the callback that has gone on to another model
    ):
        super().__init__(name=name)
        self.read, self.write, self.left_by = read, write, left_by

    def hang_on(self, model: Any) -> "_Carried | None":
        """Attach; returns what hung there before."""
        before = getattr(model, f"_{self.name}", None)
        setattr(model, f"_{self.name}", self)
        return before

    def save_own_variables(self, store: Any) -> None:
        for name, value in self.read().items():
            store[name] = np.array(value, "float64")

    def load_own_variables(self, store: Any) -> None:
        numbers = {name: float(np.asarray(store[name])) for name in store.keys()}  # noqa: SIM118 (HDF5 has no iteration)
        if numbers:  # a file that was saved without the callback has none
            self.write(numbers)


# ---------------------------------------------------------------------------------------------------------------------
# The callbacks
# ---------------------------------------------------------------------------------------------------------------------


# Where `by` is a function: the reading, what its rounding left out, and the updates in it.
_UNMOVED = {"reading": 0.0, "remainder": 0.0, "updates": 0.0}


class ScheduleCallback(_RateCallback):
    """Sets a mutable ``learning_rate`` before every update of ``fit``; resumes from the optimizer's own count.

    Prefer :class:`Schedule`, unless something else must change the rate too. It looks through Keras's
    ``LossScaleOptimizer`` and ``MultiOptimizer`` (all optimizers inside get the same schedule). At an epoch's end the
    rate in force is put into the logs as "learning_rate", for the history and for the callbacks listed after this one.

    * ``accumulate`` counts micro-batches as in :class:`Schedule`, and is needed only where the optimizer does not
      accumulate by itself.
    * ``by``: how far the schedule's clock goes in one update, as in :class:`Schedule`; or a function without arguments
      that is called after each update and says how far it went (the tokens of that batch, say: 0 or more). The reading
      is then saved and loaded with the model's weights, by ``BackupAndRestore`` too. After ``load_model`` give it back
      with ``callback.set_model(model); model.load_weights(path)``. With an optimizer that has made no update yet, of
      another model or of one that was compiled again, the clock begins at 0 again.

    A copy keeps the clock and belongs to no model, and so does what is unpickled.

    Works on every backend. On JAX Keras copies the model's state at each batch where a callback looks at it, so that
    :class:`Schedule` is faster there.

    Errors, when training begins: ``ValueError`` for a model without an optimizer, for one that was built with a
    schedule or is a wrapper that is not known, for ``steps_per_execution`` above 1 (Keras then calls no callback
    between updates), for an ``accumulate`` that is not the optimizer's, and for updates made without a ``by`` function
    that the clock would need. While it goes on, for a rate below 0 (a rounding below counts as 0), and for an optimizer
    that makes no update in the first epoch: the model's ``train_step`` has others.

    >>> import lrlib
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.5), "mse")
    >>> callback = ScheduleCallback(lrlib.Linear(0.5, 0.0, steps=4))
    >>> x = keras.ops.ones((4, 1))
    >>> history = model.fit(x, x, batch_size=2, callbacks=[callback], verbose=0).history
    >>> history["learning_rate"]  # of the epoch's last update, t = 1
    [0.375]
    """

    def __init__(self, schedule: schedules.Schedule, accumulate: int = 1, by: float | Callable[[], float] = 1) -> None:
        super().__init__()
        self.schedule = check_schedule("schedule", schedule)
        self.accumulate = check_accumulate(accumulate)
        self.by = by if callable(by) else check_by(by)
        self._clock = _UNMOVED  # never changed in place: a copy of the callback may hold the same

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if callable(self.by):
            before = self._hang(_Carried("lrlib_clock", self._read_clock, self._write_clock))
            if before is not None and before.read != self._read_clock:  # another fit, with a new callback
                self._write_clock(before.read())

    def on_train_begin(self, logs: Any = None) -> None:
        steps = self.model.steps_per_execution
        if steps != 1:  # or "auto"
            raise ValueError(
                f"steps_per_execution is {steps}: Keras calls no callback between those updates; compile with 1, or "
                "pass lrlib.keras.Schedule(...) as the optimizer's learning_rate"
            )
        self._begin()
        for optimizer in self._optimizers():
            own = optimizer.gradient_accumulation_steps
            if own and self.accumulate not in (1, own):
                raise ValueError(f"accumulate is {self.accumulate}, the optimizer's gradient_accumulation_steps {own}")
        if self._is_left_over():
            self._clock = _UNMOVED

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        for optimizer in self._optimizers():
            now = self._now(optimizer)
            optimizer.learning_rate = RATE.within("learning_rate", self.schedule(now), now)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if callable(self.by):
            self._read_clock()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._end_epoch(logs)

    def _updates(self, optimizer: Any) -> int:
        # Under its own accumulation, Keras's public count is of real updates already.
        batches_per_update = 1 if optimizer.gradient_accumulation_steps else self.accumulate
        return updates_of(optimizer) // batches_per_update

    def _now(self, optimizer: Any) -> float:
        if not callable(self.by):
            return self.by * self._updates(optimizer)
        made = max(map(self._updates, self._optimizers()))
        if made != self._clock["updates"]:
            raise ValueError(
                f"the optimizer has made {made} updates, but how far the clock went is known for "
                f"{self._clock['updates']:.0f} only. To go on, load the weights that were saved with this callback: "
                "callback.set_model(model); model.load_weights(path). (A train_step of more than one update a batch "
                "has no such clock.)"
            )
        return whole(self._clock["reading"])

    def _read_clock(self) -> dict[str, float]:
        """The clock, moved by the update that was made since the last look, if one was.

        A batch that only accumulates, or that loss scaling skips, is no update. Saving looks too, so that it does not
        matter whether the callback that saves is listed before this one.
        """
        made = max(map(self._updates, self._optimizers()))
        if made == self._clock["updates"] + 1:
            went = Check.of(Rate)("ScheduleCallback", "by()", self.by())  # type: ignore[operator]
            reading, remainder = advanced(self._clock["reading"], self._clock["remainder"], went)
            self._clock = {"reading": reading, "remainder": remainder, "updates": made}
            self._trained, self._given = (self.model, self._clock), False
        return self._clock

    def _write_clock(self, numbers: dict[str, float]) -> None:
        self._clock, self._given = numbers, True


_RISES = re.compile(r"(^|_)(acc|accuracy|auc)(_\d+)?$", re.IGNORECASE)  # Keras numbers a name's second bearer


class PlateauCallback(_RateCallback):
    """Drives a mutable ``learning_rate`` by a :class:`lrlib.Plateau`, one measurement an epoch.

    The rule's ``mode`` says which way ``monitor`` is better, and is "min" if nothing is said: give an accuracy
    ``Plateau(..., mode="max")``. (Keras's ReduceLROnPlateau asks the metric itself, mode "auto".)

    ``monitor`` names an entry of the epoch's logs, into which the epoch's rate is put as "learning_rate". An epoch that
    ``fit``'s ``validation_freq`` leaves without validation is no measurement for a monitor ``val_…``; a warning says so
    at the first one, since a callback cannot see whether there are validation data at all. The callback looks
    through Keras's ``LossScaleOptimizer`` and ``MultiOptimizer``; of optimizers with different rates the highest gets
    the rule's, and the others keep their ratio to it.

    ``state`` is the :class:`lrlib.PlateauState`; it is kept when ``fit`` of the same model is called again (Keras's own
    callback starts anew), and may be set before ``fit`` to resume. With another model, whose optimizer has made no
    update yet, the rule starts afresh, unless the state was set or loaded since; the former model keeps its own, which
    is taken up again with it. A copy keeps the state and belongs to no model, and so does what is unpickled.

    It is saved and loaded with the model's weights, so that ``BackupAndRestore`` brings it back. (List that after this
    callback: if it saves an epoch before the callback has measured it, this one measurement is lost.) After
    ``load_model`` give the state back with
    ``callback.set_model(model); model.load_weights(path)``. Without that, a fresh state takes the rate that it finds,
    where the optimizer has made updates and its rate is below ``plateau.lr``: a rate that was put back is not raised.
    After a warm-up, which may end below it, set ``callback.state = plateau.start()`` before ``fit``.

    Errors: ``ValueError`` for a ``monitor`` whose name ends in acc, accuracy or auc under mode "min"; for a model
    without an optimizer, and for one that was built with a schedule or is a wrapper that is not known, or that makes no
    update in the first epoch; and if the logs have no ``monitor``: at the end of the first epoch, or for a monitor
    ``val_…`` of the first with validation.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.0), "mse")
    >>> callback = PlateauCallback(Plateau(0.5, factor=0.5, patience=0, min_lr=0.25), monitor="nothing")
    >>> x = keras.ops.ones((4, 1))
    >>> model.fit(x, x, callbacks=[callback], verbose=0)
    Traceback (most recent call last):
    ValueError: monitor is 'nothing', but the epoch's logs have ['loss']
    """

    def __init__(self, plateau: Plateau, monitor: str = "val_loss") -> None:
        super().__init__()
        if not isinstance(plateau, Plateau):
            raise TypeError(f"plateau must be an lrlib.Plateau, got {plateau!r}")
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of an entry of the epoch's logs, got {monitor!r}")
        if plateau.mode == "min" and _RISES.search(monitor):
            raise ValueError(
                f"monitor is {monitor!r}, which is better when higher, but the plateau's mode is 'min', which cuts the "
                "rate while that improves; give the rule as Plateau(..., mode='max')"
            )
        self.plateau, self.monitor = plateau, monitor
        self._state = plateau.start()
        self._begins, self._validated, self._warned = True, False, False
        self._shares = [1.0]

    @property
    def state(self) -> PlateauState:
        """The rule's state. One that is set is kept, whatever model comes next."""
        return self._state

    @state.setter
    def state(self, state: PlateauState) -> None:
        self._state, self._given = state, True

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        before = self._hang(_Carried("lrlib_plateau", self._read_state, self._write_state))
        if before is not None and before.left_by is self and not self._given:  # back with a model that it has trained
            self._write_state(before.read())

    def on_train_begin(self, logs: Any = None) -> None:
        self._begin()
        self._begins, self._warned = True, False
        if self._goes_to_another() and self._is_left_over():
            self._state = self.plateau.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch)
        self._validated = False
        # Not as training begins, for the same reason.
        if self._begins:
            self._begins = False
            self._take_over()

    def on_test_begin(self, logs: Any = None) -> None:
        self._validated = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        measured = self.monitor in (logs or {})
        if not measured:
            self._without_monitor(sorted(logs or {}))
        self._end_epoch(logs)
        if measured:
            self._state = self.plateau.update(self.state, float(logs[self.monitor]))
            self._set_rates()

    def _without_monitor(self, names: list[str]) -> None:
        """An epoch without validation may be `validation_freq`'s doing; any other has no such entry, and never will."""
        said = f"monitor is {self.monitor!r}, but the epoch's logs have {names}"
        if self._validated or not self.monitor.startswith("val_"):
            raise ValueError(said)
        if not self._warned:
            self._warned = True
            advice = "an epoch without validation is no measurement, and without validation_data no epoch is one"
            warnings.warn(f"PlateauCallback: {said}; {advice}", stacklevel=2)

    def _take_over(self) -> None:
        optimizers = self._optimizers()
        rates = [rate_of(optimizer) for optimizer in optimizers]
        highest = max(rates)
        trained = any(map(updates_of, optimizers))
        lower = highest < self.state.lr * (1 - 1e-6)  # by more than the rounding to Keras's float type
        if trained and lower and not self._given and self.state == self.plateau.start():
            self._state = dataclasses.replace(self.state, lr=highest)
        self._shares = [rate / highest if highest else 1.0 for rate in rates]
        self._set_rates()

    def _set_rates(self) -> None:
        self._trained, self._given = (self.model, self._read_state()), False
        for optimizer, share in zip(self._optimizers(), self._shares, strict=True):
            optimizer.learning_rate = self.state.lr * share

    def _read_state(self) -> dict[str, float]:
        return {name: math.nan if value is None else value for name, value in self.state.to_dict().items()}

    def _write_state(self, numbers: dict[str, float]) -> None:
        best = None if math.isnan(numbers["best"]) else numbers["best"]
        self.state = PlateauState(numbers["lr"], best, int(numbers["bad"]), int(numbers["cooldown"]))
