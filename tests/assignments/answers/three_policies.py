# Answers to the assignment three_policies: see tests/assignments/harness.py for the form.

# %% parameters
BASE_LR, MAX_LR = 0.05, 0.2
STEP_SIZE = 30
GAMMA = 0.99

# %% wrong: only rises, then jumps back; in: triangular; caught by: triangular_ends, triangular_between
def triangular(update, base_lr, max_lr, step_size):
    return base_lr + (max_lr - base_lr) * (update % (2 * step_size)) / (2 * step_size)

# %% wrong: a cycle of one step size; in: triangular; caught by: triangular_ends, triangular_between
def triangular(update, base_lr, max_lr, step_size):
    cycle = np.floor(1 + update / step_size)
    x = np.abs(2 * update / step_size - 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)

# %% wrong: starts at the peak; in: triangular; caught by: triangular_ends
def triangular(update, base_lr, max_lr, step_size):
    place = np.abs((update / step_size) % 2 - 1)
    return base_lr + (max_lr - base_lr) * place

# %% wrong: the formula without its minus; in: triangular; caught by: triangular_ends, triangular_between
def triangular(update, base_lr, max_lr, step_size):
    cycle = np.floor(1 + update / (2 * step_size))
    x = np.abs(update / step_size * 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)

# %% wrong: whole-number division; in: triangular; caught by: triangular_between
def triangular(update, base_lr, max_lr, step_size):
    cycle = 1 + update // (2 * step_size)
    x = np.abs(update // step_size - 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)

# %% wrong: single numbers only; in: triangular; caught by: triangular_arrays
import math
def triangular(update, base_lr, max_lr, step_size):
    place = (update / step_size) % 2
    if place > 1:
        place = 2 - place
    return base_lr + (max_lr - base_lr) * place

# %% wrong: uses the numbers from the top; in: triangular; caught by: triangular_arrays
def triangular(update, base_lr, max_lr, step_size):
    x = np.abs((update / STEP_SIZE) % 2 - 1)
    return BASE_LR + (MAX_LR - BASE_LR) * (1 - x)

# %% wrong: changes the array it is given; in: triangular; caught by: triangular_arrays
def triangular(update, base_lr, max_lr, step_size):
    if isinstance(update, np.ndarray):
        update %= 2 * step_size
    x = np.abs((update / step_size) % 2 - 1)
    return base_lr + (max_lr - base_lr) * (1 - x)

# %% wrong: halves the whole rate; in: triangular2; caught by: triangular2_between
def triangular2(update, base_lr, max_lr, step_size):
    cycle = np.floor(update / (2 * step_size))
    return triangular(update, base_lr, max_lr, step_size) / 2.0**cycle

# %% wrong: halves at every step size; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, step_size):
    cycle = np.floor(update / step_size)
    return base_lr + (triangular(update, base_lr, max_lr, step_size) - base_lr) / 2.0**cycle

# %% wrong: counts cycles from one; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, step_size):
    cycle = np.floor(1 + update / (2 * step_size))
    return base_lr + (triangular(update, base_lr, max_lr, step_size) - base_lr) / 2.0**cycle

# %% wrong: divides by the cycle's number; in: triangular2; caught by: triangular2_peaks
def triangular2(update, base_lr, max_lr, step_size):
    cycle = np.floor(1 + update / (2 * step_size))
    return base_lr + (triangular(update, base_lr, max_lr, step_size) - base_lr) / cycle

# %% wrong: shrinks once a cycle; in: exp_range; caught by: exp_range_values
def exp_range(update, base_lr, max_lr, step_size, gamma):
    cycle = np.floor(update / (2 * step_size))
    return base_lr + (triangular(update, base_lr, max_lr, step_size) - base_lr) * gamma**cycle

# %% wrong: shrinks both bounds; in: exp_range; caught by: exp_range_bounds
def exp_range(update, base_lr, max_lr, step_size, gamma):
    return triangular(update, base_lr, max_lr, step_size) * gamma ** np.asarray(update, float)

# %% wrong: swaps two labels; in: draw; caught by: figure
def draw(ax):
    updates = np.arange(10 * STEP_SIZE + 1)
    ax.plot(updates, triangular(updates, BASE_LR, MAX_LR, STEP_SIZE), label="triangular")
    ax.plot(updates, triangular2(updates, BASE_LR, MAX_LR, STEP_SIZE), label="exp_range")
    ax.plot(updates, exp_range(updates, BASE_LR, MAX_LR, STEP_SIZE, GAMMA), label="triangular2")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()

# %% wrong: draws one cycle; in: draw; caught by: figure
def draw(ax):
    updates = np.arange(2 * STEP_SIZE + 1)
    ax.plot(updates, triangular(updates, BASE_LR, MAX_LR, STEP_SIZE), label="triangular")
    ax.plot(updates, triangular2(updates, BASE_LR, MAX_LR, STEP_SIZE), label="triangular2")
    ax.plot(updates, exp_range(updates, BASE_LR, MAX_LR, STEP_SIZE, GAMMA), label="exp_range")
    ax.set(xlabel="update", ylabel="learning rate")
    ax.legend()

# %% unusual: interpolation with a period; in: triangular
def triangular(update, base_lr, max_lr, step_size):
    rate = np.interp(np.ravel(update), [0, step_size, 2 * step_size], [base_lr, max_lr, base_lr], period=2 * step_size)
    rate = np.where(np.ravel(update) % (2 * step_size) == 0, base_lr, rate)
    return rate.reshape(np.shape(update)) if np.ndim(update) else float(rate[0])

# %% unusual: an arcsine of a cosine; in: triangular
def triangular(update, base_lr, max_lr, step_size):
    angle = np.pi * np.asarray(update, float) / step_size
    return base_lr + (max_lr - base_lr) * np.arccos(np.cos(angle)) / np.pi

# %% unusual: plain Python, one number at a time; in: triangular2
def triangular2(update, base_lr, max_lr, step_size):
    def at(t):
        whole, place = divmod(t / step_size, 2)
        return base_lr + (max_lr - base_lr) * 0.5**whole * (place if place <= 1 else 2 - place)

    return np.vectorize(at, otypes=[float])(update)
