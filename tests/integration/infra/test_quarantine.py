"""`lrs quarantine` and `lrs credentials tolerate` against a real instance; the job that expires."""

from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest

from domain.errors import Invalid
from domain.roles import Role
from domain.values.version import Version
from infra.processes.jobs import quarantine
from lrs.services import Services
from lrs.settings import Settings
from tests.commands import Lrs
from tests.integration.lrs.samples import statement


@pytest.fixture(scope="module")
def institution(services: Services) -> UUID:
    """The only institution."""
    return services.institutions.create("College").institution


@pytest.fixture
def key(services: Services, institution: UUID) -> str:
    """A tool."""
    return services.credentials.issue(institution, "a tool", [Role.TOOL])[0]


def refuse(services: Services, institution: UUID, key: str, sent: dict[str, object]) -> UUID:
    refusal = Invalid("/object/id", "iri", "must be an IRI")
    holder = services.credentials.sender(institution, key)
    item = services.refusals.keep(holder, sent, refusal, Version.V2_0_0)
    assert item is not None
    return item


def test_listed_shown_replayed_after_a_fix(
    services: Services, institution: UUID, key: str, lrs: Lrs
) -> None:
    sent = statement(object={"id": str(uuid4())})
    item = str(refuse(services, institution, key, sent))
    listed = lrs("quarantine", "list", "--credential", key, "--reason", "invalid")
    assert listed.exit_code == 0, listed.output
    assert item in listed.output and "invalid: iri" in listed.output
    assert item not in lrs("quarantine", "list", "--since", "2999-01-01").output
    shown = lrs("quarantine", "show", item)
    assert orjson.loads(shown.stdout) == sent
    assert "statement 0  /object/id  iri" in shown.stderr
    assert lrs("quarantine", "replay", item).exit_code == 1
    tolerated = lrs("credentials", "tolerate", key, "--allow", "uuid-activity-id")
    assert tolerated.output == "Tolerated: uuid-activity-id.\n"
    assert "tool,all,uuid-activity-id" in lrs("credentials", "list").output
    replayed = lrs("quarantine", "replay", item)
    assert (replayed.exit_code, replayed.output) == (0, f"{sent['id']}\n")
    assert lrs("quarantine", "show", item).exit_code == 1


def test_replayed_with_a_correction(
    services: Services, institution: UUID, key: str, lrs: Lrs, tmp_path: Path
) -> None:
    sent = statement()
    item = str(refuse(services, institution, key, {**sent, "object": {"id": "x"}}))
    one, several = tmp_path / "one.json", orjson.dumps([sent]).decode()
    one.write_bytes(orjson.dumps({**sent, "verb": {}}))
    assert lrs("quarantine", "replay", item, "--statements", str(one)).exit_code == 1
    done = lrs("quarantine", "replay", item, "--statements", "-", given=several)
    assert done.output == f"{sent['id']}\n"


def test_dropped(services: Services, institution: UUID, key: str, lrs: Lrs) -> None:
    items = [str(refuse(services, institution, key, statement())) for _ in range(2)]
    assert lrs("quarantine", "drop", *items).output == "Dropped 2.\n"
    assert lrs("quarantine", "drop", items[0]).exit_code == 1


def test_a_revoked_credential_cannot_be_replayed_for(
    services: Services, institution: UUID, key: str, lrs: Lrs
) -> None:
    item = str(refuse(services, institution, key, statement()))
    services.credentials.revoke(institution, key)
    refused = lrs("quarantine", "replay", item)
    assert refused.exit_code == 1 and "revoked" in refused.output


def test_the_job_expires(
    services: Services, institution: UUID, key: str, settings: Settings
) -> None:
    item = refuse(services, institution, key, statement())
    with psycopg.connect(settings.admin_dsn) as connection:
        connection.execute(
            "UPDATE lrs.quarantine SET received_at = now() - interval '31 days' WHERE item = %s",
            [item],
        )
    quarantine(services).run(Event())
    assert item not in {each.id for each in services.quarantine.page(institution, credential=key)}
