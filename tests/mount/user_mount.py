# SPDX-License-Identifier: MIT
"""Mounts of an unprivileged user."""

import os
import shutil
import subprocess

from mounting import PROGRAM, Place, alone, environment
from tools import END, PATIENCE, run, wait_until

USER_ID = 65534
AS_USER = ["setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups"]

# Sets up a mount namespace like that of an ordinary machine: all users may open /dev/fuse,
# as with udev, and the kernel's list of FUSE connections is mounted.
FOR_ALL = """
mkdir "$1/dev"
mount -t tmpfs none "$1/dev"
mknod -m 666 "$1/dev/fuse" c 10 229
mount --bind "$1/dev/fuse" /dev/fuse
mountpoint -q /sys/fs/fuse/connections || mount -t fusectl none /sys/fs/fuse/connections
shift
exec "$@"
"""


class UserMount:
    """A mount of user 65534.

    It has its own mount namespace and a directory that all users may enter. With `on`, it is
    in the namespace of that mount: at the same mount point, or at `name`.
    """

    def __init__(self, account, directory=None, on=None, name="", options=()):
        self.place = on.place if on else Place(directory)
        directory = self.place.directory
        self.path = on.path if on and not name else directory / (name or "mnt")
        self.path.mkdir(parents=True, exist_ok=True)
        os.chown(self.path, USER_ID, USER_ID)
        if on:
            words = [*on.inside, *AS_USER]
        else:
            shutil.copy(PROGRAM, directory / "program")
            for one in (directory, *directory.iterdir()):
                os.chown(one, USER_ID, USER_ID)
            words = alone(FOR_ALL, directory, *AS_USER)
        self.stderr_file = directory / f"stderr{2 if on else 1}"
        with open(self.stderr_file, "wb") as stderr:
            self.process = subprocess.Popen(
                [*words, directory / "program", "-f", "-o", self.place.options(*options),
                 account.url, self.path],
                env=environment(self.place.home), cwd="/", stderr=stderr)
        self.pid = self.process.pid
        # Runs a program in the namespace of the mount and with its root, which may be a chroot.
        self.inside = ["nsenter", "-m", "-r", "-t", str(self.pid)]
        self.kept = []
        try:
            wait_until(lambda: not self.is_alive() or self.lists(AS_USER), "it is mounted")
            assert self.is_alive(), self.stderr
        except AssertionError:
            self.process.kill()
            raise
        # Keeps working after the process has ended.
        self.inside = ["nsenter", self.keep("mount", "ns/mnt"), self.keep("root", "root")]

    def keep(self, option, entry):
        """Opens an entry of the process's directory in /proc until close().

        Returns the option that makes nsenter use it.
        """
        self.kept.append(os.open(f"/proc/{self.pid}/{entry}", os.O_RDONLY))
        return f"--{option}=/proc/{os.getpid()}/fd/{self.kept[-1]}"

    def close(self):
        for fd in self.kept:
            os.close(fd)

    def places(self):
        """Returns mount point and type of everything mounted in the namespace."""
        lines = [line.split() for line in run(*self.inside, "cat",
                                              "/proc/self/mountinfo").splitlines()]
        return [(line[4], line[line.index("-") + 1]) for line in lines]

    def is_mounted(self):
        return (str(self.path), "fuse.gladiafs") in self.places()

    def is_alive(self):
        return self.process.poll() is None

    def end(self):
        """Sends SIGTERM and returns the exit code."""
        self.process.terminate()
        return self.process.wait(END * PATIENCE)

    @property
    def stderr(self):
        return self.stderr_file.read_text(encoding="utf-8", errors="replace")

    def lists(self, words=()):
        """Returns True if `ls`, run by the command `words`, can list the mount."""
        done = subprocess.run([*self.inside, *words, "timeout", str(END), "ls",
                               self.path / "all"], check=False, capture_output=True, text=True)
        return done.returncode == 0 and done.stdout.count(".json") == 3
