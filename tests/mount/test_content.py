# SPDX-License-Identifier: MIT
"""SEMANTICS 4.1 to 4.3: the contents of files."""

import errno
import os
import re
import subprocess

import pytest

from layout import numbers, pretty
from mock import AN_ID
from tools import names_of, read, run, wait_until

SPOILT_EASILY = ["9007199254740993", "1.4904600000000001", "1e3", "-0", "0.10"]


def by_jq(*words, text):
    done = subprocess.run(["jq", *words], input=text, stdout=subprocess.PIPE, timeout=60,
                          check=True)
    return done.stdout


def exact_in_jq(written):
    """Returns the numbers that the installed jq prints unchanged."""
    written = sorted(written)
    printed = by_jq(".", text="\n".join(written).encode()).decode().splitlines()
    return {number for number, line in zip(written, printed, strict=True) if number == line}


def file_of(one, job_id):
    return one.path / "all" / (job_id + ".json")


class TestWhole:
    """SEMANTICS 4.1: a file contains the whole job, formatted as by `jq .`."""

    @pytest.fixture(params=["listed", "by id"])
    def files(self, request, account, mount):
        """The id, the text from the API, and the file's bytes, of each job."""
        one = mount(account)
        if request.param == "listed":
            assert set(os.listdir(one.path / "all")) == names_of(account.jobs())
        return [(job["id"], account.body(job["id"]), read(file_of(one, job["id"])))
                for job in account.jobs()]

    def test_bytes(self, files):
        assert len(files) == 250
        for job_id, original, shown in files:
            assert shown == pretty(original), job_id

    def test_as_jq(self, files):
        """SEMANTICS 4.1.1: files equal the output of jq, if jq itself keeps all digits."""
        exact = exact_in_jq({number for _, original, _ in files for number in numbers(original)})
        same = [(original, shown) for _, original, shown in files if exact.issuperset(numbers(original))]
        assert len(same) > 50
        assert by_jq(".", text=b"\n".join(original for original, _ in same)) == b"".join(
            shown for _, shown in same)

    def test_values(self, files):
        """To jq, each file has the same value as the text from the API."""
        assert by_jq("-S", ".", text=b"\n".join(original for _, original, _ in files)) == by_jq(
            "-S", ".", text=b"\n".join(shown for _, _, shown in files))

    def test_digits(self, files):
        """Numbers that a conversion to double would change keep all their digits."""
        seen = set()
        for _, original, shown in files:
            assert numbers(shown) == numbers(original)
            seen.update(numbers(shown))
        assert seen.issuperset(SPOILT_EASILY)


class TestText:
    """SEMANTICS 4.1: how strings, keys and numbers are formatted."""

    def show(self, mock, mount, raw):
        """Creates a job with these members. Returns the path of its file."""
        mock.create(raw='{"id":"%s",%s}' % (AN_ID, raw))
        return file_of(mount(mock), AN_ID)

    def test_escapes(self, mock, mount):
        r"""\uXXXX becomes UTF-8, so that grep finds it."""
        path = self.show(mock, mount, r'"status":"done","result":{"transcription":'
                         r'{"full_transcript":"Zo\u00eb \u00c5ngstr\u00f6m \ud83c\udf99 \/"}}')
        assert run("grep", "-c", "Zoë Ångström 🎙 /", path) == "1\n"

    def test_what_stays_escaped(self, mock, mount):
        """Control characters and lone surrogates stay escaped."""
        text = r"\u0000 \u001b \n \t \" \\ \ud800 \udc00x"
        path = self.show(mock, mount,
                         '"status":"done","result":{"transcription":"%s"}' % text)
        assert f'"transcription": "{text}"\n' in read(path).decode()

    def test_order_and_layout(self, mock, mount):
        """Keys keep their order. The layout has two spaces per level, one value per line, and a
        newline at the end."""
        path = self.show(mock, mount, '"z":[],"y":{},"status":"error","x":[1,{}],'
                         '"b":{"d":1,"c":[[]]},"a":null')
        assert read(path).decode() == (
            f'{{\n  "id": "{AN_ID}",\n  "z": [],\n  "y": {{}},\n  "status": "error",\n'
            '  "x": [\n    1,\n    {}\n  ],\n  "b": {\n    "d": 1,\n    "c": [\n      []\n'
            '    ]\n  },\n  "a": null\n}\n')

    @pytest.mark.parametrize("number", [
        *SPOILT_EASILY, "-1E-7", "123456789012345678901234567890", "1e400", "0.0", "1E+2"])
    def test_number(self, mock, mount, number):
        path = self.show(mock, mount,
                         '"status":"error","custom_metadata":{"n":%s}' % number)
        assert f'    "n": {number}\n' in read(path).decode()

    def test_line_tools(self, mock, mount):
        """The examples with grep, jq, wc and tail in the demo work."""
        job_id = mock.create(lines=["I would like a refund.", "Of course."])
        mock.create(text="Nothing of the kind.")
        one = mount(mock)
        call = file_of(one, job_id)
        assert run("grep", "-rl", "refund", one.path / "all") == f"{call}\n"
        assert run("jq", "-r", ".result.transcription.full_transcript", call) == (
            "I would like a refund. Of course.\n")
        assert int(run("wc", "-l", call).split()[0]) == read(call).count(b"\n")
        assert run("tail", "-n1", call) == "}\n"


