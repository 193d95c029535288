# SPDX-License-Identifier: MIT
"""HTTPS as the API provides it: nginx with TLS, HTTP/2 and compression in front of the mock
server."""

import os
import signal

import pytest

from tls_front import Front, make_certificates
from mounting import needed_tools
from mock import KEY
from tools import wait_until


@pytest.fixture
def certificates(tmp_path):
    """An authority, its certificate for localhost, and one that has expired."""
    needed_tools("nginx", "openssl")
    here = tmp_path / "front"
    here.mkdir()
    make_certificates(here)
    return here


@pytest.fixture
def front(certificates):
    alive = []

    def make(api, **more):
        alive.append(Front(certificates, api, **more))
        return alive[-1]
    yield make
    for one in alive:
        one.stop()


@pytest.mark.parametrize("protocol, version", [("http2", "HTTP/2.0"), ("", "HTTP/1.1")])
def test_all_of_it(account, mount, front, certificates, protocol, version):
    """SEMANTICS 1.1, 1.4: HTTPS with ca_file=, HTTP/2 if the server offers it, compression, and
    connections that are reused."""
    proxy = front(account.url, protocol=protocol)
    one = mount(account, f"ca_file={certificates / 'ca.pem'}", source=[proxy.url])
    names = sorted(os.listdir(one.path / "all"))
    assert names == sorted(job["id"] + ".json" for job in account.jobs())
    for name in names[:40]:
        assert (one.path / "all" / name).read_bytes()
    one.unmount()
    proxy.stop()
    requests = proxy.requests()
    assert len(requests) >= 3
    assert {protocol for _, protocol, *_ in requests} == {version}
    assert "gzip" in {encoding for _, _, encoding, *_ in requests}
    # At most eight connections; a handshake for every request would exceed this.
    assert len({connection for connection, *_ in requests}) <= 8
    assert {entry.headers["x-gladia-key"] for entry in account.log()} == {KEY}


def test_ca_file_is_read_once(account, mount, front, certificates):
    """SEMANTICS 11.5: every new connection needs the file, which may be covered or deleted by
    then."""
    proxy = front(account.url)
    one = mount(account, f"ca_file={certificates / 'ca.pem'}", "ttl=0", source=[proxy.url])
    (certificates / "ca.pem").unlink()
    # nginx's new workers accept new connections; the old ones close theirs.
    proxy.process.send_signal(signal.SIGHUP)
    before = {connection for connection, *_ in proxy.requests()}

    def uses_new_connection():
        assert len(os.listdir(one.path / "all")) == len(account.jobs())
        return {connection for connection, *_ in proxy.requests()} - before
    wait_until(uses_new_connection, "a new connection")
    one.unmount()


@pytest.mark.parametrize("cert, ca_file", [("good", None), ("expired", "ca.pem"),
                                           ("other", "ca.pem")])
def test_certificates(account, place, program, front, certificates, cert, ca_file):
    """SEMANTICS 1.3, 2.3: a server that cannot prove to be the API gets no request, and mounting
    fails at once with an error message."""
    proxy = front(account.url, cert=cert)
    more = [f"ca_file={certificates / ca_file}"] if ca_file else []
    code, _, err = program("-f", "-o", place.options(*more), proxy.url, place.new_directory())
    assert code == 32
    assert err.count("\n") == 1
    assert "certificate" in err.lower()
    assert KEY not in err
    assert not account.log()
