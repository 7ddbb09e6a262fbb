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


# ResNet-18: (blocks, channels, stride of the first block) of each stage.
RESNET18 = ((2, 64, 1), (2, 128, 2), (2, 256, 2), (2, 512, 2))


def resnet18_weights(channels: int, classes: int, seed: int) -> list[np.ndarray]:
    """The trainable arrays of ResNet-18, float32, in the order in which the data meets them.

    As torchvision's: convolutions (height × width × in × out) normal with variance 2 / (out · height · width), batch
    normalisation 1 and 0, the dense layer as in :func:`dense_weights`. A block that changes shape has the shortcut's
    convolution last.
    """
    random = np.random.default_rng([seed, 0])
    arrays: list[np.ndarray] = []

    def convolution(size: int, inputs: int, outputs: int) -> None:
        spread = (2 / (outputs * size * size)) ** 0.5
        arrays.append(random.normal(0, spread, (size, size, inputs, outputs)).astype("float32"))
        arrays.extend([np.ones(outputs, "float32"), np.zeros(outputs, "float32")])

    convolution(7, channels, 64)
    inputs = 64
    for blocks, outputs, stride in RESNET18:
        for block in range(blocks):
            convolution(3, inputs, outputs)
            convolution(3, outputs, outputs)
            if block == 0 and (stride != 1 or inputs != outputs):
                convolution(1, inputs, outputs)
            inputs = outputs
    return arrays + dense_weights((inputs, classes), seed)
