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
# # The scheduler's bugs
#
# **Goal.** Find the fault in six short training scripts, mend each, and write a test that would have caught it. All six
# faults were found in real code: in tutorials, in a textbook, in a published comparison.
#
# **Time:** 90 minutes. **You need** the chapter *Step decay and reduce-on-plateau on MNIST*. Scripts 1, 3 and 6 use
# PyTorch or Keras, each with a model of one weight. The others need NumPy only.
#
# **What is graded** (20 points): your diagnosis (2), your six mended scripts (6), your six tests (12).
# Tests that you see here are examples. Others are run when the work is graded.
#
# Replace each `raise NotImplementedError()` by your code. Do not change the scripts themselves: copy them.

# %% tags=["parameters"]
# Your teacher may change these numbers, and you are marked by your teacher's. Your code must not rely on their values.
FRAMEWORK = "pytorch"  # or "keras"
EPOCHS, UPDATES_PER_EPOCH = 4, 3  # 2 or more of each
DROP_EPOCHS = 2  # epochs from one drop to the next in script 1; fewer than EPOCHS
FIRST_LR, LAST_LR, GAMMA = 0.1, 0.02, 0.5
EXAMPLES, BATCH_SIZE = 2000, 32  # script 2; the last batch is not full
LOW, HIGH, STEP_SIZE = 0.005, 0.02, 4  # script 4
EPOCH_LENGTH, EVERY = 600, 500  # script 5: updates in an epoch, and from one measurement to the next

# %%
import math
import warnings

import numpy as np

# %% [markdown]
# ## What you do for each script
#
# 1. Read what the script *should* do. Run it, and see what it does.
# 2. **Diagnose.** Choose the fault from the list below, and the lettered line that does the harm. Where two lines stand
#    in the wrong order, either letter is right. Add a sentence in your own words. It is not graded: it is for your
#    teacher, or for a discussion.
# 3. **Mend.** Write `mended_1` (to `mended_6`): the script as it should be. It takes the same arguments, with the same
#    names and in the same order, and returns a dictionary with the same keys.
# 4. **Test.** Write `check_1(script)` (to `check_6`). It calls `script` with arguments of your choice and looks at what
#    comes back. It raises `AssertionError` if the script has the fault, and raises nothing if the script is right.
#
# Use only arguments that the script's text allows.
#
# ## How your tests are graded
#
# Each is run on the faulty script, on other scripts with the same fault, and on right scripts. The other scripts are
# hidden. They take the same arguments and return the same keys, with plain lists and numbers in them.
#
# They are written in other ways than yours. So look at what a script returns, not at how it is written.
#
# Some compute in float32, as Keras does. So compare numbers with a relative tolerance of 1e-5, as `np.isclose` and
# `np.allclose` do.

# %% nbgrader={"grade": false, "grade_id": "faults", "locked": true, "schema_version": 3, "solution": false, "task": false}
FAULTS = {
    "bounds": "A lower and an upper bound are exchanged.",
    "consumed": "An object that keeps count is used up before the training that it is for.",
    "direction": "A number that should grow is watched as one that should fall.",
    "leak": "Test examples take part in a decision about the training.",
    "log": "The training is as it should be, but the log shows other rates.",
    "order": "The schedule moves on before the update that its rate is meant for.",
    "padded": "A sum is divided by more things than were counted into it.",
    "restart": "A schedule that should stay at its last rate rises again.",
    "rounding": "A division of whole numbers loses the fraction.",
    "spacing": "A distance between values is taken for their number, or the reverse.",
    "stale": "A decision rests on a number that was measured too early.",
    "twice": "A decay is applied twice at each step.",
    "units": "A length in epochs is used as a length in updates, or the reverse.",
}

# %% [markdown]
# The next cells hold tools. You need not change them.
#
# `report(check, script, mended)` says what your test thinks of the faulty script and of yours.


# %% nbgrader={"grade": false, "grade_id": "tools", "locked": true, "schema_version": 3, "solution": false, "task": false}
def _verdict(check, script):
    """What a check does with a script: "caught", "passed", or the name of another error."""
    try:
        check(script)
    except AssertionError:
        return "caught"
    except Exception as error:
        return type(error).__name__
    return "passed"


def report(check, script, mended):
    """Print what a check says of a faulty script and of a mended one."""
    print("the faulty script (it should be caught):", _verdict(check, script))
    print("the mended script (it should be passed):", _verdict(check, mended))


def _judge(check, faulty, right):
    """Assert that a check catches and passes what it should; both are scripts by a description."""
    for words, script in faulty.items():
        found = _verdict(check, script)
        assert found in ("caught", "passed"), f"on {words} the check stops with {found} instead of AssertionError"
        assert found == "caught", f"the check does not catch {words}"
    for words, script in right.items():
        found = _verdict(check, script)
        assert found in ("caught", "passed"), f"on a right script, {words}, the check stops with {found}"
        assert found == "passed", f"the check refuses a right script, {words}"


def _same(found, wanted):
    """Whether two sequences of numbers are equal, but for rounding."""
    found, wanted = np.asarray(list(found), float), np.asarray(list(wanted), float)
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-5, atol=1e-9)


def _trained(rates, **more):
    """What a script returns that has trained at these rates."""
    rates = list(rates)
    return {"rates": rates, "weight": float(np.prod([1 - rate for rate in rates])), **more}


def _honest(run):
    """Whether the weight at the end is the one that the rates lead to."""
    return bool(np.isclose(run["weight"], _trained(run["rates"])["weight"], rtol=1e-4))


# %% [markdown]
# Scripts 1, 3 and 6 train a model of one weight, which is 1 at the start. The loss is half the square of the weight, so
# an update at rate *r* multiplies the weight by 1 − *r*.
#
# The optimizer notes in `rates` the rate in force at each update. Those rates and the weight at the end are what the
# scripts return, so you can check the one against the other.

