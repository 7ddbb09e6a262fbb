"""The course's experiments, one module each, under the names of their stored results."""

import importlib

from lrlib.course.experiment import Experiment

# The one list of experiments, in the order of the claims. Each module is imported when it is asked for.
NAMES = (
    "equal_budget",
    "one_cycle",
    "clr_table1",
    "q_agrel",
    "finding_the_range",
    "cycling",
    "cycling_on_mnist",
    "step_and_plateau",
    "constant_rates",
    "four_decays",
)


def get(name: str) -> Experiment:
    """An experiment by its name. Errors: ``ValueError`` for an unknown one."""
    if name not in NAMES:
        raise ValueError(f"unknown experiment {name!r}; known are {', '.join(NAMES)}")
    return importlib.import_module(f"{__name__}.{name}").EXPERIMENT
