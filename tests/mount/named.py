# SPDX-License-Identifier: MIT
"""The tests that show each promise and each defence once."""

import os
import re
from pathlib import Path

ONLY = bool(os.environ.get("GLADIAFS_TEST_NAMED"))
DOCS = Path(__file__).resolve().parents[2] / "docs"
TEST = re.compile(r"mount/(test_\w+)\.py::(\w+)")


def named():
    """The tests below tests/mount that SEMANTICS.md and SECURITY.md name: pairs of a module and
    a function or class."""
    return {pair for book in ("SEMANTICS.md", "SECURITY.md")
            for pair in TEST.findall((DOCS / book).read_text(encoding="utf-8"))}
