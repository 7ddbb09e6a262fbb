"""Reads torch's and Keras's own schedulers as Schedules, or refuses with the reason.

Each kind is read by one entry of a table, from the object's parameters, so it does not matter how often the object has
been stepped. A framework is imported only when one of its objects is read.
"""

import bisect
import functools
import itertools
import math
import numbers
import operator
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NoReturn

from lrlib import schedules
from lrlib._extras import needed_by
from lrlib.schedules import Constant, Cosine, Linear, Schedule

__all__ = ["from_keras", "from_torch"]


def from_torch(scheduler: Any, group: int = 0, key: str = "lr") -> Schedule:
    """The Schedule of the rates that a torch scheduler applies to parameter group number ``group``, from update 0 on.

    Read are ``lrlib.torch.Scheduler`` and all of torch's whose rates are fixed beforehand: StepLR, MultiStepLR,
    ConstantLR, LinearLR, ExponentialLR, PolynomialLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR,
    OneCycleLR, SWALR; SequentialLR of these, and ChainedScheduler of those that multiply the rate. ``key`` "momentum"
    or "beta1" reads what CyclicLR and OneCycleLR do to it, any other key what a Scheduler of ours does.

    The values are those of torch's own step-by-step rule, off-by-ones included, over the object's horizon. Past it ours
    holds, where torch's CosineAnnealingLR rises again and its OneCycleLR raises an error.

    Errors: ``ValueError`` for a ``group`` that does not exist. ``TypeError``, saying why, for rates that depend on a
    function or a metric, for subclasses, a OneCycleLR with a phase that ends between two updates, chains that are no
    product, nested SequentialLR, one with a milestone at 0 before PyTorch 2.13, a key that the object does not drive,
    an object that has applied other rates than its parameters give (because another scheduler was built on the
    optimizer before it, for one), and one that would go on from another rate than the one that it applied last, because
    another scheduler has moved it, say, or its own constructor after a checkpoint was loaded.

    >>> from torch import nn, optim
    >>> optimizer = optim.SGD([nn.Parameter()], lr=0.1)
    >>> from_torch(optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.5))
    StepDecay(lr=0.1, gamma=0.5, every=30)
    """
    kind, leaf = _torch_kind(scheduler), scheduler
    while hasattr(leaf, "_schedulers"):  # chains have no base rates of their own
        leaf = leaf._schedulers[0]
    groups = leaf.optimizer.param_groups if kind == "Scheduler" else leaf.base_lrs
    if isinstance(group, bool) or not isinstance(group, numbers.Integral) or not 0 <= group < len(groups):
        raise ValueError(f"from_torch: group must be a whole number from 0 to {len(groups) - 1}, got {group!r}")
    keys = list(getattr(scheduler, "_drives", ["lr"]))  # a Scheduler of ours has others
    if getattr(scheduler, "cycle_momentum", False):
        keys.append("beta1" if scheduler.use_beta1 else "momentum")
    if key not in keys:
        _refuse(scheduler, f"of what it drives, only {keys} can be read, not {key!r}")
    if kind == "Scheduler":
        return _our_own(scheduler, math.nan, group, key)
    base, updates = float(leaf.base_lrs[group]), getattr(scheduler, "last_epoch", leaf.last_epoch)
    try:
        schedule = _TORCH[kind](scheduler, base, group, key)
    except ValueError as error:
        _refuse(scheduler, str(error))
    if key == "lr" and (schedule.length is None or updates <= schedule.length):
        applied, found = float(scheduler.get_last_lr()[group]), float(leaf.optimizer.param_groups[group]["lr"])
        _refuse_other_rates(scheduler, schedule, updates, base, applied, found)
    return schedule


def _refuse_other_rates(
    scheduler: Any, schedule: Schedule, updates: int, base: float, applied: float, found: float
) -> None:
    """Raise TypeError if it has ``applied`` another rate than the schedule's, or would go on from another one."""
    given = schedule(max(updates, 0))
    if not math.isclose(applied, given, rel_tol=1e-3, abs_tol=1e-6 * base):  # float32 errors add up
        why = "was another scheduler built on the optimizer before, or a checkpoint loaded in the wrong order?"
        _refuse(scheduler, f"its parameters give {given} at update {updates}, it has applied {applied}; {why}")
    ended = updates > 0 and updates == schedule.length  # what the optimizer holds now is the next scheduler's
    if (updates <= 0 or _goes_on(scheduler)) and not ended and not math.isclose(found, applied, rel_tol=1e-6):
        why = (
            "load the optimizer's state after the scheduler is built; with another scheduler, read this one before the "
            "other moves the rate, or build it when the other has ended"
        )
        _refuse(scheduler, f"the optimizer holds the rate {found}, where it had set {applied}; {why}")


