# SPDX-License-Identifier: MIT
"""SEMANTICS 1.11: -o kind=live shows live sessions with the same tree, formats and cache."""

import json
import os

import pytest

from layout import pretty
from mock import AN_ID
from tools import names_of, read, run

LIVE = "/v2/live"


@pytest.fixture
def account(new_mock):
    """A mock server with pre-recorded jobs and live sessions."""
    return new_mock("--jobs", "40", "--live", "60", "--days", "5", "--bytes", "1500:4000",
                    "--errors", "20", "--unfinished", "6")


def paths(requests):
    return {request.path[:len(LIVE)] for request in requests}


def test_tree(account, mount):
    """SEMANTICS 1.11.1"""
    live = account.live()
    one = mount(account, "kind=live")
    jobs = live.jobs()
    assert len(jobs) == 60
    assert set(os.listdir(one.path / "all")) == names_of(jobs)
    for status in "done", "error", "queued", "processing":
        assert set(os.listdir(one.path / "status" / status)) == names_of(live.jobs(status=status))
    days = {job["created_at"][:10] for job in jobs}
    assert set(os.listdir(one.path / "date")) == days
    for day in days:
        assert set(os.listdir(one.path / "date" / day)) == names_of(
            job for job in jobs if job["created_at"].startswith(day))
    done = live.jobs(status="done")
    assert len(os.listdir(one.path / "text")) >= len(done)
    assert len(read(one.path / "all/jobs.csv").splitlines()) == 1 + len(jobs)
    for job in jobs:
        assert read(one.path / "all" / (job["id"] + ".json")) == pretty(live.body(job["id"]))
    assert paths(one.requests()) == {LIVE}


def test_formats(account, mount):
    """SEMANTICS 1.11.1: a session's text and subtitles are made from its transcription."""
    one = mount(account, "kind=live", "formats=json:txt:srt:vtt")
    job_id = account.live().create(lines=["Good morning.", "Where were we?"],
                                   custom_metadata={"room": "blue"})
    assert json.loads(read(one.path / "all" / (job_id + ".json")))["kind"] == "live"
    assert b"Where were we?" in read(one.path / "all" / (job_id + ".txt"))
    assert b"-->" in read(one.path / "metadata/room/blue" / (job_id + ".srt"))
    assert read(one.path / "all" / (job_id + ".vtt")).startswith(b"WEBVTT")


def test_long_messages(account, mount):
    """A session can hold many messages."""
    job = {"id": AN_ID, "kind": "live", "status": "done", "created_at": "2026-05-01T00:00:00.000Z",
           "result": {"metadata": {}, "transcription": {"full_transcript": "words", "utterances": []},
                      "messages": [json.dumps({"type": "audio_chunk", "data": "x" * 1000})] * 5000}}
    account.live().create(raw=json.dumps(job))
    one = mount(account, "kind=live")
    assert read(one.path / "all" / (AN_ID + ".json")) == pretty(json.dumps(job))


def test_apart(account, mount, place):
    """SEMANTICS 1.11.2: a live session and a pre-recorded job of the same id are two files, and
    each mount has its own cache file."""
    account.create(id=AN_ID, text="recorded before")
    account.live().create(id=AN_ID, text="spoken just now")
    name = AN_ID + ".json"
    recorded, live = mount(account, "allow_delete"), mount(account, "kind=live", "allow_delete")
    assert b"recorded before" in read(recorded.path / "all" / name)
    assert b"spoken just now" in read(live.path / "all" / name)
    assert len(list(place.cache.glob("*.db"))) == 2
    live.mark()
    run("rm", live.path / "all" / name)
    assert [(request.method, request.path, request.status) for request in live.requests()
            ] == [("DELETE", f"{LIVE}/{AN_ID}", 202)]
    assert not (live.path / "all" / name).exists()
    assert b"recorded before" in read(recorded.path / "all" / name)
    assert len(account.jobs()) == 41
    live.unmount()
    again = mount(account, "kind=live")
    assert not (again.path / "all" / name).exists()


def test_cache(account, mount):
    """SEMANTICS 1.11.2: the cache is used again."""
    one = mount(account, "kind=live")
    done = names_of(account.live().jobs(status="done"))
    texts = {name: read(one.path / "all" / name) for name in done}
    one.unmount()
    again = mount(account, "kind=live")
    again.mark()
    assert {name: read(again.path / "all" / name) for name in done} == texts
    assert not [request for request in again.requests() if not request.lists]


def test_names(account, mount, program, place):
    """The mount, its configuration and the list of caches say which jobs it shows."""
    one = mount(account, "kind=live")
    assert b"\nkind=live\n" in read(one.path / ".gladiafs/config")
    os.listdir(one.path / "all")
    one.unmount()
    _, out, _ = program("--cache", "-o", f"cache_dir={place.cache}")
    assert f"{account.url}{LIVE} " in out


def test_check(account, mount, program, place):
    """--check asks for what the mount would show."""
    account.control("DELETE", "log")
    options = place.options("kind=live")
    program("--check", "-o", options, account.url)
    code, out, _ = program("--check", "--api", "-o", options, account.url)
    assert code == 0 and "is the same path of this server" in out
    assert paths(account.log()) == {LIVE}
    one = mount(account, "kind=live")
    account.control("DELETE", "log")
    program("--check", one.path)
    assert paths(account.log()) == {LIVE}


def test_words(program):
    code, _, err = program("-o", "kind=video", "/mnt")
    assert code == 1 and "pre-recorded or live" in err
