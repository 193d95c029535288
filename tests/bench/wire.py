# SPDX-License-Identifier: MIT
"""The network traffic of a cold listing: requests, bytes including TLS, and handshakes. nginx in
front of the mock server speaks TLS, HTTP/2 and gzip, as the API does. All connections to it go
through a relay, which counts."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from account import ls_command
from contenders import Contenders
from tls_front import Front, make_certificates
from results import Fact, progress
from rows import Rows
from world import KEY, Wrong

CHUNK = 1 << 18
BYTES_GOAL = 1.1


class Relay:
    """Forwards connections from its own port to another one, and counts the bytes and connections.
    Each connection is a TLS handshake."""

    def __init__(self, port: int):
        self.target = port
        self.lock = threading.Lock()
        self.bytes = 0
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target))
                for end in near, far:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                for source, sink in (near, far), (far, near):
                    threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        buffer = memoryview(bytearray(CHUNK))
        with contextlib.suppress(OSError):
            while count := source.recv_into(buffer):
                with self.lock:
                    self.bytes += count
                sink.sendall(buffer[:count])
        for end in source, sink:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # close() alone does not wake a thread in accept().
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@dataclass
class Cost:
    requests: int
    bytes: int
    connections: int
    resumed: int
    jobs: int

    def __str__(self) -> str:
        full = self.connections - self.resumed
        resumed = f" and {self.resumed} resumed" if self.resumed else ""
        return (f"{self.requests / self.jobs:.4f} requests and {self.bytes / self.jobs:.0f} bytes "
                f"a job, {full} handshake{'s' if full != 1 else ''}{resumed}")


class Wire:
    def __init__(self, contenders: Contenders):
        self.contenders = contenders
        self.world = contenders.world
        self.here = self.world.new_path("front")
        self.here.mkdir()
        make_certificates(self.here)

    @contextlib.contextmanager
    def watched(self, gzip: bool) -> Iterator[tuple[str, list[Cost]]]:
        """Yields a URL, and a list that has the cost of its use after the with statement."""
        costs: list[Cost] = []
        front = Front(self.here, self.contenders.account.mock.url, gzip=gzip)
        relay = Relay(front.port)
        try:
            yield f"https://localhost:{relay.port}", costs
        finally:
            relay.close()
            front.stop()
        requests = front.requests()
        if {spoken for _, spoken, *_ in requests} != {"HTTP/2.0"}:
            raise Wrong("not all requests used HTTP/2")
        if gzip != any(coding == "gzip" for _, _, coding, *_ in requests):
            raise Wrong("the answers are compressed, but should not be, or the reverse")
        resumed = {connection for connection, *_, reused in requests if reused == "r"}
        costs.append(Cost(len(requests), relay.bytes, relay.connections, len(resumed),
                          self.contenders.account.jobs))

    def ours(self, gzip: bool) -> Cost:
        """Returns the cost of mounting, with the check of the key, and ls -f."""
        with self.watched(gzip) as (url, costs):
            with self.world.mounted(url, f"ca_file={self.here / 'ca.pem'}") as mount:
                self.contenders.timed(mount, lambda path: ls_command(path, "-f"),
                                      self.contenders.check.names, 0)
        return costs[0]

    def curl(self, gzip: bool) -> Cost:
        """Returns the cost of the same pages with curl, which uses one connection for HTTP/2."""
        account = self.contenders.account
        pages = -(-account.jobs // account.page)
        with self.watched(gzip) as (url, costs):
            config = self.world.new_path("urls")
            config.write_text("".join(
                f'url = "{url}/v2/pre-recorded?limit={account.page}&offset={page * account.page}"\n'
                'output = "/dev/null"\n' for page in range(pages)), encoding="ascii")
            self.world.run(["curl", "-sSf", "--compressed", "--cacert", self.here / "ca.pem",
                            "-H", f"x-gladia-key: {KEY}", *self.contenders.side_by_side, "-K",
                            config])
        if costs[0].requests != pages:
            raise Wrong("curl did not fetch all pages")
        return costs[0]


def wire(rows: Rows) -> Iterator[Fact]:
    rows.account.set_latency(rows.latencies[0])
    measured = Wire(rows.contenders)
    for gzip in False, True:
        progress(f"on the wire, {'gzip' if gzip else 'plain'}")
        ours, curl = measured.ours(gzip), measured.curl(gzip)
        progress("")
        yield Fact(f"cold ls -f by TLS and HTTP/2, {'gzip' if gzip else 'plain'}", str(ours),
                   f"≤ {BYTES_GOAL:g} × curl's bytes", ours.bytes <= BYTES_GOAL * curl.bytes,
                   f"{rows.curl}: {curl}")
