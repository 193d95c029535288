# SPDX-License-Identifier: MIT
"""An account four times as large as the cache: what was evicted comes back in pages
(SEMANTICS 7.4.12)."""

import shutil
import sqlite3
import statistics
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from account import grep_command, ls_command
from contenders import Contenders
from results import Table, progress, verdict
from rows import Rows
from world import Wrong

LATENCY = 50
PART = 4
# The goals, in terms of the cold grep with a cache that is large enough.
FACTOR = 2
MEMORY = 64 << 20
MIB = 1 << 20


def grep_all(path: Path) -> list:
    return grep_command(path / "all")


def cat_text(path: Path) -> list:
    """Reads text/ in the order of names, in which a shell expands a pattern."""
    return ["sh", "-c", 'exec cat "$0"/*.txt', path / "text"]


@dataclass
class Reader:
    """The results of one command in each round."""
    title: str
    command: Callable[[Path], list]
    seconds: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    outputs: set[int] = field(default_factory=set)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def measure(self, contenders: Contenders, path: Path) -> None:
        contenders.account.mock.traffic()
        self.seconds.append(contenders.world.run(self.command(path)))
        requests, sent = contenders.account.mock.traffic()
        self.requests.append(requests)
        self.bytes.append(sent)
        self.outputs.add(hash(tuple(sorted(line.replace(str(path), "")
                                           for line in contenders.world.output()))))
        if self.command is grep_all:
            contenders.check.grep()

    def line(self, cold: "Reader") -> list[str]:
        if self.outputs != cold.outputs:
            raise Wrong(f"{self.title}: the output differs from that of: {cold.title}")
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
    cold = Reader("grep -rc all, cold, large cache", grep_all)
    first = Reader("the same, first time, small cache", grep_all)
    second = Reader("the same, remounted", grep_all)
    cold_text = Reader("cat text/*.txt, cold, large cache", cat_text)
    text = Reader("the same, small cache", cat_text)
    memory = size = 0
    for number in range(rows.rounds):
        progress(f"evicted, round {number + 1}")
        cache = world.new_path("cache")
        with contenders.mounted(cache=cache) as mount:
            cold_text.measure(contenders, mount.path)
        shutil.rmtree(cache)
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
        with contenders.mounted(option, cache=cache) as mount:
            world.run(ls_command(mount.path / "all", "-f"))
            text.measure(contenders, mount.path)
            memory = max(memory, mount.memory())
        shutil.rmtree(cache)
    progress("")
    table = Table([f"{contenders.account.jobs:,} jobs, {LATENCY} ms", "seconds",
                   "of cold", "requests", "MB received", "goals"],
                  [*(reader.line(cold) for reader in (cold, first, second)),
                   *(reader.line(cold_text) for reader in (cold_text, text))])
    table.notes.append(
        f"The cache has 1/{PART} of the {size / 1e6:.0f} MB that the texts take compressed. Memory: "
        f"{memory / MIB:.0f} MiB at most ({verdict([('≤ 64 MiB', memory <= MEMORY)])}). The second "
        f"grep includes the refresh of the listing, text/ was listed before. Seconds: medians; the "
        f"others: maxima.")
    yield table
