# SPDX-License-Identifier: MIT
"""Runs scripts/demo --shell with the programs that are built already, and commands for its shell."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tools import END, isolate_mounts

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ["GLADIAFS"]).parents[1]


@pytest.fixture(scope="module", autouse=True)
def own_mounts():
    isolate_mounts()


@pytest.fixture
def demo(tmp_path):
    """Runs a copy of the demo whose build directory is ours, and which builds nothing."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "demo").symlink_to(BUILD)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "bin" / "ninja").symlink_to("/bin/true")
    env = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
           "SHELL": "/bin/bash", "LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path / "tmp")}

    def run(*words, shell):
        done = subprocess.run([tmp_path / "scripts" / "demo", *words], input=shell, env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=3 * END, check=False)
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        assert not any((tmp_path / "tmp").iterdir())
        return done.returncode, done.stdout
    return run


def test_shell(demo):
    """The shell is in the mounted account, knows gladiafs, and leaves nothing behind."""
    code, out = demo("--shell", shell="echo in; ls; gladiafs --refresh . && echo refreshed; false")
    assert code == 0, out
    inside = out.partition("unmounts it.\nin\n")[2].split()
    assert {"all", "date", "status", "refreshed"} <= set(inside), out


def test_shell_leaves_processes(demo, tmp_path):
    """A process that the shell started in the mount does not keep the mount."""
    code, out = demo("--shell",
                     shell="sleep 1000 >/dev/null 2>&1 & disown; echo $! >~/pid; exit 3")
    os.kill(int((tmp_path / "pid").read_text(encoding="ascii")), signal.SIGKILL)
    assert code == 0, out


def test_usage(demo):
    code, out = demo("--shel", shell="")
    assert code == 1 and "--shell" in out
