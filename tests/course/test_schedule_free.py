"""Schedule-Free on a parabola: the recursion against the authors' package, and what Keras makes of it here."""

import numpy as np
import pytest

from lrlib.course import schedule_free
from lrlib.course.schedule_free import CURVATURES, RATE, START, UPDATES, recursion

BETAS = (0.3, 0.9)


@pytest.mark.parametrize("beta", BETAS)
def test_the_recursion_is_the_authors(beta):
    torch, package = pytest.importorskip("torch"), pytest.importorskip("schedulefree")
    weights = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = package.AdamWScheduleFree([weights], lr=RATE, betas=(beta, schedule_free.BETA_2))
    trained, averaged = [], []
    for _ in range(UPDATES):
        optimizer.train()
        weights.grad = torch.tensor(CURVATURES) * weights.detach()
        optimizer.step()
        trained.append(weights.detach().clone().numpy())
        optimizer.eval()
        averaged.append(weights.detach().clone().numpy())
    np.testing.assert_allclose(recursion(beta), [trained, averaged], rtol=1e-10)


def test_what_is_stored_of_jax_is_the_papers_recursion():
    """To the digits that are stored: JAX's values do not change, so Keras is right there."""
    assert round(schedule_free.loss(recursion()[0][-1]), 4) == schedule_free.ON_JAX["evaluated"]


def test_with_the_new_value_for_the_old_the_weights_are_a_mean_whatever_beta():
    paths = [recursion(beta, new_for_old=True)[0] for beta in (0.1, 0.5, 0.99)]
    np.testing.assert_allclose(paths, [paths[0]] * 3, rtol=1e-12)
    z = np.diff(np.arange(1, UPDATES + 1)[:, None] * paths[0], axis=0)  # since y_t is the mean of z_1 … z_t
    v, y = np.zeros(3), paths[0][:-1]
    v = 0.999 * v + 0.001 * (np.array(CURVATURES) * START) ** 2
    for t in range(2, UPDATES + 1):
        gradient = np.array(CURVATURES) * y[t - 2]
        v = 0.999 * v + 0.001 * gradient**2
        step = RATE * gradient / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        before = paths[0][0] if t == 2 else z[t - 3]
        np.testing.assert_allclose(z[t - 2], before - step, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_keras_is_one_of_the_two_recursions(backend):
    """Which, the museum says: whoever corrects Keras must not break this."""
    keras = pytest.importorskip("keras")
    if not hasattr(keras.optimizers, "ScheduleFreeAdamW"):
        pytest.skip("Keras has no ScheduleFreeAdamW")
    found = schedule_free.on_backend(backend, BETAS, fit=True)
    for beta, path in zip(BETAS, found["paths"], strict=True):
        apart = [np.abs(path - recursion(beta, wrong)[0]).max() for wrong in (False, True)]
        assert min(apart) < 1e-6 < max(apart), apart
    np.testing.assert_allclose(found["evaluated"], schedule_free.loss(found["fitted"]), rtol=1e-6)
