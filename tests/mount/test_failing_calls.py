# SPDX-License-Identifier: MIT
"""Runs gladiafs again and again, and each time another call that it makes fails: an allocation, a
system call, or a call of a library (failing_call.c).

The outcome must then be the normal one, or an error: an exit code that is not 0 and a message. It
must not be a signal, a hang, or a success with other results. A tool that uses the mount may fail,
but if it does not, it must get what it gets normally.

Calls with the same call stack count as one. GLADIAFS_FAILING_CALLS=N lets N of them fail for each
command, which GLADIAFS_TEST_SEED selects. If it names a source file (options.c), only calls fail
that functions of this file make, directly or indirectly."""

import difflib
import errno
import os
import random
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pytest

from mock import AN_ID, Mock
from mounting import PROGRAM, Mount, Place, environment
from tools import mounts, run, wait_for_mount

SHIM = os.environ["GLADIAFS_FAILING_CALL"]
LONG = "GLADIAFS_TEST_LONG" in os.environ
CHOICE = os.environ.get("GLADIAFS_FAILING_CALLS", "10000" if LONG else "30")
# for each command, if a file is given
CALLS_MAX = 150
SEED = os.environ.get("GLADIAFS_TEST_SEED", "1")
HANGS_S = 60
# A message gives the reason after a colon or in brackets: "cannot open PATH: REASON".
REASONS = "|".join(map(os.strerror, (
    errno.EACCES, errno.EAGAIN, errno.EBUSY, errno.EINVAL, errno.EIO, errno.EMFILE, errno.ENOLCK,
    errno.ENOMEM, errno.EPERM, errno.EROFS)))
MISPLACED = re.compile(rf"(?<!: )(?<!\()({REASONS})|({REASONS}): ?/", re.IGNORECASE)
# A database that no mount uses.
UNUSED = "0123456789abcdef0123456789abcdef.db"
# Numbers in messages: sizes, durations, ports, numbers of processes.
NUMBER = re.compile(r"\d+([.:]\d+)*")


# Tools that use the mount POINT, and the outputs of which are always the same.
TOOLS = [
    "ls -1R POINT",
    "stat -c '%n %s %Y %a' POINT/all/*",
    "cat POINT/all/*",
    "cat POINT/all/jobs.csv",
    # Without memory for its path, the cache is switched off, with a warning.
    "grep -v ^cache POINT/.gladiafs/config",
    "grep -c . POINT/.gladiafs/stats >/dev/null",
    "cd POINT && getfattr -d status/done/*.json",
    "kill -HUP PID && ls POINT/metadata POINT/metadata/*",
    f"rm POINT/all/{AN_ID}.json && ls POINT/all",
    # The account changes before each of these (change()).
    "echo 1; PROGRAM --refresh POINT && ls -1R POINT",
    "echo 2; PROGRAM --refresh POINT && ls -1R POINT",
    "echo 3; PROGRAM --refresh POINT && ls -1R POINT",
]
NEW_ID = "0b5e9f0c-6d0e-4c7a-9a57-0d3f1c2b4a59"
JOB = {"seed": 7, "created_at": "2026-04-30T11:00:00.000Z", "custom_metadata": {}}


def remove(mock, *ids):
    """Deletes those of the jobs that exist."""
    for job_id in {job["id"] for job in mock.jobs()} & set(ids):
        mock.delete(job_id)


def change(mock, tool):
    """Changes the account before a tool runs. The listing that is cached lacks AN_ID."""
    if tool.startswith("rm"):
        mock.create(id=AN_ID, **JOB)
    elif tool.startswith("echo 1"):
        remove(mock, AN_ID)
        mock.create(id=NEW_ID, status="processing", **JOB)
    elif tool.startswith("echo 2"):
        mock.change(NEW_ID, status="done")
    elif tool.startswith("echo 3"):
        mock.delete(NEW_ID)


