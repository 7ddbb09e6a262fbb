"""A compiled schedule is the schedule: equal to the last bit, and a user's own family is left alone."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import OWN, any_schedule, sample

import lrlib
from lrlib._compiled import compiled

UPDATES = st.integers(0, 200) | st.integers(0, 10**15) | st.floats(0, 200)


@sample
def test_equal_to_the_last_bit(s):
    function = compiled(s)
    assert function is not s
    for t in (*range(60), *(10**k + 7 for k in range(2, 16))):
        assert (type(function(t)), function(t)) == (float, s(t))


@given(any_schedule, st.lists(UPDATES, min_size=1, max_size=20))
@settings(max_examples=300)
def test_equal_to_the_last_bit_for_any_schedule(s, updates):
    assert [compiled(s)(t) for t in updates] == [s(t) for t in updates]


@lrlib.register
class WholeOrNot(lrlib.Schedule):
    """Asks for the type of ``t``, which has none while it is traced."""

    def evaluate(self, t, ops):
        return 0.1 if isinstance(t, int) else 0.9


class Steeper(lrlib.Linear):
    def evaluate(self, t, ops):
        return super().evaluate(t, ops) ** 2


class Unregistered(lrlib.Schedule):
    """No dataclass, so that its parts cannot be asked for."""

    def evaluate(self, t, ops):
        return 0.5 / (t + 1)


@lrlib.register
class Unhashable(lrlib.Schedule):
    rates: dict

    def evaluate(self, t, ops):
        return self.rates.get(int(t), 0.1)


OWNS = [OWN, WholeOrNot(), Steeper(1.0, 0.5, 4), Unregistered(), Unhashable({2: 0.2})]


@pytest.mark.parametrize("own", OWNS, ids=lambda s: type(s).__name__)
def test_a_users_own_family_is_left_alone_however_deep(own):
    for s in (own, 2 * own, lrlib.Constant(0.1).take(4).then(own.take(9).hold(2))):
        assert compiled(s) is s


@pytest.mark.parametrize(("parts", "as_it_is"), [(63, False), (64, True)])
def test_very_many_parts_are_left_alone(parts, as_it_is):
    side_by_side = lrlib.schedules.Then(tuple(lrlib.Constant(k).take(1) for k in range(parts // 2 + 1)))
    nested = lrlib.Constant(1.0)
    for k in range(parts):
        nested = nested.take(1000 - k)
    assert (compiled(nested) is nested) is as_it_is
    for s in (side_by_side, nested):
        assert [compiled(s)(t) for t in range(100)] == [s(t) for t in range(100)]


def test_too_large_a_power_is_infinite_as_in_the_schedule():
    assert compiled(lrlib.Exponential(1.0, gamma=2.0))(5000) == math.inf
