"""A Schedule drives a torch optimizer: what is in force, what is touched, how it resumes."""

import copy
import inspect
import io
import itertools
import json
import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from reference import SAMPLES, composed, sample

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


@given(composed())
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


def test_two_schedulers_one_after_another_on_one_optimizer():
    optimizer = sgd()
    first = applied(optimizer, lrlib.torch.Scheduler(optimizer, WARM), 4)
    second = applied(optimizer, lrlib.torch.Scheduler(optimizer, lrlib.Constant(0.3)), 2)
    assert first + second == [*values(WARM, 4), 0.3, 0.3]


# -- groups ----------------------------------------------------------------------------------------

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


def test_two_groups_of_one_name_share_its_schedule_or_are_refused():
    optimizer = two_groups("a", "a")
    try:
        lrlib.torch.Scheduler(optimizer, {"a": lrlib.Constant(0.2)})
    except ValueError:
        return
    assert update(optimizer) == [0.2, 0.2]


ONE = lrlib.Constant(0.1)


@pytest.mark.parametrize(
    ("names", "lr", "named"),
    [
        (("a", "b"), {"a": ONE}, "b"),
        (("a", "b"), {"a": ONE, "b": ONE, "c": ONE}, "c"),
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


def test_a_group_added_later_with_a_list_or_an_unknown_name_is_refused():
    for lr in (PAIR, dict(zip(("a", "b"), PAIR, strict=True))):
        optimizer = two_groups()
        scheduler = lrlib.torch.Scheduler(optimizer, lr)
        update(optimizer)
        optimizer.add_param_group({"params": [parameter()], "name": "late"})
        with pytest.raises(ValueError, match=r"3|late"):
            scheduler.step()


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


@pytest.mark.parametrize(
    "build",
    [
        lambda optimizer: lrlib.torch.Scheduler(optimizer, lrlib.Cosine(0.1, 0.0, steps=20)),
        lambda optimizer: lrlib.torch.Scheduler(optimizer, [WARM]),
        lambda optimizer: lrlib.torch.Scheduler(optimizer, WARM, momentum=MOMENTUM),
        lambda optimizer: lrlib.torch.Scheduler(optimizer, WARM.then(ONE)),
    ],
)
def test_a_checkpoint_of_another_schedule_says_how_to_go_on(build):
    saved = checkpoint(5)
    optimizer = sgd(momentum=0.9)
    scheduler = build(optimizer)
    before = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    with pytest.raises(ValueError, match=r"last_epoch\s*=\s*5"):
        scheduler.load_state_dict(saved["scheduler"])
    assert (optimizer.state_dict(), scheduler.state_dict()) == before


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


def test_get_lr_is_what_a_caller_of_torchs_expects():
    optimizer = two_groups()
    scheduler = lrlib.torch.Scheduler(optimizer, PAIR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own warn, when called from outside
        assert list(scheduler.get_lr()) == [s(0) for s in PAIR]
    assert len(scheduler.base_lrs) == 2


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
