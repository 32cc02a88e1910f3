"""A bound against catastrophic backtracking: generous, since tests share their machine with others."""

import contextlib
import time
from collections.abc import Callable

LONG = [
    "0" * 100_000,
    "a" * 100_000,
    "1." * 50_000,
    " " * 100_000 + "x",
    "Nguyễn " * 15_000,
    "(" * 100_000,
    "1/" * 50_000,
    "ạ\u0301" * 30_000,
]


def slowest(function: Callable[[str], object]) -> float:
    """Seconds that the slowest of the long inputs takes, the best of three, whatever is raised."""
    worst = 0.0
    for text in LONG:
        best = float("inf")
        for _ in range(3):
            begun = time.perf_counter()
            with contextlib.suppress(ValueError):
                function(text)
            best = min(best, time.perf_counter() - begun)
        worst = max(worst, best)
    return worst
