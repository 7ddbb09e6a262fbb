"""What the clients' tests share. They run where the extra ``clients`` is installed: `make clients`."""

import importlib.util
from pathlib import Path

import pytest

CLIENTS = ("accelerate", "flax", "hydra", "ignite", "jax", "lightning", "omegaconf", "optax", "transformers")
collect_ignore = ["examples"]  # no modules: what the page shows
if not all(map(importlib.util.find_spec, CLIENTS)):
    collect_ignore_glob = ["test_*.py"]

EXAMPLES = Path(__file__).parent / "examples"


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Run an example of the reference page in a folder of its own; returns the names that it leaves.

    ``given`` are the names that the page leaves to the reader, and those of the example that it goes on from.
    """
    monkeypatch.chdir(tmp_path)

    def run(name, given):
        path = EXAMPLES / f"{name}.py"
        names = {**given, "__name__": name}
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
        return names

    return run


@pytest.fixture
def rates():
    """The rate of the first group at each update that any torch optimizer makes."""
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seen = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: seen.append(float(optimizer.param_groups[0]["lr"])))
    yield seen
    hook.remove()


@pytest.fixture
def loader():
    """Six batches of four."""
    import torch

    generator = torch.Generator().manual_seed(0)
    data = torch.utils.data.TensorDataset(torch.randn(24, 4, generator=generator), torch.zeros(24, 1))
    return torch.utils.data.DataLoader(data, batch_size=4)
