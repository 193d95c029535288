# SPDX-License-Identifier: MIT
"""Helpers of all mount tests: waiting with a time limit, running tools, readers that hang."""

import ctypes
import os
import select
import subprocess
import sys
import time

# The longest wait of these helpers, in seconds.
END = 20
# Factor for time limits, which apply to a quiet machine; larger for valgrind and sanitizers.
PATIENCE = float(os.environ.get("GLADIAFS_PATIENCE", "1"))
AT_ONCE = 0.1 * PATIENCE

# Kernel functions (/proc/PID/wchan) in which a process waits for a FUSE filesystem: for a
# reply, for a page of a file, or for a lookup or a directory read of another process.
WAITS = {"request_wait_answer", "fuse_simple_request", "__fuse_request_send", "fuse_get_req",
         "folio_wait_bit_common", "d_alloc_parallel", "rwsem_down_write_slowpath",
         "rwsem_down_read_slowpath"}

# A new mount namespace starts with a copy of all mounts. The copies would keep mounts of other
# tests alive after they are unmounted, and their programs would wait forever.
ALONE = """
set -eu
findmnt -rn -o TARGET -t fuse.gladiafs | while read -r place; do umount -l "$place"; done
"""

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000


def wait_until(condition, what, seconds=END):
    """Polls the condition until it is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.002)


class Stopwatch:
    """with Stopwatch() as watch: …; watch.seconds"""

    def __enter__(self):
        self.begin = time.monotonic()
        self.seconds = None
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begin


def run(*command, code=0, timeout=60, **options):
    """Runs a tool and returns its output; its exit code must be `code`."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, check=False, **options)
    assert done.returncode == code, f"{command}: {done.returncode}: {done.stderr}"
    return done.stdout


def names_of(jobs):
    return {job["id"] + ".json" for job in jobs}


def read(path):
    return path.read_bytes()


def isolate_mounts():
    """Moves this process into a new mount namespace, so that no other namespace copies its
    mounts and keeps them alive. Only for root: other users would need a user namespace, in
    which fusermount3 cannot mount for them."""
    if os.geteuid() == 0:
        assert LIBC.unshare(CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
        run("mount", "--make-rprivate", "/")
        run("sh", "-c", ALONE)


def mounts():
    """Returns type and source of all mounts, by mount point (proc(5), mountinfo)."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        for line in table:
            left, _, right = line.partition(" - ")
            place = left.split()[4].encode().decode("unicode_escape")
            found[place] = tuple(right.split()[:2])
    return found


def is_alive(place):
    """Returns True if something is mounted there and its process answers."""
    if str(place) not in mounts():
        return False
    try:
        os.statvfs(place)  # unlike stat(), this always asks the process
    except OSError:
        return False
    return True


def wait_for_mount(place, process):
    """Waits until something is mounted there or the process has ended.

    Returns True if it is mounted.
    """
    end = time.monotonic() + END
    pidfd = os.pidfd_open(process.pid)
    try:
        with open("/proc/self/mountinfo", "rb") as table:
            poll = select.poll()
            poll.register(table, select.POLLERR | select.POLLPRI)
            poll.register(pidfd, select.POLLIN)
            while not is_alive(place):
                if process.poll() is not None:
                    return False
                rest = end - time.monotonic()
                assert rest > 0, f"nothing is mounted on {place}"
                poll.poll(rest * 1000)
        return True
    finally:
        os.close(pidfd)


class Reader:
    """A child process that may hang in a system call."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    @classmethod
    def python(cls, code, *words):
        return cls(sys.executable, "-c", code, *words)

    def hangs(self):
        """Waits until the process is blocked in a call to the filesystem."""
        state = None
        while state is None or state != self.state():
            state = wait_until(self.state, "the reader hangs")
            time.sleep(0.02 * PATIENCE)
        assert self.process.poll() is None, self.process.communicate()
        return self

    def state(self):
        """Returns how often the process went to sleep, if it sleeps in the filesystem or has ended,
        or None."""
        try:
            with open(f"/proc/{self.pid}/wchan", encoding="ascii") as place:
                sleeps = place.read() in WAITS
            with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
                (count,) = [line for line in status if line.startswith("voluntary_")]
        except (FileNotFoundError, ProcessLookupError):
            return None
        return count if sleeps or self.process.poll() is not None else None

    def end_by(self, signal):
        """Sends a signal. Returns the seconds until the process has ended."""
        with Stopwatch() as watch:
            self.process.send_signal(signal)
            self.process.wait(END)
        return watch.seconds

    def result(self, seconds=60):
        """Waits for the process; returns exit code, stdout and stderr."""
        out, err = self.process.communicate(timeout=seconds * PATIENCE)
        return self.process.returncode, out, err

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        try:
            self.process.communicate(timeout=END)
        except subprocess.TimeoutExpired:
            pass
