"""The sharpness in the first updates of one-cycle's runs."""

import numpy as np
import pytest

from lrlib.course.experiments import early_sharpness, one_cycle
from lrlib.course.experiments.early_sharpness import SETTINGS, Setting


def test_both_start_alike_and_only_one_rises():
    bare, risen = (one_cycle.SETTINGS[SETTINGS[name].schedule].schedule for name in ("bare", "risen"))
    assert bare(0) == pytest.approx(risen(one_cycle.PER_EPOCH)) == 0.1
    assert risen(0) == pytest.approx(0.01)
    assert SETTINGS["risen"].measured[-1] == one_cycle.PER_EPOCH


@pytest.mark.slow
def test_one_probe_serves_both_frameworks(monkeypatch):
    """From the same weights, and after an update on the same batch; with fewer images, for time."""
    monkeypatch.setattr(early_sharpness, "PROBED", 32)
    setting = Setting("warmup-cosine", (0, 1))
    ours, theirs = (early_sharpness.trial(setting, framework, 0) for framework in ("pytorch", "keras"))
    for name in ("loss", "sharpness"):
        np.testing.assert_allclose(ours["curve"][name], theirs["curve"][name], rtol=1e-3)
    assert ours["curve"]["sharpness"][0] != ours["curve"]["sharpness"][1]
    assert ours["rates"] == pytest.approx([0.01])


@pytest.mark.slow
def test_the_probe_is_the_largest_eigenvalue(monkeypatch):
    """Beside Lanczos on differences of the gradient in double precision, so close that no ReLU changes its side."""
    import torch
    from scipy.sparse.linalg import LinearOperator, eigsh

    from lrlib.course.pytorch import pooled_convnet

    monkeypatch.setattr(early_sharpness, "PROBED", 8)
    _, sharp = early_sharpness.probe("keras", one_cycle.initial(0))
    model = pooled_convnet(one_cycle.LENET, one_cycle.initial(0)).double()
    model = model.to(memory_format=torch.contiguous_format)
    (x, y), _ = one_cycle.images()
    x, y = torch.from_numpy(x[:8]).double(), torch.from_numpy(y[:8]).long()
    parameters = list(model.parameters())
    start = torch.nn.utils.parameters_to_vector(parameters).detach()

    def gradient(weights):
        torch.nn.utils.vector_to_parameters(weights, parameters)
        loss = torch.nn.functional.cross_entropy(model(x), y)
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)])

    def product(v):
        along = 1e-8 * torch.from_numpy(v.reshape(-1))
        return ((gradient(start + along) - gradient(start - along)) / 2e-8).numpy()

    hessian = LinearOperator((len(start), len(start)), matvec=product, dtype="float64")
    v0 = np.random.default_rng(1).normal(size=len(start))
    (expected,) = eigsh(hessian, k=1, which="LA", v0=v0, tol=1e-4, return_eigenvectors=False)
    assert sharp == pytest.approx(expected, rel=1e-3)


def test_what_is_compared_is_the_height_and_the_end():
    result = {"curve": {"update": [0, 30, 60, 118], "sharpness": [5.0, 200.0, 300.0, 8.0]}}
    assert early_sharpness._doublings(0, 30)(result) == pytest.approx(np.log2(200))
    assert early_sharpness._doublings(118, 118)(result) == pytest.approx(3)
    lost = {"curve": {"update": [0, 118], "sharpness": [5.0, None]}}
    assert np.isnan(early_sharpness._doublings(118, 118)(lost))
    assert early_sharpness._doublings(0, 30)(lost) == pytest.approx(np.log2(5))
