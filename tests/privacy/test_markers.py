"""Nothing of a person stands in clear anywhere: the raw bytes of every store and every log.

The real thing runs - the API, relay and worker as processes, Postgres, Kafka, ClickHouse - and is
fed markers in every field, in good requests and in bad ones. Then all their files are read. What
could hide a marker by compression is switched off; and each kind of store gets one word in clear,
which the same scan must find.
"""

import asyncio
import base64
import http.client
import random
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import clickhouse_connect
import orjson
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from psycopg import sql

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.roles import Role
from domain.values.version import Version
from infra.local import postgres as local_postgres
from infra.local.clickhouse import ClickHouse
from infra.local.kafka import Kafka
from infra.local.postgres import ADMIN, DATABASE, Postgres
from infra.local.process import free_port
from infra.migrations import migrate
from lrs.attachments import Sent
from lrs.documents import Address
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.pipeline import log_file, streams
from tests.privacy.markers import Json, Markers
from tests.privacy.scanner import Hit, guises, scan


def random_word() -> str:
    """Letters that nothing else in any file has."""
    return "".join(random.SystemRandom().choices(string.ascii_lowercase, k=14))


@dataclass
class Fed:
    """What the run left behind: where its files are, what was planted, what it answered."""

    settings: Settings
    folders: dict[str, Path]
    markers: Markers
    canaries: dict[str, str]
    metrics: bytes


@pytest.fixture(scope="module")
def plain_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of our own that compresses nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(local_postgres.SETTINGS, "wal_compression", "off")
        server = Postgres(tmp_path_factory.mktemp("plain-postgres"))
        server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def fed(
    plain_postgres: Postgres,
    kafka: Kafka,
    clickhouse: ClickHouse,
    tmp_path_factory: pytest.TempPathFactory,
) -> Fed:
    """The run."""
    settings = Settings(
        data=tmp_path_factory.mktemp("markers"),
        **plain_postgres.dsns(),
        kafka=kafka.bootstrap,
        kafka_partitions=2,
        topic_prefix=f"markers-{uuid4().hex}",
        clickhouse_url=clickhouse.url,
        port=free_port(),
        log_level="debug",
        max_body_bytes=400 * 1024,
    )
    migrate(settings)
    compress_nothing(plain_postgres)
    markers = Markers(random_word())
    services = open_services(settings)
    try:
        metrics = feed(services, markers)
    finally:
        services.close()
    folders = {
        "postgres": plain_postgres.folder,
        "kafka": kafka.folder,
        "clickhouse": clickhouse.folder,
        "logs": settings.data,
    }
    canaries = {store: random_word() for store in folders}
    plant(settings, plain_postgres, canaries)
    with psycopg.connect(plain_postgres.admin_dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    return Fed(settings, folders, markers, canaries, metrics)


def compress_nothing(server: Postgres) -> None:
    """Keeps long values of every table as they are."""
    with psycopg.connect(server.dsn_of(ADMIN, DATABASE), autocommit=True) as connection:
        columns = connection.execute(
            "SELECT n.nspname, c.relname, a.attname FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname IN ('lrs', 'keystore', 'views', 'streams') AND c.relkind = 'r'"
            " AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage IN ('x', 'm')"
        ).fetchall()
        for schema, table, column in columns:
            connection.execute(
                sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE EXTERNAL").format(
                    sql.Identifier(schema, table), sql.Identifier(column)
                )
            )


