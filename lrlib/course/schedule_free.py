"""Schedule-Free AdamW on a parabola: the recursion of its paper, and what Keras's optimizer of that name does.

``python -m lrlib.course.schedule_free 0.9`` prints what Keras gives on the backend that ``KERAS_BACKEND`` names; with
``fit`` before the numbers also what its ``fit`` does.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

CURVATURES, START = (1.0, 10.0, 3.0), (1.0, -2.0, 0.5)  # of three weights; the loss is half of Σ curvature · weight²
RATE, UPDATES = 0.1, 20
BETA_2, EPSILON = 0.999, 1e-8
# What Keras 3.15.1 gave on JAX 0.10.2, which the course's environment lacks: the largest distance from the paper's
# recursion for any β₁, and the loss by ``evaluate``, to four digits. tests/clients/test_schedule_free.py holds them.
ON_JAX = {"apart": 0.0, "evaluated": 4.8329}


def recursion(beta_1: float = 0.9, new_for_old: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return where Schedule-Free AdamW trains, y, and what it averages, x, after each update; no weight decay.

    With ``new_for_old`` the old x is recovered with the new z in place of the old one.

    Source: Defazio et al. (2024), The Road Less Scheduled, with Adam's denominator as in the authors' package.
    """
    y = z = np.array(START)
    v = np.zeros_like(y)
    trained, averaged = [], []
    for t in range(1, UPDATES + 1):
        gradient = np.array(CURVATURES) * y
        v = BETA_2 * v + (1 - BETA_2) * gradient**2
        z_old, z = z, z - RATE * gradient / (np.sqrt(v / (1 - BETA_2**t)) + EPSILON)
        x = (y - (1 - beta_1) * (z if new_for_old else z_old)) / beta_1
        x = (1 - 1 / t) * x + z / t
        y = (1 - beta_1) * z + beta_1 * x
        trained.append(y)
        averaged.append(x)
    return np.array(trained), np.array(averaged)


def loss(weights: Any) -> float:
    """Return the parabola's value."""
    return float(0.5 * np.array(CURVATURES) @ np.square(weights))


def parabola() -> tuple[np.ndarray, np.ndarray]:
    """Return three rows and targets, whose mean squared error under one dense layer without a bias is the parabola."""
    return np.diag(np.sqrt(1.5 * np.array(CURVATURES))), np.zeros((3, 1))


def in_keras(beta_1: float = 0.9) -> np.ndarray:
    """Return the weights after each update of Keras's optimizer, on the backend of this process."""
    import keras

    weights = keras.Variable(START, dtype="float64")
    curvatures = keras.ops.convert_to_tensor(CURVATURES, dtype=weights.dtype)
    optimizer = keras.optimizers.ScheduleFreeAdamW(RATE, beta_1=beta_1, beta_2=BETA_2, epsilon=EPSILON)
    path = []
    for _ in range(UPDATES):
        optimizer.apply([curvatures * weights.value], [weights])
        path.append(np.array(keras.ops.convert_to_numpy(weights)))
    return np.array(path)


def fitted(updates: int = UPDATES, built: bool = True) -> tuple[np.ndarray, float]:
    """Return a model's weights after ``fit``, and what ``evaluate`` then says, on the backend of this process.

    With ``built`` the optimizer's variables are made before ``fit``; without, as Keras does it, in its first update.
    """
    import keras

    x, y = parabola()
    layer = keras.layers.Dense(1, use_bias=False, dtype="float64")
    model = keras.Sequential([keras.Input((3,), dtype="float64"), layer])
    layer.set_weights([np.array(START)[:, None]])
    optimizer = keras.optimizers.ScheduleFreeAdamW(RATE, beta_2=BETA_2, epsilon=EPSILON)
    model.compile(optimizer, "mse")
    if built:
        optimizer.build(model.trainable_variables)
    model.fit(x, y, batch_size=3, epochs=updates, verbose=0)
    return layer.get_weights()[0][:, 0], float(model.evaluate(x, y, batch_size=3, verbose=0))


def on_backend(backend: str, betas: Sequence[float] = (0.9,), fit: bool = False) -> dict[str, Any]:
    """Return what ``report`` gives in a process of its own, on a backend."""
    run = [sys.executable, "-m", "lrlib.course.schedule_free", *(["fit"] if fit else []), *map(str, betas)]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1"}
    done = subprocess.run(run, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Keras on {backend}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(betas: Sequence[float] = (0.9,), fit: bool = False) -> dict[str, Any]:
    """Return ``in_keras`` for each β₁, and with ``fit`` the weights and losses of ``fitted``, as JSON holds them."""
    paths = {"paths": [in_keras(beta).tolist() for beta in betas]}
    if not fit:
        return paths
    weights, evaluated = fitted()
    return {
        **paths,
        "fitted": weights.tolist(),
        "evaluated": evaluated,
        "unbuilt": fitted(updates=1, built=False)[0].tolist(),
    }


if __name__ == "__main__":
    numbers = [word for word in sys.argv[1:] if word != "fit"]
    print(json.dumps(report([float(beta) for beta in numbers], fit="fit" in sys.argv[1:])))
