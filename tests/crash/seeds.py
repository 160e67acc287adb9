"""The seed of a test that draws its troubles: new each time, printed, and given again by DIALERD_TEST_SEED.

Never decides anything else: the same seed draws the same kills and faults, but the machine's pace is its own.
"""

from __future__ import annotations

import os
import random


def new_seed() -> int:
    """DIALERD_TEST_SEED if it is set, else a drawn one; printed, so that a failure shows it."""
    given = os.environ.get("DIALERD_TEST_SEED", "")
    seed = int(given) if given else random.SystemRandom().randrange(1_000_000)
    print(f"\nDIALERD_TEST_SEED={seed}")
    return seed
