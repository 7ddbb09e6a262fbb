"""Ten repetitions of Q-AGREL at once against a lean NumPy loop over the same ten, one after another, with equal errors.

python tests/benchmarks/q_agrel.py

Timed is the first of ten epochs, with its test, on one thread. The loop is timed in float64, NumPy's own precision and
the source's, and in float32, which is what the frameworks run; and once more with BLAS's rank-one update from SciPy,
which NumPy lacks. Beside PyTorch stands Keras, its compilation set apart.
"""

import sys
import time

import numpy as np
from scipy.linalg.blas import get_blas_funcs
from timing import medians, report

from lrlib import Constant
from lrlib.course import pytorch
from lrlib.course.experiments.q_agrel import SIZES
from lrlib.course.experiments.q_agrel.draws import Draws, accuracy, draw, images
from lrlib.course.experiments.q_agrel.pytorch import run

RATE = 0.005
GER = {kind: get_blas_funcs("ger", dtype=kind) for kind in "fd"}


def outer(w: np.ndarray, a: np.ndarray, b: np.ndarray, kept: np.ndarray) -> None:
    """w += a bᵀ, in place, with no new array."""
    np.multiply(a[:, None], b, out=kept)
    np.add(w, kept, out=w)


def blas(w: np.ndarray, a: np.ndarray, b: np.ndarray, kept: np.ndarray) -> None:
    """The same in one pass over w."""
    GER[w.dtype.char](1.0, b, a, a=w.T, overwrite_a=True)


def numpy_loop(draws: Draws, dtype: str = "float64", update=outer) -> np.ndarray:
    """One repetition after another, linear: the mean of δ², one a repetition."""
    data = images()
    x, y, x_test = data.x.astype(dtype), data.y, data.x_test.astype(dtype)
    actions = np.eye(10, dtype=dtype)
    errors = []
    for repetition in range(10):
        W, V = ([w[repetition].astype(dtype) for w in layers] for layers in draws[:2])
        kept = [[np.empty_like(w) for w in layers] for layers in (W, V)]
        layers = list(zip(W, V, *kept, strict=True))
        given = (array[0, :, repetition].tolist() for array in draws[2:])
        total = 0.0
        for row, explore, uniform in zip(*given, strict=True):
            a = [x[row]]
            for w in W:
                a.append(a[-1] @ w)
            q = a[-1]
            if explore:
                cdf = np.exp(q - q.max()).cumsum()
                k = int(cdf.searchsorted(uniform * cdf[-1]))
            else:
                k = int(q.argmax())
            delta = float(k == y[row]) - float(q[k])
            b = [actions[k]]
            for v in reversed(V):
                b.append(b[-1] @ v)
            b.reverse()
            step = RATE * delta
            for n, (w, v, kept_w, kept_v) in enumerate(layers):
                update(w, a[n], step * b[n + 1], kept_w)
                update(v, b[n + 1], step * a[n], kept_v)
            total += delta * delta
        errors.append(total / len(x))
        q = x_test
        for w in W:
            q = q @ w
        accuracy(q[None], data.y_test)
    return np.array(errors)


def keras_seconds() -> tuple[float, float]:
    """Seconds to compile the epoch's graph, and seconds of an epoch after that."""
    from lrlib.course import keras as in_keras

    in_keras.one_thread()
    from lrlib.course.experiments.q_agrel.keras import run as run_in_keras

    taken = []
    for epochs in (1, 6):
        draws = draw(SIZES, range(10), epochs)
        start = time.perf_counter()
        run_in_keras(Constant(RATE), images(), draws)
        taken.append(time.perf_counter() - start)
    epoch = (taken[1] - taken[0]) / 5
    return taken[0] - epoch, epoch


def main() -> int:
    pytorch.one_thread()
    data, draws = images(), draw(SIZES, range(10), epochs=1)
    ours = run(Constant(RATE), data, draws).errors[0]
    loops = {
        "NumPy, float64": lambda: numpy_loop(draws),
        "NumPy, float32": lambda: numpy_loop(draws, "float32"),
        "NumPy and BLAS, float64": lambda: numpy_loop(draws, update=blas),
        "NumPy and BLAS, float32": lambda: numpy_loop(draws, "float32", blas),
    }
    for loop in loops.values():
        assert np.allclose(ours, loop(), rtol=1e-3), "equal draws gave unequal errors"
    print(f"{len(data.x)} updates of ten repetitions, equal errors")
    taken = medians({**loops, "PyTorch": lambda: run(Constant(RATE), data, draws)}, rounds=5)
    compiling, taken["Keras"] = keras_seconds()
    for name, seconds in taken.items():
        more = f", and {compiling:.1f} s to compile" if name == "Keras" else ""
        print(f"{name:23} {seconds:5.2f} s an epoch, {10 * seconds:5.1f} s for ten{more}")
    for name in loops:
        print(f"PyTorch to {name}: {taken['PyTorch'] / taken[name]:.2f}")
    # Against the same precision: the leaner loop of the two.
    met = report("ten repetitions of Q-AGREL, to NumPy, float32", taken["PyTorch"], taken["NumPy, float32"], 1 / 4)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
