# SPDX-License-Identifier: MIT
"""Mounts of an ordinary user, by hand or at login: fstab, the user's unit, and pam_mount, in a
machine with systemd as process 1. SEMANTICS 1.2, 1.3, 2.1."""

import os
import pty
import re

import pytest

from conftest import PASSWORD
from offers import TREE
from mock import KEY, Mock
from tools import wait_until

STATUSES = ["done", "error", "processing", "queued"]
PLACE = "/srv/ada/gladia"
# Settings that imply NoNewPrivileges= in a unit of a user's manager.
SANDBOXES = [
    "NoNewPrivileges=yes", "SystemCallFilter=@system-service @mount",
    "SystemCallArchitectures=native", "RestrictAddressFamilies=AF_UNIX AF_INET",
    "RestrictNamespaces=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes",
    "LockPersonality=yes", "MemoryDenyWriteExecute=yes", "ProtectHostname=yes",
    "ProtectClock=yes", "PrivateUsers=yes"]
CONFIG = "/srv/ada/.config/systemd/user/gladiafs.service.d"
GUIDE = (TREE / "docs" / "GUIDE.md").read_text()


@pytest.fixture
def ada(machine):
    """A user with her own key."""
    machine.write("/srv/ada/.gladia", KEY + "\n", 0o600, "ada")
    yield "ada"
    assert machine.mounts() == []
    machine.run("rm -rf /srv/ada/.gladia /srv/ada/.cache /srv/ada/.config")


class TestFstab:
    """SEMANTICS 1.2: the guide's fstab line for a user works with an empty environment."""

    @pytest.fixture(params=["gladiafs", "fuse.gladiafs"])
    def line(self, request, machine, account, ada):
        line = next(line for line in GUIDE.splitlines() if "noauto,user " in line)
        words = line.replace("/PATH/TO/gladia", PLACE).split()
        words[0], words[2] = account.url, request.param
        machine.run(f"mkdir {PLACE}", ada)
        machine.write("/etc/fstab", " ".join(words) + "\n")
        yield
        machine.run(f"rmdir {PLACE}; rm /etc/fstab")

    def test_mount_and_umount(self, machine, line, ada):
        """The key and the cache are the user's (SEMANTICS 2.1), and so are the mounted files."""
        machine.run(f"cd /; mount {PLACE}", ada)
        assert machine.mounts() == [PLACE]
        assert machine.run(f"ls {PLACE}/status", ada).split() == STATUSES
        assert machine.run(f"stat -c %U {PLACE}/all", ada) == "ada\n"
        assert machine.run("stat -c '%a %U' /srv/ada/.cache/gladiafs") == "700 ada\n"
        machine.run(f"umount {PLACE}", ada)
        assert machine.mounts() == []

    def test_others_may_not(self, machine, line, ada):
        """With `user`, only the user who mounted it may unmount it."""
        machine.run(f"mount {PLACE}", ada)
        machine.run(f"umount {PLACE}", "bob", code=32)
        machine.run(f"umount {PLACE}", ada)


class Session:
    """A session of a user, as su(1) run by root begins one: with PAM."""

    def __init__(self, machine, user):
        self.machine = machine
        self.manager = f"user@{machine.uid(user)}"
        machine.run("systemd-run -q --collect --unit=session -p KillMode=mixed "
                    f"su -l {user} -c 'exec sleep infinity'")
        machine.wait(f"systemctl is-active {self.manager}")

    def close(self):
        """Ends the session, and waits until the user's manager has ended, too."""
        self.machine.run("systemctl stop session || :")
        self.machine.wait(f"test $(systemctl is-active {self.manager} || :) = inactive")


@pytest.fixture
def login(machine):
    """Returns a function that begins sessions, which end with the test."""
    begun = []

    def make(user):
        begun.append(Session(machine, user))
        return begun[-1]
    machine.write("/run/systemd/logind.conf.d/test.conf", "[Login]\nUserStopDelaySec=0\n")
    machine.run("systemctl restart systemd-logind")
    yield make
    for one in begun:
        one.close()


