"""Erasing a person: what goes, what stays, what nobody can do afterwards, what replay shows."""

import re
import time
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.erasure import Erasure
from domain.errors import Conflict, Erased, Invalid, NotFound
from domain.people import Role
from domain.statements.events import originator_of
from domain.values.version import Version
from lrs.attachments import Sent
from lrs.audit.receipts import verify
from lrs.audit.replay import Replay
from lrs.documents import Address
from lrs.erasure import Erasures
from lrs.keys.ring import PersonErased
from lrs.notifications import Shredded
from lrs.queries import Filter
from lrs.services import Services, open_services
from lrs.subjects import find_actor
from tests.integration.lrs.erasing import STORES, V1, accept, erase, group, ids, replay
from tests.integration.lrs.samples import agent, statement, voiding


def test_what_is_the_persons_goes_and_what_is_others_stays(
    services: Services, tool: Credential
) -> None:
    own = statement("ada", context={"instructor": agent("grace")}, result={"response": "x"})
    other = statement("bob", context={"instructor": agent("grace"), "team": group("ada", "bob")})
    accept(services, tool, own, other)
    erased = erase(services, tool, "ada")
    assert erased.state == "certified"
    with pytest.raises(NotFound):
        services.queries.get(tool.institution, UUID(own["id"]))
    for narrow in [{}, {"agent": agent("grace"), "related_agents": True}]:
        assert ids(services, tool, **narrow) == [other["id"]]
    assert ids(services, tool, agent=agent("ada"), related_agents=True) == []
    got = services.queries.get(tool.institution, UUID(other["id"]))
    assert got["actor"] == agent("bob")
    assert got["context"]["instructor"] == agent("grace")
    named = got["context"]["team"]["member"]
    assert named[0]["account"]["homePage"] == "https://erased.invalid/"
    assert named[1] == agent("bob")
    (event,) = services.store.stream(originator_of(tool.institution, UUID(own["id"])))
    assert isinstance(event, Shredded)


def test_an_erased_instructor_is_anonymous_at_once_in_another_process(
    services: Services, tool: Credential
) -> None:
    sent = statement("bob", context={"instructor": agent("grace")})
    accept(services, tool, sent)
    elsewhere = open_services(services.settings)
    try:
        assert "grace" in str(elsewhere.queries.get(tool.institution, UUID(sent["id"])))
        erase(services, tool, "grace")
        time.sleep(1.1)
        got = elsewhere.queries.get(tool.institution, UUID(sent["id"]))
        assert got["actor"] == agent("bob")
        assert "grace" not in str(got)
        with pytest.raises(Erased):
            accept(elsewhere, tool, statement("grace"))
    finally:
        elsewhere.close()


def test_nobody_can_bring_the_person_back(services: Services, tool: Credential) -> None:
    sent = statement("ada")
    accept(services, tool, sent, statement("bob"))
    person = erase(services, tool, "ada").pseudonym
    for again in [sent, statement("ada"), statement("bob", context={"instructor": agent("ada")})]:
        with pytest.raises(Erased):
            accept(services, tool, again)
    with pytest.raises(Conflict):
        accept(services, tool, {**sent, "actor": agent("bob")})
    with pytest.raises(PersonErased):
        services.keyring.current(tool.institution, [person])
    with pytest.raises(Erased):
        services.documents.put(
            tool.institution,
            Address(Kind.AGENT_PROFILE, "p", agent=agent("ada")),
            b"x",
            "text/plain",
            preconditions=Preconditions(),
            version=Version.V2_0_0,
        )


def test_the_dry_run_counts_and_changes_nothing(services: Services, tool: Credential) -> None:
    accept(services, tool, *[statement("ada") for _ in range(3)])
    accept(services, tool, statement("bob", context={"instructor": agent("ada")}))
    accept(services, tool, {**statement(), "actor": group("ada")})
    accept(services, tool, {**statement(), "actor": group("ada", "bob")})
    erasures = Erasures(services)
    person = find_actor(services, tool.institution, agent("ada"))
    radius = erasures.radius(tool.institution, person)
    assert radius.stores == dict(zip(STORES, [2, 2, 4, 5, 0, 0], strict=True))
    assert radius.roles == {Role.ACTOR: 3, Role.ACTOR_MEMBER: 2, Role.INSTRUCTOR: 1}
    assert radius.groups == 1
    assert len(ids(services, tool)) == 6
    assert erasures.page(tool.institution, None, 10) == []


