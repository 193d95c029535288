# SPDX-License-Identifier: MIT
"""SEMANTICS 6.1, 11.1, 4.3: every fault at every step of a listing and of a read. A result is
complete or an errno, within `timeout`; when the fault is over, everything can be read without a
remount.

Each fault has its own mock server and mount, and goes through all steps. Several faults run at a
time, because they mostly wait."""

import contextlib
import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from layout import pretty
from mounting import Guard, Mount, Place
from mock import JOBS, LISTS, Mock
from tools import PATIENCE, Stopwatch, names_of, read, wait_until

# Long enough for an action that needs several requests while other tests use the processors.
TIMEOUT = round(2 * PATIENCE)
# How late a result can be on a busy machine.
LATE = 1.5 * PATIENCE
# Natively the cases mostly wait; under sanitizers they use all processors, so fewer run at a time.
AT_A_TIME = 16 if PATIENCE == 1 else 6
# By default every third case of a fault runs, under sanitizers every ninth; different ones for each
# fault.
PART = 9 if PATIENCE > 1 else 1 if os.environ.get("GLADIAFS_TEST_LONG") else 3
ERRNOS = {errno.EIO, errno.ETIMEDOUT, errno.EBUSY, errno.EHOSTUNREACH}

ACCOUNT = ("--jobs", "60", "--days", "6", "--bytes", "160000:165000", "--errors", "20",
           "--unfinished", "3", "--mode", "retry_after=absent")
OPTIONS = ("ttl=0", f"timeout={TIMEOUT}", "page_size=10", "cache_size=1M")


def status(code, retry_after=None):
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return {"kind": "status", "status": code, "headers": headers}


# The request to the mock server for each fault, by name. undetectable: a client cannot detect it.
FAULTS = {
    **{str(code): status(code) for code in (404, 408, 429, 500, 502, 503, 504)},
    **{f"{code} {name}": status(code, value) for code in (429, 503) for name, value in {
        "seconds": "1", "date": "Wed, 01 Jan 2025 00:00:00 GMT", "negative": "-5",
        "absurd": "99999999999999999999", "absurd date": "Fri, 31 Dec 9999 23:59:59 GMT",
        "words": "soon"}.items()},
    "401": {**status(401), "errno": errno.EACCES},
    "latency": {"kind": "latency", "ms": 300},
    "latency over timeout": {"kind": "latency", "ms": 60000},
    "reset": {"kind": "reset"},
    "reset in the body": {"kind": "reset_after", "bytes": 700},
    "reset after the headers": {"kind": "reset_after", "bytes": 0},
    "truncate, right length": {"kind": "truncate"},
    "truncate, chunked": {"kind": "truncate", "declare": "chunked"},
    "truncate, last byte": {"kind": "truncate", "bytes": 1000000},
    "json cut short": {"kind": "truncate_valid"},
    "json cut to a byte": {"kind": "truncate_valid", "bytes": 1},
    "stall": {"kind": "stall"},
    "stall after the headers": {"kind": "stall_after", "bytes": 0},
    "stall in the body": {"kind": "stall_after", "bytes": 700},
    "stall at the last byte": {"kind": "wrong_length", "delta": 1},
    "drip": {"kind": "drip", "bytes_per_second": 100},
    "html": {"kind": "html"},
    "empty": {"kind": "empty"},
    "bad json": {"kind": "bad_json"},
    "length too long": {"kind": "wrong_length", "delta": 10},
    "length too short": {"kind": "wrong_length", "delta": -10},
    "bad gzip": {"kind": "bad_gzip"},
    "redirect": {"kind": "redirect"},
    "empty page": {"kind": "page", "page": {"items": [], "next": None}, "undetectable": True},
    "deep": {"kind": "deep", "depth": 2000},
    "items null": {"kind": "items_null"},
    "items numbers": {"kind": "items_numbers"},
    "item dropped": {"kind": "drop_item", "index": 4, "undetectable": True},
    "huge string": {"kind": "huge_string", "bytes": 200000, "undetectable": True},
    "huge page": {"kind": "huge_page", "items": 5, "bytes": 50000, "undetectable": True},
}
# These faults change the items of a page, but not the answer to a job fetch.
OF_PAGES = {"deep", "huge_string", "drop_item", "items_null", "items_numbers", "huge_page"}
# A single fault of these kinds causes no error.
PASSES = {"status", "latency", "reset", "reset_after", "truncate", "truncate_valid", "html",
          "empty", "bad_json", "bad_gzip", "deep", "items_null"}


class Failed(AssertionError):
    """A broken promise: names the step and the result."""


def attempt(action):
    """Returns the value of the action, or its OSError, and the seconds it took."""
    with Stopwatch() as watch:
        try:
            value = action()
        except OSError as error:
            value = error
    return value, watch.seconds


