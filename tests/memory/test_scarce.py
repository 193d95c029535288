# SPDX-License-Identifier: MIT
"""Memory that runs out: each test program of the suites unit and session runs again and again,
and in each run another allocation fails, be it the program's, a library's or cmocka's. What may
come of it is a failed test (an errno where another answer was expected), but no signal, none
of our own assertions, and no hang.

Which allocations fail: the first FIRST, then POINTS more anywhere in a run, chosen by
GLADIAFS_TEST_SEED, as far as SECONDS of a program allow. With GLADIAFS_TEST_LONG there are many
more, and the seed is another one each time: that also finds tests that use what they were not
given."""

import os
import random
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SHIM = os.environ["GLADIAFS_SCARCE"]
PROGRAMS = {Path(path).name: path for path in os.environ["GLADIAFS_TEST_PROGRAMS"].split(":")}
LONG = "GLADIAFS_TEST_LONG" in os.environ
SEED = int(os.environ.get("GLADIAFS_TEST_SEED") or (random.randrange(1 << 32) if LONG else 1))
SECONDS = float(os.environ.get("GLADIAFS_SCARCE_SECONDS") or (20 if LONG else 0.25))
FIRST, POINTS = (300, 3000) if LONG else (5, 20)
HANGS = 60
# What cmocka says of a test that got a signal; it catches some of them.
BROKEN = re.compile(r"exception: .*|.*Assertion `.*")


def run(program, directory, at):
    """How the program ended, what it said, and how many asked (None: it did not come to say)."""
    report = directory / f"report{at}"
    done = subprocess.run([program], cwd=directory, capture_output=True, text=True,
                          errors="replace", timeout=HANGS, check=False,
                          env={**os.environ, "LD_PRELOAD": SHIM, "SCARCE_AT": str(at),
                               "SCARCE_REPORT": str(report)})
    asked = re.search(r"^asked (\d+)$", report.read_text(encoding="ascii"), re.MULTILINE)
    refused = "refused" in report.read_text(encoding="ascii")
    report.unlink()
    return (done.returncode, done.stdout + done.stderr,
            int(asked.group(1)) if asked else None, refused)


def points(asked):
    """Numbers of allocations: the first, then any, in an order in which each prefix lies evenly."""
    first = list(range(1, min(FIRST, asked) + 1))
    rest = range(FIRST + 1, asked + 1)
    chosen = list(rest) if len(rest) <= POINTS else random.Random(SEED).sample(rest, POINTS)
    random.Random(SEED).shuffle(chosen)
    return first + chosen


def wrong(code, said):
    """What must not come of it, or an empty text. cmocka's code is the number of tests that
    failed, or 255 where it has no memory itself."""
    if code < 0:
        return f"signal {-code}: {said[-600:]}"
    found = BROKEN.search(said)
    return found.group() + said[-600:] if found else ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_allocation(name, tmp_path):
    program = PROGRAMS[name]
    code, said, asked, _ = run(program, tmp_path, 0)
    assert code == 0, said
    end = time.monotonic() + SECONDS
    seen = 0

    def attempt(at):
        if time.monotonic() > end and at > FIRST:
            return None
        return at, run(program, tmp_path, at)
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(attempt, points(asked)):
            if result:
                at, (code, said, _, _) = result
                assert not wrong(code, said), f"allocation {at} of {asked}, seed {SEED}"
                seen += 1
    print(f"{name}: {seen} of {asked} failed")


def test_it_can_fail(tmp_path):
    """A program that takes what it asked for without a look."""
    source = tmp_path / "careless.c"
    source.write_text("""
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
static void careless(void **state)
{
    volatile char *taken = malloc(20);

    (void)state;
    taken[3] = 1;
    free((void *)taken);
}
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(careless)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
""", encoding="ascii")
    program = tmp_path / "careless"
    subprocess.run([os.environ.get("CC", "cc"), "-O0", source, "-o", program, "-lcmocka"],
                   check=True)
    _, _, asked, _ = run(program, tmp_path, 0)
    ends = [run(program, tmp_path, at) for at in range(1, asked + 1)]
    assert all(refused for *_, refused in ends)
    assert any(wrong(code, said) for code, said, *_ in ends)
