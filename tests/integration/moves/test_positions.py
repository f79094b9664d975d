"""Positions across a move: budgets, cursors and live streams count in the log of their place."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from api.app import create_app
from api.services import Services as ApiServices
from api.services import go_to
from api.v1 import live
from domain.budget import BudgetAllocated, Ledger, Released, Window, ledger_id
from domain.credentials import Credential
from domain.errors import Invalid
from domain.placements import HOME
from domain.roles import Role
from lrs.queries import Filter
from lrs.services import Services
from tests.integration.api.conftest import Caller
from tests.integration.lrs.samples import statement
from tests.integration.moves.conftest import OTHER, Deployment, send

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def app(deployment: Deployment) -> Any:
    """The API over both shards."""
    services = ApiServices(deployment.settings)
    yield create_app(services)
    services.close()


def ledger(services: Services, institution: UUID) -> Ledger:
    found = Ledger.fold(services.store.stream(ledger_id(institution, "2026-H2")))
    assert found is not None
    return found


def release(services: Services, institution: UUID, version: int, until: int) -> None:
    """Notes a release whose window closed at a position."""
    services.store.append(
        Released(
            originator_id=ledger_id(institution, "2026-H2"),
            originator_version=version,
            institution=institution,
            at=NOW,
            release=uuid4(),
            stream="daily-actives",
            plan="",
            window=Window(after=0, until=until, opened=NOW, closed=NOW),
            rho=0.01,
            delta=0.0,
            bound=1,
            sigma=1.0,
            rows=(),
        )
    )


def test_a_ledger_closes_at_the_same_statement(deployment: Deployment, tool: Credential) -> None:
    home, other, institution = deployment.home, deployment.other, tool.institution
    send(other, Credential("tool", uuid4(), "a resident", tool.roles), *("someone",) * 7)
    first = send(home, tool, "ada")
    home.store.append(
        BudgetAllocated(
            originator_id=ledger_id(institution, "2026-H2"),
            originator_version=1,
            institution=institution,
            at=NOW,
            term="2026-H2",
            rho=0.2,
            delta=0.0,
            began=NOW,
        )
    )
    release(home, institution, 2, home.store.last())
    send(home, tool, "ben")
    deployment.move(institution, OTHER)
    moved = ledger(other, institution)
    assert moved.rho_spent == pytest.approx(0.01)
    closed = moved.opening("daily-actives").position
    # Between what was released and what was not.
    positions = {found["actor"]["account"]["name"]: at for at, found in _statements(other, tool)}
    assert positions["ada"] <= closed < positions["ben"], first
    # A release there goes on from there, and is not moved again by another look.
    release(other, institution, moved.version + 1, other.store.last())
    deployment.move(institution, HOME)
    back = ledger(home, institution)
    assert back.rho_spent == pytest.approx(0.02)
    assert (
        back.opening("daily-actives").position
        >= {found["actor"]["account"]["name"]: at for at, found in _statements(home, tool)}["ben"]
    )


def _statements(services: Services, tool: Credential) -> list[tuple[int, Any]]:
    terms = services.queries.terms(tool.institution, Filter())
    look = services.follower.look(tool.institution, terms or [], 0, 100)
    return [(item.recorded.position, item.recorded.event.statement) for item in look.found]


def test_cursors_of_before_are_refused_and_live_ids_translated(
    deployment: Deployment, app: Flask
) -> None:
    home = deployment.home
    institution = home.institutions.create("Paging college").institution
    pair = home.credentials.issue(institution, "the tool", [Role.TOOL])
    caller = Caller(app.test_client(), *pair)
    holder = home.credentials.verify(*pair)
    sent = send(home, holder, "ada", "ben", "cy")
    more = caller("GET", "/xapi/statements?limit=1").json["more"]
    reached = {found["id"]: at for at, found in _statements(home, holder)}
    deployment.move(institution, OTHER)
    refused = caller("GET", more)
    assert (refused.status_code, refused.json["rule"]) == (400, "moved")
    page = caller("GET", "/xapi/statements?limit=1").json
    assert page["statements"][0]["id"] == sent[2]["id"]
    assert caller("GET", page["more"]).status_code == 200
    with app.test_request_context():
        go_to(institution)
        after = live._after(str(reached[sent[0]["id"]]))
        look = deployment.other.follower.look(
            institution, deployment.other.queries.terms(institution, Filter()) or [], after, 10
        )
        names = [item.recorded.event.statement["id"] for item in look.found]
        assert names == [sent[1]["id"], sent[2]["id"]]
        assert live._after(f"1-{look.reached}") == look.reached
        with pytest.raises(Invalid):
            live._after(f"2-{look.reached}")


def test_requests_find_their_shard_and_writers_are_told_to_come_back(
    deployment: Deployment, app: Flask
) -> None:
    home = deployment.home
    institution = home.institutions.create("Sent college").institution
    caller = Caller(app.test_client(), *home.credentials.issue(institution, "t", [Role.TOOL]))

    def post() -> Any:
        return caller("POST", "/xapi/statements", json=[statement()])

    assert post().status_code == 200
    told = []

    def tell(step: str, done: int, whole: int) -> None:
        if step == "shut":
            told.append((post(), caller("GET", "/xapi/statements")))

    deployment.move(institution, OTHER, tell)
    ((refused, read),) = told
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert len(read.json["statements"]) == 1
    assert post().status_code == 200
    assert len(caller("GET", "/xapi/statements").json["statements"]) == 2
    with deployment.other.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM lrs.arrivals WHERE institution = %s", [institution]
        ).fetchone()
    assert row == (2,)  # the institution, and what was sent before
