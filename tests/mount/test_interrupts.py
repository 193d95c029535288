# SPDX-License-Identifier: MIT
"""SEMANTICS 11.2, 11.1: signals during every kind of wait, clocks that jump, an administrator's
limit. (test_waiting tests single directories and files; this file tests the whole table.)"""

import contextlib
import errno
import os
import signal
import sys
import time
from pathlib import Path

import pytest

import mounting
from mounting import needs_root
from mock import JOBS, LISTS
from tools import AT_ONCE, PATIENCE, Stopwatch, names_of, read, wait_until

LIMIT = Path("/proc/sys/fs/fuse/default_request_timeout")
LONG = bool(os.environ.get("GLADIAFS_TEST_LONG"))


class Waits:
    """A mount in which every kind of wait can be caused."""

    OPTIONS = ("page_size=20", "ttl=0")

    def __init__(self, account, one):
        self.account = account
        self.one = one
        # A job that a listing named without its text, so that reading it needs a job fetch.
        account.modes(items="summary")
        os.listdir(one.path / "status/error")
        self.summary = account.jobs(status="error")[0]["id"]
        self.jobs = iter(account.jobs(status="done")[5:])
        # Look-ups of the same key wait for each other in the kernel, as those of a job do: use each
        # key once.
        self.keys = iter(os.listdir(one.path / "metadata"))

    def job(self):
        return self.one.path / "all" / (next(self.jobs)["id"] + ".json")

    def of(self, kind):
        """Returns the requests that have to fail, and a command that then waits."""
        root = self.one.path
        return {
            "look-up": ({"path_contains": JOBS}, lambda: ["stat", self.job()]),
            "look-up, other directory":
                ({"path_contains": JOBS}, lambda: ["stat", root / "status/done" /
                                                   self.job().name]),
            "read": ({"path_contains": JOBS}, lambda: ["cat", self.job()]),
            "text made": ({"path_contains": JOBS},
                          lambda: ["cat", self.job().with_suffix(".txt")]),
            "first page": ({"path": LISTS}, lambda: ["ls", "-f", root / "all"]),
            "middle page": ({"path": LISTS, "min_offset": 30},
                            lambda: ["ls", "-f", root / "after/2026-01-01"]),
            "last page": ({"path": LISTS, "min_offset": 200},
                          lambda: ["ls", "-f", root / "after/2026-01-02"]),
            "looking again": ({"path": LISTS}, lambda: ["ls", "-f", root / "status/error"]),
            "days": ({"path": LISTS}, lambda: ["ls", "-f", root / "date"]),
            "a day": ({"path": LISTS}, lambda: ["ls", "-f", root / "date/2026-04-20"]),
            "keys": ({"path": LISTS}, lambda: ["ls", "-f", root / "metadata"]),
            "values": ({"path": LISTS}, lambda: ["ls", "-f", root / "metadata" / next(self.keys)]),
        }[kind]


KINDS = ["look-up", "look-up, other directory", "read", "text made", "first page",
         "middle page", "last page", "looking again", "days", "a day", "keys", "values"]
# Under sanitizers only every third kind is tested.
SOME = KINDS if PATIENCE == 1 else KINDS[::3]
FATAL = [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]

slowest = []


@pytest.fixture(scope="module", autouse=True)
def print_the_slowest():
    """Prints the slowest signal for docs/RELIABILITY.md."""
    yield
    if slowest:
        print(f"{len(slowest)} ended by signals, the slowest after "
              f"{1000 * max(slowest):.0f} ms", file=sys.stderr)


@pytest.fixture
def waits(account, mount):
    return Waits(account, mount(account, *Waits.OPTIONS))


