# SPDX-License-Identifier: MIT
"""SEMANTICS 1.1, 1.3, 1.4, 1.5, 11.4: the command line, exit codes, and how the program ends."""

import contextlib
import os
import re
import signal
import socket

import pytest

from mounting import IS_ROOT, environment
from tools import PATIENCE, Stopwatch, mounts, wait_until

USAGE, SYSTEM, FAILED = 1, 2, 32


def refused(result, code, *words):
    """Asserts that the program failed with this code and printed one line with these words to
    stderr, and nothing to stdout."""
    got, out, err = result
    assert got == code, err
    assert out == ""
    assert err.count("\n") == 1 and err.endswith("\n"), err
    for word in words:
        assert word in err, err


@pytest.fixture
def never(tmp_path):
    """A directory on which nothing may get mounted."""
    path = tmp_path / "never"
    path.mkdir()
    yield path
    assert str(path) not in mounts()


class TestUsage:
    """SEMANTICS 1.1, 1.3: a wrong command line gives exit code 1 and one line."""

    def test_no_arguments(self, program):
        refused(program(), USAGE, "MOUNTPOINT")

    def test_too_many_arguments(self, program, never):
        refused(program("https://127.0.0.1", never, "third"), USAGE)

    @pytest.mark.parametrize("option", [
        "colour=blue", "ttl", "ttl=", "ttl=-1", "ttl=soon", "timeout=0", "connections=0",
        "connections=many", "page_size=0", "cache=ram", "cache_size=1X", "log=paper",
        "uid=nobody-at-all", "umask=999", "key_file"])
    def test_bad_option(self, program, never, option):
        """SEMANTICS 1.3.1, 1.2, 1.4: the message names an option that is unknown or has a bad
        value."""
        refused(program("-o", option, never), USAGE, option.partition("=")[0])

    def test_bad_letter(self, program, never):
        refused(program("-q", never), USAGE, "-q")

    @pytest.mark.parametrize("source", [
        "http://api.gladia.io", "http://192.0.2.1:8080", "http://127.0.0.1.example.com",
        "ftp://127.0.0.1", "https://user:secret@127.0.0.1", "https://127.0.0.1/v2?x=1",
        "https://", "api.gladia.io/v2"])
    def test_bad_source(self, program, place, never, source):
        """SEMANTICS 1.1.6, 1.1: https is allowed for every host, http only for loopback addresses."""
        refused(program("-o", place.options(), source, never), USAGE)

    def test_no_option_takes_the_key(self, program, never):
        """SEMANTICS 2.2.3: there is no option for the key itself, and it is not quoted."""
        _, _, err = result = program("-o", "key=s3cr3t", never)
        refused(result, USAGE)
        assert "s3cr3t" not in err

    def test_help(self, program):
        """SEMANTICS 1.1, 1.4: -h describes every option."""
        code, out, err = program("-h")
        assert (code, err) == (0, "")
        for option in ("key_file=", "ttl=", "timeout=", "connections=", "page_size=", "cache=",
                       "cache_dir=", "cache_size=", "ca_file=", "proxy=", "log=", "uid=", "gid=",
                       "umask=", "allow_other", "auto_unmount"):
            assert option in out

    def test_version(self, program):
        """SEMANTICS 1.1.9: -V names the libraries and the interface to the kernel."""
        code, out, err = program("-V")
        assert (code, err) == (0, "")
        assert out.startswith("gladiafs ")
        lines = out.splitlines()
        assert lines[1].startswith("libcurl/")
        assert re.fullmatch(r"SQLite 3\.\d+\.\d+", lines[2])
        for library in "libfuse ", "FUSE kernel interface version 7.":
            assert library in out


class TestFailure:
    """SEMANTICS 1.3: if mounting fails, the exit code is 32 and stderr has one line, both in the
    foreground and from the parent of a daemon."""

    @pytest.fixture(params=["foreground", "daemon"])
    def start(self, request, program, place):
        letters = ["-f"] if request.param == "foreground" else []

        def run_it(*words, options=()):
            return program(*letters, "-o", place.options(*options), *words)
        return run_it

    def test_no_key_file(self, start, mock, never, tmp_path):
        missing = tmp_path / "nothing"
        refused(start(mock.url, never, options=[f"key_file={missing}"]), FAILED,
                str(missing))

    def test_key_file_of_others(self, start, place, mock, never):
        """SEMANTICS 2.2"""
        place.key_file.chmod(0o644)
        refused(start(mock.url, never), FAILED, f"chmod 600 {place.key_file}")
        assert mock.log() == []

    def test_wrong_key(self, start, place, mock, never):
        """SEMANTICS 1.3.5"""
        place.write_key("not-this-one")
        _, _, err = result = start(mock.url, never)
        refused(result, FAILED, "key")
        assert "not-this-one" not in err

    def test_no_listener(self, start, never):
        """SEMANTICS 1.3.3"""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{bound.getsockname()[1]}"
            refused(start(url, never, options=["timeout=1"]), FAILED, url.removeprefix("http://"))

    def test_silence(self, start, mock, never):
        """SEMANTICS 11.1: if the API does not answer, mounting fails after `timeout`."""
        mock.fault("stall")
        with Stopwatch() as watch:
            refused(start(mock.url, never, options=["timeout=1"]), FAILED)
        assert watch.seconds < 2.5 * PATIENCE

    @pytest.mark.parametrize("fault", [
        {"kind": "html"}, {"kind": "empty"}, {"kind": "status", "status": 500},
        {"kind": "status", "status": 403}, {"kind": "redirect"}])
    def test_not_the_api(self, start, mock, never, fault):
        mock.fault(**fault)
        refused(start(mock.url, never, options=["timeout=1"]), FAILED)

    def test_no_tls_there(self, start, mock, never):
        url = mock.url.replace("http:", "https:")
        refused(start(url, never, options=["timeout=1"]), FAILED)

    def test_mount_point_is_missing(self, start, mock, tmp_path):
        refused(start(mock.url, tmp_path / "missing"), FAILED, str(tmp_path / "missing"))

    def test_mount_point_is_a_file(self, start, mock, tmp_path):
        (tmp_path / "file").touch()
        refused(start(mock.url, tmp_path / "file"), FAILED, str(tmp_path / "file"))


