"""A Schedule or a Plateau drives a torch optimizer.

The caller steps the scheduler once per *real* optimizer update: not for each micro-batch of an accumulated gradient,
and not for an update that a ``GradScaler`` skipped.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from lrlib._extras import needed_by
from lrlib._triton import load_with_own_symbols

with needed_by("lrlib.torch"):
    import torch
    from torch.optim.lr_scheduler import LRScheduler

from lrlib._torch_range import no_trace, range_test
from lrlib.plateau import Plateau, PlateauState
from lrlib.schedules import Check, Count, Schedule

__all__ = ["PlateauScheduler", "Scheduler", "no_trace", "range_test"]

load_with_own_symbols()

_Plan = Schedule | list[Schedule] | dict[str, Schedule]
_BETAS = {"beta1": 0, "beta2": 1}
_UPDATES = dataclasses.replace(Check.of(Count), words="a whole number, −1 or more", allowed=lambda n: n >= -1)


class Scheduler(LRScheduler):
    """Sets ``lr``, and any other hyperparameter asked for, to ``schedule(number of updates made)``.

    A real ``torch.optim.lr_scheduler.LRScheduler``: call :meth:`step` after each optimizer update. Rates are absolute;
    the rate that the optimizer was built with plays no part.

    * ``optimizer``: any torch optimizer. A tensor ``lr`` (for ``torch.compile``) is filled in place.
    * ``lr``: a Schedule for all groups, a list of them (one a group), or a dict by ``group["name"]``. A group added
      later joins at the next step, except with a list.
    * ``last_epoch``: the number of updates already made. With ``last_epoch=n`` the rate in force next is ``lr(n)``; the
      default, −1, is a fresh start, the same as 0. (Torch's own schedulers count one less.)
    * ``others``: more hyperparameters, each given as ``lr`` is: ``momentum``, ``weight_decay``, ``beta1`` and ``beta2``
      (the elements of ``betas``), or any other number in the groups. What is not named here is not touched.

    Errors: ``TypeError`` for what is no Schedule; ``ValueError`` for a list of the wrong length, for an unknown or
    missing group name, and for a hyperparameter that the optimizer does not have.

    >>> import lrlib
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], momentum=0.9)
    >>> rates = lrlib.OneCycle(0.1, steps=100)
    >>> scheduler = Scheduler(optimizer, rates, momentum=0.95 - rates)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.last_epoch, optimizer.param_groups[0]["lr"] == rates(1)
    (1, True)
    """

    def __init__(self, optimizer: torch.optim.Optimizer, lr: Any, *, last_epoch: int = -1, **others: Any) -> None:
        last_epoch = _UPDATES("Scheduler", "last_epoch", last_epoch)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}")
        self._plans = {name: _plan(name, given, optimizer) for name, given in {"lr": lr, **others}.items()}
        super().__init__(optimizer)  # patches optimizer.step for torch's order check, and steps to update 0
        if last_epoch > 0:
            self._go_to(last_epoch)

    def step(self, epoch: int | None = None) -> None:
        """Set the hyperparameters for the next update. Call it after each real ``optimizer.step()``."""
        if epoch is not None or self._step_count <= 1:
            super().step(epoch)  # torch's own check that the optimizer has been stepped first
        else:
            self._step_count += 1
            self._update_lr()

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        t, groups = self.last_epoch, self.optimizer.param_groups
        for name, plan in self._plans.items():
            if isinstance(plan, Schedule):
                rate = plan(t)
                for group in groups:
                    _set(group, name, rate)
            else:
                for group, schedule in _pairs(name, plan, groups):
                    _set(group, name, schedule(t))
        self._last_lr = _read_rates(groups)

    def _go_to(self, updates: int) -> None:
        self._step_count = updates + 1
        self._update_lr(updates)

    def get_lr(self) -> list[Any]:
        """The rates of update ``last_epoch``, one a group."""
        plan, groups = self._plans["lr"], self.optimizer.param_groups
        return [schedule(self.last_epoch) for _, schedule in _pairs("lr", plan, groups)]

    def state_dict(self) -> dict[str, Any]:
        """``last_epoch`` (the number of updates) and ``schedules``: numbers, strings, lists and dicts only."""
        return {
            "last_epoch": self.last_epoch,
            "schedules": {name: _encode(plan) for name, plan in self._plans.items()},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was taken; the rates are set at once, so every load order gives the same trace.

        Errors: ``ValueError`` for what is no state of a Scheduler, and for another schedule than this one's.
        """
        if not {"last_epoch", "schedules"} <= set(state_dict):
            raise ValueError(
                f"no state of an lrlib.torch.Scheduler: needs last_epoch and schedules, got {set(state_dict)}"
            )
        updates, saved = state_dict["last_epoch"], state_dict["schedules"]
        mine = self.state_dict()["schedules"]
        if saved != mine:
            raise ValueError(
                f"the checkpoint was made with other schedules: it has {saved}, this scheduler {mine}. To go on with "
                f"the new ones, do not load this state; build Scheduler(optimizer, ..., last_epoch={updates})"
            )
        self._go_to(updates)


