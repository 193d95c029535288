# SPDX-License-Identifier: MIT
"""SEMANTICS 8.1: jobs as text and subtitles, made on the fly."""

import errno
import json
import os
import stat

import pytest

from directory import Directory
from mock import AN_ID
from tools import names_of, read, run, wait_until

FORMATS = ("txt", "srt", "vtt")
TALK = [{"text": "Hello, this is Ines.", "speaker": 0}, {"text": "How can I help?", "speaker": 0},
        {"text": "A refund, please. 1 < 2 & 3 --> 4", "speaker": 1}]


def file_of(one, job_id, name, directory="all"):
    return one.path / directory / f"{job_id}.{name}"


def transcriptions(names):
    """The names without those of translations, which have a language before the format."""
    return [name for name in names if name.count(".") == 1]


def show(mock, mount, *options, **what):
    """Returns a function that returns the text of a job in a format."""
    job_id = mock.create(**what)
    one = mount(mock, *options)
    return lambda name: read(file_of(one, job_id, name)).decode()


def times_of(text):
    """Returns the times of subtitles, in the form of SubRip."""
    return [line.replace(".", ",") for line in text.split("\n") if " --> " in line]


def cues_by_ffmpeg(paths, directory):
    """Returns the cues that ffmpeg finds in each file, as it writes them: times and text. Runs
    ffmpeg only once, because starting it takes longer than reading."""
    ins, outs, found = [], [], []
    for number, path in enumerate(paths):
        ins += ["-f", "webvtt" if path.suffix == ".vtt" else "srt", "-i", path]
        outs += ["-map", f"{number}:0", "-f", "srt", directory / f"{number}.srt"]
    run("ffmpeg", "-nostdin", "-v", "error", "-y", *ins, *outs)
    for number in range(len(paths)):
        text = (directory / f"{number}.srt").read_text(encoding="utf-8")
        cues = [cue.split("\n") for cue in text.strip().split("\n\n") if cue]
        found.append([(cue[1], " ".join(cue[2:])) for cue in cues])
    return found


