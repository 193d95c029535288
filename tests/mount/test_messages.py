# SPDX-License-Identifier: MIT
"""SEMANTICS 1.1: what the program logs about its requests, calls and its own life."""

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from mounting import alone, needs_root

FAILED = 32
REQUEST = re.compile(r"GET http://\S+/v2/pre-recorded\?\S*: 200, \d+ bytes, \d+ ms, attempt 1")
CALL = re.compile(r"gladiafs: \d\d:\d\d:\d\d\.\d{3} (\w+) (\S+?)(?: from .*)?: (.*), \d+ bytes, "
                  r"\d+ ms$", re.MULTILINE)


def test_requests(account, mount):
    """SEMANTICS 1.1.10"""
    one = mount(account, letters=["-v"])
    os.listdir(one.path / "all")
    one.await_message("/v2/pre-recorded?offset=0&limit=20")
    assert REQUEST.search(one.stderr)
    assert "readdir" not in one.stderr
    one.unmount()


def test_calls(account, mount):
    """SEMANTICS 1.1.11"""
    one = mount(account, letters=["-d"])
    name = os.listdir(one.path / "status/error")[0]
    (one.path / "all" / name).read_bytes()
    assert not os.path.exists(one.path / "all/nothing")
    with pytest.raises(OSError):
        (one.path / "all/new").touch()
    one.unmount()
    calls = {call[:2]: call[2] for call in CALL.findall(one.stderr)}
    assert calls["lookup", "/status/error"] == "ok"
    assert calls["readdirplus", "/status/error"] == "ok"
    assert calls["lookup", f"/all/{name}"] == "ok"
    assert calls["read", name] == "ok"
    assert calls["lookup", "/all/nothing"] == os.strerror(2)
    assert REQUEST.search(one.stderr)


@pytest.mark.parametrize("by_signal", [True, False])
def test_begin_and_end(account, mount, by_signal):
    """SEMANTICS 1.1.12"""
    one = mount(account)
    one.await_message(f"gladiafs: mounted {account.url} on {one.path} ")
    if by_signal:
        os.kill(one.pid, signal.SIGTERM)
        assert one.wait() == 0
        last = f"gladiafs: unmounting {one.path}: {signal.strsignal(signal.SIGTERM)}"
    else:
        one.unmount()
        last = f"gladiafs: {one.path} was unmounted"
    assert one.stderr.splitlines()[-2:] == [last, "gladiafs: ended (exit code 0)"]
    assert len(one.stderr.splitlines()) == 3


@pytest.mark.parametrize("options", [(), ("nonempty",)])
def test_hidden_files(account, mount, place, options):
    """SEMANTICS 1.1.13"""
    path = place.new_directory()
    (path / "file").touch()
    one = mount(account, *options, path=path)
    one.unmount()
    assert ("hides its files" in one.stderr) == (not options)
    assert (path / "file").exists()


@needs_root
def test_no_fusermount(account, program):
    """SEMANTICS 1.1.14: another user cannot mount, because fusermount3 cannot be run."""
    with tempfile.TemporaryDirectory(prefix="gladiafs-user-") as home:
        key = Path(home) / "key"
        mounted = Path(home) / "mnt"
        key.write_text(account.key, encoding="ascii")
        key.chmod(0o600)
        mounted.mkdir()
        for path in home, key, mounted:
            os.chown(path, 65534, 65534)
        code, _, err = program(
            "-f", "-o", f"key_file={key},cache=off", account.url, mounted,
            wrapper=[*alone('mount --bind /dev/null "$1" && shift && exec "$@"'),
                     os.path.realpath(shutil.which("fusermount3")), "env", f"HOME={home}",
                     "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    assert code == FAILED and err.count("\n") == 1, err
    assert "(gladiafs --check shows what a mount needs)" in err
