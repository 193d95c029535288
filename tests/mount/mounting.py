# SPDX-License-Identifier: MIT
"""Runs the program under test as a child process that mounts."""

import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time

import pytest

from mock import KEY
from tools import (ALONE, END, LIBC, PATIENCE, is_alive, mounts, run, wait_for_mount,
                   wait_until)

PROGRAM = os.environ.get("GLADIAFS", "gladiafs")
# The command that runs the program, such as "valgrind -q".
WRAPPER = shlex.split(os.environ.get("GLADIAFS_WRAPPER", ""))
# Time limit of one test, in seconds.
TEST_LIMIT = 60 * PATIENCE

BAD_WORDS = ("Sanitizer", "runtime error:", "Assertion", "==ERROR")

# The lines of the log that say when a mount begins and ends.
LIFE = re.compile(r"^gladiafs: (mounted .*|unmounting .*|.* was unmounted|ended .*)\n", re.MULTILINE)

PR_SET_CHILD_SUBREAPER = 36


def environment(home, **more):
    """Returns an environment for the program, with only the necessary variables of ours."""
    kept = {name: value for name, value in os.environ.items()
            if name in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
    return {**kept, "HOME": str(home), **more}


def refresh(place, *paths):
    """Runs `gladiafs --refresh`. Returns its exit code and stderr."""
    done = subprocess.run([PROGRAM, "--refresh", *paths], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False,
                          env=environment(place.home))
    assert done.stdout == ""
    return done.returncode, done.stderr


def adopt_orphans():
    """Makes daemons our children, so that we get their exit status (prctl(2))."""
    assert LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())


def children():
    """Returns the pids of our children, including those that ended and were not waited for."""
    found = set()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as pids:
                found.update(map(int, pids.read().split()))
        except FileNotFoundError:
            pass  # the thread just ended; its children now belong to another thread
    return found


def await_end(pids):
    """Waits until these children of ours have ended."""
    for pid in pids:
        wait_until(lambda pid=pid: os.waitpid(pid, os.WNOHANG)[0], f"{pid} ends")


def await_orphans(before):
    """Waits until the orphans that an ended process left to us have ended.

    These are all our children, except those that existed before.
    """
    await_end(children() - before)


def exit_code(status):
    """Converts a status of waitpid(2) to an exit code like that of subprocess.Popen."""
    return os.waitstatus_to_exitcode(status)


class Place:
    """The directory with the key, cache, home and mount points that the mounts of one test use."""

    def __init__(self, directory, key=KEY):
        self.directory = directory
        self.home = directory / "home"
        self.cache = directory / "cache"
        self.key_file = directory / "key"
        self.home.mkdir()
        self.write_key(key)
        self.count = 0

    def write_key(self, key):
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(key + "\n", encoding="ascii")

    def new_directory(self):
        self.count += 1
        path = self.directory / f"mnt{self.count}"
        path.mkdir()
        return path

    def options(self, *more):
        """Returns mount options with key_file and cache_dir added.

        An option in `more` overrides ours; "!key_file" removes it.
        """
        given = {option.lstrip("!").partition("=")[0] for option in more}
        ours = {"key_file": self.key_file, "cache_dir": self.cache}
        return ",".join([f"{name}={value}" for name, value in ours.items() if name not in given]
                        + [option for option in more if not option.startswith("!")])


class Program:
    """A run of the program with any command line, started by `wrapper` if given.

    Its stderr goes to a file, unless `stderr` gives another descriptor.
    """

    def __init__(self, place, *words, env=None, argv0=None, wrapper=(), stderr=None):
        place.count += 1
        self.place = place
        self.stderr_file = place.directory / f"stderr{place.count}"
        command = [*map(str, wrapper), *WRAPPER, argv0 or PROGRAM, *map(str, words)]
        with open(self.stderr_file, "wb") as kept:
            # If this process dies, no process would be left to unmount.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=kept if stderr is None else stderr, text=True,
                cwd=place.directory, env=environment(place.home) if env is None else env)

    def end(self, seconds=END * PATIENCE):
        """Waits until the program has ended; returns exit code, stdout and stderr."""
        try:
            out, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, out, self.stderr

    @property
    def stderr(self):
        return self.stderr_file.read_text(encoding="utf-8", errors="replace")


