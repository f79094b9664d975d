"""`lrs import` and `lrs export` as commands: exit codes, reports, and what survives kill -9."""

import gzip
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.local import demo, instance
from lrs.settings import Settings
from tests.commands import COMMAND, Apart, folder_only, run_apart
from tests.integration.imports.test_importer import statement


@pytest.fixture
def lrs(own_settings: Settings) -> Apart:
    """`lrs` on a database with the demo institution, which it finds by the data folder."""
    demo.bootstrap(own_settings)
    instance.write(own_settings, {})
    return partial(run_apart, own_settings.data)


def lines(values: list[Any]) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def test_files_and_standard_input_in_and_out(lrs: Apart, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.jsonl.gz"
    one.write_bytes(orjson.dumps([statement(n) for n in range(10)]))
    two.write_bytes(gzip.compress(lines([statement(n) for n in range(20)]) + b"nonsense\n"))
    done = lrs("import", str(one), str(two), "-", stdin=lines([statement(1), statement(2)]))
    assert done.returncode == 0, done.stderr
    assert "10 statements (10 accepted, 0 already there, 0 refused)" in done.stdout
    assert "21 statements (20 accepted, 0 already there, 1 refused)" in done.stdout
    assert "refused by json: 1" in done.stdout
    assert "standard input: 2 statements (2 accepted" in done.stdout
    report = Path(done.stdout.split("reasons: ")[1].splitlines()[0])
    assert orjson.loads(report.read_bytes())["number"] == 21
    out = tmp_path / "out.jsonl"
    done = lrs("export", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert len(out.read_bytes().splitlines()) == 32
    assert out.stat().st_mode & 0o777 == 0o600
    assert lrs("export").stdout.encode() == out.read_bytes()


def test_wrong_use_is_2(lrs: Apart, own_settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(lines([statement(1)]))
    assert lrs("import").returncode == 2
    assert lrs("import", str(tmp_path / "absent")).returncode == 2
    assert lrs("import", "--institution", "nobody", str(file)).returncode == 2
    assert lrs("import", "--as", "nobody", str(file)).returncode == 2
    officer = demo.bootstrap(own_settings)["officer"]["key"]
    assert lrs("import", "--as", officer, str(file)).returncode == 2


def test_the_authority_is_who_imports(lrs: Apart, own_settings: Settings) -> None:
    tool = demo.bootstrap(own_settings)["tool"]["key"]
    lrs("import", "-", stdin=lines([statement(1)]))
    lrs("import", "--as", tool, "-", stdin=lines([statement(2)]))
    out = lrs("export").stdout.splitlines()
    names = [orjson.loads(line)["authority"]["account"]["name"] for line in out]
    assert names == ["lrs-import", tool]


def test_credentials_and_institutions(lrs: Apart) -> None:
    assert lrs("institutions", "create", "Second").returncode == 0
    assert "Second" in lrs("institutions", "list").stdout
    ambiguous = lrs("credentials", "list")
    assert ambiguous.returncode == 2
    assert "--institution" in ambiguous.stderr
    there = ("--institution", "Second")
    issued = lrs("credentials", "issue", *there, "--label", "x", "--role", "tool")
    key = issued.stdout.split()[1]
    assert key in lrs("credentials", "list", *there).stdout
    assert lrs("credentials", "revoke", *there, key).returncode == 0
    assert "revoked" in lrs("credentials", "list", *there).stdout
    assert lrs("credentials", "revoke", *there, "nobody").returncode == 1


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_cut_import_goes_on_and_nothing_is_lost_or_doubled(
    lrs: Apart, own_settings: Settings, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    values = [statement(n) for n in range(20_000)]
    for value in values[::3]:
        del value["id"]
    file = tmp_path / "many.jsonl"
    file.write_bytes(lines(values))
    process = subprocess.Popen(
        # Where the tests are run in the background they are deaf to SIGINT, and so their children.
        ["env", "--default-signal=INT", *COMMAND, "import", "--batch", "50", str(file)],
        env=folder_only(own_settings.data),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoints = own_settings.data / "imports"
    until = time.monotonic() + 60
    while not list(checkpoints.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(sent)
    assert process.wait(20) == code
    done = lrs("import", str(file))
    assert done.returncode == 0, done.stderr
    assert "20,000 statements" in done.stdout
    assert "gone on after number" in done.stdout
    assert len(lrs("export").stdout.splitlines()) == 20_000
    assert not list(checkpoints.glob("*.json"))
