# SPDX-License-Identifier: MIT
"""Draws a plot as SVG: panels side by side, with the same logarithmic x axis and one or two lines."""

import html
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Size of the plotting area of a panel, and its margins.
WIDTH, HEIGHT = 210, 150
LEFT, TOP, RIGHT, BOTTOM = 46, 64, 24, 58
# Classes of the first and the second line of a panel.
KINDS = "", "second "

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 14px; font-weight: 600; }
  .quiet { fill: #57606a; font-size: 11px; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke: #0969da; stroke-width: 2; }
  .dot { fill: #0969da; }
  .second.line { stroke: #8250df; } .second.dot { fill: #8250df; }
  .limit { stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 5 4; }
  .goal { fill: #bc4c00; font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #9198a1; } .grid { stroke: #3d444d; }
    .line { stroke: #4493f8; } .dot { fill: #4493f8; }
    .second.line { stroke: #ab7df8; } .second.dot { fill: #ab7df8; }
    .limit { stroke: #f0883e; } .goal { fill: #f0883e; }
  }
"""


@dataclass
class Line:
    """Values at some sizes."""
    sizes: list[int]
    values: list[float]


@dataclass
class Panel:
    """One or two lines, in the order of their names in the legend, and the goal of the first."""
    title: str
    lines: list[Line]
    limit: float | None = None

    def most(self) -> float:
        return max(self.limit or 0, *(max(line.values) for line in self.lines))


@dataclass
class Axis:
    """The logarithmic x axis of all panels."""
    sizes: list[int]

    def at(self, size: int) -> float:
        """Returns the position of a size, from 0 to WIDTH."""
        first, last = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        return WIDTH * (math.log10(size) - first) / ((last - first) or 1)

    def anchor(self, size: int) -> str:
        """Returns how a label at a size is aligned, so that it stays within the panel."""
        return ("start" if size == self.sizes[0] else "end" if size == self.sizes[-1]
                else "middle")


def step_of(most: float) -> float:
    """Returns the distance of the grid lines: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * part for part in (0.2, 0.5, 1, 2) if most / (power * part) <= 5)


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(words)}</text>")


def across(kind: str, left: float, y: float) -> str:
    return f'<path class="{kind}" d="M{left:.1f} {y:.1f}h{WIDTH}"/>'


def draw_line(line: Line, axis: Axis, left: float, high: Callable[[float], float], kind: str,
              above: bool) -> list[str]:
    """Draws a line with the values at its points, all above it or all below it."""
    points = [(left + axis.at(size), high(value)) for size, value in zip(line.sizes, line.values)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    drawn = [f'<path class="{kind}line" d="M{path}"/>']
    for (x, y), size, value in zip(points, line.sizes, line.values):
        drawn += [f'<circle class="{kind}dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
                  text(x, y + (-10 if above else 18), f"{value:.3g}", "", axis.anchor(size))]
    return drawn


def draw_panel(panel: Panel, axis: Axis, left: float) -> list[str]:
    most = 1.15 * panel.most()
    step = step_of(most)
    top = step * math.ceil(most / step)

    def high(value: float) -> float:
        return TOP + HEIGHT * (1 - value / top)

    drawn = [text(left, TOP - 14, panel.title, anchor="start")]
    for number in range(round(top / step) + 1):
        drawn += [across("grid", left, high(number * step)),
                  text(left - 8, high(number * step) + 4, f"{number * step:g}", "quiet", "end")]
    if panel.limit is not None:
        values = panel.lines[0].values
        first, last = (abs(panel.limit - values[end]) for end in (0, -1))
        side, anchor = (left, "start") if first > last else (left + WIDTH, "end")
        drawn += [across("limit", left, high(panel.limit)),
                  text(side, high(panel.limit) - 5, f"goal: ≤ {panel.limit:.3g}", "goal", anchor)]
    highest = max(panel.lines, key=lambda line: sum(line.values) / len(line.values))
    for line, kind in zip(panel.lines, KINDS):
        drawn += draw_line(line, axis, left, high, kind, line is highest)
    drawn += [text(left + axis.at(size), TOP + HEIGHT + 20, f"{size:,}", "quiet",
                   axis.anchor(size)) for size in axis.sizes]
    return drawn


def legend(names: list[str], right: float) -> list[str]:
    """Draws the names of the lines, right-aligned on the title's line."""
    drawn = []
    for name, kind in reversed(list(zip(names, KINDS))):
        drawn.append(text(right, 24, name, "quiet", "end"))
        right -= 6.5 * len(name) + 10
        drawn.append(f'<circle class="{kind}dot" cx="{right:.1f}" cy="20" r="3.5"/>')
        right -= 20
    return drawn


def draw(path: Path, title: str, note: str, names: list[str], sizes: list[int],
         panels: list[Panel]) -> None:
    """Writes the plot. The file is replaced at once, so that it is never incomplete. `names` are
    those of the lines, and `sizes` those that the x axis shows."""
    axis = Axis(sizes)
    width = len(panels) * (LEFT + WIDTH + RIGHT)
    height = TOP + HEIGHT + BOTTOM
    drawn = [text(LEFT, 24, title, "title", "start"), *legend(names, width - RIGHT),
             text(LEFT, height - 14, note, "quiet", "start")]
    for number, panel in enumerate(panels):
        drawn += draw_panel(panel, axis, number * (LEFT + WIDTH + RIGHT) + LEFT)
    new = path.with_suffix(".new")
    new.write_text("\n".join([
        "<!-- SPDX-License-Identifier: MIT -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">', f"<title>{html.escape(title)}</title>",
        f"<style>{STYLE}</style>", *drawn, "</svg>", ""]), encoding="utf-8")
    new.replace(path)
