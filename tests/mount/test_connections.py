# SPDX-License-Identifier: MIT
"""SEMANTICS 11.1, 6.1: faults below HTTP during listings and reads.

Connections are refused, reset, cut, silent or never made, certificates are invalid, or a name
does not resolve. Calls fail with an errno within `timeout`, and succeed once the fault is over,
without a remount.
"""

import contextlib
import errno
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import mounting
from tls_front import Front, make_certificates
from mounting import TEST_LIMIT, Guard, Mount, Place, Program, alone, needs_root, needed_tools
from mock import Mock
from test_faults import ACCOUNT, LATE, OPTIONS, TIMEOUT, Steps, attempt, difference
from tools import PATIENCE, wait_until

# Faults of connections, with the errnos that they may cause.
NOT_THERE = {errno.EHOSTUNREACH, errno.ETIMEDOUT}
WAYS = {
    "refused": NOT_THERE,
    "never made": NOT_THERE,  # no answer to the first packet
    "reset": NOT_THERE | {errno.EIO},
    "silent": NOT_THERE,  # during the TLS handshake
    "cut": NOT_THERE | {errno.EIO},  # after CUT_BYTES bytes
    "expired": {errno.EHOSTUNREACH},
    "other": {errno.EHOSTUNREACH},  # a certificate for another host
    "plain": NOT_THERE | {errno.EIO},  # HTTP without TLS
}
STEPS = ("head", "refresh", "look_up", "days", "metadata", "summary")
CUT_BYTES = 5000


class Relay:
    """A TCP relay between the program and a server, which can be switched to a fault."""

    def __init__(self, target):
        self.lock = threading.Lock()
        self.open = set()
        self.listener = None
        self.fillers = []
        self.port = 0
        self.switch("pass", target)

    def switch(self, way, target):
        """Ends all open connections and changes fault and target."""
        self.close()
        self.way, self.target = way, target
        if way == "refused":
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0 if way == "never made" else 100)
        self.port = listener.getsockname()[1]
        self.listener = listener
        if way == "never made":
            # Linux accepts one connection more than the backlog, then ignores SYN packets.
            for _ in range(3):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", self.port))
                self.fillers.append(filler)
            return
        threading.Thread(target=self.serve, args=(listener, way, target), daemon=True).start()

    def close(self):
        with self.lock:
            ending = [*self.open, *self.fillers]
            if self.listener:
                ending.append(self.listener)
            self.open, self.fillers, self.listener = set(), [], None
        for one in ending:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def serve(self, listener, way, target):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if way == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
                continue
            with self.lock:
                if self.listener is not listener:
                    client.close()
                    return
                self.open.add(client)
                if way == "silent":
                    continue
                server = socket.create_connection(("127.0.0.1", target))
                self.open.add(server)
            limit = CUT_BYTES if way == "cut" else None
            for source, sink, most in (client, server, None), (server, client, limit):
                threading.Thread(target=self.pump, args=(source, sink, most),
                                 daemon=True).start()

    @staticmethod
    def pump(source, sink, most):
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                data = data if most is None else data[:most - passed]
                sink.sendall(data)
                passed += len(data)
                if passed == most:
                    break
        for one in source, sink:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    needed_tools("nginx", "openssl")
    here = tmp_path_factory.mktemp("front")
    make_certificates(here)
    return here


