"""The bug museum's harness: rates in force, the comparison of answers, and exhibits with their curves.

PyTorch and Keras are imported where they are used, so that each works without the other.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from lrlib.course.figures import plt

VERDICTS = {
    "seen": "the wrong answer",
    "fixed": "the right answer",
    "changed": "neither the wrong answer nor the right one",
}
RIGHT, WRONG = "0.62", "#C62828"  # grey, and a red that is darker than the grey


# ---- What a library does ---------------------------------------------------------------------------------------------


def sgd(lr: float = 0.1, **others: Any) -> Any:
    """A PyTorch optimizer of one weight."""
    import torch

    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, **others)


def rates(scheduler: Any, updates: int) -> list[float]:
    """The rate in force at each of the next updates of a PyTorch scheduler's optimizer."""
    in_force = []
    for _ in range(updates):
        in_force.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return in_force


def moves(optimizer: Any, batches: int) -> list[float]:
    """How far each of the next batches moves a weight of a Keras optimizer, under a gradient of 1."""
    import keras

    weight, moved = keras.Variable(0.0), []
    for _ in range(batches):
        weight.assign(0.0)
        optimizer.apply([keras.ops.ones(())], [weight])
        moved.append(0.0 - float(weight))
    return moved


def attempt(act: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The answer, or the name of the error that came instead.

    >>> attempt(int, "7"), attempt(int, "seven")
    (7, 'ValueError')
    """
    try:
        return act(*args, **options)
    except Exception as error:
        return type(error).__name__


# ---- Comparing answers -----------------------------------------------------------------------------------------------


def same(found: Any, other: Any) -> bool:
    """Whether two answers agree: numbers to float32's rounding, lists item by item, all else exactly.

    >>> same([0.1, "ValueError"], [0.1 + 1e-8, "ValueError"]), same("ValueError", 0.1), same([0.1], 0.1)
    (True, False, False)
    """
    exact = [one is None or isinstance(one, str | dict) for one in (found, other)]
    if any(exact):
        return all(exact) and bool(found == other)
    single = [not np.iterable(one) for one in (found, other)]  # an array without dimensions is one, too
    if any(single):
        return all(single) and bool(np.isclose(found, other, rtol=1e-5, atol=1e-9))
    return len(found) == len(other) and all(map(same, found, other))


def judge(found: Any, wrong: Any, right: Any) -> str:
    """What the installed version does: "seen" if it is the wrong answer, "fixed" if the right one, else "changed".

    >>> [judge(found, wrong=1, right=2) for found in (1, 2, "ValueError")]
    ['seen', 'fixed', 'changed']
    """
    if same(found, wrong):
        return "seen"
    return "fixed" if same(found, right) else "changed"


def listed(answer: Any, first: int | None = None) -> str:
    """Rates, or the first of them, to four digits; an error's name as it is.

    >>> listed([0.1, 1 / 3]), listed("ValueError")
    ('0.1, 0.3333', 'ValueError')
    """
    if isinstance(answer, str):
        return answer
    return ", ".join(x if isinstance(x, str) else f"{x:.4g}" for x in answer[:first])


# ---- Exhibits --------------------------------------------------------------------------------------------------------


class Exhibit(NamedTuple):
    """A line of the catalogue."""

    name: str
    library: str
    kind: str  # bug, trap or habit
    instead: str
    verdict: str


class Museum:
    """The exhibits in the order in which they are shown."""

    def __init__(self) -> None:
        self.exhibits: list[Exhibit] = []

    def exhibit(
        self, name: str, library: str, kind: str, instead: str, says: str, *, found: Any, wrong: Any, right: Any
    ) -> None:
        """Put an exhibit on the list and display its label: kind, verdict, what was found and what to do instead."""
        from IPython.display import Markdown, display

        one = Exhibit(name, library, kind, instead, judge(found, wrong, right))
        self.exhibits.append(one)
        gives = VERDICTS[one.verdict]
        who = "the code above" if kind == "habit" else f"the installed version of {library}"
        print(f"exhibit {len(self.exhibits)} is {one.verdict}: {who} gives {gives}")
        label = f"**Exhibit {len(self.exhibits)} ({library}, {kind}), {one.verdict}:**"
        display(Markdown(f"{label} {says} *Instead:* {instead}."))


def curve(
    found: Any,
    right: Any,
    first: int = 0,
    ax: Any = None,
    right_label: str = "asked for",
    wrong_label: str = "in force",
    **axis: Any,
) -> None:
    """Draw what was found in red over what is right in grey, from update ``first`` on.

    An error's name in place of a series, or of one of its values, is written where the values would stand.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(5.4, 1.8))
    series = {right_label: (right, "o-", RIGHT, 5, 6.5), wrong_label: (found, "s-", WRONG, 1.5, 3.5)}
    ends: list[float] = []
    for label, (values, style, colour, width, size) in series.items():
        if isinstance(values, str):
            ax.plot([], [], style, color=colour, linewidth=width, markersize=size, label=f"{label}: {values}")
            continue
        at, numbers = first + np.arange(len(values)), _numbers(values)
        ax.plot(at, numbers, style, color=colour, linewidth=width, markersize=size if len(at) < 40 else 0, label=label)
        ends += [*numbers[np.isfinite(numbers)]]
        for t, value in zip(at, values, strict=True):
            if isinstance(value, str):
                ax.plot(t, 0, "x", color=colour, markersize=9, markeredgewidth=2)
                ax.annotate(value, (t, 0), (4, 6), textcoords="offset points", color=colour, fontsize=9)
    if axis.get("yscale") != "log":
        ax.set_ylim(min(0, 1.12 * min(ends)), 1.12 * max(ends))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set(**{"xlabel": "update", "ylabel": "rate", **axis})
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def _numbers(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if isinstance(value, str) else value for value in values], float)


__all__ = [
    "RIGHT",
    "WRONG",
    "Exhibit",
    "Museum",
    "attempt",
    "curve",
    "judge",
    "listed",
    "moves",
    "rates",
    "same",
    "sgd",
]
