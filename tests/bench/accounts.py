# SPDX-License-Identifier: MIT
"""Rows that need an account of their own: those with many days, one that lists only summaries."""

from collections.abc import Iterator

from account import Account, grep_command, ls_command
from contenders import Contenders, Run
from results import OURS, Goal, Row
from rows import Rows
from world import Wrong

DAYS = 90
YEAR = 365
YEAR_JOBS = (3000, 30000)
YEAR_LATENCY = 100
YEAR_SECONDS = 5
SUMMARIES = 1000
SUMMARY_LATENCY = 50


def days_row(rows: Rows, account: Account, latency: int, **more) -> Row:
    """SEMANTICS 3.4.6: one request per day that has jobs, and one per connection, at most."""
    contenders = Contenders(rows.world, account)

    def run(_: int) -> float:
        with contenders.mounted() as mount:
            account.mock.requests()
            spent = rows.world.run(ls_command(mount.path / "date"))
            contenders.last_requests = account.mock.requests()
            if rows.world.output() != sorted(account.days):
                raise Wrong("ls printed the wrong days")
        return spent

    listing = contenders.cold(lambda path: ls_command(path, "-f"), contenders.check.names)
    title = f"ls date/ with {len(account.days)} days and {account.jobs:,} jobs"
    return rows.take(Row(title, latency, {OURS: run, "ls -f all": listing},
                         max_requests=len(account.days) + rows.world.connections, **more),
                     contenders)


def days(rows: Rows) -> Iterator[Row]:
    """Days of a quarter, and of a year with few jobs and with many."""
    account = Account(rows.world, rows.settings.jobs, rows.settings.size, "--days", str(DAYS))
    for latency in rows.latencies:
        yield days_row(rows, account, latency)
    account.mock.stop()
    for jobs in YEAR_JOBS:
        account = Account(rows.world, jobs, rows.settings.size, "--days", str(YEAR))
        yield days_row(rows, account, YEAR_LATENCY, max_seconds=YEAR_SECONDS)
        account.mock.stop()


def summaries(rows: Rows) -> Iterator[Row]:
    """SEMANTICS 4.2: each finished job is fetched by id, several at a time, before it is read. curl
    is given the ids."""
    account = Account(rows.world, SUMMARIES, rows.settings.size, "--mode", "items=summary")
    account.copy_each_to(rows.world.fast / "summaries")
    contenders = Contenders(rows.world, account)
    by_id: Run = contenders.fetch_urls([f"/v2/pre-recorded/{name}" for name in account.done],
                               *contenders.side_by_side)
    yield rows.take(Row(f"grep -rc of {SUMMARIES} summaries", SUMMARY_LATENCY, {
        OURS: contenders.cold(grep_command, contenders.check.grep),
        rows.curl: by_id,
        "tmpfs": contenders.tmpfs(grep_command),
    }, [Goal(rows.curl, 1.5)]), contenders)
    account.mock.stop()
