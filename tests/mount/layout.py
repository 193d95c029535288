# SPDX-License-Identifier: MIT
"""Formats JSON as `jq .` does, but keeps the digits of every number (SEMANTICS 4.1)."""

import json
import re

# Numbers pass through the json module as strings with this prefix, which no job contains.
MARK = "\ue0d1"
NUMBER = re.compile(f'"{MARK}([^"]*)"')


def load(text):
    """Parses JSON; numbers become strings that begin with MARK."""
    return json.loads(text, parse_int=MARK.__add__, parse_float=MARK.__add__)


def pretty(text):
    """Returns the bytes that a job's file must hold, given the JSON text from the API."""
    printed = json.dumps(load(text), indent=2, ensure_ascii=False)
    # jq escapes DEL, Python does not.
    return (NUMBER.sub(r"\1", printed).replace("\x7f", r"\u007f") + "\n").encode()


def numbers(text):
    """Returns all numbers in the text, as they are written."""
    return NUMBER.findall(json.dumps(load(text), ensure_ascii=False))
