"""Migrations beside a running system: interrupted, blocked, at once, and of another release."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner

from domain.errors import Error
from infra.cli import main
from infra.local import instance
from infra.local.postgres import ADMIN, KEYS, WRITER, Postgres
from infra.migrations import (
    SERIES,
    Blocked,
    Changed,
    Migration,
    Newer,
    Outdated,
    check,
    migrate,
    migrations,
    plan,
)
from infra.migrations.apply import apply_one
from lrs.settings import Settings
from tests.upgrades.restore import HERE, RELEASES

Connection = psycopg.Connection[Any]

INDEX = Migration(
    "lrs",
    9000,
    "9000_index.concurrent.sql",
    "-- An index.\nCREATE INDEX CONCURRENTLY people_by_fence\n    ON lrs.people (fence);\n",
    concurrent=True,
)
COLUMN = Migration("lrs", 9001, "9001_column.sql", "ALTER TABLE lrs.people ADD COLUMN more int")


@contextmanager
def owner(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.admin_dsn, autocommit=True) as connection:
        yield connection


def valid(connection: Connection) -> bool | None:
    row = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('lrs.people_by_fence')"
    ).fetchone()
    return None if row is None else bool(row[0])


def test_what_was_applied_is_not_applied_again(old: Settings) -> None:
    planned = [step.migration for step in plan(old)]
    assert migrate(old) == planned
    assert migrate(old) == []


def test_two_at_once_do_it_once(old: Settings) -> None:
    """Also where one makes an index concurrently, which waits for every session in a statement."""
    planned = [step.migration for step in plan(old)]
    done: list[list[Migration]] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(old))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 3, "one raised"
    everything = [migration for each in done for migration in each]
    assert len(everything) == len(planned)
    assert set(everything) == set(planned)


def test_a_changed_file_is_refused_by_name(own_settings: Settings) -> None:
    with owner(own_settings) as connection:
        connection.execute(
            "UPDATE migrations.applied SET checksum = sha256('changed')"
            " WHERE name = '0009_defence.sql'"
        )
    for ask in (migrate, plan, check):
        with pytest.raises(Changed, match=r"lrs 0009_defence\.sql"):
            ask(own_settings)


def test_a_newer_database_is_refused(own_settings: Settings) -> None:
    with owner(own_settings) as connection:
        connection.execute(
            "INSERT INTO migrations.applied (series, number, name) VALUES"
            " ('keystore', 9999, '9999_later.sql')"
        )
    for ask in (migrate, plan, check):
        with pytest.raises(Newer, match=r"keystore 9999_later\.sql"):
            ask(own_settings)


def test_an_older_database_is_named(own_settings: Settings) -> None:
    last = migrations(SERIES[-1])[-1]
    with owner(own_settings) as connection:
        connection.execute("DELETE FROM migrations.applied WHERE name = %s", [last.name])
    with pytest.raises(Outdated, match=last.name):
        check(own_settings)


@pytest.mark.parametrize("process", ["api", "relay", "worker", "jobs"])
def test_no_process_starts_on_another_schema(own_settings: Settings, process: str) -> None:
    with owner(own_settings) as connection:
        connection.execute(
            "INSERT INTO migrations.applied (series, number, name) VALUES ('lrs', 9999, 'later')"
        )
    instance.write(own_settings, {})
    ended = CliRunner().invoke(main, [process, "--data", str(own_settings.data)])
    assert ended.exit_code == 1
    assert "migrated by a later one" in ended.output


def test_the_command_tells_the_plan_and_changes_nothing(old: Settings) -> None:
    instance.write(old, {})
    asked = ["migrate", "--data", str(old.data)]
    names = [f"{step.migration.series} {step.migration.name}" for step in plan(old)]
    for _ in range(2):
        told = CliRunner().invoke(main, [*asked, "--plan"]).output
        assert [line.partition(" (")[0] for line in told.splitlines() if line[0] != " "][
            :-1
        ] == names
        assert "lrs.stored_events (" in told
        assert "ACCESS EXCLUSIVE, keeps out readers and writers" in told
    assert CliRunner().invoke(main, asked).output.splitlines()[-1] == f"{len(names)} applied."
    assert CliRunner().invoke(main, [*asked, "--plan"]).output == "Nothing to do.\n"


def test_an_index_that_a_kill_left_invalid_is_made_again(own_settings: Settings) -> None:
    with owner(own_settings) as writer, owner(own_settings) as watcher:
        writer.execute("BEGIN")
        writer.execute(
            "INSERT INTO lrs.people VALUES (gen_random_uuid(), sha256('a'), sha256('b'),"
            " gen_random_uuid())"
        )
        with owner(own_settings) as killed:
            pid = killed.info.backend_pid
            failed: list[BaseException] = []

            def run() -> None:
                try:
                    apply_one(killed, INDEX, patience=60, tell=lambda _: None)
                except psycopg.OperationalError as error:
                    failed.append(error)

            thread = threading.Thread(target=run)
            thread.start()
            while valid(watcher) is None:  # it has begun, and waits for the open transaction
                pass
            watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
            thread.join()
            assert failed
        assert valid(watcher) is False
        writer.execute("COMMIT")
        apply_one(watcher, INDEX, patience=60, tell=lambda _: None)
        assert valid(watcher) is True
        # Ended after its last statement and before it was noted: begun again, it does nothing.
        watcher.execute("DELETE FROM migrations.applied WHERE name = %s", [INDEX.name])
        apply_one(watcher, INDEX, patience=60, tell=lambda _: None)


def test_a_long_reader_does_not_stop_the_writers(own_settings: Settings) -> None:
    """The migration gives its place in the queue up; the writers pass; in the end it says who."""
    told: list[str] = []
    raised: list[Error] = []
    with owner(own_settings) as reader, owner(own_settings) as runner:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM lrs.people LIMIT 1")

        def run() -> None:
            try:
                apply_one(runner, COLUMN, patience=1.5, tell=told.append)
            except Error as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        written = 0
        with psycopg.connect(own_settings.dsn, autocommit=True) as writer:
            while thread.is_alive():
                writer.execute(
                    "INSERT INTO lrs.people VALUES (gen_random_uuid(), sha256(%s), sha256('b'),"
                    " gen_random_uuid())",
                    [b"%d" % written],
                )
                written += 1
        thread.join()
        assert written > 1
        assert told
        assert isinstance(raised[0], Blocked)
        assert f"pid {reader.info.backend_pid} " in str(raised[0])
        reader.execute("COMMIT")
        apply_one(runner, COLUMN, patience=60, tell=told.append)


def test_locks_are_waited_for_together(own_settings: Settings) -> None:
    """It waits for none alone under those that it has, and gives all of them up."""
    tables = ("lrs.activities", "lrs.documents", "lrs.attachments")
    header = "".join(f"-- Locks {table}: ACCESS EXCLUSIVE\n" for table in ("lrs.people", *tables))
    many = Migration("lrs", 9002, "9002_many.sql", f"{header}SELECT 1")
    with owner(own_settings) as reader, owner(own_settings) as runner, owner(own_settings) as other:
        reader.execute("BEGIN")
        for table in tables:
            reader.execute(f"SELECT FROM {table} LIMIT 1".encode())
        with pytest.raises(Blocked):
            apply_one(runner, many, patience=0, tell=lambda _: None)
        row = runner.execute("SHOW lock_timeout").fetchone()
        assert row == ("500ms",), "of the session, not what was left of it"
        with other.transaction():  # nothing is held after it gave up
            other.execute("LOCK TABLE lrs.people NOWAIT")
        reader.execute("COMMIT")
        apply_one(runner, many, patience=60, tell=lambda _: None)


@pytest.mark.parametrize("release", RELEASES)
def test_released_files_are_as_they_were_released(release: str) -> None:
    kept = (HERE / release / "migrations.txt").read_text()
    released = dict(line.split("  ")[::-1] for line in kept.splitlines())
    ours = {
        f"{series.name} {migration.name}": migration.checksum.hex()
        for series in SERIES
        for migration in migrations(series)
    }
    assert {name: ours.get(name) for name in released} == released


def test_an_owner_without_privileges_is_enough(postgres: Postgres, tmp_path: Path) -> None:
    """As hosted databases give one: no superuser, who owns the database and nothing else."""
    name = f"owner_{uuid4().hex}"
    with psycopg.connect(postgres.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
    dsn = f"postgresql://{name}:x@127.0.0.1:{postgres.port}/{name}"
    made = Settings(
        data=tmp_path,
        dsn=postgres.dsn_of(WRITER, name),
        admin_dsn=dsn,
        keystore_dsn=postgres.dsn_of(KEYS, name),
        keystore_admin_dsn=dsn,
    )
    try:
        assert migrate(made) == [m for series in SERIES for m in migrations(series)]
        check(made)
    finally:
        with psycopg.connect(postgres.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"DROP ROLE {name}".encode())
