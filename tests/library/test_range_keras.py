"""The range test on a Keras model: right pairing, the ladder, and no trace of it afterwards."""

import inspect
import itertools
import math
import os
import random
import subprocess
import sys
import typing

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import Closing

import lrlib
import lrlib.keras
from lrlib import _keras_range, finder
from lrlib._keras_range import no_trace, range_test

pytestmark = pytest.mark.slow  # `make check` leaves these out

STEPS = 6
SCHEDULE = lrlib.Cosine(0.1, 0.0, steps=50)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((32, 4)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 32, 8)]


class Loss(keras.losses.Loss):
    """Binary cross-entropy; ``raises`` once it has been called ``after`` times more (eagerly)."""

    raises, after, times = None, 0, 1.0

    def call(self, y, outputs):
        if self.raises is not None or self.times != 1.0:
            self.after -= 1
            if self.after <= 0 and self.raises is not None:
                raise self.raises
        loss = keras.losses.binary_crossentropy(y, outputs)
        return loss * self.times if self.after <= 0 else loss


class Jitter(keras.layers.Layer):
    """Noise from an unseeded Keras operation: from Keras's global generator."""

    def call(self, x):
        return x + 0.01 * keras.random.normal(keras.ops.shape(x), dtype=x.dtype)


class Setting:
    """A model with every kind of state, as compiled, or half-way through its training."""

    def __init__(self, optimizer, warm, built=True, eager=False, policy="float32"):
        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(0)
        keras.mixed_precision.set_global_policy(policy)
        layers = [keras.Input((4,))] if built else []
        layers += [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3), Jitter()]
        self.model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
        self.loss = Loss()
        self.model.compile(optimizer(), self.loss, metrics=["accuracy"], run_eagerly=eager)
        keras.mixed_precision.set_global_policy("float32")
        if warm:
            self.train()

    def train(self):
        history = self.model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
        return history.history

    def state(self):
        m, o = self.model, self.model.optimizer
        inner = [m, o, *m.layers, *m.metrics, m._compile_metrics, m._compile_loss, getattr(o, "inner_optimizer", None)]
        held = [v for v in (*m.variables, *o.variables, *m.metrics_variables) if v is not None]
        return {
            "variables": [(id(v), v.path, v.numpy().tobytes()) for v in held],
            "attributes": [{k: contents(v) for k, v in vars(part).items()} for part in inner if part is not None],
            "trackers": [{k: set(v) for k, v in part._tracker.stored_ids.items()} for part in (m, o, *m.layers)],
            "rate": id(o._learning_rate),
            "numpy": np.random.get_state()[1].tobytes(),  # noqa: NPY002
            "python": hash(random.getstate()),
            "names": dict(keras.src.backend.common.global_state.get_global_attribute("object_name_uids") or {}),
            "keras": contents(keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")),
        }


def contents(item):
    """An attribute by identity, and a list's or dict's members too."""
    if isinstance(item, keras.random.SeedGenerator):
        return id(item), item.state.numpy().tobytes()
    if isinstance(item, (list, tuple)):
        return id(item), [id(part) for part in item]
    return (id(item), [(k, id(v)) for k, v in item.items()]) if isinstance(item, dict) else id(item)


def assert_no_trace(before, after):
    for name in before:
        assert before[name] == after[name], name


def assert_trains_alike(one, make):
    """Training goes on as it does for one that was never tested."""
    found = one.train(), one.model.get_weights(), [v.numpy() for v in one.model.optimizer.variables]
    randoms = np.random.rand(), random.random(), float(tf.random.normal(()))  # noqa: NPY002
    other = make()
    expected = other.train(), other.model.get_weights(), [v.numpy() for v in other.model.optimizer.variables]
    assert randoms == (np.random.rand(), random.random(), float(tf.random.normal(())))  # noqa: NPY002
    assert found[0] == expected[0]
    for a, b in zip(found[1] + found[2], expected[1] + expected[2], strict=True):
        assert a.tobytes() == b.tobytes()


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "schedule": lambda: lrlib.keras.SGD(lrlib.keras.Schedule(SCHEDULE), momentum=0.9),
    "accumulating": lambda: keras.optimizers.SGD(0.01, momentum=0.9, gradient_accumulation_steps=2),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=4.0),
}


