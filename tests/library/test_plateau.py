"""Reduce on plateau: torch's meaning, right for every sign, the same through both frameworks."""

import copy
import dataclasses
import json
import math
import pickle
import re
import types
import warnings

import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import CASES

import lrlib

CASE = CASES["torch.plateau"]
GOLDEN = lrlib.Plateau(0.1, factor=0.5, patience=1, threshold=0.1, cooldown=1, min_lr=0.02)


def trace(plateau, metrics):
    """The rate after each measurement."""
    state, rates = plateau.start(), []
    for metric in metrics:
        state = plateau.update(state, metric)
        rates.append(state.lr)
    return rates


def torch_optimizer(lr=0.1):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def torchs_own(plateau, metrics):
    """The same rule as torch has it, from the same arguments."""
    arguments = dataclasses.asdict(plateau)
    optimizer = torch_optimizer(arguments.pop("lr"))
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def test_the_golden_trace():
    np.testing.assert_allclose(trace(GOLDEN, CASE["metric"]), CASE["lr"], rtol=1e-9)


def test_defaults_are_torchs():
    ours = lrlib.Plateau(0.1)
    assert dataclasses.asdict(ours) == {
        "lr": 0.1,
        "mode": "min",
        "factor": 0.1,
        "patience": 10,
        "threshold": 1e-4,
        "threshold_mode": "rel",
        "cooldown": 0,
        "min_lr": 0.0,
        "eps": 1e-8,
    }
    positional = lrlib.Plateau(0.1, "max", 0.5, 3, 0.01, "abs", 2, 0.001, 1e-6)
    named = lrlib.Plateau(
        lr=0.1,
        mode="max",
        factor=0.5,
        patience=3,
        threshold=0.01,
        threshold_mode="abs",
        cooldown=2,
        min_lr=0.001,
        eps=1e-6,
    )
    assert positional == named


# Few distinct values, so that ties and values right at the threshold come up.
POSITIVE = st.integers(1, 100).map(lambda k: k / 100) | st.floats(0.01, 2.0) | st.just(math.nan)
PLATEAUS = st.builds(
    lambda lr, min_lr, **rest: lrlib.Plateau(lr, min_lr=min(min_lr, lr), **rest),
    lr=st.sampled_from([0.1, 1.0, 1e-6]),
    mode=st.sampled_from(["min", "max"]),
    factor=st.sampled_from([0.1, 0.5, 0.3]),
    patience=st.integers(0, 3),
    threshold=st.sampled_from([0.0, 1e-4, 0.1, 0.25]),
    threshold_mode=st.sampled_from(["rel", "abs"]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 1e-3, 0.05]),
    eps=st.sampled_from([1e-8, 1e-3, 0.0]),
)


@given(PLATEAUS, st.lists(POSITIVE, max_size=25))
@settings(max_examples=120)
def test_equals_torchs_own_on_positive_metrics(plateau, metrics):
    assert trace(plateau, metrics) == torchs_own(plateau, metrics)


@given(st.lists(st.floats(-100, 100), max_size=25), PLATEAUS)
def test_equals_torchs_own_on_any_metric_with_an_absolute_threshold(metrics, plateau):
    plateau = dataclasses.replace(plateau, threshold_mode="abs", min_lr=0.0)
    assert trace(plateau, metrics) == torchs_own(plateau, metrics)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_metric_right_at_the_threshold_is_judged_as_torch_judges_it(mode):
    plateau = lrlib.Plateau(1.0, mode, factor=0.5, patience=0, threshold=0.1)
    for k in range(1, 1001):
        metrics = [k / 1000, round((0.9 if mode == "min" else 1.1) * k / 1000, 4)]
        assert trace(plateau, metrics) == torchs_own(plateau, metrics), metrics


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_relative_test_is_right_for_negative_metrics(mode):
    plateau = lrlib.Plateau(1.0, mode, factor=0.5, patience=0, threshold=0.1)
    sign = -1 if mode == "min" else 1
    # From a best of −10 the bar is −11 for "min" and −9 for "max": only beyond it is progress.
    far, near, worse = (-11.5, -10.5, -9.5) if mode == "min" else (-8.5, -9.5, -10.5)
    for metric, rate in [(far, 1.0), (near, 0.5), (worse, 0.5), (-10.0, 0.5)]:
        assert trace(plateau, [-10.0, metric])[-1] == rate, (sign, metric)
    # Best zero: any change in the right direction is progress.
    assert trace(plateau, [0.0, sign * 1e-9])[-1] == 1.0
    assert trace(plateau, [0.0, 0.0])[-1] == 0.5
    assert trace(plateau, [0.0, -sign * 1e-9])[-1] == 0.5


