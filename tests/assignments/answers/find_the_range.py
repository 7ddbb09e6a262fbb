# Answers to the assignment find_the_range: see tests/assignments/harness.py for the form.

# %% parameters
SEED = 11
WIDTH = 24
START, END, STEPS = 3e-5, 6.0, 70
SWEEPS = 3
UPDATES = 80

# %% wrong: evenly spaced rates; in: sweep; caught by: sweep_rates
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for rate in np.linspace(start, end, steps):
        rates.append(rate)
        losses.append(train_step(rate))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses

# %% wrong: ends one rate short; in: sweep; caught by: sweep_rates
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for i in range(steps):
        rates.append(start * (end / start) ** (i / steps))
        losses.append(train_step(rates[-1]))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses

# %% wrong: writes down the next rate beside each loss, as ignite does; in: sweep; caught by: sweep_pairs, sweep_rates
def sweep(train_step, start, end, steps):
    factor = (end / start) ** (1 / (steps - 1))
    rate, rates, losses = start, [], []
    for _ in range(steps):
        losses.append(train_step(rate))
        rate *= factor
        rates.append(rate)
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses

# %% wrong: pairs each rate with the loss before it; in: sweep; caught by: sweep_pairs
def sweep(train_step, start, end, steps):
    rates, losses = list(np.geomspace(start, end, steps)), []
    before = train_step(rates[0])
    for rate in rates[1:]:
        losses.append(before)
        before = train_step(rate)
        if not np.isfinite(before) or before > 4 * min(losses):
            break
    return rates[: len(losses)], losses

# %% wrong: trains twice at each rate; in: sweep; caught by: sweep_rates, sweep_pairs
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for rate in np.geomspace(start, end, steps):
        train_step(rate)
        rates.append(rate)
        losses.append(train_step(rate))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses

# %% wrong: returns averaged losses; in: sweep; caught by: sweep_pairs
def sweep(train_step, start, end, steps):
    rates, losses, average = [], [], None
    for rate in np.geomspace(start, end, steps):
        loss = train_step(rate)
        average = loss if average is None else 0.9 * average + 0.1 * loss
        rates.append(rate)
        losses.append(average)
        if not np.isfinite(loss) or loss > 4 * min(losses):
            break
    return rates, losses

# %% wrong: lets an average decide when to stop; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses, average, best = [], [], None, np.inf
    for rate in np.geomspace(start, end, steps):
        loss = train_step(rate)
        average = loss if average is None else 0.9 * average + 0.1 * loss
        best = min(best, average)
        rates.append(rate)
        losses.append(loss)
        if not np.isfinite(loss) or average > 4 * best:
            break
    return rates, losses

# %% wrong: leaves out the loss that stops it; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for rate in np.geomspace(start, end, steps):
        loss = train_step(rate)
        if not np.isfinite(loss) or losses and loss > 4 * min(losses):
            break
        rates.append(rate)
        losses.append(loss)
    return rates, losses

# %% wrong: compares with the loss before; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for rate in np.geomspace(start, end, steps):
        rates.append(rate)
        losses.append(train_step(rate))
        if not np.isfinite(losses[-1]) or len(losses) > 1 and losses[-1] > 4 * losses[-2]:
            break
    return rates, losses

# %% wrong: compares with the first loss; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for rate in np.geomspace(start, end, steps):
        rates.append(rate)
        losses.append(train_step(rate))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * losses[0]:
            break
    return rates, losses

# %% wrong: a NaN is never above the limit; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses, best = [], [], np.inf
    for rate in np.geomspace(start, end, steps):
        rates.append(rate)
        losses.append(train_step(rate))
        best = min(best, losses[-1])
        if losses[-1] > 4 * best:
            break
    return rates, losses

# %% wrong: stops at the limit itself; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses = [], []
    for rate in np.geomspace(start, end, steps):
        rates.append(rate)
        losses.append(train_step(rate))
        if not losses[-1] < 4 * min(losses):
            break
    return rates, losses

# %% wrong: returns all rates after an early end; in: sweep; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses = np.geomspace(start, end, steps), []
    for rate in rates:
        losses.append(train_step(rate))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses

# %% wrong: the loss of Keras's progress bar, a mean over the epoch so far; in: sweep; with: keras; caught by: sweep_pairs
def sweep(train_step, start, end, steps):
    rates, seen, logged = [], [], []
    for rate in np.geomspace(start, end, steps):
        rates.append(rate)
        seen.append(train_step(rate))
        logged.append(np.mean(seen))
        if not np.isfinite(seen[-1]) or seen[-1] > 4 * min(seen):
            break
    return rates, logged