class Mount:
    """A mount of a mock server, alive until unmount(). `path` is its directory."""

    def __init__(self, place, mock, *options, path=None, daemon=False, env=None,
                 source=None, letters=()):
        self.place = place
        self.mock = mock
        self.path = path or place.new_directory()
        self.daemon = daemon
        before = children()
        words = [*([mock.url] if source is None else source), self.path]
        letters = [*letters, *([] if daemon else ["-f"])]
        if listed := place.options(*options):
            letters += ["-o", listed]
        self.program = Program(place, *letters, *words, env=env)
        self.pid = self.program.process.pid
        self.code = None
        if daemon:
            code, _, err = self.program.end()
            assert code == 0, err
            assert is_alive(self.path), "the parent returned too early"
            new = children() - before
            assert len(new) == 1, new
            self.pid = new.pop()
        elif not self.appears():
            code, _, err = self.program.end()
            raise AssertionError(f"not mounted: {code}: {err}")
        self.mark()

    def appears(self):
        try:
            return wait_for_mount(self.path, self.program.process)
        except AssertionError:
            self.program.process.kill()
            return False

    # Requests to the API.

    def mark(self):
        """Excludes the requests made so far from requests()."""
        log = self.mock.log()
        self.marked = log[-1].number if log else 0

    def requests(self, quiet=0.15):
        """Waits until no more requests arrive, sets a new mark, and returns the requests since
        the last mark."""
        seen = -1
        end = time.monotonic() + END / 4
        while True:
            self.mock.wait(in_flight_at_most=0)
            log = [entry for entry in self.mock.log() if entry.number > self.marked]
            if len(log) == seen:
                break
            seen = len(log)
            assert time.monotonic() < end, f"it goes on asking: {seen} requests"
            time.sleep(quiet * PATIENCE)
        if log:
            self.marked = log[-1].number
        return log

    # The end of the mount.

    @property
    def stderr(self):
        return self.program.stderr

    @property
    def complaints(self):
        """stderr without the lines that say when a mount begins and ends."""
        return LIFE.sub("", self.stderr)

    def await_message(self, *words):
        """Waits until stderr has all of these words. A thread of the process writes it, and may be
        late if the machine is busy."""
        wait_until(lambda: all(word in self.stderr for word in words), f"{words} in stderr")

    def wait(self, seconds=END):
        """Waits until the process has ended. Returns its exit code."""
        if self.code is not None:
            return self.code
        if not self.daemon:
            self.code = self.program.process.wait(seconds * PATIENCE)
        else:
            done, status = wait_until(lambda: self.reap() or None, "the daemon ends",
                                      seconds * PATIENCE)
            assert done == self.pid
            self.code = exit_code(status)
        return self.code

    def reap(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return (pid, status) if pid else None

    def is_mounted(self):
        return str(self.path) in mounts()

    def unmount(self, *tool):
        """Unmounts as a user does; the process must exit with 0 and log nothing suspicious."""
        wait_until(lambda: self.is_unmounted_by(*(tool or ("fusermount3", "-u"))),
                   "it can be unmounted")
        assert self.wait() == 0, self.stderr
        self.check_stderr()

    def is_unmounted_by(self, *tool):
        """Returns False if the mount is busy, because another process (such as df) uses it."""
        done = subprocess.run([*tool, self.path], stdin=subprocess.DEVNULL, timeout=END,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        assert done.returncode == 0 or "busy" in done.stdout, done.stdout
        return done.returncode == 0

    def check_stderr(self):
        for word in (*BAD_WORDS, self.mock.key):
            assert word not in self.stderr, self.stderr

    def kill(self):
        """Kills the process; the kernel then fails every call that waits for it."""
        if self.code is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        """Ends the mount, whatever its state. Returns the errors found, or an empty string."""
        wrong = []
        if self.code is None:
            try:
                wait_until(lambda: self.is_unmounted_by("fusermount3", "-u"), "it is not busy")
                code = self.wait()
                if code != 0:
                    wrong.append(f"exit code {code}")
            except (subprocess.TimeoutExpired, AssertionError) as error:
                wrong.append(f"did not end when it was unmounted: {error}")
                self.kill()
                self.wait()
        if self.is_mounted():
            # If the process was killed, it could not unmount.
            if self.code >= 0:
                wrong.append("was still mounted")
            run_quietly("umount", "-l", self.path)
        if self.program.process.stdout:
            self.program.process.stdout.close()
        wrong += [f"stderr holds {word}: {self.stderr}"
                  for word in (*BAD_WORDS, self.mock.key) if word in self.stderr]
        return "; ".join(wrong)


IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root may have mounts of his own")


def alone(script, *words):
    """Returns a command that runs a shell script in a private mount namespace."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", ALONE + script, "sh",
            *map(str, words)]


def run_in_namespace(script, *words, **options):
    return run(*alone(script, *words), **options)


def run_quietly(*command):
    try:
        subprocess.run([str(word) for word in command], timeout=END, check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        pass


class Guard:
    """Ends a test that hangs in a mount: kills the processes of the mounts, so that the kernel
    fails every waiting call and the test fails."""

    def __init__(self, alive, limit=TEST_LIMIT):
        self.timer = threading.Timer(limit, lambda: [mount.kill() for mount in list(alive)])
        self.timer.daemon = True
        self.timer.start()

    def cancel(self):
        self.timer.cancel()


def needed_tools(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    assert not missing, f"not installed: {' '.join(missing)}"
