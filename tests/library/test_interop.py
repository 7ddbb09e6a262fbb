"""Torch's and Keras's own schedulers, driven for real, against the Schedules read from them."""

import copy
import math
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as t
from torch.optim.swa_utils import SWALR

import lrlib
import lrlib.keras
import lrlib.torch
from lrlib.interop import from_keras, from_torch

k = keras.optimizers.schedules
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
BASES = (0.1, 0.5)
WARM = lrlib.Linear(0.0, 0.1, steps=3).then(lrlib.Cosine(0.1, 0.01, steps=7))


def parameter():
    return torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))


def sgd(*rates):
    return torch.optim.SGD([{"params": [parameter()], "lr": rate} for rate in rates or BASES], momentum=0.7)


def adam(*rates):
    return torch.optim.AdamW([{"params": [parameter()], "lr": rate} for rate in rates or BASES], betas=(0.7, 0.99))


def reading(group):
    beta1 = {"beta1": group["betas"][0]} if "betas" in group else {"momentum": group["momentum"]}
    return {"lr": float(group["lr"]), **beta1}


def drive(optimizer, scheduler, count):
    """What each group holds during each of the next updates; fewer than ``count`` where the scheduler gives up."""
    trace = []
    for _ in range(count):
        trace.append([reading(group) for group in optimizer.param_groups])
        optimizer.step()
        try:
            scheduler.step()
        except (ValueError, ZeroDivisionError):  # OneCycleLR after its end
            break
    return trace


def assert_equal(schedule, rates, rel=1e-9, scale=1.0):
    """Equal at every update of the horizon; the scale is for zeros, which torch's recursions miss by round-off."""
    horizon = len(rates) if schedule.length is None else math.floor(schedule.length) + 1
    assert len(rates) >= min(horizon, 12)
    for update, rate in enumerate(rates[:horizon]):
        assert schedule(update) == pytest.approx(rate, rel=rel, abs=1e-15 * scale), f"update {update}"


def check(make, build=sgd, keys=("lr",), count=40):
    optimizer = build()
    scheduler = make(optimizer)
    read = {(g, key): from_torch(scheduler, g, key) for g in range(len(optimizer.param_groups)) for key in keys}
    trace = drive(optimizer, scheduler, count)
    for (g, key), schedule in read.items():
        assert_equal(schedule, [row[g][key] for row in trace])
        assert from_torch(scheduler, g, key) == schedule  # after all those updates


def sequence(*makers, at):
    return lambda o: t.SequentialLR(o, [make(o) for make in makers], list(at))


def chain(*makers):
    return lambda o: t.ChainedScheduler([make(o) for make in makers])


def step(size=4, gamma=0.5):
    return lambda o: t.StepLR(o, size, gamma)


def linear(start=0.25, end=1.0, n=3):
    return lambda o: t.LinearLR(o, start, end, n)


def exponential(gamma=0.9):
    return lambda o: t.ExponentialLR(o, gamma)


def constant(factor=0.5, n=3):
    return lambda o: t.ConstantLR(o, factor, n)


def multi(milestones=(2, 5), gamma=0.5):
    return lambda o: t.MultiStepLR(o, milestones, gamma)


def polynomial(n=6, power=2.0):
    return lambda o: t.PolynomialLR(o, n, power)


def cosine(n=5, end=0.0):
    return lambda o: t.CosineAnnealingLR(o, n, end)


def restarts(first=3, mult=2, end=0.0):
    return lambda o: t.CosineAnnealingWarmRestarts(o, first, mult, end)


def cyclic(*args, **options):
    return lambda o: t.CyclicLR(o, *(args or (0.01, 0.1, 3)), **options)


def one_cycle(steps=10, **options):
    return lambda o: t.OneCycleLR(o, [0.3, 0.6], steps, **options)


def swa(n=4, how="cos"):
    return lambda o: SWALR(o, [0.05, 0.7], n, how)


