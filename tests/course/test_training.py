"""Training in both frameworks: batches, the steps that are taken, pauses, and what is recorded of a run."""

import numpy as np
import pytest

from lrlib import Piecewise
from lrlib.course.networks import dense_weights
from lrlib.course.training import Bench, History, batch_order, record_by_epoch, unpacked

SIZES = (6, 5, 3)


@pytest.fixture
def small_data():
    random = np.random.default_rng(0)
    return random.random((200, 6), dtype="float32"), random.integers(0, 3, 200)


def test_every_epoch_shows_every_row_once_in_a_new_order():
    order = batch_order(rows=25, batch=10, epochs=3, seed=1).reshape(3, 30)
    assert all(sorted(epoch) == [*[-1] * 5, *range(25)] for epoch in order)
    assert all((epoch[25:] == -1).all() for epoch in order)  # the last batch is a smaller one
    assert not (order[0] == order[1]).all()
    assert (order == batch_order(25, 10, 3, seed=1).reshape(3, 30)).all()
    assert not (order == batch_order(25, 10, 3, seed=2).reshape(3, 30)).all()


def runs(framework, small_data, schedule, own_sgd=False, pauses=(), on_pause=lambda model: None):
    """The history, final weights and final measurement of 60 updates with Nesterov momentum."""
    order, start = batch_order(200, 20, 6, seed=0), dense_weights(SIZES, seed=0)
    if framework == "pytorch":
        import torch

        from lrlib.course import pytorch as course

        model = course.perceptron(SIZES, start)
        bench = course.bench(model, torch.optim.SGD(model.parameters(), momentum=0.9, nesterov=True), schedule)
    else:
        import keras

        import lrlib.keras
        from lrlib.course import keras as course

        model = course.perceptron(SIZES, start)
        sgd = keras.optimizers.SGD if own_sgd else lrlib.keras.SGD
        bench = course.bench(model, sgd, schedule, momentum=0.9, nesterov=True)
    history = bench.train(*small_data, order, pauses, lambda update: on_pause(course.weights(model)))
    return history, course.weights(model), bench.evaluate(*small_data)


def test_both_loops_take_the_same_steps_and_only_keras_own_sgd_does_not(small_data):
    cut = Piecewise([30], [0.1, 0.01])
    torch_run, torch_weights, torch_end = runs("pytorch", small_data, cut)
    keras_run, keras_weights, keras_end = runs("keras", small_data, cut)
    _, own_weights, _ = runs("keras", small_data, cut, own_sgd=True)
    np.testing.assert_allclose(torch_run.rates, cut(np.arange(60)), rtol=1e-12)
    np.testing.assert_allclose(keras_run.rates, torch_run.rates, rtol=1e-6)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=1e-5)
    for ours, theirs in zip(keras_weights, torch_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(keras_end, torch_end, atol=1e-4)
    assert max(np.abs(a - b).max() for a, b in zip(own_weights, torch_weights, strict=True)) > 1e-3


@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_a_pause_comes_after_its_update(framework, small_data):
    seen = []
    runs(framework, small_data, Piecewise([30], [0.1, 0.01]), pauses={1, 60}, on_pause=seen.append)
    first, last = seen
    start = dense_weights(SIZES, seed=0)
    assert not np.allclose(first[0], start[0]) and not np.allclose(first[0], last[0])


@pytest.mark.parametrize(("last", "watched_loss"), [(np.inf, 1.0), (11.0, np.nan)])
def test_what_is_recorded_by_epoch(last, watched_loss):
    """The rates at each epoch's first update and at the last; a measurement after each epoch; divergence."""
    data, watched = (np.zeros((4, 1)), np.zeros(4)), (np.ones((2, 1)), np.ones(2))
    order = batch_order(4, 2, 3, seed=0)
    seen = []

    def train(x, y, batches, pauses, on_pause):
        for pause in pauses:
            on_pause(pause)
        return History(np.arange(6.0), np.array([1.0, 3.0, 5.0, 7.0, 9.0, last]))

    def evaluate(x, y):
        seen.append(len(x))
        return watched_loss, 10.0 * len(seen)

    history, stored = record_by_epoch(Bench(train, evaluate, lambda x, y: y == y), data, order, 3, watched)
    assert seen == [2, 2, 2] and len(history.losses) == 6
    assert stored["rates"] == [0.0, 2.0, 4.0, 5.0]
    assert stored["epoch_loss"] == [2.0, 6.0, (9.0 + last) / 2] and stored["diverged"]
    np.testing.assert_array_equal(stored["curve"]["loss"], [watched_loss] * 3)
    assert stored["curve"]["accuracy"] == [10.0, 20.0, 30.0]
    assert "watched_right" not in stored


def test_the_watched_images_that_were_right_are_recorded_when_asked_for():
    data, watched = (np.zeros((4, 1)), np.zeros(4)), (np.ones((8, 1)), np.arange(8))
    order = batch_order(4, 2, 3, seed=0)
    done = []

    def train(x, y, batches, pauses, on_pause):
        for pause in pauses:
            done.append(pause)
            on_pause(pause)
        return History(np.zeros(6), np.zeros(6))

    bench = Bench(train, lambda x, y: (1.0, 50.0), lambda x, y: y < len(done))
    _, stored = record_by_epoch(bench, data, order, 3, watched, images=True)
    assert {update: unpacked(text).sum() for update, text in stored["watched_right"].items()} == {
        "2": 1,
        "4": 2,
        "6": 3,
    }
