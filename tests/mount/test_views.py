# SPDX-License-Identifier: MIT
"""SEMANTICS 3.7: text/ and subtitles/, which name jobs after their recordings, with real tools."""

import errno
import os
import stat

import pytest

from tools import read, run, wait_until

PART = 13


@pytest.fixture
def shop(mock):
    """Recordings as people name them. Returns the mock server; `shop.made` has the ids by name."""
    mock.made = {}
    for day, name, more in (
            ("01", "call-0942.mp3", {"custom_metadata": {"customer": "acme"}}),
            ("01", "Jürgen Groß 3.5.wav", {"translation": {"language": "de", "lines": ["Ja."]}}),
            ("02", "山田 花子.m4a", {"custom_metadata": {"customer": "acme"}}),
            ("03", "a/b%.mp3", {}), ("03", ".hidden.mp3", {}), ("03", "talk~x.mp3", {})):
        mock.made[name] = mock.create(filename=name, lines=["Hello there."],
                                      created_at=f"2026-04-{day}T10:00:00.000Z", **more)
    mock.create(filename="failed.mp3", status="error")
    mock.create(filename="waiting.mp3", status="queued")
    return mock


def stem(shop, filename):
    """The name of a job without its format."""
    name = os.path.splitext(filename)[0].replace("%", "%25").replace("/", "%2F")
    name = "%2E" + name[1:] if name.startswith(".") else name
    return f"{name}~{shop.made[filename][:PART]}"


class TestNames:
    """SEMANTICS 3.7.1 to 3.7.3."""

    def test_listed(self, shop, mount):
        one = mount(shop)
        stems = [stem(shop, name) for name in shop.made]
        assert {"text", "subtitles"} <= set(os.listdir(one.path))
        assert set(os.listdir(one.path / "text")) == (
            {f"{name}.txt" for name in stems} | {f"{stem(shop, 'Jürgen Groß 3.5.wav')}.de.txt"})
        names = os.listdir(one.path / "subtitles")
        assert len(names) == len(set(names)) == 2 * len(stems) + 2

    def test_contents(self, shop, mount):
        """A file in a view has the contents and attributes of the job's file."""
        one = mount(shop)
        for filename, job in shop.made.items():
            for view, name in ("text", "txt"), ("subtitles", "srt"), ("subtitles", "vtt"):
                path = one.path / view / f"{stem(shop, filename)}.{name}"
                other = one.path / "all" / f"{job}.{name}"
                assert read(path) == read(other) != b""
                assert os.stat(path) == os.stat(other)
                assert os.stat(path).st_size == len(read(path))

    def test_links(self, shop, mount):
        """A name without the id is not listed, but leads to the newest job."""
        one = mount(shop, "ttl=1")
        link = one.path / "text/call-0942.txt"
        assert os.readlink(link) == f"{stem(shop, 'call-0942.mp3')}.txt"
        assert stat.S_ISLNK(os.lstat(link).st_mode) and os.lstat(link).st_size == len(
            os.readlink(link))
        assert read(link) == read(one.path / "text" / os.readlink(link))
        assert os.readlink(one.path / "subtitles/山田 花子.vtt") == (
            f"{stem(shop, '山田 花子.m4a')}.vtt")
        assert os.readlink(one.path / "text/Jürgen Groß 3.5.de.txt") == (
            f"{stem(shop, 'Jürgen Groß 3.5.wav')}.de.txt")
        before = os.listdir(one.path / "text")
        newer = shop.create(filename="call-0942.mp3", lines=["Again."])
        wait_until(lambda: os.readlink(link) == f"call-0942~{newer[:PART]}.txt", "it is newer")
        assert read(link) == b"Again.\n"
        assert set(before) < set(os.listdir(one.path / "text"))
        for name in ("failed.txt", "waiting.txt", "call-094.txt", "call-0942", ".hidden.txt",
                     "a%2fb.txt", "x" * 250 + ".txt"):
            assert not os.path.lexists(one.path / "text" / name), name

    def test_filters(self, shop, mount):
        """SEMANTICS 3.7.6"""
        one = mount(shop)
        call, talk = (f"{stem(shop, name)}.txt" for name in ("call-0942.mp3", "山田 花子.m4a"))
        assert set(os.listdir(one.path / "text/metadata/customer/acme")) == {call, talk}
        assert os.listdir(one.path / "text/metadata/customer/acme/date/2026-04-02") == [talk]
        assert os.listdir(one.path / "text/date") == ["2026-04-03", "2026-04-02", "2026-04-01"]
        assert len(os.listdir(one.path / "subtitles/date/2026-04-01")) == 6
        assert os.listdir(one.path / "text/status/error") == []
        assert os.readlink(one.path / "text/date/2026-04-02/山田 花子.txt") == talk
        assert not os.path.lexists(one.path / "text/date/2026-04-01/山田 花子.txt")
        assert os.listdir(one.path / "text/metadata/customer") == ["acme"]

    def test_url(self, mock, mount):
        """Without a file name, the last part of the URL is used."""
        mock.create(raw='{"id": "45463597-20b7-4af7-b3b3-f5fb778203ab", "status": "done",'
                        '"created_at": "2026-04-01T10:00:00.000Z", "file": {"filename": null,'
                        '"source": "https://example.com/a/My%20talk.mp3?x=1"}, "result": {}}')
        assert os.listdir(mount(mock).path / "text") == ["My talk~45463597-20b7.txt"]


