# SPDX-License-Identifier: MIT
"""The rows of the table: what is done, who does it, and what is aimed at."""

import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from contenders import Contenders, Run, grep_command, ls_command, program_output
from world import World, Wrong

OURS = "gladiafs"
SLOW_ROUNDS = {"Python": 3, "shell": 2}
# The shell script does so little of the work, and its time is multiplied.
SHELL_PART = 10


def progress(text: str) -> None:
    """A line that is written over, where somebody looks at it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@dataclass
class Goal:
    """That we take at most `factor` times what another takes, and `plus` seconds."""
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
    times: dict[str, list[float]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, rounds: int, contenders: Contenders) -> None:
        """All contenders in turn, round by round: what the machine does besides hits all."""
        for number in range(rounds):
            for name, run in self.runs.items():
                if name in self.failed or number >= SLOW_ROUNDS.get(name, rounds):
                    continue
                progress(f"{self.title}, {self.latency} ms: {name}, round {number + 1}")
                try:
                    self.times.setdefault(name, []).append(run(number))
                    if name == OURS:
                        self.requests.append(contenders.last_requests)
                except (Wrong, OSError, ValueError) as error:
                    self.failed[name] = str(error) or type(error).__name__
        progress("")

    def median(self, name: str) -> float | None:
        if name in self.failed or not self.times.get(name):
            return None
        return statistics.median(self.times[name])

    def verdicts(self) -> Iterator[tuple[str, bool]]:
        """Each goal, and whether it is held."""
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


@dataclass
class Fact:
    """A figure that is no time."""
    title: str
    value: str
    goal: str = ""
    held: bool = True


class Rows:
    """All rows by name, for an account whose size decides which goals are meant."""

    def __init__(self, world: World, contenders: Contenders, latencies: list[int], rounds: int):
        self.world = world
        self.of = contenders
        self.latencies = latencies
        self.rounds = rounds
        self.curl = f"curl ×{world.connections}"
        self.full = world.jobs >= 10000

    def goals(self, *goals: Goal) -> list[Goal]:
        """They are meant for 10,000 jobs."""
        return list(goals) if self.full else []

    def take(self, row: Row) -> Row:
        self.world.set_latency(row.latency)
        row.measure(self.rounds, self.of)
        return row

    # Never seen before, at each latency.

    def cold(self, title: str, command: Callable, check: Callable[[], None],
             goals: Callable[[int], list[Goal]], reads: bool = False) -> Iterator[Row]:
        then = command if reads else None
        for latency in self.latencies:
            yield self.take(Row(title, latency, {
                OURS: self.of.cold(command, check),
                self.curl: self.of.parallel(),
                "curl ×1": self.of.pages(),
                "tmpfs": self.of.tmpfs(command),
                "Python": self.of.script("fetch.py", then=then),
                "shell": self.of.script("fetch.sh", SHELL_PART, then),
            }, goals(latency)))

    def ls_goals(self, latency: int) -> list[Goal]:
        if latency:
            return self.goals(Goal(self.curl, 1.2), Goal("curl ×1", 1 / 4))
        return self.goals(Goal(self.curl, 3), Goal("Python", 1 / 20))

    def grep_goals(self, latency: int) -> list[Goal]:
        return self.goals(Goal(self.curl, 1.5), Goal("Python", 1 / 15)) if latency else []

    def cold_ls_f(self) -> Iterator[Row]:
        return self.cold("ls -f", lambda path: ls_command(path, "-f"), self.of.check.names,
                         self.ls_goals)

    def cold_ls_l(self) -> Iterator[Row]:
        return self.cold("ls -l", lambda path: ls_command(path, "-l"), self.of.check.names,
                         lambda _: [])

    def cold_grep(self) -> Iterator[Row]:
        return self.cold("grep -rc", grep_command, self.of.check.grep, self.grep_goals,
                         reads=True)

    def first(self) -> Iterator[Row]:
        for latency in self.latencies:
            yield self.take(Row("first name of a listing", latency, {
                OURS: self.of.first_name,
                "curl ×1": self.of.one(lambda _: "/v2/pre-recorded?limit=20"),
            }, [Goal("curl ×1", plus=0.005)], max_requests=1))

    def cat(self) -> Iterator[Row]:
        for latency in self.latencies:
            yield self.take(Row("cat of one job by id", latency, {
                OURS: self.of.cat,
                "curl ×1": self.of.one(
                    lambda number: f"/v2/pre-recorded/{self.world.some_done(number)}"),
            }, [Goal("curl ×1", plus=0.002)], max_requests=1))

    # Without the network.

    def listed(self) -> Iterator[Row]:
        yield self.take(Row("first grep -rc of what was listed", self.latencies[0], {
            OURS: self.of.listed(),
            "tmpfs": self.of.tmpfs(grep_command),
        }, self.goals(Goal("tmpfs", 2.5))))

    def warm(self) -> Iterator[Row]:
        check = self.of.check
        commands = {
            "ls -f": (lambda path: ls_command(path, "-f"), check.names),
            "ls -l": (lambda path: ls_command(path, "-l"), check.names),
            "find": (lambda path: ["find", path, "-type", "f", "-newermt", "2000-01-01"],
                     check.names),
            "du": (lambda path: ["du", "-a", path], check.names),
            "grep -rc": (grep_command, check.grep),
        }
        self.world.set_latency(self.latencies[0])
        with ExitStack() as stack:
            mount = stack.enter_context(self.world.mounted())
            for title, (command, checked) in commands.items():
                goals = self.goals(Goal("tmpfs", 1.4)) if title != "ls -f" else []
                yield self.take(Row(f"{title}, second time", self.latencies[0], {
                    OURS: self.of.second(mount, command, checked),
                    "tmpfs": self.of.tmpfs(command),
                }, goals, max_requests=0))

    def again(self) -> Iterator[Row]:
        """Looking again after a remount (goal: for 100,000 jobs, so for fewer as well)."""
        cache = self.world.new_place("cache")
        self.world.set_latency(0)
        with self.world.mounted(cache=cache) as mount:
            self.world.run(ls_command(mount.path / "all", "-f"))
        for latency in self.latencies:
            yield self.take(Row("ls -f after a remount, nothing changed", latency,
                                {OURS: self.of.again(cache)}, max_requests=4, max_seconds=1))

    # What is not a time.

    def memory(self) -> Iterator[Fact]:
        self.world.set_latency(self.latencies[0])
        with self.world.mounted() as mount:
            self.world.run(ls_command(mount.path / "all", "-l"))
            self.world.run(grep_command(mount.path / "all"))
            yield self.memory_fact(f"{self.world.jobs} jobs of {self.world.size} bytes",
                                   mount.memory())
        sandbox = self.world.new_sandbox("--jobs", "20", "--bytes", "1700000",
                                         "--unfinished", "0", "--errors", "0")
        try:
            with self.world.mounted(sandbox=sandbox) as mount:
                self.world.run(["cp", "-r", mount.path / "all", self.world.fast / "large"])
                count = len(list((self.world.fast / "large").iterdir()))
                if count != 20:
                    raise Wrong(f"{count} files of 20")
                yield self.memory_fact("one page of 20 jobs of 1.7 MB", mount.memory())
        finally:
            sandbox.stop()

    def memory_fact(self, title: str, used: int) -> Fact:
        return Fact(f"memory, {title}", f"{used / (1 << 20):.1f} MiB", "≤ 64 MiB",
                    used <= 64 << 20)

    def reader(self) -> Iterator[Fact]:
        """json_bench's lines: "what it read: N MB/s"."""
        for line in program_output(self.world.build / "tests/bench/json_bench"):
            title, _, speed = line.rpartition(": ")
            aimed = title.startswith("page reader")
            yield Fact(title, speed, "≥ 300 MB/s" if aimed else "",
                       not aimed or int(speed.split()[0]) >= 300)


# Name, method, what it is
ROWS: dict[str, tuple[Callable[[Rows], Iterator[Row | Fact]], str]] = {
    "first": (Rows.first, "the first name of a listing"),
    "cat": (Rows.cat, "one job by id, never listed"),
    "ls-f": (Rows.cold_ls_f, "ls -f of a new mount"),
    "ls-l": (Rows.cold_ls_l, "ls -l of a new mount"),
    "grep": (Rows.cold_grep, "grep -rc of a new mount"),
    "listed": (Rows.listed, "the first grep -rc of what was listed"),
    "warm": (Rows.warm, "ls, find, du and grep once more"),
    "again": (Rows.again, "ls -f after a remount"),
    "memory": (Rows.memory, "the most memory that gladiafs had"),
    "reader": (Rows.reader, "the page reader alone"),
}
