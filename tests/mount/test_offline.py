# SPDX-License-Identifier: MIT
"""SEMANTICS 7.5: with offline_ok, if the API cannot be reached, cached listings are shown and
mounting succeeds."""

import errno
import itertools
import os
import time

import pytest

from mock import Mock
from tools import Stopwatch, read, run, wait_until

# The most seconds a call may take if the API does not answer: it does not wait for an attempt.
SOON = 3
# README: seconds between two attempts to reach the API again.
RETRY = 10


class Line:
    """A mock server that can be disconnected, and that returns unchanged at the same address."""

    OPTIONS = ("--jobs", "120", "--days", "6", "--bytes", "1500:4000", "--errors", "20",
               "--unfinished", "4")

    def __init__(self, directory):
        self.directory = directory
        self.mock = Mock(directory, *self.OPTIONS)
        self.jobs = self.mock.jobs()
        self.bodies = {job["id"]: self.mock.body(job["id"]) for job in self.jobs[:8]}

    def cut(self):
        assert self.mock.stop()

    def restore(self):
        self.mock = Mock(self.directory, *self.OPTIONS, "--port", str(self.mock.port))

    def names(self, **where):
        return {job["id"] + ".json" for job in self.jobs
                if all(job[name] == value for name, value in where.items())}


@pytest.fixture
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("line"))
    yield made
    if made.mock.process.poll() is None:
        made.cut()


def shown(path):
    with Stopwatch() as watch:
        names = os.listdir(path)
    assert len(names) == len(set(names))
    assert watch.seconds < SOON
    return set(names)


def refusal(action, *words):
    with pytest.raises(OSError) as caught:
        action(*words)
    return caught.value.errno


def look_at_all(one):
    os.listdir(one.path / "all")


def days_of(names, jobs):
    return {job["created_at"][:10] for job in jobs if job["id"] + ".json" in names}


def assert_all_is_shown(line, one):
    everything = line.names()
    assert shown(one.path / "all") == everything
    for status in ("queued", "processing", "done", "error"):
        assert shown(one.path / "status" / status) == line.names(status=status)
    days = days_of(everything, line.jobs)
    assert shown(one.path / "date") == days
    assert set().union(*(shown(one.path / "date" / day) for day in days)) == everything


