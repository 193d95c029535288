# SPDX-License-Identifier: MIT
"""Prints results as Markdown tables."""

import statistics
from collections.abc import Iterable, Sequence

from results import OURS, Fact, Row, Table, verdict

MESSAGES_NOTE = """Messages: the number of read(2) calls of gladiafs during the command: one
for each FUSE message, and some others; the median of the rounds, and the maximum. If the kernel has
evicted contents from its page cache, it reads them again with messages."""
NOT_ROOT = "Messages: only root can see how often gladiafs calls read(2)."


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths))
                     + " |" for line in [head, rule, *lines])


def seconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def cell(row: Row, name: str) -> str:
    """Returns the time of a contender, with our time divided by it in brackets."""
    if name in row.failed:
        return "failed"
    time, ours = row.median(name), row.median(OURS)
    if time is None:
        return ""
    if name == OURS or not ours or not time:
        return seconds(time)
    ratio = ours / time
    return f"{seconds(time)} ({ratio:.2f} ×)" if ratio < 100 else f"{seconds(time)} ({ratio:.0f} ×)"


def counts(numbers: Iterable[int]) -> str:
    return "/".join(map(str, sorted(set(numbers))))


def messages(row: Row) -> str:
    if not row.messages:
        return ""
    middle, most = statistics.median_high(row.messages), max(row.messages)
    return f"≤ {middle}" + (f" (once {most})" if most != middle else "")


def print_rows(rows: list[Row]) -> None:
    names = list(dict.fromkeys([OURS, *(name for row in rows for name in row.runs)]))
    counted = any(row.files for row in rows)
    lines = [[row.title, str(row.latency), *(cell(row, name) for name in names),
              counts(row.requests), *([messages(row)] if counted else []),
              verdict(row.verdicts())] for row in rows]
    print(aligned(["seconds", "ms", *names, "requests", *(["messages"] if counted else []),
                   "goal"], lines))
    if counted:
        print(f"\n{MESSAGES_NOTE if any(row.messages for row in rows) else NOT_ROOT}")
    for row in rows:
        for name, why in row.failed.items():
            print(f"\n{row.title}, {row.latency} ms, {name}: {why}")


def print_facts(facts: list[Fact]) -> None:
    print(aligned(["", "gladiafs", "beside", "goal"],
                  [[fact.title, fact.value, fact.beside,
                    verdict([(fact.goal, fact.held)]) if fact.goal else ""] for fact in facts]))


def print_table(table: Table) -> None:
    print(aligned(table.head, table.lines))
    for note in table.notes:
        print(f"\n{note}")
