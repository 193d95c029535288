# SPDX-License-Identifier: MIT
"""SPEC 7.2: looking again costs what changed, and shows what is there.

hypothesis creates, finishes and deletes jobs behind the mount's back, between looks and
during them. After every look the names are the stand-in's own, and the requests are
counted.
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

LOOKS = {
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
STEP = st.tuples(st.lists(CHANGE, max_size=6), st.sampled_from(sorted(LOOKS)), st.booleans())


def apply(sandbox, change):
    """Changes the account; False where there is nothing to change."""
    if change[0] == "create":
        sandbox.create(status=change[1], bytes=500)
        return True
    jobs = sandbox.jobs()
    if change[0] == "finish":
        jobs = [job for job in jobs if job["status"] in ("queued", "processing")]
    if not jobs:
        return False
    job = jobs[change[-1] % len(jobs)]["id"]
    if change[0] == "finish":
        sandbox.change(job, status=change[1])
    else:
        sandbox.delete(job)
    return True


def names(sandbox, look):
    return sorted(job["id"] + ".json" for job in sandbox.jobs() if LOOKS[look](job))


def full_read(sandbox, look):
    """Requests it takes to read all: the first page, and those that overlap it."""
    return 2 + len(names(sandbox, look)) // (PAGE - 1)


def unchanged(sandbox):
    """Head, unfinished jobs, tail and head again; the unfinished ones may fill pages."""
    unfinished = len(names(sandbox, "status/queued,processing"))
    return 3 + max(1, -(-unfinished // (PAGE - 1)))


def changes_cost(count):
    """Requests for so many changes: a deletion takes the halvings from JOBS to a page, and that
    page. For one it is less than reading."""
    return 8 + 6 * count


def asked(sandbox):
    """Requests so far, those included that were given up while on their way."""
    count = -1
    while count != (now := sandbox.wait(in_flight_at_most=0)["requests"]):
        count = now
    return count


def look_at(mount, look):
    """The names, and how many requests they took."""
    before = asked(mount.sandbox)
    seen = sorted(os.listdir(mount.path / look))
    return seen, asked(mount.sandbox) - before


def walk(sandbox, mount, steps):
    changed = {}  # since the last look, by look
    for changes, look, again in steps:
        count = sum(apply(sandbox, change) for change in changes)
        changed = {name: number + count for name, number in changed.items()}
        seen, requests = look_at(mount, look)
        assert seen == names(sandbox, look)
        full = full_read(sandbox, look)
        if look == "all" and look in changed:
            most = min(changes_cost(changed[look]), full + 8) if changed[look] \
                else unchanged(sandbox)
            assert requests <= most, (requests, changed[look], full)
        changed[look] = 0
        if again and look == "all":
            seen, requests = look_at(mount, look)
            assert seen == names(sandbox, look)
            assert requests <= unchanged(sandbox)


def account(new_sandbox):
    return new_sandbox("--jobs", str(JOBS), "--bytes", "500", "--unfinished", "8",
                       "--errors", "30")


def fresh_mount(mount, sandbox):
    """Without a cache on disk: an earlier example's stand-in may have had this port."""
    return mount(sandbox, "ttl=0", "cache=off", f"page_size={PAGE}")


def test_changes_between_looks(new_sandbox, mount):
    """SPEC 7.2, 6.3: names are right and few requests made, whatever changed between."""
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, min_size=4, max_size=10))
    def check(steps):
        sandbox = account(new_sandbox)
        try:
            one = fresh_mount(mount, sandbox)
            walk(sandbox, one, steps)
            one.unmount()
        finally:
            sandbox.stop()
    check()


def test_changes_during_looks(new_sandbox, mount):
    """SPEC 7.2, 6.3: a look that is disturbed shows all that was there all the time, and
    the next one what is there."""
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.lists(CHANGE, min_size=1, max_size=4), st.integers(1, 6),
                              st.sampled_from(sorted(LOOKS))), min_size=2, max_size=5))
    def check(rounds):
        sandbox = account(new_sandbox)
        try:
            one = fresh_mount(mount, sandbox)
            for changes, after, look in rounds:
                disturb(sandbox, one, changes, after, look)
            one.unmount()
        finally:
            sandbox.stop()
    check()


def disturb(sandbox, mount, changes, after, look):
    look_at(mount, look)
    before = set(names(sandbox, look))
    sandbox.schedule(after, *filter(None, (scheduled(sandbox, c) for c in changes)))
    seen, _ = look_at(mount, look)
    later = set(names(sandbox, look))
    assert len(seen) == len(set(seen))
    assert before & later <= set(seen) <= before | later
    # What was scheduled behind the look's end happens before the next ends.
    sandbox.control("DELETE", "schedule")
    seen, _ = look_at(mount, look)
    assert seen == names(sandbox, look)


def scheduled(sandbox, change):
    """The change as the stand-in takes it, or None where there is nothing to change."""
    if change[0] == "create":
        return {"create": {"status": change[1], "bytes": 500}}
    jobs = sandbox.jobs()
    if change[0] == "finish":
        jobs = [job for job in jobs if job["status"] in ("queued", "processing")]
    if not jobs:
        return None
    job = jobs[change[-1] % len(jobs)]["id"]
    return {change[0]: job}


def test_after_one_was_picked_out(new_sandbox, mount):
    """SPEC 7.2: a listing by status comes out of a fresh one of all jobs, for nothing, and
    what came of that can be checked later."""
    sandbox = account(new_sandbox)
    one = mount(sandbox, f"page_size={PAGE}")
    look_at(one, "all")
    assert look_at(one, "status/done") == (names(sandbox, "status/done"), 0)
    jobs = sandbox.jobs()
    sandbox.change(next(job["id"] for job in jobs if job["status"] == "processing"),
                   status="done")
    sandbox.delete([job["id"] for job in jobs if job["status"] == "done"][150])
    os.kill(one.pid, signal.SIGHUP)
    # An empty day costs a request again once the signal was heard.
    wait_until(lambda: look_at(one, "date/2020-01-01")[1], "SIGHUP is heard")
    seen, requests = look_at(one, "status/done")
    assert seen == names(sandbox, "status/done")
    assert requests <= changes_cost(1)


def test_after_a_remount(new_sandbox, mount):
    """SPEC 7.2: also across unmount and mount."""
    sandbox = account(new_sandbox)
    one = mount(sandbox, "ttl=0", f"page_size={PAGE}")
    look_at(one, "all")
    one.unmount()
    victim = sandbox.jobs()[200]["id"]
    two = mount(sandbox, "ttl=0", f"page_size={PAGE}")
    seen, requests = look_at(two, "all")
    assert (seen, requests <= 4) == (names(sandbox, "all"), True)
    two.unmount()
    sandbox.delete(victim)
    sandbox.create(status="done")
    three = mount(sandbox, "ttl=0", f"page_size={PAGE}")
    seen, requests = look_at(three, "all")
    assert seen == names(sandbox, "all")
    assert requests <= changes_cost(1)
    # It is not there by its name either (SPEC 7.1).
    assert not (three.path / "all" / f"{victim}.json").exists()
