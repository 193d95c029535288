# SPDX-License-Identifier: MIT
"""The count of scripts/test: a test that failed, crashed or was left out never counts as
passed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = Path(__file__).parent.parent / "count.py"

CMOCKA = ("[==========] Running 4 test(s).\n[  FAILED  ] b\n[==========] 4 test(s) run.\n"
          "[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] c\n"
          "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n\n 1 FAILED TEST(S)\n")


def count(tmp_path, tests, *reports):
    log = tmp_path / "log.json"
    log.write_text("".join(json.dumps(test) + "\n" for test in tests))
    done = subprocess.run([sys.executable, "-B", COUNT, log, *reports],
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("test,counted", [
    ({"result": "OK", "stdout": "hello\n"}, "1 passed, 0 failed"),
    ({"result": "OK", "stderr": "[  PASSED  ] 13 test(s).\n"}, "13 passed, 0 failed"),
    ({"result": "FAIL", "stdout": CMOCKA}, "2 passed, 1 failed, 1 skipped"),
    ({"result": "OK", "stdout": "....\n4 passed in 1.23s\n"}, "4 passed, 0 failed"),
    ({"result": "FAIL", "stdout": "===== 2 failed, 3 passed, 1 skipped, 1 error in 61.00s "
                                  "(0:01:01) =====\n"}, "3 passed, 3 failed, 1 skipped"),
    ({"result": "FAIL", "stdout": ""}, "0 passed, 1 failed"),
    ({"result": "TIMEOUT", "stdout": "[ RUN      ] a\n"}, "0 passed, 1 failed"),
    ({"result": "FAIL", "stderr": "[  PASSED  ] 5 test(s).\n==1== lost\n"},
     "5 passed, 1 failed"),
    ({"result": "SKIP"}, "0 passed, 0 failed, 1 skipped"),
])
def test_one(tmp_path, test, counted):
    assert count(tmp_path, [test]) == counted


def test_sum(tmp_path):
    assert count(tmp_path, [{"result": "OK"}, {"result": "ERROR"}]) == "1 passed, 1 failed"


def test_a_report_is_a_failure(tmp_path):
    report = tmp_path / "asan.1"
    empty = tmp_path / "asan.2"
    report.write_text("ERROR: AddressSanitizer")
    empty.write_text("")
    assert count(tmp_path, [{"result": "OK"}], report, empty, tmp_path / "*") == \
        "1 passed, 1 failed"


def test_no_log_is_a_failure(tmp_path):
    done = subprocess.run([sys.executable, "-B", COUNT, tmp_path / "none.json"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 passed, 1 failed"
