# SPDX-License-Identifier: MIT
"""The contenders: gladiafs, and the tools that it replaces. Each function of type Run takes the
number of the round, does the work, and returns how many seconds it took. It raises Wrong if the
work was not done."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from account import Account, Check, grep_command, ls_command
from world import KEY, PAGE, Mount, World, Wrong

Run = Callable[[int], float]

class Contenders:
    def __init__(self, world: World, account: Account):
        self.world = world
        self.account = account
        self.check = Check(world, account)
        self.fetched: dict[tuple, float] = {}
        self.last_requests = 0
        self.last_messages: int | None = None

    # gladiafs

    @contextlib.contextmanager
    def mounted(self, *options: str, cache: Path | None = None) -> Iterator[Mount]:
        with self.world.mounted(self.account.mock.url, *options, cache=cache) as mount:
            yield mount

    def cold(self, command: Callable[[Path], list], check: Callable[[], None]) -> Run:
        """Times a command on all/ of a new mount with an empty cache."""
        def run(number: int) -> float:
            with self.mounted() as mount:
                return self.timed(mount, command, check, number)
        return run

    def timed(self, mount: Mount, command: Callable[[Path], list], check: Callable[[], None],
              number: int) -> float:
        """Runs the command on all/ and checks its output. Stores the number of requests and of FUSE
        messages. Returns the seconds."""
        self.account.mock.requests()
        before = mount.reads()
        spent = self.world.run(command(mount.path / "all"))
        after = mount.reads()
        self.last_messages = None if before is None or after is None else after - before
        self.last_requests = self.account.mock.requests()
        check()
        self.check.sample(mount.path / "all", number)
        return spent

    def second(self, mount: Mount, command: Callable[[Path], list],
               check: Callable[[], None]) -> Run:
        """Times the second run of a command on the same mount."""
        def run(number: int) -> float:
            self.world.run(command(mount.path / "all"))
            return self.timed(mount, command, check, number)
        return run

    def listed(self) -> Run:
        """Times the first grep of a directory that was listed."""
        def run(number: int) -> float:
            with self.mounted() as mount:
                self.world.run(ls_command(mount.path / "all", "-f"))
                return self.timed(mount, grep_command, self.check.grep, number)
        return run

    def again(self, cache: Path) -> Run:
        """Times ls of a directory that an earlier mount listed longer than ttl ago."""
        def run(number: int) -> float:
            with self.mounted("ttl=1", cache=cache) as mount:
                return self.stale(mount)(number)
        return run

    def stale(self, mount: Mount) -> Run:
        """Times ls of a directory that this mount listed longer than ttl=1 ago."""
        def run(number: int) -> float:
            time.sleep(1.2)
            return self.timed(mount, lambda path: ls_command(path, "-f"), self.check.names,
                              number)
        return run

    def settled_requests(self) -> int:
        """Returns the number of requests, including those that no reader waited for."""
        time.sleep(0.2 + 2 * self.account.latency / 1000)
        return self.account.mock.requests()

    def first_name(self, _: int) -> float:
        with self.mounted() as mount:
            self.account.mock.requests()
            self.world.run(["python3", "-S", "-c", FIRST_NAME, mount.path / "all"])
            spent, name = self.world.output()
            self.last_requests = self.settled_requests()
            if name not in self.account.names:
                raise Wrong(f"{name}: not the name of a job")
            return float(spent)

    def cat(self, number: int) -> float:
        name = self.account.some_done(number)
        with self.mounted() as mount:
            self.account.mock.requests()
            self.world.run(["python3", "-S", "-c", READ, mount.path / "all" / f"{name}.json"])
            spent = float(self.world.output()[0])
            self.last_requests = self.settled_requests()
            self.check.content(mount.path / "all", name)
            return spent

    # tmpfs

    def tmpfs(self, command: Callable[[Path], list]) -> Run:
        def run(_: int) -> float:
            self.world.run(command(self.account.copy))
            return self.world.run(command(self.account.copy))
        return run

    # curl

    def pages(self, *options: str, to: Path | None = None) -> Run:
        """Times curl fetching all pages, of the size that the mount uses. The data is discarded, or
        written to files in the directory `to`, which is removed after each round."""
        limit = self.account.page
        count = -(-self.account.jobs // limit)
        query = "/v2/pre-recorded?limit={}&offset={}"
        urls = [query.format(limit, page * limit) for page in range(count)]
        return self.fetch_urls(urls, *options, to=to)

    def fetch_urls(self, urls: list[str], *options: str, to: Path | None = None) -> Run:
        """Times one curl that fetches all of the URLs."""
        config = self.world.new_path("urls")
        config.write_text("".join(
            f'url = "{self.account.mock.url}{url}"\noutput = '
            f'"{to / str(number) if to else "/dev/null"}"\n'
            for number, url in enumerate(urls)), encoding="ascii")

        def run(_: int) -> float:
            if to:
                to.mkdir()
            try:
                self.account.mock.requests()
                spent = self.world.run(["curl", "-sSf", "-H", f"x-gladia-key: {KEY}", *options,
                                        "-K", config])
                if self.account.mock.requests() != len(urls):
                    raise Wrong("curl did not fetch all")
            finally:
                if to:
                    shutil.rmtree(to)
            return spent
        return run

    @property
    def side_by_side(self) -> list[str]:
        return ["--parallel", "--parallel-max", str(self.world.connections)]

    def parallel(self) -> Run:
        return self.pages(*self.side_by_side)

    def parallel_to_disk(self) -> Run:
        """Times curl writing to the cache's disk: the least that storing the answers can take."""
        return self.pages(*self.side_by_side, to=self.world.new_path("pages"))

    def one(self, path: Callable[[int], str]) -> Run:
        """Times a single request, without the start of curl."""
        def run(number: int) -> float:
            self.world.run(["curl", "-sSf", "-o", "/dev/null", "-w", "%{time_total}\n", "-H",
                            f"x-gladia-key: {KEY}", self.account.mock.url + path(number)])
            return float(self.world.output()[0])
        return run

    # scripts

    def script(self, name: str, part: int = 1, then: Callable[[Path], list] | None = None) -> Run:
        """Times a script that fetches everything into files, and then a command on these files. The
        script fetches 1/`part` of the jobs, and its time is multiplied. It runs once per round and
        latency, because its time is the same for every command."""
        def run(number: int) -> float:
            key = (name, self.account.latency, number)
            if key not in self.fetched:
                self.fetched[key] = self.fetch(name, part)
            return self.fetched[key] + (self.tmpfs(then)(number) if then else 0)
        return run

    def fetch(self, name: str, part: int) -> float:
        target = self.world.fast / name
        target.mkdir()
        pages = (self.account.jobs + PAGE - 1) // PAGE
        some = max(1, pages // part)
        wanted = min(self.account.jobs, some * PAGE) if part > 1 else self.account.jobs
        command = [self.world.peer(name), self.account.mock.url, KEY, target]
        try:
            spent = self.world.run(command + ([str(some)] if part > 1 else []))
            count = sum(1 for _ in target.iterdir())
        finally:
            shutil.rmtree(target)
        if count != wanted:
            raise Wrong(f"{name} made {count} files instead of {wanted}")
        return spent * self.account.jobs / wanted


# Programs that time one operation, in a process that does nothing else.
FIRST_NAME = """
import os, sys, time
start = time.perf_counter()
entries = os.scandir(sys.argv[1])
name = next(entries).name
print(time.perf_counter() - start)
print(name)
"""
READ = """
import sys, time
start = time.perf_counter()
with open(sys.argv[1], "rb", buffering=0) as file:
    file.read()
print(time.perf_counter() - start)
"""


def program_output(program: Path) -> list[str]:
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong(f"{program.name}: exit code {done.returncode}")
    return done.stdout.splitlines()
