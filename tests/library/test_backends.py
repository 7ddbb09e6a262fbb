"""One meaning on every backend of Keras, and in PyTorch: one test body, a process a backend.

The backend is the process's own (``KERAS_BACKEND``); the last test runs this file once more for each other backend that
is installed. Gradients are 1 and each update starts from weight 0 without momentum, so that the weight after it is
minus the rate that was really applied.
"""

import copy
import csv
import importlib.util
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from reference import OWN, SAMPLES

import lrlib
import lrlib.keras

BACKEND = keras.backend.backend()
UPDATES = 40
SCHEDULES = SAMPLES | {"own": OWN, "own, composed": (0.5 * OWN).then(OWN.hold(2)).repeat(2)}
WARM = lrlib.Linear(0.0, 0.1, steps=3).then(lrlib.Cosine(0.1, 0.01, steps=7))
MOMENTUM = 0.95 - lrlib.Triangular(0.0, 0.1, step_size=3)
BUILDS = {"keras.optimizers.SGD": keras.optimizers.SGD, "lrlib.keras.SGD": lrlib.keras.SGD}
# A table holds values that were rounded once. JAX computes a formula in float32.
ROUNDED = 2.5e-7
FORMULA = 2e-6 if BACKEND == "jax" else ROUNDED


def assert_rates(found, expected, rtol=ROUNDED):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=4 * (rtol - ROUNDED) + 1e-9)


def tolerance(schedule):
    return FORMULA if schedule.length is None else ROUNDED


class Slopes(keras.layers.Layer):
    """``count`` scalar weights of gradient 1 each, if the inputs are 1 and the loss is the mean of the outputs."""

    def __init__(self, count=1):
        super().__init__()
        self.w = [self.add_weight(shape=(), initializer="zeros", name=f"w{i}") for i in range(count)]

    def call(self, x):
        return sum(x * w for w in self.w)


@keras.saving.register_keras_serializable(package="lrlib tests")
def mean_output(y, p):
    return keras.ops.mean(p)


@keras.saving.register_keras_serializable(package="lrlib tests")
def always_one(y, p):
    return 0 * keras.ops.mean(p) + 1.0


class Recorder(keras.callbacks.Callback):
    """What each batch took from each weight, which it found at 0."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.set_weights([np.zeros_like(w) for w in self.model.get_weights()])

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append([-float(w) for w in self.model.get_weights()])


def slopes(optimizer, count=1, loss=mean_output):
    model = keras.Sequential([keras.Input((1,)), Slopes(count)])
    model.compile(optimizer, loss=loss)
    return model


def line(optimizer, loss="mse"):
    """A model of Keras's own layers, for what is counted and saved; not compiled, which would take longer."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, loss=loss, run_eagerly=BACKEND == "tensorflow")
    return model


def fit(model, batches, *callbacks, **options):
    x = np.ones((batches, 1), "float32")
    return model.fit(x, x, batch_size=1, verbose=0, shuffle=False, callbacks=list(callbacks), **options)


def applied(optimizer, batches, *callbacks, **options):
    recorder = Recorder()
    fit(slopes(optimizer), batches, *callbacks, recorder, **options)
    return [rates[0] for rates in recorder.rates]


def rate_of(optimizer):
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


# -- applied rates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_every_schedule_is_applied(build):
    parts = [build(learning_rate=lrlib.keras.Schedule(s)) for s in SCHEDULES.values()]
    optimizer = keras.optimizers.MultiOptimizer(lambda variable: parts[int(variable.name[1:])])
    recorder = Recorder()
    fit(slopes(optimizer, len(parts)), UPDATES, recorder)
    for (name, s), rates in zip(SCHEDULES.items(), np.transpose(recorder.rates), strict=True):
        np.testing.assert_allclose(
            rates, [s(t) for t in range(UPDATES)], rtol=tolerance(s), atol=1e-6 * tolerance(s) + 1e-9, err_msg=name
        )


@pytest.mark.parametrize("name", SCHEDULES)
def test_pytorch_applies_the_same(name):
    torch = pytest.importorskip("torch")
    lrlib_torch = pytest.importorskip("lrlib.torch")
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=7.0)
    scheduler = lrlib_torch.Scheduler(optimizer, SCHEDULES[name])
    rates = []
    for _ in range(UPDATES):
        p.data.zero_()
        p.grad = torch.ones(1)
        optimizer.step()
        scheduler.step()
        rates.append(-p.item())
    expected = [SCHEDULES[name](t) for t in range(UPDATES)]
    np.testing.assert_allclose(rates, expected, rtol=1.2e-7, atol=1e-9 * max(expected))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_count_and_a_fraction(name):
    s = SCHEDULES[name]
    scale = max(s(t) for t in range(UPDATES))
    rate = lrlib.keras.Schedule(s)
    for t in (0, 3, 7, 39, 1000):
        count = keras.Variable(t, dtype="int32", trainable=False)
        for step in (t, np.int64(t), keras.ops.convert_to_tensor(t, "int32"), count):
            assert float(rate(step)) == pytest.approx(s(t), rel=FORMULA, abs=FORMULA * scale)
    for t in (0.5, 2.25, 6.75):
        for step in (t, np.float32(t), keras.ops.convert_to_tensor(t, "float32")):
            assert float(rate(step)) == pytest.approx(s(t), rel=FORMULA, abs=FORMULA * scale)
    together = keras.ops.convert_to_numpy(rate(keras.ops.convert_to_tensor([[0, 3], [7, -1]], "int32")))
    np.testing.assert_allclose(together, [[s(0), s(3)], [s(7), s(0)]], rtol=FORMULA, atol=FORMULA * scale)


