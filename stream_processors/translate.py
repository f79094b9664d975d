"""From the log to messages: facts, answers, voidings, erasures. The same for relay and rebuild.

What a log position gives depends on the log before it alone: a statement that was voided before it
came gives nothing, a voiding statement takes back what came before it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import ConnectionPool

from domain.closure import ClosureFenced
from domain.erasure import ErasureFenced
from domain.learning.facts import Fact
from domain.statements.events import StatementStored, originator_of
from domain.statements.voiding import voids
from lrs.keys.blind_index import BlindIndex
from lrs.notifications import Recorded, Shredded
from lrs.settings import Settings
from lrs.store import RecordStore
from projections.mapping import Rules, facts
from projections.messages import Kind, Message
from projections.views.dead_letters import Dead
from stream_processors.partitions import EVIDENCE, FACTS, partition_of

log = structlog.get_logger("stream_processors.translate")

LOG = "log"
"""Stream of dead letters that never became a message; their partition is -1."""


class Draft(NamedTuple):
    """A message before it has its place in a partition: that of its key, unless it says one."""

    stream: str
    key: UUID
    message: Message
    partition: int | None = None

    def place(self, partitions: int) -> int:
        """Returns its partition."""
        return partition_of(self.key, partitions) if self.partition is None else self.partition


class Translated(NamedTuple):
    """What a page of the log gives."""

    drafts: list[Draft]
    dead: list[Dead]


class Translator:
    """Reads pages of the log as drafts."""

    def __init__(
        self, store: RecordStore, pool: ConnectionPool[Any], blind: BlindIndex, settings: Settings
    ) -> None:
        self._store = store
        self._pool = pool
        self._blind = blind
        self._partitions = settings.kafka_partitions
        self._rules = Rules(
            pass_score=settings.pass_score, course_prefixes=tuple(settings.course_prefixes)
        )

    def page(self, after: int, limit: int, through: int) -> tuple[int, Translated]:
        """Returns the position that the page reaches, at most `through`, and what it gives.

        An event that cannot be read or mapped is put aside and told; the rest goes on. What is the
        database's fault, or every event's, raises: nothing may be lost by a fault of our own.
        """
        try:
            recorded = self._store.read(after, limit, through)
            reached = recorded[-1].position if len(recorded) == limit else through
            return reached, Translated(self._drafts(recorded), [])
        except psycopg.Error:
            raise
        except Exception as error:
            log.error("page not read", after=after, exc_info=error)
        positions = self._positions(after, limit, through)
        reached = positions[-1] if len(positions) == limit else through
        return reached, self._one_by_one(positions)

    def at(self, positions: Sequence[int]) -> Translated:
        """Returns what the events at these positions give, in log order; as `page` otherwise."""
        try:
            return Translated(self._drafts(self._store.at(positions)), [])
        except psycopg.Error:
            raise
        except Exception as error:
            log.error("events not read", first=positions[0], exc_info=error)
        return self._one_by_one(positions)

    def _positions(self, after: int, limit: int, through: int) -> list[int]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT notification_id FROM lrs.stored_events"
                " WHERE notification_id > %s AND notification_id <= %s"
                " ORDER BY notification_id LIMIT %s",
                [after, through, limit],
            ).fetchall()
        return [position for (position,) in rows]

    def _one_by_one(self, positions: Sequence[int]) -> Translated:
        drafts: list[Draft] = []
        dead: list[Dead] = []
        for position in positions:
            try:
                drafts += self._drafts(self._store.at([position]))
            except psycopg.Error:
                raise
            except Exception as error:
                if len(dead) == len(positions) - 1 > 0:
                    raise
                reason = type(error).__name__
                log.error("event put aside", position=position, exc_info=error)
                dead.append(Dead(-1, position, None, None, None, reason, False, None))
        return Translated(drafts, dead)

    def _drafts(self, recorded: Sequence[Recorded]) -> list[Draft]:
        voided = self._voided_before(
            {
                r.event.originator_id: r.position
                for r in recorded
                if not isinstance(r.event, Shredded)
            }
        )
        drafts: list[Draft] = []
        for item in recorded:
            event = item.event
            if isinstance(event, StatementStored):
                if item.position not in voided:
                    drafts += self._of_statement(item, event)
                if (target := voids(event.statement)) is not None:
                    drafts += self._void(item, originator_of(event.institution, target))
            elif isinstance(event, ErasureFenced):
                drafts += [
                    Draft(
                        FACTS,
                        pseudonym,
                        _message(Kind.ERASURE, item, event.institution, pseudonym),
                    )
                    for pseudonym in (event.pseudonym, *event.members)
                ]
            elif isinstance(event, ClosureFenced):
                # Its learners are in every partition, and whoever reads one reads no other.
                drafts += [
                    Draft(stream, event.erased, _closing(item, event.erased), partition)
                    for stream in (FACTS, EVIDENCE)
                    for partition in range(self._partitions)
                ]
        return drafts

    def _of_statement(self, item: Recorded, event: StatementStored) -> list[Draft]:
        fact = self._fact(item, event)
        if fact is None:
            return []
        message = _message(Kind.FACT, item, fact.institution, fact.learner)._replace(fact=fact)
        return [Draft(stream, key, message) for stream, key in _streams(fact)]

    def _fact(self, item: Recorded, event: StatementStored) -> Fact | None:
        return facts(
            event.statement,
            partial(self._blind.term, event.institution),
            institution=event.institution,
            learner=event.owner,
            position=item.position,
            at=event.at,
            rules=self._rules,
        )

    def _voided_before(self, positions: dict[UUID, int]) -> set[int]:
        """Returns the positions of those whose voiding statement stands before them."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT target, min(position) FROM lrs.statement_refs"
                " WHERE target = ANY(%s) AND voiding GROUP BY target",
                [list(positions)],
            ).fetchall()
        return {positions[target] for target, first in rows if first < positions[target]}

    def _void(self, item: Recorded, target: UUID) -> list[Draft]:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT notification_id FROM lrs.stored_events"
                " WHERE originator_id = %s AND originator_version = 1 AND notification_id < %s",
                [target, item.position],
            ).fetchone()
        found = self._store.at([row[0]]) if row else []
        if not found or not isinstance(found[0].event, StatementStored):
            return []
        fact = self._fact(found[0], found[0].event)
        if fact is None:
            return []
        message = _message(Kind.VOID, item, fact.institution, fact.learner)
        message = message._replace(target=fact.position)
        return [Draft(stream, key, message) for stream, key in _streams(fact)]


def _streams(fact: Fact) -> list[tuple[str, UUID]]:
    """Returns where a fact goes: by its learner, and an answer by its course as well."""
    streams = [(FACTS, fact.learner)]
    if fact.credit is not None and fact.competencies and fact.activity is not None:
        streams.append((EVIDENCE, fact.course))
    return streams


def _message(kind: Kind, item: Recorded, institution: UUID, learner: UUID) -> Message:
    return Message(kind, item.position, 0, item.recorded_at, institution, learner)


def _closing(item: Recorded, institution: UUID) -> Message:
    return Message(Kind.ERASURE, item.position, 0, item.recorded_at, institution)
