# SPDX-License-Identifier: MIT
"""What a user without rights mounts."""

import os
import shutil
import subprocess

from mounting import PROGRAM, Place, alone, environment
from tools import END, PATIENCE, wait_until

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

# A namespace of mounts as an ordinary machine has it: /dev/fuse is for everybody, as udev
# has it, and the kernel's list of FUSE connections is there.
FOR_ALL = """
mkdir "$1/dev"
mount -t tmpfs none "$1/dev"
mknod -m 666 "$1/dev/fuse" c 10 229
mount --bind "$1/dev/fuse" /dev/fuse
mountpoint -q /sys/fs/fuse/connections || mount -t fusectl none /sys/fs/fuse/connections
shift
exec "$@"
"""


class Nobody:
    """A mount in a namespace of its own, in a directory that everybody may go to; or one on
    the place of another one, in its namespace."""

    def __init__(self, account, directory=None, on=None):
        self.place = on.place if on else Place(directory)
        self.path = on.path if on else self.place.new_directory()
        directory = self.place.directory
        if on:
            words = [*on.inside, *AS_NOBODY]
        else:
            shutil.copy(PROGRAM, directory / "program")
            for one in (directory, *directory.iterdir()):
                os.chown(one, NOBODY, NOBODY)
            words = alone(FOR_ALL, directory, *AS_NOBODY)
        self.stderr_file = directory / f"stderr{2 if on else 1}"
        with open(self.stderr_file, "wb") as stderr:
            self.process = subprocess.Popen(
                [*words, directory / "program", "-f", "-o", self.place.options(), account.url,
                 self.path], env=environment(self.place.home), cwd="/", stderr=stderr)
        self.pid = self.process.pid
        # What runs a program where this one is.
        self.inside = ["nsenter", "-m", "-t", str(self.pid)]
        try:
            wait_until(lambda: not self.is_alive() or self.lists(AS_NOBODY), "it is mounted")
            assert self.is_alive(), self.stderr
        except AssertionError:
            self.process.kill()
            raise

    def is_alive(self):
        return self.process.poll() is None

    def end(self):
        """By SIGTERM; gives its exit code."""
        self.process.terminate()
        return self.process.wait(END * PATIENCE)

    @property
    def stderr(self):
        return self.stderr_file.read_text(encoding="utf-8", errors="replace")

    def lists(self, words=()):
        """Whether who is run by these words may list the mount."""
        done = subprocess.run([*self.inside, *words, "timeout", str(END), "ls",
                               self.path / "all"], check=False, capture_output=True, text=True)
        return done.returncode == 0 and done.stdout.count(".json") == 3
