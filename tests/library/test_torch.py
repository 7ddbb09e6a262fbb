"""A Schedule drives a torch optimizer: what is in force, what is touched, how it resumes."""

import copy
import inspect
import io
import itertools
import json
import math
import pickle
import re
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference import ROOT, SAMPLES, composed, rates_only, sample

import lrlib

WARM = lrlib.Linear(0.0, 0.1, steps=3).then(lrlib.Cosine(0.1, 0.01, steps=7))
COUNT = 14


def parameter(value=0.0, dtype=torch.float64):
    return torch.nn.Parameter(torch.tensor([value], dtype=dtype))


def sgd(**options):
    return torch.optim.SGD([parameter()], **{"lr": 7.0, **options})


def two_groups(*names, **options):
    groups = [{"params": [parameter()]} | ({"name": name} if name else {}) for name in names or ("a", "b")]
    return torch.optim.SGD(groups, **{"lr": 7.0, **options})


def update(optimizer):
    """One update by gradient 1 from weight 0; returns the rate that each group really applied."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)
            p.data.zero_()
    optimizer.step()
    return [-group["params"][0].item() for group in optimizer.param_groups]


def applied(optimizer, scheduler, count=COUNT):
    """The first group's applied rate at each of the next ``count`` updates."""
    rates = []
    for _ in range(count):
        rates.append(update(optimizer)[0])
        scheduler.step()
    return rates


def values(schedule, count=COUNT, start=0):
    return [schedule(t) for t in range(start, start + count)]


# -- the rate in force -----------------------------------------------------------------------------


def test_the_steps_are_counted_as_torch_counts_them():
    """Accelerate raises this count itself, and reads it."""
    ours, theirs = lrlib.torch.Scheduler(sgd(), WARM), torch.optim.lr_scheduler.ConstantLR(sgd())
    for scheduler in (ours, theirs):
        applied(scheduler.optimizer, scheduler)
    assert ours._step_count == theirs._step_count == COUNT + 1


@sample
def test_the_rate_in_force_at_every_update(s):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, s)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    for t in range(40):
        assert scheduler.last_epoch == t
        assert scheduler.get_last_lr() == [s(t)]
        assert optimizer.param_groups[0]["lr"] == s(t)
        assert type(optimizer.param_groups[0]["lr"]) is float
        assert update(optimizer) == [s(t)]
        scheduler.step()


@given(composed().filter(lambda case: rates_only(case.schedule)))
@settings(max_examples=40)
def test_the_rate_in_force_for_any_composition(s):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=7.0)
    scheduler = lrlib.torch.Scheduler(optimizer, s.schedule)
    optimizer.step()
    for t in range(20):
        assert optimizer.param_groups[0]["lr"] == s.schedule(t)
        scheduler.step()


def test_the_signature():
    parameters = inspect.signature(lrlib.torch.Scheduler).parameters
    assert list(parameters)[:3] == ["optimizer", "lr", "last_epoch"]
    assert parameters["last_epoch"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["last_epoch"].default == -1


def test_rates_are_absolute_and_zero_may_start_them():
    for lr in (1e-3, 5.0):
        optimizer = sgd(lr=lr)
        assert applied(optimizer, lrlib.torch.Scheduler(optimizer, WARM)) == values(WARM)


def test_torchs_own_member_of_a_sequential_starts_from_the_peak_that_the_optimizer_was_built_with():
    rates = {}
    for lr in (0.1, 1e-3):
        optimizer = sgd(lr=lr)
        warm = lrlib.torch.Scheduler(optimizer, lrlib.Linear(0.0, 0.1, steps=5))
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
        scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [5])
        rates[lr] = applied(optimizer, scheduler, 10)
    joined = lrlib.Linear(0.0, 0.1, steps=5).then(lrlib.Cosine(0.1, 0.0, steps=5))
    assert rates[0.1] == pytest.approx(values(joined, 10))
    assert rates[1e-3][:6] == [*values(joined, 5), 1e-3]  # what the documentation warns of


def test_two_schedulers_one_after_another_on_one_optimizer():
    optimizer = sgd()
    first = applied(optimizer, lrlib.torch.Scheduler(optimizer, WARM), 4)
    second = applied(optimizer, lrlib.torch.Scheduler(optimizer, lrlib.Constant(0.3)), 2)
    assert first + second == [*values(WARM, 4), 0.3, 0.3]


DIP = 0.5 - lrlib.Linear(0.0, 1.0, steps=4)  # below 0 from update 3 on


@pytest.mark.parametrize(
    ("name", "schedule", "update", "allowed"),
    [
        ("lr", DIP, 3, "a finite number, 0 or more"),
        ("lr", [DIP], 3, "a finite number, 0 or more"),
        ("lr", lrlib.Exponential(1e300, 1e3), 3, "a finite number, 0 or more"),
        ("momentum", DIP, 3, "a finite number, 0 or more"),
        ("weight_decay", DIP, 3, "a finite number, 0 or more"),
        ("beta1", DIP, 3, "from 0 up to, but not including, 1"),
        ("beta2", lrlib.Linear(0.5, 1.0, steps=2), 2, "from 0 up to, but not including, 1"),
        ("eps", DIP, None, None),
    ],
)
def test_what_torchs_optimizers_refuse_is_refused_at_its_update(name, schedule, update, allowed):
    build = torch.optim.SGD if name == "momentum" else torch.optim.AdamW
    optimizer = build([parameter()], lr=7.0)
    scheduler = lrlib.torch.Scheduler(optimizer, **{"lr": WARM, name: schedule})
    optimizer.step()
    for _ in range(4 if update is None else update - 1):
        scheduler.step()
    if update is not None:
        with pytest.raises(ValueError, match=rf"^{name} must be {allowed}, but its .* for update {update};.*clip"):
            scheduler.step()
        assert scheduler.last_epoch == update - 1


def test_what_is_out_of_bounds_at_the_start_is_refused_before_anything_is_set():
    optimizer = torch.optim.AdamW([parameter()], lr=7.0)
    before = copy.deepcopy(optimizer.param_groups)
    with pytest.raises(ValueError, match=r"beta1 must be .* gives 1\.5 for update 0;"):
        lrlib.torch.Scheduler(optimizer, WARM, beta1=lrlib.Constant(1.5))
    assert optimizer.param_groups == before


@pytest.mark.parametrize("lr", [lambda s: s, lambda s: [s, 2 * s]], ids=["one", "list"])
def test_a_rounding_below_zero_counts_as_zero(lr):
    missed = lrlib.Linear(0.3, 0.1, steps=4) - 0.1 - 1e-17 - 2e-17
    assert -1e-15 < missed(4) < 0
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, lr(missed))
    applied(optimizer, scheduler, 6)
    assert scheduler.get_last_lr() == scheduler.get_lr() == [0.0, 0.0]
    again = lrlib.torch.Scheduler(two_groups(), lr(missed))
    again.load_state_dict(scheduler.state_dict())
    assert again.get_last_lr() == [0.0, 0.0]


class Unregistered(lrlib.Schedule):
    def evaluate(self, t, ops):
        return 0.5 / (t + 1)


@pytest.mark.parametrize("s", [Unregistered(), (2 * Unregistered()).take(5)], ids=["alone", "within"])
def test_a_schedule_that_is_not_registered_drives_but_cannot_be_saved(s):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, s)
    assert applied(optimizer, scheduler) == values(s)
    for act in (scheduler.state_dict, lambda: scheduler.load_state_dict(checkpoint(3)["scheduler"])):
        with pytest.raises(TypeError, match=r"Unregistered is not registered: decorate the class"):
            act()
    assert scheduler.last_epoch == COUNT
    resumed = lrlib.torch.Scheduler(optimizer, s, resume="count")
    resumed.load_state_dict({"last_epoch": 3})
    assert applied(optimizer, resumed) == values(s, start=3)


