"""Our suggestion rules beside other finders', on synthetic range tests whose steepest point is known.

python tests/benchmarks/finder.py [number of curves]

Distances are in decades from the steepest point of the noiseless curve. A rule that aims elsewhere (valley, slide, a
tenth of the minimum) has a bias by intent; its spread and its share beyond the minimum compare all the same. Keras has
no finder.
"""

import sys

from lrlib.course.peer_range_rules import FINDERS, curve, score

HEAD = ("finder", "bias", "IQR", "worst", "refused", "beyond minimum")


def main(count: int = 200) -> None:
    for shape in ("cosine", "logistic"):
        for rise in (True, False):
            curves = [curve(seed, shape, rise) for seed in range(count)]
            print(f"\n{shape}, {'then a rise' if rise else 'then level'}, {count} curves")
            print("{:20} {:>7} {:>7} {:>7} {:>8} {:>15}".format(*HEAD))
            for name, finder in FINDERS.items():
                s = score(finder, curves)
                print(f"{name:20} {s.bias:+7.3f} {s.iqr:7.3f} {s.worst:7.2f} {s.refused:8.1%} {s.beyond:15.1%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
