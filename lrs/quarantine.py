"""Quarantine: what was refused, so that whoever sent it can see, replay or drop it, for a while.

Plain rows, for they must be droppable. What is kept of a refused request is `lrs.refusals`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.credentials import Credential
from domain.errors import Conflict, Forbidden, NotFound
from domain.quarantine import Fault, Item, Reason
from domain.roles import Action
from domain.values.version import Version
from lrs.mapper import SealingMapper
from lrs.placements import HERE
from lrs.refusals import place
from lrs.statements import Accepted, Statements

Json = dict[str, Any]

PAGE = 500
COLUMNS = (
    "item, credential, reason, rule, xapi_version, statements, received_at, last_at, times, sealed"
)


@dataclass(frozen=True)
class Held:
    """An item with what was wrong, the ids of its faulty statements, and what was kept of it."""

    item: Item
    faults: list[Fault]
    ids: Mapping[int, str]
    kept: Mapping[int, Json]


class Quarantine:
    """What was refused, of every institution."""

    def __init__(
        self, pool: ConnectionPool[Any], mapper: SealingMapper, statements: Statements
    ) -> None:
        self._pool = pool
        self._mapper = mapper
        self._statements = statements

    def page(
        self,
        institution: UUID,
        *,
        credential: str | None = None,
        why: Reason | None = None,
        since: datetime | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Item]:
        """Returns up to `limit` items, newest first, of those that came again since `since`."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM lrs.quarantine WHERE institution = %s"
                " AND (%s::text IS NULL OR credential = %s) AND (%s::text IS NULL OR reason = %s)"
                " AND (%s::timestamptz IS NULL OR last_at >= %s)"
                " AND (%s::uuid IS NULL OR item < %s) ORDER BY item DESC LIMIT %s".encode(),
                [institution, *(x for x in (credential, why, since, before) for _ in "12"), limit],
            ).fetchall()
        return [_item(row) for row in rows]

    def get(self, institution: UUID, item: UUID, credential: str | None = None) -> Held:
        """Returns an item with its content. Raises `NotFound`, for another's `credential` too."""
        with self._pool.connection() as connection:
            row = connection.execute(
                f"SELECT {COLUMNS} FROM lrs.quarantine WHERE institution = %s AND item = %s"
                " AND (%s::text IS NULL OR credential = %s)".encode(),
                [institution, item, credential, credential],
            ).fetchone()
            statements = connection.execute(
                "SELECT number, sealed FROM lrs.quarantined_statements WHERE item = %s"
                " ORDER BY number",
                [item],
            ).fetchall()
        if row is None:
            raise NotFound("there is no such item in quarantine")
        found = [Fault(**told) for told in self._open(institution, item, row[-1])]
        ids, kept = {}, {}
        for number, sealed in statements:
            held = self._open(institution, place(item, number), sealed)
            if held["fault"] is not None:
                found.append(Fault(**held["fault"]))
            if held["id"] is not None:
                ids[number] = held["id"]
            if held["statement"] is not None:
                kept[number] = held["statement"]
        return Held(_item(row), found, ids, kept)

    def replay(
        self, credential: Credential, item: UUID, statements: Sequence[Any] | None = None
    ) -> Accepted:
        """Records what was refused, or `statements` in place of it, and drops the item.

        `credential` is the one it came by. Raises as `Statements.accept`, and the item stays;
        `Conflict` where not all of it was kept, `Forbidden` where it may not write. Statements
        without an id get one that is the same at each attempt, so that none is recorded twice.
        """
        held = self.get(credential.institution, item, credential.key)
        if not credential.may(Action.WRITE_STATEMENTS):
            raise Forbidden("the credential that this came by may not write statements")
        if statements is None:
            count = held.item.statements
            if not count or any(number not in held.kept for number in range(count)):
                raise Conflict("not everything of this request was kept: give its statements")
            statements = [held.kept[number] for number in range(count)]
        named = [
            {"id": str(place(item, number)), **statement}
            if isinstance(statement, dict)
            else statement
            for number, statement in enumerate(statements)
        ]
        accepted = self._statements.accept(credential, named, held.item.xapi_version)
        self._delete("item = %s", [item])
        return accepted

    def drop(self, institution: UUID, item: UUID, credential: str | None = None) -> None:
        """Deletes an item. Raises `NotFound`, for another's `credential` too."""
        self.get(institution, item, credential)
        self._delete("item = %s", [item])

    def expire(self, days: int) -> int:
        """Deletes what came first more than `days` ago; returns how many items."""
        oldest = datetime.now(UTC) - timedelta(days=days)
        query = (
            "item IN (SELECT item FROM lrs.quarantine q WHERE received_at < %s"
            f" AND {HERE.format('q')} ORDER BY received_at LIMIT %s)"
        )
        expired = 0
        while gone := self._delete(query, [oldest, PAGE]):
            expired += gone
        return expired

    def _open(self, institution: UUID, subject: UUID, sealed: bytes) -> Any:
        return self._mapper.open_content(institution, subject, sealed)

    def _delete(self, which: str, params: list[Any]) -> int:
        with self._pool.connection() as connection:
            query = f"DELETE FROM lrs.quarantine WHERE {which}"
            deleted: int = connection.execute(query.encode(), params).rowcount
        return deleted


class QuarantinePurger:
    """A `domain.erasure.Purger` of refused statements.

    It takes those that hold an identifier of the person, and any that hold one that was forgotten:
    the way from a person to their identifiers is gone by then.
    """

    name = "quarantine"

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def count(self, institution: UUID, pseudonym: UUID) -> int:
        """Returns how many refused statements there are."""
        with self._pool.connection() as connection:
            row = connection.execute(
                f"SELECT count(*) FROM ({_NAMING}) AS named".encode(),
                [institution, pseudonym, institution],
            ).fetchone()
        assert row is not None
        return int(row[0])

    def purge(self, institution: UUID, pseudonym: UUID) -> int:
        """Deletes them, and requests of which nothing is left; returns how many statements."""
        query = (
            f"WITH named AS ({_NAMING}), gone AS (DELETE FROM lrs.quarantined_statements s"
            " USING named n WHERE s.item = n.item AND s.number = n.number RETURNING s.item)"
            " SELECT item FROM gone"
        )
        with self._pool.connection() as connection, connection.transaction():
            rows = connection.execute(
                query.encode(), [institution, pseudonym, institution]
            ).fetchall()
            items = list({item for (item,) in rows})
            connection.execute(
                "DELETE FROM lrs.quarantine q WHERE item = ANY(%s) AND NOT EXISTS"
                " (SELECT FROM lrs.quarantined_statements s WHERE s.item = q.item)",
                [items],
            )
            connection.execute(
                "UPDATE lrs.quarantine SET digest = NULL WHERE item = ANY(%s)", [items]
            )
        return len(rows)


_NAMING = (
    "SELECT q.item, q.number FROM lrs.people p JOIN lrs.quarantined_people q USING (fence)"
    " WHERE p.institution = %s AND p.pseudonym = %s"
    " UNION SELECT q.item, q.number FROM lrs.erased_identifiers e"
    " JOIN lrs.quarantined_people q USING (fence) WHERE e.institution = %s"
)


def _item(row: tuple[Any, ...]) -> Item:
    identity, credential, why, rule, version, *rest = row[:-1]
    return Item(identity, credential, Reason(why), rule, Version(version), *rest)
