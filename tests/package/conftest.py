# SPDX-License-Identifier: MIT
"""Fixtures: the package, a clean root directory to install it in, and a machine booted from that
directory."""

import os

import pytest

from machine import Machine, Root, unbootable
from offers import TREE
from mock import Mock
from tools import run

# Packages that a machine with logins needs in addition to ours.
MACHINE = ["systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "libpam-mount",
           "libpam-mount-bin", "plocate"]
USERS = ["ada", "bob"]
PASSWORD = "open, sesame"


def pytest_collection_modifyitems(config, items):
    """Skips the tests that need their own root directory, unless the user is root."""
    if os.geteuid() != 0:
        skip = pytest.mark.skip(reason="only root may make a root directory and boot it")
        for item in items:
            if {"root", "machine"} & set(item.fixturenames):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Builds the package of this tree and returns the directory that contains it."""
    place = tmp_path_factory.mktemp("package")
    run(TREE / "scripts/package", place, timeout=300)
    return place


@pytest.fixture(scope="session")
def deb(package):
    (found,) = package.glob("gladiafs_*.deb")
    return found


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return Root(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="session")
def machine(root, deb, tmp_path_factory):
    """A machine with the package and two users. No test may use the root directory itself after
    it."""
    reason = unbootable()
    if reason:
        pytest.skip(f"no machine can be booted here: {reason}")
    (root.path / "root" / deb.name).write_bytes(deb.read_bytes())
    root.install(*MACHINE, "/root/" + deb.name)
    for user in USERS:
        root.run(f"useradd -m -b /srv -U -s /bin/sh {user}; echo '{user}:{PASSWORD}' | chpasswd")
    one = Machine(root, tmp_path_factory.mktemp("console") / "console")
    yield one
    one.stop()


@pytest.fixture
def account(tmp_path):
    """A mock server with ten small jobs."""
    one = Mock(tmp_path, "--jobs", "10", "--bytes", "500")
    yield one
    assert one.stop()
