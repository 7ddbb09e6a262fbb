"""Q-AGREL on scikit-learn's digits, after the hebbnets demo by B. McMenamin.

Q-AGREL learns from rewards, not from labels: the network says a class and is told right or wrong. Layers of 300, 100,
100, 100 and 10 units on 64 pixels, no biases; one image an update; the rate is fixed within an epoch. A trial is ten
repetitions at once; ``pytorch.py`` and ``keras.py`` have the algorithm.
"""

import dataclasses
import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from lrlib import Constant, Schedule, Triangular
from lrlib.course.experiment import NEW, Claim, Experiment, Rerun, Rule, each_seed
from lrlib.course.experiments.q_agrel.draws import EPSILON, Outcome, draw, images, with_random_splits
from lrlib.course.rules import Higher, PublishedValue, Unit
from lrlib.course.samples import Gain, Runs, final
from lrlib.course.sources import MCMENAMIN
from lrlib.course.training import description, whole_epochs
from lrlib.course.words import LONG_LOOKS

SIZES = (64, 300, 100, 100, 100, 10)
SHALLOW = (64, 300, 100, 10)
EPOCHS = 10
REPETITIONS = 10  # a trial: seed 0 stands for repetitions 0 to 9, seed 1 for 10 to 19, and so on
CHAPTER = "q_agrel"
SMALLEST, SMALLEST_ERROR = 1.0, 0.002  # effects of interest: points of accuracy, squared error


@dataclasses.dataclass(frozen=True)
class Setting:
    """``schedule`` counts epochs; ``relu`` is what the source asks for, False what its code runs."""

    schedule: Schedule
    relu: bool = False
    epochs: int = EPOCHS
    sizes: tuple[int, ...] = SIZES

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "schedule": self.schedule.to_dict(), "repetitions": REPETITIONS, "epsilon": EPSILON}


# The source's cycle by its description: a period of 4 epochs, so two up and two down: 0.005, 0.0125, 0.02, 0.0125, …
TRIANGLE = Triangular(0.005, 0.02, step_size=2)
# The same shape wholly below the rates that diverge, and a constant rate with the same mean over ten epochs.
LOW_CYCLE = Triangular(0.0025, 0.0075, step_size=2)
LOW_MEAN = Constant(LOW_CYCLE.describe(EPOCHS)["mean"])

SETTINGS: dict[str, Setting] = {
    # As the source's code runs: linear. Its "cyclical" run is the constant 0.005.
    "linear-0.005": Setting(Constant(0.005)),
    "linear-0.01": Setting(Constant(0.01)),
    # As it says its cycle runs, and the mean rate of that cycle.
    "linear-triangle": Setting(TRIANGLE),
    "linear-0.0125": Setting(Constant(0.0125)),
    # The fair comparison.
    "linear-low-cycle": Setting(LOW_CYCLE),
    "linear-low-mean": Setting(LOW_MEAN),
    "linear-0.0075": Setting(Constant(0.0075)),
    # "Deeper than necessary … to better highlight the differences": the same with two layers fewer.
    "shallow-0.005": Setting(Constant(0.005), sizes=SHALLOW),
    "shallow-0.01": Setting(Constant(0.01), sizes=SHALLOW),
    "shallow-low-cycle": Setting(LOW_CYCLE, sizes=SHALLOW),
    "shallow-low-mean": Setting(LOW_MEAN, sizes=SHALLOW),
    # As it says its network is: ReLU.
    **{f"relu-{rate}": Setting(Constant(rate), relu=True) for rate in (0.005, 0.01, 0.0125, 0.02)},
    "relu-triangle": Setting(TRIANGLE, relu=True),
    **{f"relu-30-{rate}": Setting(Constant(rate), relu=True, epochs=30) for rate in (0.01, 0.0125, 0.02)},
    "relu-30-triangle": Setting(TRIANGLE, relu=True, epochs=30),
}


def seeds_of(setting: str, framework: str) -> tuple[int, ...]:
    """Forty repetitions at the edge of stability, twenty where small differences are looked for, else ten."""
    if setting == "linear-0.01":
        return (0, 1, 2, 3)
    paired = ("linear-0.005", "linear-0.0075", "linear-low-cycle", "linear-low-mean")
    return (0, 1) if setting in paired or setting.startswith("shallow") else (0,)


def _stored(error: float) -> float | None:
    """Four digits; JSON has no word for what is not finite."""
    return float(f"{error:.4g}") if math.isfinite(error) else None


