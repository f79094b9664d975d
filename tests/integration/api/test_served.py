"""What depends on the server that the application runs in: two workers, bodies, connections."""

import gzip
from collections.abc import Iterator
from http.client import HTTPConnection
from uuid import uuid4

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import coding
from lrs.settings import Settings
from tests.conftest import started
from tests.integration.api.statements import statement
from tests.server import Client, Server, issued

XAPI = "/xapi/statements"


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Server]:
    """Two workers."""
    with started(Server(settings, api_workers=2)) as made:
        yield made


@pytest.fixture(scope="module")
def pair(settings: Settings) -> tuple[str, str]:
    """Key and secret of a tool."""
    return issued(settings)[1:]


@pytest.fixture
def client(server: Server, pair: tuple[str, str]) -> Client:
    """The tool, over one connection."""
    return Client(server.port, *pair)


def test_metrics_are_those_of_all_workers(server: Server, pair: tuple[str, str]) -> None:
    """Connections are spread over the workers; whichever is asked tells of every request."""
    clients = [Client(server.port, *pair) for _ in range(16)]
    for one in clients:
        assert one.ask("PUT", f"{XAPI}?statementId={uuid4()}", statement()).status == 400
    for one in clients:
        text = one.ask("GET", "/metrics").body.decode()
        counted = {
            (sample.labels["method"], sample.labels["status"]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "lrs_http_requests_total" and sample.labels["route"] == XAPI
        }
        assert counted["PUT", "400"] == 16


def test_a_body_in_chunks(client: Client) -> None:
    """Without a length: it ends where the sender says so."""
    sent = [statement() for _ in range(50)]
    text = orjson.dumps(sent)
    for body, more in ((text, {}), (gzip.compress(text), {"Content-Encoding": "gzip"})):
        pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
        answer = client.ask("POST", XAPI, pieces, **more)
        assert answer.json == [one["id"] for one in sent]


def test_a_body_in_chunks_beyond_the_limit(settings: Settings, pair: tuple[str, str]) -> None:
    with started(Server(settings, api_workers=1, max_body_bytes=100_000)) as small:
        pieces = (b" " * 10_000 for _ in range(20))
        client = Client(small.port, *pair)
        assert client.ask("POST", XAPI, pieces).status == 413


def test_a_connection_stays_after_a_refusal_that_read_no_body(client: Client) -> None:
    large = orjson.dumps([statement() for _ in range(1000)])
    assert len(large) > 300_000
    for version in ("0.9", "2.0.0"):
        client.version = version
        for key in ("nobody", client.key):
            one = Client(client.port, key, client.secret, version, kept=client.kept)
            status = one.ask("POST", XAPI, large).status
            assert status == (401 if key == "nobody" else 400 if version == "0.9" else 200)
    assert len(client.kept) == 1


def test_a_page_in_zstd_and_nothing_when_it_is_known(client: Client) -> None:
    verb = f"https://test.example/{uuid4()}"
    client.ask("POST", XAPI, [statement(verb={"id": verb}) for _ in range(30)])
    path = f"{XAPI}?verb={verb}"
    coded = client.ask("GET", path, Accept_Encoding="zstd")
    assert coded.headers["content-encoding"] == "zstd"
    assert len(orjson.loads(coding.zstd.decompress(coded.body))["statements"]) == 30
    known = client.ask("GET", path, If_None_Match=coded.headers["etag"])
    assert (known.status, known.body) == (304, b"")
    assert known.headers["etag"] == coded.headers["etag"]
    assert "date" in known.headers
    assert "x-experience-api-consistent-through" in known.headers
    assert client.ask("HEAD", path).headers["etag"] == coded.headers["etag"]


def test_no_connection_is_refused_for_want_of_threads(
    server: Server, pair: tuple[str, str]
) -> None:
    """Idle connections cost no thread: more of them than threads may be open."""
    idle = [HTTPConnection("127.0.0.1", server.port) for _ in range(400)]
    try:
        for one in idle:
            one.request("GET", "/health/live")
            assert one.getresponse().read()
        assert Client(server.port, *pair).ask("GET", f"{XAPI}?limit=1").status == 200
    finally:
        for one in idle:
            one.close()
