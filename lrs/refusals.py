"""What of a refused request is kept, and how: each statement sealed by itself, or not at all.

Beside each stand keyed hashes of every identifier in it, by which erasure finds and deletes it; one
that names somebody who was erased is not kept, nor what cannot be read. What is done with it
afterwards is `lrs.quarantine`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any
from uuid import UUID, uuid5

import orjson
from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.credentials import Credential
from domain.errors import Error, Invalid
from domain.quarantine import Fault, Item, Reason, faults, identifiers, reason, statement_id
from domain.statements.tolerance import check
from domain.values.version import Version
from lrs.ids import uuid7
from lrs.keys.blind_index import BlindIndex
from lrs.mapper import SealingMapper

Json = dict[str, Any]

IDENTIFIERS_LOCK = 7011
"""Held exclusively while identifiers are forgotten; shared by whoever must not miss one."""

PATIENCE_SECONDS = 0.25
"""Longest wait for a connection: a refusal is answered without being kept rather than late."""

MOST_IDENTIFIERS = 1000
"""In a statement that is kept with its content; no learning tool sends so many."""


@dataclass(frozen=True)
class Kept:
    """What is to be kept of one statement of a request."""

    number: int
    fault: Fault | None
    id: str | None
    statement: Json | None
    fences: frozenset[bytes]

    def without_content(self) -> "Kept":
        """Returns it without what a person who was erased may not leave behind."""
        fault = self.fault
        if fault is not None and fault.rule != Reason.ERASED:
            fault = fault.bare()
        return Kept(self.number, fault, self.id, None, frozenset())

    def content(self) -> Json:
        fault = None if self.fault is None else asdict(self.fault)
        return {"fault": fault, "id": self.id, "statement": self.statement}


class Refusals:
    """Keeps what is refused, of every institution."""

    def __init__(
        self,
        pool: ConnectionPool[Any],
        blind: BlindIndex,
        mapper: SealingMapper,
        *,
        max_bytes: int,
        max_items: int,
        max_batch: int,
    ) -> None:
        self._pool = pool
        self._blind = blind
        self._mapper = mapper
        self._max_bytes = max_bytes
        self._max_items = max_items
        self._max_batch = max_batch

    def keep(
        self, credential: Credential, content: object, refusal: Error, version: Version
    ) -> UUID | None:
        """Returns the item under which a refused request is kept, which came before or is new.

        `content` is a statement, a list of them, or None where it could not be read. Returns None
        for a refusal that says nothing of what was sent.
        """
        why = reason(refusal)
        if why is None:
            return None
        several = content if isinstance(content, list) else [content] * isinstance(content, dict)
        found = [
            fault.cut() for fault in self._faults(credential, content, several, refusal, version)
        ]
        told = [asdict(fault) for fault in found if fault.number is None]
        rows = self._rows(credential.institution, several, found)
        now = datetime.now(UTC)
        item = Item(uuid7(), credential.key, why, found[0].rule, version, len(several), now, now)
        # Sealed before the transaction: it may have to fetch the key.
        sealed = self._mapper.seal_content(credential.institution, item.id, told)
        with (
            self._pool.connection(timeout=PATIENCE_SECONDS) as connection,
            connection.transaction(),
        ):
            rows = _without_erased(connection, credential.institution, rows)
            digest = self._digest(credential.institution, item, told, rows)
            kept = _insert(connection, credential.institution, item, digest, sealed)
            if kept == item.id:
                self._insert_statements(connection, credential.institution, item.id, rows)
                _evict(connection, credential.key, self._max_items)
        return kept

    def _faults(
        self,
        credential: Credential,
        content: object,
        several: Sequence[Any],
        refusal: Error,
        version: Version,
    ) -> list[Fault]:
        """Returns what was told to be wrong first, then what is with other statements as well."""
        found = faults(refusal, content)
        first = found[0].number
        if not isinstance(refusal, Invalid) or first is None:
            return found
        for number, statement in enumerate(several[: self._max_batch]):
            try:
                if number != first:
                    check(statement, version, credential.tolerance)
            except Invalid as other:
                found += (replace(each, number=number) for each in faults(other, {}))
        return found

    def _rows(
        self, institution: UUID, several: Sequence[Any], found: Iterable[Fault]
    ) -> list[Kept]:
        """Returns the statements to keep: faulty ones first, then others while there is room."""
        by_number = {fault.number: fault for fault in found if fault.number is not None}
        others = (n for n in range(min(len(several), self._max_batch)) if n not in by_number)
        room = self._max_bytes
        rows: list[Kept] = []
        for number in islice(chain(by_number, others), self._max_batch):
            statement, fault = several[number], by_number.get(number)
            size = len(orjson.dumps(statement))
            # What is no object has no agents by which erasure could find it.
            fits = isinstance(statement, dict) and size <= room
            if fits or fault is not None:
                room -= size if fits else 0
                rows.append(self._row(institution, number, statement, fault, keep=fits))
        return rows

    def _row(
        self, institution: UUID, number: int, statement: Any, fault: Fault | None, *, keep: bool
    ) -> Kept:
        held = identifiers(statement)
        row = Kept(
            number,
            fault,
            None if fault is None else statement_id(statement),
            statement if keep else None,
            frozenset(self._blind.fence(institution, ifi) for ifi in held),
        )
        erased = fault is not None and fault.rule == Reason.ERASED
        return row.without_content() if erased or len(held) > MOST_IDENTIFIERS else row

    def _digest(
        self, institution: UUID, item: Item, told: list[Json], rows: Iterable[Kept]
    ) -> bytes:
        """Returns the same for a request that comes again, of what is kept of it alone."""
        kept = [[row.number, row.content()] for row in rows]
        content = [item.reason, item.statements, item.xapi_version, told, kept]
        return self._blind.digest(institution, orjson.dumps(content, option=orjson.OPT_SORT_KEYS))

    def _insert_statements(
        self, connection: Connection[Any], institution: UUID, item: UUID, rows: list[Kept]
    ) -> None:
        connection.execute(
            "INSERT INTO lrs.quarantined_statements (item, number, sealed)"
            " SELECT %s, * FROM unnest(%s::int[], %s::bytea[])",
            [
                item,
                [row.number for row in rows],
                [
                    self._mapper.seal_content(institution, place(item, row.number), row.content())
                    for row in rows
                ],
            ],
        )
        connection.execute(
            "INSERT INTO lrs.quarantined_people (item, number, fence)"
            " SELECT %s, * FROM unnest(%s::int[], %s::bytea[])",
            [
                item,
                [row.number for row in rows for _ in row.fences],
                [fence for row in rows for fence in row.fences],
            ],
        )


def place(item: UUID, number: int) -> UUID:
    """Returns the name of one statement of an item."""
    return uuid5(item, str(number))


def _without_erased(connection: Connection[Any], institution: UUID, rows: list[Kept]) -> list[Kept]:
    """Returns what may be kept, now that no identifier can be forgotten until the commit."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [IDENTIFIERS_LOCK])
    fences = {fence for row in rows for fence in row.fences}
    found = connection.execute(
        "SELECT fence FROM lrs.erased_identifiers WHERE institution = %s AND fence = ANY(%s)",
        [institution, list(fences)],
    ).fetchall()
    erased = {bytes(fence) for (fence,) in found}
    left = [row if erased.isdisjoint(row.fences) else row.without_content() for row in rows]
    return [row for row in left if row.fault is not None or row.statement is not None]


