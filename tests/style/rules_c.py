# SPDX-License-Identifier: MIT
"""Rules for the C files: which folder includes which, and how long files and functions may be."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tree import Tree, without_comments

FILE_LINES = 500
FUNCTION_LINES = 60

# Each folder may use itself and those before it. TOP means src/ and include/ themselves.
TOP = "."
ROOMS = ["base", "json", "process", "loop", "http", "render", "gladia", "catalog", "config",
         "sync", "fs", "mount", "commands", TOP]

# The beginning of a foreign header's name, and the folders, or files without suffix, that may
# include it.
FOREIGN = {
    "curl/": {"loop", "http"},
    "cjson/": {"gladia", "fs/stats"},
    "sqlite3": {"catalog"},
    "zstd": {"catalog/compressor"},
    "fuse": {"fs"},
    "systemd/": {"mount/service_manager"},
    "libmount": {"mount/mount_table"},
    "unictype": {"render"},
    "unigbrk": {"render"},
    "unilbrk": {"render"},
    "unistr": {"render", "gladia/filename"},
    "uniwidth": {"render"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def place_of(path: str) -> tuple[str, str]:
    """Returns folder and name: src/fs/dir.c gives fs and fs/dir."""
    inside = PurePosixPath(*PurePosixPath(path).parts[1:])
    return str(inside.parent), str(inside.with_suffix(""))


def includes(tree: Tree, path: str) -> Iterator[tuple[int, bool, str]]:
    """Yields the line number, whether the header is a foreign one, and its name."""
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == "<", match.group(2)


def layers(tree: Tree) -> Iterator[str]:
    """A file includes headers of its own folder and of those below it; foreign headers are
    included only where FOREIGN permits."""
    for path in tree.c_files("src", "include"):
        room, unit = place_of(path)
        if room not in ROOMS:
            yield f"{path}:1: {room}/ is none of {' '.join(ROOMS)}"
            continue
        for number, foreign, name in includes(tree, path):
            if foreign:
                for start, allowed in FOREIGN.items():
                    if name.startswith(start) and not allowed & {room, unit}:
                        yield f"{path}:{number}: <{name}> is for {', '.join(sorted(allowed))}"
                continue
            used = room_of_include(tree, path, name)
            if used not in ROOMS:
                yield f"{path}:{number}: \"{name}\" is in no folder known"
            elif ROOMS.index(used) > ROOMS.index(room):
                yield f"{path}:{number}: {room}/ must know nothing of \"{name}\""


def room_of_include(tree: Tree, path: str, name: str) -> str:
    """Returns the folder of a header. A name without a folder means a header beside the file
    first, as for the compiler."""
    beside = PurePosixPath(path).parent / name
    if "/" not in name and str(beside) in tree.files:
        return place_of(path)[0]
    return str(PurePosixPath(name).parent)


def mirror(tree: Tree) -> Iterator[str]:
    """include/X/y.h declares the functions of src/X/y.c or y_*.c, include/X/X.h and X_*.h those of
    the folder; src/X/y.h is for src/X alone."""
    files = set(tree.files)
    for path in tree.c_files("include"):
        room, unit = place_of(path)
        whole = unit == f"{room}/{room}" or unit.startswith(f"{room}/{room}_")
        source = re.compile(rf"src/{room}/\w+\.c" if whole else rf"src/{unit}(_\w+)?\.c")
        if declares_functions(tree.text(path)) and not any(map(source.fullmatch, files)):
            yield f"{path}:1: declares functions, and there is no src/{unit}.c"
        if f"src/{unit}.h" in files:
            yield f"{path}:1: src/{unit}.h has the same name"
        if "#pragma once\n" not in tree.text(path):
            yield f"{path}:1: has no #pragma once"
    private = {place_of(path)[1] + ".h": path
               for path in tree.c_files("src") if path.endswith(".h")}
    for path in tree.c_files("src", "include"):
        room = place_of(path)[0]
        for number, foreign, name in includes(tree, path):
            home = private.get(name)
            if not foreign and home and (place_of(home)[0] != room
                                         or path.startswith("include/")):
                yield f"{path}:{number}: {home} is for its own folder"


def declares_functions(text: str) -> bool:
    """True if there is a prototype of a function that must be defined in another file."""
    code = re.sub(r"^\s*#(?:\\\n|[^\n])*", "", without_comments(text), flags=re.MULTILINE)
    while re.search(r"\{[^{}]*\}", code):
        code = re.sub(r"\{[^{}]*\}", "@", code)
    # This leaves "static inline int f(int a) @" of a definition, without a semicolon.
    code = re.sub(r"\)\s*@", ");", code)
    return any(re.match(r"(?!typedef\b|static\b|struct \w+ @)[a-z_][^=@]*\w\s*\(", part.strip())
               for part in code.split(";"))


def sizes(tree: Tree) -> Iterator[str]:
    """Files and functions are short."""
    for path in tree.c_files():
        count = tree.read(path).count(b"\n")
        if count > FILE_LINES:
            yield f"{path}:{FILE_LINES}: {count} lines, more than {FILE_LINES}"
        start = 0
        for number, line in enumerate(tree.lines(path), 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                if number - start + 1 > FUNCTION_LINES:
                    yield (f"{path}:{start}: a function of {number - start + 1} lines, "
                           f"more than {FUNCTION_LINES}")
                start = 0
