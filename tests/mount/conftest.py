# SPDX-License-Identifier: MIT
"""Fixtures: mock servers and mounts that end with their test, whether it passes or fails."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

# Modules that the benchmarks share.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from mounting import PROGRAM, Guard, Mount, Place, Program, adopt_orphans, needed_tools
from user_mount import UserMount
from mock import Mock
from named import ONLY, named
from tools import Reader, isolate_mounts

DAYS = 12
JOBS = 250


def pytest_collection_modifyitems(config, items):
    """If GLADIAFS_TEST_NAMED is set, runs only the tests that the documents name."""
    if not ONLY:
        return
    wanted = named()
    chosen = [item for item in items
              if any((item.module.__name__, part.name.partition("[")[0]) in wanted
                     for part in item.listchain())]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_sessionfinish(session, exitstatus):
    """Reports a file without a named test as skipped: exit code 77 means that to meson."""
    if ONLY and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = 77


@pytest.fixture(scope="session", autouse=True)
def system():
    """Fails the tests if the system lacks something: skipped tests would prove nothing."""
    assert os.path.exists("/dev/fuse"), "there is no /dev/fuse: FUSE cannot be tested here"
    needed_tools(PROGRAM, "fusermount3", "setpriv")
    isolate_mounts()
    adopt_orphans()
    # Under nohup(1), or started with "&", we ignore some signals, and our children would too.
    for sign in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM:
        if signal.getsignal(sign) == signal.SIG_IGN:
            signal.signal(sign, signal.SIG_DFL)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def new_mock(tmp_path_factory):
    """Starts mock servers: new_mock(option…)."""
    alive = []

    def make(*options, **more):
        alive.append(Mock(tmp_path_factory.mktemp("mock"), *options, **more))
        return alive[-1]
    yield make
    failed = [mock for mock in alive if mock.process.poll() is None
              and not mock.stop()]
    assert not failed, "a mock server did not end well"


@pytest.fixture
def mock(new_mock):
    """A mock server with an empty account."""
    return new_mock()


@pytest.fixture
def new_account(new_mock):
    """Starts mock servers with 250 small jobs on twelve days: new_account()."""
    return lambda: new_mock("--jobs", str(JOBS), "--days", str(DAYS), "--bytes", "1500:4000",
                               "--errors", "20", "--unfinished", "10")


@pytest.fixture
def account(new_account):
    """A mock server with 250 small jobs on twelve days."""
    return new_account()


@pytest.fixture
def mount(place):
    """Mounts the program: mount(mock, "ttl=1", …)."""
    alive = []
    guard = Guard(alive)

    def make(mock, *options, **more):
        alive.append(Mount(place, mock, *options, **more))
        return alive[-1]
    yield make
    wrong = [text for text in (one.close() for one in reversed(alive)) if text]
    guard.cancel()
    assert not wrong, wrong


@pytest.fixture
def user_mount(new_mock):
    """Mounts as an unprivileged user.

    user_mount() mounts in a new namespace, user_mount(on=ONE) at the mount point of ONE, and
    user_mount(on=ONE, name=NAME) in the namespace of ONE at another mount point.
    """
    directory = Path(tempfile.mkdtemp(prefix="gladiafs-user-"))
    account = new_mock("--jobs", "3")
    alive = []

    def make(**more):
        alive.append(UserMount(account, directory, **more))
        return alive[-1]
    yield make
    wrong = [one.stderr for one in reversed(alive) if one.is_alive() and one.end() != 0]
    for one in alive:
        one.close()
    shutil.rmtree(directory)
    assert not wrong, wrong


@pytest.fixture
def program(place):
    """Runs the program with any command line; returns exit code, stdout and stderr."""
    def start(*words, **more):
        return Program(place, *words, **more).end()
    return start


@pytest.fixture
def reader():
    """Starts child processes that may hang: reader(command…)."""
    alive = []

    def make(*command):
        alive.append(Reader(*command))
        return alive[-1]

    def python(code, *words):
        alive.append(Reader.python(code, *words))
        return alive[-1]
    make.python = python
    yield make
    for one in alive:
        one.close()