class TestSignals:
    """SEMANTICS 11.2"""

    @pytest.mark.parametrize("kind", SOME)
    def test_fatal(self, waits, account, reader, kind):
        """Each signal ends each wait at once, even if several readers wait, and no name is lost."""
        match, command = waits.of(kind)
        account.fault("stall", match)
        waiting = [reader(*command()) for _ in FATAL]
        for one in waiting:
            one.hangs()
        for one, sign in zip(reversed(waiting), FATAL):
            seconds = one.end_by(sign)
            slowest.append(seconds)
            assert seconds < AT_ONCE, sign
        account.clear_faults()
        assert set(os.listdir(waits.one.path / "all")) == names_of(account.jobs())

    @pytest.mark.parametrize("kind", ["look-up", "read", "first page", "middle page"])
    def test_crowd(self, waits, account, reader, kind):
        """Of twenty readers that wait, each can be ended, including those in the middle."""
        match, command = waits.of(kind)
        account.fault("stall", match)
        waiting = [reader(*command()) for _ in range(20)]
        for one in waiting:
            one.hangs()
        for one in waiting[10:] + waiting[:10]:
            seconds = one.end_by(signal.SIGINT)
            slowest.append(seconds)
            assert seconds < AT_ONCE

    HANDLED = """
import os, signal, sys
def end(*_):
    raise KeyboardInterrupt
for sign in signal.SIGINT, signal.SIGTERM:
    signal.signal(sign, end)
try:
    os.listdir(sys.argv[1]) if os.path.isdir(sys.argv[1]) else open(sys.argv[1]).read()
except KeyboardInterrupt:
    os._exit(7)
"""

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("kind", ["first page", "read"])
    def test_handled(self, waits, account, reader, kind, sign):
        """A program that handles Ctrl-C itself gets to do so."""
        match, command = waits.of(kind)
        path = command()[-1]
        account.fault("stall", match)
        one = reader.python(self.HANDLED, path).hangs()
        assert one.end_by(sign) < AT_ONCE * 2
        assert one.process.returncode == 7

    # Like Go's runtime: the signals have handlers and are sent to the thread that waits.
    SIGNAL_FLOOD = """
import os, signal, sys, threading
signs = signal.SIGURG, signal.SIGCHLD, signal.SIGUSR1, signal.SIGWINCH
for sign in signs:
    signal.signal(sign, lambda *_: None)
    signal.siginterrupt(sign, False)
thread = threading.main_thread().ident
over = threading.Event()
def storm():
    sent = 0
    while not over.wait(0.0005):
        for sign in signs:
            signal.pthread_kill(thread, sign)
        sent += 1
        if sent % 100 == 0:
            open(sys.argv[3], "w").close()
threading.Thread(target=storm, daemon=True).start()
is_dir = sys.argv[2] == "dir"
got = sorted(os.listdir(sys.argv[1])) if is_dir else open(sys.argv[1]).read()
over.set()
print(len(got))
"""

    @pytest.mark.parametrize("kind", SOME)
    def test_signal_flood(self, waits, account, reader, tmp_path, kind):
        """Hundreds of handled signals during a wait do not disturb it, and the result is
        complete."""
        match, command = waits.of(kind)
        path = command()[-1]
        account.fault("stall", match)
        is_dir = path.suffix not in (".json", ".txt")
        flooded = tmp_path / "flooded"
        one = reader.python(self.SIGNAL_FLOOD, path, "dir" if is_dir else "file", flooded)
        account.wait(in_flight=1)
        flooded.unlink(missing_ok=True)
        wait_until(flooded.exists, "hundreds of signals were sent")
        assert one.process.poll() is None, one.result()
        account.clear_faults()
        code, out, err = one.result()
        assert (code, err) == (0, "")
        assert int(out) == (len(os.listdir(path)) if is_dir else len(path.read_text()))


