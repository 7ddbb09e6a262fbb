"""A stand-in for the capstone's third task: three spirals in the plane.

For your class make a task of your own: copy this file to where no student sees it, change it, and name it,
``make leaderboard THIRD=../private/third_task.py …``. The network is a perceptron with ReLU.
"""

import numpy as np

NAME = "spirals"
LAYERS = (2, 32, 32, 3)  # inputs, hidden units, classes
TRAIN, TEST = 2000, 2000  # examples; which are which is drawn anew for each seed
BATCH, UPDATES = 50, 500
FIRST_SEED = 0  # another number gives all three tasks other weights, splits and batches


def examples():
    """All examples: x as float32, one row each, and y as whole numbers from 0."""
    random = np.random.default_rng(7)
    y = random.integers(0, 3, TRAIN + TEST)
    radius = np.sqrt(random.uniform(0, 1, len(y)))
    angle = 5 * radius + 2 * np.pi * y / 3 + 0.6 * random.standard_normal(len(y))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype("float32"), y
