"""The parameter groups of a torch optimizer: what each is given, and how a number is put into them."""

import numbers
import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.weak import WeakIdKeyDictionary

BETAS = {"beta1": 0, "beta2": 1}

# The place that each tensor driven so far is the hyperparameter of; see `put`.
_PLACES: Any = WeakIdKeyDictionary()


def torch_optimizer(given: Any) -> torch.optim.Optimizer:
    """The torch optimizer that ``given`` is, or that it wraps and shares its parameter groups with."""
    if isinstance(given, torch.optim.Optimizer):  # Accelerate's and Lightning's wrappers are subclasses
        return given
    inner = getattr(given, "optimizer", None)
    if isinstance(inner, torch.optim.Optimizer) and getattr(given, "param_groups", None) is inner.param_groups:
        return inner
    kind = type(given).__name__
    within = f"; the torch optimizer that this {kind} wraps is what to give" if hasattr(given, "param_groups") else ""
    raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {kind}{within}")


def copied(name: str, given: Any, kind: type, noun: str) -> Any:
    """``given`` (one ``kind``, a list of them, or a dict by group name), checked and copied."""
    each = given.values() if isinstance(given, Mapping) else given if isinstance(given, (list, tuple)) else [given]
    if not all(isinstance(item, kind) for item in each):
        raise TypeError(f"{name} must be a {noun}, a list of them or a dict by group name, got {given!r}")
    return given if isinstance(given, kind) else dict(given) if isinstance(given, Mapping) else list(given)


class Members:
    """The groups that a scheduler drives, held against those that it drove ``before``.

    A group is the same one if its dict is or its parameters are: loading a state puts new dicts in the groups' places,
    without their names where the state has none.
    """

    def __init__(self, groups: list[dict[str, Any]], before: "Members | None" = None) -> None:
        old, names = (before.groups, before.names) if before else ([], [])
        self.groups: list[dict[str, Any]] = list(groups)
        self.origins = [_place(old, index, group) for index, group in enumerate(groups)]  # None: it has joined
        self.moved = self.origins[: len(old)] != list(range(len(old)))
        self.names: list[Any] = [
            group.get("name", None if origin is None else names[origin])
            for group, origin in zip(groups, self.origins, strict=True)
        ]

    def are(self, groups: list[dict[str, Any]]) -> bool:
        """Whether these are the very dicts; cheap, for every update asks."""
        return len(groups) == len(self.groups) and all(map(operator.is_, groups, self.groups))


def _place(groups: list[dict[str, Any]], index: int, wanted: dict[str, Any]) -> int | None:
    """Where ``wanted`` is among the groups: at ``index`` if it may be, since groups without parameters are alike."""
    its_parameters = list(map(id, wanted["params"]))
    nearest_first = sorted(range(len(groups)), key=lambda i: i != index)
    same = (i for i in nearest_first if groups[i] is wanted or list(map(id, groups[i]["params"])) == its_parameters)
    return next(same, None)


def for_each(name: str, given: Any, members: Members, noun: str, since: str = "") -> list[Any]:
    """What each group has been given. A dict may name groups that do not exist yet, but no group may be left out.

    ``since`` says what to do where the groups did match once, and are others now.
    """
    if isinstance(given, list):
        if len(given) != len(members.groups) or members.moved:
            raise ValueError(
                f"{name}: a list needs one {noun} a group, in their order, got {len(given)} for "
                f"{len(members.groups)} groups{since}"
            )
        return given
    if isinstance(given, dict):
        for index, own in enumerate(members.names):
            if own not in given:
                raise ValueError(
                    f"{name}: group {index}, named {own!r}, has no {noun}; there is one for {list(given)}, "
                    f"and the groups are named {members.names}{since}"
                )
        return [given[own] for own in members.names]
    return [given] * len(members.groups)


def _current(group: dict[str, Any], name: str) -> Any:
    return group["betas"][BETAS[name]] if name in BETAS else group[name]


def number(group: dict[str, Any], name: str) -> float:
    """The hyperparameter ``name`` of the group, "beta1" and "beta2" included."""
    return float(_current(group, name))


def holds(group: dict[str, Any], name: str, value: float) -> bool:
    """Whether ``name`` is at ``value``, as far as a tensor's precision goes."""
    current = _current(group, name)
    return bool(current == (current.new_tensor(value) if isinstance(current, torch.Tensor) else value))


def check_schedulable(optimizer: torch.optim.Optimizer, name: str) -> None:
    """Raise ValueError if ``name`` is not a number in each of the groups."""
    key = "betas" if name in BETAS else name
    for group in optimizer.param_groups:
        if key not in group:
            known = sorted(set(group) - {"params"})
            raise ValueError(f"{type(optimizer).__name__} has no hyperparameter {name!r}; its groups have {known}")
        current = _current(group, name)
        plain = isinstance(current, numbers.Real) and not isinstance(current, bool)
        if not plain and not (isinstance(current, torch.Tensor) and current.numel() == 1):
            raise ValueError(f"{name} cannot be scheduled: it is {current!r}, and a schedule gives a number")
        if isinstance(current, torch.Tensor) and not current.is_floating_point():
            raise ValueError(
                f"{name} cannot be scheduled: it is {current!r}, which would round it; make it a float tensor"
            )


def put(optimizer: torch.optim.Optimizer, index: int, name: str, value: float) -> None:
    """Set hyperparameter ``name`` of group ``index``; a tensor is filled in place, for compiled steps.

    Torch puts one and the same tensor into each group that names none of its own, and people give it to two optimizers:
    a tensor that has another place already is replaced by one for this place alone.
    """
    group, place = optimizer.param_groups[index], (id(optimizer), index, name)
    if name not in BETAS:
        group[name] = _filled(group[name], value, place)
        return
    betas, i = list(group["betas"]), BETAS[name]
    if betas[i] is betas[1 - i] and isinstance(betas[i], torch.Tensor):
        betas[i] = betas[i].clone()
    betas[i] = _filled(betas[i], value, place)
    group["betas"] = tuple(betas)


def _filled(current: Any, value: float, place: tuple[int, int, str]) -> Any:
    if not isinstance(current, torch.Tensor):
        return value
    if _PLACES.setdefault(current, place) != place:
        current = current.clone()
        _PLACES[current] = place
    return current.fill_(value)


def rates(groups: list[dict[str, Any]]) -> list[Any]:
    """The rate of each group; of tensors, copies, so that what was read does not change later."""
    found = [group["lr"] for group in groups]
    for rate in found:
        if type(rate) is not float:
            return [rate.clone() if isinstance(rate, torch.Tensor) else rate for rate in found]
    return found
