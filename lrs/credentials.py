"""Credentials: issue, verify, list, revoke.

A secret is shown once, to whoever it is issued for; we keep its Argon2id hash. Because that hash is
slow on purpose, a pair that was verified (or found wrong) is remembered for up to a minute under a
keyed hash of the pair: the memory holds no secret.
"""

import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.credentials import Credential, CredentialIssued, CredentialRevoked
from domain.errors import Invalid, NotFound, Unauthenticated
from domain.roles import Role
from lrs.ids import uuid7
from lrs.store import RecordStore

REMEMBER_SECONDS = 60.0
REMEMBER_PAIRS = 10_000
WRONG = "these credentials are not valid"

# The least that OWASP recommends for Argon2id: secrets are 256 random bits, never chosen by people.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass(frozen=True)
class Listed:
    """A credential as the operator sees it; never its secret."""

    credential: UUID
    key: str
    label: str
    roles: tuple[Role, ...]
    issued_at: datetime
    revoked_at: datetime | None


class Credentials:
    """The credentials of every institution. Thread-safe; one for each process."""

    def __init__(self, store: RecordStore, pool: ConnectionPool[Any]) -> None:
        self._store = store
        self._pool = pool
        self._pepper = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[float, str, Credential | None]] = {}
        self._one_at_a_time = Lock()

    def issue(self, institution: UUID, label: str, roles: Iterable[Role]) -> tuple[str, str]:
        """Returns key and secret of a new credential; the secret can never be read again."""
        chosen = tuple(sorted(set(roles)))
        if not chosen:
            raise Invalid("roles", "empty", "give at least one role")
        key, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        event = CredentialIssued(
            originator_id=uuid7(),
            originator_version=1,
            institution=institution,
            at=datetime.now(UTC),
            key=key,
            label=label,
            roles=chosen,
            secret_hash=HASHER.hash(secret),
        )
        sealed = self._store.mapper.seal_content(institution, event.originator_id, label)

        def row(connection: Connection[Any]) -> None:
            connection.execute(
                "INSERT INTO lrs.credentials"
                " (key, credential, institution, label, roles, secret_hash, issued_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (
                    key,
                    event.originator_id,
                    institution,
                    sealed,
                    list(chosen),
                    event.secret_hash,
                    event.at,
                ),
            )

        self._store.append(event, beside=row)
        return key, secret

    def verify(self, key: str, secret: str) -> Credential:
        """Returns whose these are; raises Unauthenticated, in about the same time, when nobody's.

        A credential that another process revokes opens for at most a minute more here.
        """
        pair = hmac.digest(self._pepper, f"{key}\0{secret}".encode(), "sha256")
        found, credential = self._remembered(pair)
        if not found:
            # One slow hash at a time: a flood of wrong secrets must not take every core.
            with self._one_at_a_time:
                found, credential = self._remembered(pair)
                if not found:
                    credential = self._check(key, secret)
                    self._remember(pair, key, credential)
        if credential is None:
            raise Unauthenticated(WRONG)
        return credential

    def revoke(self, institution: UUID, key: str) -> None:
        """Makes the credential open nothing any more; again is no error. Raises NotFound."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT credential, revoked_at FROM lrs.credentials"
                " WHERE key = %s AND institution = %s",
                (key, institution),
            ).fetchone()
        if row is None:
            raise NotFound("there is no such credential")
        if row[1] is not None:
            return
        event = CredentialRevoked(
            originator_id=row[0],
            originator_version=2,
            institution=institution,
            at=datetime.now(UTC),
        )

        def mark(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE lrs.credentials SET revoked_at = %s WHERE key = %s", (event.at, key)
            )

        self._store.append(event, beside=mark)
        with self._one_at_a_time:
            self._known = {p: entry for p, entry in self._known.items() if entry[1] != key}

    def list(self, institution: UUID, after: UUID | None = None, limit: int = 50) -> list[Listed]:
        """Returns up to `limit` credentials, oldest first, revoked ones included."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT credential, key, label, roles, issued_at, revoked_at FROM lrs.credentials"
                " WHERE institution = %s AND (%s::uuid IS NULL OR credential > %s)"
                " ORDER BY credential LIMIT %s",
                (institution, after, after, limit),
            ).fetchall()
        return [
            Listed(
                credential=row[0],
                key=row[1],
                label=self._label(institution, row[0], row[2]),
                roles=tuple(Role(role) for role in row[3]),
                issued_at=row[4],
                revoked_at=row[5],
            )
            for row in rows
        ]

    def _check(self, key: str, secret: str) -> Credential | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT credential, institution, label, roles, secret_hash FROM lrs.credentials"
                " WHERE key = %s AND revoked_at IS NULL",
                (key,),
            ).fetchone()
        try:
            HASHER.verify(row[4] if row else NOBODY, secret)
        except VerificationError:
            return None
        if row is None:
            return None
        label = self._label(row[1], row[0], row[2])
        return Credential(key, row[1], label, frozenset(Role(role) for role in row[3]))

    def _label(self, institution: UUID, credential: UUID, sealed: bytes) -> str:
        return str(self._store.mapper.open_content(institution, credential, sealed))

    def _remembered(self, pair: bytes) -> tuple[bool, Credential | None]:
        entry = self._known.get(pair)
        if entry is None or entry[0] < time.monotonic():
            return False, None
        return True, entry[2]

    def _remember(self, pair: bytes, key: str, credential: Credential | None) -> None:
        if len(self._known) >= REMEMBER_PAIRS:
            self._known.clear()
        self._known[pair] = (time.monotonic() + REMEMBER_SECONDS, key, credential)


NOBODY = HASHER.hash(secrets.token_urlsafe(32))
"""Verified against where a key is unknown, so that time does not tell which keys exist."""
