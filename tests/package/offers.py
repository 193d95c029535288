# SPDX-License-Identifier: MIT
"""The options that the program's --help lists (SEMANTICS 1.1, 1.4)."""

import os
import re
import shlex
import tempfile
from pathlib import Path

from tools import run

PROGRAM = Path(os.environ["GLADIAFS"])
TREE = Path(os.environ["GLADIAFS_TREE"])
BUILD = Path(os.environ["GLADIAFS_BUILD"])

HELP = run(PROGRAM, "--help")
# "ttl=TIME", "allow_other" ...
SHAPES = re.findall(r"^    ([a-z_]+(?:=\S+)?) ", HELP, re.MULTILINE)
NAMES = {shape.partition("=")[0] for shape in SHAPES}
# "-f", "--help" ...; -o is only in the usage line.
LETTERS = {"-o"} | {word for first, second in
                    re.findall(r"^    (--?[A-Za-z-]+)(?:, (--[a-z-]+))?", HELP, re.MULTILINE)
                    for word in (first, second) if word}


def shell(program, script, *words, **options):
    """Runs a shell script with the program under test in its PATH as `gladiafs`. Its home
    has the profile "work"; fish creates its directories there."""
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as home:
        config = Path(home) / ".config/gladiafs"
        config.mkdir(parents=True)
        for name in "work.conf", "gladiafs.conf", "work.key":
            (config / name).touch()
        return run(*shlex.split(program), script, *words, cwd=TREE,
                   env={"PATH": path, "HOME": home, "LC_ALL": "C.UTF-8"}, **options)
