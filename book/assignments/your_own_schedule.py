# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own schedule
#
# **Goal.** Write one schedule that is in no library, as a plain function, as a PyTorch scheduler and as a Keras
# schedule. All forms apply the same rate at every update, also after a stop and a new start.
#
# **Time:** 90 minutes for both frameworks, 60 for one. **You need** the chapters *The learning rate*, *Step decay and
# reduce-on-plateau on MNIST* and *The bug museum*, and a first network trained in each framework that you use; Keras runs on
# TensorFlow here. There are no data to fetch, as the models that are trained have one weight.
#
# **What is graded** (20 points): the function (6), PyTorch (7) and Keras (7). If your notebook is for one framework
# only, it has 13 points. If you learn alone and use one framework, 13 of the 20 are full marks. Tests that you see here are
# examples. Others are run when the work is graded.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions and classes. Do not use `lrlib`'s
# own schedules: the point is to write one.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
START, PEAK = 0.002, 0.1
WARMUP, FLAT, FALL = 20, 30, 40  # updates in each phase, whole numbers, 2 or more
DROP = 0.6  # the share of the peak at which the fall begins

# %%
import itertools
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

SHAPE = {"start": START, "peak": PEAK, "warmup": WARMUP, "flat": FLAT, "drop": DROP, "fall": FALL}

# %% tags=["pytorch"]
import copy
import io

import torch

torch.set_num_threads(1)

# %% tags=["keras"]
from lrlib.course import fast_convolutions

with fast_convolutions():
    import keras
    import tensorflow as tf

# %% [markdown]
# ## The rate
#
# The number $t$ of an update is the number of updates made before it: the first has $t = 0$. The schedule has four
# phases. Here *end* stands for warmup + flat + fall.
#
# | phase | updates | rate |
# | --- | --- | --- |
# | warm-up | 0 ≤ t < warmup | start + (peak − start) · t / warmup |
# | flat | warmup ≤ t < warmup + flat | peak |
# | fall | warmup + flat ≤ t < end | drop · peak · (1 − √z), where z = (t − warmup − flat) / fall |
# | over | end ≤ t, for ever | 0 |
#
# So the rate jumps down once, where the fall begins, and then falls fast at first and slowly at last.
#
# Write `rate`. It takes one number of an update, whole or fractional, and the six parameters. It returns the rate as
# one number. A negative number of an update raises `ValueError`. `warmup` and `fall` are 1 or more; `flat` may be 0.


# %% nbgrader={"grade": false, "grade_id": "rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rate(update, start, peak, warmup, flat, drop, fall):
    """The rate in force during an update (0 is the first)."""
    ### BEGIN SOLUTION
    if update < 0:
        raise ValueError(f"the number of an update is 0 or more, got {update}")
    if update < warmup:
        return start + (peak - start) * update / warmup
    if update < warmup + flat:
        return peak
    done = min(1.0, (update - warmup - flat) / fall)
    return drop * peak * (1 - done**0.5)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rate_ends", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# These names stand first, because the tests of all other cells use them.
def _right(t, start, peak, warmup, flat, drop, fall):
    rise, done = t / warmup, (t - warmup - flat) / fall
    if rise < 1:
        return start * (1 - rise) + peak * rise
    return peak if done < 0 else peak * drop * (1 - min(done, 1) ** 0.5)


def _same(given, wanted, shape, share=1e-9):
    """Whether rates are equal, to a share of the schedule's highest."""
    given = np.array([float(_rate) for _rate in np.ravel(given)])
    return given.size == np.size(wanted) and np.abs(given - np.ravel(wanted)).max() <= share * max(
        shape["start"], shape["peak"]
    )


def _is_right(given, t, shape, share=1e-9):
    return _same(given, _right(t, **shape), shape, share)


def _varies(rates):
    """Whether rates are a schedule at all: the tests that compare two runs could not tell constant ones apart."""
    return len(set(np.round(rates, 6))) > 8


def _ends(shape):
    """The first update of each phase, and the first after the end."""
    return [int(_t) for _t in np.cumsum([0, shape["warmup"], shape["flat"], shape["fall"]])]


