#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts test cases: count.py LOG [REPORT...]

LOG is what `meson test --logbase` leaves as .json, one test a line. A test that is cmocka's
or pytest's holds many cases and says how many; any other is one. A REPORT is a sanitizer's,
and a failure. Prints "N passed, N failed[, N skipped]"; failing is the caller's business."""

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
    """What a test's output says about its cases; zeros where it says nothing."""
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
        # It crashed, hung, or a sanitizer or valgrind spoke after the last case.
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
        # What the shell could not match stays a pattern.
        if os.path.isfile(path) and os.path.getsize(path):
            with open(path, encoding="utf-8", errors="replace") as report:
                print(report.read(), file=sys.stderr)
            total["failed"] += 1
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
