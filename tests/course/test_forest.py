"""The pictures of the verdicts: what is drawn of made claims, and that their colours can be read."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from lrlib.course import figures, forest, rules, words
from lrlib.course.experiment import Claim, Outcome, Verdict
from lrlib.course.figures import plt
from lrlib.course.forest import WORD_COLOURS
from lrlib.course.rules import Higher, Most, Untestable
from lrlib.course.samples import Sample
from lrlib.course.sources import KRISHNAN, MCMENAMIN, SOURCES

NOBODY = Untestable("made")


@pytest.fixture(autouse=True)
def styled():
    """Draw in the book's style, and leave no figure open."""
    with plt.rc_context():
        figures.use_style()
        yield
    plt.close("all")


@dataclasses.dataclass(frozen=True)
class Made:
    """Numbers of one arm: framework → whether they are new → values; ``lost`` of them learned nothing."""

    values: dict
    lost: int = 0

    def sample(self, framework, new, count=None):
        values = np.array(self.values.get((framework, new), []), float)
        return Sample(values, np.arange(len(values)) < self.lost).first(count)


def outcome(word=words.HOLDS, mean=2.0, low=1.0, high=3.0, smallest=0.5, **more):
    return Outcome(word, 3, mean, low, high, smallest, ("pytorch",), 0.95, **more)


def claim(text="one is better", rule=NOBODY, source=KRISHNAN):
    return Claim(source, text, "made", rule, "cycling")


def verdict(word=words.HOLDS, **looks):
    return Verdict(word, {}, **looks)


def compared(lower=False, lost=0, new=True):
    """A rule whose differences are 1, 2, 3 and, beyond the look, 100 in PyTorch, and 4 in Keras."""
    ours = Made({("pytorch", new): [1, 2, 3, 100], ("keras", new): [4]}, lost)
    return Higher(ours, Made({("pytorch", new): [0] * 4, ("keras", new): [0]}), smallest=0.5, lower=lower)


def marks(figure: Figure, name: str):
    """What is drawn under a label: its places, as x and y, and the artist."""
    (found,) = [drawn for drawn in figure.axes[0].collections if drawn.get_label() == name]
    return np.asarray(found.get_offsets()), found


def heads(figure: Figure) -> dict:
    """The bold lines inside, by their rows."""
    return {text.get_position()[1]: text for text in figure.axes[0].texts if text.get_weight() == "bold"}


def texts(figure: Figure) -> dict:
    words = set(figure.axes[0].texts) - set(heads(figure).values())
    return {text.get_text(): to_hex(text.get_color()).upper() for text in words}


def names(figure: Figure) -> list[str]:
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    return [label or heads(figure)[y].get_text() for y, label in enumerate(labels)]


# ---- Every comparison ------------------------------------------------------------------------------------------------


def test_each_comparison_is_a_diamond_in_units_of_its_smallest_effect_with_its_interval():
    drawn = forest.forest([(claim(), verdict(outcome=outcome())), (claim(), verdict(outcome=outcome(mean=-2, low=-4)))])
    places, _ = marks(drawn, "pooled, new seeds")
    assert places.tolist() == [[4, 1], [-4, 2]]  # the source's name stands in line 0
    _, lines = marks(drawn, "interval, new seeds")
    assert [segment.tolist() for segment in lines.get_segments()] == [[[2, 1], [6, 1]], [[-8, 2], [6, 2]]]


@pytest.mark.parametrize("word", words.EFFECT_WORDS)
def test_the_word_stands_as_text_and_in_its_colour(word):
    drawn = forest.forest([(claim(), verdict(word, outcome=outcome(word)))])
    assert texts(drawn) == {word: WORD_COLOURS[word].upper()}
    _, diamond = marks(drawn, "pooled, new seeds")
    assert to_hex(diamond.get_facecolor()[0]).upper() == WORD_COLOURS[word]


