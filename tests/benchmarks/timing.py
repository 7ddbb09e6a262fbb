"""Timing of alternatives within one run: interleaved rounds, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable


def medians(candidates: dict[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """Median seconds of a call of each candidate; the candidates take turns."""
    for call in candidates.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def report(what: str, ours: float, theirs: float, at_most: float) -> bool:
    """Print one ratio beside its target; returns whether it is met."""
    ratio = ours / theirs
    print(f"{what:42} ratio {ratio:6.3f}   target at most {at_most:g}: {'met' if ratio <= at_most else 'MISSED'}")
    return ratio <= at_most
