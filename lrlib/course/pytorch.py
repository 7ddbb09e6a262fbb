"""The course's networks and its training loop, in PyTorch. ``lrlib.course.keras`` has the same names in Keras."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from lrlib import Plateau, Schedule
from lrlib.course.networks import RESNET18, PooledConvnet
from lrlib.course.training import Bench, History
from lrlib.torch import PlateauScheduler, Scheduler


def one_thread() -> None:
    """Run on one thread: on networks this small a second one costs more than it gives."""
    torch.set_num_threads(1)


def perceptron(sizes: tuple[int, ...], weights: list[np.ndarray]) -> nn.Sequential:
    """Dense layers with ReLU between them; ``weights`` as :func:`lrlib.course.networks.dense_weights` gives them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    _fill(model.parameters(), weights)
    return model


class StackedLinear(nn.Module):
    """Dense layers of several seeds side by side: seeds × rows × inputs to seeds × rows × outputs, one batched product.

    Rows × inputs are given to every seed alike.
    """

    def __init__(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(np.stack(weights)))
        self.bias = nn.Parameter(torch.from_numpy(np.stack(biases)[:, None]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self.bias, x.expand(len(self.weight), *x.shape[-2:]), self.weight)


def stacked_perceptron(weights: Sequence[list[np.ndarray]]) -> nn.Sequential:
    """Perceptrons of several seeds that train at once; ``weights`` has those of each seed.

    On networks as small as the digits' an update costs what calling PyTorch costs: ten seeds train in the time of one.
    A seed's numbers do not depend on the seeds beside it.
    """
    arrays = list(zip(*weights, strict=True))
    layers: list[nn.Module] = []
    for kernels, biases in zip(arrays[::2], arrays[1::2], strict=True):
        layers += [StackedLinear(kernels, biases), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class ChannelsFirst(nn.Module):
    """Images as NumPy and Keras keep them, N × height × width × channels, seen as PyTorch's N × channels × …: no copy.

    PyTorch then finds the channels last in memory, which is the faster order on CPUs.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 3, 1, 2)


def convnet(weights: list[np.ndarray], dropout: bool = True) -> nn.Sequential:
    """The cats-and-dogs network on N × 32 × 32 × 3; ``weights`` as ``networks.convnet_weights`` gives them.

    The source applies ReLU and then takes the maximum; the other order gives the same numbers for a quarter of the
    work.
    """
    share = 1.0 if dropout else 0.0
    model = nn.Sequential(
        ChannelsFirst(),
        *(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Dropout(0.25 * share)),
        *(nn.Flatten(), nn.Linear(14 * 14 * 8, 16), nn.ReLU(), nn.Dropout(0.5 * share), nn.Linear(16, 2)),
    )
    _fill(model.parameters(), [*weights[:4], _flattened_channels_first(weights[4], (14, 14, 8)), *weights[5:]])
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the faster one on CPUs


def _flattened_channels_first(rows: np.ndarray, size: tuple[int, int, int]) -> np.ndarray:
    """The first dense layer's weights: PyTorch flattens channels first, so their rows come in another order."""
    return rows.reshape(*size, -1).transpose(2, 0, 1, 3).reshape(rows.shape)


def pooled_convnet(network: PooledConvnet, weights: list[np.ndarray]) -> nn.Sequential:
    """A plain network; ``weights`` as :func:`lrlib.course.networks.pooled_convnet_weights` gives them."""
    sizes = network.sizes()
    layers: list[nn.Module] = [ChannelsFirst()]
    for before, (channels, kernel, padding) in zip(sizes, network.convolutions, strict=False):
        layers += [nn.Conv2d(before[2], channels, kernel, padding=padding), nn.MaxPool2d(2)]
        layers += [nn.ReLU()] if network.relu else []
    layers.append(nn.Flatten())
    for inputs, outputs in itertools.pairwise((int(np.prod(sizes[-1])), *network.dense)):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    first = 2 * len(network.convolutions)
    rows = _flattened_channels_first(weights[first], sizes[-1])
    _fill(model.parameters(), [*weights[:first], rows, *weights[first + 1 :]])
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the faster one on CPUs


def _convolution(weights: Iterator[np.ndarray], stride: int = 1) -> nn.Sequential:
    """A convolution and its batch normalisation, shaped and filled by the next three arrays."""
    kernel, scale, shift = next(weights), next(weights), next(weights)
    size, _, inputs, outputs = kernel.shape
    layer = nn.Conv2d(inputs, outputs, size, stride, padding=(size - 1) // 2, bias=False)
    norm = nn.BatchNorm2d(outputs)
    _fill((layer.weight, norm.weight, norm.bias), (kernel, scale, shift))
    return nn.Sequential(layer, norm)


class Block(nn.Module):
    """ResNet's basic block: two 3×3 convolutions beside a shortcut."""

    def __init__(self, weights: Iterator[np.ndarray], inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(weights, stride), _convolution(weights)
        changes = stride != 1 or inputs != outputs
        self.shortcut = _convolution(weights, stride) if changes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def resnet18(weights: list[np.ndarray]) -> nn.Sequential:
    """ResNet-18 with ImageNet's stem on N × height × width × channels.

    ``weights`` as :func:`lrlib.course.networks.resnet18_weights` gives them; their shapes decide the kernels' sizes.
    """
    left = iter(weights)
    layers: list[nn.Module] = [ChannelsFirst(), _convolution(left, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
    inputs = 64
    for blocks, outputs, stride in RESNET18:
        for block in range(blocks):
            layers.append(Block(left, inputs, outputs, stride if block == 0 else 1))
            inputs = outputs
    dense = nn.Linear(inputs, len(weights[-1]))
    _fill((dense.weight, dense.bias), left)
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the faster one on CPUs


@torch.no_grad()
def _fill(parameters: Iterable[torch.Tensor], arrays: Iterable[np.ndarray]) -> None:
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.copy_(torch.from_numpy(_to_torch(array)))


def _to_torch(array: np.ndarray) -> np.ndarray:
    """As PyTorch keeps it: out × in × height × width of a convolution, out × in of a dense layer."""
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T


def weights(model: nn.Module) -> list[np.ndarray]:
    """The model's weights as arrays, in the layout of :func:`lrlib.course.networks.dense_weights`."""
    return [parameter.detach().numpy().T.copy() for parameter in model.parameters()]


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Any,
    y: Any,
    batches: np.ndarray,
    pauses: Collection[int] = (),
    on_pause: Callable[[int], None] = lambda update: None,
    scheduler: Any = None,
) -> History:
    """One update for each row of ``batches`` (row numbers of ``x`` and ``y``), cross-entropy loss.

    For a stacked model ``batches`` is updates × seeds × rows. ``scheduler.step()`` follows each update. After the
    updates numbered in ``pauses`` (the first is 1), ``on_pause(number)`` is called: to measure, or to change the rate.
    """
    device = next(model.parameters()).device
    x, y = torch.as_tensor(x, device=device), torch.as_tensor(y, device=device).long()
    counts = (batches >= 0).sum(-1).reshape(len(batches), -1)[:, 0].tolist()  # images in each batch, for every seed
    rates, losses = [], []
    model.train()
    progress = tqdm(torch.as_tensor(batches, device=device), delay=2, leave=False)
    for number, (rows, count) in enumerate(zip(progress, counts, strict=True), start=1):
        rows = rows[..., :count]
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.zero_grad()
        loss = _losses(model(_select(x, rows)), _select(y, rows))
        loss.sum().backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.detach())
        if number in pauses:
            on_pause(number)
    return History(np.array(rates), torch.stack(losses).cpu().numpy())


def _select(data: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """``data[rows]``, in half the time."""
    return data.index_select(0, rows.flatten()).reshape(*rows.shape, *data.shape[1:])


def _losses(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy; of a stacked model, outputs seeds × rows × classes, one a seed."""
    if outputs.ndim == 2:
        return nn.functional.cross_entropy(outputs, targets)
    each = nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return each.reshape(outputs.shape[:2]).mean(1)


def evaluate(model: nn.Module, x: Any, y: Any) -> tuple[Any, Any]:
    """(mean cross-entropy, accuracy in percent) over all of ``x``, in evaluation mode; the model's own mode is kept.

    Of a stacked model, arrays with one number a seed; ``x`` and ``y`` are for all seeds, or have an axis over them.
    """
    outputs, targets = _outputs(model, x, y)
    right = (outputs.argmax(-1) == targets).sum(-1).tolist()  # Python ints: nothing is divided in uint8
    return _losses(outputs, targets).tolist(), (100 * np.array(right) / targets.shape[-1]).tolist()


def right(model: nn.Module, x: Any, y: Any) -> np.ndarray:
    """For each image whether its class is found, in evaluation mode; of a stacked model seeds × images."""
    outputs, targets = _outputs(model, x, y)
    return (outputs.argmax(-1) == targets).cpu().numpy()


@torch.no_grad()
def _outputs(model: nn.Module, x: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The outputs for all of ``x``, and the labels in the same shape."""
    mode = model.training
    model.eval()
    device = next(model.parameters()).device
    y = torch.as_tensor(y, device=device).long()
    outputs = torch.cat([model(part) for part in torch.as_tensor(x, device=device).split(1000)], dim=-2)
    model.train(mode)
    return outputs, y.expand(outputs.shape[:-1])


def bench(
    model: nn.Module, optimizer: torch.optim.Optimizer, rule: Schedule | Plateau | list[Schedule], **others: Any
) -> Bench:
    """The model and its optimizer under a rule for the rate; ``others`` are schedules of other hyperparameters."""
    parameters = list(model.parameters())
    bound = Bench(
        partial(train, model, optimizer),
        partial(evaluate, model),
        partial(right, model),
        weights=lambda: [parameter.detach().numpy().copy() for parameter in parameters],
        set_weights=partial(_put, parameters),
    )
    if isinstance(rule, Plateau):
        return bound._replace(report=PlateauScheduler(optimizer, rule).step)
    return bound._replace(train=partial(train, model, optimizer, scheduler=Scheduler(optimizer, rule, **others)))


@torch.no_grad()
def _put(parameters: Sequence[torch.Tensor], arrays: Sequence[np.ndarray]) -> None:
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.copy_(torch.from_numpy(array))