def from_keras(schedule: Any) -> Schedule:
    """The Schedule whose values are those of a Keras ``LearningRateSchedule``, before Keras rounds them to float32.

    Read are all of ``keras.optimizers.schedules`` and ``lrlib.keras.Schedule``. PiecewiseConstantDecay keeps the old
    value *at* a boundary, so ours changes one update later.

    Errors: ``TypeError``, saying why, for subclasses; an integer initial rate, which makes Keras compute in integers;
    PolynomialDecay with ``cycle=True``; staircases and restarts of a fractional length that float32 does not hold; and
    CosineDecayRestarts whose float32 logarithm misses one of the first ten restarts, as with ``t_mul=1.3``. Later
    misses (with ``t_mul=2`` from the thirteenth on) are not reproduced.

    >>> from keras.optimizers.schedules import PiecewiseConstantDecay
    >>> from_keras(PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1]))
    Piecewise(boundaries=(3, 5), values=(1.0, 0.5, 0.1))
    """
    with needed_by("from_keras"):
        from keras.optimizers import schedules as keras_schedules

    from lrlib import keras as ours

    kind, start = _kind(schedule, _KERAS, keras_schedules, ours), getattr(schedule, "initial_learning_rate", 0.0)
    if isinstance(start, numbers.Integral):
        _refuse(schedule, f"initial_learning_rate={start} is an integer, so Keras rounds decay rates and π to integers")
    try:
        return _KERAS[kind](schedule)
    except ValueError as error:
        _refuse(schedule, str(error))


def _refuse(thing: Any, reason: str) -> NoReturn:
    raise TypeError(f"{type(thing).__name__} cannot be read as a Schedule: {reason}")


_REASONS = {
    "LambdaLR": "its factors are Python functions",
    "MultiplicativeLR": "its factors are Python functions",
    "ReduceLROnPlateau": "its rates follow a metric (lrlib.Plateau does that)",
    "PlateauScheduler": "its rates follow a metric",
}


def _kind(thing: Any, table: Mapping[str, Any], *homes: Any) -> str:
    kinds = {getattr(home, name): name for home in homes for name in table if hasattr(home, name)}
    if type(thing) in kinds:  # not isinstance: a subclass may compute its rates otherwise
        return kinds[type(thing)]
    parent = next((kinds[cls] for cls in type(thing).__mro__ if cls in kinds), None)
    reason = f"a subclass of {parent} may compute its rates otherwise" if parent else "its kind is not known"
    _refuse(thing, next((_REASONS[cls.__name__] for cls in type(thing).__mro__ if cls.__name__ in _REASONS), reason))


def _torch_kind(scheduler: Any) -> str:
    with needed_by("from_torch"):
        from torch.optim import lr_scheduler, swa_utils

    from lrlib import torch as ours

    return _kind(scheduler, _TORCH, lr_scheduler, swa_utils, ours)


def _count(thing: Any, name: str) -> int:
    number = getattr(thing, name)
    return int(number) if number == int(number) else _refuse(thing, f"{name}={number!r} is no whole number")


def _over(n: float, make: Callable[[int], Schedule]) -> Schedule:
    """What ``make`` gives for ``n`` updates; for a fractional ``n``, what it gives for one update, stretched."""
    return make(int(n)) if float(n).is_integer() else make(1).stretch(n)


def _between(low: float, high: float, make: Callable[[float, float], Schedule]) -> Schedule:
    """From ``low`` up to ``high``; mirrored where ``low`` is the higher one, as momenta have it."""
    low, high = float(low), float(high)
    return make(low, high) if low <= high else low - make(0.0, low - high)


def _levels(changes: Iterable[tuple[int, float]]) -> Schedule:
    """The value of the latest of the ``changes`` (update, value), which come in order, the first one at 0."""
    (_, first), *rest = {max(start, 0): float(value) for start, value in changes}.items()
    if not rest:
        return Constant(first)
    return schedules.Piecewise(tuple(start for start, _ in rest), (first, *(value for _, value in rest)))


