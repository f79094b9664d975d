"""Views in a database of their own, and messages as the relay would chain them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from domain.learning.facts import Fact
from lrs.settings import Settings
from projections.messages import Kind, Letter, Message, encode, receive
from projections.views import tracking
from projections.views.apply import STREAMS, Applied, apply_batches
from stream_processors.agents import connect
from tests.learning import INSTITUTION, START

PARTITIONS = 4
DERIVED = (
    "enrolments",
    "work",
    "daily_facts",
    "activities",
    "abilities",
    "mastery",
    "items",
    "skills",
    "evidence",
    "facts",
)


class Views:
    """The views, with the chain of each partition."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.chains: dict[tuple[str, int], int] = defaultdict(int)
        self.sent: list[tuple[str, int, Letter]] = []

    def messages(self, *facts: Fact, evidence: bool = False) -> list[tuple[str, int, Letter]]:
        """Returns stream, partition and message of each fact, chained."""
        made = []
        for fact in facts:
            made.append(self._chained("facts", fact.learner.int % PARTITIONS, fact))
            if evidence and fact.credit is not None and fact.competencies:
                made.append(self._chained("evidence", fact.course.int % PARTITIONS, fact))
        self.sent += made
        return made

    def message(self, kind: Kind, fact: Fact, position: int) -> tuple[str, int, Letter]:
        """Returns a message about the learner of `fact`."""
        made = Message(kind, position, 0, START, INSTITUTION, fact.learner)
        if kind is Kind.VOID:
            made = made._replace(target=fact.position)
        return self._wire("facts", fact.learner.int % PARTITIONS, made)

    def apply(self, messages: Sequence[tuple[str, int, Letter]], size: int = 1000) -> Applied:
        """Applies messages in batches of `size`; returns the counts of all."""
        total = Applied()
        for name, stream in STREAMS.items():
            mine = [(place, letter) for of, place, letter in messages if of == name]
            for start in range(0, len(mine), size):
                batches: dict[int, list[Letter]] = defaultdict(list)
                for place, letter in mine[start : start + size]:
                    batches[place].append(letter)
                done = apply_batches(self.connection, stream, batches)
                total.applied += done.applied
                total.skipped += done.skipped
                total.dead += done.dead
        return total

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Returns what a query finds."""
        return self.connection.execute(query.encode()).fetchall()

    def everything(self) -> dict[str, list[str]]:
        """Returns every row of the derived tables, as text, in order."""
        return {
            table: [row[0] for row in self.rows(f"SELECT t::text FROM {table} t ORDER BY t::text")]
            for table in DERIVED
        }

    def clear(self) -> None:
        """Empties the views; the chains stay as sent."""
        for table in (*DERIVED, "tracking", "dead_letters", "flags", "evaluations"):
            self.connection.execute(f"DELETE FROM {table}".encode())
        tracking.prepare(self.connection, PARTITIONS)

    def _chained(self, stream: str, place: int, fact: Fact) -> tuple[str, int, Letter]:
        made = Message(
            Kind.FACT, fact.position, 0, START, fact.institution, fact.learner, fact=fact
        )
        return self._wire(stream, place, made)

    def _wire(self, stream: str, place: int, message: Message) -> tuple[str, int, Letter]:
        linked = message._replace(prev=self.chains[stream, place])
        self.chains[stream, place] = message.position
        return stream, place, receive(encode(linked), None)


@pytest.fixture
def views(own_settings: Settings) -> Iterator[Views]:
    """Empty views."""
    with connect(own_settings) as connection:
        tracking.prepare(connection, PARTITIONS)
        yield Views(connection)
