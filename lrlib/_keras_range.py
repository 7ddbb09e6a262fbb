"""The range test on a Keras model; ``lrlib.keras.range_test`` is its public name."""

import contextlib
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
from keras import ops

from lrlib import finder
from lrlib._keras_optimizers import inner_optimizers, rate_of, updates_of_all
from lrlib._snapshot import (
    Snapshot,
    Undo,
    as_list,
    check_batches,
    check_loader,
    check_progress,
    cycling,
    flat,
    global_generators,
    keep_array,
    keep_others,
    keep_source,
    parts_of,
    reporter,
)

__all__ = ["no_trace", "range_test"]


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
      sweep. If it accumulates gradients over k batches, each step takes k batches and makes one update. Keras's
      ``LossScaleOptimizer`` and ``MultiOptimizer`` are looked through; of optimizers with different rates the one with
      the largest follows the ladder, and the others keep their ratio to it.
      ``accuracies`` are those of the first of its metrics whose name has "acc" in it; None if there is none.
      A ``train_step`` or ``test_step`` of its own gets each batch as ``fit`` hands it over, and returns its "loss".
    * ``batches``, ``validation``: iterables of tuples or lists (inputs, targets) or (inputs, targets, sample_weight),
      started again when they end: a list, a ``tf.data.Dataset``, a ``keras.utils.PyDataset``.
    * ``start``, ``end``, ``steps``, ``mode``: the ladder, see :func:`lrlib.finder.ladder`.
    * ``diverge``: when to stop, see :func:`lrlib.range_test`.
    * ``progress``: None for a bar that appears after two seconds, if tqdm is installed; False for none; or
      ``progress(done, steps)``.

    For any other step run :func:`lrlib.range_test` under :func:`no_trace`, which is what restores everything here too.

    Errors: ``ValueError`` for a model that is not compiled, whose own step returns no "loss", or whose optimizer made
    no update in the sweep (the step has others), for a wrapper of optimizers that is not known, if there is no batch,
    or if an iterator that cannot start again ends early; ``TypeError`` for a batch that is no pair.

    >>> import numpy as np
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
    with (
        _restored([model], [batches, validation]),
        cycling(_Restartable.of(batches), "batches") as drawn,
        cycling(_Restartable.of(validation), "validation") as held,
        reporter(progress, len(rates)) as report,
    ):
        optimizers = inner_optimizers(model.optimizer)
        per_step = max(optimizer.gradient_accumulation_steps or 1 for optimizer in optimizers)
        own = [rate_of(optimizer) for optimizer in optimizers]
        shares = [rate / max(own) if max(own) > 0 else 1.0 for rate in own]
        model.train_step, model.test_step = _as_fit_would(model.train_step), _as_fit_would(model.test_step)

        def step(rate: float) -> Any:
            for optimizer, share in zip(optimizers, shares, strict=True):
                optimizer.learning_rate = rate * share
            logs = [model.train_on_batch(*_parts(next(drawn)), return_dict=True) for _ in range(per_step)]
            if held is not None:
                logs = [model.test_on_batch(*_parts(next(held)), return_dict=True)]
            report()
            return _recorded(logs)

        made = updates_of_all(optimizers)
        result = finder.range_test(step, rates, diverge=diverge)
        if updates_of_all(optimizers) == made:
            raise ValueError(
                f"range_test: the model's optimizer, {type(model.optimizer).__name__}, made no update in "
                f"{len(result.rates)} steps, so its rate had no effect; for a train_step with optimizers of its own "
                f"sweep with a step of your own: {_OWN_STEP}"
            )
        return result


class _Restartable:
    """A PyDataset as an iterable: it is indexed, and ends by its length, if it has one."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def __iter__(self) -> Iterator[Any]:
        length = self.source.num_batches
        return (self.source[i] for i in (itertools.count() if length is None else range(length)))

    @classmethod
    def of(cls, source: Any) -> Any:
        return cls(source) if isinstance(source, keras.utils.PyDataset) else source


_OWN_STEP = "`with lrlib.keras.no_trace(model, loader): lrlib.range_test(step, lrlib.finder.ladder())`"


def _parts(batch: Any) -> tuple[Any, ...]:
    return parts_of(batch, 3, "a pair (inputs, targets) or (inputs, targets, sample_weight)", _OWN_STEP)


def _as_fit_would(step: Callable[..., Any]) -> Callable[..., Any]:
    """A model's step on the batch as it is: of a pair ``train_on_batch`` makes a triple, with None as the weights."""

    @functools.wraps(step)
    def on_batch(*args: Any) -> Any:  # (data), on JAX (state, data)
        *state, data = args
        return step(*state, data[:2] if data[2] is None else data)

    return on_batch


def _recorded(logs: list[dict[str, Any]]) -> Any:
    """The mean loss, with the mean accuracy where there is one."""
    if "loss" not in logs[0]:
        raise ValueError(
            f"range_test: the model's own train_step or test_step must return its loss as 'loss', got "
            f"{sorted(logs[0])}; to follow another number, sweep with a step of your own: {_OWN_STEP}"
        )
    name = next((name for name in logs[0] if "acc" in name.lower()), None)
    loss = sum(float(log["loss"]) for log in logs) / len(logs)
    return loss if name is None else (loss, sum(float(log[name]) for log in logs) / len(logs))