FIXED = {
    "step": step(),
    "step of one": step(1, 1.5),
    "multi-step": multi(),
    "multi-step: none": multi(()),
    "multi-step: unsorted, repeated, 0": multi((5, 0, 2, 5, 0)),
    "multi-step: only 0": multi((0,)),
    "multi-step to zero": multi((3,), 0.0),
    "constant": constant(),
    "constant, for no update: never lifted": constant(0.5, 0),
    "constant, for one update": constant(0.5, 1),
    "linear": linear(),
    "linear down": linear(1.0, 0.0, 7),
    "linear, whole float": linear(0.5, 1.0, 4.0),
    "linear, in no update: stays": linear(0.5, 1.0, 0),
    "exponential": exponential(),
    "polynomial": polynomial(),
    "polynomial, root": polynomial(5, 0.5),
    "polynomial, in no update: stays": polynomial(0),
    "cosine": cosine(),
    "cosine of one": cosine(1),
    "cosine to a floor, for one group upwards": cosine(9, 0.2),
    "restarts": restarts(),
    "restarts of equal length": restarts(4, 1, 0.01),
    "restarts at 1, 4, 13, 40": restarts(1, 3),
    "restarts, for one group upwards": restarts(3, 2, 0.2),
    "swa": swa(),
    "swa, linear": swa(3, "linear"),
    "swa at once": swa(0),
    "sequence": sequence(linear(), cosine(), at=[3]),
    "sequence of four": sequence(linear(), constant(), step(2), restarts(), at=[4, 6, 13]),
    "sequence: cosine rises again": sequence(cosine(3), cosine(2, 0.05), exponential(), at=[5, 17]),
    "sequence into a constant of one update": sequence(linear(), constant(0.5, 1), at=[3]),
    "sequence from 1": sequence(linear(), exponential(), at=[1]),
    "sequence: repeated milestone": sequence(exponential(), linear(), step(2), at=[3, 3]),
    "sequence into one-cycle": sequence(linear(), one_cycle(), at=[3]),
    "sequence from one-cycle": sequence(one_cycle(), exponential(), at=[9]),
    "sequence with cycles": sequence(exponential(), cyclic(0.2, 0.8, 2), at=[3]),
    "sequence with swa first": sequence(swa(), step(), at=[6]),
    "sequence: cosine of a whole float": sequence(cosine(3.0), step(), at=[8]),
    "sequence with one": sequence(polynomial(), at=[]),
    "chain": chain(constant(), exponential()),
    "chain of all that multiply": chain(step(), multi((0, 3)), constant(), linear(), exponential(), polynomial(9)),
    "chain with a cosine": chain(linear(), cosine(8)),
    "chain with a cosine and no end": chain(exponential(), cosine(8), step()),
    "chain of one cosine": chain(cosine(8)),
    "chain of chains": chain(chain(step(), exponential()), chain(constant())),
}


@pytest.mark.parametrize("make", FIXED.values(), ids=FIXED)
def test_torch(make):
    check(make)


FROM_ZERO = {
    "sequence from 0": sequence(linear(), exponential(), at=[0]),
    "sequence: negative milestone": sequence(exponential(), linear(), step(2), at=[-2, 3]),
}
SKIPS_TO_ZERO = torch.__version__ >= "2.13"


@pytest.mark.skipif(not SKIPS_TO_ZERO, reason="PyTorch before 2.13 starts with the first scheduler all the same")
@pytest.mark.parametrize("make", FROM_ZERO.values(), ids=FROM_ZERO)
def test_torch_sequence_from_zero(make):
    check(make)


@pytest.mark.parametrize("make", FROM_ZERO.values(), ids=FROM_ZERO)
def test_torch_sequence_from_zero_is_refused_where_its_start_is_ignored(make, monkeypatch):
    monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion("2.12.1+cpu"))
    with pytest.raises(TypeError, match=r"before 2\.13 PyTorch starts with the first .* milestones \[(0|-2, 3)\]"):
        from_torch(make(sgd()))


