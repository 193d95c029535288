# SPDX-License-Identifier: MIT
"""Finds the places in C source files where one small mistake can be planted.

libclang parses each file with the options of its build, so a mistake is always a change of an
expression or a statement, never of a comment, a string or a declaration. Places inside macros
are left out, because their text is not in the file."""

import difflib
import json
import random
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from clang.cindex import CursorKind, Index, TypeKind

BRANCHES = {CursorKind.IF_STMT: 0, CursorKind.WHILE_STMT: 0, CursorKind.CONDITIONAL_OPERATOR: 0}
LOSABLE = {CursorKind.CALL_EXPR, CursorKind.BINARY_OPERATOR, CursorKind.UNARY_OPERATOR,
           CursorKind.COMPOUND_ASSIGNMENT_OPERATOR, CursorKind.BREAK_STMT,
           CursorKind.CONTINUE_STMT}
OTHER_COMPARISON = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
                    "&&": "||", "||": "&&"}
# If their result is only compared with 0, their first two arguments can be swapped.
EQUALITY = {"strcmp", "strncmp", "strcasecmp", "strncasecmp", "memcmp"}
# Adding one to an errno is not a realistic mistake.
ERRNO = re.compile(r"-?E[A-Z0-9]+|-?errno|err")
INTEGERS = {TypeKind.BOOL, TypeKind.CHAR_S, TypeKind.UCHAR, TypeKind.SHORT, TypeKind.USHORT,
            TypeKind.INT, TypeKind.UINT, TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG,
            TypeKind.ULONGLONG, TypeKind.ENUM}


# Functions that allocate as many bytes as their arguments say.
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray"}


def never_zero(text):
    """True if the value is never 0, so that `< 0`, `<= 0` and `< 1` are the same: the length of
    what is never empty, or a descriptor (process/hardening.h opens 0 to 2 first)."""
    words = re.match(r'asprintf\([^"]*"([^"]*)"', text)
    return bool(words and re.sub("%[^a-z]*[a-z]", "", words[1])
                or re.match(r"readlink(at)?\(", text) or re.fullmatch(r"[\w.>-]*fd", text))


@dataclass(frozen=True)
class Mutant:
    """One change: it replaces the bytes from start to end of a file."""
    file: str  # relative to the tree
    kind: str
    start: int
    end: int
    new: str

    @property
    def folder(self):
        """Returns the file's folder below src/, or "." for src/ itself."""
        return str(Path(self.file).parent.relative_to("src"))

    def line(self, text):
        """Returns the line number of the change."""
        return text[:self.start].count(b"\n") + 1

    def place(self, text):
        """Returns the file, line and kind of the mistake."""
        return f"{self.file}:{self.line(text)}: {self.kind}"

    def apply(self, text):
        """Returns the text with the change. The lines after it keep their numbers."""
        lost = text[self.start:self.end].count(b"\n") - self.new.count("\n")
        return text[:self.start] + self.new.encode() + b"\n" * lost + text[self.end:]

    def diff(self, text):
        """Returns the changed lines, as diff -u0 shows them."""
        lines = [part.decode().splitlines() for part in (text, self.apply(text))]
        changed = list(difflib.unified_diff(*lines, n=0, lineterm=""))[3:]
        return [line for line in changed if line.strip("+-")]


