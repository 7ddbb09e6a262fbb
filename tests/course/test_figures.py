"""The data of a figure as text: a changed picture changes it, and a notebook stores it."""

from pathlib import Path

import notebooks
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from lrlib.course import figures
from lrlib.course.figures import plt

X = np.arange(1, 51)
CURVE = 1 / X


@pytest.fixture(autouse=True)
def closed():
    """Leave no figure open."""
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
    "intervals": lambda ax, y: figures.intervals(ax, {"a": [y, CURVE]}),
    "strip": lambda ax, y: figures.strip(ax, {"a": [y, CURVE]}),
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


@pytest.mark.parametrize("draw", [figures.strip, figures.intervals])
def test_a_row_may_lack_a_framework(draw):
    _, ax = plt.subplots()
    draw(ax, {"both": [[1.0, 2.0], [3.0, 4.0]], "one": [[5.0, 6.0]], "none": []})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["both", "one", "none"]
    assert ax.get_legend_handles_labels()[1] == ["PyTorch", "Keras"]
    places = {round(float(place), 2) for line in ax.lines for place in line.get_ydata() if line.get_marker() in "os"}
    assert places == {-0.12, 0.12, 0.88}


@pytest.mark.parametrize("draw", [figures.strip, figures.intervals])
def test_a_framework_that_no_row_has_is_left_out(draw):
    _, ax = plt.subplots()
    draw(ax, {"a": [[1.0, 2.0, 3.0]]})
    assert ax.get_legend_handles_labels()[1] == ["PyTorch"]


def test_more_labels_than_marks_are_refused():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="5 labels were given, and there are marks for 4"):
        figures.estimates(ax, {"a": [(1.0, 0.0, 2.0)] * 5}, "abcde")


def test_rounding_and_style_do_not_change_the_summary():
    before = summary(lambda ax: ax.plot(X, np.append(CURVE[:-1], 0)))
    assert summary(lambda ax: ax.plot(X, np.append(CURVE[:-1] * (1 + 1e-12), -1e-17), "r--")) == before


def test_a_notebook_stores_the_summary_beside_the_picture():
    source = (
        "from lrlib.course import figures\n"
        "figures.use_style()\n"
        "figure, ax = figures.plt.subplots(figsize=(2, 1))\n"
        "ax.plot([1, 2, 4], label='loss')\n"
        "_ = figure"
    )
    notebook = new_notebook(cells=[new_code_cell(source), new_code_cell(source)])
    notebooks.execute(notebook, Path(__file__).parent, "figures")
    for cell in notebook.cells:  # the first figure of a kernel loads Matplotlib's notebook backend
        (output,) = cell.outputs
        assert "image/png" in output.data
        assert "line 'loss': 3 points; first 0, last 2" in output.data["text/plain"]
