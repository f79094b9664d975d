"""A rebuild gives the bytes that the stream gave, beside running workers, and leaves no trace."""

from typing import Any

import psycopg

from lrs.settings import Settings
from projections.progress import Item
from projections.views import outlines
from stream_processors.agents import connect
from stream_processors.rebuild import rebuild
from tests.integration.projections.conftest import DERIVED
from tests.integration.stream_processors.conftest import Class, answer, void
from tests.integration.stream_processors.test_streams import SECONDS, counts, exact
from tests.learning import START
from tests.pipeline import streams


def everything(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[str]]]:
    """Returns every row of the derived tables, as text, in order."""
    return {
        table: connection.execute(
            f"SELECT t::text FROM {table} t ORDER BY t::text".encode()
        ).fetchall()
        for table in (*DERIVED, "tracking", "outlines", "outline_items", "completions")
    }


def test_the_same_bytes_while_the_workers_go_on(school: Class, with_kafka: Settings) -> None:
    identify = school.services.activities.identify
    institution = school.credential.institution
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        school.accept([answer(n) for n in range(700)])
        running.wait(school.accept([void(3), void(100)]), SECONDS)
        outlines.write(
            connection,
            institution,
            identify(institution, "https://example.org/course"),
            [(identify(institution, f"https://example.org/item/{n}"), Item()) for n in range(2)],
            START,
        )
        streamed = everything(connection)
        told: list[tuple[int, int]] = []
        position = rebuild(school.services, lambda *reached: told.append(reached))
        assert told[-1] == (position, position)
        assert everything(connection) == streamed
        assert all(streamed.values())

        # The workers, whose statements were planned for the old tables, go on in the new ones.
        running.wait(school.accept([answer(n) for n in range(700, 900)]), SECONDS)
        assert counts(connection)[2] == 898
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'views%'"
        ).fetchall()
        assert schemas == [("views",)]


def test_views_that_were_lost_come_back(school: Class, with_kafka: Settings) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        running.wait(school.accept([answer(n) for n in range(300)]), SECONDS)
        for table in DERIVED:
            connection.execute(f"DELETE FROM {table}".encode())
        rebuild(school.services, lambda *_: None)
        running.wait(school.accept([answer(300)]), SECONDS)
        assert counts(connection) == exact(school, 301)
