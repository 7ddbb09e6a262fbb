"""A snapshot of what a range test changes: the contents and identities of all that is reachable from a few objects.

No framework: ``lrlib._torch_range`` and ``lrlib._keras_range`` say which attributes to walk, and how to save a tensor.
"""

import collections
import contextlib
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Undo = Callable[[], object]


class Snapshot:
    """Saves the state of objects, and restores it.

    ``look_into``: the classes whose attributes are saved and walked, as dicts, lists, sets and tuples are.
    ``keep_leaf(item)``: a callback that returns a function to restore the item's contents, or None where there is
    nothing to restore. Random generators of Python, NumPy and PyTorch are saved wherever they are met; everything
    else is taken to be immutable.
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
            undo = self._undo_of(item)
            if undo is not None:
                self._undo.append(undo)
            if isinstance(item, dict):
                stack += dict.values(item)
            elif isinstance(item, (list, tuple, set, collections.deque)):
                stack.extend(item)  # not +=, which TensorFlow's proxy of a tuple answers in its own way
            if isinstance(item, (*self._look_into, dict, list)) and hasattr(item, "__dict__"):
                stack.append(vars(item))

    def _undo_of(self, item: Any) -> Undo | None:
        return _keep_generator(item) or self._keep_leaf(item) or _keep_container(item)

    def knows(self, item: Any) -> bool:
        """Whether :meth:`keep` saves anything of an object."""
        return isinstance(item, self._look_into) or self._undo_of(item) is not None

    def call_back(self, undo: Undo) -> None:
        """Have ``undo`` called by :meth:`restore`, after all that was registered before it."""
        self._undo.append(undo)

    def restore(self) -> None:
        """Restore everything, in the order in which it was saved; an error in one does not keep the rest from it."""
        with contextlib.ExitStack() as stack:
            for undo in reversed(self._undo):
                stack.callback(undo)


def _keep_container(item: Any) -> Undo | None:
    """For a dict, list, set, deque or bytearray: the same items again, in the same order.

    The built-in type's own methods are used: frameworks' subclasses do more than hold what they are given.
    """
    if isinstance(item, dict):
        # An OrderedDict, such as torch's hooks, has its order in a list of its own, which dict's methods pass by.
        kind = collections.OrderedDict if isinstance(item, collections.OrderedDict) else dict
        pairs = list(kind.items(item))

        def undo() -> None:
            now = [id(part) for pair in kind.items(item) for part in pair]  # == of tensors is a tensor
            if now != [id(part) for pair in pairs for part in pair]:
                kind.clear(item)
                kind.update(item, pairs)

        return undo
    if isinstance(item, list):
        members = list(item)
        return lambda: list.__setitem__(item, slice(None), members)
    if isinstance(item, set):
        copied = set(item)
        return lambda: (set.clear(item), set.update(item, copied))
    if isinstance(item, collections.deque):
        kept, deque = list(item), collections.deque
        return lambda: (deque.clear(item), deque.extend(item, kept))
    if isinstance(item, bytearray):
        content = bytes(item)
        return lambda: bytearray.__setitem__(item, slice(None), content)
    return None


def _keep_generator(item: Any) -> Undo | None:
    if isinstance(item, random.Random):
        own = item.getstate()
        return lambda: item.setstate(own)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(item, torch.Generator):
        tensor = item.get_state()
        return lambda: item.set_state(tensor)
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
    """Save the state of the global generators of Python, and of NumPy and PyTorch where these are loaded.

    Returns the function that restores it.
    """
    own = random.getstate()
    numpy = sys.modules.get("numpy")
    legacy = None if numpy is None else numpy.random.get_state()
    torch = _torch_generators()

    def undo() -> None:
        random.setstate(own)
        if numpy is not None:
            numpy.random.set_state(legacy)
        torch()

    return undo


def _torch_generators() -> Undo:
    torch = sys.modules.get("torch")
    if torch is None:
        return lambda: None
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def undo() -> None:
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)

    return undo


_SOURCE_PARTS = ("sampler", "batch_sampler", "dataset")


def keep_source(snapshot: Snapshot, source: Any) -> None:
    """The generators that a loader, its samplers and its dataset hold; of a DataLoader, its attributes too."""
    if not hasattr(source, "__dict__"):
        return
    kinds: tuple[type, ...] = (random.Random,)
    if (numpy := sys.modules.get("numpy")) is not None:
        kinds += (numpy.random.Generator, numpy.random.RandomState)
    if (keras := sys.modules.get("keras")) is not None:
        kinds += (keras.random.SeedGenerator,)
    if (torch := sys.modules.get("torch")) is not None:
        kinds += (torch.Generator,)
        if isinstance(source, (torch.utils.data.DataLoader, torch.utils.data.Sampler)):
            # A shallow copy (of persistent workers, for one): the data are not copied.
            attributes = dict(vars(source))
            snapshot.call_back(lambda: vars(source).update(attributes))
    snapshot.keep(*(held for held in vars(source).values() if isinstance(held, kinds)))
    for name in _SOURCE_PARTS:
        keep_source(snapshot, vars(source).get(name))


def keep_others(snapshot: Snapshot, others: Iterable[Any]) -> None:
    """What else a step changes: of a source of batches its generators, of all else its attributes."""
    for item in others:
        if snapshot.knows(item):
            snapshot.keep(item)
        elif is_source(item) and not isinstance(item, str):
            keep_source(snapshot, item)
        elif hasattr(item, "__dict__"):
            snapshot.keep(vars(item))
        else:
            raise TypeError(f"no_trace: others must be objects that hold a state, got {item!r}")


def flat(items: Iterable[Any]) -> list[Any]:
    """The items, those in lists and tuples one by one."""
    return [part for item in items for part in (flat(item) if isinstance(item, (list, tuple)) else [item])]


def keep_array(item: Any) -> Undo | None:
    """The contents of a NumPy array."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(item, numpy.ndarray) or not item.flags.writeable:
        return None
    content = item.copy()
    return lambda: numpy.copyto(item, content)


