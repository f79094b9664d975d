"""The command line, run in this process against a real instance."""

import pytest

from lrs.settings import Settings
from tests.commands import Lrs, lrs_of


@pytest.fixture
def lrs(settings: Settings) -> Lrs:
    """`lrs`, as it finds this module's database by the environment."""
    return lrs_of(settings)
