"""Has nbval say that a kernel died: by itself it waits for the whole of its cell timeout, and says "Timeout"."""

import math
import time
from queue import Empty

from nbval.kernel import RunningKernel

SECONDS = 1  # between two looks at whether the kernel is alive

_wait_for_message = RunningKernel.get_message


def get_message(self, stream, timeout=None):
    end = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        try:
            return _wait_for_message(self, stream, max(0, min(SECONDS, end - time.monotonic())))
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died in this cell") from None
            if time.monotonic() >= end:
                raise


RunningKernel.get_message = get_message
