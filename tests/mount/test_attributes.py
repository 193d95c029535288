# SPDX-License-Identifier: MIT
"""SEMANTICS 5.1 to 5.4: attributes of files and directories, and tools that depend on them."""

import errno
import filecmp
import json
import mmap
import os
import stat
import tarfile
from datetime import datetime, timezone

import pytest

from mounting import needed_tools
from tools import AT_ONCE, Stopwatch, names_of, read, run, wait_until


@pytest.fixture(autouse=True)
def tools():
    needed_tools("rsync", "tar", "cp", "du", "df", "file", "find", "ls")


def timestamp_ns(text):
    """Converts a timestamp of the API to nanoseconds, as in struct stat."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 10**9 + moment.microsecond * 1000


def mtime_ns(job):
    return timestamp_ns(job["completed_at"] or job["created_at"])


def some_paths(one):
    """Returns the root of a mount, a directory and some files."""
    return [one.path, one.path / "all", *list((one.path / "all").iterdir())[:3]]


class TestStat:
    """SEMANTICS 5.1"""

    def test_files(self, account, mount):
        """SEMANTICS 5.1.3"""
        one = mount(account)
        for job in account.jobs():
            path = one.path / "all" / (job["id"] + ".json")
            info = path.stat()
            assert stat.S_ISREG(info.st_mode) and stat.S_IMODE(info.st_mode) == 0o644
            assert (info.st_uid, info.st_gid) == (os.getuid(), os.getgid())
            assert info.st_size == len(read(path))
            assert info.st_blocks * 512 >= info.st_size
            assert info.st_mtime_ns == info.st_ctime_ns == mtime_ns(job)

    def test_directories(self, account, mount):
        one = mount(account)
        for path in ("", "all", "status", "status/done", "date", "after/2026-04-01"):
            info = (one.path / path).stat()
            assert stat.S_ISDIR(info.st_mode) and stat.S_IMODE(info.st_mode) == 0o755
            assert (info.st_uid, info.st_gid) == (os.getuid(), os.getgid())

    def test_newest_change(self, account, mount):
        """The mtime of a directory is that of its newest job, so that a search index finds new
        jobs."""
        one = mount(account, "ttl=0")
        done = max(account.jobs(status="done"), key=mtime_ns)
        paths = ["all", "status/done", "date/" + done["created_at"][:10]]
        for path in paths:
            (one.path / path).stat()
            os.listdir(one.path / path)
            newest = max(mtime_ns(job) for job in account.jobs() if job["id"] + ".json"
                         in os.listdir(one.path / path))
            wait_until(lambda: (one.path / path).stat().st_mtime_ns == newest, "newest", 5)
        paths = ["all", "status/done", "date"]
        times = {path: (one.path / path).stat().st_mtime_ns for path in paths}
        new_id = account.create(text="New.")
        new = next(mtime_ns(job) for job in account.jobs() if job["id"] == new_id)
        for path in paths:
            os.listdir(one.path / path)
            wait_until(lambda: (one.path / path).stat().st_mtime_ns > times[path], "newer", 5)
        assert (one.path / "all").stat().st_mtime_ns == new

    def test_directories_after_a_remount(self, account, mount):
        """If the account has not changed, directories have the same mtimes after a remount, so
        that a backup finds no change."""
        paths = ["", "all", "status", "status/done", "status/queued", "date", "after",
                 "after/2026-04-01", "date/2026-04-25", "metadata"]
        one = mount(account)
        for path in paths:
            os.listdir(one.path / path)
        # The kernel gets notifications in order, so the last path comes last.
        wait_until(lambda: (one.path / paths[-1]).stat().st_mtime_ns > 0, "listed", 5)
        again = [(one.path / path).stat().st_mtime_ns for path in paths]
        one.unmount()
        one = mount(account)
        assert [(one.path / path).stat().st_mtime_ns for path in paths] == again
        assert one.requests() == []
        for path in paths:
            os.listdir(one.path / path)
        assert [(one.path / path).stat().st_mtime_ns for path in paths] == again

    def test_listed_once_more(self, account, mount):
        """The kernel is notified of a change once; later listings send no READDIRPLUS and few
        GETATTR messages."""
        one = mount(account)
        os.listdir(one.path / "all")
        wait_until(lambda: (one.path / "all").stat().st_mtime_ns > 0, "listed", 5)

        def messages():
            for _ in range(2):
                os.listdir(one.path / "all")
                (one.path / "all").stat()
            return json.loads(read(one.path / ".gladiafs/stats"))["messages"]

        before = messages()
        after = messages()
        assert after["readdirplus"] == before["readdirplus"]
        assert after["getattr"] - before["getattr"] < 5

    @pytest.mark.parametrize("options, umask", [([], 0), (["umask=040"], 0o040)])
    def test_modes(self, account, mount, options, umask):
        """SEMANTICS 5.1.1, 1.4"""
        one = mount(account, *options)
        for path in some_paths(one):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o755 if path.is_dir() else 0o644) & ~umask

    @pytest.mark.parametrize("options, owner", [
        ([], (os.getuid(), os.getgid())), (["uid=1234", "gid=4321"], (1234, 4321))])
    def test_owner(self, account, mount, options, owner):
        """SEMANTICS 5.1.2, 1.4"""
        one = mount(account, *options)
        for path in some_paths(one):
            assert (path.stat().st_uid, path.stat().st_gid) == owner

    def test_scandir(self, account, mount):
        """Directory entries have the type and the inode number that stat returns."""
        one = mount(account)
        with os.scandir(one.path / "all") as entries:
            for entry in entries:
                assert entry.is_file(follow_symlinks=False)
                assert entry.inode() == entry.stat().st_ino


class TestInodes:
    """SEMANTICS 5.2"""

    def inodes(self, path):
        return {entry.name: entry.inode() for entry in os.scandir(path)}

    def test_same_in_every_directory(self, account, mount):
        """SEMANTICS 5.2.1"""
        one = mount(account)
        every = self.inodes(one.path / "all")
        assert len(set(every.values())) == 250
        for path in ("status/done", "status/error", "after/2026-04-22", "date/2026-04-25"):
            some = self.inodes(one.path / path)
            assert some and some.items() <= every.items()
        name, inode = next(iter(every.items()))
        assert (one.path / "all" / name).stat().st_ino == inode

    def test_same_on_every_mount(self, account, mount, tmp_path):
        """SEMANTICS 5.2.3: Inode numbers are the same on every mount, even with an empty cache."""
        paths = ("all", "status", "status/done", "date", "date/2026-04-25", "after")
        seen = []
        for cache in ("one", "two"):
            one = mount(account, f"cache_dir={tmp_path / cache}")
            job = account.jobs()[7]["id"] + ".json"
            seen.append([(one.path / path).stat().st_ino for path in (*paths, f"all/{job}")])
            one.unmount()
        assert seen[0] == seen[1]
        assert len(set(seen[0])) == len(seen[0])

    def test_directories_keep_theirs(self, account, mount):
        """SEMANTICS 5.2.2"""
        one = mount(account, "ttl=1")
        paths = [one.path / path for path in ("all", "status/done", "date/2026-04-25")]
        before = [path.stat().st_ino for path in paths]
        for path in paths:
            os.listdir(path)
        run("ls", "-R", one.path / "status")
        assert [path.stat().st_ino for path in paths] == before


class TestTools:
    """SEMANTICS 5.1: common tools work on a mount."""

    @pytest.fixture
    def all_jobs(self, account, mount):
        return mount(account).path / "all"

    def test_ls_by_time(self, account, all_jobs):
        shown = run("ls", "-t", all_jobs).split()
        times = {job["id"] + ".json": mtime_ns(job) for job in account.jobs()}
        assert set(shown) == set(times)
        assert [times[name] for name in shown] == sorted(times.values(), reverse=True)

    def test_ls_shows_milliseconds(self, account, all_jobs):
        job = account.jobs(status="done")[0]
        shown = run("ls", "-l", "--time-style=full-iso", all_jobs / (job["id"] + ".json"),
                    env={**os.environ, "TZ": "UTC"})
        wanted = datetime.fromtimestamp(mtime_ns(job) / 1e9, timezone.utc)
        assert f"{wanted:%Y-%m-%d %H:%M:%S}.{job['completed_at'][20:23]}000000" in shown

    def test_find_newer(self, account, all_jobs):
        border = account.jobs(status="done")[50]["completed_at"]
        found = run("find", all_jobs, "-type", "f", "-newermt", border, "-printf", "%f\n")
        assert set(found.split()) == names_of(
            job for job in account.jobs() if mtime_ns(job) > timestamp_ns(border))

    def test_find_stays_finite(self, account, mount):
        """SEMANTICS 3.2: find ends if it starts at the directories of the root."""
        one = mount(account)
        tops = [one.path / name for name in ("all", "status", "date", "after", "before")]
        found = run("find", *tops, "-name", "*.json").split()
        # Each job is in all/, in one directory of status/, and in one of date/.
        assert len(found) == 3 * 250

    def test_rsync(self, all_jobs, tmp_path):
        """A second run of rsync copies nothing."""
        run("rsync", "-a", f"{all_jobs}/", tmp_path / "copy")
        assert_same_trees(all_jobs, tmp_path / "copy")
        assert "json" not in run("rsync", "-ai", f"{all_jobs}/", tmp_path / "copy")

    def test_cp(self, all_jobs, tmp_path):
        run("cp", "-a", all_jobs, tmp_path / "copy")
        assert_same_trees(all_jobs, tmp_path / "copy")

    def test_tar(self, all_jobs, tmp_path):
        run("tar", "-cf", tmp_path / "jobs.tar", "-C", all_jobs, ".")
        with tarfile.open(tmp_path / "jobs.tar") as archive:
            files = [member for member in archive if member.isfile()]
            assert len(files) == 250
            for member in files:
                assert archive.extractfile(member).read() == read(all_jobs / member.name)

    def test_du(self, all_jobs):
        sizes = sum(path.stat().st_size for path in all_jobs.iterdir())
        own = all_jobs.stat().st_size
        assert int(run("du", "-sb", all_jobs).split()[0]) == sizes + own
        assert int(run("du", "-s", "-B1", all_jobs).split()[0]) >= sizes

    def test_du_of_several(self, account, mount):
        """du counts a job once, no matter how many directories it is in."""
        one = mount(account)
        tops = [one.path / name for name in ("all", "status/done", "status/error", "date")]
        sizes = sum(path.stat().st_size for path in tops[0].iterdir())
        total = int(run("du", "-cb", *tops).splitlines()[-1].split()[0])
        assert sizes <= total < sizes + 100 * 512

    def test_file(self, all_jobs):
        path = next(all_jobs.iterdir())
        assert "JSON" in run("file", "-b", path)

    def test_mmap(self, all_jobs):
        for path in list(all_jobs.iterdir())[:5]:
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as m:
                assert m[:] == read(path)

    def test_wc(self, all_jobs):
        total = run("wc", "-c", *all_jobs.iterdir()).splitlines()[-1]
        assert int(total.split()[0]) == sum(len(read(path)) for path in all_jobs.iterdir())


def assert_same_trees(left, right):
    """Asserts that two directories have the same names, contents and mtimes in nanoseconds."""
    names = sorted(os.listdir(left))
    assert names == sorted(os.listdir(right))
    _, different, failed = filecmp.cmpfiles(left, right, names, shallow=False)
    assert (different, failed) == ([], [])
    for name in names:
        assert (left / name).stat().st_mtime_ns == (right / name).stat().st_mtime_ns


def write(path, flags):
    os.close(os.open(path, flags, 0o644))


class TestReadOnly:
    """SEMANTICS 5.3: every write fails with EROFS."""

    WRITES = {
        "open": lambda d, f: write(f, os.O_WRONLY),
        "open both": lambda d, f: write(f, os.O_RDWR),
        "append": lambda d, f: write(f, os.O_WRONLY | os.O_APPEND),
        "create": lambda d, f: write(d / "new.json", os.O_WRONLY | os.O_CREAT),
        "truncate": lambda d, f: os.truncate(f, 0),
        "unlink": lambda d, f: os.unlink(f),
        "rename": lambda d, f: os.rename(f, d / "new.json"),
        "link": lambda d, f: os.link(f, d / "new.json"),
        "symlink": lambda d, f: os.symlink("x", d / "new.json"),
        "mkdir": lambda d, f: os.mkdir(d / "new"),
        "rmdir": lambda d, f: os.rmdir(d),
        "mknod": lambda d, f: os.mkfifo(d / "new"),
        "chmod": lambda d, f: os.chmod(f, 0o600),
        "chown": lambda d, f: os.chown(f, 1, 1),
        "utime": lambda d, f: os.utime(f, (0, 0)),
        "setxattr": lambda d, f: os.setxattr(f, "user.x", b"1"),
    }

    @pytest.fixture(params=["status/done", "all", "date/2026-04-25"])
    def directory(self, request, account, mount):
        return mount(account).path / request.param

    def test_writes(self, directory):
        """SEMANTICS 5.3.1"""
        file = next(directory.iterdir())
        before = read(file)
        got = {}
        for name, action in self.WRITES.items():
            try:
                action(directory, file)
                got[name] = None
            except OSError as error:
                got[name] = error.errno
        assert got == dict.fromkeys(self.WRITES, errno.EROFS)
        assert read(file) == before

    def test_mounted_read_only(self, directory):
        assert os.statvfs(directory).f_flag & os.ST_RDONLY


class TestDf:
    """SEMANTICS 5.4: df answers from the cache, without a request."""

    def df(self, one):
        fields = "--output=itotal,iused,iavail,size,used,avail"
        with Stopwatch() as watch:
            line = run("df", "-B1", fields, one.path).splitlines()[1]
        assert watch.seconds < AT_ONCE
        return [0 if word == "-" else int(word) for word in line.split()]

    def test_empty(self, account, mount):
        one = mount(account)
        _, _, free_names, size, taken, left = self.df(one)
        assert (free_names, taken) == (0, 0) and size == left
        assert one.requests() == []

    def test_jobs_known(self, account, mount):
        """SEMANTICS 5.4.2"""
        one = mount(account)
        sizes = [path.stat().st_size for path in (one.path / "all").iterdir()]
        one.requests()
        total, used, free, size, taken, left = self.df(one)
        assert (total, used, free) == (250, 250, 0)
        # The size is counted in blocks, some of which are partly used.
        assert sum(sizes) <= taken < sum(sizes) + 250 * 512 + 4096
        assert size == taken + left
        assert one.requests() == []

    def test_room_in_the_cache(self, account, mount):
        """SEMANTICS 5.4.3: as many bytes as the cache may still grow by are free."""
        largest = 64 << 20
        one = mount(account, "cache_size=64M")
        assert self.df(one)[5] == largest
        sizes = [len(read(path)) for path in (one.path / "all").iterdir()]
        # The texts are compressed.
        assert 0 < largest - self.df(one)[5] < sum(sizes)

    def test_at_once(self, account, mount, reader):
        """SEMANTICS 5.4.1: df answers at once even if all requests hang."""
        one = mount(account)
        account.fault("stall")
        reader("ls", one.path / "all").hangs()
        assert self.df(one)[4] == 0
