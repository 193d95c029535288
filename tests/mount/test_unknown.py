# SPDX-License-Identifier: MIT
"""SEMANTICS 3.1, 6.3, 6.6: the directories are the same for every way in which the API may behave
where its documentation is silent (GLADIA_API.md)."""

import os

import pytest

from layout import pretty
from tools import names_of, read

MODES = [
    {"items": "summary"},
    {"limit_max": 10, "limit_over": "cap"},
    {"limit_max": 10, "limit_over": "400"},
    {"limit_max": 10, "limit_over": "422"},
    {"default_limit": 5},
    {"order": "oldest"},
    {"order": "unsorted"},
    {"last_next": "set"},
    {"last_next": "set", "past_end": "404"},
    {"past_end": "404"},
    {"metadata": "brackets"},
    {"metadata": "ignored"},
    {"date_zone": "+05:30"},
    {"date_zone": "-11:00"},
    {"dates": "ignored"},
    {"before": "inclusive"},
    {"after": "inclusive"},
    {"before": "inclusive", "after": "inclusive"},
    {"next_form": "other_path"},
    {"next_form": "other_host:https://api.gladia.io"},
    {"next_form": "relative"},
    {"next_form": "query"},
    {"next_query": "offset"},
    {"next_query": "none"},
    {"gzip": "1"},
    {"framing": "chunked"},
    {"gzip": "1", "framing": "chunked"},
    {"keys": "next_first"},
    {"keys": "next_last"},
    {"keys": "items_first_unknown"},
    {"pretty": "1"},
    {"pretty": "1", "keys": "items_first_unknown", "gzip": "1", "framing": "chunked",
     "order": "oldest", "last_next": "set"},
]


def shown(path):
    names = os.listdir(path)
    assert len(names) == len(set(names))
    return set(names)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: ",".join(
    f"{name}={value}" for name, value in mode.items()))
def test_mode(account, mount, mode):
    one = mount(account, "page_size=30")
    account.modes(**mode)
    jobs = account.jobs()
    first, last = jobs[150], jobs[60]
    day = jobs[100]["created_at"][:10]
    within = account.jobs(after=first["created_at"], before=last["created_at"])
    assert len(within) == 90
    assert shown(one.path / "all") == names_of(jobs)
    assert shown(one.path / "status/done") == names_of(account.jobs(status="done"))
    assert shown(one.path / "status/queued,error") == names_of(
        account.jobs(status="queued") + account.jobs(status="error"))
    assert shown(one.path / "date" / day) == names_of(
        job for job in jobs if job["created_at"].startswith(day))
    assert shown(one.path / "after" / first["created_at"] / "before" / last["created_at"]) == (
        names_of(within))
    assert shown(one.path / "date") == {job["created_at"][:10] for job in jobs}
    for job in jobs[::25]:
        assert read(one.path / "all" / (job["id"] + ".json")) == pretty(account.body(job["id"]))
    assert {request.path.partition("?")[0][:16] for request in one.requests()} == {
        "/v2/pre-recorded"}


@pytest.mark.parametrize("options", ["page_size=2", "page_size=20,connections=1", "connections=8"])
@pytest.mark.parametrize("mode", [
    {"order": "newest"},
    {"order": "oldest"},
    {"order": "unsorted"},
    {"before": "inclusive", "after": "inclusive"},
    {"date_zone": "-11:00"},
    {"filter": "after_cut"},
    {"limit_max": 2},
], ids=str)
def test_days_in_any_order(account, mount, mode, options):
    """SEMANTICS 3.4: newest first, whatever the API's order and its limits of a range."""
    one = mount(account, *options.split(","))
    account.modes(**mode)
    days = list(dict.fromkeys(job["created_at"][:10] for job in account.jobs()))
    assert os.listdir(one.path / "date") == days
