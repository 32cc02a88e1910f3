"""One measure: the portal's way and the floor, slice by slice in turn, and the medians of their speeds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from welfare_portal.bench.memory import Peak


@dataclass
class Measure:
    """Seconds of each slice, the portal's and the floor's, and of the plain way if there is one."""

    name: str
    bar: float
    plain_bar: float | None = None
    n: int = 0
    ours: list[float] = field(default_factory=list)  # lines a second, one a slice
    floor: list[float] = field(default_factory=list)
    plain: float | None = None
    peak_mb: float = 0.0

    def add(self, *, lines: int, seconds: float, floor_seconds: float, peak: Peak, again: bool = False) -> None:
        """Take in one slice; `again` when its lines have been counted already."""
        self.n += 0 if again else lines
        self.peak_mb = max(self.peak_mb, peak.megabytes)
        self.ours.append(lines / seconds)
        self.floor.append(lines / floor_seconds)

    @property
    def ratio_to_floor(self) -> float:
        """The median of the slices' own ratios: both halves of a slice met the same weather."""
        return median(own / bare for own, bare in zip(self.ours, self.floor, strict=True))

    @property
    def ratio_to_plain(self) -> float | None:
        """How many times as fast as the plain way; None where there is none."""
        return median(self.ours) / self.plain if self.plain else None

    @property
    def holds(self) -> bool:
        """Whether the bar is reached."""
        ratio = self.ratio_to_plain
        return self.ratio_to_floor >= self.bar and (self.plain_bar is None or (ratio or 0) >= self.plain_bar)

    def as_json(self) -> dict[str, Any]:
        """The object that is printed, one a line."""
        ratio = self.ratio_to_plain
        return {
            "measure": self.name,
            "n": self.n,
            "per_second": round(median(self.ours)),
            "floor_per_second": round(median(self.floor)),
            "plain_per_second": round(self.plain, 1) if self.plain else None,
            "ratio_to_floor": round(self.ratio_to_floor, 3),
            "ratio_to_plain": round(ratio, 1) if ratio else None,
            "peak_mb": round(self.peak_mb),
        }


def in_turn(number: int, first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    """The seconds of both, the second before the first in every other slice."""
    if number % 2 == 0:
        one = first()
        return one, second()
    other = second()
    return first(), other


def portions(total: int, parts: int) -> Iterable[int]:
    """`total` in `parts` as equal as can be."""
    return [total // parts + (part < total % parts) for part in range(parts)]
