# SPDX-License-Identifier: MIT
"""SEMANTICS 1.1, 1.2: the Debian package is clean and reproducible, and purging it leaves nothing
behind."""

import hashlib
import os
import shutil

import pytest

from offers import TREE
from tools import run


def test_lintian(package):
    """lintian reports no errors and no warnings."""
    (changes,) = package.glob("*.changes")
    out = run("sh", "-c", 'lintian --allow-root --fail-on error,warning "$0" 2>&1', changes)
    assert out == ""


def test_reproducible(deb, tmp_path):
    """A build in another directory, with another umask, time zone, language and time, gives the
    same bytes."""
    tree = tmp_path / "another tree"
    shutil.copytree(TREE, tree, symlinks=True, ignore=shutil.ignore_patterns(
        ".git", "build*", "__pycache__"))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "Pacific/Auckland",
           "LC_ALL": "C", "TMPDIR": str(tmp_path), "SOURCE_DATE_EPOCH": "1"}
    run("sh", "-c", 'umask 077; "$0" "$1"', tree / "scripts/package", tmp_path / "out", env=env,
        timeout=300)
    again = tmp_path / "out" / deb.name
    assert digest(again) == digest(deb)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_fields(deb):
    """The package depends on fuse3, and on nothing that only the tests need."""
    depends = run("dpkg-deb", "-f", deb, "Depends")
    assert "fuse3" in depends and "libcurl4" in depends
    for foreign in ("python", "microhttpd", "cmocka"):
        assert foreign not in depends


@pytest.mark.parametrize("away", ["remove", "purge"])
def test_install_and_purge(root, deb, away):
    """The package installs with its declared dependencies alone and enables no units. After its
    removal, everything is as before."""
    (root.path / "root" / deb.name).write_bytes(deb.read_bytes())
    root.run(f"apt-get satisfy -y --no-install-recommends "
             f"\"$(dpkg-deb -f /root/{deb.name} Depends)\"")
    before = root.state()
    root.run(f"dpkg -i /root/{deb.name}")
    assert root.run("gladiafs --version") == root.run("mount.gladiafs --version")
    assert root.run("ldd /usr/bin/gladiafs | grep 'not found' || :") == ""
    assert [name for name, *_ in root.state() - before if name.startswith("etc/")] == []
    root.run(f"dpkg --{away} gladiafs")
    assert root.run("command -v gladiafs || :") == ""
    assert {name for name, *_ in root.state() ^ before} == set()
