"""`lrs import` and `lrs export` as commands: exit codes, reports, and what survives kill -9."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.local import demo, instance
from lrs.settings import Settings
from tests.integration.imports.test_importer import statement

pytestmark = pytest.mark.usefixtures("running")


@pytest.fixture
def running(own_settings: Settings) -> None:
    """A database with the demo institution, which commands find by its data folder."""
    demo.bootstrap(own_settings)
    instance.write(own_settings, {})


def lrs(
    settings: Settings, *arguments: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments),
        env=environment(settings),
        input=stdin,
        capture_output=True,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "infra.cli", *arguments]


def environment(settings: Settings) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LRS_")}
    return {**kept, "LRS_DATA": str(settings.data)}


def lines(values: list[Any]) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def test_files_and_standard_input_in_and_out(own_settings: Settings, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.jsonl.gz"
    one.write_bytes(orjson.dumps([statement(n) for n in range(10)]))
    two.write_bytes(gzip.compress(lines([statement(n) for n in range(20)]) + b"nonsense\n"))
    done = lrs(
        own_settings, "import", str(one), str(two), "-", stdin=lines([statement(1), statement(2)])
    )
    assert done.returncode == 0, done.stderr
    assert "10 statements (10 accepted, 0 already there, 0 refused)" in done.stdout
    assert "21 statements (20 accepted, 0 already there, 1 refused)" in done.stdout
    assert "refused by json: 1" in done.stdout
    assert "standard input: 2 statements (2 accepted" in done.stdout
    report = Path(done.stdout.split("reasons: ")[1].splitlines()[0])
    assert orjson.loads(report.read_bytes())["number"] == 21
    out = tmp_path / "out.jsonl"
    done = lrs(own_settings, "export", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert len(out.read_bytes().splitlines()) == 32
    assert out.stat().st_mode & 0o777 == 0o600
    assert lrs(own_settings, "export").stdout.encode() == out.read_bytes()


def test_wrong_use_is_2(own_settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(lines([statement(1)]))
    assert lrs(own_settings, "import").returncode == 2
    assert lrs(own_settings, "import", str(tmp_path / "absent")).returncode == 2
    assert lrs(own_settings, "import", "--institution", "nobody", str(file)).returncode == 2
    assert lrs(own_settings, "import", "--as", "nobody", str(file)).returncode == 2
    officer = demo.bootstrap(own_settings)["officer"]["key"]
    assert lrs(own_settings, "import", "--as", officer, str(file)).returncode == 2


def test_the_authority_is_who_imports(own_settings: Settings) -> None:
    tool = demo.bootstrap(own_settings)["tool"]["key"]
    lrs(own_settings, "import", "-", stdin=lines([statement(1)]))
    lrs(own_settings, "import", "--as", tool, "-", stdin=lines([statement(2)]))
    out = lrs(own_settings, "export").stdout.splitlines()
    names = [orjson.loads(line)["authority"]["account"]["name"] for line in out]
    assert names == ["lrs-import", tool]


def test_credentials_and_institutions(own_settings: Settings) -> None:
    assert lrs(own_settings, "institutions", "create", "Second").returncode == 0
    assert "Second" in lrs(own_settings, "institutions", "list").stdout
    ambiguous = lrs(own_settings, "credentials", "list")
    assert ambiguous.returncode == 2
    assert "--institution" in ambiguous.stderr
    there = ("--institution", "Second")
    issued = lrs(own_settings, "credentials", "issue", *there, "--label", "x", "--role", "tool")
    key = issued.stdout.split()[1]
    assert key in lrs(own_settings, "credentials", "list", *there).stdout
    assert lrs(own_settings, "credentials", "revoke", *there, key).returncode == 0
    assert "revoked" in lrs(own_settings, "credentials", "list", *there).stdout
    assert lrs(own_settings, "credentials", "revoke", *there, "nobody").returncode == 1


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_cut_import_goes_on_and_nothing_is_lost_or_doubled(
    own_settings: Settings, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    values = [statement(n) for n in range(20_000)]
    for value in values[::3]:
        del value["id"]
    file = tmp_path / "many.jsonl"
    file.write_bytes(lines(values))
    process = subprocess.Popen(
        command("import", "--batch", "50", str(file)),
        env=environment(own_settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoints = own_settings.data / "imports"
    until = time.monotonic() + 60
    while not list(checkpoints.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(sent)
    assert process.wait(20) == code
    done = lrs(own_settings, "import", str(file))
    assert done.returncode == 0, done.stderr
    assert "20,000 statements" in done.stdout
    assert "gone on after number" in done.stdout
    assert len(lrs(own_settings, "export").stdout.splitlines()) == 20_000
    assert not list(checkpoints.glob("*.json"))
