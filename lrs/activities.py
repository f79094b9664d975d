"""The catalogue of activities: what an opaque activity id stands for, sealed at rest."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
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
        self._known: dict[UUID, bytes] = {}

    def identify(self, institution: UUID, iri: str) -> UUID:
        """Returns the opaque id of an activity of this institution."""
        return self._blind.term(institution, KIND, iri)

    def remember(self, institution: UUID, activities: Iterable[dict[str, Any]]) -> None:
        """Records activities that are new, or say more than what was known of them.

        Rows go in in order of id, outside the statements' transaction, so that writers that share
        activities never wait for each other in a circle.
        """
        news: dict[UUID, dict[str, Any]] = {}
        for activity in activities:
            definition = activity.get("definition")
            known = self._known.get(self.identify(institution, activity["id"]))
            if known is not None and (not definition or known == _digest(definition)):
                continue
            identity = self.identify(institution, activity["id"])
            news[identity] = _merged(news.get(identity, {"id": activity["id"]}), definition)
        if not news:
            return
        rows = []
        described = self._read(institution, list(news))
        for identity in sorted(news):
            held = described.get(identity)
            merged = _merged(held or {"id": news[identity]["id"]}, news[identity].get("definition"))
            if merged != held:
                rows.append((identity, self._mapper.seal_content(institution, identity, merged)))
        if rows:
            self._write(institution, rows)
        if len(self._known) > CACHE_SIZE:
            self._known.clear()
        for identity, activity in news.items():
            self._known[identity] = _digest(activity.get("definition"))

    def describe(self, institution: UUID, ids: Iterable[UUID]) -> dict[UUID, Described]:
        """Returns what is known of these activities; unknown ids are left out."""
        return {
            identity: Described(content["id"], content.get("definition") or {})
            for identity, content in self._read(institution, list(ids)).items()
        }

    def _read(self, institution: UUID, ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT activity, sealed FROM lrs.activities"
                " WHERE institution = %s AND activity = ANY(%s)",
                [institution, ids],
                binary=True,
            ).fetchall()
        opened = (
            (identity, self._mapper.open_content(institution, identity, sealed))
            for identity, sealed in rows
        )
        return {identity: content for identity, content in opened if content is not None}

    def _write(self, institution: UUID, rows: list[tuple[UUID, bytes]]) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO lrs.activities (institution, activity, sealed)"
                " SELECT %s, a.activity, a.sealed FROM unnest(%s::uuid[], %s::bytea[])"
                "  AS a (activity, sealed) ORDER BY a.activity"
                " ON CONFLICT (institution, activity) DO UPDATE SET sealed = excluded.sealed",
                [institution, [row[0] for row in rows], [row[1] for row in rows]],
            )


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


def _digest(definition: dict[str, Any] | None) -> bytes:
    return blake2b(orjson.dumps(definition or {}, option=orjson.OPT_SORT_KEYS)).digest()
