"""What the claims need next: the plan, its costs, and the queue that runs it."""

import math
import re
import shutil
from types import SimpleNamespace

import pytest

from lrlib.course import claims, experiments, plan, samples, store, study
from lrlib.course.experiment import Claim, Trial, Verdict
from lrlib.course.rules import Higher
from lrlib.course.samples import Runs
from lrlib.course.words import UNDECIDED

CYCLING = experiments.get("cycling")
STORED = store.results_folder()


class Rule:
    """Wants trials until so many have been run."""

    def __init__(self, *trials):
        self.trials, self.word = list(trials), UNDECIDED

    def judge(self):
        return Verdict(self.word, {})

    def wanted(self):
        return [] if self.word != UNDECIDED else self.trials


def trial(setting, seed, framework="pytorch"):
    return Trial("cycling", setting, framework, seed)


@pytest.fixture
def made(monkeypatch):
    def make(**rules):
        every = [Claim("made", name, "", rule, "cycling") for name, rule in rules.items()]
        monkeypatch.setattr(claims, "judged", lambda: [(claim, claim.rule.judge()) for claim in every])
        monkeypatch.setattr(claims, "judgeable", lambda: (claims.judged(), {}))

    return make


def test_the_cheapest_look_comes_first_and_what_is_decided_last(made, tmp_path):
    cheap, dear, done = (
        Rule(trial("triangular", 100)),
        Rule(*(trial("triangular", s, "keras") for s in range(9))),
        Rule(),
    )
    made(done=done, dear=dear, cheap=cheap)
    steps = plan.steps(claims.judged(), tmp_path)
    assert [step.claim.text for step in steps] == ["cheap", "dear", "done"]
    assert steps[1].seconds == pytest.approx(9 * plan.cost(trial("triangular", 0, "keras")))
    assert steps[2].missing == [] and steps[2].seconds == 0


class TestTheCheapestWordComesFirst:
    """Comparisons of which so many seeds are foreseen to decide; each trial costs its setting's price."""

    @pytest.fixture
    def order(self, monkeypatch, tmp_path):
        prices = {"triangular": 1.0, "triangular2": 3.0}
        monkeypatch.setattr(plan, "cost", lambda trial: prices[trial.setting])

        def of(**rules):
            made = [(Claim("made", name, "", rule, "cycling"), Verdict(rule.word, {})) for name, rule in rules.items()]
            return [(step.claim.text, step.to_word) for step in plan.steps(made, tmp_path)]

        return of

    class Comparison(Higher):
        def __init__(self, setting, to_word, word=UNDECIDED):
            for name, value in {"setting": setting, "to_word": to_word, "word": word}.items():
                object.__setattr__(self, name, value)

        def wanted(self):
            return [trial(self.setting, 100 + seed) for seed in range(5)]

        def until_decided(self):
            return [trial(self.setting, 100 + seed) for seed in range(self.to_word)]

    def test_though_its_next_look_costs_more(self, order):
        far, near = self.Comparison("triangular", 40), self.Comparison("triangular2", 5)
        assert order(far=far, near=near) == [("near", 15.0), ("far", 40.0)]

    def test_what_no_look_will_decide_comes_last(self, order):
        never, published, near = (
            self.Comparison("triangular", 0),
            Rule(trial("triangular", 100)),
            self.Comparison("triangular2", 40),
        )
        assert order(never=never, published=published, near=near) == [
            ("near", 120.0),
            ("published", math.inf),
            ("never", math.inf),
        ]


def test_a_cost_is_the_median_of_what_is_stored():
    stored = [one["seconds"] for one in store.everything(CYCLING)["triangular"] if one["framework"] == "keras"]
    assert len(stored) == 15 and plan.cost(trial("triangular", 100, "keras")) == sorted(stored)[7]


def test_what_was_never_run_costs_nobody_knows_what(made, monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "_seconds", lambda experiment: {})
    made(never=Rule(trial("triangular", 100)))
    assert plan.cost(trial("triangular", 100)) == math.inf
    _, line, total = plan.as_text(plan.steps(claims.judged(), tmp_path)).splitlines()
    assert " ? " in line and total.startswith("next looks in all: 0 core-minutes")


def test_what_is_stored_is_not_missing_and_only_takes_some_experiments(made, tmp_path):
    made(one=Rule(trial("triangular", 100)))
    assert plan.steps(claims.judged(), tmp_path, only=["q_agrel"])[0].missing == []
    result = dict(store.load(CYCLING)["triangular"]["pytorch"][0], seed=100)
    store.write(CYCLING, trial("triangular", 100), result, tmp_path)
    assert plan.steps(claims.judged(), tmp_path)[0].missing == []


