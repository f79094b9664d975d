"""What is kept of refused requests: bounded, sealed, found by erasure, gone in time."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.credentials import Credential
from domain.errors import Conflict, Error, Invalid, NotFound, Overloaded
from domain.people import canonical_ifi
from domain.quarantine import Reason
from domain.roles import Role
from domain.statements.rules import validate
from domain.values.version import Version
from lrs.erasure import Erasures
from lrs.quarantine import QuarantinePurger
from lrs.refusals import MOST_IDENTIFIERS, Refusals
from lrs.services import Services
from tests.integration.lrs.samples import agent, statement
from tests.strategies.statements import broken_statements

Json = dict[str, Any]

V = Version.V2_0_0
BAD = Invalid("/verb", "required", "is required and missing")


@pytest.fixture
def tool() -> Credential:
    """A credential that no other test uses."""
    return Credential(f"tool-{uuid4()}", uuid4(), "a tool", frozenset({Role.TOOL}))


def bad(name: str = "ada", **more: Any) -> Json:
    """A statement without a verb."""
    made = statement(name, **more)
    del made["verb"]
    return made


def keep(services: Services, tool: Credential, content: object, refusal: Error = BAD) -> UUID:
    item = services.refusals.keep(tool, content, refusal, V)
    assert item is not None
    return item


def small(services: Services, **limits: int) -> Refusals:
    bounds = {"max_bytes": 10_000, "max_items": 3, "max_batch": 5, **limits}
    return Refusals(services.pool, services.blind, services.store.mapper, **bounds)


def rows(services: Services, tool: Credential) -> Iterator[str]:
    """Everything that the tables hold of a credential's items, as text."""
    with services.pool.connection() as connection:
        for query in (
            "SELECT q::text FROM lrs.quarantine q WHERE credential = %s",
            "SELECT s::text FROM lrs.quarantined_statements s JOIN lrs.quarantine q USING (item)"
            " WHERE credential = %s",
            "SELECT p::text FROM lrs.quarantined_people p JOIN lrs.quarantine q USING (item)"
            " WHERE credential = %s",
        ):
            yield from (row[0] for row in connection.execute(query.encode(), [tool.key]))


def erase(services: Services, tool: Credential, name: str) -> None:
    """Erases somebody who is on the record."""
    services.statements.accept(tool, [statement(name)], V)
    person = services.people.find(tool.institution, canonical_ifi(agent(name)) or "")
    assert person is not None
    erasures = Erasures(services, [QuarantinePurger(services.pool)])
    done = erasures.run(erasures.request(tool.institution, person, by="test", basis=""))
    assert done.receipt is not None


def test_nothing_is_readable_at_rest(services: Services, tool: Credential) -> None:
    name = f"marker{uuid4().hex}"
    keep(services, tool, [bad(name), {name: 1}], Invalid(f"/1/{name}", "unknown", name))
    keep(services, tool, None, Invalid("", "json", f"not JSON: {name}"))
    found = list(rows(services, tool))
    assert len(found) == 5
    hidden = (name, name.encode().hex(), agent(name)["account"]["homePage"])
    assert not any(word in row for row in found for word in hidden)


def test_the_oldest_give_way(services: Services, tool: Credential) -> None:
    refusals, other = small(services), replace(tool, key=f"other-{uuid4()}")
    kept = [refusals.keep(tool, bad(), BAD, V) for _ in range(5)]
    refusals.keep(other, bad(), BAD, V)
    found = services.quarantine.page(tool.institution, credential=tool.key)
    assert [item.id for item in found] == kept[:1:-1]
    assert len(services.quarantine.page(tool.institution)) == 4


def test_statements_at_fault_come_first_while_there_is_room(
    services: Services, tool: Credential
) -> None:
    long = "x" * 3000
    batch: list[Any] = [statement(result={"response": long}) for _ in range(4)]
    batch += [bad(result={"response": long}), "no object", *[statement()] * 9]
    item = small(services).keep(tool, batch, BAD.within("/4"), V)
    assert item is not None
    held = services.quarantine.get(tool.institution, item)
    assert sorted(held.kept) == [0, 1, 4]
    assert held.item.statements == len(batch)
    with pytest.raises(Conflict):
        services.quarantine.replay(tool, item)
    item = small(services, max_bytes=0).keep(tool, [bad()], BAD.within("/0"), V)
    assert item is not None
    held = services.quarantine.get(tool.institution, item)
    assert (held.kept, held.faults[0].pointer) == ({}, "/verb")


def test_a_crowd_is_not_kept(services: Services, tool: Credential) -> None:
    crowd = bad(context={"x": [f"a{n}@b.example" for n in range(MOST_IDENTIFIERS + 1)]})
    held = services.quarantine.get(tool.institution, keep(services, tool, crowd))
    assert (held.kept, held.faults[0].rule) == ({}, "required")


