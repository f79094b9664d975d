"""A store of each earlier release, brought to this one: everything reads as it did, and goes on."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.services import Services
from infra.local.postgres import Postgres, binary
from infra.migrations import SERIES, Outdated, check, migrate, migrations, plan
from lrs.settings import Settings
from tests.conftest import drop_database
from tests.integration.api.conftest import Caller
from tests.upgrades.content import ITEM, VOIDED, XAPI, agent, ident, refers, statement
from tests.upgrades.make import callers
from tests.upgrades.reads import V1, answer, contains
from tests.upgrades.restore import RELEASES, kept, restore


@dataclass(frozen=True)
class Upgraded:
    """A store of an earlier release under this one."""

    settings: Settings
    services: Services
    asking: dict[str, Caller]
    answers: list[tuple[str, str, dict[str, Any]]]


def form(settings: Settings) -> str:
    """The whole schema, as `pg_dump` writes it."""
    made = subprocess.run(
        [str(binary("pg_dump")), "--schema-only", "--restrict-key=same", settings.admin_dsn],
        check=True,
        capture_output=True,
        text=True,
    )
    return made.stdout


@pytest.fixture(scope="module", params=RELEASES)
def upgraded(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    """The store, after `lrs migrate` did what `lrs migrate --plan` said."""
    data: Path = tmp_path_factory.mktemp("upgrade")
    settings = restore(postgres, request.param, data)
    with pytest.raises(Outdated):
        check(settings)
    before = form(settings)
    planned = [step.migration for step in plan(settings)]
    assert form(settings) == before, "a plan changes nothing"
    assert migrate(settings) == planned
    assert plan(settings) == [], "nothing is left to do"
    check(settings)
    with psycopg.connect(settings.admin_dsn) as connection:
        applied = connection.execute("SELECT series, name, checksum FROM migrations.applied")
        assert set(applied.fetchall()) == {
            (m.series, m.name, m.checksum) for series in SERIES for m in migrations(series)
        }
    saved = kept(request.param)
    services = Services(settings)
    yield Upgraded(settings, services, callers(services, saved["callers"]), saved["answers"])
    services.close()
    drop_database(postgres, settings)


def as_before(upgraded: Upgraded, answers: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Fails for an answer that is not what it was."""
    for who, address, before in answers:
        now = answer(upgraded.asking[who], address)
        if address.startswith(V1):
            assert contains(now, before), address
        else:
            assert now == before, address


def test_everything_reads_as_before_and_goes_on(upgraded: Upgraded) -> None:
    as_before(upgraded, upgraded.answers)
    tool = upgraded.asking["tool"]

    # New writes beside the old rows, and with them.
    old = ident("kept beside the voided")
    assert tool("POST", XAPI, json=[statement("kept beside the voided")]).status_code == 200
    taken = statement("kept beside the voided", verb={"id": "https://upgrade.example/other"})
    assert tool("POST", XAPI, json=[taken]).status_code == 409
    verb = {"id": "https://upgrade.example/verbs/new"}
    fresh = [
        statement("new", "newcomer", verb=verb, object={"id": ITEM + "/new"}),
        refers("about an old one", "kept beside the voided", actor="newcomer", verb=verb),
    ]
    assert tool("POST", XAPI, json=fresh).status_code == 200
    found = answer(tool, f"{XAPI}?verb=https%3A%2F%2Fupgrade.example%2Fverbs%2Fnew")
    assert [one["id"] for one in found["json"]["statements"]] == [
        ident("about an old one"),
        ident("new"),
    ]
    about = answer(tool, f"{XAPI}?activity=https%3A%2F%2Fupgrade.example%2Fitem%2F1&limit=500")
    assert ident("about an old one") in [one["id"] for one in about["json"]["statements"]]
    void = refers("void", "kept beside the voided", verb={"id": VOIDED})
    assert tool("POST", XAPI, json=[void]).status_code == 200
    assert answer(tool, f"{XAPI}?statementId={old}")["status"] == 404

    # A person of before is forgotten, in every form in which rows of before name them.
    officer = upgraded.asking["officer"]
    person = {key: value for key, value in agent("dalila").items() if key != "name"}
    made = officer("POST", "/api/v1/erasures", json={"actor": person, "basis": "GDPR 17"})
    assert made.status_code == 201, made.text
    assert answer(tool, f"{XAPI}?statementId={ident('actor 3')}")["status"] == 404
    assert "dalila" not in str([answer(upgraded.asking[w], a) for w, a, _ in upgraded.answers])
    assert tool("POST", XAPI, json=[statement("again", person)]).status_code == 403

    # What none of this touched is still as it was.
    touched = (old, "dalila", "Dalila")
    single = ("statementId=", "/profile?", "stateId=")
    untouched = [
        each
        for each in upgraded.answers
        if any(kind in each[1] for kind in single) and not any(t in str(each) for t in touched)
    ]
    assert len(untouched) > 250
    as_before(upgraded, untouched)