def test_torchs_own_takes_a_worsening_negative_metric_for_progress():
    # The defect that ours does not have (pytorch #47513). When torch mends it, this fails: then say
    # so in the course.
    plateau = lrlib.Plateau(1.0, factor=0.5, patience=0, threshold=0.1)
    worsening = [-10.0, -9.5, -9.0, -8.5]
    assert trace(plateau, worsening) == [1.0, 0.5, 0.25, 0.125]
    assert torchs_own(plateau, worsening) == [1.0, 1.0, 1.0, 1.0]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), PLATEAUS)
def test_modes_mirror_each_other(metrics, plateau):
    plateau = dataclasses.replace(plateau, mode="min")
    mirrored = dataclasses.replace(plateau, mode="max")
    assert trace(plateau, metrics) == trace(mirrored, [-metric for metric in metrics])


def test_nan_counts_as_bad_and_is_never_the_best():
    plateau = lrlib.Plateau(1.0, factor=0.5, patience=1)
    assert trace(plateau, [1.0, math.nan, math.nan, math.nan, 0.9]) == [1.0, 1.0, 0.5, 0.5, 0.5]
    assert trace(plateau, [math.nan, math.nan, 1.0, 0.9, 0.95]) == [1.0, 0.5, 0.5, 0.5, 0.5]
    assert trace(plateau, [math.nan] * 6) == torchs_own(plateau, [math.nan] * 6)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_infinite_metrics(mode, threshold_mode):
    # A loss that overflows is no plateau rule's best, and must not hide later progress.
    plateau = lrlib.Plateau(1.0, mode, factor=0.5, patience=0, threshold=0.1, threshold_mode=threshold_mode)
    bad = math.inf if mode == "min" else -math.inf
    metrics = [bad, bad, 1.0, bad, 1.0]
    assert trace(plateau, metrics) == torchs_own(plateau, metrics)


def test_patience_is_the_number_of_bad_measurements_tolerated():
    for patience in range(4):
        rates = trace(lrlib.Plateau(1.0, factor=0.5, patience=patience), [1.0] * (patience + 2))
        assert rates == [1.0] * (patience + 1) + [0.5]


def keras_model(rate=1.0):
    """What a callback needs of a model, without the cost of one."""
    return types.SimpleNamespace(
        optimizer=keras.optimizers.SGD(rate),
        built=False,
        trainable_variables=[],
        steps_per_execution=1,
        stop_training=False,
    )


def through_keras(callback, metrics, rate=1.0, monitor="val_loss", model=None):
    model = keras_model(rate) if model is None else model
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, metric in enumerate(metrics):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {monitor: metric})
        rates.append(float(model.optimizer.learning_rate))
    return rates


def test_a_cut_of_eps_itself_is_none():
    rule, theirs = {"factor": 0.5, "patience": 0, "eps": 0.25}, torch_optimizer(1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **rule)
    for _ in range(4):
        scheduler.step(1.0)
    assert trace(lrlib.Plateau(1.0, **rule), [1.0] * 4) == [1.0, 0.5, 0.5, 0.5]
    assert theirs.param_groups[0]["lr"] == 0.5


@given(st.lists(st.floats(-10, 10), max_size=15), st.integers(0, 3), st.sampled_from(["min", "max"]))
@settings(max_examples=25)
def test_kerass_own_counts_patience_one_higher(metrics, patience, mode):
    ours = lrlib.Plateau(1.0, mode, 0.5, patience, threshold=0.25, threshold_mode="abs", eps=0.0)
    theirs = keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", factor=0.5, patience=patience + 1, mode=mode, min_delta=0.25
    )
    assert trace(ours, metrics) == through_keras(theirs, metrics)


