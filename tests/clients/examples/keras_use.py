import keras

import lrlib

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
rate = lrlib.keras.Schedule(lrlib.OneCycle(0.1, steps=12), accumulate=2)
model.compile(keras.optimizers.SGD(rate, gradient_accumulation_steps=2), "mse")
model.fit(x, y, batch_size=4, epochs=2)
model.save("model.keras")
