# Answers to the assignment fair_comparison: see tests/assignments/harness.py for the form.

# %% parameters
LOW, HIGH = 0.1, 0.6
STEP_SIZE = 17
PUBLISHED = 0.3
UPDATES = 130
SEEDS = 4
LEVEL = 0.9

# %% wrong: counts the rate after the last update too; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    rates = [schedule(update) for update in range(min(updates + 1, 10**6))]
    return sum(rates) / len(rates)

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: counts updates from one and repeats the last; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    return sum(schedule(min(update, updates - 1)) for update in range(1, updates + 1)) / updates

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: the middle between the bounds; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    rates = [schedule(update) for update in range(updates)]
    return (min(rates) + max(rates)) / 2

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: the trapezoid rule, as for an integral; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    rates = [schedule(update) for update in range(updates)]
    return np.trapezoid(rates) / (updates - 1) if updates > 1 else rates[0]

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: one whole cycle only; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    period = min(updates, 2 * STEP_SIZE)
    return sum(schedule(update) for update in range(period)) / period

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: only lrlib's own schedules; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    return schedule.describe(updates)["mean"]

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: the geometric mean; in: equal_budget; caught by: mean
def mean_rate(schedule, updates):
    return float(np.exp(np.mean([np.log(schedule(update)) for update in range(updates)])))

def equal_budget_constant(schedule, updates):
    return lrlib.Constant(mean_rate(schedule, updates))

# %% wrong: the constant control has the parameters' mean; in: equal_budget; caught by: constant
def mean_rate(schedule, updates):
    return float(np.mean([schedule(update) for update in range(updates)]))

def equal_budget_constant(schedule, updates):
    return lrlib.Constant((LOW + HIGH) / 2)

# %% wrong: the control is a number, no schedule; in: equal_budget; caught by: constant
def mean_rate(schedule, updates):
    return float(np.mean([schedule(update) for update in range(updates)]))

def equal_budget_constant(schedule, updates):
    return mean_rate(schedule, updates)

# %% wrong: the line arrives one update after the budget; in: line; caught by: falling
def falling_line(schedule, updates):
    lowest = min(schedule(update) for update in range(updates))
    return lrlib.Linear(2 * mean_rate(schedule, updates) - lowest, lowest, steps=updates)

# %% wrong: the line keeps both bounds and loses the mean; in: line; caught by: falling
def falling_line(schedule, updates):
    rates = [schedule(update) for update in range(updates)]
    return lrlib.Linear(max(rates), min(rates), steps=updates - 1)

# %% wrong: the line goes to zero; in: line; caught by: falling
def falling_line(schedule, updates):
    return lrlib.Linear(2 * mean_rate(schedule, updates), 0.0, steps=updates - 1)

# %% wrong: the line rises; in: line; caught by: falling
def falling_line(schedule, updates):
    lowest = min(schedule(update) for update in range(updates))
    return lrlib.Linear(lowest, 2 * mean_rate(schedule, updates) - lowest, steps=updates - 1)

# %% wrong: the line ends at the schedule's first rate; in: line; caught by: falling
def falling_line(schedule, updates):
    first = schedule(0)
    return lrlib.Linear(max(0.0, 2 * mean_rate(schedule, updates) - first), first, steps=updates - 1)

# %% wrong: falls in a half cosine; in: line; caught by: falling
def falling_line(schedule, updates):
    lowest = min(schedule(update) for update in range(updates))
    return lrlib.Cosine(2 * mean_rate(schedule, updates) - lowest, lowest, steps=updates - 1)

# %% wrong: Keras's decay over the budget, which ends after the last update; in: line; with: keras; caught by: falling
import keras

def falling_line(schedule, updates):
    lowest = min(float(schedule(update)) for update in range(updates))
    first = 2 * mean_rate(schedule, updates) - lowest
    decay = keras.optimizers.schedules.PolynomialDecay(first, decay_steps=updates, end_learning_rate=lowest)
    return lambda update: float(decay(update))

# %% wrong: the normal distribution's quantile; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    half = stats.norm.ppf((1 + level) / 2) * np.std(differences, ddof=1) / len(differences) ** 0.5
    return np.mean(differences) - half, np.mean(differences) + half

