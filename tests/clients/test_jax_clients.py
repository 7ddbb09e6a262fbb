"""optax and Flax: each example of the reference page."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import lrlib

PLANNED, LONGER = lrlib.OneCycle(0.1, steps=12), lrlib.OneCycle(0.1, steps=24)
X, Y = np.eye(4, dtype=np.float32), np.ones(4, np.float32)
BATCHES = [(X, Y)] * 6


def followed(rates, weights=0.0):
    """The weight after each update: with these batches its gradient is (w − 1) / 2."""
    path = []
    for rate in rates:
        weights -= rate * (weights - 1) / 2
        path.append(weights)
    return path


def test_optax(example):
    names = example("optax_use", {"batches": BATCHES})
    np.testing.assert_allclose(names["weights"], [followed(map(PLANNED, range(6)))[-1]] * 4, rtol=1e-6)


def test_each_update_has_its_rate(example):
    weights = [example("optax_use", {"batches": BATCHES[:n]})["weights"][0] for n in range(1, 7)]
    np.testing.assert_allclose(weights, followed(map(PLANNED, range(6))), rtol=1e-6)


def traced_anew(names):
    """As a new process would: a function that is compiled already keeps the optimizer it was compiled with."""
    names["update"] = jax.jit(names["update"].__wrapped__)
    return names


def test_accumulation_counts_real_updates(example):
    names = traced_anew(example("optax_use", {"batches": []}))
    optimizer = example("optax_accumulate", names)["optimizer"]
    six, state, weights, path = lrlib.OneCycle(0.1, steps=6), optimizer.init(jnp.zeros(4)), jnp.zeros(4), []
    for _ in range(12):
        gradients = jax.grad(names["loss"])(weights, X, Y)
        changes, state = jax.jit(optimizer.update)(gradients, state, weights)
        weights = optax.apply_updates(weights, changes)
        path.append(float(weights[0]))
    np.testing.assert_allclose(path[1::2], followed(map(six, range(6))), rtol=1e-6)


def test_longer_than_planned(example):
    names = example("optax_use", {"batches": BATCHES})
    optimizer = example("optax_longer", names)["optimizer"]
    weights, state = names["weights"], names["state"]
    changes, state = optimizer.update(jnp.ones(4), state, weights)
    np.testing.assert_allclose(changes, [-LONGER(6)] * 4, rtol=1e-6)


def test_plateau(example):
    names = traced_anew(example("optax_use", {"batches": []}))
    path = []

    def update(*arguments):
        weights, state = names["update"](*arguments)
        path.append(float(weights[0]))
        return weights, state

    # On the page there is one optimizer; here `update` still knows that of the first example.
    names["update"].__wrapped__.__globals__["optimizer"] = optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)
    example("optax_plateau", {**names, "batches": BATCHES[:2], "validation_loss": lambda: 1.0, "update": update})
    np.testing.assert_allclose(path, followed([0.1] * 6 + [0.01] * 4 + [0.001] * 2), rtol=1e-6)


def test_flax(example):
    names = example("flax_use", {"batches": []})
    model, optimizer = names["model"], names["optimizer"]
    for t in range(12):
        before, slope = np.asarray(model.bias[...]), nnx.grad(names["loss"])(model, X, Y)["bias"][...]
        names["update"](model, optimizer, X, Y)
        np.testing.assert_allclose(model.bias[...], before - PLANNED(t) * slope, rtol=1e-5, atol=1e-7)


def test_flax_trains(example):
    names = example("flax_use", {"batches": BATCHES * 2})
    assert int(names["optimizer"].step[...]) == 12
    assert float(names["loss"](names["model"], X, Y)) < 2.0


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_weights_keep_their_type(kind):
    optimizer = optax.adamw(lrlib.jax.schedule(PLANNED))
    weights = jnp.ones(2, kind)
    changes, _ = jax.jit(optimizer.update)(weights, optimizer.init(weights), weights)
    assert changes.dtype == kind
