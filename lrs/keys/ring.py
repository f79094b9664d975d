"""The key ring: each person's data keys, issued once, rotated by age, destroyed for ever.

Three states: never issued, active, erased. Erased is a fence written before anything is destroyed;
nobody can issue a key for a fenced person, and a key that is merely not found is an error.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from domain.errors import Error
from lrs.arrays import Contents, Numbers, Uuids
from lrs.keys.envelope import DataKey
from lrs.keys.port import KeyService

LOOK_SECONDS = 1.0
"""How often a process asks who was fenced elsewhere, and so the longest that it may not know."""
LOOK_BACK = "1 minute"
COLUMNS = "key_id, institution, pseudonym, version, kek_id, wrapped, created_at"
CLOSE_PAGE = 2000


class UnknownKey(Error):
    """A ciphertext names a key that the key store never held: the data is damaged or not ours."""


class PersonErased(Error):
    """The person is fenced: there is no key and there will be none."""

    def __init__(self, pseudonyms: Collection[UUID]) -> None:
        super().__init__("erased")
        self.pseudonyms = frozenset(pseudonyms)


class KeyRing:
    """Data keys by person and by id, kept in memory for at most `cache_seconds`."""

    def __init__(
        self,
        pool: ConnectionPool[Any],
        service: KeyService,
        *,
        cache_seconds: float = 60.0,
        rotation: timedelta = timedelta(days=90),
    ) -> None:
        self._pool = pool
        self._service = service
        self._seconds = cache_seconds
        self._rotation = rotation
        self._current: dict[UUID, dict[UUID, tuple[float, DataKey]]] = {}
        self._by_id: dict[UUID, tuple[float, DataKey | None]] = {}
        self._look_at = 0.0
        self._sweep_at = 0.0

    def current(self, institution: UUID, pseudonyms: Iterable[UUID]) -> dict[UUID, DataKey]:
        """Returns the key for new writes of each person; issues what is missing or too old.

        Raises `PersonErased` where one of them is fenced.
        """
        self._look()
        now = time.monotonic()
        held = self._current.setdefault(institution, {})
        keys: dict[UUID, DataKey] = {}
        missing: list[UUID] = []
        for pseudonym in set(pseudonyms):
            cached = held.get(pseudonym)
            if cached is not None and cached[0] > now:
                keys[pseudonym] = cached[1]
            else:
                missing.append(pseudonym)
        if missing:
            loaded = self._load_current(institution, sorted(missing))
            expires = now + self._seconds
            for pseudonym, key in loaded.items():
                held[pseudonym] = (expires, key)
                self._by_id[key.key_id] = (expires, key)
            keys |= loaded
        return keys

    def open(self, key_id: UUID) -> DataKey | None:
        """Returns the key, or None where it was destroyed. Raises `UnknownKey` otherwise."""
        self._look()
        cached = self._by_id.get(key_id)
        if cached is None or cached[0] <= time.monotonic():
            self.load([key_id])
            cached = self._by_id.get(key_id)
        if cached is None:
            raise UnknownKey(f"key {key_id} is not in the key store")
        return cached[1]

    def load(self, key_ids: Iterable[UUID]) -> None:
        """Brings keys into memory in one query, before many boxes are opened."""
        self._look()
        now = time.monotonic()
        wanted = [
            key_id
            for key_id in set(key_ids)
            if (cached := self._by_id.get(key_id)) is None or cached[0] <= now
        ]
        if not wanted:
            return
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT key_id, institution, pseudonym, version, kek_id,"
                " CASE WHEN EXISTS (SELECT FROM keystore.fences f"
                "  WHERE f.institution = k.institution AND f.pseudonym = k.institution)"
                "  THEN NULL ELSE wrapped END"
                " FROM keystore.data_keys k WHERE key_id = ANY(%s)",
                [wanted],
            ).fetchall()
        for row in rows:
            # A key that is gone here may come back, with an institution that moves back.
            key = None if row[5] is None else self._unwrap(row)
            self._by_id[row[0]] = (now + (LOOK_SECONDS if key is None else self._seconds), key)

    def revoke(self, institution: UUID, pseudonym: UUID) -> int:
        """Fences the person, destroys every version of their key; returns how many there were.

        May be called again after an interruption: it ends in the same state.
        """
        with self._pool.connection() as connection:
            connection.execute("SELECT keystore.fence(%s, %s)", [institution, pseudonym])
            destroyed: int = connection.execute(
                "UPDATE keystore.data_keys SET wrapped = NULL, kek_id = NULL, revoked_at = now()"
                " WHERE institution = %s AND pseudonym = %s AND wrapped IS NOT NULL",
                [institution, pseudonym],
            ).rowcount
        self.forget(pseudonym)
        return destroyed

    def close(self, institution: UUID, tell: Callable[[int], None] = lambda _: None) -> int:
        """Fences a whole institution and destroys every key of it; returns how many there were.

        May be called again after an interruption: it ends in the same state. `tell` is told how
        many are gone so far.
        """
        destroyed, after = 0, (UUID(int=0), 0)
        with self._pool.connection() as connection:
            connection.execute("SELECT keystore.fence(%s, %s)", [institution, institution])
            self._forget_institution(institution)
            while True:
                row = connection.execute(
                    "SELECT last_pseudonym, last_version, revoked"
                    " FROM keystore.revoke_institution(%s, %s, %s, %s)",
                    [institution, *after, CLOSE_PAGE],
                ).fetchone()
                assert row is not None
                if row[0] is None:
                    return destroyed
                after = (row[0], row[1])
                destroyed += row[2]
                tell(destroyed)

    def held(self, institution: UUID) -> int:
        """Returns how many keys there are of an institution and its persons, every version."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM keystore.data_keys"
                " WHERE institution = %s AND wrapped IS NOT NULL",
                [institution],
            ).fetchone()
        assert row is not None
        return int(row[0])

    def erased(self, institution: UUID, pseudonym: UUID) -> bool:
        """Returns whether the person is fenced."""
        with self._pool.connection() as connection:
            return (
                connection.execute(
                    "SELECT FROM keystore.fences WHERE institution = %s AND pseudonym = %s",
                    [institution, pseudonym],
                ).fetchone()
                is not None
            )

    def count(self, institution: UUID, pseudonyms: Iterable[UUID]) -> int:
        """Returns how many keys there are of these persons, every version."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM keystore.data_keys"
                " WHERE institution = %s AND pseudonym = ANY(%s) AND wrapped IS NOT NULL",
                [institution, list(pseudonyms)],
            ).fetchone()
        assert row is not None
        return int(row[0])

    def forget(self, *pseudonyms: UUID) -> None:
        """Drops the keys of fenced persons from this process's memory."""
        gone = frozenset(pseudonyms)
        for held in list(self._current.values()):
            for pseudonym in gone:
                held.pop(pseudonym, None)
        for key_id, (_, key) in list(self._by_id.items()):
            if key is not None and key.pseudonym in gone:
                # Not removed: whoever loaded it a moment ago must not find that it never was.
                self._by_id[key_id] = (0.0, None)

    def _forget_institution(self, institution: UUID) -> None:
        """Drops the keys of a fenced institution; others by id are asked for again."""
        self._current.pop(institution, None)
        for key_id, (_, key) in list(self._by_id.items()):
            self._by_id[key_id] = (0.0, key)

    def _look(self) -> None:
        """Drops keys of persons whom another process fenced, and keys that are too old."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        with self._pool.connection() as connection:
            fenced = connection.execute(
                "SELECT institution, pseudonym FROM keystore.fences"
                " WHERE fenced_at > now() - %s::interval",
                [LOOK_BACK],
            ).fetchall()
        if fenced:
            self.forget(*(pseudonym for _, pseudonym in fenced))
        for institution, pseudonym in fenced:
            if pseudonym == institution:
                self._forget_institution(institution)
        if now >= self._sweep_at:
            self._sweep_at = now + self._seconds
            for held in list(self._current.values()):
                for pseudonym, (expires, _) in list(held.items()):
                    if expires <= now:
                        held.pop(pseudonym, None)
            for key_id, (expires, _) in list(self._by_id.items()):
                if expires <= now - LOOK_SECONDS:
                    self._by_id.pop(key_id, None)

    def _load_current(self, institution: UUID, pseudonyms: list[UUID]) -> dict[UUID, DataKey]:
        with self._pool.connection() as connection:
            newest = self._newest(connection, institution, pseudonyms)
            stale = datetime.now(UTC) - self._rotation
            due = [p for p in pseudonyms if p not in newest or newest[p][2] < stale]
            versions = [newest[p][0] + 1 if p in newest else 1 for p in due]
            if due:
                # Who is fenced meanwhile gets none, and the key that is too old does not count.
                for pseudonym in due:
                    newest.pop(pseudonym, None)
                newest |= self._issue(connection, institution, due, versions)
        fenced = [p for p in pseudonyms if p not in newest]
        if fenced:
            raise PersonErased(fenced)
        return {p: newest[p][1] for p in pseudonyms}

    def _newest(
        self, connection: Any, institution: UUID, pseudonyms: list[UUID]
    ) -> dict[UUID, tuple[int, DataKey, datetime]]:
        query = f"SELECT {COLUMNS} FROM keystore.newest(%s, %s)"
        rows = connection.execute(query, [institution, Uuids(pseudonyms)], binary=True).fetchall()
        return {row[2]: (row[3], self._unwrap(row[:6]), row[6]) for row in rows}

    def _issue(
        self,
        connection: Any,
        institution: UUID,
        due: list[UUID],
        versions: list[int],
    ) -> dict[UUID, tuple[int, DataKey, datetime]]:
        wrapped = [
            self._service.wrap(os.urandom(32), _context(institution, pseudonym, version))
            for pseudonym, version in zip(due, versions, strict=True)
        ]
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM keystore.issue_newest(%s, %s, %s, %s, %s, %s)",
            [
                institution,
                Uuids([uuid4() for _ in due]),
                Uuids(due),
                Numbers(versions),
                wrapped[0][0],
                Contents([w for _, w in wrapped]),
            ],
            binary=True,
        ).fetchall()
        return {row[2]: (row[3], self._unwrap(row[:6]), row[6]) for row in rows}

    def _unwrap(self, row: tuple[Any, ...]) -> DataKey:
        key_id, institution, pseudonym, version, kek_id, wrapped = row
        key = self._service.unwrap(kek_id, wrapped, _context(institution, pseudonym, version))
        return DataKey(key_id, pseudonym, AESGCM(key))


def _context(institution: UUID, pseudonym: UUID, version: int) -> bytes:
    return institution.bytes + pseudonym.bytes + version.to_bytes(4, "big")
