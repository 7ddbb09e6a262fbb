"""Q-AGREL: the same learning in PyTorch, in Keras and in twenty lines of NumPy; and what a trial stores."""

import importlib
import zlib
from pathlib import Path

import numpy as np
import pytest

import lrlib.course
from lrlib import Constant, Triangular
from lrlib.course import store
from lrlib.course.experiment import Trial
from lrlib.course.experiments import q_agrel
from lrlib.course.experiments.q_agrel.draws import EPSILON, Data, Draws, draw, images

SIZES = (6, 8, 5, 4)
RATE = 0.02


def run_in(framework):
    return importlib.import_module(f"lrlib.course.experiments.q_agrel.{framework}").run


each_framework = pytest.mark.parametrize("framework", q_agrel.EXPERIMENT.frameworks)
linear_and_relu = pytest.mark.parametrize("relu", [False, True], ids=["linear", "relu"])


@pytest.fixture(scope="module")
def data():
    """Forty rows of six numbers in four classes, ten of them for the test."""
    random = np.random.default_rng(0)
    x, y = random.random((40, 6), dtype="float32"), random.integers(0, 4, 40)
    return Data(x[:30], y[:30], x[30:], y[30:])


def small_draws(repetitions, epochs=2):
    return draw(SIZES, repetitions, epochs, images=30)


def alone(draws, repetition, schedule, data, relu):
    """One repetition in float64, straight from the algorithm's text: errors by epoch, and the weights."""
    W = [w[repetition].astype(float) for w in draws.forward]
    V = [v[repetition].astype(float) for v in draws.feedback]
    g, slope = (lambda z: np.maximum(z, 0), lambda a: a > 0) if relu else (lambda z: z, np.ones_like)
    last, errors = len(W) - 1, []
    for epoch, rows in enumerate(draws.rows[..., repetition]):
        squares = []
        for i, row in enumerate(rows):
            a = [data.x[row].astype(float)]
            for layer, w in enumerate(W):
                a.append(w.T @ a[-1] if layer == last else g(w.T @ a[-1]))
            p = np.exp(a[-1]) / np.exp(a[-1]).sum()
            sampled = np.searchsorted(np.cumsum(p), draws.uniform[epoch, i, repetition], side="left")
            k = sampled if draws.explore[epoch, i, repetition] else np.argmax(a[-1])
            delta = float(k == data.y[row]) - a[-1][k]
            b = [np.eye(len(p))[k]]
            for v in reversed(V):
                b.insert(0, g(v.T @ b[0]))
            gates = [slope(hidden) for hidden in a[1:-1]] + [1]
            W = [w + schedule(epoch) * delta * np.outer(a[n], gates[n] * b[n + 1]) for n, w in enumerate(W)]
            V = [v + schedule(epoch) * delta * np.outer(b[n + 1], slope(b[n]) * a[n]) for n, v in enumerate(V)]
            squares.append(delta**2)
        errors.append(np.mean(squares))
    return np.array(errors), W, V


@pytest.mark.slow
@linear_and_relu
@each_framework
def test_it_is_the_algorithm(framework, relu, data):
    schedule, draws = Triangular(0.01, RATE, step_size=1), small_draws(range(3))
    history = run_in(framework)(schedule, data, draws, relu)
    assert history.errors.shape == history.accuracies.shape == (2, 3)
    for repetition in range(3):
        errors, W, V = alone(draws, repetition, schedule, data, relu)
        np.testing.assert_allclose(history.errors[:, repetition], errors, rtol=1e-4)
        for ours, theirs in zip([*history.forward, *history.feedback], [*W, *V], strict=True):
            np.testing.assert_allclose(ours[repetition], theirs, atol=1e-5)