class PlateauScheduler(LRScheduler):
    """Drives ``lr`` of every group by a :class:`lrlib.Plateau`: ``step(metric)`` after each measurement.

    Building it sets the rate to ``plateau.lr``; after a warm-up, build it when the warm-up has ended. ``state`` is the
    :class:`lrlib.PlateauState`; ``last_epoch`` the number of measurements.

    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    >>> scheduler = PlateauScheduler(optimizer, Plateau(0.1, patience=0))
    >>> for loss in (1.0, 1.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.010000000000000002]
    """

    def __init__(self, optimizer: torch.optim.Optimizer, plateau: Plateau) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}")
        if not isinstance(plateau, Plateau):
            raise TypeError(f"plateau must be an lrlib.Plateau, got {plateau!r}")
        self.optimizer, self.plateau = optimizer, plateau
        self.base_lrs = [plateau.lr for _ in optimizer.param_groups]  # what torch's own have under this name
        self.last_epoch = 0
        self._set_state(plateau.start())

    def _set_state(self, state: PlateauState) -> None:
        self.state = state
        for group in self.optimizer.param_groups:
            _set(group, "lr", state.lr)
        self._last_lr = _read_rates(self.optimizer.param_groups)

    def step(self, metric: Any) -> None:  # type: ignore[override]
        """Take one measurement (a number or a one-element tensor) and set the rate for what follows."""
        self.last_epoch += 1
        self._set_state(self.plateau.update(self.state, float(metric)))

    def get_lr(self) -> list[Any]:
        """The rate in force, one a group."""
        return [self.state.lr for _ in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The rule, its state and the number of measurements: numbers, strings and dicts only."""
        return {"last_epoch": self.last_epoch, "plateau": self.plateau.to_dict(), "state": self.state.to_dict()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was taken. Errors: ``ValueError`` if it was made with another rule."""
        if not {"last_epoch", "plateau", "state"} <= set(state_dict):
            raise ValueError(f"no state of an lrlib.torch.PlateauScheduler: got {set(state_dict)}")
        if state_dict["plateau"] != self.plateau.to_dict():
            theirs, rate = Plateau.from_dict(state_dict["plateau"]), state_dict["state"]["lr"]
            raise ValueError(
                f"the checkpoint was made with {theirs}, this scheduler with {self.plateau}. To go on with the new "
                f"rule, do not load this state; start the new rule at the rate then in force: Plateau(lr={rate}, ...)"
            )
        self.last_epoch = state_dict["last_epoch"]
        self._set_state(PlateauState(**state_dict["state"]))


def _plan(name: str, given: Any, optimizer: torch.optim.Optimizer) -> _Plan:
    """Check what was given for hyperparameter ``name`` and copy it."""
    groups = optimizer.param_groups
    each = given.values() if isinstance(given, Mapping) else given if isinstance(given, (list, tuple)) else [given]
    for schedule in each:
        if not isinstance(schedule, Schedule):
            raise TypeError(f"{name} must be a Schedule, a list of them or a dict by group name, got {given!r}")
    key = "betas" if name in _BETAS else name
    for group in groups:
        if key not in group:
            known = sorted(set(group) - {"params"})
            raise ValueError(f"{type(optimizer).__name__} has no hyperparameter {name!r}; its groups have {known}")
        current = group[key][_BETAS[name]] if name in _BETAS else group[key]
        number = isinstance(current, (int, float)) and not isinstance(current, bool)
        if not number and not (isinstance(current, torch.Tensor) and current.numel() == 1):
            raise ValueError(f"{name} cannot be scheduled: it is {current!r}, and a schedule gives a number")
    plan = given if isinstance(given, Schedule) else dict(given) if isinstance(given, Mapping) else list(given)
    if isinstance(plan, dict):
        unknown = sorted(set(plan) - {group.get("name") for group in groups})
        if unknown:
            raise ValueError(
                f"{name}: no group is named {unknown}; names are {[group.get('name') for group in groups]}"
            )
    _pairs(name, plan, groups)
    return plan


def _pairs(name: str, plan: _Plan, groups: list) -> list[tuple[dict, Schedule]]:
    """(group, its schedule) for each group."""
    if isinstance(plan, Schedule):
        return [(group, plan) for group in groups]
    if isinstance(plan, list):
        if len(plan) != len(groups):
            raise ValueError(f"{name}: a list needs one schedule a group, got {len(plan)} for {len(groups)} groups")
        return list(zip(groups, plan, strict=True))
    for index, group in enumerate(groups):
        if group.get("name") not in plan:
            raise ValueError(
                f"{name}: group {index}, named {group.get('name')!r}, has no schedule; given: {sorted(plan)}"
            )
    return [(group, plan[group["name"]]) for group in groups]


def _set(group: dict[str, Any], name: str, number: float) -> None:
    if type(group.get(name)) is float:  # the usual case first: asking a number whether it is a Tensor is slow
        group[name] = number
    elif name in _BETAS:
        betas = list(group["betas"])
        betas[_BETAS[name]] = _filled(betas[_BETAS[name]], number)
        group["betas"] = tuple(betas)
    else:
        group[name] = _filled(group[name], number)


def _filled(current: Any, number: float) -> Any:
    return current.fill_(number) if isinstance(current, torch.Tensor) else number


def _read_rates(groups: list) -> list[Any]:
    rates = [group["lr"] for group in groups]
    return [rate if type(rate) is float or not isinstance(rate, torch.Tensor) else rate.clone() for rate in rates]


def _encode(plan: _Plan) -> Any:
    if isinstance(plan, Schedule):
        return plan.to_dict()
    if isinstance(plan, list):
        return [schedule.to_dict() for schedule in plan]
    return {name: schedule.to_dict() for name, schedule in plan.items()}