def _make_rates_mutable(optimizer: Any) -> None:
    """Each rate as a variable, even if the optimizer was built with a schedule (the snapshot restores that)."""
    for inner in inner_optimizers(optimizer):
        if not isinstance(inner._learning_rate, keras.Variable):
            inner._learning_rate = keras.Variable(rate_of(inner), trainable=False, name="range_test_rate")


# ---------------------------------------------------------------------------------------------------------------------
# Leaving no trace
# ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_trace(model: Any, loader: Any = None, *others: Any) -> Iterator[None]:
    """Restore, when the ``with`` block ends, all that training in it changes: for a sweep with a step of one's own.

    * ``model``: one, or a list of several, as a GAN has them; compiled or not.
    * ``loader``: where the batches come from, or None.
    * ``others``: what else the step changes: optimizers and metrics that no model was compiled with, a second loader.

    Afterwards, also after an exception or Ctrl-C (which are raised again), these are bit for bit and object for object
    what they were: the weights and all other variables of the models and the others (TensorFlow's own included), their
    metrics, losses and optimizers, whether each is built, the rate or schedule and ``iterations``, compiled functions,
    the seed generators of layers and of Keras, the counters behind automatic names, and the global generators of NumPy,
    Python, TensorFlow and PyTorch. Within the block the rate of an optimizer that was built with a schedule is a number
    that can be set.

    Not put back: the shuffle order of a ``tf.data.Dataset`` and the hidden state of any other source, the position of
    an iterator that was begun before the block, and the hidden counters of stateful TensorFlow operations in a graph. A
    ``tf.function`` of one's own keeps the variables that it met when it was traced: build the optimizer first
    (``optimizer.build(model.trainable_variables)``) if the same function trains on after the block.

    Errors: ``TypeError`` for what is no model or loader.

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> def step(rate):
    ...     model.optimizer.learning_rate = rate
    ...     return model.train_on_batch(np.ones((4, 1)), np.ones((4, 1)))
    >>> with no_trace(model):
    ...     result = finder.range_test(step, finder.ladder(1e-5, 1e-2, steps=20))
    >>> len(result.rates), round(float(model.optimizer.learning_rate), 6), int(model.optimizer.iterations)
    (20, 0.01, 0)
    """
    models = as_list("model", model, keras.Model, "a keras.Model")
    check_loader(loader, (keras.layers.Layer, keras.optimizers.Optimizer, keras.metrics.Metric))
    with _restored(models, [loader], flat(others)):
        yield


@contextlib.contextmanager
def _restored(models: list[Any], sources: list[Any], others: Sequence[Any] = ()) -> Iterator[None]:
    snapshot = Snapshot(_look_into(), _keep_leaf)
    models = models + [item for item in others if isinstance(item, keras.Model)]
    compiled = [model.optimizer for model in models if getattr(model, "optimizer", None) is not None]
    optimizers = compiled + [item for item in others if isinstance(item, keras.optimizers.Optimizer)]
    for model in models:
        snapshot.keep(model, *model.variables, *model.metrics)
    for optimizer in optimizers:
        snapshot.keep(optimizer, *optimizer.variables)
    for source in sources:
        keep_source(snapshot, source)
    keep_others(snapshot, others)
    state = _global_state()
    if state is not None:
        snapshot.keep(vars(state))
    snapshot.call_back(global_generators())
    snapshot.call_back(_tensorflow_generators())
    try:
        _set_gradients_aside(snapshot, models)
        for model in models:
            # Compiled functions refer to the variables they were traced with: set aside, to be restored as they are.
            model.train_function = model.test_function = None
        for optimizer in optimizers:
            with contextlib.suppress(ValueError):  # of a wrapper that is not known a step of one's own sets the rate
                _make_rates_mutable(optimizer)
        yield
    finally:
        snapshot.restore()


def _set_gradients_aside(snapshot: Snapshot, models: list[Any]) -> None:
    """On the PyTorch backend, where weights hold their gradients."""
    if keras.backend.backend() != "torch":
        return
    for p in (p for model in models for p in model.parameters()):
        snapshot.call_back(functools.partial(setattr, p, "grad", p.grad))
        p.grad = None


def _look_into() -> tuple[type, ...]:
    kinds = [keras.Layer, keras.optimizers.Optimizer, keras.metrics.Metric, keras.losses.Loss]
    kinds.append(keras.random.SeedGenerator)
    with contextlib.suppress(ImportError):  # Keras's bookkeeping of what belongs to a layer or an optimizer
        from keras.src.utils.tracking import Tracker

        kinds.append(Tracker)
    if (tensorflow := sys.modules.get("tensorflow")) is not None:
        kinds += [tensorflow.Module, tensorflow.random.Generator]
    if keras.backend.backend() == "torch":
        kinds.append(sys.modules["torch"].nn.Module)
    return tuple(kinds)


def _keep_leaf(item: Any) -> Undo | None:
    if isinstance(item, keras.Variable):
        content = ops.copy(item.value)
        return lambda: item.assign(content)
    if keras.backend.backend() == "torch":
        from lrlib._torch_range import keep_leaf

        return keep_leaf(item)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(item, tensorflow.Variable):
        value = tensorflow.identity(item)
        return lambda: item.assign(value)
    return keep_array(item)


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
