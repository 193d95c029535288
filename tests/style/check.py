#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks one rule of style, or all: check.py [--root DIR] [--build DIR] [RULE...]

Prints each finding as path:line: description, and fails if there are any."""

import argparse
import os
import sys

import rules_c
import rules_text
import rules_tools
import rules_words
from tree import Tree

RULES = {
    "format": rules_tools.c_format,
    "layers": rules_c.layers,
    "mirror": rules_c.mirror,
    "sizes": rules_c.sizes,
    "spdx": rules_text.spdx,
    "words": rules_text.words,
    "plain": rules_words.plain,
    "names": rules_words.names,
    "blanks": rules_text.blanks,
    "python": rules_text.python,
    "promises": rules_text.promises,
    "defences": rules_text.defences,
    "shell": rules_tools.shell,
    "tidy": rules_tools.tidy,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--build", help="where compile_commands.json is, for tidy")
    parser.add_argument("rule", nargs="*", help=" ".join(RULES))
    args = parser.parse_args()
    unknown = set(args.rule) - set(RULES)
    if unknown:
        parser.error(f"no such rule: {' '.join(sorted(unknown))}")
    tree = Tree(args.root, args.build)
    found = 0
    for rule in args.rule or [name for name in RULES if args.build or name != "tidy"]:
        for finding in RULES[rule](tree):
            print(finding)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
