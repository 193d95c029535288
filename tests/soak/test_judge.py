# SPDX-License-Identifier: MIT
"""The soak's judge passes figures that are flat and fails figures that leak (SEMANTICS 11.3)."""

import math
import random

import pytest

from judge import judge

MIB = 1 << 20


def series(value, seconds=120):
    return [(float(at), value(at)) for at in range(seconds)]


def noisy(at, seed=1):
    """About 20 MiB, varying by one, like a mount that evicts texts and forgets nodes."""
    return 20 * MIB + MIB * math.sin(at / 5) + random.Random(seed * 1000 + at).uniform(0, MIB)


def test_what_is_flat():
    for seed in range(20):
        for figure in ("memory", "in use"):
            assert judge(figure, series(lambda at, seed=seed: noisy(at, seed)), 40).flat


def test_a_leak_beneath_the_noise():
    """A leak of 200 KiB a second, the size of a few jobs, is found, and so is a slow leak over a
    longer time."""
    for figure in ("memory", "in use"):
        leaking = judge(figure, series(lambda at: noisy(at) + at * 200 * 1024), 40)
        assert not leaking.flat
        assert leaking.slope == pytest.approx(200 * 1024, rel=0.25)
    slow = judge("memory", series(lambda at: noisy(at) + at * 3 * 1024, 1200), 240)
    assert not slow.flat


def test_a_descriptor_in_ten_seconds():
    """A descriptor leaked every ten seconds is found in 20 minutes, a parked request in two."""
    assert not judge("descriptors", series(lambda at: 20 + at // 10, 1200), 240).flat
    assert not judge("waiting", series(lambda at: at // 10), 40).flat


def test_a_step_after_the_warm_up():
    """A single loss of memory is found if it is a third of the total."""
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
