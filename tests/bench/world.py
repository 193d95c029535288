# SPDX-License-Identifier: MIT
"""The environment of a run: mock servers, mounts, and directories on a disk and on a tmpfs."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

KEY = "mock-key"
# Jobs per page in the scripts in peers/.
PAGE = 100
# Maximum seconds until a filesystem ends after an unmount, and after a signal.
PATIENCE = 10
END = 60


class Wrong(Exception):
    """The contender did not do the work, so its result must not be shown."""


def wait_for(what: str, condition, process: subprocess.Popen, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            raise Wrong(f"{what}: ended with exit code {process.returncode}")
        if time.monotonic() > end:
            process.kill()
            raise Wrong(f"{what}: not there after {seconds:.0f} s")
        time.sleep(0.002)


class Mock:
    """The mock server as a child process."""

    def __init__(self, program: Path, directory: Path, *options: str):
        directory.mkdir()
        port = directory / "port"
        self.process = subprocess.Popen(
            [program, "--die-with-parent", "--key", KEY, "--port-file", port, *options])
        wait_for("the mock server", port.exists, self.process)
        self.url = f"http://127.0.0.1:{port.read_text(encoding='ascii').strip()}"

    def control(self, method: str, name: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_mock/{name}", data, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def jobs(self) -> Iterator[dict]:
        """Yields the jobs of the account, newest first, without having all of them in memory."""
        with urllib.request.urlopen(f"{self.url}/_mock/jobs", timeout=120) as answer:
            for line in answer:
                if line.startswith(b"{"):
                    yield json.loads(line.rstrip(b",]\n"))

    def set_latency(self, ms: int) -> None:
        self.control("POST", "modes", {"latency_ms": ms})

    def traffic(self) -> tuple[int, int]:
        """Returns the number of requests to the API and of bytes sent since the last call."""
        stats = self.control("GET", "stats")
        self.control("DELETE", "stats")
        return stats["requests"], stats["bytes_out"]

    def requests(self) -> int:
        """Returns the number of requests to the API since the last call."""
        return self.traffic()[0]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


class Process:
    """A filesystem in the foreground, as a child process: mounted until stop()."""

    def __init__(self, name: str, command: list, directory: Path, log: Path | None = None):
        directory.mkdir()
        self.name = name
        self.ending = 0.0
        self.path = directory
        with open(log or os.devnull, "ab") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=file if log else None,
                                            stderr=file if log else None)
        try:
            wait_for(name, self.is_mounted, self.process)
        except Wrong as wrong:
            output = log.read_text(encoding="utf-8", errors="replace").strip() if log else ""
            raise Wrong(f"{wrong}: {output[-300:]}" if output else str(wrong)) from wrong

    def is_mounted(self) -> bool:
        return f" {self.path} " in Path("/proc/self/mountinfo").read_text(encoding="utf-8")

    def memory(self) -> int:
        """Returns the largest resident size so far, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
        raise Wrong("no VmHWM")

    def reads(self) -> int | None:
        """Returns the number of read(2) calls so far, which include one for each FUSE message. None
        unless we are root, because the process is not dumpable."""
        try:
            with open(f"/proc/{self.process.pid}/io", encoding="ascii") as counters:
                return next(int(line.split()[1]) for line in counters
                            if line.startswith("syscr:"))
        except PermissionError:
            return None

    def stop(self) -> None:
        """Unmounts, which ends the process. Stores in `ending` how long that takes."""
        start = time.perf_counter()
        try:
            # The mount is busy while another process uses it.
            for _ in range(50):
                if not self.is_mounted() or not subprocess.run(
                        ["fusermount3", "-q", "-u", self.path], check=False).returncode:
                    break
                time.sleep(0.1)
            self.wait()
            self.ending = time.perf_counter() - start
            self.path.rmdir()
        except subprocess.TimeoutExpired as hung:
            subprocess.run(["fusermount3", "-u", "-z", self.path], check=False)
            self.process.kill()
            self.process.wait()
            raise Wrong(f"{self.name} did not end within {END} s") from hung

    def wait(self) -> None:
        """Waits for the end. Another mount namespace may have a copy of the mount, which keeps the
        process alive: then a signal ends it."""
        try:
            code, requests = self.process.wait(PATIENCE), 0
        except subprocess.TimeoutExpired:
            requests = signal.SIGTERM
            self.process.terminate()
            code = self.process.wait(END)
        if code not in (0, -requests):
            raise Wrong(f"{self.name} ended with exit code {code}")


