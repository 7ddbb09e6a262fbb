"""Accelerate: each example of the reference page."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

import lrlib

PLANNED, LONGER = lrlib.OneCycle(0.1, steps=12), lrlib.OneCycle(0.1, steps=24)


@pytest.fixture(autouse=True)
def fresh():
    """Accelerate keeps its settings for the process."""
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def test_the_loop_and_its_checkpoint(example, rates, loader):
    names = example("accelerate_use", {"loader": loader})
    assert rates == [PLANNED(t) for t in range(6)]
    names["train"](epochs=2)
    rates.clear()
    names["accelerator"].load_state("state")
    assert names["scheduler"].last_epoch == 6
    names["train"](epochs=2)
    assert rates == [PLANNED(t) for t in range(6, 12)]


def test_longer_than_planned(example, rates, loader):
    names = example("accelerate_use", {"loader": loader})
    names["accelerator"]._custom_objects.clear()  # as in a new process
    rates.clear()
    longer = example("accelerate_longer", names)
    names["train"].__globals__["scheduler"] = longer["scheduler"]
    names["train"](epochs=6)
    assert rates == [LONGER(t) for t in range(6, 24)]


def test_plateau(example, rates, loader):
    names = example("accelerate_use", {"loader": loader})
    rates.clear()
    names["accelerator"].gradient_accumulation_steps = 1
    names = example("accelerate_plateau", {**names, "validation_loss": lambda: 1.0})
    assert rates == pytest.approx([0.1] * 18 + [0.01] * 12 + [0.001] * 6)
    names["accelerator"].save_state("plateau")
    names["rule"].step(1.0)
    names["rule"].step(1.0)
    assert names["rule"].get_last_lr() == pytest.approx([1e-4])
    names["accelerator"].load_state("plateau")
    assert names["rule"].get_last_lr() == pytest.approx([0.001])


def test_prepare_does_the_counting_for_one_process(rates, loader):
    accelerator = Accelerator(gradient_accumulation_steps=2)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters())
    scheduler = lrlib.torch.Scheduler(optimizer, PLANNED)
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    for x, y in loader:
        with accelerator.accumulate(model):
            accelerator.backward(torch.nn.functional.mse_loss(model(x), y))
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    assert rates == [PLANNED(t) for t in range(3)]
