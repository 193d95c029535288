# SPDX-License-Identifier: MIT
"""Each rule finds the violations that are planted in a small correct tree, and nothing in that
tree itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECK = [sys.executable, "-B", str(HERE / "check.py")]

C = "/* SPDX-License-Identifier: MIT */\n"
HEADER = C + "#pragma once\n\n"
SCRIPT = "#!/usr/bin/env bash\n# SPDX-License-Identifier: MIT\n"

SOUND = {
    "include/base/buf.h": HEADER + "/* No buf_len(); here. */\nint buf_len(void);\n",
    "include/base/list.h": HEADER + "#define LIST_MAX(a) ((a) + 1)\n\n"
                           "static inline int list_len(void)\n{\n\treturn LIST_MAX(1);\n}\n",
    "include/http/http.h": HEADER + '#include "base/buf.h"\n\n'
                           "struct http {\n\tint (*get)(void);\n};\n"
                           "struct http *http_new(int a);\n",
    "include/fs/fs.h": HEADER + "int fs_run(void);\n",
    "src/base/buf.c": C + '#include "base/buf.h"\n\nint buf_len(void)\n{\n\treturn 1;\n}\n',
    "src/http/http.c": C + '#include "http/http.h"\n\n#include <curl/curl.h>\n\n'
                       '#include "internal.h"\n',
    "src/http/internal.h": HEADER + "enum { HTTP_MAX = 1 };\n",
    "src/fs/stats.c": C + "#include <cjson/cJSON.h>\n#include <fuse_lowlevel.h>\n\n"
                        '#include "http/http.h"\n',
    "src/main.c": C + '#include "fs/fs.h"\n',
    "tests/unit/base/test_buf.c": C + '#include "http/internal.h"\n\n/* SEMANTICS 1.1, 1.1.1 */\n'
                                 "static void test_one(void **state)\n{\n}\n",
    "tests/mount/test_ls.py": "# SPDX-License-Identifier: MIT\n"
                              "def test_spec_2_10_names():\n    pass\n",
    "docs/SEMANTICS.md": "# Promises\n\n| **1.1** | *First* | |\n"
                         "| 1.1.1 | One. | `unit/base/test_buf.c::test_one` |\n"
                         "| **2.10** | *Second* | |\n",
    "docs/SECURITY.md": "| asset | test |\n| --- | --- |\n"
                        "| key | `mount/test_ls.py::test_spec_2_10_names` |\n",
    "scripts/demo": SCRIPT + 'set -euo pipefail\necho "$1"\n',
    "meson.build": "# SPDX-License-Identifier: MIT\nproject('x', 'c')\n",
}

LONG_FUNCTION = "int f(void)\n{\n" + "\tf();\n" * 59 + "}\n"

# Rule, file, new text of the file ("+": text to append), and the place of the finding.
PLANTED = [
    ("format", "src/base/buf.c", "+\nint  two(void);\n", "src/base/buf.c:9"),
    ("layers", "include/base/buf.h", '+#include "http/http.h"\n', "include/base/buf.h:6"),
    ("layers", "src/http/http.c", '+#include "fs/fs.h"\n', "src/http/http.c:7"),
    ("layers", "src/base/buf.c", '+#include "options.h"\n', "src/base/buf.c:8"),
    ("layers", "src/base/buf.c", '+#include "../http/http.h"\n', "src/base/buf.c:8"),
    ("layers", "src/base/buf.c", "+#include <curl/curl.h>\n", "src/base/buf.c:8"),
    ("layers", "src/http/http.c", "+#include <cjson/cJSON.h>\n", "src/http/http.c:7"),
    ("layers", "src/fs/dir.c", C + "#include <cjson/cJSON.h>\n", "src/fs/dir.c:2"),
    ("layers", "src/fs/dir.c", C + "#include <sqlite3.h>\n", "src/fs/dir.c:2"),
    ("layers", "src/main.c", "+#include <fuse_lowlevel.h>\n", "src/main.c:3"),
    ("layers", "src/other/x.c", C, "src/other/x.c:1"),
    ("mirror", "include/base/clock.h", HEADER + "int clock_now(void);\n",
     "include/base/clock.h:1"),
    ("mirror", "include/base/list.h", C + "enum { A };\n", "include/base/list.h:1"),
    ("mirror", "include/http/internal.h", HEADER, "include/http/internal.h:1"),
    ("mirror", "src/fs/stats.c", '+#include "http/internal.h"\n',
     "src/fs/stats.c:6"),
    ("sizes", "src/base/buf.c", "+" + "\n" * 500, "src/base/buf.c:500"),
    ("sizes", "tests/unit/base/test_buf.c", "+" + LONG_FUNCTION, "tests/unit/base/test_buf.c:9"),
    ("spdx", "src/base/buf.c", "\n" + C, "src/base/buf.c:1"),
    ("spdx", "scripts/demo", "#!/bin/sh\nset -eu\n", "scripts/demo:1"),
    ("spdx", "meson.build", "project('x', 'c')\n", "meson.build:1"),
    ("words", "README.md", "Good\n" + "TO" + "DO: more\n", "README.md:2"),
    ("words", "scripts/demo", "+cd /home" + "/me/gladiafs\n", "scripts/demo:5"),
    ("plain", "src/base/buf.c", "+/* A list that is begun anew. */\n", "src/base/buf.c:8"),
    ("plain", "src/base/buf.c", "+const char *a = \"of malloc()\";\n", "src/base/buf.c:8"),
    ("plain", "tests/unit/base/test_buf.c", "+/* Nobody reads. */\n",
     "tests/unit/base/test_buf.c:8"),
    ("plain", "tests/mount/test_ls.py", '+def f():\n    """One.\n\n    It is told."""\n',
     "tests/mount/test_ls.py:7"),
    ("plain", "tests/mount/test_ls.py", "+# Whoever lists it.\n", "tests/mount/test_ls.py:4"),
    ("plain", "tests/mount/test_ls.py", "+names_told = 1\n", "tests/mount/test_ls.py:4"),
    ("plain", "tests/unit/base/test_buf.c", "+int Told_len;\n", "tests/unit/base/test_buf.c:8"),
    ("plain", "scripts/demo", "+# The stand-in.\n", "scripts/demo:5"),
    ("plain", "meson.build", "+# It stands here.\n", "meson.build:3"),
    ("plain", "docs/SEMANTICS.md", "+It is anew.\n", "docs/SEMANTICS.md:6"),
    ("names", "src/base/buf.c", "+/* As buf_length() does. */\n", "src/base/buf.c:8"),
    ("names", "src/base/buf.c", "+/* See http/request. */\n", "src/base/buf.c:8"),
    ("names", "tests/mount/test_ls.py", "+# See buffer.c.\n", "tests/mount/test_ls.py:4"),
    ("names", "docs/SEMANTICS.md", "+See *mount/test_list*.\n", "docs/SEMANTICS.md:6"),
    ("blanks", "src/main.c", "+int a; \n", "src/main.c:3"),
    ("blanks", "src/main.c", "+int a;\r\n", "src/main.c:3"),
    ("blanks", "src/main.c", "+int a;", "src/main.c:3"),
    ("blanks", "meson.build", "+\tsubdir('x')\n", "meson.build:3"),
    ("python", "tests/mount/test_ls.py", "+def f(:\n", "tests/mount/test_ls.py:4"),
    ("python", "scripts/bench", "#!/usr/bin/python3\n" + "\n" * 500, "scripts/bench:500"),
    ("promises", "tests/unit/base/test_buf.c", "+/* SEMANTICS 1.9 */\n", "tests/unit/base/test_buf.c:8"),
    ("promises", "tests/unit/base/test_buf.c", "+/* SEMANTICS 1.1.2 */\n",
     "tests/unit/base/test_buf.c:8"),
    ("promises", "tests/mount/test_ls.py", "+def test_spec_4_1():\n    pass\n",
     "tests/mount/test_ls.py:4"),
    ("promises", "docs/SEMANTICS.md", "+| 1.1.2 | Two. | `unit/base/test_buf.c::test_one` |\n",
     "docs/SEMANTICS.md:6"),
    ("promises", "docs/SEMANTICS.md", "+| 2.10.1 | Two. | `mount/test_ls.py::test_two` |\n",
     "docs/SEMANTICS.md:6"),
    ("promises", "docs/SEMANTICS.md", "+| 2.10.2 | Two. | `mount/test_ls.py::test_spec_2_10_names` |\n",
     "docs/SEMANTICS.md:6"),
    ("promises", "docs/SEMANTICS.md", "+| 1.1.1 | One. Two. | `unit/base/test_buf.c::test_one` |\n",
     "docs/SEMANTICS.md:6"),
    ("promises", "docs/SEMANTICS.md", "+| 1.1.1 | One. | `unit/base/test_buf.c::test_none` |\n",
     "docs/SEMANTICS.md:6"),
    ("promises", "docs/SEMANTICS.md", "+| 1.1.1 | One. | unit/base/test_buf |\n",
     "docs/SEMANTICS.md:6"),
    ("defences", "docs/SECURITY.md", "+| key | none |\n", "docs/SECURITY.md:4"),
    ("defences", "docs/SECURITY.md", "+| key | `mount/test_ls.py::test_gone` |\n",
     "docs/SECURITY.md:4"),
    ("defences", "docs/SECURITY.md", "+| key | `mount/test_gone.py::test_x` |\n",
     "docs/SECURITY.md:4"),
    ("shell", "scripts/demo", "+echo $1\n", "scripts/demo:5"),
    ("shell", ".ci/run", SCRIPT + "echo\n", ".ci/run:1"),
    ("tidy", "src/base/buf.c", "+\nint same(int a)\n{\n\treturn a == a;\n}\n",
     "src/base/buf.c:11"),
]


def needs(rule: str) -> None:
    tool = {"format": "clang-format", "shell": "shellcheck", "tidy": "clang-tidy"}.get(rule)
    if tool and not shutil.which(tool):
        pytest.skip(f"needs {tool}")


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")
    if text.startswith("#!") and path.startswith("scripts/"):
        file.chmod(0o755)


@pytest.fixture
def tree(tmp_path):
    for path, text in SOUND.items():
        write(tmp_path, path, text)
    for name in [".clang-format", ".clang-tidy"]:
        shutil.copy(HERE.parent.parent / name, tmp_path)
    entry = {"directory": str(tmp_path), "file": "src/base/buf.c",
             "arguments": ["cc", "-Iinclude", "-c", "src/base/buf.c"]}
    write(tmp_path, "build/compile_commands.json", json.dumps([entry]))
    write(tmp_path, "build/made.c", "no rule looks here \n")
    return tmp_path


def check(root: Path, *rules: str) -> list[str]:
    done = subprocess.run([*CHECK, "--root", root, "--build", root / "build", *rules],
                          capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = done.stdout.splitlines()
    assert done.returncode == (1 if found else 0)
    return found


@pytest.mark.parametrize("rule", sorted({planted[0] for planted in PLANTED}))
def test_sound(tree, rule):
    needs(rule)
    assert check(tree, rule) == []


@pytest.mark.parametrize("rule,path,text,where", PLANTED,
                         ids=[f"{p[0]}-{n}" for n, p in enumerate(PLANTED)])
def test_planted(tree, rule, path, text, where):
    needs(rule)
    if text.startswith("+"):
        text = SOUND[path] + text[1:]
    write(tree, path, text)
    found = check(tree, rule)
    assert found and {line.split(": ")[0] for line in found} == {where}


def test_every_rule_is_planted():
    sys.path.insert(0, str(HERE))
    from check import RULES
    assert set(RULES) == {planted[0] for planted in PLANTED}


def test_no_such_rule(tree):
    done = subprocess.run([*CHECK, "--root", tree, "beauty"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"beauty" in done.stderr
