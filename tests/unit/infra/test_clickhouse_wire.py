"""ClickHouse's HTTP interface, read from requests alone."""

import gzip
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from infra.local import clickhouse_wire as wire


def test_a_query_in_the_body() -> None:
    call = wire.read({"database": "d", "max_threads": "1", "param_x": "7"}, {}, b"SELECT {x:UInt8}")
    assert call == wire.Call(
        "SELECT {x:UInt8}", "TabSeparated", None, "d", {"max_threads": "1"}, {"x": "7"}
    )


def test_an_insert_with_data_in_the_body() -> None:
    call = wire.read({}, {}, b"INSERT INTO t (a, b) FORMAT Native\n\x01\x00\nFORMAT CSV\n")
    assert (call.sql, call.format) == ("INSERT INTO t (a, b)", "Native")
    assert call.data == b"\x01\x00\nFORMAT CSV\n"


def test_an_insert_in_the_url_with_data_in_the_body() -> None:
    call = wire.read({"query": "insert into t format CSV"}, {}, b"1,2\n")
    assert (call.sql, call.format, call.data) == ("insert into t", "CSV", b"1,2\n")


@pytest.mark.parametrize(
    "sql", ["INSERT INTO t VALUES (1)", "INSERT INTO t SELECT 1", "SELECT 'INSERT' FORMAT JSON"]
)
def test_a_statement_without_data_is_left_as_it_is(sql: str) -> None:
    call = wire.read({"default_format": "JSON"}, {}, sql.encode())
    assert (call.sql, call.data, call.format) == (sql, None, "JSON")


def test_a_multipart_form() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {x:String}\r\n'
        b'--b\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n\xc3\xa9\r\n--b--\r\n'
    )
    call = wire.read({}, {"Content-Type": "multipart/form-data; boundary=b"}, body)
    assert (call.sql, call.params) == ("SELECT {x:String}", {"x": "é"})


@given(st.binary())
def test_every_encoding_round_trips(body: bytes) -> None:
    packed = {
        "": body,
        "identity": body,
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "zstd": zstandard.compress(body),
        "lz4": lz4.frame.compress(body),
    }
    assert {name: wire.decompress(value, name) for name, value in packed.items()} == dict.fromkeys(
        packed, body
    )


@pytest.mark.parametrize(
    ("query", "headers"),
    [({}, {}), ({"query": "SELECT 1", "a; DROP": "1"}, {}), ({}, {"Content-Encoding": "br"})],
)
def test_what_cannot_be_understood_is_refused(
    query: dict[str, str], headers: dict[str, str]
) -> None:
    with pytest.raises(wire.BadRequest):
        wire.read(query, headers, b"")


@pytest.mark.parametrize(
    ("message", "code", "status"),
    [
        ("Code: 60. DB::Exception: no table", 60, 404),
        ("Code: 516. DB::Exception: who?", 516, 403),
        ("Code: 62. DB::Exception: syntax", 62, 500),
        ("something else", 0, 500),
    ],
)
def test_codes_and_statuses(message: str, code: int, status: int) -> None:
    assert wire.code_of(message) == code
    assert wire.status_of(code) == status


def test_quoting() -> None:
    assert wire.quoted("a'b\\") == "'a\\'b\\\\'"
    assert wire.identifier("a`b") == "`a\\`b`"
