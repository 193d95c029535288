# SPDX-License-Identifier: MIT
"""SEMANTICS 1.7: gladiafs --fetch PATH…"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from mounting import PROGRAM, environment
from mock import AN_ID
from tools import END, PATIENCE, names_of, read, wait_until


class Fetch:
    """A run of gladiafs --fetch, on a terminal if `columns` is given."""

    def __init__(self, place, *paths, columns=None, **variables):
        self.text = ""
        self.terminal = None
        stderr = subprocess.PIPE
        if columns:
            self.terminal, stderr = pty.openpty()
            fcntl.ioctl(stderr, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [PROGRAM, "--fetch", *map(str, paths)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=stderr, text=True,
            env=environment(place.home, TERM="xterm", **variables))
        if columns:
            os.close(stderr)

    def read_terminal(self, seconds=0):
        """Returns the text on the terminal so far, or None at the end."""
        while select.select([self.terminal], [], [], seconds)[0]:
            try:
                data = os.read(self.terminal, 4096)
            except OSError:
                return None
            self.text += data.decode()
        return self.text

    def end(self):
        """Returns the exit code, stdout and stderr."""
        if not self.terminal:
            out, err = self.process.communicate(timeout=END * 3 * PATIENCE)
            return self.process.returncode, out, err
        wait_until(lambda: self.read_terminal(0.01) is None, "it ends", END * 3 * PATIENCE)
        os.close(self.terminal)
        out, _ = self.process.communicate(timeout=END)
        return self.process.returncode, out, self.text


@pytest.fixture
def fetch(place):
    """Starts gladiafs --fetch: fetch(path…, columns=80)."""
    alive = []

    def start(*paths, **more):
        alive.append(Fetch(place, *paths, **more))
        return alive[-1]
    yield start
    for one in alive:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def read_all(directory):
    for name in os.listdir(directory):
        assert read(directory / name)


class TestWhatIsFetched:
    """SEMANTICS 1.7"""

    @pytest.mark.parametrize("items", ["whole", "summary"])
    def test_directory(self, account, mount, fetch, items):
        """SEMANTICS 1.7.1: The listing and the texts are fetched: reading them afterwards costs no
        request."""
        account.modes(items=items)
        one = mount(account)
        code, out, err = fetch(one.path / "all").end()
        assert (code, err) == (0, "")
        assert re.fullmatch(r"250 of 250 jobs, \d+\.\d [kM]B, in \d+:\d\d\n", out)
        one.requests()
        read_all(one.path / "all")
        assert one.requests() == []

    def test_root_is_all(self, account, mount, fetch):
        """SEMANTICS 1.7.2"""
        one = mount(account)
        assert fetch(one.path).end()[:2][0] == 0
        one.requests()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        read_all(one.path / "all")
        assert one.requests() == []

    def test_below(self, account, mount, fetch):
        """SEMANTICS 1.7: All directories below a directory are fetched."""
        one = mount(account)
        code, out, _ = fetch(one.path / "status", one.path / "date").end()
        assert code == 0 and out.startswith("500 of 500 jobs, ")

    def test_file(self, account, mount, fetch):
        one = mount(account)
        job = account.jobs(status="done")[-1]["id"] + ".json"
        code, out, _ = fetch(one.path / "all" / job).end()
        assert code == 0 and out.startswith("1 of 1 jobs, ")
        one.requests()
        assert read(one.path / "all" / job)
        assert one.requests() == []

    def test_other_formats(self, account, mount, fetch):
        """Other formats are made from the same text and do not count as jobs."""
        one = mount(account, "formats=json:txt:srt:vtt")
        code, out, _ = fetch(one.path / "all").end()
        assert code == 0 and out.startswith("250 of 250 jobs, ")

    def test_evicted_texts(self, new_mock, mount, fetch):
        """SEMANTICS 1.7, 7.4: evicted texts are fetched, although their sizes are known."""
        large = new_mock("--jobs", "100", "--bytes", "400000", "--unfinished", "0",
                            "--errors", "0")
        one = mount(large, "cache_size=1M")
        names = os.listdir(one.path / "all")
        one.unmount()
        two = mount(large)
        two.requests()
        sizes = {name: os.stat(two.path / "all" / name).st_size for name in names}
        assert two.requests() == []
        code, out, _ = fetch(two.path / "all").end()
        assert code == 0 and out.startswith("100 of 100 jobs, ")
        assert sum(entry.bytes for entry in two.requests()) > 50 * 400000
        assert {name: len(read(two.path / "all" / name)) for name in names} == sizes
        assert two.requests() == []

    def test_evicted_from_the_cache_alone(self, new_mock, mount, fetch):
        """SEMANTICS 1.7: a text that only the kernel has in memory does not count as cached."""
        large = new_mock("--jobs", "100", "--bytes", "400000", "--unfinished", "0",
                            "--errors", "0")
        one = mount(large, "cache_size=1M")
        code, _, err = fetch(one.path / "all").end()
        assert code == 2 and "not all texts may be cached" in err and "cache_size=" in err
        one.requests()
        assert fetch(one.path / "all").end()[0] == 2
        # by their ids, and those that follow in the listing as pages
        assert sum(entry.bytes for entry in one.requests()) > 50 * 400000

    def test_empty(self, mock, mount, fetch):
        one = mount(mock)
        assert fetch(one.path).end() == (0, "0 of 0 jobs, 0 bytes, in 0:01\n", "")

    def test_several_at_a_time(self, account, mount, fetch):
        account.modes(items="summary")
        one = mount(account)
        os.listdir(one.path / "all")
        account.clear_stats()
        account.fault_jobs("latency", ms=50)
        assert fetch(one.path / "all").end()[0] == 0
        assert 4 <= account.stats()["max_in_flight"] <= 24


class TestRefused:
    """SEMANTICS 1.7"""

    def test_no_mount(self, fetch, tmp_path):
        code, out, err = fetch(tmp_path).end()
        assert (code, out) == (1, "")
        assert err.startswith(f"gladiafs: {tmp_path} is not in a gladiafs mount: ")

    def test_one_of_two(self, account, mount, fetch, tmp_path):
        """Nothing is fetched if one of the paths is not in a mount."""
        one = mount(account)
        assert fetch(one.path, tmp_path / "none").end()[0] == 1
        assert one.requests() == []


class TestFailures:
    """SEMANTICS 1.7: the exit code reports every failure."""

    def test_file(self, account, mount, fetch):
        account.modes(items="summary")
        one = mount(account, "timeout=1")
        bad = account.jobs(status="done")[5]["id"]
        account.fault_jobs("status", bad, status=501)
        code, out, err = fetch(one.path / "all").end()
        assert code == 2
        assert out.startswith("249 of 250 jobs, ") and ", 1 failed, in " in out
        first, last = err.splitlines()
        assert first == f"gladiafs: cannot fetch {one.path}/all/{bad}.json: Input/output error"
        assert last.startswith("gladiafs: 1 jobs and 0 directories could not be fetched: ")
        assert f"{one.path}/.gladiafs/errors has the reasons" in last
        assert bad in read(one.path / ".gladiafs/errors").decode()
        # The second run fetches only the job that failed.
        account.clear_faults()
        one.requests()
        assert fetch(one.path / "all").end()[0] == 0
        assert [entry.path.rpartition("/")[2] for entry in one.requests()] == [bad]

    def test_listing(self, account, mount, fetch):
        """SEMANTICS 1.7.6"""
        one = mount(account, "timeout=1")
        account.fault_lists("status", skip=2, status=500)
        code, out, err = fetch(one.path / "all").end()
        assert code == 2 and re.match(r"\d+ of \d+ jobs, ", out)
        assert f"gladiafs: cannot fetch {one.path}/all: Input/output error\n" in err
        assert "0 jobs and 1 directories could not be fetched" in err

    def test_gives_up(self, new_mock, mount, fetch):
        """The run gives up after many failures in a row, because they are the API's and not a
        job's."""
        account = new_mock("--jobs", "300", "--days", "3", "--bytes", "1500:2000",
                              "--errors", "0", "--unfinished", "0")
        account.modes(items="summary")
        one = mount(account, "timeout=1")
        os.listdir(one.path / "all")
        account.fault_jobs("status", status=401)
        code, _, err = fetch(one.path / "all").end()
        assert code == 2
        assert "gladiafs: gave up after 32 failures in a row: " in err
        assert err.count("cannot fetch") == 10
        assert len(one.requests()) < 200

    def test_deleted_meanwhile(self, account, mount, fetch):
        account.modes(items="summary")
        one = mount(account)
        os.listdir(one.path / "all")
        account.delete(account.jobs(status="done")[3]["id"])
        code, out, err = fetch(one.path / "all").end()
        assert (code, err) == (0, "") and out.startswith("250 of 250 jobs")

    def test_no_such_job(self, account, mount, fetch):
        one = mount(account)
        assert fetch(one.path / "all" / (AN_ID + ".json")).end()[0] == 1