# %% nbgrader={"grade": false, "grade_id": "recorder_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":
    import torch

    torch.set_num_threads(1)
    # PyTorch warns of some faults. Here, as in much real code, nobody sees it.
    warnings.filterwarnings("ignore", message="Detected call of")

    class RecordedSGD(torch.optim.SGD):
        """Plain SGD; ``rates`` has the rate in force at each update made."""

        def __init__(self, weights, lr):
            super().__init__(weights, lr=lr)
            self.rates = []

        def step(self, closure=None):
            self.rates.append(self.param_groups[0]["lr"])
            return super().step(closure)


# %% nbgrader={"grade": false, "grade_id": "recorder_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":
    from lrlib.course import fast_convolutions

    with fast_convolutions():
        import keras

    class RecordedSGD(keras.optimizers.SGD):
        """Plain SGD; ``rates`` has the rate in force at each update made."""

        def __init__(self, learning_rate):
            super().__init__(learning_rate)
            self.rates = []

        def update_step(self, gradient, variable, learning_rate):
            self.rates.append(float(learning_rate))
            super().update_step(gradient, variable, learning_rate)


# %% [markdown]
# ## Script 1
#
# **It should** train for `epochs` epochs of `updates_per_epoch` updates each. The rate is `first_lr` for the first
# `drop_epochs` epochs. It is multiplied by `gamma` after every `drop_epochs` epochs, and stays the same in between.
#
# It returns `rates`, one for each update, and `weight`, the weight at the end.
#
# **Its owner says:** "With one batch an epoch it works. With many it stops learning in the first epoch."
#
# Allowed: whole numbers of 1 or more for the first three arguments, `first_lr` and `gamma` above 0 and below 1.

# %% nbgrader={"grade": false, "grade_id": "script_1_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def script_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
        """Train with a rate that drops every few epochs."""
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)  # A
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, drop_epochs, gamma)  # B
        for _epoch in range(epochs):  # C
            for _update in range(updates_per_epoch):  # D
                optimizer.zero_grad()
                (weight**2 / 2).backward()  # E
                optimizer.step()  # F
                scheduler.step()  # G
        return {"rates": optimizer.rates, "weight": weight.item()}


# %% nbgrader={"grade": false, "grade_id": "script_1_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    def script_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
        """Train with a rate that drops every few epochs."""
        weight = keras.Variable(1.0)
        schedule = keras.optimizers.schedules.ExponentialDecay(first_lr, drop_epochs, gamma, staircase=True)  # A
        optimizer = RecordedSGD(schedule)  # B
        for _epoch in range(epochs):  # C
            for _update in range(updates_per_epoch):  # D
                gradient = keras.ops.convert_to_tensor(weight)  # E (of half the square)
                optimizer.apply([gradient], [weight])  # F
        return {"rates": optimizer.rates, "weight": float(weight)}


# %%
print(np.round(script_1(EPOCHS, UPDATES_PER_EPOCH, DROP_EPOCHS, FIRST_LR, GAMMA)["rates"], 6))

# %% nbgrader={"grade": false, "grade_id": "mended_1", "locked": false, "schema_version": 3, "solution": true, "task": false}
# mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma)
### BEGIN SOLUTION
if FRAMEWORK == "pytorch":

    def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, drop_epochs, gamma)
        for _epoch in range(epochs):
            for _update in range(updates_per_epoch):
                optimizer.zero_grad()
                (weight**2 / 2).backward()
                optimizer.step()
            scheduler.step()  # once an epoch: StepLR counts the calls
        return {"rates": optimizer.rates, "weight": weight.item()}

else:

    def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
        weight = keras.Variable(1.0)
        drop_updates = drop_epochs * updates_per_epoch  # Keras counts updates
        schedule = keras.optimizers.schedules.ExponentialDecay(first_lr, drop_updates, gamma, staircase=True)
        optimizer = RecordedSGD(schedule)
        for _update in range(epochs * updates_per_epoch):
            gradient = keras.ops.convert_to_tensor(weight)
            optimizer.apply([gradient], [weight])
        return {"rates": optimizer.rates, "weight": float(weight)}


### END SOLUTION

# %% [markdown]
# Now the test. In one of the hidden faulty scripts, the fault is the reverse of this one: the rate drops too late.


# %% nbgrader={"grade": false, "grade_id": "check_1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_1(script):
    """Raise AssertionError if ``script`` has the fault of script 1."""
    ### BEGIN SOLUTION
    rates = script(epochs=5, updates_per_epoch=3, drop_epochs=2, first_lr=0.1, gamma=0.5)["rates"]
    by_epoch = [0.1, 0.1, 0.05, 0.05, 0.025]
    assert np.allclose(rates, np.repeat(by_epoch, 3)), "the rate does not drop after every second epoch"
    ### END SOLUTION


# %%
report(check_1, script_1, mended_1)

