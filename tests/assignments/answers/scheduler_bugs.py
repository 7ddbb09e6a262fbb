# Answers to the assignment scheduler_bugs: see tests/assignments/harness.py for the form.

# %% parameters
EPOCHS, UPDATES_PER_EPOCH = 5, 2
DROP_EPOCHS = 1
FIRST_LR, LAST_LR, GAMMA = 0.4, 0.001, 0.8
EXAMPLES, BATCH_SIZE = 130, 50
LOW, HIGH, STEP_SIZE = 0.05, 0.3, 7
EPOCH_LENGTH, EVERY = 7, 4

# %% wrong: a smooth decay in place of drops; in: mended_1; caught by: mend_1
def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    updates = epochs * updates_per_epoch
    share = 1 / (drop_epochs * updates_per_epoch)
    if FRAMEWORK == "pytorch":
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma**share)
        for _ in range(updates):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
            scheduler.step()
        return {"rates": optimizer.rates, "weight": weight.item()}
    weight = keras.Variable(1.0)
    optimizer = RecordedSGD(keras.optimizers.schedules.ExponentialDecay(first_lr, 1 / share, gamma))
    for _ in range(updates):
        optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
    return {"rates": optimizer.rates, "weight": float(weight)}

# %% wrong: mends both places, so the drops come too late; in: mended_1; caught by: mend_1
def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = RecordedSGD([weight], lr=first_lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, drop_epochs * updates_per_epoch, gamma)
    for _epoch in range(epochs):
        for _update in range(updates_per_epoch):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
        scheduler.step()
    return {"rates": optimizer.rates, "weight": weight.item()}

# %% wrong: steps once an epoch, but at its beginning; in: mended_1; caught by: mend_1
def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = RecordedSGD([weight], lr=first_lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, drop_epochs, gamma)
    for _epoch in range(epochs):
        scheduler.step()
        for _update in range(updates_per_epoch):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
    return {"rates": optimizer.rates, "weight": weight.item()}

# %% wrong: cuts where the epoch's number divides, as callbacks for Keras do, and so at once; in: mended_1; with: keras; caught by: mend_1
def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    weight = keras.Variable(1.0)
    optimizer = RecordedSGD(first_lr)
    for epoch in range(epochs):
        if epoch % drop_epochs == 0:
            optimizer.learning_rate = optimizer.learning_rate * gamma
        for _update in range(updates_per_epoch):
            optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
    return {"rates": optimizer.rates, "weight": float(weight)}

# %% wrong: looks at the first epoch only; in: check_1; caught by: judge_1
def check_1(script):
    rates = script(4, 5, 2, 0.1, 0.5)["rates"]
    assert np.allclose(rates[:5], 0.1)

# %% wrong: knows the faulty script by its name; in: check_1; caught by: judge_1
def check_1(script):
    assert script is not script_1 and "script" not in script.__name__

# %% wrong: one update an epoch, where the units are the same; in: check_1; caught by: judge_1
def check_1(script):
    assert np.allclose(script(4, 1, 2, 0.1, 0.5)["rates"], [0.1, 0.1, 0.05, 0.05])

# %% wrong: leaves the last batch out; in: mended_2; caught by: mend_2
def mended_2(scores, labels, batch_size):
    right, batches = 0, 0
    for start in range(0, len(labels) - batch_size + 1, batch_size):
        batch = slice(start, start + batch_size)
        right += int((scores[batch].argmax(axis=1) == labels[batch]).sum())
        batches += 1
    return {"accuracy": right / (batches * batch_size), "batches": batches}

# %% wrong: the mean of the batches' accuracies; in: mended_2; caught by: mend_2
def mended_2(scores, labels, batch_size):
    shares = []
    for start in range(0, len(labels), batch_size):
        batch = slice(start, start + batch_size)
        shares.append((scores[batch].argmax(axis=1) == labels[batch]).mean())
    return {"accuracy": np.mean(shares), "batches": len(shares)}

