"""Cyclical rates on a subset of MNIST with ResNet-18, after B. Krishnan.

The subset is the official *test* images: the first 8,000 to train on, the last 2,000 for validation. Pixels in [0, 1],
batch 32, so 250 updates an epoch; 8 epochs. 10,000 of the official training images serve as a test set that neither
the source nor a choice of ours has seen.
"""

import dataclasses
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from lrlib import Constant, Cosine, Linear, Schedule, StepDecay, Triangular
from lrlib.course.data import mnist
from lrlib.course.experiment import Claim, Experiment, Rerun, Rule, each_seed
from lrlib.course.experiments.finding_the_range import ADAM_EPSILON, BATCH, TRAIN, initial, network
from lrlib.course.experiments.finding_the_range import images as subset
from lrlib.course.rules import Fact, Higher, PublishedValue, Unit, Untestable
from lrlib.course.samples import Gain, Runs, at_update, mean_of_measures
from lrlib.course.sources import KRISHNAN
from lrlib.course.training import Bench, batch_order, packed, record_by_epoch, whole_epochs

CHAPTER = "cycling_on_mnist"
EPOCHS = 8
TEST = 10_000
PER_EPOCH = TRAIN // BATCH
UPDATES = EPOCHS * PER_EPOCH
SMALLEST, SMALLEST_LOG = 0.2, 0.1  # effects of interest: points of accuracy, log10 of a loss
SHOWN = 50  # the training loss is stored as means over this many updates


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts updates. SGD has momentum 0.9, by PyTorch's rule in both frameworks."""

    schedule: Schedule
    optimizer: str = "Adam"

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "batch": BATCH, "epochs": EPOCHS}


_MAIN = {
    "cyclical": Setting(Triangular(1e-3, 1e-2, step_size=2 * PER_EPOCH)),
    "fixed": Setting(Constant(1e-3)),
}
SETTINGS: dict[str, Setting] = {
    **_MAIN,
    # What the source lacks: the fixed rate, annealed; and a single decay from the cycle's maximum.
    "linear": Setting(Linear(1e-3, 0.0, UPDATES)),
    "cosine": Setting(Cosine(1e-2, 0.0, UPDATES)),
    "step": Setting(StepDecay(1e-3, 0.1, every=6 * PER_EPOCH)),
    # What the source's range test advised, followed.
    "fixed-advised": Setting(Constant(5.21e-4)),
    "cyclical-advised": Setting(Triangular(3e-4, 1e-3, step_size=2 * PER_EPOCH)),
    "cyclical-sgd": Setting(_MAIN["cyclical"].schedule, "SGD"),
    "fixed-sgd": Setting(_MAIN["fixed"].schedule, "SGD"),
}


def seeds_of(setting: str, framework: str) -> tuple[int, ...]:
    """Three of the source's own pair in each framework; of the controls three in PyTorch and one in Keras."""
    return (0, 1, 2) if setting in _MAIN or framework == "pytorch" else (0,)


