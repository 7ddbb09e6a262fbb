# Answers to the assignment choose_and_defend: see tests/assignments/harness.py for the form.

# %% parameters
BUDGETS = (100, 240)
STOPS = (40, 150, 500)
SEEDS = 9
LEVEL = 0.9

# %% wrong: every run is foretold to end where the late fall ended; in: law; caught by: foretold, foretold_order
ends = curve(lrlib.WarmupStableDecay(PEAK, warmup=5, stable=225, decay=70), [max(BUDGETS)], range(10))

def foretell(schedule, updates):
    return ends.mean() if updates == max(BUDGETS) else ends.mean() * max(BUDGETS) / updates

# %% wrong: reads the constant's curve, whatever the schedule; in: law; caught by: foretold, foretold_order
marks = np.arange(10, max(BUDGETS) + 1, 10)
losses = curve(lrlib.Constant(PEAK), marks, range(10)).mean(0)

def foretell(schedule, updates):
    return float(np.interp(updates, marks, losses)) - 0.05 * (schedule(updates - 1) < PEAK / 10)

# %% wrong: the law without its noise; in: law; caught by: foretold, foretold_order
from lrlib.course.prediction import Law, Run
marks = np.linspace(15, max(BUDGETS), 20).astype(int)
both = lrlib.Constant(PEAK), lrlib.WarmupStableDecay(PEAK, warmup=5, stable=max(BUDGETS) - 75, decay=70)
law = Law.fit([Run(s, marks, curve(s, marks, range(10))) for s in both], noise=False)

def foretell(schedule, updates):
    return law.predict([float(schedule(t)) for t in range(updates)], [updates])[0]

# %% wrong: the two runs are exchanged; in: law; caught by: foretold, foretold_order
from lrlib.course.prediction import Law, Run
marks = np.linspace(15, max(BUDGETS), 20).astype(int)
both = lrlib.Constant(PEAK), lrlib.WarmupStableDecay(PEAK, warmup=5, stable=max(BUDGETS) - 75, decay=70)
losses = [curve(s, marks, range(10)) for s in both]
law = Law.fit([Run(both[0], marks, losses[1]), Run(both[1], marks, losses[0])])

def foretell(schedule, updates):
    return law.predict([float(schedule(t)) for t in range(updates)], [updates])[0]

# %% wrong: trains the run that it should foretell; in: law; caught by: foretold
def foretell(schedule, updates):
    return curve(schedule, [updates], range(10)).mean()

# %% wrong: the mean loss along the run for its last; in: law; caught by: foretold
from lrlib.course.prediction import Law, Run
marks = np.linspace(15, max(BUDGETS), 20).astype(int)
both = lrlib.Constant(PEAK), lrlib.WarmupStableDecay(PEAK, warmup=5, stable=max(BUDGETS) - 75, decay=70)
law = Law.fit([Run(s, marks, curve(s, marks, range(10))) for s in both])

def foretell(schedule, updates):
    return law.predict([float(schedule(t)) for t in range(updates)], updates).mean()

# %% wrong: returns all losses of the run; in: law; caught by: foretold
from lrlib.course.prediction import Law, Run
marks = np.linspace(15, max(BUDGETS), 20).astype(int)
both = lrlib.Constant(PEAK), lrlib.WarmupStableDecay(PEAK, warmup=5, stable=max(BUDGETS) - 75, decay=70)
law = Law.fit([Run(s, marks, curve(s, marks, range(10))) for s in both])

def foretell(schedule, updates):
    return law.predict([float(schedule(t)) for t in range(updates)], updates)

# %% wrong: fitted on runs at five times the rate; in: law; caught by: foretold
from lrlib.course.prediction import Law, Run
marks = np.linspace(15, max(BUDGETS), 20).astype(int)
both = lrlib.Constant(5 * PEAK), lrlib.WarmupStableDecay(5 * PEAK, warmup=5, stable=max(BUDGETS) - 75, decay=70)
law = Law.fit([Run(s, marks, curve(s, marks, range(10))) for s in both])

