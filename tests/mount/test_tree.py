# SPDX-License-Identifier: MIT
"""SEMANTICS 3.1 to 3.5: which directories exist, which jobs they show, and how many requests that
costs."""

import errno
import os
import stat
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from mounting import environment
from tools import names_of, read

STATUSES = ("queued", "processing", "done", "error")


def where(account, statuses=STATUSES, **times):
    """Returns the names of the jobs with one of the statuses, at or after after= and before
    before=."""
    return names_of(job for status in statuses
                    for job in account.jobs(status=status, **times))


def day_of(job):
    return job["created_at"][:10]


def next_day(day):
    return str(date.fromisoformat(day) + timedelta(days=1))


def on_day(account, day, statuses=STATUSES):
    return where(account, statuses, after=day, before=next_day(day))


def days_of(account):
    """Returns the days that have jobs, newest first."""
    return list(dict.fromkeys(map(day_of, account.jobs())))


def listed(path):
    """Returns the names in a directory, after checking that none appears twice."""
    names = os.listdir(path)
    assert len(names) == len(set(names))
    return set(names)


def errno_of(action, *words):
    with pytest.raises(OSError) as caught:
        action(*words)
    return caught.value.errno


def one_job(account, status="done"):
    return account.jobs(status=status)[0]


class TestFixedDirectories:
    """SEMANTICS 3.1, 3.4: the fixed directories cost no request."""

    def test_root(self, account, mount):
        """SEMANTICS 3.4.5"""
        one = mount(account)
        names = listed(one.path)
        # metadata/ has its own promises and tests.
        assert names - {"metadata", "text", "subtitles"} == {"all", "status", "date", "after", "before"}
        assert listed(one.path / "status") == set(STATUSES)
        assert one.requests() == []

    def test_after_and_before_are_empty(self, account, mount):
        """SEMANTICS 3.4.4"""
        one = mount(account)
        assert listed(one.path / "after") == set()
        assert listed(one.path / "before") == set()
        assert one.requests() == []

    def test_attributes(self, account, mount):
        one = mount(account)
        for path in ("", "all", "status", "status/done", "date", "date/2026-04-01", "after",
                     "after/2026-04-01", "before/2026-04-01T12:00:00Z/status"):
            assert os.path.isdir(one.path / path)
        assert one.requests() == []


class TestFilters:
    """SEMANTICS 3.1: a directory shows the matching jobs of the account."""

    def test_all(self, account, mount):
        one = mount(account)
        assert listed(one.path / "all") == where(account)

    @pytest.mark.parametrize("status", STATUSES)
    def test_status(self, account, mount, status):
        one = mount(account)
        assert listed(one.path / "status" / status) == where(account, [status])

    def test_every_day(self, account, mount):
        one = mount(account)
        for day in days_of(account):
            assert listed(one.path / "date" / day) == on_day(account, day)

    def test_nothing_happened(self, account, mount):
        """SEMANTICS 3.3.2: any valid date is a directory."""
        one = mount(account)
        for day in ("1969-12-31", "2024-02-29", "2026-04-01", "9998-12-31"):
            assert listed(one.path / "date" / day) == on_day(account, day)

    def test_after_and_before(self, account, mount):
        one = mount(account)
        middle = account.jobs()[100]["created_at"]
        for instant in (middle, middle[:10], middle[:19] + "Z", middle[:16]):
            assert listed(one.path / "after" / instant) == where(account, after=instant)
            assert listed(one.path / "before" / instant) == where(account, before=instant)

    def test_timestamp_itself(self, account, mount):
        """SEMANTICS 3.1.3: A job created at INSTANT is in after/INSTANT and not in
        before/INSTANT."""
        one = mount(account)
        job = account.jobs()[100]
        name, instant = job["id"] + ".json", job["created_at"]
        assert name in listed(one.path / "after" / instant)
        assert name not in listed(one.path / "before" / instant)

    def test_zone(self, account, mount):
        """SEMANTICS 3.1.2"""
        one = mount(account)
        assert listed(one.path / "after/2026-04-25T02:00:00+02:00") == where(
            account, after="2026-04-25T00:00:00Z")


