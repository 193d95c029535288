# SPDX-License-Identifier: MIT
"""SEMANTICS 1.6.5 to 1.6.7: --check --api reports how the API behaves where its documentation is
silent. The mock server plays each answer."""

import json

import pytest

from mock import KEY
from tls_front import Front, make_certificates
from mounting import needed_tools

QUESTIONS = ["items", "limit", "order", "date range", "day", "last page", "past the end", "metadata",
             "next", "compression", "HTTP", "Retry-After"]
TESTED, UNTESTED, UNKNOWN = "tested", "UNTESTED", "?"
NO_JOB = "unknown: no such job in this account"
REQUESTS_MAX = 30

# The modes of the mock server, the question that they answer, and the answer.
ANSWERS = [
    ({}, "items", TESTED, "are whole, the same as the job by itself"),
    ({"items": "summary"}, "items", TESTED, "are summaries, without result.transcription"),
    ({"items": "other"}, "items", UNTESTED, "differ from the job by itself in listed"),
    ({}, "limit", TESTED, "without a limit 20 jobs; limit=100 gives 100; limit=1000 gives 1000"),
    ({"limit_max": 500}, "limit", TESTED, "limit=1000 gives only 500"),
    ({"limit_max": 10}, "limit", TESTED, "without a limit 10 jobs; limit=100 gives only 10"),
    ({"limit_max": 50, "limit_over": "422"}, "limit", TESTED,
     "without a limit 20 jobs; limit=100 is refused (422)"),
    ({"limit_max": 10, "limit_over": "400"}, "limit", TESTED,
     "without a limit it is refused; limit=100 is refused (400)"),
    ({"default_limit": 7}, "limit", TESTED, "without a limit 7 jobs; limit=100 gives 100"),
    ({}, "order", TESTED, "newest first, as 100 jobs show"),
    ({"order": "oldest"}, "order", TESTED, "oldest first, as 100 jobs show"),
    ({"order": "unsorted"}, "order", TESTED, "neither newest nor oldest first"),
    ({"limit_max": 10, "limit_over": "400"}, "order", TESTED, "newest first, as 10 jobs show"),
    ({}, "date range", TESTED,
     "after_date excludes a job of exactly that time, before_date excludes it"),
    ({"after": "inclusive"}, "date range", TESTED,
     "after_date includes a job of exactly that time, before_date excludes it"),
    ({"before": "inclusive"}, "date range", TESTED,
     "after_date excludes a job of exactly that time, before_date includes it"),
    ({"dates": "ignored"}, "date range", TESTED, "after_date and before_date are ignored"),
    ({}, "day", TESTED, "is in UTC, or in a zone between UTC-00:15 and UTC+00:15"),
    ({"order": "unsorted"}, "day", TESTED, "is in UTC, or in a zone between UTC-00:"),
    ({"date_zone": "+05:30"}, "day", TESTED, "is in a zone between UTC+05:15 and UTC+05:45"),
    ({"date_zone": "-11:00"}, "day", TESTED, "is in a zone between UTC-11:30 and UTC-10:45"),
    ({"dates": "ignored"}, "day", UNKNOWN, "unknown: dates select no jobs"),
    ({}, "last page", TESTED, "if it is full, its next is null"),
    ({"last_next": "set"}, "last page", TESTED, "if it is full, its next leads to an empty page"),
    ({"next_name": "missing"}, "last page", TESTED, "it has no member next"),
    ({"filter": "after_cut"}, "last page", UNKNOWN,
     "unknown: pages are filtered after they were cut"),
    ({}, "past the end", TESTED, "an offset past the end gives an empty page"),
    ({"past_end": "404"}, "past the end", TESTED, "an offset past the end is answered with 404"),
    ({}, "metadata", TESTED, "as JSON it filters by some of the keys; in brackets it is ignored"),
    ({"metadata": "brackets"}, "metadata", TESTED, "as JSON it is ignored; in brackets it filters"),
    ({"metadata": "ignored"}, "metadata", TESTED,
     "as JSON it is ignored; in brackets it is ignored"),
    ({"metadata": "exact"}, "metadata", TESTED,
     "as JSON it filters by all keys together only; in brackets it is ignored"),
    ({"metadata": "empty"}, "metadata", TESTED,
     "as JSON it matches no job; in brackets it is ignored"),
    ({"metadata": "400"}, "metadata", TESTED, "as JSON it is refused; in brackets it is ignored"),
    ({}, "next", TESTED, "is the same path of this server, with an offset and a limit"),
    ({"next_form": "other_path"}, "next", TESTED,
     "is another path of another server, with an offset and a limit"),
    ({"next_form": "other_host:https://api.gladia.io"}, "next", TESTED,
     "is the same path of another server, with an offset and a limit"),
    ({"next_form": "relative"}, "next", TESTED, "is a path without a host, with an offset"),
    ({"next_form": "query"}, "next", TESTED, "is only a query, with an offset and a limit"),
    ({"next_query": "offset"}, "next", TESTED,
     "is the same path of this server, with an offset, without a limit"),
    ({"next_query": "none"}, "next", TESTED, "is the same path of this server, without an offset"),
    ({"next_name": "missing"}, "next", TESTED, "is missing in a page"),
    ({}, "compression", TESTED, "none"),
    ({"gzip": "1", "framing": "chunked"}, "compression", TESTED, "gzip"),
    ({}, "HTTP", TESTED, "HTTP/1.1"),
    ({}, "Retry-After", UNKNOWN, "unknown: none of "),
]


