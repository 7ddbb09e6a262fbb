"""S2: the parts of the digits, the settings' arithmetic, both frameworks step by step, and what is stored."""

import numpy as np
import pytest
from lrlib.course.alike import batch_order

from lrlib.course import s2, study


def test_the_three_parts_share_no_image_and_leave_none_out():
    parts = s2.images()
    assert {name: len(x) for name, (x, _) in parts.items()} == {"train": 1278, "validation": 159, "test": 360}
    rows = np.concatenate([np.column_stack(part) for part in parts.values()])
    from lrlib.course.data import digits

    x, y = digits()
    assert sorted(map(tuple, rows)) == sorted(map(tuple, np.column_stack([x / 16, y])))
    assert all(x.dtype == np.float32 and x.min() == 0 and x.max() == 1 for x, _ in parts.values())
    np.testing.assert_array_equal(parts["test"][1], y[::5])


def test_an_epoch_has_the_updates_that_the_settings_count_on():
    order = batch_order(len(s2.images()["train"][0]), s2.BATCH, s2.EPOCHS, seed=0)
    assert len(order) == s2.UPDATES == s2.EPOCHS * s2.PER_EPOCH


def test_every_cycle_ends_where_the_budget_does():
    cycles = [name for name in s2.SETTINGS if name.startswith(("step-", "ratio-", "bounds-", "tri", "exp"))]
    assert len(cycles) == 18
    for name in cycles:
        schedule = s2.SETTINGS[name].schedule
        low, high = schedule.base_lr, schedule.max_lr
        assert schedule(s2.UPDATES) == pytest.approx(low), name
        assert schedule(schedule.step_size) == pytest.approx(high, rel=0.5), name  # exp_range is on its way down


def test_the_controls_spend_what_the_cycle_spends():
    t = np.arange(s2.UPDATES + 1)
    means = {name: np.trapezoid(s2.SETTINGS[name].schedule(t)) for name in ("triangular", "fall", "constant-mean")}
    assert means["fall"] == pytest.approx(means["triangular"]) == pytest.approx(means["constant-mean"])
    assert (np.diff(s2.SETTINGS["fall"].schedule(t)) < 0).all()
    one = s2.SETTINGS["one-cycle"].schedule(t)
    assert (one[: 2 * s2.STEP] == s2.SETTINGS["triangular"].schedule(t[: 2 * s2.STEP])).all()
    assert (one[2 * s2.STEP :] == s2.BASE).all()


def test_both_frameworks_take_the_same_steps():
    """Adam on the rising side of a cycle, 40 updates: the rates to float32, the losses to 1e-4.

    Measured: 4e-5, and 6e-6 if ε is negligible in both. Keras adds ε before the bias correction, PyTorch after it, so
    that 1e-8 in Keras counts as 3e-7 at the first update.
    """
    x, y = s2.images()["train"]
    order = batch_order(len(x), s2.BATCH, 1, seed=0)
    schedule = s2.SETTINGS["triangular"].schedule
    runs = []
    for build in (s2._pytorch, s2._keras):
        train, evaluate = build(schedule, seed=0)
        runs.append((train(x, y, order), evaluate(x, y)))
    (torch_run, torch_end), (keras_run, keras_end) = runs
    np.testing.assert_allclose(torch_run.rates, schedule(np.arange(40)), rtol=1e-12)
    np.testing.assert_allclose(keras_run.rates, torch_run.rates, rtol=1e-6)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=1e-4)
    assert keras_end[0] == pytest.approx(torch_end[0], abs=1e-4)


@pytest.mark.parametrize("framework", s2.FRAMEWORKS)
def test_a_trial_stores_what_the_chapter_reads(framework):
    result = s2.trial(s2.SETTINGS["triangular2"], framework, seed=0, updates=250)
    assert result["rates"] == pytest.approx([0.003, 0.0165, 0.03])
    assert len(result["curve"]["train_loss"]) == len(result["curve"]["test_accuracy"]) == 2
    assert not result["diverged"] and result["train_accuracy"] > 90
    for part in ("train", "validation", "test"):
        assert 0 < result[f"{part}_loss"] < 1 and 80 < result[f"{part}_accuracy"] <= 100
    assert "curve" not in s2.trial(s2.SETTINGS["ratio-3"], framework, seed=0, updates=10)


def test_what_is_not_finite_is_stored_as_none():
    assert s2._digits(float("nan")) is None and s2._digits(float("inf")) is None
    assert s2._digits(0.123456) == 0.1235


def test_stored_runs_applied_the_rates_of_their_schedules():
    for name, by_framework in study.load("s2").items():
        expected = s2.SETTINGS[name].schedule(np.array(s2.TELLING))
        for framework, runs in by_framework.items():
            assert [run["seed"] for run in runs] == list(s2.seeds(name, framework))
            for run in runs:
                np.testing.assert_allclose(run["rates"], expected, rtol=1e-5, atol=1e-8, err_msg=name)
                points = s2.UPDATES // s2.EVERY
                assert [len(curve) for curve in run.get("curve", {}).values()] == [points] * 2 * s2.SETTINGS[name].curve
                assert not run["diverged"]
