"""Keeps PyTorch's CUDA build and TensorFlow from ending the process they share.

That build brings triton, which PyTorch imports when the first optimizer is made. Triton's library and TensorFlow's each
hold an LLVM of their own, under the same names, and TensorFlow makes its names global: a triton that is loaded later
takes thousands of them for its own, and the process dies (a segmentation fault, or "LLVM ERROR: inconsistency in
registered CommandLine options"). Loaded with ``RTLD_DEEPBIND`` it prefers its own names, whatever was loaded before.
"""

import contextlib
import ctypes
import importlib.util
import os
from pathlib import Path


def load_with_own_symbols() -> None:
    """Load triton's library, if there is one, so that a later ``import triton`` finds it loaded. About 0.1 s.

    To be called before the first optimizer is made, before or after either framework is imported.
    """
    spec = importlib.util.find_spec("triton")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for library in Path(folder).glob("_C/libtriton*.so"):
            with contextlib.suppress(OSError):  # a library that cannot be loaded is none to PyTorch either
                ctypes.CDLL(str(library), mode=getattr(os, "RTLD_DEEPBIND", 0))  # glibc only, as the clash is
