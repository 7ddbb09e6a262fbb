"""lrlib: learning-rate schedules as values, the same in PyTorch, Keras and JAX.

``import lrlib`` loads next to nothing; each name and each of ``lrlib.torch``, ``lrlib.keras``, ``lrlib.jax`` loads on
first use.
"""

import sys

TYPE_CHECKING = False  # importing typing would take as long as all the rest

__version__ = "0.1.0"

if TYPE_CHECKING:
    from typing import Any

    from lrlib.finder import RangeTest as RangeTest
    from lrlib.finder import Suggestion as Suggestion
    from lrlib.finder import combine as combine
    from lrlib.finder import range_test as range_test
    from lrlib.interop import from_keras as from_keras
    from lrlib.interop import from_torch as from_torch
    from lrlib.plateau import Plateau as Plateau
    from lrlib.plateau import PlateauState as PlateauState
    from lrlib.schedules import *  # noqa: F403

_FAMILIES = (
    "Constant Linear Polynomial Cosine Exponential StepDecay Piecewise InverseTime InverseSqrt CosineRestarts "
    "Triangular Triangular2 ExpRange OneCycle WarmupStableDecay Rex"
)
_ALGEBRA = "Then Take Drop Repeat Stretch Hold Affine Product Clip"
_NAMES = {
    "lrlib.schedules": f"Schedule {_FAMILIES} {_ALGEBRA} register from_dict",
    "lrlib.plateau": "Plateau PlateauState",
    "lrlib.interop": "from_keras from_torch",
    "lrlib.finder": "RangeTest Suggestion combine range_test",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}
_MODULES = ("course", "finder", "interop", "jax", "keras", "plateau", "schedules", "torch")

__all__ = sorted(_HOME)  # noqa: PLE0605

if "torch" in sys.modules or "tensorflow" in sys.modules:  # whoever has neither yet is not made to wait
    from lrlib._triton import load_with_own_symbols

    load_with_own_symbols()


def __getattr__(name: str) -> "Any":
    import importlib

    if name in _HOME:
        module = importlib.import_module(_HOME[name])
        globals().update({each: getattr(module, each) for each in _NAMES[_HOME[name]].split()})
    elif name in _MODULES:
        globals()[name] = importlib.import_module(f"lrlib.{name}")
    else:
        raise AttributeError(f"module 'lrlib' has no attribute {name!r}")
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
