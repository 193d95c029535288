# SPDX-License-Identifier: MIT
"""SEMANTICS 1.5: SIGHUP reads the key again. A key file on a filesystem that does not answer blocks
nothing."""

import os
import select
import signal
import struct

import pytest

from mounting import needs_root
from tools import END, LIBC, PATIENCE, Stopwatch, run, wait_until

NEW_KEY = "another-key-5f1e"
NO_ANSWER = "its filesystem does not answer"

pytestmark = needs_root


class SilentFilesystem:
    """A FUSE filesystem that stops answering once it is mounted. The kernel has already passed the
    request to a process, so not even SIGKILL ends a process that waits for an answer."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0"
        assert LIBC.mount(b"silent", os.fsencode(path), b"fuse", 0, options.encode()) == 0
        unique = struct.unpack_from("=IIQ", self.read())[2]
        init = struct.pack("=IIIIHHIIHH32x", 7, 31, 0, 0, 12, 9, 1 << 16, 1, 32, 0)
        os.write(self.device, struct.pack("=IiQ", 16 + len(init), 0, unique) + init)

    def read(self):
        """Returns the next request."""
        assert select.select([self.device], [], [], END * PATIENCE)[0], "no request comes"
        return os.read(self.device, 1 << 18)

    def close(self):
        """Ends the filesystem: all waiting processes get an error."""
        if self.device is not None:
            os.close(self.device)
            self.device = None
            run("umount", "-l", self.path)


@pytest.fixture
def link(place):
    """The key file as a link that can be redirected."""
    path = place.directory / "link"
    path.symlink_to(place.key_file)
    return path


@pytest.fixture
def silent(place):
    one = SilentFilesystem(place.directory / "silent")
    yield one
    one.close()


@pytest.fixture
def hanging(account, mount, link, silent):
    """A mount that got SIGHUP and whose key file does not answer."""
    one = mount(account, f"key_file={link}")
    assert len(os.listdir(one.path / "all")) == len(account.jobs())
    point_to(link, silent.path / "key")
    os.kill(one.pid, signal.SIGHUP)
    silent.read()
    return one


def point_to(link, where):
    link.unlink()
    link.symlink_to(where)


def test_it_goes_on(account, hanging):
    """The mount keeps using the old key, before and after the log reports the problem."""
    with Stopwatch() as watch:
        assert os.listdir(hanging.path / "status/done")
    assert watch.seconds < PATIENCE
    new = account.create(text="Just now.")
    wait_until(lambda: NO_ANSWER in hanging.stderr, "it is logged")
    wait_until(lambda: new + ".json" in os.listdir(hanging.path / "all"), "SIGHUP refreshes")
    assert hanging.complaints.count("\n") == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("how", ["SIGTERM", "umount"])
def test_it_ends(hanging, late, how):
    """The mount ends although the process that reads the key does not."""
    if late:
        wait_until(lambda: NO_ANSWER in hanging.stderr, "it is logged")
    with Stopwatch() as watch:
        if how == "umount":
            hanging.unmount()
        else:
            os.kill(hanging.pid, signal.SIGTERM)
            assert hanging.wait() == 0
    assert watch.seconds < PATIENCE
    assert not hanging.is_mounted()


@pytest.mark.parametrize("late", [False, True])
def test_new_key_afterwards(account, hanging, link, silent, place, late):
    """A later SIGHUP reads the new key, even if it arrives while the key file does not answer."""
    if late:
        wait_until(lambda: NO_ANSWER in hanging.stderr, "it is logged")
    account.modes(key=NEW_KEY)
    place.write_key(NEW_KEY)
    point_to(link, place.key_file)
    os.kill(hanging.pid, signal.SIGHUP)
    if late:
        wait_until(lambda: hanging.stderr.count(NO_ANSWER) == 2, "it is logged again")
    silent.close()
    wait_until(lambda: can_list(hanging.path / "status/done"), "the new key is used")
    hanging.await_message("cannot open")


def test_one_process(hanging):
    """Only one process reads the key, no matter how many SIGHUPs arrive."""
    children = f"/proc/{hanging.pid}/task/{hanging.pid}/children"
    for _ in range(5):
        os.kill(hanging.pid, signal.SIGHUP)
        assert os.listdir(hanging.path)
    with open(children, encoding="ascii") as pids:
        assert len(pids.read().split()) == 1


def can_list(path):
    try:
        return bool(os.listdir(path))
    except OSError:
        return False
