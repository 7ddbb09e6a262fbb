"""The first chapter's experiment: its data, that both frameworks take the same steps, its probe, what is stored."""

import math

import numpy as np
import pytest

from lrlib import Constant, Linear
from lrlib.course import store, study
from lrlib.course.data import digits
from lrlib.course.experiment import Trial
from lrlib.course.experiments import constant_rates
from lrlib.course.networks import dense_weights
from lrlib.course.training import batch_order, stack_orders

MINI_BATCH = [name for name in constant_rates.SETTINGS if not name.startswith("full-batch")]
FULL_BATCH = [name for name in constant_rates.SETTINGS if name.startswith("full-batch")]


def test_the_digits_are_parted_once():
    data = constant_rates.images()
    assert [len(x) for x, _ in data] == [1149, 288, 360]
    x, y = digits()
    together = np.concatenate([part for part, _ in data])
    assert together.dtype == np.float32 and together.min() == 0 and together.max() == 1
    assert sorted(map(tuple, together)) == sorted(map(tuple, (x / 16).astype("float32")))
    assert (data.test[1] == y[::5]).all()
    assert all(set(labels) == set(range(10)) for _, labels in data)


def test_settings_are_what_their_names_say():
    assert len(constant_rates.images().train[0]) == constant_rates.TRAINING
    for name in MINI_BATCH:
        batch, epochs, rule, rate = name.split("-")
        setting = constant_rates.SETTINGS[name]
        assert (batch, epochs) == (f"batch{setting.batch}", f"{setting.epochs}epochs")
        updates = len(batch_order(constant_rates.TRAINING, setting.batch, setting.epochs, seed=0))
        assert setting.schedule == (Constant(float(rate)) if rule == "constant" else Linear(float(rate), 0.0, updates))


def test_a_decay_may_choose_from_the_rates_that_a_constant_may():
    for kind in ("batch32-20epochs", "batch32-5epochs", "batch8-20epochs", "batch8-5epochs"):
        decays = {name.replace("linear", "constant") for name in MINI_BATCH if name.startswith(f"{kind}-linear")}
        assert len(decays) == 4 and decays <= set(MINI_BATCH)


@pytest.mark.parametrize("name", ["batch32-20epochs-constant-0.1", "batch8-5epochs-linear-0.5"])
def test_both_frameworks_take_the_same_steps(name):
    setting, data = constant_rates.SETTINGS[name], constant_rates.images()
    order = stack_orders([batch_order(len(data.train[0]), setting.batch, setting.epochs, seed=0)[:60]])
    benches = [constant_rates.bench_of(framework, setting.schedule, [0]) for framework in ("pytorch", "keras")]
    ours, theirs = (bench.train(*data.train, order) for bench in benches)
    np.testing.assert_allclose(ours.rates, setting.schedule(np.arange(60)), rtol=1e-12)
    np.testing.assert_allclose(theirs.rates, ours.rates, rtol=1e-6)
    np.testing.assert_allclose(theirs.losses, ours.losses, atol=1e-5)  # measured: 5e-7 at most
    (torch_loss, _), (keras_loss, _) = (bench.evaluate(*data.train) for bench in benches)
    assert keras_loss == pytest.approx(torch_loss, abs=1e-4)
    (_, torch_accuracy), (_, keras_accuracy) = (bench.evaluate(*data.test) for bench in benches)
    assert keras_accuracy == pytest.approx(torch_accuracy, abs=0.3)  # one image of 360


def test_a_stack_of_one_equals_a_stack_of_ten():
    """To the last digit: a seed's numbers do not depend on those that train beside it."""
    setting = constant_rates.SETTINGS["batch32-5epochs-constant-0.5"]
    together = constant_rates.run(setting, "pytorch", range(10), share=0.2)
    for seed in (0, 7):
        assert constant_rates.run(setting, "pytorch", [seed], share=0.2) == [together[seed]]


def test_both_full_batch_descents_take_the_same_steps():
    measured = [0, 1, 30]
    ours = list(constant_rates.descent_pytorch(0.2, seed=0, measured=measured, rows=50))
    theirs = list(constant_rates.descent_keras(0.2, seed=0, measured=measured, rows=50))
    assert len(ours) == len(theirs) == 3
    for a, b in zip(ours[0], dense_weights(constant_rates.SIZES, 0), strict=True):
        assert (a == b).all()
    for after in range(3):
        for a, b in zip(ours[after], theirs[after], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)  # measured: 3e-8 at most
    assert max(np.abs(a - b).max() for a, b in zip(ours[0], ours[1], strict=True)) > 1e-3


def test_sharpness_is_the_largest_curvature_of_a_parabola():
    import torch

    w = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    loss = 0.5 * (torch.tensor([1.0, 20.0, -300.0]) * w**2).sum()
    assert constant_rates.sharpness(loss, [w]) == pytest.approx(20, rel=1e-4)  # the largest, not the largest in size


def hessian(loss, arrays):
    """The full matrix, one row a derivative of the gradient."""
    import torch

    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, arrays, create_graph=True)])
    rows = [torch.autograd.grad(one, arrays, retain_graph=True) for one in gradient]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


