"""Credentials: issue, rotate, tolerate, revoke, list. Who holds one is `lrs.verification`.

A secret is shown once, to whoever it is issued for; we keep its Argon2id hash.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.credentials import (
    AS_SETTINGS,
    MAX_GRACE_SECONDS,
    Credential,
    CredentialIssued,
    CredentialRevoked,
    CredentialRotated,
    CredentialToleranceSet,
    Rates,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.roles import Role
from domain.scopes import Scope, chosen
from domain.statements.tolerance import Tolerated
from lrs.ids import uuid7
from lrs.quotas import admit_credential
from lrs.store import RecordStore
from lrs.tenants import Tenants
from lrs.verification import HASHER, Verification

COLUMNS = (
    "credential, key, label, roles, scopes, requests_rate, statements_rate, generation,"
    " old_valid_until, issued_at, revoked_at, tolerance"
)


@dataclass(frozen=True)
class Listed:
    """A credential as the operator sees it; never its secret."""

    credential: UUID
    key: str
    label: str
    roles: tuple[Role, ...]
    scopes: tuple[Scope, ...]
    rates: Rates
    generation: int
    old_valid_until: datetime | None
    issued_at: datetime
    revoked_at: datetime | None
    tolerance: tuple[Tolerated, ...]

    def holder(self, institution: UUID) -> Credential:
        """Returns whoever would prove to hold it."""
        return Credential(
            key=self.key,
            institution=institution,
            label=self.label,
            roles=frozenset(self.roles),
            scopes=frozenset(self.scopes),
            rates=self.rates,
            generation=self.generation,
            tolerance=frozenset(self.tolerance),
        )


class Credentials:
    """The credentials of every institution. Thread-safe; one for each process."""

    def __init__(self, store: RecordStore, pool: ConnectionPool[Any], tenants: Tenants) -> None:
        self._store = store
        self._pool = pool
        verification = Verification(pool, self._label, tenants.closed)
        self._forget = verification.forget
        self.verify = verification.verify
        self.holder = verification.holder

    def issue(
        self,
        institution: UUID,
        label: str,
        roles: Iterable[Role],
        scopes: Iterable[Scope] | None = None,
        rates: Rates = AS_SETTINGS,
    ) -> tuple[str, str]:
        """Returns key and secret of a new credential; the secret can never be read again.

        A tool has scopes, by default all. Raises Invalid where roles and scopes do not fit, and
        QuotaReached where the institution may have no more credentials.
        """
        held = tuple(sorted(set(roles)))
        if not held:
            raise Invalid("roles", "empty", "give at least one role")
        # Hex: a key is typed as an argument, and none may look like an option.
        key, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
        event = CredentialIssued(
            originator_id=uuid7(),
            originator_version=1,
            institution=institution,
            at=datetime.now(UTC),
            key=key,
            label=label,
            roles=held,
            secret_hash=HASHER.hash(secret),
            scopes=chosen(held, scopes),
            rates=rates,
        )
        sealed = self._store.mapper.seal_content(
            institution, event.originator_id, label, event.sealed_for()
        )

        def row(connection: Connection[Any]) -> None:
            admit_credential(connection, institution)
            connection.execute(
                "INSERT INTO lrs.credentials (key, credential, institution, label, roles, scopes,"
                " secret_hash, issued_at, requests_rate, statements_rate)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    key,
                    event.originator_id,
                    institution,
                    sealed,
                    list(event.roles),
                    list(event.scopes),
                    event.secret_hash,
                    event.at,
                    rates.requests,
                    rates.statements,
                ),
            )

        self._store.append(event, beside=row)
        return key, secret

    def rotate(self, institution: UUID, key: str, grace_seconds: int = 0) -> tuple[str, datetime]:
        """Returns a new secret for `key`, and until when the one before it opens it too.

        Tokens that were given for the old secret end with it. Raises NotFound, Invalid for another
        grace than 0 to 30 days, and Conflict for a revoked credential.
        """
        if not 0 <= grace_seconds <= MAX_GRACE_SECONDS:
            raise Invalid("grace_seconds", "range", f"0 to {MAX_GRACE_SECONDS} seconds")
        credential, revoked_at = self._find(institution, key)
        if revoked_at is not None:
            raise Conflict("this credential is revoked: issue another")
        secret = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        event = CredentialRotated(
            originator_id=credential,
            originator_version=self._next_version(credential),
            institution=institution,
            at=now,
            secret_hash=HASHER.hash(secret),
            old_valid_until=now + timedelta(seconds=grace_seconds),
        )

        def replace(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE lrs.credentials SET old_secret_hash = secret_hash, old_valid_until = %s,"
                " secret_hash = %s, generation = generation + 1 WHERE key = %s",
                (event.old_valid_until, event.secret_hash, key),
            )

        self._store.append(event, beside=replace)
        self._forget(key)
        return secret, event.old_valid_until

    def tolerate(self, institution: UUID, key: str, tolerance: Iterable[Tolerated]) -> None:
        """Lets the credential's statements through with these deviations, and with no others.

        Raises NotFound, and Conflict for a revoked credential.
        """
        credential, revoked_at = self._find(institution, key)
        if revoked_at is not None:
            raise Conflict("this credential is revoked: issue another")
        event = CredentialToleranceSet(
            originator_id=credential,
            originator_version=self._next_version(credential),
            institution=institution,
            at=datetime.now(UTC),
            tolerance=tuple(sorted(set(tolerance))),
        )

        def replace(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE lrs.credentials SET tolerance = %s WHERE key = %s",
                (list(event.tolerance), key),
            )

        self._store.append(event, beside=replace)
        self._forget(key)

    def revoke(self, institution: UUID, key: str) -> None:
        """Makes the credential open nothing any more; again is no error. Raises NotFound."""
        credential, revoked_at = self._find(institution, key)
        if revoked_at is not None:
            return
        event = CredentialRevoked(
            originator_id=credential,
            originator_version=self._next_version(credential),
            institution=institution,
            at=datetime.now(UTC),
        )

        def mark(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE lrs.credentials SET revoked_at = %s WHERE key = %s", (event.at, key)
            )

        self._store.append(event, beside=mark)
        self._forget(key)

    def list(self, institution: UUID, after: UUID | None = None, limit: int = 50) -> list[Listed]:
        """Returns up to `limit` credentials, oldest first, revoked ones included."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM lrs.credentials"
                " WHERE institution = %s AND (%s::uuid IS NULL OR credential > %s)"
                " ORDER BY credential LIMIT %s".encode(),
                (institution, after, after, limit),
            ).fetchall()
        return [self._listed(institution, row) for row in rows]

    def keys(self, institution: UUID) -> tuple[str, ...]:
        """Returns the key of every credential, revoked ones included."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT key FROM lrs.credentials WHERE institution = %s", [institution]
            ).fetchall()
        return tuple(key for (key,) in rows)

    def stands(self, institution: UUID, key: str) -> bool:
        """Returns whether the credential is there and not revoked; asks the database."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT FROM lrs.credentials"
                " WHERE key = %s AND institution = %s AND revoked_at IS NULL",
                [key, institution],
            ).fetchone()
        return row is not None

    def sender(self, institution: UUID, key: str) -> Credential:
        """Returns whoever holds `key`. Raises NotFound, and Conflict for a revoked credential."""
        with self._pool.connection() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM lrs.credentials"
                " WHERE institution = %s AND key = %s".encode(),
                (institution, key),
            ).fetchone()
        if row is None:
            raise NotFound("there is no such credential")
        listed = self._listed(institution, row)
        if listed.revoked_at is not None:
            raise Conflict("this credential is revoked: nothing more can come by it")
        return listed.holder(institution)

    def _listed(self, institution: UUID, row: tuple[Any, ...]) -> Listed:
        return Listed(
            credential=row[0],
            key=row[1],
            label=self._label(institution, row[0], row[2]),
            roles=tuple(Role(role) for role in row[3]),
            scopes=tuple(Scope(scope) for scope in row[4]),
            rates=Rates(requests=row[5], statements=row[6]),
            generation=row[7],
            old_valid_until=row[8],
            issued_at=row[9],
            revoked_at=row[10],
            tolerance=tuple(Tolerated(each) for each in row[11]),
        )

    def _find(self, institution: UUID, key: str) -> tuple[UUID, datetime | None]:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT credential, revoked_at FROM lrs.credentials"
                " WHERE key = %s AND institution = %s",
                (key, institution),
            ).fetchone()
        if row is None:
            raise NotFound("there is no such credential")
        return row[0], row[1]

    def _next_version(self, credential: UUID) -> int:
        return len(self._store.recorder.select_events(credential)) + 1

    def _label(self, institution: UUID, credential: UUID, sealed: bytes) -> str:
        return str(self._store.mapper.open_content(institution, credential, sealed))
