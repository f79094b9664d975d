"""The record store over a real database, with an institution and a tool's credential."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from domain.credentials import Credential
from domain.roles import Role
from lrs.services import Services
from tests.fsck import check_clean


@pytest.fixture
def tool() -> Credential:
    """A tool of an institution that no other test uses."""
    return Credential("tool", uuid4(), "a tool", frozenset({Role.TOOL}))


@pytest.fixture
def agreeing(services: Services) -> Iterator[None]:
    """Whatever a test of faults did: log, index, documents and keys agree in the end."""
    yield
    check_clean(services.settings)