CYCLES = {
    "cyclic": cyclic(),
    "uneven": cyclic(0.01, 0.1, 3, 5),
    "per group": cyclic([0.01, 0.2], [0.1, 0.3], 4),
    "upside down": cyclic(0.2, 0.1, 3, base_momentum=0.95, max_momentum=0.8),
    "halving": cyclic(0.01, 0.1, 2, 3, mode="triangular2"),
    "shrinking": cyclic(0.01, 0.1, 3, 1, mode="exp_range", gamma=0.98),
    "whole floats": cyclic(0.01, 0.1, 3.0, 4.0),
    "whole and long, whose shares round": cyclic(0.01, 0.1, 2003, 2999),
    "fractions": cyclic(0.01, 0.1, 2.5, 1.5),
    "fractions, shrinking": cyclic(0.01, 0.1, 2.3, mode="exp_range", gamma=0.98),
    "fractions, halving": cyclic(0.01, 0.1, math.e, mode="triangular2"),
    "one-cycle": one_cycle(10),
    "one-cycle, linear": one_cycle(20, pct_start=0.25, anneal_strategy="linear", base_momentum=[0.8, 0.6]),
    "one-cycle, three phases": one_cycle(20, three_phase=True),
    "one-cycle, cut short": one_cycle(8, pct_start=0.75, three_phase=True),
    "one-cycle, only up": one_cycle(6, pct_start=1.0, div_factor=10.0),
    "one-cycle, pct_start a rounding off": one_cycle(100, pct_start=0.29),
}


@pytest.mark.parametrize("make", CYCLES.values(), ids=CYCLES)
@pytest.mark.parametrize(("build", "key"), [(sgd, "momentum"), (adam, "beta1")])
def test_torch_cycles_with_their_momentum(make, build, key):
    check(make, build, ("lr", key), 110)


sizes, factors, gammas = st.integers(1, 9), st.floats(0.1, 1.0), st.floats(0.3, 1.2)
multiplying = st.one_of(
    st.builds(step, sizes, gammas),
    st.builds(multi, st.lists(st.integers(0, 15), max_size=4), gammas),
    st.builds(constant, factors, st.integers(0, 9)),
    st.builds(linear, factors, st.floats(0.0, 1.0), st.integers(0, 9)),
    st.builds(exponential, gammas),
    st.builds(polynomial, st.integers(0, 9), st.floats(0.5, 3.0)),
)
setting = st.one_of(
    st.builds(cosine, sizes, st.floats(0.0, 0.2)),
    st.builds(restarts, sizes, st.integers(1, 3), st.floats(0.0, 0.2)),
    st.builds(
        lambda up, down, mode: cyclic(0.01, 0.1, up, down, mode, 0.97),
        st.integers(2, 18).map(lambda n: n / 2),
        st.integers(2, 18).map(lambda n: n / 2),
        st.sampled_from(["triangular", "triangular2", "exp_range"]),
    ),
    st.builds(
        lambda up, down, how: one_cycle(up + down, pct_start=up / (up + down), anneal_strategy=how),
        st.integers(2, 9),
        st.integers(2, 9),
        st.sampled_from(["cos", "linear"]),
    ),
)


@given(st.one_of(multiplying, setting))
def test_any_torch_scheduler(make):
    check(make)


@given(st.lists(multiplying | setting, min_size=1, max_size=4), st.lists(st.integers(0, 20), min_size=3, max_size=3))
@settings(max_examples=150)
def test_any_torch_sequence(makers, milestones):
    make = sequence(*makers, at=sorted(milestones)[: len(makers) - 1])
    try:
        check(make)
    except TypeError as error:
        reasons = ["before the milestone", "otherwise than at update 0"] + ["before 2.13"] * (not SKIPS_TO_ZERO)
        assert any(reason in str(error) for reason in reasons)


@given(st.lists(multiplying, min_size=1, max_size=4))
def test_any_torch_chain(makers):
    check(chain(*makers))


def test_our_own_torch_scheduler_gives_its_schedules_back():
    optimizer = sgd()
    falling = 0.9 - WARM
    scheduler = lrlib.torch.Scheduler(optimizer, [WARM, 2 * WARM], momentum=falling, last_epoch=4)
    optimizer.step()
    scheduler.step()
    assert from_torch(scheduler) is WARM
    assert from_torch(scheduler, 1) == 2 * WARM
    assert from_torch(scheduler, 1, "momentum") is falling
    with pytest.raises(TypeError, match="weight_decay"):
        from_torch(scheduler, key="weight_decay")
    check(sequence(linear(), lambda o: lrlib.torch.Scheduler(o, WARM), at=[5]))
    uniform = lrlib.torch.Scheduler(optimizer, WARM)
    optimizer.add_param_group({"params": [parameter()]})  # joins at the next step
    assert from_torch(uniform, 2) is WARM


