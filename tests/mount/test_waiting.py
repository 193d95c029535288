# SPDX-License-Identifier: MIT
"""SEMANTICS 11.2: the effect of waiting on the readers that wait, and on all others."""

import os
import signal
import time

import pytest

from tools import AT_ONCE, PATIENCE, Stopwatch, names_of, read, run

LIST = {"path": "/v2/pre-recorded"}


class TestInterrupts:
    """SEMANTICS 11.2: a waiting reader can be ended at once."""

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
        """SEMANTICS 11.2.1"""
        three = [reader("ls", stalled.path / "all").hangs() for _ in range(3)]
        for one in reversed(three):
            assert one.end_by(sign) < AT_ONCE

    def test_others_go_on(self, stalled, account, reader):
        """Ending one reader does not affect others that wait for the same page."""
        first, second = [reader("ls", "-f", stalled.path / "all").hangs() for _ in range(2)]
        first.end_by(signal.SIGINT)
        account.clear_faults()
        code, out, _ = second.result()
        assert code == 0 and out.count(".json") == 250

    def test_page_is_not_thrown_away(self, stalled, account, reader):
        """A page still arrives after the reader that requested it was ended."""
        reader("ls", stalled.path / "all").hangs().end_by(signal.SIGINT)
        account.clear_faults()
        first = stalled.requests()
        assert set(os.listdir(stalled.path / "all")) == names_of(account.jobs())
        assert first[0].offset not in [request.offset for request in stalled.requests()]

    SIGNAL_FLOOD = """
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
        one = reader.python(self.SIGNAL_FLOOD, stalled.path / path).hangs()
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
        """A handled SIGALRM every millisecond does not disturb it either (profilers, Go's
        SIGURG)."""
        code = self.SIGNAL_FLOOD.replace("names =", "signal.signal(signal.SIGALRM, lambda *_: None)\n"
                                  "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nnames =")
        code += "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        one = reader.python(code, stalled.path / "all")
        account.wait(in_flight=1)
        time.sleep(0.3)
        account.clear_faults()
        assert one.result() == (0, "250\n", "")


class TestOthers:
    """SEMANTICS 11.2: one stalled directory delays no other reader."""

    def at_once(self, *command):
        with Stopwatch() as watch:
            run(*command)
        assert watch.seconds < AT_ONCE, command

    def test_thirty_readers(self, account, mount, reader):
        """While 30 readers hang, calls that need no answer from the API return at once."""
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
        """SEMANTICS 11.2.3: A directory whose pages arrive is read while another one stalls."""
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
        """Stalled requests leave connections for other readers."""
        one = mount(account, "connections=2")
        jobs = account.jobs(status="done")
        account.fault_jobs("stall")
        for job in jobs[:12]:
            reader("cat", one.path / "all" / (job["id"] + ".json")).hangs()
        with Stopwatch() as watch:
            assert set(os.listdir(one.path / "status/error"))
        assert watch.seconds < PATIENCE

    def test_same_directory(self, account, mount, reader):
        """Names in a directory can be looked up while other readers wait for its pages."""
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
        """A page that arrives slowly but steadily is waited for, within timeout."""
        one = mount(account, "page_size=20")
        account.fault("drip", LIST, times=1, bytes_per_second=40000)
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
