"""The book's one figure style, the few drawings that chapters share, and the data of a figure as text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by all common kinds of sight; line styles tell them apart in black and white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
MARKERS = "os^D"


def use_style() -> None:
    """Set the book's figure style for what is drawn from here on.

    Notebooks then store each figure at twice the size that it is shown in, and its data as text.
    """
    from IPython import get_ipython  # notebooks have it, and what only draws does not wait for it

    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")  # type: ignore[no-untyped-call]
    # A notebook stores this text beside the picture. Pages show the picture; nbval compares the text. A method, since
    # what is registered with IPython for a Figure is lost when Matplotlib's notebook backend is loaded.
    Figure._repr_pretty_ = lambda self, printer, cycle: printer.text(summary(self))  # type: ignore[attr-defined]
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
    """The mean of several runs as a line, their smallest and largest values as a band; NaN is left out."""
    values = np.array(list(runs))
    (drawn,) = ax.plot(x, np.nanmean(values, 0), **line)
    ax.fill_between(x, np.nanmin(values, 0), np.nanmax(values, 0), color=drawn.get_color(), alpha=0.15, linewidth=0)


def intervals(
    ax: Any, rows: Mapping[str, Sequence[Sequence[float]]], labels: Sequence[str] = ("PyTorch", "Keras")
) -> None:
    """A row for each name, from the top: the mean of its values with the 95 % interval, one mark a framework.

    ``rows`` has for each name the values of each framework, one a seed: most often paired differences. The last
    frameworks of a row may be missing.
    """
    from lrlib.course.stats import interval  # what only draws curves does not wait for SciPy

    estimates(ax, {name: [(float(np.mean(v)), *interval(v)) for v in values] for name, values in rows.items()}, labels)


def estimates(ax: Any, rows: Mapping[str, Sequence[Sequence[float]]], labels: Sequence[str]) -> None:
    """A row for each name, from the top: one mark a label, at an estimate, with the ends of its interval.

    ``rows`` has for each name and label (estimate, lower end, upper end). The last labels of a row may be missing.
    """
    for style, found in _by_label(rows, labels):
        means, *ends = np.transpose([estimate for _, estimate in found])
        places = [place for place, _ in found]
        ax.errorbar(means, places, xerr=np.abs(np.array(ends) - means), markersize=5, linewidth=1.4, **style)
    ax.axvline(0, color="0.5", linewidth=1, linestyle="-", zorder=0)
    _name_rows(ax, rows)


def strip(ax: Any, rows: Mapping[str, Sequence[Sequence[float]]], labels: Sequence[str] = ("PyTorch", "Keras")) -> None:
    """A row for each name, as :func:`intervals` has them, with a mark for each of its values."""
    for style, found in _by_label(rows, labels):
        for place, values in found:
            ax.plot(values, np.full(len(values), place), alpha=0.7, **style)
            style["label"] = None  # the legend names a framework once
    _name_rows(ax, rows)


def _by_label(
    rows: Mapping[str, Sequence[Sequence[float]]], labels: Sequence[str]
) -> Iterator[tuple[dict[str, Any], list[tuple[float, Sequence[float]]]]]:
    """For each label that some row has: the style of its marks, and the place and values of each such row."""
    if len(labels) > len(MARKERS):
        raise ValueError(f"{len(labels)} labels were given, and there are marks for {len(MARKERS)}")
    for number, label in enumerate(labels):
        shift = 0.24 * (number - (len(labels) - 1) / 2)
        style = {"color": COLOURS[number], "label": label, "linestyle": "none", "marker": MARKERS[number]}
        found = [(place + shift, row[number]) for place, row in enumerate(rows.values()) if number < len(row)]
        if found:
            yield style, found


def _name_rows(ax: Any, rows: Iterable[str]) -> None:
    names = list(rows)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")


def _series(ax: Any) -> Iterator[tuple[str, Any]]:
    """Name and data coordinates (points × dimensions) of all that a panel draws: lines, areas, images."""
    for line in ax.lines:
        yield _name(line, "line"), line.get_xydata()
    for drawn in ax.collections:
        corners = [path.vertices for path in drawn.get_paths()]
        # Where the offsets are data, as in a scatter plot, the paths are the shapes of the markers.
        moved = drawn.get_offset_transform().contains_branch(ax.transData)
        yield _name(drawn, "area"), drawn.get_offsets() if moved else np.concatenate(corners)
    for patch in ax.patches:
        yield _name(patch, "patch"), patch.get_patch_transform().transform(patch.get_path().vertices)
    for image in ax.images:
        yield _name(image, "image"), np.reshape(image.get_array(), (-1, 1))


def _name(artist: Any, kind: str) -> str:
    label = " ".join(str(artist.get_label()).split())
    return kind if label[:1] in ("", "_") else f"{kind} {label!r}"  # Matplotlib's own labels begin so


def summary(figure: Figure) -> str:
    """The data of a figure in short: a line for each series, with its number of points and, for each coordinate,
    the first, last, lowest, highest and mean value to four significant digits.

    >>> figure, ax = plt.subplots(figsize=(4, 3), dpi=100)
    >>> _ = ax.plot([1, 2, 4], [0.5, 0.25, 0.75], label="loss")
    >>> print(summary(figure))
    <Figure size 400x300 with 1 Axes>
    panel 1
      line 'loss': 3 points; first 1, last 4, from 1 to 4, mean 2.333; first 0.5, last 0.75, from 0.25 to 0.75, mean 0.5
    >>> plt.close(figure)
    """
    lines = [repr(figure)]
    for number, ax in enumerate(figure.axes, 1):
        titles = [ax.get_title(loc) for loc in ("left", "center", "right")]
        lines.append(" ".join([f"panel {number}", *filter(None, titles)]))
        for name, points in _series(ax):
            columns = np.ma.filled(points.astype(float), np.nan).T
            lines.append(f"  {name}: {len(points)} points; " + "; ".join(map(_in_short, columns)))
    return "\n".join(lines)


def _in_short(values: Any) -> str:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "none finite"
    shown = np.array([values[0], values[-1], finite.min(), finite.max(), finite.mean()])
    # What is small beside the rest may be rounding, which differs between machines.
    shown[np.abs(shown) < 1e-9 * np.abs(finite).max()] = 0
    return "first {:.4g}, last {:.4g}, from {:.4g} to {:.4g}, mean {:.4g}".format(*shown)


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


__all__ = [
    "COLOURS",
    "LINES",
    "band",
    "estimates",
    "intervals",
    "plt",
    "show_source",
    "strip",
    "summary",
    "table",
    "use_style",
]
