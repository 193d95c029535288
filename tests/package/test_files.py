# SPDX-License-Identifier: MIT
"""The files that `meson install` installs, and the man pages (SEMANTICS 1.1, 1.2, 1.4)."""

import re

import pytest

from offers import BUILD, HELP, LETTERS, NAMES, SHAPES, TREE
from tools import run

INSTALLED = [
    "bin/gladiafs",
    "sbin/mount.gladiafs",
    "lib/systemd/system/gladiafs-profile@.service",
    "lib/systemd/system/gladiafs@.service",
    "lib/systemd/system/plocate-updatedb.service.d/gladiafs.conf",
    "lib/systemd/user/gladiafs-profile@.service",
    "lib/systemd/user/gladiafs.service",
    "share/bash-completion/completions/gladiafs",
    "share/fish/vendor_completions.d/gladiafs.fish",
    "share/man/man1/gladiafs.1",
    "share/man/man8/mount.gladiafs.8",
    "share/zsh/site-functions/_gladiafs",
]
PAGES = ["gladiafs.1", "mount.gladiafs.8"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The tree of installed files below the prefix."""
    place = tmp_path_factory.mktemp("destdir")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place)
    return place / "usr/local"


def test_every_file(installed):
    """Exactly the listed files are installed."""
    found = [str(path.relative_to(installed)) for path in installed.rglob("*")
             if path.is_symlink() or not path.is_dir()]
    assert sorted(found) == sorted(INSTALLED)


def test_helper(installed):
    """SEMANTICS 1.2: mount(8)'s helper is a link to the program."""
    link = installed / "sbin/mount.gladiafs"
    assert str(link.readlink()) == "/usr/local/bin/gladiafs"
    assert (installed / "bin/gladiafs").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("unit", ["system/gladiafs@.service", "user/gladiafs.service",
                                  "system/gladiafs-profile@.service",
                                  "user/gladiafs-profile@.service"])
def test_units_start_what_is_installed(installed, unit):
    text = (installed / "lib/systemd" / unit).read_text()
    assert "\nExecStart=/usr/local/bin/gladiafs -f " in text
    assert "@bindir@" not in text


def rendered(page):
    """Returns a page as its reader sees it, and the warnings of groff and man."""
    path = BUILD / "packaging" / page
    warnings = run("sh", "-c", 'groff -man -Tutf8 -ww -z "$0" 2>&1', path)
    warnings += run("sh", "-c", 'man --warnings -E UTF-8 -l "$0" 2>&1 >/dev/null', path,
                    env={"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    text = run("sh", "-c", 'man --nh -E UTF-8 -l "$0" | col -bx', path,
               env={"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    return text, warnings


def section(text, title):
    """Returns the lines of a section of a page."""
    match = re.search(rf"^{title}\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, title
    return match.group(1)


def defined(text):
    """Returns the words that a section defines: those at the first level of indentation that have
    a description below them."""
    lines = text.splitlines()
    return {word for line, after in zip(lines, lines[1:])
            if re.match(r" {7}\S", line) and re.match(r" {8,}\S", after)
            for word in line.strip().split(", ")}


@pytest.mark.parametrize("page", PAGES)
def test_page_is_well_formed(page):
    text, warnings = rendered(page)
    assert warnings == ""
    for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO"):
        assert section(text, title).strip()


@pytest.mark.parametrize("title", ["THE TREE", "KEY", "ENVIRONMENT", "SIGNALS", "EXIT STATUS",
                                   "ERRORS", "FILES", "AT LOGIN", "EXAMPLES"])
def test_page_is_whole(title):
    assert section(rendered("gladiafs.1")[0], title).strip()


def test_page_has_every_option():
    """SEMANTICS 1.4: the man page lists the options of --help with their values, and no others."""
    shapes = defined(section(rendered("gladiafs.1")[0], "MOUNT OPTIONS"))
    assert shapes == set(SHAPES)


def test_page_has_every_letter():
    """SEMANTICS 1.1: the man page lists the switches of --help, and no others."""
    words = defined(section(rendered("gladiafs.1")[0], "OPTIONS"))
    assert {word.partition(" ")[0] for word in words if word.startswith("-")} == LETTERS


def test_helpers_page_has_every_letter():
    """SEMANTICS 1.2: the helper's man page lists the switches of its usage line, and those of
    mount(8)."""
    usage = re.search(r"mount\.gladiafs .*\[-([a-z]+)\]", HELP).group(1)
    words = defined(section(rendered("mount.gladiafs.8")[0], "OPTIONS"))
    letters = {word.partition(" ")[0] for word in words}
    assert letters == {f"-{letter}" for letter in usage} | {
        "-N", "-t", "-h", "--help", "-V", "--version"}


def test_readme_names_options_that_exist():
    """The README lists the ten options that most people need; the man page lists all."""
    table = (TREE / "README.md").read_text().partition("\n## Options\n")[2].partition("\n## ")[0]
    # without the table's header
    rows = [line for line in table.splitlines() if line.startswith("| `")][1:]
    named = {name.partition("=")[0] for row in rows
             for name in re.findall(r"`([^`]+)`", row.split(" | ")[0].replace("\\|", "/"))}
    assert len(rows) == 10 and named <= NAMES
