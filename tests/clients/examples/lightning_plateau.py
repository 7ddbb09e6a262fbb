class OnPlateau(Regression):
    def validation_step(self, batch, index):
        self.log("val_loss", self.training_step(batch, index))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters())
        rule = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(0.1, patience=1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rule, "monitor": "val_loss"}}


trainer = lightning.Trainer(max_epochs=6)
trainer.fit(OnPlateau(), loader, validation_loader)
