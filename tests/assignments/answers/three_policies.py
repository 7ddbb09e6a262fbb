# Answers to the assignment three_policies: see tests/assignments/harness.py for the form.

# %% parameters
BASE_LR, MAX_LR = 0.05, 0.2
UP, DOWN = 30, 12
STOP = 150
GAMMA = 0.99
END_LR = 0.08

# %% wrong: the chapter's code, its step size half a cycle; in: triangular; caught by: triangular_ends, triangular_between, triangular_stops
def triangular(update, base_lr, max_lr, up, down, stop):
    step_size = (up + down) / 2
    cycle = np.floor(1 + update / (2 * step_size))
    x = np.abs(update / step_size - 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)

# %% wrong: the chapter's code with the stop, but symmetric; in: triangular; caught by: triangular_ends, triangular_between
def triangular(update, base_lr, max_lr, up, down, stop):
    t = np.minimum(update, stop)
    cycle = np.floor(1 + t / (2 * up))
    x = np.abs(t / up - 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)

# %% wrong: only rises, then jumps back; in: triangular; caught by: triangular_ends, triangular_between
def triangular(update, base_lr, max_lr, up, down, stop):
    return base_lr + (max_lr - base_lr) * (np.minimum(update, stop) % (up + down)) / (up + down)

# %% wrong: up and down swapped; in: triangular; caught by: triangular_ends, triangular_between
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.minimum(update, stop) % (up + down)
    return base_lr + (max_lr - base_lr) * np.minimum(place / down, (up + down - place) / up)

# %% wrong: starts at the peak; in: triangular; caught by: triangular_ends
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.minimum(update, stop) % (up + down)
    return base_lr + (max_lr - base_lr) * np.maximum(1 - place / down, (place - down) / up)

# %% wrong: falls at the speed at which it rose; in: triangular; caught by: triangular_between
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.minimum(update, stop) % (up + down)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - np.abs(place - up) / up)

# %% wrong: whole-number division; in: triangular; caught by: triangular_between
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.minimum(update, stop) % (up + down)
    return base_lr + (max_lr - base_lr) * np.minimum(place // up, (up + down - place) // down)

# %% wrong: goes on after the stop; in: triangular; caught by: triangular_stops
def triangular(update, base_lr, max_lr, up, down, stop):
    place = update % (up + down)
    return base_lr + (max_lr - base_lr) * np.minimum(place / up, (up + down - place) / down)

# %% wrong: falls to the lower bound at the stop; in: triangular; caught by: triangular_stops
def triangular(update, base_lr, max_lr, up, down, stop):
    place = update % (up + down)
    rate = base_lr + (max_lr - base_lr) * np.minimum(place / up, (up + down - place) / down)
    return np.where(np.asarray(update) >= stop, base_lr, rate)

# %% wrong: stops at the end of the last whole cycle; in: triangular; caught by: triangular_stops
def triangular(update, base_lr, max_lr, up, down, stop):
    stop = stop // (up + down) * (up + down)
    place = np.minimum(update, stop) % (up + down)
    return base_lr + (max_lr - base_lr) * np.minimum(place / up, (up + down - place) / down)

# %% wrong: stays at the rate of the update before the stop; in: triangular; caught by: triangular_stops
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.minimum(update, stop - 1) % (up + down)
    return base_lr + (max_lr - base_lr) * np.minimum(place / up, (up + down - place) / down)

# %% wrong: single numbers only; in: triangular; caught by: triangular_arrays
def triangular(update, base_lr, max_lr, up, down, stop):
    place = min(update, stop) % (up + down)
    height = place / up if place < up else (up + down - place) / down
    return base_lr + (max_lr - base_lr) * height

# %% wrong: uses the numbers from the top; in: triangular; caught by: triangular_arrays
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.minimum(update, stop) % (up + down)
    return BASE_LR + (MAX_LR - BASE_LR) * np.minimum(place / up, (up + down - place) / down)

# %% wrong: changes the array it is given; in: triangular; caught by: triangular_arrays
def triangular(update, base_lr, max_lr, up, down, stop):
    if isinstance(update, np.ndarray):
        update[update > stop] = stop
        place = update % (up + down)
    else:
        place = min(update, stop) % (up + down)
    return base_lr + (max_lr - base_lr) * np.minimum(place / up, (up + down - place) / down)

# %% wrong: halves the whole rate; in: triangular2; caught by: triangular2_between
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.floor(np.minimum(update, stop) / (up + down))
    return triangular(update, base_lr, max_lr, up, down, stop) / 2.0**cycle

# %% wrong: halves at every peak; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.floor((np.minimum(update, stop) + down) / (up + down))
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / 2.0**cycle

# %% wrong: counts cycles from one; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.floor(1 + np.minimum(update, stop) / (up + down))
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / 2.0**cycle

# %% wrong: divides by the cycle's number; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.floor(1 + np.minimum(update, stop) / (up + down))
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / cycle

# %% wrong: a cycle of twice the rise, as in the chapter; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.floor(np.minimum(update, stop) / (2 * up))
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / 2.0**cycle

# %% wrong: goes on halving after the stop; in: triangular2; caught by: triangular2_between
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.floor(update / (up + down))
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / 2.0**cycle

# %% wrong: a power of two in whole numbers; in: triangular2; caught by: triangular2_late
def triangular2(update, base_lr, max_lr, up, down, stop):
    cycle = np.minimum(update, stop) // (up + down)
    cycle = cycle.astype(int) if isinstance(cycle, np.ndarray) else int(cycle)
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / 2**cycle

# %% wrong: shrinks once a cycle; in: exp_range; caught by: exp_range_values
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(update, stop)
    height = triangular(update, base_lr, max_lr, up, down, stop) - base_lr
    return base_lr + (end_lr - base_lr) * t / stop + height * gamma ** np.floor(t / (up + down))

# %% wrong: goes on shrinking after the stop; in: exp_range; caught by: exp_range_values
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(update, stop)
    height = triangular(update, base_lr, max_lr, up, down, stop) - base_lr
    return base_lr + (end_lr - base_lr) * t / stop + height * gamma ** np.asarray(update, float)

# %% wrong: shrinks the bound as well; in: exp_range; caught by: exp_range_bound
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(np.asarray(update, float), stop)
    return (triangular(update, base_lr, max_lr, up, down, stop) + (end_lr - base_lr) * t / stop) * gamma**t

# %% wrong: the chapter's fixed lower bound; in: exp_range; caught by: exp_range_bound
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(np.asarray(update, float), stop)
    return base_lr + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) * gamma**t

