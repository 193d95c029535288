# SPDX-License-Identifier: MIT
"""SEMANTICS 11.4, 7.4: if the process is killed at any moment, the next mount works and shows the
account correctly; so does another mount of the same account.

GLADIAFS_SEED=N selects other moments. The tests kill the process; they do not simulate a power
cut.
"""

import errno
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from account import Account
from chance import LONG, draws
from mounting import Program, needs_root
from user_mount import AS_USER
from tools import END, PATIENCE, wait_until

JOBS = 150
AT_ONCE = 10  # kills per test, which must end before the guard ends it
KILLS = 200 if LONG else 20
SMALL = "cache_size=1M"  # holds a part of the account: texts are evicted all the time

# Activities of readers while the process is killed.
ACTIVITIES = {
    "listing": lambda root, names: [os.listdir(root / path) for path in
                                    ("all", "status/done", "date", "metadata/team/red")],
    "reading": lambda root, names: [(root / "all" / name).read_bytes() for name in names],
    "attributes": lambda root, names: [entry.stat() for entry in os.scandir(root / "all")],
}


def busy(root, names, activity, seed):
    """Repeats the activity until the mount is dead."""
    draw = random.Random(seed)
    try:
        while True:
            os.statvfs(root)  # fails at once, while files may be read from the kernel's cache
            draw.shuffle(names)
            ACTIVITIES[activity](root, names)
    except OSError:
        pass


def be_busy(root, names, activities, seed, inside):
    """Runs several activities at once, in a process of their own.

    Children of the test would inherit files that it has open in a dead mount, and would hang
    when they close them. The process works from inside the mount, so that it does not use the
    next mount at the same mount point.
    """
    os.chdir(root)
    threads = [threading.Thread(target=busy,
                                args=(Path("."), list(names), activity, seed + number))
               for number, activity in enumerate(activities)]
    for thread in threads:
        thread.start()
    inside.set()
    for thread in threads:
        thread.join()


def assert_sound(place, directory):
    """Copies the database of the killed process and asserts that SQLite finds no damage and
    that the totals are right."""
    for path in place.cache.iterdir():
        shutil.copy(path, directory / path.name)
    (copy,) = directory.glob("*.db")
    with sqlite3.connect(copy) as database:
        def one(sql):
            return database.execute(sql).fetchone()
        if one("SELECT count(*) FROM sqlite_master") == (0,):
            return  # killed before it wrote anything
        assert one("PRAGMA integrity_check") == ("ok",)
        assert one("SELECT jobs, bytes FROM totals") == one(
            "SELECT count(*), coalesce(sum(size), 0) FROM jobs WHERE seen >= 0 AND size >= 0")
        assert one("SELECT count(*) FROM chunks WHERE chunk / 8192 NOT IN"
                   " (SELECT job FROM jobs WHERE used IS NOT NULL)") == (0,)
    database.close()


class Victim:
    """Successive mounts on one mount point with one cache, which are killed."""

    def __init__(self, mount, place, account, draw):
        self.new_mount = mount
        self.place = place
        self.account = account
        self.draw = draw
        self.path = place.new_directory()
        self.size = "cache_size=1G"
        self.killed = []  # mounts, with their readers, that we have not waited for yet

    def mount(self):
        """Mounts again; asserts that the killed processes and their readers have ended."""
        one = self.new_mount(self.account.mock, "ttl=0", self.size, path=self.path)
        for killed, readers in self.killed:
            assert killed.wait() == -signal.SIGKILL
            readers.join(20)
            assert readers.exitcode == 0, "a call outlived the process"
        self.killed.clear()
        assert "aside" not in one.stderr and "cannot be used" not in one.stderr, one.stderr
        return one

    def kill_at_work(self):
        """Kills the process while several readers list and read, and texts are evicted."""
        one = self.mount()
        names = sorted(self.account.names())
        activities = [*ACTIVITIES, self.draw.choice(sorted(ACTIVITIES))]
        fork = multiprocessing.get_context("fork")
        inside = fork.Event()
        readers = fork.Process(target=be_busy, args=(one.path, names, activities,
                                                     self.draw.random(), inside))
        readers.start()
        assert inside.wait(20 * PATIENCE)
        time.sleep(self.draw.random() ** 2 * 0.4 * PATIENCE)
        one.kill()
        self.killed.append((one, readers))

    def kill_at_start(self):
        """Kills the process while it opens its cache, checks the key, or mounts."""
        program = Program(self.place, "-f", "-o", self.place.options("ttl=0", self.size),
                          self.account.mock.url, self.path)
        time.sleep(self.draw.random() * 0.06 * PATIENCE)
        program.process.kill()
        program.process.communicate()

    def forget_cache(self):
        for path in self.place.cache.glob("*.db*"):
            path.unlink()


