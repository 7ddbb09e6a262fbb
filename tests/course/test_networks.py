"""The course's networks: initial weights, and that each is one network in both frameworks."""

import numpy as np
import pytest

from lrlib.course.networks import (
    LENET,
    SMALL10,
    convnet_weights,
    dense_weights,
    pooled_convnet_weights,
    resnet18_weights,
)
from lrlib.course.training import batch_order


@pytest.fixture
def small_images():
    random = np.random.default_rng(0)
    return random.random((40, 32, 32, 3), dtype="float32"), random.integers(0, 2, 40)


def test_initial_weights_follow_pytorchs_rule():
    weights, bias, *_ = dense_weights((400, 50, 3), seed=0)
    assert weights.shape == (400, 50) and bias.shape == (50,) and weights.dtype == np.float32
    for array in (weights, bias):
        assert np.abs(array).max() <= 400**-0.5 and np.abs(array).max() > 0.9 * 400**-0.5


def test_a_stack_of_perceptrons_is_each_of_them():
    import torch

    from lrlib.course.pytorch import perceptron, stacked_perceptron

    arrays = [dense_weights((6, 5, 3), seed) for seed in range(3)]
    x = torch.from_numpy(np.random.default_rng(0).random((3, 7, 6), dtype="float32"))
    stack = stacked_perceptron(arrays)
    for own, shared, seed in zip(stack(x), stack(x[0]), range(3), strict=True):
        alone = perceptron((6, 5, 3), arrays[seed])
        torch.testing.assert_close(own, alone(x[seed]))  # rows of its own
        torch.testing.assert_close(shared, alone(x[0]))  # rows that are given to every seed alike


def outputs_of(theirs, ours, images):
    """PyTorch's and Keras's outputs, training first: that pass moves the running statistics that the next one uses."""
    import torch

    for training in (True, False):
        theirs.train(training)
        yield theirs(torch.from_numpy(images)).detach().numpy(), ours(images, training=training).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("size", [None, 28])
def test_resnet18_is_one_network_in_both_frameworks(size):
    from lrlib.course import keras as in_keras
    from lrlib.course import pytorch as in_torch

    arrays = resnet18_weights(channels=1, classes=10, seed=0, size=size)
    theirs, ours = in_torch.resnet18(arrays), in_keras.resnet18(arrays, size=28)
    count = 11_175_370 if size is None else 4_228_554
    assert sum(array.size for array in arrays) == sum(p.numel() for p in theirs.parameters()) == count
    images = np.random.default_rng(0).random((16, 28, 28, 1), dtype="float32")
    # PyTorch's running variance is unbiased, Keras's is not: at 1 × 1 pixels that is a sixteenth of a tenth.
    for tolerance, (expected, found) in zip((1e-3, 2e-2), outputs_of(theirs, ours, images), strict=True):
        np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


@pytest.mark.slow
def test_the_taps_that_are_cut_from_resnet18_never_matter():
    import torch

    from lrlib.course import pytorch as in_torch

    whole, cut = (resnet18_weights(1, 10, seed=0, size=size) for size in (None, 28))
    random = np.random.default_rng(0)
    images, labels = random.random((24, 28, 28, 1)), random.integers(0, 10, 24)
    losses = []
    for arrays in (whole, cut):
        model = in_torch.resnet18(arrays).double()  # Adam makes much of single precision's rounding
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        losses.append(in_torch.train(model, optimizer, images, labels, batch_order(24, 8, 2, seed=0)).losses)
        if arrays is whole:
            last = model[-4].second[0].weight  # a 3 × 3 kernel that sees one position: only its centre has a gradient
            assert last.shape == (512, 512, 3, 3) and torch.count_nonzero(last.grad) <= last[..., 1, 1].numel()
            assert (last.detach()[..., 0, 0].numpy() == whole[-5][0, 0].T).all()
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


def test_the_cats_and_dogs_network_is_one_network_in_both_frameworks(small_images):
    """Step by step with dropout off; with it each framework draws its own."""
    import keras
    import torch

    from lrlib.course import keras as in_keras
    from lrlib.course import pytorch as in_torch

    arrays = convnet_weights(seed=0)
    theirs, ours = in_torch.convnet(arrays, dropout=False), in_keras.convnet(arrays, dropout=False)
    assert sum(p.numel() for p in theirs.parameters()) == ours.count_params() == 25_546
    images, labels = small_images
    order = batch_order(len(images), 16, 2, seed=0)
    assert (order[-1] >= 0).sum() == 8  # the last batch of an epoch is a smaller one
    torch_run = in_torch.train(theirs, torch.optim.SGD(theirs.parameters(), lr=0.1), images, labels, order)
    keras_run = in_keras.train(ours, keras.optimizers.SGD(0.1), images, labels, order)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=2e-6)
    np.testing.assert_allclose(
        in_keras.evaluate(ours, images, labels), in_torch.evaluate(theirs, images, labels), atol=1e-4
    )


@pytest.mark.parametrize(
    ("network", "count", "l2"),
    [(LENET, 431_080, 0.05), (LENET, 431_080, 0.0), (SMALL10, 11_162, 0.05)],
)
def test_a_pooled_network_is_one_network_in_both_frameworks(network, count, l2):
    """Step by step, the penalty on its weights included; the penalty is no part of the loss that is recorded."""
    import torch

    import lrlib.keras
    from lrlib.course import keras as in_keras
    from lrlib.course import pytorch as in_torch

    arrays = pooled_convnet_weights(network, seed=0)
    theirs, ours = in_torch.pooled_convnet(network, arrays), in_keras.pooled_convnet(network, arrays, l2)
    assert sum(p.numel() for p in theirs.parameters()) == ours.count_params() == count
    random = np.random.default_rng(0)
    images, labels = random.random((40, *network.shape), dtype="float32"), random.integers(0, 10, 40)
    order = batch_order(40, 16, 3, seed=0)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.03, momentum=0.9, weight_decay=l2)
    torch_run = in_torch.train(theirs, sgd, images, labels, order)
    keras_run = in_keras.train(ours, lrlib.keras.SGD(0.03, momentum=0.9), images, labels, order)
    np.testing.assert_allclose(keras_run.losses, torch_run.losses, atol=2e-5)
    if l2:
        without = in_torch.pooled_convnet(network, arrays)
        plain = torch.optim.SGD(without.parameters(), lr=0.03, momentum=0.9)
        assert abs(in_torch.train(without, plain, images, labels, order).losses - torch_run.losses).max() > 1e-3


def test_measuring_leaves_dropout_out_and_the_mode_as_it_was(small_images):
    from lrlib.course import pytorch as in_torch

    model = in_torch.convnet(convnet_weights(seed=0))
    model.train()
    assert len({in_torch.evaluate(model, *small_images) for _ in range(5)}) == 1 and model.training
    model.eval()
    in_torch.evaluate(model, *small_images)
    assert not model.training
