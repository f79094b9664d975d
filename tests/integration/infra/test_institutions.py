"""`lrs institutions usage`, `quota` and `erase` against a real instance."""

from pathlib import Path

import orjson

from domain.credentials import Credential
from domain.roles import Role
from domain.values.version import Version
from lrs.services import Services
from tests.commands import Lrs
from tests.integration.lrs.samples import statement


def college(services: Services, name: str, number: int = 2) -> Credential:
    """Returns a tool of a new institution that has stored so many statements."""
    institution = services.institutions.create(name).institution
    tool = Credential("tool", institution, "a tool", frozenset({Role.TOOL}))
    sent = [statement(f"learner {n}") for n in range(number)]
    services.statements.accept(tool, sent, Version.V1_0_3)
    while not services.usage.count():
        pass
    return tool


def test_usage_and_quota(services: Services, lrs: Lrs) -> None:
    tool = college(services, "Counted college", 3)
    listed = lrs("institutions", "usage")
    assert listed.exit_code == 0, listed.output
    (line,) = [line for line in listed.output.splitlines() if "Counted college" in line]
    assert line.split()[:2] == ["3", "3"]
    days = lrs("institutions", "usage", "Counted college")
    assert "Counted until" in days.output and "           3" in days.output

    shown = lrs("institutions", "quota", "Counted college")
    assert "3 of no limit" in shown.output
    assert lrs("institutions", "quota", str(tool.institution), "--statements", "10").exit_code == 0
    both = lrs("institutions", "quota", str(tool.institution), "--per-day", "5")
    assert "3 of 10" in both.output and "3 of 5" in both.output
    freed = lrs("institutions", "quota", "Counted college", "--statements", "none")
    assert "3 of no limit" in freed.output and "3 of 5" in freed.output
    wrong = lrs("institutions", "quota", "Counted college", "--bytes", "-1")
    assert wrong.exit_code == 2
    assert lrs("institutions", "quota", "Nowhere").exit_code == 2


def test_erasing_asks_for_the_name(services: Services, lrs: Lrs, tmp_path: Path) -> None:
    tool = college(services, "Last college")
    dry = lrs("institutions", "erase", "Last college", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "2  statements" in dry.stderr and "Nothing was changed" in dry.stderr
    wrong = lrs("institutions", "erase", "Last college", given="first college\n")
    assert wrong.exit_code == 1
    assert "nothing was changed" in wrong.output
    assert "Last college" in lrs("institutions", "list").output

    done = lrs("institutions", "erase", "Last college", "--basis", "x", given="Last college\n")
    assert done.exit_code == 0, done.output
    # The runner echoes what was typed.
    receipt = orjson.loads(done.stdout[done.stdout.index("{") :])
    assert receipt["payload"]["institution"] == str(tool.institution)
    assert "certified" in done.stderr
    key = lrs("audit", "key").stdout.strip()
    file = tmp_path / "receipt.json"
    file.write_bytes(orjson.dumps(receipt))
    assert "Genuine" in lrs("audit", "receipt", str(file), "--key", key).output

    assert "Last college" not in lrs("institutions", "list").output
    again = lrs("institutions", "erase", str(tool.institution), "--receipt")
    assert orjson.loads(again.stdout) == receipt
    assert lrs("institutions", "erase", "Last college").exit_code == 2
    assert lrs("institutions", "quota", str(tool.institution)).exit_code == 2


def test_a_script_does_not_ask(services: Services, lrs: Lrs) -> None:
    college(services, "Scripted college")
    done = lrs("institutions", "erase", "Scripted college", "--yes")
    assert done.exit_code == 0, done.output
    assert orjson.loads(done.stdout)["payload"]["stores"]
    other = services.institutions.create("Untouched").institution
    refused = lrs("institutions", "erase", str(other), "--receipt")
    assert refused.exit_code == 1
    assert "Untouched" in lrs("institutions", "list").output