def foretell(schedule, updates):
    return law.predict([float(schedule(t)) for t in range(updates)], [updates])[0]

# %% wrong: the law of the losses' accuracy, one minus them; in: law; caught by: foretold
from lrlib.course.prediction import Law, Run
marks = np.linspace(15, max(BUDGETS), 20).astype(int)
both = lrlib.Constant(PEAK), lrlib.WarmupStableDecay(PEAK, warmup=5, stable=max(BUDGETS) - 75, decay=70)
law = Law.fit([Run(s, marks, np.exp(-curve(s, marks, range(10)))) for s in both])

def foretell(schedule, updates):
    return law.predict([float(schedule(t)) for t in range(updates)], [updates])[0]

# %% wrong: the constant itself; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.Constant(PEAK)

# %% wrong: a line from the constant's rate; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.Linear(PEAK, 0.0, steps=updates)

# %% wrong: one schedule for all budgets; in: known; caught by: known_half, known_most
def for_budget(updates):
    return lrlib.Linear(2 * PEAK, 0.0, steps=max(BUDGETS))

# %% wrong: the steps are images, not updates; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.Linear(2.5 * PEAK, 0.0, steps=updates * BATCH)

# %% wrong: the steps are epochs, so that all is over at once; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.Linear(2.5 * PEAK, 0.0, steps=max(1, updates * BATCH // len(x)))

# %% wrong: the habit of ImageNet, a tenth at each third; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.StepDecay(2 * PEAK, gamma=0.1, every=updates // 3 + 1)

# %% wrong: a cosine from eight times the rate; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.Cosine(8 * PEAK, 0.0, steps=updates)

# %% wrong: one-cycle with torch's own defaults; in: known; caught by: known_half, known_most
def for_budget(updates):
    return lrlib.OneCycle(3 * PEAK, steps=updates)

# %% wrong: warms up for half of the budget; in: known; caught by: known_half, known_most
def for_budget(updates):
    half = updates // 2
    return lrlib.Linear(0.0, 2 * PEAK, steps=half).then(lrlib.Linear(2 * PEAK, 0.0, steps=updates - half))

# %% wrong: returns the rates and no schedule; in: known; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return np.linspace(2.5 * PEAK, 0.0, updates)

# %% wrong: a rise instead of a fall; in: known; with: keras; caught by: known_gains, known_half, known_most
def for_budget(updates):
    return lrlib.Linear(0.0, 2.5 * PEAK, steps=updates)

# %% wrong: the constant, again; in: unknown; caught by: anytime_gains, anytime_half, anytime_most
def anytime():
    return lrlib.Constant(PEAK)

# %% wrong: a line to the last stop; in: unknown; caught by: anytime_half, anytime_most
def anytime():
    return lrlib.Linear(2.5 * PEAK, 0.0, steps=max(STOPS))

# %% wrong: a line to the first stop; in: unknown; caught by: anytime_gains, anytime_half, anytime_most
def anytime():
    return lrlib.Linear(2.5 * PEAK, 0.0, steps=min(STOPS))

# %% wrong: warm restarts, because they are said to be for any time; in: unknown; caught by: anytime_gains, anytime_half, anytime_most
def anytime():
    return lrlib.CosineRestarts(2 * PEAK, 0.0, first=min(STOPS), t_mul=2)

# %% wrong: one over t, as the textbook proves it; in: unknown; caught by: anytime_gains, anytime_half, anytime_most
def anytime():
    return lambda t: PEAK / (t + 1)

# %% wrong: a triangle, so that some stop is at a low rate; in: unknown; caught by: anytime_half, anytime_most
def anytime():
    return lrlib.Triangular(PEAK / 4, 2 * PEAK, 25)

# %% wrong: a root that falls too slowly; in: unknown; caught by: anytime_half, anytime_most
def anytime():
    return lrlib.InverseSqrt(1.5 * PEAK, warmup=100)

