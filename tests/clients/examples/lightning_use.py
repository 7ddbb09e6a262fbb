import lightning
import torch

import lrlib


class Regression(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, index):
        x, y = batch
        return torch.nn.functional.mse_loss(self.layer(x), y)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), momentum=0.9)
        updates = self.trainer.estimated_stepping_batches  # accumulation is counted in
        scheduler = lrlib.torch.Scheduler(optimizer, lrlib.OneCycle(0.1, steps=updates))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


trainer = lightning.Trainer(max_epochs=3, accumulate_grad_batches=2)
trainer.fit(Regression(), loader)
trainer.save_checkpoint("run.ckpt")