@given(st.lists(st.floats(-10, 10), max_size=15), st.integers(0, 3), st.integers(0, 4))
@settings(max_examples=40)
def test_kerass_own_counts_the_cooldown_one_shorter(metrics, patience, cooldown):
    ours = lrlib.Plateau(1.0, "min", 0.5, patience, 0.25, "abs", cooldown=max(cooldown - 1, 0), eps=0.0)
    theirs = keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", factor=0.5, patience=patience + 1, cooldown=cooldown, mode="min", min_delta=0.25
    )
    assert trace(ours, metrics) == through_keras(theirs, metrics)


@given(PLATEAUS, st.lists(POSITIVE, max_size=15))
@settings(max_examples=25)
def test_one_trace_through_both_frameworks(plateau, metrics):
    expected = trace(plateau, metrics)
    optimizer = torch_optimizer(lr=7.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, plateau)
    assert optimizer.param_groups[0]["lr"] == plateau.lr
    through_torch = []
    for metric in metrics:
        scheduler.step(metric)
        through_torch.append(optimizer.param_groups[0]["lr"])
    assert through_torch == expected
    in_keras = through_keras(lrlib.keras.PlateauCallback(plateau), metrics, rate=7.0)
    np.testing.assert_allclose(in_keras, expected, rtol=1e-7)


def test_torch_scheduler_takes_tensors_and_all_groups():
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD(
        [{"params": [parameters[0]]}, {"params": [parameters[1]], "lr": torch.tensor(3.0)}], 3.0
    )
    scheduler = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(1.0, factor=0.5, patience=0))
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    tensor = optimizer.param_groups[1]["lr"]
    scheduler.step(torch.tensor(1.0))
    scheduler.step(torch.tensor([1.0]))
    assert [float(group["lr"]) for group in optimizer.param_groups] == [0.5, 0.5]
    assert [float(lr) for lr in scheduler.get_last_lr()] == [0.5, 0.5]
    assert optimizer.param_groups[1]["lr"] is tensor


@pytest.mark.parametrize("at", range(0, 13, 3))
@pytest.mark.parametrize("optimizer_first", [True, False])
def test_torch_scheduler_resumes_anywhere(at, optimizer_first, tmp_path):
    metrics = CASE["metric"]
    optimizer = torch_optimizer()
    scheduler = lrlib.torch.PlateauScheduler(optimizer, GOLDEN)
    for metric in metrics[:at]:
        scheduler.step(metric)
    state = json.loads(json.dumps(scheduler.state_dict(), allow_nan=False))
    torch.save(
        {"scheduler": scheduler.state_dict(), "optimizer": optimizer.state_dict()},
        tmp_path / "checkpoint",
    )
    saved = torch.load(tmp_path / "checkpoint")
    assert saved["scheduler"] == state
    optimizer = torch_optimizer(lr=7.0)
    if optimizer_first:
        optimizer.load_state_dict(saved["optimizer"])
    scheduler = lrlib.torch.PlateauScheduler(optimizer, GOLDEN)
    scheduler.load_state_dict(state)
    if not optimizer_first:
        optimizer.load_state_dict(saved["optimizer"])
    rates = []
    for metric in metrics[at:]:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == trace(GOLDEN, metrics)[at:]


def test_torch_scheduler_refuses_another_rules_state():
    state = lrlib.torch.PlateauScheduler(torch_optimizer(), GOLDEN).state_dict()
    optimizer = torch_optimizer()
    scheduler = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(0.3))
    with pytest.raises(ValueError, match=re.escape(repr(lrlib.Plateau(0.3)))):
        scheduler.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.3


# -- torch: rules per group, and taken for torch's own ------------------------------------------------


def grouped(*rates, names="ab"):
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in rates]
    groups = [{"params": [p], "lr": r, "name": n} for p, r, n in zip(parameters, rates, names, strict=False)]
    return torch.optim.SGD(groups)


def rates_of(optimizer):
    return [float(group["lr"]) for group in optimizer.param_groups]


def test_field_case_8_one_rule_scales_groups_of_different_rates_from_their_own():
    optimizer = grouped(1e-5, 1e-3)
    rule = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(1e-3, patience=0))
    assert rates_of(optimizer) == [1e-5, 1e-3]
    rule.step(1.0)
    rule.step(1.0)
    assert rates_of(optimizer) == [1e-5 * 0.1, 1e-3 * 0.1] == rule.get_last_lr() == rule.get_lr()