def test_our_own_on_another_clock_and_with_a_group_left_alone():
    optimizer = sgd()
    scheduler = lrlib.torch.Scheduler(optimizer, WARM, by=2)
    trace = drive(optimizer, scheduler, 12)
    assert_equal(from_torch(scheduler), [row[0]["lr"] for row in trace])
    optimizer.param_groups[0]["weight_decay"] = 0.1
    decay = lrlib.torch.Scheduler(optimizer, weight_decay=WARM)
    assert from_torch(decay, 0, "weight_decay") is WARM
    with pytest.raises(TypeError, match="leaves weight_decay of group 1 alone, where it is 0"):
        from_torch(decay, 1, "weight_decay")
    with pytest.raises(TypeError, match=r"only \['weight_decay'\] can be read, not 'lr'"):
        from_torch(decay)


def test_a_group_that_torch_does_not_drive():
    scheduler = step()(sgd())
    scheduler.optimizer.add_param_group({"params": [parameter()]})
    with pytest.raises(ValueError, match="from 0 to 1"):
        from_torch(scheduler, 2)


def test_a_tensor_rate():
    for make in (step(), cosine(), constant(), chain(linear(), exponential()), sequence(linear(), cosine(), at=[3])):
        optimizer = sgd(torch.tensor(0.1, dtype=torch.float64), torch.tensor(0.5))  # the second one in float32
        scheduler = make(optimizer)
        for group, rel in enumerate((1e-9, 1e-5)):
            fresh = make(o := sgd(torch.tensor(0.1, dtype=torch.float64), torch.tensor(0.5)))
            trace = [row[group]["lr"] for row in drive(o, fresh, 20)]
            assert_equal(from_torch(scheduler, group), trace, rel, scale=1e8)
            assert from_torch(fresh, group) == from_torch(scheduler, group)


@pytest.mark.parametrize("make", [swa(), step(), exponential(), chain(step()), sequence(linear(), step(), at=[3])])
def test_a_scheduler_that_has_not_begun_when_another_has_moved_the_rate(make):
    optimizer = sgd()
    falling, waiting = cosine(10, 0.02)(optimizer), make(optimizer)
    optimizer.step()
    for _ in range(6):
        optimizer.step()
        falling.step()
    with pytest.raises(TypeError, match=r"optimizer holds the rate .* build it when the other has ended"):
        from_torch(waiting)


def test_the_advice_of_that_refusal_reads_what_is_applied():
    optimizer = sgd()
    drive(optimizer, cosine(10, 0.02)(optimizer), 6)
    optimizer = sgd(*(group["lr"] for group in optimizer.param_groups))  # built when the other has ended
    check(swa(), lambda: optimizer)


def test_a_one_cycle_from_a_legacy_state_dict():
    for how, shape in (("cos", "cos"), ("linear", "linear")):
        scheduler = one_cycle(20, pct_start=0.25, anneal_strategy=how)(sgd())
        expected = from_torch(scheduler)
        del scheduler._anneal_func_type
        state = scheduler.state_dict() | {"anneal_func": getattr(scheduler, f"_annealing_{shape}")}
        scheduler.load_state_dict(state)
        scheduler.optimizer.step()
        scheduler.step()  # torch still steps it
        assert from_torch(scheduler) == expected


RESUMED = {
    "linear": linear(0.1, 1.0, 5),
    "constant": constant(0.1, 5),
    "cosine": cosine(10),
    "one-cycle": one_cycle(20, pct_start=0.25),
    "cycles": cyclic(),
    "chain": chain(linear(0.1, 1.0, 5), exponential()),
    "sequence": sequence(linear(0.1, 1.0, 5), cosine(10), at=[5]),
    "sequence of two kinds": sequence(linear(0.1, 1.0, 5), restarts(), at=[5]),
    "chain in a chain": chain(chain(linear(0.1, 1.0, 5), step()), exponential()),
    "swa": swa(),
}


@pytest.mark.parametrize("make", RESUMED.values(), ids=RESUMED)
def test_a_resumed_torch_scheduler_is_read_from_update_zero(make):
    """After two updates, where the optimizer has been loaded too, before the scheduler or after it."""
    first = sgd()
    scheduler = make(first)
    expected = from_torch(scheduler)
    drive(first, scheduler, 2)
    saved = {"o": first.state_dict(), "s": scheduler.state_dict()}
    rest = drive(first, scheduler, 3)
    for order in ("os", "so"):
        second = sgd()
        again = make(second)
        for part in order:
            {"o": second, "s": again}[part].load_state_dict(copy.deepcopy(saved[part]))
        assert from_torch(again) == expected
        assert drive(second, again, 3) == rest


