"""`lrs credentials` on a real instance: issue with scopes and rates, rotate, list, revoke."""

import re
from collections.abc import Iterator

import pytest
from click.testing import Result

from domain.errors import Unauthenticated
from domain.scopes import Scope
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.commands import Lrs, lrs_of


@pytest.fixture
def services(own_settings: Settings) -> Iterator[Services]:
    """Services of an instance with its own database and one institution."""
    opened = open_services(own_settings)
    opened.institutions.create("Test college")
    yield opened
    opened.close()


@pytest.fixture
def run(services: Services) -> Lrs:
    """Runs `lrs credentials` there."""
    return lrs_of(services.settings, "credentials")


def told(result: Result, name: str) -> str:
    assert result.exit_code == 0, result.output
    found = re.search(rf"^{name}: +(\S+)$", result.output, flags=re.M)
    assert found, result.output
    return found[1]


def test_a_life(run: Lrs, services: Services) -> None:
    issued = run(
        "issue", "--label", "a player", "--role", "tool", "--scope", "state", "--scope", "define",
        "--requests", "50", "--statements", "0",
    )  # fmt: skip
    key, secret = told(issued, "key"), told(issued, "secret")
    held = services.credentials.verify(key, secret)
    assert held.scopes == {Scope.STATE, Scope.DEFINE}
    assert (held.rates.requests, held.rates.statements) == (50, 0)

    rotated = told(run("rotate", key), "secret")
    elsewhere = open_services(services.settings)
    try:
        with pytest.raises(Unauthenticated):
            elsewhere.credentials.verify(key, secret)
        assert elsewhere.credentials.verify(key, rotated).generation == 2
    finally:
        elsewhere.close()

    assert run("revoke", key).exit_code == 0
    listed = run("list").output
    assert key in listed and "revoked" in listed and "tool,define,state" in listed
    assert secret not in listed and rotated not in listed
    again = run("rotate", key)
    assert again.exit_code == 1 and "revoked" in again.output
    assert run("rotate", "nobody").exit_code == 1


def test_refusals_are_said_plainly(run: Lrs) -> None:
    for words in (
        ["issue", "--label", "x", "--role", "officer", "--scope", "all"],
        ["issue", "--label", "x", "--role", "tool", "--scope", "everything"],
        ["issue", "--label", "x", "--role", "tool", "--requests", "-1"],
        ["rotate", "--grace", "-1", "key"],
    ):
        result = run(*words)
        assert result.exit_code in (1, 2)
        assert "Error" in result.output and "Traceback" not in result.output