def test_growing_cycles_are_exact_and_warn_of_nothing(recwarn):
    for s in (lrlib.CosineRestarts(1.0, 0.0, first=3, t_mul=2), lrlib.Linear(1.0, 0.0, 4).repeat(None, length=2)):
        found = [float(lrlib.keras.Schedule(s)(keras.ops.convert_to_tensor(t, "int32"))) for t in range(100)]
        np.testing.assert_allclose(found, [s(t) for t in range(100)], rtol=FORMULA, atol=FORMULA)
    assert not [warning for warning in recwarn if "overflow" in str(warning.message)]


@pytest.mark.parametrize(("by", "k"), [(1, 1), (4, 1), (0.5, 3), (0.1, 2)])
def test_the_clock_reads_by_times_updates(by, k):
    s = lrlib.Linear(0.0, 0.1, steps=3).then(lrlib.Piecewise([2, 7], [0.2, 0.1, 0.05]))
    options = {} if k == 1 else {"gradient_accumulation_steps": k}
    rates = applied(keras.optimizers.SGD(lrlib.keras.Schedule(s, accumulate=k, by=by), **options), 15 * k)
    assert_rates(rates[k - 1 :: k], [s(by * t) for t in range(15)])
    rates = applied(keras.optimizers.SGD(7.0, **options), 15 * k, lrlib.keras.ScheduleCallback(s, k, by))
    assert_rates(rates[k - 1 :: k], [s(by * t) for t in range(15)])


def test_the_clock_of_a_schedule_without_end():
    for by in (4, 0.5):
        cycles = lrlib.Triangular(0.1, 0.2, step_size=3)
        rates = applied(keras.optimizers.SGD(lrlib.keras.Schedule(cycles, by=by)), 15)
        assert_rates(rates, [cycles(by * t) for t in range(15)], FORMULA)


def test_ten_steps_of_a_tenth_are_one():
    cut = lrlib.Piecewise([1], [0.2, 0.1])
    for callback in (lrlib.keras.ScheduleCallback(cut, by=0.1), lrlib.keras.ScheduleCallback(cut, by=lambda: 0.1)):
        assert_rates(applied(keras.optimizers.SGD(7.0), 12, callback), [0.2] * 10 + [0.1] * 2)
    assert_rates(applied(keras.optimizers.SGD(lrlib.keras.Schedule(cut, by=0.1)), 12), [0.2] * 10 + [0.1] * 2)


# -- wrappers --------------------------------------------------------------------------------------

WRAPPERS = {
    "none": lambda inner: inner,
    "LossScaleOptimizer": lambda inner: keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0),
    "twice": lambda inner: WRAPPERS["LossScaleOptimizer"](WRAPPERS["LossScaleOptimizer"](inner)),
    "MultiOptimizer": lambda inner: keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(inner)),
    "MultiOptimizer, a function": lambda inner: keras.optimizers.MultiOptimizer(lambda variable: inner),
    "both": lambda inner: WRAPPERS["LossScaleOptimizer"](WRAPPERS["MultiOptimizer"](inner)),
}
EIGHT = lrlib.Linear(0.8, 0.0, steps=8)


@pytest.mark.slow
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_does_not_hide_the_accumulation(wrapper):  # case 2
    for accumulate in (1, 2):
        inner = keras.optimizers.SGD(0.5, gradient_accumulation_steps=2)
        history = fit(line(WRAPPERS[wrapper](inner)), 16, lrlib.keras.ScheduleCallback(EIGHT, accumulate)).history
        assert int(inner.iterations) == 8
        assert rate_of(inner) == pytest.approx(0.1)
        assert history["learning_rate"] == [pytest.approx(0.1)]
    inner = keras.optimizers.SGD(0.5, gradient_accumulation_steps=2)
    with pytest.raises(ValueError, match=r"accumulate is 4.*gradient_accumulation_steps 2"):
        fit(line(WRAPPERS[wrapper](inner)), 16, lrlib.keras.ScheduleCallback(EIGHT, 4))
    assert rate_of(inner) == 0.5


