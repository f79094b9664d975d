"""The embedded ClickHouse answers the ordinary client, and keeps what it was given."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.local.clickhouse import ClickHouse


@pytest.fixture
def client(clickhouse: ClickHouse) -> Iterator[Client]:
    with clickhouse_connect.get_client(dsn=clickhouse.url) as made:
        yield made


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    name = f"t_{uuid4().hex}"
    client.command(
        f"CREATE TABLE {name} (id UUID, day Date, label String, n Int64, x Nullable(Float64))"
        " ENGINE = MergeTree ORDER BY day"
    )
    yield name
    client.command(f"DROP TABLE {name}")


ROWS = [
    [UUID(int=n), date(2026, 1, 1 + n), f"é{n}'\\", n, None if n % 2 else n / 3] for n in range(9)
]
NAMES = ["id", "day", "label", "n", "x"]


@pytest.mark.parametrize("compress", [True, False, "gzip", "zstd", "lz4"])
def test_insert_and_query_round_trip(
    clickhouse: ClickHouse, table: str, compress: bool | str
) -> None:
    with clickhouse_connect.get_client(dsn=clickhouse.url, compress=compress) as client:
        summary = client.insert(table, ROWS, column_names=NAMES)
        assert summary.written_rows == 9
        found = client.query(f"SELECT * FROM {table} ORDER BY n").result_rows
    assert [list(row) for row in found] == ROWS


def test_parameters_settings_and_databases(client: Client, table: str) -> None:
    client.insert(table, ROWS, column_names=NAMES)
    found = client.query(
        f"SELECT n FROM {table} WHERE label = {{label:String}}",
        parameters={"label": "é3'\\"},
        settings={"max_threads": 1},
    )
    assert found.result_rows == [(3,)]
    assert client.command("SELECT getSetting('max_threads')", settings={"max_threads": 1}) == 1
    many = client.query(
        f"SELECT count() FROM {table} WHERE label IN {{labels:Array(String)}}",
        parameters={"labels": [f"é{n}'\\" for n in range(5000)]},
    )
    assert many.result_rows == [(9,)]
    assert client.query(f"SELECT * FROM {table} LIMIT 0").result_rows == []
    database = f"d_{uuid4().hex}"
    client.command(f"CREATE DATABASE {database}")
    assert client.command("SELECT currentDatabase()", settings={"database": database}) == database
    client.command(f"DROP DATABASE {database}")


def test_insert_by_text(client: Client, table: str) -> None:
    client.command(f"INSERT INTO {table} (n, label) VALUES (1, 'one'), (2, 'two')")
    client.command(f"INSERT INTO {table} (n, label) SELECT n + 10, label FROM {table}")
    assert client.command(f"SELECT sum(n) FROM {table}") == 26


def test_errors_carry_their_code(client: Client, table: str) -> None:
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as unknown:
        client.query("SELECT * FROM no_such_table")
    assert unknown.value.code == 60
    with pytest.raises(DatabaseError):
        client.raw_insert(table, insert_block=b"not native", fmt="Native")
    with pytest.raises(DatabaseError, match="UNKNOWN_SETTING"):
        client.command("SELECT 1", settings={"no_such_setting": 1})
    assert client.command(f"SELECT count() FROM {table}") == 0


def test_a_wrong_password_is_refused(clickhouse: ClickHouse) -> None:
    with pytest.raises(DatabaseError, match="Authentication failed"):
        clickhouse_connect.get_client(dsn=clickhouse.url.replace("@", "x@"))


def test_many_clients_at_once(clickhouse: ClickHouse, table: str) -> None:
    def work(number: int) -> None:
        with clickhouse_connect.get_client(dsn=clickhouse.url) as client:
            for _ in range(5):
                client.insert(table, [[number]], column_names=["n"])
                client.query(f"SELECT count() FROM {table}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with clickhouse_connect.get_client(dsn=clickhouse.url) as client:
        assert client.command(f"SELECT count() FROM {table}") == 40


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_data_survives_a_restart(tmp_path: Path, end: str) -> None:
    first = ClickHouse(tmp_path / "clickhouse")
    first.start()
    with clickhouse_connect.get_client(dsn=first.url) as client:
        client.command("CREATE TABLE kept (n Int64) ENGINE = MergeTree ORDER BY n")
        client.insert("kept", [[42]], column_names=["n"])
    assert first.child.process is not None
    if end == "kill":
        first.child.process.kill()
        first.child.process.wait()
    else:
        first.stop()
        assert first.child.process.returncode == 0
    second = ClickHouse(tmp_path / "clickhouse")
    second.start()
    try:
        with clickhouse_connect.get_client(dsn=second.url) as client:
            assert client.command("SELECT n FROM kept") == 42
    finally:
        second.stop()
