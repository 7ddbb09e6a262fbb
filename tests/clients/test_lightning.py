"""Lightning: each example of the reference page, and what it says of resuming."""

import lightning
import pytest
import torch

import lrlib

QUIET = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
OLD = lrlib.Linear(0.1, 0.0, steps=10)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


class Model(lightning.LightningModule):
    """One update a batch, by the scheduler that ``schedule`` is given to."""

    def __init__(self, schedule, **scheduler):
        super().__init__()
        self.layer, self.schedule, self.scheduler = torch.nn.Linear(4, 1), schedule, scheduler

    def training_step(self, batch, index):
        return self.layer(batch[0]).pow(2).mean()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters())
        scheduler = lrlib.torch.Scheduler(optimizer, self.schedule, **self.scheduler)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def test_a_step_an_update_and_longer_than_planned(example, rates, loader):
    planned, longer = lrlib.OneCycle(0.1, steps=9), lrlib.OneCycle(0.1, steps=18)
    names = example("lightning_use", {"loader": loader})
    assert rates == [planned(t) for t in range(9)]
    rates.clear()
    example("lightning_longer", names)
    assert rates == [longer(t) for t in range(9, 18)]


def test_plateau(example, rates, loader):
    names = example("lightning_use", {"loader": loader})
    rates.clear()
    names["Regression"].training_step = lambda self, batch, index: (0 * self.layer(batch[0])).sum() + 1.0
    example("lightning_plateau", {**names, "validation_loader": loader})
    # The first measurement is the best, two bad ones are the first too many: cuts after epochs 3 and 5.
    assert rates == pytest.approx([0.1] * 18 + [0.01] * 12 + [0.001] * 6)


def trained(model, updates, folder, loader, **fit):
    trainer = lightning.Trainer(max_steps=updates, default_root_dir=folder, **QUIET)
    trainer.fit(model, loader, **fit)
    return trainer


def test_a_resumed_run_goes_on(rates, loader, tmp_path):
    trained(Model(OLD), 8, tmp_path, loader).save_checkpoint(tmp_path / "a.ckpt")
    trained(Model(OLD), 10, tmp_path, loader, ckpt_path=tmp_path / "a.ckpt")
    assert rates == [OLD(t) for t in range(10)]


def test_a_new_schedule_that_agrees_is_taken(rates, loader, tmp_path):
    new = OLD.take(5).then(lrlib.Linear(OLD(5), 0.0, steps=15))
    trained(Model(OLD), 5, tmp_path, loader).save_checkpoint(tmp_path / "a.ckpt")
    trained(Model(new), 20, tmp_path, loader, ckpt_path=tmp_path / "a.ckpt")
    assert rates == [new(t) for t in range(20)]


def test_a_jump_is_refused_with_an_advice_for_here(loader, tmp_path):
    trained(Model(OLD), 5, tmp_path, loader).save_checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match='resume="count"'):
        trained(Model(lrlib.Constant(0.3)), 20, tmp_path, loader, ckpt_path=tmp_path / "a.ckpt")
