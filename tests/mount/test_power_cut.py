# SPDX-License-Identifier: MIT
"""SEMANTICS 7.4, 4.3: the power fails while a mount is in use; after the next boot nothing
half-written is shown.

The cache is on its own disk, a file, which is shut down as by a power cut: whatever Linux had not
written yet is lost (ext4's shutdown, as the tests of filesystems use it). Random parts of the
cache's file are written before, so that pages of different ages are mixed. The next boot is a mount
namespace with another boot_id.
"""

import ctypes
import os
import signal
import subprocess
from pathlib import Path

import pytest

from account import Account
from chance import LONG, draws
from mounting import Program, alone, await_orphans, children, needs_root, run_quietly
from tools import END, LIBC, PATIENCE, Stopwatch, run, wait_until

pytestmark = needs_root

CUTS = 100 if LONG else 8
SYNC_FILE_RANGE = 1 | 2 | 4  # sync_file_range(2): wait, write, wait
IN_ANOTHER_BOOT = """
mount --bind "$1" /proc/sys/kernel/random/boot_id
shift
exec "$@"
"""


class Disk:
    """A filesystem in a file."""

    def __init__(self, directory):
        self.image = directory / "disk.img"
        self.path = directory / "disk"
        self.path.mkdir()
        run("truncate", "-s", "64M", self.image)
        run("mkfs.ext4", "-q", self.image)
        run("mount", "-o", "loop", self.image, self.path)

    def cut_off(self):
        run("xfs_io", "-x", "-c", "shutdown", self.path)

    def back(self):
        """Mounts the disk again once no mount namespace, including those of other tests, uses
        it."""
        run("umount", self.path)
        wait_until(lambda: not run("losetup", "-j", self.image), "it is unmounted everywhere")
        run("mount", "-o", "loop", self.image, self.path)


@pytest.fixture(name="disk")
def fixture_disk(tmp_path):
    if subprocess.run(["losetup", "-f"], capture_output=True, check=False).returncode != 0:
        pytest.skip("there are no loop devices here, as in a container")
    disk = Disk(tmp_path)
    yield disk
    run_quietly("umount", disk.path)


class NextBoot:
    """A mount after a simulated reboot."""

    def __init__(self, place, mock, *options, boot="11111111-2222-3333-4444-555555555555"):
        boot_id = place.directory / "boot_id"
        boot_id.write_text(boot + "\n", encoding="ascii")
        path = place.new_directory()
        self.program = Program(place, "-f", "-o", place.options(*options), mock.url, path,
                               wrapper=alone(IN_ANOTHER_BOOT, boot_id))
        self.process = self.program.process
        self.path = Path(f"/proc/{self.process.pid}/root{path}")

    def __enter__(self):
        wait_until(lambda: self.process.poll() is not None or (self.path / "all").is_dir(),
                   "it is mounted", END * PATIENCE)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code, _, err = self.program.end()
        assert code == 0, err


def write_out_parts(path, draw):
    """Writes some of the pages to the disk but not others, as Linux does over time."""
    with open(path, "rb") as file:
        pages = os.fstat(file.fileno()).st_size // 4096
        for _ in range(draw.randint(1, 6)):
            page = draw.randrange(pages or 1)
            LIBC.sync_file_range(file.fileno(), ctypes.c_int64(page * 4096),
                                 ctypes.c_int64(draw.choice([1, 4, 64]) * 4096),
                                 SYNC_FILE_RANGE)


def work(root, account, draw):
    """Lists and reads while the account changes."""
    for _ in range(draw.randint(1, 8)):
        draw.choice([
            lambda: os.listdir(root / "all"),
            lambda: [(root / "all" / f"{job_id}.json").read_bytes()
                     for job_id in draw.sample(account.ids(), 30)],
            account.change])()
        yield


@pytest.fixture(name="cut")
def fixture_cut(new_mock, mount, place, disk):
    """Returns a function that uses a mount, cuts its power, and returns the account."""
    place.cache = disk.path / "cache"
    draw = draws("power cut")
    account = Account(new_mock("--jobs", "150", "--bytes", "1500:100000",
                                  "--unfinished", "8"), draw)

    def cut():
        one = mount(account.mock, "ttl=0", draw.choice(["cache_size=1M", "cache_size=1G"]))
        for _ in work(one.path, account, draw):
            for path in place.cache.glob("*.db"):
                write_out_parts(path, draw)
            if draw.random() < 0.3:
                run("sync", "-f", disk.path)
        disk.cut_off()
        one.kill()
        assert one.wait() == -signal.SIGKILL
        disk.back()
        return account
    return cut


def test_power_cut(cut, place):
    """SEMANTICS 7.4, 4.3: the mount is right, whatever part of the cache was on the disk."""
    for _ in range(CUTS):
        account = cut()
        with NextBoot(place, account.mock, "ttl=0") as two:
            account.assert_shown(two.path, account.ids())
        assert "went down" in two.program.stderr, two.program.stderr


def test_disk_that_hangs(new_mock, mount, place, disk):
    """SEMANTICS 7.6.4, 1.5: SIGTERM ends a mount whose disk hangs; the crash marker is cleared once
    the disk works again."""
    place.cache = disk.path / "cache"
    mock = new_mock("--jobs", "20")
    before = children()
    one = mount(mock)
    assert len(os.listdir(one.path / "all")) == 20
    (mark,) = place.cache.glob("*-boot")
    run("fsfreeze", "-f", disk.path)
    try:
        os.kill(one.pid, signal.SIGTERM)
        with Stopwatch() as watch:
            assert one.wait() == 0
        assert mark.read_bytes()[:1] != b"\n"
    finally:
        run("fsfreeze", "-u", disk.path)
    assert watch.seconds < 1 * PATIENCE
    await_orphans(before)
    assert mark.read_bytes()[:1] == b"\n"


def test_would_fail(cut, place):
    """Mutation test: if the reboot is not noticed, the lost data is detected."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    def be_cut():
        account = cut()
        with NextBoot(place, account.mock, "ttl=0", boot=boot) as two:
            account.assert_shown(two.path, account.ids())
        assert "the cache" not in two.program.stderr
    with pytest.raises((AssertionError, OSError)):
        for _ in range(40):
            be_cut()


def test_cut_after_unmount(new_mock, mount, place, disk):
    """SEMANTICS 7.4, 7.5: after an orderly unmount the cache is on the disk and is trusted:
    everything can be read without the API."""
    place.cache = disk.path / "cache"
    account = Account(new_mock("--jobs", "150", "--bytes", "1500:100000",
                                  "--unfinished", "0"), draws("cut afterwards"))
    before = children()
    one = mount(account.mock, "ttl=0")
    account.assert_shown(one.path, account.ids())
    one.unmount()
    await_orphans(before)
    disk.cut_off()
    disk.back()
    assert account.mock.stop()
    with NextBoot(place, account.mock, "offline_ok") as two:
        account.assert_shown(two.path, account.ids())
    assert "the cache" not in two.program.stderr, two.program.stderr
