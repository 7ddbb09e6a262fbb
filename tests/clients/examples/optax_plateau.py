plateau = lrlib.Plateau(0.1, patience=1)
rule = plateau.start()
optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=rule.lr)
state = optimizer.init(weights)
for _ in range(6):
    for x, y in batches:
        weights, state = update(weights, state, x, y)
    rule = plateau.update(rule, validation_loss())
    state.hyperparams["learning_rate"] = jnp.asarray(rule.lr)
