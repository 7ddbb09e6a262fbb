"""Cycling: the parts of the digits, the settings' arithmetic, both frameworks step by step, and what is stored."""

import numpy as np
import pytest

from lrlib.course import store
from lrlib.course.data import digits
from lrlib.course.experiments import cycling
from lrlib.course.training import batch_order, stack_orders


def test_the_three_parts_share_no_image_and_leave_none_out():
    parts = cycling.images()
    assert {name: len(x) for name, (x, _) in parts.items()} == {"train": 1278, "validation": 159, "test": 360}
    rows = np.concatenate([np.column_stack(part) for part in parts.values()])
    x, y = digits()
    assert sorted(map(tuple, rows)) == sorted(map(tuple, np.column_stack([x / 16, y])))
    assert all(x.dtype == np.float32 and x.min() == 0 and x.max() == 1 for x, _ in parts.values())
    np.testing.assert_array_equal(parts["test"][1], y[::5])


def test_an_epoch_has_the_updates_that_the_settings_count_on():
    order = batch_order(len(cycling.images()["train"][0]), cycling.BATCH, cycling.EPOCHS, seed=0)
    assert len(order) == cycling.UPDATES == cycling.EPOCHS * cycling.PER_EPOCH


def test_every_cycle_ends_where_the_budget_does():
    cycles = [name for name in cycling.SETTINGS if name.startswith(("step-", "ratio-", "bounds-", "tri", "exp"))]
    assert len(cycles) == 18
    for name in cycles:
        schedule = cycling.SETTINGS[name].schedule
        low, high = schedule.base_lr, schedule.max_lr
        assert schedule(cycling.UPDATES) == pytest.approx(low), name
        assert schedule(schedule.step_size) == pytest.approx(high, rel=0.5), name  # exp_range is on its way down


def test_the_controls_spend_what_the_cycle_spends():
    t = np.arange(cycling.UPDATES + 1)
    means = {name: np.trapezoid(cycling.SETTINGS[name].schedule(t)) for name in ("triangular", "fall", "constant-mean")}
    assert means["fall"] == pytest.approx(means["triangular"]) == pytest.approx(means["constant-mean"])
    for policy, control in cycling.MEAN_OF.items():
        rates = (cycling.SETTINGS[name].schedule(t[:-1]) for name in (policy, control))
        spent, level = (float(np.sum(one)) for one in rates)
        assert level == pytest.approx(spent, rel=1e-3), policy
    assert (np.diff(cycling.SETTINGS["fall"].schedule(t)) < 0).all()
    one = cycling.SETTINGS["one-cycle"].schedule(t)
    assert (one[: 2 * cycling.STEP] == cycling.SETTINGS["triangular"].schedule(t[: 2 * cycling.STEP])).all()
    assert (one[2 * cycling.STEP :] == cycling.BASE).all()


def test_both_frameworks_take_the_same_steps():
    """Adam on the rising side of a cycle, 40 updates: the rates to float32, the losses to 1e-4.

    Measured: 4e-5, and 6e-6 if ε is negligible in both. Keras adds ε before the bias correction, PyTorch after it, so
    that 1e-8 in Keras counts as 3e-7 at the first update.
    """
    x, y = cycling.images()["train"]
    order = stack_orders([batch_order(len(x), cycling.BATCH, 1, seed=0)])
    schedule = cycling.SETTINGS["triangular"].schedule
    runs = []
    for build in (cycling._pytorch, cycling._keras):
        bench = build(schedule, [0])
        runs.append((bench.train(x, y, order), bench.evaluate(x, y)))
    (torch_run, torch_end), (keras_run, keras_end) = runs
    np.testing.assert_allclose(torch_run.rates, schedule(np.arange(40)), rtol=1e-12)
    np.testing.assert_allclose(keras_run.rates, torch_run.rates, rtol=1e-6)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=1e-4)
    assert keras_end[0] == pytest.approx(torch_end[0], abs=1e-4)


def test_a_stack_of_one_equals_a_stack_of_ten():
    """To the last digit: a seed's numbers do not depend on those that train beside it."""
    setting = cycling.SETTINGS["triangular"]
    together = cycling.run(setting, "pytorch", range(10), share=0.0625)
    assert together[0]["curve"]["update"] == [100]
    for seed in (0, 7):
        assert cycling.run(setting, "pytorch", [seed], share=0.0625) == [together[seed]]


@pytest.mark.parametrize("framework", cycling.EXPERIMENT.frameworks)
def test_a_trial_stores_what_the_chapter_reads(framework):
    (result,) = cycling.run(cycling.SETTINGS["triangular2"], framework, [0], share=250 / cycling.UPDATES)
    assert result["rates"] == pytest.approx([0.003, 0.0165, 0.03])
    assert result["curve"]["update"] == [100, 200]
    assert len(result["curve"]["train_loss"]) == len(result["curve"]["test_accuracy"]) == 2
    assert not result["diverged"] and result["train_accuracy"] > 90
    for part in ("train", "validation", "test"):
        assert 0 < result[f"{part}_loss"] < 1 and 80 < result[f"{part}_accuracy"] <= 100
    (plain,) = cycling.run(cycling.SETTINGS["ratio-3"], framework, [0], share=10 / cycling.UPDATES)
    assert "curve" not in plain


def test_what_is_not_finite_is_stored_as_none():
    assert cycling._digits(float("nan")) is None and cycling._digits(float("inf")) is None
    assert cycling._digits(0.123456) == 0.1235


def test_stored_runs_applied_the_rates_of_their_schedules():
    for name, by_framework in store.load(cycling.EXPERIMENT).items():
        expected = cycling.SETTINGS[name].schedule(np.array(cycling.RATES_AT))
        for framework, runs in by_framework.items():
            assert [run["seed"] for run in runs] == list(cycling.seeds_of(name, framework))
            for run in runs:
                np.testing.assert_allclose(run["rates"], expected, rtol=1e-5, atol=1e-8, err_msg=name)
                points = cycling.UPDATES // cycling.EVERY
                assert [len(curve) for curve in run.get("curve", {}).values()] == [points] * 3 * cycling.SETTINGS[
                    name
                ].curve
                assert not run["diverged"]
