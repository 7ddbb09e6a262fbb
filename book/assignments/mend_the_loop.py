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
# # Mend the training loop
#
# **Goal.** Keep the clock of a schedule right in the four places where real training loops lose it: under gradient
# accumulation, after a restart, in mixed precision, and when a second stage begins.
#
# **Time:** 90 minutes. **You need** the chapters *Changing plans in mid-run* and *The bug museum*, and to have trained a
# network in PyTorch or in Keras. Nothing is fetched: a tiny network learns scikit-learn's digits for a few updates at a
# time.
#
# **What is graded** (20 points): the number of updates (2), accumulation (5), the restart (5), mixed precision (4) and the
# second stage (4). Tests that you see here are examples. Others are run when the work is graded. They look at the rates
# in force and at the weights at the end, and never at how your code is written. The parts do not build on one another
# (only the figure of part 2 uses the function of part 1), so a mistake in one costs nothing in the others.
#
# Replace each `raise NotImplementedError()` by your code. Do not rename the functions. You may use `lrlib`.
#
# ## The loop and its owner
#
# It began as a loop that trained well on one machine. Then the data grew, the machines were taken away at night, half
# precision was switched on, and a pretrained body was to be thawed. Each time its owner added a few lines. All of it
# runs, the warnings are silenced, and the results are worse than they should be.
#
# Each part below shows the owner's function, and you write it as it should be. In each, `schedule` is one of `lrlib`'s
# schedules: `schedule(t)` is the rate of the update before which `t` updates have been made, so the first has
# `schedule(0)`. An *update* is a change of the weights.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
FRAMEWORK = "pytorch"  # or "keras"
PEAK, WARMUP = 0.2, 4  # the highest rate, and the updates on the way to it
MICRO_BATCH, ACCUMULATE = 16, 4  # images in a micro-batch, micro-batches in an update
IMAGES, EPOCHS = 200, 3
MOMENTUM = 0.9  # in parts 3 and 5
STOP = 7  # the update after which the machine is taken away
SCALE, GROWTH = 2.0**16, 5  # of the loss in part 4: the first one, and the updates after which it is doubled
THAW = 5  # updates of the head alone in part 5

# %%
import math
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import lrlib
from lrlib.course.data import digits
from lrlib.course.networks import dense_weights

warnings.filterwarnings("ignore", message="Detected call of")  # PyTorch warns of some faults; the owner never saw it

# %% [markdown]
# The next cells hold tools. You need not change them.
#
# - `new_model(seed)`: a network with one hidden layer, 64 → 16 → 10. Its first layer is the *body*, its last the *head*.
# - `loss_of(model, x, y)`: the mean cross-entropy of a batch, as a tensor of your framework. `x` has an image a row, `y`
#   the labels, both NumPy arrays.
# - `batches_of(count, size, seed)`: a list of `count` batches `(x, y)`.
# - `PLAN`: a schedule to try things with.

# %% nbgrader={"grade": false, "grade_id": "tools", "locked": true, "schema_version": 3, "solution": false, "task": false}
SIZES = (64, 16, 10)
PLAN = lrlib.Linear(0.02, PEAK, steps=WARMUP).then(lrlib.Cosine(PEAK, 0.0, steps=20))
images, labels = digits()
images, labels = (images / 16).astype("float32"), labels.astype("int64")


def batches_of(count, size, seed=0):
    """Batches of different images, as pairs (x, y)."""
    rows = np.random.default_rng(seed).permutation(len(images))[: count * size].reshape(count, size)
    return [(images[some], labels[some]) for some in rows]


# %% nbgrader={"grade": false, "grade_id": "tools_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":
    import torch

    from lrlib.course import pytorch as framework

    framework.one_thread()

    def loss_of(model, x, y):
        """The mean cross-entropy of a batch."""
        return torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))


# %% nbgrader={"grade": false, "grade_id": "tools_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":
    from lrlib.course import fast_convolutions

    with fast_convolutions():
        import keras
        import tensorflow as tf

    from lrlib.course import keras as framework

    def loss_of(model, x, y):
        """The mean cross-entropy of a batch."""
        return framework.cross_entropy(y, model(x, training=True))


# %% nbgrader={"grade": false, "grade_id": "tools_both", "locked": true, "schema_version": 3, "solution": false, "task": false}
def new_model(seed):
    """A network with the initial weights of this seed, which are the same in both frameworks."""
    return framework.perceptron(SIZES, dense_weights(SIZES, seed))


def weights_of(model):
    """Its four arrays: weights and biases of the body, then of the head."""
    return framework.weights(model)


