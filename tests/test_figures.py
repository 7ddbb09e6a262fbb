"""The data of a figure as text: a changed picture changes it, and a notebook stores it."""

from types import SimpleNamespace

import IPython
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from lrlib.course import figures
from lrlib.course.figures import plt

X = np.arange(1, 51)
CURVE = 1 / X


@pytest.fixture(autouse=True)
def own_style():
    """Leave neither the book's style nor an open figure behind."""
    with plt.rc_context():
        yield
    plt.close("all")


def summary(draw):
    """Draw into a new panel, and return the figure's data as text."""
    figure, ax = plt.subplots()
    draw(ax)
    return figures.summary(figure)


def changed():
    """The curve with one value moved by a twentieth of its range, to neither an end nor an extreme."""
    values = CURVE.copy()
    values[20] *= 2
    return values


DRAWINGS = {
    "line": lambda ax, y: ax.plot(X, y),
    "points": lambda ax, y: ax.scatter(X, y),
    "band": lambda ax, y: figures.band(ax, X, [y, 2 * CURVE]),
    "area": lambda ax, y: ax.fill_between(X, y, 3),
    "levels": lambda ax, y: ax.hlines(y, 0, 1),
    "errors": lambda ax, y: ax.errorbar(X, CURVE, yerr=y),
    "bars": lambda ax, y: ax.bar(X, y),
    "image": lambda ax, y: ax.imshow(y.reshape(5, 10)),
    "contour": lambda ax, y: ax.contour(y.reshape(5, 10), levels=[0.05, 0.1]),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_one_changed_value_changes_the_summary(draw):
    before = summary(lambda ax: draw(ax, CURVE))
    assert summary(lambda ax: draw(ax, CURVE)) == before
    assert summary(lambda ax: draw(ax, changed())) != before


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.plot(X + 1, CURVE, label="a"),
        lambda ax: ax.plot(X, CURVE, label="b"),
        lambda ax: ax.plot(X[:-1], CURVE[:-1], label="a"),
        lambda ax: ax.plot(X, CURVE, label="a") and ax.axhline(0.1),
        lambda ax: ax.plot(X, CURVE, label="a") and ax.set_title("c"),
        lambda ax: ax.plot(X, np.where(X == 20, np.nan, CURVE), label="a"),
    ],
    ids=["moved", "named otherwise", "shorter", "with a level", "with a title", "with a gap"],
)
def test_other_pictures_have_other_summaries(draw):
    assert summary(draw) != summary(lambda ax: ax.plot(X, CURVE, label="a"))


def test_rounding_and_style_do_not_change_the_summary():
    before = summary(lambda ax: ax.plot(X, np.append(CURVE[:-1], 0)))
    assert summary(lambda ax: ax.plot(X, np.append(CURVE[:-1] * (1 + 1e-12), -1e-17), "r--")) == before


def test_a_notebook_stores_the_summary_beside_the_picture(monkeypatch):
    display = DisplayFormatter()
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(display_formatter=display))
    figures.use_style()
    figure, ax = plt.subplots()
    ax.plot(X, CURVE)
    assert display.format(figure)[0]["text/plain"] == figures.summary(figure)
    assert "50 points" in figures.summary(figure)


def test_outside_a_notebook_only_the_style_is_set():
    figures.use_style()
    assert plt.rcParams["figure.dpi"] == 110
