# SPDX-License-Identifier: MIT
"""The operations that a soak does on the mounts, and the checks of their results.

Each function of ACTIONS does one thing on one mount. It raises OSError for errors that are
permitted while requests fail, and Wrong for results that are never permitted."""

import mmap
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from mounting import PROGRAM, Mount, environment
from history import History

# Listings may be older than ttl by the time that a refresh takes on a busy machine.
MARGIN = 1.0
TOOL_SECONDS = 60
NAMES = 40  # number of a directory's entries that walk() reads


class Wrong(Exception):
    """A promise was broken."""


@dataclass
class Target:
    """A mount, its options, and what is needed to check it."""

    mount: Mount
    history: History
    ttl: float
    chance: random.Random
    options: tuple[str, ...]

    @property
    def all(self) -> Path:
        return Path(self.mount.path, "all")

    def job(self, *status: str) -> tuple[str, Path]:
        name = self.history.some(self.chance, 1, *status)[0]
        return name, self.all / f"{name}.json"

    def directory(self) -> Path:
        day = self.chance.choice(self.history.days)
        return self.mount.path / self.chance.choice([
            "all", "date", f"date/{day}", f"date/{day}/status/done", "metadata",
            f"metadata/team/{self.chance.choice('abc')}", "status/done", "status/error",
            "status/queued,processing", f"after/{day}", f"before/{day}/status/error"])


def ids(names: list[str]) -> set[str]:
    return {name[:-5] for name in names if name.endswith(".json")}


def check_names(target: Target, names: list[str], begun: float, ended: float) -> None:
    """SEMANTICS 6.1, 6.3, 7.1: a listing has every job that existed, and no other."""
    since = begun - target.ttl - MARGIN
    found = ids(names)
    if len(names) != len(set(names)):
        raise Wrong("a name was emitted twice")
    # may_show() must be first: it waits for a change that is in progress.
    unexpected = found - target.history.may_show(since)
    missing = target.history.must_show(since, ended) - found
    if unexpected or missing:
        raise Wrong(f"all/ shows {len(unexpected)} wrong jobs ({sorted(unexpected)[:3]}), "
                    f"and {len(missing)} are missing ({sorted(missing)[:3]})")


def list_all(target: Target) -> None:
    begun = time.monotonic()
    names = os.listdir(target.all)
    check_names(target, names, begun, time.monotonic())


def list_any(target: Target) -> None:
    where = target.directory()
    names = os.listdir(where)
    if unexpected := ids(names) - target.history.may_show(0):
        raise Wrong(f"{where}: no such job: {sorted(unexpected)[:3]}")


def walk(target: Target) -> None:
    """Reads the attributes of some entries, as ls -l does."""
    where = target.directory()
    with os.scandir(where) as entries:
        for entry in list(entries)[:NAMES]:
            info = entry.stat()
            if entry.name.endswith(".json") and info.st_size == 0:
                raise Wrong(f"{entry.path}: no size")


def read_whole(target: Target) -> None:
    """SEMANTICS 4.1, 7.1: a file has one of the versions that existed recently."""
    name, path = target.job()
    begun = time.monotonic()
    with open(path, "rb", buffering=0) as file:
        data = file.readall()
        size = os.fstat(file.fileno()).st_size
        if target.chance.random() < 0.5:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    wanted = target.history.versions(name, begun - target.ttl - MARGIN)
    if wanted and data not in wanted:
        raise Wrong(f"{path}: {len(data)} bytes that the API did not return lately; "
                    f"it returned {[len(text) for text in wanted]}")
    if wanted and size not in map(len, wanted):
        raise Wrong(f"{path}: {size} bytes by stat(2), {len(data)} read")


def read_part(target: Target) -> None:
    name, path = target.job()
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        offset = target.chance.randrange(size + 10)
        data = os.pread(file.fileno(), target.chance.randrange(1, 9000), offset)
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
            mapped = pages[:64] if target.chance.random() < 0.3 else b""
    texts = target.history.versions(name)
    if texts and not any(text[offset:offset + len(data)] == data and text.startswith(mapped)
                         for text in texts):
        raise Wrong(f"{path}: {len(data)} bytes at {offset} are not part of any version")


def read_format(target: Target) -> None:
    name, path = target.job("done")
    kind = target.chance.choice(["txt", "srt", "vtt"])
    data = path.with_suffix(f".{kind}").read_bytes()
    if kind == "vtt" and not data.startswith(b"WEBVTT") or b"\0" in data:
        raise Wrong(f"{name}.{kind}: {data[:40]}")


def use_other_names(target: Target) -> None:
    """Uses names that are invalid or do not exist, df, extended attributes, and control files."""
    os.statvfs(target.mount.path)
    for name in ".git", "status/foo", "date/2026-02-30":
        if (target.mount.path / name).exists():
            raise Wrong(f"{name} exists")
    if (target.all / f"{target.chance.getrandbits(32):08x}-0000-4000-8000-000000000000.json"
            ).exists():
        raise Wrong("a job exists that was never created")
    for name in "stats", "errors", "config":
        (target.mount.path / ".gladiafs" / name).read_bytes()
    if "xattr" in target.options:
        os.getxattr(target.job("done", "error")[1], "user.gladia.status")


def tool(target: Target) -> None:
    """Runs a real tool to its end."""
    where = target.directory()
    command = target.chance.choice([
        ["ls", "-f", where], ["ls", "-lR", where], ["grep", "-rc", "refund", where],
        ["find", where, "-ls"], ["du", "-sb", where]])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=TOOL_SECONDS, check=False)
    # grep returns 1 if nothing matches. Files may be deleted while a tool reads them.
    complaints = [line for line in done.stderr.splitlines()
                  if "No such file" not in line and "Stale" not in line]
    if done.returncode < 0:
        raise Wrong(f"{command}: ended by signal {-done.returncode}")
    if done.returncode > 1 and complaints or command[0] != "grep" and complaints:
        raise OSError(0, complaints[0])


def killed(target: Target) -> None:
    """A reader that is killed in the middle ends immediately (SEMANTICS 11.2)."""
    command = target.chance.choice([["grep", "-rc", "refund"], ["ls", "-l"], ["find"],
                                    ["cat"]])
    where = target.job()[1] if command == ["cat"] else target.directory()
    with subprocess.Popen([*command, where], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(target.chance.uniform(0, 0.15))
        process.send_signal(target.chance.choice([signal.SIGKILL, signal.SIGTERM]))
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            raise Wrong(f"{command}: cannot be killed") from None


def refresh(target: Target) -> None:
    if target.chance.random() < 0.3:
        os.kill(target.mount.pid, signal.SIGHUP)
        return
    place = target.chance.choice([target.mount.path, target.all])
    done = subprocess.run([PROGRAM, "--refresh", place], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TOOL_SECONDS, check=False,
                          env=environment(target.mount.place.home))
    if done.returncode:
        raise OSError(0, done.stderr.strip())


def remove(target: Target) -> None:
    """SEMANTICS 10.1: deletes a job. After an error it may or may not have been deleted."""
    if "allow_delete" not in target.options:
        return
    with target.history.lock:
        name, path = target.job("done", "error")
        target.history.record_deleting(name)
    path.unlink()
    target.history.record_deleted(name, "removed by rm")


# The relative frequency of each action.
ACTIONS = {
    list_all: 6, list_any: 8, walk: 8, read_whole: 30, read_part: 12, read_format: 4,
    use_other_names: 6, tool: 8, killed: 6, refresh: 2, remove: 1,
}


def choose(chance: random.Random):
    return chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
