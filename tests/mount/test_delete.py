# SPDX-License-Identifier: MIT
"""SEMANTICS 10.1: rm deletes jobs with allow_delete, and never without it; SEMANTICS 5.3 holds
for all other writes."""

import contextlib
import errno
import json
import os
import signal
import sqlite3
import subprocess

import pytest

from mounting import needs_root
from test_attributes import TestReadOnly
from tools import AT_ONCE, names_of, read, run, wait_until


def deletions(mock):
    return [request.method for request in mock.log()].count("DELETE")


def ids(mock, **where):
    return {job["id"] for job in mock.jobs(**where)}


def failure(action, *words):
    """Returns the errno that a call fails with, or None."""
    try:
        action(*words)
    except OSError as error:
        return error.errno
    return None


def fails(*command):
    """Runs a tool that must fail with exit code 1. Returns its stderr."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 1, (done.returncode, done.stderr)
    return done.stderr


class TestRemoving:
    """SEMANTICS 10.1"""

    def test_rm(self, account, mount):
        """SEMANTICS 10.1.1"""
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="done")[0]["id"]
        others = ids(account) - {job_id}
        path = one.path / "status/done" / (job_id + ".json")
        assert path.name in os.listdir(one.path / "all")
        assert path.name in os.listdir(path.parent)
        one.mark()
        run("rm", path)
        assert [(request.method, request.path, request.status) for request in one.requests()
                ] == [("DELETE", "/v2/pre-recorded/" + job_id, 202)]
        assert ids(account) == others
        for name in ("all", "status/done"):
            assert path.name not in os.listdir(one.path / name)
            assert failure(os.stat, one.path / name / path.name) == errno.ENOENT
        assert set(os.listdir(one.path / "all")) == {name + ".json" for name in others}

    def test_each_is_logged_and_counted(self, account, mount):
        """SEMANTICS 10.1.4: each deletion is logged with its caller and the status of the API, and
        counted."""
        one = mount(account, "allow_delete")
        done, other = (job["id"] for job in account.jobs(status="done")[:2])
        (waits, *_) = (job["id"] for job in account.jobs(status="queued"))
        os.listdir(one.path / "all")
        account.delete(other)
        assert failure(os.unlink, one.path / "all" / (done + ".json")) is None
        assert failure(os.unlink, one.path / "all" / (other + ".json")) == errno.ENOENT
        assert failure(os.unlink, one.path / "all" / (waits + ".json")) == errno.EBUSY
        caller = f"for uid {os.getuid()}, pid {os.getpid()}"
        one.await_message(f"job {waits} was not deleted")
        lines = [line for line in one.stderr.splitlines() if caller in line]
        assert lines[0] == f"gladiafs: deleted job {done} {caller} (HTTP 202)"
        assert other in lines[1] and lines[1].endswith("was already deleted (HTTP 404)")
        assert f"job {waits} was not deleted {caller}: " in lines[2] and "403" in lines[2]
        assert len(lines) == 3
        assert json.loads(read(one.path / ".gladiafs/stats"))["deletes"] == {
            "done": 1, "not_found": 1, "failed": 1, "under_way": 0}
        # A successful deletion is no error.
        assert done not in read(one.path / ".gladiafs/errors").decode()

    def test_find_delete(self, account, mount):
        """`find -delete`, as in the README, deletes the failed jobs and no others."""
        one = mount(account, "allow_delete")
        rest = ids(account) - ids(account, status="error")
        run("find", one.path / "status/error", "-type", "f", "-mtime", "+30", "-delete")
        assert ids(account, status="error") == set()
        assert ids(account) == rest
        assert os.listdir(one.path / "status/error") == []
        assert set(os.listdir(one.path / "all")) == {name + ".json" for name in rest}

    def test_find_delete_by_age(self, mock, mount):
        """`find -mtime` uses completed_at."""
        old = mock.create(status="error", created_at="2026-01-01T00:00:00.000Z",
                             completed_at="2026-01-01T00:01:00.000Z")
        new = mock.create(status="error", created_at="2026-01-01T00:00:00.000Z",
                             completed_at="2099-01-01T00:01:00.000Z")
        one = mount(mock, "allow_delete")
        run("find", one.path / "status/error", "-type", "f", "-mtime", "+30", "-delete")
        assert ids(mock) == {new}
        assert old != new

    def test_find_delete_over_many_pages(self, new_mock, mount):
        """If pages are prefetched while find deletes, no deleted job reappears and none is left."""
        many = new_mock("--jobs", "600", "--bytes", "1000", "--unfinished", "0",
                           "--errors", "0")
        one = mount(many, "allow_delete", "page_size=20")
        run("find", one.path / "all", "-name", "*.json", "-delete")
        assert many.jobs() == []
        assert os.listdir(one.path / "all") == []

    def test_rm_r(self, account, mount):
        """`rm -r` deletes all jobs of a directory, but not the directory."""
        one = mount(account, "allow_delete")
        rest = ids(account) - ids(account, status="error")
        assert "Read-only file system" in fails("rm", "-rf", one.path / "status/error")
        assert ids(account) == rest
        assert os.listdir(one.path / "status/error") == []

    def test_a_directory_that_is_open(self, account, mount):
        """SEMANTICS 6.4: an open directory still lists a job that is deleted meanwhile."""
        one = mount(account, "allow_delete")
        before = set(os.listdir(one.path / "all"))
        assert before == names_of(account.jobs())
        with os.scandir(one.path / "all") as entries:
            seen = {next(entries).name}
            gone = account.jobs(status="done")[-1]["id"] + ".json"
            os.unlink(one.path / "all" / gone)
            seen |= {entry.name for entry in entries}
        assert seen == before
        assert set(os.listdir(one.path / "all")) == before - {gone}

    def test_deleted_after_a_remount(self, account, mount):
        """SEMANTICS 10.1.6: a deleted job stays deleted after a remount, and its text is erased
        from the cache."""
        job_id = account.create(text="UserMount must ever read thissentence again.")
        one = mount(account, "allow_delete")
        path = one.path / "all" / (job_id + ".json")
        assert b"thissentence" in read(path)

        def stored():
            """Returns the text as it is stored, compressed."""
            (path,) = one.place.cache.glob("*.db")
            with contextlib.closing(sqlite3.connect(path)) as database:
                return database.execute("SELECT data FROM chunks JOIN jobs ON job = chunk / 8192"
                                        " WHERE id = ?", (job_id,)).fetchone()

        def holds_it(file):
            try:
                content = read(file)
            except FileNotFoundError:
                return False  # a journal that was deleted
            return data[16:80] in content or data[-64:] in content

        def is_stored():
            return any(holds_it(file) for file in one.place.cache.glob("*.db*"))
        wait_until(stored, "it is stored")
        (data,) = stored()
        assert is_stored()
        run("rm", path)
        wait_until(lambda: not is_stored(), "it is overwritten")
        one.unmount()
        again = mount(account, "allow_delete")
        assert failure(os.stat, again.path / "all" / path.name) == errno.ENOENT

    def test_not_finished(self, account, mount):
        """SEMANTICS 10.1.2: deleting an unfinished job (403) fails with EBUSY and is logged."""
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="queued")[0]["id"]
        path = one.path / "all" / (job_id + ".json")
        assert "Device or resource busy" in fails("rm", "-f", path)
        assert job_id in ids(account)
        assert path.exists()
        one.await_message("not finished", "wait until")

    def test_already_deleted(self, account, mount):
        """SEMANTICS 10.1.3: a job that was already deleted (404) gives ENOENT."""
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="done")[0]["id"]
        path = one.path / "all" / (job_id + ".json")
        path.stat()
        account.delete(job_id)
        assert failure(os.unlink, path) == errno.ENOENT
        assert not path.exists()
        # rm -f ignores that.
        run("rm", "-f", path)

    def test_a_lost_answer(self, account, mount):
        """If an attempt failed after the job was deleted, the 404 of the next one is a success."""
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="done")[0]["id"]
        path = one.path / "all" / (job_id + ".json")
        path.stat()
        account.fault("status", {"method": "DELETE"}, times=1, status=502)
        account.delete(job_id)
        run("rm", path)
        assert deletions(account) == 2

    @pytest.mark.parametrize("kind", ["html", "empty", "bad_json"])
    def test_proxy_answers(self, account, mount, kind):
        """A "200" that does not come from the API, such as from a captive portal, deletes nothing.

        Found by tests/soak.
        """
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="done")[0]["id"]
        path = one.path / "all" / (job_id + ".json")
        path.stat()
        account.fault(kind, {"method": "DELETE"})
        assert failure(os.unlink, path) == errno.EIO
        one.await_message("does not confirm that the job was deleted")
        assert job_id in ids(account) and path.exists()
        account.clear_faults()
        account.fault(kind, {"method": "DELETE"}, times=1)
        run("rm", path)
        assert job_id not in ids(account) and not path.exists()

    def test_key_refused(self, account, mount):
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="done")[0]["id"]
        path = one.path / "all" / (job_id + ".json")
        path.stat()
        account.fault("status", {"method": "DELETE"}, status=401)
        assert failure(os.unlink, path) == errno.EACCES
        assert path.exists()

    def test_interrupted(self, account, mount, reader):
        """SEMANTICS 11.2: an interrupted rm ends at once, but the API may still delete the job."""
        one = mount(account, "allow_delete")
        job_id = account.jobs(status="done")[0]["id"]
        path = one.path / "all" / (job_id + ".json")
        path.stat()
        account.fault("latency", {"method": "DELETE"}, ms=500)
        rm = reader("rm", path).hangs()
        assert rm.end_by(signal.SIGINT) < AT_ONCE
        wait_until(lambda: job_id not in ids(account), "it is deleted all the same")
        wait_until(lambda: not path.exists(), "and known to be")


class TestNever:
    """SEMANTICS 10.1: nothing is deleted without allow_delete."""

    @pytest.mark.parametrize("options", [(), ("rw",), ("allow_delete", "ro")])
    def test_without(self, account, mount, options):
        """SEMANTICS 10.1.5"""
        one = mount(account, *options)
        before = ids(account)
        for path in (one.path / "all").iterdir():
            assert failure(os.unlink, path) == errno.EROFS
        assert "Read-only file system" in fails("rm", "-rf", one.path / "status/error")
        assert "Read-only file system" in fails("find", one.path / "all", "-name", "*.json",
                                                "-delete")
        assert ids(account) == before
        assert deletions(account) == 0
        assert os.statvfs(one.path).f_flag & os.ST_RDONLY

    def test_nor_by_other_means(self, account, mount):
        """SEMANTICS 5.3.2: with allow_delete, every other write fails with EROFS, even for root."""
        one = mount(account, "allow_delete")
        before = ids(account)
        for directory in (one.path / "status/done", one.path / "all"):
            file = next(directory.iterdir())
            text = read(file)
            got = {name: failure(action, directory, file)
                   for name, action in TestReadOnly.WRITES.items() if name != "unlink"}
            # The mode bits are checked first, but do not apply to root.
            allowed = {errno.EROFS} if os.geteuid() == 0 else {errno.EROFS, errno.EACCES}
            assert set(got.values()) <= allowed, got
            assert read(file) == text
        assert ids(account) == before
        assert deletions(account) == 0

    def test_other_formats(self, account, mount):
        """Renditions cannot be deleted by themselves; they disappear with their job."""
        one = mount(account, "allow_delete", "formats=json:txt")
        job_id = account.jobs(status="done")[0]["id"]
        text = one.path / "status/done" / (job_id + ".txt")
        assert text.name in os.listdir(text.parent)
        assert failure(os.unlink, text) == errno.EROFS
        assert deletions(account) == 0
        run("rm", text.with_suffix(".json"))
        wait_until(lambda: not text.exists(), "it goes, too")
        assert text.name not in os.listdir(text.parent)

    def test_control_files(self, account, mount):
        """SEMANTICS 9.1: with allow_delete, control files can be read but not deleted."""
        one = mount(account, "allow_delete", "xattr")
        stats = one.path / ".gladiafs/stats"
        assert read(stats)
        assert failure(os.unlink, stats) == errno.EROFS
        assert os.listxattr(stats) == []
        assert failure(os.getxattr, stats, "user.gladia.id") == errno.ENODATA
        assert read(stats)

    def test_modes(self, account, mount):
        one = mount(account, "allow_delete", "umask=027")
        assert (one.path / "all").stat().st_mode & 0o7777 == 0o750
        assert next((one.path / "all").iterdir()).stat().st_mode & 0o7777 == 0o440

    @needs_root
    def test_who_may_delete(self, account, mount):
        """Only the owner may delete jobs, not other users with access through allow_other."""
        one = mount(account, "allow_delete", "allow_other")
        path = one.path / "all" / (account.jobs(status="done")[0]["id"] + ".json")
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "rm", "-f", path],
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and "denied" in done.stderr
        assert deletions(account) == 0


class TestWarm:
    """SEMANTICS 7.3: the kernel caches texts with allow_delete, too."""

    def test_second_reading_sends_no_message(self, account, mount):
        """SEMANTICS 7.3.1: reading a file again sends no request."""
        one = mount(account, "allow_delete")
        texts = {path: read(path) for path in (one.path / "all").iterdir()}
        one.requests()
        account.fault("stall")
        assert {path: read(path) for path in texts} == texts
        assert one.requests() == []
