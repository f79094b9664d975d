"""`lrs fsck` as a command: what it prints, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import psycopg
import pytest

from infra.local import demo, instance
from lrs.settings import Settings
from tests.integration.imports.test_importer import statement

pytestmark = pytest.mark.usefixtures("running")


@pytest.fixture
def running(own_settings: Settings) -> None:
    """A database with the demo institution and some statements, found by its data folder."""
    demo.bootstrap(own_settings)
    instance.write(own_settings, {})
    lines = b"".join(orjson.dumps(statement(number)) + b"\n" for number in range(20))
    assert lrs(own_settings.data, "import", "-", stdin=lines).returncode == 0


def lrs(data: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LRS_")}
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        env={**kept, "LRS_DATA": str(data)},
        input=stdin,
        capture_output=True,
        check=False,
    )


def damage(settings: Settings) -> int:
    """Deletes an index row; returns its position."""
    with psycopg.connect(settings.admin_dsn) as connection:
        row = connection.execute(
            "DELETE FROM lrs.statement_index WHERE position = (SELECT max(position)"
            " FROM lrs.statement_index) RETURNING position"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_clean_is_0(own_settings: Settings) -> None:
    done = lrs(own_settings.data, "fsck")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    told = done.stderr.decode()
    assert "20 statements" in told
    assert "Not judged: views" in told
    assert "Clean." in told


def test_findings_are_1_until_they_are_mended(own_settings: Settings) -> None:
    position = damage(own_settings)
    done = lrs(own_settings.data, "fsck")
    assert done.returncode == 1, done.stderr
    assert f"index-missing at position {position} " in done.stdout.decode()
    assert "--repair mends it" in done.stderr.decode()
    assert lrs(own_settings.data, "fsck", "--since", str(position)).returncode == 0
    done = lrs(own_settings.data, "fsck", "--repair", "--json")
    assert done.returncode == 1
    finding, summary = map(orjson.loads, done.stdout.splitlines())
    assert (finding["kind"], finding["position"]) == ("index-missing", position)
    assert summary["findings"] == {"index-missing": 1}
    assert (summary["clean"], summary["mended"]) == (False, 1)
    done = lrs(own_settings.data, "fsck", "--json")
    assert done.returncode == 0
    assert orjson.loads(done.stdout)["clean"] is True


def test_what_cannot_run_is_2(own_settings: Settings, tmp_path: Path) -> None:
    assert lrs(own_settings.data, "fsck", "--institution", "nobody").returncode == 2
    assert lrs(own_settings.data, "fsck", "--since", "then").returncode == 2
    assert lrs(tmp_path / "absent", "fsck").returncode == 2
    instance.write(own_settings.model_copy(update={"dsn": own_settings.dsn + "_absent"}), {})
    done = lrs(own_settings.data, "fsck")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
