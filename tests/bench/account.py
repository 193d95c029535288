# SPDX-License-Identifier: MIT
"""An account of the mock server, and checks that a tool showed it correctly."""

import functools
import json
import random
from collections.abc import Iterable
from pathlib import Path

from world import KEY, Mock, World, Wrong

# A word that some of the jobs contain.
WORD = "refund"


def ls_command(path: Path, *options: str) -> list:
    return ["ls", *options, path]


def grep_command(path: Path) -> list:
    return ["grep", "-rc", WORD, path]


class Account:
    """A mock server with `jobs` jobs of `size` bytes, and their names."""

    def __init__(self, world: World, jobs: int, size: int, *options: str):
        self.jobs = jobs
        self.size = size
        # Jobs per page: about a mebibyte, as the mount requests them (SEMANTICS 6.5).
        self.page = max(4, min(1000, (1 << 20) // size))
        self.latency = 0
        self.mock: Mock = world.new_mock("--jobs", str(jobs), "--bytes", str(size),
                                                  *options)
        self.copy: Path | None = None
        self.ids: list[str] = []
        self.done: list[str] = []
        self.errors: set[str] = set()
        self.days: set[str] = set()
        for job in self.mock.jobs():
            self.ids.append(job["id"])
            self.days.add(job["created_at"][:10])
            if job["status"] == "done":
                self.done.append(job["id"])
            elif job["status"] == "error":
                self.errors.add(job["id"] + ".json")
        self.names = {name + ".json" for name in self.ids}

    def set_latency(self, ms: int) -> None:
        self.latency = ms
        self.mock.set_latency(ms)

    def some_done(self, number: int) -> str:
        """Returns the id of a finished job: a different one for each number."""
        return self.done[number * 7 % len(self.done)]

    def copy_to(self, world: World, directory: Path) -> None:
        """Copies the jobs into files on a tmpfs, with peers/fetch.py."""
        directory.mkdir()
        world.run(["python3", world.peer("fetch.py"), self.mock.url, KEY, directory])
        self.copy = directory

    def copy_each_to(self, directory: Path) -> None:
        """Copies the jobs into files with one request per job, for lists of summaries."""
        directory.mkdir()
        for name in self.ids:
            job = self.mock.control("GET", f"jobs/{name}")
            (directory / f"{name}.json").write_text(
                json.dumps(job, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        self.copy = directory


class Check:
    """Checks that names and contents are right, whichever tool fetched them."""

    def __init__(self, world: World, account: Account):
        self.world = world
        self.account = account

    @functools.cached_property
    def counts(self) -> dict[str, str]:
        # If no file contained the word, grep and run() would fail.
        output = self.world.fast / "counts"
        self.world.run(grep_command(self.account.copy), output)
        return grep_counts(output.read_text(encoding="utf-8").splitlines())

    def names(self) -> None:
        """The last command (ls, ls -l, find or du -a) printed every name once."""
        self.same_names(self.account.names)

    def same_names(self, wanted: set[str]) -> None:
        words = (line.rpartition(" ")[2] for line in self.world.output())
        names = [name for word in words if (name := word.rpartition("/")[2]).endswith(".json")]
        if len(names) != len(wanted) or set(names) != wanted:
            missing = len(wanted.difference(names))
            raise Wrong(f"{len(names)} names for {len(wanted)}, and {missing} are missing")

    def grep(self) -> None:
        output = self.world.output()
        if grep_counts(output) != self.counts:
            raise Wrong("grep did not count the same lines as on the tmpfs")

    def content(self, directory: Path, name: str) -> None:
        """A file has the values that the API returns, and its size is right."""
        path = directory / f"{name}.json"
        data = path.read_bytes()
        job = self.account.mock.control("GET", f"jobs/{name}")
        if json.loads(data) != job or not data.endswith(b"}\n"):
            raise Wrong(f"{name}: not what the API returns")
        if path.stat().st_size != len(data):
            raise Wrong(f"{name}: {path.stat().st_size} bytes by stat(2), {len(data)} read")

    def sample(self, directory: Path, seed: int) -> None:
        some = random.Random(seed).sample(self.account.ids, min(5, self.account.jobs))
        for name in some:
            self.content(directory, name)


def grep_counts(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.rpartition(":") for line in lines)
    return {path.rpartition("/")[2]: count for path, _, count in pairs}