class TestProgress:
    """SEMANTICS 1.7"""

    def slow(self, account, mount):
        account.modes(items="summary")
        one = mount(account)
        os.listdir(one.path / "all")
        account.fault_jobs("latency", ms=60)
        return one

    def test_bar(self, account, mount, fetch):
        """SEMANTICS 1.7.3"""
        one = self.slow(account, mount)
        code, out, text = fetch(one.path / "all", columns=80).end()
        assert code == 0 and out.startswith("250 of 250 jobs")
        bars = text.split("\r")
        assert bars[0] == "" and bars[-1] == "\033[K" and len(bars) > 3
        for bar in bars[1:-1]:
            assert bar.endswith("\033[K") and len(bar) - 3 < 80 and "\n" not in bar
            assert re.match(r"\[=* *\] \d+ of 250 jobs, |\d+ jobs, ", bar), bar
        assert any(re.search(r", \d+/s, \d+:\d\d left\033", bar) for bar in bars)

    def test_days(self, account, mount, fetch):
        """SEMANTICS 1.7.8: below date/ it shows how many of the days are done."""
        one = mount(account)
        account.fault("latency", ms=150)
        code, out, text = fetch(one.path / "date", columns=120).end()
        assert code == 0 and out.startswith("250 of 250 jobs")
        days = {int(done) for done in re.findall(r"\r(\d+) of 13 days, \d+ jobs, ", text)}
        assert len(days) > 2 and max(days) <= 13
        assert re.search(r"\r\d+ of 13 days, \d+ jobs, back to 2026-\d\d-\d\d, \S+ kB, ", text)

    def test_narrow(self, account, mount, fetch):
        one = self.slow(account, mount)
        code, _, text = fetch(one.path / "all", columns=20).end()
        assert code == 0
        assert all(len(bar) - 3 < 20 for bar in text.split("\r"))

    @pytest.mark.parametrize("term", ["dumb", ""])
    def test_dumb_terminal(self, account, mount, place, term):
        one = self.slow(account, mount)
        master, slave = pty.openpty()
        process = subprocess.Popen([PROGRAM, "--fetch", one.path / "all"], stderr=slave,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   env=environment(place.home, TERM=term))
        os.close(slave)
        assert process.wait(END * 3 * PATIENCE) == 0
        with pytest.raises(OSError):
            assert os.read(master, 100) == b""
        os.close(master)

    def test_quiet_elsewhere(self, account, mount, fetch):
        """Without a terminal, progress is one line a minute; this run is shorter."""
        one = self.slow(account, mount)
        code, _, err = fetch(one.path / "all").end()
        assert (code, err) == (0, "")