def test_a_group_ends_with_its_last_member(services: Services, tool: Credential) -> None:
    sent = {**statement(), "actor": group("ada", "bob")}
    accept(services, tool, sent)
    first = erase(services, tool, "ada")
    got = services.queries.get(tool.institution, UUID(sent["id"]))
    assert [m.get("name") for m in got["actor"]["member"]] == [None, "Name of bob"]
    last = erase(services, tool, "bob")
    assert len(last.pseudonyms) == 2
    with pytest.raises(NotFound):
        services.queries.get(tool.institution, UUID(sent["id"]))
    (event,) = services.store.stream(originator_of(tool.institution, UUID(sent["id"])))
    assert isinstance(event, Shredded)
    for erased in (first, last):
        history = replay(services, tool, erased.pseudonym)
        assert [e.kind for e in history if e.kind != "erasure"] == ["erased"]


def test_a_void_by_an_erased_person_still_voids(services: Services, tool: Credential) -> None:
    target = statement("bob")
    accept(services, tool, target)
    accept(services, tool, voiding(target["id"], "ada"))
    erase(services, tool, "ada")
    with pytest.raises(NotFound):
        services.queries.get(tool.institution, UUID(target["id"]))
    voided = services.queries.get(tool.institution, UUID(target["id"]), voided=True)
    assert voided["actor"] == agent("bob")


def test_a_reference_does_not_keep_the_person_findable(
    services: Services, tool: Credential
) -> None:
    own = statement("ada")
    refers = statement("bob", object={"objectType": "StatementRef", "id": own["id"]})
    accept(services, tool, own, refers)
    assert ids(services, tool, agent=agent("ada")) == [refers["id"], own["id"]]
    erase(services, tool, "ada")
    late = statement("bob", object={"objectType": "StatementRef", "id": refers["id"]})
    accept(services, tool, late)
    radius = Erasures(services).radius(tool.institution, erase_again(services, tool).pseudonym)
    assert set(radius.stores.values()) == {0}
    assert ids(services, tool) == [late["id"], refers["id"]]


def erase_again(services: Services, tool: Credential) -> Erasure:
    (only,) = Erasures(services).page(tool.institution, None, 10)
    return Erasures(services).request(
        tool.institution, only.pseudonym, by="another officer", basis=""
    )


def test_documents_go_with_their_person(services: Services, tool: Credential) -> None:
    accept(services, tool, statement("ada"), statement("bob"))
    addresses = [Address(Kind.AGENT_PROFILE, "p", agent=agent(name)) for name in ("ada", "bob")]
    for address in addresses:
        services.documents.put(
            tool.institution,
            address,
            b"secret",
            "text/plain",
            preconditions=Preconditions(if_none_match="*"),
            version=V1,
        )
    erased = erase(services, tool, "ada")
    assert erased.purged["documents"] == 1
    assert b"".join(services.documents.get(tool.institution, addresses[1]).content) == b"secret"


def test_the_receipt_is_verified_with_the_public_key_alone(
    services: Services, tool: Credential
) -> None:
    position = accept_and_position(services, tool)
    erased = erase(services, tool, "ada")
    assert erased.receipt is not None
    receipt = dict(erased.receipt)
    key = Erasures(services).receipts.public_key
    payload = verify(receipt, key)
    assert {s["store"]: (s["found"], s["left"]) for s in payload["stores"]} == {
        store: (n, 0) for store, n in zip(STORES, [1, 1, 2, 2, 0, 0], strict=True)
    }
    assert payload["fenced_at_position"] > position
    told = str(receipt)
    for secret in ("ada", "GDPR", str(erased.pseudonym), erased.pseudonym.hex):
        assert secret not in told
    forged = {**receipt, "payload": {**payload, "issued": "2020-01-01T00:00:00.000Z"}}
    with pytest.raises(Invalid, match="did not sign"):
        verify(forged, key)
    with pytest.raises(Invalid, match="did not sign"):
        verify(receipt, "A" * 43 + "=")
    with pytest.raises(Invalid, match="not a receipt"):
        verify({"payload": payload}, key)


