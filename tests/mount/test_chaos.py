# SPDX-License-Identifier: MIT
"""SEMANTICS 6.1, 6.3, 4.3, 11.1: one request in ten fails in some way, while eight threads read,
list and look up. A call may fail with an errno; if it succeeds, every byte and name is right."""

import collections
import errno
import http.client
import os
import random
import threading
import time

import pytest

from layout import pretty
from mock import JOBS, LISTS
from tools import PATIENCE, names_of, read, wait_until

# 20,000 operations take half a minute: only scripts/test --nightly runs that many.
READERS = 8
JOBS_THERE = 600
FAILING = 0.1
LONG = bool(os.environ.get("GLADIAFS_TEST_LONG"))
OPERATIONS = 20000 if LONG else 6000 if PATIENCE == 1 else 800
SEED = int(os.environ.get("GLADIAFS_TEST_SEED") or time.time_ns() % 1000000)
TIMEOUT = max(1, round(PATIENCE * 2 / 3))
ERRNOS = {errno.EIO, errno.ETIMEDOUT, errno.EBUSY, errno.EHOSTUNREACH}

# How requests fail, with weights. Stalls are rare, because each of them blocks a reader for all
# of `timeout`.
WAYS = [
    (20, {"kind": "reset"}), (10, {"kind": "reset_after", "bytes": 900}),
    (9, {"kind": "status", "status": 500}), (8, {"kind": "status", "status": 502}),
    (6, {"kind": "status", "status": 504}), (5, {"kind": "status", "status": 408}),
    (1, {"kind": "status", "status": 429}), (1, {"kind": "status", "status": 503}),
    (8, {"kind": "truncate"}), (8, {"kind": "truncate", "declare": "chunked"}),
    (6, {"kind": "truncate_valid"}), (6, {"kind": "html"}), (4, {"kind": "bad_gzip"}),
    (3, {"kind": "wrong_length", "delta": -10}), (2, {"kind": "empty"}),
    (1, {"kind": "wrong_length", "delta": 10}), (1, {"kind": "stall_after", "bytes": 50}),
    (1, {"kind": "stall"}),
]


def plant(mock, ways):
    """Sets the faults. The first rule that strikes wins, so the probability of each rule is
    relative to the requests that the rules before it left."""
    left = 1.0
    for weight, do in ways:
        share = FAILING * weight / sum(weight for weight, _ in ways)
        mock.control("POST", "faults", {"match": {"path_contains": LISTS}, "times": -1,
                                           "probability": share / left, "do": do})
        left -= share


