# SPDX-License-Identifier: MIT
"""The cost per job in accounts of ten thousand to a million small jobs, and to 200,000 jobs of
20 kB. The mock server generates them on demand, which takes time, too."""

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from account import Account, ls_command
from contenders import READ, Contenders
from plot import Line, Panel, draw
from results import Table, progress, verdict
from rows import SMALL, Rows
from world import Mount

CATS = 21
# Rounds for the smaller accounts; the largest one of each kind is listed once.
ROUNDS = 3
MIB = 1 << 20
# The time per job may be at most this many times that of the smallest account.
FLAT = 1.5
# Largest size of the process, in MiB, with 10,000 jobs and with more.
MEMORY, MEMORY_MORE = 64, 128
# Bytes of the cache's files for each job of 20 kB.
DISK = 6000


@dataclass
class Kind:
    """Jobs of one size, and the numbers of them in the accounts."""
    bytes: int
    jobs: tuple[int, ...]
    disk: int | None = None

    @property
    def name(self) -> str:
        return f"jobs of {self.bytes / 1000:g} kB"


KINDS = [Kind(SMALL, (10_000, 100_000, 1_000_000)),
         Kind(20_000, (10_000, 50_000, 200_000), DISK)]


@dataclass
class Timed:
    """The seconds of each round, and the maximum number of requests."""
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
    curl: Timed = field(default_factory=Timed)
    errors: Timed = field(default_factory=Timed)
    cat: Timed = field(default_factory=Timed)
    again: Timed = field(default_factory=Timed)
    remounted: Timed = field(default_factory=Timed)
    ending: Timed = field(default_factory=Timed)
    memory: int = 0
    disk: int = 0

    def micros(self, timed: Timed) -> float:
        """Returns the microseconds per job."""
        return 1e6 * timed.median / self.jobs


class Scale:
    def __init__(self, rows: Rows, kind: Kind, jobs: int):
        self.world = rows.world
        self.kind = kind
        self.contenders = Contenders(self.world, Account(self.world, jobs, kind.bytes, "--lazy"))
        self.size = Size(jobs)
        self.curl = self.contenders.parallel()

    def measure(self) -> Size:
        for number in range(ROUNDS if self.size.jobs < self.kind.jobs[-1] else 1):
            progress(f"{self.size.jobs} {self.kind.name}, round {number + 1}")
            self.measure_once(number)
        self.contenders.account.mock.stop()
        return self.size

    def measure_once(self, number: int) -> None:
        size, check = self.size, self.contenders.check
        cache = self.world.new_path("cache")
        with self.contenders.mounted("ttl=1", cache=cache) as mount:
            self.list(mount, "all", check.names, number, size.listed)
            self.list(mount, "status/error",
                      lambda: check.same_names(self.contenders.account.errors), number, size.errors)
            self.cat_some(mount.path / "all", number)
            time.sleep(1.2)
            self.list(mount, "all", check.names, number, size.again)
            size.memory = max(size.memory, mount.memory())
        size.ending.add(mount.ending, 0)
        with self.contenders.mounted("ttl=1", cache=cache) as mount:
            time.sleep(1.2)
            self.list(mount, "all", check.names, number, size.remounted)
            size.memory = max(size.memory, mount.memory())
        size.disk = max(size.disk, sum(path.stat().st_blocks * 512 for path in cache.rglob("*")))
        shutil.rmtree(cache)
        size.curl.add(self.curl(number), 0)

    def list(self, mount: Mount, what: str, check: Callable[[], None], number: int,
             timed: Timed) -> None:
        mock = self.contenders.account.mock
        mock.requests()
        spent = self.world.run(ls_command(mount.path / what, "-f"))
        timed.add(spent, mock.requests())
        check()
        self.contenders.check.sample(mount.path / "all", number)

    def cat_some(self, directory: Path, number: int) -> None:
        mock, account = self.contenders.account.mock, self.contenders.account
        for at in range(CATS):
            name = account.done[(number + at) * 7919 % len(account.done)]
            mock.requests()
            self.world.run(["python3", "-S", "-c", READ, directory / f"{name}.json"])
            self.size.cat.add(float(self.world.output()[0]), mock.requests())
            self.contenders.check.content(directory, name)


def goals(kind: Kind, size: Size, least: Size) -> list[tuple[str, bool]]:
    memory = MEMORY if size.jobs <= 10_000 else MEMORY_MORE
    judged = [(f"≤ {memory} MiB", size.memory <= memory * MIB),
              ("again ≤ 4 requests", max(size.again.requests, size.remounted.requests) <= 4)]
    if kind.disk:
        judged.append((f"≤ {kind.disk / 1000:g} kB of disk a job",
                       size.disk <= kind.disk * size.jobs))
    if size is not least:
        judged.append((f"≤ {FLAT} × as much a job as of {least.jobs:,}",
                       size.micros(size.listed) <= FLAT * least.micros(least.listed)))
    return judged


def cells(timed: Timed, unit: int = 1) -> tuple[str, str]:
    return f"{unit * timed.median:.2f}", str(timed.requests)


def table_of(kind: Kind, sizes: list[Size]) -> Table:
    table = Table([kind.name, "ls -f all, s", "requests", "µs a job", "of curl",
                   "status/error, s", "requests", "cat, ms", "requests", "again, s", "requests",
                   "remounted, s", "requests", "unmount, s", "MiB", "disk, MB", "goals"], [])
    for size in sizes:
        table.lines.append([
            f"{size.jobs:,}", *cells(size.listed), f"{size.micros(size.listed):.1f}",
            f"{size.micros(size.curl):.1f}", *cells(size.errors), *cells(size.cat, 1000),
            *cells(size.again), *cells(size.remounted),
            f"{size.ending.median:.2f}", f"{size.memory / MIB:.0f}", f"{size.disk / 1e6:.0f}",
            verdict(goals(kind, size, sizes[0]))])
    return table


def scale(rows: Rows) -> Iterator[Table]:
    measured = [[Scale(rows, kind, jobs).measure() for jobs in kind.jobs] for kind in KINDS]
    progress("")
    tables = [table_of(kind, sizes) for kind, sizes in zip(KINDS, measured)]
    tables[-1].notes.append(
        f"Mounts with ttl=1; medians of {ROUNDS} rounds, or one round for the largest accounts. "
        f"curl fetches the same pages on {rows.world.connections} connections, and so shows the "
        f"time of the mock server. cat: {CATS} finished jobs that were listed. Requests, MiB and "
        "MB: maxima.")
    if rows.settings.plot:
        plot(rows.settings.plot, measured)
    yield from tables


def plot(path: Path, measured: list[list[Size]]) -> None:
    def lines(value: Callable[[Size], float]) -> list[Line]:
        return [Line([size.jobs for size in sizes], [value(size) for size in sizes])
                for sizes in measured]

    small = measured[0]
    draw(path, "What a job costs in accounts of different sizes",
         "jobs in the account; made by scripts/bench --scale --plot",
         [kind.name for kind in KINDS], [size.jobs for size in small],
         [Panel("cold ls -f, µs a job", lines(lambda size: size.micros(size.listed))),
          Panel("cold ls -f, requests per 1,000 jobs",
                lines(lambda size: 1000 * size.listed.requests / size.jobs)),
          Panel("memory at most, MiB", lines(lambda size: size.memory / MIB), MEMORY_MORE)])