@pytest.mark.parametrize(
    ("optimizer", "warm", "built"),
    [
        ("adam", True, True),
        ("adam", False, False),
        ("schedule", True, True),
        ("accumulating", True, True),
        ("loss scale", False, True),
        ("loss scale", True, True),  # TensorFlow holds its variables in a tuple of its own
    ],
)
def test_no_trace(optimizer, warm, built):
    def make():
        return Setting(OPTIMIZERS[optimizer], warm, built)

    one = make()
    before = one.state()
    result = range_test(one.model, BATCHES, steps=STEPS, validation=BATCHES[:2], progress=False)
    assert len(result.losses) == len(result.accuracies) == STEPS
    assert_no_trace(before, one.state())
    assert_trains_alike(one, make)


ENDINGS = {
    "divergence": ({"times": 1e3}, None, "diverged"),
    "NaN": ({"times": math.nan}, None, "non-finite"),
    "error": ({"raises": RuntimeError("loss")}, RuntimeError, None),
    "Ctrl-C": ({"raises": KeyboardInterrupt()}, KeyboardInterrupt, None),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_trace_however_it_ends(ending):
    change, error, stopped = ENDINGS[ending]

    def make():
        return Setting(OPTIMIZERS["schedule"], False, eager=True)

    one = make()
    for name, item in (change | {"after": 17}).items():
        setattr(one.loss, name, item)
    before = one.state()
    if error:
        with pytest.raises(error):
            range_test(one.model, BATCHES, steps=24, progress=False)
    else:
        assert range_test(one.model, BATCHES, steps=24, progress=False).stopped == stopped
    assert_no_trace(before, one.state())
    for name in ("raises", "after", "times"):
        vars(one.loss).pop(name, None)
    assert_trains_alike(one, make)


def test_tensorflows_generators():
    """Operations that draw from TensorFlow's global generator, and those that draw a seed, go on as before."""

    class Draws(keras.layers.Layer):
        def call(self, x):
            return x + 0.01 * tf.random.normal(()) + 0.01 * tf.random.get_global_generator().normal(())

    def drawn(test):
        tf.random.set_seed(1)
        tf.random.set_global_generator(tf.random.Generator.from_seed(2))
        model = keras.Sequential([keras.Input((4,)), Draws(), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        generator = tf.random.get_global_generator()
        if test:
            range_test(model, BATCHES, steps=2, progress=False)
        assert tf.random.get_global_generator() is generator
        return float(tf.random.normal(())), float(tf.random.normal(())), float(generator.normal(()))

    assert drawn(True) == drawn(False)


def test_mixed_precision():
    def make():
        return Setting(lambda: "adam", True, policy="mixed_float16")

    one = make()
    assert isinstance(one.model.optimizer, keras.optimizers.LossScaleOptimizer)
    before = one.state()
    assert len(range_test(one.model, BATCHES, steps=STEPS, progress=False).losses) == STEPS
    assert_no_trace(before, one.state())
    assert_trains_alike(one, make)


class Own(keras.Model):
    """A model with variables and a generator of TensorFlow's own."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.calls, self.table = tf.Variable(0.0), {"seen": [tf.Variable([0.0, 0.0])]}
        self.module = tf.Module()
        self.module.inner = tf.Variable(0.0)
        self.generator = tf.random.Generator.from_seed(1)

    def call(self, x):
        self.calls.assign_add(1.0)
        self.table["seen"][0].assign_add([1.0, 2.0])
        self.module.inner.assign_add(1.0)
        return self.dense(x) + 0.01 * self.generator.normal(())

    def own(self):
        held = (self.calls, self.table["seen"][0], self.module.inner, self.generator.state)
        return [v.numpy().tolist() for v in held]


def test_tensorflows_own_variables():
    model = Own()
    model.compile("sgd", "mse")
    model.train_on_batch(*BATCHES[0])
    before = model.own()
    range_test(model, BATCHES, steps=3, progress=False)
    assert model.own() == before
    with no_trace(model):
        model.train_on_batch(*BATCHES[0])
        assert all(a != b for a, b in zip(before, model.own(), strict=True))
    assert model.own() == before


def test_a_frozen_batch_norm_stays_frozen():
    norm = keras.layers.BatchNormalization(momentum=0.5)
    model = keras.Sequential([keras.Input((4,)), norm, keras.layers.Dense(1)])
    norm.trainable = False
    model.compile("sgd", "mse")
    seen = []
    with no_trace(model):  # the statistics are read before the end of the sweep restores them
        range_test(model, BATCHES, steps=3, progress=lambda *_: seen.append(norm.moving_mean.numpy().tolist()))
    assert seen == [[0.0] * 4] * 3 and not norm.trainable
    norm.trainable = True
    model.compile("sgd", "mse")
    range_test(model, BATCHES, steps=3, progress=lambda *_: seen.append(norm.moving_mean.numpy().tolist()))
    assert seen[-1] != [0.0] * 4


# -- a step of one's own -----------------------------------------------------------------------------------------------


def by_train_on_batch(one):
    batches = itertools.cycle(BATCHES)

    def step(rate):
        one.model.optimizer.learning_rate = rate
        return one.model.train_on_batch(*next(batches))[0]

    return step


def accumulating(one):
    """Two micro-batches an update, clipped, in a graph of its own."""
    m, batches = one.model, itertools.cycle(BATCHES)

    @tf.function
    def gradients(x, y):
        with tf.GradientTape() as tape:
            loss = one.loss(y, m(x, training=True))
        return loss, tape.gradient(loss, m.trainable_variables)

    def step(rate):
        m.optimizer.learning_rate = rate
        losses, grads = zip(*[gradients(*batch) for batch in itertools.islice(batches, 2)], strict=True)
        clipped, _ = tf.clip_by_global_norm([(a + b) / 2 for a, b in zip(*grads, strict=True)], 0.1)
        m.optimizer.apply(clipped, m.trainable_variables)
        return sum(losses) / 2

    return step


@pytest.mark.parametrize(
    ("optimizer", "make_step", "ending"),
    [
        ("adam", by_train_on_batch, None),
        ("schedule", accumulating, None),
        ("schedule", by_train_on_batch, KeyboardInterrupt),
    ],
)
def test_a_step_of_ones_own_leaves_no_trace(optimizer, make_step, ending):
    def make():
        return Setting(OPTIMIZERS[optimizer], ending is None)

    one = make()
    before = one.state()

    def step(rate):
        loss = inner(rate)
        if ending and rate > 1e-4:
            raise ending
        return loss

    try:
        with no_trace(one.model, BATCHES):
            inner = make_step(one)
            result = lrlib.range_test(step, finder.ladder(1e-5, 1e-2, STEPS))
            assert len(result.losses) == STEPS and one.state()["variables"] != before["variables"]
    except KeyboardInterrupt:
        assert ending
    assert_no_trace(before, one.state())
    assert_trains_alike(one, make)


def test_two_models_and_two_optimizers():
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    critic = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    optimizers = [keras.optimizers.Adam(0.01), keras.optimizers.Adam(lrlib.keras.Schedule(SCHEDULE))]
    mean = keras.metrics.Mean()

    def step(rate=None):
        for optimizer in optimizers:
            if rate is not None:
                optimizer.learning_rate = rate
        with tf.GradientTape(persistent=True) as tape:
            fake = critic(generator(keras.random.normal((8, 2)), training=True))
            loss = tf.reduce_mean(fake)
            difference = loss - tf.reduce_mean(critic(keras.random.normal((8, 4))))
        for optimizer, part, of in zip(optimizers, (generator, critic), (loss, difference), strict=True):
            optimizer.apply(tape.gradient(of, part.trainable_variables), part.trainable_variables)
        mean.update_state(loss)
        return float(loss)

    def state():
        parts = (generator, critic, *optimizers, mean)
        held = [v.numpy().tobytes() for part in parts for v in part.variables]
        return held, [id(o._learning_rate) for o in optimizers], [o.built for o in optimizers]

    keras.utils.set_random_seed(0)
    for _ in range(2):  # with optimizers not built, and built
        before = state()
        for given in (([generator, critic], None, *optimizers, mean), (generator, None, critic, optimizers, mean)):
            with no_trace(*given):
                lrlib.range_test(step, finder.ladder(1e-5, 1e-2, 3))
                assert state() != before
            assert state() == before
        step()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((3,), "model must be a keras.Model, or a list of them, got int"),
        (([],), "model must be .* got none"),
        (
            (lambda: line()[0], keras.optimizers.SGD()),
            "loader must be an iterable .* got SGD; several models or optimi",
        ),
        ((lambda: line()[0], lambda: line()[0]), "loader must be an iterable .* got Sequential"),
        ((lambda: line()[0], None, 0.1), "others must be objects that hold a state, got 0.1"),
    ],
)
def test_no_trace_refuses_what_it_cannot_restore(given, words):
    given = [item() if inspect.isfunction(item) else item for item in given]
    with pytest.raises(TypeError, match=words), no_trace(*given):
        pytest.fail("the block was entered")


ON_TORCH = """
import keras, numpy as np, torch
from lrlib._keras_range import no_trace, range_test
x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")

class Raw(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.raw, self.counts = torch.nn.Linear(4, 4), torch.zeros(1)
        self.generator = torch.Generator().manual_seed(1)

    def call(self, x):
        self.counts += 1
        return self.raw(x) + torch.rand(1, generator=self.generator)

def make():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), Raw(), keras.layers.GaussianNoise(0.1),
                              keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.train_on_batch(x, y)
    return model

def rest(model):
    losses = [float(model.train_on_batch(x, y)) for _ in range(3)]
    return losses, float(torch.rand(())), float(model.layers[1].counts), [w.tobytes() for w in model.get_weights()]

without = rest(make())
model = make()
grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
state = torch.get_rng_state()
data = torch.utils.data.TensorDataset(torch.ones(8, 4), torch.ones(8, 1))
loader = torch.utils.data.DataLoader(data, 4, shuffle=True, generator=torch.Generator().manual_seed(1))
drawn = loader.generator.get_state()
range_test(model, loader, steps=3, progress=False)
assert torch.equal(loader.generator.get_state(), drawn)
with no_trace(model):
    model.layers[-1].kernel.value.sum().backward()
    model.train_on_batch(x, y)
    torch.rand(3)
assert torch.equal(torch.get_rng_state(), state)
for p, grad in zip(model.parameters(), grads, strict=True):
    assert (p.grad is None) == (grad is None) and (grad is None or torch.equal(p.grad, grad))
assert rest(model) == without
"""


def test_on_keras_torch_backend():
    pytest.importorskip("torch")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", ON_TORCH], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


# -- the sweep itself --------------------------------------------------------------------------------------------------


def line(rate=0.5, metrics=None, **options):
    """w ← w − rate·d/dw of (w·x − y)², from w = 1 on x = 1, y = 0: the loss is w², and w shrinks by 1 − 2·rate."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(rate, **options), "mse", metrics=metrics)
    return model, [(np.ones((1, 1)), np.zeros((1, 1)))]


def test_the_defaults_are_those_of_lrlibs_own_sweep():
    ours = inspect.signature(range_test).parameters
    theirs = {**inspect.signature(finder.ladder).parameters, **inspect.signature(finder.range_test).parameters}
    for name in ("start", "end", "steps", "mode", "diverge"):
        assert ours[name].default == theirs[name].default, name


def test_the_rate_in_force_and_the_loss_are_paired():
    model, batches = line()
    result = range_test(model, batches, start=0.01, end=0.3, steps=5)
    ladder = finder.ladder(0.01, 0.3, 5)
    assert result.rates == ladder
    assert result.accuracies is None
    shrunk = np.cumprod([1.0, *(1 - 2 * np.array(ladder))])
    np.testing.assert_allclose(result.losses, shrunk[:-1] ** 2, rtol=1e-5)  # before the update
    held = [(2 * x, y) for x, y in batches]
    result = range_test(model, batches, start=0.01, end=0.3, steps=5, mode="linear", validation=held)
    ladder = finder.ladder(0.01, 0.3, 5, "linear")
    np.testing.assert_allclose(result.losses, 4 * np.cumprod(1 - 2 * np.array(ladder)) ** 2, rtol=1e-5)  # after it
    assert float(model.optimizer.learning_rate) == 0.5


def test_a_schedule_does_not_act_in_the_sweep_and_accumulation_makes_one_update_a_step():
    expected = range_test(line()[0], line()[1], start=0.01, end=0.3, steps=4).losses
    model, batches = line(lrlib.keras.Schedule(SCHEDULE), gradient_accumulation_steps=2)
    schedule = model.optimizer._learning_rate
    for _ in range(2):
        model.train_on_batch(*batches[0])  # compiles a function that knows the schedule
    model.set_weights([np.ones((1, 1))])
    found = range_test(model, batches, start=0.01, end=0.3, steps=4).losses
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert model.optimizer._learning_rate is schedule


def wrapped(optimizer):
    model, batches = line()
    model.compile(optimizer, "mse")
    return model, batches


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0),
        lambda inner: keras.optimizers.LossScaleOptimizer(  # only the outer one scales the loss
            keras.optimizers.LossScaleOptimizer(inner, initial_scale=1.0), initial_scale=2.0
        ),
        lambda inner: keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(inner)),
    ],
)
def test_a_wrapper_hides_neither_the_accumulation_nor_the_schedule(wrap):
    expected = range_test(*line(), start=0.01, end=0.3, steps=4).losses
    inner = keras.optimizers.SGD(lrlib.keras.Schedule(SCHEDULE), gradient_accumulation_steps=2)
    schedule = inner._learning_rate
    found = range_test(*wrapped(wrap(inner)), start=0.01, end=0.3, steps=4).losses
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert inner._learning_rate is schedule


