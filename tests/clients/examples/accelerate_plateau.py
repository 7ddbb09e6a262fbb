rule = lrlib.torch.PlateauScheduler(optimizer.optimizer, lrlib.Plateau(0.1, patience=1))
accelerator.register_for_checkpointing(rule)
for _ in range(6):
    for x, y in loader:
        accelerator.backward(torch.nn.functional.mse_loss(model(x), y))
        optimizer.step()
        optimizer.zero_grad()
    rule.step(validation_loss())  # the same number in each process
