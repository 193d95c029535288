# SPDX-License-Identifier: MIT
"""How long gladiafs keeps others waiting while it lists: statfs(2) again and again, which the
kernel never answers for it."""

import json
import subprocess
from collections.abc import Iterator

from account import ls_command
from contenders import Contenders
from results import Fact, progress
from rows import Rows
from world import Wrong

BOUNDS = 1, 2, 5, 10, 20
LIMIT = 20
ROUNDS = 3
NAP = 0.0005

# Its naps tell how late the machine is by itself: what they take longer than they should.
PROBE = f"""
import json, os, signal, sys, time
waits, naps, go = [], [], True
def stop(*_):
    global go
    go = False
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
clock = time.perf_counter
while go:
    start = clock()
    os.statvfs(sys.argv[1])
    end = clock()
    time.sleep({NAP})
    waits.append(end - start)
    naps.append(clock() - end - {NAP})
print(json.dumps([waits, naps]))
"""


def listing(of: Contenders, number: int) -> tuple[list[float], list[float]]:
    """A cold listing, watched: what the calls took and how late the naps ended, in ms."""
    with of.mounted() as mount:
        probe = subprocess.Popen(["python3", "-S", "-c", PROBE, mount.path], text=True,
                                 stdout=subprocess.PIPE)
        probe.stdout.readline()
        try:
            of.timed(mount, lambda path: ls_command(path, "-f"), of.check.names, number)
        finally:
            probe.terminate()
            out, _ = probe.communicate(timeout=30)
        waits, naps = json.loads(out)
    return [1000 * s for s in waits], [1000 * s for s in naps]


def histogram(values: list[float]) -> str:
    parts, below = [], 0.0
    for bound in (*BOUNDS, float("inf")):
        count = sum(below <= value < bound for value in values)
        name = f"< {bound}" if not below else f"> {below}" if bound > LIMIT else f"{below}-{bound}"
        parts.append(f"{name}: {count}")
        below = bound
    return ", ".join(parts)


def summary(values: list[float]) -> str:
    ordered = sorted(values)
    rank = ordered[min(len(ordered) - 1, int(0.999 * len(ordered)))]
    return f"{histogram(values)}; 99.9 %: {rank:.1f}, most {ordered[-1]:.1f}"


def waits(rows: Rows) -> Iterator[Fact]:
    for of in rows.of, rows.many:
        of.account.set_latency(rows.latencies[0])
        title = f"ms of statfs(2) while {of.account.jobs} jobs are listed"
        calls: list[float] = []
        naps: list[float] = []
        for number in range(min(ROUNDS, rows.rounds)):
            progress(f"{title}, round {number + 1}")
            waited, late = listing(of, number)
            calls += waited
            naps += late
        if not calls:
            raise Wrong("no call was made")
        yield Fact(title, summary(calls), f"≤ {LIMIT} ms", max(calls) <= LIMIT,
                   f"a nap, too late by {summary(naps)}")
