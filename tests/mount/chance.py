# SPDX-License-Identifier: MIT
"""Seeds of randomized tests, which the environment can set, and how long these tests run."""

import os
import random

# CI always uses the same seed; set GLADIAFS_SEED=N for another one.
SEED = int(os.environ.get("GLADIAFS_SEED", "20261124"))
SHORT = "GLADIAFS_TEST_SHORT" in os.environ
LONG = "GLADIAFS_TEST_LONG" in os.environ


def draws(name):
    """Returns a random number generator for one test and prints its seed.

    pytest shows the seed if the test fails.
    """
    print(f"GLADIAFS_SEED={SEED} ({name})")
    return random.Random(f"{SEED} {name}")
