"""The one-cycle experiment: what its settings are. The networks and loops that it uses are tested elsewhere."""

import numpy as np
import pytest

from lrlib.course.experiments import one_cycle


def rates(name):
    setting = one_cycle.SETTINGS[name]
    return setting.schedule(np.arange(setting.epochs * one_cycle.PER_EPOCH))


def test_the_cycle_is_the_papers():
    """From 0.01 to 0.1 and back in equal parts, then far lower; momentum from 0.95 to 0.8 and back with it."""
    cycle = rates("one-cycle")
    top = int(cycle.argmax())
    assert cycle[0] == pytest.approx(0.01) and cycle.max() == pytest.approx(0.1)
    assert cycle[2 * top] == pytest.approx(0.01) and 0 < cycle[-1] < 0.001
    momentum = one_cycle.SETTINGS["one-cycle"].momentum(np.arange(2 * top + 1))
    assert momentum[0] == pytest.approx(0.95) and momentum.argmin() == top and momentum.min() == pytest.approx(0.8)
    assert momentum[-1] == pytest.approx(0.95)
    np.testing.assert_array_equal(rates("one-cycle-one-momentum"), cycle)


@pytest.mark.parametrize("name", ["cosine", "linear", "warmup-cosine", "warmup-linear", "linear-0.03"])
def test_controls_end_at_zero_with_the_budget(name):
    found, setting = rates(name), one_cycle.SETTINGS[name]
    assert len(found) == one_cycle.UPDATES and found[-1] > 0 == setting.schedule(one_cycle.UPDATES)
    assert found.max() == pytest.approx(0.03 if name == "linear-0.03" else 0.1)
    assert found.argmax() == (one_cycle.PER_EPOCH if name.startswith("warmup") else 0)
    assert setting.momentum(0) == setting.momentum(one_cycle.UPDATES - 1) == 0.9


def test_step_decay_drops_after_each_third():
    assert list(np.unique(rates("step-85"))) == pytest.approx([1e-4, 1e-3, 1e-2])


def test_seeds():
    count = {
        (name, framework): len(one_cycle.seeds_of(name, framework))
        for name in one_cycle.SETTINGS
        for framework in one_cycle.EXPERIMENT.frameworks
    }
    assert count["one-cycle", "keras"] == count["warmup-linear", "pytorch"] == 5
    assert count["step-85", "pytorch"] == 3 and count["step-85", "keras"] == 1