# %% wrong: divides the variance by n; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    n = len(differences)
    half = stats.t.ppf((1 + level) / 2, n - 1) * np.std(differences) / n**0.5
    return np.mean(differences) - half, np.mean(differences) + half

# %% wrong: n degrees of freedom; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    n = len(differences)
    half = stats.t.ppf((1 + level) / 2, n) * np.std(differences, ddof=1) / n**0.5
    return np.mean(differences) - half, np.mean(differences) + half

# %% wrong: a one-sided quantile; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    n = len(differences)
    half = stats.t.ppf(level, n - 1) * np.std(differences, ddof=1) / n**0.5
    return np.mean(differences) - half, np.mean(differences) + half

# %% wrong: where one more run falls, not the mean; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    half = stats.t.ppf((1 + level) / 2, len(differences) - 1) * np.std(differences, ddof=1)
    return np.mean(differences) - half, np.mean(differences) + half

# %% wrong: always the level from the top; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    n = len(differences)
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * np.std(differences, ddof=1) / n**0.5
    return np.mean(differences) - half, np.mean(differences) + half

# %% wrong: NaN where all differences are equal; in: student; caught by: t_interval
def interval(differences, level):
    from scipy import stats
    with np.errstate(all="ignore"):
        half = stats.t.ppf((1 + level) / 2, len(differences) - 1) * stats.sem(differences)
        return tuple(np.mean(differences) + np.array([-1, 1]) * (half / half) * half)

# %% wrong: pairs by place in the dict; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    if min(len(ours), len(theirs)) < 3:
        raise ValueError("too few")
    return [a - b for a, b in zip(ours.values(), theirs.values())], abs(len(ours) - len(theirs))

# %% wrong: pairs by rank of the seed; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    shared = set(ours) & set(theirs)
    if len(shared) < 3:
        raise ValueError("too few")
    left = len(set(ours) ^ set(theirs))
    return [ours[a] - theirs[b] for a, b in zip(sorted(ours), sorted(theirs))][: len(shared)], left

# %% wrong: theirs minus ours; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    shared = set(ours) & set(theirs)
    if len(shared) < 3:
        raise ValueError("too few")
    return [theirs[seed] - ours[seed] for seed in shared], len(set(ours) ^ set(theirs))

# %% wrong: drops a diverged run; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    shared = [seed for seed in ours if seed in theirs and not math.isnan(ours[seed]) and not math.isnan(theirs[seed])]
    if len(shared) < 3:
        raise ValueError("too few")
    return [ours[seed] - theirs[seed] for seed in shared], len(set(ours) | set(theirs)) - len(shared)

# %% wrong: a missing run counts as nought; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    seeds = set(ours) | set(theirs)
    if len(set(ours) & set(theirs)) < 3:
        raise ValueError("too few")
    return [ours.get(seed, 0) - theirs.get(seed, 0) for seed in seeds], len(set(ours) ^ set(theirs))

# %% wrong: counts only our own seeds as left out; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    shared = set(ours) & set(theirs)
    if len(shared) < 3:
        raise ValueError("too few")
    return [ours[seed] - theirs[seed] for seed in shared], len(set(ours) - set(theirs))

# %% wrong: counts runs before it looks which are shared; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    if min(len(ours), len(theirs)) < 3:
        raise ValueError("too few")
    shared = set(ours) & set(theirs)
    return [ours[seed] - theirs[seed] for seed in shared], len(set(ours) ^ set(theirs))

# %% wrong: refuses three pairs; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    shared = set(ours) & set(theirs)
    if len(shared) <= 3:
        raise ValueError("too few")
    return [ours[seed] - theirs[seed] for seed in shared], len(set(ours) ^ set(theirs))

# %% wrong: removes from the dicts what is not shared; in: pair; caught by: pairs
def paired_differences(ours, theirs):
    left = 0
    for one, other in ((ours, theirs), (theirs, ours)):
        for seed in list(one):
            if seed not in other:
                del one[seed]
                left += 1
    if len(ours) < 3:
        raise ValueError("too few")
    return [ours[seed] - theirs[seed] for seed in ours], left

# %% wrong: an interval that touches zero is clear; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    if interval(paired_differences(ours, control)[0], level)[0] >= 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] >= 0 else "not reproduced"