class Checked(dict):
    """The output of --check --api: verdict and answer of each question."""

    def __init__(self, done):
        code, self.text, self.err = done
        assert code == 0, self.err
        *lines, last = self.text.splitlines()
        super().__init__((line[10:23].strip(), (line[:10].strip(), line[24:])) for line in lines)
        assert list(self) == QUESTIONS
        assert last.startswith("gladiafs ") and " requests" in last
        assert ("please report" in last) == any(one == UNTESTED for one, _ in self.values())
        self.requests = int(last.split(", ")[1].split()[0])


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A mock server with enough jobs for every question."""
    from mock import Mock
    one = Mock(tmp_path_factory.mktemp("mock"), "--jobs", "1200", "--days", "12", "--bytes", "2000")
    yield one
    assert one.stop()


@pytest.fixture
def ask(place, program):
    def start(mock, *options, source=None):
        if mock:
            mock.control("DELETE", "log")
        return Checked(program("--check", "--api", "-o", place.options(*options),
                               source or mock.url))
    return start


def modes_name(modes):
    return ",".join(f"{name}={value}" for name, value in modes.items()) or "default"


@pytest.mark.parametrize("modes, question, verdict, answer", ANSWERS,
                         ids=[f"{one[1]}-{modes_name(one[0])}" for one in ANSWERS])
def test_answers(large, ask, modes, question, verdict, answer):
    """SEMANTICS 1.6.5"""
    large.reset()
    large.modes(**modes)
    found = ask(large)
    assert found[question][0] == verdict, found.text
    assert found[question][1].startswith(answer) or answer in found[question][1], found.text
    log = large.log()
    assert found.requests == len(log) <= REQUESTS_MAX
    assert {request.method for request in log} == {"GET"}


@pytest.mark.parametrize("modes", [
    {}, {"date_zone": "+13:45", "metadata": "exact", "items": "summary"},
    {"date_zone": "-11:00", "metadata": "empty", "order": "unsorted", "last_next": "set"}],
    ids=modes_name)
def test_requests(large, ask, modes):
    """SEMANTICS 1.6.6: at most 30 requests, which change nothing."""
    large.reset()
    large.modes(**modes)
    before = large.jobs()
    found = ask(large)
    assert found.requests == len(large.log()) <= REQUESTS_MAX
    assert large.jobs() == before
    assert {request.method for request in large.log()} == {"GET"}


def test_busy_server(large, ask):
    """SEMANTICS 1.6.6, even if the server answers 429 to many of them."""
    large.reset()
    large.modes(retry_after_s=0)
    large.fault("status", times=12, skip=1, status=429)
    found = ask(large)
    assert found.requests == len(large.log()) <= REQUESTS_MAX
    assert found["Retry-After"] == (TESTED, "has seconds in a 429")


@pytest.mark.parametrize("form, answer", [
    ("seconds", "has seconds in a 503"), ("date", "has a date in a 503"),
    ("absent", "is absent in a 503")])
def test_retry_after(large, ask, form, answer):
    large.reset()
    large.modes(retry_after=form, retry_after_s=0)
    large.fault("status", times=1, skip=1, status=503)
    assert ask(large)["Retry-After"] == (TESTED, answer)


def test_http2(large, ask, tmp_path):
    """HTTP/2 with gzip, as the real API."""
    needed_tools("nginx", "openssl")
    make_certificates(tmp_path)
    large.reset()
    front = Front(tmp_path, large.url, "good")
    try:
        found = ask(large, f"ca_file={tmp_path}/ca.pem", source=front.url)
    finally:
        front.stop()
    assert found["HTTP"] == (TESTED, "HTTP/2")
    assert found["next"][1].startswith("is the same path of another server")


def test_nothing_private(mock, ask):
    """SEMANTICS 1.6.7: the output holds no key, id, name or text of the account."""
    for count in range(3):
        mock.create(id=f"private-id-{count}", filename="private-name.mp3", text="private words",
                    source="https://private-host/", language="private-language",
                    custom_metadata={"private-key": "private-value", "other": f"private-{count}"})
    raw = json.dumps({"id": "private-id-9", "status": "done", "private": "private", "result": {
        "transcription": {"full_transcript": "private"}}, "custom_metadata": {"private": "private"},
        "created_at": "2026-05-01T00:00:00.000Z"})
    mock.create(raw=raw)
    for modes in {}, {"items": "summary"}, {"next_form": "other_host:https://private"}:
        mock.reset()
        mock.modes(**modes)
        found = ask(mock)
        assert "private" not in found.text + found.err
        assert KEY not in found.text + found.err and str(mock.port) not in found.text


@pytest.mark.parametrize("count", [0, 1, 2])
def test_small_accounts(mock, ask, count):
    """A question is unknown if the account cannot show the answer."""
    if count:
        mock.create(count=count, status="done")
    found = ask(mock)
    assert found["limit"][0] == found["Retry-After"][0] == UNKNOWN
    for question, needed in ("items", 1), ("order", 2), ("date range", 1), ("day", 1):
        assert (found[question] == (UNKNOWN, NO_JOB)) == (count < needed), found.text
    assert (found["next"][0] == UNKNOWN) == (count < 2)
    assert (found["last page"][0] == UNKNOWN) == (count == 0)
    assert UNTESTED not in found.text


def test_broken_answers(large, ask):
    """If a request fails in the middle, its question is unknown, and the others are asked."""
    large.reset()
    large.fault_jobs("status", status=500)
    large.fault_lists("status", "limit=1000", status=504)
    large.fault_lists("html", "&date=")
    found = ask(large)
    assert found["items"] == found["day"] == (UNKNOWN, "unknown: no usable response")
    assert found["limit"] == (
        TESTED, "without a limit 20 jobs; limit=100 gives 100; limit=1000 is answered with 504")
    assert found["last page"][0] == TESTED


def test_large_jobs(new_mock, ask):
    """A page is read to 64 MiB, so that jobs of any size can be listed."""
    one = new_mock("--jobs", "60", "--bytes", "4000000", "--lazy", "--unfinished", "0")
    found = ask(one)
    assert found["limit"] == (TESTED, "without a limit more than 17 jobs; "
                              "limit=100 gives more than 17, over 64 MiB")
    assert found["items"][0] == found["next"][0] == TESTED
    one.modes(default_limit=5)
    assert ask(one)["limit"][1].startswith("without a limit 5 jobs; limit=100 gives more than ")


@pytest.mark.parametrize("url, answer", [
    ("http:/host/v2/pre-recorded?offset=1&limit=1", "is another path of another server"),
    ("http://host", "is another path of another server"), ("ftp://host/?offset=1", "is no URL"),
    ("", "is no URL"), (5, "is no URL"), ({"offset": 1}, "is no URL"), ("\\", "is no URL"),
    ("x" * 5000, "is no URL")])
def test_odd_next(large, ask, url, answer):
    """Any value of `next` is described."""
    large.reset()
    large.fault_lists("page", page={"next": url, "items": []}, times=1)
    assert ask(large)["next"][1].startswith(answer)


def test_slow_answers(large, ask, place, program):
    """A response that does not end in time is none, even if its bytes drip."""
    large.reset()
    large.fault_lists("drip", "limit=", bytes_per_second=100)
    found = ask(large, "timeout=1")
    assert found["limit"][1].endswith("no usable response to limit=100")
    large.fault_lists("drip", bytes_per_second=100)
    code, _, err = program("--check", "--api", "-o", place.options("timeout=1"), large.url)
    assert code == 32 and "no complete response in time" in err


def test_mountpoint(large, mount, program):
    """--check --api MOUNTPOINT asks the API of that mount."""
    large.reset()
    one = mount(large)
    code, out, err = program("--check", "--api", one.path)
    assert code == 0 and "newest first" in out, err


def test_failures(mock, place, program):
    """If the API cannot be asked at all, the exit code says so."""
    place.write_key("another-key")
    code, out, err = program("--check", "--api", "-o", place.options(), mock.url)
    assert (code, out) == (32, "") and "401" in err and "gladiafs --check" in err
    code, out, err = program("--check", "--api", "-o", place.options(), "http://127.0.0.1:1")
    assert (code, out) == (32, "") and "cannot be asked" in err
    code, out, err = program("--check", "--api", "-o", place.options("!key_file"), mock.url)
    assert (code, out) == (32, "") and "key" in err


def test_words(program):
    """--api belongs to --check."""
    for words in ["--api"], ["--api", "/mnt"], ["--api", "--refresh", "/mnt"]:
        code, _, err = program(*words)
        assert code == 1 and "gladiafs --check --api" in err
