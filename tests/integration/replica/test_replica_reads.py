"""Reads of a replica that is behind: never more is promised than can be read, nobody comes back."""

import time
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from api.services import Services
from domain.credentials import Credential
from infra.local.replica import Replica
from stream_processors.rebuild import rebuild
from tests.integration.api.conftest import Caller
from tests.integration.lrs.erasing import erase
from tests.integration.lrs.samples import Json, agent, statement
from tests.waiting import until

STATEMENTS = "/xapi/statements"
THROUGH = "X-Experience-API-Consistent-Through"


def post(caller: Caller, *sent: Json) -> datetime:
    """Stores statements; returns the moment before which all can be read, as the answer says."""
    answer = caller("POST", STATEMENTS, json=list(sent))
    assert answer.status_code == 200, answer.text
    return datetime.fromisoformat(answer.headers[THROUGH])


def listed(caller: Caller, **narrow: Any) -> tuple[datetime, dict[str, Json]]:
    """Returns the moment that an answer is complete to, and its statements by id."""
    answer = caller("GET", f"{STATEMENTS}?{urlencode(narrow)}")
    assert answer.status_code == 200, answer.text
    statements: list[Json] = answer.get_json()["statements"]
    found = {each["id"]: each for each in statements}
    return datetime.fromisoformat(answer.headers[THROUGH]), found


def by_id(caller: Caller, statement_id: str) -> Any:
    return caller("GET", f"{STATEMENTS}?{urlencode({'statementId': statement_id})}")


def part(caller: Caller) -> Any:
    """Returns what /health/ready says of the replica."""
    return caller("GET", "/health/ready?all=true").get_json()["parts"]["replica"]


def test_the_replica_is_read(
    callers: dict[str, Caller], patient: Services, replica: Replica
) -> None:
    sent = statement()
    post(callers["patient"], sent)
    until(lambda: sent["id"] in listed(callers["patient"])[1])
    until(lambda: patient.reads.source().on_replica)
    source = patient.reads.source()
    with source.connection() as connection:
        assert connection.info.port == replica.port
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)


def test_consistent_through_does_not_lie_while_replay_is_paused(
    callers: dict[str, Caller], patient: Services, replica: Replica
) -> None:
    caller = callers["patient"]
    until(lambda: patient.reads.source().on_replica)
    replica.pause()
    sent = [statement() for _ in range(5)]
    promised = []
    for each in sent:
        promised.append(post(caller, each))
        time.sleep(0.15)
        promised.append(listed(caller)[0])
        assert each["id"] not in listed(caller)[1]
    stored = [datetime.fromisoformat(by_id(caller, each["id"]).json["stored"]) for each in sent]
    assert max(promised) <= min(stored)
    replica.resume()
    until(lambda: listed(caller)[0] > max(stored))
    assert {each["id"] for each in sent} <= listed(caller)[1].keys()


def test_no_answer_lacks_what_it_says_is_in_it(callers: dict[str, Caller]) -> None:
    """While the replica follows, right behind."""
    for name in ("patient", "strict"):
        for _ in range(20):
            sent = statement()
            post(callers["patient"], sent)
            through, found = listed(callers[name])
            stored = datetime.fromisoformat(by_id(callers[name], sent["id"]).json["stored"])
            assert sent["id"] in found or through <= stored


def test_a_write_under_way_holds_the_moment_back(
    callers: dict[str, Caller], patient: Services
) -> None:
    with patient.pool.connection() as connection, connection.transaction():
        (began,) = connection.execute("SELECT now()").fetchone() or (None,)
        assert began is not None
        time.sleep(0.3)
        for name in ("patient", "strict"):
            assert listed(callers[name])[0] <= began


def test_one_statement_is_found_at_once(
    callers: dict[str, Caller], patient: Services, replica: Replica
) -> None:
    until(lambda: patient.reads.source().on_replica)
    replica.pause()
    sent = statement()
    post(callers["patient"], sent)
    assert by_id(callers["patient"], sent["id"]).status_code == 200


def test_a_replica_that_is_too_far_behind_is_left(
    callers: dict[str, Caller], strict: Services, replica: Replica
) -> None:
    until(lambda: strict.reads.source().on_replica)
    replica.pause()
    sent = statement()
    post(callers["strict"], sent)
    until(lambda: sent["id"] in listed(callers["strict"])[1])
    assert not strict.reads.source().on_replica
    replica.resume()
    until(lambda: strict.reads.source().on_replica)


def test_a_replica_that_is_away_is_left(
    callers: dict[str, Caller], patient: Services, replica: Replica
) -> None:
    until(lambda: patient.reads.source().on_replica)
    replica.stop()
    try:
        sent = statement()
        post(callers["patient"], sent)
        until(lambda: sent["id"] in listed(callers["patient"])[1])
        assert not patient.reads.source().on_replica
        until(lambda: not part(callers["patient"])["well"])
    finally:
        replica.start()
    until(lambda: patient.reads.source().on_replica)
    until(lambda: part(callers["patient"])["well"])


def test_an_erasure_acts_on_a_replica_that_is_behind(
    callers: dict[str, Caller], patient: Services, institution: UUID, replica: Replica
) -> None:
    caller = callers["patient"]
    own = statement("rosa")
    other = statement("bob", context={"instructor": agent("rosa")})
    post(caller, own, other)
    until(lambda: patient.reads.source().on_replica)
    until(lambda: {own["id"], other["id"]} <= listed(caller)[1].keys())
    replica.pause()
    credential = Credential(caller.key, institution, "tool", frozenset())
    erase(patient.lrs, credential, "rosa")
    found = listed(caller)[1]
    assert own["id"] not in found
    assert "rosa" not in str(found[other["id"]])
    named = {"agent": '{"account":{"homePage":"https://lms.example.org","name":"rosa"}}'}
    assert listed(caller, **named, related_agents="true")[1] == {}
    assert by_id(caller, own["id"]).status_code == 404


@pytest.mark.parametrize("paused", [False, True])
def test_views_wait_for_what_they_are_read_from(
    callers: dict[str, Caller], strict: Services, replica: Replica, paused: bool
) -> None:
    """With replay paused, for as long as the replica may be behind; then the primary answers."""
    if paused:
        until(lambda: strict.reads.source().on_replica)
        replica.pause()
    post(callers["strict"], statement())
    position = rebuild(strict.lrs, lambda *_: None)
    answer = callers["instructor"]("GET", f"/api/v1/courses?wait_for={position}")
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["as_of"]["position"] >= position
