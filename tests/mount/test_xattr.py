# SPDX-License-Identifier: MIT
"""SEMANTICS 5.5: extended attributes, with -o xattr only."""

import errno
import json
import os
import subprocess

import pytest

from mounting import needed_tools
from tools import read, run


@pytest.fixture(scope="module", autouse=True)
def tools():
    needed_tools("getfattr", "setfattr", "rsync")


def attributes(path):
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def wanted(job):
    """Returns the expected attributes of a job, as docs/SEMANTICS.md defines them."""
    file = job.get("file") or {}
    facts = {name: job.get(name) for name in (
        "id", "request_id", "kind", "status", "created_at", "completed_at", "error_code")}
    facts |= {name: file.get(name) for name in (
        "filename", "source", "audio_duration", "number_of_channels")}
    result = job.get("result") or {}
    said = result.get("transcription") or {}
    speakers = {one["speaker"] for one in said.get("utterances") or [] if "speaker" in one}
    facts |= {"billing_time": (result.get("metadata") or {}).get("billing_time"),
              "language": ",".join(said.get("languages") or []) or None,
              "speakers": len(speakers) or None}
    return {"user.gladia." + name: str(value).encode()
            for name, value in facts.items() if value is not None}


class TestWith:
    """SEMANTICS 5.5"""

    def test_all_jobs(self, account, mount):
        one = mount(account, "xattr")
        for path in list((one.path / "all").iterdir())[::7]:
            job = json.loads(read(path))
            got = attributes(path)
            metadata = got.pop("user.gladia.custom_metadata", b"null")
            assert json.loads(metadata) == job["custom_metadata"]
            assert b"\n" not in metadata
            assert got == wanted(job)

    def test_statuses(self, account, mount):
        one = mount(account, "xattr")
        for status in ("queued", "processing", "done", "error"):
            path = next((one.path / "status" / status).iterdir())
            assert os.getxattr(path, "user.gladia.status") == status.encode()
        assert os.getxattr(next((one.path / "status/error").iterdir()),
                           "user.gladia.error_code").isdigit()

    def test_special_texts(self, mock, mount):
        job_id = mock.create(filename='zoë "quoted" \\ 100%.mp3', text="Hello.")
        path = mount(mock, "xattr").path / "all" / (job_id + ".json")
        assert os.getxattr(path, "user.gladia.filename").decode() == 'zoë "quoted" \\ 100%.mp3'

    def test_summaries(self, account, mount):
        """The texts of jobs listed as summaries are fetched."""
        account.modes(items="summary")
        one = mount(account, "xattr")
        path = next((one.path / "status/done").iterdir())
        assert os.getxattr(path, "user.gladia.status") == b"done"

    def test_getfattr(self, account, mount):
        """SEMANTICS 5.5.1"""
        one = mount(account, "xattr")
        path = next((one.path / "status/done").iterdir())
        shown = run("getfattr", "-d", "--absolute-names", path).splitlines()
        assert 'user.gladia.status="done"' in shown
        assert f'user.gladia.id="{path.stem}"' in shown
        # The directory itself has no attributes.
        found = run("getfattr", "-R", "-n", "user.gladia.status", "--only-values",
                    one.path / "status/done", code=1)
        assert found == "done" * len(account.jobs(status="done"))

    def test_errors(self, account, mount):
        one = mount(account, "xattr")
        path = next((one.path / "status/done").iterdir())
        for name, error in (("user.gladia.error_code", errno.ENODATA),
                            ("user.other", errno.ENODATA)):
            with pytest.raises(OSError) as caught:
                os.getxattr(path, name)
            assert caught.value.errno == error
        done = subprocess.run(["setfattr", "-n", "user.gladia.status", "-v", "x", path],
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and "Read-only file system" in done.stderr

    def test_directories_have_none(self, account, mount):
        one = mount(account, "xattr")
        for path in (one.path, one.path / "all", one.path / "status/done"):
            assert os.listxattr(path) == []

    def test_other_formats(self, account, mount):
        """SEMANTICS 5.5.1: a job's text and subtitles have the attributes of the job."""
        one = mount(account, "xattr")
        path = next((one.path / "status/done").iterdir())
        job = json.loads(read(path))
        for suffix in (".json", ".txt", ".srt", ".vtt"):
            got = attributes(path.with_suffix(suffix))
            got.pop("user.gladia.custom_metadata", None)
            assert got == wanted(job) and "user.gladia.billing_time" in got
            assert os.getxattr(path.with_suffix(suffix), "user.gladia.language") == b"en"

    def test_table_has_none(self, account, mount):
        path = mount(account, "xattr").path / "all/jobs.csv"
        assert read(path) and os.listxattr(path) == []

    def test_ls(self, account, mount):
        """ls shows no "+" and reports no error."""
        one = mount(account, "xattr")
        lines = run("ls", "-l", one.path / "all").splitlines()[1:]
        assert len(lines) == 250
        assert {line.split()[0] for line in lines} == {"-rw-r--r--"}

    def test_copies(self, account, mount, tmp_path):
        """cp and rsync copy the attributes if the target filesystem supports them."""
        one = mount(account, "xattr")
        probe = tmp_path / "probe"
        probe.touch()
        try:
            os.setxattr(probe, "user.x", b"1")
        except OSError:
            takes_them = False
        else:
            takes_them = True
        source = one.path / "status/error"
        run("cp", "-a", source, tmp_path / "cp")
        if takes_them:
            run("rsync", "-aX", f"{source}/", tmp_path / "rsync")
        for path in source.iterdir():
            assert read(tmp_path / "cp" / path.name) == read(path)
            if takes_them:
                for copy in ("cp", "rsync"):
                    assert attributes(tmp_path / copy / path.name) == attributes(path)


class TestWithout:
    """SEMANTICS 5.5: without -o xattr there are none, because they cost a message for each file."""

    def test_none(self, account, mount):
        """SEMANTICS 5.5.2"""
        one = mount(account)
        path = next((one.path / "all").iterdir())
        with pytest.raises(OSError) as caught:
            os.getxattr(path, "user.gladia.status")
        assert caught.value.errno == errno.EOPNOTSUPP
        assert run("getfattr", "-d", path, code=1) == ""
        assert {line.split()[0] for line in run("ls", "-l", path.parent).splitlines()[1:]
                } == {"-rw-r--r--"}
