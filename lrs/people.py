"""Persons: from an identifier to the random pseudonym that stands for it everywhere else."""

import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from psycopg_pool import ConnectionPool

from domain.errors import Error
from lrs.arrays import Contents, Uuids
from lrs.keys.blind_index import BlindIndex

CACHE_SECONDS = 60.0
CACHE_SIZE = 200_000


class IdentifierErased(Error):
    """These identifiers belonged to a person who was erased."""

    def __init__(self, ifis: frozenset[str]) -> None:
        super().__init__("erased")
        self.ifis = ifis


class People:
    """The blind index of persons (privacy.md, section 4)."""

    def __init__(self, pool: ConnectionPool[Any], blind: BlindIndex) -> None:
        self._pool = pool
        self._blind = blind
        self._cache: dict[UUID, dict[str, tuple[float, UUID]]] = {}

    def resolve(self, institution: UUID, ifis: Iterable[str]) -> dict[str, UUID]:
        """Returns the pseudonym of each identifier, made where there is none.

        Raises `IdentifierErased` where one of them was erased.
        """
        found, missing = self._cached(institution, ifis)
        if missing:
            found |= self._name(institution, missing)
            missing -= found.keys()
        if missing:
            raise IdentifierErased(frozenset(missing))
        return found

    def find(self, institution: UUID, ifi: str) -> UUID | None:
        """Returns the pseudonym of an identifier, or None; makes none."""
        return self._look_up(institution, {ifi}).get(ifi)

    def remembered(self, institution: UUID, ifi: str) -> UUID | None:
        """Returns the pseudonym as this process has it in memory; erased since, perhaps."""
        return self._cached(institution, {ifi})[0].get(ifi)

    def forget_institution(self, institution: UUID) -> None:
        """Drops everybody of an institution from this process's memory."""
        self._cache.pop(institution, None)

    def forget(self, pseudonym: UUID) -> None:
        """Drops a person from this process's memory."""
        for known in list(self._cache.values()):
            for ifi, (_, cached) in list(known.items()):
                if cached == pseudonym:
                    known.pop(ifi, None)

    def _cached(self, institution: UUID, ifis: Iterable[str]) -> tuple[dict[str, UUID], set[str]]:
        now = time.monotonic()
        known = self._cache.get(institution, {})
        found: dict[str, UUID] = {}
        missing: set[str] = set()
        for ifi in ifis:
            cached = known.get(ifi)
            if cached is not None and cached[0] > now:
                found[ifi] = cached[1]
            else:
                missing.add(ifi)
        return found, missing

    def _look_up(self, institution: UUID, ifis: set[str]) -> dict[str, UUID]:
        """Returns the pseudonyms of those identifiers that have one."""
        blinds = [self._blind.blind(institution, ifi) for ifi in ifis]
        query = "SELECT blind, pseudonym FROM lrs.people WHERE institution = %s AND blind = ANY(%b)"
        return self._found(institution, ifis, blinds, query, [institution, Contents(blinds)])

    def _name(self, institution: UUID, ifis: set[str]) -> dict[str, UUID]:
        """Returns the pseudonyms of all but erased identifiers, made where there are none."""
        blinds = [self._blind.blind(institution, ifi) for ifi in ifis]
        fences = [self._blind.fence(institution, ifi) for ifi in ifis]
        fresh = Uuids([uuid4() for _ in ifis])
        query = "SELECT blind, pseudonym FROM lrs.name_people(%s, %b, %b, %b)"
        params = [institution, Contents(blinds), Contents(fences), fresh]
        return self._found(institution, ifis, blinds, query, params)

    def _found(
        self, institution: UUID, ifis: set[str], blinds: list[bytes], query: str, params: list[Any]
    ) -> dict[str, UUID]:
        by_blind = dict(zip(blinds, ifis, strict=True))
        with self._pool.connection() as connection:
            rows = connection.execute(query.encode(), params, binary=True).fetchall()
        found = {by_blind[blind]: pseudonym for blind, pseudonym in rows}
        if sum(map(len, list(self._cache.values()))) > CACHE_SIZE:
            self._cache.clear()
        expires = time.monotonic() + CACHE_SECONDS
        known = self._cache.setdefault(institution, {})
        for ifi, pseudonym in found.items():
            known[ifi] = (expires, pseudonym)
        return found