# %% wrong: clear of zero on either side; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    def holds(theirs):
        low, high = interval(paired_differences(ours, theirs)[0], level)
        return low > 0 or high < 0
    return "reproduced" if holds(control) else "confounded" if holds(as_published) else "not reproduced"

# %% wrong: compares the means; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    def holds(theirs):
        return np.mean(paired_differences(ours, theirs)[0]) > 0
    return "reproduced" if holds(control) else "confounded" if holds(as_published) else "not reproduced"

# %% wrong: reproduced needs both comparisons; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    fair, published = (interval(paired_differences(ours, t)[0], level)[0] > 0 for t in (control, as_published))
    return "reproduced" if fair and published else "confounded" if published else "not reproduced"

# %% wrong: confounded whenever the two comparisons disagree; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    fair, published = (interval(paired_differences(ours, t)[0], level)[0] > 0 for t in (control, as_published))
    return "confounded" if fair != published else "reproduced" if fair else "not reproduced"

# %% wrong: compares without pairing; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    from scipy import stats
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    def holds(theirs):
        paired_differences(ours, theirs)
        test = stats.ttest_ind(list(ours.values()), list(theirs.values()), equal_var=False)
        return test.confidence_interval(level).low > 0
    return "reproduced" if holds(control) else "confounded" if holds(as_published) else "not reproduced"

# %% wrong: pairs only the seeds that all three share; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(accuracy) for runs in (control, as_published) for accuracy in runs.values()):
        raise ValueError("a control diverged")
    if any(math.isnan(accuracy) for accuracy in ours.values()):
        return "not reproduced"
    shared = set(ours) & set(control) & set(as_published)
    ours, control, as_published = ({seed: runs[seed] for seed in shared} for runs in (ours, control, as_published))
    low, low_published = (interval(paired_differences(ours, runs)[0], level)[0] for runs in (control, as_published))
    return "reproduced" if low > 0 else "confounded" if low_published > 0 else "not reproduced"

# %% wrong: always the 95 % level; in: judge; caught by: rule
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    if interval(paired_differences(ours, control)[0], 0.95)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], 0.95)[0] > 0 else "not reproduced"

# %% wrong: NaN is left to do what it does; in: judge; caught by: diverged
def verdict(ours, control, as_published, level):
    if interval(paired_differences(ours, control)[0], level)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] > 0 else "not reproduced"

# %% wrong: diverged runs are dropped first; in: judge; caught by: diverged
def verdict(ours, control, as_published, level):
    ours, control, as_published = (
        {seed: a for seed, a in runs.items() if not math.isnan(a)} for runs in (ours, control, as_published)
    )
    if interval(paired_differences(ours, control)[0], level)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] > 0 else "not reproduced"

# %% wrong: looks for NaN in the pairs only; in: judge; caught by: diverged
def verdict(ours, control, as_published, level):
    shared = set(ours) & set(control) & set(as_published)
    if any(math.isnan(runs[seed]) for runs in (control, as_published) for seed in shared):
        raise ValueError("diverged")
    if any(math.isnan(ours[seed]) for seed in shared):
        return "not reproduced"
    if interval(paired_differences(ours, control)[0], level)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] > 0 else "not reproduced"

# %% wrong: looks at ours before the controls; in: judge; caught by: diverged
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in ours.values()):
        return "not reproduced"
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if interval(paired_differences(ours, control)[0], level)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] > 0 else "not reproduced"

# %% wrong: compares with NaN by equality; in: judge; caught by: diverged
def verdict(ours, control, as_published, level):
    if any(a == math.nan for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    if any(a == math.nan for a in ours.values()):
        return "not reproduced"
    if interval(paired_differences(ours, control)[0], level)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] > 0 else "not reproduced"

# %% wrong: a diverged run of ours counts as nought percent; in: judge; caught by: diverged
def verdict(ours, control, as_published, level):
    if any(math.isnan(a) for a in [*control.values(), *as_published.values()]):
        raise ValueError("diverged")
    ours = {seed: 0.0 if math.isnan(a) else a for seed, a in ours.items()}
    if interval(paired_differences(ours, control)[0], level)[0] > 0:
        return "reproduced"
    return "confounded" if interval(paired_differences(ours, as_published)[0], level)[0] > 0 else "not reproduced"