@pytest.mark.slow
@linear_and_relu
def test_both_frameworks_take_the_same_steps_on_digits(relu):
    """The first 100 updates of a trial, float32: weights within 1e-5 of each other (they are up to 0.3)."""
    draws = draw(q_agrel.SIZES, range(2), 1)
    draws = draws._replace(rows=draws.rows[:, :100], explore=draws.explore[:, :100], uniform=draws.uniform[:, :100])
    torch_run, keras_run = (
        run_in(name)(Constant(0.01), images(), draws, relu) for name in q_agrel.EXPERIMENT.frameworks
    )
    np.testing.assert_allclose(torch_run.errors, keras_run.errors, rtol=1e-4)
    for name in ("forward", "feedback"):
        for start, ours, theirs in zip(
            getattr(draws, name), getattr(torch_run, name), getattr(keras_run, name), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
            assert not np.allclose(ours, start)


@each_framework
def test_one_update_by_hand(framework):
    """One pixel, one hidden unit, two classes: a = 1, 2, (4, 2), so the action is 0, which is right, and δ = −3."""
    W, V = [[[[2.0]]], [[[2.0, 1.0]]]], [[[[3.0]]], [[[3.0], [5.0]]]]
    one = np.ones((1, 1, 1), "float32")
    weights = ([np.array(w, "float32") for w in layers] for layers in (W, V))
    draws = Draws(*weights, rows=np.zeros((1, 1, 1), int), explore=one < 0, uniform=one)
    data = Data(one[0], np.zeros(1, int), one[0], np.zeros(1, int))
    history = run_in(framework)(Constant(0.1), data, draws)
    # b_2 = (1, 0), b_1 = 3, b_0 = 9; every step is 0.1 · −3.
    assert history.errors == pytest.approx(9)
    assert history.forward[0].ravel() == pytest.approx([2 - 0.3 * 1 * 3])
    assert history.forward[1].ravel() == pytest.approx([2 - 0.3 * 2 * 1, 1])
    assert history.feedback[0].ravel() == pytest.approx([3 - 0.3 * 3 * 1])
    assert history.feedback[1].ravel() == pytest.approx([3 - 0.3 * 1 * 2, 5])


@each_framework
@pytest.mark.slow
def test_a_repetition_is_the_same_alone_or_among_ten(framework, data):
    together = run_in(framework)(Constant(RATE), data, small_draws(range(10)), True)
    for repetition in (0, 7):
        single = run_in(framework)(Constant(RATE), data, small_draws([repetition]), True)
        np.testing.assert_allclose(single.errors[:, 0], together.errors[:, repetition], rtol=1e-5)
        for ours, theirs in zip(single.forward, together.forward, strict=True):
            np.testing.assert_allclose(ours[0], theirs[repetition], atol=1e-6)


def test_draws_depend_on_the_repetition_and_longer_runs_begin_alike():
    ten, one = small_draws(range(10), epochs=3), small_draws([7], epochs=2)
    assert (ten.forward[1][7] == one.forward[1][0]).all() and (ten.feedback[2][7] == one.feedback[2][0]).all()
    for ours, theirs in zip(ten[2:], one[2:], strict=True):
        assert (ours[:2, :, 7] == theirs[:, :, 0]).all()
    assert (np.sort(ten.rows, axis=1) == np.arange(30)[:, None]).all()
    assert not (ten.rows[0] == ten.rows[1]).all()
    real = draw((64, 10), range(2), 2)
    assert real.explore.mean() == pytest.approx(EPSILON, abs=0.03)


@each_framework
@pytest.mark.slow
def test_divergence_is_recorded_and_stays_with_its_repetition(framework, data, monkeypatch):
    draws = small_draws(range(q_agrel.REPETITIONS))
    wild = draws._replace(forward=[w.copy() for w in draws.forward])
    for w in wild.forward:
        w[3] *= 1e4  # repetition 3 starts where every step overshoots
    calm, run = run_in(framework)(Constant(RATE), data, draws), run_in(framework)(Constant(RATE), data, wild)
    assert not np.isfinite(run.forward[0][3]).any() and not np.isfinite(run.errors[-1, 3])
    others = np.arange(q_agrel.REPETITIONS) != 3
    np.testing.assert_array_equal(run.errors[:, others], calm.errors[:, others])
    np.testing.assert_array_equal(run.forward[1][others], calm.forward[1][others])

    monkeypatch.setattr(q_agrel, "draw", lambda *arguments: wild)
    monkeypatch.setattr(q_agrel, "images", lambda: data)
    result = q_agrel.trial(q_agrel.Setting(Constant(RATE), epochs=2, sizes=SIZES), framework, seed=0)
    assert result["diverged_each"] == [repetition == 3 for repetition in range(q_agrel.REPETITIONS)]
    assert result["epoch_error_each"][3][-1] is None and None not in result["epoch_error_each"][2]
    assert result["accuracy_each"][3] == 100 * np.mean(data.y_test == 0)  # NaN reads as class 0
    store.check(Trial("q_agrel", "linear-0.01", framework, 0), result)


@each_framework
def test_a_network_that_has_lost_its_relu_is_linear(framework):
    """f(−x) = −f(x) without ReLU, and not with it. f(2x) = 2 f(x) tells nothing: without biases both have it."""
    module = importlib.import_module(run_in(framework).__module__)
    asarray = importlib.import_module("torch").tensor if framework == "pytorch" else np.asarray
    W = [asarray(w) for w in small_draws([0]).forward]
    x = np.random.default_rng(0).normal(size=(1, 20, 6)).astype("float32")

    def f(x, relu):
        return np.asarray(module.forward(W, asarray(x), relu)[-1])

    for relu in (False, True):
        np.testing.assert_allclose(f(2 * x, relu), 2 * f(x, relu), atol=1e-5)
    np.testing.assert_allclose(f(-x, False), -f(x, False), atol=1e-5)
    assert np.abs(f(-x, True) + f(x, True)).max() > 0.1


def test_stored_results_have_ten_repetitions_and_their_settings_rates():
    for name, by_framework in store.load(q_agrel.EXPERIMENT).items():
        setting = q_agrel.SETTINGS[name]
        for framework, groups in by_framework.items():
            assert [group["seed"] for group in groups] == list(q_agrel.seeds_of(name, framework))
            for group in groups:
                assert group["rates"] == pytest.approx([setting.schedule(epoch) for epoch in range(setting.epochs)])
                assert len(group["accuracy_each"]) == len(group["diverged_each"]) == q_agrel.REPETITIONS
                assert np.shape(group["epoch_accuracy_each"]) == (q_agrel.REPETITIONS, setting.epochs)
                for diverged, errors in zip(group["diverged_each"], group["epoch_error_each"], strict=True):
                    assert diverged or None not in errors  # what is not finite in the errors is so in the weights


# Measured: where the linear network is stable, rounding dies out, and PyTorch and Keras give the same accuracy in every
# epoch of 159 of the 160 stored repetitions. In one a sampled action fell the other way, and its accuracy was up to 4.5
# points off for four epochs. So one repetition in ten may differ; the others by one image of 360.
STABLE = [
    name for name in q_agrel.SETTINGS if name.startswith(("shallow", "linear-low", "linear-0.005", "linear-0.0075"))
]


@pytest.mark.slow
@each_framework
def test_stored_results_are_what_a_rerun_gives(framework):
    library = sorted(Path(lrlib.course.__file__).parent.rglob("*.py"))
    drawn = zlib.crc32(b"".join(path.read_bytes() for path in library))  # another after each change of the course
    setting = STABLE[drawn % len(STABLE)]
    print("drawn:", setting)
    stored = store.load(q_agrel.EXPERIMENT)[setting][framework][0]
    again = q_agrel.trial(q_agrel.SETTINGS[setting], framework, seed=0)
    ours, theirs = (np.array(result["epoch_accuracy_each"]) for result in (again, stored))
    same = (np.abs(ours - theirs) < 0.4).all(1)
    assert same.sum() >= q_agrel.REPETITIONS - 1, (setting, ours - theirs)
    assert np.array(again["accuracy_each"])[same] == pytest.approx(np.array(stored["accuracy_each"])[same], abs=0.3)