# Lines that gladiafs logs when a mount begins and ends.
LIFE = re.compile(r"gladiafs: (mounted \S+ on |\S+ was unmounted$|ended \(exit code 0\)$)")


class Mount(Process):
    """A mount of gladiafs. Its other messages are printed when it stops."""

    def __init__(self, program: Path, url: str, directory: Path, cache: Path, *options: str):
        key = directory.parent / "key"
        key.touch(0o600)
        key.write_text(KEY + "\n", encoding="ascii")
        listed = ",".join([f"key_file={key}", f"cache_dir={cache}", *options])
        self.log = directory.with_suffix(".log")
        super().__init__("gladiafs", [program, "-f", "-o", listed, url, directory], directory,
                         self.log)

    def stop(self) -> None:
        super().stop()
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if not LIFE.match(line):
                print(line, file=sys.stderr)
        self.log.unlink()


class World:
    """A directory for the measurements."""

    def __init__(self, build: Path, connections: int):
        self.build = build
        self.connections = connections
        self.count = 0
        self.directory = Path(tempfile.mkdtemp(prefix="gladiafs-bench."))
        self.fast = self.directory / "tmpfs"
        self.own_tmpfs = False
        self.mocks: list[Mock] = []

    def find_tmpfs(self, need: int) -> None:
        """Uses /dev/shm if it has enough space, or else a new tmpfs."""
        shm = Path("/dev/shm")
        kind = subprocess.run(["stat", "-f", "-c", "%T", shm], capture_output=True, text=True,
                              check=False).stdout.strip()
        if kind == "tmpfs" and shutil.disk_usage(shm).free >= need:
            self.fast = Path(tempfile.mkdtemp(prefix="gladiafs-bench.", dir=shm))
            return
        self.fast.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={need}", "tmpfs", self.fast],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"bench: needs {need >> 20} MiB in /dev/shm, or root to mount a "
                             f"tmpfs: {done.stderr.strip()}")
        self.own_tmpfs = True

    def close(self) -> None:
        for mock in self.mocks:
            mock.stop()
        shutil.rmtree(self.fast, ignore_errors=True)
        if self.own_tmpfs:
            subprocess.run(["umount", self.fast], check=False)
        # If a mount could not be ended, its directory stays.
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_path(self, name: str) -> Path:
        self.count += 1
        return self.directory / f"{name}{self.count}"

    def new_mock(self, *options: str) -> Mock:
        """Starts a mock server that runs until it is stopped or close() is called."""
        mock = Mock(self.build / "tests/mock/gladia-mock",
                          self.new_path("mock"), *options)
        self.mocks.append(mock)
        return mock

    @contextlib.contextmanager
    def mounted(self, url: str, *options: str, cache: Path | None = None) -> Iterator[Mount]:
        """Mounts, with a new cache unless one is given."""
        place = cache or self.new_path("cache")
        mount = Mount(self.build / "src/gladiafs", url, self.new_path("mount"), place,
                      f"connections={self.connections}", *options)
        try:
            yield mount
        finally:
            mount.stop()
            if not cache:
                shutil.rmtree(place, ignore_errors=True)

    def peer(self, name: str) -> Path:
        return Path(__file__).parent / "peers" / name

    def run(self, command: list, output: Path | None = None) -> float:
        """Runs a command and returns the seconds that it took. Its output goes into a file: with
        /dev/null, grep would stop at the first match."""
        with open(output or self.fast / "output", "wb") as out:
            start = time.perf_counter()
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False,
                                  env={**os.environ, "LC_ALL": "C"})
            spent = time.perf_counter() - start
        if done.returncode:
            complaint = done.stderr.decode(errors="replace").strip()[-300:]
            raise Wrong(f"{command[0]}: exit code {done.returncode}: {complaint}")
        return spent

    def output(self) -> list[str]:
        """The lines that the last command printed."""
        return (self.fast / "output").read_text(encoding="utf-8").splitlines()
