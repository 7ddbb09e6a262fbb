"""transformers' Trainer: each example of the reference page, and what it says of resuming."""

import pytest
import torch

import lrlib

OLD = lrlib.Linear(0.1, 0.0, steps=10)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture
def data():
    return [{"x": torch.ones(4), "labels": torch.zeros(1)} for _ in range(64)]


def test_a_step_an_update_and_longer_than_planned(example, rates, data):
    planned, longer = lrlib.OneCycle(0.1, steps=8), lrlib.OneCycle(0.1, steps=16)
    names = example("trainer_use", {"data": data})
    assert rates == [planned(t) for t in range(8)]
    rates.clear()
    example("trainer_longer", names)
    assert rates == [longer(t) for t in range(8, 16)]


def test_plateau(example, rates, data):
    names = example("trainer_use", {"data": data})
    rates.clear()
    names["Regression"].forward = lambda self, x, labels: {"loss": (0 * self.layer(x)).sum() + 1.0, "logits": x}
    example("trainer_plateau", {**names, "validation_data": data[:4]})
    assert rates == pytest.approx([0.1] * 6 + [0.01] * 4 + [0.001] * 2)


def trained(names, schedule, updates, again=False, **scheduler):
    model = names["Regression"]()
    optimizer = torch.optim.SGD(model.parameters())
    arguments = names["TrainingArguments"]("other", max_steps=updates, per_device_train_batch_size=4, save_steps=5)
    pair = optimizer, lrlib.torch.Scheduler(optimizer, schedule, **scheduler)
    trainer = names["Trainer"](model, arguments, train_dataset=names["data"], optimizers=pair)
    trainer.train(resume_from_checkpoint=again)


def test_resuming(example, rates, data):
    names = example("trainer_use", {"data": data})
    rates.clear()
    trained(names, OLD, 5)
    trained(names, OLD, 10, again=True)
    assert rates == [OLD(t) for t in range(10)]
    rates.clear()
    with pytest.raises(ValueError, match='resume="count"'):
        trained(names, lrlib.Constant(0.3), 15, again=True)
    new = OLD.take(8).then(OLD.drop(8).stretch(4))  # gives what was saved at update 10: nothing
    assert new(10) != OLD(10)
    with pytest.raises(ValueError, match='resume="count"'):
        trained(names, new, 15, again=True)
    trained(names, new, 15, again=True, resume="count")
    assert rates == [new(t) for t in range(10, 15)]