# %% wrong: each schedule has seeds of its own; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES)]
runs = {}
for i, (name, schedule) in enumerate(zip(("cycle", "published", "constant", "line"), schedules)):
    runs[name] = {seed: train(schedule, seed) for seed in range(i * SEEDS, (i + 1) * SEEDS)}

# %% wrong: other seeds under the same names; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES)]
runs = {}
count = 0
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {}
    for seed in range(SEEDS):
        runs[name][seed] = train(schedule, count)
        count += 1

# %% wrong: one seed for all runs; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES)]
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = dict.fromkeys(range(SEEDS), train(schedule, 0))

# %% wrong: one seed short; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES)]
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {seed: train(schedule, seed) for seed in range(1, SEEDS)}

# %% wrong: made-up numbers; in: train_all; caught by: real_runs
runs = {
    "cycle": {seed: 95.0 + seed / 10 for seed in range(SEEDS)},
    "published": {seed: 77.0 + seed / 7 for seed in range(SEEDS)},
    "constant": {seed: 93.5 + seed / 8 for seed in range(SEEDS)},
    "line": {seed: 94.5 + seed / 9 for seed in range(SEEDS)},
}

# %% wrong: the fair constant is the upper bound; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), lrlib.Constant(HIGH), falling_line(cycle, UPDATES)]
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {seed: train(schedule, seed) for seed in range(SEEDS)}

# %% wrong: the line falls over whole epochs that are not the budget; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES // 2)]
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {seed: train(schedule, seed) for seed in range(SEEDS)}

# %% wrong: two schedules swapped; in: train_all; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, equal_budget_constant(cycle, UPDATES), lrlib.Constant(PUBLISHED), falling_line(cycle, UPDATES)]
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {seed: train(schedule, seed) for seed in range(SEEDS)}

