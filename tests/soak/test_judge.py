# SPDX-License-Identifier: MIT
"""The soak's judge passes what is flat and fails what leaks (SEMANTICS 11.3)."""

import math
import random

import pytest

from judge import judge

MIB = 1 << 20


def series(value, seconds=120):
    return [(float(at), value(at)) for at in range(seconds)]


def noisy(at, seed=1):
    """Around 20 MiB, up and down by one: what a mount that evicts and forgets looks like."""
    return 20 * MIB + MIB * math.sin(at / 5) + random.Random(seed * 1000 + at).uniform(0, MIB)


def test_what_is_flat():
    for seed in range(20):
        for figure in ("memory", "in use"):
            assert judge(figure, series(lambda at, seed=seed: noisy(at, seed)), 40).flat


def test_a_leak_beneath_the_noise():
    """Of 200 KiB, that is some jobs, a second; also where little is lost."""
    for figure in ("memory", "in use"):
        leaking = judge(figure, series(lambda at: noisy(at) + at * 200 * 1024), 40)
        assert not leaking.flat
        assert leaking.slope == pytest.approx(200 * 1024, rel=0.25)
    slow = judge("memory", series(lambda at: noisy(at) + at * 3 * 1024, 1200), 240)
    assert not slow.flat


def test_a_descriptor_in_ten_seconds():
    """In 20 minutes; in two, a parked request."""
    assert not judge("descriptors", series(lambda at: 20 + at // 10, 1200), 240).flat
    assert not judge("waiting", series(lambda at: at // 10), 40).flat


def test_a_step_after_the_warm_up():
    """What is lost once is seen, too, if it is a third of all."""
    assert not judge("catalog", series(lambda at: (30 if at > 80 else 20) * MIB), 40).flat


def test_growth_while_it_warms_up_is_none():
    assert judge("memory", series(lambda at: noisy(at) if at > 40 else at * MIB), 40).flat


def test_what_shrinks_is_flat():
    assert judge("memory", series(lambda at: (60 - at / 4) * MIB), 40).flat


def test_too_few_samples_are_no_verdict():
    with pytest.raises(ValueError):
        judge("memory", series(noisy, 50), 40)
    with pytest.raises(ValueError):
        judge("memory", [(50.0, 1.0)] * 30, 40)
