# SPDX-License-Identifier: MIT
"""SEMANTICS 1.6: --check reports each thing that is wrong and how to fix it."""

import http.server
import os
import re
import shutil
import threading
import time
from email.utils import formatdate

import pytest

from tls_front import Front, make_certificates
from mounting import PROGRAM, environment, needed_tools, needs_root, run_in_namespace
from mock import KEY

NAMES = ["network", "TLS", "clock", "key", "/dev/fuse", "fusermount3", "fuse.conf", "cache",
         "updatedb"]
OK, WRONG, UNKNOWN = "ok", "WRONG", "?"

# Sets up a machine on which every check passes, whatever the state of this one, with an
# unprivileged user that has a copy of the program and of the key.
ORDERLY = """
mount -t tmpfs none "$SCRATCH"
cp -a /etc "$SCRATCH/etc"
mount --bind "$SCRATCH/etc" /etc
echo user_allow_other > /etc/fuse.conf
echo 'PRUNEFS="NFS fuse.gladiafs tmpfs"' > /etc/updatedb.conf
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/fuse c 10 229
chmod 755 "$SCRATCH"
mkdir "$SCRATCH/own"
cp "$PROGRAM" "$SCRATCH/own/program"
cp "$KEY_FILE" "$SCRATCH/own/key"
chown -R 65534:65534 "$SCRATCH/own"
"""
RUN = {
    "root": """
"$PROGRAM" --check -o "$@" && code=0 || code=$?
""",
    "user": """
setpriv --reuid 65534 --regid 65534 --clear-groups "$SCRATCH/own/program" --check \
  -o "key_file=$SCRATCH/own/key,cache_dir=$SCRATCH/own/cache,$@" && code=0 || code=$?
""",
}


class Checked(dict):
    """The output of --check: verdict and message of each check. Asserts the exit code."""

    def __init__(self, output):
        *lines, code = output.splitlines()
        super().__init__((line.split()[1], (line.split()[0], line[20:])) for line in lines)
        assert list(self) == NAMES
        for _, sentence in self.values():
            assert sentence and KEY not in sentence
        right = all(verdict == OK for verdict, _ in self.values())
        assert int(code) == (0 if right else 32)

    def only(self, name):
        """Asserts that only this check failed. Returns its message."""
        assert [one for one, (verdict, _) in self.items() if verdict == WRONG] == [name]
        return self[name][1]