# -- torch: each entry takes the scheduler, its base rate, the group's number and the key ------------------------------


def _multi_step(s: Any, base: float, *_: Any) -> Schedule:
    milestones = sorted(s.milestones.elements())
    if any(m < 0 or m != int(m) for m in milestones):
        _refuse(s, f"torch's two formulas disagree on milestones {milestones}, of which one is negative or fractional")
    return _levels([(0, base), *((int(m), base * s.gamma**k) for k, m in enumerate(milestones, start=1))])


def _constant(s: Any, base: float, *_: Any) -> Schedule:
    n = _count(s, "total_iters")
    if s.factor == 0:
        _refuse(s, f"torch divides by its factor, 0, at update {n}")
    return _levels([(0, base * s.factor), (n, base)] if n > 0 else [(0, base * s.factor)])  # n = 0 is never lifted


def _linear(s: Any, base: float, *_: Any) -> Schedule:
    n, start = _count(s, "total_iters"), base * s.start_factor
    return Linear(start, base * s.end_factor, n) if n > 0 else Constant(start)


def _polynomial(s: Any, base: float, *_: Any) -> Schedule:
    n = _count(s, "total_iters")
    return schedules.Polynomial(base, 0.0, n, s.power) if n > 0 else Constant(base)


def _cyclic(s: Any, base: float, group: int, key: str) -> Schedule:
    if s._scale_fn_custom is not None:
        _refuse(s, "its scale_fn is a Python function")
    up = s.total_size * s.step_ratio  # torch keeps only these two
    down, k = s.total_size - up, 1.0
    n, m = round(up), round(down)
    if max(abs(up - n), abs(down - m)) > 1e-12 * s.total_size:  # a cycle of whole sizes, stretched
        n, m = Fraction(up / down).limit_denominator(1000).as_integer_ratio()
        k = s.total_size / (n + m)
        if not math.isclose(up, k * n, rel_tol=1e-12):
            _refuse(s, f"its step sizes, {up} and {down}, are in no ratio of whole numbers below 1000")
    family: dict[str, Callable[[float, float], Schedule]] = {
        "triangular": lambda low, high: schedules.Triangular(low, high, n, m),
        "triangular2": lambda low, high: schedules.Triangular2(low, high, n, m),
        "exp_range": lambda low, high: schedules.ExpRange(low, high, n, m, s.gamma**k),
    }
    ends = (s.base_lrs, s.max_lrs) if key == "lr" else (s.max_momentums, s.base_momentums)
    cycle = _between(ends[0][group], ends[1][group], family[s.mode])
    return cycle if k == 1 else cycle.stretch(k)


def _one_cycle(s: Any, base: float, group: int, key: str) -> Schedule:
    values, what = s.optimizer.param_groups[group], "lr" if key == "lr" else "momentum"
    how = getattr(s, "_anneal_func_type", None) or s.anneal_func.__name__  # older state dicts hold the function
    shape = Cosine if "cos" in how else Linear
    parts: list[Schedule] = []
    start, last = 0, s.total_steps - 1
    for phase in s._schedule_phases:
        end = round(phase["end_step"])
        if end < 0 or abs(phase["end_step"] - end) > 1e-9 * s.total_steps:
            _refuse(s, f"a phase ends at {phase['end_step']}, which is no update; pct_start · steps must be whole")
        if start < last:
            parts.append(shape(float(values[phase[f"start_{what}"]]), float(values[phase[f"end_{what}"]]), end - start))
            start = end
    whole = functools.reduce(Schedule.then, parts)
    return whole.take(last) if start > last else whole


def _swa(s: Any, base: float, group: int, *_: Any) -> Schedule:
    end, shape = float(s.optimizer.param_groups[group]["swa_lr"]), Cosine if s._anneal_strategy == "cos" else Linear
    return shape(base, end, s.anneal_epochs) if s.anneal_epochs else Constant(end)


def _our_own(s: Any, base: float, group: int, key: str) -> Schedule:
    schedule = s._assigned()[1][key][group]  # of a group, too, that is yet to join
    if schedule is None:
        _refuse(s, f"it leaves {key} of group {group} alone, where it is {s.optimizer.param_groups[group][key]}")
    return _on_updates(schedule, s.by)


