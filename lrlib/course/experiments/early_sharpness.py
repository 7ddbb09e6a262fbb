"""Why the runs of one-cycle need a rise: the sharpness in the first updates, with and without one.

The network, batches and optimizer of ``one_cycle``, its cosine from the peak and the same after a rise of one epoch. At
some of the first updates the largest eigenvalue of the loss's Hessian is measured on the first 512 training images,
the penalty left out. With momentum μ the rate η is stable on a parabola up to a curvature of 2(1 + μ)/η.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Result, each_seed
from lrlib.course.experiments import one_cycle
from lrlib.course.experiments.constant_rates import sharpness
from lrlib.course.networks import LENET
from lrlib.course.rules import Higher, Unit
from lrlib.course.samples import Measure, Runs
from lrlib.course.sources import OUR_READING
from lrlib.course.training import Curve, batch_order

PROBED = 512  # images
SMALLEST = 1.0  # the smallest effect of interest: one doubling of the sharpness


@dataclasses.dataclass(frozen=True)
class Setting:
    """A schedule of ``one_cycle``, measured after the updates numbered in ``measured``."""

    schedule: str
    measured: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**one_cycle.SETTINGS[self.schedule].to_dict(), "measured": list(self.measured), "probed": PROBED}


SETTINGS = {
    "bare": Setting("cosine", (0, 3, 6, 9, 12)),
    "risen": Setting("warmup-cosine", (0, 6, 12, 18, 24, 30, 60, one_cycle.PER_EPOCH)),
}


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> Result:
    """Loss and sharpness in the first updates, or a share of these; None where they are not finite."""
    measured = setting.measured[: max(2, round(share * len(setting.measured)))]
    (x, y), _ = one_cycle.images()
    bench = one_cycle.bench_of(one_cycle.SETTINGS[setting.schedule], framework, seed)
    curve = Curve("loss", "sharpness")

    def on_pause(update: int) -> None:
        curve.add(update, *probe(framework, bench.weights()))

    on_pause(0)
    order = batch_order(len(x), one_cycle.BATCH, 1, seed)[: measured[-1]]
    history = bench.train(x, y, order, measured, on_pause)
    return {
        "rates": [float(rate) for rate in history.rates[[update - 1 for update in measured[1:]]]],
        "curve": curve.columns,
        "diverged": None in curve.columns["loss"],
    }


def probe(framework: str, weights: Sequence[np.ndarray]) -> tuple[float | None, float | None]:
    """(loss, sharpness) at these weights, which are in the framework's layout. One probe serves both: PyTorch's."""
    import torch

    from lrlib.course.pytorch import pooled_convnet

    model = pooled_convnet(LENET, [*weights] if framework == "keras" else one_cycle.initial(0))
    if framework == "pytorch":
        with torch.no_grad():
            for parameter, array in zip(model.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(array))
    (x, y), _ = one_cycle.images()
    outputs = model(torch.from_numpy(x[:PROBED]))
    loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(y[:PROBED]).long())
    found = loss.item(), sharpness(loss, list(model.parameters()))
    return tuple(number if math.isfinite(number) else None for number in found)  # type: ignore[return-value]


def highest(result: Result, first: int, last: int) -> float:
    """The highest sharpness measured from one update to another; NaN where the run was lost by then."""
    columns = zip(result["curve"]["update"], result["curve"]["sharpness"], strict=True)
    between = [sharp for update, sharp in columns if first <= update <= last]
    return math.nan if None in between else max(between)


def _doublings(first: int, last: int) -> Measure:
    """:func:`highest` as log₂, so in doublings."""
    return Measure(lambda result: math.log2(highest(result, first, last)))


def _claims() -> Iterable[Claim]:
    end = one_cycle.PER_EPOCH
    early, late = (Runs(EXPERIMENT, "risen", _doublings(*between)) for between in ((0, 30), (end, end)))
    yield Claim(
        OUR_READING,
        "during a warm-up the network is sharp early and flatter at its end",
        "LeNet on MNIST, a rise of one epoch: the highest sharpness in 30 updates against that at the end of the rise",
        Higher(early, late, SMALLEST, unit=Unit("doublings")),
        one_cycle.CHAPTER,
    )


EXPERIMENT = Experiment(
    name="early_sharpness",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=lambda setting, framework: range(NEW, NEW + 5),
    trains=lambda setting: one_cycle.trains(one_cycle.SETTINGS[setting.schedule]),
    rerun=Rerun(0.25, lambda result: result["curve"]["sharpness"][:2]),
    new_seeds={"pytorch": 20, "keras": 5},
    claims=_claims,
)
