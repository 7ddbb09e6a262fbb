"""One-cycle and super-convergence, after L. N. Smith (arXiv 1803.09820): LeNet on MNIST.

Caffe's LeNet, pixels in [0, 1], batch 512, so 118 updates an epoch; SGD by PyTorch's momentum rule, L2 penalty 5e-4.
The paper's two runs, and the controls that it lacks, in as many epochs as its cycle: a cosine and a line from its peak
to zero. Begun at the peak they diverge; so they are also run after a rise of one epoch, and the line from a lower peak.
"""

import dataclasses
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

import numpy as np

from lrlib import Constant, Cosine, Linear, OneCycle, Schedule, StepDecay
from lrlib.course.data import mnist
from lrlib.course.experiment import Claim, Experiment, Rerun, Rule, each_seed
from lrlib.course.networks import LENET, pooled_convnet_weights
from lrlib.course.rules import Higher, PublishedValue
from lrlib.course.samples import Runs
from lrlib.course.sources import PAPERS
from lrlib.course.training import Bench, batch_order, description, packed, record_by_epoch, whole_epochs

CHAPTER = "one_cycle"
BATCH = 512
PER_EPOCH = -(-60_000 // BATCH)
LONG, SHORT = 85, 12  # epochs
UPDATES = SHORT * PER_EPOCH
L2 = 5e-4
SMALLEST = 0.1  # the smallest effect of interest, in points of test accuracy
RISE = int(0.45 * UPDATES)  # as long as the fall; the last tenth goes on to a hundredth of the first rate


_ONE_MOMENTUM = Constant(0.9)


@dataclasses.dataclass(frozen=True)
class Setting:
    """Both schedules count updates."""

    schedule: Schedule
    momentum: Schedule = _ONE_MOMENTUM
    epochs: int = SHORT

    def to_dict(self) -> dict[str, Any]:
        schedules = {"schedule": self.schedule.to_dict(), "momentum": self.momentum.to_dict()}
        return {**schedules, "epochs": self.epochs, "batch": BATCH, "l2": L2}


_CYCLE = OneCycle(0.1, UPDATES, 0.45, div_factor=10, final_div_factor=100, anneal="linear", three_phase=True)
_WARMUP = Linear(0.01, 0.1, PER_EPOCH)
SETTINGS: dict[str, Setting] = {
    # The paper does not say where its step decay drops; here by ten after each third of the run.
    "step-85": Setting(StepDecay(0.01, 0.1, every=-(-LONG * PER_EPOCH // 3)), epochs=LONG),
    "one-cycle": Setting(_CYCLE, Linear(0.95, 0.8, RISE).then(Linear(0.8, 0.95, RISE))),
    "one-cycle-one-momentum": Setting(_CYCLE),
    "warmup-cosine": Setting(_WARMUP.then(Cosine(0.1, 0.0, UPDATES - PER_EPOCH))),
    "warmup-linear": Setting(_WARMUP.then(Linear(0.1, 0.0, UPDATES - PER_EPOCH))),
    "linear-0.03": Setting(Linear(0.03, 0.0, UPDATES)),
    "cosine": Setting(Cosine(0.1, 0.0, UPDATES)),
    "linear": Setting(Linear(0.1, 0.0, UPDATES)),
}


def seeds_of(setting: str, framework: str) -> tuple[int, ...]:
    """Five; of the long run and of the lower peak three in PyTorch and one in Keras; of those that diverge one."""
    if setting in ("step-85", "linear-0.03"):
        return (0, 1, 2) if framework == "pytorch" else (0,)
    return (0,) if setting in ("cosine", "linear") else tuple(range(5))


def initial(seed: int) -> list[np.ndarray]:
    """The initial weights, in both frameworks."""
    return pooled_convnet_weights(LENET, seed)


@cache
def images() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST: N × 28 × 28 × 1, float32 in [0, 1], with its labels, to train on and to test."""
    (x, y), (x_test, y_test) = mnist()
    return (x[..., None].astype("float32") / 255, y), (x_test[..., None].astype("float32") / 255, y_test)


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> dict[str, Any]:
    """Run ``setting`` once and return what is stored: rates, losses, test loss and accuracy by epoch.

    The test images are looked at after every epoch, as the paper does; nothing is chosen by them.
    """
    (x, y), test = images()
    epochs = whole_epochs(setting.epochs, share)
    order = batch_order(len(x), BATCH, epochs, seed)
    bench = bench_of(setting, framework, seed)
    _, result = record_by_epoch(bench, (x, y), order, epochs, test)
    right = {str(len(order)): packed(bench.right(*test))}
    return {**result, "test_accuracy": result["curve"]["accuracy"][-1], "right": right}


def bench_of(setting: Setting, framework: str, seed: int) -> Bench:
    """The network under a setting's schedules."""
    return _BENCHES[framework](setting, seed)


def _pytorch(setting: Setting, seed: int) -> Bench:
    import torch

    from lrlib.course.pytorch import bench, pooled_convnet

    model = pooled_convnet(LENET, initial(seed))
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9, weight_decay=L2)
    return bench(model, optimizer, setting.schedule, momentum=setting.momentum)


def _keras(setting: Setting, seed: int) -> Bench:
    import lrlib.keras
    from lrlib.course.keras import bench, pooled_convnet

    model = pooled_convnet(LENET, initial(seed), l2=L2)
    return bench(model, lrlib.keras.SGD, setting.schedule, momentum=setting.momentum)


_BENCHES = {"pytorch": _pytorch, "keras": _keras}


def trains(setting: Setting) -> dict[str, Any]:
    """What a trial trains."""
    return description(
        initial(0),
        initial="Glorot-uniform, zero biases",
        optimizer="SGD by PyTorch's momentum rule",
        split="the source's",
        batches=f"{BATCH}, a new permutation each epoch",
        loss="cross-entropy and an L2 penalty",
    )


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(PAPERS, f"one-cycle: {text}", setting, rule, CHAPTER)

    runs = partial(Runs, EXPERIMENT)
    faster = Higher(runs("one-cycle"), runs("step-85"), SMALLEST)
    # The report gives means and spreads and not the number of runs: two are the fewest that have a spread.
    reported = partial(PublishedValue, mean_of=2, new=True)
    yield claim(
        "99.25 % after 12 epochs",
        "LeNet on MNIST, batch 512; mean 99.25 ± 0.03",
        reported([runs("one-cycle")], [99.25], [[99.00]], sd=0.03),
    )
    yield claim(
        "99.00 % after 85 epochs of step decay",
        "the drops are ours; mean 99.00 ± 0.04",
        reported([runs("step-85")], [99.00], [[99.25]], sd=0.04),
    )
    yield claim("12 epochs of it are better than 85 of step decay", "test accuracy", faster)
    yield claim(
        "it is the cycle that makes it so",
        "against a line to zero from its peak, after a rise of one epoch; 12 epochs each",
        Higher(runs("one-cycle"), runs("warmup-linear"), SMALLEST, as_written=faster),
    )
    yield claim(
        "momentum that falls while the rate rises helps",
        "against momentum 0.9",
        Higher(runs("one-cycle"), runs("one-cycle-one-momentum"), SMALLEST),
    )


EXPERIMENT = Experiment(
    name="one_cycle",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=seeds_of,
    fixed_test=True,
    trains=trains,
    rerun=Rerun(1 / LONG, lambda result: result["epoch_loss"][:1]),
    claims=_claims,
)