# %% wrong: waits for five batches before it may stop, as a callback for Keras does; in: sweep; with: keras; caught by: sweep_stop
def sweep(train_step, start, end, steps):
    rates, losses, best = [], [], 1e9
    for batch, rate in enumerate(np.geomspace(start, end, steps)):
        rates.append(rate)
        losses.append(train_step(rate))
        if batch > 5 and (np.isnan(losses[-1]) or losses[-1] > 4 * best):
            break
        best = min(best, losses[-1])
    return rates, losses

# %% wrong: Keras's decay over as many steps as there are rates; in: sweep; with: keras; caught by: sweep_rates
import keras

def sweep(train_step, start, end, steps):
    schedule = keras.optimizers.schedules.ExponentialDecay(start, decay_steps=steps, decay_rate=end / start)
    rates, losses = [], []
    for step in range(steps):
        rates.append(float(schedule(step)))
        losses.append(train_step(rates[-1]))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses

# %% wrong: a running average; in: steepest; caught by: steepest_place, steepest_noise
def steepest(rates, losses):
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    smooth, average = [], 0.0
    for k, loss in enumerate(y, 1):
        average = 0.9 * average + 0.1 * loss
        smooth.append(average / (1 - 0.9**k))
    slopes = np.gradient(smooth, u)
    return 10 ** u[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: a mean over the points before; in: steepest; caught by: steepest_place
def steepest(rates, losses):
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    smooth = [y[max(0, i - 8) : i + 1].mean() for i in range(len(y))]
    slopes = np.gradient(smooth, u)
    return 10 ** u[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: the slope against the rate; in: steepest; caught by: steepest_place, steepest_noise
def steepest(rates, losses):
    finite = np.isfinite(losses)
    x, y = np.asarray(rates)[finite], np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    half = min(4, (len(y) - 1) // 2)
    smooth = np.convolve(y, np.ones(2 * half + 1) / (2 * half + 1), "valid")
    if len(smooth) < 2:
        return None
    x = x[half : len(x) - half]
    slopes = np.gradient(smooth, x)
    return x[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: the slope from point to point; in: steepest; caught by: steepest_place
def steepest(rates, losses):
    from scipy.ndimage import gaussian_filter1d

    finite = np.isfinite(losses)
    x, y = np.asarray(rates)[finite], np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    slopes = np.gradient(gaussian_filter1d(np.minimum(y, y[0]), 3))
    return x[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: not smoothed; in: steepest; caught by: steepest_noise
def steepest(rates, losses):
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    slopes = np.gradient(y, u)
    return 10 ** u[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: zeros beyond the ends; in: steepest; caught by: steepest_place, steepest_none
def steepest(rates, losses):
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    slopes = np.gradient(np.convolve(y, np.ones(9) / 9, "same")[: len(y)], u[: max(len(y), 9)])
    return 10 ** u[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: a tenth of the lowest point; in: steepest; caught by: steepest_place
def steepest(rates, losses):
    finite = np.isfinite(losses)
    x, y = np.asarray(rates)[finite], np.asarray(losses)[finite]
    if len(y) < 3 or y.argmin() == 0:
        return None
    return x[y.argmin()] / 10

# %% wrong: always a number; in: steepest; caught by: steepest_none
def steepest(rates, losses):
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    y = np.minimum(y, y[: y.argmin() + 1].max())
    slopes = [np.polyfit(u - c, y, 1, w=np.exp(-(((u - c) / 0.3) ** 2) / 4))[0] for c in u]
    return 10 ** u[np.argmin(slopes)]

# %% wrong: rounding is a fall; in: steepest; caught by: steepest_none
def steepest(rates, losses):
    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    if len(y) < 3:
        return None
    y = np.minimum(y, y[: y.argmin() + 1].max())
    slopes = [np.polyfit(u - c, y, 1, w=np.exp(-(((u - c) / 0.3) ** 2) / 4))[0] for c in u]
    return 10 ** u[np.argmin(slopes)] if min(slopes) < 0 else None

# %% wrong: a NaN is taken for the smallest slope; in: steepest; caught by: steepest_noise
def steepest(rates, losses):
    u, y = np.log10(rates), np.asarray(losses, float)
    if len(y) < 9:
        return None
    smooth = np.convolve(y, np.ones(9) / 9, "valid")
    slopes = np.gradient(smooth, u[4:-4])
    return None if slopes.min() >= -1e-6 else 10 ** u[4 + slopes.argmin()]

# %% wrong: a filter that the last loss bends; in: steepest; caught by: steepest_noise
def steepest(rates, losses):
    from scipy.signal import savgol_filter

    finite = np.isfinite(losses)
    u, y = np.log10(np.asarray(rates)[finite]), np.asarray(losses)[finite]
    if len(y) < 13:
        return None
    slopes = np.gradient(savgol_filter(y, 13, 2), u)
    return 10 ** u[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% wrong: the same bounds for both; in: bounds; caught by: bounds_upper
bounds = {name: (0.01, 0.1) for name in ("first", "second")}

# %% wrong: the networks exchanged; in: bounds; caught by: bounds_upper, bounds_lower
bounds = {"first": (0.005, 0.03), "second": (0.1, 0.6)}

# %% wrong: up to where it diverges; in: bounds; caught by: bounds_upper
bounds = {name: (steepest(*curve) / 5, curve[0][-1]) for name, curve in curves.items()}

# %% wrong: up to twice the lowest point; in: bounds; caught by: bounds_upper
bounds = {name: (steepest(*curve) / 5, 2 * curve[0][np.argmin(curve[1])]) for name, curve in curves.items()}

# %% wrong: the whole sweep; in: bounds; caught by: bounds_upper, bounds_lower
bounds = {name: (START, END) for name in ("first", "second")}

# %% wrong: exponents instead of rates; in: bounds; caught by: bounds_upper
bounds = {"first": (-1, -0.3), "second": (-2.3, -1.5)}

# %% wrong: ten times too low; in: bounds; caught by: bounds_upper, bounds_lower
bounds = {"first": (0.006, 0.06), "second": (0.0003, 0.003)}

# %% wrong: ten times above the range that was read, as the source of the range test trained; in: bounds; caught by: bounds_upper
bounds = {name: (2 * steepest(*curve), 10 * steepest(*curve)) for name, curve in curves.items()}

# %% wrong: the upper bound first; in: bounds; caught by: bounds_upper, bounds_lower
bounds = {"first": (0.6, 0.1), "second": (0.04, 0.005)}

# %% wrong: too narrow; in: bounds; caught by: bounds_lower
bounds = {"first": (0.4, 0.6), "second": (0.02, 0.04)}

# %% wrong: from where nothing happens; in: bounds; caught by: bounds_lower
bounds = {"first": (START, 0.6), "second": (START, 0.04)}

# %% wrong: a lower bound that learns as well; in: bounds; caught by: bounds_lower
bounds = {"first": (0.33, 1.0), "second": (0.026, 0.08)}

# %% wrong: right for one network only; in: bounds; caught by: bounds_upper
bounds = {"first": (0.1, 0.6), "second": (0.02, 0.2)}

# %% wrong: up to the rate that Keras's SGD has if none is given; in: bounds; with: keras; caught by: bounds_upper
import keras

bounds = {name: (0.001, float(keras.optimizers.SGD().learning_rate)) for name in NETWORKS}

# %% wrong: any number from the rule is support; in: verdicts; caught by: curves_supported, curves_reasons
verdicts = {
    name: ("supports none", 5) if steepest(*curve) is None else ("supports", 8) for name, curve in recorded.items()
}

# %% wrong: a lower loss than the first is support; in: verdicts; caught by: curves_supported, curves_reasons
verdicts = {
    name: ("supports", 2) if min(losses) < losses[0] else ("supports none", 5)
    for name, (_, losses) in recorded.items()
}

# %% wrong: noise forbids any reading; in: verdicts; caught by: curves_supported, curves_reasons
verdicts = {"A": ("supports none", 4), "B": ("supports none", 1), "C": ("supports none", 5)}
verdicts.update({"D": ("supports none", 7), "E": ("supports", 3), "F": ("supports none", 6)})

# %% wrong: a fall at the last rate is support; in: verdicts; caught by: curves_supported, curves_reasons
verdicts = {"A": ("supports none", 4), "B": ("supports", 3), "C": ("supports none", 5)}
verdicts.update({"D": ("supports", 2), "E": ("supports", 3), "F": ("supports none", 6)})

# %% wrong: right verdicts for true statements that decide nothing; in: verdicts; caught by: curves_reasons
verdicts = {"A": ("supports none", 1), "B": ("supports", 2), "C": ("supports none", 5)}
verdicts.update({"D": ("supports none", 7), "E": ("supports", 3), "F": ("supports none", 6)})

# %% unusual: a generator, running products, arrays; in: sweep
import math


def pairs(train_step, start, end, steps):
    rate, best = start, math.inf
    for i in range(steps):
        rate = start * math.exp(i * math.log(end / start) / (steps - 1))
        loss = float(train_step(rate))
        yield rate, loss
        best = loss if loss < best else best
        if not loss <= 4 * best or math.isinf(loss):
            return


def sweep(train_step, start, end, steps):
    rates, losses = zip(*pairs(train_step, start, end, steps))
    return np.array(rates), np.array(losses)

# %% unusual: recursion; in: sweep
def sweep(train_step, start, end, steps, best=float("inf")):
    loss = train_step(start)
    best = min(best, loss)
    if steps == 1 or not np.isfinite(loss) or loss > 4 * best:
        return (start,), (loss,)
    after = end if steps == 2 else start * (end / start) ** (1 / (steps - 1))
    rates, losses = sweep(train_step, after, end, steps - 1, best)
    return (start, *rates), (loss, *losses)

# %% unusual: a moving mean without its ends; in: steepest
def steepest(rates, losses):
    u, y = np.array([(np.log10(rate), loss) for rate, loss in zip(rates, losses) if np.isfinite(loss)]).reshape(-1, 2).T
    if len(y) < 3:
        return None
    y = np.minimum(y, max(y[: y.argmin() + 1]))
    half = min(4, (len(y) - 1) // 2 - 1)
    if half > 0:
        y = np.convolve(y, np.ones(2 * half + 1) / (2 * half + 1), "valid")
        u = u[half:-half]
    slopes = np.diff(y) / np.diff(u)
    i = slopes.argmin()
    return 10 ** ((u[i] + u[i + 1]) / 2) if slopes[i] < -1e-6 else None

# %% unusual: Savitzky and Golay on an even grid of its own; in: steepest
from scipy.signal import savgol_filter


def steepest(rates, losses):
    keep = [i for i, loss in enumerate(losses) if np.isfinite(loss)]
    if len(keep) < 3:
        return None
    u, y = np.log10([rates[i] for i in keep]), np.array([losses[i] for i in keep])
    y = y.clip(max=y[: y.argmin() + 1].max())
    grid = np.linspace(u[0], u[-1], 201)
    window = max(3, min(201, round(1.0 / (grid[1] - grid[0])))) // 2 * 2 + 1
    slope = savgol_filter(np.interp(grid, u, y), min(window, 201), 1, deriv=1, delta=grid[1] - grid[0])
    return None if slope.min() > -1e-6 else float(10 ** grid[slope.argmin()])

# %% unusual: a kernel in decades, its own derivative; in: steepest
def steepest(rates, losses):
    y = np.asarray(losses, float)
    finite = np.isfinite(y)
    if finite.sum() < 3:
        return None
    u, y = np.log10(np.asarray(rates, float))[finite], y[finite]
    y = np.where(y > y[: y.argmin() + 1].max(), y[: y.argmin() + 1].max(), y)
    d = u[:, None] - u
    weights = np.maximum(1 - (d / max(0.5, 2 * np.diff(u).max())) ** 2, 0)
    total = weights.sum(1)
    du, dy = weights @ u / total, weights @ y / total
    slopes = (weights @ (u * y) / total - du * dy) / (weights @ u**2 / total - du**2)
    return 10 ** u[slopes.argmin()] if slopes.min() < -1e-6 else None

# %% unusual: numbers read from the figure, as lists; in: bounds
bounds = {"first": [0.1, 0.6], "second": [0.005, 0.03]}

# %% unusual: half the lowest point, and a quarter of that; in: bounds
bounds = {}
for name, (rates, losses) in curves.items():
    high = rates[losses.argmin()] / 2
    bounds[name] = np.array([high / 4, high])

# %% unusual: found by training; in: bounds
bounds = {}
for name in ("second", "first"):
    rate = 1.0
    while not (max(train(name, rate, 3)) < 3 and train(name, rate, 3)[-1] < 1):
        rate /= 2
    bounds[name] = (rate / 10, rate / 2)

# %% unusual: lists put together; in: verdicts
verdicts = dict.fromkeys("ABCDEF", ["supports none", 4])
verdicts |= {name: ["supports", 3] for name in "BE"}
verdicts |= {name: ["supports none", reason] for name, reason in zip("CDF", (5, 7, 6))}
