# SPDX-License-Identifier: MIT
"""The history of the account: every version of every job, and the changes that are made without
the mounts' knowledge."""

import random
import threading
import time
from dataclasses import dataclass, field

from layout import pretty
from mock import Mock

# Bytes of an unfinished job, and of a finished one.
UNFINISHED = 2000
FINISHED = (2000, 60000)
# Seconds for which texts of deleted jobs are kept, for readers that had them open.
KEPT_S = 60
NEVER = float("inf")


@dataclass
class Job:
    """The history of one job, in monotonic times. The job certainly exists from `created` to
    `deleting`, and certainly not after `deleted`. A version is a text and the time at which another
    one replaced it."""

    status: str
    created: float = 0
    deleting: float = NEVER
    deleted: float = NEVER
    versions: list[tuple[bytes, float]] = field(default_factory=list)


class History:
    """The history of one mock server's account. Queries wait for a change that is in progress, so
    that its result is known."""

    def __init__(self, mock: Mock, seed: int):
        self.mock = mock
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.changes: dict[str, int] = {}
        jobs = mock.jobs()
        self.known = {job["id"]: Job(job["status"]) for job in jobs}
        self.days = sorted({job["created_at"][:10] for job in jobs})
        self.size = len(self.known)

    # Queries.

    def versions(self, name: str, since: float = 0) -> list[bytes]:
        """Returns the texts that a job's file may have had at `since` or later. Each is fetched
        once, because a version does not change. Empty if the job was deleted long ago."""
        with self.lock:
            job = self.known[name]
            if not job.versions and job.deleting == NEVER:
                job.versions = [(pretty(self.mock.body(name).decode()), NEVER)]
            return [text for text, until in job.versions if until >= since]

    def some(self, chance: random.Random, count: int, *status: str) -> list[str]:
        with self.lock:
            names = [name for name, job in self.known.items() if job.deleting == NEVER
                     and (not status or job.status in status)]
            return chance.sample(names, min(count, len(names)))

    def must_show(self, since: float, until: float) -> set[str]:
        """Returns the jobs that existed from `since` to `until`."""
        with self.lock:
            return {name for name, job in self.known.items()
                    if job.created <= since and job.deleting >= until}

    def may_show(self, since: float) -> set[str]:
        """Returns the jobs that were not deleted before `since`."""
        with self.lock:
            return {name for name, job in self.known.items() if job.deleted >= since}

    def is_deleting(self, name: str) -> bool:
        with self.lock:
            return self.known[name].deleting != NEVER

    # Changes.

    def change(self) -> None:
        """Creates, finishes or deletes a job. The number of jobs stays about the same."""
        with self.lock:
            draw = self.random.random()
            living = len(self.must_show(NEVER, NEVER))
            if living < 0.95 * self.size:
                self.create(10)
            elif draw < 0.4 and living < 1.05 * self.size:
                self.create(1)
            elif draw < 0.6:
                self.finish()
            else:
                self.delete()
            for job in self.known.values():
                if job.deleted < time.monotonic() - KEPT_S:
                    job.versions = []

    def create(self, count: int) -> None:
        status = self.random.choice(["queued", "processing", "done", "error"])
        unfinished = status in ("queued", "processing")
        what = {"status": status, "count": count,
                "bytes": UNFINISHED if unfinished else self.random.randint(*FINISHED),
                "custom_metadata": {"team": self.random.choice("abc"), "round": 1}}
        for name in self.mock.control("POST", "jobs", what)["ids"]:
            self.known[name] = Job(status, time.monotonic())
        self.count("created", count)

    def finish(self) -> None:
        for name in self.some(self.random, 1, "queued", "processing"):
            job = self.known[name]
            self.versions(name)
            status = self.random.choice(["done", "done", "error"])
            self.mock.change(name, status=status, bytes=self.random.randint(*FINISHED))
            job.versions = [(text, min(until, time.monotonic()))
                            for text, until in job.versions]
            job.versions.append((pretty(self.mock.body(name).decode()), NEVER))
            job.status = status
            self.count("finished", 1)

    def delete(self) -> None:
        for name in self.some(self.random, 1, "done", "error"):
            self.record_deleting(name)
            self.mock.delete(name)
            self.record_deleted(name, "deleted")

    def record_deleting(self, name: str) -> None:
        """Records that the job may disappear at any time from now on."""
        self.versions(name)
        self.known[name].deleting = time.monotonic()

    def record_deleted(self, name: str, how: str) -> None:
        with self.lock:
            self.known[name].deleted = time.monotonic()
            self.count(how, 1)

    def count(self, what: str, number: int) -> None:
        self.changes[what] = self.changes.get(what, 0) + number
