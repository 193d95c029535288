# SPDX-License-Identifier: MIT
"""SEMANTICS 7.1, 7.3, 7.4: the maximum age of listings and texts, and the cache on disk."""

import contextlib
import errno
import os
import signal
import stat
import time

import pytest

from layout import pretty
from mounting import PROGRAM, environment, needs_root, refresh, run_in_namespace
from tools import names_of, read, wait_until

# The directory of the cache if the usual one is on a network or FUSE filesystem.
LOCAL_CACHE = f"/var/tmp/gladiafs-{os.geteuid()}"


def name_of(job_id):
    return job_id + ".json"


def shown(path):
    return set(os.listdir(path))


class TestFreshness:
    """SEMANTICS 7.1"""

    def test_new_job(self, account, mount):
        """SEMANTICS 7.1.1: a listing is at most ttl seconds old."""
        one = mount(account, "ttl=1")
        for path in ("all", "status/done"):
            before = shown(one.path / path)
            new = account.create(text="New.")
            wait_until(lambda: shown(one.path / path) == before | {name_of(new)},
                       "a new job shows", 5)

    def test_within_ttl(self, account, mount):
        one = mount(account)
        before = shown(one.path / "all")
        one.mark()
        account.create(text="New.")
        assert shown(one.path / "all") == before
        assert one.requests() == []

    def test_finished_jobs_are_fetched_once(self, account, mount):
        """SEMANTICS 7.1.3"""
        one = mount(account, "ttl=1")
        path = one.path / "all" / name_of(account.jobs(status="done")[0]["id"])
        text = read(path)
        time.sleep(1.2)
        assert read(path) == text
        assert len([request for request in one.requests() if not request.lists]) == 1

    def test_also_after_a_remount(self, account, mount):
        job_id = account.jobs(status="done")[0]["id"]
        one = mount(account)
        text = read(one.path / "all" / name_of(job_id))
        one.unmount()
        again = mount(account)
        assert read(again.path / "all" / name_of(job_id)) == text
        assert again.requests() == []

    def test_unfinished_job_finishes(self, mock, mount):
        """SEMANTICS 7.1.2: if a job finishes, its file, its size (SEMANTICS 7.3) and its
        directories change."""
        job_id = mock.create(status="queued", filename="later.mp3")
        one = mount(mock, "ttl=1")
        path = one.path / "all" / name_of(job_id)
        before = read(path)
        assert name_of(job_id) in shown(one.path / "status/queued")
        mock.change(job_id, status="done", text="Here at last, and longer than before.")
        wanted = pretty(mock.body(job_id))
        assert len(wanted) > len(before)
        wait_until(lambda: path.stat().st_size == len(wanted), "the size changes", 5)
        assert read(path) == wanted
        wait_until(lambda: name_of(job_id) in shown(one.path / "status/done"), "it is done", 5)
        wait_until(lambda: shown(one.path / "status/queued") == set(), "it is not queued", 5)
        with pytest.raises(FileNotFoundError):
            (one.path / "status/queued" / name_of(job_id)).stat()

    def test_many_unfinished_jobs_polled_by_name(self, new_mock, mount, place):
        """If a program polls many files by name, as an editor does, one or two list requests
        answer it instead of one request per file."""
        many = new_mock("--jobs", "300", "--errors", "0", "--unfinished", "300")
        one = mount(many)
        names = sorted(shown(one.path / "all"))
        ids = [name.removesuffix(".json") for name in names]
        for number in range(0, 30, 10):
            changed, finished, deleted = ids[number:number + 3]
            many.change(changed, filename=f"name {number}.mp3")
            many.change(finished, status="done", text="Here at last.")
            many.delete(deleted)
            assert refresh(place, one.path) == (0, "")
            one.mark()
            sizes = {}
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    sizes[name] = (one.path / "all" / name).stat().st_size
            requests = one.requests()
            lists = [request for request in requests if request.lists]
            assert 1 <= len(lists) <= 2
            assert len(requests) - len(lists) <= 4 + 2
            assert set(sizes) == set(names) - {name_of(deleted)}
            names.remove(name_of(deleted))
            for job_id in changed, finished, ids[299 - number]:
                assert sizes[name_of(job_id)] == len(pretty(many.body(job_id)))

    @pytest.mark.parametrize("listed", [True, False])
    def test_deleted_job(self, account, mount, listed):
        """SEMANTICS 7.1.4: a deleted job disappears with the next refresh."""
        one = mount(account, "ttl=1")
        job_id = account.jobs(status="done")[0]["id"]
        path = one.path / "all" / name_of(job_id)
        if listed:
            assert name_of(job_id) in shown(one.path / "all")
        read(path)
        account.delete(job_id)
        # A refresh that begins in the millisecond in which the job was seen does not treat it as
        # missing.
        seen = time.time()
        wait_until(lambda: time.time() > seen + 0.002, "the clock goes on")
        wait_until(lambda: name_of(job_id) not in shown(one.path / "all"), "it goes", 5)
        wait_until(lambda: not path.exists(), "its name goes, too", 5)
        assert shown(one.path / "all") == names_of(account.jobs())