@given(PLATEAUS, st.lists(POSITIVE, max_size=25))
@settings(max_examples=60)
def test_one_rule_on_groups_of_different_rates_equals_torchs_own(plateau, metrics):
    optimizer, theirs = grouped(0.01, 1.0), grouped(0.01, 1.0)
    ours = lrlib.torch.PlateauScheduler(optimizer, plateau)
    arguments = dataclasses.asdict(plateau)
    del arguments["lr"]
    own = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **arguments)
    for metric in metrics:
        ours.step(metric)
        own.step(metric)
        cut = [min(rate, before) for rate, before in zip(rates_of(theirs), (0.01, 1.0), strict=True)]
        assert rates_of(optimizer) == cut == ours.get_last_lr()


RULES = [lrlib.Plateau(0.4, factor=0.5, patience=0), lrlib.Plateau(0.1, factor=0.1, patience=1, min_lr=0.02)]


@pytest.mark.parametrize(
    "given_as",
    [list, tuple, lambda pair: {"b": pair[1], "a": pair[0], "to come": GOLDEN}],
    ids=["list", "tuple", "dict"],
)
def test_each_group_has_its_own_rule(given_as):
    optimizer = grouped(7.0, 5.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, given_as(RULES))
    assert rates_of(optimizer) == [0.4, 0.1]
    metrics = [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]
    for count, metric in enumerate(metrics, start=1):
        scheduler.step(metric)
        assert rates_of(optimizer) == [trace(rule, metrics[:count])[-1] for rule in RULES]


def test_one_rule_twice_in_a_list_is_each_groups_own():
    optimizer = grouped(7.0, 5.0)
    lrlib.torch.PlateauScheduler(optimizer, [RULES[0], RULES[0]])
    assert rates_of(optimizer) == [0.4, 0.4]


def test_a_group_added_later_keeps_its_own_rate_and_is_cut_with_the_others():
    optimizer = grouped(0.4)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, RULES[0])
    scheduler.step(1.0)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 5.0})
    scheduler.step(0.5)
    assert rates_of(optimizer) == [0.4, 5.0]
    scheduler.step(0.5)
    assert rates_of(optimizer) == [0.2, 2.5]
    again = grouped(0.4, 5.0)
    resumed = lrlib.torch.PlateauScheduler(again, RULES[0])
    resumed.load_state_dict(scheduler.state_dict())
    resumed.step(0.5)
    assert rates_of(again) == [0.1, 1.25]


def test_a_group_that_a_dict_names_beforehand_starts_with_its_rule():
    optimizer = grouped(7.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, dict(zip("ab", RULES, strict=True)))
    scheduler.step(1.0)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 5.0, "name": "b"})
    scheduler.step(1.0)
    assert rates_of(optimizer) == [0.2, 0.1]


@pytest.mark.parametrize("plan", [RULES[:1], {"a": RULES[0]}], ids=["list", "dict"])
def test_a_group_that_joins_without_a_rule_is_refused_before_anything_is_changed(plan):
    optimizer = grouped(7.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, plan)
    scheduler.step(1.0)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 5.0, "name": "late"})
    state = scheduler.state_dict()
    with pytest.raises(ValueError, match=r"plateau: .*joined.*groups to come"):
        scheduler.step(1.0)
    assert (rates_of(optimizer), scheduler.state_dict()) == ([0.4, 5.0], state)


META = torch.ones(1, device="meta")  # has no value


@pytest.mark.parametrize(
    "wrong", [None, {"loss": 1.0}, [1.0, 2.0], torch.ones(2), META, "0.5", "low", True, 1j], ids=lambda v: repr(v)[:12]
)
def test_a_measurement_that_is_no_number_is_refused_by_its_parameters_name(wrong):
    scheduler = lrlib.torch.PlateauScheduler(grouped(0.4), RULES[0])
    state = scheduler.state_dict()
    with pytest.raises(TypeError, match=r"PlateauScheduler: metrics must be a number or a one-element tensor, got "):
        scheduler.step(wrong)
    assert scheduler.state_dict() == state


TORCHS = {
    "mode": "max",
    "factor": 0.5,
    "patience": 1,
    "threshold": 0.01,
    "threshold_mode": "abs",
    "cooldown": 2,
    "min_lr": 0.01,
    "eps": 1e-7,
}