def test_mixed_float16_does_not_hide_the_accumulation():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        for accumulate in (1, 2):
            # A gradient of 1, which the first loss scale takes to 2^15: no batch overflows and is skipped.
            model = line(keras.optimizers.SGD(0.5, gradient_accumulation_steps=2), loss=mean_output)
            assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
            fit(model, 16, lrlib.keras.ScheduleCallback(EIGHT, accumulate))
            assert int(model.optimizer.iterations) == 8
            assert rate_of(model.optimizer) == pytest.approx(0.1)
        with pytest.raises(ValueError, match=r"accumulate is 4.*gradient_accumulation_steps 2"):
            fit(model, 16, lrlib.keras.ScheduleCallback(EIGHT, 4))
    finally:
        keras.config.set_dtype_policy(policy)


def test_optimizers_side_by_side():
    parts = [keras.optimizers.SGD(0.4, name="high"), keras.optimizers.SGD(0.1, name="low")]
    optimizer = keras.optimizers.MultiOptimizer(lambda variable: parts[int(variable.name[1:])])
    model = slopes(optimizer, 2, loss=always_one)
    rule = lrlib.keras.PlateauCallback(lrlib.Plateau(0.8, factor=0.5, patience=0), monitor="loss")
    history = fit(model, 2, rule, epochs=4).history
    assert_rates(history["learning_rate_high"], [0.8, 0.8, 0.4, 0.2])
    assert_rates(history["learning_rate_low"], [0.2, 0.2, 0.1, 0.05])
    history = fit(model, 2, lrlib.keras.ScheduleCallback(lrlib.Linear(0.0, 1.0, 10))).history
    assert_rates([history[f"learning_rate_{name}"][0] for name in ("high", "low")], [0.9, 0.9])


class Wrapped(keras.optimizers.SGD):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner


@pytest.mark.parametrize("hold", [lambda inner: inner, lambda inner: [inner], lambda inner: {"a": inner}])
def test_a_wrapper_that_is_not_known_is_refused_by_name(hold):
    for callback in (lrlib.keras.ScheduleCallback(WARM), lrlib.keras.PlateauCallback(lrlib.Plateau(0.1))):
        with pytest.raises(ValueError, match=r"Wrapped wraps.*'inner'.*lrlib\.keras\.Schedule"):
            fit(line(Wrapped(hold(keras.optimizers.SGD(0.5)))), 2, callback)


def test_a_rate_that_is_a_function_cannot_be_set():
    with pytest.raises(ValueError, match=r"build it with a number"):
        fit(line(keras.optimizers.SGD(lambda: 0.1)), 2, lrlib.keras.ScheduleCallback(WARM))


# -- the rate in the logs --------------------------------------------------------------------------


def test_the_rate_is_in_the_history_and_in_what_is_listed_after(tmp_path):  # case 5
    class Reader(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["learning_rate"])

    for callback, expected in (
        (lrlib.keras.ScheduleCallback(EIGHT), [0.5, 0.1]),
        (lrlib.keras.PlateauCallback(lrlib.Plateau(0.5, patience=0), monitor="loss"), [0.5, 0.5]),
    ):
        seen = []
        log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
        model = line(keras.optimizers.SGD(0.1), loss=always_one)
        history = fit(model, 4, callback, Reader(), log, epochs=2).history
        assert_rates(history["learning_rate"], expected)
        assert seen == history["learning_rate"]
        with open(tmp_path / "log.csv") as file:
            assert [float(row["learning_rate"]) for row in csv.DictReader(file)] == seen


# -- plateau, and a run that is interrupted --------------------------------------------------------


class Stop(keras.callbacks.Callback):
    """Records the rate of each epoch; interrupts at ``at``: (epoch, batch)."""

    def __init__(self, rates, at=None):
        super().__init__()
        self.rates, self.at, self.epoch = rates, at, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt
        if batch == 0:
            self.rates.append((self.epoch, rate_of(self.model.optimizer)))


def plateau_run(folder, order, wrap, at=None, **backup):
    """Epochs of two batches, in each of which the rule measures 1."""
    model = line(wrap(keras.optimizers.SGD(0.5)), loss=always_one)
    rule = lrlib.keras.PlateauCallback(lrlib.Plateau(0.5, factor=0.5, patience=1, cooldown=1), monitor="loss")
    saved = keras.callbacks.BackupAndRestore(folder, **backup)
    callbacks = [rule, saved] if order == "rule first" else [saved, rule]
    rates = []
    try:
        fit(model, 2, *callbacks, Stop(rates, at), epochs=9)
    except KeyboardInterrupt:
        return rates, None
    return rates, rule.state


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backup", "wrapper"),
    [({}, "none"), ({"save_freq": 1}, "LossScaleOptimizer")],
    ids=["each epoch", "each batch, mixed precision"],
)
def test_a_plateau_survives_preemption(backup, wrapper, tmp_path):  # case 4
    wrap = WRAPPERS[wrapper]
    whole, state = plateau_run(str(tmp_path / "whole"), "rule first", wrap)
    assert [rate for _, rate in whole] == [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125]
    before, _ = plateau_run(str(tmp_path / "cut"), "rule first", wrap, at=(5, 1), **backup)
    after, state_after = plateau_run(str(tmp_path / "cut"), "rule first", wrap, **backup)
    assert dict(before) | dict(after) == dict(whole), (before, after)
    assert state_after == state
    assert after[0][0] == 5


