"""A Schedule or a Plateau drives a torch optimizer.

The caller steps the scheduler once per *real* optimizer update: not for each micro-batch of an accumulated gradient,
and not for an update that a ``GradScaler`` skipped.
"""

import dataclasses
import functools
import itertools
import math
import operator
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from lrlib._extras import needed_by
from lrlib._triton import load_with_own_symbols

with needed_by("lrlib.torch"):
    import torch
    from torch.optim.lr_scheduler import ChainedScheduler, LRScheduler

from lrlib import _bounds
from lrlib import _torch_groups as its
from lrlib._clock import advanced, whole
from lrlib._compiled import compiled
from lrlib._torch_plateau import PlateauScheduler
from lrlib._torch_range import no_trace, range_test
from lrlib.schedules import Check, Count, Number, Positive, Schedule, one_of

__all__ = ["PlateauScheduler", "Scheduler", "no_trace", "range_test"]

load_with_own_symbols()

_UPDATES = dataclasses.replace(Check.of(Count), words="a whole number, −1 or more", allowed=lambda n: n >= -1)
_READING = dataclasses.replace(
    Check.of(Number), words="a finite number, 0 or more, or −1", allowed=lambda n: n >= 0 or n == -1
)
_REMAINDER = Check.of(Number)
_BY = Check.of(Positive)
_RESUME = one_of("same", "count")


