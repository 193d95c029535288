# SPDX-License-Identifier: MIT
"""SEMANTICS 7.4: a cache that is damaged, cut, foreign, of another version, read-only or full is
set aside or not used, with a log message; the mount shows the account correctly."""

import errno
import os
import sqlite3

import pytest

from chance import draws
from layout import pretty
from mounting import await_orphans, children, needs_root, run_quietly
from tools import names_of, read, run


def database(place):
    (path,) = place.cache.glob("*.db")
    return path


def spoil(change):
    """Returns a function that changes the bytes of a file."""
    return lambda path: path.write_bytes(change(path.read_bytes()))


def by_sql(*statements):
    """Returns a function that changes a database with SQL statements."""
    def change(path):
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
    return change


def foreign(path):
    path.unlink()
    by_sql("CREATE TABLE bookmarks(url TEXT)", "INSERT INTO bookmarks VALUES('precious')")(path)


def a_page(data, change):
    """Changes the last database page but one."""
    return data[:-8192] + change(data[-8192:-4096]) + data[-4096:]


ASIDE = {
    "text": spoil(lambda data: b"this is no database" * 1000),
    "half": spoil(lambda data: data[:len(data) // 2]),
    "cut_in_a_page": spoil(lambda data: data[:10000]),
    "header": spoil(lambda data: draws("damage").randbytes(100) + data[100:]),
    "zeros": spoil(lambda data: bytes(len(data))),
    "hole": spoil(lambda data: data[:9000] + bytes(30000) + data[39000:]),
    "foreign": foreign,
    "newer": by_sql("PRAGMA user_version = 99"),
    "older": by_sql("PRAGMA user_version = 1"),
    "without_a_table": by_sql("DROP TABLE chunks"),
    "row": by_sql("UPDATE jobs SET status = 77"),
}

# Damage that is found only when the damaged part is used, or never, and is harmless then.
ANY = {
    "page": spoil(lambda data: a_page(data, lambda page: draws("damage").randbytes(len(page)))),
    "zero_page": spoil(lambda data: a_page(data, lambda page: bytes(len(page)))),
    "empty": spoil(lambda data: b""),
    "journal": lambda path: path.with_name(path.name + "-journal").write_bytes(
        draws("damage").randbytes(50000)),
}


def fill(account, mount):
    one = mount(account)
    for name in os.listdir(one.path / "all"):
        read(one.path / "all" / name)
    one.unmount()


def assert_shows_all(one, account):
    """Asserts that a mount shows all names, and the right texts."""
    assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
    for job in account.jobs()[::5]:
        assert read(one.path / "all" / (job["id"] + ".json")) == pretty(account.body(job["id"]))


def assert_shows_nothing_wrong(one, account):
    """Asserts that what a mount shows is right. Calls that find damage may fail."""
    def shows(action, right):
        try:
            shown = action()
        except OSError as error:
            assert error.errno == errno.EIO, one.stderr
        else:
            assert shown == right, one.stderr

    shows(lambda: set(os.listdir(one.path / "all")), names_of(account.jobs()))
    for job in account.jobs()[::5]:
        path = one.path / "all" / (job["id"] + ".json")
        shows(lambda path=path: read(path), pretty(account.body(job["id"])))


@pytest.mark.parametrize("kind", ASIDE)
def test_set_aside(account, mount, place, kind):
    """SEMANTICS 7.4.4: the damaged file is set aside and kept, and a new one is created, at the
    latest by the next mount."""
    fill(account, mount)
    ASIDE[kind](database(place))
    size = database(place).stat().st_size
    one = mount(account)
    try:
        os.listdir(one.path / "all")
        read(one.path / "all" / sorted(names_of(account.jobs()))[0])
    except OSError:
        # The damage was found in use: a call fails, and the next mount starts with a new file.
        one.unmount()
        assert "aside" in one.stderr
        one = mount(account)
    else:
        assert "aside" in one.stderr, one.stderr
    assert_shows_all(one, account)
    (aside,) = place.cache.glob("*.damaged")
    assert aside.stat().st_size == size


@pytest.mark.parametrize("kind", ANY)
def test_found_in_use(account, mount, place, kind):
    """No byte is wrong, wherever the damage is; the next mount works without an error."""
    fill(account, mount)
    ANY[kind](database(place))
    one = mount(account)
    assert_shows_nothing_wrong(one, account)
    one.unmount()
    two = mount(account)
    assert_shows_all(two, account)
    two.unmount()


def assert_without(account, mount):
    """Asserts that a mount shows everything and logs once that it continues without a cache."""
    one = mount(account)
    assert_shows_all(one, account)
    one.unmount()
    (sentence,) = [line for line in one.stderr.splitlines() if "cannot be used" in line]
    assert "continuing without" in sentence and "cache_dir" in sentence


@pytest.mark.parametrize("what", ["directory", "fifo", "link"])
def test_no_file(account, mount, place, what):
    fill(account, mount)
    path = database(place)
    path.unlink()
    if what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(place.directory / "elsewhere")
    before = children()
    assert_without(account, mount)
    await_orphans(before)
    assert not (place.directory / "elsewhere").exists()


@needs_root
def test_of_another_user(account, mount, place):
    fill(account, mount)
    os.chown(database(place), 12345, 12345)
    assert_without(account, mount)


@pytest.fixture
def disk(place):
    """Mounts a small filesystem on the cache directory: disk(options…)."""
    place.cache.mkdir(mode=0o700)

    def make(*options):
        run("mount", "-t", "tmpfs", "-o", ",".join(["mode=0700", *options]), "tmpfs",
            place.cache)
    yield make
    run_quietly("umount", "-l", place.cache)


@needs_root
@pytest.mark.parametrize("filled", [False, True])
def test_read_only(account, mount, place, disk, filled):
    """A read-only filesystem, with or without a cache on it, means no cache."""
    disk("size=64M")
    if filled:
        fill(account, mount)
    run("mount", "-o", "remount,ro", place.cache)
    assert_without(account, mount)


@needs_root
def test_full_at_first(account, mount, place, disk):
    disk("size=256k")
    (place.cache / "other").write_bytes(bytes(230 << 10))
    assert_without(account, mount)


@needs_root
def test_full_in_use(new_mock, mount, place, disk):
    """If the disk fills up during a listing, the mount goes on in memory; once there is space, it
    writes to the cache again. test_full_disk.py has more tests."""
    account = new_mock("--jobs", "1000", "--bytes", "20000", "--unfinished", "0")
    disk("size=2M")
    one = mount(account, "ttl=0")
    assert_shows_all(one, account)
    one.await_message("is nearly full")
    run("mount", "-o", "remount,size=64M", place.cache)
    assert_shows_all(one, account)
    one.unmount()
    two = mount(account)
    assert_shows_all(two, account)
    assert "aside" not in one.stderr + two.stderr


def test_would_fail(account, mount):
    """Mutation test: assert_shows_all() fails if the account has changed."""
    one = mount(account)
    assert_shows_all(one, account)
    account.delete(account.jobs()[0]["id"])
    with pytest.raises(AssertionError):
        assert_shows_all(one, account)