# A cosine and SWALR begin at the rate that they find.
OVERWRITTEN = ["linear", "constant", "chain", "sequence", "sequence of two kinds", "chain in a chain"]


@pytest.mark.parametrize(
    ("name", "optimizer_loaded"),
    [*((name, True) for name in OVERWRITTEN), ("cosine", False), ("linear", False), ("swa", False)],
)
def test_a_torch_scheduler_whose_rate_the_optimizer_does_not_hold(name, optimizer_loaded):
    """Built after the optimizer was loaded, it has overwritten the rate; without the optimizer there was none."""
    first = sgd()
    scheduler = RESUMED[name](first)
    drive(first, scheduler, 2)
    second = sgd()
    if optimizer_loaded:
        second.load_state_dict(copy.deepcopy(first.state_dict()))
    again = RESUMED[name](second)
    again.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    with pytest.raises(
        TypeError, match=r"the optimizer holds the rate .* load the optimizer's state after .* is built"
    ):
        from_torch(again)


@pytest.mark.parametrize("name", ["one-cycle", "cycles"])
def test_what_follows_its_count_is_read_whatever_the_optimizer_holds(name):
    first, second = sgd(), sgd()
    scheduler, again = RESUMED[name](first), RESUMED[name](second)
    drive(first, scheduler, 2)
    again.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    assert from_torch(again) == from_torch(scheduler)
    assert drive(second, again, 3)[1:] == drive(first, scheduler, 3)[1:]  # all but the update before its next step


def test_a_scheduler_that_has_ended_is_read_whatever_the_next_one_does():
    optimizer = sgd()
    warm = linear(0.25, 1.0, 3)(optimizer)
    expected = from_torch(warm)
    drive(optimizer, warm, 3)
    drive(optimizer, exponential()(optimizer), 3)
    assert from_torch(warm) == expected


# -- refusals by torch's kinds -----------------------------------------------------------------------------------------


class Mine(t.StepLR):
    def get_lr(self):
        return [1.0 for _ in self.base_lrs]


class MyLambda(t.LambdaLR):
    pass


