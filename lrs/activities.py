"""The catalogue of activities: what an opaque activity id stands for, sealed at rest."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg_pool import ConnectionPool

from lrs.keys.blind_index import BlindIndex
from lrs.mapper import SealingMapper

KIND = "activity"
CACHE_SIZE = 200_000


@dataclass(frozen=True, slots=True)
class Described:
    """An activity as its institution's statements describe it."""

    iri: str
    definition: dict[str, Any]

    def name(self, languages: Iterable[str] = ()) -> str | None:
        """Returns the activity's name in the first language that there is, or None."""
        names: dict[str, str] = self.definition.get("name") or {}
        return next((names[tag] for tag in (*languages, "en", *names) if tag in names), None)


class Activities:
    """Remembers activities before the statements that name them are written."""

    def __init__(self, pool: ConnectionPool[Any], blind: BlindIndex, mapper: SealingMapper) -> None:
        self._pool = pool
        self._blind = blind
        self._mapper = mapper
        self._known: dict[UUID, dict[str, bytes]] = {}

    def identify(self, institution: UUID, iri: str) -> UUID:
        """Returns the opaque id of an activity of this institution."""
        return self._blind.term(institution, KIND, iri)

    def remember(self, institution: UUID, activities: Iterable[dict[str, Any]]) -> None:
        """Records activities that are new, or say more than what was known of them.

        Rows go in in order of id, outside the statements' transaction, so that writers that share
        activities never wait for each other in a circle.
        """
        known = self._known.get(institution, {})
        news: dict[UUID, dict[str, Any]] = {}
        seen: dict[str, bytes] = {}
        for activity in activities:
            iri = activity["id"]
            definition = activity.get("definition")
            held = known.get(iri)
            said = orjson.dumps(definition) if definition else b""
            if held is not None and (not said or said == held):
                continue
            if said and seen.get(iri) == said:
                continue
            identity = self.identify(institution, iri)
            news[identity] = _merged(news.get(identity, {"id": iri}), definition)
            seen[iri] = said
        if not seen:
            return
        while news:
            news = self._merge(institution, news)
        if sum(map(len, list(self._known.values()))) > CACHE_SIZE:
            self._known.clear()
        self._known.setdefault(institution, {}).update(seen)

    def _merge(
        self, institution: UUID, news: dict[UUID, dict[str, Any]]
    ) -> dict[UUID, dict[str, Any]]:
        """Adds what is new; returns what another writer changed meanwhile, to be merged again."""
        held = self._read(institution, list(news))
        rows = []
        for identity in sorted(news):
            sealed, content = held.get(identity, (None, {"id": news[identity]["id"]}))
            merged = _merged(content, news[identity].get("definition"))
            if sealed is None or merged != content:
                fresh = self._mapper.seal_content(institution, identity, merged)
                rows.append((identity, fresh, sealed))
        written = self._write(institution, rows) if rows else set()
        return {row[0]: news[row[0]] for row in rows if row[0] not in written}

    def describe(self, institution: UUID, ids: Iterable[UUID]) -> dict[UUID, Described]:
        """Returns what is known of these activities; unknown ids are left out."""
        return {
            identity: Described(content["id"], content.get("definition") or {})
            for identity, (_, content) in self._read(institution, list(ids)).items()
        }

    def _read(self, institution: UUID, ids: list[UUID]) -> dict[UUID, tuple[bytes, dict[str, Any]]]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT activity, sealed FROM lrs.activities"
                " WHERE institution = %s AND activity = ANY(%s)",
                [institution, ids],
                binary=True,
            ).fetchall()
        opened = (
            (identity, sealed, self._mapper.open_content(institution, identity, sealed))
            for identity, sealed in rows
        )
        return {
            identity: (sealed, content)
            for identity, sealed, content in opened
            if content is not None
        }

    def _write(self, institution: UUID, rows: list[tuple[UUID, bytes, bytes | None]]) -> set[UUID]:
        """Writes rows that still are as they were read; returns their ids."""
        with self._pool.connection() as connection:
            written = connection.execute(
                "INSERT INTO lrs.activities AS held (institution, activity, sealed)"
                " SELECT %s, a.activity, a.sealed FROM unnest(%s::uuid[], %s::bytea[])"
                "  AS a (activity, sealed) ORDER BY a.activity"
                " ON CONFLICT (institution, activity) DO UPDATE SET sealed = excluded.sealed"
                " WHERE held.sealed = (SELECT r.sealed FROM unnest(%s::uuid[], %s::bytea[])"
                "  AS r (activity, sealed) WHERE r.activity = held.activity)"
                " RETURNING activity",
                [
                    institution,
                    [row[0] for row in rows],
                    [row[1] for row in rows],
                    [row[0] for row in rows],
                    [row[2] for row in rows],
                ],
            ).fetchall()
        return {identity for (identity,) in written}


def _merged(activity: dict[str, Any], definition: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the activity with what `definition` adds: language maps grow, others change."""
    if not definition:
        return activity
    old: dict[str, Any] = activity.get("definition") or {}
    merged = {**old, **definition}
    for part in ("name", "description", "extensions"):
        if part in old and part in definition:
            merged[part] = {**old[part], **definition[part]}
    return {**activity, "definition": merged}
