# SPDX-License-Identifier: MIT
"""Prints the results of a soak as Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass

from judge import Verdict

IN_MIB = ("memory", "in use", "catalog")


def shown(verdict: Verdict, value: float) -> str:
    return f"{value / (1 << 20):.1f}" if verdict.figure in IN_MIB else f"{value:.0f}"


def fine(verdict: Verdict, value: float) -> str:
    """Formats a value that may be less than one."""
    return f"{value / (1 << 20):+.3f}" if verdict.figure in IN_MIB else f"{value:+.2f}"


def counts(what: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(what.items()))


@dataclass
class Report:
    verdicts: dict[str, list[Verdict]]
    warm_up: float

    def print(self, load: float, done: Mapping[str, int], errors: Mapping[str, int],
              changes: Mapping[str, int]) -> None:
        print("\n| mount | figure | lowest | median | highest | slope a minute | growth (limit) |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for mount, all_of in self.verdicts.items():
            for one in all_of:
                unit = ", MiB" if one.figure in IN_MIB else ""
                print(f"| {mount} | {one.figure}{unit} | {shown(one, one.lowest)} | "
                      f"{shown(one, one.median)} | {shown(one, one.highest)} | "
                      f"{fine(one, one.slope * 60)} | {fine(one, one.growth)} "
                      f"({fine(one, one.limit).lstrip('+')})"
                      f"{'' if one.flat else ' **not flat**'} |")
        print(f"\nJudged after {self.warm_up:.0f} s of warm-up; {load:.2f} processors.")
        print(f"Done: {sum(done.values()):,} ({counts(done)}).")
        print(f"Errors: {sum(errors.values()):,} ({counts(errors)}).")
        print(f"Changes: {counts(changes)}.")
