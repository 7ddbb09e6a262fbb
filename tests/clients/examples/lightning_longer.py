class Longer(Regression):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), momentum=0.9)
        schedule = lrlib.OneCycle(0.1, steps=self.trainer.estimated_stepping_batches)  # longer by itself
        scheduler = lrlib.torch.Scheduler(optimizer, schedule, resume="count")
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


trainer = lightning.Trainer(max_epochs=6, accumulate_grad_batches=2)
trainer.fit(Longer(), loader, ckpt_path="run.ckpt")
