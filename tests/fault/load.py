"""Writers over HTTP that remember what was acknowledged, and what a reader must find then."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg

from domain.statements.events import originator_of
from lrs.settings import Settings
from tests.server import Answer, Client

Json = dict[str, Any]

XAPI = "/xapi/statements"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
VERBS = [f"http://verbs.example/{name}" for name in ("answered", "completed", "viewed")]


def statement(chance: random.Random, mark: str, statement_id: str = "") -> Json:
    """Returns a statement whose persons, verb and activities many others share.

    `mark` is its content: two of one id with different marks are in conflict.
    """
    activity = f"https://courses.example/unit/{chance.randrange(12)}"
    return {
        "id": statement_id or str(uuid4()),
        "actor": {"mbox": f"mailto:learner{chance.randrange(20)}@students.example"},
        "verb": {"id": chance.choice(VERBS)},
        "object": {"id": activity, "definition": {"name": {"en": activity}}},
        "context": {
            "instructor": {"mbox": f"mailto:teacher{chance.randrange(3)}@staff.example"},
            "contextActivities": {"grouping": [{"id": "https://courses.example/all"}]},
        },
        "result": {"response": mark},
    }


def reference(chance: random.Random, mark: str, target: str, *, void: bool = False) -> Json:
    """Returns a statement about another one, or one that voids it."""
    about = statement(chance, mark)
    about["object"] = {"objectType": "StatementRef", "id": target}
    about["verb"] = {"id": VOIDED} if void else about["verb"]
    return about


def batch(chance: random.Random, mark: str, number: int, size: int) -> list[Json]:
    """Returns a writer's `number`-th batch; at times one more is about its first, or voids it."""
    made = [statement(chance, mark) for _ in range(size)]
    if number % 4 == 3:
        made.append(reference(chance, mark, made[0]["id"], void=number % 8 == 7))
    return made


@dataclass
class Sent:
    """A batch, and the answers to it, oldest first: none where every connection broke."""

    batch: list[Json]
    answers: list[Answer] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        """Whether the store said that it has them all."""
        return any(answer.status == 200 for answer in self.answers)


@dataclass
class Writer:
    """One thread that sends and remembers; `broken` counts requests without an answer."""

    client: Client
    sent: list[Sent] = field(default_factory=list)
    broken: int = 0

    def send(self, batch: list[Json]) -> Sent:
        """Sends a batch and remembers how it went."""
        self.sent.append(Sent(batch))
        return self.again(self.sent[-1])

    def again(self, one: Sent) -> Sent:
        """Sends a batch once more, as it was; a statement alone is sent as one, not as a list."""
        body = one.batch if len(one.batch) > 1 else one.batch[0]
        try:
            one.answers.append(self.client.ask("POST", XAPI, body))
        except (OSError, HTTPException):
            self.broken += 1
        return one


def run_all(works: Iterable[Callable[[], None]]) -> None:
    """Runs each in a thread of its own; raises the first failure of any of them."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@contextmanager
def under_load(works: Iterable[Callable[[Event], None]]) -> Iterator[None]:
    """Runs each in a thread of its own until the block ends; gives each what tells it to stop."""
    stop = Event()
    parts = [partial(work, stop) for work in works]
    load = Thread(target=run_all, args=(parts,), daemon=True)
    load.start()
    try:
        yield
    finally:
        stop.set()
        load.join(60)


def read(client: Client, statuses: Counter[int], stop: Event) -> None:
    """Reads pages until told to stop; counts what is answered."""
    while not stop.is_set():
        try:
            statuses[client.ask("GET", f"{XAPI}?limit=10").status] += 1
        except (OSError, HTTPException):
            time.sleep(0.05)


def statuses_of(writers: Iterable[Writer]) -> Counter[int]:
    """Returns how often each status was answered."""
    return Counter(
        answer.status for writer in writers for one in writer.sent for answer in one.answers
    )


def check_store(reader: Client, sent: list[Sent]) -> int:
    """Checks that what was acknowledged is there as it was sent, once, and nothing by halves.

    Returns how many statements there are.
    """
    listed = reader.pages(XAPI)
    times = Counter(found["id"] for found in listed)
    assert not (twice := [name for name, count in times.items() if count > 1]), twice
    stored = {found["id"]: found for found in listed}
    for name in {st["object"]["id"] for st in listed if st["verb"]["id"] == VOIDED}:
        assert name not in stored, f"voided and listed: {name}"
        answer = reader.ask("GET", f"{XAPI}?voidedStatementId={name}")
        if answer.status == 200:
            stored[name] = answer.json
    batches = Counter(statement["id"] for one in sent for statement in one.batch)
    for one in sent:
        if one.acknowledged:
            lost = [statement["id"] for statement in one.batch if not _holds(stored, statement)]
            assert not lost, f"acknowledged, but lost or another's: {lost}"
            continue
        own = [statement["id"] for statement in one.batch if batches[statement["id"]] == 1]
        kept = [name for name in own if name in stored]
        # Without an answer it may have been stored: then whole.
        if one.answers:
            assert not kept, f"refused ({one.answers[-1].status}) and kept: {kept}"
        assert len(kept) in (0, len(own)), f"half a batch: {len(kept)} of {len(own)}"
    return len(stored)


def _holds(stored: dict[str, Json], statement: Json) -> bool:
    found = stored.get(statement["id"])
    return found is not None and all(
        found[name] == statement[name] for name in ("actor", "verb", "result")
    )


def rows(settings: Settings) -> tuple[int, int, int]:
    """Returns how many statements log and index hold, and how many of them are in both."""
    with psycopg.connect(settings.dsn) as connection:
        row = connection.execute(
            "SELECT count(s), count(i), count(*) FILTER (WHERE s IS NOT NULL AND i IS NOT NULL)"
            " FROM (SELECT * FROM lrs.stored_events WHERE topic = 'statement.stored') s"
            " FULL JOIN lrs.statement_index i"
            " ON i.position = s.notification_id AND i.originator_id = s.originator_id"
        ).fetchone()
    assert row is not None
    return row


@dataclass(frozen=True)
class Place:
    """Where a statement stands in the log, and which transaction wrote it."""

    position: int
    transaction: str


def places(settings: Settings, institution: UUID, writer: Writer) -> list[Place]:
    """Returns the places of what a writer was acknowledged, in the order in which it was sent."""
    streams = [
        originator_of(institution, UUID(statement["id"]))
        for one in writer.sent
        if one.acknowledged
        for statement in one.batch
    ]
    with psycopg.connect(settings.dsn) as connection:
        found = connection.execute(
            "SELECT originator_id, notification_id, xmin::text FROM lrs.stored_events"
            " WHERE originator_id = ANY(%s)",
            [streams],
        ).fetchall()
    at = {stream: Place(position, transaction) for stream, position, transaction in found}
    return [at[stream] for stream in streams]


def deadlocks(settings: Settings) -> int:
    """Returns how many deadlocks Postgres ever broke in this database.

    Counted by the server: its log holds no errors, since these may quote what somebody sent.
    """
    with psycopg.connect(settings.admin_dsn) as connection:
        row = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])