def test_what_came_long_ago_expires(services: Services, tool: Credential) -> None:
    old, young = keep(services, tool, bad()), keep(services, tool, bad())
    admin = services.settings.admin_dsn
    with psycopg.connect(admin) as connection:
        connection.execute(
            "UPDATE lrs.quarantine SET received_at = now() - interval '31 days' WHERE item = %s",
            [old],
        )
    services.quarantine.expire(32)
    services.quarantine.get(tool.institution, old)
    assert services.quarantine.expire(30) == 1
    with pytest.raises(NotFound):
        services.quarantine.get(tool.institution, old)
    services.quarantine.get(tool.institution, young)
    assert not [row for row in rows(services, tool) if str(old) in row]


def test_erasure_finds_them_wherever_they_are_named(services: Services, tool: Credential) -> None:
    name = f"ada{uuid4().hex}"
    account = agent(name)["account"]
    named = [
        bad(name),
        bad("zoe", context={"instructor": agent(name)}),
        bad("zoe", context={"strange": [{"who": account}]}),
        {"actor": {"account": account, "mbox": "mailto:two@x.example"}},
    ]
    kept = [keep(services, tool, one) for one in named]
    batch = keep(services, tool, [bad(name), statement("zoe")], BAD.within("/0"))
    other = keep(services, tool, bad("zoe"))
    erase(services, tool, name)
    for item in kept:
        with pytest.raises(NotFound):
            services.quarantine.get(tool.institution, item)
    assert [*services.quarantine.get(tool.institution, batch).kept] == [1]
    assert [*services.quarantine.get(tool.institution, other).kept] == [0]
    elsewhere = replace(tool, institution=uuid4(), key=f"elsewhere-{uuid4()}")
    assert services.quarantine.get(
        elsewhere.institution, keep(services, elsewhere, bad(name))
    ).kept, "the same person of another institution was not erased"


def test_who_is_being_erased_is_waited_for(services: Services, tool: Credential) -> None:
    """No interleaving keeps a person: keeping excludes the moment in which they are forgotten."""
    name = f"ada{uuid4().hex}"
    services.statements.accept(tool, [statement(name)], V)
    person = services.people.find(tool.institution, canonical_ifi(agent(name)) or "")
    kept: list[UUID] = []
    with psycopg.connect(services.settings.dsn) as connection:
        connection.execute("SELECT lrs.forget_people(%s, %s)", [tool.institution, [person]])
        thread = threading.Thread(target=lambda: kept.append(keep(services, tool, bad(name))))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the end of that transaction"
        connection.commit()
    thread.join(10)
    assert services.quarantine.get(tool.institution, kept[0]).kept == {}


def test_a_replay_that_is_cut_short_records_nothing_twice(
    services: Services, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = statement()
    del sent["id"]
    item = keep(services, tool, [sent], Conflict("stream"))
    with monkeypatch.context() as patch:
        patch.setattr(services.quarantine, "_delete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.quarantine.replay(tool, item)
    last = services.store.last()
    services.quarantine.replay(tool, item)
    assert services.store.last() == last
    with pytest.raises(NotFound):
        services.quarantine.replay(tool, item)


def test_many_at_once(services: Services, tool: Credential) -> None:
    """Equal and different requests raced: no deadlock, each counted, the bound kept."""
    refusals, same = small(services), bad()
    failures: list[Exception] = []

    def send() -> None:
        try:
            for _ in range(10):
                refusals.keep(tool, same, BAD, V)
                refusals.keep(tool, [bad(), statement()], BAD.within("/0"), V)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    refusals.keep(tool, bad(), BAD, V)
    assert len(services.quarantine.page(tool.institution)) == 3


@pytest.mark.parametrize("version", list(Version))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_refused_comes_back_as_it_was(
    services: Services, tool: Credential, version: Version, data: st.DataObject
) -> None:
    broken = data.draw(broken_statements(version))
    with pytest.raises(Invalid) as refusal:
        validate(broken.statement, version)
    item = services.refusals.keep(tool, broken.statement, refusal.value, version)
    assert item is not None
    held = services.quarantine.get(tool.institution, item)
    assert held.kept == {0: broken.statement}
    assert [(f.number, f.pointer, f.rule) for f in held.faults] == [
        (0, broken.pointer, broken.rule)
    ]
    services.quarantine.drop(tool.institution, item)


def test_what_says_nothing_of_content_is_not_kept(services: Services, tool: Credential) -> None:
    assert services.refusals.keep(tool, bad(), Overloaded("full"), V) is None
    assert services.quarantine.page(tool.institution) == []


def test_reasons_and_versions_come_back(services: Services, tool: Credential) -> None:
    services.refusals.keep(tool, bad(), BAD, Version.V1_0_3)
    (item,) = services.quarantine.page(tool.institution, why=Reason.INVALID)
    assert item.xapi_version is Version.V1_0_3
    assert orjson.loads(orjson.dumps(item))["reason"] == "invalid"
