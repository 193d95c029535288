# SPDX-License-Identifier: MIT
"""Draws a plot as SVG: panels side by side, with the same logarithmic x axis."""

import html
import math
from dataclasses import dataclass
from pathlib import Path

# Size of the plotting area of a panel, and its margins.
WIDTH, HEIGHT = 210, 150
LEFT, TOP, RIGHT, BOTTOM = 46, 64, 24, 58

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 14px; font-weight: 600; }
  .quiet { fill: #57606a; font-size: 11px; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke: #0969da; stroke-width: 2; }
  .dot { fill: #0969da; }
  .limit { stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 5 4; }
  .goal { fill: #bc4c00; font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #9198a1; } .grid { stroke: #3d444d; }
    .line { stroke: #4493f8; } .dot { fill: #4493f8; }
    .limit { stroke: #f0883e; } .goal { fill: #f0883e; }
  }
"""


@dataclass
class Panel:
    title: str
    values: list[float]
    limit: float | None = None


def step_of(most: float) -> float:
    """Returns the distance of the grid lines: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * part for part in (0.2, 0.5, 1, 2) if most / (power * part) <= 5)


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(words)}</text>")


def across(kind: str, left: float, y: float) -> str:
    return f'<path class="{kind}" d="M{left:.1f} {y:.1f}h{WIDTH}"/>'


def draw_panel(panel: Panel, at: list[float], names: list[str], left: float) -> list[str]:
    most = 1.05 * max(*panel.values, panel.limit or 0)
    step = step_of(most)
    top = step * math.ceil(most / step)

    def high(value: float) -> float:
        return TOP + HEIGHT * (1 - value / top)

    drawn = [text(left, TOP - 14, panel.title, anchor="start")]
    for number in range(round(top / step) + 1):
        drawn += [across("grid", left, high(number * step)),
                  text(left - 8, high(number * step) + 4, f"{number * step:g}", "quiet", "end")]
    if panel.limit is not None:
        first, last = (abs(panel.limit - panel.values[end]) for end in (0, -1))
        side, anchor = (left, "start") if first > last else (left + WIDTH, "end")
        drawn += [across("limit", left, high(panel.limit)),
                  text(side, high(panel.limit) - 5, f"goal: ≤ {panel.limit:.3g}", "goal", anchor)]
    points = [(left + WIDTH * x, high(value)) for x, value in zip(at, panel.values)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    drawn.append(f'<path class="line" d="M{path}"/>')
    for number, ((x, y), value, name) in enumerate(zip(points, panel.values, names)):
        anchor = "start" if x == left else "end" if x >= left + WIDTH - 1 else "middle"
        drawn += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
                  text(x, y + (-10 if is_above(points, number) else 18), f"{value:.3g}", "",
                       anchor),
                  text(x, TOP + HEIGHT + 20, name, "quiet", anchor)]
    return drawn


def is_above(points: list[tuple[float, float]], number: int) -> bool:
    """True if the label of a point belongs above it, where the line does not cross it. The y axis
    points down."""
    if number == 0:
        return len(points) > 1 and points[1][1] > points[0][1]
    return points[number][1] <= points[number - 1][1]


def draw(path: Path, title: str, axis: str, sizes: list[int], panels: list[Panel]) -> None:
    """Writes the plot. The file is replaced at once, so that it is never incomplete."""
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])
    at = [(math.log10(size) - first) / ((last - first) or 1) for size in sizes]
    names = [f"{size:,}" for size in sizes]
    width = len(panels) * (LEFT + WIDTH + RIGHT)
    height = TOP + HEIGHT + BOTTOM
    drawn = [text(LEFT, 24, title, "title", "start"),
             text(LEFT, height - 14, axis, "quiet", "start")]
    for number, panel in enumerate(panels):
        drawn += draw_panel(panel, at, names, number * (LEFT + WIDTH + RIGHT) + LEFT)
    new = path.with_suffix(".new")
    new.write_text("\n".join([
        "<!-- SPDX-License-Identifier: MIT -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">', f"<title>{html.escape(title)}</title>",
        f"<style>{STYLE}</style>", *drawn, "</svg>", ""]), encoding="utf-8")
    new.replace(path)