@dataclass
class Outcome:
    """How a command ended. Its exit code is None if it hangs."""
    code: int
    out: str
    err: str

    def wrong(self, normal):
        """Returns what is wrong if a call failed, or None."""
        if self.code is None:
            return "hangs"
        if self.code < 0 or self.code >= 126:
            return "died"
        if (self.code, self.out) == (normal.code, normal.out) and (self.code == 0 or self.err):
            return None
        if "(null)" in self.out + self.err:
            return "empty message"
        if MISPLACED.search(self.err):
            return "misplaced reason"
        if self.code == 0 and not self.says_unknown(normal):
            return "wrong success"
        if not self.err and self.out == normal.out:
            return "no message"
        return None

    def against(self, normal):
        """Returns a text that shows how it differs from the normal outcome."""
        lines = difflib.unified_diff(normal.out.splitlines(), self.out.splitlines(), n=0)
        return "\n".join([f"exit code {self.code}, stderr {self.err!r}", *list(lines)[2:20]])

    def says_unknown(self, normal):
        """True if each line that changed says that something is not known, or that a cache may be
        in use."""
        lines = self.out.splitlines()
        return normal.code == 0 and len(lines) == len(normal.out.splitlines()) and all(
            re.search(r"unknown: |sent no valid Date|unknown account| \? jobs| in use,", line)
            for line in set(lines) - set(normal.out.splitlines()))


