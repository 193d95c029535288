# SPDX-License-Identifier: MIT
"""SEMANTICS 7.7: `gladiafs --cache`, and the cache of an account whose key was replaced."""

import os
import time

import pytest

from layout import pretty
from tools import read

NEW_KEY = "another-key-5f1e"
DAY = 24 * 60 * 60


def databases(place):
    return sorted(place.cache.glob("*.db"))


def grow_old(place, days):
    """Makes the files of the cache look as if they had not been used for so long."""
    then = time.time() - days * DAY
    for path in place.cache.iterdir():
        os.utime(path, (then, then))


@pytest.fixture
def cache(program, place):
    """Runs gladiafs --cache. Returns the lines of its output."""
    def run_it(word="--cache"):
        code, out, err = program(word, "-o", f"cache_dir={place.cache}")
        assert (code, err) == (0, "")
        return out.splitlines()
    return run_it


@pytest.fixture
def used(account, mount):
    """A mount that has filled its cache."""
    one = mount(account)
    assert len(os.listdir(one.path / "all")) == 250
    return one


def test_list(account, used, place, cache):
    """SEMANTICS 7.7.1"""
    (database,) = databases(place)
    (line,) = cache()
    assert line.startswith(f"{account.url}  250 jobs, ") and "MB, in use, " in line
    assert line.endswith(str(database))
    used.unmount()
    (line,) = cache()
    assert f"last used {time.strftime('%Y-%m-%d', time.gmtime())}" in line


def test_none(place, cache):
    place.cache.mkdir(mode=0o700)
    assert cache() == ["there are no caches"]


def test_clean(used, new_mock, mount, place, cache):
    """SEMANTICS 7.7.2"""
    used.unmount()
    grow_old(place, 91)
    other = mount(new_mock("--jobs", "3", "--seed", "9"))
    other.unmount()
    removed, = [line for line in cache("--cache=clean") if line.endswith(": removed")]
    assert used.mock.url in removed
    (line,) = cache()
    assert other.mock.url in line
    assert {path.name.partition(".")[0] for path in place.cache.iterdir()} == {
        databases(place)[0].stem}


def test_not_old_enough(used, place, cache):
    used.unmount()
    grow_old(place, 89)
    assert "removed" not in cache("--cache=clean")[0]
    assert len(databases(place)) == 1


def test_clean_all(used, place, cache):
    """SEMANTICS 7.7.3: a cache in use stays."""
    assert "removed" not in cache("--cache=clean-all")[0]
    os.listdir(used.path / "all")
    used.unmount()
    assert cache("--cache=clean-all")[0].endswith(": removed")
    assert list(place.cache.iterdir()) == []


def test_bad_value(program):
    code, out, err = program("--cache=clear")
    assert (code, out) == (1, "") and "clean or clean-all" in err


def rotate(account, place):
    account.modes(key=NEW_KEY)
    place.write_key(NEW_KEY)


def test_key_was_replaced(account, used, mount, place):
    """SEMANTICS 7.7.4: the texts are not fetched again, and the cache has the new key's name."""
    (before,) = databases(place)
    used.unmount()
    rotate(account, place)
    new = account.create(text="After the old key.")
    two = mount(account)
    two.await_message("using the cache of the same account's earlier key")
    old = account.jobs(status="done")[-1]["id"]
    assert old != new
    assert read(two.path / "all" / f"{old}.json") == pretty(account.body(old))
    assert two.requests() == []
    (after,) = databases(place)
    assert after != before
    two.unmount()
    three = mount(account)
    assert account.log()[-1].limit == 1
    assert "earlier key" not in three.stderr


def test_another_account(used, new_mock, mount, place):
    """The cache of another account is left alone."""
    used.unmount()
    mount(new_mock("--jobs", "3", "--seed", "9")).unmount()
    assert len(databases(place)) == 2


def test_other_mount_uses_it(account, used, mount, place):
    """A cache that is in use is left alone."""
    rotate(account, place)
    two = mount(account)
    assert len(databases(place)) == 2
    two.unmount()
    assert len(os.listdir(used.path / "all")) == 250


def test_another_url(account, used, mount, place):
    """The cache for another API URL is left alone."""
    used.unmount()
    rotate(account, place)
    mount(account, source=[f"http://localhost:{account.port}"]).unmount()
    assert len(databases(place)) == 2


def test_without_a_marker(account, used, mount, place):
    """A cache that may be in use on another machine is left alone."""
    used.unmount()
    (marker,) = place.cache.glob("*-boot")
    marker.unlink()
    rotate(account, place)
    mount(account).unmount()
    assert len(databases(place)) == 2
