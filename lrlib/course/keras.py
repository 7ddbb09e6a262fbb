"""The course's networks and its training loop, in Keras. ``lrlib.course.pytorch`` has the same names in PyTorch."""

import itertools
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

import lrlib.keras
from lrlib import Plateau, Schedule
from lrlib.course.networks import RESNET18, PooledConvnet
from lrlib.course.training import Bench, History


def one_thread() -> None:
    """Run on one thread: on networks this small a second one costs more than it gives. Before any other TensorFlow."""
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)


def perceptron(sizes: tuple[int, ...], weights: list[np.ndarray]) -> keras.Sequential:
    """Dense layers with ReLU between them; ``weights`` as :func:`lrlib.course.networks.dense_weights` gives them."""
    model = keras.Sequential([keras.Input((sizes[0],))])
    for outputs in sizes[1:-1]:
        model.add(keras.layers.Dense(outputs, activation="relu"))
    model.add(keras.layers.Dense(sizes[-1]))
    model.set_weights(weights)
    return model


def convnet(weights: list[np.ndarray], dropout: bool = True) -> keras.Sequential:
    """The cats-and-dogs network on N × 32 × 32 × 3; ``weights`` as ``networks.convnet_weights`` gives them.

    The source applies ReLU and then takes the maximum; the other order gives the same numbers for a quarter of the
    work.
    """
    share = 1.0 if dropout else 0.0
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(4, 3, activation="relu"), layers.Conv2D(8, 3)])
    for layer in (layers.MaxPooling2D(2), layers.ReLU(), layers.Dropout(0.25 * share), layers.Flatten()):
        model.add(layer)
    for layer in (layers.Dense(16, activation="relu"), layers.Dropout(0.5 * share), layers.Dense(2)):
        model.add(layer)
    model.set_weights(weights)
    return model


def pooled_convnet(network: PooledConvnet, weights: list[np.ndarray], l2: float = 0.0) -> keras.Sequential:
    """A plain network; ``weights`` as :func:`lrlib.course.networks.pooled_convnet_weights` gives them.

    ``l2`` adds ``l2 · w`` to each weight's gradient, as ``weight_decay`` does in PyTorch's SGD.
    """
    layers = keras.layers
    penalty = keras.regularizers.L2(l2 / 2) if l2 else None
    shrunk = {"kernel_regularizer": penalty, "bias_regularizer": penalty}
    model = keras.Sequential([keras.Input(network.shape)])
    for channels, kernel, padding in network.convolutions:
        if padding:
            model.add(layers.ZeroPadding2D(padding))
        model.add(layers.Conv2D(channels, kernel, **shrunk))
        model.add(layers.MaxPooling2D(2))
        if network.relu:
            model.add(layers.ReLU())
    model.add(layers.Flatten())
    for outputs in network.dense[:-1]:
        model.add(layers.Dense(outputs, activation="relu", **shrunk))
    model.add(layers.Dense(network.dense[-1], **shrunk))
    model.set_weights(weights)
    return model


def resnet18(weights: list[np.ndarray], size: int) -> keras.Model:
    """ResNet-18 with ImageNet's stem; ``weights`` as :func:`lrlib.course.networks.resnet18_weights` gives them.

    The weights' shapes decide the kernels' sizes. Set as PyTorch has it, where Keras's defaults differ: padding on both
    sides also with a stride of 2, batch normalisation's momentum 0.9 and epsilon 1e-5.
    """
    left = iter(weights)

    def convolution(x: Any, stride: int = 1) -> Any:
        kernel, scale, shift = next(left), next(left), next(left)
        height, _, _, outputs = kernel.shape
        if height > 2:
            x = keras.layers.ZeroPadding2D(height // 2)(x)
        layer = keras.layers.Conv2D(outputs, height, stride, use_bias=False)
        norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        x = norm(layer(x))
        layer.set_weights([kernel])
        norm.set_weights([scale, shift, np.zeros_like(shift), np.ones_like(scale)])
        return x

    inputs = keras.Input((size, size, weights[0].shape[2]))
    x = keras.layers.ReLU()(convolution(inputs, 2))
    x = keras.layers.ZeroPadding2D(1)(x)  # zeros serve as −∞ would: after the ReLU nothing is below them
    x = keras.layers.MaxPooling2D(3, 2)(x)
    for blocks, outputs, stride in RESNET18:
        for block in range(blocks):
            shortcut, step = x, stride if block == 0 else 1
            y = keras.layers.ReLU()(convolution(x, step))
            y = convolution(y)
            if step != 1 or x.shape[-1] != outputs:
                shortcut = convolution(x, step)
            x = keras.layers.ReLU()(y + shortcut)
    dense = keras.layers.Dense(weights[-1].shape[0])
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(x)))
    dense.set_weights(list(left))
    return model


