"""The test set is a sample too: random splits of new seeds, and which test images were right."""

import numpy as np
import pytest

from lrlib.course import experiments
from lrlib.course.experiment import NEW
from lrlib.course.experiments import constant_rates, cycling, four_decays
from lrlib.course.experiments.q_agrel import draws
from lrlib.course.networks import dense_weights
from lrlib.course.training import packed, random_split, rows_of, stack_of_one, unpacked


def test_a_random_split_is_disjoint_of_the_sizes_asked_for_and_new_for_each_seed():
    parts = random_split(10, [5, 3], seed=1)
    assert [len(part) for part in parts] == [5, 3] and len(set(np.concatenate(parts))) == 8
    again, other = random_split(10, [5, 3], seed=1), random_split(10, [5, 3], seed=2)
    assert np.array_equal(parts[0], again[0]) and not np.array_equal(np.sort(parts[0]), np.sort(other[0]))
    with pytest.raises(ValueError, match="parts of 5, 6 rows are more than all 10"):
        random_split(10, [5, 6], seed=1)


def test_batches_of_a_part_keep_what_pads_them():
    assert rows_of(np.array([7, 8, 9]), np.array([[2, 0], [1, -1]])).tolist() == [[9, 7], [8, -1]]


@pytest.mark.parametrize("images", [8, 2000, 10_000])
def test_what_was_right_survives_packing(images):
    right = np.random.default_rng(0).random(images) < 0.9
    assert np.array_equal(unpacked(packed(right)), right) and len(packed(right)) <= 4 * (images // 24 + 2)


def test_what_would_be_padded_is_refused():
    with pytest.raises(ValueError, match="a multiple of eight images; got 300"):
        packed(np.ones(300, bool))


@pytest.mark.parametrize(
    "split",
    [lambda seed: list(cycling.split(seed).values()), constant_rates.split],
    ids=["cycling", "constant_rates"],
)
def test_first_seeds_keep_their_split_and_new_ones_draw_their_own(split):
    first, later = split(0), split(NEW)
    assert all(np.array_equal(a, b) for a, b in zip(first, split(99), strict=True))
    assert [len(part) for part in first] == [len(part) for part in later]
    for parts in (first, later):
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(1797))  # each image in one part
    assert not np.array_equal(np.sort(later[-1]), np.sort(first[-1]))
    assert not np.array_equal(np.sort(later[-1]), np.sort(split(NEW + 1)[-1]))


def test_cats_and_dogs_draw_theirs_from_all_images(monkeypatch):
    x = np.arange(12, dtype="float32")
    monkeypatch.setattr(four_decays, "images", lambda: ((x[:9], x[:9]), (x[9:], x[9:])))
    (train, labels), (test, _) = four_decays.split(NEW)
    assert np.array_equal(np.sort(np.concatenate([train, test])), x) and np.array_equal(train, labels)
    assert len(test) == 3 and set(test) != {9.0, 10.0, 11.0}
    assert np.array_equal(four_decays.split(NEW - 1)[1][0], x[9:])


def test_each_repetition_of_q_agrel_sees_its_own_images_only():
    drawn = draws.draw((64, 10), range(1000, 1003), epochs=2)
    data, moved = draws.with_random_splits(drawn, range(1000, 1003))
    for i in range(3):
        seen = [set(moved.rows[epoch, :, i]) for epoch in range(2)]
        assert seen[0] == seen[1] and len(seen[0]) == 1437
        unseen = sorted(set(range(1797)) - seen[0])
        assert np.array_equal(np.sort(data.x_test[i].sum(1)), np.sort(data.x[unseen].sum(1)))
    assert not np.array_equal(data.y_test[0], data.y_test[1])


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_a_new_seed_trains_and_is_tested_on_its_own_split(framework, monkeypatch):
    """One image that stands in the training part of one seed alone, made unlearnable, moves that seed only."""
    experiment, setting = experiments.get("cycling"), cycling.SETTINGS["step-2"]
    before = [experiment.run(setting, framework, [seed], 0.05)[0] for seed in (NEW, NEW + 1)]
    x, y = cycling.digit_rows()
    only = sorted(set(cycling.split(NEW)["train"]) - set(cycling.split(NEW + 1)["train"]))
    changed = x.copy()
    changed[only] = 0
    monkeypatch.setattr(cycling, "digit_rows", lambda: (changed, y))
    after = [experiment.run(setting, framework, [seed], 0.05)[0] for seed in (NEW, NEW + 1)]
    assert after[0]["train_loss"] != before[0]["train_loss"] and after[1]["train_loss"] == before[1]["train_loss"]


@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_right_is_what_accuracy_counts(framework):
    import importlib

    module = importlib.import_module(f"lrlib.course.{framework}")
    random = np.random.default_rng(0)
    x, y = random.random((2300, 4)).astype("float32"), random.integers(0, 3, 2300)
    model = module.perceptron((4, 5, 3), dense_weights((4, 5, 3), 0))
    right = module.right(model, x, y)
    assert right.dtype == bool and right.shape == (2300,)
    assert 100 * right.mean() == pytest.approx(module.evaluate(model, x, y)[1])


def test_a_stack_is_evaluated_on_images_of_each_seed():
    import torch

    from lrlib import Constant
    from lrlib.course import pytorch

    random = np.random.default_rng(0)
    x, y = random.random((2, 50, 4)).astype("float32"), random.integers(0, 3, (2, 50))
    weights = [dense_weights((4, 5, 3), seed) for seed in (0, 1)]
    losses, accuracies = pytorch.evaluate(pytorch.stacked_perceptron(weights), x, y)
    for i in range(2):
        alone = pytorch.perceptron((4, 5, 3), weights[i])
        assert (losses[i], accuracies[i]) == pytest.approx(pytorch.evaluate(alone, x[i], y[i]))
        one = stack_of_one(pytorch.bench(alone, torch.optim.SGD(alone.parameters()), Constant(0.1)))
        assert one.evaluate(x[i : i + 1], y[i : i + 1])[1] == pytest.approx([accuracies[i]])
        assert one.right(x[i], y[i]).shape == (1, 50)
