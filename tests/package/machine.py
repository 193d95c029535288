# SPDX-License-Identifier: MIT
"""A separate Debian system: a root directory, and systemd that runs in it as process 1."""

import hashlib
import os
import platform
import shlex
import subprocess
from pathlib import Path

from tools import END, isolate_mounts, run, wait_until

# Seconds that a boot, or a command in the machine, may take.
PATIENCE = 30

# Boots the machine with its own mounts, so that none of them is left behind: /run for
# systemd-nspawn, and a single cgroup hierarchy, even if the host has several. In it we make the
# cgroup in which the machine starts.
BOOT = r"""
trap 'kill "$machine" 2>/dev/null' TERM
mount -t tmpfs none /run
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/gladiafs-test-$$
mkdir "$group"
echo $$ >"$group/cgroup.procs"
systemd-nspawn -q -D "$1" --register=no --keep-unit --console=pipe --boot \
    --bind=/dev/fuse --bind=/dev/autofs >"$2" 2>&1 </dev/null &
machine=$!
code=0
wait "$machine" || wait "$machine" || code=$?
echo $$ >/sys/fs/cgroup/cgroup.procs
find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
exit "$code"
"""


# Directories that change with every package that is installed or removed.
PASSING = {"var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "proc", "sys", "dev", "run",
           "tmp", "root"}

# Steps that are often not permitted in a container: mounting a cgroup hierarchy and making a
# cgroup.
GROUPS = """
mount -t tmpfs none /run
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 none /sys/fs/cgroup
mkdir /sys/fs/cgroup/gladiafs-probe-$$
rmdir /sys/fs/cgroup/gladiafs-probe-$$
"""


def unbootable():
    """Returns the reason why no machine can be booted here, or None if one can."""
    for device in "/dev/fuse", "/dev/autofs":
        if not os.path.exists(device):
            return f"there is no {device}"
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-euc", GROUPS],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=END, check=False)
    return f"no control groups: {done.stderr.strip()}" if done.returncode else None


def release():
    """Returns the Debian release of this machine, for which the package is built, such as
    "bookworm"."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


class Root:
    """A directory with a minimal Debian system. It is in memory and mounted in this process's own
    mount namespace, so it disappears with the process."""

    def __init__(self, path):
        self.path = path
        isolate_mounts()
        run("mount", "-t", "tmpfs", "-o", "mode=755,size=3G", "tmpfs", path)
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
            "--skip=cleanup/apt/lists", "--dpkgopt=force-unsafe-io", release(), path,
            timeout=300)

    def run(self, script, **options):
        """Runs a shell script in the root directory and kills all processes that it leaves
        behind."""
        return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc",
                   'mount -t proc proc "$0/proc"; cp /etc/resolv.conf "$0/etc/"\n'
                   'exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin '
                   'DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -euc "$1"',
                   self.path, script, timeout=300, **options)

    def install(self, *packages):
        return self.run("apt-get install -y --no-install-recommends "
                        + " ".join(map(str, packages)))

    def write(self, path, text, mode=0o644, owner=None):
        file = self.path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        file.chmod(mode)
        file.write_text(text, encoding="utf-8")
        if owner is not None:
            os.chown(file, owner, owner)

    def state(self):
        """Returns every file with its mode, owner and contents, except the records of apt and
        dpkg."""
        found = set()
        for folder, folders, names in os.walk(self.path):
            at = Path(folder).relative_to(self.path)
            folders[:] = [name for name in folders if (at / name).as_posix() not in PASSING]
            for name in (at / name for name in [*folders, *names]):
                file = self.path / name
                stat = file.lstat()
                text = b""
                if file.is_symlink():
                    text = os.readlink(file).encode()
                elif file.is_file():
                    text = hashlib.sha256(file.read_bytes()).digest()
                found.add((name.as_posix(), stat.st_mode, stat.st_uid, stat.st_gid, text))
        return found


class Machine:
    """A machine that systemd boots from a root directory and that runs until stop(). It uses the
    host's network."""

    def __init__(self, root, console):
        self.root = root
        self.console = console
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--cgroup", "--propagation",
             "private", "sh", "-euc", BOOT, "sh", str(root.path), str(console)],
            stdin=subprocess.DEVNULL)
        try:
            self.leader = wait_until(self.find_leader, "a machine boots", PATIENCE)
            wait_until(lambda: self.ask("test -S /run/systemd/private") is not None,
                       "systemd listens", PATIENCE)
            state = self.ask("systemctl is-system-running --wait || :")
            assert state in ("running\n", "degraded\n"), state
            # The machine has no udev, which would let all users open the device.
            self.run("umount /dev/fuse; rm /dev/fuse; mknod -m 666 /dev/fuse c 10 229")
        except BaseException:
            print(console.read_text(errors="replace"))
            self.stop()
            raise

    def find_leader(self):
        """Returns the pid of the machine's process 1."""
        assert self.process.poll() is None, self.console.read_text(errors="replace")
        pids = [self.process.pid]
        for pid in pids:
            try:
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                numbers = next(line for line in status.splitlines() if line.startswith("NSpid"))
                if numbers.split()[2:] == ["1"] and \
                        os.readlink(f"/proc/{pid}/exe").endswith("/systemd"):
                    return pid
                for task in os.listdir(f"/proc/{pid}/task"):
                    children = Path(f"/proc/{pid}/task/{task}/children").read_text()
                    pids += map(int, children.split())
            except OSError:
                pass
        return None

    def command(self, script, user=None):
        """Returns the command that runs a script as the user with an almost empty environment.
        None means root."""
        start = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-p", "-r",
                 "env", "-i", "-C", "/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        if user:
            uid = self.uid(user)
            start += [f"XDG_RUNTIME_DIR=/run/user/{uid}", "setpriv", f"--reuid={uid}",
                      f"--regid={uid}", "--clear-groups"]
        return [*start, "sh", "-euc", script]

    def uid(self, user):
        for line in (self.root.path / "etc/passwd").read_text().splitlines():
            if line.startswith(user + ":"):
                return int(line.split(":")[2])
        raise KeyError(user)

    def run(self, script, user=None, code=0):
        """Runs a shell script in the machine and returns its output. Fails if the exit code is not
        `code`."""
        return run(*self.command(script, user), code=code, timeout=PATIENCE)

    def ask(self, script, user=None):
        """Runs a shell script in the machine and returns its output, or None if the script
        fails."""
        done = subprocess.run(self.command(script, user), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              timeout=PATIENCE, check=False)
        return done.stdout if done.returncode == 0 else None

    def wait(self, script, user=None):
        """Waits until the script succeeds."""
        try:
            return wait_until(lambda: self.ask(script, user) is not None, script, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journal()}") from None

    def journal(self, lines=40):
        return self.ask(f"journalctl -b -n {lines} --no-pager || :")

    def mounts(self):
        """Returns the gladiafs mount points in the machine's mount table."""
        found = self.run("findmnt -rn -t fuse.gladiafs -o TARGET || :")
        return found.split()

    def write(self, path, text, mode=0o644, user=None):
        """Writes a file from inside the machine, because its /run is not in the root directory."""
        quoted = shlex.quote(path)
        self.run(f"mkdir -p \"$(dirname {quoted})\"; umask 077; printf %s {shlex.quote(text)} "
                 f">{quoted}; chmod {mode:o} {quoted}", user)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(END)