def test_the_text_says_word_seeds_and_minutes(made, tmp_path):
    made(one=Rule(trial("triangular", 100)))
    head, line, total = plan.as_text(plan.steps(claims.judged(), tmp_path)).splitlines()
    assert head.split() == ["word", "n", "core-min", "to", "word", "claim"]
    assert re.fullmatch(r"undecided +0 +0\.\d +–  cycling: one", line) and total.startswith(
        "next looks in all: 0 core-min"
    )


class TestQueue:
    @pytest.fixture(autouse=True)
    def empty(self, tmp_path, monkeypatch):
        """Nothing is stored."""
        monkeypatch.setattr(store, "results_folder", lambda: tmp_path)

    def test_each_look_is_run_and_judged_again_until_all_is_decided(self, made, tmp_path, monkeypatch, capsys):
        first, second = Rule(trial("triangular", 100)), Rule(trial("triangular", 100, "keras"))
        made(first=first, second=second)
        asked = []

        def bring(wanted, folder):
            asked.append(list(wanted))
            (first if wanted == first.trials else second).word = "holds"
            return study.Report(run=list(wanted))

        monkeypatch.setattr(study, "bring_up_to_date", bring)
        report = study.run_claims()
        assert asked == [first.trials, second.trials] and report.run == first.trials + second.trials
        assert capsys.readouterr().out.splitlines() == ["cycling: first: 1 trials", "cycling: second: 1 trials"]

    def test_what_fails_is_not_tried_for_ever(self, made, tmp_path, monkeypatch):
        made(one=Rule(trial("triangular", 100)))
        monkeypatch.setattr(
            study, "bring_up_to_date", lambda wanted, folder: study.Report(failed=dict.fromkeys(wanted, "no"))
        )
        assert study.run_claims().failed == {trial("triangular", 100): "no"}

    def test_what_another_process_runs_is_left_to_it(self, made, tmp_path, monkeypatch):
        made(one=Rule(trial("triangular", 100)), two=Rule(trial("triangular", 101)))
        monkeypatch.setattr(study, "bring_up_to_date", lambda wanted, folder: study.Report(elsewhere=list(wanted)))
        report = study.run_claims()
        assert (report.run, report.failed) == ([], {}) and len(report.elsewhere) == 2

    def test_what_needs_an_accelerator_waits_to_be_asked_for(self, made, tmp_path, monkeypatch):
        wanted = Trial("clr_table1", "triangular2", "pytorch", 105)
        made(one=Rule(wanted))
        monkeypatch.setattr(
            study, "bring_up_to_date", lambda wanted, folder: study.Report(failed=dict.fromkeys(wanted, ""))
        )
        assert study.run_claims().failed == {}
        assert list(study.run_claims(accelerator=True).failed) == [wanted]

    def test_what_cannot_be_read_is_told_and_keeps_no_other_claim_waiting(self, tmp_path, monkeypatch):
        """One setting's file is damaged, and one of another experiment is gone."""
        folder, names = tmp_path / "results", ("cycling", "step_and_plateau", "four_decays")
        for name in names:
            shutil.copytree(STORED / name, folder / name, ignore=shutil.ignore_patterns(".*"))
        monkeypatch.setattr(experiments, "NAMES", names)
        (folder / "cycling" / "triangular.json").write_text("{")
        (folder / "step_and_plateau" / "constant.json").unlink()
        monkeypatch.setattr(store, "results_folder", lambda: folder)
        planned = []
        monkeypatch.setattr(plan, "steps", lambda judged, *_, **__: planned.extend(judged) or [])
        unread = study.run_claims().unread
        samples.forget()
        assert planned and not {claim.text for claim, _ in planned} & {name.partition(": ")[2] for name in unread}
        assert {name.partition(":")[0] for name in unread} == {"cycling", "step_and_plateau"}
        reasons = " ".join(unread.values())
        assert "triangular.json is damaged" in reasons and "make experiments ONLY=step_and_plateau" in reasons

    def test_what_cannot_be_read_is_said_at_the_end(self, monkeypatch, capsys):
        monkeypatch.setattr(claims, "judgeable", lambda: ([], {"cycling: a claim": "its file is damaged"}))
        monkeypatch.setattr("sys.argv", ["study", "--plan"])
        assert study.main() == 1
        assert "not judged: cycling: a claim:\nits file is damaged" in capsys.readouterr().err

    def test_plan_runs_nothing(self, made, monkeypatch, capsys):
        made(one=Rule(trial("triangular", 159)))
        monkeypatch.setattr(study, "bring_up_to_date", lambda *_: pytest.fail("a trial was run"))
        monkeypatch.setattr("sys.argv", ["study", "--plan"])
        assert study.main() == 0 and "cycling: one" in capsys.readouterr().out


