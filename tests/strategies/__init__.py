"""Hypothesis strategies, and the profiles that they run under.

`ci`, the default, draws the same examples every time; `HYPOTHESIS_PROFILE=explore` draws new ones.
"""

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=50, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "explore", deadline=None, max_examples=2000, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
PROFILE = settings()
"""The profile in force."""
