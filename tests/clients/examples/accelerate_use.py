import torch
from accelerate import Accelerator

import lrlib

accelerator = Accelerator(gradient_accumulation_steps=2, step_scheduler_with_optimizer=False)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
scheduler = lrlib.torch.Scheduler(optimizer.optimizer, lrlib.OneCycle(0.1, steps=12))
accelerator.register_for_checkpointing(scheduler)  # so that save_state and load_state take it along


def train(epochs):
    for _ in range(epochs):
        for x, y in loader:
            with accelerator.accumulate(model):
                accelerator.backward(torch.nn.functional.mse_loss(model(x), y))
                optimizer.step()
                optimizer.zero_grad()
                if accelerator.sync_gradients and not accelerator.optimizer_step_was_skipped:
                    scheduler.step()


train(epochs=2)
accelerator.save_state("state")  # accelerator.load_state("state") goes on from here
