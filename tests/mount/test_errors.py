# SPDX-License-Identifier: MIT
"""SEMANTICS 11.1: errors of the API, which of them are retried, and for how long."""

import contextlib
import errno
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from layout import pretty
from mock import Mock
from tools import PATIENCE, Stopwatch, names_of, read, wait_until


def listing_fails(one, path="all"):
    with pytest.raises(OSError) as caught, Stopwatch() as watch:
        os.listdir(one.path / path)
    return caught.value.errno, watch.seconds


def job_fails(one, job_id):
    with pytest.raises(OSError) as caught, Stopwatch() as watch:
        read(one.path / "all" / (job_id + ".json"))
    return caught.value.errno, watch.seconds


# Faults that are retried, and the errno if they persist.
LASTING = [
    ({"kind": "status", "status": 429}, errno.EBUSY),
    ({"kind": "status", "status": 500}, errno.EIO),
    ({"kind": "status", "status": 503}, errno.EIO),
    ({"kind": "status", "status": 408}, errno.EIO),
    ({"kind": "reset"}, errno.EIO),
    ({"kind": "stall"}, errno.ETIMEDOUT),
    ({"kind": "stall_after", "bytes": 100}, errno.ETIMEDOUT),
    ({"kind": "drip", "bytes_per_second": 20}, errno.ETIMEDOUT),
    ({"kind": "wrong_length", "delta": 10}, errno.ETIMEDOUT),
]


def lists(one):
    """The names in all/, or None if listing fails."""
    try:
        return set(os.listdir(one.path / "all"))
    except OSError:
        return None


def fails_until_timeout(one, fault, wanted):
    """Lists the mount and reads a job that no page has named, while the fault persists."""
    account = one.mock
    last = account.jobs(status="done")[-1]["id"]
    account.fault(**fault)
    code, seconds = listing_fails(one)
    assert code == wanted and seconds < 2.5 * PATIENCE, (fault, code, seconds)
    code, seconds = job_fails(one, last)
    assert code == wanted and seconds < 2.5 * PATIENCE, (fault, code, seconds)
    account.clear_faults()
    # The delay before the next attempt may be longer than the mount's timeout.
    wait_until(lambda: lists(one) == names_of(account.jobs()), f"it recovers from {fault}")


class TestErrors:
    """SEMANTICS 11.1: which status becomes which errno, and when."""

    @pytest.mark.parametrize("status", [401, 403])
    def test_not_allowed(self, account, mount, status):
        """SEMANTICS 11.1.1"""
        one = mount(account)
        account.fault("status", status=status)
        code, seconds = listing_fails(one)
        assert code == errno.EACCES and seconds < PATIENCE
        assert job_fails(one, account.jobs()[0]["id"])[0] == errno.EACCES

    def test_key_revoked(self, account, mount):
        """SEMANTICS 11.1: A revoked key is never shown as an empty account."""
        one = mount(account)
        account.modes(key="another")
        assert listing_fails(one)[0] == errno.EACCES
        assert job_fails(one, account.jobs()[0]["id"])[0] == errno.EACCES

    def test_until_timeout(self, new_account, mount):
        """SEMANTICS 11.1.5: A request is retried until timeout, then fails with an errno; every
        wait ends by then. Each fault has its own mount, all at the same time, because they mostly
        wait."""
        mounts = [mount(new_account(), "timeout=2") for _ in LASTING]
        with ThreadPoolExecutor(len(LASTING)) as pool:
            list(pool.map(fails_until_timeout, mounts, *zip(*LASTING)))

    def test_known_name(self, account, mount):
        """Looking up a name that the kernel already knew waits only once for the API."""
        one = mount(account, "timeout=2", "ttl=0")
        job = account.create(status="processing")
        read(one.path / "all" / (job + ".json"))
        account.fault("stall")
        assert job_fails(one, job)[0] == errno.ETIMEDOUT
        assert [rule["hits"] for rule in account.control("GET", "faults")] == [1]

    def test_no_connection(self, mock, mount):
        """SEMANTICS 11.1.7"""
        one = mount(mock, "timeout=1")
        mock.stop()
        code, seconds = listing_fails(one)
        assert code == errno.EHOSTUNREACH
        assert seconds < 1.5 * PATIENCE

    def test_black_hole(self, mount, mock, place):
        """A server that accepts connections but never answers."""
        one = mount(mock, "timeout=1")
        mock.stop()
        with socket.socket() as hole:
            hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            hole.bind(("127.0.0.1", mock.port))
            hole.listen()
            code, seconds = listing_fails(one)
        assert code == errno.ETIMEDOUT
        assert seconds < 1.5 * PATIENCE


