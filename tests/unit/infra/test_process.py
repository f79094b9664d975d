"""Children end with us, are found again, and no stranger is ever ended."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGTERM

import orjson
import psutil
import pytest

from infra.local.process import (
    LOOPBACK,
    Child,
    StartFailed,
    free_port,
    listens,
    port_is_free,
    tied,
)
from tests.waiting import until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    *(sys.executable, "-c"),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True);"
    " time.sleep(600)",
]


def wait_for_output(child: Child) -> None:
    until(child.log.read_bytes, 10)


def test_start_stop_and_record(tmp_path: Path) -> None:
    child = Child("sleeper", tmp_path / "logs")
    assert not child.alive()
    assert child.pid == 0
    child.start(tied(SLEEP, SIGTERM))
    assert child.alive()
    assert orjson.loads(child.record.read_bytes())["pid"] == child.pid
    child.stop()
    assert not child.alive()
    assert not child.record.exists()
    with pytest.raises(StartFailed, match="sleeper"):
        child.check()


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = Child("deaf", tmp_path)
    child.start(tied(DEAF, SIGTERM))
    wait_for_output(child)
    started = time.monotonic()
    child.stop(0.3)
    assert time.monotonic() - started < 5
    assert not child.alive()


def test_one_left_behind_is_ended_by_the_next_start(tmp_path: Path) -> None:
    first = Child("sleeper", tmp_path)
    first.start(SLEEP)
    second = Child("sleeper", tmp_path)
    second.start(SLEEP)
    assert not first.alive()
    assert second.alive()
    second.stop()


def test_a_stranger_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEP)
    record = {"pid": stranger.pid, "born": 1.0, "stop_signal": int(SIGTERM)}
    (tmp_path / "sleeper.pid").write_bytes(orjson.dumps(record))
    Child("sleeper", tmp_path).end_leftover()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_an_unreadable_record_is_ignored(tmp_path: Path) -> None:
    child = Child("sleeper", tmp_path)
    child.record.write_bytes(b"{")
    child.end_leftover()
    assert not child.record.exists()


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from signal import SIGTERM; from pathlib import Path\n"
        "from infra.local.process import Child, tied\n"
        f"c = Child('sleeper', Path(sys.argv[1])); c.start(tied({SLEEP!r}, SIGTERM))\n"
        "print(c.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    until(lambda: child.cmdline()[:1] == [sys.executable])  # tied once it is what it runs
    parent.kill()
    parent.wait()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.process.LOG_LIMIT", 10)
    child = Child("sleeper", tmp_path)
    child.log.write_bytes(b"x" * 11)
    child.start(SLEEP)
    child.stop()
    assert child.log.with_suffix(".log.1").read_bytes() == b"x" * 11


def test_ports() -> None:
    port = free_port()
    assert port_is_free(port)
    assert not listens(port)
    with socket.create_server((LOOPBACK, port)):
        assert not port_is_free(port)
        assert listens(port)