class TestNesting:
    """SEMANTICS 3.2: nested filters mean "and", a comma means "or"."""

    def test_any_order(self, account, mount):
        """SEMANTICS 3.2.1"""
        one = mount(account)
        day = days_of(account)[5]
        wanted = on_day(account, day, ["done"])
        assert wanted
        assert listed(one.path / "status/done/date" / day) == wanted
        assert listed(one.path / "date" / day / "status/done") == wanted

    def test_three(self, account, mount):
        one = mount(account)
        first, last = days_of(account)[8], days_of(account)[3]
        wanted = where(account, ["error"], after=first, before=last)
        assert wanted
        for path in (f"after/{first}/before/{last}/status/error",
                     f"status/error/before/{last}/after/{first}"):
            assert listed(one.path / path) == wanted

    def test_comma(self, account, mount):
        """SEMANTICS 3.2.2"""
        one = mount(account)
        days = days_of(account)[2:5]
        assert listed(one.path / "status/queued,processing") == where(
            account, ["queued", "processing"])
        assert listed(one.path / "status/queued,processing,done,error") == where(account)
        assert listed(one.path / "date" / ",".join([days[0], days[2]])) == (
            on_day(account, days[0]) | on_day(account, days[2]))

    def test_twice_is_the_intersection(self, account, mount):
        """SEMANTICS 3.2.3"""
        one = mount(account)
        assert listed(one.path / "status/done/status/error") == set()
        assert listed(one.path / "status/done,error/status/error,queued") == where(
            account, ["error"])
        assert listed(one.path / "date/2026-04-20/date/2026-04-21") == set()
        assert listed(one.path / "after/2026-04-25/before/2026-04-22") == set()

    def test_inner_names_are_not_listed(self, account, mount):
        """SEMANTICS 3.2.4: Names inside a filter are not listed, so that find and grep -r stay
        finite."""
        one = mount(account)
        for path in ("all", "status/done", "date/" + days_of(account)[3], "after/2026-04-25"):
            names = listed(one.path / path)
            assert names and all(name.endswith(".json") for name in names)
            assert listed(one.path / path / "status") == set(STATUSES)

    def test_all_nests(self, account, mount):
        one = mount(account)
        assert listed(one.path / "all/status/error") == where(account, ["error"])


class TestMonths:
    """SEMANTICS 3.1: months and years are values of the filter date."""

    def test_months_and_years(self, mock, mount):
        """SEMANTICS 3.1.4"""
        for instant in ("2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z",
                        "2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00.000Z"):
            mock.create(created_at=instant, text="Hello.")
        one = mount(mock)
        days = [day_of(job) for job in mock.jobs()]
        assert os.listdir(one.path / "date") == days
        assert listed(one.path / "date/2026-01") == where(mock, after="2026-01-01", before="2026-02-01")
        assert listed(one.path / "date/2026") == where(mock, after="2026-01-01", before="2027-01-01")
        assert len(listed(one.path / "date/2026,2025-12")) == len(days)
        assert os.listdir(one.path / "date/2026-01/date") == ["2026-01-31", "2026-01-01"]
        assert listed(one.path / "date/2024") == set()
        for name in ("2026-13", "2026-1", "2026-", "026", "20261"):
            assert errno_of(os.stat, one.path / "date" / name) == errno.ENOENT


class TestRelativeTimes:
    """SEMANTICS 3.1: names that mean a time relative to now."""

    def test_relative_times(self, mock, mount):
        """SEMANTICS 3.1.6"""
        now = datetime.now(timezone.utc)
        ago = {hours: now - timedelta(hours=hours) for hours in (1, 25, 24 * 8, 24 * 100)}
        for time in ago.values():
            mock.create(created_at=time.strftime("%Y-%m-%dT%H:%M:%S.000Z"), text="Hello.")
        one = mount(mock)
        for path in ("date", "after", "before"):
            assert not {"today", "yesterday", "7d"} & listed(one.path / path)
        requests = one.requests()
        assert os.readlink(one.path / "date/today") in (
            str(now.date()), str(datetime.now(timezone.utc).date()))
        assert os.readlink(one.path / "status/done/date/yesterday") == (
            str((now - timedelta(days=1)).date()))
        assert os.readlink(one.path / "after/7d")[:10] == str((now - timedelta(days=7)).date())
        assert one.requests() == []
        for path, count in (("after/2h", 1), ("after/2d", 2), ("after/7d", 2), ("after/2w", 3),
                            ("before/90d", 1), ("before/120m", 3), ("before/3000h", 0),
                            ("after/2w/before/2d", 1), ("status/done/after/2w/before/2h", 2)):
            assert len(listed(one.path / path)) == count, path
        today = on_day(mock, str(now.date()))
        yesterday = on_day(mock, str((now - timedelta(days=1)).date()))
        assert listed(one.path / "date/today") == today
        assert listed(one.path / "date/today,yesterday") == today | yesterday
        assert stat.S_ISLNK(os.lstat(one.path / "date/today").st_mode)
        assert stat.S_ISDIR(os.stat(one.path / "date/today").st_mode)
        assert errno_of(os.readlink, one.path / "date/2026-04-01") == errno.EINVAL
        assert requests