def test_without_a_new_seed_a_diamond_is_hollow_and_has_the_word_of_the_verdict():
    looks = verdict(words.UNDECIDED, first=outcome(words.REVERSED, low=-1)), verdict(outcome=outcome(), first=outcome())
    drawn = forest.forest([(claim(), look) for look in looks])
    places, hollow = marks(drawn, "pooled, first seeds")
    assert places.tolist() == [[4, 1]] and to_hex(hollow.get_facecolor()[0]) == "#ffffff"
    places, filled = marks(drawn, "pooled, new seeds")
    assert places.tolist() == [[4, 2]] and to_hex(filled.get_facecolor()[0]) != "#ffffff"
    assert set(texts(drawn)) == {words.UNDECIDED, words.HOLDS}


def test_claims_stand_under_their_sources_in_the_order_of_these():
    judged = [
        (claim(text, source=source), verdict(outcome=outcome())) for source, text in ((KRISHNAN, "b"), (MCMENAMIN, "a"))
    ]
    assert names(forest.forest(judged)) == [MCMENAMIN, "a", KRISHNAN, "b"]


def test_cases_stand_under_their_claim_each_with_its_own_word(monkeypatch):
    def case_of(case, word):
        made = Higher(None, None, 0.5)
        found = verdict(word, outcome=outcome(word)) if word else verdict(words.UNDECIDED)
        monkeypatch.setitem(judged_by, id(made), found)
        return case, made

    judged_by: dict = {}
    monkeypatch.setattr(Higher, "judge", lambda self: judged_by[id(self)])
    monkeypatch.setattr(Higher, "decide", lambda self: judged_by[id(self)].outcome)
    monkeypatch.setattr(forest, "_frameworks", lambda *args: {})
    cases = dict([case_of("digits", words.HOLDS), case_of("mnist", words.NEGLIGIBLE), case_of("cifar10", "")])
    whole = dataclasses.replace(claim("a line is better"), rule=Most(cases))
    drawn = forest.forest([(whole, verdict(words.UNDECIDED)), (claim("alone"), verdict(outcome=outcome()))], cases=True)
    assert names(drawn) == ["a line is better", "digits", "mnist"]
    assert set(texts(drawn)) == {words.HOLDS, words.NEGLIGIBLE}


def test_what_has_no_interval_is_not_drawn():
    judged = [(claim("a"), verdict(outcome=outcome())), (claim("b", source=MCMENAMIN), verdict(rules.CANNOT))]
    assert names(forest.forest(judged)) == [KRISHNAN, "a"]
    with pytest.raises(ValueError, match="nothing to draw"):
        forest.forest(judged[1:])


def test_a_long_claim_is_cut_and_lost_runs_are_named_all_the_same():
    judged = [(claim("word " * 40), verdict(outcome=outcome(lost=True)))]
    (_, name) = names(forest.forest(judged))
    assert name.endswith("word … (runs lost)") and len(name) < 80


@pytest.mark.parametrize(("lower", "sign"), [(False, 1), (True, -1)])
@pytest.mark.parametrize("new", [False, True])
def test_frameworks_have_the_means_of_the_seeds_of_the_look_turned_to_the_claim(lower, sign, new):
    look = {"outcome" if new else "first": outcome()}
    drawn = forest.forest([(claim(rule=compared(lower, new=new)), verdict(**look))])
    seeds = "new seeds" if new else "first seeds"
    for name, mean in (("PyTorch", 2), ("Keras", 4)):
        places, _ = marks(drawn, f"{name}, {seeds}")
        assert places[:, 0].tolist() == [sign * mean / 0.5]


def test_a_framework_that_lost_runs_is_not_mixed_with_differences():
    judged = [(claim(rule=compared(lost=1)), verdict(outcome=outcome()))]
    assert marks(forest.forest(judged), "PyTorch, new seeds")[0].size == 0


def test_where_runs_are_lost_a_framework_is_on_the_scale_of_probability_too():
    rule = compared(lost=1)  # of three pairs one is lost, the others won
    judged = [(claim(rule=rule), verdict(outcome=outcome(lost=True, smallest=0.1)))]
    places, _ = marks(forest.forest(judged), "PyTorch, new seeds")
    assert places[:, 0] == pytest.approx([(2 / 3 - 0.5) / 0.1])


