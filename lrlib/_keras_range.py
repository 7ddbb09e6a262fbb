"""The range test on a Keras model; ``lrlib.keras.range_test`` is its public name."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from lrlib import finder
from lrlib._snapshot import Snapshot, Undo, check_batches, check_progress, cycle, global_generators, reporter

__all__ = ["range_test"]


def range_test(
    model: keras.Model,
    batches: Iterable[Any],
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    mode: str = "exponential",
    validation: Iterable[Any] | None = None,
    diverge: float | None = 4.0,
    progress: Any = None,
) -> finder.RangeTest:
    """Train for one update at each rate from ``start`` to ``end``, record the losses, and leave no trace.

    Step i sets the rate to ``rates[i]`` and makes one update on one batch, as ``fit`` would. ``losses[i]`` is

    * without ``validation``, the model's own loss on that batch before the update: it shows what the rates before
      ``rates[i]`` have led to;
    * with ``validation``, the loss on one held-out batch after the update, in inference mode: it shows what the rates
      up to and with ``rates[i]`` have led to.

    * ``model``: compiled, built or not. Its optimizer may have been built with a schedule, which does not act in the
      sweep. If it accumulates gradients over k batches, each step takes k batches and makes one update.
      ``accuracies`` are those of the first of its metrics whose name has "acc" in it; None if there is none.
    * ``batches``, ``validation``: iterables of (inputs, targets) or (inputs, targets, sample_weight), started again
      when they end: a list, a ``tf.data.Dataset``, a ``keras.utils.PyDataset``.
    * ``start``, ``end``, ``steps``, ``mode``: the ladder, see :func:`lrlib.finder.ladder`.
    * ``diverge``: when to stop, see :func:`lrlib.range_test`.
    * ``progress``: None for a bar that appears after two seconds, if tqdm is installed; False for none; or
      ``progress(done, steps)``.

    Afterwards, also after an exception or Ctrl-C (which are raised again), these are bit for bit and object for object
    what they were: the weights and all other variables of the model, its metrics, its losses and its optimizer, whether
    each is built, the rate or schedule and ``iterations``, compiled functions, the seed generators of layers and of
    Keras, the counters behind automatic names, and the global generators of NumPy, Python and TensorFlow.

    Not put back: the shuffle order of a ``tf.data.Dataset`` and the hidden state of any other source, the position of a
    one-shot iterator, and the hidden counters of stateful TensorFlow operations in a graph.

    Errors: ``ValueError`` for a model that is not compiled, if there is no batch, or if an iterator that cannot start
    again ends early; ``TypeError`` for a batch that is no pair.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> result = range_test(model, [(np.ones((4, 1)), np.ones((4, 1)))], steps=20)
    >>> result.rates[0], int(model.optimizer.iterations), model.optimizer.built
    (1e-07, 0, False)
    """
    rates = finder.ladder(start, end, steps, mode)
    if not isinstance(model, keras.Model):
        raise TypeError(f"range_test: model must be a keras.Model, got {type(model).__name__}")
    if not getattr(model, "compiled", False) or model.optimizer is None:
        raise ValueError("range_test: the model must be compiled with an optimizer first: model.compile(...)")
    check_batches(batches, "batches")
    if validation is not None:
        check_batches(validation, "validation")
    check_progress(progress)
    with _no_trace(model, batches, validation), reporter(progress, len(rates)) as report:
        drawn = cycle(_Restartable.of(batches), "batches")
        held = None if validation is None else cycle(_Restartable.of(validation), "validation")
        assign_rate = _mutable_rate(model.optimizer)
        per_step = model.optimizer.gradient_accumulation_steps or 1

        def step(rate: float) -> Any:
            assign_rate(rate)
            logs = [model.train_on_batch(*_parts(next(drawn)), return_dict=True) for _ in range(per_step)]
            if held is not None:
                logs = [model.test_on_batch(*_parts(next(held)), return_dict=True)]
            report()
            return _recorded(logs)

        return finder.range_test(step, rates, diverge=diverge)


class _Restartable:
    """A PyDataset as an iterable: it is indexed, and ends by its length."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def __iter__(self) -> Iterator[Any]:
        return (self.source[i] for i in range(self.source.num_batches))

    @classmethod
    def of(cls, source: Any) -> Any:
        return cls(source) if isinstance(source, keras.utils.PyDataset) else source