class TestTimeZone:
    """SEMANTICS 3.1: days of a time zone."""

    INSTANTS = (
        "2026-03-28T22:59:59.999Z", "2026-03-28T23:00:00.000Z",  # begins 2026-03-29, 23 hours
        "2026-03-29T21:59:59.999Z", "2026-03-29T22:00:00.000Z",  # ends
        "2026-10-24T21:59:59.999Z", "2026-10-24T22:00:00.000Z",  # begins 2026-10-25, 25 hours
        "2026-10-25T22:59:59.999Z", "2026-10-25T23:00:00.000Z",  # ends
        "2026-12-31T23:00:00.000Z")
    DAYS = ["2027-01-01", "2026-10-26", "2026-10-25", "2026-10-24", "2026-03-30", "2026-03-29",
            "2026-03-28"]

    @pytest.mark.parametrize("local", [False, True])
    @pytest.mark.parametrize("page_size", [2, 20])
    @pytest.mark.parametrize("order", ["newest", "unsorted"])
    def test_time_zone(self, place, mock, mount, local, page_size, order):
        """SEMANTICS 3.1.7"""
        mock.modes(order=order)
        for instant in self.INSTANTS:
            mock.create(created_at=instant, text="Hello.")
        one = mount(mock, "tz=local" if local else "tz=Europe/Paris", f"page_size={page_size}",
                    env=environment(place.home, TZ="Europe/Paris" if local else "Asia/Tokyo"))

        def created(path):
            ids = {name.removesuffix(".json") for name in listed(one.path / path)}
            return [job["created_at"] for job in reversed(mock.jobs()) if job["id"] in ids]

        assert os.listdir(one.path / "date") == self.DAYS
        assert created("date/2026-03-29") == list(self.INSTANTS[1:3])
        assert created("date/2026-10-25") == list(self.INSTANTS[5:7])
        assert created("date/2026-10") == list(self.INSTANTS[4:8])
        assert created("date/2027") == [self.INSTANTS[8]]
        assert os.listdir(one.path / "date/2026-10/date") == self.DAYS[1:4]
        assert created("after/2026-10-26") == list(self.INSTANTS[7:])
        assert created("after/2026-10-26T00:00Z") == [self.INSTANTS[8]]
        assert created("before/2026-03-29 00:00") == [self.INSTANTS[0]]
        assert os.stat(one.path / "date/2026-03-29").st_ctime == 1774738800
        assert "tz=" in read(one.path / ".gladiafs/config").decode()
        now = datetime.now(ZoneInfo("Europe/Paris")).date()
        assert os.readlink(one.path / "date/today") in (
            str(now), str(datetime.now(ZoneInfo("Europe/Paris")).date()))

    def test_utc_whatever_the_system_has(self, place, mock, mount):
        """SEMANTICS 3.1.2"""
        mock.create(created_at="2026-03-28T23:30:00.000Z", text="Hello.")
        one = mount(mock, env=environment(place.home, TZ="Europe/Paris"))
        assert os.listdir(one.path / "date") == ["2026-03-28"]


class TestNothing:
    """SEMANTICS 3.3: a name that cannot exist is ENOENT and costs no request."""

    @pytest.mark.parametrize("path", [
        "status/foo", "status/Done", "status/done,", "status/,", "date/2026-02-30",
        "date/2026-13-01", "date/2026-2-3", "date/tomorrow", "date/7d", "date/2026-04-01T00:00:00Z",
        "after/7", "after/7y", "after/2026-04-01T25:00:00Z", "before/0", ".git", "autorun.inf",
        ".Trash-1000", "desktop.ini", "all/.git", "all/.hidden.json", "all/README.md",
        "all/.json", "status/done/.directory", "status/done/Thumbs.db", "date/.hidden",
        "nothing", "all/all.txt~", "all/%2e%2e.json", "all/%zz.json", "all/a b.json",
        "date/2025-02-29"])
    def test_cannot_exist(self, account, mount, path):
        """SEMANTICS 3.3.1"""
        one = mount(account)
        assert errno_of(os.stat, one.path / path) == errno.ENOENT
        assert errno_of(os.listdir, one.path / path) == errno.ENOENT
        assert one.requests() == []

    def test_long_names(self, account, mount):
        one = mount(account)
        for name in ("x" * 256, "x" * 300 + ".json"):
            assert errno_of(os.stat, one.path / "all" / name) == errno.ENAMETOOLONG
        assert one.requests() == []


