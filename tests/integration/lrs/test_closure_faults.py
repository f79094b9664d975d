"""Closures under kills: whoever comes next goes on, whatever step it was, and nothing is left."""

from typing import Any

import pytest

from domain.closure import Closure
from domain.credentials import Credential
from domain.roles import Role
from lrs import holdings
from lrs.closure import Closures
from lrs.services import Services
from lrs.workflow import NotClean
from tests.fsck import check_clean
from tests.integration.lrs.closing import rows
from tests.integration.lrs.erasing import accept, erase
from tests.integration.lrs.killing import around_event, certified, die, killed
from tests.integration.lrs.samples import statement, voiding

pytestmark = pytest.mark.usefixtures("agreeing")

STORES = ["keys", "statements", *holdings.TABLES]
EVENTS = 1 + 1 + len(STORES) + 1 + 1  # requested, fenced, purged..., verified, certified
STAY = {
    "lrs.stored_events",
    "lrs.closures",
    "lrs.fences",
    "lrs.erased_identifiers",
    "keystore.fences",
    "keystore.data_keys",
}


@pytest.fixture
def tool(services: Services) -> Credential:
    """A tool of an institution with some statements, one of them of somebody erased."""
    made = services.institutions.create("Doomed").institution
    key, secret = services.credentials.issue(made, "tool", [Role.TOOL])
    tool = services.credentials.verify(key, secret)
    one = statement("ada")
    accept(services, tool, one, statement("bob"), voiding(one["id"], "cleo"))
    erase(services, tool, "cleo")
    return tool


def close(services: Services, tool: Credential) -> Closure:
    """Asks for the closure and carries it out."""
    closures = Closures(services)
    return closures.run(closures.request(tool.institution, by="host", basis=""))


def finished(services: Services, tool: Credential) -> dict[str, Any]:
    """Returns the payload of the receipt that another process gets in the end."""
    done = certified(lambda: close(services, tool))
    assert done.receipt is not None
    left = {table for table, found in rows(services, tool.institution).items() if found}
    assert left == STAY
    assert Closures(services).resume() == 0
    check_clean(services.settings)
    payload: dict[str, Any] = done.receipt["payload"]
    assert [each["store"] for each in payload["stores"]] == STORES
    return payload


@pytest.mark.parametrize("after_append", [False, True], ids=["before-event", "after-event"])
@pytest.mark.parametrize("step", range(1, EVENTS + 1))
def test_killed_around_any_event_it_goes_on(
    services: Services, tool: Credential, step: int, after_append: bool
) -> None:
    killed(services, around_event(step, after=after_append), lambda mine: close(mine, tool))
    found = {each["store"]: each["found"] for each in finished(services, tool)["stores"]}
    assert found["identifiers"] == 3  # ada, bob, and the tool as authority: cleo is gone already
    assert found["credentials"] == found["institution"] == 1


@pytest.mark.parametrize("call", [1, 2, 5, 9, 14, 20])
def test_killed_within_a_purge_it_goes_on(
    services: Services, tool: Credential, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Each purge takes a row at a time, and the process dies between two of them."""
    monkeypatch.setattr(holdings, "PAGE", 1)
    number = holdings.number

    def arm(_: Services) -> None:
        calls = 0

        def dying(pool: Any, query: Any, params: Any) -> int:
            nonlocal calls
            if "purge_institution" in query.as_string():
                calls += 1
                if calls == call:
                    die()
            return number(pool, query, params)

        holdings.number = dying

    killed(services, arm, lambda mine: close(mine, tool))
    finished(services, tool)


def test_what_comes_back_is_purged_until_a_scan_finds_nothing(
    services: Services, tool: Credential
) -> None:
    class Stubborn:
        name = "stubborn"
        left = 3

        def count_all(self, institution: object) -> int:
            return min(self.left, 1)

        def purge_all(self, institution: object) -> int:
            self.left -= 1
            return 1

    closures = Closures(services, [Stubborn()])
    done = closures.run(closures.request(tool.institution, by="host", basis=""))
    assert done.purged["stubborn"] == 3


def test_what_keeps_coming_back_is_told(services: Services, tool: Credential) -> None:
    class Endless:
        name = "endless"

        def count_all(self, institution: object) -> int:
            return 1

        def purge_all(self, institution: object) -> int:
            return 1

    closures = Closures(services, [Endless()])
    with pytest.raises(NotClean):
        closures.run(closures.request(tool.institution, by="host", basis=""))
    assert Closures(services).resume() == 1


def test_two_at_once(services: Services, tool: Credential) -> None:
    """Another process looks in while one is at it: it does nothing, and neither fails."""
    closures, elsewhere = Closures(services), Closures(services)
    asked = closures.request(tool.institution, by="host", basis="")
    with closures._alone(asked.id) as first:
        assert first
        assert elsewhere.run(asked).state == "requested"
    assert elsewhere.run(asked).state == "certified"
