import torch
from ignite.engine import Events, create_supervised_trainer
from ignite.handlers import Checkpoint

import lrlib

model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
scheduler = lrlib.torch.Scheduler(optimizer, lrlib.OneCycle(0.1, steps=9))
trainer = create_supervised_trainer(model, optimizer, torch.nn.functional.mse_loss, gradient_accumulation_steps=2)


@trainer.on(Events.ITERATION_COMPLETED(every=2))  # every real update
def move_the_clock():
    scheduler.step()


everything = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "trainer": trainer}
trainer.add_event_handler(Events.EPOCH_COMPLETED, Checkpoint(everything, "checkpoints"))
trainer.run(loader, max_epochs=3)  # before it, to resume: Checkpoint.load_objects(everything, torch.load(path))