def _on_updates(schedule: Schedule, by: float) -> Schedule:
    """The schedule of a clock that moves ``by`` at each update, on a clock of updates."""
    return schedule if by == 1 else schedule.stretch(1 / by)


def _sequential(s: Any, base: float, group: int, key: str) -> Schedule:
    """Each child from its own 0; at its milestone torch sets the rate afresh, from the child's own base rate."""
    milestones = list(s._milestones)
    if milestones != sorted(milestones) or any(m != int(m) for m in milestones):
        _refuse(s, f"its milestones, {milestones}, are not rising whole numbers")
    first = bisect.bisect_right(milestones, 0)  # a milestone at 0 skips what stands before it
    if first and not _skips_to_zero():
        _refuse(
            s, f"before 2.13 PyTorch starts with the first of its schedulers, in spite of the milestones {milestones}"
        )
    starts = [0, *map(int, milestones[first:])]
    parts: list[Schedule] = []
    for start, stop, child in zip(starts, [*starts[1:], None], s._schedulers[first:], strict=True):
        kind = _torch_kind(child)
        if kind in ("SequentialLR", "ChainedScheduler"):
            _refuse(s, f"within it torch plays a {kind} one update early, or fails at the milestone")
        if start and (kind == "SWALR" or getattr(child, "total_iters", 1) < 1):
            _refuse(s, f"torch starts this {kind} at a milestone otherwise than at update 0")
        if start == stop:  # of children with the same milestone torch plays the last
            continue
        # The first child multiplies the rate that it finds; it finds the optimizer's initial one.
        own = child.base_lrs[group] if start else s.optimizer.param_groups[group]["initial_lr"]
        part = _TORCH[kind](child, float(own), group, key)
        if stop is not None:
            n = stop - start
            if kind == "OneCycleLR" and n > child.total_steps:
                _refuse(s, f"its OneCycleLR ends after {child.total_steps} updates, before the milestone at {stop}")
            if kind == "CosineAnnealingLR" and n > child.T_max:  # it rises again, to its own base rate, and falls
                low, high = child.eta_min, float(child.base_lrs[group])
                half = _count(child, "T_max")
                part = part.then(Cosine(low, high, half).then(Cosine(high, low, half)).repeat(None))
            part = part.take(n)
        parts.append(part)
    return functools.reduce(Schedule.then, parts)


def _skips_to_zero() -> bool:
    import torch

    return bool(torch.__version__ >= "2.13")


def _chained(s: Any, base: float, group: int, key: str) -> Schedule:
    """The product of the factors by which the children multiply the rate."""
    factors: list[Schedule] = []
    horizon = math.inf
    for child in _leaves(s):
        kind = _torch_kind(child)
        if kind not in _MULTIPLY or getattr(child, "eta_min", 0) != 0:
            _refuse(s, f"its {kind} does not multiply the rate, so that the others' factors are lost at times")
        if kind == "CosineAnnealingLR":
            horizon = min(horizon, child.T_max)
        factors.append(_TORCH[kind](child, 1.0 if factors else base, group, key))
    product = functools.reduce(operator.mul, factors)
    if len(factors) == 1 or horizon == math.inf:
        return product
    if any(factor.length is not None and factor.length > horizon for factor in factors):
        _refuse(s, f"after update {horizon} its CosineAnnealingLR rises, and the others' factors are lost")
    return product.take(int(horizon))


def _goes_on(s: Any) -> bool:
    """Whether its next step starts from the rate that it finds; others set theirs from their count."""
    if type(s).__name__ == "SequentialLR":
        s = s._schedulers[bisect.bisect_right(s._milestones, s.last_epoch)]
    leaves = _leaves(s) if hasattr(s, "_schedulers") else [s]
    return all(type(leaf).__name__ in {*_MULTIPLY, "SWALR"} for leaf in leaves)


def _leaves(s: Any) -> list[Any]:
    return [leaf for child in s._schedulers for leaf in (_leaves(child) if type(child) is type(s) else [child])]


_MULTIPLY = {"StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"}

