# SPDX-License-Identifier: MIT
"""The rows as Markdown."""

from collections.abc import Iterable, Sequence

from rows import OURS, Fact, Row


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths))
                     + " |" for line in [head, rule, *lines])


def seconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def cell(row: Row, name: str) -> str:
    """A time, and of others the ratio: how many times that long we took."""
    if name in row.failed:
        return "failed"
    time, ours = row.median(name), row.median(OURS)
    if time is None:
        return ""
    if name == OURS or not ours or not time:
        return seconds(time)
    ratio = ours / time
    return f"{seconds(time)} ({ratio:.2f} ×)" if ratio < 100 else f"{seconds(time)} ({ratio:.0f} ×)"


def verdict(goals: Iterable[tuple[str, bool]]) -> str:
    return "; ".join(f"{goal}: {'held' if held else 'MISSED'}" for goal, held in goals)


def print_rows(rows: list[Row]) -> None:
    names = list(dict.fromkeys([OURS, *(name for row in rows for name in row.runs)]))
    lines = [[row.title, str(row.latency), *(cell(row, name) for name in names),
              "/".join(map(str, sorted(set(row.requests)))), verdict(row.verdicts())]
             for row in rows]
    print(aligned(["seconds", "ms", *names, "requests", "goal"], lines))
    for row in rows:
        for name, why in row.failed.items():
            print(f"\n{row.title}, {row.latency} ms, {name}: {why}")


def print_facts(facts: list[Fact]) -> None:
    print(aligned(["", "gladiafs", "goal"],
                  [[fact.title, fact.value, verdict([(fact.goal, fact.held)]) if fact.goal else ""]
                   for fact in facts]))