class TestUserUnit:
    """gladiafs.service of a user's manager."""

    @pytest.fixture
    def enabled(self, machine, account, ada, login):
        """Enables the unit in a first session, which then ends. GLADIA_API_URL is the mock
        server's."""
        machine.write(CONFIG + "/test.conf", "[Service]\nRestartSec=100ms\n"
                      f"Environment=GLADIA_API_URL={account.url}\n", user=ada)
        session = login(ada)
        machine.wait("systemctl --user enable gladiafs", ada)
        session.close()

    def test_login_and_logout(self, machine, account, ada, enabled, login):
        """The unit mounts when a session begins, and unmounts after the user's last session."""
        assert machine.mounts() == []
        session = login(ada)
        machine.wait("systemctl --user is-active gladiafs", ada)
        assert machine.mounts() == [PLACE]
        assert machine.run(f"ls {PLACE}/status", ada).split() == STATUSES
        session.close()
        assert machine.mounts() == []

    def test_reload(self, machine, account, ada, enabled, login):
        """SEMANTICS 1.5: reloading the unit refreshes the listings."""
        login(ada)
        machine.wait("systemctl --user is-active gladiafs", ada)
        machine.run(f"ls {PLACE}/all", ada)
        account.clear_stats()
        machine.run("systemctl --user reload gladiafs", ada)
        wait_until(lambda: machine.run(f"ls {PLACE}/all", ada) and account.stats()["requests"],
                   "it looks again")

    def test_options(self, machine, account, ada, enabled, login):
        """The unit uses the options that are set as in the guide."""
        machine.write(CONFIG + "/options.conf",
                      "[Service]\nEnvironment=GLADIAFS_OPTIONS=ttl=10,cache=off\n", user=ada)
        login(ada)
        machine.wait("systemctl --user is-active gladiafs", ada)
        machine.run(f"cat {PLACE}/all/*.json", ada)
        assert machine.ask("ls /srv/ada/.cache/gladiafs") is None

    def test_profile(self, machine, account, ada, login):
        """SEMANTICS 1.10.5: gladiafs-profile@.service of a user's manager."""
        config = "/srv/ada/.config/gladiafs"
        machine.write(f"{config}/work.conf", f"url={account.url}\n", user=ada)
        machine.write(f"{config}/work.key", KEY + "\n", 0o600, ada)
        login(ada)
        machine.wait("systemctl --user start gladiafs-profile@work", ada)
        assert machine.mounts() == ["/srv/ada/gladia-work"]
        assert machine.run("ls /srv/ada/gladia-work/status", ada).split() == STATUSES
        machine.run("systemctl --user stop gladiafs-profile@work; rmdir /srv/ada/gladia-work", ada)
        assert machine.mounts() == []

    def test_no_network(self, machine, tmp_path, ada, login):
        """If the API is not reachable, the unit is restarted until it is."""
        (tmp_path / "first").mkdir()
        first = Mock(tmp_path / "first")
        assert first.stop()
        machine.write(CONFIG + "/test.conf", "[Service]\nRestartSec=100ms\n"
                      f"Environment=GLADIA_API_URL={first.url}\n", user=ada)
        login(ada)
        machine.wait("systemctl --user --no-block start gladiafs", ada)
        machine.wait('test "$(systemctl --user show -P NRestarts gladiafs)" -ge 1', ada)
        second = Mock(tmp_path, "--port", str(first.port))
        machine.wait("systemctl --user is-active gladiafs", ada)
        assert machine.mounts() == [PLACE]
        machine.run("systemctl --user stop gladiafs", ada)
        assert second.stop()

    def test_wrong_options(self, machine, ada, enabled, login):
        """SEMANTICS 1.3: after exit code 1 the unit is not restarted."""
        machine.write(CONFIG + "/options.conf",
                      "[Service]\nEnvironment=GLADIAFS_OPTIONS=colour=blue\n", user=ada)
        login(ada)
        machine.wait("systemctl --user is-failed gladiafs", ada)
        assert machine.run("systemctl --user show -P NRestarts gladiafs", ada) == "0\n"

    def test_no_sandbox(self, machine, account, ada, login):
        """Each of these settings prevents fusermount3 from mounting, so the unit has none of
        them."""
        login(ada)
        start = "systemd-run --user -q --collect --unit=try -p Type=notify"
        program = f"gladiafs -f {account.url} {PLACE}"
        machine.wait(f"mkdir -p {PLACE} && {start} -p LimitCORE=0 {program}", ada)
        assert machine.mounts() == [PLACE]
        machine.run("systemctl --user stop try", ada)
        for sandbox in SANDBOXES:
            assert machine.ask(f"{start} -p '{sandbox}' {program}", ada) is None, sandbox
            assert machine.mounts() == []


class TestPamMount:
    """pam_mount with the guide's volume."""

    @pytest.fixture
    def volume(self, machine, account, ada):
        line = next(line for line in GUIDE.splitlines() if "<volume " in line).strip()
        line = line.replace("#gladia", "#" + account.url).replace("GROUP", ada)
        path = "/etc/security/pam_mount.conf.xml"
        machine.run(f"cp {path} /root/")
        machine.run(f"sed -i 's|</pam_mount>|{line}\\n&|' {path}")
        yield
        machine.run(f"mv /root/pam_mount.conf.xml {path}")

    def test_su(self, machine, ada, volume):
        """If bob becomes ada with her password, the volume is mounted until her session ends."""
        code, out = typed(machine, f"su -l ada -c 'ls -1 {PLACE}/status'", "bob", PASSWORD)
        assert code == 0, out
        assert re.findall(r"^\w+(?=\r)", out, re.MULTILINE) == STATUSES, out
        wait_until(lambda: machine.mounts() == [], "it is unmounted")

    def test_session(self, machine, ada, volume, login):
        """A session that begins without a password mounts the volume, too. Other users may not
        read it."""
        session = login(ada)
        machine.wait(f"test -d {PLACE}/status", ada)
        machine.run(f"ls {PLACE}/status", "bob", code=2)
        assert machine.run(f"stat -c %U {PLACE}/all", ada) == "ada\n"
        session.close()
        wait_until(lambda: machine.mounts() == [], "it is unmounted")

    def test_wrong_key(self, machine, ada, volume, login):
        """A wrong key does not prevent the session."""
        machine.write("/srv/ada/.gladia", "wrong\n", 0o600, ada)
        login(ada)
        assert machine.mounts() == []


def typed(machine, script, user, line):
    """Runs a script on a terminal and types the line at the first password prompt. Returns the
    exit code and the terminal's output."""
    pid, terminal = pty.fork()
    if pid == 0:
        command = machine.command(script, user)
        os.execvp(command[0], command)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if b"assword:" in shown and line:
            os.write(terminal, line.encode() + b"\n")
            line = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
