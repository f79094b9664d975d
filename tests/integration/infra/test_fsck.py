"""`lrs fsck` as a command: what it prints, and how it ends."""

from functools import partial
from pathlib import Path

import orjson
import psycopg
import pytest

from infra.local import demo, instance
from lrs.settings import Settings
from tests.commands import Apart, lrs_of, run_apart
from tests.integration.imports.test_importer import statement


@pytest.fixture
def lrs(own_settings: Settings) -> Apart:
    """`lrs` on a database with the demo institution and some statements."""
    demo.bootstrap(own_settings)
    instance.write(own_settings, {})
    run = partial(run_apart, own_settings.data)
    lines = b"".join(orjson.dumps(statement(number)) + b"\n" for number in range(20))
    assert run("import", "-", stdin=lines).returncode == 0
    return run


def damage(settings: Settings) -> int:
    """Deletes an index row; returns its position."""
    with psycopg.connect(settings.admin_dsn) as connection:
        row = connection.execute(
            "DELETE FROM lrs.statement_index WHERE position = (SELECT max(position)"
            " FROM lrs.statement_index) RETURNING position"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_clean_is_0(lrs: Apart) -> None:
    done = lrs("fsck")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    told = done.stderr
    assert "20 statements" in told
    assert "Not judged: views" in told
    assert "Clean." in told


def test_findings_are_1_until_they_are_mended(lrs: Apart, own_settings: Settings) -> None:
    position = damage(own_settings)
    done = lrs("fsck")
    assert done.returncode == 1, done.stderr
    assert f"index-missing at position {position} " in done.stdout
    assert "--repair mends it" in done.stderr
    assert lrs("fsck", "--since", str(position)).returncode == 0
    done = lrs("fsck", "--repair", "--json")
    assert done.returncode == 1
    finding, summary = map(orjson.loads, done.stdout.splitlines())
    assert (finding["kind"], finding["position"]) == ("index-missing", position)
    assert summary["findings"] == {"index-missing": 1}
    assert (summary["clean"], summary["mended"]) == (False, 1)
    done = lrs("fsck", "--json")
    assert done.returncode == 0
    assert orjson.loads(done.stdout)["clean"] is True


def test_processes_judge_the_same(lrs: Apart, own_settings: Settings) -> None:
    assert lrs("fsck", "--processes", "2").returncode == 0
    damage(own_settings)
    assert lrs("fsck", "--processes", "2").returncode == 1


def test_interrupted_is_2(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("infra.cli.fsck.fsck", interrupted)
    done = lrs_of(own_settings)("fsck")
    assert done.exit_code == 2
    assert "could not run: interrupted" in done.output


def test_what_cannot_run_is_2(lrs: Apart, own_settings: Settings, tmp_path: Path) -> None:
    assert lrs("fsck", "--institution", "nobody").returncode == 2
    assert lrs("fsck", "--since", "then").returncode == 2
    assert run_apart(tmp_path / "absent", "fsck").returncode == 2
    instance.write(own_settings.model_copy(update={"dsn": own_settings.dsn + "_absent"}), {})
    done = lrs("fsck")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
