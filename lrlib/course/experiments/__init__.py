"""The course's experiments, one module each, under the names of their stored results."""

import importlib

from lrlib.course.experiment import Experiment

# The experiments that claims and chapters read, in the order of the claims. A module is imported when it is asked for.
NAMES = (
    "equal_budget",
    "budgets-digits-peaks",
    "budgets-digits",
    "budgets-mnist-peaks",
    "budgets-mnist",
    "one_cycle",
    "early_sharpness",
    "clr_table1",
    "q_agrel",
    "finding_the_range",
    "cycling",
    "cycling_on_mnist",
    "step_and_plateau",
    "constant_rates",
    "label_noise",
    "four_decays",
    "batch_and_momentum",
    "one_trunk-digits",
    "one_trunk-mnist",
    "foretold-digits",
    "foretold-mnist",
    "foretold-cifar10",
)

# Experiments whose runs are not complete yet: no chapter reads them, and a claim has no word from them.
BEGUN = (
    "budgets-cifar10-peaks",
    "budgets-cifar10",
)


def get(name: str) -> Experiment:
    """An experiment by its name, which is "module-part" where a module has several.

    Errors: ``ValueError`` for an unknown one.
    """
    if name not in NAMES + BEGUN:
        raise ValueError(f"unknown experiment {name!r}; known are {', '.join(NAMES + BEGUN)}")
    module, _, part = name.partition("-")
    found = importlib.import_module(f"{__name__}.{module}")
    return found.EXPERIMENTS[part] if part else found.EXPERIMENT
