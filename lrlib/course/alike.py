"""What both frameworks are given alike, as NumPy arrays: initial weights and the order of the batches."""

import itertools
from typing import NamedTuple

import numpy as np


class History(NamedTuple):
    """One number an update, in order: the rate in force, read back from the optimizer, and the batch's loss."""

    rates: np.ndarray
    losses: np.ndarray


def dense_weights(sizes: tuple[int, ...], seed: int) -> list[np.ndarray]:
    """Weights (inputs × outputs) and bias of each dense layer, float32, by PyTorch's rule: uniform in ±1/√inputs.

    Keras's own default is Glorot-uniform weights and zero biases; a comparison needs one rule for both.
    """
    random = np.random.default_rng([seed, 0])
    arrays = []
    for inputs, outputs in itertools.pairwise(sizes):
        bound = inputs**-0.5
        arrays += [random.uniform(-bound, bound, shape).astype("float32") for shape in ((inputs, outputs), (outputs,))]
    return arrays


def batch_order(rows: int, batch: int, epochs: int, seed: int) -> np.ndarray:
    """Row numbers of each update's batch, (epochs · ⌊rows / batch⌋) × batch: every epoch a new permutation."""
    random = np.random.default_rng([seed, 1])
    whole = rows // batch * batch
    return np.concatenate([random.permutation(rows)[:whole].reshape(-1, batch) for _ in range(epochs)])
