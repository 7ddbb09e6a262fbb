rule = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(0.1, patience=1))


@trainer.on(Events.EPOCH_COMPLETED)
def judge():
    rule.step(validation_loss())
