"""The five words: properties of the one function that gives them, and how often the whole rule is wrong."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lrlib.course.rules import Higher
from lrlib.course.samples import Sample
from lrlib.course.words import EFFECT_WORDS, HOLDS, LONG_LOOKS, LOOKS, NEGLIGIBLE, NO_GAIN, REVERSED, UNDECIDED, word

numbers = st.floats(-1e6, 1e6)
sizes = st.floats(1e-3, 1e3)
RANK = {name: rank for rank, name in enumerate((REVERSED, NO_GAIN, NEGLIGIBLE, UNDECIDED, HOLDS))}


def definitions(low, high, smallest):
    """Each word's own condition, as the audit writes it, and not in the order of the function."""
    return {
        HOLDS: low > 0 and not high < smallest,
        REVERSED: high < 0 and not low > -smallest,
        NEGLIGIBLE: -smallest < low and high < smallest,
        NO_GAIN: high < smallest and high >= 0 and low <= -smallest,
        UNDECIDED: low <= 0 and high >= smallest,
    }


@given(numbers, st.floats(0, 1e6), sizes)
def test_exactly_one_word_fits_and_it_is_the_one_given(low, width, smallest):
    fits = [name for name, holds in definitions(low, low + width, smallest).items() if holds]
    assert fits == [word(low, low + width, smallest)]
    assert set(fits) <= set(EFFECT_WORDS)


@given(numbers, st.floats(0, 1e6), sizes, st.sampled_from([2.0**-20, 0.25, 2.0, 1024.0]))
def test_the_unit_does_not_matter(low, width, smallest, unit):
    assert word(unit * low, unit * (low + width), unit * smallest) == word(low, low + width, smallest)


@given(numbers, st.floats(0, 1e6), sizes, st.floats(0, 1e6))
def test_a_larger_effect_never_gets_a_worse_word(low, width, smallest, more):
    high = low + width
    # The same width after rounding, or it is another question.
    assume((high + more) - (low + more) == high - low)
    assert RANK[word(low + more, high + more, smallest)] >= RANK[word(low, high, smallest)]


@given(numbers, st.floats(0, 1e6), sizes)
def test_negating_the_effect_swaps_holds_and_reversed_and_leaves_negligible(low, width, smallest):
    high = low + width
    here, there = word(low, high, smallest), word(-high, -low, smallest)
    swapped = {HOLDS: REVERSED, REVERSED: HOLDS, NEGLIGIBLE: NEGLIGIBLE}
    assert {here, there} <= {NO_GAIN, UNDECIDED} or there == swapped.get(here) or here == swapped.get(there)


def test_an_interval_shorter_than_the_smallest_effect_always_decides():
    for low in np.linspace(-3, 3, 601):
        assert word(low, low + 0.999, 1.0) != UNDECIDED


@pytest.mark.parametrize("smallest", [0, -1, math.nan, math.inf])
def test_a_smallest_effect_is_above_zero(smallest):
    with pytest.raises(ValueError, match=f"above zero; got {smallest}"):
        word(0, 1, smallest)
    with pytest.raises(ValueError, match="got 2 and 1"):
        word(2, 1, 0.1)


def test_bounds_that_are_no_numbers_exclude_nothing():
    assert word(-math.inf, math.inf, 1) == word(math.nan, math.nan, 1) == UNDECIDED


def test_looks_and_levels_are_those_that_were_fixed_before_the_runs():
    assert LOOKS == {5: 0.005, 10: 0.010, 20: 0.015, 40: 0.020}
    assert LONG_LOOKS == {5: 0.0025, 10: 0.005, 20: 0.0075, 40: 0.010, 80: 0.0125, 160: 0.0125}


def test_the_shares_of_error_over_all_looks_are_five_percent():
    assert sum(LOOKS.values()) == pytest.approx(0.05) and sum(LONG_LOOKS.values()) == pytest.approx(0.05)


@dataclasses.dataclass(frozen=True)
class Made:
    """Numbers of one arm in PyTorch, and none in Keras."""

    values: np.ndarray
    lost: np.ndarray

    def settings(self):
        return set()

    def sample(self, framework, new, count=None):
        if framework != "pytorch":
            return Sample(np.empty(0), np.empty(0, bool))
        return Sample(self.values, self.lost).first(count)


def share_of_words(effect, lost=0.0, claims=2000, seed=0):
    """How often each word is the last, over made claims: sd of the differences 2, smallest effect of interest 1."""
    random = np.random.default_rng(seed)
    words = []
    for _ in range(claims):
        gone = random.random(40) < lost
        ours = Made(np.where(gone, 10.0, 90 + effect + random.normal(0, 2, 40)), gone)
        control = Made(np.full(40, 90.0), np.zeros(40, bool))
        words.append(Higher(ours, control, smallest=1.0).decide().word)
    return {name: words.count(name) / claims for name in EFFECT_WORDS}


def test_with_no_effect_at_most_one_claim_in_forty_is_said_to_hold():
    assert share_of_words(0)[HOLDS] <= 0.025


def test_an_effect_of_the_smallest_size_of_interest_is_found():
    assert share_of_words(1, claims=1000)[HOLDS] >= 0.75


@pytest.mark.slow
def test_lost_runs_are_no_part_of_a_mean():
    """A tenth of the runs is lost, and the others win by far: over all of them no mean is clear."""
    assert share_of_words(5, lost=0.1, claims=200)[HOLDS] >= 0.95


@pytest.mark.slow
def test_a_lost_run_in_twenty_makes_no_false_certainty():
    assert share_of_words(0, lost=0.05, claims=600)[HOLDS] <= 0.05
