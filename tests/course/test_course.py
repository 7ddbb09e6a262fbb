"""The course's shared parts: what both frameworks are given alike, the loops, the stored results."""

import hashlib
import importlib
import itertools
import json
import math
import multiprocessing
import os
import platform
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from lrlib.course.alike import History, batch_order, convnet_weights, dense_weights, described, resnet18_weights
from lrlib.course.epochs import by_epoch
from waiting import wait_until

from lrlib import Piecewise
from lrlib.course import alike, one_cycle, processor, s1, s2, s3, s4, stats, study

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


def test_initial_weights_follow_pytorchs_rule():
    weights, bias, *_ = dense_weights((400, 50, 3), seed=0)
    assert weights.shape == (400, 50) and bias.shape == (50,) and weights.dtype == np.float32
    for array in (weights, bias):
        assert np.abs(array).max() <= 400**-0.5 and np.abs(array).max() > 0.9 * 400**-0.5


def runs(framework, small_data, schedule, own_sgd=False, pauses=(), on_pause=lambda model: None):
    """The history and final weights of 60 updates."""
    x, y = small_data
    order, start = batch_order(200, 20, 6, seed=0), dense_weights(SIZES, seed=0)
    if framework == "pytorch":
        import torch

        import lrlib.torch
        from lrlib.course import torch as course

        model = course.perceptron(SIZES, start)
        optimizer = torch.optim.SGD(model.parameters(), momentum=0.9, nesterov=True)
        extra = {"scheduler": lrlib.torch.Scheduler(optimizer, schedule)}
    else:
        import keras

        import lrlib.keras
        from lrlib.course import keras as course

        model = course.perceptron(SIZES, start)
        sgd = keras.optimizers.SGD if own_sgd else lrlib.keras.SGD
        optimizer, extra = sgd(lrlib.keras.Schedule(schedule), momentum=0.9, nesterov=True), {}
    history = course.train(
        model, optimizer, x, y, order, pauses, lambda update: on_pause(course.weights(model)), **extra
    )
    return history, course.weights(model), course.evaluate(model, x, y)


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


def outputs_of(theirs, ours, images):
    """PyTorch's and Keras's outputs, training first: that pass moves the running statistics that the next one uses."""
    import torch

    for training in (True, False):
        theirs.train(training)
        yield theirs(torch.from_numpy(images)).detach().numpy(), ours(images, training=training).numpy()


@pytest.mark.parametrize("size", [None, 28])
def test_resnet18_is_one_network_in_both_frameworks(size):
    from lrlib.course import keras as in_keras
    from lrlib.course import torch as in_torch

    arrays = resnet18_weights(channels=1, classes=10, seed=0, size=size)
    theirs, ours = in_torch.resnet18(arrays), in_keras.resnet18(arrays, size=28)
    count = 11_175_370 if size is None else 4_228_554
    assert sum(array.size for array in arrays) == sum(p.numel() for p in theirs.parameters()) == count
    images = np.random.default_rng(0).random((16, 28, 28, 1), dtype="float32")
    # PyTorch's running variance is unbiased, Keras's is not: at 1 × 1 pixels that is a sixteenth of a tenth.
    for tolerance, (expected, found) in zip((1e-3, 2e-2), outputs_of(theirs, ours, images), strict=True):
        np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


@pytest.mark.slow
def test_the_taps_that_are_cut_from_resnet18_never_matter():
    import torch

    from lrlib.course import torch as in_torch

    whole, cut = (resnet18_weights(1, 10, seed=0, size=size) for size in (None, 28))
    random = np.random.default_rng(0)
    images, labels = random.random((24, 28, 28, 1)), random.integers(0, 10, 24)
    losses = []
    for arrays in (whole, cut):
        model = in_torch.resnet18(arrays).double()  # Adam makes much of single precision's rounding
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        losses.append(in_torch.train(model, optimizer, images, labels, batch_order(24, 8, 2, seed=0)).losses)
        if arrays is whole:
            last = model[-4].second[0].weight  # a 3 × 3 kernel that sees one position: only its centre has a gradient
            assert last.shape == (512, 512, 3, 3) and torch.count_nonzero(last.grad) <= last[..., 1, 1].numel()
            assert (last.detach()[..., 0, 0].numpy() == whole[-5][0, 0].T).all()
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


