"""What is said where a package is missing that ``pip install lrlib`` alone does not bring."""

import contextlib
from collections.abc import Iterator

EXTRAS = {name: name for name in ("numpy", "torch", "keras", "jax")} | {"tensorflow": "keras", "matplotlib": "plot"}


@contextlib.contextmanager
def needed_by(user: str) -> Iterator[None]:
    """Import packages in this block: if one of an extra is missing, the ``ModuleNotFoundError`` names the extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        message = f"{user} needs {package}, which is not installed: pip install 'lrlib[{EXTRAS[package]}]'"
        raise ModuleNotFoundError(message, name=package) from None
