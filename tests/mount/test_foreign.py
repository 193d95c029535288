# SPDX-License-Identifier: MIT
"""Other people's programs and test suites read from a mount exactly what the mock server has.

SEMANTICS 4.1 (contents), 5.1 (attributes, so that these programs see no change), 6.4 (positions in
directories). A test whose program is not installed is skipped and says so."""

import errno
import json
import mmap
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from layout import pretty
from mock import AN_ID
from mounting import needs_root
from tools import PATIENCE, read, run

SECONDS = 60 * PATIENCE
QUIET_GIT = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
             "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@localhost",
             "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@localhost"}


def needs(program):
    """Skips the test if a program is missing that is not part of every Debian."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def tool(*command, **options):
    return run(*command, timeout=SECONDS, **options)


@pytest.fixture
def expected(account):
    """The expected contents of the files, by name."""
    return {job["id"] + ".json": pretty(account.body(job["id"]))
            for job in account.jobs()}


@pytest.fixture
def copy(expected, tmp_path):
    """The expected contents as files on another filesystem."""
    directory = tmp_path / "expected"
    directory.mkdir()
    for name, text in expected.items():
        (directory / name).write_bytes(text)
    return directory


def same(directory, expected):
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == expected


def largest(one, expected):
    name = max(expected, key=lambda key: len(expected[key]))
    return one.path / "all" / name, expected[name]


class TestXfsIo:
    """xfs_io of xfsprogs makes single system calls."""

    def test_contents(self, account, mount, expected):
        needs("xfs_io")
        path, text = largest(mount(account), expected)
        for offset, length in (0, 64), (4090, 100), (len(text) - 10, 10):
            for command in f"pread -v {offset} {length}", \
                    f"mmap -r 0 {len(text)}\nmread -v {offset} {length}":
                words = [word for line in command.split("\n") for word in ("-c", line)]
                assert dumped(tool("xfs_io", "-r", *words, path)) \
                    == text[offset:offset + length]
        # The file has no holes.
        assert f"DATA\t0\nHOLE\t{len(text)}" in tool("xfs_io", "-r", "-c", "seek -ar 0", path)

    def test_directories_with_seeks(self, account, mount, expected):
        """SEMANTICS 6.4: reading from any position that readdir returned continues with the next
        name."""
        needs("xfs_io")
        path = mount(account).path / "all"
        listed = entries(tool("xfs_io", "-r", "-c", "readdir -v", path))
        assert sorted(name for _, name in listed) == sorted([*expected, ".", ".."])
        for index in range(0, len(listed) - 1, 37):
            rest = tool("xfs_io", "-r", "-c", f"readdir -v -o {listed[index][0]}", path)
            assert entries(rest) == listed[index + 1:]


def dumped(output):
    """Returns the bytes of a hexadecimal dump."""
    lines = re.findall(r"^[0-9a-f]+:  ((?:[0-9a-f]{2} )+)", output, re.MULTILINE)
    return bytes.fromhex("".join(lines))


ENTRY = re.compile(r"d_off: 0x([0-9a-f]+) .*d_name: (\S+)$", re.MULTILINE)


def entries(output):
    """Returns the name of each entry and the position after it."""
    return [(int(position, 16), name) for position, name in ENTRY.findall(output)]


# As long as the longest pattern that fio accepts; no two parts of it are the same.
PATTERN = "".join(f"{number:03x}|" for number in range(128))


def job(pad, text):
    return ('{"id":"%s","status":"done","created_at":"2026-04-01T00:00:00.000Z","request_id":'
            '"%s","result":{"transcription":{"full_transcript":"%s"}}}' % (AN_ID, pad, text))


class TestFio:
    """fio compares the text of a job with a pattern that the text repeats."""

    @pytest.fixture
    def text(self, mock, mount):
        needs("fio")
        repeated = PATTERN * (2 << 20 >> 9)
        # Mapped and direct reads start at a page boundary.
        pad = -pretty(job("", repeated)).index(PATTERN.encode()) % 4096
        mock.create(id=AN_ID, raw=job("p" * pad, repeated))
        path = mount(mock).path / "all" / f"{AN_ID}.json"
        whole = read(path)
        begin = whole.index(PATTERN.encode())
        assert begin % 4096 == 0
        assert whole[begin:begin + len(repeated)] == repeated.encode()
        return path, begin, len(repeated)

    @pytest.mark.parametrize("engine", ["psync", "pvsync2", "libaio", "io_uring"])
    @pytest.mark.parametrize("how", ["randread", "read", "direct"])
    def test_reads(self, text, engine, how):
        done = fio(*text, engine, how)
        if "fio_setup" in done.stderr or "io_queue_init" in done.stderr \
                or "not loadable" in done.stderr:
            pytest.skip(f"no {engine} here: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stdout + done.stderr

    def test_maps(self, text):
        """Maps without comparing: fio 3.33 maps from 0 whatever offset it is given, on any
        filesystem. TestXfsIo and TestSystemCalls compare mapped contents."""
        path, _, _ = text
        done = fio(path, 0, path.stat().st_size // 4096 * 4096, "mmap", "randread", [])
        assert done.returncode == 0, done.stdout + done.stderr

    def test_it_would_see_a_difference(self, text):
        path, begin, size = text
        assert fio(path, begin + 1, size - 4096, "psync", "read").returncode != 0


COMPARING = ["--verify=pattern", f'--verify_pattern="{PATTERN}"', "--verify_fatal=1"]


def fio(path, begin, size, engine, how, more=tuple(COMPARING)):
    return subprocess.run(
        ["fio", "--name=foreign", f"--filename={path}", "--readonly", f"--ioengine={engine}",
         f"--rw={'randread' if how == 'direct' else how}", f"--direct={int(how == 'direct')}",
         "--bs=4096", "--iodepth=16", f"--offset={begin}", f"--size={size}", "--thread",
         "--invalidate=1", *more], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=SECONDS, check=False, cwd=path.parents[2])


def test_stress_ng(account, mount, expected):
    """stress-ng --fstat calls stat, fstat, statx and open on all files, from several processes."""
    needs("stress-ng")
    one = mount(account)
    tool("stress-ng", "--fstat", "2", "--fstat-dir", one.path / "all", "--fstat-ops", "5000",
         "--timeout", "20", "--verify", cwd=one.place.directory)
    same(one.path / "all", expected)


class TestFinding:
    """Programs that walk directories: SEMANTICS 3.2, 6.1."""

    def test_findutils(self, account, mount, expected):
        one = mount(account)
        lines = tool("find", one.path / "all", "-type", "f", "-ls").splitlines()
        sizes = {words[-1].rpartition("/")[2]: int(words[6]) for line in lines
                 if (words := line.split())}
        assert sizes == {name: len(text) for name, text in expected.items()}
        found = tool("find", one.path, "-name", "metadata", "-prune", "-o", "-name", "*.json",
                     "-printf", "%f\n").split()
        # Each job is in all/, in a status and in a day.
        assert sorted(found) == sorted([*expected] * 3)
        assert len(tool("find", one.path / "all", "-links", "3", "-samefile",
                        one.path / "all" / found[0]).split()) == 1

    def test_ls(self, account, mount, expected):
        one = mount(account)
        parts = tool("ls", "-R", one.path).split("\n\n")
        assert {part.partition(":")[0] for part in parts} > {
            f"{one.path}/{name}" for name in ("all", "status/done", "metadata/priority/1")}
        for where in "all", "status", "date":
            names = [name for part in parts if part.startswith(f"{one.path}/{where}")
                     for name in part.split() if name.endswith(".json")]
            assert sorted(names) == sorted(expected), where

    def test_fd(self, account, mount, expected):
        needs("fdfind")
        one = mount(account)
        assert set(tool("fdfind", "-e", "json", ".", one.path / "all", "-x", "echo",
                        "{/}").split()) == set(expected)
        errors = tool("fdfind", "--type", "f", ".", one.path / "status/error")
        assert len(errors.split()) == len(account.jobs(status="error"))

    def test_rg(self, account, mount, expected, copy):
        """rg finds the same lines as in copies, by read and by mmap."""
        needs("rg")
        one = mount(account)
        for way in "--mmap", "--no-mmap":
            command = ["rg", "--no-config", way, "--sort", "path", "-c", "the|id"]
            here = tool(*command, ".", cwd=one.path / "all")
            assert here == tool(*command, ".", cwd=copy)
            assert len(here.splitlines()) == len(expected)


class TestCopying:
    """The whole account is copied to another filesystem and into archives."""

    @pytest.mark.parametrize("options", [["--sparse=always"], ["--sparse=never"],
                                         ["--reflink=auto", "-a"]])
    def test_cp(self, account, mount, expected, tmp_path, options):
        one = mount(account)
        tool("cp", "-r", *options, one.path / "all", tmp_path / "new")
        same(tmp_path / "new", expected)
        if "-a" in options:
            name = next(iter(expected))
            assert (tmp_path / "new" / name).stat().st_mtime_ns \
                == (one.path / "all" / name).stat().st_mtime_ns

    @pytest.mark.parametrize("options", [[], ["xattr"]])
    def test_copytree(self, account, mount, expected, tmp_path, options):
        """Python copies with sendfile, and copies extended attributes if the other filesystem takes
        them."""
        one = mount(account, *options)
        shutil.copytree(one.path / "all", tmp_path / "new")
        same(tmp_path / "new", expected)
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755
        if options:
            name = next(iter(expected))
            there, here = (set(os.listxattr(path / name))
                           for path in (tmp_path / "new", one.path / "all"))
            assert there in (here, set())

    def test_rsync(self, account, mount, expected, tmp_path):
        """A second rsync has nothing to copy, even if it compares checksums. (A directory gets its
        mtime with its first complete listing, so it has to be listed before.)"""
        needs("rsync")
        one = mount(account)
        os.listdir(one.path / "all")
        (tmp_path / "new").mkdir()
        again = ["rsync", "-a", "-i", f"{one.path}/all/", tmp_path / "new/"]
        assert len(tool(*again).splitlines()) == len(expected) + 1
        same(tmp_path / "new", expected)
        assert tool(*again, "--checksum") == ""

    @needs_root
    @pytest.mark.parametrize("copy", [
        'cp -r "$0" new/', 'cp -a "$0" new/', 'rsync -a "$0" new/',
        'python3 -c "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])" "$0" new/all'])
    def test_copies_can_be_removed(self, account, mount, copy):
        """SEMANTICS 5.1: an ordinary user can change and remove what they copied."""
        with tempfile.TemporaryDirectory(prefix="gladiafs-user-") as home:
            os.chmod(home, 0o755)
            (Path(home) / "mnt").mkdir()
            (Path(home) / "own").mkdir()
            os.chown(Path(home) / "own", 65534, 65534)
            one = mount(account, "allow_other", path=Path(home) / "mnt")
            tool("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-ec",
                 f"cd \"$1\"; mkdir new; {copy}; for file in new/all/*; do break; done; "
                 "echo >> \"$file\"; mv \"$file\" new/x; rm -r new",
                 one.path / "all", Path(home) / "own")
            assert list((Path(home) / "own").iterdir()) == []
            one.unmount()

    def test_tar(self, account, mount, expected, tmp_path):
        one = mount(account)
        tool("tar", "-C", one.path, "-cf", tmp_path / "all.tar", "all")
        tool("tar", "-C", one.path, "-df", tmp_path / "all.tar")
        tool("tar", "-C", tmp_path, "-xf", tmp_path / "all.tar", "--no-same-permissions")
        same(tmp_path / "all", expected)
        os.chmod(tmp_path / "all", 0o755)

    def test_cpio(self, account, mount, expected, tmp_path):
        needs("cpio")
        one = mount(account)
        script = 'cd "$1"; find . -type f | cpio -o -H newc --quiet >"$2"; cd "$3"; ' \
                 'cpio -i --quiet <"$2"'
        (tmp_path / "new").mkdir()
        tool("sh", "-euc", script, "sh", one.path / "all", tmp_path / "cpio", tmp_path / "new")
        same(tmp_path / "new", expected)

    def test_checksums_and_diff(self, account, mount, copy):
        """sha256sum -c and diff -r find no difference between the mount and the copies."""
        one = mount(account)
        sums = tool("sh", "-euc", "sha256sum *", cwd=copy)
        done = subprocess.run(["sha256sum", "-c", "--quiet"], input=sums, text=True,
                              cwd=one.path / "all", capture_output=True, timeout=SECONDS,
                              check=False)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert tool("diff", "-r", one.path / "all", copy) == ""


class TestGit:
    """git relies on size, times and inode numbers."""

    def git(self, *words, **options):
        return tool("git", *words, env=QUIET_GIT, **options)

    def test_a_repo_that_holds_links(self, account, mount, tmp_path):
        """git stores the path of a link, no matter how the target changes."""
        needs("git")
        one = mount(account, "ttl=0")
        repo = tmp_path / "repo"
        self.git("init", "-q", repo)
        name = account.jobs(status="queued")[0]["id"]
        (repo / "account").symlink_to(one.path)
        (repo / "job.json").symlink_to(one.path / "all" / f"{name}.json")
        self.git("add", "-A", cwd=repo)
        self.git("commit", "-qm", "links", cwd=repo)
        account.change(name, status="done", bytes=5000)
        os.listdir(one.path / "all")
        assert self.git("status", "--porcelain", cwd=repo) == ""
        assert self.git("hash-object", repo / "job.json").strip() \
            == self.git("hash-object", one.path / "all" / f"{name}.json").strip()

    def test_the_mount_as_its_work_tree(self, account, mount, expected, tmp_path):
        """git sees no change and reads no file again, not even on another mount. It does see a
        deleted job."""
        needs("git")
        where = ["--git-dir", tmp_path / "git"]
        self.git(*where, "init", "-q")
        one = mount(account, "ttl=0")
        work = [*where, "--work-tree", one.path / "all"]
        self.git(*work, "add", "-A", cwd=one.path / "all")
        self.git(*work, "commit", "-qm", "all", cwd=one.path / "all")
        assert set(self.git(*where, "ls-files").split()) == set(expected)
        assert self.git(*work, "status", "--porcelain", cwd=one.path / "all") == ""
        path = one.path
        one.unmount()
        two = mount(account, "ttl=0", path=path)
        assert self.git(*work, "status", "--porcelain", cwd=two.path / "all") == ""
        stats = json.loads(read(two.path / ".gladiafs/stats"))
        assert stats["messages"].get("read", 0) <= 1  # the read of .gladiafs/stats itself
        gone = account.jobs(status="done")[7]["id"]
        account.delete(gone)
        os.listdir(two.path / "all")
        assert self.git(*work, "status", "--porcelain", cwd=two.path / "all") \
            == f" D {gone}.json\n"


class TestSystemCalls:
    """System calls other than read(2) return the same bytes."""

    def test_each(self, account, mount, expected, tmp_path):
        path, text = largest(mount(account), expected)
        with open(path, "rb") as file, open(tmp_path / "out", "w+b") as out:
            for copied in self.ways(file.fileno(), out.fileno(), len(text)):
                assert read(tmp_path / "out") == text, copied
                out.truncate(0)
                os.lseek(out.fileno(), 0, os.SEEK_SET)

    @staticmethod
    def ways(file, out, size):
        at = 0
        while at < size:
            at += os.sendfile(out, file, at, size - at)
        yield "sendfile"
        # Linux copies this way only within one filesystem type; cp and Python then fall back to
        # read.
        with pytest.raises(OSError) as error:
            os.copy_file_range(file, out, size, 0)
        assert error.value.errno == errno.EXDEV
        end, begin = os.pipe()
        at = 0
        while at < size:
            count = os.splice(file, begin, 4096, offset_src=at)
            assert os.splice(end, out, count) == count
            at += count
        os.close(begin)
        os.close(end)
        yield "splice"
        direct = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_DIRECT)
        buffer = mmap.mmap(-1, -(-size // 4096) * 4096)
        assert os.preadv(direct, [buffer], 0) == size
        os.write(out, buffer[:size])
        os.close(direct)
        yield "O_DIRECT"
        with mmap.mmap(file, 0, mmap.MAP_SHARED, mmap.PROT_READ) as shared:
            os.write(out, shared)
        yield "mmap, shared"
