# SPDX-License-Identifier: MIT
"""Mutation tests: each plants a mistake in a copy of one source file, links the tested program with
that copy, and expects the program's test to fail. With an unchanged copy, the test must pass."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(os.environ["GLADIAFS_BUILD"])
TREE = Path(os.environ["GLADIAFS_TREE"])
CC = os.environ.get("CC", "cc")


def planted(directory, file, mistake):
    """Copies a source file and applies the mistake, a pair of the old and the new text, if any."""
    text = (TREE / file).read_text(encoding="utf-8")
    if mistake:
        assert text.count(mistake[0]) == 1, f"{file} has changed: plant it anew"
        text = text.replace(*mistake)
    copy = directory / Path(file).name
    copy.write_text(text, encoding="utf-8")
    return copy


def program_with(directory, file, mistake):
    """Links this build's program with a changed copy of one of its source files."""
    copy, made = planted(directory, file, mistake), directory / "planted.o"
    entry = next(entry for entry in json.loads((BUILD / "compile_commands.json").read_text())
                 if entry["file"].endswith("/" + file) and "libgladiafs" in entry["output"])
    words = shlex.split(entry["command"])
    words[words.index("-MF") + 1] = str(directory / "planted.d")
    words[words.index("-o") + 1:] = [str(made), "-I", str(TREE / Path(file).parent), "-c",
                                     str(copy)]
    subprocess.run(words, cwd=BUILD, check=True)
    link = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", "src/gladiafs"], check=True,
                          capture_output=True, text=True).stdout.splitlines()[-1]
    words = shlex.split(link)
    main = next(word for word in words if word.endswith("main.c.o"))
    program = directory / "gladiafs"
    words[words.index("-o") + 1] = str(program)
    # The object is before the library, so that the linker does not take the library's.
    words.insert(words.index(main) + 1, str(made))
    subprocess.run(words, cwd=BUILD, check=True)
    return program


def failures(program, file, names):
    """Returns the names of the file's tests that fail with this program."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", names, "-rf",
         TREE / "tests/mount" / file], env={**os.environ, "GLADIAFS": str(program)},
        capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))


OVERLAP = ("pages->next += limit > 1 ? limit - 1 : 1;", "pages->next += limit;")
JOINT = ("\tif (!page->offset || !pages->overlaps)\n\t\treturn true;",
         "\tif (page || !pages->overlaps)\n\t\treturn true;")


@pytest.mark.parametrize("mistake, seen", [
    (None, set()), (OVERLAP, {"test_unchanged_account"}), (JOINT, {"test_one_shift"})],
    ids=["sound", "overlap", "joint"])
def test_drift(tmp_path, mistake, seen):
    """SEMANTICS 6.3: the tests notice pages that do not overlap, and overlaps not checked."""
    program = program_with(tmp_path, "src/sync/source_pages.c", mistake)
    found = failures(program, "test_drift.py", "unchanged_account or (one_shift and 2)")
    assert seen <= found and (mistake or not found), found


LEAK = ("\tpthread_mutex_destroy(&recent_log->lock);\n\tfree(recent_log);",
        "\tpthread_mutex_destroy(&recent_log->lock);")
PAST_THE_END = ("ring[recent_log->count++ % RECENT_LOG_MAX]",
                "ring[recent_log->count++ % (RECENT_LOG_MAX + 1)]")


@pytest.mark.parametrize("mistake, seen", [
    (None, ""), (LEAK, "LeakSanitizer: detected memory leaks"),
    (PAST_THE_END, "AddressSanitizer: heap-buffer-overflow")],
    ids=["sound", "leak", "overflow"])
def test_sanitizer(tmp_path, mistake, seen):
    """AddressSanitizer, as scripts/test uses it, notices a leak and an overflow in recent_log.c."""
    copy = planted(tmp_path, "src/base/recent_log.c", mistake)
    program = tmp_path / "test_recent_log"
    others = [path for path in sorted((TREE / "src/base").glob("*.c"))
              if path.name != "recent_log.c"]
    subprocess.run(
        [CC, "-std=gnu11", "-g", "-D_GNU_SOURCE", "-fsanitize=address,undefined",
         f"-I{TREE}/include", f"-I{TREE}/src", f"-I{TREE}/tests",
         TREE / "tests/unit/base/test_recent_log.c", copy, *others, "-o", program, "-lcmocka", "-lmd", "-lpthread"], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=100,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1"})
    assert (done.returncode != 0) == bool(mistake), done.stderr
    assert seen in done.stderr