def feed(services: Services, markers: Markers) -> bytes:
    """Plants all markers by every way in; returns what /metrics says at the end."""
    settings = services.settings
    institution = services.institutions.create("College").institution
    issue = services.credentials.issue
    tool = issue(institution, markers.word("toollabel"), [Role.TOOL])
    officer = issue(institution, markers.word("officerlabel"), [Role.OFFICER])
    documents(services, services.credentials.verify(*tool), markers)
    with streams(settings) as running, api(settings) as port:
        ask = Asker(port)
        sent = markers.statements()
        assert ask("POST", "/xapi/statements", tool, sent)[0] == 200
        bad_requests(ask, tool, markers, sent[0])
        agent = quote(orjson.dumps(sent[0]["actor"]).decode())
        assert ask("GET", f"/xapi/statements?agent={agent}", tool)[0] == 200
        subject = quote(orjson.dumps(sent[1]["actor"]).decode())
        assert ask("GET", f"/api/v1/audit/replay?subject={subject}", officer)[0] == 200
        running.wait(services.store.last(), 60)
        erasure = {"actor": sent[0]["actor"], "basis": markers.word("basis")}
        assert ask("POST", "/api/v1/erasures", officer, erasure)[0] == 201
        assert ask("POST", "/xapi/statements", tool, sent[:1])[0] == 403
        running.wait(services.store.last(), 60)
        imported(settings, markers)
        lrs(settings, "release", "--now")
        lrs(settings, "erase", "--actor", orjson.dumps(sent[1]["actor"]).decode())
        lrs(settings, "erase", "--actor", orjson.dumps(markers.mbox("nobody")).decode(), fails=True)
        running.wait(services.store.last(), 60)
        return ask("GET", "/metrics")[1]


def imported(settings: Settings, markers: Markers) -> None:
    """Imports a file, half of it refused; the file itself is not ours to keep clean."""
    person, activity = markers.mbox("imported"), markers.activity("object")
    good = markers.statement(person, activity, "eight")
    bad = [
        {**good, "id": str(uuid4()), "actor": {"mbox": markers.word("importedmbox")}},
        {**good, "id": str(uuid4()), markers.word("importedkey"): 1},
        {**good, "id": str(uuid4()), "context": {"extensions": {markers.word("notiri"): 1}}},
    ]
    bad += [
        {**good, "id": markers.word("importedid")},
        {**good, "version": markers.word("version")},
    ]
    key = markers.word("twice")
    malformed = [f'{{"{key}": 1, "{key}": 2}}', f'{{"{markers.word("cutshort")}"']
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        lines = [orjson.dumps(one) for one in (good, *bad)]
        file.write(b"\n".join([*lines, *(line.encode() for line in malformed)]))
        file.flush()
        lrs(settings, "import", file.name)


def documents(services: Services, tool: Credential, markers: Markers) -> None:
    """Keeps a document and an attachment."""
    person, activity = markers.mbox("documentowner"), markers.iri("documentactivity")
    for address in (
        Address(Kind.STATE, markers.word("stateid"), activity, person, uuid4()),
        Address(Kind.AGENT_PROFILE, markers.word("profileid"), agent=person),
        Address(Kind.ACTIVITY_PROFILE, markers.word("aboutid"), activity),
    ):
        services.documents.put(
            tool.institution,
            address,
            orjson.dumps({markers.word("documentkey"): markers.word("documentvalue") * 9999}),
            "application/json",
            preconditions=Preconditions(if_none_match="*"),
            version=Version.V2_0_0,
        )
    content = markers.word("attachment").encode() * 50_000
    attachment = markers.attachment("sent") | {"sha2": sha256(content).hexdigest()}
    statement = markers.statement(person, markers.activity("object"), "seven")
    services.statements.accept(
        tool,
        [statement | {"attachments": [attachment]}],
        Version.V1_0_3,
        [Sent(attachment["sha2"], [content])],
    )


def bad_requests(ask: "Asker", tool: tuple[str, str], markers: Markers, good: Json) -> None:
    """What is refused must not be told to anybody but its sender."""
    word = markers.word
    broken = {
        "mbox": {**good, "actor": {"mbox": word("refusedmbox")}},
        "verb": {**good, "verb": {"id": word("refusedverb")}},
        "unknown": {**good, word("refusedkey"): word("refusedvalue")},
        "conflict": {**good, "verb": {"id": markers.iri("conflictverb")}},
    }
    for name, statement in broken.items():
        expected = 409 if name == "conflict" else 400
        assert ask("POST", "/xapi/statements", tool, statement)[0] == expected, name
    refused = [
        ("POST", "/xapi/statements", tool, f'{{"{word("notjson")}": '.encode(), 400),
        ("POST", "/xapi/statements", tool, b'["' + word("large").encode() * 25_000, 413),
        ("GET", f"/xapi/statements?{word('parameter')}={word('argument')}", tool, None, 400),
        ("GET", f"/xapi/statements?since={word('since')}", tool, None, 400),
        ("GET", f"/{word('path')}", tool, None, 404),
        ("GET", "/xapi/statements", (word("key"), word("secret")), None, 401),
        ("POST", f"/api/v1/erasures?x={word('query')}", tool, {"actor": {}}, 403),
    ]
    for method, path, who, body, status in refused:
        assert ask(method, path, who, body)[0] == status, path


