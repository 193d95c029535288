# SPDX-License-Identifier: MIT
"""SPEC 11.1, 11.2: errors of the API, and what waiting does to those who wait and to
everybody else."""

import errno
import os
import signal
import socket
import time

import pytest

from layout import pretty
from tools import AT_ONCE, PATIENCE, Stopwatch, names_of, read, run, wait_until

LIST = {"path": "/v2/pre-recorded"}


def listing_fails(one, path="all"):
    with pytest.raises(OSError) as caught, Stopwatch() as watch:
        os.listdir(one.path / path)
    return caught.value.errno, watch.seconds


def job_fails(one, job_id):
    with pytest.raises(OSError) as caught, Stopwatch() as watch:
        read(one.path / "all" / (job_id + ".json"))
    return caught.value.errno, watch.seconds


class TestErrors:
    """SPEC 11.1: which status becomes which errno, and when."""

    @pytest.mark.parametrize("status", [401, 403])
    def test_not_allowed(self, account, mount, status):
        one = mount(account)
        account.fault("status", status=status)
        code, seconds = listing_fails(one)
        assert code == errno.EACCES and seconds < PATIENCE
        assert job_fails(one, account.jobs()[0]["id"])[0] == errno.EACCES

    def test_key_taken_back(self, account, mount):
        """It is never shown as an empty account."""
        one = mount(account)
        account.modes(key="another")
        assert listing_fails(one)[0] == errno.EACCES
        assert job_fails(one, account.jobs()[0]["id"])[0] == errno.EACCES

    @pytest.mark.parametrize("fault, wanted", [
        ({"kind": "status", "status": 429}, errno.EBUSY),
        ({"kind": "status", "status": 500}, errno.EIO),
        ({"kind": "status", "status": 503}, errno.EIO),
        ({"kind": "status", "status": 408}, errno.EIO),
        ({"kind": "reset"}, errno.EIO),
        ({"kind": "stall"}, errno.ETIMEDOUT),
        ({"kind": "stall_after", "bytes": 100}, errno.ETIMEDOUT),
        ({"kind": "drip", "bytes_per_second": 20}, errno.ETIMEDOUT),
        ({"kind": "wrong_length", "delta": 10}, errno.ETIMEDOUT)],
        ids=lambda value: str(value.get("status", value["kind"]))
        if isinstance(value, dict) else "")
    def test_until_timeout(self, account, mount, fault, wanted):
        """Retried until timeout, then an errno; any wait ends by then."""
        one = mount(account, "timeout=2")
        account.fault(**fault)
        code, seconds = listing_fails(one)
        assert code == wanted
        assert seconds < 2.5 * PATIENCE
        # One of which no page has told.
        code, seconds = job_fails(one, account.jobs(status="done")[-1]["id"])
        assert code == wanted
        assert seconds < 2.5 * PATIENCE
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_nobody_there(self, sandbox, mount):
        one = mount(sandbox, "timeout=1")
        sandbox.stop()
        code, seconds = listing_fails(one)
        assert code == errno.EHOSTUNREACH
        assert seconds < 1.5 * PATIENCE

    def test_black_hole(self, mount, sandbox, place):
        """A server that accepts connections and says nothing."""
        one = mount(sandbox, "timeout=1")
        sandbox.stop()
        with socket.socket() as hole:
            hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            hole.bind(("127.0.0.1", sandbox.port))
            hole.listen()
            code, seconds = listing_fails(one)
        assert code == errno.ETIMEDOUT
        assert seconds < 1.5 * PATIENCE