@pytest.mark.parametrize("rate", [np.float32(7.0), np.float64(7.0), np.int64(7), Fraction(7), 7])
def test_the_optimizers_own_rate_may_be_any_real_number(rate):
    optimizer = sgd(lr=rate)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    assert type(optimizer.param_groups[0]["lr"]) is float
    assert applied(optimizer, scheduler) == values(WARM)


# -- groups ----------------------------------------------------------------------------------------


def rated_groups(*rates):
    groups = [{"params": [parameter()], "lr": lr, "name": f"g{lr}"} for lr in rates]
    return torch.optim.SGD(groups, lr=7.0)


def test_one_schedule_for_groups_with_different_rates_warns_and_names_the_remedy():
    optimizer = rated_groups(1e-4, 0.5, 1e-4)
    message = r"theirs differ: \[0\.0001, 0\.5\]\. .*\[share \* schedule .*shares = (\[.*?\]), or a dict"
    with pytest.warns(UserWarning, match=message) as caught:
        lrlib.torch.Scheduler(optimizer, WARM)
    assert [str(warning.filename) for warning in caught] == [__file__]  # once, where the scheduler is built
    optimizer = rated_groups(0.125, 0.5)
    shares = eval(re.search(message, str(caught[0].message))[1], {"optimizer": optimizer})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler = lrlib.torch.Scheduler(optimizer, [share * WARM for share in shares])
        assert scheduler.get_last_lr() == [0.0, 0.0]
        update(optimizer)
        scheduler.step()
        assert scheduler.get_last_lr() == [WARM(1) / 4, WARM(1)]


def test_groups_that_may_differ_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lrlib.torch.Scheduler(rated_groups(7.0, 7.0), WARM)
        lrlib.torch.Scheduler(rated_groups(1.0, 7.0), {"g1.0": WARM, "g7.0": WARM})
        lrlib.torch.Scheduler(rated_groups(1.0, 7.0), momentum=WARM)
        lrlib.torch.Scheduler(rated_groups(1.0, 7.0), WARM, last_epoch=3)  # built anew, where a group has joined


PAIR = [WARM, lrlib.StepDecay(0.2, 0.5, every=2)]


@pytest.mark.parametrize("given_as", [list, tuple, lambda pair: dict(zip(("a", "b"), pair, strict=True))])
def test_each_group_has_its_own_schedule(given_as):
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, given_as(PAIR))
    for t in range(COUNT):
        expected = [s(t) for s in PAIR]
        assert scheduler.get_last_lr() == expected
        assert update(optimizer) == expected
        scheduler.step()


def test_a_dict_goes_by_name_not_by_order():
    optimizer = two_groups("a", "b")
    lrlib.torch.Scheduler(optimizer, {"b": lrlib.Constant(0.2), "a": lrlib.Constant(0.1)})
    assert update(optimizer) == [0.1, 0.2]


def test_one_schedule_serves_all_groups():
    optimizer = two_groups()
    lrlib.torch.Scheduler(optimizer, lrlib.Constant(0.2))
    assert update(optimizer) == [0.2, 0.2]


def test_two_groups_of_one_name_share_its_schedule():
    optimizer = two_groups("a", "a")
    lrlib.torch.Scheduler(optimizer, {"a": lrlib.Constant(0.2)})
    assert update(optimizer) == [0.2, 0.2]


ONE = lrlib.Constant(0.1)


@pytest.mark.parametrize(
    ("names", "lr", "named"),
    [
        (("a", "b"), {"a": ONE}, "b"),
        (("a", "b"), {"a": ONE, "typo": ONE}, "typo"),
        (("a", None), {"a": ONE}, "name"),
        ((None, None), {"a": ONE}, "a"),
        (("a", "b"), {}, "a"),
        (("a", "b"), [ONE], "1"),
        (("a", "b"), [ONE, ONE, ONE], "3"),
        (("a", "b"), [], "0"),
    ],
)
def test_groups_that_do_not_match(names, lr, named):
    optimizer = two_groups(*names)
    with pytest.raises(ValueError, match=named):
        lrlib.torch.Scheduler(optimizer, lr)
    assert [group["lr"] for group in optimizer.param_groups] == [7.0, 7.0]


def test_a_group_added_later_joins_at_the_next_step():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    assert applied(optimizer, scheduler, 3) == values(WARM, 3)
    optimizer.add_param_group({"params": [parameter()], "lr": 5.0})
    assert update(optimizer) == [WARM(3), 5.0]
    scheduler.step()
    assert scheduler.get_last_lr() == [WARM(4)] * 2
    assert update(optimizer) == [WARM(4)] * 2


def test_a_group_added_later_is_given_the_rate_of_its_first_update():
    plan = {"a": WARM, "b": 2 * WARM}
    optimizer = torch.optim.SGD([{"params": [parameter()], "name": "a"}], lr=7.0)
    scheduler = lrlib.torch.Scheduler(optimizer, plan)
    applied(optimizer, scheduler, 3)
    optimizer.add_param_group({"params": [parameter()], "name": "b", "lr": plan["b"](scheduler.last_epoch)})
    for t in range(3, COUNT):
        assert update(optimizer) == [WARM(t), 2 * WARM(t)]
        scheduler.step()


def test_a_group_added_later_with_a_list_or_an_unknown_name_is_refused():
    for lr in (PAIR, dict(zip(("a", "b"), PAIR, strict=True))):
        optimizer = two_groups()
        scheduler = lrlib.torch.Scheduler(optimizer, lr)
        update(optimizer)
        optimizer.add_param_group({"params": [parameter()], "name": "late"})
        with pytest.raises(ValueError, match=r"3|late"):
            scheduler.step()


def without_first(optimizer, *names):
    """The first group removed, and others added at the end."""
    del optimizer.param_groups[0]
    for name in names:
        optimizer.add_param_group({"params": [parameter()], "name": name})


@pytest.mark.parametrize("names", [(), ("c",), ("c", "a")])
@pytest.mark.parametrize("loaded_between", [False, True])
def test_a_dict_goes_by_name_when_groups_are_removed_or_replaced(names, loaded_between):
    plan = {"a": ONE, "b": 2 * ONE, "c": 3 * ONE}
    optimizer = two_groups("a", "b")
    scheduler = lrlib.torch.Scheduler(optimizer, plan, momentum=plan)
    optimizer.step()
    without_first(optimizer, *names)
    if loaded_between:  # makes every group a new dict
        optimizer.load_state_dict(optimizer.state_dict())
    read = [lrlib.from_torch(scheduler, group=index) for index in range(len(optimizer.param_groups))]
    scheduler.step()
    assert read == [plan[group["name"]] for group in optimizer.param_groups]
    assert rates_of(optimizer) == [s(0) for s in read] == scheduler.get_last_lr()
    assert [group["momentum"] for group in optimizer.param_groups] == rates_of(optimizer)
    state = scheduler.state_dict()
    again = two_groups(*(group["name"] for group in optimizer.param_groups))
    resumed = lrlib.torch.Scheduler(again, plan, momentum=plan)
    resumed.load_state_dict(state)
    assert rates_of(again) == rates_of(optimizer)