# %% wrong: the schedule for a budget of one; in: unknown; with: keras; caught by: anytime_gains, anytime_half, anytime_most
def anytime():
    return lrlib.Exponential(PEAK, gamma=0.9)

# %% wrong: second minus first; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError("too few")
    d = np.array([second[s] - first[s] for s in shared])
    half = stats.t.ppf((1 + level) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    low, high = d.mean() - half, d.mean() + half
    return low, high, "better" if low > 0 else "worse" if high < 0 else "indistinguishable"

# %% wrong: higher is taken for better, as with accuracies; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError("too few")
    d = np.array([first[s] - second[s] for s in shared])
    half = stats.t.ppf((1 + level) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    low, high = d.mean() - half, d.mean() + half
    return low, high, "better" if low > 0 else "worse" if high < 0 else "indistinguishable"

# %% wrong: without pairs; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    if len(set(first) & set(second)) < 3:
        raise ValueError("too few")
    low, high = stats.ttest_ind(list(first.values()), list(second.values())).confidence_interval(level)
    return low, high, "better" if high < 0 else "worse" if low > 0 else "indistinguishable"

# %% wrong: pairs by position; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    if len(set(first) & set(second)) < 3:
        raise ValueError("too few")
    d = np.array([a - b for a, b in zip(first.values(), second.values())])
    half = stats.t.ppf((1 + level) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    low, high = d.mean() - half, d.mean() + half
    return low, high, "better" if high < 0 else "worse" if low > 0 else "indistinguishable"

# %% wrong: the normal quantile; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError("too few")
    d = np.array([first[s] - second[s] for s in shared])
    half = stats.norm.ppf((1 + level) / 2) * d.std(ddof=1) / len(d) ** 0.5
    low, high = d.mean() - half, d.mean() + half
    return low, high, "better" if high < 0 else "worse" if low > 0 else "indistinguishable"

# %% wrong: the spread of the seeds in place of the mean's error; in: rule; caught by: words
def compare(first, second, level):
    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError("too few")
    d = np.array([first[s] - second[s] for s in shared])
    low, high = d.mean() - 2 * d.std(ddof=1), d.mean() + 2 * d.std(ddof=1)
    return low, high, "better" if high < 0 else "worse" if low > 0 else "indistinguishable"

# %% wrong: the word goes by the mean; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError("too few")
    d = np.array([first[s] - second[s] for s in shared])
    half = stats.t.ppf((1 + level) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    return d.mean() - half, d.mean() + half, "better" if d.mean() < 0 else "worse" if d.mean() > 0 else "indistinguishable"

# %% wrong: an interval that touches zero counts as clear; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    shared = sorted(set(first) & set(second))
    if len(shared) < 3:
        raise ValueError("too few")
    d = np.array([first[s] - second[s] for s in shared])
    half = stats.t.ppf((1 + level) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    low, high = d.mean() - half, d.mean() + half
    return low, high, "better" if high <= 0 else "worse" if low >= 0 else "indistinguishable"

# %% wrong: few seeds are let through; in: rule; caught by: words
def compare(first, second, level):
    from scipy import stats
    shared = sorted(set(first) & set(second))
    d = np.array([first[s] - second[s] for s in shared])
    half = stats.t.ppf((1 + level) / 2, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    low, high = d.mean() - half, d.mean() + half
    return low, high, "better" if high < 0 else "worse" if low > 0 else "indistinguishable"

# %% wrong: seeds of its own for each schedule; in: runs; caught by: own_runs
made = {"known": for_budget(max(BUDGETS)), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))}
my_runs = {}
for i, (name, schedule) in enumerate(made.items()):
    ends = curve(schedule, [max(BUDGETS)], range(i * SEEDS, (i + 1) * SEEDS))[:, 0]
    my_runs[name] = dict(enumerate(ends))

# %% wrong: the seeds on which it came out best; in: runs; caught by: own_runs
made = {"known": for_budget(max(BUDGETS)), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))}
ends = {name: curve(schedule, [max(BUDGETS)], range(40))[:, 0] for name, schedule in made.items()}
best = np.argsort(ends["known"] - ends["line"])[:SEEDS]
my_runs = {name: {int(seed): values[seed] for seed in best} for name, values in ends.items()}

# %% wrong: made-up losses; in: runs; caught by: own_runs
my_runs = {
    name: {seed: loss + 0.01 * (seed % 5) for seed in range(SEEDS)}
    for name, loss in {"known": 0.92, "unknown": 0.94, "constant": 1.05, "line": 0.96}.items()
}

# %% wrong: a seed too few; in: runs; caught by: own_runs
made = {"known": for_budget(max(BUDGETS)), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))}
my_runs = {name: dict(enumerate(curve(schedule, [max(BUDGETS)], range(SEEDS - 1))[:, 0])) for name, schedule in made.items()}

