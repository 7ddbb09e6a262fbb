"""The bug museum's harness: rates as they are in force, exhibits and their curves."""

import IPython.display
import numpy as np
import pytest
from torch.optim import lr_scheduler

from lrlib.course.figures import plt
from lrlib.course.museum import Museum, curve, judge, rates, same, sgd


def test_rates_are_those_in_force_at_each_update():
    scheduler = lr_scheduler.StepLR(sgd(lr=0.4), step_size=2, gamma=0.5)
    assert rates(scheduler, 3) == pytest.approx([0.4, 0.4, 0.2])
    assert rates(scheduler, 2) == pytest.approx([0.2, 0.1])  # it goes on where it was


@pytest.mark.parametrize(
    ("found", "other", "agree"),
    [
        ([0.1, 0.1], 0.1, False),
        ([], 0.1, False),
        ([], [], True),
        (0.1, np.array([0.1]), False),
        (np.array(0.1), 0.1 + 1e-8, True),
        ([np.float32(0.1)], np.array([0.1]), True),
        (None, None, True),
        (None, 0.0, False),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1}, True),
        (["a"], "a", False),
        ([[0.1], [0.2, 0.3]], [[0.1], [0.2, 0.3]], True),
        ([[0.1], [0.2, 0.3]], [[0.1], [0.2, 0.4]], False),
    ],
)
def test_answers_agree_in_their_form_and_in_their_values(found, other, agree):
    assert same(found, other) is agree and same(other, found) is agree


def test_a_list_cut_to_nothing_is_not_the_wrong_answer():
    assert judge([], wrong=0.1, right=[0.1]) == "changed"


def test_an_exhibit_is_numbered_and_its_label_says_what_was_seen(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    museum = Museum()
    for found in ([0.1], [0.2], "ValueError"):
        museum.exhibit("A fault", "PyTorch", "bug", "the other one", "It is so.", found=found, wrong=[0.1], right=[0.2])
    assert [one.verdict for one in museum.exhibits] == ["seen", "fixed", "changed"]
    assert shown[1].data == "**Exhibit 2 (PyTorch, bug), fixed:** It is so. *Instead:* the other one."
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == "exhibit 2 is fixed: the installed version of PyTorch gives the right answer"
    assert printed[2].startswith("exhibit 3 is changed: ")
    museum.exhibit("Mine", "PyTorch", "habit", "another", "So.", found=[0.1], wrong=[0.1], right=[0.2])
    assert capsys.readouterr().out == "exhibit 4 is seen: the code above gives the wrong answer\n"


def test_a_curve_has_both_series_and_names_an_error():
    curve([0.1, 0.2, "TypeError"], [0.3, 0.3, 0.3], first=4)
    ax = plt.gca()
    right, found = (line for line in ax.lines if len(line.get_xdata()) == 3)
    assert list(found.get_xdata()) == list(right.get_xdata()) == [4, 5, 6]
    np.testing.assert_equal(found.get_ydata(), [0.1, 0.2, np.nan])
    assert [text.get_text() for text in ax.texts] == ["TypeError"]
    plt.close("all")


def test_a_curve_of_an_error_alone_says_so_in_the_legend():
    curve("ValueError", [0.1, 0.2], wrong_label="LinearLR")
    assert plt.gca().get_legend_handles_labels()[1] == ["asked for", "LinearLR: ValueError"]
    plt.close("all")