def _telling(shape):
    """Whole updates: the ends of the phases and their neighbours, the middles, and far beyond the end."""
    ends = _ends(shape)
    around = {t + n for t in ends for n in (-1, 0, 1)} | {(a + b) // 2 for a, b in itertools.pairwise(ends)}
    return [*sorted(t for t in around if t >= 0), 3 * ends[-1]]


_OTHER = {"start": 0.0, "peak": 0.8, "warmup": 3, "flat": 4, "drop": 0.25, "fall": 9}
for _shape in (SHAPE, _OTHER, {**SHAPE, "flat": 0}, {**_OTHER, "warmup": 1, "fall": 1}):
    for _t, _phase in zip(_ends(_shape), ("warm-up", "flat phase", "fall", "end"), strict=True):
        assert _is_right(rate(_t, **_shape), _t, _shape), f"the rate is wrong where this begins: {_phase}"
        if _t > 0:
            assert _is_right(rate(_t - 1, **_shape), _t - 1, _shape), f"it is wrong one update before this: {_phase}"
            _late = _t - 0.001
            assert _is_right(rate(_late, **_shape), _late, _shape), f"it is wrong just before this: {_phase}"
_rate_ends_passed = True
### END HIDDEN TESTS
assert np.isclose(rate(0, **SHAPE), START), "the first update does not have the rate at the start"
assert np.isclose(rate(WARMUP, **SHAPE), PEAK), "the peak is not reached when the warm-up ends"

# %% nbgrader={"grade": true, "grade_id": "rate_between", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(rate(WARMUP / 2, **SHAPE), (START + PEAK) / 2), "halfway up, the rate is not halfway up"
### BEGIN HIDDEN TESTS
for _shape in (SHAPE, _OTHER):
    for _begin, _phase in zip(_ends(_shape), ("warmup", "flat", "fall"), strict=False):
        for _part in (0.1, 0.25, 0.5, 0.64, 0.9):
            _t = _begin + _part * _shape[_phase]
            assert _is_right(rate(_t, **_shape), _t, _shape), f"the rate is wrong inside this phase: {_phase}"
    for _t in range(_ends(_shape)[-1]):
        assert _is_right(rate(_t, **_shape), _t, _shape), "the rate of a whole update is wrong"
_rate_between_passed = True
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "rate_beyond", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert abs(rate(WARMUP + FLAT + FALL + 1, **SHAPE)) < 1e-12, "one update after the end, the rate is not zero"
### BEGIN HIDDEN TESTS
for _shape in (SHAPE, _OTHER):
    _end = _ends(_shape)[-1]
    for _t in (_end, _end + 0.5, _end + _shape["warmup"] / 2, 2 * _end + 1, 1000 * _end, 1e12):
        assert abs(rate(_t, **_shape)) <= 1e-12, "after the end, the rate is not zero for ever"
    assert all(rate(_end * _n / 1000, **_shape) >= 0 for _n in range(3000)), "the rate falls below zero"
    for _t in (-1, -0.25, -_end, -1e9):
        try:
            _refused = rate(_t, **_shape) is ValueError
        except Exception as _error:
            _refused = isinstance(_error, ValueError)
        assert _refused, "the negative number of an update is not refused with a ValueError"
_rate_beyond_passed = True
### END HIDDEN TESTS

# %% [markdown]
# Look at your schedule before you go on.

# %%
figure, axes = plt.subplots()
shown = np.linspace(0, 1.2 * (WARMUP + FLAT + FALL), 1000)
axes.plot(shown, [rate(t, **SHAPE) for t in shown])
axes.set(xlabel="update", ylabel="learning rate")
plt.show()

# %% [markdown] tags=["pytorch"]
# ## PyTorch: a scheduler
#
# Write `MyScheduler`, a subclass of `torch.optim.lr_scheduler.LRScheduler`. It is built with
# `MyScheduler(optimizer, start=…, peak=…, warmup=…, flat=…, drop=…, fall=…, last_epoch=-1)`. You may use `rate`.
#
# - **It counts updates.** Its user calls `scheduler.step()` once, after each `optimizer.step()`. When it has been
#   built, the rate of update 0 is in force.
# - **Its rate is absolute.** Every parameter group gets it, whatever rate the group was built with or has been given
#   by others since. `get_last_lr()` returns the list of the rates in force, one a group.
# - **`last_epoch`** has PyTorch's meaning: with `last_epoch=n`, update `n` was the last one made. So the rate of update
#   `n + 1` is in force next. The default −1 means that none was made.
# - **It resumes exactly**, in the middle of any phase. A new optimizer and a new scheduler with the same parameters load
#   the states of the old ones. The optimizer's state may be loaded before or after the scheduler is built, and before
#   or after the scheduler's state. When both are loaded, the very next update has its right rate.
# - **Its state is plain.** `json.dumps` takes `scheduler.state_dict()`. `torch.load(…, weights_only=True)` reads the
#   states of the scheduler and of its optimizer. Note that PyTorch takes a number of NumPy for no plain number.
#
# Read the source of `LRScheduler` first. See what its `load_state_dict` does to the optimizer.
#
# The tests see the rate with the next cell: a weight whose gradient is 1 moves by the rate in force. You may use it too.


# %% nbgrader={"grade": false, "grade_id": "movement_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
def _two_groups():
    """An optimizer with two groups of one weight each, built with rates of their own."""
    _weights = [torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2)]
    return torch.optim.SGD([{"params": [_weights[0]], "lr": 0.3}, {"params": [_weights[1]], "lr": 7.0}])


