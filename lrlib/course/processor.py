"""The processor of this machine, and the instruction set that a trial runs under: its last digits depend on both.

The frameworks' libraries choose their code by the processor when they are first used. Held to AVX2, which nearly every
x86 processor has, machines of one vendor agree to the last digit. TensorFlow's own kernels are compiled for one
instruction set; what chooses in it is oneDNN, as in PyTorch.
"""

import os
import platform
import sys
from functools import cache
from pathlib import Path

# Each library reads its own when it is first used: PyTorch, oneDNN (in both frameworks), MKL, and NumPy's and SciPy's
# OpenBLAS. MKL's COMPATIBLE would serve older processors too, and gives other digits.
AVX2_ONLY = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
CAPABILITIES = {"AVX2": "avx2", "AVX512": "avx512f"}  # PyTorch's names, and the processor's flag


@cache
def _described() -> dict[str, str]:
    """What Linux says of the first processor; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.split("\n\n", 1)[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def model() -> str:
    """The processor's model, in words."""
    return _described().get("model name") or platform.processor() or platform.machine()


def vendor() -> str:
    """The processor's vendor as it names itself, such as "GenuineIntel" or "AuthenticAMD"; else the architecture."""
    return _described().get("vendor_id") or platform.machine()


def hardware() -> str:
    """The processor and its cores, in words."""
    return f"{model()}, {os.cpu_count()} cores, one thread a trial"


def available() -> list[str]:
    """The capabilities that this processor is known to have, the smallest first."""
    flags = _described().get("flags", "").split()
    return [capability for capability, flag in CAPABILITIES.items() if flag in flags]


def capability() -> str:
    """What this process runs under; the architecture where the processor's capabilities are not known."""
    if not available():
        return platform.machine()
    return "AVX2" if _set() == AVX2_ONLY else available()[-1]


def pin(wanted: str) -> None:
    """Make this process, and those that it starts, run under a capability: before it imports a framework.

    "AVX512" leaves the libraries their choice. Where the processor has neither, as on ARM, "AVX2" changes nothing.
    Errors: ``ValueError`` for an unknown capability, ``RuntimeError`` where it cannot be had.
    """
    if wanted not in CAPABILITIES:
        raise ValueError(f"unknown capability {wanted!r}; known are {', '.join(CAPABILITIES)}")
    if wanted == "AVX512" and wanted not in available():
        raise RuntimeError(f"{model()} has no AVX512, only {', '.join(available()) or 'what is not known'}")
    variables = AVX2_ONLY if wanted == "AVX2" else {}
    loaded = [package for package in ("torch", "tensorflow") if package in sys.modules]
    if loaded and available() and (_set() != variables or _pytorchs() not in (wanted, None)):
        raise RuntimeError(
            f"this process imported {' and '.join(loaded)} under {_pytorchs() or capability()}, and {wanted} was asked "
            "for, which has to be set before: run the trial in a process of its own"
        )
    for name in AVX2_ONLY:
        os.environ.pop(name, None)
    os.environ.update(variables)


def _set() -> dict[str, str]:
    return {name: os.environ[name] for name in AVX2_ONLY if name in os.environ}


def _pytorchs() -> str | None:
    """The capability that PyTorch took, if it is there."""
    torch = sys.modules.get("torch")
    return None if torch is None else str(torch.backends.cpu.get_cpu_capability())
