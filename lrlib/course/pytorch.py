"""The course's networks and its training loop, in PyTorch. ``lrlib.course.keras`` has the same names in Keras."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from lrlib.course.alike import RESNET18, History, PooledConvnet


def one_thread() -> None:
    """Run on one thread: on networks this small a second one costs more than it gives."""
    torch.set_num_threads(1)


def perceptron(sizes: tuple[int, ...], weights: list[np.ndarray]) -> nn.Sequential:
    """Dense layers with ReLU between them; ``weights`` as :func:`lrlib.course.alike.dense_weights` gives them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    _fill(model.parameters(), weights)
    return model


class ChannelsFirst(nn.Module):
    """Images as NumPy and Keras keep them, N × height × width × channels, seen as PyTorch's N × channels × …: no copy.

    PyTorch then finds the channels last in memory, which is the faster order on CPUs.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 3, 1, 2)


def convnet(weights: list[np.ndarray], dropout: bool = True) -> nn.Sequential:
    """S4's network on N × 32 × 32 × 3; ``weights`` as :func:`lrlib.course.alike.convnet_weights` gives them.

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
    """A plain network; ``weights`` as :func:`lrlib.course.alike.pooled_convnet_weights` gives them."""
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

    ``weights`` as :func:`lrlib.course.alike.resnet18_weights` gives them; their shapes decide the kernels' sizes.
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
    """The model's weights as arrays, in the layout of :func:`lrlib.course.alike.dense_weights`."""
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

    ``scheduler.step()`` follows each update. After the updates numbered in ``pauses`` (the first is 1),
    ``on_pause(number)`` is called: to measure, or to change the rate.
    """
    device = next(model.parameters()).device
    x, y = torch.as_tensor(x, device=device), torch.as_tensor(y, device=device).long()
    rates, losses = [], []
    model.train()
    for number, rows in enumerate(tqdm(torch.as_tensor(batches, device=device), delay=2, leave=False), start=1):
        rows = rows[rows >= 0]
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.zero_grad()
        inputs, targets = x.index_select(0, rows), y.index_select(0, rows)  # twice as fast as x[rows]
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.detach())
        if number in pauses:
            on_pause(number)
    return History(np.array(rates), torch.stack(losses).cpu().numpy())


@torch.no_grad()
def evaluate(model: nn.Module, x: Any, y: Any) -> tuple[float, float]:
    """(mean cross-entropy, accuracy in percent) over all of ``x``, in evaluation mode; the model's own mode is kept."""
    mode = model.training
    model.eval()
    device = next(model.parameters()).device
    y = torch.as_tensor(y, device=device).long()
    outputs = torch.cat([model(part) for part in torch.as_tensor(x, device=device).split(1000)])
    model.train(mode)
    right = (outputs.argmax(1) == y).sum().item()  # a Python int: nothing is divided in uint8
    return nn.functional.cross_entropy(outputs, y).item(), 100 * right / len(y)