@pytest.mark.parametrize("updates", [0, 200])
def test_sharpness_is_the_hessians_largest_eigenvalue(updates):
    import torch

    from lrlib.course.pytorch import perceptron

    (weights,) = constant_rates.descent_keras(0.3, seed=1, measured=[updates], rows=20)
    model = perceptron(constant_rates.SIZES, weights).double()
    x, y = (part[:20] for part in constant_rates.images().train)
    error = 0.5 * (model(torch.from_numpy(x).double()) - torch.eye(10)[y.astype(int)]).square().sum(1).mean()
    last = list(model.parameters())[2:]  # 330 weights; all 2,410 would take a minute
    assert constant_rates.sharpness(error, last) == pytest.approx(
        torch.linalg.eigvalsh(hessian(error, last))[-1].item(), rel=1e-4
    )


def test_the_probe_measures_half_the_squared_distance():
    first, bias, second, last = dense_weights(constant_rates.SIZES, seed=0)
    x, y = (part[:20] for part in constant_rates.images().train)
    outputs = np.maximum(x @ first + bias, 0) @ second + last
    error = 0.5 * ((outputs - np.eye(10)[y]) ** 2).sum(1).mean()
    measured, sharp = constant_rates.measure([first, bias, second, last], rows=20)
    assert measured == pytest.approx(error, rel=1e-5)
    assert sharp > 0


def test_gradient_noise_is_the_spread_of_the_batches_gradients():
    import torch

    from lrlib.course.pytorch import perceptron

    weights = dense_weights(constant_rates.SIZES, seed=0)
    x, y = constant_rates.images().train
    model = perceptron(constant_rates.SIZES, weights)
    last = []  # the gradients of the last bias have a closed form: softmax minus one-hot, averaged
    for rows in np.arange(35 * 32).reshape(35, 32):
        outputs = model(torch.from_numpy(x[rows])).softmax(1).detach().numpy()
        last.append((outputs - np.eye(10)[y[rows]]).mean(0))
    of_last_bias = ((np.array(last) - np.mean(last, 0)) ** 2).sum(1).mean()
    assert constant_rates.gradient_noise(weights) > of_last_bias > 0
    whole = constant_rates.gradient_noise(weights, batch=len(x))
    assert whole == pytest.approx(0, abs=1e-12)  # one batch has no spread
    assert constant_rates.gradient_noise(weights, 8) > 2 * constant_rates.gradient_noise(weights, 32)


@pytest.mark.parametrize(
    ("loss", "guessing"), [(None, True), (40.0, True), (math.log(10), True), (2.2, False), (0.01, False)]
)
def test_what_counts_as_guessing(loss, guessing):
    assert constant_rates.guesses({"train_loss": loss}) is guessing


def test_numbers_that_json_has_no_word_for_become_none():
    assert constant_rates._finite([1.23456, float("nan"), float("inf")]) == [1.235, None, None]


@pytest.mark.parametrize("framework", constant_rates.EXPERIMENT.frameworks)
def test_a_descent_that_diverges_is_recorded(framework):
    setting = constant_rates.FullBatch(rate=10.0, rows=50, measured=(0, 5, 200))
    (result,) = constant_rates.run(setting, framework, [0])
    assert result["diverged"] and result["curve"]["loss"][-1] is None
    assert result["curve"]["loss"][0] is not None
    store.check(Trial("constant_rates", "full-batch-10", framework, 0), result)


def test_what_is_stored_is_what_the_settings_say():
    stored = store.load(constant_rates.EXPERIMENT)
    for name in MINI_BATCH:
        setting = constant_rates.SETTINGS[name]
        last = setting.schedule(setting.epochs * -(-constant_rates.TRAINING // setting.batch) - 1)
        for framework, runs in stored[name].items():
            assert [run["seed"] for run in runs] == list(constant_rates.seeds_of(name, framework)) == list(range(10))
            for run in runs:
                assert run["rates"] == pytest.approx([setting.schedule(0), last], rel=1e-4)
                assert len(run["epoch_loss"]) == setting.epochs
                assert run["diverged"] or None not in run["epoch_loss"]
                assert 0 <= run["test_accuracy"] <= 100
    for name in FULL_BATCH:
        for runs in stored[name].values():
            assert [run["seed"] for run in runs] == list(range(5))
            assert all(run["curve"]["update"] == list(constant_rates.SETTINGS[name].measured) for run in runs)


# Measured: below the cliff a run repeats to the last digit, and PyTorch and Keras give the same test accuracy, with a
# training loss at most 0.0001 apart. Two test images are allowed all the same.
@pytest.mark.slow
def test_stored_results_are_what_a_rerun_gives(tmp_path):
    experiment = constant_rates.EXPERIMENT
    trials = [Trial(experiment.name, "batch8-5epochs-linear-0.5", name, 3) for name in experiment.frameworks]
    study.bring_up_to_date(trials, tmp_path)  # in processes of their own: TensorFlow takes its threads once
    for trial in trials:
        stored, again = (store.find(experiment, trial, folder) for folder in (store.results_folder(), tmp_path))
        assert again["test_accuracy"] == pytest.approx(stored["test_accuracy"], abs=0.6), trial
        assert again["train_loss"] == pytest.approx(stored["train_loss"], abs=0.002), trial
        assert again["rates"] == pytest.approx(stored["rates"]), trial
