# SPDX-License-Identifier: MIT
"""What `jq .` prints, with every number's digits kept (SEMANTICS 4.1)."""

import json
import re

# Numbers travel through json as strings that no text has.
MARK = "\ue0d1"
NUMBER = re.compile(f'"{MARK}([^"]*)"')


def load(text):
    """JSON, its numbers as strings that begin with MARK."""
    return json.loads(text, parse_int=MARK.__add__, parse_float=MARK.__add__)


def pretty(text):
    """The bytes of a job's file, of what the API says."""
    printed = json.dumps(load(text), indent=2, ensure_ascii=False)
    # DEL is a control character to jq, not to Python.
    return (NUMBER.sub(r"\1", printed).replace("\x7f", r"\u007f") + "\n").encode()


def numbers(text):
    """All numbers as they are written."""
    return NUMBER.findall(json.dumps(load(text), ensure_ascii=False))