def weights(model: keras.Model) -> list[np.ndarray]:
    """The model's weights as arrays, in the layout of :func:`lrlib.course.networks.dense_weights`."""
    return model.get_weights()


cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    x: Any,
    y: Any,
    batches: np.ndarray,
    pauses: Collection[int] = (),
    on_pause: Callable[[int], None] = lambda update: None,
) -> History:
    """One update for each row of ``batches`` (row numbers of ``x`` and ``y``), cross-entropy loss.

    After the updates numbered in ``pauses`` (the first is 1), ``on_pause(number)`` is called: to measure, or to change
    the rate. Between pauses the updates run in one compiled graph: ``fit`` does the same several times more slowly.
    """
    x, y = tf.constant(x), tf.constant(y, tf.int32)
    optimizer.build(model.trainable_variables)

    @tf.function
    def updates(x: Any, y: Any, batches: Any) -> Any:
        rates = tf.TensorArray(tf.float32, size=len(batches))
        losses = tf.TensorArray(tf.float32, size=len(batches))
        for i in tf.range(len(batches)):
            rows = tf.boolean_mask(batches[i], batches[i] >= 0)
            with tf.GradientTape() as tape:
                outputs = model(tf.gather(x, rows), training=True)
                loss = cross_entropy(tf.gather(y, rows), outputs)
                minimised = tf.add_n([loss, *model.losses])  # with the penalties on weights, if there are any
            gradients = tape.gradient(minimised, model.trainable_variables)
            rates = rates.write(i, optimizer.learning_rate)
            losses = losses.write(i, loss)
            optimizer.apply(gradients, model.trainable_variables)
        return rates.stack(), losses.stack()

    # Compiled once, for any number of batches; asked for by name, since TensorFlow warns of many like functions.
    compiled = updates.get_concrete_function(x, y, tf.TensorSpec((None, batches.shape[1]), tf.int64))
    rates, losses = [], []
    stops = sorted({0, len(batches), *(pause for pause in pauses if pause <= len(batches))})
    with tqdm(total=len(batches), delay=2, leave=False) as bar:
        for start, stop in itertools.pairwise(stops):
            part_rates, part_losses = compiled(x, y, tf.constant(batches[start:stop], tf.int64))
            rates.append(part_rates.numpy())
            losses.append(part_losses.numpy())
            bar.update(stop - start)
            if stop in pauses:
                on_pause(stop)
    return History(np.concatenate(rates), np.concatenate(losses))


def evaluate(model: keras.Model, x: Any, y: Any) -> tuple[float, float]:
    """(mean cross-entropy, accuracy in percent) over all of ``x``."""
    outputs = _outputs(model, x)
    right = int(np.sum(np.argmax(outputs, 1) == y))
    return float(cross_entropy(y, outputs)), 100 * right / len(y)


def right(model: keras.Model, x: Any, y: Any) -> np.ndarray:
    """For each image whether its class is found."""
    return np.argmax(_outputs(model, x), 1) == y


def _outputs(model: keras.Model, x: Any) -> np.ndarray:
    return np.concatenate([model(x[i : i + 1000], training=False) for i in range(0, len(x), 1000)])


def bench(
    model: keras.Model, optimizer: Callable[..., keras.optimizers.Optimizer], rule: Schedule | Plateau, **constants: Any
) -> Bench:
    """The model and its optimizer, made by ``optimizer(rate, **constants)``, under a rule for the rate."""
    bound = Bench(
        partial(train, model),
        partial(evaluate, model),
        partial(right, model),
        weights=model.get_weights,
        set_weights=model.set_weights,
    )
    if isinstance(rule, Schedule):
        return bound._replace(train=partial(train, model, optimizer(lrlib.keras.Schedule(rule), **constants)))
    plateau, state = rule, rule.start()
    mutable = optimizer(state.lr, **constants)

    def report(metric: float) -> None:
        nonlocal state
        state = plateau.update(state, metric)
        mutable.learning_rate = state.lr

    return bound._replace(train=partial(train, model, mutable), report=report)