REFUSED = {
    "lambda": (lambda o: t.LambdaLR(o, lambda n: 1 / (n + 1)), "LambdaLR .* Python function"),
    "multiplicative": (lambda o: t.MultiplicativeLR(o, lambda n: 0.9), "MultiplicativeLR .* Python function"),
    "plateau": (t.ReduceLROnPlateau, "ReduceLROnPlateau .* metric"),
    "our plateau": (lambda o: lrlib.torch.PlateauScheduler(o, lrlib.Plateau(0.1)), "metric"),
    "subclass": (lambda o: Mine(o, 3), "Mine .* subclass of StepLR"),
    "subclass of a lambda": (lambda o: MyLambda(o, float), "MyLambda .* Python function"),
    "no scheduler": (lambda o: o, "SGD .* kind is not known"),
    "scale function": (cyclic(0.01, 0.1, 3, scale_fn=lambda x: 1.0), "scale_fn is a Python function"),
    "no downward steps": (cyclic(0.01, 0.1, 3, 0), "step_size_down must be"),
    "odd step sizes": (cyclic(0.01, 0.1, math.pi, math.e), "no ratio of whole numbers"),
    "phase at a fraction": (one_cycle(9), r"ends at 1\.\d+, which is no update"),
    "phase before 0": (one_cycle(9, pct_start=0.0), "ends at -1"),
    "fractional steps": (step(2.5), "step_size=2.5 is no whole number"),
    "fractional length": (linear(0.5, 1.0, 2.5), "total_iters=2.5"),
    "fractional cosine": (cosine(2.5), "T_max=2.5"),
    "fractional milestone": (multi((2.5,)), r"milestones \[2.5\]"),
    "negative milestone": (multi((-1, 3)), "negative"),
    "division by zero": (constant(0.0), "divides by its factor"),
    "negative gamma": (exponential(-0.5), "gamma must be"),
    "negative floor": (cosine(5, -0.1), "end must be a finite number, 0 or more"),
    "sequence with a lambda": (sequence(linear(), lambda o: t.LambdaLR(o, float), at=[3]), "LambdaLR .* function"),
    "sequence, unsorted": (sequence(linear(), step(), cosine(), at=[4, 2]), "not rising"),
    "sequence, fractional": (sequence(linear(), step(), at=[1.5]), "not rising whole numbers"),
    "nested sequence": (
        sequence(sequence(linear(), step(), at=[2]), cosine(), at=[5]),
        "SequentialLR one update early",
    ),
    "chain in a sequence": (sequence(linear(), chain(step()), at=[5]), "ChainedScheduler one update early"),
    "one-cycle too short": (sequence(one_cycle(), step(), at=[12]), "OneCycleLR ends after 10 updates"),
    "swa at a milestone": (sequence(linear(), swa(), at=[3]), "SWALR at a milestone"),
    "zero length at a milestone": (sequence(linear(), constant(0.5, 0), at=[3]), "ConstantLR at a milestone"),
    "chain with restarts": (chain(step(), restarts()), "CosineAnnealingWarmRestarts does not multiply"),
    "chain with cycles": (chain(step(), cyclic()), "CyclicLR does not multiply"),
    "chain with one-cycle": (chain(step(), one_cycle()), "OneCycleLR does not multiply"),
    "chain with swa": (chain(step(), swa()), "SWALR does not multiply"),
    "chain with a floor": (chain(step(), cosine(5, 0.01)), "CosineAnnealingLR does not multiply"),
    "chain beyond its cosine": (chain(linear(0.5, 1.0, 9), cosine(5)), "after update 5 .* rises"),
    "chain with a sequence": (chain(sequence(linear(), step(), at=[2]), step()), "SequentialLR does not multiply"),
    "chain with a lambda": (chain(lambda o: t.LambdaLR(o, float), step()), "LambdaLR .* function"),
    "second scheduler": (
        lambda o: (linear(0.25)(o), exponential()(o))[1],
        "give 0.1 at update 0, it has applied 0.025",
    ),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_torch_refusals(make, reason):
    with pytest.raises(TypeError, match=reason):
        from_torch(make(sgd()))


def test_what_is_no_scheduler_is_refused():
    for thing in (None, 0.1, WARM, k.CosineDecay(0.1, 10)):
        with pytest.raises(TypeError, match="cannot be read as a Schedule"):
            from_torch(thing)
    for thing in (None, 0.1, WARM, step()(sgd())):
        with pytest.raises(TypeError, match="cannot be read as a Schedule"):
            from_keras(thing)


def test_a_group_may_be_any_whole_number():
    assert from_torch(step()(sgd()), np.int64(1)) == from_torch(step()(sgd()), 1)


@pytest.mark.parametrize("group", [2, -1, True, "a", 1.0, None])
def test_a_group_that_does_not_exist(group):
    with pytest.raises(ValueError, match="group must be a whole number from 0 to 1"):
        from_torch(step()(sgd()), group)


@pytest.mark.parametrize(
    ("make", "build", "key"),
    [
        (step(), sgd, "momentum"),
        (cyclic(cycle_momentum=False), sgd, "momentum"),
        (cyclic(), sgd, "beta1"),
        (one_cycle(), adam, "momentum"),
        (sequence(cyclic(), one_cycle(), at=[3]), sgd, "momentum"),
    ],
)
def test_a_key_that_is_not_driven(make, build, key):
    with pytest.raises(TypeError, match=f"can be read, not '{key}'"):
        from_torch(make(build()), key=key)


# The reasons above are what torch does. Where it is mended, these tests say so, and the refusal can go.


def rates_of(make, count=8):
    optimizer = sgd(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [row[0]["lr"] for row in drive(optimizer, make(optimizer), count)]


def test_torch_plays_nested_schedulers_early_or_fails():
    inner = sequence(linear(0.1, 1.0, 2), exponential(0.5), at=[2])
    assert rates_of(inner)[:3] == pytest.approx([0.1, 0.55, 1.0])
    assert rates_of(sequence(inner, step(), at=[5]))[:3] == pytest.approx([0.1, 1.0, 0.5])
    assert rates_of(sequence(chain(exponential(0.5)), step(), at=[5]))[:3] == [0.5, 0.25, 0.125]
    for late in (inner, chain(step())):
        with pytest.raises(NotImplementedError):
            rates_of(sequence(exponential(), late, at=[2]))


def test_torch_chains_lose_factors():
    assert rates_of(chain(step(3), restarts(4, 1))) == rates_of(restarts(4, 1))
    plain = rates_of(cosine(4))
    lost = rates_of(chain(exponential(0.5), cosine(4)))
    assert lost[3] == pytest.approx(plain[3] / 8)
    assert lost[5] == pytest.approx(plain[5])  # not a 32nd of it


def test_torch_never_lifts_a_constant_of_no_length_except_at_a_milestone():
    assert rates_of(constant(0.5, 0), 3) == [0.5, 0.5, 0.5]
    assert rates_of(sequence(exponential(0.5), constant(0.5, 0), at=[2]), 4) == [1.0, 0.5, 1.0, 1.0]


# -- Keras -------------------------------------------------------------------------------------------------------------

KERAS = {
    "exponential": k.ExponentialDecay(0.1, 7, 0.5),
    "exponential, fraction": k.ExponentialDecay(0.1, 2.3, 0.9),
    "exponential stairs": k.ExponentialDecay(0.1, 7, 0.5, staircase=True),
    "exponential stairs, whole float": k.ExponentialDecay(0.1, 7.0, 0.5, staircase=True),
    "exponential stairs, fraction": k.ExponentialDecay(0.1, 2.5, 0.5, staircase=True),
    "inverse time": k.InverseTimeDecay(0.1, 7, 0.5),
    "inverse time, fraction": k.InverseTimeDecay(0.1, 2.3, 0.5),
    "inverse time stairs": k.InverseTimeDecay(0.1, 7, 0.5, staircase=True),
    "inverse time stairs, fraction": k.InverseTimeDecay(0.1, 2.25, 0.5, staircase=True),
    "piecewise": k.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1]),
    "piecewise, float boundaries": k.PiecewiseConstantDecay([2.5, 4.0, 9.9], [1.0, 0.5, 0.1, 0.2]),
    "piecewise, 0 and negative": k.PiecewiseConstantDecay([-3, -0.5, 0, 4], [1.0, 0.7, 0.6, 0.5, 0.1]),
    "piecewise, all negative": k.PiecewiseConstantDecay([-3, -1], [1.0, 0.7, 0.6]),
    "piecewise, repeated": k.PiecewiseConstantDecay([2, 2, 5], [1.0, 0.5, 0.1, 0.2]),
    "polynomial": k.PolynomialDecay(0.1, 20, 0.01, power=2.0),
    "polynomial, default end": k.PolynomialDecay(0.1, 20),
    "polynomial up, root": k.PolynomialDecay(0.1, 20, 0.5, power=0.5),
    "polynomial, fraction": k.PolynomialDecay(0.1, 12.5, 0.01),
    "cosine": k.CosineDecay(0.1, 20),
    "cosine, fraction": k.CosineDecay(0.1, 12.5, alpha=0.3),
    "cosine to more": k.CosineDecay(0.1, 12, alpha=1.5),
    "cosine, warm": k.CosineDecay(0.0, 20, alpha=0.1, warmup_target=0.2, warmup_steps=5),
    "cosine, warm at fractions": k.CosineDecay(0.01, 11.5, warmup_target=0.2, warmup_steps=3.25),
    "cosine, target but no steps": k.CosineDecay(0.01, 20, warmup_target=0.2),
    "cosine, steps but no target": k.CosineDecay(0.1, 20, warmup_steps=5),
    "restarts": k.CosineDecayRestarts(0.1, 5),
    "restarts of equal length": k.CosineDecayRestarts(0.1, 5, t_mul=1.0, m_mul=0.8, alpha=0.1),
    "restarts, t_mul 1.5": k.CosineDecayRestarts(0.1, 4, t_mul=1.5, m_mul=0.5),
    "restarts, growing": k.CosineDecayRestarts(0.1, 4, t_mul=3.0, m_mul=1.5, alpha=0.2),
    "restarts, fraction": k.CosineDecayRestarts(0.1, 2.5, alpha=0.1),
    "restarts, upside down": k.CosineDecayRestarts(0.1, 4, m_mul=0.5, alpha=1.5),
    "ours": lrlib.keras.Schedule(WARM),
    "ours, accumulating": lrlib.keras.Schedule(WARM, accumulate=3),
}