@pytest.mark.slow
@pytest.mark.parametrize("backup", [{}, {"save_freq": 1}], ids=["each epoch", "each batch"])
def test_a_backup_that_is_listed_first_never_has_the_rate_raised(backup, tmp_path):
    before, _ = plateau_run(str(tmp_path), "backup first", WRAPPERS["none"], at=(7, 1), **backup)
    after, _ = plateau_run(str(tmp_path), "backup first", WRAPPERS["none"], **backup)
    assert before[-1][1] == 0.125
    assert after[0][1] == 0.125


def trained_line(tmp_path):
    """A model that was cut twice, its rule, and a file of its weights."""
    model = line(keras.optimizers.SGD(0.5), loss=always_one)
    rule = lrlib.keras.PlateauCallback(lrlib.Plateau(0.5, factor=0.5, patience=0), monitor="loss")
    fit(model, 2, rule, epochs=3)
    assert rule.state == lrlib.PlateauState(0.125, best=1.0)
    model.save_weights(tmp_path / "state.weights.h5")
    model.save(tmp_path / "model.keras")
    return model, rule


def fresh_rule():
    return lrlib.keras.PlateauCallback(lrlib.Plateau(0.5, factor=0.5, patience=0), monitor="loss")


@pytest.mark.parametrize("file", ["state.weights.h5", "model.keras"])
def test_a_plateaus_state_is_in_the_files_that_hold_the_weights(file, tmp_path):
    _, rule = trained_line(tmp_path)
    model, again = line(keras.optimizers.SGD(0.5), loss=always_one), fresh_rule()
    fit(model, 1, again)  # builds the optimizer, so that its variables are loaded too
    again.set_model(model)
    model.load_weights(tmp_path / file)
    assert again.state == rule.state
    assert_rates(fit(model, 2, again, epochs=2).history["learning_rate"], [0.125, 0.0625])


def test_a_fresh_state_does_not_raise_a_rate_that_was_put_back(tmp_path):
    trained_line(tmp_path)
    model, again = keras.models.load_model(tmp_path / "model.keras"), fresh_rule()
    assert_rates(fit(model, 2, again, epochs=3).history["learning_rate"], [0.125, 0.125, 0.0625])
    told = fresh_rule()
    told.state = lrlib.PlateauState(0.25, best=1.0)  # an explicit wish
    assert_rates(fit(model, 2, told, epochs=2).history["learning_rate"], [0.25, 0.125])
    untrained = line(keras.optimizers.SGD(0.01), loss=always_one)
    assert_rates(fit(untrained, 2, fresh_rule()).history["learning_rate"], [0.5])


@pytest.mark.parametrize("lr", [0.1, 0.7])  # in float32 one is higher, the other lower
def test_a_rate_that_was_only_rounded_does_not_become_the_rules(lr):
    model = line(keras.optimizers.SGD(lr), loss=always_one)
    for _ in range(2):
        rule = lrlib.keras.PlateauCallback(lrlib.Plateau(lr), monitor="loss")
        fit(model, 2, rule)
        assert rule.state.lr == lr


