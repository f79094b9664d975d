"""The log of an institution: its events, as they are, to the end of another log; then compared.

States are bound to institution, stream and version, not to a position, so they stay as they are;
so does `recorded_at`, which is `stored`. Only positions are new, in the same order.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from domain.credentials import (
    CredentialIssued,
    CredentialRevoked,
    CredentialRotated,
    CredentialToleranceSet,
)
from domain.errors import Error
from domain.statements.events import StatementStored
from lrs.moves.sides import LOG_LOCK, Connection, Side, columns, number, pour

WINDOW = 2000
"""Positions of the source that are copied in one transaction."""

CHUNK = 2000
"""Events that are compared at once."""

OF_DIRECTORY = [
    kind.TOPIC
    for kind in (
        CredentialIssued,
        CredentialRevoked,
        CredentialRotated,
        CredentialToleranceSet,
    )
]
"""Events that stay in the directory's log, as what they tell of does."""

ITS_OWN = (
    "substring(e.state FROM 2 FOR 16) = uuid_send(%(institution)s)"
    " AND e.topic <> ALL(%(directory)s)"
)
DIGEST = (
    "SELECT count(*), count(*) FILTER (WHERE topic = %s),"
    " sha256(coalesce(string_agg(sha256(convert_to(concat_ws('|', originator_id,"
    "  originator_version, topic, extract(epoch FROM recorded_at)), 'UTF8') || state),"
    "  ''::bytea ORDER BY notification_id), ''))"
    " FROM lrs.stored_events WHERE notification_id = ANY(%s)"
)

Tell = Callable[[int, int], None]
"""Is told how much is done, of how much."""


class NotEqual(Error):
    """What was copied differs from what it was copied from. Nothing was flipped; see the log."""


@dataclass
class Compared:
    """What was found equal so far: events, statements among them, a digest over all in order."""

    through: int = 0
    events: int = 0
    statements: int = 0
    digest: bytes = b""


@dataclass(frozen=True)
class LogCopy:
    """The log of one institution on its way; `epoch` is that of the placement to be."""

    source: Side
    target: Side
    institution: UUID
    epoch: int

    def head(self) -> int:
        """Returns the last position of the source, after every write under way has ended."""
        with self.source.log.transaction():
            self.source.log.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK])
            return number(self.source.log, "SELECT max(notification_id) FROM lrs.stored_events")

    def copy(
        self, after: int, through: int, tell: Tell, most: int = sys.maxsize
    ) -> tuple[int, int]:
        """Copies what stands after one position of the source through another, or until it has
        copied `most` events; returns how many it has copied, and up to which position.

        Index rows come with their statements, so that whoever follows the target finds them.
        """
        prepare(self.target.log)
        copied = 0
        while after < through and copied < most:
            until = min(after + WINDOW, through)
            copied += self._copy_window(after, until)
            after = until
            tell(after, through)
        return copied, after

    def reached(self) -> int:
        """Returns the position of the last event that is there already; 0 for none."""
        query = "SELECT max(came_from) FROM lrs.arrivals WHERE institution = %s AND epoch = %s"
        return number(self.target.log, query, [self.institution, self.epoch])

    def compare(self, compared: Compared, through: int, tell: Tell) -> None:
        """Compares the events from where `compared` ends. Raises `NotEqual`."""
        own = {"institution": self.institution, "directory": OF_DIRECTORY}
        query = (
            f"SELECT count(*) FROM lrs.stored_events e WHERE {ITS_OWN}"
            f" AND e.notification_id > {compared.through:d} AND e.notification_id <= {through:d}"
        )
        row = self.source.log.execute(query.encode(), own).fetchone()
        assert row is not None
        expected, before = row[0], compared.events
        for came_from, here in self.chunks(compared.through):
            if came_from[-1] > through:
                raise NotEqual("there is more at the target than was copied")
            there = digest(self.source.log, came_from)
            if digest(self.target.log, here) != there:
                raise NotEqual(f"events after position {came_from[0] - 1} differ")
            add(compared, there)
            tell(compared.events - before, expected)
        if compared.events - before != expected:
            raise NotEqual(f"{expected} events stood there, {compared.events - before} came")
        compared.through = through

    def chunks(self, after: int = 0) -> Iterator[tuple[list[int], list[int]]]:
        """Yields positions at the source and, beside them, at the target, in order."""
        while True:
            rows = self.target.log.execute(
                "SELECT came_from, position FROM lrs.arrivals WHERE institution = %s"
                " AND epoch = %s AND came_from > %s ORDER BY came_from LIMIT %s",
                [self.institution, self.epoch, after, CHUNK],
            ).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            yield [row[0] for row in rows], [row[1] for row in rows]

    def _copy_window(self, after: int, until: int) -> int:
        source, target = self.source.log, self.target.log
        own = {"institution": self.institution, "directory": OF_DIRECTORY}
        window = (
            f"FROM lrs.stored_events e WHERE e.notification_id > {after:d}"
            f" AND e.notification_id <= {until:d} AND {ITS_OWN}"
        )
        events = (
            "SELECT e.originator_id, e.originator_version, e.topic, e.state, e.recorded_at,"
            f" e.notification_id {window}"
        )
        with target.transaction():
            # Shared from before its positions are drawn until its commit, as every writer.
            target.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOG_LOCK])
            pour(source, events, own, target, "incoming_events")
            target.execute("ANALYZE incoming_events")
            target.execute(
                "INSERT INTO lrs.stored_events (originator_id, originator_version, topic, state,"
                " recorded_at, notification_id)"
                " SELECT e.*, nextval('lrs.notification_ids') FROM (SELECT originator_id,"
                "  originator_version, topic, state, recorded_at FROM incoming_events"
                "  ORDER BY came_from) AS e"
                # One that comes back finds what it left: there already, in the same order.
                " ON CONFLICT (originator_id, originator_version) DO NOTHING"
            )
            copied = target.execute(
                "INSERT INTO lrs.arrivals (institution, came_from, position, epoch)"
                " SELECT %s, e.came_from, s.notification_id, %s FROM incoming_events e"
                " JOIN lrs.stored_events s USING (originator_id, originator_version)"
                " ON CONFLICT (institution, came_from) DO NOTHING",
                [self.institution, self.epoch],
            ).rowcount
            found = f"IN (SELECT e.notification_id {window})"
            copy_index(source, found, own, target, self.institution)
        return copied


