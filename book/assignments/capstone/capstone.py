"""An entry to the capstone: change what schedule(updates) returns."""

import lrlib


def schedule(updates):
    """The rate of each update of a run that has so many: an lrlib schedule, or a list of rates."""
    return lrlib.Linear(0.1, 0.0, updates)