# %% wrong: all examples are right; in: check_2; caught by: judge_2
def check_2(script):
    labels = np.arange(10) % 3
    assert np.isclose(script(np.eye(3)[labels], labels, 4)["accuracy"], 1)

# %% wrong: returns the answer instead of asserting it; in: check_2; caught by: judge_2
def check_2(script):
    labels = np.array([0, 1, 1, 0, 2])
    return np.isclose(script(np.eye(3)[[0, 1, 2, 0, 1]], labels, 2)["accuracy"], 3 / 5)

# %% wrong: batches that come out even; in: check_2; caught by: judge_2
def check_2(script):
    labels = np.array([0, 1, 1, 0])
    assert script(np.eye(3)[[0, 1, 2, 0]], labels, 2)["accuracy"] == 3 / 4

# %% wrong: mends the log and not the training; in: mended_3; caught by: mend_3
def mended_3(updates, first_lr, last_lr):
    run = script_3(updates, first_lr, last_lr)
    return {"rates": [first_lr, *run["rates"][:-1]], "weight": run["weight"]}

# %% wrong: begins right but does not reach the last rate; in: mended_3; caught by: mend_3
def mended_3(updates, first_lr, last_lr):
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = RecordedSGD([weight], lr=first_lr)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, last_lr / first_lr, total_iters=updates)
    for _ in range(updates):
        optimizer.zero_grad()
        (weight**2 / 2).backward()
        optimizer.step()
        scheduler.step()
    return {"rates": optimizer.rates, "weight": weight.item()}

# %% wrong: leaves it to Keras, over one update too many; in: mended_3; with: keras; caught by: mend_3
def mended_3(updates, first_lr, last_lr):
    weight = keras.Variable(1.0)
    optimizer = RecordedSGD(keras.optimizers.schedules.PolynomialDecay(first_lr, updates, last_lr))
    for _update in range(updates):
        optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
    return {"rates": optimizer.rates, "weight": float(weight)}

# %% wrong: compares floats exactly; in: check_3; caught by: judge_3
def check_3(script):
    assert script(5, 0.1, 0.02)["rates"][0] == 0.1

# %% wrong: refuses everything; in: check_3; caught by: judge_3
def check_3(script):
    raise AssertionError("the rates are wrong")

# %% wrong: looks whether the rate falls; in: check_3; caught by: judge_3
def check_3(script):
    rates = script(8, 0.1, 0.02)["rates"]
    assert all(before > after for before, after in zip(rates, rates[1:]))

# %% wrong: takes the order for the units; in: diagnosis_1_to_3; caught by: diagnosis_a
fault_1, line_1, sentence_1 = "order", "G", ""
fault_2, line_2, sentence_2 = "padded", "G", ""
fault_3, line_3, sentence_3 = "order", "F", ""

# %% wrong: blames the count of batches; in: diagnosis_1_to_3; caught by: diagnosis_a
fault_1, line_1, sentence_1 = "units", "G", ""
fault_2, line_2, sentence_2 = "padded", "F", ""
fault_3, line_3, sentence_3 = "order", "F", ""

# %% wrong: one value too few on the way up; in: mended_4; caught by: mend_4
def mended_4(updates, low, high, step_size):
    rising = np.linspace(low, high, step_size)
    cycle = np.concatenate([rising, rising[-2:0:-1]])
    return {"rates": cycle[np.arange(updates) % len(cycle)].tolist()}

# %% wrong: arange with the right step leaves out the peak; in: mended_4; caught by: mend_4
def mended_4(updates, low, high, step_size):
    step = (high - low) / step_size
    rising = low + step * np.arange(0, step_size)
    cycle = np.concatenate([rising, rising[::-1]])
    return {"rates": cycle[np.arange(updates) % len(cycle)].tolist()}

# %% wrong: looks whether the rate changes at all; in: check_4; caught by: judge_4
def check_4(script):
    assert len(set(script(20, 0.1, 0.5, 4)["rates"])) > 1

