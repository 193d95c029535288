# SPDX-License-Identifier: MIT
"""HTTPS as the API speaks it: nginx with TLS, HTTP/2 and compression before the stand-in."""

import os
import socket
import subprocess

import pytest

from mounting import needed_tools
from sandbox import KEY
from tools import END, run, wait_until

CONF = """
daemon off; pid {here}/pid; error_log {here}/error.log;
events {{ }}
http {{
  log_format asked '$connection $server_protocol $sent_http_content_encoding $status';
  access_log {here}/access.log asked;
  client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here};
  uwsgi_temp_path {here}; scgi_temp_path {here};
  gzip on; gzip_types application/json; gzip_proxied any; keepalive_requests 100000;
  server {{
    listen 127.0.0.1:{port} ssl {protocol};
    ssl_certificate {here}/{cert}.pem; ssl_certificate_key {here}/{cert}.key;
    location / {{ proxy_pass {api}; proxy_http_version 1.1; }}
  }}
}}
"""


class Front:
    """nginx on a port of its own, which it takes over from us as in an upgrade (NGINX)."""

    def __init__(self, here, api, cert="good", protocol="http2"):
        self.here = here
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        conf = here / f"nginx-{self.port}.conf"
        conf.write_text(CONF.format(here=here, port=self.port, api=api, cert=cert,
                                    protocol=protocol), encoding="ascii")
        fd = listener.fileno()
        self.process = subprocess.Popen(
            ["nginx", "-c", conf, "-e", here / "error.log"], pass_fds=[fd],
            env={**os.environ, "NGINX": f"{fd};"}, stdin=subprocess.DEVNULL)
        listener.close()
        wait_until(lambda: (here / "pid").exists() or self.process.poll() is not None, "nginx")
        assert self.process.poll() is None, (here / "error.log").read_text(encoding="utf-8")

    def asked(self):
        """Connection, protocol, encoding and status of each request."""
        lines = (self.here / "access.log").read_text(encoding="ascii").splitlines()
        return [line.split() for line in lines]

    def stop(self):
        self.process.terminate()
        self.process.wait(END)
        (self.here / "pid").unlink(missing_ok=True)


@pytest.fixture
def certificates(tmp_path):
    """An authority, a certificate of it for localhost, and one that has expired."""
    needed_tools("nginx", "openssl")
    here = tmp_path / "front"
    here.mkdir()
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-subj", "/CN=Test authority", "-days", "2", "-keyout", here / "ca.key",
        "-out", here / "ca.pem")
    for name, days in ("good", "2"), ("expired", "-1"), ("other", "2"):
        host = "elsewhere.test" if name == "other" else "localhost"
        (here / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n", encoding="ascii")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={host}", "-keyout", here / f"{name}.key", "-out", here / f"{name}.csr")
        run("openssl", "x509", "-req", "-in", here / f"{name}.csr", "-CA", here / "ca.pem",
            "-CAkey", here / "ca.key", "-CAcreateserial", "-days", days, "-extfile",
            here / f"{name}.ext", "-out", here / f"{name}.pem")
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


@pytest.mark.parametrize("protocol, spoken", [("http2", "HTTP/2.0"), ("", "HTTP/1.1")])
def test_all_of_it(account, mount, front, certificates, protocol, spoken):
    """SPEC 1.1, 1.4: HTTPS with ca_file=; HTTP/2 where it is offered, compression, and
    connections that are used again."""
    proxy = front(account.url, protocol=protocol)
    one = mount(account, f"ca_file={certificates / 'ca.pem'}", source=[proxy.url])
    names = sorted(os.listdir(one.path / "all"))
    assert names == sorted(job["id"] + ".json" for job in account.jobs())
    for name in names[:40]:
        assert (one.path / "all" / name).read_bytes()
    one.unmount()
    proxy.stop()
    asked = proxy.asked()
    assert len(asked) >= 3
    assert {protocol for _, protocol, _, _ in asked} == {spoken}
    assert "gzip" in {encoding for _, _, encoding, _ in asked}
    # Eight are the most; a handshake for every request would show here.
    assert len({connection for connection, *_ in asked}) <= 8
    assert {entry.headers["x-gladia-key"] for entry in account.log()} == {KEY}


@pytest.mark.parametrize("cert, ca_file", [("good", None), ("expired", "ca.pem"),
                                           ("other", "ca.pem")])
def test_certificates(account, place, program, front, certificates, cert, ca_file):
    """SPEC 1.3, 2.3: who cannot prove to be the API gets nothing, and we say so at once."""
    proxy = front(account.url, cert=cert)
    more = [f"ca_file={certificates / ca_file}"] if ca_file else []
    code, _, err = program("-f", "-o", place.options(*more), proxy.url, place.new_directory())
    assert code == 32
    assert err.count("\n") == 1
    assert "certificate" in err.lower()
    assert KEY not in err
    assert not account.log()