# %% nbgrader={"grade": true, "grade_id": "mend_1", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_run = mended_1(EPOCHS, UPDATES_PER_EPOCH, DROP_EPOCHS, FIRST_LR, GAMMA)
assert len(_run["rates"]) == EPOCHS * UPDATES_PER_EPOCH, "there is not one rate for each update"
assert np.isclose(_run["rates"][0], FIRST_LR), "the training does not begin at the first rate"
### BEGIN HIDDEN TESTS
for _case in ((EPOCHS, UPDATES_PER_EPOCH, DROP_EPOCHS, FIRST_LR, GAMMA), (5, 4, 2, 0.2, 0.3), (4, 2, 1, 0.05, 0.9)):
    _epochs, _updates, _drop, _first, _gamma = _case
    _run = mended_1(*_case)
    _wanted = np.repeat([_first * _gamma ** (_epoch // _drop) for _epoch in range(_epochs)], _updates)
    assert _same(_run["rates"], _wanted), "the rate does not drop after every drop_epochs epochs, and only then"
    assert _honest(_run), "the weight at the end is not the one that the rates lead to"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_1", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_judge(check_1, {"script_1": script_1}, {})


### BEGIN HIDDEN TESTS
def _early(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    return _trained([first_lr * gamma ** (t // drop_epochs) for t in range(epochs * updates_per_epoch)])


def _late(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    drops = [epoch // (drop_epochs * updates_per_epoch) for epoch in range(epochs)]
    return _trained([first_lr * gamma**drop for drop in drops for _ in range(updates_per_epoch)])


def _right(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    drops = [t // (drop_epochs * updates_per_epoch) for t in range(epochs * updates_per_epoch)]
    return _trained([first_lr * gamma**drop for drop in drops])


def _right32(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    rate, rates = np.float32(first_lr), []
    for epoch in range(epochs):
        rates += [rate] * updates_per_epoch
        if (epoch + 1) % drop_epochs == 0:
            rate = rate * np.float32(gamma)
    return _trained([float(rate) for rate in rates])


_judge(
    check_1,
    {"another script that drops too early": _early, "a script that drops too late": _late},
    {"written as formulas": _right, "in float32": _right32},
)
### END HIDDEN TESTS

# %% [markdown]
# ## Script 2
#
# **It should** find the accuracy of a model, batch by batch. `scores` has a row for each example and a column for each
# class, `labels` the right class of each example. An example is right if its highest score is at its label.
#
# It returns `accuracy`, the number of right examples divided by the number of examples, and `batches`, the number of
# batches. A last batch that is not full is a batch too.
#
# **Its owner says:** "The model has learned the examples by heart, but it does not get to 100 %."
#
# Allowed: NumPy arrays for `scores` and `labels`, with one example or more, and a `batch_size` of 1 or more.


# %% nbgrader={"grade": false, "grade_id": "script_2", "locked": true, "schema_version": 3, "solution": false, "task": false}
def script_2(scores, labels, batch_size):
    """Measure the accuracy, batch by batch."""
    right, batches = 0, 0  # A
    for start in range(0, len(labels), batch_size):  # B
        batch = slice(start, start + batch_size)  # C
        guesses = scores[batch].argmax(axis=1)  # D
        right += int((guesses == labels[batch]).sum())  # E
        batches += 1  # F
    return {"accuracy": right / (batches * batch_size), "batches": batches}  # G


# %%
known = np.arange(EXAMPLES) % 10  # labels, and guesses that are all right
print(script_2(np.eye(10)[known], known, BATCH_SIZE))


# %% nbgrader={"grade": false, "grade_id": "mended_2", "locked": false, "schema_version": 3, "solution": true, "task": false}
# mended_2(scores, labels, batch_size)
### BEGIN SOLUTION
def mended_2(scores, labels, batch_size):
    right, batches = 0, 0
    for start in range(0, len(labels), batch_size):
        batch = slice(start, start + batch_size)
        guesses = scores[batch].argmax(axis=1)
        right += int((guesses == labels[batch]).sum())
        batches += 1
    return {"accuracy": right / len(labels), "batches": batches}


### END SOLUTION

# %% [markdown]
# Now the test. One of the hidden faulty scripts fills the last batch with copies of its last example, and counts them
# like the others. What does such a script say if all examples are right?


# %% nbgrader={"grade": false, "grade_id": "check_2", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_2(script):
    """Raise AssertionError if ``script`` has the fault of script 2."""
    ### BEGIN SOLUTION
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    guesses = np.array([0, 1, 2, 1, 1, 0, 0])  # five of seven are right
    found = script(np.eye(3)[guesses], labels, batch_size=4)["accuracy"]
    assert np.isclose(found, 5 / 7), "the accuracy is not the share of right examples"
    ### END SOLUTION


# %%
report(check_2, script_2, mended_2)

# %% nbgrader={"grade": true, "grade_id": "mend_2", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_labels = np.arange(EXAMPLES) % 10
_run = mended_2(np.eye(10)[_labels], _labels, BATCH_SIZE)
assert _run["batches"] == math.ceil(EXAMPLES / BATCH_SIZE), "batches is not the number of batches"
assert np.isclose(_run["accuracy"], 1), "if all examples are right, the accuracy is not 1"
### BEGIN HIDDEN TESTS
_random = np.random.default_rng(0)
for _number, _size in ((EXAMPLES, BATCH_SIZE), (50, 10), (7, 10), (1, 1), (23, 5), (9, 8)):
    _guesses, _given = _random.integers(3, size=_number), _random.integers(3, size=_number)
    _run = mended_2(np.eye(3)[_guesses], _given, _size)
    assert np.isclose(_run["accuracy"], (_guesses == _given).mean()), "the accuracy is not the share of right examples"
    assert _run["batches"] == math.ceil(_number / _size), "batches is not the number of batches"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_2", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_judge(check_2, {"script_2": script_2}, {})


### BEGIN HIDDEN TESTS
def _padded(scores, labels, batch_size):
    batches = -(-len(labels) // batch_size)
    hits = np.zeros(batches * batch_size)
    hits[: len(labels)] = scores.argmax(1) == labels
    return {"accuracy": float(hits.mean()), "batches": batches}


def _copies(scores, labels, batch_size):
    batches = -(-len(labels) // batch_size)
    places = np.minimum(np.arange(batches * batch_size), len(labels) - 1)
    return {"accuracy": float((scores.argmax(1) == labels)[places].mean()), "batches": batches}


def _right(scores, labels, batch_size):
    return {"accuracy": float((scores.argmax(1) == labels).mean()), "batches": -(-len(labels) // batch_size)}


def _right32(scores, labels, batch_size):
    starts = range(0, len(labels), batch_size)
    hits = [np.float32((scores[s : s + batch_size].argmax(1) == labels[s : s + batch_size]).mean()) for s in starts]
    shares = [np.float32(len(labels[s : s + batch_size]) / len(labels)) for s in starts]
    return {"accuracy": float(np.dot(hits, shares)), "batches": len(starts)}


_judge(
    check_2,
    {"another script that pads": _padded, "a script that pads with copies": _copies},
    {"without batches": _right, "in float32": _right32},
)
### END HIDDEN TESTS

# %% [markdown]
# ## Script 3
#
# **It should** make `updates` updates. The rate falls in a straight line: it is `first_lr` at the first update and
# `last_lr` at the last.
#
# It returns `rates`, one for each update, and `weight`, the weight at the end.
#
# **Its owner says:** "I get other results than the paper, though my settings are the same."
#
# Allowed: a whole number of 2 or more for `updates`, rates above 0 and below 1, `last_lr` below `first_lr`.

# %% nbgrader={"grade": false, "grade_id": "script_3_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def script_3(updates, first_lr, last_lr):
        """Train with a rate that falls in a straight line."""
        last_factor = last_lr / first_lr  # A
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)  # B
        scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, last_factor, total_iters=updates - 1)  # C
        for _update in range(updates):  # D
            optimizer.zero_grad()
            (weight**2 / 2).backward()  # E
            scheduler.step()  # F
            optimizer.step()  # G
        return {"rates": optimizer.rates, "weight": weight.item()}


# %% nbgrader={"grade": false, "grade_id": "script_3_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    def script_3(updates, first_lr, last_lr):
        """Train with a rate that falls in a straight line."""
        weight = keras.Variable(1.0)
        optimizer = RecordedSGD(first_lr)  # A
        schedule = keras.optimizers.schedules.PolynomialDecay(first_lr, updates - 1, last_lr)  # B
        for update in range(updates):  # C
            gradient = keras.ops.convert_to_tensor(weight)  # D (of half the square)
            optimizer.learning_rate = schedule(update + 1)  # E
            optimizer.apply([gradient], [weight])  # F
        return {"rates": optimizer.rates, "weight": float(weight)}


# %%
print(np.round(script_3(EPOCHS * UPDATES_PER_EPOCH, FIRST_LR, LAST_LR)["rates"], 6))

# %% nbgrader={"grade": false, "grade_id": "mended_3", "locked": false, "schema_version": 3, "solution": true, "task": false}
# mended_3(updates, first_lr, last_lr)
### BEGIN SOLUTION
if FRAMEWORK == "pytorch":

    def mended_3(updates, first_lr, last_lr):
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)
        scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, last_lr / first_lr, total_iters=updates - 1)
        for _update in range(updates):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
            scheduler.step()  # after the update
        return {"rates": optimizer.rates, "weight": weight.item()}

else:

    def mended_3(updates, first_lr, last_lr):
        weight = keras.Variable(1.0)
        optimizer = RecordedSGD(first_lr)
        schedule = keras.optimizers.schedules.PolynomialDecay(first_lr, updates - 1, last_lr)
        for update in range(updates):
            optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
            optimizer.learning_rate = schedule(update + 1)  # for the next update
        return {"rates": optimizer.rates, "weight": float(weight)}


### END SOLUTION

# %% [markdown]
# Now the test. The hidden faulty scripts miss the same rate as this one, but the rest of their line may differ.


# %% nbgrader={"grade": false, "grade_id": "check_3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_3(script):
    """Raise AssertionError if ``script`` has the fault of script 3."""
    ### BEGIN SOLUTION
    rates = script(updates=5, first_lr=0.5, last_lr=0.1)["rates"]
    assert np.allclose(rates, [0.5, 0.4, 0.3, 0.2, 0.1]), "the rates are not the line from the first to the last"
    ### END SOLUTION


# %%
report(check_3, script_3, mended_3)

# %% nbgrader={"grade": true, "grade_id": "mend_3", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_run = mended_3(EPOCHS * UPDATES_PER_EPOCH, FIRST_LR, LAST_LR)
assert len(_run["rates"]) == EPOCHS * UPDATES_PER_EPOCH, "there is not one rate for each update"
assert np.isclose(_run["rates"][-1], LAST_LR), "the last update is not made at the last rate"
### BEGIN HIDDEN TESTS
for _case in ((EPOCHS * UPDATES_PER_EPOCH, FIRST_LR, LAST_LR), (2, 0.3, 0.2), (9, 0.08, 0.001)):
    _updates, _first, _last = _case
    _run = mended_3(*_case)
    assert _same(_run["rates"], np.linspace(_first, _last, _updates)), (
        "the rates are not a straight line from the first, at the first update, to the last, at the last update"
    )
    assert _honest(_run), "the weight at the end is not the one that the rates lead to: were they used in training?"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_3", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_judge(check_3, {"script_3": script_3}, {})


### BEGIN HIDDEN TESTS
def _held(updates, first_lr, last_lr):
    line = np.linspace(first_lr, last_lr, updates)
    return _trained([*line[1:].tolist(), last_lr])


def _squeezed(updates, first_lr, last_lr):
    slope = (last_lr - first_lr) / updates
    return _trained([first_lr + slope * (t + 1) for t in range(updates)])


def _right(updates, first_lr, last_lr):
    shares = [t / (updates - 1) for t in range(updates)]
    return _trained([first_lr * (1 - share) + last_lr * share for share in shares])


def _right32(updates, first_lr, last_lr):
    return _trained(np.linspace(first_lr, last_lr, updates, dtype=np.float32).astype(float).tolist())


_judge(
    check_3,
    {"another script that misses this rate": _held, "a script with this fault and another slope": _squeezed},
    {"written as a formula": _right, "in float32": _right32},
)
### END HIDDEN TESTS

# %% [markdown]
# ## Diagnosis of scripts 1 to 3
#
# Give each a fault from `FAULTS`, the letter of the line that does the harm, and a sentence (not graded).

# %% nbgrader={"grade": false, "grade_id": "diagnosis_1_to_3", "locked": false, "schema_version": 3, "solution": true, "task": false}
# fault_1 = "a name from FAULTS"; line_1 = "a letter"; sentence_1 = "in your words"; and so on, to 3
### BEGIN SOLUTION
fault_1, line_1 = "units", {"pytorch": "G", "keras": "A"}[FRAMEWORK]
sentence_1 = "The number of epochs from drop to drop is used as a number of updates."
fault_2, line_2 = "padded", "G"
sentence_2 = "The last batch is not full, but it is counted as full."
fault_3, line_3 = "order", {"pytorch": "F", "keras": "E"}[FRAMEWORK]
sentence_3 = "The rate of the second update is in force at the first."
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "diagnosis_a", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert {fault_1, fault_2, fault_3} <= set(FAULTS), "a fault is not a name from the list"
assert all(len(_line) == 1 for _line in (line_1, line_2, line_3)), "a line is not one letter"
### BEGIN HIDDEN TESTS
_lines = {"pytorch": ("BG", "G", "FG"), "keras": ("A", "G", "EF")}[FRAMEWORK]
assert (fault_1, fault_2, fault_3) == ("units", "padded", "order"), "a fault is not the one that the script has"
assert all(_line.upper() in _accepted for _line, _accepted in zip((line_1, line_2, line_3), _lines, strict=True)), (
    "a line is not the one that does the harm"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Script 4
#
# **It should** give the rates of the triangular policy for `updates` updates. The rate is `low` at update 0. It rises
# in a straight line and is `high` at update `step_size`. It falls in a straight line and is `low` again at update
# `2 * step_size`. Then it begins again.
#
# It returns `rates`, one for each update.
#
# **Its owner says:** "The cyclical run gives exactly the same curve as a run at a constant rate."
#
# Allowed: whole numbers of 1 or more for `updates` and `step_size`, and `low` and `high` with
# 0 < `low` < `high` < 1.


# %% nbgrader={"grade": false, "grade_id": "script_4", "locked": true, "schema_version": 3, "solution": false, "task": false}
def script_4(updates, low, high, step_size):
    """The rates of the triangular policy."""
    rising = np.arange(low, high, step_size)  # A
    falling = rising[-2:0:-1]  # B (without the two ends)
    cycle = np.concatenate([rising, falling])  # C
    places = np.arange(updates) % len(cycle)  # D
    return {"rates": cycle[places].tolist()}  # E


# %%
print(np.round(script_4(3 * STEP_SIZE, LOW, HIGH, STEP_SIZE)["rates"], 6))


# %% nbgrader={"grade": false, "grade_id": "mended_4", "locked": false, "schema_version": 3, "solution": true, "task": false}
# mended_4(updates, low, high, step_size)
### BEGIN SOLUTION
def mended_4(updates, low, high, step_size):
    rising = np.linspace(low, high, step_size + 1)  # both ends belong to it
    falling = rising[-2:0:-1]
    cycle = np.concatenate([rising, falling])
    places = np.arange(updates) % len(cycle)
    return {"rates": cycle[places].tolist()}


### END SOLUTION

# %% [markdown]
# Now the test. In one of the hidden faulty scripts the rate does change, but it takes two values only.


# %% nbgrader={"grade": false, "grade_id": "check_4", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_4(script):
    """Raise AssertionError if ``script`` has the fault of script 4."""
    ### BEGIN SOLUTION
    rates = script(updates=10, low=0.1, high=0.5, step_size=4)["rates"]
    wanted = [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2, 0.1, 0.2]
    assert np.allclose(rates, wanted), "the rates are no triangle"
    ### END SOLUTION


# %%
report(check_4, script_4, mended_4)

# %% nbgrader={"grade": true, "grade_id": "mend_4", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_rates = mended_4(3 * STEP_SIZE, LOW, HIGH, STEP_SIZE)["rates"]
assert len(_rates) == 3 * STEP_SIZE, "there is not one rate for each update"
assert np.isclose(_rates[0], LOW), "the first rate is not the lower bound"
### BEGIN HIDDEN TESTS
for _case in ((7 * STEP_SIZE + 1, LOW, HIGH, STEP_SIZE), (40, 0.001, 0.006, 7), (5, 0.1, 0.3, 1), (3, 0.1, 0.9, 50)):
    _updates, _low, _high, _step = _case
    _shares = [1 - abs(_t / _step % 2 - 1) for _t in range(_updates)]
    assert _same(mended_4(*_case)["rates"], [_low + (_high - _low) * _share for _share in _shares]), (
        "the rates are not a triangle that takes step_size updates to rise and as many to fall"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_4", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_judge(check_4, {"script_4": script_4}, {})


### BEGIN HIDDEN TESTS
def _flat(updates, low, high, step_size):
    rising = np.linspace(low, high, max(1, round((high - low) / step_size)))
    return {"rates": [float(rising[t % len(rising)]) for t in range(updates)]}


def _flips(updates, low, high, step_size):
    cycle = np.concatenate([np.arange(low, high, step_size), np.arange(high, low, -step_size)])
    return {"rates": np.resize(cycle, updates).tolist()}


def _right(updates, low, high, step_size):
    x = np.abs(np.arange(updates) / step_size % 2 - 1)
    return {"rates": (low + (high - low) * (1 - x)).tolist()}


def _right32(updates, low, high, step_size):
    ends = np.arange(0, updates + 2 * step_size, step_size)
    rates = np.interp(np.arange(updates), ends, np.resize([low, high], len(ends)))
    return {"rates": rates.astype(np.float32).astype(float).tolist()}


_judge(
    check_4,
    {"another script with a flat cycle": _flat, "a script that takes two values only": _flips},
    {"written as a formula": _right, "in float32": _right32},
)
### END HIDDEN TESTS

# %% [markdown]
# ## Script 5
#
# **It should** train for `epochs` epochs of `updates_per_epoch` updates each, and lower the rate on a plateau. When an
# epoch ends, the accuracy after its last update is compared with the best so far. The first is always a new best.
#
# If it is higher than the best, it becomes the best. If not, the epoch is bad. After more than `patience` bad epochs
# since the last new best or the last cut, the rate is multiplied by `factor`, from the next epoch on.
#
# The model is made up: `accuracy_at(made)` gives its accuracy when `made` updates have been made, for 1, 2, 3 and so
# on. A script may ask it as often as it likes.
#
# It returns `rates`, one for each epoch, and `log`: the pairs (updates made, accuracy) at every multiple of `every`
# updates, in order, and nothing else. The log is as it should be.
#
# **Its owner says:** "It cuts the rate, though the accuracy at the end of each epoch is still rising."
#
# Allowed: a function for `accuracy_at` that gives a number from 0 to 1, whole numbers of 1 or more for the next three
# arguments, `first_lr` and `factor` above 0 and below 1, a whole number of 0 or more for `patience`.


# %% nbgrader={"grade": false, "grade_id": "script_5", "locked": true, "schema_version": 3, "solution": false, "task": false}
def script_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
    """Lower the rate when the accuracy no longer rises."""
    rate, best, bad = first_lr, -math.inf, 0  # A
    rates, log, made = [], [], 0
    for _epoch in range(epochs):
        rates.append(rate)  # B
        for _update in range(updates_per_epoch):
            made += 1  # here the model would be updated
            if made % every == 0:  # C
                log.append((made, accuracy_at(made)))  # D
        accuracy = log[-1][1] if log else 0.0  # E
        if accuracy > best:  # F
            best, bad = accuracy, 0
        else:
            bad += 1
        if bad > patience:  # G
            rate, bad = rate * factor, 0  # H
    return {"rates": rates, "log": log}


def climbing(made):
    """An accuracy that is higher at the end of each epoch, and low in between."""
    return 0.5 if made % EPOCH_LENGTH else min(0.5 + 0.05 * (made // EPOCH_LENGTH), 1.0)


# %%
print(script_5(climbing, 8, EPOCH_LENGTH, EVERY, 0.1, 0.5, 1)["rates"])


# %% nbgrader={"grade": false, "grade_id": "mended_5", "locked": false, "schema_version": 3, "solution": true, "task": false}
# mended_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience)
### BEGIN SOLUTION
def mended_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
    rate, best, bad = first_lr, -math.inf, 0
    rates, log, made = [], [], 0
    for _epoch in range(epochs):
        rates.append(rate)
        for _update in range(updates_per_epoch):
            made += 1
            if made % every == 0:
                log.append((made, accuracy_at(made)))
        accuracy = accuracy_at(made)  # measured now
        if accuracy > best:
            best, bad = accuracy, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return {"rates": rates, "log": log}


### END SOLUTION

# %% [markdown]
# Now the test. The hidden faulty scripts measure at other moments within an epoch. So choose accuracies for which *no*
# earlier number gives the right rates. Among the right scripts is one that asks `accuracy_at` after every update.


# %% nbgrader={"grade": false, "grade_id": "check_5", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_5(script):
    """Raise AssertionError if ``script`` has the fault of script 5."""

    ### BEGIN SOLUTION
    def accuracy_at(made):
        """Higher at the end of each epoch; 0 whenever else it is measured."""
        return made / 1000 if made % 6 == 0 else 0.0

    rates = script(accuracy_at, 6, updates_per_epoch=6, every=4, first_lr=0.1, factor=0.5, patience=0)["rates"]
    assert np.allclose(rates, 0.1), "the rate is cut though the accuracy is higher at the end of each epoch"
    ### END SOLUTION


# %%
report(check_5, script_5, mended_5)

# %% nbgrader={"grade": true, "grade_id": "mend_5", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_run = mended_5(climbing, 8, EPOCH_LENGTH, EVERY, 0.1, 0.5, 1)
assert len(_run["rates"]) == 8, "there is not one rate for each epoch"
assert np.isclose(_run["rates"][0], 0.1), "the first epoch is not trained at the first rate"


### BEGIN HIDDEN TESTS
def _plateau(metrics, rate, factor, patience):
    """The rates of the epochs by the accuracies at their ends."""
    rates, best, bad = [], -1.0, 0
    for metric in metrics:
        rates.append(rate)
        bad = 0 if metric > best else bad + 1
        best = max(best, metric)
        if bad > patience:
            rate, bad = rate * factor, 0
    return rates


_random = np.random.default_rng(0)
for _length, _every, _patience in ((EPOCH_LENGTH, EVERY, 1), (6, 4, 0), (6, 3, 2), (5, 1, 1), (4, 9, 0), (7, 7, 1)):
    for _epochs in (8, 15):
        _values = np.round(_random.random(_epochs * _length + 1), 2)
        _run = mended_5(lambda made, values=_values: values[made], _epochs, _length, _every, 0.1, 0.5, _patience)
        _wanted = _plateau(_values[_length::_length], 0.1, 0.5, _patience)
        assert _same(_run["rates"], _wanted), "the rates do not follow the accuracy after each epoch's last update"
        _logged = [(_made, _values[_made]) for _made in range(_every, _epochs * _length + 1, _every)]
        assert len(_run["log"]) == len(_logged) and _same(np.ravel(_run["log"]), np.ravel(_logged)), (
            "the log does not have the accuracy at each multiple of `every` updates, and nothing else"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_5", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_judge(check_5, {"script_5": script_5}, {})


### BEGIN HIDDEN TESTS
def _script(moment):
    """A script that judges by what it last measured; ``moment(made, length, every)`` is when it does so, or 0."""

    def script(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
        rates, log, accuracy, best, cuts, last = [first_lr], [], 0.0, -1.0, 0, 0
        for made in range(1, epochs * updates_per_epoch + 1):
            if made % every == 0:
                log.append((made, accuracy_at(made)))
            if moment(made, updates_per_epoch, every):
                accuracy = accuracy_at(moment(made, updates_per_epoch, every))
            epoch, place = divmod(made, updates_per_epoch)
            if place == 0:
                if accuracy > best:
                    best, last = accuracy, epoch
                elif epoch - last > patience:
                    cuts, last = cuts + 1, epoch
                rates.append(first_lr * factor**cuts)
        return {"rates": rates[:epochs], "log": log}

    return script


_log = _script(lambda made, length, every: 0 if made % every else made)
_anew = _script(lambda made, length, every: 0 if ((made - 1) % length + 1) % every else made)
_before = _script(lambda made, length, every: 0 if (made - 1) % every else made - 1)
_right = _script(lambda made, length, every: 0 if made % length else made)
_asks = _script(lambda made, length, every: made)
_judge(
    check_5,
    {
        "another script that takes the log's last number": _log,
        "a script that counts anew in each epoch": _anew,
        "a script that measures before an update instead of after it": _before,
    },
    {"written in another way": _right, "one that measures after every update": _asks},
)
### END HIDDEN TESTS

# %% [markdown]
# ## Script 6
#
# **It should** train for `epochs` epochs of `updates_per_epoch` updates each. The rate is `first_lr` in the first epoch
# and is multiplied by `gamma` after each epoch. Before the training, the script lists those rates, one for each epoch,
# for a figure.
#
# It returns `drawn`, the rates for the figure, `rates`, one for each update, and `weight`, the weight at the end.
#
# **Its owner says:** "The figure looks right. The training hardly moves. Without the figure it works."
#
# Allowed: a whole number of 2 or more for `epochs` and of 1 or more for `updates_per_epoch`, `first_lr` and `gamma`
# above 0 and below 1.

# %% nbgrader={"grade": false, "grade_id": "script_6_pytorch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["pytorch"]
if FRAMEWORK == "pytorch":

    def script_6(epochs, updates_per_epoch, first_lr, gamma):
        """Draw the schedule, then train with it."""
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)  # A
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)  # B
        drawn = []
        for _epoch in range(epochs):
            drawn.append(scheduler.get_last_lr()[0])  # C
            scheduler.step()  # D
        for _epoch in range(epochs):
            for _update in range(updates_per_epoch):
                optimizer.zero_grad()
                (weight**2 / 2).backward()  # E
                optimizer.step()  # F
            scheduler.step()  # G
        return {"drawn": drawn, "rates": optimizer.rates, "weight": weight.item()}


# %% nbgrader={"grade": false, "grade_id": "script_6_keras", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["keras"]
if FRAMEWORK == "keras":

    class Factor:
        """A rate for each epoch, each ``gamma`` times the one before."""

        def __init__(self, first_lr, gamma):
            self.rate, self.gamma = first_lr, gamma

        def __call__(self, epoch):
            rate = self.rate
            self.rate = rate * self.gamma
            return rate

    def script_6(epochs, updates_per_epoch, first_lr, gamma):
        """Draw the schedule, then train with it."""
        weight = keras.Variable(1.0)
        optimizer = RecordedSGD(first_lr)  # A
        schedule = Factor(first_lr, gamma)  # B
        drawn = [schedule(epoch) for epoch in range(epochs)]  # C
        for epoch in range(epochs):  # D
            optimizer.learning_rate = schedule(epoch)  # E
            for _update in range(updates_per_epoch):
                gradient = keras.ops.convert_to_tensor(weight)  # F (of half the square)
                optimizer.apply([gradient], [weight])  # G
        return {"drawn": drawn, "rates": optimizer.rates, "weight": float(weight)}


# %%
_run = script_6(EPOCHS, UPDATES_PER_EPOCH, FIRST_LR, GAMMA)
print("drawn:", np.round(_run["drawn"], 6))
print("rates:", np.round(_run["rates"], 6))

# %% nbgrader={"grade": false, "grade_id": "mended_6", "locked": false, "schema_version": 3, "solution": true, "task": false}
# mended_6(epochs, updates_per_epoch, first_lr, gamma)
### BEGIN SOLUTION
if FRAMEWORK == "pytorch":

    def mended_6(epochs, updates_per_epoch, first_lr, gamma):
        def begin():
            """A scheduler changes its optimizer, so the figure needs both anew."""
            weight = torch.nn.Parameter(torch.ones(()))
            optimizer = RecordedSGD([weight], lr=first_lr)
            return weight, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)

        _, _, scheduler = begin()
        drawn = []
        for _epoch in range(epochs):
            drawn.append(scheduler.get_last_lr()[0])
            scheduler.step()
        weight, optimizer, scheduler = begin()
        for _epoch in range(epochs):
            for _update in range(updates_per_epoch):
                optimizer.zero_grad()
                (weight**2 / 2).backward()
                optimizer.step()
            scheduler.step()
        return {"drawn": drawn, "rates": optimizer.rates, "weight": weight.item()}

else:

    def mended_6(epochs, updates_per_epoch, first_lr, gamma):
        weight = keras.Variable(1.0)
        optimizer = RecordedSGD(first_lr)
        for_figure, for_training = Factor(first_lr, gamma), Factor(first_lr, gamma)
        drawn = [for_figure(epoch) for epoch in range(epochs)]
        for epoch in range(epochs):
            optimizer.learning_rate = for_training(epoch)
            for _update in range(updates_per_epoch):
                optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
        return {"drawn": drawn, "rates": optimizer.rates, "weight": float(weight)}


### END SOLUTION

# %% [markdown]
# Now the test. In one of the hidden faulty scripts the optimizer has been set back for the first epoch, but the
# schedule goes on from where the figure left it.


# %% nbgrader={"grade": false, "grade_id": "check_6", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_6(script):
    """Raise AssertionError if ``script`` has the fault of script 6."""
    ### BEGIN SOLUTION
    run = script(epochs=3, updates_per_epoch=2, first_lr=0.4, gamma=0.5)
    assert np.allclose(run["drawn"], [0.4, 0.2, 0.1]), "the figure does not show the schedule"
    assert np.allclose(run["rates"], np.repeat(run["drawn"], 2)), "the training has other rates than the figure"
    ### END SOLUTION


# %%
report(check_6, script_6, mended_6)

# %% nbgrader={"grade": true, "grade_id": "mend_6", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_run = mended_6(EPOCHS, UPDATES_PER_EPOCH, FIRST_LR, GAMMA)
assert len(_run["rates"]) == EPOCHS * UPDATES_PER_EPOCH, "there is not one rate for each update"
assert len(_run["drawn"]) == EPOCHS, "there is not one rate for each epoch in the figure"
### BEGIN HIDDEN TESTS
for _case in ((EPOCHS, UPDATES_PER_EPOCH, FIRST_LR, GAMMA), (3, 4, 0.2, 0.9), (2, 1, 0.05, 0.1)):
    _epochs, _updates, _first, _gamma = _case
    _run = mended_6(*_case)
    _wanted = _first * _gamma ** np.arange(_epochs)
    assert _same(_run["drawn"], _wanted), "the figure does not show the schedule"
    assert _same(_run["rates"], np.repeat(_wanted, _updates)), "the training does not follow the schedule"
    assert _honest(_run), "the weight at the end is not the one that the rates lead to"
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_6", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_judge(check_6, {"script_6": script_6}, {})


### BEGIN HIDDEN TESTS
def _script(powers, kind=float):
    """A script whose rate in each epoch is ``gamma`` to the power that ``powers(epoch, epochs)`` gives."""

    def script(epochs, updates_per_epoch, first_lr, gamma):
        drawn = [float(kind(first_lr * gamma**epoch)) for epoch in range(epochs)]
        rates = [float(kind(first_lr * gamma ** powers(epoch, epochs))) for epoch in range(epochs)]
        return _trained([rate for rate in rates for _ in range(updates_per_epoch)], drawn=drawn)

    return script


_judge(
    check_6,
    {
        "another script that trains with what the figure left": _script(lambda epoch, epochs: epochs + epoch),
        "a script whose figure takes one rate away": _script(lambda epoch, epochs: epoch + 1),
        "a script that is right in the first epoch only": _script(lambda epoch, epochs: epoch and epochs + epoch),
    },
    {
        "written as a formula": _script(lambda epoch, epochs: epoch),
        "in float32": _script(lambda epoch, epochs: epoch, np.float32),
    },
)
### END HIDDEN TESTS

# %% [markdown]
# ## Diagnosis of scripts 4 to 6
#
# As before: the fault, the letter, and a sentence (not graded).

# %% nbgrader={"grade": false, "grade_id": "diagnosis_4_to_6", "locked": false, "schema_version": 3, "solution": true, "task": false}
# fault_4 = "a name from FAULTS"; line_4 = "a letter"; sentence_4 = "in your words"; and so on, to 6
### BEGIN SOLUTION
fault_4, line_4 = "spacing", "A"
sentence_4 = "The number of steps is given as the step, so that one value is left."
fault_5, line_5 = "stale", "E"
sentence_5 = "The accuracy that is judged is from up to `every` - 1 updates before the end of the epoch."
fault_6, line_6 = "consumed", {"pytorch": "D", "keras": "C"}[FRAMEWORK]
sentence_6 = "Drawing the schedule moves it on, and the training goes on from there."
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "diagnosis_b", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert {fault_4, fault_5, fault_6} <= set(FAULTS), "a fault is not a name from the list"
assert all(len(_line) == 1 for _line in (line_4, line_5, line_6)), "a line is not one letter"
### BEGIN HIDDEN TESTS
_lines = {"pytorch": ("A", "E", "D"), "keras": ("A", "E", "CE")}[FRAMEWORK]
assert (fault_4, fault_5, fault_6) == ("spacing", "stale", "consumed"), "a fault is not the one that the script has"
assert all(_line.upper() in _accepted for _line, _accepted in zip((line_4, line_5, line_6), _lines, strict=True)), (
    "a line is not the one that does the harm"
)
### END HIDDEN TESTS

# %% [markdown]
# ## For yourself
#
# Two of the six faults disappear if the optimizer itself asks a schedule for the rate, with its own count of updates, so
# that the loop neither steps nor sets a rate. Which two, and why does the fault of script 1 stay possible? And which of
# the other four would one look at a plot of the rates in force have shown?
