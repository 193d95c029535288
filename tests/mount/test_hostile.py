# SPDX-License-Identifier: MIT
"""SEMANTICS 3.6, 11.3: malicious names and bodies from the network. The mount keeps working."""

import errno
import json
import os

import pytest

from chance import SHORT
from layout import pretty
from mock import AN_ID
from tools import PATIENCE, Stopwatch, names_of, read, wait_until

# Ids, and the names of their files.
NAMED = {
    "../../etc/passwd": "%2E.%2F..%2Fetc%2Fpasswd",
    "..": "%2E.",
    ".": "%2E",
    ".hidden": "%2Ehidden",
    "a/b": "a%2Fb",
    "/": "%2F",
    "new\nline": "new%0Aline",
    "tab\tand bell\a": "tab%09and bell%07",
    "100%": "100%25",
    "a%2Fb": "a%252Fb",
    "Zoë": "Zoë",
    "-rf *": "-rf *",
    "$(reboot)": "$(reboot)",
    "x" * 250: "x" * 250,
    "job.json": "job.json",
    "back\\slash": "back\\slash",
    "\x7f": "%7F",
}
# Ids that no file name can hold: these jobs are left out, and the log says so.
REFUSED = ["", "x" * 300, "é" * 126, "/" * 86]


def raw_job(job_id, **more):
    return json.dumps({"id": job_id, "status": "done", "created_at": "2026-04-01T10:00:00.000Z",
                       "completed_at": "2026-04-01T10:00:09.000Z",
                       "result": {"transcription": {"full_transcript": "Hello."}}, **more})


class TestIds:
    """SEMANTICS 3.6"""

    def test_names(self, mock, mount):
        """SEMANTICS 3.6.2"""
        for job_id in NAMED:
            mock.create(id=job_id, text="Hello.")
        one = mount(mock)
        for path in ("all", "status/done"):
            assert set(os.listdir(one.path / path)) == {
                name + ".json" for name in NAMED.values()}
        for job_id, name in NAMED.items():
            assert read(one.path / "all" / (name + ".json")) == pretty(mock.body(job_id))

    @pytest.mark.parametrize("name", NAMED.values())
    def test_never_listed(self, mock, mount, name):
        """SEMANTICS 3.3: the API's ids are UUIDs; any other name costs no request."""
        one = mount(mock)
        assert not (one.path / "all" / (name + ".json")).exists()
        assert one.requests() == []

    @pytest.mark.parametrize("job_id", REFUSED, ids=lambda job_id: f"{job_id[:1]}{len(job_id)}")
    def test_refused(self, account, mount, job_id):
        """SEMANTICS 3.6.3: The job is left out and the log says so; the other jobs are shown."""
        others = names_of(account.jobs())
        account.create(id=job_id, text="Hello.")
        one = mount(account)
        assert set(os.listdir(one.path / "all")) == others
        one.await_message("left out")
        assert one.stderr.count("\n") < 20

    @pytest.mark.parametrize("raw", [
        '{"id":"nul\\u0000byte","status":"done"}', '{"id":"\\ud800","status":"done"}'])
    def test_no_text(self, account, mount, raw):
        """Ids that are not valid text: none becomes a truncated name."""
        others = names_of(account.jobs())
        account.create(raw=raw)
        one = mount(account)
        names = set(os.listdir(one.path / "all"))
        assert others <= names and "nul.json" not in names

    def test_upper_and_lower_case(self, mock, mount):
        """Jobs whose ids differ only in case are separate files."""
        for job_id in ("abc", "ABC", "aBc"):
            mock.create(id=job_id, text="Hello.")
        assert set(os.listdir(mount(mock).path / "all")) == {
            "abc.json", "ABC.json", "aBc.json"}

    def test_log_stays_in_its_lines(self, account, mount):
        """A job cannot write lines into the log."""
        account.create(id="x" * 300 + "\ngladiafs: all is well\n\x1b[2J", text="Hello.")
        one = mount(account)
        os.listdir(one.path / "all")
        assert "\x1b" not in one.stderr
        assert not any(line.startswith("gladiafs: all is well")
                       for line in one.stderr.splitlines())


class TestHeads:
    """SEMANTICS 11.3: jobs that are not as the API describes them."""

    @pytest.mark.parametrize("more", [
        {"created_at": None}, {"created_at": "yesterday"}, {"created_at": 5},
        {"completed_at": "never"}, {"status": "cancelled"}, {"status": 7}, {"result": None},
        {"result": []}, {"result": {"transcription": []}}, {"custom_metadata": "text"},
        {"file": "text"}, {"error_code": "text"}, {"created_at": "9999-99-99T99:99:99.999Z"}],
        ids=str)
    def test_odd_member(self, account, mount, more):
        """The job is shown as it is, and does not affect any other."""
        others = names_of(account.jobs())
        raw = raw_job(AN_ID, **more)
        account.create(raw=raw)
        one = mount(account)
        assert set(os.listdir(one.path / "all")) == others | {AN_ID + ".json"}
        assert read(one.path / "all" / (AN_ID + ".json")) == pretty(raw)

    def test_by_another_id(self, account, mount):
        """A job fetch that returns another job's id is an error, and is not shown as that job."""
        account.create(id=AN_ID, raw=raw_job("00000000-0000-4000-8000-000000000000"))
        one = mount(account, "timeout=1")
        with pytest.raises(OSError) as caught:
            read(one.path / "all" / (AN_ID + ".json"))
        assert caught.value.errno == errno.EIO


