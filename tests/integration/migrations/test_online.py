"""A store of the release before with many rows, in use, is migrated: nobody is locked out.

The watch is on locks: what each of the migration's sessions holds on a table with many rows that
keeps writers or readers out, and for how long. How long the writers paused is recorded beside it.
"""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg

from infra.migrations import check, migrate
from lrs.settings import Settings

EVENTS = 100_000
LONGEST_SECONDS = 1.0
KEEPS_OUT = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]
SAMPLE_SECONDS = 0.003

FILL = (
    "INSERT INTO lrs.stored_events (originator_id, originator_version, topic, state,"
    " notification_id) SELECT gen_random_uuid(), 1, 'statement.stored',"
    " decode(repeat(md5(n::text), 20), 'hex'), nextval('lrs.notification_ids')"
    " FROM generate_series(1, {n}) n",
    "INSERT INTO lrs.statement_index SELECT notification_id, originator_id, originator_id,"
    " originator_id, false, ARRAY[originator_id] FROM lrs.stored_events"
    " ON CONFLICT DO NOTHING",
    "INSERT INTO lrs.postings SELECT originator_id, notification_id FROM lrs.stored_events"
    " UNION ALL SELECT md5((notification_id % 97)::text)::uuid, notification_id"
    " FROM lrs.stored_events ON CONFLICT DO NOTHING",
    "INSERT INTO lrs.people SELECT gen_random_uuid(), sha256(n::text::bytea),"
    " sha256(n::text::bytea), gen_random_uuid() FROM generate_series(1, {n} / 5) n",
    "INSERT INTO lrs.contents SELECT gen_random_uuid(), 0, decode(repeat('ab', 3000), 'hex')"
    " FROM generate_series(1, {n} / 10)",
    "INSERT INTO lrs.documents (document, institution, holder, owner, version, content_id, sealed)"
    " SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1,"
    " content_id, 'sealed' FROM lrs.contents",
    "INSERT INTO keystore.data_keys (key_id, institution, pseudonym, version, kek_id, wrapped)"
    " SELECT gen_random_uuid(), institution, pseudonym, 1, 1, 'wrapped' FROM lrs.people"
    " ON CONFLICT DO NOTHING",
    "INSERT INTO views.facts SELECT notification_id, originator_id, originator_id, 'fact'"
    " FROM lrs.stored_events ON CONFLICT DO NOTHING",
    "INSERT INTO views.daily_facts SELECT originator_id, originator_id, originator_id,"
    " '2026-01-01', notification_id, 1 FROM lrs.stored_events ON CONFLICT DO NOTHING",
    "ANALYZE",
)

Step = Callable[[psycopg.Connection[Any]], object]


def append(connection: psycopg.Connection[Any]) -> object:
    """What a process of the release before does with events."""
    return connection.execute(
        "SELECT lrs.append_events(%s, ARRAY[1::bigint], ARRAY['document.stored'], ARRAY[%b])",
        [[uuid4()], bytes(100)],
    )


def post(connection: psycopg.Connection[Any]) -> object:
    """What it does with statements."""
    one, term = uuid4(), uuid4()
    return connection.execute(
        "SELECT lrs.append_statements('statement.stored', %s, ARRAY[%b], %s, ARRAY[NULL::uuid],"
        " ARRAY[false], %s, ARRAY[1], %s, %s)",
        [[one], bytes(100), [one], [term], [one], [one]],
    )


def issue(connection: psycopg.Connection[Any]) -> object:
    """What it does with keys."""
    return connection.execute(
        "SELECT keystore.issue(%s, %s, %s, ARRAY[1], 1, ARRAY['wrapped'::bytea])",
        [uuid4(), [uuid4()], [uuid4()]],
    )


def read(connection: psycopg.Connection[Any]) -> object:
    """A page of one filter, joined with the log."""
    return connection.execute(
        "SELECT e.state FROM lrs.postings p JOIN lrs.stored_events e"
        " ON e.notification_id = p.position WHERE p.term = md5('7')::uuid"
        " ORDER BY p.position DESC LIMIT 50"
    ).fetchall()


