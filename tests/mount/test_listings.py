# SPDX-License-Identifier: MIT
"""SEMANTICS 6.1, 6.2, 6.4 to 6.6: how a listing is fetched, page by page."""

import errno
import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from directory import Directory
from tools import PATIENCE, Stopwatch, names_of


def first_name(path):
    """Reads only the first name of a directory."""
    with os.scandir(path) as entries:
        return next(entries).name


@pytest.fixture
def thousand(new_mock):
    return new_mock("--jobs", "1000", "--bytes", "1600")


class TestLazy:
    """SEMANTICS 6.2"""

    @pytest.mark.parametrize("path", ["all", "status/done", "after/2026-04-20", "date/2026-04-20"])
    def test_first_name(self, thousand, mount, path):
        """SEMANTICS 6.2.2: A reader that stops after the first page costs exactly one list
        request."""
        one = mount(thousand)
        assert first_name(one.path / path).endswith(".json")
        (request,) = one.requests(quiet=0.3)
        assert request.lists

    def test_first_page_is_small(self, thousand, mount):
        """SEMANTICS 6.5.1: the first page asks for 20 jobs, the API's default."""
        one = mount(thousand)
        first_name(one.path / "all")
        assert one.requests()[0].limit == 20

    def test_first_name_does_not_wait(self, thousand, mount):
        """SEMANTICS 6.2.1: The first name is available as soon as the first page is, whatever
        happens to the second."""
        one = mount(thousand, "page_size=20")
        thousand.fault_lists("stall", skip=1)
        with Stopwatch() as watch:
            first_name(one.path / "all")
        assert watch.seconds < PATIENCE
        thousand.clear_faults()

    def test_opening_costs_nothing(self, thousand, mount):
        one = mount(thousand)
        os.close(os.open(one.path / "all", os.O_RDONLY | os.O_DIRECTORY))
        assert one.requests() == []

    @pytest.mark.parametrize("connections", [1, 3, 8])
    def test_read_ahead(self, thousand, mount, connections):
        """SEMANTICS 6.2.3: If a reader continues, pages are read ahead, up to `connections` at a
        time."""
        one = mount(thousand, f"connections={connections}", "page_size=20")
        thousand.modes(latency_ms=10)
        thousand.clear_stats()
        assert len(os.listdir(one.path / "all")) == 1000
        stats = thousand.stats()
        assert min(connections, 3) <= stats["max_in_flight"] <= connections
        # Fifty pages, and a few more because they overlap.
        assert 50 <= stats["list_requests"] <= 60

    def test_readers_share_pages(self, thousand, mount):
        """Several readers at a time cost no more than one."""
        one = mount(thousand, "page_size=100")
        thousand.modes(latency_ms=20)
        one.mark()
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(os.listdir, [one.path / "all"] * 8))
        assert all(names == seen[0] for names in seen)
        assert len(seen[0]) == 1000
        # Eleven pages, and those requested past the end before the end was known.
        assert len(one.requests()) <= 11 + 8

    def test_known_listing_costs_nothing(self, thousand, mount):
        """SEMANTICS 7.1: within ttl a known listing costs no request."""
        one = mount(thousand)
        before = os.listdir(one.path / "all")
        one.mark()
        assert os.listdir(one.path / "all") == before
        assert one.requests() == []


