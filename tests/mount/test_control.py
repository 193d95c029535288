# SPDX-License-Identifier: MIT
"""SEMANTICS 9.1: .gladiafs/{stats,errors,config}. SEMANTICS 1.5: gladiafs --refresh."""

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from mounting import PROGRAM, environment, needs_root, refresh
from tools import PATIENCE, names_of, read, run, wait_until

DOCS = Path(__file__).parents[2] / "docs" / "CONTROL.md"


def stats(one):
    return json.loads(read(one.path / ".gladiafs/stats"))


def errors(one):
    return read(one.path / ".gladiafs/errors").decode().splitlines()


def documented(section):
    """Returns the names in the first column of a section's table in docs/CONTROL.md."""
    text = DOCS.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    names = set()
    for line in text.splitlines():
        if line.startswith("| `"):
            names.update(re.findall(r"`([^`]+)`", line.split(" | ")[0]))
    return names


def fields(value, path=""):
    """Yields the paths of all leaves, as docs/CONTROL.md spells them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if path == "requests.responses":
                name = "STATUS"
            elif path == "messages":
                name = "KIND"
            yield from fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, path + "[]")
    else:
        yield path


class TestStats:
    """SEMANTICS 9.1"""

    def test_every_field_is_documented(self, account, mount, reader):
        """SEMANTICS 9.1.4"""
        one = mount(account)
        account.fault_lists("stall", skip=1)
        reader("ls", "-f", one.path / "all").hangs()
        assert set(fields(stats(one))) == documented("stats")
        account.clear_faults()

    def test_counts(self, account, mount):
        one = mount(account)
        account.modes(retry_after="absent")
        account.fault("status", times=1, status=503)
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        log = one.requests()
        now = stats(one)
        asked = now["requests"]
        answers = {}
        for entry in log:
            if entry.status:
                answers[str(entry.status)] = answers.get(str(entry.status), 0) + 1
        assert answers["503"] == 1
        # A page that turns out to be unnecessary is cancelled, perhaps before it is sent.
        assert asked["responses"]["503"] == 1
        assert 1 <= asked["responses"]["200"] <= answers["200"]
        assert asked["sent"] >= len(log)
        assert asked["retries"] == 1
        assert asked["under_way"] == 0
        assert 0 < asked["bytes"] <= sum(entry.bytes for entry in log)
        assert 0 < asked["latency_ms"]["p50"] <= asked["latency_ms"]["max"]
        assert now["jobs"]["known"] == len(account.jobs())
        # Sanitizers and valgrind (PATIENCE is above 1) replace malloc().
        assert (64 << 10 if PATIENCE == 1 else 0) <= now["memory"]["in_use"] < 64 << 20
        assert now["cache"]["waits"] >= 1
        assert now["cache"]["waiting"] == 0
        assert now["cache"]["locked_ms"] == 0
        assert now["refreshes"] == []

    def test_messages(self, account, mount):
        """A second stat() of all files does not send a message per file."""
        one = mount(account)
        names = os.listdir(one.path / "all")
        for name in names:
            os.stat(one.path / "all" / name)
        before = stats(one)["messages"]
        for name in names:
            os.stat(one.path / "all" / name)
        after = stats(one)["messages"]
        assert sum(after.values()) - sum(before.values()) < 12
        assert after["opendir"] == before["opendir"] >= 1

    def test_a_refresh_in_progress(self, account, mount, reader):
        one = mount(account)
        account.fault_lists("stall", skip=1)
        hanging = reader("ls", "-f", one.path / "status/done").hangs()
        (refresh,) = stats(one)["refreshes"]
        assert refresh["path"] == "status/done"
        assert refresh["names"] == 20
        assert refresh["waited_for"] is True
        assert stats(one)["cache"]["waiting"] == 1
        account.clear_faults()
        assert hanging.result()[0] == 0
        assert stats(one)["refreshes"] == []

    def test_sizes_and_several_readers(self, account, mount):
        """SEMANTICS 9.1.2: a file has the size that fstat() returned, and each of two open files
        shows one state."""
        one = mount(account)
        path = one.path / ".gladiafs/stats"
        assert 0 < path.stat().st_size < 4096
        with open(path, "rb") as first, open(path, "rb") as second:
            sizes = [os.fstat(file.fileno()).st_size for file in (first, second)]
            os.listdir(one.path / "all")
            texts = [file.read() for file in (second, first)][::-1]
            assert [len(text) for text in texts] == sizes
        sent = [json.loads(text)["requests"]["sent"] for text in texts]
        assert sent == [0, 0] and stats(one)["requests"]["sent"] > 0
        one_ino, other_ino = (path.stat().st_ino for _ in range(2))
        assert one_ino == other_ino

    def test_times(self, account, mount):
        """The times of a control file change only if its text changes, as tar requires."""
        one = mount(account)
        config, problems, counts = (one.path / ".gladiafs" / name
                                    for name in ("config", "errors", "stats"))

        def times():
            return config.stat().st_ctime_ns, problems.stat().st_ctime_ns

        before, tick = times(), counts.stat().st_mtime_ns
        wait_until(lambda: counts.stat().st_mtime_ns != tick, "the clock goes on")
        assert times() == before
        account.fault_lists("status", status=401)
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        assert times()[0] == before[0] and times()[1] > before[1]

    def test_tools(self, account, mount, tmp_path):
        one = mount(account)
        assert "stats" in run("ls", "-l", one.path / ".gladiafs")
        run("jq", "-e", ".requests.sent >= 0", one.path / ".gladiafs/stats")
        run("cp", "-a", one.path / ".gladiafs", tmp_path / "copy")
        assert json.loads((tmp_path / "copy/stats").read_bytes())
        run("tar", "-C", one.path, "-cf", tmp_path / "x.tar", ".gladiafs")
        assert ".gladiafs" not in os.listdir(one.path)
        assert sorted(os.listdir(one.path / ".gladiafs")) == ["config", "errors", "stats"]
        with pytest.raises(OSError) as caught:
            (one.path / ".gladiafs/stats").write_bytes(b"")
        assert caught.value.errno == errno.EROFS

    def test_many_reads(self, account, mount):
        """Texts of control files that no reader has open are freed: 300 reads succeed while one
        file stays open."""
        one = mount(account)
        with open(one.path / ".gladiafs/stats", "rb") as kept:
            for _ in range(300):
                assert stats(one)
            assert json.loads(kept.read())
        assert stats(one)["messages"]["lookup"] > 300


class TestConfig:
    """SEMANTICS 9.1"""

    def config(self, one):
        lines = read(one.path / ".gladiafs/config").decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_options_in_effect(self, account, mount, place):
        """SEMANTICS 9.1.5"""
        one = mount(account, "ttl=7", "connections=3", "umask=027", "cache=off")
        config = self.config(one)
        assert set(config) == documented("config")
        assert config["ttl"] == "7" and config["connections"] == "3"
        assert config["umask"] == "027" and config["cache"] == "off"
        assert config["origin"] == account.url
        assert config["key_file"] == str(place.key_file)
        assert config["mountpoint"] == str(one.path)

    def test_a_path_that_is_more_than_a_line(self, account, mount, tmp_path):
        path = tmp_path / "a\nttl=9\\"
        path.mkdir()
        one = mount(account, path=path)
        config = self.config(one)
        assert config["ttl"] == "60"
        assert config["mountpoint"].endswith("a\\012ttl=9\\134")


class TestErrors:
    """SEMANTICS 9.1: the file `errors` explains an error seen in a shell."""

    @pytest.mark.parametrize("fault, output, words", [
        ({"kind": "status", "status": 401}, "Permission denied", "401 Unauthorized"),
        ({"kind": "status", "status": 429}, "Device or resource busy", "429 Too Many Requests"),
        ({"kind": "stall"}, "Connection timed out", "did not answer within"),
        ({"kind": "bad_json"}, "Input/output error", "listing jobs (offset 0"),
        ({"kind": "status", "status": 500}, "Input/output error", "500 Internal Server Error")],
        ids=["401", "429", "stall", "bad_json", "500"])
    def test_ls(self, account, mount, fault, output, words):
        one = mount(account, "timeout=1")
        assert errors(one) == []
        account.fault(**fault)
        done = subprocess.run(["ls", one.path / "all"], capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode == 2 and output in done.stderr
        sentence = errors(one)[-1]
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z listing jobs \(", sentence)
        assert words in sentence
        # The log has the same message, including the advice after the semicolon.
        one.await_message(sentence.split(" ", 1)[1])
        assert "; " in sentence
        account.clear_faults()

    def test_the_apis_own_words(self, account, mount):
        one = mount(account)
        account.modes(key="another")
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        sentence = errors(one)[-1]
        assert "gladia user not found" in sentence
        assert re.search(r"\(request [\w-]+\)", sentence)
        assert account.key not in "\n".join(errors(one))

    def test_the_last_64(self, account, mount):
        one = mount(account)
        account.fault("status", status=401)
        for job in account.jobs()[:70]:
            with pytest.raises(PermissionError):
                read(one.path / "all" / (job["id"] + ".json"))
        sentences = errors(one)
        assert len(sentences) == 64
        assert account.jobs()[69]["id"] in sentences[-1]
        assert account.jobs()[6]["id"] in sentences[0]

    def test_the_key_is_in_none(self, account, mount):
        """SEMANTICS 9.1.3, 2.2: no control file contains the key, even if the server quotes it."""
        one = mount(account)
        account.fault("status", status=403, body={"message": f"no {account.key} here",
                                                  "request_id": account.key})
        with pytest.raises(PermissionError):
            os.listdir(one.path / "all")
        assert "no ******" in errors(one)[-1]
        for name in ("stats", "errors", "config"):
            assert account.key.encode() not in read(one.path / ".gladiafs" / name)


class TestRefresh:
    """SEMANTICS 1.5: gladiafs --refresh PATH."""

    def listed(self, one, path):
        return set(os.listdir(one.path / path))

    def test_directory(self, account, mount, place):
        """SEMANTICS 1.5.1"""
        one = mount(account)
        before = self.listed(one, "status/done")
        self.listed(one, "status/error")
        new = account.create(text="It is new.") + ".json"
        assert self.listed(one, "status/done") == before
        one.requests()
        assert refresh(place, one.path / "status/done") == (0, "")
        assert one.requests() == []
        assert self.listed(one, "status/done") == before | {new}
        assert one.requests()
        self.listed(one, "status/error")
        assert one.requests() == []

    def test_file_means_its_directory(self, account, mount, place):
        """SEMANTICS 1.5.9"""
        one = mount(account)
        before = self.listed(one, "all")
        new = account.create(text="It is new.") + ".json"
        assert refresh(place, one.path / "all" / min(before)) == (0, "")
        assert self.listed(one, "all") == before | {new}

    def test_unfinished_job(self, account, mount, place):
        one = mount(account)
        job = account.create(status="queued") + ".json"
        assert json.loads(read(one.path / "all" / job))["status"] == "queued"
        account.change(job[:-5], status="done")
        assert json.loads(read(one.path / "all" / job))["status"] == "queued"
        assert refresh(place, one.path / "status/queued") == (0, "")
        assert json.loads(read(one.path / "all" / job))["status"] == "done"

    @pytest.mark.parametrize("path", [".", ".gladiafs", ".gladiafs/stats"])
    def test_root_means_the_mount(self, account, mount, place, path):
        """SEMANTICS 1.5.2"""
        one = mount(account)
        self.listed(one, "status/error")
        before = self.listed(one, "all")
        new = account.create(text="It is new.") + ".json"
        gone = account.jobs(status="done")[-1]["id"]
        account.delete(gone)
        assert refresh(place, one.path / path) == (0, "")
        assert self.listed(one, "all") == before - {gone + ".json"} | {new}
        # A separate thread notifies the kernel.
        wait_until(lambda: not (one.path / "all" / (gone + ".json")).exists(),
                   "the name is forgotten")
        one.requests()
        self.listed(one, "date")
        assert one.requests() == []

    def test_two_at_once(self, account, mount, place):
        one = mount(account)
        two = mount(account)
        assert refresh(place, one.path, two.path / "all") == (0, "")

    def test_no_mount(self, place, tmp_path):
        code, output = refresh(place, tmp_path)
        assert code == 1
        assert output == (f"gladiafs: {tmp_path} is not in a gladiafs mount: mount first, "
                        "then give a path inside it "
                        "(findmnt -t fuse.gladiafs lists mounts)\n")
        code, output = refresh(place, tmp_path / "none")
        assert code == 1 and output.endswith("none: No such file or directory\n")

    def test_dead_mount(self, account, mount, place):
        one = mount(account)
        one.kill()
        one.wait()
        code, output = refresh(place, one.path)
        assert code == 1
        assert output.endswith("its gladiafs process has ended; mount again\n")

    @needs_root
    def test_of_another_user(self, account, mount, place):
        """Another user may read the mount with allow_other, but may not refresh it."""
        one = mount(account, "allow_other")
        os.listdir(one.path / "all")
        run("chmod", "a+x", *[path for path in one.path.parents if path.owner() == "root"
                              and path.is_relative_to("/tmp") and path != Path("/tmp")])
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", PROGRAM,
                               "--refresh", one.path / "all"], capture_output=True,
                              text=True, timeout=60, check=False,
                              env=environment(place.home))
        assert done.returncode == 2, done.stderr
        assert "only root and the user that mounted it" in done.stderr