# %% wrong: one rate an epoch, as Keras's LearningRateScheduler has it; in: train_all; with: keras; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES)]
epoch = len(train_images) // BATCH
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {seed: train(lambda update: schedule(update // epoch * epoch), seed) for seed in range(SEEDS)}

# %% wrong: the Keras model goes on from the run before; in: train_all; with: keras; caught by: real_runs
cycle = lrlib.Triangular(LOW, HIGH, STEP_SIZE)
schedules = [cycle, lrlib.Constant(PUBLISHED), equal_budget_constant(cycle, UPDATES), falling_line(cycle, UPDATES)]
runs = {}
for name, schedule in zip(("cycle", "published", "constant", "line"), schedules):
    runs[name] = {}
    rates = tf.constant([float(schedule(update)) for update in range(UPDATES)], tf.float32)
    for seed in range(SEEDS):
        all_updates(rates, tf.constant(draw_batches(seed)))
        runs[name][seed] = in_keras.evaluate(network, test_images, test_labels)[1]

# %% wrong: control minus cycle; in: conclude; caught by: conclusion
my_intervals = {c: interval(paired_differences(runs[c], runs["cycle"])[0], LEVEL) for c in ("constant", "line")}
my_verdicts = {c: verdict(runs["cycle"], runs[c], runs["published"], LEVEL) for c in ("constant", "line")}

# %% wrong: the published control taken for the fair one; in: conclude; caught by: conclusion
my_intervals = {c: interval(paired_differences(runs["cycle"], runs[c])[0], LEVEL) for c in ("constant", "line")}
my_verdicts = {c: verdict(runs["cycle"], runs["published"], runs[c], LEVEL) for c in ("constant", "line")}

# %% wrong: the published comparison is reported twice; in: conclude; caught by: conclusion
my_intervals = dict.fromkeys(("constant", "line"), interval(paired_differences(runs["cycle"], runs["published"])[0], LEVEL))
my_verdicts = dict.fromkeys(("constant", "line"), "reproduced")

# %% wrong: another level in the report; in: conclude; caught by: conclusion
my_intervals = {c: interval(paired_differences(runs["cycle"], runs[c])[0], 0.5) for c in ("constant", "line")}
my_verdicts = {c: verdict(runs["cycle"], runs[c], runs["published"], LEVEL) for c in ("constant", "line")}

# %% wrong: an unpaired interval in the report; in: conclude; caught by: conclusion
from scipy import stats

my_intervals, my_verdicts = {}, {}
for c in ("constant", "line"):
    test = stats.ttest_ind(list(runs["cycle"].values()), list(runs[c].values()))
    my_intervals[c] = tuple(test.confidence_interval(LEVEL))
    my_verdicts[c] = verdict(runs["cycle"], runs[c], runs["published"], LEVEL)

# %% unusual: arrays and functions instead of lrlib; in: equal_budget
def mean_rate(schedule, updates):
    return np.fromiter(map(schedule, range(updates)), float, updates).mean()

def equal_budget_constant(schedule, updates):
    rate = mean_rate(schedule, updates)
    return lambda update: rate

# %% unusual: arrays and functions instead of lrlib; in: line
def falling_line(schedule, updates):
    rates = np.vectorize(schedule, otypes=[float])(np.arange(updates))
    slope = 2 * (rates.mean() - rates.min()) / (updates - 1)
    return (rates.min() + slope * np.arange(updates)[::-1]).__getitem__

# %% unusual: a running mean, and a line through the middle; in: equal_budget
def mean_rate(schedule, updates):
    mean = 0.0
    for update in range(updates):
        mean += (schedule(update) - mean) / (update + 1)
    return mean

def equal_budget_constant(schedule, updates):
    return lrlib.Linear(*[mean_rate(schedule, updates)] * 2, steps=updates)

# %% unusual: a running mean, and a line through the middle; in: line
def falling_line(schedule, updates):
    middle, lowest = mean_rate(schedule, updates), min(map(schedule, range(updates)))
    half = (updates - 1) / 2
    return lambda update: middle + (middle - lowest) * (half - update) / half

# %% unusual: SciPy's test turned into an interval, with arrays; in: student
def interval(differences, level):
    from scipy import stats
    if np.ptp(differences) == 0:
        return np.array([differences[0]] * 2)
    return np.array(stats.ttest_1samp(differences, 0).confidence_interval(level))

# %% unusual: SciPy's test turned into an interval, with arrays; in: pair
def paired_differences(ours, theirs):
    shared, i, j = np.intersect1d(list(ours), list(theirs), return_indices=True)
    if shared.size < 3:
        raise ValueError("at least three shared seeds, please")
    differences = np.array(list(ours.values()))[i] - np.array(list(theirs.values()))[j]
    return differences, len(ours) + len(theirs) - 2 * shared.size

# %% unusual: decides by a p-value; in: judge
def verdict(ours, control, as_published, level):
    from scipy import stats
    if np.isnan([*control.values(), *as_published.values()]).any():
        raise ValueError("a control diverged")
    if np.isnan(list(ours.values())).any():
        return "not reproduced"
    for theirs, word in ((control, "reproduced"), (as_published, "confounded")):
        differences = np.array(paired_differences(ours, theirs)[0])
        if np.ptp(differences) < 1e-9:
            clear = differences[0] > 0
        else:
            clear = stats.ttest_1samp(differences, 0, alternative="greater").pvalue < (1 - level) / 2
        if clear:
            return word
    return "not reproduced"

# %% unusual: other seeds, more of them, seed by seed, and functions for schedules; in: train_all
def control_rate(update, rates=tuple(map(lrlib.Triangular(LOW, HIGH, STEP_SIZE), range(UPDATES)))):
    return math.fsum(rates) / len(rates)

def triangle(update):
    return LOW + (HIGH - LOW) * (1 - abs(update / STEP_SIZE % 2 - 1))

line = falling_line(triangle, UPDATES)
every = (("line", line), ("cycle", triangle), ("constant", control_rate), ("published", lambda update: PUBLISHED))
runs = {name: {} for name, _ in every}
for seed in reversed(range(100, 101 + SEEDS)):
    for name, schedule in every:
        runs[name][seed] = train(schedule, seed)

# %% unusual: other seeds, more of them, seed by seed, and functions for schedules; in: conclude
my_verdicts = {c: verdict(runs["cycle"], runs[c], runs["published"], LEVEL) for c in ("line", "constant")}
my_intervals = {c: np.array(interval(paired_differences(runs["cycle"], runs[c])[0], LEVEL)) for c in my_verdicts}
