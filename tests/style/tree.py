# SPDX-License-Identifier: MIT
"""The files of a source tree, which the rules check."""

import functools
import os
import re
from pathlib import Path

SKIPPED = {".git", "__pycache__", ".hypothesis", ".pytest_cache", ".cache", ".venv"}
# Inputs of the fuzz targets: arbitrary bytes.
INPUTS = Path("tests/fuzz/corpus")
SHELL = re.compile(rb"#!\s*/(usr/)?bin/(env )?(ba)?sh\b")
PYTHON = re.compile(rb"#!\s*/(usr/)?bin/(env )?python3?\b")


class Tree:
    """A source tree. Paths are relative to its root, with slashes."""

    def __init__(self, root: str, build: str | None = None):
        self.root = Path(root)
        self.build = Path(build) if build else None

    @functools.cached_property
    def files(self) -> list[str]:
        """All files except those that are built, generated or git's own."""
        found = []
        for folder, folders, names in os.walk(self.root):
            at = Path(folder).relative_to(self.root)
            top = at == Path(".")
            folders[:] = sorted(name for name in folders if name not in SKIPPED
                                and not (top and name.startswith("build"))
                                and at / name != INPUTS)
            found += [(at / name).as_posix() for name in names
                      if name not in SKIPPED and not name.endswith(".pyc")
                      and (Path(folder) / name).is_file()]
        return sorted(found)

    @functools.lru_cache(maxsize=None)
    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def text(self, path: str) -> str:
        return self.read(path).decode("utf-8", errors="replace")

    def lines(self, path: str) -> list[str]:
        return self.text(path).split("\n")

    def c_files(self, *folders: str) -> list[str]:
        """Returns the .c and .h files of the whole tree or below `folders`."""
        return [path for path in self.files if path.endswith((".c", ".h"))
                and (not folders or path.startswith(tuple(f + "/" for f in folders)))]

    def starts_with(self, pattern: re.Pattern[bytes]) -> list[str]:
        return [path for path in self.files
                if not path.endswith((".c", ".h")) and pattern.match(self.read(path))]

    def shell_scripts(self) -> list[str]:
        return self.starts_with(SHELL)

    def python_files(self) -> list[str]:
        named = {path for path in self.files if path.endswith(".py")}
        return sorted(named.union(self.starts_with(PYTHON)))


def without_comments(text: str) -> str:
    """Returns C code without comments and the contents of strings. Line numbers do not change."""
    def blank(match: re.Match[str]) -> str:
        token = match.group()
        if token[0] in "\"'":
            return token[0] * 2
        return "\n" * token.count("\n") or " "
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank,
                  text, flags=re.DOTALL)
