# SPDX-License-Identifier: MIT
"""SEMANTICS 3.1, 3.2, 3.4, 3.6: metadata/KEY/VALUE/, no matter how the API implements its own
filter."""

import errno
import json
import os
import subprocess
from urllib.parse import quote

import pytest

from directory import Directory
from tools import names_of, read, wait_until

# Ways in which the API may handle custom_metadata.
API = ["json", "brackets", "ignored", "exact", "empty", "400", "422"]


def shown(path):
    names = os.listdir(path)
    assert len(names) == len(set(names))
    return set(names)


def errno_of(action, *words):
    with pytest.raises(OSError) as caught:
        action(*words)
    return caught.value.errno


def pairs(metadata, key=""):
    """Yields the keys and values of a job as docs/SEMANTICS.md defines them; numbers are small
    here."""
    if isinstance(metadata, dict):
        for name, value in metadata.items():
            yield from pairs(value, f"{key}.{name}" if key else name)
    elif isinstance(metadata, list):
        for value in metadata:
            yield from pairs(value, key)
    elif key and metadata != "":
        yield key, metadata if isinstance(metadata, str) else json.dumps(metadata)


def escape(text):
    """SEMANTICS 3.6: each text has its own name. (The names here have no other characters that
    are encoded.)"""
    name = "".join(f"%{ord(char):02X}" if char in "/%,\x7f" or char < " " else char
                   for char in text)
    return "%2E" + name[1:] if name.startswith(".") else name


def holding(account, key, *values, **where):
    return names_of(job for job in account.jobs(**where)
                    if any((key, value) in pairs(job["custom_metadata"]) for value in values))


@pytest.fixture
def shop(account):
    """250 jobs with the mock server's metadata, and some with metadata of our own."""
    for metadata in ({"customer": "acme", "order": 7},
                     {"customer": "acme", "order": "7", "paymentMethod": {"last4Digits": 4576}},
                     {"customer": "Acme", "gold": True},
                     {"paymentMethod.last4Digits": "4576"},
                     {"tags": ["new", "refund", ["deep"]], "none": None}):
        account.create(custom_metadata=metadata, text="Hello.")
    account.create(custom_metadata={"customer": "acme"}, status="error")
    account.create(custom_metadata={"customer": "acme"}, status="queued")
    return account


class TestListing:
    """SEMANTICS 3.4: the keys and values of the account's jobs are listed."""

    def test_keys(self, shop, mount):
        """SEMANTICS 3.4.3"""
        one = mount(shop)
        wanted = {key for job in shop.jobs() for key, _ in pairs(job["custom_metadata"])}
        assert {"customer", "order", "paymentMethod.last4Digits", "tags", "gold"} <= wanted
        assert shown(one.path / "metadata") == wanted

    def test_values(self, shop, mount):
        """SEMANTICS 3.4.2"""
        one = mount(shop)
        # Python does not keep the digits of these numbers; test_digits() tests such values.
        for key in shown(one.path / "metadata") - {"score", "weight"}:
            assert shown(one.path / "metadata" / key) == {
                escape(value) for job in shop.jobs()
                for name, value in pairs(job["custom_metadata"]) if name == key}

    def test_jobs(self, shop, mount):
        """SEMANTICS 3.5: exactly the jobs that match are shown, for every key and value."""
        one = mount(shop)
        held = {pair for job in shop.jobs() for pair in pairs(job["custom_metadata"])}
        for key, value in sorted(held):
            if key not in ("score", "weight"):
                names = shown(one.path / "metadata" / key / escape(value))
                assert names and names == holding(shop, key, value), (key, value)

    def test_within_a_filter(self, shop, mount):
        one = mount(shop)
        wanted = {key for job in shop.jobs(status="error")
                  for key, _ in pairs(job["custom_metadata"])}
        assert shown(one.path / "status/error/metadata") == wanted
        assert "order" in shown(one.path / "metadata/customer/acme/metadata")
        assert "tags" not in shown(one.path / "metadata/customer/acme/metadata")
        assert shown(one.path / "metadata/customer/acme/metadata/order") == {"7"}

    def test_no_metadata(self, mock, mount):
        mock.create(custom_metadata=None, text="Hello.")
        one = mount(mock)
        assert shown(one.path / "metadata") == set()
        assert errno_of(os.listdir, one.path / "metadata/customer/acme") == errno.ENOENT


