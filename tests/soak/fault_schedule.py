# SPDX-License-Identifier: MIT
"""Changes the behaviour of the network and the API during a soak: periods without faults, and
periods in which requests meet faults of all kinds."""

import random
import time

from mock import Mock

# Shortest and longest duration in seconds.
FAULTY_S = (8, 14)
FAULTLESS_S = (14, 20)
# The faults of a faulty period, with the probability that a request meets each. Faults that make the
# API return wrong data, such as an item missing from its page, are left out because no client could
# detect them.
KINDS = [
    (0.03, {"kind": "status", "status": 500}),
    (0.02, {"kind": "status", "status": 503}),
    (0.01, {"kind": "status", "status": 429}),
    (0.01, {"kind": "status", "status": 401}),
    (0.02, {"kind": "reset"}),
    (0.02, {"kind": "reset_after", "bytes": 700}),
    (0.02, {"kind": "truncate"}),
    (0.02, {"kind": "truncate_valid"}),
    (0.01, {"kind": "wrong_length"}),
    (0.01, {"kind": "bad_gzip"}),
    (0.01, {"kind": "html"}),
    (0.01, {"kind": "empty"}),
    (0.01, {"kind": "bad_json"}),
    (0.01, {"kind": "items_null"}),
    (0.01, {"kind": "deep", "depth": 2000}),
    (0.05, {"kind": "latency", "ms": 300}),
    (0.02, {"kind": "drip", "bytes_per_second": 20000}),
    (0.01, {"kind": "stall"}),
    (0.01, {"kind": "stall_after", "bytes": 500}),
]
MODES = {
    "items": ["whole", "whole", "summary"],
    "gzip": [0, 1],
    "framing": ["length", "chunked"],
    "latency_ms": [0, 0, 5, 30],
    "limit_max": [0, 0, 50],
    "next_form": ["origin", "relative", "query"],
    "pretty": [0, 1],
}

# A call must succeed if it begins later than the timeout plus this many seconds after a faulty
# period.
SLACK = 2


class FaultSchedule:
    def __init__(self, mock: Mock, seed: int, timeout: float):
        self.mock = mock
        self.random = random.Random(seed + 1)
        self.timeout = timeout
        self.faulty = False
        self.faulty_periods = 0
        self.changes_at = time.monotonic() + 5
        self.last_fault = float("-inf")

    def turn(self) -> None:
        """Begins or ends a faulty period if it is time."""
        now = time.monotonic()
        if self.faulty:
            self.last_fault = now
        if now < self.changes_at:
            return
        self.mock.modes(**{name: self.random.choice(values)
                              for name, values in MODES.items()})
        self.faulty = not self.faulty
        if self.faulty:
            self.faulty_periods += 1
            self.last_fault = now
            for probability, fault in KINDS:
                match = {"path": "/v2/pre-recorded"} if fault["kind"] == "items_null" else {}
                self.mock.control("POST", "faults", {
                    "match": match, "times": -1, "probability": probability, "do": fault})
        else:
            self.clear()
        self.changes_at = now + self.random.uniform(*(FAULTY_S if self.faulty else FAULTLESS_S))

    def clear(self) -> None:
        self.mock.clear_faults()
        self.faulty = False

    def was_faultless(self, since: float) -> bool:
        """True if no call that began at `since`, and no request that it joined, can have met a
        fault."""
        return not self.faulty and since > self.last_fault + self.timeout + SLACK