def _run(optimizer, scheduler, updates):
    """Make updates with the gradient 1: how far each group's weight moved, a row an update."""
    _moves = []
    for _ in range(updates):
        _weights = [_group["params"][0] for _group in optimizer.param_groups]
        for _weight in _weights:
            _weight.data.zero_()
            _weight.grad = torch.ones_like(_weight)
        optimizer.step()
        scheduler.step()
        _moves.append([-_weight.item() for _weight in _weights])
    return np.array(_moves)


def _whole_run(updates, shape):
    """A run that is not interrupted."""
    _optimizer = _two_groups()
    return _run(_optimizer, MyScheduler(_optimizer, **shape), updates)


# %% nbgrader={"grade": false, "grade_id": "scheduler", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["pytorch"]
# Define the class MyScheduler here.
### BEGIN SOLUTION
class MyScheduler(torch.optim.lr_scheduler.LRScheduler):
    """Sets the rate of every group to rate(number of updates made)."""

    def __init__(self, optimizer, start, peak, warmup, flat, drop, fall, last_epoch=-1):
        self.shape = {"start": start, "peak": peak, "warmup": warmup, "flat": flat, "drop": drop, "fall": fall}
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        now = float(rate(self.last_epoch, **self.shape))  # a NumPy number would make the checkpoint unsafe to load
        return [now for _ in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)  # sets the count only: building this scheduler has set another rate
        self._last_lr = self.get_lr()
        for group, now in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = now


### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "pytorch_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if a test of `rate` failed, the right one goes on from here.
### REFERENCE rate UNLESS rate_ends, rate_between, rate_beyond PASSED
### END HIDDEN TESTS
_optimizer = _two_groups()
_scheduler = MyScheduler(_optimizer, **SHAPE)
assert isinstance(_scheduler, torch.optim.lr_scheduler.LRScheduler), "MyScheduler is no LRScheduler"
assert np.isclose(_run(_optimizer, _scheduler, 1)[0, 0], START), "the first update does not have the rate at the start"
### BEGIN HIDDEN TESTS
for _shape in (SHAPE, _OTHER):
    for _t, _rates in enumerate(_whole_run(_ends(_shape)[-1] + 5, _shape)):
        assert _is_right(_rates[0], _t, _shape), "an update is not made with the rate of its number"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "pytorch_groups", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