@pytest.mark.parametrize("mode", ["min", "max"])
def test_it_shows_what_torchs_own_shows(mode):
    own = torch.optim.lr_scheduler.ReduceLROnPlateau(grouped(0.4, 0.4), **TORCHS | {"mode": mode})
    ours = lrlib.torch.PlateauScheduler(grouped(0.4, 0.4), lrlib.Plateau(0.4, **TORCHS | {"mode": mode}))
    names = ["best", "num_bad_epochs", "cooldown_counter", "min_lrs", *TORCHS.keys() - {"min_lr"}]
    for metric in (None, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.7, 0.3):
        if metric is not None:
            own.step(metric)
            ours.step(metric)
        assert {name: getattr(ours, name) for name in names} == {name: getattr(own, name) for name in names}
    with pytest.raises(AttributeError):
        ours.patience = 3  # the rule is a value


def test_a_step_with_an_epoch_is_taken_as_torchs_takes_it():
    own = torch.optim.lr_scheduler.ReduceLROnPlateau(grouped(0.4), patience=0)
    ours = lrlib.torch.PlateauScheduler(grouped(0.4), lrlib.Plateau(0.4, patience=0))
    for scheduler in (own, ours):
        scheduler.step(1.0, epoch=None)
        scheduler.step(1.0, None)
        with pytest.warns(UserWarning, match="epoch parameter"):
            scheduler.step(1.0, 7)
        scheduler.step(1.0)
    assert ours.last_epoch == own.last_epoch == 8
    assert ours.get_last_lr() == own.get_last_lr()


@pytest.mark.parametrize("plan", [RULES, dict(zip("abc", [*RULES, RULES[0]], strict=True)), RULES[0]], ids=type)
@pytest.mark.parametrize("names", [(), ("c",), ("c", "a")])
def test_a_group_that_is_removed_or_replaced_is_refused_before_anything_is_changed(plan, names):
    optimizer = grouped(7.0, 5.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, plan)
    scheduler.step(1.0)
    del optimizer.param_groups[0]
    for name in names:
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 5.0, "name": name})
    rates, state = rates_of(optimizer), scheduler.state_dict()
    for act in (lambda: scheduler.step(1.0), lambda: scheduler.load_state_dict(state)):
        with pytest.raises(ValueError, match=r"PlateauScheduler: a group has been removed, replaced or moved"):
            act()
        assert (rates_of(optimizer), scheduler.state_dict()) == (rates, state)


@pytest.mark.parametrize("plan", [RULES, dict(zip("ab", RULES, strict=True))], ids=["list", "dict"])
def test_groups_that_a_load_has_replaced_are_the_same_groups(plan):
    optimizer = grouped(7.0, 5.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, plan)
    nameless = optimizer.state_dict()
    for group in nameless["param_groups"]:
        del group["name"]
    optimizer.load_state_dict(nameless)
    scheduler.step(1.0)
    assert rates_of(optimizer) == [state.lr for state in scheduler.states] == [rule.lr for rule in RULES]


def test_rules_that_do_not_match_the_groups_are_refused():
    for plan, named in (
        (RULES[:1], "got 1 for 2 groups"),
        ({"a": RULES[0], "bb": RULES[1]}, r"'b', has no rule.*'bb'"),
    ):
        optimizer = grouped(7.0, 5.0)
        with pytest.raises(ValueError, match=named):
            lrlib.torch.PlateauScheduler(optimizer, plan)
        assert rates_of(optimizer) == [7.0, 5.0]


def test_it_is_taken_for_torchs_own_but_inherits_no_behaviour():
    scheduler = lrlib.torch.PlateauScheduler(grouped(0.4), RULES[0])
    own = torch.optim.lr_scheduler.ReduceLROnPlateau
    assert isinstance(scheduler, own)  # Lightning and transformers' Trainer ask this
    # What torch's code does it does with attributes of its own; all that could run without them is ours.
    for name in ("step", "state_dict", "load_state_dict", "in_cooldown", "_reset", "get_lr"):
        assert getattr(type(scheduler), name) is not getattr(own, name), name
    assert not {"mode", "factor", "best", "num_bad_epochs", "min_lrs"} & set(vars(scheduler))
    scheduler.step(1.0)
    scheduler.step(metrics=1.0)
    assert not scheduler.in_cooldown
    scheduler._reset()
    assert scheduler.state == lrlib.PlateauState(0.2)
    cooling = lrlib.torch.PlateauScheduler(grouped(0.4), lrlib.Plateau(0.4, patience=0, cooldown=1))
    cooling.step(math.nan)
    assert cooling.in_cooldown


