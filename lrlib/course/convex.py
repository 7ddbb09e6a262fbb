"""Two convex problems on all the digits in one batch, and gradient descent on them, for chapters about single steps."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lrlib.course.data import digit_rows

Weights = NDArray[np.float64]
Loss = Callable[[Weights], tuple[float, Weights]]
CLASSES = 10


@cache
def inputs() -> tuple[Weights, Weights]:
    """The digits' pixels and a constant 1 for the bias, images × 65, and their classes one-hot, images × 10."""
    rows, labels = digit_rows()
    return np.column_stack([rows, np.ones(len(rows))]).astype(float), np.eye(CLASSES)[labels]


def largest_eigenvalue() -> float:
    """The largest eigenvalue of the inputs' second-moment matrix.

    It is the curvature of :func:`squares_loss` everywhere, and half of it bounds that of :func:`softmax_loss`.
    """
    x, _ = inputs()
    return float(np.linalg.eigvalsh(x.T @ x / len(x))[-1])


def softmax_loss(w: Weights) -> tuple[float, Weights]:
    """Softmax regression at the weights ``w``, 65 × 10: the mean of log Σₖ exp(xᵀwₖ) − xᵀw_y, and its gradient."""
    x, labels = inputs()
    z = x @ w
    z -= z.max(axis=1, keepdims=True)
    sums = np.exp(z).sum(axis=1, keepdims=True)
    loss = np.mean(np.log(sums[:, 0]) - (z * labels).sum(axis=1))
    return float(loss), x.T @ (np.exp(z) / sums - labels) / len(x)


def squares_loss(w: Weights) -> tuple[float, Weights]:
    """Least squares at the weights ``w``, 65 × 10: the mean of ½ ‖xᵀw − y‖², y one-hot, and its gradient."""
    x, labels = inputs()
    error = x @ w - labels
    return float(0.5 * np.mean((error**2).sum(axis=1))), x.T @ error / len(x)


def descend(loss_of: Loss, rates: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Gradient descent from zero weights, w ← w − ηₜ ∇L(w): the loss before each of T updates and after the last.

    That makes T + 1 losses.
    """
    x, _ = inputs()
    w, losses = np.zeros((x.shape[1], CLASSES)), []
    for rate in [*rates, 0.0]:
        loss, gradient = loss_of(w)
        losses.append(loss)
        w = w - rate * gradient
    return np.array(losses)
