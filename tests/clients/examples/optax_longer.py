optimizer = optax.sgd(lrlib.jax.schedule(lrlib.OneCycle(0.1, steps=24)))  # and the state as it is