@pytest.mark.parametrize("name", ["batches", "validation"])
def test_what_an_iterator_does_when_it_is_closed_is_undone_too(name):
    model, batches = line()
    before = random.getstate()
    range_test(model, **{"batches": batches, "validation": None, name: Closing(batches * 9, random.random)}, steps=5)
    assert random.getstate() == before


@pytest.mark.parametrize(
    ("own", "share"), [((0.1, 0.4), (0.25, 1.0)), ((0.0, 1.0), (0.0, 1.0)), ((0.0, 0.0), (1.0, 1.0))]
)
def test_optimizers_side_by_side_keep_their_ratio(own, share):
    parts = {name: keras.optimizers.SGD(rate) for name, rate in zip("ab", own, strict=True)}
    two = [keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name=name) for name in parts]
    inputs = keras.Input((1,))
    model = keras.Model(inputs, [layer(inputs) for layer in two])
    model.compile(keras.optimizers.MultiOptimizer(lambda variable: parts[variable.path[0]]), ["mse", "mse"])
    model.optimizer.build(model.trainable_variables)
    x, y = np.ones((1, 1)), np.zeros((1, 1))
    result = range_test(model, [(x, [y, y])], start=0.01, end=0.3, steps=5)
    rates = np.array([0.0, *result.rates[:-1]])
    losses = sum(np.cumprod(1 - 2 * part * rates) ** 2 for part in share)
    np.testing.assert_allclose(result.losses, losses, rtol=1e-5)
    assert [float(part.learning_rate) for part in parts.values()] == [np.float32(rate) for rate in own]


