"""The course's networks and its training loop, in PyTorch. ``lrlib.course.keras`` has the same names in Keras."""

import itertools
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from lrlib.course.alike import RESNET18, History


def one_thread() -> None:
    """Run on one thread: on networks this small a second one costs more than it gives."""
    torch.set_num_threads(1)


def perceptron(sizes: tuple[int, ...], weights: list[np.ndarray]) -> nn.Sequential:
    """Dense layers with ReLU between them; ``weights`` as :func:`lrlib.course.alike.dense_weights` gives them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(array.T))  # PyTorch keeps outputs × inputs
    return model


class Block(nn.Module):
    """ResNet's basic block: two 3×3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def resnet18(weights: list[np.ndarray]) -> nn.Sequential:
    """ResNet-18 with ImageNet's stem; ``weights`` as :func:`lrlib.course.alike.resnet18_weights` gives them."""
    inputs = weights[0].shape[3]
    stem = nn.Conv2d(weights[0].shape[2], inputs, 7, 2, padding=3, bias=False)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(inputs), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
    for blocks, outputs, stride in RESNET18:
        for block in range(blocks):
            layers.append(Block(inputs, outputs, stride if block == 0 else 1))
            inputs = outputs
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, weights[-1].shape[0]))
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(array.T if array.ndim == 2 else _to_torch(array)))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the faster one on CPUs


def _to_torch(array: np.ndarray) -> np.ndarray:
    """Height × width × in × out as PyTorch keeps it: out × in × height × width."""
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array


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
    x, y = torch.as_tensor(x), torch.as_tensor(y).long()
    rates, losses = [], []
    model.train()
    for number, rows in enumerate(tqdm(torch.as_tensor(batches), delay=2, leave=False), start=1):
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
            model.eval()
            on_pause(number)
            model.train()
    return History(np.array(rates), torch.stack(losses).numpy())


@torch.no_grad()
def evaluate(model: nn.Module, x: Any, y: Any) -> tuple[float, float]:
    """(mean cross-entropy, accuracy in percent) over all of ``x``."""
    y = torch.as_tensor(y).long()
    outputs = model(torch.as_tensor(x))
    right = (outputs.argmax(1) == y).sum().item()  # a Python int: nothing is divided in uint8
    return nn.functional.cross_entropy(outputs, y).item(), 100 * right / len(y)