@pytest.mark.parametrize("names", [(), ("c",), ("a", "c")])
def test_a_list_goes_by_position_so_that_a_removed_or_replaced_group_is_refused(names):
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, PAIR)
    update(optimizer)
    without_first(optimizer, *names)
    before, state = copy.deepcopy(optimizer.param_groups), scheduler.state_dict()
    with pytest.raises(ValueError, match=r"lr: a list .*removed, replaced or moved.*last_epoch=0") as refusal:
        scheduler.step()
    assert "joined" not in str(refusal.value)
    assert (optimizer.param_groups, scheduler.state_dict()) == (before, state)


def test_one_schedule_follows_what_groups_there_are():
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    update(optimizer)
    without_first(optimizer)
    scheduler.step()
    assert rates_of(optimizer) == [WARM(1)] == scheduler.get_last_lr()


@pytest.mark.parametrize("plan", [PAIR, dict(zip("ab", PAIR, strict=True))], ids=["list", "dict"])
@pytest.mark.parametrize("how", ["loaded", "copied", "new dicts", "pickled"])
def test_groups_that_come_back_in_other_dicts_are_the_same_groups(plan, how):
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, plan)
    if how == "loaded":  # from before the groups were named
        optimizer.load_state_dict(two_groups(None, None).state_dict())
    elif how == "copied":
        optimizer, scheduler = copy.deepcopy((optimizer, scheduler))
    elif how == "pickled":
        optimizer, scheduler = pickle.loads(pickle.dumps((optimizer, scheduler)))
    else:  # as Lightning's BaseFinetuning does it when it resumes
        optimizer.param_groups = [{**group, "params": list(group["params"])} for group in optimizer.param_groups]
    for t in range(1, 4):
        optimizer.step()
        scheduler.step()
        assert rates_of(optimizer) == [s(t) for s in PAIR]


# -- other hyperparameters -------------------------------------------------------------------------

MOMENTUM = 0.95 - lrlib.Triangular(0.0, 0.1, step_size=3)


def test_momentum_follows_its_own_schedule():
    optimizer = sgd(momentum=0.5)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, momentum=MOMENTUM)
    for t in range(COUNT):
        assert optimizer.param_groups[0]["momentum"] == MOMENTUM(t)
        assert optimizer.param_groups[0]["lr"] == WARM(t)
        optimizer.step()
        scheduler.step()


def test_beta1_is_the_first_of_betas():
    optimizer = torch.optim.AdamW([parameter()], lr=7.0, betas=(0.5, 0.9), weight_decay=0.3)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, beta1=MOMENTUM, weight_decay=PAIR[1])
    for t in range(COUNT):
        group = optimizer.param_groups[0]
        assert group["betas"] == (MOMENTUM(t), 0.9)
        assert group["weight_decay"] == PAIR[1](t)
        assert group["lr"] == WARM(t)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    "build",
    [
        lambda p: torch.optim.SGD(p, lr=7.0, momentum=0.5, nesterov=True, weight_decay=0.3),
        lambda p: torch.optim.AdamW(p, lr=7.0, betas=(0.5, 0.6), weight_decay=0.3),
        lambda p: torch.optim.RMSprop(p, lr=7.0, momentum=0.5),
    ],
)
def test_nothing_is_touched_that_was_not_asked_for(build):
    optimizer = build([parameter()])
    own = {"params", "lr", "initial_lr"}  # initial_lr is a note that every torch scheduler leaves
    before = copy.deepcopy({k: v for k, v in optimizer.param_groups[0].items() if k not in own})
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    assert {k: v for k, v in optimizer.param_groups[0].items() if k not in own} == before


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (sgd, "momentun"),
        (sgd, "beta1"),
        (lambda: torch.optim.Adam([parameter()]), "momentum"),
        # In the groups, but no number that could follow a schedule.
        (lambda: torch.optim.Adam([parameter()]), "betas"),
        (sgd, "params"),
        (sgd, "nesterov"),
    ],
)
def test_a_hyperparameter_that_cannot_be_scheduled(optimizer, name):
    optimizer = optimizer()
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises((TypeError, ValueError), match=name):
        lrlib.torch.Scheduler(optimizer, WARM, **{name: MOMENTUM})
    assert optimizer.state_dict() == before


@pytest.mark.parametrize(
    "wrong",
    [0.1, None, "0.1", "", [0.1], {"a": 0.1}, [ONE, None], lambda t: 0.1, lrlib.Constant, True],
    ids=lambda v: repr(v).split(" at 0x")[0],
)
def test_what_is_no_schedule_is_a_type_error(wrong):
    with pytest.raises(TypeError, match=r"lr.*Schedule"):
        lrlib.torch.Scheduler(sgd(), wrong)
    with pytest.raises(TypeError, match=r"momentum.*Schedule"):
        lrlib.torch.Scheduler(sgd(), WARM, momentum=wrong)


def test_other_wrong_arguments():
    for wrong in (None, 3, [parameter()], WARM):
        with pytest.raises(TypeError, match="optimizer"):
            lrlib.torch.Scheduler(wrong, WARM)
    for wrong in (True, None, "3"):
        with pytest.raises(TypeError, match="last_epoch"):
            lrlib.torch.Scheduler(sgd(), WARM, last_epoch=wrong)
    for wrong in (-2, 2.5, math.nan):
        with pytest.raises((TypeError, ValueError), match="last_epoch"):
            lrlib.torch.Scheduler(sgd(), WARM, last_epoch=wrong)


def test_a_tensor_rate_is_filled_in_place():
    rate = torch.tensor(7.0, dtype=torch.float64)
    optimizer = sgd(lr=rate)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    for t in range(COUNT):
        assert optimizer.param_groups[0]["lr"] is rate
        assert rate.item() == WARM(t)
        kept = scheduler.get_last_lr()
        assert [float(lr) for lr in kept] == [WARM(t)]
        assert update(optimizer) == [WARM(t)]
        scheduler.step()
        assert [float(lr) for lr in kept] == [WARM(t)]  # a copy: what was read does not change later


# -- resuming --------------------------------------------------------------------------------------


def checkpoint(at, others=None, **options):
    """Both states after ``at`` updates, as they come back from torch's default load."""
    optimizer = sgd(**options)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, **(others or {}))
    applied(optimizer, scheduler, at)
    buffer = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, buffer)
    buffer.seek(0)
    return torch.load(buffer)  # weights_only, the default


def optimizer_then_scheduler(saved, at):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    optimizer.load_state_dict(saved["optimizer"])
    scheduler.load_state_dict(saved["scheduler"])
    return optimizer, scheduler


def scheduler_then_optimizer(saved, at):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    scheduler.load_state_dict(saved["scheduler"])
    optimizer.load_state_dict(saved["optimizer"])
    return optimizer, scheduler


def built_after_the_optimizer_was_loaded(saved, at):
    optimizer = sgd()
    optimizer.load_state_dict(saved["optimizer"])
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    scheduler.load_state_dict(saved["scheduler"])
    return optimizer, scheduler


def scheduler_alone(saved, at):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    scheduler.load_state_dict(saved["scheduler"])
    return optimizer, scheduler


def by_one_integer(saved, at):
    optimizer = sgd()
    return optimizer, lrlib.torch.Scheduler(optimizer, WARM, last_epoch=at)


def by_one_integer_after_the_optimizer_was_loaded(saved, at):
    optimizer = sgd()
    optimizer.load_state_dict(saved["optimizer"])
    return optimizer, lrlib.torch.Scheduler(optimizer, WARM, last_epoch=at)


def by_one_integer_before_the_optimizer_is_loaded(saved, at):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, last_epoch=at)
    optimizer.load_state_dict(saved["optimizer"])
    return optimizer, scheduler