def test_new_seeds_are_read_as_far_as_none_is_lacking(tmp_path):
    result = store.load(CYCLING)["triangular"]["pytorch"][0]
    for seed in (0, 100, 101, 103):
        store.write(CYCLING, trial("triangular", seed), dict(result, seed=seed), tmp_path)
    assert [one["seed"] for one in store.load_new(CYCLING, tmp_path)["triangular"]["pytorch"]] == [100, 101]


def test_a_real_claim_is_looked_at_again_after_its_seeds_came(tmp_path, monkeypatch):
    """From no seed to a word, on results of one file: what the queue does, without the training."""
    rule = Higher(Runs(CYCLING, "triangular"), Runs(CYCLING, "constant-0.0003"), 0.3)
    monkeypatch.setattr(store, "results_folder", lambda: tmp_path)
    monkeypatch.setattr(samples, "stored", lambda experiment, new: store.load_new(experiment) if new else {})
    assert rule.judge().word == UNDECIDED and len(rule.wanted()) == 20
    for one in rule.wanted():
        accuracy = 95.0 + one.seed % 3 / 10 + 2 * (one.setting == "triangular")
        result = {"framework": one.framework, "seed": one.seed, "train_loss": 0.1, "test_accuracy": accuracy}
        store.write(CYCLING, one, result, tmp_path)
    assert rule.judge().word == "holds" and rule.wanted() == []


def test_the_commit_that_fixed_the_rules_is_named():
    assert re.fullmatch(r"[0-9a-f]{7,40}", plan.FIXED_IN)


def test_the_text_has_minutes_of_a_core_and_their_sum():
    def step(text, missing, seconds, accelerator=False):
        return plan.Step(
            Claim("made", text, "", None, "cycling"),
            Verdict(UNDECIDED, {}),
            missing,
            seconds,
            2 * seconds or math.inf,
            accelerator,
        )

    one = [trial("triangular", 100)]
    steps = [step("a", one, 5400.0), step("b", one, 3600.0), step("c", [], 0.0), step("d", one, 9e9, True)]
    _, *lines, total = plan.as_text(steps).splitlines()
    assert [line.split()[2] for line in lines] == ["90.0", "60.0", "–", "GPU"]
    assert [line.split()[3] for line in lines[:3]] == ["180.0", "120.0", "–"]
    assert total.startswith("next looks in all: 150 core-minutes")


def test_one_trial_that_needs_an_accelerator_is_enough():
    here, there = trial("triangular", 100), Trial("clr_table1", "fixed", "pytorch", 100)
    assert plan.needs_accelerator([here, there]) and not plan.needs_accelerator([here, here])


def test_a_setting_without_results_costs_what_its_experiment_does(monkeypatch):
    seconds = {("a", "pytorch"): [10.0, 20.0], ("b", "pytorch"): [60.0], ("a", "keras"): [1.0]}
    monkeypatch.setattr(plan, "_seconds", lambda experiment: seconds)
    assert plan.cost(trial("c", 100)) == 20 and plan.cost(trial("a", 100)) == 15
    assert plan.cost(trial("c", 100, "keras")) == 1


def test_what_was_spent_is_that_of_new_seeds_in_hours(monkeypatch):
    results = {
        name: {"a": {"pytorch": [{"seconds": 1800.0}] * 3}, "b": {"keras": [{"seconds": 900.0}]}} for name in "xy"
    }
    results["z"] = {}

    def experiment(name):
        rules = [object.__new__(Higher) for _ in range(3)] if name == "x" else []
        return SimpleNamespace(name=name, claims=lambda: [Claim("made", "", "", rule, "cycling") for rule in rules])

    words = iter([UNDECIDED, "holds", "holds"])
    monkeypatch.setattr(Higher, "judge", lambda self: Verdict(next(words), {}))
    monkeypatch.setattr(experiments, "NAMES", ("x", "y", "z"))
    monkeypatch.setattr(experiments, "get", experiment)
    monkeypatch.setattr(store, "load_new", lambda experiment: results[experiment.name])
    assert plan.spent() == [plan.Spent("x", 4, 1.75, 2, 3), plan.Spent("y", 4, 1.75, 0, 0)]
