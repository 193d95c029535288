# SPDX-License-Identifier: MIT
"""Mounts of the whole machine: the system's unit, an automount of fstab, and updatedb, in a
machine with systemd as process 1. SEMANTICS 1.2, 1.3, 1.5, 2.1."""

import pytest

from offers import TREE
from mock import KEY
from tools import wait_until

STATUSES = ["done", "error", "processing", "queued"]
UNIT = "gladiafs@mnt-gladia"
PLACE = "/mnt/gladia"
GUIDE = (TREE / "docs" / "GUIDE.md").read_text()


@pytest.fixture
def key(machine):
    """The key of the system's unit, in a file of root's."""
    machine.write("/etc/gladiafs/key", KEY + "\n", 0o600)
    yield "/etc/gladiafs/key"
    machine.run("rm -rf /etc/gladiafs")


@pytest.fixture
def unit(machine, account, key):
    """The system's unit, started."""
    folder = f"/run/systemd/system/{UNIT}.service.d"
    machine.write(folder + "/test.conf", "[Service]\nRestartSec=100ms\n"
                  f"Environment=GLADIA_API_URL={account.url} GLADIAFS_OPTIONS=allow_other\n")
    machine.run(f"systemctl daemon-reload; systemctl start {UNIT}")
    yield UNIT
    machine.run(f"systemctl stop {UNIT}; rm -r {folder}; systemctl daemon-reload")
    assert machine.mounts() == []


def main_pid(machine, unit):
    return machine.run(f"systemctl show -P MainPID {unit}").strip()


class TestSystemUnit:
    """gladiafs@.service"""

    def test_mounts(self, machine, unit):
        """The mount is there once the unit has started; all users see it because of
        allow_other."""
        assert machine.mounts() == [PLACE]
        assert machine.run(f"ls {PLACE}/status", "ada").split() == STATUSES
        assert machine.run(f"ls {PLACE}/all | wc -l") == "10\n"

    def test_key_is_a_credential(self, machine, unit, key, account):
        """SEMANTICS 2.1: systemd's copy of the key is used, also after SIGHUP (SEMANTICS 1.5)."""
        machine.run(f"rm {key}")
        account.clear_stats()
        machine.run(f"systemctl reload {unit}")
        wait_until(lambda: machine.run(f"ls {PLACE}/all") and account.stats()["requests"],
                   "it looks again")
        assert KEY not in machine.journal(1000)

    def test_killed(self, machine, unit):
        """SEMANTICS 11.4: if it is killed, the unit is restarted and clears the dead mount."""
        before = main_pid(machine, unit)
        machine.run(f"kill -9 {before}")
        machine.wait(f"test -d {PLACE}/status && systemctl is-active {unit}")
        assert main_pid(machine, unit) not in (before, "0")
        assert machine.mounts() == [PLACE]

    def test_unmounted(self, machine, unit):
        """Unmounting ends the process, and the unit is not restarted."""
        machine.run(f"umount {PLACE}")
        machine.wait(f"test $(systemctl is-active {unit} || :) = inactive")
        assert machine.run(f"systemctl show -P Result {unit}") == "success\n"

    def test_cache(self, machine, unit):
        """SEMANTICS 7.4: the cache is in the unit's directory, and only root can read it."""
        machine.run(f"cat {PLACE}/all/*.json")
        out = machine.run("stat -c '%a %U' /var/cache/gladiafs /var/cache/gladiafs/*")
        assert set(out.splitlines()) == {"700 root", "600 root"}

    def test_no_privileges(self, machine, unit):
        """The process runs without the privileges that the unit drops."""
        status = machine.run(f"cat /proc/{main_pid(machine, unit)}/status")
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status


class TestSystemProfile:
    """SEMANTICS 1.10.5: gladiafs-profile@.service of the system."""

    def test_mounts(self, machine, account):
        machine.write("/etc/gladiafs/work.conf", f"url={account.url}\nallow_other\n")
        machine.write("/etc/gladiafs/work.key", KEY + "\n", 0o600)
        machine.run("systemctl start gladiafs-profile@work")
        assert machine.mounts() == ["/mnt/gladia-work"]
        assert machine.run("df --output=source /mnt/gladia-work").split()[-1] == "work"
        assert machine.run("ls /mnt/gladia-work/status", "ada").split() == STATUSES
        machine.run("systemctl stop gladiafs-profile@work; rm -rf /etc/gladiafs")
        assert machine.mounts() == []


