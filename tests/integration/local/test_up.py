"""`lrs up` as a person runs it: one command, everything answers, nothing dies for good."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest

from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from lrs.settings import Settings

STARTED = ("postgres", "kafka", "clickhouse", "api", "relay", "worker", "jobs")


class Up:
    """A running `lrs up` in a folder of its own."""

    def __init__(self, data: Path, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self.ready = data.with_suffix(".ready.json")
        self.log = data.with_suffix(".log")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LRS_")}
        self.environment = {**clean, **(environment or {})}
        self.process = self.command()
        self.wait(self.ready.exists)

    def command(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "infra.cli", "up", "--data", self.data),
                    *("--port", "0", "--no-demo", "--ready-file", self.ready),
                ],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait(self, condition: Any, seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ready.read_bytes())
        return told

    def all_ready(self) -> bool:
        try:
            url = f"{self.told()['url']}/health/ready?all=true"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError):
            return False

    def post(self) -> str:
        told, name = self.told(), str(uuid4())
        statement = {
            "id": name,
            "actor": {"mbox": "mailto:someone@example.org"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
            "object": {"id": "https://example.org/page"},
        }
        status, _ = self.call(f"{told['xapi_url']}/statements", json.dumps(statement).encode())
        assert status == 200
        return name

    def has(self, statement: str) -> bool:
        url = f"{self.told()['xapi_url']}/statements?statementId={statement}"
        return self.call(url)[0] == 200

    def call(self, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        pair = self.told()["credentials"]["tool"]
        basic = base64.b64encode(f"{pair['key']}:{pair['secret']}".encode()).decode()
        request = urllib.request.Request(
            url,
            data=body,
            headers={
                "Authorization": f"Basic {basic}",
                "Content-Type": "application/json",
                "X-Experience-API-Version": "2.0.0",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()

    def family(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return own.children(recursive=True)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> float:
        started = time.monotonic()
        self.process.send_signal(by)
        self.process.wait(30)
        return time.monotonic() - started


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "data")
    yield started
    if started.process.poll() is None:
        started.stop()


def gone(processes: list[psutil.Process], seconds: float = 10) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def test_stop_and_start_again_keeps_what_was_stored(up: Up) -> None:
    told = up.told()
    assert up.ready.stat().st_mode & 0o777 == 0o600
    assert set(told["pids"]) == {"supervisor", *STARTED}
    assert {"tool", "instructor", "officer", "operator"} <= set(told["credentials"])
    statement = up.post()
    family = up.family()
    seconds = up.stop(signal.SIGINT)
    assert seconds < 10
    assert up.process.returncode == 0
    assert gone(family)
    assert not up.ready.exists()
    assert not (up.data / "instance.json").exists()

    started = time.monotonic()
    up.process = up.command()
    up.wait(up.ready.exists)
    assert time.monotonic() - started < 20
    assert up.told()["credentials"] == told["credentials"]
    assert up.has(statement)


def test_a_second_one_on_the_same_folder_is_refused(up: Up) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "infra.cli", "up", "--data", up.data, "--port", "0"],
        env=up.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"in use by `lrs up` with pid {up.process.pid}" in second.stderr
    assert up.all_ready()


def kill(up: Up, name: str) -> int:
    """Kills a part, once it is there; returns its pid."""
    while True:
        pid: int = up.told()["pids"][name]
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            time.sleep(0.05)
        else:
            return pid


def test_whatever_dies_is_started_again(up: Up) -> None:
    statement = up.post()
    for name in STARTED:
        # Whoever loses what it needs may end by itself: killed is only what runs.
        up.wait(up.all_ready)
        before = kill(up, name)
        up.wait(lambda name=name, before=before: up.told()["pids"][name] != before)
    up.wait(up.all_ready)
    assert up.has(statement)
    assert up.has(up.post())
    told = up.log.read_text()
    assert all(f"{name} ended (code -9)" in told for name in STARTED)


def test_a_supervisor_that_was_killed_leaves_nothing_and_the_next_one_starts(up: Up) -> None:
    statement = up.post()
    family = up.family()
    up.process.kill()
    up.process.wait()
    up.ready.unlink()
    up.process = up.command()
    up.wait(up.ready.exists)
    assert gone(family)
    assert up.has(statement)


def test_external_parts_are_used_as_they_are(
    own_settings: Settings,
    postgres: Postgres,
    kafka: Kafka,
    topic_prefix: str,
    tmp_path: Path,
) -> None:
    external = {
        "LRS_DSN": own_settings.dsn,
        "LRS_ADMIN_DSN": own_settings.admin_dsn,
        "LRS_KEYSTORE_DSN": own_settings.keystore_dsn,
        "LRS_KEYSTORE_ADMIN_DSN": own_settings.keystore_admin_dsn,
        "LRS_KAFKA": kafka.bootstrap,
        "LRS_TOPIC_PREFIX": topic_prefix,
    }
    up = Up(tmp_path / "external", external)
    try:
        assert not {"postgres", "kafka"} & set(up.told()["pids"])
        statement = up.post()
        assert up.has(statement)
    finally:
        assert up.stop() < 10
    assert postgres.child.alive()
    assert kafka.child.alive()
    with psycopg.connect(own_settings.admin_dsn) as connection:
        row = connection.execute("SELECT count(*) > 0 FROM lrs.institutions").fetchone()
    assert row == (True,)
