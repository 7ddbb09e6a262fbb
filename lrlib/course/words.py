"""The word that an interval and a smallest effect of interest give, and the looks at which it is asked.

Effects are signed: above zero is what the claim says. The words, for an interval from ``low`` to ``high``:

- *holds*: the effect lies above zero, and one of the smallest size of interest or more is not excluded;
- *reversed*: the same on the other side;
- *negligible*: an effect of that size is excluded on both sides;
- *no gain*: it is excluded on the claimed side; whether there is a loss is open;
- *undecided*: more runs are needed.

Superiority, equivalence and inferiority are tested at one level, as in J. J. Goeman, A. Solari and T. Stijnen,
"Three-sided hypothesis testing", Statistics in Medicine 29 (2010); non-superiority is added, for a claim has one side.
"""

import math

HOLDS, REVERSED, NEGLIGIBLE, NO_GAIN, UNDECIDED = "holds", "reversed", "negligible", "no gain", "undecided"
EFFECT_WORDS = (HOLDS, NEGLIGIBLE, NO_GAIN, REVERSED, UNDECIDED)

# Numbers of seeds at which a claim is looked at, and one minus the level of the interval there. The shares of error sum
# to 0.05, so what is said at the first look that decides is right with 95 %, however the looks depend on each other.
LOOKS = {5: 0.005, 10: 0.010, 20: 0.015, 40: 0.020}
LONG_LOOKS = {5: 0.0025, 10: 0.005, 20: 0.0075, 40: 0.010, 80: 0.0125, 160: 0.0125}  # where a run takes seconds


def word(low: float, high: float, smallest: float) -> str:
    """What an interval says of a claim; ``smallest`` is the smallest effect of interest, in the same unit.

    A bound that is not a number excludes nothing. Errors: ``ValueError`` for a smallest effect that is not above zero,
    or bounds in the wrong order.

    >>> word(0.1, 0.4, smallest=0.3), word(-0.1, 0.2, smallest=0.3), word(-0.4, 0.2, smallest=0.3)
    ('holds', 'negligible', 'no gain')
    """
    if not 0 < smallest < math.inf:
        raise ValueError(f"the smallest effect of interest is a number above zero; got {smallest}")
    if low > high:
        raise ValueError(f"the interval's lower end is not above its upper end; got {low} and {high}")
    if not high < smallest:
        return HOLDS if low > 0 else UNDECIDED
    if low > -smallest:
        return NEGLIGIBLE
    return REVERSED if high < 0 else NO_GAIN


def either_side(found: str) -> str:
    """The word of a claim that something changes, without saying to which side, from that of one side.

    >>> either_side(REVERSED), either_side(NEGLIGIBLE), either_side(NO_GAIN)
    ('holds', 'negligible', 'undecided')
    """
    return {REVERSED: HOLDS, NO_GAIN: UNDECIDED}.get(found, found)
