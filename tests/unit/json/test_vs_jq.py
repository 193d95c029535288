#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SEMANTICS 4.1: the text of a file is byte for byte the output of `jq .`.

Thousands of generated documents are printed by jq and by json_tool (the path in
GLADIAFS_JSON_TOOL). Numbers are spelled as the installed jq prints them, and no key occurs twice:
jq changes other numbers and duplicate keys, and json_print() keeps them, which test_pretty_print.c
tests."""

import functools
import os
import random
import shutil
import subprocess

import pytest

TOOL = os.environ.get("GLADIAFS_JSON_TOOL")
JQ = shutil.which("jq")
BATCHES = 8
DOCUMENTS = 500

SPACE = " \t\n\r"
# Every version of jq prints these unchanged.
PLAIN = ["0", "-0", "1", "-1", "0.5", "-0.25", "1.5", "0.125", "36.75", "9007199254740992",
         "12345678", "0.0001"]
# jq 1.6 prints the first of each pair unchanged, jq 1.7 the second.
SPELLED_TWICE = [("1e+300", "1E+300"), ("1e-05", "0.00001"), ("-2.5e-09", "-2.5E-9"),
                 ("1.5e+20", "1.5E+20")]
ESCAPES = ['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]
RANGES = [(0x20, 0x7f), (0x20, 0x7f), (0x80, 0x7ff), (0x800, 0xd7ff), (0xe000, 0xffff),
          (0x10000, 0x10ffff), (0x0, 0x1f), (0x7f, 0x7f)]


def run(command, text):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@functools.cache
def numbers():
    """Returns numbers that the installed jq prints unchanged."""
    kept = []
    for spellings in SPELLED_TWICE:
        printed = run([JQ, "."], "\n".join(spellings).encode()).decode().splitlines()
        same = [spelling for spelling, line in zip(spellings, printed) if spelling == line]
        assert same, f"jq prints neither of {spellings} as it is: {printed}"
        kept += same
    return PLAIN + kept


def make_char(rng):
    """Returns one character, either as itself or as one of its possible escapes."""
    if rng.random() < 0.1:
        return rng.choice(ESCAPES)
    code = rng.randint(*rng.choice(RANGES))
    plain = code >= 0x20 and chr(code) not in '"\\'
    if plain and rng.random() < 0.7:
        return chr(code)
    units = [code]
    if code > 0xffff:
        units = [0xd800 + (code - 0x10000 >> 10), 0xdc00 + (code - 0x10000 & 0x3ff)]
    digits = rng.choice(["%04x", "%04X"])
    return "".join("\\u" + digits % unit for unit in units)


def make_string(rng):
    length = rng.choice([0, 1, 3, 7, 15, 16, 17, 40])
    if rng.random() < 0.6:
        return '"' + "".join(rng.choice("abc XYZ019.,:{}[]'<&") for _ in range(length)) + '"'
    return '"' + "".join(make_char(rng) for _ in range(length)) + '"'


def make_space(rng):
    if rng.random() < 0.7:
        return ""
    return "".join(rng.choice(SPACE) for _ in range(rng.choice([1, 1, 2, 20])))


def make_scalar(rng):
    kind = rng.random()
    if kind < 0.4:
        return make_string(rng)
    if kind < 0.6:
        return rng.choice(numbers())
    if kind < 0.8:
        return str(rng.randint(-10**15, 10**15))
    return rng.choice(["true", "false", "null"])


def make_value(rng, depth):
    if depth == 0 or rng.random() < 0.3:
        return make_scalar(rng)
    parts = []
    count = rng.choice([0, 0, 1, 2, 3, 5])
    is_object = rng.random() < 0.5
    for index in range(count):
        value = make_space(rng) + make_value(rng, depth - 1) + make_space(rng)
        if is_object:
            # The number in front makes each key unique.
            key = '"%d' % index + make_string(rng)[1:]
            value = make_space(rng) + key + make_space(rng) + ":" + value
        parts.append(value)
    inner = ",".join(parts) if parts else make_space(rng)
    return "{" + inner + "}" if is_object else "[" + inner + "]"


def make_document(rng):
    depth = rng.choice([0, 1, 2, 3, 4, 6])
    return make_space(rng) + make_value(rng, depth) + make_space(rng)


def assert_same(documents):
    """Compares all documents in one run. If they differ, compares them one by one to show the
    first that differs."""
    raw = [doc if isinstance(doc, bytes) else doc.encode() for doc in documents]
    wanted = run([JQ, "."], b"\n".join(raw))
    printed = run([TOOL, "-0"], b"\0".join(raw))
    if wanted != printed:
        for doc in raw:
            assert run([TOOL, "-0"], doc) == run([JQ, "."], doc), doc
    assert wanted == printed


pytestmark = pytest.mark.skipif(not (TOOL and JQ), reason="needs jq and GLADIAFS_JSON_TOOL")


@pytest.mark.parametrize("seed", range(BATCHES))
def test_spec_4_1_made_up_documents(seed):
    rng = random.Random(seed)
    assert_same([make_document(rng) for _ in range(DOCUMENTS)])


def test_spec_4_1_deep_documents():
    """jq 1.6 accepts about 250 nested arrays, or half as many nested objects."""
    assert_same(["[" * depth + "7,{}" + "]" * depth for depth in range(1, 200)])
    assert_same(['{"a":' * depth + '"b"' + "}" * depth for depth in range(1, 120)])


def test_spec_4_1_every_character():
    """Every Unicode character, as itself and escaped."""
    codes = [code for code in range(0x20, 0x110000)
             if not 0xd800 <= code < 0xe000 and chr(code) not in '"\\']
    rows = ["".join(map(chr, codes[at:at + 4096])) for at in range(0, len(codes), 4096)]
    assert_same(['"' + row + '"' for row in rows])
    assert_same(['"' + "".join("\\u%04x" % code for code in range(at, at + 256)) + '"'
                 for at in [*range(0, 0xd800, 256), *range(0xe000, 0x10000, 256)]])


def test_spec_4_1_bytes_that_are_not_utf8():
    """Invalid bytes, but not near a string's end, where jq drops valid characters, too."""
    rng = random.Random(4)
    lead = [0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff]
    assert_same([b'"' + bytes(rng.choice(lead + [0x41, 0xa0, 0x90, 0x8f, 0x9f])
                              for _ in range(rng.randint(1, 12))) + b'tail"'
                 for _ in range(2000)])
