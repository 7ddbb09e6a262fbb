"""What a schedule costs in a Keras graph, as ratios to Keras's own schedules: what each adds to a constant rate.

python tests/benchmarks/keras_graph.py

TensorFlow's backend, as ``fit`` compiles it, without XLA (which makes all of them vanish).
"""

import os
import sys
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from timing import medians, report

import lrlib
import lrlib.keras

UPDATES = 20_000
N = 50_000
own = keras.optimizers.schedules
cosine = own.CosineDecay(0.1, N)
warm_cosine = own.CosineDecay(0.0, N, warmup_target=0.1, warmup_steps=1000)
WARM_COSINE = lrlib.Linear(0.0, 0.1, 1000).then(lrlib.Cosine(0.1, 0.0, N))
# (ours, Keras's, at most): Keras has no one-cycle and no triangle, so that the nearest stands in.
PAIRS = {
    "cosine": (lrlib.Cosine(0.1, 0.0, N), cosine, 1.0),
    "warm-up, then cosine": (WARM_COSINE, warm_cosine, 1.0),
    "piecewise": (lrlib.Piecewise([9, 99], [0.3, 0.2, 0.1]), own.PiecewiseConstantDecay([9, 99], [0.3, 0.2, 0.1]), 1.0),
    "one-cycle (Keras: with warm-up)": (lrlib.OneCycle(0.1, N), warm_cosine, 1.0),
    "step, ended by take": (
        lrlib.StepDecay(0.1, 0.5, 100).take(N),
        own.ExponentialDecay(0.1, 100, 0.5, staircase=True),
        1.0,
    ),
    "cosine longer than the table": (lrlib.Cosine(0.1, 0.0, 10**6), own.CosineDecay(0.1, 10**6), 8.0),
    "step, endless": (lrlib.StepDecay(0.1, 0.5, 100), own.ExponentialDecay(0.1, 100, 0.5, staircase=True), 8.0),
}


def summed(rate: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[], tf.Tensor]:
    """A compiled loop over the first updates, which asks for the rate of each."""

    @tf.function
    def loop() -> tf.Tensor:
        total = tf.constant(0.0)
        for t in tf.range(tf.constant(UPDATES, tf.int64)):
            total += rate(t)
        return total

    return loop


def main() -> int:
    good = []
    print(f"{UPDATES} updates in a graph: time above that of a constant rate")
    for name, (ours, theirs, at_most) in PAIRS.items():
        taken = medians(
            {
                "constant": summed(lambda t: tf.constant(0.1)),
                "ours": summed(lrlib.keras.Schedule(ours)),
                "theirs": summed(theirs),
            },
            rounds=9,
        )
        above = {which: (taken[which] - taken["constant"]) / UPDATES * 1e6 for which in ("ours", "theirs")}
        print(f"{'':42} {above['ours']:.2f} against {above['theirs']:.2f} µs an update")
        good.append(report(name, above["ours"], above["theirs"], at_most))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
