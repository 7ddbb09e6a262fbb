rate = lrlib.jax.schedule(lrlib.OneCycle(0.1, steps=6))
optimizer = optax.MultiSteps(optax.sgd(rate), every_k_schedule=2)
