"""The experiment of *Why a decay works*: which labels are wrong, that all else is as it was, how rates are chosen."""

import numpy as np
import pytest

from lrlib import Constant, Linear
from lrlib.course import samples, store
from lrlib.course.data import digit_rows
from lrlib.course.experiment import NEW, Trial
from lrlib.course.experiments import constant_rates, label_noise
from lrlib.course.rules import Higher
from lrlib.course.samples import Gain

UPDATES = {20: 720, 100: 3600}


def test_labelled_digits_hold_each_image_with_each_of_ten_labels():
    x, y = digit_rows()
    images, labels = label_noise.labelled_digits()
    assert images.shape == (17970, 64) and labels.dtype == y.dtype
    for k in (0, 4, 9):
        rows = np.arange(1797) + 1797 * k
        assert (images[rows] == x).all() and (labels[rows] == (y + k) % 10).all()


@pytest.mark.parametrize("seed", [0, NEW, NEW + 1])
def test_exactly_a_fifth_of_the_labels_is_wrong_and_the_test_is_right(seed):
    (_, y), (_, labels) = digit_rows(), label_noise.labelled_digits()
    train, validation, test = label_noise.parts_of(seed, 0.2)
    for part, rows, wrong in zip((train, validation), constant_rates.split(seed), (230, 58), strict=False):
        assert (part.rows % 1797 == rows).all()  # the images are those of the split, in its order
        off = labels[part.rows] != y[rows]
        assert off.sum() == wrong == len(part.wrong)
        assert set(part.wrong) == set(part.rows[off])
        assert set(part.wrong // 1797) <= set(range(1, 10))
    assert (test == constant_rates.split(seed)[2]).all() and test.max() < 1797


def test_wrong_labels_are_drawn_by_the_seed_and_from_all_nine():
    rows = np.arange(1000)
    one, again, other = (label_noise.with_wrong_labels(rows, 0.5, seed, 0) for seed in (3, 3, 4))
    assert (one.rows == again.rows).all() and (one.rows != other.rows).any()
    counts = np.bincount(one.wrong // 1797, minlength=10)
    assert counts[0] == 0 and (counts[1:] > 30).all()  # 500 in nine: 56 each, with a spread of 7
    assert len(label_noise.with_wrong_labels(rows, 0.0, 3, 0).wrong) == 0
    validation = label_noise.with_wrong_labels(rows, 0.5, 3, 1)
    assert (validation.rows != one.rows).any()  # another part, another draw


def test_settings_are_what_their_names_say():
    assert len(label_noise.SETTINGS) == 2 * 2 * 2 * 7 + 1
    for name, setting in label_noise.SETTINGS.items():
        labels, epochs, rule, rate = name.split("-")
        assert setting.wrong == {"clean": 0.0, "noisy": 0.2}[labels] and epochs == f"{setting.epochs}epochs"
        updates = UPDATES[setting.epochs]
        if rule == "late":
            assert setting.schedule(0) == setting.schedule(576) == 0.5 > setting.schedule(577)
            assert setting.schedule(648) == pytest.approx(0.25) and setting.schedule(720) == 0
        else:
            given = Constant(float(rate)) if rule == "constant" else Linear(float(rate), 0.0, updates)
            assert setting.schedule == given


def test_both_frameworks_make_the_same_run():
    setting = label_noise.SETTINGS["noisy-20epochs-linear-0.5"]
    ours, theirs = (label_noise.run(setting, name, [0], share=0.05)[0] for name in ("pytorch", "keras"))
    assert ours["curve"]["update"] == theirs["curve"]["update"] == [0, *np.linspace(0, 36, 21).round()[1:]]
    np.testing.assert_allclose(ours["curve"]["loss"], theirs["curve"]["loss"], atol=1e-3)
    for key in ("memorised", "validation_accuracy", "test_accuracy"):
        assert ours[key] == pytest.approx(theirs[key], abs=0.5)  # about one image
    for framework, result in (("pytorch", ours), ("keras", theirs)):
        store.check(Trial("label_noise", "noisy-20epochs-linear-0.5", framework, 0), store.rounded(result))


def test_a_stack_of_one_equals_a_stack_of_ten():
    setting = label_noise.SETTINGS["noisy-20epochs-constant-0.5"]
    together = label_noise.run(setting, "pytorch", range(NEW, NEW + 10), share=0.1)
    for seed in (0, 7):
        assert label_noise.run(setting, "pytorch", [NEW + seed], share=0.1) == [together[seed]]
    for result in together:  # early on the digits are learned, and the wrong labels are not
        assert result["memorised"] < 20 < 60 < result["test_accuracy"]


def test_with_right_labels_a_run_is_that_of_the_first_chapter():
    name = "clean-20epochs-linear-0.5"
    (ours,) = label_noise.run(label_noise.SETTINGS[name], "pytorch", [3], share=0.1)
    setting = constant_rates.SETTINGS["batch32-20epochs-linear-0.5"]
    (theirs,) = constant_rates.run(setting, "pytorch", [3], share=0.1)
    for key in ("train_loss", "validation_accuracy", "test_accuracy", "rates"):
        assert ours[key] == theirs[key]
    assert ours["memorised"] is None and set(ours["curve"]["memorised"]) == {None}


def test_the_rate_is_chosen_by_validation_and_the_lower_of_two_equal_ones(monkeypatch):
    scores = dict(zip(label_noise.RATES, (50, 60, 80, 80, 70, 10, 10), strict=True))
    found = {
        label_noise.name_of("noisy", 20, "linear", rate): {
            "pytorch": [{"validation_accuracy": score + noise, "test_accuracy": -score} for noise in (-1, 1)]
        }
        for rate, score in scores.items()
    }
    monkeypatch.setattr(label_noise, "stored", lambda experiment, new: {} if new else found)
    assert label_noise.chosen("noisy", 20, "linear") == 0.1


def test_claims_compare_what_they_say():
    claims = list(label_noise.EXPERIMENT.claims())
    assert len(claims) == 8 and all(isinstance(claim.rule, Higher) for claim in claims)
    for claim in claims[:4]:
        labels = "noisy" if "wrong" in claim.text else "clean"
        epochs = 100 if "100" in claim.text else 20
        for arm, rule in ((claim.rule.runs, "linear"), (claim.rule.control, "constant")):
            rate = label_noise.chosen(labels, epochs, rule)
            assert arm.setting == label_noise.name_of(labels, epochs, rule, rate)
    for claim in claims[4:6]:
        assert isinstance(claim.rule.runs, Gain) and claim.rule.runs.runs.setting.startswith("noisy")
        assert claim.rule.control.control.setting.startswith("clean-")
    arms = [label_noise.SETTINGS[arm.setting] for arm in (claims[6].rule.runs, claims[6].rule.control)]
    sums = [sum(setting.schedule(t) for t in range(UPDATES[setting.epochs])) for setting in arms]
    assert sums[0] == pytest.approx(sums[1], rel=0.01) and claims[6].rule.lower


def test_what_is_stored_is_what_the_settings_say():
    samples.forget()
    for results in (store.load(label_noise.EXPERIMENT), store.load_new(label_noise.EXPERIMENT)):
        for name, by_framework in results.items():
            setting = label_noise.SETTINGS[name]
            updates = UPDATES[setting.epochs]
            for run in (run for runs in by_framework.values() for run in runs):
                assert run["rates"] == pytest.approx([setting.schedule(0), setting.schedule(updates - 1)], rel=1e-4)
                assert len(run["curve"]["update"]) == 21 and run["curve"]["update"][-1] == updates
                assert (run["memorised"] is None) == (setting.wrong == 0)
