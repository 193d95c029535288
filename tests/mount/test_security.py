# SPDX-License-Identifier: MIT
"""SEMANTICS 2.2: where the running program keeps its key, which privileges it keeps, and what it
exposes to others. Each row of docs/SECURITY.md names its test here or elsewhere."""

import os
import re
import resource
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from mounting import WRAPPER, environment, needs_root
from user_mount import AS_USER
from mock import KEY
from tools import run, wait_until

NEW_KEY = "another-key-that-no-user-may-see-93b0"
# Capabilities, by their bits (capabilities(7)).
NEEDED = 1 << 21 | 1 << 2  # CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH
# The largest mapping that is searched, in bytes; larger ones are a sanitizer's and almost empty.
REGION_MAX = 1 << 30


def status(pid):
    """Fields of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def places(pid, word):
    """Returns the bytes before each occurrence of the word in a process's memory."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1][0] != "r" or end - begin > REGION_MAX:
                continue
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue  # the kernel's own pages
            found += [data[max(0, at.start() - 32):at.start()]
                      for at in re.finditer(re.escape(word.encode()), data)]
    # A sanitizer copies the environment before main() is called.
    ours = b"libasan" not in Path(f"/proc/{pid}/maps").read_bytes()
    return [before for before in found if ours or not before.endswith(b"GLADIA_API_KEY=")]


@needs_root
@pytest.mark.skipif(bool(WRAPPER), reason="the memory is the wrapper's, too")
class TestMemory:
    """The key is in memory only in the client's copy and in the header that it sends, but not in
    freed memory, and not after it was replaced."""

    @pytest.mark.parametrize("daemon", [False, True])
    def test_two_places(self, account, mount, daemon):
        """SEMANTICS 2.2.5"""
        one = mount(account, daemon=daemon)
        for name in os.listdir(one.path / "all")[:20]:
            (one.path / "all" / name).read_bytes()
        one.requests()
        found = places(one.pid, KEY)
        assert len(found) == 2, found
        assert sum(before.endswith(b"x-gladia-key: ") for before in found) == 1, found

    def test_of_the_environment(self, account, mount, place):
        env = environment(place.home, GLADIA_API_KEY=KEY)
        one = mount(account, "!key_file", env=env)
        os.listdir(one.path / "all")
        one.requests()
        assert len(places(one.pid, KEY)) == 2

    def test_replaced_key(self, account, mount, place):
        """SEMANTICS 1.5: after SIGHUP the old key is not in memory any more."""
        one = mount(account, "ttl=0")
        os.listdir(one.path / "all")
        one.requests()
        place.write_key(NEW_KEY)
        os.kill(one.pid, signal.SIGHUP)
        with pytest.raises(PermissionError):  # the mock server rejects the new key
            wait_until(lambda: os.listdir(one.path / "all") and None, "the key is read")
        one.requests()
        assert places(one.pid, KEY) == []
        assert len(places(one.pid, NEW_KEY)) == 2


@needs_root
class TestOfAnOrdinaryUser:
    def test_same_user_has_no_access(self, user_mount):
        """Another program of the same user cannot read the memory, environment or files of the
        process."""
        pid = user_mount().pid
        for name in ("environ", "mem", "maps", "fd", "cwd", "auxv", "stack"):
            path = f"/proc/{pid}/{name}"
            done = subprocess.run([*AS_USER, "sh", "-c", 'cat "$1" || ls "$1/"', "sh", path],
                                  capture_output=True, check=False)
            assert done.returncode != 0 and done.stdout == b"", name
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0

    def test_others_have_no_access(self, user_mount):
        """Without allow_other not even root can list the mount."""
        one = user_mount()
        assert one.lists(AS_USER) and not one.lists()

    def test_helper_can_unmount(self, user_mount):
        """The process does not set no_new_privs, because fusermount3, which is setuid, could not
        unmount."""
        found = status(user_mount().pid)
        assert found["NoNewPrivs"] == "0"
        assert int(found["CapPrm"], 16) == 0