class TestShapes:
    """SEMANTICS 8.1: the contents of the formats."""

    def test_plain(self, mock, mount):
        text = show(mock, mount, lines=["Zoë speaks.", "And goes on."])
        assert text("txt") == "Zoë speaks. And goes on.\n"
        srt, vtt = text("srt").split("\n"), text("vtt").split("\n")
        assert srt[0] == "1" and srt[2] == "Zoë speaks. And goes on."
        assert vtt[:2] == ["WEBVTT", ""] and vtt[3] == srt[2]
        assert vtt[2] == srt[1].replace(",", ".")

    def test_diarized(self, mock, mount):
        """SEMANTICS 8.1.1"""
        text = show(mock, mount, lines=TALK)
        assert text("txt") == ("Speaker 0: Hello, this is Ines. How can I help?\n"
                               "Speaker 1: A refund, please. 1 < 2 & 3 --> 4\n")
        assert "\nA refund, please. 1 < 2 & 3 -- > 4\n" in text("srt")
        assert "\n<v Speaker 1>A refund, please. 1 &lt; 2 &amp; 3 -- &gt; 4\n" in text("vtt")
        assert "Speaker" not in text("srt")

    def test_channels(self, mock, mount):
        text = show(mock, mount, channels=2, lines=[
            {"text": "Left.", "channel": 0}, {"text": "Right.", "channel": 1},
            {"text": "Left again.", "channel": 0}])
        assert text("txt") == "Channel 0: Left.\nChannel 1: Right.\nChannel 0: Left again.\n"
        assert "Right.\n" in text("srt") and "Channel" not in text("srt")
        assert "<v Channel 1>" in text("vtt")

    def test_languages(self, mock, mount):
        text = show(mock, mount, lines=[
            {"text": "Good morning.", "language": "en"},
            {"text": "こん|にちは。", "language": "ja"}, {"text": "Доброе утро.", "language": "ru"}])
        assert text("txt") == "Good morning. こんにちは。 Доброе утро.\n"
        for said in ("Good morning.", "こんにちは。", "Доброе утро."):
            assert said in text("srt") and said in text("vtt")

    @pytest.mark.parametrize("right", [False, True], ids=["wrong times", "right times"])
    def test_made_by_the_api(self, mock, mount, right):
        """Subtitles made by the API are shown cue by cue, with the correct decimal separators."""
        job_id = mock.create(lines=TALK[:2], subtitles=["srt", "vtt"], right_times=right)
        one = mount(mock)
        made = {name: run("jq", "-j", ".result.transcription.subtitles[] | "
                          f'select(.format == "{name}").subtitles', file_of(one, job_id, "json"))
                for name in ("srt", "vtt")}
        for name, point, other in (("srt", ",", "."), ("vtt", ".", ",")):
            lines = [line.replace(other, point) if "-->" in line else line
                     for line in made[name].split("\n") if name == "srt" or not line.isdigit()]
            assert read(file_of(one, job_id, name)).decode() == "\n".join(lines).rstrip() + "\n"

    def test_one_kind_made(self, mock, mount):
        """SEMANTICS 8.3.10: if the API made only one kind, the other is made from that."""
        text = show(mock, mount, lines=TALK[:1], subtitles=True)
        assert "\nHello, this is Ines.\n" in text("srt")
        assert "\nHello, this is Ines.\n" in text("vtt") and "<v" not in text("vtt")
        assert times_of(text("vtt")) == times_of(text("srt"))

    def test_unreadable(self, mock, mount):
        """SEMANTICS 8.3.12: if no cue can be read in them, ours are shown, and the log says so."""
        mock.create(raw='{"id":"%s","status":"done","result":{"transcription":{"subtitles":'
                       '[{"format":"srt","subtitles":"no cue"}],"utterances":[{"text":"Ours.",'
                       '"start":1,"end":2}]}}}' % AN_ID)
        one = mount(mock)
        assert read(file_of(one, AN_ID, "srt")) == b"1\n00:00:01,000 --> 00:00:02,000\nOurs.\n"
        one.await_message(f"job {AN_ID} has subtitles in which no cue can be read")

    def test_translation_and_notes(self, mock, mount, tmp_path):
        """SEMANTICS 8.4: a translation has subtitles of its own, which ffmpeg can read."""
        spoken = {"utterances": [{"text": "Hello there.", "start": 1, "end": 3, "speaker": 0}]}
        other = {"languages": ["de"], "utterances": [
            {"text": " Hallo.", "start": 1, "end": 3, "speaker": 0,
             "words": [{"word": " Hallo.", "start": 1.5, "end": 2.5}]}]}
        mock.create(raw=json.dumps({
            "id": AN_ID, "status": "done", "created_at": "2026-04-01T08:00:00.000Z",
            "file": {"filename": "talk.mp3"},
            "result": {"transcription": spoken, "translation": {"results": [other]}}}))
        one = mount(mock)
        files = [file_of(one, AN_ID, f"de.{kind}") for kind in ("srt", "vtt")]
        assert cues_by_ffmpeg(files, tmp_path) == [[("00:00:01,500 --> 00:00:02,500", "Hallo.")]] * 2
        assert read(file_of(one, AN_ID, "de.txt")) == b"Speaker 0: Hallo.\n"
        assert read(file_of(one, AN_ID, "txt")) == b"Speaker 0: Hello there.\n"
        notes = read(file_of(one, AN_ID, "md")).decode()
        assert notes.startswith("# talk.mp3\n\n- Date: 2026-04-01 08:00:00 UTC\n")
        assert notes.endswith("\n[00:00:01] **Speaker 0:** Hello there.\n")

    def test_no_speech(self, mock, mount):
        text = show(mock, mount, lines=[])
        assert [text(name) for name in FORMATS] == ["", "", "WEBVTT\n"]

    def test_without_words(self, mock, mount):
        """Utterances without words, as returned if no timestamps were requested."""
        job_id = AN_ID
        mock.create(raw='{"id":"%s","status":"done","result":{"transcription":{"utterances":'
                       '[{"text":"No words.","start":1,"end":2.5}]}}}' % job_id)
        one = mount(mock)
        assert read(file_of(one, job_id, "txt")) == b"No words.\n"
        assert read(file_of(one, job_id, "srt")) == (
            b"1\n00:00:01,000 --> 00:00:02,500\nNo words.\n")

    @pytest.mark.parametrize("result", ["null", "{}", '{"transcription":null}',
                                        '{"transcription":{"utterances":[[],{"text":{}}]}}'])
    def test_done_without_a_transcription(self, mock, mount, result):
        mock.create(raw='{"id":"%s","status":"done","result":%s}' % (AN_ID, result))
        one = mount(mock)
        assert [read(file_of(one, AN_ID, name)) for name in FORMATS] == [b"", b"", b"WEBVTT\n"]


