"""A snapshot of what a range test changes: the contents and identities of all that is reachable from a few objects.

No framework: ``lrlib._torch_range`` and ``lrlib._keras_range`` say which attributes to walk, and how to save a tensor.
"""

import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

Undo = Callable[[], object]


class Snapshot:
    """Saves the state of objects, and restores it.

    ``look_into``: the classes whose attributes are saved and walked, as dicts, lists, sets and tuples are.
    ``keep_leaf(item)``: a callback that returns a function to restore the item's contents, or None where there is
    nothing to restore. Random generators of Python and NumPy are saved wherever they are met; everything else is taken
    to be immutable.
    """

    def __init__(self, look_into: tuple[type, ...], keep_leaf: Callable[[Any], Undo | None]) -> None:
        self._look_into, self._keep_leaf = look_into, keep_leaf
        self._visited: dict[int, Any] = {}  # by id; the reference keeps the id from being used again
        self._undo: list[Undo] = []

    def keep(self, *items: Any) -> None:
        """Save everything that is reachable from ``items``."""
        stack = list(items)  # no recursion: graphs of layers are deep
        while stack:
            item = stack.pop()
            if isinstance(item, dict) and not issubclass(type(item), dict):
                item = item.__wrapped__  # type: ignore[attr-defined]  # TensorFlow's proxy of a dict
            if id(item) in self._visited or isinstance(item, (str, bytes, int, float, type(None))):
                continue
            self._visited[id(item)] = item
            undo = _keep_generator(item) or self._keep_leaf(item) or _keep_container(item)
            if undo is not None:
                self._undo.append(undo)
            if isinstance(item, dict):
                stack += dict.values(item)
            elif isinstance(item, (list, tuple, set)):
                stack += item
            if isinstance(item, (*self._look_into, dict, list)) and hasattr(item, "__dict__"):
                stack.append(vars(item))

    def call_back(self, undo: Undo) -> None:
        """Have ``undo`` called by :meth:`restore`, after all that was registered before it."""
        self._undo.append(undo)

    def restore(self) -> None:
        """Restore everything, in the order in which it was saved; an error in one does not keep the rest from it."""
        with contextlib.ExitStack() as stack:
            for undo in reversed(self._undo):
                stack.callback(undo)


def _keep_container(item: Any) -> Undo | None:
    """For a dict, list or set: the same items again, in the same order.

    The built-in type's own methods are used: frameworks' subclasses do more than hold what they are given.
    """
    if isinstance(item, dict):
        pairs = list(dict.items(item))

        def undo() -> None:
            now = [id(part) for pair in dict.items(item) for part in pair]  # == of tensors is a tensor
            if now != [id(part) for pair in pairs for part in pair]:
                dict.clear(item)
                dict.update(item, pairs)

        return undo
    if isinstance(item, list):
        members = list(item)
        return lambda: list.__setitem__(item, slice(None), members)
    if isinstance(item, set):
        copied = set(item)
        return lambda: (set.clear(item), set.update(item, copied))
    return None


def _keep_generator(item: Any) -> Undo | None:
    if isinstance(item, random.Random):
        own = item.getstate()
        return lambda: item.setstate(own)
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(item, numpy.random.Generator):
        bits = item.bit_generator
        state = bits.state
        return lambda: setattr(bits, "state", state)
    if isinstance(item, numpy.random.RandomState):
        legacy = item.get_state()
        return lambda: item.set_state(legacy)
    return None


def global_generators() -> Undo:
    """Save the state of Python's and NumPy's global generators; returns the function that restores it."""
    own = random.getstate()
    numpy = sys.modules.get("numpy")
    legacy = None if numpy is None else numpy.random.get_state()

    def undo() -> None:
        random.setstate(own)
        if numpy is not None:
            numpy.random.set_state(legacy)

    return undo


# ---------------------------------------------------------------------------------------------------------------------
# Batches and progress, for both range tests
# ---------------------------------------------------------------------------------------------------------------------


def cycle(batches: Any, name: str) -> Iterator[Any]:
    """The batches over and over. ValueError if there is none, or if an iterator that cannot start again ends."""
    while True:
        iterator = iter(batches)
        empty = True
        for batch in iterator:
            empty = False
            yield batch
        if iterator is batches:
            raise ValueError(
                f"{name}: an iterator that cannot start again ended before the sweep did; pass a list of its batches, "
                "a loader, or fewer steps"
            )
        if empty:
            raise ValueError(f"{name}: there is no batch")


@contextlib.contextmanager
def reporter(progress: Any, steps: int) -> Iterator[Callable[[], object]]:
    """The callback for each step. None: a tqdm bar that appears after 2 seconds (no bar without tqdm)."""
    if progress is None:
        try:
            from tqdm import tqdm
        except ImportError:
            yield lambda: None
            return
        with tqdm(total=steps, delay=2, leave=False, desc="range test") as bar:
            yield bar.update
    elif progress is False:
        yield lambda: None
    else:
        done = iter(range(1, steps + 1))
        yield lambda: progress(next(done), steps)


def check_progress(progress: Any) -> None:
    if progress is not None and progress is not False and not callable(progress):
        raise TypeError(f"range_test: progress must be None, False or a callable, got {progress!r}")


def check_batches(batches: Any, name: str) -> None:
    if not hasattr(batches, "__iter__") and not hasattr(batches, "__getitem__"):
        raise TypeError(f"range_test: {name} must be an iterable of (inputs, targets), got {batches!r}")