def test_a_rate_that_another_callback_sets_at_an_epochs_end_holds_for_the_next(tmp_path):
    class Lower(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.25

    rates = []
    fit(line(keras.optimizers.SGD(0.5), loss=always_one), 2, fresh_rule(), Lower(), Stop(rates), epochs=3)
    assert rates == [(0, 0.5), (1, 0.25), (2, 0.25)]


def test_a_state_before_its_first_measurement_travels_too(tmp_path):
    model, rule = line(keras.optimizers.SGD(0.5), loss=always_one), fresh_rule()
    rule.set_model(model)
    model.save_weights(tmp_path / "state.weights.h5")
    rule.state = lrlib.PlateauState(0.1, 2.0, 3, 4)
    model.load_weights(tmp_path / "state.weights.h5")
    assert rule.state == rule.plateau.start()


@pytest.mark.parametrize(
    "build", [fresh_rule, lambda: lrlib.keras.ScheduleCallback(WARM, by=lambda: 1)], ids=["plateau", "clock"]
)
def test_the_models_own_parts_stay_as_they_are(build, tmp_path):
    plain, model, callback = *(line(keras.optimizers.SGD(0.5), loss=always_one) for _ in range(2)), build()
    fit(plain, 2)
    plain.save_weights(tmp_path / "older.weights.h5")
    fit(model, 2, callback)
    model.save(tmp_path / "model.keras")
    for kind in ("layers", "weights", "variables", "trainable_weights", "non_trainable_weights"):
        assert len(getattr(model, kind)) == len(getattr(plain, kind)), kind
    copy = keras.models.clone_model(model)
    assert [w.shape for w in copy.weights] == [w.shape for w in plain.weights]
    loaded = keras.models.load_model(tmp_path / "model.keras")  # without the callback
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
    assert int(loaded.optimizer.iterations) == 2
    plain.load_weights(tmp_path / "model.keras")
    before = kept(callback)
    model.load_weights(tmp_path / "older.weights.h5")
    assert kept(callback) == before  # the file says nothing of it


# -- copies ----------------------------------------------------------------------------------------


def kept(callback):
    return callback.state if isinstance(callback, lrlib.keras.PlateauCallback) else callback._clock


def one():
    """How far a clock goes in an update, as a function that can be pickled."""
    return 1


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda item: pickle.loads(pickle.dumps(item))}
CALLBACKS = {
    "schedule": lambda: lrlib.keras.ScheduleCallback(EIGHT),
    "clock": lambda: lrlib.keras.ScheduleCallback(EIGHT, by=one),
    "plateau": lambda: fresh_rule(),
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("build", CALLBACKS.values(), ids=CALLBACKS)
def test_a_copy_of_a_callback_keeps_its_state_and_belongs_to_no_model(build, duplicate, tmp_path):
    def rates(*callbacks):
        return fit(line(keras.optimizers.SGD(0.5), loss=always_one), 2, *callbacks, epochs=3).history["learning_rate"]

    used = build()
    assert used.model is None and used.params is None
    expected = rates(used)
    assert len(set(expected)) > 1
    assert rates(duplicate(build())) == expected
    state, another = kept(used), duplicate(used)
    assert another.model is None and used.model is not None
    assert kept(another) == state
    model = line(keras.optimizers.SGD(0.5), loss=always_one)
    another.set_model(model)
    used.model.save_weights(tmp_path / "used.weights.h5")  # of which the copy knows nothing
    fit(used.model, 2, used, epochs=2)
    assert kept(another) == state
    assert (kept(used) == state) == (build is CALLBACKS["schedule"])


# -- several models, and epochs without a measurement ----------------------------------------------


def test_each_model_of_a_cross_validation_starts_afresh():
    def rates(model, rule, epochs=3):
        return fit(model, 2, rule, epochs=epochs).history["learning_rate"]

    folds, rule = [line(keras.optimizers.SGD(0.1), loss=always_one) for _ in range(5)], fresh_rule()
    for model in folds[:2]:
        assert_rates(rates(model, rule), [0.5, 0.5, 0.25])
    assert_rates(rates(folds[1], rule, 1), [0.125])  # the same model goes on
    fit(folds[2], 2)
    assert_rates(rates(folds[2], rule, 1), [0.0625])  # and so does one that was trained without the rule
    duplicate = copy.copy(rule)
    rule.state = lrlib.PlateauState(0.4, best=1.0)  # an explicit wish
    assert_rates(rates(folds[3], rule, 2), [0.4, 0.2])
    assert_rates(rates(folds[4], duplicate, 1), [0.03125])


def test_a_model_that_is_compiled_again_keeps_its_plateau_and_begins_its_schedule():
    model, rule = line(keras.optimizers.SGD(0.1), loss=always_one), fresh_rule()
    assert_rates(fit(model, 2, rule, epochs=3).history["learning_rate"], [0.5, 0.5, 0.25])
    model.compile(keras.optimizers.SGD(0.1), loss=always_one)  # an optimizer that has made no update
    assert_rates(fit(model, 2, rule, epochs=1).history["learning_rate"], [0.125])
    counts, clock = (CALLBACKS[name]() for name in ("schedule", "clock"))
    for callback in (counts, clock):  # these go by the optimizer's updates, and it begins at none
        model.compile(keras.optimizers.SGD(0.1), loss=always_one)
        first = fit(model, 2, callback, epochs=2).history["learning_rate"]
        model.compile(keras.optimizers.SGD(0.1), loss=always_one)
        assert_rates(fit(model, 2, callback, epochs=2).history["learning_rate"], first)


def test_a_model_keeps_its_own_state_when_the_callback_goes_on_to_another(tmp_path):
    first, second = (line(keras.optimizers.SGD(0.1), loss=always_one) for _ in range(2))
    rule = fresh_rule()
    fit(first, 2, rule, epochs=3)
    kept = rule.state
    first.save_weights(tmp_path / "before.weights.h5")
    fit(second, 2, rule, epochs=1)
    assert rule.state != kept
    first.save_weights(tmp_path / "after.weights.h5")
    for moment in ("before", "after"):
        again, loaded = line(keras.optimizers.SGD(0.1), loss=always_one), fresh_rule()
        loaded.set_model(again)
        again.load_weights(tmp_path / f"{moment}.weights.h5")
        assert loaded.state == kept, moment
    assert_rates(fit(first, 2, rule, epochs=1).history["learning_rate"], [kept.lr])  # and is taken up with it again


def test_a_state_that_is_set_is_a_wish_even_if_it_is_the_same():
    rule = fresh_rule()
    fit(line(keras.optimizers.SGD(0.1), loss=always_one), 2, rule, epochs=3)
    kept = rule.state
    rule.state = kept
    another = line(keras.optimizers.SGD(0.1), loss=always_one)
    assert_rates(fit(another, 2, rule, epochs=1).history["learning_rate"], [kept.lr])


def test_a_clock_starts_afresh_with_each_model():
    callback = lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens())
    for first in (0, 4):
        model = line(keras.optimizers.SGD(7.0), loss=always_one)
        history = fit(model, 1, callback, epochs=4).history
        assert_rates(history["learning_rate"], [BY_TOKENS(sum(TOKENS[first : first + t])) for t in range(4)])
    another = line(keras.optimizers.SGD(7.0), loss=always_one)
    fit(another, 3)
    with pytest.raises(ValueError, match=r"has made 3 updates.*known for 4 only"):
        fit(another, 1, callback)