class TestForeignParser:
    """SEMANTICS 8.1: ffmpeg reads all subtitles of an account, cue by cue."""

    def test_account(self, new_mock, mount, tmp_path):
        account = new_mock("--jobs", "40", "--bytes", "2000:30000")
        account.create(lines=TALK, subtitles=["srt", "vtt"])
        account.create(lines=TALK, channels=2)
        one = mount(account)
        jobs = account.jobs(status="done")
        assert len(jobs) > 30
        found = 0
        cues = cues_by_ffmpeg([file_of(one, job["id"], kind) for job in jobs
                               for kind in ("srt", "vtt")], tmp_path)
        for job, srt, vtt in zip(jobs, cues[::2], cues[1::2]):
            times = times_of(read(file_of(one, job["id"], "srt")).decode())
            assert [when for when, _ in srt] == times
            assert len(srt) == len(vtt) == len(times)
            found += len(times)
        assert found > 100

    def test_hostile(self, mock, mount, tmp_path):
        texts = ["\n\n2\n00:00:01,000 --> 00:00:02,000\nboo", "a --> b", "-->", "<i>", "WEBVTT",
                 "NOTE x", "\u2028\u2028", "1"]
        job_id = mock.create(lines=[{"text": text, "speaker": 0} for text in texts])
        one = mount(mock)
        files = [file_of(one, job_id, kind) for kind in ("srt", "vtt")]
        srt, vtt = cues_by_ffmpeg(files, tmp_path)
        times = times_of(read(files[0]).decode())
        assert [when for when, _ in srt] == [when for when, _ in vtt] == times


class TestFiles:
    """SEMANTICS 5.1, 8.1: renditions are ordinary files."""

    @pytest.fixture
    def one(self, account, mount):
        return mount(account, "formats=json:txt:srt:vtt")

    def test_sizes_are_exact(self, one, account, tmp_path):
        """cp, wc and stat see the exact sizes."""
        run("cp", "-r", one.path / "all", tmp_path / "copy")
        names = os.listdir(one.path / "all")
        assert len(transcriptions(names)) == len(account.jobs()) + 3 * len(account.jobs(status="done"))
        for name in names:
            info = os.stat(one.path / "all" / name)
            text = read(one.path / "all" / name)
            assert info.st_size == len(text) and info.st_blocks == (len(text) + 511) // 512
            assert read(tmp_path / "copy" / name) == text
            assert stat.S_IMODE(info.st_mode) == 0o644 and info.st_nlink == 3

    def test_times_are_the_job_s(self, one, account):
        job = account.jobs(status="done")[0]["id"]
        stats = [os.stat(file_of(one, job, name)) for name in ("json", *FORMATS)]
        assert len({info.st_mtime_ns for info in stats}) == 1
        assert len({info.st_ino for info in stats}) == 4

    def test_inodes(self, one, account, mount):
        """SEMANTICS 5.2: each file has its own inode number, the same in every directory, on every
        mount, and in readdir."""
        job = account.jobs(status="done")[0]
        other = mount(account)
        for name in FORMATS:
            inode = os.stat(file_of(one, job["id"], name)).st_ino
            assert os.stat(file_of(one, job["id"], name, "status/done")).st_ino == inode
            assert os.stat(file_of(other, job["id"], name)).st_ino == inode
        for entry in os.scandir(one.path / "all"):
            assert entry.inode() == entry.stat().st_ino
            assert entry.is_file()

    def test_tools(self, mock, mount, tmp_path):
        jobs = [mock.create(lines=TALK), mock.create(lines=["Nothing of the kind."])]
        one = mount(mock, "formats=json:txt")
        place = one.path / "all"
        assert run("grep", "-rl", "--include=*.txt", "refund", place) == f"{place}/{jobs[0]}.txt\n"
        assert run("sh", "-c", 'cat "$0"/*.txt | wc -l', place) == "3\n"
        assert run("find", place, "-name", "*.txt", "-size", "0") == ""
        run("tar", "-C", place, "-cf", tmp_path / "all.tar", ".")
        assert run("tar", "-xOf", tmp_path / "all.tar", f"./{jobs[1]}.txt") == (
            "Nothing of the kind.\n")
        run("rsync", "-a", f"{place}/", tmp_path / "copy")
        assert run("rsync", "-an", "--out-format=%n", f"{place}/", tmp_path / "copy").split() in (
            [], ["./"])
        assert run("head", "-c", "10", file_of(one, jobs[0], "txt")) == "Speaker 0:"
        assert run("tail", "-c", "6", file_of(one, jobs[0], "txt")) == "--> 4\n"

    def test_read_only(self, one, account):
        """SEMANTICS 5.3."""
        path = file_of(one, account.jobs(status="done")[0]["id"], "txt")
        for change in (lambda: os.remove(path), lambda: open(path, "ab")):
            with pytest.raises(OSError) as caught:
                change()
            assert caught.value.errno == errno.EROFS

    def test_big(self, mock, mount):
        """A rendition of a job of some megabytes can be read in parts."""
        job_id = mock.create(bytes=5000000)
        one = mount(mock)
        for name in FORMATS:
            whole = read(file_of(one, job_id, name))
            assert len(whole) > 200000
            with open(file_of(one, job_id, name), "rb", buffering=0) as file:
                for start in (len(whole) - 1, 0, 131071, len(whole), len(whole) + 9):
                    assert os.pread(file.fileno(), 200000, start) == whole[start:start + 200000]


