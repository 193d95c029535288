# SPDX-License-Identifier: MIT
"""Measures the resources that the mounts use, once a second."""

import json
import os
import stat
import threading
import time
from pathlib import Path

from mounting import Mount

FIGURES = ("memory", "in use", "descriptors", "catalog", "waiting", "under way")
KEEP_EVERY = 30
TICKS = os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Returns the number of bytes of a process that are in memory."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as pages:
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def catalog(pid: int) -> tuple[int, int]:
    """Returns the number of descriptors of a process, and the bytes on disk of its databases with
    their journals, including unlinked files."""
    count = 0
    files = {}
    for entry in os.scandir(f"/proc/{pid}/fd"):
        count += 1
        try:
            info = os.stat(entry.path)
            # The only other regular file is the process's stderr.
            if stat.S_ISREG(info.st_mode) and "/stderr" not in os.readlink(entry.path):
                files[info.st_ino] = info.st_blocks * 512
        except FileNotFoundError:
            continue  # it was closed meanwhile
    return count, sum(files.values())


def processor(pid: int) -> float:
    """Returns the processor seconds of a process, without its children's."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as line:
        fields = line.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def stats(mount: Mount) -> dict:
    return json.loads(Path(mount.path, ".gladiafs/stats").read_bytes())


class Samples(threading.Thread):
    """The samples of each mount, by its name: for each figure a list of seconds and values."""

    def __init__(self, mounts: dict[str, Mount], others: list[int], path: Path | None):
        super().__init__(daemon=True)
        self.mounts = mounts
        self.path = path  # CSV file that is written now and then, in case the soak crashes
        self.others = others  # processes that count as load, too
        self.begun = time.monotonic()
        self.ended = threading.Event()
        self.taken = 0
        self.failed: list[str] = []
        self.series: dict[str, dict[str, list[tuple[float, float]]]] = {
            name: {figure: [] for figure in FIGURES} for name in mounts}

    def take(self) -> None:
        at = time.monotonic() - self.begun
        for name, mount in self.mounts.items():
            known = stats(mount)
            descriptors, size = catalog(mount.pid)
            values = (memory(mount.pid), known["memory"]["in_use"], descriptors, size,
                      known["cache"]["waiting"], known["requests"]["under_way"])
            for figure, value in zip(FIGURES, values, strict=True):
                self.series[name][figure].append((at, value))

    def run(self) -> None:
        while not self.ended.wait(1):
            try:
                self.take()
                self.taken += 1
                if self.path and self.taken % KEEP_EVERY == 0:
                    self.write(self.path)
            except (OSError, ValueError) as error:
                self.failed.append(f"no sample: {error}")

    def end(self) -> None:
        self.ended.set()
        self.join(60)

    def load(self) -> float:
        """Returns the processor seconds used so far: by the mounts, the mock server, this process,
        and the tools that have ended."""
        pids = [mount.pid for mount in self.mounts.values()] + self.others
        return sum(os.times()[:4]) + sum(map(processor, pids))

    def write(self, path: Path) -> None:
        """Writes the samples as CSV, one line for each sample of a mount."""
        with open(path, "w", encoding="ascii") as out:
            print("mount,seconds", *FIGURES, sep=",", file=out)
            for name, figures in self.series.items():
                for row in zip(*figures.values(), strict=True):
                    print(name, f"{row[0][0]:.1f}", *(value for _, value in row), sep=",",
                          file=out)