def accept_and_position(services: Services, tool: Credential) -> int:
    return services.statements.accept(tool, [statement("ada"), statement("ada")], V1).position


def test_replay_tells_the_history_and_shows_erased_as_erased(
    services: Services, tool: Credential
) -> None:
    first = statement("ada", result={"success": True})
    second = statement("bob", context={"instructor": agent("ada")})
    position = services.statements.accept(tool, [first, second], V1).position
    accept(services, tool, voiding(first["id"], "ada"))
    person = find_actor(services, tool.institution, agent("ada"))
    one, two, three = replay(services, tool, person)
    assert (one.statement_id, one.roles, one.verb) == (
        UUID(first["id"]),
        (Role.ACTOR,),
        first["verb"]["id"],
    )
    assert one.result == {"success": True}
    assert one.voided_at == three.position
    assert two.roles == (Role.INSTRUCTOR,)
    assert three.voids == UUID(first["id"])
    earlier = replay(services, tool, person, as_of=position)
    assert [e.voided_at for e in earlier] == [None, None]
    assert Replay(services).position_at(tool.institution, person, three.stored) >= three.position
    erase(services, tool, "ada")
    history = replay(services, tool, person)
    assert [e.kind for e in history[:4]] == ["erased", "statement", "erased", "erasure"]
    assert history[0].position == one.position
    assert [e.detail for e in history[3:5]] == ["requested by officer: GDPR 17", "fenced"]
    assert history[-1].detail == "certified"
    assert [e.kind for e in replay(services, tool, person, as_of=position)] == [
        "erased",
        "statement",
    ]
    assert not re.search(r"\bada\b", str(history))
    with pytest.raises(NotFound):
        list(Replay(services).of(uuid4(), person))


def test_credentials_and_strangers_are_refused(services: Services, tool: Credential) -> None:
    institution = services.institutions.create("college").institution
    key, secret = services.credentials.issue(institution, "tool", tool.roles)
    mine = services.credentials.verify(key, secret)
    accept(services, mine, statement("ada"))
    erasures = Erasures(services)
    authority = services.queries.page(institution, Filter(), 1, None).statements[0]["authority"]
    with pytest.raises(Invalid, match="revoke"):
        erasures.request(
            institution, find_actor(services, institution, authority), by="officer", basis=""
        )
    with pytest.raises(NotFound):
        find_actor(services, institution, agent("nobody"))
    with pytest.raises(NotFound):
        erasures.request(institution, uuid4(), by="officer", basis="")
    person = find_actor(services, institution, agent("ada"))
    with pytest.raises(NotFound):
        erasures.radius(tool.institution, person)


def test_an_attachment_stays_for_its_other_owners(services: Services, tool: Credential) -> None:
    content = b"an essay" * 1000
    sha2 = sha256(content).hexdigest()
    essay = {
        "usageType": "https://example.org/essay",
        "display": {"en": "Essay"},
        "contentType": "text/plain",
        "length": len(content),
        "sha2": sha2,
    }
    for name in ("ada", "bob"):
        sent = statement(name, attachments=[essay])
        services.statements.accept(tool, [sent], V1, [Sent(sha2, [content])])
    ada, bob = (find_actor(services, tool.institution, agent(n)) for n in ("ada", "bob"))
    assert erase(services, tool, "ada").purged["attachments"] == 1
    assert services.attachments.open(tool.institution, ada, sha2) is None
    left = services.attachments.open(tool.institution, bob, sha2)
    assert left is not None
    assert b"".join(left) == content
    before = contents(services)
    assert erase(services, tool, "bob").purged["attachments"] == 1
    assert contents(services) == before - 1


def contents(services: Services) -> int:
    with services.pool.connection() as connection:
        row = connection.execute("SELECT count(DISTINCT content_id) FROM lrs.contents").fetchone()
    assert row is not None
    return int(row[0])