@pytest.mark.parametrize("chain", [torch.optim.lr_scheduler.ChainedScheduler, torch.optim.lr_scheduler.SequentialLR])
def test_torch_refuses_it_in_chains_and_sequences_as_its_own(chain):
    optimizer = grouped(0.4)
    parts = [torch.optim.lr_scheduler.StepLR(optimizer, 3), lrlib.torch.PlateauScheduler(optimizer, RULES[0])]
    with pytest.raises(ValueError, match="does not support `ReduceLROnPlateau`"):
        chain(*([parts] if chain is torch.optim.lr_scheduler.ChainedScheduler else [optimizer, parts, [3]]))


@pytest.mark.parametrize("plan", [RULES, dict(zip("ab", RULES, strict=True)), RULES[0]], ids=["list", "dict", "one"])
def test_its_state_travels_through_torchs_default_load(plan, tmp_path):
    optimizer = grouped(7.0, 5.0)
    scheduler = lrlib.torch.PlateauScheduler(optimizer, plan)
    for metric in (1.0, 1.0, 1.0):
        scheduler.step(metric)
    torch.save({"scheduler": scheduler.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint")
    saved = torch.load(tmp_path / "checkpoint", weights_only=True)
    for first, second in (("scheduler", "optimizer"), ("optimizer", "scheduler")):
        run = {"optimizer": grouped(7.0, 5.0)}
        run["scheduler"] = lrlib.torch.PlateauScheduler(run["optimizer"], plan)
        run[first].load_state_dict(saved[first])
        run[second].load_state_dict(saved[second])
        assert run["scheduler"].state_dict() == scheduler.state_dict()
        assert rates_of(run["optimizer"]) == rates_of(optimizer) == run["scheduler"].get_last_lr()


def test_another_rule_goes_on_from_the_saved_state_where_asked():
    scheduler = lrlib.torch.PlateauScheduler(grouped(7.0), RULES[0])
    for metric in (1.0, 1.0, 1.0):
        scheduler.step(metric)
    saved, patient = scheduler.state_dict(), dataclasses.replace(RULES[0], patience=1)
    with pytest.raises(ValueError, match=r'resume="state"'):
        lrlib.torch.PlateauScheduler(grouped(7.0), patient).load_state_dict(saved)
    resumed = lrlib.torch.PlateauScheduler(optimizer := grouped(7.0), patient, resume="state")
    resumed.load_state_dict(saved)
    assert resumed.states == scheduler.states
    seen = []
    for metric in (1.0, 1.0, 0.5):
        resumed.step(metric)
        seen += rates_of(optimizer)
    assert seen == [0.1, 0.05, 0.05]
    other_metric = lrlib.torch.PlateauScheduler(grouped(7.0), dataclasses.replace(patient, mode="max"), resume="state")
    other_metric.load_state_dict(saved)
    assert other_metric.state == lrlib.PlateauState(0.1)  # the best loss is no best accuracy
    with pytest.raises(ValueError, match="resume must be one of 'same', 'state', got 'count'"):
        lrlib.torch.PlateauScheduler(grouped(7.0), patient, resume="count")


def test_a_state_that_is_none_of_ours_or_of_other_groups():
    scheduler = lrlib.torch.PlateauScheduler(grouped(7.0), RULES[0])
    with pytest.raises(ValueError, match="no state of an lrlib"):
        scheduler.load_state_dict(torch.optim.lr_scheduler.ReduceLROnPlateau(grouped(7.0)).state_dict())
    with pytest.raises(ValueError, match="has 2 groups, this optimizer 1"):
        scheduler.load_state_dict(lrlib.torch.PlateauScheduler(grouped(7.0, 7.0), RULES[0]).state_dict())


def test_warmup_followed_by_plateau_in_torch():
    optimizer = torch_optimizer()
    warm = lrlib.torch.Scheduler(optimizer, lrlib.Linear(0.0, 1.0, steps=4))
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        warm.step()
    rates.append(optimizer.param_groups[0]["lr"])
    plateau = lrlib.torch.PlateauScheduler(optimizer, lrlib.Plateau(1.0, factor=0.5, patience=0))
    for metric in (1.0, 1.0, 0.5):
        rates.append(optimizer.param_groups[0]["lr"])
        plateau.step(metric)
    assert rates == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.5]


def test_keras_callback_goes_on_when_training_is_resumed():
    callback, model = lrlib.keras.PlateauCallback(GOLDEN, monitor="loss"), keras_model(1.0)
    metrics = CASE["metric"]
    first = through_keras(callback, metrics[:5], monitor="loss", model=model)
    second = through_keras(callback, metrics[5:], monitor="loss", model=model)
    np.testing.assert_allclose(first + second, trace(GOLDEN, metrics), rtol=1e-7)


@pytest.mark.parametrize(
    "monitor", ["accuracy", "val_accuracy", "acc", "val_auc", "val_sparse_categorical_accuracy", "val_AUC_1"]
)
def test_keras_callback_refuses_to_cut_while_an_accuracy_rises(monitor):
    with pytest.raises(ValueError, match=f"monitor is '{monitor}', which is better when higher.*mode='max'"):
        lrlib.keras.PlateauCallback(lrlib.Plateau(1.0), monitor)
    rising = lrlib.keras.PlateauCallback(lrlib.Plateau(1.0, "max", factor=0.5, patience=0), monitor)
    assert through_keras(rising, [0.5, 0.6, 0.6], monitor=monitor) == [1.0, 1.0, 0.5]


@pytest.mark.parametrize("monitor", ["loss", "val_loss", "accuracy_loss", "val_mae", "nacc"])
def test_keras_callback_lets_other_monitors_fall(monitor):
    falling = lrlib.keras.PlateauCallback(lrlib.Plateau(1.0, factor=0.5, patience=0), monitor)
    assert through_keras(falling, [0.5, 0.4, 0.4], monitor=monitor) == [1.0, 1.0, 0.5]


def test_keras_callback_wants_a_name_to_monitor():
    with pytest.raises(TypeError, match=r"monitor must be the name .*, got \['loss'\]"):
        lrlib.keras.PlateauCallback(lrlib.Plateau(1.0), ["loss"])


def test_keras_callback_in_a_real_fit():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.3), loss=lambda y, p: 0.0 * p + 2.0, steps_per_execution=2)
    x = np.ones((4, 1), "float32")
    plateau = lrlib.Plateau(1.0, factor=0.5, patience=0)
    callback = lrlib.keras.PlateauCallback(plateau, monitor="loss")
    history = model.fit(x, x, epochs=3, batch_size=2, verbose=0, callbacks=[callback])
    assert float(model.optimizer.learning_rate) == 0.25
    assert len(history.history["loss"]) == 3
    with pytest.warns(UserWarning, match="val_loss"):
        model.fit(x, x, verbose=0, callbacks=[lrlib.keras.PlateauCallback(plateau)])


