"""Applies messages to the views: once in effect, however often they come.

One transaction takes a batch of each partition: what was applied before is skipped, a missing
message stops everything (`Gap`), a learner who is fenced is left out, alone or with the whole
institution, a message that cannot be applied is put aside with all that follows of its learner.
Rows and tracking are written together. What a move brings to this shard is not the stream's to
fold, nor what it left here (`projections.views.moved`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from domain.learning.facts import Fact
from projections.messages import Broken, Kind, Letter, Message, receive
from projections.views import dead_letters, fold_evidence, fold_facts, moved, tracking
from projections.views.dead_letters import Dead
from projections.views.purge import VIEWS_LOCK, delete_learner
from projections.views.tracking import Reached


class Gap(Exception):
    """A message is missing before this one: it must be read again, or nothing goes on."""

    def __init__(self, stream: str, partition: int, reached: int, prev: int) -> None:
        self.partition = partition
        super().__init__(f"{stream}/{partition}: at {reached}, the next message follows {prev}")


@dataclass(frozen=True)
class Stream:
    """How the messages of a topic are folded and taken back."""

    name: str
    fold: Callable[[Connection[Any], Sequence[tuple[int, Fact]]], None]
    void: Callable[[Connection[Any], UUID, UUID, int], None]


FACTS = Stream("facts", fold_facts.fold, fold_facts.void)
EVIDENCE = Stream("evidence", fold_evidence.fold, fold_evidence.void)
STREAMS = {stream.name: stream for stream in (FACTS, EVIDENCE)}


@dataclass
class Applied:
    """What became of a batch."""

    applied: int = 0
    skipped: int = 0
    dead: int = 0


def apply_batches(
    connection: Connection[Any],
    stream: Stream,
    batches: Mapping[int, Sequence[Letter]],
    *,
    rebuilding: bool = False,
) -> Applied:
    """Applies the messages of each partition, in order, in one transaction; returns counts.

    A rebuild makes all there is, what moves brought too. Raises `Gap`; a database that is away
    raises `psycopg.OperationalError`, and nothing was done.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [VIEWS_LOCK])
        reached = tracking.lock(connection, stream.name, batches)
        batch = _Batch(connection, stream, moved.to_rebuild if rebuilding else moved.to_stream)
        fresh: list[tuple[int, Letter]] = []
        for partition in sorted(batches):
            for letter in batches[partition]:
                head = letter.head if isinstance(letter, Broken) else letter
                if head is None:
                    batch.bury(partition, letter)
                    continue
                now = reached[partition]
                if head.position <= now.position:
                    batch.result.skipped += 1
                    continue
                if head.prev > now.position:
                    raise Gap(stream.name, partition, now.position, head.prev)
                reached[partition] = Reached(head.position, head.time, _offset(letter, now))
                fresh.append((partition, letter))
        batch.take(fresh)
        tracking.advance(connection, stream.name, reached)
    return batch.result


def apply_arriving(
    connection: Connection[Any], arriving: Mapping[str, Sequence[tuple[int, Message]]]
) -> None:
    """Applies what a move brought, by stream, each with its partition, in order, all at once.

    Tracking does not tell of it: whoever moves counts, and begins anew after an interruption.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [VIEWS_LOCK])
        for name, messages in arriving.items():
            _Batch(connection, STREAMS[name], moved.to_mover).take(messages)


def replay(connection: Connection[Any], stream: Stream, learner: UUID) -> Applied:
    """Applies the dead letters of a learner again, in order, until one fails again.

    What was foreign bytes stays dead: only `dead_letters.drop` removes it.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [VIEWS_LOCK])
        rows = connection.execute(
            "SELECT id, partition, message FROM dead_letters"
            " WHERE stream = %s AND learner = %s AND message IS NOT NULL ORDER BY position",
            [stream.name, learner],
        ).fetchall()
        tracking.lock(connection, stream.name, {row[1] for row in rows})
        batch = _Batch(connection, stream, moved.to_rebuild)
        for dead_letter, partition, raw in rows:
            letter = receive(raw, None)
            if isinstance(letter, Broken) or not batch.one(partition, letter):
                break
            dead_letters.drop(connection, dead_letter)
    return batch.result


