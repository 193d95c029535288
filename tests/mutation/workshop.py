# SPDX-License-Identifier: MIT
"""A copy of the tree with its own build directory, and the tests that can notice a change."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

# The mount tests of each folder below src/, those first that are most likely to notice a change.
MOUNT_TESTS = {
    ".": "command_line",
    "base": "control command_line content log",
    "json": "content hostile",
    "process": "command_line manager log security",
    "loop": "connections waiting",
    "http": "faults connections waiting https key",
    "render": "formats",
    "gladia": "errors hostile tree metadata unknown xattr delete waiting",
    "catalog": "cache damage crash power_cut full_disk metadata",
    "config": "command_line key check covered",
    "sync": "listings end look_again drift metadata offline unknown delete cache faults",
    "fs": "listings control attributes tree waiting interrupts cache prefetch errors delete xattr",
    "mount": "command_line fstab manager crash unmount covered",
    "commands": "check fetch control",
}
QUICK = ("unit", "session", "fuzz")
# A mutant may allocate memory or write without limit.
MEMORY_MAX = 8 << 30
FILE_MAX = 1 << 30
# A test counts as hanging after SLOWER times its usual duration, plus WHILE_S seconds.
SLOWER = 5
WHILE_S = 30


@dataclass
class Test:
    """A test of meson: its command, and the programs of the build that it runs."""
    name: str
    suite: str
    command: list
    env: dict
    programs: list
    limit_s: float
    seconds: float = 0.0
    contents: list = field(default_factory=list, repr=False)

    def sees(self, file):
        """True if the debug information of one of the test's programs names the file."""
        return any(f"/{file}".encode() + b"\0" in text for text in self.contents)


class Workshop:
    """The copy of the tree, its build, and its tests."""

    def __init__(self, tree):
        self.origin = tree
        self.root = tree / "build/mutation"
        self.tree = self.root / "tree"
        self.build = self.root / "build"
        self.tests = []
        self.sound = {}

    def prepare(self):
        """Copies the tree and builds it without a mutant."""
        self.tree.mkdir(parents=True, exist_ok=True)
        (self.root / "output").write_bytes(b"")
        subprocess.run(["rsync", "-rlp", "--checksum", "--delete", "--exclude=/build",
                        "--exclude=/.git", f"{self.origin}/", self.tree], check=True)
        if not (self.build / "build.ninja").exists():
            subprocess.run(["meson", "setup", "--buildtype=debugoptimized", self.build, self.tree],
                           check=True, stdout=subprocess.DEVNULL)
        if not self.ninja([]):
            raise SystemExit(f"the tree does not build: ninja -C {self.build}")
        targets = {target["id"]: target for target in self.introspect("--targets")}
        for test in self.introspect("--tests"):
            named = [targets[name]["filename"][0] for name in test["depends"] if name in targets]
            named += [word for word in test["cmd"][:1] if word.startswith(f"{self.build}/")]
            self.tests.append(Test(
                test["name"], test["suite"][0].split(":")[-1], test["cmd"], test["env"],
                [str(Path(name).relative_to(self.build)) for name in named], test["timeout"]))

    def introspect(self, what):
        """Returns information about the build from `meson introspect`."""
        done = subprocess.run(["meson", "introspect", what, self.build], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)

    def ninja(self, targets):
        """Builds the targets, or everything if there are none. Returns false if that fails."""
        return subprocess.run(["ninja", "--quiet", "-C", self.build, *targets], check=False,
                              stdout=subprocess.DEVNULL).returncode == 0

    def object_of(self, file):
        """Returns the path of a source file's object file, relative to the build directory."""
        for entry in json.loads((self.build / "compile_commands.json").read_text()):
            if (self.build / entry["file"]).resolve() == self.tree / file:
                return entry["output"]
        raise SystemExit(f"{file} is not compiled")

    def code_of(self, name):
        """Returns the contents of an object file without its debug information."""
        copy = self.root / "stripped.o"
        subprocess.run(["objcopy", "--strip-debug", self.build / name, copy], check=True)
        return copy.read_bytes()

    def measure(self):
        """Runs the quick tests without a mutant, and drops those that fail."""
        quick = [test for test in self.tests if test.suite in QUICK]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            passed = list(pool.map(lambda test: self.passes(test) or self.passes(test), quick))
        for test, good in zip(quick, passed):
            test.contents = [(self.build / name).read_bytes() for name in test.programs]
            if not good:
                print(f"left out, because it fails without a mutant: {test.name}", flush=True)
                self.tests.remove(test)
        for test in quick:
            test.limit_s = min(test.limit_s, test.seconds * SLOWER + WHILE_S)

    def passes(self, test):
        """Runs a test in its own namespaces, so that it leaves nothing behind. True if it
        passes."""
        command = ["prlimit", f"--as={MEMORY_MAX}", f"--fsize={FILE_MAX}",
                   "unshare", "--mount", "--propagation=private", "--pid", "--fork",
                   "--kill-child", "--mount-proc", *test.command]
        if test.suite in ("mount", "model"):
            command.append("-x")
        start = time.monotonic()
        with open(self.root / "output", "ab") as output, \
                subprocess.Popen(command, env={**os.environ, **test.env}, cwd=self.root,
                                 stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 start_new_session=True) as running:
            try:
                code = running.wait(test.limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                code = None
        test.seconds = time.monotonic() - start
        return code == 0

    def quick(self, mutant):
        """Returns the tests of unit, session and fuzz that can notice a mutant, in small groups.
        The likeliest and the quickest come first."""
        stem = Path(mutant.file).stem
        tests = sorted((test for test in self.tests
                        if test.suite in QUICK and test.sees(mutant.file)),
                       key=lambda test: (stem not in test.name, test.seconds))
        size = 4 * os.cpu_count()
        return [tests[at:at + size] for at in range(0, len(tests), size)]

    def slow(self, mutant):
        """Returns the mount and model tests of a mutant's folder, one per group. Tests named after
        its file come first."""
        stem = Path(mutant.file).stem
        names = [stem, *MOUNT_TESTS[mutant.folder].split()]
        tests = {test.name.split("_", 1)[1]: test for test in self.tests
                 if test.suite in ("mount", "model")}
        return [[tests[name]] for name in dict.fromkeys(names) if name in tests]

    def plant(self, mutant):
        """Puts a mutant into the copy. Returns false if it does not compile or changes nothing."""
        path, name = self.tree / mutant.file, self.object_of(mutant.file)
        before = self.code_of(name)
        path.write_bytes(mutant.apply(path.read_bytes()))
        return self.ninja([name]) and self.code_of(name) != before

    def take_back(self, mutant, text):
        """Restores the text without the mutant, and its object file."""
        (self.tree / mutant.file).write_bytes(text)
        self.ninja([self.object_of(mutant.file)])

    def noticed(self, groups):
        """Returns the name of a test that fails with the planted mutant, or None."""
        for group in groups:
            if group and not self.ninja([name for test in group for name in test.programs]):
                return "the linker"
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                results = {pool.submit(self.passes, test): test for test in group}
                for result in as_completed(results):
                    test = results[result]
                    # Mount tests can also fail for other reasons, so they must fail twice.
                    if not result.result() and (test.suite in QUICK or not self.passes(test)):
                        pool.shutdown(cancel_futures=True)
                        return test.name
        return None
