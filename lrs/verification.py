"""Who proves to hold a credential: by its secret, or by a token that was given for it.

Secrets are kept as Argon2id hashes only. Because that hash is slow on purpose, a pair that was
verified (or found wrong) is remembered for up to a minute under a keyed hash of the pair: the
memory holds no secret. After that the credential is read again, and the slow hash (19 MiB, 23 ms)
is made again only where another stands there. Issuing and revoking are `lrs.credentials`.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from threading import Lock
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from psycopg_pool import ConnectionPool

from domain.credentials import Credential, Rates
from domain.errors import Unauthenticated
from domain.roles import Role
from domain.scopes import Scope
from domain.statements.tolerance import Tolerated

REMEMBER_SECONDS = 60.0
REMEMBER_PAIRS = 10_000
WRONG = "these credentials are not valid"

# The least that OWASP recommends for Argon2id: secrets are 256 random bits, never chosen by people.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = HASHER.hash(secrets.token_urlsafe(32))
"""Verified against where a key is unknown, so that time does not tell which keys exist."""

OpenLabel = Callable[[UUID, UUID, bytes], str]
Closed = Callable[[UUID], bool]
"""Says whether an institution was erased (`lrs.tenants`): at once, from memory."""


@dataclass(frozen=True)
class _Held:
    """A credential's row; `old_until` is when its last secret but one ends, if it has not yet."""

    credential: Credential
    secret_hash: str
    old_hash: str | None
    old_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a pair came to, until when that is believed, and the hash that its secret opened."""

    until: float
    key: str
    credential: Credential | None
    opened: str | None


class Verification:
    """Verifies secrets and token holders. Thread-safe; one for each process."""

    def __init__(self, pool: ConnectionPool[Any], open_label: OpenLabel, closed: Closed) -> None:
        self._pool = pool
        self._open_label = open_label
        self._closed = closed
        self._pepper = secrets.token_bytes(32)
        self._pairs: dict[bytes, _Verified] = {}
        self._held: dict[str, tuple[float, _Held | None]] = {}
        self._one_at_a_time = Lock()

    def verify(self, key: str, secret: str) -> Credential:
        """Returns whose these are; raises Unauthenticated, in about the same time, when nobody's.

        A credential that another process revokes or rotates opens for at most a minute more here.
        """
        pair = blake2b(f"{key}\0{secret}".encode(), key=self._pepper).digest()
        found, credential = self._remembered(pair)
        if not found:
            # One slow hash at a time: a flood of wrong secrets must not take every core.
            with self._one_at_a_time:
                found, credential = self._remembered(pair)
                if not found:
                    credential = self._check(pair, key, secret)
        if credential is None or self._closed(credential.institution):
            raise Unauthenticated(WRONG)
        return credential

    def holder(self, key: str, generation: int) -> Credential:
        """Returns the credential of `key` while its secret number `generation` opens it.

        Raises Unauthenticated otherwise; a change by another process is seen within a minute.
        """
        expires, held = self._held.get(key, (0.0, None))
        if expires < time.monotonic():
            with self._one_at_a_time:
                held = self._read(key)
                if len(self._held) >= REMEMBER_PAIRS:
                    self._held.clear()
                self._held[key] = (time.monotonic() + REMEMBER_SECONDS, held)
        if held is not None and not self._closed(held.credential.institution):
            current = held.credential.generation
            if generation == current or (generation == current - 1 and _seconds(held) > 0):
                return replace(held.credential, generation=generation)
        raise Unauthenticated(WRONG)

    def forget(self, key: str) -> None:
        """Drops what this process remembers of a credential: call it once a change is durable."""
        with self._one_at_a_time:
            self._pairs = {p: entry for p, entry in self._pairs.items() if entry.key != key}
            self._held.pop(key, None)

    def _check(self, pair: bytes, key: str, secret: str) -> Credential | None:
        held = self._read(key)
        before = self._pairs.get(pair)
        # A hash that this secret opened once it opens again: that it still stands is enough.
        opened = None if before is None else before.opened
        remember = REMEMBER_SECONDS
        credential: Credential | None = None
        current = held.secret_hash if held else NOBODY
        if (opened == current or _is(secret, current)) and held:
            opened, credential = current, held.credential
        elif (
            held
            and held.old_hash
            and _seconds(held) > 0
            and (opened == held.old_hash or _is(secret, held.old_hash))
        ):
            credential = replace(held.credential, generation=held.credential.generation - 1)
            opened, remember = held.old_hash, min(remember, _seconds(held))
        if len(self._pairs) >= REMEMBER_PAIRS:
            self._pairs.clear()
        until = time.monotonic() + remember
        self._pairs[pair] = _Verified(until, key, credential, opened if credential else None)
        return credential

    def _remembered(self, pair: bytes) -> tuple[bool, Credential | None]:
        entry = self._pairs.get(pair)
        if entry is None or entry.until < time.monotonic():
            return False, None
        return True, entry.credential

    def _read(self, key: str) -> _Held | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT credential, institution, label, roles, scopes, generation, requests_rate,"
                " statements_rate, tolerance, secret_hash, old_secret_hash, old_valid_until"
                " FROM lrs.credentials WHERE key = %s AND revoked_at IS NULL",
                (key,),
            ).fetchone()
        if row is None:
            return None
        credential = Credential(
            key=key,
            institution=row[1],
            label=self._open_label(row[1], row[0], row[2]),
            roles=frozenset(Role(role) for role in row[3]),
            scopes=frozenset(Scope(scope) for scope in row[4]),
            generation=row[5],
            rates=Rates(requests=row[6], statements=row[7]),
            tolerance=frozenset(Tolerated(each) for each in row[8]),
        )
        return _Held(credential, *row[9:])


def _is(secret: str, secret_hash: str) -> bool:
    try:
        return HASHER.verify(secret_hash, secret)
    except VerificationError:
        return False


def _seconds(held: _Held) -> float:
    """Returns for how much longer the old secret opens it."""
    if held.old_until is None:
        return 0.0
    return (held.old_until - datetime.now(UTC)).total_seconds()