class TestNames:
    """SEMANTICS 3.5, 8.1: which names exist, and how many requests they cost."""

    @pytest.mark.parametrize("name", FORMATS)
    def test_never_listed(self, account, mount, name):
        """SEMANTICS 8.1.4: Reading a format costs one request by id and no listing; the other
        formats then cost none."""
        job_id = account.jobs(status="done")[0]["id"]
        one = mount(account)
        read(file_of(one, job_id, name))
        (request,) = one.requests()
        assert request.path.endswith(job_id)
        for other in ("json", *FORMATS):
            read(file_of(one, job_id, other))
        assert one.requests() == []

    def test_not_done(self, account, mount):
        """SEMANTICS 8.1.2: a format of an unfinished job is ENOENT, even in a directory that shows
        the job, and it is not listed."""
        one = mount(account, "formats=json:txt:srt:vtt")
        for status in ("queued", "processing", "error"):
            for job in account.jobs(status=status):
                assert file_of(one, job["id"], "json").exists()
                for name in FORMATS:
                    assert not file_of(one, job["id"], name).exists()
            assert set(os.listdir(one.path / "status" / status)) == names_of(
                account.jobs(status=status))

    def test_where_the_job_is(self, account, mount):
        one = mount(account)
        job = account.jobs(status="done")[0]
        day = job["created_at"][:10]
        for name in FORMATS:
            assert file_of(one, job["id"], name, f"date/{day}/status/done").exists()
            assert not file_of(one, job["id"], name, "status/error").exists()
            assert not file_of(one, job["id"], name, f"before/{day}").exists()

    def test_no_job(self, account, mount):
        """SEMANTICS 3.3: a name that cannot be a job costs no request."""
        one = mount(account)
        for name in ("nothing.txt", ".txt", "a b.srt", "x.TXT", "x.ass", f"{AN_ID}.txt.gz"):
            assert not (one.path / "all" / name).exists()
        assert one.requests() == []
        assert not file_of(one, AN_ID, "txt").exists()
        assert [request.status for request in one.requests()] == [404]

    @pytest.mark.parametrize("formats", ["json", "json:vtt", "json:txt:srt", "srt:txt:json:vtt", "txt", "vtt:txt"])
    def test_listed(self, account, mount, formats):
        """Each name is listed once, and formats that are not listed exist as well."""
        one = mount(account, f"formats={formats}")
        listed = formats.split(":")
        wanted = {f"{job['id']}.{name}" for job in account.jobs() for name in listed
                  if name == "json" or job["status"] == "done"}
        names = os.listdir(one.path / "all")
        assert len(names) == len(set(names)) and set(transcriptions(names)) == wanted
        for name in ("json", *FORMATS):
            assert file_of(one, account.jobs(status="done")[0]["id"], name).exists()

    def test_not_listed_unless_wanted(self, account, mount):
        """SEMANTICS 8.1.3"""
        one = mount(account)
        assert set(os.listdir(one.path / "all")) == names_of(account.jobs())

    def test_listing_costs_nothing_more(self, account, mount):
        """SEMANTICS 6.2: a listing costs the usual pages; no job is fetched to find out a name."""
        account.modes(items="summary")
        one = mount(account, "formats=json:txt:srt:vtt")
        with Directory(one.path / "all") as directory:
            assert directory.next()
            assert len(one.requests()) == 1
        assert len(os.listdir(one.path / "all")) > 800
        assert all(request.lists for request in one.requests())

    def test_positions(self, account, mount):
        """SEMANTICS 6.4: telldir and seekdir work with several files per job."""
        one = mount(account, "formats=json:txt:vtt")
        with Directory(one.path / "all") as directory:
            places = []
            names = []
            while True:
                places.append(directory.tell())
                name = directory.next()
                if not name:
                    break
                names.append(name)
            for at in (0, 1, 2, 3, 50, 301, len(names) - 1, len(names)):
                directory.seek(places[at])
                assert directory.rest() == names[at:]
            directory.rewind()
            assert directory.rest() == names


