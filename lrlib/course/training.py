"""What a training run is given and what it records, the same in both frameworks."""

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]  # images and labels


class History(NamedTuple):
    """One number an update, in order: the rate in force, read back from the optimizer, and the batch's mean loss.

    Where several seeds train at once, ``losses`` is updates × seeds.
    """

    rates: np.ndarray
    losses: np.ndarray


def _no_report(metric: float) -> None:
    """A schedule of the update count needs no metric."""


def _no_weights(weights: list[np.ndarray]) -> None:
    raise TypeError("the weights of this bench cannot be set")


class Bench(NamedTuple):
    """A model and its optimizer in one framework, behind what an experiment asks of them."""

    train: Callable[..., History]  # (x, y, batches, pauses, on_pause)
    evaluate: Callable[..., tuple[Any, Any]]  # (x, y) -> mean loss, accuracy in percent; one a seed where several train
    right: Callable[..., np.ndarray]  # (x, y) -> for each image whether its class is found
    report: Callable[[float], None] = _no_report  # shows a plateau rule its metric
    weights: Callable[[], list[np.ndarray]] = list  # copies of the weights, in the framework's own layout
    set_weights: Callable[[list[np.ndarray]], None] = _no_weights  # the way back


def stack_of_one(bench: Bench) -> Bench:
    """A bench that trains one seed, seen as a stack of seeds: batches, losses and measurements get that axis.

    It is evaluated on images that all seeds share, or on a stack of one seed's own.
    """

    def train(x: Any, y: Any, batches: np.ndarray, *pauses: Any) -> History:
        history = bench.train(x, y, batches[:, 0], *pauses)
        return history._replace(losses=history.losses[:, None])

    def evaluate(x: Any, y: Any) -> tuple[list[float], list[float]]:
        loss, accuracy = bench.evaluate(x[0], y[0]) if y.ndim == 2 else bench.evaluate(x, y)
        return [loss], [accuracy]

    return bench._replace(train=train, evaluate=evaluate, right=lambda x, y: bench.right(x, y)[None])


class MeanWeights:
    """The mean of the weights that it was shown, in double precision."""

    def __init__(self) -> None:
        self.count, self.mean = 0, list[np.ndarray]()

    def add(self, weights: list[np.ndarray]) -> None:
        self.count += 1
        self.mean = self.mean or [np.zeros(array.shape) for array in weights]
        for mean, array in zip(self.mean, weights, strict=True):
            mean += (array - mean) / self.count

    def result(self) -> list[np.ndarray]:
        """As float32. Errors: ``ValueError`` if nothing was added."""
        if not self.count:
            raise ValueError("a mean of no weights was asked for")
        return [mean.astype("float32") for mean in self.mean]


def batch_order(rows: int, batch: int, epochs: int, seed: int) -> np.ndarray:
    """Row numbers of each update's batch, (epochs · ⌈rows / batch⌉) × batch: every epoch a new permutation.

    An epoch's last batch is smaller if the rows do not divide evenly; −1 pads it and stands for no image.
    """
    random = np.random.default_rng([seed, 1])
    missing = -rows % batch
    permutations = [np.append(random.permutation(rows), [-1] * missing) for _ in range(epochs)]
    return np.concatenate(permutations).astype("int64").reshape(-1, batch)


def rows_of(part: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Batches of a part's images, numbered within the part, as batches of all images; −1 stays."""
    return np.where(order < 0, -1, part[order])


def stack_orders(orders: Iterable[np.ndarray]) -> np.ndarray:
    """The batches of several seeds that train at once: updates × seeds × rows."""
    return np.stack(list(orders), axis=1)


def random_split(rows: int, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Row numbers of disjoint parts of these sizes, drawn anew for each seed.

    A fixed test set is a sample too: with endless seeds the difference of two schedules on 360 images would be certain,
    and still be one of these images. Where the split is drawn for each seed, its spread is in the interval over seeds.
    """
    if sum(sizes) > rows:
        raise ValueError(f"parts of {', '.join(map(str, sizes))} rows are more than all {rows}")
    return np.split(np.random.default_rng([seed, 2]).permutation(rows)[: sum(sizes)], np.cumsum(sizes)[:-1])


def packed(right: np.ndarray) -> str:
    """Which images a model has right, an eighth of a byte each, as text.

    Errors: ``ValueError`` unless they are a multiple of eight, as MNIST's and CIFAR-10's are: padding would count.
    """
    if len(right) % 8:
        raise ValueError(f"what is packed is a multiple of eight images; got {len(right)}")
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """The booleans that :func:`packed` was given.

    >>> unpacked(packed(np.arange(8) < 2)).sum()
    np.int64(2)
    """
    return np.unpackbits(np.frombuffer(base64.b64decode(text), "uint8")).astype(bool)


def whole_epochs(epochs: int, share: float) -> int:
    """The number of epochs in a ``share`` of a run, at least one."""
    return max(1, round(share * epochs))


def description(
    weights: list[np.ndarray], *, initial: str, optimizer: str, split: str, batches: str, loss: str, version: int = 1
) -> dict[str, Any]:
    """What a trial trains, which is part of what identifies its result.

    The shapes are read from the weights that the trial starts from, so another network makes stored results stale by
    itself. The other entries are declared; ``version`` is raised by hand for a change that they do not tell.
    """
    return {
        "shapes": ", ".join("x".join(map(str, array.shape)) for array in weights),
        "weights": sum(array.size for array in weights),
        "initial": initial,
        "loss": loss,
        "optimizer": optimizer,
        "split": split,
        "batches": batches,
        "version": version,
    }


class Curve:
    """Measurements along a run: the updates at which they were made, and a list for each measured quantity."""

    def __init__(self, *names: str) -> None:
        self.columns: dict[str, list[Any]] = {"update": [], **{name: [] for name in names}}

    def add(self, update: int, *numbers: float | None) -> None:
        """Append a point; ``numbers`` in the order of the names."""
        for column, number in zip(self.columns.values(), (update, *numbers), strict=True):
            column.append(number)


def all_finite(*arrays: Any) -> bool:
    """Whether no number in any of the arrays is NaN or infinite."""
    return all(bool(np.isfinite(np.asarray(array, float)).all()) for array in arrays)


def record_by_epoch(
    bench: Bench, data: Arrays, order: np.ndarray, epochs: int, watched: Arrays, images: bool = False
) -> tuple[History, dict[str, Any]]:
    """Train through ``order`` and measure on ``watched`` after each epoch.

    Returns the history and what is stored: the rate in force at each epoch's first update and at the last of all, the
    mean training loss of each epoch, loss and accuracy on ``watched``, and whether any of these losses was not finite.
    With ``images`` also which of the watched images were right after each epoch, packed.
    """
    per_epoch = len(order) // epochs
    curve = Curve("loss", "accuracy")
    right: dict[str, str] = {}

    def on_pause(update: int) -> None:
        curve.add(update, *bench.evaluate(*watched))
        if images:
            right[str(update)] = packed(bench.right(*watched))

    history = bench.train(*data, order, range(per_epoch, len(order) + 1, per_epoch), on_pause)
    return history, {
        "rates": [*history.rates[::per_epoch].tolist(), float(history.rates[-1])],
        "epoch_loss": history.losses.reshape(epochs, per_epoch).mean(1).tolist(),
        "curve": curve.columns,
        "diverged": not all_finite(history.losses, curve.columns["loss"]),
        **({"watched_right": right} if images else {}),
    }