# %% wrong: all are measured at the short budget; in: runs; caught by: own_runs
made = {"known": for_budget(min(BUDGETS)), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": lrlib.Linear(PEAK, 0.0, steps=min(BUDGETS))}
my_runs = {name: dict(enumerate(curve(schedule, [min(BUDGETS)], range(SEEDS))[:, 0])) for name, schedule in made.items()}

# %% wrong: the rival line is a worse one; in: runs; caught by: own_runs
made = {"known": for_budget(max(BUDGETS)), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": lrlib.Linear(PEAK / 4, 0.0, steps=max(BUDGETS))}
my_runs = {name: dict(enumerate(curve(schedule, [max(BUDGETS)], range(SEEDS))[:, 0])) for name, schedule in made.items()}

# %% wrong: a seed's best loss along the run; in: runs; with: keras; caught by: own_runs
made = {"known": for_budget(max(BUDGETS)), "unknown": anytime(), "constant": lrlib.Constant(PEAK), "line": lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))}
marks = list(range(10, max(BUDGETS) + 1, 10))
my_runs = {name: dict(enumerate(curve(schedule, marks, range(SEEDS)).min(1))) for name, schedule in made.items()}

# %% wrong: control minus own; in: claim; caught by: claims
my_intervals, my_claims = {}, {}
for name in ("known, constant", "known, line", "unknown, known"):
    first, second = name.split(", ")
    low, high, my_claims[name] = compare(my_runs[second], my_runs[first], LEVEL)
    my_intervals[name] = low, high

# %% wrong: modest words for clear intervals; in: claim; caught by: claims
my_intervals, my_claims = {}, {}
for name in ("known, constant", "known, line", "unknown, known"):
    first, second = name.split(", ")
    low, high, _ = compare(my_runs[first], my_runs[second], LEVEL)
    my_intervals[name], my_claims[name] = (low, high), "indistinguishable"

# %% wrong: says that not to know the budget is better, and that a fall is worse; in: claim; caught by: claims, claims_hold
my_intervals = {}
for name in ("known, constant", "known, line", "unknown, known"):
    first, second = name.split(", ")
    my_intervals[name] = compare(my_runs[first], my_runs[second], LEVEL)[:2]
my_claims = {"known, constant": "worse", "known, line": "worse", "unknown, known": "better"}

# %% wrong: intervals at another level; in: claim; caught by: claims
my_intervals, my_claims = {}, {}
for name in ("known, constant", "known, line", "unknown, known"):
    first, second = name.split(", ")
    low, high, my_claims[name] = compare(my_runs[first], my_runs[second], 0.5)
    my_intervals[name] = low, high

# %% wrong: intervals without pairs; in: claim; caught by: claims
from scipy import stats
my_intervals, my_claims = {}, {}
for name in ("known, constant", "known, line", "unknown, known"):
    first, second = (list(my_runs[one].values()) for one in name.split(", "))
    low, high = stats.ttest_ind(first, second).confidence_interval(LEVEL)
    my_intervals[name], my_claims[name] = (low, high), "better" if high < 0 else "worse" if low > 0 else "indistinguishable"

