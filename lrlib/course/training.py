"""What a trial that trains for whole epochs records, in either framework."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lrlib.course.alike import History

Arrays = tuple[np.ndarray, np.ndarray]


def by_epoch(
    train: Callable[..., History],
    evaluate: Callable[..., tuple[float, float]],
    data: Arrays,
    order: np.ndarray,
    epochs: int,
    watched: Arrays,
) -> tuple[History, dict[str, Any]]:
    """Train through ``order`` and measure on ``watched`` after each epoch.

    ``train`` and ``evaluate`` are the course's, with the model and optimizer bound. Returns the history and what is
    stored: the rate in force at each epoch's first update and at the last of all, the mean training loss of each
    epoch, loss and accuracy on ``watched``, and whether any of these losses was not finite.
    """
    per_epoch = len(order) // epochs
    curve: dict[str, list[float]] = {"loss": [], "accuracy": []}

    def on_pause(update: int) -> None:
        for name, number in zip(curve, evaluate(*watched), strict=True):
            curve[name].append(number)

    history = train(*data, order, range(per_epoch, len(order) + 1, per_epoch), on_pause)
    finite = bool(np.isfinite(history.losses).all() and np.isfinite(curve["loss"]).all())
    return history, {
        "rates": [*history.rates[::per_epoch].tolist(), float(history.rates[-1])],
        "epoch_loss": history.losses.reshape(epochs, per_epoch).mean(1).tolist(),
        "curve": curve,
        "diverged": not finite,
    }