class Steps:
    """A mock server, a mount of it, and the expected contents."""

    def __init__(self, mock, one):
        self.mock = mock
        self.one = one
        self.day = 0
        self.jobs_read = 0
        self.undetectable = False  # the fault serves wrong names: they may precede an error

    def list(self, path):
        """Returns the names, each of which must be unique. Names emitted before an error must be
        right, too."""
        seen = []
        expected = self.expected(path)
        try:
            with os.scandir(self.one.path / path) as entries:
                for entry in entries:
                    seen.append(entry.name)
        except OSError:
            if set(seen) - expected and not self.undetectable:
                raise Failed(f"names of jobs that do not exist: {set(seen) - expected}") from None
            raise
        if len(seen) != len(set(seen)):
            raise Failed(f"names twice: {len(seen)} for {len(set(seen))}")
        return set(seen)

    def expected(self, path):
        jobs = self.mock.jobs()
        if path == "date":
            return {job["created_at"][:10] for job in jobs}
        if path.startswith("date/"):
            return names_of(job for job in jobs if job["created_at"].startswith(path[5:]))
        if path.startswith("metadata/"):
            return {text for job in jobs if (text := (job["custom_metadata"] or {}).get(
                path[9:]))}
        return names_of(jobs)

    def new_directory(self):
        """Returns the path of a directory that shows all jobs and was never listed."""
        self.day += 1
        return f"after/2025-{1 + self.day // 28:02}-{1 + self.day % 28:02}"

    def new_job(self):
        return self.mock.create(bytes=3000, custom_metadata={"customer": "acme"})

    def text(self, job):
        return read(self.one.path / "all" / (job + ".json"))

    # Each step returns the requests that the fault matches, the action, and the expected result.

    def listing(self, **match):
        path = self.new_directory()
        return {"path": LISTS, **match}, lambda: self.list(path), lambda: self.expected(path)

    def head(self):
        return self.listing()

    def middle_page(self):
        return self.listing(min_offset=25)

    def last_page(self):
        return self.listing(min_offset=len(self.mock.jobs()) - 11)

    def refresh(self):
        """One job was added and one was deleted since the directory was listed."""
        path = self.new_directory()
        gone = self.new_job()
        for _ in range(5):
            self.new_job()
        self.list(path)
        self.new_job()
        self.mock.delete(gone)
        return {"path": LISTS}, lambda: self.list(path), lambda: self.expected(path)

    def look_up(self):
        job = self.new_job()
        path = self.one.path / "all" / (job + ".json")
        return ({"path": JOBS + job}, lambda: path.stat().st_size,
                lambda: len(pretty(self.mock.body(job))))

    def read(self):
        """The attributes of the job are known, but its text was evicted."""
        self.list(self.new_directory())
        self.mock.wait(in_flight_at_most=0)
        # Some texts were not evicted: if this job has text, endure() tries others.
        self.jobs_read += 7
        jobs = self.mock.jobs(status="done")
        job = jobs[self.jobs_read % len(jobs)]["id"]
        return ({"path": JOBS + job}, lambda: self.text(job),
                lambda: pretty(self.mock.body(job)))

    def finished(self):
        """The job has a new version whose text is not cached."""
        job = self.mock.create(bytes=3000, status="processing")
        self.text(job)
        self.mock.change(job, status="done", seed=7)
        return ({"path": JOBS + job}, lambda: self.text(job),
                lambda: pretty(self.mock.body(job)))

    def summary(self):
        """The listing names the job, but its text has to be fetched."""
        self.mock.modes(items="summary")
        job = self.new_job()
        self.list(self.new_directory())
        return ({"path": JOBS + job}, lambda: self.text(job),
                lambda: pretty(self.mock.body(job)))

    def days(self):
        return {"path": LISTS}, lambda: self.list("date"), lambda: self.expected("date")

    def one_day(self):
        day = "date/" + self.mock.jobs()[-1]["created_at"][:10]
        return {"path": LISTS}, lambda: self.list(day), lambda: self.expected(day)

    def metadata(self):
        path = "metadata/project"
        return {"path": LISTS}, lambda: self.list(path), lambda: self.expected(path)

    # Checks of a result.

    def recovers(self, action, expected):
        """Checks that the action succeeds without a remount once the server works, possibly after a
        wait that the server asked for."""
        self.mock.clear_faults()

        def whole():
            value, _ = attempt(action)
            if isinstance(value, OSError):
                return False
            if value != expected():
                raise Failed(f"wrong after the fault: {difference(value, expected())}")
            return True
        # After a 429 or 503 without Retry-After, requests may pause for up to ten seconds.
        wait_until(whole, "it is whole again", 12 * PATIENCE)

    def endure(self, step, fault, times, tries=12):
        """Runs one case."""
        match, action, expected = getattr(self, step)()
        undetectable = fault.get("undetectable")
        kind = fault["kind"]
        do = {name: value for name, value in fault.items() if name not in ("undetectable", "errno")}
        self.mock.fault(match=match, times=times, **do)
        self.undetectable = bool(undetectable)
        value, seconds = attempt(action)
        self.undetectable = False
        hits = sum(rule["hits"] for rule in self.mock.control("GET", "faults"))
        if not hits:
            # The fault matched no request, because data that the previous step requested has just
            # arrived.
            if value != expected() or not tries:
                raise Failed(f"the fault hit no request, and the result is {str(value)[:300]!r}")
            self.mock.clear_faults()
            self.endure(step, fault, times, tries - 1)
            return
        if seconds > TIMEOUT + LATE and not isinstance(value, set):
            raise Failed(f"{seconds:.2f} s")
        allowed = {fault["errno"]} if "errno" in fault else set(ERRNOS)
        if kind == "status" and fault["status"] == 404 and match["path"] != LISTS:
            allowed = {errno.ENOENT, errno.ESTALE}
        if undetectable and step == "metadata":
            allowed.add(errno.ENOENT)  # an account without jobs has no such key
        if isinstance(value, OSError):
            if value.errno not in allowed:
                raise Failed(f"errno {value}")
            if times == 1 and kind in PASSES and not self.may_fail_at_once(fault):
                raise Failed(f"a single failure was not retried: {value}")
        elif not undetectable and value != expected():
            raise Failed(f"no error, and wrong: {difference(value, expected())}")
        self.recovers(action, expected)

    @staticmethod
    def may_fail_at_once(fault):
        """True if a failed request is not retried, or not before the timeout."""
        return fault.get("status") in (401, 404) or fault.get("ms", 0) > 1000 or any(
            value[:1].isdigit() or "9999" in value
            for value in fault.get("headers", {}).values())


