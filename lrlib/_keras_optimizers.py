"""Which of a model's Keras optimizers hold a rate: what the callbacks and the range test look for."""

from typing import Any

import keras


def inner_optimizers(optimizer: Any) -> list[Any]:
    """The optimizers that hold a rate, a count of updates and an accumulation: those inside Keras's wrappers.

    Errors: ``ValueError`` for a wrapper that is not known, and for a ``MultiOptimizer`` that holds nothing yet.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):  # compile makes one under mixed_float16
        return inner_optimizers(optimizer.inner_optimizer)
    if isinstance(optimizer, keras.optimizers.MultiOptimizer):
        if not optimizer.optimizers:
            raise ValueError(
                "the MultiOptimizer has no optimizers yet: call its build(model.trainable_variables) first"
            )
        return [inner for part in optimizer.optimizers for inner in inner_optimizers(part)]
    # Names that begin with _self_ are TensorFlow's books.
    own = {name: value for name, value in vars(optimizer).items() if not name.startswith("_self_")}
    for name, value in own.items():
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(part, keras.optimizers.Optimizer) for part in parts):
            raise ValueError(
                f"{type(optimizer).__name__} wraps another optimizer, its {name!r}, and lrlib knows Keras's "
                "LossScaleOptimizer and MultiOptimizer only; to train, use no callback, and pass "
                "lrlib.keras.Schedule(...) as the learning_rate of the optimizer inside; to find the range, sweep with "
                "a step of your own under lrlib.keras.no_trace"
            )
    return [optimizer]


def rate_of(optimizer: Any) -> float:
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def updates_of(optimizer: Any) -> int:
    """Its count of updates. (Under a strategy of ``tf.distribute``, ``int`` takes no variable.)"""
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


def updates_of_all(optimizers: list[Any]) -> int:
    """The sum of their counts, which stands still only where none of them made an update."""
    return sum(map(updates_of, optimizers))