class TestWithoutKey:
    """SEMANTICS 1.3: without a key, the unit fails."""

    def test_no_key(self, machine):
        """The journal has the reason, and nothing is mounted."""
        machine.run(f"systemctl start {UNIT}", code=1)
        assert machine.mounts() == []
        assert "gladiafs/key" in machine.journal() or "credential" in machine.journal()
        machine.run(f"systemctl stop {UNIT}")


class TestAutomount:
    """SEMANTICS 1.2: the guide's fstab line for the whole machine."""

    @pytest.fixture
    def automount(self, machine, account, key):
        line = next(line for line in GUIDE.splitlines() if "x-systemd.automount" in line)
        words = line.replace("GROUP", "ada").split()
        machine.write("/etc/fstab", " ".join([account.url, *words[1:]]) + "\n")
        machine.run("systemctl daemon-reload; systemctl start mnt-gladia.automount")
        yield "mnt-gladia"
        machine.run("systemctl stop mnt-gladia.automount mnt-gladia.mount; rm /etc/fstab; "
                    "systemctl daemon-reload")
        assert machine.mounts() == []

    def test_first_access(self, machine, account, automount):
        """SEMANTICS 1.2.2: No request is sent before the first access. It mounts the account, for
        the users that the line permits."""
        assert account.stats()["requests"] == 0
        assert machine.mounts() == []
        assert machine.run(f"ls {PLACE}/status", "ada").split() == STATUSES
        assert machine.mounts() == [PLACE]
        machine.run(f"ls {PLACE}/status", "bob", code=2)

    def test_again(self, machine, automount):
        """After unmounting, the next access mounts it again."""
        machine.run(f"ls {PLACE}/status")
        machine.run(f"umount {PLACE}")
        assert machine.mounts() == []
        assert machine.run(f"ls {PLACE}/status").split() == STATUSES

    def test_stop(self, machine, automount):
        """Stopping the mount's unit ends the process with success (SEMANTICS 1.5)."""
        machine.run(f"ls {PLACE}/status")
        machine.run(f"systemctl stop {automount}.mount")
        assert machine.mounts() == []
        machine.wait("! grep -qsE '^(mount.)?gladiafs$' /proc/[0-9]*/comm")
        assert machine.run(f"systemctl show -P Result {automount}.mount") == "success\n"

    def test_api_away(self, machine, account, automount):
        """If the API fails, an access fails after a while. The directory stays an automount, and a
        later access succeeds."""
        account.fault("status", status=500)
        machine.run(f"ls {PLACE}/status", code=2)
        account.clear_faults()
        machine.run(f"systemctl reset-failed {automount}.mount {automount}.automount")
        assert machine.run(f"ls {PLACE}/status").split() == STATUSES


class TestUpdatedb:
    """The package's drop-in keeps updatedb from reading the account."""

    DROP_IN = "/lib/systemd/system/plocate-updatedb.service.d/gladiafs.conf"

    def test_updatedb_skips_it(self, machine, unit, account):
        account.clear_stats()
        machine.run("systemctl start plocate-updatedb")
        assert account.stats()["requests"] == 0
        assert machine.run("locate /etc/hostname") == "/etc/hostname\n"

    def verdict(self, machine, account):
        """Returns the verdict of --check on updatedb (SEMANTICS 1.6)."""
        output = machine.run(f"gladiafs --check {account.url} || :")
        (line,) = [line for line in output.splitlines() if line.split()[1] == "updatedb"]
        return line.split()[0]

    def test_without(self, machine, unit, account):
        """Without the drop-in, updatedb reads the account: the test above can fail."""
        assert self.verdict(machine, account) == "ok"
        account.clear_stats()
        machine.run(f"mv {self.DROP_IN} /root/; systemctl daemon-reload")
        try:
            machine.run("systemctl start plocate-updatedb")
            assert account.stats()["requests"] > 0
            assert self.verdict(machine, account) == "WRONG"
        finally:
            machine.run(f"mv /root/gladiafs.conf {self.DROP_IN}; systemctl daemon-reload")

    def test_guides_command(self, machine, unit, account):
        """The guide's command for machines on which updatedb is not run by systemd."""
        command = next(line for line in GUIDE.splitlines() if "sed -i" in line and "PRUNEFS" in line)
        command = command.strip().removeprefix("sudo ")
        machine.run("cp /etc/updatedb.conf /root/; " + command)
        try:
            account.clear_stats()
            machine.run("updatedb")
            assert account.stats()["requests"] == 0
            assert machine.run("cat /etc/updatedb.conf").count("fuse.gladiafs ") == 1
        finally:
            machine.run("mv /root/updatedb.conf /etc/")
