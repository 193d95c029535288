# SPDX-License-Identifier: MIT
"""SEMANTICS 1.2: lines of fstab, through mount(8), and the helper it calls."""

import os

import pytest

from mounting import PROGRAM, environment, needs_root, run_in_namespace
from tools import mounts, run

USAGE, FAILED = 1, 32

# A private mount namespace in which the program is installed: in the PATH for mount.fuse3, and next
# to it as the helper mount.gladiafs.
SETUP = """
mount -t tmpfs none "$SCRATCH"
mkdir "$SCRATCH/bin"
ln -s "$PROGRAM" "$SCRATCH/bin/gladiafs"
ln -s "$PROGRAM" "$SCRATCH/bin/mount.gladiafs"
mount -t overlay -o "lowerdir=$SCRATCH/bin:/usr/sbin" none /usr/sbin
echo "$LINE" > "$SCRATCH/fstab"
"""

MOUNTED = """
mount $LETTERS -T "$SCRATCH/fstab" "$MNT"
findmnt -n -o FSTYPE,SOURCE,OPTIONS "$MNT"
ls "$MNT/status"
ls "$MNT/all" | wc -l
umount "$MNT"
if findmnt "$MNT"; then exit 1; fi
"""

STATUSES = ["done", "error", "processing", "queued"]


@pytest.fixture
def fstab(place):
    """Runs a script with the line of fstab in LINE."""
    directory, scratch = place.new_directory(), place.directory / "scratch"
    scratch.mkdir()

    def start(line, script=MOUNTED, letters="", code=0):
        env = environment(place.home, LINE=line.format(mnt=directory), MNT=str(directory),
                          SCRATCH=str(scratch), PROGRAM=PROGRAM, LETTERS=letters)
        return run_in_namespace(SETUP + script, env=env, code=code)
    return start


@pytest.fixture(params=["fuse.gladiafs", "gladiafs"])
def kind(request):
    return request.param


