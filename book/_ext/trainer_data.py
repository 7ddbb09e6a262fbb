"""What the trainer in the page is given: the digits, named schedules, and the law that foretells a loss, as scripts.

They are scripts, since a page that was opened from a file may fetch no data. ``book/_static/trainer`` loads the images
when a reader first trains. Weights, splits and batches are not shipped: it draws the same as NumPy does, of any seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from sphinx.application import Sphinx

from lrlib.course import data, tasks
from lrlib.course.experiments import foretold
from lrlib.course.experiments.equal_budget import schedules
from lrlib.course.files import write_if_changed
from lrlib.course.prediction import Law, Run
from lrlib.course.stats import half_width

LETTERS = "0123456789abcdefg"  # of a pixel's ink, 0 to 16: one letter a pixel compresses better than packed bits
UPDATES = tasks.updates("digits", 9)
SEEDS = 10
LABELS = {
    "constant": "Constant",
    "step": "Step decay, a tenth twice",
    "cosine": "Cosine to zero",
    "linear": "Line to zero",
    "warmup-cosine": "Warm-up, then cosine",
    "one-cycle": "One-cycle",
    "sgdr": "Cosine with restarts (SGDR)",
    "wsd": "Warm-up, stable, decay (WSD)",
    "rex": "REX",
    "inverse-sqrt": "Warm-up, then 1/√t",
}
OPTIMIZER = "sgd"  # whose stored runs the law is fitted on
LINEAR_BATCH = 8  # rows an update of the linear regression
NUMBERS = ("floor", "scale", "power", "offset", "noise")


def digits_script() -> str:
    """The digits in scikit-learn's order: 64 letters an image, and one for its label."""
    x, y = data.digits()
    pixels = "".join(LETTERS[ink] for ink in x.astype(int).ravel())
    return f"globalThis.trainerDigits = {json.dumps({'pixels': pixels, 'labels': ''.join(map(str, y))})};\n"


def named_schedules() -> dict[str, dict[str, Any]]:
    """Each schedule of the equal-budget study with a highest rate of 1, over the trainer's whole budget."""
    return {
        name: {
            "label": LABELS[name],
            "rates": [schedule(t) for t in range(UPDATES)],
            "state": schedule.to_dict(),
        }
        for name, schedule in schedules(1.0, UPDATES).items()
    }


def law() -> tuple[Law, float]:
    """The law of this network, fitted on two stored runs, and its median error, a share of the loss, on unseen ones."""
    shapes = (*foretold.FITTED, *foretold.UNSEEN)
    losses = foretold.losses("digits", OPTIMIZER, shapes, "pytorch")
    settings = {shape: foretold.Setting("digits", OPTIMIZER, shape) for shape in shapes}
    rates = {shape: one.schedule(np.arange(one.updates)) for shape, one in settings.items()}
    fitted = Law.fit([Run(rates[shape], settings[shape].marks, losses[shape.name]) for shape in foretold.FITTED])
    errors = [
        abs(np.log(fitted.predict(rates[shape], [len(rates[shape])])[0] / losses[shape.name][:, -1].mean()))
        for shape in foretold.UNSEEN
    ]
    return fitted, float(np.median(errors))


def linear_problem() -> tuple[np.ndarray, np.ndarray]:
    """Features (rows × axes) and targets of a linear regression: directions from steep to flat, and noise.

    The features are given along the principal axes of their second moment, whose entries are the curvatures.
    """
    random = np.random.default_rng(0)
    rows, axes = 32, 6
    curvatures = np.geomspace(4.0, 0.04, axes)
    directions, _ = np.linalg.qr(random.standard_normal((rows, axes)))
    x = directions * np.sqrt(rows * curvatures)
    return x, x @ (0.7 / np.sqrt(curvatures)) + 0.5 * random.standard_normal(rows)


def _numbers(law: Law) -> list[float]:
    return [getattr(law, name) for name in NUMBERS]


def task_script() -> str:
    """The named schedules, the law with its fits without each seed, a linear regression, an interval's half-width."""
    fitted, error = law()
    x, y = linear_problem()
    task = {
        "updates": UPDATES,
        "seeds": SEEDS,
        "marks": foretold.MARKS,
        "schedules": named_schedules(),
        "law": {
            "fit": _numbers(fitted),
            "without": [_numbers(one) for one in fitted.without],
            "unseen": len(foretold.UNSEEN),
            "error": error,
        },
        "linear": {"x": x.tolist(), "y": y.tolist(), "batch": LINEAR_BATCH},
        "halfWidth": half_width(1.0, SEEDS, 0.95),  # of a 95 % interval, in standard deviations
    }
    return f"globalThis.trainerTask = {json.dumps(task, ensure_ascii=False, separators=(',', ':'))};\n"


def write(app: Sphinx, error: Exception | None) -> None:
    """Put the scripts beside the trainer's own."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / "trainer"
        for name, script in {"digits.js": digits_script(), "task.js": task_script()}.items():
            write_if_changed(folder / name, script)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the files."""
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
