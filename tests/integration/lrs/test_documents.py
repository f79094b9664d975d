"""Documents over a real database: preconditions, merging, listing, races, what is at rest."""

import threading
from uuid import uuid4

import pytest

from domain.credentials import Credential
from domain.documents import DocumentDeleted, DocumentStored, Kind, Preconditions
from domain.errors import Conflict, Invalid, NotFound, PreconditionFailed
from domain.values.version import Version
from lrs.documents import Address, Found
from lrs.services import Services
from tests.integration.lrs.samples import agent

V1, V2 = Version.V1_0_3, Version.V2_0_0
NONE = Preconditions()
NEW = Preconditions(if_none_match="*")


def state(name: str = "bookmark", **more: object) -> Address:
    return Address(
        Kind.STATE,
        name,
        activity="https://lms.example.org/course/1",
        agent=agent("ada"),
        **more,  # type: ignore[arg-type]
    )


def profile(name: str = "settings") -> Address:
    return Address(Kind.AGENT_PROFILE, name, agent=agent("ada"))


def body(found: Found) -> bytes:
    return b"".join(found.content)


def put(
    services: Services,
    tool: Credential,
    address: Address,
    content: bytes,
    conditions: Preconditions = NONE,
    version: Version = V1,
    content_type: str = "application/json",
) -> str:
    return services.documents.put(
        tool.institution,
        address,
        content,
        content_type,
        preconditions=conditions,
        version=version,
    ).etag


def test_bytes_come_back_as_they_were_whatever_their_size(
    services: Services, tool: Credential
) -> None:
    for size in (0, 1, 256 * 1024, 700_001):
        content = bytes(n % 251 for n in range(size))
        put(services, tool, state(f"s{size}"), content, content_type="image/png")
        found = services.documents.get(tool.institution, state(f"s{size}"))
        assert body(found) == content
        assert (found.document.content_type, found.document.size) == ("image/png", size)


def test_a_profile_is_not_replaced_unseen(services: Services, tool: Credential) -> None:
    with pytest.raises(Invalid):
        put(services, tool, profile(), b"{}")
    tag = put(services, tool, profile(), b'{"a":1}', NEW)
    with pytest.raises(Conflict):
        put(services, tool, profile(), b"{}")
    for wrong in (NEW, Preconditions(if_match='"0000"')):
        with pytest.raises(PreconditionFailed):
            put(services, tool, profile(), b"{}", wrong)
    assert body(services.documents.get(tool.institution, profile())) == b'{"a":1}'
    put(services, tool, profile(), b"{}", Preconditions(if_match=tag))
    assert body(services.documents.get(tool.institution, profile())) == b"{}"


def test_state_is_free_in_1_0_3_and_guarded_in_2_0_0(services: Services, tool: Credential) -> None:
    put(services, tool, state(), b"1")
    put(services, tool, state(), b"2")
    with pytest.raises(Conflict):
        put(services, tool, state(), b"3", version=V2)
    put(services, tool, state("new"), b"3", version=V2)


def test_posts_merge_objects_and_nothing_else(services: Services, tool: Credential) -> None:
    def post(content: bytes, content_type: str = "application/json") -> None:
        services.documents.post(
            tool.institution, state(), content, content_type, preconditions=NONE
        )

    post(b'{"a":1,"b":{"x":1}}')
    post(b'{"b":{"y":2},"c":null}')
    merged = body(services.documents.get(tool.institution, state()))
    assert merged == b'{"a":1,"b":{"y":2},"c":null}'
    for content, content_type in [
        (b"[]", "application/json"),
        (b"{}", "text/plain"),
        (b"{", "application/json"),
    ]:
        with pytest.raises(Invalid):
            post(content, content_type)
    assert body(services.documents.get(tool.institution, state())) == merged


def test_listing_and_deleting_by_registration(services: Services, tool: Credential) -> None:
    registration = uuid4()
    put(services, tool, state("a"), b"1")
    put(services, tool, state("b", registration=registration), b"2")
    everything = services.documents.ids(tool.institution, state(""))
    assert [name for name, _ in everything] == ["a", "b"]
    later = services.documents.ids(tool.institution, state(""), everything[0][1])
    assert [name for name, _ in later] == ["b"]
    services.documents.delete_all(tool.institution, state("", registration=registration))
    assert [n for n, _ in services.documents.ids(tool.institution, state(""))] == ["a"]
    services.documents.delete(tool.institution, state("a"), NONE)
    services.documents.delete(tool.institution, state("a"), NONE)
    with pytest.raises(NotFound):
        services.documents.get(tool.institution, state("a"))


def test_racing_merges_all_count(services: Services, tool: Credential) -> None:
    def post(number: int) -> None:
        services.documents.post(
            tool.institution,
            state("race"),
            b'{"k%d":%d}' % (number, number),
            "application/json",
            preconditions=NONE,
        )

    threads = [threading.Thread(target=post, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    merged = body(services.documents.get(tool.institution, state("race")))
    assert all(b'"k%d"' % n in merged for n in range(4))


def test_every_version_is_an_event_sealed_for_its_person(
    services: Services, tool: Credential
) -> None:
    put(services, tool, state("marker-id"), b'{"answer":"marker-content"}')
    services.documents.delete(tool.institution, state("marker-id"), NONE)
    recorded = services.store.read(services.store.head() - 2, 10)
    stored, deleted = (r.event for r in recorded)
    assert isinstance(stored, DocumentStored)
    assert isinstance(deleted, DocumentDeleted)
    with services.pool.connection() as connection:
        dump = connection.execute(
            "SELECT string_agg(state, '') || (SELECT string_agg(sealed, '') FROM lrs.contents)"
            " FROM lrs.stored_events"
        ).fetchone()
    assert dump is not None
    assert b"marker" not in dump[0]
    services.keyring.revoke(tool.institution, stored.owner)
    assert not isinstance(services.store.at([recorded[0].position])[0].event, DocumentStored)
