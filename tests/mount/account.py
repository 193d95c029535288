# SPDX-License-Identifier: MIT
"""An account that changes while it is mounted, and the state that a mount must show."""

import os

from layout import pretty

UNFINISHED = ("queued", "processing")


class Account:
    """The expected contents of each job's file, by id, and random changes of the account."""

    def __init__(self, mock, draw, sizes=(1500, 30000)):
        self.mock = mock
        self.draw = draw
        self.sizes = sizes
        self.jobs = {}
        self.texts = {}
        self.reload()

    def reload(self):
        """Reads the jobs from the mock server; fetches only the texts of jobs that changed."""
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
        """Asserts that a mount shows all names, and the texts of the jobs in `sample`."""
        assert set(os.listdir(root / "all")) == self.names()
        for status in ("queued", "processing", "done", "error"):
            assert set(os.listdir(root / "status" / status)) == self.names(status)
        assert set(os.listdir(root / "date")) == self.days()
        for job_id in sample:
            path = root / "all" / f"{job_id}.json"
            assert path.stat().st_size == len(self.texts[job_id])
            assert path.read_bytes() == self.texts[job_id]