def through_json(saved, at):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    scheduler.load_state_dict(json.loads(json.dumps(saved["scheduler"], allow_nan=False)))
    return optimizer, scheduler


def into_a_scheduler_that_has_run(saved, at):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    applied(optimizer, scheduler, 9)
    scheduler.load_state_dict(saved["scheduler"])
    return optimizer, scheduler


ORDERS = [
    optimizer_then_scheduler,
    scheduler_then_optimizer,
    built_after_the_optimizer_was_loaded,
    scheduler_alone,
    by_one_integer,
    by_one_integer_after_the_optimizer_was_loaded,
    by_one_integer_before_the_optimizer_is_loaded,
    through_json,
    into_a_scheduler_that_has_run,
]


@pytest.mark.parametrize("resume", ORDERS)
@pytest.mark.parametrize("at", [0, 1, 2, 3, 5, 10, 12])
def test_every_load_order_gives_the_same_trace(resume, at):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer, scheduler = resume(checkpoint(at), at)
        assert scheduler.last_epoch == at
        assert scheduler.get_last_lr() == [WARM(at)]
        assert applied(optimizer, scheduler) == values(WARM, start=at)
        assert scheduler.last_epoch == at + COUNT


def test_after_loading_a_fresh_state_torch_still_checks_that_the_optimizer_goes_first():
    scheduler = lrlib.torch.Scheduler(sgd(), WARM)
    scheduler.load_state_dict(checkpoint(0)["scheduler"])
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()


def test_a_group_that_joined_before_loading_has_its_value_at_once():
    plan = {"a": WARM, "b": 0.5 * WARM, "late": 0.1 * WARM}

    def built():
        optimizer = two_groups()
        scheduler = lrlib.torch.Scheduler(optimizer, plan)
        optimizer.add_param_group({"params": [parameter()], "name": "late"})
        return optimizer, scheduler

    optimizer, scheduler = built()
    applied(optimizer, scheduler, 5)
    resumed, its_scheduler = built()
    its_scheduler.load_state_dict(scheduler.state_dict())
    assert [group["lr"] for group in resumed.param_groups] == [schedule(5) for schedule in plan.values()]


def test_the_default_is_a_fresh_start():
    for options in ({}, {"last_epoch": -1}, {"last_epoch": 0}):
        optimizer = sgd()
        scheduler = lrlib.torch.Scheduler(optimizer, WARM, **options)
        assert scheduler.last_epoch == 0
        assert applied(optimizer, scheduler) == values(WARM)


@pytest.mark.parametrize("first", ["optimizer", "scheduler"])
def test_momentum_groups_and_tensors_resume_too(first):
    def build():
        optimizer = two_groups(momentum=0.5)
        optimizer.param_groups[1]["lr"] = torch.tensor(7.0, dtype=torch.float64)
        scheduler = lrlib.torch.Scheduler(
            optimizer,
            dict(zip(("a", "b"), PAIR, strict=True)),
            momentum=MOMENTUM,
            weight_decay=PAIR,
        )
        return {"optimizer": optimizer, "scheduler": scheduler}

    def facts(run):
        return [
            [float(group[name]) for name in ("lr", "momentum", "weight_decay")]
            for group in run["optimizer"].param_groups
        ]

    def go_on(run, count):
        seen = []
        for _ in range(count):
            seen.append(facts(run))
            run["optimizer"].step()
            run["scheduler"].step()
        return seen

    run = build()
    expected = go_on(run, 4)
    buffer = io.BytesIO()
    torch.save({name: part.state_dict() for name, part in run.items()}, buffer)
    expected = go_on(run, 8)
    buffer.seek(0)
    saved, resumed = torch.load(buffer), build()
    for name in sorted(resumed, key=lambda name: name != first):
        resumed[name].load_state_dict(saved[name])
    assert go_on(resumed, 8) == expected


def test_a_state_holds_plain_things_only():
    scheduler = lrlib.torch.Scheduler(two_groups(momentum=0.9), PAIR, momentum=MOMENTUM)
    state = scheduler.state_dict()
    assert {"last_epoch", "schedules"} <= set(state)
    assert json.loads(json.dumps(state, allow_nan=False)) == state

    def plain(x):
        if isinstance(x, dict):
            return all(type(key) is str and plain(value) for key, value in x.items())
        return all(map(plain, x)) if type(x) is list else type(x) in (int, float, str, bool, type(None))

    assert plain(state)
    json.dumps(state["schedules"])
    scheduler.optimizer.step()
    scheduler.step()
    assert state["last_epoch"] == 0  # a snapshot, not a view


# Field case 7: a longer or another plan, where a framework does the loading.
OLD = lrlib.Linear(0.1, 0.0, steps=10)
LONGER = OLD.take(5).then(lrlib.Linear(OLD(5), 0.0, steps=15))
NEARLY = lrlib.Linear(0.1, 0.1 * 1e-9, steps=10)


def in_groups(optimizer, scheduler, count):
    """The first group's rate at each of the next ``count`` updates, as the group has it."""
    rates = []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def loaded(saved, *args, names=("a",), **options):
    """A scheduler for groups of these names, built anew, into which the state has been loaded."""
    scheduler = lrlib.torch.Scheduler(two_groups(*names, momentum=0.9), *args, **options)
    scheduler.load_state_dict(saved)
    return scheduler


def saved_at(at, *args, names=("a",), **options):
    optimizer = two_groups(*names, momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, *args, **options)
    in_groups(optimizer, scheduler, at)
    return json.loads(json.dumps(scheduler.state_dict()))


@pytest.mark.parametrize(
    "new", [LONGER, [OLD], {"a": OLD}, OLD.then(ONE), lrlib.Constant(0.05), NEARLY], ids=lambda new: repr(new)[:30]
)
@pytest.mark.parametrize("resume", ["same", "count"])
def test_a_schedule_that_gives_the_saved_value_at_the_saved_update_is_taken(new, resume):
    scheduler = loaded(saved_at(5, OLD), new, resume=resume)
    one = next(iter(new.values())) if isinstance(new, dict) else new[0] if isinstance(new, list) else new
    assert scheduler.last_epoch == 5
    assert in_groups(scheduler.optimizer, scheduler, 8) == values(one, 8, start=5)


PLANS_THAT_JUMP = {
    "rate": ((lrlib.Linear(0.1, 0.0, steps=20),), {}),
    "next to it": ((lrlib.Constant(0.05 * (1 + 1e-8)),), {"momentum": lrlib.Constant(0.9)}),
    "momentum": ((OLD,), {"momentum": lrlib.Constant(0.8)}),
    "a new hyperparameter": ((OLD,), {"momentum": lrlib.Constant(0.9), "weight_decay": lrlib.Constant(0.0)}),
    "one less": ((OLD,), {}),
    "rate to zero": ((0 * OLD,), {"momentum": lrlib.Constant(0.9)}),
}


@pytest.mark.parametrize(("args", "others"), PLANS_THAT_JUMP.values(), ids=PLANS_THAT_JUMP)
def test_a_jump_is_refused_with_both_and_an_advice_that_a_framework_lets_one_follow(args, others):
    saved = saved_at(5, OLD, momentum=lrlib.Constant(0.9))
    optimizer = two_groups("a", momentum=0.9)
    scheduler = lrlib.torch.Scheduler(optimizer, *args, **others)
    before = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    with pytest.raises(ValueError, match=r'last_epoch=5.*old\.take\(5\)\.then.*resume="count".*Linear.*this scheduler'):
        scheduler.load_state_dict(saved)
    assert (optimizer.state_dict(), scheduler.state_dict()) == before
    scheduler = loaded(saved, *args, **others, resume="count")
    assert scheduler.last_epoch == 5
    assert in_groups(scheduler.optimizer, scheduler, 8) == values(args[0], 8, start=5)


