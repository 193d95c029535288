# SPDX-License-Identifier: MIT
"""The mock server as a child process, and a client of its control calls
(tests/mock/README.md)."""

import copy
import http.client
import json
import os
import subprocess
import time
from urllib.parse import quote, urlencode

from tools import END, wait_until

PROGRAM = os.environ.get("GLADIA_MOCK", "gladia-mock")
KEY = "a-key-that-must-not-be-seen-7d41"
LISTS = "/v2/pre-recorded"
JOBS = "/v2/pre-recorded/"
# Seconds for which a mount may repeat an error to the same thread (FAILED_MS of
# src/fs/recent_failures.h).
ERROR_LASTS = 0.05
# An id in the format of the API, for a job that a test creates.
AN_ID = "6fa0c2de-93b7-4d15-8a41-5be6d7f8c901"


class Mock:
    """A mock server that listens on its own port until stop()."""

    def __init__(self, directory, *options, key=KEY):
        port_file = directory / "port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [PROGRAM, "--die-with-parent", "--key", key, "--port-file", port_file, *options],
            stdin=subprocess.DEVNULL)
        wait_until(lambda: port_file.exists() or self.process.poll() is not None,
                   "the mock server serves")
        assert self.process.poll() is None, "the mock server has ended"
        self.port = int(port_file.read_text(encoding="ascii"))
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = key
        self.kind = "pre-recorded"

    def live(self):
        """Returns the same server, whose account is that of live sessions."""
        other = copy.copy(self)
        other.kind = "live"
        return other

    def stop(self):
        """Stops the server. Returns False if it was too slow or its exit code is not 0."""
        self.process.terminate()
        try:
            return self.process.wait(END) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def call(self, method, path, body=None, headers=None):
        """Sends a request. Returns the status and the body of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def control(self, method, name, body=None):
        data = None if body is None else json.dumps(body)
        if self.kind == "live":
            name += ("&" if "?" in name else "?") + "kind=live"
        status, answer = self.call(method, "/_mock/" + name, data)
        assert status == 200, (method, name, answer)
        return json.loads(answer)

    # The account.

    def jobs(self, **where):
        """Returns the jobs of the account, newest first.

        Filters: status=, after= (inclusive), before= (exclusive).
        """
        return self.control("GET", "jobs?" + urlencode(where))

    def body(self, job_id):
        """Returns a job's JSON text as the API serves it."""
        status, answer = self.call(
            "GET", f"/_mock/jobs/{quote(job_id, safe='')}?kind={self.kind}")
        assert status == 200
        return answer

    def create(self, **what):
        """Creates a job, or count= jobs. Returns the id of the first one."""
        return self.control("POST", "jobs", what)["ids"][0]

    def change(self, job_id, **what):
        self.control("POST", "jobs/" + quote(job_id, safe=""), what)

    def delete(self, job_id):
        self.control("DELETE", "jobs/" + quote(job_id, safe=""))

    def schedule(self, after_requests, *changes):
        """Changes the account right before the list request with this number, counted from now."""
        self.control("POST", "schedule", {"after_requests": after_requests, "do": changes})

    # Modes and faults.

    def modes(self, **values):
        """Sets modes; append "_" to a name that is a Python keyword."""
        return self.control("POST", "modes",
                            {name.rstrip("_"): value for name, value in values.items()})

    def fault(self, kind, match=None, times=-1, skip=0, **fields):
        """Makes requests fail; by default, all requests from now on."""
        self.control("POST", "faults", {"match": match or {}, "times": times, "skip": skip,
                                        "do": {"kind": kind, **fields}})

    def fault_lists(self, kind, query_contains="", **fields):
        match = {"path": LISTS, "query_contains": query_contains}
        self.fault(kind, match, **fields)

    def fault_jobs(self, kind, job_id="", **fields):
        self.fault(kind, {"path_contains": JOBS + job_id}, **fields)

    def clear_faults(self):
        """Removes all faults and waits until the mount no longer repeats a recent error."""
        self.control("DELETE", "faults")
        time.sleep(ERROR_LASTS)

    def reset(self):
        """Resets everything but the jobs to the state at the start."""
        self.control("POST", "reset")

    # Requests it received.

    def log(self):
        return [Request(entry) for entry in self.control("GET", "log")]

    def stats(self):
        return self.control("GET", "stats")

    def clear_stats(self):
        self.control("DELETE", "stats")

    def wait(self, **condition):
        """Waits until in_flight=, in_flight_at_most= or requests= is reached."""
        reached = self.control("GET", "wait?" + urlencode(condition))
        assert reached["ok"], (condition, reached["stats"])
        return reached["stats"]


class Request:
    """A request from the log of the mock server."""

    def __init__(self, entry):
        self.number = entry["n"]
        self.at = entry["t_ms"] / 1000
        self.status = entry["status"]
        self.bytes = entry["bytes"]
        self.method = entry["method"]
        self.path = entry["path"]
        self.headers = entry["headers"]
        self.query = entry["query"]

    def parameter(self, name):
        """Returns a number from the query string, or None if the parameter is absent."""
        for pair in self.query.split("&"):
            key, _, value = pair.partition("=")
            if key == name:
                return int(value)
        return None

    @property
    def offset(self):
        return self.parameter("offset") or 0

    @property
    def limit(self):
        return self.parameter("limit") or 20

    @property
    def lists(self):
        return self.path == LISTS

    def __repr__(self):
        return f"{self.method} {self.path}?{self.query} -> {self.status}"
