"""Verdicts follow from numbers: the rules on made results, and the book's table on the stored ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from lrlib.course import claims, rules
from lrlib.course.experiment import Verdict
from lrlib.course.rules import Fact, Gain, Higher, LowerError, Most, Over, PublishedValue, Runs, Untestable


@pytest.fixture
def stored(monkeypatch):
    """Made results: ``stored(setting=numbers)`` for both frameworks, ``stored(setting=(pytorch, keras))`` for each."""
    results = {}
    monkeypatch.setattr(rules, "_stored", lambda experiment: results)

    def add(**settings):
        for name, numbers in settings.items():
            pair = numbers if isinstance(numbers, tuple) else (numbers, numbers)
            results[name.replace("_", "-")] = {
                framework: [{"test_accuracy": number} for number in one]
                for framework, one in zip(rules.FRAMEWORKS, pair, strict=True)
            }

    return add


def runs(setting):
    return Runs("made", setting)


def test_a_figure_is_reproduced_where_single_runs_fall_in_both_frameworks(stored):
    stored(near=[96.0, 97.0, 98.0], one_far=([96.0, 97.0, 98.0], [50.0, 50.1, 50.2]))
    assert PublishedValue([runs("near")], [97.5]).judge().word == rules.REPRODUCED
    assert PublishedValue([runs("near")], [120.0]).judge().word == rules.NOT_REPRODUCED
    assert PublishedValue([runs("one-far")], [97.5]).judge().word == rules.NOT_REPRODUCED
    both = PublishedValue([runs("near"), runs("near")], [97.5, 120.0])
    assert both.judge().word == rules.NOT_REPRODUCED  # each figure counts


def test_a_figure_of_whole_units_stands_for_what_was_cut_off(stored):
    stored(runs=[97.90, 97.91, 97.92])
    assert PublishedValue([runs("runs")], [97.0]).judge().word == rules.NOT_REPRODUCED
    assert PublishedValue([runs("runs")], [97.0], width=1.0).judge().word == rules.REPRODUCED
    assert PublishedValue([runs("runs")], [96.0], width=1.0).judge().word == rules.NOT_REPRODUCED


def test_a_mean_of_many_runs_is_held_to_a_narrower_range(stored):
    stored(runs=list(np.random.default_rng(0).normal(90, 1, 10)))
    assert PublishedValue([runs("runs")], [91.5]).judge().word == rules.REPRODUCED
    assert PublishedValue([runs("runs")], [91.5], mean_of=10).judge().word == rules.NOT_REPRODUCED


def test_a_run_without_a_number_reproduces_no_figure(stored):
    stored(runs=[97.0, float("nan"), 97.0])
    assert PublishedValue([runs("runs")], [97.0]).judge().word == rules.NOT_REPRODUCED
    assert PublishedValue([runs("runs")], [97.0], log=True).judge().word == rules.NOT_REPRODUCED


def test_a_comparison_needs_both_frameworks_clear_of_zero(stored):
    stored(
        low=[90.0, 91.0, 92.0],
        high=[92.0, 93.1, 93.9],
        noisy=[85.0, 99.0, 92.0],
        half=([92.0, 93.1, 93.9], [90.0, 91.0, 92.1]),
    )
    assert Higher(runs("high"), runs("low")).judge().word == rules.REPRODUCED
    assert Higher(runs("low"), runs("high")).judge().word == rules.NOT_REPRODUCED
    assert Higher(runs("low"), runs("high"), lower=True).judge().word == rules.REPRODUCED
    assert Higher(runs("noisy"), runs("low")).judge().word == rules.NOT_REPRODUCED
    assert Higher(runs("half"), runs("low")).judge().word == rules.NOT_REPRODUCED


def test_what_holds_only_as_written_is_confounded(stored):
    stored(low=[90.0, 91.0, 92.0], high=[92.0, 93.1, 93.9])
    written, fair = Higher(runs("high"), runs("low")), Higher(runs("low"), runs("low"))
    assert Higher(fair.runs, fair.control, as_written=written).judge().word == rules.CONFOUNDED
    assert Higher(fair.runs, fair.control, as_written=fair).judge().word == rules.NOT_REPRODUCED
    assert Higher(written.runs, written.control, as_written=fair).judge().word == rules.REPRODUCED
    assert Most([fair, fair], as_written=Most([written, written])).judge().word == rules.CONFOUNDED


def test_most_cases_are_more_than_half(stored):
    stored(low=[90.0, 91.0, 92.0], high=[92.0, 93.1, 93.9])
    yes, no = Higher(runs("high"), runs("low")), Higher(runs("low"), runs("high"))
    assert Most([yes, yes, no]).judge().word == rules.REPRODUCED
    assert Most([yes, no]).judge().word == rules.NOT_REPRODUCED
    assert Most([yes, yes, no]).judge().shown["keras"] == "2 of 3"


def test_most_cases_state_the_seeds_that_all_of_them_have(stored):
    stored(low=[90.0, 91.0, 92.0, 93.0], high=([92.0, 93.1, 93.9, 95.0], [92.0, 93.1, 93.9]))
    more, less = Higher(runs("high"), runs("low")), Higher(runs("low"), runs("low"))
    assert Most([more, less]).judge().seeds == {"pytorch": 4, "keras": 3}


def test_several_settings_give_one_number_a_seed(stored):
    stored(one=([90.0, 92.0, 97.0], []), other=([94.0, 98.0], [1.0]))
    assert Over([runs("one"), runs("other")]).numbers("pytorch").tolist() == [92.0, 95.0]
    assert Over([runs("one"), runs("other")], np.std).numbers("pytorch").tolist() == [2.0, 3.0]
    assert Over([runs("one"), runs("other")]).numbers("keras").tolist() == []


def test_one_seed_is_shown_and_does_not_decide(stored):
    stored(low=([90.0, 91.0, 92.0], [90.0]), high=([92.0, 93.1, 93.9], [89.0]), single=[97.0])
    verdict = Higher(runs("high"), runs("low")).judge()
    assert verdict.word == rules.REPRODUCED and verdict.shown["keras"] == "-1.00"
    assert dict(verdict.seeds) == {"pytorch": 3, "keras": 1}
    assert Higher(runs("single"), runs("single")).judge().word == rules.NOT_REPRODUCED  # nothing decides


def test_a_framework_that_ran_nothing_does_not_decide(stored):
    stored(ours=([98.0, 98.1, 98.2], []), theirs=([97.0, 97.1, 97.1], []))
    verdict = Higher(runs("ours"), runs("theirs")).judge()
    assert verdict.word == rules.REPRODUCED
    assert verdict.shown["keras"] == "–" and verdict.seeds == {"pytorch": 3}


def test_gains_are_compared_seed_by_seed(stored):
    stored(low=[90.0, 91.0, 92.0], high=[92.0, 93.1, 93.9], higher=[95.0, 96.1, 97.2])
    more, less = Gain(runs("higher"), runs("low")), Gain(runs("high"), runs("low"))
    assert Higher(more, less).judge().word == rules.REPRODUCED
    assert Higher(less, more).judge().word == rules.NOT_REPRODUCED


def test_an_error_is_lower_over_settings_if_its_ratio_is():
    lower, mixed = np.log([0.8, 0.7, 0.9, 0.85]), np.log([0.5, 1.2, 0.9, 1.1])

    def verdict(**ratios):
        return LowerError(lambda: ratios, seeds=3).judge()

    assert verdict(pytorch=lower).word == verdict(pytorch=lower, keras=lower).word == rules.REPRODUCED
    assert verdict(pytorch=-lower).word == verdict(pytorch=lower, keras=mixed).word == rules.NOT_REPRODUCED
    alone = verdict(pytorch=lower)
    assert dict(alone.shown) == {"pytorch": "-19 % (-32 to -4)", "keras": "–"} and dict(alone.seeds) == {"pytorch": 3}


def test_facts_and_what_cannot_be_tested():
    assert Fact(lambda framework: (True, "1.0")).judge().word == rules.REPRODUCED
    assert Fact(lambda framework: (framework == "keras", "1.0")).judge().word == rules.NOT_REPRODUCED
    verdict = Untestable("no run is that long").judge()
    assert verdict.word == rules.CANNOT and verdict.reason == "no run is that long"


@pytest.mark.parametrize(
    "kind", [Verdict, Runs, Gain, Over, PublishedValue, Higher, Most, LowerError, Fact, Untestable]
)
def test_a_rule_is_not_changed_once_it_is_made(kind):
    made = object.__new__(kind)
    with pytest.raises(AttributeError):
        made.word = "reproduced"


def test_the_books_table_follows_from_the_stored_results():
    notebook = json.loads((Path(claims.__file__).parents[2] / "book/chapters/verdicts.ipynb").read_text())
    pages = [
        "".join(output["data"].get("text/markdown", ""))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    lines = "\n".join(pages).splitlines()
    for claim, verdict in claims.judged():
        row = "| " + " | ".join([claim.source, *claims.row(claim, verdict)])
        assert any(line.startswith(row) for line in lines), f"the page does not say: {row}"


def test_every_claim_is_shown_in_a_chapter_that_exists_and_told_apart_from_the_others():
    chapters = Path(claims.__file__).parents[2] / "book" / "chapters"
    every = claims.all_claims()
    assert len({(claim.source, claim.text, claim.setting) for claim in every}) == len(every)
    for claim in every:
        assert (chapters / f"{claim.chapter}.py").exists(), claim
    with pytest.raises(ValueError, match="no claim is shown in chapter '99'"):
        claims.judged("99")
