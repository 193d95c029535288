# SPDX-License-Identifier: MIT
"""Memory that runs out: each test of the suites unit and session runs again and again, and each
time another allocation is refused, be it the program's, a library's or cmocka's (failing_malloc.c). What
may come of it is a failed test (an errno where another answer was expected), but no signal, none
of our own assertions, and no hang.

Which allocations: of a program all, if they take no longer than SECONDS; else evenly spread ones,
from the one on that GLADIAFS_TEST_SEED chooses. With GLADIAFS_TEST_LONG all are one of each call
stack with which a program asks for memory, and it may take longer."""

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
       # More rounds of what is random ask for memory in the same ways.
       "GLADIAFS_TEST_SHORT": "1",
       **({"FAILING_MALLOC_WAYS": "1"} if LONG else {})}


def refuse(program, directory, how):
    """The lines of the report, and how many were refused, of how many, asked for how often."""
    report = directory / "report"
    done = subprocess.run([program], cwd=directory, capture_output=True, text=True, check=False,
                          env={**os.environ, "LD_PRELOAD": SHIM, **how,
                               "FAILING_MALLOC_REPORT": str(report)})
    assert done.returncode == 0, done.stderr
    lines = report.read_text(encoding="utf-8", errors="replace").splitlines()
    last, refused, choices, asked, _ = lines.pop().split("\t")
    assert last == "refused"
    return lines, int(refused), int(choices), int(asked)


@pytest.fixture(scope="module", name="ends")
def fixture_ends(tmp_path_factory):
    """Of all programs; two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(refuse, program, tmp_path_factory.mktemp(name), HOW)
               for name, program in PROGRAMS.items()}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_refused_in_turn(name, ends):
    wrong, refused, choices, asked = ends[name].result()
    print(f"{name}: {refused} of {choices} refused (asked {asked} times)")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("how", [{}, {"FAILING_MALLOC_WAYS": "1"}])
def test_it_can_fail(tmp_path, how):
    """A test that takes what it asked for without a look."""
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
