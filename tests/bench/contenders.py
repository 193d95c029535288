# SPDX-License-Identifier: MIT
"""Who is measured: gladiafs, and what one would use instead. Each function takes the number
of the round and gives the seconds that the same work took; it raises Wrong if the work was not
done."""

import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from world import KEY, PAGE, Mount, World, Wrong

Run = Callable[[int], float]
# A word that some of the jobs hold.
WORD = "refund"


def ls_command(path: Path, *options: str) -> list:
    return ["ls", *options, path]


def grep_command(path: Path) -> list:
    return ["grep", "-rc", WORD, path]


class Check:
    """That names and contents are right, whoever brought them."""

    def __init__(self, world: World):
        self.world = world
        # grep fails if it finds nothing, so there is something to find.
        world.run(grep_command(world.copy))
        self.counts = self.grep_counts()

    def grep_counts(self) -> dict[str, str]:
        pairs = (line.rpartition(":") for line in self.world.output())
        return {path.rpartition("/")[2]: count for path, _, count in pairs}

    def names(self) -> None:
        """The last command printed every name once, be it ls, ls -l, find or du -a."""
        words = [line.rpartition(" ")[2] for line in self.world.output()]
        names = [word.rpartition("/")[2] for word in words if word.endswith(".json")]
        if sorted(names) != sorted(self.world.names):
            missing = len(self.world.names - set(names))
            raise Wrong(f"{len(names)} names, and {missing} are missing")

    def grep(self) -> None:
        if self.grep_counts() != self.counts:
            raise Wrong("grep counted other lines than on the tmpfs")

    def content(self, directory: Path, name: str) -> None:
        """A file is what the API gives, value by value, and as long as it says."""
        path = directory / f"{name}.json"
        data = path.read_bytes()
        job = self.world.sandbox.control("GET", f"jobs/{name}")
        if json.loads(data) != job or not data.endswith(b"}\n"):
            raise Wrong(f"{name}: not what the API gives")
        if path.stat().st_size != len(data):
            raise Wrong(f"{name}: {path.stat().st_size} bytes told, {len(data)} read")

    def sample(self, directory: Path, seed: int) -> None:
        for name in random.Random(seed).sample(self.world.ids, min(5, self.world.jobs)):
            self.content(directory, name)