def keras_rates(schedule, count=45):
    """The rate that a real optimizer reports before each of its updates."""
    optimizer = keras.optimizers.SGD(schedule)
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    rates = []
    for _ in range(count):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([tf.constant(1.0)])
    return rates


@pytest.mark.parametrize("schedule", KERAS.values(), ids=KERAS)
def test_keras(schedule):
    ours, rates = from_keras(schedule), keras_rates(schedule)
    top = max(rates)
    for update, rate in enumerate(rates):  # past the horizon too: Keras's schedules hold
        assert ours(update) == pytest.approx(rate, rel=2e-6, abs=2e-7 * top), f"update {update}"


def test_keras_applies_the_rate_read():
    weight = keras.Variable(0.0)
    schedule = k.PiecewiseConstantDecay([1, 3], [1.0, 0.5, 0.25])
    optimizer, moved = keras.optimizers.SGD(schedule), []
    for _ in range(6):
        before = float(weight)
        optimizer.apply([tf.constant(1.0)], [weight])
        moved.append(before - float(weight))
    assert moved == [from_keras(schedule)(update) for update in range(6)]


def test_keras_schedules_read_are_plain_values():
    assert from_keras(KERAS["piecewise"]) == lrlib.Piecewise([3, 5], [1.0, 0.5, 0.1])
    assert from_keras(KERAS["ours, accumulating"]) == WARM.hold(3)
    assert from_keras(KERAS["ours"]) is WARM
    assert from_keras(KERAS["exponential stairs, whole float"]) == lrlib.StepDecay(0.1, 0.5, 7)
    assert from_keras(KERAS["restarts"]) == lrlib.CosineRestarts(0.1, 0.0, 5, t_mul=2)


