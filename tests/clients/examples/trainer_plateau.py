arguments = TrainingArguments(
    "plateau",
    max_steps=12,
    per_device_train_batch_size=4,
    eval_strategy="steps",
    eval_steps=2,
    metric_for_best_model="loss",
)
model = Regression()
optimizer = torch.optim.SGD(model.parameters())
rule = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(0.1, patience=1))
trainer = Trainer(model, arguments, train_dataset=data, eval_dataset=validation_data, optimizers=(optimizer, rule))
trainer.train()