_optimizer = _two_groups()
_scheduler = MyScheduler(_optimizer, **SHAPE)
assert len(_scheduler.get_last_lr()) == 2, "get_last_lr does not return one rate a group"
### BEGIN HIDDEN TESTS
_path = _whole_run(25, _OTHER)
assert _varies(_path[:, 0]), "the rate hardly changes"
assert _same(_path[:, 0], _path[:, 1], _OTHER), "the groups do not have the same rate"
_optimizer = _two_groups()
_scheduler = MyScheduler(_optimizer, **_OTHER)
for _t in range(25):
    assert _same(_scheduler.get_last_lr(), _path[_t], _OTHER), "get_last_lr does not tell what is in force"
    _rates = [_group["lr"] for _group in _optimizer.param_groups]
    assert _same(_rates, _path[_t], _OTHER), "the rate depends on what another has put into a group before"
    _optimizer.step()
    _optimizer.param_groups[_t % 2]["lr"] = 5.0
    _scheduler.step()
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "pytorch_resume", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
_first, _second = _two_groups(), _two_groups()
_old, _new = MyScheduler(_first, **SHAPE), MyScheduler(_second, **SHAPE)
_run(_first, _old, WARMUP // 2)
_second.load_state_dict(_first.state_dict())
_new.load_state_dict(_old.state_dict())
_rates = _run(_first, _old, 1), _run(_second, _new, 1)
assert np.allclose(*_rates), "the new optimizer does not go on at the old one's rate"
### BEGIN HIDDEN TESTS
_ORDERS = {
    "obs": "the optimizer's state loaded before the scheduler is built",
    "bos": "the scheduler built, the optimizer's state loaded, then the scheduler's",
    "bso": "the scheduler built, its state loaded, then the optimizer's",
    "ol": "the optimizer's state loaded, the scheduler built with last_epoch",
}


def _gone_on(states, order, shape, made):
    """A new optimizer and scheduler: o loads the former's state, s the latter's, b builds it, l with last_epoch."""
    optimizer, scheduler = _two_groups(), None
    for step in order:
        if step == "o":
            optimizer.load_state_dict(copy.deepcopy(states[0]))
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])  # LRScheduler asks for it when it resumes
        elif step == "s":
            scheduler.load_state_dict(copy.deepcopy(states[1]))
        else:
            past = {"last_epoch": made - 1} if step == "l" else {}
            scheduler = MyScheduler(optimizer, **shape, **past)
    return optimizer, scheduler


assert _varies(_whole_run(25, _OTHER)[:, 0]), "the rate hardly changes"
for _shape in (SHAPE, _OTHER):
    _path = _whole_run(_ends(_shape)[-1] + 6, _shape)
    _first = _two_groups()
    _old = MyScheduler(_first, **_shape)
    for _made in range(_ends(_shape)[-1] + 3):
        if _made in _telling(_shape):
            _states = copy.deepcopy((_first.state_dict(), _old.state_dict()))
            for _order, _words in _ORDERS.items():
                _second, _new = _gone_on(_states, _order, _shape, _made)
                _rates = _new.get_last_lr()
                assert _same(_rates, _path[_made], _shape), f"get_last_lr is wrong after this: {_words}"
                _rates = _run(_second, _new, 3)
                assert _same(_rates, _path[_made : _made + 3], _shape), f"does not resume exactly: {_words}"
        _run(_first, _old, 1)
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "pytorch_state", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
_optimizer = _two_groups()
assert json.dumps(MyScheduler(_optimizer, **SHAPE).state_dict()), "the state cannot be written as JSON"
### BEGIN HIDDEN TESTS
_path = _whole_run(25, _OTHER)
assert _varies(_path[:, 0]), "the rate hardly changes"
_optimizer = _two_groups()
_scheduler = MyScheduler(_optimizer, **_OTHER)
for _made in range(_ends(_OTHER)[-1] + 2):
    _file = io.BytesIO()
    torch.save({"optimizer": _optimizer.state_dict(), "scheduler": _scheduler.state_dict()}, _file)
    _file.seek(0)
    try:
        _safe = torch.load(_file, weights_only=True)
    except Exception as _error:
        raise AssertionError("the states cannot be loaded with weights_only=True") from _error
    _plain = json.loads(json.dumps(_scheduler.state_dict()))
    for _state, _words in ((_safe["scheduler"], "torch.save"), (_plain, "JSON")):
        _second = _two_groups()
        _new = MyScheduler(_second, **_OTHER)
        _second.load_state_dict(_safe["optimizer"])
        _new.load_state_dict(_state)
        _rates = _run(_second, _new, 3)
        assert _same(_rates, _path[_made : _made + 3], _OTHER), f"does not resume after the state went through {_words}"
    _run(_optimizer, _scheduler, 1)
### END HIDDEN TESTS