def go_through(place, certificates, way):
    """Runs all steps with one fault. Returns a list of errors."""
    wrong = []
    with contextlib.ExitStack() as stack:
        mock = Mock(place.directory, *ACCOUNT)
        stack.callback(mock.stop)
        fronts = {"good": Front(certificates, mock.url)}
        stack.callback(fronts["good"].stop)
        if way in ("expired", "other"):
            fronts[way] = Front(certificates, mock.url, cert=way)
            stack.callback(fronts[way].stop)
        good = fronts["good"].port
        relay = Relay(good)
        stack.callback(relay.close)
        one = Mount(place, mock, *OPTIONS, f"ca_file={certificates / 'ca.pem'}",
                    source=[f"https://localhost:{relay.port}"])
        # After each step it may take ten seconds until the API is tried again.
        guard = Guard([one], 3 * TEST_LIMIT)
        stack.callback(guard.cancel)
        target = mock.port if way == "plain" else fronts.get(way, fronts["good"]).port
        steps = Steps(mock, one)
        for step in STEPS:
            _, action, expected = getattr(steps, step)()
            relay.switch(way, target)
            value, seconds = attempt(action)
            if not isinstance(value, OSError):
                # CUT_BYTES may suffice for this step.
                if way != "cut" or value != expected():
                    wrong.append(f"{step}: no error: {difference(value, expected())}")
            elif value.errno not in WAYS[way] or seconds > TIMEOUT + LATE:
                wrong.append(f"{step}: {value} after {seconds:.2f} s")
            relay.switch("pass", good)
            try:
                wait_until(lambda: attempt(action)[0] == expected(), f"{step}: it is whole again",
                           20 * PATIENCE)
            except AssertionError as error:
                wrong.append(str(error))
        if text := one.close():
            wrong.append(text)
    return wrong


@pytest.fixture(scope="module")
def results(tmp_path_factory, certificates):
    with ThreadPoolExecutor(len(WAYS)) as pool:
        yield {way: pool.submit(go_through, Place(tmp_path_factory.mktemp("way")), certificates,
                                way) for way in WAYS}


@pytest.mark.parametrize("way", WAYS)
def test_connection(results, way):
    wrong = results[way].result()
    assert not wrong, "\n".join(wrong)


# Replaces /etc/hosts by $1 and /etc/resolv.conf by $2.
OWN_NAMES = """
mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"
"""
NAME = "elsewhere.test"


class Elsewhere:
    """A mount in another mount namespace, accessed through /proc/PID/root."""

    def __init__(self, program, place):
        self.program = program
        self.path = type(place)(f"/proc/{program.process.pid}/root{place}")

    def is_there(self):
        with contextlib.suppress(OSError):
            return self.path.stat().st_ino == 1
        return False


@needs_root
@pytest.mark.parametrize("resolver", ["says no", "is silent"][:2 if PATIENCE == 1 else 1])
def test_name(account, place, certificates, monkeypatch, resolver):
    """If the name of the API does not resolve, calls fail; once it resolves, they succeed."""
    hosts, conf = place.directory / "hosts", place.directory / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost\n", "ascii")
    conf.write_text("nameserver 127.77.0.1\n", "ascii")
    with contextlib.ExitStack() as stack:
        if resolver == "is silent":
            silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            silent.bind(("127.77.0.1", 53))
        front = Front(certificates, account.url, cert="other")
        stack.callback(front.stop)
        monkeypatch.setattr(mounting, "WRAPPER", alone(OWN_NAMES, hosts, conf,
                                                       *mounting.WRAPPER))
        program = Program(place, "-f", "-o", place.options(
            *OPTIONS, "offline_ok", f"ca_file={certificates / 'ca.pem'}"),
            f"https://{NAME}:{front.port}", directory := place.new_directory())
        stack.callback(program.process.kill)
        one = Elsewhere(program, directory)
        wait_until(one.is_there, "it is mounted")
        for step in "head", "look_up", "days", "metadata":
            _, action, _ = getattr(Steps(account, one), step)()
            value, seconds = attempt(action)
            assert isinstance(value, OSError) and value.errno in NOT_THERE, (step, value)
            assert seconds < TIMEOUT + LATE
        assert not account.log()
        with open(hosts, "a", encoding="ascii") as file:
            file.write(f"127.0.0.1 {NAME}\n")
        _, action, expected = Steps(account, one).head()
        wait_until(lambda: attempt(action)[0] == expected(), "it is whole", 40 * PATIENCE)
        program.process.send_signal(signal.SIGTERM)
        assert program.end()[0] == 0, program.stderr