# -- values ----------------------------------------------------------------------------------------


@given(PLATEAUS, st.lists(POSITIVE, max_size=12), st.lists(POSITIVE, max_size=12))
def test_a_state_goes_through_json_at_any_point(plateau, before, after):
    state = plateau.start()
    for metric in before:
        state = plateau.update(state, metric)
    restored = type(state)(**json.loads(json.dumps(state.to_dict(), allow_nan=False)))
    assert restored == state
    for metric in after:
        state, restored = plateau.update(state, metric), plateau.update(restored, metric)
    assert restored == state


def test_a_state_after_an_infinite_metric_goes_through_json():
    plateau = lrlib.Plateau(0.1)
    for metric in (math.inf, -math.inf):
        state = plateau.update(plateau.start(), metric)
        assert type(state)(**json.loads(json.dumps(state.to_dict(), allow_nan=False))) == state


def test_update_is_pure():
    state = GOLDEN.start()
    later = GOLDEN.update(state, 1.0)
    assert state == GOLDEN.start() != later
    assert GOLDEN.update(state, 1.0) == later
    with pytest.raises(AttributeError):
        state.lr = 3.0
    with pytest.raises(AttributeError):
        GOLDEN.lr = 3.0


def test_a_plateau_is_a_value():
    assert lrlib.Plateau(1, patience=2) == lrlib.Plateau(1.0, patience=2) != lrlib.Plateau(1.0, patience=3)
    for other in (
        eval(repr(GOLDEN), dict(vars(lrlib))),
        copy.deepcopy(GOLDEN),
        pickle.loads(pickle.dumps(GOLDEN)),
        lrlib.Plateau(**json.loads(json.dumps(dataclasses.asdict(GOLDEN)))),
    ):
        assert other == GOLDEN
        assert hash(other) == hash(GOLDEN)