class Finder:
    """Collects the mutants of one file."""

    def __init__(self, tree, file):
        self.file = file
        self.text = (tree / file).read_bytes()
        self.found = []
        self.symmetric = set()  # offsets of calls whose first two arguments can be swapped
        self.needless = set()  # offsets of the 0 that a call like asprintf() is compared with
        self.sizes = []  # extents of sizes of memory, which may be larger than needed

    def source(self, cursor):
        """Returns the text of a cursor, or None if part of it is in a macro or in another file."""
        start, end = cursor.extent.start, cursor.extent.end
        if not start.file or not start.file.name.endswith(self.file) or start.offset >= end.offset:
            return None
        text = self.text[start.offset:end.offset].decode()
        # For a cursor inside a macro, libclang returns the extent of the macro's use.
        first = next(cursor.get_tokens(), None)
        if first is None or not text.startswith(first.spelling):
            return None
        return text

    def add(self, kind, cursor, new):
        """Adds the mutant that replaces the text of the cursor with `new`."""
        start, end = cursor.extent.start.offset, cursor.extent.end.offset
        self.found.append(Mutant(self.file, kind, start, end, new))

    def size(self, cursor):
        """Remembers the sizes of arrays and of allocated memory."""
        children = list(cursor.get_children())
        if cursor.kind == CursorKind.CALL_EXPR and cursor.spelling in ALLOCATORS:
            self.sizes += [argument.extent for argument in cursor.get_arguments()]
        elif (cursor.kind in (CursorKind.VAR_DECL, CursorKind.FIELD_DECL)
              and cursor.type.kind == TypeKind.CONSTANTARRAY and children
              and not re.search(rf"(sizeof|ARRAY_SIZE)\([^()]*\b{cursor.spelling}\)",
                                self.text.decode())):
            self.sizes += [child.extent for child in children
                           if child.type.get_canonical().kind in INTEGERS]

    def is_size(self, cursor):
        """True if the cursor is part of a size that size() remembers."""
        return any(extent.start.offset <= cursor.extent.start.offset
                   and cursor.extent.end.offset <= extent.end.offset for extent in self.sizes)

    def condition(self, cursor):
        """Negates a condition."""
        children = list(cursor.get_children())
        if cursor.kind in BRANCHES and children:
            text = self.source(children[0])
            if text:
                self.add("condition", children[0], f"!({text})")

    def comparison(self, cursor):
        """Replaces < with <=, == with !=, && with ||, and the reverse."""
        if cursor.kind != CursorKind.BINARY_OPERATOR:
            return
        left, right = cursor.get_children()
        texts = self.source(left), self.source(cursor), self.source(right)
        if None in texts:
            return
        start, end = left.extent.end.offset, right.extent.start.offset
        operator = self.text[start:end].decode()
        if operator.strip() == "<" and texts[2] == "0" and never_zero(texts[0]):
            self.needless.add(end)
            return
        other = OTHER_COMPARISON.get(operator.strip())
        if other:
            self.found.append(Mutant(self.file, "comparison", start, end,
                                     operator.replace(operator.strip(), other)))

    def off_by_one(self, cursor):
        """Adds or subtracts one from an index, a right operand, or an integer argument."""
        if cursor.kind == CursorKind.CALL_EXPR:
            chosen = list(cursor.get_arguments())
        elif cursor.kind in (CursorKind.ARRAY_SUBSCRIPT_EXPR, CursorKind.BINARY_OPERATOR):
            chosen = list(cursor.get_children())[1:]
        else:
            return
        for child in chosen:
            text = self.source(child)
            if text and not ERRNO.fullmatch(text) and child.type.get_canonical().kind in INTEGERS - {TypeKind.BOOL}:
                needless = child.extent.start.offset in self.needless or self.is_size(child)
                for sign in "-" if needless else "+-":
                    self.add("off-by-one", child, f"({text} {sign} 1)")

    def constant(self, cursor):
        """Replaces a number or a truth value with another one."""
        text = self.source(cursor)
        if not text or cursor.extent.start.offset in self.needless or self.is_size(cursor):
            return
        if text in ("true", "false"):
            self.add("constant", cursor, "false" if text == "true" else "true")
        elif cursor.kind == CursorKind.INTEGER_LITERAL:
            self.add("constant", cursor, f"({text} + 1)" if text == "0" else f"({text} * 2)")
        elif cursor.kind == CursorKind.ENUM_CONSTANT_DECL and list(cursor.get_children()):
            value = list(cursor.get_children())[0]
            if self.source(value):
                self.add("constant", value, f"(({self.source(value)}) * 2)")

    def statement(self, cursor):
        """Removes a statement."""
        if cursor.kind != CursorKind.COMPOUND_STMT:
            return
        for child in cursor.get_children():
            if child.kind in LOSABLE and self.source(child):
                self.add("statement", child, "")

    def error(self, cursor):
        """Returns 0 instead of an error, or continues after an error."""
        children = list(cursor.get_children())
        if cursor.kind == CursorKind.RETURN_STMT and children:
            text = self.source(children[0])
            if text and (text.startswith("-E") or text in ("err", "-errno")):
                self.add("error", children[0], "0")
        elif cursor.kind == CursorKind.IF_STMT and len(children) == 2:
            text = self.source(children[0])
            if text and self.source(cursor) and ("err" in text or "< 0" in text):
                self.add("error", children[0], f"({text}) && 0")

    def equality(self, cursor):
        """Remembers calls like memcmp() of which only `== 0`, `!= 0` or `!` is used."""
        children = list(cursor.get_children())
        text = self.source(cursor) or ""
        if (cursor.kind == CursorKind.BINARY_OPERATOR and re.search(r"[!=]= 0$", text)
                or cursor.kind == CursorKind.UNARY_OPERATOR and text.startswith("!")):
            if children[0].spelling in EQUALITY:
                self.symmetric.add(children[0].extent.start.offset)

    def arguments(self, cursor):
        """Swaps two neighbouring arguments of the same type, unless that changes nothing."""
        if (cursor.kind != CursorKind.CALL_EXPR or cursor.spelling == "calloc"
                or cursor.extent.start.offset in self.symmetric):
            return
        arguments = list(cursor.get_arguments())
        for one, two in zip(arguments, arguments[1:]):
            types = one.type.get_canonical(), two.type.get_canonical()
            texts = self.source(one), self.source(two)
            if None in texts or texts[0] == texts[1]:
                continue
            if types[0].spelling == types[1].spelling or {t.kind for t in types} <= INTEGERS:
                start, end = one.extent.start.offset, two.extent.end.offset
                between = self.text[one.extent.end.offset:two.extent.start.offset].decode()
                self.found.append(Mutant(self.file, "arguments", start, end,
                                         texts[1] + between + texts[0]))

    def walk(self, cursor):
        """Visits all cursors below this one that are in the file."""
        for child in cursor.get_children():
            place = child.location.file
            if place and not place.name.endswith(self.file):
                continue
            # before its children
            for visit in (self.equality, self.size, self.condition, self.comparison, self.off_by_one,
                          self.constant, self.statement, self.error, self.arguments):
                visit(child)
            self.walk(child)


def find(tree, build):
    """Returns all mutants of the program's sources, in the order of their files."""
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = (build / entry["file"]).resolve()
        if file.is_relative_to(tree / "src"):
            entries[str(file.relative_to(tree))] = entry
    found = []
    for file in sorted(entries):
        options = [f"-I{build / word[2:]}" if word.startswith("-I") else word
                   for word in shlex.split(entries[file]["command"])
                   if word.startswith(("-D", "-I", "-std"))]
        unit = Index.create().parse(str(tree / file), options)
        wrong = [str(message) for message in unit.diagnostics if message.severity >= 3]
        if wrong:
            raise SystemExit(f"libclang cannot parse {file}: {wrong[0]}")
        finder = Finder(tree, file)
        finder.walk(unit.cursor)
        found += finder.found
    return list(dict.fromkeys(found))


def draw(mutants, seed):
    """Yields all mutants in random order. It draws a kind first, so that all kinds are equally
    likely."""
    choice = random.Random(seed)
    kinds = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    while kinds:
        kind = choice.choice(sorted(kinds))
        yield kinds[kind].pop(choice.randrange(len(kinds[kind])))
        if not kinds[kind]:
            del kinds[kind]
