#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts test cases: count.py LOG [REPORT...]

LOG is the .json file that `meson test --logbase` writes, with one test per line. A cmocka or
pytest test contains many cases and prints how many; any other test counts as one. Each REPORT is a
sanitizer's report and counts as a failure. Prints "N passed, N failed[, N skipped]". The exit code
is 0 even if tests failed: the caller decides."""

import json
import os
import re
import sys

CMOCKA = re.compile(r"^\[  (PASSED|SKIPPED|FAILED)  ?\] (?:\S+: )?(\d+) test\(s\)", re.MULTILINE)
PYTEST = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed|xpassed)\b")
PYTEST_END = re.compile(r"^=* ?(\d+ \w+(?:, \d+ \w+)* in [\d.]+s.*)$", re.MULTILINE)

KINDS = {"passed": "passed", "xfailed": "passed", "failed": "failed", "error": "failed",
         "errors": "failed", "xpassed": "failed", "skipped": "skipped"}


def cases(output: str) -> dict[str, int]:
    """Returns the numbers of cases that a test's output reports, or zeros if it reports none."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for kind, number in CMOCKA.findall(output):
        counts[KINDS[kind.lower()]] += int(number)
    for line in PYTEST_END.findall(output):
        for number, kind in PYTEST.findall(line):
            counts[KINDS[kind]] += int(number)
    return counts


def count(test: dict) -> dict[str, int]:
    counts = cases(test.get("stdout", "") + "\n" + test.get("stderr", ""))
    result = test["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        if not any(counts.values()):
            counts["passed"] = 1
    elif result == "SKIP":
        counts["skipped"] = max(counts["skipped"], 1)
    elif not counts["failed"]:
        # The test crashed or hung, or a sanitizer or valgrind reported an error after the last
        # case.
        counts["failed"] = 1
    return counts


def main() -> int:
    total = {"passed": 0, "failed": 0, "skipped": 0}
    try:
        with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
            for line in log:
                for kind, number in count(json.loads(line)).items():
                    total[kind] += number
    except OSError as error:
        print(f"no tests ran: {error}", file=sys.stderr)
        total["failed"] += 1
    for path in sys.argv[2:]:
        # The shell passes on a pattern that matches no file.
        if os.path.isfile(path) and os.path.getsize(path):
            with open(path, encoding="utf-8", errors="replace") as report:
                print(report.read(), file=sys.stderr)
            total["failed"] += 1
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