class TestFilter:
    """SEMANTICS 3.1, 3.2."""

    def test_contents(self, shop, mount):
        one = mount(shop)
        for name in shown(one.path / "metadata/customer/acme"):
            text = read(one.path / "metadata/customer/acme" / name)
            assert json.loads(text)["custom_metadata"]["customer"] == "acme"
            assert text == read(one.path / "all" / name)

    @pytest.mark.parametrize("path", [
        "metadata/customer/acme/status/error", "status/error/metadata/customer/acme"])
    def test_any_order(self, shop, mount, path):
        names = shown(mount(shop).path / path)
        assert names and names == holding(shop, "customer", "acme", status="error")

    def test_with_dates(self, shop, mount):
        one = mount(shop)
        (job,) = [job for job in shop.jobs(status="error")
                  if job["custom_metadata"] == {"customer": "acme"}]
        day = job["created_at"][:10]
        assert job["id"] + ".json" in shown(
            one.path / "date" / day / "metadata/customer/acme/status/error,queued")
        assert shown(one.path / "metadata/customer/acme/before/2020-01-01") == set()
        assert os.listdir(one.path / "metadata/customer/acme/date") == list(dict.fromkeys(
            other["created_at"][:10] for other in shop.jobs()
            if ("customer", "acme") in pairs(other["custom_metadata"])))

    def test_and_or(self, shop, mount):
        one = mount(shop)
        acme = holding(shop, "customer", "acme")
        assert shown(one.path / "metadata/customer/acme,Acme") == holding(
            shop, "customer", "acme", "Acme")
        assert shown(one.path / "metadata/customer/acme/metadata/order/7") == (
            acme & holding(shop, "order", "7"))
        path = one.path / "metadata/customer/acme/metadata/customer/Acme"
        assert errno_of(os.listdir, path) == errno.ENOENT
        # A job can hold several values of a key, in an array.
        assert len(shown(one.path / "metadata/tags/new/metadata/tags/deep")) == 1

    def test_kinds_of_values(self, shop, mount):
        one = mount(shop)
        assert len(shown(one.path / "metadata/order/7")) == 2
        assert len(shown(one.path / "metadata/paymentMethod.last4Digits/4576")) == 2
        assert len(shown(one.path / "metadata/gold/true")) == 1
        assert len(shown(one.path / "metadata/none/null")) == 1

    def test_by_id(self, shop, mount):
        """SEMANTICS 3.5: if the names are known, a job costs one request and no listing; it is
        found only in directories that it matches."""
        one = mount(shop, "ttl=600")
        assert shown(one.path / "metadata/gold")
        job = shop.create(custom_metadata={"gold": True}, text="Hello.")
        one.mark()
        name = job + ".json"
        assert read(one.path / "metadata/gold/true" / name)
        for path in ("metadata/order/7", "metadata/customer/acme", "metadata/Gold/true"):
            assert errno_of(os.stat, one.path / path / name) == errno.ENOENT
        (request,) = one.requests()
        assert request.path.endswith(job)

    def test_digits(self, mock, mount):
        one = mount(mock)
        mock.create(raw='{"id": "a", "custom_metadata": {"n": 9007199254740993, "x": 1.50,'
                           ' "e": 1e+3, "u": "Zo\\u00eb"}}')
        assert shown(one.path / "metadata/n") == {"9007199254740993"}
        assert shown(one.path / "metadata/x") == {"1.50"}
        assert shown(one.path / "metadata/e") == {"1e+3"}
        assert shown(one.path / "metadata/u/Zoë") == {"a.json"}


