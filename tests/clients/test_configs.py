"""Schedules from OmegaConf's and Hydra's configurations: the examples of the reference page."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import EXAMPLES
from omegaconf import OmegaConf

import lrlib

WARM = lrlib.Linear(0.0, 0.1, 100).then(lrlib.Cosine(0.1, 1e-4, 900))


def test_omegaconf(example, tmp_path):
    shutil.copy(EXAMPLES / "config.yaml", tmp_path)
    assert example("omegaconf_use", {})["schedule"] == WARM


def test_hydra_with_a_value_from_the_command_line(tmp_path):
    for name in ("config.yaml", "hydra_use.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    command = [sys.executable, "hydra_use.py", "warmup=50"]
    path = os.pathsep.join(filter(None, [str(EXAMPLES.parents[2]), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stdout.strip() == repr(lrlib.Linear(0.0, 0.1, 50).then(lrlib.Cosine(0.1, 1e-4, 900))), done.stderr


def test_what_a_schedule_writes_it_reads_again():
    config = OmegaConf.create(WARM.repeat(2).to_dict())
    assert lrlib.from_dict(config) == WARM.repeat(2)


def test_a_number_that_yaml_takes_for_a_word_is_refused():
    config = OmegaConf.create("kind: Linear\nstart: 0.0\nend: '1e-4'\nsteps: 5")
    with pytest.raises(TypeError, match="end must be a finite number, 0 or more, got '1e-4'"):
        lrlib.from_dict(config)