class MyDecay(k.CosineDecay):
    def __call__(self, step):
        return 1.0


KERAS_REFUSED = {
    "subclass": (MyDecay(0.1, 10), "MyDecay .* subclass of CosineDecay"),
    "base class": (k.LearningRateSchedule(), "kind is not known"),
    "integer rate": (k.CosineDecay(1, 10), "initial_learning_rate=1 is an integer"),
    "cycling polynomial": (k.PolynomialDecay(0.1, 10, cycle=True), "cycle=True"),
    "flat polynomial": (k.PolynomialDecay(0.1, 10, power=0.0), "power must be"),
    "stairs at fractions": (k.ExponentialDecay(0.1, 2.3, 0.5, staircase=True), "decay_steps=2.3 float32"),
    "inverse stairs at fractions": (k.InverseTimeDecay(0.1, 2.3, 0.5, staircase=True), "float32"),
    "restarts at fractions": (k.CosineDecayRestarts(0.1, 2.3), "first_decay_steps=2.3 float32"),
    "shrinking restarts": (k.CosineDecayRestarts(0.1, 10, t_mul=0.5), "t_mul must be"),
    "unsorted boundaries": (k.PiecewiseConstantDecay([4, 2], [1.0, 0.5, 0.1]), "do not rise"),
    "no boundaries": (k.PiecewiseConstantDecay([], [1.0]), "do not rise"),
    "negative rate": (k.CosineDecay(0.1, 10, alpha=-0.1), "end must be"),
    "negative warm-up": (k.CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=-3), "steps must be"),
}


@pytest.mark.parametrize(("schedule", "reason"), KERAS_REFUSED.values(), ids=KERAS_REFUSED)
def test_keras_refusals(schedule, reason):
    with pytest.raises(TypeError, match=reason):
        from_keras(schedule)


@pytest.mark.parametrize("peak", [0.1, 1e-3])
def test_keras_misses_restarts_by_a_rounding(peak):
    schedule = k.CosineDecayRestarts(peak, 10, t_mul=1.3)
    missed = [update for update in (10, 23) if float(schedule(update)) < peak / 2]  # round-off: not on every machine
    if missed:
        with pytest.raises(TypeError, match=f"misses the restart at update {missed[0]}"):
            from_keras(schedule)
    else:
        assert from_keras(schedule)(23) == pytest.approx(peak)


def test_keras_takes_pi_for_three_where_the_rate_is_an_integer():
    assert float(k.CosineDecay(1, 10)(10)) == pytest.approx((1 + math.cos(3)) / 2)
    assert float(k.ExponentialDecay(1, 10, 0.5)(1)) == 0.0


def test_importing_interop_imports_no_framework():
    code = "import sys, lrlib.interop; print(*({'torch', 'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
