# SPDX-License-Identifier: MIT
"""nginx as a child process: in front of the mock server with TLS, HTTP/2 and compression, as the
real API does, or as a server for a directory's files. For tests and benchmarks."""

import os
import socket
import subprocess
import time
from pathlib import Path

SECONDS = 20
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

CONF = """
daemon off; pid {here}/pid-{port}; error_log {here}/error.log; {user}
events {{ }}
http {{
  log_format requests '$connection $server_protocol $sent_http_content_encoding $status '
    '$ssl_session_reused';
  access_log {log};
  client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here};
  uwsgi_temp_path {here}; scgi_temp_path {here};
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port} {listen};
    {rules}
  }}
}}
"""
TLS = """
    ssl_certificate {here}/{cert}.pem; ssl_certificate_key {here}/{cert}.key;
    gzip {gzip}; gzip_types application/json; gzip_proxied any;
    location / {{ proxy_pass {api}; proxy_http_version 1.1; }}
"""


class Nginx:
    """nginx on its own port. It takes over our listening socket, as in an upgrade (NGINX)."""

    def __init__(self, here: Path, rules: str, listen: str = "", log: bool = True):
        self.here = here
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.log = here / f"access-{self.port}.log"
        conf = here / f"nginx-{self.port}.conf"
        # By default nginx runs root's workers as another user, and that user may not be able to
        # read the directory.
        conf.write_text(CONF.format(here=here, port=self.port, rules=rules, listen=listen,
                                    log=f"{self.log} requests" if log else "off",
                                    user="" if os.geteuid() else "user root root;"),
                        encoding="utf-8")
        fd = listener.fileno()
        self.process = subprocess.Popen(
            ["nginx", "-c", conf, "-e", here / "error.log"], pass_fds=[fd],
            env={**os.environ, "NGINX": f"{fd};"}, stdin=subprocess.DEVNULL)
        listener.close()
        self.wait_until_it_serves()

    def wait_until_it_serves(self) -> None:
        end = time.monotonic() + SECONDS
        while not (self.here / f"pid-{self.port}").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise RuntimeError("nginx does not start: "
                                   + (self.here / "error.log").read_text(encoding="utf-8"))
            time.sleep(0.002)

    def requests(self) -> list[list[str]]:
        """Returns, for each request, the connection, protocol, encoding, status, and whether its
        TLS session was resumed ("r" or ".")."""
        return [line.split() for line in self.log.read_text(encoding="ascii").splitlines()]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Front(Nginx):
    """A proxy in front of an API, with a certificate of make_certificates()."""

    def __init__(self, here: Path, api: str, cert: str = "good", protocol: str = "http2",
                 gzip: bool = True):
        rules = TLS.format(here=here, cert=cert, api=api, gzip="on" if gzip else "off")
        super().__init__(here, rules, f"ssl {protocol}")
        self.url = f"https://localhost:{self.port}"


class Files(Nginx):
    """Serves a directory and its files, listed as HTML."""

    def __init__(self, here: Path, directory: Path):
        super().__init__(here, f"root {directory}; autoindex on;", log=False)
        self.url = f"http://127.0.0.1:{self.port}"


def openssl(*words: str | Path) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")


# `openssl ca`, not `openssl x509`: all its versions accept both a start and an end date.
AUTHORITY = """
[authority]
certificate = {here}/ca.pem
private_key = {here}/ca.key
database = {here}/issued
new_certs_dir = {here}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy

[policy]
commonName = supplied
"""


def make_certificates(here: Path) -> None:
    """Makes an authority (ca.pem), and its certificates for localhost (good), for localhost but
    expired (expired), and for another host (other)."""
    openssl("req", "-x509", *CURVE, "-subj", "/CN=Test authority", "-days", "2",
            "-keyout", here / "ca.key", "-out", here / "ca.pem")
    (here / "ca.conf").write_text(AUTHORITY.format(here=here), encoding="utf-8")
    (here / "issued").touch()
    for name, start, end in ("good", -1, 2), ("expired", -2, -1), ("other", -1, 2):
        host = "elsewhere.test" if name == "other" else "localhost"
        (here / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n", encoding="ascii")
        openssl("req", *CURVE, "-subj", f"/CN={host}", "-keyout", here / f"{name}.key",
                "-out", here / f"{name}.csr")
        openssl("ca", "-batch", "-notext", "-config", here / "ca.conf", "-name", "authority",
                "-startdate", days_from_now(start), "-enddate", days_from_now(end),
                "-extfile", here / f"{name}.ext", "-in", here / f"{name}.csr",
                "-out", here / f"{name}.pem")


def days_from_now(days: int) -> str:
    """Returns a timestamp in the format of `openssl ca`."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))
