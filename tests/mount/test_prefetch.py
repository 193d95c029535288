# SPDX-License-Identifier: MIT
"""SEMANTICS 7.3.2: texts are prefetched before the kernel asks for them, and they are right.

fincore(1) shows which pages of a file are in memory, without reading it.
"""

import glob
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from layout import pretty
from tools import names_of, read, run, wait_until


@pytest.fixture
def large(new_mock):
    return new_mock("--jobs", "500", "--days", "1", "--bytes", "3000:30000")


def resident(paths):
    """Returns those of the files that are completely in memory."""
    output = json.loads(run("fincore", "--bytes", "--json", *paths))["fincore"]
    return {entry["file"] for entry in output if int(entry["res"]) >= int(entry["size"]) > 0}


def listed(one, where="all"):
    """Returns the files in the directory's order; none of their texts is in memory yet."""
    paths = [entry.path for entry in os.scandir(one.path / where)]
    assert not resident(paths)
    return paths


def contents_of(account):
    """Returns the expected contents of the files, by name."""
    return {job["id"] + ".json": pretty(account.body(job["id"])) for job in account.jobs()}


def check(account, paths):
    for path in map(Path, paths):
        assert read(path) == pretty(account.body(path.stem)), path


def read_until_prefetched(paths):
    """Reads files in this order, three at a time, because a long pause counts as the end of a
    reader, until one that follows is in memory."""
    for end in range(3, len(paths), 3):
        for path in paths[end - 3:end]:
            read(Path(path))
        if resident(paths[end:]):
            return
    pytest.fail("no text was prefetched")


@pytest.mark.parametrize("order", ["listed", "name", "inode"])
def test_a_reader_of_all(large, mount, order):
    """SEMANTICS 7.3.2: Whatever the order of a reader, most of the files that follow are
    prefetched."""
    one = mount(large)
    paths = listed(one)
    if order == "name":
        paths.sort()
    if order == "inode":
        paths.sort(key=lambda path: os.stat(path).st_ino)
    read_until_prefetched(paths)
    check(large, paths)
    messages = json.loads(read(one.path / ".gladiafs/stats"))["messages"]
    assert messages["read"] < len(paths) / 4


@pytest.mark.parametrize("count", [1, 2])
def test_a_reader_of_some(large, mount, count):
    """SEMANTICS 6.2: if a reader reads only one or two files, no other is prefetched."""
    paths = listed(mount(large))
    check(large, paths[100:100 + count])
    # A reader of several files elsewhere in the mount shows that prefetched texts do arrive.
    assert resident(paths) == set(paths[100:100 + count])
    read_until_prefetched(paths[300:])
    assert not resident(paths) & set(paths[:100] + paths[100 + count:300])


@pytest.mark.parametrize("command", [
    ["grep", "-rc", "id"], ["cp", "-r"], ["tar", "-cf"], ["rsync", "-a"]])
def test_tools_get_the_right_bytes(large, mount, tmp_path, command):
    """The tools see the same contents as a reader of single files."""
    one = mount(large)
    copy = tmp_path / "copy"
    copy.mkdir()
    if command[0] == "grep":
        assert len(run(*command, one.path / "all").splitlines()) == 500
        copy = one.path / "all"
    elif command[0] == "tar":
        run(*command, tmp_path / "a.tar", "-C", one.path / "all", ".")
        run("tar", "-xf", tmp_path / "a.tar", "-C", copy)
    else:
        run(*command, f"{one.path}/all/.", copy)
    assert set(os.listdir(copy)) == names_of(large.jobs())
    check(large, sorted(copy.iterdir()))


def test_several_at_once(large, mount):
    """Several readers read the same files at once, in several directories and orders."""
    one = mount(large)
    expected = contents_of(large)
    directories = ["all", "status/done", "status/error", "date/*", "after/2020-01-01"]

    def walk(number):
        paths = glob.glob(str(one.path / directories[number % len(directories)] / "*.json"))
        if number % 2:
            paths.sort()
        return {path: read(Path(path)) for path in paths}

    with ThreadPoolExecutor(8) as pool:
        for seen in pool.map(walk, range(16)):
            for path, data in seen.items():
                assert data == expected[Path(path).name], path


def test_forgotten_by_the_kernel(large, mount):
    """Texts of inodes that the kernel has evicted cannot be prefetched; reading them still
    works."""
    one = mount(large)
    paths = sorted(listed(one))
    for path in paths[:40]:
        read(Path(path))
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
        drop.write("3")
    check(large, paths)


def test_files_of_almost_a_mebibyte(new_mock, mount):
    """A READ pushes no further file after 4 MiB, because other requests wait meanwhile."""
    # Printed, such a job has 0.88 MB.
    account = new_mock("--jobs", "60", "--bytes", "400000", "--errors", "0", "--unfinished", "0")
    paths = listed(mount(account))
    # Backwards, so that the files that are prefetched are not among those that are read.
    for path in paths[:-9:-1]:
        read(Path(path))
    wait_until(lambda: len(resident(paths)) > 8, "files are prefetched")
    check(account, paths[-8:])
    assert len(resident(paths)) <= 8 + 1 + 2 + 4 + 5 + 5 + 5


def test_large_files(new_mock, mount):
    """Large files are not prefetched."""
    account = new_mock("--jobs", "8", "--bytes", "1500000", "--errors", "0",
                          "--unfinished", "0")
    paths = listed(mount(account))
    check(account, paths[:4])
    assert not resident(paths[4:])
    check(account, paths)