def test_a_wrapper_that_is_not_known_needs_a_step_of_ones_own():
    class Wrapped(keras.optimizers.SGD):
        def __init__(self, inner):
            super().__init__(0.5)
            self.inner = inner

    model, batches = wrapped(Wrapped(keras.optimizers.SGD(0.5)))
    with pytest.raises(ValueError, match=r"Wrapped wraps another optimizer, its 'inner'.*lrlib\.keras\.no_trace"):
        range_test(model, batches)

    def step(rate):
        model.optimizer.learning_rate = rate
        return model.train_on_batch(*batches[0])

    with no_trace(model):
        assert len(finder.range_test(step, finder.ladder(0.01, 0.3, 4)).rates) == 4
    assert float(model.optimizer.learning_rate) == 0.5


def test_a_dataset_is_cycled_and_weights_are_kept():
    model, _ = line()
    data = tf.data.Dataset.from_tensor_slices(([[1.0], [2.0], [3.0]], [[0.0]] * 3, [1.0, 1.0, 2.0])).batch(1)
    result = range_test(model, data, start=1e-9, end=2e-9, steps=7, diverge=None)
    np.testing.assert_allclose(result.losses, [1, 4, 18, 1, 4, 18, 1], rtol=1e-5)


def test_a_pydataset():
    class Squares(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return np.full((1, 1), i + 1.0), np.zeros((1, 1))

    result = range_test(line()[0], Squares(), start=1e-9, end=2e-9, steps=5)
    np.testing.assert_allclose(result.losses, [1, 4, 1, 4, 1], rtol=1e-5)


def test_a_pydataset_without_an_end():
    class Squares(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return np.full((1, 1), i + 1.0), np.zeros((1, 1))

    result = range_test(line()[0], Squares(), start=1e-9, end=2e-9, steps=4, diverge=None)
    np.testing.assert_allclose(result.losses, [1, 4, 9, 16], rtol=1e-5)


def test_the_same_as_in_torch():
    """One network, one batch order: the two frameworks record the same curve."""
    torch = pytest.importorskip("torch")
    from lrlib._torch_range import range_test as torch_range_test

    weights = [RNG.standard_normal((4, 8)).astype("float32"), RNG.standard_normal((8, 1)).astype("float32")]
    dense = keras.layers.Dense(8, "tanh", False), keras.layers.Dense(1, None, False)
    model = keras.Sequential([keras.Input((4,)), *dense])
    model.set_weights(weights)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    layers = torch.nn.Linear(4, 8, bias=False), torch.nn.Tanh(), torch.nn.Linear(8, 1, bias=False)
    twin = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for p, w in zip(twin.parameters(), weights, strict=True):
            p.copy_(torch.from_numpy(w.T))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    batches = [tuple(map(torch.from_numpy, batch)) for batch in BATCHES]
    options = {"start": 1e-4, "end": 1.0, "steps": 12, "progress": False}
    ours = range_test(model, BATCHES, **options)
    theirs = torch_range_test(twin, optimizer, torch.nn.functional.mse_loss, batches, **options)
    assert ours.rates[: len(theirs.rates)] == theirs.rates
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-3)


class Pair(typing.NamedTuple):
    x: np.ndarray
    y: np.ndarray


def test_a_batch_is_told_by_its_type_never_by_unpacking():
    model, [(x, y)] = line()
    for batch, got in (
        ({"x": x, "y": y}, "dict"),
        ({"x": x, "y": y, "w": y}, "dict"),
        (np.ones((2, 1)), "ndarray"),
        ("ab", "str"),
        ((x,), "tuple of 1"),
        ((x, y, y, y), "tuple of 4"),
    ):
        for name in ("batches", "validation"):
            given = {"batches": [(x, y)], name: [batch]}
            with pytest.raises(TypeError, match=rf"a pair .*, got {got}; pass .*lrlib\.keras\.no_trace"):
                range_test(model, steps=3, **given)
    expected = range_test(model, [(x, y)], steps=3)
    assert range_test(model, [[x, y]], steps=3) == range_test(model, [Pair(x, y)], steps=3) == expected


def test_a_model_that_computes_its_own_loss_from_a_dict():
    class Keyword(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")

        def call(self, batch):
            self.add_loss(keras.ops.mean((self.dense(batch["x"]) - batch["y"]) ** 2))

    model, [(x, y)] = Keyword(), line()[1]
    model.compile(keras.optimizers.SGD(0.5))
    found = range_test(model, [({"x": x, "y": y}, None)], start=0.01, end=0.3, steps=3)
    np.testing.assert_allclose(found.losses, range_test(*line(), start=0.01, end=0.3, steps=3).losses, rtol=1e-6)


def test_bad_input_is_refused():
    model, batches = line()
    with pytest.raises(TypeError, match=r"model must be a keras\.Model"):
        range_test(lambda x: x, batches)
    with pytest.raises(ValueError, match="must be compiled"):
        range_test(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), batches)
    for bad, error, words in (
        ({"batches": []}, ValueError, "batches: there is no batch"),
        ({"batches": 3}, TypeError, "batches must be an iterable"),
        ({"batches": [1.0]}, TypeError, "a pair"),
        ({"validation": []}, ValueError, "validation: there is no batch"),
        ({"batches": iter(batches)}, ValueError, "an iterator that cannot start again"),
        ({"steps": 1}, ValueError, "steps must be"),
        ({"mode": "log"}, ValueError, "mode must be"),
        ({"diverge": 1}, ValueError, "diverge must be"),
        ({"progress": 1}, TypeError, "progress must be"),
    ):
        with pytest.raises(error, match=words):
            range_test(model, **{"batches": batches, "steps": 3, **bad})
    assert float(model.optimizer.learning_rate) == 0.5
    assert model.get_weights()[0].item() == 1


def test_progress():
    model, batches = line()
    told = []
    range_test(model, batches, steps=3, end=0.1, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_examples_in_the_docstrings():
    import doctest

    assert doctest.testmod(_keras_range).failed == 0
