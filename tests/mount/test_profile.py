# SPDX-License-Identifier: MIT
"""SEMANTICS 1.10: accounts by name."""

import os

import pytest

from mounting import PROGRAM
from tools import mounts, names_of, run

FAILED, USAGE = 32, 1


@pytest.fixture
def profile(place):
    """Writes a profile: profile("work", mock, "ttl=1"…)."""
    config = place.home / ".config/gladiafs"
    config.mkdir(parents=True)

    def make(name, mock, *lines):
        (config / f"{name}.conf").write_text(
            "\n".join([f"url={mock.url}", f"cache_dir={place.cache}", *lines]) + "\n")
        key = config / f"{name}.key"
        key.touch(mode=0o600)
        key.write_text(mock.key + "\n", encoding="ascii")
        return config
    return make


def test_two_accounts(account, new_mock, profile, mount):
    """SEMANTICS 1.10.4: each account has its own key and cache; mount and df show its name."""
    other = new_mock("--jobs", "3", "--seed", "9", key="another-key")
    profile("work", account)
    profile("home", other)
    for name, mock in ("work", account), ("home", other):
        one = mount(mock, "!key_file", "!cache_dir", source=[name])
        assert set(os.listdir(one.path / "all")) == names_of(mock.jobs())
        assert mounts()[str(one.path)] == ("fuse.gladiafs", name)
        assert run("df", "--output=source", one.path).split()[-1] == name


def test_live(new_mock, profile, mount):
    """SEMANTICS 1.11.1: a profile can be for the live sessions of an account."""
    one = new_mock("--jobs", "3", "--live", "2")
    profile("talks", one, "kind=live")
    path = mount(one, "!key_file", "!cache_dir", source=["talks"]).path
    assert set(os.listdir(path / "all")) == names_of(one.live().jobs())


def test_missing_key(account, profile, program, place):
    """The key of another account is not used in its place."""
    config = profile("work", account)
    (place.home / ".gladia").touch(mode=0o600)
    (place.home / ".gladia").write_text(account.key)
    (config / "work.key").unlink()
    code, _, err = program("work", place.new_directory())
    assert code == FAILED and f"there is no key file {config}/work.key" in err


def test_typo(account, profile, program, place):
    """SEMANTICS 1.10.3"""
    config = profile("work", account, "", "alow_other")
    code, _, err = program("work", place.new_directory())
    assert code == USAGE
    assert f"{config}/work.conf:4: unknown option" in err and "allow_other?" in err


def test_as_mount_helper(account, profile, mount, place, program):
    """As mount(8) calls it for a line of fstab whose first word is the name."""
    profile("work", account)
    path = place.new_directory()
    helper = place.directory / "mount.gladiafs"
    helper.symlink_to(PROGRAM)
    code, out, err = program("work", path, "-o", "rw,noauto", argv0=helper)
    try:
        assert (code, err) == (0, ""), out
        assert mounts()[str(path)] == ("fuse.gladiafs", "work")
    finally:
        run("fusermount3", "-u", path)


def test_check(account, profile, program):
    profile("work", account)
    _, out, _ = program("--check", "work")
    lines = {line.split()[1]: line for line in out.splitlines()}
    assert lines["network"].startswith("ok") and account.url in lines["network"]
    assert lines["key"].startswith("ok") and "work.key" in lines["key"]