@needs_root
class TestOfRoot:
    """Every thread drops the privileges that serving does not need."""

    @pytest.mark.parametrize("daemon", [False, True])
    def test_rights(self, account, mount, daemon):
        one = mount(account, daemon=daemon)
        os.listdir(one.path / "all")
        threads = os.listdir(f"/proc/{one.pid}/task")
        assert len(threads) >= 2
        for thread in threads:
            now = status(f"{one.pid}/task/{thread}")
            assert now["NoNewPrivs"] == "1"
            assert int(now["CapPrm"], 16) & ~NEEDED == 0
            assert int(now["CapEff"], 16) & ~NEEDED == 0
            assert int(now["CapInh"], 16) == 0
        one.unmount()

    def test_it_still_does_all(self, account, mount, place):
        """Without these privileges the program still reads the key again, and unmounts."""
        one = mount(account, "ttl=0", "auto_unmount")
        assert len(os.listdir(one.path / "all")) == len(account.jobs())
        place.key_file.chmod(0o400)
        os.kill(one.pid, signal.SIGHUP)
        assert len(os.listdir(one.path / "all")) == len(account.jobs())
        os.kill(one.pid, signal.SIGTERM)
        assert one.wait() == 0
        assert not one.is_mounted()
        assert "key" not in one.stderr


class TestProcess:
    @pytest.mark.parametrize("daemon", [False, True])
    def test_limits(self, account, mount, daemon):
        """The process dumps no core, and only its user can access the files it creates."""
        one = mount(account, daemon=daemon)
        assert resource.prlimit(one.pid, resource.RLIMIT_CORE) == (0, 0)
        assert status(one.pid)["Umask"] == "0077"

    def test_descriptors_of_a_daemon(self, account, mount, tmp_path):
        """A daemon keeps no inherited descriptor. It opens the directories of the key, the cache
        and temporary files itself."""
        with open(tmp_path / "inherited", "w", encoding="ascii") as file:
            os.set_inheritable(file.fileno(), True)
            ends = os.pipe()
            os.set_inheritable(ends[1], True)
            one = mount(account, daemon=True)
            os.close(ends[0])
            os.close(ends[1])
        opened = {os.readlink(f"/proc/{one.pid}/fd/{fd}")
                  for fd in os.listdir(f"/proc/{one.pid}/fd")}
        kinds = {re.sub(r":.*|\.db.*", "", name) for name in opened}
        assert kinds <= {"/dev/null", "/dev/fuse", "socket", "anon_inode", "pipe",
                         str(one.place.key_file.parent), "/var/tmp",
                         *{name.partition(".db")[0] for name in opened
                           if name.startswith(str(one.place.cache))}}, opened

    def test_descriptors_of_threads(self, account, mount):
        """The threads that notify the kernel and write the log have no other descriptors."""
        one = mount(account)
        os.listdir(one.path / "all")
        tables = [{os.readlink(fd) for fd in task.glob("fd/*")}
                  for task in Path(f"/proc/{one.pid}/task").iterdir()]
        assert {"/dev/fuse"} in tables, tables
        assert {str(one.program.stderr_file)} in tables, tables


@needs_root
class TestChildren:
    """The process that auto_unmount runs beside the program."""

    def test_environment_and_descriptors(self, account, mount, place):
        env = environment(place.home, GLADIA_API_KEY=KEY)
        one = mount(account, "!key_file", "auto_unmount", env=env)
        children = Path(f"/proc/{one.pid}/task/{one.pid}/children")
        (helper,) = wait_until(lambda: children.read_text(encoding="ascii").split(), "it runs")
        for name in ("environ", "cmdline"):
            assert KEY.encode() not in Path(f"/proc/{helper}/{name}").read_bytes()
        kept = {"/dev/null", "anon_inode:[pidfd]"}
        wait_until(lambda: {os.readlink(f"/proc/{helper}/fd/{fd}")
                            for fd in os.listdir(f"/proc/{helper}/fd")} == kept,
                   "it has closed all else")
        assert status(helper)["NoNewPrivs"] == "1"
        assert os.readlink(f"/proc/{helper}/cwd") == "/"


@needs_root
class TestOthers:
    """allow_other gives others the access that the modes allow: default_permissions is always
    set."""

    @pytest.mark.parametrize("options", [["allow_other"], ["allow_other", "umask=077"], []])
    def test_others(self, account, mount, options):
        one = mount(account, *options)
        run("chmod", "a+x", *[path for path in one.path.parents if path.owner() == "root"
                              and path.is_relative_to("/tmp") and path != Path("/tmp")])
        done = subprocess.run([*AS_USER, "ls", one.path / "all"], capture_output=True,
                              text=True, check=False)
        assert (done.returncode == 0) == (options == ["allow_other"]), done.stderr
        (line,) = [line for line in Path("/proc/mounts").read_text().splitlines()
                   if line.split()[1] == str(one.path)]
        given = line.split()[3].split(",")
        assert "default_permissions" in given
        assert {"ro", "nosuid", "nodev"} <= set(given)
        assert ("allow_other" in given) == bool(options)

    def test_no_file_can_be_run_or_is_special(self, account, mount):
        """SEMANTICS 1.2"""
        one = mount(account)
        for path in (one.path / "all").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o644 and path.is_file()
