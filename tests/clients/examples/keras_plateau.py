import keras

import lrlib

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse")
rule = lrlib.keras.PlateauCallback(lrlib.Plateau(0.1, patience=1))
backup = keras.callbacks.BackupAndRestore("backup")  # the rule's state travels with it
history = model.fit(x, y, validation_data=(x, y), batch_size=4, epochs=6, callbacks=[backup, rule])