BODIES = [
    ("empty", {}), ("html", {}), ("truncate_valid", {}), ("bad_json", {}),
    ("bad_json", {"body": "null"}), ("bad_json", {"body": "[]"}), ("bad_json", {"body": "{}"}),
    ("bad_json", {"body": "7"}), ("bad_json", {"body": '{"items":{}}'}),
    ("bad_json", {"body": '{"items":"text","next":null}'}),
    ("bad_json", {"body": '{"next":null}'}), ("bad_json", {"body": '{"items":[],"next":7}'}),
    ("bad_json", {"body": '{"items":[[],[]],"next":null}'}),
    ("bad_json", {"body": '{"items":[{"id":7}],"next":null}'}),
    ("bad_json", {"body": '{"items":[{}],"next":null}'}),
    ("bad_json", {"body": "{" * 500}), ("bad_json", {"body": '{"items":[],"next":null}x'}),
    ("bad_json", {"body": '{"items":[],"next":null'}),
    ("items_null", {}), ("items_numbers", {}), ("deep", {"depth": 100000}), ("bad_gzip", {}),
    ("truncate", {}), ("truncate", {"declare": "chunked"}), ("reset_after", {"bytes": 10}),
]


class TestBodies:
    """SEMANTICS 4.3, 11.3: the call fails with an error, and the mount keeps working."""

    @pytest.mark.parametrize("kind, fields", BODIES, ids=lambda value: str(value)[:40])
    def test_page(self, account, mount, kind, fields):
        one = mount(account, "timeout=1")
        account.fault_lists(kind, **fields)
        with pytest.raises(OSError) as caught:
            os.listdir(one.path / "all")
        assert caught.value.errno == errno.EIO
        one.await_message("\n")
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_laid_out(self, account, mount):
        """Deep nesting, with a line and an indent for each bracket."""
        account.modes(pretty=1)
        self.test_page(account, mount, "deep", {"depth": 100000})

    @pytest.mark.parametrize("kind, fields", [
        *BODIES[:8], ("bad_json", {"body": "[" * 100000}), ("bad_gzip", {}),
        ("bad_json", {"body": '{"id":"' + "x" * 300 + '"}'})],
        ids=lambda value: str(value)[:40])
    def test_job(self, account, mount, kind, fields):
        one = mount(account, "timeout=1")
        job_id = account.jobs(status="done")[0]["id"]
        account.fault_jobs(kind, job_id, **fields)
        with pytest.raises(OSError) as caught:
            read(one.path / "all" / (job_id + ".json"))
        assert caught.value.errno == errno.EIO
        account.clear_faults()
        assert read(one.path / "all" / (job_id + ".json")) == pretty(account.body(job_id))

    def test_5_megabytes_of_one_string(self, mock, mount):
        """A job with a long string is valid."""
        one = mount(mock)
        mock.fault_lists("huge_string", bytes=5 << 20)
        path = one.path / "all/00000000-0000-4000-8000-000000000000.json"
        assert os.listdir(one.path / "all") == [path.name]
        assert path.stat().st_size > 5 << 20
        assert read(path).count(b"a") > 5 << 20

    @pytest.mark.skipif(SHORT, reason="takes long; scripts/test --full runs it")
    def test_100_megabytes_of_one_string(self, mock, mount):
        """A maximum size holds: the listing fails or leaves the job out, and memory stays
        limited."""
        one = mount(mock)
        mock.fault_lists("huge_string", bytes=100 << 20)
        try:
            assert os.listdir(one.path / "all") == []
        except OSError as error:
            assert error.errno == errno.EIO
        assert peak_memory(one) < 250 << 20
        mock.clear_faults()
        assert os.listdir(one.path / "status/done") == []

    def test_endless_pages(self, account, mount, reader):
        """SEMANTICS 11.3.1: Pages that always return the same jobs and always have a next page."""
        one = mount(account, "timeout=2", "page_size=20")
        items = [json.loads(account.body(job["id"])) for job in account.jobs()[:20]]
        account.fault_lists("page", page={"items": items, "next": "?offset=1000000&limit=20"})
        with Stopwatch() as watch:
            code, _, _ = reader("ls", "-f", one.path / "all").result()
        assert code != 0
        assert watch.seconds < 20 * PATIENCE
        account.clear_faults()
        assert len(os.listdir(one.path / "status/done")) == len(account.jobs(status="done"))

    def test_memory_of_a_large_page(self, mock, mount):
        """20 jobs of 1.7 MB: the process stays under 96 MiB."""
        one = mount(mock)
        mock.fault_lists("huge_page", items=20, bytes=1700000)
        names = []
        with os.scandir(one.path / "all") as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) == 20:
                    break
        wait_until(lambda: mock.stats()["in_flight"] == 0, "it is quiet")
        if PATIENCE == 1:
            assert peak_memory(one) < 96 << 20


def peak_memory(one):
    """Returns the peak resident size in bytes."""
    with open(f"/proc/{one.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")
