# SPDX-License-Identifier: MIT
"""The stand-in API as a child process, and a client of its control calls
(tests/mock/README.md)."""

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
# Seconds for which a mount may repeat an error to the same thread (FAILED_MS of src/fs/recent_failures.h).
ERROR_LASTS = 0.05
# An id as the API makes them, of a job that a test makes.
AN_ID = "6fa0c2de-93b7-4d15-8a41-5be6d7f8c901"


class Mock:
    """A stand-in that serves on a port of its own until stop()."""

    def __init__(self, directory, *options, key=KEY):
        port_file = directory / "port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [PROGRAM, "--die-with-parent", "--key", key, "--port-file", port_file, *options],
            stdin=subprocess.DEVNULL)
        wait_until(lambda: port_file.exists() or self.process.poll() is not None,
                   "the stand-in serves")
        assert self.process.poll() is None, "the stand-in has ended"
        self.port = int(port_file.read_text(encoding="ascii"))
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = key

    def stop(self):
        """Ends it; False if that was too slow or it failed."""
        self.process.terminate()
        try:
            return self.process.wait(END) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def call(self, method, path, body=None, headers=None):
        """Status and body of a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def control(self, method, name, body=None):
        data = None if body is None else json.dumps(body)
        status, answer = self.call(method, "/_sandbox/" + name, data)
        assert status == 200, (method, name, answer)
        return json.loads(answer)

    # The account.

    def jobs(self, **where):
        """The truth, newest first; by status=, after= (inclusive), before= (exclusive)."""
        return self.control("GET", "jobs?" + urlencode(where))

    def body(self, job_id):
        """A job's text as it is served."""
        status, answer = self.call("GET", "/_sandbox/jobs/" + quote(job_id, safe=""))
        assert status == 200
        return answer

    def create(self, **what):
        """Makes a job, or count= of them; gives the (first) id."""
        return self.control("POST", "jobs", what)["ids"][0]

    def change(self, job_id, **what):
        self.control("POST", "jobs/" + quote(job_id, safe=""), what)

    def delete(self, job_id):
        self.control("DELETE", "jobs/" + quote(job_id, safe=""))

    def schedule(self, after_requests, *changes):
        """Changes of the account right before the so-manieth list request from now."""
        self.control("POST", "schedule", {"after_requests": after_requests, "do": changes})

    # How it behaves.

    def modes(self, **values):
        """Sets modes; a name that is a word of Python has a "_" behind it."""
        return self.control("POST", "modes",
                            {name.rstrip("_"): value for name, value in values.items()})

    def fault(self, kind, match=None, times=-1, skip=0, **fields):
        """Lets requests fail: all from now on, unless said otherwise."""
        self.control("POST", "faults", {"match": match or {}, "times": times, "skip": skip,
                                        "do": {"kind": kind, **fields}})

    def fault_lists(self, kind, query_contains="", **fields):
        match = {"path": LISTS, "query_contains": query_contains}
        self.fault(kind, match, **fields)

    def fault_jobs(self, kind, job_id="", **fields):
        self.fault(kind, {"path_contains": JOBS + job_id}, **fields)

    def clear_faults(self):
        """And what a thread was told a moment ago, it is not told once more."""
        self.control("DELETE", "faults")
        time.sleep(ERROR_LASTS)

    def reset(self):
        """All but the jobs, as it was at the start."""
        self.control("POST", "reset")

    # What it was asked.

    def log(self):
        return [Request(entry) for entry in self.control("GET", "log")]

    def stats(self):
        return self.control("GET", "stats")

    def clear_stats(self):
        self.control("DELETE", "stats")

    def wait(self, **condition):
        """Until in_flight=, in_flight_at_most= or requests= is reached."""
        reached = self.control("GET", "wait?" + urlencode(condition))
        assert reached["ok"], (condition, reached["stats"])
        return reached["stats"]


class Request:
    """A request as the stand-in has logged it."""

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
        """A number of the query, or None."""
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