class TestOutOfReach:
    """SEMANTICS 11.1: if there was no connection, the next calls do not wait for one."""

    @pytest.fixture
    def lost(self, new_mock, tmp_path_factory, mount):
        """A mount that has found the API out of reach, and its server."""
        server = new_mock("--jobs", "30", "--unfinished", "0", "--errors", "0")
        one = mount(server, "timeout=4", "ttl=0")
        names = os.listdir(one.path / "all")
        server.stop()
        with pytest.raises(OSError) as caught:
            os.listdir(one.path / "all")
        assert caught.value.errno == errno.EHOSTUNREACH
        return one, server, names

    def test_next_calls_fail_at_once(self, lost):
        """SEMANTICS 11.1.10"""
        one, _, _ = lost
        with Stopwatch() as watch:
            for path in "all", "status/done", "date":
                assert listing_fails(one, path)[0] == errno.EHOSTUNREACH
        assert watch.seconds < PATIENCE
        one.await_message("not tried, because the API could not be reached")

    def test_no_answer_to_connect(self, new_mock, mount):
        """A connection that nothing answers, as behind a firewall, means the same. The server's
        queue of connections is full, so the kernel drops the packets of further ones."""
        server = new_mock("--jobs", "3")
        one = mount(server, "timeout=12")
        server.stop()
        address = ("127.0.0.1", server.port)
        with contextlib.ExitStack() as stack:
            hole = stack.enter_context(socket.socket())
            hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            hole.bind(address)
            hole.listen(0)
            for _ in range(4):
                queued = stack.enter_context(socket.socket())
                queued.setblocking(False)
                queued.connect_ex(address)
            code, seconds = listing_fails(one)
            assert code in (errno.ETIMEDOUT, errno.EHOSTUNREACH) and seconds > 9
            code, seconds = listing_fails(one, "status/done")
            assert code == errno.EHOSTUNREACH and seconds < PATIENCE

    def test_cached_files_open(self, lost):
        """SEMANTICS 11.1.11"""
        one, _, names = lost
        with Stopwatch() as watch:
            for name in names:
                assert read(one.path / "all" / name)
        assert watch.seconds < PATIENCE

    def test_back_again(self, lost, tmp_path_factory):
        """SEMANTICS 11.1.10: the mount tries again by itself."""
        one, server, names = lost
        back = Mock(tmp_path_factory.mktemp("back"), "--jobs", "30", "--unfinished", "0",
                    "--errors", "0", "--port", str(server.port))
        try:
            wait_until(lambda: back.log(), "the API is tried", 12)
            wait_until(lambda: lists(one) == set(names), "the next call succeeds", 2)
        finally:
            one.unmount()
            back.stop()


class TestRetries:
    """SEMANTICS 11.1"""

    @pytest.mark.parametrize("fault", [
        {"kind": "status", "status": 429}, {"kind": "status", "status": 500},
        {"kind": "status", "status": 502}, {"kind": "status", "status": 503},
        {"kind": "status", "status": 408}, {"kind": "reset"}, {"kind": "truncate"},
        {"kind": "reset_after", "bytes": 500}, {"kind": "truncate", "declare": "chunked"}],
        ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}{fault.get('declare', '')}")
    def test_twice(self, account, mount, fault):
        """A fault that goes away by itself is not noticed."""
        one = mount(account)
        account.modes(retry_after="absent")
        account.fault(times=2, **fault)
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        assert len(one.requests()) >= 3
        new = account.create(text="It is new.")
        account.fault(times=2, **fault)
        assert read(one.path / "all" / (new + ".json")) == pretty(account.body(new))
        assert len(one.requests()) == 3

    @pytest.mark.parametrize("form", ["seconds", "date"])
    def test_retry_after(self, account, mount, form):
        """SEMANTICS 11.1.9: Retry-After is honoured, both as a number and as a date."""
        one = mount(account)
        # A date has whole seconds, so a wait of two seconds may last only one.
        account.modes(retry_after=form, retry_after_s=2)
        account.fault("status", times=1, status=429)
        with Stopwatch() as watch:
            read(one.path / "all" / (account.jobs(status="done")[0]["id"] + ".json"))
        assert PATIENCE * 4 > watch.seconds > (1.9 if form == "seconds" else 0.9)

    def test_all_slow_down(self, account, mount, reader):
        """Requests that did not get a 429 themselves wait as well."""
        one = mount(account)
        account.modes(retry_after_s=2)
        account.fault("status", times=1, status=429)
        hanging = reader("ls", one.path / "all").hangs()
        account.wait(requests=2)
        wait_until(lambda: account.log()[-1].status == 429, "the mock server asks it to wait")
        with Stopwatch() as watch:
            read(one.path / "all" / (account.jobs(status="done")[0]["id"] + ".json"))
        assert watch.seconds > 1
        assert hanging.result()[0] == 0

    def test_long_retry_after(self, account, mount):
        """The call ends by timeout, no matter how long the server asks to wait."""
        one = mount(account, "timeout=1")
        account.modes(retry_after_s=3600)
        account.fault("status", status=429)
        code, seconds = listing_fails(one)
        assert code == errno.EBUSY
        assert seconds < 1.5 * PATIENCE

    def test_backs_off(self, account, mount):
        """Retries back off, so that the server is not hammered."""
        one = mount(account, "timeout=3")
        account.fault("status", status=500)
        listing_fails(one)
        assert 3 <= len(one.requests()) <= 12
