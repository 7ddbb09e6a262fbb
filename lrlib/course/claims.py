"""The claims that the course takes from its sources, one value each, and how each is decided.

Nothing here is a result: words and numbers of a verdict come from :mod:`lrlib.course.verdicts`, that is, from the
stored runs. Published figures are quoted as their sources print them.
"""

import dataclasses
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from lrlib.course import budgets, facts, s2
from lrlib.course.budget_results import error_ratios
from lrlib.course.verdicts import (
    FRAMEWORKS,
    Fact,
    Figures,
    Gain,
    Higher,
    LowerError,
    Most,
    Over,
    Rule,
    Runs,
    Untestable,
    Verdict,
    at_update,
    final,
)

SOURCES = {
    "P": "papers on schedules (CLR and SGDR 2017, one-cycle 2018, budgeted training 2020, REX 2022), on small tasks",
    "S0": "Q-AGREL on digits, constant against “cyclical” (hebbnets, B. McMenamin, 2019)",
    "S1": "cyclical rates and the range test on an MNIST subset (B. Krishnan, 2020)",
    "S2": "cyclic learning rate for TensorFlow (mhmoodlan, 2019)",
    "S3": "step decay and reduce-on-plateau on MNIST (Deep Learning Wizard)",
    "S4": "four decays in Keras (IBM reading, after S. Lau, 2017)",
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """``setting`` says in words what of ours decides it; ``chapter`` where it is shown."""

    source: str
    text: str
    setting: str
    rule: Rule
    chapter: str


def _s3() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("S3", text, setting, rule, "03_step_and_plateau")

    updates = range(500, 3001, 500)
    printed = {"a": (96, 97, 97, 97, 97, 97), "b": (96, 96, 97, 97, 97, 97), "c": (96, 96, 97, 97, 97, 97)}
    for name, figures in printed.items():
        runs = [Runs("s3", name, at_update(update)) for update in updates]
        yield claim(
            f"({name}) {' '.join(map(str, figures))} % at updates 500, 1000 … 3000",
            "as written; remainders dropped",
            Figures(runs, figures, width=1.0),
        )
    for name, figure in (("d", 98.04), ("e", 98.01)):
        runs = [Runs("s3", name, at_update(6000))]
        yield claim(f"({name}) {figure} % after 10 epochs", "as written", Figures(runs, [figure]))
    for name in "abc":
        rule = Higher(Runs("s3", name, at_update(1500)), Runs("s3", "constant", at_update(1500)))
        yield claim(f"({name}) converges faster than a constant rate", "accuracy at update 1500", rule)
    for name in "abc":
        rule = Higher(Runs("s3", name, at_update(3000)), Runs("s3", "constant", at_update(3000)))
        yield claim(f"({name}) reaches higher accuracy than a constant rate", "accuracy after 5 epochs", rule)
    for name in ("d-validation", "e-validation"):
        rule = Higher(Runs("s3", name), Runs("s3", "constant-held-out"))
        text = f"({name[0]}), mended, reaches higher accuracy than a constant rate"
        yield claim(text, "10 epochs, 5,000 images held out", rule)
    train_loss = final("train_loss")
    yield claim(
        "rapid decay (a) ends at a worse loss than slow decay (c)",
        "training loss after 5 epochs",
        Higher(Runs("s3", "a", train_loss), Runs("s3", "c", train_loss), digits=4, unit="loss"),
    )
    yield claim(
        "longer patience (5 against 0) is better in long runs",
        "10 epochs, plateau on validation loss",
        Higher(Runs("s3", "d-loss-patience-5"), Runs("s3", "d-loss-patience-0")),
    )
    yield claim(
        "decay more slowly in longer runs", "–", Untestable("no run of this experiment is longer than 10 epochs")
    )


def _learning_rate() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("S4", text, setting, rule, "01_learning_rate")

    def runs(rate: float) -> Runs:
        return Runs("learning-rate", f"long-32-constant-{rate:g}", final("train_loss"))

    yield claim(
        "a small rate is slow",
        "digits: training loss after 20 epochs at 0.1 against 1, the best of the sweep",
        Higher(runs(0.1), runs(1.0), digits=4, unit="loss"),
    )
    yield claim(
        "a large rate overshoots",
        "digits: training loss after 20 epochs at 10 against 1, the best of the sweep",
        Higher(runs(10.0), runs(1.0), digits=4, unit="loss"),
    )


def _s4() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("S4", text, setting, rule, "04_four_decays")

    published = {
        "constant": ("constant rate", 70.50),
        "time-based": ("time-based decay", 71.05),
        "step": ("step decay", 71.45),
        "exponential": ("exponential decay", 66.40),
        "adagrad": ("Adagrad 0.01", 70.40),
        "adadelta": ("Adadelta 1.0", 72.10),
        "rmsprop": ("RMSprop 0.001", 73.45),
        "adam": ("Adam 0.001", 71.30),
    }
    for name, (label, figure) in published.items():
        setting = "as written, but 50 epochs instead of 100"
        yield claim(f"{label}: {figure:.2f} %", setting, Figures([Runs("s4", name)], [figure]))

    def against_constant(suffix: str) -> list[Higher]:
        control = Runs("s4", f"constant{suffix}")
        return [Higher(Runs("s4", f"{name}{suffix}"), control) for name in ("time-based", "step", "exponential")]

    yield claim(
        "in most cases a schedule improves on a constant rate",
        "one momentum (0) for all, 1,000 images held out; schedules clearly higher",
        Most(against_constant("-alike"), as_written=Most(against_constant(""))),
    )
    handicap = Gain(Runs("s4", "exponential-alike"), Runs("s4", "constant-alike"))
    written = Gain(Runs("s4", "exponential"), Runs("s4", "constant"))
    yield claim(
        "(ours) a common momentum takes away some of exponential decay's handicap",
        "gap to constant, momentum 0 for all minus as written",
        Higher(handicap, written),
    )
    yield claim(
        "the table: time-based rates 0.1, 0.099, 0.097, 0.095 at epochs 0, 10, 25, 50",
        "rates in force, epoch 50 by the rule",
        Fact(facts.time_based_table),
    )
    yield claim("the table: step decay's rate at epoch 50 is 0.00625", "the rule at epoch 50", Fact(facts.step_table))


def _s1() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("S1", text, setting, rule, "06_cycling_on_mnist")

    def watched(name: str, *epochs: int) -> Runs:
        """The accuracy on the 2,000 validation images after an epoch; the mean over several."""
        return Runs("s1", name, lambda result: np.mean([result["curve"]["accuracy"][epoch - 1] for epoch in epochs]))

    def log_loss(epoch: int) -> Runs:
        return Runs("s1", "cyclical", lambda result: np.log10(result["curve"]["loss"][epoch - 1]))

    def runs(name: str) -> Runs:
        return Runs("s1", name)

    setting = "as the text runs it; validation images"
    yield claim(
        "98.2638 % is an accuracy on the 2,000 validation images",
        "images that it stands for",
        Fact(facts.is_share_of_the_images),
    )
    corrected = f"{setting}; the printed figures, times 2016/2000"
    yield claim(
        "cyclical: 98.95 % after 4 epochs, 99.05 % after 8",
        corrected,
        Figures([watched("cyclical", 4), watched("cyclical", 8)], [98.95, 99.05]),
    )
    yield claim(
        "fixed: 97.05 % and 98.45 % after 8 epochs, two runs",
        corrected,
        Figures([watched("fixed", 8)] * 2, [97.05, 98.45]),
    )
    yield claim(
        "fewer iterations: cyclical after 4 epochs beats fixed after 8",
        setting,
        Higher(watched("cyclical", 4), watched("fixed", 8)),
    )
    written = Higher(runs("cyclical"), runs("fixed"))
    yield claim(
        "at equal epochs, cyclical beats no cycle",
        "8 epochs, against one line from 1e-3 to zero; as written: against fixed 1e-3",
        Higher(runs("cyclical"), runs("linear"), as_written=written),
    )
    for name, label in (("cosine", "one cosine from 1e-2 to zero"), ("step", "1e-3, a tenth of it after 6 epochs")):
        yield claim(
            f"the same, beside a further control ({name})",
            f"8 epochs, against {label}",
            Higher(runs("cyclical"), runs(name)),
        )
    yield claim("it combines with adaptive methods", "Adam, 8 epochs, against fixed 1e-3", written)
    yield claim(
        "… and more so than with plain gradients",
        "gain over fixed 1e-3: Adam's against SGD's with momentum 0.9",
        Higher(Gain(runs("cyclical"), runs("fixed")), Gain(runs("cyclical-sgd"), runs("fixed-sgd"))),
    )
    yield claim(
        "the finder's rate is the one to use: 5.21e-4 beats 1e-3",
        "fixed, 8 epochs",
        Higher(runs("fixed-advised"), runs("fixed")),
    )
    yield claim(
        "the finder's range is the one to cycle in: 3e-4 to 1e-3 beats 1e-3 to 1e-2",
        "triangular, 8 epochs",
        Higher(runs("cyclical-advised"), runs("cyclical")),
    )
    yield claim(
        "no need to tune",
        "spread (standard deviation) over the two ranges, against the two fixed rates",
        Higher(
            Over([runs("cyclical"), runs("cyclical-advised")], np.std),
            Over([runs("fixed"), runs("fixed-advised")], np.std),
            lower=True,
        ),
    )
    yield claim(
        "stop at the end of a cycle, on its own task",
        "cyclical: after 4 epochs, the end of a cycle, against the mean at the peaks on both sides",
        Higher(watched("cyclical", 4), watched("cyclical", 2, 6)),
    )
    yield claim(
        "raising the rate hurts briefly, on its own task",
        "cyclical: log10 of the validation loss at the second peak, against at the end before",
        Higher(log_loss(6), log_loss(4), unit="log10 of loss"),
    )


def _range_test() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("S1", text, setting, rule, "02_finding_the_range")

    runs = Runs("s1-range", "held-out-batches", facts.steepest)
    setting = "steepest point, losses on held-out batches; median and range"
    yield claim("the finder suggests 5.21e-4", setting, Figures([runs], [5.21e-4], log=True))
    yield claim(
        "the usable range is 3e-4 to 1e-3: the suggestion lies in it",
        "the median suggestion",
        Fact(facts.in_usable_range),
    )
    yield claim(
        "the usable range is 3e-4 to 1e-3: it lies in Smith's range", "Smith's rule, median", Fact(facts.smiths_range)
    )


def _s0() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("S0", text, setting, rule, "07_q_agrel")

    accuracy = final("accuracy")

    def runs(name: str) -> Runs:
        return Runs("s0", name, accuracy)

    for text, name, figure in (
        ("constant 0.01: 70.417 %", "linear-0.01", 70.417),
        ("cyclical: 90.694 %", "linear-0.005", 90.694),
    ):
        setting = f"as the code runs: {name.replace('-', ', ')}; means of ten"
        yield claim(text, setting, Figures([runs(name)], [figure], mean_of=10))
    yield claim(
        "a cyclical rate gives higher accuracy than a constant one",
        "cycle 0.0025 to 0.0075 against its mean rate",
        Higher(
            runs("linear-low-cycle"),
            runs("linear-low-mean"),
            as_written=Higher(runs("linear-0.005"), runs("linear-0.01")),
        ),
    )
    yield claim(
        "the same, with the cycle that the text describes",
        "cycle 0.005 to 0.02 against constant 0.01",
        Higher(runs("linear-triangle"), runs("linear-0.01")),
    )
    yield claim(
        "the same, with the ReLU that the text names",
        "cycle 0.005 to 0.02 against its mean rate",
        Higher(runs("relu-triangle"), runs("relu-0.0125")),
    )

    def error_after_7(result: dict[str, Any]) -> list[float]:
        return [errors[6] for errors in result["epoch_error"]]

    yield claim(
        "the cyclical run converges faster",
        "mean squared prediction error in epoch 7; cycle 0.0025 to 0.0075 against its mean rate",
        Higher(
            Runs("s0", "linear-low-cycle", error_after_7),
            Runs("s0", "linear-low-mean", error_after_7),
            lower=True,
            as_written=Higher(
                Runs("s0", "linear-0.005", error_after_7), Runs("s0", "linear-0.01", error_after_7), lower=True
            ),
            digits=4,
            unit="squared error",
        ),
    )
    yield claim(
        "a network deeper than needed shows the difference better",
        "gain of the low cycle over its mean rate, four hidden layers against two",
        Higher(
            Gain(runs("linear-low-cycle"), runs("linear-low-mean")),
            Gain(runs("shallow-low-cycle"), runs("shallow-low-mean")),
            as_written=Higher(
                Gain(runs("linear-0.005"), runs("linear-0.01")), Gain(runs("shallow-0.005"), runs("shallow-0.01"))
            ),
        ),
    )


def _cycling() -> Iterable[Claim]:
    def claim(source: str, text: str, setting: str, rule: Rule) -> Claim:
        return Claim(source, text, setting, rule, "05_cycling")

    def runs(name: str) -> Runs:
        return Runs("s2", name)

    def mean(*names: str) -> Over:
        return Over([runs(name) for name in names])

    def spread(names: Iterable[str]) -> Over:
        return Over([runs(name) for name in names], np.std)

    def gap(result: dict[str, Any]) -> float:
        return result["train_accuracy"] - result["test_accuracy"]

    bounds = spread(s2.pair(low, high) for low, high in s2.PAIRS)
    best = "constant-0.01"  # of the grid, on the held-out images
    for name in ("triangular", "triangular2", "exp_range"):
        yield claim(
            "S2",
            f"better convergence ({name})",
            "test accuracy against a constant rate at the cycle's mean; as suggested: the best constant of a grid",
            Higher(runs(name), runs("constant-mean"), as_written=Higher(runs(name), runs(best))),
        )
    yield claim(
        "S2",
        "better convergence (triangular), beside the missing control",
        "test accuracy against one line from the upper bound to zero",
        Higher(runs("triangular"), runs("linear")),
    )
    yield claim(
        "S2",
        "it helps in regularising",
        "triangular2's gap of training over test accuracy, against the best constant rate's",
        Higher(Runs("s2", "triangular2", gap), Runs("s2", best, gap), lower=True),
    )
    yield claim(
        "S2",
        "no need to find the one best rate",
        "spread (standard deviation) of test accuracy over a grid of bounds, against constant rates at their means; "
        "as suggested: a grid of constant rates",
        Higher(
            bounds,
            spread(s2.mean_of_pair(low, high) for low, high in s2.PAIRS),
            lower=True,
            as_written=Higher(bounds, spread(f"constant-{rate:g}" for rate in s2.RATES), lower=True),
        ),
    )
    yield claim(
        "S2",
        "a step size of 2 to 10 epochs is good",
        "mean test accuracy at 2, 5 and 10 epochs, against 0.5 and 1",
        Higher(mean("step-2", "triangular", "step-10"), mean("step-0.5", "step-1")),
    )
    yield claim(
        "S1",
        "the lower bound should be a third or a quarter of the upper",
        "mean test accuracy at a third and a quarter, against a tenth and two thirds",
        Higher(mean("ratio-3", "ratio-4"), mean("triangular", "ratio-1.5")),
    )

    def curve(result: dict[str, Any], key: str, cycles: float) -> float:
        """What was measured after so many cycles."""
        return float(result["curve"][key][round(2 * s2.STEP / s2.EVERY * cycles) - 1])

    def at_ends(result: dict[str, Any]) -> float:  # both sides of each peak, so that progress cancels out
        return float(np.mean([curve(result, "test_accuracy", end) for end in (1, 2, 2, 3, 3, 4)]))

    def at_peaks(result: dict[str, Any]) -> float:
        return float(np.mean([curve(result, "test_accuracy", peak) for peak in (1.5, 2.5, 3.5)]))

    yield claim(
        "S1",
        "stop at the end of a cycle",
        "triangular: test accuracy at the ends of cycles against at the peaks between them",
        Higher(Runs("s2", "triangular", at_ends), Runs("s2", "triangular", at_peaks)),
    )
    yield claim(
        "S1",
        "raising the rate hurts briefly",
        "triangular: log10 of the training loss at the second peak against at the end before",
        Higher(
            Runs("s2", "triangular", lambda result: np.log10(curve(result, "train_loss", 1.5))),
            Runs("s2", "triangular", lambda result: np.log10(curve(result, "train_loss", 1.0))),
            unit="log10 of loss",
        ),
    )
    yield claim(
        "S1",
        "… and helps later",
        "triangular against one fall between the same bounds, with the same mean rate",
        Higher(runs("triangular"), runs("fall")),
    )
    yield claim(
        "S1",
        "PyTorch's CyclicLR equals the NumPy function",
        "2000 rates, bounds 1e-3 and 1e-2",
        Fact(facts.cyclic_is_the_function),
    )
    yield claim(
        "S1",
        "exp_range shrinks both boundaries",
        "first and last cycle of six, γ 0.997",
        Fact(facts.exp_range_shrinks_both),
    )
    yield claim(
        "S1",
        "a cyclical rate gets the network out of saddle points",
        "–",
        Untestable("no run here measures whether a network stands at a saddle point"),
    )


def _budgets() -> Iterable[Claim]:
    def claim(text: str, name: str, control: str, stopped: float | None = None) -> Claim:
        moment = "at the end" if stopped is None else "stopped after three eighths"
        rule = LowerError(partial(error_ratios, name, control, stopped), len(budgets.TRIAL_SEEDS))
        return Claim("P", text, f"three tasks at three budgets, each tuned; {moment}", rule, "10_to_zero")

    yield claim("SGDR: at the end of training one cosine is better than restarts", "cosine", "sgdr")
    yield claim("SGDR: before the end restarts are better than one cosine", "sgdr", "cosine", 3 / 8)
    yield claim("budgeted training: a line to zero is better than a constant rate", "linear", "constant")
    yield claim("budgeted training: a line to zero is better than step decay", "linear", "step")
    yield claim("REX: it is better than a line to zero", "rex", "linear")


def _one_cycle() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("P", f"one-cycle: {text}", setting, rule, "09_one_cycle")

    runs = partial(Runs, "one-cycle")
    faster = Higher(runs("one-cycle"), runs("step-85"))
    yield claim("99.25 % after 12 epochs", "LeNet on MNIST, batch 512", Figures([runs("one-cycle")], [99.25]))
    yield claim("99.00 % after 85 epochs of step decay", "the drops are ours", Figures([runs("step-85")], [99.00]))
    yield claim("12 epochs of it are better than 85 of step decay", "test accuracy", faster)
    yield claim(
        "it is the cycle that makes it so",
        "against a line to zero from its peak, after a rise of one epoch; 12 epochs each",
        Higher(runs("one-cycle"), runs("warmup-linear"), as_written=faster),
    )
    yield claim(
        "momentum that falls while the rate rises helps",
        "against momentum 0.9",
        Higher(runs("one-cycle"), runs("one-cycle-one-momentum")),
    )


def _clr_table1() -> Iterable[Claim]:
    def claim(text: str, setting: str, rule: Rule) -> Claim:
        return Claim("P", f"CLR: {text}", setting, rule, "09_one_cycle")

    runs = partial(Runs, "clr-table1")
    cycles = runs("triangular2-tenth")

    def after_2800(result: dict[str, Any]) -> float:
        return float(result["curve"]["accuracy"][3])

    yield claim(
        "81.4 % by cycles in 25,000 updates as by a fixed rate in 70,000",
        "–",
        Untestable("these lengths want an accelerator; ours are a tenth"),
    )
    yield claim(
        "in fewer updates cycles are better than a fixed rate",
        "a tenth of the length; the fixed rate dropped where the cycles are, in as many updates",
        Higher(
            cycles,
            runs("fixed-early-drops-tenth"),
            as_written=Higher(cycles, runs("fixed-tenth", after_2800)),
        ),
    )


def all_claims() -> list[Claim]:
    """Every claim, in the order of the sources."""
    papers = (*_budgets(), *_one_cycle(), *_clr_table1())
    every = (*papers, *_s0(), *_range_test(), *_cycling(), *_s1(), *_s3(), *_learning_rate(), *_s4())
    return sorted(every, key=lambda claim: claim.source)


def judged(chapter: str | None = None) -> list[tuple[Claim, Verdict]]:
    """Each claim (that is shown in one chapter) with its verdict. Errors: ``ValueError`` for a chapter without any."""
    claims = all_claims()
    known = list(dict.fromkeys(claim.chapter for claim in claims))
    if chapter is not None and chapter not in known:
        raise ValueError(f"no claim is shown in chapter {chapter!r}, only in {', '.join(known)}")
    return [(claim, claim.rule.judge()) for claim in claims if chapter in (None, claim.chapter)]


HEAD = ["claim", "our setting", *FRAMEWORKS.values(), "seeds", "verdict"]


def row(claim: Claim, verdict: Verdict) -> list[str]:
    """A claim as a line under :data:`HEAD`."""
    numbers = [str(number) for number in dict.fromkeys(verdict.seeds.values())]
    word = f"{verdict.word}: {verdict.reason}" if verdict.reason else verdict.word
    shown = [verdict.shown[framework] for framework in FRAMEWORKS]
    return [claim.text, claim.setting, *shown, " and ".join(numbers) or "–", word]


def table(chapter: str) -> Any:
    """The claims that are shown in a chapter, with their verdicts, as a notebook's output."""
    from lrlib.course import figures

    return figures.table(HEAD, [row(claim, verdict) for claim, verdict in judged(chapter)])


def full_table() -> Any:
    """All claims with their sources, their verdicts and links to their chapters, as a notebook's output."""
    from lrlib.course import figures

    rows = [
        [claim.source, *row(claim, verdict), f"[chapter {claim.chapter[:2]}]({claim.chapter}.html)"]
        for claim, verdict in judged()
    ]
    return figures.table(["source", *HEAD, "shown in"], rows)


def counts(chapter: str | None = None) -> str:
    """How many claims have which verdict, in words."""
    words = [verdict.word for _, verdict in judged(chapter)]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
