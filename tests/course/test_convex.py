"""The two convex problems: gradients, curvature, and where gradient descent stops being safe."""

import numpy as np
import pytest

from lrlib.course import convex


@pytest.mark.parametrize("loss_of", [convex.softmax_loss, convex.squares_loss])
def test_the_gradient_is_that_of_the_loss(loss_of):
    random = np.random.default_rng(0)
    w, along = random.normal(size=(2, 65, 10))
    (above, _), (below, _), (_, gradient) = loss_of(w + 1e-5 * along), loss_of(w - 1e-5 * along), loss_of(w)
    assert (above - below) / 2e-5 == pytest.approx((gradient * along).sum(), rel=1e-6)


def test_least_squares_falls_below_the_limit_and_grows_above_it():
    limit = 2 / convex.largest_eigenvalue()
    below, above = (convex.descend(convex.squares_loss, np.full(200, share * limit)) for share in (0.95, 1.05))
    assert len(below) == 201 and (np.diff(below) < 0).all()
    assert above[-1] > 1e3 * above[0]


def test_softmax_regression_starts_at_the_loss_of_guessing():
    assert convex.descend(convex.softmax_loss, [])[0] == pytest.approx(np.log(10))
