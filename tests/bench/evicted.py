# SPDX-License-Identifier: MIT
"""An account four times as large as the cache: what was evicted comes back in pages
(SEMANTICS 7.4.12)."""

import shutil
import sqlite3
import statistics
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from account import grep_command
from contenders import Contenders
from results import Table, progress, verdict
from rows import Rows

LATENCY = 50
PART = 4
# The goals, in terms of the cold grep with a cache that is large enough.
FACTOR = 2
MEMORY = 64 << 20
MIB = 1 << 20


@dataclass
class Grep:
    """The results of one grep -rc of all/ in each round."""
    title: str
    seconds: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def measure(self, contenders: Contenders, path: Path) -> None:
        contenders.account.mock.traffic()
        self.seconds.append(contenders.world.run(grep_command(path / "all")))
        requests, sent = contenders.account.mock.traffic()
        self.requests.append(requests)
        self.bytes.append(sent)
        contenders.check.grep()

    def line(self, cold: "Grep") -> list[str]:
        goals = [] if self is cold else [
            (f"≤ {FACTOR} × the time", self.median <= FACTOR * cold.median),
            (f"≤ {FACTOR} × the requests", max(self.requests) <= FACTOR * min(cold.requests))]
        return [self.title, f"{self.median:.2f}", f"{self.median / cold.median:.2f} ×",
                str(max(self.requests)), f"{max(self.bytes) / 1e6:.0f}", verdict(goals)]


def texts_size(cache: Path) -> int:
    """Returns the bytes of the compressed texts in a cache that is not in use."""
    with closing(sqlite3.connect(next(cache.rglob("*.db")))) as database:
        return database.execute("SELECT sum(length(data)) FROM chunks").fetchone()[0]


def evicted(rows: Rows) -> Iterator[Table]:
    contenders, world = rows.contenders, rows.world
    contenders.account.set_latency(LATENCY)
    cold = Grep("cold, large cache")
    first = Grep("first, small cache")
    second = Grep("second, small cache, remounted")
    memory = size = 0
    for number in range(rows.rounds):
        progress(f"evicted, round {number + 1}")
        cache = world.new_path("cache")
        with contenders.mounted(cache=cache) as mount:
            cold.measure(contenders, mount.path)
        size = texts_size(cache)
        shutil.rmtree(cache)
        option = f"cache_size={max(size // PART, MIB)}"
        with contenders.mounted(option, cache=cache) as mount:
            first.measure(contenders, mount.path)
            memory = max(memory, mount.memory())
        with contenders.mounted(option, cache=cache) as mount:
            second.measure(contenders, mount.path)
            contenders.check.sample(mount.path / "all", number)
            memory = max(memory, mount.memory())
        shutil.rmtree(cache)
    progress("")
    table = Table([f"grep -rc of {contenders.account.jobs:,} jobs, {LATENCY} ms", "seconds",
                   "of cold", "requests", "MB received", "goals"],
                  [grep.line(cold) for grep in (cold, first, second)])
    table.notes.append(
        f"The cache has 1/{PART} of the {size / 1e6:.0f} MB that the texts take compressed. Memory: "
        f"{memory / MIB:.0f} MiB at most ({verdict([('≤ 64 MiB', memory <= MEMORY)])}). The second "
        f"grep includes the refresh of the listing. Seconds: medians; the others: maxima.")
    yield table