def test_a_model_keeps_its_own_clock_when_the_callback_goes_on_to_another(tmp_path):
    first, second = (line(keras.optimizers.SGD(7.0), loss=always_one) for _ in range(2))
    callback = lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens())
    fit(first, 1, callback, epochs=4)
    fit(second, 1, callback, epochs=2)
    first.save_weights(tmp_path / "clock.weights.h5")
    again, loaded = (
        line(keras.optimizers.SGD(7.0), loss=always_one),
        lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens()),
    )
    again.optimizer.build(again.trainable_variables)
    loaded.set_model(again)
    again.load_weights(tmp_path / "clock.weights.h5")
    for model, its in ((first, callback), (again, loaded)):
        assert_rates(fit(model, 1, its, epochs=1).history["learning_rate"], [BY_TOKENS(sum(TOKENS[:4]))])


def test_a_state_that_was_loaded_into_the_next_model_is_not_thrown_away(tmp_path):
    _, rule = trained_line(tmp_path)
    rule.state = rule.plateau.start()
    model = line(keras.optimizers.SGD(0.1, momentum=0.5), loss=always_one)
    model.optimizer.build(model.trainable_variables)
    rule.set_model(model)
    model.load_weights(tmp_path / "state.weights.h5")
    assert int(model.optimizer.iterations) == 0  # another kind of optimizer, which takes no count over
    assert_rates(fit(model, 2, rule).history["learning_rate"], [0.125])


ONES = np.ones((2, 1), "float32")


def test_an_epoch_without_validation_is_no_measurement():
    model, rule = line(keras.optimizers.SGD(0.1), loss=always_one), fresh_rule()
    rule.monitor = "val_loss"
    with pytest.warns(UserWarning, match="no measurement") as said:
        history = fit(model, 2, rule, epochs=7, validation_data=(ONES, ONES), validation_freq=2).history
    assert_rates(history["learning_rate"], [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125])
    assert sum("no measurement" in str(one.message) for one in said) == 1  # of four such epochs


def test_a_fit_without_validation_data_is_warned_of_and_not_ended():
    model, rule = line(keras.optimizers.SGD(0.1), loss=always_one), fresh_rule()
    rule.monitor = "val_loss"
    for _ in range(2):
        with pytest.warns(
            UserWarning, match=r"monitor is 'val_loss', but the epoch's logs have \['loss'\]; .*validation_data"
        ):
            history = fit(model, 2, rule, epochs=3).history
        assert_rates(history["learning_rate"], [0.5] * 3)


@pytest.mark.parametrize(
    ("monitor", "options", "epochs"),
    [
        ("val_los", {"validation_data": (ONES, ONES), "validation_freq": 2}, 2),
        ("lost", {}, 1),
    ],
)
def test_a_monitor_that_never_comes_is_refused_as_soon_as_that_is_certain(monitor, options, epochs):
    model, rates = line(keras.optimizers.SGD(0.1)), []
    rule = lrlib.keras.PlateauCallback(lrlib.Plateau(0.5), monitor)
    fit(model, 2, rule, initial_epoch=3, epochs=3)  # nothing trained, nothing missed
    with pytest.raises(ValueError, match=rf"monitor is '{monitor}', but the epoch's logs have \['loss'"):
        fit(model, 2, rule, Stop(rates), epochs=3, **options)
    assert len(rates) == epochs


