# SPDX-License-Identifier: MIT
"""Plants random mistakes in the sources, one at a time, and counts how many the tests notice.

    mutate [N [SEED]]

Draws N mutants (100) by SEED (a new one, which is printed). Each one is built in build/mutation,
in a copy of the tree, and runs the tests that can notice it until one fails. These are first the
programs of the suites unit, session and fuzz that contain the changed file, under ASan and UBSan,
and then the mount and model tests of its folder. A test that fails without a mutant is left out. A
mutant is not counted if it does not compile without warnings or its object file is unchanged.
Prints each survivor with its change, and the score of each folder. The log,
build/mutation/SEED.log, lists all mutants with the test that noticed each."""

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from mutants import draw, find
from workshop import Workshop


def score(killed, counted):
    """Returns the lines of the score: one per folder, and the total last."""
    rows = [(folder, killed[folder], counted[folder]) for folder in sorted(counted)]
    rows.append(("all", killed.total(), counted.total()))
    return [f"{folder:8} {noticed:3} of {drawn:3}  {100 * noticed // drawn:3} %"
            for folder, noticed, drawn in rows if drawn]


class Trial:
    """Mutants of one seed, and their results."""

    def __init__(self, workshop, log):
        self.workshop = workshop
        self.log = log
        self.killed, self.counted = Counter(), Counter()
        self.survivors = []

    def try_out(self, mutant, groups_of):
        """Returns the test that noticed a mutant, "" if none did, or None if it does not count."""
        start = time.monotonic()
        text = (self.workshop.tree / mutant.file).read_bytes()
        try:
            if not self.workshop.plant(mutant):
                return None
            killer = self.workshop.noticed(groups_of(mutant)) or ""
        finally:
            self.workshop.take_back(mutant, text)
        seconds = time.monotonic() - start
        print("\n".join([f"{mutant.place(text)}: {killer or 'SURVIVED'} ({seconds:.0f} s)",
                         *mutant.diff(text)]), file=self.log, flush=True)
        return killer

    def quick(self, mutants, wanted):
        """Tries mutants with the quick tests until `wanted` of them count."""
        for mutant in mutants:
            killer = self.try_out(mutant, self.workshop.quick)
            if killer is not None:
                self.counted[mutant.folder] += 1
                self.killed[mutant.folder] += bool(killer)
            if killer == "":
                self.survivors.append(mutant)
            if self.counted.total() == wanted:
                break

    def slow(self):
        """Tries the survivors with the mount and model tests, and prints those that survive these,
        too."""
        self.workshop.measure({test.name: test for mutant in self.survivors
                               for group in self.workshop.slow(mutant)
                               for test in group}.values())
        while self.survivors:
            mutant = self.survivors[0]
            if self.try_out(mutant, self.workshop.slow):
                self.killed[mutant.folder] += 1
            else:
                self.show(mutant)
            self.survivors.pop(0)

    def show(self, mutant):
        """Prints a survivor."""
        text = (self.workshop.tree / mutant.file).read_bytes()
        print("\n".join([mutant.place(text), *mutant.diff(text)]), flush=True)


def main(args):
    """Returns the exit code: 0 if at least 95 % of the mutants were noticed."""
    if os.geteuid() != 0:
        raise SystemExit("mutate: run me as root: each test gets namespaces of its own")
    wanted = int(args[0]) if args else 100
    seed = args[1] if len(args) > 1 else str(time.time_ns())
    # a shell starts background jobs with SIGINT ignored
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    workshop = Workshop(Path(__file__).resolve().parents[2])
    workshop.prepare()
    workshop.measure(workshop.checked.tests)
    mutants = find(workshop.tree, workshop.plain.directory)
    print(f"{wanted} of {len(mutants)} mutants, seed {seed}", flush=True)
    with open(workshop.root / f"{seed}.log", "w", encoding="utf-8") as log:
        trial = Trial(workshop, log)
        try:
            trial.quick(draw(mutants, seed), wanted)
            trial.slow()
        except KeyboardInterrupt:
            print("interrupted: these survived the suites unit, session and fuzz")
            for mutant in trial.survivors:
                trial.show(mutant)
    print("\n".join(score(trial.killed, trial.counted)))
    return 0 if 100 * trial.killed.total() >= 95 * trial.counted.total() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