class TestWithoutNetwork:
    """SEMANTICS 7.5: a laptop without network can still grep the cached jobs."""

    def test_cached_listings(self, line, mount):
        """SEMANTICS 7.5.1"""
        one = mount(line.mock, "offline_ok", "ttl=0")
        look_at_all(one)
        line.cut()
        assert_all_is_shown(line, one)
        job = line.jobs[0]
        assert job["status"] in ("queued", "processing")
        assert (one.path / "all" / (job["id"] + ".json")).stat().st_size > 0
        found = run("grep", "-rl", '"id"', one.path / "all").splitlines()
        assert {os.path.basename(path) for path in found} == line.names()
        one.await_message("cannot reach the API")
        assert one.stderr.count("cannot reach the API") == 1, one.stderr

    def test_across_mounts(self, line, mount):
        """SEMANTICS 7.5.2: Mounting succeeds as well, with a warning."""
        one = mount(line.mock, "offline_ok")
        look_at_all(one)
        one.unmount()
        marked = line.mock
        line.cut()
        with Stopwatch() as watch:
            again = mount(Silent(marked), "offline_ok")
        assert watch.seconds < SOON
        again.await_message("cannot reach", "may be out of date")
        assert_all_is_shown(line, again)
        done = next(job for job in line.jobs if job["status"] == "done")
        assert done["id"].encode() in read(again.path / "all" / (done["id"] + ".json"))

    def test_complete_listings_only(self, line, mount):
        one = mount(line.mock, "offline_ok", "ttl=0", "timeout=2")
        with os.scandir(one.path / "all") as entries:
            assert len(list(itertools.islice(entries, 5))) == 5
        assert len(os.listdir(one.path / "status/error")) == len(line.names(status="error"))
        line.cut()
        assert shown(one.path / "status/error") == line.names(status="error")
        for path in ("all", "status/done", "date"):
            with Stopwatch() as watch:
                assert refusal(os.listdir, one.path / path) == errno.EHOSTUNREACH
        assert watch.seconds < SOON
        with Stopwatch() as watch:
            unknown = "all/6fa0c2de-93b7-4d15-8a41-5be6d7f8c901.json"
            assert refusal(os.stat, one.path / unknown) == errno.EHOSTUNREACH
        assert watch.seconds < SOON

    def test_back_again(self, line, mount):
        """SEMANTICS 7.5.3: Ten seconds after the last attempt, a listing tries the API in the
        background, and the next one shows the current jobs."""
        one = mount(line.mock, "offline_ok", "ttl=0")
        look_at_all(one)
        line.cut()
        assert shown(one.path / "all") == line.names()
        line.restore()
        new = line.mock.create(text="New.") + ".json"
        gone = line.jobs[-1]["id"]
        line.mock.delete(gone)
        assert new not in shown(one.path / "all")
        time.sleep(RETRY)
        assert new not in shown(one.path / "all")
        wait_until(lambda: "is reachable again" in one.stderr, "the API to be reached")
        assert shown(one.path / "all") == line.names() - {gone + ".json"} | {new}
        assert one.stderr.count("is reachable again") == 1

    def test_a_server_that_is_silent(self, line, mount):
        """Only one call waits for a server that does not answer."""
        one = mount(line.mock, "offline_ok", "ttl=0", "timeout=2")
        look_at_all(one)
        line.mock.fault("stall")
        assert shown(one.path / "all") == line.names()
        with Stopwatch() as watch:
            for _ in range(20):
                assert shown(one.path / "all") == line.names()
        assert watch.seconds < 1
        line.mock.clear_faults()

    def test_metadata(self, line, mount):
        """SEMANTICS 3.4: the metadata of known jobs is shown."""
        one = mount(line.mock, "offline_ok", "ttl=0", "timeout=2")
        look_at_all(one)
        keys = shown(one.path / "metadata")
        key = sorted(keys)[0]
        values = shown(one.path / "metadata" / key)
        found = {value: shown(one.path / "metadata" / key / value) for value in values}
        line.cut()
        assert shown(one.path / "metadata") == keys
        assert shown(one.path / "metadata" / key) == values
        assert {value: shown(one.path / "metadata" / key / value) for value in values} == found

    def test_rm(self, line, mount):
        """SEMANTICS 10.1: rm fails if the job cannot be deleted at the API."""
        one = mount(line.mock, "offline_ok", "allow_delete", "ttl=0", "timeout=2")
        look_at_all(one)
        line.cut()
        look_at_all(one)
        name = line.jobs[-1]["id"] + ".json"
        assert refusal(os.unlink, one.path / "all" / name) == errno.EHOSTUNREACH
        assert name in shown(one.path / "all")


class Silent:
    """Replaces a stopped mock server in a mount; its request log is empty."""

    def __init__(self, mock):
        self.url = mock.url
        self.key = mock.key

    @staticmethod
    def log():
        return []


class TestErrorsStayErrors:
    """SEMANTICS 7.5, 11.1: an API that answers with an error is reachable."""

    @pytest.mark.parametrize("status, error", [(401, errno.EACCES), (429, errno.EBUSY),
                                               (500, errno.EIO)])
    def test_answers(self, line, mount, status, error):
        one = mount(line.mock, "offline_ok", "ttl=0", "timeout=1")
        look_at_all(one)
        line.mock.fault("status", status=status)
        assert refusal(os.listdir, one.path / "all") == error
        assert "cannot reach the API" not in one.stderr

    def test_a_wrong_key_does_not_mount(self, line, place, program):
        place.write_key("another-key")
        code, _, err = program("-f", "-o", place.options("offline_ok"), line.mock.url,
                               place.new_directory())
        assert code == 32 and "401" in err

    def test_without_the_option(self, line, mount, place, program):
        one = mount(line.mock, "ttl=0", "timeout=1")
        look_at_all(one)
        line.cut()
        assert refusal(os.listdir, one.path / "all") == errno.EHOSTUNREACH
        code, _, err = program("-f", "-o", place.options("timeout=1"), line.mock.url,
                               place.new_directory())
        assert code == 32 and "no connection" in err
