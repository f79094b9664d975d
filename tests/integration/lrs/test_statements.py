"""The way in and out: ids, equality, batches, voiding, filters, isolation."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import connect

from domain.credentials import Credential
from domain.errors import Conflict, Invalid, NotFound, TooLarge
from domain.values.version import Version
from lrs.mapper import SealingMapper
from lrs.queries import Filter
from lrs.recorder import IndexRows
from lrs.services import Services
from lrs.statements import Statements
from tests.integration.lrs.samples import COURSE, Json, agent, statement, voiding

V1 = Version.V1_0_3


def accept(services: Services, tool: Credential, *statements: Json) -> list[UUID]:
    return services.statements.accept(tool, statements, V1).ids


def ids(services: Services, tool: Credential, **narrow: Any) -> list[str]:
    page = services.queries.page(tool.institution, Filter(**narrow), 100, None)
    return [found["id"] for found in page.statements]


def test_a_statement_comes_back_as_it_was_sent(services: Services, tool: Credential) -> None:
    sent = statement(
        result={
            "score": {"scaled": 0.5},
            "response": "forty-two",
            "extensions": {"http://x/y": None},
        },
        context={
            "instructor": agent("grace"),
            "team": {"objectType": "Group", "name": "t", "member": [agent("ada"), agent("bob")]},
            "contextActivities": {"parent": [{"id": COURSE}]},
        },
    )
    (statement_id,) = accept(services, tool, sent)
    got = services.queries.get(tool.institution, statement_id)
    authority = got.pop("authority")
    stored = datetime.fromisoformat(got.pop("stored"))
    assert got == {**sent, "version": "1.0.0"}
    assert authority["account"]["name"] == tool.key
    assert abs(datetime.now(stored.tzinfo) - stored) < timedelta(minutes=1)


def test_what_is_missing_is_filled_in(services: Services, tool: Credential) -> None:
    sent = statement()
    del sent["id"], sent["timestamp"]
    (statement_id,) = accept(services, tool, sent)
    got = services.queries.get(tool.institution, statement_id)
    assert got["timestamp"] == got["stored"]
    assert statement_id.version == 4


def test_equal_again_is_fine_and_different_is_a_conflict(
    services: Services, tool: Credential
) -> None:
    first, second = statement(), statement()
    accept(services, tool, first)
    again = {**first, "verb": {**first["verb"], "display": {"en": "shown otherwise"}}}
    assert accept(services, tool, second, again) == [UUID(second["id"]), UUID(first["id"])]
    assert len(ids(services, tool)) == 2
    third = statement()
    with pytest.raises(Conflict) as refusal:
        accept(services, tool, third, {**first, "object": {"id": "https://other.example"}})
    assert refusal.value.ids == (first["id"],)
    with pytest.raises(NotFound):
        services.queries.get(tool.institution, UUID(third["id"]))


def test_a_batch_is_all_or_nothing(services: Services, tool: Credential) -> None:
    good, bad = statement(), statement()
    bad["actor"]["mbox"] = "mailto:ada@example.org"
    with pytest.raises(Invalid) as refusal:
        accept(services, tool, good, bad)
    assert refusal.value.pointer.startswith("/1/actor")
    twice = statement()
    with pytest.raises(Invalid, match="same id"):
        accept(services, tool, twice, twice)
    assert ids(services, tool) == []


def test_too_many_at_once(services: Services, tool: Credential) -> None:
    with pytest.raises(TooLarge):
        services.statements.accept(tool, [statement()] * 1001, V1)


def test_one_of_many_racing_for_an_id_wins(services: Services, tool: Credential) -> None:
    """Half send one content, half another, in batches that share ids in different orders."""
    shared = [statement() for _ in range(6)]
    outcomes: list[str] = []

    def race(number: int) -> None:
        batch = [{**s, "result": {"response": str(number % 2)}} for s in shared]
        try:
            accept(services, tool, *(batch if number % 3 else reversed(batch)))
            outcomes.append("accepted")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=race, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted"] * 4 + ["conflict"] * 4
    page = services.queries.page(tool.institution, Filter(), 100, None)
    assert len({found["result"]["response"] for found in page.statements}) == 1
    assert len(page.statements) == 6


@pytest.mark.parametrize("void_first", [False, True])
def test_voiding_in_either_order(services: Services, tool: Credential, void_first: bool) -> None:
    target = statement()
    void = voiding(target["id"])
    for sent in [void, target] if void_first else [target, void]:
        accept(services, tool, sent)
    with pytest.raises(NotFound):
        services.queries.get(tool.institution, UUID(target["id"]))
    voided = services.queries.get(tool.institution, UUID(target["id"]), voided=True)
    assert voided["id"] == target["id"]
    assert ids(services, tool) == [void["id"]]
    assert ids(services, tool, verb=target["verb"]["id"]) == [void["id"]]


def test_a_void_cannot_be_voided(services: Services, tool: Credential) -> None:
    target = statement()
    void = voiding(target["id"])
    accept(services, tool, target, void)
    accept(services, tool, voiding(void["id"]))
    assert services.queries.get(tool.institution, UUID(void["id"]))["id"] == void["id"]
    with pytest.raises(NotFound):
        services.queries.get(tool.institution, UUID(void["id"]), voided=True)


def test_filters_and_their_combinations(services: Services, tool: Credential) -> None:
    registration = str(uuid4())
    a = statement("ada", "answered", "1", context={"registration": registration})
    b = statement("bob", "answered", "2", context={"instructor": agent("ada")})
    c = statement("ada", "passed", "1", context={"contextActivities": {"parent": {"id": COURSE}}})
    accept(services, tool, a, b, c)
    verb, item = a["verb"]["id"], a["object"]["id"]
    ada = agent("ada")
    expected = [
        ({}, [c, b, a]),
        ({"ascending": True}, [a, b, c]),
        ({"agent": ada}, [c, a]),
        ({"agent": ada, "related_agents": True}, [c, b, a]),
        ({"agent": agent("nobody")}, []),
        ({"verb": verb}, [b, a]),
        ({"activity": item}, [c, a]),
        ({"activity": COURSE}, []),
        ({"activity": COURSE, "related_activities": True}, [c]),
        ({"registration": UUID(registration)}, [a]),
        ({"agent": ada, "verb": verb, "activity": item}, [a]),
    ]
    for narrow, wanted in expected:
        assert ids(services, tool, **narrow) == [w["id"] for w in wanted], narrow


def test_since_is_exclusive_and_until_inclusive(services: Services, tool: Credential) -> None:
    sent = [statement() for _ in range(3)]
    for one in sent:
        accept(services, tool, one)
    page = services.queries.page(tool.institution, Filter(ascending=True), 10, None)
    stored = [datetime.fromisoformat(found["stored"]) for found in page.statements]
    assert ids(services, tool, since=stored[0]) == [sent[2]["id"], sent[1]["id"]]
    assert ids(services, tool, until=stored[1]) == [sent[1]["id"], sent[0]["id"]]
    assert ids(services, tool, since=stored[0], until=stored[1]) == [sent[1]["id"]]


@pytest.mark.parametrize("ascending", [False, True])
def test_pages_stay_right_while_statements_arrive(
    services: Services, tool: Credential, ascending: bool
) -> None:
    sent = [statement() for _ in range(7)]
    accept(services, tool, *sent)
    narrow = Filter(agent=agent("ada"), ascending=ascending)
    seen: list[str] = []
    after = None
    while True:
        page = services.queries.page(tool.institution, narrow, 3, after)
        seen += [found["id"] for found in page.statements]
        after = page.next
        if after is None:
            break
        if not ascending:
            accept(services, tool, statement())
    in_order = [s["id"] for s in sent]
    assert seen == (in_order if ascending else in_order[::-1])


def test_institutions_do_not_see_each_other(services: Services, tool: Credential) -> None:
    other = replace(tool, institution=uuid4())
    mine = statement()
    accept(services, tool, mine)
    theirs = {**mine, "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"}}
    accept(services, other, theirs)  # the same id is free there
    for narrow in [{}, {"agent": agent("ada")}, {"activity": mine["object"]["id"]}]:
        assert ids(services, tool, **narrow) == [mine["id"]]
    assert services.people.find(tool.institution, "account:x") is None
    with pytest.raises(NotFound):
        services.queries.get(uuid4(), UUID(mine["id"]))


def test_writes_of_several_institutions_that_go_in_together_stay_apart(
    services: Services, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share a transaction; each is sealed under keys of its own institution."""
    tools = [replace(tool, institution=uuid4()) for _ in range(8)]
    begun, together = threading.Barrier(len(tools)), []
    index, seal = Statements._index, SealingMapper.seal_statements

    def wait(self: Statements, *given: Any) -> IndexRows:
        rows = index(self, *given)
        begun.wait(10)
        return rows

    def watch(self: SealingMapper, events: Any, digests: Any) -> Any:
        together.append({event.institution for event in events})
        return seal(self, events, digests)

    monkeypatch.setattr(Statements, "_index", wait)
    monkeypatch.setattr(SealingMapper, "seal_statements", watch)
    sent = [statement() for _ in tools]
    with ThreadPoolExecutor(len(tools)) as threads:
        assert list(threads.map(partial(accept, services), tools, sent))
    assert max(map(len, together)) > 1
    for one, said in zip(tools, sent, strict=True):
        assert ids(services, one) == [said["id"]]


