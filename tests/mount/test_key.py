# SPDX-License-Identifier: MIT
"""SEMANTICS 2.1 to 2.3: where the program looks for the key, and where the key must never
appear."""

import json
import os
import resource
import signal
import subprocess

import pytest

from mounting import IS_ROOT, PROGRAM, Program, environment, needs_root, run_in_namespace
from mock import KEY
from tools import names_of, read

FAILED = 32


@pytest.fixture
def stranger(new_mock):
    """Another host, which must not get any request."""
    return new_mock("--jobs", "5", key="the-strangers-own-key")


class TestPlaces:
    """SEMANTICS 2.1: the first place that exists decides."""

    PLACES = ["key_file", "credentials", "variable", "config", "cli"]

    @pytest.mark.parametrize("index", range(len(PLACES)))
    def test_order(self, mock, mount, place, tmp_path, index):
        """SEMANTICS 2.1.2: The good key is in one place, and a wrong one in each place after it."""
        env = environment(place.home, XDG_CONFIG_HOME=str(tmp_path / "config"))
        options = ["!key_file"]
        for number, name in enumerate(self.PLACES[index:]):
            key = KEY if number == 0 else "wrong"
            if name == "variable":
                env["GLADIA_API_KEY"] = key
                continue
            path = {"key_file": tmp_path / "given", "config": tmp_path / "config/gladiafs/key",
                    "credentials": tmp_path / "credentials/gladia-key",
                    "cli": place.home / ".gladia"}[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(key + "\n", encoding="ascii")
            if name == "key_file":
                options = [f"key_file={path}"]
            if name == "credentials":
                env["CREDENTIALS_DIRECTORY"] = str(path.parent)
        assert os.listdir(mount(mock, *options, env=env).path / "all") == []

    # A private mount namespace, so that no real file is touched.
    ELSEWHERE = """
umask 077
mount -t tmpfs none "$2"
cp "$PROGRAM" "$2/gladiafs"
mkdir "$2/upper" "$2/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$2/upper,workdir=$2/work" none /etc
mount -t tmpfs none /root
mount -t tmpfs none /var/cache
mkdir -p "$(dirname "$3")"
echo "$KEY" > "$3"
env -i PATH="$PATH" "$2/gladiafs" "$URL" "$1"
ls "$1/all"
umount "$1"
"""

    @needs_root
    @pytest.mark.parametrize("where", ["/root/.config/gladiafs/key", "/root/.gladia",
                                       "/etc/gladiafs/key"])
    def test_without_home(self, mock, tmp_path, where):
        """Without HOME, as under fstab, the home directory comes from the password database."""
        mountpoint, scratch = tmp_path / "mnt", tmp_path / "scratch"
        mountpoint.mkdir()
        scratch.mkdir()
        env = {**os.environ, "KEY": KEY, "URL": mock.url, "PROGRAM": PROGRAM}
        run_in_namespace(self.ELSEWHERE, mountpoint, scratch, where, env=env)
        assert [request.status for request in mock.log()] == [200, 200]


class TestChangedKey:
    """SEMANTICS 2.1: a key that the API refuses is read again from its file."""

    NEW = "another-key-5f1e"

    def test_changed_key(self, account, mount, place):
        """SEMANTICS 2.1.7: no signal is needed, and no call fails."""
        one = mount(account)
        account.modes(key=self.NEW)
        place.write_key(self.NEW)
        assert len(os.listdir(one.path / "all")) == len(account.jobs())
        assert [entry.status for entry in one.requests()][:2] == [401, 200]
        one.await_message("using another API key")

    def test_same_key(self, account, mount):
        """If the file has still the same key, the call fails, after one request."""
        one = mount(account)
        account.modes(key=self.NEW)
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        assert [entry.status for entry in one.requests()] == [401]

    def test_missing_file(self, account, mount, place):
        """The log says why the key could not be read, and what it is hidden by."""
        hidden = place.home / ".gladia"
        hidden.touch(mode=0o600)
        one = mount(account)
        account.modes(key=self.NEW)
        place.key_file.unlink()
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        one.await_message("keeping the current API key: there is no key file",
                          f"(this comes before {hidden})")


class TestWhichKey:
    """SEMANTICS 2.1: a message about a key names its source, and any other source that it hides."""

    @pytest.fixture
    def env(self, place):
        """A wrong key in the variable, and a good one in ~/.gladia."""
        place.key_file.rename(place.home / ".gladia")
        return environment(place.home, GLADIA_API_KEY="old")

    @pytest.fixture
    def description(self, place):
        return f"from GLADIA_API_KEY, which comes before {place.home}/.gladia"

    def test_mounting(self, account, place, env, description):
        """SEMANTICS 2.1.3"""
        code, _, err = Program(place, "-f", "-o", place.options("!key_file"), account.url,
                               place.new_directory(), env=env).end()
        assert code == FAILED
        assert err.rstrip().endswith("; check the API key: it is " + description)

    def test_check(self, account, place, env, description):
        """SEMANTICS 2.1.4"""
        words = ["--check", "-o", place.options("!key_file"), account.url]
        _, out, _ = Program(place, *words, env=env).end()
        (line,) = [line for line in out.splitlines() if line.split()[1] == "key"]
        assert line.startswith("WRONG") and line.endswith(description)
        env["GLADIA_API_KEY"] = account.key
        _, out, _ = Program(place, *words, env=env).end()
        (line,) = [line for line in out.splitlines() if line.split()[1] == "key"]
        assert line.split(maxsplit=2)[2] == f"is {description}; the API accepts it"
        words[-1] = "http://127.0.0.1:1"
        env["GLADIA_API_KEY"] = "old"
        _, out, _ = Program(place, *words, env=env).end()
        (line,) = [line for line in out.splitlines() if line.split()[1] == "key"]
        assert line.startswith("?") and description in line

    def test_running(self, account, mount, place, env, description):
        """SEMANTICS 2.1.5: if a mount returns EACCES, the log and .gladiafs/ say why."""
        env["GLADIA_API_KEY"] = account.key
        one = mount(account, "!key_file", env=env)
        config = read(one.path / ".gladiafs/config").decode().splitlines()
        assert "key_file=GLADIA_API_KEY" in config
        assert f"key_hides={place.home}/.gladia" in config
        account.modes(key="another")
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        assert read(one.path / ".gladiafs/errors").decode().rstrip().endswith(description)
        one.await_message(description)

    def test_nothing_hidden(self, account, mount, place):
        one = mount(account)
        config = read(one.path / ".gladiafs/config").decode().splitlines()
        assert f"key_file={place.key_file}" in config and "key_hides=none" in config
        account.modes(key="another")
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        assert read(one.path / ".gladiafs/errors").decode().rstrip().endswith(
            f"check the API key: it is from {place.key_file}")

    def test_refused(self, account, place, env):
        """A source that is refused hides the good key, too."""
        env["GLADIA_API_KEY"] = "not a key"
        code, _, err = Program(place, "-f", "-o", place.options("!key_file"), account.url,
                               place.new_directory(), env=env).end()
        assert code == FAILED and account.log() == []
        assert f"(this comes before {place.home}/.gladia)" in err


class TestSecrecy:
    """SEMANTICS 2.2"""

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602, 0o660, 0o606])
    def test_files_of_others(self, mock, program, place, mode):
        """SEMANTICS 2.2.2: A key file that others can read or write is refused, with the command
        that fixes it."""
        place.key_file.chmod(mode)
        code, _, err = program("-f", "-o", place.options(), mock.url, place.new_directory())
        assert code == FAILED
        assert f"chmod 600 {place.key_file}" in err
        assert err.count("\n") == 1 and KEY not in err
        assert mock.log() == []

    @pytest.mark.parametrize("mode", [0o400, 0o600])
    def test_files_of_ours(self, mock, mount, place, mode):
        place.key_file.chmod(mode)
        assert os.listdir(mount(mock).path / "all") == []

    def test_nowhere_to_be_seen(self, account, mount, place):
        """SEMANTICS 2.2.4: The key is not in argv, the environment, the table of mounts, or a
        message."""
        env = environment(place.home, GLADIA_API_KEY=KEY)
        one = mount(account, "!key_file", env=env)
        account.fault("status", status=401, body="you sent " + KEY)
        with pytest.raises(OSError):
            os.listdir(one.path / "all")
        account.clear_faults()
        one.await_message("\n")
        os.listdir(one.path / "all")
        for name in ("cmdline", "environ", "mountinfo", "mounts", "maps", "comm"):
            try:
                with open(f"/proc/{one.pid}/{name}", "rb") as file:
                    assert KEY.encode() not in file.read(), name
            except PermissionError:
                assert not IS_ROOT
        assert KEY not in one.stderr

    def test_debug_output(self, account, mount):
        """SEMANTICS 1.1: the output of -d does not contain the key either."""
        one = mount(account, letters=["-d"])
        os.listdir(one.path / "all")
        one.unmount()
        assert "readdirplus /all" in one.stderr and KEY not in one.stderr

    def test_no_core(self, account, mount, tmp_path):
        """SEMANTICS 2.2.8: A crash dumps no memory, even if the limit and the system allow it."""
        limit = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))
        try:
            control = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
            control.send_signal(signal.SIGABRT)
            _, status = os.waitpid(control.pid, 0)
            control.returncode = -signal.SIGABRT
            if not os.WCOREDUMP(status):
                pytest.skip("nothing dumps core here")
            one = mount(account)
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limit)
        os.kill(one.pid, signal.SIGABRT)
        _, status = os.waitpid(one.pid, 0)
        one.code = one.program.process.returncode = -signal.SIGABRT
        assert os.WTERMSIG(status) == signal.SIGABRT
        assert not os.WCOREDUMP(status)


