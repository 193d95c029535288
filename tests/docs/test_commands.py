# SPDX-License-Identifier: MIT
"""Runs the commands that README.md and docs/ show, in order, and compares their output.

A command is a line of an indented block that begins with "$ ". The lines up to the next command
are its output, in which "..." matches anything. A command that is shown without output may print
anything, but must succeed. The commands of a document run in one shell, as its reader's would. The
home directory has a key in it, GLADIA_API_URL is the mock server with the sample account, and the
build is in build/gcc. Blocks without "$ " are not run here: the text around them says where to run
them."""

import getpass
import os
import re
import subprocess
from pathlib import Path

import pytest

from tools import isolate_mounts

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM = Path(os.environ["GLADIAFS"])
SANDBOX = os.environ["GLADIA_MOCK"]
KEY = "mock-key"


def commands(document):
    """Returns the commands of a document in order, each with its lines of output."""
    found = []
    for line in document.read_text(encoding="utf-8").splitlines():
        if line.startswith("    $ "):
            found.append((line[6:], []))
            inside = True
        elif line.startswith("    ") and found and inside:
            found[-1][1].append(line[4:])
        else:
            inside = False
    return found


SHOWN = [document for document in DOCUMENTS if commands(document)]


def pattern(lines):
    parts = [r"(?:.*\n)*?" if line == "..."
             else ".*".join(map(re.escape, line.split("..."))) + r"\n" for line in lines]
    return re.compile("".join(parts))


@pytest.fixture(scope="module", autouse=True)
def own_mounts():
    isolate_mounts()


@pytest.fixture
def home(tmp_path):
    """A home directory with a key, and an environment for the sample account."""
    port = tmp_path / "port"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gladiafs").symlink_to(PROGRAM)
    home = tmp_path / "home"
    home.mkdir()
    (home / "build").mkdir()
    (home / "build" / "gcc").symlink_to(Path(SANDBOX).parents[2])
    process = subprocess.Popen([SANDBOX, "--sample", "--die-with-parent", "--key", KEY,
                                "--port-file", port])
    while not port.exists():
        assert process.poll() is None
    env = {"HOME": str(home), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "TZ": "UTC",
           "LC_ALL": "C.UTF-8", "USER": getpass.getuser(),
           "GLADIA_API_URL": f"http://127.0.0.1:{port.read_text(encoding='ascii').strip()}"}
    yield home, {name: value for name, value in env.items() if value}
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        if f" {home}/" in line:
            subprocess.run(["fusermount3", "-u", "-z", line.split()[4]], check=False)
    process.terminate()
    process.wait()


def script(shown, directory):
    """A script that runs all commands in one shell, and saves the output and exit code of each."""
    lines = [f"cd {directory}/home"]
    for number, (command, _) in enumerate(shown):
        lines += [f"{{ {command}", f"}} </dev/null >{directory}/out{number} 2>&1",
                  f"echo $? >{directory}/code{number}"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("document", SHOWN, ids=lambda document: document.name)
def test_commands(document, home, tmp_path):
    shown = commands(document)
    key = home[0] / ".gladia"
    key.touch(0o600)
    key.write_text(KEY + "\n", encoding="ascii")
    subprocess.run(["bash", "-c", script(shown, tmp_path)], env=home[1], timeout=200, check=True)
    for number, (command, printed) in enumerate(shown):
        out = (tmp_path / f"out{number}").read_text(encoding="utf-8")
        code = int((tmp_path / f"code{number}").read_text(encoding="ascii"))
        out = re.sub(r"\b(root|%s) +(root|\w+) " % re.escape(getpass.getuser()), "ada ada ", out)
        if printed:
            assert pattern(printed).fullmatch(out), f"$ {command}\n{out}"
        else:
            assert code == 0, f"$ {command}\n{out}"