class Bench:
    """A mock server and a place for one run of gladiafs at a time."""

    def __init__(self, directory):
        self.place = Place(directory)
        self.mock = Mock(directory, "--jobs", "12", "--days", "2", "--bytes", "1500:4000")
        self.point = self.place.new_directory()
        self.out, self.err = directory / "out", directory / "err"
        self.log = directory / "calls"
        config = self.place.home / ".config/gladiafs"
        config.mkdir(parents=True)
        (config / "gladiafs.conf").write_text("timeout=30\n")
        (config / "work.conf").write_text(f"url={self.mock.url}\nformats=json:txt\n")
        (config / "work.key").touch(mode=0o600)
        (config / "work.key").write_text(self.mock.key)
        self.filled = directory / "filled"
        self.normal = {}

    def plain(self, text):
        """Returns a text of gladiafs without what differs from one run to the next."""
        text = text.replace(str(self.place.directory), "DIR").replace("/usr/bin/", "/bin/")
        return NUMBER.sub("N", text)

    def words(self, words):
        """Returns a command line in which URL, OPTIONS and POINT are replaced."""
        known = {"URL": self.mock.url, "POINT": str(self.point),
                 "OPTIONS": self.place.options(), "MANY": self.place.options(
                     "xattr", "formats=json:txt:srt", "allow_delete", "tz=Europe/Paris")}
        return [re.sub("[A-Z]{3,}", lambda word: known.get(word[0], word[0]), word)
                for word in words]

    def start(self, words, failing, keep_cache=False):
        """Starts gladiafs. If `failing` is None, its calls are recorded."""
        if not keep_cache:
            for cache in self.place.cache, self.place.home / ".cache":
                shutil.rmtree(cache, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        more = {"LD_PRELOAD": SHIM, "FAILING_CALL_LOG": str(self.log)}
        if failing:
            more["FAILING_CALL"] = failing
        # not pipes, which a daemon may keep open
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", PROGRAM, *self.words(words)],
                env=environment(self.place.home, **more), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, cwd=self.place.directory)

    def end(self, process):
        """Waits until gladiafs ends. Returns its outcome."""
        try:
            code = process.wait(HANGS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        return Outcome(code, *(self.plain(path.read_text()) for path in (self.out, self.err)))

    def command(self, words, failing):
        """Runs a command. Returns its outcome."""
        return {"gladiafs": self.end(self.start(words, failing))}

    def beside(self, words, failing):
        """Runs a command while the account is mounted, and one cache is not in use. Returns its
        outcome."""
        shutil.rmtree(self.place.cache, ignore_errors=True)
        with closing(Mount(self.place, self.mock, path=self.point)):
            shutil.copyfile(next(self.place.cache.glob("*.db")), self.place.cache / UNUSED)
            return {"gladiafs": self.end(self.start(words, failing, keep_cache=True))}

    def daemon(self, words, failing):
        """Mounts as a daemon and unmounts. Returns the outcomes."""
        outcomes = {"gladiafs": self.end(self.start(words, failing)), "ls": None}
        if str(self.point) in mounts():
            outcomes["ls"] = self.tool("ls POINT", 0)
            run("umount", "--lazy", self.point)
        elif outcomes["gladiafs"].code == 0:
            outcomes["gladiafs"] = Outcome(None, "", "it is not mounted")
        return outcomes

    def tool(self, tool, pid):
        """Runs a tool in the shell. Returns its outcome."""
        # If the mount has ended, its directory is empty.
        script = f"mountpoint -q POINT || {{ echo not mounted >&2; exit 1; }}; {tool}"
        for name, value in ("POINT", self.point), ("PID", pid), ("PROGRAM", PROGRAM):
            script = script.replace(name, str(value))
        change(self.mock, tool)
        with subprocess.Popen(["sh", "-c", script], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            try:
                out, err = running.communicate(timeout=HANGS_S)
            except subprocess.TimeoutExpired:
                run("umount", "--force", self.point)
                out, err = running.communicate()
                return Outcome(None, out, err)
        # getfattr prints errors, but its exit code is 0.
        return Outcome(running.returncode or int(bool(err)),
                       out.replace(str(self.place.directory), "DIR"), err)

    def mounted(self, words, failing, keep_cache=False):
        """Mounts, runs the tools, and unmounts. Returns the outcomes."""
        self.mock.reset()
        remove(self.mock, AN_ID, NEW_ID)
        process = self.start(words, failing, keep_cache)
        outcomes = {}
        if wait_for_mount(self.point, process):
            outcomes = {tool: self.tool(tool, process.pid) for tool in TOOLS}
            process.terminate()
        outcomes["gladiafs"] = self.end(process)
        if str(self.point) in mounts():
            run("umount", "-l", self.point)
            if outcomes["gladiafs"].code == 0:
                outcomes["gladiafs"] = Outcome(None, "", "it is still mounted")
        return outcomes

    def again(self, words, failing):
        """Like mounted(), but with a cache that an earlier mount has filled."""
        if not self.filled.exists():
            self.mounted(words, None)
            self.place.cache.rename(self.filled)
        shutil.rmtree(self.place.cache, ignore_errors=True)
        shutil.copytree(self.filled, self.place.cache)
        return self.mounted(words, failing, keep_cache=True)

    def wrong(self, scenario, call):
        """Returns a report of what is wrong if this call fails, or None."""
        method, words = scenario
        if scenario not in self.normal:
            self.normal[scenario] = method(self, words, None)
        outcomes = method(self, words, call[0])
        reports = [f"{wrong}: {name}: {outcome.against(self.normal[scenario][name])}"
                   for name, outcome in outcomes.items() if outcome
                   if (wrong := outcome.wrong(self.normal[scenario][name]))]
        return reports and f"{' '.join(call)}:\n" + "\n".join(reports)

    def calls(self):
        """Returns the recorded calls: hash, name, and offsets of their callers."""
        return [line.split() for line in self.log.read_text().splitlines()]

    def close(self):
        assert self.mock.stop()


def lines_of(offsets):
    """Returns the lines of source that belong to return addresses."""
    done = subprocess.run(["addr2line", "-s", "-e", PROGRAM], check=True, capture_output=True,
                          text=True, input="\n".join(hex(int(at, 16) - 1) for at in offsets))
    return dict(zip(offsets, done.stdout.splitlines()))


def chosen(calls):
    """Returns the calls that are to fail, with lines instead of offsets."""
    lines = lines_of(sorted({at for call in calls for at in call[2:]}))
    calls = [call[:2] + [lines[at] for at in call[2:]] for call in calls]
    random.Random(SEED).shuffle(calls)
    if CHOICE.isdigit():
        return calls[:int(CHOICE)]
    return [call for call in calls
            if any(line.startswith(CHOICE + ":") for line in call[2:])][:CALLS_MAX]


@pytest.fixture(scope="module", name="benches")
def fixture_benches(tmp_path_factory):
    benches = [Bench(tmp_path_factory.mktemp("bench")) for _ in range(2 * os.cpu_count())]
    yield benches
    for bench in benches:
        bench.close()


COMMAND, BESIDE, MOUNTED = Bench.command, Bench.beside, Bench.mounted
SCENARIOS = {
    "help": (COMMAND, ("--help",)),
    "version": (COMMAND, ("--version",)),
    "bad_option": (COMMAND, ("-o", "ttl=never", "URL", "POINT")),
    "bad_url": (COMMAND, ("-o", "OPTIONS", "http://example.com:x", "POINT")),
    "bad_profile": (COMMAND, ("home", "POINT")),
    "no_key": (COMMAND, ("URL", "POINT")),
    "check": (COMMAND, ("--check", "-o", "OPTIONS", "URL")),
    "check_api": (COMMAND, ("--check", "--api", "-o", "OPTIONS", "URL")),
    "cache": (COMMAND, ("--cache", "-o", "OPTIONS")),
    "refresh": (COMMAND, ("--refresh", "POINT")),
    "fetch": (COMMAND, ("--fetch", "POINT")),
    "cache_mounted": (BESIDE, ("--cache", "-o", "OPTIONS")),
    "cache_clean": (BESIDE, ("--cache=clean-all", "-o", "OPTIONS")),
    "check_mounted": (BESIDE, ("--check", "POINT")),
    "refresh_mounted": (BESIDE, ("--refresh", "POINT/all", "POINT/status/done")),
    "fetch_mounted": (BESIDE, ("--fetch", "POINT/all")),
    "no_cache": (MOUNTED, ("-f", "-o", "OPTIONS,cache=off,offline_ok", "URL", "POINT")),
    "daemon": (Bench.daemon, ("-o", "OPTIONS", "URL", "POINT")),
    "profile": (MOUNTED, ("-f", "work", "POINT")),
    "again": (Bench.again, ("-f", "-o", "OPTIONS", "URL", "POINT")),
    "mount": (MOUNTED, ("-f", "-o", "OPTIONS", "URL", "POINT")),
    "many": (MOUNTED, ("-f", "-o", "MANY", "URL", "POINT")),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_failing_calls(benches, name):
    """Each chosen call fails in turn."""
    method, words = SCENARIOS[name]
    method(benches[0], words, None)
    calls = chosen(benches[0].calls())
    free = list(benches)

    def wrong(call):
        bench = free.pop()
        try:
            return bench.wrong(SCENARIOS[name], call)
        finally:
            free.append(bench)
    with ThreadPoolExecutor(len(benches)) as pool:
        found = [report for report in pool.map(wrong, calls) if report]
    print(f"{name}: {len(calls)} calls failed")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("outcome, wrong", [
    (Outcome(0, "as usual", ""), None), (Outcome(0, "as usual", "gladiafs: a warning"), None),
    (Outcome(2, "", "gladiafs: cannot open /a: Input/output error"), None),
    (Outcome(0, "unknown: out of memory", ""), None), (Outcome(None, "", ""), "hangs"),
    (Outcome(-11, "", ""), "died"), (Outcome(134, "", "Aborted"), "died"),
    (Outcome(0, "", ""), "wrong success"), (Outcome(2, "as usual", ""), "no message"),
    (Outcome(2, "", "gladiafs: cannot open (null)"), "empty message"),
    (Outcome(2, "", "gladiafs: cannot open Input/output error: /a"), "misplaced reason")])
def test_what_is_wrong(outcome, wrong):
    """The judgement of outcomes."""
    assert outcome.wrong(Outcome(0, "as usual", "")) == wrong