# -- a clock that a function moves -----------------------------------------------------------------

BY_TOKENS = lrlib.Linear(1.0, 0.0, steps=100)
TOKENS = [3, 0, 10, 7.5, 1, 12, 4, 9, 2, 6, 8, 5]  # of each batch


class Tokens:
    """Says what the last batch held; the data's side of a training loop."""

    def __init__(self, done=0):
        self.next = done

    def __call__(self):
        self.next += 1
        return TOKENS[self.next - 1]


def readings():
    return [sum(TOKENS[:t]) for t in range(len(TOKENS))]


def test_a_clock_in_tokens():
    rates = applied(keras.optimizers.SGD(7.0), 12, lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens()))
    assert_rates(rates, [BY_TOKENS(t) for t in readings()])
    optimizer = keras.optimizers.SGD(7.0, gradient_accumulation_steps=2)
    rates = applied(optimizer, 24, lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens()))
    assert_rates(rates[1::2], [BY_TOKENS(t) for t in readings()])


@pytest.mark.parametrize("order", ["schedule first", "backup first"])
def test_a_clock_in_tokens_is_exact_on_resume(order, tmp_path):
    rates = []

    class Watch(keras.callbacks.Callback):
        def __init__(self, at=None):
            super().__init__()
            self.at = at

        def on_train_batch_begin(self, batch, logs=None):
            if len(rates) == self.at:
                raise KeyboardInterrupt
            rates.append(rate_of(self.model.optimizer))

    for at in (6, None):
        model = line(keras.optimizers.SGD(7.0), loss=always_one)
        schedule = lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens(done=len(rates)))
        backup = keras.callbacks.BackupAndRestore(str(tmp_path), save_freq=1)
        callbacks = [schedule, backup] if order == "schedule first" else [backup, schedule]
        try:
            fit(model, 2, *callbacks, Watch(at), epochs=5)
        except KeyboardInterrupt:
            assert len(rates) == at
    assert len(rates) == 12  # Keras begins the interrupted epoch anew
    assert_rates(rates, [BY_TOKENS(t) for t in readings()])


def test_an_optimizer_without_weights_does_not_stop_the_clock():
    idle, used = keras.optimizers.SGD(7.0), keras.optimizers.SGD(7.0)
    optimizer = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(idle, {".*": used}))
    rates = applied(optimizer, 12, lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens()))
    assert_rates(rates, [BY_TOKENS(t) for t in readings()])
    assert int(idle.iterations) == 0


def test_a_second_fit_takes_the_clock_over():
    model = line(keras.optimizers.SGD(7.0), loss=always_one)
    tokens = Tokens()
    fit(model, 4, lrlib.keras.ScheduleCallback(BY_TOKENS, by=tokens))
    history = fit(model, 1, lrlib.keras.ScheduleCallback(BY_TOKENS, by=tokens)).history
    assert_rates(history["learning_rate"], [BY_TOKENS(sum(TOKENS[:4]))])


def test_updates_that_the_clock_has_not_seen_are_refused():
    model = line(keras.optimizers.SGD(7.0), loss=always_one)
    fit(model, 3)
    with pytest.raises(ValueError, match=r"has made 3 updates.*known for 0 only.*load_weights"):
        fit(model, 1, lrlib.keras.ScheduleCallback(BY_TOKENS, by=Tokens()))
    assert rate_of(model.optimizer) == 7.0


@pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), (float("nan"), ValueError), ("3", TypeError)])
def test_what_a_function_says_must_be_a_distance(wrong, error):
    callback = lrlib.keras.ScheduleCallback(BY_TOKENS, by=lambda: wrong)
    with pytest.raises(error, match=rf"by\(\) must be a finite number, 0 or more, got {wrong!r}"):
        fit(line(keras.optimizers.SGD(7.0)), 2, callback)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [(0, ValueError), (-1, ValueError), (float("inf"), ValueError), (None, TypeError), ("2", TypeError)],
)
def test_by_must_be_above_zero(wrong, error):
    for build in (lrlib.keras.Schedule, lrlib.keras.ScheduleCallback):
        with pytest.raises(error, match=rf"by must be a finite number above 0, got {wrong!r}"):
            build(WARM, by=wrong)


# -- PyTorch's momentum rule, saving, the range test -----------------------------------------------


