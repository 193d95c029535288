# SPDX-License-Identifier: MIT
"""The style of comments, messages and documents: plain words (docs/STYLE.md)."""

import re
from collections.abc import Iterator

from tree import Tree

ALLOWED = "tests/style/words_allowed.txt"
ALLOWED_MAX = 40

# A pattern, and the advice to print.
BANNED = [
    (r"\b[Ww]here (?:it|there|that|nobody|this|they|none)\b", 'say "if"'),
    (r"(?<!person )(?<!user )(?<!process )(?<!people )(?<!attacker )(?<!somebody )\b[Ww]ho(?:ever)?\b",
     "name the actor: a reader, the caller, the kernel"),
    (r"\banew\b", "again, restarted"),
    (r"\bof malloc\(\)", "allocated with malloc(); the caller frees it"),
    (r"\b(?:told|tells? (?:of|that|if|whether|who|what|those|us|them))\b", "reported, emitted, shown"),
    (r"\b(?:stands?|stood)\b", "is at, is in, has"),
    (r"\b(?:[Nn]obody|[Ss]omebody)\b", 'name the actor, or "no request", "another user"'),
    (r"\blet go\b", "released, evicted"),
    (r"\b(?:mend|mends|mended|mending)\b", "repair, fix"),
    (r"\b(?:begun|began) anew\b", "restarted"),
    (r"^\W*(?:What|Who|Those) (?!'s\b)(?!if\b)[a-z]", "begin with the subject"),
    (r"\bstand-in\b", "mock server"),
    (r"\b(?:The same|As above|Likewise) (?:for|of|without|as|with)\b", "say it again: each comment is read alone"),
]
PATTERNS = [(re.compile(pattern), advice) for pattern, advice in BANNED]

STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def prose(tree: Tree) -> Iterator[tuple[str, int, str]]:
    """Yields the path, number and text of every line that people read: comments and messages of
    src and include, documents and man pages."""
    for path in tree.c_files("src", "include"):
        inside = False
        for number, line in enumerate(tree.lines(path), 1):
            text = ""
            if inside or "/*" in line:
                text = line if inside else line[line.index("/*"):]
                inside = "*/" not in text
            elif not line.lstrip().startswith("#"):
                text = " ".join(STRING.findall(line))
            if text:
                yield path, number, text
    for path in tree.files:
        if path == "README.md" or path == "CHANGELOG.md" or path.startswith(("docs/", "packaging/man/")) \
                or path == "src/README.md":
            if path.startswith("docs/reports/") or path == "docs/STYLE.md" or path.endswith(".svg"):
                continue
            for number, line in enumerate(tree.lines(path), 1):
                yield path, number, line


def allowed(tree: Tree) -> dict[tuple[str, str], int]:
    """Returns the exceptions. Each line of the file is PATH: TEXT (REASON); lines of PATH that
    contain TEXT are permitted."""
    found = {}
    for number, line in enumerate(tree.lines(ALLOWED), 1):
        if line and not line.startswith("#"):
            path, _, rest = line.partition(": ")
            text, _, reason = rest.rpartition(" (")
            if not text or not reason.endswith(")"):
                raise SystemExit(f"{ALLOWED}:{number}: not PATH: TEXT (REASON)")
            found[path, text] = number
    return found


def plain(tree: Tree) -> Iterator[str]:
    """No comment, message or document contains a banned phrase, with few exceptions."""
    exceptions = allowed(tree) if ALLOWED in tree.files else {}
    unused = dict(exceptions)
    for path, number, text in prose(tree):
        for pattern, advice in PATTERNS:
            match = pattern.search(text)
            if not match:
                continue
            excuse = next((key for key in exceptions if key[0] == path and key[1] in text), None)
            if excuse:
                unused.pop(excuse, None)
            else:
                yield f"{path}:{number}: \"{match.group().strip()}\": {advice}"
    for key, number in unused.items():
        yield f"{ALLOWED}:{number}: not needed any more: {key[1]}"
    if len(exceptions) > ALLOWED_MAX:
        yield f"{ALLOWED}:{ALLOWED_MAX}: more than {ALLOWED_MAX} exceptions"
