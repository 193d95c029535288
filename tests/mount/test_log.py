# SPDX-License-Identifier: MIT
"""SEMANTICS 11.2: a log that is not read blocks nothing, whatever it is: a pipe into less(1) that
waits for a key, a terminal after Ctrl-S, a stopped syslogd."""

import contextlib
import os
import pty
import re
import socket
import time
from pathlib import Path

import pytest

from mounting import Guard, Program, alone, needs_root
from tools import END, PATIENCE, wait_for_mount, wait_until

# With -d each look-up logs at least two lines, far more than a pipe and the program can buffer.
NAMES = 20000
MISSING = re.compile(r"lines missing here, because they could not be written: (\d+)")

# Gives the program its own /dev, with the socket "$1" as /dev/log.
DEVICES = """
mkdir dev
mount -t tmpfs -o mode=755 none dev
for name in null zero urandom fuse; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
done
ln -s "$1" dev/log
mount --rbind dev /dev
shift
exec "$@"
"""


def look_up_many(path):
    for number in range(NAMES):
        assert not os.path.exists(path / f"nothing-{number}")


def end(program):
    """Ends the program, which must work although the log is not read. Returns the seconds it
    took."""
    start = time.monotonic()
    program.process.terminate()
    code, _, err = program.end()
    assert code == 0, err
    return time.monotonic() - start


@contextlib.contextmanager
def serving(place, account, *options, **how):
    """A mount with -d."""
    directory = place.new_directory()
    program = Program(place, "-f", "-d", "-o", place.options(*options), account.url, directory,
                      **how)
    guard = Guard([program.process])
    try:
        yield program, directory
    finally:
        guard.cancel()
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


def open_socket():
    return tuple(end.detach() for end in socket.socketpair())


@pytest.mark.parametrize("make", [os.pipe, pty.openpty, open_socket])
def test_stderr_is_not_read(account, place, make):
    """SEMANTICS 11.2.4: Calls do not wait. When stderr is read again, the number of missing lines is
    in their place."""
    ours, theirs = make()
    try:
        with serving(place, account, stderr=theirs) as (program, directory):
            os.close(theirs)
            assert wait_for_mount(directory, program.process)
            look_up_many(directory)
            assert len(os.listdir(directory / "all")) == 250
            text = ""
            while not MISSING.search(text):
                more = os.read(ours, 1 << 16)
                assert more, "it has ended"
                text += more.decode(errors="replace")
            assert all(line.startswith("gladiafs: ") for line in text.splitlines()[-100:-1])
            look_up_many(directory)
            assert end(program) < END * PATIENCE
    finally:
        os.close(ours)


@needs_root
@pytest.mark.parametrize("how", ["stopped", "dies"])
def test_syslogd(account, place, how):
    """syslogd is stopped and then continues, or it dies."""
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    where = place.directory / "log"
    log.bind(str(where))
    with serving(place, account, "log=syslog", wrapper=alone(DEVICES, where)) as (
            program, directory):
        directory = Path(f"/proc/{program.process.pid}/root{directory}")
        wait_until(lambda: (directory / "all").exists(), "it is mounted")
        look_up_many(directory)
        if how == "stopped":
            log.settimeout(END * PATIENCE)
            while not MISSING.search(log.recv(4096).decode(errors="replace")):
                pass
        else:
            log.close()
            where.unlink()
        look_up_many(directory)
        assert len(os.listdir(directory / "all")) == 250
        assert end(program) < END * PATIENCE
    log.close()