@pytest.mark.parametrize("momentum", [0.9, MOMENTUM], ids=["number", "schedule"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_pytorch(nesterov, momentum):  # case 3
    def rule(rate_at, momentum_at, gradients, w, v):  # as torch.optim.SGD has it; test_keras.py compares with torch
        for t, g in enumerate(gradients):
            v = momentum_at(t) * v + g if t else g
            w = w - rate_at(t) * (g + momentum_at(t) * v if nesterov else v)
            yield w

    gradients = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
    start = np.array([1.0, -2.0, 0.5], "float32")
    momentum_at = (lambda t: momentum) if isinstance(momentum, float) else momentum
    expected = list(rule(WARM, momentum_at, gradients.astype(float), start.astype(float), 0.0))
    v = keras.Variable(start)
    optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(WARM), momentum=momentum, nesterov=nesterov)
    optimizer.build([v])
    for gradient, weights in zip(gradients, expected, strict=True):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [v])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(v), weights, rtol=2e-5, atol=2e-6)
    # In `fit`, where JAX and TensorFlow compile it, with a gradient of 1.
    found = slopes(lrlib.keras.SGD(lrlib.keras.Schedule(WARM), momentum=momentum, nesterov=nesterov))
    fit(found, 12)
    *_, last = rule(WARM, momentum_at, [1.0] * 12, 0.0, 0.0)
    assert float(found.get_weights()[0]) == pytest.approx(last, rel=2e-5)


def test_a_model_is_saved_loaded_and_trained_on(tmp_path):
    rate = lrlib.keras.Schedule(lrlib.Linear(1.0, 0.0, steps=16), accumulate=2, by=4)
    optimizer = lrlib.keras.SGD(rate, momentum=0.5, gradient_accumulation_steps=2)
    model = line(optimizer, loss=mean_output)
    fit(model, 4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is lrlib.keras.SGD
    assert loaded.optimizer._learning_rate.get_config() == rate.get_config()
    for each in (model, loaded):
        fit(each, 4)
        # rates 1, 3/4, 1/2, 1/4; velocities 1, 3/2, 7/4, 15/8
        assert float(each.get_weights()[0][0, 0]) == pytest.approx(-(1 + 9 / 8 + 7 / 8 + 15 / 32))


@pytest.mark.parametrize("k", [None, 2])
def test_a_second_stage_begins_at_update_n(k):  # case 17
    rest = EIGHT.drop(4)
    options = {} if k is None else {"gradient_accumulation_steps": k}
    rates = applied(keras.optimizers.SGD(lrlib.keras.Schedule(rest, accumulate=k or 1), **options), 4 * (k or 1))
    assert_rates(rates[(k or 1) - 1 :: k or 1], [0.4, 0.3, 0.2, 0.1])


def test_the_range_test_leaves_no_trace():
    def trained(sweep):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(lrlib.keras.Schedule(WARM), momentum=0.9), "mse")
        x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
        y = x.sum(axis=1, keepdims=True)
        model.fit(x, y, verbose=0, shuffle=False)
        if sweep:
            before = model.get_weights()
            result = lrlib.keras.range_test(model, [(x, y)], steps=20, progress=False)
            assert len(result.losses) > 3
            for a, b in zip(model.get_weights(), before, strict=True):
                np.testing.assert_array_equal(a, b)
        model.fit(x, y, verbose=0, shuffle=False)
        return model.get_weights()

    for a, b in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(a, b)


class Unpacking(keras.Sequential):
    """With steps of its own as Keras's guide has them: a batch is the pair that ``fit`` was given."""

    name_of_loss = "loss"

    def train_step(self, *args):  # (data), on JAX (state, data)
        _, _ = args[-1]
        return self._renamed(super().train_step(*args))

    def test_step(self, *args):
        _, _ = args[-1]
        return self._renamed(super().test_step(*args))

    def _renamed(self, logs):
        logs, *state = logs if isinstance(logs, tuple) else (logs,)
        logs = {self.name_of_loss: logs["loss"]}
        return (logs, *state) if state else logs


def unpacking():
    model = Unpacking([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    return model


@pytest.mark.parametrize("batch", [(ONES, 0 * ONES), [ONES, 0 * ONES]], ids=["tuple", "list"])
def test_the_range_test_hands_a_step_of_the_models_own_the_batch_as_fit_would(batch):
    model = unpacking()
    options = {"start": 0.01, "end": 0.3, "steps": 4, "progress": False}
    found = lrlib.keras.range_test(model, [batch], validation=[batch], **options)
    expected = np.cumprod([1 - 2 * rate for rate in found.rates]) ** 2
    np.testing.assert_allclose(found.losses, expected, rtol=1e-5)
    assert not {"train_step", "test_step"} & set(vars(model))
    model.fit(*batch, verbose=0)


def test_the_range_test_names_the_remedy_for_a_step_that_returns_no_loss():
    model = unpacking()
    model.name_of_loss = "g_loss"
    for validation in (None, [(ONES, ONES)]):
        with pytest.raises(ValueError, match=r"as 'loss', got \['g_loss'\]; .*lrlib\.keras\.no_trace"):
            lrlib.keras.range_test(model, [(ONES, ONES)], validation=validation, steps=3, progress=False)


# -- the other backends ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("backend", sorted({"tensorflow", "torch", "jax"} - {BACKEND}))
def test_on_another_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "not on_another_backend"],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
