# SPDX-License-Identifier: MIT
"""A copy of the tree with its own builds, and the tests that can notice a change."""

import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

# The mount tests of each folder below src/, those first that are most likely to notice a change.
MOUNT_TESTS = {
    ".": "command_line covered key fstab",
    "base": "control command_line content log messages security",
    "json": "content hostile",
    "process": "command_line manager log security interrupts end",
    "loop": "connections waiting",
    "http": "faults connections waiting https key",
    "render": "formats",
    "gladia": "errors hostile tree metadata unknown xattr delete waiting views live",
    "catalog": "cache damage crash power_cut full_disk metadata cache_command evicted",
    "config": "command_line key check covered control profile cache_command",
    "sync": "listings end refresh drift metadata offline unknown delete cache faults evicted views",
    "fs": "listings control attributes tree waiting interrupts cache prefetch errors delete xattr "
          "views formats jobs_csv messages security",
    "mount": "command_line control fstab manager crash unmount covered key key_again end messages",
    "commands": "check check_api fetch cache_command control",
}
QUICK, SLOW = ("unit", "session", "fuzz"), ("mount", "model")
# The last line of a test program that ran all of its tests: cmocka's, pytest's, and that of
# tests/fuzz/replay.c. A program that ends early, even with exit code 0, does not print it.
SUMMARY = re.compile(rb"^(\[  PASSED  \] \d+|\d+ passed|\d+ inputs)\b", re.MULTILINE)
# Warnings with which no build of scripts/test compiles, because it has -Werror. We leave out those
# that only the shape of a mutant causes, such as an empty body instead of a lost statement.
WARNINGS = ["format", "format-extra-args", "format-nonliteral", "format-security", "nonnull",
            "memset-transposed-args", "maybe-uninitialized", "uninitialized", "unused"]
# A mutant may allocate memory or write without limit.
MEMORY_MAX = 8 << 30
FILE_MAX = 1 << 30
# The test is not process 1 of its namespace, because that one has no parent.
INIT = ("sh", "-c", '"$@"; exit', "sh")
# As in scripts/test, the quick tests run under ASan and UBSan, which notice leaks, too, and random
# tests with few rounds.
QUICK_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1:"
                    "hard_rss_limit_mb=4096",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "GLADIAFS_TEST_SHORT": "1",
}
# A test counts as hanging after SLOWER times its usual duration, plus WHILE_S seconds.
SLOWER = 5
WHILE_S = 30
# Tests that run at a time, per processor. Mount tests wait more than they compute.
QUICK_JOBS, MOUNT_JOBS = 1, 3


class Build:
    """A build directory of the copy, and its tests of some suites."""

    def __init__(self, directory, tree, suites, options):
        self.directory = directory
        self.tree = tree
        self.suites = suites
        self.options = options
        self.tests = []

    def prepare(self):
        """Builds what the tests need without a mutant."""
        if not (self.directory / "build.ninja").exists():
            subprocess.run(["meson", "setup", "--buildtype=debugoptimized", *self.options,
                            self.directory, self.tree], check=True, stdout=subprocess.DEVNULL)
        if not self.ninja(["build.ninja"]):
            raise SystemExit(f"meson cannot set up {self.directory}")
        targets = {target["id"]: target for target in self.introspect("--targets")}
        self.tests = []
        for test in self.introspect("--tests"):
            suite = test["suite"][0].split(":")[-1]
            named = [targets[name]["filename"][0] for name in test["depends"] if name in targets]
            named += [word for word in test["cmd"][:1] if word.startswith(f"{self.directory}/")]
            if suite in self.suites:
                self.tests.append(Test(
                    test["name"], suite, test["cmd"], test["env"], self,
                    [str(Path(name).relative_to(self.directory)) for name in named],
                    test["timeout"]))
        if not self.make(self.tests):
            raise SystemExit(f"the tree does not build: ninja -C {self.directory}")

    def introspect(self, what):
        """Returns information about the build from `meson introspect`."""
        done = subprocess.run(["meson", "introspect", what, self.directory], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)

    def ninja(self, targets):
        """Builds the targets. Returns false if that fails."""
        return subprocess.run(["ninja", "--quiet", "-C", self.directory, *targets], check=False,
                              stdout=subprocess.DEVNULL).returncode == 0

    def make(self, tests):
        """Builds the programs of tests. Returns false if that fails."""
        names = sorted({name for test in tests for name in test.programs})
        return not names or self.ninja(names)

    def object_of(self, file):
        """Returns the path of a source file's object file, relative to the build directory."""
        for entry in json.loads((self.directory / "compile_commands.json").read_text()):
            if (self.directory / entry["file"]).resolve() == self.tree / file:
                return entry["output"]
        raise SystemExit(f"{file} is not compiled")