class Asker:
    """Sends requests to the API."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(
        self,
        method: str,
        path: str,
        who: tuple[str, str] | None = None,
        body: object = None,
    ) -> tuple[int, bytes]:
        headers = {"X-Experience-API-Version": "2.0.0", "Content-Type": "application/json"}
        if who is not None:
            pair = base64.b64encode(":".join(who).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class api:
    """Runs `lrs api` as a process; gives its port."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __enter__(self) -> int:
        with log_file(self.settings, "api").open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "infra.cli", "api", "--data", str(self.settings.data)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + 30
        while True:
            try:
                Asker(self.settings.port)("GET", "/health/live")
                return self.settings.port
            except OSError:
                assert self.child.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.child.terminate()
        self.child.wait(15)


def lrs(settings: Settings, *arguments: str, fails: bool = False) -> None:
    """Runs a command; what it tells of errors goes to a log as well."""
    with log_file(settings, "command").open("ab") as log:
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli", *arguments, "--data", str(settings.data)],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    assert (done.returncode != 0) is fails, log_file(settings, "command").read_text()


def plant(settings: Settings, server: Postgres, canaries: dict[str, str]) -> None:
    """Puts one word in clear into each kind of store."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.canary (word text)")
        connection.execute("INSERT INTO public.canary VALUES (%s)", [canaries["postgres"]])
    asyncio.run(_produce(settings, canaries["kafka"]))
    url = settings.clickhouse_url
    client = clickhouse_connect.get_client(dsn=url)
    client.command("CREATE TABLE canary (word String) ENGINE = MergeTree ORDER BY word")
    client.insert("canary", [[canaries["clickhouse"]]], column_names=["word"])
    client.close()
    log_file(settings, "canary").write_text(canaries["logs"])


async def _produce(settings: Settings, word: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        await producer.send_and_wait(f"{settings.topic_prefix}.dead-letters", word.encode())


def told(hits: list[Hit]) -> str:
    """Returns the hits for a reader."""
    return "\n".join(f"{hit.file.name} ({hit.guise}): {hit.around}" for hit in hits)


def test_no_marker_stands_in_clear(fed: Fed) -> None:
    hits = scan(fed.folders.values(), guises(fed.markers.prefix))
    assert not hits, told(hits)
    assert fed.markers.prefix.encode() not in fed.metrics


def test_no_unkeyed_digest_of_an_identifier_stands_anywhere(fed: Fed) -> None:
    hits = scan(fed.folders.values(), fed.markers.digests())
    assert not hits, told(hits)


@pytest.mark.parametrize("store", ["postgres", "kafka", "clickhouse", "logs"])
def test_a_word_in_clear_is_found(fed: Fed, store: str) -> None:
    hits = scan([fed.folders[store]], guises(fed.canaries[store]))
    assert hits
    if store == "postgres":
        where = {hit.file.parent.name for hit in hits}
        assert "pg_wal" in where, "the write-ahead log too"
        assert where - {"pg_wal"}, "and the heap"


@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_every_guise_is_found(tmp_path: Path, before: bytes) -> None:
    word = random_word()
    whole = before + word.encode() + b" and more"
    written = {
        "utf-8": whole,
        "utf-16": whole.decode().encode("utf-16-le"),
        "hex": whole.hex().encode(),
        "HEX": whole.hex().upper().encode(),
        "base64": base64.b64encode(whole),
        "url": base64.urlsafe_b64encode(whole),
    }
    for name, content in written.items():
        (tmp_path / name).write_bytes(b"\0" * 5000 + content)
    found = {hit.file.name for hit in scan([tmp_path], guises(word))}
    assert found == set(written)
    assert not scan([tmp_path], guises(random_word()))