def prepare(target: Connection) -> None:
    """Makes the tables of this session that take what comes in."""
    target.execute(
        "CREATE TEMP TABLE IF NOT EXISTS incoming_events (originator_id uuid,"
        " originator_version bigint, topic text, state bytea, recorded_at timestamptz,"
        " came_from bigint) ON COMMIT DELETE ROWS"
    )
    for name in ("statement_index", "statement_refs"):
        target.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS incoming_{name} (LIKE lrs.{name})"
            " ON COMMIT DELETE ROWS".encode()
        )


def copy_index(
    source: Connection, found: str, parameters: object, target: Connection, institution: UUID
) -> None:
    """Copies the index rows, postings and references of the positions that are `found`."""
    for name in ("statement_index", "statement_refs"):
        query = f"SELECT i.* FROM lrs.{name} i WHERE i.position {found}"
        pour(source, query, parameters, target, f"incoming_{name}")
        target.execute(f"ANALYZE incoming_{name}".encode())
        names = [c for c in columns(target, f"lrs.{name}") if c != "position"]
        target.execute(
            f"INSERT INTO lrs.{name} (position, {', '.join(names)})"
            f" SELECT a.position, {', '.join(f'i.{c}' for c in names)} FROM incoming_{name} i"
            " JOIN lrs.arrivals a ON a.institution = %s AND a.came_from = i.position"
            " ON CONFLICT DO NOTHING".encode(),
            [institution],
        )
    target.execute(
        "INSERT INTO lrs.postings (term, position) SELECT t.term, a.position"
        " FROM incoming_statement_index i"
        " JOIN lrs.arrivals a ON a.institution = %s AND a.came_from = i.position,"
        " unnest(i.terms) AS t (term) ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        [institution],
    )


def digest(connection: Connection, positions: list[int]) -> tuple[int, int, bytes]:
    """Returns how many events stand there, how many are statements, and a digest in order."""
    row = connection.execute(DIGEST.encode(), [StatementStored.TOPIC, positions]).fetchone()
    assert row is not None
    return row[0], row[1], bytes(row[2])


def add(compared: Compared, found: tuple[int, int, bytes]) -> None:
    """Adds a chunk to what was compared."""
    compared.events += found[0]
    compared.statements += found[1]
    compared.digest = sha256(compared.digest + found[2]).digest()
