"""Tables beside the log: made the same on both sides, range by range, where digests differ.

One way for the first copy, for catching up and for comparing: whatever changed at the source since
the last time, deleted rows too, is changed at the target. Which tables move stands in `TABLES`;
`STAYING` says why the others do not, and a test holds both against the catalogue.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.placements import directory_id
from lrs.moves.sides import Connection, columns, pour

ROWS = 5000
"""Rows that are compared at once."""

Tell = Callable[[str, int], None]
"""Is told the table, and how many of its ranges had to be copied."""


@dataclass(frozen=True)
class Table:
    """A table, its key, which of its rows belong to an institution, and what is compared of them.

    `position` is a column with a position of the log, which is another at the target. Rows of a
    table that `keeps` them can only be added; those of one that is `guarded` go and come, but are
    never changed.
    """

    name: str
    key: tuple[str, ...]
    where: str = "t.institution = %(institution)s"
    compared: str = "t::text"
    rows: int = ROWS
    position: str | None = None
    keeps: bool = False
    guarded: bool = False


# Rows of the first release do not name their institution.
_CONTENTS = (
    "(t.institution = %(institution)s OR t.content_id IN (SELECT d.content_id FROM lrs.documents d"
    " WHERE d.institution = %(institution)s UNION ALL SELECT a.content_id FROM lrs.attachments a"
    " WHERE a.institution = %(institution)s))"
)
_QUARANTINED = (
    "t.item IN (SELECT q.item FROM lrs.quarantine q WHERE q.institution = %(institution)s)"
)
_FORWARDED = (
    "t.forwarding IN (SELECT f.forwarding FROM lrs.forwardings f"
    " WHERE f.institution = %(institution)s)"
)

# What others refer to comes first.
TABLES = (
    Table("lrs.institutions", ("institution",)),
    Table("lrs.fences", ("pseudonym",), keeps=True),
    Table("lrs.erased_identifiers", ("institution", "fence"), keeps=True),
    Table("lrs.people", ("institution", "blind")),
    Table("lrs.activities", ("institution", "activity")),
    Table("lrs.documents", ("document",)),
    Table("lrs.attachments", ("attachment", "owner")),
    Table("lrs.contents", ("content_id", "number"), _CONTENTS, "md5(t.sealed)", 50),
    Table("lrs.erasures", ("erasure",)),
    Table("lrs.quarantine", ("item",)),
    Table("lrs.quarantined_statements", ("item", "number"), _QUARANTINED, rows=500),
    Table("lrs.quarantined_people", ("item", "number", "fence"), _QUARANTINED),
    Table("lrs.quotas", ("institution",)),
    Table("lrs.closures", ("closure",)),
    Table("lrs.forwardings", ("forwarding",), position="position"),
    Table("lrs.forwarding_refusals", ("forwarding", "position"), _FORWARDED, position="position"),
    # What operators gave the views; everything else there follows from the log.
    Table("views.outlines", ("institution", "course")),
    Table("views.outline_items", ("institution", "course", "activity")),
)
KEYS = (
    Table(
        "keystore.data_keys",
        ("key_id",),
        "t.institution = %(institution)s AND t.pseudonym <> %(directory)s",
        guarded=True,
    ),
    Table("keystore.fences", ("institution", "pseudonym"), keeps=True),
)
STAYING = {
    "lrs.credentials": "of the directory",
    "lrs.placements": "of the directory",
    "lrs.gates": "of the shard",
    "lrs.arrivals": "of the shard",
    "lrs.usage": "counted anew from the log that it moved to",
    "lrs.usage_totals": "counted with it",
    "lrs.usage_notes": "counted with it",
}


class Mirror:
    """Makes rows of an institution the same on both sides.

    What was found the same it looks at again only where rows of the source changed since.
    """

    def __init__(
        self, source: Connection, target: Connection, institution: UUID, tell: Tell
    ) -> None:
        self._source = source
        self._target = target
        self._of = _of(institution)
        self._tell = tell
        self._ranges: dict[str, list[Range]] = {}
        self._same: dict[Range, Any] = {}

    def run(self, tables: Iterable[Table]) -> int:
        """Returns how many ranges had to be copied."""
        return sum(self._run(table) for table in tables)

    def _run(self, table: Table) -> int:
        if table.position:
            copied = mirror_positions(self._source, self._target, table, self._of)
            if copied:
                self._tell(table.name, copied)
            return copied
        if table.name not in self._ranges:
            self._ranges[table.name] = list(ranges(self._source, table, self._of))
        copied = 0
        for part in self._ranges[table.name]:
            # Before it is compared: what changes meanwhile shows the next time.
            now = part.versions(self._source)
            if self._same.get(part) == now:
                continue
            if part.digest(self._source) != part.digest(self._target):
                _copy(self._source, self._target, part)
                copied += 1
                self._tell(table.name, copied)
            else:
                self._same[part] = now
        return copied


def delete(connection: Connection, table: Table, institution: UUID) -> int:
    """Deletes the rows of the institution; returns how many."""
    query = f"DELETE FROM {table.name} t WHERE {table.where}"
    return connection.execute(query.encode(), _of(institution)).rowcount


@dataclass(frozen=True)
class Range:
    """The rows of an institution with keys after the first through the last; None is open."""

    table: Table
    first: tuple[Any, ...] | None
    last: tuple[Any, ...] | None
    of: dict[str, Any] = field(compare=False)

    def where(self) -> tuple[str, dict[str, Any]]:
        """Returns the condition, and its parameters."""
        where, given = self.table.where, dict(self.of)
        key = _key(self.table)
        for sign, name, bound in ((">", "first", self.first), ("<=", "last", self.last)):
            if bound is not None:
                names = [f"{name}{number}" for number in range(len(bound))]
                where += f" AND ({key}) {sign} ({', '.join(f'%({n})s' for n in names)})"
                given |= dict(zip(names, bound, strict=True))
        return where, given

    def versions(self, connection: Connection) -> Any:
        """Returns what differs where any row was written since; costs less than a digest."""
        where, given = self.where()
        return connection.execute(
            "SELECT count(*), sum(hashtextextended(concat_ws('|', t.ctid, t.xmin), 0))"
            f" FROM {self.table.name} t WHERE {where}".encode(),
            given,
        ).fetchone()

    def digest(self, connection: Connection) -> Any:
        """Returns what differs where any row does."""
        where, given = self.where()
        key = _key(self.table)
        return connection.execute(
            f"SELECT count(*), md5(string_agg(md5(concat_ws('|', {key}, {self.table.compared})), ''"
            f" ORDER BY {key})) FROM {self.table.name} t WHERE {where}".encode(),
            given,
        ).fetchone()


def ranges(source: Connection, table: Table, of: dict[str, Any]) -> Iterator[Range]:
    """Yields ranges of about `rows` rows that have no gap between them."""
    key = ", ".join(table.key)
    bounds = source.execute(
        f"SELECT {key} FROM (SELECT {key}, row_number() OVER (ORDER BY {key}) AS nth"
        f" FROM {table.name} t WHERE {table.where}) AS k WHERE nth %% {table.rows} = 0"
        f" ORDER BY {key}".encode(),
        of,
    ).fetchall()
    first: tuple[Any, ...] | None = None
    for last in bounds:
        yield Range(table, first, last, of)
        first = last
    yield Range(table, first, None, of)


def _copy(source: Connection, target: Connection, part: Range) -> None:
    table = part.table
    names = columns(target, table.name)
    where, given = part.where()
    listed = ", ".join(names)
    same = " AND ".join(f"i.{name} = t.{name}" for name in table.key)
    if table.guarded:
        same += " AND i.* IS NOT DISTINCT FROM t.*"
    changed = ", ".join(f"{n} = excluded.{n}" for n in names if n not in table.key)
    update = f"UPDATE SET {changed}" if changed and not table.keeps else "NOTHING"
    with target.transaction():
        target.execute(f"CREATE TEMP TABLE incoming (LIKE {table.name}) ON COMMIT DROP".encode())
        query = f"SELECT {', '.join(f't.{name}' for name in names)} FROM {table.name} t"
        pour(source, f"{query} WHERE {where}", given, target, "incoming")
        if not table.keeps:
            target.execute(
                f"DELETE FROM {table.name} t WHERE {where}"
                f" AND NOT EXISTS (SELECT FROM incoming i WHERE {same})".encode(),
                given,
            )
        target.execute(
            f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM incoming"
            f" ON CONFLICT ({', '.join(table.key)}) DO {update}".encode()
        )


def _key(table: Table) -> str:
    return ", ".join(f"t.{name}" for name in table.key)


def _of(institution: UUID) -> dict[str, Any]:
    return {"institution": institution, "directory": directory_id(institution)}


def mirror_positions(
    source: Connection, target: Connection, table: Table, of: dict[str, Any]
) -> int:
    """Returns 1 where rows with positions had to be copied: few, so all of them, translated.

    A position is done with what stands up to it; so it becomes that of the last such event here.
    """
    names, key = columns(target, table.name), ", ".join(table.key)
    own = f"SELECT {', '.join(f't.{n}' for n in names)} FROM {table.name} t WHERE {table.where}"
    translated = (
        "coalesce((SELECT a.position FROM lrs.arrivals a WHERE a.institution = %(institution)s"
        f" AND a.came_from <= i.{table.position} ORDER BY a.came_from DESC LIMIT 1), 0)"
    )
    shown = ", ".join(translated if n == table.position else f"i.{n}" for n in names)
    with target.transaction():
        for name in ("incoming", "wanted"):
            target.execute(f"CREATE TEMP TABLE {name} (LIKE {table.name}) ON COMMIT DROP".encode())
        pour(source, own, of, target, "incoming")
        target.execute(f"INSERT INTO wanted SELECT {shown} FROM incoming i".encode(), of)
        differing = (
            f"(SELECT * FROM wanted EXCEPT {own}) UNION ALL ({own} EXCEPT SELECT * FROM wanted)"
        )
        if target.execute(differing.encode(), of).fetchone() is None:
            return 0
        target.execute(
            f"DELETE FROM {table.name} t WHERE {table.where}"
            f" AND ({key}) NOT IN (SELECT {key} FROM wanted)".encode(),
            of,
        )
        changed = ", ".join(f"{n} = excluded.{n}" for n in names if n not in table.key)
        target.execute(
            f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM wanted"
            f" ON CONFLICT ({key}) DO UPDATE SET {changed}".encode()
        )
    return 1