def test_an_end_that_is_not_a_number_reaches_the_end_of_the_axis():
    drawn = forest.forest([(claim(), verdict(words.UNDECIDED, outcome=outcome(high=np.nan)))])
    _, lines = marks(drawn, "interval, new seeds")
    assert lines.get_segments()[0][1][0] == drawn.axes[0].get_xlim()[1]


def test_every_mark_lies_inside_the_axis():
    drawn = forest.forest([(claim(), verdict(outcome=outcome(mean=400, low=-600, high=900)))])
    low, high = drawn.axes[0].get_xlim()
    assert low < -1200 and high > 1800


def test_the_summary_that_a_notebook_stores_changes_with_the_word():
    def summary(word):
        return figures.summary(forest.small([(claim(), verdict(word))]))

    assert summary(words.HOLDS) != summary(words.REVERSED)


# ---- Counts ----------------------------------------------------------------------------------------------------------


def test_counts_are_drawn_for_each_source_and_no_claim_is_named():
    said = [words.HOLDS, words.HOLDS, rules.CANNOT]
    judged = [(claim("secret"), verdict(word)) for word in said] + [
        (claim("secret", source=MCMENAMIN), verdict(rules.HAD))
    ]
    drawn = forest.small(judged)
    (ax,) = drawn.axes
    assert names(drawn) == [MCMENAMIN, KRISHNAN]
    assert [text.get_text() for text in ax.texts] == ["1", "2", "1"]
    assert [bar.get_width() for bar in ax.patches] == [1, 2, 1]
    key = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert key == ["holds (2)", "had again (1)", "cannot be tested here (1)"]
    assert "secret" not in figures.summary(drawn)


def test_bars_of_the_same_claims_are_not_summed():
    drawn = forest.bars({"half": [words.HOLDS], "twice": [words.UNDECIDED]})
    assert names(drawn) == ["half", "twice"]
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["holds", "undecided"]


def test_every_source_has_a_bar_where_it_has_claims():
    judged = [(claim(source=source), verdict()) for source in SOURCES]
    assert names(forest.small(judged)) == list(SOURCES)


# ---- Colours ---------------------------------------------------------------------------------------------------------

ALL_WORDS = {
    *words.EFFECT_WORDS,
    *(rules.HAD, rules.NOT_HAD, rules.CANNOT_TELL, rules.TRUE, rules.FALSE, rules.CANNOT),
}
# What a colour looks like without one kind of cones: Machado, Oliveira and Fernandes (2009), in linear RGB.
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    """Linear RGB."""
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def on_white(colour):
    """The contrast of text in this colour on white, as WCAG has it."""
    return 1.05 / (XYZ[1] @ linear(colour) + 0.05)


def lab(colour, sight):
    """CIELAB, as this sight has it: a distance of 2 is just seen."""
    x, y, z = XYZ @ np.clip(np.array(sight) @ linear(colour), 0, 1) / XYZ.sum(1)
    x, y, z = (np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_word_has_a_colour_that_can_be_read_on_white():
    assert set(WORD_COLOURS) == ALL_WORDS
    assert on_white("#767676") == pytest.approx(4.54, abs=0.01)  # the palest grey that passes
    for word, colour in WORD_COLOURS.items():
        assert on_white(colour) >= 4.5, word


@pytest.mark.parametrize("sight", SIGHTS.values(), ids=SIGHTS)
def test_colours_are_told_apart(sight):
    different = sorted(set(WORD_COLOURS.values()))
    for number, one in enumerate(different):
        for other in different[number + 1 :]:
            assert np.linalg.norm(lab(one, sight) - lab(other, sight)) > 20, (one, other)


def test_words_of_one_colour_have_different_patterns():
    looks = [(colour, forest.HATCHES.get(word)) for word, colour in WORD_COLOURS.items()]
    assert len(set(looks)) == len(looks)
