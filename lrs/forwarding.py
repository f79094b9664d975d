"""Forwardings: start, stop, list; and what their forwarders keep: how far, what was refused.

The log has the events; the table beside it is what is read. Sending is in `lrs.forwarder`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg_pool import ConnectionPool

from domain.errors import Conflict, Invalid, NotFound
from domain.forwarding import ForwardingStarted, ForwardingStopped, Selection, endpoint
from domain.statements.events import StatementStored
from lrs.ids import uuid7
from lrs.outgoing import Outgoing, Unreachable
from lrs.placements import HERE
from lrs.store import RecordStore

MOST = 20
"""Forwardings of an institution at a time: each takes a thread and a connection."""

COLUMNS = (
    "f.forwarding, f.institution, f.sealed, f.position, f.started_at, f.stopped_at, f.sent,"
    " f.sent_at, f.failures, f.failing_since, f.failure,"
    " (SELECT count(*) FROM lrs.forwarding_refusals r WHERE r.forwarding = f.forwarding)"
)


@dataclass(frozen=True)
class Target:
    """Where to, as whom, and what."""

    url: str
    key: str
    secret: str = field(repr=False)
    selection: Selection


@dataclass(frozen=True)
class Forwarding:
    """A forwarding as it stands. `position` is done with; `failure` says why it does not go on."""

    id: UUID
    institution: UUID
    target: Target
    position: int
    started_at: datetime
    stopped_at: datetime | None
    sent: int
    sent_at: datetime | None
    failures: int
    failing_since: datetime | None
    failure: str | None
    refused: int


@dataclass(frozen=True)
class Refusal:
    """A statement that the receiver refuses; its id is None once it was erased here."""

    position: int
    status: int
    refused_at: datetime
    statement: UUID | None


class Forwardings:
    """The forwardings of every institution. Thread-safe; one for each process."""

    def __init__(
        self, store: RecordStore, pool: ConnectionPool[Any], *, private_addresses: bool
    ) -> None:
        self._store = store
        self._pool = pool
        self._private = private_addresses

    def start(self, institution: UUID, target: Target, *, from_start: bool = False) -> Forwarding:
        """Returns the new forwarding: of all that will come, and from the start of what came.

        Raises `Invalid` for a URL that is none or leads where it may not, `Conflict` for too many.
        """
        target = Target(endpoint(target.url), target.key, target.secret, target.selection)
        try:
            Outgoing(target.url, private=self._private).close()
        except Unreachable as error:
            raise Invalid("url", "unreachable", f"it leads nowhere: {error.kind}") from None
        if sum(each.institution == institution for each in self.active()) >= MOST:
            raise Conflict(f"there are {MOST} forwardings already: stop one first")
        event = ForwardingStarted(
            originator_id=uuid7(),
            originator_version=1,
            institution=institution,
            at=datetime.now(UTC),
            url=target.url,
            key=target.key,
            secret=target.secret,
            selection=target.selection,
            position=0 if from_start else self._store.head(),
        )
        sealed = self._store.mapper.seal_content(
            institution,
            event.originator_id,
            event.model_dump(mode="json", include={"url", "key", "secret", "selection"}),
        )

        def row(connection: Connection[Any]) -> None:
            connection.execute(
                "INSERT INTO lrs.forwardings"
                " (forwarding, institution, sealed, started_at, position)"
                " VALUES (%s, %s, %s, %s, %s)",
                [event.originator_id, institution, sealed, event.at, event.position],
            )

        self._store.append(event, beside=row)
        return self.get(institution, event.originator_id)

    def stop(self, institution: UUID, forwarding: UUID) -> None:
        """Ends it, after the request under way; again is no error. Raises `NotFound`."""
        if self.get(institution, forwarding).stopped_at is not None:
            return
        event = ForwardingStopped(
            originator_id=forwarding,
            originator_version=2,
            institution=institution,
            at=datetime.now(UTC),
        )

        def mark(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE lrs.forwardings SET stopped_at = %s WHERE forwarding = %s",
                [event.at, forwarding],
            )

        self._store.append(event, beside=mark)

    def get(self, institution: UUID, forwarding: UUID) -> Forwarding:
        """Returns it; raises `NotFound`."""
        found = self._select("f.forwarding = %s AND f.institution = %s", [forwarding, institution])
        if not found:
            raise NotFound("there is no such forwarding")
        return found[0]

    def page(
        self, institution: UUID, after: UUID | None = None, limit: int = 50
    ) -> list[Forwarding]:
        """Returns up to `limit` forwardings, oldest first, stopped ones included."""
        return self._select(
            "f.institution = %s AND (%s::uuid IS NULL OR f.forwarding > %s)",
            [institution, after, after],
            limit,
        )

    def active(self) -> list[Forwarding]:
        """Returns those of every institution that lives on this shard that are not stopped."""
        return self._select(f"f.stopped_at IS NULL AND {HERE.format('f')}", [])

    def refusals(
        self, institution: UUID, forwarding: UUID, after: int = 0, limit: int = 50
    ) -> list[Refusal]:
        """Returns up to `limit` refusals after a position, in log order. Raises `NotFound`."""
        self.get(institution, forwarding)
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT position, status, refused_at FROM lrs.forwarding_refusals"
                " WHERE forwarding = %s AND position > %s ORDER BY position LIMIT %s",
                [forwarding, after, limit],
            ).fetchall()
        statements = {
            recorded.position: UUID(recorded.event.statement["id"])
            for recorded in self._store.at([row[0] for row in rows])
            if isinstance(recorded.event, StatementStored)
        }
        return [
            Refusal(position, status, refused_at, statements.get(position))
            for position, status, refused_at in rows
        ]

    def _select(self, where: str, params: list[Any], limit: int | None = None) -> list[Forwarding]:
        query = f"SELECT {COLUMNS} FROM lrs.forwardings f WHERE {where} ORDER BY 1 LIMIT %s"
        with self._pool.connection() as connection:
            rows = connection.execute(sql.SQL(query), [*params, limit]).fetchall()
        return [
            Forwarding(forwarding, institution, target, *rest)
            for forwarding, institution, sealed, *rest in rows
            if (target := self._target(institution, forwarding, sealed)) is not None
        ]

    def _target(self, institution: UUID, forwarding: UUID, sealed: bytes) -> Target | None:
        opened = self._store.mapper.open_content(institution, forwarding, sealed)
        if opened is None:
            return None
        selection = Selection.model_validate(opened["selection"])
        return Target(opened["url"], opened["key"], opened["secret"], selection)
