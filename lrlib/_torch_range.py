"""The range test on a torch model; ``lrlib.torch.range_test`` is its public name."""

import contextlib
import functools
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from lrlib import finder
from lrlib._snapshot import Snapshot, Undo, check_batches, check_progress, cycle, global_generators, reporter

__all__ = ["range_test"]


def range_test(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[Any, Any], torch.Tensor],
    batches: Iterable[Any],
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    mode: str = "exponential",
    validation: Iterable[Any] | None = None,
    metric: Callable[[Any, Any], Any] | None = None,
    diverge: float | None = 4.0,
    progress: Any = None,
) -> finder.RangeTest:
    """Train for one update at each rate from ``start`` to ``end``, record the losses, and leave no trace.

    Step i sets the rate to ``rates[i]``, draws one batch, and makes one update in train mode. ``losses[i]`` is

    * without ``validation``, ``loss_fn(model(inputs), targets)`` of that batch before the update, as training loops
      report it: it shows what the rates before ``rates[i]`` have led to;
    * with ``validation``, the loss on one held-out batch after the update, in eval mode and without gradients: it
      shows what the rates up to and with ``rates[i]`` have led to.

    * ``batches``, ``validation``: iterables of (inputs, targets), started again when they end: a DataLoader, a list,
      anything that can be iterated more than once. Tensors are moved to the device of the model's first parameter.
    * ``start``, ``end``, ``steps``, ``mode``: the ladder, see :func:`lrlib.finder.ladder`. Where groups have different
      rates, the one with the largest follows the ladder and the others keep their ratio to it; if all are 0, all
      follow it.
    * ``metric(outputs, targets)``: a number, on the batch the loss is measured on; recorded as ``accuracies``.
    * ``diverge``: when to stop, see :func:`lrlib.range_test`.
    * ``progress``: None for a bar that appears after two seconds, if tqdm is installed; False for none; or
      ``progress(done, steps)``.

    Afterwards, also after an exception or Ctrl-C (which are raised again), these are bit for bit and object for object
    what they were: the parameters, buffers, gradients and plain attributes of the model (and of ``loss_fn`` and
    ``metric``, if they are modules), train/eval mode, the optimizer's state, groups and rates, the global generators of
    PyTorch (all devices), NumPy and Python, and generators held by the model, the loaders, their samplers and
    datasets.

    Not put back: the position of a one-shot iterator, the hidden state of any other source or of a user's hooks, and
    what ``loss_fn`` does to the world outside.

    Errors: ``ValueError`` if there is no batch, or if an iterator that cannot start again ends early; ``TypeError`` for
    a batch that is no pair and for a loss that is no tensor. A model with uninitialised (lazy) parameters is a
    ``ValueError``: pass one batch through it first. Optimizers that need a closure are not supported.

    >>> model = torch.nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> batches = [(torch.ones(4, 1), torch.ones(4, 1))]
    >>> result = range_test(model, optimizer, torch.nn.functional.mse_loss, batches, steps=20)
    >>> result.rates[0], optimizer.param_groups[0]["lr"], model.weight.grad
    (1e-07, 0.1, None)
    """
    rates = finder.ladder(start, end, steps, mode)
    _check(model, optimizer, batches, validation)
    check_progress(progress)
    held = None if validation is None else cycle(validation, "validation")
    with _no_trace(model, optimizer, loss_fn, metric, batches, validation), contextlib.ExitStack() as open_:
        drawn = open_.enter_context(contextlib.closing(cycle(batches, "batches")))  # type: ignore[type-var]
        report = open_.enter_context(reporter(progress, len(rates)))
        if held is not None:
            open_.callback(held.close)  # type: ignore[attr-defined]
        sweep = _Sweep(model, optimizer, loss_fn, metric, drawn, held)

        def step(rate: float) -> Any:
            answer = sweep.step(rate)
            report()
            return answer

        return finder.range_test(step, rates, diverge=diverge)


def _check(model: Any, optimizer: Any, batches: Any, validation: Any) -> None:
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"range_test: model must be a torch.nn.Module, got {type(model).__name__}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"range_test: optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}")
    check_batches(batches, "batches")
    if validation is not None:
        check_batches(validation, "validation")
    if any(
        isinstance(p, torch.nn.parameter.UninitializedParameter | torch.nn.parameter.UninitializedBuffer)
        for p in (*model.parameters(), *model.buffers())
    ):
        raise ValueError("range_test: the model has uninitialised parameters; pass one batch through it first")


