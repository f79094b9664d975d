"""The live stream: what matches, as it comes, once, and again from wherever a reader was."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from json import dumps, loads
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.serving import make_server

from api.services import Services
from domain.people import canonical_ifi
from domain.roles import Role
from tests.integration.api.conftest import Caller, basic
from tests.integration.api.statements import COURSE, statement, voiding

XAPI = "/xapi/statements"
LIVE = "/api/v1/statements/live"
PASSED = "http://adlnet.gov/expapi/verbs/passed"


class Reader:
    """A client of the stream, as the HTML standard describes one."""

    def __init__(
        self,
        port: int,
        caller: Caller,
        last: str | None = None,
        method: str = "GET",
        **query: Any,
    ) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": basic(caller.key, caller.secret)}
        if last is not None:
            headers["Last-Event-ID"] = last
        self.connection.request(method, f"{LIVE}?{urlencode(query)}", headers=headers)
        self.response: HTTPResponse = self.connection.getresponse()
        self.last = last
        self.comments = 0

    def next(self) -> dict[str, Any] | None:
        """Returns the next statement, or None at the end."""
        data = None
        while line := self.response.readline():
            match line.rstrip(b"\n").partition(b":"):
                case (b"id", _, value):
                    self.last = value.strip().decode()
                case (b"data", _, value):
                    data = loads(value)
                case (b"", b":", _):
                    self.comments += 1
                case (b"", b"", b"") if data is not None:
                    return data
        return None

    def beat(self) -> bool:
        """Returns whether a comment came before the end."""
        before = self.comments
        while self.comments == before:
            line = self.response.readline()
            if not line:
                return False
            self.comments += line.startswith(b":")
        return True

    def close(self) -> None:
        """Hangs up."""
        self.response.close()
        self.connection.close()


@pytest.fixture
def port(app: Flask, services: Services) -> Iterator[int]:
    """Where the app listens; its streams beat often."""
    services.lrs.live.beat_seconds = 0.3
    server = make_server("127.0.0.1", 0, app, threaded=True)

    Thread(target=server.serve_forever, daemon=True).start()
    yield server.port
    server.shutdown()


def store(caller: Caller, *statements: dict[str, Any]) -> list[str]:
    for each in statements:
        assert caller("POST", XAPI, json=each).status_code == 200
    return [each["id"] for each in statements]


def opened(port: int, caller: Caller, **query: Any) -> Reader:
    reader = Reader(port, caller, **query)
    assert reader.response.status == 200, reader.response.read()
    assert reader.response.headers["Content-Type"].startswith("text/event-stream")
    return reader


def opened_in_time(port: int, caller: Caller) -> Reader:
    """Opens a stream; a reader that hung up just now keeps its place until the next write to it."""
    end = monotonic() + 20
    while monotonic() < end:
        reader = Reader(port, caller)
        if reader.response.status == 200:
            return reader
        reader.close()
        sleep(0.1)
    pytest.fail("no place became free")


def test_new_statements_come_as_they_are_read(port: int, tool: Caller) -> None:
    store(tool, statement())
    with closing(opened(port, tool)) as reader:
        ids = store(tool, statement(), statement(), statement())
        came = [reader.next() for _ in ids]
    assert [each["id"] for each in came if each] == ids
    assert came[0] == tool("GET", f"{XAPI}?statementId={ids[0]}").json


def test_a_reader_that_comes_back_misses_nothing(port: int, tool: Caller) -> None:
    with closing(opened(port, tool)) as reader:
        first = store(tool, statement())
        came = reader.next()
        assert came and [came["id"]] == first
    missed = store(tool, statement(), statement())
    with closing(opened(port, tool, last=reader.last)) as again:
        new = store(tool, statement())
        assert [(again.next() or {})["id"] for _ in range(3)] == missed + new


def test_a_comment_moves_where_to_go_on(port: int, tool: Caller) -> None:
    with closing(opened(port, tool, verb=PASSED)) as reader:
        store(tool, statement())
        start = reader.last
        assert reader.beat() and reader.beat()
        reader.response.readline()
        assert reader.last == start
    with closing(opened(port, tool, last=reader.last, verb=PASSED)) as again:
        ids = store(tool, statement(verb={"id": PASSED}))
        assert (again.next() or {})["id"] == ids[0]


def test_filters_are_those_of_the_statements_resource(port: int, tool: Caller) -> None:
    """Also for somebody who is known to nobody yet; voided ones do not come."""
    agent = {"mbox": "mailto:zuri@students.example"}
    with closing(
        opened(port, tool, agent=dumps(agent), verb=PASSED, activity=COURSE, format="ids")
    ) as reader:
        gone = statement("zuri", verb={"id": PASSED})
        wanted = statement("zuri", verb={"id": PASSED})
        store(tool, statement("amina", verb={"id": PASSED}), statement("zuri"))
        assert tool("POST", XAPI, json=[gone, voiding(gone["id"])]).status_code == 200
        store(tool, wanted)
        ids = [(reader.next() or {})["id"] for _ in range(2)]
        assert ids[1] == wanted["id"]
        assert ids[0] != gone["id"]


def test_a_reference_that_came_first_comes_when_it_matches(port: int, tool: Caller) -> None:
    with closing(opened(port, tool, verb=PASSED)) as reader:
        match = statement(verb={"id": PASSED})
        early = statement(object={"objectType": "StatementRef", "id": match["id"]})
        store(tool, early, match)
        assert (reader.next() or {})["id"] == early["id"]
        between = reader.last
        assert (reader.next() or {})["id"] == match["id"]
    with closing(opened(port, tool, last=between, verb=PASSED)) as again:
        came = [(again.next() or {})["id"] for _ in range(2)]
        assert came[-1] == match["id"]


def test_nothing_of_another_institution(port: int, tool: Caller, stranger: Caller) -> None:
    with closing(opened(port, tool)) as reader, closing(opened(port, stranger)) as other:
        theirs, ours = store(stranger, statement()), store(tool, statement())
        assert (reader.next() or {})["id"] == ours[0]
        assert (other.next() or {})["id"] == theirs[0]


def test_an_erased_person_does_not_come(
    port: int, tool: Caller, services: Services, institution: UUID
) -> None:
    with closing(opened(port, tool)) as reader:
        store(tool, statement())
        assert reader.next()
    store(tool, statement("leaving"))
    kept = store(tool, statement("staying"))
    ifi = canonical_ifi(statement("leaving")["actor"]) or ""
    pseudonym = services.lrs.people.find(institution, ifi)
    with services.pool.connection() as connection:
        connection.execute("SELECT lrs.fence_person(%s, %s)", [institution, pseudonym])
    with closing(opened(port, tool, last=reader.last)) as again:
        assert (again.next() or {})["id"] == kept[0]


@pytest.mark.parametrize("in_this_process", [True, False])
def test_a_revoked_credential_ends_it(
    port: int, services: Services, institution: UUID, app: Flask, in_this_process: bool
) -> None:
    key, secret = services.credentials.issue(institution, "for a while", [Role.TOOL])
    with closing(opened(port, Caller(app.test_client(), key, secret))) as reader:
        assert all(reader.beat() for _ in range(3))
        if in_this_process:
            services.credentials.revoke(institution, key)
        else:
            with services.pool.connection() as connection:
                connection.execute(
                    "UPDATE lrs.credentials SET revoked_at = now() WHERE key = %s", [key]
                )
        began = monotonic()
        while reader.beat():
            assert monotonic() - began < 5


def test_a_new_secret_ends_what_the_old_one_opened(
    port: int, services: Services, institution: UUID, app: Flask
) -> None:
    key, secret = services.credentials.issue(institution, "rotated", [Role.TOOL])
    with closing(opened(port, Caller(app.test_client(), key, secret))) as reader:
        assert all(reader.beat() for _ in range(3))
        services.credentials.rotate(institution, key)
        began = monotonic()
        while reader.beat():
            assert monotonic() - began < 5


def test_who_may_not_read_statements_gets_none(port: int, callers: dict[Role, Caller]) -> None:
    for role in (Role.INSTRUCTOR, Role.ANALYST, Role.OPERATOR):
        with closing(Reader(port, callers[role])) as reader:
            assert reader.response.status == 403


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "1"}, "limit"),
        ({"since": "2026-01-01T00:00:00Z"}, "since"),
        ({"statementId": "x"}, "statementId"),
        ({"verb": "passed"}, "verb"),
        ({"agent": "{}"}, "agent"),
        ({"registration": "1"}, "registration"),
        ({"more": "x"}, "more"),
    ],
)
def test_wrong_parameters_are_refused(
    port: int, tool: Caller, query: dict[str, str], pointer: str
) -> None:
    with closing(Reader(port, tool, **query)) as reader:
        assert reader.response.status == 400
        assert loads(reader.response.read())["pointer"].startswith(pointer)


@pytest.mark.parametrize("last", ["", "x", "-1", "1.5", "9" * 30])
def test_wrong_ids_are_refused(port: int, tool: Caller, last: str) -> None:
    with closing(Reader(port, tool, last=last)) as reader:
        assert reader.response.status == 400
        assert loads(reader.response.read())["pointer"] == "Last-Event-ID"


def test_no_more_than_there_is_room_for(port: int, tool: Caller, services: Services) -> None:
    """And a place is free again when a reader has hung up."""
    most = services.settings.live_streams
    readers = [opened_in_time(port, tool) for _ in range(most)]
    with closing(Reader(port, tool)) as refused:
        assert refused.response.status == 503
        assert int(refused.response.headers["Retry-After"]) > 0
    assert tool("GET", XAPI).status_code == 200
    for reader in readers:
        reader.close()
    opened_in_time(port, tool).close()


def test_who_asks_for_the_head_keeps_no_place(port: int, tool: Caller, services: Services) -> None:
    for _ in range(services.settings.live_streams + 1):
        with closing(Reader(port, tool, method="HEAD")) as reader:
            assert reader.response.status == 200
