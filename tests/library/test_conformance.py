"""One meaning in two frameworks: the same value drives torch and Keras, and the weights move alike.

The gradient is 1 and each update starts from weight 0 without momentum, so that the weight after
it is minus the rate that was really applied.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from reference import OWN, SAMPLES

import lrlib
import lrlib.keras
import lrlib.torch

UPDATES = 40
SCHEDULES = SAMPLES | {"own": OWN, "own, composed": (0.5 * OWN).then(OWN.hold(2)).repeat(2)}


def torch_rates(schedule):
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=7.0)
    scheduler = lrlib.torch.Scheduler(optimizer, schedule)
    rates = []
    for _ in range(UPDATES):
        p.data.zero_()
        p.grad = torch.ones(1)
        optimizer.step()
        scheduler.step()
        rates.append(-p.item())
    return rates


@pytest.fixture(scope="module", params=["keras.optimizers.SGD", "lrlib.keras.SGD"])
def keras_rates(request):
    """Every schedule's applied rates; one compiled function serves all optimizers."""
    build = {"keras.optimizers.SGD": keras.optimizers.SGD, "lrlib.keras.SGD": lrlib.keras.SGD}[request.param]
    variables = [keras.Variable([0.0]) for _ in SCHEDULES]
    optimizers = [build(learning_rate=lrlib.keras.Schedule(s)) for s in SCHEDULES.values()]
    for optimizer, v in zip(optimizers, variables, strict=True):
        optimizer.build([v])

    @tf.function
    def update():
        for optimizer, v in zip(optimizers, variables, strict=True):
            v.assign(tf.zeros(1))
            optimizer.apply([tf.ones(1)], [v])

    rates = []
    for _ in range(UPDATES):
        update()
        rates.append([-float(v.numpy()[0]) for v in variables])
    return dict(zip(SCHEDULES, np.transpose(rates), strict=True))


@pytest.mark.parametrize("name", SCHEDULES)
def test_both_frameworks_apply_the_same_rate_at_every_update(name, keras_rates):
    expected = [SCHEDULES[name](t) for t in range(UPDATES)]
    in_torch = torch_rates(SCHEDULES[name])
    atol = 1e-9 * max(expected)
    np.testing.assert_allclose(in_torch, expected, rtol=1.2e-7, atol=atol)
    np.testing.assert_allclose(keras_rates[name], expected, rtol=2.5e-7, atol=atol)
    np.testing.assert_allclose(keras_rates[name], in_torch, rtol=2.5e-7, atol=atol)
