# SPDX-License-Identifier: MIT
"""The rows about the main account: the commands, the contenders and the goals."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from account import Account, grep_command, ls_command
from contenders import Contenders, Run, program_output
from results import OURS, SHELL_PART, Fact, Goal, Row, progress
from world import World, Wrong

# Number and size of the jobs of a large account.
MANY, SMALL = 100_000, 1600


@dataclass
class Settings:
    """The settings from the command line."""
    jobs: int
    size: int
    latencies: list[int]
    rounds: int
    plot: Path | None = None


class Rows:
    """The rows, and the account that they share. It is made when the first row needs it."""

    def __init__(self, world: World, settings: Settings):
        self.world = world
        self.settings = settings
        self.latencies = settings.latencies
        self.rounds = settings.rounds
        self.curl = f"curl ×{world.connections}"
        self.full = settings.jobs >= 10000

    @functools.cached_property
    def account(self) -> Account:
        progress(f"making {self.settings.jobs} jobs, and fetching them")
        account = Account(self.world, self.settings.jobs, self.settings.size)
        account.copy_to(self.world, self.world.fast / "copy")
        return account

    @functools.cached_property
    def contenders(self) -> Contenders:
        return Contenders(self.world, self.account)

    @functools.cached_property
    def many(self) -> Contenders:
        """The contenders for the account of 100,000 small jobs."""
        progress(f"making {MANY} jobs")
        return Contenders(self.world, Account(self.world, MANY, SMALL))

    def goals(self, *goals: Goal) -> list[Goal]:
        """Returns the goals. They are for at least 10,000 jobs: with fewer there are none."""
        return list(goals) if self.full else []

    def take(self, row: Row, contenders: Contenders | None = None) -> Row:
        contenders = contenders or self.contenders
        contenders.account.set_latency(row.latency)
        row.measure(self.rounds, contenders)
        return row

    # Rows with an empty cache, for each latency.

    def cold(self, title: str, command: Callable, check: Callable[[], None],
             goals: Callable[[int], list[Goal]], reads: bool = False,
             **more: Run) -> Iterator[Row]:
        then = command if reads else None
        for latency in self.latencies:
            yield self.take(Row(title, latency, {
                OURS: self.contenders.cold(command, check),
                self.curl: self.contenders.parallel(),
                "curl ×1": self.contenders.pages(),
                **more,
                "tmpfs": self.contenders.tmpfs(command),
                "Python": self.contenders.script("fetch.py", then=then),
                "shell": self.contenders.script("fetch.sh", SHELL_PART, then),
            }, goals(latency)))

    def ls_goals(self, latency: int) -> list[Goal]:
        if latency:
            return self.goals(Goal(self.curl, 1.2), Goal("curl ×1", 1 / 4))
        return self.goals(Goal(self.curl, 3), Goal("Python", 1 / 20))

    def grep_goals(self, latency: int) -> list[Goal]:
        return self.goals(Goal(self.curl, 1.5), Goal("Python", 1 / 15)) if latency else []

    def cold_ls_f(self) -> Iterator[Row]:
        return self.cold("ls -f", lambda path: ls_command(path, "-f"), self.contenders.check.names,
                         self.ls_goals, **{"curl, to disk": self.contenders.parallel_to_disk()})

    def cold_ls_l(self) -> Iterator[Row]:
        return self.cold("ls -l", lambda path: ls_command(path, "-l"), self.contenders.check.names,
                         lambda _: [])

    def cold_grep(self) -> Iterator[Row]:
        return self.cold("grep -rc", grep_command, self.contenders.check.grep, self.grep_goals,
                         reads=True)

    def first(self) -> Iterator[Row]:
        for latency in self.latencies:
            yield self.take(Row("first name of a listing", latency, {
                OURS: self.contenders.first_name,
                "curl ×1": self.contenders.one(lambda _: "/v2/pre-recorded?limit=20"),
            }, [Goal("curl ×1", plus=0.005)], max_requests=1))

    def cat(self) -> Iterator[Row]:
        for latency in self.latencies:
            yield self.take(Row("cat of one job by id", latency, {
                OURS: self.contenders.cat,
                "curl ×1": self.contenders.one(
                    lambda number: f"/v2/pre-recorded/{self.account.some_done(number)}"),
            }, [Goal("curl ×1", plus=0.002)], max_requests=1))

    # Rows that need no network, or nearly none.

    def listed(self) -> Iterator[Row]:
        yield self.take(Row("first grep -rc of a listed directory", self.latencies[0], {
            OURS: self.contenders.listed(),
            "tmpfs": self.contenders.tmpfs(grep_command),
        }, self.goals(Goal("tmpfs", 2.5))))

    def warm(self) -> Iterator[Row]:
        check = self.contenders.check
        commands = {
            "ls -f": (lambda path: ls_command(path, "-f"), check.names),
            "ls -l": (lambda path: ls_command(path, "-l"), check.names),
            "find": (lambda path: ["find", path, "-type", "f", "-newermt", "2000-01-01"],
                     check.names),
            "du": (lambda path: ["du", "-a", path], check.names),
            "grep -rc": (grep_command, check.grep),
        }
        self.account.set_latency(self.latencies[0])
        with self.contenders.mounted() as mount:
            for title, (command, checked) in commands.items():
                goals = self.goals(Goal("tmpfs", 1.4)) if title != "ls -f" else []
                yield self.take(Row(f"{title}, second time", self.latencies[0], {
                    OURS: self.contenders.second(mount, command, checked),
                    "tmpfs": self.contenders.tmpfs(command),
                }, goals, max_requests=0, files=self.account.jobs))

    def again(self) -> Iterator[Row]:
        """A refresh. The goal for 100,000 jobs holds for fewer, too."""
        yield from self.refresh(self.contenders)

    def again_many(self) -> Iterator[Row]:
        yield from self.refresh(self.many)

    def refresh(self, contenders: Contenders) -> Iterator[Row]:
        cache = self.world.new_path("cache")
        title = f"ls -f of {contenders.account.jobs} jobs again, nothing changed"
        contenders.account.set_latency(0)
        with contenders.mounted("ttl=1", cache=cache) as mount:
            self.world.run(ls_command(mount.path / "all", "-f"))
            for latency in self.latencies:
                yield self.take(Row(title, latency, {OURS: contenders.stale(mount)}, max_requests=4,
                                    max_seconds=1), contenders)
        for latency in self.latencies:
            yield self.take(Row(f"{title}, after a remount", latency,
                                {OURS: contenders.again(cache)}, max_requests=4, max_seconds=1),
                            contenders)

    # Results that are not times.

    def memory(self) -> Iterator[Fact]:
        self.account.set_latency(self.latencies[0])
        with self.contenders.mounted() as mount:
            self.world.run(ls_command(mount.path / "all", "-l"))
            self.world.run(grep_command(mount.path / "all"))
            yield self.memory_fact(f"{self.account.jobs} jobs of {self.account.size} bytes",
                                   mount.memory())
        mock = self.world.new_mock("--jobs", "20", "--bytes", "1700000",
                                         "--unfinished", "0", "--errors", "0")
        with self.world.mounted(mock.url) as mount:
            self.world.run(["cp", "-r", mount.path / "all", self.world.fast / "large"])
            count = len(list((self.world.fast / "large").iterdir()))
            if count != 20:
                raise Wrong(f"{count} files instead of 20")
            yield self.memory_fact("one page of 20 jobs of 1.7 MB", mount.memory())
        mock.stop()

    def memory_fact(self, title: str, used: int) -> Fact:
        return Fact(f"memory, {title}", f"{used / (1 << 20):.1f} MiB", "≤ 64 MiB",
                    used <= 64 << 20)

    def reader(self) -> Iterator[Fact]:
        """Parses the lines of json_bench: "NAME: N MB/s"."""
        for line in program_output(self.world.build / "tests/bench/json_bench"):
            title, _, speed = line.rpartition(": ")
            aimed = title.startswith("page reader")
            yield Fact(title, speed, "≥ 300 MB/s" if aimed else "",
                       not aimed or int(speed.split()[0]) >= 300)
