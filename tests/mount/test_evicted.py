# SPDX-License-Identifier: MIT
"""SEMANTICS 7.4.11 to 7.4.14: an account that is larger than the cache. Its texts, which were evicted,
come back in pages for a reader that goes through a directory, and they are right."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from layout import pretty
from tools import names_of, read, run

# Compressed, a job takes some 5 kB: the cache holds a quarter of them.
JOBS = 800
CACHE = "cache_size=1M", "page_size=40", "ttl=600"
PAGES = JOBS // 40


@pytest.fixture
def large(new_mock):
    return new_mock("--jobs", str(JOBS), "--days", "2", "--bytes", "20000", "--unfinished", "0")


def remounted(mount, account):
    """Returns a mount whose cache has the listing of all jobs and some texts, and whose files the
    kernel does not know, and the files in the order of the listing."""
    one = mount(account, *CACHE)
    assert len(os.listdir(one.path / "all")) == JOBS
    one.unmount()
    two = mount(account, *CACHE)
    paths = [Path(entry.path) for entry in os.scandir(two.path / "all")]
    two.requests()
    return two, paths


def check(account, paths):
    for path in paths:
        assert read(path) == pretty(account.body(path.stem)), path


def count(requests):
    """Returns the numbers of list requests and of requests by id."""
    lists = sum(entry.path.startswith("/v2/pre-recorded?") or entry.path == "/v2/pre-recorded"
                for entry in requests)
    return lists, len(requests) - lists


def test_in_order(large, mount):
    """SEMANTICS 7.4.12: A reader in the order of the listing causes a request for each page."""
    one, paths = remounted(mount, large)
    check(large, paths)
    lists, gets = count(one.requests())
    assert lists <= PAGES + 2 and gets <= 3
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
        drop.write("3")
    check(large, paths)
    lists, gets = count(one.requests())
    assert lists <= PAGES + 2 and gets <= 3


@pytest.mark.parametrize("order", ["name", "inode"])
def test_in_another_order(large, mount, order):
    """SEMANTICS 7.4.12: In another order some texts are fetched by id, and most of them in pages."""
    one, paths = remounted(mount, large)
    paths.sort(key=lambda path: path.name if order == "name" else path.stat().st_ino)
    check(large, paths)
    lists, gets = count(one.requests())
    assert lists <= PAGES + 10 and gets <= JOBS / 8


@pytest.mark.parametrize("directory, suffix, order", [
    ("text", ".txt", "name"), ("subtitles", ".srt", "inode")])
def test_other_formats(new_mock, mount, directory, suffix, order):
    """SEMANTICS 7.4.14: Files that are made of transcripts cause as few requests, although the
    cache and the 4 MiB of 7.4.13 hold half of these."""
    jobs, page = 2400, 60
    large = new_mock("--jobs", str(jobs), "--bytes", "20000", "--unfinished", "0")
    options = "cache_size=3500K", f"page_size={page}", "ttl=600"
    one = mount(large, *options)
    os.listdir(one.path / "all")
    one.unmount()
    one = mount(large, *options)
    os.listdir(one.path / "all")
    one.requests()
    paths = [Path(entry.path) for entry in os.scandir(one.path / directory)
             if entry.name.endswith(suffix)]
    paths.sort(key=lambda path: path.name if order == "name" else path.stat().st_ino)
    texts = {path.name: read(path) for path in paths}
    lists, gets = count(one.requests())
    assert lists <= 2 * jobs / page and gets <= jobs / 8
    whole = mount(large, "cache=off")
    assert texts == {name: read(whole.path / directory / name) for name in texts}


def test_some_files(large, mount):
    """If a few files are read, only these are fetched."""
    one, paths = remounted(mount, large)
    check(large, paths[200:190:-1])
    lists, gets = count(one.requests())
    assert lists == 0 and gets <= 10


def test_again(large, mount):
    """SEMANTICS 7.4.11: Reading all once more fetches no more than what does not fit."""
    one, _ = remounted(mount, large)
    run("grep", "-rc", "id", one.path / "all")
    first = sum(entry.bytes for entry in one.requests())
    one.unmount()
    two = mount(large, *CACHE)
    run("ls", "-f", two.path / "all")
    two.requests()
    run("grep", "-rc", "id", two.path / "all")
    again = sum(entry.bytes for entry in two.requests())
    # The cache holds some 200 jobs.
    assert again < first * 1.05
    assert again < (JOBS - 150) * 20500


def test_the_account_changes(large, mount):
    """Jobs are created and deleted after the listing, and while it is read: the reader gets all
    others."""
    one, paths = remounted(mount, large)
    gone = {paths[number] for number in (300, 301, 302, 500)}
    large.control("POST", "jobs", {"count": 25, "bytes": 2000})
    check(large, paths[:100])
    large.control("POST", "jobs", {"count": 5, "bytes": 2000})
    for path in gone:
        large.control("DELETE", "jobs/" + path.stem)
    for path in paths[100:]:
        if path not in gone:
            assert read(path) == pretty(large.body(path.stem)), path
    lists, gets = count(one.requests())
    assert lists <= PAGES + 6 and gets <= 10


def test_two_readers(large, mount, tmp_path):
    """Two programs read at the same time: one all jobs, the other those of a status."""
    one, _ = remounted(mount, large)
    os.listdir(one.path / "status/done")
    one.requests()
    for name in ("all", "done"):
        (tmp_path / name).mkdir()

    def copy(where, name):
        run("tar", "-cf", tmp_path / f"{name}.tar", "-C", one.path / where, ".")
        run("tar", "-xf", tmp_path / f"{name}.tar", "-C", tmp_path / name)

    with ThreadPoolExecutor() as pool:
        list(pool.map(copy, ("all", "status/done"), ("all", "done")))
    lists, gets = count(one.requests())
    assert lists <= 2 * PAGES + 6 and gets <= 20
    assert set(os.listdir(tmp_path / "all")) == names_of(large.jobs())
    assert set(os.listdir(tmp_path / "done")) == names_of(large.jobs(status="done"))
    for name in ("all", "done"):
        check(large, sorted((tmp_path / name).iterdir()))


def test_summaries(new_mock, mount):
    """If the API's lists contain summaries, texts are fetched by id, several at a time."""
    account = new_mock("--jobs", "300", "--bytes", "20000", "--unfinished", "0",
                       "--mode", "items=summary", "--latency", "20")
    one = mount(account, *CACHE)
    paths = [Path(entry.path) for entry in os.scandir(one.path / "all")]
    check(account, paths)
    one.unmount()
    two = mount(account, *CACHE)
    paths = [Path(entry.path) for entry in os.scandir(two.path / "all")]
    two.requests()
    account.control("DELETE", "stats")
    check(account, paths)
    lists, gets = count(two.requests())
    assert lists <= 5 and gets <= 300
    assert account.control("GET", "stats")["max_in_flight"] >= 4


def test_text_files(large, mount):
    """The same holds for files that are made from the texts when they are looked up."""
    one, paths = remounted(mount, large)
    texts = [path.with_suffix(".txt") for path in paths]
    done = {job["id"] for job in large.jobs(status="done")}
    for path in texts:
        if path.stem in done:
            assert read(path)
    lists, gets = count(one.requests())
    assert lists <= PAGES + 2 and gets <= 60
