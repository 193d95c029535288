# SPDX-License-Identifier: MIT
"""SEMANTICS 7.2: the cost of a refresh depends on what changed, and it shows the current jobs.

hypothesis creates, finishes and deletes jobs between refreshes and during them. After every refresh
the names must be those of the mock server, and the requests are counted.
"""

import os
import signal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chance import SHORT
from tools import wait_until

JOBS = 300
PAGE = 20
EXAMPLES = int(os.environ.get("GLADIAFS_MODEL_EXAMPLES", "4" if SHORT else "12"))

DIRECTORIES = {
    "all": lambda job: True,
    "status/done": lambda job: job["status"] == "done",
    "status/error": lambda job: job["status"] == "error",
    "status/queued,processing": lambda job: job["status"] in ("queued", "processing"),
    "after/2026-04-28": lambda job: job["created_at"] >= "2026-04-28",
}

CHANGE = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(["queued", "processing", "done", "error"])),
    st.tuples(st.just("finish"), st.sampled_from(["done", "error"]), st.integers(0, 999)),
    st.tuples(st.just("delete"), st.integers(0, 999)),
)
STEP = st.tuples(st.lists(CHANGE, max_size=6), st.sampled_from(sorted(DIRECTORIES)), st.booleans())


def apply(mock, change):
    """Changes the account. Returns False if there is nothing to change."""
    if change[0] == "create":
        mock.create(status=change[1], bytes=500)
        return True
    jobs = mock.jobs()
    if change[0] == "finish":
        jobs = [job for job in jobs if job["status"] in ("queued", "processing")]
    if not jobs:
        return False
    job = jobs[change[-1] % len(jobs)]["id"]
    if change[0] == "finish":
        mock.change(job, status=change[1])
    else:
        mock.delete(job)
    return True


def names(mock, where):
    return sorted(job["id"] + ".json" for job in mock.jobs() if DIRECTORIES[where](job))


def full_read(mock, where):
    """Returns the number of requests that read everything, in pages that overlap by one job."""
    return 2 + len(names(mock, where)) // (PAGE - 1)


def unchanged(mock):
    """Returns the most requests for an unchanged account: head, unfinished jobs, tail and head
    again; the unfinished jobs may fill several pages."""
    unfinished = len(names(mock, "status/queued,processing"))
    return 3 + max(1, -(-unfinished // (PAGE - 1)))


def changes_cost(count):
    """Returns the most requests for this many changes: a deletion costs a binary search from JOBS
    down to a page, and that page. For a single change this is less than reading everything."""
    return 8 + 6 * count


def requests_so_far(mock):
    """Returns the number of requests so far, including those that were cancelled."""
    count = -1
    while count != (now := mock.wait(in_flight_at_most=0)["requests"]):
        count = now
    return count


def list_and_count(mount, where):
    """Returns the names, and how many requests they cost."""
    before = requests_so_far(mount.mock)
    seen = sorted(os.listdir(mount.path / where))
    return seen, requests_so_far(mount.mock) - before


def walk(mock, mount, steps):
    changed = {}  # number of changes since the last listing of each directory
    for changes, where, again in steps:
        count = sum(apply(mock, change) for change in changes)
        changed = {name: number + count for name, number in changed.items()}
        seen, requests = list_and_count(mount, where)
        assert seen == names(mock, where)
        full = full_read(mock, where)
        if where == "all" and where in changed:
            most = min(changes_cost(changed[where]), full + 8) if changed[where] \
                else unchanged(mock)
            assert requests <= most, (requests, changed[where], full)
        changed[where] = 0
        if again and where == "all":
            seen, requests = list_and_count(mount, where)
            assert seen == names(mock, where)
            assert requests <= unchanged(mock)


def account(new_mock):
    return new_mock("--jobs", str(JOBS), "--bytes", "500", "--unfinished", "8",
                       "--errors", "30")


def fresh_mount(mount, mock):
    """Mounts without a cache on disk, because an earlier mock server may have had the same port."""
    return mount(mock, "ttl=0", "cache=off", f"page_size={PAGE}")


def test_changes_between_refreshes(new_mock, mount):
    """SEMANTICS 7.2, 6.3: names are right and few requests are made, whatever changed in
    between."""
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, min_size=4, max_size=10))
    def check(steps):
        mock = account(new_mock)
        try:
            one = fresh_mount(mount, mock)
            walk(mock, one, steps)
            one.unmount()
        finally:
            mock.stop()
    check()