class Scheduler(LRScheduler):
    """Sets ``lr``, and any other hyperparameter asked for, to ``schedule(number of updates made)``.

    A real ``torch.optim.lr_scheduler.LRScheduler``: call :meth:`step` after each optimizer update. Rates are absolute;
    the rate that the optimizer was built with plays no part.

    * ``optimizer``: any torch optimizer. A tensor ``lr`` (for ``torch.compile``) is filled in place; where one tensor
      serves several groups, each gets one of its own.
    * ``lr``: a Schedule for all groups, a list of them (one a group), or a dict by ``group["name"]``. Where the groups
      were built with different rates, one schedule makes them equal, and a warning says so at the start;
      ``[share * schedule for share in shares]`` keeps their ratio. A group added later joins at the next step; give it
      the rate of its first update yourself, as below. A dict may name groups to come, and goes by name when groups are
      removed or replaced. A list goes by position, and refuses both. None leaves the rate to others.
    * ``last_epoch``: the clock's reading, which is the number of updates already made. With ``last_epoch=n`` the rate
      in force next is ``lr(n)``; the default, −1, is a fresh start, the same as 0. (Torch's own count one less.)
    * ``by``: how far each step moves the clock, a number above 0. With the batch size the clock counts samples, with
      ``1 / total`` it is the share of the run that is over. ``step(by=n)`` moves it by ``n`` that once. A stride of
      1/49 is rounded, so that a jump may come an update late: where rates jump, ``schedule.stretch(49)``, which counts
      updates, is exact.
    * ``resume``: what :meth:`load_state_dict` does with the checkpoint of another schedule. "same" takes it where the
      new schedule gives the saved values at the saved clock, and refuses it elsewhere; "count" takes the clock alone.
    * ``others``: more hyperparameters, each given as ``lr`` is: ``momentum``, ``weight_decay``, ``beta1`` and ``beta2``
      (the elements of ``betas``), or any other number in the groups. What is not named here is not touched. One
      Schedule for ``weight_decay`` leaves alone the groups that were built without it, if others were built with it
      (each group keeps a note of that, ``initial_weight_decay``); a list or a dict means what it says.

    Since rates are absolute, torch's ``ChainedScheduler``, which multiplies them, cannot chain it with another:
    multiply the schedules instead (``a * b``). ``SequentialLR`` works; torch's own members of it start from the rate
    that the optimizer was built with, so build it with the peak, or use no SequentialLR and ``a.then(b)``. Of two
    schedulers that are stepped one after another on one optimizer, a PlateauScheduler among them, the last one to step
    wins.

    Errors: ``TypeError`` for what is no Schedule and for what is no optimizer; ``ValueError`` for a list of the wrong
    length, for a group without a schedule (nothing is changed then), for a hyperparameter that the optimizer does not
    have, in a ``ChainedScheduler``, and, at the update that it is for, a value that torch's optimizers refuse: a rate,
    momentum or weight decay below 0 (a rounding below counts as 0), or a beta outside [0, 1).

    >>> import lrlib
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], momentum=0.9)
    >>> rates = lrlib.OneCycle(0.1, steps=100)
    >>> scheduler = Scheduler(optimizer, rates, momentum=0.95 - rates)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.last_epoch, optimizer.param_groups[0]["lr"] == rates(1)
    (1, True)

    A layer that is unfrozen later, at its own rate from its first update on:

    >>> head, body = torch.nn.Linear(2, 1), torch.nn.Linear(2, 2)
    >>> optimizer = torch.optim.SGD([{"params": head.parameters(), "name": "head"}])
    >>> plan = {"head": rates, "body": 0.1 * rates}
    >>> scheduler = Scheduler(optimizer, plan)
    >>> optimizer.step(); scheduler.step()
    >>> rate = plan["body"](scheduler.last_epoch)
    >>> optimizer.add_param_group({"params": body.parameters(), "name": "body", "lr": rate})
    >>> [group["lr"] / rates(1) for group in optimizer.param_groups]
    [1.0, 0.1]
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        lr: Any = None,
        *,
        last_epoch: float = -1,
        by: float = 1,
        resume: str = "same",
        **others: Any,
    ) -> None:
        self.by = whole(_BY("Scheduler", "by", by))
        reading = _UPDATES if type(self.by) is int else _READING
        self._start = max(whole(reading("Scheduler", "last_epoch", last_epoch)), 0)
        self._resume = _RESUME("Scheduler", "resume", resume)
        self.optimizer = optimizer = its.torch_optimizer(optimizer)
        plans = {"lr": lr, **others} if lr is not None or not others else others
        self._drives = {name: _Drive(optimizer, name, given) for name, given in plans.items()}
        self._members = its.Members([])
        self._assign()
        self._warn_of_lost_ratios()
        for drive in self._drives.values():
            drive.values(self._start)  # refuses what is out of bounds before any hyperparameter is set
        self._stride, self._remainder = self.by, 0.0
        _give_step_a_function(optimizer)
        super().__init__(optimizer)  # patches optimizer.step for torch's order check, and takes the initial step

    def _warn_of_lost_ratios(self) -> None:
        if self._start or "lr" not in self._drives or not isinstance(self._drives["lr"].plan, Schedule):
            return  # at a later start the rates are no longer those that the groups were built with
        own = [float(rate) for rate in its.rates(self.optimizer.param_groups)]
        if len(set(own)) > 1:
            warnings.warn(
                f"Scheduler: one schedule gives all groups one rate, where theirs differ: {sorted(set(own))}. To keep "
                "their ratios give a list of schedules, one a group, as in Scheduler(optimizer, [share * schedule for "
                f"share in shares]) with shares = [group['lr'] / {max(own)} for group in optimizer.param_groups], or a "
                "dict of schedules by group name",
                UserWarning,
                stacklevel=3,
            )

    def step(self, epoch: int | None = None, *, by: float | None = None) -> None:
        """Set the hyperparameters for the next update. Call it after each real ``optimizer.step()``.

        ``by``: how far the clock moves, if not by the scheduler's own ``by``; a number above 0. ``epoch``, which torch
        deprecates, sets the clock.

        Errors: ``ValueError`` for a fractional ``epoch`` where the clock counts whole updates, and for a tensor: it is
        no metric.
        """
        stride = self.by if by is None else whole(_BY("step", "by", by))
        if epoch is not None:
            self._check_epoch(epoch)
        if epoch is not None or self._step_count <= 1:
            self._stride = stride
            super().step(epoch)  # torch's own check that the optimizer has been stepped first, and its warnings
            return
        self._step_count += 1
        if type(stride) is int and type(self.last_epoch) is int and not self._remainder:  # advanced, without the call
            self._go_to(self.last_epoch + stride)
        else:
            self._go_to(*advanced(self.last_epoch, self._remainder, stride))

    def _check_epoch(self, epoch: Any) -> None:
        counts = type(self.by) is int and type(self.last_epoch) is int
        tensor = isinstance(epoch, torch.Tensor)  # a loss, most likely
        if tensor or (type(whole(_READING("step", "epoch", epoch))) is float and counts):
            raise ValueError(
                f"step: epoch must be a whole number of updates, got {epoch!r}; a loss or another metric is for "
                "lrlib.torch.PlateauScheduler, whose step takes one, and a clock of fractions has by=1 / updates"
            )

    def _update_lr(self, epoch: float | None = None) -> None:
        if epoch is not None:
            self._go_to(whole(_READING("step", "epoch", epoch)))
        elif self._is_initial:
            self._go_to(self._start)  # SequentialLR undoes this step and takes it again
        else:
            self._refuse_chain()
            self._go_to(*advanced(self.last_epoch, self._remainder, self._stride))

    def _go_to(self, clock: float, remainder: float = 0.0) -> None:
        groups = self.optimizer.param_groups
        if not self._members.are(groups):
            self._assign()
        lr = None
        for drive in self._drives.values():
            if drive.one is None:
                drive.put(self, drive.values(clock))
                continue
            value, key, last = drive.one(clock), drive.key, drive.last
            if not drive.low <= value < drive.high:
                value = drive.bounds.within(drive.name, value, clock)
            for group in groups:
                if group[key] is not last:
                    drive.put(self, [value] * len(groups))
                    break
                group[key] = value  # it had the very object put there last: a plain float, moved by nobody else
            else:
                drive.last = value
                if drive.name == "lr":
                    lr = value
        self.last_epoch, self._remainder = clock, remainder  # type: ignore[assignment]
        self._last_lr = its.rates(groups) if lr is None else [lr] * len(groups)

    def _assign(self) -> None:
        """Give each group its schedules: when built, and when the groups are others. Refuses before any change."""
        members, each = self._assigned()
        for name, drive in self._drives.items():
            drive.assign(members.groups, each[name])
        self._members = members

    def _assigned(self) -> tuple[its.Members, dict[str, list[Schedule | None]]]:
        """The groups that there are now, and what each will follow, by hyperparameter. Changes nothing."""
        members = its.Members(self.optimizer.param_groups, self._members)
        since = ""
        if self._members.groups:
            change = "been removed, replaced or moved" if members.moved else "joined"
            since = (
                f". A group has {change} since the scheduler was built: name it, and give its schedule when the "
                "scheduler is built (a dict goes by name, and may name groups to come), or build it anew now, with "
                f"last_epoch={self.last_epoch}"
            )
        return members, {name: drive.assigned(members, since) for name, drive in self._drives.items()}

    def _refuse_chain(self) -> None:
        """Raise ValueError if a ChainedScheduler is stepping this scheduler beside another one that sets the rate."""
        if "lr" not in self._drives:
            return
        frame: Any = sys._getframe(1)
        for _ in range(12):  # a chain's step is a few calls away, also where chains are nested
            if frame is None:
                return
            if frame.f_code is ChainedScheduler.step.__code__:
                members = frame.f_locals["self"]._schedulers
                rivals = [one for one in members if _sets_rates(one) and not _holds(one, self)]
                if rivals:
                    raise ValueError(
                        f"ChainedScheduler multiplies rates, and lrlib.torch.Scheduler sets absolute ones, so that "
                        f"the factors of {type(rivals[0]).__name__} would be lost. Multiply the schedules, as in "
                        "Scheduler(optimizer, a * b); lrlib.from_torch reads torch's own; SequentialLR works"
                    )
            frame = frame.f_back

    def get_lr(self) -> list[Any]:
        """The rates at the clock's reading, one a group."""
        lr = self._drives.get("lr")
        return its.rates(self.optimizer.param_groups) if lr is None else lr.values(self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The clock, the schedules and the values in force: numbers, strings, lists and dicts only.

        ``last_epoch`` is the clock's reading, ``remainder`` what a rounded reading lacks. ``values`` has, for each
        hyperparameter, each group's value; None where this scheduler is not the one that set it (another member of a
        SequentialLR did, say).

        Errors: ``TypeError`` for a schedule whose class is not registered.
        """
        groups = self.optimizer.param_groups
        return {
            "last_epoch": self.last_epoch,
            "remainder": self._remainder,
            "schedules": {name: _encode(drive.plan) for name, drive in self._drives.items()},
            "values": {name: drive.in_force(groups, self.last_epoch) for name, drive in self._drives.items()},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was taken; the rates are set at once, so every load order gives the same trace.

        Errors, before a value or the clock is changed: ``ValueError`` for what is no state of a Scheduler, and for
        another schedule that does not give the saved values (see ``resume``); ``TypeError`` or ``ValueError`` for a
        ``last_epoch`` that is no number from 0 up (nor −1, which means that it waits in a SequentialLR), and for a
        ``remainder`` that is no number.
        """
        needed = {"last_epoch"} if self._resume == "count" else {"last_epoch", "remainder", "schedules", "values"}
        if not needed <= set(state_dict):
            raise ValueError(
                f"no state of an lrlib.torch.Scheduler: it needs {sorted(needed)}, got {sorted(state_dict)}; "
                'Scheduler(..., resume="count") takes the last_epoch of any scheduler that counts updates'
            )
        clock, saved = state_dict["last_epoch"], state_dict.get("values", {})
        reading = _READING if isinstance(clock, float) else _UPDATES  # whole ones stay exact at any size
        clock = whole(reading("load_state_dict", "last_epoch", clock))
        remainder = _REMAINDER("load_state_dict", "remainder", state_dict.get("remainder", 0.0))
        if not self._members.are(self.optimizer.param_groups):
            self._assign()
        if self._resume == "same":
            self._refuse_jump(clock, state_dict["schedules"], saved)
        if clock >= 0:  # −1: it waits in a SequentialLR
            for name, drive in self._drives.items():
                drive.restore(self, clock, saved.get(name, []))
        self.last_epoch, self._remainder = clock, remainder  # type: ignore[assignment]
        self._step_count = 2 if clock > 0 else 1  # torch checks the order of the first two steps of a run
        self._last_lr = its.rates(self.optimizer.param_groups)

    def _refuse_jump(self, clock: float, schedules: dict[str, Any], saved: dict[str, list[Any]]) -> None:
        mine = {name: _encode(drive.plan) for name, drive in self._drives.items()}
        if schedules == mine:
            return
        jumps = []
        if set(saved) != set(mine):
            jumps.append(f"it drives {sorted(saved)} and this scheduler {sorted(mine)}")
        elif clock >= 0:
            for name, old in saved.items():
                new = self._drives[name].values(clock)
                if len(old) != len(new):
                    jumps.append(f"it has {len(old)} groups and this optimizer {len(new)}")
                for index, (before, after) in enumerate(zip(old, new, strict=False)):
                    if before is not None and not (after is not None and math.isclose(before, after, rel_tol=1e-9)):
                        jumps.append(f"{name} of group {index} would go from {before} to {after}")
        if jumps:
            raise ValueError(
                f"the checkpoint, of last_epoch={clock}, was made with other schedules, and {'; '.join(jumps)}. To go "
                f"on without a jump, give a schedule that agrees so far, such as old.take({clock}).then(...); to go on "
                f'all the same, build Scheduler(..., resume="count"), which takes the count alone. The checkpoint has '
                f"{schedules}, this scheduler {mine}"
            )