@dataclass
class Test:
    """A test of meson: its command, and the programs of the build that it runs."""
    name: str
    suite: str
    command: list
    env: dict
    build: Build
    programs: list
    limit_s: float
    # of a run without a mutant:
    seconds: float = 0.0
    summary: list = None
    contents: list = field(default_factory=list, repr=False)

    def sees(self, file):
        """True if the debug information of one of the test's programs names the file."""
        return any(f"/{file}".encode() + b"\0" in text for text in self.contents)

    def read(self):
        """Reads the test's programs, for sees()."""
        self.contents = [(self.build.directory / name).read_bytes() for name in self.programs]


class Workshop:
    """The copy of the tree, its builds, and its tests."""

    def __init__(self, tree):
        self.origin = tree
        self.root = tree / "build/mutation"
        self.tree = self.root / "tree"
        self.checked = Build(self.root / "sanitizers", self.tree, QUICK,
                             ["-Db_sanitize=address,undefined", "-Db_lundef=false"])
        self.plain = Build(self.root / "build", self.tree, SLOW,
                           ["-Dc_args=" + " ".join(f"-Werror={name}" for name in WARNINGS)])
        self.measured = set()  # names of tests
        self.planted = {}  # environment of the tests while a mutant is planted
        self.running = set()
        self.ended = False  # no test needs to run any longer

    def prepare(self):
        """Copies the tree and builds it without a mutant."""
        self.tree.mkdir(parents=True, exist_ok=True)
        (self.root / "outputs").mkdir(exist_ok=True)
        subprocess.run(["rsync", "-rlp", "--checksum", "--delete", "--exclude=/build",
                        "--exclude=/.git", f"{self.origin}/", self.tree], check=True)
        self.plain.prepare()
        self.checked.prepare()
        for test in self.checked.tests:
            test.read()
        unknown = set(" ".join(MOUNT_TESTS.values()).split()) - set(self.mount_tests())
        if unknown:
            raise SystemExit(f"there is no mount test {', '.join(unknown)}: see MOUNT_TESTS")

    def mount_tests(self):
        """Returns the mount and model tests by the names that MOUNT_TESTS uses."""
        return {test.name.split("_", 1)[1]: test for test in self.plain.tests}

    def code_of(self, name):
        """Returns the contents of an object file without its debug information."""
        copy = self.root / "stripped.o"
        subprocess.run(["objcopy", "--strip-debug", self.plain.directory / name, copy],
                       check=True)
        return copy.read_bytes()

    def measure(self, tests):
        """Runs tests without a mutant, if not done yet, and drops those that fail twice."""
        tests = [test for test in tests if test.name not in self.measured]
        self.measured.update(test.name for test in tests)
        self.ended = False
        for build in (self.checked, self.plain):
            build.make(test for test in tests if test.build is build)
        for test, passed in self.results(tests):
            if not passed:
                print(f"left out, because it fails without a mutant: {test.name}", flush=True)
                test.build.tests.remove(test)
            test.limit_s = min(test.limit_s, test.seconds * SLOWER + WHILE_S)

    def results(self, tests):
        """Runs tests side by side. Yields each test, and true if it passed."""
        jobs = MOUNT_JOBS if any(test.suite in SLOW for test in tests) else QUICK_JOBS
        with ThreadPoolExecutor(jobs * os.cpu_count()) as pool:
            runs = {pool.submit(self.passes_once_of_two, test): test for test in tests}
            for run in as_completed(runs):
                yield runs[run], run.result()

    def passes_once_of_two(self, test):
        """Runs a test, and again if it failed for a reason that may not be the mutant: a mount
        test, or any test whose result without a mutant is not known yet."""
        again = test.summary is None or test.suite in SLOW
        return self.passes(test) or (again and self.passes(test))

    def passes(self, test):
        """Runs a test. True if it passes and all its tests ran, or if the result is not needed
        any more."""
        if self.ended:
            return True
        log = self.root / "outputs" / test.name
        start = time.monotonic()
        with open(log, "wb") as output:
            code = self.run(test, output)
        seconds = time.monotonic() - start
        summary = SUMMARY.findall(log.read_bytes())
        if self.ended:
            return True
        if code != 0 or not summary:
            return False
        if test.summary is None:
            test.summary, test.seconds = summary, seconds
        return test.summary == summary

    def run(self, test, output):
        """Runs a test in its own namespaces, so that it leaves nothing behind. Returns its exit
        code, or None if it hangs."""
        limits, more, env = [f"--fsize={FILE_MAX}"], [], QUICK_ENV
        if test.suite in SLOW:
            # ASan reserves more address space than that.
            limits.append(f"--as={MEMORY_MAX}")
            more, env = ["-x"], {}
        command = ["prlimit", *limits, "unshare", "--mount", "--propagation=private", "--pid",
                   "--fork", "--kill-child", "--mount-proc", *INIT, *test.command, *more]
        with subprocess.Popen(command, env={**os.environ, **env, **test.env, **self.planted},
                              cwd=self.root, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=output, start_new_session=True) as running:
            self.running.add(running)
            try:
                return running.wait(test.limit_s)
            except subprocess.TimeoutExpired:
                running.kill()
                return None
            finally:
                self.running.remove(running)

    def end(self):
        """Ends the tests that are running, because the result is known. unshare(1) ends with
        all processes of its test."""
        self.ended = True
        for running in list(self.running):
            running.kill()

    def quick(self, mutant):
        """Returns the tests of unit, session and fuzz that can notice a mutant, in groups. Those
        named after its file come first, then those of its folder, then the others, the quickest
        first."""
        folder, stem = mutant.folder, Path(mutant.file).stem
        tests = sorted((test for test in self.checked.tests if test.sees(mutant.file)),
                       key=lambda test: (stem not in test.name,
                                         not test.name.startswith(f"{folder}_"), test.seconds))
        own = sum(stem in test.name for test in tests)
        size = 4 * os.cpu_count()
        return [tests[:own], *(tests[at:at + size] for at in range(own, len(tests), size))]

    def slow(self, mutant):
        """Returns the mount and model tests of a mutant's folder, as one group. Tests named after
        its file come first, and then the one that lets calls of its functions fail."""
        stem = Path(mutant.file).stem
        tests = self.mount_tests()
        own = sorted((name for name in tests if stem.startswith(name)), key=len, reverse=True)
        names = [*own, "failing_calls", *MOUNT_TESTS[mutant.folder].split()]
        return [[tests[name] for name in dict.fromkeys(names) if name in tests]]

    def plant(self, mutant):
        """Puts a mutant into the copy. Returns false if it does not compile or changes nothing."""
        path, name = self.tree / mutant.file, self.plain.object_of(mutant.file)
        self.plain.ninja([name])
        before = self.code_of(name)
        path.write_bytes(mutant.apply(path.read_bytes()))
        # tests/mount/test_failing_calls.py
        self.planted = {"GLADIAFS_FAILING_CALLS": path.name}
        return self.plain.ninja([name]) and self.code_of(name) != before

    def take_back(self, mutant, text):
        """Restores the text without the mutant. The next build compiles it."""
        (self.tree / mutant.file).write_bytes(text)
        self.planted = {}

    def noticed(self, groups):
        """Returns the name of a test that fails with the planted mutant, or None."""
        self.ended = False
        for group in groups:
            if group and not group[0].build.make(group):
                return "the linker"
            noticed = None
            for test, passed in self.results(group):
                if not passed:
                    noticed = noticed or test.name
                    self.end()
            if noticed:
                return noticed
        return None
