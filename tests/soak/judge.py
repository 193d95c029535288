# SPDX-License-Identifier: MIT
"""Whether a series of samples is flat: a straight line by least squares through what comes
after the warm-up, and how much that line grows over the time that is judged."""

from dataclasses import dataclass

# What a figure may grow by while it is judged: a part of what it is, but always this much.
PART = 0.10
FLOORS = {
    "memory": 1 << 20,
    "in use": 1 << 20,
    "descriptors": 6,
    "catalog": 1 << 20,
    # These go up and down with the weather. At the end there must be none at all.
    "waiting": 4,
    "under way": 8,
}
# In a few minutes SQLite's cache is still being filled, and a large page more or less shows.
IN_SHORT = {"memory": 12 << 20, "in use": 12 << 20}
SHORT = 600
# Fewer tell nothing of a slope.
SAMPLES = 20


@dataclass
class Verdict:
    """Of one figure of one process."""

    figure: str
    lowest: float
    median: float
    highest: float
    slope: float  # a second
    growth: float  # by the line, from the end of the warm-up to the end
    limit: float  # of growth

    @property
    def flat(self) -> bool:
        return self.growth <= self.limit


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Slope, and the value at the mean time, of the line with the least squares."""
    count = len(points)
    mean_at = sum(at for at, _ in points) / count
    mean = sum(value for _, value in points) / count
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    if spread == 0:
        raise ValueError("all samples are of one moment")
    return sum((at - mean_at) * (value - mean) for at, value in points) / spread, mean


def judge(figure: str, points: list[tuple[float, float]], warm_up: float) -> Verdict:
    """`points` are seconds and values; those before `warm_up` are looked at by nobody."""
    counted = [point for point in points if point[0] >= warm_up]
    if len(counted) < SAMPLES:
        raise ValueError(f"{figure}: {len(counted)} samples after {warm_up:.0f} s")
    slope, mean = line(counted)
    seconds = counted[-1][0] - counted[0][0]
    growth = slope * seconds
    values = sorted(value for _, value in counted)
    begun = max(0.0, mean - growth / 2)
    floors = FLOORS | IN_SHORT if seconds < SHORT else FLOORS
    return Verdict(figure, values[0], values[len(values) // 2], values[-1], slope, growth,
                   max(floors[figure], PART * begun))
