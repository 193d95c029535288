# SPDX-License-Identifier: MIT
"""Tests that draw: their seeds, printed and taken from the environment, and how much of
them is run."""

import os
import random

# In CI always the same draws; GLADIAFS_SEED=N for others.
SEED = int(os.environ.get("GLADIAFS_SEED", "20261124"))
SHORT = "GLADIAFS_TEST_SHORT" in os.environ
LONG = "GLADIAFS_TEST_LONG" in os.environ


def draws(name):
    """Draws of its own for a test; what it printed is shown where the test fails."""
    print(f"GLADIAFS_SEED={SEED} ({name})")
    return random.Random(f"{SEED} {name}")
