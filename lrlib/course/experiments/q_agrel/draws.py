"""What a Q-AGREL run is given and what it returns, the same in both frameworks: images, random draws, outcome."""

import itertools
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from lrlib.course.data import digits
from lrlib.course.networks import glorot
from lrlib.course.training import random_split

EPSILON = 0.5  # the share of actions that are sampled, all through; the source calls it a temperature


class Data(NamedTuple):
    """Images as float32 rows of 64 pixels, and their labels; those to test on may have an axis over repetitions."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@cache
def images() -> Data:
    """The digits as the source has them: every fifth row is test."""
    x, y = pixels()
    test = np.arange(len(x)) % 5 == 0
    return Data(x[~test], y[~test], x[test], y[test])


@cache
def pixels() -> tuple[np.ndarray, np.ndarray]:
    """All rows, scaled by percentiles of all of them as the source does, and their labels."""
    x, y = digits()
    x = x - np.percentile(x, 1)
    return (x / np.percentile(x, 99)).astype("float32"), y


def with_random_splits(draws: "Draws", repetitions: Iterable[int]) -> tuple[Data, "Draws"]:
    """The same draws, each repetition with a split of its own: rows of all images, test images by repetition."""
    x, y = pixels()
    sizes = [len(images().x), len(images().x_test)]
    train, test = map(np.stack, zip(*(random_split(len(x), sizes, number) for number in repetitions), strict=True))
    rows = np.take_along_axis(train.T[None], draws.rows, axis=1)
    return Data(x, y, x[test], y[test]), draws._replace(rows=rows)


class Draws(NamedTuple):
    """All that is random in a group of repetitions. Every array has an axis over repetitions."""

    forward: list[np.ndarray]  # W_l: repetitions × n_{l−1} × n_l
    feedback: list[np.ndarray]  # V_l: repetitions × n_l × n_{l−1}
    rows: np.ndarray  # epochs × images × repetitions: the order in which each repetition sees the images
    explore: np.ndarray  # of the same shape: whether the action is sampled
    uniform: np.ndarray  # of the same shape: the number in [0, 1) that samples it


def draw(sizes: tuple[int, ...], repetitions: Iterable[int], epochs: int, images: int = 1437) -> Draws:
    """Both frameworks are given these. A repetition's draws depend on its number only, not on those beside it."""
    numbers = list(repetitions)
    shape = epochs, images, len(numbers)
    rows, explore, uniform = np.empty(shape, "int64"), np.empty(shape, bool), np.empty(shape, "float32")
    forward, feedback = [], []
    for place, number in enumerate(numbers):
        random = np.random.default_rng([number, 0])
        forward.append([glorot(random, *layer) for layer in itertools.pairwise(sizes)])
        feedback.append([glorot(random, *layer[::-1]) for layer in itertools.pairwise(sizes)])
        random = np.random.default_rng([number, 1])
        for epoch in range(epochs):
            rows[epoch, :, place] = random.permutation(images)
            explore[epoch, :, place] = random.random(images) < EPSILON
            uniform[epoch, :, place] = random.random(images)
    W, V = ([np.stack(layer) for layer in zip(*weights, strict=True)] for weights in (forward, feedback))
    return Draws(W, V, rows, explore, uniform)


class Outcome(NamedTuple):
    """What a run returns: epochs × repetitions, and the weights that it ends with, as in :class:`Draws`."""

    errors: np.ndarray  # the mean of δ² over the epoch, as the source logs it
    accuracies: np.ndarray  # after the epoch, on the test images, percent
    forward: list[np.ndarray]
    feedback: list[np.ndarray]


def accuracy(q: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Percent, one a repetition; ``q`` is repetitions × images × classes.

    A repetition that has diverged says NaN to everything, which NumPy's argmax reads as class 0.
    """
    return 100 * (q.argmax(2) == labels).mean(1)