class Contenders:
    def __init__(self, world: World):
        self.world = world
        self.check = Check(world)
        self.fetched: dict[tuple, float] = {}
        self.last_requests = 0

    # gladiafs

    def cold(self, command: Callable[[Path], list], check: Callable[[], None]) -> Run:
        """A command on all/ of a mount that was never seen, its cache empty."""
        def run(number: int) -> float:
            with self.world.mounted() as mount:
                return self.timed(mount, command, check, number)
        return run

    def timed(self, mount: Mount, command: Callable[[Path], list], check: Callable[[], None],
              number: int) -> float:
        self.world.sandbox.requests()
        spent = self.world.run(command(mount.path / "all"))
        self.last_requests = self.world.sandbox.requests()
        check()
        self.check.sample(mount.path / "all", number)
        return spent

    def second(self, mount: Mount, command: Callable[[Path], list],
               check: Callable[[], None]) -> Run:
        """The same where it was run just before."""
        def run(number: int) -> float:
            self.world.run(command(mount.path / "all"))
            return self.timed(mount, command, check, number)
        return run

    def listed(self) -> Run:
        """The first grep of a directory that was listed."""
        def run(number: int) -> float:
            with self.world.mounted() as mount:
                self.world.run(ls_command(mount.path / "all", "-f"))
                return self.timed(mount, grep_command, self.check.grep, number)
        return run

    def again(self, cache: Path) -> Run:
        """ls of a directory that another mount has listed, longer than ttl ago."""
        def run(number: int) -> float:
            with self.world.mounted("ttl=1", cache=cache) as mount:
                time.sleep(1.2)
                return self.timed(mount, lambda path: ls_command(path, "-f"),
                                  self.check.names, number)
        return run

    def settled_requests(self) -> int:
        """With those that were started, but that nobody waited for."""
        time.sleep(0.2 + 2 * self.world.latency / 1000)
        return self.world.sandbox.requests()

    def first_name(self, _: int) -> float:
        with self.world.mounted() as mount:
            self.world.sandbox.requests()
            self.world.run(["python3", "-S", "-c", FIRST_NAME, mount.path / "all"])
            spent, name = self.world.output()
            self.last_requests = self.settled_requests()
            if name not in self.world.names:
                raise Wrong(f"{name}: no job's name")
            return float(spent)

    def cat(self, number: int) -> float:
        name = self.world.some_done(number)
        with self.world.mounted() as mount:
            self.world.sandbox.requests()
            self.world.run(["python3", "-S", "-c", READ, mount.path / "all" / f"{name}.json"])
            spent = float(self.world.output()[0])
            self.last_requests = self.settled_requests()
            self.check.content(mount.path / "all", name)
            return spent

    # tmpfs

    def tmpfs(self, command: Callable[[Path], list]) -> Run:
        def run(_: int) -> float:
            self.world.run(command(self.world.copy))
            return self.world.run(command(self.world.copy))
        return run

    # curl

    def pages(self, *options: str) -> Run:
        """The time in which all pages come down, of the size the mount comes to, read by
        nobody."""
        config = self.world.directory / "pages"
        limit = self.world.page
        base = f"{self.world.sandbox.url}/v2/pre-recorded?limit={limit}&offset="
        count = -(-self.world.jobs // limit)
        config.write_text("".join(f'url = "{base}{page * limit}"\noutput = "/dev/null"\n'
                                  for page in range(count)), encoding="ascii")

        def run(_: int) -> float:
            self.world.sandbox.requests()
            spent = self.world.run(["curl", "-sSf", "-H", f"x-gladia-key: {KEY}", *options,
                                    "-K", config])
            if self.world.sandbox.requests() != count:
                raise Wrong("curl did not fetch all pages")
            return spent
        return run

    def parallel(self) -> Run:
        return self.pages("--parallel", "--parallel-max", str(self.world.connections))

    def one(self, path: Callable[[int], str]) -> Run:
        """One request's own time, without the start of curl."""
        def run(number: int) -> float:
            self.world.run(["curl", "-sSf", "-o", "/dev/null", "-w", "%{time_total}\n", "-H",
                            f"x-gladia-key: {KEY}", self.world.sandbox.url + path(number)])
            return float(self.world.output()[0])
        return run

    # scripts

    def script(self, name: str, part: int = 1, then: Callable[[Path], list] | None = None) -> Run:
        """A script that fetches everything into files, then a command on these. With `part`
        it does one part in so many and the time is multiplied. What it took to fetch is
        measured once a round: it is the same for every command."""
        def run(number: int) -> float:
            key = (name, self.world.latency, number)
            if key not in self.fetched:
                self.fetched[key] = self.fetch(name, part)
            return self.fetched[key] + (self.tmpfs(then)(number) if then else 0)
        return run

    def fetch(self, name: str, part: int) -> float:
        target = self.world.fast / name
        target.mkdir()
        pages = (self.world.jobs + PAGE - 1) // PAGE
        some = max(1, pages // part)
        wanted = min(self.world.jobs, some * PAGE) if part > 1 else self.world.jobs
        command = [self.world.peer(name), self.world.sandbox.url, KEY, target]
        try:
            spent = self.world.run(command + ([str(some)] if part > 1 else []))
            count = sum(1 for _ in target.iterdir())
        finally:
            shutil.rmtree(target)
        if count != wanted:
            raise Wrong(f"{name} made {count} files of {wanted}")
        return spent * self.world.jobs / wanted


# In a process of their own, which has nothing to do meanwhile.
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