class TestSource:
    """SEMANTICS 1.1: the API URL comes from SOURCE or from GLADIA_API_URL."""

    @pytest.mark.parametrize("words", [[], ["gladia"], ["none"]])
    def test_variable(self, mount, place, mock, words):
        env = environment(place.home, GLADIA_API_URL=mock.url)
        one = mount(mock, env=env, source=words)
        assert os.listdir(one.path / "all") == []
        # mountinfo contains SOURCE as given, so that mount(8) finds the line in fstab.
        assert mounts()[str(one.path)] == ("fuse.gladiafs", words[0] if words else mock.url)

    def test_argument_takes_precedence(self, mount, place, mock):
        env = environment(place.home, GLADIA_API_URL="https://127.0.0.1:1")
        assert os.listdir(mount(mock, env=env).path / "all") == []

    def test_localhost(self, mount, mock):
        one = mount(mock, source=[f"http://localhost:{mock.port}/"])
        assert os.listdir(one.path / "all") == []


class TestLife:
    """SEMANTICS 1.3, 1.5: start, signals and end of the program."""

    def test_key_check(self, mock, mount):
        """SEMANTICS 1.3: the program checks the key with one list request of limit 1."""
        mount(mock)
        (check,) = mock.log()
        assert (check.lists, check.limit, check.status) == (True, 1, 200)

    def test_daemon(self, account, mount):
        """SEMANTICS 1.3.2: the parent prints nothing and returns when the mount answers."""
        one = mount(account, daemon=True)
        assert os.listdir(one.path / "status")
        assert one.stderr == ""
        if IS_ROOT:
            assert os.readlink(f"/proc/{one.pid}/cwd") == "/"
        one.unmount()

    @pytest.mark.parametrize("daemon", [False, True])
    @pytest.mark.parametrize("tool", [("fusermount3", "-u"), ("umount",)])
    def test_unmounted(self, account, mount, daemon, tool):
        """SEMANTICS 1.5.8: after an unmount the process exits with 0."""
        one = mount(account, daemon=daemon)
        os.listdir(one.path / "all")
        one.unmount(*tool)

    @pytest.mark.parametrize("daemon", [False, True])
    @pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
    def test_signals(self, account, mount, daemon, sign):
        """SEMANTICS 1.5: SIGTERM and SIGINT unmount and end the process within a second."""
        one = mount(account, daemon=daemon)
        in_use = os.open(next((one.path / "all").iterdir()), os.O_RDONLY)
        try:
            with Stopwatch() as watch:
                os.kill(one.pid, sign)
                assert one.wait() == 0
            assert watch.seconds < PATIENCE
            assert not one.is_mounted()
        finally:
            with contextlib.suppress(OSError):
                os.close(in_use)

    @pytest.mark.parametrize("daemon", [False, True])
    def test_signal_in_flight(self, account, mount, reader, daemon):
        """SEMANTICS 1.5.5: SIGTERM ends the process within a second even if requests hang."""
        one = mount(account, daemon=daemon)
        account.fault("stall")
        hanging = [reader("ls", one.path / "all"), reader("ls", one.path / "status/done")]
        for each in hanging:
            each.hangs()
        with Stopwatch() as watch:
            os.kill(one.pid, signal.SIGTERM)
            assert one.wait() == 0
        assert watch.seconds < PATIENCE
        assert not one.is_mounted()
        assert all(each.result()[0] != 0 for each in hanging)

    def test_sighup(self, account, mount, place):
        """SEMANTICS 1.5.10, 1.5: SIGHUP makes all listings stale."""
        one = mount(account)
        before = set(os.listdir(one.path / "all"))
        new = account.create(text="Just now.")
        assert set(os.listdir(one.path / "all")) == before
        os.kill(one.pid, signal.SIGHUP)
        wait_until(lambda: set(os.listdir(one.path / "all")) == before | {new + ".json"},
                   "SIGHUP refreshes")

    def test_sighup_reads_the_key(self, account, mount, place):
        """SEMANTICS 1.5.4: SIGHUP reads the key file again."""
        one = mount(account)
        account.modes(key="another-key-5f1e")
        place.write_key("another-key-5f1e")
        os.kill(one.pid, signal.SIGHUP)
        wait_until(lambda: can_list(one.path / "all"), "SIGHUP reads the key")

    def test_crash(self, account, mount, place):
        """SEMANTICS 11.4.1: mounting over a dead mount replaces it."""
        dead = mount(account)
        dead.kill()
        assert dead.wait() == -signal.SIGKILL
        with pytest.raises(OSError):
            os.listdir(dead.path)
        assert dead.is_mounted()
        one = mount(account, path=dead.path)
        assert len(os.listdir(one.path / "all")) == 250
        one.unmount()
        assert not one.is_mounted()


def can_list(path):
    try:
        return bool(os.listdir(path))
    except OSError:
        return False