def test_the_refusal_says_how_large_the_jump_is_and_where():
    saved = saved_at(5, [OLD, 2 * OLD], names=("a", "b"))
    with pytest.raises(ValueError, match=r"lr of group 1 would go from 0.1 to 0.3\d*[.;]") as refusal:
        loaded(saved, [OLD, 6 * OLD], names=("a", "b"))
    assert "group 0" not in str(refusal.value)
    with pytest.raises(ValueError, match="it has 2 groups and this optimizer 1"):
        loaded(saved, [LONGER])


def test_a_jump_before_the_first_update_is_refused_too():
    with pytest.raises(ValueError, match=r"lr of group 0 would go from 0.1 to 0.2"):
        loaded(saved_at(0, OLD), 2 * OLD)


def test_the_count_alone_may_come_from_torchs_own():
    optimizer = sgd()
    own = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    applied(optimizer, own, 4)
    scheduler = lrlib.torch.Scheduler(sgd(), WARM, resume="count")
    scheduler.load_state_dict(own.state_dict())
    assert applied(scheduler.optimizer, scheduler) == values(WARM, start=4)
    with pytest.raises(ValueError, match=r'resume="count"'):
        lrlib.torch.Scheduler(sgd(), WARM).load_state_dict(own.state_dict())
    with pytest.raises(ValueError, match="resume must be one of 'same', 'count', got 'counts'"):
        lrlib.torch.Scheduler(sgd(), WARM, resume="counts")


def test_an_equal_schedule_that_was_written_otherwise_is_the_same():
    saved = checkpoint(5)
    same = lrlib.Linear(0, 0.1, 3).then(lrlib.Cosine(start=0.1, end=0.01, steps=7))
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, same)
    scheduler.load_state_dict(saved["scheduler"])
    assert applied(optimizer, scheduler) == values(WARM, start=5)


@pytest.mark.parametrize("state", [{}, {"last_epoch": 3}, {"schedules": {}}, {"last_epoch": 3, "base_lrs": [0.1]}])
def test_a_state_that_is_none_of_ours(state):
    with pytest.raises((ValueError, KeyError)):
        lrlib.torch.Scheduler(sgd(), WARM).load_state_dict(state)


WRONG = [None, "5", True, [5], math.nan, math.inf, torch.tensor(5.0)]
DAMAGED = [("last_epoch", wrong) for wrong in (*WRONG, -5, -0.5)] + [("remainder", wrong) for wrong in WRONG]


@pytest.mark.parametrize(("name", "wrong"), DAMAGED, ids=repr)
@pytest.mark.parametrize("resume", ["same", "count"])
def test_a_damaged_clock_is_refused_before_anything_is_changed(name, wrong, resume):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, resume=resume)
    applied(optimizer, scheduler, 2)
    state, rates = scheduler.state_dict(), rates_of(optimizer)
    with pytest.raises((TypeError, ValueError), match=rf"load_state_dict: {name} must be a .* number.*got "):
        scheduler.load_state_dict({**state, name: wrong})
    assert (scheduler.state_dict(), rates_of(optimizer)) == (state, rates)


@pytest.mark.parametrize("clock", [3, 3.0, np.int64(3), np.float32(3), torch.tensor(3)], ids=repr)
def test_a_whole_clock_is_loaded_as_a_whole_number(clock):
    scheduler = lrlib.torch.Scheduler(sgd(), WARM)
    scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": clock, "values": {"lr": [WARM(3)]}})
    assert (scheduler.last_epoch, type(scheduler.last_epoch)) == (3, int)


def test_a_whole_clock_that_was_stepped_by_a_share_resumes():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    optimizer.step()
    scheduler.step(by=2.5)
    resumed = lrlib.torch.Scheduler(sgd(), WARM)
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.get_last_lr() == [WARM(2.5)]


@sample
def test_every_schedule_passes_torchs_default_load(s):
    buffer = io.BytesIO()
    torch.save(lrlib.torch.Scheduler(sgd(), s).state_dict(), buffer)
    buffer.seek(0)
    scheduler = lrlib.torch.Scheduler(sgd(), s)
    scheduler.load_state_dict(torch.load(buffer))


def test_states_of_different_schedules_differ():
    states = [lrlib.torch.Scheduler(sgd(), s).state_dict() for s in SAMPLES.values()]
    for one, other in itertools.combinations(states, 2):
        assert one != other


# -- among torch's own -----------------------------------------------------------------------------


def test_stepping_the_scheduler_first_warns_as_torch_does():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    with pytest.warns(UserWarning, match=r"lr_scheduler.step\(\).*before.*optimizer.step\(\)"):
        scheduler.step()


def test_no_warning_in_the_right_order():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = sgd()
        applied(optimizer, lrlib.torch.Scheduler(optimizer, WARM, momentum=MOMENTUM))


def test_copies_and_pickles_go_on_independently():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    applied(optimizer, scheduler, 4)
    pairs = [
        copy.deepcopy((optimizer, scheduler)),
        pickle.loads(pickle.dumps((optimizer, scheduler))),
    ]
    assert applied(optimizer, scheduler, 6) == values(WARM, 6, start=4)
    for other_optimizer, other_scheduler in pairs:
        assert other_scheduler.optimizer is other_optimizer
        assert applied(other_optimizer, other_scheduler, 6) == values(WARM, 6, start=4)


def test_accumulated_gradients_and_skipped_updates_step_once_per_real_update():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    rates, skipped = [], {2, 5}
    for batch in range(3 * COUNT):
        if batch % 3 == 2 and batch // 3 not in skipped:
            rates += update(optimizer)
            scheduler.step()
    assert rates == values(WARM, COUNT - len(skipped))


def test_within_torchs_gradient_scaler_loop():
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=7.0)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for t in range(4):
        optimizer.zero_grad()
        scaler.scale(model(torch.ones(1, 1)).sum()).backward()
        assert optimizer.param_groups[0]["lr"] == WARM(t)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()


def test_the_references_loop_with_a_scaler_an_optimizer_counts_each_ones_real_updates():
    page = (ROOT / "book" / "reference" / "api.md").read_text(encoding="utf-8")
    [recipe] = re.findall(r"^```python\n(scale = .*?)^```", page, re.MULTILINE | re.DOTALL)
    runs = []
    for skipped in ({1, 4}, {2}):
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
        runs.append((optimizer := sgd(), lrlib.torch.Scheduler(optimizer, WARM), scaler, skipped))
    for t in range(6):
        for optimizer, scheduler, scaler, skipped in runs:
            [weight] = optimizer.param_groups[0]["params"]
            weight.grad = torch.full_like(weight, math.inf if t in skipped else 1.0)
            weight.data.zero_()
            scaler.scale(torch.ones(1))  # as the loss is scaled
            count = scheduler.last_epoch
            exec(recipe, {"optimizer": optimizer, "scheduler": scheduler, "scaler": scaler})
            assert (scheduler.last_epoch - count == 0) == (t in skipped)
    assert [scheduler.last_epoch for _, scheduler, _, _ in runs] == [4, 5]


def test_get_lr_is_what_a_caller_of_torchs_expects():
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, PAIR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own warn, when called from outside
        assert list(scheduler.get_lr()) == [s(0) for s in PAIR]
    assert len(scheduler.base_lrs) == 2


# -- field case 1: nothing is shared by accident ---------------------------------------------------


