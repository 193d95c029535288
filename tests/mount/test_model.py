# SPDX-License-Identifier: MIT
"""SEMANTICS 3.5, 3.7, 4.1, 6.1, 6.3, 6.4, 7.1, 7.4: a mount and a dictionary go through the same random
operations, and the mount must always show the contents of the dictionary.

The operations are: list completely and in part, seek, look up, read anywhere, refresh, remount.
Meanwhile jobs are created, finished and deleted, and requests fail. If a request fails, an error is
right, too; a wrong answer never is. GLADIAFS_SEED=N draws other operations.
"""

import errno
import fcntl
import json
import os
import random
import uuid

import pytest

from account import Account
from chance import LONG, SHORT, draws
from directory import Directory
from tools import wait_until

OPERATIONS = 600 if SHORT else 2000
PARTS = 50 if LONG else 1
REFRESH = ord("G") << 8 | 1  # _IO('G', 1)

BY_METADATA = "metadata/team/red"

DIRECTORIES = {
    "all": lambda job: True,
    "status/done": lambda job: job["status"] == "done",
    "status/error": lambda job: job["status"] == "error",
    "status/queued,processing": lambda job: job["status"] in ("queued", "processing"),
    "after/2026-04-20": lambda job: job["created_at"] >= "2026-04-20",
    "before/2026-04-20/status/done":
        lambda job: job["created_at"] < "2026-04-20" and job["status"] == "done",
    BY_METADATA: lambda job: (job["custom_metadata"] or {}).get("team") == "red",
}

FAULTS = [("status", {"status": 500}), ("status", {"status": 403}),
          ("status", {"status": 400}), ("status", {"status": 422}), ("reset", {}),
          ("truncate", {}), ("html", {}), ("bad_json", {}), ("empty", {})]
FAILURES = {errno.EACCES, errno.EIO, errno.EINVAL, errno.ETIMEDOUT, errno.EHOSTUNREACH}


def read_all(fd, count, at):
    """Like pread(2), but continues after a short count, which pread(2) returns before an error."""
    got = b""
    while len(got) < count and (more := os.pread(fd, count - len(got), at + len(got))):
        got += more
    return got


class Open:
    """An open directory, with the names it must have returned at the end and those it may
    return."""

    def __init__(self, path, where, names):
        self.directory = Directory(path)
        self.where = where
        self.must = set(names)
        self.may = set(names)
        self.emitted = []
        self.positions = [(0, self.directory.tell())]

    def know(self, names):
        """Records the current names: a job created or deleted since the open may be shown or
        not."""
        self.must &= names
        self.may |= names

    def go_on(self, count):
        """Reads some more names. Returns True at the end."""
        for _ in range(count):
            name = self.directory.next()
            if name is None:
                assert self.must <= set(self.emitted) <= self.may, (
                    self.where, self.must - set(self.emitted), set(self.emitted) - self.may)
                return True
            assert name not in self.emitted and name in self.may, (self.where, name)
            self.emitted.append(name)
            self.positions.append((len(self.emitted), self.directory.tell()))
        return False

    def seek_back(self, draw):
        """SEMANTICS 6.4: reading from an earlier position returns the same names again."""
        index, position = draw.choice(self.positions)
        self.directory.seek(position)
        for name in self.emitted[index:]:
            assert self.directory.next() == name, (self.where, "after seekdir")

    def close(self):
        with self.directory:
            pass