# %% [markdown] tags=["keras"]
# ## Keras: a schedule
#
# Write `MySchedule`, a subclass of `keras.optimizers.schedules.LearningRateSchedule`. It is built with
# `MySchedule(start=…, peak=…, warmup=…, flat=…, drop=…, fall=…)`.
#
# - **It is called with `step`**, the number of updates made before, and returns the rate: one number, or a tensor that
#   holds one. `step` may be a Python number, a tensor of whole numbers, or the optimizer's own counter. It keeps no
#   count of its own: Keras may call it several times for one update.
# - **It works in a graph**, as `fit` compiles one. There `step` has no value yet. So `rate` cannot be called with it, and
#   a Python `if` cannot ask about it: the tests use `tf.function(…, autograph=False)`, as Keras does. `keras.ops.where`
#   or `tf.where` can choose.
# - **No NaN arises** on the way, not even in a branch that is not taken. `where` computes them all, and a check such as
#   `tf.debugging.enable_check_numerics` stops a training at the first.
# - **It can be saved.** It has `get_config`, which returns a dict that `json.dumps` takes and from which `from_config`
#   builds an equal schedule. It is registered with `keras.saving.register_keras_serializable`.
# - **It resumes exactly**: a model that was saved in the middle of a phase goes on after `keras.saving.load_model` where
#   it was.
#
# Rates must be right to one part in 100,000 of the peak, which float32 can do.


