# SPDX-License-Identifier: MIT
"""Decides whether a series of samples is flat: fits a line by least squares through the samples
after the warm-up, and limits how much that line grows."""

from dataclasses import dataclass

# How much a figure may grow while it is judged: by PART of its value, or by its floor if that is
# more.
PART = 0.10
FLOORS = {
    "memory": 1 << 20,
    "in use": 1 << 20,
    "descriptors": 6,
    "catalog": 1 << 20,
    # These rise and fall with the faults. At the end of the soak both must be zero.
    "waiting": 4,
    "under way": 8,
}
# In a soak of a few minutes SQLite's cache is still filling, and single large pages matter.
IN_SHORT = {"memory": 12 << 20, "in use": 12 << 20}
SHORT = 600
# With fewer samples a slope says nothing.
SAMPLES = 20


@dataclass
class Verdict:
    """The result for one figure of one process."""

    figure: str
    lowest: float
    median: float
    highest: float
    slope: float  # per second
    growth: float  # of the line, from the end of the warm-up to the last sample
    limit: float  # maximum of growth

    @property
    def flat(self) -> bool:
        return self.growth <= self.limit


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns the slope, and the value at the mean time, of the least-squares line."""
    count = len(points)
    mean_at = sum(at for at, _ in points) / count
    mean = sum(value for _, value in points) / count
    spread = sum((at - mean_at) ** 2 for at, _ in points)
    if spread == 0:
        raise ValueError("all samples are of one moment")
    return sum((at - mean_at) * (value - mean) for at, value in points) / spread, mean


def judge(figure: str, points: list[tuple[float, float]], warm_up: float) -> Verdict:
    """Judges one figure. `points` are seconds and values; those before `warm_up` are ignored."""
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
