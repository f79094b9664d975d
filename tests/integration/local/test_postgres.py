"""The embedded Postgres: durable, private, restartable, gone with its parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import psutil
import psycopg
import pytest

from infra.local.postgres import ADMIN, KEYS, READER, WRITER, Postgres
from lrs.settings import Settings
from tests.conftest import started
from tests.waiting import until


def test_roles_and_settings(postgres: Postgres) -> None:
    for role in (WRITER, KEYS):
        with psycopg.connect(postgres.dsn_of(role)) as connection:
            row = connection.execute(
                "SELECT current_setting('fsync'), current_setting('server_version_num')::int,"
                " rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        assert row is not None
        assert row[0] == "on"
        assert row[1] >= 180000
        assert row[2] is False


def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.dsn_of(WRITER).replace("@", "x@"))


def test_each_module_has_a_database_of_its_own(settings: Settings, own_settings: Settings) -> None:
    with psycopg.connect(settings.admin_dsn) as one, psycopg.connect(own_settings.admin_dsn) as two:
        assert one.info.dbname != two.info.dbname


def test_restart_keeps_what_was_committed_under_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    first = Postgres(closed / "postgres")
    first.start()
    with psycopg.connect(first.admin_dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first.child.process.kill()  # type: ignore[union-attr]
    first.child.process.wait()  # type: ignore[union-attr]
    with (
        started(Postgres(closed / "postgres")) as second,
        psycopg.connect(second.admin_dsn) as connection,
    ):
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert (closed.stat().st_mode & 0o777) == 0o700
    assert (closed / "postgres/passwords.json").stat().st_mode & 0o777 == 0o600


def test_the_log_holds_no_values(postgres: Postgres) -> None:
    with psycopg.connect(postgres.admin_dsn) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT %s::int", ("marker-of-a-person",))
    assert b"marker-of-a-person" not in postgres.child.log.read_bytes()


def test_the_server_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from infra.local.postgres import Postgres\n"
        "p = Postgres(Path(sys.argv[1])); p.start(); print(p.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 10)


def test_an_instance_of_the_first_release_gets_a_reader(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "passwords.json"
    file.write_bytes(orjson.dumps({ADMIN: "a", WRITER: "w", KEYS: "k"}))
    with started(Postgres(tmp_path)) as server:
        kept = orjson.loads(file.read_bytes())
        assert (kept[ADMIN], kept[WRITER], kept[KEYS]) == ("a", "w", "k")
        assert file.stat().st_mode & 0o777 == 0o600
        psycopg.connect(server.dsn_of(READER)).close()