def difference(value, expected):
    if isinstance(value, set):
        return f"{len(expected - value)} names missing, {len(value - expected)} too many"
    return f"{str(value)[:80]!r}, not {str(expected)[:80]!r}"


STEPS = ("head", "middle_page", "last_page", "refresh", "look_up", "read", "finished", "days",
         "one_day", "metadata", "summary")
OF_JOBS = ("look_up", "read", "finished", "summary")


def chosen(number, fault):
    """Returns the cases of a fault, or every PART-th of them: the step, and how many requests the
    fault strikes."""
    cases = [(step, times) for step in STEPS for times in (1, -1)
             if fault["kind"] not in OF_PAGES or step not in OF_JOBS]
    return cases[number % PART::PART]


def go_through(place, number, fault):
    """Runs the cases of a fault, which strikes one request, or all until it is removed. Returns the
    number of cases and a list of failures."""
    wrong = []
    cases = 0
    with contextlib.ExitStack() as stack:
        mock = Mock(place.directory, *ACCOUNT)
        stack.callback(mock.stop)
        one = Mount(place, mock, *OPTIONS)
        guard = Guard([one])
        stack.callback(guard.cancel)
        steps = Steps(mock, one)
        for step, times in chosen(number, fault):
            cases += 1
            try:
                steps.endure(step, fault, times)
            except (AssertionError, OSError) as error:
                wrong.append(f"{step}, {'once' if times > 0 else 'always'}: {error}")
                mock.clear_faults()
        if text := one.close():
            wrong.append(text)
    return cases, wrong


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The result of each fault. The faults run concurrently."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {name: pool.submit(go_through, Place(tmp_path_factory.mktemp("fault")), number,
                                 fault)
               for number, (name, fault) in enumerate(FAULTS.items())}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(results, name):
    cases, wrong = results[name].result()
    assert cases > 0
    assert not wrong, "\n".join(wrong)


def test_no_kind_is_missing(mock):
    """FAULTS contains every kind of fault that the mock server supports."""
    assert set(mock.control("GET", "faults/kinds")) == {
        fault["kind"] for fault in FAULTS.values()}


class LossySteps(Steps):
    """Loses a name, like a filesystem that does not notice a fault."""

    def list(self, path):
        return set(sorted(super().list(path))[1:])


def test_control(mock, mount):
    """Mutation test: a missing name and a wrong byte are detected."""
    mock.create(count=30, bytes=2000)
    one = mount(mock, *OPTIONS)
    with pytest.raises(Failed, match="1 names missing"):
        LossySteps(mock, one).endure("head", FAULTS["latency"], -1)
    mock.clear_faults()
    steps = Steps(mock, one)
    steps.text = lambda job: Steps.text(steps, job).replace(b"done", b"gone")
    with pytest.raises(Failed, match="no error, and wrong"):
        steps.endure("summary", FAULTS["latency"], -1)