@pytest.mark.parametrize("part", range(KILLS // AT_ONCE))
def test_killed(part, new_mock, mount, place, tmp_path):
    """SEMANTICS 11.4, 7.4, 7.1: after a kill, the next mount uses the cache and shows the account
    correctly."""
    draw = draws(f"killed {part}")
    mock = new_mock("--jobs", str(JOBS), "--bytes", "1500:100000", "--unfinished", "8",
                          "--seed", str(part + 1))
    account = Account(mock, draw)
    victim = Victim(mount, place, account, draw)
    for kill in range(AT_ONCE):
        victim.size = draw.choice([SMALL, "cache_size=1G"])
        account.change(draw.randint(0, 3))
        if draw.random() < 0.3:
            victim.forget_cache()
        (victim.kill_at_start if draw.random() < 0.2 else victim.kill_at_work)()
        if list(place.cache.glob("*.db")):
            copies = tmp_path / f"copy{kill}"
            copies.mkdir()
            assert_sound(place, copies)
        one = victim.mount()
        account.assert_shown(one.path, draw.sample(account.ids(), 20))
        one.unmount()


def test_killed_beside_another(new_mock, mount, place):
    """SEMANTICS 7.4, 11.4: if one of two mounts of an account is killed, the other goes on, and
    both show later changes of the account."""
    draw = draws("killed beside another")
    account = Account(new_mock("--jobs", str(JOBS), "--bytes", "1500:100000"), draw)
    witness = mount(account.mock, "ttl=0", SMALL)
    victim = Victim(mount, place, account, draw)
    victim.size = SMALL
    for _ in range(10 if LONG else 4):
        account.change(2)
        victim.kill_at_work()
        account.assert_shown(witness.path, draw.sample(account.ids(), 20))
    one = victim.mount()
    for path in (one.path, witness.path):
        account.assert_shown(path, account.ids())
    assert "aside" not in witness.stderr and "failed" not in witness.stderr, witness.stderr


def test_two_at_once(new_mock, mount):
    """SEMANTICS 7.4: two mounts of one account in use at the same time show its changes."""
    draw = draws("two at once")
    account = Account(new_mock("--jobs", str(JOBS), "--bytes", "1500:100000"), draw)
    two = [mount(account.mock, "ttl=0", SMALL) for _ in range(2)]
    for _ in range(30 if LONG else 6):
        account.change(2)
        sample = draw.sample(account.ids(), 20)
        wrong = []

        def list_it(one):
            try:
                account.assert_shown(one.path, sample)
            except (AssertionError, OSError) as error:
                wrong.append((one.path, error, one.stderr))
        threads = [threading.Thread(target=list_it, args=(one,)) for one in two]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong
    for one in two:
        assert "failed" not in one.stderr and "aside" not in one.stderr, one.stderr


def test_killed_with_a_blocked_notifier(new_mock, mount, reader):
    """SEMANTICS 11.4.3: if the process is killed while a notification waits in the kernel for a
    directory lock, and the reader that holds the lock waits for a reply, both end."""
    mock = new_mock("--jobs", "30", "--bytes", "1500:3000", "--unfinished", "0",
                          "--errors", "0")
    one = mount(mock, "ttl=0", "page_size=40")
    names = os.listdir(one.path / "status/done")
    assert len([os.stat(one.path / "status/done" / name) for name in names]) == 30
    mock.fault_lists("stall", query_contains="status=done")
    hanging = reader("ls", one.path / "status/done").hangs()
    mock.delete(names[-1].removesuffix(".json"))
    assert len(os.listdir(one.path / "all")) == 29
    held = f"/proc/{one.pid}/task"

    def is_held():
        return any(open(f"{held}/{task}/wchan", encoding="ascii").read()
                   == "fuse_reverse_inval_entry" for task in os.listdir(held))
    wait_until(is_held, "the kernel holds the notification")
    one.kill()
    assert one.wait() == -signal.SIGKILL
    assert hanging.result(20)[0] == 2


def test_one_that_does_not_answer(mock, mount):
    """SEMANTICS 11.4.2: a mount whose process neither ends nor answers can be replaced."""
    one = mount(mock)
    os.kill(one.pid, signal.SIGSTOP)
    try:
        two = mount(mock, path=one.path)
    finally:
        one.kill()
    assert one.wait() == -signal.SIGKILL
    assert os.listdir(two.path / "all") == []
    two.unmount()


@needs_root
def test_one_of_a_user_without_rights(user_mount, reader):
    """SEMANTICS 11.4: if an unprivileged user mounts over a mount that does not answer, the kernel
    aborts the old one: its readers get an error, and its process ends when it continues."""
    one = user_mount()
    os.kill(one.pid, signal.SIGSTOP)
    try:
        hanging = reader(*one.inside, *AS_USER, "ls", one.path / "all").hangs()
        two = user_mount(on=one)
        assert hanging.result(END)[0] == 2
    finally:
        os.kill(one.pid, signal.SIGCONT)
    assert one.process.wait(END * PATIENCE) == 0
    assert two.lists(AS_USER)


def test_aborted(mock, mount):
    """SEMANTICS 1.3.6, 11.4: if the kernel aborts the connection but keeps the mount, the process
    logs that and does not exit with 0, so that it is restarted; the next mount replaces it."""
    one = mount(mock)
    with os.scandir(one.path / "all"):  # the mount is busy, so it is not unmounted
        assert subprocess.run(["umount", "-f", one.path], capture_output=True,
                              check=False).returncode != 0
        assert one.wait() == 2
    assert "the kernel has aborted the mount" in one.stderr
    with pytest.raises(OSError) as dead:
        os.listdir(one.path)
    assert dead.value.errno == errno.ENOTCONN
    two = mount(mock, path=one.path)
    assert os.listdir(two.path / "all") == []
    two.unmount()


def test_would_fail(new_mock, mount):
    """Mutation test: assert_shown() fails if a text or a listing is wrong."""
    draw = draws("control")
    mock = new_mock("--jobs", "30", "--bytes", "1500:3000")
    account = Account(mock, draw)
    one = mount(mock, "ttl=0")
    account.assert_shown(one.path, account.ids())
    job_id = account.ids("done")[0]
    account.texts[job_id] += b" "
    with pytest.raises(AssertionError):
        account.assert_shown(one.path, [job_id])
    account.texts[job_id] = account.texts[job_id][:-1]
    mock.fault_lists("drop_item", index=1)
    with pytest.raises((AssertionError, OSError)):
        account.assert_shown(one.path, [job_id])
