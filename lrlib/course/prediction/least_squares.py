"""SGD on least squares, where the expected loss under any schedule can be computed: nothing is sampled or fitted."""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from lrlib.course.prediction.arguments import Rates, array_of, rates_of
from lrlib.schedules import Check, Count


def expected_loss(x: Any, y: Any, rates: Rates, batch: int, *, updates: int | None = None) -> np.ndarray:
    """The exact expected loss of SGD on least squares, before the first update and after each one.

    The loss is ½|xW − y|², averaged over rows; W = 0 at first; update t takes W ← W − rates[t] · g, where g is the mean
    gradient of ``batch`` rows drawn uniformly with replacement. The expectation is over all draws.

    With W* a minimiser, E = W − W*, r = y − xW* and H the mean of xᵢxᵢᵀ, the loss is that of W* plus ½ tr(HS), where S
    is the expectation of EEᵀ, and an update at rate η takes

        S ← S − η(HS + SH) + η² ((1 − 1/batch) HSH + 1/batch · meanᵢ vᵢ xᵢxᵢᵀ),

    where vᵢ = xᵢᵀSxᵢ − 2 xᵢᵀE̅rᵢ + |rᵢ|² is row i's expected squared residual and E̅, the expectation of E, follows
    gradient descent.

    Parameters: ``x`` (N, D) inputs, with a column of ones where there is a bias; ``y`` (N, K) targets, or (N,);
    ``rates`` one rate an update, or a Schedule together with ``updates``; ``batch`` rows an update, 1 or more.
    Returns ``len(rates) + 1`` losses in the unit of y²; ``inf`` from where a run that diverges passes the largest
    float. Costs about 3 N R² multiplications an update, where R is the rank of x.

    Limits: one rate for all weights, no momentum, rows drawn with replacement. Where each epoch shuffles the rows
    instead, as loaders do, the noise is less.

    Errors: ``ValueError`` for shapes that do not match, numbers that are not finite, negative rates, a ``batch`` that
    is no count, and a Schedule without ``updates``.

    Source: the recursion of the second moment, as in Bach and Moulines, arXiv:1306.2119, with batches and any schedule.

    >>> expected_loss([[1.0], [1.0]], [0.0, 2.0], rates=[0.5, 0.5], batch=1)  # two rows that want different weights
    array([1.    , 0.75  , 0.6875])
    """
    problem = _problem("expected_loss", x, y, batch)
    rates = rates_of("expected_loss", rates, updates)
    losses = np.full(len(rates) + 1, math.inf)
    state = problem.start()
    losses[0] = problem.loss(state)
    with np.errstate(over="ignore", invalid="ignore"):
        for t, rate in enumerate(rates):
            state = problem.update(state, rate, problem.residuals(state))
            loss = problem.loss(state)
            if not math.isfinite(loss):
                break
            losses[t + 1] = loss
    return losses


class BestRates(NamedTuple):
    """``rates``: one an update; ``losses``: :func:`expected_loss` under them, before the first and after each."""

    rates: np.ndarray
    losses: np.ndarray


