"""Step decay and reduce-on-plateau on MNIST: what a trial reads and reports, and what is stored."""

import numpy as np
import pytest

from lrlib.course import store
from lrlib.course.experiments import step_and_plateau


@pytest.fixture
def random_images(monkeypatch):
    """6,000 random images in place of MNIST's: seconds become tenths."""
    random = np.random.default_rng(0)
    images = random.random((6000, 784), dtype="float32"), random.integers(0, 10, 6000)
    monkeypatch.setattr(step_and_plateau, "images", lambda: (images, (images[0][:504], images[1][:504])))


@pytest.mark.slow
@pytest.mark.parametrize("framework", step_and_plateau.FRAMEWORKS)
def test_a_trial_reports_the_rates_in_force_and_reads_what_it_says(framework, random_images):
    result = step_and_plateau.trial(step_and_plateau.SETTINGS["step-each-2-epochs-0.1"], framework, seed=0)
    assert result["rates"] == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])
    assert result["rate_is_constant_within_epochs"] and not result["diverged"]
    assert result["curve"]["update"] == [60, 120, 180, 240, 300]  # 500 is never reached
    setting = step_and_plateau.SETTINGS["plateau-0.1-validation-accuracy"]
    held_out = step_and_plateau.trial(setting, framework, seed=0)
    assert held_out["curve"]["update"] == list(range(10, 101, 10))  # 1,000 images are left to train on


def test_stored_rates_are_the_settings_rates():
    for name, by_framework in store.load(step_and_plateau.EXPERIMENT).items():
        for framework, results in by_framework.items():
            assert [result["seed"] for result in results] == list(step_and_plateau.SEEDS)
            for result in results:
                assert len(result["rates"]) == step_and_plateau.SETTINGS[name].epochs
                assert result["rate_is_constant_within_epochs"], (name, framework)