@cache
def held_out_test() -> tuple[np.ndarray, np.ndarray]:
    """The first 10,000 official training images, in the form of :func:`finding_the_range.images`."""
    (x, y), _ = mnist()
    return x[:TEST, ..., None].astype("float32") / 255, y[:TEST].astype("int64")


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates, losses, validation by epoch, the held-out test.

    The test images are read once, after a whole run: one that is cut short does not read them.
    """
    (x, y), epochs = subset(), whole_epochs(EPOCHS, share)
    order = batch_order(TRAIN, BATCH, epochs, seed)[: round(share * UPDATES)]  # an only epoch may be cut short
    bench = _BENCHES[framework](setting, seed)
    history, result = record_by_epoch(bench, (x[:TRAIN], y[:TRAIN]), order, epochs, (x[TRAIN:], y[TRAIN:]), images=True)
    losses = history.losses.reshape(-1, SHOWN).mean(1).tolist()
    result |= {f"loss_every_{SHOWN}": losses}
    if share < 1:
        return result
    right = bench.right(*held_out_test())
    return result | {"test_accuracy": 100 * float(right.mean()), "right": {str(len(order)): packed(right)}}


def _pytorch(setting: Setting, seed: int) -> Bench:
    import torch

    from lrlib.course.pytorch import bench, resnet18

    model = resnet18(initial(seed))
    optimizer: torch.optim.Optimizer
    if setting.optimizer == "Adam":
        optimizer = torch.optim.Adam(model.parameters(), eps=ADAM_EPSILON)
    else:
        optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    return bench(model, optimizer, setting.schedule)


def _keras(setting: Setting, seed: int) -> Bench:
    import keras

    import lrlib.keras
    from lrlib.course.keras import bench, resnet18

    model = resnet18(initial(seed), size=28)
    if setting.optimizer == "Adam":
        return bench(model, keras.optimizers.Adam, setting.schedule, epsilon=ADAM_EPSILON)
    return bench(model, lrlib.keras.SGD, setting.schedule, momentum=0.9)


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def _trains(setting: Setting) -> dict[str, Any]:
    optimizer = "Adam" if setting.optimizer == "Adam" else "SGD, momentum 0.9, by PyTorch's rule"
    return network(optimizer, "a new permutation each epoch")


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _is_share_of_the_images(framework: str) -> tuple[bool, str]:
    """Whether the source's 98.2638 % of 2,000 images is a whole number of them, to its printed digits."""
    images = {count: 0.982638 * count for count in (2000, 2016)}
    whole = abs(images[2000] - round(images[2000])) < 5e-7 * 2000
    return whole, "; ".join(f"{number:.2f} of {count}" for count, number in images.items())


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(KRISHNAN, text, setting, rule, CHAPTER)

    def watched(name: str, *epochs: int) -> Runs:
        """The accuracy on the 2,000 validation images after an epoch; the mean over several."""
        updates = [epoch * PER_EPOCH for epoch in epochs]
        return Runs(
            EXPERIMENT, name, mean_of_measures([at_update(update, right="watched_right") for update in updates])
        )

    def log_loss(epoch: int) -> Runs:
        return Runs(EXPERIMENT, "cyclical", lambda result: np.log10(result["curve"]["loss"][epoch - 1]))

    def runs(name: str) -> Runs:
        return Runs(EXPERIMENT, name)

    setting = "as the text runs it; validation images"
    yield claim(
        "98.2638 % is an accuracy on the 2,000 validation images",
        "images that it stands for",
        Fact(_is_share_of_the_images),
    )
    corrected = f"{setting}; the printed figures, times 2016/2000"
    yield claim(
        "cyclical: 98.95 % after 4 epochs, 99.05 % after 8",
        corrected,
        PublishedValue([watched("cyclical", 4), watched("cyclical", 8)], [98.95, 99.05], new=True),
    )
    yield claim(
        "fixed: 97.05 % and 98.45 % after 8 epochs, two runs",
        corrected,
        PublishedValue([watched("fixed", 8)] * 2, [97.05, 98.45], new=True),
    )
    yield claim(
        "fewer iterations: cyclical after 4 epochs beats fixed after 8",
        setting,
        Higher(watched("cyclical", 4), watched("fixed", 8), SMALLEST),
    )
    written = Higher(runs("cyclical"), runs("fixed"), SMALLEST)
    yield claim(
        "at equal epochs, cyclical beats no cycle",
        "8 epochs, against one line from 1e-3 to zero; as written: against fixed 1e-3",
        Higher(runs("cyclical"), runs("linear"), SMALLEST, as_written=written),
    )
    for name, label in (("cosine", "one cosine from 1e-2 to zero"), ("step", "1e-3, a tenth of it after 6 epochs")):
        yield claim(
            f"the same, beside a further control ({name})",
            f"8 epochs, against {label}",
            Higher(runs("cyclical"), runs(name), SMALLEST),
        )
    yield claim("it combines with adaptive methods", "Adam, 8 epochs, against fixed 1e-3", written)
    yield claim(
        "… and more so than with plain gradients",
        "gain over fixed 1e-3: Adam's against SGD's with momentum 0.9",
        Higher(Gain(runs("cyclical"), runs("fixed")), Gain(runs("cyclical-sgd"), runs("fixed-sgd")), SMALLEST),
    )
    yield claim(
        "the finder's rate is the one to use: 5.21e-4 beats 1e-3",
        "fixed, 8 epochs",
        Higher(runs("fixed-advised"), runs("fixed"), SMALLEST),
    )
    yield claim(
        "the finder's range is the one to cycle in: 3e-4 to 1e-3 beats 1e-3 to 1e-2",
        "triangular, 8 epochs",
        Higher(runs("cyclical-advised"), runs("cyclical"), SMALLEST),
    )
    yield claim(
        "no need to tune",
        "–",
        Untestable(
            "of two settings a spread is the size of one difference, which cannot be told from the seeds' noise"
        ),
    )
    yield claim(
        "stop at the end of a cycle, on its own task",
        "cyclical: after 4 epochs, the end of a cycle, against the mean at the peaks on both sides",
        Higher(watched("cyclical", 4), watched("cyclical", 2, 6), SMALLEST),
    )
    yield claim(
        "raising the rate hurts briefly, on its own task",
        "cyclical: log10 of the validation loss at the second peak, against at the end before",
        Higher(log_loss(6), log_loss(4), SMALLEST_LOG, unit=Unit("log10 of loss")),
    )


EXPERIMENT = Experiment(
    name="cycling_on_mnist",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=seeds_of,
    trains=_trains,
    fixed_test=True,
    rerun=Rerun(SHOWN / UPDATES, lambda result: result[f"loss_every_{SHOWN}"][:1]),
    claims=_claims,
)
