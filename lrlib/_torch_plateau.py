"""A Plateau drives a torch optimizer; ``lrlib.torch.PlateauScheduler`` is its public name."""

import dataclasses
import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrlib import _torch_groups as its
from lrlib.plateau import Plateau, PlateauState
from lrlib.schedules import one_of

_RESUME = one_of("same", "state")


def _number(metrics: Any) -> float:
    try:
        if isinstance(metrics, (bool, str)):
            raise TypeError
        if isinstance(metrics, torch.Tensor) and (metrics.numel() != 1 or metrics.is_meta):
            raise TypeError  # before float does: its RuntimeError may also be an accelerator's, of an earlier operation
        return float(metrics)
    except (TypeError, ValueError):
        wanted = "a number or a one-element tensor"
        raise TypeError(f"PlateauScheduler: metrics must be {wanted}, got {metrics!r}") from None


def _of_the_rule(name: str) -> property:
    return property(lambda self: getattr(self._rules[0], name))


class PlateauScheduler(ReduceLROnPlateau):
    """Drives ``lr`` by a :class:`lrlib.Plateau`: ``step(metric)`` after each measurement.

    * ``optimizer``: any torch optimizer; a tensor ``lr`` is filled in place.
    * ``plateau``: a Plateau for all groups, a list of them (one a group), or a dict by ``group["name"]``, which may
      name groups to come. A rule whose groups have one common rate sets it to ``plateau.lr`` when it is built. Where
      one rule has groups with different rates, or a group that joins it later, each group keeps its own rate and is
      cut from there, as torch's ReduceLROnPlateau does it; ``plateau.lr`` then plays no part.
      A group that is removed, or replaced by another, is refused at the next step.
    * ``resume``: what :meth:`load_state_dict` does with the checkpoint of another rule: "same" refuses it, "state" goes
      on under the new rule from the saved rates, counters and best metric (not the best, if the mode is another).

    ``states`` has the :class:`lrlib.PlateauState` of each group, ``state`` the first group's; ``last_epoch`` is the
    number of measurements. Torch's attributes can be read, not set: ``best``, ``num_bad_epochs``, ``cooldown_counter``,
    ``mode``, ``factor``, ``patience``, ``threshold``, ``threshold_mode``, ``cooldown`` and ``eps`` are the first
    group's, and ``min_lrs`` has one a group.

    Training loops that ask for torch's ``ReduceLROnPlateau`` (Lightning's, transformers') take it for one; it shares
    the interface, not the code. Rates are absolute: after a warm-up, build it when the warm-up has ended. Of two
    schedulers that are stepped on one optimizer the last one to step wins; torch's SequentialLR and ChainedScheduler
    refuse plateau rules, this one too.

    Errors: ``TypeError`` for what is no Plateau, ``ValueError`` as :class:`lrlib.torch.Scheduler` has them.

    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    >>> scheduler = PlateauScheduler(optimizer, Plateau(0.1, patience=0))
    >>> for loss in (1.0, 1.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.010000000000000002]
    """

    def __init__(self, optimizer: torch.optim.Optimizer, plateau: Any, *, resume: str = "same") -> None:
        self.optimizer = its.torch_optimizer(optimizer)
        self.plateau = its.copied("plateau", plateau, Plateau, "Plateau")
        self._resume = _RESUME("PlateauScheduler", "resume", resume)
        self.last_epoch = 0
        self.states: list[PlateauState] = []
        self._rules: list[Plateau] = []
        self._members = its.Members([])
        self._join()
        self.base_lrs = [state.lr for state in self.states]  # what torch's own have under this name
        self._set(self.states)

    @property
    def state(self) -> PlateauState:
        """The state of the first group."""
        return self.states[0]

    def _join(self) -> None:
        """Give each group a rule and a state: when built, and when a group has joined. Refuses before it changes."""
        members, old = its.Members(self.optimizer.param_groups, self._members), len(self.states)
        if members.moved:
            raise ValueError(
                "PlateauScheduler: a group has been removed, replaced or moved since the scheduler was built: build it "
                f"anew; it was built for {old} groups, named {self._members.names}, "
                f"and now there are {len(members.groups)}, named {members.names}"
            )
        joined = ""
        if old:
            joined = (
                ". A group has joined since the scheduler was built: name it, and give its rule when the scheduler is "
                "built (a dict may name groups to come)"
            )
        rules = its.for_each("plateau", self.plateau, members, "rule", joined)
        self._rules, self.states, self._members = rules, self._states_of(members, rules), members

    def _states_of(self, members: its.Members, rules: list[Plateau]) -> list[PlateauState]:
        """Each group's state; of a group that has joined, a first one, with the counters of those of its rule."""
        owners, old = self._owners(members), len(self.states)
        states = list(self.states)
        for index in range(old, len(owners)):
            mates = [i for i, owner in enumerate(owners) if owner == owners[index]]
            own = its.number(members.groups[index], "lr")
            if mates[0] < old:  # the counters are the rule's, the rate is the group's
                state = dataclasses.replace(states[mates[0]], lr=own)
            elif any(its.number(members.groups[i], "lr") != own for i in mates):
                state = PlateauState(own)
            else:
                state = rules[index].start()
            states.append(state)
        return states

    def _owners(self, members: its.Members) -> list[Any]:
        """What tells, for each group, which others follow the same rule: all, or itself alone, or its namesakes."""
        if isinstance(self.plateau, dict):
            return members.names
        count = len(members.groups)
        return list(range(count)) if isinstance(self.plateau, list) else [None] * count

    def _set(self, states: list[PlateauState]) -> None:
        self.states = states
        for index, state in enumerate(states):
            its.put(self.optimizer, index, "lr", state.lr)
        self._last_lr = its.rates(self.optimizer.param_groups)

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take one measurement (a number or a one-element tensor) and set the rate for what follows.

        ``epoch``, which torch deprecates, sets the number of measurements; it plays no other part.

        Errors: ``TypeError`` for any other measurement.
        """
        metric = _number(metrics)
        if not self._members.are(self.optimizer.param_groups):
            self._join()
        states = [rule.update(state, metric) for rule, state in zip(self._rules, self.states, strict=True)]
        if epoch is not None:
            warnings.warn("torch deprecates the epoch parameter of step(): leave it out", UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set(states)

    def get_lr(self) -> list[Any]:
        """The rate in force, one a group."""
        return [state.lr for state in self.states]

    mode: Any = _of_the_rule("mode")
    factor: Any = _of_the_rule("factor")
    patience: Any = _of_the_rule("patience")
    threshold: Any = _of_the_rule("threshold")
    threshold_mode: Any = _of_the_rule("threshold_mode")
    cooldown: Any = _of_the_rule("cooldown")
    eps: Any = _of_the_rule("eps")
    min_lrs: Any = property(lambda self: [rule.min_lr for rule in self._rules])
    num_bad_epochs: Any = property(lambda self: self.state.bad)
    cooldown_counter: Any = property(lambda self: self.state.cooldown)

    @property
    def best(self) -> Any:  # type: ignore[override]
        """The first group's best metric, as torch has it: before the first one, infinite."""
        worst = math.inf if self.mode == "min" else -math.inf
        return worst if self.state.best is None else self.state.best

    @property
    def in_cooldown(self) -> bool:
        """Whether the next measurement of the first group's rule is one of a cool-down."""
        return self.state.cooldown > 0

    def _reset(self) -> None:
        """Forget the best metric and the counters, as torch's own does; the rates stay."""
        self.states = [PlateauState(state.lr) for state in self.states]

    def state_dict(self) -> dict[str, Any]:
        """Each group's rule and state, and the number of measurements: numbers, strings, lists and dicts only."""
        return {
            "last_epoch": self.last_epoch,
            "plateau": [rule.to_dict() for rule in self._rules],
            "states": [state.to_dict() for state in self.states],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where ``state_dict`` was taken; the rates are set at once.

        Errors: ``ValueError``, and nothing is changed, for what is no state of a PlateauScheduler, for another number
        of groups, and for another rule (see ``resume``).
        """
        if not {"last_epoch", "plateau", "states"} <= set(state_dict):
            raise ValueError(f"no state of an lrlib.torch.PlateauScheduler: got {sorted(state_dict)}")
        if not self._members.are(self.optimizer.param_groups):
            self._join()
        saved, rules = state_dict["plateau"], [rule.to_dict() for rule in self._rules]
        if len(saved) != len(rules):
            raise ValueError(f"the checkpoint has {len(saved)} groups, this optimizer {len(rules)}")
        if self._resume == "same" and saved != rules:
            raise ValueError(
                f"the checkpoint was made with {saved}, this scheduler with {self.plateau}. To go on under the new "
                "rule from the rates, counters and best metric of the checkpoint, build PlateauScheduler(..., "
                'resume="state"); otherwise give the rule that it was made with'
            )
        states = [PlateauState(**state) for state in state_dict["states"]]
        for index, (old, rule) in enumerate(zip(saved, rules, strict=True)):
            if old["mode"] != rule["mode"]:  # the best of another metric is no best
                states[index] = PlateauState(states[index].lr)
        self.last_epoch = state_dict["last_epoch"]
        self._set(states)
