import keras

import lrlib

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse")
rule = lrlib.keras.PlateauCallback(lrlib.Plateau(0.1, patience=1))
backup = keras.callbacks.BackupAndRestore("backup")  # listed after the rule, it saves each measurement
history = model.fit(x, y, validation_data=(x, y), batch_size=4, epochs=6, callbacks=[rule, backup])