class TestHostile:
    """SEMANTICS 3.6, 3.7, 11.3: names of recordings are chosen by strangers."""

    NAMES = ["../../etc/passwd", "..", ".", "/", ".bashrc", "a\nb.mp3", "\x1b[2J.wav", "%41.mp3",
             "exe.\u202egpj.mp3", "~", "~~.mp3", "a~45463597-20b7.mp3", "x.txt", "x.de.txt.mp3",
             "date", "jobs.csv", "-rf *", "é" * 500, "\u2067" * 90 + ".mp3", "*?<>|\"'`$(x)\\"]

    def test_names(self, mock, mount):
        jobs = {name: mock.create(filename=name, lines=["Said."]) for name in self.NAMES}
        one = mount(mock)
        names = os.listdir(one.path / "text")
        assert len(names) == len(set(names)) == len(self.NAMES)
        for name in names:
            assert len(name.encode()) <= 255 and not name.startswith(".")
            assert not set(name) & set("/\n\x1b\u202e\u2067")
            assert read(one.path / "text" / name) == b"Said.\n"
        for job in jobs.values():
            (name,) = (name for name in names if name.endswith(f"~{job[:PART]}.txt"))
            link = name.removesuffix(f"~{job[:PART]}.txt") + ".txt"
            assert os.readlink(one.path / "text" / link) in names
        assert os.path.isdir(one.path / "text/date")
        assert read(one.path / "text/jobs.csv").startswith(b"id,")

    def test_ids(self, mock, mount):
        """Ids that are no UUIDs are in the name as a whole."""
        for job in ("a", "b.c", "d~e", "../f", "transcription-0001", "transcription-0002", "x" * 240):
            mock.create(id=job, filename="talk.mp3", lines=["Said."])
        one = mount(mock)
        names = os.listdir(one.path / "text")
        assert set(names) == {f"talk~{name}.txt" for name in (
            "a", "b%2Ec", "d%7Ee", "%2E%2E%2Ff", "transcription-0001", "transcription-0002")}
        for name in names:
            assert read(one.path / "text" / name) == b"Said.\n"


class TestCost:
    """SEMANTICS 3.7.4, 3.7.7."""

    def test_costs_what_done_costs(self, account, mount):
        """SEMANTICS 3.7.7"""
        account.modes(items="summary")
        one = mount(account, "page_size=50", "connections=1")
        names = os.listdir(one.path / "text")
        cost = sorted(request.query for request in one.requests())
        other = mount(account, "page_size=50", "connections=1", "cache=off")
        other.mark()
        os.listdir(other.path / "status/done")
        assert sorted(request.query for request in other.requests()) == cost
        assert len({name.split("~")[1][:PART] for name in names}) == len(
            account.jobs(status="done"))

    def test_one_file(self, account, mount):
        """A job that is known costs no listing, also after a remount; its text is made then."""
        first = mount(account)
        name = os.listdir(first.path / "text")[0]
        assert first.close() == ""
        one = mount(account)
        assert read(one.path / "text" / name)
        assert one.requests() == []

    def test_unknown_job(self, account, mount):
        one, other = mount(account), mount(account, "cache=off")
        name = os.listdir(other.path / "subtitles")[-1]
        one.mark()
        assert read(one.path / "subtitles" / name) == read(other.path / "subtitles" / name)
        assert all(request.lists for request in one.requests())