def tensor(number=7.0):
    return torch.tensor(number, dtype=torch.float64)


def rates_of(*optimizers):
    return [float(group["lr"]) for optimizer in optimizers for group in optimizer.param_groups]


@pytest.mark.parametrize("plan", [dict, list])
def test_one_tensor_rate_in_several_groups_becomes_a_tensor_each(plan):
    optimizer = two_groups(lr=(shared := tensor()))
    scheduler = lrlib.torch.Scheduler(optimizer, {"a": WARM, "b": 2 * WARM} if plan is dict else [WARM, 2 * WARM])
    own = [group["lr"] for group in optimizer.param_groups]
    assert own[0] is shared
    for t in range(COUNT):
        assert update(optimizer) == [WARM(t), 2 * WARM(t)] == scheduler.get_last_lr()
        scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == own  # filled in place ever since
    assert all(now is then for now, then in zip([g["lr"] for g in optimizer.param_groups], own, strict=True))


def test_a_group_that_joins_later_gets_a_tensor_of_its_own():
    optimizer = torch.optim.SGD([{"params": [parameter()], "name": "a"}], lr=tensor())
    scheduler = lrlib.torch.Scheduler(optimizer, {"a": WARM, "b": 2 * WARM})
    optimizer.step()
    optimizer.add_param_group({"params": [parameter()], "name": "b"})  # torch gives it the first one's tensor
    assert optimizer.param_groups[1]["lr"] is optimizer.param_groups[0]["lr"]
    for t in range(1, COUNT):
        scheduler.step()
        assert update(optimizer) == [WARM(t), 2 * WARM(t)]


def test_a_shared_tensor_that_comes_back_with_a_checkpoint_is_separated_again():
    saved = two_groups(lr=tensor()).state_dict()  # without a scheduler: still one tensor
    optimizer = two_groups(lr=tensor())
    scheduler = lrlib.torch.Scheduler(optimizer, [WARM, 2 * WARM])
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[1]["lr"] is optimizer.param_groups[0]["lr"]
    optimizer.step()
    scheduler.step()
    assert rates_of(optimizer) == [WARM(1), 2 * WARM(1)]


def test_one_tensor_rate_in_two_optimizers_becomes_a_tensor_each():
    shared = tensor()
    one, other = sgd(lr=shared), sgd(lr=shared)
    schedulers = [lrlib.torch.Scheduler(one, WARM), lrlib.torch.Scheduler(other, 2 * WARM)]
    for t in range(COUNT):
        assert rates_of(one, other) == [WARM(t), 2 * WARM(t)]
        for optimizer, scheduler in zip((one, other), schedulers, strict=True):
            optimizer.step()
            scheduler.step()


def test_tensor_betas_in_several_groups_become_a_tensor_each():
    both = tensor(0.5)
    groups = [{"params": [parameter()]}, {"params": [parameter()]}]
    optimizer = torch.optim.Adam(groups, lr=tensor(), betas=(both, both), foreach=False, capturable=True)
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, beta1=[MOMENTUM, 0.5 * MOMENTUM])
    for t in range(1, 4):
        optimizer._opt_called = True  # a capturable step needs an accelerator
        scheduler.step()
        betas = [tuple(map(float, group["betas"])) for group in optimizer.param_groups]
        assert betas == [(MOMENTUM(t), 0.5), (0.5 * MOMENTUM(t), 0.5)]


def test_a_plateau_rule_separates_shared_tensors_too():
    optimizer = two_groups(lr=tensor())
    rules = [lrlib.Plateau(0.1, factor=0.5, patience=0), lrlib.Plateau(0.2, factor=0.5, patience=0)]
    scheduler = lrlib.torch.PlateauScheduler(optimizer, rules)
    assert rates_of(optimizer) == [0.1, 0.2]
    scheduler.step(1.0)
    scheduler.step(1.0)
    assert rates_of(optimizer) == [0.05, 0.1]


# -- field case 13: a step that is compiled or replaced already -----------------------------------


def replace_step(optimizer):
    """A plain function in the place of the method, as torch.compile leaves it."""
    step = optimizer.step
    optimizer.step = lambda *args, **kwargs: step(*args, **kwargs)


def test_a_step_that_was_replaced_before():
    optimizer = sgd()
    replace_step(optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler = lrlib.torch.Scheduler(optimizer, WARM)
        assert applied(optimizer, scheduler, 4) == values(WARM, 4)
        saved = optimizer.state_dict(), scheduler.state_dict()
        optimizer = sgd()
        replace_step(optimizer)
        scheduler = lrlib.torch.Scheduler(optimizer, WARM)
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        assert applied(optimizer, scheduler) == values(WARM, start=4)
    with pytest.warns(UserWarning, match="before"):  # torch's order check still works
        optimizer = sgd()
        replace_step(optimizer)
        lrlib.torch.Scheduler(optimizer, WARM).step()


@pytest.mark.slow
def test_a_step_that_was_compiled_before():
    optimizer = sgd(lr=tensor())
    optimizer.step = torch.compile(optimizer.step, backend="eager")
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    assert applied(optimizer, scheduler, 6) == values(WARM, 6)


# -- field case 15: groups to come ----------------------------------------------------------------

TO_COME = {"a": WARM, "b": 2 * WARM}


def test_a_dict_may_name_groups_to_come():
    optimizer = two_groups("a", momentum=0.5)
    scheduler = lrlib.torch.Scheduler(optimizer, TO_COME, momentum={"a": MOMENTUM, "b": ONE, "never": ONE})
    assert in_groups(optimizer, scheduler, 3) == values(WARM, 3)
    optimizer.add_param_group({"params": [parameter()], "name": "b"})
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == rates_of(optimizer) == [WARM(4), 2 * WARM(4)]
    assert [group["momentum"] for group in optimizer.param_groups] == [MOMENTUM(4), 0.1]
    again = two_groups("a", "b", momentum=0.5)
    resumed = lrlib.torch.Scheduler(again, TO_COME, momentum={"a": MOMENTUM, "b": ONE, "never": ONE})
    resumed.load_state_dict(scheduler.state_dict())
    assert rates_of(again) == [WARM(4), 2 * WARM(4)]


def test_a_misspelt_name_is_caught_and_the_message_lists_both_sides():
    with pytest.raises(ValueError, match=r"lr: group 1, named 'b', has no schedule.*\['a', 'bb'\].*\['a', 'b'\]"):
        lrlib.torch.Scheduler(two_groups("a", "b"), {"a": ONE, "bb": ONE})


@pytest.mark.parametrize("plan", [TO_COME, [WARM]], ids=["dict", "list"])
@pytest.mark.parametrize("other", ["lr", "momentum"])
def test_a_group_that_joins_without_a_schedule_is_refused_before_anything_is_changed(plan, other):
    optimizer = two_groups("a", momentum=0.5)
    plans = {"lr": WARM, "momentum": MOMENTUM, other: plan}
    scheduler = lrlib.torch.Scheduler(optimizer, **plans)
    applied(optimizer, scheduler, 3)
    optimizer.add_param_group({"params": [parameter()], "name": "late"})
    optimizer.step()
    before, state = copy.deepcopy(optimizer.param_groups), scheduler.state_dict()
    with pytest.raises(ValueError, match=rf"{other}: .*joined.*groups to come.*last_epoch=3"):
        scheduler.step()
    assert optimizer.param_groups == before
    assert scheduler.state_dict() == state
    anew = lrlib.torch.Scheduler(optimizer, 2 * WARM, last_epoch=3)
    assert rates_of(optimizer) == [2 * WARM(3)] * 2 == anew.get_last_lr()


# -- field case 16: other clocks ------------------------------------------------------------------


def test_a_clock_of_samples():
    s, optimizer = lrlib.Cosine(0.1, 0.0, steps=10_000), sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, s, by=500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seen, by in ((500, None), (1000, 500), (2000, 1000), (4000, 2000), (4500, None), (4501, np.int64(1))):
            optimizer.step()
            scheduler.step(by=by)
            assert scheduler.last_epoch == seen
            assert type(scheduler.last_epoch) is int
            assert optimizer.param_groups[0]["lr"] == s(seen)


@pytest.mark.parametrize("by", [0.1, 1 / 3, 1 / 1563, 0.7])
def test_a_fractional_clock_gathers_no_rounding(by):
    s, optimizer = lrlib.Cosine(0.1, 0.0, steps=1).stretch(900), sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, s, by=by)
    for count in range(1, 1001):
        optimizer.step()
        scheduler.step()
        assert scheduler.last_epoch == by * count
        assert optimizer.param_groups[0]["lr"] == s(by * count)
        if count in (3, 10, 500):  # exact on resume, too
            state = json.loads(json.dumps(scheduler.state_dict()))
            scheduler = lrlib.torch.Scheduler(optimizer, s, by=by)
            scheduler.load_state_dict(state)


