# SPDX-License-Identifier: MIT
"""SEMANTICS 1.2, 1.3, 2.1: units and lines of fstab, as systemd parses them. test_login.py and
test_machine.py run them."""

import re

import pytest

from offers import BUILD, TREE
from test_login import SANDBOXES
from tools import run

SYSTEM = BUILD / "packaging/gladiafs@.service"
USER = BUILD / "packaging/user-gladiafs.service"
SYSTEM_PROFILE = BUILD / "packaging/gladiafs-profile@.service"
USER_PROFILE = BUILD / "packaging/user-gladiafs-profile@.service"
GENERATOR = "/usr/lib/systemd/system-generators/systemd-fstab-generator"
GUIDE = (TREE / "docs" / "GUIDE.md").read_text()


@pytest.fixture
def unit(tmp_path):
    """Returns a function that copies a unit and lets it start a program that exists."""
    def make(path, name):
        program = tmp_path / "gladiafs"
        if not program.exists():
            program.symlink_to("/bin/true")
        copy = tmp_path / name
        copy.write_text(re.sub(r"^(ExecStart=)\S+/gladiafs ", rf"\1{program} ", path.read_text(),
                               flags=re.MULTILINE))
        return copy
    return make


def verify(*words, **options):
    """Runs systemd-analyze and returns its output and its complaints."""
    return run("sh", "-c", 'systemd-analyze --man=no --recursive-errors=no "$@" 2>&1', "sh",
               *words, **options)


def test_system_unit(unit):
    assert verify("verify", unit(SYSTEM, "gladiafs@mnt-gladia.service")) == ""
    assert verify("verify", unit(SYSTEM_PROFILE, "gladiafs-profile@work.service")) == ""


@pytest.mark.parametrize("unit_file", [SYSTEM_PROFILE, USER_PROFILE])
def test_units_of_profiles(unit_file):
    """SEMANTICS 1.10.5: the instance is the name of a profile."""
    text = unit_file.read_text()
    (start,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    directory = "/mnt/gladia-%i" if unit_file == SYSTEM_PROFILE else "%h/gladia-%i"
    assert start.endswith(f"/gladiafs -f -o ${{GLADIAFS_OPTIONS}} %i {directory}")
    assert f"\nExecStartPre=-/bin/mkdir -p {directory}\n" in text
    assert "LoadCredential" not in text and "@source@" not in text


def test_user_unit(unit, tmp_path):
    env = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    assert verify("--user", "verify", unit(USER, "gladiafs.service"), env=env) == ""
    assert verify("--user", "verify", unit(USER_PROFILE, "gladiafs-profile@work.service"),
                  env=env) == ""


def test_sandbox_of_the_system_unit(unit):
    """The sandbox is as strict as a service that mounts for others permits. It loses points for
    the capability to mount, for the network, and for the mount table that it must share."""
    out = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
              unit(SYSTEM, "gladiafs@mnt-gladia.service"))
    exposure = float(re.search(r"Overall exposure level.*: ([\d.]+)", out).group(1))
    assert exposure <= 4.5, out


def test_user_unit_lets_fusermount3_work():
    """The unit has none of the settings that were seen to prevent fusermount3 from mounting."""
    lines = USER.read_text().splitlines()
    for sandbox in SANDBOXES:
        name = sandbox.partition("=")[0]
        assert not any(line.startswith(name + "=") for line in lines)


def test_automount_of_fstab(tmp_path):
    """SEMANTICS 1.2: the guide's line for the whole machine makes an automount that neither waits
    for the network nor makes the boot fail."""
    line = next(line for line in GUIDE.splitlines() if "x-systemd.automount" in line).strip()
    fstab, units = tmp_path / "fstab", tmp_path / "units"
    fstab.write_text(line + "\n")
    units.mkdir()
    run(GENERATOR, units, units, units, env={"SYSTEMD_FSTAB": str(fstab), "PATH": "/usr/bin"})
    mount = (units / "mnt-gladia.mount").read_text()
    automount = (units / "mnt-gladia.automount").read_text()
    assert "\nType=gladiafs\n" in mount and "\nWhat=gladia\n" in mount
    assert "\nWhere=/mnt/gladia\n" in automount
    wanted = {path.relative_to(units).as_posix() for path in units.rglob("*")}
    assert "remote-fs.target.requires/mnt-gladia.automount" not in wanted
    assert not any(path.endswith("/mnt-gladia.mount") for path in wanted), wanted
    assert verify("verify", units / "mnt-gladia.mount", units / "mnt-gladia.automount") == ""