class TestTools:
    """SEMANTICS 3.7: what people do with them."""

    def test_cp(self, shop, mount, tmp_path):
        one = mount(shop)
        run("cp", one.path / "subtitles/call-0942.srt", tmp_path)
        assert (tmp_path / "call-0942.srt").read_bytes() == read(
            one.path / "subtitles/call-0942.srt")

    def test_find_and_grep(self, shop, mount):
        one = mount(shop)
        found = run("find", one.path / "text", "-type", "f", "-size", "+0").split("\n")[:-1]
        assert len(found) == len(shop.made) + 1
        assert len(run("grep", "-rl", "Hello", one.path / "text").split("\n")) - 1 == len(shop.made)

    def test_rsync(self, shop, mount, tmp_path):
        one = mount(shop)
        run("rsync", "-a", "--chmod=u+w", f"{one.path}/text/", tmp_path / "copy")
        assert set(os.listdir(tmp_path / "copy")) == set(os.listdir(one.path / "text"))
        assert run("rsync", "-an", "--out-format=%n", f"{one.path}/text/",
                   tmp_path / "copy").split() in ([], ["./"])

    def test_tar(self, shop, mount, tmp_path):
        one = mount(shop)
        run("tar", "-C", one.path, "-cf", tmp_path / "text.tar", "text", "subtitles")
        assert len(run("tar", "-tf", tmp_path / "text.tar").split("\n")) - 1 == (
            2 + 3 * (len(shop.made) + 1))

    def test_fetch(self, account, mount, program):
        """`gladiafs --fetch` of a view fetches the texts of its jobs, each once."""
        account.modes(items="summary")
        one = mount(account)
        done = len(account.jobs(status="done"))
        code, out, err = program("--fetch", one.path / "subtitles")
        assert code == 0 and f"{done} of {done} jobs" in out, out + err
        requests = one.requests()
        assert sum(not request.lists for request in requests) == done
        read(one.path / "all" / (account.jobs(status="done")[-1]["id"] + ".json"))
        assert one.requests() == []

    def test_fetch_a_link(self, shop, mount, program):
        one = mount(shop)
        code, out, _ = program("--fetch", one.path / "text/call-0942.txt")
        assert code == 0 and "1 of 1 jobs" in out
        one.mark()
        assert read(one.path / "text/call-0942.txt")
        assert one.requests() == []

    def test_fetch_with_other_formats(self, account, mount, program):
        one = mount(account, "formats=vtt:txt")
        code, _, _ = program("--fetch", one.path / "status/done")
        assert code == 0
        one.mark()
        for job in account.jobs(status="done")[:20]:
            assert read(one.path / "all" / (job["id"] + ".json"))
        assert one.requests() == []


class TestChanges:
    """SEMANTICS 7.3, 10.1."""

    def test_deleted(self, shop, mount):
        one = mount(shop, "ttl=1")
        path = one.path / "text" / (stem(shop, "call-0942.mp3") + ".txt")
        assert read(path) and read(one.path / "text/call-0942.txt")
        shop.delete(shop.made["call-0942.mp3"])
        wait_until(lambda: os.listdir(one.path / "text") and not path.exists(), "it is gone")
        wait_until(lambda: not os.path.lexists(one.path / "text/call-0942.txt"), "so is the link")

    def test_delete(self, shop, mount):
        """Files in views and links cannot be removed, the job's JSON file can; then all its names
        disappear."""
        one = mount(shop, "allow_delete")
        name = stem(shop, "call-0942.mp3")
        assert read(one.path / "text" / f"{name}.txt")
        for victim in (f"{name}.txt", "call-0942.txt", "call-0942.json"):
            with pytest.raises(OSError) as caught:
                os.remove(one.path / "text" / victim)
            assert caught.value.errno == errno.EROFS
        os.remove(one.path / "all" / (shop.made["call-0942.mp3"] + ".json"))
        wait_until(lambda: not (one.path / "text" / f"{name}.txt").exists(), "it is gone")
        wait_until(lambda: not os.path.lexists(one.path / "text/call-0942.txt"), "so is the link")
        assert f"{name}.txt" not in os.listdir(one.path / "text")

    def test_finished(self, mock, mount):
        """A job appears in the views when it is done."""
        job = mock.create(filename="talk.mp3", status="processing")
        one = mount(mock, "ttl=1")
        assert os.listdir(one.path / "text") == []
        mock.change(job, filename="talk.mp3", status="done", lines=["Done."])
        wait_until(lambda: os.listdir(one.path / "text") == [f"talk~{job[:PART]}.txt"], "it is there")
        assert read(one.path / "text/talk.txt") == b"Done.\n"