def texts(mock, jobs):
    """Returns the expected file contents by id, fetched over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=30)
    found = {}
    for job in jobs:
        connection.request("GET", "/_mock/jobs/" + job["id"])
        found[job["id"]] = pretty(connection.getresponse().read())
    connection.close()
    return found


class Chaos:
    """Runs readers of a mount and compares their results with the account."""

    def __init__(self, mock, one):
        self.mock = mock
        self.root = one.path
        self.jobs = mock.jobs()
        self.texts = texts(mock, self.jobs)
        self.directories = self.expected()
        self.counts = collections.Counter()
        self.wrong = []
        self.lock = threading.Lock()

    def expected(self):
        """Returns the expected names of each directory."""
        found = {"all": names_of(self.jobs)}
        for status in ("done", "error"):
            found["status/" + status] = names_of(
                job for job in self.jobs if job["status"] == status)
        for day in sorted({job["created_at"][:10] for job in self.jobs}):
            found["date/" + day] = names_of(
                job for job in self.jobs if job["created_at"][:10] == day)
        found["date"] = {name[5:] for name in found if name.startswith("date/")}
        return found

    def list(self, chance):
        path = chance.choice(list(self.directories))
        # List large directories less often.
        if path in ("all", "status/done") and chance.random() < 0.8:
            path = "date"
        expected = self.directories[path]
        seen = []
        whole = False
        try:
            with os.scandir(self.root / path) as entries:
                for entry in entries:
                    seen.append(entry.name)
            whole = True
        finally:
            self.judge("doubled", len(seen) - len(set(seen)), path)
            self.judge("foreign", len(set(seen) - expected), path)
            if whole:
                self.judge("missing", len(expected - set(seen)), path)

    def read(self, chance):
        job = chance.choice(self.jobs)["id"]
        got = read(self.root / "all" / (job + ".json"))
        self.judge("bytes", got != self.texts[job], job)

    def stat(self, chance):
        job = chance.choice(self.jobs)
        path = self.root / "status" / job["status"] / (job["id"] + ".json")
        self.judge("size", path.stat().st_size != len(self.texts[job["id"]]), path)

    def use_invalid_names(self, chance):
        """Looks up a job that does not exist."""
        name = f"{chance.getrandbits(32):08x}-0000-4000-8000-000000000000.json"
        try:
            (self.root / "all" / name).stat()
        except FileNotFoundError:
            return
        self.judge("foreign", 1, name)

    def judge(self, what, count, where):
        if count:
            with self.lock:
                self.counts[what] += count
                self.wrong.append(f"{what}: {count} ({where})")

    def reader(self, number, operations):
        chance = random.Random(SEED * READERS + number)
        ways = [self.list, self.read, self.stat, self.use_invalid_names]
        for way in chance.choices(ways, [10, 40, 45, 5], k=operations):
            began = time.monotonic()
            failed = None
            try:
                way(chance)
            except OSError as error:
                failed = error.errno
            except Exception as error:  # a reader that ends unnoticed would prove nothing
                self.judge("readers", 1, repr(error))
                return
            with self.lock:
                self.counts["operations"] += 1
                self.counts["failed"] += failed is not None
                self.slowest = max(getattr(self, "slowest", 0), time.monotonic() - began)
            if failed is not None:
                self.judge("errno", failed not in ERRNOS, f"{way.__name__}: {failed}")

    def run(self, operations):
        readers = [threading.Thread(target=self.reader, args=(number, operations // READERS))
                   for number in range(READERS)]
        for one in readers:
            one.start()
        for one in readers:
            one.join()
        return self

    def report(self):
        hits = sum(rule["hits"] for rule in self.mock.control("GET", "faults"))
        stats = self.mock.stats()
        return (f"seed {SEED}: {self.counts['operations']} operations, "
                f"{self.counts['failed']} failed; {stats['requests']} requests, {hits} of them "
                f"struck; slowest {self.slowest:.2f} s; {self.wrong[:20]}")


@pytest.fixture
def chaos(new_mock, mount):
    """An account whose listings contain only summaries, so that each text is fetched."""
    large = new_mock("--jobs", str(JOBS_THERE), "--days", "40", "--bytes", "1500:6000",
                        "--errors", "20", "--unfinished", "0", "--seed", str(SEED),
                        "--mode", "items=summary", "--mode", "retry_after=absent")
    return Chaos(large, mount(large, "ttl=0", f"timeout={TIMEOUT}", "page_size=100"))


def test_chaos(chaos, capsys):
    """With random faults, no byte is wrong and no name is missing."""
    plant(chaos.mock, WAYS)
    chaos.run(OPERATIONS)
    with capsys.disabled():
        print("\n" + chaos.report())
    assert not chaos.wrong, chaos.report()
    assert chaos.counts["operations"] == OPERATIONS // READERS * READERS
    # Retries hide most of the faults.
    assert chaos.counts["failed"] < OPERATIONS / 2, chaos.report()
    chaos.mock.clear_faults()
    wait_until(lambda: settled(chaos.root / "all") == chaos.directories["all"],
               "it is whole again", 12 * PATIENCE)


def settled(path):
    try:
        return set(os.listdir(path))
    except OSError:
        return None


@pytest.mark.parametrize("what, do", [
    ("missing", {"kind": "drop_item", "index": 3}),
    ("bytes", {"kind": "page"})])
def test_control(chaos, what, do):
    """Mutation test: Chaos reports wrong responses of the API that a mount cannot detect."""
    if what == "missing":
        match = {"path": LISTS}
    else:
        job = chaos.jobs[0]["id"]
        do["page"] = chaos.mock.body(job).decode().replace('"whole', '"hole', 1)
        do["page"] = do["page"].replace('"version":2', '"version":3', 1)
        assert do["page"].encode() != chaos.mock.body(job)
        chaos.jobs = chaos.jobs[:1]
        match = {"path": JOBS + job}
    chaos.mock.fault(match=match, **do)
    chaos.run(400)
    assert chaos.counts[what] > 0, chaos.report()
    assert any(text.startswith(what) for text in chaos.wrong)
