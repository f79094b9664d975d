"""What is the same after a move, what is left behind, and who may write where."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.errors import Conflict, Erased, Invalid, NotFound
from domain.forwarding import Selection
from domain.placements import HOME, InstitutionMoved, State, directory_id, placement_id
from domain.statements.events import originator_of
from domain.values.timestamp import parse
from domain.values.version import Version
from lrs.attachments import Sent
from lrs.audit.replay import Replay
from lrs.documents import Address
from lrs.erasure import Erasures
from lrs.forwarding import Target
from lrs.moves.tables import STAYING, TABLES
from lrs.notifications import Shredded
from lrs.placements import SHUT
from lrs.queries import Filter
from lrs.services import Services
from lrs.subjects import find_actor
from tests.integration.lrs.samples import COURSE, Json, agent, statement, voiding
from tests.integration.moves.conftest import OTHER, Deployment, send

V1, V2 = Version.V1_0_3, Version.V2_0_0
YEAR = timedelta(days=366)
NOTHING = Preconditions()
STATE = Address(Kind.STATE, "bookmark", COURSE, agent("ada"))


def read(services: Services, tool: Credential) -> list[Json]:
    """Returns all statements, newest first."""
    after, found = None, []
    while True:
        page = services.queries.page(tool.institution, Filter(), 100, after)
        found += page.statements
        after = page.next
        if after is None:
            return found


def put(services: Services, tool: Credential, content: bytes) -> None:
    services.documents.put(
        tool.institution, STATE, content, "text/plain", preconditions=NOTHING, version=V1
    )


def erase(services: Services, tool: Credential, name: str) -> UUID:
    erasures = Erasures(services)
    person = find_actor(services, tool.institution, agent(name))
    erasures.run(erasures.request(tool.institution, person, by="officer", basis="GDPR 17"))
    return person


def held(services: Services, institution: UUID) -> dict[str, int]:
    """Returns how many rows each table that moves holds of the institution."""
    of = {"institution": institution, "directory": directory_id(institution)}
    with services.pool.connection() as connection:
        counts = {
            table.name: connection.execute(
                f"SELECT count(*) FROM {table.name} t WHERE {table.where}".encode(), of
            ).fetchone()[0]
            for table in TABLES
        }
    return {name: count for name, count in counts.items() if count}


def refused(do: Any) -> None:
    """Checks that the gate refuses something."""
    with pytest.raises(psycopg.DatabaseError) as error:
        do()
    assert error.value.sqlstate == SHUT


def test_statements_read_the_same_and_go_on(deployment: Deployment, tool: Credential) -> None:
    home, other = deployment.home, deployment.other
    sent = send(home, tool, "ada", "ben", "cy", "ada")
    home.statements.accept(tool, [voiding(sent[1]["id"])], V2)
    before = read(home, tool)
    placement = deployment.move(tool.institution, OTHER)
    assert (placement.shard, placement.state, placement.epoch) == (OTHER, State.SETTLED, 1)
    assert read(other, tool) == before  # `stored` too, in the same order
    assert read(home, tool) == []
    ada = other.queries.page(tool.institution, Filter(agent=agent("ada")), 10, None)
    assert len(ada.statements) == 3
    assert other.queries.get(tool.institution, UUID(sent[1]["id"]), voided=True)
    (moved,) = other.store.stream(placement_id(tool.institution))
    assert isinstance(moved, InstitutionMoved)
    assert (moved.source, moved.target, moved.statements) == (HOME, OTHER, 5)
    more = send(other, tool, "ada")
    assert [st["id"] for st in read(other, tool)] == [more[0]["id"], *(s["id"] for s in before)]
    # An equal statement is known again; another of its id is in conflict.
    assert other.statements.accept(tool, [sent[0]], V2).ids == [UUID(sent[0]["id"])]
    with pytest.raises(Conflict):
        other.statements.accept(tool, [{**sent[0], "actor": agent("dee")}], V2)
    assert deployment.move(tool.institution, OTHER) == placement


def test_since_and_until_hold_at_positions_of_today(
    deployment: Deployment, tool: Credential
) -> None:
    home, other = deployment.home, deployment.other
    sent = [send(home, tool, "ada")[0]["id"] for _ in range(20)]
    # A day apart each, a year ago.
    _age(deployment, [originator_of(tool.institution, UUID(one)) for one in sent])
    resident = Credential("tool", uuid4(), "another tool", tool.roles)
    send(other, resident, *("someone",) * 50)
    deployment.move(tool.institution, OTHER)
    send(other, resident, *("someone",) * 50)
    now = datetime.now(UTC)
    send(other, tool, "ada")
    for number in (0, 7, 19):
        stored = parse(other.queries.get(tool.institution, UUID(sent[number]))["stored"])
        for ascending in (False, True):
            early = Filter(until=stored, ascending=ascending)
            page = other.queries.page(tool.institution, early, 100, None)
            found = [one["id"] for one in page.statements]
            assert (found if ascending else found[::-1]) == sent[: number + 1]
            late = Filter(since=stored, ascending=ascending)
            page = other.queries.page(tool.institution, late, 100, None)
            assert len(page.statements) == 20 - number
    page = other.queries.page(resident.institution, Filter(since=now - YEAR), 500, None)
    assert len(page.statements) == 100
    page = other.queries.page(tool.institution, Filter(since=now), 500, None)
    assert len(page.statements) == 1


def _age(deployment: Deployment, streams: list[UUID]) -> None:
    """Makes events older than any test can wait."""
    with psycopg.connect(deployment.settings.admin_dsn) as connection:
        connection.execute("ALTER TABLE lrs.stored_events DISABLE TRIGGER append_only")
        connection.execute(
            "UPDATE lrs.stored_events e SET recorded_at = now() - interval '1 year'"
            " + n * interval '1 day' FROM unnest(%s::uuid[]) WITH ORDINALITY AS a (stream, n)"
            " WHERE e.originator_id = a.stream",
            [streams],
        )
        connection.execute("ALTER TABLE lrs.stored_events ENABLE ALWAYS TRIGGER append_only")


def test_documents_attachments_activities_quarantine(
    deployment: Deployment, tool: Credential
) -> None:
    home, other = deployment.home, deployment.other
    put(home, tool, b"page 7")
    content = b"certificate" * 100_000
    sha2 = hashlib.sha256(content).hexdigest()
    attached = statement(
        attachments=[
            {
                "usageType": "http://example.org/certificate",
                "display": {"en": "Certificate"},
                "contentType": "text/plain",
                "length": len(content),
                "sha2": sha2,
            }
        ]
    )
    attached["object"] = {"id": COURSE, "definition": {"name": {"en": "A course"}}}
    home.statements.accept(tool, [attached], V2, [Sent(sha2, [content])])
    item = home.refusals.keep(tool, statement(), Invalid("/verb", "required", "is missing"), V2)
    assert item is not None
    before = held(home, tool.institution)
    deployment.move(tool.institution, OTHER)
    assert b"".join(other.documents.get(tool.institution, STATE).content) == b"page 7"
    ((_, chunks),) = other.attachments.of(tool.institution, read(other, tool))
    assert b"".join(chunks) == content
    course = other.activities.identify(tool.institution, COURSE)
    assert other.activities.describe(tool.institution, [course])[course].name() == "A course"
    assert len(other.quarantine.get(tool.institution, item).kept) == 1
    assert held(other, tool.institution) == before
    assert held(home, tool.institution) == {"lrs.institutions": 1}
    put(other, tool, b"page 8")
    assert b"".join(other.documents.get(tool.institution, STATE).content) == b"page 8"


def test_what_is_left_in_the_log_is_noise(deployment: Deployment, tool: Credential) -> None:
    home = deployment.home
    sent = send(home, tool, "ada")
    stream = originator_of(tool.institution, UUID(sent[0]["id"]))
    deployment.move(tool.institution, OTHER)
    home.keyring.forget(*_people(deployment, tool))
    with home.keystore_pool.connection() as connection:
        whole = connection.execute(
            "SELECT pseudonym FROM keystore.data_keys"
            " WHERE institution = %s AND wrapped IS NOT NULL",
            [tool.institution],
        ).fetchall()
    # All that is left is what names of credentials are sealed under, in the directory.
    assert whole == [(directory_id(tool.institution),)]
    assert isinstance(home.store.stream(stream)[0], Shredded)
    (listed,) = home.credentials.list(tool.institution)
    assert listed.label == "the tool"
    assert not isinstance(deployment.other.store.stream(stream)[0], Shredded)


def _people(deployment: Deployment, tool: Credential) -> list[UUID]:
    with deployment.other.pool.connection() as connection:
        rows = connection.execute(
            "SELECT pseudonym FROM lrs.people WHERE institution = %s", [tool.institution]
        ).fetchall()
    return [person for (person,) in rows]


def test_a_process_that_did_not_hear_of_it_can_write_nothing(
    deployment: Deployment, tool: Credential
) -> None:
    home = deployment.home
    send(home, tool, "ada")
    deployment.move(tool.institution, OTHER)
    # These services know people and activities of the institution from before.
    refused(lambda: home.statements.accept(tool, [statement("ada", item="ada")], V2))
    refused(lambda: put(home, tool, b"lost"))
    bad = Invalid("/verb", "required", "is missing")
    refused(lambda: home.refusals.keep(tool, statement(), bad, V2))
    refused(lambda: _forward(home, tool))
    assert held(home, tool.institution) == {"lrs.institutions": 1}
    # Credentials are the directory's, and stay where they are.
    key, secret = home.credentials.issue(tool.institution, "more", tool.roles)
    assert deployment.other.credentials.verify(key, secret).institution == tool.institution


def _forward(services: Services, tool: Credential, *, from_start: bool = True) -> UUID:
    selection = Selection()
    target = Target("http://127.0.0.1:9/xapi", "key", "secret", selection)
    return services.forwardings.start(tool.institution, target, from_start=from_start).id


def test_forwardings_go_on_where_they_were(deployment: Deployment, tool: Credential) -> None:
    home, other = deployment.home, deployment.other
    send(home, tool, "ada", "ben")
    forwarding = _forward(home, tool, from_start=False)
    later = send(home, tool, "cy")
    assert forwarding in [each.id for each in home.forwardings.active()]
    deployment.move(tool.institution, OTHER)
    found = other.forwardings.get(tool.institution, forwarding)
    assert forwarding in [each.id for each in other.forwardings.active()]
    look = other.follower.look(
        tool.institution,
        other.queries.terms(tool.institution, Filter()) or [],
        found.position,
        10,
    )
    assert [item.recorded.event.statement["id"] for item in look.found] == [later[0]["id"]]
    assert forwarding not in [each.id for each in home.forwardings.active()]


def test_erasures_before_and_after(deployment: Deployment, tool: Credential) -> None:
    home, other = deployment.home, deployment.other
    send(home, tool, "ada", "ben", "cy")
    ada = erase(home, tool, "ada")
    before = list(Replay(home).of(tool.institution, ada))
    deployment.move(tool.institution, OTHER)
    # What was erased stays erased, and its replay says the same.
    with pytest.raises(Erased):
        send(other, tool, "ada")
    after = list(Replay(other).of(tool.institution, ada))
    assert [(e.kind, e.stored, e.detail) for e in after] == [
        (e.kind, e.stored, e.detail) for e in before
    ]
    erase(other, tool, "ben")
    with pytest.raises(Erased):
        send(other, tool, "ben")
    assert [found["actor"]["account"]["name"] for found in read(other, tool)] == ["cy"]
    # And on the way back.
    deployment.move(tool.institution, HOME)
    for name in ("ada", "ben"):
        with pytest.raises(Erased):
            send(home, tool, name)
    assert [found["actor"]["account"]["name"] for found in read(home, tool)] == ["cy"]


def test_there_and_back_again(deployment: Deployment, tool: Credential) -> None:
    home, other = deployment.home, deployment.other
    first = send(home, tool, "ada")
    put(home, tool, b"page 7")
    deployment.move(tool.institution, OTHER)
    second = send(other, tool, "ada", "ben")
    put(other, tool, b"page 8")
    home.credentials.issue(tool.institution, "meanwhile", tool.roles)
    before = read(other, tool)
    assert deployment.move(tool.institution, HOME).epoch == 2
    assert read(home, tool) == before
    assert {found["id"] for found in before} == {st["id"] for st in first + second}
    assert b"".join(home.documents.get(tool.institution, STATE).content) == b"page 8"
    assert read(other, tool) == []
    send(home, tool, "cy")
    deployment.move(tool.institution, OTHER)
    assert len(read(other, tool)) == 4
    assert len(other.store.stream(placement_id(tool.institution))) == 3


def test_others_are_as_they_were(deployment: Deployment, tool: Credential) -> None:
    bystander = Credential("tool", uuid4(), "another tool", tool.roles)
    send(deployment.home, bystander, "ada", "ben")
    before = read(deployment.home, bystander), held(deployment.home, bystander.institution)
    send(deployment.home, tool, "ada")
    steps: list[str] = []

    def tell(step: str, done: int, whole: int) -> None:
        if step == "shut":
            refused(lambda: deployment.home.statements.accept(tool, [statement()], V2))
            refused(lambda: deployment.other.statements.accept(tool, [statement()], V2))
            assert len(read(deployment.home, tool)) == 1
            steps.extend(st["id"] for st in send(deployment.home, bystander, "cy"))

    deployment.move(tool.institution, OTHER, tell)
    assert len(steps) == 1
    assert read(deployment.home, bystander)[1:] == before[0]
    assert held(deployment.home, bystander.institution)["lrs.people"] >= before[1]["lrs.people"]
    assert read(deployment.other, bystander) == []
    with pytest.raises(NotFound):
        deployment.other.queries.get(tool.institution, UUID(steps[0]))


def test_every_table_of_an_institution_moves_or_says_why_not(deployment: Deployment) -> None:
    with deployment.home.pool.connection() as connection:
        rows = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'lrs'::regnamespace AND c.relkind = 'r'"
            " AND a.attname = 'institution' AND NOT a.attisdropped"
        ).fetchall()
        gated = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'gate'"
        ).fetchall()
    moving = {table.name for table in TABLES if table.name.startswith("lrs.")}
    found = {name for (name,) in rows}
    assert found - moving == set(STAYING) & found
    assert found & moving <= {name for (name,) in gated} | {"lrs.institutions"}