def test_ten_steps_of_a_tenth_are_one():
    scheduler = lrlib.torch.Scheduler(optimizer := sgd(), lrlib.StepDecay(0.1, 0.5, every=1))
    optimizer.step()
    for _ in range(10):
        scheduler.step(by=0.1)
    assert scheduler.last_epoch == 1
    assert optimizer.param_groups[0]["lr"] == 0.05
    for _ in range(5):  # a run of two batch sizes: each share is summed exactly
        scheduler.step(by=0.1)
        scheduler.step(by=0.3)
    assert scheduler.last_epoch == 3


@example(0, [0.1, 1, 0.1])
@given(st.integers(0, 5), st.lists(st.sampled_from([1, 2, 500, 0.25, 0.1, 1 / 3, 0.7]), max_size=20))
def test_the_clock_reads_the_sum_of_its_steps_rounded_once(start, strides):
    scheduler = lrlib.torch.Scheduler(optimizer := sgd(), WARM, last_epoch=start)
    optimizer.step()
    total = Fraction(start)
    for by in strides:
        scheduler.step(by=by)
        total += Fraction(by)
        assert scheduler.last_epoch == float(total)
        assert type(scheduler.last_epoch) is (int if float(total).is_integer() else float)


def test_a_clock_resumes_by_its_reading():
    s = lrlib.Linear(0.1, 0.0, steps=1)
    assert lrlib.torch.Scheduler(sgd(), s, by=0.25, last_epoch=0.75).get_last_lr() == [s(0.75)]
    assert lrlib.torch.Scheduler(sgd(), WARM, by=4, last_epoch=8).get_last_lr() == [WARM(8)]
    assert lrlib.torch.Scheduler(sgd(), WARM, by=4).get_last_lr() == [WARM(0)]
    for wrong in (-0.5, -2, math.nan, math.inf):
        with pytest.raises(ValueError, match="last_epoch must be"):
            lrlib.torch.Scheduler(sgd(), s, by=0.25, last_epoch=wrong)


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, "1", True, [1]], ids=repr)
def test_a_clock_that_does_not_go_forward_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="by must be a finite number above 0"):
        lrlib.torch.Scheduler(sgd(), WARM, by=wrong)
    scheduler = lrlib.torch.Scheduler(optimizer := sgd(), WARM)
    optimizer.step()
    with pytest.raises((TypeError, ValueError), match="by must be a finite number above 0"):
        scheduler.step(by=wrong)
    assert scheduler.last_epoch == 0


def test_torchs_step_with_an_epoch_stays_as_it_is():
    scheduler = lrlib.torch.Scheduler(optimizer := sgd(), WARM, by=3)
    optimizer.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(7)
    assert scheduler.last_epoch == 7
    scheduler.step()
    assert scheduler.get_last_lr() == [WARM(10)]


@pytest.mark.parametrize("metric", [0.532, np.float32(0.5), 1e-3, torch.tensor(0.5), math.nan])
def test_a_metric_is_no_epoch(metric):
    scheduler = lrlib.torch.Scheduler(optimizer := sgd(), WARM)
    for _ in range(3):  # at the first step, and where torch has checked the order already
        optimizer.step()
        before = scheduler.state_dict()
        with pytest.raises((TypeError, ValueError), match=r"step: epoch"):
            scheduler.step(metric)
        assert scheduler.state_dict() == before
        scheduler.step()
    for each in (0.532, torch.tensor(2.0)):
        with pytest.raises(
            ValueError, match=r"whole number of updates, got .*; a loss .*lrlib\.torch\.PlateauScheduler"
        ):
            scheduler.step(each)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_clock_of_fractions_takes_an_epoch_of_fractions():
    ours = lrlib.torch.Scheduler(optimizer := sgd(), WARM, by=0.25)
    optimizer.step()
    ours.step(0.75)
    assert ours.last_epoch == 0.75
    mixed = lrlib.torch.Scheduler(optimizer := sgd(), WARM)
    optimizer.step()
    mixed.step(by=0.5)
    mixed.step(1.5)
    assert mixed.get_last_lr() == [WARM(1.5)]


# -- field case 21: weight decay, and the rate in other hands ---------------------------------------

DECAY = lrlib.Linear(0.4, 0.0, steps=4).then(lrlib.Linear(0.0, 0.4, steps=4))  # at 0 in the middle


def adamw(*decays):
    return torch.optim.AdamW([{"params": [parameter()], "weight_decay": decay} for decay in decays], lr=0.1)


def decays_of(optimizer):
    return [group["weight_decay"] for group in optimizer.param_groups]


@pytest.mark.parametrize(
    ("decays", "plan", "driven"),
    [
        ((0.05, 0.0), DECAY, (True, False)),
        ((0.0, 0.05, 0.02), DECAY, (False, True, True)),
        ((0.0, 0.0), DECAY, (True, True)),
        ((0.05, 0.05), DECAY, (True, True)),
        ((0.05, 0.0), [DECAY, DECAY], (True, True)),
    ],
)
@pytest.mark.parametrize("at", [0, 2, 4, 6])
@pytest.mark.parametrize("order", ["", "os", "so", "oSs", "s", "n"])
def test_one_schedule_of_the_weight_decay_leaves_undecayed_groups_alone(decays, plan, driven, at, order):
    def expected(t):
        return [DECAY(t) if moves else decay for moves, decay in zip(driven, decays, strict=True)]

    optimizer = adamw(*decays)
    scheduler = lrlib.torch.Scheduler(optimizer, ONE, weight_decay=plan)
    for t in range(at):
        assert decays_of(optimizer) == expected(t)
        optimizer.step()
        scheduler.step()
    if order:
        saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
        optimizer = adamw(*decays)
        late = order == "oSs"  # built when the optimizer has been loaded already
        if order == "n":
            scheduler = lrlib.torch.Scheduler(optimizer, ONE, weight_decay=plan, last_epoch=at)
        elif not late:
            scheduler = lrlib.torch.Scheduler(optimizer, ONE, weight_decay=plan)
        for part in order:
            if part == "o":
                optimizer.load_state_dict(saved[0])
            elif part == "S":
                scheduler = lrlib.torch.Scheduler(optimizer, ONE, weight_decay=plan)
            elif part == "s":
                scheduler.load_state_dict(saved[1])
    for t in range(at, 9):
        assert decays_of(optimizer) == expected(t)
        optimizer.step()
        scheduler.step()


