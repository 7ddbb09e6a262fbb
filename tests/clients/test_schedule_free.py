"""Keras's Schedule-Free optimizer on its three backends; the museum's numbers for JAX come from here."""

import os

import numpy as np
import pytest
from conftest import EXAMPLES

from lrlib.course import schedule_free

PATH = os.pathsep.join(filter(None, [str(EXAMPLES.parents[2]), os.environ.get("PYTHONPATH", "")]))
BETAS = (0.3, 0.6, 0.9)


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_the_recursion_of_the_paper_only_where_values_do_not_change(backend, monkeypatch):
    """Fails once Keras is corrected: then the museum's exhibits and `practice` have to say so."""
    monkeypatch.setenv("PYTHONPATH", PATH)
    found = schedule_free.on_backend(backend, BETAS)
    for beta, path in zip(BETAS, found["paths"], strict=True):
        trained, _ = schedule_free.recursion(beta, new_for_old=backend != "jax")
        np.testing.assert_allclose(path, trained, atol=1e-6)
        if backend == "jax":
            assert round(np.abs(path - trained).max(), 4) == schedule_free.ON_JAX["apart"]


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_evaluate_measures_where_it_trains(backend, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PATH)
    found = schedule_free.on_backend(backend, fit=True)
    trained, averaged = schedule_free.recursion(new_for_old=backend != "jax")
    assert found["evaluated"] == pytest.approx(schedule_free.loss(trained[-1]), rel=1e-6)
    if backend == "jax":
        assert round(found["evaluated"], 4) == schedule_free.ON_JAX["evaluated"]
        assert found["evaluated"] < 0.9 * schedule_free.loss(averaged[-1])
    start = np.array(schedule_free.START)
    lost = backend == "tensorflow"
    np.testing.assert_allclose(
        found["unbuilt"], (0 if lost else start) - schedule_free.RATE * np.sign(start), atol=1e-6
    )