class TestRetries:
    """SPEC 11.1"""

    @pytest.mark.parametrize("fault", [
        {"kind": "status", "status": 429}, {"kind": "status", "status": 500},
        {"kind": "status", "status": 502}, {"kind": "status", "status": 503},
        {"kind": "status", "status": 408}, {"kind": "reset"}, {"kind": "truncate"},
        {"kind": "reset_after", "bytes": 500}, {"kind": "truncate", "declare": "chunked"}],
        ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}{fault.get('declare', '')}")
    def test_twice(self, account, mount, fault):
        """What passes by itself is not noticed."""
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
        """Retry-After is honoured, as a number and as a date."""
        one = mount(account)
        # A date has whole seconds: two of them are at least one.
        account.modes(retry_after=form, retry_after_s=2)
        account.fault("status", times=1, status=429)
        with Stopwatch() as watch:
            read(one.path / "all" / (account.jobs(status="done")[0]["id"] + ".json"))
        assert PATIENCE * 4 > watch.seconds > (1.9 if form == "seconds" else 0.9)

    def test_all_slow_down(self, account, mount, reader):
        """Who was not told to wait waits, too."""
        one = mount(account)
        account.modes(retry_after_s=2)
        account.fault("status", times=1, status=429)
        hanging = reader("ls", one.path / "all").hangs()
        account.wait(requests=2)
        wait_until(lambda: account.log()[-1].status == 429, "it is told to wait")
        with Stopwatch() as watch:
            read(one.path / "all" / (account.jobs(status="done")[0]["id"] + ".json"))
        assert watch.seconds > 1
        assert hanging.result()[0] == 0

    def test_long_retry_after(self, account, mount):
        """It ends by timeout, however long the server asks to wait."""
        one = mount(account, "timeout=1")
        account.modes(retry_after_s=3600)
        account.fault("status", status=429)
        code, seconds = listing_fails(one)
        assert code == errno.EBUSY
        assert seconds < 1.5 * PATIENCE

    def test_backs_off(self, account, mount):
        """The server is not hammered."""
        one = mount(account, "timeout=3")
        account.fault("status", status=500)
        listing_fails(one)
        assert 3 <= len(one.requests()) <= 12


class TestInterrupts:
    """SPEC 11.2: a waiting reader can be ended at once."""

    @pytest.fixture
    def stalled(self, account, mount):
        one = mount(account)
        account.fault("stall")
        return one

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM,
                                      signal.SIGHUP, signal.SIGQUIT])
    @pytest.mark.parametrize("command", ["ls", "cat", "stat", "ls day"])
    def test_fatal_signal(self, stalled, account, reader, command, sign):
        job = account.jobs(status="done")[0]["id"] + ".json"
        words = {"ls": ["ls", stalled.path / "all"],
                 "cat": ["cat", stalled.path / "all" / job],
                 "stat": ["stat", stalled.path / "status/done" / job],
                 "ls day": ["ls", stalled.path / "date"]}[command]
        one = reader(*words).hangs()
        assert one.end_by(sign) < AT_ONCE

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
    def test_three_in_one_directory(self, stalled, reader, sign):
        three = [reader("ls", stalled.path / "all").hangs() for _ in range(3)]
        for one in reversed(three):
            assert one.end_by(sign) < AT_ONCE

    def test_others_go_on(self, stalled, account, reader):
        """One that was ended takes nothing from those who wait for the same."""
        first, second = [reader("ls", "-f", stalled.path / "all").hangs() for _ in range(2)]
        first.end_by(signal.SIGINT)
        account.clear_faults()
        code, out, _ = second.result()
        assert code == 0 and out.count(".json") == 250

    def test_page_is_not_thrown_away(self, stalled, account, reader):
        """What was asked for still arrives."""
        reader("ls", stalled.path / "all").hangs().end_by(signal.SIGINT)
        account.clear_faults()
        account.wait(in_flight_at_most=0)
        first = stalled.requests()
        assert set(os.listdir(stalled.path / "all")) == names_of(account.jobs())
        assert first[0].offset not in [request.offset for request in stalled.requests()]

    STORM = """
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
names = os.listdir(sys.argv[1]) if os.path.isdir(sys.argv[1]) else [open(sys.argv[1]).read()]
print(len(names))
"""

    @pytest.mark.parametrize("what", ["directory", "file"])
    def test_harmless_signals(self, stalled, account, reader, what):
        """Signals that do not end the caller do not disturb it."""
        job = account.jobs(status="done")[0]["id"] + ".json"
        path = "all" if what == "directory" else "all/" + job
        one = reader.python(self.STORM, stalled.path / path).hangs()
        for _ in range(100):
            for sign in (signal.SIGURG, signal.SIGCHLD, signal.SIGUSR1, signal.SIGWINCH,
                         signal.SIGCONT):
                one.process.send_signal(sign)
            time.sleep(0.001)
        assert one.process.poll() is None
        account.clear_faults()
        code, out, err = one.result()
        assert (code, err) == (0, "")
        assert int(out) == (250 if what == "directory" else 1)

    def test_timer(self, stalled, account, reader):
        """Nor does a handler's SIGALRM every millisecond (profilers, Go's SIGURG)."""
        code = self.STORM.replace("names =", "signal.signal(signal.SIGALRM, lambda *_: None)\n"
                                  "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nnames =")
        code += "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        one = reader.python(code, stalled.path / "all")
        account.wait(in_flight=1)
        time.sleep(0.3)
        account.clear_faults()
        assert one.result() == (0, "250\n", "")


