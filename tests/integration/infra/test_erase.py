"""`lrs erase` and `lrs audit` against a real instance: what is printed, and how they exit."""

import re
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from domain.credentials import Credential
from domain.roles import Role
from domain.values.version import Version
from lrs.services import Services
from tests.commands import Lrs
from tests.integration.lrs.samples import agent, statement


@pytest.fixture(scope="module")
def tool(services: Services) -> Credential:
    """A tool of the only institution."""
    institution = services.institutions.create("College").institution
    return Credential("tool", institution, "a tool", frozenset({Role.TOOL}))


def accept(services: Services, tool: Credential, name: str) -> UUID:
    sent = [statement(name), statement("zoe", context={"instructor": agent(name)})]
    return services.statements.accept(tool, sent, Version.V1_0_3).ids[0]


def test_from_dry_run_to_verified_receipt(
    services: Services, tool: Credential, lrs: Lrs, tmp_path: Path
) -> None:
    statement_id = accept(services, tool, "ada")
    actor = orjson.dumps(agent("ada")).decode()
    dry = lrs("erase", "--actor", actor, "--dry-run")
    assert dry.exit_code == 0, dry.output
    for told in ("1  statements", "1  instructor", "Nothing was changed"):
        assert told in dry.output
    before = lrs("audit", "replay", "--subject", actor)
    assert "answered" in before.output
    assert str(statement_id) in before.output

    done = lrs("erase", "--actor", actor, "--basis", "a request")
    assert done.exit_code == 0, done.output
    receipt = orjson.loads(done.stdout)
    assert "certified" in done.stderr
    key = lrs("audit", "key").stdout.strip()
    file = tmp_path / "receipt.json"
    file.write_bytes(orjson.dumps(receipt))
    assert "Genuine" in lrs("audit", "receipt", str(file), "--key", key).output
    receipt["payload"]["issued"] = "1999-01-01"
    forged = lrs("audit", "receipt", "-", "--key", key, given=orjson.dumps(receipt).decode())
    assert forged.exit_code == 1
    assert "Not genuine" in forged.output

    again = lrs("erase", "--receipt", receipt["payload"]["erasure"])
    assert orjson.loads(again.stdout)["signature"] == receipt["signature"]
    assert lrs("erase", "--actor", actor).exit_code == 2
    assert lrs("audit", "replay", "--subject", actor).exit_code == 2

    pseudonym = done.stderr.partition("Pseudonym ")[2].partition(";")[0]
    replay = lrs("audit", "replay", "--subject", pseudonym)
    for told in ("content erased", "requested by command line: a request", "certified"):
        assert told in replay.output
    lines = lrs("audit", "replay", "--json", "--as-of", "2999-01-01", "--subject", pseudonym)
    kinds = [orjson.loads(line)["kind"] for line in lines.stdout.splitlines()]
    assert kinds[:3] == ["erased", "statement", "erasure"]
    assert not re.search(r"\bada\b", replay.output + lines.output)
    finished = lrs("erase", "--pseudonym", pseudonym)
    assert orjson.loads(finished.stdout)["signature"] == orjson.loads(again.stdout)["signature"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("erase",), 2),
        (("erase", "--actor", '{"mbox":"mailto:nobody@example.org"}', "--dry-run"), 2),
        (("erase", "--actor", "{}"), 1),
        (("erase", "--actor", "{"), 1),
        (("audit", "replay", "--subject", "nonsense"), 1),
        (("erase", "--receipt", "5f0e3f0c-7f39-4c1b-9a55-5c2d1f8b7d11"), 2),
    ],
)
def test_refusals(tool: Credential, lrs: Lrs, arguments: tuple[str, ...], code: int) -> None:
    result = lrs(*arguments)
    assert result.exit_code == code, result.output
