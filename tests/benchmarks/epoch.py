"""An epoch of the step-and-plateau experiment: the course's loop against the source's shape, with equal losses.

python tests/benchmarks/epoch.py

The source's shape: a Dataset that converts one image at a time, a DataLoader, batches of 100.
"""

import sys

import numpy as np
import torch
from timing import medians, report
from torch.utils.data import DataLoader, Dataset

from lrlib.course import pytorch
from lrlib.course.data import mnist
from lrlib.course.experiments.step_and_plateau import BATCH, SIZES, images, initial
from lrlib.course.training import batch_order


class OneAtATime(Dataset):
    """As torchvision's MNIST with ToTensor: each image is converted when it is asked for."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.images[row].unsqueeze(0).to(torch.float32).div(255), int(self.labels[row])


def network() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    model = pytorch.perceptron(SIZES, initial(seed=0))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)


def source_epoch(data: Dataset, rows: np.ndarray) -> list[float]:
    model, optimizer = network()
    losses = []
    for pictures, labels in DataLoader(data, batch_sampler=rows.tolist()):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(pictures.view(-1, 28 * 28)), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> int:
    pytorch.one_thread()
    (pixels, labels), _ = mnist()
    (x, y), _ = images()
    rows = batch_order(len(x), BATCH, 1, seed=0)
    data = OneAtATime(pixels, labels)
    ours = pytorch.train(*network(), x, y, rows).losses
    assert np.allclose(ours, source_epoch(data, rows), rtol=1e-4), "equal batches gave unequal losses"
    print(f"{len(rows)} updates, equal losses")
    taken = medians(
        {"theirs": lambda: source_epoch(data, rows), "ours": lambda: pytorch.train(*network(), x, y, rows)}, rounds=5
    )
    print({name: f"{seconds:.2f} s" for name, seconds in taken.items()})
    return 0 if report("an epoch of step_and_plateau", taken["ours"], taken["theirs"], 1 / 3) else 1


if __name__ == "__main__":
    sys.exit(main())