def best_rates(
    x: Any,
    y: Any,
    updates: int,
    batch: int,
    *,
    start: Rates | None = None,
    highest: float = math.inf,
    sweeps: int = 20,
    tolerance: float = 1e-3,
) -> BestRates:
    """Rates between 0 and ``highest`` for which :func:`expected_loss` after the last update is lowest: a local optimum.

    Given all other rates, the end's loss is a parabola in one rate, c₀ + c₁η + c₂η². Its coefficients follow from the
    second moment before that update and from the end's gradient with respect to the second moment after it, which runs
    backwards by the adjoint of the recursion. So one pass over the updates, last to first or first to last, sets each
    rate to its own minimum in turn; the loss never rises. A sweep is a pass in each direction, and costs about two
    calls of :func:`expected_loss`.

    Parameters: ``x``, ``y``, ``batch`` as for :func:`expected_loss`; ``start`` the rates to begin with, a Schedule or
    an array (default: all 0); ``highest`` a limit for each rate; it stops after ``sweeps`` sweeps, or after one that
    lowers the excess over the best weights' loss by less than ``tolerance`` of it. Keeps about 16 (N + R²) bytes an
    update.

    Limits: no other single rate is better (as far as ``tolerance`` goes), but several at once may be: another ``start``
    may end some percent lower. The rates suit these very data, and may be far above 2 / (largest curvature).

    Errors: as for :func:`expected_loss`; ``ValueError`` for ``updates`` or ``sweeps`` that are no counts, ``highest``
    or ``tolerance`` below 0, and ``start`` rates above ``highest``.

    >>> best_rates([[1.0]], [2.0], updates=1, batch=1).rates  # one Newton step
    array([1.])
    """
    updates, sweeps = (Check.of(Count)("best_rates", *pair) for pair in (("updates", updates), ("sweeps", sweeps)))
    for name, value in (("highest", highest), ("tolerance", tolerance)):
        if not value >= 0:
            raise ValueError(f"best_rates: {name} must be a number, 0 or more, got {value!r}")
    problem = _problem("best_rates", x, y, batch)
    rates = np.zeros(updates) if start is None else rates_of("best_rates", start, updates).copy()
    if rates.max() > highest:
        raise ValueError(f"best_rates: start must hold rates up to highest={highest!r}, got {rates.max()!s} among them")
    with np.errstate(over="ignore", invalid="ignore"):
        forward = _forward(problem, rates)
    if not math.isfinite(forward.losses[-1]):
        raise ValueError(
            "best_rates: start must not diverge; under the rates received the loss passes the largest float"
        )
    for _ in range(sweeps):
        before = forward.losses[-1]
        backward = _backward(problem, rates, forward, highest)
        forward = _forward(problem, rates, backward, highest)
        if before - forward.losses[-1] <= tolerance * (before - problem.floor):
            break
    return BestRates(rates, forward.losses)


# ---- The moments and their recursion ---------------------------------------------------------------------------------


class _State(NamedTuple):
    """``second``: S (R, R); ``mean`` (R,): what is left of each direction's first error. Or an adjoint of both."""

    second: np.ndarray
    mean: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Problem:
    """Least squares in the eigenvectors of H whose curvatures are above 0; SGD from W = 0 never leaves their span."""

    x: np.ndarray  # (N, R)
    curvatures: np.ndarray  # (R,)
    first: np.ndarray  # (R, R): EEᵀ before the first update
    cross: np.ndarray  # (N, R): its sum over R, weighted by what is left of each direction, is xᵢᵀE̅rᵢ
    noise: np.ndarray  # (N,): |rᵢ|²
    batch: int

    @property
    def floor(self) -> float:
        return float(self.noise.mean()) / 2

    def start(self) -> _State:
        return _State(self.first, np.ones(len(self.curvatures)))

    def end(self) -> _State:
        """The adjoint after the last update: the gradient of the loss with respect to the moments there."""
        return _State(np.diag(self.curvatures) / 2, np.zeros(len(self.curvatures)))

    def loss(self, state: _State) -> float:
        return self.floor + float(self.curvatures @ np.diag(state.second)) / 2

    def forms(self, matrix: np.ndarray) -> np.ndarray:
        """(N,): xᵢᵀ · matrix · xᵢ."""
        return np.einsum("ij,ij->i", self.x @ matrix, self.x)

    def outer(self, weights: np.ndarray) -> np.ndarray:
        """(R, R): what the rows with these weights, 0 or more, add to the second moment at a rate of 1."""
        # A product with its own transpose is cheaper than one with another. Rounding alone makes a weight negative.
        rows = self.x * np.sqrt(np.maximum(weights, 0))[:, None]
        return rows.T @ rows / (len(rows) * self.batch)

    def residuals(self, state: _State) -> np.ndarray:
        """(N,): each row's expected squared residual."""
        return self.forms(state.second) - 2 * self.cross @ state.mean + self.noise

    def shrink(self, rate: float) -> tuple[np.ndarray, np.ndarray]:
        """What an update without the rows' own noise multiplies each entry of the two moments with."""
        steps = rate * self.curvatures
        mean = 1 - steps
        return np.outer(mean, mean) - np.outer(steps, steps) / self.batch, mean

    def update(self, state: _State, rate: float, residuals: np.ndarray) -> _State:
        second, mean = self.shrink(rate)
        return _State(second * state.second + rate**2 * self.outer(residuals), mean * state.mean)

    def update_adjoint(self, adjoint: _State, rate: float, forms: np.ndarray) -> _State:
        """The adjoint before an update, from that after it; ``forms`` are those of its ``second``."""
        second, mean = self.shrink(rate)
        through_residuals = 2 * rate**2 / (len(self.x) * self.batch) * (forms @ self.cross)
        return _State(
            second * adjoint.second + rate**2 * self.outer(forms),
            mean * adjoint.mean - through_residuals,
        )

    def best_rate(self, state: _State, residuals: np.ndarray, adjoint: _State, forms: np.ndarray) -> float | None:
        """Where the end's loss is lowest in the rate of one update; None where it does not depend on it."""
        weighted, curvatures = adjoint.second * state.second, self.curvatures
        slope = -2 * curvatures @ weighted.sum(1) - curvatures @ (adjoint.mean * state.mean)
        bend = (1 - 1 / self.batch) * curvatures @ weighted @ curvatures
        bend += forms @ residuals / (len(self.x) * self.batch)
        return float(-slope / (2 * bend)) if bend > 0 else None


