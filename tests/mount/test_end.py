# SPDX-License-Identifier: MIT
"""SEMANTICS 6.1, 6.6: only `next: null` ends a listing; a page that contradicts the end is fetched
again."""

import errno
import os
import subprocess

import pytest

from tools import names_of

EMPTY = {
    "advances": {"items": [], "next": "https://api.gladia.io/v2/transcription?offset=100000"},
    "missing": {"items": []},
    "error": {"items": [], "statusCode": 500, "message": "Internal server error"},
}


@pytest.fixture
def eighty(new_mock):
    return new_mock("--jobs", "80", "--bytes", "1500", "--days", "4")


def error_of(path):
    with pytest.raises(OSError) as caught:
        os.listdir(path)
    return caught.value.errno


def errors(one):
    return (one.path / ".gladiafs/errors").read_text()


class TestEmptyPage:
    """An empty page does not end a listing unless it says so."""

    @pytest.mark.parametrize("page", EMPTY)
    @pytest.mark.parametrize("skip", [0, 1, 3])
    def test_once(self, eighty, mount, page, skip):
        """SEMANTICS 6.6.2"""
        one = mount(eighty, "page_size=20", "connections=1")
        eighty.fault_lists("page", page=EMPTY[page], skip=skip, times=1)
        assert set(os.listdir(one.path / "all")) == names_of(eighty.jobs())
        assert len(one.requests()) <= 5 + 2

    @pytest.mark.parametrize("page", EMPTY)
    @pytest.mark.parametrize("path", ["all", "date", "status/done", "metadata", "after/2020-01-01"])
    def test_always(self, eighty, mount, page, path):
        """The listing fails with an error message after a few requests. Once the API works again,
        it is complete."""
        one = mount(eighty, "timeout=2")
        eighty.fault_lists("page", page=EMPTY[page], times=-1)
        # If every page is empty but names a next one, only the recovery is checked.
        if page != "advances":
            assert error_of(one.path / path) == errno.EIO
            assert "listing" in errors(one)
            assert len(one.requests()) <= 8
        eighty.clear_faults()
        assert os.listdir(one.path / path)
        assert set(os.listdir(one.path / "all")) == names_of(eighty.jobs())

    def test_copy(self, eighty, mount, tmp_path):
        """If the API once returns an empty account, rsync --delete does not empty a copy of it."""
        one = mount(eighty, "ttl=0")
        copy = ["rsync", "-a", "--delete", f"{one.path}/all/", tmp_path / "copy"]
        subprocess.run(copy, check=True, timeout=60)
        assert len(os.listdir(tmp_path / "copy")) == 80
        for page in [*EMPTY.values(), {"items": [], "next": None}]:
            eighty.fault_lists("page", page=page, times=1)
            subprocess.run(copy, check=True, timeout=60)
            assert len(os.listdir(tmp_path / "copy")) == 80
            eighty.clear_faults()


class TestEmptied:
    """If jobs were known, an empty listing is believed only if the API returns it twice."""

    @pytest.mark.parametrize("path", ["all", "date", "status/done"])
    def test_emptied_once(self, eighty, mount, path):
        """SEMANTICS 6.6.4"""
        one = mount(eighty, "ttl=0")
        known = os.listdir(one.path / path)
        eighty.fault_lists("page", page={"items": [], "next": None}, times=1)
        assert set(os.listdir(one.path / path)) == set(known)

    def test_true(self, eighty, mount):
        one = mount(eighty, "ttl=0")
        os.listdir(one.path / "all")
        for job in eighty.jobs():
            eighty.delete(job["id"])
        one.mark()
        assert os.listdir(one.path / "all") == []
        assert len(one.requests()) <= 3
        assert os.listdir(one.path / "all") == []
        assert len(one.requests()) == 1

    def test_never_any(self, new_mock, mount):
        none = new_mock("--jobs", "0")
        one = mount(none, "ttl=0")
        for path in ("all", "date", "status/done", "metadata"):
            assert os.listdir(one.path / path) == []
            assert len(one.requests()) == 1


class TestNextName:
    """`next` is missing or has another name."""

    @pytest.mark.parametrize("name", ["next_page", "missing"])
    @pytest.mark.parametrize("count", [7, 20, 100])
    def test_never_short(self, new_mock, mount, name, count):
        """SEMANTICS 6.6.3"""
        some = new_mock("--jobs", str(count), "--bytes", "1500", "--mode", f"next_name={name}")
        one = mount(some, "page_size=20")
        seen = []
        with pytest.raises(OSError) as caught, os.scandir(one.path / "all") as entries:
            seen.extend(entry.name for entry in entries)
        assert caught.value.errno == errno.EIO
        assert set(seen) <= names_of(some.jobs())
        assert "is not marked as the last" in errors(one)
        assert len(one.requests()) < count / 19 + 20
        some.modes(next_name="next")
        assert set(os.listdir(one.path / "all")) == names_of(some.jobs())


class TestFilterAfterCut:
    """Pages in the middle of a list are shorter than requested, or empty."""

    @pytest.mark.parametrize("options", [[], ["page_size=20"]])
    @pytest.mark.parametrize("order", ["newest", "oldest"])
    def test_whole(self, new_mock, mount, options, order):
        some = new_mock("--jobs", "400", "--bytes", "1500", "--days", "9",
                           "--mode", "filter=after_cut", "--mode", f"order={order}")
        one = mount(some, "ttl=0", *options)
        jobs = some.jobs()
        days = {job["created_at"][:10] for job in jobs}
        for _ in range(2):
            assert set(os.listdir(one.path / "all")) == names_of(jobs)
            for status in ("queued", "error", "done"):
                assert set(os.listdir(one.path / "status" / status)) == names_of(
                    some.jobs(status=status))
            assert set(os.listdir(one.path / "date")) == days
            for day in sorted(days)[::3]:
                assert set(os.listdir(one.path / "date" / day)) == names_of(
                    job for job in jobs if job["created_at"].startswith(day))