def test_consistent_through_waits_for_an_open_write(services: Services, tool: Credential) -> None:
    with connect(services.settings.dsn) as slow:
        row = slow.execute("SELECT now() FROM lrs.stored_events LIMIT 1").fetchone()
        accept(services, tool, statement())
        started = slow.execute("SELECT now()").fetchone()
        assert row is None or row == started
        assert started is not None
        # Before it, not at it: `since` leaves out what was stored at that very moment.
        assert services.store.consistent_through() < started[0]
    time.sleep(0.1)
    assert services.store.consistent_through() > started[0]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_filters_follow_references_in_any_order_of_arrival(
    services: Services, tool: Credential, order: tuple[int, ...]
) -> None:
    """A chain: the last refers to the middle one, which refers to the first."""
    first = statement("bob", "launched", "9", context={"registration": str(uuid4())})
    middle = statement("ada", object={"objectType": "StatementRef", "id": first["id"]})
    last = statement("eve", object={"objectType": "StatementRef", "id": middle["id"]})
    chain = [first, middle, last]
    for number in order:
        accept(services, tool, chain[number])
    everything = {s["id"] for s in chain}
    assert set(ids(services, tool, agent=agent("bob"))) == everything
    assert set(ids(services, tool, verb=first["verb"]["id"])) == everything
    assert set(ids(services, tool, activity="https://lms.example.org/item/9")) == everything
    registration = UUID(first["context"]["registration"])
    assert set(ids(services, tool, registration=registration)) == everything
    assert set(ids(services, tool, agent=agent("ada"))) == {middle["id"], last["id"]}
    assert ids(services, tool, agent=agent("eve")) == [last["id"]]


def test_a_circle_of_references_ends(services: Services, tool: Credential) -> None:
    one, two = statement("ada"), statement("bob")
    one["object"] = {"objectType": "StatementRef", "id": two["id"]}
    two["object"] = {"objectType": "StatementRef", "id": one["id"]}
    accept(services, tool, one)
    accept(services, tool, two)
    assert set(ids(services, tool, agent=agent("ada"))) == {one["id"], two["id"]}
