# SPDX-License-Identifier: MIT
"""Rows that need an account of their own: one with many days, one that lists only summaries."""

from collections.abc import Iterator

from account import Account, grep_command, ls_command
from contenders import Contenders, Run
from results import OURS, Goal, Row
from rows import Rows
from world import Wrong

DAYS = 90
# Jobs in a small answer: the API's default page size.
SMALL_ANSWER = 20
SUMMARIES = 1000
SUMMARY_LATENCY = 50


def days(rows: Rows) -> Iterator[Row]:
    """SEMANTICS 3.4: one small request per day that has jobs, and one that finds no earlier day."""
    account = Account(rows.world, rows.settings.jobs, rows.settings.size, "--days", str(DAYS))
    contenders = Contenders(rows.world, account)

    def run(_: int) -> float:
        with contenders.mounted() as mount:
            account.mock.requests()
            spent = rows.world.run(ls_command(mount.path / "date"))
            stats = account.mock.control("GET", "stats")
            contenders.last_requests = stats["requests"]
            if rows.world.output() != sorted(account.days):
                raise Wrong("ls printed the wrong days")
            if stats["bytes_out"] > stats["requests"] * SMALL_ANSWER * 2 * account.size:
                raise Wrong(f"{stats['bytes_out']} bytes: the answers are not small")
        return spent

    for latency in rows.latencies:
        yield rows.take(Row(f"ls date/ with {len(account.days)} days", latency, {OURS: run},
                            max_requests=len(account.days) + 1), contenders)
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