class RefusingProxy:
    """A proxy on loopback that answers each CONNECT with an error status."""

    def __init__(self, status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def check(place):
    """Runs --check after a script has broken one thing."""
    env = environment(place.home, SCRATCH="/mnt", PROGRAM=PROGRAM, KEY_FILE=str(place.key_file))

    def start(source, *options, spoil="", user="root"):
        ours = place.options(*options) if user == "root" else ",".join(options or ["ttl=60"])
        return Checked(run_in_namespace(ORDERLY + spoil + RUN[user] + "echo $code", ours, source,
                                        env=env))
    return start


@needs_root
class TestOneThingWrong:
    """If one thing is wrong, --check reports only that, and how to fix it."""

    @pytest.mark.parametrize("user", ["root", "user"])
    def test_nothing(self, mock, check, user):
        """SEMANTICS 1.6.1"""
        found = check(mock.url, user=user)
        assert [entry for entry in found.values() if entry[0] != OK] == []
        assert [request.status for request in mock.log()] == [401, 200]

    @pytest.mark.parametrize("option, where", [
        ("!cache_dir", "the default directory"), ("ttl=60", "set with -o cache_dir=")])
    def test_what_is_right(self, mock, check, option, where):
        """Each check that passes says what it found."""
        words = {name: found[1] for name, found in check(mock.url, option).items()}
        assert words["network"] == f"{mock.url} can be reached"
        assert words["TLS"] == "is not used on loopback"
        assert words["clock"] == "agrees with the API's"
        assert words["key"].endswith("; the API accepts it")
        assert words["/dev/fuse"] == "can be opened"
        assert words["fusermount3"] == f"is {shutil.which('fusermount3')}"
        assert words["fuse.conf"] == "lets you use -o allow_other"
        assert re.fullmatch(r"/\S+ can be written, and has \d+ MiB left; " + where,
                            words["cache"])
        assert words["updatedb"] == "skips gladiafs mounts"

    def test_network(self, check):
        found = check("http://127.0.0.1:1")
        assert "https_proxy" in found.only("network")
        assert found["key"][0] == found["clock"][0] == UNKNOWN

    def test_name(self, check):
        found = check("https://name.invalid")
        assert "DNS" in found.only("network")
        assert found["TLS"][0] == UNKNOWN

    @pytest.mark.parametrize("cert", ["expired", "other", "untrusted"])
    def test_tls(self, mock, check, tmp_path, cert):
        needed_tools("nginx", "openssl")
        here = tmp_path / "front"
        here.mkdir()
        make_certificates(here)
        front = Front(here, mock.url, "good" if cert == "untrusted" else cert)
        try:
            found = check(front.url, *([] if cert == "untrusted" else [f"ca_file={here}/ca.pem"]))
        finally:
            front.stop()
        sentence = found.only("TLS")
        assert "ca-certificates" in sentence and "set the clock" in sentence

    @pytest.mark.parametrize("status, words", [
        ("407 Proxy Authentication Required", "user name and a password (407)"),
        ("403 Forbidden", "cannot be reached")])
    def test_proxy(self, check, status, words):
        """SEMANTICS 1.4: --check uses the proxy given by proxy= and reports that it refused."""
        with RefusingProxy(status) as url:
            found = check("https://api.test", f"proxy={url}")
        assert words in found["network"][1] and found["network"][0] == WRONG

    def test_ca_file(self, check):
        assert "/nowhere" in check("https://localhost:1", "ca_file=/nowhere").only("TLS")

    @pytest.mark.parametrize("date, word", [("Mon, 02 Feb 2015 08:00:00 GMT", "ahead of"),
                                            ("Mon, 04 Feb 2080 08:00:00 GMT", "behind")])
    def test_clock(self, check, date, word):
        with ClockServer(date) as url:
            sentence = check(url).only("clock")
        assert word in sentence and "timedatectl" in sentence

    @pytest.mark.parametrize("skew_s, verdict", [
        (-330, WRONG), (-270, OK), (270, OK), (330, WRONG)])
    def test_clock_is_a_little_wrong(self, check, skew_s, verdict):
        with ClockServer(formatdate(time.time() + skew_s, usegmt=True)) as url:
            assert check(url)["clock"][0] == verdict

    def test_no_date(self, check):
        with ClockServer("today") as url:
            assert check(url)["clock"] == (OK, "the API sent no valid Date header")

    def test_key_is_missing(self, mock, check):
        """SEMANTICS 1.6.2"""
        sentence = check(mock.url, "!key_file").only("key")
        assert "/.gladia (chmod 600)" in sentence

    def test_key_of_others(self, mock, check, place):
        place.key_file.chmod(0o644)
        assert f"chmod 600 {place.key_file}" in check(mock.url).only("key")

    def test_key_is_refused(self, mock, check, place):
        """SEMANTICS 1.6.3"""
        place.write_key("another-key")
        assert "401" in check(mock.url).only("key")

    def test_device_is_missing(self, mock, check):
        assert "modprobe fuse" in check(mock.url, spoil="rm /dev/fuse\n").only("/dev/fuse")

    def test_device_of_others(self, mock, check):
        found = check(mock.url, spoil="chmod 600 /dev/fuse\n", user="user")
        assert "chmod 666" in found.only("/dev/fuse")

    @pytest.mark.parametrize("user", ["root", "user"])
    def test_helper_is_missing(self, mock, check, user):
        spoil = "touch $SCRATCH/no; mount --bind $SCRATCH/no $(command -v fusermount3)\n"
        assert "apt install fuse3" in check(mock.url, spoil=spoil, user=user).only("fusermount3")

    def test_helper_is_not_roots(self, mock, check):
        spoil = ("cp $(command -v fusermount3) $SCRATCH/helper; chmod 755 $SCRATCH/helper;"
                 "mount --bind $SCRATCH/helper $(command -v fusermount3)\n")
        assert "chmod u+s" in check(mock.url, spoil=spoil, user="user").only("fusermount3")

    def test_others_may_not_look(self, mock, check):
        """A missing user_allow_other is wrong only for an unprivileged user with allow_other."""
        spoil = "echo '#user_allow_other' > /etc/fuse.conf\n"
        found = check(mock.url, "allow_other", spoil=spoil, user="user")
        assert "add the line user_allow_other" in found.only("fuse.conf")
        assert check(mock.url, spoil=spoil, user="user")["fuse.conf"][0] == OK
        assert check(mock.url, "allow_other", spoil=spoil)["fuse.conf"][0] == OK

    @pytest.mark.parametrize("line, allowed", [
        (" \tuser_allow_other  # for all", True), ("user_allow_other#", True),
        ("user_allow_others", False), ("user_allow", False), ("# user_allow_other", False)])
    def test_lines_of_fuse_conf(self, mock, check, line, allowed):
        spoil = f"printf 'mount_max = 9\n{line}\n' > /etc/fuse.conf\n"
        found = check(mock.url, "allow_other", spoil=spoil, user="user")
        assert found["fuse.conf"][0] == (OK if allowed else WRONG)

    def test_no_fuse_conf(self, mock, check):
        spoil = "rm /etc/fuse.conf\n"
        verdict, words = check(mock.url, spoil=spoil, user="user")["fuse.conf"]
        assert verdict == OK and "not with -o allow_other" in words

    def test_fuse_conf_of_others(self, mock, check):
        found = check(mock.url, spoil="chmod 600 /etc/fuse.conf\n", user="user")
        assert "chmod 644" in found.only("fuse.conf")

    def test_cache_of_others(self, mock, check, place):
        place.cache.mkdir()
        place.cache.chmod(0o777)
        assert "chmod 700" in check(mock.url).only("cache")

    def test_cache_is_full(self, mock, check, place):
        place.cache.mkdir(mode=0o700)
        spoil = f"mount -t tmpfs -o size=8m,mode=700 none {place.cache}\n"
        assert "free some space" in check(mock.url, spoil=spoil).only("cache")
        assert check(mock.url, "cache=off", spoil=spoil)["cache"] == (
            OK, "is off (-o cache=off)")

    @pytest.mark.parametrize("mib, verdict", [(63, WRONG), (64, OK)])
    def test_cache_is_nearly_full(self, mock, check, place, mib, verdict):
        place.cache.mkdir(mode=0o700)
        spoil = f"mount -t tmpfs -o size={mib}m,mode=700 none {place.cache}\n"
        found = check(mock.url, spoil=spoil)["cache"]
        assert found[0] == verdict and f" {mib} MiB left" in found[1]

    def test_updatedb_of_others(self, mock, check):
        found = check(mock.url, spoil="chmod 600 /etc/updatedb.conf\n", user="user")
        assert "chmod 644 /etc/updatedb.conf" in found.only("updatedb")

    @pytest.mark.parametrize("line", ['PRUNEFS="NFS tmpfs"', 'PRUNEPATHS="/x"',
                                      '# PRUNEFS="fuse.gladiafs"', 'PRUNEFS="fuse.gladiafsx"'])
    def test_updatedb(self, mock, check, line):
        """If PRUNEFS does not contain fuse.gladiafs, the command in the message fixes that."""
        found = check(mock.url, spoil=f"echo '{line}' > /etc/updatedb.conf\n")
        assert "fuse.gladiafs" in found.only("updatedb")
        if line.startswith("PRUNEFS") and not line.endswith('x"'):
            command = found["updatedb"][1].partition(": ")[2]
            fixed = check(mock.url, spoil=f"echo '{line}' > /etc/updatedb.conf\n{command}\n")
            assert fixed["updatedb"][0] == OK

    @pytest.mark.parametrize("systemd, where, verdict", [
        (True, None, WRONG), (True, "/usr/lib/systemd", OK), (True, "/usr/local/lib", OK),
        (False, "/usr/local/lib", WRONG)])
    def test_updatedb_of_systemd(self, mock, check, systemd, where, verdict):
        """Our drop-in for plocate's unit counts only if systemd runs that unit."""
        spoil = "echo 'PRUNEFS=\"NFS\"' > /etc/updatedb.conf\nmount -t tmpfs none /run\n"
        if systemd:
            spoil += "mkdir -p /run/systemd/system\n"
        if where:
            if not os.path.isdir(where):
                pytest.skip(f"there is no {where}")
            below = "" if where.endswith("systemd") else "/systemd"
            unit = f"{where}{below}/system/plocate-updatedb.service.d"
            spoil += f"mount -t tmpfs none {where}; mkdir -p {unit}; touch {unit}/gladiafs.conf\n"
        assert check(mock.url, spoil=spoil)["updatedb"][0] == verdict

    def test_no_updatedb(self, mock, check):
        assert check(mock.url, spoil="rm /etc/updatedb.conf\n")["updatedb"] == (
            OK, "is not installed")


def test_words(program):
    """SEMANTICS 1.3: a wrong command line with --check is a usage error."""
    code, _, err = program("--check", "gladia", "/mnt")
    assert code == 1 and "SOURCE" in err
    code, _, err = program("--check", "ftp://x")
    assert code == 1 and "https://" in err


class ClockServer:
    """A server that answers every request with an empty page and the given date."""

    def __init__(self, date):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"first":"","current":"","next":null,"items":[]}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def date_time_string(self, timestamp=None):
                return date

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class TestMountpoint:
    """SEMANTICS 1.6.4: --check MOUNTPOINT."""

    def test_mountpoint(self, account, mount, program):
        """SEMANTICS 1.6.4: the checks use the mount's API URL, key and cache."""
        one = mount(account)
        _, out, _ = program("--check", one.path)
        lines = {line.split()[1]: line for line in out.splitlines()}
        assert lines["mount"].startswith(OK) and account.url in lines["mount"]
        assert lines["network"].startswith(OK) and account.url in lines["network"]
        assert lines["key"].startswith(OK) and str(one.place.key_file) in lines["key"]
        assert str(one.place.cache) in lines["cache"]
        _, inside, _ = program("--check", one.path / "all")
        assert str(one.path) in inside.splitlines()[0]

    def test_odd_path(self, account, mount, place, program):
        """A path in .gladiafs/config is the same path here, whatever characters it has."""
        place.key_file.rename(place.directory / "a\\b\x01c")
        one = mount(account, f"key_file={place.directory}/a\\\\b\x01c")
        _, out, _ = program("--check", one.path)
        (key,) = (line for line in out.splitlines() if line.split()[1] == "key")
        assert f"from {place.directory}/a\\b?c; the API accepts it" in key

    def test_nothing_is_mounted(self, place, program):
        path = place.new_directory()
        code, out, _ = program("--check", path)
        assert code == 32
        assert re.match(f"{WRONG} +mount +is missing: nothing is mounted on {path}", out)

    def test_dead(self, account, mount, program):
        one = mount(account)
        one.kill()
        one.wait()
        code, out, _ = program("--check", one.path)
        assert code == 32
        assert re.match(f"{WRONG} +mount +is there, but is one whose process has ended", out)

    def test_no_directory(self, program):
        code, out, _ = program("--check", "/nowhere/at-all")
        assert code == 32
        assert re.match(f"{WRONG} +mount .*no such directory", out)
