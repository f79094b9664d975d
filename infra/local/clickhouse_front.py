"""The one owner process of an embedded ClickHouse (chDB), with an HTTP front on loopback.

chDB allows one process per folder; this one owns it, and every other process speaks to it with the
ordinary ClickHouse HTTP client. What the requests mean: `clickhouse_wire`. Who starts this:
`clickhouse`. Run as `python -m infra.local.clickhouse_front FOLDER PORT`; the password is read from
`FOLDER/password`. Queries are never logged.
"""

import base64
import hmac
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import chdb
import orjson

from infra.local import clickhouse_wire as wire
from infra.local.process import LOOPBACK

USER = "lrs"
LARGEST_BODY = 256 * 1024 * 1024


class Front(ThreadingHTTPServer):
    """The server: one thread per connection, one chDB handle per request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, port: int) -> None:
        self.password = (folder / "password").read_text()
        self.store = str(folder / "data")
        # Held open, so that the engine lives as long as the process.
        self.engine = chdb.connect(self.store)
        self.engine.query("SELECT 1")
        super().__init__((LOOPBACK, port), Handler)

    def run(self, call: wire.Call) -> tuple[bytes, dict[str, str]]:
        """Runs a call on a handle of its own; returns the body and the summary's numbers."""
        handle = chdb.connect(self.store)
        try:
            if call.database:
                handle.query(f"USE {wire.identifier(call.database)}")
            for name, value in call.settings.items():
                handle.query(f"SET {name} = {wire.quoted(value)}")
            if call.data is not None:
                with handle.send_insert(call.sql, call.format) as insert:
                    insert.append(call.data)
                    done = insert.finish()
                written = str(done.rows_written)
                return b"", {"written_rows": written, "written_bytes": str(done.bytes_written)}
            result = handle.query(call.sql, call.format, params=call.params)
            return result.bytes(), {
                "read_rows": str(result.rows_read()),
                "read_bytes": str(result.bytes_read()),
                "written_rows": str(result.rows_written()),
                "written_bytes": str(result.bytes_written()),
                "elapsed_ns": str(int(result.elapsed() * 1e9)),
            }
        finally:
            handle.close()


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Front
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet: two small writes would wait for the peer's delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answers a query in the URL, and `/ping`."""
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n", {})
        else:
            self._query(b"")

    def do_POST(self) -> None:
        """Answers a query in the URL, the body, or both."""
        try:
            body = self._body()
        except (wire.BadRequest, ValueError) as error:
            self.close_connection = True
            self._fail(400, str(error))
            return
        self._query(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a request line may hold a query."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks: list[bytes] = []
            total = 0
            while size := int(self.rfile.readline().split(b";")[0], 16):
                total += size
                if total > LARGEST_BODY:
                    raise wire.BadRequest("the body is too large")
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(chunks)
        length = int(self.headers.get("Content-Length", "0"))
        if length > LARGEST_BODY:
            raise wire.BadRequest("the body is too large")
        return self.rfile.read(length)

    def _query(self, body: bytes) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if not self._authentic(query):
            message = f"Code: {wire.AUTHENTICATION_FAILED}. DB::Exception: Authentication failed."
            self._fail(403, message)
            return
        try:
            call = wire.read(query, dict(self.headers.items()), body)
            answer, summary = self.server.run(call)
        except wire.BadRequest as error:
            self._fail(400, f"Code: 62. DB::Exception: {error}. (SYNTAX_ERROR)")
        except Exception as error:
            # chDB raises RuntimeError and its own kinds; each holds ClickHouse's message.
            message = str(error)
            self._fail(wire.status_of(wire.code_of(message)), message)
        else:
            headers = {
                "X-ClickHouse-Summary": orjson.dumps(summary).decode(),
                "X-ClickHouse-Query-Id": query.get("query_id") or str(uuid4()),
                "X-ClickHouse-Format": call.format,
                "X-ClickHouse-Timezone": "UTC",
            }
            self._answer(200, answer, headers)

    def _authentic(self, query: dict[str, str]) -> bool:
        user = self.headers.get("X-ClickHouse-User") or query.get("user", "")
        password = self.headers.get("X-ClickHouse-Key") or query.get("password", "")
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(value).decode().partition(":")
            except ValueError:
                return False
        given, wanted = f"{user}:{password}", f"{USER}:{self.server.password}"
        return hmac.compare_digest(given.encode(), wanted.encode())

    def _fail(self, status: int, message: str) -> None:
        code = {"X-ClickHouse-Exception-Code": str(wire.code_of(message))}
        self._answer(status, message.encode() + b"\n", code)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


def serve(folder: Path, port: int) -> None:
    """Owns the store in `folder` and answers on `port` until SIGTERM."""
    front = Front(folder, port)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # From a thread of its own: shutdown() waits for the loop that this signal interrupts.
        threading.Thread(target=front.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    front.serve_forever(poll_interval=0.1)
    front.server_close()
    front.engine.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
