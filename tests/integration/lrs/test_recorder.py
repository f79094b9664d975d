"""Our recorder under the library's own cases, and what it promises beyond them."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase
from psycopg_pool import ConnectionPool

from lrs.recorder import LogRecorder
from lrs.services import open_pool
from lrs.settings import Settings
from tests.fsck import check_order


@pytest.fixture
def pool(own_settings: Settings) -> Iterator[ConnectionPool[Any]]:
    opened = open_pool(own_settings.dsn, own_settings)
    yield opened
    opened.close()


class TestLibraryCases(ApplicationRecorderTestCase[LogRecorder]):
    """The cases that the library publishes for whoever writes a recorder."""

    @pytest.fixture(autouse=True)
    def _use(self, pool: ConnectionPool[Any]) -> None:
        self.pool = pool

    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.pool)


del ApplicationRecorderTestCase  # or it would be collected, being abstract


def event(number: int = 0) -> StoredEvent:
    return StoredEvent(uuid4(), 1, "test", b"%d" % number)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE lrs.stored_events SET topic = 'x'",
        "DELETE FROM lrs.stored_events",
        "TRUNCATE lrs.stored_events",
    ],
)
@pytest.mark.parametrize("role", ["dsn", "admin_dsn"])
def test_the_database_refuses_change(
    own_settings: Settings, pool: ConnectionPool[Any], sql: str, role: str
) -> None:
    LogRecorder(pool).insert_events([event()])
    with (
        psycopg.connect(getattr(own_settings, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.encode())


def test_a_reader_misses_nothing_while_many_write(
    own_settings: Settings, pool: ConnectionPool[Any]
) -> None:
    recorder = LogRecorder(pool)
    writers, each = 4, 60
    done = threading.Event()

    def write() -> None:
        for number in range(each):
            recorder.insert_events([event(number) for _ in range(1 + number % 7)])

    threads = [threading.Thread(target=write) for _ in range(writers)]
    seen: list[int] = []

    def read() -> None:
        while True:
            last_round = done.is_set()
            page = recorder.select_notifications(
                seen[-1] if seen else None, 100, inclusive_of_start=False
            )
            seen.extend(notification.id for notification in page)
            if last_round and not page:
                return

    reader = threading.Thread(target=read)
    for thread in [reader, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    written = writers * sum(1 + number % 7 for number in range(each))
    assert len(seen) == written
    assert seen == sorted(set(seen))
    check_order(own_settings)


def test_an_open_write_hides_what_comes_after_it(
    own_settings: Settings, pool: ConnectionPool[Any]
) -> None:
    """Without the barrier a reader would pass the open write's position and never see it."""
    recorder = LogRecorder(pool)
    recorder.insert_events([event()])
    with psycopg.connect(own_settings.dsn) as slow:
        slow.execute(
            "SELECT lrs.append_events(%s, %s, %s, %s)",
            [[uuid4()], [1], ["test"], [b"slow"]],
        )
        recorder.insert_events([event()])
        assert recorder.max_notification_id() == 3
        heads: list[int] = []
        waiting = threading.Thread(target=lambda: heads.append(recorder.head()))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive(), "the head must wait for the open write"
        slow.commit()
        waiting.join()
    assert heads == [3]
    assert [n.id for n in recorder.select_notifications(None, 10)] == [1, 2, 3]
    check_order(own_settings)


def test_a_subscription_gives_old_and_new_events(pool: ConnectionPool[Any]) -> None:
    recorder = LogRecorder(pool)
    recorder.insert_events([event(), event()])
    with recorder.subscribe(gt=1) as subscription:
        assert next(subscription).id == 2
        recorder.insert_events([event()])
        assert next(subscription).id == 3
        subscription.stop()
        assert list(subscription) == []