class TestOthers:
    """SPEC 11.2: one stalled directory delays nobody else."""

    def at_once(self, *command):
        with Stopwatch() as watch:
            run(*command)
        assert watch.seconds < AT_ONCE, command

    def test_thirty_readers(self, account, mount, reader):
        """While 30 readers hang, what needs no answer is there at once."""
        one = mount(account)
        known = set(os.listdir(one.path / "status/error"))
        job = one.path / "all" / account.jobs(status="done")[0]["id"]
        text = read(job.with_suffix(".json"))
        account.fault("stall")
        hanging = [reader("ls", one.path / path) for path in
                   ["all"] * 10 + ["status/done"] * 5 + ["date"] * 5
                   + [f"date/2026-04-{day}" for day in range(11, 16)]]
        hanging += [reader("cat", one.path / "all" / (other["id"] + ".json"))
                    for other in account.jobs(status="done")[20:25]]
        for each in hanging:
            each.hangs()
        assert len(hanging) == 30
        for command in (["ls", one.path], ["ls", one.path / "status"], ["df", one.path],
                        ["stat", one.path / "all"], ["ls", "-d", one.path / "date/2026-04-20"],
                        ["stat", job.with_suffix(".json")], ["ls", one.path / "after"]):
            self.at_once(*command)
        with Stopwatch() as watch:
            assert set(os.listdir(one.path / "status/error")) == known
            assert read(job.with_suffix(".json")) == text
        assert watch.seconds < AT_ONCE
        account.clear_faults()
        assert all(each.result()[0] == 0 for each in hanging)

    def test_other_directory(self, account, mount, reader):
        """One whose pages do come is read while another's do not."""
        one = mount(account)
        account.fault_lists("stall", query_contains="status=done")
        hanging = [reader("ls", one.path / "status/done").hangs() for _ in range(10)]
        with Stopwatch() as watch:
            assert len(os.listdir(one.path / "status/error")) == len(
                account.jobs(status="error"))
        assert watch.seconds < PATIENCE
        account.clear_faults()
        assert all(each.result()[0] == 0 for each in hanging)

    def test_more_than_connections(self, account, mount, reader):
        """Stalled requests do not use up what others need."""
        one = mount(account, "connections=2")
        jobs = account.jobs(status="done")
        account.fault_jobs("stall")
        for job in jobs[:12]:
            reader("cat", one.path / "all" / (job["id"] + ".json")).hangs()
        with Stopwatch() as watch:
            assert set(os.listdir(one.path / "status/error"))
        assert watch.seconds < PATIENCE

    def test_same_directory(self, account, mount, reader):
        """Names in a directory that somebody waits for can be looked up."""
        one = mount(account, "page_size=20")
        account.fault("stall", {**LIST, "min_offset": 30})
        for _ in range(3):
            reader("ls", "-f", one.path / "all").hangs()
        job = account.jobs(status="done")[60]["id"]
        with Stopwatch() as watch:
            read(one.path / "all" / (job + ".json"))
            os.stat(one.path / "all/status/done")
        assert watch.seconds < PATIENCE
        account.clear_faults()

    def test_slow_is_not_stalled(self, account, mount):
        """A page that comes slowly but steadily is waited for, within timeout."""
        one = mount(account, "page_size=20")
        account.fault("drip", LIST, times=1, bytes_per_second=40000)
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
