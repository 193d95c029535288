# SPDX-License-Identifier: MIT
"""Rules for the text of any file."""

import re
from collections.abc import Iterator

from tree import Tree

PYTHON_LINES = 500
SPDX = "SPDX-License-Identifier: MIT"
BINARY = (".png", ".gz", ".ico", ".cast")

# Spelt so that this file does not break its own rule.
WORDS = [
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "do it, or file an issue"),
    (re.compile(r"(?<![\w.~$}])/(?:home/\w|Us" r"ers/\w|wo" r"rk(?:space)?\b)"),
     "a path of one machine"),
]


def text_files(tree: Tree) -> Iterator[str]:
    for path in tree.files:
        if not path.endswith(BINARY) and b"\0" not in tree.read(path):
            yield path


def spdx(tree: Tree) -> Iterator[str]:
    """The licence is in the first line, or in the line after #!."""
    scripts = {*tree.shell_scripts(), *tree.python_files()}
    for path in tree.files:
        lines = tree.lines(path)
        if path.endswith((".c", ".h")):
            if lines[0] != f"/* {SPDX} */":
                yield f"{path}:1: not /* {SPDX} */"
        elif path in scripts or path.endswith(("meson.build", ".clang-format", ".clang-tidy")):
            if lines[int(lines[0].startswith("#!"))] != f"# {SPDX}":
                yield f"{path}:1: not # {SPDX}"


def words(tree: Tree) -> Iterator[str]:
    """No work is left for later, and no path of a single machine is mentioned."""
    for path in text_files(tree):
        for number, line in enumerate(tree.lines(path), 1):
            for pattern, why in WORDS:
                match = pattern.search(line)
                if match:
                    yield f"{path}:{number}: {match.group()}: {why}"


def blanks(tree: Tree) -> Iterator[str]:
    """As in .editorconfig: Unix line ends, no blanks at the end of a line, a newline at the end of
    the file."""
    for path in text_files(tree):
        data = tree.read(path)
        if data and not data.endswith(b"\n"):
            yield f"{path}:{len(tree.lines(path))}: the last line has no end"
        for number, line in enumerate(data.split(b"\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{number}: blanks at the end"
            elif path.endswith((".py", "meson.build")) and b"\t" in line:
                yield f"{path}:{number}: a tab"


def python(tree: Tree) -> Iterator[str]:
    """Python files compile and are short."""
    for path in tree.python_files():
        try:
            compile(tree.read(path), path, "exec")
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}"
        count = tree.read(path).count(b"\n")
        if count > PYTHON_LINES:
            yield f"{path}:{PYTHON_LINES}: {count} lines, more than {PYTHON_LINES}"


TEST = re.compile(r"`((?:\w+/)+\w+\.(?:py|c))::(\w+)`")


def missing_test(tree: Tree, file: str, name: str) -> str:
    """Returns what is wrong with a test that a document names, or ""."""
    path = f"tests/{file}"
    if path not in tree.files:
        return f"no file {path}"
    if not re.search(rf"^(?:static void| *def) {name}\(", tree.text(path), re.MULTILINE):
        return f"no {name} in {path}"
    return ""


NUMBER = r"\d+\.\d+(?:\.\d+)?"
NAMED = re.compile(rf"SEMANTICS\s+({NUMBER}(?:(?:,|,? and|,? to)\s+{NUMBER})*)|test_spec_(\d+_\d+)")
PROMISE = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.*) \| (.*) \|$")
GROUP = re.compile(r"^\| \*\*(\d+\.\d+)\*\* \|")
# A full stop, followed by the beginning of another sentence.
NEXT_SENTENCE = re.compile(r"\.\)? +[A-Z`]")


def cited(text: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the number of each promise, or group of promises, that a text cites."""
    for match in NAMED.finditer(text):
        line = text[:match.start()].count("\n") + 1
        for number in re.findall(r"\d+(?:[._]\d+)+", match.group()):
            yield line, number.replace("_", ".")


def test_text(tree: Tree, file: str, name: str) -> str:
    """Returns a test with the comment or the decorators above it."""
    lines = tree.lines(f"tests/{file}")
    begin = re.compile(rf"(?:static void| *def) {name}\(")
    start = next(number for number, line in enumerate(lines) if begin.match(line))
    # A Python test ends at the next line that is indented no more; a C function ends at "}".
    indent = re.match(" *", lines[start]).group()
    last = re.compile(r"}" if file.endswith(".c") else rf"{indent}[^ \n)]")
    end = next((number for number in range(start + 1, len(lines)) if last.match(lines[number])),
               len(lines))
    while start and lines[start - 1].strip() and not lines[start - 1].startswith("}"):
        start -= 1
    return "\n".join(lines[start:end])


def promises(tree: Tree) -> Iterator[str]:
    """Each promise of docs/SEMANTICS.md is one sentence and names a test of its own, which cites
    its number; each number that a test cites exists."""
    book = "docs/SEMANTICS.md"
    if book not in tree.files:
        return
    numbers = set()
    used: dict[str, str] = {}  # tests, and the promises that they show
    for number, line in enumerate(tree.lines(book), 1):
        if match := GROUP.match(line):
            numbers.add(match.group(1))
        if not (match := PROMISE.match(line)):
            continue
        promise, sentence, test = match.groups()
        numbers.add(promise)
        if not sentence.endswith(".") or NEXT_SENTENCE.search(sentence):
            yield f"{book}:{number}: {promise} is not one sentence"
        if not (named := TEST.fullmatch(test)):
            yield f"{book}:{number}: {promise} does not name one test"
        elif fault := missing_test(tree, *named.groups()):
            yield f"{book}:{number}: {fault}"
        elif promise not in {cite for _, cite in cited(test_text(tree, *named.groups()))}:
            yield f"{book}:{number}: {named.group(2)} does not cite SEMANTICS {promise}"
        if used.setdefault(test, promise) != promise:
            yield f"{book}:{number}: {test} is the test of {used[test]}, too"
    for path in tree.files:
        if path.startswith("tests/") and not path.startswith("tests/style/"):
            for line, number in cited(tree.text(path)):
                if number not in numbers:
                    yield f"{path}:{line}: {book} has no {number}"


def defences(tree: Tree) -> Iterator[str]:
    """Each row of docs/SECURITY.md's table names tests, and these tests exist."""
    book = "docs/SECURITY.md"
    if book not in tree.files:
        return
    for number, line in enumerate(tree.lines(book), 1):
        if not line.startswith("| ") or line.startswith(("| asset ", "| --- ")):
            continue
        named = TEST.findall(line.rstrip(" |").rpartition(" | ")[2])
        if not named:
            yield f"{book}:{number}: no test is named"
        for file, name in named:
            if fault := missing_test(tree, file, name):
                yield f"{book}:{number}: {fault}"
