# SPDX-License-Identifier: MIT
"""Tests of tests/mutation: which mistakes it plants, and when a test counts as passed."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "mutation"))

from mutants import find
from workshop import Test as Program, Workshop

PASSED = "echo '[  PASSED  ] 2 test(s).'"


def changed(tmp_path, text):
    """Returns the lines with the mistakes that are planted in a C function with this body."""
    (tmp_path / "src").mkdir()
    source = tmp_path / "src/a.c"
    source.write_text("int strcmp(const char *a, const char *b);\n"
                      "int asprintf(char **to, const char *format, ...);\n"
                      f"int f(const char *a, const char *b, char *c)\n{{\n{text}\n}}\n")
    (tmp_path / "compile_commands.json").write_text(json.dumps(
        [{"file": str(source), "command": "cc -c", "output": "a.o"}]))
    return {mutant.diff(source.read_bytes())[-1][1:] for mutant in find(tmp_path, tmp_path)}


@pytest.mark.parametrize("text, swapped", [
    ("return strcmp(a, b);", True), ("return strcmp(a, b) < 0;", True),
    ("return strcmp(a, b) == 0;", False), ("return 0 && !strcmp(a, b);", False)])
def test_swapped_arguments(tmp_path, text, swapped):
    """If only equality is tested, the arguments of strcmp() are not swapped."""
    assert (text.replace("a, b", "b, a") in changed(tmp_path, text)) == swapped


@pytest.mark.parametrize("value, zero", [
    ('asprintf(&c, "%s", a)', True), ('asprintf(&c, "%5.3s%d", a)', True),
    ('asprintf(&c, "%s/", a)', False), ("len", True), ("fd", False)])
def test_never_zero(tmp_path, value, zero):
    """`< 0` does not become `<= 0` if the value cannot be 0."""
    text = f"int len = 1, fd = 1; return {value} < 0;"
    assert (text.replace("<", "<=") in changed(tmp_path, text)) == zero


@pytest.mark.parametrize("text, planted", [
    ("char text[7 + 1];", False), ("char text[7 + 1]; return sizeof(text);", True),
    ("return malloc(7 + 1);", False), ("return strnlen(b, 7 + 1);", True)])
def test_size(tmp_path, text, planted):
    """Memory does not become larger, unless sizeof shows its size; but it becomes smaller."""
    declared = "void *malloc(unsigned long); unsigned long strnlen(const char *, unsigned long); "
    lines = changed(tmp_path, declared + text)
    assert (declared + text.replace("7 + 1", "(7 * 2) + 1") in lines) == planted
    assert (declared + text.replace("7 + 1", "7 + (1 + 1)") in lines) == planted
    assert declared + text.replace("7 + 1", "7 + (1 - 1)") in lines


@pytest.mark.skipif(os.geteuid() != 0, reason="each test gets namespaces of its own")
@pytest.mark.parametrize("script, passes", [
    (PASSED, True), ("true", False), (f"{PASSED}; false", False), (f"{PASSED}; {PASSED}", False),
    ("echo '[  PASSED  ] 1 test(s).'", False), ("exec sleep 60", False)])
def test_summary(tmp_path, script, passes):
    """A test passes only if it ends, with exit code 0 and the summary it has without a mutant."""
    workshop = Workshop(tmp_path)
    (workshop.root / "outputs").mkdir(parents=True)
    test = Program("example", "unit", ["sh", "-c", PASSED], {}, workshop.checked, [], limit_s=5)
    assert workshop.passes(test)
    test.command = ["sh", "-c", script]
    assert workshop.passes(test) == passes