def trial(setting: Setting, framework: str, seed: int, share: float = 1.0) -> dict[str, Any]:
    """Run ten repetitions of ``setting``; lists have one item a repetition.

    The source clips weights at ±10⁶. Here they may overflow instead: a repetition that gets there is lost either way,
    and an overflow cannot pass for a result.
    """
    repetitions = range(REPETITIONS * seed, REPETITIONS * (seed + 1))
    draws = draw(setting.sizes, repetitions, whole_epochs(setting.epochs, share))
    data, draws = with_random_splits(draws, repetitions) if seed >= NEW else (images(), draws)
    outcome = _RUNS[framework](setting.schedule, data, draws, setting.relu)
    weights = [*outcome.forward, *outcome.feedback]
    return {
        "rates": [float(setting.schedule(epoch)) for epoch in range(setting.epochs)],
        "accuracy_each": outcome.accuracies[-1].tolist(),
        "epoch_accuracy_each": [[round(percent, 1) for percent in one] for one in outcome.accuracies.T.tolist()],
        "epoch_error_each": [[_stored(error) for error in one] for one in outcome.errors.T.tolist()],
        "diverged_each": [not all(np.isfinite(w[i]).all() for w in weights) for i in range(REPETITIONS)],
    }


def _pytorch(*arguments: Any) -> Outcome:
    from lrlib.course.experiments.q_agrel import pytorch

    return pytorch.run(*arguments)


def _keras(*arguments: Any) -> Outcome:
    from lrlib.course.experiments.q_agrel import keras

    return keras.run(*arguments)


_RUNS = {"pytorch": _pytorch, "keras": _keras}


def _trains(setting: Setting) -> dict[str, Any]:
    draws = draw(setting.sizes, [0], epochs=0)
    return description(
        [*draws.forward, *draws.feedback],
        initial="Glorot-uniform, no biases",
        optimizer="Q-AGREL's local rule",
        split="every fifth row tests; random by repetition from seed 100 on",
        batches="one image, a new permutation each epoch",
        loss="squared error of the reward's prediction",
    )


# ---- Claims ----------------------------------------------------------------------------------------------------------


def _claims() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim(MCMENAMIN, text, setting, rule, CHAPTER)

    accuracy = final("accuracy_each")

    def runs(name: str) -> Runs:
        return Runs(EXPERIMENT, name, accuracy)

    compared = partial(Higher, smallest=SMALLEST, looks=LONG_LOOKS)

    for text, name, figure in (
        ("constant 0.01: 70.417 %", "linear-0.01", 70.417),
        ("cyclical: 90.694 %", "linear-0.005", 90.694),
    ):
        setting = f"as the code runs: {name.replace('-', ', ')}; means of ten"
        rival = 90.694 if name == "linear-0.01" else 70.417
        yield claim(text, setting, PublishedValue([runs(name)], [figure], [[rival]], mean_of=10))
    yield claim(
        "a cyclical rate gives higher accuracy than a constant one",
        "cycle 0.0025 to 0.0075 against its mean rate",
        compared(
            runs("linear-low-cycle"),
            runs("linear-low-mean"),
            as_written=compared(runs("linear-0.005"), runs("linear-0.01")),
        ),
    )
    yield claim(
        "the same, with the cycle that the text describes",
        "cycle 0.005 to 0.02 against constant 0.01",
        compared(runs("linear-triangle"), runs("linear-0.01")),
    )
    yield claim(
        "the same, with the ReLU that the text names",
        "cycle 0.005 to 0.02 against constant 0.0125",
        compared(runs("relu-triangle"), runs("relu-0.0125")),
    )

    def error_after_7(result: dict[str, Any]) -> list[float]:
        return [errors[6] for errors in result["epoch_error_each"]]

    def lower_error(ours: str, theirs: str, as_written: Higher | None = None) -> Higher:
        return Higher(
            Runs(EXPERIMENT, ours, error_after_7),
            Runs(EXPERIMENT, theirs, error_after_7),
            SMALLEST_ERROR,
            lower=True,
            as_written=as_written,
            digits=4,
            unit=Unit("squared error"),
            looks=LONG_LOOKS,
        )

    yield claim(
        "the cyclical run converges faster",
        "mean squared prediction error in epoch 7; cycle 0.0025 to 0.0075 against its mean rate",
        lower_error("linear-low-cycle", "linear-low-mean", as_written=lower_error("linear-0.005", "linear-0.01")),
    )
    yield claim(
        "a network deeper than needed shows the difference better",
        "gain of the low cycle over its mean rate, four hidden layers against two",
        compared(
            Gain(runs("linear-low-cycle"), runs("linear-low-mean")),
            Gain(runs("shallow-low-cycle"), runs("shallow-low-mean")),
            as_written=compared(
                Gain(runs("linear-0.005"), runs("linear-0.01")), Gain(runs("shallow-0.005"), runs("shallow-0.01"))
            ),
        ),
    )


EXPERIMENT = Experiment(
    name="q_agrel",
    settings=SETTINGS,
    run=each_seed(trial),
    seeds=seeds_of,
    trains=_trains,
    rerun=Rerun(0.2, lambda result: [errors[:2] for errors in result["epoch_error_each"]]),
    tested=360,
    repetitions=REPETITIONS,
    claims=_claims,
)