def show(owners, right):
    """Draw the owner's rates, and the right ones."""
    plt.figure(figsize=(6, 2.5))
    plt.plot(right, "o-", color="0.7", label="as it should be")
    plt.plot(owners, ".-", color="tab:red", label="the owner's")
    plt.xlabel("update")
    plt.ylabel("learning rate")
    plt.legend()
    plt.show()


# %% [markdown]
# ## 1. How many updates?
#
# A schedule that ends needs its length in updates. An epoch goes through `images` images in micro-batches of
# `micro_batch`, of which the last may be smaller. Each `accumulate` micro-batches make one update. What is left at the
# end of an epoch, if it is less than that, makes an update of its own; nothing is carried over into the next epoch.
#
# `updates_in(images, micro_batch, accumulate, epochs)` returns the number of updates of a run, a whole number.


# %% nbgrader={"grade": false, "grade_id": "count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def updates_in(images, micro_batch, accumulate, epochs):
    """The number of updates in a run."""
    ### BEGIN SOLUTION
    return epochs * math.ceil(math.ceil(images / micro_batch) / accumulate)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "counted", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
### BEGIN HIDDEN TESTS
# The names that the tests of several parts use stand first: whatever fails below, they are there.
import functools


def _mean_gradients(weights, x, y):
    """The gradients of the mean cross-entropy of the network, in double precision."""
    w, b, v, c = weights
    hidden = np.maximum(x @ w + b, 0)
    scores = hidden @ v + c
    share = np.exp(scores - scores.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    share[np.arange(len(y)), y] -= 1
    share /= len(y)
    back = (share @ v.T) * (hidden > 0)
    return [x.T @ back, back.sum(0), hidden.T @ share, share.sum(0)]


def _trained(seed, batches, rates, momentum=0.0):
    """The weights after these updates, by SGD as PyTorch has it; a rate of None leaves an array as it is.

    ``rates`` has a number for each update, or a pair: the body's and the head's.
    """
    weights = [array.astype(float) for array in dense_weights(SIZES, seed)]
    moving = [np.zeros_like(array) for array in weights]
    for (x, y), rate in zip(batches, rates, strict=True):
        body, head = rate if isinstance(rate, tuple) else (rate, rate)
        for i, (gradient, own) in enumerate(
            zip(_mean_gradients(weights, x.astype(float), y), (body, body, head, head), strict=True)
        ):
            if own is not None:
                moving[i] = momentum * moving[i] + gradient
                weights[i] = weights[i] - own * moving[i]
    return weights


def _near(found, wanted):
    """Whether weights are equal, but for float32."""
    return all(np.allclose(a, b, rtol=0, atol=3e-4) for a, b in zip(found, wanted, strict=True))


def _same(found, wanted):
    """Whether two lists of rates are equal, but for float32."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    return found.shape == wanted.shape and bool(np.isclose(found, wanted, rtol=1e-5, atol=1e-9).all())


def _first(schedule, count):
    return [schedule(t) for t in range(count)]


_FALL = lrlib.Linear(0.15, 0.01, steps=40)
_RISE = lrlib.Linear(0.01, 0.2, steps=6).then(lrlib.Cosine(0.2, 0.0, steps=17))


def _end(returned):
    """The weights at the end and the rates, of what a mended function returned."""
    assert isinstance(returned, tuple) and len(returned) == 2, "the function does not return a model and rates"
    return weights_of(returned[0]), returned[1]


@functools.cache
def _grouped(schedule, count, accumulate, epochs):
    return _end(accumulated(new_model(3), schedule, batches_of(count, 8), accumulate, epochs))


_GROUPED = [(_FALL, 8, 4, 3), (_RISE, 12, 3, 2), (_RISE, 6, 1, 2), (PLAN, 8, 2, 3)]


def _joined(micro_batches, accumulate):
    """The batches that the groups of micro-batches stand for."""
    groups = [micro_batches[start : start + accumulate] for start in range(0, len(micro_batches), accumulate)]
    return [tuple(np.concatenate(part) for part in zip(*group, strict=True)) for group in groups]


@functools.cache
def _in_parts(schedule, stops):
    """The weights after a run with these stops, and the rates of its parts."""
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        for number, stop in enumerate(stops):
            returned = part_of_run(new_model(3 + number), schedule, batches_of(16, 8), folder, stop)
            weights, own = _end(returned)
            rates.append(list(own))
    return weights, rates


_MOVING = lrlib.Linear(0.005, 0.05, steps=6).then(lrlib.Cosine(0.05, 0.0, steps=14))
_STOPPED = [(_MOVING, 1), (_MOVING, 4), (_MOVING, 8), (0.5 * _FALL, 11)]

# The schedule, the batches with a broken image, those with one that is too bright, the first scale and the growth.
_SCALED = [
    (_RISE, (0,), (), 2.0**16, 100),
    (_RISE, (0, 1, 2), (), 2.0**16, 2),
    (_FALL, (3, 9), (), 2.0**10, 3),
    (_FALL, (), (4, 5), 2.0**40, 2),
    (_RISE, (7,), (0, 2), 2.0**40, 3),
    (_FALL, (), (), 1.0, 1),
    (_FALL, (11,), (), 2.0**16, 4),
]


def _spoiled(broken, bright):
    """Twelve batches, and those of them that make an update."""
    batches = with_bright(with_broken(batches_of(12, 8), broken), bright)
    return batches, [batch for number, batch in enumerate(batches) if number not in (*broken, *bright)]


@functools.cache
def _scaled(schedule, broken, bright, scale, growth):
    return _end(scaled(new_model(3), schedule, _spoiled(broken, bright)[0], scale, growth))


_HEAD = lrlib.Linear(0.06, 0.002, steps=15)
_BODY = lrlib.Linear(0.001, 0.03, steps=7).then(lrlib.Linear(0.03, 0.0, steps=9))
_STAGES = [
    (_HEAD, _BODY, 12, 5),
    (_BODY, _HEAD, 12, 1),
    (_HEAD, _BODY, 10, 9),
    (_BODY, _HEAD, 9, 9),
    (_HEAD, _BODY, 2, 1),
]


@functools.cache
def _staged(head, body, count, thaw):
    return _end(stages(new_model(3), head, body, batches_of(count, 8), thaw))


### END HIDDEN TESTS
assert updates_in(64, 16, 4, 1) == 1, "four micro-batches, accumulated by four, are one update"
assert updates_in(64, 16, 1, 3) == 12, "without accumulation each micro-batch is an update"
### BEGIN HIDDEN TESTS
_cases = [
    (200, 16, 4, 3),
    (1000, 32, 8, 2),
    (1, 32, 8, 5),
    (33, 32, 2, 1),
    (96, 32, 3, 4),
    (97, 32, 3, 4),
    (97, 16, 7, 2),
]
for _images, _micro, _accumulate, _epochs in _cases:
    _sizes = [len(range(_start, min(_start + _micro, _images))) for _start in range(0, _images, _micro)]
    _updates = _epochs * len(range(0, len(_sizes), _accumulate))
    _found = updates_in(_images, _micro, _accumulate, _epochs)
    assert _found == _updates, "the number is wrong where an epoch does not hold a whole number of updates"
    assert int(_found) is not True and float(_found).is_integer(), "the number of updates is not a whole number"
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Gradient accumulation
#
# **It should** train for `epochs` epochs over `micro_batches`, a list of pairs `(x, y)`, by plain SGD. Each `accumulate`
# micro-batches make one update, as in part 1. What an update follows is the gradient of the *mean loss over all its
# images*, as if they had come in one batch. A micro-batch may have fewer images than the others.
#
# It returns the model, trained, and the list of the rates: one for each update.
#
# **Its owner says:** "With accumulation it diverges unless I lower the rate, and the decay is over far too early."

# %% nbgrader={"grade": false, "grade_id": "owners_accumulated_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def owners_accumulated(model, schedule, micro_batches, accumulate, epochs):
        """Train with several micro-batches in each update."""
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        scheduler = lrlib.torch.Scheduler(optimizer, schedule)
        rates = []
        for _epoch in range(epochs):
            for number, (x, y) in enumerate(micro_batches, start=1):
                loss_of(model, x, y).backward()
                if number % accumulate == 0:
                    rates += scheduler.get_last_lr()
                    optimizer.step()
                    optimizer.zero_grad()
                scheduler.step()
        return model, rates


# %% nbgrader={"grade": false, "grade_id": "owners_accumulated_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    def owners_accumulated(model, schedule, micro_batches, accumulate, epochs):
        """Train with several micro-batches in each update."""
        optimizer = keras.optimizers.SGD(1.0)
        rates, clock = [], 0
        total = [tf.zeros_like(variable) for variable in model.trainable_variables]
        for _epoch in range(epochs):
            for number, (x, y) in enumerate(micro_batches, start=1):
                optimizer.learning_rate = schedule(clock)
                with tf.GradientTape() as tape:
                    loss = loss_of(model, x, y)
                gradients = tape.gradient(loss, model.trainable_variables)
                total = [before + new for before, new in zip(total, gradients, strict=True)]
                if number % accumulate == 0:
                    rates.append(float(optimizer.learning_rate))
                    optimizer.apply(total, model.trainable_variables)
                    total = [tf.zeros_like(one) for one in total]
                clock += 1
        return model, rates


# %%
some = batches_of(-(-IMAGES // MICRO_BATCH), MICRO_BATCH)
_, owners = owners_accumulated(new_model(0), PLAN, some, ACCUMULATE, EPOCHS)
show(owners, [PLAN(t) for t in range(updates_in(IMAGES, MICRO_BATCH, ACCUMULATE, EPOCHS))])


# %% nbgrader={"grade": false, "grade_id": "accumulate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def accumulated(model, schedule, micro_batches, accumulate, epochs):
    """Train with several micro-batches in each update; return the model and the rate of each update."""
    ### BEGIN SOLUTION
    groups = [micro_batches[start : start + accumulate] for start in range(0, len(micro_batches), accumulate)]
    rates = []
    if FRAMEWORK == "pytorch":
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        scheduler = lrlib.torch.Scheduler(optimizer, schedule)
        for group in groups * epochs:
            count = sum(len(y) for _, y in group)
            optimizer.zero_grad()
            for x, y in group:
                (loss_of(model, x, y) * len(y) / count).backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return model, rates
    optimizer = keras.optimizers.SGD(lrlib.keras.Schedule(schedule))
    variables = model.trainable_variables
    for group in groups * epochs:
        count = sum(len(y) for _, y in group)
        total = [tf.zeros_like(variable) for variable in variables]
        for x, y in group:
            with tf.GradientTape() as tape:
                loss = loss_of(model, x, y) * len(y) / count
            total = [before + new for before, new in zip(total, tape.gradient(loss, variables), strict=True)]
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(total, variables)
    return model, rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "accumulated_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_model, _rates = accumulated(new_model(0), PLAN, batches_of(8, MICRO_BATCH), 4, 1)
assert len(_rates) == 2, "eight micro-batches, accumulated by four, are not two updates"
assert np.isclose(_rates[0], PLAN(0)), "the first update does not have the schedule's first rate"
### BEGIN HIDDEN TESTS


for _case in _GROUPED:
    _schedule, _count, _accumulate, _epochs = _case
    _, _rates = _grouped(*_case)
    _wanted = _first(_schedule, _count // _accumulate * _epochs)
    assert len(_rates) == len(_wanted), "there is not one rate for each update"
    assert _same(_rates, _wanted), "the rates of the updates are not those of the schedule, one after another"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "accumulated_weights", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_model, _ = accumulated(new_model(0), PLAN, batches_of(4, MICRO_BATCH), 2, 1)
assert not np.allclose(weights_of(_model)[0], weights_of(new_model(0))[0]), "the model has not been trained"
### BEGIN HIDDEN TESTS


for _case in _GROUPED:
    _schedule, _count, _accumulate, _epochs = _case
    _weights, _ = _grouped(*_case)
    _large = _joined(batches_of(_count, 8), _accumulate) * _epochs
    assert _near(_weights, _trained(3, _large, _first(_schedule, len(_large)))), (
        "the weights at the end are not those of updates with the mean gradient of all images"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "accumulated_rest", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_model, _rates = accumulated(new_model(0), PLAN, batches_of(5, MICRO_BATCH), 4, 2)
assert len(_rates) == 4, "the micro-batches left at the end of an epoch do not make an update of their own"
### BEGIN HIDDEN TESTS
for _sizes, _accumulate, _epochs in (
    ([8] * 7, 3, 2),
    ([8, 8, 8, 3], 4, 3),
    ([8, 8, 5], 2, 2),
    ([4, 12, 8, 1, 6], 2, 2),
    ([9], 4, 3),
):
    _rows = np.split(np.random.default_rng(5).permutation(len(images))[: sum(_sizes)], np.cumsum(_sizes)[:-1])
    _batches = [(images[_some], labels[_some]) for _some in _rows]
    _weights, _rates = _end(accumulated(new_model(3), _FALL, _batches, _accumulate, _epochs))
    _large = _joined(_batches, _accumulate) * _epochs
    assert _same(_rates, _first(_FALL, len(_large))), "where an update is left over, the rates are wrong"
    assert _near(_weights, _trained(3, _large, _rates)), (
        "an update with fewer micro-batches, or with a smaller one, does not follow the mean loss of its images"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The machine is taken away
#
# **It should** be called again and again until the run is over, each time in a new process with a new model. A call goes
# on from the checkpoint in `folder`, if there is one, and else begins the run. It makes updates until `stop` have been
# made in all, writes a checkpoint to `folder`, and returns the model and the rates of the updates that *it* made.
#
# The optimizer is SGD with momentum `MOMENTUM` by PyTorch's rule. (In Keras `lrlib.keras.SGD` has that rule; Keras's own
# differs where the rate changes.) `batches` has a batch for each update of the whole run, in order.
#
# However often it was interrupted, the run must end as one that was not. A model that is handed in has other weights than
# the checkpoint's. A call may find that `stop` updates have been made already; then it makes none. The first call may
# have a `stop` of 0: the run has then begun with the model that was handed in, and the checkpoint says so.
#
# **Its owner says:** "Each morning the loss is up again, and takes an hour to come back."

# %% nbgrader={"grade": false, "grade_id": "owners_part_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def owners_part(model, schedule, batches, folder, stop):
        """Go on with a run until ``stop`` updates have been made."""
        file, made, rates = Path(folder) / "checkpoint.pt", 0, []
        if file.exists():
            saved = torch.load(file)
            model.load_state_dict(saved["model"])
            made = saved["made"]
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
        scheduler = lrlib.torch.Scheduler(optimizer, schedule)
        for x, y in batches[made:stop]:
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            rates += scheduler.get_last_lr()
            optimizer.step()
            scheduler.step()
        torch.save({"model": model.state_dict(), "made": stop}, file)
        return model, rates


# %% nbgrader={"grade": false, "grade_id": "owners_part_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    def owners_part(model, schedule, batches, folder, stop):
        """Go on with a run until ``stop`` updates have been made."""
        file, count, made, rates = Path(folder) / "model.weights.h5", Path(folder) / "made.txt", 0, []
        if file.exists():
            model.load_weights(file)
            made = int(count.read_text())
        optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(schedule), momentum=MOMENTUM)
        for x, y in batches[made:stop]:
            with tf.GradientTape() as tape:
                loss = loss_of(model, x, y)
            rates.append(float(optimizer.learning_rate))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        model.save_weights(file)
        count.write_text(str(stop))
        return model, rates


# %%
with tempfile.TemporaryDirectory() as folder:
    some, owners = batches_of(2 * STOP, MICRO_BATCH), []
    for stop in (STOP, 2 * STOP):
        owners += owners_part(new_model(stop), PLAN, some, folder, stop)[1]
show(owners, [PLAN(t) for t in range(2 * STOP)])


# %% nbgrader={"grade": false, "grade_id": "restart", "locked": false, "schema_version": 3, "solution": true, "task": false}
def part_of_run(model, schedule, batches, folder, stop):
    """Go on with a run until ``stop`` updates have been made; return the model and the rates of this part."""
    ### BEGIN SOLUTION
    rates = []
    if FRAMEWORK == "pytorch":
        file = Path(folder) / "checkpoint.pt"
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=MOMENTUM)
        scheduler = lrlib.torch.Scheduler(optimizer, schedule)
        parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        if file.exists():
            saved = torch.load(file)
            for name, one in parts.items():
                one.load_state_dict(saved[name])
        for x, y in batches[scheduler.last_epoch : stop]:
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        torch.save({name: one.state_dict() for name, one in parts.items()}, file)
        return model, rates
    file = Path(folder) / "checkpoint.npz"
    optimizer = lrlib.keras.SGD(lrlib.keras.Schedule(schedule), momentum=MOMENTUM)
    optimizer.build(model.trainable_variables)
    kept = [*model.variables, *optimizer.variables]  # the optimizer's have its count of updates, and the momentum
    if file.exists():
        with np.load(file) as saved:
            for variable, name in zip(kept, saved.files, strict=True):
                variable.assign(saved[name])
    for x, y in batches[int(optimizer.iterations) : stop]:
        with tf.GradientTape() as tape:
            loss = loss_of(model, x, y)
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    np.savez(file, *map(keras.ops.convert_to_numpy, kept))
    return model, rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "restart_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
with tempfile.TemporaryDirectory() as _folder:
    _some = batches_of(3 * STOP, 8)
    _rates = [part_of_run(new_model(_n), PLAN, _some, _folder, _n * STOP)[1] for _n in (1, 2)]
assert [len(_part) for _part in _rates] == [STOP, STOP], (
    "a part does not make the updates that were left up to its stop"
)
assert np.isclose(_rates[1][0], PLAN(STOP)), "after the restart the rate is not the schedule's at that update"
### BEGIN HIDDEN TESTS


for _schedule, _stop in _STOPPED:
    _, _rates = _in_parts(_schedule, (_stop, 12))
    assert len(_rates[0]) == _stop and len(_rates[1]) == 12 - _stop, "a part does not make the updates that were left"
    assert _same(_rates[0], _first(_schedule, _stop)), "up to the stop the rates are not the schedule's"
    assert _same(np.concatenate(_rates), _first(_schedule, 12)), "after the restart the rates are not the schedule's"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "restart_weights", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
with tempfile.TemporaryDirectory() as _folder:
    _some = batches_of(STOP, 8)
    _kept = [weights_of(part_of_run(new_model(_n), PLAN, _some, _folder, STOP)[0]) for _n in (1, 2)]
assert np.allclose(_kept[0][0], _kept[1][0], atol=1e-5), "a new model does not get the weights of the checkpoint"
### BEGIN HIDDEN TESTS
for _schedule, _stop in _STOPPED:
    _weights, _ = _in_parts(_schedule, (_stop, 12))
    assert _near(_weights, _trained(3, batches_of(12, 8), _first(_schedule, 12), MOMENTUM)), (
        "a run that was interrupted does not end with the weights of one that was not"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "restart_again", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
with tempfile.TemporaryDirectory() as _folder:
    _some = batches_of(STOP, 8)
    _again = [part_of_run(new_model(_n), PLAN, _some, _folder, STOP)[1] for _n in (1, 2)]
assert len(_again[1]) == 0, "where nothing is left to do, updates are made"
### BEGIN HIDDEN TESTS
for _stops in ((2, 5, 9, 12), (4, 4, 12), (0, 7, 12), (*range(1, 13),)):
    _weights, _rates = _in_parts(_MOVING, _stops)
    assert _same(np.concatenate(_rates), _first(_MOVING, 12)), (
        "a run that was interrupted several times has wrong rates"
    )
    assert _near(_weights, _trained(3, batches_of(12, 8), _first(_MOVING, 12), MOMENTUM)), (
        "a run that was interrupted several times ends with other weights"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Mixed precision
#
# In half precision small gradients vanish. So the loss is multiplied by a *scale* before the gradients are taken, and
# they are divided by it afterwards. If a scaled gradient is infinite or NaN, the update is **skipped** and the scale is
# halved; after `growth` updates in a row the scale is doubled. PyTorch's `torch.amp.GradScaler` and Keras's
# `LossScaleOptimizer` do this. Here they run in single precision on the CPU, where a very large scale, or a broken image,
# makes gradients overflow.
#
# **It should** train by plain SGD on `batches`, with loss scaling from `initial_scale` on. The clock of the schedule counts
# updates that were *made*: one that was skipped uses no rate up.
#
# It returns the model and the rates of the updates that were made, in order.
#
# **Its owner says:** "With the scaler it diverges in the first updates now and then. The warm-up seems to be too short."

# %% nbgrader={"grade": false, "grade_id": "owners_scaled_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def owners_scaled(model, schedule, batches, initial_scale, growth):
        """Train with loss scaling."""
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        scheduler = lrlib.torch.Scheduler(optimizer, schedule)
        scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
        rates = []
        for x, y in batches:
            optimizer.zero_grad()
            scaler.scale(loss_of(model, x, y)).backward()
            rates += scheduler.get_last_lr()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
        return model, rates


# %% nbgrader={"grade": false, "grade_id": "owners_scaled_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    def owners_scaled(model, schedule, batches, initial_scale, growth):
        """Train with loss scaling."""
        inner = keras.optimizers.SGD(1.0)
        optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale, dynamic_growth_steps=growth)
        optimizer.build(model.trainable_variables)
        rates = []
        for number, (x, y) in enumerate(batches):
            inner.learning_rate = schedule(number)
            with tf.GradientTape() as tape:
                loss = optimizer.scale_loss(loss_of(model, x, y))
            rates.append(float(inner.learning_rate))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return model, rates


# %% [markdown]
# `with_broken(batches, numbers)` breaks an image in some batches: a pixel of it is infinite. `with_bright(batches,
# numbers)` makes an image so bright that its scaled gradients overflow, though its loss is a finite number.


# %% nbgrader={"grade": false, "grade_id": "broken", "locked": true, "schema_version": 3, "solution": false, "task": false}
def with_broken(batches, numbers):
    """A copy in which the batches of these numbers have an image with an infinite pixel."""
    copied = [(x.copy(), y.copy()) for x, y in batches]
    for number in numbers:
        copied[number][0][0, 20] = np.inf
    return copied


def with_bright(batches, numbers):
    """A copy in which the batches of these numbers have an image, under two labels, that is far too bright."""
    copied = [(x.copy(), y.copy()) for x, y in batches]
    for number in numbers:
        x, y = copied[number]
        x[:2], y[:2] = 1e33, (0, 1)
    return copied


# %%
some = with_broken(batches_of(12, MICRO_BATCH), (0, 1, 2))
_, owners = owners_scaled(new_model(0), PLAN, some, SCALE, GROWTH)
show(owners[3:], [PLAN(t) for t in range(9)])


# %% nbgrader={"grade": false, "grade_id": "scale", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scaled(model, schedule, batches, initial_scale, growth):
    """Train with loss scaling; return the model and the rates of the updates that were made."""
    ### BEGIN SOLUTION
    rates = []
    if FRAMEWORK == "pytorch":
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        scheduler = lrlib.torch.Scheduler(optimizer, schedule)
        scaler = torch.amp.GradScaler("cpu", init_scale=initial_scale, growth_interval=growth)
        for x, y in batches:
            optimizer.zero_grad()
            scaler.scale(loss_of(model, x, y)).backward()
            rate, before = optimizer.param_groups[0]["lr"], scaler.get_scale()
            scaler.step(optimizer)
            scaler.update()
            if scaler.get_scale() >= before:  # it falls where the update was skipped, and only there
                rates.append(rate)
                scheduler.step()
        return model, rates
    inner = keras.optimizers.SGD(lrlib.keras.Schedule(schedule))  # its count leaves out what was skipped
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale, dynamic_growth_steps=growth)
    optimizer.build(model.trainable_variables)
    for x, y in batches:
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(loss_of(model, x, y))
        rate, made = float(inner.learning_rate), int(inner.iterations)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        if int(inner.iterations) > made:
            rates.append(rate)
    return model, rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "scaled_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_, _rates = scaled(new_model(0), PLAN, with_broken(batches_of(6, 8), (0, 1)), SCALE, 100)
assert len(_rates) == 4, "of six updates two are skipped, and four rates are not returned"
assert np.isclose(_rates[0], PLAN(0)), "the first update that is made does not have the first rate"
### BEGIN HIDDEN TESTS
for _case in _SCALED:
    _schedule, _broken, _bright, *_ = _case
    _, _rates = _scaled(*_case)
    _count = 12 - len(_broken) - len(_bright)
    assert len(_rates) == _count, "there is not one rate for each update that was made"
    assert _same(_rates, _first(_schedule, _count)), (
        "the updates that were made do not have the schedule's rates, one after another"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "scaled_weights", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_model, _ = scaled(new_model(0), PLAN, with_broken(batches_of(4, 8), (1,)), SCALE, GROWTH)
assert np.isfinite(weights_of(_model)[0]).all(), "an update with infinite gradients was made"
assert not np.allclose(weights_of(_model)[0], weights_of(new_model(0))[0]), "the model has not been trained"
### BEGIN HIDDEN TESTS
for _case in _SCALED:
    _schedule, _broken, _bright, *_ = _case
    _weights, _ = _scaled(*_case)
    _updates = _spoiled(_broken, _bright)[1]
    assert _near(_weights, _trained(3, _updates, _first(_schedule, len(_updates)))), (
        "the weights at the end are not those of the updates that could be made, at the schedule's rates"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 5. A second stage
#
# **It should** train the head alone for the first `thaw` updates; the body stays as it is. From then on it trains both,
# with SGD and momentum `MOMENTUM` by PyTorch's rule. `batches` has a batch for each update, and `thaw` is 1 or more and at
# most their number.
#
# Head and body each have a schedule. The head's goes through the whole run: update `t` has `head_schedule(t)`. The body's
# begins when the body is thawed: its first update has `body_schedule(0)`. The head keeps its momentum over the thaw, and
# the body begins without any.
#
# It returns the model and a dict with two lists: `"head"`, a rate for each update, and `"body"`, a rate for each update
# from the thaw on.
#
# **Its owner says:** "When the body joins, what the head had learnt is gone."

# %% nbgrader={"grade": false, "grade_id": "owners_stages_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def owners_stages(model, head_schedule, body_schedule, batches, thaw):
        """Train the head, then all."""
        body, head = model[0], model[-1]
        rates = {"head": [], "body": []}
        body.requires_grad_(False)
        optimizer = torch.optim.SGD(head.parameters(), lr=1.0, momentum=MOMENTUM)
        scheduler = lrlib.torch.Scheduler(optimizer, head_schedule)
        for number, (x, y) in enumerate(batches):
            if number == thaw:
                body.requires_grad_(True)
                groups = [{"params": head.parameters()}, {"params": body.parameters()}]
                optimizer = torch.optim.SGD(groups, lr=1.0, momentum=MOMENTUM)
                scheduler = lrlib.torch.Scheduler(optimizer, [head_schedule, body_schedule])
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            for name, group in zip(rates, optimizer.param_groups, strict=False):
                rates[name].append(group["lr"])
            optimizer.step()
            scheduler.step()
        return model, rates


# %% nbgrader={"grade": false, "grade_id": "owners_stages_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    def owners_stages(model, head_schedule, body_schedule, batches, thaw):
        """Train the head, then all; in Keras each part has an optimizer of its own."""
        variables = {"head": model.layers[-1].trainable_variables}
        rates = {"head": [], "body": []}
        optimizers = {"head": lrlib.keras.SGD(lrlib.keras.Schedule(head_schedule), momentum=MOMENTUM)}
        for number, (x, y) in enumerate(batches):
            if number == thaw:
                variables["body"] = model.layers[0].trainable_variables
                for name, schedule in {"head": head_schedule, "body": body_schedule}.items():
                    optimizers[name] = lrlib.keras.SGD(lrlib.keras.Schedule(schedule), momentum=MOMENTUM)
            with tf.GradientTape() as tape:
                loss = loss_of(model, x, y)
            gradients = tape.gradient(loss, variables)
            for name, optimizer in optimizers.items():
                rates[name].append(float(optimizer.learning_rate))
                optimizer.apply(gradients[name], variables[name])
        return model, rates


# %%
_, owners = owners_stages(new_model(0), PLAN, PLAN, batches_of(3 * THAW, MICRO_BATCH), THAW)
show(owners["head"], [PLAN(t) for t in range(3 * THAW)])


# %% nbgrader={"grade": false, "grade_id": "thaw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stages(model, head_schedule, body_schedule, batches, thaw):
    """Train the head, then all; return the model and the rates of head and body."""
    ### BEGIN SOLUTION
    rates = {"head": [], "body": []}
    if FRAMEWORK == "pytorch":
        body, head = model[0], model[-1]
        body.requires_grad_(False)
        optimizer = torch.optim.SGD([{"params": head.parameters(), "name": "head"}], lr=1.0, momentum=MOMENTUM)
        later = lrlib.Constant(0.0).take(thaw).then(body_schedule)  # on the clock of the whole run
        scheduler = lrlib.torch.Scheduler(optimizer, {"head": head_schedule, "body": later})
        for number, (x, y) in enumerate(batches):
            if number == thaw:
                body.requires_grad_(True)
                joining = {"params": body.parameters(), "name": "body", "lr": body_schedule(0)}
                optimizer.add_param_group(joining)  # the head's momentum stays, as the optimizer does
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            for group in optimizer.param_groups:
                rates[group["name"]].append(group["lr"])
            optimizer.step()
            scheduler.step()
        return model, rates
    variables = {"head": model.layers[-1].trainable_variables}
    optimizers = {"head": lrlib.keras.SGD(lrlib.keras.Schedule(head_schedule), momentum=MOMENTUM)}
    for number, (x, y) in enumerate(batches):
        if number == thaw:
            variables["body"] = model.layers[0].trainable_variables
            optimizers["body"] = lrlib.keras.SGD(lrlib.keras.Schedule(body_schedule), momentum=MOMENTUM)
        with tf.GradientTape() as tape:
            loss = loss_of(model, x, y)
        gradients = tape.gradient(loss, variables)
        for name, optimizer in optimizers.items():
            rates[name].append(float(optimizer.learning_rate))
            optimizer.apply(gradients[name], variables[name])
    return model, rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "stages_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_, _rates = stages(new_model(0), PLAN, 0.1 * PLAN, batches_of(2 * THAW, 8), THAW)
assert len(_rates["head"]) == 2 * THAW and len(_rates["body"]) == THAW, "there is not one rate for each update"
assert np.isclose(_rates["head"][THAW], PLAN(THAW)), "after the thaw the head's rate is not its schedule's"
### BEGIN HIDDEN TESTS
for _case in _STAGES:
    _head, _body, _count, _thaw = _case
    _, _rates = _staged(*_case)
    assert _same(_rates["head"], _first(_head, _count)), "the head's rates are not those of its schedule"
    assert len(_rates["body"]) == _count - _thaw, "the body has not one rate for each update from the thaw on"
    assert _same(_rates["body"], _first(_body, _count - _thaw)), (
        "the body's rates are not those of its schedule, from the thaw on"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "stages_weights", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_model, _ = stages(new_model(0), PLAN, 0.1 * PLAN, batches_of(THAW, 8), THAW)
assert np.allclose(weights_of(_model)[0], weights_of(new_model(0))[0]), "the body moves before it is thawed"
assert not np.allclose(weights_of(_model)[2], weights_of(new_model(0))[2]), "the head has not been trained"
### BEGIN HIDDEN TESTS
for _case in _STAGES:
    _head, _body, _count, _thaw = _case
    _weights, _ = _staged(*_case)
    _pairs = [(_body(_t - _thaw) if _t >= _thaw else None, _head(_t)) for _t in range(_count)]
    assert _near(_weights, _trained(3, batches_of(_count, 8), _pairs, MOMENTUM)), (
        "the weights at the end are not those of a head and a body that train as described"
    )
### END HIDDEN TESTS

# %% [markdown]
# ## In your words
#
# A plot of the rates in force shows some of the owner's faults at once. Which of them would *no* such plot have shown,
# and what would you have compared instead to find them? Two or three sentences. No test reads them: they are for your
# teacher, or for a discussion.

# %% [markdown]
# *(Write here.)*