@dataclass
class _Batch:
    """A batch in the making, within a transaction."""

    connection: Connection[Any]
    stream: Stream
    rule: moved.Rule
    result: Applied = field(default_factory=Applied)
    pending: list[tuple[int, Message]] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    blocked: set[UUID] = field(default_factory=set)

    def take(self, letters: Sequence[tuple[int, Letter]]) -> None:
        """Applies the letters in order, or puts them aside."""
        heads = [_head(letter) for _, letter in letters]
        learners = {head.learner for head in heads if head.learner}
        institutions = {head.institution for head in heads if head.institution}
        fenced = _fenced(self.connection, learners | institutions)
        others = self.rule(self.connection, institutions)
        self.blocked = dead_letters.blocked(self.connection, self.stream.name, learners)
        for partition, letter in letters:
            head = _head(letter)
            learner = head.learner
            if head.institution and head.position <= others.get(head.institution, 0):
                self.result.skipped += 1
            elif head.institution in fenced:
                # All of it goes at once, and not by us: no row may be shared between partitions.
                self.result.skipped += 1
            elif learner in fenced and head.kind is not Kind.ERASURE:
                self.result.skipped += 1
            elif isinstance(letter, Broken) or learner in self.blocked:
                self.bury(partition, letter)
            elif letter.kind is Kind.FACT:
                self.pending.append((partition, letter))
            elif letter.kind is not Kind.MARK:
                self.flush()
                self.one(partition, letter)
        self.flush()
        dead_letters.keep(self.connection, self.stream.name, self.dead)

    def flush(self) -> None:
        """Folds what is pending at once; where that fails, one by one, to find which fails."""
        pending, self.pending = self.pending, []
        if not pending:
            return
        facts = [(partition, message.fact) for partition, message in pending if message.fact]
        if self._attempt(lambda: self.stream.fold(self.connection, facts)) is None:
            self.result.applied += len(facts)
            return
        for partition, message in pending:
            if message.learner in self.blocked:
                self.bury(partition, message)
            else:
                self.one(partition, message)

    def one(self, partition: int, message: Message) -> bool:
        """Applies one message by itself; returns whether that worked, and buries it if not."""
        failure = self._attempt(lambda: self._apply(partition, message))
        if failure is None:
            self.result.applied += 1
            return True
        self.bury(partition, message, failure)
        return False

    def bury(self, partition: int, letter: Letter, reason: str = "") -> None:
        """Puts a letter aside, and all that follows of its learner."""
        head = _head(letter) if not isinstance(letter, Broken) else letter.head
        learner = head.learner if head else None
        waiting = not isinstance(letter, Broken) and not reason
        self.dead.append(
            Dead(
                partition=partition,
                position=head.position if head else None,
                message_offset=letter.offset if isinstance(letter, Broken) and not head else None,
                institution=head.institution if head else None,
                learner=learner,
                reason=letter.reason if isinstance(letter, Broken) else reason or "waits",
                waiting=waiting,
                message=letter.raw if head else None,
            )
        )
        self.result.dead += 1
        if learner is not None:
            self.blocked.add(learner)

    def _apply(self, partition: int, message: Message) -> None:
        assert message.institution is not None and message.learner is not None
        if message.fact is not None:
            self.stream.fold(self.connection, [(partition, message.fact)])
        elif message.kind is Kind.VOID and message.target is not None:
            self.stream.void(self.connection, message.institution, message.learner, message.target)
        elif message.kind is Kind.ERASURE:
            delete_learner(self.connection, message.institution, message.learner)

    def _attempt(self, work: Callable[[], None]) -> str | None:
        """Does `work` or nothing of it; returns None, or the kind of failure that the data caused.

        A database that is away, or has other tables than we know, is not the fault of a message.
        """
        try:
            with self.connection.transaction():
                work()
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return type(error).__name__
        except psycopg.Error:
            raise
        except Exception as error:
            return type(error).__name__
        return None


def _offset(letter: Letter, before: Reached) -> int | None:
    return before.offset if letter.offset is None else letter.offset


def _head(letter: Letter) -> Message:
    head = letter.head if isinstance(letter, Broken) else letter
    assert head is not None
    return head


def _fenced(connection: Connection[Any], learners: Iterable[UUID]) -> set[UUID]:
    rows = connection.execute(
        "SELECT pseudonym FROM lrs.fences WHERE pseudonym = ANY(%s)", [list(learners)]
    )
    return {pseudonym for (pseudonym,) in rows}