class Model:
    """The mount, the account, and the operations on both."""

    def __init__(self, new_mount, mock, draw):
        self.new_mount = new_mount
        self.mock = mock
        self.draw = draw
        self.account = Account(mock, draw, (500, 30000))
        self.mount = None
        self.open = []
        self.operations = self.OPERATIONS
        self.deleted = {}  # texts of deleted jobs that the mount may still show
        self.faulty = False
        self.remount()

    def names(self, where):
        return {job_id + ".json" for job_id, job in self.account.jobs.items()
                if DIRECTORIES[where](job)}

    def path(self, where, *more):
        return self.mount.path.joinpath(where, *more)

    # Operations that only read.

    def list(self):
        where = self.draw.choice(list(DIRECTORIES))
        begun = set(self.deleted)
        shown = os.listdir(self.path(where))
        assert len(shown) == len(set(shown)) and set(shown) == self.names(where), (
            where, set(shown) ^ self.names(where))
        if where == "all":
            for job_id in begun:
                wait_until(lambda name=job_id: not self.path("all", name + ".json").exists(),
                           "the deleted job disappears", 5)
                del self.deleted[job_id]

    def list_days(self):
        assert os.listdir(self.path("date")) == sorted(self.account.days(), reverse=True)

    def list_partly(self):
        where = self.draw.choice(list(DIRECTORIES))
        if len(self.open) < 4:
            self.open.append(Open(self.path(where), where, self.names(where)))
        one = self.draw.choice(self.open)
        if one.go_on(self.draw.choice([1, 5, 30, 1000])):
            self.open.remove(one)
            one.close()

    def seek(self):
        if self.open:
            self.draw.choice(self.open).seek_back(self.draw)

    def stat(self):
        job_id = self.draw.choice(self.account.ids())
        where = self.draw.choice(list(DIRECTORIES))
        name = job_id + ".json"
        if name in self.names(where):
            assert self.path(where, name).stat().st_size == len(self.account.texts[job_id])
        else:
            with pytest.raises(FileNotFoundError):
                self.path(where, name).stat()

    def stat_unknown(self):
        job_id = self.draw.choice([*self.deleted, str(uuid.UUID(int=self.draw.getrandbits(128)))])
        try:
            size = self.path("all", job_id + ".json").stat().st_size
        except FileNotFoundError:
            return
        assert size in {len(text) for text in self.deleted[job_id]}

    def read(self):
        job_id = self.draw.choice(self.account.ids())
        text = self.account.texts[job_id]
        fd = os.open(self.path("all", job_id + ".json"), os.O_RDONLY)
        try:
            for _ in range(3):
                at, count = self.draw.randint(0, len(text) + 10), self.draw.randint(1, 9000)
                assert read_all(fd, count, at) == text[at:at + count], (job_id, at, count)
        finally:
            os.close(fd)

    def stem(self, job_id):
        """SEMANTICS 3.7: the name of a job's files in text/, without the format."""
        recording = json.loads(self.account.texts[job_id])["file"]["filename"]
        return f"{os.path.splitext(recording)[0]}~{job_id[:13]}"

    def view(self):
        """SEMANTICS 3.7: text/ shows the done jobs, and NAME.txt leads to the newest one."""
        done = self.account.ids("done")
        shown = [name for name in os.listdir(self.path("text")) if name.count(".") == 1]
        assert len(shown) == len(set(shown)) and set(shown) == {
            self.stem(job_id) + ".txt" for job_id in done}
        if not done:
            return
        job_id = self.draw.choice(done)
        stem = self.stem(job_id)
        assert self.path("text", stem + ".txt").read_bytes() == (
            self.path("all", job_id + ".txt").read_bytes())
        name = stem.rsplit("~", 1)[0]
        newest = max((one for one in done if self.stem(one).startswith(name + "~")),
                     key=lambda one: self.account.jobs[one]["created_at"])
        assert os.readlink(self.path("text", name + ".txt")) == self.stem(newest) + ".txt"

    # Operations that change something.

    def refresh(self):
        fd = os.open(self.path(self.draw.choice(["", *DIRECTORIES])), os.O_RDONLY)
        try:
            fcntl.ioctl(fd, REFRESH)
        finally:
            os.close(fd)

    def remount(self):
        for one in self.open:
            one.close()
        self.open.clear()
        if self.faulty:
            self.clear_faults()  # otherwise the key cannot be checked
        if self.mount:
            self.mount.unmount()
        size = self.draw.choice(["cache_size=1G", "cache_size=1M"])
        self.mount = self.new_mount(self.mock, "ttl=0", "timeout=3", "page_size=20", size,
                                    path=self.mount.path if self.mount else None)

    def change(self):
        before = dict(self.account.texts)
        self.account.change()
        for job_id, text in before.items():
            if job_id not in self.account.jobs:
                self.deleted[job_id] = {text}
        for one in self.open:
            one.know(self.names(one.where))

    def fail(self):
        """Makes some of the next list requests or job fetches fail."""
        kind, fields = self.draw.choice(FAULTS)
        times = self.draw.choice([1, 1, 2, 5])
        self.draw.choice([self.mock.fault_lists, self.mock.fault_jobs])(
            kind, times=times, skip=self.draw.randint(0, 2), **fields)
        self.faulty = True

    def clear_faults(self):
        self.mock.clear_faults()
        self.faulty = False

    OPERATIONS = [(list, 12), (list_days, 3), (list_partly, 14), (seek, 8), (stat, 22),
                  (stat_unknown, 4), (read, 22), (refresh, 2), (change, 10), (fail, 0.3),
                  (clear_faults, 2), (remount, 0.3)]
    WITH_VIEWS = [*OPERATIONS, (view, 5)]

    def step(self):
        operations, weights = zip(*self.operations)
        (operation,) = self.draw.choices(operations, weights)
        try:
            getattr(self, operation.__name__)()
        except FileNotFoundError as error:
            # A value of metadata/ is a directory only while a job has it.
            assert BY_METADATA in error.filename and not self.names(BY_METADATA), error
        except OSError as error:
            assert self.faulty and error.errno in FAILURES, (operation.__name__, error)
        return operation.__name__


def run(model, count):
    for number in range(count):
        try:
            model.step()
        except AssertionError:
            print(f"in operation {number}; stderr: {model.mount.stderr[-2000:]}")
            raise
    for one in model.open:
        one.close()


def account(new_mock, part):
    return new_mock("--jobs", "90", "--bytes", "500:120000", "--unfinished", "6",
                       "--errors", "20", "--seed", str(part + 1))


@pytest.mark.parametrize("part", range(PARTS))
def test_model(part, new_mock, mount):
    model = Model(mount, account(new_mock, part), draws(f"model {part}"))
    model.operations = Model.WITH_VIEWS
    run(model, OPERATIONS)
    model.mount.unmount()


def test_new_jobs_after_emitted_ones(new_mock, mount):
    """SEMANTICS 7.2: a listing whose head was emitted before new jobs were created was wrongly
    considered ordered; these random numbers found that."""
    model = Model(mount, account(new_mock, 19), random.Random("20261128 model 19"))
    run(model, OPERATIONS)
    model.mount.unmount()


@pytest.mark.parametrize("damage", [
    lambda model: model.mock.fault_lists("drop_item", index=1),
    lambda model: model.account.texts.update(
        {job_id: text[:-2] + b" \n" for job_id, text in model.account.texts.items()}),
    lambda model: model.account.jobs.pop(model.account.ids("done")[0]),
], ids=["item", "text", "job"])
def test_would_fail(new_mock, mount, damage):
    """Mutation test: a page that lacks a job, and texts and jobs in the model that are not the
    account's, are detected."""
    model = Model(mount, account(new_mock, 0), draws("control"))
    damage(model)
    model.change = model.remount = lambda: None
    with pytest.raises(AssertionError):
        run(model, 300)
    for one in model.open:
        one.close()