def _insert(
    connection: Connection[Any], institution: UUID, item: Item, digest: bytes, sealed: bytes
) -> UUID:
    """Returns the id of the item: another, where the same request is there already."""
    row = connection.execute(
        "INSERT INTO lrs.quarantine AS q (item, institution, credential, reason, rule,"
        " xapi_version, statements, received_at, last_at, digest, sealed)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (credential, digest) DO UPDATE"
        " SET times = q.times + 1, last_at = excluded.last_at RETURNING item",
        [
            item.id,
            institution,
            item.credential,
            item.reason,
            item.rule,
            item.xapi_version,
            item.statements,
            item.received_at,
            item.last_at,
            digest,
            sealed,
        ],
    ).fetchone()
    assert row is not None
    kept: UUID = row[0]
    return kept


def _evict(connection: Connection[Any], credential: str, most: int) -> None:
    """Deletes the oldest items of a credential beyond `most`."""
    connection.execute(
        "DELETE FROM lrs.quarantine WHERE item IN (SELECT item FROM lrs.quarantine"
        " WHERE credential = %(credential)s AND item <= (SELECT item FROM lrs.quarantine"
        "  WHERE credential = %(credential)s ORDER BY item DESC OFFSET %(most)s LIMIT 1)"
        " FOR UPDATE SKIP LOCKED)",
        {"credential": credential, "most": most},
    )
