# SPDX-License-Identifier: MIT
"""SEMANTICS 1.1, 1.5, 1.8, 1.9: the program unmounts its own mount, wherever it is, or nothing."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from mounting import Program, await_end, await_orphans, children, needs_root
from tools import END, LIBC, PATIENCE, run, wait_for_mount, wait_until

SYSTEM, FAILED = 2, 32
KERNEL = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))


class Ground:
    """A private tmpfs, because mounts can only be moved below a private mount."""

    def __init__(self, directory):
        self.path = directory
        run("mount", "-t", "tmpfs", "ground", directory)
        run("mount", "--make-private", directory)

    def new(self, name):
        path = self.path / name
        path.mkdir(parents=True)
        return path

    @staticmethod
    def cover(path):
        """Mounts a tmpfs with a file in it."""
        run("mount", "-t", "tmpfs", "cover", path)
        (path / "file").write_text("kept", encoding="ascii")

    def places(self):
        """Returns the path and the source of each mount below, in the order of mounting."""
        with open("/proc/self/mountinfo", encoding="ascii") as table:
            lines = [line.split() for line in table]
        return [(line[4][len(str(self.path)) + 1:], line[line.index("-") + 2])
                for line in lines if line[4].startswith(f"{self.path}/")]

    def clear(self):
        run("umount", "-l", self.path)


@pytest.fixture
def ground(tmp_path):
    path = tmp_path / "ground"
    path.mkdir()
    one = Ground(path)
    yield one
    one.clear()


def end(one, sign=signal.SIGTERM):
    os.kill(one.pid, sign)
    return one.wait()


def numbers(path):
    """Returns the numbers of the mount at the path and of its device, as mountinfo shows them."""
    with open("/proc/self/mountinfo", encoding="ascii") as table:
        lines = [line.split() for line in table]
    return next((line[0], line[2]) for line in lines if line[4] == str(path))


@pytest.fixture
def successor(account, mount):
    """Returns a function that unmounts a mount while the process returned by stop() is stopped, and
    creates another mount that gets the same numbers from the kernel."""
    def make(stop, *options):
        for _ in range(50):  # others on this machine may take the numbers
            one = mount(account, *options)
            os.listdir(one.path / "all")  # returns once it serves
            before = numbers(one.path)
            pid = stop(one)
            os.kill(pid, signal.SIGSTOP)
            # Not with umount(8), which asks the stopped process.
            assert LIBC.umount2(os.fsencode(one.path), 0) == 0
            two = mount(account)
            if numbers(two.path) == before:
                return one, pid, two
            os.kill(pid, signal.SIGCONT)
            assert one.wait() == 0
            two.unmount()
        raise AssertionError("no mount has the numbers of the one before")
    return make


@needs_root
class TestOwnMount:
    """SEMANTICS 1.8: the path of the mount now leads to something else."""

    @pytest.mark.parametrize("daemon", [False, True])
    def test_covered(self, account, mount, ground, daemon):
        """SEMANTICS 1.8.2"""
        path = ground.new("mnt")
        one = mount(account, path=path, daemon=daemon)
        ground.cover(path)
        end(one)
        assert ground.places() == [("mnt", account.url), ("mnt", "cover")]
        assert (path / "file").read_text(encoding="ascii") == "kept"
        run("umount", path)
        with pytest.raises(OSError, match="not connected"):
            os.listdir(path)
        run("fusermount3", "-u", path)
        assert ground.places() == []

    def test_message_when_covered(self, account, mount, ground):
        """SEMANTICS 1.8.3"""
        path = ground.new("mnt")
        one = mount(account, path=path)
        assert (path / "all").is_dir()  # it answers: it no longer starts
        ground.cover(path)
        assert end(one) == SYSTEM
        assert one.complaints.count("\n") == 1
        for word in (f"cannot unmount {path}", "(tmpfs) is mounted over it", "fusermount3"):
            assert word in one.stderr

    def test_covered_inside(self, account, mount, ground):
        """SEMANTICS 1.8.4, 1.8: A lazy unmount would also remove a mount inside it, so there is
        none."""
        path = ground.new("mnt")
        one = mount(account, path=path)
        run("mount", "--bind", ground.new("other"), path / "status")
        assert end(one) == SYSTEM
        assert [place for place, _ in ground.places()] == ["mnt", "mnt/status"]
        assert "is mounted in it" in one.stderr
        run("umount", "-l", path)

    def test_directory_above_is_covered(self, account, mount, ground):
        """A mount on a directory above hides the mount, and has another directory of the same
        path."""
        path = ground.new("above/mnt")
        one = mount(account, path=path)
        ground.cover(path.parent)
        path.mkdir()
        ground.cover(path)
        before = ground.places()
        assert end(one) == SYSTEM
        assert ground.places() == before
        assert "over a directory in its path" in one.stderr

    @pytest.mark.parametrize("in_use", [False, True])
    def test_moved_with_its_parent(self, account, mount, ground, in_use):
        path = ground.new("parent/mnt")
        one = mount(account, path=path)
        path.parent.rename(ground.path / "parent2")
        ground.cover(ground.new("parent/mnt"))
        new = ground.path / "parent2/mnt"
        fd = os.open(new / "all" if in_use else "/", os.O_RDONLY)
        try:
            assert end(one) == 0
        finally:
            os.close(fd)
        assert ground.places() == [("parent/mnt", "cover")]
        assert os.listdir(new) == []

    def test_moved(self, account, mount, ground):
        """SEMANTICS 1.8.1: mount --move"""
        path, new = ground.new("mnt"), ground.new("new place")
        one = mount(account, path=path)
        run("mount", "--move", path, new)
        ground.cover(path)
        assert len(os.listdir(new / "all")) == 250
        assert end(one) == 0
        assert ground.places() == [("mnt", "cover")]

    def test_gone(self, account, mount, ground):
        """It was unmounted but still exists as a bind mount: nothing is left to unmount."""
        path, bound = ground.new("mnt"), ground.new("bound")
        one = mount(account, path=path)
        run("mount", "--bind", path, bound)
        run("umount", path)
        ground.cover(path)
        assert len(os.listdir(bound / "all")) == 250
        assert end(one) == 0
        assert (path / "file").read_text(encoding="ascii") == "kept"

    @pytest.mark.skipif(KERNEL < (6, 8), reason="the kernel has no unique numbers of mounts")
    @pytest.mark.parametrize("sign", [signal.SIGCONT, signal.SIGTERM])
    def test_another_has_its_numbers(self, successor, sign):
        one, pid, two = successor(lambda one: one.pid)
        os.kill(pid, sign)
        os.kill(pid, signal.SIGCONT)
        assert one.wait() == 0, one.stderr
        assert len(os.listdir(two.path / "all")) == 250
        two.unmount()

    def test_aborted_after_a_move(self, account, mount, ground):
        """SEMANTICS 1.5: an aborted mount is reported even if something else is at its old path."""
        path = ground.new("parent/mnt")
        one = mount(account, path=path)
        path.parent.rename(ground.path / "parent2")
        new = ground.path / "parent2/mnt"
        control = ground.new("control")
        run("mount", "-t", "fusectl", "none", control)
        (control / str(os.minor(new.stat().st_dev)) / "abort").write_text("1", encoding="ascii")
        assert one.wait() == SYSTEM
        assert "aborted" in one.stderr
        run("umount", new)


@needs_root
class TestDeadMount:
    """SEMANTICS 11.4: only the dead mount itself is removed."""

    def test_others_are_in_it(self, account, mount, program, place, ground):
        path = ground.new("mnt")
        one = mount(account, path=path)
        run("mount", "--bind", ground.new("other"), path / "status")
        one.kill()
        one.wait()
        before = ground.places()
        code, _, err = program("-f", "-o", place.options(), account.url, path)
        assert (code, ground.places()) == (FAILED, before)
        assert "is mounted in it" in err
        run("umount", "-l", path)


class TestOrdinaryUser:
    """SEMANTICS 1.8, if fusermount3 unmounts, which knows only paths."""

    @needs_root
    def test_covered(self, user_mount):
        one = user_mount()
        run(*one.inside, "mount", "-t", "tmpfs", "cover", one.path)
        assert one.end() == SYSTEM
        assert (str(one.path), "tmpfs") in one.places()
        assert "(tmpfs) is mounted over it" in one.stderr

    @needs_root
    def test_moved_with_its_parent(self, user_mount):
        one = user_mount(name="parent/mnt")
        new = one.path.parent.with_name("parent2")
        one.path.parent.rename(new)
        assert (str(new / "mnt"), "fuse.gladiafs") in one.places()
        assert one.end() == 0
        assert (str(new / "mnt"), "fuse.gladiafs") not in one.places()


class TestRefused:
    """SEMANTICS 1.1: a mount over or inside a gladiafs mount is refused."""

    def test_another_account(self, account, mock, mount, program, place):
        """SEMANTICS 1.1.5"""
        one = mount(account)
        code, _, err = program("-f", "-o", place.options(), mock.url, one.path)
        assert code == FAILED
        assert f"{account.url} is mounted there already" in err

    def test_inside(self, account, mock, mount, program, place):
        """SEMANTICS 1.1.4"""
        one = mount(account)
        code, _, err = program("-f", "-o", place.options(), mock.url, one.path / "status")
        assert code == FAILED
        assert f"it is inside the gladiafs mount on {one.path}" in err

    @needs_root
    def test_by_another_way(self, account, mock, mount, program, place, ground):
        """A bind mount of a directory of a mount counts as part of it."""
        one, bound = mount(account), ground.new("bound")
        run("mount", "--bind", one.path / "status", bound)
        code, _, err = program("-f", "-o", place.options(), mock.url, bound)
        assert code == FAILED
        assert "is mounted there already" in err
        run("umount", bound)

    @needs_root
    def test_of_another_user(self, user_mount, account):
        """A user without access to the existing mount gets the same message."""
        one = user_mount()
        one.place.directory.chmod(0o755)
        done = subprocess.run(
            [*one.inside, "setpriv", "--reuid=65533", "--regid=65533", "--clear-groups",
             one.place.directory / "program", "-f", account.url, one.path],
            check=False, capture_output=True, text=True, cwd="/", timeout=END,
            env={"GLADIA_API_KEY": account.key, "PATH": os.environ["PATH"]})
        assert done.returncode == FAILED
        assert "is mounted there already" in done.stderr


class TestSignals:
    """SEMANTICS 1.5: signals that end the program, and signals that do not."""

    HARMLESS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM,
                signal.SIGPROF, signal.SIGIO, signal.SIGPWR, signal.SIGXFSZ, signal.SIGPIPE,
                signal.SIGRTMIN, signal.SIGRTMAX]

    @pytest.mark.parametrize("daemon", [False, True])
    def test_harmless(self, account, mount, daemon):
        """SEMANTICS 1.5.6"""
        one = mount(account, daemon=daemon)
        for sign in self.HARMLESS:
            os.kill(one.pid, sign)
        assert len(os.listdir(one.path / "all")) == 250
        one.unmount()

    @pytest.mark.parametrize("sign", [signal.SIGQUIT, signal.SIGXCPU])
    def test_ends(self, account, mount, sign):
        """SEMANTICS 1.5.11"""
        one = mount(account)
        os.listdir(one.path / "all")
        assert end(one, sign) == 0
        assert not one.is_mounted()

    def test_children_are_not_ignored(self, mock, place):
        """If SIGCHLD is inherited as ignored, the end of the background process is known."""
        mock.fault("stall")
        program = Program(place, "-o", place.options(), mock.url, place.new_directory(),
                          wrapper=["env", "--ignore-signal=CHLD"])
        mock.wait(in_flight=1)
        program.process.terminate()
        code, _, err = program.end()
        assert code == 32 and "nothing is mounted" in err and "interrupted (Terminated)" in err

    def test_file_size_limit(self, account, place):
        """SEMANTICS 1.5.7: After SIGXFSZ (ulimit -f) the cache cannot grow, as on a full disk; the
        mount keeps working."""
        path = place.new_directory()
        program = Program(place, "-f", "-o", place.options(), account.url, path,
                          wrapper=["prlimit", "--fsize=150000"])
        try:
            assert wait_for_mount(path, program.process)
            with contextlib.suppress(OSError):
                os.listdir(path / "all")
            assert os.listdir(path / "status")
        finally:
            program.process.terminate()
            assert program.process.wait(END * PATIENCE) == 0, program.stderr


class TestAutoUnmount:
    """SEMANTICS 1.9: auto_unmount, after SIGKILL."""

    ROUNDS = 5

    @pytest.mark.parametrize("daemon", [False, True])
    def test_root(self, account, mount, daemon):
        """SEMANTICS 1.9.1"""
        for _ in range(self.ROUNDS):
            one = mount(account, "auto_unmount", daemon=daemon)
            one.kill()
            assert one.wait() == -signal.SIGKILL
            wait_until(lambda one=one: not one.is_mounted(), "it is unmounted")

    @needs_root
    def test_ordinary_user(self, user_mount):
        """SEMANTICS 1.9.2"""
        namespace = user_mount()
        for _ in range(self.ROUNDS):
            one = user_mount(on=namespace, name="auto", options=["auto_unmount"])
            assert one.is_mounted()
            one.process.kill()
            one.process.wait(END * PATIENCE)
            wait_until(lambda one=one: not one.is_mounted(), "it is unmounted")

    def test_normal_end(self, account, mount):
        """After a normal end the helper does not unmount the next mount on the same path."""
        before = children()
        one = mount(account, "auto_unmount")
        one.unmount()
        helpers = children() - before
        two = mount(account, path=one.path)
        await_end(helpers)
        assert len(os.listdir(two.path / "all")) == 250

    @needs_root
    @pytest.mark.skipif(KERNEL < (6, 8), reason="the kernel has no unique numbers of mounts")
    def test_another_has_its_numbers(self, successor):
        def helper(one):
            """Returns the process that unmounts later."""
            with open(f"/proc/{one.pid}/task/{one.pid}/children", encoding="ascii") as pids:
                return int(pids.read())
        one, pid, two = successor(helper, "auto_unmount")
        assert one.wait() == 0, one.stderr
        os.kill(pid, signal.SIGCONT)
        await_end([pid])
        assert len(os.listdir(two.path / "all")) == 250
        two.unmount()

    @needs_root
    def test_others_are_over_it(self, account, mount, ground):
        path = ground.new("mnt")
        before = children()
        one = mount(account, "auto_unmount", path=path)
        ground.cover(path)
        places = ground.places()
        one.kill()
        one.wait()
        await_orphans(before)
        assert ground.places() == places


@needs_root
def test_own_namespace(account, mount):
    """The test has its own mount namespace: a process outside that copied its mounts would keep
    them alive."""
    one = mount(account)
    assert str(one.path) in Path("/proc/self/mounts").read_text(encoding="utf-8")
    outside = Path(f"/proc/{os.getppid()}/mounts").read_text(encoding="utf-8")
    assert str(one.path) not in outside
