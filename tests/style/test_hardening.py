# SPDX-License-Identifier: MIT
"""The program has the hardening that Debian expects of programs that use the network, as
readelf(1) shows. Programs built without it prove that each check can fail."""

import os
import re
import subprocess

import pytest

PROGRAM = os.environ.get("GLADIAFS")
CC = os.environ.get("CC", "cc")

SOURCE = """
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    char room[16];

    strcpy(room, argv[argc - 1]);
    return puts(room);
}
"""
HARDENED = ["-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong",
            "-fPIE", "-pie", "-Wl,-z,relro", "-Wl,-z,now"]


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], check=True, capture_output=True,
                          text=True).stdout


def lacks(program):
    """Returns the names of the defences that a program was built without."""
    head, segments = readelf("-h", program), readelf("-l", program)
    dynamic, symbols = readelf("-d", program), readelf("--dyn-syms", program)
    stack = re.search(r"GNU_STACK.* (R\S*) +0x", segments)
    there = {
        "PIE": re.search(r"Type:\s+DYN", head) and "Flags:" in dynamic and "PIE" in dynamic,
        "RELRO": "GNU_RELRO" in segments,
        "BIND_NOW": "BIND_NOW" in dynamic,
        "stack protector": "__stack_chk_fail" in symbols,
        "fortify": re.search(r"\b__(?!stack)\w+_chk\b", symbols),
        "stack not executable": stack and "E" not in stack.group(1),
        "no text relocations": "TEXTREL" not in dynamic,
        "no path to libraries": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
    }
    return {name for name, found in there.items() if not found}


@pytest.fixture
def build(tmp_path):
    def make(*flags):
        program = tmp_path / "program"
        subprocess.run([CC, *HARDENED, *flags, "-x", "c", "-", "-o", program], input=SOURCE,
                       text=True, check=True)
        return program
    return make


@pytest.mark.skipif(not PROGRAM, reason="built without an optimizer, or with sanitizers")
def test_program():
    assert lacks(PROGRAM) == set()


def test_sound(build):
    assert lacks(build()) == set()


@pytest.mark.parametrize("flags, missing", [
    (["-no-pie"], "PIE"), (["-Wl,-z,norelro"], "RELRO"), (["-Wl,-z,lazy"], "BIND_NOW"),
    (["-fno-stack-protector"], "stack protector"), (["-U_FORTIFY_SOURCE"], "fortify"),
    (["-Wl,-z,execstack"], "stack not executable"),
    (["-Wl,-rpath,/nowhere"], "no path to libraries")])
def test_missing(build, flags, missing):
    assert missing in lacks(build(*flags))
