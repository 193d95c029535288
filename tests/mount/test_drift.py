# SPDX-License-Identifier: MIT
"""SEMANTICS 6.3: no job is missing or listed twice, even if jobs are created, finish and are
deleted between the pages of a listing."""

import os
import random

import pytest

from tools import names_of

JOBS = 200
PAGES = 14


@pytest.fixture
def busy(new_mock):
    """An account with half of its jobs unfinished."""
    return new_mock("--jobs", str(JOBS), "--bytes", "1500", "--unfinished", str(JOBS // 2))


def one_change(chance):
    kind = chance.choice(["create", "create", "delete", "delete", "finish"])
    if kind == "create":
        status = chance.choice(["queued", "done"])
        return {"create": {"count": chance.randint(1, 4), "status": status, "bytes": 1500}}
    if kind == "finish":
        return {"finish": "oldest_unfinished"}
    return {"delete": f"index:{chance.randrange(JOBS // 2)}"}


def plan(mock, seed):
    """Schedules random changes before each page except the first."""
    chance = random.Random(seed)
    for page in range(2, PAGES):
        mock.schedule(page, *[one_change(chance) for _ in range(chance.randint(0, 3))])


SELECTIONS = {
    "all": lambda job: True,
    "status/done": lambda job: job["status"] == "done",
    "status/queued,processing": lambda job: job["status"] in ("queued", "processing"),
    "after/2026-04-10": lambda job: job["created_at"] > "2026-04-10",
}


def selected(mock, path):
    return names_of(filter(SELECTIONS[path], mock.jobs()))


@pytest.mark.parametrize("path", SELECTIONS)
@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_busy_account(busy, mount, path, connections, seed):
    """SEMANTICS 6.3.1"""
    one = mount(busy, "page_size=20", f"connections={connections}")
    before = selected(busy, path)
    plan(busy, seed)
    names = os.listdir(one.path / path)
    after = selected(busy, path)
    assert len(names) == len(set(names)), "a job is doubled"
    assert (before & after) - set(names) == set(), "a job is missing"


@pytest.mark.parametrize("changes", [
    [{"create": {"count": 1}}], [{"create": {"count": 25}}], [{"delete": "index:0"}],
    [{"delete": f"index:{at}"} for at in range(30)],
    [{"delete": "index:3"}, {"create": {"count": 1}}],
    [{"delete": "index:19"}], [{"delete": "index:20"}], [{"delete": "index:21"}],
    [{"delete": "index:0"}] * 60], ids=str)
@pytest.mark.parametrize("when", [2, 3, 9])
def test_one_shift(busy, mount, changes, when):
    """One change between the first two pages, the next two, or near the end loses no job."""
    one = mount(busy, "page_size=20")
    before = selected(busy, "all")
    busy.schedule(when, *changes)
    names = os.listdir(one.path / "all")
    assert len(names) == len(set(names))
    assert (before & selected(busy, "all")) - set(names) == set()


def test_unchanged_account(busy, mount):
    """Neighbouring pages overlap by one item."""
    one = mount(busy, "page_size=20")
    assert len(os.listdir(one.path / "all")) == JOBS
    offsets = sorted(request.offset for request in one.requests())
    assert offsets == [19 * page for page in range(len(offsets))]


def test_one_bad_answer(busy, mount):
    """If two pages do not overlap as expected, the listing is repaired."""
    one = mount(busy, "page_size=20")
    busy.fault("drop_item", {"path": "/v2/pre-recorded", "min_offset": 1}, times=1, index=0)
    assert set(os.listdir(one.path / "all")) == selected(busy, "all")


def test_never_matching(busy, mount, reader):
    """If pages never overlap as expected, the listing fails and does not loop."""
    one = mount(busy, "page_size=20", "timeout=2")
    busy.fault("drop_item", {"path": "/v2/pre-recorded", "min_offset": 1}, index=0)
    code, _, _ = reader("ls", "-f", one.path / "all").result(10)
    assert code != 0
    assert len(one.requests()) < 500


def test_same_job_twice(mock, mount):
    """SEMANTICS 6.3: if the API returns an id several times, it is emitted once."""
    for number in range(5):
        mock.create(id=f"id{number}", raw='{"id":"same","status":"error","created_at":'
                       '"2026-04-01T00:00:00.000Z"}')
    assert os.listdir(mount(mock).path / "all") == ["same.json"]
