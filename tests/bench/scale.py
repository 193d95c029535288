# SPDX-License-Identifier: MIT
"""What a job costs, from ten thousand of them to a million. The stand-in makes them as they
are asked for, which takes it some time, too."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from account import Account, ls_command
from contenders import READ, Contenders
from plot import Panel, draw
from results import Table, progress
from rows import SMALL, Rows
from world import Mount

SIZES = 10_000, 100_000, 1_000_000
CATS = 21
# A million is listed once, fewer as often as this.
ROUNDS = 3
MIB = 1 << 20
# That it is flat: so many times what a job costs where there are fewest.
FLAT = 1.5
MEMORY = {10_000: 64, 100_000: 128, 1_000_000: 128}


@dataclass
class Timed:
    """Seconds of each round, and the most requests."""
    seconds: list[float] = field(default_factory=list)
    requests: int = 0

    def add(self, seconds: float, requests: int) -> None:
        self.seconds.append(seconds)
        self.requests = max(self.requests, requests)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class Size:
    jobs: int
    listed: Timed = field(default_factory=Timed)
    errors: Timed = field(default_factory=Timed)
    cat: Timed = field(default_factory=Timed)
    again: Timed = field(default_factory=Timed)
    remounted: Timed = field(default_factory=Timed)
    memory: int = 0

    @property
    def micros(self) -> float:
        """Of a cold listing, a job."""
        return 1e6 * self.listed.median / self.jobs


class Scale:
    def __init__(self, rows: Rows, jobs: int):
        self.world = rows.world
        self.of = Contenders(self.world, Account(self.world, jobs, SMALL, "--lazy"))
        self.size = Size(jobs)

    def measure(self) -> Size:
        for number in range(ROUNDS if self.size.jobs < SIZES[-1] else 1):
            progress(f"{self.size.jobs} jobs, round {number + 1}")
            self.measure_once(number)
        self.of.account.sandbox.stop()
        return self.size

    def measure_once(self, number: int) -> None:
        size, check = self.size, self.of.check
        cache = self.world.new_place("cache")
        with self.of.mounted("ttl=1", cache=cache) as mount:
            self.list(mount, "all", check.names, number, size.listed)
            self.list(mount, "status/error",
                      lambda: check.same_names(self.of.account.errors), number, size.errors)
            self.cat_some(mount.path / "all", number)
            time.sleep(1.2)
            self.list(mount, "all", check.names, number, size.again)
            size.memory = max(size.memory, mount.memory())
        with self.of.mounted("ttl=1", cache=cache) as mount:
            time.sleep(1.2)
            self.list(mount, "all", check.names, number, size.remounted)
            size.memory = max(size.memory, mount.memory())

    def list(self, mount: Mount, what: str, check: Callable[[], None], number: int,
             timed: Timed) -> None:
        sandbox = self.of.account.sandbox
        sandbox.requests()
        spent = self.world.run(ls_command(mount.path / what, "-f"))
        timed.add(spent, sandbox.requests())
        check()
        self.of.check.sample(mount.path / "all", number)

    def cat_some(self, directory: Path, number: int) -> None:
        sandbox, account = self.of.account.sandbox, self.of.account
        for at in range(CATS):
            name = account.done[(number + at) * 7919 % len(account.done)]
            sandbox.requests()
            self.world.run(["python3", "-S", "-c", READ, directory / f"{name}.json"])
            self.size.cat.add(float(self.world.output()[0]), sandbox.requests())
            self.of.check.content(directory, name)


def goals(size: Size, least: Size) -> list[tuple[str, bool]]:
    return [(f"≤ {MEMORY[size.jobs]} MiB", size.memory <= MEMORY[size.jobs] * MIB),
            (f"≤ {FLAT} × {least.jobs:,}'s cost a job", size.micros <= FLAT * least.micros),
            ("again ≤ 4 requests", max(size.again.requests, size.remounted.requests) <= 4)]


def scale(rows: Rows) -> Iterator[Table]:
    sizes = [Scale(rows, jobs).measure() for jobs in SIZES]
    table = Table(["jobs of 1.6 kB", "ls -f all, s", "µs a job", "requests", "status/error, s",
                   "requests", "cat, ms", "requests", "again, s", "requests", "remounted, s",
                   "requests", "MiB", "goals"], [])
    for size in sizes:
        judged = goals(size, sizes[0])
        table.held = table.held and all(held for _, held in judged)
        table.lines.append([f"{size.jobs:,}", f"{size.listed.median:.2f}", f"{size.micros:.0f}",
                            str(size.listed.requests), f"{size.errors.median:.2f}",
                            str(size.errors.requests), f"{1000 * size.cat.median:.2f}",
                            str(size.cat.requests), f"{size.again.median:.2f}",
                            str(size.again.requests), f"{size.remounted.median:.2f}",
                            str(size.remounted.requests), f"{size.memory / MIB:.0f}",
                            "; ".join(f"{goal}: {'held' if held else 'MISSED'}"
                                      for goal, held in judged)])
    table.notes.append(
        f"One mount with ttl=1 after the other; medians of {ROUNDS} rounds, one of a million. "
        f"cat: {CATS} finished jobs of what was listed. Requests and MiB: the most.")
    if rows.settings.plot:
        plot(rows.settings.plot, sizes)
    yield table


def plot(path: Path, sizes: list[Size]) -> None:
    draw(path, "What a job costs, from 10,000 to 1,000,000 of 1.6 kB", "jobs in the account",
         [size.jobs for size in sizes],
         [Panel("cold ls -f, µs a job", [size.micros for size in sizes],
                FLAT * sizes[0].micros),
          Panel("cold ls -f, requests per 1,000 jobs",
                [1000 * size.listed.requests / size.jobs for size in sizes]),
          Panel("memory at most, MiB", [size.memory / MIB for size in sizes],
                MEMORY[sizes[-1].jobs])])