def test_s4s_network_is_one_network_in_both_frameworks(small_images):
    """Step by step with dropout off; with it each framework draws its own."""
    import keras
    import torch

    from lrlib.course import keras as in_keras
    from lrlib.course import torch as in_torch

    arrays = convnet_weights(seed=0)
    theirs, ours = in_torch.convnet(arrays, dropout=False), in_keras.convnet(arrays, dropout=False)
    assert sum(p.numel() for p in theirs.parameters()) == ours.count_params() == 25_546
    images, labels = small_images
    order = batch_order(len(images), 16, 2, seed=0)
    assert (order[-1] >= 0).sum() == 8  # the last batch of an epoch is a smaller one
    torch_run = in_torch.train(theirs, torch.optim.SGD(theirs.parameters(), lr=0.1), images, labels, order)
    keras_run = in_keras.train(ours, keras.optimizers.SGD(0.1), images, labels, order)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=2e-6)
    np.testing.assert_allclose(
        in_keras.evaluate(ours, images, labels), in_torch.evaluate(theirs, images, labels), atol=1e-4
    )


@pytest.mark.parametrize(
    ("network", "count", "l2"),
    [(alike.LENET, 431_080, 0.05), (alike.LENET, 431_080, 0.0), (alike.SMALL10, 11_162, 0.05)],
)
def test_a_pooled_network_is_one_network_in_both_frameworks(network, count, l2):
    """Step by step, the penalty on its weights included; the penalty is no part of the loss that is recorded."""
    import torch

    import lrlib.keras
    from lrlib.course import keras as in_keras
    from lrlib.course import torch as in_torch

    arrays = alike.pooled_convnet_weights(network, seed=0)
    theirs, ours = in_torch.pooled_convnet(network, arrays), in_keras.pooled_convnet(network, arrays, l2)
    assert sum(p.numel() for p in theirs.parameters()) == ours.count_params() == count
    random = np.random.default_rng(0)
    images, labels = random.random((40, *network.shape), dtype="float32"), random.integers(0, 10, 40)
    order = batch_order(40, 16, 3, seed=0)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.03, momentum=0.9, weight_decay=l2)
    torch_run = in_torch.train(theirs, sgd, images, labels, order)
    keras_run = in_keras.train(ours, lrlib.keras.SGD(0.03, momentum=0.9), images, labels, order)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=2e-5)
    if l2:
        without = in_torch.pooled_convnet(network, arrays)
        plain = torch.optim.SGD(without.parameters(), lr=0.03, momentum=0.9)
        assert abs(in_torch.train(without, plain, images, labels, order).losses - torch_run.losses).max() > 1e-3


def test_measuring_leaves_dropout_out_and_the_mode_as_it_was(small_images):
    from lrlib.course import torch as in_torch

    model = in_torch.convnet(convnet_weights(seed=0))
    model.train()
    assert len({in_torch.evaluate(model, *small_images) for _ in range(5)}) == 1 and model.training
    model.eval()
    in_torch.evaluate(model, *small_images)
    assert not model.training


@pytest.fixture
def small_images():
    random = np.random.default_rng(0)
    return random.random((40, 32, 32, 3), dtype="float32"), random.integers(0, 2, 40)


@pytest.fixture
def small_s3(monkeypatch):
    """S3 on 6,000 random images: seconds become tenths."""
    random = np.random.default_rng(0)
    images = random.random((6000, 784), dtype="float32"), random.integers(0, 10, 6000)
    monkeypatch.setattr(s3, "images", lambda: (images, (images[0][:500], images[1][:500])))


@pytest.mark.parametrize("framework", s3.FRAMEWORKS)
def test_a_trial_reports_the_rates_in_force_and_reads_what_it_says(framework, small_s3):
    result = s3.trial(s3.SETTINGS["b"], framework, seed=0)
    assert result["rates"] == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])
    assert result["rate_is_constant_within_epochs"] and not result["diverged"]
    assert result["curve"]["update"] == [60, 120, 180, 240, 300]  # 500 is never reached
    held_out = s3.trial(s3.SETTINGS["d-validation"], framework, seed=0)
    assert held_out["curve"]["update"] == list(range(10, 101, 10))  # 1,000 images are left to train on