_BOUNDS = dict.fromkeys(("lr", "momentum", "weight_decay"), _bounds.RATE) | dict.fromkeys(its.BETAS, _bounds.BETA)


class _Drive:
    """One hyperparameter: the plan for it, which schedule each group follows, and the numbers set last."""

    def __init__(self, optimizer: torch.optim.Optimizer, name: str, given: Any) -> None:
        self.name, self.key = name, "betas" if name in its.BETAS else name
        self.bounds = _BOUNDS.get(name, _bounds.ANY)
        _, self.low, self.high = self.bounds  # at hand for every update
        self.plan = its.copied(name, given, Schedule, "Schedule")
        self.each: list[Schedule | None] = []
        self.at: list[Callable[[float], float] | None] = []  # `each`, compiled
        self.one: Callable[[float], float] | None = None  # where all groups follow it
        self.last: Any = None  # the number put there last, of `one`; a list, one a group, otherwise
        its.check_schedulable(optimizer, name)

    def assigned(self, members: its.Members, since: str) -> list[Schedule | None]:
        """The schedule of each group, None where the hyperparameter is left alone. Changes nothing."""
        each = its.for_each(self.name, self.plan, members, "schedule", since)
        if self.name == "weight_decay" and isinstance(self.plan, Schedule):
            first = [_first_decay(group) for group in members.groups]
            each = [None if own == 0 and any(first) else self.plan for own in first]
            known = zip(each, members.origins, strict=True)  # who is decayed was settled when the group joined
            each = [new if origin is None else self.each[origin] for new, origin in known]
        return each

    def assign(self, groups: list[dict[str, Any]], each: list[Schedule | None]) -> None:
        if self.name == "weight_decay" and isinstance(self.plan, Schedule):
            for group in groups:  # as torch's initial_lr: a schedule that is at 0 would hide who is decayed
                group.setdefault("initial_weight_decay", _first_decay(group))
        self.each = each
        self._compile()
        self.last = None if self.one is not None else [None] * len(each)

    def _compile(self) -> None:
        self.at = [None if schedule is None else compiled(schedule) for schedule in self.each]
        self.one = self.at[0] if all(function is self.at[0] for function in self.at) else None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "at": [], "one": None}  # a compiled function cannot be pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._compile()

    def values(self, clock: float) -> list[Any]:
        if self.one is not None:
            return [self._within(self.one, clock)] * len(self.each)
        return [None if function is None else self._within(function, clock) for function in self.at]

    def _within(self, function: Callable[[float], float], clock: float) -> float:
        return self.bounds.within(self.name, function(clock), clock)

    def put(self, scheduler: Scheduler, values: list[Any]) -> None:
        """Set one value a group, whatever the groups hold; None leaves a group alone."""
        groups = scheduler.optimizer.param_groups
        if self.name == "lr" and (self.one is not None or any(map(operator.is_not, its.rates(groups), self.last))):
            scheduler._refuse_chain()
        for index, (group, value) in enumerate(zip(groups, values, strict=False)):
            if type(group.get(self.name)) is float and value is not None:  # asking whether it is a tensor is slow
                group[self.name] = value
            elif value is not None:
                its.put(scheduler.optimizer, index, self.name, value)
        self.last = values if self.one is None else values[0]

    def in_force(self, groups: list[dict[str, Any]], clock: float) -> list[Any]:
        """Each group's value; None where it was not set, or where somebody else has set another since."""
        values = self.values(clock) if clock >= 0 else [None] * len(self.each)  # −1: it waits in a SequentialLR
        return [
            value if value is not None and its.holds(group, self.name, value) else None
            for group, value in zip(groups, values, strict=False)
        ]

    def restore(self, scheduler: Scheduler, clock: float, saved: list[Any]) -> None:
        """Set the values of ``clock``, except where they were not in force when ``saved`` was taken."""
        pairs = itertools.zip_longest(self.values(clock), saved, fillvalue=0.0)
        self.put(scheduler, [None if before is None else value for value, before in pairs][: len(self.each)])


