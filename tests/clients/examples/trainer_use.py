import torch
from transformers import Trainer, TrainingArguments

import lrlib


class Regression(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x, labels):
        output = self.layer(x)
        return {"loss": torch.nn.functional.mse_loss(output, labels), "logits": output}


model = Regression()
optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
arguments = TrainingArguments(
    "run", max_steps=8, per_device_train_batch_size=4, gradient_accumulation_steps=2, save_steps=4
)
scheduler = lrlib.torch.Scheduler(optimizer, lrlib.OneCycle(0.1, steps=arguments.max_steps))
trainer = Trainer(model, arguments, train_dataset=data, optimizers=(optimizer, scheduler))
trainer.train()  # or, after an interruption, trainer.train(resume_from_checkpoint=True)
