"""Keras on its three backends, a process each: the examples of the reference page."""

import os
import subprocess
import sys

import pytest
from conftest import EXAMPLES

PATH = os.pathsep.join(filter(None, [str(EXAMPLES.parents[2]), os.environ.get("PYTHONPATH", "")]))

# x has equal rows, so that every batch is the same, and the weights can be followed in NumPy; and it is small, so that
# they are still on their way at the end, where every rate counts.
GIVEN = """
import numpy as np
import lrlib
x, y = np.tile(np.float32([[0.1, 0.05, 0.0, -0.1]]), (24, 1)), np.ones((24, 1), "float32")

def run(name, given):
    names = {**given, "__name__": name}
    exec(compile(open(f"{EXAMPLES}/{name}.py").read(), name, "exec"), names)
    return names

def weights(model):
    return np.concatenate([np.asarray(w).ravel() for w in model.get_weights()]).astype(float)

def follow(w, rates):
    ones = np.append(x[0], 1.0)
    for rate in rates:
        w = w - rate * 2 * (ones @ w - 1.0) * ones
    return w

import keras
initial = []
build = keras.Model.fit
def fit(self, *arguments, **options):  # quiet, and the weights before it are kept
    initial.append(weights(self))
    return build(self, *arguments, verbose=0, **options)
keras.Model.fit = fit
"""

TESTS = {
    "use and longer": """
names = run("keras_use", {"x": x, "y": y})
planned, longer = lrlib.OneCycle(0.1, steps=12), lrlib.OneCycle(0.1, steps=24)
np.testing.assert_allclose(weights(names["model"]), follow(initial[0], map(planned, range(6))), rtol=1e-4, atol=1e-5)
names = run("keras_longer", names)
np.testing.assert_allclose(initial[1], follow(initial[0], map(planned, range(6))), rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(weights(names["model"]), follow(initial[1], map(longer, range(6, 24))), rtol=1e-4, atol=1e-5)
""",
    "plateau": """
names = run("keras_plateau", {"x": x, "y": 0 * y + np.nan})  # a loss of NaN is never better
np.testing.assert_allclose(names["history"].history["learning_rate"], [0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-6)
stop_at, rates = 2, []
class Stopped(lrlib.keras.PlateauCallback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == stop_at:
            raise KeyboardInterrupt
        super().on_epoch_begin(epoch, logs)
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        rates.append(logs["learning_rate"])
lrlib.keras.PlateauCallback = Stopped
try:
    run("keras_plateau", {"x": x, "y": 0 * y + np.nan})
except KeyboardInterrupt:
    stop_at = None
run("keras_plateau", {"x": x, "y": 0 * y + np.nan})
np.testing.assert_allclose(rates, [0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-6)
""",
}


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
def test_example(backend, name, tmp_path):
    code = f"EXAMPLES = {str(EXAMPLES)!r}\n{GIVEN}{TESTS[name]}"
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": PATH}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
