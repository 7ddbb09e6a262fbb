import lrlib.keras  # so that Keras knows the schedule in the file

model = keras.models.load_model("model.keras")
rest = lrlib.OneCycle(0.1, steps=24).drop(6)  # 6 updates are made
rate = lrlib.keras.Schedule(rest, accumulate=2)
model.compile(keras.optimizers.SGD(rate, gradient_accumulation_steps=2), "mse")
model.fit(x, y, batch_size=4, epochs=6)