class TestStopped:
    """SEMANTICS 1.7: a run can be stopped and continued."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_signal(self, account, mount, fetch, number):
        """SEMANTICS 1.7.7"""
        account.modes(items="summary")
        one = mount(account)
        os.listdir(one.path / "all")
        one.requests()
        account.fault_jobs("stall", skip=100)
        run = fetch(one.path / "all")
        account.wait(in_flight=1, requests=100)
        wait_until(lambda: account.stats()["in_flight"] >= 8, "it waits")
        begin = time.monotonic()
        run.process.send_signal(number)
        code, out, err = run.end()
        assert time.monotonic() - begin < 0.5 * PATIENCE
        assert code == -number and out == ""
        match = re.fullmatch(r"gladiafs: stopped after (\d+) of (\d+)\+? jobs; they stay in the "
                            r"cache; run the same command again to continue\n", err)
        assert match and 50 <= int(match.group(1)) < 250
        # Jobs that were fetched are not fetched again.
        account.clear_faults()
        first = len({entry.path for entry in one.requests() if entry.status == 200})
        code, out, _ = fetch(one.path / "all").end()
        assert code == 0 and out.startswith("250 of 250 jobs")
        second = len({entry.path for entry in one.requests()})
        assert 60 <= first and first + second <= 250 + 40

    def test_on_a_terminal(self, account, mount, fetch):
        """The message is on a line of its own."""
        account.modes(items="summary")
        one = mount(account)
        os.listdir(one.path / "all")
        account.fault_jobs("stall")
        run = fetch(one.path / "all", columns=80)
        wait_until(lambda: "[" in (run.read_terminal(0.01) or ""), "there is a bar")
        run.process.send_signal(signal.SIGINT)
        code, _, text = run.end()
        assert code == -signal.SIGINT
        assert "\r\033[Kgladiafs: stopped after " in text and text.endswith(" continue\r\n")
        account.clear_faults()

    def test_after_a_remount(self, account, mount, fetch):
        one = mount(account)
        assert fetch(one.path / "all").end()[0] == 0
        one.unmount()
        two = mount(account)
        assert fetch(two.path / "all").end()[0] == 0
        read_all(two.path / "all")
        assert len([entry for entry in two.requests() if not entry.lists]) == 0
