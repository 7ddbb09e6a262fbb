"""What the chapters share and a user of the library does not need: data, networks, training loops, stored results."""

import contextlib
import os
from collections.abc import Iterator

from lrlib._triton import load_with_own_symbols

load_with_own_symbols()  # chapters use both frameworks

# TensorFlow reads these when it is first imported; its start-up lines would otherwise stand in every notebook. Whether
# it takes oneDNN's operations, and says so past its log level, depends on the processor unless it is told.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@contextlib.contextmanager
def fast_convolutions() -> Iterator[None]:
    """Import TensorFlow in this block: it then takes oneDNN's convolutions, which it leaves aside on some processors.

    (Seen on an AMD EPYC: a step of ResNet-18 in 0.22 s instead of 1.0 s.) TensorFlow says so on the process's stderr,
    past Python and whatever its log level, so that is closed meanwhile.
    """
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
