"""What ClickHouse's HTTP interface means: the pure half of the front, without sockets or engine.

Reads a request (parameters, headers, body) into a Call, and an engine's error into a status.
Source: ClickHouse documentation, "HTTP Interface".
"""

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

import lz4.frame
import zstandard

# Parameters that steer the transport; every other one is a setting of the query.
TRANSPORT = {
    *("query", "user", "password", "role", "database", "default_format", "query_id", "quota_key"),
    *("session_id", "session_timeout", "session_check", "client_protocol_version"),
    *("buffer_size", "compress", "decompress", "enable_http_compression", "wait_end_of_query"),
    *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    "cancel_http_readonly_queries_on_client_close",
}
SETTING = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
INSERT = re.compile(rb"^\s*(INSERT\s+INTO\s.+?)\s+FORMAT\s+(\w+)[ \t\r]*(?:\n|$)", re.I | re.S)
CODE = re.compile(r"Code: (\d+)\.")

UNKNOWN_TABLE, UNKNOWN_DATABASE, AUTHENTICATION_FAILED = 60, 81, 516
STATUS = {UNKNOWN_TABLE: 404, UNKNOWN_DATABASE: 404, AUTHENTICATION_FAILED: 403}


class BadRequest(ValueError):
    """The request cannot be understood."""


@dataclass(frozen=True)
class Call:
    """One query with what goes with it. `data` is not None for an insert of `format` bytes."""

    sql: str
    format: str
    data: bytes | None
    database: str | None
    settings: dict[str, str]
    params: dict[str, str]


def decompress(body: bytes, encoding: str) -> bytes:
    """Returns the body without its Content-Encoding. Raises BadRequest for an unknown one."""
    match encoding:
        case "" | "identity":
            return body
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(body)
        case "lz4":
            plain: bytes = lz4.frame.decompress(body)
            return plain
    raise BadRequest(f"unknown content encoding {encoding}")


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Returns the fields of a multipart form; a client sends long queries that way."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            name = part.get_param("name", header="content-disposition")
            fields[str(name)] = content.decode()
    return fields


def read(query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    """Returns what the request asks for. Raises BadRequest.

    The statement is the `query` parameter and then the body; where the statement is an insert with
    a format, what follows it is data.
    """
    parameters = dict(query)
    body = decompress(body, headers.get("Content-Encoding", ""))
    if headers.get("Content-Type", "").startswith("multipart/form-data"):
        parameters |= form_fields(headers["Content-Type"], body)
        body = b""
    sql = parameters.get("query", "").encode()
    text = b"\n".join(part for part in (sql, body) if part)
    if not text.strip():
        raise BadRequest("no query")
    output = parameters.get("default_format", "TabSeparated")
    data: bytes | None = None
    insert = INSERT.match(text)
    if insert and text[insert.end() :]:
        statement, output, data = insert[1], insert[2].decode(), text[insert.end() :]
    else:
        statement = text
    settings = {
        name: value
        for name, value in parameters.items()
        if name not in TRANSPORT and not name.startswith("param_")
    }
    if wrong := [name for name in settings if not SETTING.match(name)]:
        raise BadRequest(f"not a setting: {wrong[0]}")
    return Call(
        sql=statement.decode(),
        format=output,
        data=data,
        database=parameters.get("database"),
        settings=settings,
        params={
            name.removeprefix("param_"): value
            for name, value in parameters.items()
            if name.startswith("param_")
        },
    )


def code_of(message: str) -> int:
    """Returns ClickHouse's number of an error message; 0 if it names none."""
    found = CODE.search(message)
    return int(found[1]) if found else 0


def status_of(code: int) -> int:
    """Returns the HTTP status that ClickHouse gives an error of this number."""
    return STATUS.get(code, 500)


def quoted(text: str) -> str:
    """Returns a ClickHouse string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """Returns a ClickHouse identifier, quoted."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