class _Sweep:
    """One update at a rate, and the loss that belongs to it."""

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        loss_fn: Callable[[Any, Any], torch.Tensor],
        metric: Callable[[Any, Any], Any] | None,
        batches: Iterator[Any],
        validation: Iterator[Any] | None,
    ) -> None:
        self.model, self.optimizer, self.loss_fn, self.metric = model, optimizer, loss_fn, metric
        self.batches, self.validation = batches, validation
        first = next(iter(model.parameters()), None)
        self.device = None if first is None else first.device
        own = [float(group["lr"]) for group in optimizer.param_groups]
        self.shares = [rate / max(own) if max(own) > 0 else 1.0 for rate in own]
        model.train()

    def step(self, rate: float) -> Any:
        for group, share in zip(self.optimizer.param_groups, self.shares, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * share)
            else:
                group["lr"] = rate * share
        with torch.enable_grad():
            self.optimizer.zero_grad()
            loss, answer = self._measure(self.batches)
            loss.backward()
            self.optimizer.step()
        if self.validation is None:
            return answer
        self.model.eval()
        with torch.no_grad():
            _, answer = self._measure(self.validation)
        self.model.train()
        return answer

    def _measure(self, source: Iterator[Any]) -> tuple[torch.Tensor, Any]:
        """The loss on the next batch, as a tensor, and what is recorded."""
        batch = next(source)
        try:
            inputs, targets = batch
        except (TypeError, ValueError):
            got = type(batch).__name__
            raise TypeError(f"range_test: each batch must be a pair (inputs, targets), got {got}") from None
        inputs, targets = _moved(inputs, self.device), _moved(targets, self.device)
        outputs = self.model(inputs)
        loss = self.loss_fn(outputs, targets)
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise TypeError(f"range_test: loss_fn must return a tensor with one element, got {loss!r}")
        number = loss.detach().item()
        if self.metric is None:
            return loss, number
        with torch.no_grad():
            return loss, (number, float(self.metric(outputs, targets)))


def _moved(item: Any, device: torch.device | None) -> Any:
    if isinstance(item, torch.Tensor):
        return item.to(device)
    if isinstance(item, dict):
        return {key: _moved(part, device) for key, part in item.items()}
    if type(item) in (tuple, list):
        return type(item)(_moved(part, device) for part in item)
    return item


# ---------------------------------------------------------------------------------------------------------------------
# Leaving no trace
# ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _no_trace(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, loss_fn: Any, metric: Any, *sources: Any
) -> Iterator[None]:
    snapshot = Snapshot((torch.nn.Module, torch.optim.Optimizer), _keep_leaf)
    modules = [item for item in (model, loss_fn, metric) if isinstance(item, torch.nn.Module)]
    snapshot.keep(*modules, optimizer)
    # Again through the public interface, for modules that do not hold tensors as attributes (TorchScript).
    snapshot.keep(*(tensor for module in modules for tensor in (*module.parameters(), *module.buffers())))
    for source in sources:
        _keep_source(snapshot, source)
    for part in (part for module in modules for part in module.modules()):
        snapshot.call_back(functools.partial(setattr, part, "training", part.training))
    parameters = [p for module in modules for p in module.parameters()]
    parameters += [p for group in optimizer.param_groups for p in group["params"]]
    for p in parameters:
        snapshot.call_back(functools.partial(setattr, p, "grad", p.grad))
    snapshot.call_back(_global_generators())
    try:
        for p in parameters:
            p.grad = None  # the saved gradients are set aside: nothing may write into them
        yield
    finally:
        snapshot.restore()


def _keep_leaf(item: Any) -> Undo | None:
    if isinstance(item, torch.Tensor):
        content = item.detach().clone()

        def undo() -> None:
            with torch.no_grad():
                item.copy_(content)

        return undo
    if isinstance(item, torch.Generator):
        state = item.get_state()
        return lambda: item.set_state(state)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(item, numpy.ndarray) and item.flags.writeable:
        content = item.copy()
        return lambda: numpy.copyto(item, content)
    return None


_SOURCE_PARTS = ("sampler", "batch_sampler", "dataset")


def _keep_source(snapshot: Snapshot, source: Any) -> None:
    """The generators that a loader, its samplers and its dataset hold; of a DataLoader, its attributes too."""
    if source is None or not hasattr(source, "__dict__"):
        return
    numpy = sys.modules.get("numpy")
    kinds: tuple[type, ...] = (torch.Generator, random.Random)
    if numpy is not None:
        kinds += (numpy.random.Generator, numpy.random.RandomState)
    snapshot.keep(*(held for held in vars(source).values() if isinstance(held, kinds)))
    if isinstance(source, (torch.utils.data.DataLoader, torch.utils.data.Sampler)):
        # A shallow copy (of persistent workers, for one): the data are not copied.
        attributes = dict(vars(source))
        snapshot.call_back(lambda: vars(source).update(attributes))
    for name in _SOURCE_PARTS:
        _keep_source(snapshot, vars(source).get(name))


def _global_generators() -> Undo:
    shared = global_generators()
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def undo() -> None:
        shared()
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)

    return undo
