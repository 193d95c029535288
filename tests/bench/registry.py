# SPDX-License-Identifier: MIT
"""All rows by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accounts import days, summaries
from evicted import evicted
from peers import peers
from results import Result
from rows import Rows
from scale import scale
from views import views
from waits import waits
from wire import wire


@dataclass
class Choice:
    make: Callable[[Rows], Iterator[Result]]
    what: str
    # False: runs only if it is named, because it takes long or needs more programs.
    usual: bool = True


ROWS = {
    "first": Choice(Rows.first, "the first name of a listing"),
    "cat": Choice(Rows.cat, "one job by id, never listed"),
    "ls-f": Choice(Rows.cold_ls_f, "ls -f of a new mount"),
    "ls-l": Choice(Rows.cold_ls_l, "ls -l of a new mount"),
    "grep": Choice(Rows.cold_grep, "grep -rc of a new mount"),
    "listed": Choice(Rows.listed, "the first grep -rc of a listed directory"),
    "warm": Choice(Rows.warm, "ls, find, du and grep once more, and the FUSE messages"),
    "again": Choice(Rows.again, "ls -f longer than ttl after, and after a remount"),
    "again-many": Choice(Rows.again_many, "as \"again\", with 100,000 jobs of 1.6 kB"),
    "days": Choice(days, "ls date/"),
    "summaries": Choice(summaries, "grep of 1,000 jobs that are listed as summaries, 50 ms"),
    "evicted": Choice(evicted, "grep -rc of an account four times as large as the cache"),
    "views": Choice(views, "ls -l and grep of text/ and subtitles/, which make all texts"),
    "wire": Choice(wire, "requests, bytes and handshakes over HTTPS, through nginx"),
    "waits": Choice(waits, "how long other calls wait during a listing"),
    "memory": Choice(Rows.memory, "the largest resident size of gladiafs"),
    "reader": Choice(Rows.reader, "the page reader alone"),
    "peers": Choice(peers, "rclone, sshfs, bindfs and a script with the same files (--peers)",
                    usual=False),
    "scale": Choice(scale, "10,000 to 1,000,000 jobs of 1.6 kB, and to 200,000 of 20 kB (--scale)",
                    usual=False),
}
