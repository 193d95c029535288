# SPDX-License-Identifier: MIT
"""The style of comments, messages and documents: plain words (docs/STYLE.md)."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from rules_c import ROOMS
from tree import Tree, without_comments

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
# A part of an identifier in tests and scripts that is a metaphor or has another word.
IDENTIFIER = re.compile(r"(?<![A-Za-z])(?i:told|nobody|somebody|anybody|everybody|whoever|anew|"
                        r"mend|mends|mended|weather|truth|lies)(?![A-Za-z])")
PATTERNS = [(re.compile(pattern), advice) for pattern, advice in BANNED]

STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
# "#" begins a comment in these files, except within a word, as in "$#" or "${a#b}".
HASH = re.compile(r"(?:^|(?<=\s))#(?!!).*", re.MULTILINE)
HASH_FILES = ("meson.build", "meson_options.txt", ".sh", ".bash", ".zsh", ".fish", ".dict", ".in",
              ".conf", "completions/_gladiafs", "debian/rules")
DOCUMENTS = ("README.md", "CHANGELOG.md", "src/README.md", "tests/mock/README.md", "docs/",
             "packaging/man/")
NOT_DOCUMENTS = ("docs/reports/", "docs/STYLE.md", ".svg")

Prose = Iterator[tuple[int, str]]


def c_prose(lines: list[str], strings: bool) -> Prose:
    """Yields the comments of a C file, and its strings if they are messages."""
    inside = False
    for number, line in enumerate(lines, 1):
        if inside or "/*" in line:
            text = line if inside else line[line.index("/*"):]
            inside = "*/" not in text
            yield number, text
        elif strings and not line.lstrip().startswith("#"):
            yield number, " ".join(STRING.findall(line))


def python_prose(source: str) -> Prose:
    """Yields the comments, docstrings and help texts of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        texts = [keyword.value for keyword in getattr(node, "keywords", [])
                 if keyword.arg in ("help", "description", "epilog")]
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) \
                and ast.get_docstring(node):
            texts.append(node.body[0].value)
        for text in texts:
            lines = ast.get_source_segment(source, text).split("\n")
            for number, line in enumerate(lines, text.lineno):
                yield number, line.replace('"""', "")


def prose(tree: Tree) -> Iterator[tuple[str, int, str]]:
    """Yields the path, number and text of every line that people read: comments, docstrings, help
    texts, the messages of the program, documents and man pages."""
    python, shell = set(tree.python_files()), set(tree.shell_scripts())
    for path in tree.files:
        lines = tree.lines(path)
        if path.endswith((".c", ".h")):
            found = c_prose(lines, path.startswith(("src/", "include/")))
        elif path in python:
            found = python_prose(tree.text(path))
        elif path in shell or path.endswith(HASH_FILES):
            found = ((number, match.group()) for number, line in enumerate(lines, 1)
                     if (match := HASH.search(line)))
        elif path.startswith(DOCUMENTS) and not path.startswith(NOT_DOCUMENTS) \
                and not path.endswith(NOT_DOCUMENTS):
            found = enumerate(lines, 1)
        else:
            continue
        for number, text in found:
            yield path, number, text


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


def identifiers(tree: Tree) -> Iterator[tuple[str, int, str]]:
    """Yields the path, line number and text of each name in the C and Python files of tests and
    scripts."""
    for path in tree.c_files("tests"):
        for number, line in enumerate(without_comments(tree.text(path)).split("\n"), 1):
            for name in re.findall(r"[A-Za-z_]\w+", line):
                yield path, number, name
    for path in tree.python_files():
        tokens = tokenize.generate_tokens(io.StringIO(tree.text(path)).readline)
        for token in tokens:
            if token.type == tokenize.NAME:
                yield path, token.start[0], token.string


def plain(tree: Tree) -> Iterator[str]:
    """No comment, message or document contains a banned phrase, with few exceptions, and no name in
    tests and scripts a banned word."""
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
    for path, number, name in identifiers(tree):
        if match := IDENTIFIER.search(name):
            yield f"{path}:{number}: {name}: \"{match.group()}\" is not a name (docs/STYLE.md)"
    for key, number in unused.items():
        yield f"{ALLOWED}:{number}: not needed any more: {key[1]}"
    if len(exceptions) > ALLOWED_MAX:
        yield f"{ALLOWED}:{ALLOWED_MAX}: more than {ALLOWED_MAX} exceptions"


CALL = re.compile(r"(?<![\w./-])([a-z_]\w+)\(\)")
FILE = re.compile(r"(?<![\w*./<-])([a-z][a-z_\d]*(?:/[a-z_\d]+)*\.(?:[ch]|py))\b")
MODULE = re.compile(rf"(?<![\w/.<$-])((?:{'|'.join(ROOMS[:-1])})/[a-z]\w+)\b(?!/|\.\w)")
DOCUMENTED_TEST = re.compile(r"(?<![\w/])((?:unit|mount|session|package)/(?:\w+/)*test_\w+)")
# Functions and headers that we mention, but do not use.
OTHERS = {"curl_global_init", "fuse_daemonize", "longjmp", "memcpy_s", "singlesocket",
          "fuse_lowlevel.h", "libmount.h", "limits.h", "linux/fuse.h", "linux/magic.h", "sqlite3.h"}


def names(tree: Tree) -> Iterator[str]:
    """Functions, files, modules and tests that a comment or a document names exist."""
    code = set(OTHERS)
    for path in tree.c_files():
        code.update(re.findall(r"[a-z_]\w*", without_comments(tree.text(path))))
    code.update(name for path, _, name in identifiers(tree) if path.endswith(".py"))
    for path in tree.shell_scripts():
        code.update(re.findall(r"[a-z_]\w*", re.sub(HASH, "", tree.text(path))))
    ends = {"/" + path for path in tree.files}
    for path, number, text in prose(tree):
        for name in CALL.findall(text):
            if name not in code:
                yield f"{path}:{number}: there is no function {name}()"
        for name in FILE.findall(text):
            if name not in OTHERS and not any(end.endswith("/" + name) for end in ends):
                yield f"{path}:{number}: there is no file {name}"
        for name in MODULE.findall(text):
            if not any(f"/{name}." in end for end in ends):
                yield f"{path}:{number}: there is no {name}"
        for name in DOCUMENTED_TEST.findall(text):
            if not ends & {f"/tests/{name}.c", f"/tests/{name}.py"}:
                yield f"{path}:{number}: there is no test {name}"