def test_results_are_stored_once_found_again_and_dropped_when_settings_change(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(study, "perform", lambda trial, capability: ran.append(trial) or fake(trial))
    wanted = [study.Trial("s3", name, "pytorch", seed) for name in ("a", "b") for seed in (0, 1)]
    assert study.bring_up_to_date(wanted[:3], tmp_path, jobs=1) == wanted[:3]
    assert study.bring_up_to_date(wanted, tmp_path, jobs=1) == wanted[3:]
    assert ran == wanted
    assert study.find(wanted[0], tmp_path) == fake(wanted[0])
    assert sorted(path.name for path in (tmp_path / "s3").iterdir()) == ["a.json", "b.json"]
    monkeypatch.setitem(s3.SETTINGS, "a", s3.SETTINGS["b"])
    assert study.find(wanted[0], tmp_path) is None
    assert study.find(wanted[2], tmp_path) is not None


def test_a_trial_says_what_it_ran_on_and_how_long_it_took(monkeypatch):
    monkeypatch.setattr(s3, "trial", lambda setting, framework, seed: {"loss": 1.23456789, "counts": [seed]})
    clock = itertools.count(7.0, 1.2345)
    monkeypatch.setattr(study.time, "perf_counter", lambda: next(clock))
    result = study.perform(study.Trial("s3", "a", "pytorch", 5))
    assert result["seconds"] == 1.2  # tenths: more says nothing
    assert (result["loss"], result["counts"], result["seed"]) == (1.23457, [5], 5)
    assert set(result["versions"]) == {"python", "torch"} and "one thread a trial" in result["hardware"]


def fake(trial):
    return {"framework": trial.framework, "seed": trial.seed, "test_accuracy": 97.0}


def test_a_killed_study_keeps_what_was_finished(tmp_path):
    script = (
        "import sys, threading\n"
        "from lrlib.course import study\n"
        "from pathlib import Path\n"
        "def perform(trial, capability):\n"
        "    if trial.seed == 2:\n"
        "        threading.Event().wait()\n"
        "    return {'framework': trial.framework, 'seed': trial.seed}\n"
        "study.perform = perform\n"
        "wanted = [study.Trial('s3', 'a', 'pytorch', seed) for seed in range(4)]\n"
        "study.bring_up_to_date(wanted, Path(sys.argv[1]), jobs=1)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: study.find(study.Trial("s3", "a", "pytorch", 1), tmp_path) is not None, process)
    process.kill()
    process.wait()
    found = [study.find(study.Trial("s3", "a", "pytorch", seed), tmp_path) for seed in range(4)]
    assert [result is not None for result in found] == [True, True, False, False]
    assert len(list((tmp_path / "s3").iterdir())) == 1


def test_missing_results_and_unknown_experiments_are_named(tmp_path):
    with pytest.raises(LookupError, match="make experiments ONLY=s3"):
        study.load("s3", tmp_path)
    with pytest.raises(ValueError, match="unknown experiment 's9'; known are budgets, clr-table1, "):
        study.trials("s9")


@pytest.mark.parametrize("experiment", study.EXPERIMENTS)
def test_every_stored_result_is_there_and_says_what_it_ran_on(experiment):
    for by_framework in study.load(experiment).values():
        for results in by_framework.values():
            for result in results:
                assert result["versions"]
                assert result["hardware"]
                assert result["vendor"]
                assert result["capability"] in processor.CAPABILITIES
                assert isinstance(result["onednn"], bool)
                assert result["threads"] == 1
                assert result["device"]
                assert result["seconds"] > 0


def test_stored_results_are_strict_json(tmp_path):
    """What was not finite is None: NaN and infinity are words that no other program has to know."""

    def refuse(word):
        raise ValueError(word)

    files = list(study.results_folder().rglob("*.json"))
    assert len(files) > 100
    for path in files:
        json.loads(path.read_text(), parse_constant=refuse)
    trial = study.Trial("s3", "a", "pytorch", 0)
    study.store(
        trial, study._rounded({"framework": "pytorch", "seed": 0, "loss": [math.nan, 1.0, -math.inf]}), tmp_path
    )
    assert study.find(trial, tmp_path)["loss"] == [None, 1.0, None]
    with pytest.raises(ValueError, match="JSON"):
        study.store(trial, {"framework": "pytorch", "seed": 0, "loss": math.nan}, tmp_path)
    assert study.find(trial, tmp_path)["loss"] == [None, 1.0, None]  # what was there is not lost
    assert [path.name for path in (tmp_path / "s3").iterdir()] == ["a.json"]


def test_stored_rates_are_the_settings_rates():
    stored = study.load("s3")
    for name, by_framework in stored.items():
        for framework, results in by_framework.items():
            assert [result["seed"] for result in results] == list(s3.SEEDS)
            for result in results:
                assert len(result["rates"]) == s3.SETTINGS[name].epochs
                assert result["rate_is_constant_within_epochs"], (name, framework)


# What of an experiment's trials is run again: options that shorten the run, and the numbers that it must give again.
AGAIN = {
    "budgets": ({"parts": 1}, lambda result: result["tuning"][0][:1]),
    "clr-table1": ({"parts": 1}, lambda result: result["train_loss"][:1]),
    "learning-rate": ({}, lambda result: result["train_loss"]),
    "one-cycle": ({"epochs": 1}, lambda result: result["epoch_loss"][:1]),
    "s0": ({"epochs": 2}, lambda result: [errors[:2] for errors in result["epoch_error"]]),
    "s1": ({"epochs": 1, "updates": 50}, lambda result: result["loss_every_50"][:1]),
    "s1-range": ({"steps": 20}, lambda result: result["range_test"]["losses"][:20]),
    "s2": ({}, lambda result: [result["train_loss"], result["test_accuracy"]]),
    "s3": ({}, lambda result: [result["train_loss"], result["test_accuracy"]]),
    "s4": ({"epochs": 1}, lambda result: result["epoch_loss"][:1]),
}
FIRST_LOSSES = "s1-range"  # the only experiment that stores the losses of single updates, of which twenty are run again


def test_stored_rates_are_the_schedule_at_each_epochs_start_and_at_the_end():
    for name, by_framework in study.load("s4").items():
        setting = s4.SETTINGS[name]
        per_epoch = 141 if setting.held_out else 157
        check_rates(by_framework, setting.on_updates(per_epoch), per_epoch, 50)
    for name, by_framework in study.load("s1").items():
        check_rates(by_framework, s1.SETTINGS[name].schedule, 250, 8)
    for name, by_framework in study.load("one-cycle").items():
        setting = one_cycle.SETTINGS[name]
        check_rates(by_framework, setting.schedule, one_cycle.PER_EPOCH, setting.epochs)


def check_rates(by_framework, schedule, per_epoch, epochs):
    updates = [*range(0, epochs * per_epoch, per_epoch), epochs * per_epoch - 1]
    for result in itertools.chain(*by_framework.values()):
        np.testing.assert_allclose(result["rates"], [schedule(update) for update in updates], rtol=1e-5)


def numbers_of(result, experiment):
    return np.array(AGAIN[experiment][1](result), dtype=float)  # None, where a number was not finite, becomes NaN


def drawn():
    """One trial of each experiment, by a hash of the library and of the results: a change of either draws others."""
    digest = hashlib.sha256()
    library = Path(study.__file__).parents[1]
    for path in sorted([*library.rglob("*.py"), *study.results_folder().rglob("*.json")]):
        digest.update(path.read_bytes())
    random = np.random.default_rng(int(digest.hexdigest(), 16))
    every = [study.trials(experiment) for experiment in study.EXPERIMENTS]
    return [trials[random.integers(len(trials))] for trials in every]


def rerun(trials):
    """(trial, its stored result, its first part again), each under the capability that it was made with, if it is here.

    Each capability, with and without oneDNN in TensorFlow, has worker processes of its own. What an accelerator gave is
    left out.
    """
    groups = {}
    for trial in trials:
        stored = study.find(trial, study.results_folder())
        capability = stored["capability"] if stored["capability"] in processor.available() else "AVX2"
        if stored["device"] == "cpu":
            groups.setdefault((capability, stored["onednn"]), []).append((trial, stored))
    for how, group in groups.items():
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as workers:
            running = [workers.submit(study.perform, trial, *how, **AGAIN[trial.experiment][0]) for trial, _ in group]
            for (trial, stored), result in zip(group, running, strict=True):
                yield trial, stored, result.result()


def verdict(trial, stored, again):
    """What is wrong with a re-run, or "" if nothing is, and what it was held to."""
    expected, found = (numbers_of(result, trial.experiment) for result in (stored, again))
    if all(stored[name] == again[name] for name in ("vendor", "capability")):
        right, held_to = np.array_equal(expected, found, equal_nan=True), "its last digit"
    elif trial.experiment == FIRST_LOSSES:
        right, held_to = np.allclose(found, expected, rtol=1e-4, atol=0), "1e-4 of its first twenty losses"
    else:
        right, held_to = (
            True,
            f"nothing: it stores no first losses, and this is not {stored['vendor']} with " + (stored["capability"]),
        )
    return "" if right else f"{trial}: {found} instead of {expected}", held_to


@pytest.mark.slow
def test_stored_results_are_what_a_rerun_gives():
    wrong = []
    for trial, stored, again in rerun(drawn()):
        fault, held_to = verdict(trial, stored, again)
        print(*trial, stored["capability"], "held to", held_to)
        wrong += [fault] * bool(fault)
    assert not wrong, "\n".join(wrong)


def moved(numbers, share):
    """The same lists, their first number moved by a share of it."""
    first, *rest = numbers
    return [moved(first, share) if isinstance(first, list) else first * (1 + share), *rest]


def test_a_rerun_with_another_last_digit_is_seen():
    trial = study.Trial("s1-range", "training-batches", "pytorch", 0)
    stored = study.find(trial, study.results_folder())

    def changed(share, **words):
        losses = moved(stored["range_test"]["losses"], share)
        return {**stored, "range_test": {**stored["range_test"], "losses": losses}, **words}

    assert verdict(trial, stored, changed(0)) == ("", "its last digit")
    assert "instead of" in verdict(trial, stored, changed(1e-5))[0]
    elsewhere = {"vendor": "GenuineIntel"}
    assert verdict(trial, stored, changed(5e-5, **elsewhere)) == ("", "1e-4 of its first twenty losses")
    assert "instead of" in verdict(trial, stored, changed(2e-4, **elsewhere))[0]
    other = study.Trial("s3", "b", "pytorch", 0)
    result = study.find(other, study.results_folder())
    assert "no first losses" in verdict(other, result, {**result, "train_loss": 0.1, **elsewhere})[1]
    assert "instead of" in verdict(other, result, {**result, "train_loss": 0.1})[0]


def test_what_an_accelerator_gave_is_not_run_again(monkeypatch):
    monkeypatch.setattr(study, "find", lambda trial, folder: {"device": "NVIDIA H100", "capability": "AVX512"})
    assert list(rerun([study.Trial("clr-table1", "fixed", "pytorch", 0)])) == []


def test_the_draw_is_the_same_until_something_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "results_folder", lambda: tmp_path)
    first = drawn()
    assert drawn() == first
    (tmp_path / "a.json").write_text("{}")
    assert drawn() != first


def test_a_changed_network_or_rule_makes_results_stale(monkeypatch):
    folder, trial = study.results_folder(), study.Trial("s2", "triangular", "pytorch", 0)
    assert study.find(trial, folder) is not None
    with monkeypatch.context() as patch:
        patch.setattr(s2, "initial", lambda seed: dense_weights((64, 101, 10), seed))
        assert study.find(trial, folder) is None
    with monkeypatch.context() as patch:
        patch.setattr(s2, "trains", lambda setting: described(s2.initial(0), version=2))
        assert study.find(trial, folder) is None
    assert study.find(trial, folder) is not None


@pytest.mark.parametrize("experiment", study.EXPERIMENTS)
def test_what_is_trained_is_counted_on_the_weights_that_a_trial_begins_with(experiment):
    """The models are built from these arrays, which PyTorch's and Keras's loaders take whole or refuse."""
    module = importlib.import_module(study.EXPERIMENTS[experiment])
    for setting in module.SETTINGS.values():
        trained = module.trains(setting)
        assert {"shapes", "weights", "initial", "loss", "optimizer", "split", "batches", "version"} == set(trained)
        shapes = [[int(n) for n in shape.split("x")] for shape in trained["shapes"].split(", ")]
        assert sum(math.prod(shape) for shape in shapes) == trained["weights"]


def test_a_process_keeps_the_capability_that_its_framework_was_imported_under(monkeypatch):
    import torch

    for name in processor.AVX2_ONLY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(processor, "available", lambda: ["AVX2", "AVX512"])
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    processor.pin("AVX512")
    assert processor.capability() == "AVX512"
    with pytest.raises(RuntimeError, match=r"imported torch.* under AVX512, and AVX2 was asked"):
        study.perform(study.Trial("s2", "triangular", "pytorch", 0), "AVX2")
    assert not set(processor.AVX2_ONLY) & set(os.environ)
    with pytest.raises(ValueError, match="unknown capability 'SSE'; known are AVX2, AVX512"):
        processor.pin("SSE")
    monkeypatch.setattr(processor, "available", lambda: ["AVX2"])
    with pytest.raises(RuntimeError, match="has no AVX512, only AVX2"):
        processor.pin("AVX512")


def test_a_trial_that_is_stored_ran_under_avx2_whatever_the_processor_has(tmp_path):
    trial = study.Trial("s2", "constant-0.01", "pytorch", 0)
    study.bring_up_to_date([trial, trial._replace(seed=1)], tmp_path)
    result = study.find(trial, tmp_path)
    assert result["capability"] == ("AVX2" if processor.available() else platform.machine())
    assert (result["vendor"], result["threads"], result["device"]) == (processor.vendor(), 1, "cpu")


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

    history, stored = by_epoch(train, evaluate, data, order, 3, watched)
    assert seen == [2, 2, 2] and len(history.losses) == 6
    assert stored["rates"] == [0.0, 2.0, 4.0, 5.0]
    assert stored["epoch_loss"] == [2.0, 6.0, (9.0 + last) / 2] and stored["diverged"]
    np.testing.assert_array_equal(stored["curve"]["loss"], [watched_loss] * 3)
    assert stored["curve"]["accuracy"] == [10.0, 20.0, 30.0]


@pytest.mark.slow
def test_trials_spread_over_a_dask_cluster_give_what_those_of_this_machine_give(tmp_path):
    """joblib's own backend: the same call, two worker processes."""
    from distributed import Client, LocalCluster
    from joblib import parallel_config

    wanted = [study.Trial("learning-rate", "short-32-constant-0.5", "pytorch", seed) for seed in (0, 1)]
    study.bring_up_to_date(wanted, tmp_path / "processes")  # in processes: this one may have PyTorch as it is
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), parallel_config(backend="dask"):
        assert study.bring_up_to_date(wanted, tmp_path / "cluster") == wanted
    for trial in wanted:
        local, spread = (study.find(trial, tmp_path / name) for name in ("processes", "cluster"))
        assert {**local, "seconds": 0} == {**spread, "seconds": 0}


def test_intervals_cover_as_often_as_they_say():
    random = np.random.default_rng(0)
    samples = random.normal(10, 2, (4000, 5))
    mean_in = [low <= 10 <= high for low, high in map(stats.interval, samples)]
    next_in = [
        low <= new <= high
        for (low, high), new in zip(map(stats.prediction_interval, samples), random.normal(10, 2, 4000), strict=True)
    ]
    assert np.mean(mean_in) == pytest.approx(0.95, abs=0.015)
    assert np.mean(next_in) == pytest.approx(0.95, abs=0.015)


def test_stored_files_have_one_line_a_trial():
    path = study.results_folder() / "s3" / "a.json"
    trials = json.loads(path.read_text())["trials"]
    assert sum('"framework"' in line for line in path.read_text().splitlines()) == len(trials)
