"""Every trace that a well-known library computed, expressed in lrlib and equal to it."""

import numpy as np
import pytest
from reference import CASES

import lrlib

# "case/what": the same schedule as a value. Keras keeps the old value *at* a boundary (one update
# longer), and torch's OneCycleLR counts the last update where lrlib counts the end.
EXPRESSED = {
    "torch.step/lr": lrlib.StepDecay(0.1, 0.5, every=3),
    "torch.exp/lr": lrlib.Exponential(0.1, 0.9),
    "torch.linear/lr": lrlib.Linear(0.025, 0.1, steps=4),
    "torch.poly/lr": lrlib.Polynomial(0.1, 0.0, steps=4, power=2),
    "torch.cosine/lr": lrlib.Cosine(0.1, 0.01, steps=8),
    "torch.cyclic_tri/lr": lrlib.Triangular(0.1, 0.5, step_size=4),
    "torch.cyclic_tri/momentum": 0.9 - lrlib.Triangular(0.0, 0.1, step_size=4),
    "torch.cyclic_tri2/lr": lrlib.Triangular2(0.1, 0.5, step_size=4),
    "torch.cyclic_tri2/momentum": 0.9 - lrlib.Triangular2(0.0, 0.1, step_size=4),
    "torch.onecycle_cos/lr": lrlib.OneCycle(0.1, steps=9),
    "torch.onecycle_cos/momentum": 0.95 - lrlib.Cosine(0.0, 0.1, steps=2).then(lrlib.Cosine(0.1, 0.0, steps=7)),
    "torch.seq_warmup_cos/lr": lrlib.Linear(0.01, 0.1, steps=3).then(lrlib.Cosine(0.1, 0.0, steps=5)),
    "hf.linear/lr": lrlib.Linear(0.0, 0.1, steps=2).then(lrlib.Linear(0.1, 0.0, steps=4)),
    "hf.cosine/lr": lrlib.Linear(0.0, 0.1, steps=2).then(lrlib.Cosine(0.1, 0.0, steps=4)),
    "hf.wsd_cos/lr": lrlib.WarmupStableDecay(0.1, warmup=2, stable=3, decay=4, start=0.01, end=0.01, shape="cosine"),
    "timm.cosine_prefix/lr": lrlib.Linear(0.0, 0.1, steps=2).then(lrlib.Cosine(0.1, 0.01, steps=6)),
    "timm.poly/lr": lrlib.Polynomial(0.1, 0.01, steps=6, power=2),
    "keras.cosine/lr": lrlib.Cosine(0.1, 0.01, steps=4),
    "keras.exp_stair/lr": lrlib.StepDecay(0.1, 0.5, every=2),
    "keras.inverse_time/lr": lrlib.InverseTime(0.1, 0.5, every=4),
    "keras.piecewise/lr": lrlib.Piecewise([3, 5], [1.0, 0.5, 0.1]),
    "optax.onecycle_cos/lr": lrlib.OneCycle(0.1, steps=10),
    "optax.warmup_cosine/lr": lrlib.Linear(0.0, 0.1, steps=2).then(lrlib.Cosine(0.1, 0.01, steps=4)),
    "optax.pwc/lr": lrlib.Piecewise([2, 4], [1.0, 0.5, 0.1]),
    "ignite.linear_cycle/lr": lrlib.Triangular(0.1, 1.0, step_size=2),
}
PLATEAU = "torch.plateau/lr"  # held in test_plateau.py


def test_every_trace_in_the_file_is_expressed():
    traces = {f"{case}/{key}" for case, d in CASES.items() for key in d.keys() & {"lr", "momentum"}}
    assert traces == {*EXPRESSED, PLATEAU}


@pytest.mark.parametrize("trace", EXPRESSED)
def test_trace(trace):
    case, key = trace.split("/")
    schedule, expected = EXPRESSED[trace], CASES[case][key]
    rtol = CASES[case].get("rtol", 1e-9)
    ours = [schedule(t) for t in range(len(expected))]
    np.testing.assert_allclose(ours, expected, rtol=rtol, atol=0)  # a zero is exactly zero
    np.testing.assert_allclose(schedule(np.arange(len(expected))), expected, rtol=rtol, atol=0)