def check_loader(loader: Any, no_loaders: tuple[type, ...]) -> None:
    if loader is not None and (isinstance(loader, no_loaders) or not is_source(loader)):
        got = type(loader).__name__
        raise TypeError(
            f"no_trace: loader must be an iterable of batches or None, got {got}; several models or optimizers are "
            "passed as a list"
        )


def as_list(name: str, items: Any, kind: type, allowed: str) -> list[Any]:
    """One object of a class, or several in a list or tuple, as a list. TypeError for anything else, and for none."""
    several = list(items) if isinstance(items, (list, tuple)) else [items]
    wrong = [type(item).__name__ for item in several if not isinstance(item, kind)]
    if wrong or not several:
        got = ", ".join(wrong) or "none"
        raise TypeError(f"no_trace: {name} must be {allowed}, or a list of them, got {got}")
    return several


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
def cycling(batches: Any, name: str) -> Iterator[Any]:
    """:func:`cycle`, closed at the end, so that what closing does (a ``finally`` that draws) is undone too; or None."""
    if batches is None:
        yield None
        return
    with contextlib.closing(cycle(batches, name)) as drawn:  # type: ignore[type-var]
        yield drawn


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
    if not is_source(batches):
        raise TypeError(f"range_test: {name} must be an iterable of (inputs, targets), got {batches!r}")


def is_source(item: Any) -> bool:
    return hasattr(item, "__iter__") or hasattr(item, "__getitem__")


def parts_of(batch: Any, most: int, allowed: str, own_step: str) -> tuple[Any, ...]:
    """The two to ``most`` parts of a batch, told by its type: a tuple or a list.

    Never by unpacking: of a dict that gives the keys, of a tensor the rows, of a string the letters.
    """
    if isinstance(batch, (tuple, list)) and 2 <= len(batch) <= most:
        return tuple(batch)
    got = type(batch).__name__ + (f" of {len(batch)}" if isinstance(batch, (tuple, list)) else "")
    raise TypeError(
        f"range_test: each batch must be {allowed}, a tuple or a list, got {got}; pass such pairs ([(batch, None) for "
        f"batch in batches] where there are no targets), or sweep with a step of your own: {own_step}"
    )
