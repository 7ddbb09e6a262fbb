"""The range test on a torch model; ``lrlib.torch.range_test`` is its public name."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch

from lrlib import finder
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
from lrlib._torch_groups import check_schedulable

__all__ = ["no_trace", "range_test"]


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

    Step i sets the rate to ``rates[i]``, draws one batch, and makes one update in train mode. Parts that are in eval
    mode stay so (a frozen BatchNorm), unless the model as a whole is (its ``training`` is False): then ``train()`` is
    called on it first. ``losses[i]`` is

    * without ``validation``, ``loss_fn(model(inputs), targets)`` of that batch before the update, as training loops
      report it: it shows what the rates before ``rates[i]`` have led to;
    * with ``validation``, the loss on one held-out batch after the update, in eval mode and without gradients: it
      shows what the rates up to and with ``rates[i]`` have led to.

    * ``batches``, ``validation``: iterables of tuples or lists (inputs, targets), started again when they end: a
      DataLoader, a list, anything that can be iterated more than once. Tensors, those in dicts and tuples and whatever
      else has a method ``to``, are moved to the device of the model's first parameter.
    * ``start``, ``end``, ``steps``, ``mode``: the ladder, see :func:`lrlib.finder.ladder`. Where groups have different
      rates, the one with the largest follows the ladder and the others keep their ratio to it; if all are 0, all
      follow it.
    * ``metric(outputs, targets)``: a number, on the batch the loss is measured on; recorded as ``accuracies``.
    * ``diverge``: when to stop, see :func:`lrlib.range_test`.
    * ``progress``: None for a bar that appears after two seconds, if tqdm is installed; False for none; or
      ``progress(done, steps)``.

    For any other step (accumulated or clipped gradients, mixed precision, several optimizers, batches of another form)
    run :func:`lrlib.range_test` under :func:`no_trace`, which is what restores everything here too.

    Errors: ``ValueError`` if there is no batch, or if an iterator that cannot start again ends early; ``TypeError`` for
    a batch that is no pair, for a loss that is no tensor and for an optimizer whose step needs a closure (LBFGS). A
    model with uninitialised (lazy) parameters is a ``ValueError``: pass one batch through it first. So is an optimizer
    that has none of the model's parameters, or a tensor of whole numbers as its rate.

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
    others = [item for item in (loss_fn, metric) if isinstance(item, torch.nn.Module)]
    with (
        _restored([model], [optimizer], [batches, validation], others),
        cycling(batches, "batches") as drawn,
        cycling(validation, "validation") as held,
        reporter(progress, len(rates)) as report,
    ):
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
    check_schedulable(optimizer, "lr")
    check_batches(batches, "batches")
    if validation is not None:
        check_batches(validation, "validation")
    if _needs_closure(optimizer):
        raise TypeError(
            f"range_test: {type(optimizer).__name__}.step needs a closure; sweep with a step of your own: {_OWN_STEP}"
        )


def _check_shared(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    own = set(map(id, model.parameters()))
    if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "range_test: the optimizer has none of the model's parameters, so no update would change the model; was "
            "the model built anew after it? Build the optimizer from this model's parameters()"
        )


_OWN_STEP = "`with lrlib.torch.no_trace(model, optimizer, loader): lrlib.range_test(step, lrlib.finder.ladder())`"


def _needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty


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
        _check_shared(model, optimizer)
        first = next(iter(model.parameters()), None)
        self.device = None if first is None else first.device
        own = [float(group["lr"]) for group in optimizer.param_groups]
        self.shares = [rate / max(own) if max(own) > 0 else 1.0 for rate in own]
        if not model.training:
            model.train()
        self.modes = [(part, part.training) for part in model.modules()]

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
        for part, training in self.modes:
            part.training = training
        return answer

    def _measure(self, source: Iterator[Any]) -> tuple[torch.Tensor, Any]:
        """The loss on the next batch, as a tensor, and what is recorded."""
        inputs, targets = parts_of(next(source), 2, "a pair (inputs, targets)", _OWN_STEP)
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
    if device is None:  # a model without parameters
        return item
    if callable(getattr(item, "to", None)):  # a tensor, a packed sequence, transformers' BatchEncoding
        return item.to(device)
    if isinstance(item, dict):
        return {key: _moved(part, device) for key, part in item.items()}
    if type(item) in (tuple, list):
        return type(item)(_moved(part, device) for part in item)
    if isinstance(item, tuple) and hasattr(item, "_fields"):  # a NamedTuple
        return type(item)(*(_moved(part, device) for part in item))
    return item


# ---------------------------------------------------------------------------------------------------------------------
# Leaving no trace
# ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_trace(model: Any, optimizer: Any, loader: Any = None, *others: Any) -> Iterator[None]:
    """Restore, when the ``with`` block ends, all that training in it changes: for a sweep with a step of one's own.

    * ``model``, ``optimizer``: one, or a list of several, as a GAN has them.
    * ``loader``: where the batches come from, or None.
    * ``others``: what else the step changes, such as a second loader, a GradScaler, a scheduler, a loss that is a
      module.

    Afterwards, also after an exception or Ctrl-C (which are raised again), these are bit for bit and object for object
    what they were: the parameters, their gradients and ``requires_grad``, buffers and plain attributes of the modules,
    train/eval mode, the optimizers' state, groups and rates, the attributes of the others, the global generators of
    PyTorch (all devices), NumPy and Python, and generators held by the modules, the loaders, their samplers and
    datasets. Within the block gradients start as None, as after ``optimizer.zero_grad()``.

    Not put back: the position of an iterator that was begun before the block (begin it within, as
    ``itertools.cycle(loader)``), the hidden state of any other source, of a user's hooks or of other objects that the
    modules hold (pass these among ``others``), and what the step does to the world outside.

    Errors: ``TypeError`` for what is no module, optimizer or loader; ``ValueError`` for uninitialised (lazy)
    parameters.

    >>> model = torch.nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> scaler = torch.amp.GradScaler("cpu")
    >>> def step(rate):
    ...     optimizer.param_groups[0]["lr"] = rate
    ...     optimizer.zero_grad()
    ...     with torch.autocast("cpu", torch.bfloat16):
    ...         loss = model(torch.ones(4, 1)).square().mean()
    ...     scaler.scale(loss).backward()
    ...     scaler.step(optimizer)
    ...     scaler.update()
    ...     return loss.item()
    >>> with no_trace(model, optimizer, None, scaler):
    ...     result = finder.range_test(step, finder.ladder(1e-5, 1e-2, steps=20))
    >>> len(result.rates), optimizer.param_groups[0]["lr"], model.weight.grad
    (20, 0.1, None)
    """
    modules = as_list("model", model, torch.nn.Module, "a torch.nn.Module")
    optimizers = as_list("optimizer", optimizer, torch.optim.Optimizer, "a torch.optim.Optimizer")
    check_loader(loader, (torch.nn.Module, torch.optim.Optimizer))
    with _restored(modules, optimizers, [loader], flat(others)):
        yield


@contextlib.contextmanager
def _restored(modules: list[Any], optimizers: list[Any], sources: list[Any], others: Sequence[Any]) -> Iterator[None]:
    modules = modules + [item for item in others if isinstance(item, torch.nn.Module)]
    optimizers = optimizers + [item for item in others if isinstance(item, torch.optim.Optimizer)]
    tensors = [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
    lazy = torch.nn.parameter.UninitializedParameter | torch.nn.parameter.UninitializedBuffer
    if any(isinstance(tensor, lazy) for tensor in tensors):
        raise ValueError("the model has uninitialised parameters; pass one batch through it first")
    snapshot = Snapshot(_LOOK_INTO, keep_leaf)
    snapshot.keep(*modules, *optimizers)
    # Again through the public interface, for modules that do not hold tensors as attributes (TorchScript).
    snapshot.keep(*tensors)
    for source in sources:
        keep_source(snapshot, source)
    keep_others(snapshot, others)
    for part in (part for module in modules for part in module.modules()):
        snapshot.call_back(functools.partial(setattr, part, "training", part.training))
    parameters = [p for module in modules for p in module.parameters()]
    parameters += [p for one in optimizers for group in one.param_groups for p in group["params"]]
    for p in parameters:
        snapshot.call_back(functools.partial(setattr, p, "grad", p.grad))
        snapshot.call_back(functools.partial(setattr, p, "requires_grad", p.requires_grad))
    snapshot.call_back(global_generators())
    try:
        for p in parameters:
            p.grad = None  # the saved gradients are set aside: nothing may write into them
        yield
    finally:
        snapshot.restore()


_LOOK_INTO = (
    torch.nn.Module,
    torch.optim.Optimizer,
    torch.optim.lr_scheduler.LRScheduler,
    torch.amp.GradScaler,
)


def keep_leaf(item: Any) -> Undo | None:
    if isinstance(item, torch.Tensor):
        before, content = item.detach(), _elements(item.detach()).clone()

        def undo() -> None:
            if _kind(item) != _kind(before):  # by module.half(), or by another tensor as its data
                item.data = before
            # A tensor made in inference mode may be written to in inference mode only, any other one without gradients.
            with torch.inference_mode() if item.is_inference() else torch.no_grad():
                _elements(item.detach()).copy_(content)

        return undo
    return keep_array(item)


def _kind(item: torch.Tensor) -> tuple[Any, ...]:
    return item.dtype, item.device, item.shape


def _elements(item: torch.Tensor) -> torch.Tensor:
    """A tensor, or where it shows an element of memory more than once (expanded), that memory, which can be written."""
    if item.layout is not torch.strided or item.is_nested or item.numel() == 0:
        return item
    reach = 0  # from the first element to the last one of the dimensions so far
    for stride, size in sorted(zip(item.stride(), item.shape, strict=True)):
        if size > 1 and stride <= reach:
            span = sum(stride * (size - 1) for stride, size in zip(item.stride(), item.shape, strict=True))
            return item.as_strided((span + 1,), (1,))
        reach += stride * (size - 1)
    return item
