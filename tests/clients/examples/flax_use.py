import jax.numpy as jnp
import optax
from flax import nnx

import lrlib

model = nnx.Linear(4, 1, rngs=nnx.Rngs(0))
rate = lrlib.jax.schedule(lrlib.OneCycle(0.1, steps=12))
optimizer = nnx.Optimizer(model, optax.sgd(rate), wrt=nnx.Param)


def loss(model, x, y):
    return jnp.mean((model(x)[:, 0] - y) ** 2)


@nnx.jit
def update(model, optimizer, x, y):
    optimizer.update(model, nnx.grad(loss)(model, x, y))


for x, y in batches:
    update(model, optimizer, x, y)