class TestSummaries:
    """SEMANTICS 4.2: list items that lack the transcription."""

    @pytest.fixture
    def account(self, account):
        account.modes(items="summary")
        return account

    def test_names_alone(self, account, mount):
        """A listing without attributes fetches no job."""
        one = mount(account)
        assert run("ls", "-f", one.path / "all").count(".json\n") == 250
        assert all(request.lists for request in one.requests())

    def test_whole_files(self, account, mount):
        """SEMANTICS 4.2.1"""
        one = mount(account)
        for name in os.listdir(one.path / "all"):
            original = account.body(name.removesuffix(".json"))
            assert (one.path / "all" / name).stat().st_size == len(pretty(original))
            assert read(one.path / "all" / name) == pretty(original)

    def test_each_is_fetched_once(self, account, mount):
        """SEMANTICS 4.2.2: each finished job is fetched once by its id; the list items of the
        other jobs are complete."""
        one = mount(account)
        run("ls", "-l", one.path / "all")
        run("grep", "-rc", "a", one.path / "all")
        jobs = [request.path for request in one.requests() if not request.lists]
        assert len(jobs) == len(set(jobs)) == len(account.jobs(status="done"))

    def test_fetched_ahead(self, account, mount):
        """SEMANTICS 4.2.3: neighbours are fetched in parallel, up to `connections` at once."""
        one = mount(account, "connections=4")
        names = os.listdir(one.path / "status/done")
        account.modes(latency_ms=20)
        account.clear_stats()
        for name in names[:40]:
            os.stat(one.path / "status/done" / name)
        assert 3 <= account.stats()["max_in_flight"] <= 5

    def test_by_id(self, account, mount):
        """A job fetched by its id is complete: only lists have summaries."""
        one = mount(account)
        job_id = account.jobs(status="done")[0]["id"]
        assert read(file_of(one, job_id)) == pretty(account.body(job_id))
        assert len(one.requests()) == 1


class TestUnreadable:
    """SEMANTICS 4.3: a response that cannot be parsed causes EIO and a log message, never a
    partial file."""

    FAULTS = [{"kind": "truncate_valid"}, {"kind": "bad_json"}, {"kind": "html"},
              {"kind": "empty"}]

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
    def test_job(self, account, mount, fault):
        one = mount(account, "timeout=2")
        job_id = account.jobs(status="done")[0]["id"]
        account.fault_jobs(job_id=job_id, **fault)
        with pytest.raises(OSError) as caught:
            read(file_of(one, job_id))
        assert caught.value.errno == errno.EIO
        wait_until(lambda: re.search(rf"{job_id}.*byte \d", one.stderr), "it is logged")
        account.clear_faults()
        assert read(file_of(one, job_id)) == pretty(account.body(job_id))

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
    def test_page(self, account, mount, fault):
        """SEMANTICS 4.3.1"""
        one = mount(account, "timeout=2")
        account.fault_lists(**fault)
        with pytest.raises(OSError) as caught:
            os.listdir(one.path / "all")
        assert caught.value.errno == errno.EIO
        wait_until(lambda: re.search(r"offset.0\b.*byte \d", one.stderr), "it is logged")
        account.clear_faults()
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())


def test_reading_in_parts(mock, mount):
    """SEMANTICS 4.1: a file can be read at any offset, beyond its end, and backwards."""
    job_id = mock.create(bytes=150000)
    one = mount(mock)
    wanted = pretty(mock.body(job_id))
    with open(file_of(one, job_id), "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        assert size == len(wanted)
        for start in (size - 1, 0, 4095, 131071, 131073, size // 2, size, size + 1, size + 9999):
            assert os.pread(file.fileno(), 70000, start) == wanted[start:start + 70000]