class TestFreshness:
    """SEMANTICS 7.1, 7.3: names and texts change with the job."""

    def test_when_it_is_done(self, mock, mount):
        job_id = mock.create(status="processing")
        one = mount(mock, "ttl=1", "formats=json:txt")
        path = file_of(one, job_id, "txt")
        assert not path.exists()
        assert os.listdir(one.path / "all") == [f"{job_id}.json"]
        mock.change(job_id, status="done", lines=["It is done."])
        wait_until(path.exists, "its text is there")
        assert read(path) == b"It is done.\n"
        wait_until(lambda: sorted(os.listdir(one.path / "all")) == [
            f"{job_id}.json", f"{job_id}.txt"], "it is listed")

    def test_a_new_version(self, mock, mount):
        """If the text of a done job changes, a refresh shows the new version."""
        job_id = mock.create(lines=["Old."])
        one = mount(mock, "ttl=1")
        path = file_of(one, job_id, "txt")
        assert read(path) == b"Old.\n"
        inode = os.stat(path).st_ino
        with open(path, "rb", buffering=0) as old:
            mock.change(job_id, lines=["New and longer."])
            wait_until(lambda: os.listdir(one.path / "all") and os.stat(path).st_size == 16,
                       "it is the new one")
            assert read(path) == b"New and longer.\n"
            # The kernel has the whole old text or nothing, never a mix.
            try:
                assert os.pread(old.fileno(), 100, 0) == b"Old.\n"
            except OSError as error:
                assert error.errno == errno.ESTALE
        assert os.stat(path).st_ino == inode

    def test_deleted(self, mock, mount):
        job_id = mock.create(lines=["Gone soon."])
        one = mount(mock, "ttl=1", "formats=json:txt:srt")
        assert len(os.listdir(one.path / "all")) == 3
        path = file_of(one, job_id, "txt")
        assert read(path) == b"Gone soon.\n"
        mock.delete(job_id)
        wait_until(lambda: os.listdir(one.path / "all") == [], "it is missed")
        wait_until(lambda: not path.exists(), "its name is gone")

    def test_no_repeated_requests(self, account, mount):
        """SEMANTICS 7.3: reading a text again costs no request, even after a remount."""
        one = mount(account, "formats=json:txt")
        place = one.path / "status/done"
        run("grep", "-rc", "a", place)
        one.requests()
        run("grep", "-rc", "a", place)
        assert one.requests() == []
        job_id = account.jobs(status="done")[0]["id"]
        text = read(file_of(one, job_id, "txt"))
        one.unmount()
        two = mount(account)
        assert read(file_of(two, job_id, "txt")) == text
        assert two.requests() == []

    def test_evicted(self, new_mock, mount):
        """SEMANTICS 7.4: if a text was evicted, the job is fetched again and gives the same
        rendition."""
        account = new_mock("--jobs", "20", "--bytes", "1000000", "--errors", "0")
        one = mount(account, "cache_size=1M", "formats=json:txt:srt:vtt")
        done = [job["id"] for job in account.jobs(status="done")]
        sizes = {name: os.stat(one.path / "all" / name).st_size
                 for name in os.listdir(one.path / "all")}
        for job_id in done:
            for name in FORMATS:
                assert len(read(file_of(one, job_id, name))) == sizes[f"{job_id}.{name}"]


@pytest.mark.parametrize("formats,why", [
    ("json:doc", '"doc"'), ("txt:", "takes one or more"), ("txt:json:txt", "txt twice"),
    ("", "takes one or more")])
def test_formats_that_are_none(program, formats, why):
    """SEMANTICS 1.4: an unknown format is a usage error that names it."""
    code, _, err = program("-o", f"formats={formats}", "/nowhere")
    assert code == 1 and "-o formats" in err and why in err and err.count("\n") == 1
