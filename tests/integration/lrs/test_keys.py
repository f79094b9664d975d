"""Keys at rest: what is ciphertext, what binds it to its place, and what revoking means."""

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from domain.credentials import Credential
from domain.people import canonical_ifi
from domain.statements.events import originator_of
from domain.values.version import Version
from lrs.keys.file import KeyFile
from lrs.keys.ring import KeyRing, PersonErased, UnknownKey
from lrs.notifications import Shredded
from lrs.services import Services, open_services
from tests.integration.lrs.samples import agent, statement

V1 = Version.V1_0_3


def pseudonym_of(services: Services, tool: Credential, name: str) -> UUID:
    found = services.people.find(tool.institution, canonical_ifi(agent(name)) or "")
    assert found is not None
    return found


def test_the_stored_bytes_tell_nothing(services: Services, tool: Credential) -> None:
    sent = statement("marker-name", result={"response": "marker-response"})
    (statement_id,) = services.statements.accept(tool, [sent], V1).ids
    (stored,) = services.store.recorder.select_events(originator_of(tool.institution, statement_id))
    for marker in (b"marker", b"lms.example", b"answered", b"2026-02-03"):
        assert marker not in stored.state


def test_a_ciphertext_moved_elsewhere_does_not_open(services: Services, tool: Credential) -> None:
    accepted = services.statements.accept(tool, [statement(), statement()], V1)
    one, two = (
        services.store.recorder.select_events(originator_of(tool.institution, i))[0]
        for i in accepted.ids
    )
    moved = type(one)(
        two.originator_id, two.originator_version, two.topic, one.state, 0, one.recorded_at
    )
    with pytest.raises(InvalidTag):
        services.store.mapper.to_domain_event(moved)


def test_revoking_makes_tombstones_and_forbids_new_keys(
    services: Services, tool: Credential
) -> None:
    accepted = services.statements.accept(tool, [statement("eve"), statement("ada")], V1)
    eve = pseudonym_of(services, tool, "eve")
    assert services.keyring.revoke(tool.institution, eve) == 1
    assert services.keyring.revoke(tool.institution, eve) == 0
    (shredded,) = services.store.stream(originator_of(tool.institution, accepted.ids[0]))
    assert isinstance(shredded, Shredded)
    (readable,) = services.store.stream(originator_of(tool.institution, accepted.ids[1]))
    assert readable.statement["actor"]["name"] == "Name of ada"
    with pytest.raises(PersonErased):
        services.keyring.current(tool.institution, [eve])


def test_another_person_erased_shows_as_anonymous(services: Services, tool: Credential) -> None:
    sent = statement("ada", context={"instructor": agent("grace")})
    (statement_id,) = services.statements.accept(tool, [sent], V1).ids
    grace = pseudonym_of(services, tool, "grace")
    services.keyring.revoke(tool.institution, grace)
    got = services.queries.get(tool.institution, statement_id)
    assert got["actor"] == sent["actor"]
    assert got["context"]["instructor"] == {
        "objectType": "Agent",
        "account": {"homePage": "https://erased.invalid/", "name": str(grace)},
    }


def test_a_key_that_was_never_there_is_an_error_and_not_an_erasure(services: Services) -> None:
    with pytest.raises(UnknownKey):
        services.keyring.open(uuid4())


def test_keys_rotate_and_old_versions_still_open(services: Services, tool: Credential) -> None:
    (old,) = services.statements.accept(tool, [statement("rosa")], V1).ids
    rosa = pseudonym_of(services, tool, "rosa")
    first = services.keyring.current(tool.institution, [rosa])[rosa]
    with psycopg.connect(services.settings.keystore_admin_dsn) as connection:
        # Only the owner, who lifts the guard by name, can make a key look old.
        connection.execute("ALTER TABLE keystore.data_keys DISABLE TRIGGER key_states")
        connection.execute(
            "UPDATE keystore.data_keys SET created_at = now() - interval '91 days'"
            " WHERE pseudonym = %s",
            [rosa],
        )
        connection.execute("ALTER TABLE keystore.data_keys ENABLE ALWAYS TRIGGER key_states")
    fresh = open_services(services.settings)
    try:
        second = fresh.keyring.current(tool.institution, [rosa])[rosa]
        assert second.key_id != first.key_id
        assert fresh.queries.get(tool.institution, old)["actor"]["name"] == "Name of rosa"
        assert fresh.keyring.revoke(tool.institution, rosa) == 2
    finally:
        fresh.close()


def test_two_processes_issue_one_key(services: Services, tool: Credential) -> None:
    other = KeyRing(services.keystore_pool, KeyFile(services.settings.key_file))
    person = uuid4()
    mine = services.keyring.current(tool.institution, [person])[person]
    theirs = other.current(tool.institution, [person])[person]
    assert mine.key_id == theirs.key_id


def test_the_key_file_is_private_and_stays(services: Services) -> None:
    path = services.settings.key_file
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFile(path).secret("a") == KeyFile(path).secret("a") != KeyFile(path).secret("b")


def test_the_roles_keep_to_their_rooms(services: Services) -> None:
    with (
        psycopg.connect(services.settings.dsn) as writer,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        writer.execute("SELECT wrapped FROM keystore.data_keys")
    with (
        psycopg.connect(services.settings.keystore_dsn) as keys,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        keys.execute("SELECT state FROM lrs.stored_events")


def test_cached_keys_expire(services: Services, tool: Credential) -> None:
    short = KeyRing(
        services.keystore_pool,
        KeyFile(services.settings.key_file),
        cache_seconds=0.0,
        rotation=timedelta(days=90),
    )
    person = uuid4()
    key = short.current(tool.institution, [person])[person]
    services.keyring.revoke(tool.institution, person)
    assert short.open(key.key_id) is None
