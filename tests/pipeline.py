"""The streams as they run in production: `lrs relay` and `lrs worker` as processes of their own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from infra.local import instance
from infra.topics import ensure_topics
from lrs.settings import Settings
from projections.views.tracking import reflected

PROCESSES = ("relay", "worker")


class Running:
    """The processes, and how far the views are."""

    def __init__(self, settings: Settings, children: dict[str, subprocess.Popen[bytes]]) -> None:
        self.settings = settings
        self.children = children

    def wait(self, position: int, seconds: float) -> float:
        """Returns after how many seconds the views reflect `position`; fails when too late."""
        started = time.monotonic()
        with psycopg.connect(self.settings.dsn, autocommit=True) as connection:
            while (reached := reflected(connection).position) < position:
                for name, child in self.children.items():
                    assert child.poll() is None, f"lrs {name} ended:\n{self.log(name)[-3000:]}"
                waited = time.monotonic() - started
                assert waited < seconds, f"after {waited:.0f} s at {reached} of {position}"
                time.sleep(0.02)
        return time.monotonic() - started

    def log(self, name: str) -> str:
        """Returns what a process logged."""
        return log_file(self.settings, name).read_text()


def log_file(settings: Settings, name: str) -> Path:
    """Returns where a process logs to."""
    return settings.data / f"{name}.log"


@contextmanager
def streams(settings: Settings) -> Iterator[Running]:
    """Runs relay and worker over the database and the broker of `settings`."""
    ensure_topics(settings)
    instance.write(settings, {})
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in PROCESSES:
            with log_file(settings, name).open("wb") as log:
                children[name] = subprocess.Popen(
                    [sys.executable, "-m", "infra.cli", name, "--data", str(settings.data)],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        yield Running(settings, children)
    finally:
        for child in children.values():
            child.terminate()
        for child in children.values():
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