def test_who_is_decayed_is_settled_when_a_group_joins():
    optimizer = adamw(0.0)
    scheduler = lrlib.torch.Scheduler(optimizer, ONE, weight_decay=DECAY)
    for decay in (0.05, 0.0):
        optimizer.add_param_group({"params": [parameter()], "weight_decay": decay})
    optimizer.step()
    for t in (1, 2, 3):
        scheduler.step()
        assert decays_of(optimizer) == [DECAY(t), DECAY(t), 0.0]


def test_who_is_decayed_stays_settled_when_a_group_is_removed():
    optimizer = adamw(0.0, 0.05, 0.0)
    scheduler = lrlib.torch.Scheduler(optimizer, ONE, weight_decay=DECAY)
    optimizer.step()
    del optimizer.param_groups[0]
    optimizer.load_state_dict(optimizer.state_dict())
    for t in (1, 2, 3):
        scheduler.step()
        assert decays_of(optimizer) == [DECAY(t), 0.0]


def test_the_rate_may_be_left_to_others():
    optimizer = adamw(0.05, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rate = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        scheduler = lrlib.torch.Scheduler(optimizer, weight_decay=DECAY)
        both = torch.optim.lr_scheduler.ChainedScheduler([scheduler, rate])  # nothing is lost in this one
        for t in range(5):
            assert rates_of(optimizer) == [0.1 * 0.5**t] * 2 == scheduler.get_lr()
            assert decays_of(optimizer) == [DECAY(t), 0.0]
            optimizer.step()
            both.step()
    assert set(scheduler.state_dict()["schedules"]) == {"weight_decay"}
    with pytest.raises(TypeError, match="lr must be a Schedule"):
        lrlib.torch.Scheduler(optimizer)


# -- field case 22: chains and sequences of torch's --------------------------------------------------


def step_lr(optimizer):
    return torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize("alone_before", [0, 2])
def test_a_chain_with_another_is_refused_and_the_product_named(ours_first, alone_before):
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM)
    applied(optimizer, scheduler, alone_before)
    parts = [scheduler, step_lr(optimizer)]
    both = torch.optim.lr_scheduler.ChainedScheduler(parts if ours_first else parts[::-1])
    rates = []
    with pytest.raises(ValueError, match=r"StepLR would be lost.*a \* b.*SequentialLR works"):
        for _ in range(8):
            rates += update(optimizer)
            both.step()
    halving = lrlib.StepDecay(1.0, gamma=0.5, every=3)
    assert rates == [WARM(alone_before + t) * halving(t) for t in range(len(rates))]  # right as long as it lasted


def test_a_nested_chain_is_refused():
    optimizer = sgd()
    chained = torch.optim.lr_scheduler.ChainedScheduler
    both = chained([chained([lrlib.torch.Scheduler(optimizer, WARM)]), step_lr(optimizer)])
    optimizer.step()
    with pytest.raises(ValueError, match="StepLR would be lost"):
        both.step()


def test_a_chain_of_one_works_and_so_does_a_rate_moved_by_hand():
    optimizer = sgd()
    chained = torch.optim.lr_scheduler.ChainedScheduler([lrlib.torch.Scheduler(optimizer, WARM)])
    for t in range(COUNT):
        assert chained.get_last_lr() == update(optimizer) == [WARM(t)]
        optimizer.param_groups[0]["lr"] = 3.0
        chained.step()


def warm_then_ours(optimizer):
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 5)
    return [warm, lrlib.torch.Scheduler(optimizer, WARM, by=2)]


def ours_then_steps(optimizer):
    return [lrlib.torch.Scheduler(optimizer, WARM), step_lr(optimizer)]


@pytest.mark.parametrize("parts", [warm_then_ours, ours_then_steps])
@pytest.mark.parametrize("at", [0, 2, 5, 8])
@pytest.mark.parametrize("order", ["os", "so"])
def test_a_sequence_works_and_resumes(parts, at, order):
    def build():
        optimizer = sgd(lr=0.25)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return optimizer, torch.optim.lr_scheduler.SequentialLR(optimizer, parts(optimizer), [5])

    whole = applied(*build())
    if parts is ours_then_steps:
        assert whole == values(WARM, 5) + [0.25 * 0.5 ** (t // 3) for t in range(COUNT - 5)]
    else:
        assert whole[5:] == [WARM(2 * t) for t in range(COUNT - 5)]
    optimizer, scheduler = build()
    applied(optimizer, scheduler, at)
    saved = {"o": copy.deepcopy(optimizer.state_dict()), "s": copy.deepcopy(scheduler.state_dict())}
    optimizer, scheduler = build()
    for part in order:
        {"o": optimizer, "s": scheduler}[part].load_state_dict(saved[part])
    assert applied(optimizer, scheduler, COUNT - at) == whole[at:]


# -- wrappers ------------------------------------------------------------------------------------------


class Wrapper:
    """No subclass of Optimizer; it shares its parameter groups, as DeepSpeed's does."""

    def __init__(self, optimizer, shares=True):
        self.optimizer, self.shares = optimizer, shares

    @property
    def param_groups(self):
        return self.optimizer.param_groups if self.shares else list(self.optimizer.param_groups)


def test_a_wrapper_that_shares_its_groups_is_looked_through():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(Wrapper(optimizer), WARM)
    assert scheduler.optimizer is optimizer
    assert applied(optimizer, scheduler) == values(WARM)
    assert lrlib.torch.PlateauScheduler(Wrapper(optimizer), lrlib.Plateau(0.3)).optimizer is optimizer
    assert rates_of(optimizer) == [0.3]


def test_a_wrapper_that_is_not_known_is_refused_by_name():
    for build in (
        lambda o: lrlib.torch.Scheduler(o, WARM),
        lambda o: lrlib.torch.PlateauScheduler(o, lrlib.Plateau(1)),
    ):
        with pytest.raises(TypeError, match=r"optimizer must be .* got Wrapper.*this Wrapper wraps"):
            build(Wrapper(sgd(), shares=False))


def test_a_loaded_run_is_not_asked_for_its_order_again():
    scheduler = lrlib.torch.Scheduler(sgd(), WARM)
    scheduler.load_state_dict(checkpoint(3)["scheduler"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()  # torch's own keep the count of steps in their state


def test_torchs_warning_of_the_order_comes_when_resuming_too():
    with pytest.warns(UserWarning, match=r"lr_scheduler.step\(\).*before.*optimizer.step\(\)"):
        lrlib.torch.Scheduler(sgd(), WARM, last_epoch=10).step()


def test_other_optimizers():
    for build in (torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad):
        p = parameter()
        optimizer = build([p], lr=7.0)
        scheduler = lrlib.torch.Scheduler(optimizer, WARM)
        for t in range(COUNT):
            assert optimizer.param_groups[0]["lr"] == WARM(t)
            p.grad = torch.ones_like(p)
            optimizer.step()
            scheduler.step()


def test_last_epoch_is_any_whole_number():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    assert lrlib.torch.Scheduler(optimizer, lrlib.Linear(0.1, 0.0, 4), last_epoch=np.int64(3)).last_epoch == 3
    for wrong, kind in ((2.5, ValueError), (-2, ValueError), (True, TypeError), ("3", TypeError)):
        with pytest.raises(kind, match="last_epoch must be a whole number"):
            lrlib.torch.Scheduler(optimizer, lrlib.Constant(0.1), last_epoch=wrong)
