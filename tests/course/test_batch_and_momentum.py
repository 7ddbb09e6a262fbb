"""Batch and momentum: settings, the batches and labels of a trial, that both frameworks take the same steps."""

import dataclasses
import itertools

import numpy as np
import pytest

from lrlib.course.experiments import batch_and_momentum as bm
from lrlib.course.experiments import constant_rates

MINI_BATCH = {name: one for name, one in bm.SETTINGS.items() if isinstance(one, bm.Setting)}


def per_image(setting):
    """The effective step of one image: η / ((1 − μ) B)."""
    return setting.rate / (1 - setting.momentum) / setting.batch


def test_settings_are_what_their_names_say():
    for name, setting in MINI_BATCH.items():
        kind, _, number = name.rpartition("-")
        if kind.startswith("batch"):
            assert (kind, float(number)) == (f"batch{setting.batch}", pytest.approx(setting.rate))
            assert setting.momentum == 0 and setting.optimizer == "SGD"
        elif kind.startswith("momentum"):
            assert kind == f"momentum{setting.momentum:g}" and setting.batch == 32
            assert per_image(setting) == pytest.approx(float(number) / 32)
        elif kind.startswith("adam"):
            assert (kind, float(number)) == (f"adam-batch{setting.batch}", pytest.approx(setting.rate))
            assert setting.optimizer == "Adam"


def test_what_a_rule_calls_the_same_is_the_same_per_image():
    linear = [pair for text, _, *pair, _ in bm._comparisons() if text.startswith(("linear", "effective"))]
    assert len(linear) == 6
    for ours, theirs in linear:
        assert per_image(MINI_BATCH[ours]) == pytest.approx(per_image(MINI_BATCH[theirs]))
    square, straight = (pair for text, _, *pair, _ in bm._comparisons() if text.startswith("Adam"))
    assert square[1] == straight[1] == bm.by_adam(8, 0.001)
    for (ours, theirs), power in ((square, 0.5), (straight, 1.0)):
        one, other = MINI_BATCH[ours], MINI_BATCH[theirs]
        assert one.rate / other.rate == pytest.approx((one.batch / other.batch) ** power)


def test_the_noise_alone_differs_where_a_smaller_batch_shakes():
    small, large = (bm.SHAKEN[f"shaken-batch{batch}"] for batch in (4, 32))
    assert bm.updates_in(small, small.epochs) == bm.updates_in(large, large.epochs) == 5120
    assert dataclasses.replace(large, batch=4, epochs=small.epochs) == small


def test_every_batch_size_sees_the_same_images_in_the_same_order():
    orders = [bm.order_of(bm.Setting(0.1, batch), epochs=2, seed=3) for batch in bm.BATCHES]
    for batch, order in zip(bm.BATCHES, orders, strict=True):
        assert order.shape == (2 * 1024 // batch, batch)
        assert (order.reshape(-1) == orders[0].reshape(-1)).all()
    for epoch in orders[0].reshape(2, -1):
        assert sorted(epoch) == list(range(1024))


@pytest.mark.parametrize("epochs", [1, 4, 5])
def test_a_batch_grows_where_a_rate_falls(epochs):
    decayed, grown = bm.SHAKEN["shaken-decayed"], bm.SHAKEN["shaken-grown"]
    order = bm.order_of(grown, epochs, seed=0)
    half = bm.updates_in(decayed, (epochs + 1) // 2)
    assert (order[:half, 8:] == -1).all() and (order[:half, :8] >= 0).all() and (order[half:] >= 0).all()
    assert (order[order >= 0] == bm.order_of(decayed, epochs, seed=0).reshape(-1)).all()
    assert len(order) == half + (epochs // 2) * 1024 // 32
    rates = bm.schedule_of(decayed, epochs)(np.arange(2 * half))
    assert (rates[:half] == 0.16).all() and (rates[half:] == 0.04).all()
    assert (bm.schedule_of(grown, epochs)(np.arange(2 * half)) == 0.16).all()


def test_the_asked_share_of_labels_is_drawn_anew():
    y = np.repeat(np.arange(10, dtype="uint8"), 1000)
    changed = bm.labels_of(y, 0.2, seed=5)
    assert np.mean(changed != y) == pytest.approx(0.18, abs=0.01)  # one in ten of them is right by chance
    assert (changed == bm.labels_of(y, 0.2, seed=5)).all() and (changed != bm.labels_of(y, 0.2, seed=6)).any()
    assert (bm.labels_of(y, 0.0, seed=5) == y).all()
    assert (y == np.repeat(np.arange(10), 1000)).all()


def test_random_labels_are_trained_on_and_not_tested_on():
    setting = bm.Setting(0.16, 32, epochs=20, random_labels=1.0)
    (result,) = bm.run(setting, "pytorch", [0])
    assert result["train_loss"] < 2.3 and result["test_accuracy"] < 35
    (clean,) = bm.run(dataclasses.replace(setting, random_labels=0.0), "pytorch", [0])
    assert clean["test_accuracy"] > 90


@pytest.mark.slow
@pytest.mark.parametrize("name", ["batch256-0.32", "momentum0.9-0.32", "adam-batch32-0.001", "shaken-grown"])
def test_both_frameworks_take_the_same_steps(name):
    setting = bm.SETTINGS[name]
    (ours,), (theirs,) = (bm.run(setting, framework, [0], share=2 / 20) for framework in ("pytorch", "keras"))
    assert theirs["rates"] == pytest.approx(ours["rates"], rel=1e-6)
    assert theirs["train_loss"] == pytest.approx(ours["train_loss"], abs=1e-4)
    assert theirs["test_loss"] == pytest.approx(ours["test_loss"], abs=1e-4)
    assert theirs["test_accuracy"] == pytest.approx(ours["test_accuracy"], abs=0.3)  # one image of 360


@pytest.mark.parametrize("name", ["momentum0.9-0.32", "shaken-decayed"])
def test_a_stack_of_one_equals_a_stack_of_four(name):
    """To the last digit: a seed's numbers do not depend on those that train beside it."""
    setting = bm.SETTINGS[name]
    seeds = (0, 3, 100, 101)
    together = bm.run(setting, "pytorch", seeds, share=0.1)
    for seed, result in zip(seeds, together, strict=True):
        assert bm.run(setting, "pytorch", [seed], share=0.1) == [result]
    assert len({result["train_loss"] for result in together}) == len(seeds)


def test_both_full_batch_descents_take_the_same_steps_with_momentum():
    measured = [0, 1, 20]
    descents = constant_rates.descent_pytorch, constant_rates.descent_keras
    ours, theirs = (list(descent(0.2, 0, measured, rows=50, momentum=0.9)) for descent in descents)
    for a, b in zip(itertools.chain(*ours), itertools.chain(*theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    plain = list(constant_rates.descent_pytorch(0.2, 0, measured, rows=50))
    assert all((a == b).all() for a, b in zip(ours[1], plain[1], strict=True))  # the first update has no velocity yet
    assert max(np.abs(a - b).max() for a, b in zip(ours[2], plain[2], strict=True)) > 1e-2