def _problem(owner: str, x: Any, y: Any, batch: int) -> _Problem:
    x, y = array_of(owner, "x", x, (2,)), array_of(owner, "y", y, (1, 2))
    if len(x) != len(y):
        raise ValueError(f"{owner}: x and y must have as many rows; got shapes {x.shape} and {y.shape}")
    batch = Check.of(Count)(owner, "batch", batch)
    y = y.reshape(len(y), -1)
    left, sizes, _ = np.linalg.svd(x, full_matrices=False)
    kept = sizes > sizes[0] * max(x.shape) * np.finfo(float).eps  # the rank, as in numpy.linalg.matrix_rank
    left, sizes = left[:, kept], sizes[kept]
    along = left.T @ y
    errors, residuals = -along / sizes[:, None], y - left @ along
    rotated = left * sizes
    cross = rotated * (residuals @ errors.T)
    noise = (residuals**2).sum(1)
    return _Problem(rotated, sizes**2 / len(x), errors @ errors.T, cross, noise, batch)


# ---- The two passes of a sweep ---------------------------------------------------------------------------------------
# L-BFGS-B on the same gradient was tried: it ended higher, and later.


class _Forward(NamedTuple):
    """Before each update the moments and the residuals; the loss before and after each."""

    states: list[_State]
    residuals: list[np.ndarray]
    losses: np.ndarray


class _Backward(NamedTuple):
    """After each update the adjoint and the quadratic forms of its second moment."""

    adjoints: list[_State]
    forms: list[np.ndarray]


def _forward(
    problem: _Problem, rates: np.ndarray, backward: _Backward | None = None, highest: float = math.inf
) -> _Forward:
    """First to last; with the adjoints of the later updates it also sets each rate, in place."""
    state, states, residuals, losses = problem.start(), [], [], [problem.loss(problem.start())]
    for t in range(len(rates)):
        states.append(state)
        residuals.append(problem.residuals(state))
        if backward is not None:
            best = problem.best_rate(state, residuals[t], backward.adjoints[t], backward.forms[t])
            rates[t] = rates[t] if best is None else min(max(best, 0.0), highest)
        state = problem.update(state, rates[t], residuals[t])
        losses.append(problem.loss(state))
    return _Forward(states, residuals, np.array(losses))


def _backward(problem: _Problem, rates: np.ndarray, forward: _Forward, highest: float) -> _Backward:
    """Last to first; sets each rate in place, given the moments before it and the later updates' adjoints."""
    adjoint, adjoints, forms = problem.end(), [], []
    for t in reversed(range(len(rates))):
        adjoints.append(adjoint)
        forms.append(problem.forms(adjoint.second))
        best = problem.best_rate(forward.states[t], forward.residuals[t], adjoint, forms[-1])
        rates[t] = rates[t] if best is None else min(max(best, 0.0), highest)
        adjoint = problem.update_adjoint(adjoint, rates[t], forms[-1])
    return _Backward(adjoints[::-1], forms[::-1])
