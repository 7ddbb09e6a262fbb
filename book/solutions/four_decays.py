# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions: Four decays on cats and dogs

# %%
import keras
import numpy as np

import lrlib
from lrlib.course import study
from lrlib.course.stats import half_width

PER_EPOCH, EPOCHS = 157, 50

# %% [markdown]
# ## Exercise 1
#
# They are not: at equal momentum the exponential run's steps are on average a fifth as long as the constant run's,
# since its mean rate is a fifth. A first rate of about 0.48 would give it the same mean. So "everything alike" needs a
# choice of *what* is alike, and [To zero, in what shape?](../chapters/to_zero.ipynb) makes the choice that readers care
# about: each schedule gets its own best first rate.

# %%
exponential = lrlib.Exponential(0.1, gamma=np.exp(-0.1)).hold(PER_EPOCH)
mean = exponential(np.arange(EPOCHS * PER_EPOCH)).mean()
print(f"mean rate {mean:.4f}; first rate for a mean of 0.1: {0.1 * 0.1 / mean:.3f}")

# %% [markdown]
# ## Exercise 2
#
# `stretch(157)` reads the update count as epochs, in fractions, so the rate changes at every update and is what an
# epoch's clock would give at each epoch's start. At epoch 25 it is 0.095, where counting updates gave 0.0113.

# %%
by_epochs = lrlib.InverseTime(0.1, rate=0.1 / 50)
stretched = by_epochs.stretch(PER_EPOCH)
assert np.isclose(stretched(25 * PER_EPOCH), by_epochs(25))
assert by_epochs(25) < stretched(25 * PER_EPOCH - 1) < by_epochs(24)
print(f"counting epochs {stretched(25 * PER_EPOCH):.4f}")
print(f"counting updates {by_epochs(25 * PER_EPOCH):.4f}")

# %% [markdown]
# ## Exercise 3
#
# Seven seeds would do for one point, and fifty for 0.3: about three times the precision costs seven times the seeds.
# The estimate is rough itself, since the standard deviation comes from five differences.

# %%
results = study.load("four_decays")
step, constant = (
    np.array([r["test_accuracy"] for r in results[f"{name}-no-momentum"]["pytorch"]]) for name in ("step", "constant")
)
spread = float(np.std(step - constant, ddof=1))
print(f"standard deviation of the differences: {spread:.2f} points")
for width in (1.0, 0.3):
    seeds = next(n for n in range(2, 1000) if half_width(spread, n) <= width)
    print(f"±{width} points: {seeds} seeds")

# %% [markdown]
# ## Exercise 4
#
# At the end of an epoch Keras's optimizer has counted its last update already, so `optimizer.learning_rate` gives the
# rate of the *next* one. That is the source's mistake in another dress. The callback reads the rate when a batch
# begins, and prints the last one that it read.


# %%
class RateInForce(keras.callbacks.Callback):
    """Keep and print the rate of each epoch's last update."""

    def __init__(self):
        super().__init__()
        self.by_epoch, self.too_late = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs=None):
        self.by_epoch.append(round(self.rate, 4))
        self.too_late.append(round(float(self.model.optimizer.learning_rate), 4))


halving = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5, staircase=True)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(halving), "mse")
callback, x = RateInForce(), np.zeros((8, 1))
model.fit(x, x, batch_size=2, epochs=3, verbose=0, callbacks=[callback])
assert callback.by_epoch == [0.1, 0.05, 0.025]
print("in force:                ", callback.by_epoch)
print("asked at the epoch's end:", callback.too_late)
