"""Fills an empty store fast: real rows, that open and are found, without the way in.

Statements are the corpus again and again, each time of another cohort of learners. Several
processes seal them with the mapper, take their terms from `lrs.postings.terms_of`, and COPY log,
index and postings in order of position. What the way in would check is left out: the statements
are known to be valid and new. `stored` is spread evenly over the year before."""

import gc
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import chain
from multiprocessing import get_context
from random import Random
from typing import Any
from uuid import UUID

import orjson
import psycopg

from domain.credentials import Credential
from domain.people import Role, named
from domain.statements.equality import canonical
from domain.statements.events import PersonRef, StatementStored, originator_of
from domain.statements.references import ActivityRef, activities
from lrs.arrays import Uuids
from lrs.postings import terms_of
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.bench.corpus import SEED, by, corpus

Json = dict[str, Any]

UNIT = 10_000
"""Statements that are copied in one transaction."""
PART = 2_500
"""Statements that are sealed together."""
SPREAD = timedelta(days=365)
"""How long ago the first of them counts as stored; the last, a moment ago."""
CPUS = len(os.sched_getaffinity(0))
KIND = "fill"
TABLES = ("lrs.stored_events", "lrs.statement_index", "lrs.postings", "lrs.statement_refs")
POSTING = struct.Struct(">hi16siq")
HEAD, TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
LOG = "originator_id, originator_version, topic, state, recorded_at, notification_id"
INDEX = "position, originator_id, owner, author, voiding, terms"


@dataclass(frozen=True)
class Filling:
    """What the processes share: how many for whom, after which position, and from when on."""

    settings: Settings
    institution: UUID
    key: str
    size: int
    after: int
    began: datetime

    def stored(self, number: int) -> datetime:
        """Returns when a statement counts as stored."""
        return self.began + SPREAD * (number / self.size)


def fill(settings: Settings, institution: UUID, size: int, key: str = KIND) -> float:
    """Gives an institution the first `size` statements of the corpus; returns in how many seconds.

    `key` is that of the credential that counts as their sender. The store must not hold any
    statement yet. Tables are vacuumed and analyzed afterwards, as autovacuum would have.
    """
    started = time.perf_counter()
    with psycopg.connect(settings.admin_dsn, autocommit=True) as connection:
        # Positions are drawn as a writer draws them; what is under a reader's eyes stays.
        row = connection.execute(
            "SELECT setval('lrs.notification_ids', nextval('lrs.notification_ids') + %s)", [size]
        ).fetchone()
        assert row is not None
        began = datetime.now(UTC) - SPREAD
        filling = Filling(settings, institution, key, size, row[0] - size, began)
        units = [range(size)[n : n + UNIT] for n in range(0, size, UNIT)]
        with get_context("spawn").Pool(min(CPUS, len(units)), _open, [filling]) as pool:
            for _ in pool.imap(_unit, units):
                pass
        for table in TABLES:
            connection.execute(f"VACUUM (ANALYZE) {table}".encode())
    return time.perf_counter() - started


def statement(number: int) -> Json:
    """Returns statement `number` of the endless corpus, as its sender would send it."""
    lines = _lines()
    made: Json = orjson.loads(lines[number % len(lines)])
    cohort = number // len(lines)
    account = made["actor"].get("account", {})
    made = by(made, f"{account.get('name', 'learner')}-{cohort}")
    return {**made, "id": statement_id(number)}


def statement_id(number: int) -> str:
    """Returns the id of statement `number`."""
    return str(UUID(bytes=blake2b(number.to_bytes(8, "big"), digest_size=16).digest(), version=4))


_corpus_lines: list[bytes] = []
_services: list[tuple[Services, Filling, psycopg.Connection[Any]]] = []


def _lines() -> list[bytes]:
    """Returns the lines of all files, mixed in an order that is always the same."""
    if not _corpus_lines:
        _corpus_lines.extend(chain.from_iterable(corpus().files))
        Random(SEED).shuffle(_corpus_lines)
    return _corpus_lines


def _open(filling: Filling) -> None:
    """Opens what a process needs; the pool's processes end with it."""
    gc.disable()  # nothing here goes round in circles, and there is much of it
    connection = psycopg.connect(filling.settings.admin_dsn)
    connection.execute("SET synchronous_commit = off")
    connection.commit()
    _services.append((open_services(filling.settings), filling, connection))


def _unit(numbers: range) -> None:
    """Seals and copies these statements."""
    services, filling, connection = _services[0]
    log, index, found = [], [], []
    for first in range(0, len(numbers), PART):
        part = numbers[first : first + PART]
        events, named_activities = _events(services, filling, part)
        contents = [canonical(event.statement) for event in events]
        digests = [services.blind.digest(filling.institution, content) for content in contents]
        sealed = services.store.mapper.seal_statements(events, digests)
        rows = zip(part, events, named_activities, sealed, strict=True)
        for number, event, refs, stored in rows:
            position, terms = filling.after + number, terms_of(services.blind, event, refs)
            author = next(p.pseudonym for p in event.people if p.role is Role.AUTHORITY)
            stream, at = event.originator_id, filling.stored(number)
            log.append((stream, 1, stored.topic, stored.state, at, position))
            index.append((position, stream, event.owner, author, False, Uuids(terms)))
            found += [POSTING.pack(2, 16, term.bytes, 8, position) for term in terms]
    found.sort()
    with connection.transaction():
        _copy(connection, f"lrs.stored_events ({LOG})", log, LOG_TYPES)
        _copy(connection, f"lrs.statement_index ({INDEX})", index, INDEX_TYPES)
        with connection.cursor().copy(
            "COPY lrs.postings (term, position) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.write(b"".join((HEAD, *found, TAIL)))


LOG_TYPES = ("uuid", "int8", "text", "bytea", "timestamptz", "int8")
INDEX_TYPES = ("int8", "uuid", "uuid", "uuid", "bool", "uuid[]")


def _copy(
    connection: psycopg.Connection[Any],
    target: str,
    rows: Sequence[tuple[Any, ...]],
    types: Sequence[str],
) -> None:
    query = f"COPY {target} FROM STDIN (FORMAT binary)"
    with connection.cursor().copy(query.encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _events(
    services: Services, filling: Filling, numbers: range
) -> tuple[list[StatementStored], list[list[ActivityRef]]]:
    """Returns events and activities of statements; the store then knows whom and what they name."""
    sender = Credential(filling.key, filling.institution, KIND, frozenset())
    authority = services.statements.authority(sender)
    made = [{**statement(n), "version": "1.0.0", "authority": authority} for n in numbers]
    names = [named(each) for each in made]
    who = services.people.resolve(
        filling.institution, {n.ifi for found in names for n in found if n.ifi is not None}
    )
    refs = [activities(each) for each in made]
    services.activities.remember(
        filling.institution, (ref.activity for found in refs for ref in found)
    )
    events = [
        StatementStored.trusted(
            originator_id=originator_of(filling.institution, each["id"]),
            originator_version=1,
            institution=filling.institution,
            at=filling.began,
            statement=each,
            xapi_version="1.0.0",
            owner=who[found[0].ifi or ""],
            people=tuple([PersonRef(n.pointer, n.role, who[n.ifi]) for n in found if n.ifi]),
            deviations=(),
        )
        for each, found in zip(made, names, strict=True)
    ]
    return events, refs
