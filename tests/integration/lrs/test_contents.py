"""Contents that become nobody's: interrupted uploads are told from others, and swept."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from threading import Event
from uuid import UUID

import psycopg
import pytest

from domain.credentials import Credential
from domain.documents import Kind, Preconditions
from domain.errors import Overloaded
from domain.values.version import Version
from infra.processes.jobs import JOBS
from infra.processes.jobs import uploads as uploads_job
from lrs.attachments import Sent
from lrs.contents import CHUNK
from lrs.documents import Address
from lrs.services import Services
from tests.integration.lrs.samples import Json, agent, statement

NOW = timedelta()


def uploads(services: Services) -> set[UUID]:
    with services.pool.connection() as connection:
        return {row[0] for row in connection.execute("SELECT content_id FROM lrs.uploads")}


def chunks(services: Services) -> int:
    with services.pool.connection() as connection:
        row = connection.execute("SELECT count(*) FROM lrs.contents").fetchone()
    assert row is not None
    return int(row[0])


def essay(content: bytes) -> Json:
    return {
        "usageType": "https://example.org/essay",
        "display": {"en": "Essay"},
        "contentType": "text/plain",
        "length": len(content),
        "sha2": sha256(content).hexdigest(),
    }


def interrupt(services: Services, tool: Credential, size: int) -> None:
    """Leaves what a process leaves that is killed in the middle of an upload."""
    services.contents.sweep(NOW)
    institution = tool.institution
    key = services.keyring.current(institution, [institution])[institution]
    services.contents.write(institution, key, [b"x" * size])


def test_what_an_interrupted_upload_left_is_swept_after_a_while(
    services: Services, tool: Credential
) -> None:
    before = chunks(services)
    interrupt(services, tool, 2 * CHUNK + 1)
    assert chunks(services) == before + 3
    assert services.contents.sweep() == 0
    assert chunks(services) == before + 3
    assert services.contents.sweep(NOW) == 1
    assert chunks(services) == before
    assert services.contents.sweep(NOW) == 0


def test_what_is_somebodys_is_no_upload_any_more(services: Services, tool: Credential) -> None:
    services.contents.sweep(NOW)
    place = Address(Kind.AGENT_PROFILE, "p", agent=agent("ada"))
    new = Preconditions(if_none_match="*")
    services.documents.put(
        tool.institution, place, b"d" * 10, "text/plain", preconditions=new, version=Version.V2_0_0
    )
    content = b"an essay" * 1000
    sent = statement(attachments=[essay(content)])
    services.statements.accept(
        tool, [sent], Version.V1_0_3, [Sent(sha256(content).hexdigest(), [content])]
    )
    assert uploads(services) == set()
    before = chunks(services)
    assert services.contents.sweep(NOW) == 0
    assert chunks(services) == before


def test_a_dropped_content_is_no_upload(services: Services, tool: Credential) -> None:
    institution = tool.institution
    key = services.keyring.current(institution, [institution])[institution]

    def broken() -> Iterator[bytes]:
        yield b"x" * CHUNK
        raise ConnectionError

    services.contents.sweep(NOW)
    before = chunks(services)
    with pytest.raises(ConnectionError):
        services.contents.write(institution, key, broken())
    assert (chunks(services), uploads(services)) == (before, set())


def test_an_upload_that_was_swept_is_refused_and_leaves_nothing(
    services: Services, tool: Credential
) -> None:
    """So slow that it counts as interrupted, and then goes on."""
    services.contents.sweep(NOW)
    before = chunks(services)
    content = b"y" * (3 * CHUNK)

    def slow() -> Iterator[bytes]:
        yield content[: 2 * CHUNK]
        assert services.contents.sweep(NOW) == 1
        yield content[2 * CHUNK :]

    sent = statement(attachments=[essay(content)])
    with pytest.raises(Overloaded):
        services.statements.accept(
            tool, [sent], Version.V1_0_3, [Sent(sha256(content).hexdigest(), slow())]
        )
    assert (chunks(services), uploads(services)) == (before, set())


def test_the_jobs_sweep(services: Services, tool: Credential) -> None:
    before = chunks(services)
    interrupt(services, tool, CHUNK)
    job = uploads_job(services)
    job.run(Event())
    assert chunks(services) == before + 1, "it may still be under way"
    with psycopg.connect(services.settings.admin_dsn) as connection:
        connection.execute("UPDATE lrs.uploads SET started_at = now() - interval '61 minutes'")
    job.run(Event())
    assert (chunks(services), uploads(services)) == (before, set())
    assert uploads_job in JOBS
