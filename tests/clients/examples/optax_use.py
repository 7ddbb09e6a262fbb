import jax
import jax.numpy as jnp
import optax

import lrlib

optimizer = optax.sgd(lrlib.jax.schedule(lrlib.OneCycle(0.1, steps=12)))
weights = jnp.zeros(4)
state = optimizer.init(weights)


def loss(weights, x, y):
    return jnp.mean((x @ weights - y) ** 2)


@jax.jit
def update(weights, state, x, y):
    gradients = jax.grad(loss)(weights, x, y)
    changes, state = optimizer.update(gradients, state, weights)
    return optax.apply_updates(weights, changes), state


for x, y in batches:
    weights, state = update(weights, state, x, y)