class TestClocks:
    """SEMANTICS 11.1: no call outlives `timeout`, whatever the clocks do."""

    def test_stopped_process(self, account, mount, reader):
        """The timeout passes while the process is stopped, as in a suspended machine. Waiting calls
        fail as soon as it runs again, and then everything works as before."""
        one = mount(account, "timeout=1")
        account.fault("stall")
        waiting = [reader("ls", "-f", one.path / "all").hangs(),
                   reader("stat", one.path / "all" /
                          (account.jobs(status="done")[9]["id"] + ".json")).hangs()]
        os.kill(one.pid, signal.SIGSTOP)
        try:
            time.sleep(1.3)
            assert all(each.process.poll() is None for each in waiting)
        finally:
            os.kill(one.pid, signal.SIGCONT)
        with Stopwatch() as watch:
            for each in waiting:
                code, _, err = each.result()
                assert code != 0 and "timed out" in err
        assert watch.seconds < 0.5 * PATIENCE
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_suspend(self, account, mount, reader):
        """The time of poll(2) does not advance while the machine is suspended, so a timer of a
        clock that does advance ends the wait as well (timerfd_create(2), CLOCK_BOOTTIME)."""
        one = mount(account, "timeout=30")
        account.fault("stall")
        reader("ls", one.path / "all").hangs()
        clocks = wait_until(lambda: boot_timers(one.pid), "a timer is set")
        assert 0 < min(clocks) <= 30

    def test_time_namespace(self, account, place, mount, reader):
        """The clocks of the mount show a completely different time (time_namespaces(7))."""
        if os.geteuid() or not Path("/proc/self/ns/time").exists():
            pytest.skip("no time namespace can be made here")
        # Other mounts have the same clocks as the test. This one shows that nothing compares the
        # two.
        with offset_clocks(50000000):
            one = mount(account, "timeout=1")
        account.fault("stall")
        with pytest.raises(OSError) as caught, Stopwatch() as watch:
            os.listdir(one.path / "all")
        assert caught.value.errno == errno.ETIMEDOUT
        assert watch.seconds < 2 * PATIENCE
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())


def boot_timers(pid):
    """Returns the seconds left of each timer of CLOCK_BOOTTIME (7) that a process has set;
    proc(5)."""
    found = []
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in entry.read_text("ascii").splitlines()
                         if ":" in line)
            if lines.get("clockid", "").strip() == "7":
                value = lines["it_value"].strip(" ()").split(",")
                seconds = int(value[0]) + int(value[1]) / 1e9
                found += [seconds] if seconds else []
    return found


@contextlib.contextmanager
def offset_clocks(seconds):
    """Starts children in a time namespace whose clocks are ahead."""
    before = mounting.WRAPPER
    mounting.WRAPPER = ["unshare", "--time", f"--boottime={seconds}", f"--monotonic={seconds}",
                        "--", *before]
    try:
        yield
    finally:
        mounting.WRAPPER = before


class TestAdministrator:
    """SEMANTICS 11.1: fs.fuse.default_request_timeout, after which the kernel aborts a mount."""

    @pytest.fixture
    def limit(self):
        """Sets the limit to 65 s for every mount of the machine that is created from now on."""
        if not LIMIT.exists():
            pytest.skip("this kernel has no fs.fuse.default_request_timeout (Linux 6.15)")
        before = LIMIT.read_text("ascii")
        if before.strip() != "0" or not os.access(LIMIT, os.W_OK):
            pytest.skip("fs.fuse.default_request_timeout is somebody else's here")
        try:
            LIMIT.write_text("65\n", "ascii")
        except OSError as error:
            pytest.skip(f"fs.fuse.default_request_timeout cannot be set here: {error}")
        yield
        LIMIT.write_text(before, "ascii")

    @needs_root
    def test_limit(self, limit, account, mount, reader):
        """`timeout` is lowered to a second below the limit, and the mount survives a stalled
        request."""
        one = mount(account, "timeout=100")
        LIMIT.write_text("0\n", "ascii")
        one.await_message("65 s", "default_request_timeout")
        config = read(one.path / ".gladiafs/config").decode()
        assert "timeout=64" in config, config
        if not LONG:
            return
        account.fault("stall")
        hanging = reader("ls", one.path / "all")
        with Stopwatch() as watch:
            code, _, err = hanging.result(100)
        assert code != 0 and "timed out" in err
        assert 60 < watch.seconds < 65
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
