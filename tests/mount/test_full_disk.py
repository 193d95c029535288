# SPDX-License-Identifier: MIT
"""SEMANTICS 7.4: on a full disk old texts are evicted to make room. If there are none, the mount
continues without caching. A reader always gets the text."""

import contextlib
import json
import os
import subprocess

import pytest

from mounting import PROGRAM, Program, environment, needs_root
from tools import END, PATIENCE, names_of, read, run, wait_for_mount, wait_until

JOBS = 2400
SIZE = 8 << 20  # size of the disk; the account's texts, compressed, need three times as much

pytestmark = needs_root


@pytest.fixture
def disk(place):
    """A small disk for the cache."""
    place.cache.mkdir(mode=0o700)
    run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "none", place.cache)
    yield place.cache
    run("umount", "-l", place.cache)


@pytest.fixture
def large(new_mock):
    return new_mock("--jobs", str(JOBS), "--bytes", "30000:50000", "--unfinished", "5")


def fill(disk):
    """Fills the disk to the last byte, as another program would."""
    with contextlib.suppress(OSError), open(disk / "else", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert os.statvfs(disk).f_bavail == 0


def assert_readable(one, large):
    """Checks that all names are listed and that every file has the correct text and size."""
    names = os.listdir(one.path / "all")
    assert set(names) == names_of(large.jobs())
    for name in names:
        text = read(one.path / "all" / name)
        assert json.loads(text)["id"] == name[:-5]
        assert len(text) == os.stat(one.path / "all" / name).st_size


def test_cache_fills_it(disk, large, mount):
    """SEMANTICS 7.4.8: If the cache itself fills the disk, it leaves some space to others."""
    one = mount(large)
    assert_readable(one, large)
    assert_readable(one, large)
    assert os.statvfs(disk).f_bavail > 0
    one.unmount()
    assert one.stderr.count("is nearly full") == 1 and "failed" not in one.stderr


def test_others_fill_it(disk, large, mount):
    """Another program fills the disk while it is in use. Once there is space again, the listing in
    memory is saved."""
    one = mount(large, "ttl=0")
    os.listdir(one.path / "all")
    fill(disk)
    assert_readable(one, large)
    large.create(count=20)
    assert_readable(one, large)
    (disk / "else").unlink()
    wait_until(lambda: os.listdir(one.path / "all") and os.statvfs(disk).f_bavail,
               "there is space")
    one.unmount()
    assert "failed" not in one.stderr
    two = mount(large)
    two.requests()
    os.listdir(two.path / "all")
    # The listing was saved and need not be read again.
    assert len([entry for entry in two.requests() if entry.lists]) < 10
    assert_readable(two, large)


def test_full_from_the_start(disk, large, mount):
    """SEMANTICS 7.4.3: If there is never any space, even small unfinished jobs can be read."""
    mount(large).unmount()
    fill(disk)
    one = mount(large)
    assert_readable(one, large)
    names = os.listdir(one.path / "status" / "processing")
    assert names
    for name in names:
        assert read(one.path / "status" / "processing" / name)
    one.unmount()
    assert "failed" not in one.stderr


def use_all_inodes(disk):
    """Fills the disk with empty files."""
    with contextlib.suppress(OSError):
        for number in range(1000):
            (disk / f"else{number}").touch()
    assert os.statvfs(disk).f_favail == 0


@pytest.fixture
def small(new_mock):
    return new_mock("--jobs", "60", "--bytes", "20000:30000", "--unfinished", "3")


@pytest.mark.parametrize("fault", ["inodes", "mode"])
def test_no_new_files(disk, small, mount, fault):
    """If there can be no journal, because the disk takes no new files or the directory is not
    writable any more, the journal is in memory and the cache is written nevertheless."""
    run("mount", "-o", "remount,nr_inodes=20,size=100M", disk)
    one = mount(small, "ttl=0")
    if fault == "inodes":
        use_all_inodes(disk)
    else:
        disk.chmod(0o500)
    assert_readable(one, small)
    for path in disk.glob("else*"):
        path.unlink()
    disk.chmod(0o700)
    one.unmount()
    assert one.complaints == ""
    two = mount(small)
    assert_readable(two, small)
    assert not [entry for entry in two.requests() if not entry.lists]


@pytest.fixture
def failing_disk(place):
    """A disk to which the kernel stops writing after an error, as ext4 does: fail()."""
    image = place.directory / "image"
    place.cache.mkdir()
    run("truncate", "-s", "64M", image)
    run("mkfs.ext4", "-q", image)
    if subprocess.run(["mount", "-o", "loop", image, place.cache], check=False).returncode:
        pytest.skip("there are no loop devices here, as in a container")
    place.cache.chmod(0o700)
    yield lambda: run("mount", "-o", "remount,abort", place.cache)
    run("umount", "-l", place.cache)


def test_read_only(failing_disk, small, mount):
    """SEMANTICS 7.4: if the disk becomes read-only, at most the call that finds it out fails; then
    the mount continues in memory."""
    one = mount(small, "ttl=0")
    failing_disk()
    with contextlib.suppress(OSError):
        os.listdir(one.path / "all")
    assert_readable(one, small)
    small.create(count=20)
    assert_readable(one, small)
    one.await_message("cannot be written")
    one.unmount()


def test_no_space_for_a_new_file(place, small):
    """If the database cannot be created, the message has SQLite's reason."""
    path = place.new_directory()
    program = Program(place, "-f", "-o", place.options(), small.url, path,
                      wrapper=["prlimit", "--fsize=20000"])
    try:
        assert wait_for_mount(path, program.process)
        assert len(os.listdir(path / "all")) == len(small.jobs())
    finally:
        program.process.terminate()
        assert program.process.wait(END * PATIENCE) == 0, program.stderr
    assert "cannot be used: disk I/O error" in program.stderr, program.stderr


def test_killed(disk, large, mount):
    """After a crash the cache is sound, or set aside."""
    for _ in range(5):
        one = mount(large)
        names = os.listdir(one.path / "all")
        for name in names[:100]:
            read(one.path / "all" / name)
        one.kill()
        one.wait()
        run("umount", "-l", one.path)
    assert_readable(mount(large), large)


def test_fetch(disk, large, mount, place):
    """SEMANTICS 1.7.5: a text that is only in memory does not count as cached."""
    mount(large).unmount()
    fill(disk)
    one = mount(large)
    done = subprocess.run([PROGRAM, "--fetch", one.path], stdin=subprocess.DEVNULL, timeout=60,
                          capture_output=True, text=True, check=False,
                          env=environment(place.home))
    assert done.returncode == 2, done.stderr
    assert "not all texts are cached" in done.stderr and "is full" in done.stderr