# %% nbgrader={"grade": false, "grade_id": "schedule", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["keras"]
# Define the class MySchedule here.
### BEGIN SOLUTION
@keras.saving.register_keras_serializable(package="my_course")
class MySchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rate as a function of the number of updates made, eager or in a graph."""

    def __init__(self, start, peak, warmup, flat, drop, fall):
        self.start, self.peak, self.drop = start, peak, drop
        self.warmup, self.flat, self.fall = warmup, flat, fall

    def __call__(self, step):
        t = keras.ops.cast(step, "float32")  # a whole-number tensor times 0.1 is an error, or 0
        falls_from = self.warmup + self.flat
        rising = self.start + (self.peak - self.start) * t / self.warmup
        done = keras.ops.clip((t - falls_from) / self.fall, 0.0, 1.0)  # no root of a negative number
        falling = self.drop * self.peak * (1.0 - keras.ops.sqrt(done))
        return keras.ops.where(t < self.warmup, rising, keras.ops.where(t < falls_from, float(self.peak), falling))

    def get_config(self):
        return {
            "start": self.start,
            "peak": self.peak,
            "warmup": self.warmup,
            "flat": self.flat,
            "drop": self.drop,
            "fall": self.fall,
        }


### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "keras_eager", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
### BEGIN HIDDEN TESTS
# One mistake costs its own part only: if a test of `rate` failed, the right one goes on from here.
### REFERENCE rate UNLESS rate_ends, rate_between, rate_beyond PASSED
### END HIDDEN TESTS
_schedule = MySchedule(**SHAPE)
assert isinstance(_schedule, keras.optimizers.schedules.LearningRateSchedule), "MySchedule is no LearningRateSchedule"
assert np.isclose(float(_schedule(0)), START), "the first update does not have the rate at the start"
assert np.isclose(float(_schedule(tf.constant(WARMUP))), PEAK), "the peak is not reached when the warm-up ends"
### BEGIN HIDDEN TESTS
_KINDS = {
    "a Python number": int,
    "a tensor (int32)": lambda t: tf.constant(t, "int32"),
    "a tensor (int64)": lambda t: tf.constant(t, "int64"),
    "the optimizer's counter": lambda t: keras.Variable(t, dtype="int64", trainable=False),
}
for _shape in (SHAPE, _OTHER, {**_OTHER, "flat": 0}):
    _schedule = MySchedule(**_shape)
    _begins = dict(zip(_ends(_shape), ("warm-up", "flat phase", "fall", "end"), strict=True))
    for _t in [*_telling(_shape), *reversed(_telling(_shape))]:
        _place = f"where this begins: {_begins[_t]}" if _t in _begins else "inside a phase, or after the end"
        for _words, _kind in _KINDS.items():  # a Python number first: where it is right, the kind is at fault
            _rate = _schedule(_kind(_t))
            assert np.shape(_rate) == (), "the schedule does not return one number"
            assert np.isfinite(float(_rate)), "a rate is not a finite number"
            assert float(_rate) >= 0, "the rate falls below zero"
            assert _is_right(_rate, _t, _shape, 1e-5), (
                f"the rate is wrong {_place if _kind is int else f'when step is {_words}'}"
            )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "keras_graph", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
_schedule = MySchedule(**SHAPE)
_compiled = tf.function(lambda step: _schedule(step), autograph=False)
assert np.isclose(_compiled(tf.constant(0)), float(_schedule(0))), "the first update has another rate in a graph"
### BEGIN HIDDEN TESTS
_schedule = MySchedule(**_OTHER)
_path = [float(_schedule(_t)) for _t in range(40)]
assert _varies(_path), "the rate hardly changes"
tf.debugging.enable_check_numerics()
try:
    _signature = [tf.TensorSpec((), "int64")]
    _compiled = tf.function(lambda step: _schedule(step), autograph=False, input_signature=_signature)
    for _t in (*range(40), *reversed(range(40))):
        _rate = _compiled(tf.constant(_t, "int64"))
        assert _same(_rate, _path[_t], _OTHER, 1e-5), "the rate in a graph is another than outside"
except tf.errors.InvalidArgumentError as _error:
    raise AssertionError("a number that is not finite arises in the graph") from _error
finally:
    tf.debugging.disable_check_numerics()

_weight = keras.Variable(0.0)
_optimizer = keras.optimizers.SGD(MySchedule(**_OTHER))
_optimizer.build([_weight])
_update = tf.function(lambda: _optimizer.apply([tf.ones(())], [_weight]), autograph=False)
for _t in range(25):
    _weight.assign(0.0)
    _update()
    assert _same(-float(_weight), _path[_t], _OTHER, 1e-5), "a compiled update is not made with the rate of its number"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "keras_config", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
_again = MySchedule.from_config(MySchedule(**SHAPE).get_config())
assert np.isclose(float(_again(WARMUP)), float(MySchedule(**SHAPE)(WARMUP))), "a schedule from its config differs"
### BEGIN HIDDEN TESTS
assert MySchedule in keras.saving.get_custom_objects().values(), "the class is not registered"
_other = MySchedule(**_OTHER)
assert _varies([float(_other(_t)) for _t in range(25)]), "the rate hardly changes"
for _shape in (SHAPE, _OTHER, *({**SHAPE, _name: _OTHER[_name]} for _name in SHAPE)):
    _schedule = MySchedule(**_shape)
    _path = [float(_schedule(_t)) for _t in _telling(_shape)]
    _again = MySchedule.from_config(json.loads(json.dumps(_schedule.get_config())))
    assert _same([_again(_t) for _t in _telling(_shape)], _path, _shape, 1e-5), "a schedule from its config differs"
    _written = json.loads(json.dumps(keras.saving.serialize_keras_object(_schedule)))
    _again = keras.saving.deserialize_keras_object(_written)
    assert isinstance(_again, MySchedule), "what Keras reads back is no MySchedule"
    assert _same([_again(_t) for _t in _telling(_shape)], _path, _shape, 1e-5), "what Keras reads back differs"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "keras_resume", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
_model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
_model.compile(keras.optimizers.SGD(MySchedule(**SHAPE)), "mse", jit_compile=False)
_file = Path(tempfile.mkdtemp()) / "model.keras"
_model.save(_file)
_rate = float(keras.saving.load_model(_file).optimizer.learning_rate)
assert np.isclose(_rate, float(MySchedule(**SHAPE)(0))), (
    "a model saved before its first update begins with another rate"
)
### BEGIN HIDDEN TESTS
_schedule, _optimizer = MySchedule(**_OTHER), keras.optimizers.SGD(MySchedule(**_OTHER))
_path = [float(_schedule(_t)) for _t in range(25)]
assert _varies(_path), "the rate hardly changes"
_model.compile(_optimizer, "mse", jit_compile=False)
_weight = _model.trainable_variables[0]
_optimizer.build([_weight])
_cuts = {*_ends(_OTHER), *((_a + _b) // 2 for _a, _b in itertools.pairwise(_ends(_OTHER)))}
for _made in range(_ends(_OTHER)[-1] + 1):
    if _made in _cuts:
        _model.save(_file)
        _loaded = keras.saving.load_model(_file)
        _kept = _loaded.trainable_variables[0]
        for _t in range(_made, _made + 3):
            _kept.assign([[0.0]])
            _loaded.optimizer.apply([tf.ones((1, 1))], [_kept])
            _moved = -float(_kept.numpy()[0, 0])
            assert _same(_moved, _path[_t], _OTHER, 1e-5), "a loaded model does not resume exactly"
    _optimizer.apply([tf.ones((1, 1))], [_weight])
### END HIDDEN TESTS

# %% [markdown]
# ## The rate really in force
#
# A schedule is right when the *optimizer* has its rate at every update. So train a model and write down what the
# optimizer applies. Each function below may be called again on the same objects, and then goes on where they are.

# %% [markdown] tags=["pytorch"]
# Write `train_pytorch`. `batches` is a list of pairs (x, y). In each epoch it makes one update for each pair, in their
# order; the loss is the mean squared error. It calls the scheduler as its user should. It returns the list of the rates
# with which the updates were made, read from the optimizer's first group: one number for each update of the call.


# %% nbgrader={"grade": false, "grade_id": "train_pytorch", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["pytorch"]
def train_pytorch(model, optimizer, scheduler, batches, epochs):
    """Train, and return the rate in force at each update."""
    ### BEGIN SOLUTION
    rates = []
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "pytorch_trace", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
_model = torch.nn.Linear(1, 1, bias=False).double()
_optimizer = torch.optim.SGD(_model.parameters(), lr=7.0)
_batches = [(torch.full((4, 1), 0.5, dtype=torch.float64), torch.zeros(4, 1, dtype=torch.float64))] * 5
_rates = train_pytorch(_model, _optimizer, MyScheduler(_optimizer, **SHAPE), _batches, 1)
assert len(_rates) == 5, "there is not one rate for each update"
### BEGIN HIDDEN TESTS
_path = _whole_run(25, _OTHER)[:, 0]
assert _varies(_path), "the rate hardly changes"
_model.weight.data.fill_(1.0)
_optimizer = torch.optim.SGD(_model.parameters(), lr=7.0)
_scheduler = MyScheduler(_optimizer, **_OTHER)
_seen = []
_optimizer.register_step_pre_hook(lambda optimizer, *_: _seen.append(float(optimizer.param_groups[0]["lr"])))
_told = np.concatenate([train_pytorch(_model, _optimizer, _scheduler, _batches, _epochs) for _epochs in (2, 3)])
assert len(_seen) == 25, "there is not one update for each batch in each epoch"
assert _same(_seen, _path, _OTHER), "an update was made with another rate than the schedule's"
assert len(_told) == 25, "there is not one rate for each update"
assert _same(_told, _seen, _OTHER), "what is returned was not in force"
_weight = np.prod([1 - _rate / 2 for _rate in _seen])
assert np.isclose(_model.weight.item(), _weight), "the updates are not those of the mean squared error"
### END HIDDEN TESTS

# %% [markdown] tags=["keras"]
# Write `train_keras`. The model has been compiled. It is trained on the arrays `x` and `y`, in batches of `batch_size`,
# for `epochs` epochs. The function returns the list of the rates with which the updates were made, read from the model's
# optimizer: one number for each update of the call. (A callback can read it. When?)


# %% nbgrader={"grade": false, "grade_id": "train_keras", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["keras"]
def train_keras(model, x, y, batch_size, epochs):
    """Train, and return the rate in force at each update."""
    ### BEGIN SOLUTION
    rates = []
    read = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    model.fit(x, y, batch_size=batch_size, epochs=epochs, callbacks=[read], verbose=0)
    return rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "keras_trace", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
_model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
_model.compile(keras.optimizers.SGD(MySchedule(**SHAPE)), "mse", jit_compile=False)
_x, _y = np.full((20, 1), 0.5, "float32"), np.zeros((20, 1), "float32")
assert len(train_keras(_model, _x, _y, 4, 1)) == 5, "there is not one rate for each update"
### BEGIN HIDDEN TESTS
_schedule = MySchedule(**_OTHER)
_path = [float(_schedule(_t)) for _t in range(25)]
assert _varies(_path), "the rate hardly changes"
_model.set_weights([np.ones((1, 1), "float32")])
_model.compile(keras.optimizers.SGD(MySchedule(**_OTHER)), "mse", jit_compile=False)
_told = np.concatenate([train_keras(_model, _x, _y, 4, _epochs) for _epochs in (2, 3)])
assert int(_model.optimizer.iterations) == 25, "there is not one update for each batch in each epoch"
assert len(_told) == 25, "there is not one rate for each update"
assert _same(_told, _path, _OTHER, 1e-5), "what is returned was not in force"
_weight = np.prod([1 - _rate / 2 for _rate in _path])
assert np.isclose(_model.get_weights()[0][0, 0], _weight, rtol=1e-4), "the updates were made with other rates"
### END HIDDEN TESTS

# %% [markdown]
# ## For yourself
#
# A checkpoint was made with `fall=40`. You load it into a run with `fall=80`. What do your classes do now? What should
# they do?
