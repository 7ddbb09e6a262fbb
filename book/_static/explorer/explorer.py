"""What the schedule explorer shows for a state: points, mean rate, code, and a control for every parameter.

This file and ``lrlib/schedules.py`` run in the reader's browser, unchanged. Needs the standard library only.

A state is JSON: ``{"schedule": …, "momentum": …, "horizon": …, "log": …}``, the last three optional, schedules as
``to_dict`` writes them. It may come from a link that anybody wrote, so its size is checked before anything is built.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from lrlib import schedules
from lrlib.schedules import Check, Schedule

MOST_CHARACTERS = 10_000
DEEPEST = 30  # brackets within brackets
MOST_SCHEDULES = 40  # parts of a composition, inner ones included
LONGEST_LIST = 100
LARGEST, SMALLEST = 1e12, 1e-12  # magnitude of a number
LONGEST_HORIZON = 100_000
ENDLESS_HORIZON = 10_000  # what is drawn of a schedule that never ends
BUCKETS = 400  # a longer horizon than MOST_POINTS is drawn as first, lowest, highest and last of each of these
MOST_POINTS = 4 * BUCKETS
MOST_PATH_POINTS = 20


class Refused(ValueError):
    """A state that the explorer does not take, with the reason in plain words."""


@dataclasses.dataclass(frozen=True)
class State:
    """What a link holds."""

    schedule: Schedule
    momentum: Schedule | None = None
    horizon: int = ENDLESS_HORIZON
    log: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON's own types."""
        momentum = {"momentum": self.momentum.to_dict()} if self.momentum else {}
        return {"schedule": self.schedule.to_dict(), **momentum, "horizon": self.horizon, "log": self.log}

    def text(self) -> str:
        """As compact JSON, which :func:`read` reads back."""
        return json.dumps(self.to_dict(), separators=(",", ":"), ensure_ascii=False)


# ---------------------------------------------------------------------------------------------------------------------
# Reading a state that anybody may have written
# ---------------------------------------------------------------------------------------------------------------------