def test_changes_during_refreshes(new_mock, mount):
    """SEMANTICS 7.2, 6.3: a refresh during which jobs change shows every job that existed
    throughout, and the next refresh shows the current jobs."""
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.lists(CHANGE, min_size=1, max_size=4), st.integers(1, 6),
                              st.sampled_from(sorted(DIRECTORIES))), min_size=2, max_size=5))
    def check(rounds):
        mock = account(new_mock)
        try:
            one = fresh_mount(mount, mock)
            for changes, after, where in rounds:
                disturb(mock, one, changes, after, where)
            one.unmount()
        finally:
            mock.stop()
    check()


def disturb(mock, mount, changes, after, where):
    list_and_count(mount, where)
    before = set(names(mock, where))
    mock.schedule(after, *filter(None, (scheduled(mock, c) for c in changes)))
    seen, _ = list_and_count(mount, where)
    later = set(names(mock, where))
    assert len(seen) == len(set(seen))
    assert before & later <= set(seen) <= before | later
    # Drop the changes scheduled for after the refresh, so that they do not disturb the next one.
    mock.control("DELETE", "schedule")
    seen, _ = list_and_count(mount, where)
    assert seen == names(mock, where)


def scheduled(mock, change):
    """Returns the change in the mock server's form, or None if there is nothing to change."""
    if change[0] == "create":
        return {"create": {"status": change[1], "bytes": 500}}
    jobs = mock.jobs()
    if change[0] == "finish":
        jobs = [job for job in jobs if job["status"] in ("queued", "processing")]
    if not jobs:
        return None
    job = jobs[change[-1] % len(jobs)]["id"]
    return {change[0]: job}


def test_after_one_was_selected(new_mock, mount):
    """SEMANTICS 7.2: a listing by status is selected from a fresh listing of all jobs at no cost,
    and can be revalidated later."""
    mock = account(new_mock)
    one = mount(mock, f"page_size={PAGE}")
    list_and_count(one, "all")
    assert list_and_count(one, "status/done") == (names(mock, "status/done"), 0)
    jobs = mock.jobs()
    mock.change(next(job["id"] for job in jobs if job["status"] == "processing"),
                   status="done")
    mock.delete([job["id"] for job in jobs if job["status"] == "done"][150])
    os.kill(one.pid, signal.SIGHUP)
    # An empty day costs a request again once SIGHUP was handled.
    wait_until(lambda: list_and_count(one, "date/2020-01-01")[1], "SIGHUP is heard")
    seen, requests = list_and_count(one, "status/done")
    assert seen == names(mock, "status/done")
    assert requests <= changes_cost(1)


def test_after_a_remount(new_mock, mount):
    """SEMANTICS 7.2.2: a refresh is cheap across unmount and mount, too."""
    mock = account(new_mock)
    one = mount(mock, "ttl=0", f"page_size={PAGE}")
    list_and_count(one, "all")
    one.unmount()
    victim = mock.jobs()[200]["id"]
    two = mount(mock, "ttl=0", f"page_size={PAGE}")
    seen, requests = list_and_count(two, "all")
    assert (seen, requests <= 4) == (names(mock, "all"), True)
    two.unmount()
    mock.delete(victim)
    mock.create(status="done")
    three = mount(mock, "ttl=0", f"page_size={PAGE}")
    seen, requests = list_and_count(three, "all")
    assert seen == names(mock, "all")
    assert requests <= changes_cost(1)
    # The deleted job is not found by its name either (SEMANTICS 7.1).
    assert not (three.path / "all" / f"{victim}.json").exists()
