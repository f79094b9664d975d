"""Requests to addresses that others name reach nothing that is ours alone."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from lrs import outgoing
from lrs.outgoing import Outgoing, Unreachable, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_addresses_that_are_ours_alone(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "::1"])
def test_loopback_by_whatever_name_is_refused(host: str) -> None:
    with pytest.raises(Unreachable):
        resolve(host, 80, private=False)


def test_loopback_is_reached_where_settings_allow_it() -> None:
    assert resolve("127.0.0.1", 80, private=True) == "127.0.0.1"


def test_a_name_with_one_address_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", both)
    with pytest.raises(Unreachable, match="not public"):
        resolve("lrs.example", 80, private=False)


def test_names_that_lead_nowhere() -> None:
    for host in ("nowhere.invalid", "a" * 70 + ".example", ""):
        with pytest.raises(Unreachable):
            resolve(host, 0, private=False)


class Handler(BaseHTTPRequestHandler):
    """Answers by path: a redirect, a long answer, or what it was told."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str | None]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Host"]))
        if self.path.endswith("/moved"):
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.endswith("/long"):
            self.send_response(200)
            self.send_header("Content-Length", str(10**9))
            self.end_headers()
        else:
            self.send_response(503)
            self.send_header("Retry-After", "7")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"no")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    """A server's port."""
    Handler.seen = []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd.server_address[1]
    httpd.shutdown()
    httpd.server_close()


def test_the_name_is_resolved_once(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = outgoing.socket.getaddrinfo
    names: list[str] = []

    def resolving(host: str, *args: Any, **more: Any) -> Any:
        names.append(host)
        return real("127.0.0.1", *args, **more)

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", resolving)
    line = Outgoing(f"http://lrs.example:{server}/xapi", private=True)
    answers = [line.post("/statements", {}, b"[]") for _ in range(3)]
    line.close()
    assert [answer.status for answer in answers] == [503] * 3
    assert answers[0].retry_after == 7
    assert names.count("lrs.example") == 1  # the others are the address, which needs no resolving
    assert set(names) <= {"lrs.example", "127.0.0.1"}
    assert Handler.seen == [("/xapi/statements", f"lrs.example:{server}")] * 3


def test_redirects_are_not_followed(server: int) -> None:
    line = Outgoing(f"http://127.0.0.1:{server}", private=True)
    assert line.post("/moved", {}, b"").status == 307
    assert [path for path, _ in Handler.seen] == ["/moved"]


def test_a_long_answer_is_not_read(server: int) -> None:
    line = Outgoing(f"http://127.0.0.1:{server}", private=True)
    assert line.post("/long", {}, b"").status == 200
    assert line.post("/other", {}, b"").status == 503


def test_nobody_there() -> None:
    with pytest.raises(Unreachable, match="no connection"):
        Outgoing("http://127.0.0.1:1/xapi", private=True).post("/statements", {}, b"")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("soon", None), ("0", 0.0), ("120", 120.0), ("-1", None)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert outgoing._seconds(header) == seconds


def test_retry_after_a_date() -> None:
    assert outgoing._seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    later = outgoing._seconds("Fri, 31 Dec 9999 23:59:59 GMT")
    assert later is not None and later > 1e6