def _depth(text: str) -> int:
    """How deep brackets are nested; those within strings do not count."""
    depth = deepest = 0
    for mark in re.findall(r"[\[\]{}]", re.sub(r'"(?:[^"\\]|\\.)*"?', "", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _not_json(name: str) -> NoReturn:
    raise Refused(f"{name} is no number in JSON: a finite number is needed.")


def parse(text: str) -> Any:
    """JSON of bounded size. The depth is looked at first, because the parser calls itself for each level."""
    if len(text) > MOST_CHARACTERS:
        raise Refused(f"The text has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")
    if (depth := _depth(text)) > DEEPEST:
        raise Refused(f"Brackets are nested {depth} deep; at most {DEEPEST} levels are read.")
    try:
        return json.loads(text, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise Refused(f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except Refused:
        raise
    except ValueError:  # Python's own limit on the digits of an integer
        raise Refused("A number has too many digits.") from None


def survey(data: Any) -> int:
    """Check the size of everything in ``data``; return how many schedules it would make."""
    if isinstance(data, dict):
        return ("kind" in data) + sum(map(survey, data.values()))
    if isinstance(data, list):
        if len(data) > LONGEST_LIST:
            raise Refused(f"A list has {len(data):,} elements; at most {LONGEST_LIST} are taken.")
        return sum(map(survey, data))
    if isinstance(data, (int, float)) and data and not SMALLEST <= abs(data) <= LARGEST:
        raise Refused(f"The number {_short(data)} is out of range: 0, or a size from {SMALLEST:g} to {LARGEST:g}.")
    return 0


def _short(value: Any, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else text[:most] + "…"


def _schedule(data: Any, name: str) -> Schedule:
    if not isinstance(data, dict):
        raise Refused(f"{name}: an object with a “kind” is needed, got {_short(json.dumps(data))}.")
    try:
        return schedules.from_dict(data)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise Refused(f"{name}: {_short(error, 400)}") from None


def default_horizon(schedule: Schedule) -> int:
    """The schedule's length, where it has one."""
    length = schedule.length
    return ENDLESS_HORIZON if length is None else max(1, math.ceil(min(length, LONGEST_HORIZON)))


def from_data(data: Any) -> State:
    """The state that ``data`` describes; a schedule alone will do. Errors: :class:`Refused`."""
    if not isinstance(data, dict):
        raise Refused(f"An object {{…}} is needed, got {_short(json.dumps(data))}.")
    if "kind" in data:
        data = {"schedule": data}
    known = {field.name for field in dataclasses.fields(State)}
    if unknown := sorted(data.keys() - known):
        raise Refused(f"Unknown: {_short(', '.join(unknown))}. A state has {', '.join(sorted(known))}.")
    if (count := survey(data)) > MOST_SCHEDULES:
        raise Refused(f"The composition has {count} parts; at most {MOST_SCHEDULES} are drawn.")
    schedule = _schedule(data.get("schedule"), "schedule")
    momentum = None if data.get("momentum") is None else _schedule(data["momentum"], "momentum")
    horizon, log = data.get("horizon"), data.get("log", False)
    if horizon is None:
        horizon = default_horizon(schedule)
    if type(horizon) is not int or not 1 <= horizon <= LONGEST_HORIZON:
        raise Refused(
            f"horizon must be a whole number from 1 to {LONGEST_HORIZON:,}, got {_short(json.dumps(horizon))}."
        )
    if not isinstance(log, bool):
        raise Refused(f"log must be true or false, got {_short(json.dumps(log))}.")
    return State(schedule, momentum, horizon, log)


def read(text: str) -> State:
    """The state in a link or in pasted text. Errors: :class:`Refused`."""
    return from_data(parse(text))


# ---------------------------------------------------------------------------------------------------------------------
# Families and presets
# ---------------------------------------------------------------------------------------------------------------------


_PARTS = {Check.of(schedules.Inner), Check.of(schedules.Parts)}
# Where a family's slider starts, for parameters that have no default of their own.
_EXAMPLE: dict[str, Any] = {
    **dict.fromkeys(("lr", "start", "peak", "max_lr"), 0.1),
    "end": 0.0,
    "min_lr": 0.001,
    "base_lr": 0.01,
    "steps": 10_000,
    "step_size": 2_000,
    "warmup": 1_000,
    "stable": 7_000,
    "decay": 2_000,
    "first": 1_500,
    "power": 2.0,
    "gamma": 0.5,
    "every": 2_000,
    "rate": 1.0,
    "boundaries": (4_000, 8_000),
    "values": (0.1, 0.01, 0.001),
}
_EXAMPLE_OF: dict[str, dict[str, Any]] = {"ExpRange": {"gamma": 0.9998}, "CosineRestarts": {"t_mul": 2}}


def families() -> dict[str, Schedule]:
    """An example of every family that lrlib has: the kinds that are not made of other schedules."""
    examples = {}
    kinds: dict[str, Any] = schedules._KINDS
    for name, kind in kinds.items():
        built_in = vars(schedules).get(name) is kind  # not a user's own, such as a docstring's example
        if built_in and not any(check in _PARTS for _, check in kind._checks):
            fields = {field.name: field for field in dataclasses.fields(kind)}
            needed = [key for key, field in fields.items() if field.default is dataclasses.MISSING or key == "every"]
            examples[name] = kind(**{key: _EXAMPLE[key] for key in needed} | _EXAMPLE_OF.get(name, {}))
    return examples


def presets() -> dict[str, State]:
    """Compositions that people use, by the name that they go by."""
    triangle = schedules.Triangular(0.01, 0.1, step_size=2_000)
    compositions: dict[str, Schedule | tuple[Schedule, Schedule]] = {
        "Warm-up, then cosine": schedules.Linear(0.0, 0.1, 500).then(schedules.Cosine(0.1, 0.0, 9_500)),
        "Warm-up, stable, decay (WSD)": schedules.WarmupStableDecay(0.1, 500, 7_500, 2_000, shape="1-sqrt"),
        "Warm-up, then cosine with restarts (SGDR)": schedules.Linear(0.0, 0.1, 500).then(
            schedules.CosineRestarts(0.1, 0.001, first=1_000, t_mul=2, m_mul=0.8).take(7_000)
        ),
        "Drawn by hand": path([(0, 0.02), (2_000, 0.1), (5_000, 0.06), (7_000, 0.06), (10_000, 0.0)]),
        "Cycles, with momentum mirrored": (triangle, 0.96 - triangle),
        "Half cosines, each longer and lower": schedules.Cosine(0.1, 0.0, 1_000).repeat(3, length=2, height=0.5),
        "Written in epochs, stretched to updates": schedules.Linear(0.1, 0.0, 15).stretch(600),
        "Changed once an epoch": schedules.Cosine(0.1, 0.0, 15).hold(600),
        "Exponential, with a floor": schedules.Exponential(0.1, 0.5, every=1_000).clip(0.005, 1.0),
        "Warm-up times step decay": schedules.Linear(0.0, 1.0, 500) * schedules.StepDecay(0.1, 0.5, every=2_500),
    }
    pairs = {name: item if isinstance(item, tuple) else (item, None) for name, item in compositions.items()}
    return {name: State(rate, momentum, default_horizon(rate)) for name, (rate, momentum) in pairs.items()}


def choices() -> dict[str, State]:
    """All that the page's list offers, by name."""
    return {name: State(family, horizon=ENDLESS_HORIZON) for name, family in families().items()} | presets()


# ---------------------------------------------------------------------------------------------------------------------
# Drawing by hand: a path of lines, whose points can be moved
# ---------------------------------------------------------------------------------------------------------------------


def path(points: Sequence[tuple[int, float]]) -> Schedule:
    """Lines from point to point, each an (update, rate); the first is at update 0."""
    pairs = itertools.pairwise(points)
    lines: list[Schedule] = [schedules.Linear(rate, to, at - before) for (before, rate), (at, to) in pairs]
    return functools.reduce(lambda whole, line: whole.then(line), lines[1:], lines[0])


def path_points(schedule: Schedule) -> list[tuple[int, float]]:
    """The points of a path; none where the schedule is another."""
    parts = schedule.parts if isinstance(schedule, schedules.Then) else (schedule,)
    lines = [part for part in parts if isinstance(part, schedules.Linear)]
    if len(lines) < len(parts):
        return []
    found = [(0, lines[0].start)]
    for line in lines:
        if line.start != found[-1][1]:
            return []  # it jumps
        found.append((found[-1][0] + line.steps, line.end))
    return found


def _points_of(state: State) -> list[tuple[int, float]]:
    points = path_points(state.schedule)
    if not points:
        raise Refused("This schedule is no path of lines: pick “Drawn by hand”.")
    return points


def redraw(state: State, points: list[tuple[int, float]]) -> State:
    """The state with another path. Where the horizon was the path's length it stays so."""
    schedule = path(points)
    followed = state.horizon == default_horizon(state.schedule)
    horizon = default_horizon(schedule) if followed else state.horizon
    return from_data(State(schedule, state.momentum, horizon, state.log).to_dict())


def move(state: State, number: int, t: float, rate: float) -> State:
    """Move a path's point to a place, as far as its neighbours and the chart allow."""
    points = _points_of(state)
    last = len(points) - 1
    if not 0 <= number <= last:
        raise Refused(f"The path has the points 0 to {last}, got {number}.")
    before = points[number - 1][0] + 1 if number else 0
    after = points[number + 1][0] - 1 if number < last else LONGEST_HORIZON
    at = min(max(round(t), before), after) if number else 0
    points[number] = (at, float(f"{max(rate, 0.0):.3g}"))
    return redraw(state, points)


def split(state: State) -> State:
    """A path with one more point, in the middle of its longest line."""
    points = _points_of(state)
    if len(points) >= MOST_PATH_POINTS:
        raise Refused(f"A path has at most {MOST_PATH_POINTS} points.")
    (before, rate), (at, to) = max(itertools.pairwise(points), key=lambda pair: pair[1][0] - pair[0][0])
    if at - before < 2:
        raise Refused("There is no update left between two points.")
    middle = (before + at) // 2
    new = (middle, float(f"{rate + (to - rate) * (middle - before) / (at - before):.3g}"))
    return redraw(state, sorted([*points, new]))


def join(state: State) -> State:
    """A path without its last point but one."""
    points = _points_of(state)
    if len(points) < 3:
        raise Refused("A path has at least two points.")
    return redraw(state, [*points[:-2], points[-1]])


# ---------------------------------------------------------------------------------------------------------------------
# Controls: one for every parameter, its range from the check that lrlib declares beside it
# ---------------------------------------------------------------------------------------------------------------------


# What a slider spans; a number field takes everything that the parameter itself allows.
_SPANS: dict[Check, dict[str, Any]] = {
    Check.of(schedules.Rate): {"min": 1e-5, "max": 1.0, "log": True, "zero": True},
    Check.of(schedules.Count): {"min": 1, "max": 20_000, "log": True, "whole": True},
    Check.of(schedules.Length): {"min": 1, "max": 20_000, "log": True, "whole": True, "zero": True},
    Check.of(schedules.OptionalCount): {"min": 1, "max": 20_000, "log": True, "whole": True},
    Check.of(schedules.Positive): {"min": 1e-2, "max": 1e2, "log": True},
    Check.of(schedules.OptionalPositive): {"min": 1.0, "max": 2e4, "log": True},
    Check.of(schedules.Growth): {"min": 1.0, "max": 4.0},
    Check.of(schedules.Share): {"min": 0.0, "max": 0.99},
    Check.of(schedules.Number): {"min": -2.0, "max": 2.0},
}
# Names whose usual values lie elsewhere than the check says.
_SPANS_BY_NAME: dict[str, dict[str, Any]] = {
    "gamma": {"min": 0.01, "max": 1.0},
    "m_mul": {"min": 0.1, "max": 1.0},
    "height": {"min": 0.1, "max": 1.5},
    "factor": {"min": 0.5, "max": 3.0},
    "final_div_factor": {"min": 1.0, "max": 1e6, "log": True},
    "div_factor": {"min": 1.0, "max": 1e3, "log": True},
}


def _field(path: list, name: str, value: Any, check: Check) -> dict[str, Any]:
    field: dict[str, Any] = {"path": path, "name": name, "words": check.words, "optional": check.optional}
    if check.choices:
        return field | {"type": "choice", "value": value, "choices": list(check.choices)}
    if isinstance(value, bool):
        return field | {"type": "flag", "value": value}
    if isinstance(value, tuple):
        return field | {"type": "list", "value": ", ".join(map(repr, value))}
    span = _SPANS_BY_NAME.get(name) or _SPANS[check]
    return field | {"type": "number", "value": value, "span": {"log": False, "zero": False, "whole": False, **span}}


def controls(schedule: Schedule, path: list, title: str) -> list[dict[str, Any]]:
    """A group of fields for the schedule and for each schedule within, outermost first."""
    kind = type(schedule).__name__
    own, inner = [], []
    for name, check in schedule._checks:
        value, place = getattr(schedule, name), [*path, name]
        if isinstance(value, Schedule):
            inner += controls(value, place, f"{title}, {name}")
        elif check in _PARTS:
            for n, part in enumerate(value):
                inner += controls(part, [*place, n], f"{title}, part {n + 1}")
        else:
            own.append(_field(place, name, value, check))
    return [{"title": f"{title}: {kind}", "fields": own}, *inner]


def mirrors(state: State) -> bool:
    """Whether the momentum is made from the very schedule of the rates."""
    return isinstance(state.momentum, schedules.Affine) and state.momentum.inner == state.schedule


def edit(state: State, path: list, text: str) -> State:
    """The state with one value, as the reader typed it, in another's place. Errors: :class:`Refused`."""
    data: Any = state.to_dict()
    *way, last = path
    place = data
    for step in way:
        place = place[step]
    place[last] = _typed(text, place[last], str(last))
    # A momentum that mirrors the rates follows them, and so does a horizon that was their length.
    if path[0] == "schedule" and mirrors(state):
        data["momentum"]["inner"] = data["schedule"]
    if path[0] == "schedule" and state.horizon == default_horizon(state.schedule):
        del data["horizon"]
    return from_data(data)


def _typed(text: str, old: Any, name: str) -> Any:
    if isinstance(old, str):
        return text
    typed = parse(f"[{text}]") if isinstance(old, list) else parse(_as_json_number(text.strip()) or "null")
    # 2e3 is a whole number to everyone but Python.
    return int(typed) if isinstance(typed, float) and typed.is_integer() and type(old) is int else typed


def _as_json_number(text: str) -> str:
    """.5 and 1. are numbers to readers, though not in JSON."""
    text = re.sub(r"^([+-]?)\.", r"\g<1>0.", text)
    return re.sub(r"\.(?=$|[eE])", "", text.removeprefix("+"))


# ---------------------------------------------------------------------------------------------------------------------
# What is shown
# ---------------------------------------------------------------------------------------------------------------------


def rates(schedule: Schedule, horizon: int) -> list[float]:
    """The rate at 0 … horizon. Errors: :class:`Refused` where it is no finite number."""
    try:
        values = [schedule(t) for t in range(horizon + 1)]
    except (ArithmeticError, ValueError) as error:
        raise Refused(f"The rates cannot be computed: {_short(error, 200)}.") from None
    for t, rate in enumerate(values):
        if not math.isfinite(rate):
            raise Refused(f"The rate at update {t:,} is too large for a number.")
    return values


def points(values: list[float]) -> list[tuple[int, float]]:
    """(update, rate) to draw: all of them, or, of many, those that decide what a line looks like."""
    if len(values) <= MOST_POINTS:
        return list(enumerate(values))
    chosen = {0, len(values) - 1}
    for n in range(BUCKETS):
        bucket = range(n * len(values) // BUCKETS, (n + 1) * len(values) // BUCKETS)
        chosen |= {bucket[0], min(bucket, key=values.__getitem__), max(bucket, key=values.__getitem__), bucket[-1]}
    return [(t, values[t]) for t in sorted(chosen)]


def expression(schedule: Schedule) -> str:
    """Python that makes the schedule, with ``import lrlib``."""
    text = repr(schedule)
    text = re.sub(r"\b([A-Z]\w*)\(", r"lrlib.\1(", text)
    return text[1:-1] if text.startswith("(") and _closes_last(text) else text


def _closes_last(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for n, mark in enumerate(text):
        depth += (mark == "(") - (mark == ")")
        if not depth:
            return n == len(text) - 1
    return False


def definitions(state: State) -> list[str]:
    """Lines that define the schedules, with ``import lrlib``."""
    lines = [f"schedule = {expression(state.schedule)}"]
    return lines + ([f"momentum = {expression(state.momentum)}"] if state.momentum else [])


def torch_lines(state: State) -> str:
    """Lines of PyTorch that train with the schedule."""
    momentum = ", momentum=0.9" if state.momentum else ""
    driven = ", momentum=momentum" if state.momentum else ""
    return "\n".join(
        [
            "import lrlib",
            "import torch",
            "",
            *definitions(state),
            "model = torch.nn.Linear(1, 1)  # your model",
            f"optimizer = torch.optim.SGD(model.parameters(), lr=0.1{momentum})",
            f"scheduler = lrlib.torch.Scheduler(optimizer, schedule{driven})",
            "",
            f"for update in range({state.horizon}):",
            "    optimizer.zero_grad()",
            "    loss = model(torch.ones(1, 1)).square().mean()  # your batch and loss",
            "    loss.backward()",
            "    optimizer.step()",
            "    scheduler.step()  # once an update",
        ]
    )


def keras_lines(state: State) -> str:
    """Lines of Keras that train with the schedule."""
    rate = "learning_rate=lrlib.keras.Schedule(schedule)"
    optimizer = f"lrlib.keras.SGD({rate}, momentum=momentum)" if state.momentum else f"keras.optimizers.SGD({rate})"
    return "\n".join(
        [
            "import keras",
            "import lrlib",
            "",
            *definitions(state),
            "model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])  # your model",
            f'model.compile(optimizer={optimizer}, loss="mse")',
        ]
    )


def view(state: State) -> dict[str, Any]:
    """All that the page shows for a state."""
    curves = {"schedule": rates(state.schedule, state.horizon)}
    groups = controls(state.schedule, ["schedule"], "Schedule")
    if state.momentum:
        curves["momentum"] = rates(state.momentum, state.horizon)
        groups += controls(state.momentum, ["momentum"], "Momentum")[: 1 if mirrors(state) else None]
    data = state.to_dict()
    pasted = {name: data[name] for name in curves} if state.momentum else data["schedule"]
    return {
        "state": state.text(),
        "horizon": state.horizon,
        "log": state.log,
        "points": {name: points(values) for name, values in curves.items()},
        "path": path_points(state.schedule),
        "facts": state.schedule.describe(state.horizon),
        "negative": min(curves["schedule"]) < 0,
        "json": json.dumps(pasted, indent=2),
        "torch": torch_lines(state),
        "keras": keras_lines(state),
        "groups": groups,
    }


def compressed(state: State, updates: int) -> dict[str, Any]:
    """The rates, and the momentum, for a run of so many updates: the horizon stretched or compressed to them."""
    factor = updates / state.horizon
    curves = {"rates": state.schedule, "momentum": state.momentum}
    return {name: rates(one.stretch(factor), updates - 1) if one else None for name, one in curves.items()}


def answer(request: str) -> str:
    """Answer a request of the page's worker, JSON for JSON.

    Requests: ``{"pick": name}``, ``{"read": text}`` and ``{"edit": [state, path, text]}``, answered ``{"shown": …}``;
    ``{"move": [state, number, t, rate]}``, ``{"split": state}`` and ``{"join": state}`` of a path, answered likewise;
    ``{"compress": [state, updates]}``, answered ``{"compressed": …}``. Or any ``{"refused": "why"}``.
    """
    try:
        asked = json.loads(request)
        if "compress" in asked:
            text, updates = asked["compress"]
            return json.dumps({"compressed": compressed(read(text), updates)}, allow_nan=False)
        if "pick" in asked:
            state = choices()[asked["pick"]]
        elif "read" in asked:
            state = read(asked["read"])
        elif "move" in asked:
            text, *place = asked["move"]
            state = move(read(text), *place)
        elif "split" in asked or "join" in asked:
            state = split(read(asked["split"])) if "split" in asked else join(read(asked["join"]))
        else:
            old, path, text = asked["edit"]
            state = edit(read(old), path, text)
        return json.dumps({"shown": view(state)}, allow_nan=False)
    except Refused as refusal:
        return json.dumps({"refused": str(refusal)})
    except (ArithmeticError, ValueError) as error:  # numbers, each in its range, that are too large together
        return json.dumps({"refused": f"This schedule cannot be shown: {_short(error, 200)}."})