class Busy(threading.Thread):
    """Does a step again and again until told to stop; keeps the longest time that one took."""

    def __init__(self, dsn: str, step: Step, over: threading.Event) -> None:
        super().__init__(name=step.__name__)
        self.dsn, self.step, self.over = dsn, step, over
        self.done, self.longest, self.error = 0, 0.0, ""

    def run(self) -> None:
        try:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                while not self.over.is_set():
                    started = time.monotonic()
                    self.step(connection)
                    self.longest = max(self.longest, time.monotonic() - started)
                    self.done += 1
        except psycopg.Error as error:
            self.error = repr(error)


class Watch(threading.Thread):
    """Samples the locks that keep somebody out of a table with many rows."""

    def __init__(self, dsn: str, over: threading.Event) -> None:
        super().__init__(name="watch")
        self.dsn, self.over = dsn, over
        self.samples = 0
        self.longest: dict[tuple[str, str], float] = {}

    def run(self) -> None:
        since: dict[tuple[int, str, str], float] = {}
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            while not self.over.is_set():
                rows = connection.execute(
                    "SELECT l.pid, c.oid::regclass::text, l.mode FROM pg_locks l"
                    " JOIN pg_class c ON c.oid = l.relation WHERE l.granted"
                    " AND l.mode = ANY (%s) AND c.reltuples >= %s AND c.relkind = 'r'"
                    " AND l.database = (SELECT oid FROM pg_database"
                    "  WHERE datname = current_database())",
                    [KEEPS_OUT, EVENTS // 20],
                ).fetchall()
                now = time.monotonic()
                held = {
                    (pid, table, mode): since.get((pid, table, mode), now)
                    for pid, table, mode in rows
                }
                for (_, table, mode), began in held.items():
                    self.longest[table, mode] = max(
                        self.longest.get((table, mode), 0.0), now - began
                    )
                since = held
                self.samples += 1
                time.sleep(SAMPLE_SECONDS)


def test_nobody_is_locked_out(
    old: Settings, record_property: Callable[[str, object], None]
) -> None:
    with psycopg.connect(old.admin_dsn, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement.format(n=EVENTS).encode())
    over = threading.Event()
    busy = [Busy(old.dsn, step, over) for step in (append, post, read)]
    busy.append(Busy(old.keystore_dsn, issue, over))
    watch = Watch(old.admin_dsn, over)
    for thread in (*busy, watch):
        thread.start()
    try:
        while not all(thread.done > 20 or thread.error for thread in busy):
            time.sleep(0.01)
        before = [thread.done for thread in busy]
        migrate(old)
        check(old)
        during = [thread.done - at for thread, at in zip(busy, before, strict=True)]
    finally:
        over.set()
        for thread in (*busy, watch):
            thread.join()

    for thread, done in zip(busy, during, strict=True):
        record_property(f"longest pause of {thread.name}, s", round(thread.longest, 3))
        assert thread.error == "", thread.name
        assert done > 0, f"{thread.name} stood still"
    assert watch.samples > 20
    record_property("longest locks, s", {str(k): round(v, 3) for k, v in watch.longest.items()})
    assert {which for which, seconds in watch.longest.items() if seconds > LONGEST_SECONDS} == set()


def test_the_watch_sees_a_lock_that_is_held(old: Settings) -> None:
    """Or the test above could pass by looking away."""
    with psycopg.connect(old.admin_dsn, autocommit=True) as connection:
        connection.execute(FILL[0].format(n=EVENTS // 10).encode())
        connection.execute("ANALYZE lrs.stored_events")
        over = threading.Event()
        watch = Watch(old.admin_dsn, over)
        watch.start()
        with connection.transaction():
            connection.execute("LOCK TABLE lrs.stored_events IN SHARE ROW EXCLUSIVE MODE")
            time.sleep(LONGEST_SECONDS + 0.3)
        over.set()
        watch.join()
    assert watch.longest["lrs.stored_events", "ShareRowExclusiveLock"] > LONGEST_SECONDS