class TestCost:
    """SEMANTICS 3.3, 3.4, 6.2, 7.2."""

    def test_nothing(self, shop, mount):
        one = mount(shop, "ttl=600")
        impossible = (".git", "a%20b", "%41", "%2F%", "a,b", "%2e", "caf%C3%A9", "a%00b")
        for name in impossible:
            assert errno_of(os.stat, one.path / "metadata" / name) == errno.ENOENT
        assert one.requests() == []
        shown(one.path / "all")
        one.mark()
        assert os.path.isdir(one.path / "metadata/customer/acme/status/done")
        for name in (*impossible, ",", "a,", ",a", "a,,b"):
            assert errno_of(os.stat, one.path / "metadata/customer" / name) == errno.ENOENT
        for name in ("usr", "autorun.inf", "HEAD", "node_modules", "%2Egit", "Customer"):
            assert errno_of(os.stat, one.path / "metadata" / name) == errno.ENOENT
            assert errno_of(os.stat, one.path / "metadata/customer" / name) == errno.ENOENT
        assert one.requests() == []

    def test_find_in_a_wrong_place(self, shop, mount):
        """A wrong key or value is an error, so that an empty directory never suggests that jobs
        were deleted."""
        one = mount(shop)
        for path in ("metadata/usr/acme", "metadata/customer/acne"):
            found = subprocess.run(["find", one.path / path, "-name", "*.json", "-delete"],
                                   capture_output=True, text=True, check=False)
            assert found.returncode == 1 and "No such file or directory" in found.stderr

    def test_too_many(self, shop, mount):
        one = mount(shop)
        shop.create(custom_metadata={name * 250: name * 250 for name in "abcde"}, text="Hello.")
        path = one.path
        for name in "abcde":
            path = path / "metadata" / (name * 250) / (name * 250)
        assert errno_of(os.stat, path) == errno.ENAMETOOLONG

    def test_selected_from_a_known_listing(self, shop, mount):
        one = mount(shop)
        shown(one.path / "all")
        assert one.requests()
        assert shown(one.path / "metadata/customer/acme")
        assert shown(one.path / "metadata")
        assert shown(one.path / "status/error/metadata/customer/acme")
        assert one.requests() == []

    def test_first_name(self, shop, mount):
        """A reader that stops at the first name costs one request."""
        one = mount(shop)
        with os.scandir(one.path / "metadata/customer/acme") as entries:
            assert next(entries)
            assert len(one.requests()) == 1

    def test_longer_than_timeout(self, shop, mount):
        """SEMANTICS 6.1, 11.1: a search that takes longer than `timeout` fails with an error
        message; a retry resumes at the same page."""
        one = mount(shop, "timeout=1", "connections=1", "page_size=10")
        shop.modes(latency_ms=60)
        tries = 0
        while True:
            try:
                os.stat(one.path / "metadata/customer/nobody")
                assert False, "nobody has it"
            except FileNotFoundError:
                break
            except OSError as error:
                assert error.errno == errno.ETIMEDOUT
                tries += 1
        assert 1 <= tries < 10
        one.await_message("try again at once to continue from here")
        assert len(one.requests()) <= len(shop.jobs()) / 9 + 3

    def test_changes(self, shop, mount):
        """A job is created, changed before it is finished, and deleted."""
        one = mount(shop, "ttl=0")
        path = one.path / "metadata/customer/fresh"
        assert errno_of(os.listdir, path) == errno.ENOENT
        job = shop.create(custom_metadata={"customer": "fresh"}, status="queued")
        assert shown(path) == {job + ".json"}
        assert "fresh" in shown(one.path / "metadata/customer")
        shop.change(job, custom_metadata={"customer": "stale"})
        wait_until(lambda: not os.path.exists(path), "the value is forgotten")
        assert errno_of(os.stat, path / (job + ".json")) == errno.ENOENT
        shop.change(job, status="done", custom_metadata={"customer": "fresh"})
        assert shown(path) == {job + ".json"}
        assert read(path / (job + ".json"))
        shop.delete(job)
        wait_until(lambda: not os.path.exists(path), "the value is forgotten")
        wait_until(lambda: not os.path.exists(path / (job + ".json")), "it is forgotten")

    def test_after_a_remount(self, shop, mount):
        first = mount(shop)
        wanted = shown(first.path / "metadata/customer/acme")
        keys = shown(first.path / "metadata")
        assert first.close() == ""
        second = mount(shop)
        assert shown(second.path / "metadata") == keys
        assert shown(second.path / "metadata/customer/acme") == wanted

    def test_find_is_finite(self, shop, mount):
        """SEMANTICS 3.2: inner names are not listed."""
        one = mount(shop)
        found = subprocess.run(["find", one.path / "metadata"], capture_output=True,
                               text=True, check=True).stdout.split("\n")
        jobs = shop.jobs()
        held = sum(len(set(pairs(job["custom_metadata"]))) for job in jobs)
        assert sum(name.endswith(".json") for name in found) == held
        assert not [name for name in found if "/status" in name]


