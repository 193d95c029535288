# SPDX-License-Identifier: MIT
"""An account that changes behind a mount's back, and what a mount has to show of it."""

import os

from layout import pretty

UNFINISHED = ("queued", "processing")


class Account:
    """The truth: each job's file as it has to be, by id; and random changes of it."""

    def __init__(self, mock, draw, sizes=(1500, 30000)):
        self.mock = mock
        self.draw = draw
        self.sizes = sizes
        self.jobs = {}
        self.texts = {}
        self.reload()

    def reload(self):
        """What the stand-in says now; texts that were not changed are not asked for again."""
        before = self.jobs
        self.jobs = {job["id"]: job for job in self.mock.jobs()}
        self.texts = {job_id: self.texts[job_id] if job == before.get(job_id)
                      else pretty(self.mock.body(job_id))
                      for job_id, job in self.jobs.items()}

    def ids(self, *statuses):
        return [job_id for job_id, job in self.jobs.items()
                if not statuses or job["status"] in statuses]

    def names(self, *statuses):
        return {job_id + ".json" for job_id in self.ids(*statuses)}

    def days(self):
        return {job["created_at"][:10] for job in self.jobs.values()}

    def create(self):
        status = self.draw.choice(["queued", "processing", "done", "done", "error"])
        self.mock.create(status=status, bytes=self.draw.randint(*self.sizes),
                            seed=self.draw.randint(1, 1 << 30),
                            custom_metadata={"team": self.draw.choice(["red", "blue"])})

    def finish(self):
        if waiting := self.ids(*UNFINISHED):
            self.mock.change(self.draw.choice(waiting),
                                status=self.draw.choice(["done", "error"]))

    def delete(self):
        if there := self.ids():
            self.mock.delete(self.draw.choice(there))

    def change(self, times=1):
        """Creates, finishes and deletes jobs, at random."""
        for _ in range(times):
            self.draw.choice([self.create, self.finish, self.delete])()
            self.reload()

    def assert_shown(self, root, sample):
        """A mount shows the account as it is: names everywhere, and some of the texts."""
        assert set(os.listdir(root / "all")) == self.names()
        for status in ("queued", "processing", "done", "error"):
            assert set(os.listdir(root / "status" / status)) == self.names(status)
        assert set(os.listdir(root / "date")) == self.days()
        for job_id in sample:
            path = root / "all" / f"{job_id}.json"
            assert path.stat().st_size == len(self.texts[job_id])
            assert path.read_bytes() == self.texts[job_id]