class TestDays:
    """SEMANTICS 3.4: ls date/ searches several ranges of time at once."""

    def test_days(self, account, mount):
        """SEMANTICS 3.4.1"""
        one = mount(account)
        days = days_of(account)
        assert os.listdir(one.path / "date") == days
        requests = one.requests()
        assert all(request.lists for request in requests)
        assert len(requests) <= len(days)

    @pytest.mark.parametrize("connections", [1, 8])
    def test_days_of_a_large_account(self, new_mock, mount, connections):
        """SEMANTICS 3.4.6: one small request a day, and one per connection."""
        account = new_mock("--jobs", "600", "--days", "30", "--bytes", "100000")
        one = mount(account, f"connections={connections}")
        days = days_of(account)
        assert os.listdir(one.path / "date") == days
        requests = one.requests()
        assert len(days) <= len(requests) <= len(days) + connections
        # The first request is a page of 20 jobs, the others are for three at most.
        assert sum(request.bytes for request in requests) < (20 + len(requests) * 3) * 110000

    def test_days_of_an_empty_account(self, mock, mount):
        assert listed(mount(mock).path / "date") == set()

    def test_nested(self, account, mount):
        """date/ below a filter shows the days that have jobs of this filter."""
        one = mount(account)
        wanted = list(dict.fromkeys(map(day_of, account.jobs(status="error"))))
        assert os.listdir(one.path / "status/error/date") == wanted

    def test_gaps(self, mock, mount):
        """Days are days in UTC, however far apart."""
        for instant in ("1970-01-01T00:00:00.000Z", "2024-02-29T12:00:00.000Z",
                        "2026-03-01T00:00:00.000Z", "2026-02-28T23:59:59.999Z"):
            mock.create(created_at=instant, text="Hello.")
        assert os.listdir(mount(mock).path / "date") == [
            "2026-03-01", "2026-02-28", "2024-02-29", "1970-01-01"]


class TestById:
    """SEMANTICS 3.5: a job that was never listed can be read by its name."""

    def test_costs_one_request(self, account, mount):
        """SEMANTICS 3.5.2"""
        one = mount(account)
        job = one_job(account)
        assert read(one.path / "all" / (job["id"] + ".json"))
        (request,) = one.requests()
        assert (request.method, request.path) == ("GET", "/v2/pre-recorded/" + job["id"])

    @pytest.mark.parametrize("status", STATUSES)
    def test_visible_where_it_matches(self, account, mount, status):
        """SEMANTICS 3.5.3"""
        one = mount(account)
        job = account.jobs(status=status)[-1]
        name, day = job["id"] + ".json", day_of(job)
        others = ",".join(other for other in STATUSES if other != status)
        for path in ("all", f"status/{status}", f"date/{day}", f"after/{day}",
                     f"after/{job['created_at']}", f"before/{next_day(day)}",
                     f"date/{day}/status/{status}"):
            assert os.path.isfile(one.path / path / name), path
        for path in (f"status/{others}", f"date/{next_day(day)}", f"after/{next_day(day)}",
                     f"before/{job['created_at']}", f"date/{day}/status/{others}"):
            assert errno_of(os.stat, one.path / path / name) == errno.ENOENT, path
        assert not any(request.lists for request in one.requests())

    def test_no_such_job(self, account, mount):
        """SEMANTICS 11.1.2"""
        one = mount(account)
        name = "00000000-0000-4000-8000-000000000000.json"
        assert errno_of(os.stat, one.path / "all" / name) == errno.ENOENT
        (request,) = one.requests()
        assert request.status == 404

    def test_other_directories_know_it(self, account, mount):
        """A job costs one request, no matter in how many directories it is read."""
        one = mount(account)
        job = one_job(account)
        for path in ("all", "status/done", "date/" + day_of(job)):
            read(one.path / path / (job["id"] + ".json"))
        assert len(one.requests()) == 1

    def test_other_suffixes(self, account, mount):
        """SEMANTICS 8.1 aside, a job has no other file."""
        one = mount(account)
        job = one_job(account)
        for suffix in ("", ".JSON", ".json.json", ".jsonx", ".xml"):
            assert not os.path.exists(one.path / "all" / (job["id"] + suffix))
        assert [request for request in one.requests() if request.status == 200] == []