_TORCH: dict[str, Callable[..., Schedule]] = {
    "StepLR": lambda s, base, *_: schedules.StepDecay(base, s.gamma, _count(s, "step_size")),
    "MultiStepLR": _multi_step,
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "ExponentialLR": lambda s, base, *_: schedules.Exponential(base, s.gamma),
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": lambda s, base, *_: Cosine(base, s.eta_min, _count(s, "T_max")),
    "CosineAnnealingWarmRestarts": lambda s, base, group, *_: _between(
        s.eta_min, s.base_lrs[group], lambda low, high: schedules.CosineRestarts(high, low, s.T_0, s.T_mult)
    ),
    "CyclicLR": _cyclic,
    "OneCycleLR": _one_cycle,
    "SWALR": _swa,
    "SequentialLR": _sequential,
    "ChainedScheduler": _chained,
    "Scheduler": _our_own,
}

# -- Keras -------------------------------------------------------------------------------------------------------------


def _jumps(s: Any, name: str) -> float:
    """The length ``name``, after which the value jumps."""
    n = float(getattr(s, name))
    return n if (1024 * n).is_integer() else _refuse(s, f"with {name}={n} float32 rounding decides when the rate jumps")


def _exponential_decay(s: Any) -> Schedule:
    if s.staircase:
        return _over(_jumps(s, "decay_steps"), lambda n: schedules.StepDecay(s.initial_learning_rate, s.decay_rate, n))
    return _over(s.decay_steps, lambda n: schedules.Exponential(s.initial_learning_rate, s.decay_rate, n))


def _inverse_time_decay(s: Any) -> Schedule:
    if s.staircase:
        return _over(_jumps(s, "decay_steps"), schedules.InverseTime(s.initial_learning_rate, s.decay_rate).hold)
    return _over(s.decay_steps, lambda n: schedules.InverseTime(s.initial_learning_rate, s.decay_rate, n))


def _piecewise_constant_decay(s: Any) -> Schedule:
    if not s.boundaries or list(s.boundaries) != sorted(s.boundaries):
        _refuse(s, f"its boundaries, {s.boundaries}, do not rise; Keras adds up the values where intervals overlap")
    starts = (math.trunc(b) + 1 for b in s.boundaries)  # the boundary's own update has the old value still
    return _levels(zip([0, *starts], s.values, strict=True))


def _polynomial_decay(s: Any) -> Schedule:
    if s.cycle:
        _refuse(s, "with cycle=True the k-th cycle has 1/k of the first one's height, which no Schedule has")
    return _over(
        s.decay_steps, lambda n: schedules.Polynomial(s.initial_learning_rate, s.end_learning_rate, n, s.power)
    )


def _cosine_decay(s: Any) -> Schedule:
    warm = s.warmup_target is not None  # without a target Keras ignores warmup_steps
    peak = float(s.warmup_target if warm else s.initial_learning_rate)
    fall = _over(s.decay_steps, lambda n: Cosine(peak, peak * s.alpha, n))
    if not warm or s.warmup_steps == 0:
        return fall
    return _over(s.warmup_steps, lambda n: Linear(s.initial_learning_rate, peak, n)).then(fall)


def _cosine_decay_restarts(s: Any) -> Schedule:
    peak, first, t_mul = float(s.initial_learning_rate), _jumps(s, "first_decay_steps"), s._t_mul

    def cycles(low: float, high: float) -> Schedule:
        return _over(first, lambda n: schedules.CosineRestarts(high, low, n, t_mul, s._m_mul))

    schedule = _between(peak * s.alpha, peak, cycles)
    for t in itertools.accumulate(first * t_mul**k for k in range(10)) if t_mul != 1 else ():
        if t.is_integer() and abs(float(s(int(t))) - schedule(t)) > 1e-3 * peak:
            _refuse(s, f"Keras's float32 logarithm misses the restart at update {int(t)}")
    return schedule


def _our_keras(s: Any) -> Schedule:
    schedule = _on_updates(s.schedule, s.by)
    return schedule.hold(s.accumulate) if s.accumulate > 1 else schedule


_KERAS: dict[str, Callable[[Any], Schedule]] = {
    "ExponentialDecay": _exponential_decay,
    "InverseTimeDecay": _inverse_time_decay,
    "PiecewiseConstantDecay": _piecewise_constant_decay,
    "PolynomialDecay": _polynomial_decay,
    "CosineDecay": _cosine_decay,
    "CosineDecayRestarts": _cosine_decay_restarts,
    "Schedule": _our_keras,
}