# %% wrong: looks for the two bounds; in: check_4; caught by: judge_4
def check_4(script):
    rates = script(20, 0.1, 0.5, 4)["rates"]
    assert np.isclose(min(rates), 0.1) and np.isclose(max(rates), 0.5)

# %% wrong: measures at the ends of epochs only; in: mended_5; caught by: mend_5
def mended_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
    return script_5(accuracy_at, epochs, updates_per_epoch, updates_per_epoch, first_lr, factor, patience)

# %% wrong: judges the epoch before; in: mended_5; caught by: mend_5
def mended_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
    run = script_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience)
    rate, best, bad, rates, accuracy = first_lr, -1, 0, [], 0.0
    for epoch in range(epochs):
        rates.append(rate)
        if accuracy > best:
            best, bad = accuracy, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
        accuracy = accuracy_at((epoch + 1) * updates_per_epoch)
    return {"rates": rates, "log": run["log"]}

# %% wrong: cuts one bad epoch too early; in: mended_5; caught by: mend_5
def mended_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
    run = script_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience)
    rate, best, bad, rates = first_lr, -1, 0, []
    for epoch in range(epochs):
        rates.append(rate)
        accuracy = accuracy_at((epoch + 1) * updates_per_epoch)
        bad = 0 if accuracy > best else bad + 1
        best = max(best, accuracy)
        if bad and bad >= patience:
            rate, bad = rate * factor, 0
    return {"rates": rates, "log": run["log"]}

# %% wrong: a smooth curve, where an old number leads to the same rates; in: check_5; caught by: judge_5
def check_5(script):
    rates = script(lambda made: 1 - 1 / (1 + made), 10, 600, 500, 0.1, 0.5, 2)["rates"]
    assert np.allclose(rates, 0.1)

