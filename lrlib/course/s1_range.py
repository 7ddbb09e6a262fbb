"""S1's range test: ResNet-18 on the source's subset of MNIST, Adam, 100 rates from 1e-7 to 10. Settings and one trial.

The subset is the official *test* images: the first 8,000 to train on, the last 2,000 held out. Pixels in [0, 1], batch
32.
"""

import dataclasses
from functools import cache
from typing import Any

import numpy as np

from lrlib.course.alike import batch_order, described, resnet18_weights
from lrlib.course.data import mnist
from lrlib.finder import rates

FRAMEWORKS = ("pytorch", "keras")
SEEDS = tuple(range(5))
TRAIN, BATCH, HELD_OUT_BATCH = 8000, 32, 250
SWEEP: dict[str, Any] = {"start": 1e-7, "end": 10.0, "steps": 100}
ADAM_EPSILON = 1e-8  # PyTorch's; Keras's own default is 1e-7


@dataclasses.dataclass(frozen=True)
class Setting:
    """``held_out``: each loss is measured on 250 held-out images after the update, as the source measured, or on the
    training batch before it."""

    held_out: bool

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), **SWEEP, "batch": BATCH, "held_out_batch": HELD_OUT_BATCH, "optimizer": "Adam"}


SETTINGS = {"training-batches": Setting(False), "held-out-batches": Setting(True)}


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return resnet18_weights(1, 10, seed, size=28)


@cache
def network(optimizer: str) -> dict[str, Any]:
    """What is trained here and in S1."""
    return described(
        initial(0),
        initial="convolutions normal, variance 2 / outputs; dense layer uniform, bound 1/sqrt(inputs)",
        loss="cross-entropy",
        split="MNIST's test images: the first 8,000 to train on, the last 2,000 held out",
        batches="32; every epoch a new permutation",
        optimizer=optimizer,
    )


def trains(setting: Setting) -> dict[str, Any]:
    """What a sweep trains."""
    return network("Adam, epsilon 1e-8")


@cache
def images() -> tuple[np.ndarray, np.ndarray]:
    """The 10,000 images, N × 28 × 28 × 1, float32 in [0, 1], and their labels, int64."""
    _, (x, y) = mnist()
    return x[..., None].astype("float32") / 255, y.astype("int64")


def batches(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The sweep's training batches, one a rate."""
    x, y = images()
    return [(x[rows], y[rows]) for rows in batch_order(TRAIN, BATCH, 1, seed)[: SWEEP["steps"]]]


def held_out_batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """The 2,000 held-out images in batches of 250."""
    x, y = images()
    starts = range(TRAIN, len(x), HELD_OUT_BATCH)
    return [(x[i : i + HELD_OUT_BATCH], y[i : i + HELD_OUT_BATCH]) for i in starts]


def trial(setting: Setting, framework: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One sweep from fresh weights; the stored result is the RangeTest as a dict. ``steps``: only its first rates."""
    run = _pytorch if framework == "pytorch" else _keras
    sweep = SWEEP if steps is None else {**SWEEP, "steps": steps, "end": rates(**SWEEP)[steps - 1]}
    return {"range_test": run(seed, held_out_batches() if setting.held_out else None, sweep).to_dict()}


def _pytorch(seed: int, validation: Any, sweep: dict[str, Any]) -> Any:
    import torch

    import lrlib.torch
    from lrlib.course.torch import resnet18

    def tensors(pairs: Any) -> Any:
        return [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in pairs]

    model = resnet18(initial(seed))
    optimizer = torch.optim.Adam(model.parameters(), eps=ADAM_EPSILON)
    held_out = None if validation is None else tensors(validation)
    loss = torch.nn.functional.cross_entropy
    return lrlib.torch.range_test(model, optimizer, loss, tensors(batches(seed)), validation=held_out, **sweep)


def _keras(seed: int, validation: Any, sweep: dict[str, Any]) -> Any:
    import keras

    import lrlib.keras
    from lrlib.course.keras import cross_entropy, resnet18

    model = resnet18(initial(seed), size=28)
    model.compile(keras.optimizers.Adam(epsilon=ADAM_EPSILON), cross_entropy)
    return lrlib.keras.range_test(model, batches(seed), validation=validation, **sweep)
