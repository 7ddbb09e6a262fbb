"""ignite: each example of the reference page, and ignite's own wrapper."""

import pytest
import torch
from ignite.engine import Events, create_supervised_trainer
from ignite.handlers import Checkpoint
from ignite.handlers.param_scheduler import LRScheduler

import lrlib

PLANNED = lrlib.OneCycle(0.1, steps=9)


def test_the_loop_and_its_checkpoint(example, rates, loader, tmp_path):
    names = example("ignite_use", {"loader": loader})
    assert rates == [PLANNED(t) for t in range(9)]
    [saved] = (tmp_path / "checkpoints").iterdir()
    names["scheduler"].step()
    Checkpoint.load_objects({"scheduler": names["scheduler"]}, torch.load(saved))
    assert names["scheduler"].last_epoch == 9 and names["scheduler"].get_last_lr() == [PLANNED(9)]


def test_plateau(example, rates, loader):
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters())
    trainer = create_supervised_trainer(model, optimizer, torch.nn.functional.mse_loss)
    given = {"torch": torch, "lrlib": lrlib, "Events": Events, "validation_loss": lambda: 1.0}
    example("ignite_plateau", {**given, "optimizer": optimizer, "trainer": trainer})
    trainer.run(loader, max_epochs=6)
    assert rates == pytest.approx([0.1] * 18 + [0.01] * 12 + [0.001] * 6)


def test_ignite_s_own_wrapper(rates, loader):
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters())
    trainer = create_supervised_trainer(model, optimizer, torch.nn.functional.mse_loss)
    trainer.add_event_handler(Events.ITERATION_STARTED, LRScheduler(lrlib.torch.Scheduler(optimizer, PLANNED)))
    trainer.run(loader, max_epochs=1)
    assert rates == [PLANNED(t) for t in range(6)]