@needs_root
class TestFstab:
    """Both filesystem types in fstab."""

    def test_line(self, fstab, account, place, kind):
        """SEMANTICS 1.2.1"""
        out = fstab(f"{account.url} {{mnt}} {kind} {place.options()} 0 0").splitlines()
        assert out[0].split()[:2] == ["fuse.gladiafs", account.url]
        assert out[1:] == [*STATUSES, "250"]

    @pytest.mark.parametrize("options", [
        "rw", "ro", "defaults", "noauto,nofail,_netdev", "users,noatime",
        "x-systemd.automount,x-systemd.idle-timeout=60,x-gvfs-show", "comment=backup",
        "nodev,nosuid,noexec,relatime,nodiratime", "allow_other", "user"])
    def test_what_mount_passes_on(self, fstab, account, place, kind, options):
        """SEMANTICS 1.2.3"""
        line = f"{account.url} {{mnt}} {kind} {options},{place.options()} 0 0"
        first, *rest = fstab(line).splitlines()
        assert rest == [*STATUSES, "250"]
        shown = first.split()[2].split(",")
        assert {"ro", "nodev", "nosuid"} <= set(shown)
        assert ("noexec" in shown) == ("noexec" in options or "user" in options)

    @pytest.mark.parametrize("options", ["suid,dev", "rw,suid,dev,allow_delete"])
    def test_flags(self, fstab, account, place, kind, options):
        """SEMANTICS 1.2.5: mount.fuse3 also adds "dev,suid" for root."""
        line = f"{account.url} {{mnt}} {kind} {options},{place.options()} 0 0"
        shown = fstab(line).splitlines()[0].split()[2].split(",")
        assert {"nodev", "nosuid"} <= set(shown) and not {"dev", "suid"} & set(shown)

    @pytest.mark.parametrize("options", ["remount", "remount,rw,ttl=5"])
    def test_remount(self, fstab, account, place, kind, options):
        """SEMANTICS 1.2.6: a remount is refused with advice, and the mount is unchanged."""
        out = fstab(f"{account.url} {{mnt}} {kind} {place.options()} 0 0",
                    'mount -T "$SCRATCH/fstab" "$MNT"\n'
                    f'if mount -T "$SCRATCH/fstab" -o {options} "$MNT" 2>&1; then exit 9; fi\n'
                    'grep -c " $MNT " /proc/self/mountinfo\nls "$MNT/all" | wc -l\n'
                    'umount "$MNT"')
        assert "options of a mount cannot be changed" in out
        assert out.endswith("1\n250\n")

    def test_profile(self, fstab, account, place, kind):
        """SEMANTICS 1.10: the first word is the name of a profile, which `mount -a` recognizes."""
        out = fstab(f"work {{mnt}} {kind} cache_dir={place.cache} 0 0",
                    'mkdir -p "$SCRATCH/etc/gladiafs"\n'
                    f'echo url={account.url} > "$SCRATCH/etc/gladiafs/work.conf"\n'
                    f'install -m 600 {place.key_file} "$SCRATCH/etc/gladiafs/work.key"\n'
                    'mount -t overlay -o "lowerdir=$SCRATCH/etc:/etc" none /etc\n'
                    'mount -a -T "$SCRATCH/fstab"\nmount -a -T "$SCRATCH/fstab"\n' + MOUNTED[
                        MOUNTED.index("findmnt"):])
        first, *rest = out.splitlines()
        assert first.split()[:2] == ["fuse.gladiafs", "work"]
        assert rest == [*STATUSES, "250"]

    def test_variable_as_source(self, fstab, mock, place, kind):
        """SEMANTICS 1.1: `gladia` and `none` mean the default URL. The key file is refused, so the
        program does not connect to it."""
        place.key_file.chmod(0o644)
        for word in ("gladia", "none"):
            fstab(f"{word} {{mnt}} {kind} {place.options()} 0 0",
                  'code=0; mount -T "$SCRATCH/fstab" "$MNT" 2>"$SCRATCH/err" || code=$?\n'
                  'cat "$SCRATCH/err"; test $code -ne 0; grep -q "chmod 600" "$SCRATCH/err"')

    @pytest.mark.parametrize("source", ["{url}", "{url}/", "gladia", "none"])
    def test_all_lines_twice(self, fstab, account, place, kind, source):
        """mount -a recognizes that the line is already mounted."""
        out = fstab(f"{source} {{mnt}} {kind} {place.options()} 0 0".replace("{url}", account.url),
                    'export GLADIA_API_URL="' + account.url + '"\n'
                    'mount -a -T "$SCRATCH/fstab"\nmount -a -T "$SCRATCH/fstab"\n'
                    'grep -c " $MNT " /proc/self/mountinfo\nls "$MNT/all" | wc -l\n'
                    'umount "$MNT"')
        assert out == "1\n250\n"

    def test_unknown_option(self, fstab, mock, place, kind):
        """SEMANTICS 1.2.4: An unknown option is named."""
        out = fstab(f"{mock.url} {{mnt}} {kind} colour=blue,{place.options()} 0 0",
                    'if mount -T "$SCRATCH/fstab" "$MNT" 2>&1; then exit 9; fi')
        assert "colour" in out

    def test_wrong_key(self, fstab, mock, place, kind):
        """SEMANTICS 1.3: mount(8) fails with the reason, and nothing is mounted."""
        place.write_key("wrong")
        out = fstab(f"{mock.url} {{mnt}} {kind} {place.options()} 0 0",
                    'if mount -T "$SCRATCH/fstab" "$MNT" 2>&1; then exit 9; fi\n'
                    'if findmnt "$MNT"; then exit 8; fi')
        assert "key" in out

    def test_key_is_not_shown(self, fstab, account, place, kind):
        """SEMANTICS 2.2"""
        out = fstab(f"{account.url} {{mnt}} {kind} {place.options()} 0 0",
                    'mount -T "$SCRATCH/fstab" "$MNT"\ncat /proc/self/mountinfo\numount "$MNT"')
        assert account.key not in out

    def test_fake(self, fstab, account, place):
        """mount -f does everything except the mount (mount.fuse3 does not have this option)."""
        fstab(f"{account.url} {{mnt}} gladiafs {place.options()} 0 0",
              'mount -f -T "$SCRATCH/fstab" "$MNT"\nif findmnt "$MNT"; then exit 1; fi')
        assert account.log() == []

    def test_verbose(self, fstab, account, place):
        out = fstab(f"{account.url} {{mnt}} gladiafs {place.options()} 0 0", letters="-v -n")
        assert out.splitlines()[-5:] == [*STATUSES, "250"]


class TestHelper:
    """mount.gladiafs SOURCE MOUNTPOINT, with the options of mount(8)."""

    @pytest.fixture
    def helper(self, tmp_path):
        path = tmp_path / "mount.gladiafs"
        path.symlink_to(PROGRAM)
        return path

    @pytest.mark.parametrize("letters", [[], ["-n"], ["-v"], ["-nv"], ["-t", "gladiafs"]])
    def test_letters(self, helper, account, place, mount, letters):
        directory = place.new_directory()
        run(helper, account.url, directory, *letters, "-o", "rw,nodev," + place.options(),
            env=environment(place.home))
        try:
            assert sorted(os.listdir(directory / "status")) == STATUSES
        finally:
            run("umount", directory)

    def test_fake(self, helper, account, place):
        """-f (fake) does everything except the mount."""
        directory = place.new_directory()
        run(helper, account.url, directory, "-f", "-o", place.options(),
            env=environment(place.home))
        assert str(directory) not in mounts()

    def test_sloppy(self, helper, account, place):
        """-s (sloppy) ignores unknown options."""
        directory = place.new_directory()
        options = ["-o", "colour=blue," + place.options()]
        run(helper, account.url, directory, *options, code=USAGE, env=environment(place.home))
        assert str(directory) not in mounts()
        run(helper, account.url, directory, "-s", *options, env=environment(place.home))
        run("umount", directory)

    def test_failure(self, helper, mock, place):
        """SEMANTICS 1.3: exit code 32, as mount(8) expects."""
        place.write_key("wrong")
        run(helper, mock.url, place.new_directory(), "-o", place.options(), code=FAILED,
            env=environment(place.home))