# %% wrong: catches by chance, with steps at the ends of epochs; in: check_5; caught by: judge_5
def check_5(script):
    rates = script(lambda made: made // 3 / 100, 5, 3, 2, 0.1, 0.5, 0)["rates"]
    assert np.allclose(rates, 0.1)

# %% wrong: counts how often the accuracy is asked for; in: check_5; caught by: judge_5
def check_5(script):
    asked = []
    script(lambda made: asked.append(made) or 0.5, 4, 6, 4, 0.1, 0.5, 1)
    assert len(asked) == 6 + 4

# %% wrong: a new scheduler on the same optimizer; in: mended_6; caught by: mend_6
def mended_6(epochs, updates_per_epoch, first_lr, gamma):
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = RecordedSGD([weight], lr=first_lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    drawn = []
    for _epoch in range(epochs):
        drawn.append(scheduler.get_last_lr()[0])
        scheduler.step()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    for _epoch in range(epochs):
        for _update in range(updates_per_epoch):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
        scheduler.step()
    return {"drawn": drawn, "rates": optimizer.rates, "weight": weight.item()}

# %% wrong: draws what is left after the training; in: mended_6; caught by: mend_6
def mended_6(epochs, updates_per_epoch, first_lr, gamma):
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = RecordedSGD([weight], lr=first_lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    for _epoch in range(epochs):
        for _update in range(updates_per_epoch):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
        scheduler.step()
    drawn = []
    for _epoch in range(epochs):
        drawn.append(scheduler.get_last_lr()[0])
        scheduler.step()
    return {"drawn": drawn, "rates": optimizer.rates, "weight": weight.item()}

# %% wrong: two names for one schedule; in: mended_6; with: keras; caught by: mend_6
def mended_6(epochs, updates_per_epoch, first_lr, gamma):
    weight = keras.Variable(1.0)
    optimizer = RecordedSGD(first_lr)
    for_figure = for_training = Factor(first_lr, gamma)
    drawn = [for_figure(epoch) for epoch in range(epochs)]
    for epoch in range(epochs):
        optimizer.learning_rate = for_training(epoch)
        for _update in range(updates_per_epoch):
            optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
    return {"drawn": drawn, "rates": optimizer.rates, "weight": float(weight)}

# %% wrong: looks at the first rate only; in: check_6; caught by: judge_6
def check_6(script):
    assert np.isclose(script(3, 2, 0.1, 0.5)["rates"][0], 0.1)

# %% wrong: looks at the figure only; in: check_6; caught by: judge_6
def check_6(script):
    assert np.allclose(script(3, 2, 0.1, 0.5)["drawn"], [0.1, 0.05, 0.025])

# %% wrong: takes a used-up scheduler for one that rises again; in: diagnosis_4_to_6; caught by: diagnosis_b
fault_4, line_4, sentence_4 = "spacing", "A", ""
fault_5, line_5, sentence_5 = "stale", "E", ""
fault_6, line_6, sentence_6 = "restart", "D", ""

# %% wrong: blames the log of script 5; in: diagnosis_4_to_6; caught by: diagnosis_b
fault_4, line_4, sentence_4 = "spacing", "A", ""
fault_5, line_5, sentence_5 = "stale", "C", ""
fault_6, line_6, sentence_6 = "consumed", {"pytorch": "D", "keras": "C"}[FRAMEWORK], ""

# %% unusual: sets the rate by hand; in: mended_1
def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
    weight = torch.nn.Parameter(torch.ones(())) if FRAMEWORK == "pytorch" else keras.Variable(1.0)
    optimizer = RecordedSGD([weight], first_lr) if FRAMEWORK == "pytorch" else RecordedSGD(first_lr)
    for made in range(epochs * updates_per_epoch):
        rate = first_lr * gamma ** (made // updates_per_epoch // drop_epochs)
        if FRAMEWORK == "pytorch":
            optimizer.param_groups[0]["lr"] = rate
            weight.grad = weight.detach().clone()
            optimizer.step()
        else:
            optimizer.learning_rate = rate
            optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
    return {"weight": float(weight.detach() if FRAMEWORK == "pytorch" else weight), "rates": np.array(optimizer.rates)}

# %% unusual: the drop counted in updates, the other letters; in: mended_1
if FRAMEWORK == "pytorch":

    def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
        weight = torch.nn.Parameter(torch.ones(()))
        optimizer = RecordedSGD([weight], lr=first_lr)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, drop_epochs * updates_per_epoch, gamma)
        for _update in range(epochs * updates_per_epoch):
            optimizer.zero_grad()
            (weight**2 / 2).backward()
            optimizer.step()
            scheduler.step()
        return {"rates": optimizer.rates, "weight": weight.item()}

else:

    def mended_1(epochs, updates_per_epoch, drop_epochs, first_lr, gamma):
        weight = keras.Variable(1.0)
        optimizer = RecordedSGD(first_lr)
        for epoch in range(epochs):
            if epoch and epoch % drop_epochs == 0:
                optimizer.learning_rate = optimizer.learning_rate * gamma
            for _update in range(updates_per_epoch):
                optimizer.apply([keras.ops.convert_to_tensor(weight)], [weight])
        return {"rates": optimizer.rates, "weight": float(weight)}

# %% unusual: the drop counted in updates, the other letters; in: diagnosis_1_to_3
sentence_1 = sentence_2 = sentence_3 = ""
fault_1, fault_2, fault_3 = "units", "padded", "order"
line_1, line_2, line_3 = ("B", "G", "G") if FRAMEWORK == "pytorch" else ("A", "G", "F")

# %% unusual: lowercase letters; in: diagnosis_1_to_3
sentence_1 = sentence_2 = sentence_3 = ""
fault_1, fault_2, fault_3 = "units", "padded", "order"
line_1, line_2, line_3 = ("g", "g", "f") if FRAMEWORK == "pytorch" else ("a", "g", "e")

# %% unusual: lowercase letters; in: diagnosis_4_to_6
sentence_4 = sentence_5 = sentence_6 = ""
fault_4, line_4 = "spacing", "a"
fault_5, line_5 = "stale", "e"
fault_6, line_6 = "consumed", {"pytorch": "d", "keras": "c"}[FRAMEWORK]

# %% unusual: looks at the places of the drops; in: check_1
def check_1(script):
    rates = np.asarray(script(updates_per_epoch=7, epochs=9, drop_epochs=3, gamma=0.9, first_lr=0.01)["rates"])
    drops = 1 + np.flatnonzero(~np.isclose(rates[1:], rates[:-1], rtol=1e-3))
    np.testing.assert_array_equal(drops, [21, 42])

# %% unusual: compares the weight with the rates; in: check_1
def check_1(script):
    run = script(6, 3, 2, 0.1, 0.5)
    assert math.isclose(run["weight"], math.prod(1 - rate for rate in run["rates"]), rel_tol=1e-4), "another weight"
    assert np.allclose(run["rates"], np.repeat([0.1, 0.05, 0.025], 6)), "the rate drops elsewhere"

# %% unusual: all batches at once; in: mended_2
def mended_2(scores, labels, batch_size):
    return {"batches": -(-labels.size // batch_size), "accuracy": np.mean(np.argmax(scores, -1) == labels)}

# %% unusual: at random, against NumPy's mean; in: check_2
def check_2(script):
    random = np.random.default_rng(3)
    scores, labels = random.normal(size=(101, 4)), random.integers(4, size=101)
    np.testing.assert_allclose(script(scores, labels, 10)["accuracy"], np.mean(scores.argmax(1) == labels), rtol=1e-5)

# %% unusual: looks at the weight and not at the rates; in: check_3
def check_3(script):
    if abs(script(2, 0.5, 0.25)["weight"] - 0.5 * 0.75) > 1e-4:
        raise AssertionError("the weight is not what two updates at 0.5 and 0.25 make of it")

# %% unusual: a formula in place of a list; in: mended_4
def mended_4(updates, low, high, step_size):
    return {"rates": [high - (high - low) * abs(t / step_size % 2 - 1) for t in range(updates)]}

# %% unusual: looks at the rate of change and at the peaks; in: check_4
def check_4(script):
    rates = np.array(script(31, 0.2, 0.8, 5)["rates"])
    assert np.allclose(np.abs(np.diff(rates)), 0.12)
    assert np.allclose(rates[5::10], 0.8) and np.allclose(rates[::10], 0.2)

# %% unusual: calls the rule a class of its own; in: mended_5
class Watch:
    def __init__(self, patience):
        self.patience, self.seen, self.since = patience, [], 0

    def plateau(self, accuracy):
        better = not self.seen or accuracy > max(self.seen)
        self.seen.append(accuracy)
        self.since = 0 if better else self.since + 1
        over = self.since > self.patience
        self.since *= not over
        return over

def mended_5(accuracy_at, epochs, updates_per_epoch, every, first_lr, factor, patience):
    watch, rates = Watch(patience), [first_lr]
    for end in range(updates_per_epoch, (epochs + 1) * updates_per_epoch, updates_per_epoch):
        rates.append(rates[-1] * (factor if watch.plateau(accuracy_at(end)) else 1))
    log = [(made, accuracy_at(made)) for made in range(1, epochs * updates_per_epoch + 1) if made % every == 0]
    return {"rates": np.array(rates[:epochs]), "log": log}

# %% unusual: notes which accuracies are asked for; in: check_5
def check_5(script):
    asked = set()
    script(lambda made: asked.add(made) or 0.5, 4, 7, 5, 0.1, 0.5, 1)
    assert asked >= {7, 14, 21, 28}, "the accuracy at an epoch's end is not looked at"

# %% unusual: a formula for the figure, and the mend of script 1 for the training; in: mended_6
def mended_6(epochs, updates_per_epoch, first_lr, gamma):
    drawn = np.array([first_lr * gamma**epoch for epoch in range(epochs)])
    run = mended_1(epochs, updates_per_epoch, 1, first_lr, gamma)
    return {"drawn": drawn, **run}

# %% unusual: compares with what was drawn; in: check_6
def check_6(script):
    run = script(4, 3, 0.3, 0.7)
    for place, rate in enumerate(run["rates"]):
        assert math.isclose(rate, run["drawn"][place // 3], rel_tol=1e-4)
