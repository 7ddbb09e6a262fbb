scheduler = lrlib.torch.Scheduler(optimizer.optimizer, lrlib.OneCycle(0.1, steps=24), resume="count")
accelerator.register_for_checkpointing(scheduler)
accelerator.load_state("state")