# %% wrong: the bound falls by a factor, not in a line; in: exp_range; caught by: exp_range_bound
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(np.asarray(update, float), stop)
    low = base_lr * (end_lr / base_lr) ** (t / stop)
    return low + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) * gamma**t

# %% wrong: the peak stays where it was while the bound moves; in: exp_range; caught by: exp_range_bound
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(np.asarray(update, float), stop)
    low = base_lr + (end_lr - base_lr) * t / stop
    share = (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) / (max_lr - base_lr)
    return low + (max_lr - low) * share * gamma**t

# %% wrong: the bound moves in steps, once a cycle; in: exp_range; caught by: exp_range_bound
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.minimum(np.asarray(update, float), stop)
    cycle = np.floor(t / (up + down)) * (up + down)
    low = base_lr + (end_lr - base_lr) * cycle / stop
    return low + (triangular(update, base_lr, max_lr, up, down, stop) - base_lr) * gamma**t

# %% wrong: swaps two labels; in: draw; caught by: figure
def draw(ax):
    updates = np.arange(1.2 * STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="exp_range")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="triangular2")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()

# %% wrong: draws up to the stop only; in: draw; caught by: figure
def draw(ax):
    updates = np.arange(STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()

# %% wrong: twenty points that miss the peaks; in: draw; caught by: figure
def draw(ax):
    updates = np.linspace(0, 1.2 * STOP, 20)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()

# %% wrong: no legend; in: draw; caught by: legend
def draw(ax):
    updates = np.arange(1.2 * STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")

# %% wrong: one axis without a label; in: draw; caught by: legend
def draw(ax):
    updates = np.arange(1.2 * STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="exp_range")
    ax.set_xlabel("update")
    ax.legend()

# %% wrong: a legend of numbers; in: draw; caught by: legend
def draw(ax):
    updates = np.arange(1.2 * STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend(["1", "2", "3"])

# %% unusual: interpolation between the corners; in: triangular
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.mod(np.minimum(update, stop), up + down)
    return np.interp(place, [0, up, up + down], [base_lr, max_lr, base_lr])

# %% unusual: two cases, chosen where they hold; in: triangular
def triangular(update, base_lr, max_lr, up, down, stop):
    place = np.where(np.asarray(update) < stop, update, stop) % (up + down)
    span = max_lr - base_lr
    return np.where(place < up, base_lr + span * place / up, max_lr - span * (place - up) / down)

# %% unusual: plain Python, one number at a time; in: triangular2
def triangular2(update, base_lr, max_lr, up, down, stop):
    def at(t):
        whole, place = divmod(min(t, stop), up + down)
        return base_lr + (max_lr - base_lr) * 0.5**whole * (place / up if place <= up else (up + down - place) / down)

    return np.vectorize(at, otypes=[float])(update)

# %% unusual: the policy written out again, without part 1; in: exp_range
def exp_range(update, base_lr, max_lr, up, down, stop, gamma, end_lr):
    t = np.clip(np.asarray(update, dtype=float), None, stop)
    place = t - np.floor(t / (up + down)) * (up + down)
    share = np.where(place <= up, place / up, 1 - (place - up) / down)
    return np.interp(t, [0, stop], [base_lr, end_lr]) + (max_lr - base_lr) * share * np.exp(t * np.log(gamma))

# %% unusual: one legend for the whole figure; in: draw
def draw(ax):
    updates = np.arange(1.2 * STOP + 1)
    shape = BASE_LR, MAX_LR, UP, DOWN, STOP
    ax.plot(updates, triangular(updates, *shape), label="triangular")
    ax.plot(updates, triangular2(updates, *shape), label="triangular2")
    ax.plot(updates, exp_range(updates, *shape, GAMMA, END_LR), label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.figure.legend()
