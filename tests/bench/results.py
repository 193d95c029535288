# SPDX-License-Identifier: MIT
"""The results of rows, and their goals."""

import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contenders import Contenders, Run
from world import Wrong

OURS = "gladiafs"
SLOW_ROUNDS = {"Python": 3, "shell": 2}
# The shell script does 1/SHELL_PART of the work, and its time is multiplied.
SHELL_PART = 10
# Maximum number of FUSE messages of a command that needs none per file. It has messages for the
# path of the directory and for the unfinished jobs, and read(2) calls that found no message.
MESSAGES = 40


def progress(text: str) -> None:
    """A progress line that is overwritten, if stderr is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def verdict(goals: Iterable[tuple[str, bool]]) -> str:
    return "; ".join(f"{goal}: {'held' if held else 'MISSED'}" for goal, held in goals)


@dataclass
class Goal:
    """A goal: at most `factor` times the time of another contender, plus `plus` seconds."""
    than: str
    factor: float = 1
    plus: float = 0

    def __str__(self) -> str:
        if self.factor < 1:
            return f"{1 / self.factor:.0f} × faster than {self.than}"
        factor = f"{self.factor:g} × " if self.factor != 1 else ""
        plus = f" + {self.plus * 1000:.0f} ms" if self.plus else ""
        return f"≤ {factor}{self.than}{plus}"


@dataclass
class Row:
    title: str
    latency: int
    runs: dict[str, Run]
    goals: list[Goal] = field(default_factory=list)
    max_requests: int | None = None
    max_seconds: float | None = None
    # Number of files, if FUSE messages are counted: the goal is none per file.
    files: int | None = None
    # Rows of the same part are in one table.
    part: str = ""
    messages: list[int] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, rounds: int, contenders: Contenders) -> None:
        """Runs all contenders in turn, round by round, so that other load affects all."""
        for number in range(rounds):
            for name, run in self.runs.items():
                if name in self.failed or number >= SLOW_ROUNDS.get(name, rounds):
                    continue
                progress(f"{self.title}, {self.latency} ms: {name}, round {number + 1}")
                try:
                    self.times.setdefault(name, []).append(run(number))
                    if name == OURS:
                        self.requests.append(contenders.last_requests)
                        if self.files and contenders.last_messages is not None:
                            self.messages.append(contenders.last_messages)
                except (Wrong, OSError, ValueError) as error:
                    self.failed[name] = str(error) or type(error).__name__
        progress("")

    def median(self, name: str) -> float | None:
        if name in self.failed or not self.times.get(name):
            return None
        return statistics.median(self.times[name])

    def verdicts(self) -> Iterator[tuple[str, bool]]:
        """Yields each goal, and whether it was reached."""
        ours = self.median(OURS)
        if ours is None:
            return
        for goal in self.goals:
            other = self.median(goal.than)
            if other is not None:
                yield str(goal), ours <= goal.factor * other + goal.plus
        if self.max_seconds is not None:
            yield f"≤ {self.max_seconds:g} s", ours <= self.max_seconds
        if self.max_requests is not None:
            times = "request" if self.max_requests == 1 else "requests"
            yield (f"≤ {self.max_requests} {times}" if self.max_requests else "no request",
                   max(self.requests) <= self.max_requests)
        if self.files and self.messages:
            yield ("no message per file",
                   statistics.median(self.messages) <= MESSAGES + self.files // 100)


@dataclass
class Fact:
    """A figure that is not a time."""
    title: str
    value: str
    goal: str = ""
    held: bool = True
    beside: str = ""


@dataclass
class Table:
    """A separate table, with the notes below it."""
    head: list[str]
    lines: list[list[str]]
    notes: list[str] = field(default_factory=list)


Result = Row | Fact | Table
