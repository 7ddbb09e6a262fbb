"""The book's one figure style, and the few drawings that chapters share."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler

# Okabe and Ito's colours, told apart by all common kinds of sight; line styles tell them apart in black and white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))


def use_style() -> None:
    """Set the book's figure style for what is drawn from here on."""
    mpl.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINES),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.titlesize": "medium",
            "axes.titlelocation": "left",
            "grid.alpha": 0.3,
            "figure.figsize": (8, 4),
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "font.size": 11,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def band(ax: Any, x: Sequence[float], runs: Iterable[Sequence[float]], **line: Any) -> None:
    """The mean of several runs as a line, their smallest and largest values as a band."""
    values = np.array(list(runs))
    (drawn,) = ax.plot(x, values.mean(0), **line)
    ax.fill_between(x, values.min(0), values.max(0), color=drawn.get_color(), alpha=0.15, linewidth=0)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """A table for a notebook's output."""
    from IPython.display import Markdown

    lines = [head, ["---"] * len(head), *rows]
    return Markdown("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


def show_source(*objects: Any) -> Any:
    """The source of functions or classes that the chapters share, as a notebook's output."""
    import inspect

    from IPython.display import Code

    return Code("\n\n".join(inspect.getsource(item).rstrip() for item in objects), language="python")


__all__ = ["COLOURS", "LINES", "band", "plt", "show_source", "table", "use_style"]
