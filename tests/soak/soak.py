#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads three mounts of one account for minutes, while the account changes and requests fail.

Contents and names are compared with the history of the mock server's account. Once a second we
measure each mount's memory, descriptors, database, parked requests and calls to the API. After a
warm-up their slope must be flat (judge.py), and at the end no request may be parked, no call in
progress, and no process left. The seed is GLADIAFS_SEED, or a random number; it is printed."""

import argparse
import collections
import errno
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / "mount"))

from judge import judge  # noqa: E402
from mounting import Mount, Place, children  # noqa: E402
from readers import Target, Wrong, choose, list_all, read_whole  # noqa: E402
from report import Report  # noqa: E402
from samples import Samples, stats  # noqa: E402
from mock import Mock  # noqa: E402
from tools import isolate_mounts, wait_until  # noqa: E402
from history import History  # noqa: E402
from fault_schedule import FaultSchedule  # noqa: E402

TIMEOUT = 5  # of the mounts, in seconds
READERS = 4  # per mount
CHANGE_EVERY = 0.7
ACCOUNT = ("--jobs", "500", "--days", "6", "--bytes", "2000:60000", "--unfinished", "12",
           "--errors", "15")
# The account is about 4 MB of compressed text, and two mounts share a cache that is too small for it.
MOUNTS = {
    "disk": (2, ("cache_size=2M", "formats=json:txt:srt:vtt")),
    "shared": (1, ("cache_size=2M", "page_size=20", "xattr", "allow_delete")),
    "off": (3, ("cache=off", "cache_size=2M")),
}
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
# The part of the time after which the caches count as warm.
WARM_UP = 0.35


class Soak:
    def __init__(self, directory: Path, args: argparse.Namespace):
        self.args = args
        self.ended = threading.Event()
        self.wrong: list[str] = []
        self.done: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.drops = 0
        self.seen_locked = 0
        self.locked_at = float("-inf")
        self.pause = 0.3
        self.mock = Mock(directory, *ACCOUNT)
        self.history = History(self.mock, args.seed)
        self.faults = FaultSchedule(self.mock, args.seed, TIMEOUT)
        place = Place(directory)
        self.targets = {}
        for number, (name, (ttl, options)) in enumerate(MOUNTS.items()):
            mount = Mount(place, self.mock, f"ttl={ttl}", f"timeout={TIMEOUT}", *options)
            self.targets[name] = Target(mount, self.history, ttl,
                                        random.Random(args.seed + number), options)
        self.samples = Samples({name: target.mount for name, target in self.targets.items()},
                               [self.mock.process.pid], args.samples)

    def complain(self, what: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(what)
            print(f"wrong: {what}", file=sys.stderr, flush=True)

    # The threads.

    def read(self, target: Target, seed: int) -> None:
        chance = random.Random(seed)
        mine = Target(target.mount, target.history, target.ttl, chance, target.options)
        while not self.ended.wait(chance.expovariate(1 / self.pause)):
            action = choose(chance)
            begun = time.monotonic()
            try:
                action(mine)
            except Wrong as wrong:
                self.complain(f"{action.__name__}: {wrong}")
            except OSError as error:
                # The job may have been deleted meanwhile.
                self.errors[(error.strerror or str(error)).rpartition(": ")[2]] += 1
                if not isinstance(error, FileNotFoundError) and "Stale" not in str(error) \
                        and self.faults.was_faultless(begun) and not self.is_excused(error):
                    self.complain(f"{action.__name__}: {error}, though no request failed; "
                                  + self.circumstances(target, begun))
            except subprocess.TimeoutExpired:
                # Each call of the tool ends by the timeout (11.1), but the tool makes many calls. A
                # reader that hangs is detected at the end.
                self.errors["tool stopped before its end"] += 1
            except Exception as error:  # pylint: disable=broad-except
                self.complain(f"{action.__name__}: {type(error).__name__}: {error}")
            self.done[action.__name__] += 1

    def circumstances(self, target: Target, begun: float) -> str:
        """Describes the circumstances of an error in a call that began at `begun`."""
        now = time.monotonic()
        output = "".join(f"\n    {line}" for line in target.mount.stderr.splitlines()[-6:])
        return (f"{now - begun:.1f} s after it began, {now - self.faults.last_fault:.1f} s "
                f"after the last fault, load {os.getloadavg()[0]:.1f}, {stats(target.mount)}, "
                f"last lines of the log:{output}")

    def locked(self) -> int:
        """Returns how often mounts reported that they waited in vain for a database lock."""
        return sum(target.mount.stderr.count("database is locked")
                   for target in self.targets.values())

    def count_lock_failures(self) -> None:
        output = self.locked()
        if output > self.seen_locked:
            self.seen_locked = output
            self.locked_at = time.monotonic()

    def is_excused(self, error: OSError) -> bool:
        """True if the machine was overloaded: then a mount may have waited in vain for a lock, or
        a request may have timed out. Both are counted."""
        self.count_lock_failures()
        late = "timed out" in str(error) and os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
        return late or time.monotonic() < self.locked_at + 2 * TIMEOUT

    def change(self) -> None:
        while not self.ended.wait(CHANGE_EVERY):
            try:
                self.history.change()
                self.faults.turn()
            except Exception as error:  # pylint: disable=broad-except
                self.complain(f"changing: {type(error).__name__}: {error}")

    def pace(self) -> None:
        """Adapts the pause of the readers, so that all processes together use the requested share
        of a processor."""
        warm = time.monotonic() + self.args.minutes * 60 * WARM_UP * 0.8
        every = max(30.0, self.args.minutes * 60 / 9)
        drop_at = time.monotonic() + every
        before, at = self.samples.load(), time.monotonic()
        while not self.ended.wait(2):
            load, now = self.samples.load(), time.monotonic()
            used = (load - before) / (now - at)
            # Twice as fast during the warm-up, to reach the maximum of each figure sooner.
            wanted = self.args.load if now > warm else 2 * self.args.load
            self.pause = min(5.0, max(0.02, self.pause * (1.1 if used > wanted else 0.93)))
            before, at = load, now
            self.count_lock_failures()
            if now > drop_at and os.geteuid() == 0:
                # Drops dentries and inodes, so that the kernel forgets nodes. This affects the
                # whole machine.
                DROP_CACHES.write_text("2", encoding="ascii")
                self.drops += 1
                drop_at = now + every

    def run(self) -> None:
        threads = [threading.Thread(target=self.change), threading.Thread(target=self.pace)]
        for number, target in enumerate(self.targets.values()):
            threads += [threading.Thread(target=self.read,
                                         args=(target, self.args.seed * 100 + number * 10 + one))
                        for one in range(READERS)]
        self.samples.start()
        for thread in threads:
            thread.start()
        self.ended.wait(self.args.minutes * 60)
        self.ended.set()
        for thread in threads:
            thread.join(120)
            if thread.is_alive():
                self.complain("a reader hangs")
        self.samples.end()
        for why in self.samples.failed[:3]:
            self.complain(why)

    # The end.

    def end(self) -> None:
        """No request is parked, every file is as in the mock server, and no process is left."""
        self.faults.clear()
        for name, target in self.targets.items():
            try:
                wait_until(lambda mount=target.mount: self.is_idle(mount), "it is idle",
                           3 * TIMEOUT)
                time.sleep(target.ttl)
                list_all(target)
                for _ in range(20):
                    self.read_at_the_end(target)
                target.mount.unmount()
            except (AssertionError, OSError, Wrong) as error:
                self.complain(f"{name}, at the end: {error}")
            if output := target.mount.close():
                self.complain(f"{name}: {output}")
        if not self.mock.stop():
            self.complain("the mock server did not exit with 0")
        if left := children():
            self.complain(f"processes are left: {left}")

    @staticmethod
    def read_at_the_end(target: Target) -> None:
        """Reads a job. If the listing has just found that it changed, the kernel's name for it is
        invalidated a moment later and it must be opened again (docs/SEMANTICS.md, 4)."""
        try:
            read_whole(target)
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            time.sleep(0.5)
            read_whole(target)

    @staticmethod
    def is_idle(mount: Mount) -> bool:
        known = stats(mount)
        return known["cache"]["waiting"] == 0 and known["requests"]["under_way"] == 0 \
            and not known["refreshes"]

    def judge(self) -> Report:
        warm_up = self.args.minutes * 60 * WARM_UP
        verdicts = {name: [judge(figure, points, warm_up) for figure, points in figures.items()]
                    for name, figures in self.samples.series.items()}
        for name, all_of in verdicts.items():
            for verdict in all_of:
                if not verdict.flat:
                    self.complain(f"{name}: {verdict.figure} is not flat: grows by "
                                  f"{verdict.growth:,.0f}, more than {verdict.limit:,.0f}")
        return Report(verdicts, warm_up)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="duration (20)")
    parser.add_argument("--load", type=float, default=0.5, help="processors to use (0.5)")
    parser.add_argument("--samples", type=Path, metavar="FILE", help="file for all samples (CSV)")
    args = parser.parse_args()
    args.seed = int(os.environ.get("GLADIAFS_SEED") or random.SystemRandom().getrandbits(24))
    if args.minutes < 1:
        parser.error("--minutes: at least 1, because a shorter run shows no slope")
    return args


def main() -> int:
    args = parse()
    isolate_mounts()
    print(f"seed {args.seed}, {args.minutes:g} minutes", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="gladiafs-soak."))
    soak = None
    try:
        soak = Soak(directory, args)
        begun, before = time.monotonic(), soak.samples.load()
        soak.run()
        load = (soak.samples.load() - before) / (time.monotonic() - begun)
        report = soak.judge()
        if args.samples:
            soak.samples.write(args.samples)
        locked_ms = sum(stats(target.mount)["cache"]["locked_ms"]
                        for target in soak.targets.values())
        soak.end()
        locked = soak.locked()
    finally:
        for target in soak.targets.values() if soak else ():
            target.mount.kill()
            target.mount.close()
        shutil.rmtree(directory, ignore_errors=True)
    report.print(load, soak.done, soak.errors, {**soak.history.changes,
                 "faulty periods": soak.faults.faulty_periods, "drop_caches": soak.drops,
                 "cache locked": locked, "ms waited for its lock": locked_ms})
    print("flat, and nothing is left" if not soak.wrong else f"{len(soak.wrong)} wrong")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