class TestOrigin:
    """SEMANTICS 2.3: the key is sent only to the origin of SOURCE."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects(self, account, mount, stranger, status):
        """SEMANTICS 2.3.1: Redirects are not followed, neither for listings nor for job fetches nor
        for the key check."""
        one = mount(account, "timeout=1")
        job = account.jobs()[0]["id"] + ".json"
        account.fault("redirect", status=status, location=stranger.url + "/v2/pre-recorded")
        for action in (lambda: os.listdir(one.path / "all"),
                       lambda: read(one.path / "all" / job)):
            with pytest.raises(OSError):
                action()
        assert stranger.log() == []
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_redirect_of_the_key_check(self, account, program, place, stranger):
        account.fault("redirect", location=stranger.url + "/v2/pre-recorded")
        code, _, err = program("-f", "-o", place.options("timeout=1"), account.url,
                               place.new_directory())
        assert code == FAILED and err.count("\n") == 1
        assert stranger.log() == []

    def test_redirect_on_our_own_host(self, account, mount):
        """A redirect within the same host is not followed either."""
        one = mount(account, "timeout=1")
        account.fault("redirect", {"path": "/v2/pre-recorded"},
                      location=account.url + "/elsewhere")
        with pytest.raises(OSError):
            os.listdir(one.path / "all")
        assert {request.path for request in one.requests()} == {"/v2/pre-recorded"}

    def test_next(self, account, mount, stranger):
        """SEMANTICS 2.3.3: Only the query of `next` is used, with our own origin and path."""
        one = mount(account, "page_size=20")
        account.modes(next_form="other_host:" + stranger.url)
        connections = stranger.stats()["connections"]
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        assert {request.path for request in one.requests()} == {"/v2/pre-recorded"}
        # The only new connection is this call's own.
        assert stranger.stats()["connections"] == connections + 1
        assert stranger.log() == []

    @pytest.mark.parametrize("link", [
        "//evil.invalid/v2/pre-recorded?offset=20", "http://127.0.0.1:1/?offset=20",
        "https://user:pass@evil.invalid/?offset=20#x", "file:///etc/passwd?offset=20",
        "/../../secret?offset=20"])
    def test_strange_next(self, account, mount, link):
        one = mount(account, "page_size=20", "timeout=2")
        items = [json.loads(account.body(job["id"])) for job in account.jobs()[:20]]
        account.fault("page", {"path": "/v2/pre-recorded", "query_contains": "offset=0"},
                      times=1, page={"first": link, "current": link, "next": link,
                                     "items": items})
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        assert {request.path for request in one.requests()} == {"/v2/pre-recorded"}

    def test_key_is_a_header(self, account, mount):
        """The key is sent in a header, and never in a URL that a proxy or a log may store."""
        mount(account)
        for request in account.log():
            assert request.headers["x-gladia-key"] == KEY
            assert KEY not in request.path + request.query
