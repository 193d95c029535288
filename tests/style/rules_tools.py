# SPDX-License-Identifier: MIT
"""Rules that other programs check."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tree import Tree

FINDING = r"(.+?):(\d+):(?:\d+:)? (?:fatal )?(?:KINDS): (.*)"


def run(tree: Tree, command: list[str], kinds: str = "error|warning") -> Iterator[str]:
    """Yields the findings that a program reports, one per line."""
    done = subprocess.run(command, cwd=tree.root, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return
    finding = re.compile(FINDING.replace("KINDS", kinds))
    found = [match for line in done.stdout.splitlines() if (match := finding.fullmatch(line))]
    for match in found:
        yield f"{relative(tree, match.group(1))}:{match.group(2)}: {match.group(3)}"
    if not found:
        yield f"{command[0]}: exit code {done.returncode}: {done.stdout.strip()}"


def relative(tree: Tree, path: str) -> str:
    """Returns a path relative to the root. Tools print paths as they were given, absolute, or
    relative to the build directory."""
    root = os.path.realpath(tree.root)
    for base in [root, tree.build]:
        if base and os.path.exists(os.path.join(base, path)):
            return os.path.relpath(os.path.realpath(os.path.join(base, path)), root)
    return path


def c_format(tree: Tree) -> Iterator[str]:
    """clang-format would change nothing."""
    files = tree.c_files()
    if files:
        yield from run(tree, ["clang-format", "--dry-run", "-Werror", *files])


def shell(tree: Tree) -> Iterator[str]:
    """shellcheck reports nothing, and scripts stop at the first failure."""
    files = tree.shell_scripts()
    if files:
        yield from run(tree, ["shellcheck", "-x", "-f", "gcc", *files], "error|warning|note")
    for path in files:
        if not re.search(r"^set -euo pipefail$", tree.text(path), re.MULTILINE):
            yield f"{path}:1: without set -euo pipefail"
        if not os.access(tree.root / path, os.X_OK):
            yield f"{path}:1: cannot be executed"


def tidy(tree: Tree) -> Iterator[str]:
    """clang-tidy reports nothing in src/, with the checks of .clang-tidy."""
    if not tree.build:
        raise SystemExit("tidy needs --build, a directory with compile_commands.json")
    with open(tree.build / "compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    paths = {os.path.realpath(os.path.join(e["directory"], e["file"])) for e in entries}
    source = os.path.realpath(tree.root / "src") + os.sep
    ours = sorted(path for path in paths if path.startswith(source))
    if not ours:
        yield "src:0: compile_commands.json has none of it"
    base = ["clang-tidy", "--quiet", "-p", str(tree.build.resolve())]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda path: list(run(tree, [*base, path])), ours)
        # A finding in a header is reported once for each file that includes it.
        yield from dict.fromkeys(line.replace(",-warnings-as-errors", "")
                                 for lines in found for line in lines)
