# SPDX-License-Identifier: MIT
"""SEMANTICS 1.1, 1.4: bash, zsh and fish complete exactly the options that exist."""

import re

import pytest

from offers import LETTERS, SHAPES, TREE, shell

FILES = TREE / "packaging/completions"
HERE = TREE / "tests/package"


def bash(line):
    out = shell("bash --norc", HERE / "complete.bash", FILES / "gladiafs.bash", line)
    return [offer[len(line) - len(line.split(" ")[-1]):] for offer in out.splitlines()]


def zsh(line):
    return shell("zsh -f", HERE / "complete.zsh", FILES, line).splitlines()


def fish(line):
    out = shell("fish --no-config -c",
                f"source {FILES}/gladiafs.fish; complete -C '{line}'")
    return [offer.partition("\t")[0] for offer in out.splitlines()]


@pytest.fixture(params=[bash, zsh, fish])
def offers(request):
    """Returns the words that are offered for a line, without trailing characters such as "="."""
    return lambda line: {word.rstrip("=/ ") for word in request.param(line)}


def names(start=""):
    return {shape.partition("=")[0] for shape in SHAPES if shape.startswith(start)}


def test_options(offers):
    """All options are offered after -o."""
    assert offers("gladiafs -o ") == names()


def test_second_option(offers):
    """After a comma, options are offered together with the text before it."""
    assert offers("gladiafs -o ttl=5,ca") == {f"ttl=5,{name}" for name in names("ca")}


def test_attached(offers):
    assert offers("gladiafs -ottl=5,ca") == {f"-ottl=5,{name}" for name in names("ca")}


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if re.search(r"=\w+\|", shape)])
def test_words(offers, shape):
    """An option whose value is one of several words offers these words."""
    name, _, words = shape.partition("=")
    assert offers(f"gladiafs -o uid=0,{name}=") == {f"uid=0,{name}={word}"
                                                    for word in words.split("|")}


def test_users(offers):
    assert "uid=daemon" in offers("gladiafs -o uid=daem")


def test_files(offers):
    (found,) = offers("gladiafs -o ca_file=/etc/host.con")
    # zsh leaves out the part that it need not insert again.
    assert found in ("ca_file=/etc/host.conf", "ca_file=host.conf")


def test_letters(offers):
    """All switches of the command line are offered."""
    short = {letter for letter in LETTERS if not letter.startswith("--")}
    offered = (offers("gladiafs -") | offers("gladiafs --")) - {""}
    assert {word for word in offered if word.startswith("--")} == LETTERS - short
    assert {word for word in offered if not word.startswith("--")} == short


def test_directories(offers):
    """Directories are offered as the mount point."""
    (found,) = offers("gladiafs /va")
    assert found in ("/var", "var")


def test_profiles(offers):
    """SEMANTICS 1.10: the names of profiles are offered as SOURCE."""
    assert "work" in offers("gladiafs wo")
    assert not offers("gladiafs glad") - {""}


def test_values_of_cache(offers):
    """SEMANTICS 7.7: what --cache can remove is offered after "="."""
    offered = offers("gladiafs --cache=cl")
    assert {word.removeprefix("--cache=") for word in offered} == {"clean", "clean-all"}
