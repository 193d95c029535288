# SPDX-License-Identifier: MIT
"""Rows that compare gladiafs with other filesystems: rclone mount over HTTP, sshfs and bindfs.
They show files that a script has fetched. That is easier: the files exist already, are equally
large, and need no formatting."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from account import grep_command, ls_command
from contenders import Contenders, Run
from tls_front import Files
from results import OURS, Fact, Row
from rows import Rows
from world import Process, World

SSHD = "/usr/sbin/sshd"
SSHD_CONFIG = """
HostKey {here}/host
AuthorizedKeysFile {here}/client.pub
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
Subsystem sftp internal-sftp
"""


class Sshd:
    """An sshd with its own host key, which accepts only our client key. We listen on a free port
    and start it for each connection, as inetd does, so nothing is left when we end."""

    def __init__(self, here: Path):
        self.here = here
        here.mkdir(mode=0o700)
        for name in "host", "client":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", here / name],
                           check=True)
        config = here / "sshd_config"
        config.write_text(SSHD_CONFIG.format(here=here), encoding="ascii")
        self.command = [SSHD, "-i", "-f", config, "-E", here / "log"]
        if not os.geteuid():
            # sshd needs this directory if it runs as root.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        kind, key = (here / "host.pub").read_text(encoding="ascii").split()[:2]
        (here / "known").write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n", encoding="ascii")
        self.processes: list[subprocess.Popen] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                with self.listener.accept()[0] as peer:
                    self.processes.append(subprocess.Popen(self.command, stdin=peer, stdout=peer,
                                                           stderr=subprocess.DEVNULL))

    def options(self) -> list[str]:
        """Returns the options of ssh for this server."""
        listed = {"IdentityFile": self.here / "client", "IdentitiesOnly": "yes",
                  "UserKnownHostsFile": self.here / "known", "StrictHostKeyChecking": "yes",
                  "BatchMode": "yes", "Compression": "no"}
        return [word for name, value in listed.items() for word in ("-o", f"{name}={value}")]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
            process.wait(10)


class Peers:
    """The other filesystems that are installed. Each shows the tmpfs copy of the account."""

    def __init__(self, contenders: Contenders, services: contextlib.ExitStack):
        self.contenders = contenders
        self.world: World = contenders.world
        self.services = services
        self.missing: list[str] = []
        self.commands: dict[str, Callable[[Path], list]] = {}
        self.memory: dict[str, int] = {}
        self.offer("rclone mount", self.rclone, "rclone", "nginx", "fusermount3")
        self.offer("sshfs", self.sshfs, "sshfs", SSHD, "ssh-keygen")
        self.offer("bindfs", self.bindfs, "bindfs")

    def offer(self, name: str, prepare: Callable[[], Callable[[Path], list]],
              *programs: str) -> None:
        absent = [program for program in programs if not shutil.which(program)]
        if absent:
            self.missing.append(f"{name}: there is no {', no '.join(absent)}")
            return
        self.commands[name] = prepare()

    # With their defaults, except for options that let the kernel cache.

    def rclone(self) -> Callable[[Path], list]:
        here = self.world.new_path("autoindex")
        here.mkdir()
        files = Files(here, self.contenders.account.copy)
        self.services.callback(files.stop)
        return lambda path: ["rclone", "mount", ":http:", path, "--http-url", files.url,
                             "--read-only", "--config=", "--cache-dir", here / "cache"]

    def sshfs(self) -> Callable[[Path], list]:
        sshd = Sshd(self.world.new_path("sshd"))
        self.services.callback(sshd.close)
        source = f"{getpass.getuser()}@127.0.0.1:{self.contenders.account.copy}"
        return lambda path: ["sshfs", "-f", "-F", "/dev/null", "-p", str(sshd.port), source, path,
                             "-o", "ro,kernel_cache", *sshd.options()]

    def bindfs(self) -> Callable[[Path], list]:
        return lambda path: ["bindfs", "-f", "-o", "ro", self.contenders.account.copy, path]

    @contextlib.contextmanager
    def mounted(self, name: str) -> Iterator[Path]:
        path = self.world.new_path("peer")
        mount = Process(name, self.commands[name](path), path, self.world.directory / "peers.log")
        try:
            # sshfs is mounted before it is connected: do not time the connection.
            os.statvfs(path)
            yield path
            self.memory[name] = max(self.memory.get(name, 0), mount.memory())
        finally:
            mount.stop()


class TwoRuns:
    """Runs a command twice on a new mount. Two rows show the two times; each pair is measured
    once."""

    def __init__(self, contenders: Contenders, command: Callable[[Path], list],
                 check: Callable[[], None]):
        self.contenders = contenders
        self.command = command
        self.check = check
        self.times: dict[tuple[str, int], tuple[float, float]] = {}
        self.requests: dict[int, tuple[int, int]] = {}

    def run_once(self, directory: Path, number: int) -> float:
        spent = self.contenders.world.run(self.command(directory))
        self.check()
        self.contenders.check.sample(directory, number)
        return spent

    def ours(self, second: bool) -> Run:
        def run(number: int) -> float:
            if (OURS, number) not in self.times:
                runs, counts = [], []
                with self.contenders.mounted() as mount:
                    for _ in range(2):
                        runs.append(self.contenders.timed(mount, self.command, self.check, number))
                        counts.append(self.contenders.last_requests)
                self.times[OURS, number] = runs[0], runs[1]
                self.requests[number] = counts[0], counts[1]
            self.contenders.last_requests = self.requests[number][second]
            return self.times[OURS, number][second]
        return run

    def peer(self, peers: Peers, name: str, second: bool) -> Run:
        def run(number: int) -> float:
            if (name, number) not in self.times:
                with peers.mounted(name) as path:
                    self.times[name, number] = (self.run_once(path, number),
                                                self.run_once(path, number))
            return self.times[name, number][second]
        return run


def peers(rows: Rows) -> Iterator[Row | Fact]:
    contenders = rows.contenders
    with contextlib.ExitStack() as services:
        others = Peers(contenders, services)
        for title, command, check in [
                ("ls -f", lambda path: ls_command(path, "-f"), contenders.check.names),
                ("ls -l", lambda path: ls_command(path, "-l"), contenders.check.names),
                ("grep -rc", grep_command, contenders.check.grep)]:
            runs = TwoRuns(contenders, command, check)
            for second in (False, True) if title != "ls -f" else (False,):
                script = contenders.tmpfs(command) if second else contenders.script(
                    "fetch.py", then=command)
                yield rows.take(Row(f"{title}, {'second' if second else 'first'} time", 0, {
                    OURS: runs.ours(second),
                    **{name: runs.peer(others, name, second) for name in others.commands},
                    "Python": script,
                }, part="peers"))
        for name, used in others.memory.items():
            yield Fact(f"memory of {name}", "", beside=f"{used / (1 << 20):.0f} MiB")
        for why in others.missing:
            yield Fact(why, "", beside="scripts/install-deps peers")
