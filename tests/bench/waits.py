# SPDX-License-Identifier: MIT
"""How long other calls wait during a listing: another process calls statfs(2) all the time, which
the kernel always passes on to gladiafs."""

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
SLEEP = 0.0005

# The program that calls statfs(2). It sleeps between the calls and measures how much too long each
# sleep takes: that much of a wait is caused by the machine.
PROBE = f"""
import json, os, signal, sys, time
waits, delays, go = [], [], True
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
    time.sleep({SLEEP})
    waits.append(end - start)
    delays.append(clock() - end - {SLEEP})
print(json.dumps([waits, delays]))
"""


def listing(contenders: Contenders, number: int) -> tuple[list[float], list[float]]:
    """Measures a cold listing. Returns the times of the calls and the delays of the sleeps, in
    ms."""
    with contenders.mounted() as mount:
        probe = subprocess.Popen(["python3", "-S", "-c", PROBE, mount.path], text=True,
                                 stdout=subprocess.PIPE)
        probe.stdout.readline()
        try:
            contenders.timed(mount, lambda path: ls_command(path, "-f"), contenders.check.names,
                             number)
        finally:
            probe.terminate()
            out, _ = probe.communicate(timeout=30)
        waits, delays = json.loads(out)
    return [1000 * s for s in waits], [1000 * s for s in delays]


def line(what: str, values: list[float], goal: str = "") -> list[str]:
    """Returns a line of the table: a histogram of the values, and their maximum."""
    edges = [0, *BOUNDS, float("inf")]
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, int(0.999 * len(ordered)))]
    return [what, str(len(values)),
            *(str(sum(low <= value < high for value in values)) for low, high in pairwise(edges)),
            f"{late:.1f}", f"{ordered[-1]:.1f}", goal]


def waits(rows: Rows) -> Iterator[Table]:
    names = [f"< {BOUNDS[0]}", *(f"{low}-{high}" for low, high in pairwise(BOUNDS)),
             f"> {BOUNDS[-1]}"]
    table = Table(["calls by duration in ms", "all", *names, "99.9 %", "most", "goal"], [], [
        f"gladiafs answers each statfs(2). Between calls the process sleeps {1000 * SLEEP:g} ms; "
        "how late it wakes up shows the delay that the machine adds. Cold ls -f, "
        f"{min(ROUNDS, rows.rounds)} rounds, latency {rows.latencies[0]} ms."])
    for contenders in rows.contenders, rows.many:
        contenders.account.set_latency(rows.latencies[0])
        calls: list[float] = []
        delays: list[float] = []
        for number in range(min(ROUNDS, rows.rounds)):
            progress(f"waits while {contenders.account.jobs} jobs are listed, round {number + 1}")
            waited, late = listing(contenders, number)
            calls += waited
            delays += late
        if not calls:
            raise Wrong("no call was made")
        account = contenders.account
        what = f"statfs while {account.jobs} jobs of {account.size} bytes are listed"
        table.lines += [line(what, calls, verdict([(f"≤ {LIMIT} ms", max(calls) <= LIMIT)])),
                        line("delay of wake-ups meanwhile", delays)]
    progress("")
    yield table