class TestComplete:
    """SEMANTICS 6.1: a listing is complete or it is an error."""

    FAULTS = [("status", {"status": 500}), ("bad_json", {}), ("reset", {}), ("truncate", {}),
              ("truncate_valid", {}), ("items_null", {}), ("reset_after", {"bytes": 3000}),
              ("truncate", {"declare": "chunked"})]

    @pytest.mark.parametrize("kind, fields", FAULTS)
    def test_failed_page(self, account, mount, kind, fields):
        """SEMANTICS 6.1.2: readdir fails with an errno, and a retry resumes at the page that
        failed."""
        one = mount(account, "page_size=20", "timeout=1")
        account.fault(kind, {"path": "/v2/pre-recorded", "min_offset": 50}, **fields)
        with Directory(one.path / "all") as directory:
            with pytest.raises(OSError) as caught:
                directory.rest()
            # Never ENOENT: the C library takes it for the end of a directory.
            assert caught.value.errno in (errno.EIO, errno.EHOSTUNREACH, errno.ETIMEDOUT)
        account.clear_faults()
        one.mark()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        assert min(request.offset for request in one.requests()) > 30

    def test_same_reader_goes_on(self, account, mount):
        """After an error, the same open directory returns the rest."""
        one = mount(account, "page_size=20", "timeout=1")
        account.fault("status", {"path": "/v2/pre-recorded", "min_offset": 50}, status=500)
        seen = []
        with Directory(one.path / "all") as directory:
            with pytest.raises(OSError):
                while True:
                    seen.append(directory.next())
            assert 50 <= len(seen) < 250
            account.clear_faults()
            seen += directory.rest()
        assert len(seen) == 250
        assert set(seen) == names_of(account.jobs())

    def test_ls_reports_it(self, account, mount):
        """SEMANTICS 6.1.1: The user sees an error, not a short list."""
        one = mount(account, "page_size=20", "timeout=1")
        account.fault("status", {"path": "/v2/pre-recorded", "min_offset": 100}, status=500)
        done = subprocess.run(["ls", "-f", one.path / "all"], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode != 0
        assert "Input/output error" in done.stderr


class TestCookies:
    """SEMANTICS 6.4: positions in a directory are exact."""

    def test_seek(self, account, mount):
        """SEMANTICS 6.4.4: seekdir works for every position, in any order, more than once."""
        one = mount(account)
        with Directory(one.path / "all") as directory:
            positions = [directory.tell()]
            names = []
            while name := directory.next():
                names.append(name)
                positions.append(directory.tell())
            assert set(names) == names_of(account.jobs())
            order = list(range(len(names)))
            random.Random(1).shuffle(order)
            for index in order[:60] + order[:20]:
                directory.seek(positions[index])
                assert directory.next() == names[index]
            directory.seek(positions[-1])
            assert directory.next() is None
            directory.rewind()
            assert directory.rest() == names

    def test_seek_ahead(self, account, mount):
        """SEMANTICS 6.4.2: A position of one reader is valid for another one that has read
        nothing."""
        one = mount(account, "page_size=20")
        with Directory(one.path / "all") as left, Directory(one.path / "all") as right:
            names = [left.next() for _ in range(150)]
            position = left.tell()
            right.seek(position)
            assert right.next() == left.next()
            right.rewind()
            assert [right.next() for _ in range(150)] == names

    def test_snapshot(self, account, mount):
        """SEMANTICS 6.4.1: An open directory does not change; a directory opened later shows the
        changes."""
        one = mount(account, "ttl=0", "page_size=50")
        with Directory(one.path / "all") as directory:
            names = directory.rest()
            account.delete(account.jobs()[40]["id"])
            account.create(text="New.")
            directory.rewind()
            assert directory.rest() == names
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_interrupted(self, account, mount, reader):
        """SEMANTICS 6.4.5: A killed reader leaves nothing half-done to the next one."""
        one = mount(account, "page_size=20")
        account.fault("stall", {"path": "/v2/pre-recorded", "min_offset": 50})
        hanging = reader("ls", "-f", one.path / "all").hangs()
        hanging.end_by(9)
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_several_readers(self, account, mount):
        """SEMANTICS 6.4.3: Several readers at different positions of a listing get the same names."""
        one = mount(account, "page_size=20")
        wanted = None
        directories = [Directory(one.path / "status/done") for _ in range(5)]
        seen = [[] for _ in directories]
        chance = random.Random(2)
        while not all(names and names[-1] is None for names in seen):
            index = chance.randrange(5)
            if not seen[index] or seen[index][-1] is not None:
                seen[index].append(directories[index].next())
        for names, directory in zip(seen, directories):
            directory.__exit__()
            wanted = wanted or names
            assert names == wanted
        assert set(wanted[:-1]) == names_of(account.jobs(status="done"))


class TestPageSize:
    """SEMANTICS 6.5"""

    def test_grows(self, thousand, mount):
        """SEMANTICS 6.5.2: Later pages grow to about a mebibyte or half a second."""
        one = mount(thousand)
        assert len(os.listdir(one.path / "all")) == 1000
        limits = [request.limit for request in one.requests()]
        assert limits[0] == 20
        assert max(limits) > 100
        assert len(limits) < 20

    def test_large_jobs(self, new_mock, mount):
        """Pages of large jobs stay small."""
        large = new_mock("--jobs", "120", "--bytes", "200000")
        one = mount(large)
        assert len(os.listdir(one.path / "all")) == 120
        assert max(request.limit for request in one.requests()) <= 20

    def test_option(self, thousand, mount):
        """SEMANTICS 1.4: page_size="""
        one = mount(thousand, "page_size=70")
        os.listdir(one.path / "all")
        assert {request.limit for request in one.requests()} <= {70, 71}

    @pytest.mark.parametrize("over", ["400", "422"])
    @pytest.mark.parametrize("options", [[], ["page_size=200"]])
    def test_refused(self, thousand, mount, over, options):
        """SEMANTICS 6.5.3: A limit the API refuses is halved and remembered."""
        one = mount(thousand, *options)
        thousand.modes(limit_max=50, limit_over=over)
        done = names_of(thousand.jobs(status="done"))
        assert set(os.listdir(one.path / "status/done")) == done
        assert any(request.status == int(over) for request in one.requests())
        assert set(os.listdir(one.path / "all")) == names_of(thousand.jobs())
        assert [request for request in one.requests() if request.status != 200] == []

    @pytest.mark.parametrize("options", [[], ["page_size=200"]])
    @pytest.mark.parametrize("maximum", [1, 2, 7, 50])
    def test_lowered(self, account, mount, options, maximum):
        """SEMANTICS 6.5.4: A limit the API silently lowers is noticed."""
        one = mount(account, *options)
        account.modes(limit_max=maximum, limit_over="cap")
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())


class TestEnd:
    """SEMANTICS 6.6"""

    @pytest.mark.parametrize("last_next", ["null", "set"])
    @pytest.mark.parametrize("past_end", ["empty", "404"])
    @pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 39, 40, 58, 60])
    def test_end(self, new_mock, mount, last_next, past_end, count):
        """SEMANTICS 6.6.6: A listing ends with `next: null`, or with an empty page."""
        some = new_mock("--jobs", str(count), "--bytes", "1500", "--mode",
                           f"last_next={last_next}", "--mode", f"past_end={past_end}")
        one = mount(some, "page_size=20")
        assert set(os.listdir(one.path / "all")) == names_of(some.jobs())

    def test_stuck(self, account, mount):
        """SEMANTICS 6.6.5: A `next` that does not advance is an error, not a loop."""
        one = mount(account, "timeout=1")
        account.modes(next_stuck="1")
        with pytest.raises(OSError) as caught:
            os.listdir(one.path / "all")
        assert caught.value.errno == errno.EIO
        assert len(one.requests()) < 20
        account.modes(next_stuck="0")
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