def _parts(batch: Any) -> tuple[Any, ...]:
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        raise TypeError(f"range_test: each batch must be a pair (inputs, targets), got {type(batch).__name__}")
    return tuple(batch)


def _recorded(logs: list[dict[str, Any]]) -> Any:
    """The mean loss, with the mean accuracy where there is one."""
    name = next((name for name in logs[0] if "acc" in name.lower()), None)
    loss = sum(float(log["loss"]) for log in logs) / len(logs)
    return loss if name is None else (loss, sum(float(log[name]) for log in logs) / len(logs))


def _mutable_rate(optimizer: Any) -> Any:
    """The function that sets the rate, even if the optimizer was built with a schedule (the snapshot restores that)."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(optimizer._learning_rate, keras.Variable):
        optimizer._learning_rate = keras.Variable(0.0, trainable=False, name="range_test_rate")
    return optimizer._learning_rate.assign


# ---------------------------------------------------------------------------------------------------------------------
# Leaving no trace
# ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _no_trace(model: Any, *sources: Any) -> Iterator[None]:
    snapshot = Snapshot(_look_into(), _keep_leaf)
    snapshot.keep(model, model.optimizer, *model.variables, *model.optimizer.variables, *model.metrics)
    for source in sources:
        snapshot.keep(*(held for held in getattr(source, "__dict__", {}).values() if _holds_numbers(held)))
    state = _global_state()
    if state is not None:
        snapshot.keep(vars(state))
    snapshot.call_back(global_generators())
    snapshot.call_back(_tensorflow_generators())
    try:
        # Compiled functions refer to the variables they were traced with: set them aside, to be restored as they are.
        model.train_function = model.test_function = None
        yield
    finally:
        snapshot.restore()


def _look_into() -> tuple[type, ...]:
    kinds = [keras.Layer, keras.optimizers.Optimizer, keras.metrics.Metric, keras.losses.Loss]
    kinds.append(keras.random.SeedGenerator)
    with contextlib.suppress(ImportError):  # Keras's bookkeeping of what belongs to a layer or an optimizer
        from keras.src.utils.tracking import Tracker

        kinds.append(Tracker)
    return tuple(kinds)


def _keep_leaf(item: Any) -> Undo | None:
    if isinstance(item, keras.Variable):
        content = ops.copy(item.value)
        return lambda: item.assign(content)
    if isinstance(item, np.ndarray) and item.flags.writeable:
        content = item.copy()
        return lambda: np.copyto(item, content)
    return None


def _holds_numbers(item: Any) -> bool:
    return isinstance(item, (np.random.Generator, np.random.RandomState, keras.random.SeedGenerator))


def _global_state() -> Any:
    """Where Keras keeps its global seed generator and the counters of its automatic names."""
    try:
        from keras.src.backend.common.global_state import GLOBAL_STATE_TRACKER
    except ImportError:
        return None
    return GLOBAL_STATE_TRACKER


def _tensorflow_generators() -> Undo:
    """TensorFlow's global generator, and the generator of its operations' seeds (no public way leads to either)."""
    if "tensorflow" not in sys.modules:
        return lambda: None
    try:
        from tensorflow.python.eager import context
        from tensorflow.python.ops import stateful_random_ops
    except ImportError:
        return lambda: None
    generator = stateful_random_ops.global_generator
    state = None if generator is None else generator.state.numpy()
    seeds = getattr(context.context(), "_rng", None)  # set by the first seeded operation
    seeds_state = None if seeds is None else seeds.getstate()

    def undo() -> None:
        stateful_random_ops.global_generator = generator
        if generator is not None:
            generator.state.assign(state)
        if seeds is not None and seeds.getstate() != seeds_state:
            seeds.setstate(seeds_state)
            # An operation that gets the same seed again must not go on where the first one stopped.
            context.context().clear_kernel_cache()

    return undo
