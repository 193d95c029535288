# SPDX-License-Identifier: MIT
"""Fixtures: stand-ins and mounts that end with their test, however it went."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

# What the bench uses, too.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from mounting import PROGRAM, Guard, Mount, Place, Program, adopt_orphans, needed_tools
from nobody import Nobody
from mock import Mock
from named import ONLY, named
from tools import Reader, isolate_mounts

DAYS = 12
JOBS = 250


def pytest_collection_modifyitems(config, items):
    """With GLADIAFS_TEST_NAMED set, runs the tests that the documents name, and no others."""
    if not ONLY:
        return
    wanted = named()
    chosen = [item for item in items
              if any((item.module.__name__, part.name.partition("[")[0]) in wanted
                     for part in item.listchain())]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_sessionfinish(session, exitstatus):
    """A file without a named test is skipped: meson takes exit code 77 for that."""
    if ONLY and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = 77


@pytest.fixture(scope="session", autouse=True)
def system():
    """What is missing makes the tests fail: skipped ones would prove nothing."""
    assert os.path.exists("/dev/fuse"), "there is no /dev/fuse: FUSE cannot be tested here"
    needed_tools(PROGRAM, "fusermount3", "setpriv")
    isolate_mounts()
    adopt_orphans()
    # Below nohup(1), or behind a shell's &, what we start would ignore some.
    for sign in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM:
        if signal.getsignal(sign) == signal.SIG_IGN:
            signal.signal(sign, signal.SIG_DFL)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def new_sandbox(tmp_path_factory):
    """Makes stand-ins: new_sandbox(option…)."""
    alive = []

    def make(*options, **more):
        alive.append(Mock(tmp_path_factory.mktemp("mock"), *options, **more))
        return alive[-1]
    yield make
    failed = [mock for mock in alive if mock.process.poll() is None
              and not mock.stop()]
    assert not failed, "a stand-in did not end well"


@pytest.fixture
def mock(new_sandbox):
    """A stand-in with an empty account."""
    return new_sandbox()


@pytest.fixture
def new_account(new_sandbox):
    """Makes mock servers with 250 small jobs on twelve days: new_account()."""
    return lambda: new_sandbox("--jobs", str(JOBS), "--days", str(DAYS), "--bytes", "1500:4000",
                               "--errors", "20", "--unfinished", "10")


@pytest.fixture
def account(new_account):
    """A mock server with 250 small jobs on twelve days."""
    return new_account()


@pytest.fixture
def mount(place):
    """Makes mounts: mount(mock, "ttl=1", …)."""
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
def nobody(new_sandbox):
    """Makes mounts of a user without rights: nobody(), nobody(on=ONE) in its place, or
    nobody(on=ONE, name=NAME) beside it."""
    directory = Path(tempfile.mkdtemp(prefix="gladiafs-nobody-"))
    account = new_sandbox("--jobs", "3")
    alive = []

    def make(**more):
        alive.append(Nobody(account, directory, **more))
        return alive[-1]
    yield make
    wrong = [one.stderr for one in reversed(alive) if one.is_alive() and one.end() != 0]
    for one in alive:
        one.close()
    shutil.rmtree(directory)
    assert not wrong, wrong


@pytest.fixture
def program(place):
    """Runs the program with any command line: code, stdout, stderr."""
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
