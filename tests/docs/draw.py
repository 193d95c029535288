#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws a terminal session as an SVG picture: draw.py <SESSION >PICTURE

Reads the output of scripts/demo; scripts/draw-demo makes docs/demo.svg with it. The picture starts
at the first line that begins with "$ ". Lines that are too long are cut, and the temporary
directory is shown as ~."""

import re
import sys
from html import escape

COLUMNS = 96
CHAR_WIDTH, LINE_HEIGHT, MARGIN = 8.0, 19, 20

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" \
width="{width:.0f}" height="{height}" role="img" aria-label="A terminal session with gladiafs">
<style>text {{ font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
white-space: pre; fill: #d4d4d4 }} .typed {{ fill: #ffffff; font-weight: bold }} \
.prompt {{ fill: #7fb785 }}</style>
<rect width="100%" height="100%" rx="8" fill="#1e2127"/>
"""


def session(text: str) -> list[str]:
    """Returns the lines from the first command on, without colours and trailing blank lines."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = re.sub(r"/\S*/gladiafs-demo\.\w+/", "~/", text).split("\n")
    first = next((n for n, line in enumerate(lines) if line.startswith("$ ")), None)
    if first is None:
        raise SystemExit("draw.py: no line begins with \"$ \"")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines[first:]


def cut(line: str) -> str:
    return line if len(line) <= COLUMNS else line[:COLUMNS - 1] + "…"


def draw(lines: list[str]) -> str:
    width = 2 * MARGIN + COLUMNS * CHAR_WIDTH
    height = 2 * MARGIN + len(lines) * LINE_HEIGHT
    out = [HEAD.format(width=width, height=height)]
    for number, line in enumerate(lines):
        y = MARGIN + (number + 1) * LINE_HEIGHT - 5
        text = escape(cut(line), quote=False)
        if line.startswith("$ "):
            text = f'<tspan class="prompt">$ </tspan><tspan class="typed">{text[2:]}</tspan>'
        if line.strip():
            out.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{text}</text>\n')
    return "".join(out) + "</svg>\n"


if __name__ == "__main__":
    sys.stdout.write(draw(session(sys.stdin.read())))