def test_numpy_metrics_count_as_numbers():
    for kind in (np.float32, np.float64, np.int64, float, int):
        assert trace(lrlib.Plateau(1.0, factor=0.5, patience=0), [kind(2), kind(1), kind(1)]) == [
            1.0,
            1.0,
            0.5,
        ]


@pytest.mark.parametrize("metric", [None, "0.5", True, [0.5], 1j], ids=lambda v: repr(v).split(" at 0x")[0])
def test_a_metric_of_a_wrong_type(metric):
    with pytest.raises(TypeError, match="metric"):
        GOLDEN.update(GOLDEN.start(), metric)


NOT_A_NUMBER = [True, None, "3", [1.0]]
NOT_FINITE = [math.nan, math.inf, -math.inf]
BAD = {
    "lr": (NOT_A_NUMBER, [-0.1, *NOT_FINITE]),
    "mode": ([True, None, 3], ["", "mid", "MIN"]),
    "factor": (NOT_A_NUMBER, [0.0, 1.0, 2.0, -0.5, *NOT_FINITE]),
    "patience": ([True, None, "3"], [-1, 2.5, math.nan]),
    "threshold": (NOT_A_NUMBER, [-0.1, *NOT_FINITE]),
    "threshold_mode": ([True, None, 3], ["", "relative"]),
    "cooldown": ([True, None, "3"], [-1, 2.5, math.nan]),
    "min_lr": (NOT_A_NUMBER, [-0.1, *NOT_FINITE]),
    "eps": (NOT_A_NUMBER, [-0.1, *NOT_FINITE]),
}


@pytest.mark.parametrize(
    ("parameter", "error", "value"),
    [
        (parameter, error, value)
        for parameter, lists in BAD.items()
        for error, values in zip((TypeError, ValueError), lists, strict=True)
        for value in values
    ],
    ids=lambda v: repr(v).split(" at 0x")[0],
)
def test_a_plateau_refuses(parameter, error, value):
    with pytest.raises(error, match=rf"\b{parameter}\b.*{re.escape(repr(value))}"):
        lrlib.Plateau(**{"lr": 0.1, parameter: value})


def test_a_plateau_refuses_a_floor_above_its_first_rate():
    with pytest.raises(ValueError, match=r"min_lr must not be above lr, got min_lr=1\.0, lr=0\.1"):
        lrlib.Plateau(0.1, min_lr=1.0)
    assert lrlib.Plateau(0.1, min_lr=0.1).min_lr == 0.1


def test_a_plateau_comes_back_from_its_dict_and_from_no_other():
    assert lrlib.Plateau.from_dict(json.loads(json.dumps(GOLDEN.to_dict()))) == GOLDEN
    assert lrlib.Plateau.from_dict({"lr": 0.1}) == lrlib.Plateau(0.1)
    with pytest.raises(ValueError, match=r"no parameters \['patiense'\]; its parameters are \['lr', .*'patience'"):
        lrlib.Plateau.from_dict({"lr": 0.1, "patiense": 3})
    with pytest.raises(ValueError, match=r"Plateau needs \['lr'\]; its"):
        lrlib.Plateau.from_dict({})
    with pytest.raises(TypeError, match=r"a mapping .*, got 0\.1"):
        lrlib.Plateau.from_dict(0.1)


@pytest.mark.parametrize("wrong", [0.1, None, lrlib.Constant(0.1)], ids=lambda v: repr(v).split(" at 0x")[0])
def test_the_adapters_refuse_what_is_no_plateau(wrong):
    with pytest.raises(TypeError, match="lateau"):
        lrlib.torch.PlateauScheduler(torch_optimizer(), wrong)
    with pytest.raises(TypeError, match="lateau"):
        lrlib.keras.PlateauCallback(wrong)
    with pytest.raises(TypeError, match="ptimizer"):
        lrlib.torch.PlateauScheduler(wrong, GOLDEN)


def test_no_warnings_from_the_torch_scheduler():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler = lrlib.torch.PlateauScheduler(torch_optimizer(), GOLDEN)
        scheduler.step(1.0)
        scheduler.get_last_lr()
