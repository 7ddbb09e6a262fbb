"""What both frameworks are given alike, as NumPy arrays: initial weights and the order of the batches."""

import itertools
from typing import Any, NamedTuple

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


def described(weights: list[np.ndarray], version: int = 1, **words: str) -> dict[str, Any]:
    """What an experiment's ``trains`` returns: the network, counted on the weights that a trial begins with, and words.

    A stored result is of use as long as this stays the same. Raise ``version`` for a change that nothing else shows.
    """
    shapes = ", ".join("x".join(map(str, array.shape)) for array in weights)
    return {"shapes": shapes, "weights": sum(array.size for array in weights), **words, "version": version}


def batch_order(rows: int, batch: int, epochs: int, seed: int) -> np.ndarray:
    """Row numbers of each update's batch, (epochs · ⌈rows / batch⌉) × batch: every epoch a new permutation.

    An epoch's last batch is smaller if the rows do not divide evenly; −1 fills its row up and stands for no image.
    """
    random = np.random.default_rng([seed, 1])
    missing = -rows % batch
    permutations = [np.append(random.permutation(rows), [-1] * missing) for _ in range(epochs)]
    return np.concatenate(permutations).astype("int64").reshape(-1, batch)


def glorot(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Keras's default initial weights, float32: uniform in ±√(6 / (inputs + outputs)), a kernel's area counted in both.

    ``shape`` is inputs × outputs, or height × width × inputs × outputs.
    """
    area = int(np.prod(shape[:-2]))
    bound = (6 / (area * (shape[-2] + shape[-1]))) ** 0.5
    return random.uniform(-bound, bound, shape).astype("float32")


def convnet_weights(seed: int) -> list[np.ndarray]:
    """Kernels and biases of S4's network, in the order in which the data meets them: Glorot-uniform, zero biases."""
    random = np.random.default_rng([seed, 0])
    shapes = ((3, 3, 3, 4), (3, 3, 4, 8), (14 * 14 * 8, 16), (16, 2))
    return [array for shape in shapes for array in (glorot(random, *shape), np.zeros(shape[-1], "float32"))]


class PooledConvnet(NamedTuple):
    """A plain network: convolutions, each followed by 2 × 2 max-pooling, then dense layers with ReLU between them.

    ``convolutions`` are (channels, kernel, padding); ``relu`` says whether one follows each pooling.
    """

    shape: tuple[int, int, int]  # of an image: height × width × channels
    convolutions: tuple[tuple[int, int, int], ...]
    dense: tuple[int, ...]
    relu: bool = True

    def sizes(self) -> list[tuple[int, int, int]]:
        """Height × width × channels of the image and after each pooling."""
        found = [self.shape]
        for channels, kernel, padding in self.convolutions:
            height, width, _ = found[-1]
            grown = 2 * padding - kernel + 1
            found.append(((height + grown) // 2, (width + grown) // 2, channels))
        return found


# Caffe's LeNet, as Smith's 1cycle paper trains it: no ReLU after its convolutions. 431,080 weights.
LENET = PooledConvnet((28, 28, 1), ((20, 5, 0), (50, 5, 0)), (500, 10), relu=False)
# A network for CIFAR-10's ten classes that two cores can train many times. 11,162 weights.
SMALL10 = PooledConvnet((32, 32, 3), ((8, 3, 1), (16, 3, 1), (32, 3, 1)), (10,))


def pooled_convnet_weights(network: PooledConvnet, seed: int) -> list[np.ndarray]:
    """Kernels and biases, in the order in which the data meets them: Glorot-uniform, zero biases."""
    random = np.random.default_rng([seed, 0])
    sizes = network.sizes()
    shapes: list[tuple[int, ...]] = [
        (kernel, kernel, before[2], channels)
        for before, (channels, kernel, _) in zip(sizes, network.convolutions, strict=False)
    ]
    shapes += itertools.pairwise((int(np.prod(sizes[-1])), *network.dense))
    return [array for shape in shapes for array in (glorot(random, *shape), np.zeros(shape[-1], "float32"))]


# ResNet-18: (blocks, channels, stride of the first block) of each stage.
RESNET18 = ((2, 64, 1), (2, 128, 2), (2, 256, 2), (2, 512, 2))


def resnet18_weights(channels: int, classes: int, seed: int, size: int | None = None) -> list[np.ndarray]:
    """The trainable arrays of ResNet-18, float32, in the order in which the data meets them.

    As torchvision's: convolutions (height × width × in × out) normal with variance 2 / (out · height · width), batch
    normalisation 1 and 0, the dense layer as in :func:`dense_weights`. A block that changes shape has the shortcut's
    convolution last.

    Given the images' ``size``, kernels that see one position only are cut to the taps that meet the image there. The
    others multiply padding, get no gradient and never change: the outputs and the training are the same. At 28 × 28
    pixels 4.2 million of the 11.2 million weights are left.
    """
    random = np.random.default_rng([seed, 0])
    arrays: list[np.ndarray] = []

    def convolution(kernel: int, inputs: int, outputs: int, stride: int, n: int | None) -> int | None:
        """Append a convolution on n × n positions and its normalisation; return the outputs' n."""
        spread = (2 / (outputs * kernel * kernel)) ** 0.5
        array = random.normal(0, spread, (kernel, kernel, inputs, outputs)).astype("float32")
        padding = kernel // 2
        if n is not None:
            met = slice(padding, padding + n)
            n = (n - 1) // stride + 1
            array = array[met, met] if n == 1 else array
        arrays.extend([array, np.ones(outputs, "float32"), np.zeros(outputs, "float32")])
        return n

    n = convolution(7, channels, 64, 2, size)
    n = None if n is None else (n - 1) // 2 + 1  # max-pooling
    inputs = 64
    for blocks, outputs, first_stride in RESNET18:
        for block in range(blocks):
            before, stride = n, first_stride if block == 0 else 1
            n = convolution(3, inputs, outputs, stride, before)
            n = convolution(3, outputs, outputs, 1, n)
            if stride != 1 or inputs != outputs:
                convolution(1, inputs, outputs, stride, before)
            inputs = outputs
    return arrays + dense_weights((inputs, classes), seed)