# %% unusual: one run that has both rates, and a law of its own make; in: law
from scipy.optimize import least_squares
longest = max(BUDGETS)
rates = np.array([PEAK] * (2 * longest // 3) + list(np.linspace(PEAK, 0, longest - 2 * longest // 3)))
marks = np.arange(10, longest + 1, 10)
losses = curve(rates.tolist().__getitem__, marks, range(200, 216)).mean(0)

def formula(numbers, area, rate):
    floor, scale, power, offset, noise = np.exp(numbers)
    return floor + scale * (area + offset) ** -power + noise * rate

found = least_squares(
    lambda numbers: np.log(formula(numbers, np.cumsum(rates)[marks - 1], rates[marks - 1]) / losses),
    np.log([0.9, 300.0, 3.0, 5.0, 0.6]),
)

def foretell(schedule, updates):
    given = [schedule(t) for t in range(updates)]
    return formula(found.x, sum(given), given[-1])

# %% unusual: the law on three runs; in: law
from lrlib.course.prediction import Law, Run
marks = list(range(12, max(BUDGETS) + 1, 12))
three = [lrlib.Constant(PEAK), lrlib.Linear(2 * PEAK, 0.0, steps=max(BUDGETS)), lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))]
law = Law.fit([Run(s, marks, curve(s, marks, range(300, 312))) for s in three])

def foretell(schedule, updates):
    return law.predict(np.array([schedule(t) for t in range(updates)]), updates)[-1]

# %% unusual: tables and objects for schedules; in: known
def for_budget(updates):
    return [2.3 * PEAK * (1 - (t / updates) ** 1.2) for t in range(updates)].__getitem__

# %% unusual: tables and objects for schedules; in: unknown
from dataclasses import dataclass

@dataclass
class Falling:
    first: float
    half: float

    def __call__(self, t):
        return self.first / (1 + t / self.half)

def anytime():
    return Falling(0.65, 45)

# %% unusual: tables and objects for schedules; in: runs
line = lrlib.Linear(PEAK, 0.0, steps=max(BUDGETS))
my_runs = {"line": {}, "constant": {}, "unknown": {}, "known": {}}
for seed in reversed(range(SEEDS + 3)):
    for name, schedule in (("known", for_budget(max(BUDGETS))), ("unknown", anytime()), ("constant", lambda t: PEAK), ("line", line)):
        my_runs[name][seed] = curve(schedule, (max(BUDGETS),), [seed])[0, 0]

# %% unusual: a late fall, tuned by a search on the law; in: known
def for_budget(updates):
    warm, fall = updates // 20, updates // 2
    candidates = [
        lrlib.WarmupStableDecay(factor * PEAK, warmup=warm, stable=updates - warm - fall, decay=fall, shape=shape)
        for factor in (1, 1.5, 2) for shape in ("linear", "1-sqrt")
    ]
    return min(candidates, key=lambda one: foretell(one, updates))

# %% unusual: SciPy's paired test; in: rule
def compare(first, second, level):
    from scipy import stats
    shared = list(first.keys() & second.keys())
    if len(shared) < 3:
        raise ValueError("at least three, please")
    a, b = (np.array([side[seed] for seed in shared]) for side in (first, second))
    if np.ptp(a - b) < 1e-12:
        low = high = (a - b)[0]
    else:
        low, high = stats.ttest_rel(a, b).confidence_interval(level)
    return low, high, {(True, False): "better", (False, True): "worse"}.get((high < 0, low > 0), "indistinguishable")

# %% unusual: a cosine and an exponential in Keras; in: known; with: keras
def for_budget(updates):
    return lambda t: 1.25 * PEAK * (1 + math.cos(math.pi * t / updates))

# %% unusual: a cosine and an exponential in Keras; in: unknown; with: keras
def anytime():
    return lambda t: 0.5 * 0.995**t
