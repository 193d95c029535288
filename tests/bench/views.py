# SPDX-License-Identifier: MIT
"""The cost of exact sizes: ls -l of text/ and subtitles/, which makes all their texts
(SEMANTICS 3.7)."""

import statistics
from collections.abc import Iterator

from account import WORD, grep_command, ls_command
from results import Goal, Table, progress, verdict
from rows import Rows

READING = "ls -f status/done, cold"
ONE_KIND = "grep -c in subtitles/*.srt"
# Each command is run after those before it, on the same mount.
COMMANDS = {
    READING: lambda path: ls_command(path / "status/done", "-f"),
    "ls -f text": lambda path: ls_command(path / "text", "-f"),
    "ls -l text": lambda path: ls_command(path / "text", "-l"),
    "ls -l text, second time": lambda path: ls_command(path / "text", "-l"),
    "grep -rc in text": lambda path: grep_command(path / "text"),
    "ls -l subtitles": lambda path: ls_command(path / "subtitles", "-l"),
    ONE_KIND: lambda path: ["grep", "-rc", "--include=*.srt", WORD, path / "subtitles"],
}
GOALS = {"ls -l text": Goal(READING), "ls -l subtitles": Goal(ONE_KIND, 1.6)}


def views(rows: Rows) -> Iterator[Table]:
    contenders, world = rows.contenders, rows.world
    contenders.account.set_latency(0)
    times: dict[str, list[float]] = {title: [] for title in COMMANDS}
    for number in range(rows.rounds):
        progress(f"views, round {number + 1}")
        with contenders.mounted() as mount:
            for title, command in COMMANDS.items():
                times[title].append(world.run(command(mount.path)))
    progress("")
    medians = {title: statistics.median(spent) for title, spent in times.items()}
    table = Table([f"{contenders.account.jobs:,} jobs", "seconds", "goals"], [])
    for title, median in medians.items():
        goal = GOALS.get(title)
        goals = [(str(goal), median <= goal.factor * medians[goal.than])] if goal else []
        table.lines.append([title, f"{median:.2f}", verdict(goals)])
    table.notes.append("ls -l makes each text, to find out its size. Subtitles are two files a "
                       "job, which are made together. grep makes the .srt files again, because "
                       "few texts stay in memory.")
    yield table
