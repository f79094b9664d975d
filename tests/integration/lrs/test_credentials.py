"""Credentials over a real database: issued, rotated with grace, revoked, each while remembered."""

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.credentials import CredentialIssued, CredentialRevoked, CredentialRotated, Rates
from domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from domain.roles import Role
from domain.scopes import Scope
from lrs import verification
from lrs.services import Services


@pytest.fixture(scope="module")
def institution(services: Services) -> UUID:
    return services.institutions.create("Test college").institution


def refused(services: Services, key: str, secret: str) -> bool:
    try:
        services.credentials.verify(key, secret)
    except Unauthenticated:
        return True
    return False


def test_what_was_issued_is_what_is_verified_and_listed(
    services: Services, institution: UUID
) -> None:
    rates = Rates(requests=5, statements=0)
    key, secret = services.credentials.issue(
        institution, "a player", [Role.TOOL], [Scope.STATE, Scope.READ_MINE], rates
    )
    held = services.credentials.verify(key, secret)
    assert (held.roles, held.rates, held.generation) == ({Role.TOOL}, rates, 1)
    assert held.scopes == {Scope.STATE, Scope.READ_MINE}
    (listed,) = [c for c in services.credentials.list(institution) if c.key == key]
    assert listed.holder(institution) == held
    plain, secret = services.credentials.issue(institution, "plain", [Role.TOOL])
    assert services.credentials.verify(plain, secret).scopes == {Scope.ALL}


def test_rotation_ends_the_old_secret_at_once(services: Services, institution: UUID) -> None:
    key, first = services.credentials.issue(institution, "a", [Role.TOOL])
    services.credentials.verify(key, first)
    second, until = services.credentials.rotate(institution, key)
    assert until <= datetime.now(UTC)
    assert refused(services, key, first)
    assert services.credentials.verify(key, second).generation == 2


def test_what_was_opened_once_is_only_read_again(
    services: Services, institution: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow hash is made again where another stands there: a change elsewhere is seen."""
    slow: list[str] = []
    is_it = verification._is

    def watched(secret: str, secret_hash: str) -> bool:
        slow.append(secret_hash)
        return is_it(secret, secret_hash)

    monkeypatch.setattr(verification, "_is", watched)
    monkeypatch.setattr(verification, "REMEMBER_SECONDS", -1.0)  # nothing is believed for long
    # Another process, which hears of no change, is one that never forgets.
    monkeypatch.setattr(verification.Verification, "forget", lambda *_: None)
    key, first = services.credentials.issue(institution, "a", [Role.TOOL])
    for _ in range(3):
        assert services.credentials.verify(key, first).generation == 1
    assert len(slow) == 1
    assert refused(services, key, "wrong") and refused(services, key, "wrong")
    assert len(slow) == 3
    second, _ = services.credentials.rotate(institution, key, grace_seconds=600)
    for _ in range(2):
        assert services.credentials.verify(key, first).generation == 1
        assert services.credentials.verify(key, second).generation == 2
    services.credentials.rotate(institution, key)
    assert refused(services, key, first) and refused(services, key, second)
    services.credentials.revoke(institution, key)
    assert refused(services, key, second)


def test_rotation_with_grace(services: Services, institution: UUID) -> None:
    """The old secret opens until the grace ends, even where it is remembered."""
    key, first = services.credentials.issue(institution, "a", [Role.TOOL])
    second, _ = services.credentials.rotate(institution, key, grace_seconds=2)
    assert services.credentials.verify(key, first).generation == 1
    assert services.credentials.holder(key, 1) and services.credentials.holder(key, 2)
    assert services.credentials.verify(key, second).generation == 2
    time.sleep(2.1)
    assert refused(services, key, first)
    with pytest.raises(Unauthenticated):
        services.credentials.holder(key, 1)
    assert not refused(services, key, second)


def test_a_second_rotation_ends_the_first_secret(services: Services, institution: UUID) -> None:
    key, first = services.credentials.issue(institution, "a", [Role.TOOL])
    second, _ = services.credentials.rotate(institution, key, grace_seconds=60)
    third, _ = services.credentials.rotate(institution, key, grace_seconds=60)
    assert [refused(services, key, secret) for secret in (first, second, third)] == [
        True,
        False,
        False,
    ]


def test_revoking_ends_all_while_they_are_remembered(services: Services, institution: UUID) -> None:
    key, first = services.credentials.issue(institution, "a", [Role.TOOL])
    second, _ = services.credentials.rotate(institution, key, grace_seconds=60)
    for secret in (first, second):
        services.credentials.verify(key, secret)
    services.credentials.holder(key, 2)
    services.credentials.revoke(institution, key)
    assert refused(services, key, first) and refused(services, key, second)
    with pytest.raises(Unauthenticated):
        services.credentials.holder(key, 2)
    with pytest.raises(Conflict):
        services.credentials.rotate(institution, key)
    services.credentials.revoke(institution, key)

    (row,) = [c for c in services.credentials.list(institution) if c.key == key]
    events = services.store.stream(row.credential)
    assert [type(event) for event in events] == [
        CredentialIssued,
        CredentialRotated,
        CredentialRevoked,
    ]


def test_refusals(services: Services, institution: UUID) -> None:
    key, _ = services.credentials.issue(institution, "a", [Role.TOOL])
    other = services.institutions.create("Other college").institution
    with pytest.raises(NotFound):
        services.credentials.rotate(other, key)
    with pytest.raises(NotFound):
        services.credentials.rotate(institution, "nobody")
    for grace in (-1, 31 * 24 * 3600):
        with pytest.raises(Invalid):
            services.credentials.rotate(institution, key, grace)
    with pytest.raises(Invalid):
        services.credentials.issue(institution, "a", [Role.OFFICER], [Scope.ALL])


def test_time_does_not_tell_which_keys_exist(services: Services, institution: UUID) -> None:
    key, _ = services.credentials.issue(institution, "a", [Role.TOOL])

    def seconds(tried: str) -> float:
        taken = []
        for number in range(9):
            started = time.perf_counter()
            assert refused(services, tried, f"wrong {number}")
            taken.append(time.perf_counter() - started)
        return sorted(taken)[4]

    known, unknown = seconds(key), seconds("nobody")
    assert 0.3 < known / unknown < 3
