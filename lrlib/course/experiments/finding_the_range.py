"""B. Krishnan's range test: ResNet-18 on the source's subset of MNIST, Adam, 100 rates from 1e-7 to 10.

The subset is the official *test* images: the first 8,000 to train on, the last 2,000 held out. Pixels in [0, 1], batch
32.
"""

import dataclasses
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

import lrlib
from lrlib.course.data import mnist
from lrlib.course.experiment import Claim, Experiment, Rerun, Rule, each_seed
from lrlib.course.networks import resnet18_weights
from lrlib.course.rules import PublishedValue, Share
from lrlib.course.samples import Runs
from lrlib.course.sources import KRISHNAN
from lrlib.course.training import batch_order, description
from lrlib.finder import ladder

CHAPTER = "finding_the_range"
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


def sweep(share: float = 1.0) -> dict[str, Any]:
    """The ladder of rates, or the first ``share`` of it, as the range tests take it."""
    rates = ladder(**SWEEP)[: round(share * SWEEP["steps"])]
    return {"start": rates[0], "end": rates[-1], "steps": len(rates)}


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> dict[str, Any]:
    """One sweep from fresh weights, or its first part; the stored result is the RangeTest as a dict."""
    held_out = held_out_batches() if setting.held_out else None
    options = {**sweep(share), "diverge": None, "validation": held_out}
    return {"range_test": ended(_SWEEPS[framework](seed, options)).to_dict()}


def ended(result: lrlib.RangeTest) -> lrlib.RangeTest:
    """A sweep up to its first loss above four times the lowest: where those that are stored were ended.

    One loss was enough then; lrlib now waits for several in a row.
    """
    lowest = np.minimum.accumulate(result.losses)
    above = np.flatnonzero(result.losses > 4 * lowest)
    if not len(above):
        return result
    count = int(above[0]) + 1
    return lrlib.RangeTest(result.rates[:count], result.losses[:count], None, "diverged")


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return resnet18_weights(1, 10, seed, size=28)


def _pytorch(seed: int, options: dict[str, Any]) -> lrlib.RangeTest:
    import torch

    import lrlib.torch
    from lrlib.course.pytorch import resnet18

    def tensors(pairs: Any) -> Any:
        return [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in pairs]

    model = resnet18(initial(seed))
    optimizer = torch.optim.Adam(model.parameters(), eps=ADAM_EPSILON)
    held_out = options["validation"]
    options = {**options, "validation": None if held_out is None else tensors(held_out)}
    return lrlib.torch.range_test(
        model, optimizer, torch.nn.functional.cross_entropy, tensors(batches(seed)), **options
    )


def _keras(seed: int, options: dict[str, Any]) -> lrlib.RangeTest:
    import keras

    import lrlib.keras
    from lrlib.course.keras import cross_entropy, resnet18

    model = resnet18(initial(seed), size=28)
    model.compile(keras.optimizers.Adam(epsilon=ADAM_EPSILON), cross_entropy)
    return lrlib.keras.range_test(model, batches(seed), **options)


_SWEEPS = {"pytorch": _pytorch, "keras": _keras}


@cache
def network(optimizer: str, batches: str) -> dict[str, Any]:
    """What is trained here and in ``cycling_on_mnist``."""
    return description(
        initial(0),
        initial="normal, variance 2 / (out · area); dense uniform in ±1/√inputs",
        optimizer=optimizer,
        split=f"the official test images: the first {TRAIN} to train on, the others held out",
        batches=f"{BATCH}, {batches}",
        loss="cross-entropy",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _steepest(result: dict[str, Any]) -> float:
    """The steepest point of a stored sweep; NaN where its curve supports none."""
    found = lrlib.RangeTest.from_dict(result["range_test"]).suggest("steepest").lr
    return float("nan") if found is None else found


def _in_usable_range(result: dict[str, Any]) -> float:
    """1.0 if the steepest point of a sweep lies from 3e-4 to 1e-3."""
    return float(3e-4 <= _steepest(result) <= 1e-3)


def _in_smiths_range(result: dict[str, Any]) -> float:
    """1.0 if 3e-4 to 1e-3 lies within Smith's range of a sweep."""
    found = lrlib.RangeTest.from_dict(result["range_test"]).suggest("smith")
    if found.base_lr is None or found.max_lr is None:
        return 0.0
    return float(found.base_lr <= 3e-4 and found.max_lr >= 1e-3)


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(KRISHNAN, text, setting, rule, CHAPTER)

    runs = Runs(EXPERIMENT, "held-out-batches", _steepest)
    setting = "steepest point, losses on held-out batches; median and range"
    yield claim("the finder suggests 5.21e-4", setting, PublishedValue([runs], [5.21e-4], log=True))
    for text, found, label in (
        ("the suggestion lies in it", _in_usable_range, "the steepest point"),
        ("it lies in Smith's range", _in_smiths_range, "Smith's rule"),
    ):
        share = Share(Runs(EXPERIMENT, "held-out-batches", found))
        yield claim(f"the usable range is 3e-4 to 1e-3: {text}", f"{label}, in more than half of the sweeps", share)


EXPERIMENT = Experiment(
    name="finding_the_range",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=lambda setting, framework: SEEDS,
    trains=lambda setting: network("Adam", "a permutation"),
    rerun=Rerun(0.2, lambda result: result["range_test"]["losses"][:20], first_losses=True),
    claims=_claims,
)
