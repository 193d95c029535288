# SPDX-License-Identifier: MIT
"""SEMANTICS 1.3: in the foreground the program notifies a service manager when the mount can be
used (the protocol of sd_notify(3))."""

import contextlib
import socket

import pytest

from mounting import Program, environment
from tools import END, PATIENCE, is_alive


class Manager:
    """Receives notifications on the socket in NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(END * PATIENCE)

    def receive(self):
        """Waits for the next notification and returns it."""
        return self.socket.recv(4096).decode()

    def received(self):
        """Returns the notifications that have arrived, without waiting."""
        self.socket.setblocking(False)
        news = []
        with contextlib.suppress(BlockingIOError):
            while True:
                news.append(self.socket.recv(4096).decode())
        return news


@pytest.fixture
def manager(tmp_path):
    one = Manager(tmp_path / "notify")
    with contextlib.closing(one.socket):
        yield one


@pytest.fixture
def env(place, manager):
    return environment(place.home, NOTIFY_SOCKET=str(manager.path))


def test_ready_and_stopping(manager, account, place, env):
    """SEMANTICS 1.3.4: READY=1 is sent only once the mount answers, STOPPING=1 when it ends."""
    directory = place.new_directory()
    program = Program(place, "-f", "-o", place.options(), account.url, directory, env=env)
    try:
        assert manager.receive() == "READY=1"
        assert is_alive(directory)
        assert manager.received() == []
    finally:
        program.process.terminate()
        code, _, err = program.end()
    assert code == 0, err
    assert manager.received() == ["STOPPING=1"]


def test_unmounted(manager, account, mount, env):
    """An unmount by another program ends the mount, which is notified, too."""
    one = mount(account, env=env)
    one.unmount()
    assert manager.received() == ["READY=1", "STOPPING=1"]


def test_failure(manager, mock, program, place, env):
    """A mount that fails sends neither READY=1 nor STOPPING=1."""
    place.write_key("wrong")
    code, _, _ = program("-f", "-o", place.options(), mock.url, place.new_directory(), env=env)
    assert code == 32
    assert manager.received() == []


def test_daemon(manager, account, mount, env):
    """A daemon sends no notification: its parent's exit already reports that it is ready."""
    mount(account, daemon=True, env=env).unmount()
    assert manager.received() == []


def test_no_listener(account, mount, place):
    """If the socket does not exist, the mount works all the same, and stderr warns that the service
    manager may end it."""
    env = environment(place.home, NOTIFY_SOCKET=str(place.directory / "nobody"))
    one = mount(account, env=env)
    one.unmount()
    assert "NOTIFY_SOCKET" in one.stderr