def _first_decay(group: dict[str, Any]) -> float:
    return group.get("initial_weight_decay", its.number(group, "weight_decay"))


def _encode(plan: Any) -> Any:
    if isinstance(plan, list):
        return [schedule.to_dict() for schedule in plan]
    if isinstance(plan, dict):
        return {name: schedule.to_dict() for name, schedule in plan.items()}
    return plan.to_dict()


def _holds(member: Any, wanted: LRScheduler) -> bool:
    return member is wanted or any(_holds(child, wanted) for child in getattr(member, "_schedulers", ()))


def _sets_rates(member: Any) -> bool:
    return "lr" in member._drives if isinstance(member, Scheduler) else True


def _give_step_a_function(optimizer: torch.optim.Optimizer) -> None:
    """Torch's constructor wraps ``optimizer.step.__func__``, which a compiled or replaced step does not have."""
    step = optimizer.step
    if hasattr(step, "__func__") or hasattr(step, "_wrapped_by_lr_sched"):
        return

    @functools.wraps(step, updated=())  # not its attributes: torch.compile would take the wrapper for compiled
    def replaced(self: Any, *args: Any, **kwargs: Any) -> Any:
        return step(*args, **kwargs)

    optimizer.step = types.MethodType(replaced, optimizer)  # type: ignore[method-assign]