class TestVersions:
    """SEMANTICS 7.3: a reader never sees a mix of two versions of a file."""

    def test_open_file(self, mock, mount):
        """If a job changes while its file is open, a reader gets the whole old text, the whole
        new text, or an error."""
        job_id = mock.create(status="processing", filename="later.mp3")
        one = mount(mock, "ttl=1")
        path = one.path / "all" / name_of(job_id)
        old = read(path)
        with open(path, "rb", buffering=0) as file:
            begin = os.pread(file.fileno(), 100, 0)
            mock.change(job_id, status="done", text="New words, " * 2000)
            new = pretty(mock.body(job_id))
            wait_until(lambda: path.stat().st_size == len(new), "the new version shows", 5)
            try:
                rest = os.pread(file.fileno(), 1 << 20, 100)
            except OSError as error:
                assert error.errno in (errno.ESTALE, errno.EIO)
            else:
                assert begin + rest in (old, new)
        assert read(path) == new

    def test_readers_while_it_changes(self, mock, mount):
        """SEMANTICS 7.3.3: each read of a whole file returns one version."""
        job_id = mock.create(status="queued", filename="later.mp3")
        one = mount(mock, "ttl=0")
        path = one.path / "all" / name_of(job_id)
        versions = {pretty(mock.body(job_id))}
        for number in range(20):
            mock.change(job_id, filename=f"name{'x' * 300 * (number % 3)}.mp3",
                           custom_metadata={"n": number})
            versions.add(pretty(mock.body(job_id)))
            assert read(path) in versions
        wait_until(lambda: read(path) == pretty(mock.body(job_id)), "the last one shows", 5)


