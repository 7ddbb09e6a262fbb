"""lrlib: learning-rate schedules as values, the same in PyTorch and in Keras.

``import lrlib`` loads next to nothing; each name and each of ``lrlib.torch``, ``lrlib.keras`` loads on first use.
"""

TYPE_CHECKING = False  # importing typing would take as long as all the rest

__version__ = "0.1.0"

if TYPE_CHECKING:
    from typing import Any

    from lrlib.interop import from_keras as from_keras
    from lrlib.interop import from_torch as from_torch
    from lrlib.plateau import Plateau as Plateau
    from lrlib.plateau import PlateauState as PlateauState
    from lrlib.schedules import *  # noqa: F403

_SCHEDULES = (
    "Schedule Constant Linear Polynomial Cosine Exponential StepDecay Piecewise InverseTime InverseSqrt CosineRestarts "
    "Triangular Triangular2 ExpRange OneCycle WarmupStableDecay Rex Then Take Repeat Stretch Hold Affine Product Clip "
    "register from_dict"
).split()
_HOME = {name: "lrlib.schedules" for name in _SCHEDULES}
_HOME |= {"Plateau": "lrlib.plateau", "PlateauState": "lrlib.plateau"}
_HOME |= {"from_keras": "lrlib.interop", "from_torch": "lrlib.interop"}
_MODULES = ("course", "interop", "keras", "plateau", "schedules", "torch")

__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> "Any":
    import importlib

    if name in _HOME:
        found = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _MODULES:
        found = importlib.import_module(f"lrlib.{name}")
    else:
        raise AttributeError(f"module 'lrlib' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
