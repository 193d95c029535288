# SPDX-License-Identifier: MIT
"""How long gladiafs keeps others waiting while it lists: statfs(2) again and again, which the
kernel never answers for it."""

import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise

from account import ls_command
from contenders import Contenders
from results import Table, progress, verdict
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


def line(what: str, values: list[float], goal: str = "") -> list[str]:
    """A histogram: how many there are of each length."""
    edges = [0, *BOUNDS, float("inf")]
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, int(0.999 * len(ordered)))]
    return [what, str(len(values)),
            *(str(sum(low <= value < high for value in values)) for low, high in pairwise(edges)),
            f"{late:.1f}", f"{ordered[-1]:.1f}", goal]


def waits(rows: Rows) -> Iterator[Table]:
    names = [f"< {BOUNDS[0]}", *(f"{low}-{high}" for low, high in pairwise(BOUNDS)),
             f"> {BOUNDS[-1]}"]
    table = Table(["how many took so many ms", "all", *names, "99.9 %", "most", "goal"], [], [
        f"statfs(2) is answered by gladiafs each time. A nap is {1000 * NAP:g} ms of sleep, "
        "between two of them, less what it should take: what the machine adds by itself. Cold ls -f, "
        f"{min(ROUNDS, rows.rounds)} rounds, requests with {rows.latencies[0]} ms of latency."])
    for of in rows.of, rows.many:
        of.account.set_latency(rows.latencies[0])
        calls: list[float] = []
        naps: list[float] = []
        for number in range(min(ROUNDS, rows.rounds)):
            progress(f"waits while {of.account.jobs} jobs are listed, round {number + 1}")
            waited, late = listing(of, number)
            calls += waited
            naps += late
        if not calls:
            raise Wrong("no call was made")
        what = f"statfs while {of.account.jobs} jobs of {of.account.size} bytes are listed"
        table.lines += [line(what, calls, verdict([(f"≤ {LIMIT} ms", max(calls) <= LIMIT)])),
                        line("naps meanwhile, too late by", naps)]
    progress("")
    yield table