class TestHostile:
    """SEMANTICS 3.6, 11.3: no name leaves its directory or hides another."""

    NAMES = ["..", ".", "a/b", "../../etc/passwd", "a\nb", "a=b", "a&b", "%41", "A", ".git", "*",
             "\x7f", "a,b", " ", "caf\u00e9", "\u732b"]

    def test_names(self, mock, mount):
        one = mount(mock)
        jobs = {name: mock.create(custom_metadata={name: name}, text="Hello.")
                for name in self.NAMES}
        names = shown(one.path / "metadata")
        assert len(names) == len(self.NAMES)
        for name, job in jobs.items():
            escaped = escape(name)
            assert escaped in names
            assert shown(one.path / "metadata" / escaped) == {escaped}
            assert shown(one.path / "metadata" / escaped / escaped) == {job + ".json"}

    def test_no_names(self, mock, mount):
        """A key or value that cannot be a name is left out, without affecting the others."""
        one = mount(mock)
        mock.create(raw=json.dumps({"id": "a", "custom_metadata": {
            "": "x", "empty": "", "nul": "a\0b", "lone": "\ud800", "long": "x" * 256,
            "y" * 256: "long", "none": [], "nothing": {}, "good": "one",
            "deep": json.loads("[" * 40 + "1" + "]" * 40),
            "wide": {"": "blank"}}}))
        assert shown(one.path / "metadata") == {"good", "wide."}
        assert shown(one.path / "metadata/good/one") == {"a.json"}

    def test_too_many_pairs(self, mock, mount):
        one = mount(mock)
        mock.create(custom_metadata={f"k{number}": "x" for number in range(1000)}, text="Hi.")
        assert len(shown(one.path / "metadata")) == 256

    @pytest.mark.parametrize("metadata", ['"text"', "7", "[1, 2]", "true", '[{"a": 1}]', "{}"])
    def test_no_object(self, mock, mount, metadata):
        one = mount(mock)
        mock.create(raw=f'{{"id": "a", "custom_metadata": {metadata}}}')
        assert shown(one.path / "all") == {"a.json"}
        assert shown(one.path / "metadata") == set()


@pytest.mark.parametrize("mode", API)
class TestTheApi:
    """The result is right even if the API ignores its filter, refuses it, or finds too few jobs."""

    def test_the_filter_itself(self, shop, mode):
        """Checks the mock server's own filter; without this the other tests would prove nothing."""
        shop.modes(metadata=mode)
        wanted = quote(json.dumps({"customer": "acme"}))
        status, answer = shop.call(
            "GET", f"/v2/pre-recorded?limit=100&custom_metadata={wanted}",
            headers={"x-gladia-key": shop.key})
        assert status == (int(mode) if mode.isdigit() else 200)
        if status == 200:
            found = names_of(json.loads(answer)["items"])
            acme = holding(shop, "customer", "acme")
            assert (found == acme) == (mode == "json")
            assert (len(found) < len(acme)) == (mode in ("exact", "empty"))

    def test_alone(self, shop, mount, mode):
        one = mount(shop)
        shop.modes(metadata=mode)
        assert shown(one.path / "metadata/customer/acme") == holding(shop, "customer", "acme")

    def test_with_others(self, shop, mount, mode):
        one = mount(shop, "page_size=30")
        shop.modes(metadata=mode, order="oldest")
        assert shown(one.path / "status/error/metadata/customer/acme") == holding(
            shop, "customer", "acme", status="error")
        assert shown(one.path / "metadata/order/7") == holding(shop, "order", "7")
        assert errno_of(os.listdir, one.path / "metadata/order/8") == errno.ENOENT
        assert "gold" in shown(one.path / "metadata")


class TestPositions:
    """SEMANTICS 6.4"""

    def test_far_ahead(self, new_mock, mount):
        """A position far ahead is found even if the first part of the account has too few
        matches."""
        many = new_mock("--jobs", "6000", "--bytes", "1500")
        one = mount(many)
        assert len(os.listdir(one.path / "all")) == 6000
        one.mark()
        for value in ("research", "support", "interviews", "podcast"):
            with Directory(one.path / "metadata/project" / value) as directory:
                directory.seek(400)
                ahead = directory.next()
                directory.rewind()
                while directory.tell() != 400:
                    assert directory.next()
                assert directory.next() == ahead
        assert one.requests() == []
