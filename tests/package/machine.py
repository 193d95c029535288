# SPDX-License-Identifier: MIT
"""A Debian of its own: a root directory, and systemd that runs in it as its process 1."""

import hashlib
import os
import platform
import shlex
import subprocess
from pathlib import Path

from tools import END, isolate_mounts, run, wait_until

# So long a boot, or a command in it, may take.
PATIENCE = 30

# Mounts of its own, so that nothing of it stays: /run for systemd-nspawn, one hierarchy of
# control groups where the host has many, and in it a group that the machine starts from.
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


# What changes with each package that comes or goes, whatever is in it.
PASSING = {"var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "proc", "sys", "dev", "run",
           "tmp", "root"}

# What a container often may not: a hierarchy of control groups, and a group in it.
GROUPS = """
mount -t tmpfs none /run
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 none /sys/fs/cgroup
mkdir /sys/fs/cgroup/gladiafs-probe-$$
rmdir /sys/fs/cgroup/gladiafs-probe-$$
"""


def unbootable():
    """Why no machine can be booted here, whatever is in it; None if one can."""
    for device in "/dev/fuse", "/dev/autofs":
        if not os.path.exists(device):
            return f"there is no {device}"
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-euc", GROUPS],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=END, check=False)
    return f"no control groups: {done.stderr.strip()}" if done.returncode else None


def release():
    """The Debian release of this machine, which the package is built for: "bookworm"."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


class Root:
    """A directory with a Debian in it, as small as they come; in memory, and gone with this
    process, which gets mounts of its own."""

    def __init__(self, path):
        self.path = path
        isolate_mounts()
        run("mount", "-t", "tmpfs", "-o", "mode=755,size=3G", "tmpfs", path)
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
            "--skip=cleanup/apt/lists", "--dpkgopt=force-unsafe-io", release(), path,
            timeout=300)

    def run(self, script, **options):
        """Runs a script of the shell's in it, of which no process stays."""
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
        """Every file with its mode, owner and text; not what apt and dpkg keep of what they
        did."""
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
    """A root with systemd in it, booted, until stop(). The network is the host's."""

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
            # As udev makes it, of which there is none in here: for everybody.
            self.run("umount /dev/fuse; rm /dev/fuse; mknod -m 666 /dev/fuse c 10 229")
        except BaseException:
            print(console.read_text(errors="replace"))
            self.stop()
            raise

    def find_leader(self):
        """The process that is number 1 in there."""
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
        """As the user, with an environment that has nothing in it; None: root."""
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
        """Runs a script of the shell's, gives what it prints."""
        return run(*self.command(script, user), code=code, timeout=PATIENCE)

    def ask(self, script, user=None):
        """The same; None where it fails."""
        done = subprocess.run(self.command(script, user), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              timeout=PATIENCE, check=False)
        return done.stdout if done.returncode == 0 else None

    def wait(self, script, user=None):
        """Until the script succeeds."""
        try:
            return wait_until(lambda: self.ask(script, user) is not None, script, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journal()}") from None

    def journal(self, lines=40):
        return self.ask(f"journalctl -b -n {lines} --no-pager || :")

    def mounts(self):
        """Where something of ours is mounted, for everybody in there."""
        found = self.run("findmnt -rn -t fuse.gladiafs -o TARGET || :")
        return found.split()

    def write(self, path, text, mode=0o644, user=None):
        """A file, seen from within: /run is not on the root's disk."""
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
