"""What a schedule will give, foretold: from the data, from a few runs, or from a bound.

* :func:`expected_loss`: the exact expected loss of SGD on least squares under any schedule, and :func:`best_rates`, a
  schedule for which its end is lowest. Nothing is fitted.
* :class:`Law`: the loss curve of any schedule from that of a few runs, by a law with five numbers.
* :func:`convex_bound` and, after each update, :func:`convex_bounds`: what convex optimisation promises of the last
  iterate; and :func:`best_peak`, the peak rate for which it promises most.

A schedule is a :class:`lrlib.Schedule` together with a number of updates, or an array of the rates themselves:
element t is the rate in force during update t, with t = 0 first.
"""

from lrlib.course.prediction.bound import best_peak, convex_bound, convex_bounds
from lrlib.course.prediction.law import Law, Run
from lrlib.course.prediction.least_squares import BestRates, best_rates, expected_loss

__all__ = ["BestRates", "Law", "Run", "best_peak", "best_rates", "convex_bound", "convex_bounds", "expected_loss"]