class TestDisk:
    """SEMANTICS 7.4"""

    def files(self, directory):
        return sorted(path for path in directory.rglob("*") if path.is_file())

    def database(self, place):
        (path,) = [path for path in self.files(place.cache) if path.suffix == ".db"]
        return path

    def test_private(self, account, mount, place):
        """SEMANTICS 7.4.1: the directory has mode 0700, the file 0600, and their names contain
        neither the API URL nor the key."""
        one = mount(account)
        os.listdir(one.path / "all")
        assert stat.S_IMODE(place.cache.stat().st_mode) == 0o700
        files = self.files(place.cache)
        assert files
        for path in files:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert account.key not in str(path) and str(account.port) not in path.name

    def test_key_is_absent(self, account, mount, place):
        """SEMANTICS 2.2.7, 2.2: the cache does not contain the key."""
        one = mount(account)
        os.listdir(one.path / "all")
        one.unmount()
        for path in self.files(place.cache):
            assert account.key.encode() not in path.read_bytes()

    def test_default_place(self, account, mount, place, tmp_path):
        """The default is $XDG_CACHE_HOME/gladiafs, or ~/.cache/gladiafs if that is not set."""
        for env, where in [
                (environment(place.home), place.home / ".cache/gladiafs"),
                (environment(place.home, XDG_CACHE_HOME=str(tmp_path / "xdg")),
                 tmp_path / "xdg/gladiafs")]:
            one = mount(account, "!cache_dir", env=env)
            os.listdir(one.path / "all")
            one.unmount()
            assert self.files(where)

    @needs_root
    def test_on_a_network(self, account, place):
        """SEMANTICS 7.6.1"""
        warning, count, cache = self.in_a_fuse_home(account, place, """
"$PROGRAM" -o "key_file=$5" "$2" "$4" 2>&1
ls "$4/all" | wc -l
umount "$4"
stat -c '%a %n' /var/tmp/*
""")
        assert "cache_dir=" in warning and int(count) == 250
        assert cache == f"700 {LOCAL_CACHE}"

    @needs_root
    def test_check_on_a_network(self, account, place):
        """SEMANTICS 7.6.3"""
        (line,) = self.in_a_fuse_home(account, place, """
"$PROGRAM" --check -o "key_file=$5" "$2" | grep ' cache ' || true
""")
        assert line.startswith("ok ") and "cache_dir=" in line

    @staticmethod
    def in_a_fuse_home(account, place, script):
        """Runs commands with a HOME on a filesystem that can stop answering, here a gladiafs mount.
        Returns the lines of output; the first one names the two directories and the reason."""
        home, path = place.new_directory(), place.new_directory()
        lines = run_in_namespace(f"""
mount -t tmpfs -o mode=1777 none /var/tmp
"$PROGRAM" -o "$1" "$2" "$3"
export HOME="$3"
{script}
umount "$3"
""", place.options(), account.url, home, path, place.key_file,
            env=environment(place.home, PROGRAM=PROGRAM)).splitlines()
        for word in LOCAL_CACHE, f"{home}/.cache/gladiafs", "FUSE":
            assert word in lines[0]
        return lines

    def test_one_per_account(self, account, new_mock, mount, place):
        """Each API URL has its own cache."""
        one = mount(account)
        os.listdir(one.path / "all")
        one.unmount()
        before = set(self.files(place.cache))
        other = new_mock("--jobs", "3", "--seed", "9")
        two = mount(other)
        assert shown(two.path / "all") == names_of(other.jobs())
        two.unmount()
        assert set(self.files(place.cache)) > before

    def test_another_key(self, account, mount, place):
        """Each key has its own cache: a mount with another key shows no cached job of the first."""
        one = mount(account)
        job_id = account.jobs(status="done")[0]["id"]
        read(one.path / "all" / name_of(job_id))
        one.unmount()
        account.modes(key="a-second-key")
        place.write_key("a-second-key")
        account.delete(job_id)
        two = mount(account)
        with pytest.raises(FileNotFoundError):
            read(two.path / "all" / name_of(job_id))

    @pytest.mark.parametrize("damage", [
        lambda data: b"this is no database" * 100, lambda data: data[:len(data) // 2],
        lambda data: data[:3000] + os.urandom(3000) + data[6000:], lambda data: b""],
        ids=["text", "half", "hole", "empty"])
    def test_damaged(self, account, mount, place, damage):
        """A damaged database is set aside and rebuilt."""
        one = mount(account)
        os.listdir(one.path / "all")
        one.unmount()
        database = self.database(place)
        database.write_bytes(damage(database.read_bytes()))
        again = mount(account)
        assert shown(again.path / "all") == names_of(account.jobs())
        for job in account.jobs()[::25]:
            assert read(again.path / "all" / name_of(job["id"])) == pretty(
                account.body(job["id"]))
        again.unmount()

    def test_set_aside(self, account, mount, place):
        one = mount(account)
        os.listdir(one.path / "all")
        one.unmount()
        self.database(place).write_bytes(b"precious" * 1000)
        mount(account).unmount()
        assert b"precious" * 1000 in [path.read_bytes() for path in self.files(place.cache)]

    def test_off(self, account, mount, place):
        """SEMANTICS 7.4.6: with cache=off nothing is written, and a remount fetches everything
        again."""
        one = mount(account, "cache=off")
        job_id = account.jobs(status="done")[0]["id"]
        assert shown(one.path / "all") == names_of(account.jobs())
        read(one.path / "all" / name_of(job_id))
        assert not place.cache.exists() or self.files(place.cache) == []
        one.unmount()
        again = mount(account, "cache=off")
        read(again.path / "all" / name_of(job_id))
        assert len(again.requests()) == 1

    def test_temporary_files_on_a_network(self, account, mock, mount, place):
        """SEMANTICS 6, 7.4: with cache=off a small account needs no disk. So if temporary files are
        on a filesystem that stops answering (here a gladiafs mount), the mount goes on."""
        other = mount(mock, "allow_delete")
        temporary = other.path / "all"
        one = mount(account, "cache=off", "ttl=0",
                    env=environment(place.home, TMPDIR=str(temporary)))
        one.await_message(f"{temporary} on FUSE", "set TMPDIR")
        os.kill(other.pid, signal.SIGSTOP)
        try:
            assert shown(one.path / "all") == names_of(account.jobs())
            for name in os.listdir(one.path / "status/error"):
                read(one.path / "status/error" / name)
            os.kill(one.pid, signal.SIGTERM)
            assert one.wait() == 0
        finally:
            os.kill(other.pid, signal.SIGCONT)

    def test_shared(self, account, mount):
        """SEMANTICS 7.4.5: two mounts share the cache: a job fetched by one is cached for both."""
        one, two = mount(account), mount(account)
        job_id = account.jobs(status="done")[0]["id"]
        text = read(one.path / "all" / name_of(job_id))
        two.mark()
        assert read(two.path / "all" / name_of(job_id)) == text
        assert two.requests() == []
        assert shown(one.path / "all") == shown(two.path / "all") == names_of(account.jobs())
        one.unmount()
        assert read(two.path / "all" / name_of(job_id)) == text

    def test_size(self, new_mock, mount, place):
        """SEMANTICS 7.4: above cache_size, the least recently used texts are evicted; they are
        fetched again if they are read."""
        large = new_mock("--jobs", "1000", "--bytes", "20000", "--unfinished", "0",
                            "--errors", "0")
        one = mount(large, "cache_size=1M")
        sizes = {name: len(read(one.path / "all" / name))
                 for name in os.listdir(one.path / "all")}
        assert sum(sizes.values()) > 40 << 20
        # The file may exceed cache_size by one page of jobs (1 MiB, 2 MiB when formatted), by the
        # rows of the jobs, and by 4 MiB of texts fetched ahead of this reader.
        assert self.database(place).stat().st_size < 9 << 20
        for name in list(sizes)[::50]:
            assert read(one.path / "all" / name) == pretty(
                large.body(name.removesuffix(".json")))

    def test_size_lowered(self, new_mock, mount, place):
        """SEMANTICS 7.4: if cache_size is lowered, the file shrinks without any access to the
        mount."""
        large = new_mock("--jobs", "4000", "--bytes", "20000", "--unfinished", "0",
                            "--errors", "0")
        one = mount(large)
        names = os.listdir(one.path / "all")
        one.unmount()
        assert self.database(place).stat().st_size > 16 << 20
        two = mount(large, "cache_size=1M")
        wait_until(lambda: self.database(place).stat().st_size < 11 << 20, "a smaller file")
        for name in names[::50]:
            assert read(two.path / "all" / name) == pretty(
                large.body(name.removesuffix(".json")))
