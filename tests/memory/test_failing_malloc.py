# SPDX-License-Identifier: MIT
"""Runs out of memory: each test of the suites unit and session runs again and again, and each time
another allocation fails, whether the program, a library or cmocka requests it (failing_malloc.c).
The test itself may then fail (with an errno instead of the expected answer), but it must not end
by a signal or by one of our own assertions, and it must not hang.

All allocations of a program fail in turn if this takes no longer than FAILING_MALLOC_SECONDS;
otherwise evenly spaced ones do, beginning with one that GLADIAFS_TEST_SEED selects. With
GLADIAFS_TEST_LONG, it is one allocation for each call stack that allocates memory, and the limit
of time is longer."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SHIM = os.environ["GLADIAFS_FAILING_MALLOC"]
PROGRAMS = {Path(path).name: path for path in os.environ["GLADIAFS_TEST_PROGRAMS"].split(":")}
LONG = "GLADIAFS_TEST_LONG" in os.environ
HOW = {"FAILING_MALLOC_SECONDS": os.environ.get("GLADIAFS_FAILING_MALLOC_SECONDS", "30" if LONG else "0.5"),
       "FAILING_MALLOC_SEED": os.environ.get("GLADIAFS_TEST_SEED", "1"),
       # More rounds of the random tests would allocate memory from the same call stacks.
       "GLADIAFS_TEST_SHORT": "1",
       **({"FAILING_MALLOC_WAYS": "1"} if LONG else {})}


def refuse(program, directory, how):
    """Returns the report's lines, and the numbers of failed, candidate and all allocations."""
    report = directory / "report"
    done = subprocess.run([program], cwd=directory, capture_output=True, text=True, check=False,
                          env={**os.environ, "LD_PRELOAD": SHIM, **how,
                               "FAILING_MALLOC_REPORT": str(report)})
    assert done.returncode == 0, done.stderr
    lines = report.read_text(encoding="utf-8", errors="replace").splitlines()
    last, refused, choices, calls, _ = lines.pop().split("\t")
    assert last == "refused"
    return lines, int(refused), int(choices), int(calls)


@pytest.fixture(scope="module", name="ends")
def fixture_ends(tmp_path_factory):
    """The results of all programs, two of which run at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(refuse, program, tmp_path_factory.mktemp(name), HOW)
               for name, program in PROGRAMS.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_refused_in_turn(name, ends):
    wrong, refused, choices, calls = ends[name].result()
    print(f"{name}: {refused} of {choices} refused (calls {calls} times)")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("how", [{}, {"FAILING_MALLOC_WAYS": "1"}])
def test_it_can_fail(tmp_path, how):
    """A program that does not check whether malloc() failed is reported."""
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
    wrong, refused, choices, _ = refuse(program, tmp_path, {"FAILING_MALLOC_SECONDS": "1", "FAILING_MALLOC_STEP": "1", **how})
    assert refused == choices
    assert any(line.startswith("wrong\tcareless\t") for line in wrong)
