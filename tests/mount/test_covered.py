# SPDX-License-Identifier: MIT
"""SEMANTICS 11.5: the program refuses a mount that would hide files it needs, and goes on if they
are covered by a later mount."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from mounting import PROGRAM, environment, needs_root
from tools import mounts, run, wait_until


CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class Refused:
    """A mount attempt that must fail at once, with a message that names the file in the way."""

    def __init__(self, program, mock, where, options, named, env=None):
        code, _, err = program("-o", options, mock.url, where, env=env)
        try:
            assert code == 32, err
            assert str(where) not in mounts()
        finally:
            if str(where) in mounts():
                run("umount", "-l", where)
        assert f"cannot mount on {where}: " in err and f" ({named}" in err, err
        assert len(err.splitlines()) == 1
        self.sentence = err


@pytest.fixture
def refused(program, mock):
    return lambda *words, **more: Refused(program, mock, *words, **more).sentence


class TestBelowTheMountPoint:

    def test_home(self, refused, place):
        """`gladiafs ~` is refused, because it would hide the cache."""
        sentence = refused(place.home, f"key_file={place.key_file}", place.home / ".cache/gladiafs",
                           env=environment(place.home))
        assert "-o cache_dir=PATH" in sentence

    @pytest.mark.parametrize("needed, remedy", [
        ("cache", "-o cache_dir=PATH"), ("key", "-o key_file=PATH"), ("ca_file", "-o ca_file=PATH"),
        ("TMPDIR", "set TMPDIR"), ("/etc", "another mount point")])
    def test_needed_files(self, refused, place, needed, remedy):
        """SEMANTICS 11.5.1"""
        where = Path("/etc") if needed == "/etc" else place.new_directory()
        file = where if needed == "/etc" else where / "deep" / needed
        options, env = place.options(), environment(place.home)
        if needed == "cache":
            options = f"key_file={place.key_file},cache_dir={file}"
        elif needed == "TMPDIR":
            file.mkdir(parents=True)
            options, env = place.options("cache=off"), {**env, "TMPDIR": str(file)}
        elif needed != "/etc":
            file.parent.mkdir()
            shutil.copy(place.key_file if needed == "key" else CERTIFICATES, file)
            options = f"key_file={file},cache_dir={place.cache}" if needed == "key" \
                else place.options(f"ca_file={file}")
        assert remedy in refused(where, options, file, env=env)

    @pytest.mark.parametrize("way", ["link", "through"])
    def test_cache_dir(self, refused, place, way):
        where = place.new_directory()
        if way == "link":
            (place.home / "link").symlink_to(where)
            cache = place.home / "link" / "cache"
        else:
            cache = f"{where}/../{place.cache.name}"
        refused(where, f"key_file={place.key_file},cache_dir={cache}", cache)

    @pytest.mark.parametrize("way", ["link", "through"])
    def test_key_file(self, refused, place, way):
        where = place.new_directory()
        key = where / "key"
        shutil.move(place.key_file, key)
        if way == "link":
            (place.home / "key").symlink_to(key)
            key = place.home / "key"
        else:
            # The path goes through a link in the mount point, but the key is outside.
            shutil.move(key, place.key_file)
            (where / "out").symlink_to(place.key_file)
            (place.home / "key").symlink_to(where / "out")
            key = place.home / "key"
        sentence = refused(where, f"cache_dir={place.cache},key_file={key}", key)
        assert "-o key_file=PATH" in sentence

    def test_unused_tmpdir(self, mount, mock, place):
        """With a cache on disk, the program creates no files in TMPDIR, so it may be hidden."""
        where = place.new_directory()
        (where / "tmp").mkdir()
        env = environment(place.home, TMPDIR=str(where / "tmp"))
        mount(mock, path=where, env=env).unmount()

    @needs_root
    def test_bind_mount(self, refused, place):
        where, other = place.new_directory(), place.new_directory()
        run("mount", "--bind", where, other)
        try:
            refused(where, f"key_file={place.key_file},cache_dir={other}", other)
        finally:
            run("umount", other)

    def test_fake(self, program, mock, place):
        """`mount -f` is refused, too."""
        where = place.new_directory()
        code, _, err = program(mock.url, where, "-f", "-o",
                               place.options(f"cache_dir={where}"), argv0=helper(place))
        assert code == 32 and str(where) in err


def key_is_read(one, path, good):
    """Sends SIGHUP and waits until the API accepts (`good`) or rejects the key that is read."""
    os.kill(one.pid, signal.SIGHUP)
    wait_until(lambda: can_list(path / "all") == good, f"a key that is {good}")


def can_list(path):
    try:
        return os.listdir(path) is not None
    except PermissionError:
        return False


@needs_root
class TestCoveredLater:
    """Files that the program reopens while it is mounted are found below later mounts."""

    @pytest.fixture
    def over(self):
        """Covers a directory with a mount: over(TARGET, arguments of mount(8)…)."""
        done = []

        def make(target, *words):
            run("mount", *words, target)
            done.append(target)
        yield make
        for target in reversed(done):
            if str(target) in mounts():
                run("umount", "-l", target)

    @pytest.mark.parametrize("cover", ["itself", "tmpfs"])
    @pytest.mark.parametrize("cache", ["on", "off"])
    def test_cache(self, mount, account, place, over, cover, cache):
        """SEMANTICS 11.5: journal and temporary files are created in the covered directory."""
        place.cache.mkdir(mode=0o700)
        copy = place.new_directory()
        one = mount(account, *(["cache=off"] if cache == "off" else []),
                    env=environment(place.home, TMPDIR=str(place.cache)))
        over(copy, "--bind", place.cache)
        over(place.cache, *(["--bind", one.path] if cover == "itself"
                            else ["-t", "tmpfs", "none"]))
        # Compressed, the texts must be larger than the memory for a temporary database.
        size = (24 if cache == "off" else 6) << 20
        jobs = [account.create(status="done", bytes=size, seed=seed) for seed in range(3)]
        for job in jobs:
            assert len((one.path / "all" / f"{job}.json").read_bytes()) > size * 5 // 6
        assert len(os.listdir(one.path / "all")) == len(account.jobs())
        opened = {os.readlink(f"/proc/{one.pid}/fd/{fd}")
                  for fd in os.listdir(f"/proc/{one.pid}/fd")}
        assert [name for name in opened if name.startswith(f"{place.cache}/gladiafs-")] or (
            cache == "on")
        # A bind mount of the filesystem would keep it alive, so unmount that first.
        run("umount", place.cache)
        one.unmount()
        assert [name for name in os.listdir(place.cache) if name.endswith(".db")] or cache == "off"
        assert not [name for name in os.listdir(place.cache) if name.endswith("-journal")]
        if cache == "on":
            assert "cache" not in one.complaints, one.complaints

    @pytest.mark.parametrize("cover", ["itself", "tmpfs"])
    def test_key(self, mount, account, place, over, cover):
        keys, copy = place.new_directory(), place.new_directory()
        key = keys / "key"
        shutil.copy(place.key_file, key)
        one = mount(account, f"key_file={key}", "ttl=0")
        over(copy, "--bind", keys)
        over(keys, *(["--bind", one.path] if cover == "itself" else ["-t", "tmpfs", "none"]))
        (copy / "key").write_text("another\n", encoding="ascii")
        key_is_read(one, one.path, False)
        (copy / "key").write_text(place.key_file.read_text(encoding="ascii"), encoding="ascii")
        key_is_read(one, one.path, True)

    def test_home(self, mount, account, place, over):
        """If the home is covered later, SIGHUP reads the key file that was found at the start."""
        shutil.copy(place.key_file, place.home / ".gladia")
        config = place.home / ".config"
        config.mkdir()
        one = mount(account, "!key_file", "ttl=0", path=config)
        keys, view = place.new_directory(), place.new_directory()
        over(keys, "--bind", place.home)
        over(view, "--bind", one.path)
        over(place.home, "--bind", one.path)
        (keys / ".gladia").write_text("another\n", encoding="ascii")
        key_is_read(one, view, False)


def test_link_is_changed(mount, account, place):
    """SEMANTICS 11.5.2, 1.5: if the link to the key's directory is changed, as in a container,
    SIGHUP reads the new key."""
    for name, key in ("old", "another\n"), ("new", place.key_file.read_text(encoding="ascii")):
        (place.home / name).mkdir(mode=0o700)
        (place.home / name / "key").touch(mode=0o600)
        (place.home / name / "key").write_text(key, encoding="ascii")
    link = place.home / "now"
    link.symlink_to("new")
    one = mount(account, f"key_file={link}/key", "ttl=0")
    for target, listed in ("old", False), ("new", True):
        link.unlink()
        link.symlink_to(target)
        key_is_read(one, one.path, listed)


def helper(place):
    path = place.directory / "mount.gladiafs"
    path.symlink_to(shutil.which(PROGRAM) or PROGRAM)
    return path
